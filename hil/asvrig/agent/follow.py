"""Follows what a program on the target's machine says: events on a Unix socket, lines of its output or of a file.

Each runs in a thread and hands whole lines on as they come. A line that is no JSON object is counted, not handed on.
"""

import json
import os
import socket
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final

_LINE_BYTES: Final = 128 << 10  # longer is no event
_RETRY_S: Final = 0.02
_POLL_S: Final = 0.01
_CONNECT_S: Final = 1.0
_READ_BYTES: Final = 1 << 16


class ObjectLines:
    """Takes bytes and hands each whole line that is a JSON object on; others count as "bad_line"."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self.counters: Counter[str] = Counter()
        self._take = take
        self._rest = b""
        self._skip = False

    def feed(self, data: bytes) -> None:
        """More of what is said."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if self._skip and lines:
            lines, self._skip = lines[1:], False
        if len(self._rest) > _LINE_BYTES:
            self.counters["bad_line"] += not self._skip
            self._rest, self._skip = b"", True
        for line in lines:
            self._line(line)

    def end(self) -> None:
        """Half a line may be left of a program that was killed."""
        self.counters["bad_line"] += bool(self._rest) and not self._skip
        self._rest, self._skip = b"", False

    def _line(self, line: bytes) -> None:
        try:
            whole = len(line) <= _LINE_BYTES and isinstance(json.loads(line), dict)
        except (ValueError, RecursionError):
            whole = False
        if whole:
            self._take(line)
        else:
            self.counters["bad_line"] += 1


class SocketFollower:
    """The events of a unit, over all its lives, by the path of its socket. `close` ends it."""

    def __init__(self, path: Path, take: Callable[[bytes], None]) -> None:
        self.lines = ObjectLines(take)
        self._path = path
        self._ended = threading.Event()
        self._idle = threading.Event()  # nothing is connected
        self._idle.set()
        self._connection: socket.socket | None = None
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)
        self._thread.start()

    def drain(self, timeout_s: float) -> None:
        """Until all that a unit which has ended had said is read."""
        if not self._idle.wait(timeout_s):
            self._hang_up()  # a child of the unit holds it
            self._idle.wait(timeout_s)

    def close(self) -> None:
        """May be called twice."""
        self._ended.set()
        self._hang_up()
        self._thread.join(_CONNECT_S)

    def _hang_up(self) -> None:
        connection = self._connection
        if connection is not None:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                return

    def _run(self) -> None:
        while not self._ended.is_set():
            self._read()
            self._ended.wait(_RETRY_S)

    def _read(self) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as connection:
            try:
                connection.settimeout(_CONNECT_S)
                connection.connect(str(self._path))
                connection.settimeout(None)
                self._idle.clear()
                self._connection = connection
                while data := connection.recv(_READ_BYTES):
                    self.lines.feed(data)
            except OSError:
                return
            finally:
                self._connection = None
                self.lines.end()
                self._idle.set()


class OutputFollower:
    """What a program writes to its standard output, until it ends."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self.lines = ObjectLines(take)
        self._thread: threading.Thread | None = None

    def begin(self, output: IO[bytes]) -> None:
        """Of the process that has just begun."""
        self._thread = threading.Thread(target=self._run, args=(output,), name="output", daemon=True)
        self._thread.start()

    def drain(self, timeout_s: float) -> None:
        """Until all that a program which has ended had said is read."""
        if self._thread is not None:
            self._thread.join(timeout_s)

    def close(self) -> None:
        """Nothing to do: it ends with its program."""

    def _run(self, output: IO[bytes]) -> None:
        with output:
            while data := os.read(output.fileno(), _READ_BYTES):
                self.lines.feed(data)
        self.lines.end()


class FileFollower:
    """The lines that are appended to a file from now on; it may be made later, or anew."""

    def __init__(self, path: Path, take: Callable[[bytes], None]) -> None:
        self.lines = ObjectLines(take)
        self._path = path
        self._at, self._inode = 0, -1
        try:
            held = path.stat()
            self._at, self._inode = held.st_size, held.st_ino
        except OSError:  # made later
            pass
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="file", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Reads what is there, then ends; may be called twice."""
        self._ended.set()
        self._thread.join(_CONNECT_S)

    def _run(self) -> None:
        while True:
            ended = self._ended.wait(_POLL_S)
            try:
                held = self._path.stat()
            except OSError:
                held = None
            if held is not None:
                if held.st_ino != self._inode or held.st_size < self._at:
                    self.lines.end()
                    self._at, self._inode = 0, held.st_ino
                if held.st_size > self._at:
                    self._read()
            if ended:
                self.lines.end()
                return

    def _read(self) -> None:
        try:
            with self._path.open("rb") as file:
                file.seek(self._at)
                while data := file.read(_READ_BYTES):
                    self._at += len(data)
                    self.lines.feed(data)
        except OSError:
            return
