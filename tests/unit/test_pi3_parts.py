"""What the emulated Pi is made of and what the bench holds at its wires, each without QEMU."""

import os
import re
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

import asvcore.codec
from asvrig.pi3 import cache, code, host, image, packages, wheels
from asvrig.pi3.air import EtherAir
from asvrig.pi3.cpio import CpioWriter
from asvrig.pi3.pins import PinProbe, PinSwitches
from asvrig.pi3.qtest import CLEAR, SET, Qtest
from asvrig.pi3.stumbling_tone import StumblingTone
from asvrig.pi3.wires import CanWire, ReceiverWire
from asvunit.errors import AsvkitError, UsageError
from asvunit.pins import load_pins
from asvunit.radio.ethernet import pack

MS = 1_000_000
WAIT_S = 10.0

Entries = dict[str, tuple[int, bytes]]


def entries(data: bytes) -> Entries:
    """Mode and content by name, as the kernel reads an archive."""
    found: Entries = {}
    at = 0
    while True:
        assert data[at : at + 6] == b"070701"
        fields = [int(data[at + 6 + 8 * number : at + 14 + 8 * number], 16) for number in range(13)]
        name = data[at + 110 : at + 109 + fields[11]].decode()
        assert data[at + 109 + fields[11]] == 0
        begin = at + 110 + fields[11]
        begin += -begin % 4
        if name == "TRAILER!!!":
            return found
        assert (fields[2], fields[3]) == (0, 0)  # all of it is root's
        assert name not in found or stat.S_ISDIR(fields[1])
        found[name] = fields[1], data[begin : begin + fields[6]]
        at = begin + fields[6]
        at += -at % 4


def eventually(wanted: Callable[[], bool]) -> bool:
    until_s = time.monotonic() + WAIT_S
    while not wanted():
        if time.monotonic() > until_s:
            return False
        time.sleep(0.002)
    return True


# The image


def test_archive_holds_what_the_folder_has(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "bin").mkdir(parents=True)
    (tree / "bin" / "busybox").write_bytes(b"odd")
    (tree / "bin" / "busybox").chmod(0o755)
    (tree / "bin" / "sh").symlink_to("busybox")
    (tree / "skip").mkdir()
    (tree / "skip" / "it").touch()
    path = tmp_path / "one.cpio"
    with path.open("wb") as file:
        writer = CpioWriter(file)
        writer.add_tree(tree, leave_out=["skip"])
        writer.add_bytes("opt/deep/file", b"12345")
        writer.close()
    found = entries(path.read_bytes())
    assert found["bin/busybox"] == (stat.S_IFREG | 0o755, b"odd")
    assert found["bin/sh"] == (stat.S_IFLNK | 0o777, b"busybox")
    assert found["opt/deep/file"] == (stat.S_IFREG | 0o644, b"12345")
    assert list(found).index("opt") < list(found).index("opt/deep") < list(found).index("opt/deep/file")
    assert not [name for name in found if name.startswith("skip")]


def test_code_is_that_of_this_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASVKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(code, "PACKAGES", ("asvcore",))
    path = tmp_path / "code"
    path.write_bytes(b"....")  # it follows what is there
    code.write_code(path)
    found = entries(path.read_bytes()[4:])
    assert found[f"{code.CODE}/asvcore/codec.py"][1] == Path(asvcore.codec.__file__).read_bytes()
    assert f"{code.CODE}/asvunit/data/hardware/pins.toml" in found
    assert [name for name in found if name.startswith(f"{code.CODE}/asvunit/data/scenarios/")]
    assert found["init"][0] & 0o111
    assert found["opt/bin/asvkit"][0] & 0o111
    compiled = found[f"{code.CODE}/asvcore/__pycache__/codec.cpython-311.pyc"][1]
    assert compiled[4:8] == (1).to_bytes(4, "little")  # by hash, not looked up
    assert f"/{code.CODE}/asvcore/codec.py".encode() in compiled
    again = tmp_path / "again"
    monkeypatch.setattr(code, "_compiled", None)  # it is kept
    code.write_code(again)
    assert again.read_bytes() == path.read_bytes()[4:]


def test_hash_goes_with_the_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    before = image.image_hash()
    assert image.image_hash() == before
    monkeypatch.setattr(image, "MODULES", (*image.MODULES, "more"))
    assert image.image_hash() != before


def test_a_built_image_is_taken_and_half_of_one_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASVKIT_CACHE", str(tmp_path))
    monkeypatch.setattr(image, "missing", lambda: "nothing is here")
    folder = cache.cache_folder() / f"image-{image.image_hash()}"
    folder.mkdir()
    for name in ("vmlinuz", "pi3.dtb"):
        (folder / name).touch()
    with pytest.raises(UsageError, match="nothing is here"):
        image.build()
    (folder / "base.cpio").touch()
    (folder / "versions.json").write_text('{"python3": "3"}')
    assert image.build().versions == {"python3": "3"}
    (folder / "pi3.dtb").unlink()
    with pytest.raises(UsageError, match=r"pi3\.dtb is missing"):
        image.build()


def test_pins_are_those_installed_here() -> None:
    pins = dict(pin.split("==") for pin in wheels.pins())
    assert pins["lgpio"] == "0.2.2.0"
    assert pins["python-can"]
    assert "matplotlib" not in pins
    assert "numpy" not in pins


def test_what_is_missing_is_named_with_the_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host.shutil, "which", lambda name, path: None if name.startswith("qemu") else name)
    monkeypatch.setattr(host, "KEYRING", Path("/nowhere"))
    assert host.missing().endswith("sudo apt-get install qemu-system-arm debian-archive-keyring")


def test_a_program_that_fails_says_why() -> None:
    with pytest.raises(AsvkitError, match=r"^trying: sh failed: E: it is so$"):
        host.run(["sh", "-c", "echo 'E: it is so' >&2; echo 'W: a warning' >&2; exit 100"], "trying")
    with pytest.raises(AsvkitError, match="no-such-program is not installed"):
        host.run(["no-such-program"], "trying")


def test_mirror_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(packages.MIRROR_NAME, "http://mirror.example/debian/")
    assert packages.mirror() == "http://mirror.example/debian"


# A tone on a machine that stumbles


def beeps(hz: int, *, late_ms: float, seed: int = 1) -> list[int]:
    """Rising edges of five tones of 200 ms, 200 ms apart; each edge is held up at random, and none gets lost."""
    random = Random(seed)
    out: list[int] = []
    for beep in range(5):
        at_ns, busy_ns = 400 * MS * beep, 0
        while at_ns < 400 * MS * beep + 200 * MS:
            if random.random() < 5 / hz:  # five times a second
                busy_ns = at_ns + round(random.random() * late_ms * MS)
            out.append(max(at_ns, busy_ns, out[-1] + 50_000 if out else 0))
            at_ns += 10**9 // hz
    return out


@pytest.mark.parametrize("hz", [500, 1000, 2000])
@pytest.mark.parametrize("late_ms", [0, 20, 50])
def test_stumbling_tone_keeps_its_name(hz: int, late_ms: float) -> None:
    finder = StumblingTone()
    found = [one for t_ns in beeps(hz, late_ms=late_ms) for one in finder.edge(10**9 + t_ns, 1)]
    found += finder.quiet(10**10)
    assert [one.hz for one in found] == [hz, 0] * 5
    for number, one in enumerate(found[0::2]):
        assert abs(one.t_ns - 10**9 - 400 * MS * number) <= late_ms * MS


def test_strays_are_no_tone_and_a_short_one_is_told_at_its_end() -> None:
    finder = StumblingTone()
    assert not [one for t_ns in (0, 1, 5, 500, 900) for one in finder.edge(t_ns * MS, 1)]
    edges = [2000 * MS + number * MS for number in range(30)]
    assert not [one for t_ns in edges for one in finder.edge(t_ns, 1)]
    assert [(one.t_ns, one.hz) for one in finder.quiet(3000 * MS)] == [(edges[0], 1000), (edges[-1], 0)]


def test_another_tone_that_follows_at_once() -> None:
    finder = StumblingTone()
    edges = [number * 2 * MS for number in range(100)] + [200 * MS + number * MS for number in range(400)]
    assert [one.hz for t_ns in edges for one in finder.edge(t_ns, 1)] == [500, 1000]


# Pins by qtest


class FakeQemu:
    """The other end of the line: keeps what it was asked, and logs edges as QEMU does."""

    def __init__(self) -> None:
        self.line, self._end = socket.socketpair()
        self.log, self._log = os.pipe()
        self.asked: list[str] = []
        self._began_s = time.monotonic() - 1.0  # it has run for a while
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def edge(self, pin: int, level: int, ago_s: float = 0.0) -> None:
        """One that happened so long ago."""
        word = "raise" if level else "lower"
        since_s = time.monotonic() - self._began_s - ago_s
        self._end.sendall(f"IRQ {word} {pin}\n".encode())
        os.write(self._log, f"[S +{since_s:.6f}] IRQ {word} {pin}\n".encode())

    def say(self, text: bytes) -> None:
        os.write(self._log, text)

    def end(self) -> None:
        self._end.shutdown(socket.SHUT_RDWR)
        self._thread.join(WAIT_S)
        self._end.close()
        os.close(self._log)

    def _run(self) -> None:
        with self._end.dup() as end, end.makefile("rw") as lines:
            for line in lines:
                self.asked.append(line.strip())
                os.write(self._log, f"[R +{time.monotonic() - self._began_s:.6f}] {line}".encode())
                lines.write("OK 0x0000000000000040\n" if line.startswith("readl") else "OK\n")
                lines.flush()


@pytest.fixture
def qemu() -> FakeQemu:
    return FakeQemu()


def test_pins_are_seen_when_they_changed(qemu: FakeQemu, tmp_path: Path) -> None:
    pins = load_pins(None)
    probe, switches = PinProbe(pins), PinSwitches(pins)
    probe.start()
    log = tmp_path / "qemu.log"
    line = Qtest(qemu.line, qemu.log, probe.edge, log.open("wb", buffering=0))
    with closing(probe):
        switches.line = line
        assert line.level() == 0x40
        begun_ns = time.monotonic_ns()
        qemu.edge(pins.leds.caution, 1, ago_s=0.02)
        seen = probe.wait(lambda one: one.name == "caution", begun_ns + 10**10)
        assert seen is not None
        assert (seen.value, seen.by) == (1, "edge")
        assert -30 * MS < seen.t_ns - begun_ns < -5 * MS  # by QEMU's stamp, not when it came
        sent_ns = switches.press("mute", 1)
        assert sent_ns >= begun_ns
        switches.press("mute", 0)
        mute = 1 << pins.switches.mute
        assert qemu.asked[-2:] == [f"writel {CLEAR:#x} {mute:#x}", f"writel {SET:#x} {mute:#x}"]
        with pytest.raises(UsageError, match="there is mute, request"):
            switches.press("horn", 1)
        probe.dark()  # the power goes
        assert probe.wait(lambda one: one.name == "caution" and not one.value, begun_ns + 10**10)
        qemu.say(b"qemu-system-aarch64: no card\n")
        assert eventually(lambda: b"no card" in log.read_bytes())
        assert b"IRQ" not in log.read_bytes()
    qemu.end()
    line.close()


def test_a_line_that_ends_is_told(qemu: FakeQemu, tmp_path: Path) -> None:
    line = Qtest(qemu.line, qemu.log, lambda *_: None, (tmp_path / "said").open("wb", buffering=0))
    qemu.line.shutdown(socket.SHUT_RDWR)
    with pytest.raises(AsvkitError, match="emulated Pi"):
        line.level()
    qemu.end()
    line.close()


def test_mean_frequency_of_what_sounded() -> None:
    pins = load_pins(None)
    probe = PinProbe(pins)
    for number in range(201):
        probe.edge(pins.buzzer.pwm, 10**9 + number * MS, 1)
    assert probe.mean_hz(10**9, 10**9 + 200 * MS) == pytest.approx(1000)
    assert probe.mean_hz(0, 1) == 0


# Wires


@pytest.fixture
def ends() -> Iterator[list[socket.socket]]:
    """The Pi's ends of the wires that were plugged."""
    made: list[socket.socket] = []
    yield made
    for one in made:
        one.close()


def plugged(ends: list[socket.socket]) -> socket.socket:
    ours, theirs = socket.socketpair()
    theirs.settimeout(WAIT_S)
    ends.append(theirs)
    return ours


def test_receiver_goes_on_after_a_power_cut(ends: list[socket.socket]) -> None:
    wire = ReceiverWire(lambda: plugged(ends))
    wire.write(b"$lost\r\n")
    wire.power(True)
    wire.write(b"$one\r\n")
    assert ends[0].recv(100) == b"$one\r\n"
    wire.power(False)
    assert ends[0].recv(100) == b""
    wire.power(True)
    wire.write(b"$two\r\n")
    assert ends[1].recv(100) == b"$two\r\n"
    wire.close()
    assert wire.dropped == {"unplugged": 1}


def test_receiver_does_not_queue_for_who_does_not_read(ends: list[socket.socket]) -> None:
    wire = ReceiverWire(lambda: plugged(ends))
    wire.power(True)
    sent = 0
    until_s = time.monotonic() + WAIT_S
    while not wire.dropped["stalled"]:
        assert time.monotonic() < until_s
        wire.write(b"$old\r\n")
        sent += 1
        time.sleep(0.02)
    assert len(ends[0].recv(1 << 20)) <= 6 * sent
    assert eventually(lambda: wire.write(b"$new\r\n") is None and ends[0].recv(1 << 20, socket.MSG_PEEK) == b"$new\r\n")
    wire.close()


def test_can_adapter_speaks_slcan(ends: list[socket.socket]) -> None:
    bound: list[bool] = []
    wire = CanWire(lambda: plugged(ends), bound.append)
    wire.power(True)
    wire.send(0x123, False, b"\x01")
    assert wire.dropped == {"closed": 1}
    ends[0].sendall(b"C\rS6\r")
    ends[0].sendall(b"O\r")
    assert eventually(lambda: wire.mode == "O")
    wire.send(0x123, False, b"\x01\xab")
    wire.send(0x18FEF100, True, b"")
    wire.state("b", 0, 256)
    expected = b"t123201AB\rT18FEF1000\rsb000256\r"
    assert eventually(lambda: ends[0].recv(100, socket.MSG_PEEK) == expected)
    wire.unplug()
    wire.send(0x123, False, b"")
    assert (wire.dropped["unplugged"], bound) == (1, [False])
    wire.plug()
    wire.plug()
    assert (len(ends), wire.mode, bound) == (1, "", [False, True])  # it is to be opened anew
    wire.send(0x123, False, b"")
    wire.close()
    assert wire.dropped["closed"] == 2


def test_air_tells_the_unit_from_others(tmp_path: Path) -> None:
    pi = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    with closing(EtherAir(tmp_path / "bench", tmp_path / "pi")) as air, closing(pi):
        lost = air.sender(7)
        lost.send(b"x")
        assert lost.dropped == {"network": 1}
        pi.bind(str(tmp_path / "pi"))
        pi.settimeout(WAIT_S)
        one, other = air.sender(), air.sender(1)
        assert one is air.sender(0)
        assert one.source != other.source
        one.send(b"payload")
        assert pi.recv(100) == pack(one.source, b"payload")
        pi.sendto(bytes(60), str(tmp_path / "bench"))  # some other kind of frame
        pi.sendto(pack("02:00:00:00:00:09", b"of the unit"), str(tmp_path / "bench"))
        heard = air.wait(lambda heard: True, WAIT_S)
        assert heard is not None
        assert (heard.source, heard.payload) == ("02:00:00:00:00:09", b"of the unit")
        assert abs(time.monotonic_ns() - heard.t_ns) < 10**10
        assert air.counters == {"other": 1}
        one.close()
        assert air.sender(0) is not one


def test_guest_programs_are_plain_shell() -> None:
    folder = Path(image.__file__).with_name("guest")
    for name in ("init", "usb"):
        text = (folder / name).read_text(encoding="utf-8")
        assert text.startswith("#!/bin/busybox sh\n")
        assert not re.search(r"(?<![/\w-])ip link", text)  # busybox has another ip
        host.run(["sh", "-n", str(folder / name)], name)
