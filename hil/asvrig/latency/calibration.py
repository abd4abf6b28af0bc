"""What the probe itself adds: an output is toggled, and seen through the very line that will see the unit's.

The unit must not run meanwhile: the lamp's or the buzzer's own pin is toggled, so that driver, wire, comparator and
kernel are those of the measurement; of a microphone, the way of the sound as well. The least of many is taken, so
that no more is ever subtracted than every sample has in it.
"""

import time
from typing import Final

from asvrig.latency.edges import Chip
from asvrig.latency.light import LightFinder
from asvrig.latency.tone import ToneFinder
from asvunit.errors import AsvkitError
from asvunit.pins import PinMap

TIMES: Final = 50
_PAUSE_S: Final = 0.1  # lit and dark; for a tone long enough to be found
_TONE_HZ: Final = 1000


def probe_offset_us(
    chip: Chip,
    pins: PinMap,
    lights: dict[str, int],
    tones: dict[str, int],
    times: int = TIMES,
    pause_s: float = _PAUSE_S,
) -> float:
    """Microseconds from the write of an output to the edge that the probe sees; AsvkitError if it sees too few."""
    (name, pin), sounds = (next(iter(tones.items())), True) if tones else (next(iter(lights.items())), False)
    output = pins.buzzer.pwm if sounds else pins.lamps.get(name, pins.buzzer.pwm)
    found: list[int] = []
    light, tone = LightFinder(), ToneFinder()

    def edge(t_ns: int, level: int) -> None:
        changes = tone.edge(t_ns, level) if sounds else light.edge(t_ns, level)
        found.extend(one.t_ns for one in changes if getattr(one, "hz", 0) or getattr(one, "value", 0))

    chip.output(output, f"{name}'s own line", 0)
    chip.watch(pin, f"bench line of {name}", edge)
    least_ns, seen = None, 0
    try:
        for _ in range(times):
            found.clear()
            begin_ns = time.monotonic_ns()
            chip.sound(output, _TONE_HZ) if sounds else chip.write(output, 1)
            time.sleep(pause_s)
            if not sounds:
                found.extend(one.t_ns for one in light.quiet(time.monotonic_ns()) if one.value)
            chip.sound(output, 0) if sounds else chip.write(output, 0)
            time.sleep(pause_s)
            after = [t_ns for t_ns in found if t_ns >= begin_ns]
            if after:
                seen += 1
                took_ns = after[0] - begin_ns
                least_ns = took_ns if least_ns is None else min(least_ns, took_ns)
            (tone.quiet if sounds else light.quiet)(time.monotonic_ns())
    finally:
        chip.unwatch(pin)
        chip.release(output)
    if least_ns is None or seen < times // 2:
        what = "tones" if sounds else "flashes"
        raise AsvkitError(
            f"--calibrate: pin {pin} saw {seen} of {times} {what} of pin {output} ({name}); "
            "look at the wire, the gain and the threshold"
        )
    return least_ns / 1000
