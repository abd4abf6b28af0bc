"""A GNSS receiver behind gpsd: one thread connects over TCP, reads reports, and outlives every fault of it.

All of gpsd's receivers are watched, and the one wanted is picked here: gpsd refuses to watch one that is not
there yet, and would not tell when it comes. `asvunit.gnss.gpsd_reports` makes the fixes.
"""

import errno
import os
import select
import socket
from collections import Counter
from collections.abc import Callable
from time import monotonic_ns
from typing import Final

from asvunit.gnss.gpsd_address import PORT
from asvunit.gnss.gpsd_reports import PROTOCOL, GpsdReports
from asvunit.ports import Delivery, Fix, Link
from asvunit.woken_thread import WokenThread, ms_until

_RETRY_NS: Final = 500_000_000
_CONNECT_NS: Final = 2_000_000_000
_GREETING_NS: Final = 3_000_000_000
_ASK_S: Final = 0.5
_CHUNK: Final = 65_536
_WATCH: Final = b'?WATCH={"enable":true,"json":true};\n'
# A far gpsd that vanished says nothing: asked for a sign of life each second, given up after the third
_ALIVE: Final = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
)

_FAULTS: Final = {
    "refused": "no gpsd answers there; start it: gpsd -n /dev/..., or correct gnss.gpsd",
    "no_host": "no host of that name is known; correct gnss.gpsd, or see to the network",
    "no_way": "cannot be reached; see to the network, or correct gnss.gpsd",
    "no_gpsd": "answers, but not as gpsd does; correct gnss.gpsd",
    "closed": "has closed the connection; start it again: gpsd -n /dev/...",
    "old": "speaks protocol {protocol}, not 3; install gpsd 2.90 or later",
}
_HINTS: Final = {
    "no_receiver": "gpsd is connected but has no receiver: gpsd -n {device}, or gpsdctl add {device}",
    "other_receivers": "gpsd does not have gnss.device {device}, but {others}; correct one of them",
    "silent": "gpsd hears nothing of its receiver; is it the right device, and does it send? cgps shows it",
    "no_time": "gpsd tells positions without time: the receiver tells no date; switch RMC or ZDA on",
}
_NO_WAY: Final = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ETIMEDOUT, errno.ENETDOWN, errno.EHOSTDOWN)


class GpsdGnss:
    """A live input (`ports.LiveInput`) of fixes. `device`: the path of the receiver wanted, as gpsd names it."""

    def __init__(
        self, host: str, port: int = PORT, device: str = "", tap: Callable[[bytes, int], None] | None = None
    ) -> None:
        """`tap` gets all bytes as they come, with the monotonic clock's time."""
        self._host, self._port, self._device, self._tap = host, port, device, tap
        self._reports = GpsdReports(device)
        self.counters: Counter[str] = self._reports.counters
        self._connected = False
        self._gone = False  # the receiver, while gpsd is there
        self._told = ""  # reason of the last link
        self._deliver: Delivery = lambda _record: None
        self._thread = WokenThread("gnss", self._run)

    @property
    def at(self) -> str:
        """Where it is, for people."""
        return f"gpsd at [{self._host}]:{self._port}" if ":" in self._host else f"gpsd at {self._host}:{self._port}"

    @property
    def hint(self) -> str:
        """What may be wrong with a gpsd that is connected but tells no fix, or nothing."""
        code = self._reports.trouble(monotonic_ns()) if self._connected else ""
        if not code:
            return ""
        others = ", ".join(self._reports.others)
        text = _HINTS[code].format(at=self.at, device=self._device or "/dev/...", others=others)
        return f"{text} (gpsd says: {self._reports.error})" if self._reports.error else text

    def answers(self) -> bool:
        """Whether something takes connections there now."""
        try:
            socket.create_connection((self._host, self._port), _ASK_S).close()
        except OSError:
            return False
        return True

    def check(self) -> None:
        """Nothing that waiting does not mend: gpsd may come later."""

    def start(self, deliver: Delivery) -> None:
        self.stop()
        self._deliver, self._told = deliver, ""
        self._thread.start()

    def stop(self) -> None:
        self._thread.stop()

    def _run(self, wake: int) -> None:
        stopping = select.poll()
        stopping.register(wake, select.POLLIN)
        while not stopping.poll(0):
            due_ns = monotonic_ns() + _RETRY_NS
            try:
                line = self._connect(wake)
            except OSError as error:
                self._tell(*self._explain(error))
            else:
                if line is None:
                    return
                with line:
                    stopped = not self._read(line, wake)
                self._connected = False
                if stopped:
                    return
                due_ns = monotonic_ns() + _RETRY_NS
            if stopping.poll(ms_until(due_ns)):
                return

    def _connect(self, wake: int) -> socket.socket | None:
        """A connection, from the first address that takes one; None: it is to stop. OSError: there is none."""
        failure: OSError = ConnectionRefusedError(errno.ECONNREFUSED, "")
        for family, kind, protocol, _name, address in socket.getaddrinfo(
            self._host, self._port, type=socket.SOCK_STREAM
        ):
            line = socket.socket(family, kind, protocol)
            try:
                line.setblocking(False)
                number = line.connect_ex(address)
                if number == errno.EINPROGRESS:
                    if not _wait(line, wake, select.POLLOUT, monotonic_ns() + _CONNECT_NS):
                        number = errno.ETIMEDOUT
                    else:
                        number = line.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if number:
                    raise OSError(number, os.strerror(number))
                for option in _ALIVE:
                    line.setsockopt(*option)
                line.send(_WATCH)  # a new connection takes as little at once
            except _Stopped:
                line.close()
                return None
            except OSError as error:
                line.close()
                failure = error
            else:
                return line
        raise failure

    def _read(self, line: socket.socket, wake: int) -> bool:
        """Until the connection is lost; False: until it is to stop."""
        reports = self._reports
        reports.reset(monotonic_ns())
        self._connected, self._gone = True, False
        greeting_ns = monotonic_ns() + _GREETING_NS
        while True:
            try:
                if not _wait(line, wake, select.POLLIN, greeting_ns if reports.protocol is None else None):
                    self._tell("cannot_open", f"{self.at}: {_FAULTS['no_gpsd']}")
                    return True
                data = line.recv(_CHUNK)
            except _Stopped:
                return False
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if not data:
                self._tell("unplugged", f"{self.at}: {_FAULTS['closed']}")
                return True
            now_ns = monotonic_ns()
            heard = reports.feed(data, now_ns)
            if self._tap:
                self._tap(data, now_ns)
            if reports.protocol is not None and reports.protocol != PROTOCOL:
                self._tell("cannot_open", f"{self.at}: {_FAULTS['old'].format(protocol=reports.protocol)}")
                return True
            if reports.protocol is not None and not self._gone:
                self._tell_receiver(True)
            for record in heard.records:
                self._tell_receiver(record is not False)
                if isinstance(record, Fix):
                    self._deliver(record)

    def _tell_receiver(self, present: bool) -> None:
        """The link of gpsd's receiver: up from gpsd's greeting on, until that receiver is taken away."""
        self._gone = not present
        if present:
            which = f", {self._device}" if self._device else ""
            self._tell("connected", f"{self.at} (release {self._reports.release}){which}", up=True)
        else:
            which = self._device or "its receiver"
            self._tell("unplugged", f"{self.at}: {which} was unplugged; plug it in again")

    def _tell(self, reason: str, detail: str, *, up: bool = False) -> None:
        """A link, if it is another than the one before: what has gone away is then absent as well."""
        if reason != self._told and (self._told, reason) != ("unplugged", "absent"):
            self._told = reason
            self._deliver(Link(monotonic_ns(), "gnss", up, reason, detail))

    def _explain(self, error: OSError) -> tuple[str, str]:
        """Reason and detail of a connection that could not be made."""
        if isinstance(error, socket.gaierror):
            return "absent", f"{self.at}: {_FAULTS['no_host']}"
        if error.errno == errno.ECONNREFUSED:
            return "absent", f"{self.at}: {_FAULTS['refused']}"
        if error.errno in _NO_WAY:
            return "absent", f"{self.at}: {_FAULTS['no_way']}"
        text = " ".join(str(error.strerror or error).split())[:200]
        return "cannot_open", f"{self.at}: no connection: {text}; correct gnss.gpsd"


class _Stopped(Exception):
    """It is to stop."""


def _wait(line: socket.socket, wake: int, event: int, due_ns: int | None) -> bool:
    """Whether the event came in time."""
    poll = select.poll()
    poll.register(line, event)
    poll.register(wake, select.POLLIN)
    ready = poll.poll(None if due_ns is None else ms_until(due_ns))
    if any(number == wake for number, _events in ready):
        raise _Stopped
    return bool(ready)
