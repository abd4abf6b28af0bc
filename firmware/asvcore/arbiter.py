"""Which supports reach the driver: danger first, then first come, two in parallel [G 3.8, 5.2, 2.6(3), D18].

Danger is the level, then whether the target still comes, then the function's rank, then how near the conflict is.
What is presented gives way only to more: a higher level at once, a better rank or a nearer target of the same level
after the minimum presentation [D14]; what only tells who is around gives way to everything at once. One danger is
told once: by the function of the better rank, by the more trusted or clearly fresher source.
"""

from . import codes, params
from .supports import HOLD, RANK

# Function: so much nearer counts as more dangerous (ours): ms, for the last two dm
_NEARER = (0, 1000, 1000, 1000, 100, 200)


def _grade(support):
    if support.function == codes.FUNCTION_SURROUNDING:
        return 1
    return support.level * 2 + (0 if support.state == HOLD else 1)


def _before(one, other):
    """True if one is more dangerous than the other, or came first."""
    if _grade(one) != _grade(other):
        return _grade(one) > _grade(other)
    if RANK[one.function] != RANK[other.function]:
        return RANK[one.function] < RANK[other.function]
    if one.state == HOLD and one.hold_until_ms != other.hold_until_ms:
        return one.hold_until_ms > other.hold_until_ms
    if one.state != HOLD and one.urgency != other.urgency:
        return one.urgency < other.urgency
    return one.order < other.order


class Arbiter:
    """Sets `presented` of each support; `primary` is the one that light and sound speak for."""

    def __init__(self, settings, supports):
        self._parallel = settings.parallel
        self._pool = supports.pool
        self.primary = None

    def decide(self, now_ms):
        """Choose anew; changes of `presented` mark the support dirty."""
        shown = 0
        for index in range(len(self._pool)):
            support = self._pool[index]
            if support.level != codes.LEVEL_NONE:
                self._supersede(support, now_ms)
            if support.presented and (support.level == codes.LEVEL_NONE or support.superseded):
                self._present(support, False, now_ms)
            elif support.presented:
                shown += 1
        while True:
            waiting = self._best_waiting()
            if waiting is None:
                break
            if shown < self._parallel:
                shown += 1
            else:
                worst = self._worst_shown()
                if not self._displaces(waiting, worst, now_ms):
                    break
                self._present(worst, False, now_ms)
            self._present(waiting, True, now_ms)
        self._choose_primary()

    def _present(self, support, presented, now_ms):
        support.presented = presented
        support.dirty = True
        if presented:
            support.presented_ms = now_ms

    def _supersede(self, support, now_ms):
        """Whether another support speaks for the same target or the same danger."""
        superseded = False
        for index in range(len(self._pool)):
            other = self._pool[index]
            if other is support or other.level < support.level or other.level == codes.LEVEL_NONE:
                continue
            if other.neighbour is support.neighbour:
                superseded = RANK[other.function] < RANK[support.function]
            elif other.origin != support.origin and other.function == support.function:
                if not support.direction or not other.direction or support.direction & other.direction:
                    superseded = other.level > support.level or _trusted(other, support, now_ms)
            if superseded:
                break
        if superseded != support.superseded:
            support.superseded = superseded
            support.dirty = support.dirty or not support.presented

    def _best_waiting(self):
        best = None
        for index in range(len(self._pool)):
            support = self._pool[index]
            if support.level > codes.LEVEL_NONE and not support.presented and not support.superseded:
                if best is None or _before(support, best):
                    best = support
        return best

    def _worst_shown(self):
        worst = None
        for index in range(len(self._pool)):
            support = self._pool[index]
            if support.presented and (worst is None or _before(worst, support)):
                worst = support
        return worst

    def _displaces(self, one, shown, now_ms):
        if _grade(one) != _grade(shown):
            return _grade(one) > _grade(shown)
        if shown.state == HOLD:
            return False
        if now_ms - shown.presented_ms < params.MINIMUM_PRESENTATION_MS:
            return False
        if RANK[one.function] != RANK[shown.function]:
            return RANK[one.function] < RANK[shown.function]
        return one.urgency + _NEARER[one.function] <= shown.urgency

    def _choose_primary(self):
        best = None
        for index in range(len(self._pool)):
            support = self._pool[index]
            if support.presented and (best is None or _before(support, best)):
                best = support
        old = self.primary
        keeps = old is not None and old.presented and best is not None and _grade(old) == _grade(best)
        if not (keeps and old.function == best.function and best.urgency + _NEARER[best.function] > old.urgency):
            self.primary = best


def _trusted(one, other, now_ms):
    """True if one is trusted more than the other of the same danger: autonomous, roadside, V2V; fresher outranks."""
    one_age_ms, other_age_ms = one.neighbour.age_ms(now_ms), other.neighbour.age_ms(now_ms)
    if abs(one_age_ms - other_age_ms) > params.FRESHER_MS:
        return one_age_ms < other_age_ms
    return one.origin > other.origin
