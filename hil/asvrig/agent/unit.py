"""A unit that an agent runs, as the bench sees it: its events as they come, and what becomes of its process."""

import json
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final, Protocol

from asvunit.errors import AsvkitError

Event = dict[str, Any]

_END_S: Final = 5.0


class Asking(Protocol):
    """How a unit asks its agent; within 0 s: it does not wait for an answer."""

    def __call__(self, op: str, timeout_s: float, **keys: Any) -> dict[str, Any]: ...


class AgentUnit:
    """One that was started. `starts` and `exits`: of its processes so far, more than one where it is supervised.

    `on_event` is called in the thread that reads the line.
    """

    def __init__(
        self, name: str, pid: int, ask: Asking, *, supervised: bool, on_event: Callable[[Event], None] | None = None
    ) -> None:
        self.name = name
        self.supervised = supervised
        self.counters: Counter[str] = Counter()  # lines that are no event: "bad_line"
        self.starts = 0
        self.exits: list[int] = []
        self._pid, self._ask, self._on_event = pid, ask, on_event
        self._said = ""
        self._over = False
        self._events: list[Event] = []
        self._changed = threading.Condition()

    @property
    def pid(self) -> int:
        """Of its process there, the latest."""
        return self._pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs, or is to be started again; negative: the signal that ended it."""
        with self._changed:
            return self.exits[-1] if self._over and self.exits else None

    @property
    def events(self) -> list[Event]:
        """All that was read so far."""
        with self._changed:
            return list(self._events)

    def wait_event(self, predicate: Callable[[Event], bool], timeout_s: float, *, since: int = 0) -> Event:
        """The first event from number `since` on that is so, past ones too; AsvkitError if none comes in time."""
        until_s = time.monotonic() + timeout_s
        with self._changed:
            while True:
                found = next((event for event in self._events[since:] if predicate(event)), None)
                if found is not None:
                    return found
                since = max(since, len(self._events))
                if self._over:
                    raise AsvkitError(self._obituary())
                left_s = until_s - time.monotonic()
                if left_s <= 0:
                    last = json.dumps(self._events[-1]) if self._events else "none"
                    raise AsvkitError(f"{self.name}: no such event within {timeout_s:g} s; the last one was {last}")
                self._changed.wait(left_s)

    def wait_ready(self, timeout_s: float) -> Event:
        """Its event "ready"; AsvkitError with what it said if it ends before, or if it takes too long."""
        return self.wait_event(lambda event: event.get("event") == "ready", timeout_s)

    def wait_exit(self, timeout_s: float, *, count: int = 1) -> int:
        """Until so many of its processes have ended; the code of that one. AsvkitError if it takes too long."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.exits) >= count, timeout_s):
                raise AsvkitError(f"{self.name}: still runs after {timeout_s:g} s")
            return self.exits[count - 1]

    def stop(self, timeout_s: float = 3) -> int:
        """Ends it for good: end of input, then SIGTERM, then SIGKILL, each given `timeout_s`. The exit code."""
        if self._over and not self.supervised:
            return self.exits[-1]
        code = int(self._ask("stop", 3 * timeout_s + _END_S, within_s=timeout_s)["code"])
        with self._changed:  # its last words are on their way
            self.supervised = False
            self._changed.wait_for(lambda: len(self.exits) >= self.starts, _END_S)
            self._over = True
            self._changed.notify_all()
        return code

    def kill(self) -> None:
        """SIGKILL, without warning; a supervised one is started again."""
        count = len(self.exits)
        if not self._over:
            self._ask("kill", 2 * _END_S)
            self.wait_exit(_END_S, count=count + 1)

    def signal(self, number: signal.Signals) -> None:
        """As SIGSTOP: it hangs, SIGCONT: it goes on."""
        self._ask("signal", _END_S, number=int(number))

    def say(self, text: str) -> None:
        """To its standard input; AsvkitError if it does not take it."""
        self._ask("input", _END_S, text=text)

    def tell(self, text: str) -> None:
        """To its standard input, without a look at whether it got there: for what comes often and is soon old."""
        self._ask("input", 0, text=text)

    def cpu_s(self) -> float:
        """Seconds of processor time it has used, its own and the system's for it."""
        return float(self._usage()["cpu_s"])

    def rss_kib(self) -> int:
        """Memory it holds, in KiB."""
        return int(self._usage()["rss_kib"])

    def gone(self) -> None:
        """There is no agent any more: nothing will be heard of it."""
        with self._changed:
            self._over = True
            self._said = self._said or "its agent is gone"
            self._changed.notify_all()

    def take(self, item: Any) -> None:
        """An item of its stream, as `asvrig.agent.programs` says."""
        kind, told = item if isinstance(item, list) and len(item) == 2 else (None, None)
        if not isinstance(told, dict) or kind not in ("event", "state"):
            self.counters["bad_line"] += 1
            return
        with self._changed:
            if kind == "event":
                self._events.append(told)
            elif "pid" in told:
                self._pid, self.starts = int(told["pid"]), self.starts + 1
            else:
                self.exits.append(int(told["code"]))
                self._said = str(told.get("said", ""))
                self.counters["bad_line"] = int(told.get("counters", {}).get("bad_line", 0))
                self._over = not self.supervised
            self._changed.notify_all()
        if kind == "event" and self._on_event is not None:
            self._on_event(told)

    def _usage(self) -> dict[str, Any]:
        if self._over:
            raise AsvkitError(self._obituary())
        return self._ask("usage", _END_S)

    def _obituary(self) -> str:
        code = self.exits[-1] if self.exits else None
        how = "is gone" if code is None else f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
        return f"{self.name}: its unit {how}" + (f": {self._said}" if self._said else ", without a word")
