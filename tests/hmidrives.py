"""Cores that tell their driver something, and what they tell as events: for tests."""

from asvcore import codes
from asvunit.events import Translator
from asvunit.identity import Sources
from asvunit.words import WORDS
from coretools import Drive, Target, encounter
from hmitools import LEVELS

FUNCTIONS = [name for name in WORDS["FUNCTION"].values() if name != "none"]


def shown_by(drive: Drive, language: str = "en") -> list[dict]:
    """The hmi records of a drive as events."""
    translator = Translator(Sources(), language)
    keys = ("level", "colour", "function", "direction", "sound", "text", "light", "cue", "muted")
    return [
        translator.event([codes.COMMAND_HMI, 0, one["t"], one["cause"], *(one[key] for key in keys)], one["t"] / 1000)
        for one in drive.of("hmi")
    ]


def said(function: str, level: str, direction: int) -> Drive:
    """A core to which another system tells this."""
    drive = Drive()
    drive.external(100, codes.ORIGIN_ROADSIDE, LEVELS.index(level), direction, FUNCTIONS.index(function) + 1)
    return drive


def crossing(until: int = 14_000) -> Drive:
    """A core that waits while a car comes from the left: information, caution, "keep watching", nothing."""
    drive = Drive(surrounding=0)
    drive.stand()
    encounter(drive, [Target(8000)], 1100, until)
    return drive
