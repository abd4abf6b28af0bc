"""A tone found in the edges of a line: of the buzzer's own line, or of a microphone's comparator.

Only rising edges count, so that the width of the pulses (the volume) does not matter; those that follow a fall too
closely for any tone are bounce. A tone is there once enough periods in a row are alike; it began with the
first of its edges, and it is over when no edge has come for some periods.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final

TONES_HZ: Final = (500, 1000, 2000)  # information, caution, warning
_NEAR: Final = 0.15  # a measured frequency within so much of one of them is that tone
_LEAST_EDGES: Final = 6  # in a row, rising, that make a tone: 5 periods
_ALIKE: Final = (0.6, 1.6)  # of the median period
_LOW_NS: Final = 100_000  # the line is low for longer than this between the pulses of every tone
_LONGEST_NS: Final = 10_000_000  # of a period: what is slower is no tone
_OVER_PERIODS: Final = 8  # without an edge; a software PWM stumbles for less
_KEPT: Final = 512  # periods that the figures of a long tone are made of


@dataclass(frozen=True, slots=True)
class ToneChange:
    """A tone began (`hz` above 0) or is over. `t_ns`: its first edge, or its last. `measured_hz`: before rounding."""

    t_ns: int
    hz: int
    measured_hz: float = 0.0
    jitter_us: float = 0.0  # median deviation of the periods from their median
    periods: int = 0


class ToneFinder:
    """Edges in, changes out; times are nanoseconds of any one clock and must not run back."""

    def __init__(self, tones_hz: Iterable[int] = TONES_HZ) -> None:
        self._tones_hz = tuple(tones_hz)
        self._edges: list[int] = []  # rising, of the run that may be or is a tone
        self._fell_ns: int | None = None
        self._period_ns = 0.0  # of the tone that is there; 0: silence
        self._bounced = self._count = 0

    @property
    def bounced(self) -> int:
        """Rising edges that were chatter."""
        return self._bounced

    def edge(self, t_ns: int, level: int) -> list[ToneChange]:
        """One edge of the line."""
        out = self.quiet(t_ns)
        if not level:
            self._fell_ns = t_ns
            return out
        if self._fell_ns is not None and t_ns - self._fell_ns < _LOW_NS:
            self._bounced += 1
            return out
        if not self._edges:
            self._count = 0
        self._edges.append(t_ns)
        self._count += 1
        del self._edges[:-_KEPT]
        if self._period_ns:
            return out + self._changed()
        self._edges = self._run()
        if len(self._edges) >= _LEAST_EDGES:
            out.append(self._told(self._edges[0], self._edges))
        return out

    def quiet(self, now_ns: int) -> list[ToneChange]:
        """What the time since the last edge tells."""
        if not self._edges:
            return []
        last_ns = self._edges[-1]
        if not self._period_ns:
            if now_ns - last_ns > _LONGEST_NS:
                self._edges.clear()  # single edges are no tone
            return []
        if now_ns - last_ns <= _OVER_PERIODS * self._period_ns:
            return []
        _hz, jitter_us = _figures(self._edges)
        over = ToneChange(last_ns, 0, 0.0, jitter_us, self._count - 1)
        self._edges, self._period_ns = [], 0.0
        return [over]

    def _run(self) -> list[int]:
        """The last edges whose periods are alike; a pause or a stray edge before them is left out."""
        edges = self._edges[-_LEAST_EDGES:]
        while len(edges) > 2:
            periods = [b - a for a, b in pairwise(edges)]
            middle = median(periods)
            odd = [at for at, one in enumerate(periods) if not _ALIKE[0] * middle <= one <= _ALIKE[1] * middle]
            if not odd:
                break
            edges = edges[odd[0] + 1 :]
        return edges

    def _changed(self) -> list[ToneChange]:
        """Another tone that follows without a pause."""
        recent = self._edges[-_LEAST_EDGES:]
        if len(recent) < _LEAST_EDGES:
            return []
        periods = [b - a for a, b in pairwise(recent)]
        low, high = _ALIKE
        if all(low * self._period_ns <= one <= high * self._period_ns for one in periods):
            return []
        middle = median(periods)
        alike = all(low * middle <= one <= high * middle for one in periods)
        if not alike or low * self._period_ns <= middle <= high * self._period_ns:
            return []
        self._edges, self._count = recent, len(recent)
        return [self._told(recent[0], recent)]

    def _told(self, t_ns: int, edges: list[int]) -> ToneChange:
        measured_hz, jitter_us = _figures(edges)
        self._period_ns = 1e9 / measured_hz
        near = [hz for hz in self._tones_hz if abs(measured_hz - hz) <= _NEAR * hz]
        return ToneChange(t_ns, near[0] if near else round(measured_hz), measured_hz, jitter_us, len(edges) - 1)


def _figures(edges: list[int]) -> tuple[float, float]:
    """Frequency in Hz by the median period, and the median deviation of the periods in us."""
    periods = [b - a for a, b in pairwise(edges)]
    middle = median(periods)
    return 1e9 / middle, median([abs(one - middle) for one in periods]) / 1000
