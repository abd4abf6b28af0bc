"""Stand-ins for what shows: an output that remembers, and an lgpio whose lines are a dict."""

import errno
import itertools
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

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
    """The calls of lgpio that gpiozero makes for outputs; as at its worst, a PWM that stops leaves its line high."""

    def __init__(self) -> None:
        super().__init__("lgpio")
        self.__spec__ = ModuleSpec("lgpio", None)
        for value, name in enumerate(("BIAS_DISABLE", "BIAS_PULL_UP", "BIAS_PULL_DOWN", "PULL_NONE")):
            setattr(self, f"SET_{name}", 32 << value)
        self.BOTH_EDGES, self.RISING_EDGE, self.FALLING_EDGE = 3, 1, 2
        self.error = type("error", (Exception,), {})
        self.out: dict[int, int] = {}  # level of each line that is an output
        self.pwm: dict[int, tuple[float, float]] = {}
        self.writes: list[tuple[int, float, float]] = []  # pin, level or duty, frequency
        self.given_back: list[tuple[int, int]] = []  # pin and its level by then
        self.busy: set[int] = set()
        self.broken: set[int] = set()  # a write raises
        self.late: set[int] = set()  # a write is done, and raises
        self.chips: set[int] = {0}
        self.opened = itertools.count(1)
        self.handles: set[int] = set()

    def gpiochip_open(self, chip: int) -> int:
        if chip not in self.chips:
            raise self.error("can not open gpiochip")
        handle = next(self.opened)
        self.handles.add(handle)
        return handle

    def gpiochip_close(self, handle: int) -> None:
        self.handles.remove(handle)

    def _check(self, handle: int, pin: int, wrong: set[int], text: str) -> None:
        if handle not in self.handles:
            raise self.error("unknown handle")
        if pin in wrong:
            raise self.error(text)

    def gpio_claim_input(self, handle: int, pin: int, _flags: int = 0) -> None:
        self._check(handle, pin, self.busy, "GPIO busy")
        if pin in self.out:
            self.given_back.append((pin, self.out.pop(pin)))

    def gpio_claim_output(self, handle: int, pin: int) -> None:
        self._check(handle, pin, self.busy, "GPIO busy")
        self.out[pin] = 0

    def gpio_get_mode(self, _handle: int, pin: int) -> int:
        return 2 if pin in self.out else 0

    def gpio_read(self, _handle: int, pin: int) -> int:
        return self.out.get(pin, 0)

    def gpio_write(self, handle: int, pin: int, level: int) -> None:
        self._check(handle, pin, self.broken, "bad write")
        self.out[pin] = int(level)
        self.writes.append((pin, int(level), 0))
        self._check(handle, pin, self.late, "late error")

    def tx_pwm(self, handle: int, pin: int, frequency: float, duty: float) -> None:
        self._check(handle, pin, self.broken, "bad PWM")
        if frequency:
            self.pwm[pin] = (frequency, duty)
        elif self.pwm.pop(pin, (0, 0))[1]:
            self.out[pin] = 1
        self.writes.append((pin, duty, frequency))
        if frequency and duty:
            self._check(handle, pin, self.late, "late error")

    def at_rest(self) -> bool:
        """Nothing is an output, nothing is open."""
        return not (self.out or self.pwm or self.handles)

    @staticmethod
    def forget() -> None:
        """gpiozero's module that was bound to this one."""
        sys.modules.pop(REAL_PIN, None)
