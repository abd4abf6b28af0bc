"""What ego is about to do: the turn that its winker tells, and the intersection that lies ahead."""

from . import codes, params
from .geometry import angle_between_cdeg
from .params import NEVER_MS, NONE

_FAR_M = 100_000  # of a node: more makes no difference


class Turn:
    """The turn since the winker came on. `begun`: ego's heading has turned to that side [D15]."""

    def __init__(self):
        self.begun = False
        self._side = 0
        self._heading_cdeg = NONE  # when the winker came on, or the first known after; when ego stopped since
        self._seen = False  # turned so far in the course before, too

    def rest(self, heading_cdeg):
        """Ego has stopped: a bend that lies behind it is no turn."""
        self._heading_cdeg = heading_cdeg
        self.begun = self._seen = False

    def signal(self, side, heading_cdeg):
        """The winker's `side`: DIRECTION_ code, 0 off; an unknown one (NONE) leaves the turn as it is."""
        if side != NONE and side != self._side:
            self._side = side
            self._heading_cdeg = heading_cdeg
            self.begun = self._seen = False

    def course(self, heading_cdeg, sure):
        """A new course of the receiver. `sure`: ego is fast enough for one to be believed; else two must say so."""
        if self._side == 0:
            return
        if self._heading_cdeg == NONE:
            self._heading_cdeg = heading_cdeg
            return
        turned_cdeg = angle_between_cdeg(heading_cdeg, self._heading_cdeg)
        right = (heading_cdeg - self._heading_cdeg) % 36000 < 18000
        if turned_cdeg >= params.TURN_BEGUN_DEG * 100 and right == (self._side == codes.DIRECTION_RIGHT):
            self.begun = self.begun or sure or self._seen
            self._seen = True
        else:
            self._seen = False
            if turned_cdeg <= params.TURN_BACK_DEG * 100:
                self.begun = False


class Node:
    """The nearest branching node ahead, as the unit's map tells it [G appendix 1 (33)-(40)]."""

    def __init__(self):
        self.latitude_cas = NONE
        self.longitude_cas = NONE
        self.distance_dm = NONE
        self.priority = NONE  # 1: ego has it there, 0: it has not, NONE: not known
        self._told_ms = NEVER_MS

    def put(self, latitude_cas, longitude_cas, distance_m, priority, now_ms):
        """Take over what the map says; `latitude_cas` NONE: no node ahead."""
        self.latitude_cas = latitude_cas
        self.longitude_cas = longitude_cas
        self.distance_dm = NONE if distance_m == NONE else min(distance_m, _FAR_M) * 10
        self.priority = priority
        self._told_ms = now_ms

    def known(self, now_ms):
        """True while there is a node that the map has told lately."""
        return self.latitude_cas != NONE and now_ms - self._told_ms <= params.NODE_MS

    def rebase(self, offset_ms):
        """Take an offset off every stored time."""
        self._told_ms = max(self._told_ms - offset_ms, NEVER_MS)
