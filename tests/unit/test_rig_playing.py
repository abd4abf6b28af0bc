"""What is played on a target: where a scenario is entered and left, gates, actions, recordings, and what is refused."""

import time
from collections import Counter
from types import SimpleNamespace

import pytest

from asvrig.gnss_feed import sentence
from asvrig.playing import Drive, play, play_recorded, scenario_of, unit_tables
from asvrig.scenario import load_scenario
from asvunit.adapters.capture import CaptureWriter
from asvunit.errors import AsvkitError, UsageError
from asvunit.message import decode, values

WAIT_S = 20.0
CAR = {"heading_deg": 0, "speed_kmh": 36}
TWO = {
    "duration_s": 30,
    "vehicle": [{"name": "ego", "ego": True, **CAR}, {"name": "other", "seed": 5, "east_m": 50, **CAR}],
}


class FakeTarget:
    """Remembers what came, and when by the bench's clock."""

    name = "fake"

    def __init__(self) -> None:
        self.got: list[tuple[int, str, object]] = []
        self.files: dict[str, bytes] = {}
        self.senders: Counter[int] = Counter()
        self.receiver = SimpleNamespace(write=lambda data: self._take("gnss", data))
        self.can = SimpleNamespace(send=lambda *frame: self._take("can", frame))
        self.air = SimpleNamespace(sender=self._sender)

    def write(self, path: str, data: bytes) -> None:
        self.files[path] = data

    def _sender(self, number: int = 0):
        self.senders[number] += 1
        return SimpleNamespace(
            source=f"fake:{number}", send=lambda payload: self._take("air", (number, payload)), close=lambda: None
        )

    def _take(self, way: str, what: object) -> None:
        self.got.append((time.monotonic_ns(), way, what))

    def of(self, way: str) -> list[tuple[int, object]]:
        return [(t_ns, what) for t_ns, one, what in list(self.got) if one == way]


def test_a_scenario_is_entered_and_left_where_it_is_asked_for():
    target = FakeTarget()
    with play(TWO, target, from_s=12.5, until_s=13.0, after_s=0.0) as drive:
        drive.join()
    assert drive.over
    first, last = drive.time_ns(12.5), drive.time_ns(13.0)
    fixes, frames, cars = target.of("gnss"), target.of("can"), target.of("air")
    assert len(fixes) == 6  # 12.5, 12.6 ... 13.0
    assert len(cars) == 5
    assert len(frames) > 20
    assert all(t_ns >= first for t_ns, _what in [*fixes, *frames, *cars])
    assert drive.start_ns + 13 * 10**9 == last
    # The receiver tells the time of the world, so that the unit's clock and its own agree
    told = fixes[0][1].split(b",")[1]
    unix_s = (first + time.time_ns() - time.monotonic_ns()) / 1e9
    assert time.strftime("%H%M%S", time.gmtime(round(unix_s, 2))).encode() == told[:6]
    assert told.endswith(b".50")
    # And the counters of the frames go on from where they would be
    assert [values(decode(payload))["increment_counter"] for _t, (_n, payload) in cars] == [125, 126, 127, 128, 129]
    assert target.senders == {0: 1}


def test_gates_close_one_way_and_actions_come_at_their_times():
    target = FakeTarget()
    done: list[float] = []
    with play(TWO, target, from_s=5, until_s=6.0, after_s=0.0) as drive:
        drive.at(5.3, lambda: drive.silence("gnss", "air"))
        drive.at(5.65, lambda: (drive.resume("gnss"), done.append(drive.t_s)))
        drive.join()
    at_s = [round((t_ns - drive.start_ns) / 1e9, 1) for t_ns, _what in target.of("gnss")]
    assert at_s[:3] == [5.0, 5.1, 5.2]
    assert 5.3 not in at_s
    assert at_s[-1] >= 6.0
    assert len(at_s) == 3 + 4
    assert len(target.of("air")) == 3
    assert len(target.of("can")) > 50
    assert done[0] >= 5.65
    with pytest.raises(UsageError, match="'wifi': no way into a unit; there is gnss, can, air"):
        drive.silence("wifi")


def test_what_goes_wrong_in_an_action_is_told_by_the_next_wait():
    def broken() -> None:
        raise ValueError("a test's own fault")

    with play(TWO, FakeTarget(), after_s=0.0) as drive:
        drive.at(0.0, broken)
        with pytest.raises(AsvkitError, match=r"a scenario of a test.*a test's own fault"):
            drive.join()


def test_stop_ends_it_at_once():
    target = FakeTarget()
    drive = Drive("crossing_50", target, after_s=30)
    assert drive.t_s < -28
    drive.stop()
    assert drive.over
    assert target.got == []


def test_what_cannot_be_played_is_refused_in_a_line():
    with pytest.raises(UsageError, match="from_s = 30: it lasts 30 s"):
        play(TWO, FakeTarget(), from_s=30)
    with pytest.raises(UsageError, match="no such scenario"):
        scenario_of("crossing_5000")
    with pytest.raises(UsageError, match=r"vehicle\.0\.hedding_deg: unknown key; did you mean heading_deg"):
        scenario_of({"duration_s": 1, "vehicle": [{"name": "ego", "ego": True, "hedding_deg": 0}]})
    with pytest.raises(UsageError, match="only replayed"):
        play("crossing_roadside", FakeTarget())
    own = scenario_of({"duration_s": 1, "vehicle": [{"name": "ego", "ego": True, "can": "mine.toml", **CAR}]})
    with pytest.raises(UsageError, match=r"can: mine\.toml: a target has the maps that come with asvkit"):
        unit_tables(own, FakeTarget())


def test_a_unit_is_asked_for_what_the_scenario_asks():
    target = FakeTarget()
    tables = unit_tables(load_scenario("emergency_behind"), target, unit_seed=7)
    assert tables["emergency"]["keys"]
    assert tables["seed"] == 7
    assert tables["vehicle"]["map"] == "bench"
    assert "can" not in tables
    assert "seed" not in unit_tables(load_scenario("crossing_50"), target)
    without = unit_tables(load_scenario("right_turn_no_can"), target)
    assert without["can"] is None
    assert without["vehicle"]["map"] is None
    assert target.files == {}
    named = unit_tables(load_scenario("crossing_flyover_ego_map"), target)
    assert named["intersections"]["map"] in target.files


def test_recordings_lie_on_each_other_by_their_times(tmp_path):
    fixes, log, capture = tmp_path / "a.nmea", tmp_path / "a.log", tmp_path / "a.pcap"
    line = sentence("GNGGA,010000.00,3500.00000,N,13900.00000,E,1,12,1.00,25.0,M,37.0,M,,")
    fixes.write_bytes(b"".join(b"\\c:%d*00\\" % ms + line for ms in (1775005200_000, 1775005200_200)))
    log.write_text(
        "(1775005200.100000) can0 100#01\n(1775005200.050000) can0 100#02\n(1775005200.150000) can0 100#03\n"
    )
    with CaptureWriter(capture) as writer:
        writer.write(1775005200_120_000_000, bytes(100), "02:00:00:00:00:07")
        writer.write(1775005200_130_000_000, bytes(100), "02:00:00:00:00:08")
        writer.write(1775005200_180_000_000, bytes(100), "02:00:00:00:00:07")
    target = FakeTarget()
    with play_recorded(target, gnss=fixes, can=log, radio=capture, after_s=0.1) as playing:
        playing.join()
    told = [(way, what if way != "air" else what[0]) for _t, way, what in target.got]
    assert told == [
        ("gnss", line), ("can", (0x100, False, b"\1")), ("can", (0x100, False, b"\2")), ("air", 0), ("air", 1),
        ("can", (0x100, False, b"\3")), ("air", 0), ("gnss", line),
    ]  # fmt: skip
    due_ms = [0, 100, 100, 120, 130, 150, 180, 200]
    early = [(t_ns - playing.start_ns) / 1e6 - due for (t_ns, *_), due in zip(target.got, due_ms, strict=True)]
    assert min(early) >= 0
    again = FakeTarget()
    with play_recorded(again, can=log, radio=capture, align_starts=True, after_s=0.0) as playing:
        playing.join()
    assert [way for _t, way, _what in again.got] == ["can", "can", "air", "air", "can", "air"]
    with pytest.raises(UsageError, match="nothing to play"):
        play_recorded(target)
