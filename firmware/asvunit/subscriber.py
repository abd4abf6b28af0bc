"""Follow a running unit's events from another program: its Unix socket, one JSON object a line."""

import json
import select
import socket
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from asvunit.errors import AsvkitError
from asvunit.events import Event

LINE_BYTES: Final = 1 << 20  # no event is longer
_CONNECT_S: Final = 1.0
_READ_BYTES: Final = 1 << 16


def subscribe(path: str | Path) -> Iterator[Event]:
    """The events of the unit whose configuration names this `events.socket`, until the unit ends.

    First come the last of each state (start, status of each input, system, hmi, outputs), then what happens.
    AsvkitError where no unit offers events there.
    """
    with connect(path) as stream:
        while not stream.ended:
            yield from stream.read(None)


class EventStream:
    """A connection to a unit's events that waits no longer than it is asked to.

    `ended`: the unit has closed it, or is gone. `counters`: lines that are no event ("bad_line", "too_long").
    """

    def __init__(self, connection: socket.socket, *, scenes: bool = False) -> None:
        """Takes a connected stream socket over. `scenes`: asks for scene events too, ten a second."""
        self.ended = False
        self.counters: Counter[str] = Counter()
        self._connection = connection
        self._rest = b""
        self._skip = False  # the line under way is too long
        connection.setblocking(False)
        if scenes:
            try:
                connection.sendall(b"scene\n")
            except OSError:
                self.ended = True

    def __enter__(self) -> "EventStream":
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def fileno(self) -> int:
        """For `select`."""
        return self._connection.fileno()

    def read(self, timeout_s: float | None) -> list[Event]:
        """What has come, else what comes first within the time (None: however long); [] if nothing, or `ended`."""
        if self.ended or not select.select([self._connection], [], [], timeout_s)[0]:
            return []
        try:
            said = self._connection.recv(_READ_BYTES)
        except BlockingIOError:
            return []
        except OSError:
            said = b""
        self.ended = said == b""  # a unit that was killed may leave half a line
        *lines, self._rest = (self._rest + said).split(b"\n")
        if self._skip and lines:
            lines, self._skip = lines[1:], False
        if len(self._rest) > LINE_BYTES:
            self.counters["too_long"] += not self._skip
            self._rest, self._skip = b"", True
        return [event for event in map(self._event, lines) if event is not None]

    def close(self) -> None:
        """Let go of the connection."""
        self.ended = True
        self._connection.close()

    def _event(self, line: bytes) -> Event | None:
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            event = None
        if isinstance(event, dict) and isinstance(event.get("event"), str):
            return event
        self.counters["bad_line"] += 1
        return None


def connect(path: str | Path, *, scenes: bool = False) -> EventStream:
    """A stream of the events of the unit that offers them at this path; AsvkitError where none does."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        connection.settimeout(_CONNECT_S)
        connection.connect(str(path))
    except (OSError, ValueError) as error:  # ValueError: a path with a null byte
        connection.close()
        raise AsvkitError(f"{path}: {_why_not(path, error)}") from error
    return EventStream(connection, scenes=scenes)


def _why_not(path: str | Path, error: OSError | ValueError) -> str:
    if isinstance(error, PermissionError):
        return "not allowed to this user; it is a file of the unit's user: watch as that user, as by sudo -u asvkit"
    reason = getattr(error, "strerror", None) or error
    if isinstance(error, ConnectionRefusedError) and not Path(path).is_socket():
        reason = "no socket"
    return f"no unit offers its events there: {reason}; is it running, with this events.socket?"
