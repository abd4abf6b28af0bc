"""Where a unit's events go: a file of JSON lines, standard output, other programs on a Unix socket.

One thread writes, so that no disk, pipe or slow reader ever holds up the loop. Every way out is bounded:
what a full disk or a slow reader cannot take is kept for a while, then dropped by whole lines and counted
(`lost`), and the way out says so itself with an event `lost` once it goes on.
"""

import contextlib
import errno
import json
import os
import select
import selectors
import socket
import threading
import time
from collections import Counter, deque
from pathlib import Path
from typing import Final

from asvunit.errors import UsageError
from asvunit.events import Event

SOCKET_PATH_BYTES: Final = 107  # of a Unix socket; the kernel takes no more
_QUEUE: Final = 4096  # events that wait for the thread
_KEPT_BYTES: Final = 1 << 20  # that wait for one way out
_RETRY_S: Final = 0.5
_CLOSE_S: Final = 1.0  # for readers to take what waits, at the end
_LAST_S: Final = 0.02
_SUBSCRIBERS: Final = 16
# What a subscriber is told first: the last of each of these
_STATE: Final = {
    "start": (), "ready": (), "system": (), "hmi": (), "outputs": (), "own_message": (), "status": ("input",),
    "signal": ("signal",),
}  # fmt: skip


class _Way:
    """One way out: a non-blocking descriptor and the bytes that wait for it."""

    def __init__(self, descriptor: int, name: str, polled: bool = False) -> None:
        self.descriptor = descriptor
        self.name = name
        self._polled = polled  # a descriptor that we share with others and must not make non-blocking
        self.fault = ""
        self.dropped = 0
        self._waiting: deque[bytes] = deque()
        self._bytes = 0

    @property
    def idle(self) -> bool:
        return not self._waiting

    def put(self, line: bytes) -> int:
        """Take a line to write; the number of lines dropped for want of room."""
        if self._bytes + len(line) > _KEPT_BYTES:
            self.dropped += 1
            return 1
        if self.dropped and not self._waiting:
            self._add(b'{"event": "lost", "count": %d}\n' % self.dropped)
            self.dropped = 0
        self._add(line)
        return 0

    def write(self) -> None:
        """Write what goes; OSError other than "not now" is the caller's."""
        while self._waiting:
            line = self._waiting[0]
            if self._polled and not select.select([], [self.descriptor], [], 0)[1]:
                return
            try:
                done = os.write(self.descriptor, line[: select.PIPE_BUF] if self._polled else line)
            except BlockingIOError:
                return
            self._bytes -= done
            if done < len(line):  # the rest of a line goes first, so that none is ever torn
                self._waiting[0] = line[done:]
            else:
                self._waiting.popleft()

    def _add(self, line: bytes) -> None:
        self._waiting.append(line)
        self._bytes += len(line)


class EventHub:
    """Publishes events. Faults to open are UsageErrors of the constructor; later ones never raise."""

    def __init__(
        self,
        *,
        file: Path | None = None,
        stdout: int | None = None,
        path: Path | None = None,
        file_key: str = "events.file",
    ) -> None:
        """`file_key`: what named the file, for the word on a file that cannot be opened."""
        self.lost: Counter[str] = Counter()  # events by way out
        self._queue: deque[Event] = deque()
        self._lock = threading.Lock()
        self._state: dict[tuple[str, ...], bytes] = {}
        self._ways: list[_Way] = []
        self._subscribers: dict[int, tuple[_Way, socket.socket]] = {}
        self._path = path
        self._ended = False
        self._until_s = 0.0
        self._listener = _listen(path) if path else None
        try:
            if file:
                self._ways.append(_Way(_open(file, file_key), str(file)))
        except UsageError:
            self._unlisten()
            raise
        if stdout is not None:
            self._ways.append(_Way(stdout, "standard output", polled=True))
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def publish(self, event: Event) -> None:
        """Hand an event over; never blocks. Without any way out it is forgotten."""
        if not self._ways and self._listener is None:
            return
        with self._lock:
            if len(self._queue) >= _QUEUE:
                self._queue.popleft()
                self.lost["queue"] += 1
            first = not self._queue
            self._queue.append(event)
        if first:
            os.eventfd_write(self._wake, 1)

    @property
    def fault(self) -> str:
        """Why events are not written just now, or nothing."""
        return next((f"{way.name}: {way.fault}" for way in self._ways if way.fault), "")

    def close(self) -> None:
        """Write what waits, for a second at most, and take the socket away."""
        if self._ended:
            return
        self._until_s = time.monotonic() + _CLOSE_S
        self._ended = True
        os.eventfd_write(self._wake, 1)
        if self._thread.is_alive():
            self._thread.join(2 * _CLOSE_S)
        self._unlisten()
        for _way, connection in self._subscribers.values():
            connection.close()
        for way in self._ways:
            if way.descriptor > 2:
                with contextlib.suppress(OSError):
                    os.close(way.descriptor)

    # The thread

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake, selectors.EVENT_READ)
            if self._listener is not None:
                selector.register(self._listener, selectors.EVENT_READ)
            while not self._ended or self._queue or self._owing():
                ready = selector.select(_LAST_S if self._ended else _RETRY_S)
                with contextlib.suppress(BlockingIOError):
                    os.eventfd_read(self._wake)
                for key, _mask in ready:
                    if key.fileobj is self._listener:
                        self._accept(selector)
                    elif isinstance(key.fileobj, socket.socket):
                        self._heed(key.fd, selector)
                self._spread()
                for way in self._ways:
                    self._write(way)
                for number in list(self._subscribers):
                    self._serve(number, selector)

    def _owing(self) -> bool:
        """Whether at the end a way out still has lines to take, and time to take them."""
        ways = [*self._ways, *(way for way, _connection in self._subscribers.values())]
        return time.monotonic() < self._until_s and any(not way.idle and not way.fault for way in ways)

    def _spread(self) -> None:
        """Put all queued events on every way out."""
        with self._lock:
            events, self._queue = self._queue, deque()
        for event in events:
            line = json.dumps(event, ensure_ascii=False).encode() + b"\n"
            keys = _STATE.get(event["event"])
            if keys is not None:
                self._state[(event["event"], *(str(event.get(key)) for key in keys))] = line
            for way in self._ways:
                self.lost[way.name] += way.put(line)
            for way, _connection in self._subscribers.values():
                self.lost["subscriber"] += way.put(line)

    def _write(self, way: _Way) -> None:
        try:
            way.write()
            way.fault = "its reader does not keep up" if way.dropped and not way.idle else ""
        except BrokenPipeError:  # who read it has gone; the unit has not
            way.fault = "closed by its reader"
        except OSError as error:
            way.fault = "disk full" if error.errno == errno.ENOSPC else error.strerror or str(error)

    def _accept(self, selector: selectors.BaseSelector) -> None:
        assert self._listener is not None
        with contextlib.suppress(OSError):
            connection, _address = self._listener.accept()
            connection.setblocking(False)
            if len(self._subscribers) >= _SUBSCRIBERS:
                connection.close()
                return
            way = _Way(connection.fileno(), "subscriber")
            for line in self._state.values():
                way.put(line)
            self._subscribers[way.descriptor] = way, connection
            selector.register(connection, selectors.EVENT_READ)

    def _heed(self, number: int, selector: selectors.BaseSelector) -> None:
        """Subscribers have nothing to say; reading tells when they go."""
        _way, connection = self._subscribers[number]
        try:
            gone = connection.recv(4096) == b""
        except BlockingIOError:
            return
        except OSError:
            gone = True
        if gone:
            self._drop(number, selector)

    def _serve(self, number: int, selector: selectors.BaseSelector) -> None:
        way, connection = self._subscribers[number]
        try:
            way.write()
        except OSError:
            self._drop(number, selector)
            return
        wanted = selectors.EVENT_READ if way.idle else selectors.EVENT_READ | selectors.EVENT_WRITE
        if selector.get_key(connection).events != wanted:
            selector.modify(connection, wanted)

    def _drop(self, number: int, selector: selectors.BaseSelector) -> None:
        _way, connection = self._subscribers.pop(number)
        selector.unregister(connection)
        connection.close()

    def _unlisten(self) -> None:
        if self._listener is not None and self._path is not None:
            self._listener.close()
            self._listener = None
            self._path.unlink(missing_ok=True)


def _open(path: Path, key: str) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK, 0o644)
    except OSError as error:
        reason = error.strerror
        raise UsageError(f"{key}: {path}: cannot be written: {reason}; name a file in a folder that is") from error


def _listen(path: Path) -> socket.socket:
    """A listening socket; one that a killed unit left behind is taken over, a living one's is not."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        if path.is_socket():
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                if probe.connect_ex(str(path)) == 0:
                    raise UsageError(f"events.socket: {path}: another unit offers its events there; name another")
            path.unlink()
        listener.bind(str(path))
        listener.listen(_SUBSCRIBERS)
        listener.setblocking(False)
    except UsageError:
        listener.close()
        raise
    except OSError as error:
        listener.close()
        raise UsageError(
            f"events.socket: {path}: cannot be offered: {error.strerror or error}; "
            f"name a new file, of at most {SOCKET_PATH_BYTES} characters, in a folder that can be written"
        ) from error
    return listener
