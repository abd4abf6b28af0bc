"""Recorded NMEA 0183 logs: one fix an epoch, each with its date.

Of `asvunit.gnss`, `nmea_lines` cuts the file into sentences, `nmea_assembler` makes the epochs. Their day, where the
receiver does not tell it, or tells it wrong by a rollover of the GPS week, is `nmea_days`'s.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import date as Date
from pathlib import Path
from typing import Any, Final

from asvunit.errors import UsageError
from asvunit.gnss.nmea_assembler import GLL_ALONE, NmeaAssembler
from asvunit.gnss.nmea_days import days_of
from asvunit.gnss.nmea_epoch import Epoch
from asvunit.gnss.nmea_lines import SentenceCutter
from asvunit.ports import Fix

_WHOLE_SECOND_MS: Final = 1000


class NmeaFile:
    """A recorded NMEA log. Read whole, so that epochs before the first date can take theirs from it."""

    def __init__(self, path: str | Path, date: Date | None = None) -> None:
        data = _read(Path(path))
        assembler, epochs = _epochs(data)
        self.counters = assembler.counters
        self._seen = assembler.seen
        days, dropped = days_of(epochs, date)
        self.counters += dropped
        self._fixes: list[Fix] = []
        for epoch, day in zip(epochs, days, strict=True):
            if day:
                self._fixes.append(epoch.fix(epoch.unix_ns(day)))
            elif epoch.void and self._fixes:  # the fix is gone, whatever the clock says
                self._fixes.append(epoch.fix(self._fixes[-1].time_ns))
            else:
                self.counters["undated"] += 1
        self._fixes = list(self._without_repeats(self._fixes))
        self.counters = +self.counters
        if epochs and not self._fixes:
            raise UsageError(f"{path}: no sentence tells the date (RMC and ZDA do); give it with --date YYYY-MM-DD")
        if not epochs and not self.counters["no_time"]:
            raise UsageError(f"{path}: no NMEA epoch in it (RMC, GGA, GNS or GLL): {_instead(self.counters)}")

    def __iter__(self) -> Iterator[Fix]:
        return iter(self._fixes)

    def summary(self) -> dict[str, Any]:
        """What the receiver sends, for people: period, sentences, what is missing."""
        return self._seen.summary()

    def _without_repeats(self, fixes: list[Fix]) -> Iterator[Fix]:
        """Without valid fixes that only say the last one again: time and place. A time that steps back is no repeat:
        receivers set their clocks and drive on; the replay clamps and counts it."""
        last: tuple[int, int | None, int | None] | None = None
        for fix in fixes:
            if fix.valid:
                told = fix.time_ns, fix.latitude_cas, fix.longitude_cas
                if told == last:
                    self.counters["time_repeated"] += 1
                    continue
                last = told
            yield fix


def _instead(counters: Counter[str]) -> str:
    """What a file without any epoch holds, and the mend."""
    if damaged := counters["bad_checksum"] + counters["no_checksum"]:
        return f"{damaged} sentences with a wrong checksum or without one; record the bytes as they come"
    if frames := counters["binary"]:
        return f"only {frames} binary frames; record NMEA"
    return "is it NMEA? record the receiver's RMC, GGA and GST"


def _epochs(data: bytes) -> tuple[NmeaAssembler, list[Epoch]]:
    """As a live line is read, but for logs without any checksum, and for those with their position in GLL alone."""
    assembler, epochs = _assembled(data)
    unchecked = not assembler.taken and assembler.counters["no_checksum"] > 0
    if unchecked:
        assembler, epochs = _assembled(data, unchecked=True)
    told = assembler.seen.sentences
    if told["GLL"] and not (told["RMC"] or told["GGA"] or told["GNS"]):
        assembler, epochs = _assembled(data, unchecked=unchecked, gll_after=0)
    for epoch in epochs:
        assembler.seen.epoch(epoch)
    return assembler, _without_rough_clocks(epochs)


def _assembled(
    data: bytes, *, unchecked: bool = False, gll_after: int = GLL_ALONE
) -> tuple[NmeaAssembler, list[Epoch]]:
    counters: Counter[str] = Counter()
    cutter = SentenceCutter(counters)
    assembler = NmeaAssembler(counters, unchecked=unchecked, gll_after=gll_after)
    sentences = cutter.feed(data) + cutter.finish()
    return assembler, [epoch for one in sentences for epoch in assembler.feed(one)] + assembler.flush()


def _without_rough_clocks(epochs: list[Epoch]) -> list[Epoch]:
    """Without repetitions where the clock shows whole seconds only, and each of them several times."""
    kept: list[Epoch] = []
    next_ms: int | None = None
    for epoch in reversed(epochs):
        if not epoch.repeated or next_ms is None or next_ms - epoch.tod_ms > _WHOLE_SECOND_MS:
            kept.append(epoch)
        if not epoch.repeated:
            next_ms = epoch.tod_ms
    return kept[::-1]


def _read(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}; give the path of an NMEA log") from error
    if not data:
        raise UsageError(f"{path}: the file is empty; give a recorded NMEA log")
    return data
