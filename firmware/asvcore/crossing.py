"""Crossing collision, start-waiting support [G 4.1.2, D11, D12, D13, D16].

Ego waits at a stop line on the minor road; a target on the crossing road passes at constant speed.
Courses are straight lines; where they meet is the crossing point. `distance` runs from the target to
that point along its course, and is compared, less the position errors a + b, with L3 and L4. The judge
has no memory: what begins, goes on and ends is the business of `supports`.
"""

from . import codes, params
from .geometry import angle_between_cdeg, divided, sine_q12
from .neighbour import (
    COSINE_Q12,
    DIRECTION_DEG,
    NODE_LATITUDE_CAS,
    NODE_LONGITUDE_CAS,
    SINE_Q12,
    SPEED_KMH,
    node_distance_dm,
)
from .params import NONE


def judge(ego, neighbour, relation, settings, timing, support, out):
    """Fill `out`, cleared, for a neighbour that can be judged and whose relation to ego has been made.

    `support`: the one that follows it, or None.
    """
    speed_kmh = neighbour[SPEED_KMH]
    if speed_kmh < settings.target_min_kmh or speed_kmh == 0:
        out.reason = codes.REASON_TARGET_SLOW
        return
    error_dm = relation.error_dm
    heading_cdeg = ego.heading_cdeg
    course_cdeg = neighbour[DIRECTION_DEG] * 100
    angle_cdeg = angle_between_cdeg(course_cdeg, heading_cdeg)
    if not params.CROSSING_MIN_DEG * 100 <= angle_cdeg <= params.CROSSING_MAX_DEG * 100:
        out.reason = codes.REASON_ANGLE
        return

    # ego + ahead * u = target + distance * v, solved by cross products; sine of the angle is 0.5 or more
    north_dm, east_dm = relation.north_dm, relation.east_dm
    sine = sine_q12(heading_cdeg - course_cdeg)
    distance_q12 = ego.cosine_q12 * east_dm - ego.sine_q12 * north_dm
    ahead_q12 = neighbour[COSINE_Q12] * east_dm - neighbour[SINE_Q12] * north_dm
    if sine < 0:
        distance_q12, ahead_q12, sine = -distance_q12, -ahead_q12, -sine
        out.direction = codes.DIRECTION_LEFT
    else:
        out.direction = codes.DIRECTION_RIGHT
    distance_dm = divided(distance_q12, sine)
    ahead_dm = divided(ahead_q12, sine) - settings.antenna_to_front_dm
    out.distance_dm = distance_dm
    out.ttc_ms = divided(distance_dm * 360, speed_kmh)
    if not -error_dm <= ahead_dm <= params.CROSSING_AHEAD_DM + error_dm:
        out.reason = codes.REASON_NOT_AHEAD
        return
    if distance_dm < -error_dm:
        out.reason = codes.REASON_TARGET_PASSED
        return
    if ego.node.known(ego.now_ms):
        here = abs(ego.node.distance_dm - ahead_dm) <= error_dm + params.JUNCTION_DM
        if ego.node.priority == 1 and here:
            out.reason = codes.REASON_EGO_PRIORITY
            return
        if _no_junction(ego, neighbour, distance_dm, ahead_dm, error_dm):
            out.reason = codes.REASON_NO_JUNCTION
            return
    timing.set(speed_kmh, 0, support, out)


def _no_junction(ego, neighbour, distance_dm, ahead_dm, error_dm):
    """True where both maps put the next node beyond the crossing point, and not at the same place.

    A node before it means nothing: the target may still come to the crossing after that one. So only maps that
    agree that there is no node where the courses cross (a flyover) keep support from the driver.
    """
    if neighbour[NODE_LATITUDE_CAS] == NONE:
        return False
    beyond_dm = error_dm + params.JUNCTION_DM
    if node_distance_dm(neighbour) <= distance_dm + beyond_dm or ego.node.distance_dm <= ahead_dm + beyond_dm:
        return False
    north_dm = ego.plane.north_dm(neighbour[NODE_LATITUDE_CAS])
    east_dm = ego.plane.east_dm(neighbour[NODE_LONGITUDE_CAS])
    own_north_dm = ego.plane.north_dm(ego.node.latitude_cas)
    own_east_dm = ego.plane.east_dm(ego.node.longitude_cas)
    if north_dm == NONE or east_dm == NONE or own_north_dm == NONE or own_east_dm == NONE:
        return False
    return max(abs(north_dm - own_north_dm), abs(east_dm - own_east_dm)) > params.JUNCTION_DM
