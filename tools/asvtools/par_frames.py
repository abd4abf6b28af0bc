"""Frames of a capture as columns: what was heard of each vehicle, and what the unit itself sent."""

from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from asvcore import codec
from asvcore.elements import AVAILABLE_ALL, AVAILABLE_MANDATORY, MESSAGE_BYTES, VERSION
from asvcore.params import NONE
from asvcore.wire import latitude_at, longitude_at
from asvunit.message.raw import VERSION_MASK
from asvunit.ports import TRAILER_BYTES, TRAILER_MARK, RadioFrame

Vector = np.ndarray[tuple[int], np.dtype[np.float64]]
Numbers = np.ndarray[tuple[int], np.dtype[np.int64]]
Key = tuple[str, int]  # source and vehicle_id: a neighbour

NO_POWER: Final = -32768
_REVISIONS: Final = 10  # frames sent with one fix, counted so far [D6]
_CAS: Final = 360_000  # of a degree


@dataclass(slots=True)
class Frames:
    """Frames of one sender in the order of the capture; positions in 0.01", NONE where the message has none."""

    source: str
    vehicle_id: int
    time_ns: "array[int]" = field(default_factory=lambda: array("q"))
    counter: "array[int]" = field(default_factory=lambda: array("B"))
    latitude_cas: "array[int]" = field(default_factory=lambda: array("l"))
    longitude_cas: "array[int]" = field(default_factory=lambda: array("l"))
    ahead_dm: "array[int]" = field(default_factory=lambda: array("h"))  # driven since the fix [D17]
    direction: "array[int]" = field(default_factory=lambda: array("h"))
    power_dbm: "array[int]" = field(default_factory=lambda: array("h"))
    payloads: list[bytes] = field(default_factory=list)  # kept only where they are to be matched
    emergency: bool = False

    def __len__(self) -> int:
        return len(self.time_ns)

    def degrees(self) -> tuple[Vector, Vector]:
        """Latitude and longitude where the vehicle was at the sending, in degrees; NaN: unknown [D17]."""
        latitude = np.array(self.latitude_cas, dtype=np.float64)
        longitude = np.array(self.longitude_cas, dtype=np.float64)
        unknown = latitude == NONE
        latitude[unknown] = longitude[unknown] = np.nan
        latitude, longitude = latitude / _CAS, longitude / _CAS
        ahead_m = np.array(self.ahead_dm, dtype=np.float64) / 10
        if ahead_m.any():
            course = np.radians(np.array(self.direction, dtype=np.float64))
            north_m, east_m = metres_per_degree(latitude)
            latitude = latitude + ahead_m * np.cos(course) / north_m
            longitude = longitude + ahead_m * np.sin(course) / east_m
        return latitude, longitude


@dataclass(slots=True)
class Recorded:
    """A capture: the vehicles heard, the own frames, and what was no message."""

    name: str
    vehicles: dict[Key, Frames]
    own: list[Frames]  # one for each identity of the unit
    counters: Counter[str]
    first_ns: int = 0  # of all frames, own ones too
    last_ns: int = 0

    @property
    def frames(self) -> int:
        return sum(map(len, self.vehicles.values()))


def metres_per_degree(latitude: Vector) -> tuple[Vector, Vector]:
    """Metres of one degree to the north and to the east at a latitude in degrees (WGS 84)."""
    square, phi = 0.00669437999014, np.radians(latitude)
    curve = 1 - square * np.sin(phi) ** 2
    meridian, normal = 6378137.0 * (1 - square) / curve**1.5, 6378137.0 / np.sqrt(curve)
    return np.radians(meridian), np.radians(normal * np.cos(phi))


def read_frames(path: Path, port: int, *, payloads: bool) -> Recorded:
    """What a receiver captured, and its own frames; UsageError as `Capture`. `payloads`: keep the bytes too."""
    from asvunit.adapters.capture import Capture

    heard = Capture(path, port)
    recorded = Recorded(str(path), {}, [], Counter())
    span = [2**63 - 1, -1]
    _gather(heard, recorded.vehicles, recorded.counters, payloads, span)
    recorded.counters.update({key: count for key, count in heard.counters.items() if key != "outbound"})
    if heard.counters["outbound"]:
        recorded.own = _own(path, port, False, span)
    if span[1] >= 0:
        recorded.first_ns, recorded.last_ns = span
    return recorded


def read_sent(path: Path, port: int) -> Recorded:
    """What senders recorded as `own`: the frames marked outbound or, where none is, all of them."""
    recorded = Recorded(str(path), {}, [], Counter())
    recorded.own = _own(path, port, True, [2**63 - 1, -1])
    if not recorded.own:
        recorded = read_frames(path, port, payloads=True)
        recorded.own = list(recorded.vehicles.values())
    return recorded


def without_own(sent: Recorded, heard: Recorded) -> Recorded:
    """`sent` less the receiver's own frames, counted as `own_unit`: nobody hears himself.

    A capture of `any` shows each frame of the loopback as sent and as received: those are no own ones.
    """
    mine = {(one.source, one.vehicle_id) for one in heard.own} - heard.vehicles.keys()
    others = [one for one in sent.own if (one.source, one.vehicle_id) not in mine]
    if left_out := sum(map(len, sent.own)) - sum(map(len, others)):
        sent.counters["own_unit"] += left_out
    sent.own = others
    return sent


def _own(path: Path, port: int, payloads: bool, span: list[int]) -> list[Frames]:
    from asvunit.adapters.capture import Capture

    own: dict[Key, Frames] = {}
    _gather(Capture(path, port, outbound=True), own, Counter(), payloads, span)
    return sorted(own.values(), key=lambda one: one.time_ns[0])


def _gather(
    capture: Iterable[RadioFrame], into: dict[Key, Frames], counters: Counter[str], payloads: bool, span: list[int]
) -> None:
    raw = [0] * codec.PARTICULAR_VEHICLE_INFORMATION
    raw.append(0)
    for frame in capture:
        payload, time_ns = frame.payload, frame.time_ns
        span[0], span[1] = min(span[0], time_ns), max(span[1], time_ns)
        wrong = _wrong(payload)
        if wrong:
            counters[wrong] += 1
            continue
        codec.decode_into(payload, raw)
        key = frame.source, raw[codec.VEHICLE_ID]
        frames = into.get(key)
        if frames is None:
            frames = into[key] = Frames(*key)
        frames.time_ns.append(time_ns)
        frames.counter.append(raw[codec.INCREMENT_COUNTER])
        latitude, longitude, ahead_dm, direction = _place(raw)
        frames.latitude_cas.append(latitude)
        frames.longitude_cas.append(longitude)
        frames.ahead_dm.append(ahead_dm)
        frames.direction.append(direction)
        power = frame.power_dbm
        frames.power_dbm.append(NO_POWER if power is None else max(NO_POWER + 1, min(power, 32767)))
        frames.emergency = frames.emergency or bool(raw[codec.EMERGENCY_ATTENTION])
        if payloads:
            frames.payloads.append(payload)


def _wrong(payload: bytes) -> str:
    signed = len(payload) == MESSAGE_BYTES + TRAILER_BYTES and payload[MESSAGE_BYTES:].startswith(TRAILER_MARK)
    if len(payload) != MESSAGE_BYTES and not signed:
        return "length"
    return "" if payload[0] & VERSION_MASK == VERSION else "version"


def _place(raw: list[int]) -> tuple[int, int, int, int]:
    """Position of a message, how far the vehicle has gone since its fix, and where to; NONE: no position."""
    usable = (AVAILABLE_MANDATORY, AVAILABLE_ALL)
    if raw[codec.POSITION_AVAILABILITY] not in usable:
        return NONE, NONE, 0, 0
    latitude, longitude = latitude_at(raw, codec.LATITUDINAL_DEGREE), longitude_at(raw, codec.LONGITUDINAL_DEGREE)
    if NONE in (latitude, longitude):
        return NONE, NONE, 0, 0
    revision, direction = raw[codec.REVISION_COUNTER], raw[codec.DIRECTION]
    moved = raw[codec.POSITION_AVAILABILITY] == AVAILABLE_ALL and raw[codec.SENSOR_AVAILABILITY] in usable
    if not moved or not 1 < revision <= _REVISIONS or direction >= 360:
        return latitude, longitude, 0, 0
    return latitude, longitude, round(raw[codec.SPEED] * (revision - 1) / 3.6), direction
