"""Lines of a GPIO chip as the measuring rig uses them, by lgpio: inputs whose edges the kernel stamps, and outputs.

The kernel stamps an edge when its interrupt comes, before any program runs. Since Linux 5.7 it does so by
CLOCK_MONOTONIC, before by CLOCK_REALTIME; which one it is, each edge shows by the clock that it is close to.
lgpio's own debouncing compares the two clocks and is not used: chatter is told apart by `light` and `tone`.
"""

import contextlib
import importlib
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

from asvunit.errors import AsvkitError, UsageError

EdgeTaker = Callable[[int, int], None]  # time in ns of CLOCK_MONOTONIC, level

_CHIPS: Final = range(8)
_HEADER: Final = "pinctrl-"  # begins the label of the chip whose lines are the 40-pin header
_LATEST_NS: Final = 10_000_000_000  # from an edge to this program; and clocks that are further apart are told apart
_TIMEOUT: Final = 2  # lgpio's level of an alert that is no edge


class Clocks:
    """Which clock stamps the edges, found by the first of them. Times that are of neither are counted and dropped."""

    def __init__(
        self, monotonic_ns: Callable[[], int] = time.monotonic_ns, unix_ns: Callable[[], int] = time.time_ns
    ) -> None:
        self.name = ""  # "monotonic", "realtime"; "": no edge yet
        self.counters: Counter[str] = Counter()
        self._monotonic_ns, self._unix_ns = monotonic_ns, unix_ns

    def monotonic(self, stamp_ns: int) -> int | None:
        """The stamp by CLOCK_MONOTONIC; None: it is of no clock that is known here."""
        now_ns = self._monotonic_ns()
        if 0 <= now_ns - stamp_ns < _LATEST_NS:
            self.name = "monotonic"
            return stamp_ns
        offset_ns = self._unix_ns() - now_ns
        if 0 <= now_ns + offset_ns - stamp_ns < _LATEST_NS:
            self.name = "realtime"
            return stamp_ns - offset_ns
        self.counters["unknown_clock"] += 1
        return None


class Chip:
    """The chip of the header, opened; what was claimed is given back by `close`.

    UsageError without lgpio, without such a chip, or for a line that another program holds.
    """

    def __init__(self, lgpio: ModuleType | Any | None = None) -> None:
        """`lgpio`: the module, or what stands in for it."""
        self.clocks = Clocks()
        self._lgpio = lgpio if lgpio is not None else _imported()
        self._handle = self._opened()
        self._callbacks: dict[int, Any] = {}
        self._lines: list[int] = []

    def watch(self, pin: int, key: str, take: EdgeTaker) -> None:
        """Both edges of an input from now on, in lgpio's thread. `key`: what the pin is, for messages."""
        lgpio, clocks = self._lgpio, self.clocks
        self._claim(pin, key, lambda: lgpio.gpio_claim_alert(self._handle, pin, lgpio.BOTH_EDGES, lgpio.SET_PULL_NONE))

        def alert(_chip: int, _line: int, level: int, stamp_ns: int) -> None:
            if level >= _TIMEOUT:
                return
            t_ns = clocks.monotonic(stamp_ns)
            if t_ns is not None:
                take(t_ns, level)

        self._callbacks[pin] = lgpio.callback(self._handle, pin, lgpio.BOTH_EDGES, alert)

    def unwatch(self, pin: int) -> None:
        """Ends the watch of an input and gives it back."""
        callback = self._callbacks.pop(pin, None)
        if callback is not None:
            with contextlib.suppress(self._lgpio.error):
                callback.cancel()
        self.release(pin)

    def output(self, pin: int, key: str, level: int = 0) -> None:
        """Makes a line an output of that level."""
        self._claim(pin, key, lambda: self._lgpio.gpio_claim_output(self._handle, pin, level))

    def write(self, pin: int, level: int) -> None:
        """Sets an output. OSError if the chip does not take it."""
        try:
            self._lgpio.gpio_write(self._handle, pin, level)
        except self._lgpio.error as error:
            raise OSError(str(error)) from error

    def sound(self, pin: int, hz: int) -> None:
        """A square wave on an output, by lgpio's software PWM; 0: it ends, and the line is low."""
        try:
            self._lgpio.tx_pwm(self._handle, pin, hz, 50 if hz else 0)
            if not hz:
                self._lgpio.gpio_write(self._handle, pin, 0)  # wherever its last pulse left it
        except self._lgpio.error as error:
            raise OSError(str(error)) from error

    def release(self, pin: int) -> None:
        """Gives one line back: it is an input again."""
        with contextlib.suppress(self._lgpio.error, ValueError):
            self._lines.remove(pin)
            self._lgpio.gpio_free(self._handle, pin)

    def close(self) -> None:
        """Ends all; may be called twice."""
        for pin in list(self._callbacks):
            self.unwatch(pin)
        for pin in list(self._lines):
            self.release(pin)
        if self._handle is not None:
            with contextlib.suppress(self._lgpio.error):
                self._lgpio.gpiochip_close(self._handle)
            self._handle = None

    def _claim(self, pin: int, key: str, claim: Callable[[], Any]) -> None:
        try:
            claim()
        except self._lgpio.error as error:
            said = " ".join(str(error).split())
            raise UsageError(
                f"pin {pin} ({key}): cannot be used: {said}; end the program that has it, or wire another pin"
            ) from error
        self._lines.append(pin)

    def _opened(self) -> Any:
        lgpio, refused = self._lgpio, ""
        for number in _CHIPS:
            try:
                handle = lgpio.gpiochip_open(number)
            except lgpio.error as error:
                refused = refused or " ".join(str(error).split())
                continue
            label = lgpio.gpio_get_chip_info(handle)[3]
            if isinstance(label, bytes):
                label = label.decode("ascii", "replace")
            if label.startswith(_HEADER):
                return handle
            lgpio.gpiochip_close(handle)
        reason = f" ({refused})" if refused else ""
        raise UsageError(
            f"no GPIO chip of a Raspberry Pi's header can be opened{reason}; "
            "run this on the Pi that the probe is wired to, by a user of the group gpio, or use --probe record"
        )


def _imported() -> ModuleType:
    try:
        # It makes a FIFO in the working directory on import, and needs its name no more
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, contextlib.chdir(folder):
            module = importlib.import_module("lgpio")
    except ImportError as error:
        raise UsageError("this probe needs lgpio: pip install 'asvkit[pi]'") from error
    except OSError as error:
        raise AsvkitError(
            f"lgpio cannot make its FIFO: {error.strerror}; set TMPDIR to a folder to write in"
        ) from error
    return module
