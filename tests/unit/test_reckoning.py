"""Own state between fixes, against drives whose truth is known: bends, reverse, noise, tunnels, frozen receivers."""

from itertools import pairwise

import pytest

from asvcore import codes
from asvcore.params import NONE
from coretools import Drive
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
    learned = errors(driven(Course(legs), yaw=True, drift=1.5), 8000)
    at_once = errors(driven(Course(BEND), yaw=True, drift=1.5))
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
    assert frozen[0] == 5000  # 20 m on
    drive.fix(8000, north_m=80, kmh=36, course=0)
    assert drive.core.ego.position_reason() == 0
    states = [record for record in drive.records if record["kind"] == "status" and record["reason"] == "frozen"]
    assert states[0]["state"] == codes.STATE_IMPLAUSIBLE


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
