"""`asvkit gpio`: the table, all off, each lamp and tone in turn; and what each refuses."""

import fcntl
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from asvcore import codes
from asvcore.hmi_rules import LEVELS, SYSTEM_COLOURS
from asvtools import gpio_command, gpio_wiring
from asvtools.doctor import pins_check
from asvtools.doctor.finding import OK, Job
from asvtools.gpio_wiring import HEADER, PARTS
from asvunit.config import Config
from asvunit.errors import AsvkitError, UsageError
from asvunit.pins import load_pins
from asvunit.presenter import SYSTEM
from asvunit.resources import data_folder
from asvunit.words import WORDS
from outputtools import FakeLgpio, lgpio_stand_in

PINS = load_pins(None)
PLACES = len(PINS.lamps) + 1


def unit(folder: Path, text: str = 'gpio = "mock"\nrecord = "pins.jsonl"\n') -> Path:
    file = folder / "unit.toml"
    file.write_text(f"[hmi]\n{text}")
    return file


def recorded(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "pins.jsonl").read_text().splitlines()]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLgpio]:
    with lgpio_stand_in(monkeypatch) as made:
        yield made


# The table


def test_the_header_has_each_gpio_once() -> None:
    assert sorted(HEADER) == list(range(28))
    power = {1, 2, 4, 6, 9, 14, 17, 20, 25, 30, 34, 39}
    assert sorted(HEADER.values()) == sorted(set(range(1, 41)) - power)


def test_every_pin_that_a_map_may_name_has_its_part() -> None:
    assert set(PARTS) == {*PINS.by_key(), *PINS.bench_pins()}
    assert all(part.meaning for part in PARTS.values())
    assert {key for key, part in PARTS.items() if part.colour} == {key for key in PARTS if key.startswith("leds.")}


def test_the_lamps_colours_are_those_of_the_rules() -> None:
    """Levels' and the unit's own lamps by the core's tables; red and yellow are the levels' alone."""
    for level, (colour, _light, _sound) in enumerate(LEVELS):
        if level != codes.LEVEL_NONE:
            assert PARTS[f"leds.{WORDS['LEVEL'][level]}"].colour == WORDS["COLOUR"][colour]
    for name, colour in zip(SYSTEM, SYSTEM_COLOURS, strict=True):
        assert PARTS[f"leds.{name}"].colour == WORDS["COLOUR"][colour]
    others = {part.colour for key, part in PARTS.items() if key not in ("leds.caution", "leds.warning")}
    assert not others & {"red", "yellow"}


def test_show_tells_every_pin(capsys: pytest.CaptureFixture[str]) -> None:
    gpio_command.show()
    lines = capsys.readouterr().out.splitlines()
    rows = {line.split()[0]: line.split() for line in lines}
    for key, pin in {**PINS.by_key(), **PINS.bench_pins()}.items():
        assert rows[key][1:3] == [f"GPIO{pin}", str(HEADER[pin])]
    assert "reserved for uart: 14, 15" in lines
    assert max(map(len, lines)) <= 120
    gpio_command.show(as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert {key: row["pin"] for key, row in told["pins"].items()} == {**PINS.by_key(), **PINS.bench_pins()}
    assert told["reserved"]["uart"] == [14, 15]


def test_show_takes_a_map_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "pins.toml"
    text = "\n".join(gpio_wiring.table(PINS))  # no map at all
    path.write_text(text)
    with pytest.raises(UsageError, match="not TOML"):
        gpio_command.show(pins=path)
    with pytest.raises(UsageError, match="--pins"):
        gpio_command.show(config=unit(tmp_path), pins=path)


def test_the_page_has_the_same_table() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "hardware.md").read_text(encoding="utf-8")
    section = page.partition("## The wiring\n")[2].partition("\n## ")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]
    expected = [
        [
            f"`{wire.key}`",
            f"GPIO{wire.pin}",
            str(wire.header),
            f"{wire.part.colour} {wire.part.part}".strip(),
            wire.part.meaning,
        ]
        for wire in gpio_wiring.wires(PINS)
    ]
    assert cells[2:] == expected
    assert cells[0] == gpio_wiring.table(PINS)[0].split()


def test_the_service_puts_out_what_a_killed_unit_leaves() -> None:
    lines = (data_folder("hardware") / "asvkit.service").read_text(encoding="utf-8").splitlines()
    (run,) = (line for line in lines if line.startswith("ExecStart="))
    (after,) = (line for line in lines if line.startswith("ExecStopPost="))
    program, _run, _option, config = run.removeprefix("ExecStart=").split()
    assert after == f"ExecStopPost=-{program} gpio off --config {config}"
    unit, _service = "\n".join(lines).split("[Service]")
    assert "\nStartLimitIntervalSec=0\n" in unit  # by default systemd gives up after five starts in ten seconds


# Off


def test_off_puts_every_pin_out(fake: FakeLgpio, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gpio_command.off(config=unit(tmp_path, 'gpio = "lgpio"\n'))
    assert set(fake.given_back) == {(pin, 0) for pin in [*PINS.lamps.values(), PINS.buzzer.pwm]}
    assert fake.at_rest()
    assert f"{PLACES} of {PLACES} pins" in capsys.readouterr().out


def test_off_goes_on_where_a_pin_is_busy(fake: FakeLgpio, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fake.busy = {PINS.leds.caution}
    with pytest.raises(AsvkitError, match=rf"pin {PINS.leds.caution} \(leds.caution\): in use"):
        gpio_command.off(config=unit(tmp_path, 'gpio = "lgpio"\n'))
    assert len(fake.given_back) == PLACES - 1
    assert f"{PLACES - 1} of {PLACES} pins" in capsys.readouterr().out


def test_pins_that_another_program_has_are_one_line(fake: FakeLgpio, tmp_path: Path) -> None:
    fake.busy = set(range(28))
    with pytest.raises(AsvkitError) as refused:
        gpio_command.off(config=unit(tmp_path, 'gpio = "lgpio"\n'))
    assert str(refused.value).startswith(f"pin {PINS.leds.system} (leds.system): in use; ")
    assert str(refused.value).endswith(f"; so {PLACES - 1} more")


@pytest.mark.parametrize("command", [gpio_command.off, gpio_command.try_pins])
def test_a_running_unit_keeps_its_pins(tmp_path: Path, command: Any) -> None:
    file = unit(tmp_path)
    with file.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(AsvkitError, match="has the pins; end it first"):
            command(config=file)
    assert not (tmp_path / "pins.jsonl").exists()


@pytest.mark.parametrize("command", [gpio_command.off, gpio_command.try_pins])
def test_a_unit_without_pins_has_nothing_to_do(
    tmp_path: Path, command: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    command(config=unit(tmp_path, 'gpio = "off"\n'))
    assert "hmi.gpio is off" in capsys.readouterr().out


@pytest.mark.parametrize("command", [gpio_command.off, gpio_command.try_pins, gpio_command.show])
def test_pins_of_the_receivers_port_are_refused(tmp_path: Path, command: Any) -> None:
    (tmp_path / "pins.toml").write_text(
        "version = 1\n[leds]\nsystem = 14\nreceiving = 2\nfault = 3\ninformation = 4\ncaution = 5\nwarning = 6\n"
        "left = 7\nright = 8\n[buzzer]\npwm = 9\n[switches]\nmute = 10\nrequest = 11\n"
    )
    file = unit(tmp_path, 'gpio = "mock"\npins = "pins.toml"\n[gnss]\nport = "/dev/serial0"\n')
    with pytest.raises(UsageError, match=r"leds.system: pin 14 is a line of the receiver's port"):
        command(config=file)


# Test


def test_each_lamp_and_each_tone_is_tried_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gpio_command.try_pins(config=unit(tmp_path), seconds=0.05)
    lines = recorded(tmp_path)
    assert [line["name"] for line in lines if line["value"] and not line["hz"]] == list(PINS.lamps)
    assert [line["hz"] for line in lines if line["hz"]] == [1000, 500, 2000]
    assert {line["name"]: line["value"] for line in lines} == dict.fromkeys([*PINS.lamps, "buzzer"], 0)
    said = capsys.readouterr().out
    for name, pin in PINS.lamps.items():
        assert f"{name} (pin {pin}): a {PARTS[f'leds.{name}'].colour} lamp is lit" in said
    for hz, sound in ((1000, "caution"), (500, "information"), (2000, "warning")):
        assert f"{hz} Hz, the tone of {sound}" in said


def test_what_cannot_be_written_is_told_and_the_rest_tried(
    fake: FakeLgpio, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = gpio_command._outputs

    def broken(*given: Any) -> list[str]:
        fake.broken = {PINS.leds.left}
        return opened(*given)

    monkeypatch.setattr(gpio_command, "_outputs", broken)
    with pytest.raises(AsvkitError, match=rf"^left \(pin {PINS.leds.left}\): [^;]*$"):
        gpio_command.try_pins(config=unit(tmp_path, 'gpio = "lgpio"\n'), seconds=0.05)
    said = capsys.readouterr().out
    assert "right (pin" in said
    assert "2000 Hz" in said
    assert "left (pin" not in said
    assert fake.at_rest()


def test_all_is_off_after_an_interruption(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_event: Any, _seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("threading.Event.wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        gpio_command.try_pins(config=unit(tmp_path))
    assert [line["value"] for line in recorded(tmp_path) if line["name"] == "system"] == [0, 1, 0]


def test_switches_are_waited_for_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = unit(tmp_path, 'gpio = "mock"\nswitches = "switches"\n')
    say = gpio_command._say

    def hand(text: str) -> None:
        say(text)
        if text.startswith("press "):
            line = json.dumps({"switch": text.split()[1], "value": 1}) + "\n"
            threading.Thread(target=(tmp_path / "switches").write_text, args=(line,)).start()

    monkeypatch.setattr(gpio_command, "_say", hand)
    gpio_command.try_pins(config=file, seconds=0.05, switches=5)
    said = capsys.readouterr().out
    assert f"press mute (pin {PINS.switches.mute}) within 5 s\nmute: pressed\n" in said
    assert f"press request (pin {PINS.switches.request}) within 5 s\nrequest: pressed\n" in said


def test_a_switch_that_nobody_presses_is_told(tmp_path: Path) -> None:
    file = unit(tmp_path, 'gpio = "mock"\nswitches = "switches"\n')
    with pytest.raises(AsvkitError, match=r"switch mute \(pin 23\): not pressed.*switch request \(pin 24\)"):
        gpio_command.try_pins(config=file, seconds=0.05, switches=0.05)
    with pytest.raises(AsvkitError, match="mock pins have none"):
        gpio_command.try_pins(config=unit(tmp_path), seconds=0.05, switches=0.05)


# The doctor


def pi(root: Path, kept: str) -> Job:
    for path, text in (
        ("proc/device-tree/model", "Raspberry Pi 5 Model B Rev 1.0\0"),
        ("dev/gpiochip0", ""),
        ("sys/module/pinctrl_rp1/parameters/persist_gpio_outputs", f"{kept}\n"),
    ):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return Job(config=Config(), root=root)


@pytest.mark.parametrize(("kept", "mend"), [("Y", "asvkit gpio off"), ("N", "")])
def test_the_doctor_tells_what_a_killed_units_lamps_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: str, mend: str
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: object())
    free = pins_check.Line("", "", False)
    found = list(pins_check.check_gpio(pi(tmp_path, kept), lambda _path: "pinctrl-rp1", lambda _path, _pin: free))
    (release,) = (each for each in found if each.name == "gpio release")
    assert release.state == OK
    assert ("as they were" in release.detail, mend in release.mend) == (kept == "Y", True)


def test_the_doctor_tells_of_a_pin_of_the_receivers_port(tmp_path: Path) -> None:
    (tmp_path / "pins.toml").write_text(
        "version = 1\n[leds]\nsystem = 14\nreceiving = 2\nfault = 3\ninformation = 4\ncaution = 5\nwarning = 6\n"
        "left = 7\nright = 8\n[buzzer]\npwm = 9\n[switches]\nmute = 10\nrequest = 11\n"
    )
    config = Config.model_validate({"hmi": {"gpio": "mock", "pins": "pins.toml"}, "gnss": {"port": "/dev/ttyAMA0"}})
    with pytest.raises(UsageError, match=r"leds.system: pin 14"):
        list(pins_check.check_gpio(Job(config=config, file=tmp_path / "unit.toml")))
