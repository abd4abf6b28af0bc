"""Playing CAN frames in their own time: on a clock that is moved by hand, with sleeps that take too long."""

import errno
import itertools
import os
import random
import statistics
from collections.abc import Callable, Iterator

import can
import pytest

from asvrig.bench_bus import drain, listen
from asvrig.can_player import CanPlayer, Route, Timeline, part
from asvunit.errors import AsvkitError

pytestmark = pytest.mark.fuller

MS = 1_000_000


def frames(*times_s: float, start_s: float = 1_768_446_000.0, **options) -> Iterator[can.Message]:
    for number, time_s in enumerate(times_s):
        yield can.Message(timestamp=start_s + time_s, arbitration_id=number % 0x800, is_extended_id=False, **options)


class Clock:
    """Time passes while somebody sleeps, and a little with each look at it."""

    def __init__(self, oversleep: Callable[[], int] = lambda: 0, step_ns: int = 0) -> None:
        self.now_ns = 5_000_000_000
        self.oversleep = oversleep
        self.step_ns = step_ns

    def ns(self) -> int:
        self.now_ns += self.step_ns
        return self.now_ns

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now_ns += max(round(seconds * 1e9) + self.oversleep(), 1000)


class Bus:
    """Notes what is sent and when; `fails`: errors of the next sendings."""

    def __init__(self, clock: Clock) -> None:
        self.sent: list[tuple[int, int]] = []
        self.fails: list[Exception] = []
        self._clock = clock

    def send(self, message: can.Message) -> None:
        if self.fails:
            raise self.fails.pop(0)
        self.sent.append((self._clock.now_ns, message.arbitration_id))

    def times_ms(self) -> list[float]:
        return [(at_ns - self.sent[0][0]) / MS for at_ns, _number in self.sent]


def player(clock: Clock, bus: Bus, **options) -> CanPlayer:
    return CanPlayer(bus.send, clock_ns=clock.ns, sleep=clock.sleep, **options)


def test_minutes_of_2000_frames_a_second_do_not_drift() -> None:
    rng = random.Random(5)

    def oversleep() -> int:  # 50 us to 0.3 ms; one in 5,000 stalls for up to 80 ms, as a collection of garbage does
        return rng.randrange(5 * MS, 80 * MS) if rng.random() < 0.0002 else rng.randrange(50_000, 300_000)

    clock = Clock(oversleep, step_ns=300)
    bus = Bus(clock)
    count = (600 if os.environ.get("ASVKIT_ALL") else 60) * 2000  # ASVKIT_ALL=1 (make gate): ten minutes
    times = [number / 2000 for number in range(count)]
    # Not evenly: frames come in bunches on a real bus
    for index in range(0, count - 4, 4):
        times[index + 1] = times[index] + 0.00011
    one = player(clock, bus)
    begin_ns = clock.now_ns
    reused = can.Message(is_extended_id=False)  # to make a million would take longer than to play them

    def log() -> Iterator[can.Message]:
        for number, time_s in enumerate(times):
            reused.timestamp, reused.arbitration_id = 1_768_446_000.0 + time_s, number % 0x800
            yield reused

    one.play(log())
    assert one.sent == count
    assert one.lost == one.timeline.time_back == 0
    late_ns = [at - begin_ns - round(time * 1e6) * 1000 for (at, _n), time in zip(bus.sent, times, strict=True)]
    assert min(late_ns) >= 0, "a frame was early"
    assert statistics.median(late_ns) < 0.3 * MS
    assert statistics.median(late_ns[-2000:]) < 0.3 * MS, "the last second is as late as all are"
    assert late_ns[-1] < MS, "drift at the end"
    assert max(late_ns) > 20 * MS, "the clock stalled, or nothing was tried"
    assert [number for _at, number in bus.sent] == [number % 0x800 for number in range(count)]
    told = one.lateness.summary()
    assert told["count"] == count
    assert told["p50_us"] == pytest.approx(statistics.median(late_ns) / 1000, rel=0.1)
    assert told["max_us"] == pytest.approx(max(late_ns) / 1000, rel=0.01)


def test_after_a_stall_what_is_overdue_follows_in_order_and_in_groups() -> None:
    stalls = iter([0, 0, 100 * MS])
    clock = Clock(lambda: next(stalls, 0))
    bus = Bus(clock)
    one = player(clock, bus)
    one.play(frames(*(number / 1000 for number in range(300))))
    times = bus.times_ms()
    assert [number for _at, number in bus.sent] == list(range(300))
    assert times[2] == pytest.approx(2, abs=0.01)
    assert times[3] == pytest.approx(103, abs=0.01)
    assert times[250:] == pytest.approx(range(250, 300), abs=0.01), "caught up"
    overdue = [at for at in times if 103 <= at < 104.9]
    assert 16 < len(overdue) < 80, "not all of a hundred at once"


def test_never_early_however_the_clock_rounds() -> None:
    clock = Clock(lambda: -200_000)  # wakes before its time
    bus = Bus(clock)
    player(clock, bus).play(frames(*(number / 100 for number in range(50))))
    assert all(at >= number * 10 for number, at in enumerate(bus.times_ms()))


def test_gaps_speed_and_a_second_round() -> None:
    clock = Clock()
    bus = Bus(clock)
    one = player(clock, bus, speed=2.0)
    for _ in range(3):
        one.play(frames(0, 0.1, 0.4, 0.4))
    of_a_round, round_ms = [0, 50, 200, 200], 200 + 400 / 3 / 2  # an average gap lies between two rounds
    expected = [number * round_ms + each for number in range(3) for each in of_a_round]
    assert bus.times_ms() == pytest.approx(expected, abs=0.01)
    assert one.timeline.time_back == 0


def test_steps_back_of_the_log() -> None:
    timeline = Timeline()
    times_s = [100.0, 100.5, 100.499, 100.6, 20.0, 20.1, 20.05, 20.2]  # the second drive follows at once
    due_ms = [round(timeline.due_ns(round(each * 1e9)) / MS, 3) for each in times_s]
    assert due_ms == [0, 500, 500, 600, 600, 700, 700, 800]
    assert timeline.time_back == 3


def test_a_full_buffer_is_tried_again_then_lost() -> None:
    clock = Clock()
    bus = Bus(clock)
    one = player(clock, bus)
    bus.fails = [can.CanOperationError("no buffer space", errno.ENOBUFS)] * 7
    one.play(frames(0, 0.1))
    assert (one.sent, one.waited, one.lost) == (2, 1, 0)
    assert [number for _at, number in bus.sent] == [0, 1]
    bus.fails = [OSError(errno.ENOBUFS, "No buffer space available")] * 600  # for longer than it waits
    one.play(frames(0, 5))
    assert (one.sent, one.waited, one.lost) == (3, 3, 1)
    assert [number for _at, number in bus.sent][-1] == 1


def test_a_bus_that_takes_nothing_or_is_gone_ends_it_with_a_word() -> None:
    clock = Clock()
    bus = Bus(clock)
    bus.fails = [can.CanOperationError("transmit buffer full")] * 10_000
    with pytest.raises(AsvkitError, match=r"takes no frames: transmit buffer full; .* must acknowledge"):
        player(clock, bus).play(frames(*range(20)))
    bus.fails = [can.CanOperationError("Failed to transmit", errno.ENETDOWN)]
    with pytest.raises(AsvkitError, match=r"the bus is gone: Failed to transmit.*; look at its adapter"):
        player(clock, bus).play(frames(0))
    wrapped = can.CanOperationError("Could not write to serial device")
    wrapped.__cause__ = OSError(errno.EIO, "Input/output error")
    bus.fails = [wrapped]
    with pytest.raises(AsvkitError, match="the bus is gone"):
        player(clock, bus).play(frames(0))


def test_part_of_a_log() -> None:
    chosen = part(frames(0, 1, 2, 3, 4), 1.0, 3.0)
    assert [each.arbitration_id for each in chosen] == [1, 2]
    assert len(list(part(frames(0, 1, 2), 1.0, None))) == 2


def test_the_rest_of_a_long_log_is_not_read() -> None:
    rest = iter(frames(0, 1, 2.5, 1.9, 3.5, 4, 5))
    assert [message.timestamp for message in part(rest, 0.0, 2.0)] == [1_768_446_000.0 + at_s for at_s in (0, 1, 1.9)]
    assert len(list(rest)) == 2


@pytest.fixture
def virtual() -> Iterator[Callable[..., can.BusABC]]:
    made: list[can.BusABC] = []

    def virtual(channel: str, **options) -> can.BusABC:
        made.append(can.Bus(interface="virtual", channel=channel, **options))
        return made[-1]

    yield virtual
    for each in made:
        each.shutdown()


def test_routes_by_channel_and_what_a_bus_cannot_take(virtual) -> None:
    classic, fd = virtual("play-1"), virtual("play-2", protocol=can.CanProtocol.CAN_FD)
    heard = {"can0": virtual("play-1"), "2": virtual("play-2", protocol=can.CanProtocol.CAN_FD)}
    route = Route({"can0": classic, "2": fd})
    log = [
        can.Message(arbitration_id=number, channel=channel, is_fd=is_fd, data=[number])
        for number, (channel, is_fd) in enumerate(itertools.product(("CAN0", 2, "can1", None), (False, True)))
    ]
    for message in log:
        if route.takes(message):
            route.send(message)
    assert heard["can0"].recv(0).arbitration_id == 0
    assert heard["can0"].recv(0) is None
    assert [heard["2"].recv(0).arbitration_id for _ in range(2)] == [2, 3]
    assert heard["2"].recv(0) is None
    assert route.dropped == {"fd_frame": 1, "other_channel": 4}
    every = Route({None: fd})
    assert all(every.takes(message) for message in log)


def test_listening_tells_identifiers_and_rate(virtual) -> None:
    bus, other = virtual("play-3"), virtual("play-3")
    assert not listen(bus, 0.01).told()
    for number in range(9):
        other.send(can.Message(arbitration_id=0x100 + number, is_extended_id=False))
    other.send(can.Message(arbitration_id=0x107, is_extended_id=False))
    told = listen(bus, 0.05).told()
    assert told.startswith("200 frames/s of others (0x107, 0x100, ")
    assert told.endswith("and 3 more)")
    other.send(can.Message(is_error_frame=True))
    assert "1 error frames" in listen(bus, 0.01).told()


class Broken:
    """Says these, one after the other; a line that cannot be read stays until it is flushed, as with slcan."""

    def __init__(self, *says: can.Message | Exception) -> None:
        self.says = list(says)

    def recv(self, timeout: float) -> can.Message | None:
        if not self.says:
            return None
        if isinstance(self.says[0], Exception):
            raise self.says[0]
        return self.says.pop(0)

    def flush(self) -> None:
        if self.says and isinstance(self.says[0], Exception):
            self.says.pop(0)


def test_listening_goes_on_after_a_broken_line_and_tells_it() -> None:
    heard = listen(Broken(ValueError("no hex"), *frames(0), can.CanOperationError("no ASCII")), 0.05)  # type: ignore[arg-type]
    assert heard.errors == 2
    assert sum(heard.frames.values()) == 1


def test_listening_ends_with_one_line_where_the_bus_is_gone() -> None:
    error = can.CanOperationError("Could not read from serial device")
    error.__cause__ = OSError(errno.EIO, "Input/output error")
    with pytest.raises(AsvkitError, match="the bus is gone: Input/output error; look at its adapter"):
        listen(Broken(error), 0.05)  # type: ignore[arg-type]


def test_a_broken_line_does_not_end_the_playing() -> None:
    bus = Broken(*frames(0), ValueError("no hex"), *frames(1))
    assert drain(bus) == [0]  # type: ignore[arg-type]
    assert drain(bus) == [0]  # type: ignore[arg-type]
    assert drain(bus) == []  # type: ignore[arg-type]
