"""What a board's unit has left out or lost, on its console: one line a minute, and only where something was added."""

from array import array

from .wifi import RECEIVE_FAILED, SEND_FAILED, TOO_LATE

EVERY_MS = 60000

NAMES = (
    "cycles missed", "cycles late", "frames not sent", "frames not received", "frames too late", "messages dropped",
    "can overflows", "can restarts",
)  # fmt: skip


class Counted:
    """`radio` and `can` may be None."""

    def __init__(self, console, outputs, radio, can):
        self._console = console
        self._outputs = outputs
        self._radio = radio
        self._can = can
        self._now = array("i", [0] * len(NAMES))
        self._told = array("i", [0] * len(NAMES))
        self._next_ms = EVERY_MS

    def look(self, missed, late, now_ms):
        """A line, if a minute has gone and there is something to tell."""
        if now_ms < self._next_ms:
            return
        self._next_ms = now_ms + EVERY_MS
        self._count(missed, late)
        for index in range(len(NAMES)):
            if self._now[index] != self._told[index]:
                self._console.counted(NAMES, self._now, self._told, now_ms)
                break
        for index in range(len(NAMES)):
            self._told[index] = self._now[index]

    def rebase(self, offset_ms):
        """Take an offset off every stored time."""
        self._next_ms -= offset_ms

    def _count(self, missed, late):
        now, radio, can, drops = self._now, self._radio, self._can, self._outputs.drops
        now[0], now[1], now[5] = missed, late, 0
        if radio is not None:
            now[2] = radio.counts[SEND_FAILED]
            now[3] = radio.counts[RECEIVE_FAILED]
            now[4] = radio.counts[TOO_LATE]
        for index in range(len(drops)):
            now[5] += drops[index]
        if can is not None:
            now[6] = can.controller.overflows
            now[7] = can.controller.restarts
