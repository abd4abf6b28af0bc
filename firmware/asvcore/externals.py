"""Supports that other systems give: autonomous ones of the car, roadside ones [G 2.6(3), 3.8].

They are repeated while they hold; one that has not been for a second is stale, and ends. To supports and arbiter an
External looks like a neighbour without an id.
"""

from array import array

from . import codes, params
from .gates import FUNCTIONS
from .params import NEVER_MS, NONE

# What stands as the source of a record, by origin: no sender's address is below 0
SOURCE = (NONE, -1, -2)


class External:
    """One support of another system, by origin, function and side."""

    def __init__(self):
        self.origin = codes.ORIGIN_VEHICLE
        self.function = codes.FUNCTION_NONE
        self.direction = 0
        self.source = NONE
        self.vehicle_id = NONE
        self.level = codes.LEVEL_NONE
        self.received_ms = NEVER_MS
        self.period_ms = 0  # between its last two tellings
        self.frozen = False
        self.supports = array("h", [-1] * FUNCTIONS)

    def age_ms(self, now_ms):
        """How long ago it should have been said again."""
        return max(0, now_ms - self.received_ms - self.period_ms)

    def stale(self, now_ms):
        """True when it has not been repeated in time."""
        return now_ms - self.received_ms > params.EXTERNAL_MS

    def free(self):
        """True while nothing is given for it."""
        return self.function == codes.FUNCTION_NONE or self.supports[self.function] < 0


class Externals:
    """A fixed number of them; `dropped` counts words that found no room."""

    def __init__(self):
        self.all = [External() for _ in range(params.EXTERNALS)]
        self.dropped = 0

    def take(self, origin, function, level, direction, now_ms):
        """The external that was told just now; None where there is no room, or where nothing has begun."""
        found = None
        for index in range(len(self.all)):
            one = self.all[index]
            if one.origin == origin and one.function == function and one.direction == direction and not one.free():
                found = one
                break
            if found is None and one.free():
                found = one
        if (found is None or found.free()) and level == codes.LEVEL_NONE:
            return None
        if found is None:
            self.dropped += 1
            return None
        found.origin, found.function, found.direction = origin, function, direction
        found.source = SOURCE[origin]
        found.level = level
        found.period_ms = 0 if found.free() else min(now_ms - found.received_ms, params.EXTERNAL_MS)
        found.received_ms = now_ms
        return found

    def rebase(self, offset_ms):
        """Take an offset off every stored time."""
        for index in range(len(self.all)):
            one = self.all[index]
            one.received_ms = max(one.received_ms - offset_ms, NEVER_MS)
