"""PEAK's TRC: PCAN-View, PCAN-Explorer, PCAN-Trace; versions 1.0 to 2.1."""

import re
from collections import Counter
from collections.abc import Set
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

import can

from asvunit.canbus.formats.lines import SECOND_NS, Identifier, LineReader, decimal_ns, local_ns, utc_ns

# N number, O time offset, B bus, T type, I identifier, d direction, L length code, l length, D data
_COLUMNS: Final = {"1.0": "NOILD", "1.1": "NOTILD", "1.2": "NOBTILD", "1.3": "NOBTIRLD"}
_DAY_ZERO: Final = datetime(1899, 12, 30)
_FIRST_DAY, _LAST_DAY = 29_221, 73_414  # 1980 to 2100
_LENGTHS: Final = (0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20, 24, 32, 48, 64)
_HEAD: Final = re.compile(r";\$(\w+)=(.*)")
# Version 1.0 has its start only here, for people: milliseconds and what is below
_SHOWN: Final = re.compile(
    r";\s*Start time:\s+(\d\d?)\.(\d\d?)\.(\d{4}) (\d\d?):(\d\d):(\d\d)(?:\.(\d{3}))?(?:\.(\d{1,3}))?\s*$"
)
_DATA_TYPES: Final = frozenset({"RX", "TX", "DT", "FD", "FB", "FE", "BI"})
_FD: Final = frozenset({"FD", "FB", "FE", "BI"})
_SWITCHED: Final = frozenset({"FB", "FE"})
_PASSIVE: Final = frozenset({"FE", "BI"})
_FAULTS: Final = frozenset({"ERROR", "ER"})


class Trc(LineReader):
    """One TRC log. The date in its head is the recorder's wall clock; python-can writes UTC there."""

    def __init__(self, counters: Counter[str], wanted: Set[Identifier] | None) -> None:
        super().__init__(counters, wanted)
        self._columns = _COLUMNS["1.0"]
        self._start = ""
        self._utc = False
        self._base_ns: int | None = None

    def line(self, text: str) -> can.Message | None:
        text = text.strip()
        if not text:
            return None
        if text[0] == ";":
            self._head(text)
            return None
        tokens = text.split()
        count = len(self._columns) - 1  # all but the data
        cells = dict(zip(self._columns, tokens[:count], strict=False))
        return self._frame(cells, tokens[count:])

    def _head(self, text: str) -> None:
        if "python-can" in text:
            self._utc = True
        match = _HEAD.match(text)
        if match is None:
            shown = _SHOWN.match(text)
            if shown is not None and not self._start:
                self._base_ns = _shown_ns(shown)
            return
        key, value = match[1].upper(), match[2].strip(" ;")
        if key == "FILEVERSION":
            self._columns = _COLUMNS.get(value, self._columns)
        elif key == "STARTTIME":
            self._start = value
            self._base_ns = None
        elif key == "COLUMNS":
            self._columns = "".join(name.strip() for name in value.split(","))

    def _frame(self, cells: dict[str, str], data: list[str]) -> can.Message | None:
        kind = cells.get("T", "RX").upper()
        if kind in _FAULTS or data[:1] == ["ERROR"]:
            return self.drop("error_frame")
        if kind == "RR" or data[:1] == ["RTR"]:
            return self.drop("remote_frame")
        identifier = cells.get("I", "")
        if kind not in _DATA_TYPES or identifier == "FFFFFFFF":
            if not kind.isalpha():
                raise ValueError(kind)
            return None  # the bus's or the controller's state
        length = self._length(cells, kind)
        number, extended = int(identifier, 16), len(identifier) > 4
        time_ns = decimal_ns(cells["O"], 1_000_000)
        if not self.wants(number, extended):
            return None
        return can.Message(
            timestamp=(self._start_ns() + time_ns) / SECOND_NS,
            arbitration_id=number,
            is_extended_id=extended,
            channel=int(cells.get("B", "1")),
            dlc=length,
            data=bytearray.fromhex("".join(data[:length])),
            is_fd=kind in _FD,
            is_rx=cells.get("d", cells.get("T", "")).upper() != "TX",
            bitrate_switch=kind in _SWITCHED,
            error_state_indicator=kind in _PASSIVE,
        )

    def _length(self, cells: dict[str, str], kind: str) -> int:
        if "l" in cells:
            return int(cells["l"])
        code = int(cells["L"]) if "L" in cells else 16
        if not 0 <= code <= 15:
            raise ValueError(f"{code} is no length")
        return _LENGTHS[code] if kind in _FD else min(code, 8)

    def _start_ns(self) -> int:
        if self._base_ns is None:
            self._base_ns = self._parse_start()
        return self._base_ns

    def _parse_start(self) -> int:
        if not self._start:
            return 0
        try:
            days = Decimal(self._start.replace(",", "."))
            if not _FIRST_DAY <= days <= _LAST_DAY:
                raise ValueError(self._start)
        except (InvalidOperation, ValueError, OverflowError):
            self.counters["bad_date"] += 1
            return 0
        moment = _DAY_ZERO + timedelta(microseconds=int((days * 86_400_000_000).to_integral_value()))
        return utc_ns(moment) if self._utc else local_ns(moment)


def _shown_ns(match: re.Match[str]) -> int:
    day, month, year, hour, minute, second = map(int, match.groups()[:6])
    micros = int(match[7] or "0") * 1000 + int(f"{match[8] or '':0<3}")
    return local_ns(datetime(year, month, day, hour, minute, second, micros))
