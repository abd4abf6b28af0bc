"""One time base: nanoseconds outside, the unit's own milliseconds inside, rebased before 2^29.

Recordings bring Unix nanoseconds; live adapters bring the monotonic clock's. Either way the unit's
milliseconds count from `base_ns`, and events show `base_ns + offset_ns` onwards as epoch seconds.
"""

import time
from collections.abc import Callable
from typing import Final

from asvcore.params import REBASE_MS

_TOGETHER_NS: Final = 50_000  # two clocks read within it were read at one time
_TRIES: Final = 3


def both_ns(
    monotonic_ns: Callable[[], int] = time.monotonic_ns, unix_ns: Callable[[], int] = time.time_ns
) -> tuple[int, int]:
    """(monotonic, Unix) nanoseconds of one moment: read again if this thread was put aside in between."""
    for _ in range(_TRIES):
        before_ns, now_ns = monotonic_ns(), unix_ns()
        after_ns = monotonic_ns()
        if after_ns - before_ns < _TOGETHER_NS:
            break
    return before_ns, now_ns


class UnitClock:
    """Converts times at the adapters; times before `base_ns` count as it."""

    def __init__(self, base_ns: int, offset_ns: int = 0) -> None:
        self._base_ns = base_ns
        self._offset_ns = offset_ns

    @property
    def base_ns(self) -> int:
        """The time of unit millisecond 0, as of now."""
        return self._base_ns

    @property
    def offset_ns(self) -> int:
        """Unix time at the zero of the time base."""
        return self._offset_ns

    def unit_ms(self, time_ns: int) -> int:
        """Unit milliseconds of a time, rounded down: no input lies ahead of its tick."""
        return max(0, (time_ns - self._base_ns) // 1_000_000)

    def time_ns(self, unit_ms: int) -> int:
        """The time of a unit millisecond."""
        return self._base_ns + unit_ms * 1_000_000

    def epoch_s(self, time_ns: int) -> float:
        """Epoch seconds of a time, to the microsecond."""
        return (time_ns + self._offset_ns) // 1000 / 1e6

    def rebase_due(self, time_ns: int) -> int:
        """Milliseconds to take off now (and to tell the core), or 0."""
        if self.unit_ms(time_ns) < REBASE_MS + REBASE_MS // 2:
            return 0
        self._base_ns += REBASE_MS * 1_000_000
        return REBASE_MS
