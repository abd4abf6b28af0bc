"""What a stimulus takes on its way before the unit can know of it: bits on real wires, or the kernel's own copying.

These times are calibrated offsets: they are subtracted from what is measured, and told.
"""

import os
import select
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

_BITS_A_BYTE: Final = 10  # of a serial line: start, eight, stop
_STUFFED: Final = 5  # equal bits in a row are followed by one of the other kind
_CRC15: Final = 0x4599
_TAIL_BITS: Final = 1 + 1 + 1 + 7  # of a frame: CRC delimiter, ACK, its delimiter, end of frame; never stuffed
_WAIT_S: Final = 1.0
ECHOES: Final = 200


def serial_us(size: int, baud: int) -> float:
    """Microseconds until the last bit of so many bytes has left a serial line, 8N1."""
    return size * _BITS_A_BYTE * 1e6 / baud


def can_bits(identifier: int, extended: bool, data: bytes) -> int:
    """Bits of a classic CAN data frame on the wire, stuffed bits and end of frame included [ISO 11898-1]."""
    if extended:
        base, rest = identifier >> 18, identifier & 0x3FFFF
        head = [*_bits(base, 11), 1, 1, *_bits(rest, 18), 0, 0, 0]  # SRR, IDE; RTR, r1, r0
    else:
        head = [*_bits(identifier, 11), 0, 0, 0]  # RTR, IDE, r0
    bits = [0, *head, *_bits(len(data), 4)]
    for byte in data:
        bits += _bits(byte, 8)
    crc = 0
    for bit in bits:
        crc = ((crc << 1) & 0x7FFF) ^ (_CRC15 if bit ^ (crc >> 14) else 0)
    bits += _bits(crc, 15)
    return len(bits) + _stuffed(bits) + _TAIL_BITS


def can_us(identifier: int, extended: bool, data: bytes, bitrate: int) -> float:
    """Microseconds that the frame takes on a free bus: it is received with the last but one bit of its end."""
    return (can_bits(identifier, extended, data) - 1) * 1e6 / bitrate


def least_echo_us(write: Callable[[bytes], object], readable: int, data: bytes, times: int = ECHOES) -> float:
    """The least microseconds from before a write until its bytes are there to be read at the other end.

    The least: what is subtracted is what every write takes, and not what the machine was busy with.
    """
    least_ns = None
    poll = select.poll()
    poll.register(readable, select.POLLIN)
    for _ in range(times):
        begin_ns = time.monotonic_ns()
        write(data)
        if not poll.poll(_WAIT_S * 1000):
            continue
        took_ns = time.monotonic_ns() - begin_ns
        least_ns = took_ns if least_ns is None else min(least_ns, took_ns)
        while poll.poll(0):
            os.read(readable, 1 << 16)
    return 0.0 if least_ns is None else least_ns / 1000


def pty_echo_us(data: bytes) -> float:
    """`least_echo_us` of a pseudo terminal in raw mode."""
    import tty

    with ExitStack() as opened:
        master, slave = os.openpty()
        opened.callback(os.close, master)
        opened.callback(os.close, slave)
        tty.setraw(slave)
        return least_echo_us(lambda one: os.write(master, one), slave, data)


def pipe_echo_us(data: bytes) -> float:
    """`least_echo_us` of a pipe, which is what a FIFO is."""
    with ExitStack() as opened:
        reader, writer = os.pipe()
        opened.callback(os.close, reader)
        opened.callback(os.close, writer)
        return least_echo_us(lambda one: os.write(writer, one), reader, data)


def loopback_echo_us(data: bytes) -> float:
    """`least_echo_us` of a datagram on the loopback interface."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hears,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sends,
    ):
        hears.bind(("127.0.0.1", 0))
        sends.connect(hears.getsockname())
        return least_echo_us(sends.send, hears.fileno(), data)


def _bits(value: int, size: int) -> list[int]:
    return [value >> at & 1 for at in range(size - 1, -1, -1)]


def _stuffed(bits: list[int]) -> int:
    count, last, run = 0, -1, 0
    for bit in bits:
        run = run + 1 if bit == last else 1
        last = bit
        if run == _STUFFED:
            count += 1
            last, run = 1 - bit, 1  # the stuffed bit begins the next run
    return count
