"""A truck for tests: a J1939 database with the usual groups and parameters, its map, and frames of any sender."""

import copy
import tempfile
import threading
from functools import cache
from pathlib import Path

import can

from asvunit.vehicle import VehicleMap

EXTENDED_MARK = 1 << 31
CCVS, EEC2, VDC2, ETC2, OEL, RETARDER = 0xFEF1, 0xF003, 0xF009, 0xF005, 0xFDCC, 0xEF00
ENGINE, GEARBOX, BRAKES, BODY, TACHOGRAPH = 0x00, 0x03, 0x0B, 0x21, 0xEE


def identifier(pgn: int, sender: int = 0xFE, priority: int = 6, destination: int = 0xFF) -> int:
    """The 29 bits of a frame; groups with a PDU format below 240 have a destination."""
    return priority << 26 | (pgn if pgn >> 8 & 0xFF >= 0xF0 else pgn | destination) << 8 | sender


def _message(pgn: int, name: str, signals: str) -> str:
    lines = "".join(f" SG_ {line} ASV\n" for line in signals.splitlines())
    return f"BO_ {identifier(pgn, destination=0xFE) | EXTENDED_MARK} {name}: 8 ECU\n{lines}\n"


DATABASE = (
    'VERSION ""\n\nNS_ :\n\nBS_:\n\nBU_: ECU ASV\n\n'
    + _message(
        CCVS,
        "CCVS1",
        'WheelBasedVehicleSpeed : 8|16@1+ (0.00390625,0) [0|250.99609375] "km/h"\n'
        'CruiseCtrlActive : 24|2@1+ (1,0) [0|3] ""\nBrakeSwitch : 28|2@1+ (1,0) [0|3] ""',
    )
    + _message(EEC2, "EEC2", 'AcceleratorPedalPosition1 : 8|8@1+ (0.4,0) [0|100] "%"')
    + _message(
        VDC2,
        "VDC2",
        'SteeringWheelAngle : 0|16@1+ (0.0009765625,-31.374) [-31.374|31.374] "rad"\n'
        'YawRate : 24|16@1+ (0.0001220703125,-3.92) [-3.92|3.92] "rad/s"\n'
        'LongitudinalAcceleration : 56|8@1+ (0.1,-12.5) [-12.5|12.5] "m/s2"',
    )
    + _message(
        ETC2,
        "ETC2",
        'SelectedGear : 0|8@1+ (1,-125) [-125|125] ""\nCurrentGear : 24|8@1+ (1,-125) [-125|125] ""',
    )
    + _message(OEL, "OEL", 'TurnSignalSwitch : 8|4@1+ (1,0) [0|15] ""\nHazardLightSwitch : 12|2@1+ (1,0) [0|3] ""')
    + _message(RETARDER, "RET", 'RetarderLamp : 0|2@1+ (1,0) [0|3] ""\nRetarderCount : 8|4@1+ (1,0) [0|15] ""')
    + 'BA_DEF_ BO_ "VFrameFormat" ENUM "StandardCAN","ExtendedCAN","reserved","J1939PG";\n'
    'BA_DEF_ BO_ "GenMsgCycleTime" INT 0 10000;\nBA_DEF_ SG_ "SPN" INT 0 524287;\n'
    'BA_DEF_DEF_ "VFrameFormat" "J1939PG";\nBA_DEF_DEF_ "GenMsgCycleTime" 100;\nBA_DEF_DEF_ "SPN" 0;\n'
)
SIGNALS = """
[signal.speed]
from = "CCVS1.WheelBasedVehicleSpeed"
unit = "km/h"

[signal.brake]
from = "CCVS1.BrakeSwitch"
values = { 0 = "off", 1 = "on", 2 = "unknown", 3 = "unknown" }

[signal.auxiliary_brake]
from = "RET.RetarderLamp"
on = [1]

[signal.accelerator]
from = "EEC2.AcceleratorPedalPosition1"
unit = "%"

[signal.yaw_rate]
from = "VDC2.YawRate"
unit = "rad/s"

[signal.winker]
from = "OEL.TurnSignalSwitch"
values = { 0 = "off", 1 = "left", 2 = "right" }

[signal.shift]
from = "ETC2.CurrentGear"
values = { "0..124" = "reverse", 125 = "other", "126..250" = "drive", 251 = "parking" }
"""


def truck_map(folder: Path, *, database: str = "j1939 = true", signals: str = SIGNALS, text: str = DATABASE) -> Path:
    """The path of a map, its database beside it; `database`: further lines of its table."""
    (folder / "truck.dbc").write_text(text)
    path = folder / "truck.toml"
    path.write_text(f'map = 1\nname = "truck"\n[database]\nfile = "truck.dbc"\n{database}\n{signals}')
    return path


@cache
def _loaded(**options: str) -> VehicleMap:
    with tempfile.TemporaryDirectory() as folder:
        return VehicleMap.load(truck_map(Path(folder), **options))


def truck(folder: Path, **options: str) -> VehicleMap:
    """The truck's map, its files in `folder`. Each is read once, as it takes its time: every raw value is tried."""
    path, loaded = truck_map(folder, **options), _loaded(**options)
    car = copy.deepcopy(loaded, {id(loaded._lock): threading.Lock()})
    car.path, car.database_path = path, path.with_name("truck.dbc")
    return car


def frame(
    pgn: int, data: bytes, time_s: float = 0.0, sender: int = ENGINE, priority: int = 6, destination: int = 0xFF
) -> can.Message:
    """One frame, filled up with ones as J1939 does."""
    return can.Message(
        timestamp=1768446000 + time_s, arbitration_id=identifier(pgn, sender, priority, destination),
        is_extended_id=True, data=data + b"\xff" * (8 - len(data)), channel="can0",
    )  # fmt: skip


def ccvs(kmh: float | None = None, brake: int = 3, time_s: float = 0.0, sender: int = ENGINE) -> can.Message:
    raw = 0xFFFF if kmh is None else round(kmh * 256)
    return frame(CCVS, b"\xff" + raw.to_bytes(2, "little") + bytes([0xCF | brake << 4]), time_s, sender)
