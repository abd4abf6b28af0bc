"""One time base: nanoseconds outside, the unit's own milliseconds inside, rebased before 2^29.

Recordings bring Unix nanoseconds; live adapters bring the monotonic clock's. Either way the unit's
milliseconds count from `base_ns`, and events show `base_ns + offset_ns` onwards as epoch seconds.
"""

from asvcore.params import REBASE_MS


class UnitClock:
    """Converts times at the adapters; times before `base_ns` count as it."""

    def __init__(self, base_ns: int, offset_ns: int = 0) -> None:
        self._base_ns = base_ns
        self._offset_ns = offset_ns

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
