"""Lamps and buzzer on a Raspberry Pi's pins by gpiozero; or on mock pins, which record what they are told.

gpiozero is driven plainly: on, off, a tone. No blinking of its own, so no thread of its own; and the pin factory
is always given, so that nothing of the process is changed. Mock pins take the same way through gpiozero as real
ones, and write each change as one JSON line: {"t_ns": monotonic, "pin": 6, "name": "caution", "value": 1, "hz": 0}.
"""

import contextlib
import errno
import importlib.util
import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal

from gpiozero import LED, GPIOPinInUse, GPIOZeroError, TonalBuzzer
from gpiozero.pins.mock import MockFactory, MockPWMPin
from gpiozero.tones import Tone

from asvunit.device_access import group_of
from asvunit.errors import UsageError
from asvunit.pins import PinMap
from asvunit.ports import Shown

_OCTAVES: Final = 3  # about A4: 55 to 3520 Hz
_BUZZER: Final = "buzzer"
_BOARD: Final = "a02082"  # the mock pins are a Raspberry Pi 3B's; else an environment variable decides
_MODELS: Final = ("proc/device-tree/model", "sys/firmware/devicetree/base/model")
_SILENT: Final = (0, 0)

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


class GpioOutputs:
    """The lamps and the buzzer of a pin map, dark when opened. `record`: a file for the changes of mock pins.

    Only what differs is written: lamps in the map's order, then the tone. What could not be written is not known,
    and is written at the next `show`. `counters`: "record_lost", changes that the record could not take.
    """

    name = "gpio"

    def __init__(self, pins: PinMap, factory: str, record: Path | None = None) -> None:
        self.counters: Counter[str] = Counter()
        self._pins = {**pins.lamps, _BUZZER: pins.buzzer.pwm}
        self._lamps: dict[str, Any] = {}
        self._buzzer: Any = None
        self._lit: dict[str, bool | None] = {}  # None: not known
        self._tone_hz: int | None = 0
        self._closed = False
        self._record: _Record | None = None
        self._faults: tuple[type[Exception], ...] = (GPIOZeroError, OSError, ValueError)
        if factory == "mock":
            names = {pin: name for name, pin in self._pins.items()}
            self._record = None if record is None else _Record(record, names, self.counters)
            self._factory: Any = _MockFactory(self._record)
        else:
            self._factory, error = _lgpio_factory()
            self._faults += (error,)
        try:
            for name, pin in pins.lamps.items():
                self._lamps[name] = self._open(f"leds.{name}", pin, LED)
                self._lit[name] = False
            self._buzzer = self._open("buzzer.pwm", pins.buzzer.pwm, TonalBuzzer, octaves=_OCTAVES)
            reason = self._try(self._silence)
            if reason:
                raise UsageError(f"pin {pins.buzzer.pwm} (buzzer.pwm): cannot be silenced: {reason}; see its wiring")
        except BaseException:
            self.close()
            raise

    def show(self, shown: Shown) -> None:
        """Light and sound what is to be; OSError, with every pin named that could not be written."""
        if self._closed:
            raise OSError(errno.EBADF, "lamps and buzzer are closed")
        failed = []
        for name, lamp in self._lamps.items():
            lit = name in shown.lamps
            if self._lit[name] != lit:
                self._lit[name] = None
                reason = self._try(lamp.on if lit else lamp.off)
                if reason:
                    failed.append(f"{name} (pin {self._pins[name]}): {reason}")
                else:
                    self._lit[name] = lit
        if self._tone_hz != shown.tone_hz:
            self._tone_hz = None
            reason = self._try(lambda: self._sound(shown.tone_hz))
            if reason:
                failed.append(f"{_BUZZER} (pin {self._pins[_BUZZER]}): {reason}")
            else:
                self._tone_hz = shown.tone_hz
        if failed:
            raise OSError(errno.EIO, "; ".join(failed))

    def close(self) -> None:
        """All dark and silent, then the pins are given back. Whatever fails, the rest is done."""
        if self._closed:
            return
        self._closed = True
        devices = [*self._lamps.values(), *([] if self._buzzer is None else [self._buzzer])]
        for lamp in self._lamps.values():
            self._try(lamp.off)
        if self._buzzer is not None:
            self._try(self._silence)
        for device in devices:
            self._try(device.close)
        self._try(self._factory.close)
        if self._record:
            self._record.close()

    def _open(self, key: str, pin: int, device: Callable[..., Any], **options: Any) -> Any:
        try:
            return device(pin, pin_factory=self._factory, **options)
        except self._faults as error:
            busy = isinstance(error, GPIOPinInUse) or "busy" in str(error).lower()
            reason = "in use" if busy else f"cannot be opened: {_text(error)}"
        # Raised here, without its cause: that would hold the half-made device, and with it the pin
        mend = "end the program or driver that has it, or wire another pin and change the pin map"
        raise UsageError(f"pin {pin} ({key}): {reason}; {mend}")

    def _try(self, write: Callable[[], Any]) -> str:
        """Why it failed, or ""."""
        try:
            write()
        except self._faults as error:
            return _text(error)
        return ""

    def _sound(self, hz: int) -> None:
        if hz:
            self._buzzer.play(Tone.from_frequency(hz))
        else:
            self._silence()

    def _silence(self) -> None:
        self._buzzer.stop()
        self._buzzer.pwm_device.pin.state = 0  # stop alone may leave a real pin high, where its PWM happened to be


def _text(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


# Real pins


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
        raise UsageError(f"hmi.gpio: lgpio cannot be used ({_text(error)}); pip install 'asvkit[pi]'") from error
    except OSError as error:
        place = os.environ.get("LG_WD") or "the temporary folder"
        mend = "set TMPDIR (and LG_WD, if set) to a folder that can be written"
        raise UsageError(f"hmi.gpio: lgpio cannot make its FIFO in {place}: {error.strerror}; {mend}") from error
    try:
        return LGPIOFactory(), lgpio.error
    except (lgpio.error, GPIOZeroError, OSError) as error:
        raise UsageError(_why_closed(_text(error))) from error


def _why_closed(reason: str, root: Path = Path("/")) -> str:
    chips = sorted(root.glob("dev/gpiochip*"))
    if not chips:
        return 'hmi.gpio: no /dev/gpiochip* here; run on a Raspberry Pi, or set gpio = "mock" or "off"'
    closed = [chip for chip in chips if not os.access(chip, os.R_OK | os.W_OK)]
    if not closed:
        return f'hmi.gpio: {chips[0]}: cannot be opened: {reason}; is this a Raspberry Pi? Else set gpio = "mock"'
    group = group_of(closed[0])
    return f"hmi.gpio: {closed[0]}: no permission; join its group: sudo usermod -aG {group} $USER, then log in anew"


# Mock pins


class _Record:
    """The changes of the pins, appended as lines. A full disk costs lines, which are counted, and nothing else."""

    def __init__(self, path: Path, names: dict[int, str], counters: Counter[str]) -> None:
        self._names, self._counters = names, counters
        self._torn = False
        # Unbuffered: a line that fails is not kept back to fail again; and a FIFO without a reader does not block
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            self._file: int | None = os.open(path, flags, 0o644)
        except OSError as error:
            raise UsageError(f"hmi.record: {path}: cannot be written: {error.strerror}; name another file") from error

    def write(self, pin: int, value: int, hz: int) -> bool:
        """Whether the line stands in the file."""
        if self._file is None:
            return False
        line = {"t_ns": time.monotonic_ns(), "pin": pin, "name": self._names[pin], "value": value, "hz": hz}
        data = b"\n" * self._torn + json.dumps(line).encode() + b"\n"
        try:
            whole = os.write(self._file, data) == len(data)
        except OSError:
            whole = False
        else:
            self._torn = not whole  # its part is ended before the next line
        if not whole:
            self._counters["record_lost"] += 1
        return whole

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


class _MockFactory(MockFactory):  # type: ignore[misc]
    def __init__(self, record: _Record | None) -> None:
        super().__init__(revision=_BOARD, pin_class=_MockPin)
        self.record = record


class _MockPin(MockPWMPin):  # type: ignore[misc]
    """Tells the record how it is first set and what changes: 1 and 0 Hz lit, 1 and a frequency sounding."""

    def __init__(self, factory: _MockFactory, info: Any) -> None:
        self._recorded: tuple[int, int] | None = None
        super().__init__(factory, info)

    def _set_state(self, value: float) -> None:
        super()._set_state(value)
        self._tell()

    def _set_frequency(self, value: float | None) -> None:
        super()._set_frequency(value)
        self._tell()

    def _change_state(self, value: float) -> bool:
        changed: bool = super()._change_state(value)
        del self.states[:-1]  # gpiozero keeps them all
        return changed

    def _tell(self) -> None:
        now = (1, round(self._frequency or 0)) if self._state else _SILENT
        # A line that was lost leaves the last one standing, so that the next write of this pin tries again
        if now != self._recorded and self.factory.record and self.factory.record.write(self._number, *now):
            self._recorded = now
