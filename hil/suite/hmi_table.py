"""The levels as docs/hmi.md tells them: what the lamps and tones of a unit are compared with."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PATH: Final = Path(__file__).resolve().parents[2] / "docs" / "hmi.md"
_TIMES: Final = {"three": 3, "four": 4, "five": 5, "six": 6}
_BEAT: Final = re.compile(r"(\d+) ms on, (\d+) ms off, (?:(\w+) times|as long as it lasts)")
_HZ: Final = re.compile(r"(\d+) Hz")


@dataclass(frozen=True, slots=True)
class Beat:
    """On and off by turns; `times` 0: as long as the level lasts."""

    on_ms: int
    off_ms: int
    times: int


@dataclass(frozen=True, slots=True)
class Level:
    """`flashes` None: the lamp is steady; `hz` 0: no sound unless it is asked for."""

    flashes: Beat | None
    hz: int
    beat: Beat | None
    asked_hz: int  # with hmi.information_sound


def levels(text: str) -> dict[str, Level]:
    """Rows of the first table under "Levels"; ValueError where it is no longer there in this form."""
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 5 and cells[0].strip("`") in ("information", "caution", "warning"):
            found[cells[0].strip("`")] = _level(cells[2], cells[3])
    if set(found) != {"information", "caution", "warning"}:
        raise ValueError(f"docs/hmi.md: its table of levels is not found, only {sorted(found)}")
    return found


def table() -> dict[str, Level]:
    """Those of the documents of this checkout."""
    return levels(PATH.read_text(encoding="utf-8"))


def _level(lamp: str, tone: str) -> Level:
    hz = int(found[1]) if (found := _HZ.search(tone)) else 0
    silent = tone.startswith("none")
    return Level(_beat(lamp), 0 if silent else hz, None if silent else _beat(tone), hz)


def _beat(text: str) -> Beat | None:
    found = _BEAT.search(text)
    return Beat(int(found[1]), int(found[2]), _TIMES.get(found[3] or "", 0)) if found else None
