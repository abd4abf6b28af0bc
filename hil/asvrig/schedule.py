"""One schedule of a bench: whatever is written, sent, pressed or broken, each at its absolute time, from one thread.

Streams of records are made shortly before they are due, while there is time; actions may be added while it runs. How
late each was done is measured: a record that is late leaves the others where they are. Devices that need an answer
get it from the same thread.
"""

import heapq
import select
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from operator import itemgetter
from typing import Any, Final, Protocol, TypeGuard

_AHEAD_NS: Final = 30_000_000_000  # records are made so long before they are due: who works little is woken in time
_SPARE_NS: Final = 2_000_000  # but none is begun so shortly before another is due
_AT_ONCE: Final = 20  # are made before the devices are looked at
_LOOK_NS: Final = 50_000_000  # `stop`, replugged devices and new actions are noticed after so long
_BIN_NS: Final = 10_000  # of the lateness
_NEVER_NS: Final = 1 << 63

Record = tuple[int, Callable[[], object]]  # when it is due by the monotonic clock; what is to be done
Wait = Callable[[Sequence[int], float], list[int]]  # files, seconds at most -> files that can be read


class Device(Protocol):
    """Something whose host writes to it; -1: not just now."""

    def fileno(self) -> int: ...

    def service(self) -> None: ...


def is_device(one: Any) -> TypeGuard[Device]:
    """Whether it must be served; drivers of a bench do that themselves."""
    return hasattr(one, "fileno") and hasattr(one, "service")


@dataclass(frozen=True, slots=True)
class Lateness:
    """How long after their times the records were written, in milliseconds."""

    count: int
    p99: float
    max: float


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


class Schedule:
    """Run once, in any thread; `at`, `stop` and `lateness_ms` from every thread."""

    def __init__(self, clock: Callable[[], int] = time.monotonic_ns, wait: Wait = readable) -> None:
        self._clock, self._wait = clock, wait
        self._streams: list[Iterator[Record]] = []
        self._devices: list[Device] = []
        self._actions: list[tuple[int, int, Callable[[], object]]] = []
        self._order = count()
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._late: Counter[int] = Counter()
        self._latest_ns = 0

    def add(self, records: Iterable[Record]) -> None:
        """Records in the order of their times. Before it runs."""
        self._streams.append(iter(records))

    def serve(self, device: Device) -> None:
        """It is answered for while this runs. Before it runs."""
        self._devices.append(device)

    def at(self, due_ns: int, action: Callable[[], object]) -> None:
        """What is to be done then, before the records of that time; what is overdue is done soon."""
        with self._lock:
            heapq.heappush(self._actions, (due_ns, next(self._order), action))

    def stop(self) -> None:
        """Ends `run` from another thread, or by an action."""
        self._stopped.set()

    @property
    def lateness_ms(self) -> Lateness:
        """Of the records written so far, in steps of 0.01 ms."""
        late = sorted(dict(self._late).items())
        total = sum(number for _bin, number in late)
        needed, p99 = total * 0.99, 0
        for step, number in late:
            needed, p99 = needed - number, step
            if needed <= 0:
                break
        return Lateness(total, p99 * _BIN_NS / 1e6, self._latest_ns / 1e6)

    def run(self, end_ns: int | None = None) -> None:
        """Until then, and what is due later is not done; None: until all is done."""
        last_ns = _NEVER_NS - 1 if end_ns is None else end_ns
        records = heapq.merge(*self._streams, key=itemgetter(0))
        made: deque[Record] = deque()
        while not self._stopped.is_set():
            busy = self._make(records, made)
            if end_ns is None and not busy and self._next_ns(made) == _NEVER_NS:
                break
            due_ns = min(self._next_ns(made), last_ns)
            self._serve(0 if busy else min(due_ns - self._clock(), _LOOK_NS))
            due_ns = self._next_ns(made)  # an action may have been added
            if self._clock() < min(due_ns, last_ns):
                continue
            if due_ns > last_ns:
                break
            self._take(made)()
            self._note(self._clock() - due_ns)

    def _next_ns(self, made: deque[Record]) -> int:
        with self._lock:
            action_ns = self._actions[0][0] if self._actions else _NEVER_NS
        return min(action_ns, made[0][0] if made else _NEVER_NS)

    def _take(self, made: deque[Record]) -> Callable[[], object]:
        with self._lock:
            if self._actions and (not made or self._actions[0][0] <= made[0][0]):
                return heapq.heappop(self._actions)[2]
        return made.popleft()[1]

    def _make(self, records: Iterator[Record], made: deque[Record]) -> bool:
        """Makes some records while none is due; True if there is time for more."""
        for _ in range(_AT_ONCE):
            now_ns = self._clock()
            if made and made[-1][0] - now_ns > _AHEAD_NS:
                return False
            if self._next_ns(made) - now_ns < _SPARE_NS:
                # An action that is due must not keep records from being made: they may be due before it
                return False if made else self._one(records, made)
            if not self._one(records, made):
                return False
        return True

    @staticmethod
    def _one(records: Iterator[Record], made: deque[Record]) -> bool:
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
