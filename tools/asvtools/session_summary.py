"""What a session holds, gathered in one pass over its events and one over its capture: for `session show`."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from asvtools.session_folder import Folder
from asvtools.session_lines import objects, time_ns
from asvunit.session.form import CAN, CHECKPOINT, EVENTS, GNSS, GPSD, JOURNAL, RADIO, SUPPORTS

_GOOD: Final = ("ok", "off")  # states that are no gap
_STATEFUL: Final = {"status": "input", "signal": "signal"}
_LEVELS: Final = ("information", "caution", "warning")
_QUANTILES: Final = ("cause_to_pin", "cycle_late", "send_late")


@dataclass(slots=True)
class Gap:
    """An input or a signal of the car was not what it should be. `end_ns` None: up to the end of the session."""

    what: str
    state: str
    reason: str
    begin_ns: int
    end_ns: int | None = None
    detail: str = ""


@dataclass(slots=True)
class Summary:
    """`events` and `drops` by kind and reason; `given` by (function, level): how often support was presented."""

    first_ns: int | None = None
    last_ns: int | None = None
    events: Counter[str] = field(default_factory=Counter)
    given: Counter[tuple[str, str]] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)  # by level, what the driver was told
    drops: Counter[str] = field(default_factory=Counter)
    gaps: list[Gap] = field(default_factory=list)
    neighbours: set[tuple[str, str]] = field(default_factory=set)
    most_neighbours: int = 0
    faults: int = 0  # times that the fault lamp came on
    latency_ms: list[float] = field(default_factory=list)
    statistics: dict[str, Any] = field(default_factory=dict)  # the last
    sent: int = 0
    heard: int = 0
    passed_over: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    bytes: dict[str, int] = field(default_factory=dict)  # by kind of file

    @property
    def length_s(self) -> float | None:
        """From the first event to the last."""
        return None if self.first_ns is None or self.last_ns is None else (self.last_ns - self.first_ns) / 1e9

    def latency_p99_ms(self) -> float | None:
        """Of what reached the driver; None where nothing did."""
        ordered = sorted(self.latency_ms)
        return ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)] if ordered else None

    def quantile(self, name: str, which: str) -> float | None:
        """Of the last statistics, in ms."""
        told = self.statistics.get(name)
        us = told.get(f"{which}_us") if isinstance(told, dict) and told.get("count") else None
        return us / 1000 if isinstance(us, int | float) else None


def summarise(folder: Folder) -> Summary:
    """All of a session, whatever of it is whole."""
    summary = Summary()
    reader = _Events(summary)
    for path in folder.files(EVENTS):
        for event in objects(path, summary.passed_over):
            reader.take(event)
    _capture(folder, summary)
    for path in folder.files(CHECKPOINT):
        summary.lost["journal lines"] += _lost(path)
    if folder.end is not None:
        _lost_at_end(folder.end, summary)
    for kind in (JOURNAL, EVENTS, GNSS, GPSD, CAN, RADIO, SUPPORTS, CHECKPOINT):
        files = folder.files(kind)
        if files:
            summary.bytes[kind] = sum(path.stat().st_size for path in files if path.exists())
    return summary


class _Events:
    """Events in, a summary out."""

    def __init__(self, summary: Summary) -> None:
        self._summary = summary
        self._open: dict[tuple[str, str], Gap] = {}
        self._presented: dict[tuple[Any, ...], str] = {}
        self._fault = False

    def take(self, event: dict[str, Any]) -> None:
        summary = self._summary
        kind = event.get("event")
        if not isinstance(kind, str):
            summary.passed_over["no_event"] += 1
            return
        summary.events[kind] += 1
        at_ns = time_ns(event.get("t"))
        if at_ns is not None:
            summary.first_ns = at_ns if summary.first_ns is None else min(at_ns, summary.first_ns)
            summary.last_ns = max(at_ns, summary.last_ns or 0)
            if kind in _STATEFUL:
                self._state(kind, event, at_ns)
        match kind:
            case "support":
                self._support(event)
            case "hmi" if event.get("level") in _LEVELS and event.get("cue"):
                summary.told[event["level"]] += 1
            case "latency":
                us = [event.get(key) for key in ("lit_us", "sounded_us", "written_us")]
                times = [float(one) for one in us if isinstance(one, int | float)]
                if times:  # the outputs are told last: it stands in where there is no lamp and no buzzer
                    summary.latency_ms.append((max(times[:-1]) if len(times) > 1 else times[0]) / 1000)
            case "neighbour" if event.get("reason") == "new":
                summary.neighbours.add((str(event.get("source")), str(event.get("vehicle_id"))))
            case "drop":
                count = event.get("count", 1)
                summary.drops[str(event.get("reason"))] += count if type(count) is int else 1
            case "system":
                fault = bool(event.get("fault"))
                summary.faults += fault and not self._fault
                self._fault = fault
            case "statistics":
                summary.statistics = event
                followed = event.get("neighbours")
                summary.most_neighbours = max(summary.most_neighbours, followed if type(followed) is int else 0)
            case "lost":
                count = event.get("count")
                summary.lost["events"] += count if type(count) is int else 0

    def _support(self, event: dict[str, Any]) -> None:
        """Counted when it is presented first, and when it is presented at another level."""
        whose = tuple(str(event.get(key)) for key in ("function", "source", "vehicle_id"))
        level = str(event.get("level")) if event.get("presented") and event.get("level") in _LEVELS else ""
        if level and self._presented.get(whose) != level:
            self._summary.given[str(event.get("function")), level] += 1
        self._presented[whose] = level

    def _state(self, kind: str, event: dict[str, Any], at_ns: int) -> None:
        what = event.get(_STATEFUL[kind])
        state = event.get("state")
        if not isinstance(what, str) or not isinstance(state, str):
            return
        before = self._open.get((kind, what))
        if before is not None:
            if before.state == state:
                return
            before.end_ns = at_ns
            del self._open[kind, what]
        if state not in _GOOD:
            reason, detail = str(event.get("reason", "")), str(event.get("detail") or "")
            gap = Gap(what, state, reason, at_ns, None, detail)
            self._open[kind, what] = gap
            self._summary.gaps.append(gap)


def _capture(folder: Folder, summary: Summary) -> None:
    """Counts the packets by their direction; what a capture holds without being a message counts as well."""
    from asvunit.pcap import packets
    from asvunit.radio.pcapng import SECTION

    for path in folder.files(RADIO):
        try:
            with path.open("rb") as file:
                if file.read(4) != SECTION.to_bytes(4, "little"):
                    summary.passed_over["no_capture"] += 1
                    continue
                file.seek(0)
                for packet in packets(file, summary.passed_over):
                    if packet.outbound:
                        summary.sent += 1
                    else:
                        summary.heard += 1
        except OSError:
            summary.passed_over["unreadable"] += 1


def _lost(path: Any) -> int:
    from asvtools.session_folder import read_object
    from asvunit.errors import AsvkitError

    try:
        lost = read_object(path).get("lost")
    except AsvkitError:
        return 0
    return lost if type(lost) is int and lost > 0 else 0


def _lost_at_end(end: dict[str, Any], summary: Summary) -> None:
    last = end.get("lost")
    summary.lost["journal lines"] += last if type(last) is int else 0
    by_kind = end.get("lost_by_kind")
    for kind, count in by_kind.items() if isinstance(by_kind, dict) else ():
        if kind != JOURNAL and type(count) is int:  # those of the journal stand in the checkpoints
            summary.lost[f"{kind} records"] += count
