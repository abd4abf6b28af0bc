"""Writes the session of one run: the loop and the inputs' threads hand over, a thread of its own writes.

Nothing here holds up who hands over, and nothing that a disk does reaches them: what cannot be written is counted as
lost, and `fault` says why. A journal that lacks a line is worth nothing from there on, so after a loss the session
goes on with a new part, which begins with the core's state: `part_due` asks the loop for it.
"""

import contextlib
import errno
import os
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from asvunit.config import RecordTable
from asvunit.errors import UsageError
from asvunit.radio.recorder import RadioRecorder
from asvunit.session import form, retention
from asvunit.session.lines import ReportLines, SentenceLines, candump_line, json_lines
from asvunit.session.store import Store

if TYPE_CHECKING:
    import can  # slow to import, and only named here

Event = dict[str, Any]

CAPACITY: Final = 50_000  # records that wait
PART_S: Final = 3600.0  # a part ends after that, so that old ones can go one by one
_INTERVAL_S: Final = 0.1  # between writings: a kill loses no more than this
_SECOND_S: Final = 1.0  # between what goes to the disk for good, and looks at its room
_RETENTION_S: Final = 60.0
_STOP_S: Final = 2.0
_PART: Final = "part"  # of the queue: the next part begins
_ORDER: Final = (form.JOURNAL, form.GNSS, form.GPSD, form.CAN, form.SUPPORTS, form.EVENTS)  # causes before effects
_ROOM: Final = 1.05  # of what is to be free, before writing goes on


class SessionWriter:
    """One session. `counters`: records lost by kind, and "no_sentence", bytes of a receiver that are none."""

    def __init__(self, folder: Path, table: RecordTable, clock: Callable[[], float] = time.monotonic) -> None:
        """UsageError that names record.folder where nothing can be written in it."""
        self.fault = ""
        self.counters: Counter[str] = Counter()
        self.part_due = False
        self.offset_ns = time.time_ns() - time.monotonic_ns()  # Unix time of the monotonic clock's zero
        self.radio: RadioRecorder | None = None
        self.reason = "stopped"  # why it ends
        self._table, self._clock = table, clock
        self._store = Store(folder)
        self._gap = False  # a line of the journal is missing
        self._missing = 0  # since the last part
        self._down = False
        self._changing = False  # the next part is on its way to the thread
        self._waiting: deque[tuple[str, Any]] = deque()
        self._sentences, self._reports = SentenceLines(), ReportLines()
        self._second_s = self._retention_s = self._part_s = clock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="session", daemon=True)
        try:
            folder.mkdir(mode=0o750, parents=True, exist_ok=True)
            if not os.access(folder, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        except OSError as error:
            why = f"cannot be written: {error.strerror}; name a folder that can"
            raise UsageError(f"record.folder: {folder}: {why}") from error

    @property
    def path(self) -> Path:
        """The session's folder, once it is open."""
        return self._store.path

    # What is handed over, from any thread

    def write(self, text: str) -> None:
        """Lines of the journal, whole; the first text is what each part's journal begins with."""
        if not self._store.head:
            self._store.head = text.encode("ascii")
        elif self._gap:
            self._missing += 1
        elif not self._put(form.JOURNAL, text):
            self._gap = True
            self._missing += 1

    def event(self, event: Event) -> None:
        """An event of the unit."""
        self._put(form.EVENTS, event)

    def gnss(self, data: bytes, time_ns: int) -> None:
        """Bytes of the receiver's serial line."""
        self._put(form.GNSS, (data, time_ns))

    def gpsd(self, data: bytes, time_ns: int) -> None:
        """Bytes of gpsd's."""
        self._put(form.GPSD, (data, time_ns))

    def can(self, message: "can.Message", channel: str) -> None:
        """A frame, its time that of the monotonic clock."""
        self._put(form.CAN, (message, channel))

    def support(self, word: Event, time_ns: int) -> None:
        """What another support system said."""
        self._put(form.SUPPORTS, (word, time_ns))

    def new_part(self, state: Mapping[str, Any]) -> None:
        """What comes from now on is of the next part; `state` as its journal begins."""
        self.part_due = False
        self._changing = True
        self._waiting.append((_PART, {**state, "lost": self._missing}))
        self.counters["journal"] += self._missing
        self._missing = 0
        self._gap = False

    def _put(self, kind: str, record: Any) -> bool:
        if len(self._waiting) >= CAPACITY:
            self.counters[kind] += 1
            return False
        self._waiting.append((kind, record))
        return True

    # Begin and end

    def open(self, about: Mapping[str, Any], config_path: Path, named: Mapping[str, Path], *, on_air: bool) -> None:
        """Make the folder; UsageError where that does not go. `on_air`: the unit has a radio."""
        self._prune()
        try:
            self._store.make(about, config_path, named)
        except OSError as error:
            why = f"{error.strerror}; make room, or name another"
            raise UsageError(f"record.folder: {self._store.root}: {why}") from error
        if on_air:
            radio = about["radio"]
            path = self.path / form.part_name(form.RADIO, 1)
            self.radio = RadioRecorder(path, address=radio["address"], port=radio["port"], key="record", synced=True)
            self.radio.offset_ns = self.offset_ns

    def start(self) -> None:
        """Once, after `open`."""
        if self.radio:
            self.radio.start()
        self._thread.start()

    def stop(self) -> None:
        """Write what waits and how it ended, within two seconds; may be called twice."""
        if self._thread.ident is None or self._ended.is_set():
            return
        if self.radio:
            self.radio.stop()
        self._ended.set()
        self._thread.join(_STOP_S)

    def turn(self) -> None:
        """What the thread does ten times a second."""
        self._write_waiting()
        if self._clock() >= self._second_s:
            self._second_s = self._clock() + _SECOND_S
            self._each_second()

    # The thread

    def _run(self) -> None:
        while not self._ended.wait(_INTERVAL_S):
            self.turn()
        self._write_waiting()
        self.counters["journal"] += self._missing
        lost = {kind: count for kind, count in self.counters.items() if count and kind != "no_sentence"}
        self._store.end({"reason": self.reason, "lost": self._missing, "lost_by_kind": lost})

    def _write_waiting(self) -> None:
        """What waits by now."""
        lines: dict[str, list[bytes]] = {}
        for _ in range(len(self._waiting)):
            kind, record = self._waiting.popleft()
            if kind == _PART:
                self._append(lines)
                lines = {}
                self._begin_part(record)
            elif self._down:
                self._lose(kind)
            else:
                lines.setdefault(kind, []).append(self._line(kind, record))
        self._append(lines)

    def _line(self, kind: str, record: Any) -> bytes:
        if kind == form.JOURNAL:
            return bytes(record, "ascii")
        if kind == form.EVENTS:
            return json_lines((record,))
        what, at = record
        if kind == form.CAN:
            return candump_line(what, at, what.timestamp + self.offset_ns / 1e9).encode()
        unix_ns = at + self.offset_ns
        if kind == form.GNSS:
            found = self._sentences.take(what, unix_ns)
            self.counters["no_sentence"] = self._sentences.left_out
            return found
        if kind == form.GPSD:
            return self._reports.take(what, unix_ns)
        return json_lines(({"t": unix_ns / 1e9, **what},))

    def _append(self, lines: Mapping[str, list[bytes]]) -> None:
        for kind in _ORDER:
            if kind not in lines:
                continue
            if self._down:
                self._lose(kind, len(lines[kind]))
                continue
            try:
                self._store.append(kind, b"".join(lines[kind]))
            except OSError as error:
                self._fail(error)
                self._lose(kind)

    def _begin_part(self, state: dict[str, Any]) -> None:
        self._down = self._changing = False
        self._part_s = self._clock()
        try:
            self._store.begin_part(state)
        except OSError as error:
            self._fail(error)
            return
        self.fault = ""
        if self.radio:
            self.radio.move(self.path / form.part_name(form.RADIO, self._store.part))

    def _fail(self, error: OSError) -> None:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        self._go_down("disk full" if full else error.strerror or str(error))

    def _go_down(self, why: str) -> None:
        """Nothing is written until it goes again, and then a new part."""
        self.fault = f"{self.path}: {why}"
        self._down = self._gap = True
        self._store.close_files()

    def _lose(self, kind: str, count: int = 1) -> None:
        if kind == form.JOURNAL:
            self._gap = True
            self._missing += count
        else:
            self.counters[kind] += count

    def _each_second(self) -> None:
        try:
            self._store.sync()
        except OSError as error:
            self._fail(error)
        short = self._short()
        if short or self._clock() >= self._retention_s:
            self._prune()
            short = self._short()
        if short and not self._down:
            self._go_down(f"less than record.free_mb = {self._table.free_mb} MB are free; delete something")
        over = self._store.part_bytes >= self._table.part_mb * retention.MB or self._clock() - self._part_s >= PART_S
        self.part_due = not self._changing and (not short if self._gap else over)

    def _short(self) -> bool:
        """Whether the disk has less room than is to be left free."""
        try:
            found = os.statvfs(self._store.root)
        except OSError:
            return True
        wanted = self._table.free_mb * retention.MB
        return found.f_bavail * found.f_frsize < wanted * (_ROOM if self._down else 1)

    def _prune(self) -> None:
        self._retention_s = self._clock() + _RETENTION_S
        table = self._table
        with contextlib.suppress(OSError):
            for doomed in retention.plan(self._store.root, table.keep_days, table.max_mb, table.free_mb, time.time()):
                retention.delete(doomed)
