"""The live world in virtual time: what is written when, in which order, and how late."""

import threading
from datetime import UTC, datetime
from types import SimpleNamespace

import pynmea2
import pytest

from asvrig import schedule as schedule_module
from asvrig.can_feed import CanFeed
from asvrig.gnss_feed import bursts
from asvrig.live import world as world_module
from asvrig.live.world import Lateness, World, at_next_second
from asvrig.radio_feed import messages
from asvrig.scenario import Place, Receiver, Scenario, Vehicle
from asvrig.trajectory import Trajectory, degrees
from asvunit.message import decode, values

MS = 1_000_000
S = 1_000_000_000
START = 7_000 * S + 123


class Clock:
    """Virtual time: it passes in waiting, and when a test says so."""

    def __init__(self, now_ns: int = START) -> None:
        self.now_ns = now_ns
        self.waits: list[float] = []
        self.readable: list[int] = []

    def __call__(self) -> int:
        return self.now_ns

    def wait(self, files, timeout_s: float) -> list[int]:
        self.waits.append(timeout_s)
        self.now_ns += round(timeout_s * 1e9)
        ready = [file for file in self.readable if file in files]
        self.readable.clear()
        return ready


class Device:
    """Stands in for receiver, adapter and sender: remembers what came when."""

    source = "127.0.0.1:1"

    def __init__(self, clock: Clock, file: int = -1) -> None:
        self.log: list[tuple] = []
        self.served: list[int] = []
        self._clock = clock
        self._file = file

    def _remember(self, *what) -> None:
        self.log.append((self._clock() - START, *what))

    write = send = _remember

    def fileno(self) -> int:
        return self._file

    def service(self) -> None:
        self.served.append(self._clock() - START)


def vehicle(name: str = "ego", **keys) -> Vehicle:
    return Vehicle(**({"name": name, "ego": name == "ego", "heading_deg": 0, "speed_kmh": 36} | keys))


def scenario(*vehicles: Vehicle, duration_s: float = 2.0) -> Scenario:
    return Scenario(
        scenario=1,
        title="test",
        start=datetime(2026, 4, 1, 23, 59, 59, tzinfo=UTC),
        duration_s=duration_s,
        place=Place(latitude_deg=36.0652, longitude_deg=140.1272),
        vehicle=list(vehicles or [vehicle()]),
    )


def world_of(played: Scenario, clock: Clock, start_ns: int = START) -> World:
    return World(played, start_ns, clock=clock, wait=clock.wait)


def test_everything_is_written_at_its_time_and_as_the_recordings_have_it():
    ego, other = vehicle(), vehicle("other", seed=3, radio={"phase_ms": 40, "delay_ms": 3})
    played, clock = scenario(ego, other), Clock(START - 3 * S)
    receiver, can, radio = Device(clock), Device(clock), Device(clock)
    world = world_of(played, clock)
    world.add_unit(ego, receiver, can)
    world.play(other, radio)
    world.run()
    begin = played.start_ns
    assert receiver.log == [(t - begin, b"".join(lines)) for t, lines in bursts(played, ego)]
    assert can.log == [(t - begin, *frame) for t, *frame in CanFeed(ego).frames(played)]
    assert radio.log == [(t - begin, payload) for t, _mac, payload in messages(played, other, "")]
    assert [t // MS for t, _lines in receiver.log] == list(range(0, 2001, 100))
    assert [t // MS for t, _payload in radio.log][:3] == [43, 143, 243]
    assert len(can.log) > 100
    assert clock() == START + 2 * S
    assert world.lateness_ms == Lateness(len(receiver.log) + len(can.log) + len(radio.log), 0, 0)


def test_a_fix_is_one_write_of_a_past_place_by_the_clock_of_the_scenario():
    ego = vehicle(receiver=Receiver(rate_hz=2, delay_ms=300))
    played, clock = scenario(ego), Clock()
    receiver = Device(clock)
    world = world_of(played, clock)
    world.add_unit(ego, receiver)
    world.run()
    assert [t // MS for t, _lines in receiver.log] == [0, 500, 1000, 1500, 2000]
    told = []
    for t, lines in receiver.log:
        rmc, gga = (pynmea2.parse(line.decode(), check=True) for line in lines.splitlines())
        assert (rmc.sentence_type, gga.sentence_type) == ("RMC", "GGA")
        told.append((rmc.datestamp.isoformat(), rmc.timestamp.strftime("%H:%M:%S.%f")[:10]))
        state = Trajectory(ego).at(t / S - 0.3)
        latitude, longitude = degrees(played.place, state.east_m, state.north_m)
        assert rmc.latitude == gga.latitude == pytest.approx(latitude, abs=1e-7)
        assert rmc.longitude == gga.longitude == pytest.approx(longitude, abs=1e-7)
    assert told[:3] == [("2026-04-01", "23:59:59.0"), ("2026-04-01", "23:59:59.5"), ("2026-04-02", "00:00:00.0")]


def test_a_vehicle_without_can_has_no_frames_but_its_adapter_answers():
    ego = vehicle(can="")
    clock = Clock()
    receiver, can = Device(clock), Device(clock, file=7)
    world = world_of(scenario(ego), clock)
    world.add_unit(ego, receiver, can)
    clock.readable = [7]
    world.run()
    assert receiver.log
    assert can.log == []
    assert len(can.served) == 1


def test_what_is_played_is_decoded_as_that_vehicle():
    other = vehicle("other", seed=5, kind="truck")
    clock = Clock()
    radio = Device(clock)
    world = world_of(scenario(vehicle(), other, duration_s=0.5), clock)
    world.play(other, radio)
    world.run()
    told = [values(decode(payload)) for _t, payload in radio.log]
    assert [one["increment_counter"] for one in told] == [0, 1, 2, 3, 4]
    assert {(one["vehicle_id"], one["vehicle_kind"]) for one in told} == {(other.vehicle_id, "truck")}


def test_slow_work_makes_what_follows_late_and_it_is_said_how_late():
    ego = vehicle(can="")
    clock = Clock()
    receiver = Device(clock)
    world = world_of(scenario(ego, duration_s=9.9), clock)
    world.add_unit(ego, receiver)

    def slow() -> None:
        clock.now_ns += 250 * MS

    world.at(4.05, slow)
    world.run()
    assert [t // MS for t, _lines in receiver.log][39:46] == [3900, 4000, 4300, 4300, 4300, 4400, 4500]
    late = world.lateness_ms
    assert (late.count, late.max) == (101, 250)
    assert late.p99 == 200  # of 101, the second latest


def test_a_start_in_the_past_is_caught_up_with_in_the_right_order():
    ego = vehicle(can="")
    clock = Clock(START + 1050 * MS)
    receiver = Device(clock)
    world = world_of(scenario(ego), clock)
    world.add_unit(ego, receiver)
    world.run()
    times = [t // MS for t, _lines in receiver.log]
    assert times == [1050] * 11 + list(range(1100, 2001, 100))
    assert [pynmea2.parse(lines.splitlines()[1].decode()).timestamp.second for _t, lines in receiver.log][::10] == [
        59,
        0,
        1,
    ]
    assert world.lateness_ms.max == 1050


@pytest.mark.parametrize(("before_ms", "cost_us"), [(1000, 1000), (150, 1700)])
def test_nothing_is_late_for_the_making_of_records(monkeypatch, before_ms, cost_us):
    others = [vehicle(f"v{number}", seed=number + 2) for number in range(40)]
    played, clock = scenario(vehicle(), *others), Clock(START - before_ms * MS)

    def slow_messages(one_scenario, one, mac):
        for record in messages(one_scenario, one, mac):
            clock.now_ns += cost_us * 1000
            yield record

    monkeypatch.setattr(world_module, "messages", slow_messages)
    radio = Device(clock)
    world = world_of(played, clock)
    for one in others:
        world.play(one, radio)
    world.run()
    assert len(radio.log) == 40 * 20
    assert {t // MS for t, _payload in radio.log} == set(range(2, 2000, 100))  # all forty at once, each time
    assert world.lateness_ms.max == 0


def test_records_are_not_made_long_ahead(monkeypatch):
    made = []
    played, clock = scenario(vehicle(can="")), Clock(START - 5 * S)

    def seen_bursts(one_scenario, one):
        for record in bursts(one_scenario, one):
            made.append(record[0])
            yield record

    monkeypatch.setattr(world_module, "bursts", seen_bursts)
    monkeypatch.setattr(schedule_module, "_AHEAD_NS", S // 2)
    receiver = Device(clock)
    world = world_of(played, clock)
    world.add_unit(played.ego, receiver)
    counts = []
    for t_s in (0.05, 0.55):
        world.at(t_s, lambda: counts.append(len(made)))
    assert made == []
    world.run()
    assert 1 < counts[0] < 10
    assert counts[1] - counts[0] == 5
    assert len(made) == 21


def test_actions_come_at_their_times_before_what_is_written_then():
    ego = vehicle(can="")
    clock, order = Clock(), []
    receiver = Device(clock)
    receiver.write = lambda lines: order.append(("fix", clock() - START))
    world = world_of(scenario(ego, duration_s=0.3), clock)
    world.add_unit(ego, receiver)
    world.at(0.25, lambda: order.append(("later", clock() - START)))
    world.at(0.1, lambda: order.append(("action", clock() - START)))
    world.run()
    assert [(name, t // MS) for name, t in order] == [
        ("fix", 0), ("action", 100), ("fix", 100), ("fix", 200), ("later", 250), ("fix", 300),
    ]  # fmt: skip


def test_devices_are_served_while_it_waits_even_before_the_start():
    ego = vehicle(can="")
    clock = Clock(START - 2 * S)
    receiver = Device(clock, file=5)
    world = world_of(scenario(ego, duration_s=0.2), clock)
    world.add_unit(ego, receiver)
    clock.readable = [5]
    world.run()
    assert receiver.served == [-2 * S + 50 * MS]
    assert max(clock.waits) <= 0.05  # so that a replugged device and `stop` are noticed


def test_devices_are_served_while_records_are_made(monkeypatch):
    clock = Clock(START - 1 * S)
    receiver, made = Device(clock, file=5), []

    def slow_bursts(one_scenario, one):
        for record in bursts(one_scenario, one):
            clock.now_ns += 5 * MS
            clock.readable = [5]
            made.append(clock() - START)
            yield record

    monkeypatch.setattr(world_module, "bursts", slow_bursts)
    world = world_of(scenario(vehicle(can=""), duration_s=9.9), clock)
    world.add_unit(vehicle(can=""), receiver)
    world.run()
    assert len(made) == 100
    assert max(made) < 0  # all of it before the start
    assert len(receiver.served) == 5  # after each twenty


def test_devices_are_served_though_all_is_late():
    ego = vehicle(can="")
    clock = Clock(START + 100 * S)
    receiver = Device(clock, file=5)
    world = world_of(scenario(ego), clock)
    world.add_unit(ego, receiver)
    clock.readable = [5]
    world.run()
    assert receiver.served == [100 * S]
    assert len(receiver.log) == 21


def test_stop_ends_it_at_once_and_for_ever():
    ego = vehicle(can="")
    clock = Clock()
    receiver = Device(clock)
    world = world_of(scenario(ego), clock)
    world.add_unit(ego, receiver)
    world.at(1.0, world.stop)
    world.run()
    assert [t // MS for t, _lines in receiver.log] == list(range(0, 1000, 100))
    assert clock() == START + 1 * S
    unplayed = world_of(scenario(ego), clock)
    unplayed.add_unit(ego, receiver)
    unplayed.stop()
    unplayed.run()
    assert len(receiver.log) == 10
    assert unplayed.lateness_ms == Lateness(0, 0, 0)


def test_stop_from_another_thread_ends_a_real_wait():
    world = World(scenario(duration_s=600), world_module.time.monotonic_ns() + 3600 * S)
    thread = threading.Thread(target=world.run, daemon=True)
    thread.start()
    world.stop()
    thread.join(10)
    assert not thread.is_alive()


@pytest.mark.parametrize(
    ("unix_ns", "after_s", "second"),
    [
        (1_800_000_000 * S, 1.0, 1_800_000_001),
        (1_800_000_000 * S + 1, 1.0, 1_800_000_002),
        (1_800_000_000 * S + 700 * MS, 0.2, 1_800_000_001),
        (1_800_000_000 * S + 700 * MS, 2.5, 1_800_000_004),
    ],
)
def test_a_scenario_begins_at_a_whole_second_soon(monkeypatch, unix_ns, after_s, second):
    monkeypatch.setattr(world_module, "time", SimpleNamespace(time_ns=lambda: unix_ns, monotonic_ns=lambda: 5 * S))
    begun, start_ns = at_next_second(scenario(), after_s=after_s)
    assert begun.start_ns == second * S
    assert begun.start.utcoffset().total_seconds() == 0
    assert start_ns - 5 * S == second * S - unix_ns
