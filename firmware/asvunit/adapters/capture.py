"""Captures of the radio: pcap and pcapng in, payloads with their senders out; and a writer for what a unit sent.

Taken are the OCB form (EtherType 0x88B5) and the UDP form, over every link type of `asvunit.radio.link_layers`;
`asvunit.pcap` reads the containers. A capture without direction marks shows a unit's own packets as received ones.
"""

import ipaddress
import struct
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

from asvunit.errors import AsvkitError, UsageError
from asvunit.pcap import Dropped, Packet, is_capture, packets
from asvunit.ports import RadioFrame
from asvunit.radio.encapsulate import encapsulate
from asvunit.radio.ethernet import ETHERTYPE
from asvunit.radio.link_layers import ETHERNET, IPV4, IPV6, READ, carried
from asvunit.radio.pcapng import PcapngWriter

PORT: Final = 47100
_SNAP: Final = 65535

_UDP: Final = 17
_SKIPPED_HEADERS: Final = (0, 43, 60)  # IPv6: hop by hop, routing, destination options
_FRAGMENT: Final = 44
_MAX_TIME_NS: Final = 1_000_000_000 << 32  # what pcap can say


class Capture:
    """A recorded capture. Each iteration reads the file anew and counts anew.

    Yields received frames in file order, with Unix times and the received power where the capture tells it; with
    `outbound` only those marked as sent by the machine that captured. `port`: of the UDP form. UsageError for a
    file that is no capture, or has none of the link types that are read.
    """

    def __init__(self, path: str | Path, port: int = PORT, *, outbound: bool = False) -> None:
        self.path = Path(path)
        self.port = port
        self.outbound = outbound
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
                    source, payload, power_dbm = self._payload(packet)
                except Dropped as reason:
                    self.counters[str(reason)] += 1
                except (struct.error, IndexError):  # shorter than its own headers say
                    self.counters["malformed_packet"] += 1
                else:
                    yield RadioFrame(packet.time_ns, source, payload, power_dbm=power_dbm)
        if links and not links & READ:
            kinds = ", ".join(map(str, sorted(links)))
            raise UsageError(f"{self.path}: link type {kinds} is not read; capture on Ethernet, 802.11 or raw IP")

    def _payload(self, packet: Packet) -> tuple[str, bytes, int | None]:
        link = carried(packet)
        if link.outbound != self.outbound:
            raise Dropped("outbound" if link.outbound else "inbound")
        if link.ethertype not in (ETHERTYPE, IPV4, IPV6):
            raise Dropped("other_traffic")
        if not packet.whole:
            raise Dropped("truncated_packet")
        if not 0 <= packet.time_ns < _MAX_TIME_NS:
            raise Dropped("bad_time")
        if link.ethertype == ETHERTYPE:
            return link.mac, link.data, link.power_dbm
        host, datagram = _ipv6(link.data) if link.ethertype == IPV6 else _ipv4(link.data)
        source_port, port, length = struct.unpack_from(">HHH", datagram)
        if port != self.port:
            raise Dropped("other_traffic")
        length = length or len(datagram)  # 0: the sender's card was to fill it in
        if not 8 <= length <= len(datagram):
            raise Dropped("malformed_packet")
        return f"{host}:{source_port}", datagram[8:length], link.power_dbm


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
    return _host(data[12:16]), data[header:total]


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
    return _host(data[8:24]), data[at:end]


@lru_cache(maxsize=4096)
def _host(address: bytes) -> str:
    host = str(ipaddress.ip_address(address))
    return f"[{host}]" if len(address) == 16 else host


class CaptureWriter:
    """Writes payloads in the OCB form: pcap, or by the suffix .pcapng that, with nanoseconds and direction."""

    def __init__(self, path: str | Path, outbound: bool = False) -> None:
        """`outbound`: packets marked so are no received ones to a reader; not for a capture to be replayed as radio."""
        self.path = Path(path)
        self._outbound = outbound
        self._ng: PcapngWriter | None = None
        try:
            self._file = self.path.open("wb")
        except OSError as error:
            raise UsageError(f"{path}: cannot be written: {error.strerror}; name a file in a folder that is") from error
        with self._told():
            if self.path.suffix.lower() == ".pcapng":
                self._ng = PcapngWriter(self._file, application=f"asvkit {version('asvkit')}")
            else:
                self._file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, _SNAP, ETHERNET))

    def write(self, time_ns: int, payload: bytes, source_mac: str = "02:00:00:00:00:01") -> None:
        """Adds one payload, sent at `time_ns` of Unix time."""
        frame, link = encapsulate(source_mac, payload)
        with self._told():
            if self._ng:
                self._ng.packet(time_ns, frame, link, outbound=self._outbound)
            else:  # a pcap has one link type
                second, rest = divmod(min(max(time_ns, 0), _MAX_TIME_NS - 1), 1_000_000_000)
                self._file.write(struct.pack("<IIII", second, rest // 1000, len(frame), len(frame)) + frame)

    def heard(self, frame: RadioFrame, remark: str = "", port: int = PORT) -> None:
        """Adds one received frame to a pcapng, in the form of its source, with a comment why it was not used."""
        packet, link = encapsulate(frame.source, frame.payload, port=port, power_dbm=frame.power_dbm)
        with self._told():
            if self._ng:
                self._ng.packet(frame.time_ns, packet, link, comment=remark)

    def close(self) -> None:
        """Writes out what is buffered: a full disk may show only here."""
        with self._told():
            self._file.close()

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

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or error
            raise AsvkitError(f"{self.path}: cannot be written: {reason}; make room or name another file") from error
