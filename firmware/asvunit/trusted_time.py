"""The trusted clock that trailers are judged by: GNSS time live, the log's own time in replay."""

from collections.abc import Callable
from typing import Final

from asvcore.params import FIX_TIMEOUT_MS, FIX_TIMEOUT_PERIODS
from asvunit.gnss.nmea_text import DAY_MS
from asvunit.ports import Fix

_MS_NS: Final = 1_000_000
_PERIOD_MAX_MS: Final = 10_000  # fixes farther apart tell of no slower receiver, but of a gap
_DATED_MS: Final = 10 * 365 * DAY_MS  # times of a log below ten years after 1970 are no dates


class GnssTime:
    """UTC from the last valid fix and its age.

    A fix tells the time of day only. Its day is the one that brings it nearest to the system clock, which may
    thus be wrong by up to half a day either way.
    """

    def __init__(self, system_ms: Callable[[int], int]) -> None:
        """`system_ms` gives the system clock's Unix time for a time of the fixes' clock, in ms."""
        self._system_ms = system_ms
        self._fix: tuple[int, int] | None = None  # its time and UTC in ms, as one: any thread may ask
        self._period_ms = _PERIOD_MAX_MS
        self._limit_ms = FIX_TIMEOUT_MS

    def fix(self, fix: Fix) -> None:
        """One epoch of the receiver; those that are not valid tell no time."""
        if not fix.valid or fix.tod_ms is None:
            return
        if self._fix is not None:
            period_ms = min((fix.time_ns - self._fix[0]) // _MS_NS, _PERIOD_MAX_MS)
            # The shorter of the last two: one gap is no slow receiver
            self._limit_ms = max(FIX_TIMEOUT_MS, FIX_TIMEOUT_PERIODS * min(period_ms, self._period_ms))
            self._period_ms = period_ms
        system_ms = self._system_ms(fix.time_ns)
        ahead_ms = (fix.tod_ms - system_ms + DAY_MS // 2) % DAY_MS - DAY_MS // 2
        self._fix = fix.time_ns, system_ms + ahead_ms

    def now_ms(self, time_ns: int) -> int | None:
        """UTC in Unix ms at a time of the fixes' clock; None: no valid fix within its timeout."""
        fix = self._fix
        if fix is None:
            return None
        age_ms = (time_ns - fix[0]) // _MS_NS
        return fix[1] + age_ms if age_ms <= self._limit_ms else None


def log_time_ms(time_ns: int) -> int | None:
    """UTC in Unix ms of a recorded frame; None for a log with relative times alone."""
    time_ms = time_ns // _MS_NS
    return time_ms if time_ms >= _DATED_MS else None
