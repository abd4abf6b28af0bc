"""A recorded drive of the car that docs/new-car.md maps: the log that its reader would have made."""

import math
from pathlib import Path

import can

SECONDS = 40
START_S = 1768446000.0


def _frame(time_s: float, identifier: int, data: bytes) -> can.Message:
    return can.Message(timestamp=START_S + time_s, arbitration_id=identifier, is_extended_id=False, data=data)


def write_drive(path: Path) -> None:
    """From parking up to 50 km/h and to rest again. Left at 10 s, right at 25 s; lever position 5 from 30 s."""
    frames = []
    for step in range(SECONDS * 50):
        time_s = step / 50
        phase = min(max((time_s - 2) / (SECONDS - 4), 0), 1) * 2 * math.pi
        kmh = 25 - 25 * math.cos(phase)
        accel = 25 * math.sin(phase) * 2 * math.pi / (SECONDS - 4) / 3.6 if 2 < time_s < SECONDS - 2 else 0.0
        speed = round(kmh * 100).to_bytes(2, "big")
        raw = round(accel * 100) & 0xFFF
        frames.append(_frame(time_s, 513, speed + (raw << 4).to_bytes(2, "big") + bytes([0, 0, 0, step % 16])))
        if step % 2 == 0:
            pedal = round(max(accel, 0) * 40)
            frames.append(_frame(time_s + 0.001, 532, bytes([accel < -0.2, pedal, 0, 0, 0, 0, 0, 0])))
        if step % 5 == 0:
            lit = time_s % 0.7 < 0.35
            left, right = lit and 10 < time_s < 15, lit and 25 < time_s < 28
            frames.append(_frame(time_s + 0.002, 900, bytes([left | right << 1, 0, 0, 0])))
        if step % 10 == 0:
            lever = 1 if time_s < 1 else 5 if time_s > 30 else 4
            frames.append(_frame(time_s + 0.003, 910, bytes([lever, 0])))
    with can.Logger(path) as log:
        for frame in frames:
            log.on_message_received(frame)
