"""Turning collisions: right turn against oncoming vehicles, left turn against those behind [G 4.2.2, 4.3.2, D11].

Written for left-hand traffic; where traffic keeps to the right, "right turn" stands for the turn across the
oncoming traffic, which then goes to the left, and "left turn" for the one to the kerb [D16].
"""

from . import codes, params
from .geometry import angle_between_cdeg, divided
from .neighbour import COSINE_Q12, DIRECTION_DEG, SINE_Q12, SPEED_KMH, kind_of, length_dm


def judge_right(ego, neighbour, relation, settings, timing, support, out):
    """Fill `out`, cleared: an oncoming vehicle and the place where ego begins its turn.

    `distance`: along the target's course to the foot of ego's turning point, which lies ahead of ego by its
    braking way, at most 33.5 m.
    """
    speed_kmh = neighbour[SPEED_KMH]
    if speed_kmh < settings.target_min_kmh or speed_kmh == 0:
        out.reason = codes.REASON_TARGET_SLOW
        return
    angle_cdeg = angle_between_cdeg(neighbour[DIRECTION_DEG] * 100, ego.heading_cdeg)
    if angle_cdeg < (180 - params.ONCOMING_DEG) * 100:
        out.reason = codes.REASON_ANGLE
        return
    error_dm = relation.error_dm
    point_dm = _turning_point_dm(max(ego.speed_ckmh(), 0))
    north_dm = ((point_dm * ego.cosine_q12 + 2048) >> 12) - relation.north_dm  # from the target to the point
    east_dm = ((point_dm * ego.sine_q12 + 2048) >> 12) - relation.east_dm
    distance_dm = (north_dm * neighbour[COSINE_Q12] + east_dm * neighbour[SINE_Q12] + 2048) >> 12
    lateral_dm = abs((north_dm * neighbour[SINE_Q12] - east_dm * neighbour[COSINE_Q12] + 2048) >> 12)
    out.distance_dm = distance_dm
    out.ttc_ms = divided(distance_dm * 360, speed_kmh)
    if lateral_dm > params.ONCOMING_LATERAL_DM + error_dm:
        out.reason = codes.REASON_LATERAL
    elif distance_dm < -error_dm:
        out.reason = codes.REASON_TARGET_PASSED
    else:
        timing.set(speed_kmh, 0, support, out)


def judge_left(ego, neighbour, relation, settings, timing, support, out):
    """Fill `out`, cleared: a two-wheeler, or any vehicle by setting, that comes up behind on ego's left.

    `distance`: along ego's axis, between the reported points; both lengths are added to L3 and L4.
    """
    speed_kmh = neighbour[SPEED_KMH]
    near_right = settings.traffic_side == codes.SIDE_RIGHT
    out.direction = codes.DIRECTION_RIGHT if near_right else codes.DIRECTION_LEFT
    if settings.left_turn_targets != codes.TARGETS_ALL and kind_of(neighbour) not in params.TWO_WHEELERS:
        out.reason = codes.REASON_NOT_TWO_WHEELER
        return
    if speed_kmh == 0:
        out.reason = codes.REASON_TARGET_SLOW
        return
    if angle_between_cdeg(neighbour[DIRECTION_DEG] * 100, ego.heading_cdeg) > params.SAME_DIRECTION_DEG * 100:
        out.reason = codes.REASON_ANGLE
        return
    error_dm = relation.error_dm
    north_dm, east_dm = relation.north_dm, relation.east_dm
    distance_dm = -((north_dm * ego.cosine_q12 + east_dm * ego.sine_q12 + 2048) >> 12)
    lateral_dm = (east_dm * ego.cosine_q12 - north_dm * ego.sine_q12 + 2048) >> 12  # to the right
    if near_right:
        lateral_dm = -lateral_dm
    out.distance_dm = distance_dm
    out.ttc_ms = divided(distance_dm * 360, speed_kmh)
    if not -params.BEHIND_LATERAL_DM - error_dm <= lateral_dm <= error_dm:
        out.reason = codes.REASON_LATERAL
        return
    if distance_dm < -error_dm:
        out.reason = codes.REASON_TARGET_PASSED
        return
    timing.set(speed_kmh, ego.length_dm + length_dm(neighbour), support, out)
    if support is not None and out.level == codes.LEVEL_NONE:
        out.reason = codes.REASON_TARGET_FELL_BACK


def _turning_point_dm(speed_ckmh):
    # V^2 / (2 a): with V in 0.01 km/h and a in cm/s2, in dm; a speed at which the limit holds is not squared
    if speed_ckmh >= 6000:
        return params.TURN_POINT_LIMIT_DM
    # (V / 36 m/s)^2 / (2 a / 100) * 10 dm with V in 0.1 km/h, which keeps it below 2^30
    speed_dkmh = divided(speed_ckmh, 10)
    way_dm = divided(speed_dkmh * speed_dkmh * 500, 1296 * params.TURN_DECELERATION_CMS2)
    return min(way_dm, params.TURN_POINT_LIMIT_DM)
