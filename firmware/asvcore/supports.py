"""What is given to the driver, from its begin to its end: one support per function and target [D13-D15].

    free --level due--> ACTIVE --passed / condition gone for 0.5 s--> HOLD --3 s--> free
                        ACTIVE --information shown 3 s (mode)--> ENDED --L4*--> ACTIVE
                        HOLD --condition back--> ACTIVE          any --ego's own act--> free, at once
                        ACTIVE, surrounding or emergency --condition gone for 1 s, no packet for 1 s--> free

Once begun, support never stops in a way that reads "all clear" [G 3.9(1)]: the level does not fall while
it is active, a lost target goes on as it went, and what ends without ego's act is held first.
"""

from . import codes, params
from .externals import DIRECTION, FUNCTION, LEVEL, stale
from .gates import EGO_ACTS, FUNCTIONS
from .neighbour import (
    FOLLOWED,
    KEY,
    NOT_FOLLOWED,
    REASON_MASK,
    REASON_SHIFT,
    RECEIVED_MS,
    SPEED_KMH,
    SUPPORT_SHIFT,
    age_ms,
    support_of,
)
from .params import NEVER_MS, NONE
from .support import ACTIVE, ENDED, FREE, HOLD, Support, urgency

# Rank of the functions: crossing before turns, surrounding last [G 5.2]
RANK = (9, 1, 2, 2, 4, 3)


# Own data that is not there: support goes on, as of a target that is lost, until it would have passed [D15]
_BLIND = (
    codes.REASON_EGO_POSITION_UNKNOWN,
    codes.REASON_EGO_SPEED_UNKNOWN,
    codes.REASON_HEADING_UNKNOWN,
    codes.REASON_ERROR_UNBOUNDED,
    codes.REASON_TARGET_DATA,
)


class Supports:
    """A fixed pool of supports; `dropped` counts targets that found no room."""

    def __init__(self, settings):
        self.pool = [Support() for _ in range(settings.support_count())]
        self._order = 0
        self.dropped = 0
        self.changed = False  # the arbiter has something to look at
        self.by_ego = False  # one was ended by ego's own act
        self.counts = [0] * FUNCTIONS  # supports of each function

    def follow(self, neighbour, candidate, now_ms, cause):
        """Take a judge's candidate for a neighbour into account."""
        function = candidate.function
        reason = candidate.reason if candidate.reason else candidate.level_reason
        cell = neighbour[function] = neighbour[function] & ~REASON_MASK | reason << REASON_SHIFT
        if cell < FOLLOWED:
            if candidate.reason == 0 and candidate.level > codes.LEVEL_NONE:
                self._begin(neighbour, candidate, now_ms, cause)
            return
        support = self.pool[(cell >> SUPPORT_SHIFT) - 1]
        if candidate.distance_dm != NONE:
            self._measure(support, candidate)
        old_ms = age_ms(neighbour, now_ms)
        if function >= codes.FUNCTION_SURROUNDING:
            self._near(support, candidate, now_ms - neighbour[RECEIVED_MS], now_ms, cause)
        elif candidate.reason in EGO_ACTS:
            self._finish(support, candidate.reason, cause)
        elif old_ms > params.LOST_LIMIT_MS:
            self._finish(support, codes.REASON_LOST_LIMIT, cause)
        elif support.state == HOLD:
            self._held(support, candidate, now_ms, cause)
        else:
            self._given(support, candidate, old_ms > params.PREDICTION_MS, now_ms, cause)

    def external(self, external, now_ms, cause):
        """Follow what another system has said: its level as it says it, its end held as that of a passed target."""
        function = external[FUNCTION]
        index = support_of(external, function)
        if index < 0:
            support = self._room()
            if support is None:  # as a target's, it begins when it is told again
                self.dropped += 1
                self._displace(function, 0, False, cause)
                return
            self._occupy(support, external, function, -external[KEY])
            support.distance_dm = support.error_dm = support.threshold_dm = support.ttc_ms = NONE
            support.direction = external[DIRECTION]
            self._set(support, external[LEVEL], codes.REASON_EXTERNAL, now_ms, cause)
            return
        support = self.pool[index]
        reason = codes.REASON_EXTERNAL
        if external[LEVEL] == codes.LEVEL_NONE:
            reason = codes.REASON_EXTERNAL_ENDED
        elif stale(external, now_ms):
            reason = codes.REASON_EXTERNAL_STALE
        if reason == codes.REASON_EXTERNAL:
            if support.state != ACTIVE or support.level != external[LEVEL]:
                support.state = ACTIVE
                support.broken_ms = NONE
                self._set(support, external[LEVEL], reason, now_ms, cause)
        elif support.function >= codes.FUNCTION_SURROUNDING:
            self._finish(support, reason, cause)
        elif support.state != HOLD:
            self._hold(support, reason, now_ms, cause)
        elif now_ms - support.broken_ms >= params.HOLD_MS:
            self._finish(support, codes.REASON_HOLD_OVER, cause)

    def _begin(self, neighbour, candidate, now_ms, cause):
        function = candidate.function
        crowded = function == codes.FUNCTION_SURROUNDING and self.counts[function] >= params.SURROUNDING_SUPPORTS
        if crowded and not self._displace(function, urgency(candidate) + params.NEARER_DM, crowded, cause):
            return
        support = self._room()
        if support is None:
            self.dropped += 1
            if not crowded:
                self._displace(function, urgency(candidate), crowded, cause)
            return
        self._occupy(support, neighbour, function, codes.ORIGIN_VEHICLE)
        support.timing = candidate.timing
        self._measure(support, candidate)
        self._set(support, candidate.level, candidate.level_reason, now_ms, cause)

    def _occupy(self, support, neighbour, function, origin):
        support.state = ACTIVE
        support.neighbour = neighbour
        support.function = function
        support.origin = origin
        support.lost = False
        support.presented = support.superseded = False
        support.broken_ms = NONE
        support.passes_ms = support.measured_ms = NEVER_MS
        support.order = self._order
        self._order = (self._order + 1) & 0xFFFFFFF
        self.counts[function] += 1
        neighbour[function] = neighbour[function] & NOT_FOLLOWED | (self.pool.index(support) + 1) << SUPPORT_SHIFT

    def _room(self):
        # A freed support that has not been reported yet still carries its end
        for support in self.pool:
            if support.state == FREE and not support.dirty:
                return support
        return None

    def _displace(self, function, urgent, crowded, cause):
        # The least that is not presented gives way to more; where the pool is full that begins when the end is told
        worst, worst_rank, worst_urgency = None, 0, 0
        for support in self.pool:
            if support.state == FREE or support.origin != codes.ORIGIN_VEHICLE:
                continue
            if support.presented and (crowded or support.function != codes.FUNCTION_SURROUNDING):
                continue
            if crowded and support.function != function:
                continue
            if support.function == codes.FUNCTION_EMERGENCY and function != support.function:
                continue  # unsigned vehicles, however many, do not end what a signed one was given [G 3.7]
            rank = RANK[support.function]
            if rank < worst_rank:
                continue
            least = urgency(support)
            if rank > worst_rank or least > worst_urgency:
                worst, worst_rank, worst_urgency = support, rank, least
        if worst_rank > RANK[function] or (worst_rank == RANK[function] and worst_urgency > urgent):
            self._finish(worst, codes.REASON_DISPLACED, cause)
            return True
        return False

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

    def _near(self, support, candidate, age_ms, now_ms, cause):
        # Surrounding and emergency vehicles: present while packets arrive [G 4.4.2(2), D15]
        if age_ms > params.PREDICTION_MS:
            self._finish(support, codes.REASON_PACKETS_STOPPED, cause)
        elif candidate.reason == 0:
            support.broken_ms = NONE
        elif candidate.reason in EGO_ACTS or candidate.reason == codes.REASON_SUPERSEDED:  # an emergency vehicle now
            self._finish(support, candidate.reason, cause)
        elif support.broken_ms == NONE:
            support.broken_ms = now_ms
        elif now_ms - support.broken_ms >= params.SURROUNDING_GRACE_MS:
            self._finish(support, candidate.reason, cause)

    def _given(self, support, candidate, lost, now_ms, cause):
        if candidate.reason != 0:
            if support.broken_ms == NONE:
                support.broken_ms = now_ms
            if candidate.reason == codes.REASON_TARGET_PASSED:
                self._hold(support, candidate.reason, now_ms, cause)
            elif now_ms - support.broken_ms >= params.BREAK_GRACE_MS:
                if candidate.reason in _BLIND:
                    self._blind(support, candidate.reason, now_ms, cause)
                else:
                    self._hold(support, candidate.reason, now_ms, cause)
            return
        support.broken_ms = NONE
        support.measured_ms = now_ms
        left_dm = candidate.distance_dm + candidate.error_dm
        support.passes_ms = now_ms + max(left_dm, 0) * 360 // support.neighbour[SPEED_KMH]
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
        elif support.reason in _BLIND:
            self._set(support, support.level, codes.REASON_RESUMED, now_ms, cause)

    def _blind(self, support, reason, now_ms, cause):
        if now_ms >= support.passes_ms:
            self._hold(support, codes.REASON_TARGET_PASSED, now_ms, cause)
        elif now_ms - support.measured_ms > params.LOST_LIMIT_MS:
            self._finish(support, codes.REASON_LOST_LIMIT, cause)
        elif support.reason != reason:
            self._set(support, support.level, reason, now_ms, cause)

    def _end_information(self, support, candidate, now_ms, cause):
        shown_ms = now_ms - max(support.level_ms, support.presented_ms)
        if support.presented and shown_ms >= params.INFORMATION_SHOWN_MS:
            support.state = ENDED
            self._set(support, codes.LEVEL_NONE, codes.REASON_INFORMATION_ENDED, now_ms, cause)
            return
        # Not shown, or so fast now that it would not have ended before L4*: then caution follows L4 [G 3.5(2)]
        way = (candidate.distance_dm - candidate.error_dm) * 360 // support.neighbour[SPEED_KMH]
        left_ms = way - params.CAUTION_AFTER_MS + params.TRANSMISSION_INTERVAL_MS
        if not support.presented or left_ms < params.INFORMATION_SHOWN_MS - shown_ms:
            support.timing = codes.MODE_INFORMATION_CAUTION

    def _hold(self, support, reason, now_ms, cause):
        if support.state == ENDED:
            self._finish(support, reason, cause)
            return
        support.state = HOLD
        support.broken_ms = now_ms
        self._set(support, codes.LEVEL_INFORMATION, reason, now_ms, cause)

    def _held(self, support, candidate, now_ms, cause):
        # Noise around -(a+b) must not bring back the caution of a target that has passed
        back = support.reason != codes.REASON_TARGET_PASSED or candidate.distance_dm > 0
        if back and candidate.reason == 0 and candidate.level > codes.LEVEL_NONE:
            support.state = ACTIVE
            support.broken_ms = NONE
            self._set(support, candidate.level, codes.REASON_RESUMED, now_ms, cause)
        elif now_ms - support.broken_ms >= params.HOLD_MS:
            self._finish(support, codes.REASON_HOLD_OVER, cause)

    def _finish(self, support, reason, cause):
        support.state = FREE
        support.level = codes.LEVEL_NONE
        support.reason = reason
        support.dirty = True
        if reason in EGO_ACTS:
            self.by_ego = True
        support.neighbour[support.function] &= NOT_FOLLOWED
        self.counts[support.function] -= 1
        self.changed = True

    def rebase(self, offset_ms):
        """Take an offset off every stored time."""
        for support in self.pool:
            support.level_ms = max(support.level_ms - offset_ms, NEVER_MS)
            support.presented_ms = max(support.presented_ms - offset_ms, NEVER_MS)
            support.passes_ms = max(support.passes_ms - offset_ms, NEVER_MS)
            support.measured_ms = max(support.measured_ms - offset_ms, NEVER_MS)
            if support.broken_ms != NONE:
                support.broken_ms = max(support.broken_ms - offset_ms, NEVER_MS)
