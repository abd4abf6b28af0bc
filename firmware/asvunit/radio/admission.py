"""Which signed frames are worth a signature's verification: forged trailers must not starve genuine ones.

What cannot be genuine was refused before; the rest may be anybody's. A verification costs a fifth of a millisecond,
so few can be had, and they go by rank:

    FOLLOWED  the source whose frame of this key was genuine last, in the rhythm of its sending
    ASIDE     that source out of its rhythm
    STEADY    another source that goes on plausibly, and of which no forged frame is known
    NEW       any other source of a key that is not followed now
    LAST      sources of forged frames, and any other source of a followed key: a key is one vehicle's

Who hands genuine frames on, for which a crowd has left the vehicle itself no place, may want to be followed in its
stead. So a source that is followed stays so until nothing genuine has come of it for a while, and another one of the
key has a place beside it, at half the share each.

All share one bucket, of which each rank leaves a part to those before it. A key's frames beside the followed ones
have a bucket of their own, so that a flood in the name of one key leaves room for others; and in the rhythm of a
followed vehicle each frame of a crowd has the same chance, wherever in the crowd it stands. Whoever copies a
vehicle's source, key id and rhythm can thin its verdicts out, but neither ends them nor touches other vehicles'.

All times are those of the frames, in ns; memory is bounded by the keys and by `SOURCES`.
"""

from collections import OrderedDict
from collections.abc import Iterable
from random import Random
from typing import Final

from asvcore.params import TRANSMISSION_INTERVAL_MS

FOLLOWED, ASIDE, STEADY, NEW, LAST = range(5)
VERIFICATIONS_A_SECOND: Final = 300  # more than the ten a second of each of twenty vehicles
BURST: Final = 60
SOURCES: Final = 2048  # not followed, that are remembered
_LEFT: Final = (0, 10, 14, 22, 40)  # of the burst to the ranks before, by rank
_LEFT_OF_KEY: Final = (0, 0, 0, 4, 4)  # the same of a bucket of one key or rank
_FOLLOWED_A_SECOND: Final = 150  # of one key
_OTHERS_A_SECOND: Final = 100  # of one key
_LAST_A_SECOND: Final = 60
_FOLLOWED_PLACES: Final = 12  # for frames of one interval in a vehicle's rhythm
_SOURCE_PLACES: Final = 2  # for frames of one interval of any other source
_MS_NS: Final = 1_000_000
_SECOND_NS: Final = 1000 * _MS_NS
_INTERVAL_NS: Final = TRANSMISSION_INTERVAL_MS * _MS_NS
_RHYTHM_NS: Final = 6 * _MS_NS  # from the time at which a frame was to come, either way
FOLLOWED_NS: Final = 30 * _SECOND_NS  # since the last genuine frame; an attack may thin them out for a while
KEPT_NS: Final = 10 * _SECOND_NS  # since then no other source of the key is followed
_STEADY_FRAMES: Final = 3
_APART_NS: Final = _INTERVAL_NS // 2  # nearer together they are of one interval
_GAP_NS: Final = 1100 * _MS_NS  # ten lost frames: a source goes on after it
_SLACK_NS: Final = 150 * _MS_NS  # of the times it tells against those of arrival


class Bucket:
    """So many a second, and so many at once. What one costs varies, lest who sends regularly always comes too soon."""

    __slots__ = ("_chance", "_full_ns", "_last_ns", "_level_ns", "_period_ns")

    def __init__(self, a_second: int, burst: int, chance: Random) -> None:
        self._chance = chance
        self._period_ns = _SECOND_NS // a_second
        self._full_ns = self._level_ns = burst * self._period_ns
        self._last_ns = 0

    def has(self, now_ns: int, left: int = 0) -> bool:
        """Whether one can be taken now such that `left` remain."""
        gained_ns = now_ns - self._last_ns
        if gained_ns > 0:
            self._level_ns = min(self._level_ns + gained_ns, self._full_ns)
            self._last_ns = now_ns
        elif gained_ns < -_SECOND_NS:  # no frame a little out of order: times begin anew
            self._last_ns, self._level_ns = now_ns, self._full_ns
        return self._level_ns >= (left + 1) * self._period_ns

    def take(self) -> None:
        self._level_ns -= self._period_ns // 2 + int(self._chance.random() * self._period_ns)


class _Crowd:
    """The frames of one interval, of which so many have a place: in a larger crowd each has the same chance.

    A crowd that grows beyond the last one's takes up to twice as many.
    """

    __slots__ = ("_before", "_count", "_since_ns", "_taken")

    def __init__(self) -> None:
        self._since_ns = self._count = self._before = self._taken = 0

    def has_place(self, now_ns: int, places: int, chance: Random) -> bool:
        since_ns = abs(now_ns - self._since_ns)
        if since_ns > _APART_NS:
            self._before = self._count if since_ns < 2 * _INTERVAL_NS else 0
            self._since_ns, self._count, self._taken = now_ns, 0, 0
        self._count += 1
        most = max(self._before, self._count)
        if most > places and (self._taken >= 2 * places or chance.random() * most >= places):
            return False
        self._taken += 1
        return True


class _Place:
    """A followed source, from its last genuine frame on."""

    __slots__ = ("crowd", "heard_ns", "source")

    def __init__(self, source: str = "", heard_ns: int = -FOLLOWED_NS - 1) -> None:
        self.source, self.heard_ns = source, heard_ns
        self.crowd = _Crowd()

    def within(self, for_ns: int, now_ns: int) -> bool:
        return -for_ns <= now_ns - self.heard_ns <= for_ns

    def in_rhythm(self, now_ns: int) -> bool:
        off_ns = (now_ns - self.heard_ns + _INTERVAL_NS // 2) % _INTERVAL_NS - _INTERVAL_NS // 2
        return -_RHYTHM_NS <= off_ns <= _RHYTHM_NS


class _Followed:
    """A key's vehicle: where its genuine frames come from."""

    __slots__ = ("_beside", "_kept", "bucket")

    def __init__(self, chance: Random) -> None:
        self._kept, self._beside = _Place(), _Place()
        self.bucket = Bucket(_FOLLOWED_A_SECOND, 2 * _FOLLOWED_PLACES, chance)

    def now(self, now_ns: int) -> bool:
        return self._kept.within(FOLLOWED_NS, now_ns) or self._beside.within(FOLLOWED_NS, now_ns)

    def place(self, source: str, now_ns: int) -> _Place | None:
        """Of a source that is followed now."""
        for one in (self._kept, self._beside):
            if one.source == source and one.within(FOLLOWED_NS, now_ns):
                return one
        return None

    def places(self, now_ns: int) -> int:
        """For frames of one interval of each."""
        return _FOLLOWED_PLACES // 2 if self._beside.within(KEPT_NS, now_ns) else _FOLLOWED_PLACES

    def genuine(self, source: str, heard_ns: int) -> None:
        """A source is followed from now on."""
        place = self.place(source, heard_ns)
        if self._kept is not place and not self._kept.within(KEPT_NS, heard_ns):
            if place is not None:
                self._beside = _Place()
            self._kept = place or _Place(source)
            place = self._kept
        elif place is None:
            place = self._beside = _Place(source)
        place.heard_ns = heard_ns


class _Source:
    """A source that is not followed, of one key."""

    __slots__ = ("_arrival_ns", "_frames", "_time_ms", "crowd", "forged")

    def __init__(self, now_ns: int, time_ms: int) -> None:
        self._arrival_ns, self._time_ms = now_ns, time_ms
        self._frames = 1
        self.forged = False
        self.crowd: _Crowd | None = None  # from the second frame on

    def hear(self, now_ns: int, time_ms: int) -> None:
        """Count a frame that goes on where the last one was; one that does not begins anew."""
        if self.crowd is None:
            self.crowd = _Crowd()
        way_ns = now_ns - self._arrival_ns
        if 0 <= way_ns < _APART_NS:
            return
        told_ns = (time_ms - self._time_ms) * _MS_NS
        goes_on = 0 < way_ns <= _GAP_NS and told_ns > 0 and abs(told_ns - way_ns) <= _SLACK_NS
        self._frames = self._frames + 1 if goes_on else 1
        self._arrival_ns, self._time_ms = now_ns, time_ms

    @property
    def steady(self) -> bool:
        return self._frames >= _STEADY_FRAMES


class Admission:
    """Gives each frame its rank, or refuses it. For one thread."""

    def __init__(self, key_ids: Iterable[int], seed: int | None = None) -> None:
        """`seed` decides whom a crowd's lots fall on; None: nobody can tell beforehand."""
        ids = tuple(key_ids)
        chance = self._chance = Random(seed)  # noqa: S311 - lots, no secrets
        self._all = Bucket(VERIFICATIONS_A_SECOND, BURST, chance)
        self._last = Bucket(_LAST_A_SECOND, 6, chance)
        self._followed = {each: _Followed(chance) for each in ids}
        self._others = {each: Bucket(_OTHERS_A_SECOND, 12, chance) for each in ids}
        self._once: OrderedDict[tuple[int, str], _Source] = OrderedDict()  # heard once: a flood's sources end here
        self._again: OrderedDict[tuple[int, str], _Source] = OrderedDict()

    def rank(self, key_id: int, source: str, time_ms: int, now_ns: int) -> int:
        """The rank by which a timely frame of a known key is verified; -1: it is not."""
        followed = self._followed[key_id]
        others = self._others[key_id]
        place = followed.place(source, now_ns)
        if place is None:
            one = self._source((key_id, source), now_ns, time_ms)
            return self._newcomer(one, LAST if followed.now(now_ns) else NEW, others, now_ns)
        if not place.in_rhythm(now_ns):
            return self._admit(ASIDE, now_ns, others)
        if not place.crowd.has_place(now_ns, followed.places(now_ns), self._chance):
            return -1
        return self._admit(FOLLOWED, now_ns, followed.bucket)

    def _newcomer(self, one: _Source, rank: int, others: Bucket, now_ns: int) -> int:
        """`rank`: of one that is not known to be steady."""
        if one.crowd is not None and not one.crowd.has_place(now_ns, _SOURCE_PLACES, self._chance):
            return -1
        if one.forged:
            rank = LAST
        elif one.steady:
            rank = STEADY
        return self._admit(rank, now_ns, *((others, self._last) if rank == LAST else (others,)))

    def conclude(self, key_id: int, source: str, heard_ns: int, genuine: bool) -> None:
        """What came of a frame that had a rank."""
        followed = self._followed[key_id]
        if genuine:
            followed.genuine(source, heard_ns)
            self._once.pop((key_id, source), None)
            self._again.pop((key_id, source), None)
        elif followed.place(source, heard_ns) is None:  # else somebody copies it
            one = self._again.get((key_id, source)) or self._once.get((key_id, source))
            if one is not None:
                one.forged = True

    def _admit(self, rank: int, now_ns: int, *buckets: Bucket) -> int:
        for bucket in buckets:
            if not bucket.has(now_ns, _LEFT_OF_KEY[rank]):
                return -1
        if not self._all.has(now_ns, _LEFT[rank]):
            return -1
        self._all.take()
        for bucket in buckets:
            bucket.take()
        return rank

    def _source(self, key: tuple[int, str], now_ns: int, time_ms: int) -> _Source:
        one = self._again.get(key)
        if one is not None:
            self._again.move_to_end(key)
            one.hear(now_ns, time_ms)
            return one
        one = self._once.pop(key, None)
        if one is None:
            one = self._once[key] = _Source(now_ns, time_ms)
            sources = self._once
        else:
            one.hear(now_ns, time_ms)
            self._again[key] = one
            sources = self._again
        if len(sources) > SOURCES:
            sources.popitem(last=False)
        return one
