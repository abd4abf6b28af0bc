"""`asvkit par`: how well frames arrived, from a capture: loss, gaps, jitter, distance, and the guideline's 95 %."""

import json
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from asvunit.errors import AsvkitError, UsageError

if TYPE_CHECKING:
    from asvtools.par_frames import Recorded


def par(
    capture: Annotated[Path, typer.Argument(metavar="CAPTURE", help="What was received: pcap or pcapng.")],
    against: Annotated[
        Path | None,
        typer.Option(
            metavar="SENT", help="What the others sent, as they recorded it: exact, by bytes.", show_default=False
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Of the own unit: radio port, position class.", show_default=False),
    ] = None,
    at: Annotated[
        str | None, typer.Option(metavar="LAT,LON", help="Where the receiver stood, degrees.", show_default=False)
    ] = None,
    own: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE",
            help="The own unit in a CAPTURE without directions: MAC or address:port.",
            show_default=False,
        ),
    ] = None,
    bin_m: Annotated[float, typer.Option("--bin", metavar="M", help="Width of the bins of distance.")] = 10.0,
    one_clock: Annotated[
        bool, typer.Option("--one-clock", help="Both captures have one clock: tell the latency.")
    ] = False,
    overlap: Annotated[
        bool, typer.Option("--overlap", help="Leave out what was sent before CAPTURE begins and after it ends.")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="All vehicles, distances and approaches.")] = False,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="The report as JSON; '-' is stdout.", show_default=False),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The report with plots, one page.", show_default=False)
    ] = None,
) -> None:
    """How well frames arrived: per vehicle, against distance, and by eq. 1 against the guideline's 95 %.

    Exit code 1: below 95 % in a zone that was crossed, or nothing to measure.
    """
    _check(against, bin_m, one_clock, overlap)
    place = _place(at) if at is not None else None
    _distinct([capture, against, config], [json_file, html])
    from asvtools.par_frames import read_frames, read_sent, without_own
    from asvtools.par_measure import Choices, measure
    from asvunit.config import load_config

    unit = load_config(config)
    heard = read_frames(capture, unit.radio.port, payloads=against is not None)
    if own is not None:
        _own(heard, own)
    sent = without_own(read_sent(against, unit.radio.port), heard) if against else None
    if sent is not None and not sent.own:
        raise AsvkitError(f"{against}: holds no messages of vehicles{_dropped(sent.counters)}; give what was sent")
    told = _rounded(measure(heard, sent, Choices(bin_m, place, unit.vehicle.position_class, one_clock, overlap)))
    if json_file is not None:
        text = json.dumps(told, ensure_ascii=False, indent=1) + "\n"
        _write(json_file, text)
    if html is not None:
        from asvtools.par_page import page

        _write(html, page(told))
    if str(json_file) != "-":
        from rich.console import Console

        from asvtools.par_view import NARROWEST, show

        console = Console(highlight=False, soft_wrap=True, emoji=False)
        console.width = max(console.width, NARROWEST)
        show(told, console, everything=everything)
        if html is not None:
            typer.echo(f"\nreport: {html}")
    _close(told, capture)


def _check(against: Path | None, bin_m: float, one_clock: bool, overlap: bool) -> None:
    if not 0.5 <= bin_m <= 500:  # so that NaN fails too
        raise UsageError(f"--bin: {bin_m:g} is not 0.5 to 500 m")
    for name, given in (("--one-clock", one_clock), ("--overlap", overlap)):
        if given and against is None:
            raise UsageError(f"{name}: is only for --against SENT")


def _place(text: str) -> tuple[float, float]:
    parts = text.split(",")
    try:
        latitude, longitude = (float(part) for part in parts)
    except ValueError:
        raise UsageError(f"--at: {text!r} is not LAT,LON in degrees, as 35.6812,139.7671") from None
    if not (math.isfinite(latitude) and abs(latitude) < 90 and math.isfinite(longitude) and abs(longitude) <= 180):
        raise UsageError(f"--at: {text!r} is no place: latitude below 90, longitude up to 180 degrees")
    return latitude, longitude


def _own(heard: "Recorded", source: str) -> None:
    """Takes the frames of one source for own ones; UsageError if it sent none."""
    mine = [key for key in heard.vehicles if key[0].lower() == source.lower()]
    if not mine:
        some = ", ".join(sorted({key[0] for key in heard.vehicles})[:5])
        raise UsageError(
            f"--own: no frame in {heard.name} is from {source!r}" + (f"; there are {some}" if some else "")
        )
    heard.own += [heard.vehicles.pop(key) for key in mine]


def _distinct(read: list[Path | None], written: list[Path | None]) -> None:
    """UsageError if an output is an input, or both outputs are one."""
    taken = {path.resolve(): path for path in read if path is not None}
    for path in written:
        if path is None or str(path) == "-":
            continue
        if path.resolve() in taken:
            raise UsageError(f"{path}: is to be written and read or written as well; give another name")
        taken[path.resolve()] = path


def _write(path: Path, text: str) -> None:
    if str(path) == "-":
        typer.echo(text, nl=False)
        return
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    device = path.exists() and not path.is_file()  # as /dev/stdout: not replaced
    try:
        (path if device else part).write_text(text, "utf-8", "backslashreplace")
        if not device:
            part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise AsvkitError(f"{path}: cannot be written: {error.strerror or error}; name another file") from error


def _close(told: dict[str, Any], capture: Path) -> None:
    """AsvkitError of one line where there was nothing to measure, or too little arrived."""
    if not told["vehicles"]:
        raise AsvkitError(
            f"{capture}: no frame of another vehicle{_dropped(told['dropped'])}; capture what is received"
        )
    bad = [row for row in told["zones"] if row["judged"] and row["verdict"] == "bad"]
    if bad:
        words = "; ".join(f"{row['function']} at {row['edge_m']:.1f} m: {row['why']}" for row in bad)
        raise AsvkitError(f"cumulative packet arrival is below 95 % [G 3.6(2)]: {words}")


def _dropped(counters: dict[str, int]) -> str:
    return f" ({', '.join(f'{count} {reason}' for reason, count in counters.items())})" if counters else ""


def _rounded(value: Any) -> Any:
    """Floats to 4 decimals: counts of packets allow no more."""
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    return [_rounded(one) for one in value] if isinstance(value, list | tuple) else value
