"""Frames of a crowd without end, with ticks, fixes and rebases: run_endurance.py PATH_TO_FIRMWARE FRAMES [VEHICLES]

A board's loop, without a lock of the heap: none of it may run out of memory, and what is in use may not grow. The
crowd is larger than the table of 64, so that vehicles give way to others; they come, go, pass and stand, ids change
hands, and every 40th frame is of random bytes. Prints as JSON what happened, with a sum over all records.
"""

import json
import sys

sys.path.insert(0, sys.argv[1])

from gc import collect

from asvcore import codec, codes
from asvcore.commands import WIDTH
from asvcore.core import Core
from asvcore.params import NONE, REBASE_MS
from asvcore.settings import Settings

try:
    from gc import mem_alloc
except ImportError:

    def mem_alloc():
        return 0


LATITUDE_CAS = 35 * 360000
LONGITUDE_CAS = 139 * 360000
EVERY_MS = 60_000  # between two rebases after the first

frames = int(sys.argv[2])
vehicles = int(sys.argv[3]) if len(sys.argv) > 3 else 80
settings = Settings()
settings.set("neighbours", 64)
core = Core(settings)
raw = codec.new_raw()
frame = bytearray(100)
record = [0] * WIDTH
kinds = [0] * 9
total = 0
here_cas = 0
state = 12345


def random():
    """16 bits."""
    global state  # noqa: PLW0603
    state = (state * 1021 + 24_593) & 0xFFFFF
    return state >> 4


def write(number, t):
    """What a vehicle sends: each goes its way of 20 s to and through the crossing, then begins anew with another id."""
    if random() % 40 == 0:
        for at in range(1, 100):
            frame[at] = random() & 255
        frame[0] = 1
        return
    shifted = t + number * 251
    trip, at_ms = shifted // 20_000 & 63, shifted % 20_000
    kmh = (number * 7 + trip * 3) % 60
    way_cas = kmh * (at_ms - 12_000) // 1100
    north_cas, east_cas, direction = 60 + number % 5, way_cas, 90
    if number & 3 == 1:
        north_cas, east_cas, direction = -way_cas, 12, 180
    elif number & 3 == 2:
        north_cas, east_cas, direction = way_cas, -6, 0
    elif number & 3 == 3:
        north_cas, east_cas, direction = 60, -way_cas, 270
    raw[codec.ADMINISTRATION_DATA] = 1
    raw[codec.INCREMENT_COUNTER] = t // 100 & 255
    raw[codec.VEHICLE_ID] = 1 + (number + trip * vehicles) % 16_000
    raw[codec.CLASS_INFORMATION] = 2
    raw[codec.VEHICLE_CLASSIFICATION] = number % 12
    raw[codec.POSITION_AVAILABILITY] = raw[codec.SENSOR_AVAILABILITY] = 3
    at = LATITUDE_CAS + here_cas + north_cas
    raw[codec.LATITUDINAL_DEGREE] = at // 360000
    raw[codec.LATITUDINAL_MINUTE] = at // 6000 % 60
    raw[codec.LATITUDINAL_SECOND] = at % 6000
    at = LONGITUDE_CAS + east_cas
    raw[codec.LONGITUDINAL_DEGREE] = at // 360000
    raw[codec.LONGITUDINAL_MINUTE] = at // 6000 % 60
    raw[codec.LONGITUDINAL_SECOND] = at % 6000
    raw[codec.HORIZONTAL_ERROR_RANGE] = 2
    raw[codec.REVISION_COUNTER] = 1
    raw[codec.SPEED] = kmh
    raw[codec.DIRECTION] = direction
    raw[codec.EMERGENCY_ATTENTION] = 1 if number == 5 else 0
    codec.encode_into(raw, frame)


def drain():
    global total  # noqa: PLW0603
    while core.commands.take(record):
        kinds[record[0]] += 1
        for at in range(WIDTH):
            total = (total * 5 + (record[at] & 0xFFFF)) & 0xFFFFFF


def own(t):
    """Ego stands for 10 s with changing winkers, and goes for 5 s on to the next crossing."""
    global here_cas  # noqa: PLW0603
    phase = t // 500 % 30
    kmh = 0 if phase < 20 else 18
    if kmh:
        here_cas += 1 + t // 100 % 2  # 5 m/s, 0.31 m a step
    core.on_fix(
        LATITUDE_CAS + here_cas, LONGITUDE_CAS, kmh * 100, 0 if kmh else NONE, 20, NONE, NONE, t % 86_400_000, 0, t, 1
    )  # fmt: skip
    core.on_vehicle(codes.SIGNAL_SPEED, kmh * 100, codes.STATUS_OK, 0, t, 2)
    core.on_vehicle(codes.SIGNAL_WINKER, 4 + phase // 7 % 3, codes.STATUS_OK, 0, t, 2)
    drain()


def play(count, t, rebase_ms):
    """Frames from a time on; the time at their end."""
    global rebases  # noqa: PLW0603
    number = 0
    for _ in range(count):
        if number == 0:
            own(t)
        write(number, t)
        core.on_message(frame, number & 15, t + number * 100 // vehicles, False, 3)
        drain()
        number += 1
        if number == vehicles:
            number = 0
            t += 100
            core.tick(t)
            drain()
            if t >= rebase_ms:
                # The first as a board does it; then small ones, often
                offset_ms = REBASE_MS if rebases == 0 else EVERY_MS
                core.rebase(offset_ms)
                t -= offset_ms
                rebase_ms = t + EVERY_MS if rebases == 0 else rebase_ms
                rebases += 1
    return t


rebases = 0
began_ms = 2 * REBASE_MS - 8000  # a clock that has run for six days
warm = min(frames // 2, 20_000)
t = play(warm, began_ms, 2 * REBASE_MS - 7000)
collect()
before = mem_alloc()
t = play(frames - warm, t, t + EVERY_MS if rebases else 2 * REBASE_MS - 7000)
collect()
grown = mem_alloc() - before
told = {
    "frames": frames,
    "sent": kinds[codes.COMMAND_SEND],
    "supports": kinds[codes.COMMAND_SUPPORT],
    "hmi": kinds[codes.COMMAND_HMI],
    "neighbours": core.neighbours.count,
    "changes": kinds[codes.COMMAND_NEIGHBOUR],
    "drops": kinds[codes.COMMAND_DROP],
    "rebases": rebases,
    "lost": core.commands.lost,
    "sum": total,
    "grown": grown,
}
print(json.dumps(told))
