"""A live receiver's bytes made fixes: no I/O, time is an argument.

Bytes of a serial line come in any pieces and without times. An epoch ends at once when the last sentence of
its burst has come: receivers send the same kinds in the same order each time, which is learned from the epochs
before. Without that it ends when a sentence of another time comes or the line goes quiet, up to 50 ms late.

A process that stood still finds seconds of old epochs queued: `asvunit.gnss.fix_lag` knows them.
"""

from collections import Counter
from typing import Any, Final

from asvunit.gnss.fix_lag import Lag
from asvunit.gnss.limits import REPEATED_MS
from asvunit.gnss.nmea_assembler import NmeaAssembler
from asvunit.gnss.nmea_epoch import Epoch
from asvunit.gnss.nmea_lines import SentenceCutter
from asvunit.ports import Fix

QUIET_MS: Final = 50
LONGEST_QUIET_MS: Final = 400  # for lines that pause within a burst (radio links)
NO_SENTENCE_MS: Final = 2000

_INSTEAD: Final = ("no_checksum", "binary")
_MS_NS: Final = 1_000_000


class NmeaLive:
    """Bytes in, fixes out, stamped with the time at which the bytes that completed the epoch arrived.

    Dropped in `counters` beside the assembler's and the cutter's: stale and time_back (epochs), late_sentence (of an
    epoch already ended).
    """

    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()
        self._begin()

    def reset(self) -> None:
        """Begin anew on a line just opened: the rest of a line that was cut is dropped."""
        self._begin()
        self._cutter.skip_cut_line()

    def _begin(self) -> None:
        self._cutter = SentenceCutter(self.counters)
        self._assembler = NmeaAssembler(self.counters)
        self._burst = _Burst(self._assembler)
        self._lag = Lag()
        self._last_ns = 0
        self._taken = 0
        self._before = {reason: self.counters[reason] for reason in _INSTEAD}
        self._no_sentence_since_ns: int | None = None
        self._tod_ms: int | None = None
        self._tod_since_ns = 0

    @property
    def quiet_at_ns(self) -> int | None:
        """When `quiet` is due if nothing comes until then; None: nothing is waiting for it."""
        waiting = self._assembler.is_waiting or self._cutter.is_holding
        return self._last_ns + self._burst.quiet_ns if waiting else None

    @property
    def no_sentence(self) -> bool:
        """Whether bytes have been coming for some time, and no sentence in them."""
        since_ns = self._no_sentence_since_ns
        return since_ns is not None and self._last_ns - since_ns >= NO_SENTENCE_MS * _MS_NS

    @property
    def instead(self) -> str:
        """What has come instead of sentences since the last one: "binary", "no_checksum", or neither of them."""
        return next((reason for reason in _INSTEAD if self.counters[reason] > self._before[reason]), "")

    @property
    def taken(self) -> int:
        """Sentences since the line was opened that told something."""
        return self._assembler.taken

    def summary(self) -> dict[str, Any]:
        """What the receiver has sent since the line was opened, for people."""
        binary_share = round(self._cutter.binary_size / max(1, self._cutter.size), 3)
        return {**self._assembler.seen.summary(), "binary_share": binary_share, "bytes": self._cutter.size}

    def feed(self, data: bytes, time_ns: int) -> list[Fix]:
        """The fixes completed by bytes that arrived at this time."""
        if not data:
            return []
        self._last_ns = time_ns
        fixes = self._sentences(self._cutter.feed(data), time_ns)
        self._watch(time_ns)
        return fixes

    def quiet(self, time_ns: int) -> list[Fix]:
        """The fix that the line's silence completes, if it has lasted long enough by now."""
        due_ns = self.quiet_at_ns
        if due_ns is None or time_ns < due_ns:
            return []
        fixes = self._sentences(self._cutter.give_up_frame(), self._last_ns)
        return fixes + self._fixes(self._burst.quiet(), self._last_ns)

    def _sentences(self, sentences: list[bytes], time_ns: int) -> list[Fix]:
        return [fix for sentence in sentences for fix in self._fixes(self._burst.feed(sentence), time_ns)]

    def _fixes(self, epochs: list[Epoch], time_ns: int) -> list[Fix]:
        fixes = []
        for epoch in epochs:
            self._assembler.seen.epoch(epoch)
            fix = epoch.fix(time_ns)
            # One that is not valid may have any time of day, and tells the present all the same
            if fix.valid and (late := self._lag.of(epoch.tod_ms, time_ns)):
                self.counters[late] += 1
            elif not epoch.repeated or self._stands(epoch.tod_ms, time_ns):
                fixes.append(fix)
            if self._tod_ms != epoch.tod_ms:
                self._tod_ms, self._tod_since_ns = epoch.tod_ms, time_ns
        return fixes

    def _stands(self, tod_ms: int, time_ns: int) -> bool:
        """Whether the receiver's clock shows this time for longer than any that runs."""
        return self._tod_ms == tod_ms and time_ns - self._tod_since_ns >= REPEATED_MS * _MS_NS

    def _watch(self, time_ns: int) -> None:
        if self._assembler.taken != self._taken:
            self._taken = self._assembler.taken
            self._no_sentence_since_ns = None
            self._before = {reason: self.counters[reason] for reason in _INSTEAD}
        elif self._no_sentence_since_ns is None:
            self._no_sentence_since_ns = time_ns


class _Burst:
    """Ends epochs when their burst is whole, by the kinds of sentences that the bursts before had."""

    def __init__(self, assembler: NmeaAssembler) -> None:
        self.quiet_ns = QUIET_MS * _MS_NS
        self._assembler = assembler
        self._kinds = assembler.kinds  # of the latest time of day, growing
        self._before: list[str] = []
        self._learned: list[str] = []
        self._by_silence = False  # how the latest epoch ended

    def feed(self, sentence: bytes) -> list[Epoch]:
        """The epochs that a sentence ends."""
        count = len(self._kinds)
        epochs = self._assembler.feed(sentence)
        if self._assembler.kinds is not self._kinds:
            self._learn()
        elif len(self._kinds) > count and self._by_silence:
            # What was taken for the end was a pause
            self.quiet_ns = min(2 * self.quiet_ns, LONGEST_QUIET_MS * _MS_NS)
            self._by_silence = False
        if self._assembler.is_open and self._is_whole():
            epochs += self._assembler.flush()
        return epochs

    def quiet(self) -> list[Epoch]:
        """The epoch that silence ends."""
        self._by_silence = True
        return self._assembler.quiet()

    def _is_whole(self) -> bool:
        kinds, learned = self._kinds, self._learned
        return bool(learned) and kinds[-1] == learned[-1] and set(learned) <= set(kinds)

    def _learn(self) -> None:
        """At the begin of another time of day. One sentence lost is no new habit: fewer kinds count twice seen."""
        if set(self._learned) <= set(self._kinds) or self._kinds == self._before:
            self._learned = self._kinds
        self._before, self._kinds = self._kinds, self._assembler.kinds
        self._by_silence = False
