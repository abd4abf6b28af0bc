"""What the agent has to say, in the order of its haste: answers first, then what its streams hold.

A stream is numbered item by item and kept until the bench has said that it has it, so that a lost line is said
again. Streams are bounded: of a bench that takes nothing for long the oldest items are lost, and it is told how many.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from asvrig.agent.wire import frame, framed

STREAM_BYTES: Final = 8 << 20  # kept of one stream
_LINE_BYTES: Final = 48 << 10  # of items said in one line, unless one alone is longer
_BEAT_S: Final = 0.5  # a stream says how far it is, so that the loss of its last line is noticed
_OVERHEAD: Final = 64


class Stream:
    """Items on their way to the bench, each a JSON text. `put` may be called from any thread."""

    def __init__(self, number: str, outbox: "Outbox") -> None:
        self.number = number
        self.closed = False  # no item comes any more
        self.first = 0  # number of the oldest that is kept
        self.next = 0  # of the next to say
        self.told_s = 0.0
        self._items: deque[bytes] = deque()
        self._bytes = 0
        self._outbox = outbox

    def put(self, item: bytes) -> None:
        """One more item."""
        with self._outbox.changed:
            self._items.append(item)
            self._bytes += len(item) + _OVERHEAD
            while self._bytes > STREAM_BYTES and len(self._items) > 1:
                self._forget()
            self._outbox.changed.notify()

    # Called with the lock held

    def has(self, number: int) -> None:
        """The bench has all before this one."""
        while self._items and self.first < number:
            self._forget()

    def again(self, number: int) -> None:
        """The bench misses what is said from this one on."""
        self.next = min(self.next, max(self.first, number))
        self.told_s = 0.0

    @property
    def end(self) -> int:
        """Number of the item that comes next."""
        return self.first + len(self._items)

    def line(self, now_s: float) -> bytes | None:
        """What is to be said now, if anything."""
        if self.next >= self.end and now_s - self.told_s < _BEAT_S:
            return None
        self.next = max(self.next, self.first)
        items: list[bytes] = []
        start, size = self.next, 0
        while self.next < self.end:
            item = self._items[self.next - self.first]
            if items and size + len(item) > _LINE_BYTES:
                break
            items.append(item)
            size += len(item) + 1
            self.next += 1
        self.told_s = now_s
        return framed(
            b'{"s":"%s","n":%d,"first":%d,"items":[%s]}' % (self.number.encode(), start, self.first, b",".join(items))
        )

    def _forget(self) -> None:
        self._bytes -= len(self._items.popleft()) + _OVERHEAD
        self.first += 1


class Outbox:
    """Writes from a thread of its own by `write`, which may block; an OSError of it ends the thread."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self.changed = threading.Condition(threading.RLock())
        self._write = write
        self._answers: deque[bytes] = deque()
        self._streams: dict[str, Stream] = {}
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)
        self._thread.start()

    def answer(self, line: bytes) -> None:
        """A framed message, before all that streams have to say."""
        with self.changed:
            self._answers.append(line)
            self.changed.notify()

    def stream(self, number: str) -> Stream:
        """A new stream of that name."""
        with self.changed:
            return self._streams.setdefault(number, Stream(number, self))

    def has(self, number: str, item: int) -> None:
        """The bench has all items of a stream before this one."""
        with self.changed:
            stream = self._streams.get(number)
            if stream is not None:
                stream.has(item)
                if stream.closed and stream.first == stream.end:
                    del self._streams[number]

    def again(self, number: str, item: int) -> None:
        """The bench misses items of a stream, from this one on."""
        with self.changed:
            stream = self._streams.get(number)
            if stream is not None:
                stream.again(item)
                self.changed.notify()

    def forget(self) -> None:
        """No stream is of any interest any more: another bench is there."""
        with self.changed:
            self._streams.clear()

    def close(self) -> None:
        """Says the answers that wait, then ends; what a bench does not take within a second is dropped."""
        with self.changed:
            self._ended = True
            self.changed.notify()
        self._thread.join(1)

    # The thread

    def _run(self) -> None:
        while True:
            with self.changed:
                line = self._next()
                while not line:
                    if self._ended:
                        return
                    self.changed.wait(_BEAT_S)
                    line = self._next()
            try:
                self._write(line)
            except OSError:
                return

    def _next(self) -> bytes | None:
        if self._answers:
            return self._answers.popleft()
        if self._ended:
            return None
        now_s = time.monotonic()
        for stream in self._streams.values():
            line = stream.line(now_s)
            if line is not None:
                return line
        return None


def answer_line(number: str, told: dict[str, object]) -> bytes:
    """An answer to a request."""
    return frame({"id": number, "ok": told})


def refusal_line(number: str, why: str) -> bytes:
    """An answer to a request that could not be done."""
    return frame({"id": number, "error": why})
