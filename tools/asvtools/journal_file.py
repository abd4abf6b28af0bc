"""A journal of core inputs as a file that a user gives: its time from begin to end, and its lines fed one by one."""

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

_TOD: Final = 11  # word of an F line: the receiver's time of day
_FAULTS: Final = (ValueError, IndexError, OverflowError)


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
    try:
        magic, *rest = path.read_text(encoding="ascii").splitlines() or [""]
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}; give a journal of asvkit replay") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: no journal; give one that asvkit replay --journal has written") from error
    if magic.strip() != journal.MAGIC:
        raise UsageError(f"{path}: no journal of version 1; give one that asvkit replay --journal has written")
    try:
        settings = journal.settings_of(rest[0] if rest else "")
        settings.check()
    except _FAULTS as error:
        raise UsageError(f"{path}: line 2: {error}") from error
    first_ms: int | None = None
    last_ms = rebased_ms = 0
    day_ms = None
    for number, line in enumerate(rest[1:], 3):
        try:
            at_ms = _time_ms(line)
            if at_ms is not None:
                first_ms = at_ms if first_ms is None else first_ms
                last_ms = max(last_ms, at_ms + rebased_ms)
                words = line.split()
                if day_ms is None and words[0] == "F" and words[3] == "0" and words[_TOD] != "-":
                    day_ms = (int(words[_TOD]) - (at_ms - first_ms)) % 86_400_000
            elif line.startswith("R"):
                rebased_ms += int(line.split()[1])
        except _FAULTS as error:
            raise _stranger(path, number, line) from error
    if first_ms is None:
        raise UsageError(f"{path}: no inputs in it")
    return JournalFile(path, settings, rest[1:], first_ms, last_ms - first_ms, day_ms)


def _time_ms(line: str) -> int | None:
    """Of an input; None for a comment, an empty line and a step of the clock."""
    words = line.split()
    if not words or words[0][0] in "#R":
        return None
    return int(words[1])


def _stranger(path: Path, number: int, line: str) -> UsageError:
    return UsageError(f"{path}: line {number} does not belong in a journal: {line[:40]!r}")
