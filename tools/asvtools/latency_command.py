"""`asvkit latency`: from the cause to light and sound, of the ledgers that units write; and the bench."""

import contextlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from asvtools.latency_bench import bench
from asvtools.recorded import option
from asvunit.errors import AsvkitError, UsageError

_REPORT = "report"
_HELP = """How long it took from a cause to what the driver sees and hears, hop by hop, against 0.3 s.

`asvkit latency SESSION` is `asvkit latency report SESSION`; a SESSION named as a command is given as ./NAME.
"""


class _Sessions(TyperGroup):
    """What is no command is a session."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args:
            raise UsageError("latency: SESSION is needed: a unit's events, or the folder they lie in (see --help)")
        if args[0] not in self.commands and args[0] != "--help":
            args = [_REPORT, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=_Sessions, help=_HELP, rich_markup_mode=None, subcommand_metavar="SESSION... | bench")


@app.callback()
def _root() -> None:
    pass


@app.command(_REPORT, short_help="Of ledgers: quantiles, histogram, timeline; the default.")
def report(
    session: Annotated[
        list[Path], typer.Argument(metavar="SESSION...", help="Events of units (.jsonl), or folders that hold them.")
    ],
    pins: Annotated[Path | None, option("--pins", "FILE", "Record of mock pins of the one SESSION.")] = None,
    limit_ms: Annotated[float, typer.Option("--limit", metavar="MS", help="What no change may exceed.")] = 300.0,
    html: Annotated[Path | None, option("--html", "FILE", "The report with plots, one page.")] = None,
    png: Annotated[Path | None, option("--png", "FILE", "Histogram, timeline and hops as a picture.")] = None,
    csv: Annotated[Path | None, option("--csv", "FILE", "Every change with all its times; '-' is stdout.")] = None,
    json_file: Annotated[Path | None, option("--json", "FILE", "The report as JSON; '-' is stdout.")] = None,
) -> None:
    """How long presented changes took, from the cause's stamp to lamps and buzzer, hop by hop.

    Exit code 1: a change took longer than 0.3 s [G 3.4(4)], or reached no output, or there is nothing to measure.
    """
    if not 0 < limit_ms <= 60_000:  # so that NaN fails too
        raise UsageError(f"--limit: {limit_ms:g} is not more than 0 and up to 60000 ms")
    _files({"--html": html, "--png": png})
    _distinct([html, png, csv, json_file])
    from asvtools.latency_measure import measure
    from asvtools.latency_session import read_sessions, sources

    measured = read_sessions(session, pins)
    used = {path.resolve() for path in sources(measured)}
    for path in (html, png, csv, json_file):
        if path is not None and path.resolve() in used:
            raise UsageError(f"{path}: is to be written and was read as well; give another name")
    told = measure(measured, limit_ms * 1000)
    if told["verdict"] == "not measured":
        names = ", ".join(str(path) for path in session)
        dropped = sum(told["dropped"].values())
        hint = f" ({dropped} lines could not be used)" if dropped else ""
        raise AsvkitError(f"{names}: no latency event{hint}; a live unit that presents something writes them")
    written = []
    if json_file is not None:
        written.append(_write(json_file, json.dumps(told, ensure_ascii=False, indent=1) + "\n"))
    if csv is not None:
        from asvtools.latency_csv import table

        written.append(_write(csv, table(measured, told["limit_us"])))
    if html is not None:
        from asvtools.latency_page import page

        written.append(_write(html, page(told, measured)))
    if png is not None and told["changes"]:
        from asvtools.latency_plot import picture

        written.append(_write(png, picture(told, measured)))
    if "-" not in (str(json_file), str(csv)):
        from rich.console import Console

        from asvtools.latency_view import NARROWEST, show

        console = Console(highlight=False, soft_wrap=True, emoji=False)
        console.width = max(console.width, NARROWEST)
        show(told, console)
        if written:
            typer.echo(f"\nwritten: {', '.join(map(str, written))}")
    if told["verdict"] != "good":
        from asvtools.latency_view import verdict

        raise AsvkitError(verdict(told))


app.command("bench", short_help="Measure a unit: stimuli at random phase, what its pins do.")(bench)


def _files(written: dict[str, Path | None]) -> None:
    """UsageError if one of them is to go to stdout, beside the report."""
    for option_name, path in written.items():
        if str(path) == "-":
            raise UsageError(f"{option_name}: is no text for a terminal; name a file")


def _distinct(written: Sequence[Path | None]) -> None:
    """UsageError if two outputs are one."""
    taken: set[Path] = set()
    for path in written:
        if path is None:
            continue
        name = path if str(path) == "-" else path.resolve()
        if name in taken:
            raise UsageError(f"{path}: is to be written twice; give another name")
        taken.add(name)


def _write(path: Path, content: str | bytes) -> Path:
    """Whole or not at all."""
    if str(path) == "-" and isinstance(content, str):
        typer.echo(content, nl=False)
        return path
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    device = path.exists() and not path.is_file()  # as /dev/stdout: not replaced
    target = path if device else part
    try:
        data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
        target.write_bytes(data)
        if not device:
            part.replace(path)
    except (OSError, ValueError) as error:
        if not device:
            with contextlib.suppress(OSError, ValueError):
                part.unlink(missing_ok=True)
        reason = getattr(error, "strerror", None) or error
        raise AsvkitError(f"{path}: cannot be written: {reason}; name another file") from error
    return path
