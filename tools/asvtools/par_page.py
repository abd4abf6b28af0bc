"""The radio report as one HTML page: no network, no scripts, readable on a laptop and in print."""

from html import escape
from pathlib import Path
from string import Template
from typing import Any, Final

from asvtools import par_svg

MOST_ROWS: Final = 500  # of vehicles and of approaches; the JSON report has all
_PAGE: Final = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>asvkit par: $verdict</title><style>$style
svg .band{fill:#2f74d6;fill-opacity:.18}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(34rem,100%),1fr));gap:0 1.5rem}
td{white-space:nowrap}td.why{white-space:normal;min-width:11rem}.wide{overflow-x:auto}.wide table{font-size:.8rem}
.wide th,.wide td{padding:.35rem .4rem}
</style></head><body>
<header><h1>How the radio arrived</h1>
<p class="verdict $kind">$verdict</p>
<p>$intro</p></header>
<section id="summary">$tiles</section>
<div class="plots">$figures</div>
<h2 id="zones">Cumulative arrival in the zone outside the area's edge</h2>
<p>$zones_intro</p>
<div class="wide"><table><thead><tr><th>function</th><th class="n">edge</th><th>zone</th>
<th class="n">packets of each</th><th class="n">received / sent</th><th class="n">X</th><th class="n">eq. 1</th>
<th class="n">heard in</th><th class="n">at 70 km/h</th><th>verdict</th><th>why</th></tr></thead>
<tbody>$zones</tbody></table></div>
$approaches
<h2 id="vehicles">Vehicles</h2>
<div class="wide"><table><thead><tr><th class="n">vehicle</th><th>source</th><th>sent by</th>
<th class="n">received / sent</th><th class="n">arrival rate</th><th class="n">95 % interval</th>
<th class="n">longest gap</th><th class="n">&gt; 1 s</th><th class="n">rep., late</th>
<th class="n" title="new starts of the sender, silences of
more than 25.6 s">starts, silences</th><th class="n">jitter 50/95/99/max ms</th><th class="n">ppm</th>
<th class="n">dBm</th></tr></thead>
<tbody>$vehicles</tbody></table></div>$more
<p class="name">asvkit $version</p></body></html>
""")
_ZONES_INTRO: Final = (
    "An approach is a vehicle's way through the zone to inside the edge, by the straight line between the vehicles. "
    "<b>X</b>: arrival rate of all packets sent in the zone. <b>Eq. 1</b>: 1 − (1 − X)<sup>n</sup> over the n packets "
    "of each approach, 95 % or more [G 3.6(2)]; as it takes packets to be lost one by one, the approaches in which at "
    "least one packet arrived are held against it. Outlined and amber verdicts are for information."
)


def page(told: dict[str, Any]) -> str:
    """The page of a report in its JSON form."""
    verdict = told["verdict"]
    words = {
        "good": "Cumulative packet arrival is good: 95 % or more in every zone that was crossed",
        "bad": "Cumulative packet arrival is below 95 % in a zone",
        "not measured": "Cumulative packet arrival was not measured: no vehicle crossed a zone",
    }[verdict]
    vehicles = told["vehicles"]
    return _PAGE.substitute(
        verdict=words,
        kind={"good": "good", "bad": "failed"}.get(verdict, ""),
        version=escape(told["asvkit"]),
        style=Path(__file__).with_name("verify.css").read_text(encoding="utf-8"),
        intro=_intro(told),
        tiles=_tiles(told["total"]),
        figures=_figures(told),
        zones_intro=_ZONES_INTRO,
        zones="".join(map(_zone, told["zones"])),
        approaches=_approaches(told["zones"]),
        vehicles="".join(map(_vehicle, vehicles[:MOST_ROWS])),
        more=f"<p>{len(vehicles) - MOST_ROWS} more vehicles in the JSON report.</p>" if vehicles[MOST_ROWS:] else "",
    )


def _intro(told: dict[str, Any]) -> str:
    parts = [f"<code>{escape(told['capture'])}</code>: {told['frames']} frames in {told['duration_s']:.1f} s"]
    if told["frames"]:
        parts.append(f"from {told['from']}")
    against = told["against"]
    if against:
        parts.append(
            f"held against <code>{escape(against['capture'])}</code> ({against['vehicles_heard']} of its "
            f"{against['vehicles']} senders heard, {against['left_out']} frames left out)"
        )
    else:
        parts.append("what was sent is worked out from the counters of what was heard")
    parts.append(f"own position: {told['own_position']}")
    dropped = ", ".join(f"{count} {escape(reason)}" for reason, count in told["dropped"].items())
    return "; ".join(parts) + (f". Not used: {dropped}." if dropped else ".")


def _tiles(total: dict[str, Any]) -> str:
    jitter = total["jitter_ms"]
    facts = [
        (str(total["vehicles"]), "vehicles"),
        (_percent(total["arrival_percent"]), f"arrived: {total['received']} of {total['sent']}"),
        (_ms(total["longest_gap_ms"], 0), "longest gap"),
        (str(total["gaps_over_1_s"]), "gaps over 1 s"),
        (_ms(jitter and jitter["p99"], 1), "jitter, 99 %"),
        (f"{total['repeated']} / {total['late']}", "repeated / late"),
    ]
    return "".join(f'<div class="tile"><b>{value}</b>{words}</div>' for value, words in facts)


def _figures(told: dict[str, Any]) -> str:
    total = told["total"]
    gaps = [f"{low}" if low == high else f"{low}–{high}" for low, high in total["lost_between_classes"]]
    edges = total["jitter_classes_ms"]
    jitter = [f"≤ {edge:g}" for edge in edges] + [f"> {edges[-1]:g}"]
    drawn = [
        ("Packet arrival rate against distance, with 95 % intervals", par_svg.rate_by_distance(told)),
        ("Received power against distance", par_svg.power_by_distance(told)),
        ("Packet arrival rate over time", par_svg.rate_over_time(told)),
        (
            "Packets lost between two that arrived",
            par_svg.bars("lost packets in a row", "lost in a row", gaps, total["lost_between"]),
        ),
        (
            "Arrival off the sender's 100 ms grid, early or late",
            par_svg.bars("jitter of arrival", "ms", jitter, total["jitter_counts"]),
        ),
    ]
    return "".join(f"<figure>{drawing}<figcaption>{words}</figcaption></figure>" for words, drawing in drawn if drawing)


def _zone(row: dict[str, Any]) -> str:
    fewest, most = row["fewest_packets"], row["most_packets"]
    each = "" if fewest is None else f"{fewest}" if fewest == most else f"{fewest} to {most}"
    kind = {"good": "good" if row["judged"] else "tested", "bad": "failed" if row["judged"] else "open"}
    inside = row["first_heard_inside"]
    why = [escape(row[key]) for key in ("why", "remark") if row[key]]
    why += [f"{inside} came, first heard nearer"] if inside else []
    cells = [
        _t(_words(row["function"])),
        _n(f"{row['edge_m']:.1f} m"),
        _t(f"{row['zone_m']:g} m (class {row['class']})"),
        _n(each),
        _n(f"{row['received']} / {row['sent']}"),
        _n(_percent(row["arrival_percent"])),
        _n(_percent(row["cumulative_percent"])),
        _n(f"{row['heard_approaches']} of {row['approaches']}"),
        _n(_percent(row["at_70_kmh_percent"])),
        _t(f'<span class="status {kind.get(row["verdict"], "")}">{row["verdict"]}</span>'),
        f'<td class="why">{"; ".join(why)}</td>',
    ]
    return f"<tr>{''.join(cells)}</tr>"


def _approaches(zones: list[dict[str, Any]]) -> str:
    rows = [(row, one) for row in zones for one in row["each"]]
    if not rows:
        return ""
    body = "".join(f"<tr>{_approach(row, one)}</tr>" for row, one in rows[:MOST_ROWS])
    return (
        f"<details><summary>{len(rows)} approaches</summary><table><thead><tr><th>function</th><th>class</th>"
        '<th class="n">at</th><th class="n">vehicle</th><th>source</th><th class="n">nearing at</th>'
        f'<th class="n">received / sent</th><th class="n">eq. 1, own packets</th></tr></thead><tbody>{body}</tbody>'
        "</table></details>"
    )


def _approach(row: dict[str, Any], one: dict[str, Any]) -> str:
    speed = one["approach_kmh"]
    cells = [
        _t(_words(row["function"])),
        _t(row["class"]),
        _n(f"{one['t_s']:.1f} s"),
        _n(one["vehicle_id"]),
        _t(escape(one["source"])),
        _n("" if speed is None else f"{speed:.0f} km/h"),
        _n(f"{one['received']} / {one['sent']}"),
        _n(_percent(one["cumulative_percent"])),
    ]
    return "".join(cells)


def _vehicle(row: dict[str, Any]) -> str:
    jitter, power = row["jitter_ms"], row["power_dbm"]
    spread = "" if jitter is None else " / ".join(f"{jitter[key]:.1f}" for key in ("p50", "p95", "p99", "max"))
    ppm = None if jitter is None else jitter["clock_ppm"]
    cells = [
        _n(row["vehicle_id"]),
        _t(escape(row["source"]) + (" (emergency)" if row["emergency"] else "")),
        _t({"sent": "record", "counter": "counter"}[row["by"]]),
        _n(f"{row['received']} / {row['sent']}"),
        _n(_percent(row["arrival_percent"])),
        _n("" if row["low_percent"] is None else f"{row['low_percent']:.1f} to {row['high_percent']:.1f} %"),
        _n(_ms(row["longest_gap_ms"], 0)),
        _n(row["gaps_over_1_s"]),
        _n(f"{row['repeated']}, {row['late']}"),
        _n(f"{row['restarts']}, {len(row['silences_ms'])}"),
        _n(spread),
        _n("" if ppm is None else f"{ppm:+.0f}"),
        _n("" if power is None else f"{power['mean']:.0f}"),
    ]
    return f"<tr>{''.join(cells)}</tr>"


def _t(text: str) -> str:
    return f"<td>{text}</td>"


def _n(value: object) -> str:
    return f'<td class="n">{str(value).replace("-", "−")}</td>'


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{int(value * 10 + 1e-6) / 10:.1f} %"


def _ms(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f} ms"


def _words(code: str) -> str:
    return escape(code.replace("_", " "))
