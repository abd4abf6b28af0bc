"""Verifies the trailers of particular vehicles in a thread of its own, so that the cycle never waits for a signature.

Frames are handed over with the trusted time of their receipt, and come back with their verdict through `deliver`.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from asvunit.authority import ACCEPTED, Authority
from asvunit.ports import RadioFrame
from asvunit.worker import Worker

CAPACITY: Final = 64  # frames that wait
LATE_NS: Final = 500_000_000  # a verified frame that is older tells of the past

Deliver = Callable[[RadioFrame], None]


class Verifier(Worker):
    """A bounded queue before an `Authority`. `submit` belongs to the loop, `deliver` is called by the thread."""

    def __init__(self, authority: Authority, deliver: Deliver, capacity: int = CAPACITY) -> None:
        super().__init__("verifier")
        self._authority = authority
        self._deliver = deliver
        self._capacity = capacity
        self._waiting: deque[tuple[RadioFrame, int | None]] = deque()

    def submit(self, frame: RadioFrame, now_ms_utc: int | None) -> bool:
        """Take a frame in; False, at once, where too many wait already."""
        with self._condition:
            if len(self._waiting) >= self._capacity:
                return False
            self._waiting.append((frame, now_ms_utc))
            self._condition.notify()
        return True

    def _run(self) -> None:
        while True:
            with self._condition:
                while not self._waiting and not self._ended:
                    self._condition.wait()
                if self._ended:
                    return
                frame, now_ms = self._waiting.popleft()
            verdict = self._authority.judge(frame.payload, now_ms) or ACCEPTED
            self._deliver(replace(frame, verdict=verdict))
