"""Keys of the rig's particular vehicles: each from its seed, so that a scenario is the same wherever it is played.

They keep nothing secret and are for the rig alone.
"""

import hashlib
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


@cache
def key_from_seed(seed: int) -> "Ed25519PrivateKey":
    """The private key of the vehicle with this seed."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"asvkit rig key %d" % seed).digest())


def public_hex(seed: int) -> str:
    """Its public key as `emergency.keys` of a configuration has it."""
    return key_from_seed(seed).public_key().public_bytes_raw().hex()
