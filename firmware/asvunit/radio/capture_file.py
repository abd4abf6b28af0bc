"""The file, or named pipe, that a capture is written to: opened again after faults, its torn end mended.

A file that a killed program left behind may end within a block: that end is cut off before a new section follows.
Bytes that a full disk does not take wait, so that no block is ever torn while the program lives.
"""

import errno
import fcntl
import mmap
import os
import stat
import struct
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final

from asvunit.errors import UsageError
from asvunit.radio.pcapng import SECTION

KEPT_BYTES: Final = 1 << 20  # that wait for a disk
_RETRY_S: Final = 1.0
_BLOCKS_A_CALL: Final = 64
_MAGIC: Final = SECTION.to_bytes(4, "little")
_BIG: Final = b"\x1a\x2b\x3c\x4d"  # byte order of a section, as written by a big-endian machine
_LONGEST_BLOCK: Final = 1 << 24
_SHORTEST_WRITTEN: Final = 20  # an interface's
_WORDS: Final = {
    errno.ENOSPC: "disk full",
    errno.EDQUOT: "disk full",
    errno.ENXIO: "its reader is absent",
    errno.EPIPE: "its reader is gone",
    errno.EAGAIN: "its reader does not keep up",
    errno.EWOULDBLOCK: "its reader does not keep up",
}
_WAITED_OUT: Final = (errno.ENOSPC, errno.EDQUOT, errno.EAGAIN)  # the file stays good, and goes on where it stopped


class CaptureFile:
    """Takes whole blocks. Faults to open are UsageErrors of the constructor; later ones are told by `fault`.

    `section` is called whenever a new section is to begin: it writes the section's head through `write`.
    """

    def __init__(self, path: Path, key: str, clock: Callable[[], float] = time.monotonic) -> None:
        """`key`: what named the file, for the word on one that cannot be opened. `clock`: seconds, for the retries."""
        self.path = path
        self.fault = ""
        self.torn = 0  # ends of files that were cut off
        self.discarded = 0  # blocks that waited for a file that is gone
        self.section: Callable[[], None] = lambda: None
        self._clock = clock
        self._waiting: deque[bytes | memoryview] = deque()
        self._bytes = 0
        self._retry_s = self._look_s = 0.0
        self._fresh = True  # a section is to begin
        try:
            self._descriptor = _open(path)
        except OSError as error:
            if not _is_pipe(path) or error.errno != errno.ENXIO:
                raise _refused(key, path, error) from error
            self._descriptor = -1  # a pipe that nobody reads yet
            self.fault = _word(error)

    def write(self, block: bytes) -> None:
        """Takes a block in, to be written by `flush`."""
        self._waiting.append(block)
        self._bytes += len(block)

    def room(self) -> bool:
        """Whether further blocks are taken; if not, they are lost."""
        return self._bytes < KEPT_BYTES and not self._absent()

    def begin(self) -> bool:
        """Opens what is closed, when it is time to; True if blocks can be written. Begins a section where needed."""
        if self._absent():
            if self._clock() < self._retry_s:
                return False
            self._retry_s = self._clock() + _RETRY_S
            try:
                self._descriptor = _open(self.path)
            except OSError as error:
                self.fault = _word(error)
                return False
            self._fresh = True
        elif self._clock() >= self._look_s:
            self._look_s = self._clock() + _RETRY_S
            if (self.fault or not self._waiting) and self._moved():
                self.close()
                return self.begin()
        if self._fresh:
            try:
                self.torn += _mend(self._descriptor)
            except (OSError, ValueError) as error:
                self._failed(error if isinstance(error, OSError) else OSError(0, str(error)))
                return False
            self._fresh = False
            self.discarded += len(self._waiting)
            self._waiting.clear()
            self._bytes = 0
            self.section()
        return True

    def flush(self) -> None:
        """Writes what waits, as far as it goes."""
        try:
            while self._waiting and not self._absent():
                self._written(os.writev(self._descriptor, list(islice(self._waiting, _BLOCKS_A_CALL))))
            if not self._absent():
                self.fault = ""
        except OSError as error:
            self._failed(error)

    def _written(self, count: int) -> None:
        self._bytes -= count
        while count:
            block = self._waiting.popleft()
            if count < len(block):  # the rest goes first, next time
                self._waiting.appendleft(memoryview(block)[count:])
                break
            count -= len(block)

    def sync(self) -> None:
        """What was written is on the disk, not only handed over: what a power cut must not take."""
        if not self._absent():
            try:
                os.fdatasync(self._descriptor)
            except OSError as error:
                if error.errno != errno.EINVAL:  # a pipe has no disk
                    self._failed(error)

    def move(self, path: Path) -> None:
        """Goes on in another file, from a new section; what waits for the one before is its last."""
        self.flush()
        self.close()
        self.path, self._fresh = path, True

    def close(self) -> None:
        """May be called twice."""
        if not self._absent():
            with suppress(OSError):
                os.close(self._descriptor)
        self._descriptor = -1
        self._retry_s = 0.0

    def _absent(self) -> bool:
        return self._descriptor < 0

    def _failed(self, error: OSError) -> None:
        self.fault = _word(error)
        if error.errno not in _WAITED_OUT:
            self.close()
            self._retry_s = self._clock() + _RETRY_S
            self._fresh = True

    def _moved(self) -> bool:
        """Whether the path is another file now, or none: taken away by a person, or a change of logs."""
        try:
            return not os.path.samestat(os.stat(self.path), os.fstat(self._descriptor))
        except OSError:
            return True


def _open(path: Path) -> int:
    """OSError, with `EBUSY` where another unit writes it, `EINVAL` where something else is in it."""
    ways = os.O_WRONLY if _is_pipe(path) else os.O_RDWR | os.O_CREAT | os.O_APPEND
    descriptor = os.open(path, ways | os.O_CLOEXEC | os.O_NONBLOCK, 0o640)
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise OSError(errno.EBUSY, "another unit writes it") from None
            except OSError:  # a file system without locks
                pass
            head = os.pread(descriptor, 4, 0)
            if head and not _MAGIC.startswith(head):
                raise OSError(errno.EINVAL, "there is something else in it than a pcapng capture")
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _is_pipe(path: Path) -> bool:
    with suppress(OSError):
        return stat.S_ISFIFO(os.stat(path).st_mode)
    return False


def _refused(key: str, path: Path, error: OSError) -> UsageError:
    mend = "name another file" if error.errno in (errno.EBUSY, errno.EINVAL) else "name a file in a folder that is"
    return UsageError(f"{key}: {path}: cannot be written: {error.strerror}; {mend}")


def _word(error: OSError) -> str:
    return _WORDS.get(error.errno or 0) or error.strerror or str(error)


def _mend(descriptor: int) -> int:
    """Cuts the end off a file that ends within a block; whether it did."""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        return 0
    size = os.fstat(descriptor).st_size
    if not size or _ends_whole(descriptor, size):
        return 0
    with mmap.mmap(descriptor, size, prot=mmap.PROT_READ) as content:
        end = _whole_blocks(content, size)
    if end < size:
        os.ftruncate(descriptor, end)
    return int(end < size)


def _ends_whole(descriptor: int, size: int) -> bool:
    """Whether the file plainly ends with a whole block of this machine's: spares walking through all of it."""
    (length,) = struct.unpack("<I", os.pread(descriptor, 4, size - 4)) if size >= 12 else (0,)
    if length % 4 or not _SHORTEST_WRITTEN <= length <= min(size, _LONGEST_BLOCK):
        return False
    kind, first = struct.unpack("<II", os.pread(descriptor, 8, size - length))
    return bool(first == length and (kind == SECTION or 1 <= kind <= 10))


def _whole_blocks(content: mmap.mmap, size: int) -> int:
    """Where the last whole block ends."""
    at, order = 0, "<"
    while at + 12 <= size:
        if content[at : at + 4] == _MAGIC:
            order = ">" if content[at + 8 : at + 12] == _BIG else "<"
        (length,) = struct.unpack_from(order + "I", content, at + 4)
        end = at + length
        if length % 4 or not 12 <= length <= _LONGEST_BLOCK or end > size:
            break
        if struct.unpack_from(order + "I", content, end - 4)[0] != length:
            break
        at = end
    return at
