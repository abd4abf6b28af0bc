"""`asvkit record`: a live unit whose session is kept, as `asvkit run` with [record] in its configuration."""

import time
from pathlib import Path
from typing import Annotated

import typer

from asvtools.run_command import run_unit
from asvunit.errors import UsageError

_FOLDER = "sessions"


def record(
    config: Annotated[Path | None, typer.Option(help="Configuration (asvkit config init).", metavar="FILE")] = None,
    into: Annotated[
        Path | None,
        typer.Option(help="Folder of sessions; default: record.folder, or sessions here.", metavar="DIR"),
    ] = None,
    seconds: Annotated[float | None, typer.Option(min=0.1, help="End after so long.", metavar="S")] = None,
    can: Annotated[
        str | None, typer.Option(help="Frames to keep: used, or all of the bus.", metavar="used|all")
    ] = None,
    view: Annotated[bool, typer.Option("--view", help="Show the driver's view in this terminal.")] = False,
) -> None:
    """One live unit, as `asvkit run` has it, its inputs and decisions kept as a session. Ctrl-C or SIGTERM ends it."""
    began_ns = time.monotonic_ns()
    from asvunit.config import load_config

    if config is None:
        raise UsageError("record: --config FILE is needed; asvkit config init writes one to begin with")
    if can not in (None, "used", "all"):
        raise UsageError(f"--can: {can!r}: give used or all")
    loaded = load_config(config)
    folder = str(into.resolve()) if into else loaded.record.folder or str(Path(_FOLDER).resolve())
    table = loaded.record.model_copy(update={"folder": folder} | ({"can": can} if can else {}))
    run_unit(loaded.model_copy(update={"record": table}), config, began_ns, view=view, seconds=seconds)
