"""Frames heard held against what the senders recorded: matched by their bytes, so that each lost one is known.

The same bytes come again after 25.6 s or more where a sender stands without a fix; of several the one is taken whose
time fits, the two clocks' difference being the median of the frames that are alone.
"""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from asvtools.par_frames import Frames, Key, Numbers, Recorded, Vector
from asvtools.par_sequence import Passage

_EDGE_NS = 50_000_000  # half a slot: of the time in which the receiver recorded


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


def match(heard: Recorded, sent: Recorded, *, overlap: bool) -> Against:
    """Matches two captures. `overlap`: leave out what was sent before CAPTURE's first packet or after its last.

    That is also done where CAPTURE holds own frames, which tell when the receiver recorded.
    """
    senders = sent.own
    places: dict[bytes, list[tuple[int, int, int]]] = {}
    for which, frames in enumerate(senders):
        for number, (payload, time_ns) in enumerate(zip(frames.payloads, frames.time_ns, strict=True)):
            places.setdefault(payload, []).append((which, number, time_ns))
    offset_ns = _offset_ns(heard, places)
    if offset_ns is None:
        return Against(sent.name, None, [_unheard(frames) for frames in senders], {})
    pairs, unmatched = _pairs(heard, places, offset_ns)
    span = (heard.first_ns - _EDGE_NS, heard.last_ns + _EDGE_NS) if overlap or heard.own else None
    out = Against(sent.name, offset_ns, [], {})
    for which, frames in enumerate(senders):
        one = _matched(frames, pairs.get(which, {}), heard, offset_ns, span)
        out.matches.append(one)
        if one.heard is not None and unmatched[one.heard]:
            out.unmatched[one.heard] = unmatched[one.heard]
    return out


def _offset_ns(heard: Recorded, places: dict[bytes, list[tuple[int, int, int]]]) -> int | None:
    alone: list[int] = []
    others: list[int] = []
    for frames in heard.vehicles.values():
        for payload, time_ns in zip(frames.payloads, frames.time_ns, strict=True):
            found = places.get(payload)
            if found:
                (alone if len(found) == 1 else others).append(time_ns - found[0][2])
    known = sorted(alone or others)
    return known[len(known) // 2] if known else None


Pair = tuple[int, int, int]  # number among the sent, time heard, number among the heard


def _pairs(
    heard: Recorded, places: dict[bytes, list[tuple[int, int, int]]], offset_ns: int
) -> tuple[dict[int, dict[Key, list[Pair]]], Counter[Key]]:
    """Of each sender, by who was heard: pairs of a sent and a heard frame, in the order heard."""
    pairs: dict[int, dict[Key, list[Pair]]] = {}
    unmatched: Counter[Key] = Counter()
    for key, frames in heard.vehicles.items():
        for at, (payload, time_ns) in enumerate(zip(frames.payloads, frames.time_ns, strict=True)):
            found = places.get(payload)
            if not found:
                unmatched[key] += 1
                continue
            wanted = time_ns - offset_ns
            which, number, _ns = found[0] if len(found) == 1 else min(found, key=lambda one: abs(one[2] - wanted))
            pairs.setdefault(which, {}).setdefault(key, []).append((number, time_ns, at))
    return pairs, unmatched


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
