"""A car that waits at a line, with its receiver and its bus, while one vehicle after another comes from the left.

Each newcomer is a vehicle of its own that is heard ten times a second, as real ones are; the car starts and stops
again in between, so that each calls for a caution of its own. How long each took to reach the driver is what the
unit's events tell (`written_ns`) against when its first frame was sent.
"""

import heapq
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count, pairwise
from typing import Any, Final

from asvrig.gnss_feed import sentence
from asvrig.live.receiver import ReceiverPty
from asvrig.live.slcan import SlcanPty
from asvunit.message import encode, raw_from_values

LATITUDE_DEG, LONGITUDE_DEG = 35.0, 139.0  # of the line
NEWCOMER_MS: Final = 1200  # from one to the next
FIRST_ID: Final = 1000  # of the newcomers
_METRES_NORTH, _METRES_EAST = 110_941.0, 91_288.0  # of a degree there
_WEST_M, _NORTH_M, _SPEED_KMH = 42.0, 15.0, 60  # where a newcomer is heard first
_COMES_MS: Final = (0, 100, 200, 300)  # its frames
_STARTS_MS, _TURNED_MS, _STOPS_MS = 350, (400, 500), 650  # the car starts; the newcomer has turned; the car stops
_MOTION, _BODY = 256, 512  # of dbc/bench.dbc
_MS: Final = 1_000_000
_JST: Final = timedelta(hours=9)
_PERIOD_NS: Final = 100 * _MS


def message(vehicle_id: int, counter: int, east_m: float, direction_deg: int, unix_s: int) -> bytes:
    """A frame of a newcomer that is so far to the east of the line."""
    clock = datetime.fromtimestamp(unix_s, UTC) + _JST
    value = {
        "vehicle_id": vehicle_id,
        "increment_counter": counter % 256,
        "position_class": "B",
        "vehicle_kind": "car",
        "latitude_deg": LATITUDE_DEG + _NORTH_M / _METRES_NORTH,
        "longitude_deg": LONGITUDE_DEG + east_m / _METRES_EAST,
        "horizontal_error_m": 3,
        "revision": 1,
        "speed_kmh": _SPEED_KMH,
        "direction_deg": direction_deg,
        "brake": False,
        "winker": "off",
        "hazard": "off",
        "road": "ordinary",
        "fix_time_jst": f"{clock:%H:%M:%S}",
    }
    return encode(raw_from_values(value))


class WaitingCar:
    """Its receiver and bus (pseudo terminals), driven from a thread; `send` gives the newcomers' frames to the air."""

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self.receiver, self.can = ReceiverPty(), SlcanPty()
        self.appeared_ns: list[int] = []  # when the first frame of each newcomer was sent, monotonic
        self._send_frame = send
        self._speed_kmh, self._brake, self._fix_kmh = 20, False, 20
        self._offset_ns = time.time_ns() - time.monotonic_ns()
        self._due: list[tuple[int, int, Callable[[int], None]]] = []
        self._lock = threading.Lock()
        self._order = count()
        self._ended = threading.Event()
        first_ns = -(-(time.time_ns() + 20 * _MS) // _PERIOD_NS) * _PERIOD_NS - self._offset_ns  # as receivers do
        self._repeat(first_ns, _PERIOD_NS, self._fix)
        self._repeat(first_ns + 3 * _MS, 20 * _MS, self._motion)
        self._repeat(first_ns + 13 * _MS, _PERIOD_NS, self._body)
        self._thread = threading.Thread(target=self._run, name="waiting car", daemon=True)
        self._thread.start()

    def wait_at_the_line(self) -> None:
        """It drives north until this is called, so that a heading is known."""
        self._speed_kmh, self._brake, self._fix_kmh = 0, True, 0

    def meet(self, newcomers: int, begin_ns: int) -> int:
        """Plans so many newcomers from a time of the monotonic clock on; when the last is over."""
        for number in range(newcomers):
            # Any phase of the unit's cycle
            self._meet(FIRST_ID + number, begin_ns + number * NEWCOMER_MS * _MS + int(number * 0.618 % 1 * _PERIOD_NS))
        return begin_ns + newcomers * NEWCOMER_MS * _MS + _PERIOD_NS

    def close(self) -> None:
        """Its devices go."""
        self._ended.set()
        self._thread.join()
        self.receiver.close()
        self.can.close()

    def _meet(self, vehicle_id: int, at_ns: int) -> None:
        for counter, after_ms in enumerate((*_COMES_MS, *_TURNED_MS)):
            due_ns = at_ns + after_ms * _MS
            direction_deg = 90 if after_ms < _STARTS_MS else 0
            east_m = counter * _SPEED_KMH / 36 - _WEST_M
            frame = message(vehicle_id, counter, east_m, direction_deg, (due_ns + self._offset_ns) // 10**9)
            self._at(due_ns, partial(self._again if counter else self._appear, frame))
        self._at(at_ns + _STARTS_MS * _MS, partial(self._drive, 12, False))
        self._at(at_ns + _STOPS_MS * _MS, partial(self._drive, 0, True))

    def _appear(self, frame: bytes, _due_ns: int) -> None:
        self.appeared_ns.append(time.monotonic_ns())
        self._send_frame(frame)

    def _again(self, frame: bytes, _due_ns: int) -> None:
        self._send_frame(frame)

    def _drive(self, speed_kmh: int, brake: bool, _due_ns: int) -> None:
        self._speed_kmh, self._brake = speed_kmh, brake

    # The thread

    def _run(self) -> None:
        while not self._ended.is_set():
            with self._lock:
                due_ns, _order, action = heapq.heappop(self._due)
            wait_ns = due_ns - time.monotonic_ns()
            if wait_ns > 0:
                time.sleep(wait_ns / 1e9)
            action(due_ns)

    def _at(self, due_ns: int, action: Callable[[int], None]) -> None:
        with self._lock:
            heapq.heappush(self._due, (due_ns, next(self._order), action))

    def _repeat(self, due_ns: int, period_ns: int, action: Callable[[int], None]) -> None:
        def once(now_ns: int) -> None:
            action(now_ns)
            self._at(now_ns + period_ns, once)

        self._at(due_ns, once)

    def _fix(self, due_ns: int) -> None:
        unix_ns = due_ns + self._offset_ns
        moment = datetime.fromtimestamp(unix_ns // 10**9, UTC)
        clock = f"{moment:%H%M%S}.{unix_ns // (10 * _MS) % 100:02d}"
        where = "3500.00000,N,13900.00000,E"
        course = "0.00" if self._fix_kmh else ""
        rmc = sentence(f"GNRMC,{clock},A,{where},{self._fix_kmh / 1.852:.3f},{course},{moment:%d%m%y},,,A")
        self.receiver.write(rmc + sentence(f"GNGGA,{clock},{where},1,12,1.00,25.0,M,37.0,M,,"))

    def _motion(self, due_ns: int) -> None:
        self.receiver.service()
        self.can.service()
        alive = due_ns // (20 * _MS) % 16
        speed = (self._speed_kmh * 100).to_bytes(2, "little")
        self.can.send(_MOTION, False, speed + bytes((0, 0, int(self._brake), 0, 0, alive)))

    def _body(self, due_ns: int) -> None:
        self.can.send(_BODY, False, bytes((0, 3, 0, 0, 0, 0, 0, due_ns // _PERIOD_NS % 16)))


def cautions(appeared_ns: Sequence[int], events: Sequence[dict[str, Any]]) -> list[float | None]:
    """Milliseconds from each newcomer's first frame to its caution on the pins; None: it got none in its time."""
    written = [
        event["stamp_ns"] + event["written_us"] * 1000
        for event in events
        if event["event"] == "latency" and event["level"] == "caution"
    ]
    out: list[float | None] = []
    for at_ns, next_ns in pairwise([*appeared_ns, 1 << 63]):
        until_ns = min(next_ns, at_ns + _STARTS_MS * _MS)
        found = next((one for one in written if at_ns <= one < until_ns), None)
        out.append(None if found is None else (found - at_ns) / _MS)
    return out
