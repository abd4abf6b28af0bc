"""What a few seconds of a receiver's bytes tell: which sentences, how often, and how good its fixes are.

No I/O: bytes with the times of their arrival in, words and numbers out.
"""

import itertools
import re
import statistics
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import xor
from typing import Final

from asvunit.gnss.nmea_live import NmeaLive
from asvunit.gnss.nmea_summary import QUALITIES
from asvunit.gnss.nmea_text import date_of, time_of_day_ms

Chunk = tuple[int, bytes]  # Unix ns of arrival, bytes

_SENTENCE: Final = re.compile(rb"\$([A-Z]{2})([A-Z]{3}),([^\r\n*$]{0,250})\*([0-9A-Fa-f]{2})")
_DAY_MS: Final = 86_400_000
_MODES: Final = {"R": "4", "F": "5", "D": "2", "P": "3", "A": "1", "E": "6", "M": "7", "S": "8"}  # the best first
_QUIET_NS: Final = 1_000_000_000  # longer than the unit waits for the rest of an epoch


@dataclass
class Sample:
    """One receiver's sentences. What was never told is None."""

    bytes: int = 0
    sentences: Counter[str] = field(default_factory=Counter)  # by kind: RMC, GGA ...
    talkers: set[str] = field(default_factory=set)
    bad_checksums: int = 0
    ubx: int = 0  # whole frames of u-blox's binary protocol
    rtcm: int = 0
    fixes: int = 0  # epochs with a position
    voids: int = 0  # epochs without
    reasons: Counter[str] = field(default_factory=Counter)  # why the unit would not use an epoch
    satellites: int | None = None  # used, of the latest GGA
    hdop: float | None = None
    quality: str = ""
    error_m: float | None = None  # GST: the greater of latitude and longitude
    rate_hz: float | None = None  # of epochs
    has_speed: bool = False
    utc: datetime | None = None  # of the latest dated sentence
    offset_s: float | None = None  # GNSS time less system time, the least delayed sentence of the sample

    @property
    def speaks(self) -> bool:
        """Whether it is NMEA: noise gives no good checksum twice."""
        return self.sentences.total() >= 2

    def count(self, kind: str) -> int:
        return self.sentences[kind]


def sample(chunks: Sequence[Chunk]) -> Sample:
    """What these bytes tell."""
    out = Sample(bytes=sum(len(data) for _time, data in chunks))
    data = b"".join(data for _time, data in chunks)
    ends = _Arrivals(chunks)
    times: list[int] = []
    for match in _SENTENCE.finditer(data):
        body = data[match.start() + 1 : match.end() - 3]
        if reduce(xor, body) != int(match[4], 16):
            out.bad_checksums += 1
            continue
        kind = match[2].decode()
        out.sentences[kind] += 1
        out.talkers.add(match[1].decode())
        fields = match[3].decode(errors="replace").split(",")
        reader = _READERS.get(kind)
        if reader is None:
            continue
        told = reader(out, fields, ends.of(match.end()))
        if told is not None and (not times or times[-1] != told):
            times.append(told)
    _as_the_unit(out, chunks)
    out.rate_hz = _rate_hz(times)
    out.ubx, out.rtcm = _ubx_frames(data), _rtcm_frames(data)
    return out


def sentences_in(data: bytes) -> int:
    """How many right sentences there are, for one that waits for some."""
    found = _SENTENCE.finditer(data)
    return sum(reduce(xor, data[each.start() + 1 : each.end() - 3]) == int(each[4], 16) for each in found)


def _as_the_unit(out: Sample, chunks: Sequence[Chunk]) -> None:
    """Epochs counted by what the unit itself would make of these bytes."""
    live = NmeaLive()
    live.reset()
    fixes = [fix for time_ns, data in chunks for fix in live.feed(data, time_ns)]
    if chunks:
        fixes += live.quiet(chunks[-1][0] + _QUIET_NS)
    out.fixes = sum(fix.valid for fix in fixes)
    out.voids = len(fixes) - out.fixes
    out.reasons = Counter(fix.reason for fix in fixes if not fix.valid)


class _Arrivals:
    """When the byte before an offset arrived. Offsets are asked for in rising order."""

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        self._chunks = list(chunks)
        self._index, self._end = 0, len(self._chunks[0][1]) if self._chunks else 0

    def of(self, offset: int) -> int:
        while self._end < offset and self._index + 1 < len(self._chunks):
            self._index += 1
            self._end += len(self._chunks[self._index][1])
        return self._chunks[self._index][0]


def _rate_hz(times_ms: Sequence[int]) -> float | None:
    steps = [(b - a) % _DAY_MS for a, b in itertools.pairwise(times_ms)]
    steps = [step for step in steps if 0 < step <= 10_000]
    return round(1000 / statistics.median(steps), 1) if steps else None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _at(fields: Sequence[str], index: int) -> str:
    return fields[index] if index < len(fields) else ""


def _rmc(out: Sample, fields: Sequence[str], arrived_ns: int) -> int | None:
    time_ms, day = time_of_day_ms(_at(fields, 0)), date_of(_at(fields, 8))
    out.has_speed |= bool(_at(fields, 6))
    if time_ms is None:
        return None
    if day is not None:
        out.utc = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(milliseconds=time_ms)
        if _at(fields, 1) == "A":  # else it may be the receiver's own clock
            offset_s = out.utc.timestamp() - arrived_ns / 1e9
            # The sentence is late by the line and the receiver: the greatest offset has the least of that
            out.offset_s = offset_s if out.offset_s is None else max(out.offset_s, offset_s)
    return time_ms


def _gga(out: Sample, fields: Sequence[str], _arrived_ns: int) -> int | None:
    quality = _at(fields, 5)
    out.quality = QUALITIES.get(quality, "")
    satellites, out.hdop = _number(_at(fields, 6)), _number(_at(fields, 7))
    out.satellites = None if satellites is None else int(satellites)
    return time_of_day_ms(_at(fields, 0))


def _gns(out: Sample, fields: Sequence[str], _arrived_ns: int) -> int | None:
    """As GGA, with a mode for each system in the place of the quality."""
    modes = _at(fields, 5)
    out.quality = QUALITIES[next((code for mode, code in _MODES.items() if mode in modes), "0")]
    satellites, out.hdop = _number(_at(fields, 6)), _number(_at(fields, 7))
    out.satellites = None if satellites is None else int(satellites)
    return time_of_day_ms(_at(fields, 0))


def _gll(_out: Sample, fields: Sequence[str], _arrived_ns: int) -> int | None:
    return time_of_day_ms(_at(fields, 4))


def _zda(out: Sample, fields: Sequence[str], _arrived_ns: int) -> int | None:
    time_ms = time_of_day_ms(_at(fields, 0))
    with suppress(ValueError):
        day = datetime(int(_at(fields, 3)), int(_at(fields, 2)), int(_at(fields, 1)), tzinfo=UTC)
        out.utc = day + timedelta(milliseconds=time_ms or 0)
    return time_ms


def _gst(out: Sample, fields: Sequence[str], _arrived_ns: int) -> None:
    errors = [_number(_at(fields, 5)), _number(_at(fields, 6))]
    known = [error for error in errors if error is not None]
    out.error_m = max(known) if known else None


def _vtg(out: Sample, fields: Sequence[str], _arrived_ns: int) -> None:
    out.has_speed |= bool(_at(fields, 4) or _at(fields, 6))


_READERS: Final = {
    "RMC": _rmc, "GGA": _gga, "GNS": _gns, "GLL": _gll, "ZDA": _zda, "GST": _gst, "VTG": _vtg,
}  # fmt: skip


def _ubx_frames(data: bytes) -> int:
    """Whole frames with a good checksum."""
    count, start = 0, data.find(b"\xb5\x62")
    while start >= 0:
        length = int.from_bytes(data[start + 4 : start + 6], "little")
        end = start + 6 + length
        first = second = 0
        for byte in data[start + 2 : end] if length <= 4096 and end + 2 <= len(data) else b"":
            first = (first + byte) & 255
            second = (second + first) & 255
        good = end + 2 <= len(data) and data[end : end + 2] == bytes((first, second))
        count += good
        start = data.find(b"\xb5\x62", end + 2 if good else start + 2)
    return count


def _rtcm_frames(data: bytes) -> int:
    """Frames of RTCM 3 that follow one another: its preamble alone is a byte like others."""
    count, start = 0, data.find(b"\xd3\x00")
    while start >= 0:
        end = start + 6 + ((data[start + 1] & 3) << 8 | (data[start + 2] if start + 2 < len(data) else 0))
        good = data[end : end + 1] == b"\xd3"
        count += good
        start = data.find(b"\xd3\x00", end if good else start + 2)
    return count
