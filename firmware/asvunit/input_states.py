"""One state for each input, of what the core sees in its data and of what the runtime knows of its device.

The worse one is told: a device that is gone is "disconnected", whatever the core still makes of its last
data; a queue that overflows is "overloaded". Each change is one status event, which also says since when the
input has been in that state. A car with several buses has one input "can": the worst of them, named.
"""

import time
from collections.abc import Callable
from typing import Any, Final

from asvunit.events import Event
from asvunit.ports import Link

Publish = Callable[[Event], None]
Told = tuple[str, str, str]  # state, reason, detail

_OK: Final[Told] = ("ok", "running", "")


class InputStates:
    """Keeps the core's word, the link and the load of each input, and publishes what of them is told."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._core: dict[str, Told] = {}
        self._links: dict[str, Told] = {}  # of each bus
        self._loads: dict[str, Told] = {}
        self._hints: dict[str, str] = {}
        self._told: dict[str, Told] = {}
        self._since: dict[str, float] = {}  # epoch seconds: how long it has been in its state
        self._signals: dict[str, str] = {}  # state of each signal of the car
        self._unsent = ""

    def signal(self, event: Event) -> None:
        """A signal event of the core."""
        self._signals[event["signal"]] = event["state"]

    def own_message(self, event: Event) -> None:
        """What of the own state is sent."""
        missing = [name for name in ("position", "state") if not event[name]]
        self._unsent = f"own {' and '.join(missing)} not sent: {_plain(event['reason'])}" if missing else ""

    def core(self, event: Event) -> None:
        """A status event of the core."""
        self._core[event["input"]] = (event["state"], event["reason"], "")
        self._tell(event["input"], event["t"], event.get("cause", 0))

    def link(self, link: Link, epoch_s: float) -> None:
        """A device came or went."""
        name = link.port.partition(".")[0]
        if link.up:
            self._links.pop(link.port, None)
            self._core.setdefault(name, ("ok", link.reason, ""))
        else:
            self._links[link.port] = ("disconnected", link.reason, link.detail)
        self._tell(name, epoch_s)

    def load(self, name: str, reason: str, epoch_s: float, detail: str = "") -> None:
        """Something of an input, or of the unit itself, is lost just now for this reason; "": no more."""
        if reason:
            self._loads[name] = ("overloaded", reason, detail)
        else:
            self._loads.pop(name, None)
        self._tell(name, epoch_s)

    def state(self, name: str, state: str, reason: str, epoch_s: float, detail: str = "") -> None:
        """The word on what the core does not know: clock, hmi, unit."""
        self._core[name] = (state, reason, detail)
        self._tell(name, epoch_s)

    def hint(self, name: str, text: str, epoch_s: float) -> None:
        """What a person should know of an input that is not ok."""
        if self._hints.get(name, "") != text:
            self._hints[name] = text
            self._tell(name, epoch_s)

    @property
    def disconnected(self) -> list[str]:
        """The inputs and outputs whose device is not there."""
        return sorted({port.partition(".")[0] for port in self._links})

    def now(self) -> dict[str, tuple[str, str]]:
        """(state, reason) of each that was told."""
        return {name: told[:2] for name, told in self._told.items()}

    def notes(self) -> tuple[str, ...]:
        """What a person at the unit should know now, a line each; nothing while all is well."""
        lines = []
        for name, (state, reason, detail) in self._told.items():
            if state not in ("ok", "off"):
                since = time.strftime("%H:%M:%S", time.localtime(self._since[name]))
                lines.append(f"{name} {state} since {since}: {detail or _plain(reason)}")
        bad = [f"{name} {state}" for name, state in self._signals.items() if state != "ok"]
        if bad and self._told.get("can", _OK)[0] == "ok":
            lines.append(f"can: {', '.join(bad)}")
        return (*lines, self._unsent) if self._unsent else tuple(lines)

    def _tell(self, name: str, epoch_s: float, cause: int = 0) -> None:
        told = self._link_of(name) or self._loads.get(name) or self._core.get(name, _OK)
        if told[0] != "ok" and not told[2] and self._hints.get(name):
            told = (told[0], told[1], self._hints[name])
        if self._told.get(name) == told or (told is _OK and name not in self._told):
            return
        if self._told.get(name, ("",))[0] != told[0]:
            self._since[name] = epoch_s
        self._told[name] = told
        state, reason, detail = told
        event: dict[str, Any] = {"t": epoch_s, "event": "status", "input": name, "state": state, "reason": reason}
        if detail:
            event["detail"] = detail
        self._publish({**event, "since": self._since[name], "cause": cause})

    def _link_of(self, name: str) -> Told | None:
        return next((told for port, told in self._links.items() if port.partition(".")[0] == name), None)


def _plain(reason: str) -> str:
    return reason.replace("_", " ")
