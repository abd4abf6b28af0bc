"""The car of the bench: it stands at a line, heading north, and meets one vehicle after another.

A thread of its own gives the unit what a standing car has: a fix and body frames ten times a second, motion frames
fifty times, and the frames of the vehicle that it is to meet. A stimulus comes between them, at its own time, from
the thread that measures, which learns when its bytes were handed over.
"""

import heapq
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final, Protocol

from asvrig.gnss_feed import sentence
from asvunit.message import encode, raw_from_values

LATITUDE_DEG, LONGITUDE_DEG = 35.0, 139.0  # of the line
MS: Final = 1_000_000
PERIOD_NS: Final = 100 * MS
_METRES_NORTH, _METRES_EAST = 110_941.0, 91_288.0  # of a degree there
_MOTION, _BODY = 256, 512  # of dbc/bench.dbc
_WINKER: Final = {"off": 0, "left": 1, "right": 2}
_SHIFT_DRIVE: Final = 3
_MOTION_NS: Final = 20 * MS
_AFTER_FIX_NS: Final = (3 * MS, 13 * MS)  # motion and body frames
_CLOSEST_NS: Final = 60 * MS  # two epochs
_APPROACH_KMH: Final = 20
_JST: Final = timedelta(hours=9)
_IDS: Final = 16_384


class Line(Protocol):
    """The unit's receiver as the bench stands in for it: whole sentences."""

    def write(self, data: bytes) -> None: ...

    def service(self) -> None: ...

    def close(self) -> None: ...


class Bus(Protocol):
    """The unit's CAN bus: frames of the car's control units."""

    def send(self, identifier: int, extended: bool, data: bytes) -> None: ...

    def service(self) -> None: ...

    def close(self) -> None: ...


class Air(Protocol):
    """The radio of the vehicles that are met."""

    def send(self, payload: bytes) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Way:
    """How a vehicle moves: where it is at first, metres from the line, and where it goes."""

    east_m: float
    north_m: float
    speed_kmh: int
    direction_deg: int  # of travel: 0, 90, 180 or 270


class Vehicle:
    """One that is met; each has an id of its own. Its frames follow one another as a radio's do."""

    def __init__(self, vehicle_id: int, way: Way, begin_ns: int) -> None:
        self.vehicle_id, self.way, self._begin_ns = vehicle_id % _IDS, way, begin_ns
        self._counter = 0

    def turn(self, direction_deg: int, now_ns: int) -> None:
        """It goes into another direction from where it is."""
        east_m, north_m = self._at(now_ns)
        self.way = Way(east_m, north_m, self.way.speed_kmh, direction_deg)
        self._begin_ns = now_ns

    def turn_back(self, metres: float, now_ns: int) -> None:
        """Back to ego's axis, if it is farther from it than that and still leaves it."""
        east_m, _north_m = self._at(now_ns)
        if abs(east_m) > metres and (east_m > 0) == (self.way.direction_deg == 90):
            self.turn(270 if east_m > 0 else 90, now_ns)

    def frame(self, now_ns: int, unix_ns: int) -> bytes:
        """The 100 bytes of now."""
        east_m, north_m = self._at(now_ns)
        clock = datetime.fromtimestamp(unix_ns // 10**9, UTC) + _JST
        value = {
            "vehicle_id": self.vehicle_id,
            "increment_counter": self._counter % 256,
            "position_class": "B",
            "vehicle_kind": "car",
            "latitude_deg": LATITUDE_DEG + north_m / _METRES_NORTH,
            "longitude_deg": LONGITUDE_DEG + east_m / _METRES_EAST,
            "horizontal_error_m": 3,
            "revision": 1,
            "speed_kmh": self.way.speed_kmh,
            "direction_deg": self.way.direction_deg,
            "brake": False,
            "winker": "off",
            "hazard": "off",
            "road": "ordinary",
            "fix_time_jst": f"{clock:%H:%M:%S}",
        }
        self._counter += 1
        return encode(raw_from_values(value))

    def _at(self, now_ns: int) -> tuple[float, float]:
        way = self.way
        metres = (now_ns - self._begin_ns) / 1e9 * way.speed_kmh / 3.6
        east, north = {0: (0, 1), 90: (1, 0), 180: (0, -1), 270: (-1, 0)}[way.direction_deg]
        return way.east_m + east * metres, way.north_m + north * metres


class BenchCar:
    """The devices of a unit under test, driven from a thread. Times are CLOCK_MONOTONIC ns."""

    def __init__(self, receiver: Line, can: Bus, radio: Air) -> None:
        self.receiver, self.can, self.radio = receiver, can, radio
        self._offset_ns = time.time_ns() - time.monotonic_ns()
        self._speed_kmh, self._brake, self._winker, self._valid = _APPROACH_KMH, False, "off", True
        self._course = True
        self._body_alive = 0
        self._vehicle: Vehicle | None = None
        self._last_epoch_ns = self._last_frame_ns = 0
        self._hold_from_ns: int | None = None  # no epochs from then on: the stimulus gives the next one
        self._due: list[tuple[int, int, Callable[[int], None]]] = []
        self._lock = threading.RLock()
        self._order = count()
        self._ended = threading.Event()
        first_ns = time.monotonic_ns() + PERIOD_NS
        self._repeat(first_ns, PERIOD_NS, self._fix_due)
        self._repeat(first_ns + _AFTER_FIX_NS[0], _MOTION_NS, self._motion)
        self._repeat(first_ns + _AFTER_FIX_NS[1], PERIOD_NS, self._body_due)
        self._repeat(first_ns + 37 * MS, PERIOD_NS, self._vehicle_due)
        self._thread = threading.Thread(target=self._run, name="car of the bench", daemon=True)
        self._thread.start()

    # What the thread that measures does with it

    def stop_at_the_line(self) -> None:
        """It stands; its receiver tells no course any more."""
        with self._lock:
            self._speed_kmh, self._brake, self._course = 0, True, False

    def winker(self, side: str) -> int:
        """The switch is moved: a body frame at once. When its bytes were handed over: just before."""
        with self._lock:
            self._winker = side
            return self._body()

    def meet(self, vehicle: Vehicle) -> int:
        """A vehicle is heard from now on: its first frame at once, ten a second after it. When: just before."""
        with self._lock:
            self._vehicle = vehicle
            now_ns = time.monotonic_ns()
            payload = vehicle.frame(now_ns, now_ns + self._offset_ns)
            sent_ns = self._last_frame_ns = time.monotonic_ns()
            self.radio.send(payload)
            return sent_ns

    def stay_near(self, metres: float) -> None:
        """A vehicle that goes east or west turns back where it is farther than that from ego's axis."""
        with self._lock:
            if self._vehicle is not None:
                self._vehicle.turn_back(metres, time.monotonic_ns())

    def part(self) -> None:
        """The vehicle turns away, tells so once, and is heard no more."""
        with self._lock:
            vehicle, self._vehicle = self._vehicle, None
            if vehicle is not None:
                now_ns = time.monotonic_ns()
                vehicle.turn(0, now_ns)
                self.radio.send(vehicle.frame(now_ns, now_ns + self._offset_ns))

    def lose_fix(self) -> None:
        """The receiver has no fix from its next epoch on."""
        with self._lock:
            self._valid = False

    def hold_fixes(self, from_ns: int) -> None:
        """No epochs from then on until `find_fix`: two that a receiver gives are not closer than its period."""
        with self._lock:
            self._hold_from_ns = from_ns

    def find_fix(self) -> int:
        """A valid epoch at once; later ones follow at their times. When its bytes were handed over: just before."""
        with self._lock:
            self._valid, self._hold_from_ns = True, None
            data = self._epoch(time.monotonic_ns())
            sent_ns = self._last_epoch_ns = time.monotonic_ns()
            self.receiver.write(data)
            return sent_ns

    def epoch_bytes(self) -> int:
        """Bytes of an epoch."""
        return len(self._epoch(time.monotonic_ns()))

    def body_frame(self) -> tuple[int, bytes]:
        """Identifier and data of the frame that the winker goes by."""
        return _BODY, self._body_data()

    def close(self) -> None:
        """The thread ends, the devices go."""
        self._ended.set()
        self._thread.join()
        for one in (self.receiver, self.can, self.radio):
            one.close()

    # The thread

    def _run(self) -> None:
        while not self._ended.is_set():
            due_ns, _order, action = heapq.heappop(self._due)
            wait_ns = due_ns - time.monotonic_ns()
            if wait_ns > 0:
                time.sleep(wait_ns / 1e9)
            with self._lock:
                action(due_ns)

    def _repeat(self, due_ns: int, period_ns: int, action: Callable[[int], None]) -> None:
        def once(now_ns: int) -> None:
            action(now_ns)
            heapq.heappush(self._due, (now_ns + period_ns, next(self._order), once))

        heapq.heappush(self._due, (due_ns, next(self._order), once))

    def _fix_due(self, due_ns: int) -> None:
        held = self._hold_from_ns is not None and due_ns >= self._hold_from_ns
        if held or due_ns - self._last_epoch_ns < _CLOSEST_NS:
            return
        self._last_epoch_ns = due_ns
        self.receiver.write(self._epoch(due_ns))

    def _epoch(self, due_ns: int) -> bytes:
        unix_ns = due_ns + self._offset_ns
        moment = datetime.fromtimestamp(unix_ns // 10**9, UTC)
        clock = f"{moment:%H%M%S}.{unix_ns // (10 * MS) % 100:02d}"
        if not self._valid:
            gap = sentence(f"GNRMC,{clock},V,,,,,,,{moment:%d%m%y},,,N")
            return gap + sentence(f"GNGGA,{clock},,,,,0,00,99.99,,,,,,")
        where = "3500.00000,N,13900.00000,E"
        speed, course = f"{self._speed_kmh / 1.852:.3f}", "0.00" if self._course else ""
        rmc = sentence(f"GNRMC,{clock},A,{where},{speed},{course},{moment:%d%m%y},,,A")
        return rmc + sentence(f"GNGGA,{clock},{where},1,12,1.00,25.0,M,37.0,M,,")

    def _motion(self, due_ns: int) -> None:
        self.receiver.service()
        self.can.service()
        speed = (self._speed_kmh * 100).to_bytes(2, "little")
        alive = due_ns // _MOTION_NS % 16
        self.can.send(_MOTION, False, speed + bytes((0, 0, int(self._brake), 0, 0, alive)))

    def _body_due(self, _due_ns: int) -> None:
        self._body()

    def _body(self) -> int:
        data = self._body_data()
        self._body_alive += 1
        sent_ns = time.monotonic_ns()
        self.can.send(_BODY, False, data)
        return sent_ns

    def _body_data(self) -> bytes:
        return bytes((_WINKER[self._winker], _SHIFT_DRIVE, 0, 0, 0, 0, 0, self._body_alive % 16))

    def _vehicle_due(self, due_ns: int) -> None:
        if self._vehicle is not None and due_ns - self._last_frame_ns >= _CLOSEST_NS:
            self._last_frame_ns = due_ns
            self.radio.send(self._vehicle.frame(due_ns, due_ns + self._offset_ns))
