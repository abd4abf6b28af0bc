"""What the sentences of one time of day say, and the values of the fix they make. Rules as `asvunit.gnss` has them.

Of the kinds that receivers send for each system (GPRMC and GLRMC), the one that tells a fix wins, among those GN, which
is of all systems together, then GP; of equals the later. Values out of their range are left out and counted.
"""

from asvcore import codes
from asvcore.params import NONE

from . import nmea_counts as counts
from .nmea_sentence import GGA, GLL, GNS, RMC, VTG, talker_rank
from .nmea_text import below_half, compare_squares, root_of_squares_dm

MAX_SPEED_CKMH = 30_000
LOWEST_M = -8192
HIGHEST_M = 8190
MAX_HDOP_DM = 99 * 50  # receivers write 99.99 for "unknown"
MAX_SIGMA_MM = 10_000_000
TELLS_A_FIX = 10  # beside the talker's rank
NOT_TAKEN = -1

# Quality, of GGA or as GGA would tell it
Q_NOT_TOLD = 0
Q_NONE = 1
Q_FIX = 2

# Letters
_A = 0x41
_M = 0x4D
_N = 0x4E
_S = 0x53
_7 = 0x37
_8 = 0x38

_GNS_MEASURED = b"RFDPAE"  # a mode for each system; any of these is before M and S


class Vtg:
    """What a VTG told: it may come before its epoch has begun."""

    __slots__ = ("course_cdeg", "implausible", "rank", "speed_ckmh", "tells")

    def __init__(self):
        self.speed_ckmh = self.course_cdeg = NONE
        self.rank = self.implausible = 0
        self.tells = False

    def read(self, sentence):
        """Take one."""
        self.tells = sentence.letter(8) != _N
        knots = not sentence.is_empty(4)
        told = self.tells and (knots or not sentence.is_empty(6))
        self.rank = talker_rank(sentence.talker) + (TELLS_A_FIX if told else 0)
        speed = speed_of(sentence, 4) if knots else floored(sentence, 6, 100)
        course = floored(sentence, 0, 100)
        self.implausible = int(is_beyond(speed, 0, MAX_SPEED_CKMH)) + int(is_beyond(course, 0, 36_000))
        self.speed_ckmh = NONE if is_beyond(speed, 0, MAX_SPEED_CKMH) else speed
        self.course_cdeg = NONE if course == NONE or is_beyond(course, 0, 36_000) else course % 36_000


class Epoch:
    """One time of day."""

    __slots__ = (
        "_counts", "_gll", "_hdop_error_dm", "_latitudes", "_longitudes", "_places", "_quality", "_ranks", "_unreal",
        "_void", "gst_error_dm", "height_m", "rmc", "rmc_course_cdeg", "rmc_speed_ckmh", "tod_ms", "vertical_error_m",
        "vtg_course_cdeg", "vtg_speed_ckmh",
    )  # fmt: skip

    def __init__(self, counts):
        self._counts = counts
        self._ranks = [NOT_TAKEN] * 6  # of what was taken, by kind
        self._places = [0] * 3  # FIX_OK or why there is none: of RMC, of GGA or GNS, of GLL
        self._latitudes = [0] * 3
        self._longitudes = [0] * 3
        self.begin(0)

    def begin(self, tod_ms):
        """Another time of day."""
        self.tod_ms = tod_ms
        self.rmc = self._void = self._gll = self._unreal = False
        self._quality = Q_NOT_TOLD
        self.rmc_speed_ckmh = self.rmc_course_cdeg = self.vtg_speed_ckmh = self.vtg_course_cdeg = NONE
        self.gst_error_dm = self._hdop_error_dm = self.height_m = self.vertical_error_m = NONE
        for kind in range(6):
            self._ranks[kind] = NOT_TAKEN
        for place in range(3):
            self._places[place] = codes.REASON_NO_POSITION

    def makes_a_fix(self):
        """Whether it is more than an error estimate without a position; a void one is a fix that is not valid."""
        ranks = self._ranks
        return ranks[RMC] >= 0 or ranks[GGA] >= 0 or ranks[GNS] >= 0 or ranks[GLL] >= 0

    def has(self, kind):
        """Whether a sentence of a kind was taken."""
        return self._ranks[kind] >= 0

    def status(self):
        """FIX_OK, or why this epoch is no valid fix."""
        if self._void:
            return codes.REASON_VOID
        if self._quality == Q_NONE or self._unreal or not (self.rmc or self._quality == Q_FIX or self._gll):
            return codes.REASON_NO_FIX
        return self._places[self._place()]

    def _place(self):
        """Which of the positions counts: RMC's before the others."""
        for place in range(2):
            if self._places[place] != codes.REASON_NO_POSITION:
                return place
        return 2

    def latitude_cas(self):
        """Of a valid fix."""
        return self._latitudes[self._place()]

    def longitude_cas(self):
        """Of a valid fix."""
        return self._longitudes[self._place()]

    def speed_ckmh(self):
        """Of RMC before VTG."""
        return self.vtg_speed_ckmh if self.rmc_speed_ckmh == NONE else self.rmc_speed_ckmh

    def course_cdeg(self):
        """Of RMC before VTG."""
        return self.vtg_course_cdeg if self.rmc_course_cdeg == NONE else self.rmc_course_cdeg

    def error_dm(self):
        """Of GST before HDOP x 5 m."""
        return self._hdop_error_dm if self.gst_error_dm == NONE else self.gst_error_dm

    def take(self, sentence):
        """Put a sentence in, unless another of its kind tells more."""
        kind = sentence.kind
        if kind == RMC:
            self._take_rmc(sentence)
        elif kind == GGA:
            if self._wins(sentence, not sentence.is_nought(5)):
                quality = sentence.letter(5)
                told = Q_NOT_TOLD if sentence.is_empty(5) else Q_NONE if sentence.is_nought(5) else Q_FIX
                self._take_place(sentence, told, quality, 7)
        elif kind == GNS:
            self._take_gns(sentence)
        elif kind == GLL:
            valid = sentence.letter(5) == _A and sentence.letter(6) != _N
            if self._wins(sentence, valid):
                self._gll = valid
                self._read_place(2, sentence)
        else:
            self._take_gst(sentence)

    def take_vtg(self, vtg):
        """The same of a VTG."""
        if vtg.rank < self._ranks[VTG]:
            return
        self._ranks[VTG] = vtg.rank
        if not vtg.tells:
            return
        for _value in range(vtg.implausible):
            counts.add(self._counts, counts.IMPLAUSIBLE)
        self.vtg_speed_ckmh, self.vtg_course_cdeg = vtg.speed_ckmh, vtg.course_cdeg

    def _wins(self, sentence, tells):
        rank = talker_rank(sentence.talker) + (TELLS_A_FIX if tells else 0)
        if rank < self._ranks[sentence.kind]:
            return False
        self._ranks[sentence.kind] = rank
        return True

    def _take_rmc(self, sentence):
        void = sentence.is_void
        if not self._wins(sentence, not void):
            return
        self.rmc, self._void = True, void
        mode = sentence.letter(11)
        self._note_unreal(_7 if mode == _M else _8 if mode == _S else 0)
        self._read_place(0, sentence)
        self.rmc_speed_ckmh = self._within(speed_of(sentence, 6), 0, MAX_SPEED_CKMH)
        course = self._within(floored(sentence, 7, 100), 0, 36_000)
        self.rmc_course_cdeg = course % 36_000 if course != NONE else NONE

    def _take_gns(self, sentence):
        told, quality = Q_NOT_TOLD if sentence.is_empty(5) else Q_NONE, 0
        if sentence.has(5, _M) or sentence.has(5, _S):
            told, quality = Q_FIX, _7 if sentence.has(5, _M) else _8
        for mode in _GNS_MEASURED:
            if sentence.has(5, mode):
                told, quality = Q_FIX, 0
        if sentence.read_place() == codes.REASON_NO_POSITION and self._places[1] == codes.FIX_OK:
            return  # of one system's satellites only
        if self._ranks[GGA] < 0 and self._wins(sentence, told == Q_FIX):
            self._take_place(sentence, told, quality, 7)

    def _take_place(self, sentence, told, quality, hdop):
        """Of GGA and GNS, whose HDOP and height stand in the same fields."""
        self._quality = told
        self._note_unreal(quality)
        self._read_place(1, sentence)
        self._hdop_error_dm = _hdop_error_dm(sentence.number(hdop))
        height = sentence.number(hdop + 1)
        self.height_m = NONE if height is None else self._within(height.scaled(1), LOWEST_M, HIGHEST_M)

    def _take_gst(self, sentence):
        latitude_mm = self._sigma_mm(sentence.number(5))
        longitude_mm = self._sigma_mm(sentence.number(6))
        altitude_mm = self._sigma_mm(sentence.number(7))
        known = latitude_mm != NONE and longitude_mm != NONE
        if not self._wins(sentence, known):
            return
        if known:
            error_dm = root_of_squares_dm(latitude_mm, longitude_mm)
            is_exact = compare_squares(latitude_mm, longitude_mm, error_dm * 100) == 0
            self.gst_error_dm = below_half(error_dm, is_exact)
        if altitude_mm != NONE:
            self.vertical_error_m = max(1, (altitude_mm + 500) // 1000)

    def _sigma_mm(self, number):
        return NONE if number is None else self._within(number.scaled(1000), 0, MAX_SIGMA_MM)

    def _read_place(self, place, sentence):
        self._places[place] = sentence.read_place()
        self._latitudes[place] = sentence.latitude_cas
        self._longitudes[place] = sentence.longitude_cas

    def _note_unreal(self, quality):
        """A position that nobody measured: typed in, or of the receiver's own simulator."""
        if (quality == _7 or quality == _8) and not self._unreal:
            self._unreal = True
            counts.add(self._counts, counts.MANUAL_INPUT if quality == _7 else counts.SIMULATED)

    def _within(self, value, low, high):
        if is_beyond(value, low, high):
            counts.add(self._counts, counts.IMPLAUSIBLE)
            return NONE
        return value


def is_beyond(value, low, high):
    """Whether a value that was told is out of its range."""
    return value != NONE and not low <= value <= high


def floored(sentence, index, factor):
    """A field times a factor, rounded down; NONE where it is no number."""
    number = sentence.number(index)
    return NONE if number is None else number.floored(factor)


def speed_of(sentence, index):
    """A field in knots as 0.01 km/h, rounded down; NONE where it is no number."""
    tenths = floored(sentence, index, 1852)
    return NONE if tenths == NONE else tenths // 10


def _hdop_error_dm(hdop):
    """HDOP x 5 m."""
    if hdop is None:
        return NONE
    error_dm = hdop.scaled(50)
    if not 0 < error_dm < MAX_HDOP_DM:
        return NONE
    return below_half(error_dm, hdop.floored(50) == error_dm)
