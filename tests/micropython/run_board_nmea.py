"""A receiver's tape through the board's reader: run_board_nmea.py PATH_TO_FIRMWARE PATH_TO_BOARDS TAPE ["lock"]

A tape's lines are "time_ms hex", "-" for the hex where nothing had come. Prints all fixes, then the counters. With
"lock", the reader may not take memory.
"""

import sys

sys.path.insert(0, sys.argv[1])
sys.path.insert(0, sys.argv[2])

from asvboard.nmea import FIX_WIDTH, NmeaReader

try:
    from micropython import heap_lock, heap_unlock
except ImportError:

    def heap_lock():
        pass

    heap_unlock = heap_lock

locked = len(sys.argv) > 4 and sys.argv[4] == "lock"
reader = NmeaReader()
fix = [0] * FIX_WIDTH


def play(time_ms, data, count):
    """One line of the tape."""
    if locked:
        heap_lock()
    if count < 0:
        reader.idle(time_ms)
    else:
        reader.feed(data, count, time_ms)
    more = reader.take(fix)
    if locked:
        heap_unlock()
    while more:
        print(*fix)
        more = reader.take(fix)


with open(sys.argv[3]) as file:
    for line in file:
        time, text = line.split()
        data = b"" if text == "-" else bytes.fromhex(text)
        play(int(time), bytearray(data), -1 if text == "-" else len(data))
if locked:
    heap_lock()
reader.rebase(500)
if locked:
    heap_unlock()
print(*list(reader.counts))
