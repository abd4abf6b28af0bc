"""Mistakes in vehicle maps: each is refused in one line with file, key, reason and the nearest names."""

from pathlib import Path

import pytest

from asvunit.errors import UsageError
from carmaps import BUSES, CHECKED, TURN, WHEELS, WINKER_TABLE, Make


@pytest.fixture
def make(tmp_path: Path) -> Make:
    return Make(tmp_path)


BRAKE_TABLE = '[signal.brake]\nfrom = "LAMPS.PEDAL"\n'


@pytest.mark.parametrize(("text", "reason"), [
    ('[signal.speed]\nfrom = "MOTION.WIDE"\nunit = "km/h"', r"signal\.speed\.from: WIDE has 40 bits; up to 32"),
    ('[signal.speed]\nfrom = "MOTION.REAL"\nunit = "km/h"', r"signal\.speed\.from: REAL is a floating-point"),
    ('[signal.speed]\nwheels = ["WHEELS.FL"]\nunit = "km/h"', r"signal\.speed\.wheels: takes 2 to 8"),
    ('[signal.speed]\nwheels = ["WHEELS.FL", "WHEELS.FX"]\nunit = "km/h"', r"wheels\.1: .*did you mean F[LR] or"),
    ('[signal.speed]\nwheels = ["WHEELS.FL", "WHEELS.FL"]\nunit = "km/h"', r"wheels\.1: WHEELS\.FL is given twice"),
    (WHEELS + 'from = "MOTION.SPEED"', r"signal\.speed: give one of from and wheels"),
    (WHEELS + "signed = true\nmagnitude = true", r"signal\.speed\.signed: .*magnitude"),
    (WHEELS + 'positive = "left"', r"signal\.speed\.positive: not for this signal"),
    ('[signal.yaw_rate]\nfrom = "MOTION.YAW"\nunit = "deg"', r"yaw_rate\.unit: 'deg' is none of deg/s, rad/s"),
    ('[signal.yaw_rate]\nfrom = "MOTION.YAW"\nunit = "deg/s"\npositive = "up"', r"yaw_rate\.positive: "),
    (BRAKE_TABLE + "on = [1, 4]", r"brake\.on: 4 cannot be sent: raw codes of PEDAL are 0 to 3"),
    (BRAKE_TABLE + 'on = ["presed"]', r"brake\.on: .*value table; did you mean pressed"),
    (BRAKE_TABLE + 'on = [1]\nvalues = {0 = "off"}', r"brake\.on: says it all"),
    (BRAKE_TABLE + 'on = [1]\ndefault = "on"', r"brake\.on: says it all"),
    (BRAKE_TABLE + "on = [true]", r"brake\.on\.0"),
    (BRAKE_TABLE + 'values = {0 = "off"}\ndefault = "of"', r"brake\.default: 'of' is none of off, on, unknown"),
    (BRAKE_TABLE + 'values = {0 = "off", released = "on"}', r"brake\.values\.released: code 0 is 'off' already"),
    (BRAKE_TABLE + 'any = ["STOP.STOP", "LAMPS.PEDAL"]', r"signal\.brake: give one of from and any"),
    ('[signal.hazard]\nany = ["STOP.STOP", "LAMPS.PEDAL"]\nvalues = {0 = "none"}', r"hazard\.values\.0: 'none'"),
    ('[signal.shift]\nany = ["STOP.STOP", "LAMPS.PEDAL"]', r"signal\.shift\.any: not for this signal"),
    (WINKER_TABLE + "flashing = true", r"winker\.flashing: goes with left and right"),
    (WINKER_TABLE + "on = [1]", r"winker\.on: not for this signal"),
    (TURN + 'from = "LAMPS.TURN"', r"signal\.winker: .*both left and right"),
    (TURN + "flash_gap_ms = 900", r"winker\.flash_gap_ms: goes with flashing = true"),
    (TURN + "flashing = true\nflash_gap_ms = 100", r"winker\.flash_gap_ms: .*300"),
    (TURN + "left_on = [2]", r"winker\.left_on: 2 cannot be sent"),
    ('[signal.winker]\nleft = "LAMPS.TURN"\nright = "LAMPS.TURN"', r"winker\.right: is the same signal as left"),
    (WINKER_TABLE + 'valid = "STOP.STOP"', r"winker\.valid: must be in the same message as TURN, LAMPS"),
    ('[signal.yaw_rate]\nfrom = "MOTION.YAW"\nsign = "LAMPS.LEFT"\nunit = "deg/s"', r"yaw_rate\.sign: must be"),
    (WHEELS + 'sign = "WHEELS.FL"\nmagnitude = true', r"speed\.sign: must be in the same message as RR, REAR"),
    ('[signal.speed]\nfrom = "WHEELS.FL"\nunit = "km/h"\nsign = "WHEELS.RL"\nmagnitude = true', r"speed\.sign: "),
    (WHEELS + "sign_codes = [1]", r"speed\.sign_codes: goes with sign"),
    (WINKER_TABLE + 'sign = "LAMPS.LEFT"', r"winker\.sign: not for this signal"),
    (WINKER_TABLE + "valid_codes = [1]", r"winker\.valid_codes: goes with valid"),
    (WINKER_TABLE + 'valid = "LAMPS.GOOD"\nvalid_codes = []', r"winker\.valid_codes: is empty"),
    (WINKER_TABLE + "timeout_periods = 3", r"winker\.timeout_periods: .*give period_ms"),
    (WINKER_TABLE + "timeout_periods = 3\ntimeout_ms = 500", r"winker\.timeout_periods: give either"),
    (WINKER_TABLE + "timeout_periods = 0", r"winker\.timeout_periods: "),
    ('[signal.winker]\nfrom = "body:LAMPS.TURN"\nvalues = {1 = "left"}', r"winker\.from: the map has no bus 'body'"),
    (CHECKED + 'kind = "toyotta"', r"check\.0\.kind: .*did you mean toyota"),
    (CHECKED + 'kind = "toyota"\nsignal = "CHEKSUM"', r"check\.0\.signal: .*did you mean CHECKSUM"),
    (CHECKED + 'kind = "toyota"\nsignal = "COUNTER"', r"check\.0\.signal: COUNTER must be 8 whole bits"),
    (CHECKED + 'kind = "honda"', r"check\.0\.signal: CHECKSUM must be one of a byte.s halves"),
    (CHECKED + 'kind = "subaru"', r"check\.0\.signal: CHECKSUM is in byte 7; this kind has it in byte 0"),
    (CHECKED + 'kind = "toyota"\npoly = 7', r"check\.0\.poly: not for checks of kind toyota"),
    (CHECKED + 'kind = "crc8"\ninit = 256', r"check\.0: poly, init and xor_out"),
    (CHECKED + 'kind = "crc8"\ndata_ids = [1, 2]', r"check\.0\.data_ids: 2 given; this kind takes 0 or 1 or 16"),
    (CHECKED.replace('ge = "LAMPS"', 'ge = "LAMP"') + 'kind = "xor"', r"check\.0\.message: .*did you mean LAMPS"),
    (CHECKED.replace('ge = "LAMPS"', 'ge = "STOP"') + 'kind = "xor"\nsignal = "STOP"', r"check\.0\.message: STOP"),
])  # fmt: skip
def test_mistakes(make: Make, text: str, reason: str) -> None:
    with pytest.raises(UsageError, match=r"car\.toml: .*" + reason) as refusal:
        make(text)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(("head", "text", "reason"), [
    (BUSES, WINKER_TABLE, r'winker\.from: .LAMPS\.TURN. names no bus; give it as "body:LAMPS\.TURN"'),
    (BUSES, WINKER_TABLE.replace("LAMPS.", "bdy:LAMPS."), r"winker\.from: the map has no bus 'bdy'; did you mean body"),
    (BUSES, WINKER_TABLE.replace("LAMPS.", "body:LAMP."), r"database of bus body has no message LAMP; did you"),
    (BUSES + '[database]\nfile = "car.dbc"', WINKER_TABLE, r"bus: give either"),
    ("", WINKER_TABLE, r"database: missing"),
    ('[bus."a b"]\nfile = "car.dbc"', WINKER_TABLE, r"bus\.a b: a bus is named by"),
    ('[bus.body]\nfile = "none.dbc"', WINKER_TABLE, r"bus\.body\.file: none\.dbc is in none of"),
    ('[bus.body]\nfle = "none.dbc"', WINKER_TABLE, r"bus\.body\.fle: unknown key; did you mean file"),
])  # fmt: skip
def test_mistakes_about_buses(make: Make, head: str, text: str, reason: str) -> None:
    with pytest.raises(UsageError, match=r"car\.toml: .*" + reason):
        make(text, head)
