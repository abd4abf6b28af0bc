"""From what the unit says to what the driver sees and hears: rules and patterns of sound, no I/O.

Events become `Shown`, which goes to every output at once, so that sound and light begin together
[G appendix 2]. Patterns run on the caller's clock: `due_ns` says when the sound changes next, as an absolute
time, and a `tick` that comes late goes on where the pattern is by then. Nothing drifts, nothing catches up.
An output that fails keeps none of the others waiting: it is told again at the next change, and each second.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from asvunit.events import Event
from asvunit.ports import Outputs, Shown

RETRY_NS: Final = 1_000_000_000  # until a failed output is told again, if nothing changes before
_MS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Pattern:
    """A sound: tone and pause, so many times. It is over with its last tone; the pause after it is silence anyway."""

    hz: int
    on_ns: int
    off_ns: int
    repeats: int

    def over(self, elapsed_ns: int) -> bool:
        """Whether the last tone has ended."""
        return elapsed_ns >= self.repeats * (self.on_ns + self.off_ns) - self.off_ns

    def tone_hz(self, elapsed_ns: int) -> int:
        """The tone at a time since the beginning; 0: silent."""
        sounding = elapsed_ns % (self.on_ns + self.off_ns) < self.on_ns
        return self.hz if sounding and not self.over(elapsed_ns) else 0

    def next_ns(self, elapsed_ns: int) -> int:
        """When, since the beginning, it changes next."""
        phase_ns = elapsed_ns % (self.on_ns + self.off_ns)
        edge_ns = self.on_ns if phase_ns < self.on_ns else self.on_ns + self.off_ns
        return elapsed_ns - phase_ns + edge_ns


# Levels differ in frequency and interval [G appendix 2]; caution fills the two seconds of the least presentation [D14]
SOUNDS: Final[dict[str, Pattern | None]] = {
    "none": None,
    "caution": Pattern(hz=1000, on_ns=200 * _MS, off_ns=200 * _MS, repeats=5),
}
LEVELS: Final = ("none", "information", "caution", "warning")  # rising; a level's lamp has its name
DIRECTIONS: Final[dict[str | None, frozenset[str]]] = {
    None: frozenset(),
    "left": frozenset({"left"}),
    "right": frozenset({"right"}),
    "both": frozenset({"left", "right"}),
}


class Presenter:
    """Shows what the unit says on every output; its methods are True if an output showed it.

    `down`: the outputs that cannot show just now, and why; `failures` counts by output. Outputs go by their
    attribute `name`, else by their class.
    """

    def __init__(self, outputs: Sequence[Outputs]) -> None:
        self.failures: Counter[str] = Counter()
        self.down: dict[str, str] = {}
        self._outputs = _named(outputs)
        self._said = Shown()  # by the last hmi event, without lamps and tone
        self._sound = "none"
        self._system: frozenset[str] = frozenset()  # lamps
        self._notes: tuple[str, ...] = ()
        self._figures = ""
        self._pattern: Pattern | None = None
        self._began_ns = 0
        self._time_ns = 0
        self._retry_ns = 0
        self._shown = Shown()

    @property
    def outputs(self) -> list[str]:
        """The names of all outputs."""
        return list(self._outputs)

    @property
    def shown(self) -> Shown:
        """What the driver is to see and hear now."""
        return self._shown

    def counters(self) -> dict[str, Counter[str]]:
        """What each output could not do, by reason."""
        own = {name: Counter(getattr(output, "counters", {})) for name, output in self._outputs.items()}
        return {name: counts + Counter({"failed": self.failures[name]}) for name, counts in own.items()}

    def hmi(self, event: Event, time_ns: int) -> bool:
        """An event of kind "hmi": the driver is told something else from now on."""
        self._advance(time_ns)
        before, sound_before = self._said, self._sound
        self._said = said = Shown(*(event[key] for key in ("level", "colour", "function", "direction", "text")))
        self._sound = event["sound"]
        rise = LEVELS.index(said.level) - LEVELS.index(before.level)
        if rise < 0 or self._sound == "none":
            self._pattern = None
        if (
            rise > 0
            or said.function != before.function
            or DIRECTIONS[said.direction] - DIRECTIONS[before.direction]
            or sound_before == "none"
        ) and self._sound != "none":
            self._pattern, self._began_ns = SOUNDS[self._sound], self._time_ns
        return self._present()

    def system(self, on: bool, receiving: bool, fault: bool, time_ns: int) -> bool:
        """The unit's own state: works, receives other vehicles, has a fault."""
        self._advance(time_ns)
        lamps = {"system": on, "receiving": receiving, "fault": fault}
        self._system = frozenset(name for name, lit in lamps.items() if lit)
        return self._present()

    def notes(self, notes: tuple[str, ...], time_ns: int) -> bool:
        """What is wrong with the unit's inputs, in words."""
        self._advance(time_ns)
        self._notes = notes
        return self._present()

    def figures(self, figures: str, time_ns: int) -> bool:
        """What is heard, in words."""
        self._advance(time_ns)
        self._figures = figures
        return self._present()

    def tick(self, time_ns: int) -> bool:
        """Goes on with the pattern, and with outputs that failed."""
        self._advance(time_ns)
        return self._present()

    def due_ns(self) -> int | None:
        """When `tick` has something to do, or None: never, as things stand."""
        if self._pattern is None and not self.down:
            return None
        times = [self._retry_ns] if self.down else []
        if self._pattern is not None:
            times.append(self._began_ns + self._pattern.next_ns(self._time_ns - self._began_ns))
        return min(times, default=None)

    def dark(self, time_ns: int) -> bool:
        """All lamps off and silent, as before the first event."""
        self._advance(time_ns)
        self._said, self._sound, self._system, self._pattern = Shown(), "none", frozenset(), None
        self._notes, self._figures = (), ""
        return self._present()

    def _advance(self, time_ns: int) -> None:
        self._time_ns = max(time_ns, self._time_ns)
        if self._pattern is not None and self._pattern.over(self._time_ns - self._began_ns):
            self._pattern = None

    def _present(self) -> bool:
        level = {self._said.level} - {"none"}
        tone_hz = self._pattern.tone_hz(self._time_ns - self._began_ns) if self._pattern else 0
        lamps = self._system | DIRECTIONS[self._said.direction] | level
        shown = replace(self._said, lamps=lamps, tone_hz=tone_hz, figures=self._figures, notes=self._notes)
        changed, self._shown = shown != self._shown, shown
        if not changed and not (self.down and self._time_ns >= self._retry_ns):
            return False
        showed = [self._show(name) for name in self._outputs if changed or name in self.down]
        if self.down:
            self._retry_ns = self._time_ns + RETRY_NS
        return any(showed)

    def _show(self, name: str) -> bool:
        try:
            self._outputs[name].show(self._shown)
        except OSError as error:
            self.failures[name] += 1
            self.down[name] = error.strerror or str(error) or type(error).__name__
            return False
        self.down.pop(name, None)
        return True


def _named(outputs: Sequence[Outputs]) -> dict[str, Outputs]:
    named: dict[str, Outputs] = {}
    for output in outputs:
        name = str(getattr(output, "name", type(output).__name__))
        named[name if name not in named else f"{name}_{len(named) + 1}"] = output
    return named
