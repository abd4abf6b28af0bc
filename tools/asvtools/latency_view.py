"""The latency report on a terminal: the verdict, the quantiles in all and hop by hop, a histogram, the slowest."""

import datetime
from typing import TYPE_CHECKING, Any, Final

from rich.markup import escape

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

NARROWEST: Final = 80  # columns: figures are not cut where a terminal has fewer
_KEYS: Final = ("p50_us", "p95_us", "p99_us", "max_us")
_DIGITS: Final = ((100, 0), (10, 1), (1, 2))  # of milliseconds from so many on
_BAR: Final = 40
_SHOWN_SLOWEST: Final = 5
_STYLES: Final = {"good": "bold green", "bad": "bold red"}


def verdict(told: dict[str, Any]) -> str:
    """The report's word in one sentence, for people."""
    limit = ms(told["limit_us"])
    rule = " [G 3.4(4)]" if told["limit_us"] == 300_000 else ""
    if told["verdict"] == "not measured":
        return "no presented change was measured"
    longest = f"the longest took {ms(told['longest_us'])} ms, {told['share_percent'] or 0.0:.1f} % of it"
    faults = []
    if told["over"]:
        faults.append(f"{told['over']} of {changes(told['changes'])} took longer than {limit} ms{rule}: {longest}")
    if told["untimed"]:
        faults.append(f"{changes(told['untimed'])} reached no output, so no time is known")
    if told["bench"] and told["bench"]["missing"]:
        faults.append(f"{told['bench']['missing']} of {told['bench']['stimuli']} stimuli led to no change")
    if told["bench"] and told["bench"]["unseen"]:
        unseen, stimuli = told["bench"]["unseen"], told["bench"]["stimuli"]
        faults.append(f"what {unseen} of {stimuli} stimuli led to was not seen by the probe")
    if faults:
        return "; ".join(faults)
    every = "the one change" if told["changes"] == 1 else f"all {told['changes']} changes"
    return f"{every} within {limit} ms{rule}: {longest}"


def changes(count: int) -> str:
    """`1 change`, `2 changes`."""
    return f"{count} change{'s' * (count != 1)}"


def ms(us: float | None) -> str:
    """Microseconds as milliseconds, digits as they matter; "-" of None."""
    if us is None:
        return "-"
    value = us / 1000
    digits = next((digits for least, digits in _DIGITS if abs(value) >= least), 3)
    return f"{value:.{digits}f}"


def hop_name(hop: dict[str, Any]) -> str:
    """`decided > lit`, in words."""
    return f"{hop['from']} > {hop['to']}".replace("_", " ")


def remarks(told: dict[str, Any]) -> list[str]:
    """What a reader has to know of the files: what was dropped, what was not written."""
    said = []
    if told["dropped"]:
        rows = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in told["dropped"].items())
        said.append(f"not used: {rows}")
    if told["lost"]:
        said.append(f"{told['lost']} events could not be written by the unit: changes may be missing")
    if told["bench"] and told["bench"]["conditions"].get("good") is False:
        ended = told["bench"]["conditions"].get("ended")
        why = f": ended before its time, {ended}" if isinstance(ended, str) and ended else ""
        said.append(f"the bench itself found its run wanting (bench.json){why}")
    for unit in told["units"]:
        if unit["pins"]:
            measured = unit["total"]["n"]
            said.append(f"{unit['name']}: {unit['seen']} of {changes(measured)} seen in {unit['pins']}")
        elif told["bench"]:
            said.append(f"{unit['name']}: no record of what the probe saw: light and sound are by the unit's own word")
    return said


def show(told: dict[str, Any], console: "Console") -> None:
    """Prints the report."""
    style = _STYLES.get(told["verdict"], "bold")
    sentence = verdict(told)
    console.print(f"[{style}]{escape(sentence[0].upper() + sentence[1:])}[/{style}]")
    for remark in remarks(told):
        console.print(escape(remark), style="dim")
    if not told["changes"]:
        return
    console.print()
    _title(console, "From the cause to what the driver sees and hears, ms", "exact quantiles")
    table = _quantiles("")
    for name in ("total", "light", "sound"):
        _row(table, {"total": "in all"}.get(name, name), told[name])
    if told["bench"]:
        _row(table, "from stimulus", told["bench"]["total"])
    console.print(table)
    console.print()
    _title(console, "Hop by hop, ms", "each from the boundary passed before it")
    table = _quantiles("hop")
    for hop in told["hops"]:
        _row(table, hop_name(hop), hop)
    console.print(table)
    for key, title in (("by_input", "By what caused it, ms"), ("by_level", "By level, ms")):
        console.print()
        _title(console, title)
        table = _quantiles("")
        for group in told[key]:
            _row(table, group["name"], group["total"])
        console.print(table)
    _units(told, console)
    console.print()
    _histogram(told, console)
    console.print()
    _slowest(told, console)


def _units(told: dict[str, Any], console: "Console") -> None:
    sessions = [(unit, session) for unit in told["units"] for session in unit["sessions"]]
    if len(sessions) < 2:
        return
    console.print()
    _title(console, "By unit and session, ms")
    table = _quantiles("")
    for unit, session in sessions:
        number = f" #{session['session']}" if len(unit["sessions"]) > 1 else ""
        _row(table, f"{unit['name']}{number}", session["total"])
    console.print(table)


def _histogram(told: dict[str, Any], console: "Console") -> None:
    edges, counts = told["histogram"]["edges_us"], told["histogram"]["counts"]
    _title(console, "Distribution in all, ms", "classes on a logarithmic scale")
    most = max(counts)
    for number, count in enumerate(counts):
        bar = "█" * max(1, round(_BAR * count / most)) if count else ""
        over = edges[number] >= told["limit_us"]
        console.print(
            f"{ms(edges[number]):>7} .. {ms(edges[number + 1]):>6} {count:>7} {bar}", style="red" if over else ""
        )


def _slowest(told: dict[str, Any], console: "Console") -> None:
    from rich.table import Table

    _title(console, "The slowest")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("when (UTC)", "ms", "by", "level", "function", "unit"):
        table.add_column(name, justify="right" if name == "ms" else "left", no_wrap=name != "unit")
    for change in told["slowest"][:_SHOWN_SLOWEST]:
        table.add_row(
            clock(change["t"]),
            ms(change["total_us"]),
            change["input"],
            change["level"],
            (change["function"] or "").replace("_", " "),
            f"{escape(change['unit'])} {change['n']}",
        )
    console.print(table)


def clock(t: float) -> str:
    """Epoch seconds as date and time of day; the number itself where it is no such time."""
    try:
        return f"{datetime.datetime.fromtimestamp(t, datetime.UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3]
    except (ValueError, OverflowError, OSError):
        return f"{t:.3f}"


def _title(console: "Console", title: str, note: str = "") -> None:
    console.print(f"[bold]{title}[/bold]" + (f" [dim]({note})[/dim]" if note else ""))


def _quantiles(first: str) -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for number, column in enumerate((first, "n", "p50", "p95", "p99", "max")):
        table.add_column(column, justify="right" if number else "left", no_wrap=True)
    return table


def _row(table: "Table", name: str, told: dict[str, Any]) -> None:
    if told["n"]:
        table.add_row(escape(name), str(told["n"]), *(ms(told[key]) for key in _KEYS))
