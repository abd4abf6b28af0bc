"""Quantiles of durations over a run of any length, in fixed memory."""

import math
from typing import Any, Final

_STEP: Final = 1.05  # of the buckets: a quantile is told within 5 %
_BUCKETS: Final = 400  # 1 us .. 5 min
_log = math.log
_LOG_STEP: Final = _log(_STEP)


class Quantiles:
    """Counts microseconds in buckets that grow by 5 %; least and most are exact."""

    def __init__(self) -> None:
        self._counts = [0] * _BUCKETS
        self.count = 0
        self.max_us = 0.0

    def add_ns(self, duration_ns: int) -> None:
        """Count one duration; negative ones count as 0."""
        us = duration_ns / 1000
        at = int(_log(us) / _LOG_STEP) if us > 1 else 0
        self._counts[at if at < _BUCKETS else _BUCKETS - 1] += 1
        self.count += 1
        self.max_us = max(self.max_us, us)

    def quantile_us(self, share: float) -> float | None:
        """The duration that `share` (0..1) of all do not exceed, or None where nothing was counted."""
        if not self.count:
            return None
        wanted = math.ceil(share * self.count)
        seen = 0
        for at, count in enumerate(self._counts):
            seen += count
            if seen >= wanted:
                return float(min(_STEP ** (at + 1), self.max_us))
        return self.max_us

    def summary(self) -> dict[str, Any]:
        """`count` and p50, p95, p99 and max in microseconds."""
        if not self.count:
            return {"count": 0}
        told = {f"p{share}_us": round(self.quantile_us(share / 100) or 0.0, 1) for share in (50, 95, 99)}
        return {"count": self.count, **told, "max_us": round(self.max_us, 1)}
