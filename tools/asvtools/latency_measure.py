"""The report of `asvkit latency` as one JSON form: in all, light, sound and each hop, by input and by level."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from heapq import nsmallest
from importlib.metadata import version
from itertools import chain
from typing import Any, Final

from asvtools.latency_ledger import Ledger
from asvtools.latency_session import Measured
from asvtools.latency_stages import ORDER, SYSTEM_DELAY_US, Change, Hop, summary

FORM: Final = 1
MOST_SLOWEST: Final = 25
_PLACES: Final = {name: place for place, name in enumerate(ORDER)}
_LEVELS: Final = ("none", "information", "caution", "warning")
_STEPS_A_DECADE: Final = 10  # classes of the histogram
_LEAST_US, _CLASSES_TO_US = 10.0, 1e7


def measure(measured: Measured, limit_us: float = SYSTEM_DELAY_US) -> dict[str, Any]:
    """The report; `limit_us`: what no change may exceed."""
    changes = measured.changes
    cells = _cells(changes)
    totals = sorted(_totals(changes))
    over = sum(total > limit_us for total in totals)
    untimed = sum(ledger.untimed for ledger in measured.ledgers)
    bench = measured.bench
    missing = bench.stimuli - bench.answered if bench else 0
    good = not over and not untimed and not missing and not (bench and bench.unseen)
    dropped: Counter[str] = Counter()
    for ledger in measured.ledgers:
        dropped += ledger.counters
    longest_us = totals[-1] if totals else None
    return {
        "form": FORM,
        "asvkit": version("asvkit"),
        "verdict": ("good" if totals else "not measured") if good else "bad",
        "limit_us": limit_us,
        "changes": len(totals),
        "over": over,
        "untimed": untimed,
        "longest_us": None if longest_us is None else round(longest_us, 3),
        "share_percent": None if longest_us is None else round(100 * longest_us / limit_us, 3),
        "dropped": dict(dropped),
        "lost": sum(ledger.lost for ledger in measured.ledgers),
        "bench": None if bench is None else _bench(measured),
        **_group(cells.values()),
        "by_input": _groups(cells, 0),
        "by_level": _groups(cells, 1, _LEVELS),
        "units": [_unit(ledger, measured) for ledger in measured.ledgers],
        "histogram": _histogram(totals),
        "slowest": [told(change, measured) for change in slowest(changes, MOST_SLOWEST)],
    }


def slowest(changes: Iterable[Change], most: int) -> list[Change]:
    """Those that took longest, the longest first."""
    timed = (change for change in changes if change.total_us is not None)
    return nsmallest(most, timed, key=lambda change: (-(change.total_us or 0.0), change.unit, change.number))


def told(change: Change, measured: Measured) -> dict[str, Any]:
    """One change with all its times."""
    return {
        "unit": measured.ledgers[change.unit].name,
        "session": change.session + 1,
        "n": change.number,
        "t": change.t,
        "stamp_ns": change.stamp_ns,
        "input": change.input,
        "cause": change.cause,
        "level": change.level,
        "function": change.function,
        "cue": change.cue,
        "sent_us": change.sent_us,
        **{f"{name}_us": change.at.get(name) for name in ORDER[2:]},
        "light_us": change.light_us,
        "sound_us": change.sound_us,
        "total_us": None if change.total_us is None else round(change.total_us, 3),
    }


def _totals(changes: Iterable[Change]) -> list[float]:
    return [total for change in changes if (total := change.total_us) is not None]


class _Cell:
    """What belongs to one kind of cause and one level: lists of microseconds."""

    def __init__(self) -> None:
        self.total: list[float] = []
        self.light: list[float] = []
        self.sound: list[float] = []
        self.hops: defaultdict[Hop, list[float]] = defaultdict(list)

    def add(self, change: Change) -> None:
        begin_us = change.sent_us or 0.0
        if change.total_us is not None:
            self.total.append(change.total_us)
        if change.light_us is not None:
            self.light.append(change.light_us - begin_us)
        if change.sound_us is not None:
            self.sound.append(change.sound_us - begin_us)
        for hop, us in change.hops():
            self.hops[hop].append(us)


def _cells(changes: Iterable[Change]) -> dict[tuple[str, str], _Cell]:
    cells: defaultdict[tuple[str, str], _Cell] = defaultdict(_Cell)
    for change in changes:
        cells[change.input, change.level].add(change)
    return cells


def _group(cells: Iterable[_Cell]) -> dict[str, Any]:
    """In all, light, sound, and the hops in the order in which they are passed."""
    cells = list(cells)
    hops: defaultdict[Hop, list[float]] = defaultdict(list)
    for cell in cells:
        for hop, values in cell.hops.items():
            hops[hop] += values
    in_order = sorted(hops, key=lambda hop: (_PLACES[hop[1]], _PLACES[hop[0]]))
    return {
        "total": summary(chain.from_iterable(cell.total for cell in cells)),
        "light": summary(chain.from_iterable(cell.light for cell in cells)),
        "sound": summary(chain.from_iterable(cell.sound for cell in cells)),
        "hops": [{"from": hop[0], "to": hop[1], **summary(hops[hop])} for hop in in_order],
    }


def _groups(cells: dict[tuple[str, str], _Cell], part: int, order: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """A group of each name in that part of the key; those of `order` first, the others by name."""
    ranks = {one: rank for rank, one in enumerate(order)}
    names = sorted({key[part] for key in cells}, key=lambda one: (ranks.get(one, len(order)), one))
    return [{"name": one, **_group(cell for key, cell in cells.items() if key[part] == one)} for one in names]


def _unit(ledger: Ledger, measured: Measured) -> dict[str, Any]:
    by_session: defaultdict[int, list[Change]] = defaultdict(list)
    for change in ledger.changes:
        by_session[change.session].append(change)
    return {
        "name": ledger.name,
        "file": str(ledger.path),
        "pins": None if ledger.pins is None else str(ledger.pins),
        "seen": measured.seen.get(ledger.name),
        "total": summary(_totals(ledger.changes)),
        "sessions": [
            {
                "session": number + 1,
                "start_t": session.start_t,
                "vehicle_id": session.vehicle_id,
                "asvkit": session.version or None,
                "stop": session.stop or None,
                "untimed": session.untimed,
                "total": summary(_totals(by_session[number])),
            }
            for number, session in enumerate(ledger.sessions)
        ],
    }


def _bench(measured: Measured) -> dict[str, Any]:
    bench = measured.bench
    if bench is None:
        raise ValueError("no bench")
    answered = [change for change in measured.changes if change.sent_us is not None]
    return {
        "stimuli": bench.stimuli,
        "answered": bench.answered,
        "missing": bench.stimuli - bench.answered,
        "unseen": bench.unseen,
        "total": summary(_totals(answered)),
        "conditions": bench.conditions,
    }


def _histogram(totals: list[float]) -> dict[str, Any]:
    """Counts in classes of equal width on a logarithmic axis, from the least that holds one to the most."""
    if not totals:
        return {"edges_us": [], "counts": []}
    least, most = (min(max(total, _LEAST_US), _CLASSES_TO_US) for total in (totals[0], totals[-1]))
    first = math.floor(math.log10(least) * _STEPS_A_DECADE + 1e-9)
    last = math.floor(math.log10(most) * _STEPS_A_DECADE + 1e-9)
    edges = [10 ** (step / _STEPS_A_DECADE) for step in range(first, last + 2)]
    counts = [0] * (len(edges) - 1)
    at = 0
    for total in totals:  # sorted; what lies outside counts in the first or last class
        while at < len(counts) - 1 and total >= edges[at + 1]:
            at += 1
        counts[at] += 1
    return {"edges_us": [round(edge, 3) for edge in edges], "counts": counts}
