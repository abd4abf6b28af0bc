"""When the driver has to be told: worked out in floating point from the true courses alone.

Nothing of the core is used here, by intent: this is the second opinion that the unit is judged by. Times
are seconds into the scenario, looked at every 2 ms.
"""

import math
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from asvrig.motion import KMH
from asvrig.radio_feed import received_ms
from asvrig.scenario import Scenario, Vehicle
from asvrig.trajectory import State, Trajectory

STEP_S: Final = 0.002
BEFORE_L3_S: Final = 5.1  # information at the earliest [D13]
L3_S: Final = 3.7 + 0.3 + 0.1  # information at the latest: reaction, system, transmission [D10]
L4_S: Final = 3.2 + 0.3 + 0.1  # caution at the latest [D10]
STOPPED_KMH, STOPPED_S = 2.0, 0.3  # [D12]
STARTED_M, STARTED_KMH = 5.0, 10.0  # [D12]
AHEAD_M: Final = 30.0  # [D11]
ANGLES_DEG: Final = (30.0, 150.0)  # [D11]
SLOW_KMH: Final = 5.0  # [D16]
HEADING_KMH: Final = 3.0  # an ego that was never as fast knows no heading [D4]
UNBOUNDED_M: Final = 255.0  # no crossing support with such an error [D8]
HEARD_S: Final = 1.0  # a target without a new packet [D17]
HOLD_S: Final = 3.0  # [D15]
LOST_S: Final = 10.0  # [D15]
GRACE_S: Final = 0.5  # a condition that fails for less does not end support

Side = Literal["left", "right"]


@dataclass(frozen=True, slots=True)
class Window:
    """From when and until when something may, and then must, happen."""

    earliest_s: float
    latest_s: float


@dataclass(slots=True)
class Expected:
    """One support that has to be given; what lies behind the scenario's end is None."""

    vehicle: Vehicle
    side: Side
    levels: dict[str, Window] = field(default_factory=dict)  # "information", "caution"
    hold: Window | None = None  # begin of "keep watching"
    end: Window | None = None
    end_reason: str = ""


@dataclass(frozen=True, slots=True)
class _Seen:
    """A target at one time: seconds that its corrected distance lasts; `why` it is none to support for."""

    lead_s: float
    side: Side
    why: str


def expected(scenario: Scenario) -> list[Expected]:
    """The supports that have to be given, in the order of their vehicles and times."""
    ego = Trajectory(scenario.ego)
    steps = int(scenario.duration_s / STEP_S) + 1
    waiting = list(_waiting(ego, steps))
    out: list[Expected] = []
    if scenario.ego.error_m >= UNBOUNDED_M:
        return out
    for vehicle in scenario.others:
        if told_error_m(vehicle) < UNBOUNDED_M:
            out.extend(_Follower(scenario, vehicle, ego).follow(waiting))
    return out


def _waiting(ego: Trajectory, steps: int) -> Iterator[bool]:
    """For each step, whether ego waits, knowing its heading: has stopped, and not started since [D12]."""
    waits, knows_heading, low_since, stood_at = False, False, math.inf, 0.0
    for step in range(steps):
        t_s = step * STEP_S
        state = ego.at(t_s)
        if waits:
            fast = state.speed_kmh > STARTED_KMH and not ego.controls(t_s).brake
            waits = not fast and state.way_m - stood_at < STARTED_M
            low_since = math.inf
        else:
            low_since = min(low_since, t_s) if state.speed_kmh <= STOPPED_KMH else math.inf
            if t_s - low_since >= STOPPED_S - STEP_S / 2:
                waits, stood_at = True, state.way_m
        knows_heading = knows_heading or state.speed_kmh >= HEADING_KMH
        yield waits and knows_heading


class _Follower:
    """Goes through the scenario for one target, a step after the other."""

    def __init__(self, scenario: Scenario, vehicle: Vehicle, ego: Trajectory) -> None:
        self._vehicle = vehicle
        self._ego = ego
        self._target = Trajectory(vehicle)
        self._error_m = scenario.ego.error_m + told_error_m(vehicle)
        self._sampled_s = [t_ms / 1000 for t_ms, _number in received_ms(scenario, vehicle)]
        self._heard_s = [t_s + vehicle.radio.delay_ms / 1000 for t_s in self._sampled_s]
        self._now: Expected | None = None
        self._band_from_s: float | None = None
        self._caution_from_s = 0.0
        self._broken_from_s: float | None = None

    def follow(self, waiting: list[bool]) -> list[Expected]:
        """The supports for this target."""
        out: list[Expected] = []
        for step, waits in enumerate(waiting):
            t_s = step * STEP_S
            last = bisect_right(self._heard_s, t_s + STEP_S / 2) - 1
            age_s = t_s - self._heard_s[last] if last >= 0 else math.inf
            if self._now is None and waits and age_s <= HEARD_S:
                self._now = self._begin(t_s, self._see(t_s, last, age_s))
            elif self._now is None:
                self._band_from_s = None
            if self._now is not None:
                self._go_on(self._now, t_s, self._see(t_s, last, age_s), age_s)
                if not waits:
                    self._now.end, self._now.end_reason = Window(t_s, t_s), "ego_started"
                if self._now.end:
                    out.append(self._now)
                    self._now = self._band_from_s = None
        return out + ([self._now] if self._now else [])

    def _begin(self, t_s: float, seen: _Seen) -> Expected | None:
        """The support that has to be given now; a target first looked at inside has it at once [G 3.5(3)]."""
        if seen.why or seen.lead_s > BEFORE_L3_S:
            self._band_from_s = None
            return None
        self._band_from_s = t_s if self._band_from_s is None else self._band_from_s
        if seen.lead_s > L3_S:
            return None
        now = Expected(self._vehicle, seen.side)
        if seen.lead_s > L4_S:
            now.levels["information"] = Window(self._band_from_s, t_s)
        self._caution_from_s = t_s
        self._broken_from_s = None
        return now

    def _go_on(self, now: Expected, t_s: float, seen: _Seen, age_s: float) -> None:
        if age_s > LOST_S:
            now.end, now.end_reason = Window(t_s, t_s), "lost_limit"
        elif now.hold and (seen.why or seen.lead_s > L3_S):
            if t_s >= now.hold.latest_s + HOLD_S:
                now.end, now.end_reason = Window(now.hold.earliest_s + HOLD_S, t_s), "hold_over"
        elif seen.why:
            self._broken_from_s = t_s if self._broken_from_s is None else self._broken_from_s
            if seen.why == "passed" or t_s - self._broken_from_s >= GRACE_S:
                now.hold = Window(self._broken_from_s, t_s)
        else:
            now.hold = self._broken_from_s = None
            if "caution" not in now.levels and seen.lead_s <= L4_S:
                now.levels["caution"] = Window(self._caution_from_s, t_s)

    def _see(self, t_s: float, last: int, age_s: float) -> _Seen:
        """The target, or as it would have gone on since its last message once that is old [D15]."""
        ego = self._ego.at(t_s)
        target = self._target.at(t_s if age_s <= HEARD_S else self._sampled_s[last])
        beyond_m = 0.0 if age_s <= HEARD_S else target.speed_mps * (t_s - self._sampled_s[last])
        return look(ego, target, beyond_m, self._error_m)


def look(ego: State, target: State, beyond_m: float, error_m: float) -> _Seen:
    """How near a target is to the crossing point, `beyond_m` further on along its heading."""
    one, other = math.radians(ego.heading_deg), math.radians(target.heading_deg)
    ego_east, ego_north = math.sin(one), math.cos(one)
    east, north = math.sin(other), math.cos(other)
    meet = ego_east * north - ego_north * east  # sine of the angle from target's course to ego's
    side: Side = "left" if meet < 0 else "right"
    if target.speed_mps < SLOW_KMH * KMH:
        return _Seen(math.inf, side, "slow")
    between = abs((target.heading_deg - ego.heading_deg + 180) % 360 - 180)
    if not ANGLES_DEG[0] <= between <= ANGLES_DEG[1]:
        return _Seen(math.inf, side, "angle")
    to_east = target.east_m + beyond_m * east - ego.east_m
    to_north = target.north_m + beyond_m * north - ego.north_m
    distance_m = (to_east * ego_north - to_north * ego_east) / meet
    ahead_m = (to_east * north - to_north * east) / meet
    lead_s = (distance_m - error_m) / target.speed_mps
    if not -error_m <= ahead_m <= AHEAD_M + error_m:
        return _Seen(lead_s, side, "not ahead")
    return _Seen(lead_s, side, "passed" if distance_m < -error_m else "")


def told_error_m(vehicle: Vehicle) -> float:
    """The error that a vehicle's message tells: whole metres, or none and so that of its class [D8]."""
    return max(1.0, min(255.0, float(round(vehicle.error_m)))) if vehicle.receiver.hdop else vehicle.error_m
