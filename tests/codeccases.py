"""Cases of the codec from a fixed seed, with what must come out of each, by the table of elements alone.

A line of cases is JSON, of a list: ["encode", 43 integers, the buffer before, in hex] or ["decode", 100 bytes in hex].
"""

import json
import random

from asvcore.elements import CODED, ELEMENTS, MESSAGE_BYTES

_BITS = sum(row[3] for row in ELEMENTS[:CODED])
_OUTSIDE = (1 << 16, 1 << 29, (1 << 30) - 1, 1 << 30, 1 << 31, 1 << 40, -(1 << 16), -(1 << 30), -(1 << 31))


def bounds(row):
    """The lowest and highest code of an element."""
    return (-(1 << row[3] - 1), (1 << row[3] - 1) - 1) if row[5] else (0, (1 << row[3]) - 1)


def joined(codes, before):
    """Bits of the coded elements, the rest as it was: the layout in its plainest form."""
    bits = "".join(format(code % (1 << row[3]), f"0{row[3]}b") for code, row in zip(codes, ELEMENTS, strict=False))
    bits += "".join(f"{byte:08b}" for byte in before)[_BITS:]
    return bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))


def split(data):
    """The way back."""
    bits = "".join(f"{byte:08b}" for byte in data)
    codes, at = [], 0
    for row in ELEMENTS[:CODED]:
        code = int(bits[at : at + row[3]], 2)
        codes.append(code - (1 << row[3]) if row[5] and bits[at] == "1" else code)
        at += row[3]
    return codes


def _refused(codes):
    for number, (code, row) in enumerate(zip(codes, ELEMENTS, strict=False), 1):
        low, high = bounds(row)
        if not low <= code <= high:
            return f"refused element {number}: {code} is outside {low}..{high}"
    return None


def _codes(rng):
    """Codes and wrong codes: extremes of each element among zeros, highest and lowest; random; too wide ones."""
    lowest, highest = ([bounds(row)[side] for row in ELEMENTS[:CODED]] for side in (0, 1))
    for base in ([0] * CODED, lowest, highest):
        yield base
        for index in range(CODED):
            low, high = bounds(ELEMENTS[index])
            for code in (low, high, low - 1, high + 1):
                yield [*base[:index], code, *base[index + 1 :]]
    while True:
        codes = [rng.randint(*bounds(row)) for row in ELEMENTS[:CODED]]
        yield codes
        index = rng.randrange(CODED)
        yield [*codes[:index], rng.choice(_OUTSIDE), *codes[index + 1 :]]


def _data(rng):
    """Bytes: all zero, all one, each bit alone, random."""
    yield bytes(MESSAGE_BYTES)
    yield b"\xff" * MESSAGE_BYTES
    for bit in range(_BITS):
        yield (1 << 8 * MESSAGE_BYTES - 1 - bit).to_bytes(MESSAGE_BYTES, "big")
    while True:
        yield rng.randbytes(MESSAGE_BYTES)


def cases(random_ones, seed=1):
    """Lines of cases and the lines that must come out; `random_ones` of each way beside the extremes."""
    rng = random.Random(seed)
    asked, wanted = [], []
    for number, codes in enumerate(_codes(rng)):
        if number == 3 * (4 * CODED + 1) + random_ones:
            break
        before = rng.randbytes(MESSAGE_BYTES)
        asked.append(json.dumps(["encode", codes, before.hex()]))
        wrong = _refused(codes)
        wanted.append(f"{wrong or 'back'} {(before if wrong else joined(codes, before)).hex()}")
    for number, data in enumerate(_data(rng)):
        if number == _BITS + 2 + random_ones:
            break
        asked.append(json.dumps(["decode", data.hex()]))
        wanted.append(f"back {split(data)}")
    return asked, wanted
