"""A crowd's journal beside a car's map, with as little memory as can be: run.py FOLDER MAP.json JOURNAL.

The core comes first, while its arrays still find room in one piece; heap is never moved together.
"""

import gc
import json
import sys

sys.path.insert(0, sys.argv[1])

from asvcore import journal
from asvcore.commands import WIDTH
from asvcore.core import Core

gc.collect()
with open(sys.argv[3]) as lines:
    lines.readline()
    core = Core(journal.settings_of(lines.readline()))

from asvcore.can_table import CanTable

gc.collect()
with open(sys.argv[2]) as file:
    table = CanTable(json.load(file))
gc.collect()
record = [0] * WIDTH
with open(sys.argv[3]) as lines:
    lines.readline()
    lines.readline()
    for line in lines:
        journal.feed(core, line)
        while core.commands.take(record):
            pass
print("lost", core.commands.lost)
