"""The radio of a vehicle that is played: one UDP socket with a source of its own; and a port that is free."""

import ipaddress
import random
import socket
from collections import Counter
from types import TracebackType
from typing import Final, Self

from asvrig.scenario import Vehicle
from asvunit.errors import AsvkitError, UsageError

_PORTS: Final = range(20_000, 32_000)  # Linux takes 32768 and up for sockets that ask for any


class RadioSender:
    """Sends payloads to a broadcast address and port, from an ephemeral port that tells it from the others."""

    def __init__(self, address: str, port: int) -> None:
        self.dropped: Counter[str] = Counter()  # payloads by reason: "no_room", "network"
        self.sent = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            self._socket.connect((str(ipaddress.IPv4Address(address)), port))
        except (OSError, OverflowError, ValueError) as error:
            self._socket.close()
            reason = getattr(error, "strerror", None) or error
            raise UsageError(f"{address}:{port}: the radio cannot send there: {reason}") from error
        host, own_port = self._socket.getsockname()
        self._source = f"{host}:{own_port}"

    @property
    def source(self) -> str:
        """As units name it in their events: "127.0.0.1:40000"."""
        return self._source

    def send(self, payload: bytes) -> None:
        """Sends one payload; never blocks, never raises: what the network does not take is counted."""
        try:
            self._socket.send(payload)
            self.sent += 1
        except BlockingIOError:
            self.dropped["no_room"] += 1
        except OSError:
            self.dropped["network"] += 1

    def close(self) -> None:
        """May be called twice."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def check_address(vehicle: Vehicle) -> None:
    """UsageError for a played vehicle whose radio asks for an address: a datagram has that of its socket."""
    if vehicle.mac is not None:
        raise UsageError(f"vehicle {vehicle.name!r}: mac: a live radio sends from a port of its own; leave it out")


def free_udp_port() -> int:
    """A UDP port that no program of this machine has bound, below those that the kernel gives to senders."""
    for port in random.sample(_PORTS, len(_PORTS)):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("", port))  # without SO_REUSEADDR: none that is shared
            except OSError:
                continue
            return port
    raise AsvkitError("no UDP port is free; close what holds many of them")
