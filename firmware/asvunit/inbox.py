"""The bounded queue from the threads of the live inputs to the one loop, which it wakes."""

import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable
from time import monotonic_ns
from typing import Final

from asvunit.ports import ExternalSupport, Fix, Link, RadioFrame, Switch, VehicleSignal

Waiting = Fix | VehicleSignal | ExternalSupport | Switch | RadioFrame  # frames: those that were verified on the way
Delivered = Waiting | Link
_CAPACITY: Final = 4096


class Inbox:
    """Many threads put, one takes. Full, the oldest record gives way and is counted in `lost`; links never do.

    `now_ns`: the clock by which each record is stamped when it is put.
    """

    def __init__(self, capacity: int = _CAPACITY, now_ns: Callable[[], int] = monotonic_ns) -> None:
        self.lost = 0
        self._capacity = capacity
        self._now_ns = now_ns
        self._records: deque[tuple[Waiting, int]] = deque()
        self._links: deque[Link] = deque()
        self._lock = threading.Lock()
        self._rung = False
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def put(self, record: Delivered) -> None:
        """Append, from any thread."""
        with self._lock:
            if isinstance(record, Link):
                self._links.append(record)
            else:
                if len(self._records) >= self._capacity:
                    self._records.popleft()
                    self.lost += 1
                self._records.append((record, self._now_ns()))
            self._ring()

    def wake(self) -> None:
        """Make the loop turn, from any thread or a signal handler."""
        self._ring()

    def take(self) -> tuple[list[Link], list[tuple[Waiting, int]]]:
        """All that waits; records with the time at which they were put, in ns."""
        if not self._rung:  # most turns are the radio's
            return [], []
        with self._lock:
            self._rung = False  # before the reading: who rings meanwhile is heard at the next turn
            if self._wake >= 0:
                with contextlib.suppress(BlockingIOError):
                    os.eventfd_read(self._wake)
            links, records = list(self._links), list(self._records)
            self._links.clear()
            self._records.clear()
        return links, records

    def fileno(self) -> int:
        return self._wake

    def close(self) -> None:
        """What is put from now on goes nowhere."""
        with self._lock:
            wake, self._wake = self._wake, -1
        if wake >= 0:
            os.close(wake)

    def _ring(self) -> None:
        if self._wake >= 0:
            self._rung = True
            os.eventfd_write(self._wake, 1)
