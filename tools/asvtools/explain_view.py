"""What `asvkit explain` shows of a moment: ego, the functions, a line for each function and target; or all as JSON."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from asvcore import codes
from asvcore.neighbour import KEY, LATITUDE_CAS, followed, vehicle_id_of
from asvcore.params import EXPLAINED_DM, NONE
from asvcore.support import FREE
from asvunit.explain import FUNCTIONS, Explanation, explain, explain_external, gates
from asvunit.explain_details import Details
from asvunit.words import sides, word

if TYPE_CHECKING:
    from asvcore.core import Core

_NEAR_M: Final = EXPLAINED_DM // 10


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is to be shown."""

    vehicle_id: int | None = None
    function: int | None = None
    everything: bool = False  # also vehicles that are far away
    as_json: bool = False

    def functions(self) -> tuple[int, ...]:
        """In the order of their codes."""
        return FUNCTIONS if self.function is None else (self.function,)


@dataclass(frozen=True, slots=True)
class Moment:
    """The time that was asked for, and how far the core has come by then; `epoch_s`, `stamp` where there is a date."""

    at_s: float
    judged_s: float
    epoch_s: float | None
    stamp: str


def shown(core: "Core", moment: Moment, chosen: Chosen, name: Callable[[int], str | None]) -> Iterator[str]:
    """The lines of a moment."""
    far, told = _targets(core, chosen, name)
    others = _externals(core, chosen)
    if chosen.as_json:
        yield json.dumps(_object(core, moment, chosen, others + told, far), ensure_ascii=False)
        return
    judged = f", judged at {moment.judged_s:.3f} s" if moment.judged_s < moment.at_s - 0.0005 else ""
    yield f"{moment.at_s:.3f} s{moment.stamp and f' ({moment.stamp} UTC)'}{judged}: {_ego_line(core)}"
    yield f"  {'; '.join(_gate_words(core, chosen))}"
    for one in others + told:
        yield f"  {one.line}"
    if far:
        yield f"  {far} farther than {_NEAR_M} m or without a way to tell: --all shows them"
    elif not told and chosen.vehicle_id is not None:
        yield f"  vehicle {chosen.vehicle_id} is not heard"
    elif not told:
        yield "  no vehicles are heard"


def _targets(core: "Core", chosen: Chosen, name: Callable[[int], str | None]) -> tuple[int, list[Explanation]]:
    """How many are left out, and the explanations, nearest vehicle first."""
    found, far = [], 0
    blind = core.ego.position_reason() != 0
    for neighbour in core.neighbours.used[: core.neighbours.count]:
        if chosen.vehicle_id not in (None, vehicle_id_of(neighbour)):
            continue
        told = [explain(core, neighbour, function, name) for function in chosen.functions()]
        away_m = told[0].away_m
        placeless = blind or neighbour[LATITUDE_CAS] == NONE
        near = placeless if away_m is None else away_m <= _NEAR_M
        if near or chosen.everything or chosen.vehicle_id is not None or followed(neighbour):
            found.append((away_m is None, away_m or 0.0, neighbour[KEY], told))
        else:
            far += 1
    found.sort(key=lambda row: row[:3])
    return far, [one for *_order, told in found for one in told]


def _externals(core: "Core", chosen: Chosen) -> list[Explanation]:
    if chosen.vehicle_id is not None:
        return []
    return [
        explain_external(core, support)
        for support in core.supports.pool
        if support.state != FREE and support.origin != codes.ORIGIN_VEHICLE and support.function in chosen.functions()
    ]


def _ego(core: "Core") -> dict[str, Any]:
    ego = core.ego
    speed_ckmh, reason, side = ego.speed_ckmh(), ego.position_reason(), ego.winker_side()
    return {
        "speed_kmh": None if speed_ckmh == NONE else speed_ckmh / 100,
        "heading_deg": None if ego.heading_cdeg == NONE else ego.heading_cdeg / 100,
        "position": word("REASON", reason) if reason else "known",
        "error_m": None if reason else ego.error_dm() / 10,
        "stopped": bool(ego.stopped),
        "winker": None if side == NONE else sides(side) or "off",
        "turn_begun": bool(ego.turn.begun),
    }


def _gate_words(core: "Core", chosen: Chosen) -> Iterator[str]:
    for function, gate in gates(core).items():
        if function in chosen.functions():
            name = word("FUNCTION", function)
            yield f"{name} closed ({Details(core, function).sentence(gate)})" if gate else f"{name} open"


def _ego_line(core: "Core") -> str:
    ego = _ego(core)
    speed = "speed unknown" if ego["speed_kmh"] is None else f"{ego['speed_kmh']:.1f} km/h"
    heading = "unknown" if ego["heading_deg"] is None else f"{ego['heading_deg']:.1f} deg"
    known = ego["position"] == "known"
    position = f"known, error {ego['error_m']:.1f} m" if known else f"unknown ({ego['position']})"
    waits = "stopped" if ego["stopped"] else "not stopped"
    turn = ", turn begun" if ego["turn_begun"] else ""
    return f"ego {speed}, heading {heading}, position {position}, {waits}, winker {ego['winker'] or 'unknown'}{turn}"


def _object(core: "Core", moment: Moment, chosen: Chosen, told: list[Explanation], far: int) -> dict[str, Any]:
    open_or_not = {
        word("FUNCTION", function): word("REASON", gate) if gate else "open"
        for function, gate in gates(core).items()
        if function in chosen.functions()
    }
    return {
        "t": moment.epoch_s,
        "at_s": moment.at_s,
        "judged_s": moment.judged_s,
        "ego": _ego(core),
        "functions": open_or_not,
        "supports": [asdict(one) for one in told],
        "left_out": far,
    }
