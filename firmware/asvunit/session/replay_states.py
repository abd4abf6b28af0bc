"""States of a unit's inputs and of itself, as a live unit told them and as the core alone says them in a replay.

A live unit tells the worse of what the core says and of what it knows of a device. So each state that was told of a
device in order must be the core's, and each change of the core's must have been told, unless the device was gone or
could not keep up. The same with `system`: its `fault` is also that of a device that is gone.
"""

import json
from dataclasses import dataclass, field
from typing import Final

from asvunit.events import Event

_MS_S: Final = 0.001002
_HANDED_S: Final = 0.5  # the word of a device may come so late
_OF_CORE: Final = ("gnss", "can", "radio")
_GONE: Final = "disconnected"
_BY_DEVICE: Final = frozenset({_GONE, "overloaded"})
_DEVICE_WORDS: Final = frozenset({"connected", "simulated", "running"})  # reasons that no core tells


@dataclass
class States:
    """What both sides told of one stretch. `begins`: with the unit; else the core has said something before."""

    begins: bool
    _core: dict[str, list[Event]] = field(default_factory=dict)  # by input, "" is the system
    _recorded: list[Event] = field(default_factory=list)

    def core(self, event: Event) -> None:
        """A status or system event of the replay."""
        self._core.setdefault(event.get("input", ""), []).append(event)

    def recorded(self, event: Event) -> None:
        """One that was recorded."""
        self._recorded.append(event)

    def difference(self, until_s: float) -> str:
        """The first, up to a time of the record; "": none."""
        recorded = [event for event in self._recorded if event["t"] <= until_s]
        whole = until_s == float("inf")
        for name in _OF_CORE:
            told = [event for event in recorded if event.get("input") == name]
            if said := _input(told, self._core.get(name, []), self.begins, whole):
                return said
        return _system(recorded, self._core.get("", []), self.begins, whole)


def _input(recorded: list[Event], core: list[Event], begins: bool, whole: bool) -> str:
    at, masked = -1, False
    for event in recorded:
        if event["state"] in _BY_DEVICE:
            masked = True
            continue
        if event["reason"] in _DEVICE_WORDS:
            masked = False
            continue
        found = _found(event, core, at, masked)
        if found is None:
            if at < 0 and not begins:
                continue  # said before this stretch
            return _unlike(event, core[at + 1] if at + 1 < len(core) else None)
        at, masked = found, False
    left = core[at + 1 :]
    return _unlike(None, left[0]) if left and whole and not masked else ""


def _found(event: Event, core: list[Event], at: int, masked: bool) -> int | None:
    """Place of the core's word that was told; None: there is none, or another one should have been told before it."""
    word = event["state"], event["reason"]
    if masked:  # what came meanwhile was not told; what holds now is
        alike = [place for place in range(max(at, 0), len(core)) if _word(core[place]) == word]
        held = [place for place in alike if core[place]["t"] <= event["t"] + _HANDED_S]
        return held[-1] if held else None
    if at + 1 < len(core) and _word(core[at + 1]) == word and abs(core[at + 1]["t"] - event["t"]) <= _MS_S:
        return at + 1
    return at if at >= 0 and _word(core[at]) == word else None  # told again, with another hint


def _word(event: Event) -> tuple[str, str]:
    return event["state"], event["reason"]


def _system(recorded: list[Event], core: list[Event], begins: bool, whole: bool) -> str:
    at = -1
    gone: set[str] = set()
    for event in recorded:
        if event["event"] == "status":
            (gone.add if event["state"] == _GONE else gone.discard)(event["input"])
            continue
        upto = [place for place in range(max(at, 0), len(core)) if core[place]["t"] <= event["t"] + _MS_S]
        found = next((place for place in upto if _is_system(event, core[place], gone)), None)
        if found is None:
            if at < 0 and not begins:
                continue
            return _unlike(event, core[at + 1] if at + 1 < len(core) else None)
        for between in core[at + 1 : found]:
            if between["receiving"] not in (event["receiving"], core[max(at, 0)]["receiving"]):
                return _unlike(None, between)
        at = found
    left = [one for one in core[at + 1 :] if at < 0 or one["receiving"] != core[at]["receiving"]]
    return _unlike(None, left[0]) if left and whole else ""


def _is_system(event: Event, core: Event, gone: set[str]) -> bool:
    wanted = core["on"], core["receiving"], core["fault"] or bool(gone)
    return (event["on"], event["receiving"], event["fault"]) == wanted


def _unlike(recorded: Event | None, replayed: Event | None) -> str:
    """The difference in words."""
    if recorded is None:
        return f"the replay tells a state that was not recorded: {json.dumps(replayed, ensure_ascii=False)}"
    now = "nothing" if replayed is None else json.dumps(replayed, ensure_ascii=False)
    return f"the replay does not tell a state as recorded: {json.dumps(recorded, ensure_ascii=False)}, but {now}"
