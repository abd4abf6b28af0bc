"""Opens a recorded session and reads it piece by piece: a day's is larger than a small computer's memory.

A session may have been cut at any byte. Every file is good up to its last whole line; what stands behind that is
passed over and counted in `torn`. A line that is damaged before it is a fault, and named.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from asvunit.errors import AsvkitError, UsageError
from asvunit.session import form
from asvunit.session.retention import is_written

ENDED, CUT, RUNNING = "ended", "cut", "running"
_CHUNK: Final = 1 << 16
_LONGEST: Final = 1 << 20  # of a line; no unit writes one so long
_LATEST_S: Final = 1 << 33
_TIMES_END: Final = 1 << 62  # ns
_TIME: Final = {"t": (int, float)}
_KEYS: Final[dict[str, dict[str, Any]]] = {
    **dict.fromkeys(("support", "hmi", "signal", "own_message"), _TIME),
    **{kind: {**_TIME, "reason": str} for kind in ("drop", "neighbour")},
    "status": {**_TIME, "input": str, "state": str, "reason": str},
    "system": {**_TIME, "on": bool, "receiving": bool, "fault": bool},
}
_NEEDED: Final = {"vehicle_id": int, "base_ns": int, "offset_ns": int}


@dataclass(frozen=True, slots=True)
class Part:
    """The files of one number, by kind."""

    number: int
    files: dict[str, Path]

    @property
    def whole(self) -> bool:
        """Whether its journal is there and ends with a line."""
        path = self.files.get(form.JOURNAL)
        if path is None:
            return False
        try:
            with path.open("rb") as file:
                file.seek(0, 2)
                if file.tell() == 0:
                    return False
                file.seek(-1, 2)
                return file.read(1) == b"\n"
        except OSError as error:
            raise _unreadable(path, error) from error


@dataclass(slots=True)
class Session:
    """An opened one. `about`: session.json; `end`: end.json, None where it is not there; `how` it is.

    `missing`: numbers of parts that are not there any more; `torn`: lines cut off, by kind, as far as it was read.
    """

    folder: Path
    about: dict[str, Any]
    end: dict[str, Any] | None
    how: str
    parts: list[Part]
    missing: list[int]
    torn: Counter[str] = field(default_factory=Counter)

    @property
    def began_s(self) -> float:
        """Epoch seconds of its unit's first moment."""
        return float(self.about["base_ns"] + self.about["offset_ns"]) / 1e9

    def paths(self, kind: str) -> list[Path]:
        """The files of a kind, in order."""
        return [part.files[kind] for part in self.parts if kind in part.files]

    def lines(self, part: Part, kind: str) -> Iterator[tuple[int, bytes]]:
        """(number, line) of a part's file, without line ends; nothing where there is no such file."""
        path = part.files.get(kind)
        if path is None:
            return
        rest, number = b"", 0
        try:
            with path.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    *whole, rest = (rest + chunk).split(b"\n")
                    for line in whole:
                        number += 1
                        yield number, line
                    if len(rest) > _LONGEST:
                        break
        except OSError as error:
            raise _unreadable(path, error) from error
        if rest:
            self.torn[kind] += 1

    def events(self, parts: list[Part]) -> Iterator[dict[str, Any]]:
        """The events of parts; AsvkitError names a line that is none."""
        for part in parts:
            for number, line in self.lines(part, form.EVENTS):
                event = _object(line)
                if event is None or not _is_event(event):
                    raise AsvkitError(f"{part.files[form.EVENTS]}: line {number} is damaged; the disk may be failing")
                yield event

    def checkpoint(self, part: Part) -> dict[str, Any] | None:
        """The state with which a part begins; None where there is none, or none that can be read."""
        path = part.files.get(form.CHECKPOINT)
        if path is None:
            return None
        try:
            return _object(path.read_bytes())
        except OSError as error:
            raise _unreadable(path, error) from error


def open_session(folder: Path) -> Session:
    """The session of a folder; UsageError for what is none, or of a later version."""
    if not folder.is_dir():
        what = "no such folder" if not folder.exists() else "no folder"
        raise UsageError(f"{folder}: {what}; give a session's, in the folder that the unit's record.folder names")
    if not form.is_session(folder):
        raise UsageError(f"{folder}: no session, {form.SESSION} is not in it; {_instead(folder)}")
    about = _about(folder / form.SESSION)
    parts = _parts(folder)
    there = {part.number for part in parts}
    end = None
    try:
        end = _object((folder / form.END).read_bytes())
    except FileNotFoundError:
        pass
    except OSError as error:
        raise _unreadable(folder / form.END, error) from error
    how = ENDED if end is not None else RUNNING if is_written(folder) else CUT
    return Session(folder, about, end, how, parts, sorted(set(range(1, max(there, default=0))) - there))


def _parts(folder: Path) -> list[Part]:
    found: dict[int, dict[str, Path]] = {}
    try:
        names = sorted(path.name for path in folder.iterdir())
    except OSError as error:
        raise _unreadable(folder, error) from error
    for name in names:
        told = form.part_of(name)
        if told is not None:
            found.setdefault(told[1], {})[told[0]] = folder / name
    return [Part(number, found[number]) for number in sorted(found)]


def _about(path: Path) -> dict[str, Any]:
    try:
        about = _object(path.read_bytes())
    except OSError as error:
        raise _unreadable(path, error) from error
    if about is None:
        raise UsageError(f"{path}: damaged: no JSON object; the session cannot be read without it")
    if about.get("session") != form.VERSION:
        said = about.get("session")
        raise UsageError(f"{path}: session: {said!r:.20} is no version that this asvkit reads ({form.VERSION})")
    for key, kind in _NEEDED.items():
        if not isinstance(about.get(key), kind):
            raise UsageError(f"{path}: {key}: missing or damaged; the session cannot be read without it")
        if not -_TIMES_END < about[key] < _TIMES_END:
            raise UsageError(f"{path}: {key}: damaged: {str(about[key])[:30]} cannot be")
    return about


def _instead(folder: Path) -> str:
    """What to give in the place of a folder that is no session."""
    try:
        inner = sorted(path.name for path in folder.iterdir() if form.is_session(path))
    except OSError:
        inner = []
    if not inner:
        return "give the folder of one, as the unit's record.folder holds them"
    return f"{len(inner)} are below it: give one, as {folder / inner[-1]}"


def _object(data: bytes) -> dict[str, Any] | None:
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def _is_event(event: dict[str, Any]) -> bool:
    """Whether a recorded event has what is asked of all of its kind."""
    if not isinstance(event.get("event"), str) or not isinstance(event.get("count", 0), int):
        return False
    times = [event[key] for key in ("t", "since") if key in event]
    if not all(isinstance(time_s, (int, float)) and -_LATEST_S < time_s < _LATEST_S for time_s in times):
        return False
    needed = _KEYS.get(event["event"], {})
    return all(isinstance(event.get(key), kind) for key, kind in needed.items())


def _unreadable(path: Path, error: OSError) -> AsvkitError:
    return AsvkitError(f"{path}: cannot be read: {error.strerror or error}; mend its rights or the disk")
