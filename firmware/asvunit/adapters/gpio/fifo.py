"""Switches of a machine without pins: a FIFO, into which anything may write who presses.

    echo '{"switch": "mute", "value": 1}' > switches

One JSON object a line: value 1 pressed, 0 let go. Writers come and go; what is malformed is counted and dropped.
"""

import contextlib
import json
import os
import select
import stat
import time
from collections import Counter
from pathlib import Path
from typing import Final

from asvunit.errors import UsageError
from asvunit.ports import SWITCHES, Delivery, Switch
from asvunit.woken_thread import WokenThread

_LONGEST: Final = 256  # bytes of one line
_READ_BYTES: Final = 4096
_LINES_A_TURN: Final = 32  # more than a hand presses; the rest waits for the next turn
_PAUSE_MS: Final = 100
_LOOKED_AFTER_MS: Final = 1000


class FifoSwitches:
    """A live input (`ports.LiveInput`): the lines of a FIFO, made with mode 0600 where there is none.

    `counters`: "bad_json", "bad_switch", "bad_value", "too_long", "too_many" at once; "made_anew", a FIFO that was
    taken away.
    """

    name = "switches"

    def __init__(self, path: Path) -> None:
        """UsageError where the path is something else, or cannot be had."""
        self.counters: Counter[str] = Counter()
        self._path = path
        self._fifo = _open(path)
        self._rest = b""
        self._deliver: Delivery | None = None
        self._thread = WokenThread(self.name, self._run)
        self._closed = False

    def check(self) -> None:
        """Nothing is left to be refused: the FIFO is open."""

    def start(self, deliver: Delivery) -> None:
        """Reads from now on, in a thread of its own; what was written before is not pressed now."""
        self.stop()
        self._deliver = deliver
        with contextlib.suppress(OSError):
            while os.read(self._fifo, _READ_BYTES):
                pass
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread, within a second; may be called twice."""
        self._thread.stop()

    def close(self) -> None:
        """Ends the thread and closes the FIFO, which stays; may be called twice."""
        if self._closed:
            return
        self._closed = True
        self.stop()
        os.close(self._fifo)

    # The thread

    def _run(self, wake: int) -> None:
        stopping = select.poll()
        stopping.register(wake, select.POLLIN)
        while True:
            either = select.poll()
            either.register(wake, select.POLLIN)
            either.register(self._fifo, select.POLLIN)
            ready = {number for number, _events in either.poll(_LOOKED_AFTER_MS)}
            if wake in ready:
                return
            if self._fifo not in ready:
                self._look_after()
            elif self._read() and stopping.poll(_PAUSE_MS):
                return

    def _read(self) -> bool:
        """Takes what is there; True where it is more than a hand presses."""
        try:
            data = os.read(self._fifo, _READ_BYTES)
        except OSError:
            return True
        now_ns = time.monotonic_ns()
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines[:_LINES_A_TURN]:
            self._take(line, now_ns)
        if len(lines) > _LINES_A_TURN:
            self.counters["too_many"] += len(lines) - _LINES_A_TURN
        if len(self._rest) > _LONGEST:  # its end will not make it a line
            self._rest = self._rest[: _LONGEST + 1]
        return len(lines) >= _LINES_A_TURN

    def _take(self, line: bytes, time_ns: int) -> None:
        if not line.strip():
            return
        found = _parsed(line)
        if isinstance(found, str):
            self.counters[found] += 1
        elif self._deliver is not None:
            self._deliver(Switch(time_ns, *found))

    def _look_after(self) -> None:
        """A FIFO that was taken away is made anew: who writes finds one by its name alone."""
        try:
            at_path, held = os.stat(self._path), os.fstat(self._fifo)
            if (at_path.st_dev, at_path.st_ino) == (held.st_dev, held.st_ino):
                return
        except FileNotFoundError:
            pass
        except OSError:
            return
        try:
            made = _open(self._path)
        except UsageError:  # until its folder is there again, or what stands in its place has gone
            return
        os.dup2(made, self._fifo, inheritable=False)
        os.close(made)
        self._rest = b""
        self.counters["made_anew"] += 1


def _open(path: Path) -> int:
    """A descriptor of the FIFO, which never comes to an end: it is a writer too."""
    try:
        with contextlib.suppress(FileExistsError):
            os.mkfifo(path, 0o600)
        if not stat.S_ISFIFO(os.stat(path).st_mode):
            raise UsageError(f"hmi.switches: {path}: is no FIFO; name another, or remove it")
        return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        told = error.strerror or error
        raise UsageError(f"hmi.switches: {path}: cannot be made or opened: {told}; name another") from error


def _parsed(line: bytes) -> tuple[int, int] | str:
    """Switch and value, or why there are none."""
    if len(line) > _LONGEST:
        return "too_long"
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        return "bad_json"
    switch, value = found.get("switch"), found.get("value")
    if not isinstance(switch, str) or switch not in SWITCHES:
        return "bad_switch"
    if type(value) is not int or value not in (0, 1):
        return "bad_value"
    return SWITCHES.index(switch), value
