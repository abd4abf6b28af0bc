"""Where the unit's lines come from: a socket that was handed over, or the unit's events.socket, again and again."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Coroutine
from typing import Any, Final

from asvunit.screen.messages import Messages

LINE_BYTES: Final = 1 << 20  # a longer line is dropped
AGAIN_S: Final = 0.5
_CHUNK: Final = 1 << 18
_WANTED: Final = b"scene\n"


Tell = Callable[[], None]
Source = Callable[[Messages, Tell], Coroutine[Any, Any, None]]


async def follow(connection: socket.socket, messages: Messages, tell: Tell, to_stop: bool = False) -> None:
    """Asks for scenes, then takes line after line until the connection ends. The socket is closed at the end.

    What came together is told together: the newest state, once. Where the unit says that events were lost it ends
    too: a new connection begins with the whole state. `to_stop`: so it does with the unit's word that it stops, which
    may be busy for a while with the connections of others.
    """
    loop = asyncio.get_running_loop()
    rest, skipping = b"", False
    with connection:
        connection.setblocking(False)
        messages.begin()
        with contextlib.suppress(OSError):
            await loop.sock_sendall(connection, _WANTED)
            while chunk := await loop.sock_recv(connection, _CHUNK):
                *lines, rest = (rest + chunk).split(b"\n")
                if skipping and lines:
                    del lines[0]
                    skipping = False
                if len(rest) > LINE_BYTES:
                    messages.counters["line_too_long"] += 1
                    rest, skipping = b"", True
                if sum(map(messages.take, lines)):
                    tell()
                gone = messages.why_gone
                if gone == "lost" or (to_stop and gone == "stopped"):
                    break
    messages.end()
    tell()


def path_source(path: str) -> Source:
    """The unit's events.socket, for as long as it is asked: a unit that comes again is followed again."""

    async def source(messages: Messages, tell: Tell) -> None:
        loop = asyncio.get_running_loop()
        while True:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.setblocking(False)
            try:
                await loop.sock_connect(connection, path)
            except OSError:
                connection.close()
            else:
                await follow(connection, messages, tell)
            await asyncio.sleep(AGAIN_S)

    return source
