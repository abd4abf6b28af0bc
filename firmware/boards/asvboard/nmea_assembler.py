"""Sentences put together to one epoch each time of day, as `asvunit.gnss` does for a live line.

An epoch is all sentences of one time of day, contiguous in the stream, in whatever order the receiver sends them. It
ends with the last sentence of its burst, which is learned from the bursts before; else when a sentence of another time
comes, or by the line's silence.
"""

from asvcore import codes
from asvcore.params import DAY_MS, NONE

from . import nmea_counts as counts
from .nmea_epoch import Epoch, Vtg
from .nmea_kinds import Burst, Said
from .nmea_sentence import GLL, GNS, NOT_WANTED, RMC, TAKEN, VTG, ZDA, Sentence

GLL_ALONE = 5  # so many in a row: the receiver tells its position by nothing else
CARRIED_MS = 500
REPEATS = 3  # once more may be a sentence said twice
QUIET_MS = 50
LONGEST_QUIET_MS = 400  # for lines that pause within a burst (radio links)

# What the epoch is
EMPTY = 0
OPEN = 1
FLUSHED = 2  # delivered, and what still comes of it is late

# Whether VTG, which tells no time, leads the receiver's bursts
UNKNOWN = -1


class Assembler:
    """`sink.fix(tod_ms, status, epoch, repeated)` is called with each epoch that ends; `epoch` may be None: void."""

    __slots__ = (
        "_burst", "_by_silence", "_carried", "_counts", "_epoch", "_gll_in_a_row", "_has_carried", "_last_tod_ms",
        "_leading_vtg", "_repeater", "_said", "_sentence", "_sink", "_state", "_vtg", "_vtg_leads", "_waits",
        "quiet_ms", "taken",
    )  # fmt: skip

    def __init__(self, sink, counts):
        self.taken = 0  # sentences that told something
        self.quiet_ms = QUIET_MS  # the silence that ends an epoch
        self._sink = sink
        self._counts = counts
        self._sentence = Sentence()
        self._epoch = Epoch(counts)
        self._state = EMPTY
        self._carried = Epoch(counts)  # speed and course of a late sentence
        self._has_carried = False
        self._leading_vtg = Vtg()  # waits for its epoch
        self._waits = False
        self._vtg = Vtg()
        self._vtg_leads = UNKNOWN
        self._burst = Burst(counts)
        self._said = Said()
        self._by_silence = False  # how the latest epoch ended
        self._last_tod_ms = NONE
        self._gll_in_a_row = 0
        self._repeater = NONE  # the kind that said the latest time of day too often first

    def sentence(self, line, size):
        """Takes a text from its $ on."""
        sentence = self._sentence
        found = sentence.take(line, size)
        if found == NOT_WANTED:
            return
        if found != TAKEN:
            counts.add(self._counts, found)
            return
        kind = sentence.kind
        if kind == ZDA:
            return
        if self.taken < counts.MOST:
            self.taken += 1
        if self._vtg_leads == UNKNOWN:
            self._vtg_leads = 1 if kind == VTG else 0
        if kind == VTG:
            self._take_vtg(sentence)
        elif kind == GLL and self._gll_in_a_row < GLL_ALONE:
            self._gll_in_a_row += 1  # it tells less than the others, of some receivers with a rougher time
        else:
            if kind <= GNS:  # RMC, GGA, GNS
                self._gll_in_a_row = 0
            tod_ms = sentence.tod_ms()
            if tod_ms == NONE:
                self._without_time(sentence)
            else:
                self._of_time(sentence, tod_ms)
        if self._state == OPEN and self._burst.is_whole():
            self._flush()

    def is_waiting(self):
        """Whether something has been taken that no epoch has been made of."""
        return self._state == OPEN or self._waits

    def quiet(self):
        """The line has gone quiet: what comes next begins a burst."""
        self._by_silence = True
        self._waits = False
        self._vtg_leads = UNKNOWN  # a VTG that leads is not followed by silence
        self._flush()

    def _flush(self):
        if self._end():
            self._state = FLUSHED

    def _end(self):
        """Ends the open epoch; whether it makes a fix."""
        if self._state != OPEN:
            return False
        self._state = EMPTY
        epoch = self._epoch
        if self._has_carried:
            self._has_carried = False
            carried = self._carried
            near = (epoch.tod_ms - carried.tod_ms) % DAY_MS <= CARRIED_MS
            if near and not epoch.rmc and not epoch.has(VTG):
                epoch.vtg_speed_ckmh, epoch.vtg_course_cdeg = carried.speed_ckmh(), carried.course_cdeg()
        if not epoch.makes_a_fix():  # GST alone
            counts.add(self._counts, counts.INCOMPLETE_EPOCH)
            return False
        self._sink.fix(epoch.tod_ms, epoch.status(), epoch, False)
        return True

    def _note(self, sentence):
        if self._burst.note(sentence.key) and self._by_silence:
            # What was taken for the end was a pause
            self.quiet_ms = min(2 * self.quiet_ms, LONGEST_QUIET_MS)
            self._by_silence = False

    def _take_vtg(self, sentence):
        if self._vtg_leads:
            self._leading_vtg.read(sentence)
            self._waits = True
        elif self._state == OPEN:
            self._note(sentence)
            self._vtg.read(sentence)
            self._epoch.take_vtg(self._vtg)
        elif self._state == FLUSHED:
            self._late(sentence)

    def _without_time(self, sentence):
        is_empty = sentence.lacks_time()
        counts.add(self._counts, counts.NO_TIME if is_empty else counts.BAD_TIME)
        self._end()  # a VTG that follows belongs to this one, not to the epoch before
        lost = is_empty and sentence.kind == RMC and sentence.letter(1) == 0x56
        if lost and self._last_tod_ms != NONE:
            self._sink.fix(self._last_tod_ms, codes.REASON_VOID, None, False)  # it has lost its clock with the sky

    def _of_time(self, sentence, tod_ms):
        if self._is_repeated(sentence, tod_ms):
            self._repeat(sentence, tod_ms)
            return
        if self._state == FLUSHED and self._is_late(sentence, tod_ms):
            self._late(sentence)
            return
        if self._state != OPEN or self._epoch.tod_ms != tod_ms:
            self._end()
            self._epoch.begin(tod_ms)
            self._state = OPEN
            if tod_ms != self._last_tod_ms:
                self._last_tod_ms, self._repeater = tod_ms, NONE
                self._said.begin(sentence.key)
            self._burst.begin()
            self._by_silence = False
        elif self._waits:
            self._vtg_leads = 0  # it came in the middle of its epoch: the stream only began with one
        if self._waits:
            self._epoch.take_vtg(self._leading_vtg)
            self._waits = False
        self._note(sentence)
        self._epoch.take(sentence)

    def _is_repeated(self, sentence, tod_ms):
        """Whether a valid fix of this time has been told so often that the receiver only repeats its last one."""
        if tod_ms != self._last_tod_ms or self._state == EMPTY:
            return False
        if self._epoch.status() != codes.FIX_OK or sentence.is_void:
            return False
        return self._said.again(sentence.key) >= REPEATS

    def _repeat(self, sentence, tod_ms):
        counts.add(self._counts, counts.TIME_REPEATED)
        self._flush()
        if self._repeater == NONE:
            self._repeater = sentence.key
        if self._repeater == sentence.key:
            self._sink.fix(tod_ms, codes.REASON_TIME_REPEATED, None, True)

    def _is_late(self, sentence, tod_ms):
        """Of the epoch just flushed. A receiver that lost its clock repeats its time: a void epoch comes again."""
        epoch = self._epoch
        if epoch.tod_ms != tod_ms:
            return False
        if self._burst.kinds.find(sentence.key) < 0:
            return True
        return epoch.status() == codes.FIX_OK and not sentence.is_void

    def _late(self, sentence):
        """It makes no second fix. Speed and course that come once for several epochs are kept for the next one."""
        self._note(sentence)
        counts.add(self._counts, counts.LATE_SENTENCE)
        epoch, carried = self._epoch, self._carried
        if sentence.is_void:
            if epoch.status() == codes.FIX_OK:
                self._sink.fix(epoch.tod_ms, codes.REASON_VOID, None, False)
        elif sentence.kind == RMC:
            carried.begin(epoch.tod_ms)
            carried.take(sentence)
            self._has_carried = True
        elif sentence.kind == VTG:
            carried.begin(epoch.tod_ms)
            self._vtg.read(sentence)
            carried.take_vtg(self._vtg)
            self._has_carried = True
