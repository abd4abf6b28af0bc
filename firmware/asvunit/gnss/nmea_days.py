"""The days of a recording's epochs: GGA and void RMC carry the time of day only, and a receiver may miscount GPS weeks.

GPS counts its weeks modulo 1024; a receiver that missed a rollover tells dates a multiple of 1024 weeks too old.
"""

from collections import Counter
from datetime import date as Date
from datetime import timedelta
from itertools import pairwise, takewhile
from typing import Final

from asvunit.gnss.nmea_epoch import Epoch
from asvunit.gnss.nmea_text import DAY_MS

_HALF_DAY_MS: Final = DAY_MS // 2
_ALMOST_DAY_MS: Final = DAY_MS - 3_600_000
_RESET_MS: Final = 600_000  # a void epoch without a date, further away than this, tells of a clock that was reset
_SET_MS: Final = 3_600_000  # a clock that leaps so far before there was a fix has been set
_TURN_MS: Final = 10_000  # around midnight, where receivers turn their date over a moment too late or too early
_TURN_EPOCHS: Final = 25 * 10 + 1
_DAY: Final = timedelta(days=1)
_ROLLOVER_DAYS: Final = 1024 * 7
_BELIEVED: Final = 2  # valid epochs of one date


def days_of(epochs: list[Epoch], date: Date | None) -> tuple[list[Date | None], Counter[str]]:
    """The day of each epoch, None where it is not known; and what was found wrong.

    `date`, given or of other inputs, counts where the recording tells none, and tells rollovers.
    """
    _turn_at_midnight([epoch for epoch in epochs if epoch.date is not None and not epoch.void])
    shifts = _rollovers(epochs, date)
    for epoch, shift in zip(epochs, shifts, strict=True):
        if shift and epoch.date is not None:
            epoch.date += timedelta(days=shift)
    ahead: list[Date | None] = []
    valid: Date | None = None
    for epoch in reversed(epochs):
        valid = epoch.date if epoch.date is not None and not epoch.void else valid
        ahead.append(valid)
    ahead.reverse()
    # The day given counts only if the file tells none: a wrong --date must not shift a dated log.
    calendar = Calendar(None if valid else date)
    days = [calendar.day(epoch, later) for epoch, later in zip(epochs, ahead, strict=True)]
    if shifted := sum(map(bool, shifts)):
        calendar.counters["week_rollover"] = shifted
    first = next((index for index, day in enumerate(days) if day is not None), 0)
    later, later_ms = (days[first], epochs[first].tod_ms) if epochs else (None, 0)
    for index in range(first - 1, -1, -1):  # backwards from the first date
        if later is None or (epochs[index].void and not near(epochs[index].tod_ms, later_ms)):
            continue
        if epochs[index].tod_ms - later_ms > _HALF_DAY_MS:  # past midnight
            later -= _DAY
        days[index], later_ms = later, epochs[index].tod_ms
    for index in range(_unset_clock(epochs, days)):
        calendar.counters["date_implausible"] += days[index] is not None
        days[index] = None
    return days, calendar.counters


def _unset_clock(epochs: list[Epoch], days: list[Date | None]) -> int:
    """How many epochs at the begin, all without a fix, tell the time of a clock that was set then."""
    unset = 0
    last_ms: int | None = None
    for index, (epoch, day) in enumerate(zip(epochs, days, strict=True)):
        if day is None:
            continue
        time_ms = epoch.unix_ns(day) // 1_000_000
        if last_ms is not None and abs(time_ms - last_ms) > _SET_MS:
            unset = index
        if not epoch.reason():
            break
        last_ms = time_ms
    return unset


def _turn_at_midnight(dated: list[Epoch]) -> None:
    """Dates of the seconds around midnight that are one day off, as the next one shows: not a day to and fro."""
    for index, (before, first) in enumerate(pairwise(dated), 1):
        if before.date is None or first.date is None:
            continue
        over = before.tod_ms - first.tod_ms > _HALF_DAY_MS
        if over and first.date == before.date:
            right, told_after = first.date + _DAY, first.date + _DAY
        elif not over and first.date == before.date + _DAY and first.tod_ms > before.tod_ms:
            right, told_after = before.date, first.date
        else:
            continue
        wrong = _as_first(dated[index : index + _TURN_EPOCHS])
        after = dated[index + len(wrong)] if index + len(wrong) < len(dated) else None
        if wrong and after is not None and after.date == told_after and after.tod_ms <= _TURN_MS:
            for epoch in wrong:
                epoch.date = right


def _as_first(epochs: list[Epoch]) -> list[Epoch]:
    """Those that tell the same date on the same side of midnight, all of them near to it."""
    first = epochs[0]
    side = first.tod_ms < _HALF_DAY_MS
    run = takewhile(lambda one: one.date == first.date and (one.tod_ms < _HALF_DAY_MS) == side, epochs)
    found = list(run)
    return found if all(min(one.tod_ms, DAY_MS - one.tod_ms) <= _TURN_MS for one in found) else []


def _rollovers(epochs: list[Epoch], date: Date | None) -> list[int]:
    """Days to add to each epoch's date: multiples of 1024 weeks.

    Right is what the date from outside tells, within a day; without one, the latest date of the recording itself.
    """
    told = Counter(epoch.date for epoch in epochs if epoch.date is not None and not epoch.void)
    if not told:
        return [0] * len(epochs)
    latest = max((day for day in told if told[day] >= _BELIEVED), default=max(told))
    if date is not None and (of_all := _weeks_missed(latest, date)):
        latest += timedelta(days=of_all)
    return [0 if epoch.date is None else _weeks_missed(epoch.date, latest) for epoch in epochs]


def _weeks_missed(day: Date, right: Date) -> int:
    """Days that a date is too old, where it is whole rollovers and a day or two of midnights; else 0."""
    days = (right - day).days
    rollovers = (days + _ROLLOVER_DAYS // 2) // _ROLLOVER_DAYS
    return rollovers * _ROLLOVER_DAYS if abs(days - rollovers * _ROLLOVER_DAYS) <= 1 else 0


def near(one_ms: int, other_ms: int) -> bool:
    """True for times of day that one drive can have next to each other."""
    step = (one_ms - other_ms) % DAY_MS
    return min(step, DAY_MS - step) <= _RESET_MS


class Calendar:
    """Gives epochs their day: the receiver's date while it is believable, else carried on over midnight."""

    def __init__(self, day: Date | None = None) -> None:
        self.counters: Counter[str] = Counter()
        self._day = day
        self._tod_ms: int | None = None
        self._checked = day is not None  # against a day that only a void RMC told, nothing can be checked

    def day(self, epoch: Epoch, ahead: Date | None = None) -> Date | None:
        """The day of the next epoch, or None: not known, or its clock is not to be believed.

        `ahead`: the next valid RMC's date, where the stream can be looked into. A void epoch that tells no
        date, or one of a cold start, may have any time of day: it must not move the time of valid ones.
        """
        if epoch.void and epoch.date is None and not self._near(epoch.tod_ms):
            return None
        day = self._carried(epoch.tod_ms)
        if epoch.date is not None and not epoch.void:
            day, self._checked = epoch.date, True
        elif epoch.date is not None:
            known = [other for other in (day if self._checked else None, ahead) if other is not None]
            if not known or any(abs(epoch.date - other) <= _DAY for other in known):
                day = epoch.date
            else:
                self.counters["date_implausible"] += 1  # of a cold start
                if not self._near(epoch.tod_ms):
                    return None
        if day is not None:
            self._day, self._tod_ms = day, epoch.tod_ms
        return day

    def _near(self, tod_ms: int) -> bool:
        if self._tod_ms is None:
            return self._day is not None  # a day that was given: nothing to doubt yet
        return near(tod_ms, self._tod_ms)

    def _carried(self, tod_ms: int) -> Date | None:
        if self._day is None or self._tod_ms is None:
            return self._day
        step = tod_ms - self._tod_ms
        if step < -_HALF_DAY_MS:
            return self._day + _DAY
        # Nearly a day forward is an epoch out of order around midnight; a gap is taken as one of that day.
        return self._day - _DAY if step > _ALMOST_DAY_MS else self._day
