"""What every output owes: it shows what it is told and writes what differs, lamps before tone; closed, it is dark.

The same body runs on mock pins, on gpiozero's real pins above a stand-in for lgpio, and on the tests' own output.
"""

import errno
import fcntl
import json
import math
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import gpiozero
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asvcore import codes
from asvcore.hmi_rules import SOUNDS
from asvunit.adapters.gpio import GpioOutputs, choose_factory, darken, mock, open_chip, open_gpio
from asvunit.adapters.gpio import chip as chips
from asvunit.adapters.gpio.outputs import duty_percent
from asvunit.errors import UsageError
from asvunit.pins import Leds, load_pins
from asvunit.ports import Outputs, Shown
from asvunit.presenter import Presenter
from outputtools import FakeLgpio, MemoryOutputs, lgpio_stand_in

PINS = load_pins(None)
LAMPS = tuple(Leds.model_fields)
BUZZER = PINS.buzzer.pwm
CAUTION = Shown(level="caution", lamps=frozenset({"system", "caution", "left"}), tone_hz=1000)

shown_things = st.builds(
    Shown,
    lamps=st.frozensets(st.sampled_from(LAMPS)),
    tone_hz=st.sampled_from([0, 0, 440, 1000, 2000]),
    text=st.sampled_from(["", "text"]),
)


@dataclass
class Bench:
    """An output and what is seen of it from outside."""

    outputs: Outputs
    seen: Callable[[], tuple[set[str], int]]  # lamps lit, tone
    writes: Callable[[], list]  # everything written so far
    seen_closed: Callable[[], bool] = lambda: True


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def mock_bench(path: Path, monkeypatch) -> Bench:
    writes: list[str] = []
    tell = mock._MockPin._tell
    monkeypatch.setattr(mock._MockPin, "_tell", lambda pin: (writes.append(pin.info.name), tell(pin)))

    last: dict[str, tuple[int, int]] = {}
    read = 0

    def seen():
        nonlocal read
        told = path.read_bytes()
        last.update((line["name"], (line["value"], line["hz"])) for line in map(json.loads, told[read:].splitlines()))
        read = len(told)
        assert set(last) == {*LAMPS, "buzzer"}
        value, hz = last["buzzer"]
        assert value == bool(hz)
        assert not any(last[name][1] for name in LAMPS)
        return {name for name in LAMPS if last[name][0]}, hz

    return Bench(GpioOutputs(PINS, "mock", path), seen, lambda: list(writes))


def real_bench(fake: FakeLgpio) -> Bench:
    def seen():
        frequency, duty = fake.pwm.get(BUZZER, (0, 0))
        assert duty or not fake.out.get(BUZZER), "the buzzer's pin was left high"
        assert set(fake.pwm) <= {BUZZER}
        lit = {name for name, pin in PINS.lamps.items() if fake.out.get(pin)}
        return lit, round(frequency) if duty else 0

    def seen_closed():  # low first, then given back
        pins = {*PINS.lamps.values(), BUZZER}
        return fake.at_rest() and set(fake.given_back) == {(pin, 0) for pin in pins}

    return Bench(GpioOutputs(PINS, "lgpio"), seen, lambda: list(fake.writes), seen_closed)


def memory_bench() -> Bench:
    outputs = MemoryOutputs()

    def seen():
        last = outputs.told[-1] if outputs.told else Shown()
        return set(last.lamps), last.tone_hz

    return Bench(outputs, seen, lambda: list(outputs.told))


@pytest.fixture
def fake(monkeypatch):
    with lgpio_stand_in(monkeypatch) as made:
        yield made


@pytest.fixture(params=["mock", "lgpio", "memory"])
def bench(request, tmp_path, monkeypatch):
    if request.param == "mock":
        made = mock_bench(tmp_path / "pins.jsonl", monkeypatch)
    elif request.param == "lgpio":
        made = real_bench(request.getfixturevalue("fake"))
    else:
        made = memory_bench()
    yield made
    made.outputs.close()
    assert gpiozero.Device.pin_factory is None


def test_it_opens_dark_and_is_an_output(bench):
    assert isinstance(bench.outputs, Outputs)
    assert bench.seen() == (set(), 0)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(steps=st.lists(shown_things, max_size=8))
def test_it_shows_what_it_was_told_last(bench, steps):
    for shown in steps:
        bench.outputs.show(shown)
        assert bench.seen() == (set(shown.lamps), shown.tone_hz)


def test_the_same_again_writes_nothing(bench):
    bench.outputs.show(Shown())
    bench.outputs.show(CAUTION)
    before = bench.writes()
    bench.outputs.show(CAUTION)
    bench.outputs.show(Shown(level="caution", lamps=frozenset(["left", "caution", "system"]), tone_hz=1000))
    assert bench.writes() == before
    assert bench.seen() == (set(CAUTION.lamps), 1000)


def test_close_is_dark_and_silent_and_may_come_twice(bench):
    bench.outputs.show(CAUTION)
    bench.outputs.close()
    assert bench.seen() == (set(), 0)
    assert bench.seen_closed()
    before = bench.writes()
    bench.outputs.close()
    assert bench.writes() == before
    with pytest.raises(OSError, match="closed"):
        bench.outputs.show(CAUTION)
    assert bench.seen() == (set(), 0)


def test_every_sound_of_the_presenter_can_be_played(bench):
    tones = [(hz, volume) for hz, _on, _off, _times, volume in SOUNDS if hz]
    assert len({hz for hz, _volume in tones}) == 3  # of information, caution, warning
    for hz, volume in tones:
        bench.outputs.show(Shown(tone_hz=hz, volume_percent=volume))
        assert bench.seen() == (set(), hz)


@pytest.mark.parametrize("level", [True, False])
def test_mock_pins_are_written_in_order_lamps_first(tmp_path, level):
    path = tmp_path / "pins.jsonl"
    outputs = GpioOutputs(PINS, "mock", path)
    everything = Shown(lamps=frozenset(LAMPS), tone_hz=1000)
    outputs.show(everything)
    if not level:
        outputs.show(Shown())
    outputs.close()
    opened, shown = lines(path)[:9], lines(path)[9 : 18 if level else 27][-9:]
    assert [line["name"] for line in opened] == [*LAMPS, "buzzer"]
    assert [line["name"] for line in shown] == [*LAMPS, "buzzer"]
    assert [line["pin"] for line in shown] == [*PINS.lamps.values(), BUZZER]
    assert {line["value"] for line in shown} == {int(level)}
    assert [line["hz"] for line in shown] == [0] * 8 + [1000 * level]
    times = [line["t_ns"] for line in lines(path)]
    assert times == sorted(times)
    assert [line["value"] for line in lines(path)[-9:]] == [0] * 9


def test_the_duty_gives_the_sound_pressure():
    """Of a rectangle's ground tone: sin(pi d). Pins take whole percents, the next above, a step of it at most away."""
    for volume in range(10, 101):
        percent = duty_percent(volume)
        assert 0 <= math.sin(math.pi * percent / 100) - volume / 100 + 1e-9 < 0.0315, volume
    assert [duty_percent(volume) for volume in (1, 5, 50, 100, 200)] == [1, 2, 17, 50, 50]


def test_levels_differ_in_sound_pressure_at_each_volume():
    """[G appendix 2.2 (4)]: on the pin, whatever `volume_percent` is configured."""
    levels = [SOUNDS[code][4] for code in (codes.SOUND_INFORMATION, codes.SOUND_CAUTION, codes.SOUND_WARNING)]
    for volume in range(10, 101):
        information, caution, warning = (duty_percent(level * volume // 100) for level in levels)
        assert information < caution < warning, volume


@pytest.mark.parametrize(("volume", "duty"), [(100, 50), (80, 30), (79, 29), (50, 17), (10, 4), (5, 2), (1, 1)])
def test_the_volume_reaches_the_pin(tmp_path, fake, volume, duty):
    shown = Shown(tone_hz=1000, volume_percent=volume)
    for factory in ("mock", "lgpio"):
        outputs = GpioOutputs(PINS, factory, tmp_path / "pins.jsonl")
        outputs.show(shown)
        if factory == "lgpio":
            assert fake.pwm[BUZZER] == (1000, duty)
        outputs.close()
    sounding = [line for line in lines(tmp_path / "pins.jsonl") if line["hz"]]
    assert [(line["value"], line["hz"], line["duty"]) for line in sounding] == [(1, 1000, duty / 100)]


def test_a_silent_pin_has_no_duty_and_no_lamp_has_one(tmp_path):
    outputs = GpioOutputs(PINS, "mock", tmp_path / "pins.jsonl")
    outputs.show(CAUTION)
    outputs.close()
    assert {line["name"] for line in lines(tmp_path / "pins.jsonl") if "duty" in line} == {"buzzer"}
    assert all(("duty" in line) == bool(line["hz"]) for line in lines(tmp_path / "pins.jsonl"))


def test_a_change_of_volume_alone_is_written(bench):
    bench.outputs.show(Shown(tone_hz=1000, volume_percent=80))
    before = len(bench.writes())
    bench.outputs.show(Shown(tone_hz=1000, volume_percent=40))
    assert len(bench.writes()) > before
    assert bench.seen() == (set(), 1000)


@pytest.mark.parametrize("factory", ["mock", "lgpio"])
def test_it_tells_when_light_and_tone_were_written(factory, fake):
    outputs = GpioOutputs(PINS, factory)
    assert (outputs.lit_ns, outputs.sounded_ns) == (0, 0)
    begin_ns = time.monotonic_ns()
    outputs.show(CAUTION)
    lit_ns, sounded_ns = outputs.lit_ns, outputs.sounded_ns
    assert begin_ns <= lit_ns <= sounded_ns <= time.monotonic_ns()
    outputs.show(CAUTION)
    assert (outputs.lit_ns, outputs.sounded_ns) == (lit_ns, sounded_ns)
    outputs.show(Shown(lamps=CAUTION.lamps))
    assert outputs.lit_ns == lit_ns
    assert outputs.sounded_ns > sounded_ns
    outputs.close()


def test_what_was_not_written_has_no_time(fake):
    outputs = GpioOutputs(PINS, "lgpio")
    fake.broken = {*PINS.lamps.values(), BUZZER}
    with pytest.raises(OSError, match="caution"):
        outputs.show(CAUTION)
    assert (outputs.lit_ns, outputs.sounded_ns) == (0, 0)
    fake.broken = set()
    outputs.close()


def test_a_tone_that_changes_is_one_line(tmp_path):
    path = tmp_path / "pins.jsonl"
    outputs = GpioOutputs(PINS, "mock", path)
    for hz, volume in ((1000, 100), (2000, 100), (500, 10), (0, 100)):
        outputs.show(Shown(tone_hz=hz, volume_percent=volume))
    outputs.close()
    told = [(line["value"], line["hz"], line.get("duty")) for line in lines(path)[9:]]
    assert told == [(1, 1000, 0.5), (1, 2000, 0.5), (1, 500, 0.04), (0, 0, None)]


def test_the_record_is_appended(tmp_path):
    path = tmp_path / "pins.jsonl"
    for _ in range(2):
        GpioOutputs(PINS, "mock", path).close()
    assert len(lines(path)) == 18


def test_mock_pins_do_not_grow_and_start_no_thread():
    threads = threading.active_count()
    outputs = GpioOutputs(PINS, "mock")
    for turn in range(500):
        outputs.show(CAUTION if turn % 2 else Shown())
    assert threading.active_count() == threads
    assert {len(pin.states) for pin in outputs._chip._factory.pins.values()} == {1}
    outputs.close()
    assert outputs.counters == {}


def test_two_units_of_mock_pins_do_not_meet():
    first, second = GpioOutputs(PINS, "mock"), GpioOutputs(PINS, "mock")
    first.show(CAUTION)
    second.close()
    first.close()


# The record's faults


def test_a_full_disk_costs_lines_that_are_counted():
    outputs = GpioOutputs(PINS, "mock", Path("/dev/full"))
    lost = outputs.counters["record_lost"]
    assert lost >= 9
    outputs.show(CAUTION)
    assert outputs.counters["record_lost"] >= lost + len(CAUTION.lamps) + 1
    outputs.close()


def test_a_record_that_recovers_tells_the_truth_again(tmp_path):
    """A pipe that is full for a while: what was lost is counted, and the next write of the pin stands again."""
    path = tmp_path / "pins.fifo"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096)
    outputs = GpioOutputs(PINS, "mock", path)
    filler = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    outputs.show(CAUTION)
    os.read(reader, 1 << 16)
    try:
        while True:
            os.write(filler, b"\n")
    except BlockingIOError:
        pass
    outputs.show(Shown())
    assert outputs.counters["record_lost"] >= 4
    while os.read(reader, 1 << 16).strip():
        pass
    outputs.close()
    last = [json.loads(line) for line in os.read(reader, 1 << 16).splitlines()]
    assert {(line["name"], line["value"]) for line in last} == {(name, 0) for name in (*CAUTION.lamps, "buzzer")}
    os.close(filler)
    os.close(reader)


def test_a_torn_line_stands_alone(tmp_path, monkeypatch):
    path = tmp_path / "pins.jsonl"
    outputs = GpioOutputs(PINS, "mock", path)
    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda file, data: write(file, data[:20]))
        outputs.show(Shown(lamps=frozenset({"system"})))
    assert outputs.counters["record_lost"] == 1
    outputs.show(Shown(lamps=frozenset({"system", "left"})))
    outputs.close()
    told = path.read_text().splitlines()
    assert len(told[9]) == 20
    assert json.loads(told[10])["name"] == "left"
    assert [json.loads(line)["value"] for line in told[11:]] == [0]  # the system lamp's on was lost, so its off is none


@pytest.mark.parametrize("place", ["folder", "absent/pins.jsonl"])
def test_a_record_that_cannot_be_opened_is_refused(tmp_path, place):
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError) as refused:
        GpioOutputs(PINS, "mock", tmp_path / place)
    assert str(tmp_path / place) in str(refused.value)
    assert "\n" not in str(refused.value)


# Real pins


def test_a_pin_that_fails_is_named_and_tried_again(fake):
    outputs = GpioOutputs(PINS, "lgpio")
    fake.broken = {PINS.leds.caution, BUZZER}
    with pytest.raises(OSError, match="caution") as failed:
        outputs.show(CAUTION)
    assert failed.value.errno == errno.EIO
    assert "pin 6" in str(failed.value)
    assert "buzzer" in str(failed.value)
    assert fake.out[PINS.leds.left] == 1  # the others are lit all the same
    fake.broken = set()
    outputs.show(CAUTION)
    assert fake.out[PINS.leds.caution] == 1
    assert fake.pwm[BUZZER] == (1000, 50)
    outputs.close()
    assert fake.at_rest()


def test_a_write_that_failed_may_have_been_done(fake):
    """What a failed write left is not known: it is written again, though the lamp counted as off before."""
    outputs = GpioOutputs(PINS, "lgpio")
    fake.late = {PINS.leds.caution, BUZZER}
    with pytest.raises(OSError, match="late error"):
        outputs.show(CAUTION)
    fake.late = set()
    outputs.show(Shown())
    assert not any(fake.out.values())
    assert not fake.pwm
    outputs.close()


def test_closing_goes_on_where_a_pin_fails(fake):
    outputs = GpioOutputs(PINS, "lgpio")
    outputs.show(CAUTION)
    fake.broken = {PINS.leds.system}
    outputs.close()
    assert fake.at_rest()


@pytest.mark.parametrize(("pin", "key"), [(6, "leds.caution"), (17, "leds.system"), (12, "buzzer.pwm")])
def test_a_busy_pin_is_refused_by_key_and_nothing_stays_on(fake, pin, key):
    fake.busy = {pin}
    with pytest.raises(UsageError) as refused:
        GpioOutputs(PINS, "lgpio")
    assert f"pin {pin} ({key})" in str(refused.value)
    assert "in use" in str(refused.value)
    assert fake.at_rest()
    fake.busy = set()
    GpioOutputs(PINS, "lgpio").close()


@pytest.mark.parametrize(("pin", "key"), [(6, "leds.caution"), (12, "buzzer.pwm")])
def test_a_pin_that_cannot_be_written_is_refused_at_the_start(fake, pin, key):
    fake.broken = {pin}
    with pytest.raises(UsageError) as refused:
        GpioOutputs(PINS, "lgpio")
    assert f"pin {pin} ({key}): cannot be" in str(refused.value)
    assert fake.at_rest()


def test_a_chip_without_pwm_is_refused_at_the_start(fake):
    fake.no_pwm = {BUZZER}
    with pytest.raises(UsageError) as refused:
        GpioOutputs(PINS, "lgpio")
    assert f"pin {BUZZER} (buzzer.pwm): cannot be opened: " in str(refused.value)
    assert "change the pin map" in str(refused.value)
    assert fake.at_rest()


def test_a_pwm_that_is_refused_while_it_runs_leaves_the_lamps_and_recovers(fake):
    outputs = GpioOutputs(PINS, "lgpio")
    presenter = Presenter([outputs])
    fake.no_pwm = {BUZZER}
    caution = {"level": "caution", "colour": "yellow", "function": "crossing", "direction": "left", "sound": "caution"}
    presenter.hmi(caution | {"text": "", "text_id": "none", "light": "caution", "cue": True, "muted": False}, 0)
    assert fake.out[PINS.leds.caution] == 1
    assert fake.out[PINS.leds.left] == 1
    assert BUZZER not in fake.pwm
    assert f"buzzer (pin {BUZZER})" in presenter.down["gpio"]
    presenter.tick(400_000_000)  # the second flash, and the second tone
    assert fake.out[PINS.leds.caution] == 1
    assert "gpio" in presenter.down
    fake.no_pwm = set()
    presenter.tick(600_000_000)
    presenter.tick(800_000_000)
    assert fake.pwm[BUZZER][0] == 1000
    assert presenter.down == {}
    fake.no_pwm = {BUZZER}  # it cannot be ended either: it is tried again, and at the end
    presenter.tick(1_000_000_000)
    assert "gpio" in presenter.down
    assert fake.out[PINS.leds.caution] == 0
    fake.no_pwm = set()
    presenter.tick(1_200_000_000)
    presenter.tick(1_400_000_000)
    assert presenter.down == {}
    assert BUZZER not in fake.pwm
    assert not fake.out.get(BUZZER)
    outputs.close()
    assert fake.at_rest()


def test_lamps_and_switches_share_one_chip(fake):
    gpio = open_gpio(PINS, "lgpio")
    assert len(fake.handles) == 1
    assert fake.flags[PINS.switches.mute] & fake.SET_PULL_UP
    gpio.outputs.show(CAUTION)
    gpio.close()
    gpio.close()
    assert fake.at_rest()


@pytest.mark.parametrize("pin", [PINS.leds.caution, BUZZER, PINS.switches.request])
def test_a_busy_pin_of_any_kind_is_named_and_all_is_given_back(fake, pin):
    fake.busy = {pin}
    with pytest.raises(UsageError, match=rf"pin {pin} \([a-z]+\.[a-z]+\): in use"):
        open_gpio(PINS, "lgpio")
    assert fake.at_rest()


def test_darkening_goes_pin_by_pin(fake):
    """As after a crash: what was left high goes low, whatever else cannot be had."""
    fake.busy = {PINS.leds.system}
    fake.broken = {PINS.leds.left}
    chip = open_chip("lgpio", PINS)
    failed = darken(PINS, chip)
    chip.close()
    assert set(failed) == {"leds.system", "leds.left"}
    assert f"pin {PINS.leds.system} (leds.system): in use" in failed["leds.system"]
    expected = {*PINS.lamps.values(), BUZZER} - {PINS.leds.system}
    assert {pin for pin, level in fake.given_back if not level} == expected
    assert fake.at_rest()


def test_a_pin_given_twice_is_refused():
    pins = PINS.model_copy(update={"buzzer": PINS.buzzer.model_copy(update={"pwm": 6})})
    with pytest.raises(UsageError, match=r"pin 6 \(buzzer.pwm\): in use"):
        GpioOutputs(pins, "mock")


def test_lgpio_is_imported_in_a_folder_of_its_own(fake, tmp_path, monkeypatch):
    """As lgpio does: a FIFO in the working directory. Here that cannot be written; its own is gone afterwards."""
    made: list[Path] = []
    monkeypatch.delitem(sys.modules, "lgpio")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "lgpio.py").write_text(
        "import os, sys\nos.mkfifo('.lgd-nfy0')\nsys.modules[__name__] = sys.imported(os.getcwd())\n"
    )
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.setattr(sys, "imported", lambda folder: (made.append(Path(folder)), fake)[1], raising=False)
    monkeypatch.chdir(tmp_path)
    GpioOutputs(PINS, "lgpio").close()
    monkeypatch.setitem(sys.modules, "lgpio", fake)  # for the undoing of it
    assert Path.cwd() == tmp_path
    assert made != [tmp_path]
    assert not made[0].exists()
    assert os.listdir(tmp_path) == ["site"]


def test_without_lgpio_the_mend_is_told(monkeypatch):
    FakeLgpio.forget()
    monkeypatch.setitem(sys.modules, "lgpio", None)
    with pytest.raises(UsageError) as refused:
        GpioOutputs(PINS, "lgpio")
    assert "pip install 'asvkit[pi]'" in str(refused.value)


def test_a_fifo_that_cannot_be_made_is_told(fake, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "absent"))
    with pytest.raises(UsageError, match="TMPDIR") as refused:
        GpioOutputs(PINS, "lgpio")
    assert "\n" not in str(refused.value)


def make_chips(root: Path, *names: str, mode: int = 0o600) -> Path:
    (root / "dev").mkdir()
    for name in names:
        (root / "dev" / name).touch()
        (root / "dev" / name).chmod(mode)
    return root


@pytest.mark.parametrize("cause", ["none", "denied", "else"])
def test_a_chip_that_cannot_be_opened_says_why(fake, tmp_path, monkeypatch, cause):
    fake.chips = set()
    root = make_chips(tmp_path, *([] if cause == "none" else ["gpiochip0"]))
    monkeypatch.setattr(os, "access", lambda path, mode: cause != "denied")  # the tests may run as root
    monkeypatch.setattr("grp.getgrgid", lambda gid: type("Group", (), {"gr_name": "gpio"}))
    monkeypatch.setattr(chips._why_closed, "__defaults__", (root,))
    with pytest.raises(UsageError) as refused:
        GpioOutputs(PINS, "lgpio")
    expected = {"none": "no /dev/gpiochip*", "denied": "usermod -aG gpio", "else": "can not open gpiochip"}[cause]
    assert expected in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_group_without_a_name_is_told_by_number(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)

    def nobody(gid):
        raise KeyError(gid)

    monkeypatch.setattr("grp.getgrgid", nobody)
    root = make_chips(tmp_path, "gpiochip0")
    gid = (root / "dev" / "gpiochip0").stat().st_gid
    assert f"usermod -aG {gid} " in chips._why_closed("", root)


@pytest.mark.parametrize("place", ["proc/device-tree/model", "sys/firmware/devicetree/base/model"])
@pytest.mark.parametrize(
    ("model", "chip", "package", "chosen"),
    [
        (b"Raspberry Pi 4 Model B Rev 1.4\0", "gpiochip0", True, "lgpio"),
        (b"Raspberry Pi 5 Model B Rev 1.0\0", "gpiochip4", True, "lgpio"),
        (b"Raspberry Pi 4 Model B Rev 1.4\0", "tty0", True, "mock"),
        (b"Raspberry Pi 4 Model B Rev 1.4\0", "gpiochip0", False, "mock"),
        (b"Banana Pi\0", "gpiochip0", True, "mock"),
        (None, "gpiochip0", True, "mock"),
    ],
)
def test_the_factory_is_chosen_by_board_and_package(tmp_path, monkeypatch, place, model, chip, package, chosen):
    root = make_chips(tmp_path, chip)
    if model is not None:
        (root / place).parent.mkdir(parents=True)
        (root / place).write_bytes(model)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: "found" if package and name == "lgpio" else None)
    assert choose_factory("auto", root) == chosen
    assert choose_factory("lgpio", root) == "lgpio"
    assert choose_factory("mock", root) == "mock"
