"""Stand-ins for what shows: an output that remembers, and an lgpio whose lines are a dict."""

import errno
import itertools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from asvunit.ports import Shown

REAL_PIN = "gpiozero.pins.lgpio"


class MemoryOutputs:
    """Keeps what it was told; `broken` makes it fail."""

    def __init__(self, name: str = "memory") -> None:
        self.name = name
        self.told: list[Shown] = []
        self.broken: OSError | None = None
        self.closed = False

    def show(self, shown: Shown) -> None:
        if self.closed:
            raise OSError(errno.EBADF, "closed")
        if self.broken:
            raise self.broken
        if shown != (self.told[-1] if self.told else Shown()):
            self.told.append(shown)

    def close(self) -> None:
        if not self.closed and self.told:
            self.told.append(Shown())
        self.closed = True


class FakeLgpio(ModuleType):
    """The calls of lgpio that gpiozero makes; as at its worst, a PWM that stops leaves its line high."""

    def __init__(self) -> None:
        super().__init__("lgpio")
        self.__spec__ = ModuleSpec("lgpio", None)
        for value, name in enumerate(("BIAS_PULL_UP", "BIAS_PULL_DOWN", "BIAS_DISABLE")):
            setattr(self, f"SET_{name}", 32 << value)  # as the kernel's flags
            setattr(self, f"SET_{name.replace('BIAS_', '').replace('DISABLE', 'PULL_NONE')}", 32 << value)
        self.BOTH_EDGES, self.RISING_EDGE, self.FALLING_EDGE = 3, 1, 2
        self.error = type("error", (Exception,), {})
        self.out: dict[int, int] = {}  # level of each line that is an output
        self.flags: dict[int, int] = {}  # of each line that is an input
        self.low: set[int] = set()  # inputs that are held low
        self.pwm: dict[int, tuple[float, float]] = {}
        self.writes: list[tuple[int, float, float]] = []  # pin, level or duty, frequency
        self.given_back: list[tuple[int, int]] = []  # pin and its level by then
        self.busy: set[int] = set()
        self.broken: set[int] = set()  # a write raises
        self.no_pwm: set[int] = set()  # a PWM raises
        self.unreadable: set[int] = set()
        self.no_edges = False  # edges are refused
        self.late: set[int] = set()  # a write is done, and raises
        self.chips: set[int] = {0}
        self.opened = itertools.count(1)
        self.handles: set[int] = set()
        self.callbacks: dict[int, Callable[[int, int, int, int], None]] = {}

    def gpiochip_open(self, chip: int) -> int:
        if chip not in self.chips:
            raise self.error("can not open gpiochip")
        handle = next(self.opened)
        self.handles.add(handle)
        return handle

    def gpiochip_close(self, handle: int) -> None:
        self.handles.remove(handle)
        self.flags.clear()

    def _check(self, handle: int, pin: int, wrong: set[int], text: str) -> None:
        if handle not in self.handles:
            raise self.error("unknown handle")
        if pin in wrong:
            raise self.error(text)

    def gpio_free(self, handle: int, pin: int) -> None:
        self._check(handle, pin, set(), "")
        self.flags.pop(pin, None)
        self.out.pop(pin, None)

    def gpio_claim_input(self, handle: int, pin: int, flags: int = 0) -> None:
        self._check(handle, pin, self.busy, "GPIO busy")
        if pin in self.out:
            self.given_back.append((pin, self.out.pop(pin)))
        self.flags.setdefault(pin, flags)  # lgpio leaves an input as it was claimed

    def gpio_claim_output(self, handle: int, pin: int) -> None:
        self._check(handle, pin, self.busy, "GPIO busy")
        self.flags.pop(pin, None)
        self.out[pin] = 0

    def gpio_claim_alert(self, handle: int, pin: int, _edges: int, flags: int = 0) -> None:
        self._check(handle, pin, {pin} if self.no_edges else set(), "bad event request")
        self.flags[pin] = flags

    def callback(self, _handle: int, pin: int, _edges: int, function: Callable[[int, int, int, int], None]) -> Any:
        self.callbacks[pin] = function
        return SimpleNamespace(cancel=lambda: self.callbacks.pop(pin, None))

    def gpio_get_mode(self, _handle: int, pin: int) -> int:
        return 2 if pin in self.out else self.flags.get(pin, 0)

    def gpio_read(self, handle: int, pin: int) -> int:
        self._check(handle, pin, self.unreadable, "bad read")
        if pin in self.out:
            return self.out[pin]
        return int(bool(self.flags.get(pin, 0) & self.SET_PULL_UP) and pin not in self.low)

    def gpio_write(self, handle: int, pin: int, level: int) -> None:
        self._check(handle, pin, self.broken, "bad write")
        self.out[pin] = int(level)
        self.writes.append((pin, int(level), 0))
        self._check(handle, pin, self.late, "late error")

    def tx_pwm(self, handle: int, pin: int, frequency: float, duty: float) -> None:
        self._check(handle, pin, self.broken | self.no_pwm, "bad PWM")
        if frequency:
            self.pwm[pin] = (frequency, duty)
        elif self.pwm.pop(pin, (0, 0))[1]:
            self.out[pin] = 1
        self.writes.append((pin, duty, frequency))
        if frequency and duty:
            self._check(handle, pin, self.late, "late error")

    def at_rest(self) -> bool:
        """Nothing is an output, nothing is open, nobody listens."""
        return not (self.out or self.pwm or self.handles or self.callbacks)

    def change(self, pin: int, pressed: bool, stamp_ns: int) -> None:
        """An input's edge, with the kernel's stamp, told as lgpio tells it: from a thread of its own."""
        (self.low.add if pressed else self.low.discard)(pin)
        if pin in self.callbacks:
            self.callbacks[pin](0, pin, int(not pressed), stamp_ns)

    @staticmethod
    def forget() -> None:
        """gpiozero's module that was bound to this one."""
        sys.modules.pop(REAL_PIN, None)


@contextmanager
def lgpio_stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLgpio]:
    """In the place of lgpio, on a Raspberry Pi 3B."""
    made = FakeLgpio()
    made.forget()
    monkeypatch.setitem(sys.modules, "lgpio", made)
    monkeypatch.setattr("gpiozero.pins.local.get_pi_revision", lambda: 0xA02082)
    yield made
    made.forget()
