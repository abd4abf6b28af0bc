"""The hazard lamps of a car whose database names no switch for them: what of its winker tells them."""

import re
from typing import Final

from asvtools import vehicle_spelling as spelling
from asvtools.vehicle_reading import Candidate

_BOTH: Final = re.compile(r"^(?!.*(light|button|switch)).*(both|hazard|warnblink|beide)")


def hazard_of(winker: Candidate) -> Candidate | None:
    """Both bulbs that flash together, both switches on together, or the code of the winker's table for both sides."""
    if not winker.usable:
        return None
    if winker.shape == "from":
        return _of_table(winker)
    if not winker.flashing and not winker.together:
        return None
    why = "both bulbs together" if winker.flashing else "both sides, on together in the log"
    made = Candidate("hazard", "pair", winker.messages, winker.signals, winker.points, [why])
    made.flashing, made.values, made.period_ms = winker.flashing, winker.values, winker.period_ms
    made.usable = not winker.doubts
    if winker.doubts:
        made.doubts.append("only if the two are lamps, which flash together; not if they are the lever's switches")
    return made


def _of_table(winker: Candidate) -> Candidate | None:
    both = [code for code, text in winker.names.items() if _BOTH.search(spelling.squashed(text))]
    if not both:
        return None
    why = [f"the winker's code {both[0]}, {winker.names[both[0]]!r}"]
    made = Candidate("hazard", "from", winker.messages, winker.signals, winker.points, why)
    words = {code: "unknown" if word == "unknown" else "off" for code, word in winker.values.items()}
    made.values = dict(sorted((words | dict.fromkeys(both, "on")).items()))
    made.names, made.period_ms = winker.names, winker.period_ms
    made.doubts.append("both sides at once taken as the hazard lamps; the winker is unknown meanwhile")
    return made
