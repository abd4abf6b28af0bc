"""QEMU's qtest line: registers read and written from outside, and the pins' lines as they rise and fall.

QEMU stamps each edge in its log of that line, when it happens, by the clock that is CLOCK_MONOTONIC here; so a busy
bench sees it late, and knows when it was.
"""

import contextlib
import os
import queue
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import BinaryIO, Final

from asvunit.errors import AsvkitError

# Registers of the BCM2835's GPIO, pins 0 to 31
SET: Final = 0x3F20001C
CLEAR: Final = 0x3F200028
LEVEL: Final = 0x3F200034
_GPIO: Final = "/machine/soc/peripherals/gpio"
_ANSWER_S: Final = 10.0
_READ_BYTES: Final = 1 << 16
_STAMPED: Final = re.compile(rb"\[[A-Z] \+(\d+)\.(\d{6})\] ?(?:IRQ (raise|lower) (\d+))?")

EdgeTaker = Callable[[int, int, int], None]  # pin, monotonic time of the bench in ns, level


class Qtest:
    """The line and QEMU's log of it, both taken over; what else QEMU says is kept in `said`.

    `edge` is called in a thread, with times that never run back.
    """

    def __init__(self, line: socket.socket, log: int, edge: EdgeTaker, said: BinaryIO) -> None:
        self.counters: Counter[str] = Counter()
        self._line, self._log, self._edge, self._said = line, log, edge, said
        self._began_ns: int | None = None  # QEMU's zero, by what came most quickly
        self._last_ns = 0
        self._answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._asking = threading.Lock()
        self._threads = [
            threading.Thread(target=run, name=name, daemon=True)
            for name, run in (("qtest", self._run), ("edges", self._follow))
        ]
        for thread in self._threads:
            thread.start()
        self._ask(f"irq_intercept_out {_GPIO}")

    def level(self) -> int:
        """Of pins 0 to 31, one bit each."""
        return int(self._ask(f"readl {LEVEL:#x}"), 16)

    def drive(self, pin: int, level: int) -> int:
        """Puts an input on a level; the time just before."""
        sent_ns = time.monotonic_ns()
        self._ask(f"writel {SET if level else CLEAR:#x} {1 << pin:#x}")
        return sent_ns

    def close(self) -> None:
        """QEMU has ended, or ends now. May be called twice."""
        with contextlib.suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(_ANSWER_S)
        self._line.close()

    def _ask(self, words: str) -> str:
        with self._asking:
            while not self._answers.empty():
                self._answers.get_nowait()
            try:
                self._line.sendall(words.encode() + b"\n")
                answer = self._answers.get(timeout=_ANSWER_S)
            except (OSError, queue.Empty) as error:
                raise AsvkitError("the emulated Pi is gone: its pins cannot be reached") from error
        if not answer.startswith("OK"):
            raise AsvkitError(f"the emulated Pi refuses {words.split(maxsplit=1)[0]}: {answer or 'it is gone'}")
        return answer[2:].strip()

    # The threads

    def _run(self) -> None:
        """Answers."""
        rest = ""
        while True:
            try:
                data = self._line.recv(_READ_BYTES)
            except OSError:
                data = b""
            if not data:
                self._answers.put("")
                return
            *lines, rest = (rest + data.decode("ascii", "replace")).split("\n")
            for line in lines:
                if not line.startswith("IRQ"):
                    self._answers.put(line)

    def _follow(self) -> None:
        """The log, to its end, which comes with QEMU's."""
        rest = b""
        while data := os.read(self._log, _READ_BYTES):
            now_ns = time.monotonic_ns()
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                found = _STAMPED.match(line)
                if found:
                    self._take(found, now_ns)
                elif line:
                    self._said.write(line + b"\n")
        os.close(self._log)
        self._said.write(rest)
        self._said.close()

    def _take(self, found: re.Match[bytes], now_ns: int) -> None:
        since_ns = int(found[1]) * 10**9 + int(found[2]) * 1000
        began_ns = now_ns - since_ns
        if self._began_ns is None or began_ns < self._began_ns:
            self._began_ns = began_ns
        if found[4] is not None:
            self.counters["edges"] += 1
            self._last_ns = max(self._last_ns, self._began_ns + since_ns)
            self._edge(int(found[4]), self._last_ns, int(found[3] == b"raise"))
