"""Configurations of units for a scenario's vehicles, as TOML text: for a replay, and for a live unit at the rig."""

import json
import os
from pathlib import Path
from typing import Final

from asvrig.scenario import Vehicle
from asvunit.errors import UsageError
from asvunit.event_hub import SOCKET_PATH_BYTES

LOOPBACK: Final = "127.255.255.255"  # broadcast that every unit of this machine hears, and nothing beside
GNSS_BAUD: Final = 115_200
CAN_BITRATE: Final = 500_000


def replay_config(vehicle: Vehicle) -> str:
    """What the vehicle is, for `asvkit replay`."""
    return _head(vehicle, vehicle.seed)


def unit_config(
    vehicle: Vehicle,
    *,
    seed: int,
    gnss_port: str | Path,
    can_channel: str | Path | None,
    radio_port: int,
    folder: Path,
    sockets: Path | None = None,
) -> str:
    """What a live unit of the vehicle needs; its pins, events and socket go to `folder`, by the vehicle's name.

    `sockets`: another folder for the socket, whose path must be short.
    """
    pins, events = (unit_file(folder, vehicle.name, suffix) for suffix in ("pins.jsonl", "jsonl"))
    socket = unit_file(sockets or folder, vehicle.name, "sock")
    check_socket_path(socket)
    text = _head(vehicle, seed)
    if vehicle.can:
        file = Path(vehicle.can)
        text += f"map = {quoted(file.resolve() if file.exists() else vehicle.can)}\n"
    text += f"\n[gnss]\nport = {quoted(gnss_port)}\nbaud = {GNSS_BAUD}\n"
    if vehicle.can and can_channel is not None:
        text += f'\n[can]\ninterface = "slcan"\nchannel = {quoted(can_channel)}\nbitrate = {CAN_BITRATE}\n'
    return text + (
        f"\n[radio]\naddress = {quoted(LOOPBACK)}\nport = {radio_port}\n"
        f'\n[hmi]\ngpio = "mock"\nrecord = {quoted(pins)}\n'
        f"\n[events]\nfile = {quoted(events)}\nsocket = {quoted(socket)}\n"
    )


def unit_file(folder: Path, name: str, suffix: str) -> Path:
    """The file of a unit in a folder; UsageError for a name that is none of a file."""
    file = f"{name}.{suffix}"
    if name in ("", ".", "..") or "/" in file or not file.isprintable():
        raise UsageError(f"vehicle {name!r}: its unit's files bear its name; give one without / and control characters")
    return folder.resolve() / file


def check_socket_path(path: str | Path) -> None:
    """UsageError where no Unix socket can be of that path."""
    size = len(os.fsencode(path))
    if size > SOCKET_PATH_BYTES:
        raise UsageError(
            f"{path}: {size} bytes, and a Unix socket's path may have {SOCKET_PATH_BYTES}; choose a shorter folder"
        )


def quoted(value: str | Path) -> str:
    """A TOML string; UsageError for a path that is no text in UTF-8."""
    text = str(value)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"{text!r}: not a name in UTF-8, which TOML asks for; choose another") from error
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")  # the one escape that JSON does not make


def _head(vehicle: Vehicle, seed: int) -> str:
    return (
        f"config = 1\nseed = {seed}\n\n[vehicle]\n"
        f'kind = "{vehicle.kind}"\nlength_m = {vehicle.length_m}\nposition_class = "{vehicle.position_class}"\n'
    )
