"""The vehicles around: a table of fixed capacity, keyed by (source, vehicle_id).

A vehicle_id may equal another vehicle's or one's own [G appendix 1 (3)], so the sender's address, as a
small integer, belongs to the identity. Nothing is allocated after the table is made: rows (neighbour.py) are
reused through a free list, and the hash is open addressing over an array.
"""

from array import array

from .neighbour import CHANGED_MS, KEY, PLACE, RECEIVED_MS, TWIN, WIDTH, clear, followed, remoteness_dm
from .params import NEVER_MS, NONE

_WINDOW = 32  # rows that are looked at for one to give way
SOURCE_LIMIT = 1 << 15  # sources are small integers below this: key = source << 14 | vehicle_id < 2^29


class Neighbours:
    """The table. `get` and `add` by key; `used[0:count]` are the rows in use."""

    def __init__(self, capacity):
        self.capacity = capacity
        self.expire_at_once = max(capacity // 8, 8)  # a cycle; the others go with the next, nothing begins for them
        self.used = [[NONE] * WIDTH for _ in range(capacity)]  # in use first, free after
        for place in range(capacity):
            clear(self.used[place])
            self.used[place][PLACE] = place
        self.count = 0
        self.twins = 0  # of them, second vehicles of one address and id
        self._window = self._asked = 0
        self._least = None
        self._least_key = NONE
        size = 16
        while size < 2 * capacity:
            size *= 2
        self._mask = size - 1
        self._hash = array("h", [-1] * size)  # places in `used`

    def _home(self, key):
        return ((key & 0x3FFF) * 31 + (key >> 14) * 7919) & self._mask  # below 2^29

    def get(self, key):
        """The neighbour of a key, or None."""
        mask, table, used = self._mask, self._hash, self.used
        at = ((key & 0x3FFF) * 31 + (key >> 14) * 7919) & mask
        while True:
            place = table[at]
            if place < 0:
                return None
            neighbour = used[place]
            if neighbour[KEY] == key:
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
        clear(neighbour)
        neighbour[KEY] = key
        at = self._home(key)
        while self._hash[at] >= 0:
            at = (at + 1) & self._mask
        self._hash[at] = neighbour[PLACE]
        return neighbour

    def remove(self, neighbour):
        """Give a row back; the last in use takes its place."""
        used, place = self.used, neighbour[PLACE]
        self._unhash(neighbour)
        if neighbour[KEY] & TWIN:
            self.twins -= 1
        neighbour[KEY] = NONE
        self.count -= 1
        last = used[self.count]
        if last is not neighbour:
            self._hash[self._find(last)] = place
            used[place], used[self.count] = last, neighbour
            last[PLACE], neighbour[PLACE] = place, self.count

    def _find(self, neighbour):
        """Where the hash has it."""
        place, at = neighbour[PLACE], self._home(neighbour[KEY])
        while self._hash[at] != place:
            at = (at + 1) & self._mask
        return at

    def _unhash(self, neighbour):
        # Backward shift: what follows in the run moves up, so no tombstones gather
        mask, table = self._mask, self._hash
        at = hole = self._find(neighbour)
        while True:
            at = (at + 1) & mask
            place = table[at]
            if place < 0:
                break
            home = self._home(self.used[place][KEY])
            if ((at - home) & mask) >= ((at - hole) & mask):
                table[hole] = place
                hole = at
        table[hole] = -1

    def least(self):
        """One of the least relevant neighbours that no support follows, or None.

        The least of 32, looked for again after as many calls: neither a whole scan nor one at each frame of a flood.
        """
        least = self._least
        self._asked = (self._asked + 1) % _WINDOW
        if least is None or self._asked == 0 or least[KEY] != self._least_key or followed(least):
            least = self._least = self._look_for_least()
            self._least_key = NONE if least is None else least[KEY]
        return least

    def _look_for_least(self):
        best, best_dm = None, 0
        for _ in range(min(_WINDOW, self.count)):
            self._window = (self._window + 1) % self.count
            neighbour = self.used[self._window]
            remote = remoteness_dm(neighbour)
            if (best is None or remote > best_dm) and not followed(neighbour):
                best, best_dm = neighbour, remote
        return best

    def rebase(self, offset_ms):
        """Take an offset off every stored time."""
        for at in range(self.count):
            neighbour = self.used[at]
            neighbour[RECEIVED_MS] = max(neighbour[RECEIVED_MS] - offset_ms, NEVER_MS)
            neighbour[CHANGED_MS] = max(neighbour[CHANGED_MS] - offset_ms, NEVER_MS)
