"""What the readers of all text formats share: times without rounding, frames that nobody wants, dates of a recorder."""

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Set
from datetime import UTC, datetime
from typing import Final

import can

Identifier = tuple[int, bool]  # and whether it is extended
Channel = str | int | None
SECOND_NS: Final = 10**9

_TENS: Final = tuple(int("1" + "0" * power) for power in range(10))
_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        [
            "jan janv januar",
            "feb febr febv",
            "mar m\N{LATIN SMALL LETTER A WITH DIAERESIS}r mrz mars m\N{REPLACEMENT CHARACTER}r",
            "apr avr",
            "may mai",
            "jun juin",
            "jul juil",
            "aug ao\N{LATIN SMALL LETTER U WITH CIRCUMFLEX}t",
            "sep sept",
            "oct okt",
            "nov",
            "dec dez d\N{LATIN SMALL LETTER E WITH ACUTE}c",
        ],
        start=1,
    )
    for name in names.split()
}
_DATE: Final = re.compile(
    r"(?:\S+\s+)?(?P<month>[^\W\d_]+\.?|\w*\N{REPLACEMENT CHARACTER}\w*|\d{1,2}\D?)\s+(?P<day>\d{1,2})\s+"
    r"(?P<hour>\d{1,2}):(?P<minute>\d\d):(?P<second>\d\d)(?:[.,](?P<part>\d{1,9}))?\s*(?P<half>[AaPp])?\S*\s+(?P<year>\d{4})"
)


class LineReader(ABC):
    """Reads one log. `frames` counts what was a frame, wanted or not."""

    def __init__(self, counters: Counter[str], wanted: Set[Identifier] | None) -> None:
        self.counters = counters
        self.wanted = wanted
        self.frames = 0

    def begin(self, head: str) -> None:  # noqa: B027 - most formats need no look ahead
        """The first lines, before they come one by one."""

    @abstractmethod
    def line(self, text: str) -> can.Message | None:
        """The frame of a line, None if it has none to give; ValueError if the line is broken."""

    def wants(self, number: int, extended: bool) -> bool:
        """Whether a data frame is of use. Counts it."""
        self.frames += 1
        if self.wanted is None or (number, extended) in self.wanted:
            return True
        self.counters["unknown_id"] += 1
        return False

    def drop(self, reason: str) -> can.Message | None:
        """Count a frame that carries no signal: None."""
        self.frames += 1
        self.counters[reason] += 1
        return None


def decimal_ns(text: str, unit_ns: int = SECOND_NS) -> int:
    """A decimal number in nanoseconds, without rounding; `unit_ns`: what 1 is."""
    whole, _point, part = text.partition(".")
    if not (whole + part).isdecimal():
        raise ValueError(text)
    part = part[:9]
    return int(whole or "0") * unit_ns + int(part or "0") * unit_ns // _TENS[len(part)]


def local_ns(moment: datetime) -> int:
    """A recorder's wall clock: of this machine's time zone, as no format tells another."""
    return utc_ns(moment.astimezone(UTC))


def utc_ns(moment: datetime) -> int:
    """A moment of UTC since 1970, without rounding."""
    whole = moment.replace(microsecond=0, tzinfo=UTC)
    return int(whole.timestamp()) * SECOND_NS + moment.microsecond * 1000


def worded_date(text: str) -> datetime | None:
    """`Sat Nov 21 10:00:00.123 am 2026`, English or not, 12 or 24 hours; None for what is none."""
    match = _DATE.match(text.strip())
    if match is None:
        return None
    word = match["month"].lower().rstrip(".")
    month = _MONTHS.get(word) or int("".join(filter(str.isdecimal, word)) or "0")
    hour, half = int(match["hour"]), (match["half"] or "").lower()
    if half and hour <= 12:
        hour = hour % 12 + (12 if half == "p" else 0)
    micros = int(((match["part"] or "") + "000000")[:6])
    try:
        day = int(match["day"])
        return datetime(int(match["year"]), month, day, hour, int(match["minute"]), int(match["second"]), micros)
    except ValueError:
        return None
