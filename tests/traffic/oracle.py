"""What a driver has to be told, and by when: from the truth alone, in floats, from the guideline's text.

Information no later than L3 = 4.1 V2, caution no later than L4 = 3.6 V2 [G 4.1.2, 4.2.2, 4.3.2]; crossing: from
the target to where the courses meet; right turn: to where ego begins its turn; left turn: to ego's rear end, both
lengths added; an emergency vehicle: information within 300 m [G 4.4.3].

With good receivers the distance is corrected by the told errors [G 3.5(4)]. With poor ones the demand is what
the correction is for: that with whatever error nothing comes later than the true distance asks for.

A course is one only while it is straight: the guideline's targets go straight on, and an ego that has begun to
turn is out of scope. So a demand rests while either turns.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from traffic.drivers import Vehicle
from traffic.radio import Quality
from traffic.truth import Truth, span_s, truth

STEP_S = 0.02
L3_S = 3.7 + 0.3 + 0.1
L4_S = 3.2 + 0.3 + 0.1
KMH = 1 / 3.6
WIRE_MPS = 0.5 * KMH  # the message's speed is whole km/h
EARLY_M = 3.0  # lengths are told in steps of 2 m, places in 0.3 m
LEAST_S = 0.2  # two frames
BUS_S = 0.1  # how often ego's car tells of speed and winker: the unit cannot know sooner
SETTLED_S = 2.0  # after ego has come: its unit has had a fix and a course
INFORMATION, CAUTION = 1, 2


@dataclass(frozen=True)
class Demand:
    """From `begin_s` until `end_s` the driver has to be told of `target` at `level` or above."""

    function: str
    target: int
    level: int
    begin_s: float
    end_s: float


class Oracle:
    """The demands on one ego's unit."""

    def __init__(self, ego: Vehicle, others: list[Vehicle], quality: Quality) -> None:
        begin, end = span_s(ego)
        self.t_s = np.arange(begin, end, STEP_S)
        self.ego_vehicle = ego
        self.quality = quality
        self.ego = truth(ego, self.t_s)
        self.others = {other.number: (other, truth(other, self.t_s)) for other in others if other is not ego}
        self.error_m = 0.0 if quality.poor else 2.0 * quality.error_m
        self.waits = _waits(self.ego)
        self.turns = {1: _turns(self.ego, 1), 2: _turns(self.ego, 2)}
        # As long as a fix lasts, and what the bus adds
        self._straight_s = quality.fix_ms / 1000 + 0.2
        heading = np.radians(self.ego.heading_deg)
        self._axis = np.sin(heading), np.cos(heading)
        self._settled = (self.t_s >= begin + SETTLED_S) & self._straight(self.ego)

    def demands(self) -> Iterator[Demand]:
        """All of them, each as long as it holds without a break."""
        for number, (other, their) in self.others.items():
            there = self._settled & their.present
            moving = there & self._straight(their)
            for function in ("crossing", "right_turn", "left_turn"):
                lead_m, holds = self._measured(function, number)
                for level, lead_s in ((INFORMATION, L3_S), (CAUTION, L4_S)):
                    due = lead_m <= lead_s * np.maximum(their.speed_mps - WIRE_MPS, 0)
                    for first, last in self._spans(moving & holds & due):
                        yield Demand(function, number, level, first, last)
            if other.kind == "ambulance":
                # No correction here [G 3.5(4)]: told places may be further apart than the true ones
                near_m = 300 - 2.0 * self.quality.error_m * self.quality.poor
                for first, last in self._spans(there & (self._apart_m(their) <= near_m)):
                    yield Demand("emergency", number, INFORMATION, first, last)

    def early(self, function: str, number: int, level: int, t_s: float) -> bool:
        """Whether a level was reached before its upper bound [G 3.5(1)]: 1.0 s before L3, 0.5 s before L4."""
        rows = slice(max(self._row(t_s) - 15, 0), self._row(t_s) + 1)
        speed = self.others[number][1].speed_mps[rows] + WIRE_MPS
        bound = {INFORMATION: L3_S + 1.0, CAUTION: L4_S + 0.5}[level]
        lead_m = self._measured(function, number)[0][rows]
        return not np.any(lead_m <= bound * speed + EARLY_M)

    # The functions: corrected way of the target to where it counts, and whether support is for it

    def _measured(self, function: str, number: int) -> tuple[np.ndarray, np.ndarray]:
        other, their = self.others[number]
        if function == "left_turn":
            return self._left_turn(other, their)
        return self._crossing(their) if function == "crossing" else self._right_turn(their)

    def _crossing(self, their: Truth) -> tuple[np.ndarray, np.ndarray]:
        """Ego has stopped and not started; courses meet at 30..150 degrees, up to 30 m ahead."""
        angle = _between(their.heading_deg, self.ego.heading_deg)
        heading = np.radians(their.heading_deg)
        east, north = np.sin(heading), np.cos(heading)
        ego_east, ego_north = self._axis
        meet = ego_east * north - ego_north * east
        with np.errstate(all="ignore"):
            to_east, to_north = their.east_m - self.ego.east_m, their.north_m - self.ego.north_m
            distance = (to_east * ego_north - to_north * ego_east) / meet
            ahead = (to_east * north - to_north * east) / meet
            reach = np.abs(angle - 90) <= 58
            reach &= (ahead >= 0) & (ahead <= 29 + self.error_m) & (distance >= 0)
        return distance - self.error_m, reach & _known(self.waits) & (their.speed_mps > 5.5 * KMH)

    def _right_turn(self, their: Truth) -> tuple[np.ndarray, np.ndarray]:
        """Right winker on, 30 km/h at most; oncoming, to the foot of the place where ego will turn."""
        ego_east, ego_north = self._axis
        to_turn = np.minimum(self.ego.speed_mps**2 / (2 * 2.0), 33.5)
        heading = np.radians(their.heading_deg)
        east, north = np.sin(heading), np.cos(heading)
        to_east = self.ego.east_m + to_turn * ego_east - their.east_m
        to_north = self.ego.north_m + to_turn * ego_north - their.north_m
        distance = to_east * east + to_north * north
        lateral = np.abs(to_east * north - to_north * east)
        with np.errstate(invalid="ignore"):
            oncoming = _between(their.heading_deg, self.ego.heading_deg) >= 180 - 43
            reach = oncoming & (distance >= 0) & (lateral <= 19.5 + self.error_m) & (their.speed_mps > 5.5 * KMH)
        return distance - self.error_m, reach & _known(self.turns[1] & (self.ego.speed_mps < 29.8 * KMH))

    def _left_turn(self, other: Vehicle, their: Truth) -> tuple[np.ndarray, np.ndarray]:
        """Left winker on, in motion, 30 km/h at most; a two-wheeler from behind on the left."""
        if other.kind != "motorcycle":
            return np.zeros(len(self.t_s)), np.zeros(len(self.t_s), bool)
        ego_east, ego_north = self._axis
        to_east, to_north = their.east_m - self.ego.east_m, their.north_m - self.ego.north_m
        behind = -(to_east * ego_east + to_north * ego_north)
        lateral = to_east * ego_north - to_north * ego_east  # right of ego's axis
        with np.errstate(invalid="ignore"):
            reach = (_between(their.heading_deg, self.ego.heading_deg) <= 28) & (behind >= 0)
            reach &= (lateral >= -2.8 - self.error_m) & (lateral <= self.error_m)
            moves = (self.ego.speed_mps > 2.5 * KMH) & (self.ego.speed_mps < 29.8 * KMH)
        lengths = self.ego_vehicle.length_m + other.length_m
        return behind - lengths - self.error_m, reach & _known(self.turns[2] & moves) & (their.speed_mps > 1.5 * KMH)

    # Unnecessary supports

    def needless(self, function: str, number: int, t_s: float) -> str:
        """Why a support begun at `t_s` was one for nothing, with generous margins; "" if it was not."""
        row = self._row(t_s)
        around = slice(max(row - 50, 0), row + 26)
        _other, their = self.others[number]
        ego, e_m = self.ego, 2.0 * self.quality.error_m
        near = their.present
        apart = self._apart_m(their)
        if function in ("surrounding", "emergency"):
            limit = {"surrounding": 100, "emergency": 300}[function]
            return "" if np.min(apart[around], initial=np.inf, where=near[around]) <= limit + e_m + 5 else "far away"
        state = {
            "crossing": self.waits | (ego.speed_mps < 3 * KMH),
            "right_turn": (ego.winker == 1) & (ego.speed_mps < 31 * KMH),
            "left_turn": (ego.winker == 2) & (ego.speed_mps < 31 * KMH),
        }[function]
        if not state[around].any():
            return "ego not in the state"
        soon = slice(row, row + round(10 / STEP_S))
        ego_east, ego_north = self._axis
        # Where danger is: 10 m before a waiting ego; where it turns; ego itself
        ahead = {"crossing": 10.0, "right_turn": min(ego.speed_mps[row] ** 2 / 4, 33.5), "left_turn": 0.0}[function]
        place = ego.east_m[row] + ahead * ego_east[row], ego.north_m[row] + ahead * ego_north[row]
        way = np.hypot(their.east_m[soon] - place[0], their.north_m[soon] - place[1])
        if function == "left_turn":
            way = apart[soon]
        nearest_m = np.min(way, initial=np.inf, where=near[soon])
        cut_short = self.t_s[-1] - t_s < 9.5 and near[soon].any()  # ego left before it came
        return "" if nearest_m <= 20 + e_m or cut_short else "never came within reach"

    # Inside

    def _row(self, t_s: float) -> int:
        return min(max(round((t_s - float(self.t_s[0])) / STEP_S), 0), len(self.t_s) - 1)

    def _apart_m(self, their: Truth) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            return np.hypot(their.east_m - self.ego.east_m, their.north_m - self.ego.north_m)

    def _straight(self, one: Truth) -> np.ndarray:
        """Whether the course has not changed for as long as a fix lasts."""
        back = max(round(self._straight_s / STEP_S), 1)
        before = np.concatenate([np.full(back, np.nan), one.heading_deg[:-back]])
        with np.errstate(invalid="ignore"):
            same = _between(one.heading_deg, before) <= 1
            return same | (np.isnan(before) & one.present)

    def _spans(self, holds: np.ndarray) -> Iterator[tuple[float, float]]:
        edges = np.flatnonzero(np.diff(np.concatenate([[False], holds, [False]]).astype(int)))
        for first, end in zip(edges[::2], edges[1::2], strict=True):
            if (end - first) * STEP_S >= LEAST_S:
                yield float(self.t_s[first]), float(self.t_s[end - 1])


def _between(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.abs((one - other + 180) % 360 - 180)


def _known(state: np.ndarray) -> np.ndarray:
    """A state of ego's car, once the bus has told of it."""
    back = round(BUS_S / STEP_S)
    return state & np.concatenate([np.zeros(back, bool), state[:-back]])


def _turns(ego: Truth, winker: int) -> np.ndarray:
    """Winker on, and the turn not begun: the heading not yet 25 degrees from what it was then."""
    out = ego.winker == winker
    since = 0
    for row in range(len(out)):
        if ego.winker[row] == winker:
            since = row if row == 0 or ego.winker[row - 1] != winker else since
            out[row] = _between(ego.heading_deg[row], ego.heading_deg[since]) < 25
    return out


def _waits(ego: Truth) -> np.ndarray:
    """Stopped: 2 km/h or less for 0.3 s; started: 5 m on, or above 10 km/h with the brake off."""
    out = np.zeros(len(ego.t_s), bool)
    way = np.concatenate([[0.0], np.cumsum(ego.speed_mps[:-1] * STEP_S)])
    waits, low_since, stood_m = False, np.inf, 0.0
    for row, speed in enumerate(ego.speed_mps):
        if waits:
            waits = way[row] - stood_m < 5.0 and speed <= 10 * KMH
        else:
            low_since = min(low_since, ego.t_s[row]) if speed <= 2 * KMH else np.inf
            if ego.t_s[row] - low_since >= 0.3:
                waits, stood_m = True, way[row]
        if waits:
            low_since = np.inf
        out[row] = waits
    return out
