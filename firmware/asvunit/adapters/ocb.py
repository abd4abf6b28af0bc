"""The radio in OCB mode (802.11p), by Ethernet frames on its interface; any other Ethernet will do as well.

Frames carry the MAC address of this ignition, not the card's [G 3.7.2(d)]. With a monitor interface beside it,
frames are heard by that, with their received power; without it, or while it is gone, by the interface itself.
An interface that is absent, down or unplugged is waited for.
"""

import errno
import os
import select
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from asvunit.errors import UsageError
from asvunit.ports import Link, RadioFrame
from asvunit.radio.batch import prepare
from asvunit.radio.ethernet import ETHERTYPE, HEADER_BYTES, header, mac_text
from asvunit.radio.intake import Intake, Sender
from asvunit.radio.interface import Interface, check_name, look, mend, permitted, unfit
from asvunit.radio.monitor import MonitorIntake

_ALL: Final = 3  # ETH_P_ALL
_PRIORITY: Final = 256  # and an 802.1D user priority: how 802.11 is told it
_KEY: Final = slice(10, 18)  # of sockaddr_ll: packet kind, length of the address, address
_OPEN_WHILE: Final = ("", "down", "mtu_too_small")  # faults with which the socket is kept
_KINDS: Final = {0: "not_broadcast", 2: "not_broadcast", 3: "not_broadcast", 4: "outgoing"}  # PACKET_HOST ...
_MULTICAST: Final = 2


class OcbRadio:
    """A `ports.Radio`. Counted beside what `Intake` counts: not_broadcast, and no_priority, once for each opening."""

    def __init__(
        self,
        interface: str,
        source_mac: str,
        *,
        priority: int = 5,
        monitor: str | None = None,
        longest: int = 100,
        now: Callable[[], tuple[int, int]] | None = None,
    ) -> None:
        """`longest` payload in bytes that is sent. UsageError: no such name, no permission, no monitor interface."""
        check_name(interface, "radio.interface")
        self.counters: Counter[str] = Counter()
        self._name, self._monitor_name, self._longest, self._priority = interface, monitor, longest, priority
        self._source, self._header = source_mac, header(source_mac)
        self._loops = False  # the interface is loopback's: what is sent to all comes back as multicast
        self._intake = Intake(self.counters, self._sender_of, _KEY, offset=HEADER_BYTES, now=now)
        self._monitor = MonitorIntake(self.counters, self._is_own, now=now)
        self._out: socket.socket | None = None
        self._out_index = 0
        self._ears: socket.socket | None = None
        self._ears_at = ("", 0)  # name and index of the interface they are on
        self._without_priority = False
        self._lock = threading.Lock()  # sending is another thread's
        self._known: dict[str, Interface | None] = {}  # the interfaces as they were at the last look
        self._disturbed = False  # something has happened to one of them since
        self._told = ("", "")  # reason and detail of the last Link
        self._poll = select.epoll()
        try:
            self._check()
            with suppress(OSError):
                self._look()
        except BaseException:
            self.close()
            raise

    @property
    def source(self) -> str:
        """As others name this unit: its MAC address."""
        return self._source

    def fileno(self) -> int:
        """Of an epoll around whatever socket is open now."""
        return self._poll.fileno()

    def receive(self, limit: int) -> list[RadioFrame]:
        """At most `limit` frames that wait, the oldest first; own ones, odd ones and stale ones are counted only."""
        if self._ears is None:
            return []
        intake = self._monitor if self._ears_at[0] == self._monitor_name else self._intake
        try:
            return intake.receive(self._ears.fileno(), limit)
        except OSError:  # the interface went down; the socket comes back with it
            self._disturbed = True
            return []

    def send(self, payload: bytes) -> None:
        """Sends one payload; OSError if there is no way to the air."""
        self._intake.sending(payload)
        with self._lock:
            if self._out is None:
                raise OSError(errno.ENODEV, self._told[1] or os.strerror(errno.ENODEV))
            try:
                self._out.send(self._header + payload)
            except OSError:
                self._disturbed = True
                raise

    def tend(self) -> Link | None:
        """Opens again what was lost. A Link: connected, absent, down, not_ocb, mtu_too_small, no_permission."""
        try:
            reason, detail = self._look()
        except OSError:  # this process may open nothing more: what is open goes on
            return None
        if (reason, detail) == self._told:
            return None
        self._told = (reason, detail)
        return Link(time.monotonic_ns(), "radio", not reason, reason or "connected", detail)

    def close(self) -> None:
        """May be called twice."""
        self._close_out()
        self._close_ears()
        self._poll.close()

    # Inside

    def _check(self) -> None:
        """UsageError for what no waiting mends."""
        if not permitted():
            raise UsageError(f"radio.interface: {mend('no_permission', self._name)}")
        if self._monitor_name is not None:
            check_name(self._monitor_name, "radio.monitor")
            reason = unfit(look(self._monitor_name), self._longest, monitor=True)
            if reason == "not_monitor":
                raise UsageError(f"radio.monitor: {mend(reason, self._monitor_name)}")

    def _look(self) -> tuple[str, str]:
        """Bring the sockets in line with the interfaces; what is wrong, "" if nothing is, and a line on it."""
        disturbed, self._disturbed = self._disturbed, False
        wanted = {name: mode for name, mode in ((self._name, "ocb"), (self._monitor_name, "monitor")) if name}
        for name, mode in wanted.items():
            known = None if disturbed else self._known.get(name)
            if known and known.mode not in ("", mode):
                known = None  # somebody may set it right, and all between two looks
            self._known[name] = look(name, known)
        found = self._known[self._name]
        reason = unfit(found, self._longest)
        usable = found if reason in _OPEN_WHILE else None
        try:
            self._tend_out(usable)
            without = self._tend_ears(usable)
        except OSError as error:  # it went away meanwhile: the next look tells
            reason = "no_permission" if isinstance(error, PermissionError) else "absent"
        if reason:
            return reason, mend(reason, self._name)
        notes = [f"{self._name}, as {self._source}"]
        if self._without_priority:
            notes.append("without priority, which needs CAP_NET_ADMIN")
        if without:
            notes.append(f"without received power: {without}")
        return "", "; ".join(notes)

    def _tend_out(self, found: Interface | None) -> None:
        index = found.index if found else 0
        if index == self._out_index:
            return
        self._close_out()
        if found is None:
            return
        out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        try:
            out.setblocking(False)
            self._without_priority = not _prioritise(out, self._priority)
            out.bind((self._name, 0))  # of no EtherType: this one hears nothing
        except OSError:
            out.close()
            raise
        if self._without_priority:
            self.counters["no_priority"] += 1
        self._loops = found.kind == "loopback"
        with self._lock:
            self._out, self._out_index = out, index

    def _tend_ears(self, usable: Interface | None) -> str:
        """Listen by the monitor interface if there is one, else by the interface; why it is not the first, or ""."""
        monitor = self._known.get(self._monitor_name) if self._monitor_name else None
        without = unfit(monitor, self._longest, monitor=True)
        found = usable if without else monitor
        name = found.name if found else ""
        at = (name, found.index) if found else ("", 0)
        if at != self._ears_at:
            self._close_ears()
            if found:
                self._listen(name, found.index, ETHERTYPE if without else _ALL)
        return mend(without, self._monitor_name) if without and self._monitor_name else ""

    def _listen(self, name: str, index: int, protocol: int) -> None:
        ears = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)  # hears nothing before it is bound
        try:
            prepare(ears)
            ears.bind((name, protocol))
            self._poll.register(ears, select.EPOLLIN)
        except OSError:
            ears.close()
            raise
        self._intake.forget()
        self._monitor.forget()
        self._ears, self._ears_at = ears, (name, index)

    def _close_out(self) -> None:
        with self._lock:
            out, self._out, self._out_index = self._out, None, 0
        if out is not None:
            out.close()

    def _close_ears(self) -> None:
        ears, self._ears, self._ears_at = self._ears, None, ("", 0)
        if ears is not None:
            with suppress(OSError, ValueError):
                self._poll.unregister(ears)
            ears.close()

    def _sender_of(self, key: bytes) -> Sender:
        kind, _length, mac = key[0], key[1], key[2:]
        refusal = "" if self._loops and kind == _MULTICAST else _KINDS.get(kind, "")
        source = mac_text(mac)
        own = self._is_own(source)
        return Sender(source, refusal or ("own_echo" if own else ""), own)

    def _is_own(self, source: str) -> bool:
        """By source alone, however late or changed it comes back: the address was drawn for this ignition."""
        return source == self._source


def _prioritise(sock: socket.socket, priority: int) -> bool:
    """Whether this process may."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, _PRIORITY + priority)
    except PermissionError:
        return False
    return True
