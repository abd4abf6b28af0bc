"""A live receiver's bytes made fixes: no I/O, time is an argument.

Bytes of a serial line come in any pieces and without times. An epoch ends at once when the last sentence of
its burst has come: receivers send the same kinds in the same order each time, which is learned from the epochs
before. Without that it ends when a sentence of another time comes or the line goes quiet, up to 50 ms late.

A process that stood still finds seconds of old epochs queued. They are known by their time of day: it lags
behind the arrival more than it did before.
"""

from collections import Counter
from typing import Final

from asvunit.nmea_assembler import NmeaAssembler
from asvunit.nmea_epoch import Epoch
from asvunit.nmea_text import DAY_MS
from asvunit.ports import Fix

QUIET_MS: Final = 50
LONGEST_QUIET_MS: Final = 400  # for lines that pause within a burst (radio links)
LONGEST_LINE: Final = 256  # three times what NMEA 0183 allows
STALE_MS: Final = 500
CORRECTED_MS: Final = 2000  # all stale for so long: the receiver's clock was set
# How fast the least lag is forgotten. Crystals differ by 50 ppm, a system clock being adjusted by 500; after ten
# minutes without a valid fix a backlog may be 0.6 s older before it is known as one.
LEAK_PPM: Final = 1000
NO_SENTENCE_MS: Final = 2000

_MS_NS: Final = 1_000_000
_DAY_NS: Final = DAY_MS * _MS_NS


class NmeaLive:
    """Bytes in, fixes out, stamped with the time at which the bytes that completed the epoch arrived.

    Dropped in `counters` beside the assembler's: stale (epochs), late_sentence (of an epoch already ended).
    """

    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()
        self._begin(in_line=False)

    def reset(self) -> None:
        """Begin anew on a line just opened: the rest of a line that was cut is dropped."""
        self._begin(in_line=True)

    def _begin(self, in_line: bool) -> None:
        self._assembler = NmeaAssembler(self.counters)
        self._burst = _Burst(self._assembler)
        self._lag = _Lag()
        self._rest = b""
        self._skipping = in_line
        self._last_ns = 0
        self._taken = 0
        self._no_sentence_since_ns: int | None = None

    @property
    def quiet_at_ns(self) -> int | None:
        """When `quiet` is due if nothing comes until then; None: nothing is waiting for it."""
        return self._last_ns + self._burst.quiet_ns if self._assembler.is_waiting else None

    @property
    def no_sentence(self) -> bool:
        """Whether bytes have been coming for some time, and no sentence in them."""
        since_ns = self._no_sentence_since_ns
        return since_ns is not None and self._last_ns - since_ns >= NO_SENTENCE_MS * _MS_NS

    def feed(self, data: bytes, time_ns: int) -> list[Fix]:
        """The fixes completed by bytes that arrived at this time."""
        if not data:
            return []
        self._last_ns = time_ns
        *lines, rest = (self._rest + data).split(b"\n")
        fixes = [fix for line in lines for fix in self._line(line, time_ns)]
        if len(rest) > LONGEST_LINE and not self._skipping:
            self.counters["garbage"] += 1
            self._skipping = True
        self._rest = b"" if self._skipping else rest
        self._watch(time_ns)
        return fixes

    def quiet(self, time_ns: int) -> list[Fix]:
        """The fix that the line's silence completes, if it has lasted long enough by now."""
        due_ns = self.quiet_at_ns
        if due_ns is None or time_ns < due_ns:
            return []
        return self._fixes(self._burst.quiet(), self._last_ns)

    def _line(self, line: bytes, time_ns: int) -> list[Fix]:
        if self._skipping:
            self._skipping = False
            return []
        if len(line) > LONGEST_LINE:
            self.counters["garbage"] += 1
            return []
        return self._fixes(self._burst.feed(line), time_ns)

    def _fixes(self, epochs: list[Epoch], time_ns: int) -> list[Fix]:
        fixes = []
        for epoch in epochs:
            fix = epoch.fix(time_ns)
            # One that is not valid may have any time of day, and tells the present all the same
            if fix.valid and self._lag.is_stale(epoch.tod_ms, time_ns):
                self.counters["stale"] += 1
            else:
                fixes.append(fix)
        return fixes

    def _watch(self, time_ns: int) -> None:
        if self._assembler.taken != self._taken:
            self._taken = self._assembler.taken
            self._no_sentence_since_ns = None
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

    def feed(self, line: bytes) -> list[Epoch]:
        """The epochs that a line ends."""
        count = len(self._kinds)
        epochs = self._assembler.feed(line)
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


class _Lag:
    """How far the times of day lag behind the arrivals, against the least of it: both clocks are not compared."""

    def __init__(self) -> None:
        self._least_ns: int | None = None
        self._seen_ns = 0
        self._stale_since_ns: int | None = None

    def is_stale(self, tod_ms: int, time_ns: int) -> bool:
        """Whether an epoch of this time of day that arrives now is an old one."""
        lag_ns = (time_ns - tod_ms * _MS_NS) % _DAY_NS
        if self._least_ns is None:
            self._least_ns, self._seen_ns = lag_ns, time_ns
            return False
        least_ns = self._least_ns + max(0, time_ns - self._seen_ns) * LEAK_PPM // 1_000_000
        self._seen_ns = time_ns
        more_ns = (lag_ns - least_ns + _DAY_NS // 2) % _DAY_NS - _DAY_NS // 2  # over midnight, either way
        if more_ns > STALE_MS * _MS_NS:
            since_ns = time_ns if self._stale_since_ns is None else self._stale_since_ns
            if time_ns - since_ns < CORRECTED_MS * _MS_NS:
                self._least_ns, self._stale_since_ns = least_ns, since_ns
                return True
            least_ns = lag_ns  # the receiver's clock was set
        self._stale_since_ns = None
        self._least_ns = lag_ns if more_ns < 0 else least_ns
        return False
