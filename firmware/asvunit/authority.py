"""Whether a particular vehicle's trailer is to be believed: the radio's own flag of [G appendix 1 (42)].

Cheap checks come first and the signature last, so that forged trailers cost little; how many signatures are
verified in a second is bounded. What the newest accepted time is moves only after a signature was verified.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from asvunit.authority_keys import load_keys
from asvunit.ports import RadioFrame
from asvunit.trailer import Trailer, signed_bytes, split
from asvunit.trusted_time import log_time_ms

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ACCEPTED: Final = "accepted"  # a frame's verdict; every other says why it is not believed
WINDOW_MS: Final = 2000  # between a trailer's time and the trusted clock, either way
VERIFICATIONS_A_SECOND: Final = 200  # twenty vehicles at 10 Hz
_SECOND_MS: Final = 1000


class Authority:
    """Judges trailers against the authority keys; deterministic by the times it is given. For one thread.

    `counters`: verdicts so far by reason, the accepted ones too.
    """

    def __init__(self, keys: "Mapping[int, Ed25519PublicKey]") -> None:
        from cryptography.exceptions import InvalidSignature

        self.counters: Counter[str] = Counter()
        self._invalid = InvalidSignature
        self._keys = dict(keys)
        self._newest_ms: dict[int, int] = {}  # time of the last accepted trailer by key
        self._second_ms = 0  # when the second began in which verifications are counted
        self._verifications = 0

    def judge(self, frame: bytes, now_ms_utc: int | None) -> str:
        """ "" if the trailer of a frame heard at this trusted time is genuine, else why not; None: no such time."""
        reason = self._refusal(frame, now_ms_utc)
        self.counters[reason or ACCEPTED] += 1
        return reason

    def _refusal(self, frame: bytes, now_ms: int | None) -> str:
        _payload, trailer = split(frame)
        if trailer is None:
            return "malformed"
        key = self._keys.get(trailer.key_id)
        if key is None:
            return "unknown_key"
        reason = self._untimely(trailer, now_ms)
        if reason:
            return reason
        try:
            key.verify(trailer.signature, signed_bytes(frame))
        except self._invalid:
            return "bad_signature"
        self._newest_ms[trailer.key_id] = trailer.time_ms
        return ""

    def _untimely(self, trailer: Trailer, now_ms: int | None) -> str:
        if now_ms is None:
            return "no_clock"
        if abs(trailer.time_ms - now_ms) > WINDOW_MS:
            return "stale"
        if trailer.time_ms <= self._newest_ms.get(trailer.key_id, -1):
            return "replayed"
        return "" if self._may_verify(now_ms) else "rate_limited"

    def _may_verify(self, now_ms: int) -> bool:
        if not 0 <= now_ms - self._second_ms < _SECOND_MS:  # also where the clock was set back
            self._second_ms, self._verifications = now_ms, 0
        self._verifications += 1
        return self._verifications <= VERIFICATIONS_A_SECOND


def log_judge(keys: Mapping[str, str]) -> Callable[[RadioFrame], str] | None:
    """For replays: the verdict on a recorded frame by the log's own time; None without keys."""
    if not keys:
        return None
    authority = Authority(load_keys(keys))
    return lambda frame: authority.judge(frame.payload, log_time_ms(frame.time_ns)) or ACCEPTED
