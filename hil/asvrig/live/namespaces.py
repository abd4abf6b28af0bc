"""Network namespaces of this machine with cables between them: a road of its own for each trial, gone when it ends."""

import contextlib
import ctypes
import fcntl
import itertools
import json
import os
import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from asvunit.errors import AsvkitError

_CLONE_NEWNET: Final = 0x4000_0000
_SIOCETHTOOL: Final = 0x8946
_ETHTOOL_STXCSUM: Final = 0x17
_UP_S: Final = 5.0
_FOLDER: Final = Path("/run/netns")
_names = itertools.count()


def missing() -> str:
    """What namespaces need and this process has not, as "needs root: ..."; "" where nothing is missing."""
    if os.geteuid() != 0:
        return "needs root: network namespaces"
    if shutil.which("ip") is None:
        return "needs ip: of iproute2"
    with contextlib.suppress(AsvkitError), Networks() as networks:
        networks.add()
        return ""
    return "needs network namespaces: this system makes none"


def exec_prefix(network: str) -> tuple[str, ...]:
    """What puts a command into a namespace; the process keeps its id."""
    return ("ip", "netns", "exec", network)


@contextlib.contextmanager
def inside(network: str) -> Iterator[None]:
    """This thread in a namespace: sockets that it opens belong there, and stay."""
    libc = ctypes.CDLL(None, use_errno=True)
    with (
        open("/proc/thread-self/ns/net", "rb") as home,
        open(_FOLDER / network, "rb") as there,
    ):
        if libc.setns(there.fileno(), _CLONE_NEWNET):
            raise AsvkitError(f"{network}: cannot be entered: {os.strerror(ctypes.get_errno())}")
        try:
            yield
        finally:
            if libc.setns(home.fileno(), _CLONE_NEWNET):
                os._exit(70)  # lost in a namespace that is about to go: nothing that follows could be right


@dataclass
class Networks:
    """Namespaces and the cables between them; leaving the context takes all of them away."""

    names: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_told: object) -> None:
        self.close()

    def close(self) -> None:
        """May be called twice. The interfaces go with their namespaces."""
        while self.names:
            with contextlib.suppress(AsvkitError):
                _ip("netns", "delete", self.names[-1])
            self.names.pop()

    def add(self) -> str:
        """A new namespace; its name."""
        name = f"asv-{os.getpid()}-{next(_names)}"
        _ip("netns", "add", name)
        self.names.append(name)
        _ip("-n", name, "link", "set", "lo", "up")
        return name

    def cable(self, one: str, other: str, addresses: tuple[str, ...] = ("", "")) -> tuple[str, str]:
        """The two interfaces of a new veth pair, up; an address with its prefix ("10.0.0.1/24") for each, or none.

        Checksums are made by the sender, as they would be on a wire: relays and captures see whole frames.
        """
        number = next(_names)
        ends = tuple(f"a{os.getpid() % 0xFFFFFF:x}x{number}{side}" for side in "ab")
        _ip("link", "add", ends[0], "netns", one, "type", "veth", "peer", "name", ends[1], "netns", other)
        for network, interface, address in zip((one, other), ends, addresses, strict=True):
            if address:
                extra = ("nodad",) if ":" in address else ("broadcast", "+")
                _ip("-n", network, "address", "add", address, *extra, "dev", interface)
            _ip("-n", network, "link", "set", interface, "addrgenmode", "none")
            _ip("-n", network, "link", "set", interface, "up")
            with inside(network):
                _no_checksum_offload(interface)
        for network, interface in zip((one, other), ends, strict=True):
            _wait_up(network, interface)
        return ends[0], ends[1]


def _wait_up(network: str, interface: str) -> None:
    """Until the kernel has seen the cable: it looks at that in a thread of its own, a second later at times."""
    until_s = time.monotonic() + _UP_S
    while json.loads(_ip("-n", network, "-j", "link", "show", "dev", interface))[0]["operstate"] != "UP":
        if time.monotonic() > until_s:
            raise AsvkitError(f"{network}: {interface} does not come up")
        time.sleep(0.01)


def _no_checksum_offload(interface: str) -> None:
    value = ctypes.create_string_buffer(struct.pack("@II", _ETHTOOL_STXCSUM, 0))
    request = struct.pack("@16sP", interface.encode(), ctypes.addressof(value))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCETHTOOL, request + bytes(16))


def _ip(*arguments: str) -> str:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)  # noqa: S603, S607
    if done.returncode:
        raise AsvkitError(f"ip {' '.join(arguments)}: {done.stderr.strip() or done.returncode}")
    return done.stdout
