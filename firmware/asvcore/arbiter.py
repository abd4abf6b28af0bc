"""Which supports reach the driver: danger first, then first come, two in parallel [G 3.8, 5.2, D18].

Danger is the level, then whether the target still comes, then the function's rank, then the time to the
crossing point. What is presented gives way only to more: a higher level at once, a nearer target of the
same level after the minimum presentation [D14].
"""

from . import codes, params
from .supports import HOLD

# Rank of the functions: crossing before turns, surrounding last [G 5.2]
_RANK = (9, 1, 2, 2, 3, 0)
_NEARER_MS = 1000  # a difference in time that counts as more dangerous (ours)


def _grade(support):
    return support.level * 2 + (0 if support.state == HOLD else 1)


def _before(one, other):
    """True if one is more dangerous than the other, or came first."""
    if _grade(one) != _grade(other):
        return _grade(one) > _grade(other)
    if _RANK[one.function] != _RANK[other.function]:
        return _RANK[one.function] < _RANK[other.function]
    if one.state == HOLD and one.hold_until_ms != other.hold_until_ms:
        return one.hold_until_ms > other.hold_until_ms
    if one.state != HOLD and one.ttc_ms != other.ttc_ms:
        return one.ttc_ms < other.ttc_ms
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
            if support.presented and support.level == codes.LEVEL_NONE:
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

    def _best_waiting(self):
        best = None
        for index in range(len(self._pool)):
            support = self._pool[index]
            if support.level > codes.LEVEL_NONE and not support.presented:
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
        return _RANK[one.function] < _RANK[shown.function] or (
            _RANK[one.function] == _RANK[shown.function] and one.ttc_ms + _NEARER_MS <= shown.ttc_ms
        )

    def _choose_primary(self):
        best = None
        for index in range(len(self._pool)):
            support = self._pool[index]
            if support.presented and (best is None or _before(support, best)):
                best = support
        old = self.primary
        keeps = old is not None and old.presented and best is not None and _grade(old) == _grade(best)
        if not (keeps and old.function == best.function and best.ttc_ms + _NEARER_MS > old.ttc_ms):
            self.primary = best
