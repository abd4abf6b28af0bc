"""The switch behind bulbs: a winker's lever told from lamps that flash, a hazard switch from both of them.

A bulb flashes 60 to 120 times a minute and is dark for up to 0.7 s between two flashes. Bulbs that were heard for
too short a time, that have lit without a pause, or that cannot be told apart give no answer rather than a wrong one.
"""

from .params import NEVER_MS

DARK = 0
LIT = 1
NEITHER, LEFT, RIGHT, BOTH, UNTOLD = range(5)  # what the bulbs say

STEADY_MS = 2000  # lit for longer without a pause: this is no flashing


class Bulb:
    """One bulb as frames tell it; dark for longer than `gap_ms`, it flashes no more."""

    def __init__(self, gap_ms):
        self._gap_ms = gap_ms
        self.level = -1  # unknown
        self.sure = False  # it has been seen dark since it was unknown: what lights then is a flash
        self.heard_ms = NEVER_MS
        self.since_ms = NEVER_MS  # heard without a gap since then
        self.first_ms = NEVER_MS  # its first flash of those that go on
        self.rise_ms = NEVER_MS  # its last flash
        self.lit_ms = NEVER_MS  # last seen alight, or going dark

    def put(self, level, now_ms, timeout_ms):
        """Takes over a state: DARK, LIT, or below 0 where the car does not say."""
        if level < 0:
            self.level = -1
            return
        if self.level < 0 or not -timeout_ms <= now_ms - self.heard_ms <= timeout_ms:
            self._begin(now_ms)
        elif level == DARK and self.steady(now_ms):
            self._begin(now_ms)  # the end of that is no pause between flashes
        if level == DARK:
            self.sure = True
        elif self.sure and self.level == DARK:
            if not self.flashing(now_ms):
                self.first_ms = now_ms
            self.rise_ms = now_ms
        if self.rise_ms != NEVER_MS and (level == LIT or self.level == LIT):
            self.lit_ms = now_ms
        self.level = level
        self.heard_ms = now_ms

    def _begin(self, now_ms):
        self.since_ms = now_ms
        self.rise_ms = self.lit_ms = NEVER_MS
        self.level = DARK
        self.sure = False

    def flashing(self, now_ms):
        """Alight, or so shortly ago that the next flash may come."""
        return self.level == LIT or (self.lit_ms != NEVER_MS and now_ms - self.lit_ms <= self._gap_ms)

    def steady(self, now_ms):
        """Alight without a pause for longer than a flash is."""
        return self.level == LIT and self.rise_ms != NEVER_MS and now_ms - self.rise_ms > STEADY_MS

    def rebase(self, offset_ms):
        """Take an offset off every stored time."""
        self.heard_ms = max(self.heard_ms - offset_ms, NEVER_MS)
        self.since_ms = max(self.since_ms - offset_ms, NEVER_MS)
        self.first_ms = max(self.first_ms - offset_ms, NEVER_MS)
        self.rise_ms = max(self.rise_ms - offset_ms, NEVER_MS)
        self.lit_ms = max(self.lit_ms - offset_ms, NEVER_MS)


class Pair:
    """The bulbs of both sides.

    `gap_ms`: dark for longer, a bulb is off. `pair_ms`: both begin to light within it when they flash together.
    `wait_ms`: how long after its first flash a bulb alone is believed to be alone (0: both come in one frame).
    """

    def __init__(self, gap_ms, pair_ms, wait_ms):
        self.left = Bulb(gap_ms)
        self.right = Bulb(gap_ms)
        self._gap_ms = gap_ms
        self._pair_ms = pair_ms
        self._wait_ms = wait_ms
        self._together = False

    def told(self, now_ms):
        """NEITHER, LEFT, RIGHT, BOTH (together) or UNTOLD; both bulbs must be fresh."""
        left = self.left
        right = self.right
        if left.level < 0 or right.level < 0 or left.steady(now_ms) or right.steady(now_ms):
            return UNTOLD
        if not left.sure or not right.sure:
            return UNTOLD  # alight since they were first heard
        on_left = left.flashing(now_ms)
        on_right = right.flashing(now_ms)
        if on_left and on_right:
            later_ms = max(left.rise_ms, right.rise_ms)
            if later_ms - min(left.rise_ms, right.rise_ms) <= self._pair_ms:
                self._together = True
            elif now_ms - later_ms > self._pair_ms:
                self._together = False  # else the other's next flash may be on its way
            return BOTH if self._together else UNTOLD
        self._together = False
        if not on_left and not on_right:
            heard_ms = now_ms - max(left.since_ms, right.since_ms)
            return NEITHER if heard_ms >= self._gap_ms else UNTOLD
        alone = left if on_left else right
        other = right if on_left else left
        if min(now_ms, other.heard_ms) - alone.first_ms < self._wait_ms or alone.rise_ms <= other.lit_ms:
            return UNTOLD  # not alone for certain: the other may follow, or both ended a moment ago
        return LEFT if on_left else RIGHT

    def rebase(self, offset_ms):
        """Take an offset off every stored time."""
        self.left.rebase(offset_ms)
        self.right.rebase(offset_ms)
