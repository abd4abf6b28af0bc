"""The live CAN input on real buses: python-can's virtual and UDP multicast, and an slcan adapter at the end of a pty.

Machines that build have no SocketCAN: what the kernel says there is played by a bus that raises the same errors.
"""

import errno
import fcntl
import itertools
import os
import queue
import random
import select
import socket
import threading
import time
import tty
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import can
import cantools
import pytest

from asvunit.adapters import can_bus
from asvunit.adapters.can_bus import CanBus
from asvunit.adapters.vehicle_map import VehicleMap
from asvunit.errors import UsageError
from asvunit.ports import ACCELERATION, SHIFT, SPEED, WINKER, Link, LiveInput, VehicleSignal
from asvunit.resources import data_folder

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
        self.write(b"t%03X%d" % (message.arbitration_id, message.dlc) + message.data.hex().upper().encode() + b"\r")

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
        self.records: queue.Queue[Any] = queue.Queue()

    def start(self) -> "Unit":
        self.bus.start(self.records.put)
        return self

    def link(self) -> Link:
        """The next link; signals before it are dropped."""
        while True:
            record = self.records.get(timeout=WAIT_S)
            if isinstance(record, Link):
                assert record.port == "can"
                return record

    def signal(self, signal: int, value: int) -> VehicleSignal:
        """That signal; no link may come before it."""
        while True:
            record = self.records.get(timeout=WAIT_S)
            assert isinstance(record, VehicleSignal), record
            if (record.signal, record.value) == (signal, value):
                return record

    def counted(self, reason: str, times: int = 1) -> None:
        deadline = time.monotonic() + WAIT_S
        idle = threading.Event()
        while self.bus.counters[reason] < times:
            assert time.monotonic() < deadline, self.bus.counters
            idle.wait(0.01)


@pytest.fixture
def car() -> VehicleMap:
    return VehicleMap.load("bench")


@pytest.fixture
def unit(car: VehicleMap) -> Iterator[Callable[..., Unit]]:
    made: list[Unit] = []

    def unit(interface: str, channel: str = "can0", **options: Any) -> Unit:
        fields = {"decode": car.decode, "identifiers": car.identifiers} | options
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
    assert set(told.split(b"\r")) == {b"C", b"S6", b"L", b""}  # no O, and no frame


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
    monkeypatch.setattr(can_bus, "access_mend", lambda path: f"the group of {path}")  # tested with the receiver's port
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
        self.scripts, self.buses, self.arguments = list(scripts), [], {}
        self.opened = threading.Semaphore(0)

    def __call__(self, interface: str, channel: str, **arguments: Any) -> can.BusABC:
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        self.arguments = arguments
        self.opened.release()
        if isinstance(script, Exception):
            raise script
        self.buses.append(Played(script))
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


def test_socketcan_bus_off(unit) -> None:
    off = partial(can.Message, arbitration_id=0x40, is_error_frame=True, is_extended_id=False)
    bus = unit("socketcan", opener=Opener([None, off, OSError(errno.ENETDOWN)], [None]))
    bus.start()
    assert bus.link().up
    assert bus.link().detail.endswith(
        "look at bit rate, wiring and termination, then sudo ip link set can0 type can restart"
    )
    assert reasons(bus, 2) == [(False, "unplugged"), (True, "connected")]


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


def test_a_driver_that_only_fails_is_opened_anew_and_does_not_spin(unit) -> None:
    opener = Opener([ValueError("broken")] * 10_000)
    bus = unit("socketcan", opener=opener)
    bus.start()
    assert bus.link().up
    for _ in range(3):
        assert opener.opened.acquire(timeout=WAIT_S)
    bus.bus.stop()
    assert {len(each.timeouts) for each in opener.buses[:-1]} == {100}
    assert bus.records.empty()
    assert bus.bus.counters["garbage"] >= 200


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
