"""Every neighbour before every judge: what is open for ego, what follows it, when to look again, why not."""

from . import codes, crossing, params, surrounding, turns
from .candidate import Candidate, Timing
from .gates import FUNCTIONS
from .neighbour import (
    EMERGENCY,
    ERROR_DM,
    FLAGS,
    FOLLOWED,
    FROZEN,
    LATITUDE_CAS,
    RANGE_DM,
    REASON_SHIFT,
    RECEIVED_MS,
    SUPPORT_SHIFT,
    TOLD_MASK,
    USABLE,
    source_of,
    support_of,
    timed,
    vehicle_id_of,
)
from .params import NONE
from .relation import Relation
from .support import HOLD

# By FUNCTION_ code
_JUDGES = (
    None,
    crossing.judge,
    turns.judge_right,
    turns.judge_left,
    surrounding.judge_surrounding,
    surrounding.judge_emergency,
)
TIMED = codes.FUNCTION_SURROUNDING  # functions below it have a rule of timing

# Not worth telling of a vehicle that gets no support
_UNTOLD = (codes.REASON_NOT_EMERGENCY, codes.REASON_SUPERSEDED, codes.REASON_TOO_FAR)


class Judging:
    """Judges neighbours and hands what comes of it to `supports`; `gates` have been looked at.

    `due_ms`: when a level rises or an end is reached before the next cycle, or NONE. `to_tell`: how many reasons
    may yet be told in this cycle.
    """

    def __init__(self, settings, ego, gates, supports, commands):
        self.due_ms = NONE
        self.to_tell = 0
        self._settings = settings
        self._ego = ego
        self._gates = gates
        self._supports = supports
        self._commands = commands
        self._timing = Timing(settings)
        self._relation = Relation()
        self._candidate = Candidate()

    def explain(self, neighbour, function, now_ms, candidate):
        """Fill a candidate with what a function makes of a neighbour, without giving or ending anything."""
        candidate.clear()
        candidate.function = function
        gate = self._gates.reasons[function]
        if gate:
            candidate.reason = gate
            return
        index = support_of(neighbour, function)
        support = self._supports.pool[index] if index >= 0 else None
        self._relate(neighbour, now_ms)
        self._evaluate(neighbour, support, candidate)

    def judge(self, neighbour, now_ms, cause):
        """Every function that is open for a neighbour, or that follows it."""
        candidate, reasons, pool = self._candidate, self._gates.reasons, self._supports.pool
        heard = now_ms - neighbour[RECEIVED_MS] <= params.PREDICTION_MS
        related = False
        for function in range(1, FUNCTIONS):
            support = None
            gate = reasons[function]
            if neighbour[function] >= FOLLOWED:
                support = pool[(neighbour[function] >> SUPPORT_SHIFT) - 1]
            elif gate or not heard:
                continue
            elif function == codes.FUNCTION_EMERGENCY and not neighbour[FLAGS] & EMERGENCY:
                continue
            candidate.clear()
            candidate.function = function
            if gate:
                candidate.reason = gate
            else:
                if not related:
                    self._relate(neighbour, now_ms)
                    related = True
                self._evaluate(neighbour, support, candidate)
            due_ms = NONE if related and self._relation.clipped else candidate.due_ms
            if support is None and (candidate.reason or candidate.level == codes.LEVEL_NONE):  # most: nothing begins
                reason = candidate.reason if candidate.reason else candidate.level_reason
                cell = neighbour[function] = neighbour[function] & TOLD_MASK | reason << REASON_SHIFT
                if cell & TOLD_MASK != reason:
                    self._tell(neighbour, candidate, reason, now_ms, cause)
            else:
                self._supports.follow(neighbour, candidate, now_ms, cause)
                cell = neighbour[function]
                if cell >= FOLLOWED:
                    support = pool[(cell >> SUPPORT_SHIFT) - 1]
                    if support.state == HOLD:
                        due_ms = support.hold_until_ms - now_ms
                elif support is not None:  # its end says why
                    neighbour[function] = cell & ~TOLD_MASK | cell >> REASON_SHIFT
                elif cell & TOLD_MASK != candidate.level_reason:  # there was no room for it
                    self._tell(neighbour, candidate, candidate.level_reason, now_ms, cause)
            if NONE < due_ms < params.TRANSMISSION_INTERVAL_MS:  # else the grid comes first
                self.due_in(due_ms, now_ms)

    def _relate(self, neighbour, now_ms):
        # A lost target goes on as it went as long as support follows it [D15]
        limit_ms = 2 * params.LOST_LIMIT_MS if timed(neighbour) else params.PREDICTION_MS
        self._relation.make(self._ego, neighbour, now_ms, self._settings, limit_ms)

    def _evaluate(self, neighbour, support, candidate):
        relation = self._relation
        if not relation.near:
            known = neighbour[LATITUDE_CAS] != NONE
            candidate.reason = codes.REASON_TOO_FAR if known else codes.REASON_TARGET_DATA
            return
        candidate.error_dm = relation.error_dm
        if candidate.function < TIMED:
            if not neighbour[FLAGS] & USABLE:
                candidate.reason = codes.REASON_TARGET_DATA
                return
            if neighbour[ERROR_DM] >= params.UNBOUNDED_ERROR_M * 10:
                candidate.reason = codes.REASON_ERROR_UNBOUNDED
                return
            if neighbour[FLAGS] & FROZEN and support is None:
                candidate.reason = codes.REASON_TARGET_FROZEN
                return
        _JUDGES[candidate.function](self._ego, neighbour, relation, self._settings, self._timing, support, candidate)

    def _tell(self, neighbour, candidate, reason, now_ms, cause):
        """Why a target gets nothing, at a change; a few in a cycle, so that a flood is none of records."""
        if self.to_tell <= 0 or neighbour[RANGE_DM] > params.EXPLAINED_DM or reason in _UNTOLD:
            return
        self.to_tell -= 1
        function = candidate.function
        neighbour[function] = neighbour[function] & ~TOLD_MASK | reason
        self.put(neighbour, candidate, codes.LEVEL_NONE, 0, reason, now_ms, cause)

    def put(self, neighbour, measured, level, presented, reason, now_ms, cause):
        """A SUPPORT record; `measured`: the support or the candidate that has the numbers."""
        self._commands.put(
            codes.COMMAND_SUPPORT,
            now_ms,
            cause,
            measured.function,
            level,
            presented,
            source_of(neighbour),
            vehicle_id_of(neighbour),
            measured.distance_dm,
            measured.error_dm,
            measured.threshold_dm,
            measured.ttc_ms,
            reason,
        )

    def due_in(self, due_ms, now_ms):
        """Ask for a tick in so many ms."""
        if due_ms == NONE:
            return
        at_ms = now_ms + max(due_ms, params.DUE_STEP_MS)
        if self.due_ms == NONE or at_ms < self.due_ms or self.due_ms <= now_ms:
            self.due_ms = at_ms
