"""Pins as a unit drives them through scenarios of all functions, edge by edge against a table of their own.

A replay tells the events, the presenter plays them on a clock that is moved by hand, mock pins record what is written.
"""

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from asvcore import codes
from asvrig.generate import generate
from asvrig.scenario import load_scenario, scenario_names
from asvtools.cli import run
from asvunit.adapters.gpio import open_gpio
from asvunit.pins import load_pins
from asvunit.presenter import Presenter
from coretools import Drive, Target, encounter
from hmidrives import shown_by
from hmitools import LEVELS, LOOKS, SELF_TEST_MS, SYSTEM_LAMPS, TONES, Beat

MS = 1_000_000
EVERYDAY = (
    "crossing_two", "crossing_ego_starts", "right_turn_50", "left_turn_passes", "surrounding_yields",
    "emergency_crossing",
)  # fmt: skip
AFTER_NS = 5_000 * MS  # what still plays after the last event
Change = tuple[int, int, int]  # ns, value, Hz


class Pins:
    """A presenter on mock pins, and what they were told."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_ns = 0
        clock = SimpleNamespace(monotonic_ns=lambda: self.now_ns)
        monkeypatch.setattr("asvunit.adapters.gpio.mock.time", clock)
        self._path = folder / "pins.jsonl"
        self._gpio = open_gpio(load_pins(None), "mock", self._path)
        self.presenter = Presenter([self._gpio.outputs])

    def go_to(self, time_ns: int) -> None:
        """Time goes on; what is due before is done when it is, news of the same time goes before it."""
        while (due_ns := self.presenter.due_ns()) is not None and due_ns < time_ns:
            self.now_ns = due_ns
            self.presenter.tick(due_ns)
        self.now_ns = time_ns

    def tell(self, event: dict, time_ns: int) -> None:
        self.go_to(time_ns)
        if event["event"] == "hmi":
            self.presenter.hmi(event, time_ns)
        elif event["event"] == "system":
            self.presenter.system(event["on"], event["receiving"], event["fault"], time_ns)

    def changes(self) -> dict[str, list[Change]]:
        """By name; the first, how each pin is when it is opened, left out."""
        self._gpio.close()
        found: dict[str, list[Change]] = {}
        for row in map(json.loads, self._path.read_text(encoding="utf-8").splitlines()):
            found.setdefault(row["name"], []).append((row["t_ns"], row["value"], row["hz"]))
            if row["hz"]:
                percent = next(tone.percent for tone in TONES.values() if tone.hz == row["hz"])
                assert row["duty"] == pytest.approx(math.asin(percent / 100) / math.pi, abs=0.006)  # whole percents
        assert all(rows[0][1:] == (0, 0) for rows in found.values())
        return {name: rows[1:] for name, rows in found.items()}


@dataclass
class Play:
    """What is in force from a time on, until the next event."""

    from_ns: int = 0
    until_ns: int = 0
    system: tuple[bool, bool, bool] = (False, False, False)
    direction: str | None = None
    light: str = "off"
    lit_ns: int = 0
    sound: str = "none"
    sounded_ns: int = 0

    def told(self, time_ns: int, event: dict) -> "Play":
        """After one more event: a cue begins light and sound anew; less, or an end, has no sound of its own."""
        if event["event"] == "system":
            return replace(self, from_ns=time_ns, system=(event["on"], event["receiving"], event["fault"]))
        new = replace(self, from_ns=time_ns, direction=event["direction"], light=event["light"], sound=event["sound"])
        if event["cue"] or event["light"] != self.light:
            new.lit_ns = time_ns
        if event["cue"]:
            new.sounded_ns = time_ns
        elif event["muted"] or event["sound"] != self.sound:
            new.sound = "none"
        return new

    def lamp(self, name: str) -> list[Change]:
        """How a lamp is, from each time on."""
        if name in SYSTEM_LAMPS:
            return [(self.from_ns, int(self.system[list(SYSTEM_LAMPS).index(name)]), 0)]
        if name in ("left", "right"):
            return [(self.from_ns, int(self.direction in (name, "both")), 0)]
        beat = LOOKS[name].lamp if LOOKS[name].light == self.light else None
        return [(self.from_ns, 0, 0)] if beat is None else [(at, on, 0) for at, on in self._beat(beat, self.lit_ns)]

    def buzzer(self) -> list[Change]:
        """How it sounds, from each time on."""
        if self.sound == "none":
            return [(self.from_ns, 0, 0)]
        tone = TONES[self.sound]
        return [(at, on, tone.hz * on) for at, on in self._beat(tone.beat, self.sounded_ns)]

    def _beat(self, beat: Beat, begun_ns: int) -> list[tuple[int, int]]:
        found = [(self.from_ns, int(beat.is_on((self.from_ns - begun_ns) // MS)))]
        after = [(begun_ns + ms * MS, int(on)) for ms, on in beat.edges((self.until_ns - begun_ns) // MS + 1)]
        return found + [one for one in after if self.from_ns < one[0] < self.until_ns]


def edges(told: list[tuple[int, dict]], until_ns: int) -> dict[str, list[Change]]:
    """What the pins must have been told, by the table and the events alone: each change of each."""
    plays = [Play()]
    for time_ns, event in told:
        plays[-1].until_ns = time_ns
        plays.append(plays[-1].told(time_ns, event))
    plays[-1].until_ns = until_ns
    found: dict[str, list[Change]] = {}
    for name in (*SYSTEM_LAMPS, *LEVELS[1:], "left", "right", "buzzer"):
        found[name], state = [], (0, 0)
        for change in (one for play in plays for one in (play.buzzer() if name == "buzzer" else play.lamp(name))):
            if change[1:] != state:
                state = change[1:]
                found[name].append(change)
    return found


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.long] * (name not in EVERYDAY)) for name in scenario_names()]
)
def test_pins_of_a_scenario(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recordings, out = generate(load_scenario(name), tmp_path), tmp_path / "events.jsonl"
    assert run(["replay", *recordings.arguments(), "--events", str(out)]) == 0
    events = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    first = events[0]["t"]
    told = [(round((one["t"] - first) * 1e9), one) for one in events if one["event"] in ("hmi", "system")]
    pins = Pins(tmp_path, monkeypatch)
    for time_ns, event in told:
        if event["event"] == "hmi":
            look = LOOKS[event["level"]]
            assert (event["colour"], event["light"], event["sound"]) == (look.colour, look.light, look.sound)
        pins.tell(event, time_ns)
    end_ns = told[-1][0] + AFTER_NS
    pins.go_to(end_ns)
    shown, wanted = pins.changes(), edges(told, end_ns)
    for pin, rows in wanted.items():
        assert [one for one in shown.get(pin, []) if one[0] < end_ns] == rows, pin
    assert not wanted["warning"]  # not between vehicles
    shows = [event for _time, event in told if event["event"] == "hmi"]
    cautions = sum(event["level"] == "caution" and event["cue"] for event in shows)
    assert sum(value for _time, value, _hz in wanted["buzzer"]) <= 5 * cautions
    assert bool(wanted["buzzer"]) == bool(cautions)
    if name in EVERYDAY:
        assert any(name.startswith(event["function"]) for event in shows)  # what it is there for


@pytest.fixture
def caution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Drive, Pins, int]:
    """A crossing that has come to its caution, told to pins; and the ms of the caution."""
    drive, pins = Drive(surrounding=0), Pins(tmp_path, monkeypatch)
    drive.stand()
    encounter(drive, [Target(8000)], 1100, 5000)
    for event in shown_by(drive):
        pins.tell(event, round(event["t"] * 1000) * MS)
    assert drive.of("hmi")[-1]["level"] == codes.LEVEL_CAUTION
    return drive, pins, drive.of("hmi")[-1]["t"]


def press(drive: Drive, pins: Pins, switch: int, ms: int) -> None:
    drive.core.on_switch(switch, 1, ms, 9)
    drive.drain()
    pins.tell(shown_by(drive)[-1], ms * MS)


def test_mute_at_the_pins(caution: tuple[Drive, Pins, int]) -> None:
    """In the middle of a tone: it ends at once, the lamp flashes on as if nothing were."""
    drive, pins, begun = caution
    press(drive, pins, codes.SWITCH_MUTE, begun + 450)
    pins.go_to((begun + 4000) * MS)
    changes = pins.changes()
    ms = [(at // MS - begun, value, hz) for at, value, hz in changes["buzzer"]]
    assert ms == [(0, 1, 1000), (200, 0, 0), (400, 1, 1000), (450, 0, 0)]
    lamp = [(at // MS - begun, bool(value)) for at, value, _hz in changes["caution"] if at < (begun + 4000) * MS]
    assert lamp == LOOKS["caution"].lamp.edges(4000)


def test_request_at_the_pins(caution: tuple[Drive, Pins, int]) -> None:
    """Long after the tones: light and sound begin anew together."""
    drive, pins, begun = caution
    press(drive, pins, codes.SWITCH_REQUEST, begun + 2500)
    pins.go_to((begun + 6000) * MS)
    changes = pins.changes()
    tones = [at // MS - begun for at, value, _hz in changes["buzzer"] if value]
    assert tones == [*range(0, 2000, 400), *range(2500, 4500, 400)]
    lit = [at // MS - begun for at, value, _hz in changes["caution"] if value]
    assert lit == [*range(0, 2001, 400), *range(2900, 4501, 400)]  # at 2500 it is lit already


def test_the_self_test_at_the_pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every lamp of the map, for a second; the short soft tone; then dark and silent."""
    pins = Pins(tmp_path, monkeypatch)
    pins.go_to(7 * MS)
    pins.presenter.self_test(7 * MS)
    pins.go_to(3000 * MS)
    changes = pins.changes()
    tone = TONES["information"]
    assert changes.pop("buzzer") == [(7 * MS, 1, tone.hz), ((7 + tone.beat.on_ms) * MS, 0, 0)]
    assert set(changes) == set(load_pins(None).lamps)
    assert all(rows == [(7 * MS, 1, 0), ((7 + SELF_TEST_MS) * MS, 0, 0)] for rows in changes.values())
