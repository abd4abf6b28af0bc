"""An agent and its bench in one process: joined by a pair of sockets, or by a line that loses and damages."""

import contextlib
import random
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from asvrig.agent.client import AgentClient
from asvrig.agent.server import Agent
from asvrig.agent.streams import DescriptorStream

Relay = Callable[[bytes], bytes]  # what becomes of a line


def bad_line(seed: int, percent: int) -> Relay:
    """Loses, damages, tears and prefixes lines, so many of a hundred."""
    chance = random.Random(seed)

    def relay(line: bytes) -> bytes:
        if chance.random() * 100 >= percent:
            return line
        at = chance.randrange(len(line))
        return chance.choice(
            (
                b"",
                line[:at],
                line[:at] + b"\xff" + line[at + 1 :],
                b"[ 12.345] usb 1-1: new device\n" + line,
                b"\0\r" + line,
            )
        )

    return relay


def _relay(take: socket.socket, give: socket.socket, relay: Relay) -> None:
    with contextlib.suppress(OSError), take.makefile("rb") as lines:
        for line in lines:
            give.sendall(relay(line))
    with contextlib.suppress(OSError):
        give.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def agent(folder: Path, there: Relay | None = None, back: Relay | None = None) -> Iterator[AgentClient]:
    """A client that has said hello; `there` and `back`: what becomes of the lines to the agent, and from it."""
    with contextlib.ExitStack() as opened:
        bench, line = socket.socketpair()
        if there or back:
            other, theirs = socket.socketpair()
            for take, give, relay in ((line, other, there), (other, line, back)):
                threading.Thread(target=_relay, args=(take, give, relay or bytes), daemon=True).start()
        else:
            other = theirs = line
        end = theirs
        served = Agent(end.recv, end.sendall, folder)
        thread = threading.Thread(target=served.serve, daemon=True)
        thread.start()
        descriptor = bench.detach()
        client = AgentClient(DescriptorStream(descriptor, descriptor))
        opened.callback(thread.join, 10)
        for one in {line, other, theirs}:
            opened.callback(one.close)
        opened.callback(client.close)
        client.hello(10)
        yield client
