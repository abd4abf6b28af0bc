"""Checksums with which a car's senders protect their CAN frames: sums, nibble sums, XOR and CRC of 8 and 16 bits.

What a family of cars does (identifier or length counted in, constants by identifier) is folded into the numbers
of a row when the map is compiled, so that a few forms serve all. A checksum never covers its own byte or nibble.
"""

from array import array

SUM, XOR, NIBBLES, CRC8, CRC16 = range(1, 6)


class Checksum:
    """One check of one message; `good` says whether a frame passes.

    Row: [form, field of the checksum, byte left out, end, initial value, final XOR, polynomial,
    constants...]. Bytes from 0 to end - 1 are covered, without the one left out; of that the other nibble where the
    form is NIBBLES. A CRC goes on over one constant: the only one, or that of the counter in the low nibble of byte 1.
    A CRC of 16 bits is compared with a field as the message has it, and goes on over all constants.
    """

    __slots__ = (
        "_constants", "_end", "_field", "_final", "_form", "_initial", "_keep", "_mask", "_out", "_table",
    )  # fmt: skip

    def __init__(self, row, fields):
        self._form, field, self._out, self._end, self._initial, self._final, poly = row[:7]
        self._constants = array("H", row[7:])
        self._field = fields[field]
        # The field's own nibble is the one that is not covered; both masks are found by reading a frame of ones
        self._keep = 0
        self._mask = 0xFF
        if self._form == NIBBLES:
            probe = bytearray(self._end)
            probe[self._out] = 0x0F
            self._keep = 0xF0 if self._field.read(probe) == 15 else 0x0F
            self._mask = 0x0F
        self._table = crc_table(poly, 8 if self._form == CRC8 else 16) if self._form >= CRC8 else None

    def good(self, data):
        """Whether the frame's bytes are as their sender made them."""
        return self._field.read(data) == self.over(data)

    def over(self, data):
        """The checksum that these bytes should have."""
        form = self._form
        total = self._initial
        out = self._out
        if form >= CRC8:
            return self._crc(data)
        for at in range(self._end):
            if at == out:
                if form == NIBBLES:
                    total -= _nibbles(data[at] & self._keep)
            elif form == SUM:
                total += data[at]
            elif form == XOR:
                total ^= data[at]
            else:
                total -= _nibbles(data[at])
        return (total ^ self._final) & self._mask

    def _crc(self, data):
        table = self._table
        crc = self._initial
        wide = self._form == CRC16
        out = self._out
        for at in range(self._end):
            if wide:
                if at != out and at != out + 1:
                    crc = (crc << 8 & 0xFF00) ^ table[crc >> 8 ^ data[at]]
            elif at != out:
                crc = table[crc ^ data[at]]
        constants = self._constants
        if wide:
            for index in range(len(constants)):
                crc = (crc << 8 & 0xFF00) ^ table[crc >> 8 ^ constants[index]]
        elif len(constants) == 1:
            crc = table[crc ^ constants[0]]
        elif len(constants) > 1:
            crc = table[crc ^ constants[data[1] & 0x0F]]
        return crc ^ self._final


def _nibbles(byte):
    return (byte & 0x0F) + (byte >> 4)


def crc_table(poly, bits):
    """The CRC of every byte, most significant bit first."""
    top = 1 << bits - 1
    mask = (top << 1) - 1
    table = array("H", [0] * 256)
    for byte in range(256):
        crc = byte << bits - 8
        for _ in range(8):
            crc = (crc << 1 ^ poly if crc & top else crc << 1) & mask
        table[byte] = crc
    return table
