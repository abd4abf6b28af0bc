"""What other support systems say, autonomous ones of the car and roadside ones: recorded, and live over UDP.

One JSON object each, a line of a recording or a datagram:

    {"origin": "roadside", "function": "crossing", "level": "caution", "direction": "left"}

A recording's line also has `t`, epoch seconds. What is meant to hold is repeated, at least once a second [G 2.6(3)].
"""

import errno
import ipaddress
import json
import os
import select
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from asvunit.errors import UsageError
from asvunit.ports import Delivery, ExternalSupport, Link
from asvunit.words import CODES

_LONGEST: Final = 512  # bytes of one object
_ORIGINS: Final = frozenset(CODES["ORIGIN"]) - {"vehicle"}
_FUNCTIONS: Final = frozenset(CODES["FUNCTION"]) - {"none"}
_LEVELS: Final = frozenset(CODES["LEVEL"]) - {"warning"}  # not given between vehicles
_DIRECTIONS: Final = frozenset(CODES["DIRECTION"]) | {"both"}
_WORDS: Final = (("origin", _ORIGINS), ("function", _FUNCTIONS), ("level", _LEVELS))
_MAX_TIME_S: Final = 2**32  # beyond it (the year 2106) a time is no time

_SO_TIMESTAMPNS: Final = 35  # a timespec beside each datagram
_SO_RXQ_OVFL: Final = 40  # and how many the socket has dropped so far
_TIMESPEC: Final = struct.Struct("@ll")
_ANCILLARY: Final = socket.CMSG_SPACE(_TIMESPEC.size) + socket.CMSG_SPACE(4)
_BUFFER_BYTES: Final = 1 << 15  # of the kernel: some eighty words
_STALE_NS: Final = 500_000_000  # a word that waited longer tells of the past
_WORDS_A_TURN: Final = 64  # taken at once; every system that the core follows says less in the pause that follows
_PAUSE_MS: Final = 100
_STOP_S: Final = 0.9


class SupportLog:
    """A recording, one JSON object a line. Each iteration reads the file anew and counts anew."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.counters: Counter[str] = Counter()
        try:
            with self.path.open("rb") as file:
                empty = not file.read(1)
        except OSError as error:
            told = error.strerror or error
            raise UsageError(f"{path}: cannot be read: {told}; give the path of recorded supports") from error
        if empty:
            raise UsageError(f"{path}: the file is empty; give recorded supports, JSON lines")

    def __iter__(self) -> Iterator[ExternalSupport]:
        self.counters.clear()
        any_support = False
        try:
            with self.path.open("rb") as file:
                for line in file:
                    if not (word := line.strip()):
                        continue
                    found = _parsed(word)
                    support = found if isinstance(found, str) else _dated(found)
                    if isinstance(support, str):
                        self.counters[support] += 1
                    else:
                        any_support = True
                        yield support
        except OSError:
            self.counters["unreadable_rest"] += 1
        if not any_support:
            raise UsageError(f"{self.path}: no support in it could be read; is it JSON lines with t, origin, ...?")


class UdpSupports:
    """A live input (`ports.LiveInput`): one datagram a word, at one address and port of this machine."""

    def __init__(self, address: str, port: int, tap: Callable[[dict[str, Any], int], None] | None = None) -> None:
        """`tap` gets each good word, with the monotonic clock's time of its receipt."""
        self.counters: Counter[str] = Counter()
        self._address, self._port, self._tap = address, port, tap
        self._overflow = 0
        self._socket: socket.socket | None = None
        self._wake = -1
        self._thread: threading.Thread | None = None

    def check(self) -> None:
        try:
            ipaddress.IPv4Address(self._address)
        except ValueError:
            raise UsageError(
                f"supports.address: {self._address!r} is no IPv4 address; give one of this machine, "
                "127.0.0.1 for its own programs"
            ) from None
        try:
            self._open().close()
        except OSError as error:
            raise self._refused(error) from error

    def start(self, deliver: Delivery) -> None:
        self.stop()
        try:
            self._socket = self._open()
        except OSError as error:  # taken since it was checked
            raise self._refused(error) from error
        self._overflow = 0
        self._wake = os.eventfd(0, os.EFD_CLOEXEC)
        self._thread = threading.Thread(
            target=self._run, args=(self._socket, self._wake, deliver), name="supports", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        thread, self._thread = self._thread, None
        if thread is None or self._socket is None:
            return
        os.eventfd_write(self._wake, 1)  # never read: the thread stays told
        thread.join(_STOP_S)
        if not thread.is_alive():
            os.close(self._wake)
            self._socket.close()

    def _run(self, receiver: socket.socket, wake: int, deliver: Delivery) -> None:
        """Words as they come, until it is to stop; a flood waits in the kernel's buffer, and is lost there."""
        deliver(Link(time.monotonic_ns(), "supports", True, "connected", f"{self._address}, UDP port {self._port}"))
        stopping, either = select.poll(), select.poll()
        stopping.register(wake, select.POLLIN)
        either.register(wake, select.POLLIN)
        either.register(receiver, select.POLLIN)
        while not any(number == wake for number, _events in either.poll()):
            for _ in range(_WORDS_A_TURN):
                try:
                    word, ancillary, _flags, _sender = receiver.recvmsg(_LONGEST + 1, _ANCILLARY)
                except BlockingIOError:
                    break
                except OSError:
                    self.counters["receive_error"] += 1
                    break
                self._take(word, ancillary, deliver)
            else:
                if stopping.poll(_PAUSE_MS):
                    return

    def _take(self, word: bytes, ancillary: list[tuple[int, int, bytes]], deliver: Delivery) -> None:
        now_ns = time.monotonic_ns()
        age_ns = self._age_ns(ancillary)
        found = "stale" if age_ns > _STALE_NS else _parsed(word)
        if isinstance(found, str):
            self.counters[found] += 1
        else:
            deliver(_support(now_ns - age_ns, found))
            if self._tap:
                self._tap(found, now_ns - age_ns)

    def _age_ns(self, ancillary: list[tuple[int, int, bytes]]) -> int:
        """How long ago the kernel received it; 0 where the clock was stepped meanwhile."""
        age_ns = 0
        for _level, kind, data in ancillary:
            if kind == _SO_TIMESTAMPNS:
                second, part_ns = _TIMESPEC.unpack_from(data)
                age_ns = time.time_ns() - second * 1_000_000_000 - part_ns
            elif kind == _SO_RXQ_OVFL:
                dropped = int.from_bytes(data[:4], "little")
                self.counters["overflow"] += (dropped - self._overflow) & 0xFFFF_FFFF
                self._overflow = dropped
        return age_ns if 0 <= age_ns < 60_000_000_000 else 0

    def _open(self) -> socket.socket:
        receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            receiver.setblocking(False)
            receiver.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            receiver.setsockopt(socket.SOL_SOCKET, _SO_RXQ_OVFL, 1)
            receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
            receiver.bind((self._address, self._port))
        except OSError:
            receiver.close()
            raise
        return receiver

    def _refused(self, error: OSError) -> UsageError:
        if error.errno == errno.EADDRINUSE:
            return UsageError(
                f"supports.port: UDP port {self._port} of {self._address} is in use; "
                "end that program (ss -ulpn tells which) or set another port"
            )
        if error.errno == errno.EADDRNOTAVAIL:
            return UsageError(f"supports.address: {self._address} is no address of this machine; give one that is")
        told = error.strerror or error
        return UsageError(f"supports: {self._address}, UDP port {self._port} cannot be opened: {told}; set another")


def _parsed(word: bytes) -> dict[str, Any] | str:
    """The object of one word, its form checked, or why it is none."""
    if len(word) > _LONGEST:
        return "too_long"
    try:
        found = json.loads(word)
    except (ValueError, RecursionError):
        return "bad_json"
    if not isinstance(found, dict):
        return "bad_json"
    for key, words in _WORDS:
        value = found.get(key)
        if not isinstance(value, str) or value not in words:
            return f"bad_{key}"
    direction = found.get("direction")
    if direction is not None and (not isinstance(direction, str) or direction not in _DIRECTIONS):
        return "bad_direction"
    return found


def _dated(found: dict[str, Any]) -> ExternalSupport | str:
    """The record of a recording's object, or why its time is none."""
    t = found.get("t")
    if isinstance(t, bool) or not isinstance(t, int | float) or not 0 <= t < _MAX_TIME_S:
        return "bad_time"
    return _support(round(t * 1_000_000) * 1000, found)  # finer than 1 us a double does not tell today's times


def _support(time_ns: int, found: dict[str, Any]) -> ExternalSupport:
    return ExternalSupport(time_ns, found["origin"], found["function"], found["level"], found.get("direction"))
