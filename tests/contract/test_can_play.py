"""`asvkit can play` on real buses: UDP multicast, an slcan adapter at a pty's end; and what keeps it from sending."""

import os
import select
import threading
import tty
from collections.abc import Callable, Iterator
from pathlib import Path

import can
import pytest
from typer.main import get_command

from asvrig.can_player import Route
from asvtools import can_command
from asvtools.cli import run
from asvunit.adapters.can_log import SUFFIXES

GROUP = "239.74.163.6"
START = 1_768_446_000.0
WAIT_S = 10.0


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """50 frames in half a second: classic, extended, FD and an error frame."""
    path = tmp_path / "drive.log"
    lines = [f"({START + number / 100:.6f}) can0 {0x100 + number:03X}#{number:02X}FF" for number in range(50)]
    lines[10] = f"({START + 0.10:.6f}) can0 18FEF110#0A"
    lines[20] = f"({START + 0.20:.6f}) can0 123##1{'5A' * 12}"
    lines[30] = f"({START + 0.30:.6f}) can0 20000080#0000000000000000"
    path.write_text("\n".join(lines) + "\n")
    return path


class Ear(threading.Thread):
    """Another node of the bus: hears until `count` frames came; says something itself if told to."""

    def __init__(self, bus: can.BusABC, count: int, says: can.Message | None = None) -> None:
        super().__init__()
        self.bus, self.count, self.says = bus, count, says
        self.heard: list[can.Message] = []
        self.done = threading.Event()

    def run(self) -> None:
        while not self.done.is_set() and len(self.heard) < self.count:
            message = self.bus.recv(0.02)
            if message is not None and (self.says is None or message.arbitration_id != self.says.arbitration_id):
                self.heard.append(message)
            if self.says is not None:
                self.bus.send(self.says)


@pytest.fixture
def ear() -> Iterator[Callable[..., Ear]]:
    made: list[Ear] = []

    def ear(count: int, says: can.Message | None = None) -> Ear:
        bus = can.Bus(interface="udp_multicast", channel=GROUP, port=43113, hop_limit=0, fd=True)
        bus.send(can.Message(arbitration_id=0x7FF, is_extended_id=False))
        if bus.recv(2) is None:
            bus.shutdown()
            pytest.skip("this machine has no multicast: it does not hear itself")
        made.append(Ear(bus, count, says))
        made[-1].start()
        return made[-1]

    yield ear
    for each in made:
        each.done.set()
        each.join()
        each.bus.shutdown()


def play(log: Path, *arguments: str) -> int:
    return run(
        ["can", "play", str(log), "--interface", "udp_multicast", "--channel", GROUP, "--listen", "0.2", *arguments]
    )


@pytest.fixture(autouse=True)
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One test at a time uses the group, whatever runs beside it."""
    import fcntl

    with (tmp_path_factory.getbasetemp().parent / "can-play.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def test_without_the_key_nothing_is_even_opened(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["can", "play", str(log), "--interface", "slcan", "--channel", "/dev/none"]
    assert run(arguments) == 2
    assert "a car is never written to" in capsys.readouterr().err


def test_every_frame_arrives_in_its_order(log: Path, ear, capsys: pytest.CaptureFixture[str]) -> None:
    node = ear(49)
    assert play(log, "--bench", "--fd") == 0
    node.join(WAIT_S)
    assert [each.arbitration_id for each in node.heard] == [
        *range(0x100, 0x10A), 0x18FEF110, *range(0x10B, 0x114), 0x123, *range(0x115, 0x11E), *range(0x11F, 0x132),
    ]  # fmt: skip
    assert node.heard[10].is_extended_id
    assert node.heard[20].is_fd
    assert node.heard[20].bitrate_switch
    assert bytes(node.heard[20].data) == b"\x5a" * 12
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert "sent 49 frames" in lines
    assert "dropped: error_frame: 1" in lines
    assert not [line for line in lines if line.startswith("frames of others")]


def test_classic_a_part_and_faster(log: Path, ear, capsys: pytest.CaptureFixture[str]) -> None:
    node = ear(14)
    assert play(log, "--bench", "--start", "0.15", "--end", "0.2999", "--speed", "3") == 0
    node.join(WAIT_S)
    assert [each.arbitration_id for each in node.heard] == [*range(0x10F, 0x114), *range(0x115, 0x11E)]
    assert "dropped: fd_frame: 1" in capsys.readouterr().out


def test_not_where_others_are_heard(log: Path, ear, capsys: pytest.CaptureFixture[str]) -> None:
    node = ear(1, says=can.Message(arbitration_id=0x2C1, is_extended_id=False, data=[1]))
    assert play(log, "--bench") == 1
    told = capsys.readouterr().err
    assert f"udp_multicast {GROUP}: " in told
    assert "frames/s of others (0x2C1); this is no bench bus of your own, and a car is never written to" in told
    assert not node.heard


def test_again_and_again_until_interrupted(
    log: Path, ear, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    node = ear(100)
    send, left = Route.send, iter(range(120))

    def interrupted(route: Route, message: can.Message) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        send(route, message)

    monkeypatch.setattr(Route, "send", interrupted)
    assert play(log, "--bench", "--loop", "--speed", "5") == 0
    node.join(WAIT_S)
    first = [each.arbitration_id for each in node.heard[:48]]
    assert [each.arbitration_id for each in node.heard[48:96]] == first
    assert "sent 120 frames" in capsys.readouterr().out
    left = iter(range(5))
    assert play(log, "--bench") == 130
    assert "sent 5 frames" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--bench", "--end", "1", "--start", "1"], "--end 1: not after --start 1"),
        (["--bench", "--start", "99"], "no frame to send between --start and --end"),
        (["--bench", "--map", "can0=x"], "--channel: give either it or --map"),
        (["--bench", "--data-bitrate", "2000000"], "--data-bitrate: it is of CAN FD"),
        (["--bench", "--interface", "slcn"], "--interface: python-can has no 'slcn'; did you mean slcan"),
    ],
)
def test_mistakes(log: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str) -> None:
    assert play(log, *arguments) == 2
    assert reason in capsys.readouterr().err


def test_a_log_of_two_channels_says_which(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "two.log"
    path.write_text(f"({START:.6f}) can0 100#00\n({START + 0.01:.6f}) can1 101#00\n")
    assert play(path, "--bench") == 2
    assert (
        "has channels can0, can1: say where each goes (--map can0=CHANNEL --map can1=CHANNEL)"
        in capsys.readouterr().err
    )
    assert run(["can", "play", str(path), "--interface", "udp_multicast", "--bench", "--map", "can3=x"]) == 2
    assert "--map can3=x: the log has no such channel; it has can0, can1" in capsys.readouterr().err


class Adapter(threading.Thread):
    """An slcan adapter: notes what it is told, and says something when told to open."""

    def __init__(self, says: bytes = b"") -> None:
        super().__init__()
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        self.channel = os.ttyname(self.slave)
        self.told = b""
        self.done = threading.Event()
        self._says = says

    def run(self) -> None:
        while True:
            if not select.select([self.master], [], [], 0.02)[0]:
                if self.done.is_set():
                    return
            else:
                piece = os.read(self.master, 4096)
                self.told += piece
                if b"L\r" in piece and self._says:
                    os.write(self.master, self._says)

    def lines(self) -> list[bytes]:
        """All that it was told."""
        self.done.set()
        self.join(WAIT_S)
        return self.told.split(b"\r")

    def close(self) -> None:
        self.lines()
        os.close(self.slave)
        os.close(self.master)


@pytest.fixture
def adapter() -> Iterator[Callable[..., Adapter]]:
    made: list[Adapter] = []

    def adapter(says: bytes = b"") -> Adapter:
        made.append(Adapter(says))
        made[-1].start()
        return made[-1]

    yield adapter
    for each in made:
        each.close()


def slcan(log: Path, one: Adapter) -> int:
    arguments = ["--interface", "slcan", "--channel", one.channel, "--bitrate", "500000", "--listen", "0.3", "--bench"]
    return run(["can", "play", str(log), *arguments])


def test_slcan_listens_without_a_word_on_the_bus_then_sends(log: Path, adapter) -> None:
    one = adapter()
    assert slcan(log, one) == 0
    lines = one.lines()
    frames = [line for line in lines if line[:1] in (b"t", b"T")]
    assert len(frames) == 48
    assert frames[0] == b"t100200FF"
    assert frames[10] == b"T18FEF11010A"
    before = lines[: lines.index(frames[0])]
    assert b"L" in before
    assert b"S6" in before
    assert b"O" in before[len(before) - before[::-1].index(b"L") :], "it listens first, and only then joins the bus"
    assert b"O" not in before[: before.index(b"L")]
    assert lines[-2:] == [b"C", b""]


def test_slcan_is_never_opened_to_send_where_others_are(log: Path, adapter, capsys: pytest.CaptureFixture[str]) -> None:
    one = adapter(b"t2C1201FF\rT18FEF1FE10A\r")
    assert slcan(log, one) == 1
    assert "frames/s of others (0x2C1, 0x18FEF1FE)" in capsys.readouterr().err
    told = one.lines()
    assert b"L" in told
    assert not [line for line in told if line[:1] in (b"O", b"t", b"T")]


@pytest.mark.parametrize("noise", [b"tzz\r", b"t\xff\x80\r", b"T12\r"], ids=["no hex", "no ASCII", "cut"])
def test_slcan_noise_is_no_quiet_bus(log: Path, adapter, capsys: pytest.CaptureFixture[str], noise: bytes) -> None:
    one = adapter(noise)
    assert slcan(log, one) == 1
    assert "broken lines: others send, at another bit rate perhaps" in capsys.readouterr().err
    assert not [line for line in one.lines() if line[:1] in (b"O", b"t", b"T")]


def test_slcan_unplugged_meanwhile(log: Path, capsys: pytest.CaptureFixture[str], monkeypatch, adapter) -> None:
    one = adapter()
    send, left = Route.send, iter(range(5))

    def unplugged(route: Route, message: can.Message) -> None:
        if next(left, None) is None:
            raise can.CanOperationError("Could not write to serial device") from OSError(5, "Input/output error")
        send(route, message)

    monkeypatch.setattr(Route, "send", unplugged)
    assert slcan(log, one) == 1
    out = capsys.readouterr()
    assert "the bus is gone: Could not write to serial device; look at its adapter and repeat" in out.err
    assert "sent 5 frames" in out.out


def test_no_such_device(log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--interface", "slcan", "--channel", str(tmp_path / "none"), "--bench"]
    assert run(["can", "play", str(log), *arguments]) == 1
    assert "cannot be opened: " in capsys.readouterr().err


def test_the_page_tells_every_option_and_format() -> None:
    page = (Path(__file__).parents[2] / "docs" / "can-logs.md").read_text(encoding="utf-8")
    options = {option for each in get_command(can_command.app).commands["play"].params for option in each.opts}
    assert "--bench" in options
    for text in [*(option for option in options if option.startswith("--")), *SUFFIXES]:
        assert f"`{text}" in page, text
