"""Which checks there are, and how they are run: side by side, each bounded in time, a failing one being a finding."""

import importlib
import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from time import monotonic
from typing import Final

from asvtools.doctor.finding import PROBLEM, Check, Finding, Job
from asvunit.errors import AsvkitError


def _late(module: str, name: str) -> Check:
    """A check whose module is imported when it runs: where a package is broken, the others still tell."""

    def check(job: Job) -> Iterator[Finding]:
        found = getattr(importlib.import_module(f"asvtools.doctor.{module}"), f"check_{name}")
        yield from found(job)

    return check


# In the order of the report: each `check_NAME` of its module
CHECKS: Final[dict[str, Check]] = {
    name: _late(module, name)
    for name, module in (
        ("python", "offline"),
        ("packages", "offline"),
        ("codec", "offline"),
        ("data", "offline"),
        ("micropython", "offline"),
        ("service", "machine"),
        ("gnss", "gnss"),
        ("can", "can_listen"),
        ("radio", "radio"),
        ("loopback", "offline"),
        ("clock", "system_clock"),
        ("gpio", "pins_check"),
        ("rights", "rights"),
        ("disk", "machine"),
        ("power", "machine"),
    )
}
SELF_TEST: Final = "self-test"
_OFFLINE: Final = frozenset({"python", "packages", "codec", "data"})
_UNIT: Final = frozenset({"gnss", "can", "radio"})  # whose failing is the configured unit's
_MARGIN_S: Final = 20.0  # beyond listening: the usual baud rates are tried, the system's commands answer

_Answer = tuple[str, Finding | None]  # None: the check has ended


def run_checks(job: Job, names: Sequence[str], checks: Mapping[str, Check]) -> Iterator[tuple[str, Finding]]:
    """The findings with the names of their checks, in the order of the names, as soon as each check has ended."""
    answers: queue.SimpleQueue[_Answer] = queue.SimpleQueue()
    for name in names:
        threading.Thread(
            target=_run, args=(job, name, checks[name], answers.put), name=f"doctor-{name}", daemon=True
        ).start()
    end = monotonic() + job.seconds + _MARGIN_S
    found: dict[str, list[Finding]] = {name: [] for name in names}
    ended: set[str] = set()
    for name in names:
        while name not in ended:
            try:
                whose, finding = answers.get(timeout=max(0.0, end - monotonic()))
            except queue.Empty:
                text = f"not ended after {job.seconds + _MARGIN_S:g} s; the rest goes on without it"
                found[name].append(_failed(job, name, text))
                break
            if finding is None:
                ended.add(whose)
            else:
                found[whose].append(finding)
        for each in found[name]:
            yield name, each


def _run(job: Job, name: str, check: Check, put: Callable[[_Answer], None]) -> None:
    try:
        for finding in check(job):
            put((name, finding))
    except AsvkitError as error:  # a file that the configuration names, say
        needed = job.config is not None
        put((name, Finding(name, PROBLEM, str(error), "`asvkit config check FILE` tells every fault", needed)))
    except Exception as error:
        put((name, _failed(job, name, f"{type(error).__name__}: {' '.join(str(error).split())}")))
    finally:
        put((name, None))


def _failed(job: Job, name: str, text: str) -> Finding:
    needed = name in _OFFLINE or (job.config is not None and name in _UNIT)
    mend = "install asvkit again" if name in _OFFLINE else "the check itself failed: please report it"
    return Finding(name, PROBLEM, text, mend, needed)
