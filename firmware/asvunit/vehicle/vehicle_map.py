"""Vehicle signal maps: which `MESSAGE.SIGNAL` of a car's CAN databases feeds which ASV signal, and how.

A car is added by a TOML file, without code; `docs/vehicle-maps.md` describes its form. The map is checked whole
when loaded: what is wrong is refused with file, key and the nearest names. Frames are decoded by the integer rows
that the map is compiled to, with the code that a microcontroller runs (`asvcore.can_table`).
"""

import copy
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from asvcore.can_table import EXTENDED, REASONS, TAKEN, CanTable, group_mask
from asvunit.canbus.filters import Filter, Frames, Identifier, whole_mask
from asvunit.errors import UsageError, nearest
from asvunit.ports import SIGNALS, VehicleSignal
from asvunit.vehicle.bound import message_names
from asvunit.vehicle.build import Builder
from asvunit.vehicle.compiled import names_of, read_compiled
from asvunit.vehicle.database import Loaded, find_database, load_database
from asvunit.vehicle.feed import Feed
from asvunit.vehicle.form import buses_of, map_path, read_map
from asvunit.vehicle.words import KEYS

_GROUPED: Final = 10  # entries of a frame's row, unless it is a group of J1939

if TYPE_CHECKING:
    import can  # slow to import, and only named here


class VehicleMap:
    """A loaded map: decodes frames to ASV signals, counting what it drops in `counters`.

    Buses may be decoded by a thread each.
    """

    def __init__(
        self, path: Path, name: str, rows: dict[str, Any], *,
        buses: Sequence[str] = ("",), channels: Sequence[Sequence[str | int]] = ((),),
        databases: Sequence[Loaded] = (), feeds: Sequence[Feed] = (), warnings: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self.path, self.name = path, name
        self.buses = tuple(buses)  # names by index; one unnamed bus: ("",)
        self.channels = tuple(tuple(one) for one in channels)  # by bus: names and numbers that it has in logs
        self.databases = tuple(databases)  # by bus; none for a compiled map
        self.database_path = databases[0].path if databases else path
        self.feeds = tuple(feeds)
        self.warnings = tuple(warnings)  # one line each: what is wrong with the databases or doubtful in the map
        self.counters: Counter[str] = Counter()
        self._rows = rows
        self._table = CanTable(rows)
        self.timeouts_ms: list[int] = self._table.timeouts_ms  # parallel to ports.SIGNALS
        fed = {row[0] for row in rows["rules"]}
        self.mapped = tuple(each for index, each in enumerate(SIGNALS) if index in fed)  # that the car gives
        self._frames = [Frames(self.filters(bus)) for bus in range(len(self.buses))]
        self._lock = threading.Lock()

    @classmethod
    def load(cls, source: str | Path, search: Sequence[Path] = ()) -> "VehicleMap":
        """Loads a map by its path, one that comes with the project by its name ("bench"), or a compiled one (.json)."""
        path = map_path(source)
        if path.suffix == ".json":
            return _of_compiled(cls, path)
        table = read_map(path)
        known = f"; there are {', '.join(KEYS)}"
        for name in table.signal:
            if name not in KEYS:
                raise UsageError(f"{path}: signal.{name}: no such signal{nearest(name, KEYS) or known}")
        buses = buses_of(path, table)
        databases = []
        for bus, one in buses.items():
            key = f"bus.{bus}" if table.bus else "database"
            databases.append(
                load_database(
                    find_database(path, one.file, search, key),
                    strict=one.strict, encoding=one.encoding, key=f"{path}: {key}", messages=message_names(table, bus),
                )
            )  # fmt: skip
        built = Builder(path, table, buses, databases).build()
        warnings = [text for one in databases for text in one.warnings]
        return cls(
            path, table.name, built.rows, buses=list(buses), channels=[one.channels for one in buses.values()],
            databases=databases, feeds=built.feeds, warnings=[*dict.fromkeys(warnings), *built.warnings],
        )  # fmt: skip

    def identifiers(self, bus: int = 0) -> list[tuple[int, bool]]:
        """(identifier, extended) of the messages of one bus that it decodes; of J1939 only the parameter group."""
        return [(one.identifier, one.extended) for one in self.filters(bus)]

    def filters(self, bus: int = 0) -> list[Filter]:
        """Which frames of one bus it decodes: all bits of an identifier count, or those of J1939's group."""
        return [
            Filter(row[1], group_mask(row[1]) if len(row) > _GROUPED else whole_mask(bool(row[2])), bool(row[2]))
            for row in self._rows["frames"]
            if row[0] == bus
        ]

    def identified(self, frame: Identifier, bus: int = 0) -> Identifier | None:
        """The one of `identifiers` that a frame with this identifier is of; None: it is not decoded."""
        return self._frames[bus].find(frame)

    def decode(self, message: "can.Message", bus: int = 0) -> list[VehicleSignal]:
        """The ASV signals that one data frame of a bus carries."""
        table = self._table
        identifier = message.arbitration_id  # most frames end here, so `find` is written out
        if not message.is_extended_id:
            frame = table.frames[bus].get(identifier)
        elif table.grouped[bus]:
            frame = table.find(bus, identifier, True)
        else:
            frame = table.frames[bus].get(identifier | EXTENDED)
        if frame is None:
            self.counters["unknown_id"] += 1
            return []
        time_ns = round(message.timestamp * 1e6) * 1000
        with self._lock:
            count = table.take(frame, message.data, time_ns // 1_000_000, identifier & 0xFF)
            if table.reason != TAKEN:
                self.counters[REASONS[table.reason]] += 1
            signals, values, statuses = table.signals, table.values, table.statuses
            return [VehicleSignal(time_ns, signals[at], values[at], statuses[at], bus) for at in range(count)]

    def compiled(self) -> dict[str, Any]:
        """The map as integer rows that decode without a database, and "names", which decoding does not need."""
        return copy.deepcopy(self._rows) | {"names": names_of(self.name, self.buses, self.channels, self.feeds)}


def _of_compiled(cls: type[VehicleMap], path: Path) -> VehicleMap:
    rows, names = read_compiled(path)
    return cls(path, names.name, rows, buses=names.buses, channels=names.channels, feeds=names.feeds)
