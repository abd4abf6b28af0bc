"""The run of samples with stand-ins for unit and probe: missing, early, lit for good, ended before its time."""

import random
import time
from pathlib import Path
from typing import Any

import pytest

from asvrig.latency import bench as module
from asvrig.latency.bench import Bench, Sample, Samples, looked_for
from asvrig.latency.car import Vehicle, Way
from asvrig.latency.probes import BUZZER, Seen, SeenList
from asvrig.latency.session import Asked, measure
from asvrig.latency.stimuli import STIMULI, Stimulus, Winker
from asvrig.latency.target import Wiring
from asvtools.latency_bench import Probe, _histogram, _Progress, verdict
from asvtools.latency_bench import Stimulus as StimulusName
from asvtools.latency_bench import bench as bench_command
from asvunit.errors import AsvkitError, UsageError
from asvunit.message import decode, values

MS = 1_000_000


class Lamp(SeenList):
    """A probe that is shown what a test says."""

    by = "edge"

    def start(self) -> None:
        """It sees at once."""

    def close(self) -> None:
        """Nothing is open."""

    def show(self, t_ns: int, name: str, value: int) -> None:
        self._add(Seen(t_ns, 6, name, value, 1000 * value * (name == BUZZER), self.by))


class Script(Stimulus):
    """Does to the lamp what `acts` say for each sample."""

    name, lamp, sounds, armed_ns = "can", "caution", True, 0

    def __init__(self, probe: Lamp, acts: list[str]) -> None:
        self._probe, self._acts, self._number = probe, acts, 0

    def arm(self, number: int) -> None:
        self._number = number
        if self._acts[number] == "early":
            self._probe.show(time.monotonic_ns(), "caution", 1)

    def fire(self) -> int:
        act, sent_ns = self._acts[self._number], time.monotonic_ns()
        if act == "interrupt":
            raise KeyboardInterrupt
        if act in ("lit", "early", "stays"):
            self._probe.show(sent_ns + 2 * MS, "caution", 1)
        if act in ("lit", "stays", "deaf"):
            self._probe.show(sent_ns + 3 * MS, BUZZER, 1)
        if act == "before":
            self._probe.show(sent_ns - MS, "left", 1)  # of another lamp
        return sent_ns

    def reset(self, lit: bool) -> None:
        assert lit is (self._acts[self._number] in ("lit", "early", "stays", "deaf"))
        for name in ("caution", BUZZER, "left"):
            if self._acts[self._number] != "stays" or name != "caution":
                self._probe.show(time.monotonic_ns(), name, 0)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_STILL_NS", 0)
    monkeypatch.setattr(module, "_RESET_NS", 6 * MS)


def run(acts: list[str], alive: Any = lambda: None) -> Samples:
    probe = Lamp()
    told: list[int] = []
    samples = Bench(Script(probe, acts), probe, 1, alive, timeout_s=0.02).run(
        len(acts), lambda so_far: told.append(len(so_far.all))
    )
    assert told == list(range(1, len(samples.all) + 1))
    return samples


def test_what_is_seen_and_what_is_not() -> None:
    samples = run(["lit", "none", "deaf", "before", "lit"])
    assert samples.ended == ""
    took = [
        (one.light_ns and one.light_ns - one.sent_ns, one.sound_ns and one.sound_ns - one.sent_ns)
        for one in samples.all
    ]
    assert took == [(2 * MS, 3 * MS), (None, None), (None, 3 * MS), (None, None), (2 * MS, 3 * MS)]
    assert not any(one.early for one in samples.all)


def test_light_before_the_stimulus_spoils_the_sample() -> None:
    assert [one.early for one in run(["lit", "early", "lit"]).all] == [False, True, False]


def test_light_that_stays_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_RESETS", 1)
    samples = run(["lit", "stays", "lit"])
    assert len(samples.all) == 2
    assert "does not go out" in samples.ended


def test_what_light_and_sound_do_while_the_stimulus_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK_NS", 5 * MS)
    for act, told in (
        ("stays", {"light": "steady", "tones_hz": [1000]}),
        ("deaf", {"light": "off", "tones_hz": [1000]}),
    ):
        probe = Lamp()
        assert Bench(Script(probe, [act]), probe, 1, lambda: None).look(0) == told


def test_an_interrupt_and_a_unit_that_ends_leave_what_was_measured() -> None:
    samples = run(["lit", "lit", "interrupt", "lit"])
    assert (len(samples.all), samples.ended) == (2, "interrupted")
    turns = iter([None, None, AsvkitError("the unit ended with code 1")])

    def alive() -> None:
        error = next(turns)
        if error is not None:
            raise error

    samples = run(["lit"] * 4, alive)
    assert (len(samples.all), samples.ended) == (2, "the unit ended with code 1")


def test_stimuli_come_at_the_phases_that_the_seed_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    due: list[int] = []
    monkeypatch.setattr(module, "wait_until", due.append)
    run(["none"] * 8)
    chance = random.Random(1)
    assert [one % (100 * MS) for one in due] == [chance.randrange(100 * MS) for _ in due]
    assert len({one % (100 * MS) // (10 * MS) for one in due}) > 3


def test_what_a_probe_can_see() -> None:
    assert looked_for(Winker, None) == ("caution", BUZZER)
    assert looked_for(Winker, frozenset({"caution"})) == ("caution", None)
    assert looked_for(Winker, frozenset({BUZZER})) == (None, BUZZER)
    assert looked_for(STIMULI["switch"], None) == ("information", None)
    assert looked_for(STIMULI["switch"], frozenset({BUZZER})) == (None, None)


def test_vehicles_move_as_they_say() -> None:
    """Frames a second apart are as far apart as their speed says, in the direction that they tell."""
    vehicle = Vehicle(70_000, Way(8, 15, 36, 90), 0)
    places = []
    for second in range(3):
        told = values(decode(vehicle.frame(second * 1000 * MS, 0)))
        assert (told["vehicle_id"], told["increment_counter"]) == (70_000 % 16_384, second)
        places.append(((told["longitude_deg"] - 139) * 91_288, (told["latitude_deg"] - 35) * 110_941))
    assert [round(east) for east, _north in places] == [8, 18, 28]
    assert {round(north) for _east, north in places} == {15}
    vehicle.turn_back(40, 2000 * MS)
    assert vehicle.way.direction_deg == 90  # not yet
    vehicle.turn_back(12, 2000 * MS)
    assert vehicle.way.direction_deg == 270
    vehicle.turn_back(12, 2000 * MS)
    told = values(decode(vehicle.frame(3000 * MS, 0)))
    assert round((told["longitude_deg"] - 139) * 91_288) == 18


# What is said


RESULT: dict[str, Any] = {
    "n": 10, "asked": 10, "early": 0, "missing": 0, "over": 0, "limit_us": 300_000.0, "timeout_s": 1.5, "ended": "",
    "confidence": 0.95, "net_us": {"all": {"max": 12_345.0, "over_limit_share_at_most": 0.258866}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            {},
            "all 10 within 300 ms, the longest took 12.35 ms; with 95 % confidence at most 26 % of changes take longer",
        ),
        ({"missing": 2, "over": 3}, "2 of 10 were not seen within 1.5 s; 1 of 10 took longer than 300 ms"),
        ({"n": 9, "early": 1}, "1 of 10 were lit before the stimulus and tell nothing"),
        ({"n": 4, "ended": "interrupted"}, "ended after 4 of 10 samples: interrupted"),
        ({"n": 4}, "4 of 10 samples were taken"),
    ],
)
def test_the_verdict_in_one_line(more: dict[str, Any], said: str) -> None:
    assert verdict(RESULT | more) == said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"probe": Probe.loopback}, "--probe loopback: sees real pins; give the unit that drives them: --config"),
        ({"can": "socketcan:can0"}, "--can, --gnss, --radio-interface, --press-pin: belong to the unit of a --config"),
        ({"press_pin": 5}, "--press-pin"),
        ({"wired": "caution"}, "--wired, --calibrate: belong to a probe of real pins"),
        ({"calibrate": True}, "--wired, --calibrate: belong to a probe of real pins"),
        ({"keep": Path("/dev/null/x")}, "--keep: /dev/null/x: Not a directory"),
        ({"config": Path("absent.toml")}, "absent.toml"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        bench_command(StimulusName.can, **options)


@pytest.mark.parametrize(("sound", "missing"), [(BUZZER, 2), (None, 1)])
def test_progress_counts_as_the_result_does(
    sound: str | None, missing: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sample of which a half came is missing; what is not looked for is not."""
    _Progress(3)(Samples("caution", sound, [Sample(0, 1, 2, 3), Sample(1, 1, 2), Sample(2, 1)]))
    assert capsys.readouterr().err == f"\r3 of 3, {missing} missing\n"


def test_few_slow_ones_do_not_squeeze_the_histogram() -> None:
    lines = _histogram([1 + at / 100 for at in range(99)] + [500.0])
    assert len(lines) > 5
    assert sum(int(line.split()[-1]) for line in lines) == 100
    assert lines[-1].split() == ["up", "to", "500.00", "ms", "3"]
    assert "up to" not in _histogram([1.0, 2.0, 3.0])[-1]


# What a configuration lacks


def given(folder: Path, **more: str) -> Path:
    """The configuration of a unit whose wires are elsewhere."""
    tables = {
        "vehicle": 'map = "bench"',
        "gnss": 'port = "/dev/null"',
        "can": 'interface = "virtual"\nchannel = "car"',
        "hmi": 'gpio = "mock"\nrecord = "pins.jsonl"',
        "events": 'socket = "s"',
    } | more
    path = folder / "unit.toml"
    path.write_text("config = 1\n" + "".join(f"\n[{name}]\n{text}\n" for name, text in tables.items()))
    return path


NOWHERE = Wiring(can="virtual:bench-test", gnss="/dev/no-line")


@pytest.mark.parametrize(
    ("more", "wiring", "stimulus", "said"),
    [
        ({"vehicle": ""}, NOWHERE, "can", 'vehicle.map: .*set map = "bench"'),
        ({"events": ""}, NOWHERE, "can", "events.socket: .*name a file"),
        ({}, Wiring(), "can", "^--can: name the adapter"),
        ({}, Wiring(can="virtual:x"), "can", "^--gnss: name the serial device"),
        ({"radio": 'kind = "off"'}, NOWHERE, "can", "radio.kind: off"),
        ({"radio": 'kind = "ocb"\ninterface = "wlan0"'}, NOWHERE, "radio", "^--radio-interface: name"),
        ({}, NOWHERE, "can", "^--gnss: /dev/no-line: cannot be opened: No such file"),
        ({}, NOWHERE, "switch", 'surrounding.shown: .*shown = "request"'),
        ({"surrounding": 'shown = "request"'}, NOWHERE, "switch", "^--press-pin: name the output"),
    ],
)
def test_what_is_lacking_is_named(
    more: dict[str, str], wiring: Wiring, stimulus: str, said: str, tmp_path: Path
) -> None:
    asked = Asked(stimulus, 1, config=given(tmp_path, **more), wiring=wiring)
    with pytest.raises(UsageError, match=said):
        measure(asked, tmp_path)


@pytest.mark.parametrize(
    ("probe", "wired", "stimulus", "said"),
    [
        ("microphone", "", "switch", "--probe microphone: sees nothing of what --stimulus switch changes"),
        ("microphone", "caution", "can", "--wired caution: a microphone does not see that"),
        ("photodiode", "buzzer", "can", "--wired buzzer: a photodiode does not see that"),
        ("loopback", "horn", "can", "--wired: 'horn' is no lamp of the pin map, nor buzzer"),
        ("loopback", "information", "can", "sees nothing"),
    ],
)
def test_a_probe_that_sees_nothing_is_refused(probe: str, wired: str, stimulus: str, said: str, tmp_path: Path) -> None:
    asked = Asked(stimulus, 1, probe=probe, wired=wired, config=given(tmp_path), wiring=NOWHERE)
    with pytest.raises(UsageError, match=said):
        measure(asked, tmp_path)


def test_a_probe_that_is_not_in_the_pin_map_is_named(tmp_path: Path) -> None:
    text = (Path(__file__).resolve().parents[2] / "hardware" / "pins.toml").read_text()
    (tmp_path / "pins.toml").write_text(text.partition("[bench]")[0])
    path = given(tmp_path, hmi='gpio = "mock"\npins = "pins.toml"')
    asked = Asked("can", 1, probe="loopback", config=path, wiring=NOWHERE)
    with pytest.raises(UsageError, match=r"--probe loopback: the pin map has no \[bench\] loopback"):
        measure(asked, tmp_path)


def test_the_record_is_asked_for_where_it_is_read(tmp_path: Path) -> None:
    asked = Asked("can", 1, config=given(tmp_path, hmi='gpio = "mock"', gnss='port = "/dev/null"'), wiring=NOWHERE)
    with pytest.raises(UsageError, match=r"hmi.record: --probe record reads it"):
        measure(asked, tmp_path)
