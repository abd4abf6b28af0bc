"""Plots of the radio report as SVG text: rate and power against distance and time, classes of losses and of jitter."""

from collections.abc import Sequence
from html import escape
from typing import Any, Final

WIDTH, HEIGHT = 760, 270
LEFT, RIGHT, TOP, BOTTOM = 52, 748, 34, 222  # of the field
_STEPS: Final = (1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000)
_NAMES: Final = {"crossing": "crossing", "right_turn": "right", "left_turn": "left", "emergency": "emergency"}

Points = Sequence[tuple[float, float]]


class Chart:
    """A field with two axes; what is drawn later lies above."""

    def __init__(self, label: str, x: tuple[float, float], y: tuple[float, float], units: tuple[str, str]) -> None:
        self._x0, self._x1 = x[0], max(x[1], x[0] + 1e-9)
        self._y0, self._y1 = y[0], max(y[1], y[0] + 1e-9)
        self._out = [f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">']
        self._legend_x = float(LEFT)
        self._words(LEFT - 6, TOP - 8, units[1], "end")
        self._words(RIGHT, HEIGHT - 12, units[0], "end")
        for value in _ticks(*y, 5):
            kind = "zero" if value == 0 else "grid"
            self._out.append(f'<path class="{kind}" d="M{LEFT},{self._y(value):.1f}H{RIGHT}"/>')
            self._words(LEFT - 6, self._y(value) + 4, f"{value:g}".replace("-", "−"), "end")

    def x_axis(self) -> None:
        """Numbers along the x axis."""
        for value in _ticks(self._x0, self._x1, 12):
            x = self._x(value)
            self._out.append(f'<path class="grid" d="M{x:.1f},{TOP}V{BOTTOM + 4}"/>')
            self._words(x, BOTTOM + 17, f"{value:g}", "middle")

    def line(self, points: Points, kind: str, legend: str = "") -> None:
        path = " ".join(f"{self._x(x):.1f},{self._y(y):.1f}" for x, y in points)
        self._out.append(f'<polyline class="{kind}" points="{path}"/>')
        self._legend(kind, legend)

    def dots(self, points: Sequence[tuple[float, float, str]], kind: str) -> None:
        for x, y, title in points:
            self._out.append(
                f'<circle class="{kind}" cx="{self._x(x):.1f}" cy="{self._y(y):.1f}" r="2.6">'
                f"<title>{escape(title)}</title></circle>"
            )

    def span(self, x0: float, x1: float, y0: float, y1: float, kind: str, title: str) -> None:
        """A filled box, at least a hair wide, cut at the field."""
        left, right = max(LEFT, self._x(x0)), min(RIGHT, self._x(x1))
        if right < left or self._x(x0) > RIGHT:
            return
        top, bottom = self._y(max(y0, y1)), self._y(min(y0, y1))
        self._out.append(
            f'<rect class="{kind}" x="{left:.1f}" y="{top:.1f}" width="{max(1.0, right - left):.1f}" '
            f'height="{max(0.0, bottom - top):.1f}"><title>{escape(title)}</title></rect>'
        )

    def mark(self, x: float, words: str, row: int) -> None:
        """An upright line with words above the field, in one of three rows."""
        if self._x0 <= x <= self._x1:
            at, y = self._x(x), 9 + 10 * (row % 3)
            self._out.append(f'<path class="l4" d="M{at:.1f},{y + 2}V{BOTTOM}"/>')
            self._words(min(at + 3, RIGHT - 92), y + 1, words, "start", "note")

    def name(self, x: float, words: str) -> None:
        """Words under the x axis."""
        self._words(self._x(x), BOTTOM + 17, words, "middle")

    def note(self, x: float, y: float, words: str) -> None:
        self._words(self._x(x), self._y(y) - 4, words, "middle", "note")

    def text(self) -> str:
        return "".join([*self._out, "</svg>"])

    def _legend(self, kind: str, words: str) -> None:
        if words:
            self._out.append(f'<path class="{kind}" d="M{self._legend_x:.0f},12h18"/>')
            self._words(self._legend_x + 23, 16, words, "start")
            self._legend_x += 40 + 6.2 * len(words)

    def _x(self, value: float) -> float:
        return LEFT + (RIGHT - LEFT) * (value - self._x0) / (self._x1 - self._x0)

    def _y(self, value: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * (value - self._y0) / (self._y1 - self._y0)

    def _words(self, x: float, y: float, text: str, anchor: str, kind: str = "") -> None:
        also = f' class="{kind}"' if kind else ""
        self._out.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{also}>{escape(text)}</text>')


def rate_by_distance(told: dict[str, Any]) -> str:
    """Arrival rate of each bin with its interval, and the edges of the communication areas; "" of no bins."""
    bins = told["distance"]["bins"]
    if not bins:
        return ""
    chart = Chart("packet arrival rate against distance", (0, bins[-1]["to_m"]), (0, 100), ("m, straight", "%"))
    chart.x_axis()
    for zone in told["zones"]:
        if zone["class"] == "B":
            words = f"zone of {_NAMES[zone['function']]}: {zone['edge_m']:.1f} m and 15 m beyond"
            chart.span(zone["edge_m"], zone["edge_m"] + zone["zone_m"], 0, 100, "due", words)
    for one in bins:
        words = f"{one['from_m']:g} to {one['to_m']:g} m: {one['low_percent']:.1f} to {one['high_percent']:.1f} %"
        chart.span(one["from_m"], one["to_m"], one["low_percent"], one["high_percent"], "band", words)
    middles = [(one["from_m"] + one["to_m"]) / 2 for one in bins]
    for piece in _pieces(bins):
        chart.line([(middles[at], bins[at]["arrival_percent"]) for at in piece], "d")
    chart.dots(
        [
            (x, one["arrival_percent"], f"{one['received']} of {one['sent']}: {one['arrival_percent']:.1f} %")
            for x, one in zip(middles, bins, strict=True)
        ],
        "e",
    )
    for row, zone in enumerate(sorted((one for one in told["zones"] if one["class"] == "A"), key=_edge_m)):
        chart.mark(zone["edge_m"], f"{_NAMES[zone['function']]} {zone['edge_m']:.1f} m", row)
    return chart.text()


def power_by_distance(told: dict[str, Any]) -> str:
    """Mean received power of each bin; "" where no frame tells it."""
    bins = [one for one in told["distance"]["bins"] if one["power_dbm"] is not None]
    if not bins:
        return ""
    levels = [one["power_dbm"] for one in bins]
    low, high = min(levels) - 5, max(levels) + 5
    chart = Chart("received power against distance", (0, bins[-1]["to_m"]), (low, high), ("m, straight", "dBm"))
    chart.x_axis()
    points = [((one["from_m"] + one["to_m"]) / 2, one["power_dbm"], f"{one['power_dbm']} dBm") for one in bins]
    for piece in _pieces(bins):
        chart.line([points[at][:2] for at in piece], "d")
    chart.dots(points, "e")
    return chart.text()


def rate_over_time(told: dict[str, Any]) -> str:
    """Arrival rate of all vehicles in equal spans of the capture; "" of none."""
    spans, span_s = told["time"]["spans"], told["time"]["span_s"]
    if not spans:
        return ""
    chart = Chart("packet arrival rate over time", (0, spans[-1][0] + span_s), (0, 100), ("s", "%"))
    chart.x_axis()
    most = max(sent for _t, sent, _received in spans)
    for t_s, sent, _received in spans:
        chart.span(t_s, t_s + span_s, 0, 40 * sent / most, "due", f"{t_s} s: {sent} sent")
    piece: list[tuple[float, float]] = []
    for t_s, sent, received in spans:
        if piece and t_s + span_s / 2 - piece[-1][0] > 1.5 * span_s:
            chart.line(piece, "d")
            piece = []
        piece.append((t_s + span_s / 2, 100 * received / sent))
    chart.line(piece, "d", f"arrival rate in spans of {span_s} s (grey: packets sent, {most} at the most)")
    return chart.text()


def bars(label: str, unit: str, names: list[str], counts: list[int]) -> str:
    """Counts by class, as shares of all; "" of none."""
    total = sum(counts)
    if not total:
        return ""
    shares = [100 * count / total for count in counts]
    chart = Chart(label, (0, len(counts)), (0, max(shares) * 1.08), (unit, "%"))
    for at, (name, count, share) in enumerate(zip(names, counts, shares, strict=True)):
        chart.span(at + 0.12, at + 0.88, 0, share, "information", f"{name}: {count}, {share:.3g} %")
        chart.name(at + 0.5, name)
        if count:
            chart.note(at + 0.5, share, f"{count}")
    return chart.text()


def _edge_m(zone: dict[str, Any]) -> float:
    return float(zone["edge_m"])


def _pieces(bins: list[dict[str, Any]]) -> list[list[int]]:
    """Neighbouring bins, so that no line is drawn over a hole."""
    out: list[list[int]] = []
    for at, one in enumerate(bins):
        if not out or one["from_m"] - bins[at - 1]["to_m"] > 1e-6:
            out.append([])
        out[-1].append(at)
    return out


def _ticks(low: float, high: float, most: int) -> list[float]:
    step = next((one for one in _STEPS if (high - low) / one <= most), _STEPS[-1])
    first = int(low // step) * step
    return [one for one in range(first, int(high) + 1, step) if low <= one <= high]
