"""The radio over UDP: one payload a datagram, broadcast or multicast, with the kernel's time of receipt.

Several units on one machine share the port; each sends from an ephemeral port of its own, which is its
source. The kernel's receive buffer is the bounded queue: what it had to drop is counted.
"""

import errno
import os
import socket
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Final

from asvunit.errors import UsageError
from asvunit.ports import Link, RadioFrame
from asvunit.radio.batch import prepare
from asvunit.radio.endpoint import endpoint, source_text
from asvunit.radio.intake import STALE_NS, Intake, Sender
from asvunit.radio.interface import look, mend

__all__ = ["STALE_NS", "UdpRadio"]

_IPV6_MTU: Final = 1280  # with less the kernel has no IPv6 on an interface; IPv4 cuts frames into pieces


class UdpRadio:
    """A `ports.Radio`. `now` gives (monotonic, Unix) nanoseconds of one moment.

    Counted beside what `Intake` counts: from_outside, a frame of another machine where the address is loopback's.
    """

    def __init__(
        self,
        address: str,
        port: int,
        *,
        interface: str | None = None,
        ttl: int = 1,
        priority: int = 5,
        now: Callable[[], tuple[int, int]] | None = None,
    ) -> None:
        """UsageError: no such address or interface, the port is in use by a program that does not share it."""
        self.counters: Counter[str] = Counter()
        self._end = endpoint(address, port, interface)
        self._index = self._end.index()
        self._target = self._end.target(self._index)
        self._joined = ""  # own address and interface when the group was joined; "": it is not
        self._told = "connected"  # reason of the last Link
        self._intake = Intake(self.counters, self._sender_of, self._end.key, now=now)
        with ExitStack() as stack:
            try:
                self._receiver = stack.enter_context(socket.socket(self._end.family, socket.SOCK_DGRAM))
                self._sender = stack.enter_context(socket.socket(self._end.family, socket.SOCK_DGRAM))
                prepare(self._receiver)
                self._end.prepare_receiver(self._receiver)
                self._sender.setblocking(False)
                self._end.prepare_sender(self._sender, ttl, priority)
                self._sender.bind(("", 0))
            except OSError as error:
                raise self._refused(error) from error
            stack.pop_all()
        self._own_port = int(self._sender.getsockname()[1])
        if self._end.address.is_multicast:
            self._join()

    @property
    def port(self) -> int:
        """The own ephemeral port, by which others tell this unit's frames."""
        return self._own_port

    @property
    def source(self) -> str:
        """As others name this unit, by the way its frames take now: "192.0.2.1:40000", "[fe80::1]:40000"."""
        any_host = "0.0.0.0" if self._end.address.version == 4 else "::"  # noqa: S104 - not bound: without a network
        return source_text(self._end.own_host(self._index) or any_host, self._own_port)

    def fileno(self) -> int:
        return self._receiver.fileno()

    def receive(self, limit: int) -> list[RadioFrame]:
        """At most `limit` frames that wait, the oldest first; own ones, odd ones and stale ones are counted only."""
        try:
            return self._intake.receive(self._receiver.fileno(), limit)
        except OSError:
            return []

    def send(self, payload: bytes) -> None:
        """Sends one payload; OSError if the network does not take it."""
        self._intake.sending(payload)
        try:
            self._sender.sendto(payload, self._target)
        except OSError:
            self._joined = ""  # a network that comes back has forgotten the group
            raise

    def tend(self) -> Link | None:
        """Joins the group again after the network, or its interface, was gone; tells of an interface that is."""
        end = self._end
        if end.interface is None:
            if end.address.is_multicast:
                self._join()
            return None
        try:
            found = look(end.interface)
        except OSError:  # this process may open nothing more: what is open goes on
            return None
        index = found.index if found else 0
        if index and index != self._index:  # it was unplugged, and has come back as another
            self._index, self._target = index, end.target(index)
            with suppress(OSError):
                end.send_by(self._sender, index)
        if end.address.is_multicast and found and found.running:
            self._join()
        if not found or not found.running:
            return self._link("down" if found else "absent", end.interface)
        small = end.address.version == 6 and found.mtu < _IPV6_MTU
        return self._link("mtu_too_small" if small else "connected", end.interface)

    def close(self) -> None:
        self._receiver.close()
        self._sender.close()

    # Inside

    def _sender_of(self, key: bytes) -> Sender:
        host, port = self._end.name(key)
        outside = self._end.address.is_loopback and not (host.startswith("127.") or host == "::1")
        own = port == self._own_port  # perhaps another machine's: then the content tells
        surely = own and host == self._end.own_host(self._index)
        return Sender(source_text(host, port), "from_outside" if outside else "own_echo" if surely else "", own)

    def _join(self) -> None:
        """Take part in the group, anew where the way to it has changed: the membership stays with the old way."""
        way = f"{self._end.own_host(self._index)} {self._index}"
        if way != self._joined:
            self._joined = way if self._end.join(self._receiver, self._index) else ""

    def _link(self, reason: str, name: str) -> Link | None:
        if reason == self._told:
            return None
        self._told = reason
        up = reason == "connected"
        return Link(time.monotonic_ns(), "radio", up, reason, name if up else mend(reason, name))

    def _refused(self, error: OSError) -> UsageError:
        where = source_text(str(self._end.address), self._end.port)
        if error.errno == errno.EADDRINUSE:
            return UsageError(
                f"radio.port: UDP port {self._end.port} is in use by a program that does not share it; "
                "end that program (ss -ulpn tells which) or set another port"
            )
        if error.errno == errno.EAFNOSUPPORT:
            return UsageError(f"radio.address: {where}: IPv6 is switched off on this machine; give an IPv4 address")
        if error.errno == errno.EACCES:
            return UsageError(f"radio.port: port {self._end.port} is not for an ordinary user's program; set another")
        return UsageError(f"radio: {where} cannot be opened: {error.strerror or os.strerror(error.errno or 0)}")
