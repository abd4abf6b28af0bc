"""What ego's radio receives: the messages of the other vehicles, every 100 ms, as their own units would send them."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from asvrig.gnss_feed import KnownFix, known_at
from asvrig.scenario import Scenario, Vehicle
from asvrig.trajectory import Trajectory
from asvunit.message import encode, raw_from_values

INTERVAL_MS: Final = 100
_REVISIONS: Final = 10  # [D6]
_JST: Final = timedelta(hours=9)
Received = tuple[int, str, bytes]  # time in ns, MAC of the sender, the 100 bytes


def received_ms(scenario: Scenario, vehicle: Vehicle) -> Iterator[tuple[int, int]]:
    """(time of sampling, number) in ms from the begin of each message that is not lost."""
    radio = vehicle.radio
    chance = random.Random(radio.loss_seed)  # noqa: S311
    last_ms = int(scenario.duration_s * 1000) - radio.delay_ms
    for number, t_ms in enumerate(range(radio.phase_ms, last_ms + 1, INTERVAL_MS)):
        unlucky = chance.random() * 100 < radio.loss_percent  # drawn for each, so that `lost` shifts nothing
        if not unlucky and not any(begin <= t_ms / 1000 < end for begin, end in radio.lost):
            yield t_ms, number


def messages(scenario: Scenario, vehicle: Vehicle, mac: str) -> Iterator[Received]:
    """What is received of one vehicle."""
    trajectory = Trajectory(vehicle)
    period_ms = 1000 // vehicle.receiver.rate_hz
    for t_ms, number in received_ms(scenario, vehicle):
        fix = known_at(scenario, vehicle, trajectory, t_ms // period_ms * period_ms)
        sent_with_it = sum(1 for one in range(t_ms, fix.t_ms - 1, -INTERVAL_MS) if one >= 0)
        if vehicle.radio.position == "moved":
            fix, sent_with_it = known_at(scenario, vehicle, trajectory, t_ms), _REVISIONS + 1  # tells no revision [D6]
        value = _value(scenario, vehicle, trajectory, fix, t_ms / 1000)
        value["increment_counter"] = number % 256
        if "latitude_deg" in value:
            value["revision"] = sent_with_it if sent_with_it <= _REVISIONS else None
        time_ns = scenario.start_ns + (t_ms + vehicle.radio.delay_ms) * 1_000_000
        yield time_ns, mac, encode(raw_from_values(value))


def all_messages(scenario: Scenario) -> list[Received]:
    """What ego receives of all others, in the order of time."""
    out: list[Received] = []
    for number, vehicle in enumerate(scenario.others):
        mac = f"02:00:00:00:{(number + 16) >> 8:02x}:{(number + 16) & 255:02x}"
        out.extend(messages(scenario, vehicle, mac))
    return sorted(out)


def _value(scenario: Scenario, vehicle: Vehicle, trajectory: Trajectory, fix: KnownFix, t_s: float) -> dict[str, Any]:
    state, controls = trajectory.at(t_s), trajectory.controls(t_s)
    moment = datetime.fromtimestamp(scenario.start_ns // 10**9 + fix.t_ms // 1000, UTC) + _JST
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
        "hazard": "off",
        "accelerator_percent": controls.accelerator_percent,
        "road": "ordinary",
    }
    if not any(-1 < angle < 0 for angle in (fix.latitude_deg, fix.longitude_deg)):  # such cannot be coded [D2]
        value |= {
            "latitude_deg": fix.latitude_deg,
            "longitude_deg": fix.longitude_deg,
            "position_delay_ms": min(max(1000 // vehicle.receiver.rate_hz, 100), 3000),
            "fix_time_jst": f"{moment:%H:%M:%S}",
        }
        if vehicle.receiver.hdop:
            value["horizontal_error_m"] = max(1, min(255, round(vehicle.error_m)))
    return value
