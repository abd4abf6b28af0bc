"""Link types of captures: from a packet to what its link carries, who sent it on the link, and which way it went."""

import struct
from dataclasses import dataclass
from typing import Final

from asvunit.pcap import Dropped, Packet
from asvunit.radio.dot11 import Dot11, read_dot11, read_ppi, read_radiotap
from asvunit.radio.ethernet import ETHERTYPE, FCS_BYTES, has_fcs

IPV4, IPV6 = 0x0800, 0x86DD
LOOPBACK, ETHERNET, DOT11, BSD_LOOPBACK, SLL, RADIOTAP, PPI, SLL2 = 0, 1, 105, 108, 113, 127, 192, 276
RAW_IP: Final = (12, 14, 101, 228, 229)
READ: Final = frozenset([LOOPBACK, ETHERNET, DOT11, BSD_LOOPBACK, SLL, RADIOTAP, PPI, SLL2, *RAW_IP])
_VLAN: Final = (0x8100, 0x88A8, 0x9100)
_SLL_OUTGOING: Final = 4
_SLL_NETLINK: Final = 824  # hardware types of cooked captures whose protocol is no EtherType: netlink, GRE, ...
_FAMILIES: Final = {2: IPV4, 24: IPV6, 28: IPV6, 30: IPV6, 10: IPV6}  # AF_INET, AF_INET6 of the BSDs, macOS, Linux


@dataclass(slots=True)  # not frozen: that quadruples the cost
class Carried:
    """What a link carries: EtherType, sender's link address (empty: none), the bytes behind the link's header."""

    ethertype: int
    mac: str
    data: bytes
    outbound: bool
    power_dbm: int | None = None


def carried(packet: Packet) -> Carried:
    """Takes the link's header off; Dropped with the reason, struct.error or IndexError where it is cut short."""
    link = packet.interface.link
    if link in _DOT11:
        return _dot11(packet)
    data = packet.data
    if packet.whole and packet.fcs:
        data = data[: -packet.fcs]
    mac, sent = "", packet.outbound
    if link == ETHERNET:
        mac, kind, at = data[6:12].hex(":"), *struct.unpack_from(">H", data, 12), 14
    elif link in (SLL, SLL2):
        layout, at = (">HHH8sH", 16) if link == SLL else (">H6xHBB8s", 20)
        fields = struct.unpack_from(layout, data)
        direction, hardware, length, address, kind = fields if link == SLL else _sll2(fields)
        if hardware == _SLL_NETLINK:
            raise Dropped("other_traffic")
        mac, sent = address[: min(length, 8)].hex(":"), sent or direction == _SLL_OUTGOING
    elif link in (LOOPBACK, BSD_LOOPBACK):
        kind, at = _family(data, link), 4
    elif link in RAW_IP:
        kind, at = (IPV6 if data[0] >> 4 == 6 else IPV4), 0
    else:
        raise Dropped("unknown_link")
    while kind in _VLAN:
        (kind,) = struct.unpack_from(">H", data, at + 2)
        at += 4
    if kind == ETHERTYPE and packet.whole and not packet.fcs and has_fcs(data):
        data = data[:-FCS_BYTES]  # some cards hand it on, and no capture tells
    return Carried(kind, mac, data[at:], sent)


def _sll2(fields: tuple[int, int, int, int, bytes]) -> tuple[int, int, int, bytes, int]:
    kind, hardware, direction, length, address = fields
    return direction, hardware, length, address, kind


def _family(data: bytes, link: int) -> int:
    """EtherType of an address family; of link type 0 it stands in the order of the machine that captured."""
    family = int.from_bytes(data[:4], "big")
    if link == LOOPBACK and family > 0xFFFF:
        family = int.from_bytes(data[:4], "little")
    return _FAMILIES.get(family, 0)


_DOT11: Final = {RADIOTAP: read_radiotap, PPI: read_ppi, DOT11: None}


def _dot11(packet: Packet) -> Carried:
    read = _DOT11[packet.interface.link]
    frame: Dot11
    if read:
        frame = read(packet.data)
    else:
        told = packet.fcs == FCS_BYTES
        frame = read_dot11(packet.data, packet.whole and (told or has_fcs(packet.data)))
    return Carried(frame.ethertype, frame.source, frame.payload, packet.outbound or frame.outbound, frame.power_dbm)
