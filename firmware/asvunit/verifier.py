"""Verifies the trailers of particular vehicles in a thread of its own, so that the cycle never waits for a signature.

What needs no signature to be refused is refused at once; the other frames come back with their verdict through
`deliver`, those of vehicles that are known to be genuine first.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from asvunit.authority import ACCEPTED, Authority
from asvunit.ports import RadioFrame
from asvunit.radio.admission import FOLLOWED
from asvunit.worker import Worker

CAPACITY: Final = 64  # frames that wait, of followed vehicles and of others each: these take no place from those
LATE_NS: Final = 500_000_000  # a verified frame that is older tells of the past

Deliver = Callable[[RadioFrame], None]


class Verifier(Worker):
    """Two bounded queues before an `Authority`. `submit` belongs to the loop, `deliver` is called by the thread."""

    def __init__(self, authority: Authority, deliver: Deliver, capacity: int = CAPACITY) -> None:
        super().__init__("verifier")
        self._authority = authority
        self._deliver = deliver
        self._capacity = capacity
        self._first: deque[RadioFrame] = deque()  # of vehicles that were genuine a moment ago
        self._others: deque[RadioFrame] = deque()
        self._waiting: set[bytes] = set()  # what is in both, and what is verified now

    def submit(self, frame: RadioFrame, now_ms_utc: int | None) -> str:
        """The verdict on a signed frame heard at this trusted time, where it is known at once; "": it comes back."""
        reason = self._authority.untimely(frame.payload, now_ms_utc)
        if reason:
            return reason
        with self._condition:
            if frame.payload in self._waiting:
                return "replayed"
            reason = self._authority.crowded_out(frame)
            if reason:
                return reason
            queue = self._first if self._authority.rank == FOLLOWED else self._others
            if len(queue) >= self._capacity:
                return "overflow"
            queue.append(frame)
            self._waiting.add(frame.payload)
            self._condition.notify()
        return ""

    def verify_next(self) -> bool:
        """Verify and deliver the first frame that waits; False: none does."""
        with self._condition:
            if not self._first and not self._others:
                return False
            frame = (self._first or self._others).popleft()
        verified = self._authority.verify(frame.payload)
        with self._condition:
            self._waiting.discard(frame.payload)
            verdict = self._authority.conclude(frame, verified) or ACCEPTED
        self._deliver(replace(frame, verdict=verdict))
        return True

    def _run(self) -> None:
        while True:
            with self._condition:
                while not self._first and not self._others and not self._ended:
                    self._condition.wait()
                if self._ended:
                    return
            self.verify_next()
