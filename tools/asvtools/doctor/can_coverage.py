"""Which signals of the map a bus brings: how often, with which value, and what is missing or unknown."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from asvtools.doctor.finding import OK, PROBLEM, Finding

if TYPE_CHECKING:
    from asvunit.vehicle import VehicleMap

OTHER_CAR: Final = "is this the map's car, and the right bus? `asvkit vehicle check MAP --log LOG` tells from a log"


@dataclass
class Heard:
    """One bus, listened to."""

    seconds: float = 0
    frames: int = 0
    errors: int = 0  # error frames, and lines or readings that were no frame
    identifiers: Counter[tuple[int, bool]] = field(default_factory=Counter)
    signals: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    last: dict[str, int] = field(default_factory=dict)  # in the units of ports.SIGNALS


def coverage(title: str, heard: Heard, car: "VehicleMap", index: int, counters: Counter[str]) -> Iterator[Finding]:
    """One line of what the map gets; one for what it misses."""
    feeds = [feed for feed in car.feeds if feed.bus == index]
    expected = sorted({feed.name for feed in feeds})
    if not expected:
        return
    came: Counter[tuple[int, bool] | None] = Counter()
    for frame, count in heard.identifiers.items():
        came[car.identified(frame, index)] += count
    frames = {
        feed.name: sum(came[each.identifier, each.extended] for each in feeds if each.name == feed.name)
        for feed in feeds
    }
    rates = {name: round(count / heard.seconds, 1) for name, count in frames.items()}
    told = [
        f"{name} {rates[name]:.{int(rates[name] < 10)}f}/s{_value(name, heard)}" for name in expected if frames[name]
    ]
    missing = [name for name in expected if not frames[name]]
    unknown = {name: heard.unknown[name] for name in expected if heard.unknown[name]}
    dropped = {key: count for key, count in sorted(counters.items()) if count and key != "unknown_id"}
    found: dict[str, Any] = {
        "rates_hz": rates, "missing": missing, "unknown": unknown, "dropped": dropped,
        "last": {name: heard.last[name] for name in sorted(heard.last)},
    }  # fmt: skip
    detail = ", ".join(told) or "none of the map's signals"
    silent = [name for name in expected if frames[name] and name in heard.signals and heard.unknown[name]
              and heard.unknown[name] == heard.signals[name]]  # fmt: skip
    if missing:
        detail += f"; not heard: {', '.join(_where(name, car, index) for name in missing)}"
    if unknown:
        detail += f"; unknown codes: {', '.join(f'{name} {count}' for name, count in unknown.items())}"
    if dropped:
        detail += f"; dropped: {', '.join(f'{key} {count}' for key, count in dropped.items())}"
    mends = []
    if missing:
        mends.append(OTHER_CAR)
    if unknown:
        mends.append("operate the lever or pedal and look which code comes; list it in the map's values")
    wrong = bool(missing or silent)
    yield Finding(f"{title} signals", PROBLEM if wrong else OK, detail, "; ".join(mends), wrong, found)


def _where(name: str, car: "VehicleMap", index: int) -> str:
    messages = [f"{feed.message} {feed.address}" for feed in car.feeds if feed.name == name and feed.bus == index]
    return f"{name} ({', '.join(messages)})"


def _value(name: str, heard: Heard) -> str:
    """The latest value, in words that a look at the dashboard confirms."""
    value = heard.last.get(name)
    if value is None or heard.unknown[name] == heard.signals[name]:
        return ""
    units = {"speed": (100, "km/h"), "accelerator": (1, "%"), "acceleration": (100, "m/s2"), "yaw_rate": (100, "deg/s")}
    if name in units:
        size, unit = units[name]
        return f" ({value / size:g} {unit})"
    words = _words().get(name, {})
    return f" ({words[value]})" if value in words else ""


def _words() -> dict[str, dict[int, str]]:
    from asvcore import elements

    return {
        "brake": {elements.BRAKE_OFF: "off", elements.BRAKE_ON: "on"},
        "winker": {elements.WINKER_OFF: "off", elements.WINKER_RIGHT: "right", elements.WINKER_LEFT: "left"},
        "hazard": {elements.HAZARD_OFF: "off", elements.HAZARD_ON: "on"},
        "shift": {1: "drive", 2: "reverse", 3: "parking", 4: "other"},
        "emergency": {0: "off", 1: "on"},
    }
