"""How ego's course and a target's lie to each other: one calculation for each function with a rule of timing [D11].

All answer with the time that the target's corrected distance lasts at its own speed, and with why it is none to
support for.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from asvrig.motion import KMH
from asvrig.oracle.results import Side
from asvrig.trajectory import State

AHEAD_M: Final = 30.0  # the crossing point lies no farther ahead of ego [D11]
ANGLES_DEG: Final = (30.0, 150.0)  # crossing: between the courses [D11]
SLOW_KMH: Final = 5.0  # [D16]
ONCOMING_DEG: Final = 45.0  # right turn: about 180 degrees between the courses [D11]
ASIDE_M: Final = 20.0  # right turn: target's course beside the turning point [D11]
BRAKES_MPS2: Final = 2.0  # of ego on its way to that point [G table 2-5, D11]
POINT_MOST_M: Final = 33.5  # [G table 3-5, D11]
SAME_DEG: Final = 30.0  # left turn: between the courses [D11]
BESIDE_M: Final = 3.0  # left turn: to the side that ego turns to [D11]
TWO_WHEELERS: Final = ("motorcycle", "moped1", "moped2", "bicycle")  # [G 4.3.1]
_ROUND_DEG: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Seen:
    """A target at one time. `lead_s`: how long its corrected distance lasts; `bare_s`: the uncorrected one."""

    lead_s: float
    bare_s: float
    side: Side | None
    why: str
    distance_m: float = math.inf
    ahead_m: float = math.inf


Look = Callable[[State, State, float, float], Seen]  # ego, target, its way beyond that, a + b


def look(ego: State, target: State, beyond_m: float, error_m: float, slow_kmh: float = SLOW_KMH) -> Seen:
    """Crossing: how near a target is to the crossing point, `beyond_m` further on along its heading."""
    one, other = math.radians(ego.heading_deg), math.radians(target.heading_deg)
    ego_east, ego_north = math.sin(one), math.cos(one)
    east, north = math.sin(other), math.cos(other)
    meet = ego_east * north - ego_north * east  # sine of the angle from target's course to ego's
    side: Side = "left" if meet < 0 else "right"
    if _slow(target, slow_kmh):
        return Seen(math.inf, math.inf, side, "target_slow")
    if not ANGLES_DEG[0] - _ROUND_DEG <= _between_deg(ego, target) <= ANGLES_DEG[1] + _ROUND_DEG:
        return Seen(math.inf, math.inf, side, "angle")
    to_east = target.east_m + beyond_m * east - ego.east_m
    to_north = target.north_m + beyond_m * north - ego.north_m
    distance_m = (to_east * ego_north - to_north * ego_east) / meet
    ahead_m = (to_east * north - to_north * east) / meet
    why = "" if -error_m <= ahead_m <= AHEAD_M + error_m else "not_ahead"
    return _seen(distance_m, error_m, 0.0, target, side, why, ahead_m)


def look_across(ego: State, target: State, beyond_m: float, error_m: float, slow_kmh: float = SLOW_KMH) -> Seen:
    """Right turn: how near an oncoming target is to the place where ego begins its turn."""
    if _slow(target, slow_kmh):
        return Seen(math.inf, math.inf, None, "target_slow")
    if _between_deg(ego, target) < 180 - ONCOMING_DEG - _ROUND_DEG:
        return Seen(math.inf, math.inf, None, "angle")
    one, other = math.radians(ego.heading_deg), math.radians(target.heading_deg)
    point_m = min(ego.speed_mps**2 / (2 * BRAKES_MPS2), POINT_MOST_M)
    east, north = math.sin(other), math.cos(other)
    to_east = ego.east_m + point_m * math.sin(one) - target.east_m
    to_north = ego.north_m + point_m * math.cos(one) - target.north_m
    aside_m = abs(to_north * east - to_east * north)
    why = "lateral" if aside_m > ASIDE_M + error_m else ""
    return _seen(to_east * east + to_north * north - beyond_m, error_m, 0.0, target, None, why)


def look_behind(
    ego: State, target: State, beyond_m: float, error_m: float, *, side: Side, lengths_m: float, eligible: bool
) -> Seen:
    """Left turn: how far behind ego a target is that comes up on the side that ego turns to."""
    why = "" if eligible else "not_two_wheeler"
    why = why or ("target_slow" if _slow(target, 0.0) else "")
    why = why or ("angle" if _between_deg(ego, target) > SAME_DEG + _ROUND_DEG else "")
    if why:
        return Seen(math.inf, math.inf, side, why)
    one, other = math.radians(ego.heading_deg), math.radians(target.heading_deg)
    ego_east, ego_north = math.sin(one), math.cos(one)
    to_east = target.east_m + beyond_m * math.sin(other) - ego.east_m
    to_north = target.north_m + beyond_m * math.cos(other) - ego.north_m
    behind_m = -(to_east * ego_east + to_north * ego_north)
    outward_m = to_north * ego_east - to_east * ego_north  # to the left
    outward_m = outward_m if side == "left" else -outward_m
    why = "" if -error_m <= outward_m <= BESIDE_M + error_m else "lateral"
    return _seen(behind_m, error_m, lengths_m, target, side, why)


def _slow(target: State, slow_kmh: float) -> bool:
    return target.speed_mps < slow_kmh * KMH - 1e-9 or target.speed_mps < 1e-6


def _between_deg(ego: State, target: State) -> float:
    return abs((target.heading_deg - ego.heading_deg + 180) % 360 - 180)


def _seen(
    distance_m: float,
    error_m: float,
    added_m: float,
    target: State,
    side: Side | None,
    why: str,
    ahead_m: float = math.inf,
) -> Seen:
    bare_s = (distance_m - added_m) / target.speed_mps
    why = why or ("target_passed" if distance_m < -error_m else "")
    return Seen(bare_s - error_m / target.speed_mps, bare_s, side, why, distance_m, ahead_m)
