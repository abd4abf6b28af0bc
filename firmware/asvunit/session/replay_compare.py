"""Lays what a replay decides beside what was recorded, and finds the first difference.

What the core alone tells (supports, what the driver is told, the car's signals, the own message) must be the same in
all keys and in the same order, `t` within the millisecond that a journal has. Of drops and neighbours the unit tells
so many of a kind a second and counts the others: their number must be right. States of inputs and of the unit depend
on devices too, of which no journal knows: `replay_states` has the rule for them.
"""

import json
from collections import deque
from collections.abc import Iterator
from typing import Final

from asvunit.event_limit import EVENTS_A_SECOND
from asvunit.events import Event
from asvunit.session.replay_states import States

DECISIONS: Final = frozenset({"support", "hmi", "signal", "own_message"})
MS_S: Final = 0.001002  # a journal's milliseconds are cut, and an event's microseconds too
_COUNTED: Final = frozenset({"drop", "neighbour"})
_STATES: Final = frozenset({"status", "system"})
_TIMES: Final = frozenset({"t", "since"})
_BEHIND_S: Final = 1.0  # the record is read so far behind the replay where nothing is decided
_LATE_S: Final = 5.0  # a recorded decision that the replay should have made so long ago
_TAIL_S: Final = 2.5  # at the end the unit has not told what it counted last
_LOOP_S: Final = 5.0  # the longest that a second of a unit without time may be
_TIMES_KEPT: Final = 10_000

Key = tuple[str, str]


class _Lane:
    """Events of one kind and reason, of which the unit tells so many a second."""

    def __init__(self) -> None:
        self.recorded: deque[Event] = deque()
        self.replayed: deque[Event] = deque()
        self.counted = 0  # by the unit, instead of telling each
        self.untold = 0  # by the replay, and not recorded singly
        self.untold_s: deque[float] = deque(maxlen=_TIMES_KEPT)
        self._told_s: deque[float] = deque(maxlen=EVENTS_A_SECOND)

    def match(self) -> str:
        """Pair what waits; a difference, or nothing."""
        while self.recorded and self.replayed:
            if same(self.recorded[0], self.replayed[0]):
                self._told_s.append(self.replayed.popleft()["t"])
                self.recorded.popleft()
            elif said := self.leave(self.recorded[0]):
                return said
        return ""

    def leave(self, recorded: Event | None = None) -> str:
        """The replay's next was not recorded singly: right if so many of its kind were told just before."""
        event = self.replayed.popleft()
        told = self._told_s
        if len(told) < EVENTS_A_SECOND or event["t"] - told[0] > _LOOP_S:
            return difference(recorded, event)
        self.untold += 1
        self.untold_s.append(event["t"])
        return ""

    def uncounted(self, last_s: float) -> int:
        """How many before the end were neither told nor counted."""
        missing = self.untold - self.counted
        return sum(at_s < last_s - _TAIL_S for at_s in list(self.untold_s)[-missing:]) if missing > 0 else 0


class Comparison:
    """Of one stretch: `take` what the replay tells, then `end`. `difference` is the first one, or nothing.

    `compared`: decisions that were laid beside each other; `beyond`: of the replay's, those after the record's end.
    """

    def __init__(self, recorded: Iterator[Event], *, begins: bool, ends: bool) -> None:
        """`begins`: where the unit does, not in the middle; `ends`: where the journal does, and was not cut."""
        self.difference = ""
        self.compared = self.beyond = 0
        self._recorded, self._begins, self._ends = recorded, begins, ends
        self._ahead: Event | None = None  # read, and not yet taken up
        self._waiting: deque[Event] = deque()  # recorded decisions
        self._lanes: dict[Key, _Lane] = {}
        self._states = States(begins)
        self._last_s = 0.0  # of the replay

    def take(self, events: list[Event]) -> None:
        """What the replay tells, in order."""
        for event in events:
            self._last_s = event["t"]
            kind = event["event"]
            if kind in DECISIONS:
                self._decision(event)
            elif kind in _COUNTED:
                self._lane(event).replayed.append(event)
                self._read(event["t"] - _BEHIND_S)
            elif kind in _STATES:
                self._states.core(event)
            if self._waiting and self._waiting[0]["t"] < self._last_s - _LATE_S:
                self._differ(difference(self._waiting[0], None))
            if self.difference:
                return

    def end(self, last_s: float) -> None:
        """The replay is over at a time; so should the record be."""
        until_s = float("inf") if self._ends else last_s - MS_S  # of its last millisecond a line may be missing
        self._read(until_s)
        for event in self._waiting:
            if event["t"] <= until_s:
                self._differ(difference(event, None))
        for lane in self._lanes.values():
            self._differ(lane.match())
            self._end_lane(lane, until_s)
        self._differ(self._states.difference(until_s))

    # Inside

    def _decision(self, event: Event) -> None:
        while not self._waiting and self._read_one():
            pass
        if self._waiting:
            recorded = self._waiting.popleft()
            if same(recorded, event):
                self.compared += 1
            else:
                self._differ(difference(recorded, event))
        else:
            self.beyond += 1
            if self._ends:
                self._differ(difference(None, event))

    def _read(self, until_s: float) -> None:
        """The record up to a time."""
        while self._look() is not None and self._look().get("t", 0) <= until_s:  # type: ignore[union-attr]
            self._read_one()

    def _look(self) -> Event | None:
        if self._ahead is None:
            self._ahead = next(self._recorded, None)
        return self._ahead

    def _read_one(self) -> bool:
        """Take up the record's next event; False at its end."""
        event, self._ahead = self._look(), None
        if event is None:
            return False
        kind = event["event"]
        if kind in DECISIONS:
            self._waiting.append(event)
        elif kind in _COUNTED:
            lane = self._lane(event)
            if "count" in event:
                lane.counted += event["count"]
            else:
                lane.recorded.append(event)
            self._differ(lane.match())
        elif kind in _STATES:
            self._states.recorded(event)
        return True

    def _lane(self, event: Event) -> _Lane:
        return self._lanes.setdefault((event["event"], event["reason"]), _Lane())

    def _end_lane(self, lane: _Lane, until_s: float) -> None:
        for event in lane.recorded:
            if event["t"] <= until_s:
                self._differ(difference(event, None))
        if not self._ends:
            return
        while lane.replayed:
            self._differ(lane.leave())
        if missing := lane.uncounted(self._last_s):
            self._differ(f"{missing} drops or neighbours of the replay were neither recorded nor counted")
        if self._begins and lane.counted > lane.untold:
            self._differ(f"{lane.counted - lane.untold} drops or neighbours were counted that the replay does not tell")

    def _differ(self, said: str) -> None:
        self.difference = self.difference or said


def same(recorded: Event, replayed: Event) -> bool:
    """Whether two events are one: all keys, their times to a millisecond."""
    if recorded.keys() != replayed.keys():
        return False
    for key, value in replayed.items():
        if key in _TIMES:
            if not abs(recorded[key] - value) <= MS_S:
                return False
        elif recorded[key] != value:
            return False
    return True


def difference(recorded: Event | None, replayed: Event | None) -> str:
    """In words."""
    if recorded is None:
        return f"the replay tells what was not recorded: {_json(replayed)}"
    if replayed is None:
        return f"the replay does not tell what was recorded: {_json(recorded)}"
    if recorded["event"] == replayed["event"] and abs(recorded["t"] - replayed["t"]) <= MS_S:
        differing = [key for key in {**recorded, **replayed} if recorded.get(key) != replayed.get(key) and key != "t"]
        words = "; ".join(f"{key} {_json(recorded.get(key))}, now {_json(replayed.get(key))}" for key in differing)
        return f"{recorded['event']} at {recorded['t']:.3f}, cause {recorded.get('cause')}: recorded {words}"
    return f"recorded {_json(recorded)}, now {_json(replayed)}"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
