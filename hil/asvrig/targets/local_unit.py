"""A unit of this machine under its supervisor: its events in all its lives, its words, its end."""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from asvrig.agent.follow import SocketFollower
from asvrig.agent.supervisor import Service, Supervisor, last_line, usage
from asvrig.targets.target import Event
from asvunit.errors import AsvkitError

_DRAIN_S: Final = 5.0


class LocalUnit:
    """`targets.target.RunningUnit`. With a `service` it is started again when it dies."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        folder: Path,
        socket: Path,
        env: Mapping[str, str],
        service: Service | None = None,
    ) -> None:
        """AsvkitError where it cannot be started at all."""
        self.name = name
        self._events: list[Event] = []
        self._changed = threading.Condition()
        self._gone = False
        self._follower = SocketFollower(socket, self._take)
        try:
            self._supervisor = Supervisor(
                argv, folder=folder, stderr=folder / f"{name}.err", env=env, service=service, on_exit=self._exited
            )
        except OSError as error:
            self._follower.close()
            raise AsvkitError(f"{name}: cannot be started: {error.filename}: {error.strerror}") from error
        self._service = service

    @property
    def pid(self) -> int:
        return self._supervisor.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs, or will be started again; negative: the signal that ended it."""
        return self._supervisor.exit_code

    @property
    def exits(self) -> list[int]:
        """The codes of its lives so far."""
        return list(self._supervisor.exits)

    @property
    def events(self) -> list[Event]:
        """All that was read so far, of all its lives."""
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
                if self._gone:
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
        """Ends it for good: end of input, then SIGTERM, then SIGKILL, each given `timeout_s`. The exit code."""
        code = self._supervisor.stop(timeout_s)
        self._over()
        return code

    def kill(self) -> None:
        """SIGKILL, without warning; one that is supervised comes again."""
        self._supervisor.kill()

    def cpu_s(self) -> float:
        """Seconds of processor time it has used in its present life."""
        return self._used()[0]

    def rss_kib(self) -> int:
        """Memory it holds, in KiB."""
        return self._used()[1]

    def _used(self) -> tuple[float, int]:
        try:
            return usage(self.pid)
        except OSError as error:
            raise AsvkitError(self._obituary()) from error

    def _take(self, line: bytes) -> None:
        with self._changed:
            self._events.append(json.loads(line))
            self._changed.notify_all()

    def _exited(self, _code: int) -> None:
        """In the supervisor's thread, before its end is known to others."""
        self._follower.drain(_DRAIN_S)
        if self._service is None:
            with self._changed:
                self._gone = True
                self._changed.notify_all()

    def _over(self) -> None:
        with contextlib.suppress(OSError):
            self._follower.close()
        with self._changed:
            self._gone = True
            self._changed.notify_all()

    def _obituary(self) -> str:
        codes = self._supervisor.exits
        code = codes[-1] if codes else None
        how = (
            "still runs" if code is None else f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
        )
        said = last_line(self._supervisor.stderr)
        return f"{self.name}: its unit {how}" + (f": {said}" if said else ", without a word")
