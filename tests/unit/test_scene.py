"""The scene against a world of its own in floating point: places, conflicts, marks, order; and that it only looks."""

import json
import math
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from asvcore import params
from asvcore.settings import Settings
from asvunit.clock import UnitClock
from asvunit.ports import BRAKE, HAZARD, SPEED, WINKER, ExternalSupport, Fix, RadioFrame, VehicleSignal
from asvunit.scene import CONFLICTS, OTHERS, scene
from asvunit.unit import Unit
from coretools import LATITUDE_CAS, LONGITUDE_CAS, frame

MS = 1_000_000
UNIX_NS = 1_790_000_000_000_000_000
# WGS84 at 35 degrees, by the ellipsoid's radii of curvature, not by the core's series
_E2 = 0.00669437999014
_SIN2 = math.sin(math.radians(35)) ** 2
NORTH_M = math.radians(1 / 360000) * 6378137 * (1 - _E2) / (1 - _E2 * _SIN2) ** 1.5
EAST_M = math.radians(1 / 360000) * 6378137 / math.sqrt(1 - _E2 * _SIN2) * math.cos(math.radians(35))
NEAR_M = 0.6  # wire steps of 0.01" (0.3 m) of both, rounding to 0.1 m
A_M, B_M = 2.0, 3.0  # position errors of ego and targets


@dataclass(frozen=True)
class Car:
    """A target by ego's axes at time 0; `turn_deg`: its course less ego's heading."""

    ahead_m: float
    right_m: float
    turn_deg: int
    kmh: int
    vehicle_id: int = 100
    kind: int = 4
    until_ms: int = 1 << 30  # of its last frame

    def at(self, t_ms: float) -> tuple[float, float]:
        """(ahead, right) from where ego was at time 0."""
        way = self.kmh / 3.6 * t_ms / 1000
        angle = math.radians(self.turn_deg)
        return self.ahead_m + way * math.cos(angle), self.right_m + way * math.sin(angle)


class World:
    """A unit, its ego on a straight way, and cars around; every 100 ms all are told, 50 ms later there is a tick."""

    def __init__(
        self, *cars: Car, heading_deg: int = 0, kmh: float = 0, signals: dict[int, int] | None = None, **settings: int
    ) -> None:
        made = Settings()
        for name, value in settings.items():
            made.set(name, value)
        self.events: list[dict[str, Any]] = []
        self.unit = Unit(made, UnitClock(0, UNIX_NS), sink=self.events.append, send=lambda _t, _f: None)
        self.cars, self.heading_deg, self.kmh = cars, heading_deg, kmh
        self.signals = signals or {}
        self.t_ms = 0
        self._angle = math.radians(heading_deg)
        if kmh == 0:  # it has come from somewhere: that tells its heading
            self._fix(10)
            self.unit.tick(0)
            self.t_ms = 100
            while self.t_ms < 1000:
                self._fix(0)
                self._tick()

    def ego(self) -> float:
        """How far ego has come."""
        return self.kmh / 3.6 * self.t_ms / 1000

    def true(self, car: Car, t_ms: float | None = None) -> tuple[float, float]:
        """(ahead, right) of a car, seen from ego, now."""
        ahead, right = car.at(self.t_ms if t_ms is None else t_ms)
        return ahead - self.ego(), right

    def step(self) -> dict[str, Any]:
        """100 ms more; the scene after the tick."""
        while self.t_ms % 100:
            self.t_ms += 1
        self._fix(self.kmh)
        for signal, value in self.signals.items():
            self.unit.vehicle(VehicleSignal(self.t_ms * MS, signal, value, 0))
        for car in self.cars:
            if self.t_ms <= car.until_ms:
                self.hear(car)
        self.t_ms += 50
        self.unit.tick(self.t_ms * MS)
        return scene(self.unit)

    def run(self, until_ms: int) -> Iterator[dict[str, Any]]:
        while self.t_ms < until_ms:
            yield self.step()

    def hear(self, car: Car, **codes: int) -> None:
        ahead, right = car.at(self.t_ms)
        north = ahead * math.cos(self._angle) - right * math.sin(self._angle)
        east = ahead * math.sin(self._angle) + right * math.cos(self._angle)
        direction = (self.heading_deg + car.turn_deg) % 360
        payload = _frame(north, east, car, direction, self.t_ms // 100, **codes)
        self.unit.radio(RadioFrame(self.t_ms * MS, f"192.0.2.{car.vehicle_id % 250}:47100", payload))

    def _tick(self) -> None:
        self.t_ms += 100
        self.unit.tick(self.t_ms * MS - 50 * MS)

    def _fix(self, kmh: float) -> None:
        north = self.ego() * math.cos(self._angle)
        east = self.ego() * math.sin(self._angle)
        self.unit.fix(
            Fix(
                self.t_ms * MS, True, "", self.t_ms,
                LATITUDE_CAS + round(north / NORTH_M), LONGITUDE_CAS + round(east / EAST_M),
                round(kmh * 100), self.heading_deg * 100, round(A_M * 10),
            )
        )  # fmt: skip


def _frame(north: float, east: float, car: Car, course: int, counter: int, **codes: int) -> bytes:
    given = {"vehicle_classification": car.kind, "direction": course, **codes}
    return frame(car.vehicle_id, counter, north, east, car.kmh, error=round(B_M), **given)


def _only(told: dict[str, Any]) -> dict[str, Any]:
    assert len(told["others"]) == 1
    return dict(told["others"][0])


def _close(place: list[float], expected: tuple[float, float], within_m: float = NEAR_M) -> bool:
    return math.dist(place, expected) <= within_m


HEADINGS = (0, 61, 147, 270, 359)


@pytest.mark.parametrize("heading_deg", HEADINGS)
def test_places_and_courses_are_those_of_the_world(heading_deg: int) -> None:
    cars = [
        Car(80, -60, 120, 40, 1, kind=4),
        Car(-40, 3, 0, 60, 2, kind=5),
        Car(150, 20, 180, 70, 3, kind=0),
        Car(-90, -90, 45, 0, 4, kind=1),
    ]
    world = World(*cars, heading_deg=heading_deg, kmh=36)
    for told in world.run(2000):
        ego = told["ego"]
        assert (ego["available"], ego["heading_deg"], ego["speed_kmh"], ego["error_m"]) == (True, heading_deg, 36, A_M)
        assert told["north_up"] is False
        assert told["t"] == pytest.approx(UNIX_NS / 1e9 + world.t_ms / 1000, abs=1e-3)
        assert told["unit_ms"] == world.t_ms
        north, east = (world.ego() * way(math.radians(heading_deg)) for way in (math.cos, math.sin))
        assert (ego["latitude_deg"] - 35) * 360000 * NORTH_M == pytest.approx(north, abs=NEAR_M)
        assert (ego["longitude_deg"] - 139) * 360000 * EAST_M == pytest.approx(east, abs=NEAR_M)
        others = {one["id"]: one for one in told["others"]}
        assert sorted(others) == [1, 2, 3, 4]
        for car in cars:
            one = others[car.vehicle_id]
            assert _close([one["ahead_m"], one["right_m"]], world.true(car)), (car, one)
            assert one["course_deg"] == car.turn_deg % 360
            assert (one["speed_kmh"], one["error_m"], one["age_ms"]) == (car.kmh, B_M, 50)
            assert one["source"] == f"192.0.2.{car.vehicle_id}:47100"
        assert [others[number]["kind"] for number in (1, 2, 3, 4)] == ["car", "motorcycle", "bus", "large_truck"]
        assert [others[number]["length_m"] for number in (1, 2, 3, 4)] == [5, 2, 12, 12]


def _line_crossing(car: Car, world: World) -> tuple[float, float]:
    """Where a car's way meets ego's axis (right = 0), seen from ego."""
    ahead, right = world.true(car)
    angle = math.radians(car.turn_deg)
    way = -right / math.sin(angle)
    return ahead + way * math.cos(angle), 0.0


def _foot(car: Car, world: World) -> tuple[float, float]:
    """The foot, on an oncoming car's way, of the place where ego begins its turn [D11]."""
    point = min((world.kmh / 3.6) ** 2 / (2 * 2.0), 33.5)
    ahead, right = world.true(car)
    along, across = math.cos(math.radians(car.turn_deg)), math.sin(math.radians(car.turn_deg))
    way = (point - ahead) * along - right * across
    return ahead + way * along, right + way * across


def _beside(car: Car, world: World) -> tuple[float, float]:
    """Where a car that comes from behind is level with ego."""
    ahead, right = world.true(car)
    return 0.0, right - ahead * math.tan(math.radians(car.turn_deg))


RIGHT, LEFT = 5, 6  # winker codes


def _crossing_car(turn_deg: int) -> Car:
    """One that comes to ego's axis 12 m ahead, from 95 m beside it."""
    ahead_m = 12 - 95 / math.tan(math.radians(abs(turn_deg)))
    return Car(ahead_m, math.copysign(95, -turn_deg), turn_deg, 50)


CROSSINGS = [("crossing", _crossing_car(turn), _line_crossing, {}, 0) for turn in (90, 60, 130, -90, -45)]
RIGHT_TURNS = [
    ("right_turn", Car(120 + 3 * kmh, 3 if kmh else -3, turn, 50), _foot, {WINKER: RIGHT}, kmh)
    for kmh, turn in ((0, 180), (18, 176), (30, 180))
]
LEFT_TURNS = [("left_turn", Car(-105, -1.5, turn, 60, kind=5), _beside, {WINKER: LEFT}, 18) for turn in (0, 1)]


def _mirrored(row: tuple[Any, ...]) -> tuple[Any, ...]:
    function, car, point, signals, kmh = row
    winker = {RIGHT: LEFT, LEFT: RIGHT}
    return (
        function, replace(car, right_m=-car.right_m, turn_deg=-car.turn_deg), point,
        {signal: winker[value] for signal, value in signals.items()}, kmh,
    )  # fmt: skip


ROWS = [(0, *row) for row in (*CROSSINGS, *RIGHT_TURNS, *LEFT_TURNS)]
ROWS += [(1, *_mirrored(row)) for row in (*CROSSINGS, *RIGHT_TURNS, *LEFT_TURNS)]


@pytest.mark.parametrize(("side", "function", "car", "point", "signals", "kmh"), ROWS)
def test_conflict_and_marks_are_where_support_begins(
    side: int,
    function: str,
    car: Car,
    point: Callable[[Car, World], tuple[float, float]],
    signals: dict[int, int],
    kmh: float,
) -> None:
    world = World(car, heading_deg=233, kmh=kmh, signals=signals, traffic_side=side, surrounding=0)
    added_m = 5 + 2 if function == "left_turn" else 0
    v = car.kmh / 3.6
    begun: dict[str, tuple[float, float]] = {}
    for told in world.run(12000):
        one = _only(told)
        true = world.true(car)
        assert _close([one["ahead_m"], one["right_m"]], true)
        if one["level"] == "none":
            assert told["conflicts"] == []
            continue
        begun.setdefault(one["level"], true)
        (conflict,) = told["conflicts"]
        assert [conflict[name] for name in ("id", "source", "function", "level", "presented")] == [
            one[name] for name in ("id", "source", "function", "level", "presented")
        ]
        assert conflict["function"] == function
        where = point(car, world)
        assert _close(conflict["point"], where), (conflict, where)
        assert conflict["error_m"] == A_M + B_M
        assert conflict["l3_m"] == pytest.approx(4.1 * v + added_m, abs=0.06)
        assert conflict["l4_m"] == pytest.approx(3.6 * v + added_m, abs=0.06)
        angle = math.radians(car.turn_deg)
        slant = math.cos(angle) if function == "left_turn" else 1.0
        for mark, before in (("l3", 4.1 * v + added_m), ("l4", 3.6 * v + added_m)):
            back = (before + A_M + B_M) / slant
            assert _close(conflict[mark], (where[0] - back * math.cos(angle), where[1] - back * math.sin(angle)))
        if true[0] * math.cos(angle) + true[1] * math.sin(angle) > 0 and function == "left_turn":
            break
        # It is given where the marks say: at most a step and the rounding of the places beside them
        level = {"l3": "information", "l4": "caution"}
        for mark, name in level.items():
            if begun.get(name) == true and len(begun) == (1 if name == "information" else 2):
                moved = (v + world.kmh / 3.6) * 0.11
                assert math.dist(conflict[mark], true) <= moved + 2 * NEAR_M, (name, conflict[mark], true)
        straight = (where[0] - true[0]) * math.cos(angle) + (where[1] - true[1]) * math.sin(angle)
        assert one["distance_m"] == pytest.approx(straight * slant, abs=NEAR_M)
        assert one["ttc_s"] == pytest.approx(straight * slant / v, abs=0.1)
        if straight < -10:
            break
    assert list(begun) == ["information", "caution"]


def test_before_support_the_way_to_it_is_told() -> None:
    car = Car(10, -110, 90, 50)
    world = World(car, surrounding=0)
    one = _only(world.step())
    assert (one["level"], one["presented"], one["function"], one["reason"]) == ("none", False, "crossing", "before_l3")
    assert one["distance_m"] == pytest.approx(-world.true(car)[1], abs=NEAR_M)


@pytest.mark.parametrize(
    ("mode", "first_s", "second_s"), [(0, 4.1, 3.6), (1, 3.6, 3.6), (2, 4.5, 1.2)], ids=["both", "caution", "ended"]
)
def test_the_marks_follow_the_presentation_mode(mode: int, first_s: float, second_s: float) -> None:
    world = World(Car(10, -120, 90, 50), presentation_mode=mode)
    (conflict,) = next(told["conflicts"] for told in world.run(9000) if told["conflicts"])
    assert conflict["l3_m"] == pytest.approx(first_s * 50 / 3.6, abs=0.06)
    assert conflict["l4_m"] == pytest.approx(second_s * 50 / 3.6, abs=0.06)


def test_a_lost_target_goes_on_as_it_went_while_support_follows_it() -> None:
    followed, other = Car(10, -75, 90, 50, 1, until_ms=2000), Car(-300, 100, 0, 36, 2, until_ms=2000)
    world = World(followed, other)
    for told in world.run(3900):
        others = {one["id"]: one for one in told["others"]}
        one = others[1]
        assert _close([one["ahead_m"], one["right_m"]], world.true(followed))
        assert one["age_ms"] == (50 if world.t_ms <= 2050 else world.t_ms - 2000)
        if 2 in others:  # nobody follows it: a second, no more [D17]
            until = min(world.t_ms, 3000)
            assert _close([others[2]["ahead_m"], others[2]["right_m"]], world.true(other, until))
            if world.t_ms > 3000:
                assert (others[2]["function"], others[2]["reason"]) == (None, "packets_stopped")
    assert others[1]["reason"] == "target_lost"
    assert told["conflicts"][0]["level"] == "caution"


def test_surrounding_and_emergency_vehicles_have_no_conflict_point() -> None:
    near, blue = Car(40, -5, 180, 30, 1), Car(100, 20, 180, 50, 2)
    world = World(near, blue, kmh=30)
    world.step()
    world.t_ms = 100
    world._fix(30)
    world.hear(near)
    world.unit._judge = lambda _frame: "accepted"
    north, east = world.true(blue)[0] + world.ego(), world.true(blue)[1]
    payload = _frame(north, east, blue, 180, 1, emergency_attention=1) + b"PV" + bytes(76)
    world.unit.radio(RadioFrame(world.t_ms * MS, "192.0.2.2:47100", payload))
    world.t_ms = 150
    world.unit.tick(world.t_ms * MS)
    told = scene(world.unit)
    one, other = told["others"]
    assert (one["id"], one["function"], one["emergency"], one["presented"]) == (2, "emergency", True, True)
    assert (other["id"], other["function"], other["emergency"]) == (1, "surrounding", False)
    assert one["distance_m"] == pytest.approx(math.hypot(*world.true(blue)), abs=NEAR_M)
    assert other["distance_m"] == pytest.approx(math.hypot(*world.true(near)), abs=NEAR_M)
    assert (one["ttc_s"], one["level"], told["conflicts"]) == (None, "information", [])


def test_without_a_heading_north_is_up() -> None:
    world = World(kmh=1)
    world.heading_deg, world._angle = 0, 0.0
    car = Car(30, -40, 117, 36)
    world.cars = (car,)
    for told in world.run(1500):
        assert told["north_up"] is True
        assert told["ego"]["heading_deg"] is None
        one = _only(told)
        assert _close([one["ahead_m"], one["right_m"]], world.true(car), 1.2)  # ego is not moved on without a heading
        assert one["course_deg"] == 117
        assert told["conflicts"] == []


def test_without_own_position_it_says_so_and_where_vehicles_are_is_no_place() -> None:
    unit = World(kmh=10).unit
    told = scene(unit)
    assert told["ego"]["available"] is False
    assert told["ego"]["reason"] == "no_input"
    assert [told["ego"][name] for name in ("latitude_deg", "longitude_deg", "error_m", "speed_kmh")] == [None] * 4
    unit.radio(RadioFrame(0, "192.0.2.1:47100", frame(1)))
    told = scene(unit)
    assert (told["others"], told["more"]) == ([], 1)
    world = World(Car(10, -70, 90, 50))
    for told in world.run(1500):
        assert told["ego"]["available"]
    world.unit.tick(4000 * MS)  # the receiver has fallen silent
    told = scene(world.unit)
    assert (told["ego"]["available"], told["ego"]["reason"]) == (False, "timeout")
    assert told["ego"]["latitude_deg"] is None
    assert _only(told)["level"] == "caution"  # support goes on as of a lost target [D15]


def test_what_ego_does() -> None:
    for signals, words in [
        ({}, (None, None)),
        ({WINKER: LEFT, BRAKE: 5}, ("left", True)),
        ({WINKER: RIGHT, BRAKE: 4}, ("right", False)),
        ({WINKER: 4, BRAKE: 7}, ("off", True)),
        ({WINKER: 7, BRAKE: 0, HAZARD: 4}, (None, None)),
        ({WINKER: LEFT, HAZARD: 5}, ("hazard", None)),
    ]:
        ego = World(signals=signals).step()["ego"]
        assert (ego["winker"], ego["brake"], ego["stopped"]) == (*words, True), signals
    ego = World(signals={SPEED: 4321}, kmh=43.21, vehicle_length_dm=47).step()["ego"]
    assert (ego["speed_kmh"], ego["stopped"], ego["length_m"]) == (43.2, False, 4.7)


def test_the_most_relevant_come_first_and_the_rest_is_counted() -> None:
    crowd = [Car(-30 - 4 * number, 30 + 5 * number, 180, 20, 200 + number) for number in range(70)]
    world = World(*crowd, Car(10, -55, 90, 50, 1), Car(10, 62, -90, 50, 2))
    for told in world.run(1300):
        assert (len(told["others"]), told["more"]) == (OTHERS, 24)
    told = world.step()
    first = told["others"][:2]
    assert [(one["id"], one["level"], one["presented"]) for one in first] == [
        (1, "caution", True),
        (2, "caution", True),
    ]
    given = [(not one["presented"], -["none", "information", "caution"].index(one["level"])) for one in told["others"]]
    assert given == sorted(given)
    left_out = {car.vehicle_id for car in crowd} - {one["id"] for one in told["others"]}
    assert min(left_out) > 240  # they are the farthest
    blind = World(Car(40, 40, 180, 20, 5))
    blind.hear(blind.cars[0], position_availability=0)
    assert (scene(blind.unit)["others"], scene(blind.unit)["more"]) == ([], 1)
    far = World(Car(1500, 0, 180, 20, 5)).step()
    assert (far["others"], far["more"]) == ([], 1)


def test_the_first_conflicts_are_marked_and_no_more_than_can_be_told_apart() -> None:
    cars = [Car(4 + 2 * number, -60 - number, 90, 50, 1 + number) for number in range(12)]
    world = World(*cars)
    *_, told = world.run(1400)
    assert sum(one["level"] == "caution" for one in told["others"]) == len(cars)
    assert [one["id"] for one in told["conflicts"]] == [one["id"] for one in told["others"][:CONFLICTS]]
    assert sum(one["presented"] for one in told["conflicts"]) == sum(one["presented"] for one in told["others"]) == 2


def test_in_a_crowd_beyond_what_is_sorted_those_with_support_are_there() -> None:
    crowd = [Car(-30 - number, 300 + number, 0, 20, 200 + number) for number in range(250)]
    world = World(*crowd, Car(10, -70, 90, 50, 1), Car(40, 300, 0, 20, 2))
    told = world.step()
    assert told["others"][0]["id"] == 1
    assert told["more"] == 252 - OTHERS
    assert 2 in [one["id"] for one in told["others"]]


def test_a_slanting_way_beside_ego_is_marked_along_it() -> None:
    car = Car(-14, -6, 25, 40, kind=5)
    world = World(car, kmh=18, signals={WINKER: LEFT}, heading_deg=233)
    told = world.step()
    (conflict,) = told["conflicts"]
    where, angle = _beside(car, world), math.radians(25)
    assert _close(conflict["point"], where)
    back = (conflict["l4_m"] + A_M + B_M) / math.cos(angle)
    assert _close(conflict["l4"], (where[0] - back * math.cos(angle), where[1] - back * math.sin(angle)))
    assert _only(told)["distance_m"] == pytest.approx(-world.true(car)[0], abs=NEAR_M)


def test_a_vehicle_that_is_not_heard_is_said_not_to_be() -> None:
    world = World(Car(100, 60, 0, 20, 2, until_ms=1000))
    assert _only(world.step())["reason"] == "too_far"
    world.unit.vehicle(VehicleSignal(2010 * MS, BRAKE, 4, 0))  # before the cycle that forgets it
    one = _only(scene(world.unit))
    assert (one["function"], one["reason"], one["age_ms"]) == (None, "packets_stopped", 1010)


def test_a_support_that_gives_way_to_another_system_s_says_so() -> None:
    world = World(Car(10, -72, 90, 50))
    while world.t_ms < 1500:
        told = world.step()
        world.unit.external(ExternalSupport((world.t_ms + 1) * MS, "autonomous", "crossing", "caution", "left"))
    one = _only(told)
    assert (one["level"], one["presented"], one["reason"]) == ("caution", False, "superseded")
    assert told["conflicts"][0]["presented"] is False


def test_other_systems_words_have_no_place() -> None:
    world = World()
    world.unit.external(ExternalSupport(world.t_ms * MS, "roadside", "crossing", "caution", "left"))
    told = world.step()
    assert (told["others"], told["conflicts"], told["more"]) == ([], [], 0)


def _state(one: Any, seen: dict[int, str] | None = None) -> Any:
    """All that an object holds, as text that can be compared."""
    seen = {} if seen is None else seen
    if isinstance(one, (int, float, str, bytes, bytearray, type(None))):
        return repr(one)
    if id(one) in seen:
        return seen[id(one)]
    seen[id(one)] = f"#{len(seen)}"
    if isinstance(one, dict):
        return [(repr(key), _state(value, seen)) for key, value in one.items()]
    if isinstance(one, (list, tuple)) or type(one).__name__ in ("array", "deque"):
        return [_state(item, seen) for item in one]
    if hasattr(one, "__dict__"):
        return [type(one).__name__, _state(vars(one), seen)]
    return type(one).__name__


def test_looking_changes_nothing() -> None:
    row = {"heading_deg": 233, "kmh": 18.0, "signals": {WINKER: RIGHT}, "neighbours": 4, "supports": 8}
    cars = (Car(160, 3, 176, 50, 1), Car(-60, -2, 0, 30, 2, kind=5), Car(30, -200, 90, 60, 3, until_ms=3000))
    looked, unseen = World(*cars, **row), World(*cars, **row)  # type: ignore[arg-type]
    counted: Counter[str] = Counter()
    for number in range(70):
        for world in (looked, unseen):
            world.t_ms = 100 * number
            _step_unseen(world)
            world.t_ms += 20
            world.unit.vehicle(VehicleSignal(world.t_ms * MS, BRAKE, 4, 0))  # time goes on, and nobody is judged
        before = _state(looked.unit.core) if number % 4 == 0 else None
        told = scene(looked.unit)
        assert before is None or _state(looked.unit.core) == before
        counted[told["others"][0]["level"]] += 1
    assert looked.events == unseen.events
    assert min(counted["information"], counted["caution"]) > 2


def _step_unseen(world: World) -> None:
    world._fix(world.kmh)
    for signal, value in world.signals.items():
        world.unit.vehicle(VehicleSignal(world.t_ms * MS, signal, value, 0))
    for car in world.cars:
        if world.t_ms <= car.until_ms:
            world.hear(car)
    world.t_ms += 50
    world.unit.tick(world.t_ms * MS)


def test_numbers_are_short_and_plain_json() -> None:
    world = World(Car(0.01, -60.04, 90, 50, 1), Car(200, -0.01, 180, 50, 2), heading_deg=359, kmh=20)
    for told in world.run(4000):
        text = json.dumps(told, allow_nan=False)
        assert "-0.0," not in text
        for one in (*told["others"], *told["conflicts"]):
            for name, value in one.items():
                for number in value if isinstance(value, list) else [value]:
                    if isinstance(number, float):
                        assert number == round(number, 1), (name, number)
    assert params.NONE not in _numbers(told)
    near = World(*(Car(10 + 3 * number, (number % 9 - 4) / 9, 0, 0, number) for number in range(45)), heading_deg=61)
    rights = [json.dumps(one["right_m"]) for one in near.step()["others"]]
    assert "0.0" in rights
    assert "-0.0" not in rights


def _numbers(one: Any) -> list[float]:
    if isinstance(one, dict):
        return [number for value in one.values() for number in _numbers(value)]
    if isinstance(one, list):
        return [number for value in one for number in _numbers(value)]
    return [one] if isinstance(one, (int, float)) else []


def test_whatever_vehicles_send_there_is_a_scene() -> None:
    dice = random.Random(7)
    world = World(kmh=15, signals={WINKER: RIGHT}, neighbours=16, supports=8, left_turn_targets=1)
    reasons: Counter[str] = Counter()
    for _ in range(150):
        for number in range(6):
            car = Car(dice.uniform(-90, 150), dice.uniform(-60, 60), dice.randrange(360), dice.choice((0, 1, 50, 255)))
            codes = {
                "direction": dice.choice((0, 90, 180, 270, 359, 360, 0x180, 511)),
                "position_availability": dice.choice((0, 1, 2, 3, 3, 3)),
                "sensor_availability": dice.choice((0, 1, 3, 3, 3)),
                "vehicle_classification": dice.randrange(4096),
                "vehicle_length": dice.randrange(32),
                "horizontal_error_range": dice.choice((0, 1, 255)),
                "class_information": dice.randrange(16),
                "latitudinal_degree": dice.choice((35, 35, 35, 36, 255, -200)),
                "revision_counter": dice.randrange(16),
            }
            if dice.random() < 0.3:  # several frames of one vehicle, so that support has something to follow
                codes = {}
            world.hear(replace(car, vehicle_id=number), **codes)
        world.kmh = dice.choice((0, 3, 15, 15, 40))
        told = world.step()
        json.dumps(told, allow_nan=False)
        assert len(told["others"]) + told["more"] == world.unit.core.neighbours.count
        reasons.update(one["reason"] for one in told["others"])
    assert len(reasons) > 5
