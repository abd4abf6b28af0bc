"""A CAN adapter on a pty that speaks slcan text, as a CANable does: frames only flow while its host has opened it."""

import re
from collections import deque
from pathlib import Path
from typing import Final

from asvrig.live.device import PtyDevice

_REMEMBERED: Final = 1000
_LONGEST: Final = 64  # of a command; what has no end is no command
_DATA_BYTES: Final = 8
_OK, _BELL = b"\r", b"\a"
_DATA: Final = "|".join(f"{size}[0-9A-Fa-f]{{{2 * size}}}" for size in range(_DATA_BYTES + 1))
_FORM: Final = re.compile(
    "[COLVNF]|[SY][0-9]|s[0-9A-Fa-f]{4,6}"
    rf"|t[0-7][0-9A-Fa-f]{{2}}(?:{_DATA})|T[01][0-9A-Fa-f]{{7}}(?:{_DATA})"
    r"|r[0-7][0-9A-Fa-f]{2}[0-8]|R[01][0-9A-Fa-f]{7}[0-8]"
)
_TOLD: Final = {"V": b"V1013", "N": b"N0001", "F": b"F00"}  # version, serial number, no errors
_ONLY_CLOSED: Final = "SsY"
_ONLY_OPEN: Final = "tTrR"


class SlcanPty(PtyDevice):
    """The adapter. `service()` must be called when it is readable: that is when it answers its host."""

    def __init__(self, link: Path | None = None) -> None:
        self._commands: deque[str] = deque(maxlen=_REMEMBERED)
        self._buffer = b""
        self._mode = ""
        super().__init__(link)

    @property
    def commands(self) -> list[str]:
        """The last lines that the host sent, without their end."""
        with self._lock:
            return list(self._commands)

    @property
    def mode(self) -> str:
        """ "O" open, "L" open to listen only, or "" closed."""
        return self._mode

    def send(self, identifier: int, extended: bool, data: bytes) -> None:
        """A frame from the bus; dropped and counted while the host has not opened the adapter."""
        with self._lock:
            reason = "closed" if not self._mode else "too_long" if len(data) > _DATA_BYTES else ""
            if reason and self._master >= 0:
                self.dropped[reason] += 1
                return
            head = f"T{identifier:08X}" if extended else f"t{identifier:03X}"
            self._put([f"{head}{len(data)}{data.hex().upper()}\r".encode()])

    def _reset(self) -> None:
        self._buffer, self._mode = b"", ""

    def _heard(self, data: bytes) -> None:
        *lines, self._buffer = (self._buffer + data).split(b"\r")
        self._buffer = self._buffer[:_LONGEST]
        for line in lines:
            text = line[:_LONGEST].decode("ascii", "backslashreplace")
            self._commands.append(text)
            self._put([self._answer(text)])

    def _answer(self, text: str) -> bytes:
        kind = text[:1]
        if not kind:
            return _OK
        wrong_time = (kind in _ONLY_CLOSED and self._mode) or (kind in _ONLY_OPEN and self._mode != "O")
        if wrong_time or _FORM.fullmatch(text) is None:
            return _BELL
        if kind in "COL":
            self._mode = "" if kind == "C" else kind
        return _TOLD.get(kind, b"") + _OK
