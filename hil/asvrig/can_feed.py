"""The CAN frames of a vehicle: its signal map read backwards, so that any mapped car can be driven."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from cantools.database.can import Message, Signal

from asvrig.motion import KMH
from asvrig.scenario import Scenario, Vehicle
from asvrig.trajectory import Trajectory
from asvunit.errors import UsageError
from asvunit.map_file import SignalTable, find_database, load_database, map_path, read_map

_CYCLE_MS: Final = 100  # of a message whose database tells none
# In the unit of the signal map: what 1 of ours (km/h, m/s2, %) is
_UNITS: Final = {
    "km/h": 1.0, "m/s": KMH, "mph": 1 / 1.609344, "%": 1.0, "fraction": 0.01, "m/s2": 1.0, "g": 1 / 9.80665,
}  # fmt: skip


@dataclass
class _Sender:
    """One message of the car and what fills it."""

    message: Message
    feeds: list[tuple[str, Signal, SignalTable]] = field(default_factory=list)
    counter: Signal | None = None

    def plan(self, number: int, last_ms: int) -> Iterator[tuple[int, int, "_Sender", int]]:
        """(time in ms, number, sender, count) of each sending; senders begin one after another."""
        for count, t_ms in enumerate(range(number, last_ms + 1, self.message.cycle_time or _CYCLE_MS)):
            yield t_ms, number, self, count


class CanFeed:
    """Sends what a driver and the wheels do, in the frames of the vehicle's map."""

    def __init__(self, vehicle: Vehicle) -> None:
        self._path = map_path(vehicle.can)
        table = read_map(self._path)
        file = find_database(self._path, table.database.file, [])
        database = load_database(self._path, table.database, file)
        self._trajectory = Trajectory(vehicle)
        self._senders: dict[str, _Sender] = {}
        messages = {message.name: message for message in database.messages}
        for name, signal_table in table.signal.items():
            for text in filter(None, (signal_table.source, signal_table.left, signal_table.right)):
                message, signal = self._find(messages, text)
                sender = self._senders.setdefault(message.name, _Sender(message))
                sender.feeds.append((f"{name}.right" if text == signal_table.right else name, signal, signal_table))
        for text in table.counters:
            message, signal = self._find(messages, text)
            if message.name in self._senders:
                self._senders[message.name].counter = signal

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
        for name, signal, table in sender.feeds:
            raw[signal.name] = self._raw(name, signal, table, t_s)
        if sender.counter is not None:
            raw[sender.counter.name] = count % (1 << sender.counter.length)
        return sender.message.encode(raw, scaling=False, strict=False)

    def _raw(self, name: str, signal: Signal, table: SignalTable, t_s: float) -> int:
        state, controls = self._trajectory.at(t_s), self._trajectory.controls(t_s)
        numbers = {
            "speed": state.speed_kmh,
            "acceleration": state.accel_mps2,
            "accelerator": controls.accelerator_percent,
        }
        if name in numbers:
            value = (numbers[name] * _UNITS[table.unit] - float(table.offset)) / float(table.scale)
            low, high = (
                (-(1 << signal.length - 1), 1 << signal.length - 1) if signal.is_signed else (0, 1 << signal.length)
            )
            return min(max(round((value - float(signal.offset)) / float(signal.scale)), low), high - 1)
        if table.left:
            return int(controls.winker == ("right" if name.endswith(".right") else "left"))
        words = {
            "brake": "on" if controls.brake else "off",
            "auxiliary_brake": "off",
            "winker": controls.winker,
            "hazard": "on" if controls.hazard else "off",
            "shift": "drive",
            "accelerator_switch": "on" if controls.accelerator_percent else "off",
        }
        return self._code(name, signal, table, words[name])

    def _code(self, name: str, signal: Signal, table: SignalTable, word: str) -> int:
        choices = {str(text): int(code) for code, text in (signal.choices or {}).items()}
        code = next((code for code, other in table.values.items() if other == word), None)
        if code is None:
            raise UsageError(f"{self._path}: signal.{name}.values: none is {word!r}, which the scenario needs")
        return choices[code] if code in choices else int(code, 0)

    def _find(self, messages: dict[str, Message], text: str) -> tuple[Message, Signal]:
        message_name, _dot, signal_name = text.partition(".")
        message = messages.get(message_name)
        signal = next((one for one in message.signals if one.name == signal_name), None) if message else None
        if message is None or signal is None:
            raise UsageError(f"{self._path}: its database has no {text}")
        return message, signal
