"""Stages of a unit's memory: its modules, a core, a car's map, a crowd around it; see ports.Port.measure.

sizes.py FOLDER_OF_PACKAGES MAP.json JOURNAL
"""

import json
import sys

sys.path.insert(0, sys.argv[1])

from asvcore import journal
from asvcore.commands import WIDTH

settings = core = table = None


def modules():
    global Core, CanTable
    from asvcore.can_table import CanTable
    from asvcore.core import Core


def made_settings():
    global settings
    with open(sys.argv[3]) as lines:
        lines.readline()
        settings = journal.settings_of(lines.readline())


def made_core():
    global core
    core = Core(settings)


def made_map():
    global table
    with open(sys.argv[2]) as file:
        table = CanTable(json.load(file))


def crowd():
    with open(sys.argv[3]) as lines:
        lines.readline()
        lines.readline()
        fed(lines)


def fed(lines):
    record = [0] * WIDTH
    for line in lines:
        journal.feed(core, line)
        while core.commands.take(record):
            pass


STAGES = (modules, made_settings, made_core, made_map, crowd)
