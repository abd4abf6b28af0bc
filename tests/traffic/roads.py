"""The road network and the paths through it, in metres east and north; traffic keeps to the left.

Road A (east-west, 60 km/h) has priority over B and C (north-south, stop lines 5 m before A's edge); D
(east-west, 150 m south) stops at B and C. H is a flyover without any junction. A path is a chain of straight
and arc pieces that a reference point of the vehicle, the middle of its front, runs along.
"""

import math
from dataclasses import dataclass, field
from functools import cache, cached_property

import numpy as np

LANE_M = 1.75  # lane centre from the middle of the road
SIDE_M = 2.9  # where motorcycles ride that pass on the left
MIDDLE_M = 0.3  # where an ambulance rides
BOX_M = 8.5  # stop line, and end of a junction, from its centre: half a road of 3.5 m, and 5 m
WAIT_M = 3.5  # from the entry to where one waits to turn right
KMH = 1 / 3.6

# Road: (runs east-west, other coordinate, from, to, limit km/h)
ROADS = {
    "A": (True, 0.0, -420.0, 640.0, 60),
    "D": (True, -150.0, -250.0, 470.0, 40),
    "H": (True, 60.0, -420.0, 640.0, 70),
    "B": (False, 0.0, -420.0, 250.0, 45),
    "C": (False, 220.0, -350.0, 250.0, 45),
}
# Junction: (east-west road, north-south road, the one with priority)
JUNCTIONS = (("A", "B", "A"), ("A", "C", "A"), ("D", "B", "B"), ("D", "C", "C"))
TURN_KMH = {"left": 13.0, "right": 17.0}


def unit(heading_deg: float) -> tuple[float, float]:
    """East and north of one metre along a heading."""
    angle = math.radians(heading_deg)
    return math.sin(angle), math.cos(angle)


@dataclass(frozen=True)
class Piece:
    """A straight or, with `radius_m`, an arc: right-hand if positive."""

    east_m: float
    north_m: float
    heading_deg: float
    length_m: float
    key: tuple  # the edge or connector that it is part of, for who follows whom
    radius_m: float = 0.0


@dataclass(frozen=True)
class Passage:
    """A junction on a path: from `entry_m` (the stop line) to `exit_m` along it."""

    node: int
    heading_deg: int  # of the approach
    turn: str
    stop: bool
    entry_m: float
    exit_m: float

    @property
    def rank(self) -> int:
        """0 goes first: priority road before stop line, straight and left before right."""
        return 2 * self.stop + (self.turn == "right")


@dataclass(frozen=True)
class Path:
    """Pieces with their starts, and the passages of junctions in order."""

    pieces: tuple[Piece, ...]
    starts_m: tuple[float, ...]
    passages: tuple[Passage, ...]
    limits: tuple[tuple[float, float], ...] = field(default=())  # (from m, m/s)

    @property
    def length_m(self) -> float:
        return self.starts_m[-1] + self.pieces[-1].length_m

    @cached_property
    def _table(self) -> np.ndarray:
        rows = [(p.east_m, p.north_m, math.radians(p.heading_deg), p.radius_m) for p in self.pieces]
        return np.array(rows)

    def at(self, way_m: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """East, north (m) and heading (degrees, 0..360) of ways along the path."""
        starts = np.array(self.starts_m)
        index = np.clip(np.searchsorted(starts, way_m, side="right") - 1, 0, len(starts) - 1)
        east, north, heading, radius = self._table[index].T
        ahead = way_m - starts[index]
        curved = radius != 0
        safe = np.where(curved, radius, 1.0)
        end = heading + np.where(curved, ahead / safe, 0.0)
        # The centre of an arc lies `radius` to the right of its begin
        arc_east = east + safe * (np.cos(heading) - np.cos(end))
        arc_north = north - safe * (np.sin(heading) - np.sin(end))
        out_east = np.where(curved, arc_east, east + ahead * np.sin(heading))
        out_north = np.where(curved, arc_north, north + ahead * np.cos(heading))
        return out_east, out_north, np.degrees(end) % 360


def centre(node: int) -> tuple[float, float]:
    """East and north of a junction's middle."""
    along, across, _priority = JUNCTIONS[node]
    return ROADS[across][1], ROADS[along][1]


def _road_of(node: int, heading: int) -> str:
    return JUNCTIONS[node][0 if heading in (90, 270) else 1]


def _next_node(east: float, north: float, heading: int, road: str) -> tuple[int, float] | None:
    """The next junction along a road, and the way to its middle."""
    step_east, step_north = unit(heading)
    best = None
    for node, (along, across, _priority) in enumerate(JUNCTIONS):
        if road not in (along, across):
            continue
        node_east, node_north = centre(node)
        way = (node_east - east) * step_east + (node_north - north) * step_north
        if way > BOX_M and (best is None or way < best[1]):
            best = (node, way)
    return best


@cache
def path(road: str, heading: int, turns: tuple[str, ...], offset_m: float) -> Path:
    """From the end of a road, with the turn taken at each junction (straight on when they are used up)."""
    runs_east, other, low, high, _limit = ROADS[road]
    begin = low if heading in (0, 90) else high
    # Reference line: the middle of the road; lanes lie `offset_m` to the left of it
    east, north = (begin, other) if runs_east else (other, begin)
    pieces: list[Piece] = []
    starts: list[float] = []
    passages: list[Passage] = []
    limits: list[tuple[float, float]] = []
    way, left, since = 0.0, list(turns), "start"
    stream = round(offset_m * 100)

    def add(piece: Piece) -> None:
        nonlocal way
        if piece.length_m > 0:
            pieces.append(piece)
            starts.append(way)
            way += piece.length_m

    while True:
        step_east, step_north = unit(heading)
        lane_east, lane_north = east - offset_m * step_north, north + offset_m * step_east
        limits.append((way, ROADS[road][4] * KMH))
        found = _next_node(east, north, heading, road)
        key = ("edge", road, heading, since, stream)
        if found is None:
            _runs, _other, low, high, _limit = ROADS[road]
            rest = (
                (high - east if heading == 90 else east - low)
                if ROADS[road][0]
                else (high - north if heading == 0 else north - low)
            )
            add(Piece(lane_east, lane_north, heading, rest, key))
            return Path(tuple(pieces), tuple(starts), tuple(passages), tuple(limits))
        node, to_node = found
        add(Piece(lane_east, lane_north, heading, to_node - BOX_M, key))
        turn = left.pop(0) if left else "straight"
        entry = way
        key = ("box", node, heading, turn, stream)
        node_east, node_north = centre(node)
        at_east = node_east - BOX_M * step_east - offset_m * step_north
        at_north = node_north - BOX_M * step_north + offset_m * step_east
        bend = {"straight": 0, "left": -90, "right": 90}[turn]
        if turn == "straight":
            add(Piece(at_east, at_north, heading, 2 * BOX_M, key))
        elif turn == "left":
            radius = BOX_M - offset_m
            add(Piece(at_east, at_north, heading, radius * math.pi / 2, key, -radius))
        else:
            radius = BOX_M - WAIT_M + offset_m
            add(Piece(at_east, at_north, heading, WAIT_M, key))
            at_east, at_north = at_east + WAIT_M * step_east, at_north + WAIT_M * step_north
            add(Piece(at_east, at_north, heading, radius * math.pi / 2, key, radius))
            out_east, out_north = unit(heading + 90)
            at_east += radius * (step_east + out_east)
            at_north += radius * (step_north + out_north)
            add(Piece(at_east, at_north, heading + 90, WAIT_M, key))
        stop = JUNCTIONS[node][2] != _road_of(node, heading)
        passages.append(Passage(node, heading, turn, stop, entry, way))
        heading = (heading + bend) % 360
        road = _road_of(node, heading)
        out_east, out_north = unit(heading)
        east, north, since = node_east + BOX_M * out_east, node_north + BOX_M * out_north, f"node {node}"


@cache
def _trace(heading: int, turn: str, offset_m: float) -> np.ndarray:
    """Points of the way through a junction, relative to its middle."""
    road = "A" if heading in (90, 270) else "B"
    whole = path(road, heading, (turn,), offset_m)
    passage = whole.passages[0]
    east, north, _heading = whole.at(np.arange(passage.entry_m, passage.exit_m, 0.5))
    node_east, node_north = centre(passage.node)
    return np.stack([east - node_east, north - node_north], axis=1)


@cache
def conflict(one: tuple[int, str, float], other: tuple[int, str, float]) -> bool:
    """Whether two ways through one junction (heading, turn, offset) meet."""
    if one[0] == other[0]:  # from one approach: only who turns left across the one that passes on the left
        inner, outer = sorted((one, other), key=lambda way: way[2])
        return inner[2] < outer[2] and inner[1] == "left" and outer[1] == "straight"
    apart = _trace(*one)[:, None, :] - _trace(*other)[None, :, :]
    return bool(np.min(np.hypot(apart[..., 0], apart[..., 1])) < 2.6)
