"""What the kernel says of a network interface, and what is wrong with it for the radio in OCB mode.

Asked of this process's network namespace by ioctl and netlink; no program is run, no right is needed.
"""

import fcntl
import socket
import struct
from dataclasses import dataclass, replace
from typing import Final, Literal

from asvunit.errors import UsageError
from asvunit.radio.nl80211 import MONITOR, OCB, interface_type, type_name

Kind = Literal["ethernet", "ocb", "wireless", "monitor", "loopback", "other"]

_FLAGS, _MTU, _MAC = 0x8913, 0x8921, 0x8927  # SIOCGIFFLAGS, SIOCGIFMTU, SIOCGIFHWADDR
_UP, _RUNNING = 1, 0x40  # IFF_
_ETHERNET, _LOOPBACK, _RADIOTAP = 1, 772, 803  # ARPHRD_
_NAME_BYTES: Final = 15
_REQUEST_BYTES: Final = 40  # struct ifreq
_CARRIES: Final = ("ethernet", "ocb", "loopback")  # kinds that frames of the radio go by
PERMISSION: Final = "CAP_NET_RAW"


@dataclass(frozen=True, slots=True)
class Interface:
    """`mac` as `02:00:00:aa:bb:cc`; `mtu` in bytes of payload; `running`: up, and with a carrier.

    `mode`: of an 802.11 interface, as `iw dev` names its type; "" of others.
    """

    name: str
    index: int
    mac: str
    mtu: int
    up: bool
    running: bool
    kind: Kind
    mode: str = ""


def check_name(name: str, key: str) -> None:
    """UsageError, naming the key, for what no interface can be called."""
    if not 1 <= len(name.encode()) <= _NAME_BYTES or "/" in name or any(one.isspace() for one in name):
        raise UsageError(f"{key}: {name!r} is no name of a network interface; `ip -br link` lists them")


def look(name: str, known: Interface | None = None) -> Interface | None:
    """The interface as it is now; None: there is none of that name.

    `known`: how it was. Where nothing is seen to have happened to it, the mode of 802.11 is not asked again: the
    kernel may let that question wait while a driver loads.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            index = socket.if_nametoindex(name)
            (flags,) = struct.unpack_from("@H", _ask(asked, _FLAGS, name))
            (mtu,) = struct.unpack_from("@i", _ask(asked, _MTU, name))
            hardware, mac = struct.unpack_from("@H6s", _ask(asked, _MAC, name))
        except (OSError, ValueError):
            return None
    up, running = bool(flags & _UP), bool(flags & _UP and flags & _RUNNING)
    if known and (known.index, known.up, known.running) == (index, up, running):
        return replace(known, mac=mac.hex(":"), mtu=mtu)
    mode = interface_type(index) if hardware in (_ETHERNET, _RADIOTAP) else None
    kind = _kind(hardware, mode)
    return Interface(name, index, mac.hex(":"), mtu, up, running, kind, "" if mode is None else type_name(mode))


def fault(name: str, longest: int, *, monitor: bool = False) -> str:
    """Why frames with payloads of so many bytes cannot go by it, or ""; `monitor`: cannot be heard by it."""
    found = look(name)
    reason = unfit(found, longest, monitor=monitor)
    return "no_permission" if found and reason in ("", "down") and not permitted() else reason


def unfit(found: Interface | None, longest: int, *, monitor: bool = False) -> str:
    """As `fault`, of what is known; permission apart."""
    if found is None:
        return "absent"
    if monitor:
        return ("not_monitor" if found.kind != "monitor" else "") or ("" if found.up else "down")
    if found.kind not in _CARRIES:
        return "not_ocb"
    if not found.running:
        return "down"
    return "mtu_too_small" if found.mtu < longest else ""


def permitted() -> bool:
    """Whether this process may open packet sockets."""
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()
    except PermissionError:
        return False
    except OSError:  # for want of something else: that is told where it is opened
        pass
    return True


def mend(reason: str, name: str) -> str:
    """One line for people: what is wrong with the interface, and what to do."""
    found = look(name)
    if reason == "down" and found is not None and found.up:
        if found.kind == "ocb":
            return f"{name} has joined no channel: asvkit radio setup {name} --frequency MHZ --width MHZ"
        return f"{name} is up and has no carrier: look at its cable, or at what is at its other end"
    if reason == "not_ocb" and found is not None and not found.mode:
        return f"{name} carries no Ethernet frames; radio.interface is to be one of 802.11p, or of Ethernet"
    if reason == "not_ocb":
        mode = found.mode if found else "another"
        return f"{name} is in {mode} mode, not OCB: asvkit radio setup {name} --frequency MHZ --width MHZ"
    if reason == "mtu_too_small":
        return f"the MTU of {name}, {found.mtu if found else 0}, is too small for a frame: ip link set {name} mtu 1500"
    return _MENDS[reason].format(name=name)


_MENDS: Final = {
    "absent": "there is no network interface {name!r}; plug it in, or look at `ip -br link`",
    "down": "{name} is down: ip link set {name} up",
    "no_permission": "packet sockets of {name} need " + PERMISSION + ": AmbientCapabilities=" + PERMISSION
    + " CAP_NET_ADMIN in its service, or by hand: sudo (docs/radio.md)",
    "not_monitor": "{name} is no monitor interface with radiotap: iw dev WLAN interface add {name} type monitor",
}  # fmt: skip


def _kind(hardware: int, mode: int | None) -> Kind:
    if hardware == _RADIOTAP:
        return "monitor"
    if hardware == _LOOPBACK:
        return "loopback"
    if hardware != _ETHERNET:
        return "other"
    if mode is None:
        return "ethernet"
    return "ocb" if mode == OCB else "monitor" if mode == MONITOR else "wireless"


def _ask(asked: socket.socket, what: int, name: str) -> bytes:
    """The value of an ifreq."""
    answer = fcntl.ioctl(asked, what, struct.pack(f"@16s{_REQUEST_BYTES - 16}x", name.encode()))
    return answer[16:]
