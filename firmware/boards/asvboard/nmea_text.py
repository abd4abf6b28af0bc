"""Exact integers from the text of NMEA fields, below 2^30 all the way: no fraction, nothing allocated.

As `asvunit.gnss.nmea_text`: half-way values round up (towards plus infinity; angles by magnitude).
"""

from asvcore import codes
from asvcore.params import DAY_MS, NONE

LONGEST_DIGITS = 12  # before and after the point
WHOLE_LIMIT = 20_000  # beyond all that is plausible: further digits do not count
GROUP = 10_000  # four digits after the point are one number


class Number:
    """A decimal number as it stands in a line."""

    __slots__ = ("_first", "_second", "_third", "negative", "whole")

    def __init__(self):
        self.negative = False
        self.whole = self._first = self._second = self._third = 0

    def read(self, line, at, end):
        """Take the text between two places; False: it is no number."""
        negative = at < end and line[at] == 0x2D
        if negative or (at < end and line[at] == 0x2B):
            at += 1
        self.negative = negative
        begin, whole = at, 0
        while at < end and 0x30 <= line[at] <= 0x39:
            if whole < WHOLE_LIMIT:
                whole = whole * 10 + line[at] - 0x30
            at += 1
        self.whole = whole
        self._first = self._second = self._third = 0
        digits = at - begin
        if digits > LONGEST_DIGITS:
            return False
        if at == end:
            return digits > 0
        if line[at] != 0x2E:
            return False
        return self._read_fraction(line, at + 1, end) and digits + end - at > 1

    def _read_fraction(self, line, at, end):
        if end - at > LONGEST_DIGITS:
            return False
        value = count = 0
        for index in range(at, end):
            digit = line[index] - 0x30
            if not 0 <= digit <= 9:
                return False
            value = value * 10 + digit
            count += 1
            if count & 3 == 0:
                self._put(count, value)
                value = 0
        if count & 3:
            while count & 3:
                value *= 10
                count += 1
            self._put(count, value)
        return True

    def _put(self, count, value):
        """The four digits that end with the place `count` after the point."""
        if count == 4:
            self._first = value
        elif count == 8:
            self._second = value
        else:
            self._third = value

    def is_whole(self):
        """Whether nothing but noughts stands after the point."""
        return self._first == 0 and self._second == 0 and self._third == 0

    def floored(self, factor):
        """Times a factor up to 100,000, rounded down."""
        return self._times(factor, False)

    def scaled(self, factor):
        """Times a factor up to 100,000, half-way values up."""
        return self._times(factor, True)

    def _times(self, factor, to_nearest):
        high = self._first * factor
        more = False
        if self._second or self._third:
            low = self._third * factor
            middle = self._second * factor + low // GROUP
            high += middle // GROUP
            more = middle % GROUP != 0 or low % GROUP != 0
        value = self.whole * factor + high // GROUP
        rest = high % GROUP
        half = GROUP >> 1
        if self.negative:
            if to_nearest:
                return -value - 1 if rest > half or (rest == half and more) else -value
            return -value - 1 if rest or more else -value
        return value + 1 if to_nearest and rest >= half else value


class Angle:
    """A latitude or longitude of a sentence."""

    __slots__ = ("_minutes", "cas")

    def __init__(self):
        self.cas = NONE
        self._minutes = Number()

    def read(self, line, at, end, is_negative, limit_deg):
        """Degrees and minutes into `cas`; returns FIX_OK or why there is none."""
        point = at
        while point < end and 0x30 <= line[point] <= 0x39:
            point += 1
        digits = point - at
        minutes = self._minutes
        if not 3 <= digits <= 5 or not minutes.read(line, point - 2, end):
            return codes.REASON_NO_POSITION
        degrees = 0
        while at < point - 2:
            degrees = degrees * 10 + line[at] - 0x30
            at += 1
        if minutes.whole >= 60:
            return codes.REASON_OUT_OF_RANGE
        if degrees > limit_deg or (degrees == limit_deg and not (minutes.whole == 0 and minutes.is_whole())):
            return codes.REASON_OUT_OF_RANGE
        size_cas = degrees * 360_000 + minutes.scaled(6000)
        self.cas = -size_cas if is_negative else size_cas
        return codes.FIX_OK


def time_of_day_ms(line, at, end, number):
    """hhmmss.s as milliseconds of the day, NONE: it is none; second 60 (a leap second) stays within its minute."""
    if end - at < 6:
        return NONE
    hour, minute = _pair(line, at), _pair(line, at + 2)
    second = _pair(line, at + 4)
    if not 0 <= hour <= 23 or not 0 <= minute <= 59 or not 0 <= second <= 60:
        return NONE
    at += 6
    part_ms = 0
    if end - at > 1:
        if line[at] != 0x2E or not number.read(line, at, end):
            return NONE
        part_ms = number.scaled(1000)
    elif end > at and line[at] != 0x2E:
        return NONE
    part_ms = 59_999 if second == 60 else second * 1000 + part_ms
    return min((hour * 60 + minute) * 60_000 + part_ms, DAY_MS - 1)


def _pair(line, at):
    """The value of two digits, or negative."""
    tens, ones = line[at] - 0x30, line[at + 1] - 0x30
    return tens * 10 + ones if 0 <= tens <= 9 and 0 <= ones <= 9 else -1


def below_half(error_dm, is_exact):
    """Decimetres rounded up to half a metre stay below it: the message rounds to metres, and may do so once only."""
    return error_dm if is_exact or error_dm % 10 != 5 else error_dm - 1


def root_of_squares_dm(one_mm, other_mm):
    """sqrt(one^2 + other^2) of millimetres below 2^24 as decimetres, rounded up, and 1 at the least."""
    low = max(one_mm, other_mm, 100) // 100
    high = (one_mm + other_mm) // 100 + 1
    while low < high:
        middle = (low + high) >> 1
        if compare_squares(one_mm, other_mm, middle * 100) > 0:
            low = middle + 1
        else:
            high = middle
    return low


def compare_squares(one, other, root):
    """one^2 + other^2 - root^2 by its sign, of numbers below 2^24, in halves of 12 bits."""
    one_high, one_low = one >> 12, one & 0xFFF
    other_high, other_low = other >> 12, other & 0xFFF
    root_high, root_low = root >> 12, root & 0xFFF
    low = one_low * one_low + other_low * other_low - root_low * root_low
    middle = 2 * (one_high * one_low + other_high * other_low - root_high * root_low) + (low >> 12)
    high = one_high * one_high + other_high * other_high - root_high * root_high + (middle >> 12)
    if high:
        return high
    return (middle & 0xFFF) | (low & 0xFFF)
