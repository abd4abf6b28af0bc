"""One support: what the driver is given for one target by one function, in one of four states (see supports.py)."""

from . import codes, params
from .params import NEVER_MS, NONE

FREE, ACTIVE, ENDED, HOLD = 0, 1, 2, 3


class Support:
    """One followed pair of function and target; `dirty`: to be reported."""

    def __init__(self):
        self.state = FREE
        self.neighbour = None
        self.function = codes.FUNCTION_NONE
        self.level = codes.LEVEL_NONE
        self.reason = 0
        self.presented = False
        self.superseded = False  # another one speaks for this target, or for this danger
        self.outdated = False  # another system tells clearly newer of this danger
        self.dirty = False
        self.lost = False
        self.order = 0
        self.level_ms = NEVER_MS
        self.presented_ms = NEVER_MS
        self.broken_ms = NONE  # since when its condition is gone; of a held one, since when it is held
        self.passes_ms = NEVER_MS  # when the target will have passed, as it goes now
        self.measured_ms = NEVER_MS
        self.distance_dm = NONE
        self.error_dm = NONE
        self.threshold_dm = NONE
        self.ttc_ms = NONE
        self.origin = codes.ORIGIN_VEHICLE
        self.direction = 0
        self.timing = codes.MODE_INFORMATION_CAUTION  # the presentation mode it follows

    @property
    def hold_until_ms(self):
        """Of a held one."""
        return self.broken_ms + params.HOLD_MS


def urgency(measured):
    """Of a support or a candidate, less is more urgent: time to the conflict, or where there is none the distance."""
    return max(measured.distance_dm, 0) if measured.ttc_ms == NONE else measured.ttc_ms
