"""`asvkit replay`: recorded inputs, offline; events and sent frames out."""

import contextlib
import json
from collections import Counter
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from asvunit.errors import AsvkitError, UsageError

if TYPE_CHECKING:
    from asvunit.replay import Inputs
    from asvunit.unit import Unit


class Align(StrEnum):
    """How the inputs' times are laid on each other."""

    ABSOLUTE = "absolute"
    START = "start"


def _file(help_text: str, metavar: str) -> Any:
    return typer.Option(help=help_text, metavar=metavar, show_default=False)


def replay(
    gnss: Annotated[Path | None, _file("Recorded NMEA 0183 of the receiver.", "NMEA")] = None,
    can: Annotated[Path | None, _file("Recorded CAN: .log .asc .blf .trc .csv ...", "LOG")] = None,
    vehicle: Annotated[str | None, _file("Signal map of the car: a file, or a name that comes with it.", "MAP")] = None,
    radio: Annotated[Path | None, _file("Received frames: pcap or pcapng.", "CAPTURE")] = None,
    config: Annotated[Path | None, _file("Configuration of the unit.", "FILE")] = None,
    events: Annotated[Path | None, _file("Write the events, one JSON object a line ('-': stdout).", "OUT.jsonl")] = None,
    sent: Annotated[Path | None, _file("Write the sent frames (.pcap or .pcapng).", "OUT.pcap")] = None,
    journal: Annotated[Path | None, _file("Write the journal of the core's inputs.", "OUT.journal")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the random vehicle_id and phases.", show_default="1")] = None,
    day: Annotated[str | None, typer.Option("--date", help="Date of an NMEA log that tells none.", metavar="YYYY-MM-DD")] = None,
    align: Annotated[Align, typer.Option(help="'start' lays relative logs on the first time.")] = Align.ABSOLUTE,
    database: Annotated[list[Path] | None, typer.Option(help="Folder with CAN databases; may be repeated.", metavar="DIR")] = None,
) -> None:
    """Recorded inputs through the unit, offline: frames and warnings as they would have been live."""
    from asvunit.adapters.capture import CaptureWriter
    from asvunit.clock import UnitClock
    from asvunit.config import load_config
    from asvunit.journal import JournalWriter
    from asvunit.recordings import load_map, open_recordings
    from asvunit.replay import play
    from asvunit.unit import Unit

    settings_of = load_config(config)
    named = vehicle or settings_of.vehicle.map
    vehicle_map = load_map(named, can, database or []) if named and (can or vehicle) else None
    inputs = open_recordings(
        gnss=gnss,
        can=can,
        vehicle_map=vehicle_map,
        radio=radio,
        port=settings_of.radio.port,
        day=_date(day),
        align_start=align is Align.START,
    )
    settings = settings_of.settings(vehicle_map.timeouts_ms if vehicle_map else None)
    if seed is not None:
        settings.seed = seed
        _checked(settings)
    settings.uses_gnss, settings.uses_can, settings.uses_radio = int(gnss is not None), int(can is not None), int(radio is not None)

    tally: Counter[str] = Counter()
    first_ns, last_ns = inputs.span_ns()
    with contextlib.ExitStack() as stack:
        lines = stack.enter_context(_output(events)) if events else None
        frames = stack.enter_context(CaptureWriter(sent, outbound=True)) if sent else None
        log = JournalWriter(stack.enter_context(_output(journal)), settings) if journal else None

        def sink(event: dict[str, Any]) -> None:
            tally[event["event"]] += 1
            if event["event"] == "drop":
                tally[f"drop {event['reason']}"] += 1
            if event["event"] == "support" and event["presented"]:
                tally[f"support {event['function']} {event['level']}"] += 1
            if lines:
                lines.write(json.dumps(event, ensure_ascii=False) + "\n")

        unit = Unit(
            settings,
            UnitClock(first_ns),
            sink=sink,
            send=(lambda time_ns, frame: frames.write(time_ns, frame, mac_of(settings.seed))) if frames else _unsent,
            language=settings_of.presentation.language,
            journal=log,
        )
        sink({"t": first_ns // 1000 / 1e6, **_start(unit, settings.seed)})
        try:
            play(unit, inputs, first_ns, last_ns)
        except OSError as error:
            raise AsvkitError(f"an output cannot be written: {error.strerror or error}; free the disk and repeat") from error
    if str(events) != "-":
        _summary(inputs, unit, tally, first_ns, last_ns)


def mac_of(seed: int) -> str:
    """A random, locally administered MAC of an ignition [G 3.7.2(d)]."""
    import random

    octets = random.Random(seed).randbytes(5)  # noqa: S311
    return "02:" + octets.hex(":")


def _unsent(_time_ns: int, _frame: bytes) -> None:
    pass


def _start(unit: "Unit", seed: int) -> dict[str, Any]:
    from importlib.metadata import version

    from asvunit.events import VERSION

    return {"event": "start", "version": VERSION, "asvkit": version("asvkit"), "vehicle_id": unit.vehicle_id, "seed": seed}


def _checked(settings: Any) -> None:
    try:
        settings.check()
    except ValueError as error:
        raise UsageError(f"--seed: {error}") from error


def _date(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise UsageError(f"--date: {text!r} is no date; give YYYY-MM-DD") from None


def _output(path: Path) -> "contextlib.AbstractContextManager[TextIO]":
    import sys

    if str(path) == "-":
        return contextlib.nullcontext(sys.stdout)
    try:
        return path.open("w", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error


def _summary(inputs: "Inputs", unit: "Unit", tally: Counter[str], first_ns: int, last_ns: int) -> None:
    from asvunit.replay import stamp

    typer.echo(f"replayed {stamp(first_ns)} to {stamp(last_ns)}: {unit.sent} frames sent as vehicle {unit.vehicle_id}")
    records = {"gnss": len(inputs.fixes), "can": len(inputs.signals), "radio": len(inputs.frames)}
    nouns = {"gnss": "fixes", "can": "signals", "radio": "frames"}
    for port, name in inputs.names.items():
        dropped = ", ".join(f"{count} {reason}" for reason, count in sorted(inputs.counters[port].items()) if count)
        typer.echo(f"  {port:<6} {records[port]} {nouns[port]} from {name}" + (f" ({dropped})" if dropped else ""))
    for key, count in sorted(tally.items()):
        if key.startswith(("support ", "drop ")):
            typer.echo(f"  {key}: {count}")
