"""The way back: a (partial) dict of physical values to the codes that say it.

Sends as the guideline asks: a unit with its mandatory values is available (3) and holds the unknown
code for what is missing; a unit without them is all zeros [G appendix 1, D9].
"""

import math
import re
from collections.abc import Mapping
from fractions import Fraction
from numbers import Real
from reprlib import repr as short
from typing import Any

from asvcore import elements as e
from asvcore.codec import (
    ADMINISTRATION_DATA,
    INTERSECTION_INFORMATION_AVAILABILITY,
    POSITION_AVAILABILITY,
    SENSOR_AVAILABILITY,
    UTC_HOUR,
)
from asvunit.errors import nearest

from .raw import INDEX, NAMES, Raw, hex_digits
from .values import ANGLES, DEGREE, FAR_CODE, FAR_METRES, FLAGS, INTERSECTION_KEYS, NO_DISTANCE, VALUE_KEYS

_ROWS: tuple[tuple[Any, ...], ...] = e.ELEMENTS
_WHOLE = frozenset({"vehicle_id", "increment_counter", "revision"})
_KIND_OTHER = 15  # for a vehicle that does not say: 0 would read as a bus
# Unit -> the values without which it is not available, and its availability element.
_NEEDS = {
    "position": (("latitude_deg", "longitude_deg"), POSITION_AVAILABILITY),
    "state": (("speed_kmh",), SENSOR_AVAILABILITY),
    "intersection": (("latitude_deg", "longitude_deg"), INTERSECTION_INFORMATION_AVAILABILITY),
}
_READINGS = {
    e.BRAKE: ("brake", "auxiliary_brake"),
    e.ACCELERATOR: ("accelerator_percent", "accelerator_switch"),
    e.DISTANCE: ("distance_m",),
}
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d):([0-5]\d)", re.ASCII)


def raw_from_values(value: Mapping[str, Any]) -> Raw:
    """All 45 codes for a partial value dict (keys of `values.VALUE_KEYS`; None or absent = unknown).

    Half-way values round up (angles: away from zero), vehicle_length_m up to the next 2 m and at most
    62 [D5]; speed_kmh alone sends an undefined direction [D4]. ValueError, naming key and range: a
    value outside what can be coded, a value whose unit lacks its mandatory ones, an unknown key, or a
    position that cannot be coded [D2].
    """
    _known(value, VALUE_KEYS, "")
    crossing = value.get("intersection")
    if crossing is not None:
        if not isinstance(crossing, Mapping):
            raise ValueError(f"intersection: {short(crossing)} is not an object of {', '.join(INTERSECTION_KEYS)}")
        _known(crossing, INTERSECTION_KEYS, "intersection.")
    codes = [0] * len(NAMES)
    codes[ADMINISTRATION_DATA] = e.VERSION
    available = {
        "position": _unit(value, "position", ""),
        "state": _unit(value, "state", ""),
        "intersection": crossing is not None and _unit(crossing, "intersection", "intersection."),
    }
    if crossing is not None and not available["intersection"]:
        raise ValueError("intersection: needs latitude_deg and longitude_deg")
    for number, unit, _name, _bits, _mandatory, _signed, coding in _ROWS:
        if coding[0] in (e.NUMBER, e.WORDS, *_READINGS) and available.get(unit, True):
            nested = unit == "intersection"
            codes[number - 1] = _code(coding, crossing if nested and crossing else value, nested)
    for unit, ready in available.items():
        if ready:
            codes[_NEEDS[unit][1]] = e.AVAILABLE_ALL
    for unit, source, prefix in (("position", value, ""), ("intersection", crossing or {}, "intersection.")):
        for (first, limit), key in zip(ANGLES[unit] if available[unit] else (), _NEEDS[unit][0], strict=False):
            codes[first : first + 3] = _parts(prefix + key, source[key], limit)
    codes[UTC_HOUR : UTC_HOUR + 3] = _clock(value.get("fix_time_jst"), available["position"])
    raw: Raw = dict(zip(NAMES, codes, strict=True))
    for name in NAMES[e.CODED :]:
        raw[name] = "0" * hex_digits(INDEX[name])
    return raw


def _known(value: Mapping[str, Any], keys: tuple[str, ...], prefix: str) -> None:
    for key in value:
        if key not in keys:
            raise ValueError(f"{prefix}{key}: no such value{nearest(key, keys)}")


def _unit(value: Mapping[str, Any], unit: str, prefix: str) -> bool:
    """Whether the unit's mandatory values are there; a value of it without them would be lost: refused."""
    needs = _NEEDS[unit][0]
    missing = [key for key in needs if value.get(key) is None]
    if not missing:
        return True
    own = set(needs)
    for row in _ROWS:
        if row[1] == unit:
            own.update(_READINGS.get(row[6][0], row[6][1:2]))
    given = next((key for key in value if key in own and value[key] is not None), None)
    if given is not None:
        raise ValueError(f"{prefix}{given}: needs {' and '.join(missing)}")
    return False


def _code(coding: tuple[Any, ...], value: Mapping[str, Any], nested: bool) -> int:
    """The code of one element of kind NUMBER, WORDS, BRAKE, ACCELERATOR or DISTANCE."""
    kind, prefix = coding[0], "intersection." if nested else ""
    if kind == e.NUMBER:
        return _number(coding, value.get(coding[1]))
    if kind == e.WORDS:
        return _word(coding, value.get(coding[1]), prefix)
    if kind == e.BRAKE:
        return _brake(value.get("brake"), value.get("auxiliary_brake"))
    if kind == e.ACCELERATOR:
        return _accelerator(value.get("accelerator_percent"), value.get("accelerator_switch"))
    given = value.get("distance_m")
    if given is None:
        return NO_DISTANCE
    metres = _rounded(_real(prefix + "distance_m", given, f"0..{FAR_METRES}"))
    _inside(prefix + "distance_m", given, metres, 0, FAR_METRES, f"0..{FAR_METRES}")
    return FAR_CODE if metres == FAR_METRES else metres


def _number(coding: tuple[Any, ...], given: Any) -> int:
    _kind, name, numerator, denominator, offset, first, last, unknown = coding
    if given is None:
        return int(unknown[0]) if unknown else 0
    if name in FLAGS:
        return _flag(name, given)
    low, high = ((code - offset) * numerator / denominator for code in (first, last))
    limits = f"{low:g}..{high:g}"
    exact = _real(name, given, limits)
    if name == "vehicle_length_m":
        _inside(name, given, exact, 0, math.inf, "0 and up")
        return int(min(math.ceil(exact / numerator), last))
    if name in _WHOLE and exact.denominator != 1:
        raise ValueError(f"{name}: {short(given)} is not an integer {limits}")
    code = _rounded(exact * denominator / numerator + offset)
    if name == "direction_deg" and code == 360:  # 359.5 and more: north
        return 0
    _inside(name, given, code, first, last, limits)
    return code


def _word(coding: tuple[Any, ...], given: Any, prefix: str) -> int:
    words = {word: code for code, word in coding[2]}
    if given is None:
        return int(words.get(None, _KIND_OTHER if coding[1] == "vehicle_kind" else 0))
    if not isinstance(given, str) or given not in words:
        choice = ", ".join(word for word in words if word)
        raise ValueError(f"{prefix}{coding[1]}: {short(given)} is none of {choice}")
    return int(words[given])


def _brake(lamp: Any, auxiliary: Any) -> int:
    if lamp is None:
        if auxiliary is not None:
            raise ValueError("auxiliary_brake: needs brake")
        return e.BRAKE_UNKNOWN
    helped = 0 if auxiliary is None else _flag("auxiliary_brake", auxiliary)
    return 4 | 2 * helped | _flag("brake", lamp)


def _accelerator(percent: Any, switch: Any) -> int:
    pressed = None if switch is None else _flag("accelerator_switch", switch)
    if percent is None:
        return int(e.NO_PEDAL) if pressed is None else int(e.PEDAL_ON) if pressed else 0
    code = _rounded(_real("accelerator_percent", percent, "0..100"))
    _inside("accelerator_percent", percent, code, 0, 100, "0..100")
    if pressed or (pressed == 0 and code):
        raise ValueError(f"accelerator_switch: {short(switch)} contradicts accelerator_percent {short(percent)}")
    return code


def _parts(name: str, given: Any, limit: int) -> list[int]:
    """Degrees (signed), minutes and 0.01" of an angle; the carry of rounding is in the division [D2]."""
    limits = f"{-limit}..{limit}"
    exact = _real(name, given, limits)
    size = _rounded(abs(exact) * DEGREE)
    _inside(name, given, size, 0, limit * DEGREE, limits)
    degree, rest = divmod(size, DEGREE)
    if exact < 0 and size and not degree:
        where = "south of the equator" if "latitude" in name else "west of Greenwich"
        raise ValueError(f"{name}: {short(given)} cannot be coded: less than 1 degree {where} (range {limits})")
    return [-degree if exact < 0 else degree, *divmod(rest, 6000)]


def _clock(given: Any, positioned: bool) -> tuple[int, int, int]:
    if given is None:
        return (31, 63, 63) if positioned else (0, 0, 0)  # zeros beside a position would read as midnight
    match = _TIME.fullmatch(given) if isinstance(given, str) else None
    if not match:
        raise ValueError(f"fix_time_jst: {short(given)} is not HH:MM:SS within 00:00:00..23:59:59")
    if not positioned:
        raise ValueError("fix_time_jst: needs latitude_deg and longitude_deg")
    return int(match[1]), int(match[2]), int(match[3])


def _flag(name: str, given: Any) -> int:
    if not isinstance(given, bool):
        raise ValueError(f"{name}: {short(given)} is not true or false")
    return int(given)


def _real(name: str, given: Any, limits: str) -> Fraction:
    if isinstance(given, bool) or not isinstance(given, Real) or not math.isfinite(given):
        raise ValueError(f"{name}: {short(given)} is not a number {limits}")
    return Fraction(given) if isinstance(given, (int, float, Fraction)) else Fraction(float(given))


def _rounded(exact: Fraction) -> int:
    return math.floor(exact + Fraction(1, 2))


def _inside(name: str, given: Any, code: Fraction | int, low: float, high: float, limits: str) -> None:
    if not low <= code <= high:
        raise ValueError(f"{name}: {short(given)} is outside {limits}")
