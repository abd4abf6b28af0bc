"""The bench of the suite: one target, one car, and one unit at a time, kept from test to test while it fits.

Starting a unit takes long where machines are slow: a test asks for one with certain tables, and gets the one that
runs if it has them. What a test sees of the lamps is asked by their names and by times of the bench's clock.
"""

import contextlib
import itertools
import json
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

from asvrig.latency.probes import Seen
from asvrig.targets.target import Event, Heard, RunningUnit, Tables, Target
from asvunit.message import decode, values

from .car import MS, Car
from .others import TRUSTED

READY_S: Final = 180.0
WAIT_S: Final = 40.0
HEADING_KMH: Final = 30.0
AWAY_KMH: Final = 45.0
FLASH_NS: Final = 300 * MS  # the dark between two flashes, and a machine that stumbles
LAMPS: Final = ("information", "caution", "warning", "left", "right")  # those of supports
# The unit of most tests: surrounding vehicles are shown when the driver asks, so that they are in no other's way
USUAL: Final[dict[str, dict[str, Any]]] = {
    "hmi": {"self_test": False},
    "surrounding": {"shown": "request"},
    "emergency": {"keys": TRUSTED},
}


class Bench:
    """Made once for all tests. Times are CLOCK_MONOTONIC ns of the bench."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._car: Car | None = None
        self._unit: RunningUnit | None = None
        self._kept = ""  # what the running unit was asked with
        self._headed = False  # it has seen the car drive

    # The unit

    @property
    def car(self) -> Car:
        """It is there from the first use on."""
        if self._car is None:
            self._car = Car(self.target)
        return self._car

    @property
    def running(self) -> RunningUnit:
        """The unit that was asked for last."""
        assert self._unit is not None, "no unit was asked for"
        return self._unit

    def unit(self, tables: Tables | None = None, *, anew: bool = False, supervised: bool = False) -> RunningUnit:
        """A unit with `tables` over the usual ones, ready and with fix and bus; the one that runs if it has them."""
        wanted = _over(USUAL, tables or {})
        asked = json.dumps([wanted, supervised], sort_keys=True)
        if anew or asked != self._kept or self._unit is None or self._unit.exit_code is not None:
            self.end()
            self._unit, self._kept = self.target.start(wanted, supervised=supervised), asked
            self._unit.wait_ready(READY_S)
        self._alone()
        for name in ("gnss", "can"):
            self.state(name, "ok", READY_S)
        self._signals()
        if "pins" in self.target.abilities:
            self.becomes("fault", 0)
            self.dark()
        return self._unit

    def _signals(self) -> None:
        """Waits until all that the car tells is well."""
        events = self.running.events
        states = {one["signal"]: (one["state"], at) for at, one in enumerate(events) if one.get("event") == "signal"}
        for signal, (state, at) in states.items():
            if state != "ok":
                self.event("signal", since=at, signal=signal, state="ok")

    def _alone(self) -> None:
        """Those of an earlier test are forgotten; the car drives too fast for a support meanwhile [G table 3-3]."""
        followed = self._followed()
        if followed:
            self.car.calm()
            self.car.drive(AWAY_KMH)
            for vehicle_id in followed:
                self.event("neighbour", reason="gone", vehicle_id=vehicle_id)
        self.car.calm()

    def _followed(self) -> set[int]:
        """Ids of the vehicles that the unit has heard of and not yet forgotten."""
        new, gone = ({one["vehicle_id"] for one in self.told("neighbour", reason=reason)} for reason in ("new", "gone"))
        return new - gone - {None}

    def end(self) -> None:
        """The unit is stopped, if one runs."""
        unit, self._unit, self._kept, self._headed = self._unit, None, "", False
        if unit is not None:
            unit.stop()

    def end_kept(self) -> None:
        """The unit is stopped; its events can still be asked."""
        self.running.stop()

    def headed(self) -> None:
        """The unit knows which way the car looks, and the car stands."""
        if not self._headed:
            self.car.drive(HEADING_KMH)
            self.frame(lambda told: told["direction_deg"] is not None and told["speed_kmh"] >= HEADING_KMH - 1)
            self.car.drive(0)
            self._headed = True
        self.frame(lambda told: told["speed_kmh"] == 0)
        self.after(0.4)  # it is taken to stand 0.3 s later [D12]

    def headed_anew(self, unit: RunningUnit) -> None:
        """The same for a unit that a test has started itself: it drives, and goes on driving."""
        self.car.drive(HEADING_KMH)
        unit.wait_event(lambda event: _tells(event, "own_message", {"position": True}), READY_S)

    def release(self) -> None:
        """Unit and car go, for a test that brings its own car."""
        self.end()
        if self._car is not None:
            self._car.close()
            self._car = None

    # What the unit says

    @property
    def count(self) -> int:
        """Of its events so far: what `since` takes."""
        return len(self.running.events)

    def event(self, kind: str, timeout_s: float = WAIT_S, *, since: int = 0, **told: Any) -> Event:
        """The first event of a kind that tells this, from number `since` on."""
        return self.running.wait_event(lambda event: _tells(event, kind, told), timeout_s, since=since)

    def told(self, kind: str, *, since: int = 0, **told: Any) -> list[Event]:
        """All such events so far."""
        return [event for event in self.running.events[since:] if _tells(event, kind, told)]

    def state(self, name: str, state: str, timeout_s: float = WAIT_S) -> None:
        """Waits until an input is in a state; it may have been all along."""
        events = self.running.events
        last = next((one for one in reversed(events) if _tells(one, "status", {"input": name})), None)
        if last is None or last["state"] != state:
            self.event("status", timeout_s, since=len(events), input=name, state=state)

    def counters(self, name: str) -> dict[str, int]:
        """What an input dropped, by the last statistics; the unit tells them when it ends, too."""
        told = self.told("statistics")
        return dict(told[-1]["counters"].get(name, {})) if told else {}

    def frame(self, wanted: Callable[[dict[str, Any]], bool], timeout_s: float = WAIT_S) -> dict[str, Any]:
        """The unit's next frame that is so, as values."""
        self.target.air.clear()
        found = self.target.air.wait(lambda heard: len(heard.payload) == 100 and wanted(read(heard.payload)), timeout_s)
        assert found is not None, f"no such frame within {timeout_s:g} s"
        return read(found.payload)

    def hear(self, frames: int) -> list[Heard]:
        """So many of the unit's frames, from now on."""
        air = self.target.air
        air.clear()
        found = air.wait(lambda _heard: len(air.heard) >= frames, WAIT_S + frames * 0.2)
        assert found is not None, f"{len(air.heard)} of {frames} frames came"
        return air.heard[:frames]

    # What is seen of it

    def seen(self, name: str, since_ns: int, until_ns: int | None = None) -> list[Seen]:
        """Changes of a lamp or the buzzer within a time."""
        until_ns = until_ns or time.monotonic_ns()
        return [one for one in self.target.pins.seen if one.name == name and since_ns <= one.t_ns <= until_ns]

    def shows(self, name: str, value: int, since_ns: int, within_s: float = WAIT_S) -> Seen:
        """Waits for a change; AssertionError with all that was seen instead."""
        pins = self.target.pins
        found = pins.wait(
            lambda one: one.name == name and one.value == value and one.t_ns >= since_ns,
            time.monotonic_ns() + round(within_s * 1e9),
        )
        if found is None:
            seen = [f"{one.name}={one.value} at {(one.t_ns - since_ns) / 1e9:+.2f} s" for one in pins.seen[-20:]]
            raise AssertionError(f"{name}={value} was not seen within {within_s:g} s; seen were {', '.join(seen)}")
        return found

    def lit(self, name: str) -> bool:
        """Whether it is, by the last that was seen of it."""
        return bool(next((one.value for one in reversed(self.target.pins.seen) if one.name == name), 0))

    def shown(self, *names: str) -> bool:
        """Whether one of these is lit, or flashes: it was lit within the last moment."""
        since_ns = time.monotonic_ns() - FLASH_NS
        return any(self.lit(name) or any(one.value == 0 for one in self.seen(name, since_ns)) for name in names)

    def becomes(self, name: str, value: int, within_s: float = WAIT_S) -> None:
        """Waits until a lamp is lit or dark; it may be already."""
        last = next((one for one in reversed(self.target.pins.seen) if one.name == name), None)
        if (last is None and value) or (last is not None and last.value != value):
            self.shows(name, value, last.t_ns if last else 0, within_s)

    def dark(self, names: Collection[str] = (*LAMPS, "buzzer"), within_s: float = WAIT_S) -> None:
        """Waits until no support is shown."""
        pins = self.target.pins
        until_ns = time.monotonic_ns() + round(within_s * 1e9)
        for name in names:
            assert pins.wait_still(name, 300 * MS, until_ns), f"{name} does not go out"

    def after(self, seconds: float, since_ns: int | None = None) -> int:
        """Lets the car go on until then; the time. For what a test needs to have lasted, not for what it waits for."""
        due_ns = (time.monotonic_ns() if since_ns is None else since_ns) + round(seconds * 1e9)
        time.sleep(max(0, due_ns - time.monotonic_ns()) / 1e9)
        return due_ns

    def asvkit(self, *arguments: str, timeout_s: float = 120) -> str:
        """What a command says there; AssertionError where it does not end well."""
        done = self.target.command("asvkit", *arguments, timeout_s=timeout_s)
        assert done.code == 0, f"asvkit {' '.join(arguments)}: {done.err or done.out}"
        return done.out

    def close(self) -> None:
        """All that is the suite's goes; the target stays."""
        with contextlib.suppress(AssertionError):
            self.release()


def read(payload: bytes) -> dict[str, Any]:
    """A frame as values."""
    return values(decode(payload[:100]))


def lengths_ms(changes: Sequence[Seen]) -> list[float]:
    """From each change to the next."""
    return [(after.t_ns - before.t_ns) / 1e6 for before, after in itertools.pairwise(changes)]


def _tells(event: Event, kind: str, told: dict[str, Any]) -> bool:
    return event.get("event") == kind and all(event.get(key) == value for key, value in told.items())


def _over(below: Tables, above: Tables) -> dict[str, dict[str, Any]]:
    return {name: {**below.get(name, {}), **above.get(name, {})} for name in {**below, **above}}
