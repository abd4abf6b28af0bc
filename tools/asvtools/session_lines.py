"""The lines of a session's files, one by one: JSON, sentences behind TAG blocks, candump's; never a whole file at once.

What is no such line is counted, and passed over; so is a last line without its end, which a cut session leaves.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from operator import xor
from pathlib import Path
from typing import Any, Final

from asvunit.errors import AsvkitError

_LONGEST: Final = 1 << 20  # bytes of a line
_TAG: Final = re.compile(rb"\\((?:[^\\*]*,)?c:(\d{9,16})(?:,[^\\*]*)?)\*([0-9A-Fa-f]{2})\\(.*)", re.DOTALL)
_MS_FROM: Final = 10**11  # a TAG block's time so large is told in ms, else in s
_CAN: Final = re.compile(
    r"\((\d{1,12})\.(\d{1,9})\) (\S+) ([0-9A-Fa-f]{3}|[0-9A-Fa-f]{8})#"
    r"(?:(R)[0-9A-Fa-f]?|#([0-9A-Fa-f])((?:[0-9A-Fa-f]{2}){0,64})|((?:[0-9A-Fa-f]{2}){0,8}))(?: ([RT]))?"
)
_ERROR_FLAG: Final = 0x2000_0000


def whole_lines(path: Path, counters: Counter[str]) -> Iterator[bytes]:
    """Without their ends. Counted: torn (the last, without its end), too_long."""
    try:
        with path.open("rb") as file:
            long = False
            while line := file.readline(_LONGEST):
                ended = line.endswith(b"\n")
                if long or (not ended and len(line) == _LONGEST):
                    counters["too_long"] += not long
                    long = not ended
                elif ended:
                    yield line.rstrip(b"\r\n")
                else:
                    counters["torn"] += 1
    except OSError as error:
        raise AsvkitError(f"{path}: cannot be read: {error.strerror or error}") from error


def objects(path: Path, counters: Counter[str]) -> Iterator[dict[str, Any]]:
    """JSON objects, one a line. Counted: bad_line."""
    for line in whole_lines(path, counters):
        try:
            told = json.loads(line)
        except (ValueError, RecursionError):
            told = None
        if isinstance(told, dict):
            yield told
        elif line:
            counters["bad_line"] += 1


def time_ns(told: object) -> int | None:
    """Epoch seconds of an event, as nanoseconds: they are told to the microsecond. None where it is no time."""
    if type(told) not in (int, float) or not 0 <= told < 1 << 33:  # type: ignore[operator]
        return None
    return round(told * 1e6) * 1000  # type: ignore[operator]


@dataclass(frozen=True, slots=True)
class Sentence:
    """What a receiver said. `checked`: its TAG block's checksum is right."""

    time_ns: int
    text: str
    checked: bool


def sentences(path: Path, counters: Counter[str]) -> Iterator[Sentence]:
    """A receiver's lines with the times of their receipt. Counted: no_tag, bad_tag (used all the same)."""
    for line in whole_lines(path, counters):
        if not line:
            continue
        found = _TAG.fullmatch(line)
        if found is None:
            counters["no_tag"] += 1
            continue
        block, time, told, text = found.groups()
        checked = reduce(xor, block) == int(told, 16)
        counters["bad_tag"] += not checked
        stamp = int(time)
        unit_ns = 1_000_000 if stamp >= _MS_FROM else 1_000_000_000
        yield Sentence(stamp * unit_ns, text.decode("ascii", "backslashreplace"), checked)


@dataclass(frozen=True, slots=True)
class CanFrame:
    """One line of a candump log."""

    time_ns: int
    channel: str
    identifier: int
    extended: bool
    data: bytes
    remote: bool = False
    error: bool = False
    fd: bool = False


def can_frames(path: Path, counters: Counter[str]) -> Iterator[CanFrame]:
    """Counted: bad_line."""
    for line in whole_lines(path, counters):
        found = _CAN.fullmatch(line.decode("ascii", "replace"))
        if found is None:
            counters["bad_line"] += bool(line)
            continue
        second, rest, channel, text, remote, flags, long_data, data, _way = found.groups()
        number, extended = int(text, 16), len(text) == 8
        yield CanFrame(
            int(second) * 1_000_000_000 + int(rest.ljust(9, "0")),
            channel,
            number & 0x1FFF_FFFF,
            extended,
            bytes.fromhex(data or long_data or ""),
            bool(remote),
            extended and bool(number & _ERROR_FLAG),
            flags is not None,
        )
