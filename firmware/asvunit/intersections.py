"""The map of branching nodes, and the nearest node ahead of the vehicle.

The map holds nodes and no roads, so the straight line stands for the way along the road (element 40), and "ahead" is
a cone around the heading. `docs/intersections.md` describes the rule for users, `intersection_file` reads the file.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from asvcore.geometry import HALF_TURN_CAS, Q12, TURN_CAS, Plane, cosine_q12, sine_q12
from asvcore.params import NONE
from asvunit.intersection_file import Place, read_places

if TYPE_CHECKING:
    from asvunit.config import Config

LIMIT_DM: Final = 5000  # farther nodes are not looked for: element 40 tells 500 m and more by one code
PRIORITY_CDEG: Final = 3000  # a heading this near to one of `priority_deg` is that approach
_RADII_DM: Final = (1250, LIMIT_DM)  # in a town the first finds a node among few
_BAND_CAS: Final = 400  # height of a band of the index: about 123 m
_EDGE_Q12: Final = 2896  # cosine of 45 degrees: half the cone's opening
_STEP_CAS, _STEP_CDEG = 1, 100  # moved and turned by no more: the last answer holds


class Node(NamedTuple):
    """The nearest branching node ahead."""

    latitude_cas: int
    longitude_cas: int
    distance_m: int  # straight, 0..499
    priority: bool | None  # of the approach with this heading; None: the map does not tell


class IntersectionMap:
    """Nodes in bands of latitude, in each sorted by longitude: a look bisects a few bands, at any latitude."""

    def __init__(self, places: Iterable[Place]) -> None:
        ordered = sorted(places, key=lambda one: (one.latitude_cas // _BAND_CAS, one.longitude_cas, one.latitude_cas))
        self._latitudes = array("i", map(attrgetter("latitude_cas"), ordered))
        self._longitudes = array("i", map(attrgetter("longitude_cas"), ordered))
        self._priorities = [one.priority_cdeg for one in ordered]
        self._bands: dict[int, tuple[int, int]] = {}  # first node and the one after the last
        for index, place in enumerate(ordered):
            band = place.latitude_cas // _BAND_CAS
            self._bands[band] = (self._bands.get(band, (index, 0))[0], index + 1)
        self._plane: Any = Plane()
        self.counters: Counter[str] = Counter()
        self.with_priority = sum(one is not None for one in self._priorities)

    def __len__(self) -> int:
        return len(self._priorities)

    @classmethod
    def load(cls, path: Path) -> "IntersectionMap":
        """The map of a GeoJSON file; UsageError with file, feature and reason otherwise."""
        places, counters = read_places(path)
        found = cls(places)
        found.counters = counters
        return found

    def ahead(self, latitude_cas: int, longitude_cas: int, heading_deg: float) -> Node | None:
        """The nearest node that is less than 500 m away and within 45 degrees of the heading, or None."""
        return self.ahead_cdeg(latitude_cas, longitude_cas, round(heading_deg * 100))

    def ahead_cdeg(self, latitude_cas: int, longitude_cas: int, heading_cdeg: int) -> Node | None:
        """`ahead` with the heading in 0.01 degrees, as the core has it."""
        self._plane.place(latitude_cas, longitude_cas)
        for radius_dm in _RADII_DM:
            square, index = self._nearest(latitude_cas, longitude_cas, heading_cdeg, radius_dm)
            if index is not None:
                distance_m = min(round(square**0.5 / 10), LIMIT_DM // 10 - 1)  # 499.7 m is no 500 m
                priority = _priority(self._priorities[index], heading_cdeg)
                return Node(self._latitudes[index], self._longitudes[index], distance_m, priority)
        return None

    def _nearest(
        self, latitude_cas: int, longitude_cas: int, heading_cdeg: int, radius_dm: int
    ) -> tuple[int, int | None]:
        """Square of the distance (dm) and index of the nearest node inside the cone of this radius."""
        latitudes, longitudes, bands = self._latitudes, self._longitudes, self._bands
        north_q12, east_q12 = self._plane.north_q12, self._plane.east_q12
        sine, cosine = sine_q12(heading_cdeg), cosine_q12(heading_cdeg)
        south_cas, north_cas = _box(cosine, sine, radius_dm, north_q12)
        west_cas, east_cas = _box(sine, cosine, radius_dm, east_q12)
        ranges = _across_the_date_line(longitude_cas, west_cas, east_cas)
        nearest, found = radius_dm * radius_dm, None
        for band in range((latitude_cas - south_cas) // _BAND_CAS, (latitude_cas + north_cas) // _BAND_CAS + 1):
            held = bands.get(band)
            if held is None:
                continue
            for low, high, from_cas in ranges:
                first = bisect_left(longitudes, low, *held)
                for index in range(first, bisect_right(longitudes, high, first, held[1])):
                    north = ((latitudes[index] - latitude_cas) * north_q12 + 2048) >> 12
                    east = ((longitudes[index] - from_cas) * east_q12 + 2048) >> 12
                    square = north * north + east * east
                    if square < nearest and abs(east * cosine - north * sine) <= north * cosine + east * sine:
                        nearest, found = square, index
        return nearest, found


class NodeAhead:
    """Asked after each valid fix; searches only where the vehicle has moved or turned since."""

    def __init__(self, intersections: IntersectionMap) -> None:
        self._map = intersections
        self._latitude_cas = self._longitude_cas = self._heading_cdeg = NONE
        self._node: Node | None = None

    def look(self, latitude_cas: int, longitude_cas: int, heading_cdeg: int) -> Node | None:
        """The nearest node ahead; None where there is none, or place or heading are not known (NONE)."""
        if NONE in {latitude_cas, longitude_cas, heading_cdeg}:
            return None
        if (
            abs(latitude_cas - self._latitude_cas) > _STEP_CAS
            or abs(longitude_cas - self._longitude_cas) > _STEP_CAS
            or _apart_cdeg(heading_cdeg, self._heading_cdeg) > _STEP_CDEG
        ):
            self._latitude_cas, self._longitude_cas = latitude_cas, longitude_cas
            self._heading_cdeg = heading_cdeg
            self._node = self._map.ahead_cdeg(latitude_cas, longitude_cas, heading_cdeg)
        return self._node


def load_intersections(config: "Config", folder: Path) -> IntersectionMap | None:
    """The map that the configuration in `folder` names, looked for beside it; None without one."""
    return None if config.intersections.map is None else IntersectionMap.load(folder / config.intersections.map)


def node_ahead(config: "Config", folder: Path) -> NodeAhead | None:
    """What a unit of this configuration asks for the node ahead; None without a map."""
    found = load_intersections(config, folder)
    return None if found is None else NodeAhead(found)


# Geometry


def _box(axis_q12: int, other_q12: int, radius_dm: int, scale_q12: int) -> tuple[int, int]:
    """How far the cone reaches along one axis, backward and forward, in 0.01", a little more than exactly."""
    edges = ((axis_q12 - other_q12) * _EDGE_Q12 // Q12, (axis_q12 + other_q12) * _EDGE_Q12 // Q12)
    backward = Q12 if axis_q12 <= -_EDGE_Q12 else max(0, -min(edges))
    forward = Q12 if axis_q12 >= _EDGE_Q12 else max(0, *edges)
    # 8/4096 and 2 dm more: the sines are rounded, and so are the lengths
    spare = 8 * radius_dm + 2 * Q12
    return (backward * radius_dm + spare) // scale_q12 + 1, (forward * radius_dm + spare) // scale_q12 + 1


def _across_the_date_line(at_cas: int, west_cas: int, east_cas: int) -> list[tuple[int, int, int]]:
    """Ranges of longitude as the map has them (-180 degrees and up, below 180), each with ego's longitude for it."""
    low, high = at_cas - west_cas, at_cas + east_cas
    if high - low >= TURN_CAS:  # at a pole
        low, high = at_cas - HALF_TURN_CAS, at_cas + HALF_TURN_CAS - 1
    ranges = [(low, high, at_cas)]
    if low < -HALF_TURN_CAS:
        ranges.append((low + TURN_CAS, high + TURN_CAS, at_cas + TURN_CAS))
    if high >= HALF_TURN_CAS:
        ranges.append((low - TURN_CAS, high - TURN_CAS, at_cas - TURN_CAS))
    return ranges


def _apart_cdeg(one_cdeg: int, other_cdeg: int) -> int:
    return abs((one_cdeg - other_cdeg + 18000) % 36000 - 18000)


def _priority(approaches_cdeg: tuple[int, ...] | None, heading_cdeg: int) -> bool | None:
    if approaches_cdeg is None:
        return None
    return any(_apart_cdeg(heading_cdeg, approach) <= PRIORITY_CDEG for approach in approaches_cdeg)
