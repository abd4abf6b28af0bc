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


def feed(core, words):
    numbers = journal.numbers_of(words)  # made before the lock: the core alone is measured
    heap_lock()
    journal.give(core, words[0], numbers)
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
