"""The unit's events: the core's records in words, one JSON object each (docs/contracts.md), version 1."""

from collections.abc import Callable
from typing import Any, Final

from asvcore import codes
from asvcore.params import NONE
from asvunit.identity import Sources
from asvunit.texts import TEXTS
from asvunit.why import why
from asvunit.words import optional, sides, word

VERSION: Final = 1

Event = dict[str, Any]
Sink = Callable[[Event], None]

_STATEFUL: Final = {"status": "input", "signal": "signal"}  # events that tell a state, and whose


class Translator:
    """Turns records into events; `None` for records that are no event (a frame sent as before)."""

    def __init__(self, sources: Sources, language: str) -> None:
        self._sources = sources
        self._texts = TEXTS[language]
        self._own: tuple[int, ...] = ()
        self._since: dict[tuple[str, str], tuple[str, float]] = {}  # state of an input or signal, and when it began
        self._kinds: Final[dict[int, Callable[[list[int]], Event | None]]] = {
            codes.COMMAND_SEND: self._send,
            codes.COMMAND_SUPPORT: self._support,
            codes.COMMAND_HMI: self._hmi,
            codes.COMMAND_STATUS: self._status,
            codes.COMMAND_DROP: self._drop,
            codes.COMMAND_NEIGHBOUR: self._neighbour,
            codes.COMMAND_SYSTEM: self._system,
            codes.COMMAND_SIGNAL: self._signal,
        }

    def event(self, record: list[int], epoch_s: float) -> Event | None:
        """The event of a record at a time; `cause` numbers the input that led to it, 0 is a tick."""
        body = self._kinds[record[0]](record)
        if body is None:
            return None
        if body["event"] in _STATEFUL:
            key = body["event"], body[_STATEFUL[body["event"]]]
            if self._since.get(key, ("", 0.0))[0] != body["state"]:
                self._since[key] = body["state"], epoch_s
            body["since"] = self._since[key][1]
        return {"t": epoch_s, **body, "cause": record[3]}

    def _support(self, record: list[int]) -> Event:
        function, level, presented, source, vehicle_id, distance, error, threshold, ttc, reason = record[4:]
        event = {
            "event": "support",
            "function": word("FUNCTION", function),
            "level": word("LEVEL", level),
            "presented": bool(presented),
            "vehicle_id": optional(vehicle_id),
            "source": self._sources.name(source),
            "distance_m": _divided(distance, 10),
            "error_m": _divided(error, 10),
            "threshold_m": _divided(threshold, 10),
            "ttc_s": _divided(ttc, 1000),
            "reason": word("REASON", reason),
        }
        if vehicle_id != NONE:
            event["why"] = why(function, level, presented, distance, error, threshold, reason)
        return event

    def _hmi(self, record: list[int]) -> Event:
        level, colour, function, direction, sound, text, light, cue, muted = record[4:13]
        return {
            "event": "hmi",
            "level": word("LEVEL", level),
            "colour": word("COLOUR", colour),
            "function": word("FUNCTION", function),
            "direction": sides(direction),
            "sound": word("SOUND", sound),
            "text": self._texts[text],
            "text_id": word("TEXT", text),
            "light": word("LIGHT", light),
            "cue": bool(cue),
            "muted": bool(muted),
        }

    def _status(self, record: list[int]) -> Event:
        which, state, reason = record[4:7]
        return {
            "event": "status",
            "input": word("INPUT", which),
            "state": word("STATE", state),
            "reason": word("REASON", reason),
        }

    def _signal(self, record: list[int]) -> Event:
        signal, state, reason, bus = record[4:8]
        return {
            "event": "signal",
            "signal": word("SIGNAL", signal),
            "state": word("STATE", state),
            "reason": word("REASON", reason),
            "bus": bus,
        }

    def _drop(self, record: list[int]) -> Event:
        reason, source, vehicle_id = record[4:7]
        return {
            "event": "drop",
            "reason": word("REASON", reason),
            "source": self._sources.name(source),
            "vehicle_id": optional(vehicle_id),
        }

    def _neighbour(self, record: list[int]) -> Event:
        return {**self._drop(record), "event": "neighbour"}

    def _system(self, record: list[int]) -> Event:
        on, receiving, fault = record[4:7]
        return {"event": "system", "on": bool(on), "receiving": bool(receiving), "fault": bool(fault)}

    def _send(self, record: list[int]) -> Event | None:
        own = tuple(record[6:10])
        if own == self._own:
            return None
        self._own = own
        position, state, reason, state_reason = own
        return {
            "event": "own_message",
            "position": bool(position),
            "state": bool(state),
            "reason": word("REASON", reason),
            "state_reason": word("REASON", state_reason),
        }


def _divided(value: int, by: int) -> float | None:
    known = optional(value)
    return None if known is None else known / by
