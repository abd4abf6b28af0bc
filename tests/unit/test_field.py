"""Neighbours as they are in the field: shared ids, jumps, frozen positions, clocks; the node ahead."""

import pytest

from asvcore import codes
from asvcore.neighbour import DELAY_MS, EMERGENCY, FLAGS, USABLE, counter_of
from asvcore.params import NONE
from coretools import EAST_M, LATITUDE_CAS, LONGITUDE_CAS, NORTH_M, Drive, Target, encounter, frame


def drops(drive):
    """What was dropped or reported; the drives' frames tell no seconds, so their clocks are looked at separately."""
    return [reason for reason in clocks(drive) if reason != "clock_disagrees"]


def clocks(drive):
    return [record["reason"] for record in drive.of("drop")]


def standing(**settings):
    drive = Drive(**settings)
    drive.stand()
    return drive


# One id, one address, two vehicles


def test_two_vehicles_with_one_id_and_address_are_both_told():
    drive = standing(surrounding=0)
    left, right = Target(15000, 50, 90), Target(18000, 50, 270)
    encounter(drive, [left, right], 1100, 15500)
    begun = [(r["t"], r["level"]) for r in drive.supports() if r["level"] and "reached" in r["reason"]]
    for target in (left, right):
        for level, seconds in ((1, 4.1), (2, 3.6)):
            due_ms = target.due_ms(seconds, 4)
            assert any(got == level and 0 <= t - due_ms <= 110 for t, got in begun), (target.direction, level)
    passed = [r["t"] for r in drive.supports() if r["reason"] == "target_passed"]
    assert len(passed) == 1  # the other one is not taken for it when they meet
    # One is told as a jump when it first appears, then as two vehicles; nothing is dropped
    assert drops(drive) == ["jump", "twin"]
    assert drive.core.neighbours.count == 2
    assert drive.core.neighbours.twins == 1


def test_both_are_forgotten_when_they_fall_silent():
    drive = standing(surrounding=0)
    encounter(drive, [Target(60000, 50, 90), Target(60000, 50, 270)], 1100, 2000)
    assert drive.core.neighbours.count == 2
    for t in range(2100, 4000, 100):
        drive.fix(t)
        drive.tick(t)
    assert (drive.core.neighbours.count, drive.core.neighbours.twins) == (0, 0)


def test_a_jump_is_told_and_does_not_take_the_target_away():
    drive = standing(surrounding=0)

    class Jumping(Target):
        def frame(self, t):
            if not 12000 <= t < 13000:
                return super().frame(t)
            self.counter += 1
            return frame(self.vehicle_id, self.counter, self.ahead_m + 200, -self.distance_m(t), self.kmh, 90, 2)

    encounter(drive, [Jumping(15000, 50)], 1100, 14800)
    assert drops(drive)[0] == "jump"
    assert [(r["level"], r["presented"]) for r in drive.supports()][:2] == [(1, 1), (2, 1)]
    assert not any(r["level"] == 0 for r in drive.supports() if r["t"] < 14800 and r["reason"] == "hold_over")


def test_a_third_place_replaces_the_second():
    drive = standing(surrounding=0)
    for number, north_m in enumerate((100, 400, 700, 900)):
        drive.message(1100 + 10 * number, frame(5, number, north_m=north_m, speed=10))
    assert drops(drive) == ["jump"] * 3
    assert drive.core.neighbours.count == 2


@pytest.mark.parametrize("rate_ms", [1000, 2000])
def test_slow_receivers_are_no_jumps(rate_ms):
    drive = standing(surrounding=0)
    for t in range(1100, 9000, 100):
        fix_t = t // rate_ms * rate_ms
        revision = (t - fix_t) // 100 + 1
        drive.fix(t)
        north_m = -300 + 70 / 3.6 * fix_t / 1000
        payload = frame(
            6, t // 100, north_m, 30, 70, 0, 15, revision if revision <= 10 else 0, position_delay=rate_ms // 100
        )
        drive.message(t, payload)
        drive.tick(t)
    assert drops(drive) == []


def test_crossing_the_date_line_is_no_jump():
    drive = Drive(surrounding=0)
    east = 180 * 360000
    for number, cas in enumerate((east - 10, -east + 10)):
        drive.core.on_fix(LATITUDE_CAS, cas, 3000, 9000, 20, NONE, NONE, number * 100, 0, number * 100, 1)
        raw = frame(7, number, 0, 0, 50, 90)
        drive.message(number * 100, _at(raw, cas))
    assert drops(drive) == []


def _at(payload, longitude_cas):
    from asvcore import codec

    raw = [0] * 43
    codec.decode_into(payload, raw)
    size = abs(longitude_cas)
    raw[codec.LONGITUDINAL_DEGREE] = size // 360000 if longitude_cas >= 0 else -(size // 360000)
    raw[codec.LONGITUDINAL_MINUTE], raw[codec.LONGITUDINAL_SECOND] = size // 6000 % 60, size % 6000
    buffer = bytearray(100)
    codec.encode_into(raw, buffer)
    return bytes(buffer)


# Own id, clocks


def test_another_vehicle_with_egos_id_is_a_vehicle():
    drive = standing(surrounding=0)
    own = drive.core.transmitter.vehicle_id
    encounter(drive, [Target(15000, 50, vehicle_id=own)], 1100, 13000)
    assert drops(drive) == ["own_id"]
    assert [r["level"] for r in drive.supports()] == [1, 2]


def test_the_own_frame_heard_back_is_none():
    drive = standing()
    drive.message(1150, bytes(drive.core.frame))
    assert drops(drive) == ["own_frame"]
    assert drive.core.neighbours.count == 0


@pytest.mark.parametrize(
    ("hour", "second", "told"), [(9, 0, []), (9, 4, []), (9, 9, ["clock_disagrees"]), (10, 0, ["clock_disagrees"])]
)
def test_a_clock_that_disagrees_is_told_once_and_used(hour, second, told):
    drive = standing()
    for t in (1100, 1200, 1300):
        drive.fix(t, tod_ms=0)
        drive.message(t, frame(5, t // 100, utc_hour=hour, utc_second=second))
    assert clocks(drive) == told
    assert drive.core.neighbours.used[0][FLAGS] & USABLE


def test_clocks_either_side_of_midnight_agree():
    drive = standing()
    drive.fix(1100, tod_ms=15 * 3600 * 1000 - 1000)  # 23:59:59 in Japan
    drive.message(1150, frame(5, 1, utc_hour=0, utc_second=1))
    assert clocks(drive) == []


# Frozen positions


def test_a_frozen_position_is_told_and_support_goes_on_as_it_went():
    drive = standing(surrounding=0)

    class Frozen(Target):
        def frame(self, t):
            self.counter += 1
            at_m = -self.distance_m(min(t, 11500))
            return frame(self.vehicle_id, self.counter, self.ahead_m, at_m, self.kmh, 90, 2, revision=0)

    encounter(drive, [Frozen(15000, 50)], 1100, 20000)
    assert drops(drive) == ["target_frozen"]
    reasons = [(r["level"], r["reason"]) for r in drive.supports()]
    assert reasons[:2] == [(1, "l3_reached"), (2, "l4_reached")]
    assert (2, "target_lost") in reasons
    assert reasons[-2:] == [(1, "target_passed"), (0, "hold_over")]
    passed = next(r["t"] for r in drive.supports() if r["reason"] == "target_passed")
    assert passed == pytest.approx(15000 + 4 / 50 * 3600, abs=300)


def test_a_frozen_position_begins_nothing():
    drive = standing(surrounding=0)
    for t in range(1100, 6000, 100):
        drive.fix(t)
        drive.message(t, frame(5, t // 100, 10, -90, 50, 90, 2, revision=0))
        drive.tick(t)
    assert "target_frozen" in drops(drive)
    assert drive.untold()[-1] == "target_frozen"


def test_a_standing_vehicle_is_not_frozen():
    drive = standing()
    for t in range(1100, 6000, 100):
        drive.message(t, frame(5, t // 100, 10, -60, 0, 90, 2, revision=0))
    assert drops(drive) == []


def test_a_position_without_revision_is_as_old_as_it_has_been_the_same():
    drive = standing()
    for t, east_m in ((1100, 0.0), (1200, 5.0), (1300, 5.0), (1400, 5.0), (1500, 9.0)):
        drive.message(t, frame(5, t // 100, 10, east_m, 50, 90, 2, revision=0))
        delay_ms = drive.core.neighbours.used[0][DELAY_MS]
        assert delay_ms == {1100: 0, 1200: 0, 1300: 100, 1400: 200, 1500: 0}[t]


# Intersections


def node(drive, t, north_m, distance_m=None, priority=NONE):
    drive.core.on_node(
        LATITUDE_CAS + round(north_m / NORTH_M),
        LONGITUDE_CAS,
        int(north_m if distance_m is None else distance_m),
        priority,
        t,
        0,
    )


def with_map(priority=NONE, own_m=10.0, target_east_m=0.0, target_distance=True, mapped=True):
    """Ego waits 10 m before a crossing; its node lies `own_m` ahead, the target's at `target_east_m`."""
    drive = standing(surrounding=0)

    class Mapped(Target):
        def frame(self, t):
            payload = super().frame(t)
            from asvcore import codec

            raw = [0] * 43
            codec.decode_into(payload, raw)
            if mapped:
                raw[codec.INTERSECTION_INFORMATION_AVAILABILITY] = 3
                north_cas = LATITUDE_CAS + round(10 / NORTH_M)
                east_cas = LONGITUDE_CAS + round(target_east_m / EAST_M)
                for index, cas in (
                    (codec.INTERSECTION_LATITUDINAL_DEGREE, north_cas),
                    (codec.INTERSECTION_LONGITUDINAL_DEGREE, east_cas),
                ):
                    raw[index], raw[index + 1], raw[index + 2] = cas // 360000, cas // 6000 % 60, cas % 6000
                far_m = round(target_east_m + self.distance_m(t))
                raw[codec.NEAREST_INTERSECTION_DISTANCE] = min(max(far_m, 0), 499) if target_distance else 511
            buffer = bytearray(100)
            codec.encode_into(raw, buffer)
            return bytes(buffer)

    def ego(driven, t):
        driven.fix(t)
        node(driven, t, own_m, priority=priority)

    encounter(drive, [Mapped(15000, 50)], 1100, 14000, ego=ego)
    return drive


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({}, None),  # both approach the same node
        ({"priority": 0}, None),
        ({"priority": 1}, "ego_priority"),
        ({"priority": 1, "own_m": 120.0}, None),  # priority somewhere else
        ({"own_m": 120.0, "target_east_m": 150.0}, "no_junction"),  # a flyover: no node where the courses cross
        ({"own_m": 120.0, "target_east_m": 150.0, "target_distance": False}, None),
        ({"own_m": 120.0, "target_east_m": 150.0, "mapped": False}, None),  # only ego has a map
        ({"own_m": 10.0, "target_east_m": 150.0}, None),  # ego's map knows a node here: the careful answer
        ({"own_m": 120.0, "target_east_m": -40.0}, None),  # the target's next node lies before the crossing
    ],
)
def test_the_map_keeps_support_away_only_where_it_is_sure(arguments, reason):
    drive = with_map(**arguments)
    levels = [r["level"] for r in drive.supports()]
    if reason is None:
        assert levels[:2] == [1, 2]
    else:
        assert levels == []
        assert reason in drive.untold()


def test_a_node_that_is_not_told_again_is_forgotten():
    drive = standing(surrounding=0)
    node(drive, 1100, 10, priority=1)
    encounter(drive, [Target(15000, 50)], 1100, 13000)
    assert [r["level"] for r in drive.supports()] == [1, 2]


def test_the_own_message_carries_the_node_ahead():
    from asvcore import codec

    drive = standing()
    node(drive, 1100, 120.0)
    drive.fix(1100)
    drive.tick(1100)
    raw = [0] * 43
    codec.decode_into(bytes(drive.core.frame), raw)
    assert raw[codec.INTERSECTION_INFORMATION_AVAILABILITY] == 3
    assert raw[codec.NEAREST_INTERSECTION_DISTANCE] == 120
    assert raw[codec.INFORMATION_OF_NEAREST_INTERSECTION_DISTANCE] == 1
    sent_cas = (
        raw[codec.INTERSECTION_LATITUDINAL_DEGREE] * 360000
        + raw[codec.INTERSECTION_LATITUDINAL_MINUTE] * 6000
        + raw[codec.INTERSECTION_LATITUDINAL_SECOND]
    )
    assert sent_cas == LATITUDE_CAS + round(120 / NORTH_M)
    drive.fix(3200)
    drive.tick(3200)  # the map has been silent for 2 s
    codec.decode_into(bytes(drive.core.frame), raw)
    first, last = codec.INTERSECTION_INFORMATION_AVAILABILITY, codec.NEAREST_INTERSECTION_DISTANCE
    assert raw[first : last + 1] == [1] + [0] * 8


@pytest.mark.parametrize("node_cas", [(-100, LONGITUDE_CAS), (LATITUDE_CAS, -100)])
def test_a_node_that_cannot_be_coded_is_left_out(node_cas):
    from asvcore import codec

    drive = standing()
    drive.core.on_node(*node_cas, 50, NONE, 1100, 0)
    drive.fix(1100)
    drive.tick(1100)
    raw = [0] * 43
    codec.decode_into(bytes(drive.core.frame), raw)
    assert raw[codec.INTERSECTION_INFORMATION_AVAILABILITY] == 1


# Our misuse


@pytest.mark.parametrize(
    "arguments", [(0, 1, 1, 0), (3, 1, 1, 0), (1, 0, 1, 0), (1, 6, 1, 0), (1, 1, 3, 0), (1, 1, 1, 4)]
)
def test_supports_of_no_known_kind_are_refused(arguments):
    with pytest.raises(ValueError, match="support of"):
        Drive().core.on_support(*arguments, 0, 0)


# What is lost in the middle of support


def test_a_target_that_no_longer_tells_its_position_goes_on_as_it_went():
    drive = standing(surrounding=0)

    class Blind(Target):
        def frame(self, t):
            if t < 11000:
                return super().frame(t)
            self.counter += 1
            return frame(self.vehicle_id, self.counter, position_availability=0)

    encounter(drive, [Blind(15000, 50)], 1100, 20000)
    told = [(r["level"], r["reason"]) for r in drive.supports()]
    assert told == [(1, "l3_reached"), (2, "l4_reached"), (2, "target_lost"), (1, "target_passed"), (0, "hold_over")]
    assert drops(drive) == []


def test_a_target_that_tells_its_position_again_is_followed_again():
    drive = standing(surrounding=0)

    class Gap(Target):
        def frame(self, t):
            if not 11400 <= t < 13200:
                return super().frame(t)
            self.counter += 1
            return frame(self.vehicle_id, self.counter, self.ahead_m, -self.distance_m(t), self.kmh, 0x180, 2)

    encounter(drive, [Gap(15000, 50)], 1100, 15200)
    told = [(r["level"], r["reason"]) for r in drive.supports()]
    assert told == [(1, "l3_reached"), (2, "l4_reached"), (2, "target_lost"), (2, "resumed")]
    assert drive.supports()[-1]["distance_dm"] == pytest.approx(250, abs=20)


def test_an_old_place_gives_way_to_who_was_heard_since():
    """One falls silent, another of its address and id drives elsewhere: support goes on for the first."""
    drive = standing(surrounding=0)
    first = Target(9000, 50)
    for t in range(1100, 14000, 100):
        drive.fix(t)
        if t < 5500:
            drive.message(t, first.frame(t))
        drive.message(t + 1, frame(100, t // 100, 400 + t / 100, 300, 10, 0))
        drive.tick(t)
    told = [(r["level"], r["reason"]) for r in drive.supports()]
    assert told[-3:] == [(2, "target_lost"), (1, "target_passed"), (0, "hold_over")]


def test_one_corrected_position_does_not_make_two_vehicles_for_long():
    drive = standing(surrounding=0)
    for t in range(1100, 9000, 100):
        drive.fix(t)
        drive.message(t, frame(5, t // 100, 300 - t / 100 + (70 if t > 3000 else 0), 5, 36, 180))
        drive.tick(t)
    assert drops(drive) == ["jump"]
    assert drive.core.neighbours.count == 1


def test_two_near_vehicles_of_one_identity_are_told_apart_by_their_counters():
    drive = standing(surrounding=0)
    leader, follower = Target(9000, 50), Target(10800, 50)  # 25 m behind
    follower.counter = 60
    encounter(drive, [leader, follower], 1100, 8000)
    assert drops(drive)[0] == "jump"
    assert "reordered" not in drops(drive)
    begun = [r["t"] for r in drive.supports() if r["level"] == 2 and r["reason"] == "l4_reached"]
    assert begun[0] == pytest.approx(leader.due_ms(3.6, 4), abs=110)
    assert begun[1] == pytest.approx(follower.due_ms(3.6, 4), abs=110)


def test_the_same_message_with_the_radios_flag_is_news():
    drive = standing()
    payload = frame(5, 1, 100, 5, 50, 180, emergency_attention=1)
    drive.message(1100, payload)
    drive.message(1101, payload, flag=True)
    assert [r["level"] for r in drive.supports(codes.FUNCTION_EMERGENCY)] == [1]


@pytest.mark.parametrize("emergency_attention", [0, 1])
@pytest.mark.parametrize("ahead", [1, 60, 100, 200])
@pytest.mark.parametrize("east_m", [5, 60, 900])
def test_an_emergency_vehicle_cannot_be_hidden_by_unsigned_frames_under_its_name(emergency_attention, ahead, east_m):
    drive = standing()
    for step in range(80):
        t = 1100 + 100 * step
        at = (200 - 2 * step, 5)
        drive.fix(t)
        drive.message(t, frame(5, step, *at, 72, 180, emergency_attention=1), flag=True)
        for late in range(1, 4):  # counted ahead, from its place or another
            forged = frame(5, step + ahead + late, at[0], east_m, 72, 180, emergency_attention=emergency_attention)
            drive.message(t + 20 * late, forged)
        drive.tick(t + 90)
    told = [(r["level"], r["reason"]) for r in drive.supports(codes.FUNCTION_EMERGENCY)]
    assert {level for level, _reason in told} == {1}  # from its begin to the end: never taken back
    if east_m == 5:
        assert set(drops(drive)) == {"unsigned"}


@pytest.mark.parametrize("ahead", [0, 1, 60, 127, 128, 200])
def test_whoever_spoke_under_its_name_before_does_not_outdate_an_emergency_vehicle(ahead):
    """Somebody has its address, id and place, and counts ahead of it, before its first signed frame is heard."""
    drive = standing()
    for step in range(80):
        t = 1100 + 100 * step
        at = (200 - 2 * step, 5)
        drive.fix(t)
        drive.message(t - 20, frame(5, step + ahead, *at, 72, 180))
        drive.message(t, frame(5, step, *at, 72, 180, emergency_attention=1), flag=True)
        drive.message(t + 20, frame(5, step + ahead, *at, 72, 180))
        drive.tick(t + 90)
    assert {r["level"] for r in drive.supports(codes.FUNCTION_EMERGENCY)} == {1}
    assert drive.supports(codes.FUNCTION_EMERGENCY)[0]["t"] == 1100  # with its first signed frame
    assert counter_of(drive.core.neighbours.get((1 << 14) | 5)) == 79
    assert drops(drive).count("unsigned") == 159


def test_places_told_under_its_name_do_not_take_an_emergency_vehicles_away():
    """Two forged vehicles of its address and id were there before it, and a third place comes after each frame."""
    drive = standing()
    for step in range(40):
        t = 1100 + 100 * step
        drive.fix(t)
        drive.message(t - 30, frame(5, step, 900, 500, 0, 0))
        drive.message(t, frame(5, step, 600 - 2 * step, 5, 72, 180, emergency_attention=1), flag=True)
        for late, at in enumerate(((-900, -500), (-600, 500), (900, -500))):
            drive.message(t + 20 + late, frame(5, step, *at, 0, 0))
        drive.tick(t + 90)
        table = drive.core.neighbours
        assert [counter_of(one) for one in table.used[: table.count] if one[FLAGS] & EMERGENCY] == [step]


def test_forged_crossing_vehicles_do_not_end_what_was_given_for_an_emergency_vehicle():
    drive = standing(supports=4, neighbours=64)
    for step in range(40):
        t = 1100 + 100 * step
        drive.fix(t)
        drive.message(t, frame(5, step, 150 - step, 5, 36, 180, emergency_attention=1), flag=True)
        for number in range(100, 112):
            drive.message(t + 1, frame(number, step, 15, -60 + step, 36, 90), source=number)
        drive.tick(t + 50)
    told = [(r["level"], r["reason"]) for r in drive.supports(codes.FUNCTION_EMERGENCY)]
    assert {level for level, _reason in told} == {1}
    assert "displaced" not in {reason for _level, reason in told}
    assert len({r["vehicle_id"] for r in drive.supports() if r["level"]}) == 3  # the rest of the pool is theirs


def test_an_emergency_vehicle_that_no_longer_signs_is_an_ordinary_one_after_a_second():
    drive = standing()
    for step in range(60):
        t = 1100 + 100 * step
        drive.fix(t)
        drive.message(t, frame(5, step, 100 - step, 5, 36, 180, emergency_attention=step < 20), flag=step < 20)
        drive.tick(t + 50)
    ended = [r["t"] for r in drive.of("support") if r["function"] == codes.FUNCTION_EMERGENCY and r["level"] == 0]
    assert ended[-1] == pytest.approx(1100 + 2000 + 1000, abs=1200)
    assert not drive.core.neighbours.get((1 << 14) | 5)[FLAGS] & EMERGENCY
    assert counter_of(drive.core.neighbours.get((1 << 14) | 5)) == 59  # its frames are used again


@pytest.mark.parametrize(
    ("signal", "value"), [(0, -30001), (0, 30001), (7, -20001), (1, 8), (2, 8), (5, 128), (6, 5001)]
)
def test_a_signal_that_cannot_be_is_refused(signal, value):
    with pytest.raises(ValueError, match="value"):
        Drive().vehicle(0, signal, value)
    Drive().vehicle(0, signal, value, codes.STATUS_UNKNOWN)
