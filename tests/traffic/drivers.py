"""Fifty drivers: they follow each other (Intelligent Driver Model), stop, wait for gaps, turn with the winker on.

Each step of 0.1 s sets the speed of every vehicle; the recorded way and speed are the truth. Speed is linear
within a step, so that truth between the steps is exact.
"""

import random
from dataclasses import dataclass, field
from functools import lru_cache

from traffic.roads import KMH, LANE_M, MIDDLE_M, SIDE_M, TURN_KMH, WAIT_M, Passage, Path, conflict, path

STEP_S = 0.1
WARM_UP_S = 30.0
DURATION_S = 120.0
WINKER_M = 30.0  # before the junction [G 4.2.2]
COMFORT = 1.8  # m/s2, for stop lines and bends
HARD = 6.0
FREE_M = 400.0
BENT_M = 7.0  # into a junction, from where on a turning vehicle is out of the way of those behind it

# Kind: (length m, acceleration m/s2, headway s, share of the limit, pause before going s)
KINDS = {
    "passenger_car": (4.6, 1.7, 1.3, 1.0, 0.0),
    "truck": (9.0, 0.9, 1.7, 0.9, 2.0),
    "motorcycle": (2.1, 2.3, 1.0, 0.95, 0.0),
    "ambulance": (5.6, 1.8, 1.3, 1.1, 0.0),
}
# Gap in seconds that is waited for: by turn, from the stop line; a right turn off the priority road
GAP_S = {"straight": 6.5, "left": 5.5, "right": 7.5}
GAP_ACROSS_S = 5.0
GAP_BEHIND_S = 4.5  # to who passes on the left


@dataclass
class Vehicle:
    """One driver; after the run `way_m` and `speed_mps` hold the truth from step `first` on."""

    number: int
    kind: str
    path: Path
    offset_m: float
    begin_s: float
    turned_deg: float = 0.0  # of the whole network, so that no course is a whole degree
    way: float = 0.0
    speed: float = 0.0
    first: int = 0
    stood_s: float = 0.0
    done: int = 0  # passages behind
    committed: bool = False
    gone: bool = False
    way_m: list[float] = field(default_factory=list)
    speed_mps: list[float] = field(default_factory=list)

    @property
    def length_m(self) -> float:
        return KINDS[self.kind][0]

    @property
    def passage(self) -> Passage | None:
        """The junction ahead, or the one it is in."""
        return self.path.passages[self.done] if self.done < len(self.path.passages) else None

    def trace_key(self) -> tuple[int, str, float]:
        passage = self.passage
        return passage.heading_deg, passage.turn, self.offset_m


class Traffic:
    """A run: `vehicles` with their truth, from 0 to DURATION_S."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        rng = random.Random(seed)
        self._waiting = _demand(rng, rng.uniform(0, 360))
        self.vehicles: list[Vehicle] = []
        self._on: list[Vehicle] = []
        steps = round((WARM_UP_S + DURATION_S) / STEP_S)
        for step in range(steps + 1):
            now_s = step * STEP_S - WARM_UP_S
            self._enter(now_s)
            if now_s >= -1e-9:
                self._record(round(now_s / STEP_S))
            if step < steps:
                self._step()
        seen = [vehicle for vehicle in self.vehicles if len(vehicle.way_m) > 20]
        self.vehicles = sorted(seen, key=lambda vehicle: vehicle.number)

    def _enter(self, now_s: float) -> None:
        for vehicle in [one for one in self._waiting if one.begin_s <= now_s]:
            gap, _speed = self._leader(vehicle)
            if gap > 25.0:
                vehicle.speed = min(_limit(vehicle, 0.0), max(gap - 15.0, 0.0) / 2)
                self._waiting.remove(vehicle)
                self._on.append(vehicle)
                self.vehicles.append(vehicle)

    def _record(self, step: int) -> None:
        for vehicle in self._on:
            if not vehicle.way_m:
                vehicle.first = step
            vehicle.way_m.append(vehicle.way)
            vehicle.speed_mps.append(vehicle.speed)

    def _step(self) -> None:
        for vehicle in self._on:
            self._decide(vehicle)
        speeds = [self._next_speed(vehicle) for vehicle in self._on]
        for vehicle, speed in zip(self._on, speeds, strict=True):
            vehicle.way += (vehicle.speed + speed) / 2 * STEP_S
            vehicle.speed = speed
            vehicle.stood_s = vehicle.stood_s + STEP_S if speed < 0.05 else 0.0
            while vehicle.passage and vehicle.way - vehicle.length_m > vehicle.passage.exit_m:
                vehicle.done += 1
                vehicle.committed = False
            vehicle.gone = vehicle.way >= vehicle.path.length_m - 1.0
        self._on = [vehicle for vehicle in self._on if not vehicle.gone]

    # Speed

    def _next_speed(self, vehicle: Vehicle) -> float:
        _length, accelerates, headway, _share, _pause = KINDS[vehicle.kind]
        limit = _limit(vehicle, vehicle.way)
        gap, ahead = self._leader(vehicle)
        wanted = 2.0 + max(
            0.0, vehicle.speed * headway + vehicle.speed * (vehicle.speed - ahead) / (2 * (accelerates * 2.0) ** 0.5)
        )
        rate = accelerates * (1 - (vehicle.speed / limit) ** 4 - (wanted / max(gap, 0.5)) ** 2)
        speed = vehicle.speed + max(rate, -HARD) * STEP_S
        for stop_m in self._stops(vehicle):
            left = stop_m - vehicle.way
            speed = min(speed, max(2 * COMFORT * (left - 0.15), 0.0) ** 0.5)
        for passage in vehicle.path.passages[vehicle.done :]:
            if passage.turn in TURN_KMH and vehicle.way < passage.exit_m:
                slow = TURN_KMH[passage.turn] * KMH
                speed = min(speed, (slow**2 + 2 * COMFORT * max(passage.entry_m - vehicle.way, 0.0)) ** 0.5)
            if passage.entry_m > vehicle.way + 150:
                break
        speed = max(speed, vehicle.speed - HARD * STEP_S, 0.0)
        return 0.0 if speed < 0.02 and vehicle.speed < 0.3 and rate < 0.3 else speed

    def _leader(self, vehicle: Vehicle) -> tuple[float, float]:
        """Gap to the vehicle ahead in the same lane, and its speed."""
        if vehicle.kind == "ambulance":
            return FREE_M, vehicle.speed
        pieces, starts = vehicle.path.pieces, vehicle.path.starts_m
        ahead = {}
        for piece, start in zip(pieces, starts, strict=True):
            if start + piece.length_m > vehicle.way - 1 and start < vehicle.way + 120:
                ahead[piece.key] = min(start, ahead.get(piece.key, start))
        best, speed = FREE_M, vehicle.speed
        for other in self._on:
            if other is vehicle or other.kind == "ambulance":
                continue
            key, since = _where(other)
            if key[0] == "box" and key not in ahead and since - other.length_m < BENT_M:
                # Out of the same lane, another way through the junction: its rear is still in this lane
                key = next((one for one in ahead if one[:3] == key[:3] and one[4] == key[4]), key)
            if key not in ahead:
                continue
            gap = ahead[key] + since - other.length_m - vehicle.way
            if gap >= -other.length_m and gap < best and ahead[key] + since >= vehicle.way:
                best, speed = gap, other.speed
        return best, speed

    def _stops(self, vehicle: Vehicle) -> list[float]:
        passage = vehicle.passage
        if passage is None or vehicle.committed or vehicle.kind == "ambulance":
            return []
        if passage.stop or passage.turn == "left":
            return [passage.entry_m]
        return [passage.entry_m + WAIT_M] if passage.turn == "right" else []

    # Junctions

    def _decide(self, vehicle: Vehicle) -> None:
        passage = vehicle.passage
        if passage is None or vehicle.committed:
            return
        stops = self._stops(vehicle)
        if not stops:
            vehicle.committed = vehicle.way > passage.entry_m - 5
            return
        left = stops[0] - vehicle.way
        pause = KINDS[vehicle.kind][4]
        if passage.stop and vehicle.stood_s < 0.8:
            return
        if left < (3.0 if passage.stop else 8.0) and self._free(vehicle, passage, pause):
            vehicle.committed = True

    def _free(self, vehicle: Vehicle, passage: Passage, pause: float) -> bool:
        own = vehicle.trace_key()
        for other in self._on:
            theirs = other.passage
            if other is vehicle or theirs is None or theirs.node != passage.node:
                continue
            if not conflict(own, other.trace_key()):
                continue
            if other.committed and (theirs.rank > 0 or other.way > theirs.entry_m):
                return False
            beside = theirs.heading_deg == passage.heading_deg and other.offset_m > vehicle.offset_m
            if theirs.rank >= passage.rank and not beside:
                continue
            wait = GAP_BEHIND_S if beside else GAP_S[passage.turn] if passage.stop else GAP_ACROSS_S
            apart = theirs.entry_m - other.way
            if other.speed > 0.5 and -20 < apart < other.speed * (wait + pause) + 3:
                return False
        return True


def _where(vehicle: Vehicle) -> tuple[tuple, float]:
    """The edge or connector a vehicle is on, and how far."""
    key, begin = vehicle.path.pieces[0].key, 0.0
    for piece, start in zip(vehicle.path.pieces, vehicle.path.starts_m, strict=True):
        if start > vehicle.way:
            break
        if piece.key != key:
            key, begin = piece.key, start
    return key, vehicle.way - begin


def _limit(vehicle: Vehicle, way: float) -> float:
    speed = 10.0
    for start, limit in vehicle.path.limits:
        if start <= way + 1e-9:
            speed = limit
    return speed * KINDS[vehicle.kind][3] * (0.94 + 0.12 * (vehicle.number * 7 % 11) / 10)


# Who drives where: (how many, kinds in turn, roads and headings, turns at the junctions in order)
_DEMAND = (
    (9, ("passenger_car", "truck", "passenger_car", "motorcycle"), (("A", 90), ("A", 270)), ()),
    (6, ("passenger_car", "passenger_car", "truck"), (("A", 90), ("A", 270)), ("right",)),
    (6, ("passenger_car", "truck", "passenger_car"), (("A", 270), ("A", 90)), ("left",)),
    (6, ("motorcycle",), (("A", 270), ("A", 90)), ()),
    (3, ("passenger_car", "motorcycle"), (("A", 90), ("A", 270)), ("straight", "right")),
    (6, ("passenger_car", "truck"), (("B", 0), ("C", 0), ("B", 180), ("C", 180)), ("straight", "straight")),
    (4, ("passenger_car",), (("B", 0), ("B", 180), ("C", 0)), ("straight", "right")),
    (3, ("passenger_car", "motorcycle"), (("C", 180), ("C", 0), ("B", 180)), ("left", "straight")),
    (3, ("passenger_car",), (("D", 90), ("D", 270)), ("straight", "left")),
    (3, ("passenger_car", "truck"), (("H", 90), ("H", 270)), ()),
    (1, ("ambulance",), (("A", 90),), ()),
)


def _demand(rng: random.Random, turned_deg: float) -> list[Vehicle]:
    out: list[Vehicle] = []
    for count, kinds, ends, turns in _DEMAND:
        for index in range(count):
            kind, (road, heading) = kinds[index % len(kinds)], ends[index % len(ends)]
            rides_left = kind == "motorcycle" and "right" not in turns
            offset = MIDDLE_M if kind == "ambulance" else SIDE_M if rides_left else LANE_M
            begin_s = rng.uniform(30, 70) if kind == "ambulance" else rng.uniform(-25.0, 80.0)
            if kinds == ("motorcycle",):  # behind those that turn left before it
                begin_s = out[-count].begin_s + rng.uniform(1.5, 6)
            out.append(Vehicle(len(out), kind, path(road, heading, turns, offset), offset, begin_s, turned_deg))
    return out


@lru_cache(maxsize=4)
def traffic(seed: int) -> Traffic:
    """The run of a seed; made once per process."""
    return Traffic(seed)
