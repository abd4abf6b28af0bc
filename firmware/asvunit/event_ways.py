"""The ways on which events leave a unit: files and sockets with the bytes that wait for them, bounded."""

import os
import select
import socket
from collections import deque
from pathlib import Path
from typing import Final

from asvunit.errors import UsageError

SOCKET_PATH_BYTES: Final = 107  # of a Unix socket; the kernel takes no more
SUBSCRIBERS: Final = 16  # of the Unix socket
KEPT_BYTES: Final = 1 << 20  # that wait for one way out
SCENE_BYTES: Final = 1 << 16  # that wait, and a scene is left out
COMMAND_BYTES: Final = 256  # of a line that a subscriber sends


class Way:
    """One way out: a non-blocking descriptor and the bytes that wait for it."""

    def __init__(self, descriptor: int, name: str, polled: bool = False) -> None:
        self.descriptor = descriptor
        self.name = name
        self._polled = polled  # a descriptor that we share with others and must not make non-blocking
        self.fault = ""
        self.dropped = 0
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._newest = b""  # a scene that waits for the lines before it; the next one takes its place

    @property
    def idle(self) -> bool:
        return not self._waiting

    def put(self, line: bytes) -> int:
        """Take a line to write; the number of lines dropped for want of room."""
        if self._bytes + len(line) > KEPT_BYTES:
            self.dropped += 1
            return 1
        if self.dropped and not self._waiting:
            self._add(b'{"event": "lost", "count": %d}\n' % self.dropped)
            self.dropped = 0
        self._add(line)
        return 0

    def put_newest(self, line: bytes) -> None:
        """Take a line that is worth nothing once there is a newer one: while much waits, the newest alone is kept."""
        self._newest = line
        self._renew()

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
                self._renew()

    def _renew(self) -> None:
        if self._newest and self._bytes <= SCENE_BYTES:
            self._add(self._newest)
            self._newest = b""

    def _add(self, line: bytes) -> None:
        self._waiting.append(line)
        self._bytes += len(line)


_COMMANDS: Final = {b"scene": True, b"quiet": False}


class Subscriber(Way):
    """A connected stream socket: events from the last of each state on; from `scene` to `quiet`, scenes too."""

    def __init__(self, connection: socket.socket, counts: bool = False) -> None:
        """`counts`: towards SUBSCRIBERS."""
        super().__init__(connection.fileno(), "subscriber")
        connection.setblocking(False)
        self.connection = connection
        self.counts = counts
        self.scenes = False
        self._said = b""

    def heed(self) -> bool:
        """Take what it says, a line at a time; False once it has gone. What is no command is passed over."""
        try:
            said = self.connection.recv(4096)
        except BlockingIOError:
            return True
        except OSError:
            return False
        *lines, rest = (self._said + said).split(b"\n")
        self._said = rest[: COMMAND_BYTES + 1]  # longer: of no command, and so to its end
        for line in lines:
            self.scenes = _COMMANDS.get(line.rstrip(b"\r"), self.scenes)
        return said != b""

    def close(self) -> None:
        """Let go of the connection."""
        self.connection.close()


def open_file(path: Path, key: str) -> int:
    """A descriptor that appends to a file; UsageError that begins with `key` where it cannot."""
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK, 0o644)
    except OSError as error:
        reason = error.strerror
        raise UsageError(f"{key}: {path}: cannot be written: {reason}; name a file in a folder that is") from error


def listen(path: Path) -> socket.socket:
    """A listening Unix socket; one that a killed unit left behind is taken over, a living one's is a UsageError."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        if path.is_socket():
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                if probe.connect_ex(str(path)) == 0:
                    raise UsageError(f"events.socket: {path}: another unit offers its events there; name another")
            path.unlink()
        listener.bind(str(path))
        listener.listen(SUBSCRIBERS)
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
