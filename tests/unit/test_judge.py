"""The judge by itself: events made by hand, good ones and each kind of wrong ones."""

import copy
from collections.abc import Callable

import pytest

from asvrig.expected import Outlook, outlook
from asvrig.given import given, scenes
from asvrig.judge import Check
from asvrig.judge import judge as judged
from asvrig.scenario import Scenario

START_S = 1775005200.0  # 2026-04-01T01:00:00Z
MAC = "02:00:00:00:00:10"
Events = list[dict]
EGO = {"name": "ego", "ego": True, "north_m": -15, "heading_deg": 0, "speed_kmh": 36}
STOPS = {"motion": [{"until_kmh": 0, "accel_mps2": -5}]}
TURNS = {"controls": [{"at_s": 1, "winker": "right"}], "speed_kmh": 18, "north_m": 0}
CAR = {"name": "car", "id": 7, "east_m": -150, "heading_deg": 90, "speed_kmh": 36}
ONCOMING = {"name": "car", "id": 7, "east_m": 3, "north_m": 200, "heading_deg": 180, "speed_kmh": 36}
TEXTS = {"none": "", "information": "Vehicle coming", "caution": "WAIT!"}


def scenario(ego: dict, *others: dict, surrounding: bool = False, **more: object) -> Scenario:
    place = {"latitude_deg": 36, "longitude_deg": 140}
    told = {"scenario": 1, "title": "t", "start": "2026-04-01T01:00:00Z", "duration_s": 25, "place": place}
    told["unit"] = {"surrounding": {"enabled": surrounding}, "presentation": more.pop("presentation", {})}
    return Scenario.model_validate(told | more | {"vehicle": [EGO | ego, *others]})


def support(t: float, level: str, reason: str, function: str = "crossing", vehicle: int = 7, **more: object) -> dict:
    numbers = {"distance_m": 50.0, "error_m": 10.0, "threshold_m": 41.0, "ttc_s": 4.0}
    told = {"function": function, "level": level, "presented": level != "none", "vehicle_id": vehicle, "source": MAC}
    return {"t": START_S + t, "event": "support", "reason": reason} | told | numbers | more


def hmi(t: float, level: str, direction: str | None, function: str = "crossing", **more: object) -> dict:
    colour, sound = {"information": ("blue", "none"), "caution": ("yellow", "caution")}.get(level, ("none", "none"))
    told = {"level": level, "colour": colour, "function": function, "direction": direction, "sound": sound}
    return {"t": START_S + t, "event": "hmi", "text": TEXTS[level]} | told | more


def both(t: float, level: str, reason: str, direction: str | None, function: str = "crossing") -> Events:
    return [support(t, level, reason, function), hmi(t, level, direction, function)]


def crossing(direction: str | None = "left", function: str = "crossing", times: tuple = (9.9, 10.4, 16, 19)) -> Events:
    """A support as it should be, to the times of the scenario below."""
    begin, caution, passed, end = times
    return [
        *both(begin, "information", "l3_reached", direction, function),
        *both(caution, "caution", "l4_reached", direction, function),
        *both(passed, "information", "target_passed", direction, function),
        *both(end, "none", "hold_over", None, function),
    ]


_OUTLOOKS: dict[int, tuple[Scenario, Outlook]] = {}


def judge(scenario: Scenario, events: Events) -> list[Check]:
    """The judge; what is expected of a scenario is worked out once, for all the events that are tried on it."""
    if id(scenario) not in _OUTLOOKS:
        _OUTLOOKS[id(scenario)] = scenario, outlook(scenario)
    return judged(scenario, events, _OUTLOOKS[id(scenario)][1])


def wrong(checks: list[Check]) -> set[str]:
    assert checks
    return {check.what for check in checks if not check.good}


WAITING = scenario(STOPS, CAR)


def test_good_events() -> None:
    checks = judge(WAITING, crossing())
    assert wrong(checks) == set()
    assert {"information", "caution", "keep watching", "held 3 s", "end", "end's reason", "ends quietly"} < {
        check.what for check in checks
    }
    assert {check.function for check in checks if check.what == "nothing beside"} >= {"right_turn", "surrounding"}
    margins = {check.what: check.margin_s for check in checks if check.margin_s is not None}
    assert margins == pytest.approx(
        {"information": 0.15, "caution": 0.15, "keep watching": 0.15, "end": 0.15}, abs=0.02
    )


Change = Callable[[Events], Events]


def altered(number: int, **more: object) -> Change:
    """One event (support and hmi take turns) told otherwise."""
    return lambda events: [one | more if at == number else one for at, one in enumerate(events)]


def moved(number: int, by_s: float) -> Change:
    """A support's event, and the display with it, at another time."""
    return lambda events: sorted(
        (one | {"t": one["t"] + by_s} if at // 2 == number else one for at, one in enumerate(events)),
        key=lambda one: one["t"],
    )


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (moved(0, 0.14), set()),
        (moved(0, 0.3), {"information"}),
        (moved(0, -1.3), {"information"}),
        (moved(1, 0.3), {"caution"}),
        (moved(1, -0.7), {"caution", "levels"}),
        (moved(2, 0.3), {"keep watching", "held 3 s"}),
        (moved(3, -1), {"end", "held 3 s"}),
        (lambda events: events[:2] + events[4:], {"caution"}),
        (lambda events: events[2:], {"information"}),
        (lambda events: [], {"information", "caution"}),
        (lambda events: events[:6], {"end"}),
        (lambda events: events[:4] + events[6:], {"keep watching"}),
        (altered(6, reason="lost_limit"), {"end's reason"}),
        (altered(2, level="none", presented=False), {"caution"}),
        (altered(1, direction="right"), {"information: display"}),
        (altered(1, direction="both"), set()),
        (altered(3, colour="red"), {"caution: display"}),
        (altered(3, sound="none"), {"caution: display"}),
        (altered(3, function="surrounding"), {"caution: display"}),
        (altered(3, level="information", colour="blue", sound="none"), {"caution: display"}),
        (altered(7, text="Thank you"), {"ends quietly"}),
        (altered(2, distance_m=51.2), {"caution: condition"}),
        (altered(2, error_m=None), {"caution: condition"}),
        (altered(1, text=""), {"information: display", "texts"}),
        (altered(1, text="x" * 31), {"texts"}),
        (altered(3, text="x" * 16), {"texts"}),
        (altered(5, text="All clear"), {"never all clear"}),
        (altered(5, text="You may go"), {"never all clear"}),
        (altered(5, text="進め"), {"never all clear"}),
        (altered(5, text="Good, ergonomic, cleared"), set()),
        (altered(2, presented=False), {"caution: presented", "room used"}),
        (altered(0, vehicle_id=8), {"information", "nothing beside"}),
    ],
)
def test_what_is_wrong_is_found(change: Change, found: set[str]) -> None:
    assert wrong(judge(WAITING, change(copy.deepcopy(crossing())))) == found


def test_a_step_back_is_found() -> None:
    back = both(12, "information", "resumed", "left") + both(13, "caution", "resumed", "left")
    events = sorted(crossing() + back, key=lambda one: one["t"])
    assert wrong(judge(WAITING, events)) == {"levels"}


def test_every_function_is_looked_at() -> None:
    """A support of any function that is not due."""
    for function in ("right_turn", "left_turn", "surrounding", "emergency"):
        events = [*crossing(), support(20, "information", "in_range", function), support(21, "none", "x", function)]
        (found,) = [one for one in judge(WAITING, events) if not one.good and one.what == "nothing beside"]
        assert (found.function, found.vehicle, found.actual_s) == (function, "car", pytest.approx(20))


def test_why_another_gets_nothing_is_no_support() -> None:
    """Also of a twin: another vehicle with the same address and id."""
    why = [
        support(t, "none", reason) for t, reason in ((1, "before_l3"), (5, "angle"), (12, "not_ahead"), (22, "angle"))
    ]
    events = sorted(crossing() + why, key=lambda one: one["t"])
    assert len(given(events, "crossing")) == 1
    assert wrong(judge(WAITING, events)) == set()


def test_two_vehicles_with_one_id_are_told_apart_by_their_address() -> None:
    other = CAR | {"name": "other", "mac": "02:00:00:00:00:99", "east_m": 150, "heading_deg": 270}
    both_ways = scenario(STOPS, CAR, other)
    right = [one | {"source": "02:00:00:00:00:99"} for one in crossing() if one["event"] == "support"]
    shown = [one | ({"direction": "both"} if one["event"] == "hmi" else {}) for one in crossing()]
    events = sorted(shown + right, key=lambda one: one["t"])
    assert wrong(judge(both_ways, events)) == set()
    checks = judge(both_ways, [one for one in events if one.get("source") != "02:00:00:00:00:99"])
    assert {check.vehicle for check in checks if not check.good} == {"other"}


def test_no_support() -> None:
    nothing = scenario(STOPS, CAR | {"heading_deg": 0})
    (check,) = [one for one in judge(nothing, []) if one.what == "no support"]
    assert check.good
    assert "nothing beside" in wrong(judge(nothing, crossing()))


# Right turn: the oncoming car is 18.375 s - 1.5 t of its way off

TURNING = scenario(TURNS, ONCOMING, function="right_turn")
RIGHT_TIMES = (9.51, 9.85, 203.75 / 15, 203.75 / 15 + 3)


def test_right_turn_has_no_side() -> None:
    assert wrong(judge(TURNING, crossing(None, "right_turn", RIGHT_TIMES))) == set()
    found = wrong(judge(TURNING, crossing("right", "right_turn", RIGHT_TIMES)))
    assert found == {"information: display", "caution: display"}
    late = crossing(None, "right_turn", (9.51, 10.15, *RIGHT_TIMES[2:]))
    assert wrong(judge(TURNING, late)) == {"caution"}


# Mode information_ended: information at 9.5 s, to 12.5 s, caution at 12.8 s

ENDED = scenario(STOPS, CAR, presentation={"mode": "information_ended"})


def ended(begin: float = 9.5, pause: float = 12.5, caution: float = 12.8) -> Events:
    return [
        *both(begin, "information", "l3_reached", "left"),
        *both(pause, "none", "information_ended", None),
        *both(caution, "caution", "l4_star_reached", "left"),
        *crossing()[4:],
    ]


@pytest.mark.parametrize(
    ("events", "found"),
    [
        (ended(), set()),
        (ended(begin=9.9), {"information", "information ended"}),
        (ended(pause=12.1), {"information ended"}),
        (ended(caution=13.1), {"caution"}),
        (ended(caution=12.0), {"caution"}),
        (crossing(), {"information", "information ended", "caution"}),
    ],
)
def test_information_that_ends(events: Events, found: set[str]) -> None:
    assert wrong(judge(ENDED, sorted(events, key=lambda one: one["t"]))) - {"levels"} == found


# Several at once

CARS = [CAR | {"name": name, "id": at, "seed": at} for at, name in enumerate(("a", "b", "c"), 1)]
THREE = scenario(STOPS, *CARS)


def three(*presented: bool) -> Events:
    one = [event for event in crossing() if event["event"] == "support"]
    out = [event for event in crossing() if event["event"] == "hmi"]
    for at, shown in enumerate(presented):
        source = f"02:00:00:00:00:{at + 16:02x}"
        out += [
            event | {"vehicle_id": at + 1, "source": source, "presented": shown and event["presented"]} for event in one
        ]
    return sorted(out, key=lambda event: event["t"])


@pytest.mark.parametrize(
    ("presented", "found"),
    [
        ((True, True, False), set()),
        ((True, True, True), {"parallel"}),
        ((True, False, False), {"information: presented", "caution: presented", "room used"}),
    ],
)
def test_two_at_once(presented: tuple, found: set[str]) -> None:
    assert wrong(judge(THREE, three(*presented))) == found


def test_three_at_once_where_configured() -> None:
    more = scenario(STOPS, *CARS, presentation={"parallel": 3})
    assert wrong(judge(more, three(True, True, True))) == set()


# Surrounding: 150 m - 10 t, within 100 m at 5 s; then crossing speaks for the car; it recedes beyond 35 m at 18.5 s

AROUND = scenario(STOPS, CAR, surrounding=True)


def around(begin: float = 5.1, end: float = 19.5, give_way: bool = True, reason: str = "receding") -> Events:
    near = {"function": "surrounding", "distance_m": 99.0, "threshold_m": 100.0}
    out = [
        support(begin, "information", "in_range", **near),
        hmi(begin, "information", "left", "surrounding"),
        *crossing(),
        support(end, "none", reason, **near),
    ]
    if give_way:
        out.append(support(9.9, "information", "superseded", **near, presented=False))
    return sorted(out, key=lambda one: one["t"])


@pytest.mark.parametrize(
    ("events", "found"),
    [
        (around(), set()),
        (around(begin=5.5), set()),
        (around(begin=6.0), {"information"}),
        (around(begin=4.0), {"information"}),
        (around(end=20.6), {"end"}),
        (around(end=18.0), {"end", "levels"}),
        (around(reason="too_far"), {"end's reason"}),
        (around(give_way=False), {"yields"}),
        (crossing(), {"information"}),
    ],
)
def test_surrounding(events: Events, found: set[str]) -> None:
    checks = judge(AROUND, events)
    assert wrong(checks) == found
    if found and found != {"yields"}:
        assert {check.function for check in checks if not check.good} == {"surrounding"}


@pytest.mark.parametrize(("direction", "good"), [("left", True), ("right", False), (None, False)])
def test_side_of_surrounding(direction: str | None, good: bool) -> None:
    events = [one | ({"direction": direction} if one.get("function") == "surrounding" and one["event"] == "hmi" else {})
              for one in around()]  # fmt: skip
    assert wrong(judge(AROUND, events)) == (set() if good else {"information: display"})


def test_surrounding_waits_for_others() -> None:
    """Another vehicle's surrounding support keeps crossing from the driver."""
    near = [support(t, "information", "in_range", "surrounding", vehicle) for t, vehicle in ((9, 8), (9, 9))]
    hidden = [one | ({"presented": False} if one["event"] == "support" else {}) for one in crossing()]
    found = wrong(judge(WAITING, sorted(near + hidden, key=lambda one: one["t"])))
    assert {"yields", "caution: presented"} <= found


def test_scenes_count_what_is_told_at_one_time_together() -> None:
    swap = [support(1, "information", "l3_reached"), support(2, "none", "hold_over"),
            support(2, "information", "l3_reached", vehicle=8)]  # fmt: skip
    assert [len(scene.presented()) for scene in scenes(swap)] == [1, 1]


# Left turn: the motorcycle comes nearer at half its speed, so that what wire and receiver round takes twice the time

MOTORCYCLE = {
    "name": "car", "id": 7, "kind": "motorcycle", "length_m": 2, "east_m": -1.5, "north_m": -100, "heading_deg": 0,
    "speed_kmh": 36,
}  # fmt: skip
LEFT = scenario(TURNS | {"controls": [{"at_s": 1, "winker": "left"}]}, MOTORCYCLE, duration_s=30)


@pytest.mark.parametrize(("late_s", "found"), [(0.0, set()), (0.28, set()), (0.35, {"information"})])
def test_tolerance_is_way_of_the_target(late_s: float, found: set[str]) -> None:
    events = crossing("left", "left_turn", (8.5 + late_s, 9.5, 22, 25))
    assert wrong(judge(LEFT, events)) == found
    assert wrong(judge(LEFT, crossing("right", "left_turn", (8.5, 9.5, 22, 25)))) == {
        "information: display",
        "caution: display",
    }


# A roadside support speaks for the same danger


def beside_roadside(external: bool) -> Events:
    none = {"distance_m": None, "error_m": None, "threshold_m": None}
    own = [one for one in crossing() if one["event"] == "support"]
    own = [one | ({} if one["level"] == "none" else {"presented": False, "reason": "superseded"}) for one in own]
    out = [support(9, "caution", "external", vehicle=None, source="roadside", **none), hmi(9, "caution", "left")]
    out += [support(19.5, "none", "hold_over", vehicle=None, source="roadside", **none), hmi(19.5, "none", None)]
    return sorted([*own, *out] if external else own, key=lambda one: one["t"])


def test_what_another_system_tells_need_not_be_told_twice() -> None:
    assert wrong(judge(WAITING, beside_roadside(external=True))) == set()
    assert {"information: presented", "caution: presented"} <= wrong(judge(WAITING, beside_roadside(external=False)))


def test_a_false_emergency_vehicle_must_be_gone_soon() -> None:
    """A recording, played again: its first frame is as good as the true one's."""
    false = scenario({}, CAR | {"emergency": "replayed"})
    near = {"function": "emergency", "distance_m": 150.0, "threshold_m": 300.0}
    begin, end = support(0.1, "information", "in_range", **near), support(1.2, "none", "packets_stopped", **near)
    shown = [hmi(0.1, "information", "left", "emergency"), hmi(1.2, "none", None)]
    assert wrong(judge(false, [begin, *shown, end])) == set()
    assert wrong(judge(false, [begin, *shown])) == {"end"}
    assert wrong(judge(false, [begin | {"t": START_S + 4}, *shown])) == {"nothing beside"}
