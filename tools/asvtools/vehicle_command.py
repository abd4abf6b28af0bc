"""`asvkit vehicle check`, `suggest` and `compile`: signal maps of cars tried, begun and made small."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from asvunit.errors import AsvkitError, UsageError

if TYPE_CHECKING:
    from asvunit.vehicle import VehicleMap

app = typer.Typer(help="Signal maps of cars: try one, begin one, make one small.", rich_markup_mode=None)

DATABASES: Final = (".dbc", ".kcd", ".sym", ".arxml")
_LOGS: Final = (".log", ".asc", ".blf", ".trc", ".mf4", ".csv", ".db", ".gz")
_Folders = Annotated[
    list[Path] | None, typer.Option("--dbc", help="Look for the map's databases here, too.", metavar="DIR")
]
_Log = Annotated[Path | None, typer.Option("--log", help="A recorded CAN log of the car.", metavar="LOG")]
_Json = Annotated[bool, typer.Option("--json", help="One JSON object.")]


@app.command("check", short_help="What the unit gets by a map, and with a log: what really comes.")
def check(
    source: Annotated[str, typer.Argument(help="The map: a file, or the name of a shipped one.", metavar="MAP")],
    log: _Log = None,
    bus: Annotated[
        list[str] | None,
        typer.Option("--bus", help="Which channel of the log is which bus of the map.", metavar="NAME=CHANNEL"),
    ] = None,
    dbc: _Folders = None,
    as_json: _Json = False,
) -> None:
    """Say what each ASV element gets and from where; with a log, whether it comes, how often and with which values.

    Exit code 0: the map is good, and with a log every mapped signal is alive. 1: something is dead, stale, unknown
    or implausible; stderr says which.
    """
    from asvtools.vehicle_check import inspect, report_json
    from asvtools.vehicle_view import show

    if bus and log is None:
        raise UsageError("--bus says which channel of a log is which bus; give --log")
    vehicle = load_map(source, log, dbc)
    report = inspect(vehicle, log, bus or [])
    if as_json:
        typer.echo(json.dumps(report_json(report), ensure_ascii=False))
    else:
        show(report)
    faults = [finding for finding in report.findings if finding.fault]
    if faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise AsvkitError(f"{vehicle.path}: {faults[0].text}{more}")


@app.command("suggest", short_help="Propose a map for a car's database, to be finished by a person.")
def suggest(
    database: Annotated[str, typer.Argument(help="The car's database: DBC, KCD, SYM, ARXML.", metavar="DATABASE")],
    log: _Log = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write the map there.", metavar="FILE")] = None,
    encoding: Annotated[str | None, typer.Option("--encoding", help="Of the database, if it is unusual.")] = None,
) -> None:
    """Propose a map by the names, units, value tables and comments of a database, and by what a log shows.

    Every line says why it was chosen; what is unsure is marked TODO. The map is for a person to finish.
    """
    from asvtools.vehicle_behaviour import observe
    from asvtools.vehicle_candidates import candidates
    from asvtools.vehicle_parameters import read_parameters
    from asvtools.vehicle_scan import promising
    from asvtools.vehicle_suggest import propose, settle
    from asvunit.adapters.can_log import CanLog
    from asvunit.vehicle.database import load_database
    from asvunit.vehicle.j1939 import marked

    if out is not None and out.exists():
        raise UsageError(f"{out}: exists and is left as it is; name another file")
    path = find(database)
    recording = None if log is None else CanLog(log)
    loaded = load_database(path, encoding=encoding, messages=promising(path))
    grouped = marked(loaded.database.messages)
    found = candidates(loaded.database.messages)
    if grouped:
        read_parameters(found, loaded.database.messages)
    observation = None if recording is None else observe(recording, found, loaded.database.messages)
    proposal = propose(_named(database, path, out), path.stem, loaded.warnings, found, observation)
    proposal.encoding, proposal.j1939 = encoding or "", grouped
    text = settle(proposal, path)
    if observation is not None and not observation.used:
        typer.echo(f"{log}: {observation.summary}", err=True)
    if out is None:
        typer.echo(text, nl=False)
    else:
        _write(out, text)
        todo = text.count("# TODO")
        typer.echo(
            f"{out}: written; {', '.join(proposal.active)} proposed, {todo} TODO to look at; now:"
            f" asvkit vehicle check {out}" + (f" --log {log}" if log else "")
        )


@app.command("compile", short_help="The map as integers, for a microcontroller without cantools.")
def compile_map(
    source: Annotated[str, typer.Argument(help="The map: a file, or the name of a shipped one.", metavar="MAP")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write it there.", metavar="FILE")] = None,
    dbc: _Folders = None,
) -> None:
    """Write the map as one JSON object of integers: identifiers, bits, scales, codes. It needs no database.

    It goes to stdout, or to FILE; what it holds is said on stderr.
    """
    from asvtools.vehicle_check import wide_signals

    vehicle = load_map(source, None, dbc)
    if out is not None:
        _spare(out)
    text = json.dumps(vehicle.compiled(), ensure_ascii=True, separators=(",", ":"), sort_keys=True)
    if out is None:
        typer.echo(text)
    else:
        _write(out, text + "\n")
    frames = sum(len(vehicle.identifiers(bus)) for bus in range(len(vehicle.buses)))
    what = f"{out}: {len(text) + 1} bytes" if out else f"{len(text) + 1} bytes"
    bare = {key: value for key, value in vehicle.compiled().items() if key != "names"}
    size = len(json.dumps(bare, separators=(",", ":")))
    typer.echo(
        f"{what}, {size} without the names; {frames} CAN identifiers of {len(vehicle.buses)} bus"
        f"{'es' if len(vehicle.buses) > 1 else ''} give {', '.join(vehicle.mapped)}",
        err=True,
    )
    for wide in wide_signals(vehicle):
        typer.echo(f"{wide}: beyond 30 bits; a microcontroller decodes it with big integers, slowly", err=True)


def load_map(source: str, log: Path | None, folders: list[Path] | None) -> "VehicleMap":
    """The map that a command line names, its databases looked for in `folders` and near the log."""
    from asvunit.vehicle import VehicleMap
    from asvunit.vehicle.database import search_near

    suffix = Path(source).suffix.lower()
    if suffix in DATABASES:
        raise UsageError(f"{source}: that is a database; `asvkit vehicle suggest {source}` makes a map of it")
    if suffix in _LOGS:
        raise UsageError(f"{source}: that is a log, not a map; give the map, and the log with --log")
    for folder in folders or []:
        if not folder.is_dir():
            raise UsageError(f"--dbc {folder}: is no folder")
    return VehicleMap.load(source, [*(folders or []), *(search_near(log) if log else [])])


def find(database: str) -> Path:
    """The database's file: the path as given, or one that the usual folders or opendbc have by this name."""
    from asvunit.vehicle.database import find_database

    path = Path(database)
    suffix = path.suffix.lower()
    if suffix in (".toml", ".json") and path.exists():
        raise UsageError(f"{database}: that is a map; `asvkit vehicle check {database}` looks at it")
    if suffix in _LOGS:
        raise UsageError(f"{database}: that is a log; give the car's database, and the log with --log")
    if path.is_dir():
        raise UsageError(f"{database}: is a folder; give the database's file")
    if path.exists():
        return path
    try:
        return find_database(Path(database), path.name)
    except UsageError as error:
        comes_with = str(error).rpartition("; ")[2]
        hint = f"; {comes_with}" if comes_with.startswith("it comes with") else ""
        raise UsageError(f"{database}: no such file; give the path of the car's database{hint}") from None


def _named(database: str, path: Path, out: Path | None) -> str:
    """The database as the map has to name it: the map looks beside itself, in the current folder and in opendbc."""
    import os

    from asvunit.vehicle import opendbc

    package = opendbc.folder()
    if not Path(database).exists() or (package is not None and package.resolve() == path.resolve().parent):
        return Path(database).name
    if out is None:
        return str(path)
    return os.path.relpath(path.resolve(), out.resolve().parent)


def _spare(out: Path) -> None:
    """Only an earlier compiled map is written over: a slip must not cost the map or its database."""
    if out.is_file() and '"compiled_map"' not in out.read_text(encoding="utf-8", errors="replace"):
        raise UsageError(f"{out}: exists and is no compiled map; it is left as it is, name another file")


def _write(out: Path, text: str) -> None:
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise AsvkitError(f"{out}: cannot be written: {error.strerror}; name another file") from error
