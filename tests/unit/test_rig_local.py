"""What the target of this machine stands on: a clock that only its programs see, power that only they lose, a small
disk, and the drivers of its devices."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from asvrig.agent import faults
from asvrig.live.radio import free_udp_port
from asvrig.live.receiver import ReceiverPty
from asvrig.live.slcan import SlcanPty
from asvrig.targets import bench_folder, interposed
from asvrig.targets.bench_folder import BenchFolder
from asvrig.targets.drivers import Attendant, FifoSwitches, PtyCan, PtyReceiver
from asvrig.targets.drivers_air import UdpAir
from asvrig.targets.interposed import Interposed
from asvrig.targets.named import missing, open_target
from asvrig.targets.resources import UdpNetwork
from asvunit.errors import AsvkitError, UsageError

WAIT_S = 20.0
HOUR_S = 3600
compiled = pytest.mark.skipif(bool(interposed.missing()), reason=interposed.missing() or "-")
mounted = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: to mount a small disk")

# Tells its clocks for each line of its input, and how long ago the kernel received a datagram
TELLS = """
import socket, sys, time
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
one.bind(("127.0.0.1", 0))
one.setsockopt(socket.SOL_SOCKET, 35, 1)
for _ in sys.stdin:
    one.sendto(b"x", one.getsockname())
    _data, told, _flags, _from = one.recvmsg(10, 100)
    second = int.from_bytes(told[0][2][:8], "little")
    print(time.time(), time.monotonic(), time.clock_gettime(time.CLOCK_REALTIME), second, flush=True)
"""
WRITES = """
import os
with open("synced", "wb", buffering=0) as file:
    file.write(bytes(100))
    os.fdatasync(file.fileno())
    file.write(bytes(50))
with open("fresh", "wb") as file:
    file.write(b"gone")
with open("new", "wb", buffering=0) as file:
    file.write(b"whole")
    os.fsync(file.fileno())
os.replace("new", "renamed")
os.mkdir("below")
with open("below/spared", "wb") as file:
    file.write(b"kept")
"""


@compiled
def test_a_stepped_clock_is_that_of_the_programs_alone(tmp_path):
    between = Interposed(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", TELLS],
        env={**os.environ, **between.environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as program:

        def told() -> list[float]:
            program.stdin.write("\n")
            program.stdin.flush()
            unix_s, monotonic_s, realtime_s, stamp_s = map(float, program.stdout.readline().split())
            now_s, now_monotonic_s = time.time(), time.monotonic()
            assert monotonic_s == pytest.approx(now_monotonic_s, abs=WAIT_S)
            return [unix_s - now_s, realtime_s - now_s, stamp_s - now_s]

        assert told() == pytest.approx([0, 0, 0], abs=5)
        between.step(HOUR_S * 10**9)
        assert told() == pytest.approx([HOUR_S] * 3, abs=5)
        between.step(-2 * HOUR_S * 10**9 - 1)
        assert told() == pytest.approx([-HOUR_S] * 3, abs=5)
        between.step(HOUR_S * 10**9 + 1)
        assert between.step_ns == 0
        assert told() == pytest.approx([0, 0, 0], abs=5)
    between.close()


@compiled
def test_a_power_cut_leaves_what_was_made_safe(tmp_path):
    between, folder = Interposed(tmp_path), tmp_path / "disk"
    folder.mkdir()
    subprocess.run(
        [sys.executable, "-c", WRITES],
        cwd=folder,
        env={**os.environ, **between.environment},
        check=True,
        timeout=WAIT_S,
    )
    assert between.cut_power(folder, [folder / "below" / "spared"]) == {"synced": 50, "fresh": 4}
    sizes = {str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    assert sizes == {"synced": 100, "fresh": 0, "renamed": 5, "below/spared": 4}
    assert between.cut_power(folder) == {"below/spared": 4}
    between.close()


@mounted
def test_the_small_disk_is_full_and_the_machines_is_not(tmp_path):
    folder = BenchFolder()
    try:
        assert folder.small
        (folder.path / "before").write_bytes(b"x" * 1000)
        undo = faults.begin("disk_full", {"path": folder.path})
        with pytest.raises(OSError, match="No space left"):
            (folder.path / "more").write_bytes(bytes(1 << 20))
        (tmp_path / "elsewhere").write_bytes(bytes(1 << 20))
        undo()
        (folder.path / "more").write_bytes(bytes(1 << 20))
        os.mkfifo(folder.path / "fifo")
    finally:
        folder.close(tmp_path / "kept")
    assert not folder.room.exists()
    kept = {path.name: path.stat().st_size for path in (tmp_path / "kept").iterdir()}
    assert kept == {"before": 1000, "more": 1 << 20}
    folder.close(tmp_path / "kept")


def test_what_a_bench_that_was_killed_left_is_taken_away(monkeypatch, tmp_path):
    monkeypatch.setattr(bench_folder.tempfile, "tempdir", str(tmp_path))
    program = (
        "import os\nfrom asvrig.targets.bench_folder import BenchFolder\n"
        "one = BenchFolder()\n(one.path / 'file').write_bytes(b'x')\n"
        "print(one.room, flush=True)\nos.kill(os.getpid(), 9)\n"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    killed = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False, timeout=WAIT_S
    )
    left = Path(killed.stdout.strip())
    assert (left / "unit" / "file").exists()
    (tmp_path / "asvkit-rig-else").mkdir()  # without a lock: not one of ours
    held = BenchFolder()
    assert not left.exists()
    assert {path.name for path in tmp_path.iterdir()} == {held.room.name, "asvkit-rig-else"}
    bench_folder.clean()
    assert held.path.exists()
    held.close(tmp_path / "kept")


def test_devices_answer_though_nothing_is_played_and_after_a_replug(tmp_path):
    receiver, can = ReceiverPty(tmp_path / "gnss"), SlcanPty(tmp_path / "can")
    attendant = Attendant(receiver, can)
    line, bus = PtyReceiver(receiver), PtyCan(can)
    try:
        for unplugged in range(2):
            host = os.open(tmp_path / "can", os.O_RDWR | os.O_NOCTTY)
            os.write(host, b"O\r")
            assert os.read(host, 10) == b"\r"
            bus.send(0x123, False, b"\x01")
            assert os.read(host, 20) == b"t123101\r"
            os.close(host)
            host = os.open(tmp_path / "gnss", os.O_RDWR | os.O_NOCTTY)
            line.write(b"$A\r\n$B\r\n")
            assert os.read(host, 20) == b"$A\r\n$B\r\n"
            os.close(host)
            line.unplug()
            bus.unplug()
            assert list(tmp_path.iterdir()) == []
            line.write(b"$C\r\n")
            bus.send(0x123, False, b"")
            assert line.dropped["unplugged"] == bus.dropped["unplugged"] == unplugged + 1
            line.plug()
            bus.plug()
    finally:
        attendant.close()
        receiver.close()
        can.close()


def test_switches_are_pressed_by_whichever_unit_reads_them(tmp_path):
    path = tmp_path / "switches"
    os.mkfifo(path)
    switches = FifoSwitches(path)
    for value in (1, 0):  # two units, one after the other
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        before_ns = time.monotonic_ns()
        assert switches.press("mute", value) >= before_ns
        assert os.read(reader, 100) == b'{"switch": "mute", "value": %d}\n' % value
        os.close(reader)


def test_a_press_that_nobody_reads_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("asvrig.targets.drivers._FIFO_S", 0.05)
    with pytest.raises(AsvkitError, match="no unit reads its switches there; start one first"):
        FifoSwitches(tmp_path / "switches").press("mute", 1)


def test_the_air_hears_others_and_not_itself():
    air = UdpAir(UdpNetwork(free_udp_port()))
    other = UdpAir(UdpNetwork(air._network.port))
    try:
        assert air.sender() is air.sender(0)
        assert air.sender(1).source != air.sender(0).source
        air.sender(1).send(b"own")
        before_ns = time.monotonic_ns()
        unit = other.sender(7)
        unit.send(b"one")
        unit.send(b"two")
        found = air.wait(lambda one: one.payload == b"two", WAIT_S)
        assert [(one.source, one.payload) for one in air.heard] == [(unit.source, b"one"), (unit.source, b"two")]
        assert before_ns <= found.t_ns <= time.monotonic_ns()
        assert air.wait(lambda one: one.payload == b"own", 0.0) is None
        air.clear()
        assert air.heard == []
        waiting = threading.Thread(target=lambda: air.sender(1).close())
        waiting.start()
        waiting.join()
        assert air.sender(1).closed is False  # a new one
        unit.send(b"three")
        assert air.wait(lambda one: True, WAIT_S).payload == b"three"
    finally:
        air.close()
        other.close()
    air.close()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("lokal", "'lokal': no such target; did you mean local\\? give one of local, .*pi3-qemu"),
        ("ssh:", "names no machine; give ssh:USER@HOST"),
        ("", "'': no such target; give one of"),
    ],
)
def test_a_name_that_is_no_target_is_refused(tmp_path, name, told):
    with pytest.raises(UsageError, match=told):
        open_target(name, tmp_path)
    assert missing("local") == ""


def test_paths_of_a_target_are_those_of_its_units_folder(tmp_path):
    target = open_target("local", tmp_path / "kept")
    try:
        target.write("sub/one.txt", b"1")
        assert target.read("sub/one.txt") == b"1"
        assert target.command("cat", "sub/one.txt").out == "1"
        done = target.command("sh", "-c", "echo no >&2; exit 3")
        assert (done.code, done.out, done.err) == (3, "", "no\n")
        for action, told in (
            (lambda: target.read("none"), "none: cannot be read: No such file"),
            (lambda: target.write("sub/one.txt/two", b""), "cannot be written"),
            (lambda: target.command("no-such-program"), "no-such-program: cannot be run"),
            (lambda: target.fault("bus_off"), "bus_off: the target local cannot do that here"),
            (lambda: target.fault("pins"), "pins: the target local cannot do that here"),
            (lambda: target.fault("hog", speed=1), "hog: fault hog: .*speed"),
        ):
            with pytest.raises(AsvkitError, match=told):
                action()
    finally:
        target.close()
    target.close()
    assert Path(tmp_path / "kept" / "sub" / "one.txt").read_bytes() == b"1"
