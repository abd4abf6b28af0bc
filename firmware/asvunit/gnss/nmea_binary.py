"""Binary frames between the sentences of a receiver: whole and right ones are cut out, whatever they hold. No I/O.

u-blox (UBX), RTCM 3, SiRF and SkyTraq tell their length and carry a check. What only looks like the begin of one
is given on as it is, byte for byte, and cannot swallow sentences: a begun frame is given up as soon as it would
contain three of them. The result does not depend on how the bytes were cut into pieces.
"""

import re
from collections.abc import Callable
from functools import reduce
from itertools import accumulate
from operator import xor
from typing import Final, NamedTuple

SENTENCES_IN_A_FRAME: Final = 3  # so many right ones make it no frame
_BLIND: Final = 8  # after what was no frame, none is looked for in so small a part of it: bounds the work on noise
_SENTENCE: Final = re.compile(rb"\$([A-Z][\x20-\x23\x25-\x29\x2b-\x7e]{5,250})\*([0-9A-Fa-f]{2})")


def _crc24q_table() -> list[int]:
    table = []
    for byte in range(256):
        value = byte << 16
        for _bit in range(8):
            value = (value << 1) ^ (0x1864CFB if value & 0x800000 else 0)
        table.append(value)
    return table


_CRC24Q: Final = _crc24q_table()


def crc24q(data: bytes) -> int:
    """The check of RTCM 3."""
    value = 0
    for byte in data:
        value = ((value << 8) & 0xFFFFFF) ^ _CRC24Q[(value >> 16) ^ byte]
    return value


def _ubx(frame: bytes) -> bool:
    body = frame[2:-2]
    return frame[-2] == sum(body) & 0xFF and frame[-1] == sum(accumulate(body)) & 0xFF


def _rtcm3(frame: bytes) -> bool:
    return crc24q(frame[:-3]) == int.from_bytes(frame[-3:])


def _rtcm3_length(head: bytes) -> int:
    number = head[3] << 4 | head[4] >> 4
    return int.from_bytes(head[1:3]) if 1001 <= number <= 1304 or number >= 4001 else _NONE


def _sirf(frame: bytes) -> bool:
    return frame[-2:] == b"\xb0\xb3" and sum(frame[4:-4]) & 0x7FFF == int.from_bytes(frame[-4:-2])


def _skytraq(frame: bytes) -> bool:
    return frame[-2:] == b"\r\n" and reduce(xor, frame[4:-3], 0) == frame[-3]


class _Family(NamedTuple):
    header: int  # bytes that tell the length
    length: Callable[[bytes], int]  # of the payload, from the header
    around: int  # bytes that are not payload
    longest: int  # payload that receivers send
    right: Callable[[bytes], bool]


_NONE: Final = 1 << 16  # longer than any
_FAMILIES: Final = {
    b"\xb5\x62": _Family(6, lambda head: int.from_bytes(head[4:6], "little"), 8, 8192, _ubx),
    b"\xa0\xa2": _Family(4, lambda head: int.from_bytes(head[2:4]), 8, 2047, _sirf),
    b"\xa0\xa1": _Family(4, lambda head: int.from_bytes(head[2:4]), 7, 4095, _skytraq),
    **{bytes((0xD3, high)): _Family(5, _rtcm3_length, 6, 1023, _rtcm3) for high in range(4)},
}
_BEGIN: Final = re.compile(rb"\xb5\x62|\xd3[\x00-\x03]|\xa0[\xa1\xa2]")
_FIRST_BYTES: Final = (b"\xb5", b"\xd3", b"\xa0")


def sum_of(body: bytes) -> int:
    """The check of a sentence: all bytes between $ and * xored. Folded in halves, at most 256 bytes."""
    value = int.from_bytes(body[:256], "little")
    for bits in (1024, 512, 256, 128, 64, 32, 16, 8):
        value ^= value >> bits
    return value & 0xFF


class BinaryFilter:
    """Bytes in, the same without binary frames out; a line end stands where one was. `frames` and `size` count them."""

    def __init__(self) -> None:
        self.frames = 0
        self.size = 0
        self._held = b""
        self._blind = 0  # bytes yet to come in which no frame is looked for

    @property
    def is_holding(self) -> bool:
        """Whether a frame has begun that may still turn out to be none."""
        return bool(self._held)

    def feed(self, data: bytes) -> bytes:
        """What is known to belong to no frame."""
        if not self._held and data.isascii():
            self._blind = max(0, self._blind - len(data))
            return data
        data, self._held = self._held + data, b""
        parts: list[bytes] = []
        done, at = 0, self._blind
        while (begin := _BEGIN.search(data, at)) is not None:
            start = begin.start()
            family = _FAMILIES[begin[0]]
            size = _frame_size(data, start, family)
            if size is None:
                self._held, self._blind = data[start:], 0
                return b"".join((*parts, data[done:start]))
            if size > 0:
                self.frames += 1
                self.size += size
                parts += (data[done:start], b"\n")
                done = at = start + size
            else:
                at = start + 1 + -size // _BLIND
        end = len(data)
        if end > at and data.endswith(_FIRST_BYTES):
            end -= 1
            self._held = data[end:]
        self._blind = max(0, at - end)
        return b"".join((*parts, data[done:end]))

    def give_up(self) -> bytes:
        """The line has gone quiet, or the file has ended: what was held is no frame."""
        parts: list[bytes] = []
        while self._held:
            first, rest, self._held = self._held[:1], self._held[1:], b""
            parts += (first, self.feed(rest))
        return b"".join(parts)


def _frame_size(data: bytes, start: int, family: _Family) -> int | None:
    """Bytes of the frame that begins here; 0 or less: it is none, so many were looked at; None: not known yet."""
    if len(data) < start + family.header:
        return None
    length = family.length(data[start : start + family.header])
    if length > family.longest:
        return 0
    size = length + family.around
    if _holds_sentences(data, start, start + size):
        return -size
    if len(data) < start + size:
        return None
    return size if family.right(data[start : start + size]) else -size


def _holds_sentences(data: bytes, start: int, end: int) -> bool:
    """Whether so many right sentences have their end here that the length must be wrong."""
    if data.count(b"$", start, end) < SENTENCES_IN_A_FRAME:
        return False
    found = 0
    for sentence in _SENTENCE.finditer(data, start, end):
        found += sum_of(sentence[1]) == int(sentence[2], 16)
        if found == SENTENCES_IN_A_FRAME:
            return True
    return False
