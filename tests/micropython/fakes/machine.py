"""The `machine` of a Pico W without one: the names and habits of its MicroPython, and a record of what was written.

    from machine import PWM, SPI, UART, WDT, Pin     # as a board's program does; this folder is on sys.path
    import machine, manual_time

    machine.power_on()                               # forgets all; before each test
    manual_time.clock.advance(20)                    # WDT counts by it

What a test does and looks at, beside machine's own methods:

- `line(15)`: the `Line` that Pins and PWMs of a GPIO share. `.level` now, `.writes` all levels written, `.drive(level)`
  from outside (an input, with its interrupts), `.watcher(level)` is called at each write (a chip's select).
- `Pin.value()` of an input is the driven level, or that of its pull. Writing an input changes nothing at the pin.
- `UART(0).put(data)`: bytes come in, as many as `rxbuf` takes (`.lost` counts the others). `.sent`: a bytearray of all
  that was written. Nothing waits: `read`, `readinto`, `readline` give None. `machine.uart(0)`: the one made last.
- `SPI(0).device = chip`: `chip.exchange(byte)` gives what comes back; without one 0xFF does. `machine.spi(0)`.
- `PWM(Pin(15))`: `.freq()`, `.duty_u16()` (above 65535: 65535), `.sounding`, `.writes` [("freq", hz), ...].
  Both pins of a slice (2n, 2n + 1) have one frequency. Without both frequency and duty no signal.
- `WDT(timeout=8000)`: above 8388 ms ValueError; it cannot be stopped. `.feeds`, `.longest_ms` between two of them,
  `.bitten`: the board would have been reset (also when nobody feeds it any more). `machine.watchdog()`.
- `machine.reset()` raises `machine.Reset`; `machine.set_reset_cause(machine.WDT_RESET)`; `machine.unique_id()`.

`record(False)` keeps no lists of writes. Under `heap.lock()` a fake's own memory is not counted.
"""

import heap
from machine_serial import SPI, UART  # noqa: F401 - as the board's has them
from machine_state import made, state
from manual_time import clock

PWRON_RESET = 1
WDT_RESET = 3

_LED = "LED"
_GPIOS = 30
_lines = {}
_slices = {}  # PWM: frequency by slice


class Reset(BaseException):
    """The board starts anew."""


def power_on():
    """As after a cold start: no pin set up, nothing recorded, time 0."""
    _lines.clear()
    made.clear()
    _slices.clear()
    state["record"] = True
    state["cause"] = PWRON_RESET
    clock.start_at(0)


def record(wanted):
    state["record"] = wanted


def line(name):
    if name not in _lines:
        if name != _LED and not (isinstance(name, int) and 0 <= name < _GPIOS):
            raise ValueError("invalid pin")
        _lines[name] = Line(name)
    return _lines[name]


def uart(number):
    return made["uart", number]


def spi(number):
    return made["spi", number]


def watchdog():
    return made.get("wdt")


def reset():
    raise Reset("machine.reset()")


def reset_cause():
    return state["cause"]


def set_reset_cause(cause):
    state["cause"] = cause


def unique_id():
    return b"\xe6\x61\x38\x52\x83\x4b\x2c\x2a"


def freq():
    return 125_000_000


class Line:
    """A pin of the chip."""

    def __init__(self, name):
        self.id = name
        self.mode = -1
        self.pull = None
        self.output = 0
        self.driven = None  # by the outside
        self.writes = []
        self.watcher = None
        self.handler = None
        self.trigger = 0

    @property
    def level(self):
        if self.mode == Pin.OUT or (self.mode == Pin.OPEN_DRAIN and not self.output):
            return self.output
        if self.driven is not None:
            return self.driven
        return 1 if self.pull == Pin.PULL_UP else 0

    def drive(self, level):
        """Another chip, or a hand, sets the level; None: lets go."""
        before = self.level
        self.driven = level
        after = self.level
        edge = Pin.IRQ_RISING if after > before else Pin.IRQ_FALLING
        if after != before and self.handler and self.trigger & edge:
            self.handler(Pin(self.id))

    def write(self, level):
        heap.pause()
        self.output = level
        if state["record"]:
            self.writes.append(level)
        if self.watcher and self.mode != Pin.IN:
            self.watcher(level)
        heap.resume()


class Pin:
    """A GPIO, or "LED"."""

    IN = 0
    OUT = 1
    OPEN_DRAIN = 2
    PULL_UP = 1
    PULL_DOWN = 2
    IRQ_FALLING = 4
    IRQ_RISING = 8

    def __init__(self, name, mode=-1, pull=None, *, value=None, drive=None, alt=None):
        self.line = name.line if isinstance(name, Pin) else line(name)
        if mode != -1 or pull is not None or value is not None:
            self.init(mode, pull, value=value)

    def init(self, mode=-1, pull=None, *, value=None, drive=None, alt=None):
        if mode != -1:
            self.line.mode = mode
        self.line.pull = pull
        if value is not None:
            self.line.write(1 if value else 0)

    def value(self, x=None):
        if x is None:
            return self.line.level
        return self.line.write(1 if x else 0)

    def __call__(self, x=None):
        return self.value(x)

    def on(self):
        self.line.write(1)

    def off(self):
        self.line.write(0)

    high = on
    low = off

    def toggle(self):
        self.line.write(1 - self.line.output)

    def irq(self, handler=None, trigger=IRQ_FALLING | IRQ_RISING, *, priority=1, wake=None, hard=False):
        self.line.handler = handler
        self.line.trigger = trigger


def _line_of(pin):
    return pin.line if isinstance(pin, Pin) else line(pin)


class PWM:
    """A pulse-width modulated pin."""

    def __init__(self, dest, *, freq=None, duty_u16=None, duty_ns=None, invert=False):
        self.line = _line_of(dest)
        self._duty_u16 = None
        self._on = False
        self.writes = []
        self.init(freq=freq, duty_u16=duty_u16, duty_ns=duty_ns, invert=invert)

    def init(self, *, freq=None, duty_u16=None, duty_ns=None, invert=False):
        if duty_ns is not None or invert:
            raise NotImplementedError("not in this fake")
        if freq is not None:
            self.freq(freq)
        if duty_u16 is not None:
            self.duty_u16(duty_u16)

    def _write(self, what, value):
        heap.pause()
        self._on = True
        if state["record"]:
            self.writes.append((what, value))
        heap.resume()

    def freq(self, value=None):
        if value is None:
            return _slices.get(self.line.id // 2 & 7, 0)
        if value < 8:
            raise ValueError("freq too small")
        if value > 62_500_000:
            raise ValueError("freq too large")
        self._write("freq", value)
        heap.pause()
        _slices[self.line.id // 2 & 7] = value
        heap.resume()
        return None

    def duty_u16(self, value=None):
        if value is None:
            return self._duty_u16 or 0
        self._duty_u16 = min(value, 65535)
        self._write("duty_u16", self._duty_u16)
        return None

    def deinit(self):
        self._on = False
        if state["record"]:
            self.writes.append(("deinit", 0))

    @property
    def sounding(self):
        """A signal that changes: neither off nor always on."""
        return self._on and self.freq() > 0 and 0 < (self._duty_u16 or 0) < 65535


class WDT:
    """The watchdog, by the manual clock."""

    def __init__(self, id=0, timeout=5000):  # noqa: A002 - its name on the board
        if id != 0:
            raise ValueError("no such WDT")
        if timeout > 8388:
            raise ValueError("timeout exceeds 8388")
        self.timeout_ms = timeout
        self.feeds = 0
        self.longest_ms = 0
        self._fed_ms = clock.ms
        made["wdt"] = self

    def feed(self):
        self.longest_ms = max(self.longest_ms, clock.ms - self._fed_ms)
        self._fed_ms = clock.ms
        self.feeds += 1

    @property
    def bitten(self):
        """Whether it ran out at any time until now."""
        return max(self.longest_ms, clock.ms - self._fed_ms) > self.timeout_ms
