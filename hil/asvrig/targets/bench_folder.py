"""The folder of a unit of this machine: a small disk of its own where that is allowed, so that it can be full.

It lies at a short path, as sockets need one; its files are handed over when the bench closes. A bench that was killed
leaves its folder behind: the next one that is opened takes it away.
"""

import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from asvrig.agent import faults

SIZE_MB: Final = 96
_PREFIX: Final = "asvkit-rig-"
_LOCK: Final = "lock"


class BenchFolder:
    """`room`: for sockets and such; `path` in it: the unit's. `small`: that is a disk of its own."""

    def __init__(self) -> None:
        clean()
        self.room = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self._lock = _locked(self.room / _LOCK, os.O_CREAT)
        self.path = self.room / "unit"
        self.path.mkdir()
        self._unmount: Callable[[], None] | None = None
        with contextlib.suppress(OSError):  # it takes root
            self._unmount = faults.small_disk(self.path, SIZE_MB)

    @property
    def small(self) -> bool:
        return self._unmount is not None

    def close(self, keep: Path) -> None:
        """The files go to `keep`; may be called twice."""
        if not self.room.exists():
            return
        with contextlib.suppress(shutil.Error, OSError):  # what cannot be kept is not worth a failure
            shutil.copytree(self.path, keep, dirs_exist_ok=True, symlinks=True, ignore=_no_files)
        if self._unmount is not None:
            with contextlib.suppress(OSError):
                self._unmount()
        shutil.rmtree(self.room, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)


def clean() -> None:
    """Takes away what benches of processes that are no more have left: nobody holds their lock."""
    for room in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        lock = _locked(room / _LOCK)
        if lock is None:
            continue
        with contextlib.suppress(OSError):
            if os.path.ismount(room / "unit"):
                argv = ["umount", "-l", str(room / "unit")]
                subprocess.run(argv, check=False, capture_output=True)  # noqa: S603
        shutil.rmtree(room, ignore_errors=True)
        os.close(lock)


def _locked(path: Path, flags: int = 0) -> int | None:
    """The file, locked for as long as it is open; None: it is not there, not ours, or another process has it."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | flags, 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        return None
    return file


def _no_files(folder: str, names: list[str]) -> set[str]:
    """Sockets and FIFOs are not kept."""
    return {name for name in names if not os.path.isfile(f"{folder}/{name}") and not os.path.isdir(f"{folder}/{name}")}
