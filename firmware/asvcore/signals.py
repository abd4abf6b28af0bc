"""Vehicle signals as they were last received: value, age, status, source; stale means unavailable."""

from array import array

from . import codes
from .params import NEVER_MS, NONE

_STATES = (codes.STATE_OK, codes.STATE_UNKNOWN, codes.STATE_IMPLAUSIBLE)  # by STATUS_ code


class Signals:
    """The table of signals, by their SIGNAL_ codes, at `now_ms`."""

    def __init__(self, timeouts_ms):
        self.now_ms = 0
        self._timeouts_ms = timeouts_ms
        self._values = array("i", [0] * codes.SIGNALS)
        self._stamps_ms = array("i", [NEVER_MS] * codes.SIGNALS)
        self._statuses = array("b", [codes.STATUS_UNKNOWN] * codes.SIGNALS)
        self._sources = array("h", [0] * codes.SIGNALS)

    def put(self, signal, value, status, source):
        """Take over a signal, received at `now_ms`."""
        self._values[signal] = value
        self._stamps_ms[signal] = self.now_ms
        self._statuses[signal] = status
        self._sources[signal] = source

    def rebase_signals(self, offset_ms):
        """Take an offset off every stored time."""
        for signal in range(codes.SIGNALS):
            if self._stamps_ms[signal] != NEVER_MS:
                self._stamps_ms[signal] = max(self._stamps_ms[signal] - offset_ms, NEVER_MS + 1)

    def signal(self, signal):
        """Value of a signal, or NONE when it is unknown, implausible or stale."""
        if self._statuses[signal] != codes.STATUS_OK or self.signal_age_ms(signal) > self._timeouts_ms[signal]:
            return NONE
        return self._values[signal]

    def signal_age_ms(self, signal):
        """Age of what was last received for a signal."""
        return self.now_ms - self._stamps_ms[signal]

    def fresh_ms(self, signal):
        """How long what was last received for a signal is still fresh; 0 once it is stale."""
        return max(0, self._timeouts_ms[signal] - self.signal_age_ms(signal))

    def signal_status(self, signal):
        """Status as received: a STATUS_ code."""
        return self._statuses[signal]

    def signal_source(self, signal):
        """Small integer of the bus the signal came from."""
        return self._sources[signal]

    def signal_state(self, signal):
        """STATE_ code of one signal; "unknown" where the car itself says so, or a code that its map does not name."""
        if self._stamps_ms[signal] == NEVER_MS:
            return codes.STATE_SILENT
        if self.signal_age_ms(signal) > self._timeouts_ms[signal]:
            return codes.STATE_STALE
        return _STATES[self._statuses[signal]]

    def can_state(self):
        """STATE_ code of the vehicle side: ok when any signal is fresh, and the speed, if it comes, can be."""
        if self.signal_state(codes.SIGNAL_SPEED) == codes.STATE_IMPLAUSIBLE:
            return codes.STATE_IMPLAUSIBLE
        state = codes.STATE_SILENT
        for signal in range(codes.SIGNALS):
            if self._stamps_ms[signal] == NEVER_MS:
                continue
            if self.signal_age_ms(signal) <= self._timeouts_ms[signal]:
                if self._statuses[signal] != codes.STATUS_IMPLAUSIBLE:
                    return codes.STATE_OK
                state = codes.STATE_IMPLAUSIBLE
            elif state == codes.STATE_SILENT:
                state = codes.STATE_STALE
        return state
