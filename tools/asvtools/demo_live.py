"""The live demo: two real units and a world around them on this machine; what happened, for the report."""

import contextlib
import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from asvrig.judge import Check
from asvrig.live.bare_sleep import BareSleep
from asvrig.live.radio import RadioSender, free_udp_port
from asvrig.live.receiver import ReceiverPty
from asvrig.live.slcan import SlcanPty
from asvrig.live.unit_process import UnitProcess
from asvrig.live.world import Lateness, World, at_next_second
from asvrig.scenario import Scenario, Vehicle
from asvrig.unit_config import LOOPBACK, unit_config, unit_file
from asvunit.errors import AsvkitError
from asvunit.ports import Shown
from asvunit.runtime import prompt_threads, signals_held

READY_S: Final = 15.0  # a unit that takes longer does not start any more
_UNITS: Final = 2
_AROUND: Final = ("surrounding", "emergency")  # both drivers are told who is near
_TICK_S: Final = 0.1
_PIN_S: Final = 0.1  # between an event and its lamp

Event = dict[str, Any]


@dataclass
class Car:
    """One of the two cars: its devices, its unit, and what its driver is told just now."""

    vehicle: Vehicle
    receiver: ReceiverPty
    can: SlcanPty | None
    unit: UnitProcess | None = None
    shown: Shown = field(default_factory=Shown)
    states: dict[str, str] = field(default_factory=dict)  # of its inputs
    took_us: float | None = None  # from the cause of its last change to the pin
    ready_s: float = 0.0
    busy: float = 0.0  # share of a processor
    exit_code: int | None = None

    @property
    def events(self) -> list[Event]:
        """What its unit has said."""
        return self.unit.events if self.unit else []

    def last(self, kind: str) -> Event:
        """The last event of a kind, or an empty one."""
        return next((one for one in reversed(self.events) if one["event"] == kind), {})

    def take(self, event: Event) -> None:
        """Follow what the driver is told, and how the unit is."""
        if event["event"] == "status":
            self.states[event["input"]] = event["state"]
        elif event["event"] == "latency":
            self.took_us = event["written_us"]
        elif event["event"] == "hmi":
            told = {key: event[key] for key in ("level", "colour", "function", "direction", "text")}
            self.shown = replace(self.shown, **told)
        elif event["event"] == "outputs":
            self.shown = replace(self.shown, lamps=frozenset(event["lamps"]), tone_hz=event["tone_hz"])


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the report needs. `events`: ego's, with the vehicle ids of the scenario."""

    scenario: Scenario
    cars: list[Car]
    events: list[Event]
    lateness: Lateness
    bare_sleep: dict[str, Any]
    checks: list[Check]


Watch = Callable[[Scenario, list[Car], float], None]  # scenario, cars, seconds into it; every 100 ms


def plan(scenario: Scenario) -> tuple[list[Vehicle], list[Vehicle]]:
    """Who gets a unit: ego and the first other that a unit can be. The rest is played on the air."""
    units = [scenario.ego, *[one for one in scenario.others if not one.played_only][: _UNITS - 1]]
    return units, [one for one in scenario.others if one not in units]


def play(scenario: Scenario, folder: Path, watch: Watch, screen_port: int | None = None) -> Outcome:
    """Start the units, play the scenario once in real time, stop them; nothing is left behind whatever happens.

    `screen_port`: of ego's web page; the next one is the other unit's.
    """
    units, played = plan(scenario)
    with contextlib.ExitStack() as stack:
        stack.enter_context(prompt_threads())
        port = free_udp_port()
        sockets = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="asvkit-")))
        cars = []
        for number, vehicle in enumerate(units):
            screen = screen_port and screen_port + number
            cars.append(_car(scenario, vehicle, folder, sockets, port, screen, stack))
        with signals_held():
            bare = BareSleep()
            stack.callback(bare.close)
        for car in cars:
            assert car.unit is not None
            car.ready_s = float(car.unit.wait_ready(READY_S)["after_s"])
        scenario, start_ns = at_next_second(scenario, after_s=0.3)
        world = World(scenario, start_ns)
        for car in cars:
            world.add_unit(car.vehicle, car.receiver, car.can)
        for vehicle in played:
            world.play(vehicle, stack.enter_context(RadioSender(LOOPBACK, port)))
        _run(world, scenario, cars, start_ns, watch, stack)
        for car in cars:
            assert car.unit is not None
            elapsed_s = (time.monotonic_ns() - start_ns) / 1e9
            car.busy = (car.unit.cpu_s() - car.busy) / elapsed_s
            car.exit_code = car.unit.stop()
        ids = {cars[index].last("start").get("vehicle_id"): car.vehicle.vehicle_id for index, car in enumerate(cars)}
        events = [_renamed(event, ids) for event in cars[0].events]
        checks = [check for car in cars for check in _checks(car, cars, folder)]
        return Outcome(scenario, cars, events, world.lateness_ms, bare.result(), checks)


def _car(
    scenario: Scenario,
    vehicle: Vehicle,
    folder: Path,
    sockets: Path,
    port: int,
    screen_port: int | None,
    stack: contextlib.ExitStack,
) -> Car:
    for suffix in ("jsonl", "pins.jsonl"):  # of an earlier run in a folder that is kept
        unit_file(folder, vehicle.name, suffix).unlink(missing_ok=True)
    receiver = stack.enter_context(ReceiverPty())
    can = stack.enter_context(SlcanPty()) if vehicle.can else None
    car = Car(vehicle, receiver, can)
    config = unit_config(
        vehicle,
        seed=vehicle.seed,
        gnss_port=receiver.port,
        can_channel=can.port if can else None,
        radio_port=port,
        folder=folder,
        sockets=sockets,
        scenario=scenario,
        screen_port=screen_port,
    )
    with signals_held():  # a process that is begun and not yet known would be left behind
        car.unit = stack.enter_context(UnitProcess(vehicle.name, folder, config, on_event=car.take))
    return car


def _run(
    world: World, scenario: Scenario, cars: list[Car], start_ns: int, watch: Watch, stack: contextlib.ExitStack
) -> None:
    failed: list[AsvkitError] = []

    def played() -> None:
        try:
            world.run()
        except AsvkitError as error:  # e.g. a signal map that lacks what the scenario needs
            failed.append(error)

    thread = threading.Thread(target=played, name="world", daemon=True)
    stack.callback(thread.join, 2)
    stack.callback(world.stop)
    thread.start()
    for car in cars:
        car.busy = car.unit.cpu_s() if car.unit else 0.0
    while thread.is_alive():
        watch(scenario, cars, (time.monotonic_ns() - start_ns) / 1e9)
        for car in cars:
            if car.unit is not None and car.unit.exit_code is not None:
                raise AsvkitError(f"{car.vehicle.name}: its unit ended in the middle with code {car.unit.exit_code}")
        thread.join(_TICK_S)
    if failed:
        raise failed[0]


def _renamed(event: Event, ids: dict[Any, int]) -> Event:
    """With the scenario's vehicle ids: live units draw their own."""
    return (
        {**event, "vehicle_id": ids.get(event["vehicle_id"], event["vehicle_id"])} if "vehicle_id" in event else event
    )


# What has to be so beside the times


def _checks(car: Car, cars: list[Car], folder: Path) -> Iterator[Check]:
    name = car.vehicle.name
    yield Check(name, "unit ends cleanly", car.exit_code == 0, f"exit code {car.exit_code}")
    others = {int(other.last("start").get("vehicle_id", -1)) for other in cars if other is not car}
    heard = {one["vehicle_id"] for one in car.events if one["event"] == "neighbour" and one["reason"] == "new"}
    yield Check(name, "hears the other", others <= heard, f"vehicles {sorted(others - heard)} not heard")
    if not car.vehicle.ego:
        told = [
            one
            for one in car.events
            if one["event"] == "support" and one["presented"] and one["function"] not in _AROUND
        ]
        yield Check(name, "told of no danger", not told, f"{told[0]['function']} {told[0]['level']}" if told else "")
    yield from _lamp_checks(car, folder)


def _lamp_checks(car: Car, folder: Path) -> Iterator[Check]:
    """The pins, as they were recorded, against the events."""
    name = car.vehicle.name
    path = unit_file(folder, name, "pins.jsonl")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
    start = car.last("start")
    offset_s = start.get("t", 0.0) - start.get("monotonic_ns", 0) / 1e9
    last = {row["name"]: row["value"] for row in rows}
    yield Check(name, "dark at the end", bool(last) and not any(last.values()), f"lit: {[k for k in last if last[k]]}")
    tested_s = _tested(car.events)
    for level in ("information", "caution"):
        lit = [row["t_ns"] / 1e9 + offset_s for row in rows if row["name"] == level and row["value"]]
        due = _rises(car.events, level)
        flashes = [one for one in lit if one > tested_s]
        good = all(any(abs(one - t) <= _PIN_S for one in flashes) for t in due) and bool(flashes) == bool(due)
        told = f"lit {len(flashes)} times, told {len(due)} times" + (", flashing" if level == "caution" and due else "")
        yield Check(name, f"{level} lamp follows", good, told)
    sounds = [row for row in rows if row["name"] == "buzzer" and row["value"]]
    tones = sum(1 for row in sounds if row["t_ns"] / 1e9 + offset_s > tested_s)
    cautions = len(_rises(car.events, "caution"))
    yield Check(name, "sounds with caution", bool(tones) == bool(cautions), f"{tones} tones, {cautions} cautions")


def _tested(events: list[Event]) -> float:
    """When the self-test at the start was over."""
    return max((one["t"] for one in events if one["event"] == "self_test"), default=0.0)


def _rises(events: list[Event], level: str) -> list[float]:
    """When a level was begun to be shown."""
    out, before = [], "none"
    for one in events:
        if one["event"] == "hmi":
            if one["level"] == level != before:
                out.append(one["t"])
            before = one["level"]
    return out
