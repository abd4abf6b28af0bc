"""Scenes of the gallery: ego and vehicles around it by function, in the form of `scene` events (docs/contracts.md)."""

import math
from typing import Any, Final

Scene = dict[str, Any]
Place = tuple[float, float]  # ahead_m, right_m

_L3_S: Final = 4.1
_L4_S: Final = 3.6
_ERROR_M: Final = 3.0  # a + b
_KMH: Final = 3.6


def vehicle(
    number: int, place: Place, course_deg: float | None, speed_kmh: float, kind: str = "car", reason: str = "angle"
) -> Scene:
    """A vehicle with radio, of which nothing is told. Metres from ego; degrees clockwise from up."""
    return {
        "id": number, "source": f"192.0.2.{number % 250 + 1}:47100", "ahead_m": place[0], "right_m": place[1],
        "course_deg": course_deg, "speed_kmh": speed_kmh, "kind": kind, "length_m": 4.5, "error_m": 1.5,
        "age_ms": 40 + number % 7 * 9, "emergency": False, "level": "none", "presented": False, "function": "crossing",
        "reason": reason, "distance_m": None, "ttc_s": None,
    }  # fmt: skip


_AROUND: Final = (
    vehicle(311, (34.0, 5.5), 180.0, 38.0),
    vehicle(1207, (-28.0, 0.2), 0.0, 41.0, "truck", "lateral"),
    vehicle(87, (58.0, 26.0), 268.0, 12.0, "bicycle", "before_l3"),
    vehicle(4410, (-12.0, 31.0), 92.0, 22.0, "bus", "not_ahead"),
    vehicle(902, (71.0, -38.0), None, 0.0, reason="target_data"),
)


def scene(others: list[Scene], conflicts: list[Scene] | None = None, **ego: Any) -> Scene:
    """A scene with ego in order; `ego` changes keys of it."""
    own = {
        "available": True, "reason": "ready", "latitude_deg": 35.6581, "longitude_deg": 139.7414, "heading_deg": 12.0,
        "speed_kmh": 0.0, "error_m": 1.5, "winker": "off", "brake": True, "stopped": True, "length_m": 4.5,
    }  # fmt: skip
    return {
        "event": "scene", "unit_ms": 0, "ego": {**own, **ego}, "north_up": False, "others": others,
        "more": 0, "conflicts": conflicts or [],
    }  # fmt: skip


def quiet() -> Scene:
    """Vehicles around, of which nothing is told."""
    return scene([dict(one) for one in _AROUND])


def of_function(function: str, level: str, direction: str | None) -> Scene:
    """Ego and the vehicle that a function tells of, with the places where L3 and L4 are reached."""
    makers = {"crossing": _crossing, "right_turn": _oncoming, "left_turn": _behind, "surrounding": _near}
    told, conflicts, ego = makers.get(function, _emergency)(level, direction)
    return scene([*told, *(dict(one) for one in _AROUND)], conflicts, **ego)


def many(count: int, step: int = 0) -> Scene:
    """`count` vehicles that move on with each step: what a screen has to draw ten times a second."""
    others = []
    for number in range(count):
        angle = number * 2.399963 + step * 0.004
        far = 12 + 88 * ((number * 0.7548777) % 1)
        place = (round(far * math.cos(angle), 1), round(far * math.sin(angle), 1))
        others.append(vehicle(number + 1, place, (number * 47 + step) % 360, 20 + number % 40))
    return scene(others)


def _told(one: Scene, function: str, level: str, distance_m: float) -> Scene:
    reason = "l3_reached" if level == "information" else "l4_reached"
    ttc_s = round(distance_m / (one["speed_kmh"] / _KMH), 1)
    told = {"level": level, "presented": True, "function": function, "reason": reason}
    return {**one, **told, "distance_m": distance_m, "ttc_s": ttc_s}


def _conflict(one: Scene, point: Place) -> Scene:
    """The places before the point where the target reaches L3 and L4, later by the error."""
    way_m = [_L3_S * one["speed_kmh"] / _KMH + _ERROR_M, _L4_S * one["speed_kmh"] / _KMH + _ERROR_M]
    turn = math.radians(one["course_deg"])
    l3, l4 = ([round(point[0] - way * math.cos(turn), 1), round(point[1] - way * math.sin(turn), 1)] for way in way_m)
    return {
        "id": one["id"], "source": one["source"], "function": one["function"], "level": one["level"],
        "presented": True, "point": list(point), "l3": l3, "l4": l4, "l3_m": round(way_m[0] - _ERROR_M, 1),
        "l4_m": round(way_m[1] - _ERROR_M, 1), "error_m": _ERROR_M,
    }  # fmt: skip


_Made = tuple[list[Scene], list[Scene], dict[str, Any]]


def _crossing(level: str, direction: str | None) -> _Made:
    told = []
    far_m = 44.0 if level == "information" else 31.0
    for side, sign in (("left", -1), ("right", 1)):
        if direction in (side, "both"):
            one = vehicle(2041 + sign, (9.0 + sign, sign * far_m), 90.0 if side == "left" else 270.0, 40.0)
            told.append(_told(one, "crossing", level, far_m))
    return told, [_conflict(one, (one["ahead_m"], 0.0)) for one in told], {}


def _oncoming(level: str, _direction: str | None) -> _Made:
    far_m = 53.0 if level == "information" else 42.0
    one = _told(vehicle(618, (far_m + 6, 4.0), 180.0, 46.0), "right_turn", level, far_m)
    return [one], [_conflict(one, (6.0, 4.0))], {"winker": "right", "speed_kmh": 9.0, "stopped": False, "brake": False}


def _behind(level: str, direction: str | None) -> _Made:
    sign = 1 if direction == "right" else -1
    far_m = 28.0 if level == "information" else 17.0
    one = _told(vehicle(1550, (-far_m, sign * 2.4), 0.0, 32.0, "motorcycle"), "left_turn", level, far_m + 4)
    ego = {"winker": "right" if sign > 0 else "left", "speed_kmh": 14.0, "stopped": False, "brake": False}
    return [one], [_conflict(one, (5.0, sign * 2.4))], ego


def _near(level: str, _direction: str | None) -> _Made:
    one = _told(vehicle(733, (-18.0, 3.4), 2.0, 47.0), "surrounding", level, 18.3)
    return [{**one, "reason": "in_range", "ttc_s": None}], [], {"speed_kmh": 44.0, "stopped": False, "brake": False}


def _emergency(level: str, _direction: str | None) -> _Made:
    one = _told(vehicle(9, (62.0, -34.0), 118.0, 58.0, "special"), "emergency", level, 70.7)
    told = {**one, "reason": "in_range", "ttc_s": None, "emergency": True}
    return [told], [], {"speed_kmh": 30.0, "stopped": False, "brake": False}
