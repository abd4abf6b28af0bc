"""What a receiver sends, for people: kinds of sentences, talkers, period, what is missing. No I/O."""

from collections import Counter, deque
from statistics import median_low
from typing import Any, Final

from asvunit.gnss.nmea_epoch import Epoch
from asvunit.gnss.nmea_text import DAY_MS

_KNOWN: Final = frozenset({"DTM", "GBS", "GLL", "GRS", "GSA", "GSV", "HDG", "HDT", "ROT", "THS", "TXT", "VHW", "VLW"})
_STEPS: Final = 9  # between epochs, of which the median is the period
_LONGEST_MS: Final = 10_000  # a step longer than that is a gap
QUALITIES: Final = {
    "0": "no fix",
    "1": "autonomous",
    "2": "differential",
    "3": "PPS",
    "4": "RTK fixed",
    "5": "RTK float",
    "6": "dead reckoned by the receiver",
    "7": "typed in",
    "8": "simulated",
}
# What is needed of a receiver: any of these kinds tells it
_NEEDED: Final = (
    ("position", ("RMC", "GGA", "GNS", "GLL")),
    ("speed and course", ("RMC", "VTG")),
    ("quality and height", ("GGA", "GNS")),
    ("date", ("RMC", "ZDA")),
    ("error estimate", ("GST",)),
)


class Seen:
    """Counts sentences by kind and by talker, and measures the period from the times of day."""

    def __init__(self) -> None:
        self.sentences: Counter[str] = Counter()
        self.talkers: Counter[str] = Counter()
        self._steps_ms: deque[int] = deque(maxlen=_STEPS)
        self._last: Epoch | None = None
        self._quality: str | None = None
        self._satellites: int | None = None
        self._hdop_dm: int | None = None

    def sentence(self, talker: str, kind: str) -> None:
        """One of those that are read, with a right checksum."""
        self.sentences[kind] += 1
        self.talkers[talker] += 1

    def other(self, text: bytes) -> None:
        """One that is not: no more kinds than are known, for it may be noise."""
        if text[1:2] == b"P" and text[2:4].isalnum():
            self.sentences["proprietary"] += 1
        elif text[6:7] == b",":
            kind = text[3:6].decode("latin-1")
            self.sentences[kind if kind in _KNOWN else "other"] += 1

    def epoch(self, epoch: Epoch) -> None:
        """An epoch that has ended, in the order they came."""
        if self._last is not None and not epoch.repeated:
            step_ms = (epoch.tod_ms - self._last.tod_ms) % DAY_MS
            if 0 < step_ms <= _LONGEST_MS:
                self._steps_ms.append(step_ms)
        self._last = epoch
        if "GGA" in epoch.ranks or "GNS" in epoch.ranks:
            self._quality, self._satellites, self._hdop_dm = epoch.quality, epoch.satellites, epoch.hdop_error_dm

    @property
    def period_ms(self) -> int | None:
        """The median of the last steps between epochs; None before the second."""
        steps_ms = tuple(self._steps_ms)  # at once: another thread may add to them
        return median_low(steps_ms) if steps_ms else None

    def missing(self) -> dict[str, str]:
        """What no sentence tells, and the sentences that would; empty before the first epoch."""
        if self._last is None:
            return {}
        return {what: " or ".join(kinds) for what, kinds in _NEEDED if not any(map(self.sentences.get, kinds))}

    def summary(self) -> dict[str, Any]:
        """Everything, as JSON can hold it. Any thread may ask."""
        return {
            "period_ms": self.period_ms,
            "sentences": dict(sorted(dict(self.sentences).items())),
            "talkers": dict(sorted(dict(self.talkers).items())),
            "missing": self.missing(),
            "fix": None if self._last is None else self._last.reason() or "valid",
            "quality": None if self._quality is None else QUALITIES.get(self._quality, self._quality or "not told"),
            "satellites": self._satellites,
            "hdop": None if self._hdop_dm is None else self._hdop_dm / 50,
        }
