"""Straight-line codec of the 100 bytes, in place and allocation-free [G appendix 1, D1].

Generated from `elements.ELEMENTS` by `python -m asvtools.codec_source`; do not edit.

A raw message is a list of 43 integers, elements 1..43 in table order (index = number - 1, the
constants below); degrees are signed, all else unsigned. Elements 44 and 45 (from bit 299 on) are
bytes of the buffer that the codec leaves as they are: a zeroed buffer sends them as 0.

Where MicroPython has its viper emitter, `codec_viper` takes over: `new_raw` then makes what it is fast with.
"""

from struct import pack_into

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


ADMINISTRATION_DATA = const(0)
INCREMENT_COUNTER = const(1)
VEHICLE_ID = const(2)
CLASS_INFORMATION = const(3)
VEHICLE_CLASSIFICATION = const(4)
VEHICLE_LENGTH = const(5)
POSITION_AVAILABILITY = const(6)
LATITUDINAL_DEGREE = const(7)
LATITUDINAL_MINUTE = const(8)
LATITUDINAL_SECOND = const(9)
LONGITUDINAL_DEGREE = const(10)
LONGITUDINAL_MINUTE = const(11)
LONGITUDINAL_SECOND = const(12)
HORIZONTAL_ERROR_RANGE = const(13)
HEIGHT = const(14)
VERTICAL_ERROR_RANGE = const(15)
POSITION_DELAY = const(16)
REVISION_COUNTER = const(17)
SENSOR_AVAILABILITY = const(18)
SPEED = const(19)
DIRECTION = const(20)
FORWARD_ACCELERATION = const(21)
SHIFT_POSITION = const(22)
BRAKE = const(23)
WINKER = const(24)
HAZARD = const(25)
ACCELERATION_PEDAL_ANGLE = const(26)
EXTENDED_VEHICLE_INFORMATION = const(27)
UTC_HOUR = const(28)
UTC_MINUTE = const(29)
UTC_SECOND = const(30)
INTERSECTION_INFORMATION_AVAILABILITY = const(31)
INTERSECTION_LATITUDINAL_DEGREE = const(32)
INTERSECTION_LATITUDINAL_MINUTE = const(33)
INTERSECTION_LATITUDINAL_SECOND = const(34)
INTERSECTION_LONGITUDINAL_DEGREE = const(35)
INTERSECTION_LONGITUDINAL_MINUTE = const(36)
INTERSECTION_LONGITUDINAL_SECOND = const(37)
INFORMATION_OF_NEAREST_INTERSECTION_DISTANCE = const(38)
NEAREST_INTERSECTION_DISTANCE = const(39)
ROAD_INFORMATION = const(40)
EMERGENCY_ATTENTION = const(41)
PARTICULAR_VEHICLE_INFORMATION = const(42)

# Width of each element in bits, negative: signed.
WIDTHS = (8, 8, 14, 4, 12, 5, 2, -9, 6, 13, -9, 6, 13, 8, 14, 8, 6, 4, 2, 8, 9, 6, 3, 3, 3, 3, 7, 8, 5, 6,
    6, 2, -9, 6, 13, -9, 6, 13, 4, 9, 2, 1, 7)


def refuse(raw):
    """ValueError for the first code that does not fit its width."""
    for index in range(len(WIDTHS)):
        width = WIDTHS[index]
        low, high = (0, (1 << width) - 1) if width > 0 else (-(1 << -width - 1), (1 << -width - 1) - 1)
        if not low <= raw[index] <= high:
            raise ValueError("element %d: %d is outside %d..%d" % (index + 1, raw[index], low, high))


def encode_into(raw, buffer):
    """Write elements 1..43 into a bytearray of 100; ValueError if a code does not fit its width."""
    (
        e1, e2, e3, e4, e5, e6, e7, e8, e9, e10, e11, e12, e13, e14, e15, e16, e17, e18, e19, e20, e21,
        e22, e23, e24, e25, e26, e27, e28, e29, e30, e31, e32, e33, e34, e35, e36, e37, e38, e39, e40, e41,
        e42, e43,
    ) = raw
    if (
        (e1 | e2 | e14 | e16 | e20 | e28) >> 8
        or (e3 | e15) >> 14
        or (e4 | e18 | e39) >> 4
        or (e5) >> 12
        or (e6 | e29) >> 5
        or (e7 | e19 | e32 | e41) >> 2
        or ((e8 + 256) | (e11 + 256) | e21 | (e33 + 256) | (e36 + 256) | e40) >> 9
        or (e9 | e12 | e17 | e22 | e30 | e31 | e34 | e37) >> 6
        or (e10 | e13 | e35 | e38) >> 13
        or (e23 | e24 | e25 | e26) >> 3
        or (e27 | e43) >> 7
        or (e42) >> 1
    ):
        refuse(raw)
    pack_into(
        ">19H", buffer, 0,
        (e1 * 256) + e2,
        (e3 * 4) + (e4 >> 2),
        ((e4 & 3) * 16384) + (e5 * 4) + (e6 >> 3),
        ((e6 & 7) * 8192) + (e7 * 2048) + ((e8 & 511) * 4) + (e9 >> 4),
        ((e9 & 15) * 4096) + (e10 >> 1),
        ((e10 & 1) * 32768) + ((e11 & 511) * 64) + e12,
        (e13 * 8) + (e14 >> 5),
        ((e14 & 31) * 2048) + (e15 >> 3),
        ((e15 & 7) * 8192) + (e16 * 32) + (e17 >> 1),
        ((e17 & 1) * 32768) + (e18 * 2048) + (e19 * 512) + (e20 * 2) + (e21 >> 8),
        ((e21 & 255) * 256) + (e22 * 4) + (e23 >> 1),
        ((e23 & 1) * 32768) + (e24 * 4096) + (e25 * 512) + (e26 * 64) + (e27 >> 1),
        ((e27 & 1) * 32768) + (e28 * 128) + (e29 * 4) + (e30 >> 4),
        ((e30 & 15) * 4096) + (e31 * 64) + (e32 * 16) + ((e33 >> 5) & 15),
        ((e33 & 31) * 2048) + (e34 * 32) + (e35 >> 8),
        ((e35 & 255) * 256) + ((e36 >> 1) & 255),
        ((e36 & 1) * 32768) + (e37 * 512) + (e38 >> 4),
        ((e38 & 15) * 4096) + (e39 * 256) + (e40 >> 1),
        ((e40 & 1) * 32768) + (e41 * 8192) + (e42 * 4096) + (e43 * 32) + (buffer[37] & 31),
    )


def decode_into(buffer, raw):
    """Read elements 1..43 of a buffer of 100 bytes into a list of 43; every content decodes [D7]."""
    raw[0] = buffer[0]
    raw[1] = buffer[1]
    a = buffer[3]
    raw[2] = (buffer[2] << 6) | (a >> 2)
    b = buffer[4]
    raw[3] = ((a & 0x3) << 2) | (b >> 6)
    a = buffer[5]
    raw[4] = ((b & 0x3f) << 6) | (a >> 2)
    b = buffer[6]
    raw[5] = ((a & 0x3) << 3) | (b >> 5)
    raw[6] = (b >> 3) & 0x3
    a = buffer[7]
    raw[7] = ((((b & 0x7) << 6) | (a >> 2)) ^ 256) - 256
    b = buffer[8]
    raw[8] = ((a & 0x3) << 4) | (b >> 4)
    a = buffer[10]
    raw[9] = ((b & 0xf) << 9) | (buffer[9] << 1) | (a >> 7)
    b = buffer[11]
    raw[10] = ((((a & 0x7f) << 2) | (b >> 6)) ^ 256) - 256
    raw[11] = b & 0x3f
    a = buffer[13]
    raw[12] = (buffer[12] << 5) | (a >> 3)
    b = buffer[14]
    raw[13] = ((a & 0x7) << 5) | (b >> 3)
    a = buffer[16]
    raw[14] = ((b & 0x7) << 11) | (buffer[15] << 3) | (a >> 5)
    b = buffer[17]
    raw[15] = ((a & 0x1f) << 3) | (b >> 5)
    a = buffer[18]
    raw[16] = ((b & 0x1f) << 1) | (a >> 7)
    raw[17] = (a >> 3) & 0xf
    raw[18] = (a >> 1) & 0x3
    b = buffer[19]
    raw[19] = ((a & 0x1) << 7) | (b >> 1)
    raw[20] = ((b & 0x1) << 8) | buffer[20]
    a = buffer[21]
    raw[21] = a >> 2
    b = buffer[22]
    raw[22] = ((a & 0x3) << 1) | (b >> 7)
    raw[23] = (b >> 4) & 0x7
    raw[24] = (b >> 1) & 0x7
    a = buffer[23]
    raw[25] = ((b & 0x1) << 2) | (a >> 6)
    b = buffer[24]
    raw[26] = ((a & 0x3f) << 1) | (b >> 7)
    a = buffer[25]
    raw[27] = ((b & 0x7f) << 1) | (a >> 7)
    raw[28] = (a >> 2) & 0x1f
    b = buffer[26]
    raw[29] = ((a & 0x3) << 4) | (b >> 4)
    a = buffer[27]
    raw[30] = ((b & 0xf) << 2) | (a >> 6)
    raw[31] = (a >> 4) & 0x3
    b = buffer[28]
    raw[32] = ((((a & 0xf) << 5) | (b >> 3)) ^ 256) - 256
    a = buffer[29]
    raw[33] = ((b & 0x7) << 3) | (a >> 5)
    raw[34] = ((a & 0x1f) << 8) | buffer[30]
    b = buffer[32]
    raw[35] = (((buffer[31] << 1) | (b >> 7)) ^ 256) - 256
    raw[36] = (b >> 1) & 0x3f
    a = buffer[34]
    raw[37] = ((b & 0x1) << 12) | (buffer[33] << 4) | (a >> 4)
    raw[38] = a & 0xf
    b = buffer[36]
    raw[39] = (buffer[35] << 1) | (b >> 7)
    raw[40] = (b >> 5) & 0x3
    raw[41] = (b >> 4) & 0x1
    raw[42] = ((b & 0xf) << 3) | (buffer[37] >> 5)


def new_raw():
    """A raw message of zeros."""
    return [0] * 43


try:
    from micropython import const as _  # noqa: F401 - nothing else is tried where it is not MicroPython

    from .codec_viper import decode_into, encode_into, new_raw  # noqa: F401 - take the place of those above
except (ImportError, SyntaxError, ValueError):  # no viper, or an .mpy for another kind of processor
    pass
