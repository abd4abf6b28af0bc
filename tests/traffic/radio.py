"""What every vehicle broadcasts, and what its receiver tells its own unit: good (10 Hz, 2 m) or poor (1 Hz, 15 m).

A poor receiver is off by up to 12 m for ever and by up to 1.5 m of noise, within the 15 m it tells; its
position and course are repeated with the revision counter until the next fix, and 30 % of all frames are lost.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from asvunit.message.batch import encode_batch
from traffic.drivers import Vehicle, traffic
from traffic.truth import Truth, span_s, truth

LATITUDE_DEG, LONGITUDE_DEG = 35.0, 139.0
TOD_MS = 3 * 3600_000  # UTC at the begin
JST_MS = 9 * 3600_000
ON_AIR_MS = 3
RANGE_M = 400.0
BIAS_M, NOISE_M = 12.0, 1.5
HEADING_MPS = 3 / 3.6  # a course is one of motion from here [D4]
KINDS = {
    "truck": (2, "truck"),
    "ambulance": (3, "special"),
    "passenger_car": (4, "car"),
    "motorcycle": (5, "motorcycle"),
}
WINKERS = ("off", "right", "left")


@dataclass(frozen=True)
class Quality:
    """Of all receivers and of the radio channel."""

    name: str
    fix_ms: int
    error_m: int
    poor: bool
    loss: float


GOOD = Quality("good", 100, 2, False, 0.0)
POOR = Quality("poor", 1000, 15, True, 0.3)


def _metres_per_cas() -> tuple[float, float]:
    """North and east metres of 0.01 seconds of arc, from the radii of curvature of WGS84."""
    axis, e2 = 6378137.0, 6.69437999014e-3
    sine = np.sin(np.radians(LATITUDE_DEG))
    meridian = axis * (1 - e2) / (1 - e2 * sine**2) ** 1.5
    normal = axis / (1 - e2 * sine**2) ** 0.5
    cas = np.radians(1 / 360000)
    return float(meridian * cas), float(normal * np.cos(np.radians(LATITUDE_DEG)) * cas)


NORTH_M, EAST_M = _metres_per_cas()


@dataclass(frozen=True)
class Signals:
    """One vehicle's sends and fixes: times in whole ms, one row each."""

    sent_ms: np.ndarray
    frames: np.ndarray  # (n, 100) uint8
    said: Mapping[str, Any]  # physical values of the frames, columns or one for all
    sent_east_m: np.ndarray  # true places at the sends, for the range of the radio
    sent_north_m: np.ndarray
    fix_ms: np.ndarray
    fixes: np.ndarray  # (n, 4): latitude and longitude in 0.01", speed in 0.01 km/h, course in 0.01 degrees


def signals(vehicle: Vehicle, quality: Quality, seed: int) -> Signals:
    """All that it sends and that its receiver tells, at phases of its own."""
    rng = random.Random(f"{seed} {vehicle.number} {quality.name}")
    noise = np.random.default_rng([seed, vehicle.number])
    begin, end = (round(1000 * t_s) for t_s in span_s(vehicle))
    # The first fix is there before the first frame
    fix_ms = np.arange(begin + rng.randrange(quality.fix_ms) - quality.fix_ms, end + 1, quality.fix_ms)
    fix_ms = fix_ms[np.searchsorted(fix_ms, begin, side="right") - 1 :]
    sent_ms = np.arange(begin + rng.randrange(100), end + 1, 100)
    fixed, now = truth(vehicle, np.clip(fix_ms, begin, end) / 1000), truth(vehicle, sent_ms / 1000)
    away_east = away_north = np.zeros(len(fix_ms))
    if quality.poor:
        angle, size = rng.uniform(0, 2 * np.pi), rng.uniform(0.3, 1) * BIAS_M
        jitter = noise.uniform(-1, 1, (2, len(fix_ms))) * NOISE_M / 2**0.5
        away_east, away_north = size * np.sin(angle) + jitter[0], size * np.cos(angle) + jitter[1]
    latitude, longitude = _degrees(fixed.east_m + away_east, fixed.north_m + away_north)
    # A receiver at rest tells any course
    rests = fixed.speed_mps < 0.3
    course = np.where(rests, noise.uniform(0, 360, len(fix_ms)), fixed.heading_deg)
    fixes = np.stack(
        [_cas(latitude), _cas(longitude), np.rint(fixed.speed_mps * 360), np.floor(course * 100) % 36000], axis=1
    ).astype(int)

    said: dict[str, Any] = {
        "vehicle_id": 100 + vehicle.number,
        "increment_counter": np.arange(len(sent_ms)) + rng.randrange(256) & 255,
        "position_class": "B",
        "vehicle_kind": KINDS[vehicle.kind][1],
        "vehicle_length_m": vehicle.length_m,
        "horizontal_error_m": quality.error_m,
        "position_delay_ms": quality.fix_ms,
        "speed_kmh": now.speed_mps * 3.6,
        "forward_acceleration_mps2": np.clip(now.acceleration, -8, 7.5),
        "shift": "drive",
        "brake": braking(now),
        "winker": now.winker,
        "hazard": False,
        "accelerator_percent": pedal(now),
        "road": "ordinary",
        "emergency": vehicle.kind == "ambulance",
    }
    if quality.poor:
        last = np.searchsorted(fix_ms, sent_ms, side="right") - 1
        said["latitude_deg"], said["longitude_deg"] = latitude[last], longitude[last]
        said["revision"] = (sent_ms - fix_ms[last]) // 100 + 1
        said["clock_s"] = (TOD_MS + JST_MS + fix_ms[last]) // 1000
        said["direction_deg"] = _kept(fixed.heading_deg, fixed.speed_mps)[last]
    else:  # moved on to the time of the frame by the unit that sends it
        said["latitude_deg"], said["longitude_deg"] = _degrees(now.east_m, now.north_m)
        said["revision"] = 1
        said["clock_s"] = (TOD_MS + JST_MS + sent_ms) // 1000
        said["direction_deg"] = _kept(now.heading_deg, now.speed_mps)
    frames = encode_batch(_columns(said, KINDS[vehicle.kind][0]))
    return Signals(sent_ms, frames, said, now.east_m, now.north_m, fix_ms, fixes)


def _columns(said: Mapping[str, Any], kind: int) -> dict[str, Any]:
    latitude, longitude = _cas(said["latitude_deg"]), _cas(said["longitude_deg"])
    clock = said["clock_s"]
    return {
        "increment_counter": said["increment_counter"],
        "vehicle_id": said["vehicle_id"],
        "class_information": 2,
        "vehicle_classification": kind,
        "vehicle_length": int(np.ceil(said["vehicle_length_m"] / 2)),
        "position_availability": 3,
        "latitudinal_degree": latitude // 360000,
        "latitudinal_minute": latitude // 6000 % 60,
        "latitudinal_second": latitude % 6000,
        "longitudinal_degree": longitude // 360000,
        "longitudinal_minute": longitude // 6000 % 60,
        "longitudinal_second": longitude % 6000,
        "horizontal_error_range": said["horizontal_error_m"],
        "height": 0x3FFF,
        "position_delay": said["position_delay_ms"] // 100,
        "revision_counter": said["revision"],
        "sensor_availability": 3,
        "speed": _rounded(said["speed_kmh"]),
        "direction": _rounded(said["direction_deg"]) % 360,
        "forward_acceleration": _rounded(said["forward_acceleration_mps2"] * 4) + 0x20,
        "shift_position": 1,
        "brake": 4 + said["brake"],
        "winker": 4 + said["winker"],
        "hazard": 4,
        "acceleration_pedal_angle": said["accelerator_percent"],
        "utc_hour": clock // 3600 % 24,
        "utc_minute": clock // 60 % 60,
        "utc_second": clock % 60,
        "road_information": 1,
        "emergency_attention": int(said["emergency"]),
    }


def values_of(made: Signals, row: int) -> dict[str, Any]:
    """The physical values of one frame, as `asvunit.message.raw_from_values` takes them."""
    value = {key: v[row].item() if isinstance(v, np.ndarray) else v for key, v in made.said.items()}
    clock = value.pop("clock_s")
    value["fix_time_jst"] = f"{clock // 3600 % 24:02}:{clock // 60 % 60:02}:{clock % 60:02}"
    value["winker"] = WINKERS[value["winker"]]
    value["hazard"] = "off"
    return value


def braking(now: Truth) -> np.ndarray:
    """Brake lamp: slowing down, or standing."""
    return (now.acceleration < -0.4) | (now.speed_mps < 0.1)


def pedal(now: Truth) -> np.ndarray:
    """Accelerator in percent."""
    return np.where(now.acceleration > 0.05, np.clip(now.acceleration * 40, 0, 100), 0).astype(int)


def _degrees(east_m: np.ndarray, north_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return LATITUDE_DEG + north_m / NORTH_M / 360000, LONGITUDE_DEG + east_m / EAST_M / 360000


def _cas(degrees: np.ndarray) -> np.ndarray:
    return _rounded(degrees * 360000)


def _rounded(values: np.ndarray) -> np.ndarray:
    return np.floor(values + 0.5).astype(int)


def _kept(heading_deg: np.ndarray, speed_mps: np.ndarray) -> np.ndarray:
    """As a unit sends it: at rest the last course of motion; every vehicle comes in motion."""
    moving = np.where(speed_mps >= HEADING_MPS, np.arange(len(speed_mps)), 0)
    return heading_deg[np.maximum.accumulate(moving)]


@lru_cache(maxsize=4)
def all_signals(seed: int, quality: Quality) -> dict[int, Signals]:
    """Of every vehicle of a run, by number."""
    return {vehicle.number: signals(vehicle, quality, seed) for vehicle in traffic(seed).vehicles}
