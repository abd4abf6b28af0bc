"""What the plots of the latency report show, before it is drawn: colours, the bars of the timeline, rows of the gantt.

Page and picture draw the same numbers; colours are far apart in lightness too, and none is a level's alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from asvtools.latency_measure import slowest
from asvtools.latency_session import Measured
from asvtools.latency_stages import Change, nearest_rank

COLOURS: Final = {
    "cause": "#c9ced6",
    "parsed": "#8d99a8",
    "taken": "#5b6775",
    "decoded": "#a6cee3",
    "judged": "#4f93c4",
    "decided": "#1d4f8c",
    "commanded": "#b79be0",
    "lit": "#f0a92e",
    "sounded": "#7a3fb5",
    "light_seen": "#ffd98a",
    "sound_seen": "#cdb2ea",
    "written": "#2a9d72",
}
MOST_BARS: Final = 240
GANTT_ROWS: Final = 20


@dataclass(slots=True)
class Bar:
    """One bar of the timeline: the slowest change of `of` neighbouring ones; pieces (boundary, from, to) in us."""

    change: Change
    pieces: list[tuple[str, float, float]]
    of: int
    first: int  # place of the first of them among all changes, from 0
    new_session: bool


def timeline(measured: Measured, most: int = MOST_BARS) -> list[Bar]:
    """All changes in their order; of more than `most` neighbours share a bar, which is that of the slowest of them."""
    changes = [change for change in measured.changes if change.total_us is not None]
    width = -(-len(changes) // most) if changes else 1
    bars = []
    before: tuple[int, int] | None = None
    for first in range(0, len(changes), width):
        shared = changes[first : first + width]
        longest = max(shared, key=lambda change: change.total_us or 0.0)
        run = (shared[-1].unit, shared[-1].session)
        bars.append(Bar(longest, longest.pieces(), len(shared), first, before is not None and run != before))
        before = run
    return bars


def gantt(measured: Measured, most: int = GANTT_ROWS) -> list[Change]:
    """The changes whose hops are drawn one by one: the slowest."""
    return slowest(measured.changes, most)


def field_us(totals: Sequence[float]) -> float:
    """How far the axis goes: a few that took far longer than the rest run out of it, and are told in figures."""
    ordered = sorted(totals)
    usual = nearest_rank(ordered, 90)
    return ordered[-1] if ordered[-1] <= 4 * usual else 2 * usual


def boundaries(bars: Sequence[Sequence[tuple[str, float, float]]]) -> list[str]:
    """The boundaries that occur, in order: the legend."""
    found = {name for pieces in bars for name, _begin, _end in pieces}
    return [name for name in COLOURS if name in found]


def ticks_ms(most: float, wanted: int = 6) -> list[float]:
    """Round values from 0 to `most`."""
    step = 1e-4
    while True:
        for factor in (1, 2, 5):
            if most / (step * factor) <= wanted:
                count = int(most / (step * factor) + 1e-9)
                return [round(step * factor * number, 6) for number in range(count + 1)]
        step *= 10


def title(change: Change, measured: Measured) -> str:
    """A change in words, with each of its pieces."""
    from asvtools.latency_view import clock, ms

    name = measured.ledgers[change.unit].name
    pieces = ", ".join(f"{what.replace('_', ' ')} +{ms(end - begin)}" for what, begin, end in change.pieces())
    about = " ".join(filter(None, (change.level, (change.function or "").replace("_", " "))))
    return (
        f"{name} {change.number}, {clock(change.t)} UTC: {about} by {change.input}, {ms(change.total_us)} ms: {pieces}"
    )


def marks(told: dict[str, Any]) -> list[tuple[str, float]]:
    """Lines of the histogram: the quantiles and the limit, microseconds."""
    total = told["total"]
    found = [(name, total[f"{name}_us"]) for name in ("p50", "p95", "p99", "max")]
    return [*found, (f"{told['limit_us'] / 1000:g} ms", told["limit_us"])]
