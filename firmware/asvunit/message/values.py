"""What a raw message says, in physical units: every element reads as a value or as unknown (None) [D7].

Driven by the codings of the element table. Availability is looked at first [D9]: a unit that is not
available reads as unknown throughout, whatever its codes look like.
"""

from collections.abc import Callable, Mapping
from typing import Any

from asvcore import elements as e
from asvcore.codec import (
    INTERSECTION_INFORMATION_AVAILABILITY,
    INTERSECTION_LATITUDINAL_DEGREE,
    INTERSECTION_LONGITUDINAL_DEGREE,
    LATITUDINAL_DEGREE,
    LONGITUDINAL_DEGREE,
    POSITION_AVAILABILITY,
    SENSOR_AVAILABILITY,
    UTC_HOUR,
)
from asvcore.params import NONE
from asvcore.wire import angle_cas

from .raw import codes_of

# The keys of a value dict, in the order they are given.
VALUE_KEYS = (
    "vehicle_id", "increment_counter", "position_class", "vehicle_kind", "vehicle_length_m", "latitude_deg",
    "longitude_deg", "horizontal_error_m", "height_m", "vertical_error_m", "position_delay_ms", "revision",
    "speed_kmh", "direction_deg", "forward_acceleration_mps2", "shift", "brake", "auxiliary_brake", "winker",
    "hazard", "accelerator_percent", "accelerator_switch", "fix_time_jst", "intersection", "road", "emergency",
)  # fmt: skip
INTERSECTION_KEYS = ("latitude_deg", "longitude_deg", "distance_m", "source")
FLAGS = frozenset({"emergency"})  # numbers that are true or false

DEGREE = 360_000  # hundredths of an arc second in one degree
LATITUDE_LIMIT, LONGITUDE_LIMIT = 90, 180  # degrees
FAR_CODE, FAR_METRES, NO_DISTANCE = 501, 500, 0x1FF  # element 40: 501 is 500 m or more

# Index of the degree element (minute and second follow) and its limit, latitude first.
ANGLES = {
    "position": ((LATITUDINAL_DEGREE, LATITUDE_LIMIT), (LONGITUDINAL_DEGREE, LONGITUDE_LIMIT)),
    "intersection": (
        (INTERSECTION_LATITUDINAL_DEGREE, LATITUDE_LIMIT),
        (INTERSECTION_LONGITUDINAL_DEGREE, LONGITUDE_LIMIT),
    ),
}
_TIME_LIMITS = (23, 59, 59)
_ROWS: tuple[tuple[Any, ...], ...] = e.ELEMENTS
_ORDER = {row[2]: row[0] for row in _ROWS}


def _number(coding: tuple[Any, ...], code: int) -> dict[str, Any]:
    _kind, name, numerator, denominator, offset, first, last, _unknown = coding
    if not first <= code <= last:
        return {name: None}
    if name in FLAGS:
        return {name: bool(code)}
    scaled = (code - offset) * numerator
    return {name: scaled if denominator == 1 else scaled / denominator}


def _word(coding: tuple[Any, ...], code: int) -> dict[str, Any]:
    return {coding[1]: dict(coding[2]).get(code)}


def _brake(_coding: tuple[Any, ...], code: int) -> dict[str, Any]:
    known = bool(code & 4)
    return {"brake": bool(code & 1) if known else None, "auxiliary_brake": bool(code & 2) if known else None}


def _accelerator(_coding: tuple[Any, ...], code: int) -> dict[str, Any]:
    return {
        "accelerator_percent": code if code <= 100 else None,
        "accelerator_switch": {e.PEDAL_ON: True, 0: False}.get(code),
    }


def _distance(_coding: tuple[Any, ...], code: int) -> dict[str, Any]:
    return {"distance_m": code if code < FAR_METRES else FAR_METRES if code == FAR_CODE else None}


_READERS: dict[int, Callable[[tuple[Any, ...], int], dict[str, Any]]] = {
    e.NUMBER: _number,
    e.WORDS: _word,
    e.BRAKE: _brake,
    e.ACCELERATOR: _accelerator,
    e.DISTANCE: _distance,
}
# Kind of coding -> whether a code has a meaning ("unknown" is one) [D7]. Other kinds: any code has.
_DEFINED: dict[int, Callable[[tuple[Any, ...], int], bool]] = {
    e.NUMBER: lambda coding, code: coding[5] <= code <= coding[6] or code in coding[7],
    e.WORDS: lambda coding, code: any(code == known for known, _word in coding[2]),
    e.BRAKE: lambda _coding, code: code == e.BRAKE_UNKNOWN or bool(code & 4),
    e.ACCELERATOR: lambda _coding, code: code <= 100 or code in (e.PEDAL_ON, e.NO_PEDAL, e.NO_PEDAL_SENSOR),
    e.DISTANCE: lambda _coding, code: code < FAR_METRES or code in (FAR_CODE, NO_DISTANCE),
    e.AVAILABILITY: lambda _coding, code: code in (e.AVAILABLE_ALL, e.AVAILABLE_MANDATORY, e.AVAILABLE_NONE),
}


def values(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The value dict of a raw message: VALUE_KEYS, unknown = None. ValueError as `raw.encode`."""
    codes = codes_of(raw)
    levels = _levels(codes)
    angles = {unit: _angles(codes, unit) for unit in ANGLES}
    for unit, pair in angles.items():
        if None in pair:  # such a unit is unavailable, its time too [D2, D9]
            levels.update({unit: e.AVAILABLE_NONE} | ({"time": e.AVAILABLE_NONE} if unit == "position" else {}))
    found: dict[str, Any] = {}
    for code, (_, unit, _name, _bits, mandatory, _signed, coding) in zip(codes, _ROWS, strict=True):
        if coding[0] in _READERS and _readable(levels, unit, mandatory):
            found.update(_READERS[coding[0]](coding, code))
    if levels["position"]:
        found["latitude_deg"], found["longitude_deg"] = _degrees(angles["position"])
    if levels["time"]:
        found["fix_time_jst"] = _time(codes)
    if levels["intersection"]:
        latitude, longitude = _degrees(angles["intersection"])
        found["intersection"] = dict(
            zip(INTERSECTION_KEYS, (latitude, longitude, found["distance_m"], found["source"]), strict=True)
        )
    return {key: found.get(key) for key in VALUE_KEYS}


def undefined(raw: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the elements that are to be read (availability) and hold a code without a meaning [D7]."""
    codes = codes_of(raw)
    levels = _levels(codes)
    out = []
    for code, (_, unit, name, _bits, mandatory, _signed, coding) in zip(codes, _ROWS, strict=True):
        defined = _DEFINED.get(coding[0])
        always = coding[0] == e.AVAILABILITY
        if defined and (always or _readable(levels, unit, mandatory)) and not defined(coding, code):
            out.append(name)
    for unit, ends in ANGLES.items():
        for first, limit in ends if levels[unit] else ():
            out += _undefined_parts(codes, first, limit)
    if levels["time"]:
        hour = UTC_HOUR
        out += [_ROWS[hour + n][2] for n, top in enumerate(_TIME_LIMITS) if codes[hour + n] > top]
    return tuple(sorted(out, key=_ORDER.__getitem__))


def _levels(codes: list[int]) -> dict[str, int]:
    """Availability of the units that have one, as read: 0, 1 or 3 [D9]."""
    usable = (e.AVAILABLE_MANDATORY, e.AVAILABLE_ALL)
    position, state = (
        code if code in usable else e.AVAILABLE_NONE
        for code in (codes[POSITION_AVAILABILITY], codes[SENSOR_AVAILABILITY])
    )
    crossing = codes[INTERSECTION_INFORMATION_AVAILABILITY] == e.AVAILABLE_ALL  # 01 is "cannot be set" there
    return {
        "position": position,
        "state": state,
        "time": position,  # trusted only with an available position
        "intersection": e.AVAILABLE_ALL if crossing else e.AVAILABLE_NONE,
    }


def _readable(levels: dict[str, int], unit: str, mandatory: bool) -> bool:
    level = levels.get(unit, e.AVAILABLE_ALL)
    return level == e.AVAILABLE_ALL or (mandatory and level == e.AVAILABLE_MANDATORY)


def angle(degree: int, minute: int, second: int, limit: int) -> int | None:
    """Degrees (signed), minutes and 0.01" as one angle in 0.01", None if it is none [D2]. limit: degrees."""
    cas: int = angle_cas(degree, minute, second, limit)
    return None if cas == NONE else cas


def _angles(codes: list[int], unit: str) -> list[int | None]:
    return [angle(codes[first], codes[first + 1], codes[first + 2], limit) for first, limit in ANGLES[unit]]


def _degrees(pair: list[int | None]) -> list[float | None]:
    return [None if hundredths is None else hundredths / DEGREE for hundredths in pair]


def _undefined_parts(codes: list[int], first: int, limit: int) -> list[str]:
    """Degree, minute and second elements out of range; the degree also if only the whole angle is."""
    degree, minute, second = codes[first : first + 3]
    wrong = [minute > 59, second > 5999]
    far = abs(degree) > limit or (not any(wrong) and angle(degree, minute, second, limit) is None)
    return [_ROWS[first + n][2] for n, bad in enumerate((far, *wrong)) if bad]


def _time(codes: list[int]) -> str | None:
    parts = codes[UTC_HOUR : UTC_HOUR + 3]
    if any(part > top for part, top in zip(parts, _TIME_LIMITS, strict=True)):
        return None
    return ":".join(f"{part:02d}" for part in parts)
