"""Puts a unit together from its configuration: which adapter stands behind each port, and what it will be.

Every part can be described without being opened for good: `asvkit config check` asks for that.
"""

import importlib.util
import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from asvunit.adapters.gnss_gpsd import GpsdGnss
from asvunit.adapters.gnss_serial import SerialGnss
from asvunit.adapters.gpio import GpioOutputs, choose_factory
from asvunit.adapters.supports import UdpSupports
from asvunit.adapters.udp import UdpRadio
from asvunit.authority import Authority
from asvunit.authority_keys import key_id, load_keys
from asvunit.canbus.assembly import can_inputs, described
from asvunit.config import Config
from asvunit.errors import UsageError
from asvunit.event_hub import SOCKET_PATH_BYTES, EventHub
from asvunit.gnss.gpsd_address import gpsd_address
from asvunit.inbox import Inbox
from asvunit.intersections import load_intersections
from asvunit.parts import Parts
from asvunit.pins import load_pins
from asvunit.ports import LiveInput, Outputs
from asvunit.presenter import Presenter
from asvunit.recordings import load_map
from asvunit.sender import Sender
from asvunit.vehicle import VehicleMap
from asvunit.verifier import Verifier


def beside(folder: Path, name: str | None) -> Path | None:
    """A file that the configuration names, looked for beside it."""
    return None if name is None else folder / name


def vehicle_map(config: Config, folder: Path) -> VehicleMap | None:
    """The car's signal map, or None without a bus."""
    if config.can.interface is None:
        if config.can.bus:
            raise UsageError("can.interface: missing: [can] itself is the signal map's first bus")
        return None
    if config.vehicle.map is None:
        raise UsageError('vehicle.map: missing: a CAN bus needs the car\'s signal map, e.g. map = "bench"')
    near = folder / config.vehicle.map
    return load_map(near if near.is_file() else config.vehicle.map, None, [folder])


def gnss_input(config: Config) -> SerialGnss | GpsdGnss | None:
    """The receiver, checked; None without one."""
    receiver: SerialGnss | GpsdGnss
    if config.gnss.gpsd is not None:
        receiver = GpsdGnss(*gpsd_address(config.gnss.gpsd), config.gnss.device or "")
    elif config.gnss.port is not None:
        receiver = SerialGnss(config.gnss.port, config.gnss.baud)
    else:
        return None
    receiver.check()
    return receiver


def radio(config: Config) -> UdpRadio | None:
    """The radio, open; None without one."""
    return None if config.radio.kind == "off" else UdpRadio(config.radio.address, config.radio.port)


def supports_input(config: Config) -> UdpSupports | None:
    """What hears other support systems, checked; None without."""
    if config.supports.port is None:
        return None
    heard = UdpSupports(config.supports.address, config.supports.port)
    heard.check()
    return heard


def authority(config: Config) -> Authority | None:
    """What verifies particular vehicles' trailers; None without keys."""
    keys = load_keys(config.emergency.keys)
    return Authority(keys) if keys else None


def gpio(config: Config, folder: Path) -> GpioOutputs | None:
    """Lamps and buzzer, open; None without."""
    if config.hmi.gpio == "off":
        return None
    pins = load_pins(beside(folder, config.hmi.pins))
    return GpioOutputs(pins, choose_factory(config.hmi.gpio), beside(folder, config.hmi.record))


def assemble(
    config: Config, folder: Path, hub: EventHub, stack: ExitStack, extra: dict[str, LiveInput], screens: list[Outputs]
) -> tuple[Parts, VehicleMap | None]:
    """All parts of a live unit; `stack` closes them. `extra`: inputs that stand in for real ones, by port."""
    car = None if "can" in extra else vehicle_map(config, folder)
    inbox = Inbox()
    stack.callback(inbox.close)
    inputs: dict[str, LiveInput] = dict(extra)
    for name, part in (
        ("gnss", None if "gnss" in extra else gnss_input(config)),
        *can_inputs(config, car).items(),
        ("supports", supports_input(config)),
    ):
        if part is not None:
            inputs[name] = part
    on_air = radio(config)
    if on_air is not None:
        stack.callback(on_air.close)
    lamps = gpio(config, folder)
    outputs = [*([lamps] if lamps else []), *screens]
    for one in outputs:
        stack.callback(one.close)
    sender = Sender(on_air) if on_air else None
    keyed = authority(config) if on_air else None
    verifier = Verifier(keyed, inbox.put) if keyed else None
    return Parts(inbox, inputs, on_air, sender, Presenter(outputs), hub.publish, lambda: hub.fault, verifier), car


# What each part will be, in words


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


def _radio(config: Config, _folder: Path) -> str:
    opened = radio(config)
    if opened is None:
        return "off"
    opened.close()
    return f"UDP to {config.radio.address}, port {config.radio.port}"


def _supports(config: Config, _folder: Path) -> str:
    if supports_input(config) is None:
        return "none: no other support systems are heard"
    return f"those of other systems, UDP at {config.supports.address}, port {config.supports.port}"


def _emergency(config: Config, _folder: Path) -> str:
    ids = sorted(key_id(name) for name in config.emergency.keys)
    off = "" if config.emergency.enabled else "off; "
    if not ids:
        return f"{off}no authority keys: emergency vehicles count as ordinary ones"
    return f"{off}{len(ids)} authority key{'s'[: len(ids) > 1]}: {', '.join(map(str, ids))}"


def _hmi(config: Config, folder: Path) -> str:
    if config.hmi.gpio == "off":
        return "off"
    load_pins(beside(folder, config.hmi.pins))
    record = beside(folder, config.hmi.record)
    if record is not None:
        _writable("hmi.record", record)
    factory = choose_factory(config.hmi.gpio)
    if factory == "lgpio" and importlib.util.find_spec("lgpio") is None:
        raise UsageError("hmi.gpio: lgpio is not installed; pip install 'asvkit[pi]', or set gpio to auto")
    return "GPIO of this Raspberry Pi (lgpio)" if factory == "lgpio" else "mock pins: no lamp is lit on this machine"


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
    "events": _events,
    "intersections": _intersections,
}
