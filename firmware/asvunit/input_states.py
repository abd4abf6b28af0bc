"""One state for each input, of what the core sees in its data and of what the runtime knows of its device.

The worse one is told: a device that is gone is "disconnected", whatever the core still makes of its last
data; a queue that overflows is "overloaded". Each change is one status event, which also says since when the
input has been in that state. Several buses are one input "can": the first that is lost, with the details of all.
"""

import time
from collections.abc import Callable
from typing import Any, Final

from asvunit.events import Event
from asvunit.ports import Link

Publish = Callable[[Event], None]
Told = tuple[str, str, str]  # state, reason, detail

# What a reason means of an input, for a person who looks at the unit; others are told as they are
_IN_WORDS: Final = {
    ("gnss", "no_input"): "nothing has come from the receiver yet",
    ("gnss", "timeout"): "nothing comes from the receiver any more",
    ("gnss", "void"): "the receiver has no fix",
    ("gnss", "no_fix"): "the receiver has no fix",
    ("gnss", "frozen"): "the receiver repeats a position that the car has left",
    ("gnss", "time_repeated"): "the receiver repeats an old fix",
    ("gnss", "not_configured"): "no receiver is configured: no own position, no support",
    ("can", "no_input"): "nothing has come from the car yet",
    ("can", "timeout"): "nothing comes from the car any more",
    ("can", "implausible"): "the car tells what cannot be",
    ("radio", "no_input"): "no vehicle has been heard yet",
    ("radio", "timeout"): "no vehicle is heard",
    ("radio", "not_configured"): "nothing is sent, and no vehicle heard",
}
_QUIET: Final = ("supports", "can", "hmi")  # that these are not used is no fault

_OK: Final[Told] = ("ok", "running", "")


class InputStates:
    """Keeps the core's word, the link and the load of each input, and publishes what of them is told."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._core: dict[str, Told] = {}
        self._links: dict[str, tuple[Told, float]] = {}  # what is lost, and since when; of each bus
        self._loads: dict[str, Told] = {}
        self._hints: dict[str, str] = {}
        self._told: dict[str, Told] = {}
        self._since: dict[str, float] = {}  # epoch seconds: how long it has been in its state
        self._signals: dict[str, str] = {}  # state of each signal of the car
        self._unsent: tuple[str, ...] = ()
        self._remarks: dict[str, str] = {}  # what else a person should know, by subject

    def signal(self, event: Event) -> None:
        """A signal event of the core."""
        self._signals[event["signal"]] = event["state"]

    def own_message(self, event: Event) -> None:
        """What of the own state is sent."""
        why = {"position": event["reason"], "state": event["state_reason"]}
        missing = [f"own {name} not sent: {_plain(reason)}" for name, reason in why.items() if not event[name]]
        self._unsent = tuple(missing)

    def core(self, event: Event) -> None:
        """A status event of the core."""
        self._core[event["input"]] = (event["state"], event["reason"], "")
        self._tell(event["input"], event["t"], event.get("cause", 0))

    def link(self, link: Link, epoch_s: float) -> None:
        """A device came or went."""
        name = link.port.partition(".")[0]
        self.remark(link.port, f"{name}: {link.detail}" if link.up and link.detail else "")
        if link.up:
            self._links.pop(link.port, None)
            self._core.setdefault(name, ("ok", link.reason, link.detail))
        else:
            self._links[link.port] = ("disconnected", link.reason, link.detail), epoch_s
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

    def remark(self, subject: str, text: str) -> None:
        """What a person should know beside the inputs; "": no more."""
        if text:
            self._remarks[subject] = text
        else:
            self._remarks.pop(subject, None)

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
            if state == "ok" or (state == "off" and name in _QUIET):
                continue
            since = "" if state == "off" else time.strftime(" since %H:%M:%S", time.localtime(self._since[name]))
            lines.append(f"{name} {state}{since}: {detail or _IN_WORDS.get((name, reason)) or _plain(reason)}")
        bad = [f"{name} {state}" for name, state in self._signals.items() if state != "ok"]
        if bad and (len(bad) < len(self._signals) or self._told.get("can", _OK)[0] == "ok"):
            lines.append(f"can: {', '.join(bad)}")
        return (*lines, *self._unsent, *self._remarks.values())

    def _tell(self, name: str, epoch_s: float, cause: int = 0) -> None:
        lost = self._lost(name)
        told = (lost and lost[0]) or self._loads.get(name) or self._core.get(name, _OK)
        if told[0] != "ok" and not told[2] and self._hints.get(name):
            told = (told[0], told[1], self._hints[name])
        if self._told.get(name) == told or (told is _OK and name not in self._told):
            return
        if self._told.get(name, ("",))[0] != told[0]:
            self._since[name] = epoch_s
        if lost:
            self._since[name] = lost[1]
        self._told[name] = told
        state, reason, detail = told
        event: dict[str, Any] = {"t": epoch_s, "event": "status", "input": name, "state": state, "reason": reason}
        if detail:
            event["detail"] = detail
        self._publish({**event, "since": self._since[name], "cause": cause})

    def _lost(self, name: str) -> tuple[Told, float] | None:
        """The device of an input that is gone: of several buses the first, with the details of all."""
        lost = [one for port, one in self._links.items() if port.partition(".")[0] == name]
        if not lost:
            return None
        (state, reason, _detail), since = lost[0]
        return (state, reason, "; ".join(told[2] for told, _since in lost if told[2])), since


def _plain(reason: str) -> str:
    return reason.replace("_", " ")
