"""Ego at each step: which functions its driver's acts ask for, and what its unit knows of it [D12, D15, D16].

A gate is "" while the function is for an ego like that, else the reason why not.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from asvrig.motion import KMH
from asvrig.oracle.results import STEP_S, Function
from asvrig.scenario import Scenario, within
from asvrig.trajectory import State, Trajectory

STOPPED_KMH, STOPPED_S = 2.0, 0.3  # [D12]
STARTED_M, STARTED_KMH = 5.0, 10.0  # [D12]
HEADING_KMH: Final = 3.0  # an ego that was never as fast knows no heading [D4]
UNBOUNDED_M: Final = 255.0  # no support with a rule of timing with such an error [D8]
TURN_BEGUN_DEG: Final = 30.0  # heading since the winker came on [D15]
ACTS: Final = ("ego_started", "ego_not_stopped", "ego_too_fast", "winker_off", "turn_begun")  # end at once [D15]
_ROUND_KMH: Final = 0.006  # own speed is told in 0.01 km/h


@dataclass(frozen=True, slots=True)
class Moment:
    """Ego at one step. `slack_s`: so much earlier may a turn that has begun have been noticed."""

    state: State
    position: bool
    heading: bool
    gates: dict[Function, str]
    slack_s: float


class _Waiting:
    """Whether ego waits at its line: has stopped, and not started since [D12]."""

    def __init__(self) -> None:
        self._low_since_s = math.inf
        self._stood_at_m = 0.0
        self.waits = False

    def look(self, t_s: float, state: State, brake: bool) -> None:
        if self.waits:
            fast = state.speed_kmh > STARTED_KMH and not brake
            self.waits = not fast and state.way_m - self._stood_at_m < STARTED_M
            self._low_since_s = math.inf
            return
        self._low_since_s = min(self._low_since_s, t_s) if state.speed_kmh <= STOPPED_KMH else math.inf
        if t_s - self._low_since_s >= STOPPED_S - STEP_S / 2:
            self.waits, self._stood_at_m = True, state.way_m


class _Turn:
    """The winker's switch, and whether the turn that it tells has begun."""

    def __init__(self) -> None:
        self.side = "off"
        self.begun = False
        self._reference_deg: float | None = None

    def look(self, side: str, heading_deg: float | None) -> None:
        if side != self.side:
            self.side, self.begun, self._reference_deg = side, False, heading_deg
        if self._reference_deg is None:
            self._reference_deg = heading_deg
        if side == "off" or heading_deg is None or self._reference_deg is None:
            return
        turned_deg = (heading_deg - self._reference_deg + 180) % 360 - 180
        if side == "left":
            turned_deg = -turned_deg
        self.begun = self.begun or turned_deg >= TURN_BEGUN_DEG - 1e-6


def moments(scenario: Scenario) -> Iterator[Moment]:
    """Ego at each step from the begin to the end."""
    ego, config = scenario.ego, scenario.config
    trajectory = Trajectory(ego)
    period_s = 1 / ego.receiver.rate_hz
    waiting, turn = _Waiting(), _Turn()
    across, near = ("right", "left") if scenario.traffic_side == "left" else ("left", "right")
    ever_fast, position, course = False, False, None
    fix_steps = round(period_s / STEP_S)
    for step in range(int(scenario.duration_s / STEP_S + 1e-6) + 1):
        t_s = step * STEP_S
        state, controls = trajectory.at(t_s), trajectory.controls(t_s)
        kmh = state.speed_mps / KMH
        waiting.look(t_s, state, controls.brake)
        ever_fast = ever_fast or kmh >= HEADING_KMH
        if step % fix_steps == 0:
            position = within(ego.receiver.lost, t_s) is None
            if position and kmh >= HEADING_KMH:
                course = state.heading_deg
        if ego.can:
            turn.look(controls.winker, course)
        common = "" if position else "ego_position_unknown"
        common = common or ("" if ever_fast else "heading_unknown")
        common = common or ("error_unbounded" if ego.error_m >= UNBOUNDED_M else "")
        gates: dict[Function, str] = {}
        if config.crossing.enabled:
            if config.crossing.start == "speed":
                why = "ego_too_fast" if kmh > config.crossing.ego_max_kmh + _ROUND_KMH else ""
            else:
                why = "" if waiting.waits else "ego_started"
            gates["crossing"] = common or why
        if config.right_turn.enabled:
            why = _turning(turn, across, kmh, config.right_turn.ego_max_kmh, bool(ego.can))
            gates["right_turn"] = common or why
        if config.left_turn.enabled:
            why = _turning(turn, near, kmh, config.left_turn.ego_max_kmh, bool(ego.can))
            gates["left_turn"] = common or why or ("ego_standing" if kmh <= STOPPED_KMH else "")
        yield Moment(state, position, course is not None, gates, period_s)


def _turning(turn: _Turn, side: str, kmh: float, most_kmh: float, known: bool) -> str:
    if not known:
        return "winker_unknown"
    if turn.side != side:
        return "winker_off"
    if kmh > most_kmh + _ROUND_KMH:
        return "ego_too_fast"
    return "turn_begun" if turn.begun else ""
