"""Frames of a monitor interface: 802.11 behind radiotap, with the received power the driver measured."""

from collections import Counter
from collections.abc import Callable
from typing import Final

from asvunit.clock import both_ns
from asvunit.pcap import Dropped
from asvunit.ports import RadioFrame
from asvunit.radio.batch import DATA_BYTES, NAME_BYTES, SIZE, Batch
from asvunit.radio.dot11 import Dot11, read_radiotap
from asvunit.radio.ethernet import BROADCAST, ETHERTYPE, mac_text
from asvunit.radio.intake import CALLS, Drops, OddFrames, Patience

_TYPE: Final = ETHERTYPE.to_bytes(2, "big")
_TYPE_WITHIN: Final = 256  # bytes: radiotap, the longest header of 802.11, LLC
_PACKET_KIND_AT: Final = 10  # in sockaddr_ll
_OUTGOING: Final = 4
_BROADCAST: Final = mac_text(BROADCAST)


class MonitorIntake:
    """Reads a packet socket of a monitor interface; what is not of this radio's form is left aside uncounted.

    `is_own(source)`: whether that is this unit. Counted in `counters`: length, version, stale,
    own_echo, overflow, and what `dot11` refuses of our own form (bad_fcs ...).
    """

    def __init__(
        self,
        counters: Counter[str],
        is_own: Callable[[str], bool],
        *,
        now: Callable[[], tuple[int, int]] | None = None,
    ) -> None:
        self._counters, self._is_own = counters, is_own
        self._now = now or both_ns
        self._batch = Batch()
        self._odd = OddFrames(counters)
        self._drops = Drops(counters)
        self._patience = Patience()

    def forget(self) -> None:
        """The socket is another now."""
        self._drops.forget()

    def receive(self, fileno: int, limit: int) -> list[RadioFrame]:
        """At most `limit` frames that wait, the oldest first. OSError as the socket has it."""
        frames: list[RadioFrame] = []
        batch, emptied = self._batch, False
        for _ in range(CALLS):
            asked = min(limit - len(frames), SIZE)
            count = batch.read(fileno, asked) if asked > 0 else 0
            if count:
                now = self._now()
                frames += [one for slot in range(count) if (one := self._frame(slot, *now)) is not None]
                self._drops.told(batch.drops(count - 1))
            emptied = count < asked
            if emptied or asked <= 0:
                break
        self._patience.read(emptied, self._now()[0])
        return frames

    def _frame(self, slot: int, monotonic_ns: int, unix_ns: int) -> RadioFrame | None:
        batch, at = self._batch, slot * DATA_BYTES
        if batch.data.find(_TYPE, at, at + min(batch.lengths[slot], _TYPE_WITHIN)) < 0:
            return None  # another's traffic on the channel: most of what a monitor hears
        if batch.names[slot * NAME_BYTES + _PACKET_KIND_AT] == _OUTGOING:
            return None
        try:
            heard = read_radiotap(bytes(batch.data[at : at + batch.lengths[slot]]))
        except Dropped as reason:
            self._counters[str(reason)] += 1
            return None
        ours = heard.ethertype == ETHERTYPE and heard.destination == _BROADCAST and not heard.outbound
        return self._heard(heard, batch.age_ns(slot, unix_ns), monotonic_ns) if ours else None

    def _heard(self, heard: Dot11, age_ns: int, monotonic_ns: int) -> RadioFrame | None:
        if self._is_own(heard.source):
            self._counters["own_echo"] += 1
        elif age_ns > self._patience.most_ns:
            self._counters["stale"] += 1
        elif self._odd.admits(heard.payload, monotonic_ns):
            return RadioFrame(monotonic_ns - age_ns, heard.source, heard.payload, power_dbm=heard.power_dbm)
        return None
