"""Old fixes told from new ones by their time of day, as `asvunit.gnss.fix_lag` does: no I/O, time is an argument.

A unit that stood still finds old epochs queued on its line. Their times of day lag behind the arrival more than before.
"""

from asvcore.params import DAY_MS, NEVER_MS

from . import nmea_counts as counts

STALE_MS = 500
CORRECTED_MS = 2000  # all stale for so long: the receiver's clock was set
OF_THE_PRESENT = -1
HALF_DAY_MS = DAY_MS // 2


class Lag:
    """How far the times of day lag behind the arrivals, against the least of it: both clocks are not compared."""

    __slots__ = ("_is_wrong", "_least_ms", "_least_us", "_seen_ms", "_started", "_tod_ms", "_wrong_since_ms")

    def __init__(self):
        self._started = self._is_wrong = False
        self._least_ms = self._least_us = 0  # together
        self._seen_ms = self._tod_ms = self._wrong_since_ms = 0

    def of(self, tod_ms, now_ms):
        """Why a fix of this time of day that arrives now is not of the present, or OF_THE_PRESENT."""
        lag_ms = (now_ms - tod_ms) % DAY_MS
        if not self._started:
            self._started = True
            self._least_ms = lag_ms
            self._seen_ms, self._tod_ms = now_ms, tod_ms
            return OF_THE_PRESENT
        least_us = self._least_us + max(0, now_ms - self._seen_ms)  # forgotten at 1/1000: crystals differ
        least_ms = (self._least_ms + least_us // 1000) % DAY_MS
        least_us %= 1000
        self._seen_ms = now_ms
        more_ms = (lag_ms - least_ms + HALF_DAY_MS) % DAY_MS - HALF_DAY_MS  # over midnight, either way
        if more_ms == -HALF_DAY_MS and least_us:
            more_ms = HALF_DAY_MS
        is_stale, is_back = more_ms > STALE_MS, 0 < (self._tod_ms - tod_ms) % DAY_MS < HALF_DAY_MS
        is_least = more_ms < 0 or (more_ms == 0 and least_us > 0)
        if is_stale or is_back:
            since_ms = self._wrong_since_ms if self._is_wrong else now_ms
            if now_ms - since_ms < CORRECTED_MS:
                self._least_ms, self._least_us = least_ms, least_us
                self._is_wrong, self._wrong_since_ms = True, since_ms
                return counts.STALE if is_stale else counts.TIME_BACK
            is_least = True  # the receiver's clock was set
        self._is_wrong = False
        self._tod_ms = tod_ms
        self._least_ms = lag_ms if is_least else least_ms
        self._least_us = 0 if is_least else least_us
        return OF_THE_PRESENT

    def rebase(self, offset_ms):
        """Take an offset off every stored time."""
        self._least_ms = (self._least_ms - offset_ms) % DAY_MS
        self._seen_ms = max(self._seen_ms - offset_ms, NEVER_MS)
        self._wrong_since_ms = max(self._wrong_since_ms - offset_ms, NEVER_MS)
