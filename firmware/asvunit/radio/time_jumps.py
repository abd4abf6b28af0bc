"""Frames of a capture with time stamps far ahead of the others': damage, which would drag a replay's time along."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from math import inf
from typing import Final

from asvunit.ports import RadioFrame

FAR_NS: Final = 3600 * 10**9  # a longer silence is a gap, or a wrong time
NEVER_NS: Final = 7 * 86400 * 10**9  # no recording goes on after such a gap
REAL: Final = 50  # so many frames in a row are no damage

Run = Sequence[RadioFrame]


def without_jumps(frames: Sequence[RadioFrame], counters: Counter[str]) -> list[RadioFrame]:
    """The frames in their order, but for those with damaged times, which are counted as `time_ahead`.

    Damaged are fewer than `REAL` in a row, over an hour ahead of frames that follow and are more; at the file's end,
    a week ahead of those before. Times that step back are left to the replay.
    """
    runs = _runs(frames)
    if len(runs) < 2:
        return list(frames)
    ordered = sorted((run[-1].time_ns, len(run)) for run in runs)
    times_ns = [time_ns for time_ns, _length in ordered]
    totals = [0, *accumulate(length for _time_ns, length in ordered)]
    earliest_ns = inf  # of all that follows and is no damage
    damaged = [False] * len(runs)
    for index in range(len(runs) - 1, -1, -1):
        run = runs[index]
        before_ns = run[0].time_ns - FAR_NS
        others = totals[bisect_left(times_ns, before_ns)]
        followed = earliest_ns < before_ns
        never = earliest_ns == inf and index > 0 and runs[index - 1][-1].time_ns + NEVER_NS < run[0].time_ns
        damaged[index] = len(run) < REAL and len(run) < others and (followed or never)
        if not damaged[index]:
            earliest_ns = min(earliest_ns, run[-1].time_ns)
    if any(damaged):
        counters["time_ahead"] += sum(len(run) for run, bad in zip(runs, damaged, strict=True) if bad)
    return [frame for run, bad in zip(runs, damaged, strict=True) if not bad for frame in run]


def _runs(frames: Sequence[RadioFrame]) -> list[Run]:
    """Frames in a row without an hour between two of them, forward or back."""
    runs: list[Run] = []
    start = 0
    for index in range(1, len(frames) + 1):
        if index == len(frames) or abs(frames[index].time_ns - frames[index - 1].time_ns) > FAR_NS:
            runs.append(frames[start:index])
            start = index
    return runs
