"""A unit that hears through a bad link between two namespaces: every frame is accounted for, and it warns in time.

A few seconds as a rule; 20 s and every road with ASVKIT_ALL=1, half an hour with ASVKIT_SOAK=1.
"""

import json
import os
import time
from collections import Counter
from pathlib import Path

import pytest

from asvrig.live.bad_link import Quality
from asvrig.live.namespaces import missing
from asvrig.live.road import KINDS, RoadTrial, cabled
from asvrig.live.waiting_car import NEWCOMER_MS, cautions

SOAK = "ASVKIT_SOAK" in os.environ
LONG = SOAK or "ASVKIT_ALL" in os.environ
TRAFFIC_S = 1800 if SOAK else 20 if LONG else 3
VEHICLES = 60
BAD = Quality(loss=15, burst=2, doubled=5, reordered=10, reordered_ms=150, delay_ms=2, jitter_ms=3)
REORDERED_S = 0.5  # by then all frames that the link still held are through
WAIT_S = 20
NOT_TAKEN = ("overflow", "stale", "shed", "superseded")


@pytest.fixture(autouse=True)
def _namespaces() -> None:
    reason = missing()
    if reason:
        pytest.skip(reason)


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS if LONG and not SOAK else KINDS[:1])
def test_bad_link(tmp_path: Path, kind: str) -> None:
    rates = ("--valid", str(VEHICLES * 10), "--ids", str(VEHICLES), "--garbage", "0", "--seconds", str(TRAFFIC_S))
    with cabled(kind, BAD, seed=7) as road, RoadTrial(road, tmp_path) as trial, road.flooded(*rates) as traffic:
        assert road.link is not None
        trial.wait_for("status", WAIT_S, input="gnss", state="ok", reason="received")
        trial.wait_for("status", WAIT_S, input="can", state="ok", reason="received")
        trial.wait_for("own_message", WAIT_S)
        trial.car.wait_at_the_line()
        traffic.begin()
        newcomers = max(2, (TRAFFIC_S - 1) * 1000 // NEWCOMER_MS - 1)
        over_ns = trial.car.meet(newcomers, time.monotonic_ns() + 300_000_000)
        sent = traffic.result()
        time.sleep(max(0, (over_ns - time.monotonic_ns()) / 1e9) + REORDERED_S)  # the link itself takes its time
        assert trial.unit.stop() == 0
        link = road.link.end()
    assert "Traceback" not in trial.unit.error_path.read_text(encoding="utf-8")
    events = [json.loads(line) for line in (tmp_path / "ego.jsonl").read_text(encoding="utf-8").splitlines()]
    figures = [one for one in events if one["event"] == "statistics"][-1]
    counts: Counter[str] = Counter(figures["counters"]["radio"])
    outward, inward = link["ways"]  # from the unit, and to it
    # The unit's own frames reached the link; what the link passed on reached the unit, copies too: exactly
    assert outward["frames"] >= figures["sender"]["sent"]
    assert inward["frames"] >= sent["valid"]["sent"]
    passed = inward["frames"] - inward["lost"] + inward["doubled"]
    told = figures["frame_to_judged"]["count"] + sum(counts[name] for name in NOT_TAKEN)
    assert passed - told in range(20 if kind == "udp6" else 1), (link, figures)  # of IPv6 itself some go along
    assert not counts["own_frame"]
    # Copies and overtaken frames are known for what they are
    assert counts["duplicate"] > 0
    assert counts["reordered"] > 0
    assert counts["duplicate"] + counts["reordered"] <= inward["doubled"] + 2 * inward["reordered"]
    found = cautions(trial.car.appeared_ns, events)
    assert any(one is not None for one in found), "nobody warned of the nearest vehicle"
    if LONG:  # of four frames in 350 ms all go astray in one of 300 times
        in_time = [one for one in found if one is not None]
        assert len(in_time) >= 0.9 * len(found), found
        assert figures["cycles_missed"] <= 0.002 * 10 * TRAFFIC_S
