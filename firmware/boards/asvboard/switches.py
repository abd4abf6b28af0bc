"""The driver's switches: a level counts once it has held for 20 ms, for contacts bounce. To ground, with pull-ups."""

from array import array

from asvcore.params import NEVER_MS

SETTLED_MS = 20
NOTHING = -1


class Switches:
    """`pins`: in the order of the SWITCH_ codes, each with `value()`; 0 is pressed.

    A switch that is held when it is first seen is not pressed, and its first release is none.
    """

    def __init__(self, pins):
        self._pins = pins
        count = len(pins)
        self._levels = array("b", [1 - pin.value() for pin in pins])
        self._seen = array("b", self._levels)
        self._seen_ms = array("i", [NEVER_MS] * count)
        self._ignored = array("b", self._levels)

    def poll(self, now_ms):
        """A press or release that has held: twice the switch's code, and 1 more for a press; NOTHING: none."""
        for switch in range(len(self._pins)):
            level = 1 - self._pins[switch].value()
            if level != self._seen[switch]:
                self._seen[switch] = level
                self._seen_ms[switch] = now_ms
            elif level != self._levels[switch] and now_ms - self._seen_ms[switch] >= SETTLED_MS:
                self._levels[switch] = level
                if self._ignored[switch]:
                    self._ignored[switch] = 0
                else:
                    return 2 * switch + level
        return NOTHING

    def rebase(self, offset_ms):
        """Take an offset off every stored time."""
        for switch in range(len(self._pins)):
            self._seen_ms[switch] = max(self._seen_ms[switch] - offset_ms, NEVER_MS)
