"""When the driver has to be told: worked out in floating point from the true courses alone.

Nothing of the core is used here, by intent: this is the second opinion that the unit is judged by (`asvrig.oracle`).
Times are seconds into the scenario, looked at every 10 ms. All functions run in every scenario, and all are worked out.
"""

from functools import partial
from typing import Final

from asvrig.oracle.courses import TWO_WHEELERS, Look, look, look_across, look_behind
from asvrig.oracle.ego_state import HEADING_KMH, moments
from asvrig.oracle.junctions import with_map
from asvrig.oracle.results import HOLD_S, SHOWN_S, TIMED, Allowed, Expected, Function, Outlook, Side, Window
from asvrig.oracle.supports import Follower
from asvrig.oracle.surrounding import Nearby, side_of
from asvrig.oracle.target import Receiver, Target, own_length_m, told_error_m, told_length_m
from asvrig.scenario import Scenario, Vehicle
from asvrig.trajectory import Trajectory

__all__ = [
    "HOLD_S", "SHOWN_S", "TIMED", "Allowed", "Expected", "Function", "Outlook", "Side", "Window", "expected", "look",
    "outlook", "side_at", "told_error_m",
]  # fmt: skip

_NEARBY: Final[tuple[Function, ...]] = ("surrounding", "emergency")


def expected(scenario: Scenario) -> list[Expected]:
    """The supports that have to be given, in the order of functions, vehicles and times."""
    return outlook(scenario).due


def outlook(scenario: Scenario) -> Outlook:
    """The supports that have to be given, and those that may be."""
    ego = list(moments(scenario))
    receiver = Receiver(scenario.ego, Trajectory(scenario.ego))
    targets = [Target(scenario, vehicle) for vehicle in scenario.others]
    nearby = Nearby(scenario, ego, receiver, targets)
    out = Outlook()
    for function in TIMED:
        if getattr(scenario.config, function).enabled:
            for target in targets:
                look_at = _look(scenario, target.vehicle, function)
                due, allowed = Follower(scenario, function, look_at, receiver, target).follow(ego)
                out.due += due
                out.allowed += allowed
    for function in _NEARBY:
        for target in targets:
            due, allowed = nearby.follow(target, function)
            out.due += due
            out.allowed += allowed
    return out


def side_at(scenario: Scenario, vehicle: Vehicle, t_s: float) -> tuple[Side | None, bool]:
    """Side on which a vehicle lies by its bearing at a time, and whether that is clear; none without ego's heading."""
    ego = Trajectory(scenario.ego)
    if not any(ego.at(step / 10).speed_kmh >= HEADING_KMH for step in range(int(t_s * 10) + 1)):
        return None, True
    return side_of(ego.at(t_s), Trajectory(vehicle).at(t_s))


def _look(scenario: Scenario, vehicle: Vehicle, function: Function) -> Look:
    config = scenario.config
    slow_kmh = float(config.presentation.target_min_kmh)
    if function == "crossing":
        return with_map(partial(look, slow_kmh=slow_kmh), scenario, vehicle)
    if function == "right_turn":
        return partial(look_across, slow_kmh=slow_kmh)
    near: Side = "left" if scenario.traffic_side == "left" else "right"
    return partial(
        look_behind,
        side=near,
        lengths_m=own_length_m(scenario.ego) + told_length_m(vehicle),
        eligible=config.left_turn.targets == "all" or vehicle.kind in TWO_WHEELERS,
    )
