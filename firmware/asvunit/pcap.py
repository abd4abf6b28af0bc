"""The container formats pcap and pcapng: packets with their time, link type and direction.

Our own small reader: the permissively licensed libraries drop the direction of a packet and the time
resolution of each interface. A file may be cut or damaged anywhere: what came before stands.
"""

import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

_PCAP: Final = {  # magic -> byte order, nanoseconds of the time's fraction
    b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\xc3\xd4": (">", 1000),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
    b"\xa1\xb2\x3c\x4d": (">", 1),
}
_SECTION: Final = b"\x0a\x0d\x0d\x0a"
_ORDERS: Final = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
_INTERFACE, _OLD_PACKET, _SIMPLE_PACKET, _PACKET = 1, 2, 3, 6
_MAX_BLOCK: Final = 1 << 24  # a length beyond it is damage, not a packet
_OUTBOUND: Final = 2
_DAMAGED: Final = 1 << 24  # of a packet's flags: its frame check sequence was wrong


@dataclass(slots=True)
class Interface:
    link: int
    snap: int = 0
    fcs: int = 0  # bytes of a frame check sequence behind each frame
    power: bool = False  # resolution is a negative power of 2, else of 10
    exponent: int = 6
    offset_s: int = 0

    def time_ns(self, ticks: int) -> int:
        """Unix time of a timestamp of this interface."""
        if self.exponent == 9 and not self.power:  # commonest, and dear otherwise
            return self.offset_s * 1_000_000_000 + ticks
        second = (2 if self.power else 10) ** self.exponent
        return self.offset_s * 1_000_000_000 + ticks * 1_000_000_000 // int(second)


@dataclass(slots=True)
class Packet:
    interface: Interface
    time_ns: int
    data: bytes
    whole: bool
    outbound: bool = False
    fcs: int = 0  # bytes of a frame check sequence at its end


class Dropped(Exception):
    """A packet that is no received payload; the text is the counter's name."""


def is_capture(head: bytes) -> bool:
    """Whether a file with these first 12 bytes is one of the two."""
    ordered = any(order.startswith(head[8:]) for order in _ORDERS)
    return head[:4] in _PCAP or (head[:4] == _SECTION and ordered)


def packets(file: BinaryIO, counters: Counter[str]) -> Iterator[Packet]:
    """The packets of a capture in file order; what is damaged is counted."""
    return _pcapng(file, counters) if file.read(4) == _SECTION else _pcap(file, counters)


def _pcap(file: BinaryIO, counters: Counter[str]) -> Iterator[Packet]:
    file.seek(0)
    order, unit = _PCAP[file.read(4)]
    head = file.read(20)
    if len(head) < 20:
        counters["truncated_file"] += 1
        return
    link = struct.unpack(order + "HHiIII", head)[5]
    interface = Interface(link & 0xFFFF, fcs=(link >> 28) * 2 if link & 0x0400_0000 else 0)
    while record := file.read(16):
        if len(record) < 16:
            counters["truncated_file"] += 1
            return
        second, fraction, captured, original = struct.unpack(order + "IIII", record)
        data = file.read(captured) if captured <= _MAX_BLOCK else b""
        if len(data) < captured:
            counters["truncated_file"] += 1
            return
        time_ns = second * 1_000_000_000 + fraction * unit
        yield Packet(interface, time_ns, data, captured >= original, fcs=interface.fcs)


def _pcapng(file: BinaryIO, counters: Counter[str]) -> Iterator[Packet]:
    file.seek(0)
    order, interfaces, last_ns = "<", list[Interface](), -1
    while head := file.read(8):
        extra = b""
        if head[:4] == _SECTION:
            extra = file.read(4)
            order = _ORDERS.get(extra, order)
            interfaces = []
        block = _block(file, head, extra, order)
        if block is None:
            counters["truncated_file"] += 1
            return
        kind, body = block
        try:
            if kind == _INTERFACE:
                interfaces.append(_interface(body, order))
            elif kind in (_PACKET, _OLD_PACKET, _SIMPLE_PACKET):
                packet = _packet(kind, body, order, interfaces, last_ns)
                last_ns = packet.time_ns
                yield packet
        except Dropped as reason:
            counters[str(reason)] += 1
        except (struct.error, IndexError):  # an interface nobody described, a length beyond its block
            counters["bad_block"] += 1


def _block(file: BinaryIO, head: bytes, extra: bytes, order: str) -> tuple[int, bytes] | None:
    """A pcapng block's type and body; None: cut or damaged."""
    if len(head) < 8:
        return None
    kind, length = struct.unpack(order + "II", head)
    if length % 4 or not 12 + len(extra) <= length <= _MAX_BLOCK:
        return None
    rest = file.read(length - 8 - len(extra))
    return (kind, extra + rest[:-4]) if len(rest) == length - 8 - len(extra) else None


def _options(body: bytes, at: int, order: str) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    while at + 4 <= len(body):
        code, length = struct.unpack_from(order + "HH", body, at)
        if code == 0:
            break
        found.setdefault(code, body[at + 4 : at + 4 + length])
        at += 4 + length + -length % 4
    return found


def _flags(body: bytes, at: int, order: str) -> int:
    """A packet's flags; 0: not told."""
    value = _options(body, at, order).get(2, b"")
    return int.from_bytes(value, "little" if order == "<" else "big") if len(value) == 4 else 0


def _interface(body: bytes, order: str) -> Interface:
    link, _, snap = struct.unpack_from(order + "HHI", body)
    interface = Interface(link, snap)
    options = _options(body, 8, order)
    if options.get(9):
        interface.power, interface.exponent = options[9][0] > 127, options[9][0] & 127
    if options.get(13):
        fcs = options[13][0]
        interface.fcs = fcs // 8 if fcs > 8 else fcs  # some writers took it for bits
    if len(options.get(14, b"")) == 8:
        (interface.offset_s,) = struct.unpack(order + "q", options[14])
    return interface


def _packet(kind: int, body: bytes, order: str, interfaces: list[Interface], last_ns: int) -> Packet:
    if kind == _SIMPLE_PACKET:  # has no time of its own
        interface, (original,) = interfaces[0], struct.unpack_from(order + "I", body)
        if last_ns < 0:
            raise Dropped("no_time")
        captured = min(original, interface.snap or original)
        if captured > len(body) - 4:
            raise Dropped("bad_block")
        return Packet(interface, last_ns, body[4 : 4 + captured], captured >= original, fcs=interface.fcs)
    layout = "IIIII" if kind == _PACKET else "HxxIIII"
    index, high, low, captured, original = struct.unpack_from(order + layout, body)
    if captured > len(body) - 20:
        raise Dropped("bad_block")
    interface, at = interfaces[index], 20 + captured + -captured % 4
    flags = _flags(body, at, order) if at < len(body) else 0
    if flags & _DAMAGED:
        raise Dropped("bad_fcs")
    return Packet(
        interface,
        interface.time_ns(high << 32 | low),
        body[20 : 20 + captured],
        captured >= original,
        flags & 3 == _OUTBOUND,
        flags >> 5 & 15 or interface.fcs,
    )
