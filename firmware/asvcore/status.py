"""What the unit says of itself: states of its inputs, readiness of the support, the system lamps; at each change."""

from array import array

from . import codes, params
from .gates import FUNCTIONS
from .params import NEVER_MS

_INPUTS = 3

# Reasons for which a function cannot be given at all, to anyone
_NOT_READY = (
    codes.REASON_WINKER_UNKNOWN,
    codes.REASON_EGO_POSITION_UNKNOWN,
    codes.REASON_EGO_SPEED_UNKNOWN,
    codes.REASON_HEADING_UNKNOWN,
    codes.REASON_ERROR_UNBOUNDED,
)

# Positions that cannot be ego's
_IMPLAUSIBLE = (
    codes.REASON_OUT_OF_RANGE,
    codes.REASON_FROZEN,
    codes.REASON_TIME_REPEATED,
    codes.REASON_DATE_IMPLAUSIBLE,
)

# STATE_ code of the vehicle side -> why
_CAN_REASONS = (
    codes.REASON_RECEIVED,
    codes.REASON_NO_INPUT,
    codes.REASON_TIMEOUT,
    codes.REASON_IMPLAUSIBLE,
)


# STATE_ code of a signal -> why
_SIGNAL_REASONS = (
    (codes.STATE_OK, codes.REASON_RECEIVED),
    (codes.STATE_SILENT, codes.REASON_NO_INPUT),
    (codes.STATE_STALE, codes.REASON_TIMEOUT),
    (codes.STATE_IMPLAUSIBLE, codes.REASON_IMPLAUSIBLE),
    (codes.STATE_UNKNOWN, codes.REASON_UNKNOWN),
)


class Status:
    """Remembers what was last said, and says what has changed."""

    def __init__(self, settings, commands):
        self._settings = settings
        self._commands = commands
        self._used = (settings.uses_gnss, settings.uses_can, settings.uses_radio)  # in the order of INPUT_
        self._states = [-1] * _INPUTS
        self._reasons = [-1] * _INPUTS
        self._signals = array("b", [-1] * codes.SIGNALS)  # STATE_ codes
        self._good_ms = array("i", [NEVER_MS] * codes.SIGNALS)  # a signal that failed comes again since then
        self._begin_ms = NEVER_MS
        self._timeouts_ms = settings.timeouts_ms()
        self._ready_reasons = [codes.REASON_OFF] * FUNCTIONS
        self._system = -1

    def check(self, ego, sent_reason, received_ms, gates, cause):
        """Look at everything once a cycle. `sent_reason`: why the own position was not sent, 0 if it was."""
        now_ms = ego.now_ms
        position_reason = ego.position_reason()
        reason = position_reason or sent_reason or codes.REASON_RECEIVED
        self._input(codes.INPUT_GNSS, _gnss_state(position_reason), reason, now_ms, cause)

        state = ego.can_state()
        self._input(codes.INPUT_CAN, state, _CAN_REASONS[state], now_ms, cause)

        receiving = now_ms - received_ms <= params.RECEIVING_MS
        if receiving:
            self._input(codes.INPUT_RADIO, codes.STATE_OK, codes.REASON_RECEIVED, now_ms, cause)
        else:
            reason = codes.REASON_NO_INPUT if received_ms == NEVER_MS else codes.REASON_TIMEOUT
            self._input(codes.INPUT_RADIO, codes.STATE_SILENT, reason, now_ms, cause)

        fault = position_reason != 0 or (self._settings.uses_can != 0 and state != codes.STATE_OK)
        self._lamps(receiving, fault, now_ms, cause)
        self._each_signal(ego, now_ms, cause)
        self._ready(gates, now_ms, cause)

    def _input(self, which, state, reason, now_ms, cause):
        if not self._used[which]:
            state, reason = codes.STATE_OFF, codes.REASON_NOT_CONFIGURED
        if self._states[which] == state and self._reasons[which] == reason:
            return
        self._states[which] = state
        self._reasons[which] = reason
        self._commands.put(codes.COMMAND_STATUS, now_ms, cause, which, state, reason)

    def _each_signal(self, ego, now_ms, cause):
        """Those that the car's map gives, or that have come; none is called silent before its time."""
        if self._begin_ms == NEVER_MS:
            self._begin_ms = now_ms
        for signal in range(codes.SIGNALS):
            state = ego.signal_state(signal)
            told = self._signals[signal]
            if state == told:
                self._good_ms[signal] = NEVER_MS
                continue
            if state == codes.STATE_SILENT:
                early = now_ms - self._begin_ms < self._timeouts_ms[signal]
                if early or not self._settings.signals >> signal & 1:
                    continue
            elif state == codes.STATE_OK and told > codes.STATE_SILENT:  # it failed: not ok at its first value
                if self._good_ms[signal] == NEVER_MS:
                    self._good_ms[signal] = now_ms
                if now_ms - self._good_ms[signal] < params.SIGNAL_OK_MS:
                    continue
            self._signals[signal] = state
            self._good_ms[signal] = NEVER_MS
            for index in range(len(_SIGNAL_REASONS)):
                if _SIGNAL_REASONS[index][0] == state:
                    source = ego.signal_source(signal)
                    reason = _SIGNAL_REASONS[index][1]
                    self._commands.put(codes.COMMAND_SIGNAL, now_ms, cause, signal, state, reason, source)

    def rebase(self, offset_ms):
        """Take an offset off every stored time."""
        self._begin_ms = max(self._begin_ms - offset_ms, NEVER_MS + 1)
        for signal in range(codes.SIGNALS):
            self._good_ms[signal] = max(self._good_ms[signal] - offset_ms, NEVER_MS)

    def _lamps(self, receiving, fault, now_ms, cause):
        system = (2 if receiving else 0) | (1 if fault else 0)
        if system != self._system:
            self._system = system
            self._commands.put(codes.COMMAND_SYSTEM, now_ms, cause, 1, system >> 1, system & 1)

    def _ready(self, gates, now_ms, cause):
        for function in range(1, FUNCTIONS):
            gate = gates.reasons[function]
            if gate == codes.REASON_OFF:
                continue
            reason = gate if gate in _NOT_READY else codes.REASON_READY
            if reason != self._ready_reasons[function]:
                self._ready_reasons[function] = reason
                self._commands.put(codes.COMMAND_SUPPORT, now_ms, cause, function, codes.LEVEL_NONE, 0, j=reason)


def _gnss_state(position_reason):
    if position_reason == 0:
        return codes.STATE_OK
    if position_reason in _IMPLAUSIBLE:
        return codes.STATE_IMPLAUSIBLE
    if position_reason == codes.REASON_NO_INPUT or position_reason == codes.REASON_TIMEOUT:
        return codes.STATE_SILENT
    return codes.STATE_STALE
