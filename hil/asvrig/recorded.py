"""Recorded inputs for a bench: a receiver's lines, a bus's frames, a radio's frames, each with its Unix time.

Files are read as they are played, whatever their length: sessions of `asvkit record`, or what other tools wrote.
"""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final

from asvunit.errors import UsageError

CanFrame = tuple[int, bool, bytes]  # identifier, extended, data

_DAY_NS: Final = 86_400_000_000_000
_TAG: Final = re.compile(rb"\\(?:[^\\]*,)?c:(\d{9,16})[^\\]*\\")
_TIMED: Final = re.compile(rb"\$..(?:RMC|GGA|ZDA|GNS),(\d\d)(\d\d)(\d\d)(?:\.(\d{1,9}))?,")
_DATED: Final = re.compile(rb"\$..RMC,\d{6}(?:\.\d+)?,[AV](?:,[^,]*){6},(\d\d)(\d\d)(\d\d)[,*]")
_LINE_BYTES: Final = 4096


def nmea_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """(time in ns, lines) of each epoch: by TAG blocks, which are taken off, else by the epochs' own clock.

    UsageError where neither is there.
    """
    try:
        with path.open("rb") as file:
            yield from _bursts(file, path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error


def can_frames(path: Path, counters: Counter[str] | None = None) -> Iterator[tuple[int, CanFrame]]:
    """(time in ns, frame) of a log of any usual format; classic data frames only, others are counted."""
    from asvunit.adapters.can_log import CanLog

    counts = Counter() if counters is None else counters
    log = CanLog(path)
    for message in log:
        if message.is_fd:
            counts["fd_frame"] += 1
            continue
        time_ns = round(message.timestamp * 1e6) * 1000
        yield time_ns, (message.arbitration_id, message.is_extended_id, bytes(message.data))
    counts.update(log.counters)


def radio_frames(path: Path, port: int = 47100) -> Iterator[tuple[int, tuple[str, bytes]]]:
    """(time in ns, (source, frame)) of a capture, those that were heard."""
    from asvunit.adapters.capture import Capture

    for frame in Capture(path, port):
        yield frame.time_ns, (frame.source, frame.payload)


def _bursts(file: BinaryIO, path: Path) -> Iterator[tuple[int, bytes]]:
    clock = _Clock()
    now_ns: int | None = None
    held = b""
    early = b""  # what came before the first time
    while line := file.readline(_LINE_BYTES):
        told_ns, said = clock.read(line)
        if not said:
            continue
        if told_ns is None or told_ns == now_ns:
            held, early = (held + said, early) if now_ns is not None else (b"", early + said)
            continue
        if now_ns is not None:
            yield now_ns, held
            held = b""
        now_ns, held, early = told_ns, early + said, b""
    if now_ns is None:
        raise UsageError(f"{path}: no line tells a time: neither a TAG block with c: nor an RMC with its date")
    yield now_ns, held


class _Clock:
    """The time of a line, Unix ns; of a line without one None."""

    def __init__(self) -> None:
        self._tagged = False
        self._day: date | None = None
        self._last_ns: int | None = None

    def read(self, line: bytes) -> tuple[int | None, bytes]:
        """(time, the line without its TAG block and with a receiver's end)."""
        tag = _TAG.match(line)
        if tag:
            self._tagged = True
            number = int(tag[1])
            time_ns: int | None = number * (1_000_000 if number > 1 << 36 else 1_000_000_000)  # ms, or whole seconds
            line = line[tag.end() :]
        else:
            time_ns = None if self._tagged else self._own_ns(line)
        said = line.rstrip(b"\r\n")
        return time_ns, said + b"\r\n" if said[:1] in (b"$", b"!") else b""

    def _own_ns(self, line: bytes) -> int | None:
        dated = _DATED.match(line)
        if dated:
            day, month, year = map(int, dated.groups())
            try:
                self._day = date(2000 + year, month, day)
            except ValueError:
                return None
        timed = _TIMED.match(line)
        if not timed or self._day is None:
            return None
        hour, minute, second = map(int, timed.groups()[:3])
        if hour > 23 or minute > 59 or second > 60:
            return None
        begin = datetime(self._day.year, self._day.month, self._day.day, tzinfo=UTC)
        moment = begin + timedelta(hours=hour, minutes=minute, seconds=second)
        time_ns = int(moment.timestamp()) * 10**9 + int((timed[4] or b"0").ljust(9, b"0"))
        if self._last_ns is not None and time_ns < self._last_ns - _DAY_NS // 2:  # a GGA of the new day, before its RMC
            time_ns += _DAY_NS
        self._last_ns = time_ns
        return time_ns
