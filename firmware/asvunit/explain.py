"""Why a vehicle gets support of a function or gets none, at this moment, in one line with the numbers.

Looks at a core without giving or ending anything: what comes after is the same with and without.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from asvcore import codes, params
from asvcore.candidate import Candidate
from asvcore.core import Core
from asvcore.gates import Gates
from asvcore.geometry import divided
from asvcore.neighbour import (
    FLAGS,
    FROZEN,
    KEY,
    RANGE_DM,
    RECEIVED_MS,
    SPEED_KMH,
    TWIN,
    age_ms,
    length_dm,
    source_of,
    support_of,
    vehicle_id_of,
)
from asvcore.params import NONE
from asvcore.support import ACTIVE, ENDED, FREE, HOLD
from asvcore.supports import RANK
from asvunit.explain_details import Details
from asvunit.why import SENTENCES, TIMED, measured, metres
from asvunit.words import optional, sides, word

SourceName = Callable[[int], str | None]
FUNCTIONS: Final = (*TIMED, codes.FUNCTION_SURROUNDING, codes.FUNCTION_EMERGENCY)

_PLACE: Final = {
    codes.FUNCTION_CROSSING: "to the crossing point",
    codes.FUNCTION_RIGHT_TURN: "to the turning point",
    codes.FUNCTION_LEFT_TURN: "behind ego",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """One function and target; None: not measured, or not so in this state."""

    function: str
    vehicle_id: int | None
    source: str | None
    state: str  # none, not_yet, due, information, caution, information_ended, keep_watching
    presented: bool
    reason: str  # of this state
    judged: str  # what the judge says now
    away_m: float | None  # straight
    distance_m: float | None
    error_m: float | None
    threshold_m: float | None
    ttc_s: float | None
    speed_kmh: int | None
    direction: str | None
    since_s: float | None  # at this level
    due_s: float | None  # until the level rises, or until it has passed
    left_s: float | None  # of "keep watching"
    unheard_s: float | None
    line: str


def gates(core: Core) -> dict[int, int]:
    """Why each function is closed for ego, by FUNCTION_ code; 0 where it is open."""
    found = Gates(core.settings)
    found.look(core.ego)
    return {function: found.reasons[function] for function in FUNCTIONS}


def explain(core: Core, neighbour: list[int], function: int, name: SourceName | None = None) -> Explanation:
    """Why a neighbour gets what it gets of a function; `name` tells the address of a source number."""
    return _Look(core, neighbour, function, name).explanation()


def explain_external(core: Core, support: Any) -> Explanation:
    """Of a support in the pool that another system gives."""
    origin, function = word("ORIGIN", support.origin), word("FUNCTION", support.function)
    state = "keep_watching" if support.state == HOLD else word("LEVEL", support.level)
    since_s = (core.now_ms - support.level_ms) / 1000
    left_s = max(support.hold_until_ms - core.now_ms, 0) / 1000 if support.state == HOLD else None
    said = f"{state} since {since_s:.1f} s" if left_s is None else f"keep watching for {left_s:.1f} s more"
    shown = _shown(core, support)
    where = f", {sides(support.direction)}" if support.direction else ""
    line = f"{function}, {origin} system{where}: {said}, {shown}: {SENTENCES[support.reason].text}"
    return Explanation(
        function, None, origin, state, support.presented, word("REASON", support.reason), "external",
        None, None, None, None, None, None, sides(support.direction), since_s, None, left_s,
        age_ms(support.neighbour, core.now_ms) / 1000, line,
    )  # fmt: skip


class _Look:
    """One function and target, now."""

    def __init__(self, core: Core, neighbour: list[int], function: int, name: SourceName | None) -> None:
        self.core, self.neighbour, self.function = core, neighbour, function
        self.name = name(source_of(neighbour)) if name else None
        self.candidate = Candidate()
        kept_dm = neighbour[RANGE_DM]
        core.explain(neighbour, function, self.candidate)
        neighbour[RANGE_DM] = kept_dm
        self.details = Details(core, function, neighbour, self.candidate)
        self.gate = gates(core)[function]
        index = support_of(neighbour, function)
        self.support: Any = core.supports.pool[index] if index >= 0 else None
        self.timed = function in TIMED
        self.added_dm = core.ego.length_dm + length_dm(neighbour) if function == codes.FUNCTION_LEFT_TURN else 0
        self.unheard_ms = core.now_ms - neighbour[RECEIVED_MS]

    def explanation(self) -> Explanation:
        candidate, support, now_ms = self.candidate, self.support, self.core.now_ms
        state, reason, said = self._not_given() if support is None else self._given(support)
        given = support is not None and support.state != HOLD
        return Explanation(
            function=word("FUNCTION", self.function),
            vehicle_id=optional(vehicle_id_of(self.neighbour)),
            source=self.name,
            state=state,
            presented=support is not None and support.presented,
            reason=word("REASON", reason),
            judged=word("REASON", candidate.reason or candidate.level_reason),
            away_m=None if self.details.away_m is None else round(self.details.away_m, 1),
            distance_m=_divided(candidate.distance_dm, 10),
            error_m=_divided(candidate.error_dm, 10) if self.timed else None,
            threshold_m=_divided(candidate.threshold_dm, 10),
            ttc_s=_divided(candidate.ttc_ms, 1000),
            speed_kmh=optional(self.neighbour[SPEED_KMH]),
            direction=sides(candidate.direction),
            since_s=(now_ms - support.level_ms) / 1000 if given else None,
            due_s=_divided(candidate.due_ms, 1000),
            left_s=max(support.hold_until_ms - now_ms, 0) / 1000 if state == "keep_watching" else None,
            unheard_s=self.unheard_ms / 1000,
            line=f"{word('FUNCTION', self.function)}, vehicle {self._who()}: {said}",
        )

    def _who(self) -> str:
        second = ", twin" if self.neighbour[KEY] & TWIN else ""
        source = _short(self.name or f"source {source_of(self.neighbour)}")
        return f"{vehicle_id_of(self.neighbour)} ({source}{second})"

    # Without a support

    def _not_given(self) -> tuple[str, int, str]:
        candidate = self.candidate
        reason = candidate.reason
        if not self.gate and self.unheard_ms > params.PREDICTION_MS:
            reason = codes.REASON_PACKETS_STOPPED
        if reason:
            return "none", reason, f"none: {self._condition(reason)}"
        if candidate.level == codes.LEVEL_NONE:
            return "not_yet", candidate.level_reason, f"not yet: {self._not_yet()}"
        if not self._room():
            return "none", codes.REASON_DISPLACED, f"none: {self.details.sentence(codes.REASON_DISPLACED)}"
        said = f"{word('LEVEL', candidate.level)} begins with the next judgement: {self._way()}"
        return "due", candidate.level_reason, said

    def _not_yet(self) -> str:
        candidate, settings = self.candidate, self.core.settings
        first_ms = settings.information_ms
        if candidate.timing == codes.MODE_CAUTION_ALONE:
            first_ms = settings.caution_ms
        elif candidate.timing == codes.MODE_INFORMATION_ENDED:
            first_ms = max(first_ms, params.INFORMATION_EARLY_MS)
        level = "caution" if candidate.timing == codes.MODE_CAUTION_ALONE else "information"
        lengths = f" + lengths {metres(self.added_dm)}" if self.added_dm else ""
        begins = (
            f"{level} from {metres(candidate.threshold_dm)} ({first_ms / 1000:.1f} s at {self.details.speed}{lengths})"
        )
        return f"{self._distance()} {_PLACE[self.function]}, {begins}{self._in(', in {:.1f} s')}"

    def _room(self) -> bool:
        supports = self.core.supports
        if (
            self.function == codes.FUNCTION_SURROUNDING
            and supports.counts[self.function] >= params.SURROUNDING_SUPPORTS
        ):
            return False
        return any(one.state == FREE and not one.dirty for one in supports.pool)

    # With one

    def _given(self, support: Any) -> tuple[str, int, str]:
        now_ms = self.core.now_ms
        shown = _shown(self.core, support)
        if support.state == HOLD:
            left_s = max(support.hold_until_ms - now_ms, 0) / 1000
            why = SENTENCES[support.reason].text  # the numbers were those of its begin
            return "keep_watching", support.reason, f"keep watching for {left_s:.1f} s more, {shown}: {why}"
        if support.state == ENDED:
            threshold_dm = divided(self.neighbour[SPEED_KMH] * params.CAUTION_AFTER_MS, 360) + self.added_dm
            follows = f"{self._distance()}, caution from {metres(threshold_dm)} (L4*)"
            said = f"information ended: {self._broken(support) or follows}"
            return "information_ended", support.reason, said
        level = word("LEVEL", support.level)
        head = f"{level} since {(now_ms - support.level_ms) / 1000:.1f} s, {shown}"
        return level, support.reason, f"{head}: {self._broken(support) or self._goes_on(support)}"

    def _broken(self, support: Any) -> str:
        """That the condition has gone, and what follows from it; "" while it holds."""
        reason = self.candidate.reason
        if not self.timed and self.unheard_ms > params.PREDICTION_MS:
            return f"ends now: {self._condition(codes.REASON_PACKETS_STOPPED)}"
        if not reason:
            return ""
        grace_ms = params.BREAK_GRACE_MS if self.timed else params.SURROUNDING_GRACE_MS
        since_ms = self.core.now_ms if support.broken_ms == NONE else support.broken_ms
        left_ms = since_ms + grace_ms - self.core.now_ms
        at_once = reason in (codes.REASON_TARGET_PASSED, codes.REASON_SUPERSEDED) or left_ms <= 0
        when = "now" if at_once else f"in {left_ms / 1000:.1f} s"
        what = "keep watching" if self.timed and support.state == ACTIVE else "ends"
        return f"{what} {when}: {self._condition(reason)}"

    def _goes_on(self, support: Any) -> str:
        said = self._way()
        if not self.timed:
            return said
        if support.lost:
            frozen = self.neighbour[FLAGS] & FROZEN
            what = f"position frozen for {self.details.same}" if frozen else f"not heard for {self.details.unheard}"
            return f"{what}, goes on: {said}"
        return f"{said}{self._next(support)}" if support.presented else said

    def _next(self, support: Any) -> str:
        """What comes after a level that is given."""
        candidate = self.candidate
        if candidate.level < support.level:
            return "; a level does not fall"
        if candidate.level == codes.LEVEL_INFORMATION:
            return self._in(", caution in {:.1f} s")
        ttc_s = candidate.ttc_ms / 1000
        if ttc_s < 0:
            return ", just passed"
        return f", passes in {ttc_s:.1f} s" if self._at_rest() else f", {ttc_s:.1f} s of its way"

    # Phrases

    def _condition(self, reason: int) -> str:
        candidate = self.candidate
        numbers = measured(
            self.function, candidate.distance_dm, candidate.error_dm, candidate.threshold_dm, SENTENCES[reason].numbers
        )
        return f"{self.details.sentence(reason)}{': ' if numbers else ''}{numbers}"

    def _distance(self) -> str:
        candidate = self.candidate
        return measured(self.function, candidate.distance_dm, candidate.error_dm, NONE, "way")

    def _way(self) -> str:
        candidate = self.candidate
        limit = f"{self._distance()}, limit {metres(candidate.threshold_dm)}"
        return f"{limit} ({self._limit_name()})" if self.timed else limit

    def _limit_name(self) -> str:
        candidate = self.candidate
        if candidate.level == codes.LEVEL_CAUTION and candidate.timing == codes.MODE_INFORMATION_ENDED:
            return "L4*"
        caution = candidate.level == codes.LEVEL_CAUTION or candidate.timing == codes.MODE_CAUTION_ALONE
        return "L4" if caution else "L3"

    def _in(self, form: str) -> str:
        """When the level rises; left out while ego moves, whose way would have to be foreseen too."""
        known = self.candidate.due_ms != NONE and self._at_rest()
        return form.format(self.candidate.due_ms / 1000) if known else ""

    def _at_rest(self) -> bool:
        return bool(NONE < self.core.ego.speed_ckmh() <= params.STOPPED_CKMH)


def _shown(core: Core, support: Any) -> str:
    """Whether a support reaches the driver, and what is before it."""
    if support.presented:
        return "presented"
    pool = [other for other in core.supports.pool if other is not support and other.level > codes.LEVEL_NONE]
    if not support.superseded:
        return f"not presented, {sum(other.presented for other in pool)} others first"
    for other in pool:
        if other.neighbour is support.neighbour and RANK[other.function] < RANK[support.function]:
            return f"left to {word('FUNCTION', other.function)}"
    for other in pool:
        if other.origin not in (support.origin, codes.ORIGIN_VEHICLE) and other.function == support.function:
            return f"left to the {word('ORIGIN', other.origin)} system"
    return "left to another support"


def _short(name: str) -> str:
    """An address for people: "02:..:11"."""
    parts = name.split(":")
    return f"{parts[0]}:..:{parts[-1]}" if len(parts) == 6 else name


def _divided(value: int, by: int) -> float | None:
    return None if value == NONE else value / by
