"""Reads the ledger of latencies from a unit's events: sessions, their changes, and what could not be read.

A file may hold several sessions one after the other, each with its `start`; it may be cut off anywhere, written to
as it is read, or hold events of a unit that told fewer boundaries. Only lines that can matter are parsed.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeGuard

from asvtools.latency_stages import CHAIN, KEYS, OUTPUTS, Change
from asvunit.errors import AsvkitError, UsageError

_OF_INTEREST: Final = re.compile(rb'"event"\s*:\s*"(?:latency|hmi|start|stop|lost)"')
_KEYS_US: Final = tuple((name, f"{name}_us") for name in KEYS)
_PLAIN: Final = (float, int, str)
_LONGEST: Final = 1 << 20  # bytes of a line
_MOST_US: Final = 1e12
_WORD: Final = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
_ROUNDING_US: Final = 1.0  # boundaries may lie so much before each other by rounding


@dataclass(slots=True)
class Session:
    """One run of a unit. `start_t`: epoch seconds, None where the file begins later; `stop`: the reason, "" cut off."""

    start_t: float | None = None
    vehicle_id: int | None = None
    version: str = ""
    stop: str = ""
    changes: int = 0
    untimed: int = 0


@dataclass(slots=True)
class Ledger:
    """What one unit's events tell. `counters`: lines and events that were dropped, by reason."""

    name: str
    path: Path
    pins: Path | None = None
    sessions: list[Session] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    counters: Counter[str] = field(default_factory=Counter)
    lost: int = 0  # events that the unit could not write
    events: int = 0
    more: tuple[Path, ...] = ()  # files that go on where `path` ends

    @property
    def untimed(self) -> int:
        """What the driver was to be told, but no output is known to have told it."""
        return sum(session.untimed for session in self.sessions)


def read_ledger(path: Path, unit: int, name: str, more: Sequence[Path] = ()) -> Ledger:
    """One file of events, `more` go on with it; UsageError if one cannot be opened, AsvkitError if there are none."""
    ledger = Ledger(name, path, more=tuple(more))
    reader = _Reader(ledger, unit)
    for each in (path, *more):
        for event in _events(each, ledger):
            ledger.events += 1
            reader.take(event)
    reader.end()
    if not ledger.events:
        raise AsvkitError(f"{path}: holds no events of a unit; give what [events] file or --events FILE wrote")
    return ledger


def lines(path: Path, counters: Counter[str]) -> Iterator[bytes]:
    """The whole lines of a file, at most 1 MiB each; a last one without its end only if it is whole JSON."""
    try:
        with path.open("rb") as file:
            long, first = False, True
            while line := file.readline(_LONGEST):
                ended = line.endswith(b"\n")
                if long or (not ended and len(line) == _LONGEST):
                    if first:
                        raise AsvkitError(f"{path}: is not lines of JSON; give a unit's events")
                    counters["too_long"] += not long
                    long = not ended
                elif ended or _whole(line):
                    yield line
                else:
                    counters["torn"] += 1
                first = False
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error


def _whole(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _events(path: Path, ledger: Ledger) -> Iterator[dict[str, Any]]:
    for line in lines(path, ledger.counters):
        if not _OF_INTEREST.search(line):
            continue
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            ledger.counters["malformed"] += 1
            continue
        if isinstance(event, dict):
            yield event


class _Reader:
    """Events in, sessions and changes out."""

    def __init__(self, ledger: Ledger, unit: int) -> None:
        self._ledger, self._unit = ledger, unit
        self._told: Counter[tuple[Any, ...]] = Counter()  # hmi events of which no latency has come
        self._functions: dict[tuple[Any, ...], str] = {}
        self._last: tuple[Any, ...] | None = None  # the last hmi event, if nothing came after it

    def take(self, event: dict[str, Any]) -> None:
        match event.get("event"):
            case "latency":
                self._latency(event)
            case "hmi":
                key = _key(event)
                self._told[key] += 1
                self._last = key
                function = event.get("function")
                if isinstance(function, str):
                    self._functions = {key: function}
            case "start":
                self.end()
                self._ledger.sessions.append(_session(event))
            case "stop":
                self._session().stop = _word(event.get("reason")) or "unknown"
                self._last = None
            case "lost":
                count = event.get("count")
                self._ledger.lost += count if isinstance(count, int) and 0 < count < _MOST_US else 0

    def end(self) -> None:
        """A session ends: what has no time now will have none. The last one may only have been cut off."""
        if self._last is not None:
            self._told[self._last] -= 1
        missing = sum(count for count in self._told.values() if count > 0)
        if missing:
            self._session().untimed += missing
        self._told.clear()
        self._last = None

    def _session(self) -> Session:
        if not self._ledger.sessions:
            self._ledger.sessions.append(Session())
        return self._ledger.sessions[-1]

    def _latency(self, event: dict[str, Any]) -> None:
        ledger = self._ledger
        key = _key(event)
        self._told[key] -= 1
        self._last = None
        t, stamp_ns = event.get("t"), event.get("stamp_ns")
        level, kind = _word(event.get("level")), _word(event.get("input"))
        at = _boundaries(event)
        if at is None or not _number(t) or not _natural(stamp_ns) or not level or not kind:
            ledger.counters["malformed"] += 1
            return
        for name in _out_of_order(at):
            ledger.counters[f"out_of_order_{name}"] += 1
            del at[name]
        if not at.keys() & {*OUTPUTS, "written"}:
            self._session().untimed += 1
            return
        self._session().changes += 1
        cause, cue = event.get("cause"), event.get("cue")
        ledger.changes.append(
            Change(
                unit=self._unit,
                session=len(ledger.sessions) - 1,
                number=len(ledger.changes) + 1,
                t=t,
                stamp_ns=stamp_ns,
                input=kind,
                cause=cause if _natural(cause) else None,
                level=level,
                function=_word(event.get("function") or self._functions.get(key)) or None,
                cue=cue if isinstance(cue, bool) else None,
                at=at,
            )
        )


def _key(event: dict[str, Any]) -> tuple[Any, ...]:
    key = (event.get("t"), event.get("cause"), event.get("level"))
    return key if all(type(value) in _PLAIN for value in key) else ()


def _session(event: dict[str, Any]) -> Session:
    t, vehicle_id, version = event.get("t"), event.get("vehicle_id"), event.get("asvkit")
    return Session(
        t if _number(t) else None,
        vehicle_id if _natural(vehicle_id) else None,
        version[:40] if isinstance(version, str) else "",
    )


def _boundaries(event: dict[str, Any]) -> dict[str, float] | None:
    """Those that were passed; None if one is no time."""
    out = {}
    for name, key in _KEYS_US:
        us = event.get(key)
        if us is None:
            continue
        if not _number(us) or not -_ROUNDING_US <= us <= _MOST_US:
            return None
        out[name] = float(us)
    return out


def _out_of_order(at: dict[str, float]) -> list[str]:
    """Boundaries that lie after one which follows them: these tell nothing of the way, the others still do."""
    wrong = []
    ends = [at[name] for name in OUTPUTS if name in at]
    next_us = min([*ends, at.get("written", math.inf)])
    for name in reversed(CHAIN):
        us = at.get(name, -math.inf)
        if us > next_us + _ROUNDING_US:
            wrong.append(name)
        elif name in at:
            next_us = us
    if at.get("written", math.inf) < max(ends, default=-math.inf) - _ROUNDING_US:
        wrong.append("written")
    return wrong


def _number(value: object) -> TypeGuard[int | float]:
    return (type(value) is float or type(value) is int) and abs(value) < 1e18


def _natural(value: object) -> TypeGuard[int]:
    return type(value) is int and 0 <= value < 1 << 63


def _word(value: object) -> str:
    """The code word, or "" where it is none."""
    return value if isinstance(value, str) and _WORD.fullmatch(value) else ""
