"""`asvkit keys`: the key pair of an emergency vehicle's radio, and whose keys a unit trusts."""

import json
import secrets
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from asvunit.errors import AsvkitError, UsageError

app = typer.Typer(help="Keys of emergency vehicles: make one, list them, trust one.", rich_markup_mode=None)

_Config = Annotated[Path, typer.Option("--config", help="The unit's configuration.", metavar="FILE")]
_DEFAULT: Final = Path("unit.toml")


@app.command("new", short_help="Make a key pair for a vehicle; its public half is printed.")
def new(
    file: Annotated[Path, typer.Argument(help="Where the private key goes, readable by you alone.", metavar="FILE")],
    number: Annotated[
        str | None,
        typer.Option("--id", help="The key's id, decimal or 0x...; without it a random one.", metavar="ID"),
    ] = None,
) -> None:
    """Make the key pair of one vehicle, and print its public half as the one line that others' units need.

    The private key is for that vehicle's radio alone: emergency.own_key = "FILE". No existing file is overwritten.
    """
    from asvunit.authority_keys import key_id
    from asvunit.radio.own_key import new_own_key

    try:
        made = new_own_key(file, 1 + secrets.randbelow((1 << 32) - 1) if number is None else key_id(number))
    except ValueError as error:
        raise UsageError(f"--id: {error}") from None
    typer.echo(made.public_line())
    typer.echo(
        f'{file}: written; keep it with its vehicle: emergency.own_key = "{file.name}" beside its configuration.'
        " Others trust the line above: asvkit keys trust LINE --config unit.toml",
        err=True,
    )


@app.command("public", short_help="Print the public half of a key file again.")
def public(file: Annotated[Path, typer.Argument(help="A private key file.", metavar="FILE")]) -> None:
    """Print the line that others' units need to trust the vehicle with this key file."""
    from asvunit.radio.own_key import load_own_key

    typer.echo(load_own_key(file).public_line())


@app.command("list", short_help="The own key and the trusted ones of a configuration.")
def list_keys(
    config: _Config = _DEFAULT, as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False
) -> None:
    """List the key that a unit signs with and those that it trusts. Exit code 1: its own key cannot be used."""
    from asvunit.authority_keys import key_id
    from asvunit.config import load_config
    from asvunit.radio.own_key import load_own_key

    table = load_config(config).emergency
    own: dict[str, Any] | None = None
    fault = ""
    if table.own_key is not None:
        own = {"file": str(config.parent / table.own_key), "in_action": table.in_action}
        try:
            found = load_own_key(config.parent / table.own_key)
            own |= {"id": found.key_id, "key": found.private.public_key().public_bytes_raw().hex()}
        except AsvkitError as error:
            fault = str(error)
            own["fault"] = fault
    trusted = {key_id(name): key.lower() for name, key in table.keys.items()}
    if as_json:
        keys = [{"id": one, "key": key} for one, key in sorted(trusted.items())]
        typer.echo(json.dumps({"own": own, "trusted": keys, "enabled": table.enabled}, ensure_ascii=False))
    else:
        for line in _told(own, trusted):
            typer.echo(line)
    if fault:
        raise AsvkitError(fault)


def _told(own: dict[str, Any] | None, trusted: dict[int, str]) -> list[str]:
    if own is None:
        lines = ["own      none: sends as an ordinary vehicle"]
    elif "fault" in own:
        lines = [f"own      {own['file']}: cannot be used"]
    else:
        lines = [f"own      {own['id']:#010x}  {own['key']}  {own['file']}"]
    for one, key in sorted(trusted.items()):
        mine = "  (its own)" if own is not None and own.get("key") == key else ""
        lines.append(f"trusted  {one:#010x}  {key}{mine}")
    if not trusted:
        lines.append("trusted  none: emergency vehicles count as ordinary ones")
    return lines


@app.command("trust", short_help="Add a vehicle's public key to a configuration.")
def trust(
    key: Annotated[str, typer.Argument(help="The line that keys new printed, or a file of such.", metavar="LINE|FILE")],
    config: _Config = _DEFAULT,
) -> None:
    """Add public keys to [emergency.keys] of a configuration, whose comments stay. Those it has are refused."""
    from asvtools.trusted_keys import given_keys
    from asvtools.trusted_keys import trust as write

    keys = given_keys(key)
    write(config, keys)
    names = ", ".join(f"{one:#010x}" for one in keys)
    typer.echo(f"{config}: trusts {names} now; a running unit reads it at its next start")
