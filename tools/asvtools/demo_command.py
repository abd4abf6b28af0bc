"""`asvkit demo`: an encounter on this machine, no hardware, and a verdict.

Live: two real units with receivers, buses, radios and lamps of their own meet in a world played in real time.
With --replay the scenario goes through one unit as recordings, in virtual time. Either way what the driver was
told is held against times worked out separately from the true courses (asvrig.expected).
"""

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asvunit.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from asvrig.scenario import Scenario


def demo(
    name: Annotated[str, typer.Argument(help="Scenario, or a scenario file (.toml).", metavar="[NAME]")] = "crossing",
    show_list: Annotated[bool, typer.Option("--list", help="List the scenarios and end.")] = False,
    offline: Annotated[
        bool, typer.Option("--replay", help="As recordings through one unit, in virtual time: two seconds.")
    ] = False,
    keep: Annotated[Path | None, typer.Option(help="Keep what was written there.", metavar="DIR")] = None,
    screen: Annotated[
        int | None, typer.Option(help="Show ego's page at this port, the other unit's at the next.", min=1, max=65534)
    ] = None,
) -> None:
    """Two real units on this machine, no hardware: an encounter, what the driver is told, a verdict."""
    from rich.console import Console
    from rich.markup import escape

    from asvrig.scenario import load_scenario
    from asvunit.runtime import end_by_signal, stopped_by_signals

    class PipedConsole(Console):
        """A reader that has seen enough is the command's business, as everywhere."""

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    if screen and offline:
        raise UsageError("--screen: the page is a live unit's; leave --replay out")
    console = PipedConsole(highlight=False)
    if show_list:
        _list(console)
        return
    scenario = load_scenario(name)
    if screen:
        _check_pages(scenario, screen)
    console.print(f"\n[bold]{escape(scenario.title)}[/bold]")
    if scenario.story:
        console.print(escape(scenario.story))
    with contextlib.ExitStack() as stack:
        stack.enter_context(stopped_by_signals(end_by_signal))
        folder = _folder(keep) if keep else Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="asvkit-")))
        if offline:
            _replayed(console, scenario, folder, keep)
        else:
            _lived(console, scenario, folder, keep, screen)


def _lived(console: "Console", scenario: "Scenario", folder: Path, keep: Path | None, screen: int | None) -> None:
    from asvrig.judge import judge
    from asvtools import demo_report
    from asvtools.demo_live import plan, play
    from asvtools.demo_view import View

    units, played = plan(scenario)
    names = " and ".join(vehicle.name for vehicle in units)
    beside = f" Played on the air: {', '.join(vehicle.name for vehicle in played)}." if played else ""
    console.print(
        f"Two real units, {names}, in real time: receivers as NMEA on ptys, cars as slcan on ptys, radios as UDP on "
        f"loopback, lamps and buzzer as mock pins.{beside} {scenario.duration_s:.0f} seconds.\n"
        if len(units) > 1
        else f"One real unit, {names}, in real time; {scenario.duration_s:.0f} seconds.{beside}\n",
        style="dim",
    )
    if screen:
        pages = [f"{unit.name} http://127.0.0.1:{screen + number}/" for number, unit in enumerate(units)]
        console.print(f"In a browser: {', '.join(pages)} and /bench there.\n")
    with View(console) as view:
        outcome = play(scenario, folder, view, screen)
    checks = judge(outcome.scenario, outcome.events) + outcome.checks
    for table in (
        demo_report.timeline(outcome.scenario, outcome.events),
        demo_report.verdicts(checks),
        demo_report.steps(outcome),
        demo_report.figures(outcome),
    ):
        console.print(table)
    demo_report.close(console, checks, keep)


def _check_pages(scenario: "Scenario", port: int) -> None:
    """UsageError that names the port of a page that cannot be served, before anything is started."""
    from asvtools.demo_live import plan
    from asvunit.config import ScreenTable
    from asvunit.screen_process import listen

    for number in range(len(plan(scenario)[0])):
        listen(ScreenTable().address, port + number, ("--screen", "--screen")).close()


def _replayed(console: "Console", scenario: "Scenario", folder: Path, keep: Path | None) -> None:
    from asvrig.judge import judge
    from asvtools import demo_report
    from asvtools.virtual import replayed

    console.print(
        "Generated recordings of GNSS, CAN and radio, replayed through the unit in virtual time.\n", style="dim"
    )
    events = replayed(scenario, folder)
    checks = judge(scenario, events)
    console.print(demo_report.timeline(scenario, events))
    console.print(demo_report.verdicts(checks))
    demo_report.close(console, checks, keep)


def _list(console: "Console") -> None:
    from rich.markup import escape
    from rich.table import Table

    from asvrig.scenario import SHORT, load_scenario, scenario_names

    table = Table(box=None, pad_edge=False)
    table.add_column("name", no_wrap=True)
    table.add_column("what happens")
    for name in scenario_names():
        aliases = [short for short, full in SHORT.items() if full == name]
        title = escape(load_scenario(name).title)
        table.add_row(name, title + (f" (also: {', '.join(aliases)})" if aliases else ""))
    console.print(table)


def _folder(keep: Path) -> Path:
    try:
        keep.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--keep {keep}: cannot be made: {error.strerror}; name another folder") from error
    return keep
