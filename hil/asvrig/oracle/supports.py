"""Crossing, right turn and left turn: from the begin of each support to its end, step after step [G 3.5, D13-D15]."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from asvrig.oracle.courses import Look, Seen
from asvrig.oracle.ego_state import ACTS, Moment
from asvrig.oracle.results import HOLD_S, SHOWN_S, STEP_S, Allowed, Expected, Function, Side, Spans, Window
from asvrig.oracle.target import HEARD_S, Receiver, Target
from asvrig.scenario import Scenario
from asvrig.trajectory import State

# Seconds of way before the conflict: reaction, 0.3 s system, 0.1 s transmission [G table 3-4, D10]
L3_S: Final = 3.7 + 0.3 + 0.1
L4_S: Final = 3.2 + 0.3 + 0.1
L4_STAR_S: Final = 0.8 + 0.3 + 0.1  # caution after information has ended
BEFORE_L3_S: Final = L3_S + 1.0  # information at the earliest [D13]
BEFORE_L4_S: Final = L4_S + 0.5  # caution at the earliest [D13]
BEFORE_STAR_S: Final = L4_STAR_S + 0.5  # the same band, moved with L4 (ours)
ENDED_INFORMATION_S: Final = 4.5  # mode information_ended, so that information ends before L4* (ours)
ENDED_SPARE_S: Final = 0.1  # of that: a transmission
LOST_S: Final = 10.0  # after the last packet [D15]
GRACE_S: Final = 0.5  # a condition that fails for less does not end support
_HALF_S: Final = STEP_S / 2  # so that the step nearest to a time is found
_BY_WAY: Final = ("target_passed", "target_fell_back")  # reached by way, not at a time
# Ego does not know where it is: support goes on until the target would have passed [G 3.9(1), D15]
BLIND: Final = ("ego_position_unknown", "ego_speed_unknown", "heading_unknown", "error_unbounded")
WRONG: Final = "receiver"  # it is off by more than it tells


@dataclass(frozen=True, slots=True)
class Times:
    """A presentation mode: seconds before the conflict at which its levels must have begun [D14]."""

    caution_s: float
    information_s: float | None = None
    ends: bool = False  # information ends before caution

    @property
    def outer_s(self) -> float:
        """That of the first level."""
        return self.information_s or self.caution_s


def times_of(scenario: Scenario) -> tuple[Times, Times]:
    """Of the configured mode; and of what follows where information has no time to end before caution."""
    told = scenario.config.presentation
    both = Times(told.caution_s, told.information_s)
    if told.mode == "caution_alone":
        return Times(told.caution_s), both
    if told.mode == "information_ended":
        return Times(L4_STAR_S, max(told.information_s, ENDED_INFORMATION_S), ends=True), both
    return both, both


@dataclass(frozen=True, slots=True)
class View:
    """A target by the truth and by what receivers tell. `soon_s`: the nearer of the two, `lead_s`: the farther.

    `broken`: why one of the two gives no support; `gone`: why neither does.
    """

    soon_s: float
    lead_s: float
    side: Side | None
    broken: str
    gone: str
    distance_m: float
    passes_s: float  # until it is a + b beyond
    wrong: bool = False


class Follower:
    """Goes through the scenario for one target and one function."""

    def __init__(self, scenario: Scenario, function: Function, look: Look, ego: Receiver, target: Target) -> None:
        self._function: Function = function
        self._look = look
        self._ego = ego
        self._target = target
        self._mode, self._both = times_of(scenario)
        self._spans = Spans(target.vehicle, function)
        self._errs = ego.errs or target.receiver.errs
        self._now: Expected | None = None
        self._times = self._mode
        self._before: tuple[int, float] | None = None  # step and lead
        self._pace = 1.0
        self._forget()

    def _forget(self) -> None:
        self._passes_s = self._seen_s = 0.0  # when it will have passed, and when that was last known
        self._from_s: dict[float, float] = {}  # since when it has been inside each band
        self._broken_s: float | None = None
        self._gone_s: float | None = None

    def follow(self, ego: Iterable[Moment]) -> tuple[list[Expected], list[Allowed]]:
        """The supports for this target, and begins that are allowed."""
        out: list[Expected] = []
        for step, moment in enumerate(ego):
            gate = moment.gates[self._function]
            if self._now is None and gate:
                if self._from_s:
                    self._forget()
                self._spans.look(step * STEP_S, allowed=False)
                continue
            t_s = step * STEP_S
            index, age_s = self._target.last(t_s, usable=self._now is not None)
            view = self._view(step, t_s, moment, index, age_s) if index >= 0 else None
            self._measure(step, view)
            if self._now is None:
                heard = view if age_s <= HEARD_S else None
                self._now = self._begin(t_s, heard)
                outside = heard is None or bool(heard.gone) or heard.soon_s > BEFORE_L3_S
                if self._now is None:
                    self._spans.look(t_s, self._errs and not outside)
                else:
                    self._spans.drop()
            if self._now is not None and view is not None:
                self._go_on(self._now, t_s, view, age_s, gate)
                if gate in ACTS:
                    early_s = moment.slack_s if gate == "turn_begun" else 0.0
                    self._now.end, self._now.end_reason = Window(t_s - early_s, t_s), gate
                if self._now.end:
                    out.append(self._now)
                    self._now = None
                    self._forget()
        return out + ([self._now] if self._now else []), self._spans.close()

    def _measure(self, step: int, view: View | None) -> None:
        """How fast the lead falls: 1 at the target's own speed."""
        if view is not None and self._before is not None and self._before[0] == step - 1:
            fell = (self._before[1] - view.lead_s) / STEP_S
            self._pace = min(fell, 1.0) if fell > 0 else 1.0
        self._before = None if view is None else (step, view.lead_s)

    def _begin(self, t_s: float, view: View | None) -> Expected | None:
        """The support that has to be given now; a target first looked at inside has it at once [G 3.5(3)]."""
        if view is None or view.gone:
            self._forget()
            return None
        self._into_bands(t_s, view)
        # No time for information to end before L4*: caution while it lasts [G 3.5(2)]
        times = self._both if self._mode.ends and view.lead_s <= SHOWN_S + L4_STAR_S else self._mode
        if view.broken or view.lead_s > times.outer_s:
            return None
        now = Expected(self._target.vehicle, view.side, function=self._function, loose=view.wrong)
        if times.information_s is not None and (times.ends or view.lead_s > times.caution_s):
            now.levels["information"] = Window(self._from_s.get(BEFORE_L3_S, t_s), t_s)
            now.pace["information"] = self._pace
        self._times = times
        self._broken_s = self._gone_s = None
        return now

    def _into_bands(self, t_s: float, view: View) -> None:
        for band_s in (BEFORE_L3_S, BEFORE_L4_S, BEFORE_STAR_S):
            if view.soon_s > band_s:
                self._from_s.pop(band_s, None)
            else:
                self._from_s.setdefault(band_s, t_s)

    def _go_on(self, now: Expected, t_s: float, view: View, age_s: float, gate: str) -> None:
        broken, gone = gate or view.broken, gate or view.gone
        outer_s = self._times.outer_s
        now.loose = now.loose or view.wrong
        if age_s > LOST_S:
            now.end, now.end_reason = Window(t_s, t_s), "lost_limit"
            return
        if now.hold:
            back = not broken and view.lead_s <= outer_s
            if not back or (now.hold_reason == "target_passed" and view.distance_m <= 0):
                if t_s >= now.hold.latest_s + HOLD_S - STEP_S / 2:
                    now.end, now.end_reason = Window(now.hold.earliest_s + HOLD_S, t_s), "hold_over"
                return
            now.hold, now.hold_reason = None, ""
        if gate in BLIND:
            self._blind(now, t_s)
            return
        if not gone:
            self._passes_s, self._seen_s = t_s + view.passes_s, t_s
        if self._function == "left_turn":  # it may fall back; the others' way only grows where they slow down
            broken = broken or ("target_fell_back" if view.lead_s > outer_s else "")
            gone = gone or ("target_fell_back" if view.soon_s > outer_s else "")
        self._break(now, t_s, broken, gone)
        if not gone and not now.hold and not now.end:
            self._raise(now, t_s, view)

    def _blind(self, now: Expected, t_s: float) -> None:
        if t_s - self._seen_s >= GRACE_S and t_s >= self._passes_s:
            now.hold, now.hold_reason = Window(t_s, t_s), "target_passed"
        elif t_s - self._seen_s > LOST_S:
            now.end, now.end_reason = Window(t_s, t_s), "lost_limit"

    def _break(self, now: Expected, t_s: float, broken: str, gone: str) -> None:
        """The condition fails: held, once it has for long enough; at once where the target has passed."""
        self._broken_s = (t_s if self._broken_s is None else self._broken_s) if broken else None
        self._gone_s = (t_s if self._gone_s is None else self._gone_s) if gone else None
        if self._broken_s is None or self._gone_s is None:
            return
        if gone != "target_passed" and t_s - self._gone_s < GRACE_S - STEP_S / 2:
            return
        grace_s = 0.0 if gone == "target_passed" else GRACE_S
        window = Window(self._broken_s + grace_s, t_s)
        if now.pause and "caution" not in now.levels:  # nothing is shown that could be held
            now.end, now.end_reason = window, gone
        else:
            now.hold, now.hold_reason = window, gone
            pace = self._pace if gone in _BY_WAY else 1.0
            now.pace["keep watching"] = now.pace["end"] = pace

    def _raise(self, now: Expected, t_s: float, view: View) -> None:
        """Caution, when its time has come; mode information_ended: not before information has ended."""
        self._into_bands(t_s, view)
        information = now.levels.get("information")
        if self._times.ends and information and "caution" not in now.levels:
            shown_s = t_s - information.latest_s
            if now.pause is None and shown_s >= SHOWN_S - STEP_S / 2:
                now.pause = Window(information.earliest_s + SHOWN_S, t_s)
            elif now.pause is None and view.lead_s - L4_STAR_S + ENDED_SPARE_S < SHOWN_S - shown_s - 1e-9:
                self._times = self._both  # it speeds up
            if "caution" not in now.unshown and view.lead_s <= self._both.caution_s:
                now.unshown["caution"] = Window(self._from_s.get(BEFORE_L4_S, t_s), t_s)
        ready = now.pause is not None or not self._times.ends
        if ready and "caution" not in now.levels and view.lead_s <= self._times.caution_s:
            band_s = BEFORE_STAR_S if self._times.ends else BEFORE_L4_S
            now.levels["caution"] = Window(self._from_s.get(band_s, t_s), t_s)
            now.pace["caution"] = self._pace

    def _view(self, step: int, t_s: float, moment: Moment, index: int, age_s: float) -> View:
        target = self._target
        state, beyond_m = target.thought(step, index, age_s)
        seen = self._look(moment.state, state, beyond_m, target.error_m)
        data = "" if target.tells_place[index] else "target_data"
        data = data or ("error_unbounded" if target.unbounded else "")
        if not self._errs:
            why = data or seen.why
            lead_s = seen.lead_s - _HALF_S
            return View(lead_s, lead_s, seen.side, why, why, seen.distance_m, self._passes(seen, state))
        # Both errors together are what counts: two receivers that are off alike see each other rightly
        away = target.receiver.off(t_s if age_s <= HEARD_S else target.sampled_s[index])
        own = self._ego.off(t_s)
        east_m, north_m = away[0] - own[0], away[1] - own[1]
        moved = replace(state, east_m=state.east_m + east_m, north_m=state.north_m + north_m)
        told = self._look(moment.state, moved, beyond_m, target.error_m)
        return _merged(seen, told, data, target.error_m, (east_m, north_m), self._passes(told, state))

    def _passes(self, seen: Seen, state: State) -> float:
        return max(0.0, seen.distance_m + self._target.error_m) / state.speed_mps if state.speed_mps else 0.0


def _merged(true: Seen, told: Seen, data: str, error_m: float, off_m: tuple[float, float], passes_s: float) -> View:
    """Truth, and what receivers tell. The unit may take their word as long as it is not later than the true L3, L4.

    The correction by a + b is there for just that [G 3.5(4)]: what the real error takes of it is not asked for.
    """
    wrong = off_m[0] ** 2 + off_m[1] ** 2 > error_m**2
    lead_s = max(true.lead_s, min(told.lead_s, true.bare_s))
    gone = data or (true.why if told.why else "")
    broken = data or true.why or told.why or (WRONG if wrong else "")
    nearest = min((one.lead_s for one in (true, told) if not one.why), default=true.lead_s)
    distance_m = max(true.distance_m, told.distance_m)
    return View(nearest - _HALF_S, lead_s - _HALF_S, true.side, broken, gone, distance_m, passes_s, wrong)
