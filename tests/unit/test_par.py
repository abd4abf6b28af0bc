"""`asvkit par` against a road whose every loss is known: each figure worked out again, slowly, from the truth."""

import itertools
import json
import math
import random

import pytest

from asvtools import par_command
from asvtools.par_place import wilson
from asvunit.errors import AsvkitError, UsageError
from coretools import frame
from partools import OWN_MAC, START_NS, Car, Sent, channel, great_circle_m, place, standing, write

FADING = lambda metres: 1 / (1 + math.exp((metres - 120) / 30))  # noqa: E731 - the channel: 50 % at 120 m


def measured(tmp_path, capture, **options):
    """The JSON report of one run, and what the command said when it failed."""
    out = tmp_path / "report.json"
    said = ""
    try:
        par_command.par(capture=capture, json_file=out, **options)
    except AsvkitError as error:
        said = str(error)
    return json.loads(out.read_text(encoding="utf-8")), said


def vehicle(told, vehicle_id):
    (row,) = [one for one in told["vehicles"] if one["vehicle_id"] == vehicle_id]
    return row


@pytest.fixture(scope="module")
def road():
    """Nine cars of three ways past a standing unit, in both directions; a channel that fades."""
    dice = random.Random(5)
    cars = []
    for number in range(9):
        speed = dice.choice([30, 50, 70])
        eastward = number % 2 == 0
        start_m = -350 if eastward else 350
        cars.append(
            Car(
                f"02:00:00:00:01:{number:02x}",
                100 + number,
                dice.uniform(-8, 8),
                start_m,
                speed,
                90 if eastward else 270,
                int(700 / (speed / 36)),
                dice.randrange(100_000_000),
                dice.randrange(256),
                power=number % 3 == 0,
            ).drive()
        )
    own = standing(frames=1000)
    channel(cars, own, FADING, jitter_ns=3_000_000)
    return cars, own


@pytest.fixture(scope="module")
def exact(road, tmp_path_factory):
    """The road's report against what was sent."""
    folder = tmp_path_factory.mktemp("road")
    heard = write(folder / "heard.pcapng", *road)
    return measured(folder, heard, against=write(folder / "sent.pcapng", road[0], outbound=True))[0]


def test_exact_figures_against_what_was_sent(road, exact):
    cars, own = road
    told = exact
    assert told["against"]["vehicles_heard"] == 9
    assert told["against"]["unmatched"] == 0
    for car in cars:
        row = vehicle(told, car.vehicle_id)
        got = [one for one in car.sent if one.heard]
        assert (row["by"], row["sent"], row["received"]) == ("sent", len(car.sent), len(got))
        assert row["arrival_percent"] == pytest.approx(100 * len(got) / len(car.sent), abs=1e-4)
        gaps = [b.arrived_ns - a.arrived_ns for a, b in itertools.pairwise(got)]
        assert row["longest_gap_ms"] == pytest.approx(max(gaps) / 1e6, abs=0.06)
        assert row["gaps_over_1_s"] == sum(gap > 1_000_000_000 for gap in gaps)
        if car.power:
            assert row["power_dbm"]["max"] == max(one.power_dbm for one in got)
        else:
            assert row["power_dbm"] is None
    bins = {}
    for car in cars:
        for one in car.sent:
            at = int(great_circle_m(place(one), place(own[0])) // 10)
            total, got = bins.get(at, (0, 0))
            bins[at] = total + 1, got + one.heard
    told_bins = {round(one["from_m"] / 10): (one["sent"], one["received"]) for one in told["distance"]["bins"]}
    assert len(set(told_bins) ^ set(bins)) <= 1
    # a frame within 0.4 % of an edge may fall on its other side
    assert sum(abs(told_bins[at][0] - bins[at][0]) for at in bins if at in told_bins) <= 0.05 * sum(
        total for total, _got in bins.values()
    )
    near = {at: got / total for at, (total, got) in bins.items() if total > 30}
    assert all(abs(told_bins[at][1] / told_bins[at][0] - rate) < 0.12 for at, rate in near.items())
    assert sum(one["sent"] for one in told["distance"]["bins"]) == sum(len(car.sent) for car in cars)


def test_counters_alone_tell_the_same_between_first_and_last_heard(tmp_path, road):
    cars, own = road
    told, _said = measured(tmp_path, write(tmp_path / "heard.pcapng", cars, own))
    for car in cars:
        row = vehicle(told, car.vehicle_id)
        numbers = [number for number, one in enumerate(car.sent) if one.heard]
        assert (row["by"], row["sent"], row["received"]) == ("counter", numbers[-1] - numbers[0] + 1, len(numbers))
        assert (row["repeated"], row["late"], row["restarts"], row["silences_ms"]) == (0, 0, 0, [])
        missing = [b - a - 1 for a, b in itertools.pairwise(numbers)]
        classes = told["total"]["lost_between_classes"]
        assert row["lost_between"] == [sum(low <= one <= high for one in missing) for low, high in classes]
    placed = sum(one["sent"] for one in told["distance"]["bins"])
    assert placed == sum(row["sent"] for row in told["vehicles"]), "lost frames have the place between their neighbours"


def zone_truth(ways, edge_m, zone_m):
    """(sent, received) of each way inwards through the zone, car by car."""
    out = []
    for car, distance in ways:
        nearest = distance.index(min(distance))
        inside = [n for n in range(nearest) if edge_m <= distance[n] < edge_m + zone_m]
        if inside and distance[0] >= edge_m + zone_m and distance[nearest] < edge_m:
            out.append((len(inside), sum(car.sent[n].heard for n in inside)))
    return out


def test_equation_1_in_the_zones(road, exact):
    cars, own = road
    ways = [(car, [great_circle_m(place(one), place(own[0])) for one in car.sent]) for car in cars]
    edges = {(row["function"], row["class"]): row for row in exact["zones"]}
    assert len(edges) == 8
    for (function, name), row in edges.items():
        zone_m = {"A": 5.0, "B": 15.0}[name]
        assert row["zone_m"] == zone_m
        assert row["edge_m"] == pytest.approx(
            {"crossing": 89.7, "right_turn": 113.2, "left_turn": 79.7, "emergency": 300}[function], abs=0.05
        )
        truth = zone_truth(ways, row["edge_m"], zone_m)
        assert row["approaches"] == len(truth) == 9
        sent_here, got = sum(one[0] for one in truth), sum(one[1] for one in truth)
        assert abs(row["sent"] - sent_here) <= 6
        assert abs(row["received"] - got) <= 6
        missed = 1 - row["received"] / row["sent"]
        each = [1 - missed ** one["sent"] for one in row["each"]]
        assert row["cumulative_percent"] == pytest.approx(100 * sum(each) / 9, abs=1e-3)
        assert row["at_70_kmh_percent"] == pytest.approx(100 * (1 - missed ** {5.0: 2, 15.0: 7}[zone_m]), abs=1e-3)
        for one in row["each"]:
            (car,) = [car for car in cars if car.vehicle_id == one["vehicle_id"]]
            assert one["approach_kmh"] == pytest.approx(car.speed_kmh, rel=0.1)
            own_missed = 1 - one["received"] / one["sent"]
            assert one["cumulative_percent"] == pytest.approx(100 * (1 - own_missed ** one["sent"]), abs=1e-3)
    assert not edges["emergency", "B"]["judged"], "no emergency vehicle came"
    assert not edges["crossing", "A"]["judged"], "a unit of class B"


@pytest.mark.parametrize(
    ("chance", "verdict"),
    [(lambda metres: 1.0, "good"), (lambda metres: 0.25 if metres > 60 else 1.0, "bad")],
)
def test_the_verdict_is_the_exit_code(tmp_path, chance, verdict):
    cars = [Car(f"192.0.2.{n}:40000", 200 + n, 3, -300, 70, 90, 250).drive() for n in range(1, 9)]
    own = standing(frames=250)
    channel(cars, own, chance)
    told, said = measured(tmp_path, write(tmp_path / "a.pcapng", cars, own))
    assert told["verdict"] == verdict
    assert ("below 95 % [G 3.6(2)]: crossing at 89.7 m" in said) == (verdict == "bad")


def test_packets_lost_together_are_no_good_link_whatever_equation_1_says(tmp_path):
    """Half of the cars are shadowed in the zone: X of 50 % makes 99 % by eq. 1, yet half of the cars come unheard."""
    cars = [Car(f"192.0.2.{n}:40000", 200 + n, 3, -300, 70, 90, 250).drive() for n in range(1, 13)]
    own = standing(frames=250)
    for car in cars[::2]:
        for one in car.sent:
            one.heard = not 75 < great_circle_m(place(one), place(own[0])) < 110
    told, said = measured(tmp_path, write(tmp_path / "a.pcapng", cars, own))
    (row,) = [one for one in told["zones"] if (one["function"], one["class"]) == ("crossing", "B")]
    assert row["cumulative_percent"] > 98
    assert row["heard_approaches"] == 6
    assert row["verdict"] == "bad"
    assert "6 of 12 approaches" in said


def test_what_slow_vehicles_show_is_told_for_70_km_h(tmp_path):
    """20 km/h: 27 packets in the zone, one in five arrives: 99.8 %; seven packets would make 79 %."""
    cars = [Car(f"192.0.2.{n}:40000", 200 + n, 3, -140, 20, 90, 220).drive() for n in range(1, 5)]
    for car in cars:
        for number, one in enumerate(car.sent):
            one.heard = number % 5 == 0
    told, said = measured(tmp_path, write(tmp_path / "a.pcapng", cars, standing(frames=220)))
    (row,) = [one for one in told["zones"] if (one["function"], one["class"]) == ("crossing", "B")]
    assert (row["verdict"], said) == ("good", "")
    assert row["cumulative_percent"] > 99
    assert row["remark"] == f"at 70 km/h, 7 packets, it would be {int(row['at_70_kmh_percent'] * 10) / 10} %"
    assert row["at_70_kmh_percent"] == pytest.approx(100 * (1 - 0.8**7), abs=5)


def test_class_a_is_judged_by_its_zone_of_5_m(tmp_path):
    (tmp_path / "unit.toml").write_text('[vehicle]\nposition_class = "A"\n', encoding="utf-8")
    cars = [Car("192.0.2.1:40000", 200, 3, -300, 70, 90, 250).drive()]
    told, _said = measured(
        tmp_path, write(tmp_path / "a.pcapng", cars, standing(frames=250)), config=tmp_path / "unit.toml"
    )
    assert {row["class"] for row in told["zones"] if row["judged"]} == {"A"}
    rows = [row for row in told["zones"] if row["judged"]]
    assert [row["function"] for row in rows] == ["crossing", "right_turn", "left_turn"]
    assert all(row["sent"] in (2, 3) for row in rows), "5 m at 70 km/h"


def test_a_car_first_heard_inside_is_told_and_not_counted(tmp_path):
    cars = [Car("192.0.2.1:40000", 200, 3, -300, 70, 90, 250).drive()]
    own = standing(frames=250)
    channel(cars, own, lambda metres: float(metres < 60))
    told, _said = measured(tmp_path, write(tmp_path / "a.pcapng", cars, own))
    rows = [row for row in told["zones"] if row["class"] == "B"]
    assert [(row["approaches"], row["first_heard_inside"]) for row in rows] == [(0, 1)] * 4
    assert told["verdict"] == "not measured"
    sent = write(tmp_path / "sent.pcapng", cars, outbound=True)
    told, said = measured(tmp_path, tmp_path / "a.pcapng", against=sent)
    (row,) = [row for row in told["zones"] if row["judged"] and row["function"] == "crossing"]
    assert (row["received"], row["cumulative_percent"], row["verdict"]) == (0, 0.0, "bad")
    assert said


def test_emergency_vehicles_are_judged_at_300_m(tmp_path):
    car = Car("02:00:00:00:00:09", 300, 0, -400, 70, 90, 300).drive()
    for one in car.sent:
        one.payload = one.payload[:36] + bytes([one.payload[36] | 0x10]) + one.payload[37:]  # element 42
    told, _said = measured(tmp_path, write(tmp_path / "a.pcapng", [car], standing(frames=300)))
    (row,) = [one for one in told["zones"] if one["function"] == "emergency" and one["judged"]]
    assert (row["verdict"], row["approaches"], row["edge_m"]) == ("good", 1, 300)
    assert vehicle(told, 300)["emergency"]


def test_a_receiver_that_drives_and_one_whose_place_is_given(tmp_path):
    """Side by side at 60 km/h: the distance stays; given a fixed place it does not."""
    car = Car("192.0.2.1:40000", 200, 40, 0, 60, 90, 200, 30_000_000).drive()
    own = Car(OWN_MAC, 1, 0, 0, 60, 90, 203).drive().sent
    capture = write(tmp_path / "a.pcapng", [car], own)
    told, _said = measured(tmp_path, capture, bin_m=5.0)
    (one,) = told["distance"]["bins"]
    assert (one["from_m"], one["sent"], told["own_position"]) == (40, 200, "own frames")
    told, _said = measured(tmp_path, capture, at="{},{}".format(*place(own[0])))
    assert told["own_position"] == "given"
    assert told["distance"]["bins"][-1]["to_m"] == 340  # 331.7 m along, 40 m aside


def test_the_own_unit_in_a_capture_without_directions(tmp_path):
    car = Car("192.0.2.1:40000", 200, 40, 0, 60, 90, 200).drive()
    mine = Car("02:00:00:00:00:0A", 1, 0, 0, 60, 90, 200).drive()
    capture = write(tmp_path / "a.pcapng", [car, mine])
    told, _said = measured(tmp_path, capture)
    assert (told["total"]["vehicles"], told["own_position"]) == (2, "unknown")
    told, _said = measured(tmp_path, capture, own="02:00:00:00:00:0a")
    assert (told["total"]["vehicles"], told["own_frames"], told["own_position"]) == (1, 200, "own frames")
    assert sum(one["sent"] for one in told["distance"]["bins"]) == 200
    with pytest.raises(UsageError, match=r"02:00:00:00:00:0a, 192\.0\.2\.1:40000|192\.0\.2\.1:40000, 02:"):
        par_command.par(capture=capture, own="192.0.2.7:40000")


def test_no_distance_is_made_up_where_nobody_told_a_place(tmp_path):
    """Ten seconds without own frames; and a vehicle 40 s without a fix."""
    car = Car("192.0.2.1:40000", 200, 40, 0, 0, 0, 600).drive()
    own = standing(frames=600)
    told, _said = measured(tmp_path, write(tmp_path / "a.pcapng", [car], own[:200] + own[300:]))
    assert 80 <= told["distance"]["place_unknown"] <= 82, "a second either side is held"
    for number in range(100, 500):
        car.sent[number].payload = frame(200, number, 0, 0, 0, 0, position_availability=0)
    told, _said = measured(tmp_path, write(tmp_path / "a.pcapng", [car], own))
    assert (told["distance"]["place_unknown"], told["distance"]["bins"][0]["sent"]) == (400, 200)


def test_a_repeated_fix_is_moved_on_by_its_age(tmp_path):
    """A receiver of 1 Hz: ten frames with one fix; the places on the way are those that were driven."""
    car = Car("192.0.2.1:40000", 200, 0, -300, 72, 90, 200).drive()
    for number, one in enumerate(car.sent):
        old = car.sent[number - number % 10]
        one.payload = frame(200, number, old.north_m, old.east_m, 72, 90, revision=number % 10 + 1)
    own = standing(frames=200)
    told, _said = measured(tmp_path, write(tmp_path / "a.pcapng", [car], own), bin_m=2.0)
    truth = {}
    for one in car.sent:
        at = int(great_circle_m(place(one), place(own[0])) // 2)
        truth[at] = truth.get(at, 0) + 1
    got = {round(one["from_m"] / 2): one["sent"] for one in told["distance"]["bins"]}
    moved = sum(abs(got.get(at, 0) - truth.get(at, 0)) for at in got | truth)
    assert moved < 0.35 * 200
    assert max(got.values()) <= 3, "steps of 20 m would put ten frames in a bin"


def test_copies_latecomers_and_a_new_start(tmp_path):
    car = Car("192.0.2.1:40000", 200, 0, 50, 0, 0, 900, counter=250).drive()
    for number in (100, 101, 300):
        car.sent[number].copies = 1
    car.sent[500].arrived_ns += 250_000_000  # overtaken by two
    for number in range(600, 640):
        car.sent[number].heard = False
    for number, one in enumerate(car.sent[700:]):  # the sender starts anew
        one.payload = frame(200, number, 0, 50, 0, 0, revision=0)
    told, _said = measured(tmp_path, write(tmp_path / "a.pcapng", [car]))
    row = vehicle(told, 200)
    assert (row["repeated"], row["late"], row["restarts"], row["passages"]) == (3, 1, 1, 2)
    assert (row["sent"], row["received"], row["lost"]) == (900, 860, 40)
    assert row["longest_gap_ms"] == 4100
    assert row["lost_between"][6] == 1


def test_lost_counts_through_the_turn_of_the_counter_and_silences_are_told(tmp_path):
    """Gaps up to a turn of the counter are counted exactly; after longer ones nobody knows, and that is said."""
    for lost in (127, 128, 200, 250):
        car = Car("192.0.2.1:40000", 200, 0, 50, 0, 0, 1000).drive()
        for one in car.sent[300 : 300 + lost]:
            one.heard = False
        row = vehicle(measured(tmp_path, write(tmp_path / "a.pcapng", [car]))[0], 200)
        assert (row["lost"], row["silences_ms"], row["longest_gap_ms"]) == (lost, [], (lost + 1) * 100)
    for one in car.sent[300:700]:
        one.heard = False
    row = vehicle(measured(tmp_path, write(tmp_path / "a.pcapng", [car]))[0], 200)
    assert (row["lost"], row["silences_ms"], row["passages"]) == (0, [40_100], 2)


def test_jitter_is_against_the_senders_own_grid(tmp_path):
    """A clock 200 ppm slow, a slot left out, and delays of a known distribution."""
    dice = random.Random(3)
    car = Car("192.0.2.1:40000", 200, 0, 50, 0, 0, 1200).drive()
    off = []
    for number, one in enumerate(car.sent):
        late_ms = abs(dice.gauss(0, 2)) if number % 50 else 30
        off.append(late_ms)
        slot = number + (number >= 700)
        one.arrived_ns = START_NS + round((slot * 100 * (1 + 200e-6) + late_ms) * 1e6)
    told, _said = measured(tmp_path, write(tmp_path / "a.pcapng", [car]))
    jitter = vehicle(told, 200)["jitter_ms"]
    middle = sorted(off)[600]
    expected = sorted(abs(one - middle) for one in off)
    assert jitter["clock_ppm"] == pytest.approx(200, abs=10)
    assert jitter["slots_left_out"] == 1
    assert jitter["p50"] == pytest.approx(expected[600], abs=0.3)
    assert jitter["p95"] == pytest.approx(expected[1140], abs=0.5)
    assert jitter["max"] == pytest.approx(expected[-1], abs=1.0)
    assert sum(told["total"]["jitter_counts"]) == 1200


def test_matching_by_bytes_where_the_bytes_repeat_and_clocks_differ(tmp_path):
    """A sender without a fix: the same 256 frames again and again, one clock 400 s ahead of the other."""
    car = Car("192.0.2.1:40000", 200, 0, 50, 0, 0, 1000).drive()
    channel([car], standing(), lambda metres: 0.8, seed=4)
    car.sent[10].heard, car.sent[10].payload = True, frame(200, 10, 0, 60, 0, 0, revision=0)  # one that is alone
    for one in car.sent:
        one.arrived_ns += 400_000_000_000 + 2_000_000
    heard = write(tmp_path / "a.pcapng", [car])
    sent = write(tmp_path / "sent.pcapng", [car], outbound=True)
    told, _said = measured(tmp_path, heard, against=sent)
    row = vehicle(told, 200)
    assert (row["sent"], row["received"]) == (1000, sum(one.heard for one in car.sent))
    assert (row["repeated"], row["latency_ms"]) == (0, None)
    assert told["against"]["clock_offset_ms"] == 400_002


@pytest.mark.parametrize("recorded", [(0, 1024), (500, 700)])
def test_matching_where_every_frame_comes_again(tmp_path, recorded):
    """A sender on a desk, without a fix: its bytes return each 25.6 s, and none of them stands alone."""
    car = Car("192.0.2.1:40000", 200, 0, 50, 0, 0, 1024).drive()
    channel([car], standing(), lambda _metres: 0.8)
    for one in car.sent:
        one.arrived_ns += 7_000_000_000
    heard = write(tmp_path / "a.pcapng", [car])
    car.sent = car.sent[slice(*recorded)]
    sent = write(tmp_path / "sent.pcapng", [car], outbound=True)
    told, _said = measured(tmp_path, heard, against=sent)
    row = vehicle(told, 200)
    assert told["against"]["clock_offset_ms"] == 7000
    assert (row["sent"], row["received"]) == (len(car.sent), sum(one.heard for one in car.sent))


def test_matching_where_a_clock_was_set_in_between(tmp_path):
    car = Car("192.0.2.1:40000", 200, 0, -150, 50, 90, 300).drive()
    for one in car.sent[200:]:
        one.arrived_ns += 100_000_000_000
    heard = write(tmp_path / "a.pcapng", [car])
    told, _said = measured(tmp_path, heard, against=write(tmp_path / "sent.pcapng", [car], outbound=True))
    assert (vehicle(told, 200)["sent"], vehicle(told, 200)["received"]) == (300, 300)
    assert told["against"]["clock_offset_ms"] == 0


def test_latency_of_one_clock(tmp_path):
    dice = random.Random(8)
    car = Car("192.0.2.1:40000", 200, 0, -150, 50, 90, 500).drive()
    late = [dice.randrange(100_000, 4_000_000) for _one in car.sent]
    for one, ns in zip(car.sent, late, strict=True):
        one.arrived_ns += ns
    heard = write(tmp_path / "a.pcapng", [car])
    told, _said = measured(
        tmp_path, heard, against=write(tmp_path / "sent.pcapng", [car], outbound=True), one_clock=True
    )
    assert vehicle(measured(tmp_path, heard)[0], 200)["latency_ms"] is None
    latency = vehicle(told, 200)["latency_ms"]
    assert latency["max"] == pytest.approx(max(late) / 1e6, abs=1e-3)
    assert latency["p50"] == pytest.approx(sorted(late)[249] / 1e6, abs=1e-3)
    assert (latency["negative"], latency["min"]) == (0, pytest.approx(min(late) / 1e6, abs=1e-3))


@pytest.mark.parametrize(
    ("every", "early_ns", "said"), [(10, 600_000, ""), (10, 1_200_000, "10 before"), (1, 100_000, "100 before")]
)
def test_clocks_that_are_not_one_are_told_and_a_stamp_that_is_off_is_none(tmp_path, capsys, every, early_ns, said):
    car = Car("192.0.2.1:40000", 200, 0, -150, 50, 90, 100).drive()
    for number, one in enumerate(car.sent):
        one.arrived_ns += 50_000 if number % every else -early_ns
    sent = write(tmp_path / "sent.pcapng", [car], outbound=True)
    par_command.par(capture=write(tmp_path / "a.pcapng", [car]), against=sent, one_clock=True)
    shown = capsys.readouterr().out
    assert f"{said} they were sent: not one clock" in shown if said else "not one clock" not in shown


def test_what_was_sent_before_and_after_the_recording(tmp_path):
    """Own frames tell when the receiver recorded: what was sent before is left out. Without them all of it counts."""
    car = Car("192.0.2.1:40000", 200, 0, 50, 0, 0, 1000).drive()
    for number, one in enumerate(car.sent):
        one.payload = frame(200, number, number / 2, 50, 0, 0, revision=0)
        one.heard = 300 <= number < 600
    sent = write(tmp_path / "sent.pcapng", [car], outbound=True)
    own = standing(frames=1000)[250:650]
    told, _said = measured(tmp_path, write(tmp_path / "a.pcapng", [car], own), against=sent)
    row = vehicle(told, 200)
    assert (row["sent"], row["received"], row["left_out"]) == (400, 300, 600)
    heard = write(tmp_path / "a.pcapng", [car])
    row = vehicle(measured(tmp_path, heard, against=sent)[0], 200)
    assert (row["sent"], row["left_out"]) == (1000, 0)
    row = vehicle(measured(tmp_path, heard, against=sent, overlap=True)[0], 200)
    assert (row["sent"], row["left_out"]) == (300, 700)


def test_a_sender_that_was_never_heard_counts(tmp_path):
    cars = [
        Car("192.0.2.1:40000", 200, 0, 50, 0, 0, 100).drive(),
        Car("192.0.2.2:40000", 201, 0, 50, 0, 0, 100).drive(),
    ]
    for one in cars[1].sent:
        one.heard = False
    sent = write(tmp_path / "sent.pcapng", cars, outbound=True)
    told, _said = measured(tmp_path, write(tmp_path / "a.pcapng", cars), against=sent)
    assert vehicle(told, 201)["received"] == 0
    assert vehicle(told, 201)["arrival_percent"] == 0
    assert told["total"]["arrival_percent"] == 50
    assert (told["against"]["vehicles"], told["against"]["vehicles_heard"]) == (2, 1)


@pytest.mark.parametrize("outbound", [True, False])
def test_the_own_units_frames_in_what_was_sent_are_no_loss(tmp_path, outbound):
    """As in captures of all units merged, or one made beside the senders: nobody hears himself."""
    car = Car("192.0.2.1:40000", 200, 0, 50, 0, 0, 100).drive()
    mine = Car(OWN_MAC, 1, 0, 0, 0, 0, 100).drive()
    sent = write(tmp_path / "sent.pcapng", [car, mine], outbound=outbound)
    told, _said = measured(tmp_path, write(tmp_path / "a.pcapng", [car], mine.sent), against=sent)
    assert [row["vehicle_id"] for row in told["vehicles"]] == [200]
    assert (told["total"]["sent"], told["total"]["received"]) == (100, 100)
    assert (told["against"]["vehicles"], told["against"]["own_frames"]) == (1, 100)


def test_what_was_sent_holds_the_own_unit_alone(tmp_path):
    car = Car("192.0.2.1:40000", 200, 0, 50, 0, 0, 10).drive()
    sent = write(tmp_path / "sent.pcapng", [], standing(frames=5))
    capture = write(tmp_path / "a.pcapng", [car], standing(frames=5))
    with pytest.raises(AsvkitError, match=r"holds no messages of vehicles \(5 own_unit\)"):
        par_command.par(capture=capture, against=sent)


def test_a_capture_that_shows_each_frame_sent_and_received(tmp_path):
    """As `any` shows the loopback: who is received is measured, though all are marked outbound as well."""
    cars = [Car(f"192.0.2.{number}:40000", 200 + number, 0, 50, 0, 0, 50).drive() for number in (1, 2)]
    both = tmp_path / "any.pcapng"
    heard = write(tmp_path / "a.pcapng", cars).read_bytes()
    both.write_bytes(write(tmp_path / "b.pcapng", cars, outbound=True).read_bytes() + heard)
    told, _said = measured(tmp_path, both, against=write(tmp_path / "sent.pcapng", cars, outbound=True))
    assert (told["total"]["sent"], told["total"]["received"]) == (100, 100)
    assert told["against"]["own_frames"] == 0


def test_wilson_against_figures_from_the_literature():
    assert wilson(8, 10) == pytest.approx((49.0, 94.3), abs=0.05)
    assert wilson(0, 10) == pytest.approx((0, 27.75), abs=0.05)
    assert wilson(10, 10) == pytest.approx((72.25, 100), abs=0.05)
    assert wilson(0, 0) is None


@pytest.mark.parametrize("where", ["far", "dateline", "unknown", "pole"])
def test_places_that_are_odd(tmp_path, where):
    """Nothing but figures comes of them: another continent, both sides of 180 degrees, no position."""
    car = Car("192.0.2.1:40000", 200, 0, 0, 50, 90, 50).drive()
    own = standing(frames=50)
    if where == "far":
        for one in own:
            one.payload = frame(1, 0, 2_000_000, 0, 0, 0)
    elif where == "unknown":
        for number, one in enumerate(car.sent):
            one.payload = frame(200, number, 0, 0, 0, 0, position_availability=0)
    else:
        degrees = {"dateline": (0, 180), "pole": (90, 0)}[where]
        for number, (one, mine) in enumerate(zip(car.sent, own, strict=True)):
            for sender, turn in ((one, 1), (mine, -1)):
                sender.payload = frame(
                    200 if turn == 1 else 1, number, 0, 0, 0, 0,
                    latitudinal_degree=degrees[0], latitudinal_minute=0, latitudinal_second=0,
                    longitudinal_degree=turn * degrees[1], longitudinal_minute=0, longitudinal_second=0,
                )  # fmt: skip
    told, _said = measured(tmp_path, write(tmp_path / "a.pcapng", [car], own))
    distance = told["distance"]
    counted = {"far": ("beyond", 50), "unknown": ("place_unknown", 50)}
    if where in counted:
        key, count = counted[where]
        assert (distance["bins"], distance[key]) == ([], count)
    elif where == "dateline":
        assert [(one["from_m"], one["sent"]) for one in distance["bins"]] == [(0, 50)]
    assert vehicle(told, 200)["received"] == 50


def test_what_is_no_message_is_counted(tmp_path):
    car = Car("192.0.2.1:40000", 200, 0, 0, 50, 90, 50).drive()
    for number, payload in ((3, b"x"), (7, b"x" * 101), (9, b"\x02" + bytes(99)), (12, b"x" * 178)):
        car.sent[number].payload = payload
    told, _said = measured(tmp_path, write(tmp_path / "a.pcapng", [car]))
    assert told["dropped"] == {"length": 3, "version": 1}
    assert told["frames"] == 46


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"bin_m": 0.0}, "--bin"),
        ({"bin_m": math.nan}, "--bin"),
        ({"one_clock": True}, "--one-clock"),
        ({"overlap": True}, "--overlap"),
        ({"at": "35"}, "--at"),
        ({"at": "91,0"}, "--at"),
        ({"at": "nan,0"}, "--at"),
        ({"at": "a,b"}, "--at"),
    ],
)
def test_wrong_options(tmp_path, options, said):
    capture = write(tmp_path / "a.pcapng", [Car("192.0.2.1:40000", 200, 0, 0, 50, 90, 5).drive()])
    with pytest.raises(UsageError, match=said):
        par_command.par(capture=capture, **options)


def test_files_that_will_not_do(tmp_path):
    capture = write(tmp_path / "a.pcapng", [Car("192.0.2.1:40000", 200, 0, 0, 50, 90, 5).drive()])
    with pytest.raises(UsageError, match="another name"):
        par_command.par(capture=capture, json_file=capture)
    with pytest.raises(UsageError, match="another name"):
        par_command.par(capture=capture, json_file=tmp_path / "b", html=tmp_path / "b")
    with pytest.raises(UsageError, match="cannot be read"):
        par_command.par(capture=tmp_path / "absent.pcapng")
    with pytest.raises(AsvkitError, match="cannot be written"):
        par_command.par(capture=capture, html=tmp_path / "no" / "such.html")
    own = write(tmp_path / "own.pcapng", [], standing(frames=5))
    with pytest.raises(AsvkitError, match="no frame of another vehicle"):
        par_command.par(capture=own)
    empty = write(tmp_path / "empty.pcapng", [])
    with pytest.raises(AsvkitError, match="holds no messages"):
        par_command.par(capture=capture, against=empty)


def test_a_cut_capture_tells_what_came_before(tmp_path):
    capture = write(tmp_path / "a.pcapng", [Car("192.0.2.1:40000", 200, 0, 0, 50, 90, 50).drive()])
    capture.write_bytes(capture.read_bytes()[:-77])
    told, _said = measured(tmp_path, capture)
    assert told["frames"] == 49
    assert told["dropped"] == {"truncated_file": 1}


def test_the_page_holds_the_figures_and_loads_nothing(tmp_path, road):
    cars, own = road
    page = tmp_path / "report.html"
    told, _said = measured(tmp_path, write(tmp_path / "a<b>.pcapng", cars, own), html=page)
    text = page.read_text(encoding="utf-8")
    assert text.count("<svg") == text.count("</svg>") == 5
    assert "a&lt;b&gt;.pcapng" in text
    assert "a<b>" not in text
    assert "http" not in text.replace("http://www.w3.org", "")
    assert "<script" not in text
    for row in told["vehicles"]:
        assert f"{row['received']} / {row['sent']}" in text


def test_the_table_is_read_on_a_terminal(tmp_path, road, capsys):
    cars, own = road
    measured(tmp_path, write(tmp_path / "a[b].pcapng", cars, own), everything=True)
    lines = capsys.readouterr().out.splitlines()
    assert "a[b].pcapng" in lines[0]
    assert "9 vehicles" in lines[0]
    assert sum(line.startswith(("crossing", "right_turn", "left_turn", "emergency")) for line in lines) >= 8
    assert any(line.startswith("105 ") and "02:00:00:00:01:05" in line for line in lines)


def test_json_to_stdout_is_json_alone(tmp_path, capsys):
    from pathlib import Path

    capture = write(tmp_path / "a.pcapng", [Car("192.0.2.1:40000", 200, 0, 0, 50, 90, 5).drive()])
    par_command.par(capture=capture, json_file=Path("-"))
    assert json.loads(capsys.readouterr().out)["frames"] == 5


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
def test_whatever_comes_the_figures_are_consistent(tmp_path, seed):
    """Counters, places and times at random: received never exceeds sent, and each transmission is counted once."""
    dice = random.Random(seed)

    def noise(count):
        car, now = Car("192.0.2.1:40000", 1, 0, 0, 0, 0, 0), START_NS
        for number in range(count):
            now = max(
                0, now + dice.choice([0, 10**7, 10**8, 10**8, 10**8, 10**9, -(10**8), 3 * 10**10, -(10**12), 10**15])
            )
            payload = frame(
                dice.randrange(3), dice.choice([number, dice.randrange(256)]), dice.uniform(-400, 400), 0,
                dice.randrange(200), dice.randrange(400), revision=dice.randrange(12),
                position_availability=dice.choice([3, 3, 3, 0, 1, 2]),
            )  # fmt: skip
            car.sent.append(Sent(now, bytes([1]) + dice.randbytes(99) if dice.random() < 0.03 else payload, 0, 0))
            car.sent[-1].arrived_ns = now
            car.sent[-1].heard = dice.random() < 0.8
        return car

    car, own = noise(150), noise(50).sent
    heard, sent = write(tmp_path / "a.pcapng", [car], own), write(tmp_path / "s.pcapng", [car], outbound=True)
    for options in ({}, {"against": sent, "one_clock": True, "overlap": True}):
        told, _said = measured(tmp_path, heard, everything=True, html=tmp_path / "a.html", **options)
        assert all(0 <= row["received"] <= row["sent"] for row in told["vehicles"])
        distance = told["distance"]
        counted = sum(one["sent"] for one in distance["bins"]) + distance["beyond"] + distance["place_unknown"]
        assert counted == sum(row["sent"] for row in told["vehicles"])
        assert "NaN" not in json.dumps(told)


def test_sent_is_the_truth_the_tests_have(road):
    """The helper itself: some lost, some heard, and all of the road's frames told apart."""
    sent = [one for car in road[0] for one in car.sent]
    assert all(isinstance(one, Sent) for one in sent)
    assert 0.3 < sum(one.heard for one in sent) / len(sent) < 0.7
