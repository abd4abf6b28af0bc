"""The pins of a unit on another machine, seen from this bench: its mock pins' record or its edges, by our clock."""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from asvrig.agent.client import AgentClient
from asvrig.agent.clocks import ClocksThere
from asvrig.latency.probes import Seen, SeenList
from asvunit.errors import AsvkitError

_EVERY_S: Final = 5.0  # quartzes drift apart: 100 ppm is half a millisecond in so long


class ClocksKept:
    """The other machine's monotonic clock laid on ours, again and again, until closed."""

    def __init__(self, client: AgentClient) -> None:
        self.there: ClocksThere = client.clock()
        self._client = client
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="clocks", daemon=True)
        self._thread.start()

    def bench(self, monotonic_there_ns: int) -> int:
        """A time of the other machine by this bench's CLOCK_MONOTONIC."""
        return self.there.bench(monotonic_there_ns)

    def close(self) -> None:
        """May be called twice."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(_EVERY_S):
            try:
                found = self._client.clock()
            except AsvkitError:  # its agent is gone; another one brings clocks of its own
                return
            self.there = found


class FarProbe(SeenList):
    """What is told of pins over there (`asvrig.latency.probes.Probe`)."""

    def __init__(self, by: str, names: frozenset[str] | None, clocks: ClocksKept) -> None:
        super().__init__()
        self.by, self.names = by, names
        self._clocks = clocks
        self._end: Callable[[], None] | None = None

    def start(self) -> None:
        """It is told from its making on."""

    def lay(self, clocks: ClocksKept) -> None:
        """Its times are by these clocks from now on."""
        self._clocks = clocks

    def follow(self, client: AgentClient, path: str) -> None:
        """The record of mock pins, by this agent; anew where there is another."""
        self._end = client.follow(path, self.take)

    def take(self, told: dict[str, Any]) -> None:
        """A line of a record, or of the helper."""
        try:
            t_ns = self._clocks.bench(int(told["t_ns"]))
            pin, name, value, hz = int(told["pin"]), str(told["name"]), int(told["value"]), int(told["hz"])
        except (ValueError, TypeError, KeyError):
            self.counters["bad_line"] += 1
            return
        self._add(Seen(t_ns, pin, name, value, hz, self.by))

    def close(self) -> None:
        """May be called twice."""
        end, self._end = self._end, None
        if end is not None:
            try:
                end()
            except AsvkitError:  # its agent is gone
                self.counters["agent_gone"] += 1


class NoProbe(SeenList):
    """Of a bench that sees no pins."""

    by = ""

    def __init__(self) -> None:
        super().__init__()
        self.names = frozenset()
        self.counters = Counter()

    def start(self) -> None:
        """There is nothing to see."""

    def close(self) -> None:
        """Nothing was opened."""
