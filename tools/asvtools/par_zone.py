"""Cumulative packet arrival in the zone outside a communication area's edge [G 3.6(2), eq. 1].

An approach is a vehicle's way from beyond the zone through it to inside the edge. Eq. 1 is 1 - (1 - X)^n for the n
packets it sent in the zone, X the arrival rate of all packets sent there: rates that differ within the zone only raise
eq. 1, so this is the safe side. As eq. 1 takes packets to be lost one by one, what was seen is held against it: in
which part of the approaches at least one packet arrived. Distances are straight lines between the vehicles.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np

from asvtools import area as areas
from asvtools.par_frames import Key
from asvtools.par_place import Placed, rate, wilson

GOOD, BAD, NOT_MEASURED = "good", "bad", "not measured"
APPROACHING_M: Final = 2.0  # nearer within the second after, to be a vehicle that comes
_OUTSIDE, _ZONE, _INSIDE, _UNKNOWN = range(4)


@dataclass(slots=True)
class Vehicle:
    """What the zones need of one vehicle."""

    key: Key
    emergency: bool
    passages: list[Placed]


def edges() -> list[tuple[str, float]]:
    """Function and straight-line distance of the edge of its communication area [G table 3-5]."""
    made = (areas.crossing(), areas.right_turn(), areas.left_turn(), areas.emergency())
    return [(one.function, one.area_m) for one in made]


def judge(vehicles: list[Vehicle], judged_class: str, first_ns: int) -> list[dict[str, Any]]:
    """A row for each function and class of zone; `judged`: whether its verdict counts.

    Only the zone of `judged_class` ("A" or "B") counts, and that of emergency vehicles only where one has come.
    """
    rows = []
    for function, edge_m in edges():
        particular = [one for one in vehicles if one.emergency]
        counted = particular if function == "emergency" and particular else vehicles
        for name, zone_m in areas.ZONES_M:
            row = _row(function, edge_m, name, zone_m, counted, first_ns)
            row["judged"] = name == judged_class and (function != "emergency" or bool(particular))
            rows.append(row)
    return rows


def verdict(rows: Iterable[dict[str, Any]]) -> str:
    """Of all rows that count: bad if one is, good if at least one is and none is bad."""
    found = {row["verdict"] for row in rows if row["judged"]}
    return BAD if BAD in found else GOOD if GOOD in found else NOT_MEASURED


def _row(
    function: str, edge_m: float, name: str, zone_m: float, vehicles: list[Vehicle], first_ns: int
) -> dict[str, Any]:
    approaches, inside, empty = [], 0, 0
    for vehicle in vehicles:
        for passage in vehicle.passages:
            found, began_inside = approaches_of(passage, edge_m, zone_m)
            inside += began_inside
            for where in found:
                if not len(where):
                    empty += 1
                    continue
                approaches.append(_approach(vehicle.key, passage, where, first_ns))
    sent = sum(one["sent"] for one in approaches)
    received = sum(one["received"] for one in approaches)
    heard = sum(one["received"] > 0 for one in approaches)
    row: dict[str, Any] = {
        "function": function,
        "edge_m": edge_m,
        "class": name,
        "zone_m": zone_m,
        "approaches": len(approaches),
        "heard_approaches": heard,
        "first_heard_inside": inside,
        "without_packets": empty,
        **rate(received, sent),
        "cumulative_percent": None,
        "seen_percent": None,
        "at_70_kmh_percent": None,
        "fewest_packets": min((one["sent"] for one in approaches), default=None),
        "most_packets": max((one["sent"] for one in approaches), default=None),
        "verdict": NOT_MEASURED,
        "why": "no vehicle crossed the zone" if not approaches else "",
        "remark": "",
        "each": approaches,
    }
    if approaches:
        row |= _judged(row, approaches, zone_m)
    return row


def _judged(row: dict[str, Any], approaches: list[dict[str, Any]], zone_m: float) -> dict[str, Any]:
    single, count = row["arrival_percent"], len(approaches)
    cumulative = sum(areas.cumulative_rate_percent([single] * one["sent"]) for one in approaches) / count
    seen = wilson(row["heard_approaches"], count) or (0.0, 100.0)
    packets = areas.packets_in_zone(zone_m, areas.TARGET_KMH)
    why = ""
    if not areas.is_enough(cumulative):
        why = f"eq. 1 gives {_down(cumulative)} %"
    elif not areas.is_enough(seen[1]):
        why = f"a packet arrived in {row['heard_approaches']} of {count} approaches: packets are lost together"
    at_70 = areas.cumulative_rate_percent([single] * packets)
    slower = not why and not areas.is_enough(at_70)
    return {
        "cumulative_percent": cumulative,
        "seen_percent": 100 * row["heard_approaches"] / count,
        "seen_low_percent": seen[0],
        "seen_high_percent": seen[1],
        "at_70_kmh_percent": at_70,
        "remark": f"at {areas.TARGET_KMH:g} km/h, {packets} packets, it would be {_down(at_70)} %" if slower else "",
        "verdict": BAD if why else GOOD,
        "why": why,
    }


def _down(percent: float) -> str:
    """One decimal, rounded down: 95 % is not shown where it is missed."""
    return f"{math.floor(percent * 10 + 1e-6) / 10:.1f}"


def _approach(key: Key, passage: Placed, where: "np.ndarray[Any, Any]", first_ns: int) -> dict[str, Any]:
    sent, received = len(where), int(np.count_nonzero(passage.heard[where]))
    before, after = int(where[0]) - 1, int(where[-1]) + 1
    way_m = float(passage.distance_m[before] - passage.distance_m[after])
    time_s = float(passage.time_ns[after] - passage.time_ns[before]) / 1e9
    own = 100 * received / sent
    return {
        "source": key[0],
        "vehicle_id": key[1],
        "t_s": round(float(passage.time_ns[where[0]] - first_ns) / 1e9, 3),
        "approach_kmh": round(way_m / time_s * 3.6, 1) if time_s > 0 else None,
        "sent": sent,
        "received": received,
        "arrival_percent": own,
        "cumulative_percent": areas.cumulative_rate_percent([own] * sent),
    }


def approaches_of(passage: Placed, edge_m: float, zone_m: float) -> tuple[list["np.ndarray[Any, Any]"], bool]:
    """Transmissions sent in the zone, of each way through it inwards; and whether the vehicle came, and was first
    heard within the zone or the edge already: then nobody knows what it sent before."""
    distance = passage.distance_m
    where = np.where(distance >= edge_m + zone_m, _OUTSIDE, np.where(distance >= edge_m, _ZONE, _INSIDE))
    where[np.isnan(distance)] = _UNKNOWN
    starts = np.concatenate(([0], np.flatnonzero(np.diff(where)) + 1, [len(where)]))
    found, armed, inside = [], False, []
    for begin, end in pairwise(starts):
        kind = where[begin]
        if kind == _ZONE and armed:
            inside.append(np.arange(begin, end))
            continue
        if kind == _INSIDE and armed:
            found.append(np.concatenate(inside) if inside else np.empty(0, dtype=np.int64))
        armed, inside = bool(kind == _OUTSIDE), []
    known = np.flatnonzero(~np.isnan(distance))
    late = False
    if len(known) and distance[known[0]] < edge_m + zone_m:
        later = known[min(10, len(known) - 1)]
        late = bool(distance[known[0]] - distance[later] > APPROACHING_M)
    return found, late
