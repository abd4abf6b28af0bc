"""Keeps floods out of the events: so many of one kind and reason a second are told singly, the rest as a count."""

from collections import Counter
from typing import Final

from asvunit.events import Event

EVENTS_A_SECOND: Final = 50  # of one kind and reason; a flood must not fill the disk
_LIMITED: Final = ("drop", "neighbour", "trailer")


class EventLimit:
    """Asked for each event; told when a second is over."""

    def __init__(self) -> None:
        self._told: Counter[tuple[str, str]] = Counter()
        self._spared: Counter[tuple[str, str]] = Counter()

    def admits(self, event: Event) -> bool:
        """Whether an event is to be told singly."""
        if event["event"] not in _LIMITED:
            return True
        key = (event["event"], event["reason"])
        if self._told[key] >= EVENTS_A_SECOND:
            self._spared[key] += 1
            return False
        self._told[key] += 1
        return True

    def second_over(self, epoch_s: float) -> list[Event]:
        """Events that count those which were not told; a new second begins."""
        out: list[Event] = []
        for (kind, reason), count in self._spared.items():
            key = {"key_id": None} if kind == "trailer" else {}
            told = {"event": kind, "reason": reason, "source": None, **key, "vehicle_id": None, "count": count}
            out.append({"t": epoch_s, **told})
        self._told.clear()
        self._spared.clear()
        return out
