"""Vector's ASC: CANalyzer, CANoe, vehicle loggers, python-can.

Its times count from a date without a time zone: from the head's, or from that of a trigger block. Which of the two,
the format leaves open; the frames' times tell.
"""

import re
from collections import Counter
from collections.abc import Set
from typing import Final

import can

from asvunit.canbus.formats.lines import SECOND_NS, Identifier, LineReader, decimal_ns, local_ns, worded_date

_TIMED: Final = re.compile(r"\d+\.\d+\s")
_HEAD: Final = re.compile(r"date\s+(.+)", re.IGNORECASE)
_BLOCK: Final = re.compile(r"begin\s+triggerblock\s*(.*)", re.IGNORECASE)
_BASE: Final = re.compile(r"base\s+(hex|dec)(?:\s+timestamps\s+(absolute|relative))?", re.IGNORECASE)
_NUMBER_OF_NAME: Final = re.compile(r"\bID\s*=\s*(\d+)(x?)", re.IGNORECASE)
_LENGTHS: Final = (0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20, 24, 32, 48, 64)
_DIRECTIONS: Final = ("rx", "tx")
_BITS: Final = ("0", "1")
_FLAG_REMOTE, _FLAG_FD = 0x10, 0x1000


class Asc(LineReader):
    """One ASC log."""

    def __init__(self, counters: Counter[str], wanted: Set[Identifier] | None) -> None:
        super().__init__(counters, wanted)
        self._radix = 16
        self._relative = False  # each time counts from the line before
        self._now_ns = 0
        self._head_ns: int | None = None
        self._base_ns = 0
        self._block_ns: int | None = None  # of a block whose first frame is still to come

    def line(self, text: str) -> can.Message | None:
        text = text.strip()
        if not _TIMED.match(text):
            self._head(text)
            return None
        tokens = text.split()
        time_ns = decimal_ns(tokens[0])
        self._now_ns = self._now_ns + time_ns if self._relative else time_ns
        if len(tokens) > 3 and tokens[1].isdecimal():
            return self._classic(tokens, text)
        if len(tokens) > 4 and tokens[1].upper() == "CANFD":
            return self._fd(tokens)
        if len(tokens) > 2 and tokens[2].lower() == "errorframe":
            return self.drop("error_frame")
        return None  # one of the many other events: statistics, other buses, markers

    def _head(self, text: str) -> None:
        if match := _BASE.match(text):
            self._radix = 10 if match[1].lower() == "dec" else 16
            self._relative = (match[2] or "").lower() == "relative"
        elif match := _HEAD.match(text):
            self._head_ns = self._date(match[1])
            self._base_ns = self._head_ns or 0
        elif match := _BLOCK.match(text):
            self._block_ns = self._date(match[1])
            if self._relative:
                self._now_ns = 0
                self._base_ns, self._block_ns = self._block_ns or self._base_ns, None

    def _date(self, text: str) -> int | None:
        moment = worded_date(text)
        if moment is None or moment.year < 1980:
            self.counters["bad_date"] += 1
            return None
        return local_ns(moment)

    def _time_s(self) -> float:
        if self._block_ns is not None:
            later_ns = self._block_ns - (self._head_ns or 0)
            # Counted from the head, the first frame of a late block comes about then; else soon after 0
            from_head = self._head_ns is not None and later_ns > 0 and 2 * self._now_ns > later_ns
            self._base_ns = self._base_ns if from_head else self._block_ns
            self._block_ns = None
        return (self._base_ns + self._now_ns) / SECOND_NS

    def _identifier(self, token: str, text: str) -> Identifier:
        extended = token[-1:] in ("x", "X")
        try:
            return int(token[:-1] if extended else token, self._radix), extended
        except ValueError:
            named = _NUMBER_OF_NAME.search(text)  # of a log with the messages' names
            if named is None:
                raise
            return int(named[1]), bool(named[2])

    def _classic(self, tokens: list[str], text: str) -> can.Message | None:
        time_s = self._time_s()
        if tokens[2].lower() == "errorframe":
            return self.drop("error_frame")
        if tokens[3].lower() not in _DIRECTIONS:
            return None  # a request to send, statistics, the controller's state
        kind = tokens[4].lower() if len(tokens) > 4 else ""
        if kind == "r":
            return self.drop("remote_frame")
        if kind != "d":
            raise ValueError(text)
        number, extended = self._identifier(tokens[2], text)
        if not self.wants(number, extended):
            return None
        length = min(int(tokens[5], 16), 8)
        return can.Message(
            timestamp=time_s,
            arbitration_id=number,
            is_extended_id=extended,
            channel=int(tokens[1]),
            dlc=length,
            data=self._data(tokens[6 : 6 + length]),
            is_rx=tokens[3].lower() == "rx",
        )

    def _fd(self, tokens: list[str]) -> can.Message | None:
        time_s = self._time_s()
        if "errorframe" in (tokens[3].lower(), tokens[4].lower()):
            return self.drop("error_frame")
        if tokens[3].lower() not in _DIRECTIONS:
            return None
        number, extended = self._identifier(tokens[4], "")
        rest = tokens[5:]
        if rest[:1] and rest[0] not in _BITS:
            rest = rest[1:]  # the message's name
        if len(rest) < 4 or rest[0] not in _BITS or rest[1] not in _BITS:
            raise ValueError(" ".join(tokens))
        length, code = int(rest[3]), int(rest[2], 16)
        flags = int(rest[6 + length], 16) if len(rest) > 6 + length else _FLAG_FD
        if flags & _FLAG_REMOTE and not flags & _FLAG_FD:
            return self.drop("remote_frame")
        if code > 15 or (length != _LENGTHS[code] and length != min(code, 8)):
            raise ValueError(" ".join(tokens))
        if not self.wants(number, extended):
            return None
        return can.Message(
            timestamp=time_s,
            arbitration_id=number,
            is_extended_id=extended,
            channel=int(tokens[2]),
            dlc=length,
            data=self._data(rest[4 : 4 + length]),
            is_fd=bool(flags & _FLAG_FD),
            is_rx=tokens[3].lower() == "rx",
            bitrate_switch=rest[0] == "1",
            error_state_indicator=rest[1] == "1",
        )

    def _data(self, tokens: list[str]) -> bytearray:
        return bytearray([int(token, self._radix) for token in tokens])
