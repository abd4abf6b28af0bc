"""The latency report as one HTML page: no network, no scripts, readable on a laptop and in print."""

from html import escape
from pathlib import Path
from string import Template
from typing import Any, Final

from asvtools import latency_draw, latency_svg
from asvtools.latency_session import Measured
from asvtools.latency_stages import MEANINGS
from asvtools.latency_view import changes, clock, hop_name, ms, remarks, verdict

_KEYS: Final = ("p50_us", "p95_us", "p99_us", "max_us")
_HEAD: Final = (
    '<th class="n">n</th><th class="n">p50</th><th class="n">p95</th><th class="n">p99</th><th class="n">max</th>'
)
_PAGE: Final = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>asvkit latency: $title</title><style>$style
svg.plot{max-width:none}svg .bar{fill:#2f74d6}svg .over{fill:#b3261e}
svg .mark{stroke:#1c2530;stroke-width:1.2;fill:none}
svg .mark.limit{stroke:#b3261e;stroke-width:2;stroke-dasharray:7 4}svg text.limit{fill:#b3261e;font-weight:600}
svg .note,svg .row{font-size:11px;fill:#1c2530}svg .beyond{font-size:11px;font-weight:700;fill:#1c2530;
paint-order:stroke;stroke:#fff;stroke-width:3px}
svg .session{stroke:#1c2530;stroke-dasharray:2 3;fill:none}
.tables{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(24rem,100%),1fr));gap:0 2rem;
align-items:start}.tables table{margin-bottom:1rem}
figcaption{margin-left:0;max-width:100ch}.wide{overflow-x:auto}td{white-space:nowrap}dl{display:grid;
grid-template-columns:max-content 1fr;gap:.2rem 1rem;font-size:.87rem}dt{font-weight:600}dd{margin:0}
</style></head><body>
<header><h1>From the cause to light and sound</h1>
<p class="verdict $kind">$verdict</p>
<p>$intro</p></header>
<section id="summary">$tiles</section>
<h2 id="distribution">How long changes took</h2>
<figure>$histogram<figcaption>All $count by their time in all. Lines: exact quantiles, and the system delay that the
guideline reckons with.</figcaption></figure>
<h2 id="timeline">In their order</h2>
<figure>$timeline<figcaption>$bars</figcaption></figure>
<h2 id="slowest">The slowest, hop by hop</h2>
<figure>$gantt<figcaption>Each piece ends when the boundary of its colour is passed.</figcaption></figure>
<h2 id="figures">Figures, milliseconds</h2>
<div class="tables">$tables</div>
$bench
<h2 id="units">Units and sessions</h2>
<div class="wide"><table><thead><tr><th>unit</th><th>file</th><th class="n">session</th><th class="n">vehicle</th>
<th>began (UTC)</th><th>ended</th>$head</tr></thead><tbody>$units</tbody></table></div>
<h2 id="changes">The slowest $listed</h2>
<div class="wide"><table><thead><tr><th>when (UTC)</th><th>unit</th><th class="n">change</th><th>by</th><th>level</th>
<th>function</th><th class="n">light</th><th class="n">sound</th><th class="n">in all</th></tr></thead>
<tbody>$rows</tbody></table></div>
<h2 id="boundaries">Boundaries</h2><dl>$meanings</dl>
<p class="name">asvkit $version</p></body></html>
""")
_INTRO: Final = (
    "One clock, the monotonic one, from the stamp of what caused a change (the kernel's for a frame, the driver's for "
    "CAN, the time it was due for a cycle) to the last lamp and the buzzer written. <b>In all</b>: to the later of "
    "light and sound. Quantiles are exact, by nearest rank: each is a figure of the ledger. Time on the air and "
    "on the wires before the stamp is not in them{bench}."
)


def page(told: dict[str, Any], measured: Measured) -> str:
    """The page of a report and of what it was made of."""
    sentence = verdict(told)
    sentence = sentence[0].upper() + sentence[1:]
    bars = latency_draw.timeline(measured)
    return _PAGE.substitute(
        title=escape(sentence),
        verdict=escape(sentence),
        kind={"good": "good", "bad": "failed"}.get(told["verdict"], ""),
        style=Path(__file__).with_name("verify.css").read_text(encoding="utf-8"),
        intro="<br>".join(
            [
                _INTRO.format(
                    bench="; a bench counts from the end of its stimulus on the wire" if told["bench"] else ""
                ),
                *map(escape, remarks(told)),
            ]
        ),
        tiles=_tiles(told),
        histogram=latency_svg.histogram(told),
        count=changes(told["changes"]),
        timeline=latency_svg.timeline(bars, measured, told["limit_us"]),
        bars=_bars(bars),
        gantt=latency_svg.gantt(latency_draw.gantt(measured), measured),
        tables=_tables(told),
        bench=_bench(told["bench"]),
        head=_HEAD,
        units="".join(_session(unit, one) for unit in told["units"] for one in unit["sessions"]),
        listed=len(told["slowest"]),
        rows="".join(map(_change, told["slowest"])),
        meanings="".join(f"<dt>{_words(name)}</dt><dd>{escape(what)}</dd>" for name, what in MEANINGS.items()),
        version=escape(told["asvkit"]),
    )


def _tiles(told: dict[str, Any]) -> str:
    total = told["total"]
    facts = [(str(told["changes"]), "changes")]
    facts += [(f"{ms(total.get(key))} ms", f"{key[:-3]} in all") for key in _KEYS]
    share = told["share_percent"]
    facts.append(("–" if share is None else f"{share:.1f} %", f"of {told['limit_us'] / 1000:g} ms, the longest"))
    facts.append((str(told["over"]), "took longer"))
    return "".join(f'<div class="tile"><b>{value}</b>{words}</div>' for value, words in facts)


def _bars(bars: list[latency_draw.Bar]) -> str:
    most = max((bar.of for bar in bars), default=1)
    each = "Each bar is one change" if most == 1 else f"Each bar stands for {most} changes: the slowest of them"
    return (
        f"{each}, hop upon hop, each in the colour of the boundary that ends it; dashed "
        "uprights part sessions and units. What runs out of the field is told in figures. Pointing at a bar tells "
        "its hops."
    )


def _tables(told: dict[str, Any]) -> str:
    whole = [("in all", told["total"]), ("light", told["light"]), ("sound", told["sound"])]
    if told["bench"]:
        whole.append(("from the stimulus", told["bench"]["total"]))
    parts = [
        _table("to light and sound", whole)
        + _table("by cause", [(group["name"], group["total"]) for group in told["by_input"]])
        + _table("by level", [(group["name"], group["total"]) for group in told["by_level"]]),
        _table("hop", [(hop_name(hop), hop) for hop in told["hops"]]),
    ]
    for key in ("by_input", "by_level"):
        for group in told[key]:
            rows = [("light", group["light"]), ("sound", group["sound"])]
            rows += [(hop_name(hop), hop) for hop in group["hops"]]
            name = escape(group["name"])
            parts.append(f"<details><summary>hops of {name}</summary>{_table(group['name'], rows)}</details>")
    return "".join(f"<div>{part}</div>" for part in parts)


def _table(first: str, rows: list[tuple[str, dict[str, Any]]]) -> str:
    body = "".join(f"<tr><td>{_words(name)}</td>{_figures(told)}</tr>" for name, told in rows if told["n"])
    return f"<table><thead><tr><th>{_words(first)}</th>{_HEAD}</tr></thead><tbody>{body}</tbody></table>"


def _figures(told: dict[str, Any]) -> str:
    return _n(told["n"]) + "".join(_n(ms(told.get(key))) for key in _KEYS)


def _session(unit: dict[str, Any], one: dict[str, Any]) -> str:
    cells = [
        _t(unit["name"]),
        f"<td><code>{escape(unit['file'])}</code></td>",
        _n(one["session"]),
        _n("" if one["vehicle_id"] is None else one["vehicle_id"]),
        _t("" if one["start_t"] is None else clock(one["start_t"])),
        _t((one["stop"] or "cut off").replace("_", " ")),
        _figures(one["total"]),
    ]
    return f"<tr>{''.join(cells)}</tr>"


def _change(change: dict[str, Any]) -> str:
    cells = [
        _t(clock(change["t"])),
        _t(change["unit"]),
        _n(change["n"]),
        _t(change["input"]),
        _t(change["level"]),
        _t((change["function"] or "").replace("_", " ")),
        *(_n(ms(change[key])) for key in ("light_us", "sound_us", "total_us")),
    ]
    return f"<tr>{''.join(cells)}</tr>"


def _bench(bench: dict[str, Any] | None) -> str:
    if bench is None:
        return ""
    said = [f"{bench['answered']} of {bench['stimuli']} stimuli led to a change"]
    said += [f"{key}: {value}" for key, value in bench["conditions"].items() if isinstance(value, str | int | float)]
    return f'<h2 id="bench">Bench</h2><ul>{"".join(f"<li>{escape(one)}</li>" for one in said)}</ul>'


def _t(text: str) -> str:
    return f"<td>{escape(text)}</td>"


def _n(value: object) -> str:
    return f'<td class="n">{escape(str(value)).replace("-", "−")}</td>'


def _words(code: str) -> str:
    return escape(code.replace("_", " "))
