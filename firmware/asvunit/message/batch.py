"""Many messages at once, for analysis: frames as rows of a numpy array <-> one column per element.

Built from the element table. Frames are turned over once into 16-bit words by column; an element is
then two or four whole-column operations. Worked in blocks that stay in the cache.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asvcore import elements as e
from asvunit.errors import nearest

from .raw import INDEX, NAMES, RANGES, WIDTHS
from .values import ANGLES, DEGREE

Column = NDArray[Any]

CODED_NAMES = NAMES[: e.CODED]
_BLOCK = 10_000  # frames; words and codes of one block are 1.2 MB
_STRIP = 512  # frames turned over at a time: their bytes stay in the innermost cache
_STARTS = tuple(sum(WIDTHS[:position]) for position in range(e.CODED))
_WORDS = (_STARTS[-1] + WIDTHS[e.CODED - 1] + 15) // 16
_SIGNED = tuple(low < 0 for low, _high in RANGES[: e.CODED])
# (position, word, bits before it in that word, width, signed)
_PLAN = tuple((p, _STARTS[p] // 16, _STARTS[p] % 16, WIDTHS[p], _SIGNED[p]) for p in range(e.CODED))
# Arrays of no dimension: numpy converts any other scalar anew at every call, which costs as much as the work.
_BY = tuple(np.array(count, np.uint16) for count in range(17))
_BY_SIGNED = tuple(np.array(count, np.int16) for count in range(17))
_TIMES = tuple(np.array(1 << count, np.uint16) for count in range(16))  # faster than a left shift
_MASK = tuple(np.array((1 << count) - 1, np.uint16) for count in range(17))


def decode_batch(frames: NDArray[np.uint8]) -> dict[str, Column]:
    """Codes of elements 1..43: one column of n each, uint16, degrees int16.

    frames: uint8 of shape (n, 100). Every content decodes [D7]; versions are not looked at (column
    administration_data). ValueError: another shape or type.
    """
    if frames.dtype != np.uint8 or frames.ndim != 2 or frames.shape[1] != e.MESSAGE_BYTES:
        raise ValueError(f"frames: {frames.dtype} of shape {frames.shape}, not uint8 of shape (n, {e.MESSAGE_BYTES})")
    count = len(frames)
    codes = np.empty((e.CODED, count), np.uint16)
    words = np.empty((_WORDS, min(count, _BLOCK)), np.uint16)
    spare = np.empty(words.shape[1], np.uint16)
    rows = np.ascontiguousarray(frames).view(np.dtype(">u2"))
    for start in range(0, count, _BLOCK):
        stop = min(start + _BLOCK, count)
        block = words[:, : stop - start]
        for strip in range(start, stop, _STRIP):
            some = rows[strip : min(strip + _STRIP, stop), :_WORDS]
            np.copyto(block[:, strip - start : strip - start + len(some)], some.T)
        _extract(block, codes[:, start:stop], spare[: stop - start])
    return {
        name: codes[position].view(np.int16) if _SIGNED[position] else codes[position]
        for position, name in enumerate(CODED_NAMES)
    }


def _extract(words: Column, codes: Column, spare: Column) -> None:
    """Codes (43, m) of the words (19, m): each element to the top of 16 bits, then down (with its sign)."""
    for position, word, before, width, signed in _PLAN:
        out = codes[position]
        source = words[word]
        if before + width > 16:
            np.multiply(source, _TIMES[before], out=out)
            np.right_shift(words[word + 1], _BY[16 - before], out=spare)
            source = np.bitwise_or(out, spare, out=out)
        elif before + width == 16 and not signed:
            np.bitwise_and(source, _MASK[width], out=out)
            continue
        elif before:
            source = np.multiply(source, _TIMES[before], out=out)
        if signed:
            np.right_shift(source.view(np.int16), _BY_SIGNED[16 - width], out=out.view(np.int16))
        else:
            np.right_shift(source, _BY[16 - width], out=out)


def encode_batch(columns: Mapping[str, Any]) -> NDArray[np.uint8]:
    """Frames (n, 100) uint8 of columns of elements 1..43; a scalar stands for a whole column.

    What is missing is 0 (administration_data: 1), elements 44 and 45 are 0. ValueError, naming the
    element and its range: a code that does not fit, a name that is not of elements 1..43, columns of
    unequal length, numbers that are no integers.
    """
    given = {name: np.asarray(column) for name, column in columns.items()}
    for name, column in given.items():
        if name not in CODED_NAMES:
            raise ValueError(f"{name}: no such element among 1..{e.CODED}{nearest(name, CODED_NAMES)}")
        if column.dtype.kind not in "iu" or column.ndim > 1:
            raise ValueError(f"{name}: {column.dtype} of shape {column.shape}, not a column of integers")
        low, high = RANGES[INDEX[name]]
        if column.size and not low <= int(column.min()) <= int(column.max()) <= high:
            wrong = column[(column < low) | (column > high)] if column.ndim else column
            raise ValueError(f"{name}: {int(wrong.flat[0])} is outside {low}..{high} (element {INDEX[name] + 1})")
    lengths = {len(column) for column in given.values() if column.ndim}
    if len(lengths) > 1:
        raise ValueError(f"columns of unequal length: {', '.join(map(str, sorted(lengths)))}")
    count = lengths.pop() if lengths else 1
    words = np.zeros((_WORDS, count), np.uint16)
    given.setdefault("administration_data", np.asarray(e.VERSION))
    for position, word, before, width, _signed in _PLAN:
        if CODED_NAMES[position] not in given:
            continue
        code = given[CODED_NAMES[position]].astype(np.uint16) & _MASK[width]
        left = 16 - before - width
        if left >= 0:
            words[word] |= code * _TIMES[left]
        else:
            words[word] |= code >> _BY[-left]
            words[word + 1] |= code * _TIMES[16 + left]
    frames = np.zeros((count, e.MESSAGE_BYTES), np.uint8)
    frames.view(np.dtype(">u2"))[:, :_WORDS] = words.T
    return frames


def values_batch(columns: Mapping[str, Column]) -> dict[str, NDArray[np.float64]]:
    """latitude_deg, longitude_deg, speed_kmh, direction_deg of decoded columns; NaN = unknown [D2, D4, D9]."""
    usable = (e.AVAILABLE_MANDATORY, e.AVAILABLE_ALL)
    positioned = np.isin(columns["position_availability"], usable)
    sensed = np.isin(columns["sensor_availability"], usable)
    angles = []
    for first, limit in ANGLES["position"]:
        degree, minute, second = (columns[NAMES[first + part]].astype(np.int32) for part in range(3))
        size = np.abs(degree) * DEGREE + minute * 6000 + second
        positioned &= (minute <= 59) & (second <= 5999) & (size <= limit * DEGREE)
        angles.append(np.where(degree < 0, -size, size) / DEGREE)
    direction = columns["direction"]
    return {
        "latitude_deg": np.where(positioned, angles[0], np.nan),
        "longitude_deg": np.where(positioned, angles[1], np.nan),
        "speed_kmh": np.where(sensed, columns["speed"].astype(np.float64), np.nan),
        "direction_deg": np.where(sensed & (direction < 360), direction.astype(np.float64), np.nan),
    }
