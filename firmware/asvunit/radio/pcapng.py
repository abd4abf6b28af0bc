"""Writes the format pcapng: nanoseconds, direction, comments, and how many packets were lost. Format alone, no files.

Little endian. An interface is described before its first packet, one for each link type. Each block is one `write`,
so that a file cut anywhere holds all blocks before the cut.
"""

import struct
from typing import Final, Protocol

SECTION: Final = 0x0A0D0D0A
_INTERFACE, _STATISTICS, _PACKET = 1, 5, 6
_MAGIC: Final = 0x1A2B3C4D
_NANOSECONDS: Final = 9
_SNAP: Final = 65535
_END, _COMMENT = 0, 1  # options of every block
_APPLICATION: Final = 4  # of a section
_NAME, _RESOLUTION = 2, 9  # of an interface
_FLAGS, _LOST = 2, 4  # of a packet
_STARTED, _ENDED, _RECEIVED, _UNHEARD, _SYSTEM_DROPS = 2, 3, 4, 5, 7  # of statistics
_INBOUND, _OUTBOUND = 1, 2
_LONGEST_TEXT: Final = 4096
_MAX_TIME_NS: Final = 1_000_000_000 << 32  # what readers of pcap can say as well
_PLAIN: Final = {
    outbound: struct.pack("<HHIHH", _FLAGS, 4, way, _END, 0) for outbound, way in ((False, _INBOUND), (True, _OUTBOUND))
}


class Sink(Protocol):
    """What takes bytes: a binary file, or a buffer before one."""

    def write(self, data: bytes, /) -> object: ...


class PcapngWriter:
    """One section of a file. What the sink raises comes through."""

    def __init__(self, file: Sink, *, application: str = "", comment: str = "", name: str = "") -> None:
        """`application` wrote it; `name`: of the interfaces described."""
        self._file = file
        self._name = name
        self._interfaces: dict[int, int] = {}
        options = _text(_COMMENT, comment) + _text(_APPLICATION, application)
        self._write(SECTION, struct.pack("<IHHq", _MAGIC, 1, 0, -1) + options + bytes(4 if options else 0))

    def packet(
        self, time_ns: int, data: bytes, link: int, *, outbound: bool = False, comment: str = "", lost: int = 0
    ) -> None:
        """One packet at `time_ns` of Unix time, of a link type; `lost`: how many before it are not in the file."""
        interface = self._interfaces.get(link)
        if interface is None:
            interface = self._interface(link)
        time_ns = min(max(time_ns, 0), _MAX_TIME_NS - 1)
        length = len(data)
        options = _PLAIN[outbound]
        if comment or lost:
            count = _option(_LOST, struct.pack("<Q", lost)) if lost else b""
            options = _text(_COMMENT, comment) + count + options
        head = struct.pack("<IIIII", interface, time_ns >> 32, time_ns & 0xFFFF_FFFF, length, length)
        self._write(_PACKET, head + data + bytes(-length % 4) + options)

    def statistics(
        self, time_ns: int, *, started_ns: int, received: int, unheard: int = 0, dropped: int = 0, comment: str = ""
    ) -> None:
        """Counts since `started_ns`, of the interface described first; nothing where none is yet.

        `received` frames; `unheard`: of those the program had no room for; `dropped`: by the operating system.
        """
        if not self._interfaces:
            return
        counts = ((_RECEIVED, received), (_UNHEARD, unheard), (_SYSTEM_DROPS, dropped))
        options = _text(_COMMENT, comment)
        for code, moment_ns in ((_STARTED, started_ns), (_ENDED, time_ns)):
            options += _option(code, struct.pack("<II", moment_ns >> 32 & 0xFFFF_FFFF, moment_ns & 0xFFFF_FFFF))
        for code, count in counts:
            options += _option(code, struct.pack("<Q", count))
        body = struct.pack("<III", 0, time_ns >> 32 & 0xFFFF_FFFF, time_ns & 0xFFFF_FFFF)
        self._write(_STATISTICS, body + options + bytes(4))

    def _interface(self, link: int) -> int:
        number = self._interfaces[link] = len(self._interfaces)
        resolution = _option(_RESOLUTION, bytes([_NANOSECONDS]))
        head = struct.pack("<HHI", link, 0, _SNAP)
        self._write(_INTERFACE, head + _text(_NAME, self._name) + resolution + bytes(4))
        return number

    def _write(self, kind: int, body: bytes) -> None:
        length = len(body) + 12
        self._file.write(struct.pack("<II", kind, length) + body + struct.pack("<I", length))


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)


def _text(code: int, text: str) -> bytes:
    return _option(code, text[:_LONGEST_TEXT].encode(errors="replace")) if text else b""
