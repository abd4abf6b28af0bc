"""The pin map: which GPIO of the Raspberry Pi (BCM number) is which lamp, buzzer or switch.

Nothing but the outputs' and switches' adapters reads it: rules speak of lamps by name, never of pins.
"""

import os
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic_core import PydanticCustomError

from asvunit.errors import UsageError
from asvunit.resources import data_folder
from asvunit.toml_file import read_toml

_LAST: Final = 27  # BCM numbers of the 40-pin header
_EEPROM: Final = (0, 1)  # the bus by which boards on the header name themselves; in nobody's gift
_UART: Final = (14, 15)
_UART_PORTS: Final = frozenset({"ttyAMA0", "ttyS0", "serial0"})  # its names on the models of Raspberry Pi


def _on_header(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int):
        text = repr(value)[:40]
        raise PydanticCustomError("pin", "{text} is no pin; give its BCM number, 2 to 27", {"text": text})
    if not 0 <= value <= _LAST:
        raise PydanticCustomError(
            "pin", "pin {pin} is not on the 40-pin header; give a BCM number, 2 to 27", {"pin": value}
        )
    return value


def _usable(value: Any) -> Any:
    value = _on_header(value)
    if value in _EEPROM:
        raise PydanticCustomError(
            "pin", "pin {pin} is the header's own, for the EEPROM of boards; give another", {"pin": value}
        )
    return value


Line = Annotated[int, BeforeValidator(_on_header)]
Pin = Annotated[int, BeforeValidator(_usable)]


class Table(BaseModel):
    """A table of the file: no unknown keys, no changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Leds(Table):
    """Names are those of `Shown.lamps`; their order is the order of writing."""

    system: Pin
    receiving: Pin
    fault: Pin
    information: Pin
    caution: Pin
    warning: Pin
    left: Pin
    right: Pin


class Buzzer(Table):
    pwm: Pin


class Switches(Table):
    """Names are those of `ports.SWITCHES`."""

    mute: Pin
    request: Pin


class Bench(Table):
    """Inputs of the measuring rig, which the unit itself never opens; None: not wired."""

    loopback: Pin | None = None
    photodiode: Pin | None = None
    microphone: Pin | None = None


class PinMap(Table):
    """All pins of a unit; `load_pins` has seen to it that none is used twice, and none that is reserved."""

    version: Literal[1]
    leds: Leds
    buzzer: Buzzer
    switches: Switches
    reserved: dict[str, list[Line]] = {}  # what has them -> pins that nothing here may use
    bench: Bench = Bench()

    @property
    def lamps(self) -> dict[str, int]:
        """Pin by name of the lamp, in the order of writing."""
        return dict(self.leds)

    def by_key(self) -> dict[str, int]:
        """Pin by its key in the file, of all that the unit itself opens: "leds.caution", "buzzer.pwm" ..."""
        tables = {"leds": self.leds, "buzzer": self.buzzer, "switches": self.switches}
        return {f"{name}.{key}": pin for name, table in tables.items() for key, pin in table}

    def bench_pins(self) -> dict[str, int]:
        """Pin by its key in the file, of the measuring rig's inputs that are wired: "bench.loopback" ..."""
        return {f"bench.{key}": pin for key, pin in self.bench if pin is not None}


def load_pins(path: Path | None) -> PinMap:
    """The pin map of a file, or the one that comes with asvkit; UsageError with file, key, pin and reason."""
    path = data_folder("hardware") / "pins.toml" if path is None else path
    pins = read_toml(path, PinMap)
    holders = {pin: name for name, held in pins.reserved.items() for pin in held}
    owners: dict[int, str] = {}
    for key, pin in {**pins.by_key(), **pins.bench_pins()}.items():
        if pin in holders:
            held = f"reserved.{holders[pin]}"
            raise UsageError(f"{path}: {key}: pin {pin} is reserved ({held}); give another, or take it out there")
        owner = owners.setdefault(pin, key)
        if owner != key:
            raise UsageError(f"{path}: {key}: pin {pin} is that of {owner} too; give each its own")
    return pins


def check_pins(pins: PinMap, gnss_port: str | None) -> None:
    """UsageError where a pin of the map is the UART's that the receiver is on (`gnss_port`: [gnss] port, or None).

    These pins are the serial line's whether the map reserves them or not.
    """
    if gnss_port is None:
        return
    names = {os.path.basename(gnss_port), os.path.basename(os.path.realpath(gnss_port))}
    if not names & _UART_PORTS:
        return
    for key, pin in {**pins.by_key(), **pins.bench_pins()}.items():
        if pin in _UART:
            raise UsageError(
                f"hmi.pins: {key}: pin {pin} is a line of the receiver's port {gnss_port} (gnss.port); give another"
            )
