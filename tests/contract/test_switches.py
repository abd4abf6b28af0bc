"""What the switches' adapters owe: each press and each release once, with its time, whatever the contacts do.

The same body runs on gpiozero's real pins above a stand-in for lgpio, with the kernel's edges and without, and on
the FIFO of mock pins.
"""

import json
import os
import queue
import stat
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asvunit.adapters.gpio import open_gpio
from asvunit.adapters.gpio.fifo import FifoSwitches
from asvunit.adapters.gpio.switches import SETTLED_NS, Contact, GpioSwitches, monotonic_of
from asvunit.errors import UsageError
from asvunit.pins import load_pins
from asvunit.ports import SWITCHES, Link, LiveInput, Switch
from outputtools import FakeLgpio, lgpio_stand_in

PINS = load_pins(None)
NUMBERS = [getattr(PINS.switches, name) for name in SWITCHES]
MUTE, REQUEST = range(2)
WAIT_S = 5.0
MS = 1_000_000


@dataclass
class Bench:
    """Switches, the hand on them, and what comes out."""

    switches: GpioSwitches | FifoSwitches
    press: Callable[[int, int], None]
    close: Callable[[], None]
    out: "queue.SimpleQueue[Any]" = field(default_factory=queue.SimpleQueue)

    def start(self) -> None:
        self.switches.start(self.out.put)

    def next(self) -> Any:
        return self.out.get(timeout=WAIT_S)


def until(condition: Callable[[], bool]) -> None:
    end_s = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end_s, "it did not come"
        threading.Event().wait(0.002)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLgpio]:
    with lgpio_stand_in(monkeypatch) as made:
        yield made


def real_bench(fake: FakeLgpio) -> Bench:
    gpio = open_gpio(PINS, "lgpio")
    assert isinstance(gpio.switches, GpioSwitches)

    def press(switch: int, value: int) -> None:
        fake.change(NUMBERS[switch], bool(value), time.monotonic_ns())

    return Bench(gpio.switches, press, gpio.close)


def fifo_bench(path: Path) -> Bench:
    gpio = open_gpio(PINS, "mock", None, path)
    assert isinstance(gpio.switches, FifoSwitches)
    return Bench(gpio.switches, lambda switch, value: write(path, told(switch, value)), gpio.close)


def told(switch: int, value: int) -> bytes:
    return json.dumps({"switch": SWITCHES[switch], "value": value}).encode() + b"\n"


def write(path: Path, data: bytes) -> None:
    with path.open("wb", buffering=0) as writer:
        writer.write(data)


@pytest.fixture(params=["edges", "no_edges", "fifo"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    if request.param == "fifo":
        made = fifo_bench(tmp_path / "switches")
    else:
        fake = request.getfixturevalue("fake")
        fake.no_edges = request.param == "no_edges"
        made = real_bench(fake)
    yield made
    made.close()


def running(bench: Bench) -> None:
    """Until its first look at the pins is over, from which on a press is one."""
    bench.start()
    if isinstance(bench.switches, GpioSwitches):
        first = threading.Event()
        look = bench.switches._look
        bench.switches._look = lambda *given: (look(*given), first.set())  # type: ignore[method-assign]
        assert first.wait(WAIT_S)


def test_it_is_a_live_input_named_switches(bench: Bench) -> None:
    assert isinstance(bench.switches, LiveInput)
    assert bench.switches.name == "switches"
    bench.switches.check()


def test_presses_and_releases_come_in_order_with_their_times(bench: Bench) -> None:
    running(bench)
    for switch, value in ((MUTE, 1), (MUTE, 0), (REQUEST, 1), (REQUEST, 0), (MUTE, 1)):
        before_ns = time.monotonic_ns()
        bench.press(switch, value)
        record = bench.next()
        assert isinstance(record, Switch)
        assert (record.switch, record.value) == (switch, value)
        assert before_ns <= record.time_ns <= time.monotonic_ns()
    assert bench.out.empty()


def test_both_at_once_are_two(bench: Bench) -> None:
    running(bench)
    bench.press(MUTE, 1)
    bench.press(REQUEST, 1)
    assert {(each.switch, each.value) for each in (bench.next(), bench.next())} == {(MUTE, 1), (REQUEST, 1)}


def test_it_stops_and_starts_again_in_one_thread(bench: Bench) -> None:
    before = threading.active_count()
    running(bench)
    assert threading.active_count() == before + 1
    bench.switches.stop()
    bench.switches.stop()
    assert threading.active_count() == before
    running(bench)
    bench.press(REQUEST, 1)
    assert bench.next().switch == REQUEST
    bench.close()
    bench.close()
    assert threading.active_count() == before


# Real pins


def test_an_edge_has_the_kernels_stamp(fake: FakeLgpio) -> None:
    bench = real_bench(fake)
    running(bench)
    stamp_ns = time.monotonic_ns() - 3 * MS
    fake.change(NUMBERS[MUTE], True, stamp_ns)
    assert abs(bench.next().time_ns - stamp_ns) < 1000  # gpiozero hands it on as seconds
    bench.close()
    assert fake.at_rest()


def test_a_switch_that_is_held_at_the_start_is_no_press(fake: FakeLgpio) -> None:
    fake.low = {NUMBERS[MUTE]}
    bench = real_bench(fake)
    running(bench)
    assert bench.switches.counters["held_at_start"] == 1
    bench.press(MUTE, 0)
    bench.press(REQUEST, 1)
    assert bench.next().switch == REQUEST
    bench.press(REQUEST, 0)
    assert bench.next().switch == REQUEST  # by now the release of the other has settled, and was told to nobody
    bench.press(MUTE, 1)
    record = bench.next()
    assert (record.switch, record.value) == (MUTE, 1)
    bench.close()


def test_a_chip_without_edges_is_counted(fake: FakeLgpio) -> None:
    fake.no_edges = True
    bench = real_bench(fake)
    bench.start()
    assert bench.switches.counters["no_edges"] == 2
    bench.close()


def test_edges_that_are_lost_are_made_good_by_the_level(fake: FakeLgpio) -> None:
    bench = real_bench(fake)
    running(bench)
    fake.low.add(NUMBERS[MUTE])  # pressed, and no edge
    assert bench.next().value == 1
    fake.low.discard(NUMBERS[MUTE])
    assert bench.next().value == 0
    bench.close()


def test_a_rattling_contact_wakes_once_and_is_one_press(fake: FakeLgpio, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = real_bench(fake)
    running(bench)
    woken: list[int] = []
    first_ns = time.monotonic_ns()
    with monkeypatch.context() as patch:
        patch.setattr("asvunit.adapters.gpio.switches.SETTLED_NS", 300 * MS)  # though this machine may be busy
        patch.setattr("os.eventfd_write", lambda number, _value: woken.append(number))
        for turn in range(1001):
            fake.change(NUMBERS[MUTE], turn % 2 == 0, time.monotonic_ns())
        record = bench.next()
    assert (record.switch, record.value) == (MUTE, 1)
    assert first_ns <= record.time_ns
    assert bench.out.empty()
    assert len(woken) == 1  # and not even that was needed: the level is looked at all the same
    assert len(bench.switches._edges) <= 256
    bench.close()


def test_a_pin_that_cannot_be_read_is_told_and_recovers(fake: FakeLgpio) -> None:
    bench = real_bench(fake)
    running(bench)
    fake.unreadable = {NUMBERS[REQUEST]}
    link = bench.next()
    assert isinstance(link, Link)
    assert (link.port, link.up, link.reason) == ("hmi.switches", False, "failing")
    assert f"switch request (pin {NUMBERS[REQUEST]})" in link.detail
    bench.press(MUTE, 1)  # the other goes on
    assert bench.next().switch == MUTE
    fake.unreadable = set()
    link = bench.next()
    assert (link.port, link.up) == ("hmi.switches", True)
    bench.press(REQUEST, 1)
    assert bench.next().switch == REQUEST
    bench.close()


@pytest.mark.parametrize(
    ("stamp_ns", "expected"),
    [
        (1_000_000_000, 1_000_000_000),
        (1_700_000_001_000_000_000, 1_000_000_000),  # Unix time, as before Linux 5.7
        (0, 2_000_000_000),  # neither clock
        (2_000_000_001, 2_000_000_000),  # of the future
        (1_600_000_000_000_000_000, 2_000_000_000),
    ],
)
def test_a_stamp_is_brought_to_the_monotonic_clock(stamp_ns: int, expected: int) -> None:
    now_ns, unix_ns = 2_000_000_000, 1_700_000_002_000_000_000
    late_ns = 0 if stamp_ns else 9_000_000_000
    assert monotonic_of(stamp_ns, now_ns + late_ns, unix_ns + late_ns) == expected + late_ns


# Contacts, without a clock

LEVELS = st.lists(st.tuples(st.integers(1, 60 * MS), st.integers(0, 1)), max_size=30)


def held_long(edges: list[tuple[int, int]]) -> list[int]:
    """The plain definition: the levels that last 20 ms, each as long as no other comes, without repetitions."""
    runs = [(level, next(group)[0]) for level, group in groupby(edges, key=lambda edge: edge[1])]
    ends = [time_ns for _level, time_ns in runs[1:]] + [edges[-1][0] + SETTLED_NS]
    lasting = [level for (level, time_ns), end_ns in zip(runs, ends, strict=True) if end_ns - time_ns >= SETTLED_NS]
    return [level for level, _group in groupby([edges[0][1], *lasting])][1:]


@given(held=st.integers(0, 1), steps=LEVELS)
def test_what_comes_out_is_what_held(held: int, steps: list[tuple[int, int]]) -> None:
    counters: Counter[str] = Counter()
    contact = Contact(MUTE, held, 0, counters)
    edges = [(0, held)]
    for after_ns, level in steps:
        edges.append((edges[-1][0] + after_ns, level))
    came = []
    for (time_ns, level), end_ns in zip(edges, [*(time_ns for time_ns, _level in edges[1:]), 1 << 62], strict=True):
        contact.see(level, time_ns)
        while (due_ns := contact.due_ns) is not None and due_ns <= end_ns:
            record = contact.settled(due_ns)
            if record is not None:
                came.append(record)
    expected = held_long(edges)
    assert [record.value for record in came] == expected[held:]  # the first release of what was held is none
    assert counters["held_at_start"] == held
    assert [record.time_ns for record in came] == sorted(record.time_ns for record in came)


def test_a_spark_on_the_wire_is_counted_and_no_press() -> None:
    counters: Counter[str] = Counter()
    contact = Contact(MUTE, 0, 0, counters)
    contact.see(1, 10 * MS)
    contact.see(0, 11 * MS)
    assert contact.settled(30 * MS) is None
    assert contact.due_ns == 31 * MS
    assert contact.settled(31 * MS) is None
    assert contact.due_ns is None
    assert counters["spike"] == 1


def test_a_bouncing_press_has_the_time_of_its_first_edge() -> None:
    contact = Contact(REQUEST, 0, 0, Counter())
    for time_ms, level in ((100, 1), (101, 0), (103, 1), (104, 0), (105, 1)):
        contact.see(level, time_ms * MS)
    assert contact.settled(124 * MS) is None
    assert contact.settled(125 * MS) == Switch(100 * MS, REQUEST, 1)
    assert contact.settled(200 * MS) is None


def test_a_look_that_was_faster_than_the_edge_does_not_make_it_later() -> None:
    contact = Contact(MUTE, 0, 0, Counter())
    contact.see(1, 50 * MS)  # a look
    contact.see(1, 48 * MS)  # the edge's word on it
    assert contact.settled(70 * MS) == Switch(48 * MS, MUTE, 1)


def test_a_stuck_switch_is_counted_once_a_press() -> None:
    counters: Counter[str] = Counter()
    contact = Contact(MUTE, 0, 0, counters)
    contact.see(1, 0)
    assert contact.settled(20 * MS) == Switch(0, MUTE, 1)
    for second in (29, 30, 31, 3600):
        assert contact.settled(second * 1000 * MS) is None
        assert counters["stuck"] == (second >= 30)
    contact.see(0, 3601 * 1000 * MS)
    assert contact.settled(3602 * 1000 * MS) == Switch(3601 * 1000 * MS, MUTE, 0)


# The FIFO


def test_the_fifo_is_the_users_alone_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "switches"
    FifoSwitches(path).close()
    assert stat.S_ISFIFO(path.stat().st_mode)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    FifoSwitches(path).close()  # one that is there will do


@pytest.mark.parametrize("kind", ["file", "folder", "absent"])
def test_what_is_no_fifo_is_refused(tmp_path: Path, kind: str) -> None:
    path = {"file": tmp_path / "file", "folder": tmp_path, "absent": tmp_path / "absent" / "fifo"}[kind]
    if kind == "file":
        path.touch()
    with pytest.raises(UsageError) as refused:
        open_gpio(PINS, "mock", None, path)
    assert str(refused.value).startswith(f"hmi.switches: {path}: ")
    assert "\n" not in str(refused.value)


def test_garbage_is_counted_and_the_rest_heard(tmp_path: Path) -> None:
    bench = fifo_bench(tmp_path / "switches")
    bench.start()
    garbage: dict[bytes, str | None] = {
        b"mute": "bad_json",
        b"[1]": "bad_json",
        b"\xff\xfe\x00": "bad_json",
        b"[" * 200: "bad_json",
        b'{"switch": "mute", "value": NaN}': "bad_value",
        b'{"switch": "horn", "value": 1}': "bad_switch",
        b'{"switch": ["mute"], "value": 1}': "bad_switch",
        b'{"value": 1}': "bad_switch",
        b'{"switch": "mute"}': "bad_value",
        b'{"switch": "mute", "value": true}': "bad_value",
        b'{"switch": "mute", "value": 2}': "bad_value",
        b'{"switch": "mute", "value": 1.0}': "bad_value",
        b'{"switch": "mute", "value": "1"}': "bad_value",
        b'{"switch": "mute", "value": 1, "x": "' + b"x" * 300 + b'"}': "too_long",
        b"": None,
        b"   ": None,
    }
    expected: dict[str, int] = {}
    for number, (line, reason) in enumerate(garbage.items(), 1):
        write(bench.switches._path, line + b"\n" + told(REQUEST, number % 2))
        assert bench.next().value == number % 2
        if reason:
            expected[reason] = expected.get(reason, 0) + 1
    assert +bench.switches.counters == expected
    bench.close()


def test_a_line_without_end_takes_no_memory(tmp_path: Path) -> None:
    bench = fifo_bench(tmp_path / "switches")
    bench.start()
    with (tmp_path / "switches").open("wb", buffering=0) as writer:
        for _ in range(64):
            writer.write(b"x" * 4096)
        assert len(bench.switches._rest) <= 4096 + 300  # a pipe holds 64 KiB of them at most: the rest was taken
        writer.write(b"\n" + told(MUTE, 1))
    assert bench.next() == Switch(bench_time(), MUTE, 1)
    assert len(bench.switches._rest) < 300
    assert bench.switches.counters["too_long"] == 1
    bench.close()


class bench_time(int):
    """Equal to any time."""

    def __eq__(self, _other: object) -> bool:
        return True

    __hash__ = int.__hash__


def test_a_flood_is_cut(tmp_path: Path) -> None:
    """A writer that never ends waits in its own write; what is taken is what a hand could press."""
    path = tmp_path / "switches"
    bench = fifo_bench(path)
    bench.start()
    writer = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    with suppress(BlockingIOError):
        while True:
            os.write(writer, told(MUTE, 1) * 100)
    os.close(writer)
    until(lambda: bench.switches.counters["too_many"] > 0)
    assert bench.out.qsize() <= 32 * 3
    bench.close()


def test_writers_come_and_go_and_may_be_many(tmp_path: Path) -> None:
    bench = fifo_bench(tmp_path / "switches")
    bench.start()
    writers = [(tmp_path / "switches").open("wb", buffering=0) for _ in range(5)]
    for number, writer in enumerate(writers):
        writer.write(told(number % 2, 1))
        assert bench.next().switch == number % 2
    for writer in writers:
        writer.close()
    write(tmp_path / "switches", told(MUTE, 1)[:10])  # one that goes in the middle of a line
    write(tmp_path / "switches", b"\n" + told(MUTE, 0))
    assert bench.next().value == 0
    assert +bench.switches.counters == {"bad_json": 1}
    bench.close()


def test_what_was_written_before_the_start_is_not_pressed(tmp_path: Path) -> None:
    bench = fifo_bench(tmp_path / "switches")
    write(tmp_path / "switches", told(MUTE, 1))
    bench.start()
    write(tmp_path / "switches", told(REQUEST, 1))
    assert bench.next().switch == REQUEST
    assert bench.out.empty()
    bench.close()


def test_a_fifo_that_is_taken_away_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asvunit.adapters.gpio.fifo._LOOKED_AFTER_MS", 5)
    path = tmp_path / "switches"
    bench = fifo_bench(path)
    bench.start()
    path.unlink()
    until(lambda: bench.switches.counters["made_anew"] == 1)
    write(path, told(MUTE, 1))
    assert bench.next().switch == MUTE
    path.unlink()
    path.touch()  # nothing that can be read: left alone until it has gone
    path.unlink()
    until(lambda: bench.switches.counters["made_anew"] == 2)
    bench.close()
