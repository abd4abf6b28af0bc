"""NMEA 0183: sentences of a GNSS receiver put together to one epoch each time of day. No I/O.

It serves a recording and a live serial line alike. An epoch is all sentences of one time of day, contiguous
in the stream, in whatever order the receiver sends them; it ends when a sentence of another time comes, or
when the reader knows better: `flush()`. Numbers come from the sentence's own text by integer arithmetic, so
that no binary fraction rounds.
"""

import math
import re
from collections import Counter
from typing import Any, Final

import pynmea2

from asvunit.nmea_epoch import Epoch
from asvunit.nmea_text import angle_cas, date_of, scaled, time_of_day_ms

# Talkers starting with P are proprietary sentences. Only these four types are worth a full parse.
_WANTED: Final = re.compile(rb"\$[A-OQ-Z][A-Z](?:RMC|GGA|GST|VTG),")
_CHECKSUM: Final = re.compile(rb"\*[0-9A-Fa-f]{2}\s*$")
_SENTENCE: Final = re.compile(rb"[$!][A-Z]{2}")

_MAX_SPEED_CKMH: Final = 30_000
_HEIGHTS_M: Final = range(-8192, 8191)  # what a message can say
_MAX_HDOP_DM: Final = 99 * 50  # receivers write 99.99 for "unknown"
_MAX_SIGMA_MM: Final = 10_000_000


class NmeaAssembler:
    """Lines in, epochs out. Bad lines are dropped here, counted by reason.

    `taken` counts the sentences that told something. `kinds` are those of the latest time of day, in the order
    they came, also of those that came too late, but without a VTG that leads; each time of day has a list of
    its own.
    """

    def __init__(self, counters: Counter[str] | None = None) -> None:
        self.counters: Counter[str] = Counter() if counters is None else counters
        self.taken = 0
        self.kinds: list[str] = []
        self._open: Epoch | None = None
        self._flushed: Epoch | None = None  # the latest one, while no other is open
        self._last_tod_ms: int | None = None
        self._vtg_leads: bool | None = None  # VTG tells no time: a receiver whose burst begins with it is known by that
        self._waiting: Any = None

    def feed(self, line: bytes) -> list[Epoch]:
        """Takes one line; returns the epoch that it ended, if any."""
        start = line.rfind(b"$")  # a line may have lost its end and run into the next
        if line.startswith(b"#") or not line.strip():
            self.counters["comment"] += 1
            return []
        if start < 0 or _WANTED.match(line, start) is None:
            if _SENTENCE.search(line) is None:
                self.counters["garbage"] += 1
            return []
        try:
            sentence = self._parse(line[start:])
        except pynmea2.ChecksumError:
            return self._drop("bad_checksum")
        except ValueError:  # ParseError and undecodable bytes
            return self._drop("garbage")
        return [] if sentence is None else self._take(sentence)

    @property
    def is_open(self) -> bool:
        """Whether an epoch has begun."""
        return self._open is not None

    @property
    def is_waiting(self) -> bool:
        """Whether something has been taken that no epoch has been made of."""
        return self.is_open or self._waiting is not None

    def flush(self) -> list[Epoch]:
        """Ends the open epoch: end of the file, or its burst is known to be whole. What still comes of it is late."""
        ended = self._end()
        if ended:
            self._flushed = ended[0]
        return ended

    def quiet(self) -> list[Epoch]:
        """Ends the open epoch, for the line has gone quiet: what comes next begins a burst."""
        self._waiting = self._vtg_leads = None  # a VTG that leads is not followed by silence
        return self.flush()

    def _end(self) -> list[Epoch]:
        epoch, self._open = self._open, None
        if epoch is None:
            return []
        if not epoch.rmc and epoch.quality is None:
            return self._drop("incomplete_epoch")  # GST alone makes no fix
        return [epoch]

    def _drop(self, reason: str) -> list[Epoch]:
        self.counters[reason] += 1
        return []

    def _parse(self, line: bytes) -> Any:
        if _CHECKSUM.search(line) is None:
            self.counters["no_checksum"] += 1
            return None
        return pynmea2.parse(line.decode("ascii"), check=True)

    def _take(self, sentence: Any) -> list[Epoch]:
        self.taken += 1
        kind = sentence.sentence_type
        self._vtg_leads = kind == "VTG" if self._vtg_leads is None else self._vtg_leads
        if kind == "VTG":
            if self._vtg_leads:
                self._waiting = sentence
            elif self._open is not None:
                self._note(kind)
                self._vtg(self._open, sentence)
            elif self._flushed is not None:
                self._late(kind)
            return []
        text = _field(sentence, "timestamp")
        tod_ms = time_of_day_ms(text)
        if tod_ms is None:
            self.counters["bad_time" if text else "no_time"] += 1
            ended = self._end()  # a VTG that follows belongs to this one, not to the epoch before
            if kind == "RMC" and not text and _field(sentence, "status") == "V" and self._last_tod_ms is not None:
                ended.append(Epoch(self._last_tod_ms, void=True))  # it has lost its clock with the sky
            return ended
        if self._is_late(kind, tod_ms):
            self._late(kind)
            return []
        ended = []
        if self._open is None or self._open.tod_ms != tod_ms:
            ended = self._end()
            self._open, self._flushed = Epoch(tod_ms), None
            self._last_tod_ms = tod_ms
            self.kinds = []
        elif self._waiting is not None:
            self._vtg_leads = False  # it came in the middle of its epoch: the stream only began with one
        if self._waiting is not None:
            self._vtg(self._open, self._waiting)
            self._waiting = None
        self._note(kind)
        {"RMC": self._rmc, "GGA": self._gga, "GST": self._gst}[kind](self._open, sentence)
        return ended

    def _is_late(self, kind: str, tod_ms: int) -> bool:
        """Of the epoch just flushed. A receiver that lost its clock repeats its time: a void epoch comes again."""
        flushed = self._flushed
        if flushed is None or flushed.tod_ms != tod_ms:
            return False
        return kind not in self.kinds or flushed.fix(0).valid

    def _late(self, kind: str) -> None:
        self._note(kind)
        self.counters["late_sentence"] += 1

    def _note(self, kind: str) -> None:
        if kind not in self.kinds:
            self.kinds.append(kind)

    def _within(self, value: int | None, low: int, high: int) -> int | None:
        if value is not None and not low <= value <= high:
            self.counters["implausible"] += 1
            return None
        return value

    def _speed(self, knots: str) -> int | None:
        return self._within(scaled(knots, 1852, 10), 0, _MAX_SPEED_CKMH)

    def _course(self, degrees: str) -> int | None:
        course = self._within(scaled(degrees, 100), 0, 36_000)
        return None if course is None else course % 36_000

    def _rmc(self, epoch: Epoch, sentence: Any) -> None:
        epoch.rmc = True
        epoch.void = _field(sentence, "status") != "A" or _field(sentence, "mode_indicator") == "N"
        text = _field(sentence, "datestamp")
        epoch.date = date_of(text)
        if text and epoch.date is None:
            self.counters["bad_date"] += 1
        position = _position(sentence)
        if position != "no_position":
            epoch.position = position
        epoch.rmc_speed = self._speed(_field(sentence, "spd_over_grnd"))
        epoch.rmc_course = self._course(_field(sentence, "true_course"))

    def _gga(self, epoch: Epoch, sentence: Any) -> None:
        epoch.quality = _field(sentence, "gps_qual")
        if epoch.position == "no_position":
            epoch.position = _position(sentence)
        hdop = scaled(_field(sentence, "horizontal_dil"), 50)
        epoch.hdop_error_dm = hdop if hdop is not None and 0 < hdop < _MAX_HDOP_DM else None
        height = scaled(_field(sentence, "altitude"), 1)
        epoch.height_m = self._within(height, _HEIGHTS_M[0], _HEIGHTS_M[-1])

    def _gst(self, epoch: Epoch, sentence: Any) -> None:
        sigmas = [scaled(_field(sentence, "std_dev_" + name), 1000) for name in ("latitude", "longitude", "altitude")]
        latitude, longitude, altitude = (self._within(sigma, 0, _MAX_SIGMA_MM) for sigma in sigmas)
        if latitude is not None and longitude is not None:
            square = latitude**2 + longitude**2  # mm2; 1 dm2 = 10000 mm2, rounded up
            epoch.gst_error_dm = max(1, math.isqrt(max(square - 1, 0)) // 100 + 1)
        if altitude is not None:
            epoch.vertical_error_m = max(1, (altitude + 500) // 1000)

    def _vtg(self, epoch: Epoch, sentence: Any) -> None:
        if _field(sentence, "faa_mode") != "N":
            knots, kmh = _field(sentence, "spd_over_grnd_kts"), _field(sentence, "spd_over_grnd_kmph")
            epoch.vtg_speed = self._speed(knots) if knots else self._within(scaled(kmh, 100), 0, _MAX_SPEED_CKMH)
            epoch.vtg_course = self._course(_field(sentence, "true_track"))


def _field(sentence: Any, name: str) -> str:
    """A field's own text: pynmea2's attributes round by float, and raise on mutilated sentences."""
    index = type(sentence).name_to_idx[name]
    return str(sentence.data[index]).strip() if index < len(sentence.data) else ""


def _position(sentence: Any) -> tuple[int, int] | str:
    latitude = angle_cas(_field(sentence, "lat"), _field(sentence, "lat_dir"), "N", "S", 90)
    longitude = angle_cas(_field(sentence, "lon"), _field(sentence, "lon_dir"), "E", "W", 180)
    if isinstance(latitude, str):
        return latitude
    return longitude if isinstance(longitude, str) else (latitude, longitude)
