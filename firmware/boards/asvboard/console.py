"""A board's console: one line for each change, never more than a few a second; nothing is made while nothing changes.

    12.345 caution crossing left: WAIT! Left side

The number is the unit's seconds since its start. Lines beyond `LINES_A_SECOND` are counted, and told as a number.
"""

from . import words

LINES_A_SECOND = 16  # the start has the most
_SECOND_MS = 1000


class Console:
    """`write(text)` takes a line with its end, or gives False: nobody reads, and it would wait.

    What it raises is counted in `failed`, never let through, and so is a line that there is no memory for.
    """

    def __init__(self, write, texts=None):
        """`texts`: rows of TEXT_ code and what the driver reads, or none."""
        self.lines = 0
        self.failed = 0
        self.left_out = 0  # since the last line about it
        self._write = write
        self._texts = texts
        self._driver_line = self._driver  # bound once
        self._second_ms = 0
        self._in_second = 0

    def say(self, text, now_ms):
        """A line, if there is room for it."""
        self._tell(_as_it_is, now_ms, text)

    def hmi(self, level, function, direction, text, muted, now_ms):
        """What the driver is told from now on."""
        self._tell(self._driver_line, now_ms, level, function, direction, text, muted)

    def status(self, which, state, reason, now_ms):
        """An input, in the core's eyes."""
        self._tell(_status, now_ms, which, state, reason)

    def signal(self, signal, state, reason, now_ms):
        """A signal of the car's."""
        self._tell(_signal, now_ms, signal, state, reason)

    def lamps(self, receiving, fault, now_ms):
        """The unit's own lamps."""
        self._tell(_lamps, now_ms, receiving, fault)

    def link(self, radio, now_ms):
        """The link of a radio."""
        self._tell(_link, now_ms, radio)

    def counted(self, names, counts, told, now_ms):
        """What has grown since it was told last."""
        self._tell(_counted, now_ms, names, counts, told)

    def fault(self, part, error, now_ms):
        """A part has raised."""
        self._tell(_fault, now_ms, part, error)

    def _tell(self, line, now_ms, a, b=0, c=0, d=0, e=0):
        """The line that a function makes of values: without memory for it there is none, and nothing is raised.

        Hence no list of values, which would take memory before it could be caught.
        """
        try:
            if self._room(now_ms):
                self._put(line(a, b, c, d, e), now_ms)
        except Exception:
            self.failed += 1

    def _room(self, now_ms):
        if now_ms - self._second_ms >= _SECOND_MS or now_ms < self._second_ms:
            self._second_ms = now_ms
            self._in_second = 0
            if self.left_out:
                left_out, self.left_out = self.left_out, 0
                self._put("console: %d lines left out" % left_out, now_ms)
        if self._in_second < LINES_A_SECOND:
            return True
        self.left_out += 1
        return False

    def _put(self, text, now_ms):
        self._in_second += 1
        if self._write("%d.%03d %s\n" % (now_ms // 1000, now_ms % 1000, text)) is False:
            self.left_out += 1
        else:
            self.lines += 1

    def _driver(self, level, function, direction, text, muted):
        if level == 0:
            return "driver: nothing"
        told = [words.LEVELS[level], words.FUNCTIONS[function], words.SIDES[direction], "muted" if muted else ""]
        line = "driver: " + " ".join([one for one in told if one])
        for known, words_of_it in self._texts or ():
            if known == text and words_of_it:
                line += ": " + words_of_it
        return line


def _as_it_is(text, _b, _c, _d, _e):
    return text


def _status(which, state, reason, _d, _e):
    return "%s %s: %s" % (words.INPUTS[which], words.state(state), words.reason(reason))


def _signal(signal, state, reason, _d, _e):
    return "car's %s %s: %s" % (words.SIGNALS[signal], words.state(state), words.reason(reason))


def _lamps(receiving, fault, _c, _d, _e):
    return "lamps: system" + (" receiving" if receiving else "") + (" fault" if fault else "")


def _link(radio, _b, _c, _d, _e):
    return "radio: " + radio.word


def _counted(names, counts, told, _d, _e):
    grown = [at for at in range(len(names)) if counts[at] != told[at]]
    return "counted: " + ", ".join(["%s %d" % (names[at], counts[at]) for at in grown])


def _fault(part, error, _c, _d, _e):
    return "%s: %s %s; tried again" % (part, type(error).__name__, error)
