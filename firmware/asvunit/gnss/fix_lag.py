"""Old fixes told from new ones by their time of day: no I/O, time is an argument.

A process that stood still finds seconds of old fixes queued, on a serial line and in a socket alike. They are
known by their time of day: it lags behind the arrival more than it did before.
"""

from typing import Final

from asvunit.gnss.nmea_text import DAY_MS

STALE_MS: Final = 500
CORRECTED_MS: Final = 2000  # all stale for so long: the receiver's clock was set
# How fast the least lag is forgotten. Crystals differ by 50 ppm, a system clock being adjusted by 500; after ten
# minutes without a valid fix a backlog may be 0.6 s older before it is known as one.
LEAK_PPM: Final = 1000

_MS_NS: Final = 1_000_000
_DAY_NS: Final = DAY_MS * _MS_NS


class Lag:
    """How far the times of day lag behind the arrivals, against the least of it: both clocks are not compared."""

    def __init__(self) -> None:
        self._least_ns: int | None = None
        self._seen_ns = 0
        self._tod_ms = 0
        self._wrong_since_ns: int | None = None

    def of(self, tod_ms: int, time_ns: int) -> str:
        """Why a fix of this time of day that arrives now is not of the present: stale or time_back; empty: it is."""
        lag_ns = (time_ns - tod_ms * _MS_NS) % _DAY_NS
        if self._least_ns is None:
            self._least_ns, self._seen_ns, self._tod_ms = lag_ns, time_ns, tod_ms
            return ""
        least_ns = self._least_ns + max(0, time_ns - self._seen_ns) * LEAK_PPM // 1_000_000
        self._seen_ns = time_ns
        more_ns = (lag_ns - least_ns + _DAY_NS // 2) % _DAY_NS - _DAY_NS // 2  # over midnight, either way
        is_stale, is_back = more_ns > STALE_MS * _MS_NS, 0 < (self._tod_ms - tod_ms) % DAY_MS < DAY_MS // 2
        if is_stale or is_back:
            since_ns = time_ns if self._wrong_since_ns is None else self._wrong_since_ns
            if time_ns - since_ns < CORRECTED_MS * _MS_NS:
                self._least_ns, self._wrong_since_ns = least_ns, since_ns
                return "stale" if is_stale else "time_back"
            least_ns = lag_ns  # the receiver's clock was set
        self._wrong_since_ns = None
        self._tod_ms = tod_ms
        self._least_ns = lag_ns if more_ns < 0 else least_ns
        return ""
