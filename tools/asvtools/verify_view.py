"""What `asvkit verify` shows on a terminal: progress while it runs, a row for each scenario, the summary."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar
from rich.table import Table

from asvrig.scenario import load_scenario, scenario_names
from asvtools.verify import Result
from asvtools.verify_report import STATUSES, Outcome

_STYLES: Final = {"failed": "bold red", "open": "yellow", "met": "green", "tested": "green"}
_TOLD: Final = {"tested": "met by named tests", "met": "met as measured"}


class PipedConsole(Console):
    """A reader that has seen enough is the command's business, as everywhere."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


class Progress:
    """A bar on a terminal; elsewhere nothing."""

    def __init__(self, console: Console, total: int) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self._bar = Bar(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._bar.add_task("scenarios", total=total)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def done(self, result: Result) -> None:
        """One scenario is through."""
        self._bar.update(self._task, advance=1, description=escape(result.name))


def table(results: Sequence[Result]) -> Table:
    """A row for each scenario."""
    out = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    out.add_column("scenario", overflow="fold")
    out.add_column("checks", justify="right", no_wrap=True)
    out.add_column("worst margin", justify="right", no_wrap=True)
    out.add_column("verdict", overflow="fold")
    for one in results:
        margin = "" if one.margin_s is None else f"{one.margin_s * 1000:.0f} ms"
        out.add_row(escape(one.name), str(len(one.checks)), margin, _verdict(one))
    return out


def summary(console: Console, outcome: Outcome, page: Path) -> None:
    """How the requirements stand, and where the report is."""
    counts = []
    for status in STATUSES:
        style = _STYLES.get(status) if outcome.count(status) else None
        words = f"{outcome.count(status)} {_TOLD.get(status, status)}"
        counts.append(f"[{style}]{words}[/]" if style else words)
    console.print(f"{len(outcome.requirements)} requirements: {', '.join(counts)}")
    if not outcome.whole:
        console.print("Part of the scenarios only: what the others show counts as open.", style="dim")
    margin = "none" if outcome.margin_s is None else f"{outcome.margin_s * 1000:.0f} ms"
    total, bad = len(outcome.results), len(outcome.failed)
    console.print(f"{total} scenarios: {total - bad} good, {bad} failed; smallest margin {margin}")
    console.print(f"Report: {escape(str(page))}", soft_wrap=True)


def list_scenarios(console: Console) -> None:
    """The scenarios that come with the project."""
    out = Table(box=None, pad_edge=False)
    out.add_column("name", no_wrap=True)
    out.add_column("function", no_wrap=True)
    out.add_column("what happens")
    for name in scenario_names():
        scenario = load_scenario(name)
        out.add_row(name, scenario.function.replace("_", " "), escape(scenario.title))
    console.print(out)


def _verdict(one: Result) -> str:
    if one.good:
        return "[green]good[/]"
    if one.error:
        return f"[bold red]FAILED[/] {escape(one.error)}"
    if not one.wrong:
        return "[bold red]FAILED[/] nothing was checked"
    return f"[bold red]FAILED[/] {escape(one.wrong[0].vehicle)}, {escape(one.wrong[0].what)}"
