"""Golden vectors through the codec, on CPython and MicroPython: run_vectors.py PATH_TO_FIRMWARE FILE.json ..."""

import json
import sys

sys.path.insert(0, sys.argv[1])

from asvcore.codec import decode_into, encode_into, new_raw
from asvcore.elements import CODED, ELEMENTS

try:
    from micropython import heap_lock, heap_unlock
except ImportError:

    def heap_lock():
        pass

    heap_unlock = heap_lock

checked = 0
for path in sys.argv[2:]:
    with open(path) as file:
        data = json.load(file)
    for vector in (
        data["vectors"] if isinstance(data, dict) and "vectors" in data else data if isinstance(data, list) else [data]
    ):
        wanted = bytes.fromhex(vector["hex"])[:100]
        raw, back = new_raw(), new_raw()
        for index in range(CODED):
            raw[index] = vector["raw"][ELEMENTS[index][2]]
        buffer = bytearray(wanted)
        for index in range(38):
            buffer[index] = 0 if index < 37 else wanted[37] & 0x1F
        heap_lock()
        encode_into(raw, buffer)
        decode_into(buffer, back)
        heap_unlock()
        if buffer != wanted or back != raw:
            raise SystemExit("%s: %s differs" % (path, vector.get("name")))
        checked += 1
print("%d vectors" % checked)
