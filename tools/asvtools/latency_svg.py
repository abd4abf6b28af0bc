"""Plots of the latency report as SVG text: histogram on a logarithmic axis, timeline of stacked bars, gantt of hops."""

import math
from collections.abc import Iterable
from html import escape
from typing import Any, Final

from asvtools.latency_draw import COLOURS, Bar, boundaries, field_us, marks, ticks_ms, title
from asvtools.latency_session import Measured
from asvtools.latency_stages import Change
from asvtools.latency_view import clock, ms

WIDTH: Final = 1000
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 985, 44, 250  # of the field
_HEIGHT: Final = 286
_ROW: Final = 22  # of the gantt
_NAMES: Final = 250
_FEWEST: Final = 24  # bars, as wide as if there were so many
_KINDS: Final = ("", "", "", "", "limit")
_NOTE: Final = 6.0  # a character of a note is so wide


def histogram(told: dict[str, Any]) -> str:
    """Changes by class of their time in all; lines at the quantiles and at the limit. "" of none."""
    edges, counts = told["histogram"]["edges_us"], told["histogram"]["counts"]
    if not counts:
        return ""
    lines = marks(told)
    low = math.log10(edges[0])
    high = math.log10(max(edges[-1], told["limit_us"])) + 0.06
    most = max(counts) * 1.08

    def x(us: float) -> float:
        """What lies outside of the classes, in the first and last of which it is counted, stands at the edge."""
        place = math.log10(us) if us > edges[0] else low
        return _LEFT + (_RIGHT - _LEFT) * min(1.0, (place - low) / (high - low))

    out = [_svg(_HEIGHT, "how long changes took, in all: a histogram with a logarithmic axis")]
    for value in (value for value in ticks_ms(most, 5) if value == int(value)):
        y = _BOTTOM - (_BOTTOM - _TOP) * value / most
        out.append(f'<path class="grid" d="M{_LEFT},{y:.1f}H{_RIGHT}"/>' + _text(_LEFT - 6, y + 4, f"{value:g}", "end"))
    for decade in range(math.floor(low), math.ceil(high) + 1):
        for factor in (1, 2, 5):
            us = factor * 10.0**decade
            if low <= math.log10(us) <= high:
                out.append(f'<path class="grid" d="M{x(us):.1f},{_TOP}V{_BOTTOM + 4}"/>')
                out.append(_text(x(us), _BOTTOM + 17, f"{us / 1000:g}", "middle"))
    for number, count in enumerate(counts):
        if count:
            left, right = x(edges[number]), x(edges[number + 1])
            top = _BOTTOM - (_BOTTOM - _TOP) * count / most
            kind = "over" if edges[number] >= told["limit_us"] else "bar"
            words = f"{ms(edges[number])} to {ms(edges[number + 1])} ms: {count}"
            out.append(
                f'<rect class="{kind}" x="{left + 0.5:.1f}" y="{top:.1f}" width="{max(1.0, right - left - 1):.1f}" '
                f'height="{_BOTTOM - top:.1f}"><title>{escape(words)}</title></rect>'
            )
    end = [-math.inf, -math.inf, -math.inf]  # of the notes in each row
    for (name, us), kind in zip(lines, _KINDS, strict=True):
        at, words = x(us), name if kind else f"{name} {ms(us)}"
        wide = _NOTE * len(words)
        begin = at - 8 - 1.2 * wide if kind else min(at + 3, _RIGHT - wide)
        row = next((row for row in range(3) if end[row] < begin), 2)
        end[row] = begin + wide + 4
        out.append(f'<path class="mark {kind}" d="M{at:.1f},{4 + 13 * row}V{_BOTTOM}"/>')
        out.append(_text(begin, 13 + 13 * row, words, "start", f"note {kind}"))
    out.append(_text(_RIGHT, _HEIGHT - 4, "ms, logarithmic", "end") + _text(_LEFT - 6, _TOP - 8, "changes", "end"))
    return "".join([*out, "</svg>"])


def timeline(bars: list[Bar], measured: Measured, limit_us: float) -> str:
    """Each change, or the slowest of some, as a bar of its pieces; "" of none."""
    if not bars:
        return ""
    most = field_us([bar.change.total_us or 0.0 for bar in bars]) / 1000 * 1.06 or 1.0
    wide = (_RIGHT - _LEFT) / max(len(bars), _FEWEST)
    thick = max(0.6, wide - min(2.0, wide * 0.2))
    out = [_svg(_HEIGHT, "time of each change in their order, hop upon hop")]
    for value in ticks_ms(most):
        y = _BOTTOM - (_BOTTOM - _TOP) * value / most
        out.append(f'<path class="grid" d="M{_LEFT},{y:.1f}H{_RIGHT}"/>' + _text(_LEFT - 6, y + 4, f"{value:g}", "end"))
    labelled = labelled_top = -math.inf
    for number, bar in enumerate(bars):
        left = _LEFT + number * wide
        if bar.new_session:
            out.append(f'<path class="session" d="M{left:.1f},{_TOP}V{_BOTTOM}"/>')
        if left - labelled > 92 and left < _RIGHT - 60:
            out.append(f'<path class="zero" d="M{left:.1f},{_BOTTOM}v4"/>')
            out.append(_text(left, _BOTTOM + 16, clock(bar.change.t)[11:-4], "start"))
            labelled = left
        out.append(f"<g><title>{escape(title(bar.change, measured))}</title>")
        begin_us = bar.pieces[0][1] if bar.pieces else 0.0
        for name, begin, end in bar.pieces:
            low, high = (min(1.0, (us - begin_us) / 1000 / most) for us in (begin, end))
            y = _BOTTOM - (_BOTTOM - _TOP) * high
            out.append(
                f'<rect fill="{COLOURS[name]}" x="{left:.2f}" y="{y:.2f}" width="{thick:.2f}" '
                f'height="{(_BOTTOM - _TOP) * (high - low):.2f}"/>'
            )
        out.append("</g>")
        total_us = bar.change.total_us or 0.0
        if total_us / 1000 > most and left > labelled_top:
            kind = "limit" if total_us > limit_us else ""
            out.append(_text(left, _TOP - 3, f"↑ {ms(total_us)}", "start", f"note {kind}"))
            labelled_top = left + 50
    if limit_us / 1000 <= most:
        y = _BOTTOM - (_BOTTOM - _TOP) * limit_us / 1000 / most
        out.append(f'<path class="mark limit" d="M{_LEFT},{y:.1f}H{_RIGHT}"/>')
    out.append(_legend(boundaries([bar.pieces for bar in bars])))
    out.append(_text(_LEFT - 6, _TOP - 8, "ms", "end") + _text(_RIGHT, _HEIGHT - 4, "time of day, UTC", "end"))
    return "".join([*out, "</svg>"])


def gantt(changes: list[Change], measured: Measured) -> str:
    """The hops of the slowest changes one by one, each row from its cause; "" of none."""
    if not changes:
        return ""
    height = _TOP + _ROW * len(changes) + 36
    bottom = height - 34
    most = field_us([change.total_us or 0.0 for change in changes]) / 1000 * 1.04 or 1.0
    out = [_svg(height, "hops of the slowest changes")]
    for value in ticks_ms(most, 8):
        at = _NAMES + (_RIGHT - _NAMES) * value / most
        out.append(f'<path class="grid" d="M{at:.1f},{_TOP}V{bottom + 4}"/>')
        out.append(_text(at, bottom + 17, f"{value:g}", "middle"))
    rows = []
    for number, change in enumerate(changes):
        y = _TOP + number * _ROW
        pieces = change.pieces()
        rows.append(pieces)
        begin_us = pieces[0][1] if pieces else 0.0
        words = f"{clock(change.t)[11:]} {change.level} ({change.input})"
        out.append(_text(_NAMES - 8, y + 15, words, "end", "row"))
        out.append(f"<g><title>{escape(title(change, measured))}</title>")
        for name, begin, end in pieces:
            left, right = (_NAMES + (_RIGHT - _NAMES) * min(1.0, (us - begin_us) / 1000 / most) for us in (begin, end))
            out.append(
                f'<rect fill="{COLOURS[name]}" x="{left:.2f}" y="{y + 3}" width="{right - left:.2f}" '
                f'height="{_ROW - 7}"/>'
            )
        if (change.total_us or 0.0) / 1000 > most:
            out.append(_text(_RIGHT - 4, y + 15, f"{ms(change.total_us)} ms →", "end", "beyond"))
        out.append("</g>")
    out.append(_legend(boundaries(rows)) + _text(_RIGHT, height - 4, "ms from the cause", "end"))
    return "".join([*out, "</svg>"])


def _legend(names: Iterable[str]) -> str:
    out, at = [], float(_LEFT)
    for name in names:
        words = name.replace("_", " ")
        out.append(f'<rect fill="{COLOURS[name]}" x="{at:.0f}" y="6" width="12" height="12"/>')
        out.append(_text(at + 17, 16, words, "start"))
        at += 30 + 6.6 * len(words)
    return "".join(out)


def _svg(height: int, label: str) -> str:
    return f'<svg class="plot" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(label)}">'


def _text(x: float, y: float, words: str, anchor: str, kind: str = "") -> str:
    also = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{also}>{escape(words)}</text>'
