"""Exact integers from the text of NMEA fields: no binary fraction, so no rounding but the one asked for.

Half-way values round up (towards plus infinity; angles by magnitude). Text that is no such thing gives
None, never an exception: a sentence with a good checksum may still hold anything.
"""

import re
from datetime import date as Date
from typing import Final

DAY_MS: Final = 86_400_000

_NUMBER: Final = re.compile(r"([+-]?)([0-9]{0,12})(?:\.([0-9]{0,12}))?")
_TIME: Final = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{2})(?:\.([0-9]{0,12}))?")
_ANGLE: Final = re.compile(r"([0-9]{1,3})([0-9]{2}(?:\.[0-9]{0,12})?)")
_DATE: Final = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{2})")


def scaled(text: str, numerator: int, denominator: int = 1) -> int | None:
    """Decimal text x numerator / denominator, half-way values up; None: not a number."""
    match = _NUMBER.fullmatch(text)
    if match is None or not (match[2] or match[3]):
        return None
    fraction = match[3] or ""
    digits = int(match[1] + match[2] + fraction)
    below = denominator * int("1" + "0" * len(fraction))
    return (2 * digits * numerator + below) // (2 * below)


def floored(text: str, numerator: int, denominator: int = 1) -> int | None:
    """As `scaled`, but rounded down: what is rounded again later, or compared, is rounded once."""
    value = scaled(text, numerator, denominator)
    match = _NUMBER.fullmatch(text)
    if value is None or match is None:
        return None
    below = denominator * int("1" + "0" * len(match[3] or ""))
    return int(match[1] + match[2] + (match[3] or "")) * numerator // below


def below_half(error_dm: int, *, is_exact: bool) -> int:
    """Decimetres rounded up to half a metre stay below it: the message rounds to metres, and may do so once only."""
    return error_dm if is_exact or error_dm % 10 != 5 else error_dm - 1


def angle_cas(text: str, hemisphere: str, plus: str, minus: str, limit_deg: int) -> int | str:
    """Degrees and minutes as centi-arc-seconds, or the reason why not."""
    match = _ANGLE.fullmatch(text)
    if match is None or hemisphere not in (plus, minus):
        return "no_position"
    minute_cas = scaled(match[2], 6000)
    if minute_cas is None or int(match[2][:2]) >= 60:
        return "out_of_range"
    size = int(match[1]) * 360_000 + minute_cas
    beyond = int(match[1]) == limit_deg and match[2].strip("0.") != ""
    if size > limit_deg * 360_000 or beyond:
        return "out_of_range"
    return -size if hemisphere == minus else size


def time_of_day_ms(text: str) -> int | None:
    """hhmmss.s as milliseconds of the day; second 60 (a leap second) stays within its minute."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    hour, minute, second = int(match[1]), int(match[2]), int(match[3])
    if hour > 23 or minute > 59 or second > 60:
        return None
    part = 59_999 if second == 60 else second * 1000 + (scaled("0." + (match[4] or ""), 1000) or 0)
    return min((hour * 60 + minute) * 60_000 + part, DAY_MS - 1)


def date_of(text: str) -> Date | None:
    """ddmmyy; 80..99 are of the last century (a cold receiver counts from 6 January 1980)."""
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    year = int(match[3])
    try:
        return Date(year + (1900 if year >= 80 else 2000), int(match[2]), int(match[1]))
    except ValueError:
        return None
