"""Puts the lamps out after a unit that could not do so itself: one that was killed, or whose interpreter crashed.

A small process that waits for the unit's end by a pipe. A unit that ends in order says so first; else the guard
opens the pins, writes them low and gives them back. A line that is not given back keeps its level on a Raspberry Pi,
whoever lit it (docs/hardware.md).
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

_IN_ORDER = b"."


class GpioGuard:
    """The unit's side: a guard from now on, until `stand_down`. Without one (no process to be had) nothing is lost."""

    def __init__(self, factory: str, pins: Path | None, record: Path | None) -> None:
        """`factory`: "lgpio" or "mock"; `pins`, `record`: files of the configuration, or None."""
        theirs, self._word = os.pipe()
        os.set_inheritable(theirs, True)
        told = json.dumps([factory, *(None if one is None else str(one.resolve()) for one in (pins, record))])
        self._process: subprocess.Popen[bytes] | None = None
        with contextlib.suppress(OSError):
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-P", "-m", "asvunit.gpio_guard", str(theirs), told],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs,),
                process_group=0,  # Ctrl-C in the unit's terminal is not its end
            )
        os.close(theirs)

    @property
    def pid(self) -> int | None:
        """Of the guard, or None."""
        return self._process.pid if self._process else None

    def stand_down(self) -> None:
        """The lamps are out: nothing is left to do. May be called twice."""
        if self._word < 0:
            return
        with contextlib.suppress(OSError):
            os.write(self._word, _IN_ORDER)
        os.close(self._word)
        self._word = -1
        if self._process:
            try:
                self._process.wait(1)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def main(arguments: list[str]) -> int:
    """Wait for the unit's end, and darken the pins if it did not end in order."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if os.read(int(arguments[0]), 1) == _IN_ORDER:
        return 0
    from asvunit.adapters.gpio import darken, open_chip
    from asvunit.pins import load_pins

    factory, pins_file, record = json.loads(arguments[1])
    pins = load_pins(pins_file and Path(pins_file))
    chip = open_chip(factory, pins, record and Path(record))
    try:
        return len(darken(pins, chip))
    finally:
        chip.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
