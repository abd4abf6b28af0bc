"""The radio over UDP: one payload a datagram, broadcast or multicast, with the kernel's time of receipt.

Several units on one machine share the port; each sends from an ephemeral port of its own, which is its
source. The kernel's receive buffer is the bounded queue: what it had to drop is counted.
"""

import errno
import ipaddress
import socket
import struct
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from asvunit.errors import UsageError
from asvunit.ports import RadioFrame

_SO_TIMESTAMPNS: Final = 35  # a timespec beside each datagram
_SO_RXQ_OVFL: Final = 40  # and how many the socket has dropped so far
_IP_MULTICAST_ALL: Final = 49
_TIMESPEC: Final = struct.Struct("@ll")
_LONGEST: Final = 2048  # longer is malformed all the same
_ANCILLARY: Final = socket.CMSG_SPACE(_TIMESPEC.size) + socket.CMSG_SPACE(4)
_BUFFER_BYTES: Final = 1 << 20
_OWN_FRAMES: Final = 16  # own frames known again when they are heard
STALE_NS: Final = 500_000_000  # frames that waited longer tell of the past


class UdpRadio:
    """A `ports.Radio`. `now` gives (monotonic, Unix) nanoseconds of one moment."""

    def __init__(self, address: str, port: int, *, now: Callable[[], tuple[int, int]] | None = None) -> None:
        self.counters: Counter[str] = Counter()
        self._now = now or _now
        self._target = (address, port)
        self._own: deque[bytes] = deque(maxlen=_OWN_FRAMES)
        self._overflow = 0
        self._lost = False
        self._address = _address(address)
        self._receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._open(port)
        except OSError as error:
            self.close()
            raise self._refused(error) from error
        self._own_port = self._sender.getsockname()[1]

    @property
    def port(self) -> int:
        """The own ephemeral port, by which others tell this unit's frames."""
        return int(self._own_port)

    def fileno(self) -> int:
        return self._receiver.fileno()

    def receive(self, limit: int) -> list[RadioFrame]:
        """At most `limit` frames that wait, the oldest first; own ones and stale ones are counted only."""
        frames: list[RadioFrame] = []
        receive = self._receiver.recvmsg
        monotonic_ns, unix_ns = self._now()
        for _ in range(limit):
            try:
                payload, ancillary, _flags, (host, port) = receive(_LONGEST, _ANCILLARY)
            except BlockingIOError:
                break
            except OSError:  # an ICMP answer to something sent, or the interface went down
                self.counters["receive_error"] += 1
                break
            age_ns = self._age_ns(ancillary, unix_ns)
            if age_ns > STALE_NS:
                self.counters["stale"] += 1
            elif port == self._own_port and payload in self._own:
                self.counters["own_echo"] += 1
            elif self._address.is_loopback and not host.startswith("127."):
                self.counters["from_outside"] += 1
            else:
                frames.append(RadioFrame(monotonic_ns - age_ns, f"{host}:{port}", payload))
        return frames

    def send(self, payload: bytes) -> None:
        """Sends one payload; OSError if the network does not take it."""
        self._own.append(payload)
        try:
            self._sender.sendto(payload, self._target)
        except OSError:
            self._lost = True
            raise
        if self._lost:  # the network is back, and has forgotten the group
            self._lost = False
            if self._address.is_multicast:
                self._join()

    def close(self) -> None:
        self._receiver.close()
        self._sender.close()

    def _open(self, port: int) -> None:
        for one in (self._receiver, self._sender):
            one.setblocking(False)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        receiver = self._receiver
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        receiver.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        receiver.setsockopt(socket.SOL_SOCKET, _SO_RXQ_OVFL, 1)
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        receiver.bind(("", port))
        self._sender.bind(("", 0))
        if self._address.is_multicast:
            receiver.setsockopt(socket.IPPROTO_IP, _IP_MULTICAST_ALL, 0)
            self._join()

    def _join(self) -> None:
        """Take part in the group; without a network yet, or again, this is tried when a sending has failed."""
        membership = self._address.packed + bytes(4)
        for option in (socket.IP_DROP_MEMBERSHIP, socket.IP_ADD_MEMBERSHIP):
            with suppress(OSError):
                self._receiver.setsockopt(socket.IPPROTO_IP, option, membership)

    def _refused(self, error: OSError) -> UsageError:
        address, port = self._target
        if error.errno == errno.EADDRINUSE:
            return UsageError(
                f"radio.port: UDP port {port} is in use by a program that does not share it; "
                "end that program (ss -ulpn tells which) or set another port"
            )
        return UsageError(f"radio: {address}:{port} cannot be opened: {error.strerror or error}")

    def _age_ns(self, ancillary: list[tuple[int, int, bytes]], unix_ns: int) -> int:
        """How long ago the kernel received it; 0 where the clock was stepped meanwhile."""
        age_ns = 0
        for _level, kind, data in ancillary:
            if kind == _SO_TIMESTAMPNS:
                second, part_ns = _TIMESPEC.unpack_from(data)
                age_ns = unix_ns - second * 1_000_000_000 - part_ns
            elif kind == _SO_RXQ_OVFL:
                dropped = int.from_bytes(data[:4], "little")
                self.counters["overflow"] += (dropped - self._overflow) & 0xFFFF_FFFF
                self._overflow = dropped
        return age_ns if 0 <= age_ns < 60_000_000_000 else 0


def _now() -> tuple[int, int]:
    return time.monotonic_ns(), time.time_ns()


def _address(text: str) -> ipaddress.IPv4Address:
    try:
        return ipaddress.IPv4Address(text)
    except ValueError:
        raise UsageError(
            f"radio.address: {text!r} is no IPv4 address; give a broadcast (192.168.1.255) or multicast address, "
            "127.255.255.255 for units on this machine"
        ) from None
