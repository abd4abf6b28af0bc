"""What a target is to those who test: lines into the unit, probes on what comes out, and the unit itself.

Kept apart as on a lab's bench: a *resource* says what is there (a tty, an adapter, a pin), a *driver* says how it is
used, a *target* binds them under one name and starts the unit. Times are CLOCK_MONOTONIC nanoseconds of the bench,
wherever the unit runs; those in the unit's events are its own.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from asvrig.latency.probes import Probe
from asvunit.errors import AsvkitError

Event = dict[str, Any]
Tables = Mapping[str, Mapping[str, Any]]  # of a unit's configuration, as tomllib reads them

# What a target may be able to do; tests ask by name and skip by name
ABILITIES: Final = (
    "unplug",  # receiver and CAN adapter can be taken away and put back
    "switches",  # can be pressed
    "pins",  # lamps and buzzer are seen at the pin, or its record
    "pwm",  # the tone is seen edge by edge, not as the record of a command
    "air",  # frames of other vehicles, and the unit's own, pass the bench
    "ocb",  # and by Ethernet frames
    "bus_off",  # the CAN controller can be brought there
    "clock",  # the system clock can be stepped
    "disk_full",  # the unit's folder can be filled
    "hog",  # the processor can be taken away
    "power",  # can be cut
    "supervisor",  # restarts a unit that died, as hardware/asvkit.service asks
)


class NotOnTarget(AsvkitError):
    """This target cannot do that; the message says so."""


class Receiver(Protocol):
    """The GNSS receiver's end of the unit's serial line."""

    def write(self, data: bytes) -> None: ...

    def unplug(self) -> None: ...

    def plug(self) -> None: ...


class CanLine(Protocol):
    """The car's end of the unit's bus."""

    def send(self, identifier: int, extended: bool, data: bytes) -> None: ...

    def unplug(self) -> None: ...

    def plug(self) -> None: ...


class Sender(Protocol):
    """One vehicle's radio; `source` as the unit's events name it."""

    source: str

    def send(self, payload: bytes) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Heard:
    """A frame of the unit under test, as another vehicle hears it."""

    t_ns: int
    source: str
    payload: bytes


class Air(Protocol):
    """The radio network of unit and bench."""

    counters: Counter[str]

    def sender(self, number: int = 0) -> Sender:
        """A vehicle's radio with a source of its own; `number` tells them apart."""

    @property
    def heard(self) -> list[Heard]:
        """All of the unit's frames since `clear`."""

    def clear(self) -> None: ...

    def wait(self, wanted: Callable[[Heard], bool], timeout_s: float) -> Heard | None:
        """The first since `clear` that is so; None: none came in time."""


class Switches(Protocol):
    """The driver's."""

    def press(self, name: str, value: int) -> int:
        """`name` as in the pin map, 1 pressed or 0 let go; the time just before."""


class RunningUnit(Protocol):
    """An `asvkit run` on the target. `asvrig.live.unit_process.UnitProcess` is the local one."""

    name: str

    @property
    def pid(self) -> int: ...

    @property
    def exit_code(self) -> int | None: ...

    @property
    def events(self) -> list[Event]: ...

    def wait_event(self, predicate: Callable[[Event], bool], timeout_s: float, *, since: int = 0) -> Event: ...

    def wait_ready(self, timeout_s: float) -> Event: ...

    def stop(self, timeout_s: float = 3) -> int: ...

    def kill(self) -> None: ...

    def cpu_s(self) -> float: ...

    def rss_kib(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Done:
    """A command that ran on the target."""

    code: int
    out: str
    err: str


@dataclass(slots=True)
class Described:
    """What was tested where; stands in every result. `versions`: of python, kernel and so on, there."""

    target: str
    git: str
    pins_sha256: str
    devices: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)


class Target(Protocol):
    """One bench with one unit under test. Opened once, used by many tests one after the other."""

    name: str
    abilities: frozenset[str]
    pace: int  # 1: as fast as a car is; else its bus and receiver speak so many times as seldom, for one that is slow
    receiver: Receiver
    can: CanLine
    air: Air
    switches: Switches
    pins: Probe

    def describe(self) -> Described: ...

    def config(self) -> dict[str, dict[str, Any]]:
        """The tables that bind a unit to this bench: gnss, can, vehicle, radio, hmi, events."""

    def start(self, tables: Tables | None = None, *, supervised: bool = False) -> RunningUnit:
        """A unit, not waited for; `tables` go over those of `config`, key by key. One at a time.

        `supervised`: as a service it is started again when it dies, as hardware/asvkit.service says.
        """

    def command(self, *argv: str, timeout_s: float = 30) -> Done:
        """Runs something on the target's machine; `asvkit` is its command there."""

    def read(self, path: str) -> bytes:
        """A file of the target's machine; relative ones are the unit's folder's."""

    def write(self, path: str, data: bytes) -> None: ...

    def fault(self, name: str, **how: Any) -> Callable[[], None]:
        """Does a fault of ABILITIES (clock, disk_full, hog, power, bus_off); what is returned undoes it.

        NotOnTarget where it cannot.
        """

    def close(self) -> None: ...
