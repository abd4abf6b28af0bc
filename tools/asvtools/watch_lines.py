"""A watched unit as lines, where there is no terminal: one at each change of what the driver is told or of the unit."""

from typing import Final

from asvtools.watch_follow import ALIVE
from asvtools.watch_state import Watched
from asvtools.watch_words import clock, gone_words, plain, system_words, unit_name
from asvunit.events import Event

_KINDS: Final = ("hmi", "system", "status", "signal", "self_test", "support", "stop")


class Lines:
    """Lines of what is new: the state that a unit repeats to who comes is told once."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], str] = {}
        self._state = ""

    def state(self, state: str, watched: Watched, detail: str = "") -> list[str]:
        """That the unit is gone, or there; why it cannot be reached, where none has been there yet."""
        if state == self._state:
            return []
        self._state = state
        if state == ALIVE:
            return [f"{clock(watched.t)} {unit_name(watched)} is there"]
        if not watched.last:
            return [f"--:--:-- {gone_words(state)}{f': {plain(detail)}' if detail else ''}"]
        return [f"{clock(watched.t)} {gone_words(state)}"]

    def event(self, event: Event) -> list[str]:
        """What an event is worth saying; nothing if it was said."""
        kind = event["event"]
        if kind == "start":
            self._told.clear()
        if kind not in _KINDS:
            return []
        subject, said = _said(event)
        before = self._told.get((kind, subject))
        given = event.get("level") != "none" or event.get("presented")
        if kind == "support" and not given:  # worth a line as the end of what was given alone
            self._told.pop((kind, subject), None)
            return [] if before is None else [f"{clock(event.get('t'))} {plain(said)}"]
        well = (kind, event.get("state")) in (("signal", "ok"), ("self_test", "end"))
        self._told[kind, subject] = said
        if before == said or (before is None and well):
            return []
        return [f"{clock(event.get('t'))} {plain(said)}"]


def _said(event: Event) -> tuple[str, str]:
    """(what it is of, the words)."""
    kind = event["event"]
    if kind == "hmi":
        side = f" {event['direction']}" if event.get("direction") else ""
        if event.get("level") == "none":
            return "", "driver: nothing presented"
        muted = ", muted" if event.get("muted") else ""
        return "", f"driver: {event.get('level')} {event.get('function')}{side}: {event.get('text')}{muted}"
    if kind == "system":
        return "", f"unit: {system_words(event)}"
    if kind in ("status", "signal"):
        name = str(event.get("input" if kind == "status" else "signal"))
        more = event.get("detail") or str(event.get("reason", "")).replace("_", " ")
        return name, f"{'input' if kind == 'status' else 'car'} {name}: {event.get('state')} ({more})"
    if kind == "support":
        whose = event.get("vehicle_id") if event.get("vehicle_id") is not None else event.get("source")
        given = "presented" if event.get("presented") else "not presented"
        why = event.get("why") or str(event.get("reason", "")).replace("_", " ")
        return (
            f"{event.get('function')} {event.get('source')} {whose}",
            f"support {event.get('function')} of {whose}: {event.get('level')}, {given}: {why}",
        )
    return "", f"{kind.replace('_', '-')}: {event.get('state') or event.get('reason')}"
