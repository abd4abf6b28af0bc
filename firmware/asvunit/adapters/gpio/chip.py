"""The chip that the pins are on: which one, opened, and in words what bars the way to it or to a pin."""

import contextlib
import importlib.util
import os
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal

from gpiozero import GPIOPinInUse, GPIOZeroError

from asvunit.adapters.gpio.mock import MockChip, Record
from asvunit.device_access import group_of
from asvunit.errors import UsageError
from asvunit.pins import PinMap

_MODELS: Final = ("proc/device-tree/model", "sys/firmware/devicetree/base/model")

Setting = Literal["auto", "lgpio", "mock"]


def choose_factory(setting: Setting, root: Path = Path("/")) -> str:
    """ "lgpio" or "mock"; auto is lgpio on a Raspberry Pi with pins and lgpio installed."""
    if setting != "auto":
        return setting
    if importlib.util.find_spec("lgpio") is None or not any(root.glob("dev/gpiochip*")):
        return "mock"
    for name in _MODELS:
        with contextlib.suppress(OSError):
            if (root / name).read_bytes().startswith(b"Raspberry Pi"):
                return "lgpio"
    return "mock"


class Chip:
    """An open pin factory of gpiozero, and the ways in which its pins fail.

    `counters`: "record_lost", changes that the record of mock pins could not take.
    """

    def __init__(
        self, factory: Any, faults: tuple[type[Exception], ...], counters: Counter[str], record: Record | None = None
    ) -> None:
        self.counters = counters
        self._factory, self._record = factory, record
        self.faults: tuple[type[Exception], ...] = (GPIOZeroError, OSError, ValueError, *faults)
        self._closed = False

    def open(self, key: str, pin: int, device: Callable[..., Any], **options: Any) -> Any:
        """gpiozero's device on a pin; UsageError that names the pin and its key in the map."""
        try:
            return device(pin, pin_factory=self._factory, **options)
        except self.faults as error:
            busy = isinstance(error, GPIOPinInUse) or "busy" in str(error).lower()
            reason = "in use" if busy else f"cannot be opened: {text_of(error)}"
        # Raised here, without its cause: that would hold the half-made device, and with it the pin
        mend = "end the program or driver that has it, or wire another pin and change the pin map"
        raise UsageError(f"pin {pin} ({key}): {reason}; {mend}")

    def failed(self, action: Callable[[], Any]) -> str:
        """Do it; why it failed, or ""."""
        try:
            action()
        except self.faults as error:
            return text_of(error)
        return ""

    def close(self) -> None:
        """Gives all pins back; may be called twice."""
        if self._closed:
            return
        self._closed = True
        self.failed(self._factory.close)
        if self._record:
            self._record.close()


def open_chip(factory: str, pins: PinMap, record: Path | None = None) -> Chip:
    """The chip "lgpio" or "mock"; UsageError that says what bars the way. `record`: for the changes of mock pins."""
    if factory == "mock":
        counters: Counter[str] = Counter()
        names = {pin: key.partition(".")[2] for key, pin in pins.by_key().items()} | {pins.buzzer.pwm: "buzzer"}
        written = None if record is None else Record(record, names, counters)
        return Chip(MockChip(written), (), counters, written)
    made, error = _lgpio_factory()
    return Chip(made, (error,), Counter())


def text_of(error: Exception) -> str:
    """An error in one line."""
    return " ".join(str(error).split()) or type(error).__name__


def _lgpio_factory() -> tuple[Any, type[Exception]]:
    """gpiozero's factory for lgpio, and lgpio's own error; UsageError that says what bars the way."""
    try:
        # It makes a FIFO in the working directory on import, opens it, and needs its name no more
        with (
            tempfile.TemporaryDirectory(prefix="asvkit-", ignore_cleanup_errors=True) as folder,
            contextlib.chdir(folder),
        ):
            import lgpio
            from gpiozero.pins.lgpio import LGPIOFactory
    except (ImportError, AttributeError) as error:  # AttributeError: an old stub of that name
        raise UsageError(f"hmi.gpio: lgpio cannot be used ({text_of(error)}); pip install 'asvkit[pi]'") from error
    except OSError as error:
        place = os.environ.get("LG_WD") or "the temporary folder"
        mend = "set TMPDIR (and LG_WD, if set) to a folder that can be written"
        raise UsageError(f"hmi.gpio: lgpio cannot make its FIFO in {place}: {error.strerror}; {mend}") from error
    try:
        return LGPIOFactory(), lgpio.error
    except (lgpio.error, GPIOZeroError, OSError) as error:
        raise UsageError(_why_closed(text_of(error))) from error


def _why_closed(reason: str, root: Path = Path("/")) -> str:
    chips = sorted(root.glob("dev/gpiochip*"))
    if not chips:
        return 'hmi.gpio: no /dev/gpiochip* here; run on a Raspberry Pi, or set gpio = "mock" or "off"'
    closed = [chip for chip in chips if not os.access(chip, os.R_OK | os.W_OK)]
    if not closed:
        return f'hmi.gpio: {chips[0]}: cannot be opened: {reason}; is this a Raspberry Pi? Else set gpio = "mock"'
    group = group_of(closed[0])
    return f"hmi.gpio: {closed[0]}: no permission; join its group: sudo usermod -aG {group} $USER, then log in anew"
