"""Writes `asvcore/codec_viper.py`: `python -m asvtools.codec_source viper > firmware/asvcore/codec_viper.py`.

The same table as `codec.py`'s, as machine code where a MicroPython has it: a twentieth of the instructions.
Pointers know no bounds, so they touch nothing but arrays that the module has made itself, and buffers that were indexed
before.
"""

from asvcore.elements import CODED

Row = tuple[str, int, int, bool]  # name, first bit, width, signed

HEADER = '''"""The codec as machine code; `codec` takes it by itself where a port has the emitter, or this as .mpy.

Generated from `elements.ELEMENTS` by `python -m asvtools.codec_source viper`; do not edit.

Fast are raw messages that `new_raw` has made; any other list is left to the portable codec. What does not fit its
width is refused with the same words.
"""
# ruff: noqa: F821 - ptr8, ptr32 are viper's

from array import array

import micropython

from .codec import decode_into as _list_decode
from .codec import encode_into as _list_encode
from .codec import refuse as _refuse

_made = []
_last_encoded = _last_decoded = None


def new_raw():
    """A raw message of zeros, as an array that pointers may read and write."""
    raw = array("i", [0] * {coded})
    _made.append(raw)
    return raw


def _is_made(raw):
    for at in range(len(_made)):
        if _made[at] is raw:
            return True
    return False


def _may_encode(raw):
    global _last_encoded
    if not _is_made(raw):
        return False
    _last_encoded = raw
    return True


def _may_decode(raw):
    global _last_decoded
    if not _is_made(raw):
        return False
    _last_decoded = raw
    return True


'''


def source(rows: list[Row]) -> str:
    """The text of `asvcore/codec_viper.py`."""
    return "\n\n\n".join([HEADER.format(coded=CODED).rstrip(), _encoder(rows), _decoder(rows)]) + "\n"


def _encoder(rows: list[Row]) -> str:
    names = [f"e{number}" for number in range(1, CODED + 1)]
    end = rows[-1][1] + rows[-1][2]
    last = (end - 1) // 8
    out = [
        "@micropython.viper",
        "def encode_into(raw, buffer):",
        "    if raw is not _last_encoded:",
        "        if not _may_encode(raw):",
        "            _list_encode(raw, buffer)",
        "            return",
        f"    buffer[{last}] = buffer[{last}]  # raises for what is too short or must not be written",
        "    r = ptr32(raw)",
        "    b = ptr8(buffer)",
    ]
    out += [f"    {name} = r[{index}]" for index, name in enumerate(names)]
    by_width: dict[int, list[str]] = {}
    for name, (_element, _bit, width, signed) in zip(names, rows, strict=True):
        by_width.setdefault(width, []).append(f"({name} + {1 << width - 1})" if signed else name)
    tests = []
    for width, terms in by_width.items():
        test = f"({' | '.join(terms)}) >> {width}"
        if any("+" in term for term in terms):  # on 64 bits, r[] of a negative number is 2**32 too large
            test = f"({test}) & {hex((1 << 32 - width) - 1)}"
        tests.append(test)
    out += ["    if (", *(f"        {'or ' if at else ''}{test}" for at, test in enumerate(tests)), "    ):"]
    out += ["        _refuse(raw)", "        return"]
    out += [f"    b[{byte}] = {_byte(byte, names, rows)}" for byte in range(last + 1)]
    return "\n".join(out)


def _byte(byte: int, names: list[str], rows: list[Row]) -> str:
    """A byte of the message; what stands above its eight bits falls off where it is stored."""
    low, high = byte * 8, byte * 8 + 8
    terms = []
    for name, (_element, bit, width, signed) in zip(names, rows, strict=True):
        if bit + width <= low or bit >= high:
            continue
        left = high - bit - width
        term = name if not left else f"({name} << {left})" if left > 0 else f"({name} >> {-left})"
        if signed and bit > low:  # the sign's bits would reach the element before
            term = f"({term} & {hex((1 << high - bit) - 1)})"
        terms.append(term)
    end = rows[-1][1] + rows[-1][2]
    if high > end:
        terms.append(f"(b[{byte}] & {hex((1 << high - end) - 1)})")
    return " | ".join(terms)


def _decoder(rows: list[Row]) -> str:
    last = (rows[-1][1] + rows[-1][2] - 1) // 8
    out = [
        "@micropython.viper",
        "def decode_into(buffer, raw):",
        "    if raw is not _last_decoded:",
        "        if not _may_decode(raw):",
        "            _list_decode(buffer, raw)",
        "            return",
        f"    buffer[{last}]  # raises for what is too short",
        "    b = ptr8(buffer)",
        "    r = ptr32(raw)",
    ]
    for index, (_name, bit, width, signed) in enumerate(rows):
        terms = []
        for byte in range(bit // 8, (bit + width - 1) // 8 + 1):
            low, high = byte * 8, byte * 8 + 8
            keep_from, left = max(bit, low), bit + width - high
            term = f"b[{byte}]" if left >= 0 else f"(b[{byte}] >> {-left})"
            if keep_from > low:
                term = f"({term} & {hex((1 << min(bit + width, high) - keep_from) - 1)})"
            terms.append(f"({term} << {left})" if left > 0 else term)
        text = " | ".join(terms)
        if signed:
            text = f"(({text}) ^ {1 << width - 1}) - {1 << width - 1}"
        out.append(f"    r[{index}] = {text}")
    return "\n".join(out)
