"""The pin map as a drawing: the 40-pin header, and from each pin that is wired the way through its parts.

`asvkit gpio wiring` writes it. Places and texts come from the map and from `gpio_wiring`'s table alone, so that the
same map gives the same bytes: hardware/wiring.svg is the drawing of hardware/pins.toml. docs/hardware.md says why
each part is there.
"""

from collections.abc import Callable, Iterator
from html import escape
from typing import Final

from asvtools.gpio_wiring import HEADER, Wire, wires
from asvunit.pins import PinMap

WIDTH: Final = 1280
_TOP: Final = 110  # of the first row
_ROW: Final = 42
_INNER: Final = 18  # from the middle to the middle of a pin
_PIN: Final = 13  # half a pin
_HEIGHT: Final = _TOP + 20 * _ROW + 130
_PULLED_UP: Final = 8  # and below, until a program takes them: docs/hardware.md

_POWER: Final = {1: "3.3 V", 17: "3.3 V", 2: "5 V", 4: "5 V"} | dict.fromkeys(
    (6, 9, 14, 20, 25, 30, 34, 39), "ground"
)  # by number on the header
# What the header's own buses call their pins; shown where the map reserves them
_BUS: Final = {14: "TXD", 15: "RXD", 7: "CE1", 8: "CE0", 9: "MISO", 10: "MOSI", 11: "SCLK", 0: "ID_SD", 1: "ID_SC"}
# Of a lamp by its colour: how it is drawn, and its resistor from 5 V: a ULN2803A keeps 0.9 V for itself
_COLOURS: Final = {
    "green": ("#1a9850", "470 Ω"), "yellow": ("#f2b705", "470 Ω"), "red": ("#d62728", "470 Ω"),
    "violet": ("#8e44ad", "270 Ω"), "blue": ("#2b6cb0", "270 Ω"), "white": ("#ffffff", "270 Ω"),
}  # fmt: skip
_STYLE: Final = (
    "text{font:13px sans-serif;fill:#222}.big{font-size:22px;font-weight:bold}.name{font-weight:bold}"
    ".small{font-size:11px;fill:#444}.idle{fill:#767676}.n{font-size:11px;text-anchor:middle}"
    ".wire,.part{fill:none;stroke:#222;stroke-width:1.6}.part{fill:#fff}.measure{stroke-dasharray:5 4}"
    ".dot{fill:#222}.pin{stroke:#222;fill:#f2f2f2}.v3{fill:#ffe3c2}.v5{fill:#ffd0d0}.gnd{fill:#c9c9c9}"
)
_NOTES: Final = (
    "A pin of the Pi stands 3.3 V and no more: 5 V or the car's 12 V on a pin ends the Pi. Wire with the power off.",
    "All grounds are joined: the Pi's (6 9 14 20 25 30 34 39), pin 9 of the ULN2803A, switches, receiver, measuring.",
    "ULN2803A: eight transistors with their base resistors; n → m are its input and its output. Its pin 10 stays open.",
    "Lamps from 5 V, anode to the resistor. A bright green one, of 2.9 V and more, takes 270 Ω in the place of 470 Ω.",
    "Buzzer: passive; BC547 with 1 kΩ to its base and 10 kΩ from base to ground; 1N4148 across it, cathode to 5 V.",
    "Dashed: inputs of the measuring rig, which may be left out (docs/measuring.md). Grey: nothing of the unit's own.",
)


def wiring_svg(pins: PinMap) -> str:
    """The drawing of a map, as text; the same of the same map."""
    wired = {wire.header: wire for wire in wires(pins)}
    held = {HEADER[pin]: name for name, numbers in pins.reserved.items() for pin in numbers}
    bcm = {header: pin for pin, header in HEADER.items()}
    channels = {wire.key: number for number, wire in enumerate(_lamps(pins), 1)}
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {_HEIGHT}" width="{WIDTH}" height="{_HEIGHT}" '
        f'role="img" aria-label="wiring of the 40-pin header"><style>{_STYLE}</style>',
        f'<rect width="{WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        '<text class="big" x="24" y="40">asvkit: wiring of a Raspberry Pi\'s 40-pin header</text>',
        '<text class="small" x="24" y="62">Seen from above, SD card up: pin 1 is next to its corner. Drawn from '
        "the pin map: asvkit gpio wiring</text>",
        f'<rect x="{WIDTH // 2 - 40}" y="{_TOP - 24}" width="80" height="{20 * _ROW + 6}" rx="6" fill="#e9e9ef" '
        'stroke="#222"/>',
    ]
    for header in range(1, 41):
        place = _Place(header)
        out.append(place.pin())
        if header in wired:
            wire = wired[header]
            draw = _DRAWN[wire.part.part]
            body = "".join(draw(place, wire, channels.get(wire.key, 0)))
            out.append(f'<g data-key="{wire.key}" data-pin="{wire.pin}" data-header="{header}">{body}</g>')
        else:
            out.append(place.said(_idle(header, bcm.get(header), held.get(header))))
    y = _TOP + 20 * _ROW + 16
    for number, note in enumerate(_NOTES):
        out.append(f'<text class="small" x="24" y="{y + 19 * number}">{escape(note)}</text>')
    return "\n".join([*out, "</svg>"]) + "\n"


def _lamps(pins: PinMap) -> list[Wire]:
    return [wire for wire in wires(pins) if wire.part.part == "lamp"]


def _idle(header: int, pin: int | None, reserved: str | None) -> str:
    if pin is None:
        return _POWER[header]
    if reserved is not None:
        return f"GPIO{pin} {_BUS.get(pin, '')}".rstrip() + f", reserved: {reserved}"
    return f"GPIO{pin}"


class _Place:
    """A pin's row: `x(d)` is d outwards from the pin's edge, to the left of odd ones and to the right of even ones."""

    def __init__(self, header: int) -> None:
        self.header = header
        self._side = 1 if header % 2 == 0 else -1
        self._middle = WIDTH // 2 + self._side * _INNER
        self.y = _TOP + (header - 1) // 2 * _ROW

    def x(self, out: int) -> int:
        return self._middle + self._side * (_PIN + out)

    def pin(self) -> str:
        kind = {"3.3 V": " v3", "5 V": " v5", "ground": " gnd"}.get(_POWER.get(self.header, ""), "")
        return (
            f'<rect class="pin{kind}" x="{self._middle - _PIN}" y="{self.y - _PIN}" width="{2 * _PIN}" '
            f'height="{2 * _PIN}"/><text class="n" x="{self._middle}" y="{self.y + 4}">{self.header}</text>'
        )

    def wire(self, start: int, end: int, kind: str = "") -> str:
        return f'<path class="wire{kind}" d="M{self.x(start)},{self.y}H{self.x(end)}"/>'

    def box(self, start: int, end: int, text: str) -> str:
        left = min(self.x(start), self.x(end))
        return (
            f'<rect class="part" x="{left}" y="{self.y - 13}" width="{end - start}" height="26" rx="3"/>'
            f'<text class="n" x="{left + (end - start) // 2}" y="{self.y + 4}">{escape(text)}</text>'
        )

    def text(self, out: int, words: str, kind: str, lower: int = 4) -> str:
        anchor = "start" if self._side > 0 else "end"
        return (
            f'<text class="{kind}" x="{self.x(out)}" y="{self.y + lower}" text-anchor="{anchor}">{escape(words)}</text>'
        )

    def ground(self, out: int) -> str:
        x, y = self.x(out), self.y
        bars = "".join(f"M{x - half},{y + down}H{x + half}" for half, down in ((9, 8), (5, 12), (1, 16)))
        return f'<path class="wire" d="M{x},{y}V{y + 8}{bars}"/>'

    def said(self, words: str) -> str:
        return self.text(16, words, "idle")

    def labels(self, wire: Wire) -> str:
        """GPIO number at the wire; what it is, and what it tells, outside of all parts."""
        name = wire.key.partition(".")[2] if wire.part.part != "buzzer" else "buzzer"
        what = " ".join(filter(None, (name + ":", wire.part.colour, wire.part.part if name != "buzzer" else "")))
        return (
            self.text(14, f"GPIO{wire.pin}", "small", -5)
            + self.text(312, what.rstrip(":"), "name", -2)
            + self.text(312, wire.part.meaning, "small", 13)
        )


def _lamp(place: _Place, wire: Wire, channel: int) -> Iterator[str]:
    yield place.labels(wire)
    yield place.wire(0, 102)
    if wire.pin <= _PULLED_UP:
        yield place.text(14, "10 kΩ to ground", "small", 14)
    yield place.box(102, 180, f"ULN {channel} → {19 - channel}")
    yield place.wire(180, 194)
    fill, ohm = _COLOURS[wire.part.colour]
    yield f'<circle class="part" cx="{place.x(204)}" cy="{place.y}" r="10" style="fill:{fill}"/>'
    yield place.wire(214, 224)
    yield place.box(224, 272, ohm)
    yield place.wire(272, 280)
    yield place.text(284, "5 V", "small")


def _buzzer(place: _Place, wire: Wire, _channel: int) -> Iterator[str]:
    yield place.labels(wire)
    yield place.wire(0, 102)
    if wire.pin <= _PULLED_UP:
        yield place.text(14, "10 kΩ to ground", "small", 14)
    yield place.box(102, 180, "1 kΩ, BC547")
    yield place.wire(180, 200)
    yield place.box(200, 254, "buzzer")
    yield place.wire(254, 280)
    yield place.text(284, "5 V", "small")


def _switch(place: _Place, wire: Wire, _channel: int) -> Iterator[str]:
    yield place.labels(wire)
    yield place.wire(0, 180)
    for end in (180, 206):
        yield f'<circle class="dot" cx="{place.x(end)}" cy="{place.y}" r="3"/>'
    yield f'<path class="wire" d="M{place.x(180)},{place.y}L{place.x(203)},{place.y - 11}"/>'
    yield place.wire(206, 272)
    yield place.ground(272)


def _input(place: _Place, wire: Wire, _channel: int) -> Iterator[str]:
    yield place.labels(wire)
    yield place.wire(0, 110, " measure")
    yield place.box(110, 156, "1 kΩ")
    yield place.wire(156, 286, " measure")


_DRAWN: Final[dict[str, Callable[[_Place, Wire, int], Iterator[str]]]] = {
    "lamp": _lamp, "buzzer": _buzzer, "switch": _switch, "input": _input,
}  # fmt: skip
