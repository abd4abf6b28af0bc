"""A target: where it truly is, what ego hears of it, and how far what receivers tell is from the truth."""

import math
from bisect import bisect_right
from typing import Final

from asvrig.oracle.ego_state import UNBOUNDED_M
from asvrig.oracle.results import STEP_S
from asvrig.radio_feed import arrivals
from asvrig.scenario import Scenario, Vehicle, within
from asvrig.trajectory import State, Trajectory

HEARD_S: Final = 1.0  # a target without a new packet [D17]
# Lengths by kind where none is told [interface section 6]
_KIND_M: Final = {
    "bus": 12.0, "large_truck": 12.0, "truck": 12.0, "special": 12.0, "car": 5.0, "motorcycle": 2.0, "moped2": 2.0,
    "moped1": 2.0, "bicycle": 2.0, "light_vehicle": 2.0, "pedestrian": 0.0, "tram": 30.0, "other": 5.0,
}  # fmt: skip
_LENGTH_STEP_M, _LENGTH_MOST = 2, 31  # element 6 [D5]

Way = tuple[float, float]  # east, north


class Receiver:
    """How far what a vehicle tells of its place is from the truth."""

    def __init__(self, vehicle: Vehicle, trajectory: Trajectory) -> None:
        self._told = vehicle.receiver
        self._trajectory = trajectory
        self.errs = bool(self._told.frozen or self._told.jumps or self._told.offset_m != (0.0, 0.0))

    def off(self, t_s: float) -> Way:
        """What it tells, less the truth."""
        if not self.errs:
            return 0.0, 0.0
        east_m, north_m = self._told.offset_m
        if jump := within(self._told.jumps, t_s):
            east_m, north_m = east_m + jump[2], north_m + jump[3]
        if frozen := within(self._told.frozen, t_s):
            then, now = self._trajectory.at(frozen[0]), self._trajectory.at(t_s)
            east_m, north_m = east_m + then.east_m - now.east_m, north_m + then.north_m - now.north_m
        return east_m, north_m


class Target:
    """One vehicle other than ego, through the whole scenario."""

    def __init__(self, scenario: Scenario, vehicle: Vehicle) -> None:
        self.vehicle = vehicle
        self._trajectory = Trajectory(vehicle)
        steps = int(scenario.duration_s / STEP_S + 1e-6) + 1
        self.states = [self._trajectory.at(step * STEP_S) for step in range(steps)]
        self.receiver = Receiver(vehicle, self._trajectory)
        self.error_m = scenario.ego.error_m + told_error_m(vehicle)
        self.unbounded = told_error_m(vehicle) >= UNBOUNDED_M
        self.sampled_s: list[float] = []
        self.heard_s: list[float] = []
        newest = -1
        for at_ms, t_ms, number in arrivals(scenario, vehicle):
            if number > newest:  # one that comes after its successor, or again, tells nothing
                newest = number
                self.heard_s.append(at_ms / 1000)
                self.sampled_s.append(t_ms / 1000)
        self.tells_place = [self._has_place(t_s) for t_s in self.sampled_s]

    def _has_place(self, t_s: float) -> bool:
        receiver = self.vehicle.receiver
        fix_s = math.floor(t_s * receiver.rate_hz + 1e-6) / receiver.rate_hz
        return within(receiver.lost, fix_s) is None

    def last(self, t_s: float, usable: bool = False) -> tuple[int, float]:
        """Index of the last message heard, or -1, and its age; `usable`: of the last that told its position."""
        index = bisect_right(self.heard_s, t_s + STEP_S / 2) - 1
        while usable and index >= 0 and not self.tells_place[index]:
            index -= 1
        return index, t_s - self.heard_s[index] if index >= 0 else math.inf

    def thought(self, step: int, index: int, age_s: float) -> tuple[State, float]:
        """It as it is, or as it was when last heard, with the way that it would have gone on since [D15]."""
        if age_s <= HEARD_S:
            return self.states[step], 0.0
        state = self._trajectory.at(self.sampled_s[index])
        return state, state.speed_mps * (step * STEP_S - self.sampled_s[index])


def told_error_m(vehicle: Vehicle) -> float:
    """The error that a vehicle's message tells: whole metres, or none and so that of its class [D8]."""
    return max(1.0, min(255.0, float(round(vehicle.error_m)))) if vehicle.receiver.hdop else vehicle.error_m


def own_length_m(vehicle: Vehicle) -> float:
    """Ego's length as its formulas have it: exact, or by kind [D5]."""
    return vehicle.length_m or _KIND_M[vehicle.kind]


def told_length_m(vehicle: Vehicle) -> float:
    """A target's length as its message tells it: in steps, rounded up, or by kind [D5]."""
    steps = math.ceil(round(vehicle.length_m * 10) / (10 * _LENGTH_STEP_M))
    return float(min(steps, _LENGTH_MOST) * _LENGTH_STEP_M) if steps else _KIND_M[vehicle.kind]
