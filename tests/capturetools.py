"""What tests of captures share: payloads that tell their number, and the blocks of a pcapng, walked independently."""

import struct
from collections.abc import Iterator


def payload(number: int, size: int = 100) -> bytes:
    return number.to_bytes(4, "big") + bytes(size - 4)


def blocks(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Kind and body of all blocks; the file must consist of whole ones."""
    at = 0
    while at < len(content):
        kind, length = struct.unpack_from("<II", content, at)
        assert content[at + length - 4 : at + length] == struct.pack("<I", length)
        yield kind, content[at + 8 : at + length - 4]
        at += length
