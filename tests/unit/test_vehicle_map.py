"""Vehicle maps: values, statuses, counters, timeouts, and every mistake refused by file and key."""

import csv
import tempfile
from decimal import Decimal
from pathlib import Path

import can
import cantools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asvcore.can_table import REASONS
from asvunit.adapters.can_log import CanLog
from asvunit.errors import UsageError
from asvunit.ports import (
    ACCELERATION,
    ACCELERATOR,
    BRAKE,
    HAZARD,
    IMPLAUSIBLE,
    OK,
    SHIFT,
    SIGNALS,
    SPEED,
    UNKNOWN,
    WINKER,
    YAW_RATE,
    VehicleSignal,
)
from asvunit.resources import data_folder
from asvunit.vehicle import VehicleMap
from asvunit.vehicle.checks import KINDS
from asvunit.vehicle.database import search_near
from asvunit.vehicle.form import map_path
from asvunit.vehicle.words import KEYS

BENCH = cantools.database.load_file(data_folder("dbc") / "bench.dbc")
MOTION = {"SPEED": 0, "ACCELERATION": 0, "BRAKE_LAMP": 0, "AUXILIARY_BRAKE": 0, "ACCELERATOR": 0, "MOTION_ALIVE": 0}
BODY = {"WINKER_SWITCH": 0, "HAZARD_SWITCH": 0, "SHIFT_POSITION": 0, "BODY_ALIVE": 0}


def frame(name: str, time: float = 1.0, **values: int) -> can.Message:
    message = BENCH.get_message_by_name(name)
    raw = (MOTION if name == "MOTION" else BODY) | values
    data = message.encode(raw, scaling=False, strict=False)
    return can.Message(timestamp=time, arbitration_id=message.frame_id, is_extended_id=False, data=data)


def values(vehicle: VehicleMap, message: can.Message) -> dict[int, tuple[int, int]]:
    return {each.signal: (each.value, each.status) for each in vehicle.decode(message)}


@pytest.fixture
def bench() -> VehicleMap:
    return VehicleMap.load("bench")


@pytest.fixture
def make(tmp_path: Path):
    """Loads a map with the given signal tables on the bench database, or on one given as text."""

    def make(text: str, head: str = "", database: str = "") -> VehicleMap:
        file = data_folder("dbc") / "bench.dbc"
        if database:
            file = tmp_path / "car.dbc"
            file.write_text(database)
        path = tmp_path / "car.toml"
        path.write_text(f'map = 1\nname = "car"\n{head}\n[database]\nfile = "{file}"\n{text}\n')
        return VehicleMap.load(path)

    return make


def test_bench(bench: VehicleMap) -> None:
    assert bench.mapped == SIGNALS[:7]  # it has no sensor of its yaw rate
    assert bench.timeouts_ms == [200, 200, 500, 500, 500, 200, 200, 500, 500]
    motion = frame("MOTION", SPEED=4321, ACCELERATION=-250, BRAKE_LAMP=1, AUXILIARY_BRAKE=1, ACCELERATOR=75)
    assert values(bench, motion) == {SPEED: (4321, OK), ACCELERATION: (-250, OK), BRAKE: (7, OK), ACCELERATOR: (38, OK)}
    body = frame("BODY", WINKER_SWITCH=2, HAZARD_SWITCH=1, SHIFT_POSITION=3)
    assert values(bench, body) == {WINKER: (5, OK), HAZARD: (5, OK), SHIFT: (1, OK)}
    body = frame("BODY", WINKER_SWITCH=1, HAZARD_SWITCH=0, SHIFT_POSITION=1, BODY_ALIVE=1)
    assert values(bench, body) == {WINKER: (6, OK), HAZARD: (4, OK), SHIFT: (2, OK)}
    assert not bench.counters


def test_failed_and_unmapped_codes(bench: VehicleMap) -> None:
    motion = frame("MOTION", SPEED=65535, ACCELERATION=-32768, BRAKE_LAMP=3, ACCELERATOR=255)
    assert {status for _, status in values(bench, motion).values()} == {UNKNOWN}
    body = frame("BODY", WINKER_SWITCH=5, HAZARD_SWITCH=3, SHIFT_POSITION=9)
    assert {status for _, status in values(bench, body).values()} == {UNKNOWN}


def test_implausible_values_are_marked(bench: VehicleMap) -> None:
    motion = frame("MOTION", SPEED=30001, ACCELERATION=2001, ACCELERATOR=201)
    found = values(bench, motion)
    assert found == {
        SPEED: (30000, IMPLAUSIBLE),
        ACCELERATION: (2000, IMPLAUSIBLE),
        ACCELERATOR: (100, IMPLAUSIBLE),
        BRAKE: (4, OK),
    }


def test_frames_that_are_dropped(bench: VehicleMap) -> None:
    message = frame("MOTION")
    message.data, message.dlc = message.data[:7], 7
    assert bench.decode(message) == []
    message = frame("MOTION")
    message.is_extended_id = True
    assert bench.decode(message) == []
    message = frame("MOTION")
    message.arbitration_id = 0x7FF
    assert bench.decode(message) == []
    assert bench.counters == {"wrong_length": 1, "unknown_id": 2}


def test_times_are_exact(bench: VehicleMap) -> None:
    message = frame("MOTION", 1768446000.0003)
    assert bench.decode(message)[0].time_ns == 1_768_446_000_000_300_000


def test_alive_counter(bench: VehicleMap) -> None:
    counts = [14, 15, 0, 0, 0, 2, 3]
    seen = [bool(bench.decode(frame("MOTION", MOTION_ALIVE=count))) for count in counts]
    assert seen == [True, True, True, False, False, True, True]
    assert bench.counters == {"counter_stuck": 2, "counter_jump": 1}


def test_the_auxiliary_brake_alone_keeps_no_lamp_fresh(make) -> None:
    vehicle = make(
        '[signal.brake]\nfrom = "MOTION.BRAKE_LAMP"\nvalues = {0 = "off", 1 = "on"}\n'
        '[signal.auxiliary_brake]\nfrom = "BODY.HAZARD_SWITCH"\nvalues = {0 = "off", 1 = "on"}\ntimeout_ms = 300'
    )
    assert vehicle.decode(frame("BODY", 1.0, HAZARD_SWITCH=1)) == []
    assert values(vehicle, frame("MOTION", 1.1, BRAKE_LAMP=1)) == {BRAKE: (7, OK)}
    assert values(vehicle, frame("MOTION", 1.2, BRAKE_LAMP=0)) == {BRAKE: (6, OK)}
    assert values(vehicle, frame("MOTION", 1.31, BRAKE_LAMP=1)) == {BRAKE: (5, OK)}  # its sender fell silent
    vehicle.decode(frame("BODY", 1.4, HAZARD_SWITCH=0))
    assert values(vehicle, frame("MOTION", 1.4, BRAKE_LAMP=1)) == {BRAKE: (5, OK)}


def test_winker_of_two_bits(make) -> None:
    vehicle = make('[signal.winker]\nleft = "MOTION.BRAKE_LAMP"\nright = "MOTION.AUXILIARY_BRAKE"')
    found = [values(vehicle, frame("MOTION", BRAKE_LAMP=n & 1, AUXILIARY_BRAKE=n >> 1))[WINKER] for n in range(4)]
    assert found == [(4, OK), (6, OK), (5, OK), (0, UNKNOWN)]


def test_accelerator_switch(make) -> None:
    vehicle = make('[signal.accelerator_switch]\nfrom = "MOTION.BRAKE_LAMP"\nvalues = {off = "off", on = "on"}')
    assert vehicle.mapped == ("accelerator",)
    assert values(vehicle, frame("MOTION", BRAKE_LAMP=1)) == {ACCELERATOR: (120, OK)}
    assert values(vehicle, frame("MOTION", BRAKE_LAMP=0)) == {ACCELERATOR: (0, OK)}


@pytest.mark.parametrize(
    ("keys", "raw", "expected"),
    [
        ('unit = "m/s"', 1000, (3600, OK)),
        ('unit = "mph"', 1000, (1609, OK)),
        ('unit = "km/h"\nscale = 1.005', 100, (101, OK)),  # 100.5: by binary fractions 100
        ('unit = "km/h"\noffset = -0.005', 1, (1, OK)),  # 0.5
        ('unit = "km/h"\nscale = -1\nmagnitude = true', 100, (100, OK)),
        ('unit = "km/h"\nscale = -1', 100, (0, IMPLAUSIBLE)),
        ('unit = "km/h"\nscale = -1\nmin = -2', 100, (0, OK)),
        ('unit = "km/h"\nmax = 50', 5000, (5000, OK)),
        ('unit = "km/h"\nmax = 50', 5001, (5001, IMPLAUSIBLE)),
        ('unit = "km/h"\nunknown = [7]', 7, (0, UNKNOWN)),
    ],
)
def test_speed_units(make, keys: str, raw: int, expected: tuple[int, int]) -> None:
    vehicle = make(f'[signal.speed]\nfrom = "MOTION.SPEED"\n{keys}')
    assert values(vehicle, frame("MOTION", SPEED=raw)) == {SPEED: expected}


def test_other_units(make) -> None:
    vehicle = make('[signal.accelerator]\nfrom = "MOTION.SPEED"\nunit = "fraction"')
    assert values(vehicle, frame("MOTION", SPEED=50)) == {ACCELERATOR: (50, OK)}
    vehicle = make('[signal.acceleration]\nfrom = "MOTION.ACCELERATION"\nunit = "g"')
    assert values(vehicle, frame("MOTION", ACCELERATION=-100)) == {ACCELERATION: (-981, OK)}


@given(st.integers(0, 65535), st.decimals(Decimal("0.01"), 3, places=4))
def test_conversion_is_the_half_up_of_exact_numbers(raw: int, scale: Decimal) -> None:

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "car.toml"
        file = data_folder("dbc") / "bench.dbc"
        path.write_text(
            f'map = 1\nname = "car"\ndatabase.file = "{file}"\n'
            f'[signal.speed]\nfrom = "MOTION.SPEED"\nunit = "km/h"\nscale = {scale}\nmax = 3000'
        )
        vehicle = VehicleMap.load(path)
    expected = min(int((raw * scale + Decimal("0.5")) // 1), 30000)
    assert values(vehicle, frame("MOTION", SPEED=raw))[SPEED][0] == expected


def test_timeouts(make) -> None:
    winker = '[signal.winker]\nfrom = "BODY.WINKER_SWITCH"\nvalues = {0 = "off"}\n'
    assert make(winker).timeouts_ms[WINKER] == 500  # five cycles of 100 ms
    assert make(winker + "timeout_ms = 1500").timeouts_ms[WINKER] == 1500
    assert make(winker).timeouts_ms[SPEED] == 500


CAR = 'VERSION ""\nBO_ 291 M: 8 X\n SG_ A : 0|8@1+ (1,0) [0|0] "" X\n SG_ B : {start}|8@1+ (1,0) [0|14] "" X\n'
SPEED_A = '[signal.speed]\nfrom = "M.A"\nunit = "km/h"\n'


def test_overlapping_signals_need_strict_false(make) -> None:
    with pytest.raises(UsageError, match=r"car\.toml: database\.strict: .*overlap.*strict = false"):
        make("strict = true\n" + SPEED_A, database=CAR.format(start=4))
    assert any("overlap" in text for text in make(SPEED_A, database=CAR.format(start=4)).warnings)
    make("strict = false\n" + SPEED_A, database=CAR.format(start=4))


def test_a_counter_that_wraps_early(make) -> None:
    vehicle = make(SPEED_A, 'counters = ["M.B"]', CAR.format(start=8))
    for count in (13, 14, 0, 1):
        assert vehicle.decode(can.Message(arbitration_id=291, is_extended_id=False, data=bytes([1, count]) + bytes(6)))
    assert not vehicle.counters
    assert vehicle.timeouts_ms[SPEED] == 500  # no cycle time in the database


def test_multiplexed_signals(make) -> None:
    database = (
        'VERSION ""\nBO_ 291 M: 8 X\n SG_ MODE M : 0|8@1+ (1,0) [0|0] "" X\n'
        ' SG_ A m1 : 8|8@1+ (1,0) [0|0] "km/h" X\n SG_ B m2 : 8|8@1+ (1,0) [0|0] "" X\n'
    )
    vehicle = make(SPEED_A, database=database)
    found = []
    for mode in (1, 2, 3):
        message = can.Message(arbitration_id=291, is_extended_id=False, data=bytes([mode, 9]) + bytes(6))
        found.append(vehicle.decode(message))
    assert found == [[VehicleSignal(0, SPEED, 900)], [], []]
    assert vehicle.counters == {"undecodable": 1}


SPEED_OK = '[signal.speed]\nfrom = "MOTION.SPEED"\nunit = "km/h"\n'


@pytest.mark.parametrize(
    ("head", "text", "reason"),
    [
        (
            "",
            '[signal.speed]\nfrom = "MOTON.SPEED"\nunit = "km/h"',
            r"signal\.speed\.from: .*MOTON.*did you mean MOTION",
        ),
        ("", '[signal.speed]\nfrom = "MOTION.SPED"\nunit = "km/h"', r"signal\.speed\.from: .*did you mean SPEED"),
        ("", '[signal.speed]\nfrom = "SPEED"\nunit = "km/h"', r'signal\.speed\.from: .*"MESSAGE\.SIGNAL"'),
        ("", '[signal.speed]\nunit = "km/h"', r"signal\.speed\.from: missing"),
        ("", '[signal.speed]\nfrom = "MOTION.SPEED"', r"signal\.speed\.unit: missing; give one of km/h, m/s, mph"),
        ("", '[signal.speed]\nfrom = "MOTION.SPEED"\nunit = "kmh"', r"signal\.speed\.unit: 'kmh'"),
        ("", SPEED_OK + "scale = 0", r"signal\.speed\.scale: "),
        ("", SPEED_OK + "scale = nan", r"signal\.speed\.scale: "),
        ("", SPEED_OK + "scale = 1e999999999", r"signal\.speed\.scale: "),
        ("", SPEED_OK + 'scale = "x"', r"signal\.speed\.scale: "),
        ("", SPEED_OK + "min = 5\nmax = 5", r"signal\.speed\.min: "),
        ("", SPEED_OK + "timeout_ms = 0", r"signal\.speed\.timeout_ms: "),
        ("", SPEED_OK + "timeuot_ms = 5", r"signal\.speed\.timeuot_ms: unknown key; did you mean timeout_ms"),
        ("", SPEED_OK + 'values = {0 = "off"}', r"signal\.speed\.values: not for this signal"),
        ("", SPEED_OK.replace("signal.speed", "signal.sped"), r"signal\.sped: .*did you mean speed"),
        ("", '[signal.hazard]\nfrom = "BODY.HAZARD_SWITCH"', r"signal\.hazard\.values: missing"),
        ("", '[signal.hazard]\nfrom = "BODY.HAZARD_SWITCH"\nvalues = {0 = "of"}', r"hazard\.values\.0: 'of' is none"),
        ("", '[signal.hazard]\nfrom = "BODY.HAZARD_SWITCH"\nvalues = {onn = "on"}', r"hazard\.values\.onn: .* mean on"),
        ("", '[signal.hazard]\nfrom = "BODY.HAZARD_SWITCH"\nunit = "%"', r"signal\.hazard\.unit: not for this"),
        ("", '[signal.winker]\nleft = "MOTION.BRAKE_LAMP"', r"signal\.winker: .*both left and right"),
        ("", '[signal.hazard]\nleft = "MOTION.BRAKE_LAMP"', r"signal\.hazard: .*both left and right"),
        ("", '[signal.shift]\nleft = "MOTION.BRAKE_LAMP"', r"signal\.shift\.left: not for this signal"),
        (
            "",
            '[signal.auxiliary_brake]\nfrom = "MOTION.AUXILIARY_BRAKE"\nvalues = {1 = "on"}',
            r"signal\.auxiliary_brake: needs signal\.brake",
        ),
        (
            "",
            '[signal.accelerator]\nfrom = "MOTION.ACCELERATOR"\nunit = "%"\n'
            '[signal.accelerator_switch]\nfrom = "MOTION.BRAKE_LAMP"\nvalues = {1 = "on"}',
            r"signal\.accelerator_switch: ",
        ),
        ("xyz = 1", SPEED_OK, r"xyz: unknown key; known: map"),
        ('counters = ["BODY.BODY_ALIVE"]', SPEED_OK, r"counters\.0: BODY feeds no signal"),
        ('counters = ["MOTION.ALIVE"]', SPEED_OK, r"counters\.0: .*did you mean MOTION_ALIVE"),
        ("", 'stricct = false\n[signal.speed]\nfrom = "x"', r"database\.stricct: unknown key; did you mean strict"),
        ("", 'encoding = "klingon"\n' + SPEED_OK, r"database\.encoding: .*klingon"),
        ("", "[signal]", r"signal: "),
        ("", "signal = 5", r"signal: "),
    ],
)
def test_mistakes(make, head: str, text: str, reason: str) -> None:
    with pytest.raises(UsageError, match=r"car\.toml: .*" + reason) as refusal:
        make(text, head)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("content", [b"", b"\x00\xff\xfe", b"hello", b"[" * 5000, b"map = 2", b"a = " + b"9" * 5000])
def test_files_that_are_no_map(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "car.toml"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"car\.toml: ") as refusal:
        VehicleMap.load(path)
    assert "\n" not in str(refusal.value)


@given(st.binary(max_size=60) | st.text("[]{}=.\"'#\n map1nesigldtbf_", max_size=60).map(str.encode))
def test_any_bytes_are_refused(content: bytes) -> None:

    with tempfile.NamedTemporaryFile(suffix=".toml") as file:
        file.write(content)
        file.flush()
        with pytest.raises(UsageError):
            VehicleMap.load(file.name)


def test_wrong_paths(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing.toml"):
        with pytest.raises(UsageError, match="cannot be read"):
            VehicleMap.load(path)
    with pytest.raises(UsageError, match=r"bnech: .*bench"):
        VehicleMap.load("bnech")


@pytest.mark.parametrize("content", ["", "hello", "\x00\x01"])
def test_files_that_are_no_database(make, content: str) -> None:
    with pytest.raises(UsageError, match=r"car\.toml: database\.file: .*car\.dbc") as refusal:
        make(SPEED_A, database=content or " ")
    assert "\n" not in str(refusal.value)


def test_where_databases_are_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maps, log, configured, current = (tmp_path / name for name in ("maps", "drives/can", "configured", "current"))
    for folder in (maps, log, configured, current / "dbc", tmp_path / "drives/dbc"):
        folder.mkdir(parents=True)
    path = maps / "car.toml"
    path.write_text('map = 1\nname = "car"\ndatabase.file = "car.dbc"\n' + SPEED_A)
    monkeypatch.chdir(current)
    monkeypatch.setenv("ASVKIT_DBC_PATH", f"/nowhere:{configured}")
    with pytest.raises(UsageError, match=r"car\.toml: database\.file: car\.dbc is in none of .*ASVKIT_DBC_PATH"):
        VehicleMap.load(path)
    places = [maps, tmp_path / "drives/dbc", log, current, current / "dbc", configured]
    for place in places:
        (place / "car.dbc").write_text(CAR.format(start=8))
        assert VehicleMap.load(path, search_near(log / "drive.log")).mapped == ("speed",)
        (place / "car.dbc").unlink()
    monkeypatch.chdir(log)
    (tmp_path / "drives/dbc/car.dbc").write_text(CAR.format(start=8))
    assert VehicleMap.load(path, search_near("drive.log")).mapped == ("speed",)


@pytest.mark.shared
def test_a_real_car_against_its_truth(shared: Path) -> None:
    log = shared / "data/can/toyota_new_mc_pt.log"
    vehicle = VehicleMap.load("toyota_new_mc_pt", search_near(log))
    with (shared / "data/can/toyota_new_mc_pt_truth_10ms.csv").open() as file:
        truth = list(csv.DictReader(file))
    counts = dict.fromkeys(range(len(SIGNALS)), 0)
    for message in CanLog(log):
        for signal in vehicle.decode(message):
            assert signal.status == OK
            counts[signal.signal] += 1
            if signal.signal == YAW_RATE:
                continue  # the truth has none
            row = truth[(signal.time_ns - 1_768_446_000 * 10**9) // 10**7]
            expected = {
                SPEED: float(row["speed_kmh"]) * 100,
                ACCELERATION: float(row["accel_long_mps2"]) * 100,
                ACCELERATOR: float(row["accel_pedal_pct"]),
                BRAKE: 4 + int(row["brake_pressed"]),
                WINKER: {"off": 4, "right": 5, "left": 6}[row["turn_switch"]],
                HAZARD: 4 + int(row["hazard_switch"]),
                SHIFT: {"D": 1, "P": 3}[row["gear"]],
            }[signal.signal]
            # What the car's own steps and the truth's decimals leave.
            assert abs(signal.value - expected) <= {SPEED: 0.51, ACCELERATION: 2.2, ACCELERATOR: 0.7}.get(
                signal.signal, 0
            )
    assert counts[ACCELERATION] == 6001
    assert counts[WINKER] == 121
    assert vehicle.counters == {"unknown_id": 6603}


def test_the_documented_example(tmp_path: Path) -> None:
    text = (Path(__file__).resolve().parents[2] / "docs/vehicle-maps.md").read_text()
    database, toml = (block.split("```")[0] for block in text.split("```\nBO_ ")[1:2] + text.split("```toml\n")[1:2])
    (tmp_path / "mycar.dbc").write_text('VERSION ""\nBO_ ' + database)
    (tmp_path / "mycar.toml").write_text(toml)
    vehicle = VehicleMap.load(tmp_path / "mycar.toml")
    assert vehicle.mapped == ("speed", "winker")
    levers = [
        can.Message(arbitration_id=1556, is_extended_id=False, data=bytes([0, 0, 0, n << 4, 0, 0, 0, 0]))
        for n in range(4)
    ]
    assert [values(vehicle, each)[WINKER] for each in levers] == [(0, UNKNOWN), (6, OK), (5, OK), (4, OK)]


def test_every_key_and_kind_is_documented() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs/vehicle-maps.md").read_text()
    for keys in KEYS.values():
        for key in keys:
            assert f"`{key}`" in text or f"`{key} = " in text, key
    for name in (*KEYS, *KINDS, *REASONS[1:]):
        assert f"`{name}`" in text, name


def test_a_folder_of_a_map_s_name_does_not_hide_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bench").mkdir()
    assert map_path("bench").is_file()
