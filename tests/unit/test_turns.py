"""Right turn, left turn, surrounding and emergency vehicles in the core: numbers worked by hand [D11-D16]."""

import math

import pytest

from asvcore import codes
from asvcore.elements import WINKER_LEFT, WINKER_OFF, WINKER_RIGHT
from asvcore.neighbour import support_of, vehicle_id_of
from asvcore.params import NONE
from coretools import Drive, frame

RIGHT, LEFT = codes.FUNCTION_RIGHT_TURN, codes.FUNCTION_LEFT_TURN
SURROUNDING, EMERGENCY = codes.FUNCTION_SURROUNDING, codes.FUNCTION_EMERGENCY
MOTORCYCLE, CAR = 5, 4


class Road:
    """Ego drives north along east = 0 at a steady speed; others are functions of time that tell a frame."""

    def __init__(self, kmh=0.0, winker=WINKER_RIGHT, **settings):
        self.drive = Drive(**settings)
        self.kmh, self.winker, self.course = kmh, winker, 0.0
        self.north_m = self.east_m = 0.0
        self.t = 0
        self.others = []
        if not kmh:
            self.drive.fix(0, kmh=10)  # so that its heading is known

    def go(self, until, step=100):
        while self.t < until:
            self.t += step
            way_m = self.kmh / 3.6 * step / 1000
            self.north_m += way_m * math.cos(math.radians(self.course))
            self.east_m += way_m * math.sin(math.radians(self.course))
            self.drive.ticks_due(self.t)
            self.drive.fix(self.t, self.north_m, self.east_m, self.kmh, self.course)
            if self.winker is not None:
                self.drive.vehicle(self.t, codes.SIGNAL_WINKER, self.winker)
            for number, other in enumerate(self.others):
                payload = other(self.t)
                if payload is not None:
                    self.drive.message(self.t, payload, number + 1, flag=getattr(other, "flag", False))
            self.drive.tick(self.t)
        return self

    def given(self, function):
        return [(r["level"], r["presented"], r["reason"]) for r in self.drive.supports(function)]

    def why(self, function):
        return self.drive.untold(function)


def straight(vehicle_id, at_m, kmh, direction, kind=CAR, until=10**9, **more):
    """A vehicle that is at `at_m` (north, east) at 0 and goes straight on."""

    def tell(t):
        if t >= until:
            return None
        way_m = kmh / 3.6 * t / 1000
        north_m = at_m[0] + way_m * math.cos(math.radians(direction))
        east_m = at_m[1] + way_m * math.sin(math.radians(direction))
        return frame(vehicle_id, t // 100, north_m, east_m, kmh, direction, vehicle_classification=kind, **more)

    return tell


def first(road, function, level):
    return next(r for r in road.drive.supports(function) if r["level"] == level)


# Right turn


def test_right_turn_begins_at_l3_and_rises_at_l4():
    road = Road()
    road.others.append(straight(7, (150, 4), 50, 180))
    road.go(9000)
    # 50 km/h: L3 56.94 m, L4 50 m; a + b = 4 m; ego stands, so its turning point is where it stands
    information, caution = first(road, RIGHT, 1), first(road, RIGHT, 2)
    assert information["distance_dm"] == pytest.approx(609, abs=6)
    assert caution["distance_dm"] == pytest.approx(540, abs=6)
    assert (information["error_dm"], information["threshold_dm"], caution["threshold_dm"]) == (40, 569, 500)
    assert information["t"] == pytest.approx((150 - 60.94) / 50 * 3600, abs=30)


def test_right_turn_runs_to_the_place_where_ego_begins_to_turn():
    road = Road(kmh=27)  # 7.5 m/s: 14.06 m of braking way at 2 m/s2
    road.others.append(straight(7, (300, 4), 50, 180))
    road.go(11000)
    information = first(road, RIGHT, 1)
    seconds = information["t"] / 1000
    true_m = 300 - 50 / 3.6 * seconds - (7.5 * seconds + 14.06)
    assert information["distance_dm"] == pytest.approx(true_m * 10, abs=8)
    assert information["distance_dm"] - 40 <= 570


@pytest.mark.parametrize(
    ("settings", "winker", "reasons"),
    [
        ({}, WINKER_LEFT, []),
        ({}, WINKER_OFF, []),
        ({}, None, []),
        ({"traffic_side": codes.SIDE_RIGHT}, WINKER_RIGHT, []),
        ({"right_turn": 0}, WINKER_RIGHT, []),
    ],
)
def test_right_turn_only_with_its_winker(settings, winker, reasons):
    road = Road(winker=winker, **settings)
    road.others.append(straight(7, (150, 4), 50, 180))
    road.go(9000)
    assert road.given(RIGHT) == []
    assert road.why(RIGHT) == reasons


def test_the_turn_across_oncoming_traffic_goes_left_where_traffic_keeps_right():
    road = Road(winker=WINKER_LEFT, traffic_side=codes.SIDE_RIGHT)
    road.others.append(straight(7, (150, -4), 50, 180))
    road.go(9000)
    assert [level for level, _presented, _reason in road.given(RIGHT)][:2] == [1, 2]


def test_an_unknown_winker_is_told_of_the_function():
    road = Road(winker=None)
    road.go(300)
    told = [r["reason"] for r in road.drive.of("support") if r["function"] == RIGHT]
    assert told == ["winker_unknown"]


@pytest.mark.parametrize(
    ("at_m", "kmh", "direction", "reason"),
    [
        ((150, 26), 50, 180, "lateral"),  # beside by 26 m: 20 m + 4 m are allowed
        ((150, 4), 4, 180, "target_slow"),
        ((150, 4), 50, 130, "angle"),
        ((-150, 4), 50, 0, "angle"),
        ((-30, 4), 50, 180, "target_passed"),
    ],
)
def test_right_turn_leaves_out_with_a_reason(at_m, kmh, direction, reason):
    road = Road(crossing=0)
    road.others.append(straight(7, at_m, kmh, direction))
    road.go(2000)
    assert road.given(RIGHT) == []
    assert road.why(RIGHT) == [reason]


def test_right_turn_lateral_limit_widens_by_the_errors():
    road = Road(crossing=0)
    road.others.append(straight(7, (150, 23), 50, 180))
    road.go(9000)
    assert road.given(RIGHT)[0] == (1, 1, "l3_reached")


def test_right_turn_ends_at_once_with_the_winker():
    road = Road()
    road.others.append(straight(7, (150, 4), 50, 180))
    road.go(8000)
    road.winker = WINKER_OFF
    road.go(8200)
    assert road.given(RIGHT)[-1] == (0, 0, "winker_off")
    assert road.drive.supports(RIGHT)[-1]["t"] == 8100


def test_right_turn_ends_when_ego_has_begun_to_turn():
    road = Road(kmh=18)
    road.others.append(straight(7, (170, 4), 50, 180))
    road.go(6500)
    assert road.given(RIGHT)[-1][0] == 2
    for course in (10, 20, 29):
        road.course = course
        road.go(road.t + 100)
    assert road.given(RIGHT)[-1][0] == 2  # 29 degrees are none yet
    road.course = 31
    road.go(road.t + 100)
    assert road.given(RIGHT)[-1] == (0, 0, "turn_begun")


def test_a_heading_away_from_the_turn_begins_none():
    road = Road(kmh=18)
    road.others.append(straight(7, (170, 4), 50, 180))
    road.go(6500)
    road.course = 325
    road.go(road.t + 300)
    assert road.given(RIGHT)[-1][2] != "turn_begun"


def test_right_turn_ends_above_30_kmh():
    road = Road(kmh=29)
    road.others.append(straight(7, (200, 4), 50, 180))
    road.go(6500)
    assert road.given(RIGHT)[-1][0] >= 1
    road.kmh = 31
    road.go(road.t + 100)
    assert road.given(RIGHT)[-1] == (0, 0, "ego_too_fast")


def test_a_winker_that_falls_silent_is_held_before_support_ends():
    road = Road()
    road.others.append(straight(7, (150, 4), 30, 180))
    road.go(14500)
    assert road.given(RIGHT)[-1][0] == 2
    road.winker = None  # no frame of it any more: stale after 0.5 s
    silent_from = road.t
    road.go(silent_from + 5000)
    held, ended = road.drive.supports(RIGHT)[-2:]
    assert (held["level"], held["reason"]) == (1, "winker_unknown")
    assert held["t"] == pytest.approx(silent_from + 1000, abs=150)
    assert (ended["level"], ended["reason"]) == (0, "hold_over")
    assert ended["t"] - held["t"] == pytest.approx(3000, abs=100)


def test_right_turn_goes_on_when_the_packets_stop():
    road = Road()
    road.others.append(straight(7, (150, 4), 50, 180, until=8000))
    road.go(16000)
    steps = road.given(RIGHT)
    assert [reason for _level, _presented, reason in steps] == [
        "l3_reached", "l4_reached", "target_lost", "target_passed", "hold_over",
    ]  # fmt: skip
    # It would have passed 4 m behind the turning point after 154 m at 50 km/h
    assert road.drive.supports(RIGHT)[3]["t"] == pytest.approx(154 / 50 * 3600, abs=60)


# Left turn


def test_left_turn_adds_both_lengths():
    road = Road(kmh=10, winker=WINKER_LEFT, vehicle_length_dm=120)
    road.others.append(straight(7, (-100, -1.5), 40, 0, MOTORCYCLE, vehicle_length=1))
    road.go(12000)
    # 40 km/h: 45.56 m and 40 m; lengths 12 m and 2 m; error 4 m
    information, caution = first(road, LEFT, 1), first(road, LEFT, 2)
    assert (information["threshold_dm"], caution["threshold_dm"]) == (456 + 140, 400 + 140)
    assert information["distance_dm"] == pytest.approx(456 + 140 + 40, abs=10)
    assert caution["distance_dm"] == pytest.approx(400 + 140 + 40, abs=10)
    assert next(r["direction"] for r in road.drive.of("hmi") if r["function"] == LEFT) == codes.DIRECTION_LEFT


def test_left_turn_lengths_by_kind_where_unknown():
    road = Road(kmh=10, winker=WINKER_LEFT)
    road.others.append(straight(7, (-100, -1.5), 40, 0, MOTORCYCLE))
    road.go(12000)
    assert first(road, LEFT, 1)["threshold_dm"] == 456 + 50 + 20


@pytest.mark.parametrize(
    ("at_m", "kmh", "direction", "kind", "reason"),
    [
        ((-60, -1.5), 40, 0, CAR, "not_two_wheeler"),
        ((-60, -7.6), 40, 0, MOTORCYCLE, "lateral"),  # 3 m + 4 m to the left
        ((-60, 4.6), 40, 0, MOTORCYCLE, "lateral"),  # 4 m to the right
        ((-60, -1.5), 40, 31, MOTORCYCLE, "angle"),
        ((-60, -1.5), 0, 0, MOTORCYCLE, "target_slow"),
        ((40, -1.5), 40, 0, MOTORCYCLE, "target_passed"),
    ],
)
def test_left_turn_leaves_out_with_a_reason(at_m, kmh, direction, kind, reason):
    road = Road(kmh=10, winker=WINKER_LEFT)
    road.others.append(straight(7, at_m, kmh, direction, kind))
    road.go(500)
    assert road.given(LEFT) == []
    assert road.why(LEFT)[0] == reason


def test_left_turn_all_vehicles_by_setting():
    road = Road(kmh=10, winker=WINKER_LEFT, left_turn_targets=codes.TARGETS_ALL)
    road.others.append(straight(7, (-100, -1.5), 40, 0, CAR))
    road.go(12000)
    assert first(road, LEFT, 1)["threshold_dm"] == 456 + 100


def test_left_turn_mirrored():
    road = Road(kmh=10, winker=WINKER_RIGHT, traffic_side=codes.SIDE_RIGHT)
    road.others.append(straight(7, (-60, 6.5), 40, 0, MOTORCYCLE))
    road.go(4000)
    assert road.given(LEFT)[0][0] >= 1
    assert next(r["direction"] for r in road.drive.of("hmi") if r["function"] == LEFT) == codes.DIRECTION_RIGHT


def test_a_car_at_the_kerb_gets_none():
    road = Road(winker=WINKER_LEFT, crossing=0)
    road.others.append(straight(7, (-80, -1.5), 40, 0, MOTORCYCLE))
    road.go(8000)
    assert road.given(LEFT) == []


def test_a_motorcycle_that_falls_back_is_held_then_left():
    road = Road(kmh=25, winker=WINKER_LEFT)
    road.others.append(straight(7, (-10, -1.5), 10, 0, MOTORCYCLE))  # 4.2 m/s slower every second
    road.go(16000)
    steps = road.given(LEFT)
    assert steps[0][0] == 2
    assert steps[-2][:1] + steps[-2][2:] == (1, "target_fell_back")
    assert steps[-1] == (0, 0, "hold_over")


def test_ego_that_stops_in_its_turn_is_held():
    road = Road(kmh=10, winker=WINKER_LEFT)
    road.others.append(straight(7, (-40, -1.5), 20, 0, MOTORCYCLE))
    road.go(4000)
    assert road.given(LEFT)[-1][0] >= 1
    road.kmh = 0
    road.go(5500)
    assert road.given(LEFT)[-1][::2] == (1, "ego_standing")


# Surrounding


def test_surrounding_from_100_m_while_it_comes_nearer():
    road = Road(winker=None, crossing=0)
    road.others.append(straight(7, (0, 150), 36, 270))  # 10 m/s towards ego, from the right
    road.go(6000)
    begun = road.drive.supports(SURROUNDING)[0]
    assert (begun["level"], begun["presented"], begun["reason"]) == (1, 1, "in_range")
    assert begun["t"] == pytest.approx(5000, abs=100)
    assert begun["distance_dm"] == pytest.approx(1000, abs=11)
    shown = road.drive.of("hmi")[-1]
    assert (shown["function"], shown["sound"], shown["colour"]) == (SURROUNDING, 0, codes.COLOUR_BLUE)
    assert shown["direction"] == codes.DIRECTION_RIGHT
    assert shown["text"] == codes.TEXT_SURROUNDING


def test_surrounding_recedes_and_ends_without_a_hold():
    road = Road(winker=None, crossing=0)
    road.others.append(straight(7, (0, 10), 36, 90))
    road.go(6000)
    steps = road.given(SURROUNDING)
    assert steps == [(1, 1, "in_range"), (0, 0, "receding")]
    # Beyond 35 m after 2.5 s, and 1 s more
    assert road.drive.supports(SURROUNDING)[-1]["t"] == pytest.approx(3500, abs=150)


def test_surrounding_ends_one_second_after_the_last_packet():
    road = Road(winker=None, crossing=0)
    road.others.append(straight(7, (0, 90), 36, 270, until=3000))
    road.go(6000)
    assert road.given(SURROUNDING)[-1] == (0, 0, "packets_stopped")
    assert road.drive.supports(SURROUNDING)[-1]["t"] == pytest.approx(2900 + 1000, abs=150)


def test_surrounding_follows_the_eight_nearest():
    road = Road(winker=None, crossing=0)
    for number in range(12):
        road.others.append(straight(100 + number, (20 + 6 * number, 5), 10, 180))
    road.go(2000)
    followed = {vehicle_id_of(one) for one in road.drive.core.neighbours.used[:12] if support_of(one, SURROUNDING) >= 0}
    assert followed == {100, 101, 102, 103, 104, 105, 106, 107}
    shown = [r["vehicle_id"] for r in road.drive.supports(SURROUNDING) if r["presented"]]
    assert set(shown) <= {100, 101}


def test_surrounding_yields_to_a_turn():
    road = Road(parallel=1, crossing=0)
    road.others.append(straight(7, (170, 4), 50, 180))
    road.others.append(straight(8, (0, 15), 10, 270))
    road.go(9000)
    told = [(r["t"], r["presented"]) for r in road.drive.supports(SURROUNDING) if r["vehicle_id"] == 8]
    turn_t = first(road, RIGHT, 1)["t"]
    assert first(road, RIGHT, 1)["presented"] == 1
    assert (turn_t, 0) in told


def test_one_target_is_told_by_one_function():
    road = Road()
    road.others.append(straight(7, (150, 4), 50, 180))
    road.go(9000)
    superseded = [r for r in road.drive.supports(SURROUNDING) if r["reason"] == "superseded"]
    assert superseded
    assert not any(r["presented"] for r in superseded)


# Emergency


def flagged(tell):
    tell.flag = True
    return tell


def test_emergency_from_300_m_whatever_its_course():
    road = Road(winker=None)
    road.others.append(flagged(straight(9, (-400, 10), 72, 0, emergency_attention=1)))  # 20 m/s from behind
    road.go(7000)
    begun = road.drive.supports(EMERGENCY)[0]
    assert begun["t"] == pytest.approx(5000, abs=110)
    assert begun["threshold_dm"] == 3000
    assert road.drive.of("hmi")[-1]["text"] == codes.TEXT_EMERGENCY
    assert road.given(SURROUNDING) == []


def test_emergency_needs_the_radios_flag():
    road = Road(winker=None)
    road.others.append(straight(9, (-200, 10), 72, 0, emergency_attention=1))
    road.go(2000)
    assert road.given(EMERGENCY) == []
    assert {r["reason"] for r in road.drive.of("drop")} == {"emergency_unverified"}


def test_the_core_explains_without_giving():
    road = Road(right_turn=1)
    road.others.append(straight(7, (150, 4), 50, 180))
    road.go(3000)
    core = road.drive.core
    neighbour = core.neighbours.used[0]
    from asvcore.candidate import Candidate

    candidate = Candidate()
    before = len(road.drive.records)
    core.explain(neighbour, RIGHT, candidate)
    assert (candidate.reason, candidate.level_reason) == (0, codes.REASON_BEFORE_L3)
    assert candidate.distance_dm == pytest.approx(1500 - 417, abs=8)
    core.explain(neighbour, LEFT, candidate)
    assert candidate.reason == codes.REASON_WINKER_OFF
    assert candidate.distance_dm == NONE
    road.drive.drain()
    assert len(road.drive.records) == before


# No flicker


def test_speed_around_the_limit_does_not_flicker():
    road = Road(kmh=29)
    road.others.append(straight(7, (200, 4), 50, 180))
    road.go(6500)
    assert road.given(RIGHT)[-1][0] >= 1
    for kmh in (30.5, 29.5, 30.5, 29.5, 30.5, 29.0):
        road.kmh = kmh
        road.go(road.t + 100)
    assert [reason for _level, _presented, reason in road.given(RIGHT)].count("ego_too_fast") == 1
    road.kmh = 27.5
    road.go(road.t + 100)
    assert road.given(RIGHT)[-1][0] == 2


def test_one_course_of_a_creeping_ego_is_no_turn():
    road = Road(kmh=3.6)
    road.others.append(straight(7, (160, 4), 50, 180))
    road.go(9500)
    assert road.given(RIGHT)[-1][0] == 2
    road.course = 40
    road.go(9600)
    road.course = 0
    road.go(9900)
    assert [reason for _level, _presented, reason in road.given(RIGHT)] == ["l3_reached", "l4_reached"]


def test_a_bend_before_the_stop_is_no_turn():
    road = Road(kmh=20)
    road.go(500)
    road.course = 40
    road.go(2000)
    for kmh in (10, 5, 0):
        road.kmh = kmh
        road.go(road.t + 300)
    at_m = (road.north_m, road.east_m)
    way = 150 + 50 / 3.6 * road.t / 1000
    angle = math.radians(40)
    road.others.append(straight(7, (at_m[0] + way * math.cos(angle), at_m[1] + way * math.sin(angle) + 4), 50, 220))
    road.go(road.t + 9000)
    assert [level for level, _presented, _reason in road.given(RIGHT)][:2] == [1, 2]


def test_a_car_that_follows_at_egos_speed_does_not_flicker():
    road = Road(kmh=50, winker=None, crossing=0)
    other = [straight(7, (-40, 0), 50, 0)]

    def behind(t):
        payload = straight(7, (-40, 0), 50, 0)(t)
        kmh = 50 + (t // 300) % 2  # the wire's step
        return frame(7, t // 100, -40 + 50 / 3.6 * t / 1000, 0, kmh, 0) if payload else None

    assert other
    road.others.append(behind)
    road.go(10000)
    assert road.given(SURROUNDING) == [(1, 1, "in_range")]


def test_an_emergency_vehicle_is_told_while_its_passing_is_held():
    road = Road(winker=None)
    road.others.append(flagged(straight(9, (10, -150), 72, 90, emergency_attention=1)))
    road.go(9500)
    held = next(r["t"] for r in road.drive.supports() if r["reason"] == "target_passed")
    told = [r for r in road.drive.supports(EMERGENCY) if r["t"] >= held]
    assert (told[0]["t"], told[0]["presented"]) == (held, 1)


def test_half_the_trailers_lost_is_still_one_support():
    road = Road(winker=None)
    tell = straight(9, (-100, 10), 20, 0, emergency_attention=1)
    road.go(300)
    for t in range(400, 6000, 100):
        road.drive.fix(t)
        road.drive.message(t, tell(t), 1, flag=t % 200 == 0)
        road.drive.tick(t)
    assert road.given(EMERGENCY) == [(1, 1, "in_range")]
    assert len(road.drive.supports(SURROUNDING)) <= 2


def test_of_two_that_are_alike_the_first_is_presented():
    """Two oncoming cars side by side wait for the one place: neither is more dangerous, one was told of before."""
    for first, second in ((7, 8), (8, 7)):
        road = Road(parallel=1, crossing=0, surrounding=0)
        road.others.append(straight(6, (135, 4), 50, 180))
        for number in (7, 8):
            tell = straight(number, (150, 4), 50, 180)
            road.others.append(tell if number == first else lambda t, tell=tell: tell(t) if t > 7700 else None)
        road.go(10400)
        begun = [r["vehicle_id"] for r in road.drive.supports(RIGHT) if r["reason"].endswith(("l3_reached", "late_l3"))]
        assert begun[:2] == [6, first]
        presented = [r["vehicle_id"] for r in road.drive.supports(RIGHT) if r["presented"]]
        assert presented[0] == 6
        assert {second} & set(presented) == set()
        assert first in presented
