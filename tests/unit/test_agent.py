"""The agent with programs, files and clocks of this machine; its supervisor against what the service file asks."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agenttools import agent
from asvrig.agent.client import AgentClient
from asvrig.agent.device import open_device
from asvrig.agent.streams import DescriptorStream, process_stream
from asvrig.agent.supervisor import Service, read_service
from asvunit.errors import AsvkitError
from asvunit.resources import data_folder

PYTHON = (sys.executable, "-I", "-S", "-c")
# Offers events on a socket as a unit does, until the end of its input
UNIT = """
import json, os, socket, sys, threading
path = sys.argv[1]
if os.path.exists(path): os.unlink(path)
listener = socket.socket(socket.AF_UNIX); listener.bind(path); listener.listen()
print("said on standard error", file=sys.stderr, flush=True)
def serve():
    while True:
        connection, _ = listener.accept()
        for n in range(3):
            connection.sendall(json.dumps({"event": "ready", "n": n, "pid": os.getpid()}).encode() + b"\\n")
        connection.sendall(b"no event\\n")
        for line in sys.stdin: connection.sendall(b'{"event": "echo", "text": "' + line.strip().encode() + b'"}\\n')
        os._exit(7)
serve()
"""
NOTIFYING = """
import os, signal, socket, sys, time
out = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
name = os.environ["NOTIFY_SOCKET"]
out.connect("\\0" + name[1:])
out.send(b"READY=1\\nSTATUS=well")
print('{"event": "alive", "usec": %s}' % os.environ["WATCHDOG_USEC"], flush=True)
if "deaf" in sys.argv: signal.signal(signal.SIGABRT, signal.SIG_IGN)
time.sleep(60)
"""


def test_commands_run_there_with_their_words_whole(tmp_path: Path) -> None:
    with agent(tmp_path) as client:
        done = client.run(["sh", "-c", "pwd; echo $WORD >&2; exit 3"], env={"WORD": "hm"})
        assert (done.code, done.out.strip(), done.err.strip()) == (3, str(tmp_path), "hm")
        assert len(client.run(["seq", "60000"]).out.split()) == 60_000
        with pytest.raises(AsvkitError, match=r"sleep took longer than 0.1 s"):
            client.run(["sleep", "60"], timeout_s=0.1)
        with pytest.raises(AsvkitError, match="no-such-program: No such file"):
            client.run(["no-such-program"])
        with pytest.raises(AsvkitError, match="wrong request: KeyError"):
            client.ask("run")
        with pytest.raises(AsvkitError, match="no request 'dance'"):
            client.ask("dance")


def test_files_are_written_whole_read_in_pieces_and_pipes_are_written_to(tmp_path: Path) -> None:
    data = os.urandom(100_000)
    with agent(tmp_path) as client:
        client.write("new/folder/file", data)
        client.write("empty", b"")
        assert (client.read("new/folder/file"), client.read("empty")) == (data, b"")
        assert client.read("/proc/version").startswith(b"Linux")
        with pytest.raises(AsvkitError, match="nowhere: No such file"):
            client.read("nowhere")
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(AsvkitError, match="no plain file"):
            client.read("pipe")
        with pytest.raises(AsvkitError, match="no plain file"):
            client.write("pipe", b"press")
        with pytest.raises(AsvkitError, match="pipe: No such device or address"):  # nobody reads it
            client.push("pipe", b"press")
        with pytest.raises(AsvkitError, match="empty: no pipe"):
            client.push("empty", b"press")
        reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
        client.push("pipe", b"press")
        assert os.read(reader, 10) == b"press"
        os.close(reader)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["empty", "new", "pipe"]


def test_a_unit_is_followed_told_and_ended_by_the_end_of_its_input(tmp_path: Path) -> None:
    heard = []
    with agent(tmp_path) as client:
        unit = client.start([*PYTHON, UNIT, "s"], socket="s", name="one", on_event=heard.append)
        assert unit.wait_ready(10) == {"event": "ready", "n": 0, "pid": unit.pid}
        unit.say("a\n")
        unit.tell("b\n")
        assert unit.wait_event(lambda event: event.get("text") == "b", 5) == {"event": "echo", "text": "b"}
        assert [event.get("n", event.get("text")) for event in unit.events] == [0, 1, 2, "a", "b"]
        assert heard == unit.events
        assert unit.cpu_s() >= 0
        assert unit.rss_kib() > 1000
        assert unit.exit_code is None
        assert unit.stop() == 7
        assert (unit.exit_code, unit.exits, unit.counters["bad_line"]) == (7, [7], 1)
        for asked in (unit.cpu_s, lambda: unit.wait_ready(1) and unit.wait_event(lambda _event: False, 1)):
            with pytest.raises(AsvkitError, match="one: its unit ended with code 7: said on standard error"):
                asked()
        assert client.read("one.err") == b"said on standard error\n"


def test_a_supervised_unit_is_started_again_and_followed_in_its_next_life(tmp_path: Path) -> None:
    with agent(tmp_path) as client:
        service = Service(restart_s=0.05, watchdog_s=0, stop_post=("sh", "-c", "echo dark >> after"))
        unit = client.start([*PYTHON, UNIT, "s"], socket="s", supervised=service)
        first = unit.wait_ready(10)["pid"]
        unit.kill()
        seen = len(unit.events)
        second = unit.wait_event(lambda event: event["event"] == "ready", 10, since=seen)["pid"]
        assert second == unit.pid != first
        assert (unit.exits, unit.starts, unit.exit_code) == ([-9], 2, None)
        assert unit.stop() == 7
        assert unit.exit_code == 7
        assert client.read("after") == b"dark\ndark\n"


@pytest.mark.parametrize(("way", "code"), [("obeys", -signal.SIGABRT), ("deaf", -signal.SIGKILL)])
def test_a_unit_that_no_longer_says_it_lives_is_killed(tmp_path: Path, way: str, code: int) -> None:
    with agent(tmp_path) as client:
        service = Service(restart_s=0.01, watchdog_s=0.2, stop_s=0.2)
        unit = client.start([*PYTHON, NOTIFYING, way], output=True, supervised=service)
        assert unit.wait_event(lambda event: event["event"] == "alive", 10)["usec"] == 200_000
        assert unit.wait_exit(10) == code
        unit.wait_event(lambda event: event["event"] == "alive", 10, since=1)
        unit.stop(0.2)


def test_the_service_is_that_of_the_file_a_pi_is_given() -> None:
    asked = read_service((data_folder("hardware") / "asvkit.service").read_text(encoding="utf-8"))
    ours = Service()
    assert (asked.restart_s, asked.watchdog_s, asked.stop_s) == (ours.restart_s, ours.watchdog_s, ours.stop_s)
    assert asked.stop_post[1:3] == ("gpio", "off")
    with pytest.raises(ValueError, match="Restart=no"):
        read_service("[Service]\nRestartSec=1\n")
    assert read_service("Restart=always\nRestartSec=250ms\nTimeoutStopSec=2min").stop_s == 120


def test_lines_appended_to_a_file_come_as_they_are_written(tmp_path: Path) -> None:
    record = tmp_path / "record"
    record.write_text('{"old": 1}\n')
    got: list[dict] = []
    with agent(tmp_path) as client:
        end = client.follow("record", got.append)
        with record.open("a") as file:
            file.write('{"n": 1}\nnoise\n{"n": 2}\n')
        _wait(client, lambda: len(got) == 2)
        record.unlink()
        record.write_text('{"n": 3}\n')
        end()  # reads what is there
        end()
        _wait(client, lambda: len(got) == 3)
    assert got == [{"n": 1}, {"n": 2}, {"n": 3}]


def test_the_clocks_are_laid_on_each_other_within_the_round_trip(tmp_path: Path) -> None:
    with agent(tmp_path) as client:
        there = client.clock()
        assert abs(there.bench(there.monotonic_ns) - there.monotonic_ns) <= there.bound_ns  # one machine, one clock
        assert 0 < there.bound_ns < 10**9
        assert abs(there.unix_ns - there.monotonic_ns - (time.time_ns() - time.monotonic_ns())) < 10**9


def test_a_bench_that_comes_anew_and_a_line_that_ends_leave_nothing_behind(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "asvrig.agent", "--folder", str(tmp_path / "unit")]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    client = AgentClient(process_stream(process))
    client.hello(20)
    client.write("cat", b"")
    unit = client.start(["cat"])
    client.fault("hog", processes=1, nice=19)
    busy = _children(process.pid)
    assert len(busy) == 2
    client._session = "another bench"
    client.hello(10)
    assert not Path(f"/proc/{unit.pid}").exists()
    assert not any(Path(f"/proc/{pid}").exists() for pid in busy)
    second = client.start(["cat"])
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(10) == 0
    assert not Path(f"/proc/{second.pid}").exists()
    with pytest.raises(AsvkitError, match=r"unit: its unit .*: its agent is gone"):
        second.wait_ready(10)
    with pytest.raises(AsvkitError, match="the agent is gone"):
        client.run(["true"])
    client.close()


def test_over_a_serial_line_one_bench_comes_after_the_other(tmp_path: Path) -> None:
    """A terminal, before whose bench somebody had typed something."""
    master, slave = os.openpty()
    argv = [sys.executable, "-m", "asvrig.agent", "--device", os.ttyname(slave), "--folder", str(tmp_path)]
    os.write(master, b"half a line")
    process = subprocess.Popen(argv)
    try:
        for word in ("first", "second"):
            copy = os.dup(master)
            client = AgentClient(DescriptorStream(copy, copy))
            client.hello(20)
            client.write(word, word.encode() * 9000)
            assert client.read(word) == word.encode() * 9000
            client.close()
        assert process.poll() is None
    finally:
        process.terminate()
        assert process.wait(10) == 0
        os.close(master)
        os.close(slave)


def test_a_device_that_is_none_and_a_speed_that_is_none_are_told() -> None:
    for path, baud, said in (
        ("/dev/null", 115200, "ioctl"),
        ("/nowhere", 9600, "/nowhere"),
        ("/dev/null", 7, "7 baud"),
    ):
        with pytest.raises((OSError, ValueError), match=said):
            open_device(path, baud)
    argv = [sys.executable, "-m", "asvrig.agent", "--device", "/nowhere"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "/nowhere" in done.stderr


def test_an_agent_of_another_version_or_none_is_told() -> None:
    ours, theirs = socket.socketpair()
    descriptor = ours.detach()
    client = AgentClient(DescriptorStream(descriptor, descriptor), "pi")
    with pytest.raises(AsvkitError, match=r"pi: the agent does not answer \(hello, 0.2 s\)"):
        client.hello(0.2)
    theirs.close()
    with pytest.raises(AsvkitError, match="pi: the agent is gone"):
        client.hello(10)
    client.close()


def _wait(client: AgentClient, done: Callable[[], bool]) -> None:
    until_s = time.monotonic() + 10
    while not done():
        assert time.monotonic() < until_s
        client.clock(1)


def _children(pid: int) -> list[int]:
    """Of all its threads."""
    told = [one.read_text() for one in Path(f"/proc/{pid}/task").glob("*/children")]
    return [int(one) for line in told for one in line.split()]
