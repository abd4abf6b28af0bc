"""Sends each frame at its own absolute time from a thread of its own, whatever the loop is doing.

The loop hands a frame over ahead of its time. Never a burst: a frame that another has overtaken is counted
in `missed`, not sent late; nor is one that is late by half a cycle.
"""

import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from asvunit.ports import Radio
from asvunit.quantiles import Quantiles
from asvunit.worker import Worker

STALE_NS: Final = 50_000_000  # a frame that is later is not sent any more: the next would come too soon after it
LEAD_NS: Final = 5_000_000  # from the cycle that makes a frame to its sending


class Sender(Worker):
    """Owns the sending side of a radio. `fault` is the last failure's text until a sending succeeds."""

    def __init__(
        self,
        radio: Radio,
        seal: Callable[[bytes], bytes] | None = None,
        sent: Callable[[int, bytes], None] | None = None,
    ) -> None:
        """`seal` makes of a message what goes on the air; `sent` is told the time and each payload that has left."""
        super().__init__("sender")
        self._seal, self._sent = seal, sent
        self.counters: Counter[str] = Counter()
        self.late = Quantiles()
        self.fault = ""
        self.last_ns = 0  # when the last frame was handed to the network
        self._radio = radio
        self._next: tuple[int, bytes] | None = None

    def submit(self, due_ns: int, payload: bytes) -> None:
        """A frame and when it is to leave."""
        with self._condition:
            if self._next is not None:
                self.counters["missed"] += 1
            self._next = due_ns, payload
            self._condition.notify()

    def _run(self) -> None:
        while True:
            with self._condition:
                while self._next is None and not self._ended:
                    self._condition.wait()
                if self._ended or self._next is None:
                    return
                due_ns, plain = self._next
            payload = self._seal(plain) if self._seal else plain  # ahead of its time: a signature takes some
            wait_ns = due_ns - time.monotonic_ns()
            if wait_ns > 0:
                time.sleep(wait_ns / 1e9)
            with self._condition:
                if self._ended:
                    return
                overtaken = self._next[1] is not plain
                due_ns, plain = self._next
                self._next = None
            if overtaken:
                payload = self._seal(plain) if self._seal else plain
            if time.monotonic_ns() - due_ns > STALE_NS:  # the process was stopped: it tells of the past
                self.counters["missed"] += 1
            else:
                self._send(due_ns, payload)

    def _send(self, due_ns: int, payload: bytes) -> None:
        now_ns = time.monotonic_ns()
        try:
            self._radio.send(payload)
        except OSError as error:
            self.counters["send_error"] += 1
            self.fault = error.strerror or str(error)
            return
        self.fault = ""
        self.last_ns = now_ns
        self.counters["sent"] += 1
        self.late.add_ns(now_ns - due_ns)
        if self._sent:
            self._sent(now_ns, payload)
