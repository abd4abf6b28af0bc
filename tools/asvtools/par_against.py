"""Frames heard held against what the senders recorded: matched by their bytes, so that each lost one is known.

The same bytes come again after 25.6 s or more where a sender stands without a fix; of several the one is taken whose
time fits, the two clocks' difference being the one with which most of what was heard was sent.
"""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from asvtools.par_frames import Frames, Key, Numbers, Recorded, Vector
from asvtools.par_sequence import Passage

_EDGE_NS = 50_000_000  # half a slot: of the time in which the receiver recorded
_HALF_TURN_NS = 12_800_000_000  # of the counter: bytes that come again are a turn or more apart
_MOST_DIFFERENCES = 1_000_000  # looked at to find the clocks' difference; of more, every so many

Place = tuple[int, int, int]  # time sent, which sender, number among its frames


@dataclass(slots=True)
class Match:
    """One sender of SENT: all it sent while the receiver recorded, and which of it was heard."""

    sent: Frames
    heard: Key | None  # who it is in CAPTURE; None: nothing of it was heard
    passage: Passage
    repeated: int = 0
    elsewhere: int = 0  # copies heard from other sources
    left_out: int = 0  # sent while the receiver did not record
    latency_ms: Vector = field(default_factory=lambda: np.empty(0))  # of one clock only


@dataclass(slots=True)
class Against:
    """SENT as a whole. `unmatched`: heard frames of its senders that it does not hold, by who was heard."""

    name: str
    offset_ns: int | None  # receiver's clock less the sender's, transmission included; None: nothing matched
    matches: list[Match]
    unmatched: dict[Key, int]
    own_frames: int = 0  # the receiver's own ones in SENT, left out


def match(heard: Recorded, sent: Recorded, *, overlap: bool) -> Against:
    """Matches two captures. `overlap`: leave out what was sent before CAPTURE's first packet or after its last.

    That is also done where CAPTURE holds own frames, which tell when the receiver recorded.
    """
    senders = sent.own
    places: dict[bytes, list[Place]] = {}
    for which, frames in enumerate(senders):
        for number, (payload, time_ns) in enumerate(zip(frames.payloads, frames.time_ns, strict=True)):
            places.setdefault(payload, []).append((time_ns, which, number))
    for found in places.values():
        found.sort()
    offset_ns = _offset_ns(heard, places)
    if offset_ns is None:
        return Against(sent.name, None, [_unheard(frames) for frames in senders], {}, sent.counters["own_unit"])
    pairs, unmatched = _pairs(heard, places, offset_ns)
    span = (heard.first_ns - _EDGE_NS, heard.last_ns + _EDGE_NS) if overlap or heard.own else None
    out = Against(sent.name, offset_ns, [], {}, sent.counters["own_unit"])
    for which, frames in enumerate(senders):
        one = _matched(frames, pairs.get(which, {}), heard, offset_ns, span)
        out.matches.append(one)
        if one.heard is not None and unmatched[one.heard]:
            out.unmatched[one.heard] = unmatched[one.heard]
    return out


def _offset_ns(heard: Recorded, places: dict[bytes, list[Place]]) -> int | None:
    """The receiver's clock less the senders'. None: nothing heard is among what was sent.

    Where bytes come again several differences are possible. The right one has all that was heard, if SENT is whole;
    of those that cannot be told apart the least is taken.
    """
    known = [
        (time_ns, found)
        for frames in heard.vehicles.values()
        for payload, time_ns in zip(frames.payloads, frames.time_ns, strict=True)
        if (found := places.get(payload))
    ]
    if not known:
        return None
    known = known[:: 1 + sum(len(found) for _time, found in known) // _MOST_DIFFERENCES]
    apart = np.array([time_ns - one[0] for time_ns, found in known for one in found], dtype=np.int64)
    apart.sort()
    ends = np.searchsorted(apart, apart + _HALF_TURN_NS, side="right")
    votes = ends - np.arange(len(apart))
    most = int(votes.max())
    starts = np.flatnonzero(votes >= (len(known) if most >= len(known) else most - 3 * most**0.5))
    middles = apart[(starts + ends[starts]) // 2]
    least = int(middles[np.abs(middles).argmin()])
    return int(np.median(apart[np.abs(apart - least) <= _HALF_TURN_NS // 2]))


def _nearest(found: list[Place], wanted_ns: int) -> Place:
    at = bisect_left(found, (wanted_ns,))
    return min(found[max(0, at - 1) : at + 1], key=lambda one: abs(one[0] - wanted_ns))


Pair = tuple[int, int, int]  # number among the sent, time heard, number among the heard


def _pairs(
    heard: Recorded, places: dict[bytes, list[Place]], offset_ns: int
) -> tuple[dict[int, dict[Key, list[Pair]]], Counter[Key]]:
    """Of each sender, by who was heard: pairs of a sent and a heard frame, in the order heard."""
    pairs: dict[int, dict[Key, list[Pair]]] = {}
    unmatched: Counter[Key] = Counter()
    for key, frames in heard.vehicles.items():
        again = _comes_again(frames)
        for at, (payload, time_ns) in enumerate(zip(frames.payloads, frames.time_ns, strict=True)):
            found = places.get(payload)
            wanted_ns = time_ns - offset_ns
            place = (found[0] if len(found) == 1 else _nearest(found, wanted_ns)) if found else None
            # Of another turn, which SENT does not hold. Where none comes again a clock may have been set in between
            if place is None or (again and abs(place[0] - wanted_ns) > _HALF_TURN_NS):
                unmatched[key] += 1
                continue
            _ns, which, number = place
            pairs.setdefault(which, {}).setdefault(key, []).append((number, time_ns, at))
    return pairs, unmatched


def _comes_again(frames: Frames) -> bool:
    """Whether the same bytes were heard in different turns of the counter."""
    first: dict[bytes, int] = {}
    return any(
        abs(time_ns - first.setdefault(payload, time_ns)) > _HALF_TURN_NS
        for payload, time_ns in zip(frames.payloads, frames.time_ns, strict=True)
    )


def _matched(
    frames: Frames, by_key: dict[Key, list[Pair]], heard: Recorded, offset_ns: int, span: tuple[int, int] | None
) -> Match:
    sent_ns = np.array(frames.time_ns, dtype=np.int64)
    first, last = 0, len(frames) - 1
    if span:
        within = np.flatnonzero((sent_ns + offset_ns >= span[0]) & (sent_ns + offset_ns <= span[1]))
        first, last = (int(within[0]), int(within[-1])) if len(within) else (0, -1)
    left_out = len(frames) - (last - first + 1)
    if not by_key:
        one = _unheard(frames)
        one.passage.first, one.passage.last, one.passage.offset_ns, one.left_out = first, last, offset_ns, left_out
        return one
    key = max(by_key, key=lambda one: len(by_key[one]))
    taken: dict[int, tuple[int, int]] = {}
    for number, time_ns, at in by_key[key]:
        if first <= number <= last:
            taken.setdefault(number, (time_ns, at))
    inside = sum(first <= number <= last for number, _time, _at in by_key[key])
    rows = np.array([(number, *taken[number]) for number in sorted(taken)], dtype=np.int64).reshape(-1, 3)
    index: Numbers = rows[:, 0]
    passage = Passage(first, last, index, rows[:, 1], rows[:, 2], frames, offset_ns)
    elsewhere = sum(len(found) for other, found in by_key.items() if other != key)
    latency_ms = (rows[:, 1] - sent_ns[index]) / 1e6
    return Match(frames, key, passage, inside - len(taken), elsewhere, left_out, latency_ms)


def _unheard(frames: Frames) -> Match:
    none: Numbers = np.empty(0, dtype=np.int64)
    return Match(frames, None, Passage(0, len(frames) - 1, none, none, none, frames))
