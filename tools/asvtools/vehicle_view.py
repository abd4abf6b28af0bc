"""`asvkit vehicle check` for people: one table, then what is missing and what was found. Readable at 80 columns."""

import sys
from typing import TYPE_CHECKING, Final

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from asvtools.vehicle_bits import code_runs
from asvtools.vehicle_check import Report, Row
from asvtools.vehicle_measure import Measured

if TYPE_CHECKING:
    from asvunit.vehicle import Feed, VehicleMap

_STYLES: Final = {"alive": "green", "stale": "bold yellow", "dead": "bold red", "unknown": "bold yellow"}
_MOST_WIDE: Final = 110
_NARROWEST: Final = 80
_ROW: Final = 3  # codes of one word that are told one by one


def show(report: Report) -> None:
    """Prints the report."""
    console = Console(file=sys.stdout, highlight=False)
    console.width = min(max(console.width, _NARROWEST), _MOST_WIDE)
    vehicle, measured = report.vehicle, report.measured
    console.print(f"[bold]{escape(vehicle.name)}[/] ({escape(str(vehicle.path))})", soft_wrap=True)
    for name, one in zip(vehicle.buses, vehicle.databases, strict=False):
        version = f", version {one.version}" if one.version else ""
        bus = f"bus {name}: " if name else ""
        console.print(escape(f"{bus}database {one.path}{version}"), style="dim", soft_wrap=True)
    if measured is not None:
        _log(console, report, measured)
    covered = [row for row in report.rows if row.feeds]
    console.print(_table(vehicle, covered, measured))
    missing = [row for row in report.rows if not row.feeds]
    if missing:
        console.print("\n[bold]Not given by this map[/]")
        for row in missing:
            _item(console, "-", f"{row.number} {row.element}: {row.without}.", "dim")
    faults = [one for one in report.findings if one.fault]
    notes = [one for one in report.findings if not one.fault]
    if faults:
        console.print("\n[bold red]To mend[/]")
        for fault in faults:
            _item(console, "!", _sentence(fault.text), "")
    if notes:
        console.print("\n[bold]Worth knowing[/]")
        for note in notes:
            _item(console, "-", _sentence(note.text), "")
    if measured is None:
        console.print(
            f"\nThe map is good: {len(covered)} of {len(report.rows)} elements. What really comes: --log DRIVE.log"
        )
    elif not faults:
        console.print("\n[green]All mapped signals are alive.[/]")


def _item(console: Console, mark: str, text: str, style: str) -> None:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=1)
    grid.add_column(overflow="fold")
    grid.add_row(mark, escape(text), style=style)
    console.print(grid)


def _sentence(text: str) -> str:
    return text if text.endswith("?") else f"{text}."


def _log(console: Console, report: Report, measured: Measured) -> None:
    seconds = (measured.end_ns - measured.begin_ns) / 1e9
    text = f"log {report.log}: {measured.frames} frames in {seconds:.1f} s"
    if len(measured.channels) > 1:
        text += ", channels " + ", ".join(f"{channel} ({count})" for channel, count in measured.channels.items())
    console.print(escape(text), style="dim", soft_wrap=True)
    if len(measured.channels) > 1 or len(report.vehicle.buses) > 1:
        for name, channel, why in zip(report.vehicle.buses, measured.taken, measured.why, strict=True):
            console.print(escape(f"bus {name or 'of the map'} = channel {channel}: {why}"), style="dim", soft_wrap=True)


def _table(vehicle: "VehicleMap", rows: list[Row], measured: Measured | None) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("element", no_wrap=True)
    table.add_column("from", overflow="fold", ratio=5)
    if measured is None:
        table.add_column("every", justify="right")
        table.add_column("holds", justify="right")
        table.add_column("gives", overflow="fold", ratio=4)
    else:
        table.add_column("comes", justify="right", no_wrap=True)
        table.add_column("good", justify="right", no_wrap=True)
        table.add_column("values met", overflow="fold", ratio=4)
        table.add_column("", no_wrap=True)
    for row in rows:
        for index, feed in enumerate(row.feeds):
            element = f"{row.number} {row.element}" if not index else ""
            source = escape(_source(vehicle, feed))
            if measured is None:
                every = f"{feed.period_ms} ms" if feed.period_ms else "?"
                table.add_row(element, source, every, f"{feed.timeout_ms} ms", escape(_gives(feed)))
                continue
            seen = measured.seen.get((feed.bus, feed.identifier, feed.extended))
            comes = f"{seen.rate_hz:.4g} Hz" if seen and seen.count > 1 else "once" if seen and seen.count else "never"
            if index:
                table.add_row(element, source, comes, "", "", "")
            else:
                fresh = "" if row.fresh is None else f"{100 * row.fresh:.0f} %"
                state = f"[{_STYLES[row.state]}]{row.state}[/]"
                table.add_row(element, source, comes, fresh, escape(_met(row)), state)
    return table


def _source(vehicle: "VehicleMap", feed: "Feed") -> str:
    """Two lines: a long name of message and signal in one would be cut anywhere."""
    bus = f"{vehicle.buses[feed.bus]}:" if len(vehicle.buses) > 1 else ""
    messages = list(dict.fromkeys(name.rpartition(".")[0] or feed.message for name in feed.signals)) or [feed.message]
    names = "\n  ".join(name.rpartition(".")[2] for name in feed.signals)
    return f"{bus}{', '.join(messages)} {feed.address}\n  {names}"


def _gives(feed: "Feed") -> str:
    if feed.how in ("number", "wheels"):
        return f"{feed.how} in {feed.unit}"
    if feed.words:
        runs = code_runs(feed.words, _ROW)
        return ", ".join(f"{first if first == last else f'{first}..{last}'} {word}" for first, last, word in runs)
    return {"bulbs": "left and right", "any": "any of them on"}.get(feed.how, feed.how)


def _met(row: Row) -> str:
    if row.low is not None and row.low == row.high:
        return f"{row.low:g} {row.unit}"
    if row.low is not None:
        return f"{row.low:g} to {row.high:g} {row.unit}"
    return ", ".join(f"{text} {count}" for text, count in row.met.items()) or "-"
