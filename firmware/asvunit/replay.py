"""Recorded inputs through an unmodified unit in virtual time: the result does not depend on playing speed.

Inputs align by their absolute times; within one input time never runs back (clamped and counted as
`time_back`). The 100 ms grid starts at the first dated input; on a grid time fixes,
vehicle signals and other systems' supports enter before the cycle of that time, received frames after it. The same
inputs, settings and seed give the same bytes.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from asvcore.params import TRANSMISSION_INTERVAL_MS
from asvunit.errors import UsageError
from asvunit.ports import ExternalSupport, Fix, RadioFrame, VehicleSignal
from asvunit.unit import Unit

Record = Fix | VehicleSignal | ExternalSupport | RadioFrame
CYCLE_NS = TRANSMISSION_INTERVAL_MS * 1_000_000
RELATIVE_NS = 10 * 365 * 86400 * 10**9  # times below ten years after 1970 are no dates
LONGEST_NS = 7 * 86400 * 10**9  # a longer recording is a mistaken date
PORTS = ("gnss", "can", "supports", "radio")  # at equal times, inputs enter in this order


@dataclass
class Inputs:
    """The recorded inputs of one replay by port; `names` are their files, `counters` what was dropped."""

    records: dict[str, list[Record]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    counters: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, port: str, name: str, records: Iterable[Record], counters: Counter[str]) -> None:
        """Take an input in; times that run back are clamped and counted under `time_back`."""
        last_ns: int | None = None
        forward: list[Record] = []
        for record in records:
            if last_ns is not None and record.time_ns < last_ns:
                counters["time_back"] += 1
                forward.append(replace(record, time_ns=last_ns))
                continue
            last_ns = record.time_ns
            forward.append(record)
        self.names[port] = name
        self.counters[port] = counters
        if forward:
            self.records[port] = forward

    def each(self) -> list[tuple[str, list[Record]]]:
        """(port, records) of the inputs that have any, in the order of PORTS."""
        return [(port, self.records[port]) for port in PORTS if port in self.records]

    def first_ns(self) -> int | None:
        """First absolute time of the inputs so far, or None."""
        times = [records[0].time_ns for _port, records in self.each() if records[0].time_ns >= RELATIVE_NS]
        return min(times, default=None)

    def span_ns(self) -> tuple[int, int]:
        """First and last time of all."""
        each = [records for _port, records in self.each()]
        return min(records[0].time_ns for records in each), max(records[-1].time_ns for records in each)

    def align_starts(self) -> None:
        """Lay logs with relative times, or with no common time, on the first input's (the first that is dated)."""
        firsts = [records[0].time_ns for _port, records in self.each()]
        start_ns = next((first_ns for first_ns in firsts if first_ns >= RELATIVE_NS), firsts[0])
        for port, records in self.each():
            if records[0].time_ns < RELATIVE_NS or not self._overlapping(port):
                offset_ns = start_ns - records[0].time_ns
                self.records[port] = [replace(record, time_ns=record.time_ns + offset_ns) for record in records]

    def check_overlap(self) -> None:
        """UsageError, naming both ranges, for an input that shares no time with any other."""
        for port, _records in self.each():
            if not self._overlapping(port):
                other = next(name for name, _records in self.each() if name != port)
                raise UsageError(
                    f"no common time: {self._range(port)}, but {self._range(other)}; "
                    "lay relative logs on the first time with --align start"
                )
        first_ns, last_ns = self.span_ns()
        if last_ns - first_ns > LONGEST_NS:
            days = (last_ns - first_ns) / 86400e9
            raise UsageError(f"the inputs span {days:.0f} days: {self._all_ranges()}; a wrong date? cut the recording")

    def _overlapping(self, port: str) -> bool:
        ranges = {name: (records[0].time_ns, records[-1].time_ns) for name, records in self.each()}
        first, last = ranges.pop(port)
        return not ranges or any(first <= high and low <= last for low, high in ranges.values())

    def _all_ranges(self) -> str:
        return ", ".join(self._range(port) for port, _records in self.each())

    def _range(self, port: str) -> str:
        records = self.records[port]
        return f"{self.names.get(port, port)} is {stamp(records[0].time_ns)} to {stamp(records[-1].time_ns)}"


def stamp(time_ns: int) -> str:
    """A time for people: UTC to the millisecond, or seconds if it is no date."""
    if not RELATIVE_NS <= time_ns < 2**62:
        return f"{time_ns / 1e9:.3f} s"
    return f"{datetime.fromtimestamp(time_ns // 10**9, UTC):%Y-%m-%d %H:%M:%S}.{time_ns // 10**6 % 1000:03d}"


def play(
    unit: Unit,
    inputs: Inputs,
    first_ns: int,
    last_ns: int,
    heard: Callable[[RadioFrame], None] = lambda frame: None,
) -> None:
    """Feed a unit all inputs and the cycles of the grid from `first_ns` to `last_ns`; `heard`: after each frame."""
    cycle_ns = first_ns
    for time_ns, _rank, _index, record in heapq.merge(*_timed(inputs)):
        # What is heard at a time of the grid is heard after the own frame of that time was sent
        cycle_ns = _tick_until(unit, time_ns + isinstance(record, RadioFrame), cycle_ns)
        if isinstance(record, Fix):
            unit.fix(record)
        elif isinstance(record, VehicleSignal):
            unit.vehicle(record)
        elif isinstance(record, ExternalSupport):
            unit.external(record)
        else:
            unit.radio(record)
            heard(record)
    _tick_until(unit, last_ns + 1, cycle_ns)


def _tick_until(unit: Unit, time_ns: int, cycle_ns: int) -> int:
    """Ticks of the grid, and those due in between, before a time; the next time of the grid."""
    while True:
        due_ns = unit.due_ns()
        if due_ns is not None and due_ns < min(cycle_ns, time_ns):
            unit.tick(due_ns)
        elif cycle_ns < time_ns:
            unit.tick(cycle_ns)
            cycle_ns += CYCLE_NS
        else:
            return cycle_ns


Timed = tuple[int, int, int, Record]


def _timed(inputs: Inputs) -> list[Iterator[Timed]]:
    return [_ranked(rank, records) for rank, (_port, records) in enumerate(inputs.each())]


def _ranked(rank: int, records: Iterable[Record]) -> Iterator[Timed]:
    # Rank and index settle equal times, so that records are never compared
    for index, record in enumerate(records):
        yield record.time_ns, rank, index, record
