"""Mock pins: gpiozero's own, which tell a record what they are told, one JSON line a change."""

import json
import os
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

from gpiozero.pins.mock import MockFactory, MockPWMPin

from asvunit.errors import UsageError

_BOARD: Final = "a02082"  # the mock pins are a Raspberry Pi 3B's; else an environment variable decides

_Said = tuple[int, int, float]  # value, frequency in Hz, duty
_SILENT: Final[_Said] = (0, 0, 0)


class Record:
    """The changes of the pins, appended as lines. A full disk costs lines, which are counted, and nothing else."""

    def __init__(self, path: Path, names: dict[int, str], counters: Counter[str]) -> None:
        self._names, self._counters = names, counters
        self._torn = False
        # Unbuffered: a line that fails is not kept back to fail again; and a FIFO without a reader does not block
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            self._file: int | None = os.open(path, flags, 0o644)
        except OSError as error:
            raise UsageError(f"hmi.record: {path}: cannot be written: {error.strerror}; name another file") from error

    def write(self, pin: int, value: int, hz: int, duty: float) -> bool:
        """Whether the line stands in the file."""
        if self._file is None:
            return False
        line = {"t_ns": time.monotonic_ns(), "pin": pin, "name": self._names[pin], "value": value, "hz": hz}
        if hz:
            line["duty"] = duty
        data = b"\n" * self._torn + json.dumps(line).encode() + b"\n"
        try:
            whole = os.write(self._file, data) == len(data)
        except OSError:
            whole = False
        else:
            self._torn = not whole  # its part is ended before the next line
        if not whole:
            self._counters["record_lost"] += 1
        return whole

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


class MockChip(MockFactory):  # type: ignore[misc]
    """The pins of one unit, apart from those of every other."""

    def __init__(self, record: Record | None) -> None:
        super().__init__(revision=_BOARD, pin_class=_MockPin)
        self.record = record


class _MockPin(MockPWMPin):  # type: ignore[misc]
    """Tells the record how it is first set and what changes: 1 and 0 Hz lit, 1 and a frequency sounding."""

    def __init__(self, factory: MockChip, info: Any) -> None:
        self._recorded: _Said | None = None
        super().__init__(factory, info)

    def _set_state(self, value: float) -> None:
        super()._set_state(value)
        self._tell()

    def _set_frequency(self, value: float | None) -> None:
        super()._set_frequency(value)
        if value is None:
            self._tell()  # else it is told with the duty, which is written after each frequency

    def _change_state(self, value: float) -> bool:
        changed: bool = super()._change_state(value)
        del self.states[:-1]  # gpiozero keeps them all
        return changed

    def _tell(self) -> None:
        hz = round(self._frequency or 0)
        now = (1, hz, round(float(self._state), 3) if hz else 0) if self._state else _SILENT
        # A line that was lost leaves the last one standing, so that the next write of this pin tries again
        if now != self._recorded and self.factory.record and self.factory.record.write(self._number, *now):
            self._recorded = now
