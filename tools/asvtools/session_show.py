"""How `session list` and `session show` tell of sessions: one line each, and one page."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

from asvtools.session_folder import CUT, ENDED, RUNNING, Folder, measured
from asvtools.session_summary import Gap, Summary
from asvunit.session.form import CAN, CHECKPOINT, EVENTS, GNSS, GPSD, JOURNAL, RADIO, SUPPORTS, part_name

_SHOWN_GAPS: Final = 20
_START_NS: Final = 10_000_000_000  # so long an input may take to come
_WORDS: Final = {ENDED: "whole", RUNNING: "running", CUT: "cut"}
_WHAT: Final = {
    JOURNAL: "the core's inputs", EVENTS: "events", GNSS: "NMEA", GPSD: "gpsd's reports", CAN: "candump's log",
    RADIO: "sent and heard", SUPPORTS: "other systems' words", CHECKPOINT: "state at a part's begin",
}  # fmt: skip


def list_row(folder: Folder, bytes_now: int, changed_s: float) -> dict[str, Any]:
    """One session of a list, as JSON. `changed_s`: when a file of it changed last, which ends what was cut."""
    return {
        "session": folder.path.name,
        "started": folder.text("started"),
        "vehicle_id": folder.number("vehicle_id"),
        "asvkit": folder.text("asvkit"),
        "state": folder.state,
        "ended": folder.end.get("ended") if folder.end else None,
        "changed": datetime.fromtimestamp(changed_s, UTC).isoformat(),
        "parts": folder.last_part,
        "bytes": bytes_now,
    }


def list_line(row: dict[str, Any]) -> str:
    """The same for people."""
    began, vehicle = row["started"][:19].replace("T", " ") or "?", row["vehicle_id"]
    who = f"vehicle {vehicle}" if vehicle is not None else "vehicle ?"
    ended = _length(row["started"], row["ended"] or row["changed"])
    return (
        f"{row['session']:<28}  {began:<19}  {who:<14}  {_WORDS[row['state']]:<7}  {ended:>8}  {size(row['bytes']):>9}"
    )


def page(folder: Folder, summary: Summary) -> Iterator[str]:
    """The lines of `session show`."""
    yield f"session     {folder.path.name}: it {folder.how_it_ended()}"
    yield f"who         vehicle {folder.head.get('vehicle_id')}, asvkit {folder.text('asvkit')}{_revision(folder)}"
    yield f"on          {folder.text('machine')}, Python {folder.text('python')}, kernel {folder.text('kernel')}"
    yield f"when        {_when(folder, summary)}"
    radio = folder.table("radio")
    if radio.get("kind") not in (None, "off"):
        yield f"radio       {radio.get('kind')}: {summary.sent} frames sent, {summary.heard} heard"
    yield f"neighbours  {len(summary.neighbours)} met" + _most(summary)
    yield from _table("given", _given(summary))
    told = ", ".join(f"{level} {count}" for level, count in sorted(summary.told.items()))
    yield f"driver      told by light and sound: {told or 'nothing'}"
    yield f"latency     {_latency(summary)}"
    yield from _table("gaps", _gaps(summary))
    if summary.faults:
        yield f"faults      the fault lamp came on {_times(summary.faults)}"
    yield from _table("refused", [f"{count} x {reason}" for reason, count in summary.drops.most_common()])
    lost = [f"{count} {what}" for what, count in sorted(summary.lost.items()) if count]
    yield f"lost        {', '.join(lost) or 'nothing is known to be'}"
    passed = [f"{count} {reason}" for reason, count in sorted(summary.passed_over.items()) if count]
    if passed:
        yield f"unreadable  {', '.join(passed)}"
    yield from _table("files", _files(folder, summary))


def as_json(folder: Folder, summary: Summary) -> dict[str, Any]:
    """The same as one object."""
    return {
        **list_row(folder, *measured(folder.path)),
        "how": folder.how_it_ended(),
        "length_s": summary.length_s,
        "frames": {"sent": summary.sent, "heard": summary.heard},
        "neighbours": {"met": len(summary.neighbours), "most_at_once": summary.most_neighbours},
        "given": [
            {"function": function, "level": level, "count": count}
            for (function, level), count in sorted(summary.given.items())
        ],
        "told": dict(summary.told),
        "latency": {"changes": len(summary.latency_ms), "p99_ms": summary.latency_p99_ms()},
        "gaps": [
            {
                "what": gap.what, "state": gap.state, "reason": gap.reason, "from": gap.begin_ns / 1e9,
                "to": None if gap.end_ns is None else gap.end_ns / 1e9,
            }
            for gap in summary.gaps
        ],
        "faults": summary.faults,
        "drops": dict(summary.drops),
        "lost": {what: count for what, count in summary.lost.items() if count},
        "unreadable": {reason: count for reason, count in summary.passed_over.items() if count},
        "events": dict(summary.events),
        "kinds": summary.bytes,
    }  # fmt: skip


def size(count: float) -> str:
    """Bytes in a few characters."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def span(seconds: float) -> str:
    """A length of time in a few characters."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min {rest:02d} s"


def _length(began: str, ended: Any) -> str:
    try:
        return span((datetime.fromisoformat(ended) - datetime.fromisoformat(began)).total_seconds())
    except (TypeError, ValueError):
        return ""


def _revision(folder: Folder) -> str:
    git = folder.text("git")
    return f" ({git[:12]}{'+' if git.endswith('+') else ''})" if git else ""


def _when(folder: Folder, summary: Summary) -> str:
    if summary.first_ns is None or summary.last_ns is None:
        return f"{folder.text('started') or 'not known'}, no events"
    first, last = (datetime.fromtimestamp(at_ns / 1e9, UTC) for at_ns in (summary.first_ns, summary.last_ns))
    return f"{first:%Y-%m-%d %H:%M:%S} to {last:%H:%M:%S} UTC, {span(summary.length_s or 0)}, {_parts(folder)}"


def _parts(folder: Folder) -> str:
    first = min((numbers[0] for numbers in folder.parts.values()), default=1)
    more = f", the first {first - 1} deleted" if first > 1 else ""
    return f"{folder.last_part} part{'s' if folder.last_part != 1 else ''}{more}"


def _most(summary: Summary) -> str:
    return f", {summary.most_neighbours} at most at once" if summary.most_neighbours else ""


def _given(summary: Summary) -> list[str]:
    functions: dict[str, list[str]] = {}
    for (function, level), count in sorted(summary.given.items()):
        functions.setdefault(function, []).append(f"{level} {count}")
    return [f"{function.replace('_', ' ')}: {', '.join(levels)}" for function, levels in functions.items()] or ["none"]


def _latency(summary: Summary) -> str:
    p99_ms = summary.latency_p99_ms()
    late_ms = summary.quantile("cycle_late", "p99")
    late = "" if late_ms is None else f"; cycles late p99 {late_ms:.1f} ms"
    if p99_ms is None:
        return f"no change was shown{late}"
    return f"cause to light and sound p99 {p99_ms:.1f} ms of {len(summary.latency_ms)}{late}"


def _gaps(summary: Summary) -> list[str]:
    """What was missing at the start, in one line; then the rest in the order of time."""
    gaps = sorted(summary.gaps, key=lambda gap: gap.begin_ns)
    first_ns = summary.first_ns or 0
    begun = [gap for gap in gaps if gap.end_ns and gap.end_ns - first_ns <= _START_NS and gap.reason == "no_input"]
    rest = [gap for gap in gaps if gap not in begun]
    lines = []
    if begun:
        last_ns = max(gap.end_ns or 0 for gap in begun)
        names = ", ".join(gap.what.replace("_", " ") for gap in begun)
        lines.append(f"before the first input, {span((last_ns - first_ns) / 1e9)} at most: {names}")
    lines += [_gap(gap, summary) for gap in rest[:_SHOWN_GAPS]]
    return [*lines, *([f"and {len(rest) - _SHOWN_GAPS} more"] if len(rest) > _SHOWN_GAPS else [])] or ["none"]


def _gap(gap: Gap, summary: Summary) -> str:
    begin = datetime.fromtimestamp(gap.begin_ns / 1e9, UTC)
    end_ns = gap.end_ns if gap.end_ns is not None else summary.last_ns or gap.begin_ns
    till = f"for {span((end_ns - gap.begin_ns) / 1e9)}" + ("" if gap.end_ns is not None else ", to the end")
    return f"{begin:%H:%M:%S} {gap.what} {gap.state} ({gap.reason.replace('_', ' ')}) {till}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _files(folder: Folder, summary: Summary) -> list[str]:
    return [
        f"{part_name(kind, folder.parts[kind][0]):<20} {size(count):>9}  {_WHAT[kind]}"
        + (f", {len(folder.parts[kind])} parts" if len(folder.parts[kind]) > 1 else "")
        for kind, count in summary.bytes.items()
    ]


def _table(name: str, lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        yield f"{'' if number else name:<11} {line}"
