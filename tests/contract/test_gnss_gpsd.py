"""A receiver behind gpsd: a gpsd that is played for every fault of the connection, and the real one where installed."""

import os
import pty
import queue
import shutil
import socket
import subprocess
import threading
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from asvrig.gnss_feed import sentence
from asvunit.adapters import gnss_gpsd
from asvunit.adapters.gnss_gpsd import GpsdGnss
from asvunit.gnss import gpsd_reports
from asvunit.ports import Fix, Link, LiveInput

TIMEOUT_S = 20
DEVICE = "/dev/played"
VERSION = b'{"class":"VERSION","release":"3.22","rev":"3.22","proto_major":3,"proto_minor":14}\r\n'
ACTIVATED = f'{{"class":"DEVICE","path":"{DEVICE}","activated":"2026-11-21T10:27:17.666Z"}}\r\n'.encode()
CLOSED = f'{{"class":"DEVICE","path":"{DEVICE}","activated":0}}\r\n'.encode()
DEVICES = b'{"class":"DEVICES","devices":[' + ACTIVATED.strip() + b"]}\r\n"
WATCHING = b'{"class":"WATCH","enable":true,"json":true,"nmea":false,"raw":0}\r\n'


def tod_ms(n: int) -> int:
    """Each is 10 s later than the one before: a test that stands still for a while finds nothing stale."""
    return 43_200_000 + 10_000 * n


def report(n: int, device: str = DEVICE) -> bytes:
    second = tod_ms(n) // 1000
    time = f"2026-11-21T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}.000Z"
    return (
        f'{{"class":"TPV","device":"{device}","mode":3,"time":"{time}","lat":48.180848333,"lon":11.565158333,'
        '"altMSL":100.4,"track":90.0,"speed":5.144,"eph":2.5}\r\n'
    ).encode()


class Gpsd:
    """A gpsd that is played: one listening socket, one client at a time."""

    def __init__(self) -> None:
        self._listening: socket.socket | None = None
        self.client: socket.socket | None = None
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]

    def run(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", self.port))
        self._listening.settimeout(TIMEOUT_S)

    def accept(self, greeting: bytes = VERSION) -> None:
        """The next client, who must ask for what is asked of gpsd."""
        assert self._listening is not None
        self.drop()
        self.client = self._listening.accept()[0]
        self.client.settimeout(TIMEOUT_S)
        self.client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.client.sendall(greeting)
        asked = b""
        while not asked.endswith(b"\n"):
            asked += self.client.recv(100) or b"\n"
        assert asked == b'?WATCH={"enable":true,"json":true};\n'

    def write(self, data: bytes, size: int = 65_536) -> None:
        assert self.client is not None
        for start in range(0, len(data), size):
            self.client.sendall(data[start : start + size])

    def drop(self) -> None:
        if self.client is not None:
            self.client.close()
            self.client = None

    def end(self) -> None:
        self.drop()
        if self._listening is not None:
            self._listening.close()
            self._listening = None


class Reader:
    """A `GpsdGnss` and what it delivered."""

    def __init__(self, port: int, device: str = "") -> None:
        self.gnss = GpsdGnss("127.0.0.1", port, device)
        self._queue: queue.Queue[Any] = queue.Queue()

    def start(self) -> None:
        self.gnss.start(self._queue.put)

    def link(self) -> Link:
        """The next link; fixes before it are passed over."""
        while True:
            record = self._queue.get(timeout=TIMEOUT_S)
            if isinstance(record, Link):
                return record

    def fix(self) -> Fix:
        """The next fix, with no link before it."""
        record = self._queue.get(timeout=TIMEOUT_S)
        assert isinstance(record, Fix), record
        return record

    def valid_fix(self) -> Fix:
        while not (fix := self.fix()).valid:
            pass
        return fix

    def rest(self) -> list[Any]:
        records = []
        while not self._queue.empty():
            records.append(self._queue.get())
        return records


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    assert gnss_gpsd._RETRY_NS == 500_000_000  # live: seen within half a second
    monkeypatch.setattr(gnss_gpsd, "_RETRY_NS", 50_000_000)


@pytest.fixture
def gpsd() -> Iterator[Gpsd]:
    gpsd = Gpsd()
    gpsd.run()
    yield gpsd
    gpsd.end()


@pytest.fixture
def reader(gpsd: Gpsd) -> Iterator[Reader]:
    reader = Reader(gpsd.port)
    yield reader
    reader.gnss.stop()


def connect(reader: Reader, gpsd: Gpsd, n: int = 0) -> None:
    gpsd.accept()
    gpsd.write(DEVICES + WATCHING + report(n))
    link = reader.link()
    assert (link.up, link.reason, link.port) == (True, "connected", "gnss"), link
    assert "3.22" in link.detail
    assert reader.fix().tod_ms == tod_ms(n)


def attempts_of(reader: Reader) -> "queue.Queue[None]":
    """An item for each attempt to connect."""
    attempts: queue.Queue[None] = queue.Queue()
    connected = reader.gnss._connect
    reader.gnss._connect = lambda wake: (attempts.put(None), connected(wake))[1]  # type: ignore[method-assign]
    return attempts


def wait_for(condition: Callable[[], object]) -> None:
    """As with a queue, but for what nothing is told of."""
    pause = threading.Event()
    for _ in range(TIMEOUT_S * 100):
        if condition():
            return
        pause.wait(0.01)
    pytest.fail("waited in vain")


def test_it_is_a_live_input_that_starts_and_stops_twice(reader: Reader, gpsd: Gpsd) -> None:
    assert isinstance(reader.gnss, LiveInput)
    reader.gnss.stop()  # before the start
    for _ in range(2):
        reader.gnss.check()
        reader.start()
        connect(reader, gpsd)
        (thread,) = (one for one in threading.enumerate() if one.name == "gnss")
        assert thread.daemon
        reader.gnss.stop()
        assert not thread.is_alive()
        assert gpsd.client is not None
        assert gpsd.client.recv(10) == b""  # it let go of the connection
        reader.gnss.stop()


def test_stop_while_gpsd_is_not_there(gpsd: Gpsd) -> None:
    gpsd.end()
    reader = Reader(gpsd.port)
    reader.gnss.check()
    assert not reader.gnss.answers()
    reader.start()
    link = reader.link()
    assert (link.up, link.reason) == (False, "absent")
    assert f"127.0.0.1:{gpsd.port}" in link.detail
    assert "start it" in link.detail
    reader.gnss.stop()
    assert reader.rest() == []


@pytest.mark.parametrize("size", [1, 7, 64, 4096])
def test_fixes_come_whatever_the_pieces(reader: Reader, gpsd: Gpsd, size: int) -> None:
    reader.start()
    connect(reader, gpsd)
    last_ns = 0
    for n in range(1, 10):
        gpsd.write(report(n), size)
        fix = reader.fix()
        assert (fix.valid, fix.tod_ms, fix.latitude_cas, fix.longitude_cas) == (True, tod_ms(n), 17345105, 4163457)
        assert (fix.speed_ckmh, fix.course_cdeg, fix.error_dm, fix.height_m) == (1852, 9000, 25, 100)
        assert fix.time_ns > last_ns
        last_ns = fix.time_ns
    assert not reader.gnss.counters
    assert reader.rest() == []


def test_gpsd_restarted(reader: Reader, gpsd: Gpsd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpsd_reports, "SILENT_MS", 0)
    attempts = attempts_of(reader)
    reader.start()
    connect(reader, gpsd)
    for n in range(1, 3):
        gpsd.end()
        link = reader.link()
        assert (link.up, link.reason) == (False, "unplugged")
        assert "has closed the connection" in link.detail
        while not attempts.empty():
            attempts.get()
        for _ in range(2):
            attempts.get(timeout=TIMEOUT_S)
        assert reader.rest() == []  # that nobody answers goes without saying
        assert reader.gnss.hint == ""  # without gpsd nothing more is to be said
        gpsd.run()
        connect(reader, gpsd, n)


def test_a_far_gpsd_that_vanishes_is_found_out(reader: Reader, gpsd: Gpsd) -> None:
    """Without a word from it only the kernel can tell: it is asked to."""
    wake = os.eventfd(0)
    line = reader.gnss._connect(wake)
    os.close(wake)
    assert line is not None
    with line:
        assert line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        names = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        assert [line.getsockopt(socket.IPPROTO_TCP, name) for name in names] == [1, 1, 3]
        assert not line.getblocking()


def test_absent_is_told_once_and_gpsd_is_taken_when_it_comes(reader: Reader, gpsd: Gpsd) -> None:
    gpsd.end()
    attempts = attempts_of(reader)
    reader.start()
    assert reader.link().reason == "absent"
    for _ in range(3):
        attempts.get(timeout=TIMEOUT_S)
    assert reader.rest() == []
    gpsd.run()
    connect(reader, gpsd)


def test_the_receiver_is_unplugged_while_gpsd_stays(reader: Reader, gpsd: Gpsd) -> None:
    reader.start()
    connect(reader, gpsd)
    gpsd.write(CLOSED)
    link = reader.link()
    assert (link.up, link.reason) == (False, "unplugged")
    assert "plug it in again" in link.detail
    for count in (1, 2):  # with the second taken, what the first made told is told
        gpsd.write(WATCHING + b"junk\n")
        wait_for(lambda count=count: reader.gnss.counters["garbage"] == count)
    assert reader.rest() == []  # that gpsd speaks is no receiver
    gpsd.write(ACTIVATED)
    assert reader.link().up
    gpsd.write(report(1) + CLOSED + report(2, "/dev/other"))
    assert reader.fix().tod_ms == tod_ms(1)
    assert [reader.link().up, reader.link().up] == [False, True]  # another one takes its place
    assert reader.fix().tod_ms == tod_ms(2)


def test_the_receiver_wanted_and_no_other(gpsd: Gpsd) -> None:
    reader = Reader(gpsd.port, "/dev/wanted")
    reader.start()
    try:
        gpsd.accept()
        gpsd.write(DEVICES + report(0) + CLOSED + report(1, "/dev/wanted"))
        assert DEVICE not in (link := reader.link()).detail
        assert (link.up, "/dev/wanted" in link.detail) == (True, True)
        assert reader.fix().tod_ms == tod_ms(1)
        assert reader.gnss.counters == {"other_device": 1}
    finally:
        reader.gnss.stop()


@pytest.mark.parametrize(
    ("device", "told", "words"),
    [
        ("", b'{"class":"DEVICES","devices":[]}\r\n', "connected but has no receiver: gpsd -n /dev/..."),
        ("/dev/wanted", b'{"class":"DEVICES","devices":[]}\r\n', "gpsdctl add /dev/wanted"),
        ("/dev/wanted", DEVICES, f"does not have gnss.device /dev/wanted, but {DEVICE}"),
        ("", DEVICES, "hears nothing of its receiver"),
        (DEVICE, b'{"class":"ERROR","message":"Broken"}\r\n' + DEVICES, "(gpsd says: Broken)"),
    ],
)
def test_hints(gpsd: Gpsd, monkeypatch: pytest.MonkeyPatch, device: str, told: bytes, words: str) -> None:
    reader = Reader(gpsd.port, device)
    reader.start()
    try:
        gpsd.accept()
        gpsd.write(told)
        assert reader.link().up
        wait_for(lambda: device == "" or told != DEVICES or reader.gnss._reports.others)
        now_ns = gnss_gpsd.monotonic_ns
        monkeypatch.setattr(gnss_gpsd, "monotonic_ns", lambda: now_ns() + 4_000_000_000)
        wait_for(lambda: words in reader.gnss.hint)
        assert "\n" not in reader.gnss.hint
        gpsd.write(report(0, device or DEVICE))
        wait_for(lambda: not reader.gnss.hint)
    finally:
        reader.gnss.stop()


def test_what_speaks_but_is_no_gpsd(reader: Reader, gpsd: Gpsd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gnss_gpsd, "_GREETING_NS", 50_000_000)
    reader.start()
    gpsd.accept(b"SSH-2.0-OpenSSH_9.2p1\r\n")
    link = reader.link()
    assert (link.up, link.reason) == (False, "cannot_open")
    assert "not as gpsd does" in link.detail
    monkeypatch.setattr(gnss_gpsd, "_GREETING_NS", TIMEOUT_S * 1_000_000_000)
    gpsd.accept()  # one more may have been greeted with the short patience
    gpsd.write(report(0))
    link = reader.link()
    assert link.up


def test_a_protocol_that_is_too_old(reader: Reader, gpsd: Gpsd) -> None:
    reader.start()
    gpsd.accept(VERSION.replace(b'"proto_major":3', b'"proto_major":2'))
    link = reader.link()
    assert (link.up, link.reason) == (False, "cannot_open")
    assert "protocol 2" in link.detail
    connect(reader, gpsd)


def test_junk_then_recovery(reader: Reader, gpsd: Gpsd) -> None:
    reader.start()
    connect(reader, gpsd)
    gpsd.write(bytes(range(256)) * 1000 + b"\n" + b"[" * 50_000 + b"\n" + report(1))
    assert reader.fix().tod_ms == tod_ms(1)
    assert reader.gnss.counters["garbage"] >= 2
    assert reader.rest() == []


@pytest.mark.parametrize(
    ("error", "reason", "words"),
    [
        (socket.gaierror(-2, "Name or service not known"), "absent", "no host of that name"),
        (OSError(113, "No route to host"), "absent", "see to the network"),
        (OSError(110, "Connection timed out"), "absent", "see to the network"),
        (OSError(1, "Operation\nnot permitted"), "cannot_open", "correct gnss.gpsd"),
    ],
)
def test_what_else_goes_wrong_is_one_line(
    reader: Reader, gpsd: Gpsd, monkeypatch: pytest.MonkeyPatch, error: OSError, reason: str, words: str
) -> None:
    def fail(_wake: int) -> None:
        raise error

    monkeypatch.setattr(reader.gnss, "_connect", fail)
    reader.start()
    link = reader.link()
    assert (link.up, link.reason) == (False, reason)
    assert words in link.detail
    assert "\n" not in link.detail
    monkeypatch.undo()
    connect(reader, gpsd)


# The real one

needs_gpsd = pytest.mark.skipif(shutil.which("gpsd", path=os.environ["PATH"] + ":/usr/sbin") is None, reason="no gpsd")


class RealGpsd:
    """gpsd itself, unprivileged, on a receiver that is a pty."""

    def __init__(self, folder: Path) -> None:
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.device = os.ttyname(self._slave)
        os.chmod(self.device, 0o666)  # started as root, gpsd goes on as another user
        self.control = folder / "control"
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, *devices: str) -> None:
        command = shutil.which("gpsd", path=os.environ["PATH"] + ":/usr/sbin")
        assert command
        arguments = ["-N", "-n", "-b", "-S", str(self.port), "-F", str(self.control), *devices]
        self._process = subprocess.Popen([command, *arguments], stderr=subprocess.DEVNULL)

    def write(self, n: int) -> None:
        """An epoch; gpsd takes the next one as the end of it."""
        time = f"12{n // 6:02d}{n % 6}0.00"
        place = "4810.8509,N,01133.9095,E"
        os.write(
            self._master,
            sentence(f"GNRMC,{time},A,{place},10.0,90.0,010426,,,A")
            + sentence(f"GNGGA,{time},{place},1,08,1.0,100.0,M,46.3,M,,")
            + sentence(f"GNGST,{time},1.5,1.2,1.0,0,0.3,0.4,0.9"),
        )

    def end(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(TIMEOUT_S)
            self._process = None

    def close(self) -> None:
        self.end()
        os.close(self._master)
        os.close(self._slave)


@pytest.fixture
def real(tmp_path: Path) -> Iterator[RealGpsd]:
    real = RealGpsd(tmp_path)
    yield real
    real.close()


@pytest.fixture
def of_real(real: RealGpsd) -> Iterator[Reader]:
    reader = Reader(real.port, real.device)
    yield reader
    reader.gnss.stop()


def epochs_until(reader: Reader, real: RealGpsd, n: int, done: Callable[[Any], bool]) -> tuple[Any, int]:
    """Writes epochs until a record is as wished."""
    for _ in range(TIMEOUT_S * 4):
        real.write(n)
        n += 1
        try:
            while True:
                record = reader._queue.get(timeout=0.25)
                if done(record):
                    return record, n
        except queue.Empty:
            pass
    pytest.fail("gpsd told nothing of it")


def is_good(record: Any) -> bool:
    """Whole: while gpsd learns the burst, it tells a fix with the first of its sentences already."""
    return isinstance(record, Fix) and record.valid and None not in (record.speed_ckmh, record.height_m)


@pytest.mark.long
@needs_gpsd
def test_the_real_gpsd_restarts(real: RealGpsd, of_real: Reader) -> None:
    of_real.start()
    assert of_real.link().reason == "absent"
    n = 0
    for _ in range(2):
        real.run(real.device)
        assert of_real.link().up
        fix, n = epochs_until(of_real, real, n, is_good)
        assert (fix.latitude_cas, fix.longitude_cas) == (17345105, 4163457)
        assert (fix.speed_ckmh, fix.course_cdeg, fix.height_m) == (1852, 9000, 100)
        assert fix.tod_ms in [tod_ms(k) for k in range(n)]
        assert fix.error_dm is not None
        real.end()
        assert of_real.link().reason == "unplugged"


@needs_gpsd
def test_the_real_gpsd_gets_its_receiver_late_and_loses_it(real: RealGpsd, of_real: Reader) -> None:
    real.run()
    of_real.start()
    while not (link := of_real.link()).up:
        assert link.reason == "absent"

    def control(text: str) -> bytes:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(TIMEOUT_S)
            line.connect(str(real.control))
            line.sendall(text.encode() + b"\r\n")
            return line.recv(100)

    assert b"OK" in control("+" + real.device)
    _fix, n = epochs_until(of_real, real, 0, is_good)
    assert b"OK" in control("-" + real.device)
    link = of_real.link()
    assert (link.up, link.reason) == (False, "unplugged")
    assert b"OK" in control("+" + real.device)
    link, n = epochs_until(of_real, real, n, lambda record: isinstance(record, Link))
    assert link.up
    epochs_until(of_real, real, n, is_good)
