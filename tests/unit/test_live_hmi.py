"""The live unit turned by hand: from a cause to light and sound, and the ledger of it; switches, self-test, scenes."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from asvunit.hearing import FRAMES_A_TURN
from asvunit.live import LATEST_SCENE_NS
from asvunit.message import encode, raw_from_values
from asvunit.parts import Parts
from asvunit.ports import BRAKE, SPEED, WINKER, Fix, RadioFrame, Switch, VehicleSignal
from livetools import LAT, LON, MS, Bench

RIGHT, OFF = 5, 4  # codes of the winker
BOUNDARIES = ("parsed", "taken", "decoded", "judged", "decided", "commanded", "lit", "sounded", "written")
MUTE, REQUEST = 0, 1


class Pins:
    """Tells when it wrote; each write takes a while."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self.lit_ns = self.sounded_ns = 0
        self.tones: list[int] = []

    def show(self, shown) -> None:
        self._bench.now_ns += 30_000
        self.lit_ns = self._bench.now_ns
        if shown.tone_hz != (self.tones[-1] if self.tones else 0):
            self._bench.now_ns += 20_000
            self.sounded_ns = self._bench.now_ns
            self.tones.append(shown.tone_hz)

    def close(self) -> None: ...


class Scenes:
    def __init__(self) -> None:
        self.scenes_wanted = False
        self.told: list[dict] = []

    def publish_scene(self, event: dict) -> None:
        self.told.append(event)


@pytest.fixture
def bench() -> Iterator[Bench]:
    one = Bench(outputs=lambda bench: [Pins(bench)])
    yield one
    one.inbox.close()


def turning(bench: Bench, winker: int | None = None) -> None:
    """Ego came from the south and waits; an oncoming car is 45 m ahead at 50 km/h: within its caution."""
    for step in range(30):
        speed = 2000 if step < 10 else 0
        north = LAT - 200 + step * 2 if step < 10 else LAT - 180
        bench.inbox.put(Fix(bench.now_ns, True, "", 3_600_000 + step * 100, north, LON, speed, 0, 50))
        for signal, value in ((SPEED, speed), (BRAKE, 5), (WINKER, winker or OFF)):
            bench.inbox.put(VehicleSignal(bench.now_ns, signal, value))
        bench.live.turn()
        bench.run(100)


def oncoming(bench: Bench) -> None:
    value = {
        "vehicle_id": 77,
        "increment_counter": 1,
        "latitude_deg": (LAT - 180) / 360000 + 45 / 111_000,
        "longitude_deg": LON / 360000 + 3 / 90_164,
        "horizontal_error_m": 5,
        "speed_kmh": 50,
        "direction_deg": 180,
    }
    bench.radio.waiting.append(RadioFrame(bench.now_ns, "127.0.0.1:50000", encode(raw_from_values(value))))


def last_latency(bench: Bench) -> dict:
    return bench.told("latency")[-1]


def slow_clock(bench: Bench) -> None:
    """Every look at the clock takes a microsecond."""

    def now_ns() -> int:
        bench.now_ns += 1000
        return bench.now_ns

    bench.clock = now_ns


def passed(event: dict) -> list[float]:
    return [event[f"{name}_us"] for name in BOUNDARIES if event[f"{name}_us"] is not None]


def test_a_frame_that_leads_to_caution_has_every_boundary_in_order(bench: Bench) -> None:
    turning(bench, RIGHT)
    slow_clock(bench)
    oncoming(bench)
    bench.live.turn()
    told = last_latency(bench)
    assert (told["input"], told["level"], told["function"], told["cue"]) == ("frame", "caution", "right_turn", True)
    times = [told[f"{name}_us"] for name in BOUNDARIES]
    assert None not in times
    assert times == sorted(times)
    assert len(set(times)) == len(times)  # each is a time of its own
    assert told["sounded_us"] - told["lit_us"] == 20.0


def test_the_winker_leads_to_caution_at_once_and_is_its_cause(bench: Bench) -> None:
    turning(bench)
    oncoming(bench)
    bench.live.turn()
    assert bench.told("hmi", function="right_turn") == []
    slow_clock(bench)
    stamp_ns = bench.now_ns
    bench.inbox.put(VehicleSignal(stamp_ns, WINKER, RIGHT))
    bench.live.turn()
    told = last_latency(bench)
    assert (told["input"], told["level"], told["stamp_ns"]) == ("signal", "caution", stamp_ns)
    assert None not in [told[f"{name}_us"] for name in BOUNDARIES]
    assert passed(told) == sorted(passed(told))
    bench.inbox.put(VehicleSignal(bench.now_ns, WINKER, OFF))  # ego's own act ends it at once
    bench.live.turn()
    assert bench.told("hmi")[-1]["function"] != "right_turn"
    ended = last_latency(bench)
    assert ended["input"] == "signal"
    assert passed(ended) == sorted(passed(ended))


def test_a_fix_after_none_leads_to_caution_at_once_and_is_its_cause(bench: Bench) -> None:
    turning(bench, RIGHT)
    bench.inbox.put(Fix(bench.now_ns, False, "void", 3_603_000))
    bench.live.turn()
    bench.run(200)
    oncoming(bench)
    bench.inbox.put(VehicleSignal(bench.now_ns, WINKER, RIGHT))
    bench.live.turn()
    assert bench.told("hmi", function="right_turn") == []
    bench.inbox.put(Fix(bench.now_ns, True, "", 3_603_300, LAT - 180, LON, 0, None, 50))
    bench.live.turn()
    told = last_latency(bench)
    assert (told["input"], told["function"]) == ("fix", "right_turn")
    assert passed(told) == sorted(passed(told))


def test_what_time_alone_brings_has_no_boundaries_of_an_input(bench: Bench) -> None:
    bench.standing()
    bench.hear(-75.0)
    bench.live.turn()
    bench.run(900)
    told = [one for one in bench.told("latency") if one["input"] in ("cycle", "due")]
    assert told
    assert all(one["parsed_us"] is None and one["decoded_us"] is None for one in told)
    assert all(one["judged_us"] is not None and one["decided_us"] is not None for one in told)


def test_mute_silences_what_sounds_until_the_next_cue(bench: Bench) -> None:
    turning(bench, RIGHT)
    oncoming(bench)
    bench.live.turn()
    pins = bench.outputs[0]
    assert pins.tones == [1000]
    bench.run(20)
    bench.inbox.put(Switch(bench.now_ns, MUTE, 1))
    bench.live.turn()
    assert pins.tones == [1000, 0]
    hmi = bench.told("hmi")[-1]
    assert (hmi["level"], hmi["muted"], hmi["cue"]) == ("caution", True, False)
    assert last_latency(bench)["input"] == "switch"
    bench.inbox.put(Switch(bench.now_ns, MUTE, 0))
    bench.inbox.put(Switch(bench.now_ns, MUTE, 1))  # again: nothing is left to silence
    bench.live.turn()
    assert bench.told("hmi")[-1] == hmi
    bench.inbox.put(Switch(bench.now_ns, REQUEST, 1))  # told again
    bench.live.turn()
    assert pins.tones == [1000, 0, 1000]
    assert (bench.told("hmi")[-1]["muted"], bench.told("hmi")[-1]["cue"]) == (False, True)


def test_switches_do_nothing_while_nothing_is_shown(bench: Bench) -> None:
    bench.run(300)
    for switch in (MUTE, REQUEST):
        bench.inbox.put(Switch(bench.now_ns, switch, 1))
    bench.live.turn()
    assert bench.told("hmi") == []


@pytest.mark.parametrize("shown", [1, 2])
def test_surrounding_vehicles_on_request_or_by_the_winker(shown: int) -> None:
    bench = Bench(surrounding_shown=shown)
    bench.standing()
    bench.inbox.put(VehicleSignal(bench.now_ns, WINKER, OFF))
    bench.hear(-20.0)
    bench.live.turn()
    bench.run(100)
    assert not bench.told("hmi", function="surrounding")
    for on in (True, False):
        if shown == 1:
            bench.inbox.put(Switch(bench.now_ns, REQUEST, 1))
            bench.inbox.put(Switch(bench.now_ns, REQUEST, 0))
        else:
            bench.inbox.put(VehicleSignal(bench.now_ns, WINKER, RIGHT if on else OFF))
        bench.hear(-20.0, counter=1 + on)
        bench.live.turn()
        assert (bench.told("support", function="surrounding")[-1]["level"] == "information") == on
    reason = bench.told("support", function="surrounding")[-1]["reason"]
    assert reason == ("not_requested" if shown == 1 else "winker_off")
    bench.inbox.close()


def test_the_self_test_is_told_and_ends_by_itself() -> None:
    bench = Bench(parts=lambda parts: Parts(**parts, self_test=True))
    bench.live.begin()
    bench.live.turn()
    bench.run(500)
    assert [one["state"] for one in bench.told("self_test")] == ["begin"]
    assert len(bench.told("outputs")[0]["lamps"]) == 8
    bench.run(1000)
    assert [one["state"] for one in bench.told("self_test")] == ["begin", "end"]
    assert bench.told("outputs")[-1]["lamps"] == ["fault", "system"]
    bench.inbox.close()


def test_scenes_come_with_each_cycle_while_somebody_wants_them() -> None:
    scenes = Scenes()
    bench = Bench(parts=lambda parts: Parts(**parts, scenes=scenes))
    bench.run(1000)
    assert scenes.told == []
    scenes.scenes_wanted = True
    bench.run(1000)
    assert len(scenes.told) == 10
    before = [one for one in bench.events if one["event"] != "radio"]
    scenes.scenes_wanted = False
    bench.run(1000)
    assert len(scenes.told) == 10
    assert before  # scenes are no events of the files
    assert not [one for one in bench.events if one["event"] == "scene"]
    bench.inbox.close()


def test_scenes_come_less_often_while_frames_never_cease() -> None:
    scenes = Scenes()
    scenes.scenes_wanted = True
    bench = Bench(parts=lambda parts: Parts(**parts, scenes=scenes))
    bench.standing()
    scenes.told.clear()
    for number in range(FRAMES_A_TURN):
        bench.hear(-900.0 + number, vehicle_id=number)
    frames, bench.radio.waiting = bench.radio.waiting, []
    begin_ns = bench.now_ns
    while bench.now_ns < begin_ns + 4 * LATEST_SCENE_NS:
        bench.now_ns += 50 * MS
        bench.radio.waiting = [replace(frame, time_ns=bench.now_ns) for frame in frames]
        assert bench.live.turn()
    assert len(scenes.told) in (3, 4)
    bench.inbox.close()
