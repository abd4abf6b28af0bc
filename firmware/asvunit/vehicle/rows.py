"""Rows of a compiled map from signals of a database: bit fields, and the exact conversion of numbers."""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from cantools.database.can import Signal

from asvcore.can_bits import Number
from asvunit.vehicle.bound import last_byte

Row = list[Any]  # of integers and rows
_NO_GAP: Final = (1, 0)
_TRIED: Final = 1 << 16  # codes of a field for which a smaller fraction is looked for
_DENOMINATORS: Final = (100, 1_000, 10_000)


def field_row(signal: Signal, *, unsigned: bool = False) -> list[int]:
    """Where a signal's bits stand; see `asvcore.can_bits.Field`."""
    start, length = int(signal.start), int(signal.length)
    sign = 1 << length - 1 if signal.is_signed and not unsigned else 0
    if signal.byte_order == "little_endian":
        top = start + length - 1
        at, bits, step = top // 8, top % 8 + 1, -1
        more, shift = at - start // 8, start % 8
    else:
        at, bits, step = start // 8, start % 8 + 1, 1
        more = last_byte(signal) - at
        shift = (bits - length) % 8
    mask = (1 << (bits if more else length)) - 1
    return [at, step, more, mask, shift, sign]


def raw_range(signal: Signal) -> tuple[int, int]:
    """The least and the greatest raw code of a signal."""
    length = int(signal.length)
    return (-(1 << length - 1), (1 << length - 1) - 1) if signal.is_signed else (0, (1 << length) - 1)


def _integers(factor: Fraction, offset: Fraction) -> tuple[int, int, int]:
    divisor = math.lcm(factor.denominator, offset.denominator)
    return int(factor * divisor), int(offset * divisor), divisor


def _fits(row: Row) -> bool:
    """Whether converting stays within a board's small integers."""
    return bool(abs(row[0]) * row[2] + abs(row[1]) < 1 << 30)


@dataclass(frozen=True, slots=True)
class Scale:
    """value = raw x factor + offset, plausible from `least` to `most`, cut to `low` .. `high`."""

    factor: Fraction
    offset: Fraction
    least: Fraction
    most: Fraction
    low: int
    high: int
    magnitude: bool = False
    top: int = 0  # first code above the range of J1939's values

    def row(self, signal: Signal, unknown: list[int]) -> Row:
        """See `asvcore.can_bits.Number`."""
        codes = raw_range(signal)
        if self.magnitude:
            first, last = self._between(-self.most, self.most)
            gap = self._inside(self.least) if self.least > 0 else _NO_GAP
        else:
            (first, last), gap = self._between(self.least, self.most), _NO_GAP
        rest = [
            max(first, codes[0]), min(last, codes[1]), *gap, int(self.magnitude), self.low, self.high,
            sorted(set(unknown)), *([self.top] if self.top else []),
        ]  # fmt: skip
        exact = [*_integers(self.factor, self.offset), *rest]
        if _fits(exact) or codes[1] - codes[0] >= _TRIED:
            return exact
        every = range(codes[0], codes[1] + 1)
        wanted = [*map(Number(exact).convert, every)]
        for limit in _DENOMINATORS:  # a scale like 0.3921568627 is 100/255 to all intents and purposes
            near = [*_integers(self.factor.limit_denominator(limit), self.offset.limit_denominator(limit)), *rest]
            if near[0] and _fits(near) and wanted == [*map(Number(near).convert, every)]:
                return near
        return exact

    def _between(self, least: Fraction, most: Fraction) -> tuple[int, int]:
        """The raw codes whose value is least .. most."""
        ends = sorted(((least - self.offset) / self.factor, (most - self.offset) / self.factor))
        return math.ceil(ends[0]), math.floor(ends[1])

    def _inside(self, limit: Fraction) -> tuple[int, int]:
        """The raw codes whose value is nearer to 0 than `limit`."""
        ends = sorted(((-limit - self.offset) / self.factor, (limit - self.offset) / self.factor))
        return math.floor(ends[0]) + 1, math.ceil(ends[1]) - 1
