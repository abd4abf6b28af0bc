"""A journal of core inputs as a file that a user gives: its time from begin to end, and its lines fed one by one."""

import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from asvcore import journal
from asvcore.commands import WIDTH
from asvunit.errors import UsageError

if TYPE_CHECKING:
    from asvcore.core import Core
    from asvcore.settings import Settings

LARGEST_BYTES: Final = 512 << 20
_MS_END: Final = 1 << 29  # the unit's clock is rebased long before
_BACK_MS: Final = 1000
_AHEAD_MS: Final = 600_000
_MEND: Final = "give a journal as asvkit replay --journal has written it"
_SETTING: Final = re.compile(r"[a-z_]{1,40}=-?\d{1,10}", re.ASCII)
_TOD: Final = 11  # word of an F line: the receiver's time of day
_FAULTS: Final = (ValueError, IndexError, OverflowError)


class _TimeFault(Exception):
    """A line's time is none that a unit's clock can tell there."""


@dataclass(slots=True)
class _Span:
    """The times of a journal's lines, one after the other: within the clock's range, without leaps."""

    first_ms: int | None = None
    last_ms: int = 0  # from where the first counts, whatever was taken off the clock since
    rebased_ms: int = 0
    _before_ms: int = 0

    def step(self, offset_ms: int) -> None:
        """An R line: so much is taken off the clock."""
        if not 0 <= offset_ms <= _MS_END:
            raise _TimeFault(f"time taken off the clock, {offset_ms} ms, is not within 0 to {_MS_END}")
        self.rebased_ms += offset_ms
        self._before_ms -= offset_ms

    def input(self, at_ms: int) -> None:
        """The time of an input; _TimeFault where it cannot be."""
        if not 0 <= at_ms <= _MS_END:
            raise _TimeFault(f"time {at_ms} ms is not within 0 to {_MS_END}")
        if self.first_ms is None:
            self.first_ms = at_ms
        else:
            ahead_ms = at_ms - self._before_ms
            if ahead_ms < -_BACK_MS:
                raise _TimeFault(f"time {at_ms} ms runs back by {-ahead_ms} ms")
            if ahead_ms > _AHEAD_MS:
                raise _TimeFault(f"time {at_ms} ms leaps ahead by {ahead_ms} ms")
        self._before_ms = at_ms
        self.last_ms = max(self.last_ms, at_ms + self.rebased_ms)


@dataclass(slots=True)
class JournalFile:
    """An opened journal. `day_ms`: UTC time of day of its begin, by the first fix that tells one."""

    path: Path
    settings: "Settings"
    lines: list[str]
    first_ms: int
    length_ms: int
    day_ms: int | None
    rebased_ms: int = 0  # taken off the clock so far

    def since_ms(self, core: "Core") -> int:
        """How far a core has come, from the begin."""
        return int(core.now_ms) + self.rebased_ms - self.first_ms

    def feed(self, core: "Core") -> Iterator[int]:
        """Yield each line's time from the begin, then feed it; UsageError names a line that does not belong."""
        record = [0] * WIDTH
        self.rebased_ms = 0
        for number, line in enumerate(self.lines, 3):
            try:
                at_ms = _time_ms(line)
                if at_ms is not None:
                    yield max(at_ms + self.rebased_ms - self.first_ms, self.since_ms(core))
                journal.feed(core, line)
                if line.startswith("R"):
                    self.rebased_ms += int(line.split()[1])
            except _FAULTS as error:
                raise _stranger(self.path, number, line) from error
            while core.commands.take(record):
                pass


def read_journal(path: Path) -> JournalFile:
    """Open a journal; UsageError where it is none, or holds no inputs."""
    magic, *rest = _text(path).splitlines() or [""]
    if magic.strip() != journal.MAGIC:
        raise UsageError(f"{path}: no journal of version 1; give one that asvkit replay --journal has written")
    settings = _settings(path, rest[0] if rest else "")
    span = _Span()
    day_ms = None
    for number, line in enumerate(rest[1:], 3):
        try:
            at_ms = _time_ms(line)
            if at_ms is not None:
                span.input(at_ms)
                words = line.split()
                if day_ms is None and words[0] == "F" and words[3] == "0" and words[_TOD] != "-":
                    day_ms = (int(words[_TOD]) - (at_ms + span.rebased_ms - (span.first_ms or 0))) % 86_400_000
            elif line.startswith("R"):
                span.step(int(line.split()[1]))
        except _TimeFault as fault:
            raise UsageError(f"{path}: line {number}: {fault}; {_MEND}") from fault
        except _FAULTS as error:
            raise _stranger(path, number, line) from error
    if span.first_ms is None:
        raise UsageError(f"{path}: no inputs in it; {_MEND}")
    return JournalFile(path, settings, rest[1:], span.first_ms, span.last_ms - span.first_ms, day_ms)


def _text(path: Path) -> str:
    """All of it; UsageError for what is no regular file, too large, or no text, before it is read whole."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UsageError(f"{path}: cannot be read: no regular file; {_MEND}")
        if status.st_size > LARGEST_BYTES:
            most_mb = LARGEST_BYTES >> 20
            raise UsageError(f"{path}: larger than {most_mb} MB; give a journal of a part of the recordings")
        return path.read_bytes().decode("ascii")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}; {_MEND}") from error
    except ValueError as error:  # no ASCII, or no path at all
        raise UsageError(f"{path}: no journal; {_MEND}") from error


def _settings(path: Path, line: str) -> "Settings":
    """Of the second line; UsageError says which word is none."""
    words = line.split()
    if words[:1] != ["settings"]:
        raise UsageError(f"{path}: line 2: no settings line, which begins with 'settings'; {_MEND}")
    for word in words[1:]:
        if not _SETTING.fullmatch(word):
            raise UsageError(f"{path}: line 2: {word[:40]!r} is no setting, NAME=WHOLE NUMBER; {_MEND}")
    try:
        settings: Settings = journal.settings_of(line)
        settings.check()
    except _FAULTS as error:
        raise UsageError(f"{path}: line 2: {error}; {_MEND}") from error
    return settings


def _time_ms(line: str) -> int | None:
    """Of an input; None for a comment, an empty line, a step of the clock and a part of a tick."""
    words = line.split()
    if not words or words[0][0] in "#RP":
        return None
    return int(words[1])


def _stranger(path: Path, number: int, line: str) -> UsageError:
    return UsageError(f"{path}: line {number} does not belong in a journal: {line[:40]!r}; {_MEND}")
