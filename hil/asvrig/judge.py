"""Judges a unit's events against the expected times: a list of checks, each with its margin.

What is checked for each support that had to be given: when each level began, that its condition held, that
light, sound and side went with it, when "keep watching" began, how long it lasted and why it ended; and
that nothing was given beside.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from asvrig.expected import HOLD_S, Expected, Window, expected
from asvrig.scenario import Scenario

TOLERANCE_S: Final = 0.15  # a cycle of 100 ms, and what wire and receiver round
_ROUNDED_M: Final = 0.1  # events tell decimetres
_COLOURS: Final = {"information": ("blue", "none"), "caution": ("yellow", "caution")}
_LEVELS: Final = ("none", "information", "caution")

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that had to be so. `window` and `actual_s` (seconds into the scenario) where it is a time."""

    vehicle: str
    what: str
    good: bool
    note: str = ""
    window: Window | None = None
    actual_s: float | None = None

    @property
    def margin_s(self) -> float | None:
        """How far inside the window, widened by the tolerance, it was; negative: outside."""
        if self.window is None or self.actual_s is None:
            return None
        return min(
            self.actual_s - self.window.earliest_s + TOLERANCE_S, self.window.latest_s + TOLERANCE_S - self.actual_s
        )


@dataclass(slots=True)
class Given:
    """One support as the unit gave it: its events from the first with a level to that which ended it."""

    vehicle_id: int
    events: list[Event] = field(default_factory=list)

    def first(self, level: str) -> Event | None:
        """The event with which a level was first presented."""
        return next((one for one in self.events if one["level"] == level and one["presented"]), None)


def given(events: Iterable[Event], function: str) -> list[Given]:
    """The supports of a function in the order of their begin."""
    out: list[Given] = []
    running: dict[int, Given] = {}
    for event in events:
        if event["event"] != "support" or event["function"] != function or event["vehicle_id"] is None:
            continue
        key = event["vehicle_id"]
        if event["level"] != "none" and key not in running:
            running[key] = Given(key)
            out.append(running[key])
        if key in running:
            running[key].events.append(event)
            if event["level"] == "none":
                del running[key]
    return out


def judge(scenario: Scenario, events: list[Event], due: list[Expected] | None = None) -> list[Check]:
    """All checks of a scenario; good if every one is. `due`: the expected supports, if they are at hand."""
    due = expected(scenario) if due is None else due
    names = {vehicle.vehicle_id: vehicle.name for vehicle in scenario.others}
    told = given(events, scenario.function)
    judge_one = _Judge(scenario.start_ns / 1e9, events)
    for support in due:
        mine = next((one for one in told if one.vehicle_id == support.vehicle.vehicle_id), None)
        if mine is not None:
            told.remove(mine)
        judge_one.support(support, mine)
    for extra in told:
        t_s = extra.events[0]["t"] - scenario.start_ns / 1e9
        name = names.get(extra.vehicle_id, f"vehicle {extra.vehicle_id}")
        note = f"{extra.events[0]['level']} at {t_s:.2f} s, where none is due"
        judge_one.checks.append(Check(name, "nothing beside", False, note, actual_s=t_s))
    if not due and not told:
        judge_one.checks.append(Check("all", "no support", True, "none is due, and none was given"))
    return judge_one.checks


class _Judge:
    """Collects the checks of one scenario."""

    def __init__(self, start_s: float, events: list[Event]) -> None:
        self._start_s = start_s
        self._hmi = [event for event in events if event["event"] == "hmi"]
        self.checks: list[Check] = []

    def support(self, due: Expected, mine: Given | None) -> None:
        name = due.vehicle.name
        for level, window in due.levels.items():
            begun = mine.first(level) if mine else None
            self._time(name, level, window, begun)
            if begun:
                self._condition(name, level, begun)
                self._shown(name, level, due.side, begun)
        if mine is None:
            return
        self._levels(due, mine)
        watching = next((one for one in mine.events if one["reason"] == "target_passed"), None)
        if due.hold and watching is None:
            watching = next((one for one in reversed(mine.events) if one["level"] == "information"), None)
        if due.hold:
            self._time(name, "keep watching", due.hold, watching)
        last = mine.events[-1]
        ended = last if last["level"] == "none" else None
        if due.end is None:
            self._add(name, "goes on", ended is None, "to the end" if ended is None else f"ended: {ended['reason']}")
            return
        self._time(name, "end", due.end, ended)
        if ended is None:
            return
        self._add(name, "end's reason", ended["reason"] == due.end_reason, ended["reason"])
        if watching and due.end_reason == "hold_over":
            lasted = ended["t"] - watching["t"]
            good = abs(lasted - HOLD_S) <= TOLERANCE_S
            self._add(name, "held 3 s", good, f"{lasted:.2f} s")
        self._quiet(name, ended)

    def _add(self, name: str, what: str, good: bool, note: str) -> None:
        self.checks.append(Check(name, what, good, note))

    def _time(self, name: str, what: str, window: Window, event: Event | None) -> None:
        if event is None:
            self.checks.append(Check(name, what, False, "never happened", window))
            return
        check = Check(name, what, True, event["reason"], window, event["t"] - self._start_s)
        margin = check.margin_s
        late = margin is None or margin < 0
        self.checks.append(Check(name, what, not late, check.note, window, check.actual_s))

    def _condition(self, name: str, level: str, event: Event) -> None:
        numbers = [event[key] for key in ("distance_m", "error_m", "threshold_m")]
        if None in numbers:
            self._add(name, f"{level}: condition", False, "the event does not tell it")
            return
        distance, error, threshold = numbers
        good = distance - error <= threshold + _ROUNDED_M
        self._add(name, f"{level}: condition", good, f"{distance:.1f} - {error:.1f} m, limit {threshold:.1f} m")

    def _shown(self, name: str, level: str, side: str, event: Event) -> None:
        shown = self._in_force(event["t"])
        if shown is None or not shown["text"] or _LEVELS.index(shown["level"]) < _LEVELS.index(level):
            self._add(name, f"{level}: display", False, "nothing of that level is shown")
            return
        colour, sound = _COLOURS[shown["level"]]
        good = (shown["colour"], shown["sound"]) == (colour, sound) and shown["direction"] in (side, "both")
        self._add(name, f"{level}: display", good, f"{shown['colour']}, {shown['direction']}, sound {shown['sound']}")

    def _levels(self, due: Expected, mine: Given) -> None:
        """No level that is not due, and never a step back before the target has passed."""
        extra = {one["level"] for one in mine.events if one["presented"]} - set(due.levels) - {"none"}
        held = due.hold is not None or due.end is not None
        if held:
            extra.discard("information")  # "keep watching" is shown as information
        if extra:
            self._add(due.vehicle.name, "levels", False, f"{', '.join(sorted(extra))} was not due")
        highest = 0
        for one in mine.events:
            rank = _LEVELS.index(one["level"])
            t_s = one["t"] - self._start_s
            if (
                rank < highest
                and (due.hold is None or t_s < due.hold.earliest_s - TOLERANCE_S)
                and (due.end is None or t_s < due.end.earliest_s - TOLERANCE_S)
            ):
                self._add(due.vehicle.name, "levels", False, f"fell to {one['level']} at {t_s:.2f} s")
            highest = max(highest, rank)

    def _quiet(self, name: str, ended: Event) -> None:
        """The end comes without any cue: no sound, and nothing more is shown for it."""
        shown = self._in_force(ended["t"])
        good = shown is not None and (shown["level"] != "none" or (shown["sound"], shown["text"]) == ("none", ""))
        self._add(name, "ends quietly", good, "no sound, no text" if good else "something is still told")

    def _in_force(self, t: float) -> Event | None:
        """What the outputs had last been told at a time."""
        return next((one for one in reversed(self._hmi) if one["t"] <= t), None)
