"""Binary frames between the sentences of a receiver: whole and right ones are cut out, as `asvunit.gnss` does.

A frame is held until it is known to be one: u-blox (UBX), RTCM 3, SiRF and SkyTraq tell their length and carry a
check. What turns out to be none goes on as it came. Frames longer than `HOLD_BYTES` are not known here: they pass as
noise, of which the lines' and sentences' own checks take nothing.
"""

from . import nmea_counts as counts

HOLD_BYTES = 1032  # RTCM 3 at its longest is 1029 bytes
SENTENCES_IN_A_FRAME = 3  # so many right ones make it no frame
BLIND_SHIFT = 3  # after what was no frame, none is looked for in an eighth of it: bounds the work on noise
LONGEST_BODY = 251  # of a sentence, between $ and *
SHORTEST_BODY = 6

UBX = 1
RTCM3 = 2
SIRF = 3
SKYTRAQ = 4

GOES_ON = 0
IS_FRAME = 1
IS_NONE = 2

# CRC-24Q, four bits at a time
_CRC24Q = (
    0x000000, 0x864CFB, 0x8AD50D, 0x0C99F6, 0x93E6E1, 0x15AA1A, 0x1933EC, 0x9F7F17,
    0xA18139, 0x27CDC2, 0x2B5434, 0xAD18CF, 0x3267D8, 0xB42B23, 0xB8B2D5, 0x3EFE2E,
)  # fmt: skip


class BinaryFilter:
    """Bytes in, the same without binary frames out to the cutter; a line end stands where one was."""

    __slots__ = ("_blind", "_body", "_check", "_cutter", "_digit", "_family", "_found", "_held", "_size", "count")

    def __init__(self, cutter):
        self.count = 0  # bytes held back
        self._cutter = cutter
        self._held = bytearray(HOLD_BYTES)
        self._blind = 0  # bytes yet to come in which no frame is looked for
        self._begin()

    def _begin(self):
        self._family = 0
        self._size = 0  # of the frame; 0: not known yet
        self._found = 0  # right sentences in it
        self._body = -1  # bytes of a sentence's body in it; -1: none has begun
        self._check = 0
        self._digit = -1

    def feed(self, data, count):
        """Takes `count` bytes."""
        cutter = self._cutter
        at = 0
        while at < count:
            if self.count:
                self._held[self.count] = data[at]
                self.count += 1
                at += 1
                self._settle(self._look(self.count - 1))
            elif self._blind:
                end = min(count, at + self._blind)
                self._blind -= end - at
                cutter.take(data, at, end, False)
                at = end
            else:
                at = cutter.take(data, at, count, True)
                if at < count:
                    self._held[0] = data[at]
                    self.count = 1
                    at += 1

    def give_up(self):
        """The line has gone quiet: what is held is no frame."""
        while self.count:
            self._size = 0
            self._settle(IS_NONE)

    def _settle(self, found):
        """Goes on after a frame or after what was none: the rest of what is held is looked at anew."""
        cutter, held = self._cutter, self._held
        while found != GOES_ON:
            count = self.count
            if found == IS_FRAME:
                counts.add(cutter.counts, counts.BINARY)
                cutter.end_line()
                at, blind = self._size, 0
            else:
                at, blind = 0, 1 + (self._size >> BLIND_SHIFT)
            end = min(count, at + blind)
            if end > at:
                cutter.take(held, at, end, False)
                blind -= end - at
                at = end
            if at < count:
                at = cutter.take(held, at, count, True)
            self._begin()
            self.count, self._blind = count - at, blind
            found = GOES_ON
            for index in range(count - at):
                held[index] = held[at + index]
            for index in range(1, count - at):
                found = self._look(index)
                if found != GOES_ON:
                    break

    def _look(self, index):
        """What the byte at an index, 1 or more, tells of the frame begun."""
        held = self._held
        if index == 1:
            self._family = _family(held)
            return GOES_ON if self._family else IS_NONE
        if self._ends_sentence(held[index]):
            self._found += 1
            if self._found == SENTENCES_IN_A_FRAME:
                return IS_NONE
        if self._size == 0:
            length = _length(held, self._family, index)
            if length == GOES_ON:
                return GOES_ON
            if length > HOLD_BYTES:
                return IS_NONE
            self._size = length
        if index + 1 < self._size:
            return GOES_ON
        return IS_FRAME if _is_right(held, self._family, self._size) else IS_NONE

    def _ends_sentence(self, byte):
        """Whether a sentence with a right checksum ends with this byte."""
        if byte == 0x24:
            self._body = self._check = 0
            self._digit = -1
        elif self._body < 0:
            return False
        elif self._digit == -1:  # in the body
            size = self._body
            if byte == 0x2A and size >= SHORTEST_BODY:
                self._digit = -2
            elif _is_body(byte, size):
                self._body = size + 1
                self._check ^= byte
            else:
                self._body = -1
        else:
            digit = hex_digit(byte)
            if digit < 0:
                self._body = -1
            elif self._digit == -2:
                self._digit = digit
            else:
                self._body = -1
                return self._digit << 4 | digit == self._check
        return False


def _is_body(byte, size):
    """Whether a byte may stand in a sentence's body after so many others."""
    if size == 0:
        return 0x41 <= byte <= 0x5A
    return 0x20 <= byte <= 0x7E and byte != 0x2A and size < LONGEST_BODY


def hex_digit(byte):
    """The value of a hexadecimal digit, or -1."""
    if 0x30 <= byte <= 0x39:
        return byte - 0x30
    if 0x41 <= byte <= 0x46:
        return byte - 0x37
    if 0x61 <= byte <= 0x66:
        return byte - 0x57
    return -1


def _family(held):
    first, second = held[0], held[1]
    if first == 0xB5:
        return UBX if second == 0x62 else 0
    if first == 0xD3:
        return RTCM3 if second < 4 else 0
    return SIRF if second == 0xA2 else SKYTRAQ if second == 0xA1 else 0


def _length(held, family, index):
    """Bytes of a frame whose header ends at this index, too many where there is no such frame; 0: it goes on."""
    if family == UBX:
        return (held[4] | held[5] << 8) + 8 if index == 5 else GOES_ON
    if family == RTCM3:
        if index != 4:
            return GOES_ON
        number = held[3] << 4 | held[4] >> 4
        return (held[1] << 8 | held[2]) + 6 if 1001 <= number <= 1304 or number >= 4001 else HOLD_BYTES + 1
    if index != 3:
        return GOES_ON
    return (held[2] << 8 | held[3]) + (8 if family == SIRF else 7)


def _is_right(held, family, size):
    """Whether the frame's own check says so."""
    if family == UBX:
        first = second = 0
        for index in range(2, size - 2):
            first = first + held[index] & 0xFF
            second = second + first & 0xFF
        return held[size - 2] == first and held[size - 1] == second
    if family == RTCM3:
        value = 0
        for index in range(size):
            byte = held[index]
            value = (value << 4 & 0xFFFFFF) ^ _CRC24Q[value >> 20 ^ byte >> 4]
            value = (value << 4 & 0xFFFFFF) ^ _CRC24Q[value >> 20 ^ byte & 15]
        return value == 0  # its last three bytes are the check
    value = 0
    if family == SIRF:
        for index in range(4, size - 4):
            value += held[index]
        ends = held[size - 2] == 0xB0 and held[size - 1] == 0xB3
        return ends and value & 0x7FFF == held[size - 4] << 8 | held[size - 3]
    for index in range(4, size - 3):
        value ^= held[index]
    return held[size - 2] == 13 and held[size - 1] == 10 and value == held[size - 3]
