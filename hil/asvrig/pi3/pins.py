"""The unit's lamps and buzzer at the pins of the emulated chip, and the driver's switches, by QEMU's qtest line.

Its outputs outlive a unit that was killed, as a real chip's do; when the
power is cut they are all low.
"""

import threading
import time
from collections import deque
from typing import Final

from asvrig.latency.light import LightFinder
from asvrig.latency.probes import BUZZER, Seen, SeenList
from asvrig.pi3.qtest import Qtest
from asvrig.pi3.stumbling_tone import StumblingTone
from asvunit.errors import AsvkitError, UsageError
from asvunit.pins import PinMap

_LOOK_S: Final = 0.004
_LATE_NS: Final = 30_000_000  # an edge may be under way: silence is judged so much later than it is
_EDGES: Final = 200_000  # of the buzzer that are kept: 100 s of the highest tone


class PinProbe(SeenList):
    """`latency.probes.Probe` of all lamps and the buzzer."""

    by = "edge"

    def __init__(self, pins: PinMap) -> None:
        super().__init__()
        self._names = {pin: name for name, pin in pins.lamps.items()}
        self._buzzer = pins.buzzer.pwm
        self._lights = {pin: LightFinder() for pin in self._names}
        self._tone = StumblingTone()
        self._rising: deque[int] = deque(maxlen=_EDGES)
        self._last_ns = 0
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pins", daemon=True)

    def start(self) -> None:
        """From now on."""
        self._thread.start()

    def close(self) -> None:
        """May be called twice."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def mean_hz(self, from_ns: int, until_ns: int) -> float:
        """Of the buzzer's edges between two times: periods by the time they took; 0 where there are not two."""
        with self._lock:
            edges = [one for one in self._rising if from_ns <= one <= until_ns]
        return (len(edges) - 1) * 1e9 / (edges[-1] - edges[0]) if len(edges) > 1 else 0.0

    def edge(self, pin: int, t_ns: int, level: int) -> None:
        """From the line."""
        with self._lock:
            self._take(pin, t_ns, level)

    def dark(self) -> None:
        """The power went: whatever was lit is not any more."""
        with self._lock:
            for pin in (*self._names, self._buzzer):
                self._take(pin, time.monotonic_ns(), 0)

    def _run(self) -> None:
        while not self._ended.wait(_LOOK_S):
            with self._lock:
                now_ns = self._now_ns() - _LATE_NS
                for pin in (*self._names, self._buzzer):
                    self._take(pin, now_ns, None)

    def _take(self, pin: int, t_ns: int, level: int | None) -> None:
        self._last_ns = t_ns = max(t_ns, self._last_ns)  # finders want times that do not run back
        if pin == self._buzzer:
            if level:
                self._rising.append(t_ns)
            told = self._tone.quiet(t_ns) if level is None else self._tone.edge(t_ns, level)
            found = [Seen(one.t_ns, pin, BUZZER, int(one.hz > 0), one.hz, self.by) for one in told]
        elif pin in self._lights:
            light = self._lights[pin]
            changes = light.quiet(t_ns) if level is None else light.edge(t_ns, level)
            found = [Seen(one.t_ns, pin, self._names[pin], one.value, 0, self.by) for one in changes]
        else:
            return
        if found:
            self._add(*found)


class PinSwitches:
    """`targets.target.Switches`: to ground, so low is pressed."""

    def __init__(self, pins: PinMap) -> None:
        self._pins = dict(pins.switches)
        self.line: Qtest | None = None

    def press(self, name: str, value: int) -> int:
        """UsageError for a switch that the pin map does not name."""
        pin = self._pins.get(name)
        if pin is None:
            raise UsageError(f"switch {name!r}: not in the pin map; there is {', '.join(self._pins)}")
        if self.line is None:
            raise AsvkitError(f"switch {name!r}: the emulated Pi is off")
        return self.line.drive(pin, 1 - value)

    def release(self) -> None:
        """All of them; the emulated chip has no pull-ups."""
        for name in self._pins:
            self.press(name, 0)
