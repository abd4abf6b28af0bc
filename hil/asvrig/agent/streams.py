"""Byte streams to an agent: a program's pipes, a serial line, a socket, all with read, write and fileno."""

import os
import socket
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from asvrig.agent.device import open_device, write_all
from asvunit.errors import AsvkitError


class Stream(Protocol):
    """`read` gives what there is, nothing at the end; `write` writes all. OSError: the line is gone."""

    def fileno(self) -> int: ...

    def read(self, size: int, /) -> bytes: ...

    def write(self, data: bytes, /) -> object: ...

    def close(self) -> None: ...


class DescriptorStream:
    """One or two descriptors, taken over. `closed` is called after they are."""

    def __init__(self, reader: int, writer: int, closed: Callable[[], None] = lambda: None) -> None:
        self._reader, self._writer, self._closed = reader, writer, closed

    def fileno(self) -> int:
        """Readable when something has come."""
        return self._reader

    def read(self, size: int, /) -> bytes:
        """What has come; nothing at the end of the line."""
        return os.read(self._reader, size)

    def write(self, data: bytes, /) -> int:
        """All of it."""
        write_all(self._writer, data)
        return len(data)

    def close(self) -> None:
        """May be called twice."""
        reader, writer, self._reader, self._writer = self._reader, self._writer, -1, -1
        for descriptor in {reader, writer} - {-1}:
            with suppress(OSError):
                os.close(descriptor)
        closed, self._closed = self._closed, lambda: None
        closed()


def device_stream(path: str, baud: int = 115200) -> DescriptorStream:
    """A serial line, put in raw mode; AsvkitError where it cannot be opened."""
    try:
        device = open_device(path, baud)
    except OSError as error:
        raise AsvkitError(f"{path}: cannot be opened: {error.strerror}") from error
    return DescriptorStream(device, device)


def socket_stream(path: Path) -> DescriptorStream:
    """A Unix stream socket, as an emulator's serial line may be; AsvkitError where nobody listens."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        connection.connect(str(path))
    except OSError as error:
        connection.close()
        raise AsvkitError(f"{path}: nobody listens there: {error.strerror}") from error
    descriptor = connection.detach()
    return DescriptorStream(descriptor, descriptor)


def process_stream(process: "subprocess.Popen[bytes]", end_s: float = 5) -> DescriptorStream:
    """Input and output of a program, which must be pipes without buffers; closed, it is waited for, then killed."""
    assert process.stdin is not None
    assert process.stdout is not None
    reader, writer = os.dup(process.stdout.fileno()), os.dup(process.stdin.fileno())
    process.stdout.close()
    process.stdin.close()

    def closed() -> None:
        try:
            process.wait(end_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    return DescriptorStream(reader, writer, closed)
