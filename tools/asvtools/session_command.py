"""`asvkit session`: what runs of a unit have left behind: list, show, check, export, delete."""

import json
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asvtools.recorded import option
from asvunit.errors import AsvkitError, UsageError

if TYPE_CHECKING:
    from asvunit.session.retention import Doomed

app = typer.Typer(
    help="Recorded sessions: list, show, check, export, delete. They are made by [record] folder, or asvkit record.",
    no_args_is_help=False,
    rich_markup_mode=None,
)

_Session = Annotated[Path, typer.Argument(metavar="SESSION", help="Folder of one session.", show_default=False)]
_AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


@app.callback()
def _root() -> None:
    pass


@app.command("list", short_help="The sessions of a folder, the oldest first.")
def list_sessions(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="As [record] folder names it; absent: where you are.")
    ] = Path(),
    as_json: _AsJson = False,
) -> None:
    """One line for each session: when, who, whole or cut, how long, how large."""
    from asvtools.session_folder import measured, open_folder, sessions
    from asvtools.session_show import list_line, list_row, size

    rows, bad = [], []
    for path in sessions(folder):
        try:
            rows.append(list_row(open_folder(path), *measured(path)))
        except AsvkitError as error:
            bad.append(str(error))
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=1))
    else:
        for row in rows:
            typer.echo(list_line(row))
        typer.echo(f"{_many(len(rows), 'session')}, {size(sum(row['bytes'] for row in rows))}, in {folder}")
    if bad:
        raise AsvkitError(bad[0] + (f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""))


@app.command("show", short_help="What one session holds: when, who, what was given, gaps, losses.")
def show(session: _Session, as_json: _AsJson = False) -> None:
    """Who drove when, how it ended, what inputs were missing, what the driver was told, and what was lost."""
    from asvtools.session_folder import open_folder
    from asvtools.session_show import as_json as told
    from asvtools.session_show import page
    from asvtools.session_summary import summarise

    folder = open_folder(session)
    summary = summarise(folder)
    if as_json:
        typer.echo(json.dumps(told(folder, summary), ensure_ascii=False, indent=1))
        return
    for line in page(folder, summary):
        typer.echo(line.rstrip())


@app.command("check", short_help="Whether every file of a session is whole.")
def check(session: _Session) -> None:
    """Reads each file to the last byte by the rules of its form: blocks, lines, checksums, times, parts.

    Exit code 1: something is wrong that no sudden end of the unit explains.
    """
    from asvtools.session_check import check as checked
    from asvtools.session_folder import open_folder

    folder = open_folder(session)
    report = checked(folder)
    for kind, count in report.read.items():
        typer.echo(f"  {kind:<11} {count} good")
    for note in report.notes:
        typer.echo(f"  note: {note}")
    for finding in report.findings:
        typer.echo(f"  WRONG: {finding}")
    if report.findings:
        more = f" (and {len(report.findings) - 1} more)" if len(report.findings) > 1 else ""
        raise AsvkitError(f"{session}: {report.findings[0]}{more}")
    typer.echo(f"{folder.path.name}: all is well; it {folder.how_it_ended()}")


@app.command("export", short_help="To MCAP (Foxglove) or Parquet (pandas, DuckDB).")
def export(
    session: _Session,
    mcap: Annotated[Path | None, option("--mcap", "FILE", "One MCAP file: map, scene, log, events, inputs.")] = None,
    parquet: Annotated[Path | None, option("--parquet", "DIR", "A folder of Parquet tables, one a kind.")] = None,
    scene: Annotated[bool, typer.Option(help="MCAP: with the scene, ten a second, from the journal.")] = True,
) -> None:
    """The session for other programs. What its own files already are needs no export: see docs/sessions.md."""
    from asvtools.session_export import export_mcap, export_parquet, remarks
    from asvtools.session_folder import open_folder

    if mcap is None and parquet is None:
        raise UsageError("session export: nothing to write: give --mcap FILE or --parquet DIR, or both")
    folder = open_folder(session)
    counters: Counter[str] = Counter()
    lines = export_mcap(folder, mcap, counters, scenes=scene) if mcap else []
    if parquet:
        counters.clear()  # the same files again
        lines += export_parquet(folder, parquet, counters)
    for line in [*lines, *remarks(folder, counters)]:
        typer.echo(line)


@app.command("prune", short_help="Delete what is too old, or too much.")
def prune(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="As [record] folder names it.", show_default=False)],
    keep_days: Annotated[
        float | None, option("--keep-days", "N", "Older sessions go; default: of the configuration, 7.")
    ] = None,
    max_mb: Annotated[float | None, option("--max-mb", "N", "Of all together; the oldest go; default 4000.")] = None,
    free_mb: Annotated[float | None, option("--free-mb", "N", "To be left free on the disk; default 0.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
) -> None:
    """As a recording unit does by itself, now and by these limits. What a unit is writing stays."""
    from asvtools.session_folder import sessions
    from asvtools.session_show import size
    from asvunit.config import RecordTable
    from asvunit.session.form import is_session
    from asvunit.session.retention import plan

    for name, value in (("--keep-days", keep_days), ("--max-mb", max_mb), ("--free-mb", free_mb)):
        if value is not None and not 0 <= value < 1e9:
            raise UsageError(f"{name}: {value:g} is no such number; give 0 or more")
    if is_session(folder):
        raise UsageError(f"{folder}: is one session; give the folder it lies in, or use asvkit session delete")
    sessions(folder)
    table = RecordTable()
    doomed = plan(
        folder,
        table.keep_days if keep_days is None else keep_days,
        table.max_mb if max_mb is None else max_mb,
        0 if free_mb is None else free_mb,
        time.time(),
    )
    gone, left = _delete(doomed, dry_run)
    total = size(sum(one.bytes for one in gone))
    typer.echo(f"{'would go' if dry_run else 'deleted'}: {_many(len(gone), 'session')}, {total}")
    if left:
        raise AsvkitError(f"{left[0].path}: cannot be deleted: see whose it is (and {len(left) - 1} more)")


@app.command("delete", short_help="Delete one session.")
def delete(session: _Session) -> None:
    """The whole folder goes, at once and for good. One that a unit is writing stays: exit code 1."""
    from asvtools.session_folder import measured
    from asvtools.session_show import size
    from asvunit.session import retention
    from asvunit.session.form import is_session

    if session.is_symlink():
        raise UsageError(f"{session}: is a link; give the folder itself")
    if not is_session(session):
        raise UsageError(f"{session}: no session; give the folder of one, as asvkit session list names it")
    taken, _changed_s = measured(session)
    if retention.is_written(session):
        raise AsvkitError(f"{session}: a unit is writing it; end the unit first")
    if not retention.delete(retention.Doomed(session, taken, retention.TOO_OLD)):
        raise AsvkitError(f"{session}: cannot be deleted whole: see whose files are in it")
    typer.echo(f"deleted: {session}, {size(taken)}")


def _delete(doomed: "list[Doomed]", dry_run: bool) -> "tuple[list[Doomed], list[Doomed]]":
    """Those that are gone, or would be; those that could not be deleted."""
    from asvtools.session_show import size
    from asvunit.session import retention

    reasons = {retention.TOO_OLD: "too old", retention.TOO_MUCH: "too much", retention.NO_ROOM: "no room on the disk"}
    gone: list[Doomed] = []
    left: list[Doomed] = []
    for one in doomed:
        done = dry_run or retention.delete(one)
        (gone if done else left).append(one)
        what = f"{one.path.name}, part {one.part}" if one.part else one.path.name
        if done:
            typer.echo(f"  {what}: {reasons.get(one.reason, one.reason)}, {size(one.bytes)}")
    return gone, left


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
