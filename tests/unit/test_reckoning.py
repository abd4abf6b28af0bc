"""Own state between fixes, against drives whose truth is known: bends, reverse, noise, tunnels, frozen receivers."""

from itertools import pairwise

import pytest

from asvcore import codec, codes
from asvcore.params import NONE
from coretools import LATITUDE_CAS, NORTH_M, Drive
from truthtools import Course, driven

BEND = [(5, 60, 0), (8, 60, 10), (5, 60, 0)]  # 60 km/h, 10 degrees a second: 0.3 g


def errors(told, first_ms=2000):
    return [one.error_m for one in told if one.t_ms >= first_ms and one.available]


def test_a_straight_road_needs_no_yaw_rate():
    assert max(errors(driven(Course([(20, 60, 0)])))) < 0.5


def test_without_can_speed_the_fix_is_repeated_and_counted():
    told = driven(Course([(20, 60, 0)]), can=False)
    assert [one.revision for one in told[20:31]] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1]
    assert max(errors(told)) == pytest.approx(15, abs=1)  # 0.9 s at 60 km/h


def test_a_bend_with_and_without_yaw_rate():
    without, with_yaw = (sorted(errors(driven(Course(BEND), yaw=yaw))) for yaw in (False, True))
    assert with_yaw[-1] < 0.6
    assert 1.0 < without[-1] < 2.0
    assert sum(with_yaw) / len(with_yaw) < sum(without) / len(without) / 2


def test_the_told_error_covers_the_true_one():
    for yaw in (False, True):
        for one in driven(Course(BEND), yaw=yaw):
            if one.available and one.t_ms >= 2000:
                assert one.error_m <= one.sent_error_m


def test_a_yaw_sensors_drift_is_learned_at_rest():
    legs = [(6, 0, 0), *BEND]
    learned = errors(driven(Course(legs), yaw=True, drift=0.9), 8000)
    at_once = errors(driven(Course(BEND), yaw=True, drift=0.9))
    assert max(learned) < 0.6
    assert sum(learned) / len(learned) < sum(at_once) / len(at_once)


def test_a_turn_below_the_course_speed_turns_the_heading():
    legs = [(3, 20, 0), (1, 0, 0), (30, 2.5, 3)]  # 90 degrees in 30 s, where the receiver's course counts for nothing
    with_yaw = driven(Course(legs), fix_ms=1000, yaw=True)
    assert max(errors(with_yaw)) < 0.5
    drive = Drive()
    for t in range(0, 6000, 100):
        drive.fix(t, kmh=20 if t < 2000 else 2.5, course=0)
        drive.vehicle(t, codes.SIGNAL_SPEED, 2000 if t < 2000 else 250)
        drive.vehicle(t, codes.SIGNAL_YAW_RATE, 0 if t < 2000 else 1000)
        drive.tick(t)
    assert drive.core.ego.heading_cdeg == pytest.approx(3900, abs=20)


def test_a_yaw_rate_that_stops_coming_turns_nothing():
    drive = Drive()
    for t in range(0, 4000, 100):
        drive.fix(t, kmh=2.5 if t else 20, course=0)
        drive.vehicle(t, codes.SIGNAL_SPEED, 250 if t else 2000)
        if t <= 1000:
            drive.vehicle(t, codes.SIGNAL_YAW_RATE, 1000)
        drive.tick(t)
    assert drive.core.ego.heading_cdeg == pytest.approx(1500, abs=110)  # 1 s, and its timeout of 0.5 s
    assert drive.core.ego.yaw_rate_cdegs() == NONE


@pytest.mark.parametrize("signed", [False, True])
def test_reverse(signed):
    legs = [(6, 20, 0), (2, 0, 0), (8, -8, 4)]
    told = driven(Course(legs), yaw=True, signed=signed)
    assert max(errors(told)) < 0.6


def test_the_way_back_to_the_fix_is_smooth():
    course = Course([(5, 60, 0), (5, 60, 8), (5, 60, 0)])
    told = driven(course)
    step_m = 60 / 3.6 / 10
    leaps = [
        abs(((b.north_m - a.north_m) ** 2 + (b.east_m - a.east_m) ** 2) ** 0.5 - step_m) for a, b in pairwise(told[20:])
    ]
    assert max(leaps) < 0.6  # the fixes lie up to 1.2 m beside the reckoned place
    assert any(one.error_m > 0.3 and one.t_ms % 1000 == 200 for one in told[60:])  # on its way back, not there at once
    assert all(one.error_m < 0.6 for one in told[60:] if one.t_ms % 1000 == 500)


def test_a_far_leap_of_the_fix_is_followed_at_once():
    drive = Drive()
    for t in range(0, 3000, 100):
        if t % 1000 == 0:
            drive.fix(t, north_m=t / 1000 * 10 + (40 if t >= 2000 else 0), kmh=36, course=0)
        drive.vehicle(t, codes.SIGNAL_SPEED, 3600)
        drive.tick(t)
        if t == 2000:
            assert drive.core.ego.north_mm == 0


def test_noise_of_a_slow_receiver_is_not_made_worse():
    course = Course([(60, 40, 0)])
    noisy = errors(driven(course, noise_m=2.0))
    fixes = errors([one for one in driven(course, noise_m=2.0, can=False) if one.t_ms % 1000 == 0])
    assert sum(noisy) / len(noisy) < 1.1 * sum(fixes) / len(fixes)


def test_a_doubtful_position_is_withdrawn_and_says_why():
    # Fixes every 5 s: 15 s may pass by the clock, 15 m of doubt are reached before
    course = Course([(40, 90, 0)])
    told = driven(course, fix_ms=5000, no_fix=[(20_001, 40_000)])
    lost = [one for one in told if one.t_ms > 20_000]
    reasons = [one.reason for one in lost if not one.available]
    assert reasons[0] == "error_grown"
    assert reasons[-1] == "timeout"
    first = next(one for one in lost if not one.available)
    assert (first.t_ms - 20_000) / 1000 * 25 * 0.08 == pytest.approx(15, abs=0.3)
    assert all(one.error_m <= one.sent_error_m for one in told if one.available and one.t_ms > 2000)


def test_the_error_grows_by_squares():
    drive = Drive()
    drive.fix(0, kmh=72, course=0, error_dm=30)
    drive.vehicle(0, codes.SIGNAL_SPEED, 7200)
    drive.tick(0)
    assert drive.core.ego.error_dm() == 30
    drive.vehicle(400, codes.SIGNAL_SPEED, 7200)
    drive.tick(400)
    drive.vehicle(800, codes.SIGNAL_SPEED, 7200)
    drive.tick(1000)
    assert drive.core.ego.error_dm() == 34  # 20 m, 8 %: 1.6 m beside 3 m


def test_a_frozen_receiver_is_no_position():
    drive, seen = Drive(), []
    for t in range(0, 8000, 100):
        if t % 1000 == 0:
            at = min(t, 3000)  # the receiver repeats the place of the fourth second with fresh times
            drive.fix(t, north_m=at / 1000 * 10, kmh=36, course=0)
        drive.vehicle(t, codes.SIGNAL_SPEED, 3600)
        drive.tick(t)
        seen.append((t, drive.core.ego.position_reason()))
    frozen = [t for t, reason in seen if reason == codes.REASON_FROZEN]
    assert frozen[0] == 6000  # 30 m on
    drive.fix(8000, north_m=80, kmh=36, course=0)
    assert drive.core.ego.position_reason() == 0
    states = [record for record in drive.records if record["kind"] == "status" and record["reason"] == "frozen"]
    assert states[0]["state"] == codes.STATE_IMPLAUSIBLE


def test_a_position_told_again_does_not_pull_the_car_back():
    """A receiver of one solution a second that says each of them ten times; and one that hangs."""
    course = Course([(12, 60, 0)])
    drive, worst = Drive(), 0.0
    for t in range(0, course.end_ms, 20):
        north = course.at(t)[0]
        if t % 100 == 0:
            solution = min(t // 1000, 8) * 1000
            drive.fix(t, course.at(solution)[0], kmh=60, course=0)
        drive.vehicle(t, codes.SIGNAL_SPEED, 6000)
        drive.tick(t)
        ego = drive.core.ego
        if t >= 2000 and ego.position_reason() == 0:
            off_m = abs((ego.latitude_cas() - LATITUDE_CAS) * NORTH_M - north)
            worst = max(worst, off_m - ego.error_dm() / 10)
            assert off_m < 3
    assert worst < 1
    assert drive.core.ego.position_reason() == codes.REASON_FROZEN


def test_parking_to_and_fro_under_a_receiver_that_holds_is_not_frozen():
    drive = Drive()
    drive.fix(0, kmh=20, course=0)
    for t in range(100, 60_000, 100):
        drive.fix(t, kmh=0, course=None)
        drive.vehicle(t, codes.SIGNAL_SHIFT, 2 if t // 5000 % 2 else 1)
        drive.vehicle(t, codes.SIGNAL_SPEED, 300)
        drive.tick(t)
        assert drive.core.ego.position_reason() == 0


def test_short_moves_under_a_receiver_that_stays_where_it_is_add_up_to_nothing():
    """A bench: the car's speed is played, the receiver stands on its roof."""
    drive = Drive()
    drive.fix(0, kmh=20, course=0)
    for t in range(100, 120_000, 100):
        drive.fix(t, kmh=0, course=None)
        drive.vehicle(t, codes.SIGNAL_SPEED, 2000 if t % 2000 < 500 else 0)
        drive.tick(t)
        assert drive.core.ego.position_reason() == 0
        assert drive.core.ego.north_mm <= 3500


def test_a_frozen_receiver_stays_frozen_when_the_car_stops():
    drive = Drive()
    drive.fix(0, kmh=20, course=0)
    for t in range(100, 20_000, 100):
        drive.fix(t, kmh=0, course=None)
        drive.vehicle(t, codes.SIGNAL_SPEED, 4000 if t < 10_000 else 0)
        drive.tick(t)
        assert drive.core.ego.position_reason() == (codes.REASON_FROZEN if t >= 4600 else 0)  # 50 m on


def test_wheels_that_spin_do_not_take_the_position_away():
    drive = Drive()
    drive.fix(0, kmh=20, course=0)
    for t in range(100, 4000, 100):
        drive.fix(t, kmh=0, course=None)
        drive.vehicle(t, codes.SIGNAL_SPEED, 4000)
        drive.tick(t)
    assert drive.core.ego.position_reason() == 0


@pytest.mark.parametrize("yaw", [False, True])
def test_a_long_way_without_a_fix_ends_the_position_by_any_limit(yaw):
    course = Course([(60, 120, 0)])
    told = driven(course, fix_ms=5000, no_fix=[(20_001, 60_000)], yaw=yaw, reckoning_dm=190)
    for one in told:
        if one.t_ms > 20_000 and one.available:
            assert one.error_m <= one.sent_error_m
    assert not told[-1].available


def test_a_doubtful_position_does_not_come_back_when_the_speed_is_lost():
    drive = Drive(reckoning_dm=10)
    for t in range(0, 20_001, 5000):
        drive.fix(t, t / 3600 * 100, kmh=100, course=0)
    for t in range(20_100, 26_000, 100):
        if t < 22_000:
            drive.vehicle(t, codes.SIGNAL_SPEED, 10_000)
        drive.tick(t)
    assert drive.core.ego.position_reason() == codes.REASON_ERROR_GROWN


def test_an_error_that_outgrows_the_class_is_sent():
    drive = Drive(position_class=4)  # A: 5 m
    drive.fix(0, kmh=100, course=0, error_dm=NONE)
    for t in range(0, 1400, 100):
        drive.vehicle(t, codes.SIGNAL_SPEED, 10_000)
        drive.tick(t)
        sent = drive.core.transmitter.raw[codec.HORIZONTAL_ERROR_RANGE]
        assert sent == (0 if t < 1000 else 6)


def test_a_sign_that_the_car_tells_comes_before_its_lever():
    drive = Drive()
    drive.fix(0, kmh=20, course=0)
    for t, speed in ((0, 2000), (100, -100), (200, 600)):
        drive.vehicle(t, codes.SIGNAL_SPEED, speed)
        drive.vehicle(t, codes.SIGNAL_SHIFT, 2)
        assert drive.core.ego.reversing() == (t < 200)


def test_reversing_after_a_rest_is_the_other_way():
    drive = Drive()
    drive.fix(0, kmh=20, course=0)
    drive.vehicle(0, codes.SIGNAL_SPEED, 2000)
    drive.fix(1000, kmh=0, course=8)
    drive.vehicle(1000, codes.SIGNAL_SPEED, 0)
    drive.vehicle(1400, codes.SIGNAL_SHIFT, 2)
    drive.vehicle(1400, codes.SIGNAL_SPEED, 800)
    assert drive.core.ego.direction_cdeg() == 18_000
    drive.fix(1600, north_m=-0.4, kmh=8, course=175)
    assert drive.core.ego.direction_cdeg() == 17_500


def test_a_receiver_that_says_void_and_then_nothing_is_silent():
    drive = Drive()
    drive.fix(0)
    drive.fix(1000, status=codes.REASON_VOID)
    drive.tick(2000)
    assert drive.core.ego.position_reason() == codes.REASON_VOID
    drive.tick(4100)  # three periods
    assert drive.core.ego.position_reason() == codes.REASON_TIMEOUT


def test_a_stall_goes_on_no_longer_than_its_values_are_fresh():
    drive = Drive()
    drive.fix(0, kmh=36, course=0)
    drive.vehicle(0, codes.SIGNAL_SPEED, 3600)
    drive.vehicle(0, codes.SIGNAL_YAW_RATE, 2000)
    drive.tick(4000)
    assert drive.core.ego.heading_cdeg == 1000  # half a second of 20 degrees/s
    assert drive.core.ego.north_mm == pytest.approx(5000, abs=50)


def test_the_way_does_not_depend_on_the_number_of_steps():
    places = set()
    for step_ms in (1, 5, 20, 100):
        drive = Drive()
        drive.fix(0, kmh=5, course=60.7)
        for t in range(0, 1001, step_ms):
            drive.vehicle(t, codes.SIGNAL_SPEED, 500)
        places.add((drive.core.ego.north_mm, drive.core.ego.east_mm))
    north, east = zip(*places, strict=True)
    assert max(north) - min(north) <= 1
    assert max(east) - min(east) <= 1


def test_a_standing_car_may_tell_one_position_for_ever():
    drive = Drive()
    for t in range(0, 60_000, 100):
        drive.fix(t, kmh=0)
        drive.vehicle(t, codes.SIGNAL_SPEED, 0)
        drive.tick(t)
    assert drive.core.ego.position_reason() == 0


@pytest.mark.parametrize("heading", [0, 90, 225])
def test_the_antennas_place(heading):
    course = Course([(12, 40, 0)], heading_deg=heading)
    told = driven(course, antenna=(1.5, -0.7), antenna_ahead_dm=15, antenna_right_dm=-7)
    assert max(errors(told)) < 0.5
    assert min(errors(driven(course, antenna=(1.5, -0.7)))) > 1.2


@pytest.mark.parametrize("yaw", [False, True])
def test_a_receivers_delay_is_made_up_for(yaw):
    course = Course([(10, 60, 0), (6, 60, 8), (6, 60, 0)] if yaw else [(20, 60, 0)])
    told = driven(course, yaw=yaw, delay_ms=200, sampling_delay_ms=200)
    assert max(errors(told)) < 0.6
    assert min(errors(driven(course, yaw=yaw, delay_ms=200))) > 2


def test_the_date_line_is_crossed():
    drive = Drive()
    core, t = drive.core, 0
    for longitude_cas in (64_799_990, -64_799_990):
        core.on_fix(35 * 360000, longitude_cas, 3600, 9000, 20, NONE, NONE, t, 0, t, 1)
        core.on_vehicle(codes.SIGNAL_SPEED, 3600, 0, 0, t, 1)
        drive.tick(t)
        t += 500
    assert core.ego.longitude_cas() == pytest.approx(-64_799_990, abs=2)
    assert core.ego.east_mm == 0 or abs(core.ego.east_mm) < 1500
