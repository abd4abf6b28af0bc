"""Crossing support from begin to end [D11-D16], on a core driven by hand."""

import pytest

from asvcore import codes
from asvcore.neighbour import reason_of
from coretools import Drive, Target, encounter, frame

ERROR_M = 4  # ego 2 m, target 2 m


def steps(drive, vehicle_id=100):
    return [
        (r["t"], r["level"], r["presented"], r["reason"]) for r in drive.supports() if r["vehicle_id"] == vehicle_id
    ]


@pytest.mark.parametrize("kmh", [30, 50, 70, 100])
@pytest.mark.parametrize("direction", [90, 270, 60, 140])
def test_information_caution_and_hold_come_in_time(kmh, direction):
    drive, target = Drive(), Target(15000, kmh, direction)
    drive.stand()
    encounter(drive, [target], 1100, 22000)
    (t3, *informed), (t4, *cautioned), (tp, *passed), (te, *ended) = steps(drive)
    assert informed == [1, 1, "l3_reached"]
    assert cautioned == [2, 1, "l4_reached"]
    assert passed == [1, 1, "target_passed"]
    assert ended == [0, 0, "hold_over"]
    # Not before the band of [D13], not 0.15 s after its end
    assert target.due_ms(5.1, ERROR_M) <= t3 <= target.due_ms(4.1, ERROR_M) + 150
    assert target.due_ms(4.1, ERROR_M) <= t4 <= target.due_ms(3.6, ERROR_M) + 150
    assert abs(tp - target.due_ms(0, -ERROR_M)) <= 150
    assert te == tp + 3000


def test_condition_holds_on_begin_and_numbers_are_the_formulas():
    drive, target = Drive(), Target(15000, 70)
    drive.stand()
    encounter(drive, [target], 1100, 13000)
    for record, seconds in zip(drive.supports(), (4.1, 3.6), strict=True):
        assert record["threshold_dm"] == pytest.approx(700 / 3.6 * seconds, abs=1)
        assert record["distance_dm"] - record["error_dm"] <= record["threshold_dm"]
        assert record["error_dm"] == ERROR_M * 10
        assert record["distance_dm"] == pytest.approx(target.distance_m(record["t"]) * 10, abs=8)
        assert record["ttc_ms"] == pytest.approx(target.at_ms - record["t"], abs=50)


def test_side_and_sound_reach_the_driver():
    drive = Drive(surrounding=0)
    drive.stand()
    encounter(drive, [Target(15000, 50, 90)], 1100, 22000)
    left = [(r["level"], r["direction"], r["colour"], r["sound"]) for r in drive.of("hmi")]
    assert left == [(1, 1, 1, 0), (2, 1, 2, 1), (1, 1, 1, 0), (0, 0, 0, 0)]
    texts = [r["text"] for r in drive.of("hmi")]
    assert texts == [
        codes.TEXT_CROSSING_INFORMATION_LEFT,
        codes.TEXT_CROSSING_CAUTION_LEFT,
        codes.TEXT_KEEP_WATCHING,
        codes.TEXT_NONE,
    ]
    drive = Drive(surrounding=0)
    drive.stand()
    encounter(drive, [Target(15000, 50, 270)], 1100, 12000)
    assert [r["direction"] for r in drive.of("hmi")] == [2, 2]


def test_two_sides_are_shown_as_both():
    drive = Drive()
    drive.stand()
    encounter(drive, [Target(15000, 50, 90), Target(15000, 50, 270, vehicle_id=101, source=2)], 1100, 12000)
    assert drive.of("hmi")[-1]["direction"] == 3
    assert drive.of("hmi")[-1]["text"] == codes.TEXT_CROSSING_CAUTION_BOTH


def test_late_target_begins_at_once():
    drive, target = Drive(), Target(15000)
    drive.stand()
    encounter(drive, [target], 1100, 13500, heard=lambda _target, t: t >= 13000)
    assert steps(drive) == [(13000, 2, 1, "late_l4")]
    drive, target = Drive(), Target(15000)
    drive.stand()
    first = round(target.due_ms(3.85, ERROR_M), -2)
    encounter(drive, [target], 1100, 12000, heard=lambda _target, t: t >= first)
    assert steps(drive)[0] == (first, 1, 1, "late_l3")


def test_ego_that_stops_late_is_told_once_it_stands():
    drive, target = Drive(), Target(8000)
    drive.fix(0, kmh=20)
    drive.tick(0)

    def ego(driven, t):
        driven.fix(t, kmh=20 if t < 5000 else 0)

    encounter(drive, [target], 100, 7000, ego=ego)
    assert steps(drive)[0] == (5300, 2, 1, "late_l4")


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        (Target(15000, 4), codes.REASON_TARGET_SLOW),
        (Target(15000, 50, 20), codes.REASON_ANGLE),
        (Target(15000, 50, 160), codes.REASON_ANGLE),
        (Target(15000, 50, 90, ahead_m=40), codes.REASON_NOT_AHEAD),
        (Target(15000, 50, 90, ahead_m=-10), codes.REASON_NOT_AHEAD),
    ],
)
def test_what_is_no_crossing_gets_no_support_and_a_reason(target, reason):
    drive = Drive()
    drive.stand()
    encounter(drive, [target], 1100, 14000)
    assert drive.supports() == []
    key = (target.source << 14) | target.vehicle_id
    assert reason_of(drive.core.neighbours.get(key), 1) == reason


def test_crossing_point_range_widens_by_the_errors():
    drive = Drive()
    drive.stand()
    encounter(drive, [Target(15000, 50, 90, ahead_m=33)], 1100, 12000)
    assert len(drive.supports()) == 2


def test_error_of_255_m_is_for_surrounding_support_only():
    drive, target = Drive(), Target(15000, error=255)
    drive.stand()
    encounter(drive, [target], 1100, 14000)
    assert drive.supports() == []


def test_unknown_error_counts_by_class():
    drive, target = Drive(), Target(15000, error=0)
    drive.stand()
    encounter(drive, [target], 1100, 14000)
    assert drive.supports()[0]["error_dm"] == 20 + 150  # class B


def test_start_of_ego_ends_at_once():
    drive, target = Drive(surrounding=0), Target(15000)
    drive.stand()

    def ego(driven, t):
        driven.vehicle(t, codes.SIGNAL_BRAKE, 4 if t >= 12000 else 5)
        driven.vehicle(t, codes.SIGNAL_SPEED, 1100 if t >= 12000 else 0)

    encounter(drive, [target], 1100, 12500, ego=lambda d, t: (d.fix(t), ego(d, t)))
    assert steps(drive)[-1] == (12000, 0, 0, "ego_started")
    assert drive.of("hmi")[-1]["t"] == 12000
    assert drive.of("hmi")[-1]["level"] == 0


def test_creeping_is_no_start_until_5_m():
    drive, target = Drive(), Target(15000)
    drive.stand()

    def ego(driven, t):
        driven.vehicle(t, codes.SIGNAL_BRAKE, 4)
        driven.vehicle(t, codes.SIGNAL_SPEED, 500 if t >= 11000 else 0)
        driven.fix(t)

    encounter(drive, [target], 1100, 14900, ego=ego)
    ends = [t for t, level, _presented, reason in steps(drive) if reason == "ego_started"]
    assert ends == [pytest.approx(11000 + 5 * 3.6 / 5 * 1000, abs=101)]


def test_above_10_kmh_with_an_unknown_brake_is_no_start_by_itself():
    drive, target = Drive(), Target(15000)
    drive.stand()

    def ego(driven, t):
        driven.vehicle(t, codes.SIGNAL_SPEED, 1200 if t >= 11500 else 0)
        driven.fix(t)

    encounter(drive, [target], 1100, 14900, ego=ego)
    ended = steps(drive)[-1]
    assert ended[3] == "ego_started"
    assert ended[0] >= 11500 + 5 / (12 / 3.6) * 1000 - 100


def test_lost_target_goes_on_as_it_went():
    drive, target = Drive(), Target(15000)
    drive.stand()
    encounter(drive, [target], 1100, 22000, heard=lambda _target, t: t <= 10700)
    reasons = [reason for _t, _level, _presented, reason in steps(drive)]
    assert reasons == ["l3_reached", "l4_reached", "target_lost", "target_passed", "hold_over"]
    at = {reason: t for t, _level, _presented, reason in steps(drive)}
    assert at["target_lost"] == 10700 + 1100
    assert abs(at["target_passed"] - target.due_ms(0, -ERROR_M)) <= 200
    assert at["hold_over"] == at["target_passed"] + 3000


def test_lost_target_is_held_10_s_at_most():
    drive, target = Drive(), Target(40000, 6, error=254)
    drive.stand()
    encounter(drive, [target], 1100, 20000, heard=lambda _target, t: t <= 3000)
    last = steps(drive)[-1]
    assert last[1:] == (0, 0, "lost_limit")
    assert last[0] == 3000 + 10100


def test_short_gap_neither_ends_nor_flickers():
    drive, target = Drive(), Target(15000)
    drive.stand()
    encounter(drive, [target], 1100, 14000, heard=lambda _target, t: not 10800 < t < 11600)
    assert [reason for *_rest, reason in steps(drive)] == ["l3_reached", "l4_reached"]


def test_course_noise_does_not_flicker():
    drive = Drive()
    drive.stand()
    target = Target(15000, 50, 150)

    class Noisy(Target):
        def frame(self, t):
            self.direction = 152 if t % 300 == 0 else 148
            return super().frame(t)

    target = Noisy(15000, 50, 150)
    encounter(drive, [target], 1100, 13500)
    assert [level for _t, level, _presented, _reason in steps(drive)] == [1, 2]


def test_target_that_turns_off_is_held_not_cleared():
    drive = Drive()
    drive.stand()

    class Turning(Target):
        def frame(self, t):
            if t < 12000:
                return super().frame(t)
            self.counter += 1
            north_m, east_m = (t - 12000) / 1000 * self.kmh / 3.6, -self.distance_m(12000)
            return frame(self.vehicle_id, self.counter, self.ahead_m + north_m, east_m, self.kmh, 5, self.error)

    encounter(drive, [Turning(15000, 50)], 1100, 17000)
    assert [s[1:] for s in steps(drive)] == [
        (1, 1, "l3_reached"),
        (2, 1, "l4_reached"),
        (1, 1, "angle"),
        (0, 0, "hold_over"),
    ]


def test_caution_alone():
    drive, target = Drive(presentation_mode=codes.MODE_CAUTION_ALONE), Target(15000)
    drive.stand()
    encounter(drive, [target], 1100, 14000)
    (t4, *what), *rest = steps(drive)
    assert what == [2, 1, "l4_reached"]
    assert rest == []
    assert target.due_ms(4.1, ERROR_M) <= t4 <= target.due_ms(3.6, ERROR_M) + 150


def test_caution_after_information_has_ended():
    drive, target = Drive(presentation_mode=codes.MODE_INFORMATION_ENDED), Target(15000)
    drive.stand()
    encounter(drive, [target], 1100, 14900)
    (t3, *first), (te, *ended), (t4, *last) = steps(drive)
    assert first == [1, 1, "l3_reached"]
    assert ended == [0, 0, "information_ended"]
    assert last == [2, 1, "l4_star_reached"]
    assert target.due_ms(5.1, ERROR_M) <= t3 <= target.due_ms(4.1, ERROR_M)
    assert 3000 <= te - t3 <= 3100
    assert te < t4 <= target.due_ms(1.2, ERROR_M) + 150


def test_caution_while_information_lasts_follows_l4_in_every_mode():
    drive, target = Drive(presentation_mode=codes.MODE_INFORMATION_ENDED), Target(15000)
    drive.stand()
    first = 11000  # information could not end 3 s later before L4*
    encounter(drive, [target], 1100, 13500, heard=lambda _target, t: t >= first)
    assert [(level, reason) for _t, level, _presented, reason in steps(drive)] == [(1, "late_l3"), (2, "l4_reached")]
    drive = Drive(presentation_mode=codes.MODE_INFORMATION_ENDED)
    drive.stand()
    encounter(drive, [Target(15000)], 1100, 13500, heard=lambda _target, t: t >= 12500)
    assert [(level, reason) for _t, level, _presented, reason in steps(drive)] == [(2, "late_l4")]


@pytest.mark.parametrize("noise_kmh", [0.6, 1.0, 1.9])
def test_speed_noise_of_a_standing_receiver_is_no_start(noise_kmh):
    drive, target = Drive(), Target(95000)
    drive.stand()
    encounter(drive, [target], 1100, 94000, ego=lambda d, t: d.fix(t, kmh=noise_kmh))
    assert [reason for *_rest, reason in steps(drive)] == ["l3_reached", "l4_reached"]


def test_wander_of_the_fix_makes_no_start_of_a_first_creep():
    drive, target = Drive(), Target(65000)
    drive.stand()

    def ego(driven, t):
        creeping = 62_000 <= t < 62_400
        driven.vehicle(t, codes.SIGNAL_BRAKE, 5)
        driven.vehicle(t, codes.SIGNAL_SPEED, 250 if creeping else 0)
        driven.fix(t, east_m=min(t, 60_000) / 10_000, kmh=2.5 if creeping else 0)

    encounter(drive, [target], 1100, 64000, ego=ego)
    assert [reason for *_rest, reason in steps(drive)] == ["l3_reached", "l4_reached"]


def test_without_can_the_same_wander_counts_from_the_last_standing_fix():
    drive, target = Drive(), Target(65000)
    drive.stand()

    def ego(driven, t):
        creeping = 62_000 <= t < 62_400
        driven.fix(t, east_m=min(t, 60_000) / 10_000, kmh=2.5 if creeping else 0)

    encounter(drive, [target], 1100, 64000, ego=ego)
    assert [reason for *_rest, reason in steps(drive)] == ["l3_reached", "l4_reached"]
    # but 6 m of displacement at speed is a start, whatever the receiver's speed says
    drive = Drive()
    drive.stand()
    encounter(
        drive,
        [Target(15000)],
        1100,
        14000,
        ego=lambda d, t: d.fix(t, north_m=max(0, t - 12_000) / 200, kmh=3 if t > 12_000 else 0),
    )
    assert "ego_started" in [reason for *_rest, reason in steps(drive)]


def test_noise_after_passing_brings_no_caution_back():
    drive = Drive()
    drive.stand()

    class Jittering(Target):
        def distance_m(self, t):
            return super().distance_m(t) + (1.5 if t // 100 % 2 else -1.5)

    target = Jittering(15000, 20)
    encounter(drive, [target], 1100, 22000)
    after = [(level, reason) for _t, level, _presented, reason in steps(drive)][2:]
    assert after == [(1, "target_passed"), (0, "hold_over")]


def test_information_that_was_not_shown_is_not_taken_as_shown():
    drive = Drive(presentation_mode=codes.MODE_INFORMATION_ENDED, parallel=1)
    drive.stand()
    targets = [Target(15000, 50, 90, vehicle_id=100, source=0), Target(15300, 50, 90, vehicle_id=101, source=1)]
    encounter(drive, targets, 1100, 15200)
    reasons = [reason for *_rest, reason in steps(drive, 101)]
    assert "information_ended" not in reasons
    assert "l4_reached" in reasons


def test_information_of_a_target_that_speeds_up_is_followed_by_caution_at_l4():
    drive = Drive(presentation_mode=codes.MODE_INFORMATION_ENDED)
    drive.stand()

    class Faster(Target):
        def frame(self, t):
            self.kmh, self.at_ms = (40, 15000) if t < 10600 else (90, 10600 + (15000 - 10600) * 40 / 90)
            return super().frame(t)

    encounter(drive, [Faster(15000, 40)], 1100, 12300)
    told = steps(drive)
    assert told[0][3] == "l3_reached"
    assert told[1][1:] == (2, 1, "late_l4")
    assert told[1][0] <= 10800


@pytest.mark.parametrize("kmh", [1.9, -1.9])
def test_slow_creep_of_the_cars_own_odometer_is_a_start_after_5_m(kmh):
    drive, target = Drive(), Target(40000, 30)
    drive.stand()

    def ego(driven, t):
        driven.vehicle(t, codes.SIGNAL_SHIFT, 1 if kmh > 0 else 2)
        driven.vehicle(t, codes.SIGNAL_SPEED, round(abs(kmh) * 100) if t >= 26_000 else 0)
        driven.fix(t)

    encounter(drive, [target], 1100, 39_900, ego=ego)
    assert [t for t, _level, _presented, reason in steps(drive) if reason == "ego_started"] == [
        pytest.approx(26_000 + 5 / 1.9 * 3600, abs=150)
    ] or steps(drive)[0][0] > 26_000 + 5 / 1.9 * 3600


def test_spikes_of_a_standing_receiver_do_not_add_up():
    drive, target = Drive(), Target(290_000)
    drive.stand()
    encounter(drive, [target], 1100, 289_000, ego=lambda d, t: d.fix(t, kmh=2.5 if t % 2000 == 0 else 0.3))
    assert [reason for *_rest, reason in steps(drive)] == ["l3_reached", "l4_reached"]


def test_holds_do_not_displace_each_other():
    drive = Drive(parallel=1)
    drive.stand()
    targets = [Target(15000, 50, 90, vehicle_id=100, source=0), Target(16500, 50, 90, vehicle_id=101, source=1)]
    encounter(drive, targets, 1100, 25000)
    shown = [(r["t"], r["vehicle_id"], r["presented"]) for r in drive.supports()]
    taken_off = [t for t, vehicle_id, presented in shown if vehicle_id == 101 and not presented and t > 17000]
    assert len(taken_off) == 1
    assert steps(drive, 101)[-1][3] == "hold_over"


def test_speed_stand_in_needs_no_stop():
    drive, target = Drive(crossing_start=codes.START_SPEED), Target(15000)
    drive.stand(200)

    def ego(driven, t):
        driven.fix(t, kmh=20 if t < 12500 else 31, north_m=0)

    encounter(drive, [target], 300, 14000, ego=ego)
    assert steps(drive)[0][1] == 1
    assert steps(drive)[-1] == (12500, 0, 0, "ego_too_fast")


def test_ego_that_never_stopped_gets_none():
    drive, target = Drive(), Target(15000)
    encounter(drive, [target], 0, 14000, ego=lambda d, t: d.fix(t, kmh=5))
    assert drive.supports() == []


def test_off_with_reason_while_the_heading_is_unknown():
    drive, target = Drive(), Target(15000)
    encounter(drive, [target], 0, 14000, ego=lambda d, t: d.fix(t, kmh=0, course=None))
    crossing = [r["reason"] for r in drive.of("support") if r["function"] == codes.FUNCTION_CROSSING]
    assert crossing == ["heading_unknown"]


def test_lost_own_fix_goes_on_until_the_target_would_have_passed():
    drive, target = Drive(), Target(15000)
    drive.stand()

    def ego(driven, t):
        driven.fix(t, status=codes.REASON_VOID if t >= 12000 else 0)

    encounter(drive, [target], 1100, 19000, ego=ego)
    assert [s[1:] for s in steps(drive)] == [
        (1, 1, "l3_reached"),
        (2, 1, "l4_reached"),
        (2, 1, "ego_position_unknown"),
        (1, 1, "target_passed"),
        (0, 0, "hold_over"),
    ]
    assert steps(drive)[3][0] == pytest.approx(15000 + 4 / 50 * 3600, abs=150)


def test_two_are_presented_the_third_waits_its_turn():
    drive = Drive()
    drive.stand()
    targets = [Target(15000 + 100 * n, 50, 90, vehicle_id=100 + n, source=n) for n in range(3)]
    encounter(drive, targets, 1100, 22000)
    third = steps(drive, 102)
    assert third[0][1:3] == (1, 0)
    shown = [t for t, _level, presented, _reason in third if presented]
    first_done = next(t for t, level, *_rest in steps(drive, 100) if level == 1 and t > 13000)
    assert shown[0] == first_done
    last = list(drive.of("hmi"))[-1]
    assert last["level"] == 0


def test_a_caution_takes_the_place_of_an_information():
    drive = Drive(parallel=1)
    drive.stand()
    slow = Target(20000, 30, 90, vehicle_id=100, source=1, error=60)
    fast = Target(17500, 70, 270, vehicle_id=101, source=2)
    encounter(drive, [slow, fast], 1100, 17000, heard=lambda target, t: target is slow or t >= 13500)
    changes = [(r["vehicle_id"], r["level"], r["presented"]) for r in drive.supports()]
    assert (101, 2, 1) in changes
    assert drive.of("hmi")[-1]["direction"] == 2


def test_frames_heard_back_and_twins_with_the_own_id():
    drive = Drive()
    drive.stand()
    own = bytes(drive.core.frame)
    drive.message(1000, own, source=9)
    assert drive.of("drop")[-1]["reason"] == "own_frame"
    twin = Target(15000, vehicle_id=drive.core.transmitter.vehicle_id, source=3)
    encounter(drive, [twin], 1100, 12000)
    assert {r["reason"] for r in drive.supports()} == {"l3_reached", "l4_reached"}


def test_one_id_from_two_senders_is_two_vehicles():
    drive = Drive()
    drive.stand()
    one, other = Target(15000, 50, 90, source=1), Target(15000, 50, 270, source=2)
    encounter(drive, [one, other], 1100, 11500)
    assert {r["source"] for r in drive.supports()} == {1, 2}
    assert drive.core.neighbours.count == 2


def test_repeated_and_late_frames_are_dropped():
    drive = Drive()
    drive.stand()
    drive.message(1100, frame(counter=5))
    drive.message(1110, frame(counter=5))
    drive.message(1120, frame(counter=3))
    drive.message(1200, frame(counter=5, speed=40))
    assert [r["reason"] for r in drive.of("drop")] == ["duplicate", "reordered", "counter_stuck"]


def test_wrong_lengths_and_versions_are_dropped():
    drive = Drive()
    for payload in (b"", bytes(99), bytes(101), bytes(1500)):
        drive.message(0, payload)
    drive.message(0, bytes([2]) + bytes(99))
    assert [r["reason"] for r in drive.of("drop")] == ["length"] * 4 + ["version"]
    assert drive.core.neighbours.count == 0
