"""CAN logs of any usual format, as python-can messages in file order. The content tells the format, else the suffix.

Text formats are read here, binary ones by python-can. A bad line of a text log costs that line only, and a broken
binary log keeps what came before. Error and remote frames carry no signals: counted, dropped. A message's channel is
the one that the file tells, as the tool that wrote it shows it: 1 is the first of .asc, .blf and .trc.
"""

import gzip
import io
import logging
import math
import re
import traceback
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import can
from can.io import MESSAGE_READERS

from asvunit.canbus.filters import Wanted, frames
from asvunit.canbus.formats.asc import Asc
from asvunit.canbus.formats.busmaster import HEAD as BUSMASTER_HEAD
from asvunit.canbus.formats.busmaster import Busmaster
from asvunit.canbus.formats.candump import Candump
from asvunit.canbus.formats.lines import LineReader, local_ns
from asvunit.canbus.formats.table import Table, table_columns
from asvunit.canbus.formats.trc import Trc
from asvunit.errors import UsageError

SUFFIXES: Final = (".asc", ".blf", ".csv", ".db", ".log", ".mf4", ".trc")

_TEXT: Final[dict[str, type[LineReader]]] = {
    ".asc": Asc, ".busmaster": Busmaster, ".csv": Table, ".log": Candump, ".trc": Trc,
}  # fmt: skip
_MAGIC: Final = {b"LOGG": ".blf", b"MDF     ": ".mf4", b"SQLite format 3\0": ".db"}
_GZIP: Final = b"\x1f\x8b"
_HEAD_BYTES: Final = 16_384
_HEAD_LINES: Final = 40
_LINE_BYTES: Final = 8192  # a longer one is no line of a log
_CANDUMP: Final = re.compile(
    r"\s*\([-\d .:]+\)\s+\S+\s+((RX|TX)\s.*)?[0-9A-Fa-f]{3,8}(#|\s+\[\d)|\s*\S+\s+[0-9A-Fa-f]{3,8}\s+\[\d\d?\]\s"
)
_ASC: Final = re.compile(r"date\s+\S+\s+\S+\s+\d|base\s+(hex|dec)\b", re.IGNORECASE)
_BROKEN_FILE: Final = (OSError, EOFError, zlib.error)  # the latter two are gzip's
_MAX_TIME_S: Final = 2**32  # beyond it (the year 2106) a time is no time
_PYTHON_CAN_BLF: Final = b"\x05\0\0\0"  # as application and version; it writes UTC, other tools the wall clock

# python-can reports what it skips to a logger nobody reads, hence to stderr: here skipped input is counted.
logging.getLogger("can").addHandler(logging.NullHandler())


class CanLog:
    """A recorded CAN log; `wanted`: no other data frames than these. Each iteration reads and counts anew."""

    def __init__(self, path: str | Path, wanted: Iterable[Wanted] | None = None) -> None:
        self.path = Path(path)
        self.counters: Counter[str] = Counter()
        self._wanted = None if wanted is None else frames(wanted)
        try:
            with self.path.open("rb") as file:
                head = file.read(_HEAD_BYTES)
        except OSError as error:
            raise UsageError(f"{path}: cannot be read: {error.strerror}; give the path of a CAN log") from error
        suffixes = [suffix.lower() for suffix in self.path.suffixes]
        self._gzip = head.startswith(_GZIP)
        told = (suffixes[:-1] if suffixes[-1:] == [".gz"] else suffixes)[-1:]
        self._head = self._unpacked_head() if self._gzip else head
        self._format = _format(self._head) or (told[0] if told and told[0] in SUFFIXES else "")
        if not head:
            raise UsageError(f"{path}: the file is empty; give a recorded CAN log")
        if not self._format or (self._gzip and self._format == ".db"):
            known = ", ".join(SUFFIXES)
            mend = "unpack it" if self._format else f"known are {known}, also with .gz (but .db)"
            raise UsageError(
                f"{path}: neither its content nor its suffix tells a CAN log format that can be read; {mend}"
            )

    def __iter__(self) -> Iterator[can.Message]:
        self.counters.clear()
        self._frames = 0
        for message in self._messages():
            reason = _fault(message)
            if reason:
                self.counters[reason] += 1
            else:
                yield message
        if not self._frames and self.counters["no_time"]:
            raise UsageError(f"{self.path}: its frames have no times; record with candump -l, or with -t a")
        if not self._frames:
            raise UsageError(
                f"{self.path}: no CAN frame in it could be read; is it a whole CAN log in the form of {self._format}?"
            )

    def _messages(self) -> Iterator[can.Message]:
        try:
            if self._format in _TEXT:
                with self._open() as file:
                    yield from self._text(file)
            else:
                yield from self._wanted_of(self._binary())
        except _BROKEN_FILE:
            self.counters["unreadable_rest"] += 1

    def _open(self) -> BinaryIO:
        return cast(BinaryIO, gzip.open(self.path, "rb")) if self._gzip else self.path.open("rb")

    def _unpacked_head(self) -> bytes:
        head = b""
        try:
            with gzip.open(self.path, "rb") as file:
                while len(head) < _HEAD_BYTES and (piece := file.read1(_HEAD_BYTES)):
                    head += piece
        except _BROKEN_FILE:
            pass  # what comes before the break may do
        return head

    def _text(self, file: BinaryIO) -> Iterator[can.Message]:
        reader = _TEXT[self._format](self.counters, self._wanted)
        reader.begin(_decoded(self._head))
        try:
            for raw in _lines(file):
                try:
                    message = reader.line(raw.decode("utf-8", "replace"))
                except (ValueError, LookupError, OverflowError):
                    self.counters["bad_line"] += 1
                else:
                    if message is not None:
                        self._frames = 1
                        yield message
        finally:
            self._frames = reader.frames - self.counters["no_time"]

    def _wanted_of(self, messages: Iterator[can.Message]) -> Iterator[can.Message]:
        wanted = self._wanted
        for message in messages:
            self._frames += 1
            drop = message.is_error_frame or message.is_remote_frame  # counted by whoever takes them
            if wanted is None or drop or (message.arbitration_id, message.is_extended_id) in wanted:
                yield message
            else:
                self.counters["unknown_id"] += 1

    def _binary(self) -> Iterator[can.Message]:
        opener = cast("Callable[..., can.io.generic.MessageReader]", MESSAGE_READERS[self._format])
        try:
            if self._format == ".db":  # sqlite opens files by itself
                with opener(self.path) as reader:
                    yield from reader
            elif self._format == ".blf":
                with self._open() as file, opener(cast(Any, file)) as reader:
                    yield from self._blf(reader)
            else:
                with self._open() as file, opener(cast(Any, io.BytesIO(file.read()) if self._gzip else file)) as reader:
                    yield from reader
        except NotImplementedError as error:
            raise UsageError(
                f"{self.path}: reading it needs asammdf: pip install asammdf; or convert it to .blf"
            ) from error
        except Exception as error:  # the readers raise whatever a broken file makes them: struct.error ...
            self.counters["unreadable_rest"] += 1
            _finish(error)

    def _blf(self, reader: Any) -> Iterator[can.Message]:
        start_s = reader.start_timestamp
        if start_s and self._head[8:12] != _PYTHON_CAN_BLF:
            wall = datetime.fromtimestamp(start_s, UTC).replace(tzinfo=None)
            reader.start_timestamp = local_ns(wall) / 1e9
        for message in reader:
            if not message.is_error_frame:
                message.channel += 1
                if not message.is_fd:
                    message.dlc = min(message.dlc, 8)  # codes 9 to 15 are 8 bytes
            yield message
        size = getattr(reader, "file_size", 0)
        if not self._gzip and isinstance(size, int) and size > self.path.stat().st_size:
            self.counters["truncated_file"] += 1  # a cut container unpacks without a complaint


def _finish(error: Exception) -> None:
    """What asammdf was making when it failed would fail again when it is collected, and say so on stderr."""
    for frame, _line in traceback.walk_tb(error.__traceback__):
        made = frame.f_locals.get("self")
        for name in ("header", "identification"):
            if type(made).__name__ == "MDF4" and not hasattr(made, name):
                setattr(made, name, None)


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Lines with any ending; what is too long for one comes in pieces."""
    while line := file.readline(_LINE_BYTES):
        yield line


def _decoded(head: bytes) -> str:
    return head.decode("utf-8", "replace").lstrip("\N{BOM}")


def _format(head: bytes) -> str:
    """The format that the content tells, or ""."""
    binary = next((name for magic, name in _MAGIC.items() if head.startswith(magic)), "")
    lines = [line for line in _decoded(head).splitlines()[:_HEAD_LINES] if line.strip()]
    if binary or not lines:
        return binary
    tells = {
        ".busmaster": lines[0].startswith(BUSMASTER_HEAD),
        ".asc": any(_ASC.match(line) for line in lines[:3]),
        ".trc": lines[0].startswith((";$FILEVERSION", ";##########")),
        ".csv": table_columns(lines[0]) is not None,
        ".log": any(_CANDUMP.match(line) for line in lines),
    }
    return next((name for name, told in tells.items() if told), "")


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
