"""Exact integers from the numbers of gpsd's JSON: decimal as they are written, so no rounding but the one asked for.

What is no such number, or beyond all sense, is None: a report may hold anything.
"""

import json
import re
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import Any, Final

from asvunit.gnss.nmea_text import time_of_day_ms

_DIGITS: Final = 30  # gpsd writes up to 12; with these every product below is exact
_EXACT: Final = Context(prec=60)
_HALF: Final = Decimal("0.5")
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T([0-9]{2}):([0-9]{2}):([0-9]{2}(?:\.[0-9]{1,12})?)Z")


def parse(line: bytes) -> dict[str, Any] | None:
    """One report; None: it is none. Numbers are Decimal, or None where they are no number (NaN, Infinity)."""
    try:
        report = json.loads(line, parse_float=_number, parse_int=_number, parse_constant=lambda _name: None)
    except (ValueError, RecursionError):  # no JSON, no UTF-8; nested too deep
        return None
    return report if isinstance(report, dict) else None


def up(value: object, factor: int, low: int, high: int) -> int | None:
    """value x factor, half-way values up (towards plus infinity); None beyond low..high."""
    product = _times(value, factor)
    return None if product is None else _within(_EXACT.add(product, _HALF), ROUND_FLOOR, low, high)


def ceiling(value: object, factor: int, low: int, high: int) -> int | None:
    """value x factor, any fraction up: an error is never told smaller."""
    product = _times(value, factor)
    return None if product is None else _within(product, ROUND_CEILING, low, high)


def angle_cas(degrees: object, limit_deg: int) -> int | str:
    """Degrees as centi-arc-seconds, half-way values up by magnitude, or the reason why not."""
    product = _times(degrees, 360_000)
    if product is None:
        return "no_position" if not isinstance(degrees, Decimal) else "out_of_range"
    if abs(product) > limit_deg * 360_000:
        return "out_of_range"
    return int(product.to_integral_value(ROUND_HALF_UP))


def root_of_squares(one: object, other: object) -> Decimal | None:
    """The length of two components."""
    pair = [_times(value, 1) for value in (one, other)]
    if pair[0] is None or pair[1] is None or max(abs(pair[0]), abs(pair[1])) > 1_000_000:
        return None
    return _EXACT.sqrt(_EXACT.add(_EXACT.multiply(pair[0], pair[0]), _EXACT.multiply(pair[1], pair[1])))


def number(value: object) -> Decimal | None:
    """A number that can be worked with."""
    return _times(value, 1)


def time_of_day(text: object) -> int | None:
    """ISO 8601 in UTC as milliseconds of the day, a leap second within its minute; None: not told, or no time."""
    match = _TIME.fullmatch(text) if isinstance(text, str) else None
    return None if match is None else time_of_day_ms("".join(match.groups()))


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent beyond all machines
        return None


def _times(value: object, factor: int) -> Decimal | None:
    if (
        not isinstance(value, Decimal)
        or not value.is_finite()
        or len(value.as_tuple().digits) > _DIGITS
        or value.adjusted() > 9
    ):
        return None
    if value.adjusted() < -_DIGITS:
        return Decimal(0)
    return _EXACT.multiply(value, factor)


def _within(value: Decimal, rounding: str, low: int, high: int) -> int | None:
    rounded = int(value.to_integral_value(rounding))
    return rounded if low <= rounded <= high else None
