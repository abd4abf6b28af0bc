"""The keys of the unit's events and of the records of a session, with their types: one table for every export.

Types: s text, i whole number, f number, b true or false, l list of texts, q quantiles, o an object.
"""

from typing import Any, Final

_STATE: Final = "state:s reason:s since:f"
_QUANTILES: Final = ("count", "p50_us", "p95_us", "p99_us", "max_us")

EVENTS: Final[dict[str, str]] = {
    "start": "version:i asvkit:s vehicle_id:i seed:i pid:i monotonic_ns:i hmi:s",
    "ready": "after_s:f",
    "support": (
        "function:s level:s presented:b vehicle_id:i source:s distance_m:f error_m:f threshold_m:f ttc_s:f reason:s "
        "why:s cause:i"
    ),
    "hmi": (
        "level:s colour:s function:s direction:s sound:s text:s text_id:s light:s cue:b muted:b cause:i"
    ),
    "status": f"input:s {_STATE} detail:s cause:i",
    "signal": f"signal:s {_STATE} bus:i cause:i",
    "system": "on:b receiving:b fault:b cause:i",
    "own_message": "position:b state:b reason:s state_reason:s cause:i",
    "neighbour": "reason:s source:s vehicle_id:i count:i cause:i",
    "drop": "reason:s source:s vehicle_id:i count:i cause:i",
    "trailer": "reason:s source:s key_id:i vehicle_id:i count:i cause:i",
    "outputs": "lamps:l tone_hz:i",
    "latency": (
        "level:s function:s cue:b cause:i input:s stamp_ns:i parsed_us:f taken_us:f decoded_us:f judged_us:f "
        "decided_us:f commanded_us:f lit_us:f sounded_us:f written_us:f"
    ),
    "self_test": "state:s",
    "radio": (
        "vehicles:i frames_per_s:f arrival_percent:f longest_gap_ms:f worst_vehicle_id:i worst_source:s worst_percent:f"
    ),
    "signing": "signed:b reason:s detail:s cause:i",
    "statistics": (
        "frame_to_table:q frame_to_judged:q cause_to_pin:q cycle_late:q send_late:q cycles_missed:i neighbours:i "
        "inbox_lost:i counters:o sender:o"
    ),
    "lost": "count:i",
    "stop": "reason:s",
}  # fmt: skip
RECORDS: Final[dict[str, str]] = {
    "fix": (
        "valid:b reason:s latitude_deg:f longitude_deg:f speed_kmh:f course_deg:f error_m:f height_m:f "
        "vertical_error_m:f utc_ms:i"
    ),
    "signal": "signal:s value:f unit:s word:s status:s bus:i",
    "switch": "switch:s pressed:b",
    "sentence": "text:s",
    "can": "channel:s id:i id_hex:s extended:b length:i data:s remote:b error:b fd:b",
    "ego": (
        "available:b reason:s latitude_deg:f longitude_deg:f heading_deg:f speed_kmh:f error_m:f winker:s brake:b "
        "stopped:b length_m:f"
    ),
    "word": "origin:s function:s level:s direction:s",
}
# One type each, and properties for every object: readers know no more. A null is left out of a message (`told`)
_JSON: Final[dict[str, dict[str, Any]]] = {
    "s": {"type": "string"},
    "i": {"type": "integer"},
    "f": {"type": "number"},
    "b": {"type": "boolean"},
    "l": {"type": "array", "items": {"type": "string"}},
    "o": {"type": "object", "properties": {}},
    "q": {
        "type": "object",
        "properties": {key: {"type": "integer" if key == "count" else "number"} for key in _QUANTILES},
    },
}
QUANTILE_KEYS: Final = _QUANTILES


def keys(text: str) -> list[tuple[str, str]]:
    """(key, type) in their order."""
    return [(key, kind) for key, _colon, kind in (one.partition(":") for one in text.split())]


def schema(title: str, text: str) -> dict[str, Any]:
    """JSON schema of a record; further keys are let through."""
    return {"type": "object", "title": title, "properties": {key: _JSON[kind] for key, kind in keys(text)}}


def event_schema(kind: str) -> dict[str, Any]:
    """Of an event; one of a kind that is not listed has its time alone."""
    made = schema(f"asvkit.event.{kind}", EVENTS.get(kind, ""))
    made["properties"] = {"t": {"type": "number"}, "event": {"type": "string"}, **made["properties"]}
    return {**made, "required": ["event"]}


def told(value: Any) -> Any:
    """A record without what is not known: schemas of MCAP readers have no null."""
    if isinstance(value, dict):
        return {key: told(one) for key, one in value.items() if one is not None}
    return value


def fits(value: object, kind: str) -> bool:
    """Whether a value is of a type; null is of each."""
    match kind:
        case "s":
            return value is None or isinstance(value, str)
        case "i":
            return value is None or (type(value) is int and -(1 << 63) <= value < 1 << 63)
        case "f":
            return value is None or type(value) in (int, float)
        case "b":
            return value is None or isinstance(value, bool)
        case "l":
            return value is None or (isinstance(value, list) and all(isinstance(one, str) for one in value))
    return value is None or isinstance(value, dict)
