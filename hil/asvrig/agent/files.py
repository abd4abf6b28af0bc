"""Files of the target's machine, read and written in pieces. Relative paths are resolved by who calls."""

import os
import stat
from pathlib import Path
from typing import Any

from asvrig.agent.wire import PIECE_BYTES, pack, unpack


def read(path: Path, at: int) -> dict[str, Any]:
    """A piece from there on; `end`: there is no more. ValueError for what is no file, as a pipe or a device."""
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise ValueError(f"{path}: no plain file")
        data = os.pread(file, PIECE_BYTES, at)
    finally:
        os.close(file)
    return {"data": pack(data), "end": not data}


def push(path: Path, text: object) -> dict[str, Any]:
    """Into a pipe that is there and is read; OSError where there is none, ValueError where it is none, or full."""
    data = unpack(text)
    file = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISFIFO(os.fstat(file).st_mode):
            raise ValueError(f"{path}: no pipe")
        if os.write(file, data) != len(data):
            raise ValueError(f"{path}: its reader does not keep up")
    finally:
        os.close(file)
    return {}


def write(path: Path, at: int, text: object, last: bool) -> dict[str, Any]:
    """A piece; with the last one the file is there, whole. ValueError where something else is in its place."""
    data = unpack(text)
    if path.exists() and not path.is_file():
        raise ValueError(f"{path}: no plain file")
    fresh = path.with_name(f".{path.name}.new")
    fresh.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | (0 if at else os.O_TRUNC), 0o644)
    try:
        while data:
            written = os.pwrite(file, data, at)
            data, at = data[written:], at + written
    finally:
        os.close(file)
    if last:
        fresh.replace(path)
    return {}
