"""A session's raw inputs as records: what came in by its files, at the times of its receipt.

The receiver's sentences become fixes as they did live. The driver's switches are no raw input: the journal alone
has them.
"""

import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from asvunit.errors import AsvkitError, UsageError
from asvunit.gnss.gpsd_reports import GpsdReports
from asvunit.gnss.nmea_live import NmeaLive
from asvunit.ports import Fix
from asvunit.replay import Inputs
from asvunit.session import form
from asvunit.session.read import Session

if TYPE_CHECKING:
    from asvunit.vehicle import VehicleMap

_TAGGED: Final = re.compile(rb"\\c:(\d{10,16})\*[0-9A-F]{2}\\([$!][ -~]*)\r?")
_GPSD: Final = re.compile(rb'\{"t": (\d{1,12}\.\d{1,9}), "report": (\{.*\})\}')


def raw_inputs(session: Session, car: "VehicleMap | None", port: int) -> Inputs:
    """All of them; UsageError where nothing can be replayed. `port`: of frames over UDP."""
    from asvunit.adapters.capture import Capture
    from asvunit.adapters.supports import SupportLog
    from asvunit.radio.time_jumps import without_jumps
    from asvunit.recordings import read_can

    inputs = Inputs()
    if captures := session.paths(form.RADIO):
        counters: Counter[str] = Counter()
        frames = []
        for path in captures:
            if path.stat().st_size:
                capture = Capture(path, port)
                frames += list(capture)
                counters += capture.counters
        inputs.add("radio", _named(captures), without_jumps(frames, counters), counters)
    with tempfile.TemporaryDirectory(prefix="asvkit-") as made:
        logs = session.paths(form.CAN)
        if logs and car is not None:
            buses = {one["bus"]: one["channel"] for one in session.about.get("can") or [] if one["bus"] in car.buses}
            _told, signals, counters = read_can(_joined(logs, Path(made)), car, buses)
            inputs.add("can", _named(logs), signals, counters)
        words = session.paths(form.SUPPORTS)
        if words:
            said = SupportLog(_joined(words, Path(made)))
            inputs.add("supports", _named(words), list(said), said.counters)
    if session.paths(form.GNSS):
        counters = Counter()
        inputs.add("gnss", _named(session.paths(form.GNSS)), _fixes(session, counters), counters)
    elif session.paths(form.GPSD):
        counters = Counter()
        inputs.add("gnss", _named(session.paths(form.GPSD)), _gpsd_fixes(session, counters), counters)
    if not inputs.each():
        raise UsageError(f"{session.folder}: nothing to replay: no raw input in it")
    return inputs


def _fixes(session: Session, counters: Counter[str]) -> Iterator[Fix]:
    live = NmeaLive()
    time_ns = 0
    for line in _lines(session, form.GNSS):
        found = _TAGGED.fullmatch(line)
        if found is None:
            counters["no_time"] += 1
            continue
        time_ns = max(time_ns, int(found[1]) * 1_000_000)
        quiet_ns = live.quiet_at_ns
        if quiet_ns is not None and quiet_ns <= time_ns:
            yield from live.quiet(quiet_ns)
        yield from live.feed(found[2] + b"\r\n", time_ns)
    if live.quiet_at_ns is not None:
        yield from live.quiet(live.quiet_at_ns)
    counters += live.counters


def _gpsd_fixes(session: Session, counters: Counter[str]) -> Iterator[Fix]:
    reports = GpsdReports()
    for line in _lines(session, form.GPSD):
        found = _GPSD.fullmatch(line)
        if found is None:
            counters["no_time"] += 1
            continue
        yield from reports.feed(found[2] + b"\n", round(float(found[1]) * 1e9)).fixes
    counters += reports.counters


def _lines(session: Session, kind: str) -> Iterator[bytes]:
    for part in session.parts:
        for _number, line in session.lines(part, kind):
            yield line


def _joined(paths: Iterable[Path], folder: Path) -> Path:
    """One file of all, each up to its last whole line."""
    first, *others = paths
    if not others:
        return first
    joined = folder / first.name
    try:
        with joined.open("wb") as out:
            for path in (first, *others):
                with path.open("rb") as file:
                    for line in file:
                        out.write(line if line.endswith(b"\n") else b"")
    except OSError as error:
        raise AsvkitError(f"{first}: cannot be joined with its other parts: {error.strerror}; make room") from error
    return joined


def _named(paths: list[Path]) -> str:
    return str(paths[0]) if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"
