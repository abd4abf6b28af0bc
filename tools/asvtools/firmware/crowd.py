"""A crowd around a car at a crossing, as a journal of the core's inputs: what budgets are measured with."""

from pathlib import Path
from typing import Final

from asvcore import codec, codes
from asvcore.codec import encode_into
from asvcore.elements import AVAILABLE_ALL, CODED, MESSAGE_BYTES
from asvcore.params import NONE
from asvcore.settings import Settings
from asvunit.journal import JournalWriter

_LATITUDE_CAS: Final = 35 * 360000
_LONGITUDE_CAS: Final = 139 * 360000
_NORTH_M: Final = 0.308169  # of 0.01" at 35 degrees, WGS84
_EAST_M: Final = 0.253586
_CYCLE_MS: Final = 100
_LANE_M: Final = 3
_ROAD_M: Final = 600  # the crossing road's length; who leaves it at one end comes in at the other
_BRAKE_ON: Final = 5
_SOURCES: Final = 16


def write_crowd(path: Path, *, neighbours: int, until_ms: int) -> None:
    """Ego stops before a crossing road on which vehicles drive both ways, each heard ten times a second."""
    settings = Settings()
    settings.set("neighbours", neighbours)
    with path.open("w", encoding="ascii") as file:
        writer = JournalWriter(file, settings)
        for cause, now_ms in enumerate(range(0, until_ms, _CYCLE_MS), 1):
            speed_ckmh = 1000 if now_ms == 0 else 0  # a course to begin with, then it stands
            fix = (_LATITUDE_CAS, _LONGITUDE_CAS, speed_ckmh, 0, 20, NONE, NONE, now_ms)
            writer.line("F", now_ms, cause, codes.FIX_OK, *fix)
            writer.line("V", now_ms, cause, codes.SIGNAL_BRAKE, _BRAKE_ON, codes.STATUS_OK, 0)
            writer.line("V", now_ms, cause, codes.SIGNAL_SPEED, speed_ckmh, codes.STATUS_OK, 0)
            for number in range(neighbours):
                writer.message(now_ms, cause, number % _SOURCES, False, _payload(number, neighbours, now_ms))
            writer.line("T", now_ms, cause)


def _payload(number: int, of: int, now_ms: int) -> bytes:
    speed_kmh = 30 + number % 4 * 10
    eastward = number % 2 == 0
    way_m = (number * _ROAD_M / of + speed_kmh / 3.6 * now_ms / 1000) % _ROAD_M - _ROAD_M / 2
    east_m = way_m if eastward else -way_m
    north_m = 15 + number % 5 * _LANE_M
    raw = [0] * CODED
    raw[codec.ADMINISTRATION_DATA] = 1
    raw[codec.INCREMENT_COUNTER] = now_ms // _CYCLE_MS & 0xFF
    raw[codec.VEHICLE_ID] = number
    raw[codec.CLASS_INFORMATION] = 2
    raw[codec.VEHICLE_CLASSIFICATION] = 4
    raw[codec.POSITION_AVAILABILITY] = raw[codec.SENSOR_AVAILABILITY] = AVAILABLE_ALL
    for index, cas in (
        (codec.LATITUDINAL_DEGREE, _LATITUDE_CAS + round(north_m / _NORTH_M)),
        (codec.LONGITUDINAL_DEGREE, _LONGITUDE_CAS + round(east_m / _EAST_M)),
    ):
        raw[index], raw[index + 1], raw[index + 2] = cas // 360000, cas // 6000 % 60, cas % 6000
    raw[codec.HORIZONTAL_ERROR_RANGE] = 2
    raw[codec.REVISION_COUNTER] = 1
    raw[codec.SPEED] = speed_kmh
    raw[codec.DIRECTION] = 90 if eastward else 270
    raw[codec.UTC_HOUR] = 9
    buffer = bytearray(MESSAGE_BYTES)
    encode_into(raw, buffer)
    return bytes(buffer)
