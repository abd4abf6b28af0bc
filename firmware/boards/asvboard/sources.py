"""Who sent a frame: address and port as a small integer, as the core wants it; bounded, allocates for new ones only.

The same numbers in the same order as a unit on Linux gives (`asvunit.identity`): 0 the first heard, and when all are
taken that of the longest silent one.
"""

from array import array

_HEARD_MOST = (1 << 29) - 1


class Sources:
    """Maps (address, port) to integers below `capacity`."""

    def __init__(self, capacity):
        self.capacity = capacity
        self.count = 0
        self.replaced = 0  # that gave way
        self._names = [None] * capacity  # by number
        self._numbers = {}
        self._heard = array("i", [0] * capacity)  # by number: when it was heard last, in frames
        self._now = 0

    def number(self, source):
        """The integer of a sender, a new one if it has none."""
        if self._now == _HEARD_MOST:
            self._renew()
        self._now += 1
        number = self._numbers.get(source, -1)
        if number < 0:
            number = self._place()
            self._names[number] = source
            self._numbers[source] = number
        self._heard[number] = self._now
        return number

    def _place(self):
        if self.count < self.capacity:
            self.count += 1
            return self.count - 1
        heard = self._heard
        oldest = 0
        for number in range(1, self.capacity):
            if heard[number] < heard[oldest]:
                oldest = number
        del self._numbers[self._names[oldest]]
        self.replaced += 1
        return oldest

    def _renew(self):
        """The count of frames begins anew, which makes all equally old, once in weeks."""
        self._now = 0
        for number in range(self.capacity):
            self._heard[number] = 0
