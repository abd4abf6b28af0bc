"""The core: received bytes to judged neighbour, the cycle, memory over a million messages; the replay."""

import resource
import tempfile
import time
import tracemalloc
from pathlib import Path

from common import Row, interleaved

from asvcore import codes
from asvcore.commands import WIDTH
from asvcore.core import Core
from asvcore.gates import Gates
from asvcore.params import NONE
from asvcore.settings import Settings
from asvrig.gnss_feed import sentence
from asvunit.clock import UnitClock
from asvunit.message import encode, raw_from_values
from asvunit.recordings import open_recordings
from asvunit.replay import play
from asvunit.unit import Unit

NAME = "Core and replay"
SECONDS = 20
LATITUDE_CAS, LONGITUDE_CAS = 35 * 360000, 139 * 360000


def waiting_core(neighbours: int) -> Core:
    """A core whose ego waits at a stop line, with room for the neighbours."""
    settings = Settings()
    settings.set("neighbours", max(neighbours, 16))
    core = Core(settings)
    for t in range(0, 2000, 100):
        fixed(core, t, 1000 if t == 0 else 0)
        core.tick(t)
    return core


def fixed(core: Core, t: int, speed_ckmh: int = 0) -> None:
    """A fix at the stop line: without a fresh one nothing would be judged."""
    core.on_fix(LATITUDE_CAS, LONGITUDE_CAS, speed_ckmh, 0, 20, NONE, NONE, t, codes.FIX_OK, t, 1)


def check_judged(core: Core) -> None:
    """The figures are worth nothing if the gate was shut."""
    gates = Gates(core.settings)
    gates.look(core.ego)
    if gates.reasons[codes.FUNCTION_CROSSING] != 0:
        raise SystemExit("no neighbour was judged: the benchmark measures nothing")


def traffic(neighbours: int, rounds: int) -> list[list[bytes]]:
    """Frames of vehicles that cross ahead of ego, from both sides, 30 to 500 m away."""
    out = []
    for step in range(rounds):
        frames = []
        for number in range(neighbours):
            side = 1 if number % 2 else -1
            metres = 30 + 470 * number / neighbours - 1.4 * step * (0 if number % 3 else 1)
            value = {
                "vehicle_id": number,
                "increment_counter": step % 256,
                "position_class": "B",
                "vehicle_kind": "car",
                "latitude_deg": 35.0001,
                "longitude_deg": 139 + side * metres / 91287.0,
                "horizontal_error_m": 3,
                "revision": 1,
                "speed_kmh": 50,
                "direction_deg": 270 if side > 0 else 90,
            }
            frames.append(encode(raw_from_values(value)))
        out.append(frames)
    return out


def drained(core: Core, record: list[int]) -> None:
    while core.commands.take(record):
        pass


def messages_per_second(neighbours: int) -> float:
    """Best of several seconds of traffic."""
    core, record = waiting_core(neighbours), [0] * WIDTH
    rounds = traffic(neighbours, 16)
    best, now = 0.0, 2000
    for _ in range(SECONDS):
        start = time.perf_counter()
        for frames in rounds:
            fixed(core, now)
            for source, frame in enumerate(frames):
                core.on_message(frame, source, now, False, 1)
            drained(core, record)
            now += 100
        best = max(best, len(rounds) * neighbours / (time.perf_counter() - start))
        check_judged(core)
        now += 1100  # the counters begin again: later than a neighbour's memory
    return best


def cycle_ms(neighbours: int) -> float:
    """Least time of a tick with all neighbours judged anew."""
    core, record = waiting_core(neighbours), [0] * WIDTH
    rounds = traffic(neighbours, 60)
    best, now = float("inf"), 2000
    for frames in rounds:
        fixed(core, now)
        for source, frame in enumerate(frames):
            core.on_message(frame, source, now, False, 1)
        drained(core, record)
        start = time.perf_counter()
        core.tick(now)
        best = min(best, time.perf_counter() - start)
        drained(core, record)
        now += 100
    check_judged(core)
    return best * 1000


def growth_per_million() -> tuple[float, float]:
    """(traced growth in KiB over 100,000 messages, growth of the process in MiB over a million)."""
    core, record = waiting_core(200), [0] * WIDTH
    rounds = traffic(200, 10)

    def burst(count: int, now: int) -> int:
        for _ in range(count // 2000):
            for frames in rounds:
                fixed(core, now)
                for source, frame in enumerate(frames):
                    core.on_message(frame, source, now, False, 1)
                core.tick(now)
                drained(core, record)
                now += 1100
        return now

    now = burst(20_000, 2000)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    now = burst(100_000, now)
    traced = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    burst(1_000_000, now)
    return traced / 1024, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) / 1024


def nmea_drive(path: Path, seconds: int) -> None:
    """An hour-like drive of a 1 Hz receiver, so that the benchmark needs no recording."""
    lines = []
    for second in range(seconds):
        clock = f"{second // 3600 % 24:02d}{second // 60 % 60:02d}{second % 60:02d}.00"
        minutes = f"{3500 + second * 0.005:.4f}"
        for body in (
            f"GPRMC,{clock},A,{minutes},N,13900.0000,E,018.2,000.5,010126,,,A",
            f"GPGGA,{clock},{minutes},N,13900.0000,E,1,09,0.9,25.0,M,38.0,M,,",
            "GPGSA,A,3,01,02,03,04,05,06,07,08,09,,,,1.6,0.9,1.3",
            "GPGSV,3,1,11,01,75,057,38,02,68,236,36,03,53,284,30,04,46,101,36",
        ):
            lines.append(sentence(body))
    path.write_bytes(b"".join(lines))


def replay_speed(seconds: int = 1860) -> float:
    """Recorded seconds per second, reading included (the best of three)."""
    best = 0.0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "drive.nmea"
        nmea_drive(path, seconds)
        for _ in range(3):
            start = time.perf_counter()
            inputs = open_recordings(gnss=path)
            first_ns, last_ns = inputs.span_ns()
            unit = Unit(Settings(), UnitClock(first_ns), sink=lambda _event: None, send=lambda _t, _frame: None)
            play(unit, inputs, first_ns, last_ns)
            best = max(best, (last_ns - first_ns) / 1e9 / (time.perf_counter() - start))
    return best


def yardstick_us() -> float:
    """A peer in the same run: the C extension only unpacking what the core unpacks, tracks and judges."""
    import bitstruct.c

    from asvcore.elements import CODED, ELEMENTS

    form = "".join(("s" if row[5] else "u") + str(row[3]) for row in ELEMENTS[:CODED]) + "p5"
    layout = bitstruct.c.compile(form)
    frame = traffic(1, 1)[0][0][:38]
    return interleaved({"unpack": lambda: layout.unpack(frame)})["unpack"] * 1e6


def rows() -> list[Row]:
    """Measurements of this page's second table."""
    judged = messages_per_second(200)
    traced, process = growth_per_million()
    return [
        Row("received bytes to judged neighbour, 200 neighbours", judged, "messages/s", 15_000, best="high",
            note="decode, table, prediction, crossing judge, arbiter"),
        Row("the same, per message", 1e6 / judged, "us"),
        Row("bitstruct.c: unpack alone", yardstick_us(), "us", note="the C extension as yardstick of the machine"),
        *(Row(f"cycle with {count} neighbours", cycle_ms(count), "ms", 10 if count == 200 else None)
          for count in (10, 50, 200, 500)),
        Row("replay of a 31 minute drive at 1 Hz", replay_speed(), "x real time", 200, best="high"),
        Row("memory over 100,000 messages and cycles, traced", traced, "KiB", 64,
            note="the table's own integers come and go"),
        Row("memory of the process over a million messages", process, "MiB", 1),
    ]  # fmt: skip
