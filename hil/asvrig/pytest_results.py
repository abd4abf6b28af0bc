"""The results of a pytest run, collected and written: what the plugin does with --asvkit-results alone."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from asvrig.results import Results
from asvrig.targets.target import RunningUnit
from asvunit.errors import AsvkitError

_EVENTS: Final = 12  # of a unit whose test failed


class Collected:
    """Collects the results and writes them at the end; with pytest-xdist in its controller."""

    def __init__(self, config: pytest.Config, path: Path) -> None:
        self._path = path
        self._results = Results(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", config.getoption("--asvkit-target"))

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._results.take(
            report.nodeid,
            report.when or "",
            _outcome(report),
            report.duration,
            _reason(report),
            getattr(report, "asvkit_measured", []),
            getattr(report, "asvkit_target", None),
        )

    @pytest.hookimpl
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        try:
            self._results.write(self._path)
        except AsvkitError as error:
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
            raise pytest.UsageError(f"--asvkit-results: {error}") from error

    @pytest.hookimpl
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        rows = [(one.name, *figure.values()) for one in self._results.tests for figure in one.measured]
        if rows:
            terminalreporter.section("asvkit: measured")
            for test, name, value, unit in rows:
                terminalreporter.line(f"{test}: {name} = {value:g} {unit}".rstrip())
        terminalreporter.line(f"asvkit: results in {self._path}")


def _outcome(report: pytest.TestReport) -> str:
    if hasattr(report, "wasxfail"):
        return "xfailed" if report.skipped else "xpassed"
    return "error" if report.failed and report.when != "call" else report.outcome


def _reason(report: pytest.TestReport) -> str:
    if report.passed:
        return ""
    if isinstance(report.longrepr, tuple):  # skipped: file, line, reason
        return re.sub("^Skipped: ", "", str(report.longrepr[2]))
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(crash.message if crash else report.longrepr)
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def told(unit: RunningUnit) -> str:
    """What a unit did last, for who looks why a test failed."""
    events = unit.events
    code = unit.exit_code
    lines = ["runs" if code is None else f"ended with code {code}", f"{len(events)} events, the last ones:"]
    return "\n".join([*lines, *(f"  {event}" for event in events[-_EVENTS:])])
