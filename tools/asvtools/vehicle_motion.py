"""Whether a signal of a log moves like a car's speed, pedal, selector or lamp does."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from asvtools.vehicle_reading import Candidate, read_codes

KMH: Final = {"km/h": 1.0, "m/s": 3.6, "mph": 1.609344}
LONGEST_FLASH_S: Final = 1.2
_STEP_S: Final = 0.5  # acceleration is taken over so long
_HARDEST_KMH_S: Final = 60.0  # faster changes are no car's
_DRIVING_KMH: Final = 10.0
_MOST_KMH: Final = 300.0
_BACKWARDS_KMH: Final = 1.0  # less is the noise of a standing car
_DECELERATION_KMH_S: Final = 1.0
_GRID: Final = 4_000  # moments that are compared


@dataclass(slots=True)
class Series:
    """One signal of a log: times in s, raw values."""

    times: list[float] = field(default_factory=list)
    raws: list[int] = field(default_factory=list)

    @property
    def period_ms(self) -> int:
        """Not the median: a message may come at once on a change, and slowly without one."""
        gaps = sorted(after - before for before, after in pairwise(self.times[:5000]))
        return min(max(round(1000 * gaps[len(gaps) * 9 // 10]), 1), 60_000) if gaps else 0

    def at(self, time: float) -> int | None:
        """The last value before a time."""
        index = bisect_right(self.times, time)
        return self.raws[index - 1] if index else None


def physical(series: Series, signal: Any, factor: float = 1.0) -> Series:
    """The series in thousandths of the unit, rounded."""
    scale, offset = float(signal.scale) * factor * 1000, float(signal.offset) * factor * 1000
    return Series(series.times, [round(raw * scale + offset) for raw in series.raws])


def reference(speeds: Sequence[Candidate], series: dict[str, Series]) -> tuple[str, Series] | None:
    """The most likely speed that moves, in 0.001 km/h: the others are compared with it."""
    for made in sorted(speeds, key=lambda one: -one.points):
        mine = series.get(made.references[0])
        if mine is None or len(mine.times) < 10 or len(set(mine.raws)) < 4:
            continue
        speed = physical(mine, made.signals[0], KMH.get(made.unit, 1.0))
        if _smooth(speed) and max(speed.raws) <= 1000 * _MOST_KMH:
            return made.references[0], speed
    return None


def _smooth(speed: Series) -> bool:
    pairs = zip(pairwise(speed.times), pairwise(speed.raws), strict=True)
    jumps = sum(
        abs(value - last) > 1000 * (_HARDEST_KMH_S * max(time - then, 0.02) + 2)
        for (then, time), (last, value) in pairs
        if time > then
    )
    return jumps <= 0.02 * len(speed.times)


def judge_speed(made: Candidate, seen: list[Series], against: tuple[str, Series] | None) -> None:
    """It has to be smooth, within 300 km/h, and to agree with the most likely speed."""
    speed = physical(seen[0], made.signals[0], KMH[made.unit])
    low, high = min(speed.raws) / 1000, max(speed.raws) / 1000
    if low == high:
        made.points -= 6 if low == 0 else 25
        made.doubts.append(f"it was always {low:g} km/h in the log: drive, and check again")
        return
    if not _smooth(speed) or high > _MOST_KMH:
        made.points -= 25
        made.doubts.append(f"it does not move like a speed in the log ({low:.1f} to {high:.1f} km/h, or it jumps)")
        return
    made.doubts = [doubt for doubt in made.doubts if not doubt.startswith("it can be negative")]
    if low < -_BACKWARDS_KMH:
        made.signed = True
        made.doubts.append("it was below zero in the log: in reverse? taken with signed = true")
    made.points += 8
    made.why.append(f"it moves like a speed in the log, {low:.1f} to {high:.1f} km/h")
    if against is None or against[0] == made.references[0]:
        return
    ratio = _ratio(speed, against[1])
    if ratio is None:
        return
    if 0.93 <= ratio <= 1.07:
        made.points += 3
        made.why.append(f"it agrees with {against[0]}")
    else:
        made.points -= 10
        made.doubts.append(f"it reads {ratio:.2f} times what {against[0]} does: another unit or scale?")


def _grid(series: Series, other: Series) -> list[float]:
    begin, end = max(series.times[0], other.times[0]), min(series.times[-1], other.times[-1])
    if end <= begin:
        return []
    count = min(_GRID, max(int((end - begin) / 0.1), 1))
    return [begin + (end - begin) * index / count for index in range(count + 1)]


def _ratio(speed: Series, against: Series) -> float | None:
    mine = theirs = 0
    for time in _grid(speed, against):
        value, other = speed.at(time), against.at(time)
        if value is not None and other is not None and other > 1000 * _DRIVING_KMH:
            mine += value
            theirs += other
    return mine / theirs if theirs else None


def _accelerations(series: Series, speed: Series) -> list[tuple[int, float, float]]:
    """(raw value, acceleration in km/h/s, speed in km/h) at moments of both."""
    out = []
    for time in _grid(series, speed):
        value, before, after = series.at(time), speed.at(time - _STEP_S / 2), speed.at(time + _STEP_S / 2)
        if value is not None and before is not None and after is not None:
            out.append((value, (after - before) / 1000 / _STEP_S, after / 1000))
    return out


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def judge_number(made: Candidate, series: Series, against: tuple[str, Series] | None) -> None:
    """A pedal goes with driving on, an acceleration with the change of speed; both have to move at all."""
    value = physical(series, made.signals[0])
    low, high = min(value.raws) / 1000, max(value.raws) / 1000
    if low == high:
        made.points -= 10
        made.doubts.append(f"it was always {low:g} in the log: check again after a drive")
        return
    made.why.append(f"{low:g} to {high:g} {made.signals[0].unit or ''} in the log".replace("  ", " "))
    if against is None or made.sign or made.kind == "yaw_rate":
        return
    moving = [(raw / 1000, change) for raw, change, speed in _accelerations(value, against[1]) if speed > 3]
    correlation = _correlation(moving)
    if correlation is None:
        return
    if correlation > 0.5:
        made.points += 12 if made.kind == "acceleration" else 6
        made.why.append("it goes with the change of speed")
    elif correlation < -0.5 and made.kind == "acceleration":
        made.points -= 2
        made.scale = "-1"
        made.doubts.append("it goes against the change of speed: backward positive? taken with scale = -1")
    elif made.kind == "acceleration":
        made.points -= 8
        made.doubts.append("it does not go with the change of speed in the log")


def _correlation(pairs: list[tuple[float, float]]) -> float | None:
    count = len(pairs)
    if count < 20:
        return None
    mean_x, mean_y = sum(x for x, _ in pairs) / count, sum(y for _, y in pairs) / count
    xx = sum((x - mean_x) ** 2 for x, _ in pairs)
    yy = sum((y - mean_y) ** 2 for _, y in pairs)
    xy = sum((x - mean_x) * (y - mean_y) for x, y in pairs)
    return xy / (xx * yy) ** 0.5 if xx > 0 and yy > 0 else None


def judge_pedal_switch(made: Candidate, series: Series, speed: Series) -> None:
    """The brake goes with deceleration, the accelerator's switch with acceleration."""
    on = {code for code, word in made.values.items() if word == "on"}
    moving = [(raw, change) for raw, change, kmh in _accelerations(series, speed) if kmh > 3]
    with_it = _mean([change for raw, change in moving if raw in on])
    without = _mean([change for raw, change in moving if raw not in on])
    if with_it is None or without is None:
        return
    sign = 1 if made.kind == "brake" else -1
    told = f"{with_it / 3.6:+.1f} m/s2 with it on, {without / 3.6:+.1f} off"
    if sign * (without - with_it) > _DECELERATION_KMH_S:
        made.points += 15
        made.why.append(f"it goes with {'deceleration' if sign > 0 else 'acceleration'} in the log ({told})")
    elif sign * (with_it - without) > _DECELERATION_KMH_S:
        made.points -= 15
        made.doubts.append(f"it goes the wrong way in the log ({told}): inverted?")
    else:
        made.points -= 4


def judge_shift(made: Candidate, series: Series, speed: Series) -> None:
    """Codes met while driving are forward gears, unless the database names them otherwise."""
    driving: Counter[int] = Counter()
    standing: Counter[int] = Counter()
    for raw, _, kmh in _accelerations(series, speed):
        if kmh > _DRIVING_KMH:
            driving[raw] += 1
        elif kmh < 0.5:
            standing[raw] += 1
    often = [code for code, count in driving.items() if count > 0.02 * sum(driving.values())]
    wrong = [code for code in often if made.values.get(code) in ("parking", "other", "reverse")]
    if not often:
        return
    if made.usable and wrong:
        made.points -= 20
        made.doubts.append(f"the car drives with code {wrong[0]}, which its table calls {made.names.get(wrong[0])}")
    elif made.usable:
        nameless = sorted(code for code in often if code not in made.values)
        if nameless:
            made.doubts.append(f"the car drives with {nameless}, too, which its table does not name: drive?")
        made.points += 8
        made.why.append("the car drives with its codes of drive")
    else:
        named = {code: word for code, word in read_codes("shift", made.names).items() if code not in often}
        rest = sorted(set(standing) - set(often) - set(named))
        made.values = dict(sorted((named | dict.fromkeys(often, "drive")).items()))
        made.usable = len(often) <= 2
        made.points += 6 if made.usable else 0
        find = "; find the others in the car" if rest or not named else ""
        told = f", and {rest} only while standing: parking, reverse or neutral" if rest else ""
        made.doubts.append(f"in the log the car drives with {sorted(often)}{told}{find}")


def on_runs(series: Series) -> list[tuple[float, float]]:
    """(begin, end) of the times at which a bit is on."""
    runs: list[tuple[float, float]] = []
    begin = None
    for time, raw in zip(series.times, series.raws, strict=True):
        if raw and begin is None:
            begin = time
        elif not raw and begin is not None:
            runs.append((begin, time))
            begin = None
    if begin is not None:
        runs.append((begin, series.times[-1]))
    return runs


def together_s(left: list[tuple[float, float]], right: list[tuple[float, float]]) -> float:
    """The longest time for which both are on."""
    common = [min(one[1], other[1]) - max(one[0], other[0]) for one in left for other in right]
    return max(common, default=0.0)


def flash_rate(runs: list[tuple[float, float]]) -> float:
    """Flashes a minute, if it flashes as winkers do; else 0."""
    rises = [
        after[0] - before[0]
        for before, after in pairwise(runs)
        if before[1] - before[0] <= LONGEST_FLASH_S and 0.3 <= after[0] - before[0] <= 1.5
    ]
    if len(rises) < 3:
        return 0.0
    middle = sorted(rises)[len(rises) // 2]
    return 60 / middle
