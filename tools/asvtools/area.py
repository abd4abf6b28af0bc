"""Communication areas and support timing of the guideline's chapters 2 and 3, as functions and tables.

Speeds are given in km/h, lengths in m, times in s, all as floats; nothing is kept and nothing is printed. Numbers that
the core has are the core's (asvcore.params). T in every formula is reaction and system delay, with the 0.1 s of
transmission added once: 4.1 s for information [D10].

    deceleration   L1 = (V1^2 - Vt1^2) / (2 a1) + V1 T,  L2 = ((V1 - Vt1) / a1 + T) V2           [G 2.5.1(1)]
                   with equal or unknown priority L2 = (V2^2 - Vt2^2) / (2 a2) + V2 T; L1 + L2 or L1 - L2
    crossing       L1 = road edge to stop line + stop line to antenna, L2 = T V2; L1 + L2        [G 2.5.1(2)]
    right turn     L1 = 30 m + entry to waiting point, L2 = T V2; L1 + L2                        [G 2.5.1(3)]
    left turn      L2 = T V2                                                                     [G 2.5.1(3)]
    timing         L3 = 4.1 V2, L4 = 3.6 V2, L4* = 1.2 V2; left turn adds both lengths           [G 4.1.2, 4.2.2, 4.3.2]
    packets        1 - (1 - X1/100) (1 - X2/100) ... (1 - Xn/100)                                [G 3.6(2), eq. 1]
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

from asvcore import params

FUNCTIONS = ("crossing", "right_turn", "left_turn", "emergency")  # the order of table 3-5
PRIORITIES = ("known", "equal", "unknown")  # the last two are one case
DIRECTIONS = ("different", "same")

INFORMATION_S = params.INFORMATION_MS / 1000  # L3
CAUTION_S = params.CAUTION_MS / 1000  # L4
CAUTION_AFTER_S = params.CAUTION_AFTER_MS / 1000  # L4*
INTERVAL_S = params.TRANSMISSION_INTERVAL_MS / 1000
ENOUGH_PERCENT = 95.0  # cumulative arrival rate [G 3.6(2)]

REGULATED_KMH = 60.0  # of the guideline's examples [G 4.1.2(2)]
MOPED_TARGET_KMH = 30.0  # whatever is regulated [G table 2-4, note 1]
STOP_LINE_M = 5.0  # crossing: road edge to stop line [G table 3-5]
ANTENNA_M = 5.0  # crossing: vehicle's front to antenna [G table 3-5]
WAITING_M = 3.5  # right turn: entry to the place of waiting [G table 3-5]
INDICATED_M = params.TURN_POINT_LIMIT_DM / 10 - WAITING_M  # 30 m of winker, by law [G table 3-5]
EMERGENCY_M = params.EMERGENCY_DM / 10  # straight line [G 4.4.3]
LENGTHS_M = (12.0, 2.0)  # ego a large vehicle, target a two-wheeler: the guideline's example [G 4.3.2]
LONGEST_M = 62.0  # a vehicle as it can be told [G appendix 1 (6), D5]
SITE_M = 100.0  # parts of an intersection are no longer than this (ours)
SLOWEST_KMH, FASTEST_KMH = 1.0, 255.0  # moving, as it can be told [G appendix 1 (20)]

# Zone outside the area's edge: as long as the position is wrong [G 3.6(2), figure 3-5 note 2]
_ERRORS_DM = dict(params.CLASS_ERROR_DM)
ZONES_M = (("A", _ERRORS_DM[4] / 10), ("B", _ERRORS_DM[2] / 10))


class Upper(NamedTuple):
    """An upper limit of applicable speed: a number, or the regulated speed R and so much more."""

    speed_kmh: float
    above_regulated: bool = False

    def kmh(self, regulated_kmh: float = REGULATED_KMH) -> float:
        return self.speed_kmh + (regulated_kmh if self.above_regulated else 0.0)

    def __str__(self) -> str:
        if not self.above_regulated:
            return f"{self.speed_kmh:g}"
        return f"R+{self.speed_kmh:g}" if self.speed_kmh else "R"


class UpperSpeeds(NamedTuple):
    """A row of table 2-4; None: no vehicle as target."""

    accident: str
    intersection_ego: Upper
    intersection_target: Upper | None
    road_ego: Upper
    road_target: Upper | None


_R, _R10, _R20 = Upper(0.0, True), Upper(10.0, True), Upper(20.0, True)
_0, _10, _20, _30, _50 = (Upper(kmh) for kmh in (0.0, 10.0, 20.0, 30.0, 50.0))

UPPER_SPEEDS = (  # [G table 2-4]
    UpperSpeeds("pedestrian_on_crosswalk", _30, None, _R10, None),
    UpperSpeeds("pedestrian_elsewhere", _R10, None, _R10, None),
    UpperSpeeds("structure", _R20, None, _R20, None),
    UpperSpeeds("road_departure", _R20, None, _R20, None),
    UpperSpeeds("overturn", _R20, None, _R20, None),
    UpperSpeeds("head_on", _50, _R10, _R10, _R10),
    UpperSpeeds("rear_end_moving", _50, _30, _R10, _30),
    UpperSpeeds("rear_end_stopped", _50, _0, _R10, _0),
    UpperSpeeds("crossing_signal_ignored", _R10, _R10, _30, _R10),
    UpperSpeeds("crossing_no_stop", _R, _R10, _30, _R10),
    UpperSpeeds("crossing_after_stop", _20, _R10, _30, _R10),
    UpperSpeeds("crossing_unregulated", _R, _R10, _30, _R10),
    UpperSpeeds("overtaking", _50, _R10, _R10, _R10),
    UpperSpeeds("lane_change", _50, _R10, _R10, _R10),
    UpperSpeeds("left_turn", _30, _R10, _30, _R10),
    UpperSpeeds("right_turn_oncoming", _30, _R10, _30, _R10),
    UpperSpeeds("right_turn_other", _30, _R10, _30, _R10),
    UpperSpeeds("reversing", _10, _30, _10, _30),
)
TARGET_KMH = _R10.kmh()  # 70 km/h: up to this support SHOULD work [G 3.4(2), table 3-5]

DECELERATIONS_MS2 = (  # level, car and two-wheeler, large vehicle; warning is left to the makers [G table 2-5]
    ("information", params.TURN_DECELERATION_CMS2 / 100, 1.0),
    ("caution", 3.0, 1.8),
    ("warning", None, None),
)
CAR_MS2, LARGE_MS2 = params.TURN_DECELERATION_CMS2 / 100, 1.0  # the usual ones, of information

_AFTER_S = params.CAUTION_AFTER_REACTION_MS / 1000  # taken from the warning's [G 3.4(3)]
_REACTIONS_S = params.INFORMATION_REACTION_MS / 1000, params.CAUTION_REACTION_MS / 1000
CHAPTER_2_REACTIONS_S = (  # [G table 2-6]
    ("information", _REACTIONS_S[0]),
    ("caution", _REACTIONS_S[1]),
    ("warning", _AFTER_S),
)
REACTIONS_S = (  # [G table 3-4]
    ("information", _REACTIONS_S[0]),
    ("caution_alone", _REACTIONS_S[1]),
    ("caution_after_information", _AFTER_S),
)


class Impossible(ValueError):
    """A value that no area can have: which argument, and why, with the clause."""

    def __init__(self, argument: str, why: str) -> None:
        super().__init__(f"{argument}: {why}")
        self.argument = argument
        self.why = why


class Area(NamedTuple):
    """A communication area: ego's part L1, the target's part L2 (None: has none), the whole, and what it is made of."""

    function: str
    l1_m: float | None
    l2_m: float | None
    area_m: float
    made_of: str


class Timing(NamedTuple):
    """No later than this from the target: information L3, caution L4, caution once information has ended L4*."""

    l3_m: float
    l4_m: float
    l4_after_m: float


def deceleration(
    ego_kmh: float,
    target_kmh: float,
    *,
    ego_goal_kmh: float = 0.0,
    target_goal_kmh: float = 0.0,
    ego_ms2: float = CAR_MS2,
    target_ms2: float = CAR_MS2,
    priority: str = "known",
    direction: str = "different",
) -> Area:
    """Deceleration or stop down to a goal speed [G 2.5.1(1)].

    Priority equal (or unknown): both are taken for ego, and the target brakes as well. Direction same: L1 - L2, and
    the target may stand.
    """
    _one_of("priority", priority, PRIORITIES, "G 2.5.1(1)2")
    _one_of("direction", direction, DIRECTIONS, "G 2.5.1(1)3")
    same = direction == "same"
    _within("ego_kmh", ego_kmh, SLOWEST_KMH, FASTEST_KMH, "km/h", "G appendix 1 (20)")
    _within("target_kmh", target_kmh, 0 if same else SLOWEST_KMH, FASTEST_KMH, "km/h", "G appendix 1 (20)")
    _within("ego_goal_kmh", ego_goal_kmh, 0, ego_kmh, "km/h (ego's speed)", "G 2.5.1(1)1")
    _within("target_goal_kmh", target_goal_kmh, 0, target_kmh, "km/h (the target's speed)", "G 2.5.1(1)2")
    for argument, ms2 in (("ego_ms2", ego_ms2), ("target_ms2", target_ms2)):
        _within(argument, ms2, 0.1, 10, "m/s2", "G table 2-5")
    if same and ego_kmh - target_kmh < SLOWEST_KMH:
        raise Impossible("target_kmh", f"{target_kmh:g} km/h is not 1 or more below ego's {ego_kmh:g} [G 2.5.1(1)3]")
    v1, vt1, v2, vt2 = (kmh / 3.6 for kmh in (ego_kmh, ego_goal_kmh, target_kmh, target_goal_kmh))
    l1 = (v1**2 - vt1**2) / (2 * ego_ms2) + v1 * INFORMATION_S
    if priority == "known":
        l2 = ((v1 - vt1) / ego_ms2 + INFORMATION_S) * v2
    else:
        l2 = (v2**2 - vt2**2) / (2 * target_ms2) + v2 * INFORMATION_S
    if not same:
        return Area("deceleration", l1, l2, l1 + l2, "L1 + L2")
    if l1 <= l2:
        raise Impossible("direction", f"same: L1 {l1:.1f} m is not longer than L2 {l2:.1f} m: no area [G 2.5.1(1)3]")
    return Area("deceleration", l1, l2, l1 - l2, "L1 - L2")


def crossing(target_kmh: float = TARGET_KMH, stop_line_m: float = STOP_LINE_M, antenna_m: float = ANTENNA_M) -> Area:
    """Start-waiting support: ego stands at the stop line [G 2.5.1(2), table 3-5]."""
    _within("stop_line_m", stop_line_m, 0, SITE_M, "m", "G table 3-5")
    _within("antenna_m", antenna_m, 0, LONGEST_M, "m (the longest vehicle)", "G table 3-5, D5")
    l1, l2 = stop_line_m + antenna_m, _run_m(target_kmh, INFORMATION_S)
    return Area("crossing", l1, l2, l1 + l2, "L1 + L2")


def right_turn(target_kmh: float = TARGET_KMH, waiting_m: float = WAITING_M) -> Area:
    """Right turn before an oncoming target; ego's own speed does not enter [G 2.5.1(3), table 3-5]."""
    _within("waiting_m", waiting_m, 0, SITE_M, "m", "G table 3-5")
    l1, l2 = INDICATED_M + waiting_m, _run_m(target_kmh, INFORMATION_S)
    return Area("right_turn", l1, l2, l1 + l2, "L1 + L2")


def left_turn(target_kmh: float = TARGET_KMH) -> Area:
    """Left turn before a target from behind: the area moves with ego [G 2.5.1(3), table 3-5]."""
    l2 = _run_m(target_kmh, INFORMATION_S)
    return Area("left_turn", None, l2, l2, "L2")


def emergency() -> Area:
    """An emergency vehicle: where its lamp must be seen from, whatever the speed [G 4.4.3, table 3-5]."""
    return Area("emergency", None, None, EMERGENCY_M, "straight line")


def support_timing(target_kmh: float, lengths_m: tuple[float, float] | None = None) -> Timing:
    """From the target to the conflict [G 4.1.2, 4.2.2]; left turn: with the lengths of ego and target [G 4.3.2]."""
    for length_m in lengths_m or ():
        _within("lengths_m", length_m, 0, LONGEST_M, "m", "G appendix 1 (6), D5", above=True)
    more_m = sum(lengths_m or ())
    return Timing(*(_run_m(target_kmh, time_s) + more_m for time_s in (INFORMATION_S, CAUTION_S, CAUTION_AFTER_S)))


def packets_in_zone(zone_m: float, kmh: float) -> int:
    """Packets that are sent at the least while the zone is crossed; where the first falls may give one more."""
    _within("kmh", kmh, SLOWEST_KMH, FASTEST_KMH, "km/h", "G 3.6(2)")
    # The part of a packet that rounding takes (9.9999...) is given back.
    return math.floor(zone_m * 3600 / (kmh * params.TRANSMISSION_INTERVAL_MS) + 1e-9)


def cumulative_rate_percent(rates_percent: Iterable[float]) -> float:
    """At least one of the packets arrives: eq. 1, each with a rate of its own [G 3.6(2)]."""
    missed = 1.0
    for rate in rates_percent:
        _within("rates_percent", rate, 0, 100, "%", "G eq. 1")
        missed *= 1 - rate / 100
    return (1 - missed) * 100


def is_enough(cumulative_percent: float) -> bool:
    """95 % or more [G 3.6(2)]; what only rounding takes from it does not count."""
    return cumulative_percent >= ENOUGH_PERCENT - 1e-9


def least_rate_percent(packets: int) -> float | None:
    """Rate of a single packet with which so many reach 95 %; None: no packet is sent."""
    return (1 - (1 - ENOUGH_PERCENT / 100) ** (1 / packets)) * 100 if packets > 0 else None


def _run_m(kmh: float, time_s: float) -> float:
    _within("target_kmh", kmh, SLOWEST_KMH, FASTEST_KMH, "km/h", "G appendix 1 (20)")
    return kmh / 3.6 * time_s


def _within(argument: str, value: float, low: float, high: float, unit: str, clause: str, above: bool = False) -> None:
    if not (low < value if above else low <= value) or not value <= high:  # so that NaN fails too
        span = f"above {low:g} and at most {high:g}" if above else f"{low:g} to {high:g}"
        raise Impossible(argument, f"{value:g} is not {span} {unit} [{clause}]")


def _one_of(argument: str, value: str, known: tuple[str, ...], clause: str) -> None:
    if value not in known:
        raise Impossible(argument, f"{value!r} is not {' or '.join(known)} [{clause}]")
