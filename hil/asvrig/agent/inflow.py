"""The bench's end of an agent's stream: items in their order, each once; what is missing is asked for again."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from asvrig.agent.wire import Message

_ACKNOWLEDGE: Final = 256  # items after which the agent is told that they are here
_AGAIN_S: Final = 0.2


class Inflow:
    """One stream. `take` gets what comes, and what came before it was given."""

    def __init__(self, counters: Counter[str]) -> None:
        self._counters = counters
        self._take: Callable[[Any], None] | None = None
        self._waiting: list[Any] = []
        self._next = 0
        self._told = 0
        self._asked_s = 0.0
        self._lock = threading.RLock()

    @property
    def wanted(self) -> bool:
        """Whether anybody takes its items."""
        return self._take is not None

    def to(self, take: Callable[[Any], None]) -> None:
        """From now on it is `take` that gets them."""
        with self._lock:
            waiting, self._waiting, self._take = self._waiting, [], take
            for item in waiting:
                take(item)

    def heed(self, message: Message) -> Message | None:
        """A line of this stream; what is to be said to the agent, if anything."""
        with self._lock:
            return self._heed(message)

    def _heed(self, message: Message) -> Message | None:
        number, start, first, items = message.get("s"), message.get("n"), message.get("first"), message.get("items")
        if not isinstance(start, int) or not isinstance(first, int) or not isinstance(items, list):
            self._counters["bad_message"] += 1
            return None
        if first > self._next:  # those are gone for good
            self._counters["lost"] += first - self._next
            self._next = first
        if start > self._next:
            now_s = time.monotonic()
            if now_s - self._asked_s < _AGAIN_S:
                return None
            self._asked_s = now_s
            self._counters["asked_again"] += 1
            return {"s": number, "again": self._next}
        for item in items[self._next - start :]:
            self._next += 1
            if self._take is None:
                self._waiting.append(item)
            else:
                self._take(item)
        if self._next > self._told and (not items or self._next - self._told >= _ACKNOWLEDGE):
            self._told = self._next
            return {"s": number, "has": self._next}
        return None
