"""The bench's statistics against what can be counted by hand, and against a computation by fractions."""

import json
import math
import random
from fractions import Fraction

import pytest

from asvrig.latency.bench import Sample, Samples, at_phase
from asvrig.latency.results import LIMIT_US, join, net_us, phases, report
from asvrig.latency.statistics import Distribution, binomial_cdf, histogram, rank, rank_bounds, share_at_most

MS = 1_000_000


def cdf_by_fractions(k: int, n: int, share: Fraction) -> Fraction:
    """P(at most k of n), exactly: whole numbers over one denominator."""
    p, q = share.numerator, share.denominator - share.numerator
    return Fraction(sum(math.comb(n, i) * p**i * q ** (n - i) for i in range(k + 1)), share.denominator**n)


@pytest.mark.parametrize(("n", "share"), [(1, 0.5), (17, 0.5), (60, 0.95), (1000, 0.99)])
def test_the_binomial_is_exact(n: int, share: float) -> None:
    told = binomial_cdf(n, share)
    for k in {0, n // 2, n - 1, n}:
        assert told[k] == pytest.approx(float(cdf_by_fractions(k, n, Fraction(str(share)))), rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("share", [0.5, 0.95, 0.99])
@pytest.mark.parametrize("n", [5, 59, 100, 473])
def test_bounds_are_the_tightest_that_hold(n: int, share: float) -> None:
    low, high = rank_bounds(n, share)
    exact = Fraction(str(share))
    tail = Fraction(25, 1000)
    if low is None:
        assert cdf_by_fractions(0, n, exact) > tail
    else:
        assert cdf_by_fractions(low - 1, n, exact) <= tail < cdf_by_fractions(low, n, exact)
    if high is None:
        assert cdf_by_fractions(n - 1, n, exact) < 1 - tail
    else:
        assert cdf_by_fractions(high - 1, n, exact) >= 1 - tail
        assert high == 1 or cdf_by_fractions(high - 2, n, exact) < 1 - tail


def test_the_published_bounds_of_the_median_of_ten() -> None:
    assert rank_bounds(10, 0.5) == (2, 9)  # 97.9 %; 3 and 8 give 89.1 %


def test_intervals_hold_as_often_as_they_say() -> None:
    """Of a skewed distribution whose quantile is known, at least 95 of 100 intervals hold it."""
    chance = random.Random(20261121)
    true_p95 = -math.log(0.05)
    held = 0
    for _ in range(400):
        one = Distribution([chance.expovariate(1) for _ in range(200)]).quantile(0.95)
        assert one.low is not None
        assert one.high is not None
        held += one.low <= true_p95 <= one.high
    assert 374 <= held < 400  # 95 % of 400 less three standard deviations; and not always


def test_ranks_are_nearest() -> None:
    assert [rank(100, share) for share in (0.5, 0.95, 0.99)] == [50, 95, 99]
    assert rank(1000, 0.95) == 950
    assert rank(3, 0.5) == 2
    assert rank(1, 0.01) == 1


def test_what_never_came_is_longer_than_all() -> None:
    figures = Distribution([1.0] * 90, missing=10)
    assert figures.quantile(0.5).value == 1.0
    assert math.isinf(figures.quantile(0.95).value)
    told = figures.summary(limit=5)
    assert told["missing"] == 10
    assert told["over_limit"] == 10
    assert told["p95"]["value"] is None
    assert told["max"] is None
    json.dumps(told, allow_nan=False)
    with pytest.raises(ValueError, match="no samples"):
        Distribution([]).quantile(0.5)


def test_the_share_beyond() -> None:
    assert share_at_most(0, 1000) == pytest.approx(1 - 0.05 ** (1 / 1000), rel=1e-9)  # the rule of three, exactly
    assert share_at_most(5, 5) == 1.0
    at = share_at_most(3, 200)
    assert float(cdf_by_fractions(3, 200, Fraction(round(at * 10**12), 10**12))) == pytest.approx(0.05, rel=1e-6)


def test_a_histogram_counts_each_value_once() -> None:
    values = [0.9, 1.0, 1.1, 5.0, 9.99]
    bins = histogram(values, 10)
    assert sum(count for _low, _high, count in bins) == len(values)
    for low, high, count in bins:
        assert count == sum(low <= value < high for value in values)
    assert histogram([], 10) == []
    assert [count for _low, _high, count in histogram([2.0, 2.0], 10)] == [2]


def test_phases_are_random_and_absolute() -> None:
    assert at_phase(1_050 * MS, 60 * MS) == 1_060 * MS
    assert at_phase(1_050 * MS, 50 * MS) == 1_050 * MS
    assert at_phase(1_050 * MS, 10 * MS) == 1_110 * MS
    samples = [Sample(at, 7 * MS + at * 110 * MS) for at in range(10)]
    assert phases(samples) == [1] * 10
    assert phases([Sample(0, 199 * MS)]) == [0] * 9 + [1]


# Samples and the unit's events


def samples_of(*rows: tuple[int, int | None, int | None], early: tuple[int, ...] = ()) -> Samples:
    all_of_them = [Sample(at, sent, light, sound, at in early) for at, (sent, light, sound) in enumerate(rows)]
    return Samples("caution", "buzzer", all_of_them)


def test_offsets_are_subtracted_and_the_last_of_both_counts() -> None:
    samples = samples_of((0, 5 * MS, 7 * MS), (1000 * MS, 1002 * MS, 1001 * MS))
    net = net_us(samples, 500)
    assert net["light"].values == [1500, 4500]
    assert net["sound"].values == [500, 6500]
    assert net["all"].values == [1500, 6500]


def test_a_sample_of_which_a_half_came_is_missing() -> None:
    told = report(samples_of((0, 5 * MS, None), (1000 * MS, 1001 * MS, 1002 * MS)), wire_us=0, probe_us=0)
    assert (told["missing"], told["over"], told["good"]) == (1, 1, False)
    assert told["net_us"]["light"]["missing"] == 0
    assert told["net_us"]["sound"]["missing"] == 1


@pytest.mark.parametrize(("took_us", "good"), [(LIMIT_US, True), (LIMIT_US + 1, False)])
def test_the_verdict_is_by_the_system_delay(took_us: float, good: bool) -> None:
    assert LIMIT_US == 300_000
    told = report(samples_of((0, 1 * MS, round(took_us * 1000) + 50_000)), wire_us=30, probe_us=20)
    assert told["good"] is good
    assert told["raw_us"]["all"]["max"] == pytest.approx(took_us + 50)


def test_what_was_lit_before_tells_nothing() -> None:
    told = report(samples_of((0, MS, MS), (500 * MS, 900 * MS, 900 * MS), early=(1,)), wire_us=0, probe_us=0)
    assert (told["n"], told["early"], told["good"]) == (1, 1, False)
    assert told["net_us"]["all"]["max"] == 1000


def latency(stamp_ns: int, level: str = "caution", **boundaries: float | None) -> dict[str, object]:
    told = {f"{name}_us": value for name, value in boundaries.items()}
    return {"event": "latency", "level": level, "input": "signal", "stamp_ns": stamp_ns, **told}


def test_hops_run_from_boundary_to_boundary() -> None:
    events = [
        latency(90 * MS, "none", lit=1.0),
        latency(102 * MS, parsed=50.0, taken=None, decided=250.0, lit=400.0, sounded=600.0, written=700.0),
        latency(103 * MS, parsed=1.0),  # of something else, later
        latency(990 * MS, parsed=1.0),  # after all that was seen
    ]
    samples = samples_of((100 * MS, 102 * MS + 390_000, 102 * MS + 590_000), (900 * MS, 901 * MS, 902 * MS))
    joined = join(samples.all, events, "caution")
    assert joined.inputs == {"signal": 1}
    hops = {row["to"]: row["p50"] for row in joined.rows}
    assert hops == {
        "stamp": 2000, "parsed": 50, "decided": 200, "lit": 150, "sounded": 200, "written": 100, "seen": -10
    }  # fmt: skip
    assert 2000 + 50 + 200 + 150 + 200 - 10 == 2590  # up to seen, without what came after the tone


def test_events_of_other_forms_are_left_out() -> None:
    events = [{"event": "latency"}, {"event": "latency", "level": "caution", "stamp_ns": "now"}, {"event": "hmi"}]
    joined = join(samples_of((0, MS, MS)).all, events, "caution")
    assert joined.rows == []
    old = latency(MS // 2, taken=10.0, decided=30.0, written=100.0)  # of before the finer boundaries
    assert [row["to"] for row in join(samples_of((0, MS, MS)).all, [old], "caution").rows] == [
        "stamp", "taken", "decided", "written"
    ]  # fmt: skip
