"""Whether ego is one that a function is for, just now: 0, or why not [G 4.1.2(2), 4.2.2, 4.3.2, D12, D16]."""

from array import array

from . import codes, params
from .params import NONE

FUNCTIONS = 6  # FUNCTION_ codes; 0 is none

# Ego's own acts end support at once [D15]; other closed gates are a condition that may come back
EGO_ACTS = (
    codes.REASON_EGO_STARTED,
    codes.REASON_EGO_TOO_FAST,
    codes.REASON_EGO_NOT_STOPPED,
    codes.REASON_WINKER_OFF,
    codes.REASON_TURN_BEGUN,
    codes.REASON_NOT_REQUESTED,
)


class Gates:
    """The reason of each function, by its code; renewed with `look`."""

    def __init__(self, settings):
        self.reasons = array("h", [codes.REASON_OFF] * FUNCTIONS)
        self.any_turn = False
        self._settings = settings
        self._requested = False  # surrounding vehicles, by the driver's switch
        right = settings.traffic_side == codes.SIDE_RIGHT
        self._across = codes.DIRECTION_LEFT if right else codes.DIRECTION_RIGHT
        self._fast = [
            False
        ] * FUNCTIONS  # ego has left the range of speed, and has to come well below to be in it again
        self._near = codes.DIRECTION_RIGHT if right else codes.DIRECTION_LEFT

    def look(self, ego):
        """Look at ego as it is now."""
        settings, reasons = self._settings, self.reasons
        position = ego.position_reason()
        near = codes.REASON_EGO_POSITION_UNKNOWN if position else 0
        speed_ckmh = ego.speed_ckmh()
        common = near or _common(ego, speed_ckmh)
        if settings.crossing:
            fast = settings.crossing_start == codes.START_SPEED and self._too_fast(
                codes.FUNCTION_CROSSING, speed_ckmh, settings.crossing_ego_max_ckmh
            )
            reasons[codes.FUNCTION_CROSSING] = common or _crossing(ego, fast, settings)
        if settings.right_turn:
            fast = self._too_fast(codes.FUNCTION_RIGHT_TURN, speed_ckmh, settings.right_turn_ego_max_ckmh)
            reasons[codes.FUNCTION_RIGHT_TURN] = common or _turn(ego, self._across, fast)
        if settings.left_turn:
            fast = self._too_fast(codes.FUNCTION_LEFT_TURN, speed_ckmh, settings.left_turn_ego_max_ckmh)
            reason = common or _turn(ego, self._near, fast)
            if reason == 0 and speed_ckmh <= params.STOPPED_CKMH:
                reason = codes.REASON_EGO_STANDING  # at the kerb [D16]
            reasons[codes.FUNCTION_LEFT_TURN] = reason
        if settings.surrounding:
            reasons[codes.FUNCTION_SURROUNDING] = near or self._surrounding(ego)
        if settings.emergency:
            reasons[codes.FUNCTION_EMERGENCY] = near
        self.any_turn = reasons[codes.FUNCTION_RIGHT_TURN] == 0 or reasons[codes.FUNCTION_LEFT_TURN] == 0

    def opened(self):
        """The functions that were open at the last look, as bits by their codes."""
        bits = 0
        for function in range(1, FUNCTIONS):
            if self.reasons[function] == 0:
                bits |= 1 << function
        return bits

    def request(self):
        """The driver's switch: starts or ends the support of surrounding vehicles; False where it does neither."""
        if not self._settings.surrounding or self._settings.surrounding_shown != codes.SHOWN_REQUEST:
            return False
        self._requested = not self._requested
        return True

    def _surrounding(self, ego):
        """Always, or started and ended by the driver's switch or winker [G 4.4.2(2)]."""
        shown = self._settings.surrounding_shown
        if shown == codes.SHOWN_REQUEST:
            return 0 if self._requested else codes.REASON_NOT_REQUESTED
        if shown == codes.SHOWN_WINKER:
            winker = ego.winker_side()
            return codes.REASON_WINKER_UNKNOWN if winker == NONE else 0 if winker else codes.REASON_WINKER_OFF
        return 0

    def _too_fast(self, function, speed_ckmh, limit_ckmh):
        """Above the limit; an open gate that was closed by it stays so until ego is well below: no flicker."""
        if speed_ckmh > limit_ckmh:
            self._fast[function] = self._fast[function] or self.reasons[function] == 0
            return True
        if self._fast[function] and speed_ckmh != NONE and speed_ckmh <= limit_ckmh - params.SLOWER_CKMH:
            self._fast[function] = False
        return self._fast[function]


def _common(ego, speed_ckmh):
    if speed_ckmh == NONE:
        return codes.REASON_EGO_SPEED_UNKNOWN
    if ego.heading_cdeg == NONE:
        return codes.REASON_HEADING_UNKNOWN
    if ego.error_dm() >= params.UNBOUNDED_ERROR_M * 10:
        return codes.REASON_ERROR_UNBOUNDED
    return 0


def _crossing(ego, fast, settings):
    if settings.crossing_start == codes.START_SPEED:
        return codes.REASON_EGO_TOO_FAST if fast else 0
    if ego.stopped:
        return 0
    return codes.REASON_EGO_STARTED if ego.started_now else codes.REASON_EGO_NOT_STOPPED


def _turn(ego, side, fast):
    winker = ego.winker_side()
    if winker == NONE:
        return codes.REASON_WINKER_UNKNOWN
    if winker != side:
        return codes.REASON_WINKER_OFF
    if fast:
        return codes.REASON_EGO_TOO_FAST
    return codes.REASON_TURN_BEGUN if ego.turn.begun else 0
