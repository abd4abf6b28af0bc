"""What is given to the driver, from its begin to its end: one support per function and target [D13-D15].

    free --level due--> ACTIVE --passed / condition gone for 0.5 s--> HOLD --3 s--> free
                        ACTIVE --information shown 3 s (mode)--> ENDED --L4*--> ACTIVE
                        HOLD --condition back--> ACTIVE          any --ego's own act--> free, at once

Once begun, support never stops in a way that reads "all clear" [G 3.9(1)]: the level does not fall while
it is active, a lost target goes on as it went, and what ends without ego's act is held first.
"""

from . import codes, params
from .params import NEVER_MS, NONE

FREE, ACTIVE, ENDED, HOLD = 0, 1, 2, 3

# Ego's own acts end support at once [D15]
_EGO_ACTS = (codes.REASON_EGO_STARTED, codes.REASON_EGO_TOO_FAST, codes.REASON_EGO_NOT_STOPPED)


class Support:
    """One followed pair of function and target; `dirty`: to be reported."""

    def __init__(self, index):
        self.index = index
        self.state = FREE
        self.neighbour = None
        self.function = codes.FUNCTION_NONE
        self.level = codes.LEVEL_NONE
        self.reason = 0
        self.presented = False
        self.dirty = False
        self.lost = False
        self.order = 0
        self.level_ms = NEVER_MS
        self.presented_ms = NEVER_MS
        self.broken_ms = NONE
        self.hold_until_ms = NEVER_MS
        self.distance_dm = NONE
        self.error_dm = NONE
        self.threshold_dm = NONE
        self.ttc_ms = NONE
        self.direction = 0
        self.timing = codes.MODE_INFORMATION_CAUTION  # the presentation mode it follows


class Supports:
    """A fixed pool of supports; `dropped` counts targets that found no room."""

    def __init__(self, settings):
        self.pool = [Support(index) for index in range(settings.supports)]
        self._order = 0
        self.dropped = 0
        self.changed = False  # the arbiter has something to look at

    def follow(self, neighbour, candidate, now_ms, cause):
        """Take a judge's candidate for a neighbour into account."""
        index = neighbour.supports[candidate.function]
        neighbour.reason = candidate.reason if candidate.reason else candidate.level_reason
        if index < 0:
            if candidate.reason == 0 and candidate.level > codes.LEVEL_NONE:
                self._begin(neighbour, candidate, now_ms, cause)
            return
        support = self.pool[index]
        if candidate.reason in _EGO_ACTS:
            self._finish(support, candidate.reason, cause)
            return
        if candidate.distance_dm != NONE:
            self._measure(support, candidate)
        age_ms = now_ms - neighbour.received_ms
        if age_ms > params.LOST_LIMIT_MS:
            self._finish(support, codes.REASON_LOST_LIMIT, cause)
        elif support.state == HOLD:
            self._held(support, candidate, now_ms, cause)
        else:
            self._given(support, candidate, age_ms > params.PREDICTION_MS, now_ms, cause)

    def _begin(self, neighbour, candidate, now_ms, cause):
        support = self._room()
        if support is None:
            self.dropped += 1
            self._displace(candidate, cause)
            return
        support.state = ACTIVE
        support.neighbour = neighbour
        support.function = candidate.function
        support.lost = False
        support.presented = False
        support.broken_ms = NONE
        support.order = self._order
        self._order = (self._order + 1) & 0xFFFFFFF
        neighbour.supports[candidate.function] = support.index
        support.timing = candidate.timing
        self._measure(support, candidate)
        self._set(support, candidate.level, candidate.level_reason, now_ms, cause)

    def _room(self):
        # A freed support that has not been reported yet still carries its end
        for index in range(len(self.pool)):
            support = self.pool[index]
            if support.state == FREE and not support.dirty:
                return support
        return None

    def _displace(self, candidate, cause):
        # The farthest that is not presented gives way to a nearer one, which begins at its next evaluation
        worst = None
        for index in range(len(self.pool)):
            support = self.pool[index]
            if support.state != FREE and not support.presented:
                if worst is None or support.ttc_ms > worst.ttc_ms:
                    worst = support
        if worst is not None and worst.ttc_ms > candidate.ttc_ms:
            self._finish(worst, codes.REASON_DISPLACED, cause)

    def _measure(self, support, candidate):
        support.distance_dm = candidate.distance_dm
        support.error_dm = candidate.error_dm
        support.ttc_ms = candidate.ttc_ms
        support.direction = candidate.direction
        if candidate.threshold_dm != NONE:
            support.threshold_dm = candidate.threshold_dm

    def _set(self, support, level, reason, now_ms, cause):
        if level != support.level:
            support.level_ms = now_ms
        support.level = level
        support.reason = reason
        support.dirty = True
        self.changed = True

    def _given(self, support, candidate, lost, now_ms, cause):
        if candidate.reason != 0:
            if support.broken_ms == NONE:
                support.broken_ms = now_ms
            passed = candidate.reason == codes.REASON_TARGET_PASSED
            if passed or now_ms - support.broken_ms >= params.BREAK_GRACE_MS:
                self._hold(support, candidate.reason, now_ms, cause)
            return
        support.broken_ms = NONE
        floor = codes.LEVEL_INFORMATION if support.state == ENDED else support.level
        if candidate.level > floor:
            support.state = ACTIVE
            self._set(support, candidate.level, candidate.level_reason, now_ms, cause)
        elif support.timing == codes.MODE_INFORMATION_ENDED and support.level == codes.LEVEL_INFORMATION:
            self._end_information(support, candidate, now_ms, cause)
        if lost != support.lost:
            support.lost = lost
            reason = codes.REASON_TARGET_LOST if lost else codes.REASON_RESUMED
            self._set(support, support.level, reason, now_ms, cause)

    def _end_information(self, support, candidate, now_ms, cause):
        shown_ms = now_ms - max(support.level_ms, support.presented_ms)
        if support.presented and shown_ms >= params.INFORMATION_SHOWN_MS:
            support.state = ENDED
            self._set(support, codes.LEVEL_NONE, codes.REASON_INFORMATION_ENDED, now_ms, cause)
            return
        # Not shown, or so fast now that it would not have ended before L4*: then caution follows L4 [G 3.5(2)]
        way = (candidate.distance_dm - candidate.error_dm) * 360 // support.neighbour.speed_kmh
        left_ms = way - params.CAUTION_AFTER_MS + params.TRANSMISSION_INTERVAL_MS
        if not support.presented or left_ms < params.INFORMATION_SHOWN_MS - shown_ms:
            support.timing = codes.MODE_INFORMATION_CAUTION

    def _hold(self, support, reason, now_ms, cause):
        if support.state == ENDED:
            self._finish(support, reason, cause)
            return
        support.state = HOLD
        support.hold_until_ms = now_ms + params.HOLD_MS
        self._set(support, codes.LEVEL_INFORMATION, reason, now_ms, cause)

    def _held(self, support, candidate, now_ms, cause):
        # Noise around -(a+b) must not bring back the caution of a target that has passed
        back = support.reason != codes.REASON_TARGET_PASSED or candidate.distance_dm > 0
        if back and candidate.reason == 0 and candidate.level > codes.LEVEL_NONE:
            support.state = ACTIVE
            support.broken_ms = NONE
            self._set(support, candidate.level, codes.REASON_RESUMED, now_ms, cause)
        elif now_ms >= support.hold_until_ms:
            self._finish(support, codes.REASON_HOLD_OVER, cause)

    def _finish(self, support, reason, cause):
        support.state = FREE
        support.level = codes.LEVEL_NONE
        support.reason = reason
        support.dirty = True
        support.neighbour.supports[support.function] = -1
        self.changed = True

    def rebase(self, offset_ms):
        """Take an offset off every stored time."""
        for index in range(len(self.pool)):
            support = self.pool[index]
            support.level_ms = max(support.level_ms - offset_ms, NEVER_MS)
            support.presented_ms = max(support.presented_ms - offset_ms, NEVER_MS)
            support.hold_until_ms = max(support.hold_until_ms - offset_ms, NEVER_MS)
            if support.broken_ms != NONE:
                support.broken_ms = max(support.broken_ms - offset_ms, NEVER_MS)
