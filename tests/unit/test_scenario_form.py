"""What a scenario may say, and what comes of it in the recordings: read back with the unit's own decoders."""

import itertools
import json
import math
from datetime import UTC, datetime
from pathlib import Path

import can
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from asvrig.can_feed import CanFeed
from asvrig.generate import generate
from asvrig.gnss_feed import fixes
from asvrig.keys import key_from_seed, public_hex
from asvrig.live.opponent import Opponent, Pacer
from asvrig.live.radio import RadioSender
from asvrig.live.simulated import simulated_ego
from asvrig.live.world import World
from asvrig.radio_feed import Sealer, all_messages, arrivals, messages, received_ms
from asvrig.scenario import SHORT, Place, Scenario, Vehicle, load_scenario, scenario_names
from asvrig.trajectory import Trajectory, degrees
from asvrig.unit_config import unit_config
from asvunit.adapters.capture import Capture
from asvunit.adapters.nmea import NmeaFile
from asvunit.config import load_config
from asvunit.errors import UsageError
from asvunit.message import decode, values
from asvunit.ports import SIGNALS
from asvunit.resources import data_folder
from asvunit.trailer import signed_bytes, split
from asvunit.vehicle import VehicleMap

S = 1_000_000_000
MAIN = Path(__file__).resolve().parents[2] / "hil" / "scenarios" / "crossing_two.toml"
PLACE = Place(latitude_deg=36.0652, longitude_deg=140.1272)
PLAIN = {"heading_deg": 0, "speed_kmh": 36}
RICH = """
[unit]
neighbours = { capacity = 20 }

[unit.presentation]
mode = "caution_alone"
target_min_kmh = 0

[unit.left_turn]
targets = "all"

[[intersection]]
name = "the cross"
east_m = 0
north_m = 0
priority_deg = [90, 270]

[[intersection]]
name = "farther on"
east_m = 1
north_m = 200
"""


def scenario(*others: dict, duration_s: float = 5.0, ego: dict | None = None, **keys) -> Scenario:
    vehicles = [Vehicle(**({"name": "ego", "ego": True} | PLAIN | (ego or {})))]
    for number, one in enumerate(others):
        vehicles.append(Vehicle(**({"name": f"v{number}", "seed": 11 + number} | PLAIN | one)))
    given = {"scenario": 1, "title": "test", "start": datetime(2026, 4, 1, 1, tzinfo=UTC), "place": PLACE}
    return Scenario.model_validate(given | {"duration_s": duration_s, "vehicle": vehicles} | keys)


def told(played: Scenario, name: str = "v0") -> list[tuple[float, dict]]:
    """(time of receipt, values) of what is received of a vehicle."""
    one = next(other for other in played.others if other.name == name)
    return [
        ((time_ns - played.start_ns) / S, values(decode(split(frame)[0])))
        for time_ns, _mac, frame in messages(played, one, "")
    ]


def metres(played: Scenario, vehicle: Vehicle, t_s: float, value: dict) -> tuple[float, float]:
    """How far east and north of the truth the place told is."""
    truth = Trajectory(vehicle).at(t_s)
    latitude, longitude = degrees(played.place, truth.east_m, truth.north_m)
    east_m = (value["longitude_deg"] - longitude) * 111_320 * math.cos(math.radians(latitude))
    return east_m, (value["latitude_deg"] - latitude) * 111_000


# What is refused


def at_vehicle(keys: str) -> tuple[str, str]:
    return "seed = 11\n", f"seed = 11\n{keys}\n"


def behind(tables: str) -> tuple[str, str]:
    return "speed_kmh = 50\n", f"speed_kmh = 50\n{tables}\n"


_SIGNED = '[[vehicle]]\nname = "{}"\nseed = {}\nid = {}\nheading_deg = 0\nspeed_kmh = 0\nemergency = "signed"\n'
_EXTERNAL = '[[external]]\nfrom_s = {}\nto_s = {}\norigin = "roadside"\nfunction = "crossing"\nlevel = "caution"\n'


@pytest.mark.parametrize(
    ("change", "key", "reason"),
    [
        (at_vehicle("id = 16384"), "vehicle.1.id", "less than 16384"),
        (at_vehicle("id = -1"), "vehicle.1.id", "greater than or equal to 0"),
        (("seed = 1\n", "seed = 1\nid = 5\n"), "vehicle.0", "id is of other vehicles"),
        (("seed = 1\n", 'seed = 1\nemergency = "signed"\n'), "vehicle.0", "emergency is of other vehicles"),
        (("seed = 1\n", "seed = 1\nradio = { phase_ms = 5 }\n"), "vehicle.0", "radio is of other vehicles"),
        (at_vehicle("ego = true"), "vehicle", "2 are: ego, from_left"),
        (("seed = 12\n", "seed = 11\n"), "vehicle", "two vehicles have vehicle_id"),
        (at_vehicle('mac = "02:00:00:00:10"'), "vehicle.1.mac", "is no address"),
        (at_vehicle('mac = "02:00:00:00:00:1g"'), "vehicle.1.mac", "is no address"),
        (at_vehicle('mac = "ff:ff:ff:ff:ff:ff"'), "vehicle.1.mac", "of a group"),
        (at_vehicle(f'mac = "02:00:00:00:00:11"\nid = {Vehicle(name="a", seed=12, **PLAIN).vehicle_id}'), "vehicle",
         "two vehicles have mac 02:00:00:00:00:11 and id"),
        (at_vehicle('emergency = "true"'), "vehicle.1.emergency", "'signed'"),
        (behind(_SIGNED.format("c", 5, 1) + _SIGNED.format("d", 5, 2)), "vehicle", "emergency vehicles have seed 5"),
        (at_vehicle("emergncy = 1"), "vehicle.1.emergncy", "did you mean emergency"),
        (at_vehicle("clock_offset_s = 1e6"), "vehicle.1.clock_offset_s", "less than or equal to 43200"),
        (at_vehicle("receiver = { offset_m = 3 }"), "vehicle.1.receiver.offset_m", "tuple"),
        (at_vehicle("receiver = { offset_m = [3, 9e9] }"), "vehicle.1.receiver.offset_m.1", "5000"),
        (at_vehicle("receiver = { lost = [[4, 3]] }"), "vehicle.1.receiver.lost", "[4.0, 3.0] ends before it begins"),
        (at_vehicle("receiver = { lost = [[3, 3]] }"), "vehicle.1.receiver.lost", "ends before it begins"),
        (at_vehicle("receiver = { lost = [[5, 9], [3, 6]] }"), "vehicle.1.receiver.lost",
         "[3.0, 6.0] and [5.0, 9.0] overlap"),
        (at_vehicle("receiver = { frozen = [[3, 6], [3, 6]] }"), "vehicle.1.receiver.frozen", "overlap"),
        (at_vehicle("receiver = { frozen = [[3, nan]] }"), "vehicle.1.receiver.frozen.0.1", "finite"),
        (at_vehicle("receiver = { jumps = [[3, 6, 1, 1], [5, 7, 2, 2]] }"), "vehicle.1.receiver.jumps", "overlap"),
        (at_vehicle("receiver = { jumps = [[3, 6, 1]] }"), "vehicle.1.receiver.jumps.0.3", "required"),
        (at_vehicle("radio = { lost = [[3, 6], [5, 7]] }"), "vehicle.1.radio.lost", "overlap"),
        (at_vehicle("radio = { doubled_percent = 101 }"), "vehicle.1.radio.doubled_percent", "less than or equal"),
        (at_vehicle("radio = { reordered = 1 }"), "vehicle.1.radio.reordered", "did you mean reordered_percent"),
        (at_vehicle("controls = [{ at_s = 3, hazard = true }, { at_s = 2 }]"), "vehicle.1.controls",
         "at_s 2.0 comes after 3.0"),
        (at_vehicle("controls = [{ at_s = 3, hazard = true }, { at_s = 3, hazard = false }]"), "vehicle.1.controls",
         "at_s 3.0 comes after 3.0"),
        (at_vehicle('controls = [{ at_s = 3, hazard = "left" }]'), "vehicle.1.controls.0.hazard", "boolean"),
        (at_vehicle("motion = [{ for_s = 60, accel_mps2 = 3 }]"), "vehicle.1.motion", "phase 0: it reaches 698 km/h"),
        (at_vehicle("motion = [{ for_s = 60, accel_mps2 = -3 }]"), "vehicle.1.motion", "go backwards"),
        (("east_m = -215.56\nheading_deg = 90", "east_m = 1\nvia = [[1, 0]]"), "vehicle.1.via", "repeated"),
        (('function = "crossing"', 'function = "crossings"'), "function", "'left_turn'"),
        (('function = "crossing"', 'traffic_side = "both"'), "traffic_side", "'left' or 'right'"),
        (behind('[unit.presentation]\nmode = "loud"'), "unit.presentation.mode", "'caution_alone'"),
        (behind('[unit.presentation]\nmodes = "loud"'), "unit.presentation.modes", "did you mean mode"),
        (behind("[unit.presentation]\ncaution_s = 9"), "unit.presentation.caution_s", "[G 3.5(1), D13]"),
        (behind("[unit.crossings]"), "unit.crossings", "did you mean crossing"),
        *((behind(f"[unit.{table}]"), f"unit.{table}", "leave it out")
          for table in ("vehicle", "gnss", "can", "radio", "supports", "hmi", "events")),
        (behind("[unit]\nseed = 4"), "unit.seed", "leave it out"),
        (behind('[unit]\ntraffic_side = "right"'), "unit.traffic_side", "leave it out"),
        (behind('[unit.ego]\nsimulate = "scenario"'), "unit.ego", "simulate: the rig drives ego"),
        (behind(RICH + '[unit.intersections]\nmap = "a"'), "intersection", "unit.intersections.map"),
        (behind(RICH.replace("farther on", "the cross")), "intersection", "two intersections have name the cross"),
        (behind(RICH.replace("270", "360")), "intersection.0.priority_deg.1", "less than 360"),
        (behind(_EXTERNAL.format(4, 3)), "external.0", "ends before it begins"),
        (behind(_EXTERNAL.format(3, 5) + _EXTERNAL.format(4, 6)), "external", "[3.0, 5.0] and [4.0, 6.0] overlap"),
        (behind(_EXTERNAL.format(3, 5).replace("crossing", "reversing")), "external.0.function", "'right_turn'"),
        (behind(_EXTERNAL.format(3, 5) + 'direction = "up"'), "external.0.direction", "'both'"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_file_key_and_reason(tmp_path, change, key, reason):
    text = MAIN.read_text()
    assert change[0] in text
    head, found, rest = text.rpartition(change[0]) if change[0].startswith("speed") else text.partition(change[0])
    file = tmp_path / "mine.toml"
    file.write_text(head + found.replace(*change) + rest)
    with pytest.raises(UsageError) as refused:
        load_scenario(file)
    assert str(refused.value).startswith(f"{file}: {key}: "), refused.value
    assert reason in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1
    assert refused.value.exit_code == 2


def test_what_touches_does_not_overlap():
    played = scenario({"receiver": {"lost": [[2, 3], [1, 2]]}, "id": 4}, {"id": 4})
    assert [one.vehicle_id for one in played.others] == [4, 4]
    assert len({mac for _t, mac, _frame in all_messages(played)}) == 2


def test_each_function_has_the_scenario_that_shows_it_best():
    assert set(SHORT) == {"crossing", "right_turn", "left_turn", "surrounding", "emergency"}
    assert set(SHORT.values()) - set(scenario_names()) == set()
    assert {load_scenario(alias).function for alias in SHORT} == set(SHORT)


# The configuration of ego's unit


def rich(tmp_path: Path) -> Scenario:
    file = tmp_path / "mine.toml"
    text = MAIN.read_text().replace('function = "crossing"', 'function = "emergency"\ntraffic_side = "right"')
    file.write_text(text.replace("seed = 12", 'seed = 12\nemergency = "forged"\nmap = true') + RICH)
    return load_scenario(file)


def test_the_unit_is_configured_as_the_scenario_asks(tmp_path):
    played = rich(tmp_path)
    config = load_config(generate(played, tmp_path).config)
    assert config == played.config
    assert config.traffic_side == "right"
    assert (config.presentation.mode, config.presentation.target_min_kmh) == ("caution_alone", 0)
    assert (config.left_turn.targets, config.neighbours.capacity) == ("all", 20)
    assert config.emergency.keys == {"12": public_hex(12)}
    assert config.intersections.map == "intersections.geojson"
    nodes = json.loads((tmp_path / config.intersections.map).read_text())
    assert nodes["type"] == "FeatureCollection"
    first, second = nodes["features"]
    assert first["geometry"] == {"type": "Point", "coordinates": [140.1272, 36.0652]}
    assert (first["properties"], second["properties"]) == (
        {"name": "the cross", "priority_deg": [90, 270]},
        {"name": "farther on"},
    )
    longitude, latitude = second["geometry"]["coordinates"]
    assert (latitude, longitude) == pytest.approx(degrees(PLACE, 1, 200), abs=1e-7)


def test_a_plain_scenario_asks_for_nothing(tmp_path):
    played = load_scenario(MAIN)
    assert played.unit_tables == {}
    text = generate(played, tmp_path).config.read_text()
    assert [line for line in text.splitlines() if line.startswith("[")] == ["[vehicle]"]
    assert not (tmp_path / "intersections.geojson").exists()


def test_keys_given_to_the_unit_stand_instead_of_the_vehicles(tmp_path):
    played = scenario({"emergency": "signed"}, unit={"emergency": {"keys": {}}})
    assert played.config.emergency.keys == {}
    assert load_config(generate(played, tmp_path).config) == played.config


def test_a_live_unit_of_ego_is_told_the_same_and_one_of_another_only_the_side(tmp_path):
    played = rich(tmp_path)
    given = {"gnss_port": "/dev/a", "can_channel": "/dev/b", "radio_port": 4, "folder": tmp_path, "scenario": played}
    for vehicle in played.vehicle[:2]:
        file = tmp_path / "unit.toml"
        file.write_text(unit_config(vehicle, seed=3, **given))
        config = load_config(file)
        assert (config.traffic_side, config.gnss.port, config.vehicle.map) == ("right", "/dev/a", "bench")
        asked = config.model_dump(include={"presentation", "left_turn", "emergency", "intersections", "neighbours"})
        assert (asked == played.config.model_dump(include=set(asked))) == vehicle.ego
    assert (tmp_path / "intersections.geojson").exists()


# Receivers


def test_a_lost_fix_is_void_as_a_receiver_says_it(tmp_path):
    played = scenario(ego={"receiver": {"lost": [[1.0, 2.0]], "rate_hz": 5}})
    lines = generate(played, tmp_path).gnss.read_text().splitlines()
    assert lines[10].startswith("$GNRMC,010001.00,V,,,,,,,010426,,,N*")
    assert lines[11].startswith("$GNGGA,010001.00,,,,,0,00,99.99,,,,,,*")
    read = list(NmeaFile(tmp_path / "ego.nmea"))
    assert [(fix.time_ns - played.start_ns) // 200_000_000 for fix in read] == list(range(26))
    assert [index for index, fix in enumerate(read) if not fix.valid] == [5, 6, 7, 8, 9]
    assert {fix.reason for fix in read} == {"", "void"}


@pytest.mark.parametrize("name", ["ego", "v0"])
def test_offset_jump_and_freeze_move_what_is_told_and_nothing_else(name):
    receiver = {"offset_m": [3, -4], "jumps": [[1, 2, 50, 10]], "frozen": [[3, 4]], "delay_ms": 0}
    played = scenario({"receiver": receiver}, ego={"receiver": receiver, "heading_deg": 90})
    vehicle = next(one for one in played.vehicle if one.name == name)
    if name == "ego":
        rows = [
            (fix.t_ms / 1000, {"latitude_deg": fix.latitude_deg, "longitude_deg": fix.longitude_deg})
            for fix in fixes(played, vehicle)
        ]
        assert {round(fix.state.speed_kmh, 6) for fix in fixes(played, vehicle)} == {36}
        ahead = (1, 0)
    else:
        rows = [(round(t_s - 0.002, 3), value) for t_s, value in told(played)]
        assert {value["speed_kmh"] for _t, value in rows} == {36}
        assert {value["revision"] for _t, value in rows} == {1}  # each as a fresh one
        ahead = (0, 1)
    for t_s, value in rows:
        back = (t_s - 3) * 10 if 3 < t_s < 4 else 0.0  # 36 km/h is 10 m/s
        jump = (50, 10) if 1 <= t_s < 2 else (0, 0)
        due = [offset + far - back * way for offset, far, way in zip((3, -4), jump, ahead, strict=True)]
        assert metres(played, vehicle, t_s, value) == pytest.approx(due, abs=0.7), t_s


def test_a_slow_receiver_freezes_at_its_last_fix():
    played = scenario(ego={"receiver": {"rate_hz": 1, "frozen": [[1.5, 4]]}})
    north = [round(fix.north_m) for fix in fixes(played, played.ego)]
    assert north == [0, 10, 10, 10, 40, 50]


def test_a_radio_without_a_fix_says_no_position_and_all_else():
    played = scenario({"receiver": {"lost": [[1, 2]]}, "radio": {"position": "moved"}})
    for t_s, value in told(played):
        lost = 1 <= round(t_s - 0.002, 3) < 2
        assert (value["latitude_deg"] is None) == lost
        assert (value["fix_time_jst"] is None) == lost
        assert (value["speed_kmh"], value["direction_deg"]) == (36, 0)


def test_a_clock_that_is_off_shows_in_the_time_of_fix():
    right, wrong = told(scenario({})), told(scenario({"clock_offset_s": -75.5}))
    assert right[0][1]["fix_time_jst"] == "10:00:00"
    assert [value["fix_time_jst"] for _t, value in wrong[:7]] == ["09:58:44"] * 5 + ["09:58:45"] * 2
    assert [value | {"fix_time_jst": ""} for _t, value in wrong] == [
        value | {"fix_time_jst": ""} for _t, value in right
    ]


# Radios


def test_id_mac_and_hazard_are_as_given(tmp_path):
    controls = [{"at_s": 1, "hazard": True}, {"at_s": 2.05, "brake": True}, {"at_s": 3, "hazard": False}]
    played = scenario({"id": 16383, "mac": "02:00:00:00:AB:cd", "controls": controls}, {})
    assert {value["vehicle_id"] for _t, value in told(played)} == {16383}
    told_controls = [(value["hazard"], value["brake"]) for _t, value in told(played)]
    assert told_controls == ([("off", False)] * 10 + [("on", False)] * 11 + [("on", True)] * 9 + [("off", True)] * 20)
    sources = {frame.source for frame in Capture(generate(played, tmp_path).radio)}
    assert sources == {"02:00:00:00:ab:cd", "02:00:00:00:00:11"}


def test_hazard_is_on_the_bus():
    played = scenario(ego={"controls": [{"at_s": 1, "hazard": True}, {"at_s": 3, "hazard": False}]})
    read, switched = VehicleMap.load("bench"), []
    for time_ns, identifier, extended, data in CanFeed(played.ego).frames(played):
        frame = can.Message(time_ns / S, identifier, is_extended_id=extended, data=data)
        for signal in read.decode(frame):
            if SIGNALS[signal.signal] == "hazard" and (not switched or switched[-1][1] != signal.value):
                switched.append((round((time_ns - played.start_ns) / S, 1), signal.value))
    assert [t_s for t_s, _value in switched] == [0.0, 1.0, 3.0]
    assert switched[0][1] == switched[2][1] != switched[1][1]


def test_doubled_frames_come_twice():
    once, twice = told(scenario({})), told(scenario({"radio": {"doubled_percent": 100}}))
    assert len(twice) == 2 * len(once)
    assert twice[::2] == once
    assert [value for _t, value in twice[1::2]] == [value for _t, value in once]
    assert [round(b - a, 4) for (a, _), (b, _) in zip(twice[::2], twice[1::2], strict=True)] == [0.001] * len(once)


def test_reordered_frames_come_after_the_next_one():
    played = scenario({"radio": {"reordered_percent": 30}}, duration_s=60)
    rows = told(played)
    counters = [value["increment_counter"] for _t, value in rows]
    assert sorted(number for _at, _t, number in arrivals(played, played.others[0])) == list(range(600))
    steps = [(b - a) % 256 for a, b in itertools.pairwise(counters)]
    back = steps.count(255)  # it and its successor have changed places
    assert 0.15 * 600 < back < 0.35 * 600
    assert set(steps) <= {1, 2, 3, 255}
    times = [t_s for t_s, _value in rows]
    assert times == sorted(times)


def test_all_reordered_is_every_second_one():
    played = scenario({"radio": {"reordered_percent": 100}}, duration_s=1)
    assert [value["increment_counter"] for _t, value in told(played)] == [1, 0, 3, 2, 5, 4, 7, 6, 9, 8]


def test_what_befalls_a_frame_shifts_no_other_draw():
    radio = {"loss_percent": 30, "loss_seed": 5}
    one = scenario({"radio": radio}, duration_s=20)
    other = scenario({"radio": radio | {"doubled_percent": 40, "reordered_percent": 20}}, duration_s=20)
    lost = scenario({"radio": {"loss_seed": 5, "reordered_percent": 20}}, duration_s=20)
    assert list(received_ms(one, one.others[0])) == list(received_ms(other, other.others[0]))
    assert {row[2] for row in arrivals(other, other.others[0])} == {n for _t, n in received_ms(one, one.others[0])}
    seeds = {tuple(arrivals(played, played.others[0])) for played in (one, other, lost)}
    assert len(seeds) == 3


# Intersections


def test_a_vehicle_with_a_map_tells_the_nearest_intersection_ahead():
    nodes = [("behind", 0, -10), ("beside", 30, 5), ("near", 2.5, 40), ("far", 0, 700)]
    given = [{"name": name, "east_m": east, "north_m": north} for name, east, north in nodes]
    played = scenario({"map": True}, {}, duration_s=10, intersection=given)
    seen = []
    for t_s, value in told(played):
        north = round(t_s - 0.002, 3) * 10
        ahead = [(math.hypot(east, at - north), name, east, at) for name, east, at in nodes if at - north >= abs(east)]
        distance, name, east, at = min(ahead)
        crossing = value["intersection"]
        seen.append(name)
        assert crossing["source"] == "own_map"
        assert crossing["distance_m"] == pytest.approx(min(distance, 500), abs=0.51)
        assert (crossing["latitude_deg"], crossing["longitude_deg"]) == pytest.approx(
            degrees(PLACE, east, at), abs=2e-6
        )
    assert sorted(set(seen)) == ["far", "near"]
    assert {value["intersection"] for _t, value in told(played, "v1")} == {None}


def test_a_map_without_a_node_ahead_cannot_tell_and_without_a_map_it_is_unknown():
    node = [{"name": "behind", "east_m": 0, "north_m": -10}]
    played = scenario({"map": True}, {}, intersection=node)
    codes = [
        {decode(frame)["intersection_information_availability"] for _t, _mac, frame in messages(played, one, "")}
        for one in played.others
    ]
    assert codes == [{1}, {0}]


# Particular vehicles


def verdict(frame: bytes, key_hex: str) -> bool:
    _payload, trailer = split(frame)
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key_hex)).verify(trailer.signature, signed_bytes(frame))
    except InvalidSignature:
        return False
    return True


@pytest.mark.parametrize(
    ("emergency", "genuine", "late_ms"), [("signed", True, 0), ("forged", False, 0), ("stale", True, 10_000)]
)
def test_trailers_are_of_the_vehicles_key_and_time(emergency, genuine, late_ms):
    played = scenario({"emergency": emergency, "seed": 77, "radio": {"phase_ms": 40}, "clock_offset_s": 100})
    key_hex = played.config.emergency.keys["77"]
    frames = [(time_ns, frame) for time_ns, _mac, frame in messages(played, played.others[0], "")]
    assert len(frames) == 50
    for time_ns, frame in frames:
        payload, trailer = split(frame)
        assert len(frame) == 178
        assert values(decode(payload))["emergency"] is True
        assert trailer.key_id == 77
        assert trailer.time_ms == time_ns // 1_000_000 - 2 - late_ms
        assert verdict(frame, key_hex) == genuine


def test_a_replayed_frame_is_the_first_for_ever_and_an_unsigned_one_is_bare():
    played = scenario({"emergency": "replayed"}, {"emergency": "unsigned"}, {})
    frames = [[frame for _t, _mac, frame in messages(played, one, "")] for one in played.others]
    assert len(frames[0]) == 50
    assert len(set(frames[0])) == 1
    assert verdict(frames[0][0], played.config.emergency.keys["11"])
    assert {len(frame) for frame in frames[1] + frames[2]} == {100}
    assert [values(decode(some[9]))["emergency"] for some in frames[1:]] == [True, False]
    assert set(played.config.emergency.keys) == {"11"}


def test_a_key_is_always_the_same_and_of_one_seed():
    assert public_hex(5) == key_from_seed(5).public_key().public_bytes_raw().hex()
    assert len({public_hex(seed) for seed in range(50)}) == 50
    assert public_hex(17) == "2b2e390abdd949512142b0d12423940214ee1b941bf20a831ff4f83391b90fc5"


# Live


def test_an_opponent_seals_what_it_sends_when_it_sends_it():
    played = scenario({"emergency": "signed"}, {"emergency": "replayed"})
    now_ns = [1_900_000_000 * S]
    signed, replayed = (Opponent(played, one, clock_ns=lambda: now_ns[0]) for one in played.others)
    first, old = signed.due(0, 0.1), replayed.due(0, 0.1)
    now_ns[0] += S
    second = signed.due(1.0, 1.1)
    assert [split(frame)[1].time_ms for frame in (first, second)] == [1_900_000_000_000, 1_900_000_001_000]
    assert verdict(second, public_hex(11))
    assert replayed.due(1.0, 1.1) == old
    assert signed.due(1.003, 1.004) is None
    assert Sealer(played.ego).seal(b"x", 0) == b"x"


def test_what_live_cannot_play_is_refused_in_one_line():
    external = [{"from_s": 1, "to_s": 2, "origin": "roadside", "function": "crossing", "level": "information"}]
    asked = scenario({"mac": "02:00:00:00:00:99"}, {"radio": {"doubled_percent": 1}}, {"map": True}, external=external)
    plain = asked.model_copy(update={"external": []})
    spoofed, doubled, mapped = asked.others
    with RadioSender("127.255.255.255", 47999) as sender:
        world = World(plain, 0)
        for refusal, doing in (
            ("external.0", lambda: World(asked, 0)),
            ("external.0", lambda: simulated_ego(asked, False)),
            ("mac", lambda: world.play(spoofed, sender)),
            ("mac", lambda: Opponent(plain, spoofed)),
            ("radio.doubled_percent", lambda: Opponent(plain, doubled)),
            ("map", lambda: world.add_unit(mapped, None)),
        ):
            with pytest.raises(UsageError, match=rf"^(vehicle|scenario) '.*': {refusal}: .*$"):
                doing()
        world.play(doubled, sender)
    assert doubled.played_only == ["radio"]
    assert asked.ego.played_only == []


def test_the_pacer_goes_by_what_ego_tells():
    played = scenario(ego={"receiver": {"offset_m": [0, 500], "lost": [[0, 2]]}}, duration_s=8)
    pacer = Pacer(played)
    value = {"speed_kmh": 36, "direction_deg": 0, "vehicle_id": 3}
    for tenth in range(20, 40):
        where = dict(zip(("latitude_deg", "longitude_deg"), degrees(PLACE, 0, 500 + tenth), strict=True))
        assert pacer.hear(value | where, 1000 + tenth / 10)
    assert pacer.begin_s == pytest.approx(1000, abs=0.02)
    lost = dict(zip(("latitude_deg", "longitude_deg"), degrees(PLACE, 0, 500 + 5), strict=True))
    assert not pacer.hear(value | lost, 2000)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("lost", [[-3, 900]]),
        ("jumps", [[1, 2, 1e9, 0]]),
        ("frozen", [[0, -1]]),
        ("offset_m", [1e9, 0]),
    ],
)
def test_a_number_out_of_bounds_deep_inside_is_refused_in_one_line(tmp_path, key, value):
    text = (
        (data_folder("scenarios") / "crossing_50.toml")
        .read_text()
        .replace('name = "target"\n', f'name = "target"\nreceiver = {{ {key} = {value} }}\n')
    )
    file = tmp_path / "deep.toml"
    file.write_text(text)
    with pytest.raises(UsageError, match=rf"deep\.toml: vehicle\.1\.receiver\.{key}") as told:
        load_scenario(file)
    assert len(str(told.value).splitlines()) == 1
