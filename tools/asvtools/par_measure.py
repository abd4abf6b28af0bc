"""The report of `asvkit par` as one JSON object: what was heard of each vehicle, and of the link as a whole."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Final

import numpy as np

from asvtools import par_against, par_place, par_sequence, par_zone
from asvtools.par_frames import Frames, Key, Recorded, Vector
from asvtools.par_place import OwnPlace, Placed
from asvtools.par_sequence import GAP_CLASSES, LONG_MS, Passage, Sequence

FORM: Final = 1  # of the JSON report
JITTER_MS: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)  # upper edges of the classes; one more above
_SPANS: Final = 200  # of the plot over time, at most
_ZONE_CLASS: Final = {"S": "A", "A": "A", "B": "B", "C": "B"}  # the zone is 5 m (A) to 15 m (B) long [G 3.6(2)]


@dataclass(frozen=True, slots=True)
class Choices:
    """How to measure. `at`: own latitude and longitude in degrees; `position_class`: of the own unit."""

    bin_m: float = 10.0
    at: tuple[float, float] | None = None
    position_class: str = "B"
    one_clock: bool = False
    overlap: bool = False


@dataclass(slots=True)
class _Heard:
    """One vehicle: its frames (None: nothing heard), what they tell, and what the sender recorded."""

    key: Key
    frames: Frames | None
    sequence: Sequence
    match: par_against.Match | None = None
    unmatched: int = 0

    @property
    def emergency(self) -> bool:
        recorded = self.match.sent.emergency if self.match else False
        return recorded or bool(self.frames and self.frames.emergency)

    @property
    def passages(self) -> list[Passage]:
        return [self.match.passage] if self.match else self.sequence.passages


def measure(heard: Recorded, sent: Recorded | None, choices: Choices) -> dict[str, Any]:
    """The report of a capture, of one held against `sent` where that is given."""
    against = par_against.match(heard, sent, overlap=choices.overlap) if sent else None
    vehicles = _vehicles(heard, against)
    own = OwnPlace(heard.own, choices.at)
    placed = [_placed(one, own) for one in vehicles]
    every = [passage for passages in placed for passage in passages]
    zones = par_zone.judge(
        [par_zone.Vehicle(one.key, one.emergency, passages) for one, passages in zip(vehicles, placed, strict=True)],
        _ZONE_CLASS[choices.position_class],
        heard.first_ns,
    )
    rows = [_vehicle(one, choices) for one in vehicles]
    rows.sort(key=lambda row: (-row["sent"], row["source"], row["vehicle_id"]))
    return {
        "asvkit": version("asvkit"),
        "form": FORM,
        "capture": heard.name,
        "frames": heard.frames,
        "from": _stamp(heard.first_ns),
        "duration_s": round((heard.last_ns - heard.first_ns) / 1e9, 3),
        "dropped": dict(sorted(heard.counters.items())),
        "own_frames": sum(map(len, heard.own)),
        "own_position": "given" if choices.at else "own frames" if own.known else "unknown",
        "against": _against(against, rows) if against else None,
        "total": _total(rows, vehicles),
        "vehicles": rows,
        "distance": {
            "bin_m": choices.bin_m,
            "bins": par_place.by_distance(every, choices.bin_m),
            **_unplaced(every),
        },
        "zones": zones,
        "verdict": par_zone.verdict(zones),
        "time": _over_time(every, heard),
    }


def _placed(one: _Heard, own: OwnPlace) -> list[Placed]:
    told = par_place.Told(one.frames) if one.frames else None
    return [par_place.place(passage, told, own) for passage in one.passages]


def _vehicles(heard: Recorded, against: par_against.Against | None) -> list[_Heard]:
    matches = {one.heard: one for one in against.matches if one.heard} if against else {}
    out = []
    for key, frames in heard.vehicles.items():
        unmatched = against.unmatched.get(key, 0) if against else 0
        out.append(_Heard(key, frames, par_sequence.follow(frames), matches.get(key), unmatched))
    for one in against.matches if against else []:
        if one.heard is None:
            out.append(_Heard((one.sent.source, one.sent.vehicle_id), None, Sequence([]), one))
    return out


def _vehicle(one: _Heard, choices: Choices) -> dict[str, Any]:
    sequence, match, passages = one.sequence, one.match, one.passages
    sent = sum(passage.count for passage in passages)
    received = sum(len(passage.index) for passage in passages)
    gaps = sequence.gaps_ms
    told = {
        "source": one.key[0],
        "vehicle_id": one.key[1],
        "emergency": one.emergency,
        "by": "sent" if match else "counter",
        **par_place.rate(received, sent),
        "lost": sent - received,
        "longest_gap_ms": round(float(gaps.max()), 1) if len(gaps) else None,
        "gaps_over_1_s": int(np.count_nonzero(gaps > LONG_MS)),
        "lost_between": par_sequence.lost_between(passages),
        "silences_ms": sequence.silences_ms,
        "passages": len(sequence.passages),
        "restarts": sequence.restarts,
        "repeated": match.repeated if match else sequence.repeated,
        "late": sequence.late,
        "jitter_ms": par_sequence.jitter(sequence.passages),
        "power_dbm": par_sequence.powers(one.frames) if one.frames else None,
        "latency_ms": _latency(match.latency_ms) if match and choices.one_clock else None,
    }
    if match:
        told |= {
            "unmatched": one.unmatched,
            "elsewhere": match.elsewhere,
            "left_out": match.left_out,
        }
    return told


def _latency(latency_ms: Vector) -> dict[str, float] | None:
    told = par_sequence.spread(latency_ms)
    return told | {"min": float(latency_ms.min()), "negative": int(np.count_nonzero(latency_ms < 0))} if told else None


def _against(against: par_against.Against, rows: list[dict[str, Any]]) -> dict[str, Any]:
    exact = [row for row in rows if row["by"] == "sent"]
    return {
        "capture": against.name,
        "vehicles": len(against.matches),
        "vehicles_heard": sum(one.heard is not None for one in against.matches),
        "vehicles_not_in_it": len(rows) - len(exact),
        "clock_offset_ms": None if against.offset_ns is None else round(against.offset_ns / 1e6, 3),
        "left_out": sum(one.left_out for one in against.matches),
        "own_frames": against.own_frames,
        "unmatched": sum(row["unmatched"] for row in exact),
    }


def _total(rows: list[dict[str, Any]], vehicles: list[_Heard]) -> dict[str, Any]:
    gaps = np.concatenate([one.sequence.gaps_ms for one in vehicles] or [np.empty(0)])
    off = [jitter for one in vehicles if (jitter := par_sequence.deviations(one.sequence.passages)) is not None]
    deviations = np.concatenate([one[0] for one in off]) if off else np.empty(0)
    classes = np.searchsorted(JITTER_MS, deviations, side="left")
    return {
        "vehicles": len(rows),
        **par_place.rate(sum(row["received"] for row in rows), sum(row["sent"] for row in rows)),
        "longest_gap_ms": round(float(gaps.max()), 1) if len(gaps) else None,
        "gaps_over_1_s": sum(row["gaps_over_1_s"] for row in rows),
        "repeated": sum(row["repeated"] for row in rows),
        "late": sum(row["late"] for row in rows),
        "restarts": sum(row["restarts"] for row in rows),
        "silences": sum(len(row["silences_ms"]) for row in rows),
        "lost_between_classes": [list(one) for one in GAP_CLASSES],
        "lost_between": [sum(row["lost_between"][at] for row in rows) for at in range(len(GAP_CLASSES))],
        "jitter_ms": par_sequence.spread(deviations),
        "jitter_classes_ms": list(JITTER_MS),
        "jitter_counts": np.bincount(classes, minlength=len(JITTER_MS) + 1).tolist(),
    }


def _unplaced(placed: list[Placed]) -> dict[str, int]:
    """Transmissions in no bin: of an unknown place, and beyond what is binned."""
    counted: Counter[str] = Counter()
    for one in placed:
        counted["place_unknown"] += int(np.count_nonzero(np.isnan(one.distance_m)))
        counted["beyond"] += int(np.count_nonzero(one.distance_m >= par_place.FAR_M))
    return {"beyond_m": int(par_place.FAR_M), "beyond": counted["beyond"], "place_unknown": counted["place_unknown"]}


def _over_time(placed: list[Placed], heard: Recorded) -> dict[str, Any]:
    """Sent and received in equal spans of the capture, for the plot; each a whole number of seconds."""
    span_s = max(1, -(-(heard.last_ns - heard.first_ns) // (_SPANS * 1_000_000_000)))
    sent: Counter[int] = Counter()
    received: Counter[int] = Counter()
    for one in placed:
        where = (one.time_ns - heard.first_ns) // (span_s * 1_000_000_000)
        sent.update(where.tolist())
        received.update(where[one.heard].tolist())
    inside = [at for at in sorted(sent) if 0 <= at <= _SPANS]
    return {"span_s": span_s, "spans": [[at * span_s, sent[at], received[at]] for at in inside]}


def _stamp(time_ns: int) -> str | None:
    try:
        return datetime.fromtimestamp(time_ns / 1e9, UTC).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError, OSError):
        return None
