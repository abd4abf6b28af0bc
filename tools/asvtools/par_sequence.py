"""What one vehicle sent, worked out of what was heard of it: counters and times tell which frames are missing.

A passage is a run of transmissions without a silence of more than one turn of the counter (25.6 s) and without a new
start of the sender; between passages nothing is counted as lost, the silence is told as such.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from asvtools.par_frames import NO_POWER, Frames, Numbers, Vector
from asvunit.radio.arrival import LATEST, transmissions

TURN_NS: Final = 25_600_000_000  # of the counter: after a longer silence it tells nothing
LONG_MS: Final = 1000  # about so long a target is predicted without a packet [G 3.6(2)]
GAP_CLASSES: Final = ((0, 0), (1, 1), (2, 2), (3, 4), (5, 9), (10, 19), (20, 49), (50, 256))  # lost between two heard
_SLOT_NS: Final = 100_000_000
_FEWEST_LATE: Final = 15  # heard frames either side of a jump, to know it from a delay
_DRIFT_NS: Final = 10_000_000_000  # shorter passages tell nothing of the clocks


@dataclass(slots=True)
class Passage:
    """Transmissions `first` to `last` of one vehicle, each 100 ms an index; columns of the heard ones."""

    first: int
    last: int
    index: Numbers  # rising, without copies
    time_ns: Numbers
    frame: Numbers  # which of the vehicle's heard frames
    sent: Frames | None = None  # what the sender recorded, by index; None: only counters tell
    offset_ns: int = 0  # then: to the receiver's clock

    @property
    def count(self) -> int:
        return self.last - self.first + 1


@dataclass(slots=True)
class Sequence:
    """All passages of a vehicle, and what else its counters say."""

    passages: list[Passage]
    repeated: int = 0
    late: int = 0
    restarts: int = 0
    silences_ms: list[int] = field(default_factory=list)  # longer than a turn of the counter
    gaps_ms: Vector = field(default_factory=lambda: np.empty(0))  # between arrivals, in the order of arrival


def follow(frames: Frames) -> Sequence:
    """Passages of a vehicle from the counters and times of its frames."""
    out = Sequence([])
    runs: list[list[tuple[int, int, int]]] = []
    gaps: list[int] = []
    known: set[int] = set()
    newest = counter = newest_ns = last_ns = 0
    for number, (time_ns, code) in enumerate(zip(frames.time_ns, frames.counter, strict=True)):
        passed_ns = time_ns - newest_ns
        step = transmissions(counter, code, passed_ns) if runs else None
        if runs and passed_ns > TURN_NS:
            out.silences_ms.append(passed_ns // 1_000_000)
            step = None
        elif runs and step is None:
            out.restarts += 1
        if step is None:
            runs.append([])
            known = set()
            newest = 0
        elif step <= 0:
            at = newest + step
            if at in known:
                out.repeated += 1
                continue
            out.late += 1
            known.add(at)
            runs[-1].append((at, time_ns, number))
            gaps.append(time_ns - last_ns)
            last_ns = max(last_ns, time_ns)
            continue
        else:
            newest += step
            gaps.append(time_ns - last_ns)
        known.add(newest)
        known.discard(newest - 4 * LATEST)
        runs[-1].append((newest, time_ns, number))
        counter, newest_ns, last_ns = code, time_ns, time_ns
    for run in runs:
        run.sort()
        columns = np.array(run, dtype=np.int64)
        out.passages.append(Passage(run[0][0], run[-1][0], columns[:, 0], columns[:, 1], columns[:, 2]))
    out.gaps_ms = np.maximum(np.array(gaps, dtype=np.float64), 0.0) / 1e6
    return out


def lost_between(passages: list[Passage]) -> list[int]:
    """How often so many were lost between two heard ones: a number for each of GAP_CLASSES."""
    missing = [np.diff(passage.index) - 1 for passage in passages if len(passage.index) > 1]
    every = np.concatenate(missing) if missing else np.empty(0, dtype=np.int64)
    return [int(np.count_nonzero((every >= low) & (every <= high))) for low, high in GAP_CLASSES]


def spread(values: Vector) -> dict[str, float] | None:
    """p50, p95, p99 and max of some values, each one that occurred; None of none."""
    if not len(values):
        return None
    found = np.percentile(values, [50, 95, 99], method="inverted_cdf")
    return dict(zip(("p50", "p95", "p99", "max"), (*map(float, found), float(values.max())), strict=True))


def powers(frames: Frames) -> dict[str, float] | None:
    """Received power of the frames that tell it, in dBm: mean, least and most."""
    known = np.array([power for power in frames.power_dbm if power != NO_POWER], dtype=np.float64)
    if not len(known):
        return None
    return {"mean": round(float(known.mean()), 1), "min": float(known.min()), "max": float(known.max())}


def jitter(passages: list[Passage]) -> dict[str, Any] | None:
    """How far arrivals lie off the sender's 100 ms grid, in ms, early or late; None of fewer than 3 in a passage.

    Also clock_ppm, the sender's clock against the receiver's (above 0: slower), and slots_left_out, by the sender.
    """
    found = deviations(passages)
    if found is None:
        return None
    off, rates, skipped = found
    return {**(spread(off) or {}), "clock_ppm": max(rates)[1] if rates else None, "slots_left_out": skipped}


def deviations(passages: list[Passage]) -> tuple[Vector, list[tuple[int, float]], int] | None:
    """The deviations behind `jitter`, (length in ns, ppm) of each passage long enough, slots left out.

    The grid of a passage: 100 ms an index, its phase the median, the clocks' difference in rate taken out where the
    passage is 10 s or longer, and where the sender left out a slot, all later by one.
    """
    off: list[Vector] = []
    rates: list[tuple[int, float]] = []
    skipped = 0
    for passage in passages:
        if len(passage.index) < 3:
            continue
        deviation = (passage.time_ns - passage.time_ns[0] - (passage.index - passage.index[0]) * _SLOT_NS) / 1e6
        deviation, left_out = _without_slots(deviation)
        skipped += left_out
        span_ns = int(passage.time_ns[-1] - passage.time_ns[0])
        if span_ns >= _DRIFT_NS and len(passage.index) >= 3 * _FEWEST_LATE:
            ms = (passage.time_ns - passage.time_ns[0]) / 1e6
            third = len(ms) // 3
            way = np.median(deviation[-third:]) - np.median(deviation[:third])
            rate = float(way / (np.median(ms[-third:]) - np.median(ms[:third])))
            deviation = deviation - rate * ms
            rates.append((span_ns, round(rate * 1e6, 1)))
        off.append(np.abs(deviation - np.median(deviation)))
    return (np.concatenate(off), rates, skipped) if off else None


def _without_slots(deviation: Vector) -> tuple[Vector, int]:
    """Takes out lasting steps of whole slots: the sender missed its time, and its counter did not go on."""
    total = 0
    for at in np.flatnonzero(np.abs(np.diff(deviation)) > 50) + 1:
        before, after = deviation[max(0, at - _FEWEST_LATE) : at], deviation[at : at + _FEWEST_LATE]
        step = float(np.median(after) - np.median(before))
        slots = round(step / 100)
        if slots > 0 and abs(step - slots * 100) < 25 and len(after) >= _FEWEST_LATE // 2:
            deviation = np.concatenate((deviation[:at], deviation[at:] - slots * 100))
            total += slots
    return deviation, total
