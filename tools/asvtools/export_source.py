"""What a session holds as one stream of records with Unix times, for exports: raw inputs, what the core took, scenes.

Scenes are not recorded: the journal goes through a core again, which is looked at after each of its cycles, as a
live unit is by its page. After a loss that core is set to the state of the part's checkpoint.
"""

import heapq
from collections import Counter
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, NamedTuple

from asvcore.params import NONE
from asvtools.export_again import Again
from asvtools.session_folder import Folder, read_object
from asvtools.session_journal import Line, journal_lines
from asvtools.session_lines import can_frames, objects, sentences, time_ns
from asvunit.errors import AsvkitError, UsageError
from asvunit.session.form import CAN, CHECKPOINT, EVENTS, GNSS, GPSD, JOURNAL, RADIO, SUPPORTS, part_name

FIX, SIGNAL, SWITCH, SCENE, EVENT = "fix", "signal", "switch", "scene", "event"
SENTENCE, REPORT, FRAME, SENT, HEARD, WORD = "sentence", "report", "frame", "sent", "heard", "word"
_MS: Final = 1_000_000
_DEGREE: Final = 360_000  # 0.01" in one
_SIGNALS: Final[dict[str, tuple[int, str]]] = {  # divided by, unit
    "speed": (100, "km/h"), "accelerator": (1, "%"), "acceleration": (100, "m/s2"), "yaw_rate": (100, "deg/s"),
}  # fmt: skip
_CODES: Final[dict[str, dict[int, str]]] = {
    "brake": {4: "off", 5: "on", 6: "auxiliary", 7: "both"},
    "winker": {4: "off", 5: "right", 6: "left", 7: "none"},
    "hazard": {4: "off", 5: "on", 7: "none"},
    "shift": {1: "drive", 2: "reverse", 3: "parking", 4: "other", 7: "none"},
    "emergency": {0: "off", 1: "on"},
}


class Item(NamedTuple):
    """One record: `body` by its kind."""

    time_ns: int
    kind: str
    body: Any


def everything(folder: Folder, counters: Counter[str], *, scenes: bool) -> Iterator[Item]:
    """All of a session in the order of time, as far as each file is in it."""
    streams = [
        taken(folder, counters, scenes=scenes),
        events(folder, counters),
        receiver(folder, counters),
        can(folder, counters),
        radio(folder, counters, outbound=True),
        radio(folder, counters, outbound=False),
        words(folder, counters),
    ]
    return heapq.merge(*streams, key=itemgetter(0))


def events(folder: Folder, counters: Counter[str]) -> Iterator[Item]:
    """The unit's events; one without time is of the time before it."""
    last_ns = folder.started_ns or 0
    for path in folder.files(EVENTS):
        for event in objects(path, counters):
            if not isinstance(event.get("event"), str):
                counters["no_event"] += 1
                continue
            at_ns = time_ns(event.get("t"))
            last_ns = last_ns if at_ns is None else at_ns
            yield Item(last_ns, EVENT, event)


def receiver(folder: Folder, counters: Counter[str]) -> Iterator[Item]:
    """The receiver's sentences, or gpsd's reports."""
    for path in folder.files(GNSS):
        for sentence in sentences(path, counters):
            yield Item(sentence.time_ns, SENTENCE, sentence.text)
    yield from _told(folder, GPSD, REPORT, counters)


def words(folder: Folder, counters: Counter[str]) -> Iterator[Item]:
    """What other support systems said."""
    return _told(folder, SUPPORTS, WORD, counters)


def _told(folder: Folder, kind: str, as_kind: str, counters: Counter[str]) -> Iterator[Item]:
    for path in folder.files(kind):
        for told in objects(path, counters):
            at_ns = time_ns(told.pop("t", None))
            if at_ns is None:
                counters["no_time"] += 1
            else:
                yield Item(at_ns, as_kind, told)


def can(folder: Folder, counters: Counter[str]) -> Iterator[Item]:
    """Frames of the car's buses."""
    for path in folder.files(CAN):
        for frame in can_frames(path, counters):
            yield Item(frame.time_ns, FRAME, frame)


def radio(folder: Folder, counters: Counter[str], *, outbound: bool) -> Iterator[Item]:
    """Frames sent, or heard: RadioFrames, of any length."""
    from asvunit.adapters.capture import Capture

    for path in folder.files(RADIO):
        try:
            capture = Capture(path, folder.port, outbound=outbound)
            for frame in capture:
                yield Item(frame.time_ns, SENT if outbound else HEARD, frame)
        except UsageError:  # torn before its first block, or damaged
            counters["no_capture"] += 1
            continue
        capture.counters.pop("inbound" if outbound else "outbound", None)
        if not outbound:  # both ways are counted once
            counters.update(capture.counters)


def taken(folder: Folder, counters: Counter[str], *, scenes: bool) -> Iterator[Item]:
    """What the core took up, from the journal, and the scenes that came of it."""
    if not folder.files(JOURNAL):
        return
    zero_ns = folder.zero_ns
    if zero_ns is None:
        raise AsvkitError(
            f"{folder.path}: its head tells no base_ns and offset_ns, so nothing in its journal has a time"
        )
    base_ns, offset_ns = folder.number("base_ns") or 0, folder.number("offset_ns") or 0
    again = Again(offset_ns) if scenes else None
    rebased_ms, before = 0, None
    for part, path in zip(folder.parts[JOURNAL], folder.files(JOURNAL), strict=True):
        state = _state(folder, part)
        if state is not None and type(state.get("base_ns")) is int:
            rebased_ms = (state["base_ns"] - base_ns) // _MS
        lost = before is not None and part != before + 1
        if state is not None and again is not None and (before is None or lost or state.get("lost")):
            again.begin(state)
        before = part
        for line in journal_lines(path, counters, rebased_ms):
            if line.kind == "R":
                rebased_ms += int(line.words[1])
            at_ns = None if line.at_ms is None else zero_ns + line.at_ms * _MS
            if at_ns is not None and line.kind in _TAKEN:
                yield Item(at_ns, *_TAKEN[line.kind](line))
            if again is not None:
                scene = again.feed(line, at_ns, base_ns + rebased_ms * _MS)
                if scene is not None:
                    yield Item(again.looked_ns, SCENE, scene)
    if again is not None and again.bad:
        counters["not_fed"] += again.bad


def _state(folder: Folder, part: int) -> dict[str, Any] | None:
    path = folder.path / part_name(CHECKPOINT, part)
    try:
        return read_object(path) if path.exists() else None
    except AsvkitError:
        return None


def _fix(line: Line) -> tuple[str, dict[str, Any]]:
    """`F t cause status latitude longitude speed course error height vertical tod`."""
    from asvunit.words import word

    values = [None if word == "-" or int(word) == NONE else int(word) for word in line.words[3:]]
    status, latitude, longitude, speed, course, error, height, vertical, tod_ms = values
    return FIX, {
        "valid": status == 0,
        "reason": word("REASON", status or 0),
        "latitude_deg": _divided(latitude, _DEGREE),
        "longitude_deg": _divided(longitude, _DEGREE),
        "speed_kmh": _divided(speed, 100),
        "course_deg": _divided(course, 100),
        "error_m": _divided(error, 10),
        "height_m": height,
        "vertical_error_m": vertical,
        "utc_ms": tod_ms,
    }


def _signal(line: Line) -> tuple[str, dict[str, Any]]:
    """`V t cause signal value status source`."""
    from asvunit.ports import SIGNALS
    from asvunit.words import word

    which, value, status, bus = (NONE if word == "-" else int(word) for word in line.words[3:])
    name = SIGNALS[which] if 0 <= which < len(SIGNALS) else f"signal_{which}"
    divisor, unit = _SIGNALS.get(name, (1, ""))
    known = word("STATUS", status) == "ok" and value != NONE
    return SIGNAL, {
        "signal": name,
        "value": value / divisor if known else None,
        "unit": unit,
        "word": _CODES.get(name, {}).get(value) if known else None,
        "status": word("STATUS", status),
        "bus": bus,
    }


def _switch(line: Line) -> tuple[str, dict[str, Any]]:
    """`S t cause switch value`."""
    from asvunit.ports import SWITCHES

    which, value = int(line.words[3]), int(line.words[4])
    return SWITCH, {"switch": SWITCHES[which] if which < len(SWITCHES) else f"switch_{which}", "pressed": bool(value)}


_TAKEN: Final = {"F": _fix, "V": _signal, "S": _switch}


def _divided(value: int | None, by: int) -> float | None:
    return None if value is None else value / by


def raw_files(folder: Folder) -> list[Path]:
    """What an export takes along as it is."""
    from asvunit.session.form import END, SESSION, UNIT

    return [path for path in (folder.path / SESSION, folder.path / UNIT, folder.path / END) if path.is_file()]
