"""The frames and bit fields that a compiled map needs of a car's messages."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from cantools.database.can import Message, Signal

from asvunit.vehicle import j1939
from asvunit.vehicle.bound import Bound, References
from asvunit.vehicle.checks import COUNTER, check_row, check_signal
from asvunit.vehicle.form import BusTable, MapFile
from asvunit.vehicle.rows import Row, field_row

_PADDED: Final = (8, 12, 16, 20, 24, 32, 48, 64)  # lengths of CAN FD frames


@dataclass(slots=True)
class Frame:
    """One message of the car that feeds something."""

    bus: int
    message: Message
    senders: list[int] | None = None  # of a group of J1939; empty: any
    counter: int = -1  # field
    modulus: int = 0
    checks: list[Row] = field(default_factory=list)
    multiplexers: dict[str, Row] = field(default_factory=dict)
    sources: list[int] = field(default_factory=list)

    @property
    def identifier(self) -> int:
        """What frames are found by: of J1939 the parameter group, in its place."""
        return int(self.message.frame_id) if self.senders is None else j1939.group(self.message)

    def row(self) -> Row:
        """See `asvcore.can_table.Frame`."""
        length = self.message.length
        padded = next((size for size in _PADDED if size >= length), length) if length > 8 else length
        if self.senders is not None:
            padded = j1939.FRAME_BYTES
        return [
            self.bus, self.identifier, int(self.message.is_extended_frame), length, padded,
            self.checks, self.counter, self.modulus, list(self.multiplexers.values()), self.sources,
            *([] if self.senders is None else [sorted(set(self.senders))]),
        ]  # fmt: skip


class Layout:
    """The messages and fields of one map."""

    def __init__(self, references: References, tables: Sequence[BusTable]) -> None:
        self._references = references
        self._tables = tables
        self.fields: list[list[int]] = []
        self._frames: dict[tuple[int, str], Frame] = {}

    def frame(self, bound: Bound) -> Frame:
        """The frame that a signal is in, made when first asked for."""
        table = self._tables[bound.bus]
        grouped = bool(table.j1939) and bound.message.is_extended_frame
        if grouped and bound.message.length > j1939.FRAME_BYTES:
            reason = f"{bound.message.name} has {bound.message.length} bytes, which come in several frames of J1939"
            raise self._references.wrong("signal", f"{reason}; those are not put together")
        made = Frame(bound.bus, bound.message, table.source_addresses if grouped else None)
        return self._frames.setdefault(bound.place, made)

    def field(self, signal: Signal, *, unsigned: bool = False) -> int:
        """The number of a signal's bit field."""
        row = field_row(signal, unsigned=unsigned)
        if row not in self.fields:
            self.fields.append(row)
        return self.fields.index(row)

    def conditions(self, frame: Frame, signal: Signal) -> list[Row]:
        """The multiplexer codes under which the signal is in a frame, the nearest first."""
        conditions: list[Row] = []
        below = signal
        while below.multiplexer_ids and below.multiplexer_signal:
            multiplexer = frame.message.get_signal_by_name(below.multiplexer_signal)
            conditions.append([self.field(multiplexer), *sorted(below.multiplexer_ids)])
            if multiplexer.name not in frame.multiplexers:
                known = {
                    code
                    for one in frame.message.signals
                    if one.multiplexer_signal == multiplexer.name
                    for code in one.multiplexer_ids or ()
                }
                above = self.conditions(frame, multiplexer)
                frame.multiplexers[multiplexer.name] = [self.field(multiplexer), above, *sorted(known)]
            below = multiplexer
        return conditions

    def bind_checks(self, table: MapFile) -> None:
        """Counters and checksums of the messages that feed something."""
        for number, text in enumerate(table.counters):
            self._counter(f"counters.{number}", self._references.find(f"counters.{number}", text))
        for number, check in enumerate(table.check):
            key = f"check.{number}"
            bound = check_signal(key, check, self._references)
            if check.kind == COUNTER:
                self._counter(f"{key}.signal", bound)
            else:
                frame = self._fed(f"{key}.message", bound)
                of_bits = self.field(bound.signal, unsigned=True)
                frame.checks.append(check_row(key, check, bound, of_bits, self._references))

    def rows(self) -> list[Row]:
        """The frames' rows; no two of a bus have one identifier."""
        seen: dict[tuple[int, int, bool], str] = {}
        for frame in self._frames.values():
            message = frame.message
            other = seen.setdefault((frame.bus, frame.identifier, message.is_extended_frame), message.name)
            if other != message.name:
                same = "CAN identifier" if frame.senders is None else "PGN (they are told apart by sender alone)"
                reason = f"{message.name} and {other} have the same {same}; use one"
                raise self._references.wrong("signal", reason)
        return [frame.row() for frame in self._frames.values()]

    def _fed(self, key: str, bound: Bound) -> Frame:
        frame = self._frames.get(bound.place)
        if frame is None:
            raise self._references.wrong(key, f"{bound.message.name} feeds no signal of this map; take it out")
        if bound.signal.multiplexer_ids:
            reason = f"{bound.signal.name} is not in every frame of {bound.message.name}"
            raise self._references.wrong(key, reason)
        return frame

    def _counter(self, key: str, bound: Bound) -> None:
        frame = self._fed(key, bound)
        frame.counter = self.field(bound.signal, unsigned=True)
        frame.modulus = modulus(bound.signal)


def modulus(signal: Signal) -> int:
    """After how many counts a counter wraps: its bits, but for those whose maximum is less."""
    full = 1 << int(signal.length)
    if signal.maximum is None or not signal.scale:
        return full
    top = round((float(signal.maximum) - float(signal.offset)) / float(signal.scale))
    return top + 1 if 0 < top < full else full
