"""What an MCP2515 lets through: its two masks and six filters for the frames that are wanted [DS 4.5].

RXB0 has mask 0 with filters 0 and 1, RXB1 has mask 1 with filters 2 to 5. Where the wanted ones fit, no other frame
passes; else they are gathered under masks that let few others pass. All wanted ones pass in any case.

Bits are those of a 29-bit identifier, those of a standard one on top of it, and above them whether it is extended:
that each filter tells, whatever its mask. A mask's lower 18 bits must be zero for standard frames, whose data they
would be compared with.
"""

from .mcp2515_registers import put_identifier

EXTENDED = 1 << 29  # in bits: not of a mask, but of every filter
_ALL = EXTENDED - 1
_BELOW = 18  # bits of an extended identifier below the standard one
_ROOMS = (2, 4)  # filters of RXB0 and RXB1
_FEW = 12  # of these every way to part them is tried
NOTHING = (0x7FF, 0x7FF, False)  # wanted where nothing is: what no car sends


def wanted_of(compiled_map, bus, group_mask):
    """[(identifier, mask, extended), ...] of one bus of a compiled signal map."""
    wanted = []
    for row in compiled_map["frames"]:
        if row[0] == bus:
            whole = _ALL if row[2] else 0x7FF
            wanted.append((row[1], group_mask(row[1]) if len(row) > 10 else whole, bool(row[2])))
    return wanted


def plan(wanted):
    """((mask, [filter, ...]) of RXB0, the same of RXB1), for [(identifier, mask, extended), ...]."""
    members = _members(wanted or [NOTHING])
    count = len(members)
    best = None
    for cut in range(count + 1):
        if count > _FEW and cut not in {2, count // 3, count - 2} and not _border(members, cut):
            continue
        for first in (0, 1):
            one = _fit(members[:cut], _ROOMS[first])
            other = _fit(members[cut:], _ROOMS[1 - first])
            passing = one[0] + other[0]
            if best is None or passing < best[0]:
                best = (passing, one, other) if first == 0 else (passing, other, one)
    _passing, small, large = best
    if not small[2]:
        small = large  # the same filters for both buffers
    elif not large[2]:
        large = small
    return (small[1], small[2][: _ROOMS[0]]), (large[1], large[2])


def passes(planned, identifier, extended):
    """Whether a frame passes what was planned."""
    bits = _bits(identifier, extended)
    for mask, filters in planned:
        for one in filters:
            if (bits ^ one) & (mask | EXTENDED) == 0:
                return True
    return False


def put_plan(planned, filters_0_to_2, filters_3_to_5, masks, at):
    """Writes the registers of a plan, each from `at` on in its buffer: 12, 12 and 8 bytes."""
    number = 0
    for index in range(2):
        mask, filters = planned[index]
        put_identifier(masks, at + 4 * index, mask, False)
        for slot in range(_ROOMS[index]):
            one = filters[min(slot, len(filters) - 1)]  # filters that are left over say the same as the last
            buffer = filters_0_to_2 if number < 3 else filters_3_to_5
            put_identifier(buffer, at + 4 * (number % 3), one & _ALL, one & EXTENDED)
            number += 1


def _bits(identifier, extended):
    return identifier | EXTENDED if extended else identifier << _BELOW


def _members(wanted):
    """Sorted [(mask, bits), ...], without those that another one covers."""
    every = []
    for identifier, mask, extended in wanted:
        mask = (mask if extended else mask << _BELOW) | EXTENDED  # noqa: PLW2901
        member = (mask, _bits(identifier, extended) & mask)
        if member not in every:
            every.append(member)
    return sorted([one for one in every if not _covered(one, every)])


def _covered(one, every):
    for other in every:
        if other is not one and other[0] & one[0] == other[0] and (one[1] ^ other[1]) & other[0] == 0:
            return True
    return False


def _border(members, cut):
    """Whether masks or kinds of identifiers change there."""
    if not 0 < cut < len(members):
        return True
    before, after = members[cut - 1], members[cut]
    return before[0] != after[0] or (before[1] ^ after[1]) & EXTENDED != 0


def _fit(members, room):
    """(how much passes, mask, filters) of some members under one mask; the fewest bits are given up."""
    if not members:
        return 0, 0, []
    mask = EXTENDED | _ALL
    for member in members:
        mask &= member[0]
    filters = _distinct([member[1] for member in members], mask)
    while len(filters) > room:
        least, gone = 99, 0
        for at in range(len(filters)):
            for beyond in range(at + 1, len(filters)):
                differing = filters[at] ^ filters[beyond]
                if differing & EXTENDED == 0:
                    ones = _ones(differing)
                    if ones < least:
                        least, gone = ones, differing
        mask &= ~gone
        filters = _distinct(filters, mask)
    return len(filters) << 29 - _ones(mask & _ALL), mask & _ALL, filters


def _distinct(filters, mask):
    found = []
    for one in filters:
        if one & mask not in found:
            found.append(one & mask)
    return found


def _ones(bits):
    count = 0
    while bits:
        bits &= bits - 1
        count += 1
    return count
