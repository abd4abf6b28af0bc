"""Pin maps: the one that comes with asvkit, and every mistake refused by file and key."""

import itertools
import re

import pytest

from asvunit.errors import UsageError
from asvunit.pins import PinMap, check_pins, load_pins
from asvunit.resources import data_folder

TEXT = (data_folder("hardware") / "pins.toml").read_text()


def test_the_packaged_map_is_whole_and_uses_no_pin_twice():
    pins = load_pins(None)
    assert pins == load_pins(data_folder("hardware") / "pins.toml")
    assert list(pins.lamps) == ["system", "receiving", "fault", "information", "caution", "warning", "left", "right"]
    assert pins.lamps["caution"] == pins.leds.caution == pins.by_key()["leds.caution"] == 6
    numbers = list(pins.by_key().values())
    assert len(numbers) == len(set(numbers)) == 11
    assert set(numbers) <= set(range(2, 28))  # 0 and 1 are the header's identification


def test_any_numbers_will_do(tmp_path):
    numbers = itertools.count(27, -1)
    path = tmp_path / "pins.toml"
    text = TEXT[: TEXT.index("# May be left out")]
    path.write_text(re.sub(r"^(?!version)(\w+ = )\d+", lambda match: match[1] + str(next(numbers)), text, flags=re.M))
    pins = load_pins(path)
    assert list(pins.by_key().values()) == list(range(27, 16, -1))
    assert (pins.reserved, pins.bench_pins()) == ({}, {})


def test_the_packaged_map_keeps_off_what_else_is_on_the_header():
    pins = load_pins(None)
    assert pins.reserved == {"uart": [14, 15], "spi_can": [7, 8, 9, 10, 11, 25], "eeprom": [0, 1]}
    assert set(pins.bench_pins()) == {"bench.loopback", "bench.photodiode", "bench.microphone"}
    every = [*pins.by_key().values(), *pins.bench_pins().values(), *itertools.chain(*pins.reserved.values())]
    assert len(every) == len(set(every))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("caution = 6", "caution = 28", "leds.caution: pin 28 is not on the 40-pin header; give a BCM number, 2 to 27"),
        ("caution = 6", "caution = -1", "leds.caution: pin -1 is not on the 40-pin header"),
        ("caution = 6", "caution = 0", "leds.caution: pin 0 is the header's own"),
        ("caution = 6", "caution = 1", "leds.caution: pin 1 is the header's own"),
        ("caution = 6", "caution = 6.0", "leds.caution: 6.0 is no pin; give its BCM number"),
        ("caution = 6", "caution = true", "leds.caution: true is no pin"),
        ("caution = 6", 'caution = "GPIO6"', "leds.caution: 'GPIO6' is no pin; give its BCM number"),
        ("caution = 6", "caution = [6]", "leds.caution: [6] is no pin"),
        ("caution = 6", "caution = 15", "leds.caution: pin 15 is reserved (reserved.uart); give another"),
        ("caution = 6", "caution = 25", "leds.caution: pin 25 is reserved (reserved.spi_can)"),
        ("request = 24", "request = 7", "switches.request: pin 7 is reserved (reserved.spi_can)"),
        ("loopback = 16", "loopback = 6", "bench.loopback: pin 6 is that of leds.caution too"),
        ("loopback = 16", "loopback = 14", "bench.loopback: pin 14 is reserved (reserved.uart)"),
        ("loopback = 16", "loopback = 99", "bench.loopback: pin 99 is not on the 40-pin header"),
        ("loopback = 16", "loopbak = 16", "bench.loopbak: unknown key; did you mean loopback"),
        ("uart = [14, 15]", "uart = [14, 28]", "reserved.uart.1: pin 28 is not on the 40-pin header"),
        ("uart = [14, 15]", "uart = 14", "reserved.uart: "),
        ("caution = 6", "", "leds.caution: field required"),
        ("caution = 6", "cautoin = 6", "leds.cautoin: unknown key; did you mean caution"),
        ("caution = 6", "caution = 6\nhorn = 7", "leds.horn: unknown key"),
        ("pwm = 12", "pwm = 6", "buzzer.pwm: pin 6 is that of leds.caution too"),
        ("request = 24", "request = 23", "switches.request: pin 23 is that of switches.mute too"),
        ("right = 26", "right = 19", "leds.right: pin 19 is that of leds.left too"),
        ("[switches]", "[buttons]", "buttons: unknown key"),
        ("version = 1", "version = 2", "version: "),
        ("version = 1", "", "version: field required"),
        ("[leds]", "[leds", "not TOML"),
    ],
)
def test_mistakes_are_refused_by_file_and_key(tmp_path, old, new, told):
    path = tmp_path / "my pins.toml"
    assert TEXT.count(old) == 1
    path.write_text(TEXT.replace(old, new))
    with pytest.raises(UsageError) as refused:
        load_pins(path)
    assert str(refused.value).startswith(f"{path}: {told}")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("port", ["/dev/ttyAMA0", "/dev/ttyS0", "/dev/serial0"])
@pytest.mark.parametrize(("key", "pin"), [("leds.caution", 14), ("buzzer.pwm", 15), ("bench.loopback", 14)])
def test_the_receivers_uart_is_reserved_in_any_case(tmp_path, port, key, pin):
    old = {"leds.caution": "caution = 6", "buzzer.pwm": "pwm = 12", "bench.loopback": "loopback = 16"}[key]
    path = tmp_path / "pins.toml"
    path.write_text(TEXT.replace("uart = [14, 15]", "").replace(old, f"{old.split(' =')[0]} = {pin}"))
    pins = load_pins(path)
    with pytest.raises(UsageError, match=rf"^hmi.pins: {key}: pin {pin} is a line of the receiver's port {port} "):
        check_pins(pins, port)
    for other in (None, "/dev/ttyACM0", "/dev/ttyUSB0", "/dev/ttyAMA10"):
        check_pins(pins, other)


def test_a_link_to_the_uart_is_the_uart(tmp_path):
    path = tmp_path / "pins.toml"
    path.write_text(TEXT.replace("uart = [14, 15]", "").replace("caution = 6", "caution = 14"))
    link = tmp_path / "receiver"
    link.symlink_to(tmp_path / "ttyAMA0")
    with pytest.raises(UsageError, match="pin 14"):
        check_pins(load_pins(path), str(link))


def test_the_packaged_map_suits_a_receiver_on_the_uart():
    check_pins(load_pins(None), "/dev/serial0")


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        load_pins(tmp_path / "absent.toml")


def test_the_map_cannot_be_changed():
    pins = load_pins(None)
    assert isinstance(pins, PinMap)
    with pytest.raises(ValueError, match="frozen"):
        pins.leds.caution = 7
