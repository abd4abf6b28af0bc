"""From levels to light, sound and text: semantic commands, never pins [G appendix 2]."""

from . import codes
from .support import HOLD

# level: colour, sound. Caution and above by sound together with light; information is another colour.
_LEVELS = (
    (codes.COLOUR_NONE, codes.SOUND_NONE),
    (codes.COLOUR_BLUE, codes.SOUND_NONE),
    (codes.COLOUR_YELLOW, codes.SOUND_CAUTION),
)

# (function, level): texts by the side that the target is on: neither, left, right, both
_TEXTS = (
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


class Hmi:
    """What the outputs were last told; `update` is True when that changes."""

    def __init__(self):
        self.level = codes.LEVEL_NONE
        self.colour = codes.COLOUR_NONE
        self.function = codes.FUNCTION_NONE
        self.direction = 0
        self.sound = codes.SOUND_NONE
        self.text = codes.TEXT_NONE

    def update(self, primary, pool):
        """Follow the arbiter: the primary support, and the sides of all presented of its function."""
        if primary is None:
            changed = self.level != codes.LEVEL_NONE or self.text != codes.TEXT_NONE
            self.level, self.colour, self.function = codes.LEVEL_NONE, codes.COLOUR_NONE, codes.FUNCTION_NONE
            self.direction, self.sound, self.text = 0, codes.SOUND_NONE, codes.TEXT_NONE
            return changed
        direction = primary.direction
        for index in range(len(pool)):
            support = pool[index]
            if support.presented and support.state != HOLD and support.function == primary.function:
                direction |= support.direction
        text = codes.TEXT_KEEP_WATCHING
        if primary.state != HOLD:
            for index in range(len(_TEXTS)):
                row = _TEXTS[index]
                if row[0] == primary.function and row[1] <= primary.level:  # the highest that has a text
                    text = row[2][direction]
        colour, sound = _LEVELS[primary.level]
        if (
            primary.level == self.level
            and primary.function == self.function
            and direction == self.direction
            and text == self.text
        ):
            return False
        self.level, self.colour, self.function = primary.level, colour, primary.function
        self.direction, self.sound, self.text = direction, sound, text
        return True
