"""One vehicle as ego: its core from its first to its last second, fed as a unit on board would be.

Fixes and vehicle signals at 10 Hz (fixes at 1 Hz with a poor receiver), all frames in radio range that are
not lost, a tick every 100 ms and whenever the core asks for one.
"""

import random
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TextIO

import numpy as np

from asvcore import codes
from asvcore.commands import WIDTH
from asvcore.core import Core
from asvcore.params import NONE
from asvcore.settings import Settings
from asvunit.journal import JournalWriter
from traffic.drivers import Vehicle, traffic
from traffic.radio import KINDS, ON_AIR_MS, RANGE_M, TOD_MS, Quality, all_signals, braking, pedal
from traffic.truth import span_s, truth

FUNCTIONS = {
    codes.FUNCTION_CROSSING: "crossing",
    codes.FUNCTION_RIGHT_TURN: "right_turn",
    codes.FUNCTION_LEFT_TURN: "left_turn",
    codes.FUNCTION_SURROUNDING: "surrounding",
    codes.FUNCTION_EMERGENCY: "emergency",
}
_FIX, _VEHICLE, _MESSAGE, _TICK = range(4)  # in this order where times are equal


@dataclass(frozen=True)
class Said:
    """One support record."""

    t_ms: int
    level: int
    presented: bool
    reason: int


@dataclass
class UnitRun:
    """What one unit did; `heard_ms[number]` are the times it received frames of a vehicle."""

    ego: Vehicle
    told: dict[tuple[str, int], list[Said]] = field(default_factory=dict)
    heard_ms: dict[int, list[int]] = field(default_factory=dict)
    lost: int = 0
    records: int = 0

    def at(self, function: str, number: int, t_ms: float) -> Said | None:
        """The last word about a target at a time."""
        said = self.told.get((function, number), [])
        index = bisect_right(said, t_ms, key=lambda one: one.t_ms) - 1
        return said[index] if index >= 0 else None

    def presented(self, level: int, t_ms: float) -> list[tuple[str, int]]:
        """Which (function, target) are presented at this level or above."""
        now = {pair: self.at(*pair, t_ms) for pair in self.told}
        return [pair for pair, said in now.items() if said and said.presented and said.level >= level]

    def begins(self) -> Iterator[tuple[str, int, Said]]:
        """Every begin of a support of any level."""
        for (function, number), said in self.told.items():
            level = 0
            for one in said:
                if one.level > 0 and level == 0:
                    yield function, number, one
                level = one.level


def settings_for(ego: Vehicle) -> Settings:
    """As its owner would configure it."""
    settings = Settings()
    settings.seed = 1000 + ego.number
    settings.vehicle_kind = KINDS[ego.kind][0]
    settings.vehicle_length_dm = round(ego.length_m * 10)
    settings.neighbours = 64
    return settings


def run_unit(
    seed: int, number: int, quality: Quality, journal: TextIO | None = None, from_s: float = 0.0, until_s: float = 1e9
) -> UnitRun:
    """Run the core of one vehicle; with `journal`, its inputs are written there."""
    ego = next(vehicle for vehicle in traffic(seed).vehicles if vehicle.number == number)
    core = Core(settings_for(ego))
    writer = JournalWriter(journal, core.settings) if journal else None
    run = UnitRun(ego)
    record = [0] * WIDTH

    def drain() -> None:
        while core.commands.take(record):
            run.records += 1
            if record[0] != codes.COMMAND_SUPPORT or record[8] == NONE:
                continue
            _kind, _n, t_ms, _cause, function, level, presented, _source, vehicle_id = record[:9]
            said = Said(t_ms, level, bool(presented), record[13])
            run.told.setdefault((FUNCTIONS[function], vehicle_id - 100), []).append(said)

    def tick(t_ms: int) -> None:
        if writer:
            writer.line("T", t_ms, 0)
        core.tick(t_ms)
        drain()

    for cause, (t_ms, kind, what) in enumerate(_inputs(seed, ego, quality, run, from_s, until_s), 1):
        while core.due_ms != NONE and core.due_ms < t_ms:
            tick(core.due_ms)
        if kind == _FIX:
            latitude, longitude, speed, course = what
            row = (latitude, longitude, speed, course, quality.error_m * 10, NONE, NONE, TOD_MS + t_ms)
            if writer:
                writer.line("F", t_ms, cause, 0, *row)
            core.on_fix(*row, 0, t_ms, cause)
        elif kind == _VEHICLE:
            for signal, value in what:
                if writer:
                    writer.line("V", t_ms, cause, signal, value, 0, 0)
                core.on_vehicle(signal, value, 0, 0, t_ms, cause)
        elif kind == _MESSAGE:
            other, payload, flag = what
            if writer:
                writer.message(t_ms, cause, other + 1, flag, payload)
            core.on_message(payload, other + 1, t_ms, flag, cause)
        else:
            tick(t_ms)
        drain()
    run.lost = core.commands.lost
    return run


def _inputs(seed: int, ego: Vehicle, quality: Quality, run: UnitRun, from_s: float, until_s: float) -> list:
    begin, end = span_s(ego)
    begin, end = 1000 * max(begin, from_s), 1000 * min(end, until_s)
    made = all_signals(seed, quality)
    out: list = []
    own = made[ego.number]
    fix_rows = zip(own.fix_ms.tolist(), own.fixes.tolist(), strict=True)
    out += [(t_ms, _FIX, row) for t_ms, row in fix_rows if begin <= t_ms <= end]
    phase = random.Random(f"{seed} {ego.number} bus").randrange(100)
    signal_ms = np.arange(int(begin) + phase, int(end) + 1, 100)
    now = truth(ego, signal_ms / 1000)
    pedals, brakes = pedal(now), braking(now)
    for index, t_ms in enumerate(signal_ms.tolist()):
        values = (
            (codes.SIGNAL_SPEED, round(float(now.speed_mps[index]) * 360)),
            (codes.SIGNAL_BRAKE, 4 + int(brakes[index])),
            (codes.SIGNAL_WINKER, 4 + int(now.winker[index])),
            (codes.SIGNAL_ACCELERATOR, int(pedals[index])),
        )
        out.append((t_ms, _VEHICLE, values))
    for number, theirs in made.items():
        if number == ego.number:
            continue
        loss = np.random.default_rng([seed, ego.number, number])
        here = truth(ego, theirs.sent_ms / 1000)
        apart = np.hypot(theirs.sent_east_m - here.east_m, theirs.sent_north_m - here.north_m)
        heard_ms = theirs.sent_ms + ON_AIR_MS
        good = (apart < RANGE_M) & (heard_ms >= begin) & (heard_ms <= end)  # NaN, ego not there: not heard
        good &= loss.random(len(good)) >= quality.loss
        rows = np.nonzero(good)[0]
        run.heard_ms[number] = heard_ms[rows].tolist()
        flag = next(v.kind == "ambulance" for v in traffic(seed).vehicles if v.number == number)
        out += [(int(heard_ms[row]), _MESSAGE, (number, theirs.frames[row].tobytes(), flag)) for row in rows]
    out += [(t_ms, _TICK, None) for t_ms in range(int(begin), int(end) + 1, 100)]
    return sorted(out, key=lambda one: one[:2])
