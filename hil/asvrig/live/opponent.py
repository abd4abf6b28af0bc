"""A live opponent on the air for a unit in table-top mode: the other vehicles of its scenario, in step with it.

The two may be on different machines whose clocks have never met, so the opponent tells the scenario's time by
what it hears: a vehicle that is where the scenario's ego is at some time, and as fast. While that vehicle
stands, nothing can be told by its place: the time goes on from when it was last seen to move.
"""

import math
import time
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from asvrig.gnss_feed import known_at
from asvrig.live.radio import check_address
from asvrig.motion import KMH
from asvrig.radio_feed import Sealer, plain_messages
from asvrig.scenario import Scenario, Vehicle
from asvrig.trajectory import Trajectory
from asvunit.errors import UsageError

_STEP_MS: Final = 20
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
        self._places: list[_Place] = []
        for t_ms in range(0, int(scenario.duration_s * 1000), _STEP_MS):
            told = known_at(scenario, scenario.ego, course, t_ms)
            if told.state.speed_mps >= _MOVING_KMH * KMH and not told.lost:
                where = (told.latitude_deg, told.longitude_deg)
                self._places.append(_Place(t_ms / 1000, *where, told.state.speed_kmh, told.state.heading_deg))
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

    def __init__(self, scenario: Scenario, vehicle: Vehicle, clock_ns: Callable[[], int] = time.time_ns) -> None:
        check_address(vehicle)
        radio = vehicle.radio
        unfit = [key for key in ("doubled_percent", "reordered_percent") if getattr(radio, key)]
        if unfit:
            raise UsageError(f"vehicle {vehicle.name!r}: radio.{unfit[0]}: an opponent sends one frame at a time")
        self.vehicle_id = vehicle.vehicle_id
        sent = list(plain_messages(scenario, vehicle))
        self._times = [at_ms / 1000 for at_ms, _t_ms, _payload in sent]
        self._payloads = [payload for _at_ms, _t_ms, payload in sent]
        self._sealer = Sealer(vehicle)
        self._clock_ns = clock_ns  # of the trailer, whose time is that of sending and not the scenario's

    def due(self, after_s: float, until_s: float) -> bytes | None:
        """What it sends in a stretch of the scenario's time; of several, the last: never a burst."""
        end = bisect_left(self._times, until_s)
        if not end or self._times[end - 1] < after_s:
            return None
        return self._sealer.seal(self._payloads[end - 1], self._clock_ns() // 1_000_000)
