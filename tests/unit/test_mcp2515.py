"""The MCP2515's driver against a chip of pretence: opening, filters, both buffers, and every fault it outlives."""

import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from asvboard import mcp2515
from asvboard.mcp2515 import ABSENT, BUS_OFF, OK, OPENING, PASSIVE, STUCK, Mcp2515

from boardtools import machine, mcp2515_chip, power_on
from boardtools import manual_time as board_time

CHIP_SELECT = 17
STANDARD = 0x7FF


class Bench:
    """A controller, its chip, and the clock."""

    def __init__(self, kbit: float = 500, bus_kbit: float = 500, listen_only: bool = True) -> None:
        self.chip = mcp2515_chip.Mcp2515Chip(16_000_000, bus_kbit)
        spi = machine.SPI(0, 10_000_000)
        spi.device = self.chip
        select = machine.Pin(CHIP_SELECT, machine.Pin.OUT, value=1)
        machine.line(CHIP_SELECT).watcher = self.chip.select
        board_time.clock.advance(5)  # since power-on
        self.controller = Mcp2515(spi, select, 16_000_000, kbit, listen_only)

    def run(self, ms: int, each_ms: int = 1) -> int:
        """Polls for a while; the last state."""
        end_ms = board_time.clock.ms + ms
        state: int = self.controller.poll(board_time.clock.ms)
        while board_time.clock.ms < end_ms:
            board_time.clock.advance(each_ms)
            state = self.controller.poll(board_time.clock.ms)
        return state

    def taken(self) -> list[tuple[int, bool, bytes]]:
        out = []
        while self.controller.receive():
            one = self.controller
            assert one.length == len(one.data)
            out.append((one.identifier, one.extended, bytes(one.data)))
        return out


@pytest.fixture
def bench() -> Iterator[Bench]:
    power_on()
    made = Bench()
    assert made.run(5) == OK
    yield made
    assert made.chip.select_errors == 0
    assert made.chip.sent == []  # whatever happened
    assert made.chip.acknowledged == 0


def test_it_opens_in_steps_and_listens_only() -> None:
    power_on()
    bench = Bench()
    assert not bench.controller.open(board_time.clock.ms)
    assert bench.controller.poll(board_time.clock.ms) == OPENING  # its oscillator starts
    assert bench.run(2) == OK
    assert bench.controller.open(board_time.clock.ms)
    assert bench.chip.mode == 3
    assert bench.chip.registers[0x2B] == 0  # no interrupt
    assert bench.chip.kbit == 500
    assert 0.75 <= bench.chip.sample <= 0.875


def test_it_acknowledges_where_asked_to() -> None:
    power_on()
    bench = Bench(listen_only=False)
    assert bench.run(5) == OK
    bench.chip.put(1, b"")
    assert (bench.chip.mode, bench.chip.acknowledged) == (0, 1)
    assert bench.taken() == [(1, False, b"")]


def test_nothing_can_send() -> None:
    source = Path(mcp2515.__file__).read_text() + Path(mcp2515.__file__).with_name("mcp2515_registers.py").read_text()
    for word in ("TXB0", "TXREQ", "RTS", "LOAD_TX", "def send", "def transmit"):
        assert word not in source


@pytest.mark.parametrize("kbit", [33.333, 83.333, 125, 250, 500])
def test_bit_rates(kbit: float) -> None:
    power_on()
    bench = Bench(kbit, bus_kbit=kbit)
    assert bench.run(5) == OK
    assert bench.chip.put(0x123, b"\x01") == "RXB0"


def test_a_rate_out_of_reach_is_told_in_one_line() -> None:
    power_on()
    with pytest.raises(ValueError, match=r"^CAN: 1000000 bit/s cannot be had from an oscillator of 8000000 Hz[^\n]*$"):
        Mcp2515(machine.SPI(0), machine.Pin(1), 8_000_000, 1000)


def test_a_select_without_call_is_used_by_its_value() -> None:
    class Select:
        level = 0

        def value(self, level: int) -> None:
            self.level = level

    power_on()
    select = Select()
    Mcp2515(machine.SPI(0), select, 8_000_000, 500)
    assert select.level == 1


# Frames


def test_frames_of_every_form(bench: Bench) -> None:
    rng = random.Random(1)
    for _ in range(300):
        extended = rng.random() < 0.5
        identifier = rng.getrandbits(29 if extended else 11)
        data = rng.randbytes(rng.randrange(9))
        assert bench.chip.put(identifier, data, extended=extended) == "RXB0"
        assert bench.taken() == [(identifier, extended, data)]
    assert bench.controller.frames == 300


def test_a_length_beyond_eight_has_eight_bytes(bench: Bench) -> None:
    bench.chip.put(5, b"12345678", dlc=15)
    assert bench.taken() == [(5, False, b"12345678")]


def test_remote_frames_are_counted_and_dropped(bench: Bench) -> None:
    bench.chip.put(5, remote=True, dlc=3)
    bench.chip.put(5, b"x")
    assert bench.taken() == [(5, False, b"x")]
    bench.chip.put(6, remote=True, extended=True, dlc=3)
    assert bench.taken() == []
    assert bench.controller.remote_frames == 2


def test_order_is_kept_whenever_both_buffers_fill(bench: Bench) -> None:
    rng = random.Random(2)
    sent: list[int] = []
    got: list[int] = []
    interrupted = bench.controller._exchange

    def put() -> None:
        sent.extend([len(sent)] * (bench.chip.put(len(sent) % 2048, b"") != "overflow"))

    def exchange(asked: bytearray, answer: bytearray) -> None:
        if rng.random() < 0.3:
            put()
        interrupted(asked, answer)

    bench.controller._exchange = exchange
    for _ in range(1500):
        for _ in range(rng.randrange(3)):
            put()
        got += [one[0] for one in bench.taken()]
    assert got == [one % 2048 for one in sent][: len(got)]
    assert len(sent) - len(got) <= 2
    assert len(got) > 1000


def test_lost_frames_are_counted(bench: Bench) -> None:
    assert [bench.chip.put(one, b"") for one in (1, 2, 3, 4)] == ["RXB0", "RXB1", "overflow", "overflow"]
    bench.run(60)
    assert bench.controller.overflows == 1  # seen once; the chip does not tell how many
    assert bench.chip.registers[0x2D] == 0
    assert [one[0] for one in bench.taken()] == [1, 2]
    bench.run(60)
    assert bench.controller.overflows == 1


def test_wanted_frames_alone_come() -> None:
    power_on()
    bench = Bench()
    bench.controller.want([(0x100, STANDARD, False), (0x200, STANDARD, False), (0x18FEF1FE, 0x1FFFFFFF, True)])
    assert bench.run(5) == OK
    assert bench.chip.put(0x101, b"") == "filtered"
    assert bench.chip.put(0x18FEF1FE, b"a", extended=True) in {"RXB0", "RXB1"}
    assert bench.chip.put(0x200, b"b") in {"RXB0", "RXB1"}
    assert {one[0] for one in bench.taken()} == {0x200, 0x18FEF1FE}


# Faults


@pytest.mark.parametrize("byte", [0xFF, 0x00])
@pytest.mark.parametrize("listen_only", [True, False])
def test_a_controller_that_vanishes_and_comes_back(byte: int, listen_only: bool) -> None:
    power_on()
    bench = Bench(listen_only=listen_only)
    assert bench.run(5) == OK
    bench.chip.vanish(byte)
    assert bench.taken() == []
    assert bench.run(60) == ABSENT
    assert bench.controller.losses == 1
    assert bench.run(20_000, 10) == ABSENT
    assert bench.taken() == []
    bench.chip.back()
    assert bench.run(3300) == OK
    bench.chip.put(7, b"z")
    assert bench.taken() == [(7, False, b"z")]
    assert (bench.controller.frames, bench.controller.losses) == (1, 1)


def test_no_controller_is_asked_less_and_less() -> None:
    power_on()
    bench = Bench()
    bench.chip.vanish()
    opened = []
    real = bench.controller.open
    bench.controller.open = lambda now_ms: opened.append(now_ms) or real(now_ms)
    assert bench.run(30_000) == ABSENT
    gaps = [after - before for before, after in pairwise(opened)]
    assert gaps[0] < 200
    assert gaps == sorted(gaps)
    assert 3000 < gaps[-1] < 3500


def test_a_brown_out_is_mended_at_once(bench: Bench) -> None:
    bench.chip.brown_out()
    assert bench.chip.put(1, b"") == "not listening"
    assert bench.run(60) == OK
    assert bench.controller.restarts == 1
    bench.chip.put(1, b"")
    assert len(bench.taken()) == 1


def test_a_brown_out_that_leaves_the_mode_is_seen(bench: Bench) -> None:
    bench.chip.registers[0x29] = 0  # a bit timing that is not ours
    assert bench.run(60) == ABSENT
    assert bench.run(400) == OK
    assert bench.chip.kbit == 500


def test_a_wrong_bit_rate_is_told_though_listening_only() -> None:
    power_on()
    bench = Bench(kbit=250, bus_kbit=500)
    assert bench.run(5) == OK
    for _ in range(40):
        bench.chip.put(1, b"")
        state = bench.run(10)
    assert state == PASSIVE
    assert bench.controller.bus_errors > 3
    assert bench.chip.registers[0x1D] == 0  # its counters say nothing
    assert bench.run(400) == OK  # nothing comes: no error


def test_frames_with_a_few_errors_are_no_fault(bench: Bench) -> None:
    for _ in range(60):
        bench.chip.frame_error()
        bench.chip.put(1, b"")
        assert bench.run(20) == OK
        assert len(bench.taken()) == 1
    assert bench.controller.bus_errors > 10


def test_an_error_passive_controller() -> None:
    power_on()
    bench = Bench(listen_only=False)
    bench.run(5)
    bench.chip.frame_error(130)
    assert bench.run(100) == OK  # it may receive yet
    assert bench.run(400) == PASSIVE
    bench.chip.recover()
    assert bench.run(400) == OK


def test_bus_off_and_back() -> None:
    power_on()
    bench = Bench(listen_only=False)
    bench.run(5)
    bench.chip.send_error(40)
    assert bench.run(60) == BUS_OFF
    assert bench.chip.put(1, b"") == "bus-off"
    bench.chip.recover()
    assert bench.run(400) == OK
    assert bench.chip.put(1, b"") == "RXB0"


def test_a_bus_that_is_never_idle() -> None:
    power_on()
    bench = Bench()
    bench.chip.dominant = True
    assert bench.run(200) == OPENING
    assert bench.run(200) == STUCK
    assert bench.run(5000, 10) == STUCK
    bench.chip.dominant = False
    assert bench.run(2) == OK


def test_garbage_instead_of_a_frame_is_none(bench: Bench) -> None:
    exchange = bench.controller._exchange

    def garbled(asked: bytearray, answer: bytearray) -> None:
        if asked[0] == 0x90:
            bench.chip.garble(13)  # all of it
        exchange(asked, answer)

    bench.controller._exchange = garbled
    bench.chip.put(0x7FF, b"12345678")
    assert bench.taken() == []
    assert bench.controller.garbage == 1
    bench.controller._exchange = exchange
    assert bench.run(10) == OK
    bench.chip.put(0x123, b"1")
    assert bench.taken() == [(0x123, False, b"1")]


def test_a_garbled_status_delays_a_frame_and_loses_none(bench: Bench) -> None:
    bench.chip.put(0x123, b"1")
    bench.chip.garble(1)
    assert bench.taken() == []
    assert bench.run(1) == OK
    assert bench.taken() == [(0x123, False, b"1")]


def test_a_status_that_never_fits_leads_to_a_new_start(bench: Bench) -> None:
    bench.chip.registers[0x2C] |= 0x04  # a sending is done, though none was begun
    resets = bench.chip.resets
    for _ in range(20):
        assert bench.taken() == []
        bench.run(10)
    assert bench.run(300) == OK
    assert bench.chip.resets > resets
    bench.chip.put(1, b"")
    assert len(bench.taken()) == 1


def test_any_bytes_at_all_are_outlived(bench: Bench) -> None:
    rng = random.Random(9)
    answer = bench.chip._answer
    bench.chip._answer = lambda byte: rng.getrandbits(8) if rng.random() < 0.2 else answer(byte)
    for _ in range(500):
        bench.chip.put(rng.getrandbits(11), rng.randbytes(8))
        bench.run(rng.randrange(40), 5)
        bench.taken()
    bench.chip._answer = answer
    bench.run(4000)
    bench.taken()
    assert bench.run(100) == OK
    bench.chip.put(0x55, b"ok")
    assert bench.taken() == [(0x55, False, b"ok")]


def test_times_rebased(bench: Bench) -> None:
    board_time.clock.advance(1 << 28)
    bench.run(100)
    offset_ms = 1 << 28
    bench.controller.rebase(offset_ms)
    board_time.clock.start_at(board_time.clock.ms - offset_ms)
    checked_ms = bench.controller._checked_ms
    assert 0 <= board_time.clock.ms - checked_ms < 50
    bench.chip.vanish()
    assert bench.run(100) == ABSENT
    bench.chip.back()
    assert bench.run(400) == OK
