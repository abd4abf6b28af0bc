"""Forged and replayed emergency frames in floods: genuine vehicles are verified all the same, at a bounded cost."""

import random
import struct
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import pytest
from cryptography.exceptions import InvalidSignature

from asvunit.authority import Authority
from asvunit.ports import RadioFrame
from asvunit.radio.admission import BURST, SOURCES, VERIFICATIONS_A_SECOND, Admission, Bucket

NOW_MS = 1_790_000_000_000
MS = 1_000_000
SECOND = 1000 * MS
GENUINE = b"G" * 64
HOME = "192.0.2.1:40000"
Sent = tuple[int, str, int, bytes]  # ns since the begin, source, key id, signature


class Key:
    """Takes one signature for genuine, at no cost, and remembers when it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def verify(self, signature: bytes, _data: bytes) -> None:
        self.asked += 1
        if signature != GENUINE:
            raise InvalidSignature


def frame(sent: Sent) -> RadioFrame:
    at_ns, source, key_id, signature = sent
    payload = bytes(100) + b"PV" + struct.pack(">IQ", key_id, NOW_MS + at_ns // MS) + signature
    return RadioFrame(NOW_MS * MS + at_ns, source, payload)


def genuine(source: str = HOME, key_id: int = 5, seconds: float = 10.0, begin_ms: float = 0) -> list[Sent]:
    """A vehicle that sends on the grid, heard a little late each time."""
    chance = random.Random(f"{source} {key_id}")
    times = range(int(begin_ms * MS), int(seconds * SECOND), 100 * MS)
    return [(at_ns + chance.randrange(2 * MS), source, key_id, GENUINE) for at_ns in times]


def flood(a_second: int, source: str, key_id: int, seconds: float = 10.0, seed: int = 1) -> list[Sent]:
    """Forged frames at random times; `source` with a {} is another for each."""
    chance = random.Random(seed)
    times = sorted(chance.randrange(int(seconds * SECOND)) for _ in range(int(a_second * seconds)))
    return [(at, source.format(n), key_id, b"%064d" % n) for n, at in enumerate(times)]


def heard(*streams: list[Sent], keys: int = 5, seed: int = 1) -> "Told":
    return Told(sorted(one for stream in streams for one in stream), keys, seed)


class Told:
    """What an authority with keys 5, 6 ... says to frames in the order of their arrival."""

    def __init__(self, sent: list[Sent], keys: int, seed: int) -> None:
        key = Key()
        self.authority = Authority(dict.fromkeys(range(5, 5 + keys), key), seed)  # type: ignore[arg-type]
        self.accepted: dict[int, list[int]] = {}  # ns of genuine frames by key
        self.asked: Counter[int] = Counter()  # verifications by second
        self.verdicts: list[str] = []
        for one in sent:
            before = key.asked
            verdict = self.authority.judge(frame(one), NOW_MS + one[0] // MS)
            self.asked[one[0] // SECOND] += key.asked - before
            self.verdicts.append(verdict)
            if not verdict:
                self.accepted.setdefault(one[2], []).append(one[0])
        assert max(self.asked.values()) <= 1.1 * (VERIFICATIONS_A_SECOND + BURST)

    def share(self, sent: list[Sent]) -> float:
        return len(self.accepted.get(sent[0][2], [])) / len(sent)

    def longest_ms(self, key_id: int = 5, seconds: float = 10.0) -> float:
        """The longest time without a genuine frame, the begin and the end counted."""
        times = [0, *self.accepted.get(key_id, []), int(seconds * SECOND)]
        return max(b - a for a, b in pairwise(times)) / MS


def test_without_an_attack_every_frame_of_thirty_vehicles_is_verified() -> None:
    vehicles = [genuine(f"192.0.2.{n}:40000", 5 + n, begin_ms=3.1 * n) for n in range(28)]
    told = heard(*vehicles, keys=28)
    assert [told.share(one) for one in vehicles] == [1.0] * 28


def test_vehicles_that_all_begin_at_once_are_all_followed_soon() -> None:
    vehicles = [genuine(f"192.0.2.{n}:40000", 5 + n) for n in range(28)]
    told = heard(*vehicles, keys=28)
    assert all(told.longest_ms(5 + n) < 500 for n in range(28))


FORGERS = {
    "one source": "192.0.2.66:6666",
    "a new source each": "10.0.0.0:{}",
}


@pytest.mark.parametrize("source", FORGERS.values(), ids=FORGERS)
@pytest.mark.parametrize("begin_ms", [0, 3000], ids=["already followed", "comes while it goes on"])
def test_a_flood_in_its_name_from_elsewhere_does_not_touch_a_vehicle(source: str, begin_ms: int) -> None:
    vehicle = genuine(begin_ms=begin_ms)
    forged = flood(3000, source, 5, 9.0)
    if not begin_ms:
        forged = [(at_ns + 150 * MS, *rest) for at_ns, *rest in forged]  # type: ignore[misc]
    told = heard(vehicle, forged)
    first_ns = told.accepted[5][0]
    assert first_ns - begin_ms * MS < 1000 * MS
    assert len(told.accepted[5]) == sum(at_ns >= first_ns for at_ns, *_rest in vehicle)


def test_floods_in_all_names_do_not_touch_followed_vehicles() -> None:
    vehicles = [genuine(f"192.0.2.{n}:40000", 5 + n, begin_ms=17 * n) for n in range(5)]
    floods = [flood(800, "10.0.0.0:{}", 5 + n, 9.0, n) for n in range(5)]
    floods = [[(at_ns + 300 * MS, *rest) for at_ns, *rest in one] for one in floods]  # type: ignore[misc]
    told = heard(*vehicles, *floods)
    assert [told.share(one) for one in vehicles] == [1.0] * 5


def test_floods_in_the_names_of_vehicles_that_are_not_there_do_not_touch_those_that_are() -> None:
    vehicles = [genuine(f"192.0.2.{n}:40000", 5 + n, begin_ms=17 * n) for n in range(5)]
    floods = [flood(400, "10.0.0.0:{}", 10 + n, 10.0, n) for n in range(12)]
    floods = [[(at_ns + 300 * MS, *rest) for at_ns, *rest in one] for one in floods]  # type: ignore[misc]
    told = heard(*vehicles, *floods, keys=20)
    assert [told.share(one) for one in vehicles] == [1.0] * 5
    assert max(told.asked.values()) > 250  # the flood takes what is left


def test_a_vehicle_is_followed_through_a_tunnel() -> None:
    before, after = genuine(seconds=2.0), genuine(seconds=14.0, begin_ms=12_000)
    told = heard(before, after, [(at_ns + 150 * MS, *rest) for at_ns, *rest in flood(3000, "10.0.0.0:{}", 5, 13.0)])  # type: ignore[misc]
    assert len(told.accepted[5]) == len(before) + len(after)


def test_a_source_that_is_not_known_yet_has_three_places_at_once() -> None:
    admission = Admission([5], seed=1)
    ranks = [admission.rank(5, HOME, NOW_MS + n, NOW_MS * MS + n) for n in range(40)]
    assert 3 <= sum(rank >= 0 for rank in ranks) <= 5
    assert admission.rank(5, "192.0.2.9:1", NOW_MS, NOW_MS * MS + 50) >= 0  # and leaves some to others


def test_who_comes_in_step_with_a_bucket_gets_a_share_at_any_phase() -> None:
    for phase_ms in range(10):
        bucket = Bucket(100, 1, random.Random(phase_ms))
        got = 0
        for t_ms in range(20_000):
            if bucket.has(t_ms * MS):
                bucket.take()
                got += t_ms % 10 == phase_ms
        assert got > 80  # of 2000; a fair share is 200


def test_many_steady_sources_of_forged_frames_hold_a_newcomer_up_for_seconds_at_most() -> None:
    """Five hundred senders at 10 Hz with right times: only their signatures betray them, and each but once."""
    forgers = [
        (at_ns, f"10.0.0.{n}:1", 5, b"%032d%032d" % (n, at_ns))
        for n in range(500)
        for at_ns in range(n * 199_000, 10 * SECOND, 100 * MS)
    ]
    vehicle = genuine(begin_ms=1000)
    told = heard(vehicle, forgers)
    assert told.accepted[5][0] < 7 * SECOND
    assert told.longest_ms() == pytest.approx(told.accepted[5][0] / MS)  # and then none is lost


@pytest.mark.parametrize(("a_second", "longest_ms"), [(100, 300), (1000, 800), (5000, 4000)])
def test_a_copy_of_source_and_key_thins_the_verdicts_out_but_does_not_end_them(a_second: int, longest_ms: int) -> None:
    vehicle = genuine()
    told = heard(vehicle, [(at_ns + 150 * MS, *rest) for at_ns, *rest in flood(a_second, HOME, 5, 9.8)])  # type: ignore[misc]
    assert told.longest_ms() <= longest_ms


@pytest.mark.parametrize("copies", [10, 40])
def test_copies_just_ahead_of_each_frame_are_no_better_placed_than_others(copies: int) -> None:
    """Who knows the rhythm, too, and is always first, finds that places are drawn by lot."""
    vehicle = genuine()
    ahead = [
        (max(at_ns, 100 * MS) - 5 * MS + 20_000 * n, HOME, 5, b"%032d%032d" % (n, at_ns))
        for at_ns, *_rest in vehicle[1:]
        for n in range(copies)
    ]
    told = heard(vehicle, ahead)
    assert told.share(vehicle) >= 0.6 * min(12 / (copies + 1), 1)
    assert told.longest_ms() <= 2000


def test_an_attack_on_one_vehicle_does_not_touch_another() -> None:
    other = genuine("192.0.2.2:40000", 6, begin_ms=33)
    told = heard(genuine(), other, [(at_ns + 150 * MS, *rest) for at_ns, *rest in flood(5000, HOME, 5, 9.8)])  # type: ignore[misc]
    assert told.share(other) == 1.0


def test_a_copied_source_before_its_vehicle_is_known_delays_it() -> None:
    vehicle = genuine(seconds=20.0, begin_ms=2000)
    told = heard(vehicle, flood(200, HOME, 5, 20.0))
    assert told.accepted[5][0] < 12 * SECOND
    assert told.share(vehicle) > 0.4


def test_a_vehicle_that_comes_again_with_another_source_is_followed_there() -> None:
    first, second = genuine(seconds=3.0), genuine("192.0.2.77:50000", begin_ms=6000)
    told = heard(first, second)
    assert len(told.accepted[5]) == len(first) + len(second)


class Relay:
    """Hands on what the vehicle's own crowd left no place for, at once, and forges from many sources besides."""

    def __init__(self, copies: int, elsewhere: int, relayed_first: bool) -> None:
        self.authority = Authority({5: Key()}, seed=1)  # type: ignore[dict-item]
        self.own: list[int] = []  # ns of genuine frames from the vehicle itself
        self._forged = 0
        for at_ns, *_rest in genuine(seconds=30.0):
            begun = at_ns > 2 * SECOND
            for n in range(elsewhere // 10 if begun else 0):
                self._forge(at_ns - 98 * MS + 98 * MS * n * 10 // elsewhere, f"10.0.0.0:{self._forged % 50_000}")
            for n in range(copies if begun else 0):
                self._forge(at_ns - 4 * MS + 20_000 * n, HOME)
            if relayed_first and at_ns < 5 * SECOND:  # out of the vehicle's own reach
                self._judge((at_ns, "10.6.6.6:6", 5, GENUINE))
            elif self._judge((at_ns, HOME, 5, GENUINE)) == "":
                self.own.append(at_ns)
            else:
                self._judge((at_ns, "10.6.6.6:6", 5, GENUINE))

    def _forge(self, at_ns: int, source: str) -> None:
        self._forged += 1
        self._judge((at_ns, source, 5, b"%064d" % self._forged))

    def _judge(self, sent: Sent) -> str:
        return self.authority.judge(frame(sent), NOW_MS + sent[0] // MS)

    def longest_ms(self, after_ms: float) -> float:
        times = [int(after_ms * MS), *(t for t in self.own if t >= after_ms * MS), 30 * SECOND]
        return max(b - a for a, b in pairwise(times)) / MS


@pytest.mark.parametrize("copies", [20, pytest.param(40, marks=pytest.mark.long)])
def test_a_relay_of_genuine_frames_does_not_take_a_vehicles_place(copies: int) -> None:
    """Followed in the vehicle's stead, it would leave it to the flood from elsewhere."""
    attack = Relay(copies, 5000, relayed_first=False)
    assert attack.longest_ms(0) <= 2500
    assert len(attack.own) >= 20 + 280 * 0.6 * 6 / (copies + 1)


@pytest.mark.long
def test_a_vehicle_that_was_relayed_before_it_came_near_is_followed_beside_the_relay() -> None:
    attack = Relay(0, 5000, relayed_first=True)
    assert attack.own[0] < 5500 * MS
    assert attack.longest_ms(5500) <= 300


def test_two_vehicles_with_one_key_are_both_followed() -> None:
    first, second = genuine(), genuine("192.0.2.2:40000", begin_ms=50)
    told = heard(first, second, [(at_ns + 500 * MS, *rest) for at_ns, *rest in flood(3000, "10.0.0.0:{}", 5, 9.0)])  # type: ignore[misc]
    assert len(told.accepted[5]) == len(first) + len(second)


def test_replayed_frames_cost_no_verification() -> None:
    vehicle = genuine(seconds=1.0)
    again = [(at_ns + delay * MS, "10.6.6.6:6", 5, GENUINE) for at_ns, *_rest in vehicle for delay in range(3, 90, 3)]
    frames = [(frame(one), NOW_MS + one[0] // MS) for one in vehicle]
    key = Key()
    authority = Authority({5: key})  # type: ignore[dict-item]
    verdicts: Counter[str] = Counter()
    for one, now_ms in frames:
        assert authority.judge(one, now_ms) == ""
        for delay, _one in zip(range(100), again, strict=False):
            late = RadioFrame(one.time_ns + delay * MS, "10.6.6.6:6", one.payload)
            verdicts[authority.judge(late, now_ms + delay)] += 1
    assert verdicts == {"replayed": 100 * len(frames)}
    assert key.asked == len(frames)


def test_the_same_log_gives_the_same_verdicts() -> None:
    streams = genuine(), [(at_ns + 150 * MS, *rest) for at_ns, *rest in flood(2000, HOME, 5, 3.0)]
    assert heard(*streams).verdicts == heard(*streams).verdicts  # type: ignore[arg-type]
    assert heard(*streams).verdicts != heard(*streams, seed=2).verdicts  # type: ignore[arg-type]


def test_a_log_of_earlier_times_is_judged_like_any_other() -> None:
    admission = Admission([5], seed=1)
    for begin_ns in (1000 * SECOND, 5 * SECOND):
        ranks = [admission.rank(5, f"s{n}", n, begin_ns) for n in range(100)]
        assert any(rank >= 0 for rank in ranks)
        assert -1 in ranks


def sources(count: int) -> Iterator[RadioFrame]:
    for n in range(count):
        yield frame((n * 100_000, f"10.0.0.0:{n % 60_000}", 5, b"%064d" % n))


@pytest.mark.long
def test_memory_is_bounded_whatever_comes() -> None:
    authority = Authority({5: Key()}, seed=1)  # type: ignore[dict-item]

    def judge(count: int) -> int:
        for one in sources(count):
            authority.judge(one, one.time_ns // MS)
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        first = judge(2 * SOURCES + 3000)
        second = judge(2 * SOURCES + 9000)
    finally:
        tracemalloc.stop()
    assert second < first * 1.1 + 20_000
    assert first < 4_000_000
