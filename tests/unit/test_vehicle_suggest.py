"""`asvkit vehicle suggest`: what it proposes loads as a map, is right for known cars, and says where it is unsure."""

import math
import os
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import can
import pytest
import typer

from asvtools import vehicle_command
from asvtools.vehicle_behaviour import Observation, observe
from asvtools.vehicle_candidates import candidates
from asvtools.vehicle_scan import promising
from asvtools.vehicle_suggest import propose, settle
from asvunit.errors import AsvkitError, UsageError
from asvunit.vehicle import VehicleMap, opendbc
from asvunit.vehicle.database import find_database, load_database

pytestmark = pytest.mark.fuller

ROOT = Path(__file__).resolve().parents[2]
HEAD = 'VERSION ""\n\nNS_ :\n\nBS_:\n\nBU_: A ASV\n\n'
START = 1768446000.0


def suggested(path: Path, observation: Observation | None = None, found: Any = None) -> tuple[dict[str, Any], str]:
    loaded = load_database(path)
    found = found or candidates(loaded.database.messages)
    text = settle(propose(str(path), path.stem, loaded.warnings, found, observation), path)
    return tomllib.loads(text), re.sub(r"\n#   ", " ", text)  # comments as they are before they are wrapped


@pytest.fixture
def database(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "car.dbc"
        path.write_text(HEAD + text)
        return path

    return write


def references(table: dict[str, Any]) -> set[str]:
    single = [table[key] for key in ("from", "left", "right") if key in table]
    return {*single, *table.get("wheels", []), *table.get("any", [])}


def test_the_bench_vehicle_is_found_whole(tmp_path: Path) -> None:
    proposed, text = suggested(ROOT / "dbc" / "bench.dbc")
    written = tomllib.loads((ROOT / "dbc" / "maps" / "bench.toml").read_text())
    assert set(proposed["signal"]) == set(written["signal"])
    for name, table in written["signal"].items():
        assert references(proposed["signal"][name]) == references(table)
    assert proposed["signal"]["winker"]["values"] == {"0": "off", "1": "left", "2": "right", "7": "unknown"}
    assert proposed["signal"]["shift"]["values"]["0"] == "parking"
    assert proposed["signal"]["speed"]["unknown"] == [65535]  # of its comment
    assert "#counters = [" in text  # only a log proves a counter
    path = tmp_path / "proposed.toml"
    path.write_text(text)
    assert VehicleMap.load(path).mapped == VehicleMap.load("bench").mapped


@pytest.mark.parametrize(
    ("signals", "name", "expected"),
    [
        ('SG_ Geschwindigkeit : 0|16@1+ (0.01,0) [0|300] "km/h" A', "speed", {"unit": "km/h"}),
        ('SG_ VehSpd : 0|16@1+ (0.01,0) [0|90] "m/s" A', "speed", {"unit": "m/s"}),
        ('SG_ VSPD : 0|8@1+ (1,0) [0|160] "MPH" A', "speed", {"unit": "mph"}),
        ('SG_ BremslichtSchalter : 0|1@1+ (1,0) [0|1] "" A', "brake", {"values": {"0": "off", "1": "on"}}),
        ('SG_ StopLamp : 0|1@1+ (1,0) [0|1] "" A', "brake", {"values": {"0": "off", "1": "on"}}),
        ('SG_ GasPedal : 0|8@1+ (0.5,0) [0|100] "%" A', "accelerator", {"unit": "%"}),
        ('SG_ ACCEL_PEDAL : 0|8@1+ (1,0) [0|255] "" A', "accelerator", {"unit": "%", "scale": 0.392157}),
        ('SG_ LongAccel : 0|12@1- (0.01,0) [-20|20] "g" A', "acceleration", {"unit": "g"}),
        ('SG_ Laengsbeschl : 0|10@1+ (0.03,-16) [-16|15] "m/s2" A', "acceleration", {"unit": "m/s2"}),
        ('SG_ YawRate : 0|16@1- (0.001,0) [-3|3] "rad/s" A', "yaw_rate", {"unit": "rad/s"}),
        ('SG_ Warnblinkschalter : 0|1@1+ (1,0) [0|1] "" A', "hazard", {"values": {"0": "off", "1": "on"}}),
    ],
)
def test_usual_names_and_units(
    database: Callable[[str], Path], signals: str, name: str, expected: dict[str, Any]
) -> None:
    table = suggested(database(f"BO_ 256 M1: 8 A\n {signals}\n"))[0]["signal"][name]
    assert {key: table[key] for key in expected} == expected


@pytest.mark.parametrize(
    "signal",
    [
        "TARGET_SPEED : 0|16@1+ (0.01,0) [0|250] 'km/h'",
        "SetSpeed : 0|16@1+ (0.01,0) [0|250] 'km/h'",
        "EngineSpeed : 0|16@1+ (0.25,0) [0|8000] 'rpm'",
        "SpeedLimit : 0|8@1+ (1,0) [0|250] 'km/h'",
        "FAN_SPEED : 0|8@1+ (1,0) [0|250] ''",
        "ParkingBrake : 0|1@1+ (1,0) [0|1] ''",
        "BrakePressure : 0|12@1+ (0.1,0) [0|400] 'bar'",
        "BRAKE_FLUID_LOW : 0|1@1+ (1,0) [0|1] ''",
        "STEERING_TURNS : 0|8@1+ (1,0) [0|255] ''",
    ],
)
def test_what_only_sounds_alike_is_not_taken(database: Callable[[str], Path], signal: str) -> None:
    quoted = signal.replace("'", '"')
    path = database(f"BO_ 256 M1: 8 A\n SG_ {quoted} A\n")
    with pytest.raises(AsvkitError, match="no signal in it looks like speed") as raised:
        suggested(path)
    assert raised.value.exit_code == 1


def test_wheels_stand_in_for_a_vehicle_speed(database: Callable[[str], Path]) -> None:
    front = "".join(
        f' SG_ WHEEL_SPEED_{c} : {i * 16}|16@1+ (0.01,0) [0|300] "km/h" A\n' for i, c in enumerate(("FL", "FR"))
    )
    rear = front.replace("_FL", "_RL").replace("_FR", "_RR")
    proposed, text = suggested(database(f"BO_ 256 FRONT: 8 A\n{front}\nBO_ 257 REAR: 8 A\n{rear}"))
    table = proposed["signal"]["speed"]
    assert set(table["wheels"]) == {
        "FRONT.WHEEL_SPEED_FL",
        "FRONT.WHEEL_SPEED_FR",
        "REAR.WHEEL_SPEED_RL",
        "REAR.WHEEL_SPEED_RR",
    }
    assert "also possible" not in text  # a wheel alone is none


SIDES = "BO_ 256 BODY: 8 A\n" + "".join(
    f' SG_ {name} : {index}|1@1+ (1,0) [0|1] "" A\n' for index, name in enumerate(("BLINKER_LEFT", "BLINKER_RIGHT"))
)


def test_two_bits_of_which_it_is_unsure_suit_lever_and_lamps(database: Callable[[str], Path]) -> None:
    proposed, text = suggested(database(SIDES))
    assert proposed["signal"] == {
        "winker": {"left": "BODY.BLINKER_LEFT", "right": "BODY.BLINKER_RIGHT", "flashing": True}
    }
    assert "# TODO lever or lamps?" in text
    assert "#[signal.hazard]" in text  # only if they are lamps


def test_a_selector_is_no_winker(database: Callable[[str], Path]) -> None:
    gear = ' SG_ GEAR : 0|4@1+ (1,0) [0|15] "" A\n\nVAL_ 256 GEAR 1 "P" 2 "R" 3 "N" 4 "D" 5 "L" ;\n'
    proposed, text = suggested(database(f"BO_ 256 M1: 8 A\n{gear}"))
    assert set(proposed["signal"]) == {"shift"}
    assert "winker: nothing in the database looks like it" in text
    assert "also possible" not in text


def test_a_sign_of_its_own(database: Callable[[str], Path]) -> None:
    signals = ' SG_ Gierrate : 0|14@1+ (0.01,0) [0|163] "deg/s" A\n SG_ VZ_Gierrate : 14|1@1+ (1,0) [0|1] "" A\n'
    proposed, text = suggested(database(f"BO_ 256 ESP: 8 A\n{signals}"))
    assert proposed["signal"]["yaw_rate"] == {"from": "ESP.Gierrate", "unit": "deg/s", "sign": "ESP.VZ_Gierrate"}
    assert "1 is taken as negative" in text


def test_codes_without_names_are_for_a_person(database: Callable[[str], Path]) -> None:
    gear = ' SG_ GEAR : 0|4@1+ (1,0) [0|15] "" A\n SG_ SPEED : 8|16@1+ (0.01,0) [0|250] "km/h" A\n'
    proposed, text = suggested(database(f"BO_ 256 M1: 8 A\n{gear}"))
    assert set(proposed["signal"]) == {"speed"}
    assert "#[signal.shift]" in text
    assert "TODO too unsure" in text


def test_a_gear_named_by_a_numeral_keeps_its_code(database: Callable[[str], Path]) -> None:
    gear = ' SG_ GEAR : 0|4@1+ (1,0) [0|15] "" A\n\nVAL_ 256 GEAR 1 "R" 2 "P" 3 "N" 4 "1" 5 "2" 6 "3" ;\n'
    path = database(f"BO_ 256 TRANS: 8 A\n{gear}")
    (path.parent / "car.toml").write_text(suggested(path)[1], encoding="utf-8")
    vehicle = VehicleMap.load(path.parent / "car.toml")
    assert vehicle.feeds[0].words == {1: "reverse", 2: "parking", 3: "other", 4: "drive", 5: "drive", 6: "drive"}


def frames(seconds: int = 60) -> list[can.Message]:
    """A drive: away, steady, braking, at rest; lamps flash left from 5 s to 15 s, both from 50 s."""
    out = []
    for i in range(seconds * 50):
        time_s = i / 50
        kmh = 25 - 25 * math.cos(time_s * 2 * math.pi / 30)
        braking = 15 < time_s % 30 < 29
        lit = time_s % 0.7 < 0.35
        left, right = lit and (5 < time_s < 15 or time_s > 50), lit and time_s > 50
        data = round(kmh * 100).to_bytes(2, "little") + bytes([i % 16, braking, not braking, left | right << 1, 9, 0])
        out.append(can.Message(timestamp=START + time_s, arbitration_id=256, is_extended_id=False, data=data))
    return out


DRIVEN = (
    "BO_ 256 M1: 8 A\n"
    ' SG_ SPEED_A : 0|16@1+ (0.01,0) [0|300] "km/h" A\n'
    ' SG_ ROLLING : 16|4@1+ (1,0) [0|15] "" A\n'
    ' SG_ BRAKE_PRESSED_1 : 32|1@1+ (1,0) [0|1] "" A\n'
    ' SG_ BRAKE_PRESSED_2 : 24|1@1+ (1,0) [0|1] "" A\n'
    ' SG_ BLINKER_LEFT : 40|1@1+ (1,0) [0|1] "" A\n'
    ' SG_ BLINKER_RIGHT : 41|1@1+ (1,0) [0|1] "" A\n'
    ' SG_ GEAR : 48|4@1+ (1,0) [0|15] "" A\n'
    "\nBO_ 257 M2: 8 A\n"
    ' SG_ VEHICLE_SPEED : 0|16@1+ (0.01,0) [0|300] "km/h" A\n'
)


def test_a_log_decides(database: Callable[[str], Path]) -> None:
    path = database(DRIVEN)
    messages = load_database(path).database.messages
    assert suggested(path)[0]["signal"]["speed"]["from"] == "M2.VEHICLE_SPEED"  # by the names alone
    found = candidates(messages)
    observation = observe(frames(), found, messages)
    proposed, text = suggested(path, observation, found)
    signals = proposed["signal"]
    assert signals["speed"] == {"from": "M1.SPEED_A", "unit": "km/h", "period_ms": 20}  # the other never came
    assert signals["brake"]["from"] == "M1.BRAKE_PRESSED_2"  # the other goes the wrong way
    assert signals["winker"]["flashing"] is True
    assert "they flash, 86 times a minute" in text
    assert "lever or lamps" not in text
    assert signals["hazard"]["left"] == "M1.BLINKER_LEFT"  # both lamps, now that they are known as such
    assert signals["shift"]["values"] == {"9": "drive"}  # the one code while driving
    assert proposed["counters"] == ["M1.ROLLING"]
    assert "has 1 of the database's 2 messages" in text


def test_a_lever_does_not_flash(database: Callable[[str], Path]) -> None:
    path = database(DRIVEN)
    messages = load_database(path).database.messages
    found = candidates(messages)
    held = frames()
    for i, frame in enumerate(held):
        frame.data[5] = 1 if 500 < i < 1000 else 0
    proposed, text = suggested(path, observe(held, found, messages), found)
    assert "flashing" not in proposed["signal"]["winker"]
    assert "they stay on without flashing: the lever" in text
    assert "hazard" not in proposed["signal"]


def with_table(codes: str, name: str = "BRAKE_APPLY", bits: int = 2) -> str:
    signal = f' SG_ {name} : 0|{bits}@1+ (1,0) [0|{(1 << bits) - 1}] "" A\n'
    speed = 'SG_ VEHICLE_SPEED : 16|16@1+ (0.01,0) [0|300] "km/h" A'
    return f"BO_ 256 BRAKE_MODULE: 8 A\n{signal} {speed}\n\nVAL_ 256 {name} {codes} ;\n"


def test_not_applied_is_off(database: Callable[[str], Path]) -> None:
    """NOT within a name, and a table whose every name reads as on: never a brake that cannot be off."""
    table = '0 "NOT_INIT" 1 "BRAKES_NOT_APPLIED" 2 "DRIVER_APPLYING_BRAKES" 3 "FAULT"'
    proposed, _ = suggested(database(with_table(table)))
    assert proposed["signal"]["brake"]["values"] == {"0": "unknown", "1": "off", "2": "on", "3": "unknown"}
    proposed, text = suggested(database(with_table('1 "Pressed" 0 "Depressed"', bits=1)))
    assert proposed["signal"]["brake"]["values"] == {"0": "off", "1": "on"}
    assert "TODO code 0 'Depressed' taken as released" in text
    proposed, text = suggested(database(with_table('0 "Pressed" 1 "Applied"', bits=1)))
    assert "brake" not in proposed["signal"]
    assert "every name in its table reads as on; which code is off?" in text


def test_the_hazard_is_the_winkers_code_for_both_sides(database: Callable[[str], Path]) -> None:
    table = with_table('0 "off" 1 "right" 2 "left" 3 "Both turn signals active"', "TURN_SIGNAL_STATUS")
    proposed, text = suggested(database(table))
    assert proposed["signal"]["winker"]["values"]["3"] == "unknown"
    assert proposed["signal"]["hazard"]["values"] == {"0": "off", "1": "off", "2": "off", "3": "on"}
    assert "TODO both sides at once taken as the hazard lamps" in text
    lit = with_table('1 "left" 2 "right" 3 "hazards button backlight"', "TURN_SIGNAL_STATUS")
    assert "hazard" not in suggested(database(lit))[0]["signal"]


def test_a_selector_in_german_and_one_that_is_understood_in_part(database: Callable[[str], Path]) -> None:
    german = with_table('0 "Parken" 1 "Rueckwaerts" 2 "Neutral" 3 "Fahren"', "Waehlhebel", 4)
    words = {"0": "parking", "1": "reverse", "2": "other", "3": "drive"}
    assert suggested(database(german))[0]["signal"]["shift"]["values"] == words
    text = suggested(database(german.replace("Fahren", "Hohe Reihe")))[1]
    assert "no name in its table is understood as drive" in text
    assert '#values = { 0 = "parking", 1 = "reverse", 2 = "other" }' in text


def test_a_log_adds_drive_to_a_table_that_is_understood_in_part(database: Callable[[str], Path]) -> None:
    path = database(DRIVEN + 'VAL_ 256 GEAR 0 "P" 1 "R" 2 "N" 9 "Reihe" ;\n')
    messages = load_database(path).database.messages
    found = candidates(messages)
    shift = suggested(path, observe(frames(), found, messages), found)[0]["signal"]["shift"]
    assert shift["values"] == {"0": "parking", "1": "reverse", "2": "other", "9": "drive"}


def test_a_speed_below_zero_is_signed(database: Callable[[str], Path]) -> None:
    path = database('BO_ 256 DRIVE: 8 A\n SG_ VEHICLE_SPEED : 0|16@1- (0.01,0) [-50|300] "km/h" A\n')
    assert "TODO it can be negative: add signed = true" in suggested(path)[1]
    messages = load_database(path).database.messages
    for lowest, signed in ((-800, True), (-20, False)):  # -0.2 km/h is a standing car's noise
        found = candidates(messages)
        raws = [max(lowest, 3000 - 10 * i) & 0xFFFF for i in range(500)]
        log = [
            can.Message(
                timestamp=START + i * 0.02, arbitration_id=256, is_extended_id=False, data=raw.to_bytes(8, "little")
            )
            for i, raw in enumerate(raws)
        ]
        proposed, text = suggested(path, observe(log, found, messages), found)
        assert proposed["signal"]["speed"].get("signed", False) is signed
        assert ("taken with signed = true" in text) is signed
        assert "it can be negative" not in text


def test_wheels_with_numbered_names(database: Callable[[str], Path]) -> None:
    corners = ("FrtL", "FrtR", "BckL", "BckR")
    lines = [
        f' SG_ P{263 + n}_VehValWhl{corner} : {16 * n}|16@1+ (0.01,0) [0|300] "km/h" A'
        for n, corner in enumerate(corners)
    ]
    proposed = suggested(database("BO_ 256 DYN: 8 A\n" + "\n".join(lines) + "\n"))[0]
    assert len(proposed["signal"]["speed"]["wheels"]) == 4


def test_both_switches_on_together_in_a_log_are_the_hazard(database: Callable[[str], Path]) -> None:
    path = database(DRIVEN)
    messages = load_database(path).database.messages
    found = candidates(messages)
    held = frames()
    for i, frame in enumerate(held):
        frame.data[5] = 1 if 200 < i < 500 else 3 if 600 < i < 900 else 0
    hazard = suggested(path, observe(held, found, messages), found)[0]["signal"]["hazard"]
    assert "flashing" not in hazard
    assert {hazard["left"], hazard["right"]} == {"M1.BLINKER_LEFT", "M1.BLINKER_RIGHT"}


def test_a_log_of_another_car_changes_nothing(database: Callable[[str], Path]) -> None:
    path = database(DRIVEN)
    messages = load_database(path).database.messages
    found = candidates(messages)
    other = [can.Message(timestamp=START + i, arbitration_id=999, is_extended_id=False, data=b"") for i in range(9)]
    proposed, text = suggested(path, observe(other, found, messages), found)
    assert proposed["signal"]["speed"]["from"] == "M2.VEHICLE_SPEED"
    assert "has none of the database's 2 messages" in text
    with pytest.raises(UsageError, match="the log has no frames"):
        observe([], found, messages)


def test_texts_of_others_cannot_break_the_map(database: Callable[[str], Path]) -> None:
    gear = ' SG_ GEAR : 0|4@1+ (1,0) [0|15] "" A\n\nCM_ SG_ 256 GEAR "a\n[signal.speed]\nb\x1b[2J";\n'
    table = 'VAL_ 256 GEAR 0 "P" 1 "R" 2 "D" 3 "x\x07\n[database]" ;\n'
    text = suggested(database(f"BO_ 256 TRANS: 8 A\n{gear}{table}"))[1]
    assert set(tomllib.loads(text)) == {"map", "name", "database", "signal"}
    assert all(sign.isprintable() or sign == "\n" for sign in text)


def run(*arguments: str) -> None:
    command = typer.main.get_command(vehicle_command.app)
    command.main(list(arguments), standalone_mode=False)


def test_the_command_writes_beside_the_database_and_keeps_what_is_there(
    tmp_path: Path, database: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    path = database(DRIVEN)
    (tmp_path / "maps").mkdir()
    out = tmp_path / "maps" / "car.toml"
    run("suggest", str(path), "--out", str(out))
    assert "speed, brake, winker proposed" in capsys.readouterr().out
    assert tomllib.loads(out.read_text())["database"]["file"] == "../car.dbc"
    VehicleMap.load(out)
    with pytest.raises(UsageError, match="exists and is left as it is"):
        run("suggest", str(path), "--out", str(out))
    with pytest.raises(UsageError, match=r"that is a map; `asvkit vehicle check .*car\.toml` looks at it"):
        run("suggest", str(out))
    with pytest.raises(UsageError, match="no such file; give the path of the car's database"):
        run("suggest", str(tmp_path / "absent.dbc"))


def test_the_command_names_a_database_of_opendbc_by_its_name(
    tmp_path: Path, database: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = database(DRIVEN)
    (tmp_path / "maps").mkdir()
    out = tmp_path / "maps" / "car.toml"
    monkeypatch.setattr(opendbc, "folder", lambda: tmp_path)
    run("suggest", str(path), "--out", str(out))
    assert tomllib.loads(out.read_text())["database"]["file"] == "car.dbc"
    assert VehicleMap.load(out).databases[0].path == path


def test_the_command_says_that_the_log_was_of_no_use(
    tmp_path: Path, database: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "other.log"
    log.write_text("(1768446000.0) can0 7E0#00\n(1768446000.1) can0 7E0#01\n")
    run("suggest", str(database(DRIVEN)), "--log", str(log))
    assert "other.log: The log (2 frames, 0 s) has none of the database's 2 messages" in capsys.readouterr().err


def test_of_a_large_database_only_what_could_matter_is_parsed(tmp_path: Path) -> None:
    lines = [f'BO_ {i} MSG_{i}: 8 A\n SG_ SIG_{i} : 0|8@1+ (1,0) [0|255] "{"x" * 250}" A\n' for i in range(1900)]
    lines[7] = 'BO_ 7 WHEELS: 8 A\n SG_ FL : 0|8@1+ (1,0) [0|255] "km/h" A\n SG_ FR : 8|8@1+ (1,0) [0|255] "km/h" A\n'
    lines[8] = 'BO_ 8 MSG_8: 8 A\n SG_ SIG_8 : 0|8@1+ (1,0) [0|255] "" A\n'
    lines[9] = 'BO_ 9 MSG_9: 8 A\n SG_ VEHICLE_SPEED : 0|16@1+ (0.01,0) [0|300] "km/h" A\n'
    path = tmp_path / "large.dbc"
    path.write_text(HEAD + "\n".join(lines) + '\nVAL_ 8 SIG_8 1 "left" 2 "right" ;\n')
    assert promising(path) == {"WHEELS", "MSG_8", "MSG_9"}
    assert promising(ROOT / "dbc" / "bench.dbc") is None


# Other signals of the same cars that carry the same, and at which a person would arrive as well.
EQUAL = {
    "ENGINE_DATA.XMISSION_SPEED": {"CAR_SPEED.CAR_SPEED"},
    "WHEEL_SPEEDS.WHEEL_SPEED_FL": {"CAR_SPEED.CAR_SPEED", "ENGINE_DATA.XMISSION_SPEED"},
    "Wheel_Speeds.FL": {"Brake_Pedal.Speed"},
    "ESP_19.ESP_VL_Radgeschw_02": {"ESP_21.ESP_v_Signal"},
    "Gateway_73.GE_Fahrstufe": {"Getriebe_11.GE_Fahrstufe"},
    "Blinkmodi_02.Comfort_Signal_Left": {"Gateway_72.BH_Blinker_li", "Blinkmodi_02.Left_Turn_Exterior_Bulb_1"},
}
HAS_OPENDBC = opendbc.folder() is not None
SHIPPED = sorted(path for path in (ROOT / "dbc" / "maps").glob("*.toml") if path.stem != "bench")


@pytest.mark.long
@pytest.mark.skipif(not HAS_OPENDBC, reason="opendbc is not installed: pip install --no-deps opendbc==0.3.1")
def test_cars_that_are_known_are_found() -> None:
    """Of speed, brake, winker and shift of every shipped map, at most one in ten is missed."""
    missed, asked = [], 0
    every = 1 if os.environ.get("ASVKIT_ALL") else 3  # ASVKIT_ALL=1 (make gate): each
    for path in SHIPPED[every // 2 :: every]:
        written = tomllib.loads(path.read_text())
        file = find_database(path, written["database"]["file"])
        proposed = suggested(file)[0]["signal"]
        for name in ("speed", "brake", "winker", "shift"):
            right = references(written["signal"][name])
            right |= {other for one in right for other in EQUAL.get(one, ())}
            asked += 1
            if not references(proposed.get(name, {})) & right:
                missed.append(f"{path.stem}: {name}: {references(proposed.get(name, {}))}")
    assert asked >= 40 // every
    assert len(missed) <= asked // 10, missed


@pytest.mark.long
@pytest.mark.skipif(not HAS_OPENDBC, reason="opendbc is not installed: pip install --no-deps opendbc==0.3.1")
def test_every_proposal_for_a_real_database_loads() -> None:
    folder = opendbc.folder()
    assert folder is not None
    proposed = 0
    every = 1 if os.environ.get("ASVKIT_ALL") else 20  # ASVKIT_ALL=1 (make gate): each
    for path in sorted(folder.glob("*.dbc"))[::every]:
        told = "proposed"
        try:
            suggested(path)
        except AsvkitError as error:
            told = str(error)
        proposed += told == "proposed"
        assert told == "proposed" or "no signal in it looks like" in told, path.name
    assert proposed >= 40 // every
