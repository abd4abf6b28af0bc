"""Words for the core's codes, made from the names in `asvcore.codes`: one list, no second table to keep."""

from typing import Final

from asvcore import codes
from asvcore.params import NONE

_GROUPS: Final = (
    "COMMAND", "FUNCTION", "LEVEL", "COLOUR", "SOUND", "LIGHT", "DIRECTION", "TEXT", "INPUT", "STATE", "REASON",
    "SIGNAL", "STATUS", "START", "MODE", "POSITION", "SWITCH", "ACTION", "ORIGIN", "TARGETS", "SIDE", "SHOWN",
)  # fmt: skip


def _table(group: str) -> dict[int, str]:
    prefix = f"{group}_"
    return {value: name[len(prefix) :].lower() for name, value in vars(codes).items() if name.startswith(prefix)}


WORDS: Final[dict[str, dict[int, str]]] = {group: _table(group) for group in _GROUPS}
CODES: Final[dict[str, dict[str, int]]] = {
    group: {word: code for code, word in table.items()} for group, table in WORDS.items()
}


def word(group: str, code: int) -> str:
    """The word of a code, e.g. ("REASON", 1) -> "l3_reached"; an unknown code as "code_N"."""
    return WORDS[group].get(code, f"code_{code}")


def sides(direction: int) -> str | None:
    """The side or sides of a direction's bits: "left", "right", "both" or None."""
    both = codes.DIRECTION_LEFT | codes.DIRECTION_RIGHT
    return "both" if direction == both else WORDS["DIRECTION"].get(direction)


def optional(value: int) -> int | None:
    """None for the core's "no value"."""
    return None if value == NONE else value
