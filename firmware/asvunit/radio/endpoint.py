"""Where a UDP radio sends and listens: a broadcast, multicast or single address of IPv4 or IPv6, and its interface."""

import ipaddress
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from asvunit.errors import UsageError
from asvunit.radio.interface import look

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_IP_MULTICAST_ALL: Final = 49  # 0: only the groups that this very socket has joined
_IPV6_MULTICAST_ALL: Final = 29
_IPV6_TCLASS: Final = 67
_IP_UNICAST_IF, _IPV6_UNICAST_IF = 50, 76
_FAMILY_BYTES: Final = 2  # at the begin of every sockaddr
_KEY_END: Final = {socket.AF_INET: 8, socket.AF_INET6: 24}  # port (2), flow (4, IPv6 alone) and address
_PORT: Final = struct.Struct("!H")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`address`: as text, without a zone. Made by `endpoint`, which refuses what cannot be meant."""

    address: Address
    port: int
    interface: str | None = None

    @property
    def family(self) -> socket.AddressFamily:
        return socket.AF_INET if self.address.version == 4 else socket.AF_INET6

    @property
    def key(self) -> slice:
        """Of a raw sockaddr: what tells one sender from another."""
        return slice(_FAMILY_BYTES, _KEY_END[self.family])

    def name(self, key: bytes) -> tuple[str, int]:
        """(host, port) of a sender by that part of its sockaddr; host as text, without a zone."""
        (port,) = _PORT.unpack_from(key)
        if self.family == socket.AF_INET:
            return socket.inet_ntop(socket.AF_INET, key[2:6]), port
        return socket.inet_ntop(socket.AF_INET6, key[6:22]), port

    def index(self) -> int:
        """Of the interface now; 0: none is named, or it is absent."""
        if self.interface is not None:
            with suppress(OSError):
                return socket.if_nametoindex(self.interface)
        return 0

    def target(self, index: int = 0) -> tuple[str, int] | tuple[str, int, int, int]:
        """The address to send to, as sockets take it."""
        if self.family == socket.AF_INET:
            return str(self.address), self.port
        return str(self.address), self.port, 0, index if _zoned(self.address) else 0

    def prepare_sender(self, sock: socket.socket, ttl: int, priority: int) -> None:
        """For a socket that sends there: broadcast, number of hops, 802.1D user priority in the DSCP."""
        index, traffic_class = self.index(), priority << 5
        if self.family == socket.AF_INET:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, traffic_class)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, ttl)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)  # other units on this machine
        else:
            sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_TCLASS, traffic_class)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, ttl)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 1)
        self.send_by(sock, index)

    def send_by(self, sock: socket.socket, index: int) -> None:
        """Send by the interface of this index; 0: by whichever the routes say."""
        if not index:
            return
        if self.family == socket.AF_INET6:
            option, value = (socket.IPV6_MULTICAST_IF, struct.pack("@I", index))
            if not self.address.is_multicast:
                option, value = (_IPV6_UNICAST_IF, struct.pack("!I", index))
            sock.setsockopt(socket.IPPROTO_IPV6, option, value)
        elif self.address.is_multicast:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack("@8xi", index))
        else:  # 255.255.255.255 goes by any interface; not SO_BINDTODEVICE, which only root may change later
            sock.setsockopt(socket.IPPROTO_IP, _IP_UNICAST_IF, struct.pack("!I", index))

    def connect(self, sock: socket.socket, index: int) -> None:
        """A new socket is to send there alone; it is bound to the interface if one is named."""
        if self.family == socket.AF_INET:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        if index:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, str(self.interface).encode() + b"\0")
        sock.connect(self.target(index))

    def prepare_receiver(self, sock: socket.socket) -> None:
        """For a socket that is to hear what others send there; it is bound by this."""
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # several units on this machine
        if self.family == socket.AF_INET:
            if self.address.is_multicast:
                sock.setsockopt(socket.IPPROTO_IP, _IP_MULTICAST_ALL, 0)
            sock.bind(("", self.port))
        else:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            if self.address.is_multicast:
                with suppress(OSError):  # Linux has it since 4.20
                    sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_MULTICAST_ALL, 0)
            sock.bind(("::", self.port))

    def join(self, sock: socket.socket, index: int) -> bool:
        """Take part in the group on this interface (0: the routes'), anew if it does already; whether it does now."""
        if self.family == socket.AF_INET:
            level, leave, enter = socket.IPPROTO_IP, socket.IP_DROP_MEMBERSHIP, socket.IP_ADD_MEMBERSHIP
            request = self.address.packed + struct.pack("@4xi", index)
        else:
            level, leave, enter = socket.IPPROTO_IPV6, socket.IPV6_LEAVE_GROUP, socket.IPV6_JOIN_GROUP
            request = self.address.packed + struct.pack("@i", index)
        with suppress(OSError):
            sock.setsockopt(level, leave, request)
        try:
            sock.setsockopt(level, enter, request)
        except OSError:
            return False
        return True

    def own_host(self, index: int = 0) -> str:
        """The address of this machine from which it sends there now; "" without a way."""
        with suppress(OSError), socket.socket(self.family, socket.SOCK_DGRAM) as probe:
            self.connect(probe, index)  # sends nothing
            return str(probe.getsockname()[0]).partition("%")[0]
        return ""


def endpoint(address: str, port: int, interface: str | None = None) -> Endpoint:
    """UsageError for what is no IP address or nowhere, for an interface that is absent, needed, or of no use."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        raise UsageError(
            f"radio.address: {address!r} is no IP address; give a broadcast (192.168.1.255) or multicast address "
            "(239.255.47.1, ff02::4710), 127.255.255.255 for units on this machine"
        ) from None
    if parsed.is_unspecified:
        raise UsageError(
            f"radio.address: {address} is where to listen, and nowhere to send; give the network's broadcast or a "
            "multicast address"
        )
    if parsed.version == 6 and parsed.scope_id:
        raise UsageError(
            f'radio.address: {address!r} names an interface; give radio.interface = "{parsed.scope_id}" instead'
        )
    if interface is None and _zoned(parsed):
        raise UsageError(
            f"radio.interface: {address} means another network on each interface; name one of `ip -br link`"
        )
    out = Endpoint(parsed, port, interface)
    if interface is not None and not out.index():
        raise UsageError(f"radio.interface: there is no network interface {interface!r}; `ip -br link` lists them")
    if interface is not None and parsed.is_loopback and (found := look(interface)) and found.kind != "loopback":
        raise UsageError(
            f"radio.address: {address} stays on this machine and never goes by {interface}; give the broadcast address "
            "of its network or a multicast address, or no radio.interface"
        )
    return out


def source_text(host: str, port: int) -> str:
    """As units name a sender: "192.0.2.1:47100", "[2001:db8::1]:47100"."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _zoned(address: Address) -> bool:
    """Whether the address means something only together with an interface: fe80::/10, ff01::, ff02::."""
    if address.version == 4:
        return False
    return address.is_link_local or (address.is_multicast and address.packed[1] & 0x0F in (1, 2))
