"""The main way through a unit, as even a target that is too slow for patterns and frequencies carries it.

Receiver, bus and air in; lamps, buzzer and own frames out; a receiver that falls silent. Marked `main`: what `make hil`
runs on the emulated Pi. Waits are long, figures are told and not judged: those are the other files' work.
"""

import time
from collections.abc import Callable
from itertools import pairwise

import pytest

from .bench import Bench, read
from .test_lamps import ENCOUNTERS

SLOW_S = 60.0
MET = {"crossing_left": "left", "right_turn": None, "left_turn": "left"}


@pytest.mark.main
@pytest.mark.long
@pytest.mark.needs("pins", "air")
@pytest.mark.parametrize("name", MET)
def test_a_vehicle_is_shown_at_the_pins(bench: Bench, name: str, measured: Callable[..., None]) -> None:
    """Its lamp, its side and the buzzer, and the events that say why; dark when it is over."""
    one = ENCOUNTERS[name]
    begun_s = time.monotonic()
    unit = bench.unit()
    measured("unit_after_s", unit.wait_ready(SLOW_S)["after_s"], "s")
    measured("bench_ready", time.monotonic() - begun_s, "s")
    bench.headed()
    since, begun_ns = bench.count, bench.after(0)
    one.arrange(bench)
    bench.shows("caution", 1, begun_ns, SLOW_S)
    bench.shows("buzzer", 1, begun_ns, SLOW_S)
    if MET[name]:
        bench.shows(str(MET[name]), 1, begun_ns, SLOW_S)
    told = bench.event("hmi", SLOW_S, since=since, function=one.function, level="caution", cue=True)
    assert (told["colour"], told["sound"]) == ("yellow", "caution")
    given = bench.event("support", SLOW_S, since=since, function=one.function, level="caution", presented=True)
    assert given["source"]
    assert not bench.seen("warning", begun_ns)  # it is not given between vehicles [G table 2-6]
    one.over(bench)
    bench.car.part()
    bench.car.drive(45)  # too fast for a support [G table 3-3]
    bench.dark(within_s=SLOW_S)


@pytest.mark.main
@pytest.mark.long
@pytest.mark.needs("air")
def test_own_frames_are_on_the_air(bench: Bench, measured: Callable[..., None]) -> None:
    """One id and one address, 100 bytes, the counter forward; ten a second where the target keeps time."""
    bench.unit()
    heard = bench.hear(20)
    told = [read(one.payload) for one in heard]
    assert {one["vehicle_id"] for one in told} == {bench.event("start")["vehicle_id"]}
    assert len({one.source for one in heard}) == 1
    assert {len(one.payload) for one in heard} == {100}
    counters = [one["increment_counter"] for one in told]
    steps = [(after - before) % 256 for before, after in pairwise(counters)]
    assert 0 not in steps
    assert max(steps) < 100
    measured("frames_missing", sum(steps) - len(steps))
    measured("frame_interval", (heard[-1].t_ns - heard[0].t_ns) / 1e6 / (len(heard) - 1), "ms")


@pytest.mark.main
@pytest.mark.long
@pytest.mark.needs("pins")
def test_a_receiver_that_falls_silent_is_shown_and_comes_back(bench: Bench, measured: Callable[..., None]) -> None:
    """The fault lamp, the state with its reason, and dark again."""
    bench.unit()
    since, silent_ns = bench.count, bench.car.receiver("silent")
    bench.event("status", SLOW_S, since=since, input="gnss", state="silent")
    measured("fault_lit", (bench.shows("fault", 1, silent_ns, SLOW_S).t_ns - silent_ns) / 1e9, "s")
    since = bench.count
    bench.car.receiver("good")
    bench.event("status", SLOW_S, since=since, input="gnss", state="ok")
