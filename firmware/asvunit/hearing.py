"""What the live unit hears: frames in the order in which they are to be taken, with the verdicts on their trailers.

As a rule that is the order of their arrival. When more wait than a turn takes, the newest frame of each vehicle is
what counts, and those of the vehicles that matter most come first; what the time does not allow is counted as "shed".
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from asvcore.elements import MESSAGE_BYTES, VERSION
from asvunit.authority import ACCEPTED
from asvunit.events import Event
from asvunit.parts import Parts
from asvunit.ports import RadioFrame
from asvunit.radio.arrival import Arrivals
from asvunit.trailer import SIGNED_FRAME_BYTES, has_trailer
from asvunit.unit import Unit
from asvunit.verifier import LATE_NS

FRAMES_A_TURN: Final = 64  # before the clock is looked at again
FRAMES_A_PAUSE: Final = 8  # between two parts of a tick
_RUSH_FRAMES: Final = 4096  # that are looked at when more wait than a turn takes
RUSH_NS: Final = 30_000_000  # for them, before the rest is left
_FRAME_NS: Final = 200_000  # that a frame takes, before it has been measured
# Of drop events: the frame is not used; the other reasons tell of one that is
_UNUSED: Final = frozenset({"length", "version", "own_frame", "duplicate", "reordered", "table_full", "unsigned"})
_LENGTHS: Final = (MESSAGE_BYTES, SIGNED_FRAME_BYTES)


class Hearing:
    """The radio as the live unit uses it. Without one nothing is ever heard."""

    def __init__(self, parts: Parts, trusted_ms: Callable[[int], int | None], now_ns: Callable[[], int]) -> None:
        """`trusted_ms`: the trusted clock at a time, for trailers; None: no such time."""
        self.arrivals = Arrivals()
        self._radio, self._verifier, self._recorder = parts.radio, parts.verifier, parts.recorder
        self._trusted_ms, self._now_ns = trusted_ms, now_ns
        self._frame_ns = _FRAME_NS

    def waiting(self, limit: int) -> list[RadioFrame]:
        """Frames that wait, the oldest first."""
        frames = self._radio.receive(limit) if self._radio else []
        for frame in frames:  # here: what is shed later was no loss on the air
            payload = frame.payload
            if len(payload) in _LENGTHS and payload[0] & 0x1F == VERSION:
                self.arrivals.frame(frame.source, payload[2] << 6 | payload[3] >> 2, payload[1], frame.time_ns)
        return frames

    def rush(
        self, frames: list[RadioFrame], unit: Unit, keep_up: Callable[[], None]
    ) -> tuple[list[RadioFrame], list[RadioFrame]]:
        """These and all that wait beside them: the newest of each vehicle, the most relevant first; and the others.

        Where there is time for all of them they stay as they came. `keep_up` does what has fallen due meanwhile.
        """
        assert self._radio is not None
        until_ns = self._now_ns() + RUSH_NS
        while len(frames) < _RUSH_FRAMES and self._now_ns() < until_ns and (more := self.waiting(FRAMES_A_TURN)):
            frames += more
            keep_up()
        if len(frames) * self._frame_ns < RUSH_NS // 2:
            return frames, []
        newest: dict[tuple[str, bytes], RadioFrame] = {}
        superseded: list[RadioFrame] = []
        for at, heard in enumerate(frames):
            if at % FRAMES_A_TURN == 0:
                keep_up()
            frame = self.verified(heard)  # a trailer that is not believed gives no precedence
            if frame is None:
                continue
            key = frame.source, frame.payload[2:4]
            if key in newest:
                superseded.append(newest[key])
            newest[key] = frame
        number, remoteness_dm = unit.sources.number, unit.core.remoteness_dm
        ranked: list[tuple[int, RadioFrame]] = []
        for at, one in enumerate(newest.values()):
            if at % FRAMES_A_TURN == 0:
                keep_up()
            payload = one.payload[:MESSAGE_BYTES] if has_trailer(one.payload) else one.payload
            ranked.append((remoteness_dm(payload, number(one.source)), one))
        ranked.sort(key=lambda pair: pair[0])
        return [one for _dm, one in ranked], superseded

    def took(self, count: int, for_ns: int) -> None:
        """So many frames of a rush have been taken in so long."""
        if count:
            self._frame_ns += (for_ns // count - self._frame_ns) // 4

    def leave(self, frames: list[RadioFrame], reason: str, trailers: Counter[str]) -> None:
        """These are not taken: "superseded" by newer ones of their vehicles, "shed" for want of time.

        What is known of their trailers is counted all the same.
        """
        if frames and self._radio:
            self._radio.counters[reason] += len(frames)
            trailers.update(one.verdict for one in frames if one.verdict)
            if self._recorder:
                for frame in frames:
                    self._recorder.heard(frame, f"dropped: {reason}")

    def verified(self, frame: RadioFrame) -> RadioFrame | None:
        """A frame as the core may have it now; None: it comes back from the verifier, or is too old."""
        if self._radio and self._now_ns() - frame.time_ns > LATE_NS:  # the process was stopped
            self._radio.counters["stale"] += 1
            return None
        if frame.verdict or not has_trailer(frame.payload):
            return frame
        verdict = self._verifier.submit(frame, self._trusted_ms(frame.time_ns)) if self._verifier else "no_keys"
        return replace(frame, verdict=verdict) if verdict else None


def remark(event: Event) -> str:
    """What a capture says beside a frame, of a drop or a trailer event that it led to."""
    if event["event"] == "trailer":
        return "" if event["reason"] == ACCEPTED else f"trailer: {event['reason']}"
    return f"{'dropped' if event['reason'] in _UNUSED else 'used'}: {event['reason']}"
