"""Lamps and buzzer: what the core tells the driver and of the unit, played by `asvcore.pattern`.

Edges alone are written.

`leds`: pins in the order of `pins.LAMPS`, each with `value(level)`; `buzzer`: a PWM with `freq(hz)` and
`duty_u16(duty)`. Nothing is allocated. A write that fails raises: what the pins then show is not known, and `tick`
writes them all anew after `forget`.
"""

import math

from asvcore import codes, pattern
from asvcore.params import NEVER_MS

from .pins import LAMPS

SELF_TEST_MS = 1000
_FULL = 65535
_SOUNDS = 4
_UNKNOWN = -1

SYSTEM, RECEIVING, FAULT = 1, 2, 4  # bits of a mask of lamps, by their places in LAMPS
LEFT, RIGHT = 1 << LAMPS.index("left"), 1 << LAMPS.index("right")
ALL = (1 << len(LAMPS)) - 1
LEVELS = (0, 8, 16, 32)  # by LEVEL_ code
SIDES = (0, LEFT, RIGHT, LEFT | RIGHT)  # by DIRECTION_ bits


def duty_u16(volume_percent):
    """The part of a period that a rectangle's tone of this sound pressure is high: its pressure is sin(pi part)."""
    if volume_percent <= 0:
        return 0
    percent = max(1, math.ceil(100 * math.asin(min(100, volume_percent) / 100) / math.pi))
    return _FULL * percent // 100


class Lights:
    """Dark and silent until told. `tick` alone writes; the others say what it is to write."""

    def __init__(self, leds, buzzer, volume_percent=100):
        self.lit = 0  # mask of lamps that are to be lit
        self.hz = 0  # tone that is to sound
        self.writes = 0
        self.testing = False
        self._leds = leds
        self._buzzer = buzzer
        self._duties = [duty_u16(pattern.volume_percent(sound) * volume_percent // 100) for sound in range(_SOUNDS)]
        self._written = _UNKNOWN  # mask as the pins have it
        self._written_hz = self._written_duty = _UNKNOWN
        self._system = 0
        self._level = codes.LEVEL_NONE
        self._sides = 0
        self._light, self._sound = codes.LIGHT_OFF, codes.SOUND_NONE
        self._lit_ms = self._sounded_ms = self._tested_ms = NEVER_MS

    def hmi(self, level, direction, sound, light, cue, muted, now_ms):
        """The driver is told something else from now on: fields of an HMI record."""
        self._level = level
        self._sides = SIDES[direction & 3]
        if level != codes.LEVEL_NONE:
            self.testing = False  # support goes before the self-test
        if cue or light != self._light:
            self._light = light
            self._lit_ms = now_ms
        if cue:
            self._sound = sound
            self._sounded_ms = now_ms
        elif muted or sound != self._sound:
            self._sound = codes.SOUND_NONE  # what falls or ends, ends silently

    def system(self, on, receiving, fault):
        """The unit's own lamps."""
        self._system = (SYSTEM if on else 0) | (RECEIVING if receiving else 0) | (FAULT if fault else 0)

    def self_test(self, now_ms):
        """All lamps for a second, and a short tone, unless something is told."""
        if self._level == codes.LEVEL_NONE:
            self.testing = True
            self._tested_ms = now_ms

    def dark(self):
        """All off and silent, as before the first record."""
        self._system = self._sides = 0
        self._level = codes.LEVEL_NONE
        self._light, self._sound = codes.LIGHT_OFF, codes.SOUND_NONE
        self.testing = False

    def tick(self, now_ms):
        """What is to be lit and to sound by now, written where it differs from what is."""
        if self.testing and now_ms - self._tested_ms >= SELF_TEST_MS:
            self.testing = False
        if self.testing:
            lit, sound, began_ms = ALL, codes.SOUND_INFORMATION, self._tested_ms
        else:
            lit = self._system | self._sides
            if pattern.lit(self._light, now_ms - self._lit_ms):
                lit |= LEVELS[self._level]
            sound, began_ms = self._sound, self._sounded_ms
        self.lit = lit
        self.hz = pattern.tone_hz(sound, now_ms - began_ms)
        if lit != self._written:
            self._write(lit)
        duty = self._duties[sound] if self.hz else 0
        if duty != self._written_duty or (duty and self.hz != self._written_hz):
            self._tone(self.hz, duty)

    def forget(self):
        """What the pins show is not known: the next `tick` writes all."""
        self._written = self._written_hz = self._written_duty = _UNKNOWN

    def rebase(self, offset_ms):
        """Take an offset off every stored time."""
        self._lit_ms = max(self._lit_ms - offset_ms, NEVER_MS)
        self._sounded_ms = max(self._sounded_ms - offset_ms, NEVER_MS)
        self._tested_ms = max(self._tested_ms - offset_ms, NEVER_MS)

    def _write(self, lit):
        leds, written = self._leds, self._written
        for index in range(len(leds)):
            bit = 1 << index
            if written == _UNKNOWN or (lit ^ written) & bit:
                leds[index].value(1 if lit & bit else 0)
                self.writes += 1
        self._written = lit

    def _tone(self, hz, duty):
        buzzer = self._buzzer
        if duty and hz != self._written_hz:
            buzzer.freq(hz)
            self._written_hz = hz
        buzzer.duty_u16(duty)
        self._written_duty = duty
        self.writes += 1
