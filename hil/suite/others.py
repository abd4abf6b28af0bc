"""The other vehicles of the suite: each with an id and a radio of its own, straight on at its speed."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final

from asvrig.keys import key_from_seed, public_hex
from asvrig.targets.target import Sender
from asvunit.message import encode, raw_from_values
from asvunit.trailer import sign

LATITUDE_DEG, LONGITUDE_DEG = 35.0, 139.0  # where the car starts
METRES_NORTH, METRES_EAST = 110_941.0, 91_288.0  # of a degree there
_JST: Final = timedelta(hours=9)
_IDS: Final = count(3000)  # none meets another of an earlier test, which the unit may still remember
KEY_ID, FORGER_SEED = 17, 18
TRUSTED: Final = {str(KEY_ID): public_hex(KEY_ID)}  # `emergency.keys` of the unit under test


@dataclass(frozen=True, slots=True)
class Place:
    """Metres from where the car started."""

    east_m: float
    north_m: float


class Other:
    """One vehicle. `signed`: "" as an ordinary one; "right", "forged" or "unsigned" as an ambulance in action."""

    def __init__(
        self,
        sender: Sender,
        place: Place,
        speed_kmh: float,
        direction_deg: float,
        begin_ns: int,
        *,
        kind: str = "car",
        signed: str = "",
        vehicle_id: int | None = None,
    ) -> None:
        self.sender, self.vehicle_id = sender, next(_IDS) % 16_384 if vehicle_id is None else vehicle_id
        self._begin, self._begin_ns = place, begin_ns
        self._speed_kmh, self._direction_deg = speed_kmh, direction_deg
        self._kind, self._signed = "special" if signed else kind, signed
        self._counter = 0

    def frame(self, now_ns: int, unix_ns: int) -> bytes:
        """Its frame of now: 100 bytes, or 178 with a trailer."""
        metres = (now_ns - self._begin_ns) / 1e9 * self._speed_kmh / 3.6
        course = math.radians(self._direction_deg)
        clock = datetime.fromtimestamp(unix_ns // 10**9, UTC) + _JST
        value: dict[str, Any] = {
            "vehicle_id": self.vehicle_id,
            "increment_counter": self._counter % 256,
            "position_class": "B",
            "vehicle_kind": self._kind,
            "vehicle_length_m": 2 if self._kind == "motorcycle" else 4.5,
            "latitude_deg": LATITUDE_DEG + (self._begin.north_m + metres * math.cos(course)) / METRES_NORTH,
            "longitude_deg": LONGITUDE_DEG + (self._begin.east_m + metres * math.sin(course)) / METRES_EAST,
            "horizontal_error_m": 3,
            "revision": 1,
            "speed_kmh": self._speed_kmh,
            "direction_deg": self._direction_deg,
            "brake": False,
            "winker": "off",
            "hazard": "off",
            "road": "ordinary",
            "emergency": bool(self._signed),
            "fix_time_jst": f"{clock:%H:%M:%S}",
        }
        self._counter += 1
        payload = encode(raw_from_values(value))
        if self._signed in ("right", "forged"):
            seed = KEY_ID if self._signed == "right" else FORGER_SEED
            return sign(payload, KEY_ID, key_from_seed(seed), unix_ns // 1_000_000)
        return payload
