"""What a live unit tells of itself every ten seconds: how long things took, and what was dropped."""

from collections.abc import Mapping
from typing import Any

from asvunit.loads import Loads
from asvunit.parts import Parts
from asvunit.quantiles import Quantiles
from asvunit.unit import Unit


def statistics(parts: Parts, unit: Unit, timed: Mapping[str, Quantiles], loads: Loads) -> dict[str, Any]:
    """The event without its time: docs/contracts.md."""
    counters = loads.counters() | parts.presenter.counters() | {"trailer": unit.trailers}
    if parts.recorder:
        counters["capture"] = parts.recorder.counters
    if parts.session:
        counters["session"] = parts.session.counters
        if parts.session.radio:
            counters["session_radio"] = parts.session.radio.counters
    if parts.signer:
        counters["signer"] = parts.signer.counters
    event: dict[str, Any] = {
        "event": "statistics",
        **{name: times.summary() for name, times in timed.items()},
        "cycles_missed": int(unit.core.missed_slots),
        "neighbours": int(unit.core.neighbours.count),
        "inbox_lost": parts.inbox.lost,
        "counters": {name: dict(counts) for name, counts in counters.items() if counts},
    }
    if parts.sender:
        event["send_late"] = parts.sender.late.summary()
        event["sender"] = dict(parts.sender.counters)
    return event


def figures(heard: Mapping[str, Any]) -> str:
    """What is heard, for people, of a summary of `Arrivals`; nothing while nobody is."""
    if not heard["vehicles"]:
        return ""
    arrival = "" if heard["arrival_percent"] is None else f", {heard['arrival_percent']:.0f} % arrive"
    return f"heard: {heard['vehicles']}, {heard['frames_per_s']} frames/s{arrival}"
