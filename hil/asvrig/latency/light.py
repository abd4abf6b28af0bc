"""Light found in the edges of a line: of a lamp's own line, or of a photodiode's comparator.

Comparators chatter where the light changes: a change counts once the line has kept its level for a while, and it
happened at the first edge of the chatter. What a lamp's changes in a row mean is told by their lengths.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final

SETTLE_NS: Final = 2_000_000
_MS: Final = 1_000_000
_PATTERNS: Final = {"caution": 200 * _MS, "warning": 100 * _MS}  # lit and dark for so long each
_NEAR: Final = 0.25


@dataclass(frozen=True, slots=True)
class LightChange:
    """Lit (1) or dark (0) since `t_ns`."""

    t_ns: int
    value: int


class LightFinder:
    """Edges in, changes out; times are nanoseconds of any one clock and must not run back."""

    def __init__(self, settle_ns: int = SETTLE_NS, value: int = 0) -> None:
        self._settle_ns = settle_ns
        self._value = self._level = value
        self._first_ns = self._last_ns = 0
        self._unsettled = False
        self.bounced = 0  # edges of chatter

    def edge(self, t_ns: int, level: int) -> list[LightChange]:
        """One edge of the line: it has this level now."""
        out = self.quiet(t_ns)
        if level == self._level:
            return out
        if self._unsettled:
            self.bounced += 1
        else:
            self._first_ns, self._unsettled = t_ns, True
        self._level, self._last_ns = level, t_ns
        return out

    def quiet(self, now_ns: int) -> list[LightChange]:
        """What the time since the last edge tells."""
        if not self._unsettled or now_ns - self._last_ns < self._settle_ns:
            return []
        self._unsettled = False
        if self._level == self._value:
            return []
        self._value = self._level
        return [LightChange(self._first_ns, self._value)]


def pattern(changes: Sequence[LightChange], until_ns: int) -> str:
    """What a lamp does from its first lighting in `changes` until a time.

    "off", "steady", "caution" (200 ms lit, 200 ms dark), "warning" (100 and 100 ms), or "other".
    """
    lit = next((at for at, one in enumerate(changes) if one.value), None)
    if lit is None:
        return "off"
    # Lit, dark, lit ...; what goes on at the end is only known to have lasted until then
    times = [one.t_ns for one in changes[lit:]]
    lengths = [b - a for a, b in pairwise(times)]
    if len(lengths) > 2 and len(lengths) % 2 and lengths[-1] > 1.5 * median(lengths):
        lengths.pop()  # a lamp that has flashed goes on steadily
    if not lengths or (len(lengths) == 1 and until_ns - times[-1] > lengths[0]):
        return "steady"
    if len(lengths) == 1:
        return "steady"
    # By the middle of each: one that a busy machine wrote late makes no other pattern
    lit_ns, dark_ns = median(lengths[0::2]), median(lengths[1::2])
    for name, length_ns in _PATTERNS.items():
        if max(abs(lit_ns - length_ns), abs(dark_ns - length_ns)) <= _NEAR * length_ns:
            return name
    return "other"
