"""`asvkit verify`: every scenario in virtual time, judged, and a report that goes through the guideline."""

import contextlib
import os
import tempfile
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asvunit.errors import AsvkitError, UsageError

if TYPE_CHECKING:
    from asvtools.verify import Result
    from asvtools.verify_report import Outcome


def verify(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Scenarios, patterns ('crossing_*') or files (.toml); none: all.", metavar="[NAME]..."),
    ] = None,
    report: Annotated[
        str, typer.Option(help="Folder of the report, made if need be.", metavar="DIR")
    ] = "verify-report",
    jobs: Annotated[int, typer.Option(help="Processes; 0: one for each processor.", min=0, max=256)] = 0,
    show_list: Annotated[bool, typer.Option("--list", help="List the scenarios and end.")] = False,
) -> None:
    """All scenarios in virtual time, judged; a report: clause, requirement, test, margin in ms."""
    from asvtools.verify_view import PipedConsole, Progress, list_scenarios, summary, table

    console = PipedConsole(highlight=False)
    if show_list:
        list_scenarios(console)
        return
    from asvrig.scenario import scenario_names
    from asvtools.clauses import load_clauses
    from asvtools.verify import assess, run
    from asvtools.verify_report import Outcome, write
    from asvunit.runtime import end_by_signal, stopped_by_signals

    known = scenario_names()
    chosen = _chosen(names, known) if names else known
    clauses = load_clauses()
    folder = _folder(report)
    with contextlib.ExitStack() as stack:
        stack.enter_context(stopped_by_signals(end_by_signal))
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="asvkit-")))
        with Progress(console, len(chosen)) as progress:
            results = run(chosen, scratch, jobs or os.cpu_count() or 1, progress.done)
        outcome = Outcome(results, assess(clauses, results, _checkout()), set(known) <= set(chosen))
        page = write(outcome, folder)
    console.print(table(results))
    summary(console, outcome, page)
    _close(outcome)


def _chosen(names: list[str], known: list[str]) -> list[str]:
    """The scenarios named, each once; UsageError for what is none."""
    from asvrig.scenario import SHORT, load_scenario

    out: dict[str, None] = {}
    for name in names:
        if any(sign in name for sign in "*?["):
            matched = [one for one in known if fnmatchcase(one, name)]
            if not matched:
                raise UsageError(f"{name}: no scenario is named so; see asvkit verify --list")
        else:
            load_scenario(name, "asvkit verify --list")
            matched = [SHORT.get(name, name)]
        out.update(dict.fromkeys(matched))
    return list(out)


def _folder(name: str) -> Path:
    if not name.strip():
        raise UsageError(f"--report {name!r}: no name; give a folder")
    report = Path(name)
    try:
        report.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--report {report}: cannot be made: {error.strerror}; name another folder") from error
    if not os.access(report, os.W_OK | os.X_OK):
        raise UsageError(f"--report {report}: cannot be written to; name another folder")
    return report


def _checkout() -> Path | None:
    """The project's folder, where this runs from a checkout: there the tests can be looked up."""
    root = Path(__file__).resolve().parents[2]
    return root if (root / "tests").is_dir() and (root / "pyproject.toml").is_file() else None


def _close(outcome: "Outcome") -> None:
    """AsvkitError of one line if anything failed."""
    failed = outcome.failed
    if not failed:
        return
    others = f" (and {len(failed) - 1} more: {', '.join(one.name for one in failed[1:4])})" if len(failed) > 1 else ""
    raise AsvkitError(f"{len(failed)} of {len(outcome.results)} scenarios failed; {_why(failed[0])}{others}")


def _why(result: "Result") -> str:
    if result.error:
        return f"{result.name}: {result.error}"
    if not result.wrong:
        return f"{result.name}: nothing was checked"
    check = result.wrong[0]
    margin = "" if check.margin_s is None else f", margin {check.margin_s * 1000:.0f} ms"
    return f"{result.name}: {check.vehicle}, {check.what}: {check.note}{margin}"
