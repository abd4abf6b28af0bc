"""What a plot of one supported target shows over time: distance less position error, L3, L4, the level given.

The lines come from the true courses; the dots are what the unit told in its events.
"""

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from asvrig.expected import Expected
    from asvrig.scenario import Scenario, Vehicle
    from asvrig.trajectory import State

L3_S, L4_S, L4_STAR_S = 4.1, 3.6, 1.2  # [D10]
STEP_S: Final = 0.2
BEFORE_S, AFTER_S = 4.0, 2.0  # shown around the support
TURN_DECEL_MPS2, TURN_MAX_M = 2.0, 33.5  # [D11]
EMERGENCY_M: Final = 300.0  # [G 4.4.4]
CROSSES: Final = 0.5  # sine of 30 degrees [D11]
_UNTIMED: Final = ("surrounding", "emergency")  # a range instead of L3 and L4, and no correction [G 4.4.2(4)]

Event = dict[str, Any]
Point = tuple[float, float]  # seconds into the scenario, metres


@dataclass(slots=True)
class Plot:
    """The lines and marks of one target."""

    function: str
    vehicle: str
    from_s: float
    to_s: float
    lines: dict[str, list[list[Point]]] = field(default_factory=dict)  # broken where there is no distance
    told: list[tuple[float, float, float]] = field(default_factory=list)  # events: time, distance - error, threshold
    levels: list[tuple[float, float, str]] = field(default_factory=list)  # from, to, "information" ...
    due: list[tuple[str, float, float]] = field(default_factory=list)  # what had to begin between which times


def plots(scenario: "Scenario", due: "list[Expected]", events: list[Event]) -> list[Plot]:
    """A plot of each target supported, or to be; of the surrounding ones only where they are the subject."""
    start_s, out = scenario.start_ns / 1e9, []
    for vehicle in scenario.others:
        mine = [
            one for one in events if one["event"] == "support" and one["vehicle_id"] == vehicle.vehicle_id
            and _is_from(scenario, vehicle, one)
        ]  # fmt: skip
        wanted = [one for one in due if one.vehicle.name == vehicle.name]
        functions = {one.function for one in wanted} | {one["function"] for one in mine if one["level"] != "none"}
        for function in sorted(functions - {"surrounding"} | functions & {scenario.function}):
            told = [one for one in mine if one["function"] == function]
            windows = [
                (what, window.earliest_s, window.latest_s)
                for one in wanted if one.function == function
                for what, window in _windows(one)
            ]  # fmt: skip
            out.append(_plot(scenario, vehicle, function, [(one["t"] - start_s, one) for one in told], windows))
    return out


def _is_from(scenario: "Scenario", vehicle: "Vehicle", event: Event) -> bool:
    """An id may be that of two vehicles; then the address tells them apart."""
    twins = [one for one in scenario.others if one.vehicle_id == vehicle.vehicle_id]
    return len(twins) == 1 or event["source"] == scenario.macs[vehicle.name]


def _windows(one: "Expected") -> "list[tuple[str, Any]]":
    extra = [("keep watching", one.hold), ("end", one.end)]
    return [*one.levels.items(), *((what, window) for what, window in extra if window)]


def _plot(
    scenario: "Scenario",
    vehicle: "Vehicle",
    function: str,
    told: list[tuple[float, Event]],
    windows: list[tuple[str, float, float]],
) -> Plot:
    from asvrig.trajectory import Trajectory

    given = _levels(told, scenario.duration_s)
    times = [t for begin, end, _level in given for t in (begin, end)] + [t for _w, *span in windows for t in span]
    plot = Plot(
        function, vehicle.name, max(0.0, min(times) - BEFORE_S), min(scenario.duration_s, max(times) + AFTER_S),
        levels=given, due=windows,
    )  # fmt: skip
    ego, target = Trajectory(scenario.ego), Trajectory(vehicle)
    geometry = _Geometry(scenario, vehicle, function)
    for step in range(int((plot.to_s - plot.from_s) / STEP_S) + 1):
        t_s = plot.from_s + step * STEP_S
        state = target.at(t_s)
        values = {"distance": geometry.distance_m(ego.at(t_s), state), **geometry.limits_m(state.speed_mps)}
        for name, value in values.items():
            pieces = plot.lines.setdefault(name, [[]])
            if value is None or not math.isfinite(value):
                pieces.append([])
            else:
                pieces[-1].append((round(t_s, 2), round(value, 2)))
    plot.lines = {name: [piece for piece in pieces if len(piece) > 1] for name, pieces in plot.lines.items()}
    for t_s, event in told:
        if plot.from_s <= t_s <= plot.to_s and None not in (
            event["distance_m"],
            event["error_m"],
            event["threshold_m"],
        ):
            error = 0.0 if function in _UNTIMED else event["error_m"]
            plot.told.append((round(t_s, 3), round(event["distance_m"] - error, 2), event["threshold_m"]))
    return plot


def _levels(told: list[tuple[float, Event]], until_s: float) -> list[tuple[float, float, str]]:
    """The spans in which a level was presented for the target."""
    out: list[tuple[float, float, str]] = []
    begun: tuple[float, str] | None = None
    for t_s, event in [*told, (until_s, None)]:
        level = event["level"] if event and event["presented"] else "none"
        if begun and begun[1] == level and event:
            continue
        if begun and begun[1] != "none":
            out.append((round(begun[0], 3), round(t_s, 3), begun[1]))
        begun = (t_s, level)
    return out


class _Geometry:
    """Distances and limits of one function, from the true courses [D11]; the distance is less the position error."""

    def __init__(self, scenario: "Scenario", vehicle: "Vehicle", function: str) -> None:
        from asvrig.oracle.target import own_length_m, told_error_m, told_length_m

        self._function = function
        self._error_m = 0.0 if function in _UNTIMED else scenario.ego.error_m + told_error_m(vehicle)
        config = scenario.config
        self._range_m = EMERGENCY_M if function == "emergency" else config.surrounding.range_m
        ended_first = config.presentation.mode == "information_ended"
        self._caution = ("L4*", L4_STAR_S) if ended_first else ("L4", L4_S)
        self._lengths_m = 0.0
        if function == "left_turn":
            self._lengths_m = own_length_m(scenario.ego) + told_length_m(vehicle)

    def limits_m(self, speed_mps: float) -> dict[str, float | None]:
        """L3 and L4 of a target of that speed; for functions without timing, the range."""
        if self._function in _UNTIMED:
            return {"range": self._range_m}
        name, caution_s = self._caution
        return {"L3": L3_S * speed_mps + self._lengths_m, name: caution_s * speed_mps + self._lengths_m}

    def distance_m(self, ego: "State", target: "State") -> float | None:
        """The distance that is compared with the limits; None where the courses have none."""
        east, north = ego.east_m - target.east_m, ego.north_m - target.north_m  # from target to ego
        one, other = math.radians(ego.heading_deg), math.radians(target.heading_deg)
        if self._function in _UNTIMED:
            return math.hypot(east, north)
        if self._function == "left_turn":  # how far behind, along ego's axis
            return east * math.sin(one) + north * math.cos(one) - self._error_m
        if self._function == "right_turn":  # to the foot of ego's turning point on the target's course
            way_m = min(TURN_MAX_M, ego.speed_mps**2 / (2 * TURN_DECEL_MPS2))
            east, north = east + way_m * math.sin(one), north + way_m * math.cos(one)
            return east * math.sin(other) + north * math.cos(other) - self._error_m
        meet = math.sin(one - other)
        if abs(meet) < CROSSES:
            return None
        return (north * math.sin(one) - east * math.cos(one)) / meet - self._error_m
