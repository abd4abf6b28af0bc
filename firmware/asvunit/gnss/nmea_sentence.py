"""What one NMEA sentence says of its epoch: numbers from its own text by integer arithmetic, so that nothing rounds.

Where receivers send a kind for each system (GPRMC and GLRMC), the one that tells a fix wins, among those GN, which is
of all systems together, then GP; of equals the later.
"""

import math
from collections import Counter
from collections.abc import Callable
from datetime import date as Date
from datetime import timedelta
from typing import Any, Final, NamedTuple

from asvunit.gnss.limits import HEIGHTS_M, MAX_SPEED_CKMH
from asvunit.gnss.nmea_epoch import Epoch
from asvunit.gnss.nmea_text import DAY_MS, angle_cas, below_half, date_of, floored, scaled, time_of_day_ms

_MAX_HDOP_DM: Final = 99 * 50  # receivers write 99.99 for "unknown"
_MAX_SIGMA_MM: Final = 10_000_000
_TELLS_A_FIX: Final = 10
_NEXT_MS: Final = 1500
_TALKERS: Final = {"GN": 2, "GP": 1}  # before all others
# GNS tells a mode for each system: the best of them, as the quality that GGA would tell
_GNS_MODES: Final = (("R", "4"), ("F", "5"), ("D", "2"), ("P", "3"), ("A", "1"), ("E", "6"), ("M", "7"), ("S", "8"))
_UNREAL_MODES: Final = {"M": "7", "S": "8"}
_UNREAL_QUALITIES: Final = {"7": "manual_input", "8": "simulated"}  # nobody measured these positions


def field(sentence: Any, name: str) -> str:
    """A field's own text: pynmea2's attributes round by float, and raise on mutilated sentences."""
    index = type(sentence).name_to_idx[name]
    return str(sentence.data[index]).strip() if index < len(sentence.data) else ""


def tells_void(sentence: Any) -> bool:
    """Whether an RMC says that there is no fix."""
    return field(sentence, "status") != "A" or field(sentence, "mode_indicator") == "N"


class Dated(NamedTuple):
    """What ZDA tells: a date and its time of day."""

    date: Date
    tod_ms: int

    def date_at(self, tod_ms: int) -> Date | None:
        """The date of a time of day, if it is one next to this."""
        step_ms = (tod_ms - self.tod_ms + DAY_MS // 2) % DAY_MS - DAY_MS // 2
        if abs(step_ms) > _NEXT_MS:
            return None
        return self.date + timedelta(days=(self.tod_ms + step_ms) // DAY_MS)


def dated(sentence: Any) -> Dated | None:
    """The date of a ZDA, for receivers without RMC."""
    tod_ms = time_of_day_ms(field(sentence, "timestamp"))
    parts = [scaled(field(sentence, name), 1) for name in ("year", "month", "day")]
    try:
        return None if tod_ms is None else Dated(Date(*(part or 0 for part in parts)), tod_ms)
    except (ValueError, OverflowError):
        return None


class Reader:
    """Puts sentences into epochs; what is out of its range is left out and counted."""

    def __init__(self, counters: Counter[str]) -> None:
        self.counters = counters
        self._takers: dict[str, Callable[[Epoch, Any], None]] = {
            "RMC": self._rmc,
            "GGA": self._gga,
            "GNS": self._gns,
            "GLL": self._gll,
            "GST": self._gst,
            "VTG": self._vtg,
        }

    def take(self, epoch: Epoch, sentence: Any) -> None:
        """Put a sentence in, unless another of its kind tells more."""
        self._takers[sentence.sentence_type](epoch, sentence)

    def _wins(self, epoch: Epoch, sentence: Any, tells: bool) -> bool:
        rank = _TALKERS.get(sentence.talker, 0) + (_TELLS_A_FIX if tells else 0)
        if rank < epoch.ranks.get(sentence.sentence_type, 0):
            return False
        epoch.ranks[sentence.sentence_type] = rank
        return True

    def _rmc(self, epoch: Epoch, sentence: Any) -> None:
        void = tells_void(sentence)
        if not self._wins(epoch, sentence, not void):
            return
        epoch.rmc, epoch.void = True, void
        text = field(sentence, "datestamp")
        epoch.date = date_of(text)
        if text and epoch.date is None:
            self.counters["bad_date"] += 1
        self._unreal(epoch, _UNREAL_MODES.get(field(sentence, "mode_indicator"), ""))
        epoch.rmc_position = _position(sentence)
        epoch.rmc_speed = self._speed(field(sentence, "spd_over_grnd"))
        epoch.rmc_course = self._course(field(sentence, "true_course"))

    def _gga(self, epoch: Epoch, sentence: Any) -> None:
        quality = field(sentence, "gps_qual")
        if self._wins(epoch, sentence, bool(quality.strip("0"))):
            self._position_of(epoch, sentence, quality, "num_sats")

    def _gns(self, epoch: Epoch, sentence: Any) -> None:
        modes = field(sentence, "mode_indicator")
        quality = next((quality for mode, quality in _GNS_MODES if mode in modes), "0" if modes else "")
        position = _position(sentence)
        if position == "no_position" and isinstance(epoch.gga_position, tuple):
            return  # of one system's satellites only
        if "GGA" not in epoch.ranks and self._wins(epoch, sentence, bool(quality.strip("0"))):
            self._position_of(epoch, sentence, quality, "num_sats")

    def _position_of(self, epoch: Epoch, sentence: Any, quality: str, satellites: str) -> None:
        epoch.quality = quality
        self._unreal(epoch, quality)
        epoch.gga_position = _position(sentence)
        count = scaled(field(sentence, satellites), 1)
        epoch.satellites = count if count is not None and 0 <= count < 1000 else None
        hdop = field(sentence, "hdop" if sentence.sentence_type == "GNS" else "horizontal_dil")
        epoch.hdop_error_dm = _hdop_error_dm(hdop)
        epoch.height_m = self._within(scaled(field(sentence, "altitude"), 1), HEIGHTS_M[0], HEIGHTS_M[-1])

    def _gll(self, epoch: Epoch, sentence: Any) -> None:
        valid = field(sentence, "status") == "A" and field(sentence, "faa_mode") != "N"
        if self._wins(epoch, sentence, valid):
            epoch.gll = valid
            epoch.gll_position = _position(sentence)

    def _gst(self, epoch: Epoch, sentence: Any) -> None:
        sigmas = [scaled(field(sentence, "std_dev_" + name), 1000) for name in ("latitude", "longitude", "altitude")]
        latitude, longitude, altitude = (self._within(sigma, 0, _MAX_SIGMA_MM) for sigma in sigmas)
        known = latitude is not None and longitude is not None
        if not self._wins(epoch, sentence, known):
            return
        if latitude is not None and longitude is not None:
            square = latitude**2 + longitude**2  # mm2; 1 dm2 = 10000 mm2, rounded up
            error_dm = max(1, math.isqrt(max(square - 1, 0)) // 100 + 1)
            epoch.gst_error_dm = below_half(error_dm, is_exact=square == error_dm**2 * 10_000)
        if altitude is not None:
            epoch.vertical_error_m = max(1, (altitude + 500) // 1000)

    def _vtg(self, epoch: Epoch, sentence: Any) -> None:
        knots, kmh = field(sentence, "spd_over_grnd_kts"), field(sentence, "spd_over_grnd_kmph")
        tells = field(sentence, "faa_mode") != "N"
        if not self._wins(epoch, sentence, tells and bool(knots or kmh)) or not tells:
            return
        epoch.vtg_speed = self._speed(knots) if knots else self._within(floored(kmh, 100), 0, MAX_SPEED_CKMH)
        epoch.vtg_course = self._course(field(sentence, "true_track"))

    def _unreal(self, epoch: Epoch, quality: str) -> None:
        reason = _UNREAL_QUALITIES.get(quality)
        if reason and not epoch.unreal:
            epoch.unreal = True
            self.counters[reason] += 1

    def _within(self, value: int | None, low: int, high: int) -> int | None:
        if value is not None and not low <= value <= high:
            self.counters["implausible"] += 1
            return None
        return value

    def _speed(self, knots: str) -> int | None:
        return self._within(floored(knots, 1852, 10), 0, MAX_SPEED_CKMH)

    def _course(self, degrees: str) -> int | None:
        course = self._within(floored(degrees, 100), 0, 36_000)
        return None if course is None else course % 36_000


def _hdop_error_dm(hdop: str) -> int | None:
    """HDOP x 5 m."""
    error_dm = scaled(hdop, 50)
    if error_dm is None or not 0 < error_dm < _MAX_HDOP_DM:
        return None
    return below_half(error_dm, is_exact=floored(hdop, 50) == error_dm)


def _position(sentence: Any) -> tuple[int, int] | str:
    latitude = angle_cas(field(sentence, "lat"), field(sentence, "lat_dir"), "N", "S", 90)
    longitude = angle_cas(field(sentence, "lon"), field(sentence, "lon_dir"), "E", "W", 180)
    if isinstance(latitude, str):
        return latitude
    return longitude if isinstance(longitude, str) else (latitude, longitude)
