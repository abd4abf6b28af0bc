"""unit.json of a board: whatever it holds, a configuration and lines that say what to mend."""

import json
import runpy
from pathlib import Path
from typing import Any

import pytest
from asvboard.can_input import STATES
from asvboard.config import LONGEST, NEIGHBOURS_MOST, PROBLEMS_MOST, load
from asvboard.pins import LAMPS, ROLES, SWITCHES, Board
from asvboard.words import CAN_OK, CAN_STATES
from hypothesis import given
from hypothesis import strategies as st

from asvcore.settings import FIELDS
from asvunit import ports, presenter
from boardscenes import PICO_W, unit_json
from boardtools import FAKES


def pico_w() -> Board:
    """The pins of the Pico W, as its main.py has them."""
    board = runpy.run_path(str(PICO_W / "main.py"))["PicoW"].board
    assert isinstance(board, Board)
    return board


assert FAKES.is_dir()  # boardtools has put machine and network there
BOARD = pico_w()


def problems_of(**changes: Any) -> list[str]:
    return list(load(json.dumps(unit_json(**changes)), BOARD)[1])


def test_the_example_is_right_and_complete() -> None:
    config, problems = load((PICO_W / "unit.json").read_bytes(), BOARD)
    assert problems == []
    assert config.settings.neighbours == 32
    assert (config.settings.uses_gnss, config.settings.uses_can, config.settings.uses_radio) == (1, 1, 1)
    assert config.pins == BOARD.defaults
    given_pins = json.loads((PICO_W / "unit.json").read_text())["pins"]
    assert {f"{group}.{role}": pin for group, roles in given_pins.items() for role, pin in roles.items()} == config.pins


def test_the_roles_of_its_pins_are_those_of_the_pi() -> None:
    assert set(LAMPS) == presenter.LAMPS
    assert tuple(ports.SWITCHES) == SWITCHES
    assert set(BOARD.defaults) == {f"{group}.{role}" for group, roles in ROLES for role in roles}
    assert len(set(BOARD.defaults.values())) == len(BOARD.defaults)


def test_an_empty_object_is_a_unit_without_anything() -> None:
    config, problems = load("{}", BOARD)
    assert problems == []
    assert config.gnss is config.can is config.radio is None
    assert (config.settings.uses_gnss, config.settings.uses_can, config.settings.uses_radio) == (0, 0, 0)
    assert config.settings.neighbours <= NEIGHBOURS_MOST


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"rdio": 1}, "rdio: no such key; there are config core vehicle pins gnss can radio hmi"),
        ({"config": 2}, "config: 2 is no version of this form; give 1"),
        ({"core": {"vehicle_kind": 16}}, "core.vehicle_kind: 16 is outside 0..15; give one of these"),
        ({"core": {"crosing": 1}}, "core.crosing: no such setting of the core; docs/board.md lists them"),
        ({"core": {"seed": 1}}, "core.seed: is not for this file: drawn anew at each start; take it out"),
        ({"core": {"timeout_brake_ms": 50}}, "core.timeout_brake_ms: is not for this file: the car's map tells it; "),
        ({"core": {"neighbours": 129}}, "core.neighbours: 129 is outside 1..128; give one of these"),
        ({"core": {"crossing": "on"}}, "core.crossing: on is no whole number; give one of 0..1"),
        ({"gnss": {"baud": 0}}, "gnss.baud: 0 is outside 1200..921600; give the receiver's own: 9600, 38400, 115200"),
        ({"gnss": {"baud": 9600.5}}, "gnss.baud: 9600.5 is no whole number; "),
        ({"gnss": {"bauds": 1}}, "gnss.bauds: no such key; there are baud"),
        ({"can": {"kbit": 2000}}, "can.kbit: 2000 is outside 5..1000; give the bus's own: 500, 250, 125"),
        ({"can": {"listen_only": 1}}, "can.listen_only: 1 is neither true nor false; "),
        ({"can": None}, 'can: missing: a car\'s map needs its bus: "can": {"kbit": 500, ...}; or leave vehicle out'),
        ({"vehicle": None}, 'vehicle: missing: a CAN bus needs the car\'s compiled map, as "car.json"; '),
        ({"vehicle": 5}, 'vehicle: 5 is no file name; give that of the compiled map, as "car.json"'),
        ({"radio": {"password": "short"}}, "radio.password: too short: one of WPA has 8 to 63 characters; "),
        ({"radio": {"address": "192.168.1"}}, 'radio.address: 192.168.1 is no IPv4 address; give "broadcast", or one'),
        ({"radio": {"address": "192.168.1.08"}}, "radio.address: 192.168.1.08 is no IPv4 address; "),
        ({"radio": {"country": "jp"}}, "radio.country: jp is no country; give its two capital letters, as JP"),
        ({"vehicle": "a\nb.json"}, "vehicle: a?b.json is no file name; "),
        ({"radio": {"role": "mesh"}}, "radio.role: mesh is none of station access_point; "),
        ({"radio": {"ssid": ""}}, "radio.ssid: 0 characters; 1 to 32 are needed; give the name of the Wi-Fi network"),
        ({"hmi": {"language": "de"}}, "hmi.language: de is none of en ja; of the texts on the console"),
        ({"pins": {"leds": {"fault": 24}}}, "pins.leds.fault: 24 is no free GPIO of this board; "),
        ({"pins": {"leds": {"fault": 2}}}, "pins.leds.fault: GPIO 2 is that of pins.leds.system too; "),
        ({"pins": {"leds": {"faults": 3}}}, "pins.leds.faults: no such key; "),
        ({"pins": {"gnss": {"rx": 22}}}, "pins.gnss.rx: GPIO 22 is no such line of that UART; "),
        ({"pins": {"can": {"sck": 22, "mosi": 27}}}, "pins.can.mosi: GPIO 27 is no such line of that SPI; "),
    ],
)  # fmt: skip
def test_a_wrong_file_is_told_in_a_line_that_says_where_what_and_the_mend(changes: dict[str, Any], line: str) -> None:
    told = problems_of(**changes)
    assert any(one.startswith(f"unit.json: {line}") and len(one.partition("; ")[2]) > 4 for one in told), told
    assert len(told) <= 3


def test_a_core_that_is_no_table_is_told() -> None:
    assert load('{"core": 5}', BOARD)[1] == ['unit.json: core: 5 is no table; write "core": {...}, or leave it out']


def test_pins_of_what_a_unit_has_not_are_free() -> None:
    bus = '"can": {"oscillator_hz": 8000000}, "vehicle": "car.json", '
    assert load('{"pins": {"leds": {"left": 16}}}', BOARD)[1] == []
    assert load("{" + bus + '"pins": {"leds": {"left": 16}}}', BOARD)[1] == [
        "unit.json: pins.leds.left: GPIO 16 is that of pins.can.miso too; give each its own"
    ]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "5", "\x00", b"\xff\xfe", '{"a": 1} x', "{" * 5000, "[" * 9000, '{"core":']
)
def test_what_is_no_object_is_told(text: str | bytes) -> None:
    (line,) = load(text, BOARD)[1]
    assert line.startswith("unit.json: is no JSON")


def test_a_file_too_long_is_not_read() -> None:
    assert load(" " * (LONGEST + 1), BOARD)[1][0].startswith(f"unit.json: {LONGEST + 1} characters; at most {LONGEST}")


def test_only_so_many_lines() -> None:
    told = load(json.dumps({f"key{n}": n for n in range(50)}), BOARD)[1]
    assert len(told) == PROBLEMS_MOST + 1
    assert told[-1] == "unit.json: and 44 more"


def test_the_pin_of_the_fault_lamp_stands_though_others_are_wrong() -> None:
    pins = {"leds": {"fault": 22, "caution": 99}}
    config, problems = load(json.dumps({"pins": pins}), BOARD)
    assert problems
    assert config.pins["leds.fault"] == 22
    assert config.pins["leds.caution"] == BOARD.defaults["leds.caution"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
TABLE_KEYS = st.sampled_from(["config", "core", "vehicle", "gnss", "can", "radio", "hmi", "pins", "x"])
KEYS = st.sampled_from(
    [row[0] for row in FIELDS]
    + ["baud", "kbit", "ssid", "password", "address", "role", "leds", "fault", "gnss", "rx", "language"]
)


@given(
    st.text() | st.binary() | VALUES.map(json.dumps)
    | st.dictionaries(TABLE_KEYS, VALUES | st.dictionaries(KEYS, VALUES, max_size=5), max_size=6).map(json.dumps)
)  # fmt: skip
def test_no_text_raises(text: str | bytes) -> None:
    config, problems = load(text, BOARD)
    for line in problems:
        assert line.startswith("unit.json: ")
        assert "\n" not in line
        assert line.isprintable()
        assert len(line) < 300
    for name, _default, low, high in FIELDS:
        assert low <= getattr(config.settings, name) <= high
    assert set(config.pins) == set(BOARD.defaults)
    assert set(config.pins.values()) <= set(BOARD.usable)
    assert config.hmi is not None


def test_every_state_of_the_can_input_has_words() -> None:
    assert len(CAN_STATES) == len(STATES)
    assert STATES[CAN_OK] == "ok"


def test_the_pins_of_the_docstring_and_of_the_documents_are_those_of_the_board() -> None:
    text = Path(__file__).parents[2].joinpath("docs", "board.md").read_text()
    for role, pin in BOARD.defaults.items():
        assert any(f"`{role}`" in line and f"GP{pin} " in line for line in text.splitlines()), role
