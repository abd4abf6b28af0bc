"""What a vehicle's GNSS receiver says: fixes at its rate, as NMEA sentences or as a radio unit knows them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from operator import xor
from typing import Final

from asvrig.motion import KMH
from asvrig.scenario import Receiver, Scenario, Vehicle, within
from asvrig.trajectory import State, Trajectory, degrees

_KNOT_MPS: Final = 1852 / 3600
_COURSE_FROM_KMH: Final = 1.0  # slower, receivers tell no course
_HEIGHT_M: Final = 25.0
_GEOID_M: Final = 37.0
_NO_FIX: Final = ",,,,0,00,99.99,,,,,,"  # the rest of a GGA without one


@dataclass(frozen=True, slots=True)
class KnownFix:
    """One fix: told at a time, of a place; `state` is the truth, whatever the place told is."""

    t_ms: int
    latitude_deg: float
    longitude_deg: float
    state: State
    east_m: float  # of the place told
    north_m: float
    lost: bool = False  # there is none: the place is not told


def fixes(scenario: Scenario, vehicle: Vehicle) -> Iterator[KnownFix]:
    """The fixes of a vehicle's receiver from the scenario's begin to its end."""
    trajectory = Trajectory(vehicle)
    for t_ms in range(0, int(scenario.duration_s * 1000) + 1, 1000 // vehicle.receiver.rate_hz):
        yield known_at(scenario, vehicle, trajectory, t_ms)


def known_at(scenario: Scenario, vehicle: Vehicle, trajectory: Trajectory, t_ms: int) -> KnownFix:
    """What the vehicle knows of its place at a time, its receiver's delay and faults included."""
    receiver = vehicle.receiver
    place_ms = _place_ms(receiver, t_ms)
    state = trajectory.at((t_ms - receiver.delay_ms) / 1000)
    place = state if place_ms == t_ms else trajectory.at((place_ms - receiver.delay_ms) / 1000)
    _from, _to, *jump_m = within(receiver.jumps, place_ms / 1000) or (0.0, 0.0, 0.0, 0.0)
    east_m, north_m = (
        at_m + offset_m + far_m
        for at_m, offset_m, far_m in zip((place.east_m, place.north_m), receiver.offset_m, jump_m, strict=True)
    )
    where = degrees(scenario.place, east_m, north_m)
    return KnownFix(t_ms, *where, state, east_m, north_m, within(receiver.lost, t_ms / 1000) is not None)


def _place_ms(receiver: Receiver, t_ms: int) -> int:
    """The time whose place is told: while it is frozen, that of the last fix before."""
    span = next((span for span in receiver.frozen if span[0] < t_ms / 1000 < span[1]), None)
    if span is None:
        return t_ms
    period_ms = 1000 // receiver.rate_hz
    return round(span[0] * 1000) // period_ms * period_ms


def sentences(scenario: Scenario, vehicle: Vehicle) -> Iterator[tuple[int, bytes]]:
    """(time in ns, line) of RMC and GGA of each fix."""
    for time_ns, lines in bursts(scenario, vehicle):
        for line in lines:
            yield time_ns, line


def bursts(scenario: Scenario, vehicle: Vehicle) -> Iterator[tuple[int, list[bytes]]]:
    """(time in ns, lines) of each fix, as a receiver writes them in one go."""
    hdop = f"{vehicle.receiver.hdop:.2f}" if vehicle.receiver.hdop else ""
    for fix in fixes(scenario, vehicle):
        time_ns = scenario.start_ns + fix.t_ms * 1_000_000
        moment = datetime.fromtimestamp(time_ns // 10**9, UTC)
        clock = f"{moment:%H%M%S}.{fix.t_ms % 1000 // 10:02d}"
        if fix.lost:
            yield (
                time_ns,
                [sentence(f"GNRMC,{clock},V,,,,,,,{moment:%d%m%y},,,N"), sentence(f"GNGGA,{clock},{_NO_FIX}")],
            )
            continue
        where = f"{_angle(fix.latitude_deg, 2, 'NS')},{_angle(fix.longitude_deg, 3, 'EW')}"
        speed = fix.state.speed_mps
        course = f"{fix.state.heading_deg:.2f}" if speed >= _COURSE_FROM_KMH * KMH else ""
        rmc = sentence(f"GNRMC,{clock},A,{where},{speed / _KNOT_MPS:.3f},{course},{moment:%d%m%y},,,A")
        gga = sentence(f"GNGGA,{clock},{where},1,12,{hdop},{_HEIGHT_M:.1f},M,{_GEOID_M:.1f},M,,")
        yield time_ns, [rmc, gga]


def _angle(value: float, digits: int, hemispheres: str) -> str:
    """dddmm.mmmmm,H: counted in 0.00001 minutes, so that rounding carries into the degrees."""
    size = round(abs(value) * 6_000_000)
    degree, rest = divmod(size, 6_000_000)
    minute, fraction = divmod(rest, 100_000)
    return f"{degree:0{digits}d}{minute:02d}.{fraction:05d},{hemispheres[value < 0]}"


def sentence(body: str) -> bytes:
    """A line of NMEA 0183 with its checksum."""
    return f"${body}*{reduce(xor, body.encode()):02X}\r\n".encode()
