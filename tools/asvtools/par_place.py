"""Where each transmission was sent from, and how far that was from the receiver; arrival rate against distance.

The place of a frame that was heard is told by itself; that of a lost one lies between its neighbours', by time; a
sender's own record tells both. Own position: own frames of the same capture, or a fixed one.
"""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from asvtools.par_frames import NO_POWER, Frames, Numbers, Vector, metres_per_degree
from asvtools.par_sequence import Passage

FAR_M: Final = 3000.0  # beyond it no bins: a wrong position, or another place
_NEIGHBOURS: Final = 256  # transmissions between two known places of a vehicle, at most
_OWN_GAP_NS: Final = 3_000_000_000  # between two own frames
_OWN_HOLD_NS: Final = 1_000_000_000  # after the last, before the first
_Z: Final = 1.959963984540054  # 95 %, both sides


@dataclass(slots=True)
class Placed:
    """Transmissions of one passage in their order: when (receiver's clock), whether heard, how far away, how strong."""

    time_ns: Numbers
    heard: np.ndarray[tuple[int], np.dtype[np.bool_]]
    distance_m: Vector  # NaN: not known
    power_dbm: Vector  # NaN: not known, or lost


class Told:
    """What the frames of one vehicle say, as columns: degrees and dBm, NaN where they do not."""

    def __init__(self, frames: Frames) -> None:
        self.latitude, self.longitude = frames.degrees()
        self.power_dbm = np.array(frames.power_dbm, dtype=np.float64)
        self.power_dbm[self.power_dbm == NO_POWER] = np.nan


class OwnPlace:
    """Where the receiver was: from its own frames, or fixed. `known` False: nobody tells."""

    def __init__(self, own: list[Frames], at: tuple[float, float] | None = None) -> None:
        self._at = at
        times, latitudes, longitudes = [np.empty(0, dtype=np.int64)], [np.empty(0)], [np.empty(0)]
        for frames in own if at is None else []:
            latitude, longitude = frames.degrees()
            good = ~np.isnan(latitude)
            times.append(np.array(frames.time_ns, dtype=np.int64)[good])
            latitudes.append(latitude[good])
            longitudes.append(longitude[good])
        order = np.argsort(np.concatenate(times), kind="stable")
        self._ns: Numbers = np.concatenate(times)[order]
        self._latitude = np.concatenate(latitudes)[order]
        self._longitude = np.unwrap(np.concatenate(longitudes)[order], period=360)

    @property
    def known(self) -> bool:
        return self._at is not None or bool(len(self._ns))

    def at(self, time_ns: Numbers) -> tuple[Vector, Vector]:
        """Latitude and longitude at some times; NaN where own frames are missing."""
        if self._at:
            return np.full(len(time_ns), self._at[0]), np.full(len(time_ns), self._at[1])
        if not len(self._ns):
            return np.full(len(time_ns), np.nan), np.full(len(time_ns), np.nan)
        after = np.searchsorted(self._ns, time_ns)
        before_ns = time_ns - self._ns[np.maximum(after - 1, 0)]
        after_ns = self._ns[np.minimum(after, len(self._ns) - 1)] - time_ns
        near = (np.abs(before_ns) <= _OWN_HOLD_NS) | (np.abs(after_ns) <= _OWN_HOLD_NS)
        between = (after > 0) & (after < len(self._ns)) & (before_ns + after_ns <= _OWN_GAP_NS)
        base = self._ns[0]
        found = [np.interp(time_ns - base, self._ns - base, one) for one in (self._latitude, self._longitude)]
        for one in found:
            one[~(near | between)] = np.nan
        return found[0], found[1]


def place(passage: Passage, heard: Told | None, own: OwnPlace) -> Placed:
    """All transmissions of a passage; `heard`: what the vehicle's frames say, None where nothing was heard."""
    number = np.arange(passage.first, passage.last + 1)
    there = np.zeros(len(number), dtype=np.bool_)
    there[passage.index - passage.first] = True
    power = np.full(len(number), np.nan)
    if heard is not None:
        power[passage.index - passage.first] = heard.power_dbm[passage.frame]
    if passage.sent is not None:
        time_ns = np.array(passage.sent.time_ns, dtype=np.int64)[number] + passage.offset_ns
        latitude, longitude = (one[number] for one in passage.sent.degrees())
    else:
        base = passage.time_ns[0]
        time_ns = base + np.interp(number, passage.index, passage.time_ns - base).astype(np.int64)
        latitude, longitude = _between(number, passage, heard)
    return Placed(time_ns, there, distances(latitude, longitude, *own.at(time_ns)), power)


def _between(number: Numbers, passage: Passage, heard: Told | None) -> tuple[Vector, Vector]:
    """Places by index: those told, and between two of them on the straight line."""
    nowhere = np.full(len(number), np.nan)
    if heard is None:
        return nowhere, nowhere
    latitude, longitude = heard.latitude[passage.frame], heard.longitude[passage.frame]
    good = ~np.isnan(latitude)
    if not good.any():
        return nowhere, nowhere
    index = passage.index[good]
    after = np.searchsorted(index, number)
    previous, following = index[np.maximum(after - 1, 0)], index[np.minimum(after, len(index) - 1)]
    inside = (number >= index[0]) & (number <= index[-1])
    apart = (following != number) & (following - previous > _NEIGHBOURS)
    found = [np.interp(number, index, one) for one in (latitude[good], np.unwrap(longitude[good], period=360))]
    for one in found:
        one[~inside | apart] = np.nan
    return found[0], found[1]


def distances(latitude: Vector, longitude: Vector, own_latitude: Vector, own_longitude: Vector) -> Vector:
    """Straight-line metres between pairs of places in degrees; exact to the metre within FAR_M."""
    north_m, east_m = metres_per_degree((latitude + own_latitude) / 2)
    turned = (longitude - own_longitude + 180) % 360 - 180
    return np.hypot((latitude - own_latitude) * north_m, turned * east_m)


def wilson(received: int, sent: int) -> tuple[float, float] | None:
    """The 95 % interval of a rate, in percent (Wilson's); None of nothing sent."""
    if not sent:
        return None
    rate, square = received / sent, _Z * _Z
    middle = rate + square / (2 * sent)
    half = _Z * math.sqrt(rate * (1 - rate) / sent + square / (4 * sent * sent))
    low, high = (middle - half) / (1 + square / sent), (middle + half) / (1 + square / sent)
    return (0.0 if not received else 100 * max(0.0, low)), (100.0 if received == sent else 100 * min(1.0, high))


def by_distance(placed: list[Placed], bin_m: float) -> list[dict[str, Any]]:
    """Bins of `bin_m` with packets in them, nearest first: sent, received, rate with its interval, mean power."""
    if not placed:
        return []
    distance, heard, power = (
        np.concatenate([getattr(one, name) for one in placed]) for name in ("distance_m", "heard", "power_dbm")
    )
    near = distance < FAR_M  # False for NaN
    where = (distance[near] / bin_m).astype(np.int64)
    size = int(where.max()) + 1 if len(where) else 0
    sent = np.bincount(where, minlength=size)
    received = np.bincount(where[heard[near]], minlength=size)
    strong = ~np.isnan(power[near])
    told = np.bincount(where[strong], minlength=size)
    total = np.bincount(where[strong], weights=power[near][strong], minlength=size)
    return [
        {
            "from_m": at * bin_m,
            "to_m": (at + 1) * bin_m,
            **rate(int(received[at]), int(sent[at])),
            "power_dbm": round(float(total[at] / told[at]), 1) if told[at] else None,
        }
        for at in map(int, np.flatnonzero(sent))
    ]


def rate(received: int, sent: int) -> dict[str, Any]:
    """Sent, received, arrival rate in percent and its interval."""
    interval = wilson(received, sent)
    return {
        "sent": sent,
        "received": received,
        "arrival_percent": 100 * received / sent if sent else None,
        "low_percent": interval[0] if interval else None,
        "high_percent": interval[1] if interval else None,
    }
