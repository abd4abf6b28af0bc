"""Puts the lamps out after a unit that could not do so itself: one that was killed, or whose interpreter crashed.

A small process that waits for the unit's end by a pipe. A unit that ends in order says so first; else the guard
opens the pins, writes them low and gives them back. A line that is not given back keeps its level on a Raspberry Pi,
whoever lit it (docs/hardware.md). What takes time is done before the wait, so that the lamps are out at once, and
before a unit that is started anew has the pins.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from asvunit.pins import PinMap

_LEFT_ALONE_S: Final = 5.0
_IN_ORDER = b"."


class GpioGuard:
    """The unit's side: a guard from now on, until `stand_down`. Without one (no process to be had) nothing is lost.

    Mock pins without a record have none: nothing of theirs outlives the unit.
    """

    def __init__(self, factory: str, pins: "PinMap", record: Path | None) -> None:
        """`factory`: "lgpio" or "mock"; `record`: the file for the changes of mock pins, or None."""
        self._process: subprocess.Popen[bytes] | None = None
        self._word = -1
        if factory == "mock" and record is None:
            return
        # The map itself: by the time that it is needed its file may be another
        told = json.dumps([factory, pins.model_dump_json(), record and str(record.resolve())])
        with contextlib.suppress(OSError):
            theirs, self._word = os.pipe()
            try:
                self._process = subprocess.Popen(  # noqa: S603
                    [sys.executable, "-P", "-m", "asvunit.gpio_guard", str(theirs), told],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=(theirs,),
                    process_group=0,  # Ctrl-C in the unit's terminal is not its end
                )
            finally:
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
            self._process.kill()  # it may be on its way to the wait still
            self._process.wait()


def main(arguments: list[str]) -> int:
    """Wait for the unit's end, and darken the pins if it did not end in order."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    select.select([int(arguments[0])], [], [], _LEFT_ALONE_S)  # a small machine has the unit itself to start first
    from asvunit.adapters.gpio import darken, open_chip
    from asvunit.pins import PinMap

    factory, told, record = json.loads(arguments[1])
    pins = PinMap.model_validate_json(told)
    if os.read(int(arguments[0]), 1) == _IN_ORDER:
        return 0
    chip = open_chip(factory, pins, record and Path(record))
    try:
        return len(darken(pins, chip))
    finally:
        chip.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
