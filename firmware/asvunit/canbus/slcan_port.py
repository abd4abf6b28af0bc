"""Reads an slcan adapter: what its serial port holds at once, of which only the wanted frames are parsed.

python-can opens the adapter; its own reading asks the port for byte after byte, parses every frame before it filters,
fails for ever on a byte beyond ASCII and stores a line that never ends. On a full bus the difference is between one
per cent of a small computer and all of it.
"""

import errno
import os
import re
import select
from binascii import unhexlify
from collections import Counter
from collections.abc import Callable, Iterable
from time import monotonic, sleep
from typing import Any, Final

import can
from can.util import CAN_FD_DLC

from asvunit.canbus.filters import Frames, Wanted, whole_mask

LINE_BYTES: Final = 256  # the longest frame, FD with a time stamp, has 146

_KINDS: Final = frozenset((b"t", b"T", b"x", b"d", b"D", b"b", b"B", b"r", b"R"))  # first letters of frames
_STANDARD: Final = ((b"t", False, False), (b"d", True, False), (b"b", True, True))  # letter, FD, faster data phase
_EXTENDED: Final = ((b"T", False, False), (b"x", False, False), (b"D", True, False), (b"B", True, True))
_EXTENDED_LETTERS: Final = frozenset({b"R", *(letter for letter, _fd, _fast in _EXTENDED)})
_HEADS: Final = 10_000  # that are learnt, at most
_REMOTE: Final = {False: b"r", True: b"R"}
_STANDARD_HEAD, _EXTENDED_HEAD = 4, 9  # letter and identifier
_CLASSIC_BYTES: Final = 8
_STAMPS: Final = (0, 4, 8)  # hex digits of a time stamp that some adapters append
# BEL ends a line as CR does; LF, which some adapters append, is dropped.
_CLEAN: Final = bytes(0x0D if code == 0x07 else code for code in range(256))
_WRITE_TIMEOUT_S: Final = 0.2
_FRAME: Final = re.compile(rb"(?:[tdbr][0-7][\dA-Fa-f]{2}|[TxDBR][01][\dA-Fa-f]{7})[\dA-Fa-f](?:[\dA-Fa-f]{2})*")
_READ_BYTES: Final = 1 << 16
_QUEUED_BYTES: Final = 1 << 20  # more than any kernel stores of a serial device
_FLUSH_S: Final = 0.05
_FULL_BUS_S: Final = 0.002  # readings nearer than this: a full bus, whose frames are then read several at once

_Head = tuple[int, bool, bool, bool, bool]  # identifier, extended, FD, faster data phase, remote


class SlcanReader:
    """Reads the pyserial port of an open `slcanBus`. Lines that are no frames are counted as garbage.

    `frames` counts all data frames of the bus, wanted or not.
    """

    def __init__(
        self, port: Any, identifiers: Iterable[Wanted], counters: Counter[str], *, every: bool = False
    ) -> None:
        """`every`: all others too."""
        self.frames = 0
        self._every = every
        self._port = port
        self._counters = counters
        self._standard: dict[bytes, _Head] = {}
        self._extended: dict[bytes, _Head] = {}
        self._wanted = Frames(identifiers)
        for number, extended in self._wanted.whole:
            self._expect(number, extended)
        self._masked = len(self._wanted.whole) < len(self._wanted)  # by masks: heads are learnt as they come
        self._rest = b""  # the line that has not ended yet
        self._read_s = 0.0
        self._read = self._chooses_reading()
        port.write_timeout = _WRITE_TIMEOUT_S  # a device that hangs must not hang the closing

    def receive(self, timeout_s: float) -> list[can.Message]:
        """The wanted frames of one reading; none if nothing came in time, or nothing wanted. OSError: it is gone."""
        data = self._read(timeout_s)
        return self._frames(data) if data else []

    def flush(self) -> None:
        """Drops all that is queued, and what a driver or the adapter hands on from its own store: old as well."""
        self._port.reset_input_buffer()
        end_s, dropped = monotonic() + _FLUSH_S, 0
        while dropped < _QUEUED_BYTES and (left_s := end_s - monotonic()) > 0:
            dropped += len(self._read(left_s))
        self._rest = b""

    def _expect(self, number: int, extended: bool) -> None:
        digits = f"{number:08X}" if extended else f"{number:03X}"
        heads = self._extended if extended else self._standard
        for each in {digits.encode(), digits.lower().encode()}:
            for letter, is_fd, fast in _EXTENDED if extended else _STANDARD:
                heads[letter + each] = (number, extended, is_fd, fast, False)
            heads[_REMOTE[extended] + each] = (number, extended, False, False, True)

    def _learns(self, line: bytes) -> bool:
        """Whether a line not met before begins as a frame that passes by a mask."""
        if line[:1] not in _EXTENDED_LETTERS:
            return False
        try:
            digits = unhexlify(line[1:_EXTENDED_HEAD])
        except ValueError:
            return False
        number = int.from_bytes(digits, "big")
        if 2 * len(digits) != _EXTENDED_HEAD - 1 or (number, True) not in self._wanted:
            return False
        if len(self._extended) > _HEADS:
            self._extended.clear()
            for whole, extended in self._wanted.whole:
                self._expect(whole, extended)
        self._expect(number, True)
        return line[:_EXTENDED_HEAD] in self._extended  # digits of mixed case are nobody's

    def _learns_any(self, line: bytes) -> bool:
        """Whether a line begins as a frame; its head is known from now on."""
        extended = line[:1] in _EXTENDED_LETTERS
        size, heads = (_EXTENDED_HEAD, self._extended) if extended else (_STANDARD_HEAD, self._standard)
        if line[:size] in heads:
            return True
        try:
            number = int(line[1:size], 16)
        except ValueError:
            return False
        if len(line) < size or number > whole_mask(extended):
            return False
        self._expect(number, extended)
        return line[:size] in heads  # digits of mixed case are nobody's

    # Bytes

    def _chooses_reading(self) -> Callable[[float], bytes]:
        """The system's reading where the port is a file: a third of pyserial's time."""
        try:
            descriptor = int(self._port.fileno())
        except (OSError, AttributeError, NotImplementedError):  # a port by its URL
            return self._read_port
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)

        def read(timeout_s: float) -> bytes:
            if monotonic() - self._read_s < _FULL_BUS_S:
                sleep(min(_FULL_BUS_S, timeout_s))
            if not poll.poll(timeout_s * 1000):
                return b""
            data = os.read(descriptor, _READ_BYTES)
            if not data:
                raise OSError(errno.ENXIO, "the serial device is gone")
            self._read_s = monotonic()
            return data

        return read

    def _read_port(self, timeout_s: float) -> bytes:
        self._port.timeout = timeout_s
        return bytes(self._port.read(self._port.in_waiting or 1))

    # Lines

    def _frames(self, data: bytes) -> list[can.Message]:
        *lines, self._rest = (self._rest + data.translate(_CLEAN, b"\n")).split(b"\r")
        if len(self._rest) > LINE_BYTES:
            self._rest = b""
            self._counters["garbage"] += 1
        frames = len([1 for line in lines if line[:1] in _KINDS])
        if frames and not any(map(_FRAME.fullmatch, lines)):  # noise with a frame's first letters: no bus that lives
            self._counters["garbage"] += len(lines) - lines.count(b"")
            return []
        self.frames += frames
        if frames < len(lines) and (garbage := len(lines) - lines.count(b"") - frames):
            self._counters["garbage"] += garbage  # we ask the adapter nothing: it has nothing else to say
        standard, extended = self._standard, self._extended
        if self._every:
            lines = [line for line in lines if line[:1] in _KINDS and self._learns_any(line)]
        elif self._masked:
            lines = [
                line
                for line in lines
                if line[:_STANDARD_HEAD] in standard or line[:_EXTENDED_HEAD] in extended or self._learns(line)
            ]
        elif extended:
            lines = [line for line in lines if line[:_STANDARD_HEAD] in standard or line[:_EXTENDED_HEAD] in extended]
        else:
            lines = [line for line in lines if line[:_STANDARD_HEAD] in standard]
        found = [self._message(line) for line in lines]
        if broken := found.count(None):
            self._counters["garbage"] += broken
        return [message for message in found if message is not None]

    def _message(self, line: bytes) -> can.Message | None:
        """A frame of the line that begins as a wanted one; None where it goes on as none."""
        size = _STANDARD_HEAD
        head = self._standard.get(line[:size])
        if head is None:
            size = _EXTENDED_HEAD
            head = self._extended[line[:size]]
        number, extended, is_fd, fast, remote = head
        digits = line[size + 1 :]
        try:
            length = CAN_FD_DLC[int(line[size : size + 1], 16)]
            used = 0 if remote else 2 * length
            data = unhexlify(digits[:used])
        except ValueError:
            return None
        if 2 * len(data) != used or len(digits) - used not in _STAMPS or not (is_fd or length <= _CLASSIC_BYTES):
            return None
        return can.Message(
            arbitration_id=number, is_extended_id=extended, is_fd=is_fd, bitrate_switch=fast, is_remote_frame=remote,
            dlc=length, data=bytearray(data),
        )  # fmt: skip
