"""Drivers of the bench that stand in for devices: a receiver and a CAN adapter on ptys, and presses by a FIFO.

A thread of their own answers for the ptys, as devices do, whether or not a scenario is played. `drivers_air` has the
radio.
"""

import contextlib
import json
import os
import select
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Final

from asvrig.live.device import PtyDevice
from asvrig.live.receiver import ReceiverPty
from asvrig.live.slcan import SlcanPty
from asvunit.errors import AsvkitError

_LOOK_MS: Final = 50  # a device that was plugged again is served after so long
_RETRY_S: Final = 0.01
_FIFO_S: Final = 5.0


class Attendant:
    """Serves devices from a thread until it is closed."""

    def __init__(self, *devices: PtyDevice) -> None:
        self._devices = devices
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="devices of the bench", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """May be called twice."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.is_set():
            poll = select.poll()
            devices = {device.fileno(): device for device in self._devices}
            for file in devices:
                if file >= 0:
                    poll.register(file, select.POLLIN)
            for file, told in poll.poll(_LOOK_MS):
                if told & select.POLLIN:
                    devices[file].service()
                else:  # unplugged just now: its number may be another file's soon
                    self._ended.wait(_RETRY_S)


class PtyReceiver:
    """A receiver that says what it is given (`targets.target.Receiver`)."""

    def __init__(self, device: ReceiverPty) -> None:
        self.device = device

    @property
    def dropped(self) -> Counter[str]:
        """Lines that did not go out, by reason."""
        return self.device.dropped

    def write(self, data: bytes) -> None:
        self.device.write(data)

    def unplug(self) -> None:
        self.device.unplug()

    def plug(self) -> None:
        self.device.plug()


class PtyCan:
    """An slcan adapter on the unit's bus (`targets.target.CanLine`)."""

    def __init__(self, device: SlcanPty) -> None:
        self.device = device

    @property
    def dropped(self) -> Counter[str]:
        """Frames that did not go out, by reason."""
        return self.device.dropped

    def send(self, identifier: int, extended: bool, data: bytes) -> None:
        self.device.send(identifier, extended, data)

    def unplug(self) -> None:
        self.device.unplug()

    def plug(self) -> None:
        self.device.plug()


class FifoSwitches:
    """Presses by the FIFO of mock pins, which the unit makes; each press opens it, as units come and go."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def press(self, name: str, value: int) -> int:
        """AsvkitError where no unit reads it."""
        data = json.dumps({"switch": name, "value": value}).encode() + b"\n"
        file = self._open()
        try:
            sent_ns = time.monotonic_ns()
            os.write(file, data)
        except OSError as error:
            raise AsvkitError(f"{self._path}: {error.strerror}; does the unit still run?") from error
        finally:
            os.close(file)
        return sent_ns

    def _open(self) -> int:
        until_s = time.monotonic() + _FIFO_S
        while True:
            with contextlib.suppress(OSError):  # not made yet, or nobody reads
                return os.open(self._path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            if time.monotonic() > until_s:
                raise AsvkitError(f"{self._path}: no unit reads its switches there; start one first")
            time.sleep(_RETRY_S)
