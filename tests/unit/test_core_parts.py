"""Geometry, the neighbour table, the command ring and the pool of supports, each beside a plain model."""

import math
import os
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asvcore import codes, geometry, params
from asvcore.commands import WIDTH, Commands
from asvcore.neighbour import DELAY_MS, EMERGENCY, ERROR_DM, FLAGS, RANGE_DM, USABLE, counter_of, vehicle_id_of
from asvcore.neighbours import Neighbours
from asvcore.params import NONE
from asvcore.wire import angle_cas
from asvunit.identity import Sources
from asvunit.texts import LIMITS, TEXTS
from asvunit.words import WORDS
from coretools import Drive, Target, encounter, frame

pytestmark = pytest.mark.fuller


@given(st.integers(-100_000, 100_000))
def test_sine_and_cosine(angle_cdeg):
    angle = math.radians(angle_cdeg / 100)
    assert geometry.sine_q12(angle_cdeg) == pytest.approx(4096 * math.sin(angle), abs=1.2)
    assert geometry.cosine_q12(angle_cdeg) == pytest.approx(4096 * math.cos(angle), abs=1.2)


@given(st.integers(-80, 80), st.integers(-179, 179), st.integers(-900, 900), st.integers(-900, 900))
def test_plane_agrees_with_the_ellipsoid(latitude, longitude, north_m, east_m):
    phi = math.radians(latitude)
    curve = 1 - 0.00669437999014 * math.sin(phi) ** 2
    meridian, normal = 6378137 * (1 - 0.00669437999014) / curve**1.5, 6378137 / math.sqrt(curve)
    plane = geometry.Plane()
    plane.place(latitude * 360000, longitude * 360000)
    to_latitude = latitude * 360000 + round(math.degrees(north_m / meridian) * 360000)
    to_longitude = longitude * 360000 + round(math.degrees(east_m / (normal * math.cos(phi))) * 360000)
    assert plane.north_dm(to_latitude) == pytest.approx(north_m * 10, abs=4)
    # The scale is a Q12 integer of a Q12 cosine: 1.7 units off at most, which counts for more near the poles
    assert plane.east_dm(to_longitude) == pytest.approx(east_m * 10, abs=4 + abs(east_m) * 17 / plane.east_q12)


def test_plane_crosses_the_date_line_and_ends_at_1_km():
    plane = geometry.Plane()
    plane.place(0, 64_800_000 - 5)
    assert plane.east_dm(-64_800_000 + 5) == pytest.approx(31, abs=1)
    assert plane.east_dm(0) == NONE
    assert plane.north_dm(3300) == NONE


@given(st.integers(-90, 90), st.integers(0, 63), st.integers(0, 8191))
def test_angles_outside_what_exists_are_none(degree, minute, second):
    got = angle_cas(degree, minute, second, 90)
    exact = (abs(degree) * 360000 + minute * 6000 + second) * (1 if degree >= 0 else -1)
    legal = minute <= 59 and second <= 5999 and abs(exact) <= 90 * 360000
    assert got == (exact if legal else NONE)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 60)), max_size=400), st.integers(0, 1 << 20))
def test_neighbour_table_behaves_like_a_dict(steps, salt):
    table, model = Neighbours(24), {}
    for add, number in steps:
        key = (number * 7919 + salt) & 0x1FFFFFFF
        found = table.get(key)
        assert (found is not None) == (key in model)
        if found is not None:
            assert found is model[key]
        if add and found is None:
            made = table.add(key)
            if len(model) == 24:
                assert made is None
            else:
                model[key] = made
        elif not add and found is not None:
            table.remove(found)
            del model[key]
        assert table.count == len(model)
        assert {id(table.used[at]) for at in range(table.count)} == {id(value) for value in model.values()}


def test_full_table_keeps_the_near():
    drive = Drive(neighbours=4)
    drive.stand()
    for number in range(4):
        drive.message(1000, frame(number, 0, north_m=100 + 50 * number), source=number)
        drive.tick(1000)
    drive.core.settings.crossing = 1
    drive.message(1050, frame(9, 0, north_m=10), source=9)
    gone = [r for r in drive.of("neighbour") if r["reason"] == "table_full"]
    assert len(gone) == 1
    assert drive.core.neighbours.count == 4
    assert drive.core.neighbours.get((9 << 14) | 9) is not None


def test_a_full_table_has_no_room_for_one_that_matters_less():
    drive = Drive(neighbours=4)
    drive.stand()
    for number in range(4):
        drive.message(1000, frame(number, 0, north_m=100 + number), source=number)
        drive.tick(1000)
    drive.message(1050, frame(9, 0, north_m=120), source=9)
    assert [one["reason"] for one in drive.of("drop")] == ["table_full"]
    assert drive.core.neighbours.get((9 << 14) | 9) is None
    drive.message(1060, frame(10, 0, north_m=120, speed=90), source=10)  # it can be here sooner
    assert drive.core.neighbours.get((10 << 14) | 10) is not None


def test_of_a_thousand_vehicles_the_nearest_keep_their_places():
    drive = Drive(neighbours=64)
    drive.stand()
    order = random.Random(5)
    places_m = {number: 20 + number * 0.9 for number in range(1000)}
    for round_ in range(5):
        numbers = list(places_m)
        order.shuffle(numbers)
        for number in numbers:
            t = 1000 + 100 * round_
            drive.message(t, frame(number, round_, north_m=places_m[number]), source=number)
        drive.tick(1100 + 100 * round_)
    kept = {vehicle_id_of(neighbour) for neighbour in drive.core.neighbours.used[:64]}
    assert set(range(50)) <= kept  # within the tolerance of the rough range and of the window that is looked at
    assert max(kept) < 150


def test_a_tick_in_parts_is_the_tick():
    def run(parts):
        drive = Drive(neighbours=64)
        drive.stand()
        for step in range(40):
            t = 1000 + 100 * step
            for number in range(40):
                drive.message(t, frame(number, step, north_m=10 + number, east_m=step * 1.4 - 90), source=number)
            if parts:
                drive.core.begin(t + 50)
                while drive.core.go_on(parts):
                    drive.drain()
                drive.drain()
            else:
                drive.tick(t + 50)
        return [{**one, "cause": 0} for one in drive.records if one["kind"] != "support" or one["level"]]

    whole = run(0)
    assert any(one["kind"] == "hmi" for one in whole)
    assert run(7) == whole == run(1)


def test_who_is_removed_while_a_tick_goes_on_hides_nobody():
    drive = Drive(neighbours=16)
    drive.stand()
    for number in range(16):
        drive.message(1000, frame(number, 0, north_m=300 + number), source=number)
    judged = []
    judge = drive.core._judging.judge
    drive.core._judging.judge = lambda neighbour, *rest: (
        judged.append(vehicle_id_of(neighbour)),
        judge(neighbour, *rest),
    )
    drive.core.begin(1100)
    assert drive.core.go_on(4)
    first = vehicle_id_of(drive.core.neighbours.used[0])
    drive.message(1101, frame(100, 0, north_m=5), source=100)  # one gives way to it
    while drive.core.go_on(4):
        pass
    left = {vehicle_id_of(neighbour) for neighbour in drive.core.neighbours.used[:16]}
    assert left <= set(judged)
    assert first in judged
    drive.core.begin(1200)
    drive.core.go_on(1)
    judged.clear()
    drive.core.begin(1300)  # late: the one before is ended first
    drive.core.finish()
    assert len(judged) == 15 + 16


def test_a_followed_neighbour_never_gives_way():
    drive = Drive(neighbours=3)
    drive.stand()
    encounter(drive, [Target(15000)], 1100, 11000)
    drive.core.neighbours.get((1 << 14) | 100)[RANGE_DM] = 99_999
    for source in range(2, 40):
        drive.message(11_010, frame(source), source=source)
    assert drive.core.neighbours.get((1 << 14) | 100) is not None


@pytest.mark.long
@pytest.mark.parametrize("forged", [64, 1000])
@pytest.mark.parametrize("at_m", [280, 600])
@pytest.mark.parametrize("first", [True, False], ids=["there before them", "comes while they are there"])
def test_an_emergency_vehicle_has_a_place_among_the_nearest_and_fastest(forged, at_m, first):
    drive = Drive(neighbours=64, surrounding=0)
    drive.stand()
    for step in range(8):
        t = 1100 + 100 * step
        drive.fix(t)
        signed = frame(5, step, at_m - 2 * step, 5, 72, 180, emergency_attention=1)
        if first:
            drive.message(t, signed, flag=True)
        for number in range(forged):
            drive.message(t + 1, frame(number, step, 15 + number % 10, 5, 255, 180), source=2 + number)
        if not first:
            drive.message(t + 2, signed, flag=True)
        drive.tick(t + 50)
        kept = drive.core.neighbours.get((1 << 14) | 5)
        assert kept is not None
        assert (counter_of(kept), bool(kept[FLAGS] & EMERGENCY)) == (step, True)
    assert [r["level"] for r in drive.supports(codes.FUNCTION_EMERGENCY)] == ([1] if at_m == 280 else [])


def test_a_full_table_of_emergency_vehicles_keeps_the_near():
    drive = Drive(neighbours=4)
    drive.stand()
    for number in range(8):
        drive.message(1000, frame(number, 0, 900 - 50 * number, 5, emergency_attention=1), source=number, flag=True)
        drive.tick(1000)
    assert {vehicle_id_of(one) for one in drive.core.neighbours.used} == {4, 5, 6, 7}
    drive.message(1010, frame(9, 0, 10, 5, 255), source=9)
    assert drive.core.neighbours.get((9 << 14) | 9) is None  # no other matters more


def test_texts_keep_their_limits_and_both_languages_know_all():
    assert set(TEXTS["en"]) == set(TEXTS["ja"]) == set(WORDS["TEXT"])
    for texts in TEXTS.values():
        for code, name in WORDS["TEXT"].items():
            level = codes.LEVEL_CAUTION if "caution" in name else codes.LEVEL_INFORMATION
            assert len(texts[code]) <= LIMITS[level], texts[code]


def test_neighbours_expire_a_second_after_their_last_packet():
    drive = Drive()
    drive.message(0, frame())
    for t in range(0, 1300, 100):
        drive.tick(t)
    assert [(r["t"], r["reason"]) for r in drive.of("neighbour")] == [(0, "new"), (1100, "gone")]


def test_a_full_table_expires_without_losing_a_frame():
    drive = Drive(neighbours=600)
    for source in range(600):
        drive.message(0, frame(source), source=source)
    for t in range(0, 4000, 100):
        drive.core.tick(t)
        drive.drain()
    assert drive.core.commands.lost == 0
    assert drive.core.neighbours.count == 0
    assert len(drive.of("send")) == 40


def test_addresses_are_known_again_while_they_speak():
    sources = Sources(limit=3)
    first = sources.number("a")
    for name in ("b", "a", "c", "a", "d", "a", "e"):
        sources.number(name)
    assert sources.number("a") == first
    assert {sources.name(number) for number in range(3)} == {"a", "d", "e"}
    assert sources.name(-5) is None


def test_ring_keeps_order_and_counts_what_it_loses():
    ring, record = Commands(4), [0] * WIDTH
    for number in range(6):
        ring.put(1, number, 0, number)
    assert ring.lost == 2
    got = []
    while ring.take(record):
        got.append((record[1], record[4], record[5]))
    assert got == [(n, n, NONE) for n in range(2, 6)]


def test_more_targets_than_room_keeps_the_nearest():
    drive = Drive(supports=4)
    drive.stand()
    targets = [Target(16000 - 50 * n, 50, 90, vehicle_id=200 + n, source=n) for n in range(8)]
    encounter(drive, targets, 1100, 12800)
    followed = {vehicle_id_of(s.neighbour) for s in drive.core.supports.pool if s.state}
    assert 207 in followed
    assert drive.core.supports.dropped > 0
    assert "displaced" in {r["reason"] for r in drive.supports()}


def test_unverified_emergency_counts_as_ordinary_and_is_reported():
    drive = Drive()
    drive.message(0, frame(emergency_attention=1), flag=False)
    assert drive.of("drop")[-1]["reason"] == "emergency_unverified"
    assert not drive.core.neighbours.used[0][FLAGS] & EMERGENCY
    drive.message(100, frame(counter=1, emergency_attention=1), flag=True)
    assert drive.core.neighbours.used[0][FLAGS] & EMERGENCY


@pytest.mark.parametrize("available", [0, 1, 2, 3])
def test_availability_is_looked_at_first(available):
    drive = Drive()
    drive.message(0, frame(position_availability=available, sensor_availability=available))
    neighbour = drive.core.neighbours.used[0]
    assert bool(neighbour[FLAGS] & USABLE) == (available in (1, 3))
    if available == 1:
        assert neighbour[ERROR_DM] == 150  # by class, the range is not readable
        assert neighbour[DELAY_MS] == 0


def test_revision_tells_the_age_of_a_position():
    drive = Drive()
    for revision, delay_ms in ((0, 0), (1, 0), (4, 300), (10, 900), (11, 0), (15, 0)):
        drive.message(revision * 2000, frame(counter=revision, north_m=revision * 25.0, revision=revision))
        assert drive.core.neighbours.used[0][DELAY_MS] == delay_ms


# A million of them with ASVKIT_ALL=1 (make gate)
@pytest.mark.long
def test_random_frames_never_fail_and_memory_stays_flat():
    import tracemalloc

    drive = Drive(neighbours=16)
    drive.stand(500)
    core, record = drive.core, [0] * WIDTH
    data = random.Random(7).randbytes(200_000)
    take, on_message = core.commands.take, core.on_message

    def burst(count, start):
        for number in range(count):
            at = number * 37 % 199_900
            payload = b"\x01" + data[at : at + 99] if number % 2 else data[at : at + 100]
            on_message(payload, number % 50, start + number // 10, False, 1)
            while take(record):
                pass

    many = bool(os.environ.get("ASVKIT_ALL"))
    burst(20_000, 1000)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    burst(80_000 if many else 20_000, 5000)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < (40_000 if many else 10_000)  # half a byte a message; the table's own integers come and go
    burst(900_000 if many else 10_000, 15_000)
    assert core.neighbours.count <= 16


def test_codes_of_one_group_are_distinct():
    names = [name for name in vars(codes) if name.isupper() and "_" in name]
    for group in {name.split("_")[0] for name in names}:
        values = [getattr(codes, name) for name in names if name.split("_")[0] == group]
        assert len(values) == len(set(values)), group


def test_thresholds_are_the_guidelines():
    assert (params.INFORMATION_MS, params.CAUTION_MS, params.CAUTION_AFTER_MS) == (4100, 3600, 1200)
    assert round(70 / 3.6 * params.INFORMATION_MS / 1000, 1) == 79.7  # [G table 3-5]
