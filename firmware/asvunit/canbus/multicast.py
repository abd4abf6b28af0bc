"""Has the kernel filter python-can's multicast bus: a socket filter that knows where a datagram has its identifier.

python-can packs a frame as a MessagePack map whose first keys are timestamp, arbitration_id, is_extended_id,
is_remote_frame and is_error_frame. What is not laid out so passes, and error frames pass; the reader sorts the rest.
"""

import ctypes
import socket
import struct
from collections.abc import Iterable, Mapping
from typing import Any, Final

from asvunit.canbus.filters import WHOLE, Wanted, as_filter

_ATTACH_FILTER: Final = 26  # of the kernel; not every Python knows it
_PASS, _DROP = (0x06, 0, 0, 0xFFFFFFFF), (0x06, 0, 0, 0)
# Places in the datagram, after UDP's header of 8 bytes.
_STAMP_TYPE, _NAME, _NUMBER = 8 + 11, 8 + 20, 8 + 35
_ERROR_FLAG: Final = _NUMBER + 48  # and the bytes of the number
_SHORTEST: Final = 100  # less is no frame
_FLOAT, _ARBI, _FALSE = 0xCB, 0xAE617262, 0xC2
# Types of a number above 127: what loads it, and its bytes with the type.
_NUMBERS: Final = ((0xCC, 0x30, 2), (0xCD, 0x28, 3), (0xCE, 0x20, 5))

_Instruction = tuple[int, int, int, int]  # of the kernel's packet filter: code, jump if true, jump if false, operand


def filter_datagrams(sock: Any, identifiers: Iterable[Wanted]) -> bool:
    """Lets only these frames pass; False where the kernel has no such filters."""
    by_mask: dict[int, set[int]] = {}
    for one in map(as_filter, identifiers):
        by_mask.setdefault(WHOLE if one.whole else one.mask, set()).add(one.identifier)
    code = b"".join(struct.pack("=HBBI", *each) for each in _program(by_mask))
    held = ctypes.create_string_buffer(code, len(code))
    try:
        sock.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, struct.pack("HL", len(code) // 8, ctypes.addressof(held)))
    except OSError:
        return False
    return True


def _program(numbers: Mapping[int, Iterable[int]]) -> list[_Instruction]:
    """`numbers`: by mask."""
    load: list[_Instruction] = [(0x02, 0, 0, 0), (0x35, 2, 0, 0x80), (0x01, 0, 0, 1), (0x05, 0, 0, 0)]
    for kind, code, size in _NUMBERS:
        load += [(0x15, 0, 4, kind), (code, 0, 0, _NUMBER + 1), (0x02, 0, 0, 0), (0x01, 0, 0, size), (0x05, 0, 0, 0)]
    load.append(_PASS)
    ends = [(*each[:3], len(load) - at - 1) if each[0] == 0x05 else each for at, each in enumerate(load)]
    wanted: list[_Instruction] = []
    for mask, masked in sorted(numbers.items(), reverse=True):
        wanted += [(0x60, 0, 0, 0)] if mask == WHOLE else [(0x60, 0, 0, 0), (0x54, 0, 0, mask)]
        wanted += [each for number in sorted(masked) for each in ((0x15, 0, 1, number), _PASS)]
    return [
        (0x80, 0, 0, 0), (0x35, 1, 0, _SHORTEST), _PASS,
        (0x30, 0, 0, _STAMP_TYPE), (0x15, 1, 0, _FLOAT), _PASS,
        (0x20, 0, 0, _NAME), (0x15, 1, 0, _ARBI), _PASS,
        (0x30, 0, 0, _NUMBER), *ends,
        (0x50, 0, 0, _ERROR_FLAG), (0x15, 1, 0, _FALSE), _PASS,
        *wanted, _DROP,
    ]  # fmt: skip
