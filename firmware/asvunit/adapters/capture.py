"""Captures of the radio: pcap and pcapng in, payloads with their senders out; and a writer for what a unit sent.

Taken are the OCB form (EtherType 0x88B5) and the UDP form, over Ethernet, raw IP and Linux cooked links;
`asvunit.pcap` reads the containers. A capture without direction marks shows a unit's own packets as received ones.
"""

import ipaddress
import struct
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

from asvunit.errors import AsvkitError, UsageError
from asvunit.pcap import Dropped, Packet, is_capture, packets
from asvunit.ports import RadioFrame

PORT: Final = 47100
ETHERTYPE: Final = 0x88B5
_SNAP: Final = 65535

ETHERNET, SLL, SLL2 = 1, 113, 276
RAW_IP: Final = (12, 14, 101, 228, 229)
_IPV4, _IPV6 = 0x0800, 0x86DD
_VLAN: Final = (0x8100, 0x88A8, 0x9100)
_UDP: Final = 17
_SKIPPED_HEADERS: Final = (0, 43, 60)  # IPv6: hop by hop, routing, destination options
_FRAGMENT: Final = 44
_SLL_OUTGOING: Final = 4
_MAX_TIME_NS: Final = 1_000_000_000 << 32  # what pcap can say


class Capture:
    """A recorded capture. Each iteration reads the file anew and counts anew."""

    def __init__(self, path: str | Path, port: int = PORT) -> None:
        self.path = Path(path)
        self.port = port
        self.counters: Counter[str] = Counter()
        try:
            with self.path.open("rb") as file:
                magic = file.read(12)
        except OSError as error:
            raise UsageError(f"{path}: cannot be read: {error.strerror}; give the path of a capture") from error
        if not magic:
            raise UsageError(f"{path}: the file is empty; give a pcap or pcapng capture")
        if not is_capture(magic):
            mend = "gunzip it first" if magic[:2] == b"\x1f\x8b" else "give a capture of tcpdump, Wireshark or asvkit"
            raise UsageError(f"{path}: neither pcap nor pcapng; {mend}")

    def __iter__(self) -> Iterator[RadioFrame]:
        self.counters.clear()
        links: set[int] = set()
        with self.path.open("rb") as file:
            for packet in packets(file, self.counters):
                links.add(packet.interface.link)
                try:
                    source, payload = self._payload(packet)
                except Dropped as reason:
                    self.counters[str(reason)] += 1
                except (struct.error, IndexError):  # shorter than its own headers say
                    self.counters["malformed_packet"] += 1
                else:
                    yield RadioFrame(packet.time_ns, source, payload)
        if links and not any(map(_known, links)):
            kinds = ", ".join(map(str, sorted(links)))
            raise UsageError(f"{self.path}: link type {kinds} is not read; capture on Ethernet, OCB or raw IP")

    def _payload(self, packet: Packet) -> tuple[str, bytes]:
        kind, mac, data = _network(packet)
        if kind not in (ETHERTYPE, _IPV4, _IPV6):
            raise Dropped("other_traffic")
        if not packet.whole:
            raise Dropped("truncated_packet")
        if not 0 <= packet.time_ns < _MAX_TIME_NS:
            raise Dropped("bad_time")
        if kind == ETHERTYPE:
            return mac.hex(":"), data
        host, datagram = _ipv6(data) if kind == _IPV6 else _ipv4(data)
        source_port, port, length = struct.unpack_from(">HHH", datagram)
        if port != self.port:
            raise Dropped("other_traffic")
        length = length or len(datagram)  # 0: the sender's card was to fill it in
        if not 8 <= length <= len(datagram):
            raise Dropped("malformed_packet")
        return f"{host}:{source_port}", datagram[8:length]


def _network(packet: Packet) -> tuple[int, bytes, bytes]:
    """EtherType, link address of the sender, and what the link carries."""
    data, link, sent, mac = packet.data, packet.interface.link, packet.outbound, b""
    if packet.whole and packet.interface.fcs:
        data = data[: -packet.interface.fcs]
    if link == ETHERNET:
        mac, kind, at = data[6:12], *struct.unpack_from(">H", data, 12), 14
    elif link == SLL:
        direction, _, length, mac, kind = struct.unpack_from(">HHH8sH", data)
        sent, mac, at = sent or direction == _SLL_OUTGOING, mac[: min(length, 8)], 16
    elif link == SLL2:
        kind, direction, length, mac = struct.unpack_from(">H8xBB8s", data)
        sent, mac, at = sent or direction == _SLL_OUTGOING, mac[: min(length, 8)], 20
    elif link in RAW_IP:
        kind, at = (_IPV6 if data[0] >> 4 == 6 else _IPV4), 0
    else:
        raise Dropped("unknown_link")
    if sent:
        raise Dropped("outbound")
    while kind in _VLAN:
        (kind,) = struct.unpack_from(">H", data, at + 2)
        at += 4
    return kind, mac, data[at:]


def _known(link: int) -> bool:
    return link in (ETHERNET, SLL, SLL2, *RAW_IP)


def _ipv4(data: bytes) -> tuple[str, bytes]:
    header = (data[0] & 15) * 4
    total, _, fragment = struct.unpack_from(">HHH", data, 2)
    total = total or len(data)
    if data[0] >> 4 != 4 or header < 20 or not header <= total <= len(data):
        raise Dropped("malformed_packet")
    if data[9] != _UDP:
        raise Dropped("other_traffic")
    if fragment & 0x3FFF:
        raise Dropped("fragment")
    return str(ipaddress.IPv4Address(data[12:16])), data[header:total]


def _ipv6(data: bytes) -> tuple[str, bytes]:
    (length,) = struct.unpack_from(">H", data, 4)
    end = 40 + length if length else len(data)
    if data[0] >> 4 != 6 or end > len(data):
        raise Dropped("malformed_packet")
    following, at = data[6], 40
    while following in _SKIPPED_HEADERS:
        following, at = data[at], at + 8 * (data[at + 1] + 1)
    if following != _UDP:
        raise Dropped("fragment" if following == _FRAGMENT else "other_traffic")
    return f"[{ipaddress.IPv6Address(data[8:24])}]", data[at:end]


class CaptureWriter:
    """Writes payloads in the OCB form: pcap, or by the suffix .pcapng that, with nanoseconds and direction."""

    def __init__(self, path: str | Path, outbound: bool = False) -> None:
        self.path = Path(path)
        self._ng = self.path.suffix.lower() == ".pcapng"
        # Marked outbound, packets are no received ones to a reader: not for a capture to be replayed as radio.
        self._options = struct.pack("<HHIHH", 2, 4, 2 if outbound else 1, 0, 0)
        try:
            self._file = self.path.open("wb")
        except OSError as error:
            raise UsageError(f"{path}: cannot be written: {error.strerror}; name a file in a folder that is") from error
        if self._ng:
            section = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)
            interface = struct.pack("<HHIHHBxxxHH", ETHERNET, 0, _SNAP, 9, 1, 9, 0, 0)  # if_tsresol: nanoseconds
            self._write(_block(0x0A0D0D0A, section) + _block(1, interface))
        else:
            self._write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, _SNAP, ETHERNET))

    def write(self, time_ns: int, payload: bytes, source_mac: str = "02:00:00:00:00:01") -> None:
        """Adds one payload, sent at `time_ns` of Unix time."""
        frame = b"\xff" * 6 + bytes.fromhex(source_mac.replace(":", "")) + ETHERTYPE.to_bytes(2, "big") + payload
        time_ns = min(max(time_ns, 0), _MAX_TIME_NS - 1)
        if self._ng:
            head = struct.pack("<IIIII", 0, time_ns >> 32, time_ns & 0xFFFF_FFFF, len(frame), len(frame))
            self._write(_block(6, head + frame + bytes(-len(frame) % 4) + self._options))
        else:
            second, rest = divmod(time_ns, 1_000_000_000)
            self._write(struct.pack("<IIII", second, rest // 1000, len(frame), len(frame)) + frame)

    def close(self) -> None:
        """Writes out what is buffered: a full disk may show only here."""
        try:
            self._file.close()
        except OSError as error:
            raise self._failed(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Literal[False]:
        if kind is None:
            self.close()
        else:
            with suppress(AsvkitError):  # the first failure is the one to tell
                self.close()
        return False

    def _write(self, data: bytes) -> None:
        try:
            self._file.write(data)
        except OSError as error:
            raise self._failed(error) from error

    def _failed(self, error: OSError) -> AsvkitError:
        return AsvkitError(f"{self.path}: cannot be written: {error.strerror or error}; make room or name another file")


def _block(kind: int, body: bytes) -> bytes:
    length = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + length + body + length
