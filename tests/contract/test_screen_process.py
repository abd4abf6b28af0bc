"""The screen's process: it serves, is started again, takes nothing of the unit, outlives nobody."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from asvunit.config import ScreenTable
from asvunit.errors import UsageError
from asvunit.screen_process import AGAIN_S, HUNG_S, SETTLED_S, ScreenProcess, listen
from screentools import HMI, LONG_S, START, Plain, scene


class Unit:
    """What a unit has of its screen, with a clock that the test moves."""

    def __init__(self, **table: Any) -> None:
        self.feeds: list[socket.socket] = []
        self.now_s = 1000.0
        self.port = table.setdefault("port", free_port())
        self.screen = ScreenProcess(ScreenTable(**table), "ja", self._adopt, lambda: self.now_s)

    def _adopt(self, connection: socket.socket) -> None:
        connection.settimeout(LONG_S)
        self.feeds.append(connection)

    def tell(self, *events: dict[str, Any]) -> None:
        self.feeds[-1].sendall(b"".join(json.dumps(event).encode() + b"\n" for event in events))

    def look(self) -> ClientConnection:
        """A browser; the process may still be starting, the port is there."""
        return connect(f"ws://127.0.0.1:{self.port}/ws/driver", max_size=None, open_timeout=LONG_S)

    def end(self) -> None:
        for feed in self.feeds:
            feed.close()
        if self.screen.pid is not None:
            os.kill(self.screen.pid, signal.SIGKILL)
        self.screen.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def units() -> Iterator[Callable[..., Unit]]:
    made: list[Unit] = []

    def make(**table: Any) -> Unit:
        made.append(Unit(**table))
        return made[-1]

    yield make
    for unit in made:
        unit.end()


def until(browser: ClientConnection, good: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    while True:
        message = json.loads(browser.recv(timeout=LONG_S))
        if good(message):
            return dict(message)


def wait_for(condition: Callable[[], bool]) -> None:
    end_s = time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < end_s, "never happened"
        threading.Event().wait(0.01)


def gone(pid: int) -> bool:
    """Whether a process has ended; one that nobody has asked for yet has ended too."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.long
def test_asks_for_scenes_only_while_somebody_looks(units: Callable[..., Unit]) -> None:
    unit = units()
    unit.screen.start()
    feed = unit.feeds[0]
    feed.settimeout(LONG_S)
    assert feed.recv(100) == b"scene\n"
    assert feed.recv(100) == b"quiet\n"  # nobody has come
    unit.tell(START, HMI)
    with unit.look() as browser:
        assert feed.recv(100) == b"scene\n"
        message = until(browser, lambda message: message["shown"]["function"] == "crossing")
        assert (message["alive"], message["scene"]) == (True, None)  # not "gone" until the first scene has come
        unit.tell(scene(1))
        assert until(browser, lambda message: bool(message["scene"]))["alive"]
        until(browser, lambda message: message["why_gone"] == "silent")  # and then no more
    assert feed.recv(100) == b"quiet\n"


def test_serves_what_the_unit_tells_and_ends_with_its_last_word(units: Callable[..., Unit]) -> None:
    unit = units()
    with open(os.devnull) as device:
        os.set_inheritable(device.fileno(), True)
        unit.screen.start()
    assert unit.feeds[0].recv(100) == b"scene\n"
    unit.tell(START, HMI, scene(1))
    pid = unit.screen.pid
    assert pid is not None
    assert os.getpriority(os.PRIO_PROCESS, pid) >= 5
    links = [os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir() if int(link.name) > 2]
    assert os.devnull not in links  # it has what it was given: listener, feed, status, and asyncio's own
    assert sorted(link.partition(":")[0] for link in links) == ["anon_inode", "pipe", *["socket"] * 4]
    with unit.look() as browser:
        message = until(browser, lambda message: message["alive"])
        assert (message["language"], message["shown"]["function"]) == ("ja", "crossing")
        assert unit.screen.check() == ""
        unit.tell({"t": 1.0, "event": "stop", "reason": "sigterm"})
        unit.screen.stop()  # while the connection is open still
        assert until(browser, lambda message: not message["alive"])["why_gone"] == "stopped"
        with pytest.raises(ConnectionClosed):
            until(browser, lambda _message: False)
    assert gone(pid)
    unit.screen.stop()
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", unit.port))  # the port is free


def kill(unit: Unit) -> None:
    assert unit.screen.pid is not None
    os.kill(unit.screen.pid, signal.SIGKILL)
    wait_for(lambda: gone(unit.screen.pid or 0))


def test_started_again_after_a_crash_later_each_time(units: Callable[..., Unit]) -> None:
    unit = units()
    unit.screen.start()
    for number, again_s in enumerate((*AGAIN_S, AGAIN_S[-1]), 1):
        kill(unit)
        assert "SIGKILL" in unit.screen.check()
        unit.now_s += again_s - 0.1
        assert unit.screen.check() != ""
        assert unit.screen.pid is None
        unit.now_s += 0.1
        assert unit.screen.check() != ""  # it is there, and has not yet said that it serves
        assert len(unit.feeds) == number + 1
        assert unit.screen.restarts == number
    with unit.look() as browser:  # the port has been there all the time
        unit.tell(scene(1))
        until(browser, lambda message: message["alive"])
    wait_for(lambda: unit.screen.check() == "")


def test_a_long_life_makes_the_next_end_a_first_one(units: Callable[..., Unit]) -> None:
    unit = units()
    unit.screen.start()
    for again_s in AGAIN_S[:2]:
        kill(unit)
        unit.screen.check()
        unit.now_s += again_s
        unit.screen.check()
    kill(unit)
    unit.now_s += SETTLED_S + 1
    assert unit.screen.check() != ""
    unit.now_s += AGAIN_S[0]
    unit.screen.check()
    assert unit.screen.pid is not None


@pytest.mark.long
def test_one_that_hangs_is_ended_and_started_again(units: Callable[..., Unit]) -> None:
    unit = units()
    unit.screen.start()
    assert unit.feeds[-1].recv(100) == b"scene\n"
    pid = unit.screen.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    wait_for(lambda: Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T")
    unit.screen.check()
    unit.now_s += HUNG_S
    assert unit.screen.check() == ""
    unit.now_s += 0.1
    assert "hung" in unit.screen.check()
    assert gone(pid)
    unit.now_s += AGAIN_S[0]
    unit.screen.check()
    assert unit.feeds[-1].recv(100) == b"scene\n"


def test_neither_signals_nor_the_folder_it_runs_in_change_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, units: Callable[..., Unit]
) -> None:
    for name in ("asyncio", "starlette", "asvunit"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(3)\n")
    monkeypatch.chdir(tmp_path)
    unit = units()
    unit.screen.start()
    assert unit.screen.pid is not None
    assert os.getpgid(unit.screen.pid) != os.getpgid(0)  # what the terminal sends does not reach it
    assert unit.feeds[-1].recv(100) == b"scene\n"
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # a service manager tells all processes of a unit
        os.kill(unit.screen.pid, number)
    unit.tell(scene(1))
    with unit.look() as browser:
        until(browser, lambda message: message["alive"])
    assert unit.screen.check() == ""


def test_a_unit_that_is_killed_leaves_no_screen(tmp_path: Path) -> None:
    port = free_port()
    program = f"""
import socket, time
from asvunit.config import ScreenTable
from asvunit.screen_process import ScreenProcess
kept = []
screen = ScreenProcess(ScreenTable(port={port}), "en", kept.append)
screen.start()
kept[0].recv(100)
kept[0].sendall(b'{{"t": 1.0, "event": "scene"}}\\n')
print(screen.pid, flush=True)
time.sleep(100)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=tmp_path) as unit:
        assert unit.stdout
        pid = int(unit.stdout.readline())
        with connect(f"ws://127.0.0.1:{port}/ws/driver", max_size=None) as browser:
            until(browser, lambda message: bool(message["scene"]))
            unit.kill()
            assert until(browser, lambda message: message["why_gone"] == "lost")
    wait_for(lambda: gone(pid))


def test_it_starts_without_what_it_does_not_need() -> None:
    program = (
        "import sys; from asvunit.screen import server, feed; print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "starlette" in loaded
    assert not loaded & {
        "numpy",
        "cantools",
        "can",
        "gpiozero",
        "lgpio",
        "pydantic",
        "matplotlib",
        "rich",
        "cryptography",
    }


def test_the_unit_does_not_load_the_server() -> None:
    program = "import sys, asvunit.screen_process; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {"starlette", "uvicorn", "websockets", "asyncio"}


def test_a_port_in_use_is_said_with_the_mend() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(UsageError, match=f"screen.port: {port}: in use by another program; name another port"):
            ScreenProcess(ScreenTable(port=port), "en", lambda _connection: None)


@pytest.mark.parametrize("address", ["192.0.2.1", "not an address", "256.1.1.1", "\udcff", "x" * 300])
def test_an_address_that_is_none_of_this_machine(address: str) -> None:
    with pytest.raises(UsageError, match=r"screen\.address: .*127\.0\.0\.1"):
        listen(address, 0)


def test_wrong_names_and_no_port_are_said() -> None:
    with pytest.raises(UsageError, match=r"screen\.hosts: 'http://pi'"):
        ScreenProcess(ScreenTable(port=free_port(), hosts=["http://pi"]), "en", lambda _connection: None)
    with pytest.raises(UsageError, match=r"screen\.port: missing"):
        ScreenProcess(ScreenTable(), "en", lambda _connection: None)


def test_a_program_that_cannot_be_started_is_a_fault_not_an_end(
    units: Callable[..., Unit], monkeypatch: pytest.MonkeyPatch
) -> None:
    unit = units()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", "/no/such/python")
        unit.screen.start()
        assert "cannot be started" in unit.screen.check()
        unit.now_s += AGAIN_S[0]
        assert "cannot be started" in unit.screen.check()
    unit.now_s += AGAIN_S[1]
    unit.screen.check()
    assert unit.screen.pid is not None


@pytest.mark.parametrize("address", ["::1", "0.0.0.0", "::", "localhost"])
def test_other_addresses_when_configured(address: str) -> None:
    if ":" in address and not Path("/proc/net/if_inet6").exists():
        pytest.skip("needs IPv6")
    with listen(address, 0) as listener:
        port = listener.getsockname()[1]
        for host in {"::": ("::1", "127.0.0.1"), "::1": ("::1",)}.get(address, ("127.0.0.1",)):
            socket.create_connection((host, port), LONG_S).close()


def test_all_addresses_of_the_machine_are_names_of_the_screen(units: Callable[..., Unit]) -> None:
    unit = units(address="0.0.0.0")
    unit.screen.start()
    for host, status in ((f"127.0.0.2:{unit.port}", 200), (f"192.0.2.1:{unit.port}", 403)):
        with Plain(unit.port, address="127.0.0.2") as plain:
            plain.request(host=host)
            assert plain.answer()[0] == status


def test_loopback_alone_unless_configured(units: Callable[..., Unit]) -> None:
    unit = units()
    assert unit.screen.address == "127.0.0.1"
    with socket.socket() as other, pytest.raises(ConnectionRefusedError):
        other.connect(("127.0.0.2", unit.port))
