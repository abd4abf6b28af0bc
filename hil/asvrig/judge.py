"""Judges a unit's events against the expected times: a list of checks, each with its margin.

What is checked for each support that had to be given, of whatever function: when each level began, that its condition
held, that it reached the driver with the right light, sound and side, when "keep watching" began, how long it lasted
and why it ended; that nothing was given beside; and what holds for the display all the time (`asvrig.judge_display`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from asvrig.expected import HOLD_S, SHOWN_S, TIMED, Allowed, Expected, Outlook, Window, outlook
from asvrig.given import LEVELS, RANK, Event, Given, given
from asvrig.judge_display import Display
from asvrig.scenario import Scenario

__all__ = ["NEARBY_TOLERANCE_S", "TOLERANCE_S", "Check", "Event", "Given", "given", "judge"]

TOLERANCE_S: Final = 0.15  # a cycle of 100 ms, and what wire and receiver round, as way of the target
_PACE_LEAST: Final = 0.4  # a target that comes nearer at less of its speed is given no more time for that way
NEARBY_TOLERANCE_S: Final = 0.5  # surrounding and emergency vehicles: no rule of timing [G 4.4.2(2)]
_ROUNDED_M: Final = 0.1  # events tell decimetres


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that had to be so. `window` and `actual_s` (seconds into the scenario) where it is a time."""

    vehicle: str
    what: str
    good: bool
    note: str = ""
    window: Window | None = None
    actual_s: float | None = None
    function: str = "crossing"
    tolerance_s: float = TOLERANCE_S

    @property
    def margin_s(self) -> float | None:
        """How far inside the window, widened by the tolerance, it was; negative: outside."""
        if self.window is None or self.actual_s is None:
            return None
        early_s, late_s = self.actual_s - self.window.earliest_s, self.window.latest_s - self.actual_s
        return min(early_s, late_s) + self.tolerance_s


def judge(scenario: Scenario, events: list[Event], due: list[Expected] | Outlook | None = None) -> list[Check]:
    """All checks of a scenario; good if every one is. `due`: what was expected, if it is at hand."""
    if not isinstance(due, Outlook):
        whole = outlook(scenario)
        due = whole if due is None else Outlook(due, whole.allowed)
    return list(_Judge(scenario, events).checks(due))


class _Judge:
    """Makes the checks of one scenario."""

    def __init__(self, scenario: Scenario, events: list[Event]) -> None:
        self._scenario = scenario
        self._start_s = scenario.start_ns / 1e9
        self._events = events
        self._display = Display(scenario, events)
        ids = [vehicle.vehicle_id for vehicle in scenario.others]
        self._shared_ids = {one for one in ids if ids.count(one) > 1}

    def checks(self, due: Outlook) -> Iterator[Check]:
        for function in RANK:
            mine = [one for one in due.due if one.function == function]
            told = given(self._events, function)
            for support, found in self._paired(mine, told):
                yield from self._support(support, found)
            beside = list(self._beside(function, told, due.allowed))
            yield from beside
            if function == self._scenario.function and not mine and not beside:
                yield Check("all", "no support", True, "none is due, and none was given", function=function)
            elif not beside:
                yield Check("all", "nothing beside", True, "none that is not due", function=function)
        for what, good, note in self._display.whole():
            yield Check("all", what, good, note, function=self._scenario.function)

    def _paired(self, due: list[Expected], told: list[Given]) -> Iterator[tuple[Expected, Given | None]]:
        """Each expected support with the one given for its vehicle that began nearest; those leave `told`."""
        macs = self._scenario.macs
        pairs = [
            (self._apart_s(support, one), number, at)
            for number, support in enumerate(due)
            for at, one in enumerate(told)
            if one.vehicle_id == support.vehicle.vehicle_id
            and (one.vehicle_id not in self._shared_ids or one.source == macs[support.vehicle.name])
        ]
        found: dict[int, int] = {}
        for _apart, number, at in sorted(pairs):
            if number not in found and at not in found.values():
                found[number] = at
        out = [(support, told[found[number]] if number in found else None) for number, support in enumerate(due)]
        told[:] = [one for at, one in enumerate(told) if at not in found.values()]
        yield from out

    def _apart_s(self, due: Expected, mine: Given) -> float:
        t_s = float(mine.events[0]["t"]) - self._start_s
        return max(due.begin.earliest_s - t_s, t_s - due.begin.latest_s, 0.0)

    def _beside(self, function: str, told: list[Given], allowed: list[Allowed]) -> Iterator[Check]:
        names = {vehicle.vehicle_id: vehicle.name for vehicle in self._scenario.others}
        tolerance_s = _tolerance_s(function)
        for extra in told:
            name = names.get(extra.vehicle_id, f"vehicle {extra.vehicle_id}")
            t_s = extra.events[0]["t"] - self._start_s
            may = next(
                (
                    one
                    for one in allowed
                    if one.function == function
                    and one.vehicle.vehicle_id == extra.vehicle_id
                    and one.window.earliest_s - tolerance_s <= t_s <= one.window.latest_s + tolerance_s
                ),
                None,
            )
            if may is None:
                note = f"{extra.events[0]['level']} at {t_s:.2f} s, where none is due"
                yield Check(name, "nothing beside", False, note, actual_s=t_s, function=function)
            elif may.until_s is not None:
                yield self._time(function, name, "end", Window(t_s, may.until_s), extra.ended)

    def _support(self, due: Expected, mine: Given | None) -> Iterator[Check]:
        name, function = due.vehicle.name, due.function
        for level, window in self._windows(due, mine).items():
            judged = mine.first(level) if mine else None
            yield self._time(function, name, level, window, judged, due)
            if mine and judged:
                yield self._condition(due, level, judged)
                key = (function, mine.source, mine.vehicle_id)
                yield self._found(due, f"{level}: presented", self._display.reached_driver(key, level, judged))
                if shown := mine.first(level, presented=True):
                    yield self._found(due, f"{level}: display", self._display.shown(due, level, shown))
        if mine is None:
            return
        if due.loose:
            yield from self._never_dropped(due, mine)
            return
        yield from self._levels(due, mine)
        yield from self._pause(due, mine)
        held = mine.held()
        hidden = held is None and any(one["reason"] == "superseded" for one in mine.events)
        if due.hold and not hidden:
            yield self._time(function, name, "keep watching", due.hold, held, due)
        ended = mine.ended
        if due.end is None:
            note = "to the end" if ended is None else f"ended: {ended['reason']}"
            yield self._found(due, "goes on", (ended is None, note))
            return
        yield self._time(function, name, "end", due.end, ended, due)
        if ended is None:
            return
        yield self._found(due, "end's reason", (ended["reason"] == due.end_reason, ended["reason"]))
        if held and due.end_reason == "hold_over":
            lasted = ended["t"] - held["t"]
            yield self._found(due, "held 3 s", (abs(lasted - HOLD_S) <= TOLERANCE_S, f"{lasted:.2f} s"))
        yield self._found(due, "ends quietly", self._display.quiet(ended))

    def _never_dropped(self, due: Expected, mine: Given) -> Iterator[Check]:
        """Whatever receivers tell: support never stops but by ego's act, or held [G 3.9(1)]."""
        ended = mine.ended
        if ended is None or due.function not in TIMED:
            return
        good = ended["reason"] in ("hold_over", "lost_limit", due.end_reason)
        yield self._found(due, "end's reason", (good, ended["reason"]))

    def _windows(self, due: Expected, mine: Given | None) -> dict[str, Window]:
        """When each level had to begin; caution earlier, where information was presented late or not at all."""
        begun = mine.first("information") if mine else None
        if mine is None or not due.unshown or begun is None:
            return due.levels
        shown = mine.first("information", presented=True)
        if shown is not None and shown["t"] - begun["t"] <= TOLERANCE_S:
            return due.levels
        early = due.unshown["caution"]
        latest_s = early.latest_s if shown is None else due.levels.get("caution", early).latest_s
        return due.levels | {"caution": Window(early.earliest_s, latest_s)}

    def _pause(self, due: Expected, mine: Given) -> Iterator[Check]:
        """Mode information_ended: it is shown 3 s."""
        shown = mine.first("information", presented=True)
        if due.pause is None or shown is None:
            return
        ended = next((one for one in mine.events if one["reason"] == "information_ended"), None)
        if ended is None and mine.first("caution") and shown is not mine.events[0]:
            return  # it was presented too late to end before caution
        t_s = shown["t"] - self._start_s + SHOWN_S
        yield self._time(due.function, due.vehicle.name, "information ended", Window(t_s, t_s), ended)

    def _found(self, due: Expected, what: str, finding: tuple[bool, str]) -> Check:
        return Check(due.vehicle.name, what, *finding, function=due.function)

    def _time(
        self, function: str, name: str, what: str, window: Window, event: Event | None, due: Expected | None = None
    ) -> Check:
        tolerance_s = _tolerance_s(function)
        if due is not None and due.end_reason != "lost_limit":
            tolerance_s /= max(due.pace.get(what, 1.0), _PACE_LEAST)
        if event is None:
            return Check(name, what, False, "never happened", window, None, function, tolerance_s)
        t_s = event["t"] - self._start_s
        check = Check(name, what, True, event["reason"], window, t_s, function, tolerance_s)
        margin = check.margin_s
        return replace(check, good=margin is not None and margin >= 0)

    def _condition(self, due: Expected, level: str, event: Event) -> Check:
        numbers = [event[key] for key in ("distance_m", "error_m", "threshold_m")]
        if None in numbers:
            return self._found(due, f"{level}: condition", (False, "the event does not tell it"))
        distance, error, threshold = numbers
        if due.function not in TIMED:
            error = 0.0  # no correction [G 3.5(4)]
        good = distance - error <= threshold + _ROUNDED_M
        note = f"{distance:.1f} - {error:.1f} m, limit {threshold:.1f} m"
        return self._found(due, f"{level}: condition", (good, note))

    def _levels(self, due: Expected, mine: Given) -> Iterator[Check]:
        """No level that is not due, and never a step back before the target has passed."""
        extra = {one["level"] for one in mine.events} - set(due.levels) - {"none"}
        if due.hold is not None or due.end is not None or mine.held():
            extra.discard("information")  # "keep watching" is shown as information
        if due.unshown:
            extra.discard("caution")
        if extra:
            yield self._found(due, "levels", (False, f"{', '.join(sorted(extra))} was not due"))
        highest = 0
        last_s = min([one.earliest_s for one in (due.hold, due.end) if one], default=self._scenario.duration_s)
        for one in mine.events:
            rank, t_s = LEVELS.index(one["level"]), one["t"] - self._start_s
            paused = due.pause is not None and one["reason"] == "information_ended"
            if rank < highest and not paused and t_s < last_s - _tolerance_s(due.function):
                yield self._found(due, "levels", (False, f"fell to {one['level']} at {t_s:.2f} s"))
            highest = 0 if paused else max(highest, rank)


def _tolerance_s(function: str) -> float:
    return TOLERANCE_S if function in TIMED else NEARBY_TOLERANCE_S
