"""What a board is while its files are wrong: it says so, by its fault lamp and its console, and does nothing else.

No core, no radio: a setting that is wrong could make support wrong, or a message that others rely on. `system` stays
dark, which no running unit does, and `fault` is lit.
"""

REPEAT_MS = 10000


class SafeUnit:
    """Turned by the same loop as a `BoardUnit`."""

    def __init__(self, problems, clock, lights, watchdog, console):
        self._problems = problems
        self._clock = clock
        self._lights = lights
        self._watchdog = watchdog
        self._console = console
        self._repeat_ms = 0
        self._failed = 0

    def dark(self, ticks):
        """The fault lamp off, for there will be no more steps."""
        self._lights.dark()
        self._lights.tick(self._clock.now_ms(ticks))

    def step(self, ticks):
        """One pass of the loop; it never raises."""
        now_ms = self._clock.now_ms(ticks)
        if self._clock.rebase_due():
            offset_ms = self._clock.rebase()
            self._repeat_ms -= offset_ms
            self._lights.rebase(offset_ms)
            now_ms -= offset_ms
        try:
            self._lights.system(False, False, True)
            self._lights.tick(now_ms)
        except Exception:
            self._failed += 1
        if now_ms >= self._repeat_ms:
            self._repeat_ms = now_ms + REPEAT_MS
            self._console.say("safe unit: no support is given, nothing is sent; mend this and restart:", now_ms)
            for line in self._problems:
                self._console.say(line, now_ms)
        if self._watchdog is not None:
            self._watchdog.feed()
