"""python-can's interfaces: how each is opened so that it only listens, and which of its arguments a user may give.

What is here of the interfaces for vendors' adapters comes from python-can's source, not from trying the adapters.
"""

import errno
import importlib
import inspect
import socket
from collections.abc import Mapping
from typing import Any, Final

import can
from can.interfaces import BACKENDS

from asvunit.errors import UsageError, nearest

Option = str | int | float | bool

# Frames as SocketCAN gives them: Unix time of receipt, error classes in the identifier. To open these does no harm.
SOCKET_LIKE: Final = frozenset({"socketcan", "udp_multicast", "virtual"})
SERIAL: Final = frozenset({"robotell", "seeedstudio", "serial", "slcan"})  # their channel is a serial device

# Their classes take any argument and do nothing with those they do not name.
_NAMES_ALL: Final = frozenset({"serial", "slcan", "socketcan", "udp_multicast", "virtual"})
_OWN_KEYS: Final = ("interface", "channel", "bitrate", "listen_only")
_DEFAULTS: Final[dict[str, dict[str, Any]]] = {
    "slcan": {"sleep_after_open": 0, "timeout": 0.05},  # of each serial read; python-can's 1 ms is polling
    "udp_multicast": {"hop_limit": 0},
}
_LISTEN_ONLY: Final[dict[str, dict[str, Any]]] = {  # where no argument of the signature is called that
    "cantact": {"monitor": True},
    "kvaser": {"driver_mode": False},
    "nixnet": {"listen_only": True},
    "pcan": {"state": can.BusState.PASSIVE},
    "seeedstudio": {"operation_mode": "silent"},
    "systec": {"state": can.BusState.PASSIVE},
}
_NUMBERS: Final = ((int, float), "a number")
_KINDS: Final[dict[type, tuple[tuple[type, ...], str]]] = {  # type of an argument's default: what may be given
    bool: ((bool,), "true or false"), int: _NUMBERS, float: _NUMBERS, str: ((str,), "text"),
}  # fmt: skip


def bus_class(interface: str) -> type[can.BusABC]:
    """The interface's class; UsageError if there is none, or not on this machine."""
    if interface not in BACKENDS:
        near = nearest(interface, BACKENDS) or "; the usual ones are socketcan and slcan"
        raise UsageError(f"can.interface: python-can has no {interface!r}{near}")
    module, name = BACKENDS[interface]
    try:
        found: type[can.BusABC] = getattr(importlib.import_module(module), name)
    except Exception as error:  # a driver's package or library that is not there: whatever that raises
        raise UsageError(f"can.interface: {interface} cannot be loaded: {error}; install what it needs") from error
    return found


def open_bus(interface: str, channel: str, **arguments: Any) -> can.BusABC:
    """Opens a bus, without python-can's configuration files."""
    if interface == "socketcan":
        try:
            socket.if_nametoindex(channel)
        except OSError:  # without a number in Python 3.11
            raise OSError(errno.ENODEV, "no such network interface") from None
    return bus_class(interface)(channel, **arguments)


def arguments(interface: str, bitrate: int | None, listen_only: bool, options: Mapping[str, Option]) -> dict[str, Any]:
    """What the interface is opened with, the user's options last."""
    given = dict(_DEFAULTS.get(interface, {}))
    if bitrate is not None:
        given["bitrate"] = bitrate
    if listen_only:
        named = "listen_only" in inspect.signature(bus_class(interface)).parameters
        given |= {"listen_only": True} if named else _LISTEN_ONLY.get(interface, {})
    return {**given, **options}


def check_arguments(interface: str, bitrate: int | None, options: Mapping[str, Option]) -> None:
    """UsageError naming the key of what the interface cannot be opened with, as far as it tells before."""
    found = bus_class(interface)
    rates = getattr(found, "_BITRATES", {}) if interface == "slcan" else {}
    if rates and bitrate not in {None, *rates}:
        raise UsageError(f"can.bitrate: slcan has no {bitrate}; it has {', '.join(map(str, sorted(rates)))}")
    parameters = inspect.signature(found).parameters
    named = {name: each for name, each in parameters.items() if each.kind is not each.VAR_KEYWORD}
    known = sorted(set(named) - {*_OWN_KEYS, "can_filters"})
    open_ended = len(named) < len(parameters) and interface not in _NAMES_ALL
    for name, value in options.items():
        key = f"can.options.{name}"
        if name in _OWN_KEYS:
            raise UsageError(f"{key}: give it as can.{name}")
        if name not in known and (name in named or not open_ended):
            raise UsageError(f"{key}: {interface} has no such option{nearest(name, known)}; it has {', '.join(known)}")
        kinds, text = _KINDS.get(type(named[name].default) if name in named else object, ((), ""))
        if kinds and (not isinstance(value, kinds) or isinstance(value, bool) != (kinds == (bool,))):
            raise UsageError(f"{key}: must be {text}, not {value!r}")
