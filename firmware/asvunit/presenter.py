"""From what the unit says to what the driver sees and hears: the core's rules, played on the unit's clock; no I/O.

Events become `Shown`, which goes to every output at once, so that sound and light begin together
[G appendix 2]. Patterns run on the caller's clock: `due_ns` says when light or sound changes next, as an absolute
time, and a `tick` that comes late goes on where the pattern is by then. Nothing drifts, nothing catches up.
An output that fails keeps none of the others waiting: it is told again at the next change, and each second.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from asvcore import codes, pattern
from asvcore.params import NONE
from asvunit.events import Event
from asvunit.ports import Outputs, Shown
from asvunit.words import CODES, WORDS

RETRY_NS: Final = 1_000_000_000  # until a failed output is told again, if nothing changes before
SELF_TEST_NS: Final = 1_000_000_000
_MS: Final = 1_000_000

LEVELS: Final = tuple(word for _code, word in sorted(WORDS["LEVEL"].items()))  # rising; a level's lamp has its name
SYSTEM: Final = ("system", "receiving", "fault")  # lamps of the unit itself
DIRECTIONS: Final[dict[str | None, frozenset[str]]] = {
    None: frozenset(),
    "left": frozenset({"left"}),
    "right": frozenset({"right"}),
    "both": frozenset({"left", "right"}),
}
LAMPS: Final = frozenset({*SYSTEM, *LEVELS[1:], *DIRECTIONS["both"]})
_SELF_TEST_SOUND: Final = codes.SOUND_INFORMATION  # one short soft tone


class Presenter:
    """Shows what the unit says on every output; its methods are True if an output showed it.

    `down`: the outputs that cannot show just now, and why; `failures` counts by output. Outputs go by their
    attribute `name`, else by their class. `volume_percent` of the buzzer, over the levels' own.
    """

    def __init__(self, outputs: Sequence[Outputs], volume_percent: int = 100) -> None:
        self.failures: Counter[str] = Counter()
        self.down: dict[str, str] = {}
        self._outputs = _named(outputs)
        self._volume_percent = volume_percent
        self._said = Shown()  # by the last hmi event, without lamps and tone
        self._system: frozenset[str] = frozenset()  # lamps
        self._notes: tuple[str, ...] = ()
        self._figures = ""
        self._light, self._sound = codes.LIGHT_OFF, codes.SOUND_NONE  # that are played
        self._lit_ns = self._sounded_ns = 0  # when they began
        self._tested_ns: int | None = None  # when the self-test began
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

    @property
    def testing(self) -> bool:
        """Whether the self-test is under way."""
        return self._tested_ns is not None

    def counters(self) -> dict[str, Counter[str]]:
        """What each output could not do, by reason."""
        own = {name: Counter(getattr(output, "counters", {})) for name, output in self._outputs.items()}
        return {name: counts + Counter({"failed": self.failures[name]}) for name, counts in own.items()}

    def written_ns(self) -> tuple[int, int]:
        """When a lamp and when the tone was last written, by the outputs that can tell; 0: never."""
        outputs = self._outputs.values()
        lit = max((int(getattr(one, "lit_ns", 0)) for one in outputs), default=0)
        return lit, max((int(getattr(one, "sounded_ns", 0)) for one in outputs), default=0)

    def hmi(self, event: Event, time_ns: int) -> bool:
        """An event of kind "hmi": the driver is told something else from now on."""
        self._advance(time_ns)
        keys = ("level", "colour", "function", "direction", "text", "text_id", "light", "muted")
        self._said = Shown(*(event[key] for key in keys))
        if event["level"] != "none":
            self._tested_ns = None  # support goes before the self-test
        light, sound = CODES["LIGHT"][event["light"]], CODES["SOUND"][event["sound"]]
        if event["cue"] or light != self._light:
            self._light, self._lit_ns = light, self._time_ns
        if event["cue"]:
            self._sound, self._sounded_ns = sound, self._time_ns
        elif event["muted"] or sound != self._sound:
            self._sound = codes.SOUND_NONE  # what falls or ends, ends silently
        return self._present()

    def system(self, on: bool, receiving: bool, fault: bool, time_ns: int) -> bool:
        """The unit's own state: works, receives other vehicles, has a fault."""
        self._advance(time_ns)
        lit = zip(SYSTEM, (on, receiving, fault), strict=True)
        self._system = frozenset(name for name, is_lit in lit if is_lit)
        return self._present()

    def self_test(self, time_ns: int) -> bool:
        """All lamps for a second, and a short tone, unless something is told."""
        self._advance(time_ns)
        if self._said.level == "none":
            self._tested_ns = self._time_ns
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
        """Goes on with the patterns, and with outputs that failed."""
        self._advance(time_ns)
        return self._present()

    def due_ns(self) -> int | None:
        """When `tick` has something to do, or None: never, as things stand."""
        times = [self._retry_ns] if self.down else []
        if self._tested_ns is not None:
            elapsed_ms = (self._time_ns - self._tested_ns) // _MS
            times.append(self._tested_ns + SELF_TEST_NS)
            _add(times, self._tested_ns, pattern.next_sound_ms(_SELF_TEST_SOUND, elapsed_ms))
        elif self._light != codes.LIGHT_OFF:
            _add(times, self._lit_ns, pattern.next_light_ms(self._light, (self._time_ns - self._lit_ns) // _MS))
            _add(times, self._sounded_ns, pattern.next_sound_ms(self._sound, self._sounded_ms()))
        return min(times, default=None)

    def dark(self, time_ns: int) -> bool:
        """All lamps off and silent, as before the first event."""
        self._advance(time_ns)
        self._said, self._system, self._tested_ns = Shown(), frozenset(), None
        self._light, self._sound = codes.LIGHT_OFF, codes.SOUND_NONE
        self._notes, self._figures = (), ""
        return self._present()

    def _sounded_ms(self) -> int:
        return (self._time_ns - self._sounded_ns) // _MS

    def _advance(self, time_ns: int) -> None:
        self._time_ns = max(time_ns, self._time_ns)
        if self._tested_ns is not None and self._time_ns - self._tested_ns >= SELF_TEST_NS:
            self._tested_ns = None

    def _present(self) -> bool:
        shown = replace(self._said, figures=self._figures, notes=self._notes)
        shown = replace(shown, **(self._played() if self._tested_ns is None else self._test(self._tested_ns)))
        changed, self._shown = shown != self._shown, shown
        if not changed and not (self.down and self._time_ns >= self._retry_ns):
            return False
        showed = [self._show(name) for name in self._outputs if changed or name in self.down]
        if self.down:
            self._retry_ns = self._time_ns + RETRY_NS
        return any(showed)

    def _played(self) -> Event:
        """Lamps and tone by the patterns, now."""
        lit = pattern.lit(self._light, (self._time_ns - self._lit_ns) // _MS)
        lamps = self._system | DIRECTIONS[self._said.direction] | ({self._said.level} - {"none"} if lit else set())
        return {"lamps": lamps, **self._tone(self._sound, self._sounded_ms())}

    def _test(self, began_ns: int) -> Event:
        return {"lamps": LAMPS, **self._tone(_SELF_TEST_SOUND, (self._time_ns - began_ns) // _MS)}

    def _tone(self, sound: int, elapsed_ms: int) -> Event:
        hz = pattern.tone_hz(sound, elapsed_ms)
        volume = pattern.volume_percent(sound) * self._volume_percent // 100 if hz else 100
        return {"tone_hz": hz, "volume_percent": volume}

    def _show(self, name: str) -> bool:
        try:
            self._outputs[name].show(self._shown)
        except OSError as error:
            self.failures[name] += 1
            self.down[name] = error.strerror or str(error) or type(error).__name__
            return False
        self.down.pop(name, None)
        return True


def _add(times: list[int], began_ns: int, after_ms: int) -> None:
    if after_ms != NONE:
        times.append(began_ns + after_ms * _MS)


def _named(outputs: Sequence[Outputs]) -> dict[str, Outputs]:
    named: dict[str, Outputs] = {}
    for output in outputs:
        name = str(getattr(output, "name", type(output).__name__))
        named[name if name not in named else f"{name}_{len(named) + 1}"] = output
    return named
