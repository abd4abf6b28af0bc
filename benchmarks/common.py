"""What the benchmarks share: a row of a result table, and timing that bears a noisy machine."""

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement. `goal`: None, or the bound in `unit`; `best` says on which side of it good lies."""

    name: str
    value: float
    unit: str
    goal: float | None = None
    note: str = ""
    best: str = "low"  # or "high"

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None without one."""
        if self.goal is None:
            return None
        return self.value <= self.goal if self.best == "low" else self.value >= self.goal


def interleaved(
    subjects: Mapping[str, Callable[[], object]],
    rounds: int = 300,
    loops: int = 50,
    loops_of: Mapping[str, int] | None = None,
) -> dict[str, float]:
    """Seconds per call of each subject: the least over many short rounds, taken in turn.

    In turn, so that a slow spell of the machine meets all alike; the least, since noise only ever adds.
    """
    best = dict.fromkeys(subjects, float("inf"))
    clock = time.perf_counter
    enabled = gc.isenabled()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, subject in subjects.items():
                count = (loops_of or {}).get(name, loops)
                turns = range(count)
                start = clock()
                for _turn in turns:
                    subject()
                best[name] = min(best[name], (clock() - start) / count)
    finally:
        if enabled:
            gc.enable()
    return best
