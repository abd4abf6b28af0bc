"""Streams of frames, each a source on the air with times of its own: vehicles, forgers of their trailers, garbage."""

import os
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from asvrig.live.flood_frames import STAMP_AT, TIME_AT, circling, forged_frames, garbage, time_bytes
from asvrig.live.many_sender import ManySender, Ring, packet_socket, udp_socket

FIRST_ID: Final = 2000
SECOND_NS: Final = 1_000_000_000
_LATE_NS: Final = 50_000_000  # what is later is left out, never sent in a burst
_HEADER: Final = b"\xff" * 6  # of Ethernet: to all
_ETHERTYPE: Final = (0x88B5).to_bytes(2)
_FIRST_MAC: Final = 0x02A5_F100_0000  # locally administered
_FORGERS: Final = 0x8000  # numbers of their sources, and those of garbage
_NOISE: Final = 0xC000


class Stamp(Protocol):
    """Puts times into frames that are about to be sent."""

    def set(self, ring: Ring, count: int) -> None:
        """Into the next `count` of them."""


@dataclass
class Stream:
    """One source of frames, the `number`th of `of` that together send `rate` a second, evenly in turn."""

    out: socket.socket
    ring: Ring
    rate: int
    number: int
    of: int
    stamp: Stamp | None = None
    done: int = 0  # frames whose time has come, sent or not
    told: dict[str, int] = field(default_factory=dict)

    def due_ns(self) -> int:
        """When its next frame is due, after the beginning."""
        return (self.done * self.of + self.number) * SECOND_NS // self.rate

    def send(self, sender: ManySender, at_ns: int) -> None:
        """All that is due by now."""
        count = ((at_ns + 1) * self.rate - 1) // SECOND_NS  # frames of all its kin before now
        due = max(1, (count - self.number) // self.of + 1 - self.done)
        allowed = max(1, _LATE_NS * self.rate // (SECOND_NS * self.of))
        missed = max(0, due - allowed)
        self.ring.next = (self.ring.next + missed) % self.ring.count
        if self.stamp is not None:
            self.stamp.set(self.ring, due - missed)
        sent = sender.send(self.out.fileno(), self.ring, due - missed)
        self.done += due
        told = self.told
        told["due"] += due
        told["missed"] += missed
        told["sent"] += sent


class Clock:
    """A `Stamp`: the time of day of the message; `at` is where messages begin in their frames."""

    def __init__(self, at: int) -> None:
        self._at = at + TIME_AT
        self._second, self._bytes = -1, b""

    def set(self, ring: Ring, count: int) -> None:
        """Into the next `count` of them."""
        second = int(time.time())
        if second != self._second:
            self._second, self._bytes = second, time_bytes(second)
        for number in range(ring.next, ring.next + count):
            ring.overwrite(number % ring.count, self._at, self._bytes)


class Forgery:
    """A `Stamp`: a trailer's time is always now, and its signature always another."""

    def __init__(self, at: int) -> None:
        self._at = at + STAMP_AT

    def set(self, ring: Ring, count: int) -> None:
        """Into the next `count` of them."""
        part = (time.time_ns() // 1_000_000).to_bytes(8) + os.urandom(16)
        for number in range(ring.next, ring.next + count):
            ring.overwrite(number % ring.count, self._at, part)


class Way:
    """To the air: UDP, or Ethernet frames on an interface."""

    def __init__(self, kind: str, where: str, port: int, interface: str, seed: int) -> None:
        self._kind, self._where, self._port, self._interface, self._seed = kind, where, port, interface, seed
        self._packets: socket.socket | None = None

    def open(self) -> socket.socket:
        """One for a source: of UDP a new one, since its port is its name."""
        if self._kind == "udp":
            return udp_socket(self._where, self._port, self._interface)
        if self._packets is None:
            self._packets = packet_socket(self._where)
        return self._packets

    def framed(self, payloads: Sequence[bytes], number: int) -> list[bytes]:
        """As they go into the socket, from the source of this number."""
        if self._kind == "udp":
            return list(payloads)
        mac = (_FIRST_MAC + (self._seed % 256 << 16) + number).to_bytes(6)
        return [_HEADER + mac + _ETHERTYPE + payload for payload in payloads]


def vehicles(way: Way, rate: int, ids: int, at: tuple[float, float], seed: int) -> list[Stream]:
    """A source for each of `ids` vehicles, all together `rate` frames a second."""
    if not rate:
        return []
    frames = circling(range(FIRST_ID, FIRST_ID + ids), ids / rate, *at, seed)
    told: dict[str, int] = {}
    clock = Clock(len(way.framed([b""], 0)[0]))
    streams = []
    for number in range(ids):
        own = way.framed([frames[step, number].tobytes() for step in range(len(frames))], number)
        streams.append(Stream(way.open(), Ring(own), rate, number, ids, clock, told=told))
    return streams


def forgers(way: Way, rate: int, key_id: int, sources: int, at: tuple[float, float], seed: int) -> list[Stream]:
    """Sources of emergency vehicles whose trailers name a key and a time that fit, and bear no signature of it."""
    if not rate:
        return []
    told: dict[str, int] = {}
    stamp = Forgery(len(way.framed([b""], 0)[0]))
    return [
        Stream(
            way.open(),
            Ring(way.framed(forged_frames(key_id, sources / rate, *at, seed + number), _FORGERS + number)),
            rate,
            number,
            sources,
            stamp,
            told=told,
        )
        for number in range(sources)
    ]


def noise(way: Way, rate: int, kinds: Sequence[str], sources: int, seed: int) -> list[Stream]:
    """Sources of garbage, all together `rate` frames a second."""
    if not rate:
        return []
    frames = garbage(kinds, seed)
    told: dict[str, int] = {}
    return [
        Stream(way.open(), Ring(way.framed(frames, _NOISE + number)), rate, number, sources, told=told)
        for number in range(sources)
    ]
