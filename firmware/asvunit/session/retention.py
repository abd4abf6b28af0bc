"""What of recorded sessions is deleted: location data is personal, and a disk is finite.

Sessions go whole, the oldest first; a session that is being written gives its oldest parts when it alone is too
large. How old one is tells the latest change of its files: the clock of a small computer may have been wrong when it
began. What the unit of a session has locked is never deleted whole.
"""

import fcntl
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from asvunit.session.form import CHECKPOINT, LOCK, is_session, part_of

MB: Final = 1_000_000
_DAY_S: Final = 86_400
TOO_OLD, TOO_MUCH, NO_ROOM = "too_old", "too_much", "no_room"


@dataclass(frozen=True, slots=True)
class Kept:
    """A session as it lies on the disk."""

    path: Path
    bytes: int
    changed_s: float  # Unix time of the latest change of its files
    written: bool  # a unit writes it


@dataclass(frozen=True, slots=True)
class Doomed:
    """A session to be deleted, or a part's files of one that is being written."""

    path: Path
    bytes: int
    reason: str  # TOO_OLD, TOO_MUCH, NO_ROOM
    part: int = 0  # 0: the whole session


def sessions(folder: Path) -> list[Kept]:
    """Those in a folder, the oldest first; what is none, or cannot be read, is passed over."""
    found = []
    with suppress(OSError):
        for path in folder.iterdir():
            if not path.is_symlink() and is_session(path):
                size, changed_s = _measured(path)
                found.append(Kept(path, size, changed_s, is_written(path)))
    return sorted(found, key=lambda one: (one.changed_s, one.path.name))


def plan(folder: Path, keep_days: float, max_mb: float, free_mb: float, now_s: float) -> list[Doomed]:
    """What has to go so that nothing is older, all together is no larger, and so much is free; in that order."""
    kept = sessions(folder)
    doomed = [Doomed(one.path, one.bytes, TOO_OLD) for one in kept if _old(one, keep_days, now_s)]
    gone = {one.path for one in doomed}
    total = sum(one.bytes for one in kept if one.path not in gone)
    missing = free_mb * MB - _free(folder) - sum(one.bytes for one in doomed)
    candidates = [Doomed(one.path, one.bytes, "") for one in kept if one.path not in gone and not one.written]
    for one in kept:
        if one.written:
            candidates += _parts(one.path)
    for each in candidates:
        reason = TOO_MUCH if total > max_mb * MB else NO_ROOM if missing > 0 else ""
        if not reason:
            break
        doomed.append(Doomed(each.path, each.bytes, reason, each.part))
        total -= each.bytes
        missing -= each.bytes
    return doomed


def delete(doomed: Doomed) -> bool:
    """Delete it; False where that does not go, or a unit has begun to write it since."""
    if doomed.part:
        for path in list(doomed.path.iterdir()):
            found = part_of(path.name)
            if found and found[1] == doomed.part:
                with suppress(OSError):
                    path.unlink()
        return True
    if is_written(doomed.path):
        return False
    try:
        shutil.rmtree(doomed.path)
    except OSError:
        return False
    return True


def is_written(session: Path) -> bool:
    """Whether a unit that lives holds the session's lock."""
    try:
        descriptor = os.open(session / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks: nobody can tell
        return False
    else:
        return False
    finally:
        os.close(descriptor)


def _old(one: Kept, keep_days: float, now_s: float) -> bool:
    return not one.written and now_s - one.changed_s > keep_days * _DAY_S


def _parts(session: Path) -> list[Doomed]:
    """The parts of a session that is being written, the oldest first, but the newest: that is in use.

    A part goes only if the next one has its checkpoint, from which a replay then begins.
    """
    sizes: dict[int, int] = {}
    checkpoints = set()
    for path in session.iterdir():
        found = part_of(path.name)
        if found:
            with suppress(OSError):
                sizes[found[1]] = sizes.get(found[1], 0) + path.stat().st_size
            if found[0] == CHECKPOINT:
                checkpoints.add(found[1])
    return [Doomed(session, sizes[part], "", part) for part in sorted(sizes)[:-1] if part + 1 in checkpoints]


def _measured(session: Path) -> tuple[int, float]:
    """(bytes, time of the latest change) of all its files."""
    size, changed_s = 0, 0.0
    for folder, _folders, files in os.walk(session):
        for name in files:
            with suppress(OSError):
                found = os.lstat(os.path.join(folder, name))
                size, changed_s = size + found.st_size, max(changed_s, found.st_mtime)
    return size, changed_s


def _free(folder: Path) -> int:
    """Bytes that are free to us on a folder's disk."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize
