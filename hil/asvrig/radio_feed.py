"""What ego's radio receives: the messages of the other vehicles, every 100 ms, as their own units would send them."""

import math
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from asvrig.gnss_feed import KnownFix, known_at
from asvrig.keys import key_from_seed
from asvrig.scenario import Intersection, Scenario, Vehicle, within
from asvrig.trajectory import Trajectory, degrees
from asvunit.message import encode, raw_from_values
from asvunit.trailer import sign

INTERVAL_MS: Final = 100
_REVISIONS: Final = 10  # [D6]
_JST: Final = timedelta(hours=9)
_AHEAD_DEG: Final = 45.0  # of the heading: an intersection there is ahead
_FAR_M: Final = 500.0  # of element 40: this far or farther
_AFTER_MS: Final = 1  # a frame that comes again, or after the next one
_STALE_MS: Final = 10_000
_FORGER: Final = 1 << 29  # added to a seed: nobody's
Received = tuple[int, str, bytes]  # time in ns, MAC of the sender, the 100 bytes or 178


def received_ms(scenario: Scenario, vehicle: Vehicle) -> Iterator[tuple[int, int]]:
    """(time of sampling, number) in ms from the begin of each message that is not lost."""
    radio = vehicle.radio
    chance = random.Random(radio.loss_seed)  # noqa: S311
    last_ms = _last_ms(scenario, vehicle)
    for number, t_ms in enumerate(range(radio.phase_ms, last_ms + 1, INTERVAL_MS)):
        unlucky = chance.random() * 100 < radio.loss_percent  # drawn for each, so that `lost` shifts nothing
        if not unlucky and not within(radio.lost, t_ms / 1000):
            yield t_ms, number


def arrivals(scenario: Scenario, vehicle: Vehicle) -> list[tuple[int, int, int]]:
    """(time of receipt, time of sampling, number) of each frame received, in that order: doubled ones, late ones."""
    radio = vehicle.radio
    last_ms = _last_ms(scenario, vehicle)
    out, late = [], -2
    for t_ms, number in received_ms(scenario, vehicle):
        at_ms = t_ms + radio.delay_ms
        # Of two in a row only the first is late: both would keep their order
        if number > late + 1 and t_ms + INTERVAL_MS < last_ms and _drawn(vehicle, "reordered", number):
            at_ms, late = at_ms + INTERVAL_MS + _AFTER_MS, number
        out.append((at_ms, t_ms, number))
        if _drawn(vehicle, "doubled", number):
            out.append((at_ms + _AFTER_MS, t_ms, number))
    return sorted(out)


def plain_messages(scenario: Scenario, vehicle: Vehicle) -> Iterator[tuple[int, int, bytes]]:
    """(time of receipt in ms, of sampling, the 100 bytes) of each frame received, in that order."""
    trajectory = Trajectory(vehicle)
    period_ms = 1000 // vehicle.receiver.rate_hz
    for at_ms, t_ms, number in arrivals(scenario, vehicle):
        fix = known_at(scenario, vehicle, trajectory, t_ms // period_ms * period_ms)
        sent_with_it = sum(1 for one in range(t_ms, fix.t_ms - 1, -INTERVAL_MS) if one >= 0)
        if vehicle.radio.position == "moved" and not fix.lost:
            fix, sent_with_it = known_at(scenario, vehicle, trajectory, t_ms), _REVISIONS + 1  # tells no revision [D6]
        value = _value(scenario, vehicle, trajectory, fix, t_ms / 1000)
        value["increment_counter"] = number % 256
        if "latitude_deg" in value:
            value["revision"] = sent_with_it if sent_with_it <= _REVISIONS else None
        raw = raw_from_values(value)
        if vehicle.map and value["intersection"] is None:
            raw["intersection_information_availability"] = 1  # it has a map, and no node
        yield at_ms, t_ms, encode(raw)


class Sealer:
    """Appends the trailer of a vehicle's radio, rightly or as the scenario asks; plain vehicles have none."""

    def __init__(self, vehicle: Vehicle) -> None:
        self._vehicle = vehicle
        self._first: bytes | None = None

    def seal(self, payload: bytes, time_ms: int) -> bytes:
        """The frame sent at a Unix time."""
        if not self._vehicle.has_key:
            return payload
        seed, how = self._vehicle.seed, self._vehicle.emergency
        if how == "replayed" and self._first is not None:
            return self._first
        key = key_from_seed(seed + _FORGER if how == "forged" else seed)
        self._first = sign(payload, seed, key, time_ms - (_STALE_MS if how == "stale" else 0))
        return self._first


def messages(scenario: Scenario, vehicle: Vehicle, mac: str) -> Iterator[Received]:
    """What is received of one vehicle."""
    sealer = Sealer(vehicle)
    for at_ms, t_ms, payload in plain_messages(scenario, vehicle):
        frame = sealer.seal(payload, scenario.start_ns // 1_000_000 + t_ms)
        yield scenario.start_ns + at_ms * 1_000_000, mac, frame


def all_messages(scenario: Scenario) -> list[Received]:
    """What ego receives of all others, in the order of time."""
    macs = scenario.macs
    return sorted(one for vehicle in scenario.others for one in messages(scenario, vehicle, macs[vehicle.name]))


def intersection_ahead(scenario: Scenario, fix: KnownFix) -> tuple[Intersection, float] | None:
    """The nearest intersection ahead of where a vehicle believes to be, and the straight way to it."""
    heading = math.radians(fix.state.heading_deg)
    found = []
    for one in scenario.intersection:
        east_m, north_m = one.east_m - fix.east_m, one.north_m - fix.north_m
        along_m = east_m * math.sin(heading) + north_m * math.cos(heading)
        across_m = east_m * math.cos(heading) - north_m * math.sin(heading)
        if abs(across_m) <= along_m * math.tan(math.radians(_AHEAD_DEG)):
            found.append((math.hypot(east_m, north_m), one))
    distance_m, nearest = min(found, key=lambda row: row[0], default=(0.0, None))
    return None if nearest is None else (nearest, distance_m)


def _last_ms(scenario: Scenario, vehicle: Vehicle) -> int:
    return int(scenario.duration_s * 1000) - vehicle.radio.delay_ms


def _drawn(vehicle: Vehicle, what: str, number: int) -> bool:
    """Whether this happens to this frame: by the frame's own draw, so that no other shifts it."""
    radio = vehicle.radio
    percent = radio.doubled_percent if what == "doubled" else radio.reordered_percent
    return percent > 0 and random.Random(f"{radio.loss_seed} {what} {number}").random() * 100 < percent  # noqa: S311


def _value(scenario: Scenario, vehicle: Vehicle, trajectory: Trajectory, fix: KnownFix, t_s: float) -> dict[str, Any]:
    state, controls = trajectory.at(t_s), trajectory.controls(t_s)
    value: dict[str, Any] = {
        "vehicle_id": vehicle.vehicle_id,
        "position_class": vehicle.position_class,
        "vehicle_kind": vehicle.kind,
        "vehicle_length_m": vehicle.length_m,
        "speed_kmh": min(state.speed_kmh, 255.0),
        "direction_deg": state.heading_deg,
        "forward_acceleration_mps2": min(max(state.accel_mps2, -8.0), 7.5),
        "shift": "drive",
        "brake": controls.brake,
        "auxiliary_brake": False,
        "winker": controls.winker,
        "hazard": "on" if controls.hazard else "off",
        "accelerator_percent": controls.accelerator_percent,
        "road": "ordinary",
        "emergency": vehicle.emergency != "none",
        "intersection": None,
    }
    if fix.lost or not _codable(fix.latitude_deg, fix.longitude_deg):
        return value
    clock_ms = fix.t_ms + round(vehicle.clock_offset_s * 1000)
    moment = datetime.fromtimestamp(scenario.start_ns // 10**9 + clock_ms // 1000, UTC) + _JST
    value |= {
        "latitude_deg": fix.latitude_deg,
        "longitude_deg": fix.longitude_deg,
        "position_delay_ms": min(max(1000 // vehicle.receiver.rate_hz, 100), 3000),
        "fix_time_jst": f"{moment:%H:%M:%S}",
    }
    if vehicle.receiver.hdop:
        value["horizontal_error_m"] = max(1, min(255, round(vehicle.error_m)))
    node = intersection_ahead(scenario, fix) if vehicle.map else None
    if node is not None:
        where = degrees(scenario.place, node[0].east_m, node[0].north_m)
        if _codable(*where):
            value["intersection"] = {
                "latitude_deg": where[0],
                "longitude_deg": where[1],
                "distance_m": min(node[1], _FAR_M),
                "source": "own_map",
            }
    return value


def _codable(*angles_deg: float) -> bool:
    """Angles between -1 and 0 degrees cannot be coded [D2]."""
    return not any(-1 < angle < 0 for angle in angles_deg)
