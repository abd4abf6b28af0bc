"""Scenes for a board's main.py on hardware of pretence (tests/micropython/run_board.py), and what is made of them."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from asvboard.can_input import settings_from
from asvboard.config import load
from asvboard.pins import ROLES, Board

from asvrig.can_feed import CanFeed
from asvrig.gnss_feed import bursts
from asvrig.radio_feed import all_messages
from asvrig.scenario import load_scenario
from asvunit.clock import UnitClock
from asvunit.events import Event
from asvunit.gnss.nmea_live import NmeaLive
from asvunit.ports import RadioFrame, VehicleSignal
from asvunit.unit import Unit
from asvunit.vehicle import VehicleMap
from gatetools import BOARDS, FIRMWARE, HERE, cpython

PICO_W = BOARDS / "pico_w"
RUN = HERE / "run_board.py"
FIXED = (HERE / "fakes", FIRMWARE, PICO_W)
ANY_BOARD = Board(
    {f"{group}.{role}": number for number, (group, role) in enumerate((g, r) for g, roles in ROLES for r in roles)},
    tuple(range(40)),
    lambda _pins: [],
)
BEGIN_MS = 1000  # of the scenario, in the scene
FIRST_MS = 1  # of the unit's time: the clock of the scene goes on before the first pass
SEED = 7  # of run_board's chance
_MS_NS = 1_000_000
CYCLE_MS = 100
JUDGED_A_PASS = 4


def unit_json(**changes: Any) -> dict[str, Any]:
    """The example's configuration; a change to None takes a table out."""
    given: dict[str, Any] = json.loads((PICO_W / "unit.json").read_text())
    for name, value in changes.items():
        if value is None:
            given.pop(name)
        else:
            given[name] = given[name] | value if isinstance(value, dict) else value
    return given


class Scene:
    """A folder with unit.json, car.json and the scene; `lines` are (ms, what)."""

    def __init__(self, folder: Path, **changes: Any) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.lines: list[tuple[int, str]] = []
        (folder / "unit.json").write_text(json.dumps(unit_json(**changes)))
        (folder / "car.json").write_text(json.dumps(VehicleMap.load("bench").compiled()))

    def play(self, name: str, from_ms: int = 0, until_ms: int = 1 << 40) -> None:
        """What the receiver, the car and the radio of a scenario's ego get, of that part of it."""
        scenario = load_scenario(name)
        for time_ns, lines in bursts(scenario, scenario.ego):
            self._play(scenario.start_ns, time_ns, from_ms, until_ms, "uart " + b"".join(lines).hex())
        for time_ns, identifier, extended, data in CanFeed(scenario.ego).frames(scenario):
            what = f"can {identifier} {int(extended)} {data.hex()}"
            self._play(scenario.start_ns, time_ns, from_ms, until_ms, what)
        for time_ns, mac, payload in all_messages(scenario):
            what = f"air 192.168.1.{int(mac[-2:], 16) or 1} 40001 {payload.hex()}"
            self._play(scenario.start_ns, time_ns, from_ms, until_ms, what)

    def _play(self, start_ns: int, time_ns: int, from_ms: int, until_ms: int, what: str) -> None:
        at_ms = (time_ns - start_ns) // _MS_NS
        if from_ms <= at_ms < until_ms:
            self.lines.append((BEGIN_MS + at_ms, what))

    def add(self, *lines: tuple[int, str]) -> None:
        self.lines.extend(lines)

    def write(self, end_ms: int | None = None) -> Path:
        """The file; within a ms what was added first comes first."""
        end_ms = max(t for t, _what in self.lines) + 300 if end_ms is None else end_ms
        lines = sorted(self.lines, key=lambda one: one[0])
        path = self.folder / "scene"
        path.write_text("".join(f"{t} {what}\n" for t, what in lines if t < end_ms) + f"{end_ms} end\n")
        return path

    def run(self, end_ms: int | None = None) -> "Run":
        """On CPython."""
        return Run(cpython(RUN, *FIXED, self.folder, self.write(end_ms)))

    def arguments(self) -> tuple[object, ...]:
        return (*FIXED, self.folder, self.folder / "scene")


class Run:
    """What a run printed, by kind."""

    def __init__(self, text: str) -> None:
        self.text = text
        split = [[*line.split(maxsplit=2), ""] for line in text.splitlines()]
        self.rows = [(int(row[0]), row[1], row[2]) for row in split if row[0].isdigit()]

    def of(self, kind: str) -> list[tuple[int, str]]:
        return [(t, rest) for t, one, rest in self.rows if one == kind]

    @property
    def console(self) -> list[str]:
        return [rest.split(maxsplit=1)[1] for _t, rest in self.of("say")]

    def pin(self, number: int) -> list[tuple[int, int]]:
        """(ms, level) of each edge."""
        edges = [(t, rest.split()) for t, rest in self.of("pin")]
        return [(t, int(level)) for t, (pin, level) in edges if pin == str(number)]

    def level(self, number: int, t: int) -> int:
        """Of a pin at a time."""
        return ([0] + [level for at, level in self.pin(number) if at <= t])[-1]

    @property
    def sent(self) -> list[tuple[int, bytes]]:
        return [(t, bytes.fromhex(rest.split()[0])) for t, rest in self.of("sent")]

    def counts(self, kind: str) -> dict[str, int]:
        """The numbers that a run ends with: counts, watchdog."""
        words = self.of(kind)[-1][1].split()
        return {name: int(value) for name, value in zip(words[::2], words[1::2], strict=True)}

    @property
    def faults(self) -> list[int]:
        return [int(word) for word in self.of("faults")[-1][1].split()]


class Reference:
    """The unit as it runs on Linux (`asvunit.unit.Unit`), given the same inputs at the same ms."""

    def __init__(self, scene: Scene) -> None:
        self.hmi: list[tuple[int, str, str, str | None]] = []  # ms, level, function, direction
        self.sent: list[tuple[int, bytes]] = []
        config, problems = load((scene.folder / "unit.json").read_text(), ANY_BOARD)
        assert not problems
        car = VehicleMap.load("bench")
        settings_from(car.compiled(), config.settings)
        config.settings.set("seed", SEED)
        self._car, self._live = car, NmeaLive()
        self._now_ms = 0
        clock = UnitClock(FIRST_MS * _MS_NS)
        self._unit = Unit(config.settings, clock, sink=self._event, send=self._send)
        self._turn(sorted(scene.lines, key=lambda one: one[0]))

    def _event(self, event: Event) -> None:
        if event["event"] == "hmi":
            self.hmi.append((self._now_ms, event["level"], event["function"], event["direction"]))

    def _send(self, _time_ns: int, frame: bytes) -> None:
        self.sent.append((self._now_ms, frame))

    def _turn(self, lines: list[tuple[int, str]]) -> None:
        """Pass by pass as a board: car, receiver, air, then what is due."""
        import can

        unit, ticking, at = self._unit, False, 0
        for now_ms in range(FIRST_MS, lines[-1][0] + 300):
            self._now_ms, now_ns = now_ms, now_ms * _MS_NS
            came: dict[str, list[list[str]]] = {"can": [], "uart": [], "air": []}
            while at < len(lines) and lines[at][0] <= now_ms:
                kind, *words = lines[at][1].split()
                came.setdefault(kind, []).append(words)
                at += 1
            for identifier, extended, data in came["can"]:
                message = can.Message(
                    timestamp=now_ms / 1000, arbitration_id=int(identifier), data=bytes.fromhex(data),
                    is_extended_id=extended == "1",
                )  # fmt: skip
                for one in self._car.decode(message):
                    unit.vehicle(VehicleSignal(now_ns, one.signal, one.value, one.status, 0))
            for fix in [
                *(fix for (data,) in came["uart"] for fix in self._live.feed(bytes.fromhex(data), now_ns)),
                *self._live.quiet(now_ns),
            ]:
                unit.fix(fix)
            for host, port, data in came["air"]:
                unit.radio(RadioFrame(now_ns, f"{host}:{port}", bytes.fromhex(data)))
            due_ns = unit.due_ns()
            if (now_ms - FIRST_MS) % CYCLE_MS == 0:
                unit.begin_tick(now_ns)
                ticking = True
            elif ticking:
                ticking = unit.go_on(now_ns, JUDGED_A_PASS)
            elif due_ns is not None and due_ns <= now_ns:
                unit.begin_tick(now_ns)
                ticking = True


def told(run: Run) -> list[tuple[int, str]]:
    """(ms, what) of the console's lines about the driver."""
    lines = [(t, rest.split(maxsplit=1)[1]) for t, rest in run.of("say")]
    return [(t, line.removeprefix("driver: ")) for t, line in lines if line.startswith("driver: ")]


def tones(run: Run) -> Iterable[tuple[int, int]]:
    """(ms, Hz) of the buzzer; 0: silent."""
    return [(t, int(rest.split()[0])) for t, rest in run.of("pwm")]
