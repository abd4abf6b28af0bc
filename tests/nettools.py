"""Networks for tests: namespaces, pairs of virtual Ethernets, devices of any link type; gone when the test ends.

Each needs root, and skips by the name of what is missing.
"""

import contextlib
import ctypes
import fcntl
import itertools
import os
import select
import shutil
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from asvunit.ports import Link, Radio, RadioFrame
from asvunit.radio.interface import look

ETHERNET, LOOPBACK, RADIOTAP, NOTHING = 1, 772, 803, 0xFFFE  # ARPHRD_
CAP_NET_BIND_SERVICE, CAP_NET_ADMIN, CAP_NET_RAW = 10, 12, 13
_CAP_SYS_ADMIN = 21
_CLONE_NEWNET = 0x40000000
_TUNSETIFF, _TUNSETLINK = 0x400454CA, 0x400454CD
_IFF_TAP, _IFF_NO_PI = 2, 0x1000
_NUMBERS = itertools.count()


def need_root() -> None:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    held = int(status.partition("CapEff:")[2].split()[0], 16)
    if os.geteuid() != 0 or not all(held >> one & 1 for one in (CAP_NET_ADMIN, CAP_NET_RAW, _CAP_SYS_ADMIN)):
        pytest.skip("needs root: network interfaces are to be made")
    if shutil.which("ip") is None:
        pytest.skip("needs ip: the package iproute2")


def ip(*words: str, namespace: str = "") -> None:
    """Runs `ip`, in a namespace; an error says what it said."""
    where = ["-n", namespace] if namespace else []
    done = subprocess.run(["ip", *where, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"ip {' '.join([*where, *words])}: {done.stderr.strip()}")


def unique(prefix: str) -> str:
    """A name of an interface that no other test's process takes."""
    return f"{prefix}{os.getpid():x}n{next(_NUMBERS)}"[:15]


@contextlib.contextmanager
def namespace() -> Iterator[str]:
    """A network namespace of its own, with loopback up."""
    need_root()
    name = unique("av")
    try:
        ip("netns", "add", name)
    except OSError as error:
        pytest.skip(f"needs network namespaces: {error}")
    try:
        ip("link", "set", "lo", "up", namespace=name)
        yield name
    finally:
        ip("netns", "del", name)


@contextlib.contextmanager
def inside(name: str) -> Iterator[None]:
    """This thread is in the namespace; the sockets it opens stay there."""
    libc = ctypes.CDLL(None, use_errno=True)
    with contextlib.ExitStack() as stack:
        home, there = (os.open(path, os.O_RDONLY) for path in ("/proc/thread-self/ns/net", f"/run/netns/{name}"))
        stack.callback(os.close, home)
        stack.callback(os.close, there)
        if libc.setns(there, _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {name}")
        try:
            yield
        finally:
            if libc.setns(home, _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns home")


def join(names: tuple[str, str], namespaces: tuple[str, str] = ("", "")) -> None:
    """Makes a pair of virtual Ethernets, down.

    Their indexes differ: of a pair with the same index in two namespaces the kernel tells the carrier a second late.
    """
    place = [["netns", name] if name else [] for name in namespaces]
    ip("link", "add", names[0], *place[0], *_index(), "type", "veth", "peer", "name", names[1], *place[1], *_index())


def _index() -> list[str]:
    """A number of an interface that no other test's process takes."""
    return ["index", str(os.getpid() % 1_000_000 * 1000 + next(_NUMBERS) % 1000 + 1_000_000)]


@contextlib.contextmanager
def veth(one: str = "", other: str = "") -> Iterator[tuple[str, str]]:
    """Two Ethernets joined by a cable, up, each in the namespace of that name."""
    need_root()
    names = unique("av"), unique("av")
    try:
        join(names, (one, other))
    except OSError as error:
        pytest.skip(f"needs veth: {error}")
    try:
        for name, where in zip(names, (one, other), strict=True):
            ip("link", "set", name, "up", namespace=where)
        for name, where in zip(names, (one, other), strict=True):
            until_running(name, where)
        yield names
    finally:
        with contextlib.suppress(OSError):  # the test itself may have unplugged it
            ip("link", "del", names[0], namespace=one)


def until_running(name: str, namespace: str = "") -> None:
    """The kernel takes a moment for a carrier."""
    deadline_s = time.monotonic() + 10
    with inside(namespace) if namespace else contextlib.nullcontext():
        while not ((found := look(name)) and found.running):
            assert time.monotonic() < deadline_s, f"{name} has no carrier"
            select.select([], [], [], 0.005)


class Tap:
    """A network interface whose other side is this program: what is written comes in by it."""

    def __init__(self, kind: int = ETHERNET) -> None:
        self.name = unique("av")
        self.fileno = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self.fileno, _TUNSETIFF, struct.pack("16sH22x", self.name.encode(), _IFF_TAP | _IFF_NO_PI))
        if kind != ETHERNET:
            fcntl.ioctl(self.fileno, _TUNSETLINK, kind)

    def write(self, frame: bytes) -> None:
        os.write(self.fileno, frame)

    def read(self) -> bytes:
        """The next frame that was sent by it; BlockingIOError if none was."""
        return os.read(self.fileno, 4096)

    def close(self) -> None:
        """May be called twice."""
        if self.fileno >= 0:
            os.close(self.fileno)
        self.fileno = -1


@contextlib.contextmanager
def tap(kind: int = ETHERNET, *, up: bool = True) -> Iterator[Tap]:
    """An interface of that link type."""
    need_root()
    if not Path("/dev/net/tun").exists():
        pytest.skip("needs /dev/net/tun")
    try:
        made = Tap(kind)
    except OSError as error:
        pytest.skip(f"needs /dev/net/tun: {error}")
    with contextlib.closing(made) as one:
        if up:
            ip("link", "set", one.name, "up")
            until_running(one.name)
        yield one


class _CapHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


@contextlib.contextmanager
def without(*numbers: int) -> Iterator[None]:
    """This thread lacks these capabilities, by number."""
    need_root()
    libc = ctypes.CDLL(None, use_errno=True)
    header, before = _CapHeader(0x20080522, 0), (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; twice
    if libc.capget(ctypes.byref(header), before):
        raise OSError(ctypes.get_errno(), "capget")
    lacking = (ctypes.c_uint32 * 6)(*before)
    for number in numbers:
        lacking[number // 32 * 3] &= ~(1 << number % 32)
    libc.capset(ctypes.byref(header), lacking)
    try:
        yield
    finally:
        libc.capset(ctypes.byref(header), before)


def heard(radio: Radio, count: int) -> list[RadioFrame]:
    """So many frames; an error if they do not come."""
    frames: list[RadioFrame] = []
    while len(frames) < count:
        assert select.select([radio], [], [], 10)[0], "nothing came"
        frames += radio.receive(count - len(frames))
    return frames


def told(tend: Callable[[], Link | None]) -> Link:
    """The next Link of a radio; the kernel takes a moment for a carrier."""
    deadline_s = time.monotonic() + 10
    while (link := tend()) is None:
        assert time.monotonic() < deadline_s, "no change of the link is told"
        select.select([], [], [], 0.005)
    return link
