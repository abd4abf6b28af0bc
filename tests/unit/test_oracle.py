"""The second opinion by itself: times worked out on paper, for each function, presentation mode and kind of fault.

Receivers with hdop 1 tell 5 m of error, so a + b = 10 m everywhere. Where ego turns it drives at 5 m/s, targets at 10.
"""

import pytest

from asvrig.expected import Expected, outlook, side_at
from asvrig.scenario import Scenario

NEAR = {"abs": 0.0111}  # times are looked at every 10 ms
COARSE = {"abs": 0.0511}  # surrounding: every 50 ms
# Stops 5 m short of the crossing at 2 s; 2 km/h or less from 1.89 s on, so it has stopped at 2.19 s
WAITS = {"north_m": -15, "heading_deg": 0, "speed_kmh": 36, "motion": [{"until_kmh": 0, "accel_mps2": -5}]}
DRIVES = {"heading_deg": 0, "speed_kmh": 18}
# 150 m from the crossing point at 0 s: corrected, 14 s less t of way
CROSSES = {"east_m": -150, "heading_deg": 90, "speed_kmh": 36}
# To a turning point 6.25 m ahead of ego: 193.75 m - 15 t; corrected 18.375 s - 1.5 t of its way
COMES = {"east_m": 3, "north_m": 200, "heading_deg": 180, "speed_kmh": 36}
# 100 m - 5 t behind; corrected, less 4.5 m and 2 m of lengths, 8.35 s - 0.5 t of its way
FOLLOWS = {
    "kind": "motorcycle", "length_m": 2, "east_m": -1.5, "north_m": -100, "heading_deg": 0, "speed_kmh": 36,
}  # fmt: skip
RIGHT = {"controls": [{"at_s": 1, "winker": "right"}]}
LEFT = {"controls": [{"at_s": 1, "winker": "left"}]}
STANDS = {"heading_deg": 0, "speed_kmh": 0}


def scene(ego: dict, *others: dict, duration_s: float = 30, **more: object) -> Scenario:
    """A scenario of ego and others named b, c, ...; what is around is not told of unless asked for."""
    vehicles = [{"name": "ego", "ego": True} | ego]
    vehicles += [{"name": chr(98 + at), "id": at + 1, "seed": at + 1} | one for at, one in enumerate(others)]
    told = {"unit": {"surrounding": {"enabled": False}}} | more
    place = {"latitude_deg": 36, "longitude_deg": 140}
    whole = {"scenario": 1, "title": "t", "start": "2026-04-01T01:00:00Z", "duration_s": duration_s, "place": place}
    return Scenario.model_validate(whole | told | {"vehicle": vehicles})


def presenting(**keys: object) -> dict:
    return {"unit": {"surrounding": {"enabled": False}, "presentation": keys}}


def only(scenario: Scenario, function: str) -> Expected:
    (found,) = outlook(scenario).due
    assert found.function == function
    return found


def window(due: Expected, level: str) -> tuple[float, float]:
    return due.levels[level].earliest_s, due.levels[level].latest_s


def times(due: Expected) -> dict[str, tuple[float, float]]:
    return {level: window(due, level) for level in due.levels}


def approx(found: dict, wanted: dict) -> bool:
    assert list(found) == list(wanted)
    return all(found[key] == pytest.approx(wanted[key], **NEAR) for key in wanted)


# Crossing


def test_crossing() -> None:
    due = only(scene(WAITS, CROSSES), "crossing")
    assert approx(times(due), {"information": (8.9, 9.9), "caution": (9.9, 10.4)})
    assert due.side == "left"
    assert due.hold.latest_s == pytest.approx(16, **NEAR)  # 10 m beyond
    assert due.end.latest_s == pytest.approx(19, **NEAR)
    assert (due.hold_reason, due.end_reason, due.pause, due.loose) == ("target_passed", "hold_over", None, False)


def test_crossing_from_the_right_and_at_an_angle() -> None:
    """Heading 300: the crossing point is 5 m of way ahead, and the target's own way to it 150 m."""
    due = only(scene(WAITS, {"east_m": 129.904, "north_m": -75, "heading_deg": 300, "speed_kmh": 36}), "crossing")
    assert due.side == "right"
    assert approx(times(due), {"information": (8.9, 9.9), "caution": (9.9, 10.4)})


@pytest.mark.parametrize(
    ("keys", "wanted"),
    [
        ({"mode": "caution_alone"}, {"caution": (9.9, 10.4)}),
        ({"information_s": 4.6, "caution_s": 3.8}, {"information": (8.9, 9.4), "caution": (9.9, 10.2)}),
        ({"information_s": 5.1, "caution_s": 4.1}, {"information": (8.9, 8.9), "caution": (9.9, 9.9)}),
        ({"mode": "information_ended"}, {"information": (8.9, 9.5), "caution": (12.3, 12.8)}),
    ],
)
def test_presentation(keys: dict, wanted: dict) -> None:
    due = only(scene(WAITS, CROSSES, **presenting(**keys)), "crossing")
    assert approx(times(due), wanted)
    if keys.get("mode") == "information_ended":
        assert (due.pause.earliest_s, due.pause.latest_s) == pytest.approx((11.9, 12.5), **NEAR)
        assert due.unshown["caution"].latest_s == pytest.approx(10.4, **NEAR)
    else:
        assert due.pause is None


@pytest.mark.parametrize(
    ("heard_s", "wanted"),
    [
        (9.7, {"information": (9.7, 9.7), "caution": (12.3, 12.8)}),  # 4.3 s: just time enough to end before 1.2 s
        (9.85, {"information": (9.85, 9.9), "caution": (9.9, 10.4)}),  # 4.15 s: no time
        (10.0, {"information": (10.0, 10.0), "caution": (10.0, 10.4)}),
        (10.6, {"caution": (10.6, 10.6)}),
    ],
)
def test_a_late_target_where_information_would_end(heard_s: float, wanted: dict) -> None:
    radio = {"delay_ms": 0, "phase_ms": round(heard_s * 1000) % 100, "lost": [[0, heard_s - 0.001]]}
    due = only(scene(WAITS, CROSSES | {"radio": radio}, **presenting(mode="information_ended")), "crossing")
    assert approx(times(due), wanted)


@pytest.mark.parametrize(("least", "due"), [(0, 1), (5, 1), (9, 1), (10, 0)])
def test_slow_targets_are_left_out(least: int, due: int) -> None:
    slow = CROSSES | {"east_m": -40, "speed_kmh": 9.5}
    assert len(outlook(scene(WAITS, slow, **presenting(target_min_kmh=least))).due) == due


def test_crossing_by_speed() -> None:
    """start = "speed": ego rolls at 5 m/s to a crossing 100 m ahead, which comes inside 30 + 10 m at 12 s."""
    rolls = DRIVES | {"north_m": -100, "motion": [{"for_s": 14}, {"until_kmh": 60, "accel_mps2": 2}]}
    unit = {"surrounding": {"enabled": False}, "crossing": {"start": "speed", "ego_max_kmh": 25}}
    due = only(scene(rolls, CROSSES | {"east_m": -200}, unit=unit), "crossing")  # corrected 19 s - t of way
    assert approx(times(due), {"information": (13.9, 14.9)})
    assert due.end_reason == "ego_too_fast"
    assert due.end.latest_s == pytest.approx(14 + (25 / 3.6 - 5) / 2, **NEAR)


@pytest.mark.parametrize(("brake", "started_s"), [(False, 11 + 10 / 3.6 / 2), (True, 11 + 5**0.5)])
def test_crossing_ends_when_ego_starts(brake: bool, started_s: float) -> None:
    """At 2 m/s2 from 11 s on: above 10 km/h with the brake off, or 5 m from where it stood."""
    ego = WAITS | {"motion": [{"until_kmh": 0, "accel_mps2": -5}, {"for_s": 9}, {"for_s": 4, "accel_mps2": 2}]}
    due = only(scene(ego | {"controls": [{"at_s": 10, "brake": brake}]}, CROSSES), "crossing")
    assert due.end_reason == "ego_started"
    assert due.end.latest_s == pytest.approx(started_s, abs=0.02)
    assert due.hold is None


def test_nothing_for_an_ego_that_never_drove() -> None:
    assert outlook(scene(STANDS | {"north_m": -5}, CROSSES)).due == []


# Right turn


@pytest.mark.parametrize("side", ["left", "right"])
def test_right_turn(side: str) -> None:
    """The times are the same where traffic keeps to the right; the winker is the other one."""
    winker = RIGHT if side == "left" else LEFT
    due = only(scene(DRIVES | winker, COMES, traffic_side=side), "right_turn")
    assert approx(times(due), {"information": (8.85, 9.517), "caution": (9.517, 9.85)})
    assert due.side is None
    assert due.hold.latest_s == pytest.approx(203.75 / 15, **NEAR)
    assert due.end.latest_s == pytest.approx(203.75 / 15 + 3, **NEAR)


def test_right_turn_waits_for_the_winker() -> None:
    """5.1 s are over: at once."""
    late = {"controls": [{"at_s": 9.7, "winker": "right"}]}
    due = only(scene(DRIVES | late, COMES), "right_turn")
    assert approx(times(due), {"information": (9.7, 9.7), "caution": (9.7, 9.85)})


@pytest.mark.parametrize(
    ("ego", "target"),
    [
        (DRIVES, COMES),  # no winker
        (DRIVES | LEFT, COMES),
        (DRIVES | RIGHT | {"can": ""}, COMES),  # unknown winker
        (DRIVES | RIGHT | {"speed_kmh": 31}, COMES),
        (DRIVES | RIGHT, COMES | {"east_m": 30.5}),  # 20 m + 10 m beside
        (DRIVES | RIGHT, COMES | {"heading_deg": 134}),
        (DRIVES | RIGHT, COMES | {"speed_kmh": 4}),
        (DRIVES | RIGHT, COMES | {"receiver": {"hdop": 60}}),  # 300 m of error
    ],
)
def test_no_right_turn(ego: dict, target: dict) -> None:
    assert outlook(scene(ego, target)).due == []


def test_right_turn_just_inside() -> None:
    assert len(outlook(scene(DRIVES | RIGHT, COMES | {"east_m": 29.5})).due) == 1
    assert len(outlook(scene(DRIVES | RIGHT | {"speed_kmh": 30}, COMES)).due) == 1


@pytest.mark.parametrize(
    ("changes", "reason", "early_s", "late_s"),
    [
        ({"controls": [{"at_s": 1, "winker": "right"}, {"at_s": 9.6, "winker": "off"}]}, "winker_off", 9.6, 9.6),
        ({"controls": [{"at_s": 1, "winker": "right"}, {"at_s": 9.6, "winker": "left"}]}, "winker_off", 9.6, 9.6),
        ({"heading_deg": None, "via": [(0, 48.2), (100, 48.2)]} | RIGHT, "turn_begun", 9.6, 9.7),
        (
            {"motion": [{"for_s": 9.7}, {"until_kmh": 40, "accel_mps2": 2}]} | RIGHT,
            "ego_too_fast",
            9.7 + (30 / 3.6 - 5) / 2,
            9.7 + (30 / 3.6 - 5) / 2,
        ),
    ],
)
def test_own_acts_end_a_turn(changes: dict, reason: str, early_s: float, late_s: float) -> None:
    due = only(scene(DRIVES | changes, COMES), "right_turn")
    assert due.end_reason == reason
    assert (due.end.earliest_s, due.end.latest_s) == pytest.approx((early_s, late_s), **NEAR)
    assert due.hold is None


def test_the_other_turn_is_no_turn_begun() -> None:
    """A right turn whose lane bends to the left by 40 degrees first; the oncoming one is on the same road then."""
    bends = {"heading_deg": None, "via": [(0, 48.2), (-64, 124)]} | RIGHT
    due = only(scene(DRIVES | bends, COMES), "right_turn")
    assert due.end_reason != "turn_begun"


# Left turn


@pytest.mark.parametrize(("side", "east_m"), [("left", -1.5), ("right", 1.5)])
def test_left_turn(side: str, east_m: float) -> None:
    winker = LEFT if side == "left" else RIGHT
    due = only(scene(DRIVES | winker, FOLLOWS | {"east_m": east_m}, traffic_side=side), "left_turn")
    assert approx(times(due), {"information": (6.5, 8.5), "caution": (8.5, 9.5)})
    assert due.side == side
    assert due.hold.latest_s == pytest.approx(22, **NEAR)
    assert due.end.latest_s == pytest.approx(25, **NEAR)


@pytest.mark.parametrize(
    ("ego", "target"),
    [
        (DRIVES | RIGHT, FOLLOWS),
        (DRIVES | LEFT, FOLLOWS | {"kind": "car"}),
        (DRIVES | LEFT, FOLLOWS | {"east_m": -13.5}),  # 3 m + 10 m
        (DRIVES | LEFT, FOLLOWS | {"east_m": 10.5}),
        (DRIVES | LEFT, FOLLOWS | {"heading_deg": 31, "east_m": -60}),
        (DRIVES | LEFT | {"speed_kmh": 2}, FOLLOWS | {"north_m": -60, "speed_kmh": 20}),
    ],
)
def test_no_left_turn(ego: dict, target: dict) -> None:
    assert outlook(scene(ego, target)).due == []


def test_left_turn_of_all_kinds() -> None:
    """A car of 4.5 m is sent as 6 m: corrected 7.95 s - 0.5 t of its way."""
    unit = {"surrounding": {"enabled": False}, "left_turn": {"targets": "all"}}
    due = only(scene(DRIVES | LEFT, FOLLOWS | {"kind": "car", "length_m": 4.5}, unit=unit), "left_turn")
    assert approx(times(due), {"information": (5.7, 7.7), "caution": (7.7, 8.7)})


def test_left_turn_of_an_ego_that_stops_is_held() -> None:
    """5 m/s to 2 km/h at 2.5 m/s2 from 9.6 s on, and half a second; then 3 s."""
    stops = LEFT | {"motion": [{"for_s": 9.6}, {"until_kmh": 0, "accel_mps2": -2.5}]}
    due = only(scene(DRIVES | stops, FOLLOWS), "left_turn")
    slow_s = 9.6 + (5 - 2 / 3.6) / 2.5
    assert due.hold_reason == "ego_standing"
    assert due.hold.latest_s == pytest.approx(slow_s + 0.5, **NEAR)
    assert due.end.latest_s == pytest.approx(slow_s + 3.5, **NEAR)


def test_left_turn_falls_back() -> None:
    """At 9 s it is 38.5 m of corrected way behind and brakes at 5 m/s2: 4.1 s of its way again after 0.157 s."""
    brakes = FOLLOWS | {"motion": [{"for_s": 9}, {"until_kmh": 7.2, "accel_mps2": -5}]}
    due = only(scene(DRIVES | LEFT, brakes), "left_turn")
    assert list(due.levels) == ["information"]
    assert due.hold_reason == "target_fell_back"
    assert due.hold.latest_s == pytest.approx(9.157 + 0.5, abs=0.0211)


# What is lost


def test_a_lost_target_goes_on() -> None:
    due = only(scene(WAITS, CROSSES | {"radio": {"lost": [[10.5, 30]]}}), "crossing")
    assert due.hold.latest_s == pytest.approx(16, **NEAR)
    assert due.end_reason == "hold_over"


def test_a_lost_target_goes_on_for_10_s() -> None:
    """At 1.5 m/s it takes 17 s from 4.1 s of way to 10 m beyond; the last packet is that of 16 s."""
    slow = CROSSES | {"east_m": -40, "speed_kmh": 5.4, "radio": {"lost": [[16.05, 30]]}}
    due = only(scene(WAITS, slow), "crossing")
    assert due.end_reason == "lost_limit"
    assert due.end.latest_s == pytest.approx(26, abs=0.021)


def test_no_begin_for_the_unheard() -> None:
    """Unheard from 8 s on: more than a second at 9.9 s. Heard again at 12 s: at once."""
    due = only(scene(WAITS, CROSSES | {"radio": {"delay_ms": 0, "lost": [[8, 12]]}}), "crossing")
    assert approx(times(due), {"caution": (12, 12)})


@pytest.mark.parametrize(
    ("ego", "target"), [({"receiver": {"lost": [[12, 25]]}}, {}), ({}, {"lost": [[12, 25]]})], ids=["ego", "target"]
)
def test_a_lost_fix_is_carried_on_until_it_would_have_passed(ego: dict, target: dict) -> None:
    """150 m and 10 m beyond at 10 m/s: 16 s, as if nothing had been lost."""
    due = only(scene(WAITS | ego, CROSSES | {"receiver": target}), "crossing")
    assert due.hold_reason == "target_passed"
    assert due.hold.latest_s == pytest.approx(16, **NEAR)
    assert due.end.latest_s == pytest.approx(19, **NEAR)


def test_a_lost_fix_of_ego_is_carried_on_for_10_s_at_most() -> None:
    """At 1.5 m/s it would be 10 m beyond at 33 s; ego last knew its place at 18 s."""
    slow = CROSSES | {"east_m": -40, "speed_kmh": 5.4}
    due = only(scene(WAITS | {"receiver": {"lost": [[18.05, 40]]}}, slow), "crossing")
    assert due.end_reason == "lost_limit"
    assert due.end.latest_s == pytest.approx(28, abs=0.2)


def test_a_short_loss_changes_nothing() -> None:
    due = only(scene(WAITS | {"receiver": {"lost": [[12, 12.4]]}}, CROSSES), "crossing")
    assert due.hold.latest_s == pytest.approx(16, **NEAR)


# Receivers that are wrong: the correction by a + b is used up, never more


@pytest.mark.parametrize(
    ("own_m", "its_m", "information", "caution"),
    [
        (0, 0, (8.9, 9.9), (9.9, 10.4)),
        (0, 6, (8.3, 9.9), (9.3, 10.4)),  # tells that it is nearer: 0.6 s earlier may be told
        (0, -6, (8.9, 10.5), (9.9, 11.0)),  # farther: 0.6 s later
        (0, -9.9, (8.9, 10.89), (9.9, 11.39)),  # 4.1 s and 3.6 s of the true way, uncorrected
        (-6, -6, (8.9, 9.9), (9.9, 10.4)),  # both are off alike
        (3, -3, (8.9, 10.5), (9.9, 11.0)),
    ],
)
def test_offsets(own_m: float, its_m: float, information: tuple, caution: tuple) -> None:
    ego = WAITS | {"receiver": {"offset_m": [own_m, 0]}}
    due = only(scene(ego, CROSSES | {"receiver": {"offset_m": [its_m, 0]}}), "crossing")
    assert window(due, "information") == pytest.approx(information, **NEAR)
    assert window(due, "caution") == pytest.approx(caution, **NEAR)
    assert not due.loose


def test_an_error_that_is_not_told_excuses() -> None:
    found = outlook(scene(WAITS, CROSSES | {"receiver": {"offset_m": [-12, 0]}}))
    assert found.due == []
    (allowed,) = found.allowed
    assert allowed.function == "crossing"
    assert allowed.window.earliest_s == pytest.approx(8.9, **NEAR)


@pytest.mark.parametrize("fault", [{"jumps": [[12, 13, -200, 0]]}, {"frozen": [[12, 15]]}])
def test_a_fault_after_the_begin_leaves_the_begin_to_be_judged(fault: dict) -> None:
    due = only(scene(WAITS, CROSSES | {"receiver": fault}), "crossing")
    assert window(due, "information") == pytest.approx((8.9, 9.9), **NEAR)
    assert due.loose


# Surrounding and emergency vehicles

AROUND: dict = {"unit": {}}


def test_surrounding() -> None:
    """200 m - 10 t: within 100 m at 10 s; then it recedes, beyond 35 m at 23.5 s, for a second. 2 m either way."""
    due = only(scene(STANDS, CROSSES | {"east_m": -200, "north_m": 1}, **AROUND), "surrounding")
    assert window(due, "information") == pytest.approx((9.8, 10.2), **COARSE)
    assert (due.end.earliest_s, due.end.latest_s) == pytest.approx((24.3, 24.7), **COARSE)
    assert (due.end_reason, due.hold, due.loose) == ("receding", None, False)


@pytest.mark.parametrize(
    ("target", "reason", "end_s"),
    [
        ({"radio": {"lost": [[12, 30]]}}, "packets_stopped", 12.9),
        ({"motion": [{"for_s": 12}, {"until_kmh": 0, "accel_mps2": -10}]}, "target_standing", 13.93),
    ],
)
def test_surrounding_ends(target: dict, reason: str, end_s: float) -> None:
    due = only(scene(STANDS, CROSSES | {"east_m": -200, "north_m": 1} | target, **AROUND), "surrounding")
    assert due.end_reason == reason
    assert due.end.latest_s == pytest.approx(end_s, abs=0.08)


@pytest.mark.parametrize(
    "target",
    [
        {"east_m": 40, "heading_deg": 90, "speed_kmh": 36},  # recedes from 40 m on
        {"east_m": 5, "heading_deg": 90, "speed_kmh": 0},
        {"east_m": -500, "heading_deg": 90, "speed_kmh": 36},
        {"north_m": 110, "east_m": -150, "heading_deg": 90, "speed_kmh": 36},
    ],
)
def test_no_surrounding(target: dict) -> None:
    found = outlook(scene(STANDS, target, **AROUND))
    assert (found.due, found.allowed) == ([], [])


def test_surrounding_where_either_is_right() -> None:
    """At 101 m, passing: neither inside nor outside for sure."""
    found = outlook(scene(STANDS, {"north_m": 101, "east_m": -20, "heading_deg": 90, "speed_kmh": 36}, **AROUND))
    assert found.due == []
    assert [one.function for one in found.allowed] == ["surrounding"]


def test_only_the_nearest_eight_have_to_be_told() -> None:
    # The last two are farther by more than the 10 m that one may be nearer without taking another's place
    away = [20 + 6 * at for at in range(8)] + [78, 84]
    cars = [{"north_m": north_m, "east_m": 3, "heading_deg": 180, "speed_kmh": 10} for north_m in away]
    found = outlook(scene(STANDS, *cars, duration_s=2, **AROUND))
    assert [one.vehicle.name for one in found.due] == list("bcdefghi")
    assert [one.vehicle.name for one in found.allowed] == ["j", "k"]


BEHIND = {"north_m": -500, "east_m": 3, "heading_deg": 0, "speed_kmh": 72, "kind": "special"}


def test_emergency() -> None:
    """500 m - 20 t: 300 m at 10 s; gone beyond 305 m at 40.25 s, for a second."""
    due = only(scene(STANDS, BEHIND | {"emergency": "signed"}, duration_s=45, **AROUND), "emergency")
    assert window(due, "information") == pytest.approx((9.9, 10.1), **COARSE)
    assert (due.end.earliest_s, due.end.latest_s) == pytest.approx((41.15, 41.35), **COARSE)
    assert due.end_reason == "too_far"


@pytest.mark.parametrize("claim", ["unsigned", "forged", "stale"])
def test_false_emergency_vehicles_are_ordinary_ones(claim: str) -> None:
    due = only(scene(STANDS, BEHIND | {"emergency": claim}, duration_s=45, **AROUND), "surrounding")
    assert window(due, "information") == pytest.approx((19.9, 20.1), **COARSE)


def test_a_replayed_emergency_vehicle_is_one_for_a_moment() -> None:
    replayed = BEHIND | {"north_m": -250, "emergency": "replayed"}
    found = outlook(scene(STANDS, replayed, **AROUND))
    assert found.due == []
    (allowed,) = [one for one in found.allowed if one.function == "emergency"]
    assert (allowed.window.earliest_s, allowed.until_s) == pytest.approx((0, 1.5), **COARSE)


def test_functions_that_are_off() -> None:
    unit = {name: {"enabled": False} for name in ("crossing", "surrounding", "emergency", "right_turn", "left_turn")}
    found = outlook(scene(WAITS, CROSSES | {"emergency": "signed"}, unit=unit))
    assert (found.due, found.allowed) == ([], [])


@pytest.mark.parametrize(
    ("east_m", "north_m", "side", "clear"),
    [(10, 0, "right", True), (-10, 0, "left", True), (0, 10, None, True), (1, -10, None, True), (5, 8.66, None, False)],
)
def test_sides(east_m: float, north_m: float, side: str | None, clear: bool) -> None:
    ego = {"heading_deg": 0, "speed_kmh": 3.6}
    place = {"east_m": east_m, "north_m": north_m, "heading_deg": 0, "speed_kmh": 3.6}
    scenario = scene(ego, place)
    found = side_at(scenario, scenario.others[0], 3)
    assert found[1] == clear
    assert found[0] == side or not clear


# Maps


def node(north_m: float, *priority_deg: float) -> dict:
    return {"name": "crossing", "east_m": 0, "north_m": north_m, "priority_deg": list(priority_deg)}


@pytest.mark.parametrize(
    ("nodes", "its_map", "due"),
    [
        ([node(0)], False, 1),
        ([node(0, 90, 270)], False, 1),  # the others' approaches
        ([node(0, 20)], False, 0),  # ego's
        ([node(300)], False, 1),  # no node where they cross, but only ego's map says so
        ([node(300), {"name": "far", "east_m": 300, "north_m": 0}], True, 0),
        ([node(0), {"name": "far", "east_m": 300, "north_m": 0}], True, 1),
    ],
)
def test_maps(nodes: list, its_map: bool, due: int) -> None:
    assert len(outlook(scene(WAITS, CROSSES | {"map": its_map}, intersection=nodes)).due) == due
