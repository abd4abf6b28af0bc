"""The latency report as one picture (PNG): histogram, timeline, quantiles of the hops."""

import io
from typing import Any, Final

from asvtools.latency_draw import COLOURS, Bar, boundaries, field_us, marks, ticks_ms, timeline
from asvtools.latency_session import Measured
from asvtools.latency_view import changes, clock, hop_name, ms, verdict

_SIZE: Final = (12.8, 10.4)  # inches
_DPI: Final = 110
_INK, _SOFT, _LIMIT, _BLUE = "#1c2530", "#5b6775", "#b3261e", "#2f74d6"
_WRAP: Final = 118
_MOST_BEYOND: Final = 12


def picture(told: dict[str, Any], measured: Measured) -> bytes:
    """The PNG of a report with one change at the least. matplotlib is imported here, and only its Agg canvas used."""
    import textwrap

    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE, dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    above, middle, below = figure.subplots(3, 1, height_ratios=(1, 1.15, 0.22 + 0.075 * len(told["hops"])))
    sentence = verdict(told)
    figure.suptitle(
        textwrap.fill(sentence[0].upper() + sentence[1:], _WRAP),
        color=_LIMIT if told["verdict"] == "bad" else _INK,
        fontsize=12,
        fontweight="bold",
    )
    _histogram(above, told)
    _timeline(middle, timeline(measured), told["limit_us"])
    _hops(below, told)
    for axes in (above, middle, below):
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(colors=_SOFT, labelsize=9)
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": f"asvkit {told['asvkit']}"})
    return out.getvalue()


def _histogram(axes: Any, told: dict[str, Any]) -> None:
    edges = [edge / 1000 for edge in told["histogram"]["edges_us"]]
    axes.stairs(told["histogram"]["counts"], edges, fill=True, color=_BLUE)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, _place: f"{value:g}")
    axes.set_xlim(edges[0] / 1.1, max(edges[-1], told["limit_us"] / 1000) * 1.25)
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.set_title(f"How long {changes(told['changes'])} took", loc="left", fontsize=10)
    axes.set_xlabel("ms, logarithmic", color=_SOFT, loc="right", fontsize=9)
    axes.set_ylabel("changes", color=_SOFT, fontsize=9)
    *quantiles, (name, limit_us) = marks(told)
    styles = ("-", "--", "-.", ":")
    for (what, us), style in zip(quantiles, styles, strict=True):
        axes.axvline(us / 1000, color=_INK, linestyle=style, linewidth=1.2, label=f"{what} {ms(us)} ms")
    axes.axvline(limit_us / 1000, color=_LIMIT, linewidth=2, label=f"limit {name}")
    axes.legend(fontsize=9, frameon=False, loc="lower right", ncols=5, bbox_to_anchor=(1.0, 0.98))


def _timeline(axes: Any, bars: list[Bar], limit_us: float) -> None:
    names = boundaries([bar.pieces for bar in bars])
    most_ms = field_us([bar.change.total_us or 0.0 for bar in bars]) / 1000 * 1.06 or 1.0
    axes.set_ylim(0, most_ms)
    for name in names:
        parts = [
            (number, begin - bar.pieces[0][1], end - begin)
            for number, bar in enumerate(bars)
            for what, begin, end in bar.pieces
            if what == name
        ]
        axes.bar(
            [part[0] for part in parts],
            [part[2] / 1000 for part in parts],
            bottom=[part[1] / 1000 for part in parts],
            width=0.85,
            color=COLOURS[name],
            label=f"to {name.replace('_', ' ')}",
        )
    for number, bar in enumerate(bars):
        if bar.new_session:
            axes.axvline(number - 0.5, color=_INK, linestyle=":", linewidth=1)
    beyond = [(number, bar.change.total_us or 0.0) for number, bar in enumerate(bars)]
    beyond = [(number, us) for number, us in beyond if us / 1000 > most_ms]
    for number, us in beyond[:_MOST_BEYOND]:
        colour = _LIMIT if us > limit_us else _INK
        axes.annotate(f" ↑ {ms(us)}", (number, most_ms), fontsize=9, color=colour, va="top", annotation_clip=False)
    most = max(bar.of for bar in bars)
    each = "each bar one change" if most == 1 else f"each bar the slowest of {most} changes"
    axes.set_ylabel("ms", color=_SOFT, fontsize=9)
    axes.set_xlim(-0.6, max(len(bars), 12) - 0.4)
    if most_ms * 1000 >= limit_us:
        axes.axhline(limit_us / 1000, color=_LIMIT, linewidth=2)
    step = max(1, -(-len(bars) // 10))
    places = range(0, len(bars), step)
    axes.set_xticks(list(places), [clock(bars[place].change.t)[11:-4] for place in places])
    axes.set_xlabel(f"in order, {each}; time of day, UTC", color=_SOFT, loc="right", fontsize=9)
    if not names:  # none took any time
        return
    axes.legend(
        fontsize=8.5,
        frameon=False,
        ncols=len(names),
        handlelength=1.1,
        columnspacing=0.9,
        loc="lower right",
        bbox_to_anchor=(1.0, 0.98),
    )


def _hops(axes: Any, told: dict[str, Any]) -> None:
    hops = told["hops"]
    rows = range(len(hops))
    axes.barh(rows, [hop["p99_us"] / 1000 for hop in hops], height=0.62, color="#a6cee3", label="p99")
    axes.barh(rows, [hop["p50_us"] / 1000 for hop in hops], height=0.62, color="#1d4f8c", label="p50")
    most = max(hop["p99_us"] for hop in hops) / 1000 or 1.0
    for row, hop in zip(rows, hops, strict=True):
        words = " / ".join(ms(hop[f"{key}_us"]) for key in ("p50", "p95", "p99", "max"))
        axes.text(hop["p99_us"] / 1000 + most * 0.01, row, words, va="center", fontsize=8.5, color=_INK)
    axes.set_yticks(list(rows), [f"{hop_name(hop)}  (n {hop['n']})" for hop in hops])
    axes.invert_yaxis()
    axes.set_xlim(0, most * 1.3)
    axes.set_xticks(ticks_ms(most * 1.2, 8))
    axes.set_title("Hop by hop: p50 / p95 / p99 / max, ms", loc="left", fontsize=10)
    axes.legend(fontsize=9, frameon=False, loc="lower right")
