"""Which messages of a large DBC could matter: a look at the names alone, so that only these are parsed."""

import re
from pathlib import Path
from typing import Final

from asvtools import vehicle_spelling as spelling
from asvtools.vehicle_reading import fits, forms
from asvtools.vehicle_vocabulary import SIGNALS

_SMALL_BYTES: Final = 500_000  # parsed as a whole
_ANY_NAME: Final = "|".join(f"(?:{pattern})" for one in SIGNALS.values() for pattern, _ in one.names)
_TABLE: Final = re.compile(r"left|links|hidari|reverse|rueckw|\"R\"|park", re.IGNORECASE)
_LINE: Final = re.compile(
    r"^[ \t]*(?:BO_ +(?P<id>\d+) +(?P<message>\w+)|SG_ +(?P<signal>\w+)|VAL_ +(?P<table>\d+) +(?P<words>.*))",
    re.MULTILINE,
)


def promising(path: Path) -> frozenset[str] | None:
    """The names of the messages worth parsing; None: all, as the file is small or no DBC."""
    if path.suffix.lower() != ".dbc" or path.stat().st_size < _SMALL_BYTES:
        return None
    names: dict[str, str] = {}
    wanted: set[str] = set()
    message = ""
    for line in _LINE.finditer(path.read_bytes().decode("latin-1")):
        if line["message"]:
            message = names[line["id"]] = line["message"]
        elif line["signal"]:
            if message not in wanted and _tells(message, line["signal"]):
                wanted.add(message)
        elif line["table"] in names and _TABLE.search(line["words"]):
            wanted.add(names[line["table"]])
    return frozenset(wanted)


def _tells(message: str, signal: str) -> bool:
    if fits(_ANY_NAME, forms(signal)):
        return True
    return spelling.CORNER.search(signal) is not None and spelling.WHEEL.search(f"{message} {signal}") is not None
