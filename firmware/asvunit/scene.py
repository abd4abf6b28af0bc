"""The scene around ego for people to look at: who is where, what support makes of them, and where it acts.

Reads a unit's core and changes nothing in it: what comes after is the same with and without. Positions are brought
to the core's time as the judges bring them [D17], then turned so that ego's heading is up.
"""

import math
from operator import itemgetter
from typing import Any, Final, NamedTuple

from asvcore import codes, crossing, params, turns
from asvcore.candidate import Candidate, Timing
from asvcore.core import Core
from asvcore.elements import BRAKE_UNKNOWN, ELEMENTS, HAZARD_ON, WINKER_LEFT, WINKER_OFF, WINKER_RIGHT
from asvcore.neighbour import (
    DIRECTION_DEG,
    EMERGENCY,
    ERROR_DM,
    FLAGS,
    PLACE,
    RANGE_DM,
    RECEIVED_MS,
    SPEED_KMH,
    USABLE,
    age_ms,
    kind_of,
    length_dm,
    reason_of,
    remoteness_dm,
    source_of,
    timed,
    vehicle_id_of,
)
from asvcore.params import NONE
from asvcore.relation import Relation
from asvcore.support import FREE, Support, urgency
from asvcore.supports import RANK
from asvunit.events import Event
from asvunit.unit import Unit
from asvunit.words import WORDS, word

OTHERS: Final = 48  # vehicles of a scene
CONFLICTS: Final = 8  # that are marked in it: more could not be told apart
_NEAREST: Final = 4 * OTHERS  # of a full table, among whom the most relevant are looked for

_ROWS: Final[tuple[tuple[Any, ...], ...]] = ELEMENTS
_KINDS: Final = dict(next(row[-1][2] for row in _ROWS if row[-1][1:2] == ("vehicle_kind",)))
_WINKERS: Final = {WINKER_LEFT: "left", WINKER_RIGHT: "right", WINKER_OFF: "off"}
_LEVELS: Final = WORDS["LEVEL"]
_FUNCTIONS: Final = {**WORDS["FUNCTION"], codes.FUNCTION_NONE: None}
_REASONS: Final = WORDS["REASON"]
_JUDGES: Final = {
    codes.FUNCTION_CROSSING: crossing.judge,
    codes.FUNCTION_RIGHT_TURN: turns.judge_right,
    codes.FUNCTION_LEFT_TURN: turns.judge_left,
}
_BY_RANK: Final = sorted(range(1, len(RANK)), key=RANK.__getitem__)
_SLANT_LEAST: Final = 0.5  # cosine to ego's axis: a target's way crosses the line beside ego at 60 degrees or less


class _Look(NamedTuple):
    """What one scene is made with."""

    core: Core
    heading_deg: float  # 0 while it is not known: north is up
    sine: float
    cosine: float
    relation: Relation
    candidate: Candidate
    timing: Timing
    open: list[int]  # functions that are open for ego, by their rank
    closed: int  # why none is


def scene(unit: Unit) -> Event:
    """The event `scene` at the unit's time: lengths in m, courses in degrees clockwise from up (docs/contracts.md).

    `others`: the most relevant first, OTHERS at most; `more` counts those left out: the less relevant, and those
    whose place is not known or is beyond 1 km. `conflicts`: of the first CONFLICTS that have one. While `ego` is not
    `available`, places are seen from where it was last: good for a table, not for a picture.
    """
    core = unit.core
    ego = core.ego
    heading_deg = 0.0 if ego.heading_cdeg == NONE else ego.heading_cdeg / 100
    angle = math.radians(heading_deg)
    closed = core.closed
    look = _Look(
        core, heading_deg, math.sin(angle), math.cos(angle), Relation(), Candidate(), Timing(core.settings),
        [function for function in _BY_RANK if not closed[function]], closed[codes.FUNCTION_SURROUNDING],
    )  # fmt: skip
    followed = _followed(core)
    others: list[Event] = []
    conflicts: list[Event] = []
    for neighbour in _most_relevant(core, followed):
        if _relate(look, neighbour):
            source = unit.sources.name(source_of(neighbour)) or ""
            others.append(_other(look, neighbour, source, followed.get(neighbour[PLACE]), conflicts))
    return {
        "t": unit.now_s(),
        "event": "scene",
        "unit_ms": core.now_ms,
        "ego": _ego(core),
        "north_up": ego.heading_cdeg == NONE,
        "others": others,
        "more": core.neighbours.count - len(others),
        "conflicts": conflicts,
    }


def _ego(core: Core) -> Event:
    ego = core.ego
    reason = ego.position_reason()
    available = reason == 0 and ego.plane.known
    winker, brake = ego.signal(codes.SIGNAL_WINKER), ego.signal(codes.SIGNAL_BRAKE)
    hazard = ego.signal(codes.SIGNAL_HAZARD) == HAZARD_ON
    speed_ckmh = ego.speed_ckmh()
    return {
        "available": available,
        "reason": word("REASON", reason),
        "latitude_deg": round(ego.latitude_cas() / 360000, 7) if available else None,
        "longitude_deg": round(ego.longitude_cas() / 360000, 7) if available else None,
        "heading_deg": None if ego.heading_cdeg == NONE else _angle(ego.heading_cdeg / 100),
        "speed_kmh": None if speed_ckmh == NONE else _rounded(speed_ckmh / 100),
        "error_m": ego.error_dm() / 10 if available else None,
        "winker": "hazard" if hazard else _WINKERS.get(winker),
        "brake": None if brake in (NONE, BRAKE_UNKNOWN) else bool(brake & 1),
        "stopped": bool(ego.stopped),
        "length_m": ego.length_dm / 10,
    }


# Whom


def _followed(core: Core) -> dict[int, Support]:
    """By index of the neighbour: the support that speaks for it, the presented before the others."""
    found: dict[int, Support] = {}
    for support in core.supports.pool:
        if support.state == FREE or support.origin != codes.ORIGIN_VEHICLE:
            continue
        index = support.neighbour[PLACE]
        if index not in found or _order(support) < _order(found[index]):
            found[index] = support
    return found


def _order(support: Support) -> tuple[bool, int, int, int]:
    return not support.presented, -support.level, RANK[support.function], urgency(support)


def _most_relevant(core: Core, followed: dict[int, Support]) -> list[list[int]]:
    """Those with support, then the others as a full table would keep them."""
    first = [support.neighbour for support in sorted(followed.values(), key=_order)[:OTHERS]]
    used = core.neighbours.used[: core.neighbours.count]
    rest = [neighbour for neighbour in used if neighbour[PLACE] not in followed]
    if len(rest) > _NEAREST:  # a crowd is sorted by what costs least
        rest = sorted(rest, key=itemgetter(RANGE_DM))[:_NEAREST]
    rest.sort(key=remoteness_dm)
    return first + rest[: OTHERS - len(first)]


def _relate(look: _Look, neighbour: list[int]) -> bool:
    """Where it is now, as the judges see it, without leaving a trace; False where that cannot be said."""
    core = look.core
    if not core.ego.plane.known:
        return False
    range_dm = neighbour[RANGE_DM]
    limit_ms = 2 * params.LOST_LIMIT_MS if timed(neighbour) else params.PREDICTION_MS
    look.relation.make(core.ego, neighbour, core.now_ms, core.settings, limit_ms)
    neighbour[RANGE_DM] = range_dm
    return bool(look.relation.near)


# What of it


def _other(look: _Look, neighbour: list[int], source: str, support: Support | None, conflicts: list[Event]) -> Event:
    """What is told of one vehicle; a conflict that it leads to is added to `conflicts`."""
    north_dm, east_dm = look.relation.north_dm, look.relation.east_dm
    ahead_m = (north_dm * look.cosine + east_dm * look.sine) / 10
    right_m = (east_dm * look.cosine - north_dm * look.sine) / 10
    level, presented = codes.LEVEL_NONE, False
    if support is not None:
        level, presented, function = support.level, bool(support.presented), support.function
        reason = codes.REASON_SUPERSEDED if support.superseded and level else support.reason
    else:
        function, reason = _why_none(look, neighbour)
    distance_m, ttc_s = _measured(look, neighbour, support, function, math.hypot(ahead_m, right_m))
    direction_deg, speed_kmh, error_dm = neighbour[DIRECTION_DEG], neighbour[SPEED_KMH], neighbour[ERROR_DM]
    given = {"function": _FUNCTIONS[function], "level": _LEVELS[level], "presented": presented}
    marked = level and function in _JUDGES and look.candidate.distance_dm != NONE
    if support is not None and marked and len(conflicts) < CONFLICTS:
        marks = _marks(look, neighbour, support, ahead_m, right_m)
        if marks:
            conflicts.append({"id": vehicle_id_of(neighbour), "source": source, **given, **marks})
    return {
        "id": vehicle_id_of(neighbour),
        "source": source,
        "ahead_m": round(ahead_m, 1) + 0.0,  # never -0.0
        "right_m": round(right_m, 1) + 0.0,
        "course_deg": None if direction_deg == NONE else _angle(direction_deg - look.heading_deg),
        "speed_kmh": None if speed_kmh == NONE else float(speed_kmh),
        "kind": _KINDS.get(kind_of(neighbour), "other"),
        "length_m": length_dm(neighbour) / 10,
        "error_m": None if error_dm == NONE else error_dm / 10,
        "age_ms": age_ms(neighbour, look.core.now_ms),
        "emergency": bool(neighbour[FLAGS] & EMERGENCY),
        **given,
        "reason": _REASONS[reason],
        "distance_m": distance_m,
        "ttc_s": ttc_s,
    }


def _why_none(look: _Look, neighbour: list[int]) -> tuple[int, int]:
    """(function, reason) for one that gets no support: the function that comes next, else surrounding's word."""
    if look.core.now_ms - neighbour[RECEIVED_MS] > params.PREDICTION_MS:
        return codes.FUNCTION_NONE, codes.REASON_PACKETS_STOPPED
    first, first_reason = codes.FUNCTION_NONE, look.closed
    for function in look.open:
        reason = reason_of(neighbour, function)
        if reason == codes.REASON_BEFORE_L3:
            return function, reason
        if reason and (first == codes.FUNCTION_NONE or function == codes.FUNCTION_SURROUNDING):
            first, first_reason = function, reason
    return first, first_reason


def _measured(
    look: _Look, neighbour: list[int], support: Support | None, function: int, away_m: float
) -> tuple[float | None, float | None]:
    """(distance in m, time in s) of a function [D11], now; leaves the judge's word in `look.candidate`."""
    candidate, core = look.candidate, look.core
    candidate.clear()
    judge = _JUDGES.get(function)
    if judge is None:
        return (round(away_m, 1) if function else None), None
    if neighbour[FLAGS] & USABLE and core.ego.heading_cdeg != NONE:
        candidate.function = function
        candidate.error_dm = look.relation.error_dm
        judge(core.ego, neighbour, look.relation, core.settings, look.timing, None, candidate)
    measured = support if support is not None and candidate.distance_dm == NONE else candidate
    distance_m = None if measured.distance_dm == NONE else measured.distance_dm / 10
    return distance_m, None if measured.ttc_ms == NONE else _rounded(measured.ttc_ms / 1000)


def _marks(
    look: _Look, neighbour: list[int], support: Support, ahead_m: float, right_m: float
) -> dict[str, Any] | None:
    """Where the target's way meets ego's, and where on it L3 and L4 are reached, a + b before their distances.

    Left turn: distances run along ego's axis [D11], and the meeting place is beside ego.
    """
    settings = look.core.settings
    angle = math.radians(neighbour[DIRECTION_DEG] - look.heading_deg)
    along, across = math.cos(angle), math.sin(angle)
    slant, added_dm = 1.0, 0
    if support.function == codes.FUNCTION_LEFT_TURN:
        slant, added_dm = along, look.core.ego.length_dm + length_dm(neighbour)
        if slant < _SLANT_LEAST:
            return None
    speed_kmh, error_m = neighbour[SPEED_KMH], look.relation.error_dm / 10
    # By presentation mode, ms before the meeting place; where there is no information it begins with caution [D14]
    first_ms, second_ms = {
        codes.MODE_INFORMATION_CAUTION: (settings.information_ms, settings.caution_ms),
        codes.MODE_CAUTION_ALONE: (settings.caution_ms, settings.caution_ms),
        codes.MODE_INFORMATION_ENDED: (
            max(settings.information_ms, params.INFORMATION_EARLY_MS),
            params.CAUTION_AFTER_MS,
        ),
    }[support.timing]
    l3_m, l4_m = (speed_kmh * ms / 3600 + added_dm / 10 for ms in (first_ms, second_ms))

    def place(before_m: float) -> list[float]:
        way_m = (look.candidate.distance_dm / 10 - before_m) / slant
        return [_rounded(ahead_m + way_m * along), _rounded(right_m + way_m * across)]

    return {
        "point": place(0),
        "l3": place(l3_m + error_m),
        "l4": place(l4_m + error_m),
        "l3_m": _rounded(l3_m),
        "l4_m": _rounded(l4_m),
        "error_m": error_m,
    }


def _rounded(value: float) -> float:
    return round(value, 1) + 0.0  # never -0.0


def _angle(angle_deg: float) -> float:
    return round(angle_deg % 360, 1) % 360
