"""Results of a bench as JSON: what was tested where and with what, how each test ended, and what it measured."""

import hashlib
import json
import subprocess
from collections import Counter
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from asvunit.errors import AsvkitError
from asvunit.resources import data_folder

VERSION: Final = 1
_SOURCE: Final = Path(__file__).resolve().parent


def git_revision(folder: Path = _SOURCE) -> str:
    """Of the checkout that this code is of, with "-dirty" where it was changed since; "" outside of one."""
    told: list[str] = []
    for argv in (
        ("rev-parse", "--show-toplevel"),
        ("rev-parse", "HEAD"),
        ("status", "--porcelain", "--untracked-files=no"),
    ):
        try:
            done = subprocess.run(  # noqa: S603
                ["git", "-C", str(folder), *argv],  # noqa: S607
                capture_output=True,
                text=True,
                check=False,
                timeout=20,
                stdin=subprocess.DEVNULL,
            )
        except (OSError, subprocess.TimeoutExpired):
            return ""
        if done.returncode:
            return ""
        told.append(done.stdout.strip())
    top, revision, changed = told
    if folder == _SOURCE and Path(top) / "hil" / "asvrig" != folder:  # installed below somebody else's checkout
        return ""
    return f"{revision}-dirty" if changed else revision


def pins_sha256(path: Path | None = None) -> str:
    """Of a pin map's file; None: the one that comes with asvkit."""
    return hashlib.sha256((path or data_folder("hardware") / "pins.toml").read_bytes()).hexdigest()


@dataclass(slots=True)
class TestResult:
    """One test. `outcome`: passed, failed, error, skipped, xfailed or xpassed; `reason`: a line, of all but the first.

    `measured`: name, value, unit of each figure.
    """

    __test__ = False

    name: str
    outcome: str = "passed"
    seconds: float = 0.0
    reason: str = ""
    measured: list[dict[str, Any]] = field(default_factory=list)


class Results:
    """All of a run. `asked`: the target's name as it was asked for; what it is stands there once one was opened."""

    def __init__(self, started: str, asked: str) -> None:
        self._started, self._asked = started, asked
        self._target: dict[str, Any] | None = None
        self._tests: dict[str, TestResult] = {}

    @property
    def tests(self) -> list[TestResult]:
        """In the order of their first word."""
        return list(self._tests.values())

    def take(
        self,
        name: str,
        phase: str,
        outcome: str,
        seconds: float,
        reason: str,
        measured: list[dict[str, Any]],
        target: dict[str, Any] | None,
    ) -> None:
        """One phase (setup, call, teardown) of a test. What went wrong in any phase stays."""
        one = self._tests.setdefault(name, TestResult(name))
        if phase == "setup":  # a test that is repeated: the last time counts
            one = self._tests[name] = TestResult(name)
        one.seconds = round(one.seconds + seconds, 3)
        if outcome != "passed" and one.outcome in ("passed", "skipped"):
            one.outcome, one.reason = outcome, reason
        one.measured += measured
        self._target = target or self._target

    def told(self) -> dict[str, Any]:
        """As it is written."""
        tests = self.tests
        return {
            "results": VERSION,
            "started": self._started,
            "asvkit": version("asvkit"),
            "git": git_revision(),
            "pins_sha256": self._target["pins_sha256"] if self._target else pins_sha256(),
            "asked": self._asked,
            "target": self._target,
            "counts": dict(sorted(Counter(one.outcome for one in tests).items())),
            "tests": [asdict(one) for one in tests],
        }

    def write(self, path: Path) -> None:
        """AsvkitError where that cannot be."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(self.told(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        except OSError as error:
            raise AsvkitError(f"{path}: results cannot be written: {error.strerror}") from error
