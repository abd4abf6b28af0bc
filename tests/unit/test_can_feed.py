"""A scenario's car sends what its signal map reads: wheels, bulbs, signs, multiplexers, counters and checksums."""

import json
from pathlib import Path

import can
import pytest

from asvrig.can_feed import CanFeed
from asvrig.scenario import load_scenario
from asvrig.trajectory import Trajectory
from asvunit.errors import UsageError
from asvunit.ports import ACCELERATION, BRAKE, HAZARD, OK, SHIFT, SPEED, WINKER, YAW_RATE
from asvunit.vehicle import VehicleMap
from carmaps import BUSES, EVERYTHING, WINKER_TABLE, Make

# Two tables read what others fill already
DOUBLED = (
    '[signal.auxiliary_brake]\nfrom = "LAMPS_RIGHT.LIT"\non = [9]\n',
    '[signal.accelerator_switch]\nfrom = "LAMPS.PEDAL"\nvalues = {1 = "on"}\nvalid = "LAMPS.GOOD"\n',
)
ACCEL = '[signal.acceleration]\nfrom = "MODES.LEVEL"\nunit = "g"\nmagnitude = true\nmin = 0.5\n'
SCALED = '[signal.acceleration]\nfrom = "MODES.LEVEL"\nunit = "m/s2"\n'


def test_what_is_driven_is_read_again(tmp_path: Path) -> None:
    text = EVERYTHING.replace(ACCEL, SCALED).replace("flashing = true", 'valid = "LAMPS.GOOD"\nflashing = true', 1)
    for table in DOUBLED:
        assert table in text
        text = text.replace(table, "")
    assert SCALED in text
    car = Make(tmp_path)(text)
    scenario = load_scenario("right_turn_given_up")  # the right winker from 3 to 11.5 s
    ego = scenario.ego.model_copy(update={"can": str(car.path)})
    driven = Trajectory(ego)
    seen: dict[int, list[tuple[float, int]]] = {}
    for time_ns, identifier, extended, data in CanFeed(ego).frames(scenario):
        message = can.Message(time_ns / 1e9, identifier, is_extended_id=extended, data=data, is_fd=True)
        for signal in car.decode(message):
            if signal.status == OK:
                t_s = (time_ns - scenario.start_ns) / 1e9
                seen.setdefault(signal.signal, []).append((t_s, signal.value))
    assert not car.counters
    for t_s, value in seen[SPEED]:
        if t_s > 0.2:
            assert abs(value / 100 - driven.at(t_s).speed_kmh) < 2  # wheels of two messages, told at two times
    for t_s, value in seen[ACCELERATION]:
        assert abs(value / 100 - driven.at(t_s).accel_mps2) < 0.06
    for t_s, value in seen[BRAKE]:
        assert (value == 5) in {driven.controls(t_s).brake, driven.controls(t_s - 0.15).brake}  # two messages
    assert {value for _t, value in seen[YAW_RATE]} == {0}
    assert {value for _t, value in seen[SHIFT]} == {1}
    assert {value for _t, value in seen[HAZARD]} == {4}
    assert {value for t_s, value in seen[WINKER] if t_s < 3} == {4}
    assert {value for t_s, value in seen[WINKER] if 3.5 < t_s < 11.5} == {5}
    assert {value for t_s, value in seen[WINKER] if t_s > 12.5} == {4}


def test_a_car_of_several_buses_is_not_driven(tmp_path: Path) -> None:
    car = Make(tmp_path)(WINKER_TABLE.replace("LAMPS.", "body:LAMPS."), BUSES)
    ego = load_scenario("crossing_50").ego.model_copy(update={"can": str(car.path)})
    with pytest.raises(UsageError, match=r"car\.toml: a scenario's car needs a map with one"):
        CanFeed(ego)


def test_a_word_that_the_map_lacks_is_refused(tmp_path: Path) -> None:
    car = Make(tmp_path)(WINKER_TABLE)
    scenario = load_scenario("crossing_50")
    feed = CanFeed(scenario.ego.model_copy(update={"can": str(car.path)}))
    with pytest.raises(UsageError, match=r"signal\.winker\.values: none is 'off'"):
        list(feed.frames(scenario))


def test_compiled_maps_cannot_be_driven_backwards(tmp_path: Path) -> None:
    compiled = tmp_path / "car.json"
    compiled.write_text(json.dumps(VehicleMap.load("bench").compiled()))
    ego = load_scenario("crossing_50").ego.model_copy(update={"can": str(compiled)})
    with pytest.raises(UsageError, match=r"car\.json: a scenario's car needs"):
        CanFeed(ego)
