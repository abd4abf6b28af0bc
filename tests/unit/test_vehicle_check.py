"""`asvkit vehicle check` and `compile`: what a map gives, what a log shows of it, and the mend of each fault."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import can
import pytest
import typer

from asvtools import vehicle_command
from asvtools.vehicle_check import Report, inspect
from asvunit.errors import AsvkitError, UsageError
from asvunit.vehicle import VehicleMap

START = 1768446000.0
CAR = """VERSION ""

NS_ :

BS_:

BU_: ESC BCM ASV

BO_ 180 SPEED: 8 ESC
 SG_ KPH : 7|16@0+ (0.01,0) [0|250] "km/h" ASV
 SG_ ALIVE : 59|4@0+ (1,0) [0|14] "" ASV

BO_ 1556 LEVERS: 4 BCM
 SG_ TURN : 29|2@0+ (1,0) [0|3] "" ASV

BO_ 1600 PEDALS: 1 BCM
 SG_ BRAKE : 0|1@1+ (1,0) [0|1] "" ASV

VAL_ 1556 TURN 0 "failed" 1 "left" 2 "right" 3 "none" ;
"""
MAP = """map = 1
name = "my car"
counters = ["SPEED.ALIVE"]

[database]
file = "mycar.dbc"

[signal.speed]
from = "SPEED.KPH"
unit = "km/h"

[signal.winker]
from = "LEVERS.TURN"
values = { 1 = "left", 2 = "right" }
timeout_ms = 1500
"""
WHEELS = "".join(f'BO_ {700 + n} W{n}: 1 ESC\n SG_ KPH : 0|8@1+ (1,0) [0|250] "km/h" ASV\n\n' for n in range(3))
BRAKE = '[signal.brake]\nfrom = "PEDALS.BRAKE"\nvalues = { 0 = "off", 1 = "on" }\n'


def speed(time_s: float, kmh: float, alive: int, **options: Any) -> can.Message:
    data = round(kmh * 100).to_bytes(2, "big") + bytes([0, 0, 0, 0, 0, alive])
    fields: dict[str, Any] = {"arbitration_id": 180, "is_extended_id": False, "data": data, "channel": "can0"}
    return can.Message(timestamp=START + time_s, **(fields | options))


def levers(time_s: float, code: int, **options: Any) -> can.Message:
    fields: dict[str, Any] = {"arbitration_id": 1556, "is_extended_id": False, "channel": "can0"}
    return can.Message(timestamp=START + time_s, **(fields | {"data": bytes([0, 0, 0, code << 4])} | options))


def drive(seconds: int = 10) -> list[can.Message]:
    """50 Hz speed up to 40 km/h, 2 Hz lever: right from 3 s to 6 s."""
    frames = [speed(i * 0.02, min(i * 0.2, 40), i % 15) for i in range(seconds * 50)]
    frames += [levers(i * 0.5, 2 if 6 <= i < 12 else 1) for i in range(seconds * 2)]
    return sorted(frames, key=lambda frame: frame.timestamp)


@pytest.fixture
def car(tmp_path: Path) -> Callable[..., VehicleMap]:
    def make(text: str = MAP, database: str = CAR) -> VehicleMap:
        (tmp_path / "mycar.dbc").write_text(database)
        (tmp_path / "mycar.toml").write_text(text)
        return VehicleMap.load(tmp_path / "mycar.toml")

    return make


@pytest.fixture
def log(tmp_path: Path) -> Callable[[list[can.Message]], Path]:
    def write(messages: list[can.Message]) -> Path:
        path = tmp_path / "drive.log"
        with can.Logger(path) as logger:
            for message in messages:
                logger.on_message_received(message)
        return path

    return write


def row(report: Report, element: str) -> Any:
    return next(row for row in report.rows if row.element == element)


def faults(report: Report) -> dict[str, str]:
    return {finding.kind: finding.text for finding in report.findings if finding.fault}


def test_without_a_log_each_element_and_what_is_missed(car: Callable[..., VehicleMap]) -> None:
    report = inspect(car(), None, [])
    assert [row.element for row in report.rows if row.feeds] == ["speed", "winker"]
    assert "no right turn and no left turn support" in row(report, "winker").without
    assert not faults(report)
    assert any("no cycle time is known of SPEED (speed)" in finding.text for finding in report.findings)


def test_a_good_log(car: Callable[..., VehicleMap], log: Callable[[list[can.Message]], Path]) -> None:
    report = inspect(car(), log(drive()), [])
    assert faults(report) == {}
    moved, winker = row(report, "speed"), row(report, "winker")
    assert (moved.low, moved.high, moved.unit, moved.state) == (0.0, 40.0, "km/h", "alive")
    assert winker.met == {"left": 14, "right": 6}
    assert moved.fresh == pytest.approx(1.0, abs=0.002)
    seen = report.measured.seen[0, 180, False]
    assert seen.rate_hz == pytest.approx(50, rel=0.001)
    assert (seen.count, seen.longest_ns) == (500, 20_000_000)


def test_an_unknown_code_is_told_with_its_name_and_the_line_to_add(
    car: Callable[..., VehicleMap], log: Callable[[list[can.Message]], Path]
) -> None:
    frames = [*drive(), *(levers(10 + i * 0.5, 3) for i in range(4)), levers(12, 0)]
    report = inspect(car(), log(frames), [])
    texts = [finding.text for finding in report.findings if finding.kind == "unknown_code"]
    assert texts == [
        "winker: code 3 ('none' in the database) of LEVERS.TURN came 4 times, first after 10.00 s, and has no word:"
        ' add 3 = "off" to signal.winker.values',
        "winker: code 0 ('failed' in the database) of LEVERS.TURN came once, first after 12.00 s, and has no word:"
        ' add 0 = "unknown" to signal.winker.values',
    ]
    assert row(report, "winker").met == {"left": 14, "right": 6, "code 0": 1, "code 3": 4}


def test_the_mend_mends(car: Callable[..., VehicleMap], log: Callable[[list[can.Message]], Path]) -> None:
    mended = MAP.replace('2 = "right"', '2 = "right", 3 = "off", 0 = "unknown"')
    report = inspect(car(mended), log([*drive(), levers(9.8, 3), levers(9.9, 0)]), [])
    assert faults(report) == {}
    assert row(report, "winker").met == {"left": 14, "right": 6, "off": 1, "unknown": 1}


def test_a_dead_signal(car: Callable[..., VehicleMap], log: Callable[[list[can.Message]], Path]) -> None:
    report = inspect(car(MAP + BRAKE), log(drive()), [])
    assert list(faults(report)) == ["dead"]
    assert faults(report)["dead"].startswith("brake is dead: PEDALS (0x640) never came; take it from another message")
    assert row(report, "brake").state == "dead"


def test_a_dead_signal_of_another_channel(
    car: Callable[..., VehicleMap], log: Callable[[list[can.Message]], Path]
) -> None:
    other = can.Message(timestamp=START + 5, arbitration_id=1600, is_extended_id=False, data=b"\1", channel="can7")
    report = inspect(car(MAP + BRAKE), log([*drive(), other]), [])
    assert "never came on channel can0, but on channel can7: another bus; --bus can=can7" in faults(report)["dead"]
    assert report.measured.taken == ["can0"]
    told = inspect(car(MAP + BRAKE), log([*drive(), other]), ["can=can7"])
    assert told.measured.taken == ["can7"]
    assert row(told, "brake").met == {"on": 1}


def test_a_gap_is_stale_with_its_place(
    car: Callable[..., VehicleMap], log: Callable[[list[can.Message]], Path]
) -> None:
    frames = [frame for frame in drive() if not (frame.arbitration_id == 180 and 4 < frame.timestamp - START < 6)]
    report = inspect(car(), log(frames), [])
    assert row(report, "speed").state == "stale"
    text = faults(report)["stale"]
    assert text.startswith("speed is stale: once no good value for more than its timeout of 500 ms, longest 2.0")
    assert " s after 4.0" in text
    assert "frames usually come every 20 ms" in text
    assert row(report, "speed").fresh == pytest.approx(0.85, abs=0.01)


def test_a_wheel_that_stays_away_is_told_though_the_others_stand_in(
    car: Callable[..., VehicleMap], log: Callable[[list[can.Message]], Path]
) -> None:
    database = CAR.replace("BU_: ESC BCM ASV\n", "BU_: ESC BCM ASV\n" + WHEELS)
    wheels = ", ".join(f'"W{number}.KPH"' for number in range(3))
    text = MAP.replace('from = "SPEED.KPH"', f"wheels = [{wheels}]").replace('counters = ["SPEED.ALIVE"]\n', "")
    frames = [
        can.Message(
            timestamp=START + i / 50, arbitration_id=700 + wheel, is_extended_id=False, data=bytes([20 + i % 9])
        )
        for i in range(500)
        for wheel in range(3)
        if not (wheel == 2 and 100 < i < 200)
    ]
    frames += [levers(i / 2, 1 + i % 2) for i in range(20)]
    frames.sort(key=lambda frame: frame.timestamp)
    for frame in frames:
        frame.channel = "can0"
    report = inspect(car(text, database), log(frames), [])
    assert row(report, "speed").state == "alive"
    assert faults(report) == {
        "part_stale": "speed: W2 stayed away for 2.00 s after 2.00 s, longer than its timeout of 500 ms;"
        " its other sources stood in"
    }


def test_a_slow_rhythm_gets_its_timeout(
    car: Callable[..., VehicleMap], log: Callable[[list[can.Message]], Path]
) -> None:
    frames = [*(speed(i * 0.02, 20, i % 15) for i in range(500)), *(levers(i * 2.0, 1 + i % 2) for i in range(5))]
    frames.sort(key=lambda frame: frame.timestamp)
    report = inspect(car(), log(frames), [])
    assert "if that is its rhythm, give timeout_ms = 3000 in signal.winker" in faults(report)["stale"]
    mended = car(MAP.replace("timeout_ms = 1500", "timeout_ms = 3000"))
    assert faults(inspect(mended, log(frames), [])) == {}


def test_implausible_wrong_length_and_a_counter_that_is_none(
    car: Callable[..., VehicleMap], log: Callable[[list[can.Message]], Path]
) -> None:
    frames = [speed(i * 0.02, 400 if i % 10 == 0 else 20 + i % 3, i * 7 % 15) for i in range(200)]
    frames += [levers(4 + i, 1, data=bytes(6)) for i in range(3)]
    found = faults(inspect(car(), log(frames), []))
    assert found["implausible"].startswith("speed: 20 times outside its limits; mend unit, scale or offset")
    assert found["wrong_length"].startswith("LEVERS (0x614): 3 times of 3 with 6 bytes, the database says 4: dropped")
    assert "it does not count frames; take it out of counters" in found["no_counter"]
    assert "signed" not in found["implausible"]  # of a signal that cannot be negative
    assert "never_known" not in found  # the length is why, not the codes


def test_a_speed_below_zero_gets_its_mend(
    car: Callable[..., VehicleMap], log: Callable[[list[can.Message]], Path]
) -> None:
    signed = CAR.replace("KPH : 7|16@0+ (0.01,0) [0|250]", "KPH : 7|16@0- (0.01,0) [-250|250]")
    frames = [speed(i * 0.02, 20, i % 15) for i in range(100)]
    for frame in frames[50:]:
        frame.data[:2] = (-700).to_bytes(2, "big", signed=True)
    path = log([*frames, levers(1, 1), levers(2, 2)])
    said = faults(inspect(car(MAP, signed), path, []))["implausible"]
    assert said.endswith("if it is negative in reverse, add signed = true")
    mended = MAP.replace('unit = "km/h"', 'unit = "km/h"\nsigned = true')
    assert row(inspect(car(mended, signed), path, []), "speed").low == -7.0


def test_a_counter_that_stands_still(car: Callable[..., VehicleMap], log: Callable[[list[can.Message]], Path]) -> None:
    frames = [speed(i * 0.02, 20 + i % 9, min(i, 50) % 15) for i in range(200)]
    found = faults(inspect(car(), log([*frames, levers(1, 1), levers(2, 2)]), []))
    assert found["counter_stuck"].startswith("SPEED (0x0B4): 149 times of 200 frames came with a counter that stood")


def test_a_log_of_another_car_says_what_it_has(
    car: Callable[..., VehicleMap], log: Callable[[list[can.Message]], Path]
) -> None:
    frames = [can.Message(timestamp=START + i, arbitration_id=0x321, is_extended_id=False, data=b"") for i in range(3)]
    frames.append(can.Message(timestamp=START + 4, arbitration_id=0x18FEF100, is_extended_id=True, data=b""))
    found = faults(inspect(car(), log(frames), []))
    assert list(found) == ["none_seen"]
    assert "none of the map's 2 identifiers; it has 0x321, 0x18FEF100;" in found["none_seen"]


def test_time_that_jumps_back_is_told(car: Callable[..., VehicleMap], log: Callable[[list[can.Message]], Path]) -> None:
    report = inspect(car(), log([*drive(4), *drive(4)]), [])
    assert [finding.text for finding in report.findings if finding.kind == "time_back"] == [
        "the log's time jumps back once, first after 3.980 s; gaps there are not counted"
    ]


def test_several_buses_are_found_by_what_they_carry(
    tmp_path: Path, car: Callable[..., VehicleMap], log: Callable[[list[can.Message]], Path]
) -> None:
    two = MAP.replace("[database]", "[bus.chassis]").replace(
        "[signal.speed]", '[bus.body]\nfile = "mycar.dbc"\n\n[signal.speed]'
    )
    two = two.replace('"SPEED.', '"chassis:SPEED.').replace('"LEVERS.', '"body:LEVERS.')
    frames = [*drive()]
    for frame in frames:
        frame.channel = "can3" if frame.arbitration_id == 180 else "can1"
    vehicle = car(two)
    report = inspect(vehicle, log(frames), [])
    assert dict(zip(vehicle.buses, report.measured.taken, strict=True)) == {"chassis": "can3", "body": "can1"}
    assert faults(report) == {}
    with pytest.raises(UsageError, match="the map has no bus 'bodi'; did you mean body"):
        inspect(vehicle, log(frames), ["bodi=can1"])
    with pytest.raises(UsageError, match="the log has no channel can9; it has can1, can3"):
        inspect(vehicle, log(frames), ["body=can9"])


def run(*arguments: str) -> None:
    command = typer.main.get_command(vehicle_command.app)
    command.main(list(arguments), standalone_mode=False)


def test_the_command_for_people_fits_80_columns(
    tmp_path: Path,
    car: Callable[..., VehicleMap],
    log: Callable[[list[can.Message]], Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    car(MAP + BRAKE)
    log(drive())
    with pytest.raises(AsvkitError, match=r"mycar\.toml: brake is dead"):
        run("check", "mycar.toml", "--log", "drive.log")
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    for text in ("20 speed", "0 to 40 km/h", "50 Hz", "never", "dead", "To mend", "Not given by this map"):
        assert text in shown
    run("check", "bench")
    assert "The map is good: 7 of 8 elements" in capsys.readouterr().out


def test_json_is_one_object(
    car: Callable[..., VehicleMap],
    log: Callable[[list[can.Message]], Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = car().path
    run("check", str(path), "--log", str(log(drive())), "--json")
    report = json.loads(capsys.readouterr().out)
    assert report["good"] is True
    by_name = {element["element"]: element for element in report["elements"]}
    assert by_name["speed"]["from"][0]["rate_hz"] == pytest.approx(50, rel=0.001)
    assert by_name["winker"]["values"] == {"left": 14, "right": 6}
    assert by_name["hazard"] == {
        "number": 26,
        "element": "hazard",
        "covered": False,
        "without": "it is sent as unknown",
    }
    assert report["log"]["taken"] == {"": {"channel": "can0", "why": "it has 2 of 2 identifiers"}}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check", "car.dbc"], "that is a database; `asvkit vehicle suggest car.dbc` makes a map of it"),
        (["check", "drive.log"], "that is a log, not a map"),
        (["check", "bench", "--bus", "x=1"], "give --log"),
        (["check", "bench", "--dbc", "/nowhere"], "is no folder"),
        (["check", "no-such-map"], "neither a file nor a map that comes with asvkit"),
        (["check", "bench", "--log", "absent.log"], r"absent\.log: cannot be read"),
    ],
)
def test_wrong_usage(arguments: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        run(*arguments)


def test_a_compiled_map_decodes_without_its_database(
    tmp_path: Path,
    car: Callable[..., VehicleMap],
    log: Callable[[list[can.Message]], Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = car().path
    out = tmp_path / "mycar.json"
    run("compile", str(path), "-o", str(out))
    said = capsys.readouterr()
    assert said.out == ""
    assert "2 CAN identifiers of 1 bus give speed, winker" in said.err
    run("compile", str(path))
    assert capsys.readouterr().out == out.read_text()  # the same each time
    for kept in (path, tmp_path / "mycar.dbc"):
        before = kept.read_bytes()
        with pytest.raises(UsageError, match="exists and is no compiled map; it is left as it is"):
            run("compile", str(path), "-o", str(kept))
        assert kept.read_bytes() == before
    run("compile", str(path), "-o", str(out))  # an earlier one is written anew
    (tmp_path / "mycar.dbc").unlink()
    compiled = inspect(VehicleMap.load(out), log(drive()), [])
    assert row(compiled, "winker").met == {"right": 6, "left": 14}
    assert (row(compiled, "speed").low, row(compiled, "speed").high) == (0.0, 40.0)


def test_compile_warns_of_wide_fields(car: Callable[..., VehicleMap], capsys: pytest.CaptureFixture[str]) -> None:
    wide = CAR.replace("KPH : 7|16@0+ (0.01,0)", "KPH : 7|32@0+ (0.00001,0)")
    run("compile", str(car(MAP, wide).path))
    assert "SPEED.KPH (32 bits): beyond 30 bits" in capsys.readouterr().err


def test_an_emergency_vehicles_switch_is_told_where_the_map_has_it(car: Callable[..., VehicleMap]) -> None:
    assert all(row.element != "emergency" for row in inspect(car(), None, []).rows)
    switched = car(MAP + '[signal.emergency]\nfrom = "PEDALS.BRAKE"\nvalues = { 0 = "off", 1 = "on" }\n')
    row = inspect(switched, None, []).rows[-1]
    assert (row.number, row.element, [feed.name for feed in row.feeds]) == (42, "emergency", ["emergency"])
    assert row.feeds[0].words == {0: "off", 1: "on"}
