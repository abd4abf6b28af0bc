"""Configurations of units for a scenario's vehicles, as TOML text: for a replay, and for a live unit at the rig."""

import json
import os
from pathlib import Path
from typing import Any, Final

from asvrig.scenario import INTERSECTIONS_FILE, Scenario, Vehicle
from asvrig.trajectory import degrees
from asvunit.errors import UsageError
from asvunit.event_hub import SOCKET_PATH_BYTES

LOOPBACK: Final = "127.255.255.255"  # broadcast that every unit of this machine hears, and nothing beside
GNSS_BAUD: Final = 115_200
CAN_BITRATE: Final = 500_000


def replay_config(vehicle: Vehicle, scenario: Scenario | None = None) -> str:
    """What the vehicle is, for `asvkit replay`, and what its scenario asks of ego's unit."""
    tables = _asked(vehicle, scenario)
    return _head(vehicle, vehicle.seed, tables) + _written(tables)


def unit_config(
    vehicle: Vehicle,
    *,
    seed: int,
    gnss_port: str | Path,
    can_channel: str | Path | None,
    radio_port: int,
    folder: Path,
    sockets: Path | None = None,
    scenario: Scenario | None = None,
    screen_port: int | None = None,
) -> str:
    """What a live unit of the vehicle needs; its pins, events and socket go to `folder`, by the vehicle's name.

    `sockets`: another folder for the socket, whose path must be short. `scenario`: what it asks of ego's unit is
    there too; its map of intersections is written to `folder`.
    """
    pins, events = (unit_file(folder, vehicle.name, suffix) for suffix in ("pins.jsonl", "jsonl"))
    socket = unit_file(sockets or folder, vehicle.name, "sock")
    check_socket_path(socket)
    tables = _asked(vehicle, scenario)
    if scenario is not None and vehicle.ego:
        write_intersections(scenario, folder)
    text = _head(vehicle, seed, tables)
    if vehicle.can:
        file = Path(vehicle.can)
        text += f"map = {quoted(file.resolve() if file.is_file() else vehicle.can)}\n"
    text += f"\n[gnss]\nport = {quoted(gnss_port)}\nbaud = {GNSS_BAUD}\n"
    if vehicle.can and can_channel is not None:
        text += f'\n[can]\ninterface = "slcan"\nchannel = {quoted(can_channel)}\nbitrate = {CAN_BITRATE}\n'
    return (
        text
        + (
            f"\n[radio]\naddress = {quoted(LOOPBACK)}\nport = {radio_port}\n"
            f'\n[hmi]\ngpio = "mock"\nrecord = {quoted(pins)}\n'
            + (f"\n[screen]\nport = {screen_port}\n" if screen_port else "")
            + f"\n[events]\nfile = {quoted(events)}\nsocket = {quoted(socket)}\n"
        )
        + _written(tables)
    )


def write_intersections(scenario: Scenario, folder: Path) -> None:
    """The scenario's branching nodes as GeoJSON in a folder; nothing where it has none."""
    features: list[dict[str, Any]] = []
    for one in scenario.intersection:
        latitude_deg, longitude_deg = degrees(scenario.place, one.east_m, one.north_m)
        point = {"type": "Point", "coordinates": [round(longitude_deg, 8), round(latitude_deg, 8)]}
        # No approach named: the map does not tell of priority
        told = {"name": one.name} | ({"priority_deg": one.priority_deg} if one.priority_deg else {})
        features.append({"type": "Feature", "geometry": point, "properties": told})
    if features:
        text = json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False, indent=1)
        (folder / INTERSECTIONS_FILE).write_text(text + "\n", encoding="utf-8")


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


def _asked(vehicle: Vehicle, scenario: Scenario | None) -> dict[str, Any]:
    """What the scenario asks of this vehicle's unit; the side of traffic is that of all."""
    if scenario is None:
        return {}
    tables = scenario.unit_tables
    return tables if vehicle.ego else {key: value for key, value in tables.items() if key == "traffic_side"}


def _head(vehicle: Vehicle, seed: int, tables: dict[str, Any]) -> str:
    plain = "".join(f"{key} = {_value(value)}\n" for key, value in tables.items() if not isinstance(value, dict))
    return (
        f"config = 1\nseed = {seed}\n{plain}\n[vehicle]\n"
        f'kind = "{vehicle.kind}"\nlength_m = {vehicle.length_m}\nposition_class = "{vehicle.position_class}"\n'
    )


def _written(tables: dict[str, Any]) -> str:
    """Tables of keys as TOML."""
    named = {name: table for name, table in tables.items() if isinstance(table, dict)}
    return "".join(
        f"\n[{name}]\n" + "".join(f"{key} = {_value(value)}\n" for key, value in table.items())
        for name, table in named.items()
    )


def _value(value: Any) -> str:
    if isinstance(value, dict):
        pairs = ", ".join(f"{quoted(key)} = {_value(one)}" for key, one in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    return quoted(value) if isinstance(value, str) else json.dumps(value)
