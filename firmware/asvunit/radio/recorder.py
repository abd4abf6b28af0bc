"""Writes all that a unit sends and hears to a pcapng file: direction, times, and a comment on each frame not used.

A thread of its own writes, a few frames at a time, so that neither a disk nor the format's work holds up the loop.
What is handed over waits in a bounded queue; what finds no room is counted, and the file says so.
"""

import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Final

from asvunit.ports import RadioFrame
from asvunit.radio.capture_file import CaptureFile
from asvunit.radio.encapsulate import BROADCAST, encapsulate
from asvunit.radio.pcapng import PcapngWriter

CAPACITY: Final = 8192  # frames that wait
_INTERVAL_S: Final = 0.1  # between writings: a kill loses no more than this
_SLICE: Final = 16  # frames put into form before others may run: some 100 us
_SYNC_S: Final = 1.0
_STOP_S: Final = 1.0
_SYSTEM_DROPS: Final = "overflow"  # the radio's count of what the kernel had to drop

Waiting = tuple[int, str, bytes, int | None, str, bool]  # time, source, payload, power, why not used, outbound


class RadioRecorder:
    """`heard` and `sent` may be called from any threads; they never block and never raise.

    Times handed over are the monotonic clock's; the file has Unix times, further by `offset_ns`. `counters`:
    `lost` (no room: too many at once, or a fault of the file), `unnamed` (a source that is no address), `torn`
    (an end cut off that an earlier run left behind). A file that is there already goes on with a new section.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        port: int = 47100,
        address: str = BROADCAST,
        offset_ns: int | None = None,
        radio: Mapping[str, int] | None = None,
        comment: str = "",
        key: str = "radio.capture",
        synced: bool = False,
    ) -> None:
        """UsageError, naming `key`, where the file cannot be written.

        `address` and `port`: where UDP frames go to. `offset_ns`: Unix time of the monotonic clock's zero, None: as
        it is now. `radio`: counters of the radio, for the file's statistics. `comment`: of each section.
        `synced`: it is put on the disk each second, so that a power cut takes no more than that.
        """
        self.counters: Counter[str] = Counter()
        self.offset_ns = time.time_ns() - time.monotonic_ns() if offset_ns is None else offset_ns
        self._address, self._port, self._radio, self._comment = address, port, radio or {}, comment
        self._waiting: deque[Waiting] = deque()
        self._lost = 0  # since the last frame written
        self._lock = threading.Lock()  # of what is lost, which both sides count
        self._received = 0
        self._started_ns = 0
        self._synced, self._sync_s = synced, 0.0
        self._next: Path | None = None  # the file to go on in
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)
        self._file = CaptureFile(Path(path), key)
        self._file.section = self._section
        self._writer: PcapngWriter | None = None

    @property
    def fault(self) -> str:
        """Why nothing is written just now, with the file, or ""; it goes by itself."""
        fault = self._file.fault
        return f"{self._file.path}: {fault}" if fault else ""

    def heard(self, frame: RadioFrame, dropped: str = "") -> None:
        """A received frame, and why the unit did not use it, or what it remarked."""
        self._take((frame.time_ns, frame.source, frame.payload, frame.power_dbm, dropped, False))

    def sent(self, time_ns: int, payload: bytes, source: str) -> None:
        """An own frame as it went out; `source` as others name this unit."""
        self._take((time_ns, source, payload, None, "", True))

    def move(self, path: Path) -> None:
        """Go on in another file; soon, by the thread."""
        self._next = path

    def start(self) -> None:
        """Once."""
        self._started_ns = time.monotonic_ns()
        self._thread.start()

    def stop(self) -> None:
        """Writes what waits, within a second, and closes; may be called twice."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(2 * _STOP_S)
        else:
            self._file.close()

    def _take(self, frame: Waiting) -> None:
        if len(self._waiting) < CAPACITY:
            self._waiting.append(frame)
        else:
            self._lose()

    def _lose(self, count: int = 1) -> None:
        with self._lock:
            self.counters["lost"] += count
            self._lost += count

    # The thread

    def _run(self) -> None:
        while not self._ended.wait(_INTERVAL_S):
            self._write_waiting()
            self._each_second()
        until_s = time.monotonic() + _STOP_S
        while self._waiting and time.monotonic() < until_s:
            self._write_waiting()
        if self._file.begin():
            self._statistics()
            self._file.flush()
            if self._synced:
                self._file.sync()
        self._file.close()

    def _write_waiting(self) -> None:
        """What waits by now; with a fault of the file it is lost as soon as no more of it can be kept."""
        waiting = self._waiting
        for _ in range(len(waiting) // _SLICE + 1):
            going = self._file.begin()
            self._tell()
            if not going:
                while len(waiting) > CAPACITY // 2:  # kept for when the file is back
                    waiting.popleft()
                    self._lose()
                return
            for _ in range(min(_SLICE, len(waiting))):
                self._put(waiting.popleft())
            self._file.flush()  # lets the other threads run

    def _each_second(self) -> None:
        path, self._next = self._next, None
        if path is not None:
            self._file.move(path)
        elif self._synced and time.monotonic() >= self._sync_s:
            self._sync_s = time.monotonic() + _SYNC_S
            self._file.sync()

    def _put(self, frame: Waiting) -> None:
        time_ns, source, payload, power_dbm, remark, outbound = frame
        self._received += not outbound
        if not self._file.room() or self._writer is None:
            self._lose()
            return
        try:
            packet, link = encapsulate(source, payload, address=self._address, port=self._port, power_dbm=power_dbm)
        except ValueError:
            self.counters["unnamed"] += 1
            return
        lost = 0
        if self._lost:
            with self._lock:
                lost, self._lost = self._lost, 0
        self._writer.packet(time_ns + self.offset_ns, packet, link, outbound=outbound, comment=remark, lost=lost)

    def _tell(self) -> None:
        """What happened to the file when it was opened."""
        if self._file.torn:
            self.counters["torn"] += self._file.torn
            self._file.torn = 0
        if self._file.discarded:
            self._lose(self._file.discarded)
            self._file.discarded = 0

    def _section(self) -> None:
        """The head of a section: of the file's begin, and each time it had to be opened again."""
        self._writer = PcapngWriter(
            self._file, application=f"asvkit {version('asvkit')}", comment=self._comment, name="radio"
        )

    def _statistics(self) -> None:
        """At the end: what the radio dropped of its own accord has no frames in the file."""
        if self._writer is None:
            return
        counts = {reason: count for reason, count in sorted(self._radio.items()) if count}
        words = ", ".join(f"{count} {reason}" for reason, count in counts.items())
        self._writer.statistics(
            time.monotonic_ns() + self.offset_ns,
            started_ns=self._started_ns + self.offset_ns,
            received=self._received,
            unheard=self.counters["lost"],
            dropped=counts.get(_SYSTEM_DROPS, 0),
            comment=f"dropped by the radio: {words}" if words else "",
        )
