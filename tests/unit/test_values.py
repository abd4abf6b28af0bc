"""Raw codes read as physical values and back: vectors, every border, and the round trip."""

import json
import math
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asvcore.elements import ELEMENTS
from asvunit.message import decode, encode, raw_from_values, undefined, values

VECTORS = [
    json.loads(path.read_text())
    for path in sorted((Path(__file__).resolve().parents[1] / "vectors").glob("*.json"))
]  # fmt: skip
TOKYO = {"latitude_deg": 35.5, "longitude_deg": 139.25}
POSITION = {"position_availability": 3, "latitudinal_degree": 35, "longitudinal_degree": 139}
STATE = {"sensor_availability": 3}
CROSSING = {
    "intersection_information_availability": 3,
    "intersection_latitudinal_degree": 35,
    "intersection_longitudinal_degree": 139,
}
ANY_BYTES = st.binary(min_size=99, max_size=99).map(lambda rest: b"\x01" + rest)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_vector(vector):
    read = values(vector["raw"])
    assert read == vector["value"]
    assert list(read) == list(vector["value"])
    assert {key: type(item) for key, item in read.items()} == {
        key: type(item) for key, item in vector["value"].items()
    }  # true is not 1 in JSON


@pytest.mark.parametrize(
    ("unit", "name", "code", "key", "expected"),
    [
        ({}, "class_information", 8, "position_class", "S"),
        ({}, "class_information", 4, "position_class", "A"),
        ({}, "class_information", 1, "position_class", "C"),
        ({}, "class_information", 3, "position_class", None),
        ({}, "vehicle_classification", 15, "vehicle_kind", "other"),
        ({}, "vehicle_classification", 11, "vehicle_kind", "tram"),
        ({}, "vehicle_classification", 12, "vehicle_kind", None),
        ({}, "vehicle_classification", 16 + 4, "vehicle_kind", None),
        ({}, "vehicle_length", 0, "vehicle_length_m", None),
        ({}, "vehicle_length", 31, "vehicle_length_m", 62),
        ({}, "road_information", 0, "road", None),
        ({}, "road_information", 2, "road", "motorway"),
        ({}, "road_information", 3, "road", None),
        ({}, "emergency_attention", 1, "emergency", True),
        (POSITION, "horizontal_error_range", 0, "horizontal_error_m", None),
        (POSITION, "horizontal_error_range", 255, "horizontal_error_m", 255),
        (POSITION, "height", 0, "height_m", -8192),
        (POSITION, "height", 0x3FFE, "height_m", 8190),
        (POSITION, "height", 0x3FFF, "height_m", None),
        (POSITION, "vertical_error_range", 0, "vertical_error_m", None),
        (POSITION, "position_delay", 0, "position_delay_ms", None),
        (POSITION, "position_delay", 30, "position_delay_ms", 3000),
        (POSITION, "position_delay", 31, "position_delay_ms", None),
        (POSITION, "position_delay", 63, "position_delay_ms", None),
        (POSITION, "revision_counter", 0, "revision", None),
        (POSITION, "revision_counter", 10, "revision", 10),
        (POSITION, "revision_counter", 11, "revision", None),
        (POSITION, "utc_hour", 23, "fix_time_jst", "23:00:00"),
        (POSITION, "utc_hour", 24, "fix_time_jst", None),
        (POSITION, "utc_minute", 60, "fix_time_jst", None),
        (POSITION, "utc_second", 60, "fix_time_jst", None),
        (STATE, "speed", 255, "speed_kmh", 255),
        (STATE, "direction", 359, "direction_deg", 359),
        (STATE, "direction", 360, "direction_deg", None),
        (STATE, "direction", 0x180, "direction_deg", None),
        (STATE, "forward_acceleration", 0x1F, "forward_acceleration_mps2", -0.25),
        (STATE, "forward_acceleration", 0x3F, "forward_acceleration_mps2", None),
        (STATE, "shift_position", 0, "shift", None),
        (STATE, "shift_position", 5, "shift", None),
        (STATE, "shift_position", 7, "shift", "none"),
        (STATE, "brake", 0, "brake", None),
        (STATE, "brake", 3, "brake", None),
        (STATE, "brake", 3, "auxiliary_brake", None),
        (STATE, "brake", 6, "brake", False),
        (STATE, "brake", 6, "auxiliary_brake", True),
        (STATE, "winker", 3, "winker", None),
        (STATE, "winker", 6, "winker", "left"),
        (STATE, "hazard", 6, "hazard", None),
        (STATE, "acceleration_pedal_angle", 100, "accelerator_percent", 100),
        (STATE, "acceleration_pedal_angle", 101, "accelerator_percent", None),
        (STATE, "acceleration_pedal_angle", 120, "accelerator_percent", None),
        (STATE, "acceleration_pedal_angle", 120, "accelerator_switch", True),
        (STATE, "acceleration_pedal_angle", 0, "accelerator_switch", False),
        (STATE, "acceleration_pedal_angle", 50, "accelerator_switch", None),
        (STATE, "acceleration_pedal_angle", 124, "accelerator_switch", None),
    ],
)
def test_reading(unit, name, code, key, expected):
    read = values(unit | {name: code})[key]
    assert read == expected
    assert type(read) is type(expected)


@pytest.mark.parametrize(
    ("code", "metres"), [(0, 0), (499, 499), (500, None), (501, 500), (502, None), (510, None), (511, None)]
)
def test_distance_to_the_intersection(code, metres):
    read = values(CROSSING | {"nearest_intersection_distance": code})["intersection"]
    assert read == {"latitude_deg": 35.0, "longitude_deg": 139.0, "distance_m": metres, "source": None}


@pytest.mark.parametrize("availability", [0, 1, 2])
def test_intersection_is_read_only_if_set(availability):
    assert values(CROSSING | {"intersection_information_availability": availability})["intersection"] is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"latitudinal_minute": 60},
        {"latitudinal_second": 6000},
        {"longitudinal_minute": 60},
        {"longitudinal_second": 6000},
        {"latitudinal_degree": 91},
        {"latitudinal_degree": -91},
        {"latitudinal_degree": 90, "latitudinal_second": 1},
        {"longitudinal_degree": 180, "longitudinal_minute": 1},
        {"longitudinal_degree": -180, "longitudinal_second": 1},
    ],
)
def test_an_angle_that_is_none_takes_its_unit_with_it(wrong):
    rest = {"horizontal_error_range": 3, "height": 8192, "position_delay": 1, "revision_counter": 1}
    read = values(POSITION | rest | wrong)
    keys = ("latitude_deg", "longitude_deg", "horizontal_error_m", "height_m", "vertical_error_m",
            "position_delay_ms", "revision", "fix_time_jst")  # fmt: skip
    assert {key: read[key] for key in keys} == dict.fromkeys(keys)
    assert values(POSITION | rest)["fix_time_jst"] == "00:00:00"
    assert undefined(POSITION | rest | wrong)[-1] in wrong
    crossing = {f"intersection_{name}": code for name, code in wrong.items()}
    assert values(CROSSING | crossing)["intersection"] is None


@pytest.mark.parametrize(("degree", "expected"), [(90, 90.0), (-90, -90.0), (0, 0.0)])
def test_the_poles_and_the_equator_are_positions(degree, expected):
    assert values(POSITION | {"latitudinal_degree": degree})["latitude_deg"] == expected


def test_time_needs_a_position():
    assert values({"utc_hour": 5})["fix_time_jst"] is None
    assert values(POSITION | {"position_availability": 1, "utc_hour": 5})["fix_time_jst"] == "05:00:00"


@settings(deadline=None)
@given(ANY_BYTES)
def test_any_content_reads(data):
    raw = decode(data)
    read = values(raw)
    assert len(read) == 26
    assert set(undefined(raw)) < {row[2] for row in ELEMENTS}
    json.dumps(read, allow_nan=False)


def test_undefined_names_what_has_no_meaning():
    zero = {"class_information": 1}
    assert undefined(zero) == ()
    state = {
        "direction": 360,
        "shift_position": 6,
        "brake": 2,
        "winker": 1,
        "hazard": 6,
        "acceleration_pedal_angle": 101,
    }
    assert undefined(zero | state) == (), "an unavailable unit is not read"
    assert undefined(zero | STATE | state) == tuple(state)
    assert undefined(zero | {"sensor_availability": 1} | state) == ("direction",)
    known = {"direction": 0x1FF, "acceleration_pedal_angle": 127, "forward_acceleration": 0x3F}
    assert undefined(zero | STATE | known) == ()
    position = {"position_delay": 0, "revision_counter": 15, "utc_hour": 24, "utc_minute": 60}
    assert undefined(zero | POSITION | position) == tuple(position)
    assert undefined({"vehicle_classification": 13, "position_availability": 2, "road_information": 3}) == (
        "class_information", "vehicle_classification", "position_availability", "road_information",
    )  # fmt: skip
    assert undefined(zero | CROSSING | {"nearest_intersection_distance": 500}) == ("nearest_intersection_distance",)


@settings(deadline=None)
@given(ANY_BYTES, st.sampled_from([0, 1, 3]), st.sampled_from([0, 1, 3]), st.integers(-90, 89), st.integers(-180, 179))
def test_values_come_back(data, position, state, latitude, longitude):
    raw = decode(data) | {
        "position_availability": position, "latitudinal_degree": latitude, "longitudinal_degree": longitude,
        "latitudinal_minute": data[8] % 60, "longitudinal_minute": data[11] % 60,
        "latitudinal_second": data[9] * 23, "longitudinal_second": data[12] * 23,
        "sensor_availability": state, "intersection_information_availability": 0,
    }  # fmt: skip
    read = values(raw)
    back = raw_from_values(read)
    assert values(decode(encode(back))) == read | {"vehicle_kind": read["vehicle_kind"] or "other"}


def test_nothing_told_is_an_unavailable_message():
    raw = raw_from_values({})
    assert {name: code for name, code in raw.items() if code not in (0, "0" * 86, "0" * 40)} == {
        "administration_data": 1,
        "vehicle_classification": 15,
    }


def test_available_units_hold_the_unknown_codes_for_what_is_missing():
    raw = raw_from_values(TOKYO | {"speed_kmh": 10, "intersection": dict(TOKYO)})
    told = {
        "position_availability": 3, "height": 0x3FFF, "position_delay": 0x1F, "horizontal_error_range": 0,
        "revision_counter": 0, "sensor_availability": 3, "direction": 0x180, "forward_acceleration": 0x3F,
        "shift_position": 0, "brake": 0, "winker": 0, "hazard": 0, "acceleration_pedal_angle": 0x7C,
        "intersection_information_availability": 3, "nearest_intersection_distance": 511,
    }  # fmt: skip
    assert {name: raw[name] for name in told} == told


@pytest.mark.parametrize(
    ("value", "name", "code"),
    [
        ({"speed_kmh": 49.5}, "speed", 50),
        ({"speed_kmh": 49.49}, "speed", 49),
        ({"speed_kmh": 0.49999999999999994}, "speed", 0),
        ({"speed_kmh": 255.4}, "speed", 255),
        ({"speed_kmh": 9, "direction_deg": 359.6}, "direction", 0),
        ({"speed_kmh": 9, "direction_deg": 359.4}, "direction", 359),
        ({"speed_kmh": 9, "forward_acceleration_mps2": -8}, "forward_acceleration", 0),
        ({"speed_kmh": 9, "forward_acceleration_mps2": -0.125}, "forward_acceleration", 32),
        ({"speed_kmh": 9, "forward_acceleration_mps2": 0.125}, "forward_acceleration", 33),
        ({"speed_kmh": 9, "accelerator_percent": 12.5}, "acceleration_pedal_angle", 13),
        ({"speed_kmh": 9, "accelerator_switch": True}, "acceleration_pedal_angle", 120),
        ({"speed_kmh": 9, "accelerator_switch": False}, "acceleration_pedal_angle", 0),
        ({"speed_kmh": 9, "brake": True, "auxiliary_brake": True}, "brake", 7),
        ({"speed_kmh": 9, "brake": False}, "brake", 4),
        ({"vehicle_length_m": 4.7}, "vehicle_length", 3),
        ({"vehicle_length_m": 6}, "vehicle_length", 3),
        ({"vehicle_length_m": 6.001}, "vehicle_length", 4),
        ({"vehicle_length_m": 100}, "vehicle_length", 31),
        (TOKYO | {"height_m": -0.5}, "height", 8192),
        (TOKYO | {"horizontal_error_m": 0.5}, "horizontal_error_range", 1),
        (TOKYO | {"position_delay_ms": 250}, "position_delay", 3),
        ({"emergency": True}, "emergency_attention", 1),
        ({"intersection": TOKYO | {"distance_m": 499.5}}, "nearest_intersection_distance", 501),
        ({"intersection": TOKYO | {"source": "optical_beacon"}}, "information_of_nearest_intersection_distance", 2),
    ],
)
def test_rounding(value, name, code):
    assert raw_from_values(value)[name] == code


@pytest.mark.parametrize(
    ("latitude", "parts"),
    [
        (35 + Fraction(59996, 3_600_000), (35, 1, 0)),  # 59.996" is the next minute
        (34 + Fraction(3_599_996, 3_600_000), (35, 0, 0)),
        (-33.5, (-33, 30, 0)),
        (-1, (-1, 0, 0)),
        (-0.0, (0, 0, 0)),
        (-1e-9, (0, 0, 0)),
        (90, (90, 0, 0)),
        (12 + Fraction(5, 3_600_000), (12, 0, 1)),  # half of 0.01"
    ],
)
def test_angles(latitude, parts):
    raw = raw_from_values({"latitude_deg": latitude, "longitude_deg": 0})
    assert (raw["latitudinal_degree"], raw["latitudinal_minute"], raw["latitudinal_second"]) == parts


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"latitude_deg": -0.5, "longitude_deg": 1}, "latitude_deg: -0.5 cannot be coded: less than 1 degree south"),
        ({"latitude_deg": 1, "longitude_deg": -0.5}, "longitude_deg: -0.5 cannot be coded: .* west of Greenwich"),
        ({"intersection": {"latitude_deg": -0.1, "longitude_deg": 1}}, "intersection.latitude_deg: -0.1 cannot"),
        ({"latitude_deg": 90.1, "longitude_deg": 1}, r"latitude_deg: 90.1 is outside -90\.\.90"),
        ({"latitude_deg": 1, "longitude_deg": -181}, r"longitude_deg: -181 is outside -180\.\.180"),
        ({"latitude_deg": 1}, "latitude_deg: needs longitude_deg"),
        ({"height_m": 1}, "height_m: needs latitude_deg and longitude_deg"),
        ({"direction_deg": 1}, "direction_deg: needs speed_kmh"),
        ({"brake": True}, "brake: needs speed_kmh"),
        ({"accelerator_switch": True}, "accelerator_switch: needs speed_kmh"),
        ({"fix_time_jst": "00:00:00"}, "fix_time_jst: needs latitude_deg"),
        ({"intersection": {}}, "intersection: needs latitude_deg and longitude_deg"),
        ({"intersection": {"distance_m": 4}}, "intersection.distance_m: needs"),
        ({"intersection": 5}, "intersection: 5 is not an object"),
        ({"intersection": TOKYO | {"distance_m": 501}}, r"intersection.distance_m: 501 is outside 0\.\.500"),
        ({"intersection": TOKYO | {"source": "map"}}, "intersection.source: 'map' is none of own_map"),
        ({"intersection": TOKYO | {"distance": 1}}, "intersection.distance: no such value; did you mean distance_m"),
        ({"speed_kmh": 255.5}, r"speed_kmh: 255.5 is outside 0\.\.255"),
        ({"speed_kmh": -1}, r"speed_kmh: -1 is outside 0\.\.255"),
        ({"speed_kmh": math.nan}, "speed_kmh: nan is not a number"),
        ({"speed_kmh": math.inf}, "speed_kmh: inf is not a number"),
        ({"speed_kmh": True}, "speed_kmh: True is not a number"),
        ({"speed_kmh": "5"}, "speed_kmh: '5' is not a number"),
        ({"speed_kmh": 9, "direction_deg": 360.5}, r"direction_deg: 360.5 is outside 0\.\.359"),
        ({"speed_kmh": 9, "forward_acceleration_mps2": 7.7}, r"forward_acceleration_mps2: 7.7 is outside -8\.\.7.5"),
        ({"speed_kmh": 9, "shift": "first"}, "shift: 'first' is none of drive, reverse"),
        ({"speed_kmh": 9, "winker": []}, r"winker: \[\] is none of"),
        ({"speed_kmh": 9, "auxiliary_brake": True}, "auxiliary_brake: needs brake"),
        ({"speed_kmh": 9, "brake": 1}, "brake: 1 is not true or false"),
        ({"speed_kmh": 9, "accelerator_percent": 101}, r"accelerator_percent: 101 is outside 0\.\.100"),
        ({"speed_kmh": 9, "accelerator_percent": 5, "accelerator_switch": False}, "contradicts"),
        ({"vehicle_length_m": -1}, "vehicle_length_m: -1 is outside"),
        ({"vehicle_id": 16384}, r"vehicle_id: 16384 is outside 0\.\.16383"),
        ({"vehicle_id": 1.5}, "vehicle_id: 1.5 is not an integer"),
        ({"emergency": 1}, "emergency: 1 is not true or false"),
        (TOKYO | {"horizontal_error_m": 0.4}, r"horizontal_error_m: 0.4 is outside 1\.\.255"),
        (TOKYO | {"fix_time_jst": "24:00:00"}, "fix_time_jst: '24:00:00' is not HH:MM:SS"),
        ({"spede_kmh": 1}, "spede_kmh: no such value; did you mean speed_kmh"),
    ],
)
def test_refused(value, text):
    with pytest.raises(ValueError, match=f"^.*{text}"):
        raw_from_values(value)
