"""A drive in traffic for as long as `--asvkit-soak` says: no cycle missed, nothing lost, no memory gathered."""

import time
from collections.abc import Callable

import pytest

from .bench import Bench

AROUND = 15
LOOK_S = 5.0
WARM_S = 10.0  # what is made once is made by then
GROWS_KIB = 8 * 1024
MISSED_SHARE = 0.005


@pytest.mark.long
@pytest.mark.soak
@pytest.mark.needs("air")
def test_soak(bench: Bench, soak_s: float, measured: Callable[..., None]) -> None:
    """The car goes round and round between standing and 30 km/h among vehicles that pass."""
    unit = bench.unit(anew=True)
    bench.target.air.clear()
    begun_s, cpu_s = time.monotonic(), unit.cpu_s()
    sizes, number = [], 0
    since = bench.count
    while (left_s := soak_s - (time.monotonic() - begun_s)) > 0:
        traffic(bench, number)
        number += 1
        bench.after(min(LOOK_S, left_s))
        assert unit.exit_code is None
        if time.monotonic() - begun_s > min(WARM_S, soak_s / 2):
            sizes.append(unit.rss_kib())
    took_s = time.monotonic() - begun_s
    measured("soak", round(took_s, 1), "s")
    measured("soak_cpu", round(100 * (unit.cpu_s() - cpu_s) / took_s, 1), "%")
    measured("soak_memory", sizes[-1], "KiB")
    heard = len(bench.target.air.heard)
    cautions = len(bench.told("hmi", since=since, level="caution", cue=True))
    measured("soak_cautions", cautions, "")
    faults = [one for one in bench.told("status", since=since) if one["state"] not in ("ok", "silent")]
    bench.end_kept()
    statistics = [one for one in unit.events if one["event"] == "statistics"][-1]
    measured("soak_missed", statistics["cycles_missed"] + statistics["sender"].get("missed", 0))
    assert heard == pytest.approx(took_s * 10, rel=0.01)
    assert cautions >= number // 2  # the traffic was such that the driver was cautioned
    assert faults == []
    assert statistics["inbox_lost"] == 0
    # A machine that others use as well may take a cycle; none is sent late, and none in a burst
    assert statistics["cycles_missed"] + statistics["sender"].get("missed", 0) <= took_s * 10 * MISSED_SHARE
    assert max(sizes) - sizes[0] < GROWS_KIB


def traffic(bench: Bench, number: int) -> None:
    """Now and then a crossing, now and then a drive; always vehicles around."""
    bench.car.part()
    bench.car.winker("off")
    bench.car.drive(30 if number % 2 == 0 else 0)
    for other in range(AROUND):
        bench.car.meet(
            east_m=20.0 * (other - 7), north_m=150 + 10.0 * other, speed_kmh=30, direction_deg=other * 24.0 % 360
        )
    if number % 2:
        bench.car.meet(east_m=-105, north_m=5, speed_kmh=60, direction_deg=90)
