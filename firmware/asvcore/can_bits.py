"""Bit fields of CAN frames as compiled maps describe them, and the conversion of what stands in them."""

from . import codes

NONE_WORD = -1  # in a table of words: the car does not say


class Field:
    """A bit field of up to 32 bits, in either byte order, taken byte by byte so that nothing grows large.

    Row: [byte of the top bits, step to the next byte (1 or -1), bytes after it, mask of the first byte,
    shift of the last byte, sign bit or 0].
    """

    __slots__ = ("_at", "_mask", "_more", "_shift", "_sign", "_step")

    def __init__(self, row):
        self._at, self._step, self._more, self._mask, self._shift, self._sign = row

    def read(self, data):
        """The raw code in a frame's bytes."""
        at = self._at
        more = self._more
        if more == 0:
            raw = data[at] >> self._shift & self._mask
        else:
            step = self._step
            raw = data[at] & self._mask
            while more > 1:
                at += step
                raw = raw << 8 | data[at]
                more -= 1
            shift = self._shift
            raw = raw << 8 - shift | data[at + step] >> shift
        sign = self._sign
        return raw - (sign << 1) if raw & sign else raw


class Number:
    """raw * factor / divisor + offset, half-way values up, without numbers larger than the result needs.

    Row: [factor, offset x divisor, divisor, lowest and highest plausible raw code, lowest and highest code of a gap
    between them, 1: without sign, least and most value, codes that say "unknown"], and for J1939: first code of the
    range above all values, which says "unknown" as well.
    """

    __slots__ = (
        "_divisor",
        "_factor",
        "_gap_high",
        "_gap_low",
        "_half",
        "_high",
        "_least",
        "_low",
        "_most",
        "_offset",
        "_top",
        "_unknown",
        "_unsigned",
        "status",
    )  # fmt: skip

    def __init__(self, row):
        self._factor, self._offset, self._divisor, self._low, self._high = row[:5]
        self._gap_low, self._gap_high, self._unsigned, self._least, self._most = row[5:10]
        self._unknown = set(row[10])
        self._top = row[11] if len(row) > 11 else 0  # none
        self._half = self._divisor // 2
        self.status = codes.STATUS_UNKNOWN

    def convert(self, raw):
        """The value; `status` says whether it may be used."""
        if raw in self._unknown or 0 < self._top <= raw:
            self.status = codes.STATUS_UNKNOWN
            return 0
        if raw < self._low or raw > self._high or self._gap_low <= raw <= self._gap_high:
            self.status = codes.STATUS_IMPLAUSIBLE
        else:
            self.status = codes.STATUS_OK
        divisor = self._divisor
        offset = self._offset
        whole = raw // divisor
        rest = (raw - whole * divisor) * self._factor + offset
        value = whole * self._factor + (rest + self._half) // divisor
        if self._unsigned and whole * self._factor + rest // divisor < 0:
            whole = -raw // divisor
            rest = (-raw - whole * divisor) * self._factor - offset
            value = whole * self._factor + (rest + self._half) // divisor
        if value < self._least:
            return self._least
        return self._most if value > self._most else value


class Words:
    """A table of codes. Row: [value of all other codes, [code, value], ...]; NONE_WORD is "unknown"."""

    __slots__ = ("_other", "_values", "status")

    def __init__(self, row):
        self._other = row[0]
        self._values = {code: value for code, value in row[1:]}
        self.status = codes.STATUS_UNKNOWN

    def convert(self, raw):
        """The value; `status` says whether there is one."""
        value = self._values.get(raw, self._other)
        if value < 0:
            self.status = codes.STATUS_UNKNOWN
            return 0
        self.status = codes.STATUS_OK
        return value
