"""An epoch of a GNSS receiver, and the day it belongs to: GGA and void RMC carry the time of day only."""

from collections import Counter
from dataclasses import dataclass
from datetime import date as Date
from datetime import timedelta
from typing import Final

from asvunit.nmea_text import DAY_MS
from asvunit.ports import Fix

HALF_DAY_MS: Final = DAY_MS // 2
_ALMOST_DAY_MS: Final = DAY_MS - 3_600_000
_RESET_MS: Final = 600_000  # a void epoch without a date, further away than this, tells of a clock that was reset
DAY: Final = timedelta(days=1)
_EPOCH_ORDINAL: Final = Date(1970, 1, 1).toordinal()


@dataclass(slots=True)
class Epoch:
    """What the sentences of one time of day said. `date` is the receiver's own, of a void RMC too."""

    tod_ms: int
    date: Date | None = None
    void: bool = False
    rmc: bool = False
    quality: str | None = None  # of GGA
    position: tuple[int, int] | str = "no_position"
    rmc_speed: int | None = None
    rmc_course: int | None = None
    vtg_speed: int | None = None
    vtg_course: int | None = None
    gst_error_dm: int | None = None
    hdop_error_dm: int | None = None
    height_m: int | None = None
    vertical_error_m: int | None = None

    def unix_ns(self, day: Date) -> int:
        """Unix time of this epoch on `day`."""
        return ((day.toordinal() - _EPOCH_ORDINAL) * DAY_MS + self.tod_ms) * 1_000_000

    def fix(self, time_ns: int) -> Fix:
        """The fix this epoch makes. A void one carries its time of day only: its position is an old one."""
        reason = "void" if self.void else ""
        if not reason and (self.quality == "0" or not (self.rmc or self.quality)):
            reason = "no_fix"
        if not reason and isinstance(self.position, str):
            reason = self.position
        if reason or isinstance(self.position, str):
            return Fix(time_ns, False, reason, self.tod_ms)
        return Fix(
            time_ns,
            True,
            "",
            self.tod_ms,
            *self.position,
            self.vtg_speed if self.rmc_speed is None else self.rmc_speed,
            self.vtg_course if self.rmc_course is None else self.rmc_course,
            self.hdop_error_dm if self.gst_error_dm is None else self.gst_error_dm,
            self.height_m,
            self.vertical_error_m,
        )


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
            if not known or any(abs(epoch.date - other) <= DAY for other in known):
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
        if step < -HALF_DAY_MS:
            return self._day + DAY
        # Nearly a day forward is an epoch out of order around midnight; a gap is taken as one of that day.
        return self._day - DAY if step > _ALMOST_DAY_MS else self._day
