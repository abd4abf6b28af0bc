"""Which parts of a board's unit have failed, how often, and when each is tried again; a line for each."""

from array import array

from asvcore.params import NEVER_MS

RETRY_MS = 1000  # between two tries of a part that fails

# Parts: index into `counts`
CORE, GNSS, CAN, RADIO, LIGHTS, SWITCHES = range(6)
PARTS = ("core", "gnss", "can", "radio", "lights", "switches")


class Faults:
    """`counts` by part."""

    def __init__(self, console):
        self.counts = array("H", [0] * len(PARTS))
        self._retry_ms = array("i", [NEVER_MS] * len(PARTS))
        self._console = console

    def ready(self, part, now_ms):
        """Whether a part may be used: it has not failed within the last second."""
        return now_ms >= self._retry_ms[part]

    def failed(self, part, error, now_ms):
        """A part has raised; the caller begins it anew."""
        if self.counts[part] < 0xFFFF:
            self.counts[part] += 1
        self._retry_ms[part] = now_ms + RETRY_MS
        self._console.fault(PARTS[part], error, now_ms)

    def rebase(self, offset_ms):
        """Take an offset off every stored time."""
        for part in range(len(PARTS)):
            self._retry_ms[part] = max(self._retry_ms[part] - offset_ms, NEVER_MS)
