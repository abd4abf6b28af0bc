"""A stand-in of lgpio: chips, lines and wires between them, with the calls that the measuring rig makes.

Edges come as lgpio gives them: in the thread that makes them, with the stamp of a clock that the test chooses.
"""

import time
from collections.abc import Callable
from typing import Any


class error(Exception):
    """What lgpio raises, by its name there."""


class _Watch:
    def __init__(self, lgpio: "StandIn", pin: int) -> None:
        self._lgpio, self._pin = lgpio, pin

    def cancel(self) -> None:
        self._lgpio.watches.pop(self._pin, None)


class StandIn:
    """`chips`: label by number. `wires`: output pin -> input pins that see it. `busy`: pins that others hold."""

    BOTH_EDGES = 3
    SET_PULL_NONE = 128
    error = error

    def __init__(self, chips: dict[int, str] | None = None, stamp: Callable[[], int] = time.monotonic_ns) -> None:
        self.chips = {0: "pinctrl-bcm2711"} if chips is None else chips
        self.stamp = stamp
        self.wires: dict[int, list[int]] = {}
        self.busy: set[int] = set()
        self.claimed: dict[int, str] = {}
        self.levels: dict[int, int] = {}
        self.tones: dict[int, int] = {}
        self.watches: dict[int, Callable[[int, int, int, int], None]] = {}
        self.open: set[int] = set()
        self.delay_ns = 0  # from the write of an output to its edge's stamp
        self.periods = 7  # of a tone that are played

    def gpiochip_open(self, number: int) -> int:
        if number not in self.chips:
            raise error("can not open gpiochip")
        self.open.add(number)
        return number

    def gpiochip_close(self, handle: int) -> None:
        self.open.discard(handle)

    def gpio_get_chip_info(self, handle: int) -> list[Any]:
        return [0, 54, f"gpiochip{handle}", self.chips[handle]]

    def gpio_claim_alert(self, handle: int, pin: int, _edges: int, _flags: int = 0) -> int:
        return self._claim(handle, pin, "alert")

    def gpio_claim_output(self, handle: int, pin: int, level: int = 0) -> int:
        self._claim(handle, pin, "output")
        self._set(pin, level)
        return 0

    def gpio_free(self, _handle: int, pin: int) -> None:
        if self.claimed.pop(pin, None) is None:
            raise error("GPIO not allocated")

    def callback(self, _handle: int, pin: int, _edges: int, func: Callable[[int, int, int, int], None]) -> _Watch:
        self.watches[pin] = func
        return _Watch(self, pin)

    def gpio_write(self, handle: int, pin: int, level: int) -> int:
        assert handle in self.open
        if self.claimed.get(pin) != "output":
            raise error("not an output")
        self._set(pin, level)
        return 0

    def tx_pwm(self, _handle: int, pin: int, hz: float, duty: float) -> int:
        if self.claimed.get(pin) != "output":
            raise error("not an output")
        self.tones[pin] = int(hz) if duty else 0
        if self.tones[pin]:
            begin_ns, half_ns = self.stamp() + self.delay_ns, round(5e8 / hz)
            self._until(begin_ns + 2 * self.periods * half_ns)
            for seen in self.wires.get(pin, ()):
                for at in range(2 * self.periods):
                    self.edge(seen, 1 - at % 2, begin_ns + at * half_ns)
        return 0

    def edge(self, pin: int, level: int, stamp_ns: int) -> None:
        """An edge of an input, as the kernel stamps it."""
        if pin in self.watches:
            self.watches[pin](0, pin, level, stamp_ns)

    def _set(self, pin: int, level: int) -> None:
        before, self.levels[pin] = self.levels.get(pin, 0), level
        if level != before:
            stamp_ns = self.stamp() + self.delay_ns
            self._until(stamp_ns)
            for seen in self.wires.get(pin, ()):
                self.edge(seen, level, stamp_ns)

    def _until(self, stamp_ns: int) -> None:
        """No edge is told before it is."""
        while self.stamp() < stamp_ns:
            pass

    def _claim(self, handle: int, pin: int, how: str) -> int:
        assert handle in self.open
        if pin in self.busy or pin in self.claimed:
            raise error("GPIO busy")
        self.claimed[pin] = how
        return 0
