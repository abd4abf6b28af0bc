"""Journals for the core's gates: encounters, random and hostile input, crowds, and everything at its limits."""

import math
import random
from pathlib import Path

from asvcore import codes
from asvcore.core import SIGNAL_RANGES
from asvcore.neighbours import SOURCE_LIMIT
from asvcore.params import NONE, REBASE_MS
from asvunit.journal import JournalWriter
from coretools import LATITUDE_CAS, LONGITUDE_CAS, Drive, Target, encounter, frame


class Journaled(Drive):
    """A drive that writes the journal of what it feeds."""

    def __init__(self, path: Path, **settings: int) -> None:
        super().__init__(**settings)
        self.file = path.open("w")
        self.writer = JournalWriter(self.file, self.core.settings)
        core, writer = self.core, self.writer
        on_fix, on_vehicle, on_message, tick, rebase = (
            core.on_fix, core.on_vehicle, core.on_message, core.tick, core.rebase
        )  # fmt: skip
        on_node, on_support, on_switch = core.on_node, core.on_support, core.on_switch

        def fix(*a: int) -> None:
            writer.line("F", a[9], a[10], a[8], *a[:8])
            on_fix(*a)

        def vehicle(signal: int, value: int, status: int, source: int, t: int, cause: int) -> None:
            writer.line("V", t, cause, signal, value, status, source)
            on_vehicle(signal, value, status, source, t, cause)

        def message(payload: bytes, source: int, t: int, flag: bool, cause: int) -> None:
            writer.message(t, cause, source, flag, payload)
            on_message(payload, source, t, flag, cause)

        def ticked(t: int, cause: int = 0) -> None:
            writer.line("T", t, cause)
            tick(t, cause)

        def node(latitude: int, longitude: int, distance: int, priority: int, t: int, cause: int) -> None:
            writer.line("N", t, cause, latitude, longitude, distance, priority)
            on_node(latitude, longitude, distance, priority, t, cause)

        def support(origin: int, function: int, level: int, direction: int, t: int, cause: int) -> None:
            writer.line("X", t, cause, origin, function, level, direction)
            on_support(origin, function, level, direction, t, cause)

        def switch(number: int, value: int, t: int, cause: int) -> None:
            writer.line("S", t, cause, number, value)
            on_switch(number, value, t, cause)

        def rebased(offset: int) -> None:
            writer.line("R", offset)
            rebase(offset)

        core.on_fix, core.on_vehicle, core.on_message, core.on_node = fix, vehicle, message, node
        core.on_support, core.on_switch, core.tick, core.rebase = support, switch, ticked, rebased


def crossing(path: Path) -> None:
    drive = Journaled(path, neighbours=16)
    drive.stand()
    targets = [Target(15000, 50, 90), Target(16000, 70, 300, vehicle_id=7, source=2), Target(20000, 30, 60, source=3)]

    def ego(driven: Drive, t: int, started: bool = False) -> None:
        driven.vehicle(t, codes.SIGNAL_BRAKE, 4 if started else 5)
        driven.vehicle(t, codes.SIGNAL_SPEED, 1500 if started else 0)
        driven.fix(t)

    encounter(drive, targets, 1100, 15000, ego=ego)
    drive.core.rebase(10000)
    for target in targets:
        target.at_ms -= 10000
    encounter(
        drive, targets, 5100, 18000,
        ego=lambda driven, t: ego(driven, t, started=t > 9000),
        heard=lambda target, t: target.source != 3 or t < 6000,
    )  # fmt: skip
    drive.file.close()
    assert {"l3_reached", "l4_reached", "target_passed", "hold_over", "ego_started", "target_lost"} <= {
        record["reason"] for record in drive.supports()
    }


def hostile(path: Path, **settings: int) -> None:
    """Random fixes, signals and bytes, extremes included; few slots, so that eviction and displacement happen."""
    rng = random.Random(3)
    drive = Journaled(path, neighbours=8, supports=3, parallel=1, **settings)
    core, t = drive.core, 0
    extremes = (0, 1, -1, 359999, -360000, 32_400_000, -32_400_000, 64_799_999, -64_800_000, 12_600_000, 50_000_000)
    for _ in range(4000):
        t += rng.choice((0, 1, 7, 33, 100, 2000))
        pick = rng.random()
        if pick < 0.15:
            core.on_fix(
                rng.choice(extremes), rng.choice(extremes), rng.choice((0, 250, 1000, 30000, NONE)),
                rng.choice((0, 4500, 35999, NONE)), rng.choice((1, 20, 2549, 9000, NONE)),
                rng.choice((-500, 9000, NONE)), rng.choice((3, NONE)), rng.randrange(86_400_000),
                rng.choice((0, 0, 0, codes.REASON_VOID)), t, 1,
            )  # fmt: skip
        elif pick < 0.35:
            signal = rng.randrange(7)
            limits = ((0, 30000), (4, 7), (4, 7), (4, 7), (1, 7), (0, 100), (-1000, 1000))
            core.on_vehicle(signal, rng.randint(*limits[signal]), rng.choice((0, 0, 0, 1, 2)), 0, t, 2)
        elif pick < 0.4:
            core.on_node(
                rng.choice(extremes), rng.choice(extremes), rng.choice((0, 30, 499, 501)), rng.randrange(2), t, 4
            )
        elif pick < 0.45:
            core.on_support(rng.randint(1, 2), rng.randint(1, 5), rng.randrange(3), rng.randrange(4), t, 5)
        elif pick < 0.48:
            core.on_switch(rng.randrange(2), rng.randrange(2), t, 6)
        elif pick < 0.8:
            payload = b"\x01" + rng.randbytes(99 if rng.random() < 0.9 else rng.randrange(200))
            core.on_message(payload, rng.randrange(4), t, rng.random() < 0.5, 3)
        else:
            core.tick(t)
        if t > 400_000:
            core.rebase(300_000)
            t -= 300_000
    drive.drain()
    drive.file.close()


def crowded(path: Path) -> None:
    """A standing ego with its winker on among moving vehicles of every kind, near, flagged, doubled, in both modes."""
    rng = random.Random(5)
    drive = Journaled(
        path, neighbours=32, supports=12, left_turn_targets=codes.TARGETS_ALL, emergency_send=codes.ACTION_SIGNAL
    )
    drive.stand()
    others = []
    for _ in range(8):
        others.append((rng.uniform(8, 20), -rng.uniform(80, 200), 90, rng.randrange(30, 70)))
        others.append((rng.uniform(80, 200), 3.5, 180, rng.randrange(30, 70)))
        others.append((-rng.uniform(40, 120), -1.5, 5, rng.randrange(15, 40)))
    for t in range(1100, 12000, 100):
        speed = 0 if t % 4000 < 2500 else 8
        drive.vehicle(t, codes.SIGNAL_WINKER, 5 if t % 5000 < 2500 else 6)
        drive.vehicle(t, codes.SIGNAL_SPEED, speed * 100)
        if t % 3000 < 1500:  # then stale
            drive.vehicle(t, codes.SIGNAL_EMERGENCY, t // 500 % 2)
        drive.fix(t, kmh=speed)
        for number, (north_m, east_m, course, kmh) in enumerate(others):
            way_m = kmh / 3.6 * t / 1000
            at = (
                north_m + way_m * math.cos(math.radians(course)),
                east_m + way_m * math.sin(math.radians(course)),
            )
            payload = frame(number % 20, t // 100, *at, kmh, course, vehicle_classification=number % 12)
            drive.message(t, payload, number % 5, flag=number == 3)
        drive.tick(t)
    drive.file.close()
    functions = {record["function"] for record in drive.of("support") if record["level"]}
    assert functions >= {1, 2, 3, 4}
    assert {"jump", "twin"} <= {record["reason"] for record in drive.of("drop")}


def in_parts(path: Path) -> None:
    """The crowd again, its ticks in parts as a live unit makes them, with frames in between and ticks left open."""
    crowded(path)
    waiting: list[str] = []  # ticks under way: how often they have yet to be told to go on
    lines: list[str] = []
    for number, line in enumerate(path.read_text().splitlines()):
        if line.startswith("T "):
            lines.append(f"B{line[1:]}")
            waiting = ["P 7 0"] * (number % 5)
        else:
            lines.append(line)
            if line.startswith("M ") and waiting:
                lines.append(waiting.pop())
    path.write_text("\n".join(lines) + "\n")


def hostile_right_hand(path: Path) -> None:
    hostile(
        path,
        traffic_side=codes.SIDE_RIGHT,
        presentation_mode=codes.MODE_INFORMATION_ENDED,
        crossing_start=1,
        surrounding_shown=codes.SHOWN_REQUEST,
        information_sound=1,
    )


_POLE_CAS, _HALF_TURN_CAS = 90 * 360000, 180 * 360000
_CORNERS = (  # where ego is in `extremes`: poles, date line, equator, Greenwich, beside them, an ordinary place
    (_POLE_CAS, 0), (-_POLE_CAS, -_HALF_TURN_CAS), (_POLE_CAS - 30_000, _HALF_TURN_CAS - 1), (0, -_HALF_TURN_CAS),
    (0, 0), (-360_000, -360_000), (-359_999, 359_999), (LATITUDE_CAS, LONGITUDE_CAS),
)  # fmt: skip
_LIMITS = {  # of the core's settings, for the largest sums and products
    "neighbours": 64, "seed": (1 << 29) - 1, "sampling_delay_ms": 1000, "vehicle_length_dm": 1000,
    "antenna_to_front_dm": -200, "antenna_ahead_dm": 200, "antenna_right_dm": -50, "reckoning_dm": 190,
    "crossing_start": codes.START_SPEED, "left_turn_targets": codes.TARGETS_ALL, "surrounding_dm": 3000,
    "emergency_send": codes.ACTION_ALWAYS, "target_min_kmh": 0, "information_ms": 5100, "caution_ms": 4100,
    "parallel": 4, "information_sound": 1, "signals": 511, "timeout_speed_ms": 60_000, "timeout_yaw_rate_ms": 60_000,
    "timeout_winker_ms": 60_000, "timeout_brake_ms": 10,
}  # fmt: skip
_AWAY_CAS = (0, 1, 300, 3000, 65_535, 65_536, 70_000, 40_000_000)  # 65,535: the range of the local plane
_FIX_SPEEDS = (0, 299, 300, 30_000, 100_000, 2_000_000, (1 << 29) - 1, NONE)
_ERRORS_DM = (1, 20, 2549, 2550, 2551, 100_000, (1 << 29) - 1, NONE)
_COURSES = (0, 1, 8999, 9000, 17_999, 18_000, 27_000, 35_999, NONE)


def extremes(path: Path, draw: int = 17, **settings: int) -> None:
    """Poles and date line, speeds, errors and times at their limits, a full table, frames of ones and zeros."""
    rng = random.Random(draw)
    drive = Journaled(path, **(_LIMITS | settings))
    core, t, cause, last, rebases, here = drive.core, 0, 0, (1 << 29) - 1, 0, _CORNERS[-1]
    for step in range(9000):
        if step % 300 == 0:
            here = _CORNERS[step // 300 % len(_CORNERS)]
        if step % 1500 == 1400:
            t = REBASE_MS + REBASE_MS // 2 - 300  # as late as a caller lets it become
        crowd = step // 150 % 2  # else they go as fast as they come
        t += rng.choice((0, 0, 0, 0, 1, 2)) if crowd else rng.choice((0, 1, 10, 33, 50, 100, 700))
        if t >= REBASE_MS + REBASE_MS // 2:
            core.rebase(REBASE_MS)
            t -= REBASE_MS
            rebases += 1
        cause = rng.choice((cause + 1, last - rng.randrange(3))) & last
        pick = rng.random()
        if pick < 0.12:
            core.on_fix(
                *_beside(rng, here, rng.choice((0, 0, 3, 30))), rng.choice(_FIX_SPEEDS[:4] * 4 + _FIX_SPEEDS),
                rng.choice(_COURSES), rng.choice(_ERRORS_DM[:2] * 4 + _ERRORS_DM),
                rng.choice((-8192, 8191, last, NONE)), rng.choice((0, 255, last, NONE)),
                rng.choice((0, 1, 86_399_999, t % 86_400_000)),
                rng.choice((0,) * 9 + (codes.REASON_VOID,)), t, cause,
            )  # fmt: skip
        elif pick < 0.3:
            signal = rng.randrange(codes.SIGNALS)
            low, high = SIGNAL_RANGES[signal]
            value = rng.choice((low, high, 0, min(high, 5), rng.randint(low, high)))
            core.on_vehicle(signal, value, rng.choice((0,) * 8 + (1, 2)), rng.choice((0, SOURCE_LIMIT - 1)), t, cause)
        elif pick < 0.33:
            distance_m = rng.choice((0, 30, 501, last // 10, NONE))
            core.on_node(*_beside(rng, here, rng.choice(_AWAY_CAS)), distance_m, rng.choice((0, 1, NONE)), t, cause)
        elif pick < 0.36:
            core.on_support(rng.randint(1, 2), rng.randint(1, 5), rng.randrange(3), rng.randrange(4), t, cause)
        elif pick < 0.37:
            core.on_switch(rng.randrange(2), rng.randrange(2), t, cause)
        elif pick < 0.85:
            payload, source = _extreme_frame(rng, here, step)
            core.on_message(payload, source, t, rng.random() < 0.7, cause)
        else:
            core.tick(t, rng.choice((0, cause)))
        drive.drain()
    drive.file.close()
    assert rebases > 4
    assert core.commands.lost == 0
    assert {record["function"] for record in drive.of("support") if record["level"]} == {1, 2, 3, 4, 5}
    reasons = {record["reason"] for record in drive.of("drop")} | {record["reason"] for record in drive.of("neighbour")}
    assert {"table_full", "jump", "version", "length", "gone", "duplicate", "twin"} <= reasons


def _beside(rng: random.Random, here: tuple[int, int], most_cas: int) -> tuple[int, int]:
    """A place so far from another at most, over the date line and up to the poles."""
    latitude_cas = here[0] + rng.choice((-most_cas, 0, most_cas, rng.randint(-most_cas, most_cas)))
    longitude_cas = here[1] + rng.choice((-most_cas, 0, most_cas, rng.randint(-most_cas, most_cas)))
    turned_cas = (longitude_cas + _HALF_TURN_CAS) % (2 * _HALF_TURN_CAS) - _HALF_TURN_CAS
    return max(-_POLE_CAS, min(latitude_cas, _POLE_CAS)), turned_cas


def _extreme_frame(rng: random.Random, here: tuple[int, int], step: int) -> tuple[bytes, int]:
    """A payload and its source."""
    pick = rng.random()
    source = rng.choice((0, SOURCE_LIMIT - 1, rng.randrange(70), rng.randrange(SOURCE_LIMIT)))
    if pick < 0.05:
        return rng.choice((b"\xff", b"\x00", b"\x01")) * rng.choice((0, 1, 99, 100, 101, 1500)), source
    if pick < 0.1:
        return b"\x01" + rng.choice((b"\xff", b"\x00")) * 99, source
    if pick < 0.2:
        return b"\x01" + rng.randbytes(99), source
    given = {}
    for unit, near in (("", rng.choice(_AWAY_CAS)), ("intersection_", rng.choice(_AWAY_CAS))):
        for name, angle_cas in zip(("latitudinal", "longitudinal"), _beside(rng, here, near), strict=True):
            size = abs(angle_cas)
            given[f"{unit}{name}_degree"] = size // 360000 if angle_cas >= 0 else -(size // 360000)
            given[f"{unit}{name}_minute"], given[f"{unit}{name}_second"] = size // 6000 % 60, size % 6000
    hour, minute, second = rng.choice(((23, 59, 59), (0, 0, 0), (8, 59, 59), (9, 0, 0), (31, 63, 63)))
    payload = frame(
        rng.choice((0, 16383, rng.randrange(70), rng.randrange(16384))), rng.choice((0, 255, step, step // 10)),
        speed=rng.choice((0, 1, 2, 10, 30, 60, 255)), direction=rng.choice((0, 90, 180, 270, 359, 360, 384, 511)),
        error=rng.choice((0, 1, 2, 3, 254, 255)), revision=rng.choice((0, 1, 10, 11, 15)),
        class_information=rng.choice((0, 1, 2, 8, 15)), vehicle_classification=rng.choice((0, 4, 5, 11, 4095)),
        vehicle_length=rng.choice((0, 1, 31)), position_availability=rng.choice((3, 3, 3, 3, 1, 0, 2)),
        position_delay=rng.choice((0, 1, 30, 31, 63)), sensor_availability=rng.choice((3, 3, 3, 3, 1, 0, 2)),
        utc_hour=hour, utc_minute=minute, utc_second=second,
        intersection_information_availability=rng.choice((3, 3, 1, 0)),
        nearest_intersection_distance=rng.choice((0, 1, 499, 501, 511)),
        emergency_attention=int(rng.random() < 0.1), **given,
    )  # fmt: skip
    return payload, source
