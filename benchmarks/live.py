"""The live unit: its start, the way from a frame to the pin among 200 vehicles, its cycle, its share, its memory.

The unit is a process of its own, its receiver and its CAN adapter are ptys, its radio is UDP on loopback. Two parts
of the benchmark are processes too, so that they take no time of each other: the traffic, and the hour in virtual time.
"""

import heapq
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import cantools
from common import Row

from asvcore.settings import Settings
from asvrig.gnss_feed import sentence
from asvrig.live.bare_sleep import BareSleep
from asvrig.live.radio import RadioSender, free_udp_port
from asvrig.live.receiver import ReceiverPty
from asvrig.live.slcan import SlcanPty
from asvrig.live.unit_process import UnitProcess
from asvrig.scenario import Vehicle
from asvrig.unit_config import LOOPBACK, unit_config
from asvunit.clock import UnitClock
from asvunit.message import encode, raw_from_values
from asvunit.ports import BRAKE, SPEED, Fix, RadioFrame, VehicleSignal
from asvunit.quantiles import Quantiles
from asvunit.unit import Unit

NAME = "Live unit"
MS = 1_000_000
STARTS = 3
IMPORTS = "import can, cantools, pydantic, pynmea2, gpiozero"
OTHERS = 200
MEETING_S, WAITING_S = 60.0, 15.0  # of the load: newcomers appear; ego waits, and all others are judged all the time
SETTLE_S = 1.5  # of traffic before it, between and after
LOAD_S = MEETING_S + WAITING_S + 3 * SETTLE_S
LATITUDE, LONGITUDE = 35.0, 139.0
METRES_NORTH, METRES_EAST = 110_941.0, 91_288.0  # of a degree there
COUNTER = 256  # of the increment counter
NEWCOMER_MS = 800  # from one newcomer to the next; what happens in between:
STARTS_MS, TURNED_MS, STOPS_MS = 150, 250, 300
NEWCOMER_IDS = 1000  # and on
EGO = Vehicle.model_validate(
    {"name": "ego", "ego": True, "heading_deg": 0, "speed_kmh": 0, "seed": 4711, "can": "bench", "class": "B"}
)


def message(vehicle_id: int, number: int, east_m: float, north_m: float, speed_kmh: int, direction_deg: int) -> bytes:
    """A frame of a vehicle that is so far from ego."""
    value = {
        "vehicle_id": vehicle_id,
        "increment_counter": number % COUNTER,
        "position_class": "B",
        "vehicle_kind": "car",
        "latitude_deg": LATITUDE + north_m / METRES_NORTH,
        "longitude_deg": LONGITUDE + east_m / METRES_EAST,
        "horizontal_error_m": 3,
        "revision": 1,
        "speed_kmh": speed_kmh,
        "direction_deg": direction_deg,
        "brake": False,
        "winker": "off",
        "hazard": "off",
        "road": "ordinary",
    }
    return encode(raw_from_values(value))


# The traffic: a process


def course(number: int) -> Iterator[tuple[float, float, int, int]]:
    """East, north, speed and direction of one of the others, 100 ms apart: ordinary neighbours, no targets."""
    speed_kmh = 30 + number % 20
    step_m = speed_kmh / 36
    side = 1 if number % 2 else -1
    for step in range(COUNTER):
        way_m = step * step_m
        if number % 4 < 2:  # on roads beside ego's, up and down
            yield side * (50 + number), side * (way_m - COUNTER * step_m / 2), speed_kmh, 0 if side > 0 else 180
        elif number % 8 < 6:  # has crossed ahead, drives away
            yield side * (50 + way_m), 20, speed_kmh, 90 if side > 0 else 270
        else:  # crosses behind
            yield side * (way_m - COUNTER * step_m / 2), -60 - number, speed_kmh, 90 if side > 0 else 270


def traffic(port: int, seconds: float, others: int = OTHERS) -> None:
    """Sends evenly spread frames of the others; begins when told to, then prints what it did."""
    frames = [[message(number, step, *at) for step, at in enumerate(course(number))] for number in range(others)]
    radios = [RadioSender(LOOPBACK, port) for _ in range(others)]
    late, clock = Quantiles(), time.monotonic_ns
    print("made", flush=True)
    sys.stdin.readline()
    begin_ns, busy_s = clock(), time.process_time()
    spacing_ns = 100 * MS // others
    total = int(seconds * 10) * others
    for index in range(total):
        due_ns = begin_ns + index * spacing_ns
        wait_ns = due_ns - clock()
        if wait_ns > 0:
            time.sleep(wait_ns / 1e9)
        step, number = divmod(index, others)
        radios[number].send(frames[number][step % COUNTER])
        late.add_ns(clock() - due_ns)
    busy_s = time.process_time() - busy_s
    took_s = (clock() - begin_ns) / 1e9
    sent, dropped = (sum(part) for part in zip(*((r.sent, r.dropped.total()) for r in radios), strict=True))
    told = {"sent": sent, "dropped": dropped, "cpu_percent": 100 * busy_s / took_s, "late": late.summary()}
    print(json.dumps(told), flush=True)


class Traffic:
    """The process above."""

    def __init__(self, port: int, seconds: float, others: int = OTHERS) -> None:
        self._process = part_of_this("traffic", str(port), str(seconds), str(others))
        self._line()

    def begin(self) -> None:
        assert self._process.stdin
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def result(self) -> dict[str, Any]:
        return dict(json.loads(self._line()))

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _line(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("the traffic ended early: the benchmark measures nothing")
        return line


def part_of_this(*arguments: str) -> "subprocess.Popen[str]":
    """A part of the benchmark as a process of its own."""
    return subprocess.Popen(
        [sys.executable, __file__, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


# Ego: its receiver, its bus, and who comes along


class Car:
    """The receiver and the bus of ego, driven from a thread: it drives north until told to stop at a line."""

    def __init__(self, radio_port: int) -> None:
        database = cantools.database.load_file(Path(__file__).resolve().parent.parent / "dbc" / "bench.dbc")
        self._motion, self._body = (database.get_message_by_name(name) for name in ("MOTION", "BODY"))
        self.receiver, self.can = ReceiverPty(), SlcanPty()
        self.speed_kmh, self.brake, self.fix_kmh = 20, False, 20
        self.newcomers = 0
        self._radio = RadioSender(LOOPBACK, radio_port)
        self._offset_ns = time.time_ns() - time.monotonic_ns()
        self._due: list[tuple[int, int, Callable[[int], None]]] = []
        self._order = count()
        self._ended = threading.Event()
        first_ns = -(-(time.time_ns() + 20 * MS) // (100 * MS)) * 100 * MS - self._offset_ns  # as receivers do
        self._repeat(first_ns, 100 * MS, self._fix)
        self._repeat(first_ns + 3 * MS, 20 * MS, self._send_motion)
        self._repeat(first_ns + 13 * MS, 100 * MS, self._send_body)
        self._thread = threading.Thread(target=self._run, name="ego", daemon=True)
        self._thread.start()

    def wait_at_the_line(self) -> None:
        self.speed_kmh, self.brake, self.fix_kmh = 0, True, 0

    def meet(self, begin_ns: int, number: int) -> None:
        """A new vehicle appears late from the left; then ego starts, which ends support, and stops again."""
        vehicle_id = NEWCOMER_IDS + number
        appears_ns = begin_ns + number * NEWCOMER_MS * MS + int(number * 0.618 % 1 * 100 * MS)  # any phase of a cycle
        comes = message(vehicle_id, 0, -40, 15, 60, 90)
        turned = message(vehicle_id, 1, -38, 15, 60, 0)  # so that it is no target at the next stop
        self._at(appears_ns, partial(self._sends, comes))
        self._at(appears_ns + STARTS_MS * MS, partial(self._drives, 12, False))
        self._at(appears_ns + TURNED_MS * MS, partial(self._sends, turned))
        self._at(appears_ns + STOPS_MS * MS, partial(self._drives, 0, True))
        self.newcomers += 1

    def close(self) -> None:
        self._ended.set()
        self._thread.join()
        for one in (self.receiver, self.can, self._radio):
            one.close()

    def _run(self) -> None:
        while not self._ended.is_set():
            due_ns, _order, action = heapq.heappop(self._due)
            wait_ns = due_ns - time.monotonic_ns()
            if wait_ns > 0:
                time.sleep(wait_ns / 1e9)
            action(due_ns)

    def _at(self, due_ns: int, action: Callable[[int], None]) -> None:
        heapq.heappush(self._due, (due_ns, next(self._order), action))

    def _repeat(self, due_ns: int, period_ns: int, action: Callable[[int], None]) -> None:
        def once(now_ns: int) -> None:
            action(now_ns)
            self._at(now_ns + period_ns, once)

        self._at(due_ns, once)

    def _sends(self, frame: bytes, _due_ns: int) -> None:
        self._radio.send(frame)

    def _drives(self, speed_kmh: int, brake: bool, _due_ns: int) -> None:
        self.speed_kmh, self.brake = speed_kmh, brake

    def _fix(self, due_ns: int) -> None:
        unix_ns = due_ns + self._offset_ns
        moment = datetime.fromtimestamp(unix_ns // 10**9, UTC)
        clock = f"{moment:%H%M%S}.{unix_ns // (10 * MS) % 100:02d}"
        where = "3500.00000,N,13900.00000,E"
        course = "0.00" if self.fix_kmh else ""
        rmc = sentence(f"GNRMC,{clock},A,{where},{self.fix_kmh / 1.852:.3f},{course},{moment:%d%m%y},,,A")
        self.receiver.write(rmc + sentence(f"GNGGA,{clock},{where},1,12,1.00,25.0,M,37.0,M,,"))

    def _send_motion(self, due_ns: int) -> None:
        self.receiver.service()
        self.can.service()
        raw = {"SPEED": self.speed_kmh * 100, "BRAKE_LAMP": int(self.brake), "MOTION_ALIVE": due_ns // (20 * MS) % 16}
        self._send(self._motion, raw)

    def _send_body(self, due_ns: int) -> None:
        self._send(self._body, {"SHIFT_POSITION": 3, "BODY_ALIVE": due_ns // (100 * MS) % 16})

    def _send(self, frame: Any, raw: dict[str, int]) -> None:
        filled = {signal.name: 0 for signal in frame.signals} | raw
        self.can.send(frame.frame_id, False, frame.encode(filled, scaling=False, strict=False))


def start(folder: Path, car: Car, port: int) -> tuple[UnitProcess, float]:
    """A unit that runs, and the seconds it took from its command to its event "ready"."""
    text = unit_config(
        EGO, seed=1, gnss_port=car.receiver.port, can_channel=car.can.port, radio_port=port, folder=folder
    )
    begin_s = time.monotonic()
    unit = UnitProcess("ego", folder, text)
    try:
        unit.wait_ready(30)
    except BaseException:
        unit.stop()
        raise
    return unit, time.monotonic() - begin_s


def start_rows() -> list[Row]:
    """(a): the start, beside that of a Python which only imports what the unit stands on."""
    starts, peers = [], []
    for _ in range(STARTS):
        with tempfile.TemporaryDirectory() as folder:
            port = free_udp_port()
            car = Car(port)
            try:
                unit, took_s = start(Path(folder), car, port)
                unit.stop()
            finally:
                car.close()
        starts.append(took_s)
        begin_s = time.monotonic()
        subprocess.run([sys.executable, "-c", IMPORTS], check=True)
        peers.append(time.monotonic() - begin_s)
    return [
        Row("start to ready", statistics.median(starts), "s", 2, note=f"median of {STARTS}"),
        Row("bare Python with the same libraries", statistics.median(peers), "s", note=f"`{IMPORTS}`"),
    ]


def quantile(values: list[float], share: float) -> float:
    """The value that `share` of all do not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def share_percent(unit: UnitProcess, seconds: float) -> float:
    """Of one processor, over some seconds from now."""
    cpu_s, wall_s = unit.cpu_s(), time.monotonic()
    time.sleep(seconds)
    return 100 * (unit.cpu_s() - cpu_s) / (time.monotonic() - wall_s)


def load_rows() -> list[Row]:
    """(b) and (c): a minute and more among 200 vehicles at 10 Hz."""
    port = free_udp_port()
    others = Traffic(port, LOAD_S)
    car = Car(port)
    bare = None
    try:
        with tempfile.TemporaryDirectory() as folder, start(Path(folder), car, port)[0] as unit:
            time.sleep(2)  # so that a heading is heard
            car.wait_at_the_line()
            others.begin()
            bare = BareSleep()
            begin_ns = time.monotonic_ns() + int(SETTLE_S * 1e9)
            for number in range(int(MEETING_S * 1000 / NEWCOMER_MS)):
                car.meet(begin_ns, number)
            time.sleep(SETTLE_S)
            rss_kib = unit.rss_kib()
            meeting = share_percent(unit, MEETING_S)
            time.sleep(SETTLE_S)
            waiting = share_percent(unit, WAITING_S)
            grown_kib = unit.rss_kib() - rss_kib
            sleep, sent, load = bare.result(), others.result(), os.getloadavg()
            since = len(unit.events)
            unit.wait_event(lambda event: event["event"] == "statistics", 15, since=since)
            told = [event for event in unit.events if event["event"] in ("latency", "statistics")]
    finally:
        if bare is not None:
            bare.close()
        others.close()
        car.close()
    figures = [event for event in told if event["event"] == "statistics"][-1]
    cautions = [event for event in told if event["event"] == "latency" and event["level"] == "caution"]
    written = [event["written_us"] / 1000 for event in cautions if event["input"] == "frame"]
    if len(written) < 60:
        raise SystemExit(f"{len(written)} cautions of {car.newcomers} came by a frame: too few to measure")
    return [
        *rows_of(figures, cautions, written, sleep, sent, load[0]),
        Row("share of a processor while ego waits", waiting, "%", 30,
            note=f"all {OTHERS} judged at each frame and cycle; {meeting:.0f} % while ego comes and goes"),
        Row("memory gained meanwhile", grown_kib / 1024, "MiB",
            note=f"from {rss_kib / 1024:.0f} MiB, in {LOAD_S:.0f} s"),
    ]  # fmt: skip


def rows_of(
    figures: dict[str, Any],
    cautions: list[dict[str, Any]],
    written: list[float],
    sleep: dict[str, Any],
    sent: dict[str, Any],
    load: float,
) -> list[Row]:
    """What the unit and the yardsticks told of the load."""
    of_frames = [event for event in cautions if event["input"] == "frame"]
    taken, decided = (statistics.median(event[key] for event in of_frames) for key in ("taken_us", "decided_us"))
    judged, cycle, send = figures["frame_to_judged"], figures["cycle_late"], figures["send_late"]
    radio = figures["counters"].get("radio", {})
    lost = radio.get("overflow", 0) + radio.get("stale", 0) + figures["inbox_lost"]
    spread = sent["late"]
    return [
        Row("frame in the socket to caution on the pin, p50", quantile(written, 0.5), "ms", 2,
            note=f"{OTHERS} others at 10 Hz; taken after {taken / 1000:.2f} ms, decided after {decided / 1000:.2f} ms"),
        Row("the same, p99", quantile(written, 0.99), "ms", 10,
            note=f"{len(written)} of {len(cautions)} cautions came by a frame, most {max(written):.2f} ms; "
            f"load average {load:.1f}"),
        Row("frame received to judged, p50", judged["p50_us"] / 1000, "ms", note=f"{judged['count']} frames"),
        Row("the same, p99", judged["p99_us"] / 1000, "ms", note=f"most {judged['max_us'] / 1000:.2f} ms"),
        Row("cycle of 100 ms after its time, p99", cycle["p99_us"] / 1000, "ms", 2,
            note=f"p50 {cycle['p50_us'] / 1000:.2f} ms, most {cycle['max_us'] / 1000:.2f} ms, "
            f"{figures['cycles_missed']} missed"),
        Row("bare sleep to absolute times, p99", sleep["p99_us"] / 1000, "ms",
            note=f"p50 {sleep['p50_us'] / 1000:.2f} ms, most {sleep['max_us'] / 1000:.2f} ms, a process beside it"),
        Row("frame sent after its time, p99", send["p99_us"] / 1000, "ms",
            note=f"p50 {send['p50_us'] / 1000:.2f} ms, most {send['max_us'] / 1000:.2f} ms"),
        Row("frames lost", lost, "frames", 0,
            note=f"of {sent['sent']}; the traffic's own: p99 {spread['p99_us'] / 1000:.2f} ms late, "
            f"{sent['cpu_percent']:.0f} % of a processor, {sent['dropped']} not sent"),
    ]  # fmt: skip


# An hour in virtual time: a process

HOUR_S, FROM_S = 3600, 600
NEAR = 10
LIFE_STEPS = 200  # a neighbour comes, crosses and goes; its place is taken by another
TICKS_A_START = 300


def resident_kib() -> int:
    """What this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 1024


def hour() -> None:
    """Feeds a unit for an hour; prints its growth and what happened."""
    events = {"hmi": 0, "support": 0}

    def sink(event: dict[str, Any]) -> None:
        events[event["event"]] = events.get(event["event"], 0) + 1

    unit = Unit(Settings(), UnitClock(0), sink=sink, send=lambda _time_ns, _frame: None)
    courses = []
    for near in range(NEAR):
        side = 1 if near % 2 else -1
        direction_deg = 270 if side > 0 else 90
        along = [side * (139 - 1.39 * step) for step in range(LIFE_STEPS)]
        frames = [message(0, step, east_m, 15, 50, direction_deg) for step, east_m in enumerate(along)]
        courses.append([int.from_bytes(frame) for frame in frames])
    nobody = int.from_bytes(message(0, 0, 0, 0, 0, 0))
    ids = count(1)
    lives = [(0, "")] * NEAR
    grown_kib = 0
    begin_s = time.monotonic()
    for step in range(HOUR_S * 10):
        time_ns = step * 100 * MS
        if step == FROM_S * 10:
            grown_kib = -resident_kib()
        drives = step < 20 or step % TICKS_A_START < 3
        speed_ckmh = 2000 if drives else 0
        unit.tick(time_ns)
        unit.fix(
            Fix(
                time_ns + 5 * MS, True, "", time_ns // MS % 86_400_000, 35 * 360_000, 139 * 360_000, speed_ckmh,
                0 if drives else None, 50, 25,
            )
        )  # fmt: skip
        unit.vehicle(VehicleSignal(time_ns + 10 * MS, SPEED, speed_ckmh))
        unit.vehicle(VehicleSignal(time_ns + 10 * MS, BRAKE, 4 if drives else 5))
        for near in range(NEAR):
            age = (step + near * LIFE_STEPS // NEAR) % LIFE_STEPS
            if age == 0 or not lives[near][1]:
                number = next(ids) % 16_384
                mark = int.from_bytes(message(number, 0, 0, 0, 0, 0)) ^ nobody
                lives[near] = mark, f"192.0.2.{number % 250}:{20_000 + number}"
            mark, source = lives[near]
            payload = (courses[near][age] ^ mark).to_bytes(100)
            unit.radio(RadioFrame(time_ns + (20 + near) * MS, source, payload))
    grown_kib += resident_kib()
    told = {"grown_kib": grown_kib, "took_s": time.monotonic() - begin_s, "neighbours": next(ids) - 1}
    print(json.dumps(told | {"events": events}))


def hour_rows() -> list[Row]:
    """(d): memory over an hour."""
    process = part_of_this("hour")
    out, _ = process.communicate()
    if process.returncode:
        raise SystemExit("the hour in virtual time ended early")
    told = json.loads(out)
    events = told["events"]
    if not events["hmi"] or not events["support"]:
        raise SystemExit(f"no support came in the hour: the benchmark measures nothing ({events})")
    note = f"virtual time, {told['neighbours']} neighbours came and went, {events['support']} events of supports"
    return [
        Row("memory gained from minute 10 to minute 60", told["grown_kib"] / 1024, "MiB", 1, note=note),
        Row("the hour took", told["took_s"], "s", note="of real time"),
    ]


def rows() -> list[Row]:
    """Measurements of this page's table of the live unit."""
    return start_rows() + load_rows() + hour_rows()


if __name__ == "__main__":
    if sys.argv[1:2] == ["traffic"]:
        traffic(int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))
    elif sys.argv[1:] == ["hour"]:
        hour()
