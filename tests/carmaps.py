"""A car for tests, with every peculiarity that signal maps know, and a map that uses them all."""

from pathlib import Path

import can

from asvunit.ports import IMPLAUSIBLE, OK, UNKNOWN
from asvunit.vehicle import VehicleMap

CAR = """VERSION "7"
BO_ 16 WHEELS: 8 X
 SG_ FL : 0|16@1+ (0.01,0) [0|0] "km/h" X
 SG_ FR : 16|16@1+ (0.01,0) [0|0] "km/h" X
 SG_ RL : 32|16@1+ (0.01,0) [0|0] "km/h" X
BO_ 17 REAR: 8 X
 SG_ RR : 7|16@0+ (0.01,0) [0|0] "km/h" X
BO_ 32 LAMPS: 8 X
 SG_ LEFT : 0|1@1+ (1,0) [0|0] "" X
 SG_ RIGHT : 1|1@1+ (1,0) [0|0] "" X
 SG_ TURN : 2|2@1+ (1,0) [0|0] "" X
 SG_ PEDAL : 4|2@1+ (1,0) [0|0] "" X
 SG_ GOOD : 6|2@1+ (1,0) [0|0] "" X
 SG_ COUNTER : 8|4@1+ (1,0) [0|0] "" X
 SG_ CHECKSUM : 63|8@0+ (1,0) [0|0] "" X
BO_ 33 LAMPS_RIGHT: 1 X
 SG_ LIT : 0|4@1+ (1,0) [0|0] "" X
BO_ 34 STOP: 1 X
 SG_ STOP : 0|2@1+ (1,0) [0|0] "" X
BO_ 35 MODES: 2 X
 SG_ MODE M : 0|2@1+ (1,0) [0|0] "" X
 SG_ LEVEL m1 : 8|8@1- (0.1,0) [0|0] "m/s2" X
 SG_ OTHER m2 : 8|8@1- (1,0) [0|0] "" X
BO_ 48 MOTION: 24 X
 SG_ YAW : 0|16@1- (0.01,0) [0|0] "deg/s" X
 SG_ SPEED : 16|16@1- (0.01,0) [0|0] "km/h" X
 SG_ MINUS : 32|1@1+ (1,0) [0|0] "" X
 SG_ WIDE : 64|40@1- (1,0) [0|0] "" X
 SG_ REAL : 160|32@1- (1,0) [0|0] "" X
BO_ 49 LONG: 9 X
 SG_ GEAR : 64|8@1+ (1,0) [0|0] "" X
BO_ 2147483664 AGAIN: 8 X
 SG_ GEAR : 0|8@1+ (1,0) [0|0] "" X
BA_DEF_ BO_ "GenMsgCycleTime" INT 0 65535;
BA_DEF_DEF_ "GenMsgCycleTime" 0;
BA_ "GenMsgCycleTime" BO_ 16 20;
BA_ "GenMsgCycleTime" BO_ 33 100;
SIG_VALTYPE_ 48 REAL : 1;
VAL_ 32 PEDAL 0 "released" 1 "pressed" 3 "failed" ;
VAL_ 32 GOOD 0 "no" 1 "yes" ;
VAL_ 49 GEAR 0 "P" 1 "R" 2 "N" 3 "D" ;
"""

WHEELS = '[signal.speed]\nwheels = ["WHEELS.FL", "WHEELS.FR", "WHEELS.RL", "REAR.RR"]\nunit = "km/h"\n'
TURN = '[signal.winker]\nleft = "LAMPS.LEFT"\nright = "LAMPS.RIGHT"\n'
EVERYTHING = (
    WHEELS + TURN + "flashing = true\nperiod_ms = 100\n"
    '[signal.hazard]\nleft = "LAMPS.LEFT"\nright = "LAMPS_RIGHT.LIT"\nflashing = true\n'
    '[signal.brake]\nany = ["LAMPS.PEDAL", "STOP.STOP"]\non = [1, 2]\n'
    '[signal.auxiliary_brake]\nfrom = "LAMPS_RIGHT.LIT"\non = [9]\n'
    '[signal.shift]\nfrom = "LONG.GEAR"\nvalues = {P = "parking", D = "drive"}\ndefault = "other"\n'
    '[signal.accelerator_switch]\nfrom = "LAMPS.PEDAL"\nvalues = {1 = "on"}\nvalid = "LAMPS.GOOD"\n'
    '[signal.emergency]\nany = ["MOTION.MINUS", "STOP.STOP"]\n'
    '[signal.yaw_rate]\nfrom = "MOTION.YAW"\nsign = "MOTION.MINUS"\nunit = "rad/s"\n'
    '[signal.acceleration]\nfrom = "MODES.LEVEL"\nunit = "g"\nmagnitude = true\nmin = 0.5\n'
    '[[check]]\nmessage = "LAMPS"\nkind = "sum8"\n[[check]]\nmessage = "LAMPS"\nkind = "counter"\n'
)
SIZES = [
    (16, 8),
    (17, 8),
    (32, 8),
    (33, 1),
    (34, 1),
    (35, 2),
    (48, 24),
    (49, 9),
    (49, 12),
    (50, 8),
]  # identifier, bytes
WINKER_TABLE = '[signal.winker]\nfrom = "LAMPS.TURN"\nvalues = {1 = "left"}\n'
CHECKED = '[signal.winker]\nfrom = "LAMPS.TURN"\nvalues = {1 = "left", 2 = "right", 0 = "off"}\n'
CHECKED += '[[check]]\nmessage = "LAMPS"\n'
BUSES = '[bus.body]\nfile = "car.dbc"\nchannels = ["can1", 2]\n[bus.power]\nfile = "car.dbc"\n'


def told(
    vehicle: VehicleMap, identifier: int, data: bytes | int, time: float = 1.0, **options: int
) -> dict[int, int | None]:
    """{signal: value, None where it is unknown} of a frame; `data`: its bytes, or the first of eight."""
    payload = bytes([data, *bytes(7)]) if isinstance(data, int) else data
    bus = options.pop("bus", 0)
    message = can.Message(
        timestamp=time, arbitration_id=identifier, is_extended_id=bool(options.get("extended")), data=payload,
        is_fd=len(payload) > 8,
    )  # fmt: skip
    found = {}
    for each in vehicle.decode(message, bus):
        assert (each.status == OK) or (each.status in {UNKNOWN, IMPLAUSIBLE})
        found[each.signal] = each.value if each.status == OK else None
    return found


def wheel_bytes(*speeds_kmh: float) -> bytes:
    return b"".join(round(speed * 100).to_bytes(2, "little") for speed in speeds_kmh).ljust(8, b"\0")


class Make:
    """Loads maps with given tables on the car's database, from a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, text: str, head: str = '[database]\nfile = "car.dbc"') -> VehicleMap:
        (self.folder / "car.dbc").write_text(CAR)
        path = self.folder / "car.toml"
        path.write_text(f'map = 1\nname = "car"\n{head}\n{text}\n')
        return VehicleMap.load(path)
