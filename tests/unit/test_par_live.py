"""The live measure of arrival: against a slow count of the same frames, and bounded whatever comes."""

import itertools
import random

import pytest

from asvunit.radio.arrival import MOST_VEHICLES, WINDOW_S, Arrivals, transmissions

SLOT_NS = 100_000_000
SECOND_NS = 1_000_000_000


def frames(vehicle_id, numbers, *, source="192.0.2.1:40000", phase_ns=0, start=0):
    return [(source, vehicle_id, (start + n) & 255, n * SLOT_NS + phase_ns) for n in numbers]


def fed(*lists):
    arrivals = Arrivals()
    for one in sorted((one for part in lists for one in part), key=lambda one: one[3]):
        arrivals.frame(*one)
    return arrivals


def test_a_link_without_loss():
    told = fed(frames(1, range(300)), frames(2, range(300), phase_ns=7)).summary(30 * SECOND_NS)
    assert told == {
        "vehicles": 2,
        "frames_per_s": 20,
        "arrival_percent": 100.0,
        "longest_gap_ms": 100,
        "worst_vehicle_id": None,
        "worst_source": None,
        "worst_percent": None,
    }


def test_rates_of_the_last_ten_seconds_against_a_slow_count():
    dice = random.Random(2)
    sent = {
        number: [n for n in range(1200) if dice.random() < chance] for number, chance in ((1, 0.9), (2, 0.6), (3, 1))
    }
    arrivals = fed(*(frames(number, heard, start=200, source=f"x{number}") for number, heard in sent.items()))
    told = arrivals.summary(120 * SECOND_NS)
    counted = {}
    for number, heard in sent.items():
        rows = [(n, n - before - 1) for before, n in zip([-1, *heard], heard, strict=False)]
        window = [(n, lost) for n, lost in rows if n >= (120 - WINDOW_S) * 10]
        counted[number] = len(window), sum(lost for _n, lost in window)
    received, lost = (sum(one[at] for one in counted.values()) for at in (0, 1))
    assert told["arrival_percent"] == pytest.approx(100 * received / (received + lost), abs=0.06)
    got, missed = counted[2]
    assert (told["worst_vehicle_id"], told["worst_source"]) == (2, "x2")
    assert told["worst_percent"] == pytest.approx(100 * got / (got + missed), abs=0.06)
    assert told["longest_gap_ms"] == max(
        (n - before) * 100 for heard in sent.values() for before, n in itertools.pairwise(heard) if n >= 1100
    )


def test_losses_leave_the_window():
    arrivals = fed(frames(1, [n for n in range(400) if not 50 <= n < 80]))
    assert arrivals.summary(400 * SLOT_NS)["arrival_percent"] == 100
    arrivals = fed(frames(1, [n for n in range(400) if not 350 <= n < 380]))
    told = arrivals.summary(400 * SLOT_NS)
    assert told["arrival_percent"] == 70.0
    assert told["longest_gap_ms"] == 3100


def test_copies_count_for_nothing_and_latecomers_take_their_loss_back():
    heard = frames(1, range(100))
    swapped = [*heard[:50], heard[51], heard[52], heard[50], *heard[53:]]
    arrivals = Arrivals()
    for one in [*swapped, heard[98], heard[99]]:
        arrivals.frame(*one)
    assert arrivals.counters == {"late": 1, "repeated": 2}
    told = arrivals.summary(10 * SECOND_NS)
    assert (told["arrival_percent"], told["worst_percent"]) == (100, None)


def test_a_sender_that_starts_again_loses_nothing():
    arrivals = fed(frames(1, range(50)), frames(1, range(50, 100), start=77))
    assert arrivals.counters == {"restarted": 1}
    assert arrivals.summary(10 * SECOND_NS)["arrival_percent"] == 100


def test_out_of_range_is_no_loss():
    arrivals = fed(frames(1, range(50)), frames(1, range(200, 250)))
    told = arrivals.summary(25 * SECOND_NS)
    assert (told["arrival_percent"], told["longest_gap_ms"]) == (100, 100)
    told = arrivals.summary(60 * SECOND_NS)
    assert (told["vehicles"], told["arrival_percent"], told["frames_per_s"], told["longest_gap_ms"]) == (0, None, 0, 0)


def test_nothing_heard_yet():
    told = Arrivals().summary(0)
    assert (told["vehicles"], told["arrival_percent"], told["worst_percent"]) == (0, None, None)


def test_a_flood_of_identities_is_bounded_and_leaves_the_known_ones():
    arrivals = Arrivals()
    for number in range(200):
        arrivals.frame("car", 7, number & 255, number * SLOT_NS)
        for other in range(300):
            arrivals.frame(f"192.0.2.1:{number * 300 + other}", 1, 0, number * SLOT_NS + other)
    assert len(arrivals._vehicles) <= MOST_VEHICLES
    assert arrivals.counters["untracked"] > 0
    told = arrivals.summary(200 * SLOT_NS)
    assert told["frames_per_s"] == 3010
    assert ("car", 7) in arrivals._vehicles


def test_times_that_step_back_or_far_ahead_do_no_harm():
    dice = random.Random(9)
    arrivals = Arrivals()
    now = 0
    for _ in range(5000):
        now = max(
            0, now + dice.choice([SLOT_NS, SLOT_NS, -SLOT_NS, 0, 10**12, -(10**12), 10**18 if now < 10**18 else 0])
        )
        arrivals.frame("a", dice.randrange(3), dice.randrange(256), now)
    told = arrivals.summary(now)
    assert told["arrival_percent"] is None or 0 <= told["arrival_percent"] <= 100


@pytest.mark.parametrize(
    ("before", "counter", "slots", "found"),
    [
        (0, 1, 1, 1),
        (255, 0, 1, 1),
        (250, 4, 10, 10),
        (5, 3, 0, -2),
        (5, 5, 0, 0),
        (5, 5, 256, 256),  # one turn of the counter
        (0, 199, 199, 199),
        (0, 44, 300, 300),
        (0, 100, 1, None),  # cannot have been sent in that time
        (0, 100, 300, None),  # neither 100 nor 356 fits
        (0, 200, 0, -56),
        (0, 150, 0, None),  # older than is remembered
        (0, 1, 40, 1),  # a queue, or a sender that paused
        (0, 250, 100, None),  # an older frame, 10 s late
    ],
)
def test_transmissions_between_two_frames(before, counter, slots, found):
    assert transmissions(before, counter, slots * SLOT_NS) == found
