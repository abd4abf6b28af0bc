"""CAN logs as tables (.csv): SavvyCAN, python-can, cabana, CANedge converters and the like, by their column names."""

import binascii
import re
from base64 import b64decode
from collections import Counter
from collections.abc import Set
from typing import Final

import can

from asvunit.canbus.formats.lines import SECOND_NS, Identifier, LineReader, decimal_ns

_NAMES: Final = {
    "time": "time|timestamp|timestamps|timestampepoch|times|timestamps|timems|timeus|timestampms|timestampus",
    "id": "id|arbitrationid|addr|address|canid|identifier|messageid|idhex|canidhex",
    "extended": "extended|ide|ext|isextended|isextendedid",
    "channel": "bus|channel|buschannel|chn|ch|interface",
    "direction": "dir|direction|rxtx",
    "remote": "remote|rtr",
    "error": "error|err",
    "fd": "edl|fd|fdf|isfd",
    "switched": "brs",
    "length": "datalength|len|length|dlc|bytes",
    "data": "data|databytes|payload|datahex|message",
}
_COLUMNS: Final = {alias: name for name, aliases in _NAMES.items() for alias in aliases.split("|")}
_BYTE: Final = re.compile(r"(?:d|b|byte|data)(\d{1,2})")
_PYTHON_CAN: Final = ["timestamp", "arbitration_id", "extended", "remote", "error", "dlc", "data"]
_TRUE: Final = frozenset({"1", "true", "t", "yes", "y", "x"})
_SEPARATORS: Final = (",", ";", "\t")


def table_columns(line: str) -> tuple[str, dict[str, int], list[int]] | None:
    """Separator, columns by meaning, and columns of single bytes; None if the line is no head of a CAN table."""
    for separator in _SEPARATORS:
        cells = [cell.strip().strip('"').lower() for cell in line.strip().lstrip("\N{BOM}").split(separator)]
        found: dict[str, int] = {}
        octets: dict[int, int] = {}
        for at, cell in enumerate(cells):
            plain = re.sub(r"[\W_]", "", cell.replace("\N{MICRO SIGN}", "u"))
            match = _BYTE.fullmatch(plain)
            if match:
                octets[int(match[1])] = at
            elif plain in _COLUMNS and (_COLUMNS[plain] not in found or plain == "datalength"):
                found[_COLUMNS[plain]] = at
        if {"time", "id"} <= found.keys() and ("data" in found or octets):
            return separator, found, [octets[number] for number in sorted(octets)]
    return None


class Table(LineReader):
    """One table. Its first line names the columns."""

    def __init__(self, counters: Counter[str], wanted: Set[Identifier] | None) -> None:
        super().__init__(counters, wanted)
        self._separator = ""
        self._at: dict[str, int] = {}
        self._bytes: list[int] = []
        self._base64 = False
        self._unit_ns = SECOND_NS
        self._micros = False

    def line(self, text: str) -> can.Message | None:
        text = text.strip()
        if not text:
            return None
        if not self._separator:
            if self._head(text):
                return None
            raise ValueError(text)
        cells = [cell.strip().strip('"') for cell in text.split(self._separator)]
        if self._yes(cells, "error"):
            return self.drop("error_frame")
        if self._yes(cells, "remote"):
            return self.drop("remote_frame")
        number = int(cells[self._at["id"]], 16)
        extended = self._yes(cells, "extended") if "extended" in self._at else number > 0x7FF
        time_ns = self._time_ns(cells[self._at["time"]])
        if not self.wants(number, extended):
            return None
        data = self._data(cells)
        length = int(cells[self._at["length"]]) if "length" in self._at else len(data)
        return can.Message(
            timestamp=time_ns / SECOND_NS,
            arbitration_id=number,
            is_extended_id=extended,
            channel=self._channel(cells),
            dlc=length,
            data=data[:length] if self._bytes else data,
            is_fd=self._yes(cells, "fd") or length > 8,
            is_rx=not self._cell(cells, "direction").lower().startswith("t"),
            bitrate_switch=self._yes(cells, "switched"),
        )

    def _head(self, text: str) -> bool:
        """Take the columns from the head; python-can's if it is none."""
        columns = table_columns(text)
        if columns is None:
            self._head(",".join(_PYTHON_CAN))
            return False
        self._separator, self._at, self._bytes = columns
        names = [cell.strip().strip('"').lower() for cell in text.lstrip("\N{BOM}").split(self._separator)]
        self._base64 = names == _PYTHON_CAN
        name = re.sub(r"[\W_]", "", names[self._at["time"]].replace("\N{MICRO SIGN}", "u"))
        self._unit_ns = 1_000_000 if name.endswith("ms") else 1000 if name.endswith("us") else SECOND_NS
        self._micros = names[self._at["time"]] == "time stamp"  # SavvyCAN's
        return True

    def _time_ns(self, text: str) -> int:
        if self._micros and "." not in text:
            return decimal_ns(text, 1000)
        if not text.replace(".", "", 1).isdecimal():  # a spreadsheet's 1.7E+09, or no time
            return round(float(text) * self._unit_ns)
        return decimal_ns(text, self._unit_ns)

    def _cell(self, cells: list[str], name: str) -> str:
        at = self._at.get(name)
        return cells[at] if at is not None and at < len(cells) else ""

    def _yes(self, cells: list[str], name: str) -> bool:
        return self._cell(cells, name).lower() in _TRUE

    def _channel(self, cells: list[str]) -> str | int | None:
        text = self._cell(cells, "channel")
        return int(text) if text.isdecimal() else text or None

    def _data(self, cells: list[str]) -> bytearray:
        if self._bytes:
            given = (cells[at] for at in self._bytes if at < len(cells) and cells[at])
            return bytearray([int(cell, 16) for cell in given])
        text = self._cell(cells, "data")
        if self._base64:
            try:
                return bytearray(b64decode(text, validate=True))
            except binascii.Error as error:
                raise ValueError(text) from error
        return bytearray.fromhex(re.sub(r"0x|[\s|:-]", "", text))
