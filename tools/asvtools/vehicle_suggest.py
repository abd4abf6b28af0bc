"""A proposal of a signal map for a car's database: chosen candidates as TOML, each line with its reason.

It is made for a person to finish: what is unsure is marked TODO, what is too unsure stands as a comment. What is
written always loads as a map: a signal that the map refuses becomes a comment with the reason.
"""

import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from asvtools import vehicle_spelling as words
from asvtools.vehicle_behaviour import Observation
from asvtools.vehicle_bits import code_runs
from asvtools.vehicle_candidates import LEAST_POINTS, doubt_twins, is_part
from asvtools.vehicle_hazard import hazard_of
from asvtools.vehicle_reading import NUMBERS, Candidate
from asvunit.errors import AsvkitError, UsageError
from asvunit.vehicle import VehicleMap

ORDER: Final = (
    "speed",
    "acceleration",
    "yaw_rate",
    "accelerator",
    "accelerator_switch",
    "brake",
    "auxiliary_brake",
    "winker",
    "hazard",
    "shift",
)
LACKING: Final = {
    "speed": "without it the speed comes from the GNSS receiver alone, and positions are not carried on between fixes",
    "acceleration": "not needed: it is sent as unknown",
    "yaw_rate": "not needed: in turns the position between fixes is less exact",
    "accelerator": "not needed: crossing support then tells the start by the speed alone",
    "brake": "element 24 is sent as unknown",
    "winker": "without it there is no right turn and no left turn support",
    "hazard": "element 26 is sent as unknown",
    "shift": "reversing then has to be told by a signed speed",
}
_ALTERNATIVES: Final = 3
_ROW: Final = 15  # codes of one word that are written one by one
_WORTH_TELLING: Final = 12
_WIDTH: Final = 100


@dataclass(slots=True)
class Proposal:
    """What was chosen, and what else was possible."""

    file: str  # of the database, as the map is to name it
    title: str
    warnings: tuple[str, ...]
    chosen: dict[str, Candidate] = field(default_factory=dict)
    others: dict[str, list[Candidate]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)  # by ASV signal, why the map does not take it
    observation: Observation | None = None
    encoding: str = ""
    j1939: bool = False

    @property
    def active(self) -> list[str]:
        return [kind for kind, made in self.chosen.items() if made.usable and kind not in self.refused]


def propose(
    file: str,
    title: str,
    warnings: Sequence[str],
    found: dict[str, list[Candidate]],
    observation: Observation | None,
) -> Proposal:
    """The best of each, where there is one; without a vehicle speed the wheels, without a pedal its switch."""
    proposal = Proposal(file, title, tuple(warnings), observation=observation)
    for kind in ORDER:
        some = sorted(found.get(kind, []), key=lambda made: -made.points)
        good = [made for made in some if made.points >= LEAST_POINTS]
        best = next((made for made in good if made.usable), good[0] if good else None)
        if best is not None and good and not good[0].usable and good[0].points > best.points + 20:
            best = good[0]
        if best is not None:
            doubt_twins(best, good, observation is not None and observation.used)
            proposal.chosen[kind] = best
        worth = [made for made in some if made.points >= _WORTH_TELLING and not is_part(made, some)]
        proposal.others[kind] = [made for made in worth if made is not best][:_ALTERNATIVES]
    chosen = proposal.chosen
    if "accelerator" in chosen and chosen["accelerator"].usable and "accelerator_switch" in chosen:
        proposal.others["accelerator"].append(chosen.pop("accelerator_switch"))
    if "auxiliary_brake" in chosen and "brake" not in chosen:
        del chosen["auxiliary_brake"]
    if "hazard" not in chosen and "winker" in chosen:
        hazard = hazard_of(chosen["winker"])
        if hazard is not None:
            chosen["hazard"] = hazard
    return proposal


def settle(proposal: Proposal, database: Path) -> str:
    """The proposal's text, after the map itself took it: what it refuses becomes a comment."""
    with tempfile.TemporaryDirectory(prefix="asvkit-") as folder:
        path = Path(folder) / "map.toml"
        while True:
            if not proposal.active:
                raise AsvkitError(
                    f"{database}: no signal in it looks like speed, brake, winker, hazard, shift or accelerator;"
                    " write the map by hand, as docs/vehicle-maps.md shows"
                )
            path.write_text(write(proposal, file=str(database.resolve())), encoding="utf-8")
            try:
                VehicleMap.load(path, [database.parent])
            except UsageError as error:
                text = str(error).removeprefix(f"{path}: ")
                kind = next((kind for kind in proposal.active if re.search(rf"signal\.{kind}\b", text)), None)
                if kind is None:
                    kind = next((kind for kind in proposal.active if _names_message(proposal.chosen[kind], text)), None)
                if kind is None:
                    if proposal.observation is not None and proposal.observation.counters and "counters" in text:
                        proposal.observation.counters.clear()
                        continue
                    raise
                proposal.refused[kind] = text
            else:
                return write(proposal)


def _names_message(made: Candidate, text: str) -> bool:
    return any(re.search(rf"\b{re.escape(message.name)}\b", text) for message in made.messages)


def write(proposal: Proposal, file: str = "") -> str:
    """The proposal as TOML."""
    lines = [
        f"# {_plain(proposal.title)}: a proposal by `asvkit vehicle suggest`, to be finished by a person.",
        "# Go through every TODO, compare with the car, then: asvkit vehicle check THIS_FILE --log DRIVE.log",
    ]
    if proposal.observation is not None:
        lines += _comment(proposal.observation.summary)
    lines += [line for warning in proposal.warnings for line in _comment(f"The database: {warning}")]
    lines += ["map = 1", f"name = {_quoted(proposal.title)}"]
    counters, told = _counters(proposal)
    lines += told
    if counters:
        lines.append("counters = [" + ", ".join(_quoted(text) for text in counters) + "]")
    lines += ["", "[database]", f"file = {_quoted(file or proposal.file)}"]
    if proposal.encoding:
        lines.append(f"encoding = {_quoted(proposal.encoding)}")
    if proposal.j1939:
        lines.append("j1939 = true # messages by their PGN, of any sender and priority; see also source_addresses")
    for kind in ORDER:
        made = proposal.chosen.get(kind)
        if made is not None:
            lines += ["", *_section(proposal, kind, made)]
        elif kind in LACKING and not (kind == "accelerator" and "accelerator_switch" in proposal.chosen):
            lines += ["", *_comment(f"{kind}: nothing in the database looks like it; {LACKING[kind]}.")]
            lines += _possible(proposal, kind)
    return "\n".join(lines) + "\n"


def _section(proposal: Proposal, kind: str, made: Candidate) -> list[str]:
    lines = _comment(f"{kind}: chosen by {', '.join(made.why)}.")
    refused = proposal.refused.get(kind)
    if refused:
        lines += _comment(f"TODO the map does not take it: {refused}")
    elif not made.usable:
        lines += _comment("TODO too unsure to be used as it stands; take out the # once it is checked.")
    lines += [line for doubt in made.doubts for line in _comment(f"TODO {doubt}")]
    lines += _possible(proposal, kind)
    table = [f"[signal.{kind}]", *_keys(made, proposal.j1939)]
    if refused or not made.usable:
        table = [f"#{line}" for line in table]
    return lines + table


def _keys(made: Candidate, j1939: bool) -> list[str]:
    references = made.references
    lines = []
    if made.shape == "pair":
        lines += [f"left = {_quoted(references[0])}", f"right = {_quoted(references[1])}"]
        on = [code for code, word in made.values.items() if word == "on"]
        if on:
            lines += [f"left_on = {on}", f"right_on = {on}"]
        if made.flashing:
            lines.append("flashing = true")
    elif made.shape == "wheels":
        lines += ["wheels = [", *(f"    {_quoted(text)}," for text in references), "]"]
    else:
        lines.append(f"from = {_quoted(references[0])}")
    if made.kind in NUMBERS:
        lines += _number_keys(made, j1939)
    elif made.shape == "from":
        numerals = any(text.strip().lstrip("-").isdigit() for text in made.names.values())
        codes = {code: hex(code) if numerals else str(code) for code in made.values}  # a gear "2" may have the code 6
        pairs = ", ".join(
            f'{codes[first] if first == last else _quoted(f"{first}..{last}")} = "{word}"'
            for first, last, word in code_runs(made.values, _ROW)
        )
        lines.append(f"values = {{ {pairs} }}")
        named = ", ".join(f"{code} {text}" for code, text in sorted(made.names.items()))
        if named:
            lines[-1:] = [*_comment(f"The database says: {named}"), lines[-1]]
    if made.period_ms and not made.messages[0].cycle_time:
        lines.append(f"period_ms = {made.period_ms} # as seen in the log; the database does not tell it")
    return lines


def _number_keys(made: Candidate, j1939: bool) -> list[str]:
    lines = [f'unit = "{made.unit}"']
    if made.signed:
        lines.append("signed = true")
    if made.sign:
        lines.append(f"sign = {_quoted(made.sign)}")
    if made.scale:
        lines.append(f"scale = {made.scale}")
    if made.unknown and not j1939:  # whose codes are known
        lines.append(f"unknown = {made.unknown}")
    return lines


def _possible(proposal: Proposal, kind: str) -> list[str]:
    lines = []
    for other in proposal.others.get(kind, []):
        names = ", ".join(_quoted(text) for text in other.references)
        how = {"pair": "left and right ", "wheels": "wheels "}.get(other.shape, "")
        reasons = ", ".join(reason for reason in other.why if not reason.startswith("the name"))
        lines += _comment(f"also possible: {how}{names}" + (f" ({reasons})" if reasons else ""))
    return lines


def _counters(proposal: Proposal) -> tuple[list[str], list[str]]:
    """Alive counters: those that a log proves; those only named so, as a comment."""
    used = {message.name: message for kind in proposal.active for message in proposal.chosen[kind].messages}
    if proposal.observation is not None:
        counters = {name: text for name, text in proposal.observation.counters.items() if name in used}
        if counters:
            return list(counters.values()), _comment("Alive counters: they go up by one in each frame of the log.")
        return [], []
    named = []
    for message in used.values():
        signal = next((one for one in message.signals if _is_counter(one)), None)
        if signal is not None:
            named.append(f"{message.name}.{signal.name}")
    if not named:
        return [], []
    text = "[" + ", ".join(_quoted(one) for one in named) + "]"
    return [], [
        *_comment(
            "TODO named as alive counters. Take out the # if they count up by one in every frame (a log shows it):"
        ),
        f"#counters = {text}",
    ]


def _is_counter(signal: Any) -> bool:
    return bool(2 <= signal.length <= 8 and words.COUNTER_NAME.search(signal.name) and not signal.multiplexer_ids)


def _comment(text: str) -> list[str]:
    lines, line = [], "#"
    for word in _plain(text).split(" "):
        if len(line) + len(word) + 1 > _WIDTH and line != "#":
            lines.append(line)
            line = "#  "
        line += f" {word}"
    return [*lines, line]


def _plain(text: str) -> str:
    """One line without control characters: names and comments come from files of others."""
    return "".join(sign if sign.isprintable() else " " for sign in " ".join(text.split()))


def _quoted(text: str) -> str:
    escaped = _plain(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
