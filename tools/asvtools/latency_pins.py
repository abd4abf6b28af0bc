"""When a change was seen: lamps and buzzer in the record of mock pins, or at a bench's probes, laid on the ledger.

Of each lamp, and of the buzzer, the first write after the change was commanded counts; the light is seen when the last
of these lamps has changed. A pattern's next step cannot be taken for it: that comes 100 ms later at the least.
"""

import json
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from asvtools.latency_ledger import lines
from asvtools.latency_stages import SEEN, Change

_STATES: Final = ("system", "receiving", "fault")  # lamps of the unit itself, not of a change
_SOUND: Final = ("buzzer", "microphone")
RECORD_WAIT_NS: Final = 1_000_000  # a mock pin is written before its writer says so
PROBE_WAIT_NS: Final = 90_000_000  # a probe may take its time, but less than half a period of a pattern
_LAST: Final = ("written", "sounded", "lit")


@dataclass(slots=True)
class Writes:
    """Changes of pins in order of time: monotonic nanoseconds, name, whether it is sound, whether lit or sounding."""

    times_ns: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    sounds: list[bool] = field(default_factory=list)
    lit: list[bool] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.times_ns)

    def lights(self, name: str, from_ns: int, until_ns: int) -> bool:
        """Whether it was lit, or sounded, from one time on and before another."""
        places = range(bisect_left(self.times_ns, from_ns), bisect_left(self.times_ns, until_ns))
        return any(self.lit[place] and self.names[place] == name for place in places)


def read_writes(path: Path, counters: Counter[str]) -> Writes:
    """The lamps of the driver's view and the buzzer; what is no such line is counted as `pin_malformed`."""
    found: list[tuple[int, str, bool, bool]] = []
    for line in lines(path, counters):
        try:
            row = json.loads(line)
            t_ns, name, value, hz = row["t_ns"], row["name"], row["value"], row.get("hz") or 0
            good = type(t_ns) is int and isinstance(name, str) and value in (0, 1) and hz >= 0
        except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
            good = False
        if not good:
            counters["pin_malformed"] += 1
        elif name not in _STATES:
            found.append((t_ns, name, name in _SOUND or hz > 0, bool(value)))
    found.sort(key=lambda one: one[0])
    return Writes(*(list(column) for column in zip(*found, strict=True))) if found else Writes()


def merge(changes: list[Change], writes: Writes, wait_ns: int, offset_us: float = 0.0) -> int:
    """Adds `light_seen` and `sound_seen` to the changes, `offset_us` earlier; how many of them were seen at all."""
    seen = 0
    ordered = sorted(changes, key=_commanded_ns)
    starts_ns = [_commanded_ns(change) for change in ordered]
    for at, change in enumerate(ordered):
        last_us = next((change.at[name] for name in _LAST if name in change.at), change.reached_us)
        until_ns = change.stamp_ns + round(last_us * 1000) + wait_ns
        if at + 1 < len(starts_ns):
            until_ns = min(until_ns, starts_ns[at + 1])
        first: dict[str, int] = {}
        sound: dict[str, int] = {}
        for place in range(bisect_left(writes.times_ns, starts_ns[at]), len(writes)):
            if writes.times_ns[place] > until_ns:
                break
            (sound if writes.sounds[place] else first).setdefault(writes.names[place], writes.times_ns[place])
        for name, found in zip(SEEN, (first, sound), strict=True):
            if found:
                change.at[name] = (max(found.values()) - change.stamp_ns) / 1000 - offset_us
        seen += bool(first or sound)
    return seen


def _commanded_ns(change: Change) -> int:
    return change.stamp_ns + int(change.reached_us * 1000)
