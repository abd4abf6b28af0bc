"""Binds a signal map to its databases: the rows that decode, and what reports need to know of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from cantools.database.can import Message

from asvcore import can_rules
from asvcore.can_table import AUXILIARY, VERSION
from asvunit.errors import UsageError
from asvunit.ports import SIGNALS
from asvunit.vehicle import j1939
from asvunit.vehicle.bound import Bound, References
from asvunit.vehicle.conversion import Conversions
from asvunit.vehicle.database import Loaded
from asvunit.vehicle.feed import Feed
from asvunit.vehicle.form import BusTable, Codes, MapFile, SignalTable
from asvunit.vehicle.layout import Layout
from asvunit.vehicle.rows import Row
from asvunit.vehicle.words import KEYS, UNITS, WORDS, index

DEFAULT_TIMEOUT_MS: Final = 500
MIN_TIMEOUT_MS: Final = 200
MAX_TIMEOUT_MS: Final = 60_000
_PERIODS: Final = 5
_DARK_MS: Final = 700  # between two flashes of a bulb at 60 a minute
_FLASH_GAP_MS: Final = 800
_PAIR_MS: Final = 100  # bulbs that flash together begin to light within it
_FOLLOWED_MS: Final = 300  # bulbs told less often are not followed well


@dataclass(slots=True)
class Built:
    """What a map is made of."""

    rows: dict[str, Any]
    feeds: tuple[Feed, ...]
    warnings: tuple[str, ...]


class Builder:
    """Makes the rows of one map; every mistake is a UsageError with its key."""

    def __init__(self, path: Path, table: MapFile, buses: dict[str, BusTable], databases: Sequence[Loaded]) -> None:
        self._table = table
        self._references = References(path, list(buses), databases)
        self._tables = list(buses.values())
        self._conversions = Conversions(self._references)
        self._layout = Layout(self._references, self._tables)
        self._buses = len(buses)
        self._sources: list[Row] = []
        self._rules: list[Row] = []
        self._feeds: list[Feed] = []
        self._warnings: list[str] = []
        self._timeouts_ms = [DEFAULT_TIMEOUT_MS] * (len(SIGNALS) + 1)  # last: the auxiliary brake

    def build(self) -> Built:
        tables = self._table.signal
        if "auxiliary_brake" in tables and "brake" not in tables:
            raise self._wrong("signal.auxiliary_brake", "needs signal.brake, the lamp it goes along with")
        if "accelerator_switch" in tables and "accelerator" in tables:
            raise self._wrong("signal.accelerator_switch", "give either it or signal.accelerator")
        for name in sorted(tables, key=lambda name: name != "auxiliary_brake"):  # first, for a lamp in the same frame
            self._bind(name, tables[name])
        self._layout.bind_checks(self._table)
        rows = {
            "compiled_map": VERSION,
            "buses": self._buses,
            "timeouts_ms": self._timeouts_ms[:AUXILIARY],
            "auxiliary_timeout_ms": self._timeouts_ms[AUXILIARY],
            "fields": self._layout.fields,
            "sources": self._sources,
            "rules": self._rules,
            "frames": self._layout.rows(),
        }
        return Built(rows, tuple(self._feeds), tuple(dict.fromkeys([*self._conversions.warnings, *self._warnings])))

    def _bind(self, name: str, table: SignalTable) -> None:
        key = f"signal.{name}"
        given = {"from" if name == "source" else name for name in table.model_fields_set}
        for extra in sorted(given - KEYS[name]):
            raise self._wrong(f"{key}.{extra}", f"not for this signal, which takes {', '.join(sorted(KEYS[name]))}")
        parts, kind = self._parts(key, name, table)
        bounds = [bound for _key, bound in parts]
        valid = self._beside(key, "valid", table.valid, table.valid_codes, table, bounds)
        sign = self._beside(key, "sign", table.sign, table.sign_codes, table, bounds)
        if table.sign is not None and table.magnitude:
            raise self._wrong(f"{key}.sign", "give either it or magnitude, which drops the sign")
        periods = [self._period(table, bound.message) for bound in bounds]
        timeouts = [self._timeout(key, table, period) for period in periods]
        conversions: list[tuple[int, Row, Row]] = []
        for side, (part, one) in enumerate(parts):
            spn = self._grouped(one)
            if name in UNITS:
                plus, minus = self._conversions.number(part, name, table, one.signal, spn)
                conversions.append((0, plus, minus if table.sign is not None else []))
            elif kind == can_rules.ONE:
                conversions.append((1, self._conversions.words(part, name, table, one.signal, spn), []))
            else:
                conversions.append((1, self._conversions.state(part, name, table, one.signal, side, spn), []))
        rule = len(self._rules)
        for bound, (words, plus, minus), timeout_ms in zip(bounds, conversions, timeouts, strict=True):
            frame = self._layout.frame(bound)
            frame.sources.append(len(self._sources))
            conditions = self._layout.conditions(frame, bound.signal)
            of_bits = self._layout.field(bound.signal)
            self._sources.append([rule, of_bits, *valid, timeout_ms, conditions, words, plus, *sign, minus])
        self._rules.append(self._rule(key, name, table, kind, parts, periods))
        self._timeouts_ms[index(name)] = min(timeouts)  # each part that lives tells the whole anew
        self._tell(name, table, kind, bounds, periods, timeouts)

    def _grouped(self, bound: Bound) -> bool:
        """Whether its message is a parameter group of J1939; warns where it looks so and the map does not say."""
        given = self._tables[bound.bus].j1939
        if given is None and j1939.looks_so(bound.message):
            bus = self._references.buses[bound.bus]
            key = f"bus.{bus}.j1939" if bus else "database.j1939"
            self._warnings.append(
                f"{self._references.path}: {key}: the database's messages are those of J1939, but identifiers are"
                " compared whole, with sender and priority; give j1939 = true (or false, if that is right)"
            )
        return bool(given) and bool(bound.message.is_extended_frame)

    def _parts(self, key: str, name: str, table: SignalTable) -> tuple[list[tuple[str, Bound]], int]:
        """The signals that make it, each with its key, and how."""
        sides = table.left is not None or table.right is not None
        ways = {"from": table.source is not None, "any": bool(table.any), "wheels": bool(table.wheels), "left": sides}
        if sum(ways.values()) > 1:
            others = [way for way, used in ways.items() if used]
            raise self._wrong(
                key,
                f"give either from and values, or both left and right; not {' and '.join(others)}"
                if sides
                else f"give one of {' and '.join(others)}",
            )
        if sides:
            return self._both_sides(key, name, table)
        for extra in ("flashing", "flash_gap_ms", "left_on", "right_on"):
            if extra in table.model_fields_set:
                raise self._wrong(f"{key}.{extra}", "goes with left and right")
        for way, texts, kind in (("any", table.any, can_rules.ANY), ("wheels", table.wheels, can_rules.WHEELS)):
            if way in table.model_fields_set:
                if len(texts) < 2:
                    raise self._wrong(f"{key}.{way}", "takes 2 to 8 signals")
                return self._several(f"{key}.{way}", texts), kind
        if table.source is None:
            raise self._wrong(f"{key}.from", 'missing; give it as "MESSAGE.SIGNAL"')
        return [(key, self._references.find(f"{key}.from", table.source))], can_rules.ONE

    def _several(self, key: str, texts: Sequence[str]) -> list[tuple[str, Bound]]:
        found = [
            (f"{key}.{number}", self._references.find(f"{key}.{number}", text)) for number, text in enumerate(texts)
        ]
        for number, (each, bound) in enumerate(found):
            if any((bound.place, bound.signal.name) == (one.place, one.signal.name) for _key, one in found[:number]):
                raise self._wrong(each, f"{texts[number]} is given twice")
        return found

    def _both_sides(self, key: str, name: str, table: SignalTable) -> tuple[list[tuple[str, Bound]], int]:
        if table.left is None or table.right is None or table.values or table.on or table.default is not None:
            raise self._wrong(key, "give either from and values, or both left and right")
        if table.flash_gap_ms is not None and not table.flashing:
            raise self._wrong(f"{key}.flash_gap_ms", "goes with flashing = true")
        parts = [(f"{key}.left", self._references.find(f"{key}.left", table.left))]
        parts.append((f"{key}.right", self._references.find(f"{key}.right", table.right)))
        left, right = parts[0][1], parts[1][1]
        if (left.place, left.signal.name) == (right.place, right.signal.name) and not (
            table.left_on and table.right_on
        ):
            raise self._wrong(f"{key}.right", "is the same signal as left; tell them apart with left_on and right_on")
        if name == "winker":
            return parts, can_rules.BULBS if table.flashing else can_rules.LEVERS
        return parts, can_rules.BULBS_BOTH if table.flashing else can_rules.LEVERS_BOTH

    def _rule(
        self,
        key: str,
        name: str,
        table: SignalTable,
        kind: int,
        parts: list[tuple[str, Bound]],
        periods: list[int | None],
    ) -> Row:
        words = WORDS.get(name, {})
        values = [words.get("off", 0), words.get("left" if name == "winker" else "on", 0), words.get("right", 0)]
        if kind not in (can_rules.BULBS, can_rules.BULBS_BOTH):
            return [index(name), kind, *values, 0, 0, 0]
        period_ms = max((period for period in periods if period), default=0)
        gap_ms = table.flash_gap_ms or max(_FLASH_GAP_MS, _DARK_MS + period_ms)
        if period_ms > _FOLLOWED_MS:
            self._warnings.append(
                f"{self._references.path}: {key}.flashing: bulbs that are told every {period_ms} ms only cannot be"
                " followed well; the signal is unknown at times"
            )
        if parts[0][1].place == parts[1][1].place:
            return [index(name), kind, *values, gap_ms, _PAIR_MS, 0]
        return [index(name), kind, *values, gap_ms, _PAIR_MS + min(period_ms, 150), _PAIR_MS]

    def _beside(
        self, key: str, role: str, text: str | None, given: Codes, table: SignalTable, parts: list[Bound]
    ) -> tuple[int, list[int]]:
        """(field, codes that count) of a signal that stands beside those of the value; -1: there is none."""
        if text is None:
            if f"{role}_codes" in table.model_fields_set:
                raise self._wrong(f"{key}.{role}_codes", f'goes with {role} = "MESSAGE.SIGNAL"')
            return -1, []
        bound = self._references.find(f"{key}.{role}", text)
        for part in parts:
            if part.place != bound.place:
                reason = f"must be in the same message as {part.signal.name}, {part.message.name}"
                raise self._wrong(f"{key}.{role}", reason)
        if bound.signal.multiplexer_ids:
            raise self._wrong(f"{key}.{role}", f"{bound.signal.name} is not in every frame of {bound.message.name}")
        if not given:
            raise self._wrong(f"{key}.{role}_codes", "is empty")
        codes = [self._conversions.code(f"{key}.{role}_codes", code, bound.signal) for code in given]
        return self._layout.field(bound.signal), sorted(set(codes))

    def _period(self, table: SignalTable, message: Message) -> int | None:
        return table.period_ms or (math.ceil(message.cycle_time) if message.cycle_time else None)

    def _timeout(self, key: str, table: SignalTable, period_ms: int | None) -> int:
        if table.timeout_ms is not None:
            if table.timeout_periods is not None:
                raise self._wrong(f"{key}.timeout_periods", "give either it or timeout_ms")
            return table.timeout_ms
        if period_ms is None:
            if table.timeout_periods is not None:
                raise self._wrong(f"{key}.timeout_periods", "the database tells no cycle time; give period_ms, too")
            return DEFAULT_TIMEOUT_MS
        timeout_ms = math.ceil(Fraction(table.timeout_periods or _PERIODS) * period_ms)
        return min(max(MIN_TIMEOUT_MS, timeout_ms), MAX_TIMEOUT_MS)

    def _tell(
        self,
        name: str,
        table: SignalTable,
        kind: int,
        parts: list[Bound],
        periods: list[int | None],
        timeouts: list[int],
    ) -> None:
        """Feeds for reports: one for each message."""
        how = {can_rules.ONE: "number" if name in UNITS else "words", can_rules.WHEELS: "wheels", can_rules.ANY: "any"}
        worded = kind in {can_rules.ONE, can_rules.ANY}
        for place in dict.fromkeys(bound.place for bound in parts):
            numbers = [number for number, bound in enumerate(parts) if bound.place == place]
            first = parts[numbers[0]]
            spn = self._grouped(first)
            identifier = self._layout.frame(first).identifier
            self._feeds.append(
                Feed(
                    name, first.bus, first.message.name, identifier, first.message.is_extended_frame,
                    first.message.length, tuple(dict.fromkeys(parts[number].signal.name for number in numbers)),
                    table.unit, how.get(kind, "bulbs"), periods[numbers[0]], timeouts[numbers[0]],
                    self._conversions.words_told(name, table, first.signal, spn) if worded else {}, spn,
                )
            )  # fmt: skip

    def _wrong(self, key: str, reason: str) -> UsageError:
        return self._references.wrong(key, reason)
