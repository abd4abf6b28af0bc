"""Lamps, buzzer and switches on a Raspberry Pi's pins by gpiozero; or on mock pins, which record what they are told.

gpiozero is driven plainly: on, off, a tone. No blinking of its own, so no thread of its own; and the pin factory
is always given, so that nothing of the process is changed. Mock pins take the same way through gpiozero as real
ones, and write each change as one JSON line: {"t_ns": monotonic, "pin": 6, "name": "caution", "value": 1, "hz": 0};
a tone's also has "duty", the part of its period that the pin is high.
"""

from dataclasses import dataclass
from pathlib import Path

from asvunit.adapters.gpio.chip import Chip, Setting, choose_factory, open_chip
from asvunit.adapters.gpio.fifo import FifoSwitches
from asvunit.adapters.gpio.outputs import GpioOutputs, darken
from asvunit.adapters.gpio.switches import GpioSwitches
from asvunit.pins import PinMap

__all__ = [
    "Chip",
    "FifoSwitches",
    "Gpio",
    "GpioOutputs",
    "GpioSwitches",
    "Setting",
    "choose_factory",
    "darken",
    "open_chip",
    "open_gpio",
]


@dataclass(frozen=True, slots=True)
class Gpio:
    """All that the unit has on its pins, on one chip. `switches` None: mock pins that nobody presses."""

    outputs: GpioOutputs
    switches: GpioSwitches | FifoSwitches | None
    chip: Chip

    def close(self) -> None:
        """All dark and silent, then the pins are given back; may be called twice."""
        self.outputs.close()
        if self.switches is not None:
            self.switches.close()
        self.chip.close()


def open_gpio(pins: PinMap, setting: Setting, record: Path | None = None, switches: Path | None = None) -> Gpio:
    """Lamps and buzzer, dark, and the switches. UsageError that names the pin, or what bars the way, with the mend.

    `setting`: [hmi] gpio, as `choose_factory` takes it. Of mock pins alone: `record`, a file for their changes;
    `switches`, a FIFO that presses, made where it is not there.
    """
    factory = choose_factory(setting)
    chip = open_chip(factory, pins, record if factory == "mock" else None)
    try:
        outputs = GpioOutputs(pins, chip)
        try:
            if factory != "mock":
                return Gpio(outputs, GpioSwitches(pins, chip), chip)
            return Gpio(outputs, None if switches is None else FifoSwitches(switches), chip)
        except BaseException:
            outputs.close()
            raise
    except BaseException:
        chip.close()
        raise
