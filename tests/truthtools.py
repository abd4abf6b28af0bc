"""Drives with known truth: where a car really is, against what its core sends. No core in the truth."""

import math
import random
from dataclasses import dataclass, field

from asvcore import codec, codes
from coretools import EAST_M, LATITUDE_CAS, LONGITUDE_CAS, NORTH_M, Drive

STEP_MS = 5


@dataclass
class Course:
    """Legs of (seconds, km/h, degrees a second to the right); backwards: negative km/h."""

    legs: list[tuple[float, float, float]]
    north_m: float = 0.0
    east_m: float = 0.0
    heading_deg: float = 0.0
    points: list[tuple[float, float, float, float, float]] = field(default_factory=list)

    def __post_init__(self):
        for seconds, kmh, turn in self.legs:
            for _ in range(round(seconds * 1000 / STEP_MS)):
                self.points.append((self.north_m, self.east_m, self.heading_deg, kmh, turn))
                middle = math.radians(self.heading_deg + turn * STEP_MS / 2000)
                way_m = kmh / 3.6 * STEP_MS / 1000
                self.north_m += way_m * math.cos(middle)
                self.east_m += way_m * math.sin(middle)
                self.heading_deg += turn * STEP_MS / 1000

    def at(self, t_ms):
        """(north, east, heading, km/h, degrees a second) at a time."""
        return self.points[min(t_ms // STEP_MS, len(self.points) - 1)]

    @property
    def end_ms(self):
        return len(self.points) * STEP_MS


@dataclass
class Told:
    """What was sent at one time, and how far it was from the truth."""

    t_ms: int
    available: bool
    error_m: float
    sent_error_m: int
    north_m: float
    east_m: float
    revision: int
    reason: str


def driven(
    course,
    fix_ms=1000,
    can=True,
    yaw=False,
    noise_m=0.0,
    drift=0.0,
    signed=False,
    no_fix=(),
    seed=1,
    antenna=(0.0, 0.0),
    delay_ms=0,
    **settings,
):
    """The frames of a core that is given this drive; `no_fix`: spans (from, to) in ms without any epoch.

    `drift`: degrees a second that the yaw sensor tells too much; `antenna`: metres ahead and right of the car's point;
    `delay_ms`: what the receiver tells is so old.
    """
    drive, rng, out = Drive(**settings), random.Random(seed), []
    for t in range(0, course.end_ms, STEP_MS):
        north, east, _heading, kmh, turn = course.at(t)
        if t % fix_ms == 0 and not any(low <= t < high for low, high in no_fix):
            then = course.at(max(t - delay_ms, 0))
            angle = math.radians(then[2])
            ahead, right = antenna
            north_told = then[0] + ahead * math.cos(angle) - right * math.sin(angle) + rng.gauss(0, noise_m)
            east_told = then[1] + ahead * math.sin(angle) + right * math.cos(angle) + rng.gauss(0, noise_m)
            way = then[2] if then[3] >= 0 else then[2] + 180
            drive.fix(t, north_told, east_told, abs(then[3]), way % 360)
        if can and t % 20 == 0:
            drive.vehicle(t, codes.SIGNAL_SPEED, round((kmh if signed else abs(kmh)) * 100))
            if not signed:
                drive.vehicle(t, codes.SIGNAL_SHIFT, 2 if kmh < 0 else 1)
            if yaw:
                drive.vehicle(t, codes.SIGNAL_YAW_RATE, round((turn + drift) * 100))
        if t % 100 == 0:
            drive.records.clear()
            drive.tick(t)
            out.append(_told(drive, t, north, east))
    return out


def _told(drive, t, north, east):
    raw = drive.core.transmitter.raw
    sent = next(record for record in drive.records if record["kind"] == "send")
    latitude, longitude = (
        raw[index] * 360000 + raw[index + 1] * 6000 + raw[index + 2]
        for index in (codec.LATITUDINAL_DEGREE, codec.LONGITUDINAL_DEGREE)
    )
    sent_north, sent_east = (latitude - LATITUDE_CAS) * NORTH_M, (longitude - LONGITUDE_CAS) * EAST_M
    available = raw[codec.POSITION_AVAILABILITY] != 0
    error_m = math.hypot(sent_north - north, sent_east - east) if available else math.nan
    return Told(
        t,
        available,
        error_m,
        raw[codec.HORIZONTAL_ERROR_RANGE],
        sent_north,
        sent_east,
        raw[codec.REVISION_COUNTER],
        sent["reason"],
    )
