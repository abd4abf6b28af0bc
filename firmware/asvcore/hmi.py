"""From the arbiter's choice to what the outputs are told: semantic commands, never pins [G appendix 2].

a level rises, another function or side at the same level, a held support begins anew -> cue: light and sound anew
a level falls or ends      -> no cue, no sound; not before 2 s of it, unless ego's own act ended it [D14, D15];
                              information ends 2 s after the first of anything shown
the driver's mute switch   -> silent until the next cue; request: a cue of what is shown
"""

from . import codes, hmi_rules, params
from .params import NEVER_MS, NONE
from .support import HOLD


class Hmi:
    """What the outputs were last told. `until_ms`: what has ended is still shown, at most so long; or NONE."""

    def __init__(self, information_sound):
        self.level = codes.LEVEL_NONE
        self.colour = codes.COLOUR_NONE
        self.function = codes.FUNCTION_NONE
        self.direction = 0
        self.sound = codes.SOUND_NONE
        self.light = codes.LIGHT_OFF
        self.text = codes.TEXT_NONE
        self.cue = 0
        self.muted = 0
        self.until_ms = NONE
        self._information_sound = information_sound
        self._began_ms = NEVER_MS  # when this level, function and side began
        self._dark_ms = NEVER_MS  # when nothing was shown last

    def update(self, primary, pool, now_ms, by_ego):
        """Follow the primary support and the sides of all presented of its function; True when that is news.

        `by_ego`: a support was ended by ego's own act since the last call.
        """
        self.until_ms = NONE
        if primary is None:
            level, function, direction = codes.LEVEL_NONE, codes.FUNCTION_NONE, 0
            text = codes.TEXT_NONE
        else:
            level, function, direction = primary.level, primary.function, primary.direction
            for support in pool:
                if support.presented and support.state != HOLD and support.function == function:
                    direction |= support.direction
            held = primary.state == HOLD
            text = hmi_rules.HELD_TEXT if held else hmi_rules.text_of(function, level, direction)
        if level < self.level and not by_ego:
            lasts = level or self.level > codes.LEVEL_INFORMATION  # information has its 2 s from the first of it [D15]
            began_ms = self._began_ms if lasts else self._dark_ms
            left_ms = began_ms + params.MINIMUM_PRESENTATION_MS - now_ms
            if left_ms > 0:
                self.until_ms = now_ms + left_ms
                return False
        rises = level > self.level
        other = function != self.function or direction & ~self.direction or self.text == hmi_rules.HELD_TEXT != text
        if level == self.level and function == self.function and direction == self.direction and text == self.text:
            return False
        self.cue = 1 if level and (rises or (level == self.level and other)) else 0
        if self.level == codes.LEVEL_NONE:
            self._dark_ms = now_ms
        if self.cue or level != self.level:
            self._began_ms = now_ms
            self.muted = 0
        self.level, self.function = level, function
        self.direction, self.text = direction, text
        self.colour, self.light = hmi_rules.LEVELS[level][0], hmi_rules.LEVELS[level][1]
        self.sound = hmi_rules.sound_of(function, level, self._information_sound)
        return True

    def mute(self):
        """The driver wants silence; True when there was a sound to silence."""
        if self.sound == codes.SOUND_NONE or self.muted:
            return False
        self.cue, self.muted = 0, 1
        return True

    def repeat(self):
        """The driver wants to be told again; True when there is something to tell."""
        if self.level == codes.LEVEL_NONE:
            return False
        self.cue, self.muted = 1, 0
        return True

    def rebase(self, offset_ms):
        """Take an offset off every stored time."""
        self._began_ms = max(self._began_ms - offset_ms, NEVER_MS)
        self._dark_ms = max(self._dark_ms - offset_ms, NEVER_MS)
        if self.until_ms != NONE:
            self.until_ms -= offset_ms
