"""One file of a session's part: appended to, never torn while the program lives, kept whole by a full disk."""

import os
from contextlib import suppress
from pathlib import Path


class PartFile:
    """Takes whole lines. OSError where the file does not take them; what of them it holds ends with a line."""

    def __init__(self, path: Path) -> None:
        """OSError where it cannot be made. One that is there already is another unit's work: FileExistsError."""
        self.path = path
        self.bytes = 0
        self._dirty = False
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o640)

    def append(self, lines: bytes) -> None:
        """Write lines, to the last byte or up to the end of one of them."""
        done = 0
        self._dirty = True
        try:
            while done < len(lines):
                done += os.write(self._descriptor, lines[done:] if done else lines)
        except OSError:
            whole = lines.rfind(b"\n", 0, done) + 1
            with suppress(OSError):
                os.ftruncate(self._descriptor, self.bytes + whole)
            self.bytes += whole
            raise
        self.bytes += done

    def sync(self) -> None:
        """On the disk, not only handed over: what a power cut must not take."""
        if self._dirty:
            os.fdatasync(self._descriptor)
            self._dirty = False

    def close(self) -> None:
        """On the disk if that goes, and closed; may be called twice."""
        if self._descriptor >= 0:
            with suppress(OSError):
                self.sync()
            with suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = -1


def sync_folder(folder: Path) -> None:
    """The names in a folder, on the disk; nothing where its file system does not know that."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_whole(path: Path, data: bytes) -> None:
    """A small file that is there whole or not at all, whenever the power goes. OSError where it cannot be."""
    fresh = path.with_name(f".{path.name}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
    try:
        try:
            done = 0
            while done < len(data):
                done += os.write(descriptor, data[done:])
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        fresh.replace(path)
    except OSError:
        with suppress(OSError):
            fresh.unlink()
        raise
    sync_folder(path.parent)
