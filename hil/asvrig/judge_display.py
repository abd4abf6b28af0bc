"""Judges what the driver saw and heard: each support's display, all texts, how many at once [G 3.8, appendix 2]."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from asvrig.expected import TIMED, Expected, side_at
from asvrig.given import LEVELS, RANK, Event, Key, Scene, scenes
from asvrig.scenario import Scenario

_COLOURS: Final = {"information": ("blue", "none"), "caution": ("yellow", "caution")}
_TEXT_MOST: Final = {"information": 30, "caution": 15}  # characters [G appendix 2]
_ALL_CLEAR: Final = re.compile(r"\b(clear|safe|safely|go|proceed)\b|安全|進め", re.IGNORECASE)  # [G 3.9(1)]
_NO_SIDE: Final = (None, "", "none")
LASTS_S: Final = 0.15  # a state that lasts no longer is on its way to another

Finding = tuple[bool, str]  # good, note


class Display:
    """What was shown through one scenario."""

    def __init__(self, scenario: Scenario, events: list[Event]) -> None:
        self._scenario = scenario
        self._start_s = scenario.start_ns / 1e9
        self._parallel = scenario.config.presentation.parallel
        self._hmi = [event for event in events if event["event"] == "hmi"]
        self._scenes = scenes(events)

    def in_force(self, t: float) -> Event | None:
        """What the outputs had last been told at a time."""
        return next((one for one in reversed(self._hmi) if one["t"] <= t), None)

    def shown(self, due: Expected, level: str, event: Event) -> Finding:
        """Light, sound, text and side, when a level was presented."""
        shown = self.in_force(event["t"])
        if shown is None or not shown["text"] or LEVELS.index(shown["level"]) < LEVELS.index(level):
            return False, "nothing of that level is shown"
        good = (shown["colour"], shown["sound"]) == _COLOURS[shown["level"]]
        if shown["function"] != due.function:
            higher = LEVELS.index(shown["level"]) > LEVELS.index(level)
            good = good and (higher or RANK.get(shown["function"], 9) <= RANK[due.function])
        elif shown["level"] == level:
            soon = [one for one in self._hmi if shown["t"] < one["t"] <= event["t"] + LASTS_S]
            good = good and any(self._side_is_right(due, one) for one in (shown, *soon))
        told = f"{shown['function']}: {shown['colour']}, {shown['direction'] or 'no side'}, sound {shown['sound']}"
        return good, told

    def _side_is_right(self, due: Expected, shown: Event) -> bool:
        if due.function in TIMED:
            sides = _NO_SIDE if due.side is None else (due.side, "both") if due.function == "crossing" else (due.side,)
            return shown["direction"] in sides
        scene = self._scene(shown["t"])
        alike = [key for key in scene.presented() if key[0] == due.function] if scene else []
        side, clear = side_at(self._scenario, due.vehicle, shown["t"] - self._start_s)
        if not clear or [key[2] for key in alike] != [due.vehicle.vehicle_id]:  # the side shown may be another's
            return True
        return shown["direction"] in (_NO_SIDE if side is None else (side,))

    def quiet(self, ended: Event) -> Finding:
        """The end comes without any cue: no sound, and nothing more is shown for it."""
        shown = self.in_force(ended["t"])
        good = shown is not None and (shown["level"] != "none" or (shown["sound"], shown["text"]) == ("none", ""))
        return good, "no sound, no text" if good else "something is still told"

    def reached_driver(self, key: Key, level: str, event: Event) -> Finding:
        """A level is presented at once, or something else is the reason that it is not."""
        t = event["t"]
        around = [scene for scene in self._scenes if t <= scene.t <= t + LASTS_S]
        if any(scene.supports[key]["presented"] for scene in around if key in scene.supports):
            return True, "presented"
        scene = self._scene(t)
        if scene is None:
            return False, "not presented"
        others = {other: one for other, one in scene.supports.items() if other != key}
        if event["reason"] == "superseded":
            better = any(other[1:] == key[1:] and RANK[other[0]] < RANK[key[0]] for other in others)
            outside = any(other[2] is None and other[0] == key[0] for other in others)
            return better or outside, "another support speaks for it" if better or outside else "superseded by none"
        least = LEVELS.index(level)
        as_high = sum(one["presented"] and LEVELS.index(one["level"]) >= least for one in others.values())
        return as_high >= self._parallel, f"{as_high} others of that level are presented"

    def _scene(self, t: float) -> Scene | None:
        return next((one for one in reversed(self._scenes) if one.t <= t), None)

    # The whole scenario

    def whole(self) -> Iterator[tuple[str, bool, str]]:
        """(what, good, note) of what holds all the time."""
        yield (
            "parallel",
            *self._lasting(
                lambda scene: f"{len(scene.presented())} at once" if len(scene.presented()) > self._parallel else "",
                0.0,
            ),
        )
        yield "room used", *self._lasting(self._idle, LASTS_S)
        yield "yields", *self._lasting(_unyielding, LASTS_S)
        wrong = [one for one in self._hmi if one["level"] != "none" and not self._is_text(one)]
        yield "texts", not wrong, f'"{wrong[0]["text"]}" at {self._at(wrong[0])}' if wrong else "none empty, none long"
        wrong = [one for one in self._hmi if _ALL_CLEAR.search(one["text"])]
        note = f'"{wrong[0]["text"]}" at {self._at(wrong[0])}' if wrong else "no text reads so"
        yield "never all clear", not wrong, note

    def _idle(self, scene: Scene) -> str:
        waits = scene.waiting()
        return f"{waits[0][0]} waits" if waits and len(scene.presented()) < self._parallel else ""

    def _lasting(self, wrong: Callable[[Scene], str], lasts_s: float) -> Finding:
        """What is wrong in a scene, if it is for long enough."""
        since, why = None, ""
        for number, scene in enumerate(self._scenes):
            why = wrong(scene)
            since = (scene.t if since is None else since) if why else None
            last = number + 1 == len(self._scenes)
            until = scene.t + LASTS_S + 1 if last else self._scenes[number + 1].t
            if since is not None and until - since > lasts_s:
                return False, f"{why} at {since - self._start_s:.2f} s"
        return True, "all the time"

    def _is_text(self, shown: Event) -> bool:
        return len(shown["text"].strip()) > 0 and len(shown["text"]) <= _TEXT_MOST.get(shown["level"], 0)

    def _at(self, event: Event) -> str:
        return f"{event['t'] - self._start_s:.2f} s"


def _unyielding(scene: Scene) -> str:
    """A surrounding vehicle is presented in spite of another function that waits, or that presents the same target."""
    presented = scene.presented()
    nearby = [key for key in presented if key[0] == "surrounding" and key[2] is not None]
    if not nearby:
        return ""
    waits = [key for key in scene.waiting() if key[0] != "surrounding"]
    if waits:
        return f"{waits[0][0]} waits behind surrounding"
    twice = [key for key in presented if key[0] != "surrounding" and key[1:] in {one[1:] for one in nearby}]
    return f"surrounding beside {twice[0][0]} of the same target" if twice else ""
