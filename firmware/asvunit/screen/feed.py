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
LONELY_S: Final = 2.0  # nobody looks for so long: the unit need not draw
_WANTED, _UNWANTED = b"scene\n", b"quiet\n"


Tell = Callable[[], None]
Source = Callable[[Messages, Tell], Coroutine[Any, Any, None]]


async def follow(connection: socket.socket, messages: Messages, tell: Tell, to_stop: bool = False) -> None:
    """Takes line after line until the connection ends, then closes it; asks for scenes while somebody looks.

    What came together is told together: the newest state, once. Where the unit says that events were lost it ends
    too: a new connection begins with the whole state. `to_stop`: so it does with the unit's word that it stops, which
    may be busy for a while with the connections of others.
    """
    loop = asyncio.get_running_loop()
    rest, skipping = b"", False
    with connection, contextlib.ExitStack() as stack:
        connection.setblocking(False)
        messages.begin()
        with contextlib.suppress(OSError):
            await loop.sock_sendall(connection, _WANTED)
            asking = asyncio.create_task(_ask(connection, messages))
            stack.callback(asking.cancel)
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


async def _ask(connection: socket.socket, messages: Messages) -> None:
    """Takes the wish for scenes back while nobody looks."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError):
        while True:
            await messages.left.wait()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(messages.looked.wait(), LONELY_S)
                continue
            messages.quiet = True
            await loop.sock_sendall(connection, _UNWANTED)
            await messages.looked.wait()
            await loop.sock_sendall(connection, _WANTED)


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
