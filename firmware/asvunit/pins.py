"""The pin map: which GPIO of the Raspberry Pi (BCM number) is which lamp, buzzer or switch.

Nothing but the outputs' and switches' adapters reads it: rules speak of lamps by name, never of pins.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from asvunit.errors import UsageError
from asvunit.resources import data_folder
from asvunit.toml_file import read_toml

Pin = Annotated[int, Field(ge=0, le=27)]  # BCM numbers of the 40-pin header


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
    mute: Pin
    request: Pin


class PinMap(Table):
    """All pins of a unit; `load_pins` has seen to it that none is used twice."""

    version: Literal[1]
    leds: Leds
    buzzer: Buzzer
    switches: Switches

    @property
    def lamps(self) -> dict[str, int]:
        """Pin by name of the lamp, in the order of writing."""
        return dict(self.leds)

    def by_key(self) -> dict[str, int]:
        """Pin by its key in the file: "leds.caution", "buzzer.pwm" ..."""
        tables = {"leds": self.leds, "buzzer": self.buzzer, "switches": self.switches}
        return {f"{name}.{key}": pin for name, table in tables.items() for key, pin in table}


def load_pins(path: Path | None) -> PinMap:
    """The pin map of a file, or the one that comes with asvkit; UsageError with file, key and reason."""
    path = data_folder("hardware") / "pins.toml" if path is None else path
    pins = read_toml(path, PinMap)
    owners: dict[int, str] = {}
    for key, pin in pins.by_key().items():
        owner = owners.setdefault(pin, key)
        if owner != key:
            raise UsageError(f"{path}: {key}: pin {pin} is that of {owner} too; give each its own")
    return pins
