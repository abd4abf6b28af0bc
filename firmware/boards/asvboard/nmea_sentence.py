"""One NMEA sentence in its line: checked, known by its kind and talker, its fields as places in the line."""

from array import array

from asvcore.params import NONE

from . import nmea_counts as counts
from .nmea_binary import hex_digit
from .nmea_loops import COMMA, STAR, scan_fields
from .nmea_text import Angle, Number, time_of_day_ms

# Kinds
RMC = 0
GGA = 1
GNS = 2
GLL = 3
GST = 4
VTG = 5
ZDA = 6
KINDS = 7  # of which an epoch takes those before ZDA

# What comes of a text that begins with $
TAKEN = -1
NOT_WANTED = -2  # else the reason why it was dropped

FIELDS = 13  # as many as are used, the address among them

# Letters of a kind, as one number
_RMC = 0x524D43
_GGA = 0x474741
_GNS = 0x474E53
_GLL = 0x474C4C
_GST = 0x475354
_VTG = 0x565447
_ZDA = 0x5A4441

_TIMES = (0, 0, 0, 4, 0, 0, 0)  # the field with the time of day, by kind
_LATITUDES = (2, 1, 1, 0)  # the field with the latitude; hemisphere and longitude follow

_TALKER_GN = 0x474E
_TALKER_GP = 0x4750


class Sentence:
    """The sentence taken last. Its line is the cutter's, and holds until the next bytes."""

    __slots__ = (
        "_commas", "_fields", "_line", "_number", "_place", "is_void", "key", "kind", "latitude_cas", "longitude_cas",
        "talker",
    )  # fmt: skip

    def __init__(self):
        self.kind = 0
        self.talker = 0  # two letters
        self.key = 0  # kind and talker
        self.is_void = False  # an RMC that says that there is no fix
        self.latitude_cas = self.longitude_cas = NONE
        self._line = b""
        self._fields = 0
        self._commas = array("H", [0] * FIELDS)  # where each field ends, the address first
        self._place = Angle()
        self._number = Number()

    def take(self, line, size):
        """A text that begins with $: TAKEN, NOT_WANTED, or the reason why it is dropped."""
        kind = _kind(line, size)
        if kind < 0:
            return NOT_WANTED
        found = scan_fields(line, size, self._commas, FIELDS)
        star = found & 1023
        if star == 0 or not _is_check(line, star, size):
            return counts.GARBAGE if star and _has_check(line, star, size) else counts.NO_CHECKSUM
        if found >> 10 & 0xFF != hex_digit(line[star + 1]) << 4 | hex_digit(line[star + 2]):
            return counts.BAD_CHECKSUM
        fields = found >> 18
        if fields < FIELDS:
            self._commas[fields] = star
        else:
            fields = FIELDS - 1
        self._fields = fields
        self._line = line
        self.kind = kind
        self.talker = line[1] << 8 | line[2]
        self.key = self.talker * KINDS + kind
        self.is_void = kind == RMC and (self.letter(1) != 0x41 or self.letter(11) == 0x4E)
        return TAKEN

    def bounds(self, index):
        """Where a field's text begins and ends, white space left out, as one number: begin << 10 | end."""
        if index >= self._fields:
            return 0
        line, commas = self._line, self._commas
        at, end = commas[index] + 1, commas[index + 1]
        while at < end and line[at] <= 0x20 and _is_white(line[at]):
            at += 1
        while at < end and line[end - 1] <= 0x20 and _is_white(line[end - 1]):
            end -= 1
        return at << 10 | end

    def is_empty(self, index):
        """Whether a field is not there, or holds nothing."""
        bounds = self.bounds(index)
        return bounds >> 10 == bounds & 1023

    def letter(self, index):
        """The field's only character as a number, or 0."""
        bounds = self.bounds(index)
        return self._line[bounds >> 10] if (bounds & 1023) - (bounds >> 10) == 1 else 0

    def has(self, index, letter):
        """Whether a character stands in a field."""
        bounds = self.bounds(index)
        line = self._line
        for at in range(bounds >> 10, bounds & 1023):
            if line[at] == letter:
                return True
        return False

    def is_nought(self, index):
        """Whether a field holds noughts alone, or nothing."""
        bounds = self.bounds(index)
        line = self._line
        for at in range(bounds >> 10, bounds & 1023):
            if line[at] != 0x30:
                return False
        return True

    def number(self, index):
        """A field's number, or None: it is none. It holds until the next field is asked for."""
        bounds = self.bounds(index)
        return self._number if self._number.read(self._line, bounds >> 10, bounds & 1023) else None

    def lacks_time(self):
        """Whether the time of day's field holds nothing."""
        return self.is_empty(_TIMES[self.kind])

    def tod_ms(self):
        """Time of day, or NONE."""
        bounds = self.bounds(_TIMES[self.kind])
        return time_of_day_ms(self._line, bounds >> 10, bounds & 1023, self._number)

    def read_place(self):
        """Latitude and longitude into its attributes; returns FIX_OK or why there is none."""
        first = _LATITUDES[self.kind]
        status = self._angle(first, 0x4E, 0x53, 90)
        self.latitude_cas = self._place.cas
        if status:
            return status
        status = self._angle(first + 2, 0x45, 0x57, 180)
        self.longitude_cas = self._place.cas
        return status

    def _angle(self, index, plus, minus, limit_deg):
        hemisphere = self.letter(index + 1)
        bounds = self.bounds(index) if hemisphere == plus or hemisphere == minus else 0
        return self._place.read(self._line, bounds >> 10, bounds & 1023, hemisphere == minus, limit_deg)


def talker_rank(talker):
    """Of all systems together, of GPS, of another."""
    return 2 if talker == _TALKER_GN else 1 if talker == _TALKER_GP else 0


def _kind(line, size):
    """The kind of a sentence by its address field, negative for one that is not wanted."""
    if size < 7 or line[6] != COMMA or line[1] == 0x50:  # P: proprietary
        return -1
    if not 0x41 <= line[1] <= 0x5A or not 0x41 <= line[2] <= 0x5A:
        return -1
    letters = line[3] << 16 | line[4] << 8 | line[5]
    if letters == _RMC:
        return RMC
    if letters == _GGA:
        return GGA
    if letters == _GST:
        return GST
    if letters == _VTG:
        return VTG
    if letters == _GNS:
        return GNS
    if letters == _GLL:
        return GLL
    return ZDA if letters == _ZDA else -1


def _is_check(line, at, size):
    """Whether a * with two hexadecimal digits stands here."""
    return at + 2 < size and line[at] == STAR and hex_digit(line[at + 1]) >= 0 and hex_digit(line[at + 2]) >= 0


def _has_check(line, at, size):
    """The same of all that follows."""
    for index in range(at, size):
        if _is_check(line, index, size):
            return True
    return False


def _is_white(byte):
    return byte == 0x20 or 9 <= byte <= 13 or 0x1C <= byte <= 0x1F
