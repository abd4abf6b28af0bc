"""What `asvunit.explain` looks up in a core for the sentence of a reason: a property for each phrase."""

import math
from typing import Any, Final

from asvcore import codes, params
from asvcore.candidate import Candidate
from asvcore.core import Core
from asvcore.elements import ELEMENTS
from asvcore.geometry import angle_between_cdeg
from asvcore.neighbour import (
    CHANGED_MS,
    COSINE_Q12,
    DIRECTION_DEG,
    ERROR_DM,
    FOLLOWED,
    LATITUDE_CAS,
    RANGE_DM,
    RECEIVED_MS,
    SINE_Q12,
    SPEED_KMH,
    kind_of,
    timed,
)
from asvcore.params import NONE
from asvcore.relation import Relation
from asvunit.why import SENTENCES, metres
from asvunit.words import sides, word

_ROWS: Final[tuple[tuple[Any, ...], ...]] = ELEMENTS
_KINDS: Final[dict[int, str]] = dict(next(row[6][2] for row in _ROWS if row[2] == "vehicle_classification"))
_ANGLES: Final = {
    codes.FUNCTION_CROSSING: (params.CROSSING_MIN_DEG, params.CROSSING_MAX_DEG),
    codes.FUNCTION_RIGHT_TURN: (180 - params.ONCOMING_DEG, 180),
    codes.FUNCTION_LEFT_TURN: (0, params.SAME_DIRECTION_DEG),
}
_EGO_MOST: Final = {
    codes.FUNCTION_CROSSING: "crossing_ego_max_ckmh",
    codes.FUNCTION_RIGHT_TURN: "right_turn_ego_max_ckmh",
    codes.FUNCTION_LEFT_TURN: "left_turn_ego_max_ckmh",
}


class Details:
    """Phrases about ego and, where there is one, a neighbour, as a function sees them now."""

    def __init__(self, core: Core, function: int, neighbour: list[int] | None = None, candidate: Any = None) -> None:
        self._core = core
        self._function = function
        self._target: Any = neighbour
        self._candidate = candidate or Candidate()
        self._relation = Relation()
        if neighbour is not None:
            kept_dm = neighbour[RANGE_DM]  # the table sorts by it: an explanation leaves no trace
            limit_ms = 2 * params.LOST_LIMIT_MS if timed(neighbour) else params.PREDICTION_MS
            self._relation.make(core.ego, neighbour, core.now_ms, core.settings, limit_ms)
            neighbour[RANGE_DM] = kept_dm

    def sentence(self, reason: int) -> str:
        """The whole sentence of a reason."""
        known = SENTENCES[reason]
        return known.full.format(self) if known.full else known.text

    @property
    def away_m(self) -> float | None:
        """On a straight line."""
        relation = self._relation
        return math.hypot(relation.north_dm, relation.east_dm) / 10 if relation.near else None

    @property
    def away(self) -> str:
        away_m = self.away_m
        if away_m is None:
            return f"farther away than {params.RANGE_DM // 10000} km"
        followed = self._target[self._function] >= FOLLOWED
        emergency = self._function == codes.FUNCTION_EMERGENCY
        limit_dm = params.EMERGENCY_DM if emergency else self._core.settings.surrounding_dm
        return f"{away_m:.1f} m away, {'kept' if followed else 'told'} to {self._limit(limit_dm)}"

    @property
    def away_receding(self) -> str:
        return f"{self.away_m:.1f} m away, told to {self._limit(params.SURROUNDING_NEAR_DM)}"

    def _limit(self, limit_dm: int) -> str:
        followed = self._target[self._function] >= FOLLOWED
        return metres(limit_dm + (params.LEAVING_DM if followed else 0))

    @property
    def unheard(self) -> str:
        return f"{(self._core.now_ms - self._target[RECEIVED_MS]) / 1000:.1f} s"

    @property
    def same(self) -> str:
        return f"{(self._core.now_ms - self._target[CHANGED_MS]) / 1000:.1f} s"

    @property
    def speed(self) -> str:
        return "unknown speed" if self._target[SPEED_KMH] == NONE else f"{self._target[SPEED_KMH]} km/h"

    @property
    def speed_least(self) -> str:
        left = self._function == codes.FUNCTION_LEFT_TURN
        return f"{1 if left else max(self._core.settings.target_min_kmh, 1)} km/h"

    @property
    def angle(self) -> str:
        angle_cdeg = angle_between_cdeg(self._target[DIRECTION_DEG] * 100, self._core.ego.heading_cdeg)
        return f"{angle_cdeg / 100:.0f} deg"

    @property
    def angles(self) -> str:
        return "{}..{} deg".format(*_ANGLES[self._function])

    @property
    def ahead(self) -> str:
        """Where the courses cross, from ego's front along its heading."""
        ego, target, relation = self._core.ego, self._target, self._relation
        along = (relation.north_dm * ego.cosine_q12 + relation.east_dm * ego.sine_q12) / 4096
        same = (target[COSINE_Q12] * ego.cosine_q12 + target[SINE_Q12] * ego.sine_q12) / 4096**2
        ahead_dm = along + self._candidate.distance_dm * same - self._core.settings.antenna_to_front_dm
        return f"{abs(ahead_dm) / 10:.1f} m {'ahead of' if ahead_dm >= 0 else 'behind'} ego"

    @property
    def aheads(self) -> str:
        error_dm = self._candidate.error_dm
        return f"{-error_dm / 10:.1f}..{metres(params.CROSSING_AHEAD_DM + error_dm)} ahead"

    @property
    def lateral(self) -> str:
        ego, target, relation = self._core.ego, self._target, self._relation
        error_dm = self._candidate.error_dm
        if self._function == codes.FUNCTION_LEFT_TURN:
            right_dm = (relation.east_dm * ego.cosine_q12 - relation.north_dm * ego.sine_q12) / 4096
            left, right = metres(params.BEHIND_LATERAL_DM + error_dm), metres(error_dm)
            if self._core.settings.traffic_side == codes.SIDE_RIGHT:
                left, right = right, left
            side = "right" if right_dm > 0 else "left"
            return f"{abs(right_dm) / 10:.1f} m {side} of ego, support {left} left to {right} right"
        way_m = max(ego.speed_ckmh(), 0) / 360
        point_dm = min(way_m * way_m / (2 * params.TURN_DECELERATION_CMS2 / 100) * 10, params.TURN_POINT_LIMIT_DM)
        north_dm = point_dm * ego.cosine_q12 / 4096 - relation.north_dm
        east_dm = point_dm * ego.sine_q12 / 4096 - relation.east_dm
        beside_dm = abs(north_dm * target[SINE_Q12] - east_dm * target[COSINE_Q12]) / 4096
        limit = metres(params.ONCOMING_LATERAL_DM + error_dm)
        return f"{beside_dm / 10:.1f} m beside the turning point, support to {limit}"

    @property
    def kind(self) -> str:
        return _KINDS.get(kind_of(self._target), "of unknown kind").replace("_", " ")

    @property
    def untold(self) -> str:
        target = self._target
        known = (("position", target[LATITUDE_CAS]), ("speed", target[SPEED_KMH]), ("direction", target[DIRECTION_DEG]))
        return ", ".join(name for name, value in known if value == NONE)

    @property
    def errors(self) -> str:
        own = f"ego {metres(self._core.ego.error_dm())}"
        if self._target is None or self._target[ERROR_DM] == NONE:
            return own
        many = self._target[ERROR_DM] >= params.UNBOUNDED_ERROR_M * 10
        return f"{own}, target {metres(self._target[ERROR_DM])}{' or more' if many else ''}"

    @property
    def ego_speed(self) -> str:
        speed_ckmh = self._core.ego.speed_ckmh()
        return "unknown speed" if speed_ckmh == NONE else f"{speed_ckmh / 100:.1f} km/h"

    @property
    def ego_most(self) -> str:
        return f"{getattr(self._core.settings, _EGO_MOST[self._function]) / 100:g} km/h"

    @property
    def winker(self) -> str:
        side = sides(max(self._core.ego.winker_side(), 0))
        return f"on the {side}" if side else "off"

    @property
    def no_position(self) -> str:
        return word("REASON", self._core.ego.position_reason())
