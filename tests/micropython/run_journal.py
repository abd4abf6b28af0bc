"""Feed journals to the core and print its records; runs on CPython and MicroPython alike.

    run_journal.py PATH_TO_FIRMWARE [lock] JOURNAL ...

With `lock`, every call of the core runs under `micropython.heap_lock()`: it must not allocate. Where small integers
have 31 bits it must not compute one from 2^30 on either, for that allocates.
"""

import sys

sys.path.insert(0, sys.argv[1])

from asvcore import journal
from asvcore.codes import COMMAND_SEND
from asvcore.commands import WIDTH
from asvcore.core import Core
from asvcore.params import NONE

if sys.argv[2] == "lock":
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


def feed(core, words):
    # The arguments are made before the lock: the core alone is measured
    kind = words[0]
    if kind == "M":
        n = parse(words[1:4])
        flag = words[4] == "1"
        payload = bytes.fromhex(words[5]) if len(words) > 5 else b""
        heap_lock()
        core.on_message(payload, n[2], n[0], flag, n[1])
        heap_unlock()
        return
    n = parse(words[1:])
    heap_lock()
    if kind == "T":
        core.tick(n[0], n[1])
    elif kind == "B":
        core.begin(n[0], n[1])
    elif kind == "P":
        core.go_on(n[0], n[1])
    elif kind == "F":
        core.on_fix(n[3], n[4], n[5], n[6], n[7], n[8], n[9], n[10], n[2], n[0], n[1])
    elif kind == "V":
        core.on_vehicle(n[2], n[3], n[4], n[5], n[0], n[1])
    elif kind == "N":
        core.on_node(n[2], n[3], n[4], n[5], n[0], n[1])
    elif kind == "X":
        core.on_support(n[2], n[3], n[4], n[5], n[0], n[1])
    elif kind == "S":
        core.on_switch(n[2], n[3], n[0], n[1])
    elif kind == "R":
        core.rebase(n[0])
    else:
        raise ValueError("journal line %s" % kind)
    heap_unlock()


def play(path):
    print("journal", path.split("/")[-2])
    with open(path) as lines:
        if lines.readline().strip() != journal.MAGIC:
            raise SystemExit("not a journal")
        core = Core(journal.settings_of(lines.readline()))
        for line in lines:
            words = line.split()
            if words and words[0][0] != "#":
                feed(core, words)
                drain(core)


for path in sys.argv[2:]:
    if path != "lock":
        play(path)
