"""Quantiles with confidence intervals that assume nothing of the distribution, and bounds of shares.

A quantile lies between two order statistics with a probability that the binomial distribution gives exactly: of n
values, the number that lie below the p-quantile is binomial (n, p). So the bounds are values that were measured,
and where n is too small for one it is not known. A sample that never came counts as longer than all others.
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

CONFIDENCE: Final = 0.95
SHARES: Final = (0.5, 0.95, 0.99)


def binomial_cdf(n: int, share: float) -> list[float]:
    """P(at most k of n) for k = 0..n, each of probability `share` (0..1, exclusive)."""
    out, total = [], 0.0
    log_p, log_q = math.log(share), math.log1p(-share)
    for k in range(n + 1):
        log_choose = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
        total += math.exp(log_choose + k * log_p + (n - k) * log_q)
        out.append(min(total, 1.0))
    return out


def rank(n: int, share: float) -> int:
    """The rank (1..n) of the value that `share` of all n do not exceed: the nearest rank."""
    return max(1, math.ceil(round(share * n, 9)))


@functools.lru_cache
def rank_bounds(n: int, share: float, confidence: float = CONFIDENCE) -> tuple[int | None, int | None]:
    """Ranks (1..n) between whose values the quantile lies with at least this confidence; None: n is too small."""
    cdf = binomial_cdf(n, share)
    tail = (1 - confidence) / 2
    # The value of rank r lies above the quantile if fewer than r are below it: P(B <= r - 1)
    low = next((r for r in range(n, 0, -1) if cdf[r - 1] <= tail), None)
    high = next((r for r in range(1, n + 1) if cdf[r - 1] >= 1 - tail), None)
    return low, high


def share_at_most(k: int, n: int, confidence: float = CONFIDENCE) -> float:
    """The share that is not exceeded with this confidence (one-sided, exact) where k of n were so."""
    if k >= n:
        return 1.0
    low, high = k / n, 1.0
    for _ in range(60):  # halved until exact to a float
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if _at_most(k, n, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


@dataclass(frozen=True, slots=True)
class Quantile:
    """One quantile and its interval; math.inf: among those that never came; None: n is too small for a bound."""

    share: float
    value: float
    low: float | None
    high: float | None


class Distribution:
    """Values (any unit, those that came) and how many never came."""

    def __init__(self, values: Sequence[float], missing: int = 0) -> None:
        self.values = sorted(values)
        self.missing = missing
        self.count = len(values) + missing

    def at(self, number: int) -> float:
        """The value of a rank, 1..count; infinite for one that never came."""
        return self.values[number - 1] if number <= len(self.values) else math.inf

    def quantile(self, share: float, confidence: float = CONFIDENCE) -> Quantile:
        """ValueError where nothing was measured."""
        if not self.count:
            raise ValueError("no samples")
        low, high = rank_bounds(self.count, share, confidence)
        return Quantile(
            share,
            self.at(rank(self.count, share)),
            None if low is None else self.at(low),
            None if high is None else self.at(high),
        )

    def over(self, limit: float) -> int:
        """How many are above a limit, those that never came among them."""
        return self.missing + sum(value > limit for value in self.values)

    def summary(self, limit: float, confidence: float = CONFIDENCE) -> dict[str, Any]:
        """All of it for JSON; null: never came, or not known for so few samples."""
        told: dict[str, Any] = {"n": self.count, "missing": self.missing, "confidence": confidence}
        if not self.count:
            return told
        for share in SHARES:
            one = self.quantile(share, confidence)
            told[f"p{share * 100:g}"] = {"value": _told(one.value), "low": _told(one.low), "high": _told(one.high)}
        over = self.over(limit)
        told["min"] = _told(self.at(1))
        told["max"] = _told(self.at(self.count))
        told["over_limit"] = over
        told["over_limit_share_at_most"] = round(share_at_most(over, self.count, confidence), 6)
        return told


def histogram(values: Sequence[float], bins: int) -> list[tuple[float, float, int]]:
    """Equal bins of a round width: from, to, how many. Empty where there are no values."""
    if not values:
        return []
    least, most = min(values), max(values)
    width = _round_up((most - least) / bins or max(abs(most), 1e-9) / 10)
    begin = math.floor(least / width)
    counts = [0] * (math.floor(most / width) - begin + 1)
    for value in values:
        counts[math.floor(value / width) - begin] += 1
    return [((begin + at) * width, (begin + at + 1) * width, count) for at, count in enumerate(counts)]


def _at_most(k: int, n: int, share: float) -> float:
    """P(at most k of n)."""
    log_p, log_q = math.log(share), math.log1p(-share)
    total = 0.0
    for one in range(k + 1):
        log_choose = math.lgamma(n + 1) - math.lgamma(one + 1) - math.lgamma(n - one + 1)
        total += math.exp(log_choose + one * log_p + (n - one) * log_q)
    return total


def _round_up(width: float) -> float:
    """To 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(width))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= width * (1 - 1e-9))


def _told(value: float | None) -> float | None:
    return None if value is None or math.isinf(value) else round(value, 3)
