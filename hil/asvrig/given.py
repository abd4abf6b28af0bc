"""What a unit gave, read from its events: each support from begin to end, and what was presented at each time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final

from asvrig.oracle.results import TIMED

Event = dict[str, Any]
Key = tuple[str, str | None, int | None]  # function, source, vehicle_id

LEVELS: Final = ("none", "information", "caution")
RANK: Final = {"crossing": 1, "right_turn": 2, "left_turn": 2, "emergency": 3, "surrounding": 4}  # [G 5.2]
# Without a level for a while, but not ended
_PAUSES: Final = ("information_ended", "superseded")
# A support with a rule of timing ends so; with other reasons it is explained why another target gets none
_ENDS: Final = (
    "hold_over", "lost_limit", "displaced",
    "ego_started", "ego_too_fast", "ego_not_stopped", "winker_off", "turn_begun",
)  # fmt: skip
# Of a support that its target still asks for; with all others it is only held
ACTIVE: Final = (
    "l3_reached", "l4_reached", "l4_star_reached", "late_l3", "late_l4", "target_lost", "resumed", "in_range",
    "external",
)  # fmt: skip


@dataclass(slots=True)
class Given:
    """One support as the unit gave it: its events from the first with a level to that which ended it."""

    vehicle_id: int
    source: str | None = None
    events: list[Event] = field(default_factory=list)

    @property
    def ended(self) -> Event | None:
        """The event that ended it."""
        last = self.events[-1]
        return last if last["level"] == "none" and last["reason"] not in _PAUSES else None

    def takes(self, event: Event) -> bool:
        """Whether an event of the same address and id is of this support: another vehicle may send with both."""
        return event["level"] != "none" or self.events[-1]["level"] == "none" or _changes(event)

    def first(self, level: str, presented: bool = False) -> Event | None:
        """The event with which a level was first judged, or presented."""
        return next((one for one in self.events if one["level"] == level and (one["presented"] or not presented)), None)

    def held(self) -> Event | None:
        """The event with which "keep watching" began, for the last time."""
        found, inside, level = None, False, "none"
        for one in self.events:
            if one["reason"] == "superseded":  # which hides its own reason: a step back tells it
                holds = one["level"] == "information" and (inside or level == "caution")
            else:
                holds = one["level"] == "information" and one["reason"] not in ACTIVE
            if holds and not inside:
                found = one
            inside, level = holds, one["level"]
        return found


def given(events: Iterable[Event], function: str) -> list[Given]:
    """The supports of a function in the order of their begin; why others get none is no support."""
    out: list[Given] = []
    running: dict[tuple[str | None, int], Given] = {}
    for event in events:
        if event["event"] != "support" or event["function"] != function or event["vehicle_id"] is None:
            continue
        key = (event["source"], event["vehicle_id"])
        if event["level"] != "none" and key not in running:
            running[key] = Given(event["vehicle_id"], event["source"])
            out.append(running[key])
        if key in running and running[key].takes(event):
            running[key].events.append(event)
            if running[key].ended:
                del running[key]
    return out


def _changes(event: Event) -> bool:
    """Whether an event without a level ends or pauses a support that is given."""
    return event["function"] not in TIMED or event["reason"] in (*_ENDS, *_PAUSES)


@dataclass(frozen=True, slots=True)
class Scene:
    """All supports with a level from one time on, by what they are and of whom; until the next scene."""

    t: float
    supports: dict[Key, Event]

    def presented(self) -> list[Key]:
        """Those that reach the driver."""
        return [key for key, event in self.supports.items() if event["presented"]]

    def waiting(self) -> list[Key]:
        """Those that should, and find no place; one that another support speaks for does not wait."""
        return [
            key for key, event in self.supports.items() if not event["presented"] and event["reason"] in ACTIVE
        ]  # fmt: skip


def scenes(events: Iterable[Event]) -> list[Scene]:
    """The scenes in the order of time: what is told at one time counts together."""
    return list(_scenes(events))


def _scenes(events: Iterable[Event]) -> Iterator[Scene]:
    now: dict[Key, Event] = {}
    told = (one for one in events if one["event"] == "support" and (one["vehicle_id"], one["source"]) != (None, None))
    for t, together in groupby(told, key=lambda one: float(one["t"])):
        for event in together:
            key = (event["function"], event["source"], event["vehicle_id"])
            if event["level"] == "none" and _changes(event):
                now.pop(key, None)
            elif event["level"] != "none":
                now[key] = event
        yield Scene(t, dict(now))
