"""Reads an open bus of python-can by its own `recv`; `slcan_port` reads slcan's lines, which is far quicker."""

from collections.abc import Iterable
from contextlib import suppress
from time import monotonic
from typing import Final, Protocol

import can

from asvunit.canbus.filters import Wanted, frames

_DISCARD_S: Final = 0.1
_DENSE_S: Final = 0.002  # frames nearer than this: a full bus, of which several are taken at once,
_AT_ONCE: Final = 256  # at most so many


class CanReader(Protocol):
    """What reads a bus. `frames` counts all frames of it that were seen, wanted or not, but for error frames."""

    frames: int

    def receive(self, timeout_s: float) -> list[can.Message]:
        """What of use came within that time, error frames too. Whatever the driver raises is raised."""

    def flush(self) -> None:
        """Drops what waits to be read."""


class BusReader:
    """The reader for any interface."""

    def __init__(self, bus: can.BusABC, identifiers: Iterable[Wanted], *, every: bool = False) -> None:
        """`every`: all others too."""
        self.frames = 0
        self._every = every
        self._bus = bus
        self._wanted = frames(identifiers)
        self._last_s = 0.0
        self._failure: Exception | None = None

    def receive(self, timeout_s: float) -> list[can.Message]:
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        message = self._bus.recv(timeout_s)
        if message is None:
            return []
        now_s = monotonic()
        most = _AT_ONCE if now_s - self._last_s < _DENSE_S else 1
        self._last_s = now_s
        found: list[can.Message] = []
        wanted, recv, every = self._wanted, self._bus.recv, self._every
        while message is not None:
            most -= 1
            if message.is_error_frame:
                found.append(message)
            else:
                self.frames += 1
                if every or message.is_remote_frame or (message.arbitration_id, message.is_extended_id) in wanted:
                    found.append(message)
            if not most:
                break
            try:
                message = recv(0)
            except Exception as failure:  # told after the frames before it
                self._failure = failure
                break
        return found

    def flush(self) -> None:
        end_s = monotonic() + _DISCARD_S
        with suppress(Exception):  # a device that is gone is found by the next reading
            while monotonic() < end_s and self._bus.recv(0) is not None:
                pass
