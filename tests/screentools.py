"""A screen's server in a thread, fed by the test, and browsers that speak as plainly or as badly as a test wants."""

import asyncio
import base64
import json
import os
import socket
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from asvunit.screen.feed import follow
from asvunit.screen.messages import Messages
from asvunit.screen.server import serve
from asvunit.screen.setting import Setting
from asvunit.screen_process import listen

LONG_S = 20  # nothing should ever take so long

START = {"t": 100.0, "event": "start", "version": 1, "asvkit": "1.2.3", "vehicle_id": 4711, "seed": 1}
SYSTEM = {"t": 100.0, "event": "system", "on": True, "receiving": True, "fault": False}
HMI = {
    "t": 101.0, "event": "hmi", "level": "caution", "colour": "yellow", "function": "crossing", "direction": "left",
    "light": "caution", "cue": True, "muted": False, "sound": "caution", "text": "WAIT! Left side",
    "text_id": "crossing_caution_left", "cause": 7,
}  # fmt: skip


def scene(number: int, others: int = 1) -> dict[str, Any]:
    """A scene event, with so many vehicles."""
    one = {"id": 1, "source": "192.0.2.1:47100", "ahead_m": 12.3, "right_m": -4.0, "kind": "car", "level": "none"}
    return {
        "t": 100.0 + number / 10, "event": "scene", "unit_ms": number * 100, "ego": {"available": True},
        "north_up": False, "others": [dict(one, id=index) for index in range(others)], "more": 0, "conflicts": [],
    }  # fmt: skip


class Served:
    """The server, from its construction to `end`."""

    def __init__(self, clients: int = 16, hosts: tuple[str, ...] = (), language: str = "en") -> None:
        listener = listen("127.0.0.1", 0)
        self.port = listener.getsockname()[1]
        self.setting = Setting("127.0.0.1", self.port, list(hosts), clients, language)
        theirs, self.feed = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self.feed.settimeout(LONG_S)
        self.counters: Counter[str] = Counter()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(listener, theirs), daemon=True)
        self._thread.start()
        assert self._ready.wait(LONG_S)
        assert self.feed.recv(100) == b"scene\n"  # it asks for scenes

    def tell(self, *events: dict[str, Any]) -> None:
        self.feed.sendall(b"".join(json.dumps(event).encode() + b"\n" for event in events))

    def end(self) -> Counter[str]:
        """The unit's lines end; what was counted."""
        self.feed.close()
        self._thread.join(LONG_S)
        assert not self._thread.is_alive()
        return self.counters

    def _run(self, listener: socket.socket, theirs: socket.socket) -> None:
        async def source(messages: Messages, tell: Callable[[], None]) -> None:
            await follow(theirs, messages, tell)

        self.counters += asyncio.run(serve(listener, self.setting, source, self._ready.set))


class Plain:
    """A TCP connection that sends what it is given."""

    def __init__(self, port: int, small: bool = False, address: str = "127.0.0.1") -> None:
        self.socket = socket.socket()
        if small:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(LONG_S)
        try:
            self.socket.connect((address, port))
        except OSError:
            self.socket.close()
            raise
        self.port = port

    def __enter__(self) -> "Plain":
        return self

    def __exit__(self, *_error: object) -> None:
        self.socket.close()

    def request(self, method: str = "GET", path: str = "/", host: str | None = None, more: str = "") -> None:
        host = host or f"127.0.0.1:{self.port}"
        self.socket.sendall(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n".encode("latin-1"))

    def upgrade(self, path: str = "/ws/driver", host: str | None = None, more: str = "") -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        upgrade = f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}"
        self.request("GET", path, host, f"{upgrade}\r\n{more}")

    def head(self) -> tuple[int, dict[str, str]]:
        """Status and headers of the answer; nothing of its body is read."""
        told = b""
        while not told.endswith(b"\r\n\r\n"):
            piece = self.socket.recv(1)
            assert piece, told
            told += piece
        first, *lines = told.decode().rstrip().split("\r\n")
        pairs = (line.split(": ", 1) for line in lines)
        return int(first.split()[1]), {name.lower(): value for name, value in pairs}

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body, by its length."""
        status, headers = self.head()
        body = b""
        while len(body) < int(headers.get("content-length", 0)):
            piece = self.socket.recv(65536)
            assert piece, body
            body += piece
        return status, headers, body

    def to_the_end(self) -> bytes:
        """What comes until the other side ends the connection."""
        told = b""
        try:
            while piece := self.socket.recv(65536):
                told += piece
        except ConnectionError:
            told += b"<reset>"
        return told
