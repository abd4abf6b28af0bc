"""Nothing that the guideline asks for comes late in simulated traffic, and little comes for nothing."""

import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from asvunit.message import encode, raw_from_values
from traffic.drivers import DURATION_S, WINKER_M, Traffic, traffic
from traffic.radio import GOOD, POOR, Quality, all_signals, values_of
from traffic.referee import Verdict, judge, verdict_of
from traffic.roads import KMH
from traffic.truth import span_s, truth
from traffic.unitrun import UnitRun, run_unit

pytestmark = pytest.mark.fuller

HERE = Path(__file__).parent
FULL = os.environ.get("ASVKIT_TRAFFIC") == "full"
_FIRST, _LAST = (int(seed) for seed in os.environ.get("ASVKIT_TRAFFIC_SEEDS", "1-3").split("-"))
SEEDS = range(_FIRST, _LAST + 1) if FULL else (1,)
# Straight on, right and left from the stop line; right (cars and trucks) and left off the priority road, passed by
# motorcycles; off the side street; a motorcycle that turns right; one that only passes
EGOS = (36, 20, 37, 30, 9, 17, 27, 32, 35, 43, 28, 2)
EVERY_DAY = {GOOD: 5, POOR: 4} if "ASVKIT_ALL" in os.environ else {GOOD: 2, POOR: 2}

# Of crossing, right and left turn supports: share, and how many beside it in a small sample. With good receivers
# none was seen (seeds 1 to 5, up to all fifty as ego): 1 % is room for a target that turns off after all. With 15 m
# told on both sides the window ahead is 30 m longer, and the flyover, 68 m ahead of the stop line and up to 24 m
# nearer by error, comes into it: 6 of 471 (seeds 1, 2 and 5, all fifty as ego), 2 of them of one ego of every day.
NEEDLESS = {GOOD: (0.01, 0), POOR: (0.03, 2)}
# Of surrounding and emergency vehicles, out of range by more than the told errors: none seen; room for an edge
FAR_SHARE = 0.01
TIMED = ("crossing", "right_turn", "left_turn")


def run_all(seed: int, quality: Quality) -> list[Verdict]:
    egos = EGOS if FULL else EGOS[: EVERY_DAY[quality]]
    verdicts = [judge(seed, number, quality) for number in egos]
    for verdict in verdicts:
        print(verdict)
    return verdicts


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("quality", [GOOD, POOR], ids=lambda quality: quality.name)
def test_nothing_late_and_little_for_nothing(quality: Quality, seed: int) -> None:
    verdicts = run_all(seed, quality)
    assert not [fault for verdict in verdicts for fault in verdict.faults]
    demands, begun, needless = Counter(), Counter(), Counter()
    for verdict in verdicts:
        demands += verdict.demands
        begun += verdict.begun
        needless += verdict.needless
    share = sum(count for (function, _why), count in needless.items() if function in TIMED)
    limit, beside = NEEDLESS[quality]
    assert share <= limit * sum(begun[function] for function in TIMED) + beside, needless
    far = sum(count for (function, _why), count in needless.items() if function not in TIMED)
    assert far <= FAR_SHARE * (begun["surrounding"] + begun["emergency"]), needless
    # The traffic asked for something
    assert sum(demands.values()) >= 12, demands
    assert demands["crossing 1"], demands
    assert demands["crossing 2"], demands
    if quality is GOOD and (FULL or seed == 1):
        asked = {name.split()[0] for name in demands}
        assert asked >= {"crossing", "right_turn", "left_turn", "emergency"}, demands


@cache
def first_run() -> UnitRun:
    return run_unit(1, EGOS[0], GOOD)


@pytest.mark.long
def test_a_late_unit_would_be_seen() -> None:
    run = first_run()
    assert not verdict_of(1, run, GOOD).faults
    for function in ("crossing", "right_turn", "emergency"):
        late = replace(run, told=dict(run.told))
        for pair, said in run.told.items():
            if pair[0] == function:
                late.told[pair] = [replace(one, t_ms=one.t_ms + 400 * (one.level > 0)) for one in said]
        assert verdict_of(1, late, GOOD).faults, function
    hidden = replace(
        run, told={pair: [replace(one, presented=False) for one in said] for pair, said in run.told.items()}
    )
    assert verdict_of(1, hidden, GOOD).faults
    assert verdict_of(1, replace(run, told={}), GOOD).faults


def test_for_nothing_and_too_early_would_be_seen() -> None:
    run = first_run()
    told = dict(run.told)
    # Said of vehicles on the flyover while ego still drives up
    begin_ms = int(1000 * span_s(run.ego)[0]) + 3000
    for number in (1, 2, 3):
        one = next(iter(run.told.values()))[0]
        told["crossing", number] = [replace(one, t_ms=begin_ms, level=2)]
    verdict = verdict_of(1, replace(run, told=told), GOOD)
    needless = verdict.needless
    assert sum("too early" in fault for fault in verdict.faults) == 3, verdict.faults
    assert needless["crossing", "ego not in the state"] == 3, needless


@pytest.mark.parametrize("seed", SEEDS)
def test_traffic_is_traffic(seed: int) -> None:
    run: Traffic = traffic(seed)
    kinds = Counter(vehicle.kind for vehicle in run.vehicles)
    assert len(run.vehicles) >= 47
    assert kinds["ambulance"] == 1
    assert kinds["motorcycle"] >= 6
    assert kinds["truck"] >= 6
    t_s = np.arange(0, DURATION_S, 0.1)
    states = {vehicle.number: truth(vehicle, t_s) for vehicle in run.vehicles}
    touching, waited, turned = 0, 0, Counter()
    for vehicle in run.vehicles:
        way, speed = np.array(vehicle.way_m), np.array(vehicle.speed_mps)
        assert np.all(np.diff(way) >= 0)
        assert np.all(np.abs(np.diff(speed)) <= 0.61)
        for passage in vehicle.path.passages:
            inside = (way >= passage.entry_m - 3) & (way <= passage.entry_m)
            if passage.stop and way[0] < passage.entry_m - 5 and way[-1] > passage.exit_m:
                assert vehicle.kind == "ambulance" or speed[inside].min() < 0.1  # has stopped at the line
                waited += 1
            if passage.turn != "straight" and way[0] < passage.entry_m - WINKER_M and way[-1] > passage.exit_m:
                turned[passage.turn] += 1
                assert speed[(way > passage.entry_m) & (way < passage.exit_m)].max() < 22 * KMH
                at_s = span_s(vehicle)[0] + 0.1 * np.flatnonzero(way > passage.entry_m - WINKER_M)[0]
                assert truth(vehicle, np.array([at_s, at_s - 0.2])).winker.tolist() == [
                    1 if passage.turn == "right" else 2, 0,
                ]  # fmt: skip
        for other in run.vehicles:
            bridge = "H" in (vehicle.path.pieces[0].key[1], other.path.pieces[0].key[1])
            if other.number < vehicle.number and not bridge and "ambulance" not in (vehicle.kind, other.kind):
                one, two = states[vehicle.number], states[other.number]
                apart = np.hypot(one.east_m - two.east_m, one.north_m - two.north_m)
                touching += np.min(apart, initial=99, where=one.present & two.present) < 0.8
    assert not touching
    assert waited >= 5
    assert turned["left"] >= 4
    assert turned["right"] >= 3


def test_frames_say_what_compose_says() -> None:
    rng = random.Random(5)
    for quality in (GOOD, POOR):
        for made in all_signals(1, quality).values():
            row = rng.randrange(len(made.sent_ms))
            assert encode(raw_from_values(values_of(made, row))) == made.frames[row].tobytes()


def test_poor_receivers_stay_within_what_they_tell() -> None:
    run, made = traffic(1), all_signals(1, POOR)
    good = all_signals(1, GOOD)
    away = []
    for vehicle in run.vehicles:
        poor = made[vehicle.number]
        assert set(np.unique(poor.said["revision"])) <= set(range(1, 11))
        assert abs(len(poor.sent_ms) - len(good[vehicle.number].sent_ms)) <= 1
        begin, end = span_s(vehicle)
        fix = truth(vehicle, np.clip(poor.fix_ms / 1000, begin, end))
        north = (poor.fixes[:, 0] / 360000 - 35) * 110941
        east = (poor.fixes[:, 1] / 360000 - 139) * 91291
        away.append(np.hypot(north - fix.north_m, east - fix.east_m).max())
    assert max(away) < 15
    assert min(away) > 2


def output(*command: str | Path) -> list[str]:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr + done.stdout[-2000:]
    return done.stdout.splitlines()


@pytest.mark.long
@pytest.mark.micropython
@pytest.mark.parametrize(
    ("quality", "number", "from_s"), [(GOOD, 36, 43.0), pytest.param(POOR, 37, 70.0, marks=pytest.mark.long)]
)
def test_micropython_gives_the_same(tmp_path: Path, quality: Quality, number: int, from_s: float) -> None:
    beside = Path(sys.executable).parent / "micropython"
    micropython = str(beside) if beside.exists() else shutil.which("micropython")
    if not micropython:
        pytest.skip("no micropython for this machine (the packaged one is for x86-64 Linux)")
    path = tmp_path / "core.journal"
    with path.open("w") as journal:
        run = run_unit(1, number, quality, journal, from_s, from_s + (1e9 if FULL else 20))
    assert any(function != "surrounding" for function, _target, _said in run.begins())
    runner, firmware = HERE.parent / "micropython" / "run_journal.py", HERE.parents[1] / "firmware"
    wanted = output(sys.executable, runner, firmware, path)
    assert len(wanted) > 300
    assert output(micropython, runner, firmware, path, "lock") == wanted
