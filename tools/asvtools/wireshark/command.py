"""`asvkit wireshark`: the message in Wireshark and tshark, by a dissector in Lua."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from asvunit.errors import UsageError

app = typer.Typer(help="The message in Wireshark and tshark.", rich_markup_mode=None)


@app.callback()
def _root() -> None:
    pass


@app.command("install", short_help="The dissector into your folder of Lua plugins.")
def install(
    folder: Annotated[
        Path | None,
        typer.Option("--folder", metavar="DIR", help="Into this folder, not the personal one.", show_default=False),
    ] = None,
) -> None:
    """Install the dissector for Wireshark 3.6 and later, for this user; again: brought up to date."""
    from asvtools.wireshark.install import install as put

    done = put(folder)
    typer.echo(f"{done.path}: {'up to date' if done.unchanged else 'installed'}")
    if done.checked_by:
        typer.echo(f"{done.checked_by} loads it; in an open Wireshark: Analyze > Reload Lua Plugins")
    elif folder is None:
        typer.echo("no tshark found: not tried; Wireshark loads it when it starts next")
    if folder is None and os.environ.get("SUDO_USER"):
        typer.echo("this is root's folder, as you used sudo: your own Wireshark looks in yours", err=True)


@app.command("lua", short_help="The dissector's source.")
def lua(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Into a file.", show_default=False)
    ] = None,
) -> None:
    """Write the dissector to standard output or a file, for use with tshark -X lua_script:FILE."""
    from asvtools.wireshark.source import dissector

    text = dissector()
    if output is None:
        sys.stdout.buffer.write(text.encode("utf-8"))
        return
    try:
        output.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"{output}: {error.strerror or error}") from None
