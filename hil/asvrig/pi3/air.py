"""The radio of unit and bench: Ethernet frames of the Pi's usb0, which end at a socket of the bench.

There the bench is every other vehicle: a sender's address is its own, and what the unit sends is heard. With
`asvrig.pi3.relay` on the Pi the unit may as well use a radio in OCB mode there, whose frames go the same way.
"""

import contextlib
import socket
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Final

from asvrig.targets.drivers_air import HeardList
from asvrig.targets.target import Heard
from asvunit.radio.ethernet import ETHERTYPE, HEADER_BYTES, header, mac_text

_BUFFER_BYTES: Final = 1 << 20
_LONGEST: Final = 4096
_LOOK_S: Final = 0.2
_TYPE: Final = ETHERTYPE.to_bytes(2, "big")


class EtherSender:
    """One vehicle's radio (`targets.target.Sender`)."""

    def __init__(self, air: "EtherAir", source: str) -> None:
        self.source = source
        self.sent = 0
        self.dropped: Counter[str] = Counter()  # payloads by reason: "no_room", "network"
        self.closed = False
        self._air, self._header = air, header(source)

    def send(self, payload: bytes) -> None:
        """Never blocks, never raises: what the Pi does not take is counted."""
        reason = self._air.put(self._header + payload)
        self.sent += not reason
        if reason:
            self.dropped[reason] += 1

    def close(self) -> None:
        """May be called twice."""
        self.closed = True


class EtherAir(HeardList):
    """`targets.target.Air`. `bench` and `pi` are the two ends' sockets; it outlives the Pi's power."""

    def __init__(self, bench: Path, pi: Path) -> None:
        super().__init__()
        self._pi = str(pi)
        self._senders: dict[int, EtherSender] = {}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            self._socket.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)
        self._socket.bind(str(bench))
        self._socket.settimeout(_LOOK_S)
        self._out = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._out.setblocking(False)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ear of the bench", daemon=True)
        self._thread.start()

    def sender(self, number: int = 0) -> EtherSender:
        """The radio of vehicle `number`: the same at every call until it is closed."""
        found = self._senders.get(number)
        if found is None or found.closed:
            found = self._senders[number] = EtherSender(self, f"02:a5:76:00:{number >> 8 & 255:02x}:{number & 255:02x}")
        return found

    def put(self, frame: bytes) -> str:
        """One frame to the Pi; why it did not go, or nothing."""
        try:
            self._out.sendto(frame, self._pi)
        except BlockingIOError:
            return "no_room"
        except OSError:
            return "network"
        return ""

    def close(self) -> None:
        """May be called twice."""
        self._ended.set()
        self._thread.join()
        with contextlib.suppress(OSError):
            self._socket.close()
            self._out.close()

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                frame = self._socket.recv(_LONGEST)
            except TimeoutError:
                continue
            except OSError:
                self.counters["network"] += 1
                self._ended.wait(_LOOK_S)
                continue
            now_ns = time.monotonic_ns()
            if frame[12:HEADER_BYTES] != _TYPE:
                self.counters["other"] += 1  # the kernel's own words
                continue
            self._add(Heard(now_ns, mac_text(frame[6:12]), frame[HEADER_BYTES:]))
