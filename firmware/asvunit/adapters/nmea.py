"""Recorded NMEA 0183 logs: one fix an epoch, each with its date.

`asvunit.nmea_assembler` makes the epochs. Their day, where the receiver does not tell it, is
`asvunit.nmea_epoch.Calendar`'s.
"""

from collections.abc import Iterator
from datetime import date as Date
from pathlib import Path

from asvunit.errors import UsageError
from asvunit.nmea_assembler import NmeaAssembler
from asvunit.nmea_epoch import DAY, HALF_DAY_MS, Calendar, Epoch, near
from asvunit.ports import Fix


class NmeaFile:
    """A recorded NMEA log. Read whole, so that epochs before the first date can take theirs from it."""

    def __init__(self, path: str | Path, date: Date | None = None) -> None:
        lines = _lines(Path(path))
        assembler = NmeaAssembler()
        epochs = [epoch for line in lines for epoch in assembler.feed(line)] + assembler.flush()
        self.counters = assembler.counters
        days = self._days(epochs, date)
        self._fixes: list[Fix] = []
        for epoch, day in zip(epochs, days, strict=True):
            if day:
                self._fixes.append(epoch.fix(epoch.unix_ns(day)))
            elif epoch.void and self._fixes:  # the fix is gone, whatever the clock says
                self._fixes.append(epoch.fix(self._fixes[-1].time_ns))
            else:
                self.counters["undated"] += 1
        self.counters = +self.counters
        if epochs and not self._fixes:
            raise UsageError(f"{path}: no sentence tells the date (RMC does); give it with --date YYYY-MM-DD")
        if not epochs and not self.counters["no_time"]:
            raise UsageError(f"{path}: no NMEA epoch in it (RMC or GGA with checksum); is it an NMEA log?")

    def __iter__(self) -> Iterator[Fix]:
        return iter(self._fixes)

    def _days(self, epochs: list[Epoch], date: Date | None) -> list[Date | None]:
        ahead: list[Date | None] = []
        valid: Date | None = None
        for epoch in reversed(epochs):
            valid = epoch.date if epoch.date is not None and not epoch.void else valid
            ahead.append(valid)
        ahead.reverse()
        # The day given counts only if the file tells none: a wrong --date must not shift a dated log.
        calendar = Calendar(None if valid else date)
        days = [calendar.day(epoch, later) for epoch, later in zip(epochs, ahead, strict=True)]
        self.counters += calendar.counters
        first = next((index for index, day in enumerate(days) if day is not None), 0)
        later, later_ms = (days[first], epochs[first].tod_ms) if epochs else (None, 0)
        for index in range(first - 1, -1, -1):  # backwards from the first date
            if later is None or (epochs[index].void and not near(epochs[index].tod_ms, later_ms)):
                continue
            if epochs[index].tod_ms - later_ms > HALF_DAY_MS:  # past midnight
                later -= DAY
            days[index], later_ms = later, epochs[index].tod_ms
        return days


def _lines(path: Path) -> list[bytes]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}; give the path of an NMEA log") from error
    if not data:
        raise UsageError(f"{path}: the file is empty; give a recorded NMEA log")
    return data.splitlines()
