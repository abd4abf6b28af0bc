"""What a flood is made of: messages of many vehicles that drive in circles, and frames that no unit sends."""

import math
import random
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from asvcore.elements import CODED, ELEMENTS, MESSAGE_BYTES, VERSION
from asvunit.errors import UsageError
from asvunit.message import encode, raw_from_values
from asvunit.message.batch import encode_batch
from asvunit.ports import TRAILER_BYTES, TRAILER_MARK

COUNTS: Final = 256  # of the increment counter: a circle takes as many frames, so that nobody ever jumps
NEAREST_M: Final = 150.0  # of any vehicle to the place around which they drive: outside the reach of every support
_FARTHEST_M: Final = 900.0
_SLOWEST_KMH, _FASTEST_KMH = 20, 60
_CAS_A_DEGREE: Final = 360_000  # 0.01"
_METRES_A_DEGREE: Final = 111_000.0  # a rough one is good enough for who drives in circles
_LONGEST: Final = 1400
_LENGTHS: Final = [size for size in range(_LONGEST) if size not in (MESSAGE_BYTES, MESSAGE_BYTES + TRAILER_BYTES)]
_FIRST_BYTES: Final = [byte for byte in range(256) if byte & 0x1F != VERSION]
_NOISE_FRAMES: Final = 4096  # then they come again


def circling(
    ids: Sequence[int],
    period_s: float,
    latitude_deg: float,
    longitude_deg: float,
    seed: int = 1,
    *,
    emergency: int = 0,
) -> NDArray[np.uint8]:
    """Messages (256, ids, 100) of vehicles around a place, `period_s` apart: after the last, the first fits again."""
    chance = np.random.default_rng(seed)
    count, turn_s = len(ids), COUNTS * period_s
    speed_kmh = chance.integers(_SLOWEST_KMH, _FASTEST_KMH + 1, count)
    radius_m = speed_kmh / 3.6 * turn_s / (2 * math.pi)
    centre_m = NEAREST_M + radius_m + chance.uniform(0, 1, count) ** 0.5 * (_FARTHEST_M - NEAREST_M)
    bearing = chance.uniform(0, 2 * math.pi, count)
    phase = chance.uniform(0, 2 * math.pi, count) + (2 * math.pi / COUNTS) * np.arange(COUNTS)[:, np.newaxis]
    east_m = centre_m * np.sin(bearing) + radius_m * np.sin(phase)
    north_m = centre_m * np.cos(bearing) + radius_m * np.cos(phase)
    latitude = latitude_deg + north_m / _METRES_A_DEGREE
    longitude = longitude_deg + east_m / (_METRES_A_DEGREE * math.cos(math.radians(latitude_deg)))
    columns: dict[str, object] = dict(_plain())
    columns |= _parts("latitudinal", latitude) | _parts("longitudinal", longitude)
    columns["vehicle_id"] = np.tile(np.asarray(ids, np.int64), COUNTS)
    columns["increment_counter"] = np.repeat(np.arange(COUNTS), count)
    columns["speed"] = np.tile(speed_kmh, COUNTS)
    columns["direction"] = (np.floor(np.degrees(phase) + 90.5).astype(np.int64) % 360).ravel()
    columns["emergency_attention"] = emergency
    return encode_batch(columns).reshape(COUNTS, count, MESSAGE_BYTES)


_TOLD: Final = {
    "position_class": "B",
    "vehicle_kind": "car",
    "latitude_deg": 0.0,
    "longitude_deg": 0.0,
    "horizontal_error_m": 3,
    "revision": 1,
    "speed_kmh": 0,
    "direction_deg": 0,
    "brake": False,
    "winker": "off",
    "hazard": "off",
    "road": "ordinary",
    "fix_time_jst": "00:00:00",
}


def _plain() -> dict[str, int]:
    raw = raw_from_values(_TOLD)
    return {name: int(raw[name]) for name in _NAMES[:CODED]}


_NAMES: Final = [row[2] for row in ELEMENTS]
_TIME_BIT: Final = sum(row[3] for row in ELEMENTS[: _NAMES.index("utc_hour")])
_TIME_BITS: Final = sum(row[3] for row in ELEMENTS if row[2] in ("utc_hour", "utc_minute", "utc_second"))
TIME_AT: Final = _TIME_BIT // 8  # the first byte that bears the time of a position
TIME_END: Final = -(-(_TIME_BIT + _TIME_BITS) // 8)
_JST_S: Final = 9 * 3600


def time_bytes(unix_s: int) -> bytes:
    """Bytes TIME_AT..TIME_END of all `circling` messages at that time: all else in them is the same in each."""
    minutes, second = divmod((unix_s + _JST_S) % 86_400, 60)
    hour, minute = divmod(minutes, 60)
    raw = raw_from_values(_TOLD | {"fix_time_jst": f"{hour:02d}:{minute:02d}:{second:02d}"})
    return encode(raw)[TIME_AT:TIME_END]


def _parts(name: str, angle_deg: NDArray[np.float64]) -> dict[str, NDArray[np.int64]]:
    """An angle's degrees, minutes and 0.01 seconds; the degree bears the sign [D2]."""
    if float(np.abs(angle_deg).min()) < 1:
        raise UsageError("a place within a degree of the equator or of Greenwich: the flood cannot be there")
    cas = np.floor(np.abs(angle_deg) * _CAS_A_DEGREE + 0.5).astype(np.int64).ravel()
    degree, rest = np.divmod(cas, _CAS_A_DEGREE)
    minute, second = np.divmod(rest, 6000)
    sign = np.sign(angle_deg).astype(np.int64).ravel()
    return {f"{name}_degree": sign * degree, f"{name}_minute": minute, f"{name}_second": second}


STAMP_AT: Final = MESSAGE_BYTES + len(TRAILER_MARK) + 4  # where a trailer's time begins, behind the key id
FORGER_ID: Final = 1500


def forged_frames(key_id: int, period_s: float, latitude_deg: float, longitude_deg: float, seed: int) -> list[bytes]:
    """Frames of an emergency vehicle in action, as it says, under trailers with that key's id and no signature."""
    chance = random.Random(seed)  # noqa: S311
    rest = TRAILER_BYTES - len(TRAILER_MARK) - 4
    frames = circling([FORGER_ID + seed % 500], period_s, latitude_deg, longitude_deg, seed, emergency=1)
    return [frame.tobytes() + TRAILER_MARK + key_id.to_bytes(4) + chance.randbytes(rest) for frame in frames[:, 0]]


def _wrong_length(chance: random.Random) -> bytes:
    return chance.randbytes(chance.choice(_LENGTHS))


def _wrong_version(chance: random.Random) -> bytes:
    return bytes((chance.choice(_FIRST_BYTES),)) + chance.randbytes(MESSAGE_BYTES - 1)


def _random_message(chance: random.Random) -> bytes:
    return bytes((VERSION,)) + chance.randbytes(MESSAGE_BYTES - 1)


def _forged_trailer(chance: random.Random) -> bytes:
    return _random_message(chance) + TRAILER_MARK + chance.randbytes(TRAILER_BYTES - len(TRAILER_MARK))


_MAKERS: Final[dict[str, Callable[[random.Random], bytes]]] = {
    "length": _wrong_length,  # what no unit sends
    "version": _wrong_version,
    "message": _random_message,  # random bits that only a full decoding tells from a vehicle
    "trailer": _forged_trailer,  # random bits under a random signature
}
KINDS: Final = tuple(_MAKERS)
UNSENT_KINDS: Final = ("length", "version")


def garbage(kinds: Sequence[str], seed: int = 1) -> list[bytes]:
    """Frames of these kinds in turn; UsageError for a kind that is none."""
    unknown = [kind for kind in kinds if kind not in _MAKERS]
    if unknown or not kinds:
        raise UsageError(f"kinds: {', '.join(unknown) or 'none'}: there are {', '.join(KINDS)}")
    chance = random.Random(seed)  # noqa: S311
    return [_MAKERS[kinds[number % len(kinds)]](chance) for number in range(_NOISE_FRAMES)]
