"""The unit's time on a board: milliseconds that never wrap and never run back, made of ticks that do wrap."""

from asvcore.params import REBASE_MS

TICKS_MAX_MS = (1 << 30) - 1  # MicroPython's time.ticks_ms() on boards begins anew after it
LONGEST_STEP_MS = 1 << 29  # from here on a step cannot be told from one backwards
BACKWARD_MS = 10_000  # an interrupt's time, taken earlier and told later, is no older than this


class Clock:
    """Ticks in, milliseconds since the first ticks out.

    Any gap below half the period counts in full. Ticks a little older than the latest stand for the latest. Ticks
    that are neither tell of a longer gap, whose length nobody knows: time goes on from them.
    """

    __slots__ = ("_now_ms", "_started", "_ticks")

    def __init__(self):
        self._now_ms = 0
        self._ticks = 0
        self._started = False

    def now_ms(self, ticks):
        """The unit's time at these ticks; below 2^30 while `rebase_due` is heeded."""
        if not self._started:
            self._started = True
            self._ticks = ticks
        step_ms = (ticks - self._ticks) & TICKS_MAX_MS
        if step_ms < LONGEST_STEP_MS:
            self._now_ms += step_ms
            self._ticks = ticks
        elif TICKS_MAX_MS - step_ms >= BACKWARD_MS:
            self._ticks = ticks
        return self._now_ms

    def rebase_due(self):
        """Whether `rebase` is to be called, and what it gives to be taken off all stored times."""
        return self._now_ms >= REBASE_MS + REBASE_MS // 2

    def rebase(self):
        """Goes back by the offset returned. After a long gap it may be due once more."""
        self._now_ms -= REBASE_MS
        return REBASE_MS
