"""The own message: fix and vehicle signals in the wire's codes [G appendix 1, D2-D9]."""

import pytest

from asvcore import codec, codes
from asvcore.params import NONE
from asvcore.settings import Settings
from asvunit.message import decode, values
from coretools import Drive


def sent(drive, t):
    drive.tick(t)
    return decode(bytes(drive.core.frame))


def value(drive, t):
    return values(sent(drive, t))


def test_nothing_known_is_a_message_of_unavailable_units():
    drive = Drive()
    raw = sent(drive, 0)
    assert raw["administration_data"] == 1
    assert raw["position_availability"] == raw["sensor_availability"] == 0
    names = list(raw)
    assert all(raw[name] == 0 for name in names[6:31])  # elements 7..31
    assert raw["intersection_information_availability"] == 1
    assert drive.of("send")[0]["reason"] == "no_input"


def test_counter_runs_over_and_the_id_stays():
    drive = Drive(seed=5)
    raws = [sent(drive, 100 * n) for n in range(258)]
    assert [raw["increment_counter"] for raw in raws[254:]] == [254, 255, 0, 1]
    assert len({raw["vehicle_id"] for raw in raws}) == 1


def test_seeds_give_other_ids_all_over_the_range():
    ids = {Drive(seed=seed).core.transmitter.vehicle_id for seed in range(300)}
    assert len(ids) > 280
    assert min(ids) < 1000
    assert max(ids) > 15000


def test_revision_counts_ten_frames_of_one_fix():
    drive = Drive()
    drive.fix(0, kmh=10)
    assert [value(drive, 100 * n)["revision"] for n in range(12)] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, None, None]


def test_fix_is_stale_after_a_second_and_a_half_or_three_periods():
    drive = Drive()
    drive.fix(0)
    assert value(drive, 1500)["latitude_deg"] is not None
    assert value(drive, 1600)["latitude_deg"] is None
    assert drive.of("status")[-1]["reason"] == "timeout"
    drive = Drive()
    for t in (0, 1000, 2000):
        drive.fix(t)
    assert value(drive, 5000)["latitude_deg"] is not None
    assert value(drive, 5100)["latitude_deg"] is None


def test_void_fix_zeroes_from_the_next_frame_and_says_why():
    drive = Drive()
    drive.fix(0, kmh=20)
    assert value(drive, 0)["speed_kmh"] == 20
    drive.fix(100, status=codes.REASON_VOID)
    raw = sent(drive, 100)
    assert all(raw[name] == 0 for name in list(raw)[6:27])
    assert (drive.of("status")[-1]["state"], drive.of("status")[-1]["reason"]) == (codes.STATE_STALE, "void")


def test_course_is_kept_below_3_kmh_and_unknown_before():
    drive = Drive()
    drive.fix(0, kmh=2, course=77)
    raw = sent(drive, 0)
    assert raw["direction"] == 0x180
    assert raw["sensor_availability"] == 3
    drive.fix(100, kmh=3, course=77.5)
    assert value(drive, 100)["direction_deg"] == 78  # half up
    drive.fix(200, kmh=2.9, course=200)
    assert value(drive, 200)["direction_deg"] == 78
    drive.fix(300, kmh=30, course=359.6)
    assert value(drive, 300)["direction_deg"] == 0


def test_reverse_sends_the_direction_of_travel_and_keeps_the_heading():
    drive = Drive()
    drive.fix(0, kmh=10, course=90)
    drive.vehicle(50, codes.SIGNAL_SHIFT, 2)
    drive.fix(100, kmh=5, course=270)
    assert value(drive, 100)["direction_deg"] == 270
    drive.fix(200, kmh=2, course=10)
    assert value(drive, 200)["direction_deg"] == 270
    drive.vehicle(300, codes.SIGNAL_SHIFT, 1)
    assert value(drive, 300)["direction_deg"] == 90


def test_position_is_moved_on_with_a_fresh_can_speed():
    drive = Drive()
    drive.fix(0, kmh=36, course=90, tod_ms=86_399_950)
    drive.tick(0)
    for t in range(0, 901, 20):
        drive.vehicle(t, codes.SIGNAL_SPEED, 3600)
    moved = value(drive, 900)
    assert moved["revision"] is None
    assert (moved["longitude_deg"] - 139) * 360000 * 0.253586 == pytest.approx(9.0, abs=0.3)
    assert moved["latitude_deg"] == pytest.approx(35, abs=1e-6)
    assert moved["fix_time_jst"] == "09:00:00"  # the time of the moved position, past midnight UTC


def test_position_mode_fix_repeats_it():
    drive = Drive(position_mode=codes.POSITION_FIX)
    drive.fix(0, kmh=36, course=90)
    for t in range(0, 501, 20):
        drive.vehicle(t, codes.SIGNAL_SPEED, 3600)
    repeated = value(drive, 500)
    assert repeated["revision"] == 1
    assert repeated["longitude_deg"] == 139


def test_stale_signals_are_unknown_never_the_last_value():
    drive = Drive(timeout_winker_ms=1500)
    drive.fix(0)
    for signal, code in enumerate((1000, 5, 5, 5, 1, 40, -130)):
        drive.vehicle(0, signal, code)
    fresh = value(drive, 100)
    assert (fresh["brake"], fresh["winker"], fresh["hazard"], fresh["shift"]) == (True, "right", "on", "drive")
    assert (fresh["accelerator_percent"], fresh["forward_acceleration_mps2"], fresh["speed_kmh"]) == (40, -1.25, 10)
    stale = value(drive, 600)
    assert (stale["brake"], stale["hazard"], stale["shift"], stale["accelerator_percent"]) == (None, None, None, None)
    assert stale["forward_acceleration_mps2"] is None
    assert stale["winker"] == "right"
    assert stale["speed_kmh"] == 0  # the receiver's


def test_a_signal_keeps_its_age_status_and_source():
    drive = Drive()
    drive.core.on_vehicle(codes.SIGNAL_BRAKE, 5, codes.STATUS_UNKNOWN, 3, 200, 1)
    drive.tick(500)
    ego = drive.core.ego
    brake = codes.SIGNAL_BRAKE
    assert (ego.signal(brake), ego.signal_age_ms(brake)) == (NONE, 300)
    assert (ego.signal_status(brake), ego.signal_source(brake)) == (codes.STATUS_UNKNOWN, 3)


@pytest.mark.parametrize("status", [codes.STATUS_UNKNOWN, codes.STATUS_IMPLAUSIBLE])
def test_unknown_and_implausible_signals_are_not_used(status):
    drive = Drive()
    drive.vehicle(0, codes.SIGNAL_SPEED, 5000, status)
    drive.vehicle(0, codes.SIGNAL_WINKER, 5, status)
    assert value(drive, 0)["speed_kmh"] is None


def test_auxiliary_brake_is_sent_by_large_vehicles_only():
    for kind, sent_code in ((4, 5), (1, 7)):
        drive = Drive(vehicle_kind=kind)
        drive.fix(0)
        drive.vehicle(0, codes.SIGNAL_BRAKE, 7)
        assert sent(drive, 0)["brake"] == sent_code


@pytest.mark.parametrize(
    ("latitude", "longitude", "available"),
    [(-1, 0, 0), (-359999, 0, 0), (-360000, 0, 3), (0, -1, 0), (0, 0, 3), (-360001, -64800000, 3)],
)
def test_less_than_a_degree_south_or_west_cannot_be_sent(latitude, longitude, available):
    drive = Drive()
    drive.core.on_fix(latitude, longitude, 0, 0, 20, NONE, NONE, 0, 0, 0, 1)
    raw = sent(drive, 0)
    assert raw["position_availability"] == available
    if available:
        back = values(raw)
        assert round(back["latitude_deg"] * 360000) == latitude
        assert round(back["longitude_deg"] * 360000) == longitude
    else:
        assert drive.of("send")[0]["reason"] == "not_codable"
        assert drive.of("status")[0]["reason"] == "not_codable"


def test_dead_reckoning_crosses_the_date_line():
    drive = Drive()
    drive.core.on_fix(0, 64_800_000 - 10, 3600, 9000, 20, NONE, NONE, 0, 0, 0, 1)
    for t in range(0, 1001, 20):
        drive.vehicle(t, codes.SIGNAL_SPEED, 3600)
    assert value(drive, 1000)["longitude_deg"] == pytest.approx(-180 + (10 / 0.309222 - 10) / 360000, abs=2e-6)


def test_missed_slots_are_counted_never_sent_in_a_burst():
    drive = Drive()
    for t in (0, 100, 450, 500, 600):
        drive.tick(t)
    assert [r["t"] for r in drive.of("send")] == [0, 100, 450, 500, 600]
    assert drive.core.missed_slots == 2
    drive.tick(610)
    assert len(drive.of("send")) == 5


def test_length_rounds_up_and_saturates():
    for length_dm, code in ((0, 0), (47, 3), (60, 3), (61, 4), (620, 31)):
        assert Drive(vehicle_length_dm=length_dm).core.transmitter.raw[codec.VEHICLE_LENGTH] == code


def test_error_and_height_codes():
    drive = Drive()
    drive.core.on_fix(0, 0, 0, 0, 45, 8, 3, 0, 0, 0, 1)
    got = value(drive, 0)
    assert (got["horizontal_error_m"], got["height_m"], got["vertical_error_m"]) == (5, 8, 3)
    drive.core.on_fix(0, 0, 0, 0, 1, -9000, NONE, 0, 0, 100, 2)
    got = value(drive, 100)
    assert (got["horizontal_error_m"], got["height_m"], got["vertical_error_m"]) == (1, -8192, None)
    drive.core.on_fix(0, 0, 0, 0, 9000, NONE, NONE, 0, 0, 200, 3)
    got = value(drive, 200)
    assert (got["horizontal_error_m"], got["height_m"]) == (255, None)


def test_update_period_is_told():
    for period, told in ((50, 100), (100, 100), (200, 200), (1000, 1000), (5000, 3000)):
        drive = Drive()
        for n in range(3):
            drive.fix(period * n)
        assert value(drive, period * 2)["position_delay_ms"] == told
    drive = Drive()
    drive.fix(0)
    assert value(drive, 0)["position_delay_ms"] is None


def test_a_doubled_epoch_is_no_faster_receiver():
    drive = Drive()
    for t in (0, 1000, 2000, 3000, 3010, 4000, 4060, 5000):
        drive.fix(t)
    got = value(drive, 5000)
    assert got["position_delay_ms"] == 900  # 940 ms is the second shortest
    assert value(drive, 7700)["latitude_deg"] is not None


def test_without_a_heading_the_fix_is_repeated_not_moved():
    drive = Drive()
    drive.fix(0, kmh=None, course=None)
    for t in range(0, 501, 20):
        drive.vehicle(t, codes.SIGNAL_SPEED, 5000)
    got = value(drive, 500)
    assert got["revision"] == 1
    assert got["fix_time_jst"] == "09:00:00"
    record = drive.of("send")[-1]
    assert (record["state"], record["reason"]) == (1, "heading_unknown")


def test_rebase_changes_nothing_but_the_clock():
    plain, rebased = Drive(), Drive()
    for drive in (plain, rebased):
        drive.stand(500)
    offset = 400
    rebased.core.rebase(offset)
    for t in range(600, 2600, 100):
        plain.tick(t)
        rebased.tick(t - offset)
        assert plain.core.frame == rebased.core.frame
    told = [[{**r, "t": 0} for r in drive.records] for drive in (plain, rebased)]
    assert told[0] == told[1]


def test_time_that_runs_back_is_counted_not_followed():
    drive = Drive()
    drive.tick(1000)
    drive.message(900, bytes(100))
    assert drive.core.time_back == 1
    assert drive.of("drop")[-1]["t"] == 1000


def attention(drive, t):
    raw = sent(drive, t)
    assert raw["particular_vehicle_information"] == 0
    return raw["emergency_attention"]


def test_ordinary_units_send_0_whatever_the_car_says():
    drive = Drive()
    for t, (value_of_42, status) in enumerate(((1, codes.STATUS_OK), (0, codes.STATUS_OK), (1, codes.STATUS_UNKNOWN))):
        drive.vehicle(t * 100, codes.SIGNAL_EMERGENCY, value_of_42, status)
        assert attention(drive, t * 100) == 0


def test_element_42_follows_the_switch_while_it_is_fresh():
    drive = Drive(emergency_send=codes.ACTION_SIGNAL, timeout_emergency_ms=300)
    assert attention(drive, 0) == 0  # not heard yet
    told = []
    for t, got in ((100, 1), (200, 0), (300, 1), (400, 0), (600, 1)):
        drive.vehicle(t, codes.SIGNAL_EMERGENCY, got)
        told.append(attention(drive, t))
    assert told == [1, 0, 1, 0, 1]
    assert [attention(drive, t) for t in (700, 800, 900, 1000)] == [1, 1, 1, 0]  # 300 ms, then stale
    drive.vehicle(1100, codes.SIGNAL_EMERGENCY, 1)
    assert attention(drive, 1100) == 1
    for t, status in ((1200, codes.STATUS_UNKNOWN), (1300, codes.STATUS_IMPLAUSIBLE)):
        drive.vehicle(t, codes.SIGNAL_EMERGENCY, 1, status)
        assert attention(drive, t) == 0


def test_element_42_always():
    drive = Drive(emergency_send=codes.ACTION_ALWAYS)
    assert attention(drive, 0) == 1
    drive.vehicle(100, codes.SIGNAL_EMERGENCY, 0)
    assert attention(drive, 100) == 1


def test_a_switch_of_the_car_that_falls_silent_is_told():
    drive = Drive(emergency_send=codes.ACTION_SIGNAL, signals=1 << codes.SIGNAL_EMERGENCY)
    for t in range(0, 3000, 100):
        if t < 1000:
            drive.vehicle(t, codes.SIGNAL_EMERGENCY, 1)
        drive.tick(t)
    told = [(one["state"], one["reason"]) for one in drive.of("signal") if one["signal"] == codes.SIGNAL_EMERGENCY]
    assert told == [(codes.STATE_OK, "received"), (codes.STATE_STALE, "timeout")]


def test_misuse_raises():
    drive = Drive()
    with pytest.raises(ValueError, match="signal 8: value 2"):
        drive.core.on_vehicle(codes.SIGNAL_EMERGENCY, 2, 0, 0, 0, 0)
    with pytest.raises(ValueError, match="signal"):
        drive.core.on_vehicle(codes.SIGNALS, 0, 0, 0, 0, 0)
    with pytest.raises(ValueError, match="source"):
        drive.core.on_vehicle(0, 0, 0, 40_000, 0, 0)
    with pytest.raises(ValueError, match="source"):
        drive.core.on_message(bytes(100), -1, 0, False, 0)
    settings = Settings()
    settings.neighbours = 0
    with pytest.raises(ValueError, match="neighbours"):
        settings.check()
