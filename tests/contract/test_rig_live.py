"""What the rig's live parts owe: real ptys, real sockets, real processes; whole pieces, counted drops, nothing left."""

import os
import queue
import select
import signal
import socket
import subprocess
import sys
import termios
import textwrap
import threading

import can
import cantools
import pynmea2
import pytest

from asvrig.gnss_feed import bursts, sentence
from asvrig.live.radio import RadioSender, free_udp_port
from asvrig.live.receiver import ReceiverPty
from asvrig.live.slcan import SlcanPty
from asvrig.live.unit_process import UnitProcess
from asvrig.live.world import World, at_next_second
from asvrig.scenario import Place, Scenario, Vehicle
from asvrig.trajectory import Trajectory
from asvrig.unit_config import LOOPBACK
from asvunit.errors import AsvkitError, UsageError
from asvunit.message import decode, values
from asvunit.resources import data_folder

LONG_S = 10  # nothing should ever take so long


class Host:
    """A program that has opened a device."""

    def __init__(self, port: str) -> None:
        self.file = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self.data = b""

    def __enter__(self) -> "Host":
        return self

    def __exit__(self, *_error: object) -> None:
        os.close(self.file)

    def read(self, done) -> bytes:
        """Reads until it is `done(data)`; what was read so far."""
        while not done(self.data):
            assert readable(self.file), f"nothing more came after {self.data[-80:]!r}"
            chunk = os.read(self.file, 65536)
            assert chunk, "hung up"
            self.data += chunk
        return self.data

    def write(self, data: bytes) -> None:
        assert os.write(self.file, data) == len(data)


def readable(file) -> bool:
    poll = select.poll()
    poll.register(file, select.POLLIN)
    return bool(poll.poll(LONG_S * 1000))


def line(number: int) -> bytes:
    return sentence(f"GNTXT,{number:06d},{'x' * 40}")


def numbers(data: bytes) -> list[int]:
    """Numbers of the lines, each of which must be whole."""
    lines = data.splitlines(keepends=True)
    assert all(one == line(int(one.split(b",")[1])) for one in lines)
    return [int(one.split(b",")[1]) for one in lines]


def frame(number: int) -> tuple[int, bool, bytes]:
    return 0x100 + number % 8, False, number.to_bytes(8, "big")


def opened(device: SlcanPty, host: Host, how: bytes = b"O") -> None:
    host.write(how + b"\r")
    while not device.mode:
        assert readable(device.fileno())
        device.service()
    host.read(lambda data: data.endswith(b"\r"))
    host.data = b""


# Every device


@pytest.fixture(params=[ReceiverPty, SlcanPty])
def kind(request):
    return request.param


def say(device, number: int) -> None:
    if isinstance(device, ReceiverPty):
        device.write(line(number))
    else:
        device.send(*frame(number))


def heard(device, data: bytes) -> list[int]:
    if isinstance(device, ReceiverPty):
        return numbers(data)
    frames = data.split(b"\r")
    assert frames.pop() == b""
    assert all(len(one) == 21 and one[:3] == b"t10" and one[4:5] == b"8" for one in frames)
    return [int(one[5:], 16) for one in frames]


def test_a_device_is_raw_and_says_what_it_is_given(kind, tmp_path):
    with kind(tmp_path / "port") as device, Host(device.port) as host:
        assert device.port == str(tmp_path / "port")
        assert os.readlink(device.port) == device.path
        assert not termios.tcgetattr(host.file)[3] & (termios.ECHO | termios.ICANON)
        if isinstance(device, SlcanPty):
            opened(device, host)
        sent = device.sent
        for number in range(3):
            say(device, number)
        end = b"\n" if kind is ReceiverPty else b"\r"
        assert heard(device, host.read(lambda data: data.count(end) == 3)) == [0, 1, 2]
        assert device.sent - sent == 3
        assert not device.dropped
    assert list(tmp_path.iterdir()) == []


def test_a_device_without_a_link_is_named_by_its_pty(kind):
    with kind() as device:
        assert device.port == device.path
        assert os.path.exists(device.path)
    assert (device.path, device.fileno()) == ("", -1)


def test_unplugged_the_host_is_hung_up_and_finds_nothing(kind, tmp_path):
    with kind(tmp_path / "port") as device:
        host = Host(device.port)
        device.unplug()
        device.unplug()
        poll = select.poll()
        poll.register(host.file, select.POLLIN)
        assert poll.poll(LONG_S * 1000)[0][1] & select.POLLHUP
        os.close(host.file)
        with pytest.raises(FileNotFoundError):
            Host(device.port)
        say(device, 1)
        device.service()
        assert device.dropped == {"unplugged": 1}


def test_replugged_it_is_a_new_device_at_the_old_path(kind, tmp_path):
    with kind(tmp_path / "port") as device, Host(device.port) as old:
        if isinstance(device, SlcanPty):
            opened(device, old)
        device.unplug()
        device.plug()
        device.plug()
        with Host(device.port) as host:
            if isinstance(device, SlcanPty):
                say(device, 8)
                assert device.dropped == {"closed": 1}  # it has forgotten that it was open
                opened(device, host)
            say(device, 9)
            end = b"\n" if kind is ReceiverPty else b"\r"
            assert heard(device, host.read(lambda data: data.endswith(end))) == [9]


def test_a_silent_device_is_there_and_says_nothing(kind, tmp_path):
    with kind(tmp_path / "port") as device, Host(device.port) as host:
        if isinstance(device, SlcanPty):
            opened(device, host)
        device.silent = True
        say(device, 1)
        device.silent = False
        say(device, 2)
        end = b"\n" if kind is ReceiverPty else b"\r"
        assert heard(device, host.read(lambda data: data.endswith(end))) == [2]
        assert device.dropped == {"silent": 1}


def test_a_stalled_reader_loses_whole_pieces_that_are_counted(kind):
    end = b"\n" if kind is ReceiverPty else b"\r"
    with kind() as device, Host(device.port) as host:
        if isinstance(device, SlcanPty):
            opened(device, host)
        base, said = device.sent, 0
        while device.dropped["stalled"] < 50:
            say(device, said)
            said += 1
            assert said < 1_000_000
        kept = device.sent - base
        assert kept + device.dropped["stalled"] == said
        host.read(lambda data: data.count(end) >= kept - 1)  # the last one may have been cut: its rest waits
        say(device, 999_999)
        *got, last = heard(device, host.read(lambda data: data.endswith(end) and heard(device, data)[-1] == 999_999))
        assert last == 999_999
        assert len(got) == kept
        assert got == sorted(set(got))  # the kernel may make room again between two drops
        assert got[0] == 0
        assert got[-1] < said
        assert device.sent - base == kept + 1


def test_a_stalled_device_begins_anew_when_it_is_replugged():
    with ReceiverPty() as receiver:
        for number in range(1000):
            receiver.write(line(number))
        assert receiver.dropped["stalled"]
        receiver.unplug()
        receiver.plug()
        receiver.write(line(5000))
        with Host(receiver.port) as host:
            assert numbers(host.read(lambda data: data.endswith(b"\n"))) == [5000]


def test_a_host_that_writes_without_end_never_blocks_on_us(kind):
    with kind() as device, Host(device.port) as host:
        for _ in range(20):
            host.write(b"x" * 1000)
            assert readable(device.fileno())
            device.service()


def test_a_link_never_replaces_a_file_but_does_replace_a_dead_link(kind, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError, match="file: exists and is no link"):
        kind(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"
    with pytest.raises(UsageError, match="no link can be made"):
        kind(tmp_path / "absent" / "port")
    (tmp_path / "dead").symlink_to("/dev/pts/absent")
    with kind(tmp_path / "dead") as device:
        assert os.readlink(tmp_path / "dead") == device.path


def test_a_link_that_another_has_taken_is_left(kind, tmp_path):
    first = kind(tmp_path / "port")
    with kind(tmp_path / "port") as second:
        first.close()
        assert os.readlink(tmp_path / "port") == second.path


def test_devices_leave_no_file_open(kind, tmp_path):
    before = os.listdir("/proc/self/fd")
    device = kind(tmp_path / "port")
    assert len(os.listdir("/proc/self/fd")) > len(before)
    for _ in range(3):
        device.unplug()
        device.plug()
    device.close()
    device.close()
    assert len(os.listdir("/proc/self/fd")) == len(before)


# The receiver


def test_a_burst_is_cut_only_between_sentences():
    with ReceiverPty() as receiver, Host(receiver.port) as host:
        burst = line(1) + line(2) + b"\xff\xfe no line"
        receiver.write(burst)
        assert host.read(lambda data: data.endswith(b"no line")) == burst
        assert receiver.sent == 3


# The adapter


@pytest.mark.parametrize(
    ("mode", "command", "answer"),
    [
        ("", "", "\r"),
        ("", "C", "\r"),
        *[("", f"S{number}", "\r") for number in range(10)],
        ("", "SX", "\a"),
        ("", "s031C", "\r"),
        ("", "Y2", "\r"),
        ("", "O", "\r"),
        ("", "L", "\r"),
        ("O", "O", "\r"),
        ("O", "S6", "\a"),
        ("L", "C", "\r"),
        ("", "V", "V1013\r"),
        ("", "N", "N0001\r"),
        ("O", "F", "F00\r"),
        ("O", "t1232AABB", "\r"),
        ("O", "T1ABCDEF00", "\r"),
        ("O", "r1238", "\r"),
        ("O", "R000001230", "\r"),
        ("L", "t1232AABB", "\a"),
        ("", "t1232AABB", "\a"),
        ("O", "t1232AA", "\a"),
        ("O", "t1239" + "00" * 9, "\a"),
        ("O", "t8000", "\a"),
        ("O", "T200000000", "\a"),
        ("", "Q", "\a"),
        ("", "OO", "\a"),
        ("", "\xe4", "\a"),
    ],
)
def test_the_adapter_answers_as_the_text_protocol_has_it(mode, command, answer):
    with SlcanPty() as device, Host(device.port) as host:
        if mode:
            opened(device, host, mode.encode())
        host.write(command.encode("latin-1") + b"\r")
        assert readable(device.fileno())
        device.service()
        assert host.read(lambda data: data[-1:] in (b"\r", b"\a")) == answer.encode()
        assert device.commands[-1].encode().decode("unicode_escape") == command
        if answer == "\r" and command in ("C", "O", "L"):
            assert device.mode == command.replace("C", "")


def test_commands_are_put_together_bounded_and_never_without_end():
    with SlcanPty() as device, Host(device.port) as host:

        def served(data: bytes) -> None:
            host.write(data)
            assert readable(device.fileno())
            device.service()

        served(b"S")
        assert device.commands == []
        served(b"6\rL")
        assert device.commands == ["S6"]
        served(b"\r" + b"t" * 3000)
        served(b"t" * 3000)
        assert (device.commands, device.mode) == (["S6", "L"], "L")
        served(b"\r")
        assert device.commands[-1] == "t" * 64
        assert host.read(lambda data: len(data) == 3) == b"\r\r\a"
        for _ in range(30):
            served(b"V\r" * 50)
            host.read(lambda data: data.endswith(b"V1013\r"))
        assert device.commands == ["V"] * 1000


def test_frames_flow_only_while_the_adapter_is_open():
    with SlcanPty() as device, Host(device.port) as host:
        device.send(0x123, False, b"\x01")
        assert device.dropped == {"closed": 1}
        opened(device, host, b"L")
        device.send(0x7FF, False, b"")
        device.send(0x1ABCDEF0, True, bytes(range(8)))
        device.send(0x123, False, bytes(9))
        got = host.read(lambda data: data.count(b"\r") == 2)
        assert got == b"t7FF0\rT1ABCDEF080001020304050607\r"
        assert device.dropped == {"closed": 1, "too_long": 1}


def test_python_can_opens_it_listens_and_closes_it():
    frames = [(0x123, False, b"\x01\xab"), (0x1ABCDEF0, True, bytes(range(8))), (0x7FF, False, b"")]
    with SlcanPty() as device:
        bus = can.Bus(
            interface="slcan", channel=device.port, bitrate=500_000, listen_only=True, sleep_after_open=0, timeout=0.01
        )
        while device.commands.count("L") < 2:
            assert readable(device.fileno())
            device.service()
        assert device.mode == "L"
        assert [one for one in device.commands if one] == ["C", "S6", "L", "L"]
        for one in frames:
            device.send(*one)
        got = [bus.recv(LONG_S) for _ in frames]
        assert [(one.arbitration_id, one.is_extended_id, bytes(one.data)) for one in got if one] == frames
        assert bus.get_serial_number(0) is None
        bus.shutdown()
        while device.mode:
            assert readable(device.fileno())
            device.service()
        assert device.commands[-2:] == ["N", "C"]


# The radio


def listener(port: int) -> socket.socket:
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind(("", port))
    one.settimeout(LONG_S)
    return one


def test_every_unit_of_the_machine_hears_a_broadcast_and_whose_it_is():
    port = free_udp_port()
    with listener(port) as one, listener(port) as two, RadioSender(LOOPBACK, port) as first:
        with RadioSender(LOOPBACK, port) as second:
            assert first.source != second.source
            for sender, payload in ((first, b"a" * 100), (second, b"b" * 178), (first, b"c")):
                sender.send(payload)
                for heard_by in (one, two):
                    data, (host, own_port) = heard_by.recvfrom(2048)
                    assert (data, f"{host}:{own_port}") == (payload, sender.source)
            assert (first.sent, second.sent) == (2, 1)
        second.close()
        assert not first.dropped


def test_what_the_network_does_not_take_is_counted():
    with RadioSender("127.0.0.1", free_udp_port()) as sender:  # nobody listens: the kernel says so
        for _ in range(10):
            sender.send(b"x")
        assert sender.dropped["network"] > 0
        assert sender.sent + sender.dropped["network"] == 10
        sender.send(bytes(100_000))
        assert sender.dropped["network"] > 10 - sender.sent


@pytest.mark.parametrize(("address", "port"), [("nowhere", 1), ("127.0.0.1", 65536), ("", 1), ("ff02::1", 1)])
def test_an_address_that_is_none_is_one_line(address, port):
    with pytest.raises(UsageError) as refused:
        RadioSender(address, port)
    assert "cannot send there" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_free_port_can_be_shared_by_units():
    port = free_udp_port()
    with listener(port), listener(port):
        assert free_udp_port() != port


# The world


def drive(duration_s: float) -> Scenario:
    return Scenario(
        scenario=1,
        title="drive",
        start="2026-04-01T01:00:00Z",
        duration_s=duration_s,
        place=Place(latitude_deg=36.0652, longitude_deg=140.1272),
        vehicle=[
            Vehicle(name="ego", ego=True, heading_deg=90, speed_kmh=36, motion=[{"for_s": 9, "accel_mps2": 1.0}]),
            Vehicle(name="other", seed=3, heading_deg=0, speed_kmh=50),
        ],
    )


def test_a_drive_comes_through_ptys_and_udp(tmp_path):
    scenario, start_ns = at_next_second(drive(1.0), after_s=0.3)
    ego, other = scenario.vehicle
    port = free_udp_port()
    with (
        ReceiverPty(tmp_path / "gnss") as receiver,
        SlcanPty(tmp_path / "can") as adapter,
        listener(port) as air,
        RadioSender(LOOPBACK, port) as sender,
        Host(receiver.port) as host,
    ):
        world = World(scenario, start_ns)
        world.add_unit(ego, receiver, adapter)
        world.play(other, sender)
        thread = threading.Thread(target=world.run, daemon=True)
        thread.start()
        bus = can.Bus(interface="slcan", channel=adapter.port, bitrate=500_000, listen_only=True, sleep_after_open=0)
        frames = []
        while not frames or frames[-1].arbitration_id != frames[0].arbitration_id or len(frames) < 10:
            frames.append(bus.recv(LONG_S))
        thread.join(LONG_S)
        assert not thread.is_alive()
        bus.shutdown()
        assert adapter.mode == "L"  # the world answered while it ran
        expected = b"".join(b"".join(lines) for _t, lines in bursts(scenario, ego))
        assert host.read(lambda data: len(data) >= len(expected)) == expected
        fix = pynmea2.parse(expected.splitlines()[0].decode(), check=True)
        assert fix.timestamp.replace(tzinfo=None) == scenario.start.time()
        payloads = [air.recv(2048) for _ in range(sender.sent)]
        told = [values(decode(payload)) for payload in payloads]
        assert [one["increment_counter"] for one in told] == list(range(10))
        assert {one["vehicle_id"] for one in told} == {other.vehicle_id}
        database = cantools.database.load_file(data_folder("dbc") / "bench.dbc")
        motion = database.get_message_by_name("MOTION")
        speeds = [motion.decode(one.data)["SPEED"] for one in frames if one.arbitration_id == motion.frame_id]
        assert speeds == sorted(speeds)
        assert 36 <= speeds[0] < Trajectory(ego).at(1.0).speed_kmh
        late = world.lateness_ms
        assert late.count == 11 + sender.sent + adapter.sent - len(adapter.commands) + adapter.dropped["closed"]
        assert 0 <= late.p99 <= late.max


def test_a_receiver_unplugged_in_the_drive_comes_back(tmp_path):
    scenario, start_ns = at_next_second(drive(1.0), after_s=0)
    lines = [line for _t, burst in bursts(scenario, scenario.ego) for line in burst]
    was_read, is_back = threading.Event(), threading.Event()
    with ReceiverPty(tmp_path / "gnss") as receiver:

        def unplug() -> None:
            assert was_read.wait(LONG_S)
            receiver.unplug()

        def plug() -> None:
            receiver.plug()
            is_back.set()

        world = World(scenario, start_ns)
        world.add_unit(scenario.ego, receiver)
        world.at(0.25, unplug)
        world.at(0.55, plug)
        thread = threading.Thread(target=world.run, daemon=True)
        with Host(receiver.port) as host:
            thread.start()
            assert host.read(lambda data: data.count(b"\n") == 6) == b"".join(lines[:6])
            was_read.set()
            assert is_back.wait(LONG_S)
            assert os.read(host.file, 100) == b""  # hung up
        with Host(receiver.port) as host:
            assert host.read(lambda data: data.count(b"\n") == 10) == b"".join(lines[12:])
        thread.join(LONG_S)
        assert not thread.is_alive()
        assert receiver.dropped == {"unplugged": 6}  # the fixes at 0.3, 0.4, 0.5
        assert receiver.sent == 16


# The unit's process

STAND_IN = """
import json, os, signal, socket, sys, time, tomllib
path = sys.argv[sys.argv.index("--config") + 1]
assert "--stop-on-eof" in sys.argv
mode = sys.argv[-1]
with open(path, "rb") as file:
    config = tomllib.load(file)
if mode == "dies":
    print("asvkit: first", file=sys.stderr)
    print("asvkit: gnss.port: missing;  name one", file=sys.stderr)
    sys.exit(2)
if mode == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.chdir(os.path.dirname(path))
listener = socket.socket(socket.AF_UNIX)
if os.path.exists(config["events"]["socket"]):
    os.unlink(config["events"]["socket"])
listener.bind(config["events"]["socket"])
listener.listen()
connection, _ = listener.accept()
def tell(event, **more):
    connection.sendall(json.dumps({"event": event, **more}).encode() + b"\\n")
tell("start", pid=os.getpid(), session=os.getsid(0))
if mode == "unready":
    sys.exit("asvkit: not yet")
if mode == "broken":
    connection.sendall(b"no event\\n[1]\\n")
tell("ready")
if mode == "busy":
    until = time.process_time() + 0.3
    while time.process_time() < until:
        pass
    tell("done")
if mode == "broken":
    connection.sendall(b'{"event": "ha')
    os.kill(os.getpid(), signal.SIGKILL)
for number in range(3):
    tell("count", number=number)
if mode in ("stubborn", "deaf"):
    while True:
        signal.pause()
if mode == "reconnects":
    connection.close()
    connection, _ = listener.accept()
    tell("again")
while os.read(0, 1024):
    pass
tell("stop")
os.unlink(config["events"]["socket"])
"""


@pytest.fixture
def command(tmp_path) -> list[str]:
    (tmp_path / "stand_in.py").write_text(STAND_IN)
    return [sys.executable, str(tmp_path / "stand_in.py")]


@pytest.fixture
def unit(tmp_path, command):
    def start(mode: str, name: str = "u", **keys) -> UnitProcess:
        text = f'[events]\nsocket = "{name}.sock"\n'
        return UnitProcess(name, tmp_path, text, command=command, arguments=[mode], **keys)

    return start


def is_count(event) -> bool:
    return event["event"] == "count"


def test_a_unit_is_started_followed_and_stopped_by_its_input(tmp_path, unit):
    with unit("good") as one:
        assert one.wait_ready(LONG_S) == {"event": "ready"}
        assert one.wait_event(lambda event: event.get("number") == 2, LONG_S)["event"] == "count"
        assert one.wait_event(is_count, LONG_S)["number"] == 0  # past ones count
        assert one.wait_event(is_count, LONG_S, since=3)["number"] == 1
        started = one.events[0]
        assert (started["pid"], started["session"]) == (one.pid, one.pid)
        assert one.rss_kib() > 1000
        assert one.exit_code is None
        assert one.stop(LONG_S) == 0
    assert [event["event"] for event in one.events] == ["start", "ready", "count", "count", "count", "stop"]
    assert (one.exit_code, one.stop(), one.counters) == (0, 0, {})
    assert not os.path.exists(f"/proc/{one.pid}")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["stand_in.py", "u.err", "u.toml"]
    assert (tmp_path / "u.toml").read_text() == '[events]\nsocket = "u.sock"\n'


def test_events_are_told_as_they_come(unit):
    told: queue.SimpleQueue[dict] = queue.SimpleQueue()
    with unit("good", on_event=told.put):
        assert [told.get(timeout=LONG_S)["event"] for _ in range(5)] == ["start", "ready", "count", "count", "count"]


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("dies", "u: its unit ended with code 2: asvkit: gnss.port: missing; name one"),
        ("unready", "u: its unit ended with code 1: asvkit: not yet"),
    ],
)
def test_a_unit_that_dies_before_it_is_ready_is_told_with_its_last_words(unit, mode, said):
    with unit(mode) as one, pytest.raises(AsvkitError) as failed:
        one.wait_ready(LONG_S)
    assert str(failed.value) == said
    for ask in (one.cpu_s, one.rss_kib):
        with pytest.raises(AsvkitError, match="ended with code"):
            ask()


def test_a_unit_that_is_killed_leaves_what_it_said(unit):
    with unit("broken") as one:
        assert one.wait_ready(LONG_S)
        with pytest.raises(AsvkitError, match="u: its unit was ended by signal 9, without a word"):
            one.wait_event(is_count, LONG_S)
        assert one.stop() == -signal.SIGKILL
        assert one.counters == {"bad_line": 3}
        assert [event["event"] for event in one.events] == ["start", "ready"]


def test_what_does_not_come_in_time_is_told_with_what_came_last(unit):
    with unit("good") as one:
        one.wait_event(lambda event: event.get("number") == 2, LONG_S)
        with pytest.raises(AsvkitError) as failed:
            one.wait_event(lambda event: event["event"] == "hmi", 0)
        assert str(failed.value) == ('u: no such event within 0 s; the last one was {"event": "count", "number": 2}')


@pytest.mark.parametrize(("mode", "code"), [("deaf", -signal.SIGTERM), ("stubborn", -signal.SIGKILL)])
def test_a_unit_that_heeds_nothing_is_stopped_all_the_same(unit, mode, code):
    with unit(mode) as one:
        one.wait_event(is_count, LONG_S)
        assert one.stop(timeout_s=0.2) == code
    assert not os.path.exists(f"/proc/{one.pid}")


def test_a_unit_is_stopped_when_the_rig_fails(unit):
    with pytest.raises(AsvkitError), unit("good") as one:
        one.wait_event(lambda event: event["event"] == "never", 0)
    assert one.exit_code is not None


def test_a_unit_is_killed_and_started_anew_in_its_folder(tmp_path, unit):
    with unit("good") as one:
        one.wait_ready(LONG_S)
        one.kill()
        assert one.exit_code == -signal.SIGKILL
        assert (tmp_path / "u.sock").exists()
    with unit("good") as two:
        two.wait_event(lambda event: event.get("number") == 2, LONG_S)
        assert two.stop(LONG_S) == 0
    assert not (tmp_path / "u.sock").exists()


def test_a_unit_that_drops_its_reader_is_followed_again(unit):
    with unit("reconnects") as one:
        assert one.wait_event(lambda event: event["event"] == "again", LONG_S)


def test_its_processor_time_is_its_own(unit):
    with unit("busy") as one:
        one.wait_event(lambda event: event["event"] == "done", LONG_S)
        assert one.cpu_s() >= 0.25


def test_a_unit_without_a_socket_runs_unseen(tmp_path, command):
    for text in ("", "events = 1\n", "[events]\nsocket = 3\n", "no toml"):
        with UnitProcess("u", tmp_path, text, command=command, arguments=["dies"]) as one:
            with pytest.raises(AsvkitError, match="ended with code"):
                one.wait_ready(LONG_S)
            assert one.events == []


def test_a_unit_that_cannot_be_started_is_one_line(tmp_path):
    with pytest.raises(AsvkitError, match=r"u: its unit cannot be started: .*absent.*: No such file"):
        UnitProcess("u", tmp_path / "absent", "")
    with pytest.raises(AsvkitError, match=r"u: its unit cannot be started: .*nothing: No such file"):
        UnitProcess("u", tmp_path, "", command=[str(tmp_path / "nothing")])
    with pytest.raises(UsageError, match="shorter folder"):
        UnitProcess("u", tmp_path, f'[events]\nsocket = "{"x" * 120}"\n')


def test_units_end_with_a_rig_that_was_killed(tmp_path, command):
    rig = textwrap.dedent(
        f"""
        import sys, time
        from pathlib import Path
        from asvrig.live.unit_process import UnitProcess
        text = '[events]\\nsocket = "u.sock"\\n'
        with UnitProcess("u", Path({str(tmp_path)!r}), text, command={command!r}, arguments=["good"]) as unit:
            unit.wait_event(lambda event: event.get("number") == 2, {LONG_S})
            print(unit.pid, flush=True)
            time.sleep(3600)
        """
    )
    with subprocess.Popen([sys.executable, "-c", rig], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        pid = int(process.stdout.readline())
        watched = os.pidfd_open(pid)
        process.kill()
    try:
        assert readable(watched)  # a pidfd is when its process has ended
    finally:
        os.close(watched)


def test_the_real_command_is_run_as_a_unit(tmp_path):
    """Without its runtime it can only refuse: what is checked is that it is `asvkit run` that speaks."""
    one = UnitProcess("u", tmp_path, "config = 1\nnonsense = 1\n")
    with one, pytest.raises(AsvkitError, match="u: its unit ended with code 2: asvkit: "):
        one.wait_ready(60)
