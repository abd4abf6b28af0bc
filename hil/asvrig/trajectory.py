"""The truth: where a vehicle is and what its driver does at any time, in floating point.

Courses are drawn on the plane that touches the WGS84 ellipsoid at the scenario's place; metres become
degrees by the ellipsoid's own radii of curvature.
"""

import itertools
import math
from bisect import bisect_right
from dataclasses import dataclass
from typing import Final

from asvrig.motion import KMH
from asvrig.scenario import Place, Vehicle

_AXIS_M: Final = 6378137.0
_ECCENTRICITY2: Final = 0.0066943799901413165
_BRAKES_FROM: Final = -0.2  # m/s2: slower, an engine does it
_CRUISE_PERCENT: Final = 8.0
_PERCENT_EACH: Final = 12.0  # of the pedal for each m/s2


@dataclass(frozen=True, slots=True)
class State:
    """A vehicle at one time: place on the plane, motion, heading clockwise from north."""

    east_m: float
    north_m: float
    way_m: float
    speed_mps: float
    accel_mps2: float
    heading_deg: float

    @property
    def speed_kmh(self) -> float:
        """Speed in km/h."""
        return self.speed_mps / KMH


@dataclass(frozen=True, slots=True)
class Controls:
    """What the driver does at one time."""

    brake: bool
    accelerator_percent: float
    winker: str
    hazard: bool


class Trajectory:
    """The true course of one vehicle."""

    def __init__(self, vehicle: Vehicle) -> None:
        self._pieces = vehicle.pieces
        self._begins = [piece.begin_s for piece in self._pieces]
        self._controls = vehicle.controls
        points = [(vehicle.east_m, vehicle.north_m), *vehicle.via]
        if vehicle.heading_deg is None:
            legs = list(itertools.pairwise(points))
            headings = [math.degrees(math.atan2(b[0] - a[0], b[1] - a[1])) % 360 for a, b in legs]
            lengths = [math.dist(a, b) for a, b in legs]
        else:
            headings, lengths = [vehicle.heading_deg], [0.0]
        self._legs: list[tuple[float, float, float, float]] = []  # way at its begin, east, north, heading
        way = 0.0
        for point, heading, length in zip(points, headings, lengths, strict=False):
            self._legs.append((way, *point, heading))
            way += length

    def at(self, t_s: float) -> State:
        """The state at a time; before 0 it came straight at its first speed."""
        piece = self._pieces[max(0, bisect_right(self._begins, t_s) - 1)]
        if t_s < 0:
            way, speed, accel = self._pieces[0].speed_mps * t_s, self._pieces[0].speed_mps, 0.0
        else:
            way, speed, accel = piece.way_at(t_s), piece.speed_at(t_s), piece.accel_mps2
        begin, east, north, heading = self._legs[max(0, bisect_right(self._legs, (way, math.inf)) - 1)]
        along, angle = way - begin, math.radians(heading)
        return State(east + along * math.sin(angle), north + along * math.cos(angle), way, speed, accel, heading)

    def controls(self, t_s: float) -> Controls:
        """The driver's controls at a time: as set, else as the motion tells."""
        state = self.at(t_s)
        brake = state.accel_mps2 < _BRAKES_FROM or (state.speed_mps < 0.01 and state.accel_mps2 <= 0)
        push = _CRUISE_PERCENT + _PERCENT_EACH * state.accel_mps2 if state.accel_mps2 >= 0 else 0.0
        pedal = 0.0 if brake else min(100.0, push)
        winker, hazard = "off", False
        for control in self._controls:
            if control.at_s > t_s:
                break
            brake = brake if control.brake is None else control.brake
            pedal = pedal if control.accelerator_percent is None else control.accelerator_percent
            winker = control.winker or winker
            hazard = hazard if control.hazard is None else control.hazard
        return Controls(brake, pedal, winker, hazard)


def degrees(place: Place, east_m: float, north_m: float) -> tuple[float, float]:
    """Latitude and longitude of a point of the plane, the longitude from -180 to below 180."""
    origin = math.radians(place.latitude_deg)
    latitude = origin
    for _ in range(3):  # the meridian's radius is taken half way
        sine2 = math.sin((origin + latitude) / 2) ** 2
        meridian = _AXIS_M * (1 - _ECCENTRICITY2) / (1 - _ECCENTRICITY2 * sine2) ** 1.5
        latitude = origin + north_m / meridian
    normal = _AXIS_M / math.sqrt(1 - _ECCENTRICITY2 * math.sin(latitude) ** 2)
    longitude = place.longitude_deg + math.degrees(east_m / (normal * math.cos(latitude)))
    return math.degrees(latitude), (longitude + 180) % 360 - 180
