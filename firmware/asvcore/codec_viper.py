"""The codec as machine code; `codec` takes it by itself where a port has the emitter, or this as .mpy.

Generated from `elements.ELEMENTS` by `python -m asvtools.codec_source viper`; do not edit.

Fast are raw messages that `new_raw` has made; any other list is left to the portable codec. What does not fit its
width is refused with the same words.
"""
# ruff: noqa: F821 - ptr8, ptr32 are viper's

from array import array

import micropython

from .codec import decode_into as _list_decode
from .codec import encode_into as _list_encode
from .codec import refuse as _refuse

_made = []
_last_encoded = _last_decoded = None


def new_raw():
    """A raw message of zeros, as an array that pointers may read and write."""
    raw = array("i", [0] * 43)
    _made.append(raw)
    return raw


def _is_made(raw):
    for at in range(len(_made)):
        if _made[at] is raw:
            return True
    return False


def _may_encode(raw):
    global _last_encoded
    if not _is_made(raw):
        return False
    _last_encoded = raw
    return True


def _may_decode(raw):
    global _last_decoded
    if not _is_made(raw):
        return False
    _last_decoded = raw
    return True


@micropython.viper
def encode_into(raw, buffer):
    if raw is not _last_encoded:
        if not _may_encode(raw):
            _list_encode(raw, buffer)
            return
    buffer[37] = buffer[37]  # raises for what is too short or must not be written
    r = ptr32(raw)
    b = ptr8(buffer)
    e1 = r[0]
    e2 = r[1]
    e3 = r[2]
    e4 = r[3]
    e5 = r[4]
    e6 = r[5]
    e7 = r[6]
    e8 = r[7]
    e9 = r[8]
    e10 = r[9]
    e11 = r[10]
    e12 = r[11]
    e13 = r[12]
    e14 = r[13]
    e15 = r[14]
    e16 = r[15]
    e17 = r[16]
    e18 = r[17]
    e19 = r[18]
    e20 = r[19]
    e21 = r[20]
    e22 = r[21]
    e23 = r[22]
    e24 = r[23]
    e25 = r[24]
    e26 = r[25]
    e27 = r[26]
    e28 = r[27]
    e29 = r[28]
    e30 = r[29]
    e31 = r[30]
    e32 = r[31]
    e33 = r[32]
    e34 = r[33]
    e35 = r[34]
    e36 = r[35]
    e37 = r[36]
    e38 = r[37]
    e39 = r[38]
    e40 = r[39]
    e41 = r[40]
    e42 = r[41]
    e43 = r[42]
    if (
        (e1 | e2 | e14 | e16 | e20 | e28) >> 8
        or (e3 | e15) >> 14
        or (e4 | e18 | e39) >> 4
        or (e5) >> 12
        or (e6 | e29) >> 5
        or (e7 | e19 | e32 | e41) >> 2
        or (((e8 + 256) | (e11 + 256) | e21 | (e33 + 256) | (e36 + 256) | e40) >> 9) & 0x7fffff
        or (e9 | e12 | e17 | e22 | e30 | e31 | e34 | e37) >> 6
        or (e10 | e13 | e35 | e38) >> 13
        or (e23 | e24 | e25 | e26) >> 3
        or (e27 | e43) >> 7
        or (e42) >> 1
    ):
        _refuse(raw)
        return
    b[0] = e1
    b[1] = e2
    b[2] = (e3 >> 6)
    b[3] = (e3 << 2) | (e4 >> 2)
    b[4] = (e4 << 6) | (e5 >> 6)
    b[5] = (e5 << 2) | (e6 >> 3)
    b[6] = (e6 << 5) | (e7 << 3) | ((e8 >> 6) & 0x7)
    b[7] = (e8 << 2) | (e9 >> 4)
    b[8] = (e9 << 4) | (e10 >> 9)
    b[9] = (e10 >> 1)
    b[10] = (e10 << 7) | ((e11 >> 2) & 0x7f)
    b[11] = (e11 << 6) | e12
    b[12] = (e13 >> 5)
    b[13] = (e13 << 3) | (e14 >> 5)
    b[14] = (e14 << 3) | (e15 >> 11)
    b[15] = (e15 >> 3)
    b[16] = (e15 << 5) | (e16 >> 3)
    b[17] = (e16 << 5) | (e17 >> 1)
    b[18] = (e17 << 7) | (e18 << 3) | (e19 << 1) | (e20 >> 7)
    b[19] = (e20 << 1) | (e21 >> 8)
    b[20] = e21
    b[21] = (e22 << 2) | (e23 >> 1)
    b[22] = (e23 << 7) | (e24 << 4) | (e25 << 1) | (e26 >> 2)
    b[23] = (e26 << 6) | (e27 >> 1)
    b[24] = (e27 << 7) | (e28 >> 1)
    b[25] = (e28 << 7) | (e29 << 2) | (e30 >> 4)
    b[26] = (e30 << 4) | (e31 >> 2)
    b[27] = (e31 << 6) | (e32 << 4) | ((e33 >> 5) & 0xf)
    b[28] = (e33 << 3) | (e34 >> 3)
    b[29] = (e34 << 5) | (e35 >> 8)
    b[30] = e35
    b[31] = (e36 >> 1)
    b[32] = (e36 << 7) | (e37 << 1) | (e38 >> 12)
    b[33] = (e38 >> 4)
    b[34] = (e38 << 4) | e39
    b[35] = (e40 >> 1)
    b[36] = (e40 << 7) | (e41 << 5) | (e42 << 4) | (e43 >> 3)
    b[37] = (e43 << 5) | (b[37] & 0x1f)


@micropython.viper
def decode_into(buffer, raw):
    if raw is not _last_decoded:
        if not _may_decode(raw):
            _list_decode(buffer, raw)
            return
    buffer[37]  # raises for what is too short
    b = ptr8(buffer)
    r = ptr32(raw)
    r[0] = b[0]
    r[1] = b[1]
    r[2] = (b[2] << 6) | (b[3] >> 2)
    r[3] = ((b[3] & 0x3) << 2) | (b[4] >> 6)
    r[4] = ((b[4] & 0x3f) << 6) | (b[5] >> 2)
    r[5] = ((b[5] & 0x3) << 3) | (b[6] >> 5)
    r[6] = ((b[6] >> 3) & 0x3)
    r[7] = ((((b[6] & 0x7) << 6) | (b[7] >> 2)) ^ 256) - 256
    r[8] = ((b[7] & 0x3) << 4) | (b[8] >> 4)
    r[9] = ((b[8] & 0xf) << 9) | (b[9] << 1) | (b[10] >> 7)
    r[10] = ((((b[10] & 0x7f) << 2) | (b[11] >> 6)) ^ 256) - 256
    r[11] = (b[11] & 0x3f)
    r[12] = (b[12] << 5) | (b[13] >> 3)
    r[13] = ((b[13] & 0x7) << 5) | (b[14] >> 3)
    r[14] = ((b[14] & 0x7) << 11) | (b[15] << 3) | (b[16] >> 5)
    r[15] = ((b[16] & 0x1f) << 3) | (b[17] >> 5)
    r[16] = ((b[17] & 0x1f) << 1) | (b[18] >> 7)
    r[17] = ((b[18] >> 3) & 0xf)
    r[18] = ((b[18] >> 1) & 0x3)
    r[19] = ((b[18] & 0x1) << 7) | (b[19] >> 1)
    r[20] = ((b[19] & 0x1) << 8) | b[20]
    r[21] = (b[21] >> 2)
    r[22] = ((b[21] & 0x3) << 1) | (b[22] >> 7)
    r[23] = ((b[22] >> 4) & 0x7)
    r[24] = ((b[22] >> 1) & 0x7)
    r[25] = ((b[22] & 0x1) << 2) | (b[23] >> 6)
    r[26] = ((b[23] & 0x3f) << 1) | (b[24] >> 7)
    r[27] = ((b[24] & 0x7f) << 1) | (b[25] >> 7)
    r[28] = ((b[25] >> 2) & 0x1f)
    r[29] = ((b[25] & 0x3) << 4) | (b[26] >> 4)
    r[30] = ((b[26] & 0xf) << 2) | (b[27] >> 6)
    r[31] = ((b[27] >> 4) & 0x3)
    r[32] = ((((b[27] & 0xf) << 5) | (b[28] >> 3)) ^ 256) - 256
    r[33] = ((b[28] & 0x7) << 3) | (b[29] >> 5)
    r[34] = ((b[29] & 0x1f) << 8) | b[30]
    r[35] = (((b[31] << 1) | (b[32] >> 7)) ^ 256) - 256
    r[36] = ((b[32] >> 1) & 0x3f)
    r[37] = ((b[32] & 0x1) << 12) | (b[33] << 4) | (b[34] >> 4)
    r[38] = (b[34] & 0xf)
    r[39] = (b[35] << 1) | (b[36] >> 7)
    r[40] = ((b[36] >> 5) & 0x3)
    r[41] = ((b[36] >> 4) & 0x1)
    r[42] = ((b[36] & 0xf) << 3) | (b[37] >> 5)
