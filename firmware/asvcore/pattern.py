"""Plays light and sound by the rules' tables: what is lit and sounds so many ms after their begin. No state, no clock.

A caller that comes late goes on where the pattern is by then: nothing drifts, nothing catches up. Between two edges
nothing changes; `next_light_ms` and `next_sound_ms` say when the next is.
"""

from . import codes
from .hmi_rules import FOR_GOOD, LIGHTS, SOUNDS
from .params import NONE


def lit(light, elapsed_ms):
    """True while the lamp of a level with this LIGHT_ is on."""
    if light == codes.LIGHT_OFF:
        return False
    on_ms, off_ms, times = LIGHTS[light]
    return on_ms == 0 or _over(on_ms, off_ms, times, elapsed_ms) or elapsed_ms % (on_ms + off_ms) < on_ms


def tone_hz(sound, elapsed_ms):
    """The tone of a SOUND_; 0: silent."""
    hz, on_ms, off_ms, times, _volume = SOUNDS[sound]
    if hz == 0 or _over(on_ms, off_ms, times, elapsed_ms):
        return 0
    return hz if elapsed_ms % (on_ms + off_ms) < on_ms else 0


def volume_percent(sound):
    """Of the sound pressure of a SOUND_."""
    return SOUNDS[sound][4]


def next_light_ms(light, elapsed_ms):
    """When after its begin a light changes next, or NONE: it stays as it is."""
    on_ms, off_ms, times = LIGHTS[light]
    return _next(on_ms, off_ms, times, elapsed_ms)


def next_sound_ms(sound, elapsed_ms):
    """When after its begin a sound changes next, or NONE: it is over."""
    _hz, on_ms, off_ms, times, _volume = SOUNDS[sound]
    if times != FOR_GOOD and elapsed_ms >= times * (on_ms + off_ms) - off_ms:
        return NONE  # the pause after the last tone is silence anyway
    return _next(on_ms, off_ms, times, elapsed_ms)


def _over(on_ms, off_ms, times, elapsed_ms):
    return times != FOR_GOOD and elapsed_ms >= times * (on_ms + off_ms)


def _next(on_ms, off_ms, times, elapsed_ms):
    if on_ms == 0 or _over(on_ms, off_ms, times, elapsed_ms):
        return NONE
    phase_ms = elapsed_ms % (on_ms + off_ms)
    return elapsed_ms - phase_ms + (on_ms if phase_ms < on_ms else on_ms + off_ms)
