"""Cases of the codec on CPython and MicroPython: run_codec.py PATH_TO_FIRMWARE CASES; see tests/codeccases.py.

What is not refused runs under `micropython.heap_lock()`. "back": the way back gives what went in. Each case goes
through a list and through what `new_raw` makes, for which a port may have another codec.
"""

import json
import sys

sys.path.insert(0, sys.argv[1])

from asvcore.codec import decode_into, encode_into, new_raw

try:
    from micropython import heap_lock, heap_unlock
except ImportError:

    def heap_lock():
        pass

    heap_unlock = heap_lock


REFUSALS = (ValueError, MemoryError)


def encoded(raw, buffer, back):
    heap_lock()
    try:
        encode_into(raw, buffer)
        decode_into(buffer, back)
    except REFUSALS:  # of a code that is too wide: no memory for the text under the lock
        heap_unlock()
        encode_into(raw, buffer)  # without it, to be told; what raised for want of memory alone is told as accepted
        return "accepted unlocked"
    heap_unlock()
    for at in range(43):
        if back[at] != raw[at]:
            return "differs"
    return "back"


def tried(raw, before, back):
    buffer = bytearray(before)
    try:
        told = encoded(raw, buffer, back)
    except ValueError as error:
        told = "refused %s" % error
    return told, bytes(buffer)


def decoded(data, raw, buffer):
    heap_lock()
    decode_into(data, raw)
    for at in range(100):
        buffer[at] = 0 if at < 37 else data[at]
    buffer[37] &= 0x1F
    encode_into(raw, buffer)
    heap_unlock()
    return "back" if buffer == data else "differs"


listed, made, given = [0] * 43, new_raw(), new_raw()
buffer = bytearray(100)
with open(sys.argv[2]) as file:
    for line in file:
        case = json.loads(line)
        if case[0] == "encode":
            before = bytes.fromhex(case[2])
            told = tried(case[1], before, listed)
            if min(case[1]) >= -(1 << 31) and max(case[1]) < 1 << 31:  # else no port's array holds it
                for at in range(43):
                    given[at] = case[1][at]
                again = tried(given, before, made)
                if again != told:
                    print("made:", again[0], again[1].hex())
            print(told[0], told[1].hex())
        else:
            data = bytearray(bytes.fromhex(case[1]))
            told = decoded(data, listed, buffer)
            if decoded(data, made, buffer) != told or list(made) != listed:
                print("made:", list(made))
            print(told, listed)
