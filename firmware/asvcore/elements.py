"""The 45 elements of the ASV message: the one place where names, widths and codings stand.

A message is 100 bytes (800 bits), most significant bit first, elements in this order, no padding
[G appendix 1, D1]. `codec.py` is generated from this table; the values of a message
(`asvunit.message`), the batch decoder and the documentation read it.

Row: (number, unit, name, bits, mandatory in its unit, signed, coding)
Coding, an ordered tuple headed by its kind:
    (CONSTANT, what we send)                       no value of its own
    (NUMBER, value name, numerator, denominator, offset, first code, last code, unknown codes)
        value = (code - offset) * numerator / denominator for first <= code <= last
    (WORDS, value name, ((code, word), ...))       any other code reads as unknown
    (PART, value name)                             several elements make one value (angle, time)
    (BRAKE,) (ACCELERATOR,) (DISTANCE,)            codings with two readings in one element
    (AVAILABILITY,)                                see AVAILABLE_ALL ff.
    (OPAQUE,)                                      carried, not read
"""

from .message import *  # noqa: F403 - the message's constants belong to its table too
from .message import VERSION

CONSTANT = 0
NUMBER = 1
WORDS = 2
PART = 3
BRAKE = 4
ACCELERATOR = 5
DISTANCE = 6
AVAILABILITY = 7
OPAQUE = 8

ELEMENTS = (
    (1, "control", "administration_data", 8, True, False, (CONSTANT, VERSION)),
    (2, "control", "increment_counter", 8, True, False, (NUMBER, "increment_counter", 1, 1, 0, 0, 255, ())),
    (3, "attributes", "vehicle_id", 14, True, False, (NUMBER, "vehicle_id", 1, 1, 0, 0, 16383, ())),
    (4, "attributes", "class_information", 4, True, False,
     (WORDS, "position_class", ((8, "S"), (4, "A"), (2, "B"), (1, "C")))),
    (5, "attributes", "vehicle_classification", 12, True, False,
     (WORDS, "vehicle_kind", (
         (0, "bus"), (1, "large_truck"), (2, "truck"), (3, "special"), (4, "car"), (5, "motorcycle"),
         (6, "moped2"), (7, "moped1"), (8, "pedestrian"), (9, "bicycle"), (10, "light_vehicle"),
         (11, "tram"), (15, "other")))),
    (6, "attributes", "vehicle_length", 5, False, False, (NUMBER, "vehicle_length_m", 2, 1, 0, 1, 31, (0,))),
    (7, "position", "position_availability", 2, True, False, (AVAILABILITY,)),
    (8, "position", "latitudinal_degree", 9, True, True, (PART, "latitude_deg")),
    (9, "position", "latitudinal_minute", 6, True, False, (PART, "latitude_deg")),
    (10, "position", "latitudinal_second", 13, True, False, (PART, "latitude_deg")),
    (11, "position", "longitudinal_degree", 9, True, True, (PART, "longitude_deg")),
    (12, "position", "longitudinal_minute", 6, True, False, (PART, "longitude_deg")),
    (13, "position", "longitudinal_second", 13, True, False, (PART, "longitude_deg")),
    (14, "position", "horizontal_error_range", 8, False, False, (NUMBER, "horizontal_error_m", 1, 1, 0, 1, 255, (0,))),
    (15, "position", "height", 14, False, False, (NUMBER, "height_m", 1, 1, 8192, 0, 0x3FFE, (0x3FFF,))),
    (16, "position", "vertical_error_range", 8, False, False, (NUMBER, "vertical_error_m", 1, 1, 0, 1, 255, (0,))),
    (17, "position", "position_delay", 6, False, False, (NUMBER, "position_delay_ms", 100, 1, 0, 1, 30, (0x1F,))),
    (18, "position", "revision_counter", 4, False, False, (NUMBER, "revision", 1, 1, 0, 1, 10, (0,))),
    (19, "state", "sensor_availability", 2, True, False, (AVAILABILITY,)),
    (20, "state", "speed", 8, True, False, (NUMBER, "speed_kmh", 1, 1, 0, 0, 255, ())),
    (21, "state", "direction", 9, True, False, (NUMBER, "direction_deg", 1, 1, 0, 0, 359, range(0x180, 0x200))),
    (22, "state", "forward_acceleration", 6, False, False,
     (NUMBER, "forward_acceleration_mps2", 1, 4, 32, 0, 0x3E, (0x3F,))),
    (23, "state", "shift_position", 3, False, False,
     (WORDS, "shift", ((0, None), (1, "drive"), (2, "reverse"), (3, "parking"), (4, "other"), (7, "none")))),
    (24, "state", "brake", 3, False, False, (BRAKE,)),
    (25, "state", "winker", 3, False, False,
     (WORDS, "winker", ((0, None), (4, "off"), (5, "right"), (6, "left"), (7, "none")))),
    (26, "state", "hazard", 3, False, False, (WORDS, "hazard", ((0, None), (4, "off"), (5, "on"), (7, "none")))),
    (27, "state", "acceleration_pedal_angle", 7, False, False, (ACCELERATOR,)),
    (28, "other", "extended_vehicle_information", 8, False, False, (OPAQUE,)),
    (29, "time", "utc_hour", 5, True, False, (PART, "fix_time_jst")),
    (30, "time", "utc_minute", 6, True, False, (PART, "fix_time_jst")),
    (31, "time", "utc_second", 6, True, False, (PART, "fix_time_jst")),
    (32, "intersection", "intersection_information_availability", 2, False, False, (AVAILABILITY,)),
    (33, "intersection", "intersection_latitudinal_degree", 9, False, True, (PART, "intersection")),
    (34, "intersection", "intersection_latitudinal_minute", 6, False, False, (PART, "intersection")),
    (35, "intersection", "intersection_latitudinal_second", 13, False, False, (PART, "intersection")),
    (36, "intersection", "intersection_longitudinal_degree", 9, False, True, (PART, "intersection")),
    (37, "intersection", "intersection_longitudinal_minute", 6, False, False, (PART, "intersection")),
    (38, "intersection", "intersection_longitudinal_second", 13, False, False, (PART, "intersection")),
    (39, "intersection", "information_of_nearest_intersection_distance", 4, False, False,
     (WORDS, "source", ((0, None), (1, "own_map"), (2, "optical_beacon")))),
    (40, "intersection", "nearest_intersection_distance", 9, False, False, (DISTANCE,)),
    (41, "road", "road_information", 2, False, False, (WORDS, "road", ((0, None), (1, "ordinary"), (2, "motorway")))),
    (42, "particular_vehicle", "emergency_attention", 1, False, False, (NUMBER, "emergency", 1, 1, 0, 0, 1, ())),
    (43, "particular_vehicle", "particular_vehicle_information", 7, False, False, (OPAQUE,)),
    (44, "reserve", "asv_reservation", 341, False, False, (OPAQUE,)),
    (45, "free", "independent_domain", 160, False, False, (OPAQUE,)),
)
