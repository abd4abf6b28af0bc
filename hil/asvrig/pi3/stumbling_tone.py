"""A tone found in the edges of a line whose machine stumbles: its edges come in bursts while their mean holds.

An emulated processor stands still now and then, and hurries afterwards; with it all that it does in software. So a
tone goes by how many periods there were in a while, and it is over only after a silence that no stumble makes;
`latency.tone` is stricter.
"""

from typing import Final

from asvrig.latency.tone import TONES_HZ, ToneChange

_LEAST_PERIODS: Final = 5
_WHILE_NS: Final = 90_000_000  # a tone is told after so long, or when it is over
_OTHER_NS: Final = 150_000_000  # one that follows without a pause must have been there for so long
_OVER_NS: Final = 75_000_000
_FACTOR: Final = 2**0.5  # the unit's tones are an octave apart: the nearest is meant
_STEP_HZ: Final = 10


class StumblingTone:
    """Edges in, changes out; times must not run back."""

    def __init__(self) -> None:
        self._edges: list[int] = []  # rising, since the last silence; of a tone that was told, the last while
        self._hz = 0

    def edge(self, t_ns: int, level: int) -> list[ToneChange]:
        """One edge of the line."""
        out = self.quiet(t_ns)
        if not level:
            return out
        self._edges.append(t_ns)
        if not self._hz:
            if t_ns - self._edges[0] >= _WHILE_NS:
                out += self._told()
            return out
        while t_ns - self._edges[1] > _OTHER_NS:
            del self._edges[0]
        if t_ns - self._edges[0] >= _OTHER_NS and _tone(self._edges) not in (0, self._hz):
            out += self._told()
        return out

    def quiet(self, now_ns: int) -> list[ToneChange]:
        """What the time since the last edge tells."""
        if not self._edges or now_ns - self._edges[-1] <= _OVER_NS:
            return []
        out = [] if self._hz else self._told()
        if self._hz:
            out.append(ToneChange(self._edges[-1], 0))
        self._edges, self._hz = [], 0
        return out

    def _told(self) -> list[ToneChange]:
        """By the edges so far; nothing of a few strays."""
        self._hz = _tone(self._edges)
        return [ToneChange(self._edges[0], self._hz)] if self._hz else []


def _tone(edges: list[int]) -> int:
    """The unit's tone that is nearest to so many periods in their time; 0: too few to tell."""
    if len(edges) <= _LEAST_PERIODS or edges[-1] <= edges[0]:
        return 0
    measured_hz = (len(edges) - 1) * 1e9 / (edges[-1] - edges[0])
    near = [hz for hz in TONES_HZ if hz / _FACTOR < measured_hz < hz * _FACTOR]
    return near[0] if near else _STEP_HZ * round(measured_hz / _STEP_HZ)
