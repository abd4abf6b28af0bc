"""What each level looks and sounds like, and what each function says of it: tables [G appendix 2].

The guideline's examples are followed: warning red, caution yellow, information another colour; sounds that differ in
frequency, interval and sound pressure; sound together with light from caution up; no text that reads as "no one is
there". The unit's own states never borrow red or yellow. Texts themselves stand outside, by TEXT_ code.
"""

from . import codes
from .params import MINIMUM_PRESENTATION_MS

# By LEVEL_ code: COLOUR_, LIGHT_ and SOUND_ code. Warning is not given between vehicles [G table 2-6].
LEVELS = (
    (codes.COLOUR_NONE, codes.LIGHT_OFF, codes.SOUND_NONE),
    (codes.COLOUR_BLUE, codes.LIGHT_STEADY, codes.SOUND_NONE),
    (codes.COLOUR_YELLOW, codes.LIGHT_CAUTION, codes.SOUND_CAUTION),
    (codes.COLOUR_RED, codes.LIGHT_WARNING, codes.SOUND_WARNING),
)

# The unit's own lamps, in the order of the SYSTEM record: on, receiving, fault
SYSTEM_COLOURS = (codes.COLOUR_GREEN, codes.COLOUR_GREEN, codes.COLOUR_VIOLET)

FOR_GOOD = 0  # as a number of repeats: for as long as the level lasts

_CAUTION_ON_MS = 200  # with its pause five times in the least presentation
_CAUTION_TIMES = MINIMUM_PRESENTATION_MS // (2 * _CAUTION_ON_MS)
_WARNING_ON_MS = 100

# By SOUND_ code: Hz, ms on, ms off, repeats, percent of the sound pressure
SOUNDS = (
    (0, 0, 0, 1, 0),
    (1000, _CAUTION_ON_MS, _CAUTION_ON_MS, _CAUTION_TIMES, 80),
    (500, 150, 150, 1, 50),
    (2000, _WARNING_ON_MS, _WARNING_ON_MS, FOR_GOOD, 100),
)

# By LIGHT_ code: ms on, ms off, repeats; lit steadily after them. Flashes go with the tones.
LIGHTS = (
    (0, 0, 1),
    (0, 0, 1),
    (_CAUTION_ON_MS, _CAUTION_ON_MS, _CAUTION_TIMES),
    (_WARNING_ON_MS, _WARNING_ON_MS, FOR_GOOD),
)

# (function, level): TEXT_ codes by the side that the target is on: neither, left, right, both
TEXTS = (
    (
        codes.FUNCTION_CROSSING,
        codes.LEVEL_INFORMATION,
        (
            codes.TEXT_CROSSING_INFORMATION_BOTH,
            codes.TEXT_CROSSING_INFORMATION_LEFT,
            codes.TEXT_CROSSING_INFORMATION_RIGHT,
            codes.TEXT_CROSSING_INFORMATION_BOTH,
        ),
    ),
    (
        codes.FUNCTION_CROSSING,
        codes.LEVEL_CAUTION,
        (
            codes.TEXT_CROSSING_CAUTION_BOTH,
            codes.TEXT_CROSSING_CAUTION_LEFT,
            codes.TEXT_CROSSING_CAUTION_RIGHT,
            codes.TEXT_CROSSING_CAUTION_BOTH,
        ),
    ),
    (codes.FUNCTION_RIGHT_TURN, codes.LEVEL_INFORMATION, (codes.TEXT_ONCOMING_INFORMATION,) * 4),
    (codes.FUNCTION_RIGHT_TURN, codes.LEVEL_CAUTION, (codes.TEXT_ONCOMING_CAUTION,) * 4),
    (
        codes.FUNCTION_LEFT_TURN,
        codes.LEVEL_INFORMATION,
        (
            codes.TEXT_BEHIND_INFORMATION_LEFT,
            codes.TEXT_BEHIND_INFORMATION_LEFT,
            codes.TEXT_BEHIND_INFORMATION_RIGHT,
            codes.TEXT_BEHIND_INFORMATION_LEFT,
        ),
    ),
    (
        codes.FUNCTION_LEFT_TURN,
        codes.LEVEL_CAUTION,
        (
            codes.TEXT_BEHIND_CAUTION_LEFT,
            codes.TEXT_BEHIND_CAUTION_LEFT,
            codes.TEXT_BEHIND_CAUTION_RIGHT,
            codes.TEXT_BEHIND_CAUTION_LEFT,
        ),
    ),
    (codes.FUNCTION_SURROUNDING, codes.LEVEL_INFORMATION, (codes.TEXT_SURROUNDING,) * 4),
    (codes.FUNCTION_EMERGENCY, codes.LEVEL_INFORMATION, (codes.TEXT_EMERGENCY,) * 4),
)
HELD_TEXT = codes.TEXT_KEEP_WATCHING  # the target has passed: it must not read as safe [G 3.9(1), D15]

# Functions that never sound for information: who is merely around [D18]
SILENT = (codes.FUNCTION_SURROUNDING,)


def text_of(function, level, direction):
    """The TEXT_ code of a function at a level: the highest level not above it that has a text."""
    text = codes.TEXT_NONE
    for index in range(len(TEXTS)):
        row = TEXTS[index]
        if row[0] == function and row[1] <= level:
            text = row[2][direction]
    return text


def sound_of(function, level, information_sound):
    """The SOUND_ code of a function at a level."""
    if level == codes.LEVEL_INFORMATION and information_sound and function not in SILENT:
        return codes.SOUND_INFORMATION
    return LEVELS[level][2]
