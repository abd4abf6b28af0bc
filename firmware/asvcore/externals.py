"""Supports that other systems give: autonomous ones of the car, roadside ones [G 2.6(3), 3.8].

They are repeated while they hold; one that has not been for a second is stale, and ends. To supports and arbiter an
external is a neighbour without an id: a row (neighbour.py) of a few cells more of its own.
"""

from . import codes, params
from .neighbour import DELAY_MS, FLAGS, FOLLOWED, FROZEN, KEY, RECEIVED_MS
from .params import NEVER_MS, NONE

# What stands as the source of a record, by origin: no sender's address is below 0
SOURCE = (NONE, -1, -2)

# Further cells of the row; KEY is its SOURCE, DELAY_MS the time between its last two tellings, below 0
FUNCTION = 9
DIRECTION = 10
LEVEL = 11
EXTERNAL_WIDTH = 12


def stale(external, now_ms):
    """True when it has not been repeated in time."""
    return now_ms - external[RECEIVED_MS] > params.EXTERNAL_MS


def free(external):
    """True while nothing is given for it."""
    return external[FUNCTION] == codes.FUNCTION_NONE or external[external[FUNCTION]] < FOLLOWED


class Externals:
    """A fixed number of them, by origin, function and side; `dropped` counts words that found no room."""

    def __init__(self):
        self.all = [[0] * EXTERNAL_WIDTH for _ in range(params.EXTERNALS)]
        for external in self.all:
            external[KEY] = NONE
            external[FLAGS] = FROZEN
            external[RECEIVED_MS] = NEVER_MS
        self.dropped = 0

    def take(self, origin, function, level, direction, now_ms):
        """The external that was told just now; None where there is no room, or where nothing has begun."""
        found = None
        for one in self.all:
            if free(one):
                if found is None:
                    found = one
            elif one[KEY] == SOURCE[origin] and one[FUNCTION] == function and one[DIRECTION] == direction:
                found = one
                break
        if (found is None or free(found)) and level == codes.LEVEL_NONE:
            return None
        if found is None:
            self.dropped += 1
            return None
        found[KEY], found[FUNCTION], found[DIRECTION] = SOURCE[origin], function, direction
        found[LEVEL] = level
        found[DELAY_MS] = 0 if free(found) else -min(now_ms - found[RECEIVED_MS], params.EXTERNAL_MS)
        found[RECEIVED_MS] = now_ms
        return found

    def rebase(self, offset_ms):
        """Take an offset off every stored time."""
        for one in self.all:
            one[RECEIVED_MS] = max(one[RECEIVED_MS] - offset_ms, NEVER_MS)
