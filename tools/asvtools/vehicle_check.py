"""What a map gives the unit, element by element, and what a log shows of it: rows, findings and their mends."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from asvtools.vehicle_findings import Finding, gone, of_log, of_map, of_map_alone
from asvtools.vehicle_measure import Measured, Values, measure, signal_name
from asvunit.ports import IMPLAUSIBLE, OK, UNKNOWN

if TYPE_CHECKING:
    from asvunit.vehicle import Feed, VehicleMap

# Elements 20 to 27, and 42 [G appendix 1]: number, element, ASV signals that feed it, what is missed without.
ELEMENTS: Final = (
    (
        20,
        "speed",
        ("speed",),
        "the speed of the receiver is used: no position between two fixes, none in a tunnel, slower to see a stop",
    ),
    (
        21,
        "direction",
        ("yaw_rate",),
        "the receiver's course is used; in turns the position between fixes is less exact",
    ),
    (22, "acceleration", ("acceleration",), "it is sent as unknown"),
    (23, "shift", ("shift",), "it is sent as unknown; reversing is known from a signed speed alone"),
    (24, "brake", ("brake", "auxiliary_brake"), "it is sent as unknown; crossing support does not wait for it"),
    (25, "winker", ("winker",), "no right turn and no left turn support; sent as unknown"),
    (26, "hazard", ("hazard",), "it is sent as unknown"),
    (
        27,
        "accelerator",
        ("accelerator", "accelerator_switch"),
        "it is sent as unknown; crossing support tells a start by the speed alone",
    ),
    (42, "emergency", ("emergency",), "never sent as in action"),
)
_FOR_FEW: Final = ("emergency",)  # told where the map gives them: other vehicles have no such switch
# Factor from the value in ports.SIGNALS to what people read, its unit, digits.
READ_AS: Final = {
    "speed": (0.01, "km/h", 1),
    "acceleration": (0.01, "m/s2", 2),
    "yaw_rate": (0.01, "deg/s", 1),
    "accelerator": (1, "%", 0),
}


@dataclass(slots=True)
class Row:
    """One ASV element."""

    number: int
    element: str
    feeds: list["Feed"]
    without: str  # what the unit does without it
    values: Values | None = None
    met: dict[str, int] = field(default_factory=dict)  # words met, and codes without a word
    low: float | None = None
    high: float | None = None
    unit: str = ""
    fresh: float | None = None  # share of the log's time with a good value
    state: str = ""  # with a log: "alive", "stale", "dead", "unknown"


@dataclass(slots=True)
class Report:
    """All that `asvkit vehicle check` says."""

    vehicle: "VehicleMap"
    log: Path | None
    rows: list[Row]
    findings: list[Finding]
    measured: Measured | None = None


def inspect(vehicle: "VehicleMap", log: Path | None, buses: list[str]) -> Report:
    """The report of a map, with what a log has of it."""
    rows = [
        Row(number, element, [feed for feed in vehicle.feeds if feed.name in names], without)
        for number, element, names, without in ELEMENTS
        if element not in _FOR_FEW or any(feed.name in names for feed in vehicle.feeds)
    ]
    findings = of_map(vehicle)
    if log is None:
        return Report(vehicle, None, rows, findings + of_map_alone(vehicle))
    from asvunit.adapters.can_log import CanLog

    measured = measure(vehicle, CanLog(log), buses)
    for row in rows:
        if row.feeds:
            _fill(row, measured)
    findings += of_log(vehicle, rows, measured)
    return Report(vehicle, log, rows, findings, measured)


def _fill(row: Row, measured: Measured) -> None:
    name = signal_name(row.feeds[0])
    values = row.values = measured.values[name]
    span_ns = measured.end_ns - measured.begin_ns
    row.fresh = min(values.fresh_ns / span_ns, 1.0) if span_ns else None
    if any(feed.how in {"number", "wheels"} for feed in row.feeds):
        factor, row.unit, digits = READ_AS[name]
        if values.low is not None and values.high is not None:
            row.low, row.high = round(values.low * factor, digits), round(values.high * factor, digits)
    else:
        row.met = _words(row, values, measured)
    sights = sum(seen_of(feed, measured) for feed in row.feeds)
    if not sights:
        row.state = "dead"
    elif not values.statuses[OK]:
        row.state = "unknown"
    else:
        row.state = "stale" if values.outage_count and gone(row, measured) else "alive"


def seen_of(feed: "Feed", measured: Measured) -> int:
    """Frames of a feed's message on its bus."""
    seen = measured.seen.get((feed.bus, feed.identifier, feed.extended))
    return seen.count if seen else 0


def _words(row: Row, values: Values, measured: Measured) -> dict[str, int]:
    met: dict[str, int] = {}
    for feed in row.feeds:
        for code, count in sorted(measured.codes.get(feed.name, {}).items()):
            word = feed.words.get(code)
            if feed.how != "words":
                continue
            text = word if word else f"code {code}"
            if feed.name == "auxiliary_brake":
                text = f"auxiliary {text}"
            met[text] = met.get(text, 0) + count
    if not met:
        for value, count in sorted(values.met.items()):
            text = MEANS.get(row.element, {}).get(value, str(value))
            met[text] = met.get(text, 0) + count
        if values.statuses[UNKNOWN]:
            met["unknown"] = values.statuses[UNKNOWN]
    return met


MEANS: Final[dict[str, dict[int, str]]] = {
    "winker": {4: "off", 5: "right", 6: "left", 7: "none"},
    "hazard": {4: "off", 5: "on", 7: "none"},
    "brake": {4: "off", 5: "on", 6: "auxiliary", 7: "on, auxiliary"},
    "shift": {1: "drive", 2: "reverse", 3: "parking", 4: "other", 7: "none"},
    "accelerator": {0: "off", 120: "on"},
    "emergency": {0: "off", 1: "on"},
}


def report_json(report: Report) -> dict[str, Any]:
    """The report as one JSON object."""
    vehicle, measured = report.vehicle, report.measured
    out: dict[str, Any] = {
        "map": str(vehicle.path),
        "name": vehicle.name,
        "databases": [
            {"bus": name, "file": str(one.path), "version": one.version, "warnings": list(one.warnings)}
            for name, one in zip(vehicle.buses, vehicle.databases, strict=False)
        ],
        "elements": [_row_json(vehicle, row, measured) for row in report.rows],
        "findings": [
            {"kind": one.kind, "fault": one.fault, "signal": one.signal, "text": one.text} for one in report.findings
        ],
        "good": not any(one.fault for one in report.findings),
    }
    if measured is not None:
        out["log"] = {
            "file": str(report.log),
            "frames": measured.frames,
            "seconds": round((measured.end_ns - measured.begin_ns) / 1e9, 3),
            "jumps_back": measured.jumps_back,
            "channels": {str(channel): count for channel, count in measured.channels.items()},
            "taken": {
                name: {"channel": None if channel is None else str(channel), "why": why}
                for name, channel, why in zip(vehicle.buses, measured.taken, measured.why, strict=True)
            },
            "dropped": dict(measured.dropped),
            "log_dropped": dict(measured.log_dropped),
        }
    return out


def _row_json(vehicle: "VehicleMap", row: Row, measured: Measured | None) -> dict[str, Any]:
    out: dict[str, Any] = {"number": row.number, "element": row.element, "covered": bool(row.feeds)}
    if not row.feeds:
        return {**out, "without": row.without}
    out["from"] = []
    for feed in row.feeds:
        one: dict[str, Any] = {
            "signal": feed.name,
            "bus": vehicle.buses[feed.bus],
            "message": feed.message,
            "id": feed.identifier,
            "extended": feed.extended,
            "j1939": feed.j1939,
            "signals": list(feed.signals),
            "how": feed.how,
            "unit": feed.unit,
            "period_ms": feed.period_ms,
            "timeout_ms": feed.timeout_ms,
            "words": {str(code): word for code, word in feed.words.items()},
        }
        seen = measured.seen.get((feed.bus, feed.identifier, feed.extended)) if measured else None
        if seen is not None and measured is not None:
            one |= {
                "frames": seen.count,
                "rate_hz": round(seen.rate_hz, 2),
                "longest_gap_ms": round(seen.longest_ns / 1e6),
                "longest_gap_at_s": round((seen.longest_at_ns - measured.begin_ns) / 1e9, 3)
                if seen.count > 1
                else None,
                "dropped": dict(seen.dropped),
                "codes": {str(code): count for code, count in sorted(measured.codes.get(feed.name, {}).items())},
            }
        out["from"].append(one)
    if row.values is not None:
        statuses = row.values.statuses
        out |= {
            "state": row.state,
            "min": row.low,
            "max": row.high,
            "unit": row.unit,
            "values": row.met,
            "fresh": None if row.fresh is None else round(row.fresh, 4),
            "outages": row.values.outage_count,
            "ok": statuses[OK],
            "unknown": statuses[UNKNOWN],
            "implausible": statuses[IMPLAUSIBLE],
        }
    return out


def wide_signals(vehicle: "VehicleMap") -> list[str]:
    """Signals of the map with more than 30 bits: big integers on a microcontroller."""
    from asvtools.vehicle_measure import raw_signals

    return list(
        dict.fromkeys(
            f"{raw.reference} ({raw.signal.length} bits)"
            for feed in vehicle.feeds
            for raw in raw_signals(vehicle, feed)
            if raw.signal.length > 30
        )
    )
