"""Authority keys as a configuration tells them: `emergency.keys = { "<key id>" = "<Ed25519 public key in hex>" }`.

A key that can verify nothing, or one that anybody can sign for, is refused here, not found out on the road.
"""

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from pydantic_core import PydanticCustomError

from asvunit.trailer import KEY_ID_MAX

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

KEY_BYTES: Final = 32
# The curve of Ed25519: -x^2 + y^2 = 1 + d x^2 y^2 (RFC 8032, 5.1)
_PRIME: Final = 2**255 - 19
_D: Final = -121665 * pow(121666, -1, _PRIME) % _PRIME


def key_id(text: str) -> int:
    """The id that a text names, decimal or 0x...; ValueError with the mend."""
    hexadecimal = text[:2] in ("0x", "0X")
    digits = text[2:] if hexadecimal else text
    try:
        if not (digits.isascii() and digits.isalnum()) or len(digits) > 16:  # int() takes signs, blanks and _
            raise ValueError(digits)
        number = int(digits, 16 if hexadecimal else 10)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is no key id; give a number, decimal or 0x...") from None
    if number > KEY_ID_MAX:
        raise ValueError(f"{text[:40]!r} is no key id; 0 to {KEY_ID_MAX} fit its four bytes")
    return number


def key_bytes(text: str) -> bytes:
    """The public key that a text gives in hex; ValueError with the mend."""
    if len(text) != 2 * KEY_BYTES or not (text.isascii() and text.isalnum()):
        raise ValueError(f"{len(text)} characters; give the raw Ed25519 public key as {2 * KEY_BYTES} hex digits")
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raise ValueError(f"not all hex digits; give the Ed25519 public key as {2 * KEY_BYTES} of 0..9 a..f") from None
    if not _verifies(raw):
        raise ValueError("no Ed25519 public key: no vehicle can have it; copy it again from who gave it")
    return raw


def load_keys(keys: Mapping[str, str]) -> "dict[int, Ed25519PublicKey]":
    """The keys of a configuration that was checked, by id."""
    if not keys:
        return {}
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    return {key_id(name): Ed25519PublicKey.from_public_bytes(key_bytes(text)) for name, text in keys.items()}


# Validators of the configuration's fields: the text as it is, or a fault without pydantic's words around it


def check_key_id(text: str) -> str:
    try:
        key_id(text)
    except ValueError as error:
        raise _fault(error) from error
    return text


def check_key(text: str) -> str:
    try:
        key_bytes(text)
    except ValueError as error:
        raise _fault(error) from error
    return text


def check_keys(keys: dict[str, str]) -> dict[str, str]:
    count = Counter(key_id(name) for name in keys)
    twice = [name for name in keys if count[key_id(name)] > 1]
    if twice:
        raise _fault(f"{' and '.join(twice)} are one id; take all but one out")
    return keys


def _fault(text: object) -> PydanticCustomError:
    return PydanticCustomError("authority_key", "{text}", {"text": str(text)})


def _verifies(raw: bytes) -> bool:
    """Whether it is a point of the curve, and of more than order 8: anybody can sign for those few."""
    y = int.from_bytes(raw, "little") & ((1 << 255) - 1)
    if y >= _PRIME:
        return False
    square = y * y % _PRIME
    small = y in (0, 1, _PRIME - 1) or (_D * square * square + 2 * square - 1) % _PRIME == 0
    x_square = (square - 1) * pow(_D * square + 1, -1, _PRIME) % _PRIME
    return not small and pow(x_square, (_PRIME - 1) // 2, _PRIME) == 1
