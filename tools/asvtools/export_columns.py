"""Frames of the air as columns: all 45 elements raw, and what they say, many frames at a time.

The same as `asvunit.message.values` says of each message, by the same table of codings, in numpy.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from asvcore import elements as e
from asvunit.message.batch import CODED_NAMES, decode_batch
from asvunit.message.raw import NAMES, VERSION_MASK, hex_digits
from asvunit.message.values import ANGLES, DEGREE, FAR_CODE, FAR_METRES, FLAGS

Column = NDArray[Any]

_ROWS: Final[tuple[tuple[Any, ...], ...]] = e.ELEMENTS
_NAMES: Final = {row[2]: row for row in _ROWS}
_TAIL_BITS: Final = [row[3] for row in _ROWS[e.CODED :]]
_TIME: Final = ("utc_hour", "utc_minute", "utc_second")
_TIME_LIMITS: Final = (23, 59, 59)
_AVAILABILITY: Final = {
    "position": "position_availability",
    "state": "sensor_availability",
    "intersection": "intersection_information_availability",
}
_INTERSECTION: Final = {"source": "intersection_source", "distance_m": "intersection_distance_m"}


class Values(NamedTuple):
    """One column of values: numbers, truths or words, and where they are known."""

    values: Column
    known: Column


def whole(payloads: Sequence[bytes]) -> list[int]:
    """Which payloads are messages: their places."""
    lengths = (e.MESSAGE_BYTES, e.MESSAGE_BYTES + 78)
    return [
        place
        for place, payload in enumerate(payloads)
        if len(payload) in lengths and payload[0] & VERSION_MASK == e.VERSION
    ]


def raw_columns(payloads: Sequence[bytes]) -> dict[str, Column | list[str]]:
    """The codes of messages by element; of elements 44 and 45 hex digits."""
    frames = np.frombuffer(b"".join(payload[: e.MESSAGE_BYTES] for payload in payloads), np.uint8)
    columns: dict[str, Column | list[str]] = dict(decode_batch(frames.reshape(-1, e.MESSAGE_BYTES)))
    free_bits = _TAIL_BITS[1]
    mask = (1 << sum(_TAIL_BITS)) - 1
    tails = [int.from_bytes(payload[: e.MESSAGE_BYTES], "big") & mask for payload in payloads]
    columns[NAMES[e.CODED]] = [f"{tail >> free_bits:0{hex_digits(e.CODED)}x}" for tail in tails]
    columns[NAMES[e.CODED + 1]] = [f"{tail & (1 << free_bits) - 1:0{hex_digits(e.CODED + 1)}x}" for tail in tails]
    return columns


def value_columns(raw: Mapping[str, Any]) -> dict[str, Values]:
    """What the codes say: by value's name, the intersection's in four columns."""
    codes = {name: raw[name].astype(np.int64) for name in CODED_NAMES}
    levels = {unit: _level(codes[name]) for unit, name in _AVAILABILITY.items()}
    levels["intersection"] = np.where(levels["intersection"] == e.AVAILABLE_ALL, e.AVAILABLE_ALL, e.AVAILABLE_NONE)
    out: dict[str, Values] = {}
    for unit, ends in ANGLES.items():
        angles = [_angle(codes, first, limit) for first, limit in ends]
        good = angles[0].known & angles[1].known & (levels[unit] > 0)
        levels[unit] = np.where(good, levels[unit], e.AVAILABLE_NONE)  # such a unit is unavailable [D2, D9]
        before = "intersection_" if unit == "intersection" else ""
        for name, angle in zip(("latitude_deg", "longitude_deg"), angles, strict=True):
            out[before + name] = Values(angle.values / DEGREE, good)
    levels["time"] = levels["position"]
    for _number, unit, name, bits, mandatory, _signed, coding in _ROWS[: e.CODED]:
        level = levels.get(unit)
        everywhere = np.ones(len(codes[name]), bool)
        readable = everywhere if level is None else (level == e.AVAILABLE_ALL) | (mandatory & (level > 0))
        for value, column in _read(coding, codes[name], bits, readable).items():
            out[_INTERSECTION.get(value, value)] = column
    out["fix_time_jst"] = _time(codes, levels["time"] > 0)
    return out


def _level(codes: Column) -> Column:
    usable = (codes == e.AVAILABLE_ALL) | (codes == e.AVAILABLE_MANDATORY)
    return np.where(usable, codes, e.AVAILABLE_NONE)


def _angle(codes: Mapping[str, Column], first: int, limit_deg: int) -> Values:
    """In 0.01"."""
    degree, minute, second = (codes[NAMES[first + part]] for part in range(3))
    size = np.abs(degree) * DEGREE + minute * 6000 + second
    known = (minute <= 59) & (second <= 5999) & (size <= limit_deg * DEGREE)
    return Values(np.where(degree < 0, -size, size), known)


def _read(coding: tuple[Any, ...], codes: Column, bits: int, readable: Column) -> dict[str, Values]:
    """The values of one element, as its coding says."""
    reader = _READERS.get(coding[0])
    return reader(coding, codes, bits, readable) if reader else {}


def _number(coding: tuple[Any, ...], codes: Column, _bits: int, readable: Column) -> dict[str, Values]:
    _kind, name, numerator, denominator, offset, first, last, _unknown = coding
    known = readable & (first <= codes) & (codes <= last)
    if name in FLAGS:
        return {name: Values(codes != 0, known)}
    scaled = (codes - offset) * numerator
    return {name: Values(scaled if denominator == 1 else scaled / denominator, known)}


def _word(coding: tuple[Any, ...], codes: Column, bits: int, readable: Column) -> dict[str, Values]:
    words = dict(coding[2])
    found = np.array([words.get(code) for code in range(1 << bits)], object)
    told = np.array([words.get(code) is not None for code in range(1 << bits)])
    return {coding[1]: Values(found[codes], readable & told[codes])}


def _brake(_coding: tuple[Any, ...], codes: Column, _bits: int, readable: Column) -> dict[str, Values]:
    known = readable & (codes & 4 != 0)
    return {"brake": Values(codes & 1 != 0, known), "auxiliary_brake": Values(codes & 2 != 0, known)}


def _accelerator(_coding: tuple[Any, ...], codes: Column, _bits: int, readable: Column) -> dict[str, Values]:
    pressed = codes == e.PEDAL_ON
    return {
        "accelerator_percent": Values(codes, readable & (codes <= 100)),
        "accelerator_switch": Values(pressed, readable & (pressed | (codes == 0))),
    }


def _distance(_coding: tuple[Any, ...], codes: Column, _bits: int, readable: Column) -> dict[str, Values]:
    far = codes == FAR_CODE
    return {"distance_m": Values(np.where(far, FAR_METRES, codes), readable & (far | (codes < FAR_METRES)))}


_READERS: Final[dict[int, Callable[[tuple[Any, ...], Column, int, Column], dict[str, Values]]]] = {
    e.NUMBER: _number,
    e.WORDS: _word,
    e.BRAKE: _brake,
    e.ACCELERATOR: _accelerator,
    e.DISTANCE: _distance,
}


def _time(codes: Mapping[str, Column], readable: Column) -> Values:
    parts = [codes[name] for name in _TIME]
    known = readable.copy()
    for part, top in zip(parts, _TIME_LIMITS, strict=True):
        known &= part <= top
    texts = [f"{hour:02d}:{minute:02d}:{second:02d}" for hour, minute, second in zip(*parts, strict=True)]
    return Values(np.array(texts, object), known)
