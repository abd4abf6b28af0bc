"""The radio of a vehicle that is played: one socket with a source of its own, by UDP or in OCB mode; a free port."""

import random
import socket
from collections import Counter
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Final, Self

from asvrig.scenario import Vehicle
from asvunit.config import RadioTable
from asvunit.errors import AsvkitError, UsageError
from asvunit.identity import ignition_mac
from asvunit.radio.endpoint import endpoint, source_text
from asvunit.radio.ethernet import header
from asvunit.radio.interface import check_name, fault, mend
from asvunit.trailer import SIGNED_FRAME_BYTES

_PORTS: Final = range(20_000, 32_000)  # Linux takes 32768 and up for sockets that ask for any


class RadioSender:
    """Sends payloads by UDP, IPv4 or IPv6, from an ephemeral port that tells it from the others."""

    def __init__(
        self, address: str, port: int, *, interface: str | None = None, ttl: int = 1, priority: int = 5
    ) -> None:
        """UsageError for an address, an interface or a network that it cannot send to."""
        try:
            end = endpoint(address, port, interface)
            with ExitStack() as opened:
                sock = opened.enter_context(socket.socket(end.family, socket.SOCK_DGRAM))
                end.prepare_sender(sock, ttl, priority)
                end.connect(sock, end.index())
                opened.pop_all()
        except (OSError, OverflowError, UsageError) as error:
            reason = getattr(error, "strerror", None) or error
            where = source_text(address, port)
            raise UsageError(f"{where}: the radio cannot send there: {reason}") from error
        host, own_port = sock.getsockname()[:2]
        self._begin(sock, source_text(host.partition("%")[0], own_port))

    def _begin(self, sock: socket.socket, source: str, before: bytes = b"") -> None:
        sock.setblocking(False)
        self.dropped: Counter[str] = Counter()  # payloads by reason: "no_room", "network"
        self.sent = 0
        self._socket, self._before = sock, before
        # As units name it in their events: "127.0.0.1:40000", "[fe80::1]:40000", "02:00:00:aa:bb:cc"
        self.source = source

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._socket.fileno() < 0

    def send(self, payload: bytes) -> None:
        """Sends one payload; never blocks, never raises: what the network does not take is counted."""
        try:
            self._socket.send(self._before + payload)
            self.sent += 1
        except BlockingIOError:
            self.dropped["no_room"] += 1
        except OSError:
            self.dropped["network"] += 1

    def close(self) -> None:
        """May be called twice."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class OcbSender(RadioSender):
    """Sends payloads as Ethernet frames from a MAC address of its own, on an interface in OCB mode or any Ethernet."""

    def __init__(self, interface: str, mac: str, *, priority: int = 5) -> None:
        """UsageError with the mend for an interface that is not there, down, of another kind, or not permitted."""
        check_name(interface, "radio.interface")
        reason = fault(interface, SIGNED_FRAME_BYTES)
        if reason:
            raise UsageError(f"radio.interface: {mend(reason, interface)}")
        with ExitStack() as opened:
            try:
                sock = opened.enter_context(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0))
                with suppress(PermissionError):  # 802.11 alone has it, and needs CAP_NET_ADMIN
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, 256 + priority)
                sock.bind((interface, 0))  # of no EtherType: it hears nothing
            except OSError as error:
                raise UsageError(f"radio.interface: {interface}: {error.strerror}") from error
            opened.pop_all()
        self._begin(sock, mac, header(mac))


def radio_sender(table: RadioTable, seed: int | None = None) -> RadioSender:
    """One vehicle's sender on the radio of a unit's configuration; `seed`: of its MAC address, none: a random one."""
    if table.kind == "off":
        raise UsageError("radio.kind: off; nothing can be sent")
    if table.kind == "udp":
        return RadioSender(table.address, table.port, interface=table.interface, ttl=table.ttl, priority=table.priority)
    if table.interface is None:
        raise UsageError('radio.interface: kind = "ocb" needs one')
    mac = ignition_mac(random.getrandbits(62) if seed is None else seed)
    return OcbSender(table.interface, mac, priority=table.priority)


def check_address(vehicle: Vehicle) -> None:
    """UsageError for a played vehicle whose radio asks for an address: a datagram has that of its socket."""
    if vehicle.mac is not None:
        raise UsageError(f"vehicle {vehicle.name!r}: mac: a live radio sends from a port of its own; leave it out")


def free_udp_port() -> int:
    """A UDP port that no program of this machine has bound, below those that the kernel gives to senders."""
    for port in random.sample(_PORTS, len(_PORTS)):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("", port))  # without SO_REUSEADDR: none that is shared
            except OSError:
                continue
            return port
    raise AsvkitError("no UDP port is free; close what holds many of them")
