"""The target of this machine with a real unit: started, seen, heard, pressed, ended, restarted, and lost to a bus."""

import signal
import time

import pytest

from asvrig.bench_view import NotSeen, Pins, RadioPeer
from asvrig.playing import play, unit_tables
from asvrig.scenario import load_scenario
from asvrig.targets import drivers_multicast
from asvrig.targets.named import open_target
from asvunit.errors import AsvkitError

WAIT_S = 40.0


@pytest.fixture
def target(tmp_path):
    opened = open_target("local", tmp_path / "kept")
    yield opened
    opened.close()


@pytest.mark.long
def test_one_unit_at_a_time_is_started_seen_heard_pressed_and_ended(target, tmp_path):
    pins, peer = Pins(target.pins), RadioPeer(target.air, target.air.sender())
    unit = target.start({"vehicle": {"kind": "bus"}, "record": {"folder": "sessions"}})
    with pytest.raises(AsvkitError, match="unit-1 still runs; one unit at a time"):
        target.start()
    unit.wait_ready(WAIT_S)
    pins.lit("system", WAIT_S)
    assert peer.hear(WAIT_S)["vehicle_kind"] == "bus"
    with pytest.raises(NotSeen, match=r"vehicle_kind = 'tram': not heard within 0\.1 s; last heard: .*'bus'"):
        peer.hear(0.1, vehicle_kind="tram")
    assert target.switches.press("mute", 1) <= time.monotonic_ns()
    assert unit.cpu_s() > 0.1
    assert 10_000 < unit.rss_kib() < 1_000_000
    assert unit.stop() == 0
    assert not pins.is_lit("system")
    with pytest.raises(AsvkitError, match="unit-1: its unit ended with code 0"):
        unit.wait_event(lambda event: event["event"] == "never", WAIT_S)
    pins.skip()
    again = target.start()
    again.wait_ready(WAIT_S)
    first, second = (one.wait_event(lambda event: event["event"] == "start", 0) for one in (unit, again))
    assert first["vehicle_id"] != second["vehicle_id"]
    target.close()
    assert again.exit_code == 0
    assert (tmp_path / "kept" / "unit-2.toml").exists()
    assert len(list((tmp_path / "kept" / "sessions").iterdir())) == 1


def test_a_unit_that_does_not_start_says_why(target):
    unit = target.start({"radio": {"port": 0}})
    with pytest.raises(AsvkitError, match=r"unit-1: its unit ended with code 2: .*radio\.port"):
        unit.wait_ready(WAIT_S)


@pytest.mark.long
def test_a_unit_that_is_killed_comes_again_if_it_is_supervised(target):
    unit = target.start(supervised=True)
    unit.wait_ready(WAIT_S)
    count, pid = len(unit.events), unit.pid
    unit.kill()
    unit.wait_event(lambda event: event["event"] == "ready", WAIT_S, since=count)
    assert unit.pid != pid
    assert unit.exit_code is None
    assert unit.exits == [-signal.SIGKILL]
    assert unit.stop() == 0
    assert unit.exit_code == 0


@pytest.mark.long
def test_a_bus_that_is_lost_is_shown_and_so_is_its_return(tmp_path):
    lacking = drivers_multicast.missing()
    if lacking:
        pytest.skip(lacking)
    target = open_target("local-multicast", tmp_path / "kept")
    try:
        pins, scenario = Pins(target.pins), load_scenario("crossing_50")
        unit = target.start(unit_tables(scenario, target))
        unit.wait_ready(WAIT_S)
        with play(scenario, target):
            pins.dark("fault", WAIT_S)
            pins.skip()
            begin_ns = time.monotonic_ns()
            undo = target.fault("bus_off")
            assert pins.lit("fault", 1).t_ns - begin_ns < 10**9
            unit.wait_event(lambda event: event.get("reason") == "bus_off", WAIT_S)
            pins.skip()
            undo()
            pins.dark("fault", WAIT_S)
    finally:
        target.close()
