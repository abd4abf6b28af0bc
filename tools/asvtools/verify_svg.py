"""A plot of one target as SVG text: distance, L3, L4, the level given, and when it had to be."""

from html import escape
from typing import Any, Final

WIDTH, HEIGHT = 760, 290
LEFT, RIGHT, TOP, BOTTOM = 52, 748, 34, 222  # of the field
BAND_Y, BAND_HEIGHT = 252, 16  # of the level given
LINES: Final = {  # class, words
    "distance": ("d", "distance less position error"),
    "L3": ("l3", "L3"),
    "L4": ("l4", "L4"),
    "L4*": ("l4", "L4* (after information)"),
    "range": ("l3", "range"),
}
_STEPS: Final = (1, 2, 5, 10, 20, 25, 50, 100, 200)
_SHORT: Final = {"information": "inf.", "caution": "caut.", "keep watching": "keep", "end": "end"}


def svg(plot: dict[str, Any]) -> str:
    """The plot of the JSON report as an <svg> element; its colours are the page's classes."""
    return _Drawing(plot).text()


class _Drawing:
    def __init__(self, plot: dict[str, Any]) -> None:
        self._plot = plot
        self._from_s = float(plot["from_s"])
        self._to_s = max(float(plot["to_s"]), self._from_s + 0.1)
        points = {name: [point for piece in pieces for point in piece] for name, pieces in plot["lines"].items()}
        limits = [m for name, line in points.items() if name != "distance" for _t, m in line]
        reach = [m for _t, m in points.get("distance", [])] or [0.0]
        self._high_m: float = max(
            10.0, min(max(reach), 1.9 * max(limits, default=50.0)), 1.1 * max(limits, default=0.0)
        )
        self._low_m: float = min(0.0, max(min(reach), -0.35 * self._high_m))
        self._out: list[str] = []

    def text(self) -> str:
        plot, name = self._plot, f"clip-{self._plot['id']}"
        label = f"{plot['function'].replace('_', ' ')}, {plot['vehicle']}: distance and level over time"
        self._out.append(
            f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">'
            f'<clipPath id="{name}"><rect x="{LEFT}" y="{TOP}" width="{RIGHT - LEFT}" height="{BOTTOM - TOP}"/>'
            "</clipPath>"
        )
        self._grid()
        self._windows()
        self._out.append(f'<g clip-path="url(#{name})">')
        for line in ("range", "L3", "L4", "L4*", "distance"):
            for piece in plot["lines"].get(line, []):
                path = " ".join(f"{self._x(t):.1f},{self._y(m):.1f}" for t, m in piece)
                self._out.append(f'<polyline class="{LINES[line][0]}" points="{path}"/>')
        for t_s, distance_m, threshold_m in plot["told"]:
            x = self._x(t_s)
            self._out.append(f'<path class="t" d="M{x - 5:.1f},{self._y(threshold_m):.1f}h10"/>')
            self._out.append(f'<circle class="e" cx="{x:.1f}" cy="{self._y(distance_m):.1f}" r="3.2"/>')
        self._out.append("</g>")
        self._bands()
        self._legend()
        self._out.append("</svg>")
        return "".join(self._out)

    def _x(self, t_s: float) -> float:
        share = (t_s - self._from_s) / (self._to_s - self._from_s)
        return LEFT + (RIGHT - LEFT) * max(0.0, min(1.0, share))

    def _y(self, metres: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * (metres - self._low_m) / (self._high_m - self._low_m)

    def _grid(self) -> None:
        for metres in _ticks(self._low_m, self._high_m, 5):
            y = self._y(metres)
            kind = "zero" if metres == 0 else "grid"
            self._out.append(f'<path class="{kind}" d="M{LEFT},{y:.1f}H{RIGHT}"/>')
            self._words(LEFT - 6, y + 4, f"{metres:g}", "end")
        for t_s in _ticks(self._from_s, self._to_s, 12):
            x = self._x(t_s)
            self._out.append(f'<path class="grid" d="M{x:.1f},{TOP}V{BOTTOM + 4}"/>')
            self._words(x, BOTTOM + 17, f"{t_s:g}", "middle")
        self._words(LEFT - 6, TOP - 8, "m", "end")
        self._words(RIGHT, HEIGHT - 2, "seconds into the scenario", "end")

    def _windows(self) -> None:
        """When each thing had to begin: grey spans, at least a hair wide."""
        free_x = 0.0
        for what, begin, end in sorted(self._plot["due"], key=lambda one: one[1]):
            x, width = self._x(begin), max(1.5, self._x(end) - self._x(begin))
            self._out.append(
                f'<rect class="due" x="{x:.1f}" y="{TOP}" width="{width:.1f}" height="{BOTTOM - TOP}">'
                f"<title>{escape(what)}: {begin:.2f} to {end:.2f} s</title></rect>"
            )
            if x >= free_x:
                self._words(min(x + 2, RIGHT - 24), TOP + 10, _SHORT.get(what, what), "start", "note")
                free_x = x + 32

    def _bands(self) -> None:
        self._words(LEFT - 6, BAND_Y + 12, "given", "end")
        for begin, end, level in self._plot["levels"]:
            x, width = self._x(begin), max(1.5, self._x(end) - self._x(begin))
            self._out.append(
                f'<rect class="{escape(level)}" x="{x:.1f}" y="{BAND_Y}" width="{width:.1f}" height="{BAND_HEIGHT}">'
                f"<title>{escape(level)}: {begin:.2f} to {end:.2f} s</title></rect>"
            )
            if width > 66:
                self._words(x + 5, BAND_Y + 12, level, "start", "on")

    def _legend(self) -> None:
        x = float(LEFT)
        entries = [(kind, words) for line, (kind, words) in LINES.items() if self._plot["lines"].get(line)]
        if "range" in self._plot["lines"]:
            entries[0] = ("d", "distance, straight")  # not corrected [G 4.4.2(4)]
        for kind, words in entries:
            self._out.append(f'<path class="{kind}" d="M{x:.0f},12h18"/>')
            self._words(x + 23, 16, words, "start")
            x += 34 + 6.2 * len(words)
        self._out.append(
            f'<circle class="e" cx="{x + 6:.0f}" cy="12" r="3.2"/><path class="t" d="M{x + 14:.0f},12h10"/>'
        )
        self._words(x + 28, 16, "as the unit told them", "start")

    def _words(self, x: float, y: float, text: str, anchor: str, kind: str = "") -> None:
        also = f' class="{kind}"' if kind else ""
        self._out.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{also}>{escape(text)}</text>')


def _ticks(low: float, high: float, most: int) -> list[float]:
    step = next((one for one in _STEPS if (high - low) / one <= most), _STEPS[-1])
    first = int(low // step) * step
    return [one for one in range(first, int(high) + 1, step) if low <= one <= high]
