"""Follow a unit by its events socket, tell within a second when it is gone, and go on when it comes back."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from asvunit.errors import AsvkitError
from asvunit.events import Event
from asvunit.subscriber import EventStream, connect

SILENT_S: Final = 0.7  # a unit tells a scene every 0.1 s; so long without any it hangs
_RETRY_S: Final = 0.25

WAITING, ALIVE, SILENT, STOPPED, LOST, REFUSED = "waiting", "alive", "silent", "stopped", "lost", "refused"


class Follower:
    """A unit that may come and go. Times are those of the monotonic clock, in seconds.

    `state`: WAITING (none has been there yet), ALIVE, SILENT (connected, but it tells nothing: it hangs), STOPPED (it
    said so), LOST (it went without a word), REFUSED (it has as many readers as it takes). `detail`: why it cannot be
    reached. `heard_s`: when it was last heard.
    """

    def __init__(self, path: Path, now_s: Callable[[], float] = time.monotonic) -> None:
        self.path = path
        self.state = WAITING
        self.detail = ""
        self.heard_s = self._tried_s = now_s()
        self._now_s = now_s
        self._stream: EventStream | None = None
        self._greeted = self._stopped = False
        self._known = False  # it has been there
        self._refusals = 0  # in a row: one alone may be a unit's that is just ending

    def poll(self, timeout_s: float) -> list[Event]:
        """What it told within the time; the first since it is there is its `start`, and the state of everything."""
        if self._stream is None:
            self._open(timeout_s)
        if self._stream is None:
            return []
        events = self._stream.read(timeout_s)
        now_s = self._now_s()
        if events:
            self.heard_s = now_s
            self._greeted = True
            self._refusals = 0
            self._stopped = self._stopped or any(one["event"] == "stop" for one in events)
            self.state = STOPPED if self._stopped else ALIVE
        elif self._stream.ended:
            self._end()
        elif now_s - self.heard_s > SILENT_S:
            self.state = SILENT
        return events

    def close(self) -> None:
        """Let go of the unit."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _open(self, timeout_s: float) -> None:
        left_s = self._tried_s + _RETRY_S - self._now_s() if self.detail else 0.0
        if left_s > 0:
            time.sleep(min(left_s, timeout_s))
        if left_s > timeout_s:
            return
        self._tried_s = self._now_s()
        try:
            self._stream = connect(self.path, scenes=True)
        except AsvkitError as error:
            self.detail = str(error)
            self._refusals = 0
            if self.state in (REFUSED, SILENT):
                self.state = LOST if self._known else WAITING
            return
        self._greeted = self._stopped = False
        self.heard_s = self._now_s()
        self.detail = ""

    def _end(self) -> None:
        self.close()
        if not self._greeted:
            self._refusals += 1
            self.state = REFUSED if self._refusals > 1 else self.state
            self.detail = f"{self.path}: the unit lets no more readers in"
        else:
            self._known = True
            self.state = STOPPED if self._stopped else LOST
            self.detail = f"{self.path}: the unit has ended"
