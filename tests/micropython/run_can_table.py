"""CAN frames through a compiled map, on CPython and MicroPython.

run_can_table.py PATH_TO_FIRMWARE MAP.json FRAMES [lock]

A line of FRAMES: bus identifier extended time_ms bytes, or R offset_ms. With "lock" decoding may allocate nothing.
"""

import json
import sys

sys.path.insert(0, sys.argv[1])

from asvcore.can_table import CanTable

try:
    from micropython import heap_lock, heap_unlock
except ImportError:

    def heap_lock():
        pass

    heap_unlock = heap_lock


def locked(table, bus, identifier, extended, data, now_ms):
    heap_lock()
    count = table.decode(bus, identifier, extended, data, now_ms)
    heap_unlock()
    return count


with open(sys.argv[2]) as file:
    table = CanTable(json.load(file))
lock = len(sys.argv) > 4
with open(sys.argv[3]) as file:
    for line in file:
        words = line.split()
        if words[0] == "R":
            table.rebase(int(words[1]))
            continue
        bus, identifier, extended, now_ms = [int(word) for word in words[:4]]
        data = bytearray([int(words[4][at : at + 2], 16) for at in range(0, len(words[4]), 2)])
        if lock:
            count = locked(table, bus, identifier, extended, data, now_ms)
        else:
            count = table.decode(bus, identifier, extended, data, now_ms)
        told = [(table.signals[at], table.values[at], table.statuses[at]) for at in range(count)]
        print(now_ms, table.reason, told)
print(table.counts, table.timeouts_ms)
