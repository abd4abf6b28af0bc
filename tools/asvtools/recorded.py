"""Recorded inputs as commands take them: their options, once, and the unit that they are played to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from asvunit.errors import UsageError

if TYPE_CHECKING:
    from asvcore.settings import Settings
    from asvunit.clock import UnitClock
    from asvunit.config import Config
    from asvunit.events import Sink
    from asvunit.intersections import NodeAhead
    from asvunit.journal import JournalWriter
    from asvunit.replay import Inputs
    from asvunit.unit import Send, Unit

_FIRST_DAY, _LAST_DAY = date(1980, 1, 6), date(2105, 12, 31)


class Align(StrEnum):
    """How the inputs' times are laid on each other: by their own dates, or starts on the first time."""

    ABSOLUTE = "absolute"
    START = "start"


def option(name: str, metavar: str, help_text: str) -> Any:
    """An option without a default to show."""
    return typer.Option(name, metavar=metavar, help=help_text, show_default=False)


Gnss = Annotated[Path | None, option("--gnss", "NMEA", "NMEA 0183 of the receiver.")]
Can = Annotated[Path | None, option("--can", "LOG", "CAN log: .log .asc .blf .trc .mf4 .csv .db")]
Vehicle = Annotated[str | None, option("--vehicle", "MAP", "Signal map: a file, or one that comes along.")]
Radio = Annotated[Path | None, option("--radio", "CAPTURE", "Received frames: pcap or pcapng.")]
Supports = Annotated[Path | None, option("--supports", "JSONL", "Other systems' supports, JSON lines.")]
ConfigFile = Annotated[Path | None, option("--config", "FILE", "Configuration of the unit.")]
Seed = Annotated[int | None, option("--seed", "N", "Of the random vehicle_id; default 1.")]
Day = Annotated[str | None, option("--date", "YYYY-MM-DD", "Date of an NMEA log that tells none.")]
Alignment = Annotated[Align, typer.Option("--align", help="'start' lays relative logs on the first time.")]
Buses = Annotated[list[str] | None, option("--bus", "NAME=CHANNEL", "Channel of the CAN log a bus is; repeatable.")]
Databases = Annotated[list[Path] | None, option("--dbc", "DIR", "Folder with databases; repeatable.")]


@dataclass(frozen=True, slots=True)
class Recorded:
    """Opened inputs, and what the unit that hears them will be."""

    inputs: "Inputs"
    config: "Config"
    settings: "Settings"
    nodes: "NodeAhead | None"

    def unit(
        self,
        clock: "UnitClock",
        *,
        sink: "Sink",
        send: "Send",
        journal: "JournalWriter | None" = None,
        kind: "type[Unit] | None" = None,
    ) -> "Unit":
        """A new unit for them; `kind`: a Unit that does more."""
        from asvunit.authority import log_judge
        from asvunit.unit import Unit

        return (kind or Unit)(
            self.settings,
            clock,
            sink=sink,
            send=send,
            language=self.config.presentation.language,
            journal=journal,
            judge=log_judge(self.config.emergency.keys),
            nodes=self.nodes,
        )


def open_recorded(
    *,
    gnss: Path | None,
    can: Path | None,
    vehicle: str | None,
    radio: Path | None,
    supports: Path | None,
    config: Path | None,
    seed: int | None,
    day: str | None,
    align: Align,
    databases: list[Path] | None,
    buses: list[str] | None = None,
    written: Sequence[Path | None] = (),
) -> Recorded:
    """What the options name; UsageError, before anything is opened, if one of `written` is also read."""
    from asvunit.canbus.channels import bus_channels
    from asvunit.config import load_config
    from asvunit.intersections import node_ahead
    from asvunit.recordings import load_map, open_recordings

    unit_config = load_config(config)
    named = vehicle or unit_config.vehicle.map
    vehicle_map = load_map(named, can, databases or []) if named and (can or vehicle) else None
    of_map = [vehicle_map.path, *(loaded.path for loaded in vehicle_map.databases)] if vehicle_map else []
    if unit_config.intersections.map is not None:
        of_map.append((config.parent if config else Path()) / unit_config.intersections.map)
    _distinct([gnss, can, radio, supports, config, *of_map], written)
    inputs = open_recordings(
        gnss=gnss,
        can=can,
        vehicle_map=vehicle_map,
        radio=radio,
        supports=supports,
        port=unit_config.radio.port,
        day=_date(day),
        align_start=align is Align.START,
        buses=bus_channels(buses or []),
    )
    nodes = node_ahead(unit_config, config.parent if config else Path())
    settings = unit_config.settings(*((vehicle_map.timeouts_ms, vehicle_map.mapped) if vehicle_map else ()))
    for port in ("gnss", "can", "radio"):
        settings.set(f"uses_{port}", int(port in inputs.names))
    if seed is not None:
        try:
            settings.set("seed", seed)
        except ValueError as error:
            raise UsageError(f"--seed: {error}") from error
    return Recorded(inputs, unit_config, settings, nodes)


def _distinct(read: Sequence[Path | None], written: Sequence[Path | None]) -> None:
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
