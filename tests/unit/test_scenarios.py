"""The collection in hil/scenarios: every file loads, says what it is about, can be driven, and all of it is varied."""

import math
import re
from collections import Counter
from typing import get_args

import pytest

from asvcore.transmit import temporary_id
from asvrig.scenario import SHORT, Function, load_scenario, scenario_names
from asvrig.trajectory import Trajectory

FUNCTIONS = get_args(Function)
CLAUSE = re.compile(r"\[(?:G (?:appendix |table )?\d|D\d)[^\[\]]*\]")
# The first of the collection, from before stories named their clause
WITHOUT_CLAUSE = {
    "crossing_1hz_class", "crossing_30_right", "crossing_50", "crossing_70", "crossing_dateline",
    "crossing_ego_starts", "crossing_late", "crossing_lost", "crossing_no_target_slow", "crossing_parallel_road",
    "crossing_south_west", "crossing_two",
}  # fmt: skip


@pytest.mark.parametrize("name", scenario_names())
def test_each_loads_and_says_what_it_is_about(name: str) -> None:
    scenario = load_scenario(name)
    assert name.startswith(f"{scenario.function}_")
    assert re.fullmatch("[a-z0-9_]{1,40}", name)
    assert 10 <= len(scenario.title) <= 100
    assert 40 <= len(scenario.story) <= 260
    assert 10 <= scenario.duration_s <= 40  # the whole collection is played again and again
    assert scenario.others, "nobody to tell of"
    assert bool(CLAUSE.search(scenario.story)) != (name in WITHOUT_CLAUSE)


def test_the_collection_covers_every_function() -> None:
    names = scenario_names()
    assert len(names) >= 46
    by_function = Counter(load_scenario(name).function for name in names)
    assert {function: by_function[function] for function in FUNCTIONS if by_function[function] < 5} == {}


def test_no_two_tell_the_same() -> None:
    loaded = [load_scenario(name) for name in scenario_names()]
    twice = [title for title, number in Counter(one.title for one in loaded).items() if number > 1]
    assert twice == []
    plain = [one.model_dump_json(exclude={"title", "story"}) for one in loaded]
    assert len(set(plain)) == len(plain)


def test_short_names_lead_to_scenarios_of_their_function() -> None:
    assert set(SHORT) == set(FUNCTIONS)
    for short, full in SHORT.items():
        assert full in scenario_names()
        assert load_scenario(short) == load_scenario(full)
        assert load_scenario(short).function == short


@pytest.mark.parametrize("name", scenario_names())
def test_ego_drives_into_nobody(name: str) -> None:
    scenario = load_scenario(name)
    ego = Trajectory(scenario.ego)
    nearest_m = math.inf
    for other in map(Trajectory, scenario.others):
        for step in range(int(scenario.duration_s * 10) + 1):
            one, two = ego.at(step / 10), other.at(step / 10)
            nearest_m = min(nearest_m, math.dist((one.east_m, one.north_m), (two.east_m, two.north_m)))
    assert nearest_m > 1.4  # a motorcycle beside a car


def test_the_car_with_ego_s_id_has_it() -> None:
    scenario = load_scenario("crossing_own_id")
    assert [other.vehicle_id for other in scenario.others] == [temporary_id(scenario.ego.seed)]


def test_the_ones_before_stay() -> None:
    assert set(scenario_names()) >= WITHOUT_CLAUSE
    assert all(load_scenario(name).function == "crossing" for name in WITHOUT_CLAUSE)


def test_the_variety_that_the_collection_is_there_for() -> None:
    loaded = [load_scenario(name) for name in scenario_names()]
    others = [vehicle for one in loaded for vehicle in one.others]
    assert {one.unit.presentation.mode for one in loaded} == {
        "information_caution",
        "caution_alone",
        "information_ended",
    }
    assert {one.unit.crossing.start for one in loaded} == {"stopped", "speed"}
    assert {one.traffic_side for one in loaded} == {"left", "right"}
    for key in ("latitude_deg", "longitude_deg"):
        assert {getattr(one.place, key) > 0 for one in loaded} == {True, False}
    assert {vehicle.emergency for vehicle in others} == {"none", "signed", "unsigned", "forged", "stale", "replayed"}
    assert {external.origin for one in loaded for external in one.external} == {"autonomous", "roadside"}
    receivers = [vehicle.receiver for one in loaded for vehicle in one.vehicle]
    assert all(any(getattr(one, key) for one in receivers) for key in ("frozen", "jumps", "lost"))
    radios = [vehicle.radio for vehicle in others]
    assert all(
        any(getattr(one, key) for one in radios)
        for key in ("lost", "loss_percent", "doubled_percent", "reordered_percent")
    )
