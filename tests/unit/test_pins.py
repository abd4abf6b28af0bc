"""Pin maps: the one that comes with asvkit, and every mistake refused by file and key."""

import itertools
import re

import pytest

from asvunit.errors import UsageError
from asvunit.pins import PinMap, load_pins
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
    path.write_text(re.sub(r"^(?!version)(\w+ = )\d+", lambda match: match[1] + str(next(numbers)), TEXT, flags=re.M))
    assert list(load_pins(path).by_key().values()) == list(range(27, 16, -1))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("caution = 6", "caution = 28", "leds.caution: "),
        ("caution = 6", "caution = -1", "leds.caution: "),
        ("caution = 6", "caution = 6.0", "leds.caution: "),
        ("caution = 6", "caution = true", "leds.caution: "),
        ("caution = 6", 'caution = "GPIO6"', "leds.caution: "),
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


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        load_pins(tmp_path / "absent.toml")


def test_the_map_cannot_be_changed():
    pins = load_pins(None)
    assert isinstance(pins, PinMap)
    with pytest.raises(ValueError, match="frozen"):
        pins.leds.caution = 7
