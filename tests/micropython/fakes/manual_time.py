"""A clock turned by hand, with the functions of a board's `time` that a unit uses.

    clock.advance(20)     # milliseconds; no limit: `ms` is not wrapped
    clock.ticks_ms()      # what a board reads: wraps at 2 ** 30
    clock.start_at(ms)    # e.g. shortly before the wrap

`clock` is that of all fakes.
"""

_PERIOD = 1 << 30  # of a board's ticks
_HALF = _PERIOD >> 1


class ManualTime:
    """Milliseconds since power-on, as the test says."""

    def __init__(self):
        self.ms = 0

    def advance(self, ms):
        self.ms += ms

    def start_at(self, ms):
        self.ms = ms

    # time's own

    def ticks_ms(self):
        return self.ms & _PERIOD - 1

    def ticks_us(self):
        return self.ms * 1000 & _PERIOD - 1

    def ticks_add(self, ticks, delta):
        return ticks + delta & _PERIOD - 1

    def ticks_diff(self, end, start):
        return (end - start + _HALF & _PERIOD - 1) - _HALF

    def sleep_ms(self, ms):
        self.ms += ms

    def sleep(self, seconds):
        self.ms += int(seconds * 1000)

    def time(self):
        return self.ms // 1000


clock = ManualTime()
