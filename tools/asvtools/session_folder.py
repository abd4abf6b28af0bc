"""A session's folder as commands see it: who wrote it, its parts, and whether it ended, was cut off or still runs."""

import json
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from asvunit.errors import AsvkitError, UsageError
from asvunit.session.form import END, FILES, LOCK, SESSION, UNIT, is_session, part_name, part_of
from asvunit.session.read import CUT, ENDED, RUNNING, open_session

_MOST_BYTES: Final = 4 << 20  # of a file that is read whole
_REASONS: Final = {  # after "it"
    "sigterm": "was stopped", "sigint": "was stopped by hand", "sighup": "ended with its terminal",
    "input_closed": "ended with who had started it", "time_over": "ran for its time",
}  # fmt: skip
__all__ = ["CUT", "ENDED", "RUNNING", "Folder", "measured", "open_folder", "read_object", "sessions"]


@dataclass(frozen=True, slots=True)
class Folder:
    """An opened session. `parts`: by kind the numbers that are there, in order; `strangers`: files of no known name."""

    path: Path
    head: dict[str, Any]
    end: dict[str, Any] | None
    state: str  # ENDED, RUNNING or CUT
    parts: dict[str, list[int]] = field(default_factory=dict)
    strangers: tuple[str, ...] = ()

    def files(self, kind: str) -> list[Path]:
        """Of one kind, in the order of their parts."""
        return [self.path / part_name(kind, part) for part in self.parts.get(kind, ())]

    @property
    def last_part(self) -> int:
        """The highest number of any part; 0: there is none."""
        return max((numbers[-1] for numbers in self.parts.values()), default=0)

    def number(self, key: str) -> int | None:
        """An integer of the head; None where it tells none."""
        value = self.head.get(key)
        return value if type(value) is int else None

    def text(self, key: str) -> str:
        """A text of the head; "" where it tells none."""
        value = self.head.get(key)
        return value if isinstance(value, str) else ""

    def table(self, key: str) -> dict[str, Any]:
        """A table of the head; empty where it tells none."""
        value = self.head.get(key)
        return value if isinstance(value, dict) else {}

    @property
    def port(self) -> int:
        """UDP port of its radio."""
        port = self.table("radio").get("port")
        return port if type(port) is int and 0 < port < 1 << 16 else 47100

    @property
    def zero_ns(self) -> int | None:
        """Unix time of the unit's first millisecond; None where the head does not tell it."""
        base_ns, offset_ns = self.number("base_ns"), self.number("offset_ns")
        return None if base_ns is None or offset_ns is None else base_ns + offset_ns

    @property
    def started_ns(self) -> int | None:
        """Unix time of the start."""
        try:
            started = datetime.fromisoformat(self.text("started"))
        except ValueError:
            return self.zero_ns
        return round((started if started.tzinfo else started.replace(tzinfo=UTC)).timestamp() * 1e9)

    def how_it_ended(self) -> str:
        """In words that follow "it"."""
        if self.state == RUNNING:
            return "still runs"
        if self.end is None:
            return "was cut off: killed, or without power"
        reason = str(self.end.get("reason"))
        return _REASONS.get(reason, f"ended ({reason.replace('_', ' ')})")


def open_folder(path: Path) -> Folder:
    """UsageError for what is no session, or whose head is damaged."""
    session = open_session(path)
    names = sorted(one.name for one in path.iterdir())
    kinds: dict[str, list[int]] = {}
    for part in session.parts:
        for kind in part.files:
            kinds.setdefault(kind, []).append(part.number)
    known = (SESSION, UNIT, FILES, END, LOCK)
    strangers = tuple(name for name in names if part_of(name) is None and name not in known)
    return Folder(path, session.about, session.end, session.how, kinds, strangers)


def sessions(folder: Path) -> list[Path]:
    """The sessions in a folder, or the folder itself where it is one; the oldest first, as they are named."""
    try:
        if not folder.is_dir():
            raise UsageError(f"{folder}: no folder; give the one that [record] folder names")
        if is_session(folder):
            return [folder]
        return sorted(one for one in folder.iterdir() if one.is_dir() and is_session(one))
    except OSError as error:
        raise UsageError(f"{folder}: cannot be read: {error.strerror or error}") from error


def read_object(path: Path) -> dict[str, Any]:
    """A file of one JSON object; AsvkitError where it is none."""
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise AsvkitError(f"{path}: cannot be read: {error.strerror or error}") from error
    try:
        told = json.loads(content) if len(content) <= _MOST_BYTES else None
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise AsvkitError(f"{path}: is no JSON object: the file is damaged")
    return told


def measured(path: Path) -> tuple[int, float]:
    """(bytes, Unix time of the latest change) of all files in a folder and below it."""
    total, changed_s = 0, 0.0
    for folder, _folders, names in os.walk(path):
        for name in names:
            try:
                found = os.lstat(os.path.join(folder, name))
            except OSError:  # deleted meanwhile
                continue
            total, changed_s = total + found.st_size, max(changed_s, found.st_mtime)
    return total, changed_s
