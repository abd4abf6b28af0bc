"""A unit as a process of its own: started with a configuration, followed by its events, always stopped.

The unit holds the reading end of a pipe whose other end is ours: when the rig goes, however it goes, the unit
sees the end of its input and stops by itself.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from asvrig.unit_config import check_socket_path, unit_file
from asvunit.errors import AsvkitError

UNIT_COMMAND: Final = (sys.executable, "-P", "-m", "asvtools.cli", "run")
_RETRY_S: Final = 0.02
_CONNECT_S: Final = 1.0
_END_S: Final = 5.0
_TAIL_BYTES: Final = 4096
_TICKS: Final = os.sysconf("SC_CLK_TCK")

Event = dict[str, Any]


class UnitProcess:
    """A running unit. Its files are NAME.toml and NAME.err in `folder`, and those that its configuration names.

    `on_event` is called in the thread that reads the events.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        config_text: str,
        *,
        arguments: Sequence[str] = (),
        command: Sequence[str] = UNIT_COMMAND,
        on_event: Callable[[Event], None] | None = None,
    ) -> None:
        self.name = name
        self.config_path = unit_file(folder, name, "toml")
        self.error_path = unit_file(folder, name, "err")
        self.counters: Counter[str] = Counter()  # lines that are no event: "bad_line"
        self._events: list[Event] = []
        self._on_event = on_event
        self._changed = threading.Condition()
        self._over = False
        self._connection: socket.socket | None = None
        self._socket_path = _socket_path(config_text, self.config_path.parent)
        argv = [*command, "--config", str(self.config_path), "--stop-on-eof", *arguments]
        try:
            self.config_path.write_text(config_text, encoding="utf-8")
            with self.error_path.open("wb") as errors:
                self._process = subprocess.Popen(  # noqa: S603
                    argv,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                    start_new_session=True,  # an interrupt of the rig is not one of the unit
                )
        except OSError as error:
            raise AsvkitError(f"{name}: its unit cannot be started: {error.filename}: {error.strerror}") from error
        self._thread = threading.Thread(target=self._follow, name=f"events of {name}", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        return self._process.poll()

    @property
    def events(self) -> list[Event]:
        """All that was read so far."""
        with self._changed:
            return list(self._events)

    def wait_event(self, predicate: Callable[[Event], bool], timeout_s: float, *, since: int = 0) -> Event:
        """The first event from number `since` on that is so, past ones too; AsvkitError if none comes in time."""
        until_s = time.monotonic() + timeout_s
        with self._changed:
            while True:
                found = next((event for event in self._events[since:] if predicate(event)), None)
                if found is not None:
                    return found
                since = max(since, len(self._events))
                if self._over:
                    raise AsvkitError(self._obituary())
                left_s = until_s - time.monotonic()
                if left_s <= 0:
                    last = json.dumps(self._events[-1]) if self._events else "none"
                    raise AsvkitError(f"{self.name}: no such event within {timeout_s:g} s; the last one was {last}")
                self._changed.wait(left_s)

    def wait_ready(self, timeout_s: float) -> Event:
        """Its event "ready"; AsvkitError with what it said if it ends before, or if it takes too long."""
        return self.wait_event(lambda event: event.get("event") == "ready", timeout_s)

    def stop(self, timeout_s: float = 3) -> int:
        """Ends it: end of input, then SIGTERM, then SIGKILL, each given `timeout_s`. The exit code."""
        self._close_input()
        for last_resort in (None, signal.SIGTERM, signal.SIGKILL):
            if last_resort is not None:
                self._process.send_signal(last_resort)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout_s)
                break
        return self._ended()

    def kill(self) -> None:
        """SIGKILL, without warning."""
        self._process.kill()
        self._ended()

    def cpu_s(self) -> float:
        """Seconds of processor time it has used, its own and the system's for it."""
        fields = self._proc("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def rss_kib(self) -> int:
        """Memory it holds, in KiB."""
        rows = dict(line.split(":", 1) for line in self._proc("status").splitlines() if ":" in line)
        if "VmRSS" not in rows:  # it has ended, and only its exit code is left
            raise AsvkitError(self._obituary())
        return int(rows["VmRSS"].split()[0])

    def _proc(self, name: str) -> str:
        try:
            if self._process.poll() is None:
                return Path(f"/proc/{self.pid}/{name}").read_text(encoding="utf-8", errors="replace")
        except OSError:  # it ended just now
            self._process.poll()
        raise AsvkitError(self._obituary())

    def _ended(self) -> int:
        self._close_input()
        code = self._process.wait()
        self._thread.join(_END_S)
        connection = self._connection
        if self._thread.is_alive() and connection is not None:  # a child of the unit holds it
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            self._thread.join(_END_S)
        return code

    def _close_input(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _obituary(self) -> str:
        code = self._process.poll()
        how = (
            "still runs" if code is None else f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
        )
        said = _last_line(self.error_path)
        return f"{self.name}: its unit {how}" + (f": {said}" if said else ", without a word")

    # The thread

    def _follow(self) -> None:
        try:
            while self._process.poll() is None:
                if self._socket_path is not None:
                    self._read(self._socket_path)
                time.sleep(_RETRY_S)
        finally:
            with self._changed:
                self._over = True
                self._changed.notify_all()

    def _read(self, path: str) -> None:
        """The unit's events for as long as it gives any; nothing if it does not listen yet."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            try:
                connection.settimeout(_CONNECT_S)
                connection.connect(path)
                connection.settimeout(None)
                self._connection = connection
                with connection.makefile("rb") as lines:
                    for line in lines:
                        self._take(line)
            except OSError:
                return
            finally:
                self._connection = None

    def _take(self, line: bytes) -> None:
        try:
            event = json.loads(line)
        except ValueError:  # a unit that was killed may leave half a line
            event = None
        if not isinstance(event, dict):
            self.counters["bad_line"] += 1
            return
        with self._changed:
            self._events.append(event)
            self._changed.notify_all()
        if self._on_event is not None:
            self._on_event(event)


def _socket_path(config_text: str, folder: Path) -> str | None:
    """`events.socket` of a configuration, beside it; what else is wrong with it the unit says itself."""
    try:
        path = tomllib.loads(config_text).get("events", {}).get("socket")
    except (ValueError, AttributeError):
        return None
    if not isinstance(path, str):
        return None
    check_socket_path(folder / path)
    return str(folder / path)


def _last_line(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            lines = file.read().decode("utf-8", "replace").split("\n")
    except OSError:
        return ""
    return next((" ".join(line.split()) for line in reversed(lines) if line.strip()), "")
