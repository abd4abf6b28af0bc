"""Events as lines of a log for people: which are worth one, how grave it is, and what it says."""

from collections.abc import Callable, Mapping
from typing import Any, Final

Event = Mapping[str, Any]

DEBUG, INFO, WARNING, ERROR = 1, 2, 3, 4  # Foxglove's


def log_line(event: Event) -> tuple[int, str] | None:
    """(level, text); None for what only figures tell."""
    make = _LINES.get(str(event.get("event")))
    return make(event) if make else None


def _plain(value: object) -> str:
    return str(value).replace("_", " ")


def _support(event: Event) -> tuple[int, str] | None:
    if event.get("vehicle_id") is None and not event.get("presented"):
        return DEBUG, f"{_plain(event.get('function'))}: {_plain(event.get('reason'))}"
    shown = "presented" if event.get("presented") else "not presented"
    words = f"{_plain(event.get('function'))} {event.get('level')} for vehicle {event.get('vehicle_id')}, {shown}"
    why = event.get("why") or _plain(event.get("reason"))
    return (INFO if event.get("presented") else DEBUG), f"{words}: {why}"


def _hmi(event: Event) -> tuple[int, str] | None:
    if event.get("level") in (None, "none"):
        return INFO, "nothing is shown"
    sound = "" if event.get("sound") in (None, "none") else f", sound {_plain(event['sound'])}"
    return WARNING, f"driver: {event.get('text')} ({event.get('level')}, {_plain(event.get('direction'))}{sound})"


def _state(event: Event) -> tuple[int, str] | None:
    what, state = event.get("input") or event.get("signal"), event.get("state")
    detail = event.get("detail") or _plain(event.get("reason"))
    grave = INFO if state in ("ok", "off") else ERROR if event.get("input") else WARNING
    return grave, f"{_plain(what)} {state}: {detail}"


def _system(event: Event) -> tuple[int, str] | None:
    lit = [name for name in ("on", "receiving", "fault") if event.get(name)]
    return (ERROR if event.get("fault") else INFO), f"system lamps: {', '.join(lit) or 'none'}"


def _own_message(event: Event) -> tuple[int, str] | None:
    missing = [
        f"{name} not sent ({_plain(event.get(reason))})"
        for name, reason in (("position", "reason"), ("state", "state_reason"))
        if not event.get(name)
    ]
    return (WARNING if missing else INFO), f"own message: {', '.join(missing) or 'position and state are sent'}"


def _neighbour(event: Event) -> tuple[int, str] | None:
    many = f"{event['count']} x " if event.get("count") else ""
    return DEBUG, f"{many}{event.get('event')} {_plain(event.get('reason'))}: vehicle {event.get('vehicle_id')}"


def _start(event: Event) -> tuple[int, str] | None:
    return INFO, f"start: asvkit {event.get('asvkit')}, vehicle {event.get('vehicle_id')}"


def _stop(event: Event) -> tuple[int, str] | None:
    return INFO, f"stop: {_plain(event.get('reason'))}"


def _lost(event: Event) -> tuple[int, str] | None:
    return ERROR, f"{event.get('count')} events lost"


def _signing(event: Event) -> tuple[int, str] | None:
    return (INFO if event.get("signed") else WARNING), str(event.get("detail") or _plain(event.get("reason")))


_LINES: Final[dict[str, Callable[[Event], tuple[int, str] | None]]] = {
    "start": _start, "stop": _stop, "support": _support, "hmi": _hmi, "status": _state, "signal": _state,
    "system": _system, "own_message": _own_message, "neighbour": _neighbour, "drop": _neighbour,
    "trailer": _neighbour, "lost": _lost, "signing": _signing,
}  # fmt: skip
