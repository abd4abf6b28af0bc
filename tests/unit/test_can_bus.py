"""The parts of the live CAN input without a bus: times, what adapters are opened with, slcan's lines, a bus's state."""

import contextlib
import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import can
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asvunit.adapters import can_bus
from asvunit.adapters.can_bus import received_s
from asvunit.canbus import reader as can_reader
from asvunit.canbus import slcan_port
from asvunit.canbus import state as can_state
from asvunit.canbus.faults import CanFaults
from asvunit.canbus.interfaces import Adapter, arguments, check_arguments, filter_frames
from asvunit.canbus.multicast import filter_datagrams
from asvunit.canbus.reader import BusReader
from asvunit.canbus.slcan_port import LINE_BYTES, SlcanReader
from asvunit.canbus.state import SILENCE_S, BusWatch, controller_state, error_state
from asvunit.errors import UsageError

WANTED = [(0x1AB, False), (0x18FEF1AB, True)]


@pytest.mark.parametrize(
    ("stamp_s", "expected_s"),
    [
        (1_768_446_000.0, 5000.0),
        (1_768_445_999.75, 4999.75),
        (1_768_445_000.0, 4999.0),  # the clock was set forward after the receipt
        (1_768_449_600.0, 5000.0),  # and back
        (0.0, 4999.0),
    ],
)
def test_received_s(stamp_s: float, expected_s: float) -> None:
    assert received_s(stamp_s, 5000.0, 1_768_446_000.0) == expected_s


# What adapters are opened with


@pytest.mark.parametrize(
    ("interface", "expected"),
    [
        ("slcan", {"listen_only": True, "sleep_after_open": 0, "timeout": 0.05}),
        ("vector", {"listen_only": True}),
        ("cantact", {"monitor": True}),
        ("seeedstudio", {"operation_mode": "silent"}),
        ("pcan", {"state": can.BusState.PASSIVE}),
        ("kvaser", {"driver_mode": False}),
        ("udp_multicast", {"hop_limit": 0, "fd": False}),
        ("socketcan", {}),
        ("virtual", {}),
    ],
)
def test_listen_only(interface: str, expected: dict[str, Any]) -> None:
    assert arguments(Adapter(interface, "x", bitrate=500_000)) == {"bitrate": 500_000} | expected
    active = arguments(Adapter(interface, "x", listen_only=False))
    assert not active.keys() & {"listen_only", "monitor", "operation_mode", "state", "driver_mode", "bitrate"}


def test_options_override_defaults() -> None:
    made = arguments(Adapter("udp_multicast", "x", options={"hop_limit": 1, "port": 43000}))
    assert made == {"hop_limit": 1, "port": 43000, "fd": False}


@pytest.mark.parametrize(
    ("interface", "expected"),
    [
        ("socketcan", {"fd": True}),  # its rates are the system's
        ("kvaser", {"fd": True, "data_bitrate": 2_000_000}),
        ("vector", {"fd": True, "data_bitrate": 2_000_000}),
        ("nixnet", {"fd": True, "fd_bitrate": 2_000_000}),
        ("udp_multicast", {"fd": True, "hop_limit": 0}),
        ("virtual", {"protocol": can.CanProtocol.CAN_FD}),
    ],
)
def test_can_fd(interface: str, expected: dict[str, Any]) -> None:
    adapter = Adapter(interface, "x", bitrate=500_000, fd=True, data_bitrate=2_000_000, listen_only=False)
    check_arguments(adapter)
    assert arguments(adapter) == {"bitrate": 500_000} | expected


@pytest.mark.parametrize("interface", ["slcan", "pcan"])
def test_can_fd_by_a_timing(interface: str) -> None:
    made = arguments(Adapter(interface, "x", bitrate=500_000, fd=True, data_bitrate=2_000_000))
    assert (made["timing"].nom_bitrate, made["timing"].data_bitrate) == (500_000, 2_000_000)
    assert "timing" not in arguments(Adapter(interface, "x", bitrate=500_000, fd=True))


@pytest.mark.parametrize(
    ("adapter", "told"),
    [
        (Adapter("seeedstudio", "x", fd=True), "can.fd: seeedstudio has no CAN FD; those that have: etas, ixxat, kvas"),
        (Adapter("slcan", "x", data_bitrate=2_000_000), "can.data_bitrate: it is of CAN FD; give fd = true too"),
        (Adapter("slcan", "x", fd=True, data_bitrate=1), "can.data_bitrate: slcan has no 1; it has 2000000, 5000000"),
        (Adapter("slcan", "x", fd=True, data_bitrate=2_000_000), "can.bitrate: missing; slcan needs it with data_bit"),
        (Adapter("pcan", "x", bitrate=500_000, fd=True, data_bitrate=7_654_321), "can.data_bitrate: no bit timing has"),
        (Adapter("slcan", "x", options={"fd": True}), "can.options.fd: give it as can.fd"),
        (Adapter("slcn", "x", key="can.bus.body"), "can.bus.body.interface: python-can has no 'slcn'; did you mean"),
        (Adapter("slcan", "x", bitrate=1, key="can.bus.body"), "can.bus.body.bitrate: slcan has no 1; it has 10000"),
    ],
)
def test_what_an_adapter_cannot(adapter: Adapter, told: str) -> None:
    with pytest.raises(UsageError) as refused:
        check_arguments(adapter)
    assert str(refused.value).startswith(told)


class Filtering(can.BusABC):
    """A driver that filters, as far as it can."""

    def __init__(self, able: bool) -> None:
        self._is_filtered, self.able, self.given = False, able, []
        super().__init__("x")

    def _apply_filters(self, filters: Any) -> None:
        self.given.append(filters)
        self._is_filtered = self.able

    def send(self, msg: can.Message, timeout: float | None = None) -> None:
        raise AssertionError("sent")


def test_filters_of_the_driver_or_none() -> None:
    bus = Filtering(able=True)
    assert filter_frames(bus, WANTED)
    assert bus.given[1:] == [
        [
            {"can_id": 0x1AB, "can_mask": 0x7FF, "extended": False},
            {"can_id": 0x18FEF1AB, "can_mask": 0x1FFFFFFF, "extended": True},
        ]
    ]
    unable = Filtering(able=False)
    assert not filter_frames(unable, WANTED)
    assert unable.given[-1] is None  # or python-can would filter in Python, and the error frames out
    many = Filtering(able=True)
    assert not filter_frames(many, [(number, False) for number in range(513)])
    assert many.given == [None]
    for each in (bus, unable, many):
        each.shutdown()


def test_a_kernel_without_socket_filters() -> None:
    class Socket:
        def setsockopt(self, *_: Any) -> None:
            raise OSError(92, "Protocol not available")

    assert not filter_datagrams(Socket(), WANTED)


# slcan


class Port:
    """A serial port without a file, on which the chunks come one after the other, each after a time of silence."""

    def __init__(self, chunks: list[bytes]) -> None:
        self.chunks = [each for chunk in chunks for each in (b"", chunk)]
        self.write_timeout: float | None = None
        self.timeout: float | None = None

    @property
    def in_waiting(self) -> int:
        return len(self.chunks[0]) if self.chunks else 0

    def read(self, size: int) -> bytes:
        if not self.chunks:
            return b""
        chunk = self.chunks.pop(0)
        if len(chunk) > size:
            self.chunks.insert(0, chunk[size:])
        return chunk[:size]

    def reset_input_buffer(self) -> None:
        del self.chunks[:1]


class FilePort:
    """A serial port with a file."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def fileno(self) -> int:
        return self._descriptor

    def reset_input_buffer(self) -> None:
        pass


def heard(chunks: list[bytes], counters: Counter[str]) -> list[can.Message]:
    port = Port(chunks)
    reader = SlcanReader(port, WANTED, counters)
    frames = []
    while port.chunks:
        frames += reader.receive(0)
    return frames


def plain(frames: list[can.Message]) -> list[tuple[int, bytes]]:
    return [(one.arbitration_id, bytes(one.data)) for one in frames]


STREAM = (
    b"\r\a\rt1AB21122\rt1AC21122\r\nT18FEF1AB3112233\r\nT18FEF1AC3112233\rt1ab1FF\rd1AB100\rr1AB2\rV1013\rZ\r"
    b"t1AB1EEF00D\rx18fef1ab0\r"
)
FRAMES = [
    (0x1AB, b"\x11\x22"), (0x18FEF1AB, b"\x11\x22\x33"), (0x1AB, b"\xff"), (0x1AB, b"\0"), (0x1AB, b""),
    (0x1AB, b"\xee"), (0x18FEF1AB, b""),
]  # fmt: skip


@given(st.lists(st.integers(1, 40), max_size=30))
def test_slcan_lines_however_they_are_cut(sizes: list[int]) -> None:
    rest, chunks = STREAM, []
    for size in sizes:
        chunks.append(rest[:size])
        rest = rest[size:]
    counters: Counter[str] = Counter()
    assert plain(heard([*chunks, rest], counters)) == FRAMES
    assert counters == {"garbage": 2}  # V and Z


def test_slcan_frames_are_as_the_line_says() -> None:
    counters: Counter[str] = Counter()
    lines = b"t1AB0\rr1AB8\rR18FEF1AB0\rd1AB9" + b"11" * 12 + b"\rB18FEF1ABF" + b"22" * 64 + b"01234567\r"
    classic, remote, other, data, fast = heard([lines], counters)
    assert [one.is_remote_frame for one in (classic, remote, other, data, fast)] == [False, True, True, False, False]
    assert [(one.is_fd, one.bitrate_switch) for one in (classic, data, fast)] == [
        (False,) * 2,
        (True, False),
        (True,) * 2,
    ]
    assert [(one.is_extended_id, one.dlc) for one in (remote, other, data, fast)] == [
        (False, 8), (True, 0), (False, 12), (True, 64),
    ]  # fmt: skip
    assert (bytes(data.data), bytes(fast.data)) == (b"\x11" * 12, b"\x22" * 64)
    assert not counters


@pytest.mark.parametrize(
    "line",
    [
        b"t1AB", b"t1ABg", b"t1AB2112", b"t1AB2112G", b"t1AB2 112", b"t1AB211223", b"t1AB21122t1AB0",
        b"t1AB9" + b"11" * 12,
        b"d1ABG", b"d1AB91122", b"T18FEF1AB", b"T18FEF1AB111F", b"r1AB21122334", b"d1ABF" + b"11" * 63,
    ],
)  # fmt: skip
def test_slcan_broken_lines_of_wanted_frames_are_garbage(line: bytes) -> None:
    counters: Counter[str] = Counter()
    assert plain(heard([line + b"\rt1AB1EE\r"], counters)) == [(0x1AB, b"\xee")]
    assert counters == {"garbage": 1}


@given(st.lists(st.binary(max_size=600), max_size=10))
def test_slcan_noise_never_breaks_the_reading(chunks: list[bytes]) -> None:
    assert plain(heard([*chunks, b"\rt1AB21122\r"], Counter()))[-1:] == [(0x1AB, b"\x11\x22")]


def test_slcan_line_without_end_is_dropped_and_counted() -> None:
    counters: Counter[str] = Counter()
    assert plain(heard([b"8" * (LINE_BYTES // 2)] * 9 + [b"\rt1AB21122\r"], counters)) == [(0x1AB, b"\x11\x22")]
    assert counters == {"garbage": 3}


def test_slcan_frames_of_others_count_as_frames_of_the_bus() -> None:
    reader = SlcanReader(Port([b"t1AC0\rgarbage\rT00000001211"]), WANTED, Counter())
    for _ in range(2):
        assert reader.receive(0) == []
    assert reader.frames == 1


@pytest.mark.parametrize("noise", [b"t\xff1\r", b"tick\rT\0\0\0\r", b"t1AB\r", b"t8AB0\r", b"T2FEF1AB0\r", b"t1AC1A\r"])
def test_slcan_noise_with_first_letters_of_frames_is_no_bus_that_lives(noise: bytes) -> None:
    counters: Counter[str] = Counter()
    reader = SlcanReader(Port([noise]), WANTED, counters)
    for _ in range(2):
        assert reader.receive(0) == []
    assert reader.frames == 0
    assert counters == {"garbage": noise.count(b"\r")}


def test_slcan_flush_drops_the_line_begun_as_well() -> None:
    port = Port([b"t1AB21122\rt1AB2"])
    reader = SlcanReader(port, WANTED, Counter())
    for _ in range(2):
        reader.receive(0)
    port.chunks = [b"t1AB1AA\r", b"t1AB1BB\r"]  # one in the kernel, one behind it
    reader.flush()
    port.chunks = [b"1122\rt1AB1EE\r"]
    assert plain(reader.receive(0)) == [(0x1AB, b"\xee")]


@pytest.fixture
def file_port() -> Iterator[tuple[int, int]]:
    inner, outer = os.pipe()
    yield inner, outer
    os.close(inner)
    with contextlib.suppress(OSError):  # closed by the test
        os.close(outer)


def test_slcan_port_that_is_a_file(file_port: tuple[int, int]) -> None:
    inner, outer = file_port
    port = FilePort(inner)
    reader = SlcanReader(port, WANTED, Counter())
    assert port.write_timeout is not None
    assert reader.receive(0) == []
    os.write(outer, b"t1AB21122\r" * 50)
    assert len(reader.receive(1)) == 50
    os.write(outer, b"t1AB21122\r" * 50)
    reader.flush()
    assert reader.receive(0) == []
    os.close(outer)
    with pytest.raises(OSError, match="the serial device is gone"):
        reader.receive(0)


def test_slcan_reads_several_frames_at_once_on_a_full_bus(file_port: tuple[int, int], monkeypatch) -> None:
    inner, outer = file_port
    slept = []
    reader = SlcanReader(FilePort(inner), WANTED, Counter())
    monkeypatch.setattr(slcan_port, "monotonic", lambda: clock[0])
    monkeypatch.setattr(slcan_port, "sleep", lambda seconds: slept.append(seconds) or os.write(outer, b"t1AB0\r"))
    clock = [1000.0]
    os.write(outer, b"t1AB0\r")
    assert len(reader.receive(0.05)) == 1
    os.write(outer, b"t1AB0\r")
    assert len(reader.receive(0.05)) == 2  # one more while it waited
    clock[0] += 0.1
    os.write(outer, b"t1AB0\r")
    assert len(reader.receive(0.05)) == 1
    assert slept == [0.002]


# Any interface


class Scripted(Filtering):
    """Frames and failures one after the other."""

    def __init__(self, script: list[Any]) -> None:
        super().__init__(able=True)
        self.script, self.timeouts = script, []

    def recv(self, timeout: float | None = None) -> can.Message | None:
        self.timeouts.append(timeout)
        step = self.script.pop(0) if self.script else None
        if isinstance(step, Exception):
            raise step
        return step


def of(number: int, **kind: bool) -> can.Message:
    return can.Message(arbitration_id=number, is_extended_id=False, **kind)


def test_bus_reader_takes_several_frames_of_a_full_bus_at_once(monkeypatch) -> None:
    now_s = [1000.0]
    monkeypatch.setattr(can_reader, "monotonic", lambda: now_s[0])
    wanted, other, error = of(0x1AB), of(0x1AC), of(0x40, is_error_frame=True)
    remote = of(0x1AC, is_remote_frame=True)
    bus = Scripted([wanted, other, wanted, error, remote, None, other])
    reader = BusReader(bus, WANTED)
    assert reader.receive(0.05) == [wanted]
    assert reader.receive(0.05) == [wanted, error, remote]
    assert reader.frames == 4
    now_s[0] += 0.01
    assert reader.receive(0.05) == []
    assert bus.timeouts == [0.05, 0.05, 0, 0, 0, 0, 0.05]
    bus.script = [wanted] * 1000
    assert len(reader.receive(0.05)) == 256  # and then what has to be told is told
    reader.flush()
    assert reader.receive(0) == []
    bus.shutdown()


def test_bus_reader_keeps_the_frames_before_a_failure(monkeypatch) -> None:
    monkeypatch.setattr(can_reader, "monotonic", lambda: 1000.0)
    wanted = of(0x1AB)
    bus = Scripted([wanted, wanted, ValueError("once"), wanted])
    reader = BusReader(bus, WANTED)
    assert reader.receive(0) == [wanted]
    assert reader.receive(0) == [wanted]
    with pytest.raises(ValueError, match="once"):
        reader.receive(0)
    assert reader.receive(0) == [wanted]
    bus.shutdown()


# The state of a bus


@pytest.mark.parametrize(
    ("classes", "code", "said"),
    [
        (0x040, 0, "bus_off"),
        (0x044, 0x20, "bus_off"),
        (0x100, 0, "active"),
        (0x004, 0x10, "error_passive"),
        (0x204, 0x20, "error_passive"),
        (0x004, 0x40, "active"),
        (0x004, 0x01, ""),  # a frame lost in the controller
        (0x004, 0x0C, ""),  # a warning
        (0x088, 0x30, ""),  # one error on the bus
    ],
)
def test_error_frames(classes: int, code: int, said: str) -> None:
    frame = can.Message(
        arbitration_id=classes, is_error_frame=True, is_extended_id=False, data=bytes([0, code] + [0] * 6)
    )
    assert error_state(frame) == said
    assert error_state(can.Message(arbitration_id=0x4, is_error_frame=True, data=b"")) == ""


def test_controller_of_socketcan_off_the_bus_by_its_carrier(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(can_state, "NETWORK", tmp_path)
    bus = Filtering(able=True)
    assert controller_state(bus, "socketcan", "can0") == ""  # gone: the reading tells
    (tmp_path / "can0").mkdir()
    for text, state in (("0\n", "bus_off"), ("1\n", "")):
        (tmp_path / "can0" / "carrier").write_text(text)
        assert controller_state(bus, "socketcan", "can0") == state
    bus.shutdown()


def test_controller_by_the_drivers_word(monkeypatch) -> None:
    bus = Filtering(able=True)
    told: list[Any] = [can.BusState.ERROR, can.BusState.PASSIVE, can.BusState.ACTIVE, None, RuntimeError("gone")]

    def state(_bus: can.BusABC) -> Any:
        word = told.pop(0)
        if isinstance(word, Exception):
            raise word
        return word

    monkeypatch.setattr(Filtering, "state", property(state))
    assert [controller_state(bus, "ixxat", "0") for _ in range(5)] == ["bus_off", "", "", "", ""]
    bus.shutdown()


def test_silence_counts_from_the_last_frame() -> None:
    watch = BusWatch()
    watch.quiet("", 100)
    assert (watch.state, watch.ever_heard) == ("", False)  # never heard: the core's word, not the link's
    watch.heard(100)
    watch.quiet("", 100 + SILENCE_S - 0.01)
    assert (watch.state, watch.ever_heard) == ("", True)
    watch.quiet("", 100 + SILENCE_S)
    assert watch.state == "silent_bus"
    watch.heard(101)
    assert watch.state == ""
    watch.excuse(110)
    watch.quiet("", 110.1)
    assert watch.state == ""


def test_bus_off_until_restart_or_frame() -> None:
    watch = BusWatch()
    watch.heard(100)
    watch.error("bus_off", 100)
    watch.quiet("", 101)
    assert watch.state == "bus_off"
    watch.error("active", 102)
    assert watch.state == ""
    watch.quiet("bus_off", 103)
    assert watch.state == "bus_off"
    watch.quiet("", 104)
    assert watch.state == "silent_bus"  # it is back, but nothing has come since
    watch.error("bus_off", 105)
    watch.heard(106)
    assert watch.state == ""


def test_error_passive_only_while_nothing_comes() -> None:
    watch = BusWatch()
    watch.error("error_passive", 100)
    watch.heard(100.2)
    watch.quiet("", 100.4)
    assert watch.state == ""
    watch.quiet("", 100.6)
    assert watch.state == "error_passive"
    watch.error("error_passive", 100.65)
    watch.error("active", 100.7)
    assert watch.state == ""
    watch.error("error_passive", 200)  # before any frame: the wrong bit rate
    watch.quiet("", 200.4)
    assert watch.state == "error_passive"
    watch.error("", 201)
    assert watch.state == "error_passive"
    watch.heard(202)
    assert watch.state == ""


def test_silence_is_seen_within_500_ms() -> None:
    assert SILENCE_S + 2 * can_bus._RECEIVE_S <= 0.5
    assert can_bus._FAILING_S + 2 * can_bus._RECEIVE_S <= 0.5


def test_a_missing_driver_is_told_with_its_mend() -> None:
    faults = CanFaults(Adapter("pcan", "PCAN_USBBUS1"), None)
    reason, detail = faults.explain(OSError("PCANBasic library not found"))
    assert reason == "cannot_open"
    assert detail.endswith("library not found; install its maker's driver, or use it as socketcan")
    assert faults.explain(OSError("bad handle"))[1].endswith("look at can.interface, can.channel and can.options")
