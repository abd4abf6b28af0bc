"""Surrounding vehicles and emergency vehicles: who has to be told, and who may be [G 4.4, D15, D18].

Straight lines, without correction for errors and without a rule of timing. Messages round speed and direction, so
near a border (2 m, half a km/h, or what receivers are wrong by) both answers are right: what must be is asked for, what
may be is allowed.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from asvrig.motion import KMH
from asvrig.oracle.ego_state import Moment
from asvrig.oracle.results import STEP_S, Allowed, Expected, Function, Side, Spans, Window
from asvrig.oracle.target import HEARD_S, Receiver, Target
from asvrig.scenario import Scenario
from asvrig.trajectory import State

NEAR_M: Final = 30.0  # nearer: also one that recedes [D18]
EMERGENCY_M: Final = 300.0  # [G 4.4.3]
LEAVING_M: Final = 5.0  # only so far beyond a border does it end (ours)
LEAVING_S: Final = 1.0  # and only after so long; and after the last packet [D15]
STANDING_KMH: Final = 2.0  # [G 5.2(4)4, D12]
CLOSING_KMH: Final = 0.5  # slower is not approaching (ours)
NEAREST: Final = 8  # followed at once (ours)
NEARER_M: Final = 10.0  # so much nearer, one takes another's place (ours)
ROUND_M, ROUND_KMH, ROUND_DEG = 2.0, 0.5, 0.01  # of what messages round: of place, speed, direction (as its sine)
AHEAD_DEG: Final = 30.0  # about ahead and behind, the display names no side (ours)
BORDER_DEG: Final = 10.0  # about that border either is right
EVERY: Final = 5  # steps
REPLAYED_S: Final = 1.5  # the first frame of a recording is as good as the one that was recorded


@dataclass(frozen=True, slots=True)
class Ring:
    """What there is to know of one target at one time; `why` it surely goes on no more; `open`: nothing is sure."""

    must: bool  # surely to be told
    may: bool  # perhaps to be told
    stays: bool  # surely goes on, once begun
    why: str = ""
    open: bool = False


_NOTHING: Final = Ring(must=False, may=False, stays=False, why="packets_stopped")


class Nearby:
    """Works out one function, "surrounding" or "emergency", for one target after the other."""

    def __init__(self, scenario: Scenario, ego: list[Moment], receiver: Receiver, targets: list[Target]) -> None:
        self._range_m = scenario.config.surrounding.range_m
        self._config = scenario.config
        self._ego = ego
        self._receiver = receiver
        self._targets = targets if len(targets) > NEAREST else []

    def follow(self, target: Target, function: Function) -> tuple[list[Expected], list[Allowed]]:
        """The supports that have to be given for a target, and begins that are allowed."""
        due, allowed = _Follower(target, function).follow(self._rings(target, function))
        if function == "emergency" and target.vehicle.emergency == "replayed" and target.heard_s:
            allowed = [replace(one, until_s=target.heard_s[0] + REPLAYED_S) for one in allowed]
        return due, allowed

    def _rings(self, target: Target, function: Function) -> Iterable[tuple[float, Ring]]:
        emergency = function == "emergency"
        claim = target.vehicle.emergency
        other = claim != "replayed" and emergency != (claim == "signed")
        if other or not getattr(self._config, function).enabled:
            return
        for step in range(0, len(self._ego), EVERY):
            t_s = step * STEP_S
            index, age_s = target.last(t_s)
            if age_s > HEARD_S:
                yield t_s, _NOTHING
                continue
            moment = self._ego[step]
            off_m = ROUND_M
            wrong = False
            if self._receiver.errs or target.receiver.errs:
                apart_m = math.dist(self._receiver.off(t_s), target.receiver.off(t_s))
                off_m, wrong = off_m + apart_m, apart_m > target.error_m
            ring = _emergency if emergency else _surrounding
            seen = ring(moment.state, target.states[step], EMERGENCY_M if emergency else self._range_m, off_m)
            if claim == "replayed":
                early = t_s <= target.heard_s[0] + REPLAYED_S
                seen = Ring(must=False, may=early or not emergency, stays=False, why=seen.why)
            unknown = not moment.position or not target.tells_place[index]
            if wrong or unknown or self._crowded(target, step, moment.state):
                seen = Ring(must=False, may=wrong or seen.may, stays=False, open=True)
            yield t_s, seen

    def _crowded(self, target: Target, step: int, ego: State) -> bool:
        """So many are about as near that this one may have no place."""
        if not self._targets:
            return False
        own_m = _distance_m(ego, target.states[step])
        nearer = sum(_distance_m(ego, one.states[step]) < own_m + NEARER_M + 2 * ROUND_M for one in self._targets)
        return nearer > NEAREST  # itself is among them


class _Follower:
    """From begin to end, for one target."""

    def __init__(self, target: Target, function: Function) -> None:
        self._target = target
        self._function: Function = function

    def follow(self, rings: Iterable[tuple[float, Ring]]) -> tuple[list[Expected], list[Allowed]]:
        out: list[Expected] = []
        spans = Spans(self._target.vehicle, self._function)
        now: Expected | None = None
        may_from_s: float | None = None
        shaky_s: float | None = None
        leaves_s: float | None = None
        for t_s, ring in rings:
            if now is None:
                may_from_s = (t_s if may_from_s is None else may_from_s) if ring.may else None
                spans.look(t_s, ring.may)
                if not ring.must or may_from_s is None:
                    continue
                spans.drop()
                now = Expected(self._target.vehicle, None, {"information": Window(may_from_s, t_s)})
                now.function = self._function
                shaky_s = leaves_s = None
                continue
            stopped = ring is _NOTHING
            lasts_s = 0.0 if stopped else LEAVING_S  # a second has passed since the last packet
            shaky_s = None if ring.stays else (t_s if shaky_s is None else shaky_s)
            leaves_s = (t_s if leaves_s is None else leaves_s) if ring.why else None
            may_end = shaky_s is not None and t_s - shaky_s >= LEAVING_S - STEP_S
            now.loose = now.loose or ring.open
            spans.look(t_s, (may_end or now.loose) and ring.may)  # it may have ended, and begin again
            if stopped or (leaves_s is not None and t_s - leaves_s >= lasts_s - STEP_S):
                early_s = t_s if stopped and not may_end else min(t_s, (shaky_s or t_s) + LEAVING_S)
                now.end, now.end_reason = Window(early_s, t_s), ring.why
                out.append(now)
                now, may_from_s = None, None
            elif may_end and ring.stays:
                shaky_s, now.loose = None, True
        if now is not None:
            if shaky_s is not None:  # it may have ended before the scenario does
                now.loose = True
            out.append(now)
        return out, spans.close()


def _distance_m(ego: State, target: State) -> float:
    return math.hypot(target.east_m - ego.east_m, target.north_m - ego.north_m)


def _emergency(ego: State, target: State, range_m: float, off_m: float) -> Ring:
    distance_m = _distance_m(ego, target)
    gone = distance_m > range_m + LEAVING_M + off_m
    return Ring(
        must=distance_m <= range_m - off_m,
        may=distance_m <= range_m + off_m,
        stays=distance_m <= range_m + LEAVING_M - off_m,
        why="too_far" if gone else "",
    )


def _surrounding(ego: State, target: State, range_m: float, off_m: float) -> Ring:
    east_m, north_m = target.east_m - ego.east_m, target.north_m - ego.north_m
    distance_m = math.hypot(east_m, north_m)
    if distance_m > range_m + LEAVING_M + off_m:
        return Ring(must=False, may=False, stays=False, why="too_far")
    kmh = target.speed_kmh
    moves, stands = kmh >= STANDING_KMH + ROUND_KMH, kmh < STANDING_KMH - ROUND_KMH
    closing_kmh = -_opening_mps(ego, target, east_m, north_m, distance_m) / KMH
    # The line of sight turns by what places are off
    blur_kmh = ROUND_KMH + kmh * ROUND_DEG + (kmh + ego.speed_kmh) * min(1.0, (off_m - ROUND_M) / max(distance_m, 1.0))
    comes, goes = closing_kmh > CLOSING_KMH + blur_kmh, closing_kmh < CLOSING_KMH - blur_kmh
    why = "target_standing" if stands else ""
    if goes and distance_m > NEAR_M + LEAVING_M + off_m:
        why = why or "receding"
    return Ring(
        must=moves and distance_m <= range_m - off_m and (comes or distance_m <= NEAR_M - off_m),
        may=not stands and distance_m <= range_m + off_m and (not goes or distance_m <= NEAR_M + off_m),
        stays=moves and distance_m <= range_m + LEAVING_M - off_m
        and (comes or distance_m <= NEAR_M + LEAVING_M - off_m),
        why=why,
    )  # fmt: skip


def _opening_mps(ego: State, target: State, east_m: float, north_m: float, distance_m: float) -> float:
    one, other = math.radians(ego.heading_deg), math.radians(target.heading_deg)
    east_mps = target.speed_mps * math.sin(other) - ego.speed_mps * math.sin(one)
    north_mps = target.speed_mps * math.cos(other) - ego.speed_mps * math.cos(one)
    return (east_m * east_mps + north_m * north_mps) / max(distance_m, 0.01)


def side_of(ego: State, target: State) -> tuple[Side | None, bool]:
    """Side on which a target lies by its bearing, and whether that is clear: not near the border of a side."""
    bearing_deg = math.degrees(math.atan2(target.east_m - ego.east_m, target.north_m - ego.north_m))
    turned_deg = (bearing_deg - ego.heading_deg + 180) % 360 - 180
    off_axis_deg = min(abs(turned_deg), 180 - abs(turned_deg))
    side: Side | None = "right" if turned_deg > 0 else "left"
    return (side if off_axis_deg > AHEAD_DEG else None), abs(off_axis_deg - AHEAD_DEG) > BORDER_DEG
