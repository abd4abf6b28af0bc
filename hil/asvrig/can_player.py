"""Plays recorded CAN frames in their own time: each is due at its distance from the start, so that nothing drifts.

Waiting for the gap between two frames, as players do, adds up what each waiting takes too long. Here a frame that is
late leaves the others where they are: after a stall what is overdue follows at once, in its order. No frame is early.
"""

import errno
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import can

from asvunit.errors import AsvkitError
from asvunit.quantiles import Quantiles

_SECOND_NS: Final = 1_000_000_000
_DISORDER_NS: Final = _SECOND_NS  # a longer step back begins another drive
_BEHIND_NS: Final = 5_000_000  # as late as this, frames are overdue: sent in small groups
_GROUP: Final = 16
_BREATH_S: Final = 0.0005  # between groups: buffers on the way stay shorter than the stall was long
_RETRY_S: Final = 0.001
_FULL_S: Final = 0.5  # a frame that no buffer takes for so long is lost
_LOST_IN_A_ROW: Final = 10
_GONE: Final = frozenset({errno.ENODEV, errno.ENXIO, errno.EIO, errno.ENETDOWN, errno.EBADF, errno.EPIPE})


class Timeline:
    """When each frame is due, in nanoseconds since the start of playing. `time_back` counts steps back of the log."""

    def __init__(self, speed: float = 1.0) -> None:
        self.time_back = 0
        self._speed = speed
        self._shift_ns = 0  # what is added to the log's time
        self._last_ns: int | None = None  # of the log, shifted
        self._frames = 0

    def due_ns(self, time_ns: int) -> int:
        """Of the log's next frame: never before the last one. After a long step back the log goes on from there."""
        if self._last_ns is None:
            self._shift_ns, self._last_ns = -time_ns, 0
        at_ns = time_ns + self._shift_ns
        if at_ns < self._last_ns:
            self.time_back += 1
            if at_ns < self._last_ns - _DISORDER_NS:
                self._shift_ns += self._last_ns - at_ns
            at_ns = self._last_ns
        self._last_ns = at_ns
        self._frames += 1
        return round(at_ns / self._speed)

    def again(self, time_ns: int) -> None:
        """The log begins anew with this time, one average gap after its end."""
        end_ns = self._last_ns or 0
        gap_ns = end_ns // max(self._frames - 1, 1)
        self._shift_ns = end_ns + gap_ns - time_ns


class CanPlayer:
    """Plays frames through `send`; what became of them is in `sent`, `lost`, `waited`, `lateness` and the timeline."""

    def __init__(
        self,
        send: Callable[[can.Message], None],
        *,
        speed: float = 1.0,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.timeline = Timeline(speed)
        self.lateness = Quantiles()
        self.sent = 0
        self.lost = 0
        self.waited = 0  # for room in a buffer
        self._send = send
        self._clock_ns = clock_ns
        self._sleep = sleep
        self._begin_ns: int | None = None
        self._behind = 0
        self._lost_in_a_row = 0

    def play(self, frames: Iterable[can.Message]) -> None:
        """Once through; a second call goes on where the first ended."""
        again = self._begin_ns is not None
        for message in frames:
            time_ns = round(message.timestamp * 1e6) * 1000
            if self._begin_ns is None:
                self._begin_ns = self._clock_ns()
            if again:
                self.timeline.again(time_ns)
                again = False
            self._wait(self._begin_ns + self.timeline.due_ns(time_ns))
            self._deliver(message)

    def _wait(self, due_ns: int) -> None:
        now_ns = self._clock_ns()
        while now_ns < due_ns:
            self._sleep((due_ns - now_ns) / 1e9)
            now_ns = self._clock_ns()
        self.lateness.add_ns(now_ns - due_ns)
        if now_ns - due_ns < _BEHIND_NS:
            self._behind = 0
            return
        self._behind += 1
        if self._behind % _GROUP == 0:
            self._sleep(_BREATH_S)

    def _deliver(self, message: can.Message) -> None:
        until_ns = 0
        while True:
            try:
                self._send(message)
            except (can.CanError, OSError) as error:
                number = _number(error)
                if number in _GONE:
                    raise AsvkitError(f"the bus is gone: {_text(error)}; look at its adapter and repeat") from error
                now_ns = self._clock_ns()
                if not until_ns:
                    self.waited += 1
                    until_ns = now_ns + round(_FULL_S * 1e9)
                if now_ns >= until_ns:
                    self._lose(error)
                    return
                self._sleep(_RETRY_S)
            else:
                self.sent += 1
                self._lost_in_a_row = 0
                return

    def _lose(self, error: BaseException) -> None:
        self.lost += 1
        self._lost_in_a_row += 1
        if self._lost_in_a_row >= _LOST_IN_A_ROW:
            raise AsvkitError(
                f"the bus takes no frames: {_text(error)}; at this bit rate, another node that does more than "
                "listen must acknowledge them"
            ) from error


class Route:
    """Sends each frame on the bus that its channel of the log goes to; counts in `dropped` what goes nowhere."""

    def __init__(self, buses: dict[str | None, can.BusABC]) -> None:
        """`buses` by the log's channel in lower case; None takes every channel."""
        self.dropped: Counter[str] = Counter()
        self._buses = buses
        self._every = buses.get(None)
        self._fd = {id(bus): bus.protocol is not can.CanProtocol.CAN_20 for bus in buses.values()}

    def takes(self, message: can.Message) -> bool:
        """Whether a frame can be sent; if not, it is counted."""
        bus = self._bus(message)
        if bus is None:
            self.dropped["other_channel"] += 1
        elif message.is_fd and not self._fd[id(bus)]:
            self.dropped["fd_frame"] += 1
        else:
            return True
        return False

    def send(self, message: can.Message) -> None:
        """Send one that it takes."""
        bus = self._bus(message)
        if bus is not None:
            bus.send(message)

    def _bus(self, message: can.Message) -> can.BusABC | None:
        return self._every or self._buses.get(str(message.channel).casefold())


def part(frames: Iterable[can.Message], start_s: float, end_s: float | None) -> Iterator[can.Message]:
    """The frames from `start_s` to before `end_s`, both counted from the log's first frame.

    The rest of a long log is not read: it ends where no frame is only out of order any more.
    """
    first_s: float | None = None
    for message in frames:
        if first_s is None:
            first_s = message.timestamp
        at_s = message.timestamp - first_s
        if end_s is not None and at_s > end_s + _DISORDER_NS / 1e9:
            return
        if at_s >= start_s and (end_s is None or at_s < end_s):
            yield message


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _number(error: BaseException) -> int | None:
    numbers = (getattr(each, "errno", None) or getattr(each, "error_code", None) for each in _chain(error))
    return next((number for number in numbers if number), None)


def _text(error: BaseException) -> str:
    return " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
