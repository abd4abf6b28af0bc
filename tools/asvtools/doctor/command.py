"""The command `asvkit doctor`: options, the report in lines or as JSON, the exit code.

Without a configuration only what the offline commands need can fail it; with one, also what this unit needs.
"""

import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from asvunit.errors import UsageError, nearest

if TYPE_CHECKING:
    from asvtools.doctor.finding import Finding, Job

_WIDTHS = (60, 100)
_INDENT = 9  # state and blank: "problem  "


def doctor(
    config: Annotated[
        Path | None, typer.Option(help="Judge what this unit's configuration needs.", metavar="FILE")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The report as one JSON object.")] = False,
    seconds: Annotated[
        float, typer.Option(min=0.1, max=600, help="How long receiver, buses and radio are listened to.")
    ] = 3.0,
    self_test: Annotated[
        bool, typer.Option("--self-test", help="Light each lamp in turn and sound the buzzer.")
    ] = False,
    only: Annotated[
        list[str] | None, typer.Option(help="These checks alone: gnss can radio clock gpio ...", metavar="NAME")
    ] = None,
) -> None:
    """Report what this machine, or the unit of a configuration, has and lacks, and how to mend it."""
    from dataclasses import replace

    from asvtools.doctor.finding import Job
    from asvtools.doctor.machine import running_unit
    from asvtools.doctor.plan import CHECKS, SELF_TEST, run_checks

    names, self_test = _chosen(only, self_test)
    job = Job(seconds)
    if config is not None:
        from asvunit.config import load_config

        job = Job(seconds, load_config(config), config)
        job = replace(job, holder=running_unit(job))
    report = _Report(as_json, job)
    for name, finding in run_checks(job, names, CHECKS):
        report.add(name, finding)
    if self_test:
        from asvtools.doctor.pins_check import self_test as tried

        for finding in tried(job, report.say):
            report.add(SELF_TEST, finding)
    report.end()


def _chosen(only: Sequence[str] | None, self_test: bool) -> tuple[list[str], bool]:
    """The checks to run, and whether the self-test is among them; `--only gnss,can` is two."""
    from asvtools.doctor.plan import CHECKS, SELF_TEST

    wanted = [name for text in only or [] for name in text.replace(",", " ").split()]
    known = [*CHECKS, SELF_TEST]
    for name in wanted:
        if name not in known:
            raise UsageError(f"--only: no check {name!r}{nearest(name, known)}; there are {', '.join(known)}")
    return [name for name in CHECKS if name in wanted or not only], self_test or SELF_TEST in wanted


class _Report:
    """The findings, told as they come or all at once."""

    def __init__(self, as_json: bool, job: "Job") -> None:
        self._as_json, self._job = as_json, job
        self._found: list[tuple[str, Finding]] = []
        self._width = width()
        self._packages = 0

    def add(self, check: str, finding: "Finding") -> None:
        self._found.append((check, finding))
        if self._as_json:
            return
        if check == "packages":  # one line for all that are there
            if finding.state == "ok":
                self._packages += 1
                return
        else:
            self._tell_packages()
        for line in lines(finding, self._width):
            typer.echo(line)
        sys.stdout.flush()

    def say(self, text: str) -> None:
        """What a person is to look at now."""
        if not self._as_json:
            typer.echo(text)
            sys.stdout.flush()

    def end(self) -> None:
        """The summary, and the exit code."""
        failing = [finding.name for _check, finding in self._found if finding.fails]
        if self._as_json:
            typer.echo(_json(self._job, self._found, not failing))
        else:
            self._tell_packages()
            if self._job.config is not None and not failing:
                typer.echo(self._good())
        if failing:
            names = ", ".join(dict.fromkeys(failing))
            what = (
                "this unit cannot work as configured" if self._job.config else "the offline commands cannot work here"
            )
            typer.echo(f"asvkit: {what}: {names}", err=True)
            raise typer.Exit(1)

    def _good(self) -> str:
        """The last line for a unit that can run."""
        others = sum(finding.state == "problem" for _check, finding in self._found)
        more = f"; {others} problem{'s'[: others != 1]} above that {'do' if others != 1 else 'does'} not stop it"
        return f"{self._job.file}: what was tried of this unit works{more if others else ''}"

    def _tell_packages(self) -> None:
        if self._packages:
            typer.echo(f"{'ok':<{_INDENT}}packages: {self._packages} are there")
            self._packages = 0


def width() -> int:
    """Of lines in this terminal."""
    low, high = _WIDTHS
    return max(low, min(high, shutil.get_terminal_size((high, 24)).columns))


def lines(finding: "Finding", width: int) -> list[str]:
    """A finding at that width; commands, in backquotes, stay on one line."""
    wrapped = _wrap(f"{finding.name}: {finding.detail}", width - _INDENT)
    out = [f"{finding.state:<{_INDENT}}{wrapped[0]}", *(f"{'':<{_INDENT}}{line}" for line in wrapped[1:])]
    if finding.mend:
        first, *rest = _wrap(finding.mend, width - _INDENT - 3)
        out += [f"{'':<{_INDENT}}-> {first}", *(f"{'':<{_INDENT + 3}}{line}" for line in rest)]
    return out


def _wrap(text: str, width: int) -> list[str]:
    import re
    import textwrap

    keep: Callable[[re.Match[str]], str] = lambda match: match[0].replace(" ", "\0")  # noqa: E731
    whole = re.sub(r"`[^`]*`", keep, " ".join(text.split()))
    wrapped = textwrap.wrap(whole, max(20, width), break_long_words=False, break_on_hyphens=False)
    return [line.replace("\0", " ") for line in wrapped] or [""]


def _json(job: "Job", found: "Sequence[tuple[str, Finding]]", good: bool) -> str:
    import json

    checks: list[dict[str, Any]] = [
        {
            "check": check, "name": one.name, "state": one.state, "detail": one.detail, "mend": one.mend,
            "needed": one.needed, "found": dict(one.found),
        }
        for check, one in found
    ]  # fmt: skip
    config = str(job.file) if job.file else None
    return json.dumps({"ok": good, "config": config, "seconds": job.seconds, "checks": checks}, ensure_ascii=False)
