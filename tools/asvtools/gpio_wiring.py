"""What each pin of the map is for, in words: the part on it, its colour, what it means, where it is on the header.

The one table of it: `asvkit gpio show` prints it, `asvkit gpio test` says what to look for by it, and
docs/hardware.md repeats it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from asvunit.pins import PinMap

# BCM number -> number on the 40-pin header
HEADER: Final = {
    0: 27, 1: 28, 2: 3, 3: 5, 4: 7, 5: 29, 6: 31, 7: 26, 8: 24, 9: 21, 10: 19, 11: 23, 12: 32, 13: 33, 14: 8, 15: 10,
    16: 36, 17: 11, 18: 12, 19: 35, 20: 38, 21: 40, 22: 15, 23: 16, 24: 18, 25: 22, 26: 37, 27: 13,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """What is wired to a pin, and what it tells the driver. The unit's own lamps never borrow red or yellow."""

    part: str
    colour: str
    meaning: str


PARTS: Final = {
    "leds.system": Part("lamp", "green", "the unit works"),
    "leds.receiving": Part("lamp", "green", "other vehicles are being received"),
    "leds.fault": Part("lamp", "violet", "the unit's own fault"),
    "leds.information": Part("lamp", "blue", "information: look where it says"),
    "leds.caution": Part("lamp", "yellow", "caution: flashes with the tones for 2 s, then steady"),
    "leds.warning": Part("lamp", "red", "not used between vehicles"),
    "leds.left": Part("lamp", "white", "the vehicle to look for is on the left"),
    "leds.right": Part("lamp", "white", "the vehicle to look for is on the right"),
    "buzzer.pwm": Part("buzzer", "", "passive, by a transistor: tones of caution and information"),
    "switches.mute": Part("switch", "", "silences what sounds now"),
    "switches.request": Part("switch", "", "tells again, or starts and ends who is around"),
    "bench.loopback": Part("input", "", "measuring: a wire from a lamp's pin"),
    "bench.photodiode": Part("input", "", "measuring: comparator behind a photodiode"),
    "bench.microphone": Part("input", "", "measuring: comparator behind a microphone"),
}


@dataclass(frozen=True, slots=True)
class Wire:
    """One line of the table. `pin`: BCM number; `header`: number on the 40-pin header."""

    key: str
    pin: int
    header: int
    part: Part


def wires(pins: PinMap) -> Iterator[Wire]:
    """All that the map wires, in the file's order."""
    for key, pin in {**pins.by_key(), **pins.bench_pins()}.items():
        yield Wire(key, pin, HEADER[pin], PARTS[key])


def table(pins: PinMap) -> list[str]:
    """The map as lines of columns."""
    rows = [("key", "pin", "header", "part", "meaning")]
    for wire in wires(pins):
        part = " ".join((wire.part.colour, wire.part.part)).strip()
        rows.append((wire.key, f"GPIO{wire.pin}", str(wire.header), part, wire.part.meaning))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, [*widths, 0], strict=True)) for row in rows]


def reserved(pins: PinMap) -> list[str]:
    """What else is on the header, a line each."""
    return [f"reserved for {name}: {', '.join(map(str, held))}" for name, held in pins.reserved.items()]
