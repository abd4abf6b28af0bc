"""The trailer that a particular (emergency) vehicle's radio appends to its message: put together, taken apart.

`PV`, key id (4 bytes, big endian), time of sending (8, unsigned ms since 1970 UTC, big endian), then an Ed25519
signature (64) over message + key id + time: 78 bytes behind the 100 of the message. Whether a trailer is to be
believed is another matter: `asvunit.authority`.
"""

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from asvcore.elements import MESSAGE_BYTES
from asvunit.ports import TRAILER_BYTES, TRAILER_MARK

if TYPE_CHECKING:  # heavy, and a unit without keys never needs it
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SIGNED_FRAME_BYTES: Final = MESSAGE_BYTES + TRAILER_BYTES
KEY_ID_MAX: Final = (1 << 32) - 1
TIME_MS_MAX: Final = (1 << 64) - 1
_STAMP: Final = struct.Struct(">IQ")
_STAMP_AT: Final = MESSAGE_BYTES + len(TRAILER_MARK)
_SIGNATURE_AT: Final = _STAMP_AT + _STAMP.size


@dataclass(frozen=True, slots=True)
class Trailer:
    """What a trailer says; nothing of it is verified."""

    key_id: int
    time_ms: int  # of sending, Unix UTC
    signature: bytes


def sign(payload: bytes, key_id: int, private_key: "Ed25519PrivateKey", time_ms: int) -> bytes:
    """The message with the trailer of a vehicle that has this key, as it goes on the air at that time."""
    if len(payload) != MESSAGE_BYTES:
        raise ValueError(f"a message has {MESSAGE_BYTES} bytes, not {len(payload)}")
    if not (0 <= key_id <= KEY_ID_MAX and 0 <= time_ms <= TIME_MS_MAX):
        raise ValueError(f"key id {key_id} or time {time_ms} does not fit its field")
    stamp = _STAMP.pack(key_id, time_ms)
    return payload + TRAILER_MARK + stamp + private_key.sign(payload + stamp)


def has_trailer(frame: bytes) -> bool:
    """Whether a frame has the length and the mark of a signed one."""
    return len(frame) == SIGNED_FRAME_BYTES and frame.startswith(TRAILER_MARK, MESSAGE_BYTES)


def split(frame: bytes) -> tuple[bytes, Trailer | None]:
    """Message and trailer; any other frame comes back whole, with None."""
    if not has_trailer(frame):
        return frame, None
    key_id, time_ms = _STAMP.unpack_from(frame, _STAMP_AT)
    return frame[:MESSAGE_BYTES], Trailer(key_id, time_ms, frame[_SIGNATURE_AT:])


def key_and_time(frame: bytes) -> tuple[int, int]:
    """Key id and time of sending in Unix ms, as a signed frame's trailer tells them."""
    key_id, time_ms = _STAMP.unpack_from(frame, _STAMP_AT)
    return key_id, time_ms


def signature(frame: bytes) -> bytes:
    """The signature of a signed frame."""
    return frame[_SIGNATURE_AT:]


def signed_bytes(frame: bytes) -> bytes:
    """What the signature of a signed frame is over: message, key id and time, without the mark."""
    return frame[:MESSAGE_BYTES] + frame[_STAMP_AT:_SIGNATURE_AT]
