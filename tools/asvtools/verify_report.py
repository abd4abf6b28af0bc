"""The report of a verification: one JSON document with everything (docs/verify.md), and the page made from it.

Both are the same in every run of the same scenarios: they tell no wall-clock time.
"""

import contextlib
import errno
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from asvrig.expected import TIMED
from asvrig.judge import NEARBY_TOLERANCE_S, TOLERANCE_S, Check
from asvtools.verify import Assessed, Evidence, Result, good, least
from asvtools.verify_page import page
from asvtools.verify_plot import Plot
from asvunit.errors import AsvkitError

FORM: Final = 1  # version of the JSON
JSON, HTML = "verify.json", "index.html"
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
STATUSES: Final = ("met", "tested", "not applicable", "open", "failed")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A whole verification. `whole`: all scenarios of the project were run."""

    results: Sequence[Result]
    requirements: Sequence[Assessed]
    whole: bool

    @property
    def failed(self) -> list[Result]:
        """The scenarios that are not good."""
        return [result for result in self.results if not result.good]

    @property
    def margin_s(self) -> float | None:
        """The smallest margin of all checks."""
        return least(result.margin_s for result in self.results)

    def count(self, status: str) -> int:
        """How many requirements stand so."""
        return sum(one.status == status for one in self.requirements)


def write(outcome: Outcome, folder: Path) -> Path:
    """Write both files into a folder that exists, or neither; the page's path."""
    told = document(outcome)
    texts = {JSON: json.dumps(told, ensure_ascii=False, separators=(",", ":")) + "\n", HTML: page(told)}
    parts = {name: folder / f".{name}.{os.getpid()}" for name in texts}
    name = JSON
    try:
        for name, text in texts.items():
            if (folder / name).is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            parts[name].write_text(text, "utf-8", "backslashreplace")
        for name, part in parts.items():
            part.replace(folder / name)
    except OSError as error:
        mend = "make room and repeat" if error.errno in _FULL else "name another folder with --report"
        why = error.strerror or error
        raise AsvkitError(f"{folder / name}: cannot be written: {why}; {mend}") from error
    finally:
        for part in parts.values():
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
    return folder / HTML


def document(outcome: Outcome) -> dict[str, Any]:
    """Everything as JSON has it."""
    checks = [check for result in outcome.results for check in result.checks]
    return {
        "verify": FORM,
        "asvkit": version("asvkit"),
        "whole": outcome.whole,
        "tolerance_ms": {
            "timed": _ms(TOLERANCE_S),
            "nearby": _ms(NEARBY_TOLERANCE_S),
            "widest": _ms(max([TOLERANCE_S, *(one.tolerance_s for one in checks if one.function in TIMED)])),
        },
        "summary": {
            "requirements": {status: outcome.count(status) for status in STATUSES},
            "scenarios": {"good": len(outcome.results) - len(outcome.failed), "failed": len(outcome.failed)},
            "checks": {"good": sum(map(good, checks)), "failed": sum(not good(check) for check in checks)},
            "margin_ms": _ms(outcome.margin_s),
        },
        "requirements": [_requirement(one) for one in outcome.requirements],
        "scenarios": [_scenario(number, one) for number, one in enumerate(outcome.results, 1)],
    }


def _requirement(one: Assessed) -> dict[str, Any]:
    return {
        "id": one.clause.id,
        "clause": one.clause.clause,
        "force": one.clause.force,
        "requirement": one.clause.requirement,
        "status": one.status,
        "why": one.why,
        "margin_ms": _ms(one.margin_s),
        "evidence": [_evidence(part) for part in one.evidence],
    }


def _evidence(part: Evidence) -> dict[str, Any]:
    if part.test:
        return {"test": part.text, "missing": part.missing}
    return {
        "checks": part.text,
        "count": part.count,
        "failed": part.failed,
        "margin_ms": _ms(part.margin_s),
        "scenarios": part.scenarios,
        "missing": part.missing,
    }


def _scenario(number: int, one: Result) -> dict[str, Any]:
    return {
        "id": f"s{number}",
        "name": one.name,
        "title": one.title,
        "story": one.story,
        "function": one.function,
        "good": one.good,
        "error": one.error,
        "margin_ms": _ms(one.margin_s),
        "checks": [_check(check) for check in one.checks],
        "told": one.told,
        "plots": [_plot(f"s{number}p{at}", plot) for at, plot in enumerate(one.plots, 1)],
    }


def _check(check: Check) -> dict[str, Any]:
    window = check.window
    return {
        "function": check.function,
        "vehicle": check.vehicle,
        "what": check.what,
        "good": good(check),
        "note": check.note,
        "earliest_s": _s(window.earliest_s) if window else None,
        "latest_s": _s(window.latest_s) if window else None,
        "actual_s": _s(check.actual_s),
        "tolerance_ms": _ms(check.tolerance_s),
        "margin_ms": _ms(check.margin_s),
    }


def _plot(plot_id: str, plot: Plot) -> dict[str, Any]:
    return {
        "id": plot_id,
        "function": plot.function,
        "vehicle": plot.vehicle,
        "from_s": _s(plot.from_s),
        "to_s": _s(plot.to_s),
        "lines": plot.lines,
        "told": plot.told,
        "levels": plot.levels,
        "due": [(what, _s(begin), _s(end)) for what, begin, end in plot.due],
    }


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def _s(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
