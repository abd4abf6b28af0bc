"""The live unit turned by hand: a clock of the test's, a radio, inputs and outputs of memory."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from asvcore.neighbour import counter_of, vehicle_id_of
from asvunit.hearing import FRAMES_A_TURN, RUSH_NS
from asvunit.live import CYCLE_NS, JUDGED_AT_ONCE
from asvunit.loads import FLOOD_A_SECOND
from asvunit.message import decode, values
from asvunit.ports import SPEED, Link, RadioFrame, VehicleSignal
from asvunit.sender import LEAD_NS
from livetools import MS, START_NS, UNIX_NS, Bench


@pytest.fixture
def bench() -> Iterator[Bench]:
    one = Bench()
    yield one
    one.inbox.close()


def test_frames_leave_every_100_ms_ahead_of_their_time(bench: Bench) -> None:
    bench.run(1000)
    assert [due_ns for due_ns, _frame in bench.sender.frames] == [START_NS + LEAD_NS + n * CYCLE_NS for n in range(11)]
    counters = [decode(frame)["increment_counter"] for _due, frame in bench.sender.frames]
    assert counters == list(range(11))


def test_a_stall_is_no_burst(bench: Bench) -> None:
    bench.run(250)
    bench.now_ns += 730 * MS  # suspended
    bench.live.turn()
    bench.run(200)
    times_ms = [(due_ns - LEAD_NS - START_NS) // MS for due_ns, _frame in bench.sender.frames]
    assert times_ms == [0, 100, 200, 900, 1000, 1100]
    assert bench.live.statistics()["cycles_missed"] == 6
    assert bench.live.statistics()["cycle_late"]["max_us"] == 680_000.0


def test_a_frame_lights_the_lamp_in_the_same_turn_with_its_times(bench: Bench) -> None:
    bench.standing()
    before = len(bench.lamps.shown)
    bench.hear(-40.0, age_ns=3 * MS)
    bench.live.turn()
    assert {"caution", "left"} <= bench.lamps.shown[-1].lamps
    assert bench.lamps.shown[-1].tone_hz > 0
    assert len(bench.lamps.shown) == before + 1
    latency = bench.told("latency")[-1]
    assert (latency["level"], latency["input"], latency["written_us"]) == ("caution", "frame", 3000.0)
    assert latency["cause"] == bench.told("hmi")[-1]["cause"] == bench.told("support", level="caution")[-1]["cause"] > 0
    outputs = bench.told("outputs")[-1]
    assert set(outputs["lamps"]) == bench.lamps.shown[-1].lamps


def test_the_tone_is_a_pattern_of_the_clock(bench: Bench) -> None:
    bench.standing()
    bench.hear(-40.0)
    bench.live.turn()
    begin_ns = bench.now_ns
    edges = []
    for _ in range(250):
        bench.run(10)
        if not edges or (bench.lamps.shown[-1].tone_hz > 0) != edges[-1][1]:
            edges.append(((bench.now_ns - begin_ns) // MS, bench.lamps.shown[-1].tone_hz > 0))
    assert edges == [
        (10, True), (200, False), (400, True), (600, False), (800, True),
        (1000, False), (1200, True), (1400, False), (1600, True), (1800, False),
    ]  # fmt: skip


def test_records_that_come_out_of_order_enter_in_order(bench: Bench) -> None:
    bench.run(50)
    bench.inbox.put(VehicleSignal(bench.now_ns - 2 * MS, SPEED, 1000))
    bench.hear(-300.0, age_ns=5 * MS)
    bench.live.turn()
    bench.inbox.put(VehicleSignal(bench.now_ns - 20 * MS, SPEED, 1100))  # its thread was held up
    bench.live.turn()
    bench.run(300)
    assert bench.live.unit.core.time_back == 0
    assert values(decode(bench.sender.frames[1][1]))["speed_kmh"] == 11.0


def slow(bench: Bench, frame_ns: int) -> list[int]:
    """Each frame takes so long from now on; the ids of those that the unit took."""
    taken: list[int] = []
    radio = bench.live.unit.radio

    def slowly(frame: RadioFrame, time_ns: int) -> None:
        bench.now_ns += frame_ns
        taken.append(frame.payload[2] << 6 | frame.payload[3] >> 2)
        radio(frame, time_ns)

    bench.live.unit.radio = slowly  # type: ignore[method-assign]
    return taken


def test_of_a_flood_the_most_relevant_are_taken_and_the_cycles_go_on(bench: Bench) -> None:
    bench.standing()
    bench.run(95)
    sent, shed = len(bench.sender.frames), 10 * FRAMES_A_TURN
    for number in range(shed):  # driving away from it, and all the nearer the later they are heard
        bench.hear(-900.0 + number, vehicle_id=number)
    taken = slow(bench, MS)
    while bench.live.turn():
        pass
    assert taken == list(range(shed - 1, shed - len(taken) - 1, -1))  # the nearest first
    assert 25 <= len(taken) <= RUSH_NS // MS + 1
    assert bench.radio.counters["shed"] == shed - len(taken)
    assert len(bench.sender.frames) == sent + 1
    assert bench.live.cycles.summary()["max_us"] <= 2000
    bench.run(1000)
    assert bench.live.states.now()["radio"] == ("overloaded", "input_lost")
    assert len(bench.sender.frames) == sent + 11
    bench.run(2000)
    assert bench.live.states.now()["radio"][0] == "silent"


def test_trailers_that_are_not_believed_put_nobody_aside(bench: Bench) -> None:
    bench.standing()
    bench.run(95)
    crowd = 10 * FRAMES_A_TURN
    for number in range(crowd):
        bench.hear(-900.0, vehicle_id=1000 + number)
        ordinary = bench.radio.waiting[-1]
        bench.radio.waiting[-1] = replace(ordinary, payload=ordinary.payload + b"PV" + bytes(76))
    bench.hear(-60.0, vehicle_id=9)
    taken = slow(bench, MS)
    while bench.live.turn():
        pass
    assert taken[0] == 9
    assert 25 <= len(taken) <= RUSH_NS // MS + 1
    assert bench.radio.counters["shed"] == crowd + 1 - len(taken)
    assert bench.live.unit.trailers == {"no_keys": crowd}  # all of them are told


def test_what_was_read_before_a_stop_of_the_process_is_not_of_now(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.standing()
    for number in range(2 * FRAMES_A_TURN):
        bench.hear(-60.0, vehicle_id=number)
    receive = bench.radio.receive

    def stopped(limit: int) -> list[RadioFrame]:
        frames = receive(limit)
        if frames and not bench.radio.waiting:
            bench.now_ns += 3_000 * MS
        return frames

    monkeypatch.setattr(bench.radio, "receive", stopped)
    while bench.live.turn():
        pass
    assert bench.radio.counters == {"stale": 2 * FRAMES_A_TURN}
    assert bench.live.unit.core.neighbours.count == 0


@pytest.mark.long
@pytest.mark.parametrize("way", ["gathered", "ranked"])
def test_the_cycles_go_on_while_a_crowd_is_sorted(bench: Bench, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    bench.standing()
    for number in range(60 * FRAMES_A_TURN):
        bench.hear(-900.0 + number / 10, vehicle_id=number)
    receive, remoteness_dm = bench.radio.receive, bench.live.unit.core.remoteness_dm

    def received(limit: int) -> list[RadioFrame]:
        bench.now_ns += MS
        return receive(limit)

    def ranked(payload: bytes, source: int) -> int:
        bench.now_ns += MS // 10
        return remoteness_dm(payload, source)

    if way == "gathered":
        monkeypatch.setattr(bench.radio, "receive", received)
    else:
        monkeypatch.setattr(bench.live.unit.core, "remoteness_dm", ranked)
    begin_ns = bench.now_ns
    slow(bench, MS)
    bench.live.turn()
    assert bench.now_ns - begin_ns > (2 * RUSH_NS if way == "gathered" else 300 * MS)
    assert bench.live.cycles.summary()["max_us"] <= 15_000
    if way == "gathered":  # what CAN and receiver say does not wait for the end of a flood
        assert bench.now_ns - begin_ns < 4 * RUSH_NS
        assert len(bench.radio.waiting) > 10 * FRAMES_A_TURN


def test_of_a_vehicle_that_waits_twice_the_newest_counts_and_a_supported_one_comes_first(bench: Bench) -> None:
    bench.standing()
    bench.hear(-60.0, vehicle_id=9)
    bench.live.turn()
    assert bench.told("support", vehicle_id=9, level="information")
    bench.run(100)
    for counter in (1, 2):
        for number in range(100, 100 + FRAMES_A_TURN):
            bench.hear(-10.0, vehicle_id=number, counter=counter)
    bench.hear(-55.0, vehicle_id=9, counter=1)
    taken = slow(bench, 1000)
    bench.live.turn()
    assert taken[0] == 9
    assert sorted(taken[1:]) == list(range(100, 100 + FRAMES_A_TURN))
    assert bench.radio.counters["superseded"] == FRAMES_A_TURN
    assert {counter_of(bench.live.unit.core.neighbours.get(number)) for number in range(100, 164)} == {2}


def test_a_frame_does_not_wait_for_the_end_of_a_tick(bench: Bench) -> None:
    bench.standing()
    for number in range(100):
        bench.hear(-900.0 + number, vehicle_id=number)
    bench.live.turn()
    judge, judged = bench.live.unit.core._judging.judge, []

    def judged_slowly(neighbour: object, *rest: object) -> None:
        bench.now_ns += MS // 10
        judged.append(vehicle_id_of(neighbour))
        if len(judged) == 10:
            bench.hear(-60.0, vehicle_id=900)
        judge(neighbour, *rest)

    bench.live.unit.core._judging.judge = judged_slowly
    bench.run(100)
    assert judged[JUDGED_AT_ONCE] == 900  # after the part of the tick that was under way
    assert sorted({*judged} - {900}) == list(range(100))  # and nobody is left out
    assert bench.told("latency", input="frame")[-1]["taken_us"] < 3000


def test_a_capture_has_every_frame_with_its_own_time_and_why_it_was_not_used(bench: Bench) -> None:
    bench.standing()
    bench.hear(-60.0, counter=1, age_ns=40 * MS)
    bench.hear(-60.0, counter=1, age_ns=30 * MS)
    bench.hear(-60.0, counter=0, age_ns=20 * MS)
    bench.radio.waiting.append(RadioFrame(bench.now_ns, "127.0.0.1:50000", b"noise"))
    bench.live.turn()
    remarks = [(remark, (bench.now_ns - time_ns) // MS) for _payload, remark, time_ns in bench.recorder.written]
    assert remarks[1:] == [("dropped: duplicate", 30), ("dropped: reordered", 20), ("dropped: length", 0)]
    assert remarks[0][0] in ("", "used: clock_disagrees")
    bench.recorder.written.clear()
    slow(bench, 10 * MS)
    for number in range(200, 200 + FRAMES_A_TURN):
        bench.hear(-60.0, vehicle_id=number, counter=1)
    bench.live.turn()
    written = [remark for _payload, remark, _time_ns in bench.recorder.written]
    assert len(written) == FRAMES_A_TURN
    assert written.count("dropped: shed") == bench.radio.counters["shed"] > 50
    assert bench.recorder.offset_ns == UNIX_NS - START_NS
    bench.recorder.fault = "radio.pcapng: disk full"
    bench.run(1100)
    assert bench.live.states.now()["unit"] == ("overloaded", "capture_not_written")


def test_what_is_shed_was_no_loss_on_the_air(bench: Bench) -> None:
    bench.standing()
    slow(bench, 10 * MS)
    for counter in range(20):
        for number in range(200, 200 + FRAMES_A_TURN):
            bench.hear(-60.0, vehicle_id=number, counter=counter)
        bench.live.turn()
        bench.run(100)
    assert bench.radio.counters["shed"] > 500
    heard = bench.told("radio")[-1]
    assert heard["arrival_percent"] == 100.0
    assert heard["vehicles"] == FRAMES_A_TURN
    assert bench.lamps.shown[-1].figures.startswith(f"heard: {FRAMES_A_TURN}, ")
    bench.run(12_000)
    assert bench.lamps.shown[-1].figures == ""  # never a word that could read as "no one is there"


def test_noise_and_crowds_are_told_though_nothing_is_lost(bench: Bench) -> None:
    bench.standing()
    bench.run(1000)
    bench.radio.counters["length"] += FLOOD_A_SECOND
    bench.run(1000)
    assert bench.live.states.now()["radio"] == ("overloaded", "flooded")
    bench.run(1000)
    assert bench.live.states.now()["radio"][0] == "silent"
    for number in range(FLOOD_A_SECOND + 1):  # under one name, and all of them wait
        bench.hear(-300.0, vehicle_id=1, counter=number % 256)
    while bench.live.turn():
        pass
    bench.run(1000)
    assert bench.live.states.now()["radio"] == ("overloaded", "flooded")
    assert "overtook" in bench.told("status", input="radio", reason="flooded")[-1]["detail"]
    for number in range(300):
        bench.hear(-300.0 - number, vehicle_id=number)
    while bench.live.turn():
        pass
    bench.run(1000)
    assert "neighbours.capacity" in bench.told("status", input="radio", reason="table_full")[-1]["detail"]
    counters = bench.live.statistics()["counters"]["radio"]
    assert counters["table_full"] == 300 - 256
    assert counters["length"] == FLOOD_A_SECOND


def test_a_failure_to_send_of_before_is_not_told_of_an_interface_that_is_back(bench: Bench) -> None:
    bench.standing()
    links = [
        Link(bench.now_ns, "radio", False, "absent", "there is no network interface 'wlan0'"),
        Link(bench.now_ns, "radio", True, "connected"),
    ]
    bench.radio.tend = lambda: links.pop(0) if links else None  # type: ignore[method-assign]
    bench.sender.fault = "No such device"
    bench.run(3000)
    told = [one["reason"] for one in bench.told("status", input="radio")]
    assert "absent" in told
    assert "cannot_send" not in told


def test_links_are_states_and_light_the_fault_lamp(bench: Bench) -> None:
    bench.standing()
    assert "fault" not in bench.lamps.shown[-1].lamps
    bench.inbox.put(Link(bench.now_ns, "can", False, "unplugged", "plug it in"))
    bench.live.turn()
    assert bench.told("status", input="can")[-1]["state"] == "disconnected"
    assert "fault" in bench.lamps.shown[-1].lamps
    assert bench.told("system")[-1]["fault"] is True
    bench.inbox.put(Link(bench.now_ns, "can", True, "connected"))
    bench.live.turn()
    assert bench.told("status", input="can")[-1]["state"] == "ok"
    assert "fault" not in bench.lamps.shown[-1].lamps


def test_losses_faults_and_clock_steps_are_told_within_a_second_and_taken_back(bench: Bench) -> None:
    bench.standing()
    assert bench.told("status", input="clock")[-1]["state"] == "ok"
    bench.radio.counters["overflow"] += 5
    bench.step_ns = 3_600_000_000_000
    bench.fault = "events.jsonl: disk full"
    bench.lamps.broken = True
    bench.inbox.put(Link(bench.now_ns, "can", False, "unplugged"))  # the fault lamp is to be lit, and cannot be
    bench.sender.fault = "Network is unreachable"
    bench.live.turn()
    bench.run(1000)
    state = {name: told[0] for name, told in bench.live.states.now().items()}
    assert state["clock"] == "implausible"
    assert state["unit"] == "overloaded"
    assert state["hmi"] == "disconnected"
    assert state["radio"] == "disconnected"
    assert bench.told("status", input="unit")[-1]["detail"] == "events.jsonl: disk full"
    assert "Input/output error" in bench.told("status", input="hmi")[-1]["detail"]
    times = [one["t"] for one in bench.events]
    assert times == sorted(times)  # the clock's step is no jump of theirs
    bench.step_ns, bench.fault, bench.lamps.broken, bench.sender.fault = 0, "", False, ""
    bench.run(3100)
    state = {name: told[0] for name, told in bench.live.states.now().items()}
    assert [state[name] for name in ("clock", "unit", "hmi")] == ["ok"] * 3
    assert state["radio"] == "silent"  # it hears nobody
    bench.radio.counters["overflow"] += 1
    bench.run(1000)
    assert bench.live.states.now()["radio"][0] == "overloaded"


def test_statistics_come_every_ten_seconds(bench: Bench) -> None:
    bench.run(30_500)
    told = bench.told("statistics")
    assert len(told) == 3
    assert told[-1]["cycle_late"]["count"] == 301
    assert told[-1]["send_late"] == {"count": 0}
