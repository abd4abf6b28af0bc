"""What browsers are told: a unit's events, one JSON object a line, gathered into one message for each view.

A message is put together of parts that are written as JSON when they change, and of the scene as the unit wrote it:
ten times a second nothing is parsed and nothing is encoded twice. When the unit is gone, the message says so, and why.
"""

import asyncio
import json
import re
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Any, Final

from asvunit.texts import TEXTS
from asvunit.words import CODES

SILENT_S: Final = 0.5  # without a scene, while the unit is connected
VIEWS: Final = ("driver", "bench")
SUPPORTS: Final = 40
LATENCIES: Final = 20

_SCENE: Final = re.compile(rb'\{"t": ?(-?[0-9.eE+]+), ?"event": ?"scene"')
_AT_ONCE: Final = ("hmi", "system", "self_test", "stop", "lost")
_BENCH: Final = ("latency", "radio", "supports")
_SHOWN: Final = {
    "level": "none", "colour": "none", "function": "none", "direction": None, "light": "off", "cue_n": 0,
    "muted": False, "sound": "none", "tone_hz": 0, "text": {"en": "", "ja": ""}, "text_id": "none",
}  # fmt: skip
_FIRST: Final[dict[str, Any]] = {
    "unit": {"vehicle_id": None, "asvkit": ""},
    "shown": _SHOWN,
    "self_test": False,
    "system": {"on": False, "receiving": False, "fault": False},
    "lamps": [],
    "inputs": {},
    "signals": {},
    "own_message": None,
    "latency": {"last": [], "statistics": None},
    "radio": None,
    "supports": [],
}

Event = dict[str, Any]


def _no_number(word: str) -> float:
    raise ValueError(word)  # a browser would not read it


class Messages:
    """Takes the unit's lines, makes the messages.

    `why_gone`: "" while the unit tells its scenes, "silent" while it is connected and does not, "stopped" after its
    last word, "lost" where the connection ended without one, or events were lost on it.
    """

    def __init__(self, language: str = "en", now_s: Callable[[], float] = time.monotonic) -> None:
        self.counters: Counter[str] = Counter()  # lines that were not understood, by reason
        self._now_s = now_s
        self._language = language
        self._takers: Final[dict[str, Callable[[Event], None]]] = {
            "start": self._start,
            "hmi": self._hmi,
            "outputs": self._outputs,
            "self_test": self._self_test,
            "system": self._system,
            "status": self._status,
            "signal": self._signal,
            "own_message": self._own_message,
            "latency": self._latency,
            "statistics": self._statistics,
            "radio": self._radio,
            "support": self._support,
            "stop": self._stop,
            "lost": self._lost,
        }
        self._n = 0
        self._t = 0.0
        self._scene_s: float | None = None
        self._asked_s: float | None = None
        self.looked, self.left = asyncio.Event(), asyncio.Event()  # somebody looks; nobody does
        self.left.set()
        self.quiet = False  # the unit was told that nobody wants scenes
        self._forget()
        self._gone = "lost"  # nobody has spoken yet

    # What comes in

    def begin(self) -> None:
        """A unit is connected: what an earlier one told is no longer so."""
        self._forget()
        self._gone = "silent"

    def end(self) -> None:
        """The connection has ended."""
        if self._gone != "stopped":
            self._gone = "lost"

    def take(self, line: bytes) -> bool:
        """One line; True where browsers must be told now. What is no event is counted and dropped."""
        scene = _SCENE.match(line)
        if scene:
            try:
                self._scene, self._t = line.rstrip().decode(), max(self._t, float(scene[1]))
            except ValueError:
                self.counters["not_a_line"] += 1
                return False
            self._scene_s = self._now_s()
            return True
        try:
            event = json.loads(line, parse_constant=_no_number)
            kind = event["event"]
            taker = self._takers.get(kind)
            if taker is not None:
                taker(event)
                self._t = max(self._t, float(event.get("t", 0.0)))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            self.counters["not_an_event"] += 1
            return False
        return kind in _AT_ONCE

    def look(self, lookers: int) -> None:
        """So many browsers look now."""
        (self.looked if lookers else self.left).set()
        (self.left if lookers else self.looked).clear()
        if lookers and self.quiet:  # the next scene is on its way
            self.quiet = False
            self._scene, self._scene_s, self._asked_s = "null", None, self._now_s()

    # What goes out

    @property
    def why_gone(self) -> str:
        """Why what is known is no longer so; "": it is."""
        if self._gone in ("stopped", "lost"):
            return self._gone
        last_s = self._asked_s if self._scene_s is None else self._scene_s
        return "" if last_s is not None and self._now_s() - last_s < SILENT_S else "silent"

    def next_number(self) -> None:
        """The messages made from now on are newer ones."""
        self._n += 1

    def message(self, view: str) -> str:
        """The message of a view, one JSON text."""
        gone = self.why_gone
        head = {"n": self._n, "t": self._t, "alive": not gone, "why_gone": gone, "language": self._language}
        parts = [json.dumps(head)[:-1]]
        for name in _FIRST:
            if view == "bench" or name not in _BENCH:
                parts.append(f'"{name}": {self._part(name)}')
        parts.append(f'"scene": {self._scene}}}')
        return ", ".join(parts)

    def _part(self, name: str) -> str:
        text = self._written.get(name)
        if text is None:
            known = self._known[name]
            told = list(known) if isinstance(known, deque) else known
            if name == "latency":
                told = {**known, "last": list(known["last"])}
            text = self._written[name] = json.dumps(told, ensure_ascii=False)
        return text

    # Events

    def _forget(self) -> None:
        self._known: dict[str, Any] = json.loads(json.dumps(_FIRST))
        self._known["supports"] = deque(maxlen=SUPPORTS)
        self._known["latency"]["last"] = deque(maxlen=LATENCIES)
        self._written: dict[str, str] = {}
        self._scene = "null"
        self._scene_s = self._asked_s = None
        self.quiet = False
        self._t = 0.0

    def _set(self, name: str, value: Any) -> None:
        self._known[name] = value
        self._written.pop(name, None)

    def _start(self, event: Event) -> None:
        self._set("unit", {"vehicle_id": event["vehicle_id"], "asvkit": event["asvkit"]})

    def _hmi(self, event: Event) -> None:
        before = self._known["shown"]
        shown = {key: event.get(key, default) for key, default in _SHOWN.items()}
        shown["cue_n"] = before["cue_n"] + bool(event.get("cue", event["level"] != "none"))
        shown["tone_hz"] = before["tone_hz"]
        code = CODES["TEXT"].get(event["text_id"], -1)
        shown["text"] = {language: texts.get(code, event["text"]) for language, texts in TEXTS.items()}
        self._set("shown", shown)

    def _outputs(self, event: Event) -> None:
        self._set("lamps", event["lamps"])
        self._set("shown", {**self._known["shown"], "tone_hz": event["tone_hz"]})

    def _self_test(self, event: Event) -> None:
        self._set("self_test", event["state"] == "begin")

    def _system(self, event: Event) -> None:
        self._set("system", {key: event[key] for key in _FIRST["system"]})

    def _status(self, event: Event) -> None:
        told = {"state": event["state"], "reason": event["reason"], "since": event.get("since")}
        self._set("inputs", {**self._known["inputs"], event["input"]: {**told, "detail": event.get("detail", "")}})

    def _signal(self, event: Event) -> None:
        told = {key: event.get(key) for key in ("state", "reason", "since", "bus")}
        self._set("signals", {**self._known["signals"], event["signal"]: told})

    def _own_message(self, event: Event) -> None:
        self._set("own_message", {key: event[key] for key in ("position", "state", "reason", "state_reason")})

    def _latency(self, event: Event) -> None:
        self._known["latency"]["last"].appendleft(event)
        self._written.pop("latency", None)

    def _statistics(self, event: Event) -> None:
        self._known["latency"]["statistics"] = event
        self._written.pop("latency", None)

    def _radio(self, event: Event) -> None:
        self._set("radio", event)

    def _support(self, event: Event) -> None:
        self._known["supports"].appendleft(event)
        self._written.pop("supports", None)

    def _stop(self, _event: Event) -> None:
        self._gone = "stopped"

    def _lost(self, _event: Event) -> None:
        """Some events were not handed over: what is known may be wrong, until a new connection tells all of it."""
        self._gone = "lost"
