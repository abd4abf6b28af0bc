"""NMEA 0183: sentences of a GNSS receiver put together to one epoch each time of day. No I/O.

It serves a recording and a live serial line alike. An epoch is all sentences of one time of day, contiguous
in the stream, in whatever order the receiver sends them; it ends when a sentence of another time comes, or
when the reader knows better: `flush()`.
"""

import re
from collections import Counter
from typing import Any, Final

import pynmea2

from asvunit.gnss.nmea_epoch import Epoch
from asvunit.gnss.nmea_sentence import Dated, Reader, dated, field, tells_void
from asvunit.gnss.nmea_summary import Seen
from asvunit.gnss.nmea_text import DAY_MS, time_of_day_ms

# Talkers starting with P are proprietary sentences. Only these types are worth a full parse.
_WANTED: Final = re.compile(rb"\$[A-OQ-Z][A-Z](?:RMC|GGA|GST|VTG|GNS|GLL|ZDA),")
_CHECKSUM: Final = re.compile(rb"\*[0-9A-Fa-f]{2}")
# Fields up to the last that counts: without checksum, a sentence that lost its end must not be taken for a short one
_LEAST_FIELDS: Final = {"RMC": 9, "GGA": 14, "GNS": 11, "GLL": 6, "GST": 8, "VTG": 8, "ZDA": 4}
GLL_ALONE: Final = 5  # so many in a row: the receiver tells its position by nothing else
_CARRIED_MS: Final = 500
_REPEATS: Final = 3  # once more may be a sentence said twice


class NmeaAssembler:
    """Sentences in, epochs out. Bad ones are dropped here, counted by reason.

    `taken` counts the sentences that told something. `kinds` are those of the latest time of day, with talkers, in the
    order they came, also of those that came too late, but without a VTG that leads; each time of day has a list of
    its own. `unchecked`: sentences without a checksum are taken, for recordings that have none.
    """

    def __init__(
        self, counters: Counter[str] | None = None, *, unchecked: bool = False, gll_after: int = GLL_ALONE
    ) -> None:
        self.counters: Counter[str] = Counter() if counters is None else counters
        self.taken = 0
        self.kinds: list[str] = []
        self.seen = Seen()
        self._reader = Reader(self.counters)
        self._unchecked = unchecked
        self._gll_after = gll_after
        self._gll_in_a_row = 0
        self._open: Epoch | None = None
        self._flushed: Epoch | None = None  # the latest one, while no other is open
        self._last_tod_ms: int | None = None
        self._carried: Epoch | None = None  # speed and course of a late sentence
        self._zda: Dated | None = None
        self._said: Counter[str] = Counter()  # how often this time of day was said, by kind
        self._repeater = ""  # the kind that said it too often first
        self._vtg_leads: bool | None = None  # VTG tells no time: a receiver whose burst begins with it is known by that
        self._waiting: Any = None

    def feed(self, sentence: bytes) -> list[Epoch]:
        """Takes one sentence from its $ on; returns the epochs that it ended."""
        if _WANTED.match(sentence) is None:
            self.seen.other(sentence)
            return []
        try:
            parsed = self._parse(sentence)
        except pynmea2.ChecksumError:
            return self._drop("bad_checksum")
        except ValueError:  # ParseError and undecodable bytes
            return self._drop("garbage")
        if parsed is None:
            return self._drop("no_checksum")
        self.seen.sentence(parsed.talker, parsed.sentence_type)
        return self._take(parsed)

    @property
    def is_open(self) -> bool:
        """Whether an epoch has begun."""
        return self._open is not None

    @property
    def is_waiting(self) -> bool:
        """Whether something has been taken that no epoch has been made of."""
        return self.is_open or self._waiting is not None

    def flush(self) -> list[Epoch]:
        """Ends the open epoch: end of the file, or its burst is known to be whole. What still comes of it is late."""
        ended = self._end()
        if ended:
            self._flushed = ended[0]
        return ended

    def quiet(self) -> list[Epoch]:
        """Ends the open epoch, for the line has gone quiet: what comes next begins a burst."""
        self._waiting = self._vtg_leads = None  # a VTG that leads is not followed by silence
        return self.flush()

    def _end(self) -> list[Epoch]:
        epoch, self._open = self._open, None
        if epoch is None:
            return []
        self._carry(epoch)
        if self._zda is not None and not epoch.rmc and not epoch.reason():
            epoch.date = self._zda.date_at(epoch.tod_ms)
        return [epoch] if epoch.makes_a_fix else self._drop("incomplete_epoch")  # GST alone

    def _drop(self, reason: str) -> list[Epoch]:
        self.counters[reason] += 1
        return []

    def _parse(self, sentence: bytes) -> Any:
        checksum = _CHECKSUM.search(sentence)  # loggers may write more after it
        if checksum is None and not (self._unchecked and b"*" not in sentence):
            return None
        text = sentence[: checksum.end() if checksum else None].decode("ascii")
        parsed = pynmea2.parse(text, check=checksum is not None)
        if checksum is None:
            if len(parsed.data) < _LEAST_FIELDS[parsed.sentence_type]:
                return None
            self.counters["unchecked"] += 1
        return parsed

    def _take(self, sentence: Any) -> list[Epoch]:
        kind = sentence.sentence_type
        if kind == "ZDA":
            self._zda = dated(sentence)
            return []
        self.taken += 1
        self._vtg_leads = kind == "VTG" if self._vtg_leads is None else self._vtg_leads
        if kind == "VTG":
            self._take_vtg(sentence)
            return []
        if kind == "GLL" and self._gll_in_a_row < self._gll_after:
            self._gll_in_a_row += 1  # it tells less than the others, of some receivers with a rougher time
            return []
        if kind in ("RMC", "GGA", "GNS"):
            self._gll_in_a_row = 0
        text = field(sentence, "timestamp")
        tod_ms = time_of_day_ms(text)
        if tod_ms is None:
            return self._without_time(sentence, bool(text))
        return self._of_time(sentence, tod_ms)

    def _take_vtg(self, sentence: Any) -> None:
        if self._vtg_leads:
            self._waiting = sentence
        elif self._open is not None:
            self._note(sentence)
            self._reader.take(self._open, sentence)
        elif self._flushed is not None:
            self._late(sentence, self._flushed)

    def _without_time(self, sentence: Any, is_bad: bool) -> list[Epoch]:
        self.counters["bad_time" if is_bad else "no_time"] += 1
        ended = self._end()  # a VTG that follows belongs to this one, not to the epoch before
        lost = not is_bad and sentence.sentence_type == "RMC" and field(sentence, "status") == "V"
        if lost and self._last_tod_ms is not None:
            ended.append(Epoch(self._last_tod_ms, void=True))  # it has lost its clock with the sky
        return ended

    def _of_time(self, sentence: Any, tod_ms: int) -> list[Epoch]:
        if self._is_repeated(sentence, tod_ms):
            return self._repeat(sentence, tod_ms)
        if self._flushed is not None and self._is_late(sentence, tod_ms, self._flushed):
            return self._late(sentence, self._flushed)
        ended = []
        if self._open is None or self._open.tod_ms != tod_ms:
            ended = self._end()
            self._open, self._flushed = Epoch(tod_ms), None
            if tod_ms != self._last_tod_ms:
                self._last_tod_ms, self._repeater = tod_ms, ""
                self._said = Counter((_key(sentence),))
            self.kinds = []
        elif self._waiting is not None:
            self._vtg_leads = False  # it came in the middle of its epoch: the stream only began with one
        if self._waiting is not None:
            self._reader.take(self._open, self._waiting)
            self._waiting = None
        self._note(sentence)
        self._reader.take(self._open, sentence)
        return ended

    def _is_repeated(self, sentence: Any, tod_ms: int) -> bool:
        """Whether a valid fix of this time has been told so often that the receiver only repeats its last one."""
        key = _key(sentence)
        if tod_ms != self._last_tod_ms:
            return False
        epoch = self._open or self._flushed
        if epoch is None or epoch.reason() or (sentence.sentence_type == "RMC" and tells_void(sentence)):
            return False
        self._said[key] += 1
        return self._said[key] >= _REPEATS

    def _repeat(self, sentence: Any, tod_ms: int) -> list[Epoch]:
        self.counters["time_repeated"] += 1
        ended = self.flush()
        self._repeater = self._repeater or _key(sentence)
        if self._repeater == _key(sentence):
            ended.append(Epoch(tod_ms, repeated=True))
        return ended

    def _is_late(self, sentence: Any, tod_ms: int, flushed: Epoch) -> bool:
        """Of the epoch just flushed. A receiver that lost its clock repeats its time: a void epoch comes again."""
        if flushed.tod_ms != tod_ms:
            return False
        if _key(sentence) not in self.kinds:
            return True
        return not flushed.reason() and not (sentence.sentence_type == "RMC" and tells_void(sentence))

    def _late(self, sentence: Any, flushed: Epoch) -> list[Epoch]:
        """It makes no second fix. Speed and course that come once for several epochs are kept for the next one."""
        self._note(sentence)
        self.counters["late_sentence"] += 1
        if sentence.sentence_type == "RMC" and tells_void(sentence):
            return [] if flushed.reason() else [Epoch(flushed.tod_ms, void=True)]
        if sentence.sentence_type in ("RMC", "VTG"):
            self._carried = Epoch(flushed.tod_ms)
            self._reader.take(self._carried, sentence)
        return []

    def _carry(self, epoch: Epoch) -> None:
        carried, self._carried = self._carried, None
        if carried is None or epoch.rmc or "VTG" in epoch.ranks:
            return
        if (epoch.tod_ms - carried.tod_ms) % DAY_MS <= _CARRIED_MS:
            epoch.vtg_speed, epoch.vtg_course = carried.speed(), carried.course()

    def _note(self, sentence: Any) -> None:
        key = _key(sentence)
        if key not in self.kinds:
            self.kinds.append(key)


def _key(sentence: Any) -> str:
    return str(sentence.talker) + str(sentence.sentence_type)
