"""`asvkit gpio wiring`: each pin of a map in its place, and the drawing that is checked in is that of pins.toml."""

import re
import tomllib
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

import pytest

from asvtools import gpio_command
from asvtools.cli import run
from asvtools.gpio_wiring import HEADER, wires
from asvtools.gpio_wiring_svg import _COLOURS, wiring_svg
from asvunit.pins import load_pins

HARDWARE: Final = Path(__file__).resolve().parents[2] / "hardware"
SVG: Final = "{http://www.w3.org/2000/svg}"
ROW: Final = re.compile(r"M(\d+),(\d+)H(\d+)")


def parse(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)  # made here


def texts(part: ElementTree.Element) -> list[str]:
    return [one.text or "" for one in part.iter(f"{SVG}text")]


def test_the_drawing_beside_the_map_is_the_maps(tmp_path: Path) -> None:
    assert run(["gpio", "wiring", "--svg", str(tmp_path / "wiring.svg")]) == 0
    shown = (HARDWARE / "wiring.svg").read_text(encoding="utf-8")
    assert (tmp_path / "wiring.svg").read_text(encoding="utf-8") == shown, (
        "pins changed: asvkit gpio wiring --svg hardware/wiring.svg"
    )


def test_each_wire_is_drawn_once_from_its_own_pin() -> None:
    pins = load_pins(None)
    drawing = parse(wiring_svg(pins))
    groups = {group.get("data-key"): group for group in drawing.iter(f"{SVG}g")}
    assert set(groups) == {*pins.by_key(), *pins.bench_pins()}
    assert len(list(drawing.iter(f"{SVG}g"))) == len(groups)
    squares = {  # by number on the header: left, width, middle
        number.text: tuple(int(text) for text in (pin.get("x", ""), pin.get("width", ""), number.get("y", "")))
        for pin, number in zip(
            (one for one in drawing.iter(f"{SVG}rect") if (one.get("class") or "").startswith("pin")),
            (one for one in drawing if one.tag == f"{SVG}text" and one.get("class") == "n"),
            strict=True,
        )
    }
    assert set(squares) == {str(number) for number in range(1, 41)}
    for wire in wires(pins):
        group = groups[wire.key]
        assert (group.get("data-pin"), group.get("data-header")) == (str(wire.pin), str(wire.header))
        assert f"GPIO{wire.pin}" in texts(group)
        assert wire.part.meaning in texts(group)
        left, width, y = squares[str(wire.header)]
        start = ROW.match(next(group.iter(f"{SVG}path")).get("d", ""))
        assert start is not None
        assert int(start[1]) == left + (width if wire.header % 2 == 0 else 0)
        assert abs(int(start[2]) - y) <= 4


def test_lamps_have_their_colours_and_channels_of_their_own() -> None:
    pins = load_pins(None)
    drawing = parse(wiring_svg(pins))
    channels = []
    for wire in wires(pins):
        group = next(one for one in drawing.iter(f"{SVG}g") if one.get("data-key") == wire.key)
        if wire.part.part != "lamp":
            assert not [one for one in texts(group) if one.startswith("ULN")]
            continue
        fill, ohm = _COLOURS[wire.part.colour]
        assert next(group.iter(f"{SVG}circle")).get("style") == f"fill:{fill}"
        assert ohm in texts(group)
        assert ("10 kΩ to ground" in texts(group)) == (wire.pin <= 8)
        channels += [one for one in texts(group) if one.startswith("ULN")]
    assert channels == [f"ULN {number} → {19 - number}" for number in range(1, 9)]


def test_what_is_reserved_or_power_is_said_at_its_pin() -> None:
    said = texts(parse(wiring_svg(load_pins(None))))
    for text in ("GPIO14 TXD, reserved: uart", "GPIO25, reserved: spi_can", "GPIO2", "GPIO18"):
        assert said.count(text) == 1, text
    assert (said.count("ground"), said.count("3.3 V")) == (8, 2)
    assert said.count("5 V") == 2 + 8 + 1  # the header's own, each lamp's, the buzzer's
    assert len([one for one in said if one.startswith("GPIO")]) == len(HEADER)


def test_a_map_of_ones_own_is_drawn_and_a_wrong_one_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (HARDWARE / "pins.toml").read_text(encoding="utf-8")
    mine = tmp_path / "mine.toml"
    mine.write_text(text.replace("caution = 6", "caution = 18").replace("uart = [14, 15]", '"<gps>" = [14, 15]'))
    assert tomllib.loads(mine.read_text())["leds"]["caution"] == 18
    gpio_command.wiring(pins=mine)
    drawing = parse(capsys.readouterr().out)
    (group,) = (one for one in drawing.iter(f"{SVG}g") if one.get("data-key") == "leds.caution")
    assert group.get("data-header") == "12"  # on the other side
    assert "GPIO14 TXD, reserved: <gps>" in texts(drawing)
    mine.write_text(text.replace("caution = 6", "caution = 5"))
    assert run(["gpio", "wiring", "--pins", str(mine)]) == 2
    assert "pin 5 is that of leds.information too" in capsys.readouterr().err
    assert run(["gpio", "wiring", "--svg", str(tmp_path / "none" / "w.svg")]) == 1
    assert "cannot be written" in capsys.readouterr().err
