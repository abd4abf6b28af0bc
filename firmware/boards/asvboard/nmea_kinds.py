"""The kinds of sentences that a receiver's bursts hold, in their order: learned, so that a burst is known to be whole.

Kinds are numbers: talker and kind of a sentence (`Sentence.key`).
"""

from array import array

from . import nmea_counts as counts

ROOM = 32  # kinds of one time of day; receivers send up to five talkers of six kinds


class Kinds:
    """An ordered set of kinds."""

    __slots__ = ("count", "keys")

    def __init__(self):
        self.keys = array("i", [0] * ROOM)
        self.count = 0

    def find(self, key):
        """Where a kind stands, or -1."""
        keys = self.keys
        for at in range(self.count):
            if keys[at] == key:
                return at
        return -1

    def add(self, key):
        """Where a new kind stands then; -1: there is no room."""
        count = self.count
        if count == ROOM:
            return -1
        self.keys[count] = key
        self.count = count + 1
        return count

    def holds(self, others):
        """Whether all of the others are in it."""
        for at in range(others.count):
            if self.find(others.keys[at]) < 0:
                return False
        return True

    def equals(self, others):
        """Whether the others are the same in the same order."""
        if self.count != others.count:
            return False
        for at in range(self.count):
            if self.keys[at] != others.keys[at]:
                return False
        return True

    def set(self, others):
        """Become the same."""
        for at in range(others.count):
            self.keys[at] = others.keys[at]
        self.count = others.count


class Burst:
    """The kinds of the latest time of day, and what the ones before had."""

    __slots__ = ("_before", "_counts", "_learned", "kinds")

    def __init__(self, counts):
        self.kinds = Kinds()
        self._before = Kinds()
        self._learned = Kinds()
        self._counts = counts

    def note(self, key):
        """A sentence of the latest time of day; whether its kind is new there."""
        if self.kinds.find(key) >= 0:
            return False
        if self.kinds.add(key) < 0:
            counts.add(self._counts, counts.KINDS_FULL)
            return False
        return True

    def begin(self):
        """Another time of day. One sentence lost is no new habit: fewer kinds count twice seen."""
        ended = self.kinds
        if ended.holds(self._learned) or ended.equals(self._before):
            self._learned.set(ended)
        self.kinds, self._before = self._before, ended
        self.kinds.count = 0

    def is_whole(self):
        """Whether all has come that is known to come, the last one last."""
        kinds, learned = self.kinds, self._learned
        if learned.count == 0 or kinds.count == 0:
            return False
        return kinds.keys[kinds.count - 1] == learned.keys[learned.count - 1] and kinds.holds(learned)


class Said:
    """How often each kind said the latest time of day."""

    __slots__ = ("_kinds", "_times")

    def __init__(self):
        self._kinds = Kinds()
        self._times = bytearray(ROOM)

    def begin(self, key):
        """Another time of day, said once."""
        self._kinds.count = 1
        self._kinds.keys[0] = key
        self._times[0] = 1

    def again(self, key):
        """How often a kind has said it now; it counts to 255."""
        at = self._kinds.find(key)
        if at < 0:
            at = self._kinds.add(key)
            if at < 0:
                return 1
            self._times[at] = 0
        if self._times[at] < 255:
            self._times[at] += 1
        return self._times[at]
