"""The unit's ports: what crosses them, and the few methods a real or fake part has.

Adapters turn bytes into these records; the runtime and the replay turn the records into core events.
Every record carries its time as `time_ns`, nanoseconds on the one time base of its source: Unix time
in recordings, the monotonic clock live (`asvunit.clock` converts both to the unit's milliseconds).
A record never carries bad input: adapters drop that, and count it by reason in `counters`.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar, runtime_checkable

Record_co = TypeVar("Record_co", covariant=True)

# Vehicle signals: index into the core's ego table, unit of the value. Codes are those of `asvcore.elements`.
SIGNALS = (
    "speed",  # 0.01 km/h, -30000..30000, backwards negative
    "brake",  # element 24: 4 off, 5 lamp on, 6 or 7 with the auxiliary brake
    "winker",  # element 25: the switch: 4 off, 5 right, 6 left, 7 none
    "hazard",  # element 26: the switch: 4 off, 5 on, 7 none
    "shift",  # element 23: 1 drive, 2 reverse, 3 parking, 4 other, 7 none
    "accelerator",  # element 27: 0..100 %, 120 switch on
    "acceleration",  # cm/s2, forward positive
    "yaw_rate",  # 0.01 degrees/s, to the right positive
    "emergency",  # an emergency vehicle's switch of blue light or siren: 0 off, 1 on
)
SPEED, BRAKE, WINKER, HAZARD, SHIFT, ACCELERATOR, ACCELERATION, YAW_RATE, EMERGENCY = range(9)

# The driver's switches: index into the core's table, key of [switches] in the pin map.
SWITCHES = ("mute", "request")

# Status of a vehicle signal as it arrives.
OK, UNKNOWN, IMPLAUSIBLE = range(3)

# A payload is the message, or the message with a particular vehicle's trailer.
TRAILER_MARK = b"PV"  # begins what a particular vehicle's radio appends to the message
TRAILER_BYTES = 78  # mark 2, key id 4, time 8, signature 64


@dataclass(frozen=True, slots=True)
class Fix:
    """One epoch of a GNSS receiver, all its sentences of the same time of day together.

    Positions in 0.01" (cas: centi-arc-seconds), north and east positive, rounded half up by magnitude.
    None: not told. `valid` False: a void epoch; `reason` says why ("void", "no_fix", "out_of_range" ...).
    """

    time_ns: int
    valid: bool
    reason: str
    tod_ms: int | None  # UTC time of day of the fix, 0..86399999
    latitude_cas: int | None = None
    longitude_cas: int | None = None
    speed_ckmh: int | None = None  # 0.01 km/h
    course_cdeg: int | None = None  # 0.01 degrees clockwise from north, 0..35999
    error_dm: int | None = None  # own position error a: GST, else HDOP x 5 m
    height_m: int | None = None  # above mean sea level
    vertical_error_m: int | None = None


@dataclass(slots=True)  # not frozen: that quadruples the cost of the commonest record
class VehicleSignal:
    """One decoded signal of one CAN frame. `status` UNKNOWN: the car itself says so, or an unmapped code."""

    time_ns: int
    signal: int  # index into SIGNALS
    value: int
    status: int = OK
    bus: int = 0  # index of the car's bus, in the order of the signal map


@dataclass(slots=True)  # not frozen: half the time to make one
class RadioFrame:
    """One received payload (any length: the core's gate counts malformed ones) and who sent it."""

    time_ns: int
    source: str  # "192.0.2.1:47100", "[2001:db8::1]:47100" or "02:00:00:aa:bb:cc"
    payload: bytes
    verdict: str = ""  # on its trailer: "accepted", or why it is not believed; "": not judged, or none there
    power_dbm: int | None = None  # received power, where the driver tells it


@dataclass(frozen=True, slots=True)
class ExternalSupport:
    """What another support system says, in the events' words; it repeats that while it holds [G 2.6(3), 3.8]."""

    time_ns: int
    origin: str  # "autonomous": of the car itself; "roadside"
    function: str
    level: str  # "none" ends it
    direction: str | None  # "left", "right", "both"; None: not told


@dataclass(frozen=True, slots=True)
class Switch:
    """A switch of the driver's was pressed (1) or let go (0)."""

    time_ns: int
    switch: int  # index into SWITCHES
    value: int


@runtime_checkable
class Recording(Protocol[Record_co]):
    """A recorded input: records in file order; times may step back (the replay clamps and counts)."""

    counters: Counter[str]  # dropped input by reason

    def __iter__(self) -> Iterator[Record_co]: ...


@dataclass(frozen=True, slots=True)
class Link:
    """The way to a live input or output opened or was lost. Told at each change, not at each attempt.

    `reason`: "connected"; "absent" (no such device), "unplugged", "no_permission", "in_use", "cannot_open" ...
    `detail`: for people, one line that says what, where, and the mend.
    """

    time_ns: int
    port: str  # "gnss", "can" or, of further buses, "can.NAME", "radio", "supports", "hmi"
    up: bool
    reason: str
    detail: str = ""


Delivery = Callable[[Fix | VehicleSignal | ExternalSupport | Switch | Link], None]


@runtime_checkable
class LiveInput(Protocol):
    """A receiver, a bus or other support systems, read by a thread of its own that outlives every fault of the device.

    Records carry the monotonic clock's time of their receipt. `check` is asked once before the start: a fault
    that no waiting mends (no permission, an unknown interface) is raised there as UsageError.
    """

    counters: Counter[str]  # dropped input by reason

    def check(self) -> None: ...

    def start(self, deliver: Delivery) -> None: ...

    def stop(self) -> None:
        """Ends the thread and closes the device, within a second; may be called twice."""


@runtime_checkable
class Radio(Protocol):
    """A radio: frames heard since the last call, and sending. It never blocks, and outlives its interface."""

    counters: Counter[str]  # dropped frames by reason

    def fileno(self) -> int:
        """Readable while frames wait; the same for as long as the radio lives."""

    def tend(self) -> Link | None:
        """Asked once a second: opens again what was lost; a change of the way to the air since the last time."""

    def receive(self, limit: int) -> list[RadioFrame]:
        """At most `limit` frames, the oldest first, each with the time the kernel received it.

        An empty list: none waits. Frames that no unit sends are handed on 50 a second; the others are counted.
        """

    def send(self, payload: bytes) -> None:
        """Sends one payload; OSError if the network does not take it."""

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Shown:
    """All that the driver is to see and hear at one time. Levels, colours and functions are the events' words."""

    level: str = "none"
    colour: str = "none"
    function: str = "none"
    direction: str | None = None
    text: str = ""
    text_id: str = "none"
    light: str = "off"  # pattern of the level's lamp
    muted: bool = False  # the driver has silenced this sound
    lamps: frozenset[str] = frozenset()  # names of the lit ones: those of [leds] in hardware/pins.toml
    tone_hz: int = 0  # of the buzzer now; 0: silent
    volume_percent: int = 100  # of the tone's sound pressure, while there is one
    figures: str = ""  # what is heard, for people; empty while nothing is: it must not read as "no one is there"
    notes: tuple[str, ...] = ()  # what is wrong with the unit's inputs, for people; empty while all is well


@runtime_checkable
class Outputs(Protocol):
    """Something that shows: lamps and buzzer, a screen. It never blocks; OSError where it cannot show."""

    def show(self, shown: Shown) -> None: ...

    def close(self) -> None:
        """All dark and silent; may be called twice."""
