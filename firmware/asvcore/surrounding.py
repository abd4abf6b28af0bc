"""Surrounding vehicles and emergency vehicles: who is near, on a straight line [G 4.4, D11, D15, D18].

Information only, without a rule of timing and without correction for position errors. A general vehicle is told
within 100 m while it comes nearer, or within 30 m in any case; one that stands is left out. An emergency vehicle
in action is told within 300 m, however it moves.
"""

from . import codes, params
from .geometry import root
from .neighbour import COSINE_Q12, DIRECTION_DEG, EMERGENCY, FLAGS, FOLLOWED, SINE_Q12, SPEED_KMH
from .params import NONE


def judge_surrounding(ego, neighbour, relation, settings, _timing, support, out):
    """Fill `out`, cleared: any vehicle, as long as it may matter to ego."""
    if neighbour[FLAGS] & EMERGENCY or neighbour[codes.FUNCTION_EMERGENCY] >= FOLLOWED:
        out.reason = codes.REASON_SUPERSEDED
        return
    far_dm = settings.surrounding_dm
    near_dm = params.SURROUNDING_NEAR_DM
    if support is not None:
        far_dm, near_dm = far_dm + params.LEAVING_DM, near_dm + params.LEAVING_DM
    if not _measure(ego, relation, far_dm, support, out):
        out.reason = codes.REASON_TOO_FAR
        return
    out.threshold_dm = settings.surrounding_dm
    if NONE < neighbour[SPEED_KMH] <= params.STANDING_KMH:
        out.reason = codes.REASON_TARGET_STANDING
    elif out.distance_dm > near_dm and not _approaching(ego, neighbour, relation, support, out.distance_dm):
        out.reason = codes.REASON_RECEDING
    else:
        _inform(out)


def judge_emergency(ego, neighbour, relation, _settings, _timing, support, out):
    """Fill `out`, cleared: a vehicle whose radio's own flag and element 42 agree."""
    if not neighbour[FLAGS] & EMERGENCY:
        out.reason = codes.REASON_NOT_EMERGENCY
        return
    far_dm = params.EMERGENCY_DM + (params.LEAVING_DM if support is not None else 0)
    if not _measure(ego, relation, far_dm, support, out):
        out.reason = codes.REASON_TOO_FAR
        return
    out.threshold_dm = params.EMERGENCY_DM
    _inform(out)


def _inform(out):
    out.level = codes.LEVEL_INFORMATION
    out.level_reason = codes.REASON_IN_RANGE


def _measure(ego, relation, far_dm, support, out):
    """Distance and side; False beyond `far_dm`."""
    north_dm, east_dm = relation.north_dm, relation.east_dm
    if relation.range_dm > 2 * far_dm:  # clearly: spare the root
        return False
    out.distance_dm = root(north_dm * north_dm + east_dm * east_dm)
    if out.distance_dm > far_dm:
        return False
    if ego.heading_cdeg != NONE:
        right_dm = (east_dm * ego.cosine_q12 - north_dm * ego.sine_q12) >> 12
        side = codes.DIRECTION_RIGHT if right_dm > 0 else codes.DIRECTION_LEFT
        # Ahead and behind within 30 degrees (sine 0.5) is neither side; a side once told holds to 24 degrees (0.4)
        stays = support is not None and support.direction == side and abs(right_dm) * 5 > out.distance_dm * 2
        if stays or abs(right_dm) * 2 > out.distance_dm:
            out.direction = side
    return True


def _approaching(ego, neighbour, relation, support, distance_dm):
    """True unless the speeds tell that it does not come nearer; of one that was told, that it goes away."""
    if neighbour[DIRECTION_DEG] == NONE or neighbour[SPEED_KMH] == NONE:
        return True
    north = neighbour[SPEED_KMH] * 10 * neighbour[COSINE_Q12]  # in 0.1 km/h, Q12
    east = neighbour[SPEED_KMH] * 10 * neighbour[SINE_Q12]
    speed_ckmh = ego.speed_ckmh()
    if speed_ckmh > 0 and ego.heading_cdeg != NONE:
        own = -(speed_ckmh // 10) if ego.reversing() else speed_ckmh // 10
        north -= own * ego.cosine_q12
        east -= own * ego.sine_q12
    opening = relation.north_dm * (north >> 12) + relation.east_dm * (east >> 12)
    if support is not None:
        return opening <= params.RECEDING_DKMH * distance_dm
    return -opening > params.APPROACHING_DKMH * distance_dm
