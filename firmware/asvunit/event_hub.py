"""Where a unit's events go: a file of JSON lines, standard output, other programs on a Unix socket.

One thread writes, so that no disk, pipe or slow reader ever holds up the loop. Every way out is bounded:
what a full disk or a slow reader cannot take is kept for a while, then dropped by whole lines and counted
(`lost`), and the way out says so itself with an event `lost` once it goes on.

Subscribers that send the line `scene` get scene events beside: ten pictures a second that nobody keeps. While much
waits for such a reader it misses pictures, not events.
"""

import contextlib
import errno
import json
import os
import selectors
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

from asvunit.errors import UsageError
from asvunit.event_ways import SOCKET_PATH_BYTES, SUBSCRIBERS, Subscriber, Way, listen, open_file
from asvunit.events import Event

__all__ = ["SOCKET_PATH_BYTES", "EventHub"]

_QUEUE: Final = 4096  # events that wait for the thread
_RETRY_S: Final = 0.5
_CLOSE_S: Final = 1.0  # for readers to take what waits, at the end
_LAST_S: Final = 0.02
# What a subscriber is told first: the last of each of these
_STATE: Final = {
    "start": (), "ready": (), "system": (), "hmi": (), "self_test": (), "outputs": (), "own_message": (),
    "status": ("input",), "signal": ("signal",), "latency": (), "radio": (), "statistics": (),
}  # fmt: skip


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
        self.tap: Callable[[Event], None] | None = None  # gets each event too, and never blocks
        self._queue: deque[Event] = deque()
        self._lock = threading.Lock()
        self._state: dict[tuple[str, ...], bytes] = {}
        self.scenes_wanted = False  # a subscriber has asked for scenes
        self._scene: Event | None = None  # the newest, for the thread
        self._ways: list[Way] = []
        self._subscribers: dict[int, Subscriber] = {}
        self._adopted: deque[Subscriber] = deque()  # for the thread
        self._path = path
        self._ended = False
        self._until_s = 0.0
        self._listener = listen(path) if path else None
        try:
            if file:
                self._ways.append(Way(open_file(file, file_key), str(file)))
        except UsageError:
            self._unlisten()
            raise
        if stdout is not None:
            self._ways.append(Way(stdout, "standard output", polled=True))
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def publish(self, event: Event) -> None:
        """Hand an event over; never blocks. Without any way out the last of each state is remembered."""
        if self.tap:
            self.tap(event)
        with self._lock:
            if len(self._queue) >= _QUEUE:
                self._queue.popleft()
                self.lost["queue"] += 1
            first = not self._queue
            self._queue.append(event)
        if first:
            os.eventfd_write(self._wake, 1)

    def publish_scene(self, event: Event) -> None:
        """Hand a scene over to those who asked for scenes, and to nobody else; never blocks. The next supersedes it."""
        if self.scenes_wanted:
            self._scene = event
            os.eventfd_write(self._wake, 1)

    def adopt(self, connection: socket.socket) -> None:
        """Make a connected stream socket a subscriber like those of the Unix socket; from any thread, at any time.

        The hub owns it from now on: it is told the last of each state first, and closed when either side ends. After
        `close` it is closed at once. It does not count towards the limit of the Unix socket's subscribers.
        """
        if self._ended:
            connection.close()
            return
        self._adopted.append(Subscriber(connection))
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
        self.scenes_wanted = False
        for subscriber in (*self._subscribers.values(), *self._adopted):
            subscriber.close()
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
            while not self._ended or self._queue or self._adopted or self._owing():
                ready = selector.select(_LAST_S if self._ended else _RETRY_S)
                with contextlib.suppress(BlockingIOError):
                    os.eventfd_read(self._wake)
                for key, _mask in ready:
                    if key.fileobj is self._listener:
                        self._accept(selector)
                    elif isinstance(key.fileobj, socket.socket):
                        self._heed(key.fd, selector)
                while self._adopted:
                    self._subscribe(self._adopted.popleft(), selector)
                self._spread()
                self._spread_scene()
                for way in self._ways:
                    self._write(way)
                for number in list(self._subscribers):
                    self._serve(number, selector)

    def _owing(self) -> bool:
        """Whether at the end a way out still has lines to take, and time to take them."""
        ways = [*self._ways, *self._subscribers.values()]
        return time.monotonic() < self._until_s and any(not way.idle and not way.fault for way in ways)

    def _spread(self) -> None:
        """Put all queued events on every way out."""
        with self._lock:
            events, self._queue = self._queue, deque()
        for event in events:
            keys = _STATE.get(event["event"])
            if keys is None and not self._ways and not self._subscribers:
                continue
            line = _line(event)
            if keys is not None:
                self._state[(event["event"], *(str(event.get(key)) for key in keys))] = line
            for way in (*self._ways, *self._subscribers.values()):
                self.lost[way.name] += way.put(line)

    def _spread_scene(self) -> None:
        scene, self._scene = self._scene, None
        if scene is None:
            return
        line = _line(scene)
        for subscriber in self._subscribers.values():
            if subscriber.scenes:
                subscriber.put_newest(line)

    def _write(self, way: Way) -> None:
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
            if sum(one.counts for one in self._subscribers.values()) >= SUBSCRIBERS:
                connection.close()
                return
            self._subscribe(Subscriber(connection, counts=True), selector)

    def _subscribe(self, subscriber: Subscriber, selector: selectors.BaseSelector) -> None:
        for line in self._state.values():
            subscriber.put(line)
        self._subscribers[subscriber.descriptor] = subscriber
        selector.register(subscriber.connection, selectors.EVENT_READ)

    def _heed(self, number: int, selector: selectors.BaseSelector) -> None:
        """What a subscriber says, and that it has gone."""
        subscriber = self._subscribers[number]
        if not subscriber.heed():
            self._drop(number, selector)
        else:
            self.scenes_wanted = any(one.scenes for one in self._subscribers.values())

    def _serve(self, number: int, selector: selectors.BaseSelector) -> None:
        subscriber = self._subscribers[number]
        try:
            subscriber.write()
        except OSError:
            self._drop(number, selector)
            return
        wanted = selectors.EVENT_READ if subscriber.idle else selectors.EVENT_READ | selectors.EVENT_WRITE
        if selector.get_key(subscriber.connection).events != wanted:
            selector.modify(subscriber.connection, wanted)

    def _drop(self, number: int, selector: selectors.BaseSelector) -> None:
        subscriber = self._subscribers.pop(number)
        selector.unregister(subscriber.connection)
        subscriber.close()
        self.scenes_wanted = any(one.scenes for one in self._subscribers.values())

    def _unlisten(self) -> None:
        if self._listener is not None and self._path is not None:
            self._listener.close()
            self._listener = None
            self._path.unlink(missing_ok=True)


def _line(event: Event) -> bytes:
    return json.dumps(event, ensure_ascii=False).encode() + b"\n"
