"""The latency ledger as CSV: one line a change, every boundary a column, times as the ledger tells them."""

import csv
import io
from typing import Final

from asvtools.latency_session import Measured
from asvtools.latency_stages import ORDER

_BOUNDARIES: Final = ORDER[2:]
COLUMNS: Final = (
    *("unit", "session", "n", "t", "stamp_ns", "input", "cause", "level", "function", "cue", "sent_us"),
    *(f"{name}_us" for name in _BOUNDARIES),
    *("light_us", "sound_us", "total_us", "over"),
)


def table(measured: Measured, limit_us: float) -> str:
    """The whole file; empty where a boundary was not passed. `over`: 1 if it took longer than the limit."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    names = [ledger.name for ledger in measured.ledgers]
    for one in measured.changes:
        cue = None if one.cue is None else int(one.cue)
        total_us = None if one.total_us is None else round(one.total_us, 3)
        over = int(one.total_us is not None and one.total_us > limit_us)
        about = (names[one.unit], one.session + 1, one.number, one.t, one.stamp_ns, one.input, one.cause, one.level)
        passed = map(one.at.get, _BOUNDARIES)
        outcome = (one.light_us, one.sound_us, total_us, over)
        writer.writerow((*about, one.function, cue, one.sent_us, *passed, *outcome))
    return out.getvalue()
