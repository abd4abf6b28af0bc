"""Microseconds of the core in a crowd, on CPython and MicroPython alike: speed.py FOLDER JOURNAL ROUNDS

Prints NAME MICROSECONDS lines: `frame` from bytes to judged, `cycle` of a tick with all neighbours, lights and the own
frame, `encode` and `decode` of the codec, and which codec it is.
"""

import sys
import time

sys.path.insert(0, sys.argv[1])

from asvcore import codec, journal
from asvcore.commands import WIDTH
from asvcore.core import Core

WARM_MS = 3000  # until then the crowd is not known yet

if hasattr(time, "perf_counter_ns"):

    def ticks_us():
        return time.perf_counter_ns() / 1000

    def ticks_diff(end, begin):
        return end - begin
else:
    ticks_us, ticks_diff = time.ticks_us, time.ticks_diff


def crowd(lines):
    record = [0] * WIDTH
    frames_us = cycles_us = 0
    frames = cycles = 0
    for line in lines:
        words = line.split()
        if words and words[0] == "M":
            payload, source, now_ms, cause = bytes.fromhex(words[5]), int(words[3]), int(words[1]), int(words[2])
            begin = ticks_us()
            core.on_message(payload, source, now_ms, False, cause)
            end = ticks_us()
            if now_ms > WARM_MS:
                frames_us += ticks_diff(end, begin)
                frames += 1
        elif words and words[0] == "T":
            now_ms, cause = int(words[1]), int(words[2])
            begin = ticks_us()
            core.tick(now_ms, cause)
            end = ticks_us()
            if now_ms > WARM_MS:
                cycles_us += ticks_diff(end, begin)
                cycles += 1
        else:
            journal.feed(core, line)
        while core.commands.take(record):
            pass
    print("frame %.3f" % (frames_us / frames))
    print("cycle %.3f" % (cycles_us / cycles))


def each(call, first, second, rounds):
    begin = ticks_us()
    for _ in range(rounds):
        call(first, second)
    return ticks_diff(ticks_us(), begin) / rounds


with open(sys.argv[2]) as lines:
    lines.readline()
    core = Core(journal.settings_of(lines.readline()))
    crowd(lines)
rounds = int(sys.argv[3])
raw, buffer = codec.new_raw(), bytearray(100)
print("encode %.3f" % each(codec.encode_into, raw, buffer, rounds))
print("decode %.3f" % each(codec.decode_into, buffer, raw, rounds))
print("codec", "bytecode" if isinstance(raw, list) else "viper")
