"""The CAN frames of a vehicle: its signal map read backwards, so that any mapped car can be driven."""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from cantools.database.can import Message, Signal

from asvcore.can_bits import Field
from asvcore.can_checks import Checksum
from asvrig.motion import KMH
from asvrig.scenario import Scenario, Vehicle
from asvrig.trajectory import Controls, State, Trajectory
from asvunit.errors import UsageError
from asvunit.vehicle import VehicleMap
from asvunit.vehicle.bound import Bound, References
from asvunit.vehicle.checks import COUNTER, check_row, check_signal
from asvunit.vehicle.conversion import Conversions
from asvunit.vehicle.form import MapFile, SignalTable, read_map
from asvunit.vehicle.layout import modulus
from asvunit.vehicle.rows import field_row, raw_range

_CYCLE_MS: Final = 100  # of a message whose database tells none
_FLASH_MS: Final = 700  # a bulb's period
# In the unit of the signal map: what 1 of ours (km/h, m/s2, %, degrees/s) is
_UNITS: Final = {
    "km/h": 1.0, "m/s": KMH, "mph": 1 / 1.609344, "%": 1.0, "fraction": 0.01, "m/s2": 1.0, "g": 1 / 9.80665,
    "deg/s": 1.0, "rad/s": 0.017453292519943295,
}  # fmt: skip
_NUMBERS: Final = ("speed", "acceleration", "accelerator", "yaw_rate")


@dataclass(frozen=True, slots=True)
class _Filled:
    """One signal of a message, and which part of which of the map's tables fills it."""

    name: str
    role: str  # "", "left", "right", "valid", "sign", or "idle" for what only adds to another
    signal: Signal
    table: SignalTable


@dataclass
class _Sender:
    """One message of the car and what fills it."""

    message: Message
    filled: list[_Filled] = field(default_factory=list)
    counter: Signal | None = None
    checks: list[tuple[Signal, Checksum]] = field(default_factory=list)
    modes: list[dict[str, int]] = field(default_factory=list)  # codes of its multiplexers, one after the other

    def fill(self, filled: _Filled) -> None:
        self.filled.append(filled)
        mode: dict[str, int] = {}
        below = filled.signal
        while below.multiplexer_ids and below.multiplexer_signal:
            mode[below.multiplexer_signal] = below.multiplexer_ids[0]
            below = self.message.get_signal_by_name(below.multiplexer_signal)
        if mode not in self.modes:
            self.modes.append(mode)

    def plan(self, number: int, last_ms: int) -> Iterator[tuple[int, int, "_Sender", int]]:
        """(time in ms, number, sender, count) of each sending; senders begin one after another."""
        for count, t_ms in enumerate(range(number, last_ms + 1, self.message.cycle_time or _CYCLE_MS)):
            yield t_ms, number, self, count


class CanFeed:
    """Sends what a driver and the wheels do, in the frames of the vehicle's map."""

    def __init__(self, vehicle: Vehicle) -> None:
        car = VehicleMap.load(vehicle.can)
        if not car.databases or len(car.buses) > 1:
            raise UsageError(f"{car.path}: a scenario's car needs a map with one [database]")
        self._path = car.path
        self._references = References(car.path, car.buses, car.databases)
        self._conversions = Conversions(self._references)
        self._trajectory = Trajectory(vehicle)
        self._senders: dict[str, _Sender] = {}
        table = read_map(car.path)
        for name, signal_table in table.signal.items():
            for role, text in _parts(signal_table):
                bound = self._references.find(f"signal.{name}", text)
                sender = self._senders.setdefault(bound.message.name, _Sender(bound.message))
                sender.fill(_Filled(name, role, bound.signal, signal_table))
        self._protect(table)

    def _protect(self, table: MapFile) -> None:
        """Binds counters and checksums."""
        for text in table.counters:
            self._count(self._references.find("counters", text))
        for number, check in enumerate(table.check):
            bound = check_signal(f"check.{number}", check, self._references)
            if check.kind == COUNTER:
                self._count(bound)
            else:
                row = check_row(f"check.{number}", check, bound, 0, self._references)
                checksum = Checksum(row, [Field(field_row(bound.signal, unsigned=True))])
                self._senders[bound.message.name].checks.append((bound.signal, checksum))

    def _count(self, bound: Bound) -> None:
        self._senders[bound.message.name].counter = bound.signal

    def frames(self, scenario: Scenario) -> Iterator[tuple[int, int, bool, bytes]]:
        """(time in ns, identifier, extended, data) in the order of time."""
        last_ms = int(scenario.duration_s * 1000)
        plans = [sender.plan(number, last_ms) for number, sender in enumerate(self._senders.values())]
        for t_ms, _number, sender, count in heapq.merge(*plans, key=lambda row: row[:2]):
            time_ns = scenario.start_ns + t_ms * 1_000_000
            message = sender.message
            yield time_ns, message.frame_id, message.is_extended_frame, self._data(sender, t_ms / 1000, count)

    def _data(self, sender: _Sender, t_s: float, count: int) -> bytes:
        raw = {signal.name: 0 for signal in sender.message.signals}
        state, controls = self._trajectory.at(t_s), self._trajectory.controls(t_s)
        for filled in sorted(sender.filled, key=lambda one: one.role == "idle", reverse=True):
            raw[filled.signal.name] = self._raw(filled, state, controls, t_s, raw[filled.signal.name])
        raw |= sender.modes[count % len(sender.modes)]
        if sender.counter is not None:
            raw[sender.counter.name] = count % modulus(sender.counter)
        data = sender.message.encode(raw, scaling=False, strict=False)
        for signal, checksum in sender.checks:
            raw[signal.name] = checksum.over(data)
            data = sender.message.encode(raw, scaling=False, strict=False)
        return data

    def _raw(self, filled: _Filled, state: State, controls: Controls, t_s: float, before: int) -> int:
        name, signal, table = filled.name, filled.signal, filled.table
        if filled.role == "valid":
            return self._conversions.code(f"signal.{name}.valid_codes", table.valid_codes[0], signal)
        if filled.role == "sign":  # no car of a scenario goes backwards; the yaw rate is 0, acceleration may be below
            codes = [self._conversions.code(f"signal.{name}.sign_codes", code, signal) for code in table.sign_codes]
            return codes[0] if name == "acceleration" and state.accel_mps2 < 0 else _none_of(codes)
        if name in _NUMBERS:
            return _number(name, signal, table, state, controls)
        if filled.role in {"left", "right"}:
            lit = controls.winker == filled.role if name == "winker" else controls.hazard
            if table.flashing:
                lit = (controls.hazard or controls.winker == filled.role) and int(
                    t_s * 1000
                ) % _FLASH_MS < _FLASH_MS / 2
            given = table.left_on if filled.role == "left" else table.right_on
            codes = [self._conversions.code(f"signal.{name}", code, signal) for code in given] or [1]
            return codes[0] if lit else before if table.left == table.right else _none_of(codes)
        words = {
            "brake": "on" if controls.brake else "off",
            "auxiliary_brake": "off",
            "winker": controls.winker,
            "hazard": "on" if controls.hazard else "off",
            "shift": "drive",
            "accelerator_switch": "on" if controls.accelerator_percent else "off",
            "emergency": "off",  # egos of scenarios are ordinary vehicles
        }
        return self._code(filled, "off" if filled.role == "idle" else words[name])

    def _code(self, filled: _Filled, word: str) -> int:
        name, signal, table = filled.name, filled.signal, filled.table
        if table.on or not table.values:
            codes = [self._conversions.code(f"signal.{name}.on", code, signal) for code in table.on] or [1]
            return codes[0] if word == "on" else _none_of(codes)
        given = next((code for code, other in table.values.items() if other == word), None)
        if given is not None:
            return self._conversions.code(f"signal.{name}.values", given, signal)
        if table.default != word:
            raise UsageError(f"{self._path}: signal.{name}.values: none is {word!r}, which the scenario needs")
        return _none_of([self._conversions.code(f"signal.{name}.values", code, signal) for code in table.values])


def _parts(table: SignalTable) -> Iterator[tuple[str, str]]:
    """(role, reference) of the signals that a table of the map takes."""
    if table.source:
        yield "", table.source
    yield from (("", text) for text in table.wheels)
    yield from (("idle" if number else "", text) for number, text in enumerate(table.any))
    if table.left and table.right:
        yield from (("left", table.left), ("right", table.right))
    if table.valid:
        yield "valid", table.valid
    if table.sign:
        yield "sign", table.sign


def _none_of(codes: Sequence[int]) -> int:
    return next(code for code in range(len(codes) + 1) if code not in codes)


def _number(name: str, signal: Signal, table: SignalTable, state: State, controls: Controls) -> int:
    ours = {
        "speed": state.speed_kmh,
        "acceleration": abs(state.accel_mps2) if table.sign else state.accel_mps2,
        "accelerator": controls.accelerator_percent,
        "yaw_rate": 0.0,  # courses turn at points
    }[name]
    value = (ours * _UNITS[table.unit] - float(table.offset)) / float(table.scale)
    low, high = raw_range(signal)
    return min(max(round((value - float(signal.offset)) / float(signal.scale)), low), high)
