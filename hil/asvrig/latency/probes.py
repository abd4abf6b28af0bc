"""What is seen of a unit's lamps and buzzer, and when: by the record of mock pins, or by edges of input lines.

A probe gives `Seen`, one for each change, all on CLOCK_MONOTONIC; lamps go by their names in the pin map, the
buzzer as "buzzer". A photodiode and a microphone see light and sound themselves: they stand before a lamp and the
buzzer, and speak in their names.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Any, Final, Protocol

from asvrig.latency.edges import Chip
from asvrig.latency.light import LightFinder
from asvrig.latency.tone import ToneFinder

BUZZER: Final = "buzzer"
_POLL_S: Final = 0.004
_TORN_BYTES: Final = 1000  # of a line that has no end: it is dropped


@dataclass(frozen=True, slots=True)
class Seen:
    """One change: a lamp lit (value 1) or dark, or the buzzer sounding a tone of `hz` or silent (0)."""

    t_ns: int
    pin: int
    name: str
    value: int
    hz: int
    by: str  # "record" or "edge"

    def line(self) -> dict[str, Any]:
        """As it stands in seen.jsonl."""
        return asdict(self)


class Probe(Protocol):
    """Follows the pins from `start` on. `names`: what it can see; None: every lamp and the buzzer."""

    by: str
    names: frozenset[str] | None
    counters: Counter[str]

    def start(self) -> None: ...

    def skip(self) -> None:
        """What was seen so far is of no interest to the waits that follow."""

    def wait(self, wanted: Callable[[Seen], bool], until_ns: int) -> Seen | None:
        """The first since `skip` that is so; None: it did not come by then."""

    def lit_between(self, names: Collection[str | None], from_ns: int, until_ns: int) -> bool:
        """Whether one of them was lit, or sounded, after one time and before another."""

    def wait_still(self, name: str, still_ns: int, until_ns: int) -> bool:
        """Until a lamp or the buzzer has been dark or silent for so long; False: not by then."""

    @property
    def seen(self) -> list[Seen]: ...

    def close(self) -> None: ...


class SeenList:
    """What was seen, kept for those who wait for it; filled by the thread of a probe."""

    by = ""

    def __init__(self, now_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self.names: frozenset[str] | None = None
        self.counters: Counter[str] = Counter()
        self._seen: list[Seen] = []
        self._now_ns = now_ns
        self._changed = threading.Condition()
        self._looked = 0  # seen before this are not looked at again: waits go forward in time

    @property
    def seen(self) -> list[Seen]:
        """All so far, in the order in which they became known."""
        with self._changed:
            return list(self._seen)

    def skip(self) -> None:
        """What was seen so far is of no interest to the waits that follow."""
        with self._changed:
            self._looked = len(self._seen)

    def wait(self, wanted: Callable[[Seen], bool], until_ns: int) -> Seen | None:
        """The first since `skip` that is so; None: it did not come by then (CLOCK_MONOTONIC)."""
        with self._changed:
            at = self._looked
            while True:
                while at < len(self._seen):
                    if wanted(self._seen[at]):
                        return self._seen[at]
                    at += 1
                left_ns = until_ns - self._now_ns()
                if left_ns <= 0:
                    return None
                self._changed.wait(left_ns / 1e9)

    def lit_between(self, names: Collection[str | None], from_ns: int, until_ns: int) -> bool:
        """Whether one of them was lit, or sounded, after one time and before another; the latest are looked at."""
        with self._changed:
            recent = takewhile(lambda one: one.t_ns >= from_ns, reversed(self._seen))
            return any(one.name in names and one.value and one.t_ns < until_ns for one in recent)

    def wait_still(self, name: str, still_ns: int, until_ns: int) -> bool:
        """Until `name` has been dark or silent for so long, by all that is known; False: not by then."""
        with self._changed:
            while True:
                last = next((one for one in reversed(self._seen) if one.name == name), None)
                now_ns = self._now_ns()
                dark = last is None or not last.value
                due_ns = 0 if last is None else last.t_ns + still_ns
                if dark and now_ns >= due_ns:
                    return True
                if now_ns >= until_ns:
                    return False
                self._changed.wait((min(due_ns, until_ns) - now_ns if dark else until_ns - now_ns) / 1e9)

    def _add(self, *seen: Seen) -> None:
        with self._changed:
            self._seen.extend(seen)
            self._changed.notify_all()


class RecordProbe(SeenList):
    """Follows the record of mock pins: the stamp of a line is taken when the pin is written."""

    by = "record"

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path, self._at = path, 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="record of pins", daemon=True)

    def start(self) -> None:
        """Begins at what the file holds now."""
        self._at = self._path.stat().st_size if self._path.exists() else 0
        self._thread.start()

    def close(self) -> None:
        """Reads what is there, then ends; may be called twice."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        at, rest = self._at, b""
        while True:
            ended = self._ended.wait(_POLL_S)
            try:
                with self._path.open("rb") as file:
                    file.seek(at)
                    data = file.read()
            except OSError:  # not made yet
                data = b""
            at += len(data)
            *lines, rest = (rest + data).split(b"\n")
            if len(rest) > _TORN_BYTES:
                self.counters["bad_line"] += 1
                rest = b""
            seen = [one for one in map(self._read, lines) if one is not None]
            if seen:
                self._add(*seen)
            if ended:
                return

    def _read(self, line: bytes) -> Seen | None:
        if not line:
            return None
        try:
            told = json.loads(line)
            return Seen(
                int(told["t_ns"]), int(told["pin"]), str(told["name"]), int(told["value"]), int(told["hz"]), "record"
            )
        except (ValueError, TypeError, KeyError):
            self.counters["bad_line"] += 1
            return None


class EdgeProbe(SeenList):
    """Follows input lines by the kernel's stamps of their edges. `lights` and `tones`: pin by name of what it shows."""

    by = "edge"

    def __init__(self, chip: Chip, lights: dict[str, int], tones: dict[str, int]) -> None:
        super().__init__()
        self.names = frozenset({*lights, *tones})
        self._chip = chip
        self._pins = {**lights, **tones}
        self._lights = {name: LightFinder() for name in lights}
        self._tones = {name: ToneFinder() for name in tones}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="edges", daemon=True)

    def start(self) -> None:
        """Claims the lines; UsageError with the pin where that is not possible."""
        for name, pin in self._pins.items():
            self._chip.watch(pin, f"bench line of {name}", partial(self._edge, name))
        self._thread.start()

    def close(self) -> None:
        """Gives the lines back; may be called twice."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
        self._chip.close()
        for name, finder in self._lights.items():
            self.counters[f"{name}_chatter"] = finder.bounced
        for name, tone in self._tones.items():
            self.counters[f"{name}_chatter"] = tone.bounced
        self.counters.update(self._chip.clocks.counters)

    def _edge(self, name: str, t_ns: int, level: int) -> None:
        with self._lock:
            self._take(name, t_ns, level)

    def _run(self) -> None:
        while not self._ended.wait(_POLL_S):
            now_ns = self._now_ns()
            # An edge may be under way from the kernel: silence is judged a little later than it is
            with self._lock:
                for name in self._pins:
                    self._take(name, now_ns - 20_000_000, None)

    def _take(self, name: str, t_ns: int, level: int | None) -> None:
        pin = self._pins[name]
        if name in self._lights:
            light = self._lights[name]
            changes = light.quiet(t_ns) if level is None else light.edge(t_ns, level)
            found = [Seen(one.t_ns, pin, name, one.value, 0, self.by) for one in changes]
        else:
            tone = self._tones[name]
            told = tone.quiet(t_ns) if level is None else tone.edge(t_ns, level)
            found = [Seen(one.t_ns, pin, name, int(one.hz > 0), one.hz, self.by) for one in told]
        if found:
            self._add(*found)
