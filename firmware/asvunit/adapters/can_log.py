"""CAN logs of any format python-can reads, as python-can messages in file order.

python-can's readers stop at the first line they cannot parse; here a bad line of a text log costs that line
only, and a broken binary log keeps what came before. Error and remote frames carry no signals: counted, dropped.
ASC logs carry times from their start (their date is of an unknown time zone): such a log is a relative one.
"""

import gzip
import logging
import math
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import can
from can.io import MESSAGE_READERS

from asvunit.errors import UsageError

SUFFIXES: Final = (".asc", ".blf", ".csv", ".db", ".log", ".mf4", ".trc")

_TEXT: Final = (".asc", ".csv", ".log", ".trc")
# After an error a reader starts anew and takes one line as a header: this one, instead of a frame.
_HEADER: Final = {".asc": "\n", ".csv": "\n"}
_CANDUMP: Final = re.compile(
    r"\([0-9]{1,12}(?:\.[0-9]{0,9})?\)\s+\S+\s+([0-9A-Fa-f]{3}|[0-9A-Fa-f]{8})#"
    r"(?:([Rr])[0-9]?|((?:[0-9A-Fa-f]{2}){0,8})|#[0-9]((?:[0-9A-Fa-f]{2}){0,64}))(?:\s+[RrTt])?"
)
_ERROR_FLAG: Final = 0x2000_0000
_BROKEN_FILE: Final = (OSError, EOFError, zlib.error)  # the latter two are gzip's
_MAX_TIME_S: Final = 2**32  # beyond it (the year 2106) a time is no time

# python-can reports what it skips to a logger nobody reads, hence to stderr: here skipped input is counted.
logging.getLogger("can").addHandler(logging.NullHandler())


class CanLog:
    """A recorded CAN log. Each iteration reads the file anew and counts anew."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.counters: Counter[str] = Counter()
        try:
            with self.path.open("rb") as file:
                empty = not file.read(1)
        except OSError as error:
            raise UsageError(f"{path}: cannot be read: {error.strerror}; give the path of a CAN log") from error
        suffixes = [suffix.lower() for suffix in self.path.suffixes]
        self._gzip = suffixes[-1:] == [".gz"]
        self._suffix = (suffixes[:-1] if self._gzip else suffixes)[-1:]
        if self._suffix not in [[suffix] for suffix in SUFFIXES] or (self._gzip and self._suffix == [".db"]):
            known = ", ".join(SUFFIXES)
            raise UsageError(f"{path}: its suffix tells no CAN log format; known are {known}, also with .gz")
        if empty:
            raise UsageError(f"{path}: the file is empty; give a recorded CAN log")

    def __iter__(self) -> Iterator[can.Message]:
        self.counters.clear()
        any_frame = False
        for message in self._messages(self._suffix[0]):
            any_frame = True
            reason = _fault(message)
            if reason:
                self.counters[reason] += 1
            else:
                yield message
        if not any_frame and not self.counters["error_frame"]:
            raise UsageError(f"{self.path}: no CAN frame in it could be read; is it a {self._suffix[0]} CAN log?")

    def _messages(self, suffix: str) -> Iterator[can.Message]:
        try:
            if suffix in _TEXT:
                with self._open() as file:
                    yield from self._text(suffix, file)
            else:
                yield from self._binary(suffix)
        except _BROKEN_FILE:
            self.counters["unreadable_rest"] += 1

    def _open(self) -> BinaryIO:
        return cast(BinaryIO, gzip.open(self.path, "rb")) if self._gzip else self.path.open("rb")

    def _text(self, suffix: str, file: BinaryIO) -> Iterator[can.Message]:
        lines = _Lines(file, self._candump_line if suffix == ".log" else lambda _: True)
        reader = _reader(suffix)(cast(Any, lines))
        taken = -1
        while taken != lines.taken:  # no line taken since the last error: it would come again
            taken = lines.taken
            try:
                yield from reader
                return
            except _BROKEN_FILE:
                raise
            except Exception:  # the readers raise whatever a bad line makes them: ValueError, KeyError ...
                self.counters["bad_line"] += 1
                lines.pushed = _HEADER.get(suffix, "")
        self.counters["unreadable_rest"] += 1

    def _candump_line(self, line: str) -> bool:
        """Whether python-can reads this line right: error frames of most classes pass there as data."""
        line = line.strip()
        match = _CANDUMP.fullmatch(line)
        if not line:
            return False
        if match is None:
            self.counters["bad_line"] += 1
        elif int(match[1], 16) & _ERROR_FLAG:
            self.counters["error_frame"] += 1
        else:
            return True
        return False

    def _binary(self, suffix: str) -> Iterator[can.Message]:
        try:
            if suffix == ".db":  # sqlite opens files by itself
                with _reader(suffix)(self.path) as reader:
                    yield from reader
                return
            with self._open() as file, _reader(suffix)(cast(Any, file)) as reader:
                yield from reader
                size = getattr(reader, "file_size", 0) if suffix == ".blf" else 0
                if not self._gzip and isinstance(size, int) and size > self.path.stat().st_size:
                    self.counters["truncated_file"] += 1  # a cut container unpacks without a complaint
        except NotImplementedError as error:
            raise UsageError(f"{self.path}: {error} Or convert the log to .blf") from error
        except Exception:  # the readers raise whatever a broken file makes them: struct.error, BLFParseError ...
            self.counters["unreadable_rest"] += 1


class _Lines:
    """The text file that a reader is given: lines that pass, and where it starts anew, a line instead of a header."""

    def __init__(self, file: BinaryIO, passes: Callable[[str], bool]) -> None:
        self._file = file
        self._passes = passes
        self.taken = 0
        self.pushed = ""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.pushed:
            line, self.pushed = self.pushed, ""
            return line
        for raw in self._file:
            self.taken += 1
            line = raw.decode("utf-8", "replace")
            if self._passes(line):
                return line
        raise StopIteration

    def close(self) -> None:
        """The reader closes its file at the end; whoever opened this one does so."""


def _reader(suffix: str) -> Callable[..., can.io.generic.MessageReader]:
    return MESSAGE_READERS[suffix]


def _fault(message: can.Message) -> str:
    """Why a frame is no use, or ""."""
    if message.is_error_frame:
        return "error_frame"
    if message.is_remote_frame:
        return "remote_frame"
    time, identifier = message.timestamp, message.arbitration_id
    if not isinstance(time, (int, float)) or not math.isfinite(time) or not 0 <= time < _MAX_TIME_S:
        return "bad_time"
    if not isinstance(identifier, int) or not 0 <= identifier < (1 << (29 if message.is_extended_id else 11)):
        return "bad_id"
    return "" if len(message.data) == message.dlc else "short_frame"
