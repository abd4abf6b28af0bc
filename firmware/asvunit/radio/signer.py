"""Signs what an emergency vehicle sends: message and trailer while there is a trusted time, else an ordinary frame.

Receivers believe a time only once, and only within 2 s of their own clocks: so the times of one key rise with each
frame, and without a trusted clock nothing is signed [G appendix 1 (42)].
"""

from collections import Counter
from collections.abc import Callable
from typing import Final

from asvcore import codec
from asvcore.elements import MESSAGE_BYTES
from asvunit.authority import WINDOW_MS
from asvunit.radio.own_key import OwnKey
from asvunit.trailer import sign


def _ordinary_mask() -> bytes:
    """All bits of a message but those of elements 42 and 43."""
    widths = [abs(width) for width in codec.WIDTHS]  # signed elements have theirs below 0
    before = sum(widths[: codec.EMERGENCY_ATTENTION])
    width = widths[codec.EMERGENCY_ATTENTION] + widths[codec.PARTICULAR_VEHICLE_INFORMATION]
    ones: int = (1 << 8 * MESSAGE_BYTES) - 1
    gap: int = ((1 << width) - 1) << 8 * MESSAGE_BYTES - before - width
    return (ones ^ gap).to_bytes(MESSAGE_BYTES, "big")


_ORDINARY: Final = int.from_bytes(_ordinary_mask(), "big")


class Signer:
    """Seals messages one after another; for one thread.

    `counters`: `signed`; `unsigned` for want of a trusted time; `time_back`: the trusted clock did not rise.
    `fault`: "" or why the last message went out as an ordinary vehicle's.
    """

    def __init__(self, own_key: OwnKey, now_ms: Callable[[], int | None]) -> None:
        """`now_ms`: the trusted clock's Unix time in ms, or None while there is none."""
        self.counters: Counter[str] = Counter()
        self.fault = ""
        self._key = own_key
        self._now_ms = now_ms
        self._last_ms = -1

    def seal(self, payload: bytes) -> bytes:
        """The 178 bytes of a message of 100 as it goes on the air now; without a time 100 with 0 in 42 and 43."""
        now_ms = self._now_ms()
        if now_ms is None or now_ms < 0:
            self.counters["unsigned"] += 1
            self.fault = "no trusted time (GNSS): sent as an ordinary vehicle, unsigned"
            return ordinary(payload)
        if now_ms <= self._last_ms:
            self.counters["time_back"] += 1
            if self._last_ms - now_ms < WINDOW_MS:  # else the clock was wrong, and this time is nobody's past
                now_ms = self._last_ms + 1
        sealed = sign(payload, self._key.key_id, self._key.private, now_ms)
        self._last_ms = now_ms
        self.counters["signed"] += 1
        self.fault = ""
        return sealed


def ordinary(payload: bytes) -> bytes:
    """A message of 100 bytes with 0 in elements 42 and 43, as ordinary vehicles send it."""
    return (int.from_bytes(payload, "big") & _ORDINARY).to_bytes(len(payload), "big")
