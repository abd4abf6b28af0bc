"""The unit's ports: what crosses them, and the few methods a real or fake part has.

Adapters turn bytes into these records; the runtime and the replay turn the records into core events.
Every record carries its time as `time_ns`, nanoseconds on the one time base of its source: Unix time
in recordings, the monotonic clock live (`asvunit.clock` converts both to the unit's milliseconds).
A record never carries bad input: adapters drop that, and count it by reason in `counters`.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar, runtime_checkable

Record_co = TypeVar("Record_co", covariant=True)

# Vehicle signals: index into the core's ego table, unit of the value. Codes are those of `asvcore.elements`.
SIGNALS = (
    "speed",  # 0.01 km/h, 0..30000
    "brake",  # element 24: 4 off, 5 lamp on, 6 or 7 with the auxiliary brake
    "winker",  # element 25: the switch: 4 off, 5 right, 6 left, 7 none
    "hazard",  # element 26: the switch: 4 off, 5 on, 7 none
    "shift",  # element 23: 1 drive, 2 reverse, 3 parking, 4 other, 7 none
    "accelerator",  # element 27: 0..100 %, 120 switch on
    "acceleration",  # cm/s2, forward positive
)
SPEED, BRAKE, WINKER, HAZARD, SHIFT, ACCELERATOR, ACCELERATION = range(7)

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


@dataclass(frozen=True, slots=True)
class VehicleSignal:
    """One decoded signal of one CAN frame. `status` UNKNOWN: the car itself says so, or an unmapped code."""

    time_ns: int
    signal: int  # index into SIGNALS
    value: int
    status: int = OK


@dataclass(frozen=True, slots=True)
class RadioFrame:
    """One received payload (any length: the core's gate counts malformed ones) and who sent it."""

    time_ns: int
    source: str  # "192.0.2.1:47100", "[2001:db8::1]:47100" or "02:00:00:aa:bb:cc"
    payload: bytes


@runtime_checkable
class Recording(Protocol[Record_co]):
    """A recorded input: records in file order; times may step back (the replay clamps and counts)."""

    counters: Counter[str]  # dropped input by reason

    def __iter__(self) -> Iterator[Record_co]: ...
