"""All scenarios in virtual time, judged, and what that says of the guideline's requirements: no terminal, no files.

Each scenario runs in one of a few processes, in a folder of its own; a process that is killed costs its scenario
alone. The outcome is in the order asked for and the same every time, whatever the number of processes. A scenario
that cannot be run is a failed one with a line why.
"""

import contextlib
import gc
import multiprocessing
import multiprocessing.connection
import os
import shutil
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from asvrig.expected import Expected, outlook
from asvrig.judge import Check, judge
from asvrig.scenario import Scenario, load_scenario
from asvtools.clauses import Checks, Clause, missing_tests
from asvtools.verify_plot import Plot, plots
from asvtools.virtual import replayed
from asvunit.errors import AsvkitError

Status = Literal["met", "tested", "not applicable", "open", "failed"]
_TOLD: Final = ("function", "level", "presented", "reason", "distance_m", "error_m", "threshold_m", "ttc_s")


@dataclass(slots=True)
class Result:
    """One scenario: its checks, what the driver was told, and what a plot needs. `error`: why it could not be run."""

    name: str
    title: str = ""
    story: str = ""
    function: str = ""
    checks: list[Check] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)  # support events, times from the scenario's begin
    plots: list[Plot] = field(default_factory=list)
    error: str = ""

    @property
    def wrong(self) -> list[Check]:
        """The checks that failed: said to be wrong, or outside their time."""
        return [check for check in self.checks if not good(check)]

    @property
    def good(self) -> bool:
        """Whether it ran and every check holds."""
        return not self.error and bool(self.checks) and not self.wrong

    @property
    def margin_s(self) -> float | None:
        """The smallest margin of its checks."""
        return least(check.margin_s for check in self.checks)


@dataclass(slots=True)
class Evidence:
    """What one choice of checks, or one test, says of a requirement."""

    text: str
    test: bool = False
    scenarios: list[str] = field(default_factory=list)
    count: int = 0  # of checks
    failed: int = 0
    margin_s: float | None = None
    missing: bool = False  # no check was chosen, or there is no such test


@dataclass(slots=True)
class Assessed:
    """A requirement and how it stands. `why`: for what is not simply met."""

    clause: Clause
    status: Status
    why: str
    evidence: list[Evidence]
    margin_s: float | None


def good(check: Check) -> bool:
    """Whether a check holds, and its margin is not negative."""
    return check.good and (check.margin_s is None or check.margin_s >= 0)


def least(margins: Any) -> float | None:
    """The smallest of those that are known."""
    return min((one for one in margins if one is not None), default=None)


def run(
    names: Sequence[str], folder: Path, jobs: int, done: Callable[[Result], None] = lambda _result: None
) -> list[Result]:
    """The outcome of each scenario, in the order of the names; `done` is called with each as it comes."""
    if jobs == 1 or len(names) == 1:
        results = []
        for name in names:
            results.append(run_one(name, folder))
            done(results[-1])
        return results
    by_name: dict[str, Result] = {}
    left = list(names[::-1])
    running: dict[Future[Result], tuple[str, ProcessPoolExecutor]] = {}
    with contextlib.ExitStack() as stack:
        idle = [_pool(stack) for _number in range(min(jobs, len(names)))]
        while left or running:
            while idle and left:
                _start(left.pop(), idle.pop(), folder, running, stack)
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                name, pool = running.pop(future)
                by_name[name] = _outcome(name, future)
                idle.append(_pool(stack) if isinstance(future.exception(), BrokenProcessPool) else pool)
                done(by_name[name])
    return [by_name[name] for name in names]


def _start(
    name: str,
    pool: ProcessPoolExecutor,
    folder: Path,
    running: dict[Future[Result], tuple[str, ProcessPoolExecutor]],
    stack: contextlib.ExitStack,
) -> None:
    """In this pool, or in a new one where its process has died with nothing to do."""
    try:
        future = pool.submit(run_one, name, folder)
    except BrokenProcessPool:
        pool = _pool(stack)
        future = pool.submit(run_one, name, folder)
    running[future] = name, pool


def _outcome(name: str, future: Future[Result]) -> Result:
    """Also of a scenario whose process has died."""
    try:
        return future.result()
    except BrokenProcessPool:
        return Result(name, error="its process was killed, memory may have run out; repeat with fewer --jobs")
    except Exception as error:
        return Result(name, error=f"its process has ended: {_line(error)}")


def run_one(name: str, folder: Path) -> Result:
    """One scenario, in a folder of its own below `folder` that is gone afterwards. Never raises for its content."""
    result = Result(name)
    own = folder / f"{name.replace('/', '_')[-80:]}-{os.getpid()}"
    try:
        own.mkdir()
        scenario = load_scenario(name)
        result.title, result.story, result.function = scenario.title, scenario.story, scenario.function
        events = replayed(scenario, own)
        due = outlook(scenario)
        result.checks = with_levels(due.due, events, judge(scenario, events, due))
        result.told = _told(scenario, events)
        result.plots = plots(scenario, due.due, events)
    except AsvkitError as error:
        result.error = _line(error)
    except Exception as error:  # a fault of ours: one failed row, and the others are still judged
        result.error = f"{type(error).__name__}: {_line(error)}"
    finally:
        shutil.rmtree(own, ignore_errors=True)
    return result


def with_levels(due: Sequence[Expected], events: Sequence[dict[str, Any]], checks: Sequence[Check]) -> list[Check]:
    """The judge's checks, and as good the one of which it speaks only where it fails: no level beside, no step back."""
    given = {event["function"] for event in events if event["event"] == "support" and event["level"] != "none"}
    said = {check.function for check in checks if check.what == "levels"}
    held = sorted({one.function for one in due if not one.loose} & given - said)
    return [*checks, *(Check("all", "levels", True, "as due, no step back", function=one) for one in held)]


def _told(scenario: Scenario, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every support event of a vehicle, by its name."""
    names = {vehicle.vehicle_id: vehicle.name for vehicle in scenario.others}
    return [
        {
            "t_s": round(event["t"] - scenario.start_ns / 1e9, 3),
            "vehicle": names.get(event["vehicle_id"], f"vehicle {event['vehicle_id']}"),
            **{key: event[key] for key in _TOLD},
        }
        for event in events
        if event["event"] == "support" and event["vehicle_id"] is not None
    ]


def assess(clauses: Sequence[Clause], results: Sequence[Result], checkout: Path | None) -> list[Assessed]:
    """How each requirement stands; tests are looked up in the checkout, where there is one."""
    return [_assess(clause, results, checkout) for clause in clauses]


def _assess(clause: Clause, results: Sequence[Result], checkout: Path | None) -> Assessed:
    if clause.not_applicable:
        return Assessed(clause, "not applicable", clause.not_applicable, [], None)
    if clause.open:
        return Assessed(clause, "open", clause.open, [], None)
    absent = set(missing_tests(clause.tests, checkout)) if checkout else set()
    evidence = [_by_checks(text, results) for text in clause.checks]
    evidence += [Evidence(text, test=True, missing=text in absent) for text in clause.tests]
    margin_s = least(one.margin_s for one in evidence)
    failed = sum(one.failed for one in evidence)
    missing = [one for one in evidence if one.missing]
    if failed:
        return Assessed(clause, "failed", f"{failed} checks failed", evidence, margin_s)
    if missing:
        word = "no such test" if missing[0].test else "no check of this run is"
        return Assessed(clause, "open", f"{word}: {missing[0].text}", evidence, margin_s)
    return Assessed(clause, "met" if clause.checks else "tested", "", evidence, margin_s)


def _by_checks(text: str, results: Sequence[Result]) -> Evidence:
    choice, out = Checks.read(text), Evidence(text)
    for result in results:
        chosen = [one for one in result.checks if choice.match(result.name, one.function, one.what)]
        if chosen:
            out.scenarios.append(result.name)
            out.count += len(chosen)
            out.failed += sum(not good(one) for one in chosen)
            out.margin_s = least([out.margin_s, *(one.margin_s for one in chosen)])
    out.missing = not out.count
    return out


def _pool(stack: contextlib.ExitStack) -> ProcessPoolExecutor:
    """One process each, so that it is known what a killed one was at; spawned, so that nothing of this one is in it."""
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(1, mp_context=context, initializer=_begin_worker)
    stack.callback(pool.shutdown, cancel_futures=True)
    return pool


def _begin_worker() -> None:
    """Ctrl-C is the command's to heed; without the command there is no work. What is loaded is not looked at again."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    multiprocessing.connection.wait([sentinel])
    os._exit(1)


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
