"""A serial device on a pty, as a unit finds it: bytes go out by whole pieces or not at all, and it can be unplugged.

Nothing here blocks or raises while a drive is played: what a reader that has stalled cannot take is dropped and
counted. Every method may be called from any thread.
"""

import contextlib
import os
import threading
import tty
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from asvunit.errors import AsvkitError, UsageError

_CHUNK: Final = 4096


class PtyDevice:
    """A plugged device. With `link`, a symbolic link leads to it, so that its path outlives a replug."""

    def __init__(self, link: Path | None = None) -> None:
        self.dropped: Counter[str] = Counter()  # pieces by reason: "stalled", "unplugged", "silent"
        self.sent = 0  # pieces
        self.silent = False  # plugged, but it says nothing
        self._link = link
        self._lock = threading.RLock()
        self._master = self._slave = -1
        self._path = ""
        self._rest = b""  # of the piece that was cut; it goes first, so that none is torn
        self.plug()

    @property
    def path(self) -> str:
        """The slave's name; empty while it is unplugged."""
        return self._path

    @property
    def port(self) -> str:
        """What a unit's configuration names: the link, else the slave."""
        return str(self._link) if self._link else self._path

    def fileno(self) -> int:
        """Readable when the host has written something; -1 while it is unplugged."""
        return self._master

    def plug(self) -> None:
        """A new pty; nothing if it is plugged."""
        with self._lock:
            if self._master >= 0:
                return
            try:
                self._master, self._slave = os.openpty()
            except OSError as error:
                raise AsvkitError(f"no pty can be opened: {error.strerror}; close what holds many of them") from error
            tty.setraw(self._slave)  # ours stays open: without any slave the master reports errors
            os.set_blocking(self._master, False)
            self._path, self._rest = os.ttyname(self._slave), b""
            self._reset()
            try:
                self._make_link()
            except AsvkitError:
                self.unplug()
                raise

    def unplug(self) -> None:
        """Takes pty and link away: who reads it sees a hang-up, who opens it finds nothing."""
        with self._lock:
            if self._master < 0:
                return
            if self._link is not None:
                with contextlib.suppress(OSError):
                    if os.readlink(self._link) == self._path:
                        self._link.unlink()
            os.close(self._master)
            os.close(self._slave)
            self._master = self._slave = -1
            self._path = ""

    def close(self) -> None:
        """As unplug; may be called twice."""
        self.unplug()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def service(self) -> None:
        """Takes what the host has written."""
        with self._lock:
            if self._master < 0:
                return
            with contextlib.suppress(OSError):  # nothing there, after all
                self._heard(os.read(self._master, _CHUNK))

    def _put(self, pieces: list[bytes]) -> None:
        """Writes what goes of the pieces, each whole or not at all; the lock is ours."""
        with self._lock:
            reason = "unplugged" if self._master < 0 else "silent" if self.silent else ""
            if reason:
                self.dropped[reason] += len(pieces)
                return
            self._rest = self._rest[self._write(self._rest) :]
            done = 0 if self._rest else self._write(b"".join(pieces))
            for number, piece in enumerate(pieces):
                if done < len(piece):
                    self._rest = piece[done:] if done else self._rest
                    whole = number + (done > 0)
                    self.sent += whole
                    self.dropped["stalled"] += len(pieces) - whole
                    return
                done -= len(piece)
            self.sent += len(pieces)

    def _write(self, data: bytes) -> int:
        try:
            return os.write(self._master, data) if data else 0
        except OSError:  # its queue is full
            return 0

    def _heard(self, data: bytes) -> None:
        """What the host has written; the lock is ours."""

    def _reset(self) -> None:
        """It has just got power; the lock is ours."""

    def _make_link(self) -> None:
        if self._link is None:
            return
        if self._link.exists() and not self._link.is_symlink():
            raise UsageError(f"{self._link}: exists and is no link; choose another path for the device")
        fresh = self._link.with_name(f"{self._link.name}.new")
        try:
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(self._path)
            fresh.replace(self._link)  # at once: a reader never finds it missing
        except OSError as error:
            raise UsageError(f"{self._link}: no link can be made there: {error.strerror}") from error
