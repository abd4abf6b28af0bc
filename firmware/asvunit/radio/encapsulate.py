"""Payloads as packets for captures: what would have been seen on the link, made from the payload and its sender.

A sender with a MAC address: the Ethernet OCB form; with a received power too: 802.11 behind radiotap, which can say
it. A sender with address and port: IP and UDP, with checksums. `asvunit.adapters.capture` reads all of them back.
"""

import ipaddress
import struct
from contextlib import suppress
from functools import lru_cache
from typing import Final

from asvunit.radio import ethernet
from asvunit.radio.link_layers import ETHERNET, RADIOTAP

RAW: Final = 101  # link type of IP without a link's header
BROADCAST: Final = "255.255.255.255"
_ALL_NODES: Final = ipaddress.IPv6Address("ff02::1")
_SNAP: Final = b"\xaa\xaa\x03\x00\x00\x00"
_UDP: Final = 17
_UDP_HEADER: Final = 8
LONGEST: Final = 65535 - 40 - _UDP_HEADER
_SENDERS: Final = 4096  # of which the headers are remembered


def encapsulate(
    source: str, payload: bytes, *, address: str = BROADCAST, port: int = 47100, power_dbm: int | None = None
) -> tuple[bytes, int]:
    """The packet and its link type; ValueError for a source that is none, or a payload that no packet holds.

    `address` and `port`: where a UDP sender sent it to; an address of the other family stands for all nodes.
    """
    if len(payload) > LONGEST:
        raise ValueError(f"a payload has at most {LONGEST} bytes, not {len(payload)}")
    if source.startswith("[") or source.count(":") == 1:
        header, partial = _ip_header(source, address, port, len(payload))
        total = partial + int.from_bytes(payload + bytes(len(payload) % 2), "big")
        checksum = 65535 - total % 65535  # the sum of 16-bit words in ones' complement; never 0, as UDP wants
        return header + checksum.to_bytes(2, "big") + payload, RAW
    if power_dbm is None:
        return _ethernet_header(source) + payload, ETHERNET
    radiotap = struct.pack("<BxHIb", 0, 9, 1 << 5, max(-128, min(127, power_dbm)))
    return radiotap + _dot11_header(source) + payload, RADIOTAP


@lru_cache(maxsize=_SENDERS)
def _ethernet_header(source: str) -> bytes:
    return ethernet.header(source)


@lru_cache(maxsize=_SENDERS)
def _dot11_header(source: str) -> bytes:
    """QoS data outside the context of a BSS, to everybody."""
    addresses = ethernet.BROADCAST + ethernet.mac_bytes(source) + ethernet.BROADCAST
    return b"\x88\x00\x00\x00" + addresses + bytes(4) + _SNAP + ethernet.ETHERTYPE.to_bytes(2, "big")


@lru_cache(maxsize=_SENDERS)
def _ip_header(source: str, address: str, port: int, length: int) -> tuple[bytes, int]:
    """IP and UDP header without the UDP checksum, and the sum of what that covers, without the payload."""
    host, _, source_port = source.rpartition(":")
    sender = ipaddress.ip_address(host.strip("[]").partition("%")[0])
    to = _destination(sender, address)
    size = _UDP_HEADER + length
    if not 0 <= int(source_port) <= 65535:
        raise ValueError(f"{source!r} has no possible port")
    udp = struct.pack(">HHH", int(source_port), port, size)
    if sender.version == 6:
        ip = struct.pack(">IHBB", 6 << 28, size, _UDP, 1) + sender.packed + to.packed
    else:
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + size, 0, 0x4000, 1, _UDP, 0) + sender.packed + to.packed
        total = (65535 - int.from_bytes(ip, "big") % 65535) % 65535
        ip = ip[:10] + total.to_bytes(2, "big") + ip[12:]
    pseudo = sender.packed + to.packed + struct.pack(">HH", _UDP, size)
    return ip + udp, sum(int.from_bytes(part, "big") % 65535 for part in (pseudo, udp))


def _destination(
    sender: ipaddress.IPv4Address | ipaddress.IPv6Address, address: str
) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    with suppress(ValueError):
        to = ipaddress.ip_address(address.strip("[]").partition("%")[0])
        if to.version == sender.version:
            return to
    return _ALL_NODES if sender.version == 6 else ipaddress.IPv4Address(BROADCAST)
