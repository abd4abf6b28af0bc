"""The lamps and the buzzer: plain writes of what differs, the lamps first, then the tone.

The buzzer is a passive one on a PWM of the chip. A PWM that stops leaves its pin where it happened to be, so the
pin is written low each time, and at the end. The volume is the part of the period that the pin is high: of a
rectangle's tone that part d has the sound pressure sin(pi d), the most at one half.
"""

import errno
import math
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

from gpiozero import LED, PWMOutputDevice

from asvunit.adapters.gpio.chip import Chip, open_chip
from asvunit.errors import UsageError
from asvunit.pins import PinMap
from asvunit.ports import Shown

_BUZZER: Final = "buzzer"
_TRIED_HZ: Final = 1000  # at the start, silent: a chip that has no PWM says so then
_SILENT: Final = (0, 0)


def duty_percent(volume_percent: int) -> int:
    """Of a tone's period, whole percents: 50 for the full sound pressure, at least 1.

    Rounded up, by which the levels' tones differ at each volume that can be configured.
    """
    return max(1, math.ceil(100 * math.asin(min(100, volume_percent) / 100) / math.pi))


class GpioOutputs:
    """The lamps and the buzzer of a pin map, dark when opened.

    Only what differs is written: lamps in the map's order, then the tone. What could not be written is not known,
    and is written at the next `show`. `lit_ns`, `sounded_ns`: monotonic time of the last write of a lamp and of
    the tone, its end too; 0: none yet. `counters` are the chip's.
    """

    name = "gpio"

    def __init__(self, pins: PinMap, chip: Chip | str, record: Path | None = None) -> None:
        """`chip`: open and shared; or "lgpio", "mock": one of its own, with a `record` of mock pins.

        UsageError that names the pin and its key, or what bars the way to the chip.
        """
        self.lit_ns = self.sounded_ns = 0
        self._chip, self._owned = (open_chip(chip, pins, record), True) if isinstance(chip, str) else (chip, False)
        self._pins = {**pins.lamps, _BUZZER: pins.buzzer.pwm}
        self._lamps: dict[str, Any] = {}
        self._buzzer: Any = None
        self._lit: dict[str, bool | None] = {}  # None: not known
        self._tone: tuple[int, int] | None = _SILENT  # frequency, duty in percents
        self._closed = False
        try:
            for name, pin in pins.lamps.items():
                self._lamps[name] = self._chip.open(f"leds.{name}", pin, LED)
                self._lit[name] = False
            self._buzzer = self._chip.open("buzzer.pwm", pins.buzzer.pwm, PWMOutputDevice, frequency=_TRIED_HZ)
            reason = self._chip.failed(self._silence)
            if reason:
                raise UsageError(f"pin {pins.buzzer.pwm} (buzzer.pwm): cannot be silenced: {reason}; see its wiring")
        except BaseException:
            self.close()
            raise

    @property
    def counters(self) -> Counter[str]:
        """ "record_lost": changes that the record of mock pins could not take."""
        return self._chip.counters

    def show(self, shown: Shown) -> None:
        """Light and sound what is to be; OSError, with every pin named that could not be written."""
        if self._closed:
            raise OSError(errno.EBADF, "lamps and buzzer are closed")
        failed = []
        for name, lamp in self._lamps.items():
            lit = name in shown.lamps
            if self._lit[name] != lit:
                self._lit[name] = None
                reason = self._chip.failed(lamp.on if lit else lamp.off)
                if reason:
                    failed.append(f"{name} (pin {self._pins[name]}): {reason}")
                else:
                    self._lit[name] = lit
                    self.lit_ns = time.monotonic_ns()
        tone = (shown.tone_hz, duty_percent(shown.volume_percent)) if shown.tone_hz else _SILENT
        if self._tone != tone:
            self._tone = None
            reason = self._chip.failed(lambda: self._sound(*tone))
            if reason:
                failed.append(f"{_BUZZER} (pin {self._pins[_BUZZER]}): {reason}")
            else:
                self._tone = tone
                self.sounded_ns = time.monotonic_ns()
        if failed:
            raise OSError(errno.EIO, "; ".join(failed))

    def close(self) -> None:
        """All dark and silent, then the pins are given back. Whatever fails, the rest is done."""
        if self._closed:
            return
        self._closed = True
        devices = [*self._lamps.values(), *([] if self._buzzer is None else [self._buzzer])]
        for lamp in self._lamps.values():
            self._chip.failed(lamp.off)
        if self._buzzer is not None:
            self._chip.failed(self._silence)
        for device in devices:
            self._chip.failed(device.close)
        if self._owned:
            self._chip.close()

    def _sound(self, hz: int, percent: int) -> None:
        if not hz:
            self._silence()
            return
        self._buzzer.frequency = hz
        # A hair more, for what takes whole percents takes the part below
        self._buzzer.value = math.nextafter(percent / 100, 1)

    def _silence(self) -> None:
        self._buzzer.frequency = None
        self._buzzer.value = 0  # the end of a PWM alone may leave a real pin high


def darken(pins: PinMap, chip: Chip) -> dict[str, str]:
    """Each pin of lamps and buzzer low and given back, by itself: why it could not be, by its key in the map."""
    failed: dict[str, str] = {}
    for key, pin in pins.by_key().items():
        if key.startswith("switches."):
            continue
        try:
            lamp = chip.open(key, pin, LED)
        except UsageError as error:
            failed[key] = str(error)
            continue
        reason = chip.failed(lamp.off)
        if reason:
            failed[key] = f"pin {pin} ({key}): cannot be written: {reason}; see its wiring"
        chip.failed(lamp.close)
    return failed
