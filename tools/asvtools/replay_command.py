"""`asvkit replay`: recorded inputs, offline; events and sent frames out."""

import contextlib
import json
import sys
from collections import Counter
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from asvunit.errors import AsvkitError, UsageError

if TYPE_CHECKING:
    from asvcore.settings import Settings
    from asvunit.config import Config
    from asvunit.events import Event
    from asvunit.intersections import NodeAhead
    from asvunit.replay import Inputs


_FIRST_DAY, _LAST_DAY = date(1980, 1, 6), date(2105, 12, 31)


class Align(StrEnum):
    """How the inputs' times are laid on each other: by their own dates, or starts on the first time."""

    ABSOLUTE = "absolute"
    START = "start"


def _option(name: str, metavar: str, help_text: str) -> Any:
    return typer.Option(name, metavar=metavar, help=help_text, show_default=False)


def replay(
    gnss: Annotated[Path | None, _option("--gnss", "NMEA", "NMEA 0183 of the receiver.")] = None,
    can: Annotated[Path | None, _option("--can", "LOG", "CAN log: .log .asc .blf .trc .csv ...")] = None,
    vehicle: Annotated[str | None, _option("--vehicle", "MAP", "Signal map: a file, or one that comes along.")] = None,
    radio: Annotated[Path | None, _option("--radio", "CAPTURE", "Received frames: pcap or pcapng.")] = None,
    supports: Annotated[Path | None, _option("--supports", "JSONL", "Other systems' supports, JSON lines.")] = None,
    config: Annotated[Path | None, _option("--config", "FILE", "Configuration of the unit.")] = None,
    events: Annotated[Path | None, _option("--events", "OUT.jsonl", "Write the events; '-' is stdout.")] = None,
    sent: Annotated[Path | None, _option("--sent", "OUT.pcap", "Write the sent frames, .pcap or .pcapng.")] = None,
    journal: Annotated[Path | None, _option("--journal", "OUT", "Write the journal of the core's inputs.")] = None,
    seed: Annotated[int | None, _option("--seed", "N", "Of the random vehicle_id; default 1.")] = None,
    day: Annotated[str | None, _option("--date", "YYYY-MM-DD", "Date of an NMEA log that tells none.")] = None,
    align: Annotated[Align, typer.Option(help="'start' lays relative logs on the first time.")] = Align.ABSOLUTE,
    databases: Annotated[list[Path] | None, _option("--dbc", "DIR", "Folder with databases; repeatable.")] = None,
) -> None:
    """Recorded inputs through the unit, offline: frames and warnings as they would have been live."""
    from asvunit.config import load_config
    from asvunit.intersections import node_ahead
    from asvunit.recordings import load_map, open_recordings

    unit_config = load_config(config)
    named = vehicle or unit_config.vehicle.map
    vehicle_map = load_map(named, can, databases or []) if named and (can or vehicle) else None
    of_map = [vehicle_map.path, vehicle_map.database_path] if vehicle_map else []
    if unit_config.intersections.map is not None:
        of_map.append((config.parent if config else Path()) / unit_config.intersections.map)
    _distinct([gnss, can, radio, supports, config, *of_map], [sent, journal, None if str(events) == "-" else events])
    inputs = open_recordings(
        gnss=gnss,
        can=can,
        vehicle_map=vehicle_map,
        radio=radio,
        supports=supports,
        port=unit_config.radio.port,
        day=_date(day),
        align_start=align is Align.START,
    )
    nodes = node_ahead(unit_config, config.parent if config else Path())
    settings = unit_config.settings(vehicle_map.timeouts_ms if vehicle_map else None)
    for port in ("gnss", "can", "radio"):
        settings.set(f"uses_{port}", int(port in inputs.names))
    if seed is not None:
        try:
            settings.set("seed", seed)
        except ValueError as error:
            raise UsageError(f"--seed: {error}") from error
    try:
        with contextlib.ExitStack() as stack:
            session = _Session(stack, unit_config, settings, inputs, nodes, events, sent, journal)
            session.run()
    except BrokenPipeError:
        raise
    except OSError as error:
        names = " or ".join(str(path) for path in (events, journal) if path)
        raise AsvkitError(f"{names}: cannot be written: {error.strerror or error}; make room and repeat") from error
    if str(events) != "-":
        session.summary()


class _Session:
    """One replay: the unit, where its outputs go, and what is said of them at the end."""

    def __init__(
        self,
        stack: contextlib.ExitStack,
        config: "Config",
        settings: "Settings",
        inputs: "Inputs",
        nodes: "NodeAhead | None",
        events: Path | None,
        sent: Path | None,
        journal: Path | None,
    ) -> None:
        from asvunit.adapters.capture import CaptureWriter
        from asvunit.authority import log_judge
        from asvunit.clock import UnitClock
        from asvunit.identity import ignition_mac
        from asvunit.journal import JournalWriter
        from asvunit.unit import Unit

        self.inputs = inputs
        self.first_ns, self.last_ns = inputs.span_ns()
        self.tally: Counter[str] = Counter()
        self._lines = stack.enter_context(_output(events)) if events else None
        self._frames = stack.enter_context(CaptureWriter(sent, outbound=True)) if sent else None
        log = stack.enter_context(_output(journal)) if journal else None
        self.unit = Unit(
            settings,
            UnitClock(self.first_ns),
            sink=self._event,
            send=self._send,
            language=config.presentation.language,
            journal=JournalWriter(log, settings) if log else None,
            judge=log_judge(config.emergency.keys),
            nodes=nodes,
        )
        self._mac = ignition_mac(self.unit.seed)

    def run(self) -> None:
        from asvunit.replay import play

        self._event(self.unit.start_event(self.first_ns))
        play(self.unit, self.inputs, self.first_ns, self.last_ns)

    def _send(self, time_ns: int, frame: bytes) -> None:
        if self._frames:
            self._frames.write(time_ns, frame, self._mac)

    def _event(self, event: "Event") -> None:
        kind = event["event"]
        if kind == "drop":
            self.tally[f"dropped: {event['reason']}"] += 1
        if kind == "support" and event["presented"]:
            self.tally[f"support: {event['function']} {event['level']} ({event['reason']})"] += 1
        if self._lines:
            self._lines.write(json.dumps(event, ensure_ascii=False) + "\n")

    def summary(self) -> None:
        """What was read, sent and said, for a person."""
        from asvunit.recordings import counted
        from asvunit.replay import stamp

        unit, inputs = self.unit, self.inputs
        typer.echo(
            f"replayed {stamp(self.first_ns)} to {stamp(self.last_ns)}: "
            f"{unit.sent} frames sent as vehicle {unit.vehicle_id}"
        )
        nouns = {"gnss": "fixes", "can": "signals", "radio": "frames", "supports": "words"}
        for port, name in inputs.names.items():
            dropped = counted(inputs.counters[port])
            count = len(inputs.records.get(port, ()))
            typer.echo(f"  {port:<8} {count} {nouns[port]} from {name}" + (f" ({dropped})" if dropped else ""))
        for key, count in sorted(self.tally.items()):
            typer.echo(f"  {key}: {count}")


def _distinct(read: list[Path | None], written: list[Path | None]) -> None:
    """Refuse an output that would overwrite an input or another output, before anything is opened."""
    taken = {path.resolve(): path for path in read if path}
    for path in written:
        if path is not None and str(path) == "-":
            raise UsageError("'-' is for --events only; give the others a file")
        if path is None or (path.exists() and not path.is_file()):
            continue  # devices can be shared
        same = next((name for name, other in taken.items() if _same_file(path, name)), None)
        if same is not None:
            raise UsageError(f"{path}: already {taken[same]}, an input or another output; give a file of its own")
        taken[path.resolve()] = path


def _same_file(one: Path, other: Path) -> bool:
    try:
        return one.resolve() == other or one.samefile(other)
    except OSError:
        return False


def _date(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise UsageError(f"--date: {text!r} is no date; give YYYY-MM-DD") from None
    if not _FIRST_DAY <= day <= _LAST_DAY:
        raise UsageError(f"--date: {day} is outside {_FIRST_DAY} (GPS begins) to {_LAST_DAY} (captures end)")
    return day


def _output(path: Path) -> "contextlib.AbstractContextManager[TextIO]":
    if str(path) == "-":
        return contextlib.nullcontext(sys.stdout)
    try:
        return path.open("w", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}; give another path") from error
