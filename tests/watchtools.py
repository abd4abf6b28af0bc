"""A unit that is watched in tests: its events, one of each kind."""

import copy
import re
from pathlib import Path
from typing import Any

from asvtools.watch_state import Watched

T = 1_790_000_000.0
VEHICLE = {
    "id": 100, "source": "192.0.2.1:47100", "ahead_m": 12.0, "right_m": -60.5, "course_deg": 90.0, "speed_kmh": 50.0,
    "kind": "car", "length_m": 5.0, "error_m": 3.0, "age_ms": 50, "emergency": False, "level": "caution",
    "presented": True, "function": "crossing", "reason": "l4_reached", "distance_m": 60.5, "ttc_s": 4.4,
}  # fmt: skip
SCENE: dict[str, Any] = {
    "t": T + 90, "event": "scene", "unit_ms": 90000, "north_up": False, "others": [VEHICLE], "more": 3, "conflicts": [],
    "ego": {
        "available": True, "reason": "none", "latitude_deg": 35.0, "longitude_deg": 139.0, "heading_deg": 270.0,
        "speed_kmh": 0.0, "error_m": 2.0, "winker": "left", "brake": True, "stopped": True, "length_m": 4.7,
    },
}  # fmt: skip
EVENTS: list[dict[str, Any]] = [
    {"t": T, "event": "start", "vehicle_id": 77, "asvkit": "1.2.3"},
    {"t": T + 1, "event": "system", "on": True, "receiving": True, "fault": True},
    {"t": T + 80, "event": "status", "input": "gnss", "state": "ok", "reason": "received", "since": T + 1},
    {
        "t": T + 80, "event": "status", "input": "can", "state": "disconnected", "reason": "bus_off", "since": T + 60,
        "detail": "can0: bus off; look at the cable",
    },
    {"t": T + 2, "event": "signal", "signal": "speed", "state": "ok", "reason": "received", "since": T + 2},
    {"t": T + 2, "event": "signal", "signal": "winker", "state": "stale", "reason": "timeout", "since": T + 62},
    {"t": T + 2, "event": "own_message", "position": False, "state": True, "reason": "no_fix", "state_reason": "none"},
    {
        "t": T + 85, "event": "hmi", "level": "caution", "colour": "yellow", "function": "crossing", "sound": "caution",
        "direction": "left", "text": "WAIT! Left side", "text_id": "x", "light": "caution", "cue": True, "muted": False,
    },
    {"t": T + 85, "event": "outputs", "lamps": ["caution", "left", "system"], "tone_hz": 1000},
    {
        "t": T + 85, "event": "latency", "level": "caution", "input": "frame", "parsed_us": None, "taken_us": 200.0,
        "lit_us": 1900.0, "sounded_us": 2100.0, "written_us": 2500.0,
    },
    {
        "t": T + 88, "event": "radio", "vehicles": 4, "frames_per_s": 40, "arrival_percent": 98.2,
        "longest_gap_ms": 140, "worst_vehicle_id": 100, "worst_percent": 91.0,
    },
    {
        "t": T + 88, "event": "statistics", "cycle_late": {"count": 9, "p99_us": 900.0},
        "cause_to_pin": {"count": 3, "p50_us": 1000.0, "p95_us": 2000.0, "p99_us": 3000.0, "max_us": 4000.0},
    },
    SCENE,
]  # fmt: skip


def watched_of(*more: dict[str, Any]) -> Watched:
    """What is gathered of EVENTS and more."""
    watched = Watched()
    for event in (*EVENTS, *more):
        watched.take(event)
    return watched


def scene_with(**changes: Any) -> dict[str, Any]:
    """SCENE with other values, of `ego` those that are given."""
    told = copy.deepcopy(SCENE)
    told["ego"].update(changes.pop("ego", {}))
    return {**told, **changes}


def unlisted(event: dict[str, Any]) -> set[str]:
    """The keys of an event, and of the objects in it, that docs/contracts.md does not list for it."""
    page = (Path(__file__).resolve().parents[1] / "docs" / "contracts.md").read_text(encoding="utf-8")
    tables = page.partition("\n## Events")[2].partition("\n### ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", tables, re.MULTILINE))
    if event["event"] == "start":
        rows["start"] = " ".join(re.findall(r"(?<=`start` )[^.]*", tables))
    words = set(re.findall(r"\w+", rows.get(event["event"], "")))
    keys = set(event)
    for key, value in event.items():
        if key != "counters":  # by the names of the inputs
            for one in value if isinstance(value, list) else [value]:
                keys |= set(one) if isinstance(one, dict) else set()
    return keys - words - {"t", "event", "cause"}
