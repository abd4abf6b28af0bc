"""Vehicle maps of real cars' peculiarities: combined signals, bulbs, wheels, validity, several buses."""

from pathlib import Path

import can
import pytest

from asvunit.ports import (
    ACCELERATOR,
    BRAKE,
    EMERGENCY,
    HAZARD,
    SHIFT,
    SPEED,
    WINKER,
    YAW_RATE,
)
from asvunit.vehicle import VehicleMap
from carmaps import BUSES, TURN, WHEELS, Make, told, wheel_bytes


@pytest.fixture
def make(tmp_path: Path) -> Make:
    return Make(tmp_path)


def test_speed_of_wheels(make: Make) -> None:
    vehicle = make(WHEELS)
    assert told(vehicle, 16, wheel_bytes(50, 50.1, 50.2), 1.0) == {SPEED: 5010}
    assert told(vehicle, 17, (5030).to_bytes(2, "big") + bytes(6), 1.01) == {SPEED: 5015}
    assert told(vehicle, 16, wheel_bytes(90, 50.1, 50.2), 1.02) == {SPEED: 5020}  # one spins
    assert told(vehicle, 16, wheel_bytes(400, 400, 400), 1.04) == {SPEED: None}  # failed sensors
    assert told(vehicle, 16, wheel_bytes(60, 60.1, 60.2), 2.0) == {SPEED: 6010}  # the rear one is silent: 500 ms
    assert told(vehicle, 17, (6000).to_bytes(2, "big") + bytes(6), 9.0) == {SPEED: None}  # one of four is not enough
    assert vehicle.timeouts_ms[SPEED] == 200  # of the quickest: each that lives tells the mean anew
    [front, rear] = vehicle.feeds
    assert (front.how, front.signals, front.period_ms, front.timeout_ms) == ("wheels", ("FL", "FR", "RL"), 20, 200)
    assert (rear.message, rear.period_ms, rear.timeout_ms) == ("REAR", None, 500)


def test_two_state_words_from_several(make: Make) -> None:
    vehicle = make('[signal.brake]\nany = ["LAMPS.PEDAL", "STOP.STOP"]\non = [1, 2]')
    assert told(vehicle, 32, 0x00, 1.0) == {BRAKE: None}  # the other was not heard yet
    assert told(vehicle, 34, b"\x00", 1.1) == {BRAKE: 4}
    assert told(vehicle, 32, 0x10, 1.2) == {BRAKE: 5}
    assert told(vehicle, 34, b"\x00", 1.3) == {BRAKE: 5}
    assert told(vehicle, 32, 0x00, 1.4) == {BRAKE: 4}
    assert told(vehicle, 34, b"\x02", 1.5) == {BRAKE: 5}
    assert told(vehicle, 34, b"\x02", 3.0) == {BRAKE: 5}
    assert told(vehicle, 34, b"\x00", 3.1) == {BRAKE: None}  # the other fell silent
    words = make('[signal.brake]\nany = ["LAMPS.PEDAL", "STOP.STOP"]\nvalues = {0 = "off", 1 = "on", 3 = "unknown"}')
    assert told(words, 34, b"\x00", 1.1) == {BRAKE: None}
    assert [told(words, 32, n << 4, 1.1) for n in range(4)] == [{BRAKE: 4}, {BRAKE: 5}, {BRAKE: None}, {BRAKE: None}]
    plain = make('[signal.brake]\nany = ["LAMPS.PEDAL", "STOP.STOP"]')
    assert [told(plain, 34, b"\x00"), told(plain, 32, 0x30), told(plain, 32, 0)] == [
        {BRAKE: None}, {BRAKE: 5}, {BRAKE: 4},
    ]  # fmt: skip


def test_an_emergency_vehicles_switches(make: Make) -> None:
    vehicle = make('[signal.emergency]\nany = ["LAMPS.PEDAL", "STOP.STOP"]\non = [1, 2]\ntimeout_ms = 400')
    assert vehicle.mapped == ("emergency",)
    assert vehicle.timeouts_ms[EMERGENCY] == 400
    assert told(vehicle, 32, 0x00, 1.0) == {EMERGENCY: None}  # the siren was not heard of yet
    assert told(vehicle, 34, b"\x01", 1.1) == {EMERGENCY: 1}
    assert told(vehicle, 34, b"\x00", 1.2) == {EMERGENCY: 0}
    assert told(vehicle, 32, 0x20, 1.3) == {EMERGENCY: 1}
    one = make('[signal.emergency]\nfrom = "LAMPS.PEDAL"\nvalues = {0 = "off", 1 = "on", 3 = "unknown"}')
    assert [told(one, 32, n << 4) for n in range(4)] == [
        {EMERGENCY: 0}, {EMERGENCY: 1}, {EMERGENCY: None}, {EMERGENCY: None},
    ]  # fmt: skip


def test_on_and_default(make: Make) -> None:
    vehicle = make('[signal.brake]\nfrom = "LAMPS.PEDAL"\non = ["released"]')  # inverted
    assert [told(vehicle, 32, n << 4)[BRAKE] for n in range(4)] == [5, 4, 4, 4]
    assert vehicle.feeds[0].words == {0: "on", 1: "off", 2: "off", 3: "off"}
    [warning] = vehicle.warnings
    assert "signal.brake.on: 3 (failed) of PEDAL count as off" in warning
    vehicle = make(
        '[signal.accelerator_switch]\nfrom = "LAMPS.PEDAL"\nvalues = {1 = "on", 3 = "unknown"}\ndefault = "off"'
    )
    assert [told(vehicle, 32, n << 4)[ACCELERATOR] for n in range(4)] == [0, 120, 0, None]


def test_validity(make: Make) -> None:
    text = '[signal.winker]\nfrom = "LAMPS.TURN"\nvalues = {1 = "left", 2 = "right", 3 = "off"}\nvalid = "LAMPS.GOOD"\n'
    vehicle = make(text)
    assert [told(vehicle, 32, 0x04 | n << 6)[WINKER] for n in range(4)] == [None, 6, None, None]
    vehicle = make(text + 'valid_codes = ["no", 2]')
    assert [told(vehicle, 32, 0x08 | n << 6)[WINKER] for n in range(4)] == [5, None, 5, None]


def test_a_winker_of_two_messages(make: Make) -> None:
    vehicle = make('[signal.winker]\nleft = "LAMPS.LEFT"\nright = "LAMPS_RIGHT.LIT"\nright_on = [2, 3]')
    assert told(vehicle, 32, 1, 1.0) == {WINKER: None}
    assert told(vehicle, 33, b"\x00", 1.0) == {WINKER: 6}
    assert told(vehicle, 33, b"\x01", 1.1) == {WINKER: 6}
    assert told(vehicle, 32, 0, 1.2) == {WINKER: 4}
    assert told(vehicle, 33, b"\x03", 1.3) == {WINKER: 5}
    assert told(vehicle, 32, 1, 1.3) == {WINKER: None}  # both
    assert told(vehicle, 33, b"\x00", 3.0) == {WINKER: None}  # the left one is silent


@pytest.mark.parametrize("messages", [1, 2])
def test_bulbs(make: Make, messages: int) -> None:
    """Left flashes from 2 to 5 s, both from 7 to 10 s; frames every 100 ms."""
    right = "LAMPS.RIGHT" if messages == 1 else "LAMPS_RIGHT.LIT"
    sides = f'left = "LAMPS.LEFT"\nright = "{right}"\nflashing = true\n'
    vehicle = make(f"[signal.winker]\n{sides}[signal.hazard]\n{sides}")
    last: dict[int, int | None] = {}
    seen = []
    for step in range(130):
        t = step / 10
        lit = step % 7 < 4
        left, right_lit = lit and (20 <= step < 50 or 70 <= step < 100), lit and 70 <= step < 100
        last |= told(vehicle, 32, left | right_lit << 1, t)
        if messages == 2:
            last |= told(vehicle, 33, bytes([right_lit]), t + 0.03)
        seen.append((last[WINKER], last[HAZARD]))
    assert set(seen[:8]) == {(None, None)}
    assert set(seen[8:20]) == {(4, 4)}
    assert {hazard for _winker, hazard in seen[23:50]} == {4}
    assert {winker for winker, _hazard in seen[23:50]} == {6}
    assert {winker for winker, _hazard in seen[:70]} == {None, 4, 6}
    assert set(seen[60:70]) == {(4, 4)}
    assert set(seen[73:100]) == {(None, 5)}
    assert {winker for winker, _hazard in seen[70:109]} <= {4, None}  # never one side alone
    assert set(seen[110:]) == {(4, 4)}
    assert [feed.how for feed in vehicle.feeds] == ["bulbs"] * (2 * messages)


def test_a_lever_in_one_signal_of_two_sides(make: Make) -> None:
    vehicle = make('[signal.winker]\nleft = "LAMPS.TURN"\nleft_on = [1]\nright = "LAMPS.TURN"\nright_on = [2]')
    assert [told(vehicle, 32, n << 2)[WINKER] for n in range(4)] == [4, 6, 5, 4]
    vehicle = make('[signal.hazard]\nleft = "LAMPS.LEFT"\nright = "LAMPS.RIGHT"')
    assert [told(vehicle, 32, n)[HAZARD] for n in range(4)] == [4, 4, 4, 5]


@pytest.mark.parametrize(("keys", "raw", "value"), [
    ("", 1000, -1000), ('positive = "right"', 1000, 1000), ("", -1000, 1000),
    ("scale = 0.5", 1001, -500), ("scale = 0.5", -1001, 501),  # half-way values up
    ("", 15001, None), ("min = -5\nmax = 100", -501, None), ("min = -5\nmax = 100", -500, 500),
    ("min = -5\nmax = 100", 9900, -9900), ("unknown = [7]", 7, None),
])  # fmt: skip
def test_yaw_rate(make: Make, keys: str, raw: int, value: int | None) -> None:
    vehicle = make(f'[signal.yaw_rate]\nfrom = "MOTION.YAW"\nunit = "deg/s"\n{keys}')
    data = raw.to_bytes(2, "little", signed=True) + bytes(22)
    assert told(vehicle, 48, data) == {YAW_RATE: value}


def test_yaw_rate_in_radians(make: Make) -> None:
    vehicle = make('[signal.yaw_rate]\nfrom = "MOTION.YAW"\nunit = "rad/s"\npositive = "right"')
    assert told(vehicle, 48, (100).to_bytes(2, "little") + bytes(22)) == {YAW_RATE: 5730}


@pytest.mark.parametrize(("keys", "raw", "sign", "value"), [
    ("", 723, 0, -723), ("", 723, 1, 723), ("sign_codes = [0]", 723, 0, 723), ("sign_codes = [0]", 723, 1, -723),
    ('positive = "right"', 723, 1, -723), ("scale = 0.5", 723, 0, -361), ("scale = 0.5", 723, 1, 362),
    ('positive = "right"\nscale = 0.5', 723, 1, -361), ("max = 5", 600, 0, None), ("max = 5", 600, 1, 600),
    ("min = -5", 600, 1, None), ("unknown = [723]", 723, 1, None), ("offset = 1", 723, 1, 823),
])  # fmt: skip
def test_a_sign_in_a_signal_of_its_own(make: Make, keys: str, raw: int, sign: int, value: int | None) -> None:
    vehicle = make(f'[signal.yaw_rate]\nfrom = "MOTION.YAW"\nsign = "MOTION.MINUS"\nunit = "deg/s"\n{keys}')
    assert told(vehicle, 48, raw.to_bytes(2, "little") + bytes([0, 0, sign]) + bytes(19)) == {YAW_RATE: value}


def test_backwards(make: Make) -> None:
    speed = '[signal.speed]\nfrom = "MOTION.SPEED"\nunit = "km/h"\n'
    back = bytes(2) + (-723).to_bytes(2, "little", signed=True) + bytes(20)
    assert told(make(speed), 48, back) == {SPEED: None}
    assert told(make(speed + "signed = true"), 48, back) == {SPEED: -723}
    assert told(make(speed + "magnitude = true"), 48, back) == {SPEED: 723}


def test_timeouts(make: Make) -> None:
    winker = '[signal.winker]\nfrom = "LAMPS.TURN"\nvalues = {1 = "left"}\n'
    assert make(winker).timeouts_ms[WINKER] == 500
    assert make(winker + "period_ms = 300").timeouts_ms[WINKER] == 1500
    assert make(winker + "period_ms = 300\ntimeout_periods = 2.5").timeouts_ms[WINKER] == 750
    assert make(winker + "period_ms = 300\ntimeout_ms = 70").timeouts_ms[WINKER] == 70
    assert make(winker + "period_ms = 10").timeouts_ms[WINKER] == 200
    assert make(winker + "period_ms = 60000").timeouts_ms[WINKER] == 60_000
    assert make(winker + "period_ms = 300").feeds[0].period_ms == 300


def test_several_buses(make: Make) -> None:
    vehicle = make(
        '[signal.winker]\nfrom = "body:LAMPS.TURN"\nvalues = {1 = "left"}\n'
        '[signal.brake]\nany = ["power:STOP.STOP", "body:LAMPS.PEDAL"]\n'
        '[signal.speed]\nwheels = ["power:WHEELS.FL", "body:WHEELS.FL"]\nunit = "km/h"',
        'counters = ["body:LAMPS.COUNTER"]\n' + BUSES,
    )
    assert (vehicle.buses, vehicle.channels) == (("body", "power"), (("can1", 2), ()))
    assert [sorted(vehicle.identifiers(bus)) for bus in (0, 1)] == [
        [(16, False), (32, False)],
        [(16, False), (34, False)],
    ]
    assert told(vehicle, 32, 4, 1.0, bus=1) == {}
    assert told(vehicle, 32, 4, 1.0, bus=0) == {WINKER: 6, BRAKE: None}
    assert told(vehicle, 34, b"\x00", 1.0, bus=1) == {BRAKE: 4}
    assert told(vehicle, 32, 4, 1.1, bus=0) == {}  # its counter stands
    assert told(vehicle, 16, wheel_bytes(50), 1.0, bus=1) == {SPEED: 5000}
    assert told(vehicle, 16, wheel_bytes(52), 1.0, bus=0) == {SPEED: 5100}
    assert vehicle.decode(can.Message(arbitration_id=34, data=b"\x00", is_extended_id=False), 1)[0].bus == 1
    assert vehicle.counters == {"unknown_id": 1, "counter_stuck": 1}
    assert {(feed.name, feed.bus) for feed in vehicle.feeds} == {
        ("winker", 0), ("brake", 0), ("brake", 1), ("speed", 0), ("speed", 1),
    }  # fmt: skip
    assert [loaded.version for loaded in vehicle.databases] == ["7", "7"]


def test_lengths_and_identifiers(make: Make) -> None:
    gear = 'values = {P = "parking", R = "reverse", N = "other", D = "drive"}'
    vehicle = make(f'[signal.shift]\nfrom = "LONG.GEAR"\n{gear}')
    data = bytes([*bytes(8), 3])
    assert told(vehicle, 49, data) == {SHIFT: 1}
    assert told(vehicle, 49, data + bytes(3)) == {SHIFT: 1}  # as CAN FD pads 9 bytes
    for wrong in (data[:8], data + bytes(1), data + bytes(7), b""):
        assert told(vehicle, 49, wrong) == {}
    assert vehicle.counters == {"wrong_length": 4}
    extended = make('[signal.shift]\nfrom = "AGAIN.GEAR"\nvalues = {1 = "reverse"}')
    assert extended.identifiers() == [(16, True)]
    assert told(extended, 16, 1) == {}
    assert told(extended, 16, 1, extended=1) == {SHIFT: 2}


MULTIPLEXED = """VERSION ""
BO_ 291 M: 8 X
 SG_ MODE M : 0|8@1+ (1,0) [0|0] "" X
 SG_ A m1 : 8|8@1+ (1,0) [0|0] "km/h" X
 SG_ SUB m2M : 8|8@1+ (1,0) [0|0] "" X
 SG_ B m5 : 16|8@1+ (1,0) [0|0] "" X
 SG_ PLAIN : 24|1@1+ (1,0) [0|0] "" X
SG_MUL_VAL_ 291 A MODE 1-1;
SG_MUL_VAL_ 291 SUB MODE 2-3;
SG_MUL_VAL_ 291 B SUB 5-7;
"""


def test_multiplexers_in_multiplexers(tmp_path: Path) -> None:
    (tmp_path / "car.dbc").write_text(MULTIPLEXED)
    path = tmp_path / "car.toml"
    path.write_text(
        'map = 1\nname = "car"\ndatabase.file = "car.dbc"\n[signal.speed]\nfrom = "M.B"\nunit = "km/h"\n'
        '[signal.brake]\nfrom = "M.PLAIN"\non = [1]\n'
    )
    vehicle = VehicleMap.load(path)
    seen = [told(vehicle, 291, bytes([*head, 9, 1, 0, 0, 0, 0])) for head in ((1, 5), (2, 5), (3, 7), (2, 4), (9, 5))]
    assert seen == [{BRAKE: 5}, {SPEED: 900, BRAKE: 5}, {SPEED: 900, BRAKE: 5}, {BRAKE: 5}, {BRAKE: 5}]
    assert vehicle.counters == {"undecodable": 2}


def test_bulbs_that_are_told_too_rarely_are_warned_of(make: Make) -> None:
    assert make(TURN + "flashing = true\nperiod_ms = 200").warnings == ()
    [warning] = make(TURN + "flashing = true\nperiod_ms = 500").warnings
    assert "signal.winker.flashing" in warning
