"""Where a vehicle of a run truly is at any time; exact between the steps, where its speed is linear."""

from dataclasses import dataclass

import numpy as np

from traffic.drivers import STEP_S, WINKER_M, Vehicle


@dataclass(frozen=True)
class Truth:
    """States of one vehicle at given times; NaN where it is not on the roads."""

    t_s: np.ndarray
    east_m: np.ndarray
    north_m: np.ndarray
    heading_deg: np.ndarray
    speed_mps: np.ndarray
    acceleration: np.ndarray
    winker: np.ndarray  # 0 off, 1 right, 2 left
    present: np.ndarray


def span_s(vehicle: Vehicle) -> tuple[float, float]:
    """When it is on the roads."""
    return vehicle.first * STEP_S, (vehicle.first + len(vehicle.way_m) - 1) * STEP_S


def truth(vehicle: Vehicle, t_s: np.ndarray) -> Truth:
    """The states at `t_s`."""
    begin, end = span_s(vehicle)
    present = (t_s >= begin - 1e-9) & (t_s <= end + 1e-9)
    way, speed = np.array(vehicle.way_m), np.array(vehicle.speed_mps)
    steps = np.clip((t_s - begin) / STEP_S, 0, len(way) - 1)
    index = np.minimum(steps.astype(int), max(len(way) - 2, 0))
    part = (steps - index) * STEP_S
    rate = (speed[np.minimum(index + 1, len(speed) - 1)] - speed[index]) / STEP_S
    at_way = way[index] + speed[index] * part + rate * part**2 / 2
    on_east, on_north, heading = vehicle.path.at(at_way)
    angle = np.radians(vehicle.turned_deg)
    east = on_east * np.cos(angle) + on_north * np.sin(angle)
    north = on_north * np.cos(angle) - on_east * np.sin(angle)
    heading = (heading + vehicle.turned_deg) % 360
    winker = np.zeros(len(t_s), int)
    for passage in vehicle.path.passages:
        if passage.turn != "straight":
            on = (at_way >= passage.entry_m - WINKER_M) & (at_way <= passage.exit_m)
            winker[on] = 1 if passage.turn == "right" else 2
    nowhere = np.where(present, 0.0, np.nan)
    return Truth(
        t_s, east + nowhere, north + nowhere, heading + nowhere, speed[index] + rate * part + nowhere,
        rate + nowhere, winker, present,
    )  # fmt: skip
