"""candump's lines: `-l`/`-L` and what it shows on a terminal, with any of its time stamps; canplayer's with R and T."""

import itertools
import re
from collections import Counter
from collections.abc import Set
from datetime import datetime
from typing import Final

import can

from asvunit.canbus.formats.lines import SECOND_NS, Identifier, LineReader, decimal_ns, local_ns

_COMPACT: Final = re.compile(
    r"\(([0-9]{1,12}(?:\.[0-9]{0,9})?)\)\s+(\S+)\s+([0-9A-Fa-f]{3}|[0-9A-Fa-f]{8})#"
    r"(?:([Rr])[0-9]?(?:_[0-9A-Fa-f])?|((?:[0-9A-Fa-f]{2}){0,8})(?:_[0-9A-Fa-f])?"
    r"|#([0-9A-Fa-f])((?:[0-9A-Fa-f]{2}){0,64}))(?:\s+([RrTt])\S*)?"
)
_DATED: Final = re.compile(r"\((\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)\.(\d{6})\d{0,3}\)")
_SHOWN: Final = re.compile(
    r"(?:\(([0-9]{1,12}(?:\.[0-9]{0,9})?)\)\s+)?(\S+)\s+(?:([RT]X)\s+([B-])\s+([E-])\s+)?"
    r"([0-9A-Fa-f]{3}|[0-9A-Fa-f]{8})\s+(?:\[([0-9]{1,2})\]|\{[0-9A-Fa-f]\})"
    r"(?:\s+(remote request)|((?:\s+[0-9A-Fa-f]{2}(?![0-9A-Fa-f]))*))(\s+ERRORFRAME|\s+'.*')?\s*"
)
_DETAIL: Final = re.compile(r"\t")  # of an error frame, told on lines of their own
_DELTA: Final = re.compile(r"^\s*\((\d{3,4}\.\d{6})\)\s+\S+\s", re.MULTILINE)
_ERROR_FLAG: Final = 0x2000_0000


class Candump(LineReader):
    """One candump log. Times of the form that tells differences (`-t d`) are added up."""

    def __init__(self, counters: Counter[str], wanted: Set[Identifier] | None) -> None:
        super().__init__(counters, wanted)
        self._texts = (
            {f"{n:08X}" if extended else f"{n:03X}" for n, extended in wanted}
            if isinstance(wanted, frozenset)
            else None
        )
        self._differences = False
        self._sum_ns = 0

    def begin(self, head: str) -> None:
        times = [float(text) for text in _DELTA.findall(head)]
        back = sum(later < earlier for earlier, later in itertools.pairwise(times))
        self._differences = len(times) > 3 and times[0] == 0 and back * 10 > len(times)

    def line(self, text: str) -> can.Message | None:
        match = _COMPACT.fullmatch(text.strip())
        if match is None:
            return self._other(text)
        stamp, channel, identifier, remote, data, flags, long_data, direction = match.groups()
        if len(identifier) == 8 and int(identifier, 16) & _ERROR_FLAG:
            return self.drop("error_frame")
        if remote:
            return self.drop("remote_frame")
        if self._texts is None:
            if not self.wants(int(identifier, 16), len(identifier) == 8):
                return None
        elif identifier.upper() in self._texts:
            self.frames += 1
        else:
            self.frames += 1
            self.counters["unknown_id"] += 1
            return None
        brs_esi = int(flags, 16) if flags else 0
        return can.Message(
            timestamp=float(stamp),
            arbitration_id=int(identifier, 16),
            is_extended_id=len(identifier) == 8,
            channel=channel,
            data=bytearray.fromhex(data if flags is None else long_data),
            is_fd=flags is not None,
            is_rx=direction not in ("T", "t"),
            bitrate_switch=bool(brs_esi & 1),
            error_state_indicator=bool(brs_esi & 2),
        )

    def _other(self, text: str) -> can.Message | None:
        if not text.strip() or _DETAIL.match(text):
            return None
        text = text.strip()
        dated = _DATED.match(text)
        if dated is not None:  # of the clock on the wall
            moment = datetime(*map(int, dated.groups()))  # type: ignore[arg-type]
            seconds, part = divmod(local_ns(moment), SECOND_NS)
            text = f"({seconds}.{part:09d}){text[dated.end() :]}"
            if _COMPACT.fullmatch(text):
                return self.line(text)
        match = _SHOWN.fullmatch(text)
        if match is None:
            raise ValueError(text)
        return self._shown(match)

    def _shown(self, match: re.Match[str]) -> can.Message | None:
        stamp, channel, direction, brs, esi, identifier, length, remote, data, tail = match.groups()
        if self._differences and stamp:
            self._sum_ns += decimal_ns(stamp)
            stamp = f"{self._sum_ns // SECOND_NS}.{self._sum_ns % SECOND_NS:09d}"
        number = int(identifier, 16)
        if (tail and "ERRORFRAME" in tail) or number & _ERROR_FLAG:
            return self.drop("error_frame")
        if remote:
            return self.drop("remote_frame")
        if not stamp:
            return self.drop("no_time")
        if not self.wants(number, len(identifier) == 8):
            return None
        octets = bytearray.fromhex(data or "")
        if length is not None and int(length) != len(octets):
            self.counters["short_frame"] += 1
            return None
        return can.Message(
            timestamp=float(stamp),
            arbitration_id=number,
            is_extended_id=len(identifier) == 8,
            channel=channel,
            data=octets,
            is_fd=length is not None and len(length) == 2,  # [08] is FD's, [8] is not
            is_rx=direction != "TX",
            bitrate_switch=brs == "B",
            error_state_indicator=esi == "E",
        )
