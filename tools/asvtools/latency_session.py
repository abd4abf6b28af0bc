"""What `asvkit latency` is given: files of events, folders of them, and folders that a bench has kept.

In a folder every file of events counts as one unit. Beside `NAME.jsonl`, `NAME.pins.jsonl` is its record of mock
pins; beside `events.jsonl` also `pins.jsonl`. A bench's folder holds `stimuli.jsonl` too, what was sent and when, and
`seen.jsonl`, what the probe saw, which then stands in the place of the record.
"""

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from asvtools.latency_ledger import Ledger, lines, read_ledger
from asvtools.latency_pins import PROBE_WAIT_NS, RECORD_WAIT_NS, Writes, merge, read_writes
from asvtools.latency_stages import Change
from asvunit.errors import AsvkitError, UsageError
from asvunit.session.form import EVENTS as PART_EVENTS
from asvunit.session.form import is_session, part_of

EVENTS: Final = "events.jsonl"
PINS: Final = "pins.jsonl"
STIMULI: Final = "stimuli.jsonl"
SEEN: Final = "seen.jsonl"
CONDITIONS: Final = "bench.json"
_SUFFIX: Final = ".jsonl"
_PINS_SUFFIX: Final = ".pins.jsonl"
_FIRST: Final = 1 << 16  # bytes in which a file of events shows that it is one
_KINDS: Final = {"can": "signal", "radio": "frame", "gnss": "fix", "switch": "switch"}  # stimulus: input it comes in by
_LEVELS: Final = ("information", "caution", "warning")
_WAIT_NS: Final = 2_000_000_000  # the last stimulus is given up after that
_NEVER_NS: Final = 1 << 80
_CLOCK_NS: Final = 1_000_000  # a driver's stamp may lie so much before the calibrated time on the wire
_MOST_BYTES: Final = 1 << 20
_AS_IT_IS: Final = (RECORD_WAIT_NS, 0.0)


@dataclass(slots=True)
class Bench:
    """What a bench did. `stimuli` of them were sent, `answered` led to a change that is in the ledger.

    `unseen` of those that were answered: the probe did not see the lamp, or the buzzer, that it was there for.
    """

    conditions: dict[str, Any] = field(default_factory=dict)
    stimuli: int = 0
    answered: int = 0
    unseen: int = 0


@dataclass(slots=True)
class Measured:
    """All that was given. `seen` by name of the unit: how many of its changes the record or probe saw."""

    ledgers: list[Ledger]
    seen: dict[str, int] = field(default_factory=dict)
    bench: Bench | None = None

    @property
    def changes(self) -> list[Change]:
        """Of all units, one unit after the other."""
        return [change for ledger in self.ledgers for change in ledger.changes]


def read_sessions(given: Sequence[Path], pins: Path | None = None) -> Measured:
    """Files and folders; `pins` is the record of a single file. UsageError and AsvkitError name what is wrong."""
    files = _files(given)
    if pins is not None and len(files) != 1:
        raise UsageError(f"--pins: belongs to one file of events, and {len(files)} are given")
    names = _names(files)
    measured = Measured([read_ledger(path, unit, names[unit], _further_parts(path)) for unit, path in enumerate(files)])
    for ledger in measured.ledgers:
        folder = ledger.path.parent
        probe = folder / SEEN if ledger.path.name == EVENTS and (folder / STIMULI).is_file() else None
        offset_us = 0.0
        if probe is not None:
            measured.bench = _bench(folder, ledger, measured.bench or Bench())
            offset_us = _probe_us(measured.bench.conditions)
        ledger.pins = pins or _record(ledger.path, probe)
        if ledger.pins is not None:
            writes = read_writes(ledger.pins, ledger.counters)
            seen = merge(ledger.changes, writes, *((PROBE_WAIT_NS, offset_us) if ledger.pins == probe else _AS_IT_IS))
            measured.seen[ledger.name] = seen
            if measured.bench is not None and ledger.pins == probe:
                measured.bench.unseen += _unseen(ledger, writes, measured.bench.conditions)
    for change in measured.changes:
        change.settle()
    return measured


def sources(measured: Measured) -> list[Path]:
    """The files that it was read from, and those that a bench keeps beside them: what is raw is not written over."""
    found = []
    for ledger in measured.ledgers:
        found += [ledger.path, *ledger.more, *([ledger.pins] if ledger.pins else [])]
        if ledger.path.name == EVENTS and (ledger.path.parent / STIMULI).is_file():
            found += [ledger.path.parent / name for name in (PINS, STIMULI, SEEN, CONDITIONS)]
    return found


def _files(given: Sequence[Path]) -> list[Path]:
    files: list[Path] = []
    for path in given:
        try:
            if not path.exists():
                raise UsageError(f"{path}: is not there; give a unit's events, or the folder they lie in")
            if not path.is_dir():
                files.append(path)
                continue
            found = _in_folder(path)
        except (OSError, ValueError) as error:
            raise UsageError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
        if not found:
            raise AsvkitError(f"{path}: holds no file of events (*{_SUFFIX} with a unit's events)")
        files += found
    once = {path.resolve(): path for path in files}
    return list(once.values())


def _in_folder(folder: Path) -> list[Path]:
    """Of a recorded session its first part; of a folder of sessions that of each; else all files of events."""
    if is_session(folder):
        return [path for path in sorted(folder.iterdir()) if _part(path)][:1]
    found = [one for each in sorted(folder.iterdir()) if is_session(each) for one in _in_folder(each)]
    return found or sorted(one for one in folder.iterdir() if _holds_events(one))


def _part(path: Path) -> int:
    """Which part of a recorded session's events a file is; 0: none."""
    found = part_of(path.name)
    return found[1] if found and found[0] == PART_EVENTS and is_session(path.parent) else 0


def _further_parts(path: Path) -> list[Path]:
    """Those of the same session after the first one, which was given."""
    if not _part(path):
        return []
    parts = sorted(one for one in path.parent.iterdir() if _part(one))
    return parts[1:] if parts[0] == path else []


def _holds_events(path: Path) -> bool:
    """Whether a file of a folder is one of events: its first line says so, or the file says it soon."""
    if not path.name.endswith(_SUFFIX) or path.name.endswith(_PINS_SUFFIX) or not path.is_file():
        return False
    if path.name in (PINS, STIMULI, SEEN):
        return False
    with path.open("rb") as file:
        return b'"event"' in file.read(_FIRST)


def _names(files: Sequence[Path]) -> list[str]:
    """By the file, with its folder where that is the same."""
    files = [path.parent if _part(path) else path for path in files]
    stems = Counter(path.stem for path in files)
    names = [path.stem if stems[path.stem] == 1 else f"{path.resolve().parent.name}/{path.stem}" for path in files]
    again = Counter(names)
    return [name if again[name] == 1 else str(path) for name, path in zip(names, files, strict=True)]


def _record(events: Path, probe: Path | None) -> Path | None:
    near = [probe] if probe is not None else []
    near.append(events.with_name(events.name.removesuffix(_SUFFIX) + _PINS_SUFFIX))
    if events.name == EVENTS:
        near.append(events.with_name(PINS))
    return next((path for path in near if path.is_file()), None)


# The bench


def _bench(folder: Path, ledger: Ledger, bench: Bench) -> Bench:
    """Lays the stimuli on the ledger: each change that one led to gets its time."""
    bench.conditions = _conditions(folder / CONDITIONS) if (folder / CONDITIONS).is_file() else {}
    level = bench.conditions.get("light")
    sent = _stimuli(folder / STIMULI, ledger.counters)
    bench.stimuli += len(sent)
    changes = sorted(ledger.changes, key=lambda change: change.stamp_ns)
    stamps_ns = [change.stamp_ns for change in changes]
    for number, (sent_ns, wire_ns, kind) in enumerate(sent):
        until_ns = sent[number + 1][0] if number + 1 < len(sent) else sent_ns + _WAIT_NS
        for change in changes[bisect_left(stamps_ns, sent_ns - _CLOCK_NS) : bisect_left(stamps_ns, until_ns)]:
            # The lamp of a level has its name; where it is not told, by the kind of input
            meant = change.level == level if level in _LEVELS else change.input == _KINDS.get(kind, change.input)
            if meant and change.sent_us is None:
                change.sent_us = (sent_ns + wire_ns - change.stamp_ns) / 1000
                bench.answered += 1
                break
    return bench


def _unseen(ledger: Ledger, writes: Writes, conditions: dict[str, Any]) -> int:
    """How many of the changes that a stimulus led to the probe did not see, by the lamp and buzzer it was there for."""
    names = [name for key in ("light", "sound") if isinstance(name := conditions.get(key), str)]
    timeout_s = conditions.get("timeout_s")
    wait_ns = round(timeout_s * 1e9) if isinstance(timeout_s, int | float) and 0 < timeout_s <= 60 else _WAIT_NS
    sent_ns = sorted(
        change.stamp_ns + round(change.sent_us * 1000) for change in ledger.changes if change.sent_us is not None
    )
    return sum(
        not all(writes.lights(name, at_ns - _CLOCK_NS, min(at_ns + wait_ns, next_ns)) for name in names)
        for at_ns, next_ns in pairwise([*sent_ns, _NEVER_NS])
    )


def _stimuli(path: Path, counters: Counter[str]) -> list[tuple[int, int, str]]:
    """In order of time: when each was sent, how long it was on the wire, both nanoseconds, and its kind."""
    sent = []
    for line in lines(path, counters):
        try:
            row = json.loads(line)
            sent_ns, kind, wire_us = row["sent_ns"], row["kind"], float(row.get("wire_us") or 0)
            good = type(sent_ns) is int and isinstance(kind, str) and 0 <= wire_us < 1e6
        except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
            good = False
        if good:
            sent.append((sent_ns, round(wire_us * 1000), kind))
        else:
            counters["stimulus_malformed"] += 1
    return sorted(sent)


def _conditions(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            told = json.loads(file.read(_MOST_BYTES))
    except (OSError, ValueError, RecursionError) as error:
        raise AsvkitError(f"{path}: cannot be read as JSON: {error}") from error
    return told if isinstance(told, dict) else {}


def _probe_us(conditions: dict[str, Any]) -> float:
    """What the probe itself adds, as the bench has calibrated it; 0 where it has not."""
    offsets = conditions.get("offset_us")
    us = offsets.get("probe") if isinstance(offsets, dict) else None
    return float(us) if isinstance(us, int | float) and 0 <= us < _WAIT_NS / 1000 else 0.0
