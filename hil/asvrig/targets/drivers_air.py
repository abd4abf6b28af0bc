"""The bench's end of the radio by UDP: a radio for each vehicle that is played, and an ear for the unit's frames.

The kernel stamps what is heard, so that a busy bench does not make the unit look late.
"""

import contextlib
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from asvrig.live.radio import RadioSender
from asvrig.targets.resources import UdpNetwork
from asvrig.targets.target import Heard
from asvunit.radio.endpoint import endpoint, source_text

_LONGEST: Final = 2048
_SO_TIMESTAMPNS: Final = 35
_STAMP: Final = struct.Struct("@qq")
_LATEST_NS: Final = 1_000_000_000  # from the kernel's stamp to this program; more: the clock was set meanwhile
_LOOK_S: Final = 0.2
_BUFFER_BYTES: Final = 1 << 20


class HeardList:
    """The unit's frames, kept for those who wait for them; filled by the thread of an air."""

    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()
        self._heard: list[Heard] = []
        self._changed = threading.Condition()

    @property
    def heard(self) -> list[Heard]:
        """All since `clear`."""
        with self._changed:
            return list(self._heard)

    def clear(self) -> None:
        """What was heard so far is forgotten."""
        with self._changed:
            self._heard.clear()

    def wait(self, wanted: Callable[[Heard], bool], timeout_s: float) -> Heard | None:
        """The first since `clear` that is so; None: none came in time."""
        until_s, at = time.monotonic() + timeout_s, 0
        with self._changed:
            while True:
                at = min(at, len(self._heard))  # cleared meanwhile
                while at < len(self._heard):
                    if wanted(self._heard[at]):
                        return self._heard[at]
                    at += 1
                left_s = until_s - time.monotonic()
                if left_s <= 0:
                    return None
                self._changed.wait(left_s)

    def _add(self, one: Heard) -> None:
        with self._changed:
            self._heard.append(one)
            self._changed.notify_all()


class UdpAir(HeardList):
    """`targets.target.Air` on a network of datagrams. What its own senders send is not heard."""

    def __init__(self, network: UdpNetwork) -> None:
        """UsageError for a network that cannot be used."""
        super().__init__()
        self._network = network
        self._senders: dict[int, RadioSender] = {}
        self._own: set[str] = set()
        self._lock = threading.Lock()
        end = endpoint(network.address, network.port, network.interface)
        with contextlib.ExitStack() as opened:
            self._socket = opened.enter_context(socket.socket(end.family, socket.SOCK_DGRAM))
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
            end.prepare_receiver(self._socket)
            if end.address.is_multicast:
                end.join(self._socket, end.index())
            self._socket.settimeout(_LOOK_S)
            opened.pop_all()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ear of the bench", daemon=True)
        self._thread.start()

    def sender(self, number: int = 0) -> RadioSender:
        """The radio of vehicle `number`: the same at every call until it is closed."""
        with self._lock:
            found = self._senders.get(number)
            if found is None or found.closed:
                found = RadioSender(self._network.address, self._network.port, interface=self._network.interface)
                self._senders[number] = found
                self._own.add(found.source)
            return found

    def close(self) -> None:
        """May be called twice."""
        self._ended.set()
        self._thread.join()
        self._socket.close()
        for sender in self._senders.values():
            sender.close()

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                payload, told, _flags, address = self._socket.recvmsg(_LONGEST, 64)
            except TimeoutError:
                continue
            except OSError:
                self.counters["network"] += 1
                self._ended.wait(_LOOK_S)
                continue
            source = source_text(address[0].partition("%")[0], address[1])
            with self._lock:
                own = source in self._own
            if own:
                self.counters["own"] += 1
            else:
                self._add(Heard(stamp_ns(told), source, payload))


def stamp_ns(told: list[tuple[int, int, bytes]]) -> int:
    """The kernel's stamp by the monotonic clock."""
    now_ns, unix_ns = time.monotonic_ns(), time.time_ns()
    for level, kind, data in told:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(data) >= _STAMP.size:
            seconds, rest = _STAMP.unpack_from(data)
            ago_ns: int = unix_ns - seconds * 10**9 - rest
            if 0 <= ago_ns < _LATEST_NS:
                return now_ns - ago_ns
    return now_ns
