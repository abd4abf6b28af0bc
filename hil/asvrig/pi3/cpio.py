"""Archives that the kernel unpacks as its first file system ("newc"), made without root: all files are root's there."""

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, Final

_MAGIC: Final = b"070701"
_END: Final = "TRAILER!!!"
_PERMISSIONS: Final = 0o7777


class CpioWriter:
    """Entries in, an archive out. Folders go before what is in them; several archives may follow one another."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._number = 0
        self._folders: set[str] = set()

    def add_bytes(self, name: str, data: bytes, mode: int = 0o644) -> None:
        """A file, and the folders that lead to it."""
        self._lead(name)
        self._entry(name, stat.S_IFREG | mode, data)

    def add_tree(self, folder: Path, under: str = "", leave_out: Iterable[str] = ()) -> None:
        """All of a folder, less files and folders of these names."""
        left_out = {*leave_out}
        for here, folders, files in os.walk(folder):
            folders[:] = sorted(name for name in folders if name not in left_out)
            for name in [*folders, *sorted(files)]:
                if name not in left_out:
                    path = Path(here, name)
                    inside = path.relative_to(folder).as_posix()
                    self._add(path, f"{under}/{inside}" if under else inside)

    def close(self) -> None:
        """Writes the end; the file stays open."""
        self._entry(_END, 0, b"")

    def _add(self, path: Path, name: str) -> None:
        mode = path.lstat().st_mode
        self._lead(name)
        if stat.S_ISLNK(mode):
            self._entry(name, stat.S_IFLNK | 0o777, os.fsencode(path.readlink()))
        elif stat.S_ISDIR(mode):
            if name not in self._folders:
                self._folders.add(name)
                self._entry(name, stat.S_IFDIR | (mode & _PERMISSIONS), b"")
        elif stat.S_ISREG(mode):
            self._entry(name, stat.S_IFREG | (mode & _PERMISSIONS), path.read_bytes())

    def _lead(self, name: str) -> None:
        parts = name.split("/")[:-1]
        for at in range(1, len(parts) + 1):
            folder = "/".join(parts[:at])
            if folder not in self._folders:
                self._folders.add(folder)
                self._entry(folder, stat.S_IFDIR | 0o755, b"")

    def _entry(self, name: str, mode: int, data: bytes) -> None:
        self._number += 1
        title = os.fsencode(name) + b"\0"
        fields = (self._number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(title), 0)
        head = _MAGIC + b"".join(b"%08X" % field for field in fields) + title
        self._file.write(head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4))
