"""Candidates of a J1939 database: the codes of the standard's parameters (SPN), which databases often do not name."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from asvtools import vehicle_spelling as spelling
from asvtools.vehicle_reading import NUMBERS, Candidate, read_number

_SURE: Final = 40  # points for what the standard says is this very thing


@dataclass(frozen=True, slots=True)
class _Parameter:
    """One SPN: its number, its names in databases, the words of its codes."""

    spn: int
    names: str
    values: tuple[tuple[range, str], ...] = ()


_SWITCH: Final = ((range(1), "off"), (range(1, 2), "on"))
_PARAMETERS: Final = {
    "speed": _Parameter(84, r"wheelbasedvehiclespeed"),
    "brake": _Parameter(597, r"brakeswitch", _SWITCH),
    "accelerator": _Parameter(91, r"acc?el(erator)?pedalpos(ition)?1?"),
    "acceleration": _Parameter(1810, r"longitudinalacceleration"),
    "yaw_rate": _Parameter(1808, r"yawrate"),
    "winker": _Parameter(
        2876, r"turnsignalswitch", ((range(1), "off"), (range(1, 2), "left"), (range(2, 3), "right"))
    ),
    "hazard": _Parameter(2875, r"hazardlights?switch", _SWITCH),
    "shift": _Parameter(  # codes are gears + 125; 251 is the parking position
        523, r"(transmission)?currentgear",
        ((range(125), "reverse"), (range(125, 126), "other"), (range(126, 251), "drive"), (range(251, 252), "parking")),
    ),
}  # fmt: skip


def read_parameters(found: dict[str, list[Candidate]], messages: Iterable[Any]) -> None:
    """Gives the candidates that are parameters of the standard their words and more points; adds those that lack."""
    there = {(kind, made.references): made for kind, some in found.items() for made in some if made.shape == "from"}
    for message in messages:
        for signal in message.signals:
            kind = next((kind for kind, parameter in _PARAMETERS.items() if _is(parameter, signal)), None)
            if kind is None or signal.is_float:
                continue
            made = there.get((kind, (f"{message.name}.{signal.name}",)))
            if made is None:
                made = Candidate(kind, "from", (message,), (signal,), 0, [f"the name {signal.name}"])
                if kind in NUMBERS:
                    read_number(made, signal)
                found[kind].append(made)
            _read(made, _PARAMETERS[kind])


def _is(parameter: _Parameter, signal: Any) -> bool:
    squashed = spelling.squashed(re.sub(r"(?i)^spn_?\d+|_?spn_?\d+$", "", signal.name))
    return signal.spn == parameter.spn or re.fullmatch(parameter.names, squashed) is not None


def _read(made: Candidate, parameter: _Parameter) -> None:
    made.points += _SURE
    made.why.append(f"SPN {parameter.spn} of SAE J1939")
    if parameter.values:
        made.values = {code: word for codes, word in parameter.values for code in codes}
        made.names = {}
    made.doubts.clear()
    made.usable = True
