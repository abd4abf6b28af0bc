"""The serial port of an slcan adapter, as python-can is to see it: whole ASCII lines of wanted frames, nothing else.

python-can reads a port byte by byte, parses every frame before it filters, fails for ever on a byte beyond ASCII and
stores a line that never ends. In between, this reads what is there at once and passes on what is of use: on a full
bus that is the difference between a few per cent of a small computer and all of it.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

LINE_BYTES: Final = 256  # the longest frame, FD with a time stamp, has 143

_STANDARD: Final = b"tdbr"  # first letters of frames: data, FD, FD with a faster data phase, remote
_EXTENDED: Final = b"TDBRx"
# BEL ends a line as CR does. What is not ASCII becomes a character that no frame has.
_CLEAN: Final = bytes(0x0D if code == 0x07 else code if code < 0x80 else 0x3F for code in range(256))
_WRITE_TIMEOUT_S: Final = 0.2
_QUEUED_BYTES: Final = 1 << 20  # more than any kernel stores of a serial device


class SlcanPort:
    """Stands in for the pyserial port of an open `slcanBus`; lines that are no frames are counted as garbage."""

    def __init__(self, port: Any, identifiers: Iterable[tuple[int, bool]], counters: Counter[str]) -> None:
        self._port = port
        self._counters = counters
        self._wanted = {b"%08X" % number if extended else b"%03X" % number for number, extended in identifiers}
        self._rest = b""  # the line that has not ended yet
        self._ready = b""
        self._at = 0
        port.write_timeout = _WRITE_TIMEOUT_S  # a device that hangs must not hang the closing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)

    @property
    def in_waiting(self) -> int:
        return len(self._ready) - self._at

    def read(self, _size: int = 1) -> bytes:
        """One byte; none if no wanted frame came within the port's timeout or with the bytes read."""
        if self._at >= len(self._ready):
            self._ready, self._at = self._frames(self._port.read(self._port.in_waiting or 1)), 0
        byte = self._ready[self._at : self._at + 1]
        self._at += len(byte)
        return byte

    def reset_input_buffer(self) -> None:
        """Drops all that is queued, and what a driver or the adapter hands on from its own store: old as well."""
        self._port.reset_input_buffer()
        self._port.read(_QUEUED_BYTES)  # for as long as the port's timeout
        self._rest = self._ready = b""
        self._at = 0

    def _frames(self, data: bytes) -> bytes:
        *lines, self._rest = (self._rest + data.translate(_CLEAN)).split(b"\r")
        if len(self._rest) > LINE_BYTES:
            self._rest = b""
            self._counters["garbage"] += 1
        return b"".join([line + b"\r" for line in lines if line and self._wants(line)])

    def _wants(self, line: bytes) -> bool:
        kind = line[:1]
        if kind in _STANDARD:
            return line[1:4].upper() in self._wanted
        if kind in _EXTENDED:
            return line[1:9].upper() in self._wanted
        self._counters["garbage"] += 1  # we ask the adapter nothing: it has nothing else to say
        return False
