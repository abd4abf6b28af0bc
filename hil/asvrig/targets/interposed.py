"""A stepped clock and a power cut for programs of this machine, and for them alone: by a library that is preloaded.

The program itself is unchanged; what it asks of the C library passes `interposed.c` first. It is compiled when a
bench is opened, by the machine's own compiler.
"""

import mmap
import os
import shutil
import struct
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from asvunit.errors import AsvkitError

_SOURCE: Final = Path(__file__).with_name("interposed.c")
_FORM: Final = struct.Struct("@q")
_COMPILERS: Final = ("cc", "gcc", "clang")


def missing() -> str:
    """What it needs and this machine lacks, as "needs a C compiler: ..."; "" where nothing is missing."""
    return "" if any(map(shutil.which, _COMPILERS)) else "needs a C compiler: cc, gcc or clang"


class Interposed:
    """The library in a folder, for programs started with `environment`."""

    def __init__(self, folder: Path) -> None:
        """AsvkitError with the compiler's word where it does not compile."""
        self._synced = folder / "synced"
        self._library, clock = folder / "interposed.so", folder / "clock"
        compiler = next(filter(shutil.which, _COMPILERS), _COMPILERS[0])
        argv = [compiler, "-shared", "-fPIC", "-O1", "-o", str(self._library), str(_SOURCE), "-ldl"]
        try:
            done = subprocess.run(argv, capture_output=True, text=True, check=False)  # noqa: S603
        except OSError as error:
            raise AsvkitError(f"{compiler}: {error.strerror}; install a C compiler") from error
        if done.returncode:
            told = next(iter(done.stderr.strip().splitlines()), str(done.returncode))
            raise AsvkitError(f"{compiler}: the bench's clock does not compile: {told}")
        clock.write_bytes(bytes(_FORM.size))
        with clock.open("r+b") as file:
            self._clock = mmap.mmap(file.fileno(), _FORM.size)
        self._path = clock

    @property
    def environment(self) -> dict[str, str]:
        """What a program is started with, over the environment of this one."""
        before = os.environ.get("LD_PRELOAD")
        return {
            "LD_PRELOAD": f"{self._library}:{before}" if before else str(self._library),
            "ASVKIT_BENCH_CLOCK": str(self._path),
            "ASVKIT_BENCH_SYNCED": str(self._synced),
        }

    @property
    def step_ns(self) -> int:
        """By how much the clock is off."""
        return int(_FORM.unpack_from(self._clock)[0])

    def step(self, by_ns: int) -> None:
        """The programs' clock goes forward (or back) at once."""
        _FORM.pack_into(self._clock, 0, self.step_ns + by_ns)

    def cut_power(self, folder: Path, spared: Iterable[Path] = ()) -> dict[str, int]:
        """What no program had made safe is taken from the files of a folder, as after a power cut.

        Bytes lost by file. No program may run that writes there.
        """
        safe: dict[tuple[int, int], int] = {}
        if self._synced.exists():
            for line in self._synced.read_text(encoding="ascii").splitlines():
                device, inode, size = map(int, line.split())
                safe[device, inode] = size
        kept, lost = set(spared), {}
        for path in sorted(folder.rglob("*")):
            if path in kept or path.is_symlink() or not path.is_file():
                continue
            told = path.stat()
            size = min(safe.get((told.st_dev, told.st_ino), 0), told.st_size)
            if size < told.st_size:
                os.truncate(path, size)
                lost[str(path.relative_to(folder))] = told.st_size - size
        return lost

    def close(self) -> None:
        """May be called twice."""
        self._clock.close()
