"""Ethernet frames of the radio in OCB mode, as Linux gives them: to everyone, EtherType 0x88B5, then the payload."""

import zlib
from typing import Final

ETHERTYPE: Final = 0x88B5  # IEEE local experimental
BROADCAST: Final = b"\xff" * 6
HEADER_BYTES: Final = 14  # destination, source, EtherType
FCS_BYTES: Final = 4
_MAC_BYTES: Final = 6
_TYPE: Final = ETHERTYPE.to_bytes(2, "big")


def mac_bytes(mac: str) -> bytes:
    """The six bytes of a MAC address such as `02:00:00:aa:bb:cc`; ValueError if it is none."""
    out = bytes.fromhex(mac.replace(":", ""))
    if len(out) != _MAC_BYTES:
        raise ValueError(f"{mac!r} is no MAC address")
    return out


def mac_text(mac: bytes) -> str:
    """As units name a sender: `02:00:00:aa:bb:cc`."""
    return mac.hex(":")


def header(source_mac: str | bytes) -> bytes:
    """The 14 bytes before a payload from this address."""
    return BROADCAST + (mac_bytes(source_mac) if isinstance(source_mac, str) else source_mac) + _TYPE


def pack(source_mac: str | bytes, payload: bytes) -> bytes:
    """The frame of a payload, without the check sequence, which is the card's."""
    return header(source_mac) + payload


def has_fcs(frame: bytes) -> bool:
    """Whether the last four bytes are the check sequence of the others: some drivers hand it up (ethtool rx-fcs)."""
    return len(frame) > FCS_BYTES and zlib.crc32(frame[:-FCS_BYTES]).to_bytes(4, "little") == frame[-FCS_BYTES:]
