"""Which supports reach the driver: danger first, then first come, two in parallel [G 3.8, 5.2, 2.6(3), D18].

Danger is the level, then whether the target still comes, then the function's rank, then how near the conflict is.
What is presented gives way only to more: a higher level at once, a better rank or a nearer target of the same level
after the minimum presentation [D14]; what only tells who is around gives way to everything at once. One danger is
told once: by the function of the better rank; of several systems by the higher level, the clearly fresher word, the
more trusted source, in this order.
"""

from . import codes, params
from .neighbour import age_ms
from .support import HOLD, urgency
from .supports import RANK

# By function: so much nearer counts as more dangerous; of surrounding and emergency vehicles the way
_NEARER = (0, params.NEARER_MS, params.NEARER_MS, params.NEARER_MS, params.NEARER_DM, params.NEARER_DM)


def _grade(support):
    if support.function == codes.FUNCTION_SURROUNDING and support.level < codes.LEVEL_CAUTION:
        return 1
    return support.level * 2 + (0 if support.state == HOLD else 1)


def _before(one, other):
    """True if one is more dangerous than the other, or came first."""
    if _grade(one) != _grade(other):
        return _grade(one) > _grade(other)
    if RANK[one.function] != RANK[other.function]:
        return RANK[one.function] < RANK[other.function]
    if one.state == HOLD:
        if one.broken_ms != other.broken_ms:
            return one.broken_ms > other.broken_ms
    else:
        one_urgency, other_urgency = urgency(one), urgency(other)
        if one_urgency != other_urgency:
            return one_urgency < other_urgency
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
        for support in self._pool:
            if support.level != codes.LEVEL_NONE:
                support.outdated = self._outdated(support, now_ms)
        for support in self._pool:
            if support.level != codes.LEVEL_NONE:
                self._supersede(support)
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

    def _outdated(self, support, now_ms):
        """Whether another system tells clearly newer of a support's danger, at the same level [G 2.6(3)]."""
        newer_ms = age_ms(support.neighbour, now_ms) - params.FRESHER_MS
        if newer_ms <= 0:
            return False
        for other in self._pool:
            if other.origin != support.origin and _tells(other, support) and _grade(other) == _grade(support):
                if age_ms(other.neighbour, now_ms) < newer_ms:
                    return True
        return False

    def _supersede(self, support):
        """Whether another support speaks for the same target or the same danger."""
        superseded = False
        for other in self._pool:
            if other is support or other.level == codes.LEVEL_NONE:
                continue
            if other.neighbour is support.neighbour:
                superseded = _grade(other) >= _grade(support) and RANK[other.function] < RANK[support.function]
            elif other.origin != support.origin and _tells(other, support):
                superseded = _outranks(other, support)
            if superseded:
                break
        if superseded != support.superseded:
            support.superseded = superseded
            support.dirty = support.dirty or not support.presented

    def _best_waiting(self):
        best = None
        for support in self._pool:
            if support.level > codes.LEVEL_NONE and not support.presented and not support.superseded:
                if best is None or _before(support, best):
                    best = support
        return best

    def _worst_shown(self):
        worst = None
        for support in self._pool:
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
        return urgency(one) + _NEARER[one.function] <= urgency(shown)

    def _choose_primary(self):
        best = None
        for support in self._pool:
            if support.presented and (best is None or _before(support, best)):
                best = support
        old = self.primary
        keeps = old is not None and old.presented and best is not None and _grade(old) == _grade(best)
        if not (keeps and old.function == best.function and urgency(best) + _NEARER[best.function] > urgency(old)):
            self.primary = best


def _tells(one, other):
    """True if one, another system's support, tells all that the other does: the same function and sides."""
    if one.level == codes.LEVEL_NONE or one.function != other.function:
        return False
    return _sides(other) & ~_sides(one) == 0


def _sides(support):
    """Where a support's danger is, in DIRECTION_ bits: what tells no side speaks for both."""
    if support.function == codes.FUNCTION_RIGHT_TURN or support.function == codes.FUNCTION_LEFT_TURN:
        return 0  # the turn itself says it
    return support.direction or codes.DIRECTION_LEFT | codes.DIRECTION_RIGHT


def _outranks(one, other):
    """True if one's word counts more than the other's of the same danger: autonomous, roadside, V2V; fresher first.

    An order of them all, and `_tells` is transitive: one that nothing outranks is left for every danger.
    """
    if _grade(one) != _grade(other):
        return _grade(one) > _grade(other)
    if one.outdated != other.outdated:
        return other.outdated
    return one.origin > other.origin
