"""The report as one HTML page: no network, no fonts to load, readable on a laptop and in print."""

from html import escape
from pathlib import Path
from string import Template
from typing import Any, Final

from asvtools.verify_svg import svg

TIGHT_MS: Final = 20  # below this a margin is marked as tight
_WORDS: Final = {  # of the tiles, which are the legend of the column, and its titles
    "met": "met, measured here",
    "tested": "met, by a test of the project",
    "not applicable": "not applicable",
    "open": "open",
    "failed": "failed",
}
_SHORT: Final = {"tested": "met"}
_PAGE: Final = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>asvkit verify: $verdict</title><style>$style</style></head><body>
<header><h1>asvkit $version held against the guideline</h1>
<p class="verdict $kind">$verdict</p>
<p>$intro</p></header>
<section id="summary">$tiles</section>
<nav id="filter"><input type="search" id="text" placeholder="Filter: clause, word, function, scenario"
 aria-label="Filter rows"><button type="button" id="all">show all</button><span id="shown"></span></nav>
<h2 id="requirements">Requirements</h2>
<table class="rows" id="clauses"><thead><tr><th>row</th><th>clause</th><th>force</th><th>requirement</th><th>status</th>
<th>evidence</th><th class="n">margin</th></tr></thead><tbody>$requirements</tbody></table>
<h2 id="scenarios">Scenarios</h2>
<table class="rows" id="overview"><thead><tr><th>scenario</th><th>what happens</th><th>function</th>
<th class="n">checks</th><th>verdict</th><th class="n">margin</th></tr></thead><tbody>$overview</tbody></table>
$sections
<script>$script</script></body></html>
""")
_INTRO: Final = (
    "Every scenario was generated as recordings, replayed through the unit as it is, in virtual time, and judged "
    "against times worked out separately from the true courses. <b>Margin</b>: milliseconds to the nearer edge of the "
    "time in which a thing had to happen, that time widened by {timed} ms for the 100 ms cycle and rounding "
    "(surrounding and emergency vehicles, which have no rule of timing: {nearby} ms); negative: outside.{widest} A row "
    'without times has none. <span class="status met">met</span>: measured here; '
    '<span class="status tested">met</span>, outlined: not measured here, the test suite of the project shows it. '
    "A requirement whose evidence matched no check of this run counts as open.{part}"
)
_WIDEST: Final = (
    " Where the distance falls more slowly than the target drives, as in left turns, where ego's own pace counts, the "
    "position error's share lasts longer: the time is widened by up to {widest} ms, told in the check's row as ±."
)
_PART: Final = " <b>Only part of the scenarios was run: what the others show counts as open here.</b>"


def page(told: dict[str, Any]) -> str:
    """The page of a report in its JSON form."""
    summary, anchors = told["summary"], {one["name"]: one["id"] for one in told["scenarios"]}
    bad = summary["scenarios"]["failed"]
    total = summary["scenarios"]["good"] + bad
    verdict = f"{bad} of {total} scenarios failed" if bad else f"All {total} scenarios are good"
    return _PAGE.substitute(
        version=escape(told["asvkit"]),
        style=_beside("verify.css"),
        script=_beside("verify.js"),
        verdict=verdict,
        kind="failed" if bad else "good",
        intro=_intro(told),
        tiles=_tiles(summary),
        requirements="".join(_requirement(one, anchors) for one in told["requirements"]),
        overview="".join(_overview(one) for one in told["scenarios"]),
        sections="".join(_section(one, told["tolerance_ms"]) for one in told["scenarios"]),
    )


def _intro(told: dict[str, Any]) -> str:
    usual = told["tolerance_ms"]
    widest = _WIDEST.format(widest=usual["widest"]) if usual["widest"] > usual["timed"] else ""
    return _INTRO.format(
        timed=usual["timed"], nearby=usual["nearby"], widest=widest, part="" if told["whole"] else _PART
    )


def _tiles(summary: dict[str, Any]) -> str:
    tiles = [
        (status, count, _WORDS[status], f"requirements {_WORDS[status]}")
        for status, count in summary["requirements"].items()
    ]
    out = [
        f'<button type="button" class="tile {_class(status)}" data-status="{_class(status)}" title="{title}">'
        f"<b>{count}</b>{words}</button>"
        for status, count, words, title in tiles
    ]
    checks = summary["checks"]
    least = summary["margin_ms"]
    facts = [
        (f"{summary['scenarios']['good']}", "scenarios good"),
        (f"{summary['scenarios']['failed']}", "scenarios failed"),
        (f"{checks['good']}", f"checks hold, {checks['failed']} do not"),
        ("none" if least is None else f"{_number(least)} ms", "smallest margin"),
    ]
    out += [f'<div class="tile"><b>{value}</b>{words}</div>' for value, words in facts]
    return "".join(out)


def _requirement(one: dict[str, Any], anchors: dict[str, str]) -> str:
    status, short = _class(one["status"]), _SHORT.get(one["status"], one["status"])
    evidence = "".join(_evidence(part, anchors) for part in one["evidence"])
    why = f'<p class="why">{escape(one["why"])}</p>' if one["why"] else ""
    return (
        f'<tr data-status="{status}" id="r{escape(one["id"])}"><td class="id">{escape(one["id"])}</td>'
        f'<td class="clause">{escape(one["clause"])}</td><td>{one["force"]}</td><td>{escape(one["requirement"])}</td>'
        f'<td><span class="status {status}" title="{_WORDS[one["status"]]}">{short}</span></td>'
        f"<td>{why}{evidence}</td>"
        f"{_margin(one['margin_ms'])}</tr>"
    )


def _evidence(part: dict[str, Any], anchors: dict[str, str]) -> str:
    if "test" in part:
        file, _, name = part["test"].partition("::")
        words = f"tested by <code>{escape(file.rpartition('/')[2])}</code> <code>{escape(name)}</code>"
        return f'<p class="test" title="{escape(part["test"])}">{words}{" (missing)" if part["missing"] else ""}</p>'
    if part["missing"]:
        return f"<p><code>{escape(part['checks'])}</code>: no check</p>"
    links = [f'<a href="#{anchors[name]}">{escape(name)}</a>' for name in part["scenarios"]]
    more = (
        f"<details><summary>{len(links)} scenarios</summary>{' '.join(links)}</details>"
        if len(links) > 3
        else " ".join(links)
    )
    checks = f"{part['count']} check{'s' * (part['count'] != 1)}" + (
        f", {part['failed']} failed" if part["failed"] else ""
    )
    return f"<div><code>{escape(part['checks'])}</code> {checks}: {more}</div>"


def _overview(one: dict[str, Any]) -> str:
    verdict = _verdict(one)
    return (
        f'<tr data-status="{verdict}"><td><a href="#{one["id"]}">{escape(one["name"])}</a></td>'
        f"<td>{escape(one['title'] or one['error'])}</td><td>{_words(one['function'])}</td>"
        f'<td class="n">{len(one["checks"])}</td><td><span class="status {verdict}">{verdict}</span></td>'
        f"{_margin(one['margin_ms'])}</tr>"
    )


def _section(one: dict[str, Any], usual: dict[str, int]) -> str:
    error = f'<p class="verdict failed">{escape(one["error"])}</p>' if one["error"] else ""
    rows = "".join(_check(check, usual) for check in one["checks"])
    table = (
        "<table><thead><tr><th>function</th><th>vehicle</th><th>what</th><th class=n>had to be (s)</th>"
        f"<th class=n>was (s)</th><th>note</th><th></th><th class=n>margin</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )
    figures = "".join(
        f"<figure>{svg(plot)}<figcaption>{_words(plot['function'])}: {escape(plot['vehicle'])}</figcaption></figure>"
        for plot in one["plots"]
    )
    return (
        f'<section class="scenario" id="{one["id"]}"><h3>{escape(one["title"] or one["name"])} '
        f'<span class="status {_verdict(one)}">{_verdict(one)}</span></h3>'
        f'<p class="name"><code>{escape(one["name"])}</code> {_words(one["function"])}</p>'
        f"<p>{escape(one['story'])}</p>{error}{figures}{table if rows else ''}{_told(one['told'])}</section>"
    )


def _check(check: dict[str, Any], usual: dict[str, int]) -> str:
    begin, end = check["earliest_s"], check["latest_s"]
    window = "" if begin is None else f"{begin:.2f}" if end - begin < 0.005 else f"{begin:.2f} to {end:.2f}"
    if begin is not None and check["tolerance_ms"] not in (usual["timed"], usual["nearby"]):
        window += f' <span class="own" title="widened by so much, not the usual {usual["timed"]} ms">'
        window += f"±{check['tolerance_ms']} ms</span>"
    actual = "" if check["actual_s"] is None else f"{check['actual_s']:.2f}"
    verdict = "good" if check["good"] else "failed"
    return (
        f"<tr><td>{_words(check['function'])}</td><td>{escape(check['vehicle'])}</td><td>{escape(check['what'])}</td>"
        f'<td class="n">{window}</td><td class="n">{actual}</td><td>{_words(check["note"])}</td>'
        f'<td><span class="status {verdict}">{verdict}</span></td>{_margin(check["margin_ms"])}</tr>'
    )


def _told(told: list[dict[str, Any]]) -> str:
    """What the unit judged, event by event, folded away."""
    if not told:
        return ""
    rows = "".join(
        f'<tr><td class="n">{one["t_s"]:.2f}</td><td>{_words(one["function"])}</td><td>{escape(one["vehicle"])}</td>'
        f"<td>{one['level']}{'' if one['presented'] or one['level'] == 'none' else ' (not shown)'}</td>"
        f"<td>{_words(one['reason'])}</td>"
        + "".join(f'<td class="n">{_metres(one[key])}</td>' for key in ("distance_m", "error_m", "threshold_m"))
        + "</tr>"
        for one in told
    )
    return (
        f"<details class=told><summary>{len(told)} events of the unit</summary><table><thead><tr>"
        "<th class=n>s</th><th>function</th><th>vehicle</th><th>level</th><th>reason</th><th class=n>distance (m)</th>"
        f"<th class=n>error (m)</th><th class=n>limit (m)</th></tr></thead><tbody>{rows}</tbody></table></details>"
    )


def _margin(margin_ms: int | None) -> str:
    if margin_ms is None:
        return '<td class="n margin"></td>'
    kind = "out" if margin_ms < 0 else "tight" if margin_ms < TIGHT_MS else "wide"
    return f'<td class="n margin {kind}">{_number(margin_ms)} ms</td>'


def _verdict(one: dict[str, Any]) -> str:
    return "good" if one["good"] else "failed"


def _class(status: str) -> str:
    return status.replace(" ", "-")


def _beside(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _words(code: str) -> str:
    return escape(code.replace("_", " "))


def _number(value: int) -> str:
    return str(value).replace("-", "−")


def _metres(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}".replace("-", "−")
