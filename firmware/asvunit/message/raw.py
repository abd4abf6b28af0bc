"""Raw messages: 100 bytes <-> a dict of the 45 codes of the element table, nothing interpreted.

Elements 1..43 are integers (degrees signed), 44 and 45 lower-case hex, right-aligned, of 86 and 40
digits. `encode` takes any code that fits its width; `decode` refuses only a wrong length or another
version [D7].
"""

import re
from collections.abc import Mapping
from operator import index
from reprlib import repr as short
from typing import Any

from asvcore.codec import ADMINISTRATION_DATA, decode_into, encode_into
from asvcore.elements import CODED, ELEMENTS, MESSAGE_BYTES, VERSION
from asvunit.errors import nearest

Raw = dict[str, int | str]

NAMES: tuple[str, ...] = tuple(row[2] for row in ELEMENTS)
INDEX: dict[str, int] = {name: position for position, name in enumerate(NAMES)}
WIDTHS: tuple[int, ...] = tuple(row[3] for row in ELEMENTS)
# (lowest, highest) code of each element.
RANGES: tuple[tuple[int, int], ...] = tuple(
    (-(1 << row[3] - 1), (1 << row[3] - 1) - 1) if row[5] else (0, (1 << row[3]) - 1) for row in ELEMENTS
)
VERSION_MASK = 0x1F  # lower five bits of element 1

_TAIL_BYTE = sum(WIDTHS[:CODED]) // 8  # the byte in which element 44 begins
_TAIL_MASK = (1 << sum(WIDTHS[CODED:])) - 1
_FREE_BITS = WIDTHS[-1]
_HEX = re.compile(r"(?:0[xX])?([0-9a-fA-F]+)")


class Malformed(ValueError):
    """Not a message: a wrong length or another version [D7]. The text says which."""


def hex_digits(position: int) -> int:
    """Digits of element `position` + 1 written as hex: 86 for element 44, 40 for 45."""
    return (WIDTHS[position] + 3) // 4


def decode(data: bytes | bytearray | memoryview) -> Raw:
    """The 45 codes of a message of 100 bytes. Malformed: a wrong length or another version [D7]."""
    if len(data) != MESSAGE_BYTES:
        raise Malformed(f"{len(data)} bytes, not {MESSAGE_BYTES}")
    if data[ADMINISTRATION_DATA] & VERSION_MASK != VERSION:
        raise Malformed(f"message version {data[ADMINISTRATION_DATA] & VERSION_MASK}, not {VERSION}")
    codes: list[int] = [0] * CODED
    decode_into(data, codes)
    raw: Raw = dict(zip(NAMES, codes, strict=False))
    tail = int.from_bytes(data[_TAIL_BYTE:], "big") & _TAIL_MASK
    for position, code in ((CODED, tail >> _FREE_BITS), (CODED + 1, tail & ((1 << _FREE_BITS) - 1))):
        raw[NAMES[position]] = f"{code:0{hex_digits(position)}x}"
    return raw


def encode(raw: Mapping[str, Any]) -> bytes:
    """The 100 bytes of a raw message; what is missing is 0 (administration_data: 1).

    ValueError, naming element, value and range: a code that does not fit its width, is not an
    integer (for 44 and 45: an integer or hex), or a name that is not of the table.
    """
    codes = codes_of(raw)
    data = bytearray(MESSAGE_BYTES)
    tail = codes[CODED] << _FREE_BITS | codes[CODED + 1]
    data[_TAIL_BYTE:] = tail.to_bytes(MESSAGE_BYTES - _TAIL_BYTE, "big")
    encode_into(codes[:CODED], data)
    return bytes(data)


def codes_of(raw: Mapping[str, Any]) -> list[int]:
    """The 45 codes in table order as integers, checked as `encode` says."""
    for name in raw:
        if name not in INDEX:
            raise ValueError(f"{name}: no such element{nearest(name, NAMES)}")
    codes = [0] * len(NAMES)
    codes[ADMINISTRATION_DATA] = VERSION
    for name, given in raw.items():
        position = INDEX[name]
        low, high = RANGES[position]
        code = _integer(name, given, position)
        if not low <= code <= high:
            limit = f"{low}..{high}" if position < CODED else f"{WIDTHS[position]} bits"
            raise ValueError(f"{name}: {short(given)} is outside {limit} (element {position + 1})")
        codes[position] = code
    return codes


def _integer(name: str, given: Any, position: int) -> int:
    if position >= CODED and isinstance(given, str):
        if match := _HEX.fullmatch(given):
            return int(match[1], 16)
        raise ValueError(f"{name}: {short(given)} is not hex of {WIDTHS[position]} bits (element {position + 1})")
    if not isinstance(given, bool):
        try:
            return index(given)
        except TypeError:
            pass
    low, high = RANGES[position]
    expected = f"an integer {low}..{high}" if position < CODED else f"hex of {WIDTHS[position]} bits"
    raise ValueError(f"{name}: {short(given)} is not {expected} (element {position + 1})")
