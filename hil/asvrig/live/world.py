"""Plays a scenario live: what each vehicle's receiver, bus and radio say, at absolute times, from one thread.

A world is a schedule of one scenario (`asvrig.schedule`): the devices are ptys of this machine or the drivers of any
target.
"""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial

from asvrig.can_feed import CanFeed
from asvrig.gnss_feed import bursts
from asvrig.live.radio import check_address
from asvrig.radio_feed import messages
from asvrig.scenario import Scenario, Vehicle
from asvrig.schedule import Lateness, Record, Schedule, Wait, is_device, readable
from asvrig.targets.target import CanLine, Receiver, Sender
from asvunit.errors import UsageError

__all__ = ["Lateness", "World", "at_next_second", "readable"]


def at_next_second(scenario: Scenario, *, after_s: float = 1.0, from_s: float = 0.0) -> tuple[Scenario, int]:
    """The scenario begun at a whole second, and that moment by the monotonic clock.

    The first such that `from_s` of the scenario lies `after_s` from now, or later.
    """
    unix_ns, monotonic_ns = time.time_ns(), time.monotonic_ns()
    second = -(-(unix_ns + round((after_s - from_s) * 1e9)) // 10**9)
    start = datetime.fromtimestamp(second, UTC)
    return scenario.model_copy(update={"start": start}), monotonic_ns + second * 10**9 - unix_ns


class World:
    """One scenario, played once. Its `start` is what the receivers' clocks tell at `start_monotonic_ns`.

    `from_s`: what would be written earlier is left out.
    """

    def __init__(
        self,
        scenario: Scenario,
        start_monotonic_ns: int,
        *,
        from_s: float = 0.0,
        clock: Callable[[], int] = time.monotonic_ns,
        wait: Wait = readable,
    ) -> None:
        scenario.check_live()
        self.schedule = Schedule(clock, wait)
        self._scenario = scenario
        self._start_ns = start_monotonic_ns
        self._from_ns = start_monotonic_ns + round(from_s * 1e9)

    def add_unit(self, vehicle: Vehicle, receiver: Receiver, can: CanLine | None = None) -> None:
        """A vehicle with a unit: its receiver and, if it has CAN, its adapter. The unit's own radio sends."""
        unfit = [key for key in vehicle.played_only if key != "radio"]
        if unfit:
            raise UsageError(f"vehicle {vehicle.name!r}: {unfit[0]}: not for one with a unit of its own; play it")
        for device in (receiver, can):
            if is_device(device):
                self.schedule.serve(device)
        self._add(self._fixes(vehicle, receiver))
        if can is not None and vehicle.can:
            self._add(self._frames(CanFeed(vehicle), can))

    def play(self, vehicle: Vehicle, sender: Sender) -> None:
        """A vehicle without a unit: its messages, less those that its radio loses, when they are received."""
        check_address(vehicle)
        self._add(self._messages(vehicle, sender))

    def at(self, t_s: float, action: Callable[[], object]) -> None:
        """Something else that happens at a time of the scenario: a device unplugged, garbage written ..."""
        self.schedule.at(self.time_ns(t_s), action)

    def stop(self) -> None:
        """Ends `run` from another thread, or by an action."""
        self.schedule.stop()

    def time_ns(self, t_s: float) -> int:
        """A time of the scenario by the monotonic clock."""
        return self._start_ns + round(t_s * 1e9)

    @property
    def lateness_ms(self) -> Lateness:
        """Of the records written so far, in steps of 0.01 ms."""
        return self.schedule.lateness_ms

    def run(self, until_s: float | None = None) -> None:
        """Plays from the start, which may lie ahead, to the scenario's end; devices stay plugged. Once only."""
        end_s = self._scenario.duration_s if until_s is None else min(until_s, self._scenario.duration_s)
        self.schedule.run(self.time_ns(end_s))

    def _add(self, records: Iterator[Record]) -> None:
        self.schedule.add(record for record in records if record[0] >= self._from_ns)

    def _due(self, time_ns: int) -> int:
        return time_ns - self._scenario.start_ns + self._start_ns

    def _fixes(self, vehicle: Vehicle, receiver: Receiver) -> Iterator[Record]:
        for time_ns, lines in bursts(self._scenario, vehicle):
            yield self._due(time_ns), partial(receiver.write, b"".join(lines))

    def _frames(self, feed: CanFeed, can: CanLine) -> Iterator[Record]:
        for time_ns, identifier, extended, data in feed.frames(self._scenario):
            yield self._due(time_ns), partial(can.send, identifier, extended, data)

    def _messages(self, vehicle: Vehicle, sender: Sender) -> Iterator[Record]:
        for time_ns, _mac, payload in messages(self._scenario, vehicle, sender.source):
            yield self._due(time_ns), partial(sender.send, payload)
