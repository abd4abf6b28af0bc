"""What is recorded survives what ends the unit: each session is sound and replays exactly, however it was cut."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from asvrig.targets.target import RunningUnit

from .bench import READY_S, Bench
from .catalogue import faulty
from .conftest import option
from .sessions import RECORD, check, delete, missing, names
from .test_lamps import from_the_left, from_the_right

LOST_S = 0.3  # flushed every 0.1 s: what a kill may take
POWER_LOST_S = 1.5  # on the disk each second: what a power cut may take
MOST_S = 4.0


def drive(bench: Bench) -> None:
    """Something to decide on: a crossing from either side."""
    bench.car.calm()
    from_the_left(bench)
    from_the_right(bench)


@pytest.mark.long
@pytest.mark.needs("air")
def test_ended_well(bench: Bench, measured: Callable[..., None]) -> None:
    """A session of a crossing, closed: every event of it, and every decision given again."""
    before = names(bench)
    bench.unit(RECORD, anew=True)
    bench.headed()
    since = bench.count
    drive(bench)
    bench.event("hmi", since=since, level="caution", function="crossing")
    bench.end_kept()
    (name,) = names(bench) - before
    session = check(bench, name)
    live = bench.running.events
    bench.end()
    assert session.decisions > 10
    assert missing(live, session.events, 0) == []
    measured("decisions", session.decisions)
    delete(bench, name)


@pytest.mark.long
@faulty("killed_at_random")
def test_killed_at_random(bench: Bench, pytestconfig: pytest.Config, measured: Callable[..., None]) -> None:
    """SIGKILL at any time, from the start of the process on; `--asvkit-kills` times."""
    kills, seed = option(pytestconfig, "kills", 5) or 5, option(pytestconfig, "seed", None)
    seed = random.randrange(1 << 30) if seed is None else seed
    dice = random.Random(seed)
    bench.end()
    before, cut, decisions = names(bench), 0, 0
    for number in range(kills):
        told = f"seed {seed}, kill {number}"
        events = killed(bench, dice)
        for name in sorted(names(bench) - before):
            session = check(bench, name)
            assert missing(events, session.events, LOST_S) == [], told
            cut, decisions = cut + 1, decisions + session.decisions
            delete(bench, name)
    measured("sessions_cut", cut)
    measured("decisions", decisions)
    assert cut >= kills / 2, f"seed {seed}: {cut} sessions of {kills} units"


def killed(bench: Bench, dice: random.Random) -> list[dict[str, Any]]:
    """A unit that is killed: in its start, or up to some seconds after it was ready, in a crossing. Its events."""
    unit = bench.target.start(RECORD)
    try:
        drive(bench)
        if dice.random() < 0.8:
            unit.wait_ready(READY_S)
        bench.after(dice.uniform(0, MOST_S))
        return kill(unit)
    finally:
        unit.stop()
        bench.car.calm()


def kill(unit: RunningUnit) -> list[dict[str, Any]]:
    events = unit.events  # what was seen by then cannot have been lost
    unit.kill()
    return events


@pytest.mark.long
@faulty("power_cut")
def test_power_cut(bench: Bench) -> None:
    """What was on the disk a moment before stays; the session is told as cut, and the next unit begins its own."""
    bench.end()
    before = names(bench)
    unit = bench.target.start(RECORD)
    drive(bench)
    unit.wait_ready(READY_S)
    bench.headed_anew(unit)
    bench.after(3.0)
    events = unit.events
    undo = bench.target.fault("power")
    undo()
    (name,) = names(bench) - before
    session = check(bench, name)
    assert missing(events, session.events, POWER_LOST_S) == []
    assert len(session.events) > 10
    bench.unit(RECORD, anew=True)
    (again,) = names(bench) - before - {name}
    bench.end()
    for one in (name, again):
        delete(bench, one)


@pytest.mark.long
@pytest.mark.needs("air", "disk_full")
def test_a_full_disk(bench: Bench) -> None:
    """What was recorded before the disk was full is there and replays; so does what comes after there is room."""
    before = names(bench)
    bench.unit(RECORD, anew=True)
    bench.headed()
    drive(bench)
    bench.after(2.0)
    live, since = bench.running.events, bench.count
    undo = bench.target.fault("disk_full")
    try:
        bench.event("status", 60, since=since, input="unit", state="overloaded")
        bench.after(1.0)
    finally:
        undo()
    bench.event("status", 60, since=since, input="unit", state="ok")
    bench.unit(RECORD)
    bench.headed()
    since = bench.count
    drive(bench)
    after = bench.event("hmi", since=since, level="caution")
    bench.end_kept()
    bench.end()
    (name,) = names(bench) - before
    session = check(bench, name)
    assert missing(live, session.events, POWER_LOST_S) == []
    assert after in session.events
    delete(bench, name)
