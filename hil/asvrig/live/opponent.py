"""A live opponent on the air for a unit in table-top mode: the other vehicles of its scenario, in step with it.

The two may be on different machines whose clocks have never met, so the opponent tells the scenario's time by
what it hears: a vehicle that is where the scenario's ego is at some time, and as fast. While that vehicle
stands, nothing can be told by its place: the time goes on from when it was last seen to move.
"""

import math
from bisect import bisect_left
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from asvrig.motion import KMH
from asvrig.radio_feed import messages
from asvrig.scenario import Scenario, Vehicle
from asvrig.trajectory import Trajectory, degrees
from asvunit.errors import UsageError

_STEP_S: Final = 0.02
_NEAR_M: Final = 8.0  # of the ego's course
_SPEED_KMH: Final = 4.0  # of the ego's speed there
_HEADING_DEG: Final = 20.0
_MOVING_KMH: Final = 8.0  # slower, a place does not tell the time
_SAMPLES: Final = 9  # of which the median is believed
_AGREE_S: Final = 0.3  # samples that differ more are of no ego, or of a new round
_METRES_A_DEGREE: Final = 111_320.0


@dataclass(frozen=True, slots=True)
class _Place:
    t_s: float
    latitude_deg: float
    longitude_deg: float
    speed_kmh: float
    heading_deg: float


class Pacer:
    """Tells at what time of the scenario a heard ego is. Times are seconds of any steady clock."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        course = Trajectory(scenario.ego)
        steps = int(scenario.duration_s / _STEP_S)
        self._places: list[_Place] = []
        for state, t_s in ((course.at(step * _STEP_S), step * _STEP_S) for step in range(steps)):
            if state.speed_mps >= _MOVING_KMH * KMH:
                where = degrees(scenario.place, state.east_m, state.north_m)
                self._places.append(_Place(t_s, *where, state.speed_kmh, state.heading_deg))
        if not self._places:
            raise UsageError(
                f"scenario {scenario.title!r}: its ego never moves, so nothing tells its time; name another"
            )
        self._begins: list[float] = []
        self.vehicle_id: int | None = None
        self.begin_s: float | None = None  # when the scenario began, on the caller's clock

    def hear(self, value: dict[str, Any], now_s: float) -> bool:
        """A decoded message; True if it told the time."""
        if None in (value["latitude_deg"], value["longitude_deg"], value["speed_kmh"], value["direction_deg"]):
            return False
        if value["speed_kmh"] < _MOVING_KMH:  # its place alone does not tell the time
            return False
        place = self._nearest(value)
        if place is None:
            return False
        begin_s = now_s - place.t_s
        if self._begins and abs(begin_s - median(self._begins)) > _AGREE_S:
            self._begins.clear()
        self._begins = [*self._begins[1 - _SAMPLES :], begin_s]
        if len(self._begins) >= _SAMPLES // 2:
            self.begin_s, self.vehicle_id = median(self._begins), value["vehicle_id"]
        return True

    def _nearest(self, value: dict[str, Any]) -> _Place | None:
        east_scale = _METRES_A_DEGREE * math.cos(math.radians(value["latitude_deg"]))

        def metres(place: _Place) -> float:
            north = (place.latitude_deg - value["latitude_deg"]) * _METRES_A_DEGREE
            east = ((place.longitude_deg - value["longitude_deg"] + 180) % 360 - 180) * east_scale
            return math.hypot(north, east)

        def as_driven(place: _Place) -> bool:
            turned_deg: float = abs((place.heading_deg - value["direction_deg"] + 180) % 360 - 180)
            return turned_deg <= _HEADING_DEG and abs(place.speed_kmh - value["speed_kmh"]) <= _SPEED_KMH

        alike = [place for place in self._places if as_driven(place)]
        best = min(alike, key=metres, default=None)
        return best if best is not None and metres(best) <= _NEAR_M else None


class Opponent:
    """One of the scenario's other vehicles on the air: its messages by the scenario's time."""

    def __init__(self, scenario: Scenario, vehicle: Vehicle) -> None:
        self.vehicle_id = vehicle.vehicle_id
        sent = [
            ((time_ns - scenario.start_ns) / 1e9, payload) for time_ns, _mac, payload in messages(scenario, vehicle, "")
        ]
        self._times = [t_s for t_s, _payload in sent]
        self._payloads = [payload for _t_s, payload in sent]

    def due(self, after_s: float, until_s: float) -> bytes | None:
        """What it sends in a stretch of the scenario's time; of several, the last: never a burst."""
        end = bisect_left(self._times, until_s)
        return self._payloads[end - 1] if end and self._times[end - 1] >= after_s else None
