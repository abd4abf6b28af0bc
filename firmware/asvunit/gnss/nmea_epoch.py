"""An epoch of a GNSS receiver: what its sentences said, and the fix it makes."""

from dataclasses import dataclass, field
from datetime import date as Date
from typing import Final

from asvunit.gnss.nmea_text import DAY_MS
from asvunit.ports import Fix

_EPOCH_ORDINAL: Final = Date(1970, 1, 1).toordinal()


@dataclass(slots=True)
class Epoch:
    """What the sentences of one time of day said. `date` is the receiver's own, of a void RMC too."""

    tod_ms: int
    date: Date | None = None
    void: bool = False
    repeated: bool = False  # the receiver says the same time of day again and again: it tells of no new fix
    unreal: bool = False  # typed in, or of the receiver's own simulator
    rmc: bool = False
    gll: bool = False
    quality: str | None = None  # of GGA, or what GGA would say where GNS came
    rmc_position: tuple[int, int] | str = "no_position"
    gga_position: tuple[int, int] | str = "no_position"
    gll_position: tuple[int, int] | str = "no_position"
    rmc_speed: int | None = None
    rmc_course: int | None = None
    vtg_speed: int | None = None
    vtg_course: int | None = None
    gst_error_dm: int | None = None
    hdop_error_dm: int | None = None
    height_m: int | None = None
    vertical_error_m: int | None = None
    satellites: int | None = None
    ranks: dict[str, int] = field(default_factory=dict)  # of what was taken, by kind of sentence

    @property
    def makes_a_fix(self) -> bool:
        """Whether it is more than an error estimate without a position; a void one is a fix that is not valid."""
        return bool(self.ranks.keys() & {"RMC", "GGA", "GNS", "GLL"}) or self.void or self.repeated

    def unix_ns(self, day: Date) -> int:
        """Unix time of this epoch on `day`."""
        return ((day.toordinal() - _EPOCH_ORDINAL) * DAY_MS + self.tod_ms) * 1_000_000

    def reason(self) -> str:
        """Why this epoch is no valid fix; empty: it is one."""
        if self.void or self.repeated:
            return "void" if self.void else "time_repeated"
        no_quality = self.quality is not None and self.quality != "" and not self.quality.strip("0")
        if no_quality or self.unreal or not (self.rmc or self.quality or self.gll):
            return "no_fix"
        position = self.position()
        return position if isinstance(position, str) else ""

    def position(self) -> tuple[int, int] | str:
        """The position told, of RMC before the others, or why there is none."""
        for position in (self.rmc_position, self.gga_position, self.gll_position):
            if position != "no_position":
                return position
        return "no_position"

    def speed(self) -> int | None:
        """Speed in 0.01 km/h, of RMC before VTG."""
        return self.vtg_speed if self.rmc_speed is None else self.rmc_speed

    def course(self) -> int | None:
        """Course in 0.01 degrees, of RMC before VTG."""
        return self.vtg_course if self.rmc_course is None else self.rmc_course

    def fix(self, time_ns: int) -> Fix:
        """The fix this epoch makes. One that is not valid carries its time of day only: its position is an old one."""
        reason, position = self.reason(), self.position()
        if reason or isinstance(position, str):
            return Fix(time_ns, False, reason, self.tod_ms)
        return Fix(
            time_ns,
            True,
            "",
            self.tod_ms,
            *position,
            self.speed(),
            self.course(),
            self.hdop_error_dm if self.gst_error_dm is None else self.gst_error_dm,
            self.height_m,
            self.vertical_error_m,
        )
