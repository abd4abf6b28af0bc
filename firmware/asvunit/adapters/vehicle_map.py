"""Vehicle signal maps: which `MESSAGE.SIGNAL` of a car's CAN database feeds which ASV signal, and how.

A car is added by a TOML file, without code; `docs/vehicle-maps.md` describes its form. The map is checked
whole when loaded: what is wrong is refused with file, key and the nearest names. Values are converted from
the raw integers by exact arithmetic, half-way values up.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import can
import cantools
from cantools.database.can import Database, Message, Signal

from asvcore import elements
from asvunit.errors import UsageError, nearest
from asvunit.map_file import MapFile, SignalTable, find_database, load_database, map_path, read_map
from asvunit.ports import ACCELERATOR, BRAKE, IMPLAUSIBLE, OK, SIGNALS, UNKNOWN, VehicleSignal

AUXILIARY_BIT: Final = elements.BRAKE_AUXILIARY - elements.BRAKE_OFF
WORDS: Final[dict[str, dict[str, int | None]]] = {
    "brake": {"off": elements.BRAKE_OFF, "on": elements.BRAKE_ON},
    "auxiliary_brake": {"off": 0, "on": AUXILIARY_BIT},
    "winker": {"off": elements.WINKER_OFF, "right": elements.WINKER_RIGHT, "left": elements.WINKER_LEFT},
    "hazard": {"off": elements.HAZARD_OFF, "on": elements.HAZARD_ON, "none": elements.HAZARD_NONE},
    "shift": {"drive": 1, "reverse": 2, "parking": 3, "other": 4, "none": 7},
    "accelerator_switch": {"off": 0, "on": elements.PEDAL_ON},
}
WORDS["winker"]["none"] = elements.WINKER_NONE
for _words in WORDS.values():
    _words["unknown"] = None
UNITS: Final[dict[str, dict[str, Fraction]]] = {
    "speed": {"km/h": Fraction(100), "m/s": Fraction(360), "mph": Fraction("160.9344")},
    "accelerator": {"%": Fraction(1), "fraction": Fraction(100)},
    "acceleration": {"m/s2": Fraction(100), "g": Fraction("980.665")},
}
LIMITS: Final = {"speed": (0, 30_000), "accelerator": (0, 100), "acceleration": (-2_000, 2_000)}
KEYS: Final = {
    **dict.fromkeys(WORDS, frozenset({"from", "values", "timeout_ms"})),
    **dict.fromkeys(
        UNITS, frozenset({"from", "unit", "scale", "offset", "min", "max", "magnitude", "unknown", "timeout_ms"})
    ),
    "winker": frozenset({"from", "values", "left", "right", "timeout_ms"}),
}
DEFAULT_TIMEOUT_MS: Final = 500
MIN_TIMEOUT_MS: Final = 200
_MISSED_CYCLES: Final = 5

Convert = Callable[[Any], tuple[int, int]]  # raw value -> (value, status)


@dataclass(slots=True)
class _Feed:
    """One ASV signal of one message."""

    name: str
    signals: tuple[str, ...]
    convert: Convert


@dataclass(slots=True)
class _Source:
    """One message of the car that feeds something."""

    message: Message
    feeds: list[_Feed] = field(default_factory=list)
    counter: str = ""
    modulus: int = 0
    last_count: int | None = None


class VehicleMap:
    """A loaded map: decodes frames to ASV signals, counting what it drops in `counters`."""

    def __init__(self, path: Path, name: str, timeouts_ms: list[int]) -> None:
        self.path = path
        self.database_path = path
        self.name = name
        self.timeouts_ms = timeouts_ms  # parallel to ports.SIGNALS
        self.mapped: tuple[str, ...] = ()  # names of ports.SIGNALS that the car gives
        self.counters: Counter[str] = Counter()
        self._sources: dict[tuple[int, bool], _Source] = {}
        self._auxiliary = 0
        self._auxiliary_until_ns = 0
        self._auxiliary_timeout_ns = 0

    @classmethod
    def load(cls, source: str | Path, search: Sequence[Path] = ()) -> "VehicleMap":
        """Loads a map by its path, or one that comes with the project by its name ("bench")."""
        path = map_path(source)
        table = read_map(path)
        for name in table.signal:
            if name not in KEYS:
                raise UsageError(f"{path}: signal.{name}: no such signal{nearest(name, KEYS)}")
        file = find_database(path, table.database.file, search)
        made = _Builder(cls, path, table, load_database(path, table.database, file)).build()
        made.database_path = file
        return made

    @property
    def identifiers(self) -> list[tuple[int, bool]]:
        """(identifier, extended) of the frames it decodes, for filters."""
        return list(self._sources)

    def decode(self, message: can.Message) -> list[VehicleSignal]:
        """The ASV signals that one data frame carries."""
        source = self._sources.get((message.arbitration_id, message.is_extended_id))
        if source is None:
            self.counters["unknown_id"] += 1
            return []
        if len(message.data) != source.message.length:
            self.counters["wrong_length"] += 1
            return []
        try:
            raw = source.message.decode_simple(bytes(message.data), decode_choices=False, scaling=False)
        except (cantools.Error, ValueError, KeyError):  # e.g. a multiplexer code that the database does not know
            self.counters["undecodable"] += 1
            return []
        if source.counter and not self._alive(source, raw.get(source.counter)):
            return []
        time_ns = round(message.timestamp * 1e6) * 1000
        out: list[VehicleSignal] = []
        for feed in source.feeds:
            if any(name not in raw for name in feed.signals):
                continue  # of another multiplexer code
            values = [raw[name] for name in feed.signals]
            value, status = feed.convert(values[0] if len(values) == 1 else values)
            if feed.name == "auxiliary_brake":
                self._auxiliary = value if status == OK else 0
                self._auxiliary_until_ns = time_ns + self._auxiliary_timeout_ns
                continue  # the lamp's message carries it on: it alone must not keep a silent lamp fresh
            if feed.name == "brake" and status == OK and time_ns <= self._auxiliary_until_ns:
                value |= self._auxiliary
            out.append(VehicleSignal(time_ns, _index(feed.name), value, status))
        return out

    def _alive(self, source: _Source, count: Any) -> bool:
        last, source.last_count = source.last_count, count
        if last is None or count is None:
            return True
        if count == last:  # the sender's task hangs while its controller repeats the frame
            self.counters["counter_stuck"] += 1
            return False
        if (count - last) % source.modulus != 1:
            self.counters["counter_jump"] += 1
        return True


class _Builder:
    """Binds a map's tables to the database; every mistake is a UsageError with its key."""

    def __init__(self, cls: type[VehicleMap], path: Path, table: MapFile, database: Database) -> None:
        self.map = cls(path, table.name, [DEFAULT_TIMEOUT_MS] * len(SIGNALS))
        self.path, self.table, self.database = path, table, database
        self.sources: dict[str, _Source] = {}

    def build(self) -> VehicleMap:
        tables = self.table.signal
        if "auxiliary_brake" in tables and "brake" not in tables:
            raise self.wrong("signal.auxiliary_brake", "needs signal.brake, the lamp it goes along with")
        if "accelerator_switch" in tables and "accelerator" in tables:
            raise self.wrong("signal.accelerator_switch", "give either it or signal.accelerator")
        for name in sorted(tables, key=lambda name: name != "auxiliary_brake"):  # first, for a lamp in the same frame
            self.bind(name, tables[name])
        for index, text in enumerate(self.table.counters):
            message, signal = self.find(f"counters.{index}", text)
            source = self.sources.get(message.name)
            if source is None:
                raise self.wrong(f"counters.{index}", f"{message.name} feeds no signal of this map; take it out")
            top = signal.maximum
            full = 1 << signal.length
            source.counter = signal.name
            source.modulus = int(top) + 1 if top is not None and 0 < top < full else full  # some wrap early
        for source in self.sources.values():
            key = (source.message.frame_id, source.message.is_extended_frame)
            if key in self.map._sources:
                other = self.map._sources[key].message.name
                raise self.wrong("signal", f"{source.message.name} and {other} have the same CAN identifier; use one")
            self.map._sources[key] = source
        self.map.mapped = tuple(name for index, name in enumerate(SIGNALS) if index in map(_index, tables))
        return self.map

    def bind(self, name: str, table: SignalTable) -> None:
        key = f"signal.{name}"
        given = {"from" if name == "source" else name for name in table.model_fields_set}
        for extra in sorted(given - KEYS[name]):
            raise self.wrong(f"{key}.{extra}", f"not for this signal, which takes {', '.join(sorted(KEYS[name]))}")
        if table.left is not None or table.right is not None:
            if table.left is None or table.right is None or table.source is not None or table.values:
                raise self.wrong(key, "give either from and values, or both left and right")
            message, left = self.find(f"{key}.left", table.left)
            other, right = self.find(f"{key}.right", table.right)
            if other.name != message.name:
                raise self.wrong(f"{key}.right", f"must be in the same message as left, {message.name}")
            feed = _Feed(name, (left.name, right.name), _two_bits)
        else:
            if table.source is None:
                raise self.wrong(f"{key}.from", 'missing; give it as "MESSAGE.SIGNAL"')
            message, signal = self.find(f"{key}.from", table.source)
            numeric = name in UNITS
            convert = self.number(key, name, table, signal) if numeric else self.words(key, name, table, signal)
            feed = _Feed(name, (signal.name,), convert)
        self.sources.setdefault(message.name, _Source(message)).feeds.append(feed)
        cycle = message.cycle_time
        default = max(MIN_TIMEOUT_MS, math.ceil(_MISSED_CYCLES * cycle)) if cycle else DEFAULT_TIMEOUT_MS
        timeout_ms = table.timeout_ms or default
        if name == "auxiliary_brake":
            self.map._auxiliary_timeout_ns = timeout_ms * 1_000_000
        else:
            self.map.timeouts_ms[_index(name)] = timeout_ms

    def find(self, key: str, text: str) -> tuple[Message, Signal]:
        message_name, dot, signal_name = text.partition(".")
        if not (message_name and dot and signal_name):
            raise self.wrong(key, f'{text!r} is not of the form "MESSAGE.SIGNAL"')
        messages = {message.name: message for message in self.database.messages}
        message = messages.get(message_name)
        if message is None:
            raise self.wrong(key, f"the database has no message {message_name}{nearest(message_name, messages)}")
        signals = {signal.name: signal for signal in message.signals}
        if signal_name not in signals:
            raise self.wrong(key, f"{message_name} has no signal {signal_name}{nearest(signal_name, signals)}")
        return message, signals[signal_name]

    def words(self, key: str, name: str, table: SignalTable, signal: Signal) -> Convert:
        codes: dict[int, tuple[int, int]] = {}
        choices = {str(text): int(code) for code, text in (signal.choices or {}).items()}
        if not table.values:
            raise self.wrong(f"{key}.values", f'missing; e.g. values = {{0 = "{next(iter(WORDS[name]))}"}}')
        for code, word in table.values.items():
            if word not in WORDS[name]:
                raise self.wrong(f"{key}.values.{code}", f"{word!r} is none of {', '.join(WORDS[name])}")
            number = choices.get(code)
            if number is None:
                try:
                    number = int(code[:20], 0)
                except ValueError:
                    reason = f"neither a raw code nor a name of {signal.name}'s value table{nearest(code, choices)}"
                    raise self.wrong(f"{key}.values.{code}", reason) from None
            value = WORDS[name][word]
            codes[number] = (0, UNKNOWN) if value is None else (value, OK)
        return lambda raw: codes.get(raw, (0, UNKNOWN))

    def number(self, key: str, name: str, table: SignalTable, signal: Signal) -> Convert:
        units = UNITS[name]
        if table.unit not in units:
            raise self.wrong(f"{key}.unit", f"{table.unit!r} is none of {', '.join(units)}")
        if not table.scale:
            raise self.wrong(f"{key}.scale", "0 makes the signal a constant; leave it out")
        unit, scale = units[table.unit], Fraction(table.scale)
        try:
            factor = Fraction(str(signal.scale)) * scale * unit
            offset = (Fraction(str(signal.offset)) * scale + Fraction(table.offset)) * unit
        except ValueError:
            raise self.wrong(f"{key}.from", f"{signal.name} has no usable scale in the database") from None
        low, high = LIMITS[name]
        least = low if table.min is None else Fraction(table.min) * unit
        most = high if table.max is None else Fraction(table.max) * unit
        if least >= most:
            raise self.wrong(f"{key}.min", "is not below max")
        unknown = frozenset(table.unknown)

        def convert(raw: Any) -> tuple[int, int]:
            if raw in unknown or not math.isfinite(raw):
                return 0, UNKNOWN
            exact = Fraction(raw) * factor + offset
            exact = abs(exact) if table.magnitude else exact
            value = min(max(math.floor(exact + Fraction(1, 2)), low), high)
            return value, OK if least <= exact <= most else IMPLAUSIBLE

        return convert

    def wrong(self, key: str, reason: str) -> UsageError:
        return UsageError(f"{self.path}: {key}: {reason}")


def _index(name: str) -> int:
    if name == "accelerator_switch":
        return ACCELERATOR
    return BRAKE if name == "auxiliary_brake" else SIGNALS.index(name)


def _two_bits(raw: Any) -> tuple[int, int]:
    left, right = raw
    if left and right:  # lamps of a hazard: the switch of the winker cannot be told
        return 0, UNKNOWN
    return (elements.WINKER_LEFT if left else elements.WINKER_RIGHT if right else elements.WINKER_OFF), OK
