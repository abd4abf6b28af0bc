"""SAE J1939, the bus of trucks and buses: its parameter groups, and the codes by which it says that it does not know.

The source address and the priority in a database are examples: those of real frames are other ones. Messages are
therefore found by their parameter group (PGN). Groups of more than 8 bytes come in several frames (BAM, RTS/CTS);
those are not put together: nothing that the unit needs is sent so.
"""

from collections.abc import Iterable
from typing import Final

from cantools.database.can import Message, Signal

from asvcore.can_table import group_mask

FRAME_BYTES: Final = 8  # all frames have them; what a group leaves of them is filled up
NULL_ADDRESS: Final = 0xFE  # stands in databases in the place of a sender
_PROTOCOL: Final = "j1939"
_BROADCAST: Final = 0xF0
_CODED_BITS: Final = 8  # of words, at most, whose codes are told one by one
_TOP_BYTE_BITS: Final = 12  # from here on, and with 8 bits, the topmost byte tells
_TOP: Final = 0xFB  # indicators, reserved codes, errors (FE) and not available (FF)


def group(message: Message) -> int:
    """A message's parameter group in its place in an identifier."""
    return group_of(int(message.frame_id))


def pgn(identifier: int) -> int:
    """The number of the parameter group that an identifier has."""
    return group_of(identifier) >> 8


def group_of(identifier: int) -> int:
    """An identifier without what its frames may differ in."""
    return identifier & int(group_mask(identifier))


def first_unknown(signal: Signal) -> int:
    """The first code above a number's range, from which on none is a value; 0: it has no such range."""
    bits = int(signal.length)
    if signal.is_signed or bits < 2:
        return 0
    if bits == 8 or bits >= _TOP_BYTE_BITS:
        return _TOP << bits - 8
    return (1 << bits) - 2


def unknown_codes(signal: Signal) -> tuple[int, ...]:
    """The codes of a switch or selector that say error and not available."""
    bits = int(signal.length)
    if signal.is_signed or not 2 <= bits <= _CODED_BITS:
        return ()
    return (1 << bits) - 2, (1 << bits) - 1


def looks_so(message: Message) -> bool:
    """Whether a database means a message as one of J1939: by its mark, or a sender that no frame can have."""
    if not message.is_extended_frame:
        return False
    broadcast = message.frame_id >> 16 & 0xFF >= _BROADCAST
    return message.protocol == _PROTOCOL or (broadcast and message.frame_id & 0xFF == NULL_ADDRESS)


def marked(messages: Iterable[Message]) -> bool:
    """Whether a database is one of J1939: most of its messages of 29 bits are."""
    extended = [message for message in messages if message.is_extended_frame]
    return 2 * sum(map(looks_so, extended)) > len(extended) > 0
