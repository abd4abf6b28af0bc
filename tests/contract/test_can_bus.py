"""The live CAN input on real buses: python-can's virtual and UDP multicast, and an slcan adapter at the end of a pty.

Machines that build have no SocketCAN: what the kernel says there is played by a bus that raises the same errors.
"""

import ast
import errno
import fcntl
import inspect
import itertools
import os
import queue
import random
import select
import socket
import struct
import threading
import time
import tty
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import can
import cantools
import pytest
from can.interfaces.socketcan import socketcan
from can.interfaces.udp_multicast import bus as multicast
from can.interfaces.udp_multicast.utils import pack_message, unpack_message

from asvunit.adapters import can_bus
from asvunit.adapters.can_bus import CanBus
from asvunit.canbus import faults as can_faults
from asvunit.canbus import interfaces as can_interfaces
from asvunit.canbus import multicast as can_multicast
from asvunit.canbus import reader as can_reader
from asvunit.canbus import slcan_port
from asvunit.canbus import state as can_state
from asvunit.errors import UsageError
from asvunit.ports import ACCELERATION, SHIFT, SPEED, WINKER, Link, LiveInput, VehicleSignal
from asvunit.resources import data_folder
from asvunit.vehicle import VehicleMap

WAIT_S = 10.0
BENCH = cantools.database.load_file(data_folder("dbc") / "bench.dbc")
MOTION = {"SPEED": 0, "ACCELERATION": 0, "BRAKE_LAMP": 0, "AUXILIARY_BRAKE": 0, "ACCELERATOR": 0}
BODY = {"WINKER_SWITCH": 0, "HAZARD_SWITCH": 0, "SHIFT_POSITION": 0}
ALIVE = itertools.count()
NAMES = itertools.count()


def frame(name: str, stamp_s: float | None = None, **values: int) -> can.Message:
    message = BENCH.get_message_by_name(name)
    raw = (MOTION if name == "MOTION" else BODY) | values | {f"{name}_ALIVE": next(ALIVE) % 16}
    data = message.encode(raw, scaling=False, strict=False)
    stamp_s = time.time() if stamp_s is None else stamp_s
    return can.Message(timestamp=stamp_s, arbitration_id=message.frame_id, is_extended_id=False, data=data)


def soon(holds: Callable[[], bool]) -> None:
    """Waits until it holds."""
    deadline = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)


class Wire:
    """A bus, its other participants, and how a unit is told to use it."""

    interface = ""
    channel = ""
    bitrate: int | None = None

    def __init__(self) -> None:
        self.options: dict[str, Any] = {}

    def send(self, message: can.Message) -> None:
        self.sender.send(message)

    def close(self) -> None:
        self.sender.shutdown()


class Virtual(Wire):
    interface = "virtual"

    def __init__(self, _folder: Path) -> None:
        super().__init__()
        self.channel = f"test-{next(NAMES)}"
        self.sender = can.Bus(self.channel, interface="virtual", ignore_config=True, preserve_timestamps=True)


class Multicast(Wire):
    interface = "udp_multicast"
    channel = "239.74.163.2"

    def __init__(self, _folder: Path) -> None:
        super().__init__()
        pytest.importorskip("msgpack", reason="python-can's udp_multicast needs msgpack")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("", 0))
            port = probe.getsockname()[1]
        self.options = {"port": port}
        try:
            self.sender = can.Bus(self.channel, interface="udp_multicast", ignore_config=True, port=port, hop_limit=0)
            self.sender.send(frame("BODY"))
            heard = self.sender.recv(2)
        except can.CanError as error:
            pytest.skip(f"this machine has no multicast: {error}")
        if heard is None:
            self.sender.shutdown()
            pytest.skip("this machine has no multicast: it does not hear itself")


class Slcan(Wire):
    """Plays the adapter. The slave stays open here, or the master would read an error while nobody has it open."""

    interface = "slcan"
    bitrate = 500_000

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.link = folder / "can-adapter"
        self.channel = str(self.link)
        self.plug()

    def plug(self) -> None:
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        self.heard = b""
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(os.ttyname(self.slave))

    def unplug(self) -> None:
        os.close(self.slave)
        os.close(self.master)
        self.link.unlink()

    def send(self, message: can.Message) -> None:
        self.write(line(message))

    def write(self, data: bytes) -> None:
        while data:
            assert select.select([], [self.master], [], WAIT_S)[1], "nobody reads the adapter"
            data = data[os.write(self.master, data[:512]) :]

    def expect(self, end: bytes) -> bytes:
        """All that the adapter was told, which ends so."""
        while not self.heard.endswith(end):
            assert select.select([self.master], [], [], WAIT_S)[0], self.heard
            self.heard += os.read(self.master, 100)
        return self.heard

    def close(self) -> None:
        if self.link.is_symlink():
            self.unplug()


class Unit:
    """Takes what an input delivers, and waits for it."""

    def __init__(self, make: Callable[[], CanBus]) -> None:
        self.bus = make()
        self.port = "can"
        self.records: queue.Queue[Any] = queue.Queue()

    def start(self) -> "Unit":
        self.bus.start(self.records.put)
        return self

    def link(self) -> Link:
        """The next link; signals before it are dropped."""
        while True:
            record = self.records.get(timeout=WAIT_S)
            if isinstance(record, Link):
                assert record.port == self.port
                return record

    def signal(self, signal: int, value: int) -> VehicleSignal:
        """That signal; no link may come before it."""
        while True:
            record = self.records.get(timeout=WAIT_S)
            assert isinstance(record, VehicleSignal), record
            if (record.signal, record.value) == (signal, value):
                return record

    def counted(self, reason: str, times: int = 1) -> None:
        soon(lambda: self.bus.counters[reason] >= times)


@pytest.fixture
def car() -> VehicleMap:
    return VehicleMap.load("bench")


@pytest.fixture
def unit(car: VehicleMap) -> Iterator[Callable[..., Unit]]:
    made: list[Unit] = []

    def unit(interface: str, channel: str = "can0", **options: Any) -> Unit:
        fields = {"decode": car.decode, "identifiers": car.identifiers()} | options
        made.append(Unit(lambda: CanBus(interface, channel, **fields)))
        return made[-1]

    yield unit
    for each in made:
        each.bus.stop()


@pytest.fixture
def on(unit) -> Callable[..., Unit]:
    """A unit on a wire."""
    return lambda wire, **options: unit(
        wire.interface, wire.channel, bitrate=wire.bitrate, **{"options": wire.options} | options
    )


@pytest.fixture(params=[Virtual, Multicast, Slcan])
def wire(request, tmp_path: Path) -> Iterator[Wire]:
    made = request.param(tmp_path)
    yield made
    made.close()


@pytest.fixture
def virtual(tmp_path: Path) -> Iterator[Virtual]:
    made = Virtual(tmp_path)
    yield made
    made.close()


@pytest.fixture
def adapter(tmp_path: Path) -> Iterator[Slcan]:
    made = Slcan(tmp_path)
    yield made
    made.close()


# Every bus


def test_signals_with_the_time_of_their_receipt(wire: Wire, on) -> None:
    unit = on(wire)
    assert isinstance(unit.bus, LiveInput)
    unit.bus.check()
    unit.bus.check()
    unit.start()
    link = unit.link()
    assert (link.up, link.reason) == (True, "connected")
    assert wire.channel in link.detail
    before = time.monotonic_ns()
    wire.send(frame("MOTION", SPEED=4200, ACCELERATION=-150))
    wire.send(frame("BODY", WINKER_SWITCH=2, SHIFT_POSITION=3))
    speed = unit.signal(SPEED, 4200)
    unit.signal(ACCELERATION, -150)
    unit.signal(WINKER, 5)
    unit.signal(SHIFT, 1)
    assert before - 500_000_000 <= speed.time_ns <= time.monotonic_ns() + 1000
    assert before - 500_000_000 <= link.time_ns <= before
    assert not unit.bus.counters


def test_stop_and_start(wire: Wire, on) -> None:
    unit = on(wire)
    unit.bus.stop()
    for speed in (1000, 2000):
        unit.start()
        assert unit.link().reason == "connected"
        threads = [each for each in threading.enumerate() if each.name == "can"]
        assert [each.daemon for each in threads] == [True]
        wire.send(frame("MOTION", SPEED=speed))
        unit.signal(SPEED, speed)
        unit.bus.stop()
        unit.bus.stop()
        threads[0].join(WAIT_S)
        assert not threads[0].is_alive()
    assert unit.records.qsize() <= 5  # the rest of the frame's signals: a stop is no change of the link


def test_other_frames_and_lengths(wire: Wire, on, car: VehicleMap) -> None:
    unit = on(wire).start()
    unit.link()
    wire.send(can.Message(arbitration_id=0x101, is_extended_id=False, data=bytes(8), timestamp=time.time()))
    wire.send(can.Message(arbitration_id=0x100, is_extended_id=False, data=bytes(7), timestamp=time.time()))
    wire.send(frame("MOTION", SPEED=4200))
    unit.signal(SPEED, 4200)
    assert car.counters == {"wrong_length": 1}
    assert not unit.bus.counters


# Frames with time stamps, error frames


def test_stale_frames_are_dropped(virtual: Virtual, on) -> None:
    unit = on(virtual).start()
    unit.link()
    virtual.send(frame("MOTION", time.time() - 0.8, SPEED=1000))
    virtual.send(frame("MOTION", time.time() - 3600, SPEED=1000))
    virtual.send(frame("MOTION", time.time() + 3600, SPEED=2000))  # the clock was set back meanwhile
    speed = unit.records.get(timeout=WAIT_S)
    assert (speed.signal, speed.value) == (SPEED, 2000)
    assert abs(speed.time_ns - time.monotonic_ns()) < WAIT_S * 1e9
    assert unit.bus.counters == {"stale": 2}


def test_error_and_remote_frames_are_counted(virtual: Virtual, on) -> None:
    unit = on(virtual).start()
    unit.link()
    virtual.send(can.Message(arbitration_id=0x4, is_error_frame=True, is_extended_id=False, timestamp=time.time()))
    virtual.send(can.Message(arbitration_id=0x100, is_remote_frame=True, is_extended_id=False, dlc=8))
    virtual.send(frame("MOTION", SPEED=4200))
    unit.signal(SPEED, 4200)
    assert unit.bus.counters == {"error_frame": 1, "remote_frame": 1}


def test_bus_off_until_frames_come_again(virtual: Virtual, on) -> None:
    unit = on(virtual).start()
    unit.link()
    for _ in range(2):
        virtual.send(can.Message(arbitration_id=0x44, is_error_frame=True, is_extended_id=False))
    virtual.send(can.Message(arbitration_id=0x100, is_remote_frame=True, is_extended_id=False, dlc=8))
    link = unit.link()
    assert (link.up, link.reason) == (False, "bus_off")
    assert "wiring" in link.detail
    virtual.send(frame("MOTION", SPEED=4200))
    link = unit.link()
    assert (link.up, link.reason) == (True, "connected")
    unit.signal(SPEED, 4200)
    assert unit.bus.counters["error_frame"] == 2


# Several buses, CAN FD


def test_several_buses_are_told_apart(virtual: Virtual, tmp_path: Path, unit) -> None:
    asked: list[int] = []

    def decode(message: can.Message, bus: int = 0) -> list[VehicleSignal]:
        asked.append(bus)
        return [VehicleSignal(0, SPEED, message.data[0], bus=bus)]

    other = Virtual(tmp_path)
    first = unit("virtual", virtual.channel, decode=decode, name="chassis", identifiers=[(0x100, False)])
    second = unit("virtual", other.channel, decode=decode, bus=1, name="body", identifiers=[(0x200, False)])
    for each, name in ((first, "can.chassis"), (second, "can.body")):
        each.port = name
        each.start()
        assert each.link().reason == "connected"
        assert name in [thread.name for thread in threading.enumerate()]
    for wire, value in ((virtual, 1), (other, 2)):
        for number in (0x100, 0x200):
            wire.send(can.Message(arbitration_id=number, is_extended_id=False, data=[value], timestamp=time.time()))
    assert first.records.get(timeout=WAIT_S).bus == 0
    assert second.records.get(timeout=WAIT_S).bus == 1
    assert sorted(asked) == [0, 1]
    other.close()


def fd_line(data: bytes) -> bytes:
    return b"b100" + b"%X" % can.util.len2dlc(len(data)) + data.hex().upper().encode() + b"\r"


@pytest.mark.parametrize("kind", [Virtual, Multicast, Slcan])
def test_can_fd(kind: Callable[..., Wire], tmp_path: Path, on) -> None:
    heard: queue.Queue[can.Message] = queue.Queue()
    wire = kind(tmp_path)
    rates = {"data_bitrate": 2_000_000} if wire.interface == "slcan" else {}
    unit = on(wire, fd=True, decode=lambda message: heard.put(message) or [], **rates)
    unit.bus.check()
    unit.start().link()
    data = bytes(range(64))
    if isinstance(wire, Slcan):
        assert b"S6\rY2\rL\r" in wire.expect(b"L\r")
        wire.write(fd_line(data))
    else:
        wire.sender._can_protocol = can.CanProtocol.CAN_FD
        wire.send(
            can.Message(
                arbitration_id=0x100, is_extended_id=False, is_fd=True, bitrate_switch=True, data=data,
                timestamp=time.time(),
            )
        )  # fmt: skip
    message = heard.get(timeout=WAIT_S)
    assert (bytes(message.data), message.is_fd, message.bitrate_switch) == (data, True, True)
    wire.close()


# Never a word to a car


def test_an_open_bus_cannot_send(virtual: Virtual, unit) -> None:
    opened: list[can.BusABC] = []

    def opener(interface: str, channel: str, **arguments: Any) -> can.BusABC:
        opened.append(can.Bus(channel, interface=interface, ignore_config=True, **arguments))
        return opened[-1]

    bus = unit("virtual", virtual.channel, opener=opener)
    bus.start().link()
    message = can.Message(arbitration_id=0x100, is_extended_id=False, data=bytes(8))
    for send in (opened[0].send, lambda one: opened[0].send_periodic(one, 0.01)):
        with pytest.raises(PermissionError, match="only listened to"):
            send(message)
    assert virtual.sender.recv(0) is None
    virtual.send(frame("MOTION", SPEED=4200))
    bus.signal(SPEED, 4200)


@pytest.mark.parametrize(
    "module", [can_bus, can_faults, can_interfaces, can_multicast, can_reader, can_state, slcan_port]
)
def test_no_code_that_reads_a_bus_sends(module: ModuleType) -> None:
    tree = ast.parse(inspect.getsource(module))
    called = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not called & {"send", "send_periodic", "sendto", "write", "_write"}
    assert called


# Floods


def test_a_flood_of_other_frames(adapter: Slcan, on) -> None:
    unit = on(adapter).start()
    unit.link()
    others = b"".join(b"t%03X81122334455667788\r" % number for number in range(0x180, 0x200)) * 8
    for speed in range(1000, 1008):  # 8,192 frames of others
        adapter.write(others)
        adapter.send(frame("MOTION", SPEED=speed))
        unit.signal(SPEED, speed)
    assert not unit.bus.counters


def line(message: can.Message) -> bytes:
    return b"t%03X%d" % (message.arbitration_id, message.dlc) + message.data.hex().upper().encode() + b"\r"


def test_a_flood_of_wanted_frames_brings_the_last_value_of_each_reading(adapter: Slcan, on, car: VehicleMap) -> None:
    unit = on(adapter).start()
    unit.link()
    adapter.write(b"".join(line(frame("MOTION", SPEED=speed)) for speed in range(1000, 1200)))  # in 9 pieces
    heard = [1000]
    while heard[-1] != 1199:
        record = unit.records.get(timeout=WAIT_S)
        heard += [record.value] if record.signal == SPEED else []
    assert heard == sorted(heard)
    assert len(heard) < 100
    assert not unit.bus.counters + car.counters  # none was left out: each was decoded, its alive counter looked at


def test_multicast_is_filtered_in_the_kernel(tmp_path: Path, on, monkeypatch) -> None:
    wire, seen = Multicast(tmp_path), []
    monkeypatch.setattr(multicast, "unpack_message", lambda *a, **k: seen.append(a) or unpack_message(*a, **k))
    heard: list[can.Message] = []
    standard, extended = (0x05, 0x7F, 0x80, 0xFF, 0x100, 0x7FF), (0x1FF, 0xFFFF, 0x10000, 0x18FEF100, 0x1FFFFFFF)
    wanted = [(number, False) for number in standard[1::2]] + [(number, True) for number in extended[::2]]
    on(wire, identifiers=wanted, decode=lambda one: heard.append(one) or [], fd=True).start().link()
    wire.sender._can_protocol = can.CanProtocol.CAN_FD
    send = partial(can.Message, timestamp=time.time())
    for number in (*standard, *extended):
        wire.send(send(arbitration_id=number, is_extended_id=number in extended, data=b"1"))
    wire.send(send(arbitration_id=0x44, is_extended_id=False, is_error_frame=True))
    wire.send(send(arbitration_id=standard[1], is_extended_id=False, is_fd=True, data=bytes(64)))
    soon(lambda: len(heard) == len(wanted) + 1)
    assert [(one.arbitration_id, one.is_extended_id) for one in heard] == [*wanted, wanted[0]]
    assert len(seen) == len(wanted) + 2  # python-can has seen no other
    wire.close()


def test_multicast_of_other_programs_passes_the_filter(tmp_path: Path, on) -> None:
    """Another order of the keys, as MessagePack allows it."""
    wire = Multicast(tmp_path)
    unit = on(wire).start()
    unit.link()
    msgpack = pytest.importorskip("msgpack")
    packed = msgpack.unpackb(pack_message(frame("MOTION", SPEED=4200)))
    for keys in (sorted(packed), sorted(packed, reverse=True)):
        data = msgpack.packb({key: packed[key] for key in keys})
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 0)
            other.sendto(data, (wire.channel, wire.options["port"]))
        unit.signal(SPEED, 4200)
        packed = msgpack.unpackb(pack_message(frame("MOTION", SPEED=4200)))
    wire.close()


def test_multicast_garbage(tmp_path: Path, on) -> None:
    wire = Multicast(tmp_path)
    unit = on(wire).start()
    unit.link()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 0)
        for data in (b"\xc1", b"noise" * 200, b""):
            stranger.sendto(data, (wire.channel, wire.options["port"]))
    unit.counted("garbage", 3)
    wire.send(frame("MOTION", SPEED=4200))
    unit.signal(SPEED, 4200)
    wire.close()


# slcan


def test_slcan_listens_only(adapter: Slcan, on) -> None:
    unit = on(adapter).start()
    unit.link()
    adapter.send(frame("MOTION", SPEED=4200))
    unit.signal(SPEED, 4200)
    opening = adapter.expect(b"L\r")
    assert opening.startswith(b"C\rS6\r")
    unit.bus.stop()
    told = adapter.expect(b"L\rC\r")
    assert set(told.split(b"\r")) == {b"C", b"S6", b"L", b"V", b""}  # no O, and no frame


def test_slcan_joins_the_bus_when_told_so(adapter: Slcan, on) -> None:
    unit = on(adapter, listen_only=False).start()
    unit.link()
    assert b"L" not in adapter.expect(b"O\r")


GARBAGE = {
    "binary": bytes(range(0x80, 0x100)) * 40 + b"\r",
    "endless": b"8" * 20_000,
    "wrong_hex": b"t1008ZZ22334455667788\rt100x\rt100\rt1008112\r",
    "gnss": b"$GPRMC,120000.00,A,3541.1,N*00\r\n" * 20,
    "many": b"t1008ZZ\r" * 250,
    "noise": random.Random(1).randbytes(20_000),
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
def test_slcan_outlives_garbage(adapter: Slcan, on, garbage: bytes) -> None:
    unit = on(adapter).start()
    unit.link()
    adapter.write(garbage)
    unit.counted("garbage")
    until_heard(unit, adapter, 4200)


def until_heard(unit: Unit, adapter: Slcan, speed: int) -> list[int]:
    """Sends a frame until it comes through; the speeds heard before it."""
    heard: list[int] = []
    for _ in range(200):
        adapter.send(frame("MOTION", SPEED=speed))
        try:
            while True:
                record = unit.records.get(timeout=0.1)
                assert isinstance(record, VehicleSignal), record
                if record.signal == SPEED and record.value == speed:
                    return heard
                heard += [record.value] if record.signal == SPEED else []
        except queue.Empty:
            continue
    pytest.fail(f"nothing heard; {unit.bus.counters}")


def test_slcan_unplugged_and_connected_again(adapter: Slcan, on) -> None:
    unit = on(adapter).start()
    for speed in (1000, 2000, 3000):
        link = unit.link()
        assert (link.up, link.reason) == (True, "connected")  # no attempt in between was told
        adapter.send(frame("MOTION", SPEED=speed))
        unit.signal(SPEED, speed)
        adapter.unplug()
        link = unit.link()
        assert (link.up, link.reason) == (False, "unplugged")
        assert adapter.channel in link.detail
        adapter.plug()
    assert not unit.bus.counters


def test_slcan_absent_at_first(adapter: Slcan, on) -> None:
    adapter.unplug()
    unit = on(adapter)
    unit.bus.check()
    unit.start()
    assert (link := unit.link()).reason == "absent"
    assert not link.up
    assert "connect it" in link.detail
    adapter.plug()
    assert unit.link().reason == "connected"


def test_slcan_drops_what_queued_while_the_thread_stood_still(adapter: Slcan, on, car, monkeypatch) -> None:
    standing, go = threading.Event(), threading.Event()

    def decode(message: can.Message) -> list[VehicleSignal]:
        signals = car.decode(message)
        if not standing.is_set():
            standing.set()
            assert go.wait(WAIT_S)
        return signals

    unit = on(adapter, decode=decode).start()
    unit.link()
    adapter.send(frame("MOTION", SPEED=1000))
    assert standing.wait(WAIT_S)
    os.set_blocking(adapter.master, False)
    for _ in range(500):  # 11 KB, of which the thread has read none
        adapter.send(frame("MOTION", SPEED=666))
    os.set_blocking(adapter.master, True)
    monkeypatch.setattr(can_bus, "monotonic", lambda: time.monotonic() + 3600)
    go.set()
    unit.counted("stale_flush")
    assert until_heard(unit, adapter, 4200) == [1000]
    assert unit.bus.counters["stale_flush"] == 1


def test_in_use(adapter: Slcan, on) -> None:
    other = os.open(adapter.channel, os.O_RDWR | os.O_NOCTTY)
    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    unit = on(adapter)
    with pytest.raises(UsageError, match=r"can\.channel: slcan \S+: in use; stop the other program"):
        unit.bus.check()
    unit.start()
    link = unit.link()
    assert (link.up, link.reason) == (False, "in_use")
    os.close(other)
    assert unit.link().reason == "connected"
    with pytest.raises(UsageError, match="in use"):
        on(adapter).bus.check()  # a second unit
    unit.bus.stop()
    on(adapter).bus.check()


def test_no_permission_names_the_group(adapter: Slcan, on, monkeypatch) -> None:
    def refuse(path: str, *_: Any) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    monkeypatch.setattr(can_bus, "_claim", refuse)
    monkeypatch.setattr(can_faults, "access_mend", lambda path: f"the group of {path}")
    unit = on(adapter)
    with pytest.raises(UsageError, match=f"Permission denied; the group of {adapter.channel}"):
        unit.bus.check()
    assert unit.start().link().reason == "no_permission"


@pytest.mark.parametrize("kind", ["file", "folder", "null"])
def test_no_serial_device(tmp_path: Path, unit, kind: str) -> None:
    (tmp_path / "file").write_bytes(b"t1000\r")
    (tmp_path / "folder").mkdir()
    (tmp_path / "null").symlink_to("/dev/null")
    bus = unit("slcan", str(tmp_path / kind))
    with pytest.raises(UsageError, match=rf"can: slcan \S+/{kind}: (is no serial device|Is a directory); look at"):
        bus.bus.check()
    assert bus.start().link().reason == "cannot_open"


# SocketCAN, played


class Played(can.BusABC):
    """A bus on which comes what stands in the script: frames, errors, or None; after it, silence."""

    def __init__(self, script: list[Any]) -> None:
        self.script, self.filtered, self.timeouts = iter(script), None, []
        super().__init__("can0")

    def _apply_filters(self, filters) -> None:
        self.filtered = filters

    def _recv_internal(self, timeout: float | None) -> tuple[can.Message | None, bool]:
        self.timeouts.append(timeout)
        step = next(self.script, None)
        if isinstance(step, Exception):
            try:
                raise OSError(step.args[0], os.strerror(step.args[0])) if isinstance(step, OSError) else step
            except OSError as error:
                raise can.CanOperationError(f"Error receiving: {error.strerror}", error.errno) from error
        if step is None:
            threading.Event().wait(timeout)
            return None, True
        return step(), True

    def send(self, msg: can.Message, timeout: float | None = None) -> None:
        raise AssertionError("sent to a car's bus")


class Opener:
    """Opens the played buses one after the other, and keeps on with the last."""

    def __init__(self, *scripts: list[Any] | Exception) -> None:
        self.scripts, self.buses, self.arguments, self.raw = list(scripts), [], {}, None
        self.opened = threading.Semaphore(0)

    def __call__(self, interface: str, channel: str, **arguments: Any) -> can.BusABC:
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        self.arguments = arguments
        self.opened.release()
        if isinstance(script, Exception):
            raise script
        self.buses.append(Played(script))
        if self.raw is not None:
            self.buses[-1].socket = self.raw
        return self.buses[-1]


def reasons(unit: Unit, number: int) -> list[tuple[bool, str]]:
    return [(link.up, link.reason) for link in (unit.link() for _ in range(number))]


def test_socketcan_down_up_removed_and_back(unit) -> None:
    down, gone = OSError(errno.ENETDOWN), OSError(errno.ENODEV, "No such device")
    opener = Opener(gone, [down], [down], [None, lambda: frame("MOTION", SPEED=4200), down], [down], gone, [None])
    bus = unit("socketcan", bitrate=250_000, opener=opener)
    bus.start()
    absent = bus.link()
    assert (absent.up, absent.reason) == (False, "absent")
    assert absent.detail.endswith("sudo ip link set can0 up type can bitrate 250000")
    assert bus.link().reason == "connected"
    bus.signal(SPEED, 4200)
    unplugged = bus.link()
    assert (unplugged.up, unplugged.reason) == (False, "unplugged")
    assert "Network is down" in unplugged.detail
    assert bus.link().reason == "connected"
    assert opener.arguments == {"bitrate": 250_000}
    assert all(each._is_shutdown for each in opener.buses[:-1])
    assert {each.timeouts[0] for each in opener.buses} == {0}  # nobody waits to be told


def test_socketcan_filters_in_the_kernel(unit) -> None:
    opener = Opener([None])
    bus = unit("socketcan", opener=opener, identifiers=[(0x18FEF100, True), (0x100, False)])
    bus.start().link()
    assert opener.buses[0].filtered == [
        {"can_id": 0x100, "can_mask": 0x7FF, "extended": False},
        {"can_id": 0x18FEF100, "can_mask": 0x1FFFFFFF, "extended": True},
    ]


def error_frame(classes: int, code: int = 0) -> Callable[[], can.Message]:
    data = bytes([0, code]) + bytes(6)
    return partial(can.Message, arbitration_id=classes, is_error_frame=True, is_extended_id=False, data=data)


def test_socketcan_bus_off(unit) -> None:
    off = error_frame(0x40)
    bus = unit("socketcan", opener=Opener([None, off, OSError(errno.ENETDOWN)], [None]))
    bus.start()
    assert bus.link().up
    assert bus.link().detail.endswith(
        "look at bit rate, wiring and termination, then sudo ip link set can0 type can restart; "
        "by itself it does where it was set up with restart-ms 100"
    )
    assert reasons(bus, 2) == [(False, "unplugged"), (True, "connected")]


def test_socketcan_restarted_before_any_frame(unit) -> None:
    bus = unit("socketcan", opener=Opener([None, error_frame(0x40), error_frame(0x100), None]))
    bus.start()
    assert reasons(bus, 3) == [(True, "connected"), (False, "bus_off"), (True, "connected")]


def test_socketcan_is_asked_for_the_errors_that_tell_its_state(unit) -> None:
    asked: list[Any] = []

    class Raw:
        def setsockopt(self, *option: int) -> None:
            asked.append(option)

    opener = Opener([None])
    opener.raw = Raw()
    unit("socketcan", opener=opener).start().link()
    assert asked == [(101, 2, 0x144)]


class KernelSocket:
    """A raw CAN socket as the kernel documents it: its options, and frames with their time of receipt."""

    def __init__(self) -> None:
        self.inner, self.outer = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.options: list[tuple[Any, ...]] = []
        self.errors: list[int] = []

    def setsockopt(self, *option: Any) -> None:
        self.options.append(option)

    def fileno(self) -> int:
        return self.inner.fileno()

    def recvmsg(self, size: int, _ancillary: int) -> tuple[bytes, list[Any], int, tuple[str]]:
        data = self.inner.recv(size)
        if data == b"error":
            raise OSError(self.errors[-1], os.strerror(self.errors[-1]))
        now_ns = time.time_ns()
        stamp = struct.pack("@ll", now_ns // 10**9, now_ns % 10**9)
        return data, [(socket.SOL_SOCKET, socketcan.constants.SO_TIMESTAMPNS, stamp)], 0, ("can0",)

    def frame(self, identifier: int, data: bytes) -> None:
        self.outer.send(struct.pack("=IBB2x8s", identifier, len(data), 0, data))

    def error(self, number: int) -> None:
        self.errors.append(number)
        self.outer.send(b"error")

    def close(self) -> None:
        self.inner.close()
        self.outer.close()


def test_socketcan_as_python_can_reads_it(unit, monkeypatch) -> None:
    made: list[KernelSocket] = []

    def create() -> KernelSocket:
        made.append(KernelSocket())
        if len(made) == 2:
            made[1].error(errno.ENETDOWN)  # still down
        return made[-1]

    monkeypatch.setattr(socketcan, "create_socket", create)
    monkeypatch.setattr(socketcan, "bind_socket", lambda *_: None)
    monkeypatch.setattr(can_interfaces.socket, "if_nametoindex", lambda _name: 1)
    heard: list[can.Message] = []
    bus = unit(
        "socketcan", identifiers=[(0x18FEF100, True), (0x100, False)], decode=lambda one: heard.append(one) or []
    )
    bus.start()
    assert bus.link().up
    extended = 0x80000000
    filters = struct.pack("=4I", 0x100, 0x7FF | extended, 0x18FEF100 | extended, 0x1FFFFFFF | extended)
    assert made[0].options[-2:] == [(101, 1, filters), (101, 2, 0x144)]  # the identifiers; errors of the controller
    made[0].frame(0x18FEF100 | extended, b"abc")
    made[0].frame(0x20000004, bytes([0, 0x10]) + bytes(6))
    made[0].frame(0x20000040, bytes(8))
    link = bus.link()
    assert (link.up, link.reason) == (False, "bus_off")
    made[0].frame(0x20000100, bytes(8))
    assert bus.link().up
    made[0].error(errno.ENETDOWN)
    assert reasons(bus, 2) == [(False, "unplugged"), (True, "connected")]
    assert len(made) == 3
    made[2].frame(0x100, b"12345678")
    bus.counted("error_frame", 3)
    soon(lambda: len(heard) == 2)
    assert [(one.arbitration_id, one.is_extended_id, bytes(one.data)) for one in heard] == [
        (0x18FEF100, True, b"abc"), (0x100, False, b"12345678"),
    ]  # fmt: skip
    assert all(abs(one.timestamp - time.monotonic()) < WAIT_S for one in heard)


# All that can happen to an open bus is told within 500 ms: on a clock that goes on while the bus is waited for


class Timed(can.BusABC):
    """A bus on the clock of a test: `events` by time, each a frame, an error, a controller's state, or None."""

    def __init__(self, clock: "Clock", events: list[tuple[float, Any]]) -> None:
        self.clock, self.events, self.said = clock, events, can.BusState.ACTIVE
        super().__init__("0")

    @property
    def state(self) -> can.BusState:
        return self.said

    def recv(self, timeout: float | None = None) -> can.Message | None:
        if not self.events:  # time stands still: the test looks
            self.clock.ended.set()
            threading.Event().wait(0.001)
            return None
        due_s = self.clock.now_s + (timeout or 0)
        while self.events and self.events[0][0] <= due_s:
            at_s, event = self.events.pop(0)
            self.clock.now_s = max(self.clock.now_s, at_s)
            if isinstance(event, Exception):
                raise event
            if isinstance(event, can.BusState):
                self.said = event
            elif event is not None:
                return event()
        self.clock.now_s = due_s if self.events else self.clock.now_s
        return None

    def send(self, msg: can.Message, timeout: float | None = None) -> None:
        raise AssertionError("sent to a car's bus")


class Clock:
    def __init__(self) -> None:
        self.now_s, self.ended = 1000.0, threading.Event()

    def monotonic(self) -> float:
        return self.now_s

    def monotonic_ns(self) -> int:
        return round(self.now_s * 1e9)


@pytest.fixture
def clock(monkeypatch) -> Clock:
    made = Clock()
    for name in ("monotonic", "monotonic_ns"):
        monkeypatch.setattr(can_bus, name, getattr(made, name))
    return made


MOVING = partial(frame, "MOTION", SPEED=4200)
OTHER = partial(can.Message, arbitration_id=0x7A1, is_extended_id=False, data=b"1")


def network_is_down() -> can.CanOperationError:
    error = can.CanOperationError("Error receiving: Network is down", errno.ENETDOWN)
    error.__cause__ = OSError(errno.ENETDOWN, "Network is down")
    return error


@pytest.mark.parametrize(
    ("interface", "event", "reason"),
    [
        ("socketcan", error_frame(0x40), "bus_off"),
        ("socketcan", error_frame(0x04, 0x10), "error_passive"),
        ("socketcan", error_frame(0x04, 0x20), "error_passive"),
        ("socketcan", network_is_down(), "unplugged"),
        ("pcan", can.BusState.ERROR, "bus_off"),
        ("kvaser", OSError(errno.ENODEV, "No such device"), "unplugged"),
        ("kvaser", None, "silent_bus"),
    ],
)
def test_what_happens_to_a_bus_is_told_within_500_ms(unit, clock: Clock, interface, event: Any, reason: str) -> None:
    frames = [(1000 + number / 10, MOVING) for number in range(1, 30)]  # every 100 ms
    last_s = frames[-1][0]
    happened_s = last_s if event is None else last_s + 0.01
    buses = [Timed(clock, [*frames, (happened_s, event), (last_s + 3, None)])]
    later = Opener([None])
    bus = unit(interface, opener=lambda *_, **__: buses.pop() if buses else later("", ""))
    bus.start()
    assert bus.link().up
    link = bus.link()
    assert (link.up, link.reason) == (False, reason)
    assert happened_s <= link.time_ns / 1e9 <= happened_s + 0.5


def test_a_bus_that_goes_silent_comes_back(unit, clock: Clock) -> None:
    events = [(1000.0 + at, MOVING) for at in (0.1, 0.2, 0.55, 5.0, 5.1)]
    bus = unit("kvaser", opener=lambda *_, **__: Timed(clock, [*events, (1009, None)]))
    bus.start()
    links = [bus.link() for _ in range(4)]
    assert [(one.up, one.reason) for one in links] == [
        (True, "connected"), (False, "silent_bus"), (True, "connected"), (False, "silent_bus"),
    ]  # fmt: skip
    assert links[1].detail == "kvaser can0: no frame for 0.4 s; look at the cable, unless the car is switched off"
    assert links[2].time_ns == 1005 * 10**9


def test_a_slow_bus_is_given_longer(unit, clock: Clock) -> None:
    events = [(1000.0 + at, MOVING) for at in (1, 2, 3, 4)]
    bus = unit("kvaser", silence_s=4.0, opener=lambda *_, **__: Timed(clock, [*events, (1020, None)]))
    bus.start()
    links = [bus.link() for _ in range(2)]
    assert [one.reason for one in links] == ["connected", "silent_bus"]
    assert 1008 <= links[1].time_ns / 1e9 < 1008.5


@pytest.mark.parametrize(
    ("events", "hint"),
    [
        (
            [(1005, None)],
            "no frame of the signal map's yet: look at bit rate and cable, unless the car is switched off",
        ),
        (
            [(1000 + number / 10, OTHER) for number in range(60)],
            "frames come, but none of the signal map's: is this the map's car, and the right bus of it?",
        ),
        ([*((1000 + number / 10, OTHER) for number in range(60)), (1006, MOVING)], ""),
    ],
)
def test_a_bus_without_a_useful_frame_hints(unit, clock: Clock, events: list[tuple[float, Any]], hint: str) -> None:
    bus = unit("kvaser", opener=lambda *_, **__: Timed(clock, events))
    assert bus.bus.hint == ""
    bus.start()
    assert bus.link().up
    assert clock.ended.wait(WAIT_S)
    if not hint:
        bus.signal(SPEED, 4200)
    assert bus.bus.hint == hint
    assert all(isinstance(record, VehicleSignal) for record in bus.records.queue)


def test_no_such_socketcan_interface(unit) -> None:
    bus = unit("socketcan", "vcan-none")
    bus.bus.check()
    link = bus.start().link()
    assert link.reason == "absent"
    assert link.detail == (
        "socketcan vcan-none: no such network interface; "
        "sudo ip link add vcan-none type vcan; sudo ip link set vcan-none up"
    )


def test_kernel_without_can(unit) -> None:
    try:
        socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW).close()
    except OSError:
        with pytest.raises(UsageError, match="can: socketcan lo: this kernel has no CAN; sudo modprobe can_raw"):
            unit("socketcan", "lo").bus.check()
    else:
        pytest.skip("this kernel has CAN")


def test_a_driver_that_only_fails_is_told_opened_anew_and_does_not_spin(unit) -> None:
    opener = Opener([ValueError("broken\npipe.")] * 10_000)
    bus = unit("kvaser", opener=opener)
    bus.start()
    link = bus.link()
    assert (link.up, link.reason) == (False, "failing")
    assert link.detail.startswith("kvaser can0: every reading fails: broken pipe; connect it again")
    for _ in range(3):
        assert opener.opened.acquire(timeout=WAIT_S)
    bus.bus.stop()
    assert {len(each.timeouts) for each in opener.buses[:-1]} == {100}
    assert bus.records.empty()
    assert bus.bus.counters["garbage"] >= 200


def test_a_driver_that_fails_at_times_is_kept(unit) -> None:
    failures = [can.CanOperationError("overrun"), ZeroDivisionError(), AssertionError("only requested a single field")]
    opener = Opener([None, *failures * 30, lambda: frame("MOTION", SPEED=4200), *failures * 30, None])
    bus = unit("kvaser", opener=opener)
    bus.start()
    assert bus.link().up
    bus.signal(SPEED, 4200)
    bus.counted("garbage", 180)
    assert len(opener.buses) == 1


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (PermissionError(errno.EPERM, "Operation not permitted"), "no_permission"),
        (OSError(errno.EBUSY, "Device or resource busy"), "in_use"),
        (can.CanInitializationError("PCAN hardware\nnot initialised."), "cannot_open"),
        (TypeError("unexpected keyword argument 'x'"), "cannot_open"),
        (OverflowError(), "cannot_open"),
    ],
)
def test_why_it_cannot_be_opened(unit, error: Exception, reason: str) -> None:
    bus = unit("virtual", opener=Opener(error, error, [None]))
    with pytest.raises(UsageError, match=r"^can(\.channel)?: virtual can0: [^\n]+; [^\n]+$"):
        bus.bus.check()
    bus.start()
    assert reasons(bus, 2) == [(False, reason), (True, "connected")]


# What check() refuses


@pytest.mark.parametrize(
    ("interface", "options", "message"),
    [
        ("socketcn", {}, "can.interface: python-can has no 'socketcn'; did you mean socketcan"),
        ("obd", {}, "can.interface: python-can has no 'obd'; the usual ones are socketcan and slcan"),
        ("canalystii", {}, "can.interface: canalystii cannot be loaded: "),
        ("slcan", {"sleep_after_opn": 2}, "can.options.sleep_after_opn: slcan has no such option; did you mean sleep"),
        ("slcan", {"listen_only": False}, "can.options.listen_only: give it as can.listen_only"),
        ("slcan", {"timeout": "long"}, "can.options.timeout: must be a number, not 'long'"),
        ("slcan", {"tty_baudrate": True}, "can.options.tty_baudrate: must be a number, not True"),
        ("slcan", {"rtscts": 1}, "can.options.rtscts: must be true or false, not 1"),
        ("udp_multicast", {"port": "x"}, "can.options.port: must be a number, not 'x'"),
        ("virtual", {"can_filters": "x"}, "can.options.can_filters: virtual has no such option; it has preserve_"),
        ("kvaser", {"can_filters": "x"}, "can.options.can_filters: kvaser has no such option; it has timing"),
        ("seeedstudio", {"frame_type": 1}, "can.options.frame_type: must be text, not 1"),
    ],
)
def test_wrong_configuration(unit, interface: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as refused:
        unit(interface, "/dev/none", options=options).bus.check()
    assert str(refused.value).startswith(message)
    assert "\n" not in str(refused.value)


def test_wrong_bitrate(unit) -> None:
    with pytest.raises(UsageError, match=r"can\.bitrate: slcan has no 123; it has 10000, 20000, .*1000000$"):
        unit("slcan", "/dev/none", bitrate=123).bus.check()
    unit("slcan", "/dev/none", bitrate=125_000).bus.check()


def test_options_that_open_ended_drivers_may_know(unit) -> None:
    unit("kvaser", "0", options={"tseg1": 4}).bus.check()


def test_error_frames_that_never_end_are_no_sign_of_life(virtual: Virtual, on) -> None:
    """A cable that came off an adapter which acknowledges: data first, then errors of the bus without a pause."""
    unit = on(virtual).start()
    assert unit.link().reason == "connected"
    virtual.send(frame("MOTION", SPEED=4200))
    unit.signal(SPEED, 4200)
    ended = threading.Event()

    def errors() -> None:
        while not ended.wait(0.005):
            virtual.send(can.Message(arbitration_id=0x08, is_error_frame=True, is_extended_id=False))

    sender = threading.Thread(target=errors)
    sender.start()
    try:
        link = unit.link()
    finally:
        ended.set()
        sender.join()
    assert (link.up, link.reason) == (False, "silent_bus")
