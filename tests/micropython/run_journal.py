"""Feed a journal to the core and print its records; runs on CPython and MicroPython alike.

    run_journal.py PATH_TO_FIRMWARE JOURNAL [lock]

With `lock`, every call of the core runs under `micropython.heap_lock()`: it must not allocate.
"""

import sys

sys.path.insert(0, sys.argv[1])

from asvcore import journal
from asvcore.codes import COMMAND_SEND
from asvcore.commands import WIDTH
from asvcore.core import Core
from asvcore.params import NONE

LOCK = "lock" in sys.argv[3:]
if LOCK:
    from micropython import heap_lock, heap_unlock
else:

    def heap_lock():
        pass

    heap_unlock = heap_lock

record = [0] * WIDTH


def drain(core):
    while core.commands.take(record):
        print(" ".join([str(value) for value in record]))
        if record[0] == COMMAND_SEND:
            print(bytes(core.frame).hex())


def parse(words):
    return [NONE if word == "-" else int(word) for word in words]


with open(sys.argv[2]) as lines:
    if lines.readline().strip() != journal.MAGIC:
        raise SystemExit("not a journal")
    core = Core(journal.settings_of(lines.readline()))
    for line in lines:
        words = line.split()
        if not words:
            continue
        kind = words[0]
        # The arguments are made before the lock: the core alone is measured
        if kind == "M":
            n = parse(words[1:4])
            flag = words[4] == "1"
            payload = bytes.fromhex(words[5]) if len(words) > 5 else b""
            heap_lock()
            core.on_message(payload, n[2], n[0], flag, n[1])
            heap_unlock()
        elif kind == "T":
            n = parse(words[1:])
            heap_lock()
            core.tick(n[0], n[1])
            heap_unlock()
        elif kind in ("B", "P"):
            n = parse(words[1:])
            heap_lock()
            if kind == "B":
                core.begin(n[0], n[1])
            else:
                core.go_on(n[0], n[1])
            heap_unlock()
        elif kind == "F":
            n = parse(words[1:])
            heap_lock()
            core.on_fix(n[3], n[4], n[5], n[6], n[7], n[8], n[9], n[10], n[2], n[0], n[1])
            heap_unlock()
        elif kind == "V":
            n = parse(words[1:])
            heap_lock()
            core.on_vehicle(n[2], n[3], n[4], n[5], n[0], n[1])
            heap_unlock()
        elif kind == "N":
            n = parse(words[1:])
            heap_lock()
            core.on_node(n[2], n[3], n[4], n[5], n[0], n[1])
            heap_unlock()
        elif kind == "X":
            n = parse(words[1:])
            heap_lock()
            core.on_support(n[2], n[3], n[4], n[5], n[0], n[1])
            heap_unlock()
        elif kind in ("S", "R"):
            n = parse(words[1:])
            heap_lock()
            if kind == "S":
                core.on_switch(n[2], n[3], n[0], n[1])
            else:
                core.rebase(n[0])
            heap_unlock()
        else:
            journal.feed(core, line)
        drain(core)
