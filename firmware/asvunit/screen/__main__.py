"""The screen's process: `python -m asvunit.screen LISTENER FEED STATUS SETTING`, started by `asvunit.screen_process`.

The first three are inherited descriptors: the listening socket, the unit's lines, and where this process says that it
runs. SETTING is JSON. It ends when the unit's lines end, and so never outlives the unit.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import Final

NICE: Final = 5  # the unit comes first
ALIVE_S: Final = 1.0


def main() -> None:
    """The process."""
    os.nice(NICE)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # they are the unit's, whose end is this one's: so it can say "stopped"
    from asvunit.screen.feed import follow
    from asvunit.screen.messages import Messages
    from asvunit.screen.server import serve
    from asvunit.screen.setting import Setting

    listener, feed, status = (int(text) for text in sys.argv[1:4])
    os.set_blocking(status, False)
    setting = Setting(**json.loads(sys.argv[4]))

    async def source(messages: Messages, tell: Callable[[], None]) -> None:
        telling = asyncio.create_task(_alive(status))
        try:
            await follow(socket.socket(fileno=feed), messages, tell, to_stop=True)
        finally:
            telling.cancel()

    asyncio.run(serve(socket.socket(fileno=listener), setting, source, lambda: _say(status)))


async def _alive(status: int) -> None:
    while True:
        await asyncio.sleep(ALIVE_S)
        _say(status)


def _say(status: int) -> None:
    with contextlib.suppress(OSError):
        os.write(status, b".")


if __name__ == "__main__":
    try:
        main()
    except ImportError as error:
        sys.exit(f"asvkit: the screen cannot be served: {error}; install asvkit anew, with all that it needs")
