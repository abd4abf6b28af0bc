"""The unit's side of its screen: the process that serves the page, started, watched and started again.

The page has an interpreter of its own, so that nothing a browser does is felt by the unit's loop: all that the two
share is a socket, by which the unit's events go to it as to any subscriber. The listening socket stays open here, so
that the port is the unit's from its start to its end, whatever becomes of the process.
"""

import contextlib
import dataclasses
import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Final

from asvunit.config import ScreenTable
from asvunit.errors import UsageError
from asvunit.screen.setting import Setting, check_hosts

AGAIN_S: Final = (1.0, 2.0, 5.0, 10.0)  # until it is started again, by how often it has ended in a row
SETTLED_S: Final = 60.0  # after so long an end is a first one again
HUNG_S: Final = 20.0  # without a sign of life, while it says one each second
END_S: Final = 2.0  # for its last word to the browsers
_BACKLOG: Final = 64


def listen(address: str, port: int, keys: tuple[str, str] = ("screen.address", "screen.port")) -> socket.socket:
    """The listening socket; UsageError that names the key of the address or the port, and the mend."""
    try:
        family, kind, protocol, _name, where = socket.getaddrinfo(
            address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        raise UsageError(f"{keys[0]}: {address}: no address; 127.0.0.1 is this machine alone") from error
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(where)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise UsageError(_why_not(error, address, port, *keys)) from error
    listener.setblocking(False)
    return listener


def _why_not(error: OSError, address: str, port: int, address_key: str, port_key: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"{port_key}: {port}: in use by another program; name another port"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{port_key}: {port}: not allowed to this user; name one of 1024 and above, as 8080"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{address_key}: {address}: no address of this machine; 127.0.0.1 is this machine alone"
    return f"{address_key}: {address}: cannot be listened at: {error.strerror or error}"


class ScreenProcess:
    """One unit's screen. `start`, then `check` once a second, then `stop`."""

    def __init__(
        self,
        table: ScreenTable,
        language: str,
        adopt: Callable[[socket.socket], None],
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Takes the port: UsageError where that cannot be. `adopt` makes a socket a subscriber of the unit's events."""
        if table.port is None:
            raise UsageError("screen.port: missing: without it there is no screen")
        check_hosts(table.hosts)
        self.restarts = 0
        self.address, self.port = table.address, table.port
        self._setting = Setting(table.address, table.port, table.hosts, table.clients, language)
        self._adopt, self._now_s = adopt, now_s
        self._listener = listen(table.address, table.port)
        self._process: subprocess.Popen[bytes] | None = None
        self._status = -1
        self._fault = ""
        self._ends = 0  # in a row
        self._began_s = self._life_s = self._again_s = 0.0

    @property
    def pid(self) -> int | None:
        """Of the process that serves just now, or None."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the process; a failure to is a fault that `check` tells and mends."""
        theirs, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        status, their_status = os.pipe()
        handed = (self._listener.fileno(), theirs.fileno(), their_status)
        setting = json.dumps(dataclasses.asdict(self._setting))
        self._began_s = self._life_s = self._now_s()
        try:
            # -P: nothing of the folder that the unit runs in is taken for a module
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-P", "-m", "asvunit.screen", *map(str, handed), setting],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=handed,
                process_group=0,  # Ctrl-C in the unit's terminal is not its end
            )
        except OSError as error:
            ours.close()
            os.close(status)
            self._ended(f"cannot be started: {error.strerror or error}")
        else:
            os.set_blocking(status, False)
            self._status = status
            self._adopt(ours)
        finally:
            theirs.close()
            os.close(their_status)

    def check(self) -> str:
        """Why the page is not served just now, or nothing; starts it again when that is due."""
        now_s = self._now_s()
        if self._process is not None:
            with contextlib.suppress(BlockingIOError):
                if os.read(self._status, 4096):
                    self._life_s, self._fault = now_s, ""
            code = self._process.poll()
            if code is not None:
                self._release()
                self._ended(f"ended by {_signal_name(-code)}" if code < 0 else f"ended with code {code}")
            elif now_s - self._life_s > HUNG_S:
                self._process.kill()
                self._process.wait()
                self._release()
                self._ended(f"hung for {HUNG_S:.0f} s and was ended")
        elif now_s >= self._again_s:
            self.restarts += 1
            self.start()
        return self._fault

    def stop(self) -> None:
        """End it: when the unit's events have ended, it tells the browsers so and goes. May be called twice."""
        if self._process is not None:
            try:
                self._process.wait(END_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._release()
        self._listener.close()
        self._again_s = float("inf")

    def _release(self) -> None:
        self._process = None
        os.close(self._status)

    def _ended(self, why: str) -> None:
        now_s = self._now_s()
        self._ends = 1 if now_s - self._began_s > SETTLED_S else self._ends + 1
        again_s = AGAIN_S[min(self._ends, len(AGAIN_S)) - 1]
        self._again_s = now_s + again_s
        self._fault = f"the page's process {why}; it is started again"


def _signal_name(number: int) -> str:
    with contextlib.suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"
