"""A serial line in raw mode, and writing all of something to a descriptor."""

import os
import select
import termios
import tty
from typing import Final

_BAUDS: Final = {
    int(name[1:]): getattr(termios, name) for name in dir(termios) if name[:1] == "B" and name[1:].isdigit()
}


def open_device(path: str, baud: int = 115200) -> int:
    """Its descriptor; ValueError for a speed that no serial line has, OSError where it cannot be opened."""
    if baud not in _BAUDS or not baud:
        raise ValueError(f"{baud} baud: not a speed of serial lines")
    device = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        tty.setraw(device, termios.TCSANOW)
        mode = termios.tcgetattr(device)
        mode[2] = (mode[2] | termios.CLOCAL | termios.CREAD) & ~termios.HUPCL
        mode[4] = mode[5] = _BAUDS[baud]
        termios.tcsetattr(device, termios.TCSANOW, mode)
        termios.tcflush(device, termios.TCIOFLUSH)
    except termios.error as error:
        os.close(device)
        raise OSError(error.args[0], error.args[1], path) from error
    return device


def write_all(descriptor: int, data: bytes) -> None:
    """Waits for whom it concerns; OSError if the line is gone."""
    left = memoryview(data)
    while left:
        try:
            left = left[os.write(descriptor, left) :]
        except BlockingIOError:
            select.select([], [descriptor], [])
