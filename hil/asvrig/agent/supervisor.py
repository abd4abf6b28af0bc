"""Runs one program as a service manager does: started again when it dies, and killed when it no longer says it lives.

What systemd does for hardware/asvkit.service, where there is none: Restart=, RestartSec=, WatchdogSec=,
TimeoutStopSec= and ExecStopPost=, with its notification socket. Without a `Service` the program is started once.
The program's standard input is a pipe whose other end is ours: when we go, however we go, it sees the end of it.
"""

import contextlib
import errno
import math
import os
import re
import select
import shlex
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_SPANS: Final = {"": 1.0, "s": 1.0, "sec": 1.0, "ms": 0.001, "min": 60.0, "m": 60.0}
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_TAIL_BYTES: Final = 4096
_NOT_STARTED: Final = 127  # code of a program that could not be started again


@dataclass(frozen=True, slots=True)
class Service:
    """How a service manager keeps a program. The defaults are those of hardware/asvkit.service."""

    restart_s: float = 0.2  # from its end to its next start
    watchdog_s: float = 5.0  # longest silence once it is ready; 0: none is too long
    stop_s: float = 5.0  # from SIGTERM or SIGABRT to SIGKILL
    stop_post: tuple[str, ...] = ()  # run after each end, before the next start; its own failure is of no interest


def read_service(text: str) -> Service:
    """What the [Service] table of a systemd unit file asks for; ValueError where it would not start again."""
    rows = dict(line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith(("#", ";")))
    keys = {key.strip(): value.strip() for key, value in rows.items()}
    if keys.get("Restart") != "always":
        raise ValueError(f"Restart={keys.get('Restart', 'no')}: a unit must be started again whatever ended it")
    return Service(
        _span_s(keys.get("RestartSec", "100ms")),
        _span_s(keys.get("WatchdogSec", "0")),
        _span_s(keys.get("TimeoutStopSec", "90")),
        tuple(shlex.split(keys.get("ExecStopPost", "").lstrip("-"))),
    )


def _span_s(text: str) -> float:
    found = re.fullmatch(r"([\d.]+)\s*([a-z]*)", text)
    if found is None or found[2] not in _SPANS:
        raise ValueError(f"{text}: no time span")
    return float(found[1]) * _SPANS[found[2]]


class Supervisor:
    """One program, running from the start. OSError where it cannot be started at all.

    `on_start` gets each process as it begins, `on_exit` its code as it ends (negative: the signal), both before
    anything else happens with it, the later ones in a thread of the supervisor.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        folder: Path,
        stderr: Path,
        env: Mapping[str, str] | None = None,
        service: Service | None = None,
        stdout: int = subprocess.DEVNULL,
        on_start: Callable[["subprocess.Popen[bytes]"], None] = lambda _process: None,
        on_exit: Callable[[int], None] = lambda _code: None,
    ) -> None:
        self.exits: list[int] = []  # codes so far
        self.stderr = stderr
        self._argv, self._folder, self._service, self._stdout = list(argv), folder, service, stdout
        self._env = {**os.environ, **(env or {})}
        self._on_start, self._on_exit = on_start, on_exit
        self._notified = _notification(self._env) if service else None
        if service and service.watchdog_s:
            self._env["WATCHDOG_USEC"] = str(round(service.watchdog_s * 1e6))
        self._changed = threading.Condition()
        self._ending = threading.Event()
        self._over = False
        stderr.write_bytes(b"")
        try:
            self._process = self._spawn()
        except OSError:
            self._close()
            raise
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int:
        """Of the process that runs, or ran last."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs or will be started again; then that of its last end."""
        with self._changed:
            return self.exits[-1] if self._over else None

    def signal(self, number: int) -> None:
        """To the process; nothing if there is none just now."""
        self._process.send_signal(number)

    def kill(self, timeout_s: float = 5) -> None:
        """SIGKILL without warning; returns when that process has ended. A service is started again."""
        with self._changed:
            before = len(self.exits)
        if self._process.poll() is None:
            self._process.kill()
            with self._changed:
                self._changed.wait_for(lambda: len(self.exits) > before, timeout_s)

    def stop(self, timeout_s: float = 3) -> int:
        """Ends it for good: end of input, then SIGTERM, then SIGKILL, each given `timeout_s`. Its last code."""
        self._ending.set()
        for number in (None, signal.SIGTERM, signal.SIGKILL):
            process = self._process  # a new one, if it was being started just now
            with contextlib.suppress(OSError):
                if process.stdin is not None:
                    process.stdin.close()
            if number is not None:
                process.send_signal(number)
            if self.wait(timeout_s):
                break
        return self.exits[-1] if self.exits else -signal.SIGKILL

    def wait(self, timeout_s: float) -> bool:
        """Until it is over for good; False: not in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._over, timeout_s)

    def say(self, data: bytes) -> None:
        """To its standard input, whole. OSError if it does not read, ValueError for more than a pipe takes."""
        stdin = self._process.stdin
        if len(data) > select.PIPE_BUF:
            raise ValueError(f"{len(data)} bytes: a program is told {select.PIPE_BUF} at once at most")
        if stdin is None or stdin.closed:
            raise BrokenPipeError(errno.EPIPE, "it has ended")
        os.write(stdin.fileno(), data)

    # The thread

    def _spawn(self) -> "subprocess.Popen[bytes]":
        with self.stderr.open("ab") as errors:
            process = subprocess.Popen(  # noqa: S603
                self._argv,
                cwd=self._folder,
                env=self._env,
                stdin=subprocess.PIPE,
                stdout=self._stdout,
                stderr=errors,
                start_new_session=True,  # an interrupt of ours is not one of the unit
            )
        assert process.stdin is not None
        os.set_blocking(process.stdin.fileno(), False)  # one that does not read holds nobody up
        self._on_start(process)
        return process

    def _run(self) -> None:
        try:
            while True:
                self._follow(self._process)
                self._ended(self._process.wait())
                if self._service is None or self._ending.is_set():
                    return
                self._start_again(self._service)
                if self._ending.is_set():
                    return
        finally:
            with self._changed:
                self._over = True
                self._changed.notify_all()
            self._close()

    def _follow(self, process: "subprocess.Popen[bytes]") -> None:
        """Until it ends, or must be ended."""
        try:
            watched = os.pidfd_open(process.pid)
        except OSError:  # it has ended
            return
        files: list[int | socket.socket] = [watched, *([self._notified] if self._notified else [])]
        service = self._service or Service(watchdog_s=0)
        due_s = math.inf  # of its next sign of life, or of its end
        last_resort = False
        try:
            while process.poll() is None:
                left_s = due_s - time.monotonic()
                ready = select.select(files, [], [], None if left_s == math.inf else max(0.0, left_s))[0]
                if self._notified in ready and self._alive() and not last_resort:
                    due_s = time.monotonic() + (service.watchdog_s or math.inf)
                elif time.monotonic() >= due_s:
                    process.send_signal(signal.SIGKILL if last_resort else signal.SIGABRT)
                    due_s, last_resort = time.monotonic() + service.stop_s, True
        finally:
            os.close(watched)

    def _alive(self) -> bool:
        """Whether a notification was one of readiness or life."""
        assert self._notified is not None
        try:
            said = self._notified.recv(4096).split(b"\n")
        except OSError:
            return False
        return b"READY=1" in said or b"WATCHDOG=1" in said

    def _ended(self, code: int) -> None:
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        if self._service and self._service.stop_post:
            with contextlib.suppress(OSError, subprocess.SubprocessError):
                subprocess.run(  # noqa: S603
                    self._service.stop_post,
                    cwd=self._folder,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    timeout=self._service.stop_s,
                    check=False,
                )
        self._on_exit(code)
        with self._changed:
            self.exits.append(code)
            self._changed.notify_all()

    def _start_again(self, service: Service) -> None:
        while not self._ending.is_set():
            if self._ending.wait(service.restart_s):
                return
            try:
                self._process = self._spawn()
            except OSError:  # its program is gone just now
                self._on_exit(_NOT_STARTED)
                with self._changed:
                    self.exits.append(_NOT_STARTED)
                continue
            if self._ending.is_set():  # told so while it was started
                self._process.terminate()
            return

    def _close(self) -> None:
        if self._notified is not None:
            self._notified.close()
            self._notified = None


def _notification(env: dict[str, str]) -> socket.socket:
    """A service manager's socket, named in the environment."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    made.setblocking(False)
    made.bind("")  # Linux gives it a name of its own that is no file
    env["NOTIFY_SOCKET"] = "@" + made.getsockname()[1:].decode()
    return made


def last_line(path: Path) -> str:
    """The last line with anything on it of a file; nothing where there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            lines = file.read().decode("utf-8", "replace").split("\n")
    except OSError:
        return ""
    return next((" ".join(line.split()) for line in reversed(lines) if line.strip()), "")


def usage(pid: int) -> tuple[float, int]:
    """Seconds of processor time a process has used, and the KiB of memory it holds; OSError if it has ended."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    rows = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace").splitlines()
    held = next((row for row in rows if row.startswith("VmRSS:")), None)
    if held is None:  # it has ended, and only its exit code is left
        raise ProcessLookupError
    return (int(fields[11]) + int(fields[12])) / _TICKS, int(held.split()[1])
