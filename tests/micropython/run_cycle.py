"""Cycles of a unit with 64 neighbours, none of which may allocate: run_cycle.py PATH_TO_FIRMWARE [allocate]

Prints as JSON what happened. Ego stands at a crossing, its winker on in the end; 64 vehicles around come nearer, each
heard every 100 ms but for three cycles of ten, in which what is known is predicted. With "allocate" a cycle makes a
list.
"""

import json
import sys

sys.path.insert(0, sys.argv[1])

from asvcore import codec, codes, pattern
from asvcore.commands import WIDTH
from asvcore.core import Core
from asvcore.params import NONE
from asvcore.settings import Settings

try:
    from micropython import heap_lock, heap_unlock
except ImportError:

    def heap_lock():
        pass

    heap_unlock = heap_lock

AROUND = 64
CYCLES = 60
LATITUDE_CAS = 35 * 360000
LONGITUDE_CAS = 139 * 360000

settings = Settings()
settings.set("neighbours", AROUND)
core = Core(settings)
allocates = "allocate" in sys.argv

frames = [bytearray(100) for _ in range(AROUND)]
raw, own = codec.new_raw(), codec.new_raw()
record = [0] * WIDTH
frame = bytearray(100)
counts = {
    name: 0
    for name in (
        "received", "new", "reasons", "begun", "shown", "predicted", "hmi", "lit", "dark", "sounding", "silent",
        "edges", "sent", "encoded",
    )
}  # fmt: skip
shown_dm = [NONE] * AROUND  # by vehicle: the distance it was last told with
level, light, sound, began_ms = 0, codes.LIGHT_OFF, codes.SOUND_NONE, 0


def place(number, t):
    """Writes what a vehicle sends at a time: a third comes from the left, a third ahead, a third behind."""
    kmh = 30 + number % 8 * 5
    way_cas = kmh * t * 9 // 10000  # 0.308 m a step: 278 mm/s for each km/h
    far_cas = 500 + number * 11
    north_cas, east_cas, direction = 50, way_cas - far_cas, 90
    if number % 3 == 1:
        north_cas, east_cas, direction = far_cas - way_cas, 12, 180
    elif number % 3 == 2:
        north_cas, east_cas, direction = way_cas - far_cas, -6, 0
    raw[codec.ADMINISTRATION_DATA] = 1
    raw[codec.INCREMENT_COUNTER] = t // 100 & 255
    raw[codec.VEHICLE_ID] = 100 + number
    raw[codec.CLASS_INFORMATION] = 2
    raw[codec.VEHICLE_CLASSIFICATION] = 4 if number % 3 < 2 else 5
    raw[codec.POSITION_AVAILABILITY] = raw[codec.SENSOR_AVAILABILITY] = 3
    at = LATITUDE_CAS + north_cas
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
    codec.encode_into(raw, frames[number])


def drain(heard):
    """The records that there are."""
    global level, light, sound, began_ms  # noqa: PLW0603 - as a board's loop has it
    while core.commands.take(record):
        kind = record[0]
        if kind == codes.COMMAND_SEND:
            counts["sent"] += 1
            codec.decode_into(core.frame, own)
            for at in range(100):
                frame[at] = 0 if at < 37 else core.frame[at]
            frame[37] &= 0x1F
            codec.encode_into(own, frame)
            if frame == core.frame and own[codec.ADMINISTRATION_DATA] == 1:
                counts["encoded"] += 1
        elif kind == codes.COMMAND_NEIGHBOUR:
            counts["new"] += 1
        elif kind == codes.COMMAND_SUPPORT:
            counts["reasons"] += 1
            vehicle = record[8] - 100
            if record[5] and 0 <= vehicle < AROUND:
                counts["begun"] += 1
                counts["shown"] += record[6]
                shown_dm[vehicle] = record[9]
                if not heard and record[3] == 0:
                    counts["predicted"] += 1
        elif kind == codes.COMMAND_HMI:
            counts["hmi"] += 1
            level, sound, light = record[4], record[8], record[10]
            began_ms = record[2]


def draw():
    """The lamp and the sound as they go on by themselves, ten times a cycle."""
    if level:
        for step in range(10):
            elapsed_ms = core.now_ms - began_ms + step * 10
            counts["lit" if pattern.lit(light, elapsed_ms) else "dark"] += 1
            counts["sounding" if pattern.tone_hz(sound, elapsed_ms) else "silent"] += 1
            if pattern.next_light_ms(light, elapsed_ms) != NONE or pattern.next_sound_ms(sound, elapsed_ms) != NONE:
                counts["edges"] += 1


def cycle(t, heard):
    core.on_fix(LATITUDE_CAS, LONGITUDE_CAS, 0, NONE, 20, NONE, NONE, t, 0, t, 1)
    core.on_vehicle(codes.SIGNAL_SPEED, 0, codes.STATUS_OK, 0, t, 2)
    core.on_vehicle(codes.SIGNAL_WINKER, 4 if t < 4000 else 5 if t < 5500 else 6, codes.STATUS_OK, 0, t, 2)
    drain(heard)
    if heard:
        for number in range(AROUND):
            place(number, t)
            core.on_message(frames[number], number & 7, t, False, 3)
            counts["received"] += 1
            drain(heard)
    core.tick(t)
    if allocates:
        record[:] = [0] * WIDTH
    drain(heard)
    draw()


t = 0
for t in range(0, 1100, 100):  # ego comes to a stand, heading north
    core.on_fix(LATITUDE_CAS, LONGITUDE_CAS, 1000 if t == 0 else 0, 0, 20, NONE, NONE, t, 0, t, 1)
    core.tick(t)
for number in range(CYCLES):
    t += 100
    heard = number % 10 < 7  # three cycles without anybody: what is known is predicted
    heap_lock()
    cycle(t, heard)
    heap_unlock()
counts["neighbours"] = core.neighbours.count
counts["lost"] = core.commands.lost
counts["vehicles_shown"] = len([one for one in shown_dm if one != NONE])
print(json.dumps(counts))
