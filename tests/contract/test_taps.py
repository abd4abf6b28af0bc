"""What a session is told of the inputs: the receiver's bytes, the bus's frames (those of use, or all), the words."""

import json
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import can
import pytest

from asvrig.live.receiver import ReceiverPty
from asvrig.live.slcan import SlcanPty
from asvunit.adapters.can_bus import CanBus
from asvunit.adapters.gnss_gpsd import GpsdGnss
from asvunit.adapters.gnss_serial import SerialGnss
from asvunit.adapters.supports import UdpSupports
from asvunit.ports import Link, LiveInput
from asvunit.vehicle import VehicleMap

WAIT_S = 10.0
SPEED, BODY, FOREIGN, LONG = 0x100, 0x200, 0x321, 0x18FEF100


def soon(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)


@contextmanager
def reading(one: LiveInput) -> Iterator["queue.SimpleQueue[Any]"]:
    delivered: queue.SimpleQueue[Any] = queue.SimpleQueue()
    one.start(delivered.put)
    try:
        yield delivered
    finally:
        one.stop()


def connected(delivered: "queue.SimpleQueue[Any]") -> None:
    while True:
        record = delivered.get(timeout=WAIT_S)
        if isinstance(record, Link) and record.up:
            return


def test_the_receivers_bytes_come_as_they_were_sent() -> None:
    heard: list[tuple[bytes, int]] = []
    with ReceiverPty() as pty:
        one = SerialGnss(pty.port, 115_200, lambda data, time_ns: heard.append((data, time_ns)))
        with reading(one) as delivered:
            connected(delivered)
            before_ns = time.monotonic_ns()
            pty.write(b"$GNRMC,noise\r\n")
            pty.write(b"\xb5\x62\x01\n")
            soon(lambda: b"".join(data for data, _ in heard) == b"$GNRMC,noise\r\n\xb5\x62\x01\n")
    assert all(before_ns <= time_ns <= time.monotonic_ns() for _, time_ns in heard)


def test_gpsds_bytes_come_as_they_were_sent() -> None:
    heard: list[bytes] = []
    greeting = b'{"class":"VERSION","release":"3.25","proto_major":3,"proto_minor":15}\n'
    with socket.create_server(("127.0.0.1", 0)) as server:
        one = GpsdGnss("127.0.0.1", server.getsockname()[1], tap=lambda data, _time_ns: heard.append(data))
        with reading(one):
            connection, _ = server.accept()
            with connection:
                connection.sendall(greeting)
                soon(lambda: b"".join(heard) == greeting)


class Bus:
    """A bus of either kind, and how to send on it."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.arguments: dict[str, Any] = {}
        if kind == "slcan":
            self.pty = SlcanPty()
            self.channel, self.arguments["bitrate"] = self.pty.port, 500_000
        else:
            self.channel = f"taps-{time.monotonic_ns()}"
            self.sender = can.Bus(self.channel, interface="virtual", ignore_config=True)

    def service(self) -> None:
        if self.kind == "slcan":
            self.pty.service()

    def send(self, identifier: int, extended: bool, data: bytes) -> None:
        if self.kind == "slcan":
            self.pty.send(identifier, extended, data)
        else:
            self.sender.send(can.Message(arbitration_id=identifier, is_extended_id=extended, data=data))

    def close(self) -> None:
        if self.kind == "slcan":
            self.pty.close()
        else:
            self.sender.shutdown()


@pytest.mark.parametrize("kind", ["slcan", "virtual"])
@pytest.mark.parametrize("every", [False, True])
def test_the_frames_of_use_come_or_all_and_the_car_is_read_alike(kind: str, every: bool) -> None:
    car = VehicleMap.load("bench")
    heard: list[tuple[int, bool, bytes, float]] = []

    def tap(message: can.Message) -> None:
        heard.append((message.arbitration_id, message.is_extended_id, bytes(message.data), message.timestamp))

    wire = Bus(kind)
    one = CanBus(
        kind, wire.channel, decode=car.decode, identifiers=car.filters(), tap=tap, tap_all=every, **wire.arguments
    )
    ended = threading.Event()

    def serve() -> None:
        while not ended.wait(0.005):
            with suppress(BlockingIOError):
                wire.service()

    server = threading.Thread(target=serve)
    server.start()
    try:
        with reading(one) as delivered:
            connected(delivered)
            soon(lambda: kind != "slcan" or wire.pty.mode)
            wire.send(FOREIGN, False, b"\x01")
            wire.send(LONG, True, bytes(8))
            wire.send(BODY, False, bytes((0, 3, 0, 0, 0, 0, 0, 1)))
            soon(lambda: any(number == BODY for number, *_rest in heard))
            signal = delivered.get(timeout=WAIT_S)
            assert signal.time_ns == round(heard[-1][3] * 1e6) * 1000
    finally:
        ended.set()
        server.join()
        wire.close()
    told = [one[:3] for one in heard]
    foreign = [(FOREIGN, False, b"\x01"), (LONG, True, bytes(8))] if every else []
    assert told == [*foreign, (BODY, False, bytes((0, 3, 0, 0, 0, 0, 0, 1)))]
    assert one.counters["unknown_id"] == 0


def test_the_words_of_other_systems_come_checked() -> None:
    heard: list[tuple[dict[str, Any], int]] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    one = UdpSupports("127.0.0.1", port, lambda word, time_ns: heard.append((word, time_ns)))
    word = {"origin": "roadside", "function": "crossing", "level": "caution", "direction": "left"}
    with reading(one) as delivered, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        connected(delivered)
        sender.sendto(b"noise", ("127.0.0.1", port))
        sender.sendto(json.dumps(word).encode(), ("127.0.0.1", port))
        record = delivered.get(timeout=WAIT_S)
        soon(lambda: heard)
    assert heard == [(word, record.time_ns)]
