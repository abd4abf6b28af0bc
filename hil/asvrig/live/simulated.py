"""Table-top mode: a scenario's ego drives in the place of the receiver and the car of a unit on a desk.

What it says goes the way of a real receiver's sentences and a real car's frames. Round follows round without a
gap; an opponent (asvrig.live.opponent) keeps step by what it hears of this unit on the air.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import can

from asvrig.can_feed import CanFeed
from asvrig.gnss_feed import bursts
from asvrig.scenario import Scenario
from asvunit.gnss.nmea_live import NmeaLive
from asvunit.ports import Delivery, Fix, Link, VehicleSignal
from asvunit.vehicle import VehicleMap

_BEGIN_NS: Final = 500_000_000  # after the unit's start: its parts are up by then


class Round:
    """The rounds of a scenario on the monotonic clock: whole seconds each, so that the time of day goes on evenly."""

    def __init__(self, scenario: Scenario, begin_ns: int, start: datetime) -> None:
        self._scenario = scenario
        self._begin_ns = begin_ns
        self._start = start
        self.period_s = int(scenario.duration_s) + 1

    def number(self, count: int) -> tuple[int, Scenario]:
        """When a round begins, and its scenario, which lasts to the next round."""
        after_s = count * self.period_s
        start = self._start + timedelta(seconds=after_s)
        changes = {"start": start, "duration_s": self.period_s - 0.01}
        return self._begin_ns + after_s * 1_000_000_000, self._scenario.model_copy(update=changes)


class _Player:
    """A `ports.LiveInput` that plays rounds in a thread of its own."""

    def __init__(self, port: str, rounds: Round) -> None:
        self.counters: Counter[str] = Counter()
        self._port = port
        self._rounds = rounds
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def check(self) -> None:
        """There is no device that could be missing."""

    def start(self, deliver: Delivery) -> None:
        self._thread = threading.Thread(target=self._run, args=(deliver,), name=self._port, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join(1)

    def records(self, scenario: Scenario) -> Iterator[tuple[int, bytes | can.Message]]:
        """(ns into the scenario, what the wire carries then)."""
        raise NotImplementedError

    def read(self, wire: bytes | can.Message, time_ns: int) -> list[Fix] | list[VehicleSignal]:
        """What the unit reads from it."""
        raise NotImplementedError

    def _run(self, deliver: Delivery) -> None:
        deliver(Link(time.monotonic_ns(), self._port, True, "simulated"))
        count = 0
        while True:
            begin_ns, scenario = self._rounds.number(count)
            for at_ns, wire in self.records(scenario):
                due_ns = begin_ns + at_ns
                if self._ended.wait(max(0, due_ns - time.monotonic_ns()) / 1e9):
                    return
                for record in self.read(wire, due_ns):
                    deliver(record)
            count += 1


class SimulatedReceiver(_Player):
    """The ego's receiver."""

    def __init__(self, rounds: Round) -> None:
        super().__init__("gnss", rounds)
        self._nmea = NmeaLive()
        self.counters = self._nmea.counters

    def records(self, scenario: Scenario) -> Iterator[tuple[int, bytes | can.Message]]:
        for time_ns, lines in bursts(scenario, scenario.ego):
            yield time_ns - scenario.start_ns, b"".join(lines)

    def read(self, wire: bytes | can.Message, time_ns: int) -> list[Fix] | list[VehicleSignal]:
        assert isinstance(wire, bytes)
        return self._nmea.feed(wire, time_ns) + self._nmea.quiet(time_ns)


class SimulatedCar(_Player):
    """The ego's bus, for a unit that has none."""

    def __init__(self, rounds: Round, scenario: Scenario) -> None:
        super().__init__("can", rounds)
        self._map = VehicleMap.load(scenario.ego.can)
        self._feed = CanFeed(scenario.ego)
        self.counters = self._map.counters
        self.timeouts_ms = self._map.timeouts_ms
        self.mapped = self._map.mapped
        for _frame in self._feed.frames(scenario):  # a map that lacks a word is refused now, not in the middle
            pass

    def records(self, scenario: Scenario) -> Iterator[tuple[int, bytes | can.Message]]:
        for time_ns, identifier, extended, data in self._feed.frames(scenario):
            frame = can.Message(arbitration_id=identifier, is_extended_id=extended, data=data)
            yield time_ns - scenario.start_ns, frame

    def read(self, wire: bytes | can.Message, time_ns: int) -> list[Fix] | list[VehicleSignal]:
        assert isinstance(wire, can.Message)
        wire.timestamp = time_ns / 1e9
        return self._map.decode(wire)


def simulated_ego(scenario: Scenario, with_car: bool) -> tuple[SimulatedReceiver, SimulatedCar | None]:
    """The inputs of a unit that stands on a desk; without `with_car`, only the receiver's."""
    scenario.check_live()
    start = datetime.now(UTC).replace(microsecond=0)
    rounds = Round(scenario, time.monotonic_ns() + _BEGIN_NS, start)
    return SimulatedReceiver(rounds), SimulatedCar(rounds, scenario) if with_car else None
