"""802.11 data frames of monitor interfaces and captures: bare (link type 105), behind radiotap (127) or PPI (192).

The senders are 802.11p radios in OCB mode: QoS data frames without to-DS and from-DS. The other forms of a
data frame are read too. Multi-byte fields of 802.11, radiotap and PPI are little endian.
"""

import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from asvunit.pcap import Dropped
from asvunit.radio.ethernet import FCS_BYTES

_DATA: Final = 2  # type of frame control
_NULL, _QOS = 0x40, 0x80  # bits of the subtype, where they stand in frame control's first byte
_TO_DS, _FROM_DS, _MORE_FRAGMENTS, _PROTECTED, _HT_CONTROL = 1, 2, 4, 64, 128  # of its second byte
_ADDRESSES: Final = {0: (4, 10), _FROM_DS: (4, 16), _TO_DS: (16, 10), _TO_DS | _FROM_DS: (16, 24)}  # to, from
_AGGREGATE: Final = 0x80  # of QoS control: several packets (A-MSDU)
_SNAP: Final = (b"\xaa\xaa\x03\x00\x00\x00", b"\xaa\xaa\x03\x00\x00\xf8")  # RFC 1042, and through a bridge

# Radiotap: alignment and size of each field, by its bit of a present word
_FIELDS: Final = (
    (8, 8), (1, 1), (1, 1), (2, 4), (2, 2), (1, 1), (1, 1), (2, 2), (2, 2), (2, 2), (1, 1), (1, 1), (1, 1), (1, 1),
    (2, 2), (2, 2), (1, 1), (1, 1), (4, 8), (1, 3), (4, 8), (2, 12), (8, 12), (2, 12), (2, 12), (2, 6), (1, 1), (2, 4),
)  # fmt: skip
_FLAGS, _POWER, _RX_FLAGS, _TX_FLAGS = 1, 5, 14, 15
_TLVS, _RADIOTAP_NEXT, _MORE_WORDS = 1 << 28, 1 << 29, 1 << 31
_FLAG_FCS, _FLAG_PADDED, _FLAG_BAD_FCS, _RX_BAD_PLCP = 0x10, 0x20, 0x40, 0x02
_NO_POWER: Final = (0, -128)  # drivers' words for "not measured"

_PPI_COMMON: Final = 2  # PPI's field of what every 802.11 receiver knows
_PPI_POWER_AT, _PPI_FLAGS_AT = 18, 8
_PPI_FCS, _PPI_BAD_FCS, _PPI_BAD_PHY = 1, 4, 8
_LINK_DOT11: Final = 105


@dataclass(slots=True)  # not frozen: that quadruples the cost
class Dot11:
    """What one data frame carries. Addresses are MAC addresses as `02:00:00:aa:bb:cc`."""

    ethertype: int
    source: str
    destination: str
    payload: bytes
    power_dbm: int | None  # received power; None: not told
    outbound: bool = False  # the monitor's machine sent it


def read_radiotap(data: bytes) -> Dot11:
    """A frame behind a radiotap header; Dropped with the reason if it carries no payload or came damaged."""
    try:
        version, length, first = struct.unpack_from("<BxHI", data)
        if version or not 8 <= length <= len(data):
            raise Dropped("malformed_packet")
        words = bytes(data[4:8]) if first < _MORE_WORDS else _words(data, length)
        flags_at, power_at, rx_flags_at, sent = _layout(words)
        header = data[:length]
        flags = header[flags_at] if flags_at else 0
        if flags & _FLAG_BAD_FCS or (rx_flags_at and header[rx_flags_at] & _RX_BAD_PLCP):
            raise Dropped("bad_fcs")
        power_dbm = _power(header[power_at]) if power_at else None
    except (struct.error, IndexError):
        raise Dropped("malformed_packet") from None
    return _read(data, length, bool(flags & _FLAG_FCS), bool(flags & _FLAG_PADDED), power_dbm, sent)


def read_ppi(data: bytes) -> Dot11:
    """An 802.11 frame behind a PPI header; Dropped with the reason, `unknown_link` if it is of another kind."""
    try:
        version, length, link = struct.unpack_from("<BxHI", data)
        if version or not 8 <= length <= len(data):
            raise Dropped("malformed_packet")
        if link != _LINK_DOT11:
            raise Dropped("unknown_link")
        at, flags, power_dbm = 8, 0, None
        while at + 4 <= length:
            kind, size = struct.unpack_from("<HH", data, at)
            if kind == _PPI_COMMON and size >= 20 and at + 4 + size <= length:
                (flags,) = struct.unpack_from("<H", data, at + 4 + _PPI_FLAGS_AT)
                power_dbm = _power(data[at + 4 + _PPI_POWER_AT])
            at += 4 + size
    except (struct.error, IndexError):
        raise Dropped("malformed_packet") from None
    if flags & (_PPI_BAD_FCS | _PPI_BAD_PHY):
        raise Dropped("bad_fcs")
    return _read(data, length, bool(flags & _PPI_FCS), False, power_dbm, False)


def read_dot11(data: bytes, fcs: bool) -> Dot11:
    """A bare 802.11 frame; `fcs`: its last four bytes are the frame check sequence. Dropped with the reason."""
    return _read(data, 0, fcs, False, None, False)


def _read(data: bytes, start: int, fcs: bool, padded: bool, power_dbm: int | None, outbound: bool) -> Dot11:
    """The frame that begins at `start`."""
    end = len(data) - FCS_BYTES if fcs else len(data)
    try:
        kind, flags = data[start], data[start + 1]
        if kind & 3:  # a version that is not ours
            raise Dropped("malformed_packet")
        if kind >> 2 & 3 != _DATA or kind & _NULL:
            raise Dropped("other_traffic")
        if flags & _PROTECTED:
            raise Dropped("encrypted")
        if flags & _MORE_FRAGMENTS or data[start + 22] & 15:
            raise Dropped("fragment")
        ways = flags & (_TO_DS | _FROM_DS)
        at = start + (30 if ways == _TO_DS | _FROM_DS else 24)
        if kind & _QOS:
            if data[at] & _AGGREGATE:
                raise Dropped("aggregate")
            at += 6 if flags & _HT_CONTROL else 2
        if padded:
            at += (start - at) % 4
        if data[at : at + 6] in _SNAP:
            at += 6
        ethertype = data[at] << 8 | data[at + 1]  # without SNAP: EtherType protocol discrimination
    except IndexError:
        raise Dropped("malformed_packet") from None
    if at + 2 > end:
        raise Dropped("malformed_packet")
    to, by = _ADDRESSES[ways]
    source, destination = data[start + by : start + by + 6].hex(":"), data[start + to : start + to + 6].hex(":")
    return Dot11(ethertype, source, destination, bytes(data[at + 2 : end]), power_dbm, outbound)


def _words(data: bytes, length: int) -> bytes:
    """All present words of a radiotap header."""
    end = 8
    while data[end - 1] & 0x80:
        end += 4
        if end > length:
            raise Dropped("malformed_packet")
    return bytes(data[4:end])


@lru_cache(maxsize=256)
def _layout(words: bytes) -> tuple[int, int, int, bool]:
    """Where flags, power and receive flags stand, 0: nowhere; and whether the frame was sent here.

    Of several antennas' fields the first is of the whole receiver. A vendor's fields, of unknown size, end it.
    """
    found: dict[int, int] = {}
    at = 4 + len(words)
    for (word,) in struct.iter_unpack("<I", words):
        for bit, (alignment, size) in enumerate(_FIELDS):
            if word >> bit & 1:
                at += -at % alignment
                found.setdefault(bit, at)
                at += size
        if not word & _RADIOTAP_NEXT or word & _TLVS:  # a vendor's, or fields of which nothing is known
            break
    return found.get(_FLAGS, 0), found.get(_POWER, 0), found.get(_RX_FLAGS, 0), _TX_FLAGS in found


def _power(byte: int) -> int | None:
    dbm = byte - 256 if byte > 127 else byte
    return None if dbm in _NO_POWER else dbm
