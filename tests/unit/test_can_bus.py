"""The parts of the live CAN input without a bus: times, what adapters are opened with, the serial port of slcan."""

from collections import Counter
from typing import Any

import can
import pytest
from can.interfaces.slcan import slcanBus
from hypothesis import given
from hypothesis import strategies as st

from asvunit.adapters.can_bus import received_s
from asvunit.can_interfaces import arguments
from asvunit.slcan_port import LINE_BYTES, SlcanPort


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


@pytest.mark.parametrize(
    ("interface", "expected"),
    [
        ("slcan", {"listen_only": True, "sleep_after_open": 0, "timeout": 0.05}),
        ("vector", {"listen_only": True}),
        ("cantact", {"monitor": True}),
        ("seeedstudio", {"operation_mode": "silent"}),
        ("pcan", {"state": can.BusState.PASSIVE}),
        ("kvaser", {"driver_mode": False}),
        ("udp_multicast", {"hop_limit": 0}),
        ("socketcan", {}),
        ("virtual", {}),
    ],
)
def test_listen_only(interface: str, expected: dict[str, Any]) -> None:
    assert arguments(interface, 500_000, True, {}) == {"bitrate": 500_000} | expected
    active = arguments(interface, None, False, {})
    assert not active.keys() & {"listen_only", "monitor", "operation_mode", "state", "driver_mode", "bitrate"}


def test_options_override_defaults() -> None:
    assert arguments("udp_multicast", None, True, {"hop_limit": 1, "port": 43000}) == {"hop_limit": 1, "port": 43000}


class Port:
    """A serial port on which the chunks come one after the other, each after a time of silence."""

    def __init__(self, chunks: list[bytes]) -> None:
        self.chunks = [each for chunk in chunks for each in (b"", chunk)]
        self.write_timeout: float | None = None
        self.baudrate = 115200

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


def slcan(chunks: list[bytes], counters: Counter[str]) -> slcanBus:
    bus: Any = slcanBus.__new__(slcanBus)
    slcanBus.__init__(bus, "loop://", sleep_after_open=0)
    bus.serialPortOrig.close()
    bus.serialPortOrig = SlcanPort(Port(chunks), [(0x1AB, False), (0x18FEF1AB, True)], counters)
    return bus


def heard(bus: slcanBus) -> list[tuple[int, bytes]]:
    frames = []
    while bus.serialPortOrig.chunks or bus.serialPortOrig.in_waiting:
        message, _ = bus._recv_internal(0)
        if message is not None:
            frames.append((message.arbitration_id, bytes(message.data)))
    return frames


@pytest.fixture(autouse=True)
def no_thread_needed(monkeypatch) -> None:
    monkeypatch.setattr(slcanBus, "shutdown", lambda self: setattr(self, "_is_shutdown", True))


STREAM = (
    b"\r\a\rt1AB21122\rt1AC21122\rT18FEF1AB3112233\rT18FEF1AC3112233\rt1ab1FF\rd1AB100\rr1AB2\rV1013\rZ\rt1AB1EEF00D\r"
)
FRAMES = [
    (0x1AB, b"\x11\x22"), (0x18FEF1AB, b"\x11\x22\x33"), (0x1AB, b"\xff"), (0x1AB, b"\0"), (0x1AB, b""),
    (0x1AB, b"\xee"),
]  # fmt: skip


@given(st.lists(st.integers(1, 40), max_size=30))
def test_slcan_lines_however_they_are_cut(sizes: list[int]) -> None:
    rest, chunks = STREAM, []
    for size in sizes:
        chunks.append(rest[:size])
        rest = rest[size:]
    counters: Counter[str] = Counter()
    assert heard(slcan([*chunks, rest], counters)) == FRAMES
    assert counters == {"garbage": 2}  # V and Z


@given(st.lists(st.binary(max_size=600), max_size=10))
def test_slcan_noise_never_breaks_the_reading(chunks: list[bytes]) -> None:
    bus = slcan([*chunks, b"\rt1AB21122\r"], Counter())
    frames: list[tuple[int, bytes]] = []
    while bus.serialPortOrig.chunks or bus.serialPortOrig.in_waiting:
        try:
            frames += heard(bus)
        except (ValueError, IndexError):  # a broken line, and nothing but it
            continue
    assert frames[-1:] == [(0x1AB, b"\x11\x22")]
    assert not bus._buffer


def test_slcan_line_without_end_is_dropped_and_counted() -> None:
    counters: Counter[str] = Counter()
    bus = slcan([b"8" * (LINE_BYTES // 2)] * 9 + [b"\rt1AB21122\r"], counters)
    assert heard(bus) == [(0x1AB, b"\x11\x22")]
    assert counters == {"garbage": 3}
    assert not bus._buffer


def test_slcan_flush_drops_the_line_begun_as_well() -> None:
    bus = slcan([b"t1AB21122\rt1AB2"], Counter())
    for _ in range(2):
        bus._recv_internal(0)
    bus.serialPortOrig.chunks += [b"", b"t1AB1EE\r"]
    bus.serialPortOrig.chunks[:0] = [b"t1AB1AA\r", b"t1AB1BB\r"]  # one in the kernel, one behind it
    bus.flush()
    assert heard(bus) == [(0x1AB, b"\xee")]


def test_slcan_port_is_the_port_else() -> None:
    port = Port([])
    wrapped = SlcanPort(port, [], Counter())
    assert wrapped.baudrate == 115200
    assert port.write_timeout is not None
