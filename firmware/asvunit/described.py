"""What each part of a unit will be, in words, by its configuration: `asvkit config check` asks for that.

Every part is tried as far as that goes without keeping it open.
"""

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from asvunit.adapters.gnss_gpsd import GpsdGnss
from asvunit.adapters.gpio import choose_factory
from asvunit.assembly import beside, check_in_action, gnss_input, own_key, radio, supports_input, vehicle_map
from asvunit.authority_keys import key_id
from asvunit.canbus.assembly import can_inputs, described
from asvunit.config import Config
from asvunit.errors import UsageError
from asvunit.event_hub import SOCKET_PATH_BYTES
from asvunit.intersections import load_intersections
from asvunit.pins import check_pins, load_pins
from asvunit.radio.ethernet import ETHERTYPE
from asvunit.screen.setting import in_url
from asvunit.screen_process import ScreenProcess


def _vehicle(config: Config, folder: Path) -> str:
    car = vehicle_map(config, folder)
    length = f"{config.vehicle.length_m:g} m" if config.vehicle.length_m else "length not known"
    named = f", map {car.path}: {', '.join(car.mapped)}" if car else ""
    return f"{config.vehicle.kind}, {length}, class {config.vehicle.position_class}{named}"


def _gnss(config: Config, _folder: Path) -> str:
    if config.ego.simulate != "off":
        return f"simulated: the ego of scenario {config.ego.scenario}"
    receiver = gnss_input(config)
    if receiver is None:
        return "none: no own position, so no support and no position sent"
    if isinstance(receiver, GpsdGnss):
        which = config.gnss.device or "its first receiver that speaks"
        return f"{receiver.at}, {which}{'' if receiver.answers() else ' (does not answer now; waited for)'}"
    port = str(config.gnss.port)
    return f"{port} at {config.gnss.baud} baud{'' if os.path.exists(port) else ' (not there now; waited for)'}"


def _can(config: Config, folder: Path) -> str:
    car = vehicle_map(config, folder)
    if car is None:
        return "none" if config.ego.simulate == "off" else "simulated as well"
    return described(config, can_inputs(config, car), car)


def _radio(config: Config, folder: Path) -> str:
    opened = radio(config)
    if opened is None:
        return "off"
    link = opened.tend()
    opened.close()
    capture = beside(folder, config.radio.capture)
    if capture is not None:
        _writable("radio.capture", capture)
    told = f"; all of it written to {capture}" if capture else ""
    waits = "" if link is None else f" (now {link.reason}: {link.detail})"
    if link and link.up:
        _interface, _mark, lacks = link.detail.partition("; ")
        waits = f" ({lacks})" if lacks else ""
    if config.radio.kind == "ocb":
        return f"frames on {config.radio.interface}, EtherType 0x{ETHERTYPE:04X}{waits}{told}"
    return f"UDP to {config.radio.address}, port {config.radio.port}{waits}{told}"


def _supports(config: Config, _folder: Path) -> str:
    if supports_input(config) is None:
        return "none: no other support systems are heard"
    return f"those of other systems, UDP at {config.supports.address}, port {config.supports.port}"


def _emergency(config: Config, folder: Path) -> str:
    return f"{_keys(config)}; {_own_key(config, folder)}"


def _own_key(config: Config, folder: Path) -> str:
    path = beside(folder, config.emergency.own_key)
    if path is None:
        check_in_action(config, None)
        return "no own key: an ordinary vehicle"
    mine = own_key(path)
    check_in_action(config, vehicle_map(config, folder))
    words = {"signal": "while the signal map's emergency is on", "always": "always", "never": "never"}
    return f"own key {mine.key_id:#x}: in action {words[config.emergency.in_action]}"


def _keys(config: Config) -> str:
    ids = sorted(key_id(name) for name in config.emergency.keys)
    off = "" if config.emergency.enabled else "off; "
    if not ids:
        return f"{off}no authority keys: emergency vehicles count as ordinary ones"
    return f"{off}{len(ids)} authority key{'s'[: len(ids) > 1]}: {', '.join(map(str, ids))}"


def _hmi(config: Config, folder: Path) -> str:
    if config.hmi.gpio == "off":
        return "off"
    check_pins(load_pins(beside(folder, config.hmi.pins)), config.gnss.port)
    for key, file in (("record", config.hmi.record), ("switches", config.hmi.switches)):
        path = beside(folder, file)
        if path is not None:
            _writable(f"hmi.{key}", path)
    factory = choose_factory(config.hmi.gpio)
    if factory == "lgpio" and importlib.util.find_spec("lgpio") is None:
        raise UsageError("hmi.gpio: lgpio is not installed; pip install 'asvkit[pi]', or set gpio to auto")
    return "GPIO of this Raspberry Pi (lgpio)" if factory == "lgpio" else "mock pins: no lamp is lit on this machine"


def _screen(config: Config, _folder: Path) -> str:
    table = config.screen
    if table.port is None:
        return "no web page is served"
    now = ""
    try:
        ScreenProcess(table, config.presentation.language, lambda _feed: None).stop()
    except UsageError as error:
        if "in use" not in str(error):
            raise
        now = " (the port is in use now, by this unit if it runs)"
    alone = table.address == "localhost" or table.address.startswith("127.") or table.address == "::1"
    who = "this machine alone" if alone else "whoever reaches this address"
    return f"http://{in_url(table.address)}:{table.port}/ and /bench, for {who}{now}"


def _intersections(config: Config, folder: Path) -> str:
    found = load_intersections(config, folder)
    if found is None:
        return "none: no node ahead is known, and none is sent"
    ignored = found.counters["other_geometry"]
    left_out = f"; {ignored} features that are no points are ignored" if ignored else ""
    return f"{config.intersections.map}: {len(found)} nodes, {found.with_priority} with priority{left_out}"


def _events(config: Config, folder: Path) -> str:
    ways = [beside(folder, name) for name in (config.events.file, config.events.socket)]
    for key, way in zip(("file", "socket"), ways, strict=True):
        if way is not None:
            _writable(f"events.{key}", way)
    if ways[1] is not None and len(os.fsencode(ways[1])) > SOCKET_PATH_BYTES:
        raise UsageError(f"events.socket: {ways[1]}: longer than {SOCKET_PATH_BYTES} bytes; name a shorter path")
    return ", ".join(str(way) for way in ways if way) or "neither written nor offered"


def _record(config: Config, folder: Path) -> str:
    table = config.record
    path = beside(folder, table.folder)
    if path is None:
        return "no session is recorded"
    there = next(one for one in (path, *path.parents) if one.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise UsageError(f"record.folder: {there} is no folder that can be written; make it or name another")
    frames = "all frames of the bus" if table.can == "all" else "the frames of the signal map"
    return f"{path}, {frames}; kept {table.keep_days:g} days, {table.max_mb} MB in all"


def _writable(key: str, path: Path) -> None:
    if not (path.parent.is_dir() and os.access(path.parent, os.W_OK)):
        raise UsageError(f"{key}: {path.parent} is no folder that can be written; make it or name another")
    if path.is_dir() or (path.exists() and not os.access(path, os.W_OK)):
        raise UsageError(f"{key}: {path} is no file that can be written; name another")


PARTS: Final[dict[str, Callable[[Config, Path], str]]] = {
    "vehicle": _vehicle,
    "gnss": _gnss,
    "can": _can,
    "radio": _radio,
    "supports": _supports,
    "emergency": _emergency,
    "hmi": _hmi,
    "screen": _screen,
    "events": _events,
    "record": _record,
    "intersections": _intersections,
}
