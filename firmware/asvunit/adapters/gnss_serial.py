"""A GNSS receiver on a serial line: one thread opens it, reads it, and outlives every fault of it.

pyserial opens the line and locks it; it is then waited for with poll, so that bytes are taken as they arrive,
nothing runs while none do, and `stop` is heard at once. `asvunit.gnss.nmea_live` makes the fixes.
"""

import errno
import os
import select
import stat
import termios
from collections import Counter
from collections.abc import Callable
from time import monotonic_ns, thread_time_ns
from typing import Any, Final

from serial import Serial

from asvunit.device_access import access_mend
from asvunit.errors import UsageError
from asvunit.gnss.nmea_live import NmeaLive
from asvunit.ports import Delivery, Link
from asvunit.woken_thread import WokenThread, ms_until

_REOPEN_NS: Final = 500_000_000
_CHUNK: Final = 4096
_FULL: Final = 4095  # all that a terminal's queue hands over at once
_LONGEST_PAUSE_NS: Final = 50_000_000  # noise is read for half of the time at most: the unit has more to do
_NOT_OPENED: Final = (OSError, ValueError, termios.error)  # pyserial lets the latter two through

_REASONS: Final = {
    **dict.fromkeys((errno.ENOENT, errno.ENODEV, errno.ENXIO), "absent"),
    **dict.fromkeys((errno.EACCES, errno.EPERM), "no_permission"),
    **dict.fromkeys((errno.EAGAIN, errno.EBUSY), "in_use"),
}
_DETAILS: Final = {
    "absent": "no such device; plug the receiver in, or correct gnss.port",
    "unplugged": "the receiver was unplugged; plug it in again",
    "in_use": "another program has it open; stop that one, or give another gnss.port",
    "no_serial_line": "is no serial line; give the receiver's device as gnss.port, e.g. /dev/ttyAMA0",
}
_NO_SENTENCE: Final = (
    "{port}: bytes arrive but no RMC or GGA sentence; is baud = {baud} right, and does the receiver send NMEA?"
)
_BINARY_ONLY: Final = "{port}: binary frames arrive but no RMC or GGA sentence; let the receiver send NMEA"
_NO_CHECKSUM: Final = "{port}: sentences arrive without checksum and are not taken; let the receiver send checksums"


class SerialGnss:
    """A live input (`ports.LiveInput`) of fixes."""

    def __init__(self, port: str, baud: int = 9600, tap: Callable[[bytes, int], None] | None = None) -> None:
        """`tap` gets all bytes as they come, with the monotonic clock's time."""
        self._port, self._baud, self._tap = port, baud, tap
        self._live = NmeaLive()
        self.counters: Counter[str] = self._live.counters
        self._told = ""  # reason of the last link
        self._deliver: Delivery = lambda _record: None
        self._thread = WokenThread("gnss", self._run)

    @property
    def hint(self) -> str:
        """What may be wrong with a line that is open but tells no sentence, or nothing."""
        if not self._live.no_sentence:
            return ""
        text = {"": _NO_SENTENCE, "binary": _BINARY_ONLY, "no_checksum": _NO_CHECKSUM}[self._live.instead]
        return text.format(port=self._port, baud=self._baud)

    def summary(self) -> dict[str, Any]:
        """What the receiver sends, for people: period_ms, sentences, talkers, missing, fix, quality, satellites, hdop,
        binary_share, bytes; since the line was opened last."""
        return self._live.summary()

    def check(self) -> None:
        try:
            self._open().close()
        except _NOT_OPENED as error:
            reason, detail = self._explain(error)
            if reason != "absent":
                raise UsageError(f"gnss.port: {detail}") from error

    def start(self, deliver: Delivery) -> None:
        self.stop()
        self._deliver, self._told = deliver, ""
        self._thread.start()

    def stop(self) -> None:
        self._thread.stop()

    def _run(self, wake: int) -> None:
        stopping = select.poll()
        stopping.register(wake, select.POLLIN)
        while True:
            due_ns = monotonic_ns() + _REOPEN_NS
            try:
                line = self._open()
            except _NOT_OPENED as error:
                self._tell(*self._explain(error))
            else:
                with line:
                    if not self._read(line.fileno(), wake):
                        return
                due_ns = monotonic_ns() + _REOPEN_NS
            if stopping.poll(ms_until(due_ns)):
                return

    def _open(self) -> Any:
        if not stat.S_ISCHR(os.stat(self._port).st_mode):
            raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))
        return Serial(self._port, self._baud, timeout=0, exclusive=True)  # drops what was queued before

    def _read(self, line: int, wake: int) -> bool:
        """Until the line is lost; False: until it is to stop."""
        live = self._live
        live.reset()
        self._tell("connected", f"{self._port} at {self._baud} baud", up=True)
        poll = select.poll()
        poll.register(line, select.POLLIN)
        poll.register(wake, select.POLLIN)
        stopping = select.poll()
        stopping.register(wake, select.POLLIN)
        pause_ns = 0
        while True:
            if pause_ns and stopping.poll(-(-pause_ns // 1_000_000)):
                return False
            pause_ns = 0
            quiet_ns = live.quiet_at_ns
            ready = poll.poll(None if quiet_ns is None else ms_until(quiet_ns))
            if any(number == wake for number, _events in ready):
                return False
            if ready:
                try:
                    data = os.read(line, _CHUNK)
                except OSError:
                    data = b""
                if not data:  # of a line that was ready: it hung up
                    live.reset()
                    self._tell("unplugged", self._detail("unplugged"))
                    return True
                taken, began_ns, now_ns = live.taken, thread_time_ns(), monotonic_ns()
                fixes = live.feed(data, now_ns)
                if self._tap:
                    self._tap(data, now_ns)
                if len(data) >= _FULL and live.taken == taken:
                    pause_ns = min(thread_time_ns() - began_ns, _LONGEST_PAUSE_NS)
            else:
                fixes = live.quiet(monotonic_ns())
            for fix in fixes:
                self._deliver(fix)

    def _tell(self, reason: str, detail: str, *, up: bool = False) -> None:
        """A link, if it is another than the one before: what was unplugged is then absent as well."""
        if reason != self._told and (self._told, reason) != ("unplugged", "absent"):
            self._told = reason
            self._deliver(Link(monotonic_ns(), "gnss", up, reason, detail))

    def _explain(self, error: BaseException) -> tuple[str, str]:
        """Reason and detail of a line that could not be opened."""
        number = next((one for one in error.args[:1] if isinstance(one, int)), 0)
        reason = _REASONS.get(number, "cannot_open")
        if reason == "no_permission":
            return reason, f"{self._port}: no permission; {access_mend(self._port)}"
        if number == errno.ENOTTY or "Inappropriate ioctl" in str(error):  # pyserial drops this number
            return reason, self._detail("no_serial_line")
        if reason != "cannot_open":
            return reason, self._detail(reason)
        text = os.strerror(number) if number else " ".join(str(error).split())[:200]
        return reason, f"{self._port}: cannot be opened: {text}; look at gnss.port and gnss.baud"

    def _detail(self, key: str) -> str:
        return f"{self._port}: {_DETAILS[key]}"
