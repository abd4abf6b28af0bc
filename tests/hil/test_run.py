"""`asvkit run` from outside, as an independent program meets it: pseudo terminals, UDP, signals, files."""

import contextlib
import fcntl
import itertools
import json
import os
import select
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from asvrig.live.radio import RadioSender, free_udp_port
from asvrig.live.receiver import ReceiverPty
from asvrig.live.slcan import SlcanPty
from asvrig.live.unit_process import UNIT_COMMAND, UnitProcess
from asvrig.live.world import World, at_next_second
from asvrig.scenario import load_scenario
from asvrig.unit_config import LOOPBACK, unit_config
from asvunit.message import decode, values

WAIT_S = 20.0
_SO_TIMESTAMPNS = 35
_NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")

Event = dict[str, Any]


class Listener:
    """Hears what is on the air, with the kernel's times."""

    def __init__(self, port: int) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self.socket.bind(("", port))
        self.socket.settimeout(WAIT_S)

    def frame(self) -> tuple[int, dict[str, Any]]:
        """Unix ns of receipt, the values; the next one of the right length."""
        while True:
            payload, ancillary, _flags, _address = self.socket.recvmsg(4096, 128)
            if len(payload) == 100:
                second, part_ns = struct.unpack("@ll", ancillary[0][2])
                return second * 10**9 + part_ns, values(decode(payload))

    def frames(self, count: int) -> list[tuple[int, dict[str, Any]]]:
        return [self.frame() for _ in range(count)]

    def drain(self) -> None:
        self.socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                self.socket.recv(4096)
        self.socket.settimeout(WAIT_S)


@dataclass
class Drive:
    """A unit with its devices, a car that drives, and an ear on the air."""

    unit: UnitProcess
    receiver: ReceiverPty
    can: SlcanPty
    port: int
    folder: Path
    air: Listener

    def wait(self, kind: str, since: int = 0, **told: Any) -> Event:
        """The first event of a kind that tells this, from number `since` on."""

        def matches(event: Event) -> bool:
            return event["event"] == kind and all(event.get(key) == value for key, value in told.items())

        return self.unit.wait_event(matches, WAIT_S, since=since)

    @property
    def count(self) -> int:
        return len(self.unit.events)

    @property
    def file(self) -> Path:
        return self.folder / "ego.jsonl"

    def fault_lamp(self, lit: bool) -> None:
        """Waits until it is so."""
        events = self.unit.events
        last = next((one for one in reversed(events) if one["event"] == "outputs"), {"lamps": []})
        if ("fault" in last["lamps"]) != lit:
            self.unit.wait_event(
                lambda one: one["event"] == "outputs" and ("fault" in one["lamps"]) == lit, WAIT_S, since=len(events)
            )

    def last_state(self, name: str) -> str:
        """As the file tells it."""
        told = [one["state"] for one in self.written() if one["event"] == "status" and one["input"] == name]
        return str(told[-1])

    @property
    def socket_path(self) -> Path:
        return self.folder / "ego.sock"

    def written(self) -> list[Event]:
        """The events file; every line must be whole."""
        text = self.file.read_text(encoding="utf-8")
        assert text.endswith("\n")
        return [json.loads(line) for line in text.splitlines()]

    def pins(self) -> dict[str, int]:
        """The last value of each pin by the record."""
        text = (self.folder / "ego.pins.jsonl").read_text(encoding="utf-8")
        return {row["name"]: row["value"] for row in map(json.loads, text.splitlines())}

    def counters(self) -> dict[str, dict[str, int]]:
        """What was dropped, by the last statistics of the file."""
        found = [event for event in self.written() if event["event"] == "statistics"]
        return dict(found[-1]["counters"])

    def error_text(self) -> str:
        return self.unit.error_path.read_text(encoding="utf-8")


class Rig:
    """Makes drives, and ends them."""

    def __init__(self, folder: Path, stack: contextlib.ExitStack) -> None:
        self._stack = stack
        self.folder = folder
        self.scenario = load_scenario("crossing_late").model_copy(update={"duration_s": 120.0})
        self.receiver = stack.enter_context(ReceiverPty(folder / "gnss"))
        self.can = stack.enter_context(SlcanPty(folder / "can"))
        self.port = free_udp_port()
        self.air = Listener(self.port)
        stack.callback(self.air.socket.close)

    def config(self) -> str:
        return unit_config(
            self.scenario.ego,
            seed=1,
            gnss_port=self.folder / "gnss",
            can_channel=self.folder / "can",
            radio_port=self.port,
            folder=self.folder,
        )

    def play(self) -> None:
        """The car drives, in a thread."""
        scenario, start_ns = at_next_second(self.scenario, after_s=0.0)
        world = World(scenario, start_ns)
        world.add_unit(scenario.ego, self.receiver, self.can)
        thread = threading.Thread(target=world.run, daemon=True)
        thread.start()
        self._stack.callback(thread.join, 5)
        self._stack.callback(world.stop)

    def start(
        self,
        *,
        config: str = "",
        arguments: Sequence[str] = (),
        command: Sequence[str] = UNIT_COMMAND,
        play: bool = True,
    ) -> Drive:
        if play:
            self.play()
        unit = UnitProcess("ego", self.folder, config or self.config(), arguments=arguments, command=command)
        self._stack.enter_context(unit)
        drive = Drive(unit, self.receiver, self.can, self.port, self.folder, self.air)
        unit.wait_ready(WAIT_S)
        return drive


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with contextlib.ExitStack() as stack:
        yield Rig(tmp_path, stack)


def asvkit(*arguments: object, command: Sequence[str] = ()) -> "subprocess.CompletedProcess[str]":
    """One command line, to its end."""
    argv = [*command, sys.executable, "-m", "asvtools.cli", *map(str, arguments)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=WAIT_S, check=False, stdin=subprocess.DEVNULL)


def refused(done: "subprocess.CompletedProcess[str]", *words: object) -> None:
    """Exit code 2 and one line that has the words."""
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    for word in words:
        assert str(word) in done.stderr


def through_shell(redirection: str, target: object) -> tuple[str, ...]:
    """The unit with a redirection; the shell gives way to it."""
    return ("sh", "-c", f'exec "$@" {redirection}', str(target), *UNIT_COMMAND)


def ended_well(drive: Drive, code: int, reason: str) -> None:
    assert code == 0, drive.error_text()
    assert "Traceback" not in drive.error_text()
    assert not drive.socket_path.exists()
    last = drive.written()[-1]
    assert (last["event"], last["reason"]) == ("stop", reason)
    pins = drive.pins()
    assert len(pins) > 5
    assert not any(pins.values())


# The ordinary life


def test_own_frames(rig: Rig) -> None:
    drive = rig.start()
    rig.air.drain()
    drive.wait("status", input="gnss", state="ok", reason="received")
    while drive.air.frame()[1]["latitude_deg"] is None:
        pass
    heard = drive.air.frames(11)
    counters = [value["increment_counter"] for _time, value in heard]
    steps = [(after - before) % 256 for before, after in itertools.pairwise(counters)]
    assert all(0 < step < 20 for step in steps)
    times = [time_ns for time_ns, _value in heard]
    gaps_ms = [(after - before) / 1e6 for before, after in itertools.pairwise(times)]
    assert 60 < statistics.median(gaps_ms) < 160
    assert all(value["latitude_deg"] is not None for _time, value in heard)
    assert {value["vehicle_id"] for _time, value in heard} == {drive.wait("start")["vehicle_id"]}


def test_new_identity(rig: Rig) -> None:
    config = rig.config().replace("seed = 1\n", "")
    found = set()
    for _ in range(2):
        drive = rig.start(config=config, play=False)
        found.add(drive.wait("start")["vehicle_id"])
        assert drive.unit.stop() == 0
    assert len(found) == 2


@pytest.mark.parametrize(
    "number",
    [signal.SIGTERM, *(pytest.param(one, marks=pytest.mark.long) for one in (signal.SIGINT, signal.SIGHUP)), None],
)
def test_stop(rig: Rig, number: signal.Signals | None) -> None:
    drive = rig.start()
    drive.wait("status", input="can", state="ok", reason="received")
    assert drive.socket_path.is_socket()
    if number is None:
        code = drive.unit.stop(WAIT_S)
        ended_well(drive, code, "input_closed")
        return
    os.kill(drive.unit.pid, number)
    with pytest.raises(Exception, match="ended with code 0"):  # its events end
        drive.wait("never")
    ended_well(drive, drive.unit.stop(), number.name.lower())


def test_killed_and_started_again(rig: Rig) -> None:
    drive = rig.start()
    drive.wait("status", input="gnss", state="ok", reason="received")
    drive.unit.kill()
    assert drive.socket_path.is_socket()  # left behind
    lines = len(drive.file.read_bytes().splitlines())
    again = rig.start(play=False)
    again.wait("status", input="gnss", state="ok", reason="received")
    assert again.unit.stop() == 0
    starts = [event for event in again.written() if event["event"] == "start"]
    assert len(starts) == 2
    assert len(again.written()) > lines
    assert not again.socket_path.exists()


# Faults of the devices


@pytest.mark.parametrize("name", ["gnss", pytest.param("can", marks=pytest.mark.long)])
def test_unplugged(rig: Rig, name: str) -> None:
    drive = rig.start()
    device: ReceiverPty | SlcanPty = drive.receiver if name == "gnss" else drive.can
    for one in ("gnss", "can"):
        drive.wait("status", input=one, state="ok", reason="received")
    drive.fault_lamp(False)
    since = drive.count
    device.unplug()
    drive.wait("status", since, input=name, state="disconnected", reason="unplugged")
    drive.fault_lamp(True)
    assert drive.pins()["fault"] == 1
    since = drive.count
    device.plug()
    drive.wait("status", since, input=name, state="ok", reason="received")
    drive.fault_lamp(False)
    assert drive.pins()["fault"] == 0
    assert drive.unit.stop() == 0
    assert "Traceback" not in drive.error_text()


def test_garbage(rig: Rig) -> None:
    drive = rig.start()
    drive.wait("status", input="gnss", state="ok", reason="received")
    drive.wait("status", input="can", state="ok", reason="received")
    with RadioSender(LOOPBACK, drive.port) as sender:
        for size in (0, 1, 99, 101, 1400):
            sender.send(b"\xa5" * size)
        drive.receiver.write(b"\xff\x00$GNRMC,no,such\r\n$GNGGA,,,,*00\r\n" + b"x" * 600 + b"\r\n")
        os.write(drive.can.fileno(), b"\xff\xfe garbage\rt9zz8zz\rT\r" + b"\x07" * 20 + b"Q" * 400 + b"\r")
    since = drive.count
    drive.receiver.silent = True
    drive.wait("status", since, input="gnss", state="silent")  # all that was on the line has been read by then
    drive.receiver.silent = False
    since = drive.count
    drive.receiver.unplug()  # a mark in the events, which come in order
    drive.wait("status", since, input="gnss", state="disconnected")
    since = drive.count
    drive.receiver.plug()
    drive.wait("status", since, input="gnss", state="ok", reason="received")
    rig.air.drain()
    drive.air.frames(3)
    ended_well(drive, drive.unit.stop(), "input_closed")
    assert [drive.last_state(name) for name in ("gnss", "can")] == ["ok", "ok"]
    counters = drive.counters()
    assert sum(counters["gnss"].values()) >= 3
    assert counters["can"]["garbage"] >= 2
    dropped = [event for event in drive.written() if event["event"] == "drop"]
    assert len(dropped) >= 4, counters


@pytest.mark.long
def test_stopped_and_continued(rig: Rig) -> None:
    drive = rig.start()
    drive.wait("status", input="gnss", state="ok", reason="received")
    drive.air.frames(3)
    os.kill(drive.unit.pid, signal.SIGSTOP)
    try:
        time.sleep(2.0)  # the pause itself
        rig.air.drain()
        before = drive.count
    finally:
        os.kill(drive.unit.pid, signal.SIGCONT)
    times = [time_ns for time_ns, _value in drive.air.frames(10)]
    assert times[9] - times[0] > 600_000_000  # ten in a burst would take no time
    drive.wait("own_message", before)
    assert drive.unit.stop() == 0
    assert drive.counters()["gnss"]["stale"] >= 5
    assert "Traceback" not in drive.error_text()


# What is refused


def test_second_unit(rig: Rig) -> None:
    drive = rig.start(play=False)
    refused(asvkit("run", "--config", drive.unit.config_path), drive.unit.config_path, "already")
    assert drive.unit.exit_code is None


def test_port_in_use(rig: Rig) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("", 0))
        port = other.getsockname()[1]
        path = rig.folder / "unit.toml"
        path.write_text(f'[radio]\nport = {port}\n[hmi]\ngpio = "mock"\n', encoding="utf-8")
        refused(asvkit("run", "--config", path), path, port, "in use")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[gnss]\nbaud = 'fast'\n", "gnss.baud"),
        ("[gnss]\nbuad = 9600\n", "gnss.buad"),
        ("[gnss\n", "line 1"),
        ("config = 2\n", "config"),
        (None, "No such file"),
    ],
)
def test_wrong_config(tmp_path: Path, text: str | None, word: str) -> None:
    path = tmp_path / "unit.toml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    refused(asvkit("run", "--config", path), path, word)


def test_no_config() -> None:
    refused(asvkit("run"), "--config")


@pytest.mark.long
def test_events_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "unit.toml"
    path.write_text('[radio]\nkind = "off"\n[hmi]\ngpio = "mock"\n', encoding="utf-8")
    done = asvkit("run", "--config", path, "--events", tmp_path / "none" / "x.jsonl")
    refused(done, "asvkit: --events: ", "none/x.jsonl")
    path.write_text('[radio]\nkind = "off"\n[hmi]\ngpio = "mock"\n[events]\nfile = "none/x.jsonl"\n', encoding="utf-8")
    refused(asvkit("run", "--config", path), path, "events.file", "none/x.jsonl")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('[ego]\nsimulate = "scenario"\nscenario = "nix"\n', "ego.scenario: nix"),
        pytest.param(
            '[ego]\nsimulate = "scenario"\n[gnss]\nport = "/dev/none"\n', "ego.simulate", marks=pytest.mark.long
        ),
        pytest.param('[can]\ninterface = "slcan"\nchannel = "/dev/none"\n', "vehicle.map", marks=pytest.mark.long),
        ('[radio]\naddress = "8.8.8"\n', "radio.address"),
    ],
)
def test_check_refuses_what_run_refuses(tmp_path: Path, text: str, word: str) -> None:
    path = tmp_path / "unit.toml"
    path.write_text(text if "radio" in text else f'{text}[radio]\nkind = "off"\n', encoding="utf-8")
    refused(asvkit("config", "check", path), path, word)
    refused(asvkit("run", "--config", path), path, word)


def test_config_check_tells_all(tmp_path: Path) -> None:
    path = tmp_path / "unit.toml"
    path.write_text("[gnss]\nbaud = 'x'\nbuad = 1\n[radio]\nport = 0\n", encoding="utf-8")
    done = asvkit("config", "check", path)
    assert done.returncode == 2
    for key in ("gnss.baud", "gnss.buad", "radio.port"):
        assert sum(key in line for line in done.stderr.splitlines()) >= 1, done.stderr
    assert "Traceback" not in done.stderr


def test_config_init(tmp_path: Path) -> None:
    path = tmp_path / "unit.toml"
    assert asvkit("config", "init", path).returncode == 0
    assert asvkit("config", "check", path).returncode == 0
    path.write_text("# mine\n", encoding="utf-8")
    refused(asvkit("config", "init", path), path, "exists")
    assert path.read_text(encoding="utf-8") == "# mine\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize(("mode", "words"), [(0o600, ["owner", "group"]), (0o660, ["usermod -aG tty"])])
def test_no_permission(mode: int, words: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name, ReceiverPty() as receiver:
        folder = Path(name)
        folder.chmod(0o777)
        readable = asvkit("--version", command=_NOBODY)
        if readable.returncode:
            pytest.skip("another user cannot run asvkit here")
        os.chown(receiver.path, 0, 5)
        os.chmod(receiver.path, mode)
        path = folder / "unit.toml"
        path.write_text(
            f'[gnss]\nport = "{receiver.path}"\n[radio]\nport = {free_udp_port()}\n[hmi]\ngpio = "mock"\n',
            encoding="utf-8",
        )
        refused(asvkit("run", "--config", path, command=_NOBODY), path, "gnss.port", "no permission", *words)


# Where the events go


def test_full_disk(rig: Rig) -> None:
    drive = rig.start(arguments=["--events", "/dev/full"])
    told = drive.wait("status", input="unit", state="overloaded", reason="events_not_written")
    assert "/dev/full" in told["detail"]
    drive.wait("status", input="gnss", state="ok", reason="received")
    rig.air.drain()
    drive.air.frames(3)
    assert drive.unit.stop() == 0
    assert not any(drive.pins().values())
    assert "Traceback" not in drive.error_text()


@pytest.mark.long
def test_reader_gone(rig: Rig) -> None:
    pipe = rig.folder / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    drive = rig.start(arguments=["--events", "-"], command=through_shell('> "$0"', pipe))
    drive.wait("status", input="gnss", state="ok", reason="received")
    assert os.read(reader, 65536).startswith(b"{")
    os.close(reader)
    drive.wait("status", input="unit", state="overloaded", reason="events_not_written")
    rig.air.drain()
    drive.air.frames(3)
    ended_well(drive, drive.unit.stop(), "input_closed")


@pytest.mark.long
def test_no_stdout(rig: Rig) -> None:
    drive = rig.start(arguments=["--events", "-"], command=through_shell(">&-", "sh"))
    drive.wait("status", input="gnss", state="ok", reason="received")
    rig.air.drain()
    drive.air.frames(3)
    ended_well(drive, drive.unit.stop(), "input_closed")


# The view


def test_view_without_terminal(rig: Rig) -> None:
    shown = rig.folder / "shown"
    os.mkfifo(shown)
    reader = os.open(shown, os.O_RDWR)
    try:
        drive = rig.start(arguments=["--view"], command=through_shell('> "$0"', shown), play=False)
        seen = b""
        while b"system" not in seen:
            assert select.select([reader], [], [], WAIT_S)[0], seen
            seen += os.read(reader, 4096)
        assert drive.unit.stop() == 0
    finally:
        os.close(reader)
    assert b"\x1b" not in seen
    assert seen.startswith(b"none: - | lamps: ")


@pytest.mark.long
def test_view_in_tiny_terminal(rig: Rig) -> None:
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 5, 20, 0, 0))
    seen = bytearray()
    thread = threading.Thread(target=_read_all, args=(master, seen.extend), daemon=True)
    thread.start()
    command = through_shell('> "$0"', os.ttyname(slave))
    try:
        drive = rig.start(arguments=["--view"], command=("env", "-u", "COLUMNS", "-u", "LINES", "TERM=xterm", *command))
        drive.wait("status", input="gnss", state="ok", reason="received")
        assert drive.unit.stop() == 0
        assert "Traceback" not in drive.error_text()
    finally:
        os.close(slave)
        thread.join(WAIT_S)
        os.close(master)
    assert b"none: - |" in seen


def _read_all(number: int, take: Callable[[bytes], object]) -> None:
    with contextlib.suppress(OSError):  # the other end was closed
        while data := os.read(number, 4096):
            take(data)


# The service manager


def test_service_manager(rig: Rig) -> None:
    path = rig.folder / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(WAIT_S)
        environment = (f"NOTIFY_SOCKET={path}", "WATCHDOG_USEC=400000")
        drive = rig.start(command=("env", *environment, *UNIT_COMMAND), play=False)
        told = [manager.recv(4096).decode() for _ in range(3)]
        assert told[0].startswith("READY=1")
        assert told[1:] == ["WATCHDOG=1"] * 2
        drive.unit.stop()
        rest = told[-1]
        while rest != "STOPPING=1":
            rest = manager.recv(4096).decode()
