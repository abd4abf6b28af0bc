"""Faults done to the machine that a unit runs on: its clock stepped, its disk full, its processor taken away.

Each is begun by a function that gives the one which ends it; that one may be called twice. OSError where the
machine does not allow it, ValueError where it is asked for what cannot be.
"""

import contextlib
import errno
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

Undo = Callable[[], None]

MOST_BYTES: Final = 4 << 30  # a larger disk is not filled: it is not the one that was meant
_FILL: Final = ".filled-by-the-rig"
_BLOCK: Final = 4096
_BUSY: Final = """
import os, sys
os.nice(int(sys.argv[1]))
ours = int(sys.argv[2])
while os.getppid() == ours:
    for _ in range(100000):
        pass
"""


def clock(step_s: float) -> Undo:
    """Steps the system clock by so many seconds. The undo steps it back, whatever it told in between."""
    step_ns = round(float(step_s) * 1e9)
    _step(step_ns)
    return _once(lambda: _step(-step_ns))


def _step(step_ns: int) -> None:
    try:
        time.clock_settime_ns(time.CLOCK_REALTIME, time.clock_gettime_ns(time.CLOCK_REALTIME) + step_ns)
    except OSError as error:
        raise OSError(error.errno, "the system clock cannot be set by this user; it takes root") from error


def disk_full(path: str | Path, leave_bytes: int = 0, most_bytes: int = MOST_BYTES) -> Undo:
    """Fills the disk that holds a folder, but for so many bytes; the undo gives them back."""
    folder = Path(path)
    free = os.statvfs(folder)
    free_bytes = free.f_bfree * free.f_frsize
    if free_bytes > most_bytes:
        raise ValueError(
            f"{folder}: {free_bytes >> 20} MiB are free there: too large a disk to be filled; give the unit a small one"
        )
    filler = folder / _FILL
    file = os.open(filler, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        size = _fill(file, free_bytes)
        if leave_bytes:
            os.ftruncate(file, max(0, size - leave_bytes))
            os.fsync(file)
    except BaseException:
        filler.unlink(missing_ok=True)
        raise
    finally:
        os.close(file)
    return _once(lambda: filler.unlink(missing_ok=True))


def _fill(file: int, free_bytes: int) -> int:
    """Takes all that there is; how much that was."""
    size, step = 0, 1 << max(12, free_bytes.bit_length())
    while step >= _BLOCK:
        try:
            os.posix_fallocate(file, size, step)
            size += step
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
                raise
            step //= 2
    block = b"\0" * _BLOCK
    with contextlib.suppress(OSError):  # what is promised to nobody: the blocks that hold the list of blocks
        while True:
            size += os.pwrite(file, block, size)
    return size


def small_disk(path: str | Path, mib: int) -> Undo:
    """Puts a disk of that size, in memory, over a folder: one that can be filled without harm. It takes root."""
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    _mount("mount", "-t", "tmpfs", "-o", f"size={int(mib)}m,mode=0777", "tmpfs", str(folder))
    return _once(lambda: _mount("umount", "-l", str(folder)))


def _mount(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, check=False, stdin=subprocess.DEVNULL)  # noqa: S603
    if done.returncode:
        said = " ".join(done.stderr.decode("utf-8", "replace").split())
        raise OSError(errno.EPERM, f"{argv[0]}: {said or f'ended with code {done.returncode}'}")


def hog(processes: int = 0, nice: int = 0) -> Undo:
    """Keeps so many processes busy (0: one for each processor) at a nice value; the undo ends them."""
    count = int(processes) or os.cpu_count() or 1
    argv = [sys.executable, "-I", "-S", "-c", _BUSY, str(int(nice)), str(os.getpid())]
    busy: list[subprocess.Popen[bytes]] = []

    def end() -> None:
        for one in busy:
            one.kill()
        for one in busy:
            one.wait()

    try:
        for _ in range(count):
            busy.append(
                subprocess.Popen(  # noqa: S603
                    argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )
            )
    except OSError:
        end()
        raise
    return _once(end)


FAULTS: Final[dict[str, Callable[..., Undo]]] = {
    "clock": clock,
    "disk_full": disk_full,
    "small_disk": small_disk,
    "hog": hog,
}


def begin(name: str, how: dict[str, Any]) -> Undo:
    """A fault by its name. ValueError for one that is not known, or keywords that it does not take."""
    fault = FAULTS.get(name)
    if fault is None:
        raise ValueError(f"no fault {name!r}; there is {', '.join(FAULTS)}")
    try:
        return fault(**how)
    except TypeError as error:
        raise ValueError(f"fault {name}: {error}") from error


def _once(undo: Undo) -> Undo:
    left = [undo]

    def end() -> None:
        if left:
            left.pop()()

    return end
