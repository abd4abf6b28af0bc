"""What the bench holds at the ends of the Pi's wires: a receiver, a CAN adapter on its bus, and its radio.

Nothing blocks while a drive is played: what the Pi does not take within half a second, as when nobody reads there,
is dropped and counted, as a real line would lose it.
"""

import contextlib
import fcntl
import re
import socket
import struct
import termios
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

_STALLED_NS: Final = 500_000_000
_READ_BYTES: Final = 4096
_DATA_BYTES: Final = 8
_OPENED: Final = re.compile(rb"^[OLC]", re.MULTILINE)

Connect = Callable[[], socket.socket]
Bind = Callable[[bool], None]  # the device of the wire's end is there on the Pi, or is not any more


class Wire:
    """A serial line to the Pi. `dropped`: pieces that did not go out, by reason."""

    def __init__(self, connect: Connect, bind: Bind = lambda _there: None) -> None:
        self.dropped: Counter[str] = Counter()
        self._connect, self._bind = connect, bind
        self._lock = threading.RLock()
        self._line: socket.socket | None = None
        self._empty_ns = 0
        self._plugged = True

    def power(self, on: bool) -> None:
        """The Pi has been switched on, or cut off; its devices are all there again."""
        with self._lock:
            self._drop_line()
            self._plugged = True
            if on:
                self._take_line()

    def unplug(self) -> None:
        """Takes the device away from the Pi, which sees it go; nothing if it is away."""
        with self._lock:
            if not self._plugged:
                return
            self._plugged = False
        self._bind(False)

    def plug(self) -> None:
        """Puts it back; nothing if it is there."""
        with self._lock:
            if self._plugged:
                return
            self._plugged = True
            self._replugged()
        self._bind(True)

    def close(self) -> None:
        """May be called twice."""
        with self._lock:
            self._drop_line()

    def _put(self, data: bytes) -> None:
        with self._lock:
            line = self._line
            if line is None or not self._plugged:
                self.dropped["unplugged"] += 1
                return
            now_ns = time.monotonic_ns()
            try:
                if not _waiting(line):
                    self._empty_ns = now_ns
                elif now_ns - self._empty_ns > _STALLED_NS:
                    self.dropped["stalled"] += 1
                    return
                if line.send(data) < len(data):  # no room for all: it is torn, as on a line that overruns
                    self.dropped["torn"] += 1
            except BlockingIOError:
                self.dropped["stalled"] += 1
            except OSError:
                self.dropped["unplugged"] += 1

    def _take_line(self) -> None:
        line = self._connect()
        line.setblocking(False)
        self._line, self._empty_ns = line, time.monotonic_ns()
        threading.Thread(target=self._listen, args=(line,), name="wire of the Pi", daemon=True).start()

    def _replugged(self) -> None:
        """It has just got power."""

    def _drop_line(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()

    def _listen(self, line: socket.socket) -> None:
        """What the Pi says, which also keeps its buffers empty."""
        with contextlib.suppress(OSError, ValueError):
            reader = line.dup()
            with reader:
                reader.setblocking(True)
                while data := reader.recv(_READ_BYTES):
                    self._heard(data)

    def _heard(self, data: bytes) -> None:
        """In a thread."""


class ReceiverWire(Wire):
    """The receiver's end of /dev/ttyAMA0 (`targets.target.Receiver`)."""

    def write(self, data: bytes) -> None:
        """Some lines in one go."""
        self._put(data)


class CanWire(Wire):
    """A USB adapter that speaks slcan, and the bus behind it (`targets.target.CanLine`)."""

    def __init__(self, connect: Connect, bind: Bind = lambda _there: None) -> None:
        super().__init__(connect, bind)
        self._mode = ""

    @property
    def mode(self) -> str:
        """ "O" open, "L" open to listen only, or "" closed, as the Pi has asked."""
        return self._mode

    def send(self, identifier: int, extended: bool, data: bytes) -> None:
        """A frame from the bus; dropped and counted while the Pi has not opened the adapter."""
        reason = "too_long" if len(data) > _DATA_BYTES else "closed" if self._plugged and not self._mode else ""
        if reason:
            self.dropped[reason] += 1
            return
        head = f"T{identifier:08X}" if extended else f"t{identifier:03X}"
        self._put(f"{head}{len(data)}{data.hex().upper()}\r".encode())

    def state(self, word: str, received_errors: int = 0, sent_errors: int = 0) -> None:
        """What the adapter says of its controller: a active, w warning, p passive, b bus off."""
        self._put(f"s{word}{received_errors:03d}{sent_errors:03d}\r".encode())

    def _take_line(self) -> None:
        self._mode = ""
        super()._take_line()

    def _replugged(self) -> None:
        self._mode = ""

    def _heard(self, data: bytes) -> None:
        for word in _OPENED.findall(data.replace(b"\r", b"\n")):
            self._mode = "" if word == b"C" else word.decode()


def _waiting(line: socket.socket) -> int:
    """Bytes that were sent and that QEMU has not taken."""
    return int(struct.unpack("@i", fcntl.ioctl(line, termios.TIOCOUTQ, bytes(4)))[0])
