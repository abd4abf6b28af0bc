"""Faults of the machine: its clock, its disk, its processor, and a unit that is killed."""

from collections.abc import Callable
from itertools import pairwise

import pytest

from .bench import Bench, read
from .catalogue import FAULTS, faulty
from .faults import cautions, recovers

STEP_S = 3600


@pytest.mark.long
@faulty("clock_stepped")
def test_clock_stepped(bench: Bench) -> None:
    """Frames every 100 ms and a caution while the clock is an hour off, and times of events that go on evenly."""
    bench.unit()
    bench.headed()
    since = bench.count
    undo = bench.target.fault("clock", step_s=STEP_S)
    try:
        bench.event("status", since=since, input="clock", state="implausible", reason="stepped")
        cautions(bench)
        bench.hear(10)
    finally:
        undo()
    bench.event("status", since=since, input="clock", state="ok")
    times = [one["t"] for one in bench.running.events[since:] if "t" in one]
    assert max(times) - min(times) < STEP_S / 2
    recovers(bench)


@pytest.mark.long
@faulty("disk_full")
def test_disk_full(bench: Bench) -> None:
    """The driver is served as ever; what was written stays whole, and it is written on when there is room."""
    bench.unit({"events": {"file": "full.jsonl"}}, anew=True)
    bench.headed()
    before = bench.target.read("full.jsonl").splitlines()
    since = bench.count
    undo = bench.target.fault("disk_full")
    try:
        cautions(bench)
        bench.event("status", since=since, input="unit", state="overloaded", reason="events_not_written")
    finally:
        undo()
    bench.event("status", since=since, input="unit", state="ok")
    bench.end_kept()
    after = bench.target.read("full.jsonl").splitlines()
    assert after[: len(before)] == before
    assert b'"stop"' in after[-1]
    bench.end()


@pytest.mark.long
@faulty("killed")
def test_killed(bench: Bench, measured: Callable[..., None]) -> None:
    """In the middle of a caution: the guard puts the lamps out, the supervisor starts another unit."""
    unit = bench.unit(supervised=True)
    bench.headed()
    cautions(bench)
    first = bench.event("start")
    since, begun_ns = bench.count, bench.after(0)
    unit.kill()
    bench.car.calm()
    for lamp in ("system", "caution", "buzzer"):
        if bench.lit(lamp):
            took_s = (bench.shows(lamp, 0, begun_ns).t_ns - begun_ns) / 1e9
            measured(f"killed_{lamp}_out", round(took_s, 3), "s")
            assert took_s <= FAULTS["killed"].within_s
    again = bench.event("start", 60, since=since)
    bench.event("ready", 60, since=since)
    assert again["vehicle_id"] != first["vehicle_id"]
    bench.shows("system", 1, begun_ns)
    measured("killed_back", round((bench.after(0) - begun_ns) / 1e9, 3), "s")
    bench.event("status", 30, since=since, input="gnss", state="ok")
    bench.car.drive(30)
    bench.frame(lambda told: told["direction_deg"] is not None)
    bench.car.drive(0)
    bench.after(1.0)
    cautions(bench)
    bench.end()


@pytest.mark.long
@faulty("cpu_hogged")
def test_cpu_hogged(bench: Bench, measured: Callable[..., None]) -> None:
    bench.unit()
    bench.headed()
    undo = bench.target.fault("hog")
    try:
        bench.after(1.0)
        begun_ns = bench.after(0)
        caution_ns = cautions(bench, within_s=5.0)
        measured("cpu_hogged_caution", round((caution_ns - begun_ns) / 1e9, 3), "s")
        heard = bench.hear(20)
        gaps_ms = [(after.t_ns - before.t_ns) / 1e6 for before, after in pairwise(heard)]
        measured("cpu_hogged_longest", round(max(gaps_ms), 1), "ms")
        counters = [read(one.payload)["increment_counter"] for one in heard]
        assert all((after - before) % 256 == 1 for before, after in pairwise(counters))
    finally:
        undo()
    recovers(bench)
