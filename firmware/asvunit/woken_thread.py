"""A thread that waits for a device with poll and is told to stop at once: by a descriptor that becomes readable."""

import os
import threading
from collections.abc import Callable
from time import monotonic_ns
from typing import Final

_STOP_S: Final = 0.9  # a driver that hangs is left to the end of the process


class WokenThread:
    """One run after the other of `run(wake)`, which ends when the descriptor `wake` is readable."""

    def __init__(self, name: str, run: Callable[[int], None]) -> None:
        self._name, self._run = name, run
        self._wake = -1
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """A run that goes on is stopped first."""
        self.stop()
        self._wake = os.eventfd(0, os.EFD_CLOEXEC)
        self._thread = threading.Thread(target=self._run, args=(self._wake,), name=self._name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Within a second; may be called twice."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        os.eventfd_write(self._wake, 1)  # never read: the thread stays told
        thread.join(_STOP_S)
        if not thread.is_alive():
            os.close(self._wake)


def ms_until(due_ns: int) -> int:
    """For poll, rounded up: it must not end before."""
    return max(0, -(-(due_ns - monotonic_ns()) // 1_000_000))
