"""Maps of branching nodes: where they keep crossing support from the driver [G 4.1.2, appendix 1 (33)-(40)].

Ego's map may tell that its approach has priority; ego's and the target's together, that there is no node where
the courses cross, as at a flyover.
"""

import math
from dataclasses import replace
from typing import Final, NamedTuple

from asvrig.oracle.courses import Look, Seen
from asvrig.scenario import Intersection, Scenario, Vehicle
from asvrig.trajectory import State

CONE_DEG: Final = 45.0  # nodes ahead lie so near to the heading
FAR_M: Final = 500.0  # farther nodes are not looked for
APPROACH_DEG: Final = 30.0  # a heading so near to one that has priority is that approach
SAME_M: Final = 30.0  # nodes of two maps that lie nearer are one


class Node(NamedTuple):
    """The nearest node ahead of a vehicle."""

    place: Intersection
    distance_m: float


def ahead(nodes: list[Intersection], state: State) -> Node | None:
    """The nearest node ahead of a vehicle."""
    found = None
    for place in nodes:
        east_m, north_m = place.east_m - state.east_m, place.north_m - state.north_m
        distance_m = math.hypot(east_m, north_m)
        bearing_deg = math.degrees(math.atan2(east_m, north_m))
        nearer = distance_m < (FAR_M if found is None else found.distance_m)
        if nearer and _between_deg(bearing_deg, state.heading_deg) <= CONE_DEG:
            found = Node(place, distance_m)
    return found


def with_map(look: Look, scenario: Scenario, vehicle: Vehicle) -> Look:
    """A crossing calculation that heeds the maps; the same one where there are none."""
    nodes = scenario.intersection
    if not nodes:
        return look

    def look_with_map(ego: State, target: State, beyond_m: float, error_m: float) -> Seen:
        seen = look(ego, target, beyond_m, error_m)
        own = ahead(nodes, ego) if not seen.why else None
        if own is None:
            return seen
        if any(_between_deg(one, ego.heading_deg) <= APPROACH_DEG for one in own.place.priority_deg):
            return replace(seen, why="ego_priority")
        other = ahead(nodes, target) if vehicle.map else None
        if other is None or other.place is own.place:
            return seen
        apart_m = max(abs(own.place.east_m - other.place.east_m), abs(own.place.north_m - other.place.north_m))
        beyond = error_m + SAME_M
        if own.distance_m > seen.ahead_m + beyond and other.distance_m > seen.distance_m + beyond and apart_m > SAME_M:
            return replace(seen, why="no_junction")
        return seen

    return look_with_map


def _between_deg(one_deg: float, other_deg: float) -> float:
    return abs((one_deg - other_deg + 180) % 360 - 180)
