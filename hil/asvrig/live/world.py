"""Plays a scenario live: what each vehicle's receiver, bus and radio say, at absolute times, from one thread.

Records are made shortly before they are due, while there is time; how late each was written is measured. The
same thread answers for the devices when their hosts write to them.
"""

import heapq
import select
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from operator import itemgetter
from typing import Final

from asvrig.can_feed import CanFeed
from asvrig.gnss_feed import bursts
from asvrig.live.device import PtyDevice
from asvrig.live.radio import RadioSender, check_address
from asvrig.live.receiver import ReceiverPty
from asvrig.live.slcan import SlcanPty
from asvrig.radio_feed import messages
from asvrig.scenario import Scenario, Vehicle
from asvunit.errors import UsageError

_AHEAD_NS: Final = 30_000_000_000  # records are made so long before they are due: who works little is woken in time
_SPARE_NS: Final = 2_000_000  # but none is begun so shortly before another is due
_AT_ONCE: Final = 20  # are made before the devices are looked at
_LOOK_NS: Final = 50_000_000  # `stop` and replugged devices are noticed after so long
_BIN_NS: Final = 10_000  # of the lateness

Record = tuple[int, Callable[[], None]]  # when it is due by the monotonic clock; what is to be done
Wait = Callable[[Sequence[int], float], list[int]]  # files, seconds at most -> files that can be read


@dataclass(frozen=True, slots=True)
class Lateness:
    """How long after their times the records were written, in milliseconds."""

    count: int
    p99: float
    max: float


def at_next_second(scenario: Scenario, *, after_s: float = 1.0) -> tuple[Scenario, int]:
    """The scenario begun at the first whole second `after_s` from now, and that moment by the monotonic clock."""
    unix_ns, monotonic_ns = time.time_ns(), time.monotonic_ns()
    second = -(-(unix_ns + round(after_s * 1e9)) // 10**9)
    start = datetime.fromtimestamp(second, UTC)
    return scenario.model_copy(update={"start": start}), monotonic_ns + second * 10**9 - unix_ns


def readable(files: Sequence[int], timeout_s: float) -> list[int]:
    """Waits for files to read; to the microsecond in the last millisecond, which `poll` cannot."""
    poll = select.poll()
    for file in files:
        poll.register(file, select.POLLIN)
    whole_ms = int(timeout_s * 1000)
    found = [file for file, _event in poll.poll(whole_ms)]
    if not found and not whole_ms:
        time.sleep(timeout_s)
    return found


class World:
    """One scenario, played once. Its `start` is what the receivers' clocks tell at `start_monotonic_ns`."""

    def __init__(
        self,
        scenario: Scenario,
        start_monotonic_ns: int,
        *,
        clock: Callable[[], int] = time.monotonic_ns,
        wait: Wait = readable,
    ) -> None:
        scenario.check_live()
        self._scenario = scenario
        self._start_ns = start_monotonic_ns
        self._clock = clock
        self._wait = wait
        self._streams: list[Iterator[Record]] = []
        self._actions: list[Record] = []
        self._devices: list[PtyDevice] = []
        self._stopped = threading.Event()
        self._late: Counter[int] = Counter()
        self._latest_ns = 0

    def add_unit(self, vehicle: Vehicle, receiver: ReceiverPty, can: SlcanPty | None = None) -> None:
        """A vehicle with a unit: its receiver and, if it has CAN, its adapter. The unit's own radio sends."""
        unfit = [key for key in vehicle.played_only if key != "radio"]
        if unfit:
            raise UsageError(f"vehicle {vehicle.name!r}: {unfit[0]}: not for one with a unit of its own; play it")
        self._devices.append(receiver)
        self._streams.append(self._fixes(vehicle, receiver))
        if can is not None:
            self._devices.append(can)
            if vehicle.can:
                self._streams.append(self._frames(CanFeed(vehicle), can))

    def play(self, vehicle: Vehicle, sender: RadioSender) -> None:
        """A vehicle without a unit: its messages, less those that its radio loses, when they are received."""
        check_address(vehicle)
        self._streams.append(self._messages(vehicle, sender))

    def at(self, t_s: float, action: Callable[[], None]) -> None:
        """Something else that happens at a time of the scenario: a device unplugged, garbage written ..."""
        self._actions.append((self._start_ns + round(t_s * 1e9), action))

    def stop(self) -> None:
        """Ends `run` from another thread, or by an action."""
        self._stopped.set()

    @property
    def lateness_ms(self) -> Lateness:
        """Of the records written so far, in steps of 0.01 ms."""
        late = sorted(dict(self._late).items())
        count = sum(number for _bin, number in late)
        needed, p99 = count * 0.99, 0
        for step, number in late:
            needed, p99 = needed - number, step
            if needed <= 0:
                break
        return Lateness(count, p99 * _BIN_NS / 1e6, self._latest_ns / 1e6)

    def run(self) -> None:
        """Plays from the start, which may lie ahead, to the scenario's end; devices stay plugged. Once only."""
        actions = iter(sorted(self._actions, key=itemgetter(0)))
        records = heapq.merge(actions, *self._streams, key=itemgetter(0))
        made: deque[Record] = deque()
        end_ns = self._start_ns + round(self._scenario.duration_s * 1e9)
        while not self._stopped.is_set():
            busy = self._make(records, made)
            due_ns = made[0][0] if made else end_ns
            self._serve(0 if busy else min(due_ns - self._clock(), _LOOK_NS))
            if self._clock() < due_ns:
                continue
            if not made:
                break
            made.popleft()[1]()
            self._note(self._clock() - due_ns)

    def _make(self, records: Iterator[Record], made: deque[Record]) -> bool:
        """Makes some records while none is due; True if there is time for more."""
        for _ in range(_AT_ONCE):
            now_ns = self._clock()
            if made and (made[0][0] - now_ns < _SPARE_NS or made[-1][0] - now_ns > _AHEAD_NS):
                return False
            record = next(records, None)
            if record is None:
                return False
            made.append(record)
        return True

    def _serve(self, wait_ns: int) -> None:
        """Lets the devices answer, for a while."""
        devices = {device.fileno(): device for device in self._devices}
        files = [file for file in devices if file >= 0]
        for file in self._wait(files, max(0, wait_ns) / 1e9):
            devices[file].service()

    def _note(self, late_ns: int) -> None:
        self._late[max(0, late_ns) // _BIN_NS] += 1
        self._latest_ns = max(self._latest_ns, late_ns)

    def _due(self, time_ns: int) -> int:
        return time_ns - self._scenario.start_ns + self._start_ns

    def _fixes(self, vehicle: Vehicle, receiver: ReceiverPty) -> Iterator[Record]:
        for time_ns, lines in bursts(self._scenario, vehicle):
            yield self._due(time_ns), partial(receiver.write, b"".join(lines))

    def _frames(self, feed: CanFeed, can: SlcanPty) -> Iterator[Record]:
        for time_ns, identifier, extended, data in feed.frames(self._scenario):
            yield self._due(time_ns), partial(can.send, identifier, extended, data)

    def _messages(self, vehicle: Vehicle, sender: RadioSender) -> Iterator[Record]:
        for time_ns, _mac, payload in messages(self._scenario, vehicle, sender.source):
            yield self._due(time_ns), partial(sender.send, payload)
