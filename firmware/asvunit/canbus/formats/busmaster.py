"""BUSMASTER's .log: its times are of the wall clock, from the session's start, or from the line before."""

import re
from collections import Counter
from collections.abc import Set
from datetime import datetime, timedelta
from typing import Final

import can

from asvunit.canbus.formats.lines import SECOND_NS, Identifier, LineReader, local_ns

HEAD: Final = "***BUSMASTER"

_HEAD: Final = re.compile(r"\*\*\*(.*?)(?:\*\*\*)?")
_START: Final = re.compile(r"START DATE AND TIME (\d+):(\d+):(\d{4}) (\d+):(\d+):(\d+):(\d{1,3})")
_FRAME: Final = re.compile(
    r"(\d+):(\d\d):(\d\d):(\d{3,4})\s+([RT])x\s+(\d+)\s+(?:0x)?([0-9A-Fa-f]+)\s+([sx])(r?)[-\w]*\s+(\d+)((?:\s+\w+)*)",
    re.IGNORECASE,
)
_DAY_NS: Final = 86_400 * SECOND_NS


class Busmaster(LineReader):
    """One BUSMASTER log, of one or more sessions."""

    def __init__(self, counters: Counter[str], wanted: Set[Identifier] | None) -> None:
        super().__init__(counters, wanted)
        self._radix = 16
        self._mode = "SYSTEM"
        self._start: datetime | None = None
        self._sum_ns = 0
        self._last_ns = 0

    def line(self, text: str) -> can.Message | None:
        text = text.strip()
        head = _HEAD.fullmatch(text)
        if head is not None:
            self._head(head[1])
            return None
        match = _FRAME.fullmatch(text)
        if match is None:
            if text:
                raise ValueError(text)
            return None
        hour, minute, second, part, direction, channel, identifier, kind, remote, length, data = match.groups()
        of_day_ns = (int(hour) * 3600 + int(minute) * 60 + int(second)) * SECOND_NS + int(f"{part:0<9}")
        time_ns = self._time_ns(of_day_ns)
        if remote:
            return self.drop("remote_frame")
        number, extended = int(identifier, self._radix), kind.lower() == "x"
        if not self.wants(number, extended):
            return None
        return can.Message(
            timestamp=time_ns / SECOND_NS,
            arbitration_id=number,
            is_extended_id=extended,
            channel=int(channel),
            dlc=int(length),
            data=bytearray([int(token, self._radix) for token in data.split()]),
            is_fd=int(length) > 8,
            is_rx=direction.upper() == "R",
        )

    def _head(self, text: str) -> None:
        if text in ("HEX", "DEC"):
            self._radix = 16 if text == "HEX" else 10
        elif text.endswith(" MODE"):
            self._mode = text.removesuffix(" MODE")
        elif match := _START.match(text):
            day, month, year, hour, minute, second, ms = map(int, match.groups())
            self._start = datetime(year, month, day, hour, minute, second, ms * 1000)
            self._sum_ns = self._last_ns = 0

    def _time_ns(self, of_day_ns: int) -> int:
        if self._mode == "RELATIVE":
            self._sum_ns += of_day_ns
            return self._sum_ns + (local_ns(self._start) if self._start else 0)
        if self._mode == "ABSOLUTE" or self._start is None:
            return of_day_ns + (local_ns(self._start) if self._start else 0)
        if of_day_ns < self._last_ns - _DAY_NS // 2:  # midnight
            self._sum_ns += _DAY_NS
        self._last_ns = of_day_ns
        midnight = self._start.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(
            days=self._sum_ns // _DAY_NS
        )
        return local_ns(midnight) + of_day_ns
