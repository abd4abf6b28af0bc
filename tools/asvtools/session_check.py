"""`session check`: every file of a session, read by the rules of its form to the last byte.

A finding is what no crash explains: a checksum that is wrong, a line that is none in the middle of a file, a part
that is missing. What a cut leaves, a last line without its end, is a note.
"""

import json
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from asvtools.session_folder import ENDED, Folder, read_object
from asvtools.session_journal import journal_lines
from asvtools.session_lines import can_frames, objects, sentences, time_ns
from asvunit.errors import AsvkitError
from asvunit.session.form import (
    CAN,
    CHECKPOINT,
    EVENTS,
    FILES,
    GNSS,
    GPSD,
    JOURNAL,
    RADIO,
    SESSION,
    SUPPORTS,
    UNIT,
)  # fmt: skip

_BACK_NS: Final = 1_000_000_000  # so much may lie between threads that stamp
_HEAD: Final = {
    "asvkit": str, "started": str, "vehicle_id": int, "seed": int, "base_ns": int, "offset_ns": int, "config": str,
}  # fmt: skip
_BLOCK_LONGEST: Final = 1 << 24
_MAGIC: Final = b"\x0a\x0d\x0d\x0a"
_ORDERS: Final = {b"\x4d\x3c\x2b\x1a": "little", b"\x1a\x2b\x3c\x4d": "big"}


@dataclass(slots=True)
class Report:
    """`findings`: what is wrong; `notes`: what is to be known; `read`: by kind, records that were read."""

    findings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    read: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class _File:
    """One file under the eyes; `last`: nothing came after it, so its end may be torn."""

    path: Path
    kind: str
    last: bool
    report: Report
    counters: Counter[str] = field(default_factory=Counter)

    def found(self, text: str) -> None:
        self.report.findings.append(f"{self.path.name}: {text}")

    def note(self, text: str) -> None:
        self.report.notes.append(f"{self.path.name}: {text}")

    def settle(self) -> None:
        """Say what was counted."""
        if self.counters.pop("torn", 0):
            (self.note if self.last else self.found)("its last line has no end")
        for reason, count in sorted(self.counters.items()):
            if count:
                self.found(f"{count} x {reason}")


def check(folder: Folder) -> Report:
    """All files of a session."""
    report = Report()
    _head(folder, report)
    _parts(folder, report)
    for kind, reader in _READERS.items():
        for path in folder.files(kind):
            file = _File(path, kind, path == folder.files(kind)[-1] and folder.state != ENDED, report)
            try:
                before_ns = None
                for at_ns in reader(file):
                    report.read[kind] += 1
                    if at_ns is not None and before_ns is not None and at_ns < before_ns - _BACK_NS:
                        file.counters["time_runs_back"] += 1
                    before_ns = at_ns if at_ns is not None else before_ns
            except AsvkitError as error:
                report.findings.append(str(error))
            file.settle()
    if folder.strangers:
        report.notes.append(f"files of no known name: {', '.join(folder.strangers)}")
    return report


def _head(folder: Folder, report: Report) -> None:
    for key, kind in _HEAD.items():
        if type(folder.head.get(key)) is not kind:
            report.findings.append(
                f"{SESSION}: {key}: {'is missing' if key not in folder.head else 'is no ' + kind.__name__}"
            )
    try:
        tomllib.loads((folder.path / UNIT).read_text("utf-8"))
    except (OSError, ValueError) as error:
        report.findings.append(f"{UNIT}: {getattr(error, 'strerror', None) or error}")
    files = folder.head.get("files")
    for key, name in files.items() if isinstance(files, dict) else ():
        if not isinstance(name, str) or not (folder.path / name).is_file():
            report.findings.append(f"{FILES}: {key}: {name}: is missing")


def _parts(folder: Folder, report: Report) -> None:
    """Which parts there must be: from the first that was not deleted to the last, each begun by a checkpoint."""
    journals = folder.parts.get(JOURNAL, [])
    if not journals:
        report.findings.append("no part of a journal is there: the decisions cannot be given again")
        return
    if journals[0] > 1:
        report.notes.append(
            f"parts 1 to {journals[0] - 1} were deleted to make room: it begins with part {journals[0]}"
        )
    for part in range(journals[0], folder.last_part + 1):
        if part not in journals:
            report.findings.append(f"part {part}: its journal is missing")
        if part > 1 and part not in folder.parts.get(CHECKPOINT, []):
            report.findings.append(f"part {part}: its checkpoint is missing")


# One reader for each kind of file: yields the time of each record, None where it has none of its own


def _journal(file: _File) -> Iterator[int | None]:
    for line in journal_lines(file.path, file.counters):
        yield None if line.at_ms is None else line.at_ms * 1_000_000


def _events(file: _File) -> Iterator[int | None]:
    for number, event in enumerate(objects(file.path, file.counters)):
        if not isinstance(event.get("event"), str):
            file.counters["no_event"] += 1
        at_ns = time_ns(event.get("t"))
        file.counters["no_time"] += at_ns is None and event.get("event") != "lost"
        if number == 0 and file.path.name.endswith("-0001.jsonl") and event.get("event") != "start":
            file.found(f"begins with the event {event.get('event')!r}, not with start")
        yield None  # events of several threads: each tells its own time


def _gnss(file: _File) -> Iterator[int | None]:
    wrong = 0
    for sentence in sentences(file.path, file.counters):
        wrong += not _sum_right(sentence.text)
        yield sentence.time_ns
    if wrong:
        file.note(f"{wrong} sentences with a wrong checksum, as the receiver's line gave them")


def _sum_right(text: str) -> bool:
    body, mark, told = text[1:].rpartition("*")
    total = 0
    for octet in body.encode("ascii", "replace"):
        total ^= octet
    return not mark or f"{total:02X}" == told.strip().upper()


def _gpsd(file: _File) -> Iterator[int | None]:
    for told in objects(file.path, file.counters):
        at_ns = time_ns(told.get("t"))
        file.counters["no_time"] += at_ns is None
        file.counters["no_report"] += not isinstance(told.get("report"), dict)
        yield at_ns


def _can(file: _File) -> Iterator[int | None]:
    for frame in can_frames(file.path, file.counters):
        yield frame.time_ns


def _supports(file: _File) -> Iterator[int | None]:
    for told in objects(file.path, file.counters):
        at_ns = time_ns(told.get("t"))
        file.counters["no_time"] += at_ns is None
        file.counters["no_origin"] += not isinstance(told.get("origin"), str)
        yield at_ns


def _radio(file: _File) -> Iterator[int | None]:
    """Block by block, both lengths of each; then the packets by the reader of captures."""
    from asvunit.pcap import packets

    if not _blocks(file):
        return
    counters: Counter[str] = Counter()
    with file.path.open("rb") as capture:
        for packet in packets(capture, counters):
            yield packet.time_ns
    file.counters += Counter({reason: count for reason, count in counters.items() if reason != "truncated_file"})


def _blocks(file: _File) -> bool:
    """Whether it is a pcapng at all; a block that ends beyond the file is a torn end."""
    size, at, order = file.path.stat().st_size, 0, "little"
    with file.path.open("rb") as capture:
        if size < 12:
            (file.note if file.last else file.found)("holds no whole block")
            return False
        while at < size:
            capture.seek(at)
            head = capture.read(12)
            if at == 0 and head[:4] != _MAGIC:
                file.found("is no pcapng capture")
                return False
            if head[:4] == _MAGIC:
                order = _ORDERS.get(head[8:12], order)
            length = int.from_bytes(head[4:8], order) if len(head) == 12 else _BLOCK_LONGEST  # type: ignore[arg-type]
            if at + length > size:
                (file.note if file.last else file.found)(f"its last block, from byte {at} on, is torn")
                return True
            capture.seek(at + length - 4)
            tail = int.from_bytes(capture.read(4), order)  # type: ignore[arg-type]
            if length < 12 or length % 4 or length > _BLOCK_LONGEST or tail != length:
                file.found(f"the block at byte {at} is damaged")
                return True
            at += length
    return True


def _checkpoint(file: _File) -> Iterator[int | None]:
    told: dict[str, Any] = read_object(file.path)
    for key in ("part", "unit_ms", "lost"):
        if type(told.get(key)) is not int:
            file.found(f"{key}: is no whole number")
    if f"-{told.get('part'):04d}." not in file.path.name if type(told.get("part")) is int else False:
        file.found(f"is of part {told['part']}, by what stands in it")
    if not told.get("core"):
        file.found("holds no state of the core")
    if isinstance(told.get("lost"), int) and told["lost"] > 0:
        file.note(f"{told['lost']} lines of the journal were lost before it: a replay goes on from here")
    json.dumps(told)
    yield None


_READERS: Final[dict[str, Callable[[_File], Iterator[int | None]]]] = {
    JOURNAL: _journal, EVENTS: _events, GNSS: _gnss, GPSD: _gpsd, CAN: _can, RADIO: _radio, SUPPORTS: _supports,
    CHECKPOINT: _checkpoint,
}  # fmt: skip
