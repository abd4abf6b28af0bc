"""The vehicles around: a table of fixed capacity, keyed by (source, vehicle_id).

A vehicle_id may equal another vehicle's or one's own [G appendix 1 (3)], so the sender's address, as a
small integer, belongs to the identity. Nothing is allocated after the table is made: slots are reused
through a free list, and the hash is open addressing over an array.
"""

from array import array

from .neighbour import Neighbour
from .params import NEVER_MS, NONE

_WINDOW = 32  # slots that are looked at for one to give way
SOURCE_LIMIT = 1 << 15  # sources are small integers below this: key = source << 14 | vehicle_id < 2^29
TWIN = 1 << 29  # in the key of a second vehicle that sends with the same address and id


class Neighbours:
    """The table. `get` and `add` by key; `used[0:count]` are the slots in use."""

    def __init__(self, capacity):
        self.capacity = capacity
        self._slots = [Neighbour(index) for index in range(capacity)]
        self.used = [self._slots[index] for index in range(capacity)]  # in use first, free after
        self.count = 0
        self.twins = 0  # of them, second vehicles of one address and id
        self._window = self._asked = 0
        self._least = None
        self._least_key = NONE
        self._place = array("h", [index for index in range(capacity)])  # slot index -> index in `used`
        size = 16
        while size < 2 * capacity:
            size *= 2
        self._mask = size - 1
        self._hash = array("h", [-1] * size)

    def _home(self, key):
        return ((key & 0x3FFF) * 31 + (key >> 14) * 7919) & self._mask  # below 2^29

    def get(self, key):
        """The neighbour of a key, or None."""
        mask = self._mask
        table = self._hash
        at = ((key & 0x3FFF) * 31 + (key >> 14) * 7919) & mask
        while True:
            index = table[at]
            if index < 0:
                return None
            neighbour = self._slots[index]
            if neighbour.key == key:
                return neighbour
            at = (at + 1) & mask

    def add(self, key):
        """A cleared neighbour for a new key, or None when the table is full."""
        if self.count == self.capacity:
            return None
        neighbour = self.used[self.count]
        self.count += 1
        if key & TWIN:
            self.twins += 1
        neighbour.clear()
        neighbour.key = key
        at = self._home(key)
        while self._hash[at] >= 0:
            at = (at + 1) & self._mask
        self._hash[at] = neighbour.index
        return neighbour

    def remove(self, neighbour):
        """Give a slot back."""
        self._unhash(neighbour.key)
        if neighbour.key & TWIN:
            self.twins -= 1
        neighbour.key = -1
        self.count -= 1
        last = self.used[self.count]
        at = self._place[neighbour.index]
        self.used[at] = last
        self.used[self.count] = neighbour
        self._place[last.index] = at
        self._place[neighbour.index] = self.count

    def _unhash(self, key):
        # Backward shift: what follows in the run moves up, so no tombstones gather
        mask, table = self._mask, self._hash
        at = self._home(key)
        while self._slots[table[at]].key != key:
            at = (at + 1) & mask
        hole = at
        while True:
            at = (at + 1) & mask
            index = table[at]
            if index < 0:
                break
            home = self._home(self._slots[index].key)
            if ((at - home) & mask) >= ((at - hole) & mask):
                table[hole] = index
                hole = at
        table[hole] = -1

    def least(self):
        """One of the least relevant neighbours that no support follows, or None.

        The least of 32, looked for again after as many calls: neither a whole scan nor one at each frame of a flood.
        """
        least = self._least
        self._asked = (self._asked + 1) % _WINDOW
        if least is None or self._asked == 0 or least.key != self._least_key or least.followed():
            least = self._least = self._look_for_least()
            self._least_key = NONE if least is None else least.key
        return least

    def _look_for_least(self):
        best, best_dm = None, 0
        for _ in range(min(_WINDOW, self.count)):
            self._window = (self._window + 1) % self.count
            neighbour = self.used[self._window]
            remoteness_dm = neighbour.remoteness_dm()
            if (best is None or remoteness_dm > best_dm) and not neighbour.followed():
                best, best_dm = neighbour, remoteness_dm
        return best

    def rebase(self, offset_ms):
        """Take an offset off every stored time."""
        for at in range(self.count):
            neighbour = self.used[at]
            neighbour.received_ms = max(neighbour.received_ms - offset_ms, NEVER_MS)
            neighbour.changed_ms = max(neighbour.changed_ms - offset_ms, NEVER_MS)
