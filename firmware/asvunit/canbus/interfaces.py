"""python-can's interfaces: how each is opened so that it only listens, and which of its arguments a user may give.

What is here of the interfaces for vendors' adapters comes from python-can's source, not from trying the adapters.
"""

import errno
import importlib
import inspect
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import can
from can.interfaces import BACKENDS

from asvunit.canbus.filters import Wanted, as_filter
from asvunit.canbus.multicast import filter_datagrams
from asvunit.canbus.silent import settle_mode
from asvunit.errors import UsageError, nearest

Option = str | int | float | bool

# Frames as SocketCAN gives them: Unix time of receipt, error classes in the identifier. To open these does no harm.
SOCKET_LIKE: Final = frozenset({"socketcan", "udp_multicast", "virtual"})
SERIAL: Final = frozenset({"robotell", "seeedstudio", "serial", "slcan"})  # their channel is a serial device

# Their classes take any argument and do nothing with those they do not name.
_NAMES_ALL: Final = frozenset({"serial", "slcan", "socketcan", "udp_multicast", "virtual"})
_OWN_KEYS: Final = ("interface", "channel", "bitrate", "fd", "data_bitrate", "listen_only")
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
_FD: Final[dict[str, dict[str, Any]]] = {  # how each is told to take CAN FD; its data bit rate goes along where it can
    "virtual": {"protocol": can.CanProtocol.CAN_FD},
    **{name: {"fd": True} for name in ("etas", "ixxat", "kvaser", "neovi", "nixnet", "socketcan")},
    **{name: {"fd": True} for name in ("udp_multicast", "vector")},
    **{name: {} for name in ("pcan", "slcan")},  # by their timing
}
_DATA_RATE: Final = {
    **dict.fromkeys(("etas", "ixxat", "kvaser", "neovi", "vector"), "data_bitrate"),
    "nixnet": "fd_bitrate",
}
_TIMED: Final = frozenset({"pcan", "slcan"})
_CLOCK_HZ, _SAMPLE_PERCENT = 80_000_000, 80.0  # of a timing; python-can adapts the clock, slcan takes the rates alone
_FILTERS: Final = 512  # at most, of SocketCAN
_NUMBERS: Final = ((int, float), "a number")
_KINDS: Final[dict[type, tuple[tuple[type, ...], str]]] = {  # type of an argument's default: what may be given
    bool: ((bool,), "true or false"), int: _NUMBERS, float: _NUMBERS, str: ((str,), "text"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Adapter:
    """One bus of the configuration. `key`: its table there, as "can" or "can.bus.chassis"."""

    interface: str
    channel: str
    bitrate: int | None = None
    fd: bool = False
    data_bitrate: int | None = None
    listen_only: bool = True
    options: Mapping[str, Option] = field(default_factory=dict)
    key: str = "can"


def bus_class(interface: str, key: str = "can") -> type[can.BusABC]:
    """The interface's class; UsageError if there is none, or not on this machine."""
    if interface not in BACKENDS:
        near = nearest(interface, BACKENDS) or "; the usual ones are socketcan and slcan"
        raise UsageError(f"{key}.interface: python-can has no {interface!r}{near}")
    module, name = BACKENDS[interface]
    try:
        found: type[can.BusABC] = getattr(importlib.import_module(module), name)
    except Exception as error:  # a driver's package or library that is not there: whatever that raises
        text = f"{interface} cannot be loaded: {error}; install what it needs"
        raise UsageError(f"{key}.interface: {text}") from error
    return found


def open_bus(interface: str, channel: str, **arguments: Any) -> can.BusABC:
    """Opens a bus, without python-can's configuration files."""
    if interface == "socketcan":
        try:
            socket.if_nametoindex(channel)
        except OSError:  # without a number in Python 3.11
            raise OSError(errno.ENODEV, "no such network interface") from None
    bus = bus_class(interface)(channel, **arguments)
    if interface == "slcan":
        try:
            settle_mode(bus, bool(arguments.get("listen_only")))
        except BaseException:
            close_bus(bus)
            raise
    return bus


def arguments(adapter: Adapter) -> dict[str, Any]:
    """What the interface is opened with, the user's options last."""
    interface = adapter.interface
    given = dict(_DEFAULTS.get(interface, {}))
    if adapter.bitrate is not None:
        given["bitrate"] = adapter.bitrate
    if adapter.fd:
        given |= _fd_arguments(adapter)
    elif interface == "udp_multicast":
        given["fd"] = False  # python-can's default there is to take them
    if adapter.listen_only:
        named = "listen_only" in inspect.signature(bus_class(interface, adapter.key)).parameters
        given |= {"listen_only": True} if named else _LISTEN_ONLY.get(interface, {})
    return {**given, **adapter.options}


def _fd_arguments(adapter: Adapter) -> dict[str, Any]:
    given = dict(_FD.get(adapter.interface, {}))
    if adapter.data_bitrate is None:
        return given
    if adapter.interface in _DATA_RATE:
        given[_DATA_RATE[adapter.interface]] = adapter.data_bitrate
    elif adapter.interface in _TIMED and adapter.bitrate is not None:
        given["timing"] = can.BitTimingFd.from_sample_point(
            f_clock=_CLOCK_HZ, nom_bitrate=adapter.bitrate, nom_sample_point=_SAMPLE_PERCENT,
            data_bitrate=adapter.data_bitrate, data_sample_point=_SAMPLE_PERCENT,
        )  # fmt: skip
    return given


def filter_frames(bus: can.BusABC, identifiers: Sequence[Wanted]) -> bool:
    """Has the system or the driver pass on these frames alone; False where it cannot.

    Where neither does, python-can would filter in Python: slower than the caller's own set, and error frames too.
    """
    multicast = getattr(bus, "_multicast", None)
    if multicast is not None and len(identifiers) <= _FILTERS:
        return filter_datagrams(multicast._socket, identifiers)
    if type(bus)._apply_filters is can.BusABC._apply_filters or len(identifiers) > _FILTERS:
        return False
    bus.set_filters(
        [{"can_id": number, "can_mask": mask, "extended": extended}
         for number, mask, extended in sorted(map(as_filter, identifiers))]
    )  # fmt: skip
    if getattr(bus, "_is_filtered", True):
        return True
    bus.set_filters(None)
    return False


def forbid_sending(bus: can.BusABC) -> None:
    """A car is never written to: whoever tries gets an error instead of a frame on its bus."""

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError("this bus is only listened to")

    for name in ("send", "send_periodic", "_send_periodic_internal"):
        setattr(bus, name, refuse)


def close_bus(bus: can.BusABC) -> None:
    """Whatever state it is in."""
    with suppress(Exception):  # of a device that is gone
        bus.shutdown()
    close_port(bus)


def close_port(bus: can.BusABC) -> None:
    """Of slcan: nothing is written to a device that is gone, and its closing may fail before it closes the port."""
    port = getattr(bus, "serialPortOrig", None)
    if port is not None:
        with suppress(Exception):
            port.close()


def check_arguments(adapter: Adapter) -> None:
    """UsageError naming the key of what the interface cannot be opened with, as far as it tells before."""
    found = bus_class(adapter.interface, adapter.key)
    _check_rates(adapter, found)
    _check_options(adapter, found)


def _check_rates(adapter: Adapter, found: type[can.BusABC]) -> None:
    key, interface = adapter.key, adapter.interface
    for name, rate, known in (
        ("bitrate", adapter.bitrate, getattr(found, "_BITRATES", {})),
        ("data_bitrate", adapter.data_bitrate, getattr(found, "_DATA_BITRATES", {})),
    ):
        rates = sorted(set(known) - {0}) if interface == "slcan" else []
        if rates and rate not in {None, *rates}:
            raise UsageError(f"{key}.{name}: slcan has no {rate}; it has {', '.join(map(str, rates))}")
    if adapter.data_bitrate is not None and not adapter.fd:
        raise UsageError(f"{key}.data_bitrate: it is of CAN FD; give fd = true too, or take it out")
    if adapter.fd and interface not in _FD:
        raise UsageError(f"{key}.fd: {interface} has no CAN FD; those that have: {', '.join(sorted(_FD))}")
    if adapter.data_bitrate is not None and interface in _TIMED:
        if adapter.bitrate is None:
            raise UsageError(f"{key}.bitrate: missing; {interface} needs it with data_bitrate")
        try:
            _fd_arguments(adapter)
        except ValueError:
            rates_text = f"no bit timing has {adapter.bitrate} and {adapter.data_bitrate} bit/s; look at bitrate too"
            raise UsageError(f"{key}.data_bitrate: {rates_text}") from None


def _check_options(adapter: Adapter, found: type[can.BusABC]) -> None:
    interface = adapter.interface
    parameters = inspect.signature(found).parameters
    named = {name: each for name, each in parameters.items() if each.kind is not each.VAR_KEYWORD}
    known = sorted(set(named) - {*_OWN_KEYS, "can_filters"})
    open_ended = len(named) < len(parameters) and interface not in _NAMES_ALL
    for name, value in adapter.options.items():
        key = f"{adapter.key}.options.{name}"
        if name in _OWN_KEYS:
            raise UsageError(f"{key}: give it as {adapter.key}.{name}")
        if name not in known and (name in named or not open_ended):
            raise UsageError(f"{key}: {interface} has no such option{nearest(name, known)}; it has {', '.join(known)}")
        kinds, text = _KINDS.get(type(named[name].default) if name in named else object, ((), ""))
        if kinds and (not isinstance(value, kinds) or isinstance(value, bool) != (kinds == (bool,))):
            raise UsageError(f"{key}: must be {text}, not {value!r}")
