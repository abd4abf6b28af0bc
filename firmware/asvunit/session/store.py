"""A session's folder as it is written: what stands in it once, its lock, and the files of the part in hand.

OSErrors are the caller's, who goes on with a new part when it goes again.
"""

import contextlib
import errno
import fcntl
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from asvunit.session import form
from asvunit.session.about import copy_files
from asvunit.session.part_file import PartFile, sync_folder, write_whole

_SAME_SECOND: Final = 1000  # sessions of one name, at most


class Store:
    """One session's folder below `root`; `make` before all else."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.path = root
        self.part = 1
        self.head = b""  # of each part's journal
        self._about: dict[str, Any] = {}
        self._config_path, self._named = Path(), dict[str, Path]()
        self._files: dict[str, PartFile] = {}
        self._lock = -1

    def make(self, about: Mapping[str, Any], config_path: Path, named: Mapping[str, Path]) -> None:
        """The folder, named by when it began and as whom."""
        self._about, self._config_path, self._named = dict(about), config_path, dict(named)
        began = datetime.fromisoformat(self._about["started"])
        name = f"{began:%Y%m%dT%H%M%SZ}-v{self._about['vehicle_id']}"
        for number in range(1, _SAME_SECOND):
            self.path = self.root / (f"{name}_{number}" if number > 1 else name)
            with contextlib.suppress(FileExistsError):
                self.path.mkdir(mode=0o750)
                self._furnish()
                return
        raise OSError(errno.EEXIST, "too many sessions of one second")

    def append(self, kind: str, lines: bytes) -> None:
        """To the part's file of a kind, made when it is needed first."""
        file = self._files.get(kind)
        if file is None:
            file = self._files[kind] = PartFile(self.path / form.part_name(kind, self.part))
            sync_folder(self.path)
            if kind == form.JOURNAL:
                file.append(self.head)
        file.append(lines)

    def begin_part(self, state: Mapping[str, Any]) -> None:
        """The next part, whose journal begins at a state of the core; where that does not go, nothing is left of it."""
        self.close_files()
        self.part += 1
        try:
            self._begin(state)
        except OSError:
            self.close_files()
            for kind in (form.CHECKPOINT, form.JOURNAL):
                with contextlib.suppress(OSError):
                    (self.path / form.part_name(kind, self.part)).unlink()
            self.part -= 1
            raise

    def _begin(self, state: Mapping[str, Any]) -> None:
        if not (self.path / form.SESSION).exists():  # taken away by a person, or with its disk
            self.path.mkdir(mode=0o750, exist_ok=True)
            self._furnish()
        checkpoint = {"part": self.part, **state}
        write_whole(self.path / form.part_name(form.CHECKPOINT, self.part), _json(checkpoint, None))
        self.append(form.JOURNAL, b"")

    def sync(self) -> None:
        """All of it on the disk, causes before effects."""
        for file in self._files.values():
            file.sync()

    @property
    def part_bytes(self) -> int:
        """Of the part in hand."""
        return sum(file.bytes for file in self._files.values())

    def close_files(self) -> None:
        """Those of the part."""
        for file in self._files.values():
            file.close()
        self._files = {}

    def end(self, told: Mapping[str, Any]) -> None:
        """How it ended; nothing more follows."""
        self.close_files()
        ended = {"ended": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}", **told, "parts": self.part}
        with contextlib.suppress(OSError):
            write_whole(self.path / form.END, _json(ended))
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _furnish(self) -> None:
        """The files that do not grow, and the lock."""
        copy_files(self.path, self._config_path, self._named)
        if self._lock >= 0:
            os.close(self._lock)
        self._lock = os.open(self.path / form.LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        write_whole(self.path / form.SESSION, _json(self._about))
        sync_folder(self.root)


def _json(told: Mapping[str, Any], indent: int | None = 2) -> bytes:
    return json.dumps(told, ensure_ascii=False, indent=indent).encode() + b"\n"
