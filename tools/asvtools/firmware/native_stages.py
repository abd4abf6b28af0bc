"""Runs a script on a native MicroPython, then its STAGES, and tells the heap in use after each; see ports.py.

native_stages.py SCRIPT ARGUMENTS...
"""

import gc
import sys

sys.argv[:] = sys.argv[1:]
sys.path[0] = sys.argv[0].rsplit("/", 1)[0]


def told(name):
    gc.collect()
    gc.collect()
    print("\x01used %s %d" % (name, gc.mem_alloc()))


with open(sys.argv[0]) as file:
    exec(compile(file.read(), sys.argv[0], "exec"))  # noqa: S102 - the script to measure
told("")
for stage in STAGES:  # noqa: F821 - the script's
    stage()
    told(stage.__name__)
