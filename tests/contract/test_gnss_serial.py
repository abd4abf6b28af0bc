"""A receiver on a real terminal line: fixes as they come, and every fault of the line told and outlived."""

import errno
import os
import pty
import queue
import threading
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from serial import SerialException

from asvrig.gnss_feed import sentence
from asvunit.adapters import gnss_serial
from asvunit.adapters.gnss_serial import SerialGnss
from asvunit.errors import UsageError
from asvunit.ports import Fix, Link, LiveInput

TIMEOUT_S = 10


def tod_ms(n: int) -> int:
    """Each burst is 10 s later than the one before: a test that stands still for a while finds nothing stale."""
    return 43_200_000 + 10_000 * n


def burst(n: int) -> bytes:
    time = f"12{n // 6:02d}{n % 6}0.00"
    place = "4810.8509,N,01133.9095,E"
    return sentence(f"GNRMC,{time},A,{place},10.0,90.0,010409,,,A") + sentence(
        f"GNGGA,{time},{place},1,08,1.0,100.0,M,46.3,M,,"
    )


class Receiver:
    """A pseudo terminal behind a path that stays the same from plug to plug."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ends: tuple[int, ...] = ()

    def plug(self) -> None:
        self._ends = pty.openpty()
        tty.setraw(self._ends[1])
        self.path.symlink_to(os.ttyname(self._ends[1]))

    def write(self, data: bytes, size: int = 4096) -> None:
        for start in range(0, len(data), size):
            os.write(self._ends[0], data[start : start + size])

    def unplug(self) -> None:
        self.path.unlink(missing_ok=True)
        for end in self._ends:
            os.close(end)
        self._ends = ()


class Reader:
    """A `SerialGnss` and what it delivered."""

    def __init__(self, path: Path) -> None:
        self.gnss = SerialGnss(str(path))
        self._queue: queue.Queue[Any] = queue.Queue()

    def start(self) -> None:
        self.gnss.start(self._queue.put)

    def link(self) -> Link:
        """The next link; fixes before it are passed over."""
        return self._next(Link)

    def fix(self) -> Fix:
        """The next fix, with no link before it."""
        record = self._queue.get(timeout=TIMEOUT_S)
        assert isinstance(record, Fix), record
        return record

    def rest(self) -> list[Any]:
        records = []
        while not self._queue.empty():
            records.append(self._queue.get())
        return records

    def _next(self, kind: type) -> Any:
        while True:
            record = self._queue.get(timeout=TIMEOUT_S)
            if isinstance(record, kind):
                return record


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    receiver = Receiver(tmp_path / "gnss")
    receiver.plug()
    yield receiver
    receiver.unplug()


@pytest.fixture
def reader(receiver: Receiver) -> Iterator[Reader]:
    reader = Reader(receiver.path)
    yield reader
    reader.gnss.stop()


def connect(reader: Reader, receiver: Receiver) -> None:
    """Up to the first fix: what it needs of a line just opened, silence or the next burst, is given."""
    link = reader.link()
    assert (link.up, link.reason, link.port) == (True, "connected", "gnss"), link
    receiver.write(b"\n" + burst(0))
    assert reader.fix().tod_ms == tod_ms(0)


def attempts_of(reader: Reader) -> "queue.Queue[None]":
    """An item for each attempt to open the line."""
    attempts: queue.Queue[None] = queue.Queue()
    opened = reader.gnss._open
    reader.gnss._open = lambda: (attempts.put(None), opened())[1]  # type: ignore[method-assign]
    return attempts


def wait_for(condition: Callable[[], object]) -> None:
    """As with a queue, but for what nothing is told of."""
    pause = threading.Event()
    for _ in range(TIMEOUT_S * 100):
        if condition():
            return
        pause.wait(0.01)
    pytest.fail("waited in vain")


def test_it_is_a_live_input_that_starts_and_stops_twice(reader: Reader, receiver: Receiver) -> None:
    assert isinstance(reader.gnss, LiveInput)
    reader.gnss.stop()  # before the start
    for _ in range(2):
        reader.gnss.check()
        reader.start()
        connect(reader, receiver)
        (thread,) = (one for one in threading.enumerate() if one.name == "gnss")
        assert thread.daemon
        reader.gnss.stop()
        assert not thread.is_alive()
        reader.gnss.stop()
        reader.gnss.check()  # it let go of the device


def test_stop_while_the_device_is_absent(tmp_path: Path) -> None:
    reader = Reader(tmp_path / "missing")
    reader.gnss.check()
    reader.start()
    link = reader.link()
    assert (link.up, link.reason) == (False, "absent")
    assert str(tmp_path / "missing") in link.detail
    reader.gnss.stop()
    assert reader.rest() == []


@pytest.mark.parametrize("size", [1, 7, 64, 4096])
def test_fixes_come_whatever_the_pieces(reader: Reader, receiver: Receiver, size: int) -> None:
    reader.start()
    connect(reader, receiver)
    last_ns = 0
    for n in range(1, 20):
        receiver.write(burst(n), size)  # learned: no silence is needed, no next burst
        fix = reader.fix()
        assert (fix.valid, fix.tod_ms, fix.latitude_cas, fix.longitude_cas) == (True, tod_ms(n), 17345105, 4163457)
        assert fix.time_ns > last_ns
        last_ns = fix.time_ns
    assert set(reader.gnss.counters) <= {"late_sentence"}  # this test may pause within a burst
    assert reader.rest() == []


def test_what_was_queued_before_is_dropped(reader: Reader, receiver: Receiver) -> None:
    receiver.write(burst(0) + burst(1) + burst(2)[:30])
    reader.start()
    assert reader.link().up
    receiver.write(burst(2)[30:] + burst(3) + burst(4) + burst(5))
    assert reader.fix().tod_ms == tod_ms(2)  # its GGA was whole
    assert reader.fix().tod_ms == tod_ms(3)
    assert not reader.gnss.counters


def test_unplugged_and_plugged_again(reader: Reader, receiver: Receiver) -> None:
    attempts = attempts_of(reader)
    reader.start()
    connect(reader, receiver)
    for _ in range(2):
        receiver.unplug()
        link = reader.link()
        assert (link.up, link.reason) == (False, "unplugged")
        assert str(receiver.path) in link.detail
        while not attempts.empty():
            attempts.get()
        for _ in range(2):
            attempts.get(timeout=TIMEOUT_S)
        assert reader.rest() == []  # that it is absent goes without saying
        receiver.plug()
        connect(reader, receiver)
    assert not reader.gnss.counters


def test_absent_is_told_once_and_the_device_is_taken_when_it_comes(reader: Reader, receiver: Receiver) -> None:
    receiver.unplug()
    attempts = attempts_of(reader)
    reader.start()
    assert reader.link().reason == "absent"
    for _ in range(3):
        attempts.get(timeout=TIMEOUT_S)
    assert reader.rest() == []
    receiver.plug()
    connect(reader, receiver)


def test_the_far_end_closed_but_the_path_still_there(reader: Reader, receiver: Receiver) -> None:
    """As when a program that plays the receiver ends: the line hangs up, and its name does not open."""
    reader.start()
    connect(reader, receiver)
    os.close(receiver._ends[0])
    receiver._ends = receiver._ends[1:]
    assert reader.link().reason == "unplugged"
    receiver.unplug()
    receiver.plug()
    while not (link := reader.link()).up:
        assert link.reason in ("cannot_open", "absent")


def test_garbage_then_recovery(reader: Reader, receiver: Receiver) -> None:
    reader.start()
    connect(reader, receiver)
    receiver.write(bytes(range(256)) * 8 + b"\xff" * 1000 + b"\n")
    receiver.write(burst(1))
    assert reader.fix().tod_ms == tod_ms(1)
    assert reader.gnss.counters["garbage"] >= 2
    assert reader.gnss.hint == ""
    assert reader.rest() == []


def test_summary(reader: Reader, receiver: Receiver) -> None:
    reader.start()
    connect(reader, receiver)
    for n in range(1, 4):
        receiver.write(burst(n))
        reader.fix()
    summary = reader.gnss.summary()
    assert (summary["period_ms"], summary["sentences"], summary["talkers"]) == (10_000, {"GGA": 4, "RMC": 4}, {"GN": 8})
    assert (summary["fix"], summary["quality"], summary["satellites"]) == ("valid", "autonomous", 8)
    assert summary["missing"] == {"error estimate": "GST"}


def test_noise_without_end_then_recovery(reader: Reader, receiver: Receiver) -> None:
    """As fast as it is taken: nothing grows, and the first burst after it is read."""
    reader.start()
    connect(reader, receiver)
    noise = bytes(range(256)) * 16
    for _ in range(250):
        receiver.write(noise)
    receiver.write(b"\n" + burst(1))
    assert reader.fix().tod_ms == tod_ms(1)
    assert reader.gnss.counters["garbage"] > 1000
    assert len(reader.gnss._live._cutter._rest) <= 256
    assert reader.rest() == []


def test_stopped_amid_noise(reader: Reader, receiver: Receiver) -> None:
    reader.start()
    connect(reader, receiver)
    (thread,) = (one for one in threading.enumerate() if one.name == "gnss")
    done = threading.Event()

    def writing() -> None:
        os.set_blocking(receiver._ends[0], False)
        while not done.is_set():
            try:
                os.write(receiver._ends[0], b"\xff$" * 2048)
            except BlockingIOError:
                done.wait(0.001)

    writer = threading.Thread(target=writing)
    writer.start()
    try:
        wait_for(lambda: reader.gnss.summary()["bytes"] > 200_000)
        reader.gnss.stop()
        assert not thread.is_alive()
    finally:
        done.set()
        writer.join()


def test_bytes_without_sentences_give_a_hint(
    reader: Reader, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader.start()
    connect(reader, receiver)
    late_ns = 0
    now_ns = gnss_serial.monotonic_ns
    monkeypatch.setattr(gnss_serial, "monotonic_ns", lambda: now_ns() + late_ns)
    receiver.write(b"\xff\x00")
    wait_for(lambda: reader.gnss._live._no_sentence_since_ns is not None)
    assert reader.gnss.hint == ""
    late_ns = 3_000_000_000
    receiver.write(b"\xff\x00\n")
    wait_for(lambda: reader.gnss.hint)
    assert "baud = 9600" in reader.gnss.hint
    receiver.write(burst(1))
    wait_for(lambda: not reader.gnss.hint)
    receiver.write(b"\xff\x00\n")
    wait_for(lambda: reader.gnss._live._no_sentence_since_ns is not None)
    late_ns = 6_000_000_000
    receiver.write(b"\xff\x00\n")
    wait_for(lambda: reader.gnss.hint)
    receiver.unplug()
    assert reader.link().reason == "unplugged"
    assert reader.gnss.hint == ""


@pytest.mark.parametrize(
    ("data", "hint"),
    [(bytes.fromhex("b5620a0400000e34"), "binary frames arrive"), (b"$GPRMC,120000,V\r\n", "without checksum")],
)
def test_the_hint_says_what_comes_instead(
    reader: Reader, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, data: bytes, hint: str
) -> None:
    reader.start()
    connect(reader, receiver)
    late_ns = 0
    now_ns = gnss_serial.monotonic_ns
    monkeypatch.setattr(gnss_serial, "monotonic_ns", lambda: now_ns() + late_ns)
    receiver.write(data)
    wait_for(lambda: reader.gnss._live._no_sentence_since_ns is not None)
    late_ns = 3_000_000_000
    receiver.write(data)
    wait_for(lambda: reader.gnss.hint)
    assert hint in reader.gnss.hint
    assert str(receiver.path) in reader.gnss.hint


def test_a_second_unit_is_told_that_the_device_is_in_use(reader: Reader, receiver: Receiver) -> None:
    reader.start()
    connect(reader, receiver)
    second = Reader(receiver.path)
    with pytest.raises(UsageError, match="another program has it open"):
        second.gnss.check()
    second.start()
    try:
        link = second.link()
        assert (link.up, link.reason) == (False, "in_use")
        receiver.write(burst(1))
        assert reader.fix().tod_ms == tod_ms(1)  # nothing of it was taken away
        reader.gnss.stop()
        assert second.link().up
    finally:
        second.gnss.stop()


@pytest.mark.parametrize("kind", ["file", "folder", "null"])
def test_what_is_no_serial_line_is_refused(tmp_path: Path, kind: str) -> None:
    path = Path("/dev/null") if kind == "null" else tmp_path / kind
    if kind == "file":
        path.write_bytes(burst(0))
    elif kind == "folder":
        path.mkdir()
    with pytest.raises(UsageError, match=r"no serial line") as refused:
        SerialGnss(str(path)).check()
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)
    reader = Reader(path)
    reader.start()
    link = reader.link()
    reader.gnss.stop()
    assert (link.up, link.reason) == (False, "cannot_open")
    if kind == "file":
        assert path.read_bytes() == burst(0)


def refusing(number: int) -> Callable[..., Any]:
    def opener(*_args: Any, **_options: Any) -> Any:
        raise SerialException(number, f"could not open port: {os.strerror(number)}")

    return opener


@pytest.mark.parametrize(
    ("gid", "mode", "advice"),
    [
        (20, 0o660, "sudo usermod -aG dialout $USER, then log in again"),
        (54321, 0o660, "sudo usermod -aG 54321 $USER, then log in again"),
        (20, 0o620, "turn a console on it off"),
        (0, 0o660, "turn a console on it off"),
    ],
)
def test_no_permission_names_the_mend(
    reader: Reader, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, gid: int, mode: int, advice: str
) -> None:
    stat, found = os.stat, os.stat(receiver.path)
    status = os.stat_result((found.st_mode & ~0o777 | mode, *found[1:5], gid, *found[6:]))
    monkeypatch.setattr(os, "stat", lambda path, **more: status if path == str(receiver.path) else stat(path, **more))
    groups = {20: "dialout"}
    monkeypatch.setattr("grp.getgrgid", lambda gid: type("Group", (), {"gr_name": groups[gid]}))
    monkeypatch.setattr(gnss_serial, "Serial", refusing(errno.EACCES))
    with pytest.raises(UsageError) as refused:
        reader.gnss.check()
    assert advice in str(refused.value)
    reader.start()
    link = reader.link()
    assert (link.up, link.reason) == (False, "no_permission")
    assert advice in link.detail
    monkeypatch.undo()  # the mend
    connect(reader, receiver)


@pytest.mark.parametrize("error", [SerialException("Could not configure port: (5, 'x')"), ValueError("no\nbaud")])
def test_what_else_goes_wrong_is_one_line(
    reader: Reader, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def opener(*_args: Any, **_options: Any) -> Any:
        raise error

    monkeypatch.setattr(gnss_serial, "Serial", opener)
    reader.start()
    link = reader.link()
    assert (link.up, link.reason) == (False, "cannot_open")
    assert "\n" not in link.detail
    monkeypatch.undo()
    connect(reader, receiver)
