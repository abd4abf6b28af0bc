"""The car of the suite: it drives north on a plane, among vehicles that are put where a test wants them.

A thread of its own gives the unit what a car has, at absolute times: a fix and body frames ten times a second, motion
frames fifty times, and each other vehicle's frames ten times. What its receiver and its bus do wrong is a mode of
theirs; a change of mode tells the time at which the first wrong bytes, or none, are due.
"""

import heapq
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import Final

from asvrig.gnss_feed import sentence
from asvrig.targets.target import Target

from .others import LATITUDE_DEG, LONGITUDE_DEG, METRES_EAST, METRES_NORTH, Other, Place

MS: Final = 1_000_000
MOTION, BODY = 256, 512  # identifiers of dbc/bench.dbc
JUMP_M: Final = 400.0

_WINKER: Final = {"off": 0, "left": 1, "right": 2}
_SHIFT_DRIVE: Final = 3
_PERIOD_NS, _MOTION_NS = 100 * MS, 20 * MS
_SLOWEST_FIX, _SLOWEST_BODY = 4, 2  # of these: what is rarer is late for the unit
_NOISE: Final = bytes(range(128, 256)) + b"$GNRMC,no,such,line*00\r\n$GN\x00GA,,,,,,*7F\r\n"
_TOO_FAST: Final = 0xFFF0  # 655.2 km/h, beyond the signal's 300


class Car:
    """A car on a target. Times are CLOCK_MONOTONIC ns of the bench."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._lock = threading.RLock()
        self._offset_ns = time.time_ns() - time.monotonic_ns()
        self._here, self._since_ns = Place(0.0, 0.0), time.monotonic_ns()
        self._speed_kmh, self._brake, self._winker = 0.0, True, "off"
        self._gnss, self._can = "good", "good"
        self._held: Place | None = None  # what a frozen receiver tells
        self._epoch_ns = 0  # whose time a repeating one tells
        self._others: list[Other] = []
        self._ended = threading.Event()
        self._due: list[tuple[int, int, Callable[[int], None]]] = []
        self._order = count()
        first_ns = -(-(time.time_ns() + 20 * MS) // _PERIOD_NS) * _PERIOD_NS - self._offset_ns  # as receivers do
        fix_ns = _PERIOD_NS * min(target.pace, _SLOWEST_FIX)
        self._motion_ns, self._body_ns = _MOTION_NS * target.pace, _PERIOD_NS * min(target.pace, _SLOWEST_BODY)
        self._repeat(first_ns, fix_ns, self._fix)
        self._repeat(first_ns + 3 * MS, self._motion_ns, self._motion)
        self._repeat(first_ns + 13 * MS, self._body_ns, self._body)
        self._repeat(first_ns + 37 * MS, _PERIOD_NS, self._frames)
        self._thread = threading.Thread(target=self._run, name="car of the suite", daemon=True)
        self._thread.start()

    # What a test does with it

    def calm(self) -> None:
        """It stands, nobody is around, everything works."""
        with self._lock:
            self.part()
            self._gnss = self._can = "good"
            self.drive(0)
            self._winker = "off"

    def drive(self, speed_kmh: float) -> None:
        """At once so fast; at 0 with the brake on."""
        with self._lock:
            now_ns = time.monotonic_ns()
            self._here, self._since_ns = self._at(now_ns), now_ns
            self._speed_kmh, self._brake = speed_kmh, speed_kmh == 0

    def winker(self, side: str) -> None:
        """The switch is moved; the next body frame tells it."""
        with self._lock:
            self._winker = side

    def meet(self, *, east_m: float, north_m: float, speed_kmh: float, direction_deg: float, **told: object) -> Other:
        """A vehicle, so far from the car just now; heard from its next frame on."""
        with self._lock:
            now_ns = time.monotonic_ns()
            ego = self._at(now_ns)
            place = Place(ego.east_m + east_m, ego.north_m + north_m)
            number = len(self._others)
            sender = self._target.air.sender(number)
            other = Other(sender, place, speed_kmh, direction_deg, now_ns, **told)  # type: ignore[arg-type]
            self._others.append(other)
            return other

    def part(self) -> None:
        """The others are heard no more."""
        with self._lock:
            for other in self._others:
                other.sender.close()
            self._others.clear()

    def receiver(self, mode: str) -> int:
        """Of the receiver: good, silent, void, frozen, repeated, jumping or garbage. When: just before it is so."""
        with self._lock:
            now_ns = time.monotonic_ns()
            self._held, self._epoch_ns = self._at(now_ns), now_ns
            self._gnss = mode
            return now_ns

    def bus(self, mode: str) -> int:
        """Of the bus: good, silent, stale (body frames alone are missing) or implausible. When: just before."""
        with self._lock:
            self._can = mode
            return time.monotonic_ns()

    def close(self) -> None:
        """The thread ends; the devices are the target's."""
        self._ended.set()
        self._thread.join()
        self.part()

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
            late = max(0, time.monotonic_ns() - now_ns) // period_ns  # what was slept through is not made up for
            heapq.heappush(self._due, (now_ns + (1 + late) * period_ns, next(self._order), once))

        heapq.heappush(self._due, (due_ns, next(self._order), once))

    def _at(self, now_ns: int) -> Place:
        metres = (now_ns - self._since_ns) / 1e9 * self._speed_kmh / 3.6
        return Place(self._here.east_m, self._here.north_m + metres)

    def _fix(self, due_ns: int) -> None:
        place = self._held if self._gnss == "frozen" and self._held else self._at(due_ns)
        if self._gnss == "jumping":  # there and back each second
            place = Place(place.east_m, place.north_m + JUMP_M * (due_ns // (10 * _PERIOD_NS) % 2))
        if self._gnss == "garbage":
            self._target.receiver.write(_NOISE)
        elif self._gnss != "silent":
            told_ns = self._epoch_ns if self._gnss == "repeated" else due_ns
            self._target.receiver.write(self._epoch(told_ns, place, valid=self._gnss != "void"))

    def _epoch(self, told_ns: int, place: Place, *, valid: bool) -> bytes:
        unix_ns = told_ns + self._offset_ns
        moment = datetime.fromtimestamp(unix_ns // 10**9, UTC)
        clock = f"{moment:%H%M%S}.{unix_ns // (10 * MS) % 100:02d}"
        if not valid:
            gap = sentence(f"GNRMC,{clock},V,,,,,,,{moment:%d%m%y},,,N")
            return gap + sentence(f"GNGGA,{clock},,,,,0,00,99.99,,,,,,")
        north = _angle(LATITUDE_DEG + place.north_m / METRES_NORTH, 2, "N")
        where = f"{north},{_angle(LONGITUDE_DEG + place.east_m / METRES_EAST, 3, 'E')}"
        speed, course = f"{self._speed_kmh / 1.852:.3f}", "0.00" if self._speed_kmh else ""
        rmc = sentence(f"GNRMC,{clock},A,{where},{speed},{course},{moment:%d%m%y},,,A")
        return rmc + sentence(f"GNGGA,{clock},{where},1,12,1.00,25.0,M,37.0,M,,")

    def _motion(self, due_ns: int) -> None:
        if self._can == "silent":
            return
        told = _TOO_FAST if self._can == "implausible" else round(self._speed_kmh * 100)
        alive = due_ns // self._motion_ns % 16
        self._target.can.send(MOTION, False, told.to_bytes(2, "little") + bytes((0, 0, self._brake, 0, 0, alive)))

    def _body(self, due_ns: int) -> None:
        if self._can in ("silent", "stale"):
            return
        alive = due_ns // self._body_ns % 16
        self._target.can.send(BODY, False, bytes((_WINKER[self._winker], _SHIFT_DRIVE, 0, 0, 0, 0, 0, alive)))

    def _frames(self, due_ns: int) -> None:
        for other in self._others:
            other.sender.send(other.frame(due_ns, due_ns + self._offset_ns))


def _angle(degrees: float, digits: int, hemisphere: str) -> str:
    """dddmm.mmmmm,H: counted in 0.00001 minutes, so that rounding carries into the degrees."""
    degree, rest = divmod(round(degrees * 6_000_000), 6_000_000)
    return f"{degree:0{digits}d}{rest // 100_000:02d}.{rest % 100_000:05d},{hemisphere}"
