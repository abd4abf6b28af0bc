"""A road with a radio channel of known loss, for the measures of arrival; and the figures counted the slow way.

Nothing here is asvkit's arithmetic: places are kept as 0.01", distances are great circles, loops run over truth.
"""

import math
import random
from dataclasses import dataclass, field
from pathlib import Path

from asvunit.radio.encapsulate import encapsulate
from asvunit.radio.pcapng import PcapngWriter
from coretools import EAST_M, LATITUDE_CAS, LONGITUDE_CAS, NORTH_M, frame

START_NS = 1_768_446_000_000_000_000
OWN_MAC = "02:00:00:00:00:01"


@dataclass
class Sent:
    """One transmission as it really was."""

    time_ns: int
    payload: bytes
    north_m: float
    east_m: float
    heard: bool = True
    arrived_ns: int = 0
    power_dbm: int | None = None
    copies: int = 0


@dataclass
class Car:
    """Drives along a line at constant speed; one frame each 100 ms from its own phase on."""

    source: str
    vehicle_id: int
    north_m: float  # at the start
    east_m: float
    speed_kmh: int
    direction: int  # degrees
    frames: int
    phase_ns: int = 0
    counter: int = 0
    power: bool = False
    sent: list[Sent] = field(default_factory=list)

    def drive(self) -> "Car":
        for number in range(self.frames):
            way_m = self.speed_kmh / 36 * number
            north = self.north_m + way_m * math.cos(math.radians(self.direction))
            east = self.east_m + way_m * math.sin(math.radians(self.direction))
            payload = frame(
                self.vehicle_id, self.counter + number, north, east, self.speed_kmh, self.direction % 360, revision=0
            )
            time_ns = START_NS + self.phase_ns + number * 100_000_000
            self.sent.append(Sent(time_ns, payload, north, east, arrived_ns=time_ns))
        return self


def channel(cars, own, chance, seed=1, jitter_ns=0):
    """Loses each frame by `chance(distance_m)`; arrival up to `jitter_ns` late."""
    dice = random.Random(seed)
    for car in cars:
        for number, one in enumerate(car.sent):
            distance = great_circle_m(place(one), place(own[number] if len(own) > number else own[-1]))
            one.heard = dice.random() < chance(distance)
            one.arrived_ns = one.time_ns + (dice.randrange(jitter_ns) if jitter_ns else 0)
            if car.power:
                one.power_dbm = round(-40 - 27 * math.log10(max(1.0, distance)))


def standing(north_m=0.0, east_m=0.0, frames=1, vehicle_id=1):
    """The own unit at rest: its frames."""
    return Car(OWN_MAC, vehicle_id, north_m, east_m, 0, 0, frames).drive().sent


def write(path: Path, cars, own=(), *, outbound=False) -> Path:
    """A capture: what was heard, and the own frames marked outbound; `outbound`: what the cars sent, all of it."""
    rows = []
    for car in cars:
        for one in car.sent:
            if outbound:
                rows.append((one.time_ns, car.source, one.payload, True, None))
            elif one.heard:
                rows += [(one.arrived_ns, car.source, one.payload, False, one.power_dbm)] * (1 + one.copies)
    rows += [(one.time_ns, OWN_MAC, one.payload, True, None) for one in own]
    rows.sort(key=lambda row: row[0])
    with path.open("wb") as file:
        writer = PcapngWriter(file)
        for time_ns, source, payload, out, power in rows:
            data, link = encapsulate(source, payload, power_dbm=power)
            writer.packet(time_ns, data, link, outbound=out)
    return path


def place(one: Sent) -> tuple[float, float]:
    """Latitude and longitude in degrees as the frame says them."""
    return (
        (LATITUDE_CAS + round(one.north_m / NORTH_M)) / 360_000,
        (LONGITUDE_CAS + round(one.east_m / EAST_M)) / 360_000,
    )


def great_circle_m(one, other) -> float:
    """Metres on a sphere that has the ellipsoid's mean curvature at 35 degrees: within 0.4 % of the true way."""
    (lat1, lon1), (lat2, lon2) = one, other
    phi1, phi2 = math.radians(lat1), math.radians(lat2)
    half = (
        math.sin((phi2 - phi1) / 2) ** 2
        + math.cos(phi1) * math.cos(phi2) * math.sin(math.radians(lon2 - lon1) / 2) ** 2
    )
    return 2 * 6_370_300 * math.asin(math.sqrt(half))
