"""One state for each input, of what the core sees in its data and of what the runtime knows of its device.

The worse one is told: a device that is gone is "disconnected", whatever the core still makes of its last
data; a queue that overflows is "overloaded". Each change is one status event.
"""

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
        self._links: dict[str, Told] = {}
        self._loads: dict[str, Told] = {}
        self._hints: dict[str, str] = {}
        self._told: dict[str, Told] = {}

    def core(self, event: Event) -> None:
        """A status event of the core."""
        self._core[event["input"]] = (event["state"], event["reason"], "")
        self._tell(event["input"], event["t"], event.get("cause", 0))

    def link(self, link: Link, epoch_s: float) -> None:
        """A device came or went."""
        if link.up:
            self._links.pop(link.port, None)
            self._core.setdefault(link.port, ("ok", link.reason, ""))
        else:
            self._links[link.port] = ("disconnected", link.reason, link.detail)
        self._tell(link.port, epoch_s)

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
        return sorted(self._links)

    def now(self) -> dict[str, tuple[str, str]]:
        """(state, reason) of each that was told."""
        return {name: told[:2] for name, told in self._told.items()}

    def _tell(self, name: str, epoch_s: float, cause: int = 0) -> None:
        told = self._links.get(name) or self._loads.get(name) or self._core.get(name, _OK)
        if told[0] != "ok" and not told[2] and self._hints.get(name):
            told = (told[0], told[1], self._hints[name])
        if self._told.get(name) == told or (told is _OK and name not in self._told):
            return
        self._told[name] = told
        state, reason, detail = told
        event: dict[str, Any] = {"t": epoch_s, "event": "status", "input": name, "state": state, "reason": reason}
        if detail:
            event["detail"] = detail
        self._publish({**event, "cause": cause})
