"""Many datagrams a system call: recvmmsg over buffers that are laid out once, with the kernel's time stamps.

The standard library reads one datagram a call. Here one call fills up to `SIZE` slots; a slot is a stretch of
`names` (the raw sockaddr), of `data` (the datagram) and of the control messages, all at fixed distances, so that a
flood can be screened without an object made for each datagram. Where recvmmsg is absent or forbidden, recvmsg fills
the same slots one by one.
"""

import ctypes
import errno
import os
import socket
import struct
from typing import Any, Final

SIZE: Final = 64  # slots
NAME_BYTES: Final = 32  # distance in `names`; sockaddr_in6 has 28, sockaddr_ll 20
DATA_BYTES: Final = 2048  # distance in `data`; what is longer is cut, and malformed all the same
BUFFER_BYTES: Final = 4 << 20  # of the kernel, doubled by it: some 6,000 datagrams of 100 bytes

_SO_RCVBUFFORCE: Final = 33
_SO_TIMESTAMPNS: Final = 35  # a timespec beside each datagram
_SO_RXQ_OVFL: Final = 40  # and how many the socket has dropped so far, if any
_STAMP: Final = struct.Struct("@ll")  # timespec
_HEADER: Final = struct.Struct("@Nii")  # cmsghdr: length, level, kind
_DROPS: Final = struct.Struct("@I")
_HEADER_BYTES: Final = socket.CMSG_LEN(0)
_CONTROL_BYTES: Final = 64  # distance; both messages together need 56
_STAMPED: Final = struct.Struct(f"@{_HEADER.size - 4}xi{_HEADER_BYTES - _HEADER.size}xll")  # the first: kind, timespec


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Message(ctypes.Structure):  # struct msghdr
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint),
        ("vector", ctypes.c_void_p),
        ("vectors", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


# struct mmsghdr: a msghdr, and the length of what came
_LENGTH_AT: Final = ctypes.sizeof(_Message)
_MESSAGE_BYTES: Final = _LENGTH_AT + ctypes.alignment(_Message)


def _libc() -> tuple[Any, Any]:
    """recvmmsg (None: there is none) and recvmsg. PyDLL: no call waits, so the interpreter need not be let go."""
    libc = ctypes.PyDLL(None, use_errno=True)
    many = getattr(libc, "recvmmsg", None)
    one = libc.recvmsg
    if many is not None:
        many.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p)
    one.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_int)
    one.restype = ctypes.c_ssize_t
    return many, one


def prepare(sock: socket.socket) -> None:
    """Ask for time stamps and drop counts, and for as long a queue as this process may have."""
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    sock.setsockopt(socket.SOL_SOCKET, _SO_RXQ_OVFL, 1)
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, BUFFER_BYTES)
    except OSError:  # needs CAP_NET_ADMIN; without, net.core.rmem_max is the bound
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)


class Batch:
    """The slots, and the calls that fill them. Not for more than one thread."""

    def __init__(self, *, many: bool = True) -> None:
        """`many` False: one datagram a system call."""
        self.names = bytearray(SIZE * NAME_BYTES)
        self.data = bytearray(SIZE * DATA_BYTES)
        self.lengths: list[int] = []  # of the datagrams that the last `read` brought
        self._control = bytearray(SIZE * _CONTROL_BYTES)
        self._messages = bytearray(SIZE * _MESSAGE_BYTES)
        self._vectors = (_Vector * SIZE)()
        self._held = [
            (ctypes.c_char * len(buffer)).from_buffer(buffer)
            for buffer in (self.names, self.data, self._control, self._messages)
        ]
        names, data, control, self._address = map(ctypes.addressof, self._held)
        for slot in range(SIZE):
            vector = self._vectors[slot]
            vector.base, vector.length = data + slot * DATA_BYTES, DATA_BYTES
            message = _Message.from_buffer(self._messages, slot * _MESSAGE_BYTES)
            message.name, message.name_length = names + slot * NAME_BYTES, NAME_BYTES
            message.vector, message.vectors = ctypes.addressof(vector), 1
            message.control, message.control_length = control + slot * _CONTROL_BYTES, _CONTROL_BYTES
        self._fresh = bytes(self._messages)
        self._no_control = bytes(self._control)
        self._header_view, self._control_view = memoryview(self._messages), memoryview(self._control)
        self._words = self._header_view.cast("I")
        self._call_many, self._call_one = _libc()
        if not many:
            self._call_many = None

    def read(self, fileno: int, most: int) -> int:
        """Fill at most `most` slots with what waits; how many, 0: none waits. OSError as the socket has it."""
        most = min(most, SIZE)
        if self.lengths:  # the kernel wrote over the sizes of the buffers; a slot without a stamp would keep its last
            self._header_view[:] = self._fresh
            self._control_view[:] = self._no_control
            self.lengths = []
        count = self._fill(fileno, most)
        if count > 0:
            stride = _MESSAGE_BYTES // 4
            self.lengths = self._words[_LENGTH_AT // 4 : count * stride : stride].tolist()
        elif count < 0:
            number = ctypes.get_errno()
            if number in (errno.EAGAIN, errno.EINTR):
                count = 0
            elif number == errno.ENOSYS and self._call_many:  # an old kernel, or a filter of system calls
                self._call_many = None
                return self.read(fileno, most)
            else:
                raise OSError(number, os.strerror(number))
        return count

    def age_ns(self, slot: int, unix_ns: int) -> int:
        """How long before `unix_ns` the kernel received it; 0 where the clock was stepped meanwhile."""
        kind, second, part_ns = _STAMPED.unpack_from(self._control, slot * _CONTROL_BYTES)
        if kind != _SO_TIMESTAMPNS:
            return 0
        age_ns: int = unix_ns - second * 1_000_000_000 - part_ns
        return age_ns if 0 <= age_ns < 60_000_000_000 else 0

    def drops(self, slot: int) -> int | None:
        """How many datagrams the socket had dropped when it received this one, modulo 2**32; None: none ever."""
        at, end = slot * _CONTROL_BYTES, (slot + 1) * _CONTROL_BYTES
        while at + _HEADER_BYTES + _DROPS.size <= end:
            length, _level, kind = _HEADER.unpack_from(self._control, at)
            if length < _HEADER_BYTES:
                break
            if kind == _SO_RXQ_OVFL:
                return int(_DROPS.unpack_from(self._control, at + _HEADER_BYTES)[0])
            at += socket.CMSG_SPACE(length - _HEADER_BYTES)
        return None

    def _fill(self, fileno: int, most: int) -> int:
        if self._call_many is not None:
            return int(self._call_many(fileno, self._address, most, socket.MSG_DONTWAIT, None))
        for slot in range(most):
            at = slot * _MESSAGE_BYTES
            length = self._call_one(fileno, self._address + at, socket.MSG_DONTWAIT)
            if length < 0:  # what goes wrong after the first is told at the next call
                return slot or -1
            self._words[(at + _LENGTH_AT) // 4] = length
        return most
