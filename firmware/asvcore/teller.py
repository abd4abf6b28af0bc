"""Tells what has been decided: supports and what the driver sees, as records, at each change.

`passed`, for those who measure: called with a BOUNDARY_ code as news gets so far on its way to the driver. The core
itself has no clock.
"""

from . import codes
from .params import NONE


class Teller:
    """Between the supports and the records; what the driver is told last is in `hmi`."""

    def __init__(self, supports, arbiter, hmi, judging, commands):
        self.passed = None
        self.told = False  # an HMI record was put; whoever presents it first takes this back
        self._supports = supports
        self._arbiter = arbiter
        self._hmi = hmi
        self._judging = judging
        self._commands = commands

    def mark(self, boundary):
        """News has got so far."""
        if self.passed:
            self.passed(boundary)

    def report(self, now_ms, cause):
        """Arbitrate, if any support has changed, and tell all that is new."""
        supports = self._supports
        if not supports.changed:
            return
        supports.changed = False
        self.mark(codes.BOUNDARY_JUDGED)
        self._arbiter.decide(now_ms)
        pool = supports.pool
        for support in pool:
            if support.dirty:
                support.dirty = False
                reason = codes.REASON_SUPERSEDED if support.superseded and support.level else support.reason
                presented = 1 if support.presented else 0
                self._judging.put(support.neighbour, support, support.level, presented, reason, now_ms, cause)
        by_ego, supports.by_ego = supports.by_ego, False
        hmi = self._hmi
        if hmi.update(self._arbiter.primary, pool, now_ms, by_ego):
            self.mark(codes.BOUNDARY_DECIDED)
            self._put(now_ms, cause)
        if hmi.until_ms != NONE:
            self._judging.due_in(hmi.until_ms - now_ms, now_ms)

    def mute(self, now_ms, cause):
        """The driver wants silence."""
        if self._hmi.mute():
            self._by_driver(now_ms, cause)

    def repeat(self, now_ms, cause):
        """The driver wants to be told again."""
        if self._hmi.repeat():
            self._by_driver(now_ms, cause)

    def _by_driver(self, now_ms, cause):
        self.mark(codes.BOUNDARY_JUDGED)
        self.mark(codes.BOUNDARY_DECIDED)
        self._put(now_ms, cause)

    def _put(self, now_ms, cause):
        hmi = self._hmi
        self.told = True
        self._commands.put(
            codes.COMMAND_HMI,
            now_ms,
            cause,
            hmi.level,
            hmi.colour,
            hmi.function,
            hmi.direction,
            hmi.sound,
            hmi.text,
            hmi.light,
            hmi.cue,
            hmi.muted,
        )
