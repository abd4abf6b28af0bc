"""The shipped maps of real cars against the public databases that they name, frames made by cantools from values.

The databases come with the PyPI package `opendbc`; without it these tests skip. Checksums are computed here anew.
"""

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import can
import pytest

from asvunit.errors import UsageError
from asvunit.ports import OK, SIGNALS, UNKNOWN, VehicleSignal
from asvunit.resources import data_folder
from asvunit.vehicle import VehicleMap, opendbc

PARKING, REVERSE, OTHER, DRIVE = 3, 2, 4, 1
OFF, RIGHT, LEFT = 4, 5, 6  # winker; hazard and brake: 4 off, 5 on
ON = 5

Checksum = Callable[[int, bytes], bytes]


def toyota(identifier: int, data: bytes) -> bytes:
    total = len(data) + (identifier >> 8) + (identifier & 255) + sum(data[:-1])
    return data[:-1] + bytes([total & 255])


def honda(identifier: int, data: bytes) -> bytes:
    digits = f"{identifier:x}" + data[:-1].hex() + f"{data[-1] >> 4:x}"
    return data[:-1] + bytes([data[-1] & 0xF0 | (8 - sum(int(digit, 16) for digit in digits)) & 15])


def subaru(identifier: int, data: bytes) -> bytes:
    return bytes([(sum(data[1:]) + (identifier >> 8) + (identifier & 255)) & 255]) + data[1:]


def volkswagen(constants: dict[int, str]) -> Checksum:
    """CRC-8 with the polynomial 0x2F, bit by bit, over all bytes but the first, then the count's constant."""

    def checksum(identifier: int, data: bytes) -> bytes:
        table = bytes.fromhex(constants[identifier])
        crc = 0xFF
        for byte in data[1:] + bytes([table[data[1] % 16 % len(table)]]):
            crc ^= byte
            for _ in range(8):
                crc = (crc << 1 ^ (0x2F if crc & 0x80 else 0)) & 0xFF
        return bytes([crc ^ 0xFF]) + data[1:]

    return checksum


@dataclass(frozen=True)
class Family:
    """Where a car has what, read from opendbc's own code of that car."""

    speed: tuple[str, ...]
    gears: tuple[str, dict[int, int]]
    brake: tuple[str, ...]
    winker: tuple[str, str]  # the two bits; or one signal twice with `lever`
    hazard: str = ""  # a signal; "bulbs" where it is told from both sides
    lever: dict[int, int] = field(default_factory=dict)
    flashing: bool = False
    acceleration: str = ""
    accelerator: tuple[str, float] = ("", 1.0)  # the signal and how much of it is the whole pedal
    yaw_rate: tuple[str, str] = ("", "")  # left positive; with a signal of the sign, 1 to the right
    checksum: Checksum | None = None
    checked: tuple[str, ...] = ()
    counted: str = ""


_TOYOTA: Final = Family(
    speed=("SPEED.SPEED",),
    gears=("GEAR_PACKET.GEAR", {0: DRIVE, 1: DRIVE, 8: OTHER, 16: REVERSE, 32: PARKING}),
    brake=("BRAKE_MODULE.BRAKE_PRESSED", "ESP_CONTROL.BRAKE_LIGHTS_ACC"),
    winker=("BLINKERS_STATE.TURN_SIGNALS", "BLINKERS_STATE.TURN_SIGNALS"),
    lever={1: LEFT, 2: RIGHT, 3: OFF},
    hazard="BLINKERS_STATE.HAZARD_LIGHT",
    acceleration="KINEMATICS.ACCEL_X",
    accelerator=("GAS_PEDAL.GAS_PEDAL", 100.0),
    yaw_rate=("KINEMATICS.YAW_RATE", ""),
    checksum=toyota,
    checked=("SPEED", "GAS_PEDAL"),
)
_HONDA_GEARS: Final = ("GEARBOX_CVT.GEAR_SHIFTER", {1: PARKING, 2: REVERSE, 3: OTHER, 4: DRIVE, 7: DRIVE, 10: DRIVE})
_HONDA_CHECKED: Final = ("POWERTRAIN_DATA", "SCM_FEEDBACK", "GEARBOX_CVT", "VEHICLE_DYNAMICS")
_HONDA_BOSCH: Final = Family(
    speed=tuple(f"WHEEL_SPEEDS.WHEEL_SPEED_{wheel}" for wheel in ("FL", "FR", "RL", "RR")),
    gears=_HONDA_GEARS,
    brake=("POWERTRAIN_DATA.BRAKE_PRESSED",),
    winker=("SCM_FEEDBACK.LEFT_BLINKER", "SCM_FEEDBACK.RIGHT_BLINKER"),
    acceleration="VEHICLE_DYNAMICS.LONG_ACCEL",
    accelerator=("POWERTRAIN_DATA.PEDAL_GAS", 255),
    checksum=honda,
    checked=("WHEEL_SPEEDS", *_HONDA_CHECKED),
    counted="POWERTRAIN_DATA",
)
_NISSAN_WHEELS: Final = (
    "WHEEL_SPEEDS_FRONT.WHEEL_SPEED_FL",
    "WHEEL_SPEEDS_FRONT.WHEEL_SPEED_FR",
    "WHEEL_SPEEDS_REAR.WHEEL_SPEED_RL",
    "WHEEL_SPEEDS_REAR.WHEEL_SPEED_RR",
)
FAMILIES: Final = {
    "toyota_new_mc_pt": replace(_TOYOTA, brake=_TOYOTA.brake[:1]),
    "toyota_nodsu_pt": _TOYOTA,
    "toyota_tnga_k_pt": _TOYOTA,
    "honda_civic_touring_2016": Family(
        speed=("ENGINE_DATA.XMISSION_SPEED",),
        gears=_HONDA_GEARS,
        brake=("POWERTRAIN_DATA.BRAKE_PRESSED",),
        winker=("SCM_FEEDBACK.LEFT_BLINKER", "SCM_FEEDBACK.RIGHT_BLINKER"),
        acceleration="VEHICLE_DYNAMICS.LONG_ACCEL",
        accelerator=("POWERTRAIN_DATA.PEDAL_GAS", 255),
        checksum=honda,
        checked=("ENGINE_DATA", *_HONDA_CHECKED),
        counted="ENGINE_DATA",
    ),
    "honda_civic_hatchback_2017": _HONDA_BOSCH,
    "honda_crv_2017": replace(
        _HONDA_BOSCH, brake=("BRAKE_MODULE.BRAKE_PRESSED",), checked=("BRAKE_MODULE", *_HONDA_BOSCH.checked)
    ),
    "mazda_2017": Family(
        speed=("ENGINE_DATA.SPEED",),
        gears=("GEAR.GEAR", {1: PARKING, 2: REVERSE, 3: OTHER, 4: DRIVE}),
        brake=("PEDALS.BRAKE_ON",),
        winker=("BLINK_INFO.LEFT_BLINK", "BLINK_INFO.RIGHT_BLINK"),
        hazard="bulbs",
        flashing=True,
        acceleration="BRAKE.VEHICLE_ACC_X",
    ),
    "nissan_x_trail_2017": Family(
        speed=_NISSAN_WHEELS,
        gears=("GEARBOX.GEAR_SHIFTER", {1: PARKING, 2: REVERSE, 3: OTHER, 4: DRIVE, 6: DRIVE}),
        brake=("DOORS_LIGHTS.BRAKE_LIGHT", "DOORS_LIGHTS.USER_BRAKE_PRESSED"),
        winker=("LIGHTS.LEFT_BLINKER", "LIGHTS.RIGHT_BLINKER"),
        hazard="bulbs",
    ),
    "nissan_leaf_2018": Family(
        speed=_NISSAN_WHEELS,
        gears=("GEARBOX.GEAR_SHIFTER", {1: PARKING, 2: REVERSE, 3: OTHER, 4: DRIVE, 7: DRIVE}),
        brake=("CRUISE_THROTTLE.USER_BRAKE_PRESSED",),
        winker=("LIGHTS.LEFT_BLINKER", "LIGHTS.RIGHT_BLINKER"),
        hazard="bulbs",
    ),
    "subaru_global_2017": Family(
        speed=tuple(f"Wheel_Speeds.{wheel}" for wheel in ("FL", "FR", "RL", "RR")),
        gears=("Transmission.Gear", {2: OTHER, 3: REVERSE, 4: PARKING, 121: DRIVE, 137: DRIVE, 145: DRIVE, 177: DRIVE}),
        brake=("Brake_Pedal.Brake_Lights", "Brake_Status.Brake"),
        winker=("Dashlights.LEFT_BLINKER", "Dashlights.RIGHT_BLINKER"),
        hazard="bulbs",
        flashing=True,
        accelerator=("Throttle.Throttle_Pedal", 255),
        checksum=subaru,
        checked=("Wheel_Speeds", "Throttle", "Brake_Status", "Brake_Pedal", "Dashlights", "Transmission"),
        counted="Wheel_Speeds",
    ),
    "vw_mqb": Family(
        speed=tuple(f"ESP_19.ESP_{wheel}_Radgeschw_02" for wheel in ("VL", "VR", "HL", "HR")),
        gears=("Gateway_73.GE_Fahrstufe", {5: PARKING, 6: REVERSE, 7: OTHER, 8: DRIVE, 9: DRIVE, 10: DRIVE, 13: DRIVE}),
        brake=("Motor_14.MO_BLS", "Motor_14.MO_Fahrer_bremst", "ESP_05.ESP_Fahrer_bremst", "ESP_05.ECD_Bremslicht"),
        winker=("Blinkmodi_02.Comfort_Signal_Left", "Blinkmodi_02.Comfort_Signal_Right"),
        hazard="Blinkmodi_02.Hazard_Switch",
        acceleration="ESP_02.ESP_Laengsbeschl",
        accelerator=("Motor_20.MO_Fahrpedalrohwert_01", 100.0),
        yaw_rate=("ESP_02.ESP_Gierrate", "ESP_02.ESP_VZ_Gierrate"),
        checksum=volkswagen({0x101: "aa", 0x106: "07", 0x121: "e965ae6b7b35e55f4ec786a2bbddebb4"}),
        checked=("ESP_02", "ESP_05", "Motor_20"),
        counted="ESP_02",
    ),
}  # fmt: skip


@functools.cache
def loaded(name: str) -> VehicleMap:
    return VehicleMap.load(name)


class Car:
    """A car that sends frames of its database, and what its map tells of them."""

    def __init__(self, name: str) -> None:
        self.family = FAMILIES[name]
        whole = loaded(name)
        self.map = VehicleMap(whole.path, whole.name, whole.compiled(), databases=whole.databases)  # that heard nothing
        self.database = whole.databases[0].database
        self.time_ms = 1_000_000
        self.counts: dict[str, int] = {}
        self.told: dict[str, VehicleSignal] = {}

    def frame(self, name: str, values: Mapping[str, float]) -> can.Message:
        message = self.database.get_message_by_name(name)
        self.counts[name] = count = self.counts.get(name, -1) + 1
        whole: dict[str, float] = {signal.name: _raw_zero(signal.offset) for signal in message.signals}
        for signal in message.signals:
            if signal.name == "COUNTER":
                whole["COUNTER"] = count % (1 << signal.length)
        data = message.encode(whole | dict(values), strict=False)
        if name in self.family.checked and self.family.checksum:
            data = self.family.checksum(message.frame_id, data)
        return can.Message(
            timestamp=self.time_ms / 1000,
            arbitration_id=message.frame_id,
            is_extended_id=message.is_extended_frame,
            data=data,
        )

    def receive(self, frame: can.Message) -> list[VehicleSignal]:
        signals = self.map.decode(frame)
        self.told.update({SIGNALS[one.signal]: one for one in signals})
        return signals

    def send(self, values: Mapping[str, float], after_ms: int = 10) -> None:
        """Signals by "MESSAGE.SIGNAL", one frame for each message; the others of its signals are 0."""
        self.time_ms += after_ms
        messages = dict.fromkeys(reference.split(".")[0] for reference in values)
        for message in messages:
            own = {name.split(".")[1]: value for name, value in values.items() if name.split(".")[0] == message}
            self.receive(self.frame(message, own))

    def physical(self, reference: str, value: float) -> float:
        """What a value is after its signal's resolution."""
        message, name = reference.split(".")
        signal = self.database.get_message_by_name(message).get_signal_by_name(name)
        raw = round((value - signal.offset) / signal.scale)
        return float(raw * signal.scale + signal.offset)

    def value(self, name: str) -> int | None:
        one = self.told[name]
        assert one.status in (OK, UNKNOWN)
        return one.value if one.status == OK else None


def _raw_zero(offset: float) -> float:
    """A value whose raw code is 0."""
    return offset


def hundredths(value: float) -> int:
    return int((value * 100 + 0.5 + 1e-6) // 1)


@pytest.fixture(params=FAMILIES)
def car(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Car:
    if opendbc.folder() is None:
        pytest.skip(f"opendbc is not installed: {opendbc.INSTALL}")
    monkeypatch.delenv("ASVKIT_DBC_PATH", raising=False)
    return Car(str(request.param))


def test_every_shipped_map_is_tested_here() -> None:
    shipped = {file.stem for file in (data_folder("dbc") / "maps").glob("*.toml")}
    assert shipped - {"bench"} == set(FAMILIES)


def test_the_map_gives_what_the_family_has_and_warns_of_nothing(car: Car) -> None:
    family = car.family
    given = {"speed", "brake", "winker", "shift"} | {
        name for name in ("hazard", "acceleration") if getattr(family, name)
    }
    given |= {name for name in ("accelerator", "yaw_rate") if getattr(family, name)[0]}
    assert set(car.map.mapped) == given
    assert loaded(car.map.path.stem).warnings == ()
    assert car.map.databases[0].version.startswith("opendbc")


@pytest.mark.parametrize("speed_kmh", [0.0, 0.06, 5.0, 40.0, 99.99, 180.0])
def test_speed(car: Car, speed_kmh: float) -> None:
    sent = [car.physical(reference, speed_kmh) for reference in car.family.speed]
    for _ in range(3):
        car.send(dict.fromkeys(car.family.speed, speed_kmh))
    assert abs(sent[0] - speed_kmh) < 0.03
    assert abs(car.told["speed"].value - hundredths(sum(sent) / len(sent))) <= 1
    assert car.told["speed"].status == OK


def test_gears(car: Car) -> None:
    reference, codes = car.family.gears
    assert set(codes.values()) == {PARKING, REVERSE, OTHER, DRIVE}
    for code, lever in codes.items():
        car.send({reference: code})
        assert car.value("shift") == lever, code
    signal = reference.split(".")
    top = (1 << car.database.get_message_by_name(signal[0]).get_signal_by_name(signal[1]).length) - 1
    if top not in codes:
        car.send({reference: top})
        assert car.value("shift") is None  # no position has that code


def test_brake(car: Car) -> None:
    for source in car.family.brake:
        car.send(dict.fromkeys(car.family.brake, 0))
        assert car.value("brake") == OFF
        car.send(dict.fromkeys(car.family.brake, 0) | {source: 1})
        assert car.value("brake") == ON, source
    others = {source.split(".")[0] for source in car.family.brake[1:]} - {car.family.brake[0].split(".")[0]}
    car.send({car.family.brake[0]: 0}, after_ms=5_000)
    assert car.value("brake") == (None if others else OFF)  # the others were heard, and are silent now


def flash(car: Car, left: bool, right: bool, for_ms: int) -> list[tuple[int | None, int | None]]:
    """Winker and hazard every 100 ms while the bulbs light 0.4 s and rest 0.4 s, as at 75 flashes a minute."""
    seen = []
    for tick in range(for_ms // 100):
        lit = tick % 8 < 4 if car.family.flashing else True
        bulbs = dict(zip(car.family.winker, (int(left and lit), int(right and lit)), strict=True))
        car.send(bulbs, after_ms=100)
        seen.append((car.value("winker"), car.value("hazard") if car.family.hazard == "bulbs" else OFF))
    return seen


def test_winker_from_bulbs_or_the_lever(car: Car) -> None:
    if car.family.lever:
        for code, state in car.family.lever.items():
            car.send({car.family.winker[0]: code})
            assert car.value("winker") == state
        car.send({car.family.winker[0]: 0})
        assert car.value("winker") is None
        return
    assert flash(car, False, False, 2_000)[-1] == (OFF, OFF)
    for left, state in ((True, LEFT), (False, RIGHT)):
        seen = flash(car, left, not left, 4_000)
        assert set(seen[4:]) == {(state, OFF)}  # between flashes, too
        after = flash(car, False, False, 2_000)
        assert set(after[10:]) == {(OFF, OFF)}
    both = flash(car, True, True, 4_000)
    assert {winker for winker, _ in both[2:]} == {None}  # lamps of the hazard: the lever cannot be told
    if car.family.hazard == "bulbs":
        assert {hazard for _, hazard in both[2:]} == {ON}
        assert flash(car, False, False, 2_000)[-1] == (OFF, OFF)


def test_hazard_switch(car: Car) -> None:
    if car.family.hazard in ("", "bulbs"):
        assert ("hazard" in car.map.mapped) == (car.family.hazard == "bulbs")
        return
    for state, expected in ((0, OFF), (1, ON), (0, OFF)):
        car.send({car.family.hazard: state})
        assert car.value("hazard") == expected


def test_acceleration_forward_positive(car: Car) -> None:
    if not car.family.acceleration:
        assert "acceleration" not in car.map.mapped
        return
    for wanted in (-4.0, 0.0, 2.5):
        sent = car.physical(car.family.acceleration, wanted)
        car.send({car.family.acceleration: wanted})
        assert abs(sent - wanted) < 0.03
        assert car.value("acceleration") == hundredths(sent)


def test_accelerator(car: Car) -> None:
    reference, whole = car.family.accelerator
    if not reference:
        assert "accelerator" not in car.map.mapped
        return
    for percent in (0, 20, 100):
        car.send({reference: whole * percent / 100})
        assert car.value("accelerator") == percent


def test_yaw_rate_to_the_right_positive(car: Car) -> None:
    reference, sign = car.family.yaw_rate
    if not reference:
        assert "yaw_rate" not in car.map.mapped
        return
    for left_dps in (-30.0, 0.0, 12.5):
        amount = car.physical(reference, abs(left_dps) if sign else left_dps)
        left = amount if left_dps >= 0 or not sign else -amount
        car.send({reference: amount} | ({sign: int(left_dps < 0)} if sign else {}))
        assert abs(left - left_dps) < 0.25
        told = car.value("yaw_rate")
        assert told is not None
        assert abs(told + left * 100) <= 0.5


def test_a_frame_with_a_wrong_checksum_is_dropped(car: Car) -> None:
    for name in car.family.checked:
        good = car.frame(name, {})
        assert car.receive(good), name
        car.map.counters.clear()
        for bit in range(8 * len(good.data)):
            spoilt = bytearray(good.data)
            spoilt[bit // 8] ^= 1 << bit % 8
            frame = can.Message(
                timestamp=car.time_ms / 1000, arbitration_id=good.arbitration_id, data=spoilt, is_extended_id=False
            )
            assert car.map.decode(frame) == [], (name, bit)
        assert car.map.counters == {"bad_checksum": 8 * len(good.data)}


def test_a_sender_that_hangs_is_not_believed(car: Car) -> None:
    if not car.family.counted:
        return
    frame = car.frame(car.family.counted, {})
    assert car.receive(frame)
    assert car.map.decode(frame) == []
    assert car.map.counters["counter_stuck"] == 1
    assert car.receive(car.frame(car.family.counted, {}))


def test_a_database_of_another_version_is_refused_by_what_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dbc = (
        'BO_ 180 SPEED: 8 X\n SG_ SPEED_KMH : 47|16@0+ (0.01,0) [0|0] "" X\n SG_ CHECKSUM : 63|8@0+ (1,0) [0|0] "" X\n'
    )
    (tmp_path / "toyota_nodsu_pt_generated.dbc").write_text(dbc)
    (tmp_path / "car.toml").write_bytes((data_folder("dbc") / "maps" / "toyota_nodsu_pt.toml").read_bytes())
    with pytest.raises(UsageError) as refused:
        VehicleMap.load(tmp_path / "car.toml")
    assert str(refused.value).startswith(f"{tmp_path / 'car.toml'}: ")
    assert "has no " in str(refused.value)
    monkeypatch.setattr(opendbc, "folder", lambda: None)
    (tmp_path / "toyota_nodsu_pt_generated.dbc").unlink()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ASVKIT_DBC_PATH", raising=False)
    with pytest.raises(UsageError, match=r"toyota_nodsu_pt_generated\.dbc is in none of .*pip install"):
        VehicleMap.load(tmp_path / "car.toml")


def truth_rows(file: Path) -> Iterable[dict[str, str]]:
    lines = file.read_text().splitlines()
    names = lines[0].split(",")
    return (dict(zip(names, line.split(","), strict=True)) for line in lines[1:])


def test_the_shared_drive_decodes_to_its_truth_with_the_older_database(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database before version 0.3.1, found through the environment, before the package."""
    monkeypatch.setenv("ASVKIT_DBC_PATH", str(shared / "data" / "dbc"))
    vehicle = VehicleMap.load("toyota_new_mc_pt")
    assert vehicle.database_path.parent == shared / "data" / "dbc"
    truth = {
        round(float(row["t_s"]) * 100): row
        for row in truth_rows(shared / "data" / "can" / "toyota_new_mc_pt_truth_10ms.csv")
    }
    levers = {"off": OFF, "left": LEFT, "right": RIGHT}
    start_s, checked = None, dict.fromkeys(SIGNALS, 0)
    for frame in can.LogReader(shared / "data" / "can" / "toyota_new_mc_pt.log"):
        start_s = frame.timestamp if start_s is None else start_s
        row = truth.get(round((frame.timestamp - start_s) * 100))
        if row is None:
            continue
        for one in vehicle.decode(frame):
            name = SIGNALS[one.signal]
            expected = {
                "speed": float(row["speed_kmh"]) * 100,
                "brake": ON if row["brake_pressed"] == "1" else OFF,
                "winker": levers[row["turn_switch"]],
                "hazard": ON if row["hazard_switch"] == "1" else OFF,
                "shift": {"D": DRIVE, "P": PARKING}[row["gear"]],
                "accelerator": float(row["accel_pedal_pct"]),
                "acceleration": float(row["accel_long_mps2"]) * 100,
                "yaw_rate": 0.0,
            }[name]
            slack = {"speed": 10, "acceleration": 5, "accelerator": 2, "yaw_rate": 10}.get(name, 0)
            assert one.status == OK
            assert abs(one.value - expected) <= slack, (name, row)
            checked[name] += 1
    del checked["emergency"]  # ordinary cars have no such switch
    assert min(checked.values()) > 100
