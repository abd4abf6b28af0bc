"""`asvkit config init` and `asvkit config check`: a commented file to begin with, and what is wrong with one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asvunit.errors import AsvkitError, UsageError

if TYPE_CHECKING:
    from asvunit.config import Config

app = typer.Typer(help="The configuration of a unit.", rich_markup_mode=None, no_args_is_help=False)


@app.command("init", short_help="Write a commented file with every key.")
def init(
    file: Annotated[Path, typer.Argument(help="Where; '-' is stdout.", metavar="[FILE]")] = Path("unit.toml"),
) -> None:
    """Write a commented configuration with every key and its default. An existing file is never overwritten."""
    from asvunit.config_text import config_text

    if str(file) == "-":
        typer.echo(config_text(), nl=False)
        return
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(config_text())
    except FileExistsError:
        raise UsageError(f"{file}: exists and is left as it is; name another file") from None
    except OSError as error:
        raise AsvkitError(f"{file}: cannot be written: {error.strerror}; name another file") from error
    typer.echo(f"{file}: written; now: asvkit config check {file}, then asvkit run --config {file}")


@app.command("check", short_help="Say what is wrong, or what the unit will do.")
def check(file: Annotated[Path, typer.Argument(help="The configuration file.", metavar="FILE")]) -> None:
    """Check a configuration with all that it names: every fault in a line, or what the unit will be."""
    from asvunit.config import Config, load_config
    from asvunit.toml_file import faults

    found = faults(file, Config)
    if not found:
        found = _parts(load_config(file), file)
    for fault in found[1:]:
        typer.echo(f"asvkit: {file}: {fault}", err=True)
    if found:
        raise UsageError(f"{file}: {found[0]}")


def _parts(config: "Config", file: Path) -> list[str]:
    """Says what each part will be; the faults found."""
    from asvtools.run_command import simulated
    from asvunit.described import PARTS

    wrong: list[str] = []
    told: list[str] = []
    for name, describe in PARTS.items():
        try:
            told.append(f"  {name:<13} {describe(config, file.parent)}")
        except AsvkitError as error:
            wrong.append(str(error).removeprefix(f"{file}: "))
    try:
        simulated(config, file.parent)
    except AsvkitError as error:
        wrong.append(str(error))
    wrong = list(dict.fromkeys(wrong))  # a map that is missing is missed by two
    if not wrong:
        typer.echo(f"{file}: good")
        for line in told:
            typer.echo(line)
    return wrong
