"""From a socket to `RadioFrame`s: what no unit sends is screened out first, then what is old, own or from elsewhere.

The screening looks at length and first byte only and makes no object of a datagram: it is what bears a flood.
"""

import struct
from collections import Counter, deque
from collections.abc import Callable
from typing import Final, NamedTuple

from asvcore.elements import MESSAGE_BYTES, VERSION
from asvunit.clock import both_ns
from asvunit.ports import TRAILER_BYTES, TRAILER_MARK, RadioFrame
from asvunit.radio.batch import DATA_BYTES, NAME_BYTES, SIZE, Batch
from asvunit.radio.ethernet import FCS_BYTES, has_fcs

STALE_NS: Final = 500_000_000  # frames that waited longer tell of the past
RECENT_NS: Final = 100_000_000  # and while there is no end of them: behind each waits a newer one of its vehicle
ODD_A_SECOND: Final = 50  # frames of each reason that no unit sends, handed on for the core to tell
CALLS: Final = 32  # system calls of one `receive`, at most: a few ms for 2,000 datagrams
_OWN_FRAMES: Final = 128  # own frames known again when they are heard: some 12 s of them
_SENDERS: Final = 4096  # known by their raw address
_VERSION_BITS: Final = 0x1F  # of the first byte
_SECOND_NS: Final = 1_000_000_000
_MESSAGE: Final = struct.Struct(f"{MESSAGE_BYTES}s")


class Sender(NamedTuple):
    """Who sent a datagram. `refusal`: why nothing of it is heard, "": it is; `own`: it has this unit's source."""

    source: str
    refusal: str = ""
    own: bool = False


class OddFrames:
    """Those that no unit sends, by length or version: so many of each a second are handed on, the rest counted."""

    def __init__(self, counters: Counter[str]) -> None:
        self.left = {"length": ODD_A_SECOND, "version": ODD_A_SECOND}
        self._counters = counters
        self._until_ns = 0

    def renew(self, monotonic_ns: int) -> None:
        """A time has come: a second may have begun."""
        if not 0 <= self._until_ns - monotonic_ns <= _SECOND_NS:
            self._until_ns = monotonic_ns + _SECOND_NS
            self.left["length"] = self.left["version"] = ODD_A_SECOND

    def refuses(self, reason: str) -> bool:
        """Whether one more is too many; counted then."""
        if self.left[reason]:
            self.left[reason] -= 1
            return False
        self._counters[reason] += 1
        return True

    def admits(self, payload: bytes, monotonic_ns: int) -> bool:
        """Whether this one is handed on."""
        self.renew(monotonic_ns)
        signed = len(payload) == MESSAGE_BYTES + TRAILER_BYTES and payload.startswith(TRAILER_MARK, MESSAGE_BYTES)
        if len(payload) != MESSAGE_BYTES and not signed:
            return not self.refuses("length")
        return payload[0] & _VERSION_BITS == VERSION or not self.refuses("version")


class Drops:
    """What a socket's queue had no room for, from the kernel's running number."""

    def __init__(self, counters: Counter[str]) -> None:
        self._counters, self._last = counters, 0

    def forget(self) -> None:
        """The socket is another now, which has dropped nothing yet."""
        self._last = 0

    def told(self, drops: int | None) -> None:
        """The number beside the newest datagram; None: none was lost ever."""
        if drops is not None and drops != self._last:
            self._counters["overflow"] += (drops - self._last) & 0xFFFF_FFFF
            self._last = drops


class Patience:
    """How old a frame may be: `most_ns`. A queue that is not emptied for long is one of old frames, for good."""

    def __init__(self) -> None:
        self.most_ns = STALE_NS
        self._since_ns: int | None = None  # it has not been empty

    def read(self, emptied: bool, monotonic_ns: int) -> None:
        """The queue was read, and was empty at the end or not."""
        if emptied:
            self.most_ns, self._since_ns = STALE_NS, None
        elif self._since_ns is None:
            self._since_ns = monotonic_ns
        elif monotonic_ns - self._since_ns > RECENT_NS:
            self.most_ns = RECENT_NS


class Intake:
    """Reads a socket. `sender` names who sent, by the bytes of the raw sockaddr at `key`.

    `offset`: bytes of an Ethernet header before the payload, 14 or 0. Counted in `counters`: length and version (no
    unit sends such; at most `ODD_A_SECOND` of each a second are handed on and not counted here), stale, own_echo,
    overflow, receive_error and whatever `sender` refuses.
    """

    def __init__(
        self,
        counters: Counter[str],
        sender: Callable[[bytes], Sender],
        key: slice,
        *,
        offset: int = 0,
        now: Callable[[], tuple[int, int]] | None = None,
        batch: Batch | None = None,
    ) -> None:
        """`now` gives (monotonic, Unix) nanoseconds of one moment."""
        self._counters, self._name_sender, self._now = counters, sender, now or both_ns
        self._batch = batch or Batch()
        self._key = struct.Struct(f"{key.start}x{key.stop - key.start}s")
        self._offset = offset
        self._plain, self._signed = offset + MESSAGE_BYTES, offset + MESSAGE_BYTES + TRAILER_BYTES
        self._senders: dict[bytes, Sender] = {}
        self._own: deque[bytes] = deque(maxlen=_OWN_FRAMES)
        self._drops, self._odd, self._patience = Drops(counters), OddFrames(counters), Patience()

    def forget(self) -> None:
        """The socket is another now, which has dropped nothing yet, and whose senders may have other names."""
        self._drops.forget()
        self._senders.clear()

    def sending(self, payload: bytes) -> None:
        """This is about to be sent: it is known again when it is heard. From any thread."""
        self._own.append(payload)

    def is_own(self, payload: bytes) -> bool:
        """Whether it is one of the last that were sent."""
        return payload in self._own

    def receive(self, fileno: int, limit: int) -> list[RadioFrame]:
        """At most `limit` frames that wait, the oldest first. OSError as the socket has it, if nothing came before."""
        frames: list[RadioFrame] = []
        batch, emptied = self._batch, False
        for _ in range(CALLS):
            asked = min(limit - len(frames), SIZE)
            if asked <= 0:
                break
            try:
                count = batch.read(fileno, asked)
            except OSError:  # an ICMP answer to something sent, or the interface went down
                self._counters["receive_error"] += 1
                if frames:
                    break
                raise
            if count:
                self._take(count, frames)
            emptied = count < asked
            if emptied:
                break
        self._patience.read(emptied, self._now()[0])
        return frames

    def _take(self, count: int, frames: list[RadioFrame]) -> None:
        batch, counters, offset, senders, now = self._batch, self._counters, self._offset, self._senders, self._now()
        monotonic_ns, unix_ns = now
        most_ns = self._patience.most_ns
        for slot in self._screened(count, monotonic_ns):
            (key,) = self._key.unpack_from(batch.names, slot * NAME_BYTES)
            sender = senders.get(key) or self._know(key)
            age_ns = batch.age_ns(slot, unix_ns)
            if age_ns > most_ns:
                counters["stale"] += 1
                continue
            if sender.refusal:
                counters[sender.refusal] += 1
                continue
            length = batch.lengths[slot]
            if length == self._plain:
                (payload,) = _MESSAGE.unpack_from(batch.data, slot * DATA_BYTES + offset)  # half the time of a slice
            else:
                payload = bytes(batch.data[slot * DATA_BYTES + offset : slot * DATA_BYTES + length])
            if sender.own and self.is_own(payload):
                counters["own_echo"] += 1
                continue
            frames.append(RadioFrame(monotonic_ns - age_ns, sender.source, payload))
        self._drops.told(batch.drops(count - 1))

    def _screened(self, count: int, monotonic_ns: int) -> list[int]:
        """The slots of what units send, and of as much of the rest as is handed on."""
        plain, signed, refuses = self._plain, self._signed, self._odd.refuses
        self._odd.renew(monotonic_ns)
        slots: list[int] = []
        firsts = self._batch.data[self._offset : count * DATA_BYTES : DATA_BYTES]
        for slot, length, first in zip(range(count), self._batch.lengths, firsts, strict=True):
            if length == plain or (length == signed and self._marked(slot)) or self._trimmed(slot, length):
                if first & _VERSION_BITS == VERSION or not refuses("version"):
                    slots.append(slot)
            elif not refuses("length"):
                slots.append(slot)
        return slots

    def _trimmed(self, slot: int, length: int) -> bool:
        """Whether it is a message with Ethernet's check sequence behind it, which is then cut off."""
        bare = length - FCS_BYTES
        if not self._offset or bare not in (self._plain, self._signed):
            return False
        at = slot * DATA_BYTES
        if not has_fcs(bytes(self._batch.data[at : at + length])) or (bare == self._signed and not self._marked(slot)):
            return False
        self._batch.lengths[slot] = bare
        return True

    def _marked(self, slot: int) -> bool:
        at = slot * DATA_BYTES + self._plain
        return self._batch.data[at : at + len(TRAILER_MARK)] == TRAILER_MARK

    def _know(self, key: bytes) -> Sender:
        if len(self._senders) >= _SENDERS:
            self._senders.clear()
        sender = self._senders[key] = self._name_sender(key)
        return sender
