"""Writes `asvcore/codec.py` from the element table: `python -m asvtools.codec_source > firmware/asvcore/codec.py`.

With the word `viper` behind it, what writes `asvcore/codec_viper.py` (`codec_viper_source`).

Straight-line code is three times as fast as a loop over the table and allocates nothing on
MicroPython; a test compares the committed file with what this module writes.
"""

import sys

from asvcore.elements import CODED, ELEMENTS
from asvtools import codec_viper_source

HEADER = '''"""Straight-line codec of the 100 bytes, in place and allocation-free [G appendix 1, D1].

Generated from `elements.ELEMENTS` by `python -m asvtools.codec_source`; do not edit.

A raw message is a list of {coded} integers, elements 1..{coded} in table order (index = number - 1, the
constants below); degrees are signed, all else unsigned. Elements 44 and 45 (from bit {bits} on) are
bytes of the buffer that the codec leaves as they are: a zeroed buffer sends them as 0.

Where MicroPython has its viper emitter, `codec_viper` takes over: `new_raw` then makes what it is fast with.
"""

from struct import pack_into

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


'''

FOOTER = '''def new_raw():
    """A raw message of zeros."""
    return [0] * {coded}


try:
    from micropython import const as _  # noqa: F401 - nothing else is tried where it is not MicroPython

    from .codec_viper import decode_into, encode_into, new_raw  # noqa: F401 - take the place of those above
except (ImportError, SyntaxError, ValueError):  # no viper, or an .mpy for another kind of processor
    pass
'''


def layout() -> list[tuple[str, int, int, bool]]:
    """(name, first bit, width, signed) of elements 1..43."""
    rows, bit = [], 0
    for _number, _unit, name, bits, _mandatory, signed, _coding in ELEMENTS[:CODED]:
        rows.append((name, bit, bits, signed))
        bit += bits
    return rows


def _wrapped(head: str, parts: list[str], tail: str, joint: str, indent: str) -> str:
    """`head part joint part ... tail`, broken before column 110."""
    lines, line = [], head
    for number, part in enumerate(parts):
        piece = part + (joint if number + 1 < len(parts) else tail)
        if len(line) + len(piece) > 108:
            lines.append(line.rstrip())
            line = indent
        line += piece
    return "\n".join([*lines, line])


def _encoder(rows: list[tuple[str, int, int, bool]]) -> str:
    names = [f"e{number}" for number in range(1, CODED + 1)]
    out = [
        "def encode_into(raw, buffer):",
        '    """Write elements 1..43 into a bytearray of 100; ValueError if a code does not fit its width."""',
        "    (",
        _wrapped("        ", names, ",", ", ", "        "),
        "    ) = raw",
    ]
    by_width: dict[int, list[str]] = {}
    for name, (_element, _bit, width, signed) in zip(names, rows, strict=True):
        term = f"({name} + {1 << width - 1})" if signed else name
        by_width.setdefault(width, []).append(term)
    tests = [f"({' | '.join(terms)}) >> {width}" for width, terms in by_width.items()]
    out += ["    if ("]
    out += [f"        {'' if number == 0 else 'or '}{test}" for number, test in enumerate(tests)]
    out += ["    ):", "        refuse(raw)"]
    out.append("    pack_into(")
    out.append('        ">19H", buffer, 0,')
    out += [f"        {word}," for word in _words(names, rows)]
    out.append("    )")
    return "\n".join(out)


def _words(names: list[str], rows: list[tuple[str, int, int, bool]]) -> list[str]:
    """One expression per 16-bit word; products and sums, which CPython specialises, for shifts and ors."""
    end = rows[-1][1] + rows[-1][2]
    out = []
    for low in range(0, end, 16):
        high, terms = low + 16, []
        for name, (_element, bit, width, signed) in zip(names, rows, strict=True):
            if bit + width <= low or bit >= high:
                continue
            left = high - bit - width
            text = name if left >= 0 else f"{name} >> {-left}"
            if bit < low or signed:
                text = f"({text})" if left < 0 else text
                text = f"{text} & {(1 << min(bit + width, high) - max(bit, low)) - 1}"
            if left > 0:
                text = (f"({text})" if " " in text else text) + f" * {1 << left}"
            terms.append(f"({text})" if " " in text else text)
        if high > end:
            terms.append(f"(buffer[{high // 8 - 1}] & {(1 << high - end) - 1})")
        out.append(" + ".join(terms))
    return out


def _decoder(rows: list[tuple[str, int, int, bool]]) -> str:
    out = [
        "def decode_into(buffer, raw):",
        '    """Read elements 1..43 of a buffer of 100 bytes into a list of 43; every content decodes [D7]."""',
    ]
    uses: dict[int, int] = {}
    for _name, bit, width, _signed in rows:
        for byte in range(bit // 8, (bit + width - 1) // 8 + 1):
            uses[byte] = uses.get(byte, 0) + 1
    # Of the bytes that elements share no more than two are needed at a time: MicroPython takes the room of a call with
    # more than some ten names from the heap
    loaded: dict[int, str] = {}
    for index, (_name, bit, width, signed) in enumerate(rows):
        terms = []
        first, last = bit // 8, (bit + width - 1) // 8
        for byte in range(first, last + 1):
            if uses[byte] > 1 and byte not in loaded:
                loaded[byte] = "ab"[len(loaded) % 2]
                out.append(f"    {loaded[byte]} = buffer[{byte}]")
            text = loaded[byte] if uses[byte] > 1 else f"buffer[{byte}]"
            low, high = byte * 8, byte * 8 + 8
            keep_from, keep_to = max(bit, low), min(bit + width, high)
            left = bit + width - high
            if left < 0:
                text = f"{text} >> {-left}"
            if keep_from > low:
                mask = (1 << keep_to - keep_from) - 1
                text = f"({text}) & {hex(mask)}" if " " in text else f"{text} & {hex(mask)}"
            if left > 0:
                text = f"({text}) << {left}" if " " in text else f"{text} << {left}"
            terms.append(f"({text})" if " " in text and last > first else text)
        text = " | ".join(terms)
        if signed:
            half = 1 << width - 1
            text = f"(({text}) ^ {half}) - {half}"
        out.append(f"    raw[{index}] = {text}")
    return "\n".join(out)


def source() -> str:
    """The text of `asvcore/codec.py`."""
    rows = layout()
    bits = rows[-1][1] + rows[-1][2]
    constants = "\n".join(f"{name.upper()} = const({index})" for index, (name, *_rest) in enumerate(rows))
    widths = ", ".join(f"({'-' if signed else ''}{width})" if signed else str(width) for _n, _b, width, signed in rows)
    refuse = "\n".join(
        [
            "# Width of each element in bits, negative: signed.",
            _wrapped("WIDTHS = (", widths.replace("(", "").replace(")", "").split(", "), ")", ", ", "    "),
            "",
            "",
            "def refuse(raw):",
            '    """ValueError for the first code that does not fit its width."""',
            "    for index in range(len(WIDTHS)):",
            "        width = WIDTHS[index]",
            "        low, high = (0, (1 << width) - 1) if width > 0 else (-(1 << -width - 1), (1 << -width - 1) - 1)",
            "        if not low <= raw[index] <= high:",
            '            raise ValueError("element %d: %d is outside %d..%d" % (index + 1, raw[index], low, high))',
        ]
    )
    footer = FOOTER.format(coded=CODED)
    parts = [HEADER.format(coded=CODED, bits=bits) + constants, refuse, _encoder(rows), _decoder(rows)]
    return "\n\n\n".join([parts[0] + "\n\n" + parts[1], *parts[2:], footer])


if __name__ == "__main__":
    sys.stdout.write(codec_viper_source.source(layout()) if sys.argv[1:] == ["viper"] else source())
