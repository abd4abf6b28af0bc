"""Many datagrams a system call: sendmmsg(2) by ctypes, for programs that fill a radio and must not fill a processor."""

import ctypes
import errno
import os
import socket
import struct
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from asvunit.errors import AsvkitError, UsageError

AT_ONCE: Final = 64  # frames a system call
MULTICAST_TTL: Final = 1


class _Header(ctypes.Structure):
    """struct msghdr of recvmsg(2)."""

    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_bytes", ctypes.c_uint32),
        ("parts", ctypes.c_void_p),
        ("part_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_bytes", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Message(ctypes.Structure):
    """struct mmsghdr of sendmmsg(2)."""

    _fields_ = (("header", _Header), ("sent_bytes", ctypes.c_uint))


_PART_WORDS: Final = 2  # of struct iovec: address and length, of one size on every machine that runs Linux


class Ring:
    """Frames that are sent again and again in their order, where the kernel finds them: one block of memory."""

    def __init__(self, frames: Sequence[bytes]) -> None:
        if not frames:
            raise ValueError("no frames to send")
        block = b"".join(frames)
        self._block = ctypes.create_string_buffer(block, max(1, len(block)))
        at = ctypes.addressof(self._block)
        self.parts: list[int] = []  # address, length, address, length ...
        for frame in frames:
            self.parts += (at, len(frame))
            at += len(frame)
        self.count = len(frames)
        self.next = 0

    def frame(self, number: int) -> bytes:
        """One of them, as it is now."""
        address, length = self.parts[_PART_WORDS * number : _PART_WORDS * (number + 1)]
        return ctypes.string_at(address, length)

    def overwrite(self, number: int, at: int, part: bytes) -> None:
        """Puts other bytes into a frame from its byte `at` on."""
        address, length = self.parts[_PART_WORDS * number : _PART_WORDS * (number + 1)]
        if at + len(part) > length:
            raise ValueError(f"{len(part)} bytes from byte {at} on: the frame has {length}")
        ctypes.memmove(address + at, part, len(part))


class ManySender:
    """Sends the next frames of rings to connected or bound sockets; never blocks, never raises for the network."""

    def __init__(self) -> None:
        self.refused: Counter[str] = Counter()  # frames that the kernel did not take, by the name of the error
        try:
            self._call = ctypes.CDLL(None, use_errno=True).sendmmsg
        except AttributeError:
            raise AsvkitError("this system's C library has no sendmmsg; use Linux") from None
        self._parts: Any = (ctypes.c_size_t * (_PART_WORDS * AT_ONCE))()
        self._messages = (_Message * AT_ONCE)()
        size = ctypes.sizeof(ctypes.c_size_t) * _PART_WORDS
        for number, message in enumerate(self._messages):
            message.header.parts = ctypes.addressof(self._parts) + number * size
            message.header.part_count = 1

    def send(self, fd: int, ring: Ring, count: int) -> int:
        """Sends the next `count` frames; how many the kernel took."""
        taken = 0
        while count > 0:
            at = ring.next
            some = min(count, AT_ONCE, ring.count - at)
            end = _PART_WORDS * some
            self._parts[:end] = ring.parts[_PART_WORDS * at : _PART_WORDS * at + end]
            sent = self._call(fd, self._messages, some, socket.MSG_DONTWAIT)
            if sent < some:
                code = ctypes.get_errno() if sent < 0 else errno.EAGAIN
                self.refused[errno.errorcode.get(code, str(code))] += some - max(sent, 0)
            taken += max(sent, 0)
            ring.next = (at + some) % ring.count
            count -= some
        return taken


def udp_socket(address: str, port: int, interface: str = "") -> socket.socket:
    """A socket that sends to one address, broadcast and multicast too, from a port of its own."""
    try:
        family, kind, protocol, _name, target = socket.getaddrinfo(
            address, port, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST
        )[0]
    except (OSError, OverflowError, UnicodeError) as error:
        raise UsageError(f"{address}: no IPv4 or IPv6 address; give one in digits") from error
    sender = socket.socket(family, kind, protocol)
    try:
        if family == socket.AF_INET6:
            index = socket.if_nametoindex(interface) if interface else 0
            sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
            sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, MULTICAST_TTL)
            sender.connect((target[0], port, 0, index or target[3]))  # type: ignore[misc]
        else:
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, MULTICAST_TTL)
            if interface:
                request = struct.pack("@4s4si", bytes(4), bytes(4), socket.if_nametoindex(interface))
                sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, request)
                sender.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, os.fsencode(interface))
            sender.connect(target)
    except OSError as error:
        sender.close()
        raise UsageError(f"{address} port {port}: nothing can be sent there: {error.strerror or error}") from error
    return sender


def packet_socket(interface: str) -> socket.socket:
    """A socket that sends whole Ethernet frames on an interface, and hears none."""
    try:
        sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    except PermissionError as error:
        raise UsageError(f"{interface}: frames on an interface need CAP_NET_RAW; run as root") from error
    try:
        sender.bind((interface, 0))
    except OSError as error:
        sender.close()
        raise UsageError(f"{interface}: {error.strerror or error}; `ip link` lists the interfaces") from error
    return sender
