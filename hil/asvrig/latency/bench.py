"""The measurement: one sample after another, each fired at a random phase, and what was seen of it.

Times of firing are absolute: their phase within 100 ms is drawn evenly, so that it is even against the unit's cycle
too, whose grid is of the same clock and period, wherever it lies. A sample that is not seen in time is one: it is
kept as missing.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from asvrig.latency.car import MS, PERIOD_NS
from asvrig.latency.light import LightChange, pattern
from asvrig.latency.probes import BUZZER, Probe, Seen
from asvrig.latency.stimuli import Stimulus
from asvunit.errors import AsvkitError

TIMEOUT_S: Final = 1.5
_STILL_NS: Final = 250 * MS  # dark and silent for longer than a pause of any pattern
_RESET_NS: Final = 6_000 * MS
_RESETS: Final = 3
_LOOK_NS: Final = 3_000 * MS
_SPIN_NS: Final = MS


@dataclass(slots=True)
class Sample:
    """One stimulus. Times by CLOCK_MONOTONIC; None: was not seen in time, or is not looked for.

    `early`: light or sound was there before the stimulus, by something else: the sample tells nothing.
    """

    number: int
    sent_ns: int
    light_ns: int | None = None
    sound_ns: int | None = None
    early: bool = False


@dataclass(slots=True)
class Samples:
    """All of a run. `light` and `sound`: the names that were looked for; None: not by this probe or stimulus."""

    light: str | None
    sound: str | None
    all: list[Sample] = field(default_factory=list)
    ended: str = ""  # why before its time


def looked_for(stimulus: type[Stimulus], probe_names: frozenset[str] | None) -> tuple[str | None, str | None]:
    """The lamp and the buzzer that this stimulus changes and the probe can see."""
    light = stimulus.lamp if probe_names is None or stimulus.lamp in probe_names else None
    sound = BUZZER if stimulus.sounds and (probe_names is None or BUZZER in probe_names) else None
    return light, sound


class Bench:
    """Takes samples of a running unit. `alive` raises AsvkitError when the unit has ended."""

    def __init__(
        self, stimulus: Stimulus, probe: Probe, seed: int, alive: Callable[[], None], timeout_s: float = TIMEOUT_S
    ) -> None:
        self._stimulus, self._probe, self._alive = stimulus, probe, alive
        self._random = random.Random(seed)  # noqa: S311
        self._timeout_ns = round(timeout_s * 1e9)
        self.samples = Samples(*looked_for(type(stimulus), probe.names))

    def run(self, count: int, told: Callable[[Samples], Any] = lambda _samples: None) -> Samples:
        """So many samples; `told` is called after each. Ctrl-C and a unit that ends leave those that were taken."""
        try:
            for number in range(count):
                self._alive()
                self.samples.all.append(self._sample(number))
                told(self.samples)
                if not self._reset():
                    self.samples.ended = "the light does not go out again: something else lights it"
                    break
        except KeyboardInterrupt:
            self.samples.ended = "interrupted"
        except AsvkitError as error:
            self.samples.ended = str(error)
        return self.samples

    def look(self, number: int) -> dict[str, Any]:
        """One stimulus more, held for some seconds, outside of the samples: what light and sound do then.

        `light`: a word of `light.pattern`; `tones_hz`: the tones that were heard.
        """
        stimulus, probe = self._stimulus, self._probe
        stimulus.arm(number)
        wait_until(time.monotonic_ns() + stimulus.armed_ns)
        sent_ns = stimulus.fire()
        wait_until(sent_ns + _LOOK_NS)
        seen = [one for one in probe.seen if one.t_ns >= sent_ns]
        stimulus.reset(lit=True)
        told: dict[str, Any] = {}
        if self.samples.light:
            changes = [LightChange(one.t_ns, one.value) for one in seen if one.name == self.samples.light]
            told["light"] = pattern(changes, sent_ns + _LOOK_NS)
        if self.samples.sound:
            told["tones_hz"] = sorted({one.hz for one in seen if one.name == self.samples.sound and one.hz})
        return told

    def _sample(self, number: int) -> Sample:
        stimulus, probe = self._stimulus, self._probe
        armed_ns = time.monotonic_ns()
        stimulus.arm(number)
        due_ns = at_phase(time.monotonic_ns() + stimulus.armed_ns, self._random.randrange(PERIOD_NS))
        stimulus.plan(due_ns)
        wait_until(due_ns)
        probe.skip()
        sample = Sample(number, stimulus.fire())
        until_ns = sample.sent_ns + self._timeout_ns
        sample.light_ns = self._first(self.samples.light, sample.sent_ns, until_ns)
        sample.sound_ns = self._first(self.samples.sound, sample.sent_ns, until_ns)
        sample.early = probe.lit_between((self.samples.light, self.samples.sound), armed_ns, sample.sent_ns)
        return sample

    def _first(self, name: str | None, since_ns: int, until_ns: int) -> int | None:
        def wanted(one: Seen) -> bool:
            return one.name == name and bool(one.value) and one.t_ns >= since_ns

        seen = self._probe.wait(wanted, until_ns) if name else None
        return seen.t_ns if seen else None

    def _reset(self) -> bool:
        """Whether it is dark and silent again."""
        names = [name for name in (self.samples.light, self.samples.sound) if name]
        last = self.samples.all[-1]
        lit = last.light_ns is not None or last.sound_ns is not None
        for _ in range(_RESETS):
            self._stimulus.reset(lit)
            until_ns = time.monotonic_ns() + _RESET_NS // _RESETS
            if all(self._probe.wait_still(name, _STILL_NS, until_ns) for name in names):
                return True
            lit = True
        return False


def at_phase(from_ns: int, phase_ns: int) -> int:
    """The first time from then on that lies so far after a whole multiple of 100 ms."""
    return from_ns + (phase_ns - from_ns) % PERIOD_NS


def wait_until(due_ns: int) -> None:
    """Sleeps until just before, then looks at the clock."""
    left_ns = due_ns - time.monotonic_ns() - _SPIN_NS
    if left_ns > 0:
        time.sleep(left_ns / 1e9)
    while time.monotonic_ns() < due_ns:
        pass
