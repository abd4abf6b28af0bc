"""Crossing collision, start-waiting support [G 4.1.2, D11, D12, D13, D16].

Ego waits at a stop line on the minor road; a target on the crossing road passes at constant speed.
Courses are straight lines; where they meet is the crossing point. `distance` runs from the target to
that point along its course, and is compared, less the position errors a + b, with L3 and L4. The judge
has no memory: what begins, goes on and ends is the business of `supports`.
"""

from . import codes, params
from .geometry import cosine_q12, divided, sine_q12
from .params import NONE


class Candidate:
    """What a judge says of one target, now.

    `reason` 0: support applies at `level` (LEVEL_NONE: not yet); otherwise why it does not.
    """

    def __init__(self):
        self.function = codes.FUNCTION_CROSSING
        self.clear()

    def clear(self):
        """Nothing measured."""
        self.reason = 0
        self.level = codes.LEVEL_NONE
        self.level_reason = 0
        self.distance_dm = NONE
        self.error_dm = NONE
        self.threshold_dm = NONE
        self.ttc_ms = NONE
        self.direction = 0
        self.timing = codes.MODE_INFORMATION_CAUTION  # presentation mode that was judged by
        self.due_ms = NONE  # time until the level will rise or the target have passed, as it goes now


def gate(ego, settings):
    """0 while ego is one that crossing support is for, else why not [G 4.1.2(2), D12]."""
    if ego.position_reason() != 0:
        return codes.REASON_EGO_POSITION_UNKNOWN
    speed_ckmh = ego.speed_ckmh()
    if speed_ckmh == NONE:
        return codes.REASON_EGO_SPEED_UNKNOWN
    if ego.heading_cdeg == NONE:
        return codes.REASON_HEADING_UNKNOWN
    if ego.error_dm() >= params.UNBOUNDED_ERROR_M * 10:
        return codes.REASON_ERROR_UNBOUNDED
    if settings.crossing_start == codes.START_SPEED:
        return codes.REASON_EGO_TOO_FAST if speed_ckmh > params.CROSSING_EGO_MAX_CKMH else 0
    if ego.stopped:
        return 0
    return codes.REASON_EGO_STARTED if ego.started_now else codes.REASON_EGO_NOT_STOPPED


def judge(ego, neighbour, relation, settings, support, out):
    """Fill `out`, cleared, for a neighbour whose relation to ego has been made; the gate is open.

    `support`: the one that follows it, or None; it keeps the presentation mode that it began with.
    """
    if not neighbour.usable:
        out.reason = codes.REASON_TARGET_DATA
        return
    error_dm = relation.error_dm
    out.error_dm = error_dm
    if neighbour.error_dm >= params.UNBOUNDED_ERROR_M * 10:
        out.reason = codes.REASON_ERROR_UNBOUNDED
        return
    speed_kmh = neighbour.speed_kmh
    if speed_kmh < params.TARGET_MIN_KMH:
        out.reason = codes.REASON_TARGET_SLOW
        return
    heading_cdeg = ego.heading_cdeg
    course_cdeg = neighbour.direction_deg * 100
    angle_cdeg = (course_cdeg - heading_cdeg) % 36000
    if angle_cdeg > 18000:
        angle_cdeg = 36000 - angle_cdeg
    if not params.CROSSING_MIN_DEG * 100 <= angle_cdeg <= params.CROSSING_MAX_DEG * 100:
        out.reason = codes.REASON_ANGLE
        return

    # ego + ahead * u = target + distance * v, solved by cross products; sine of the angle is 0.5 or more
    north_dm, east_dm = relation.north_dm, relation.east_dm
    sine = sine_q12(heading_cdeg - course_cdeg)
    distance_q12 = cosine_q12(heading_cdeg) * east_dm - sine_q12(heading_cdeg) * north_dm
    ahead_q12 = neighbour.cosine_q12 * east_dm - neighbour.sine_q12 * north_dm
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
    out.timing = settings.presentation_mode if support is None else support.timing
    if support is None and out.timing == codes.MODE_INFORMATION_ENDED:
        # No time left for information to end before L4*: caution while it lasts follows L4 [G 3.5(2)]
        if (distance_dm - error_dm) * 360 <= speed_kmh * _ENDED_LATEST_MS:
            out.timing = codes.MODE_INFORMATION_CAUTION
    _set_level(speed_kmh, distance_dm, error_dm, _TIMING[out.timing], out)


# Presentation mode: (level, ms before the crossing point, reason, reason when late), the higher level first [D14]
_TIMING = (
    (
        (codes.LEVEL_CAUTION, params.CAUTION_MS, codes.REASON_L4_REACHED, codes.REASON_LATE_L4),
        (codes.LEVEL_INFORMATION, params.INFORMATION_MS, codes.REASON_L3_REACHED, codes.REASON_LATE_L3),
    ),
    ((codes.LEVEL_CAUTION, params.CAUTION_MS, codes.REASON_L4_REACHED, codes.REASON_LATE_L4),),
    (
        (codes.LEVEL_CAUTION, params.CAUTION_AFTER_MS, codes.REASON_L4_STAR_REACHED, codes.REASON_L4_STAR_REACHED),
        (codes.LEVEL_INFORMATION, params.INFORMATION_EARLY_MS, codes.REASON_L3_REACHED, codes.REASON_LATE_L3),
    ),
)
_ENDED_LATEST_MS = params.INFORMATION_SHOWN_MS + params.CAUTION_AFTER_MS
_LATE_MS = 2 * params.TRANSMISSION_INTERVAL_MS  # this far inside is more than one missed frame


def _set_level(speed_kmh, distance_dm, error_dm, rows, out):
    corrected_dm = distance_dm - error_dm
    to_go = (distance_dm + error_dm + 1) * 360  # until it has passed, in km/h * ms
    for index in range(len(rows)):
        level, before_ms, reason, late = rows[index]
        if corrected_dm * 360 <= speed_kmh * before_ms:  # distance - error <= L, exactly
            out.level = level
            out.threshold_dm = divided(speed_kmh * before_ms, 360)
            is_late = corrected_dm * 360 < speed_kmh * (before_ms - _LATE_MS)
            out.level_reason = late if is_late else reason
            out.due_ms = to_go // speed_kmh + 1
            return
        to_go = corrected_dm * 360 - speed_kmh * before_ms
    out.threshold_dm = divided(speed_kmh * rows[-1][1], 360)
    out.level_reason = codes.REASON_BEFORE_L3
    out.due_ms = to_go // speed_kmh + 1
