"""A receiver's bytes made fixes on a board: the same epochs and values as `asvunit.gnss.nmea_live` makes of them.

No I/O, and no memory taken after the begin. Bytes come in any pieces; each fix is stamped with the time at which the
bytes arrived that completed it.

Otherwise than there: binary frames longer than `nmea_binary.HOLD_BYTES` pass as noise, comments are ASCII,
dates are not read (nor counted as `bad_date`), and what one time of day or the caller leaves waiting has its bounds
(`kinds_full`, `overrun`).
"""

from array import array

from asvcore.codes import FIX_OK
from asvcore.params import NEVER_MS, NONE

from . import nmea_counts as counts
from .nmea_assembler import Assembler
from .nmea_binary import BinaryFilter
from .nmea_counts import REASONS, new_counts
from .nmea_lag import OF_THE_PRESENT, Lag
from .nmea_lines import SentenceCutter

# Places in a fix, in the order of Core.on_fix
LATITUDE_CAS = 0
LONGITUDE_CAS = 1
SPEED_CKMH = 2
COURSE_CDEG = 3
ERROR_DM = 4
HEIGHT_M = 5
VERTICAL_ERROR_M = 6
TOD_MS = 7
STATUS = 8
RECEIVED_MS = 9
FIX_WIDTH = 10

FIXES = 16  # that wait to be taken; 250 bytes of sentences end no more
REPEATED_MS = 1200  # receivers whose clock shows whole seconds say each time of day several times


class NmeaReader:
    """Bytes in, fixes out. Feed 250 bytes at most before fixes are taken, or the oldest may be lost (`overrun`)."""

    __slots__ = (
        "_assembler", "_filter", "_first", "_fixes", "_lag", "_last_ms", "_tod_ms", "_tod_since_ms", "_waiting",
        "counts",
    )  # fmt: skip

    def __init__(self):
        self.counts = new_counts()  # by reason, as REASONS names them
        self._assembler = Assembler(self, self.counts)
        self._filter = BinaryFilter(SentenceCutter(self._assembler, self.counts))
        self._lag = Lag()
        self._fixes = array("i", [0] * (FIXES * FIX_WIDTH))
        self._first = self._waiting = 0
        self._last_ms = 0
        self._tod_ms = NONE
        self._tod_since_ms = 0

    @property
    def taken(self):
        """Sentences that told something."""
        return self._assembler.taken

    def feed(self, data, count, received_ms):
        """The first `count` bytes of a buffer, which arrived at this time."""
        if count > 0:
            self._last_ms = received_ms
            self._filter.feed(data, count)

    def idle(self, now_ms):
        """Nothing has come: if that has lasted long enough, it ends the epoch. To be called after the line was read."""
        filter_, assembler = self._filter, self._assembler
        if now_ms - self._last_ms < assembler.quiet_ms or not (filter_.count or assembler.is_waiting()):
            return
        filter_.give_up()
        assembler.quiet()

    def take(self, fix):
        """The oldest fix, into a list of FIX_WIDTH; False: there is none."""
        if self._waiting == 0:
            return False
        at, fixes = self._first * FIX_WIDTH, self._fixes
        for index in range(FIX_WIDTH):
            fix[index] = fixes[at + index]
        self._first = (self._first + 1) % FIXES
        self._waiting -= 1
        return True

    def rebase(self, offset_ms):
        """Take an offset off every stored time."""
        self._last_ms = max(self._last_ms - offset_ms, NEVER_MS)
        self._tod_since_ms = max(self._tod_since_ms - offset_ms, NEVER_MS)
        self._lag.rebase(offset_ms)
        for index in range(self._waiting):
            at = (self._first + index) % FIXES * FIX_WIDTH + RECEIVED_MS
            self._fixes[at] = max(self._fixes[at] - offset_ms, NEVER_MS)

    def fix(self, tod_ms, status, epoch, repeated):
        """An epoch that has ended, from the assembler. One that is not valid may have any time of day, and tells the
        present all the same."""
        now_ms = self._last_ms
        late = self._lag.of(tod_ms, now_ms) if status == FIX_OK else OF_THE_PRESENT
        if late != OF_THE_PRESENT:
            counts.add(self.counts, late)
        elif not repeated or (self._tod_ms == tod_ms and now_ms - self._tod_since_ms >= REPEATED_MS):
            self._put(tod_ms, status, epoch)
        if self._tod_ms != tod_ms:
            self._tod_ms, self._tod_since_ms = tod_ms, now_ms

    def _put(self, tod_ms, status, epoch):
        if self._waiting == FIXES:
            counts.add(self.counts, counts.OVERRUN)
            self._first = (self._first + 1) % FIXES
            self._waiting -= 1
        at, fixes = (self._first + self._waiting) % FIXES * FIX_WIDTH, self._fixes
        self._waiting += 1
        for index in range(TOD_MS):
            fixes[at + index] = NONE
        fixes[at + TOD_MS] = tod_ms
        fixes[at + STATUS] = status
        fixes[at + RECEIVED_MS] = self._last_ms
        if status == FIX_OK:
            fixes[at + LATITUDE_CAS] = epoch.latitude_cas()
            fixes[at + LONGITUDE_CAS] = epoch.longitude_cas()
            fixes[at + SPEED_CKMH] = epoch.speed_ckmh()
            fixes[at + COURSE_CDEG] = epoch.course_cdeg()
            fixes[at + ERROR_DM] = epoch.error_dm()
            fixes[at + HEIGHT_M] = epoch.height_m
            fixes[at + VERTICAL_ERROR_M] = epoch.vertical_error_m


__all__ = ["FIX_WIDTH", "REASONS", "NmeaReader"]
