"""Whether a particular vehicle's trailer is to be believed: the radio's own flag of [G appendix 1 (42)].

Cheap checks come first and the signature last, so that forged trailers cost little; how many signatures are verified
in a second is bounded, and `asvunit.radio.admission` says whose. What the newest accepted time is moves only after a
signature was verified.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from asvunit.authority_keys import load_keys
from asvunit.ports import RadioFrame
from asvunit.radio.admission import FOLLOWED, Admission
from asvunit.trailer import has_trailer, key_and_time, signature, signed_bytes
from asvunit.trusted_time import log_time_ms

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ACCEPTED: Final = "accepted"  # a frame's verdict; every other says why it is not believed
WINDOW_MS: Final = 2000  # between a trailer's time and the trusted clock, either way
_FORGED: Final = 1024  # frames with a wrong signature that are known again


class Authority:
    """Judges trailers against the authority keys; deterministic by the times it is given. For one thread at a time.

    `judge` does it all at once. Where signatures are verified elsewhere, `untimely` and `crowded_out` come before,
    `verify` and `untimely` may run in any thread, and `conclude` takes in what `verify` said.
    """

    def __init__(self, keys: "Mapping[int, Ed25519PublicKey]", seed: int | None = None) -> None:
        """`seed` makes the choice among too many frames repeatable; None: nobody can tell it beforehand."""
        from cryptography.exceptions import InvalidSignature

        self.rank = FOLLOWED  # of the frame that was admitted last
        self._invalid = InvalidSignature
        self._keys = dict(keys)
        self._admission = Admission(self._keys, seed)
        self._newest_ms = dict.fromkeys(self._keys, -1)  # time of the last accepted trailer by key
        self._forged: OrderedDict[bytes, None] = OrderedDict()

    def judge(self, frame: RadioFrame, now_ms_utc: int | None) -> str:
        """ "" if the trailer of a frame heard at this trusted time is genuine, else why not; None: no such time."""
        reason = self.untimely(frame.payload, now_ms_utc) or self.crowded_out(frame)
        return reason or self.conclude(frame, self.verify(frame.payload))

    def untimely(self, payload: bytes, now_ms_utc: int | None) -> str:
        """Why a frame is not believed by its key's id and its time alone, or ""."""
        if not has_trailer(payload):
            return "malformed"
        key_id, time_ms = key_and_time(payload)
        newest_ms = self._newest_ms.get(key_id)
        if newest_ms is None:
            return "unknown_key"
        if now_ms_utc is None:
            return "no_clock"
        if not -WINDOW_MS <= time_ms - now_ms_utc <= WINDOW_MS:
            return "stale"
        return "replayed" if time_ms <= newest_ms else ""

    def crowded_out(self, frame: RadioFrame) -> str:
        """Why the signature of a timely frame is not worth a verification now, or "": then `rank` is set."""
        payload = frame.payload
        if payload in self._forged:
            return "bad_signature"
        key_id, time_ms = key_and_time(payload)
        self.rank = self._admission.rank(key_id, frame.source, time_ms, frame.time_ns)
        return "rate_limited" if self.rank < 0 else ""

    def verify(self, payload: bytes) -> bool:
        """Whether the signature is that of the trailer's key; nothing is changed."""
        key = self._keys[key_and_time(payload)[0]]
        try:
            key.verify(signature(payload), signed_bytes(payload))
        except self._invalid:
            return False
        return True

    def conclude(self, frame: RadioFrame, verified: bool) -> str:
        """The verdict on a frame that was admitted, "" if it is genuine."""
        key_id, time_ms = key_and_time(frame.payload)
        if verified and time_ms <= self._newest_ms[key_id]:
            return "replayed"  # a later one was verified meanwhile
        self._admission.conclude(key_id, frame.source, frame.time_ns, verified)
        if verified:
            self._newest_ms[key_id] = time_ms
            return ""
        self._forged[frame.payload] = None
        if len(self._forged) > _FORGED:
            self._forged.popitem(last=False)
        return "bad_signature"


def log_judge(keys: Mapping[str, str]) -> Callable[[RadioFrame], str] | None:
    """For replays: the verdict on a recorded frame by the log's own time; None without keys."""
    if not keys:
        return None
    authority = Authority(load_keys(keys), seed=1)  # the same log, the same verdicts
    return lambda frame: authority.judge(frame, log_time_ms(frame.time_ns)) or ACCEPTED
