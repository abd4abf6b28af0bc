"""A unit's scene as Foxglove draws it: cars as boxes in the colour of their level, conflict points, L3 and L4 marks.

Frame "ego": x ahead, y to the left, as in robotics; "local": x east, y north of the session's first position.
"""

import math
from typing import Any, Final

Message = dict[str, Any]

EGO, LOCAL = "ego", "local"
_WIDTH_M, _HEIGHT_M = 1.8, 1.5
_EARTH_M: Final = 6_378_137.0
_FLAT: Final = {"x": 0.0, "y": 0.0, "z": 0.0, "w": 1.0}
_COLOURS: Final = {  # of levels [G 3.6.1]: information blue, caution yellow, warning red
    "none": (0.6, 0.6, 0.6), "information": (0.15, 0.45, 1.0), "caution": (1.0, 0.8, 0.0), "warning": (1.0, 0.1, 0.1),
}  # fmt: skip
_EGO_COLOUR: Final = (0.2, 0.8, 0.4)
_NOTHING: Final = ("arrows", "cubes", "spheres", "cylinders", "lines", "triangles", "texts", "models")


def stamp(time_ns: int) -> dict[str, int]:
    """A time as Foxglove tells it."""
    second, rest = divmod(time_ns, 1_000_000_000)
    return {"sec": second, "nsec": rest}


def scene_update(time_ns: int, scene: Message) -> Message:
    """The whole picture anew: what was drawn before goes."""
    ego = scene["ego"]
    entities = [_ego(time_ns, ego)]
    if ego["available"]:  # else places are seen from where it was last
        entities += [_other(time_ns, one) for one in scene["others"]]
        entities += [_conflict(time_ns, number, one) for number, one in enumerate(scene["conflicts"])]
    return {"deletions": [{"timestamp": stamp(time_ns), "type": 1, "id": ""}], "entities": entities}


def transform(time_ns: int, scene: Message, origin_deg: tuple[float, float]) -> Message | None:
    """Where ego's frame lies; None while its place is not known."""
    ego = scene["ego"]
    if not ego["available"]:
        return None
    latitude, longitude = math.radians(ego["latitude_deg"]), math.radians(ego["longitude_deg"])
    latitude0, longitude0 = map(math.radians, origin_deg)
    east = (longitude - longitude0 + math.pi) % (2 * math.pi) - math.pi
    return {
        "timestamp": stamp(time_ns),
        "parent_frame_id": LOCAL,
        "child_frame_id": EGO,
        "translation": {
            "x": _EARTH_M * east * math.cos(latitude0),
            "y": _EARTH_M * (latitude - latitude0),
            "z": 0.0,
        },
        "rotation": _turn(90 - (ego["heading_deg"] or 0.0)),
    }


def location(
    time_ns: int,
    frame: str,
    latitude_deg: float,
    longitude_deg: float,
    height_m: float | None,
    error_m: float | None,
    heading_deg: float | None = None,
    level: str = "",
) -> Message:
    """A position on the map. `error_m` is taken as one standard deviation of each axis, which it is about."""
    variance = 0.0 if error_m is None else error_m * error_m
    told: Message = {
        "timestamp": stamp(time_ns),
        "frame_id": frame,
        "latitude": latitude_deg,
        "longitude": longitude_deg,
        "altitude": 0.0 if height_m is None else float(height_m),
        "position_covariance": [variance, 0.0, 0.0, 0.0, variance, 0.0, 0.0, 0.0, variance],
        "position_covariance_type": 0 if error_m is None else 1,
    }
    if heading_deg is not None:
        told["heading"] = math.radians(heading_deg)
    if level:
        told["color"] = _colour(level)
    return told


def _ego(time_ns: int, ego: Message) -> Message:
    text = "own vehicle" if ego["available"] else f"position not known: {ego['reason']}"
    return {
        **_entity(time_ns, "ego", {key: value for key, value in ego.items() if value is not None}),
        "cubes": [_box(0.0, 0.0, 0.0, ego["length_m"], _rgb(_EGO_COLOUR))],
        "texts": [_text(0.0, 0.0, text)],
    }


def _other(time_ns: int, one: Message) -> Message:
    level = one["level"] if one["presented"] else "none"
    ahead, left = one["ahead_m"], -one["right_m"]
    words = [str(one["id"]), *([f"{one['function']} {one['level']}"] if one["level"] != "none" else [])]
    words += [f"{one['distance_m']:g} m"] if one["distance_m"] is not None and one["level"] != "none" else []
    words += ["EMERGENCY"] if one["emergency"] else []
    entity = {
        **_entity(time_ns, f"{one['source']}/{one['id']}", one),
        "cubes": [_box(ahead, left, -(one["course_deg"] or 0.0), one["length_m"], _colour(level))],
        "texts": [_text(ahead, left, " ".join(words))],
    }
    if one["course_deg"] is not None and one["speed_kmh"]:
        entity["arrows"] = [
            {
                "pose": _pose(ahead, left, -one["course_deg"]),
                "shaft_length": one["speed_kmh"] / 3.6,  # a second's way
                "shaft_diameter": 0.3,
                "head_length": 1.0,
                "head_diameter": 0.8,
                "color": _colour(level),
            }
        ]
    return entity


def _conflict(time_ns: int, number: int, one: Message) -> Message:
    points = [one["l3"], one["l4"], one["point"]]
    colours = [_colour("information"), _colour("caution"), _colour("warning")]
    ahead, right = one["point"]
    return {
        **_entity(time_ns, f"conflict {number}", {key: one[key] for key in ("id", "source", "function", "level")}),
        "spheres": [
            {"pose": _pose(ahead, -right, 0.0), "size": {"x": 1.5, "y": 1.5, "z": 1.5}, "color": _colour(one["level"])}
        ],
        "lines": [
            {
                "type": 0, "pose": _pose(0.0, 0.0, 0.0), "thickness": 0.3, "scale_invariant": False,
                "points": [{"x": x, "y": -right_m, "z": 0.1} for x, right_m in points],
                "color": colours[0], "colors": colours, "indices": [],
            }
        ],
    }  # fmt: skip


def _entity(time_ns: int, name: str, told: Message) -> Message:
    return {
        "timestamp": stamp(time_ns),
        "frame_id": EGO,
        "id": name,
        "lifetime": {"sec": 0, "nsec": 0},
        "frame_locked": True,
        "metadata": [{"key": key, "value": str(value)} for key, value in told.items()],
        **{kind: [] for kind in _NOTHING},
    }


def _box(x: float, y: float, turn_deg: float, length_m: float, colour: Message) -> Message:
    """Around the position that is told: which point of a car that is, nobody tells."""
    pose = _pose(x, y, turn_deg)
    pose["position"]["z"] = _HEIGHT_M / 2
    return {"pose": pose, "size": {"x": length_m, "y": _WIDTH_M, "z": _HEIGHT_M}, "color": colour}


def _text(x: float, y: float, text: str) -> Message:
    pose = _pose(x, y, 0.0)
    pose["position"]["z"] = 2 * _HEIGHT_M
    return {
        "pose": pose, "billboard": True, "font_size": 14.0, "scale_invariant": True, "color": _rgb((1.0, 1.0, 1.0)),
        "text": text,
    }  # fmt: skip


def _pose(x: float, y: float, turn_deg: float) -> Message:
    return {"position": {"x": x, "y": y, "z": 0.0}, "orientation": _turn(turn_deg)}


def _turn(angle_deg: float) -> dict[str, float]:
    """About the vertical, counter-clockwise."""
    half = math.radians(angle_deg) / 2
    return {**_FLAT, "z": math.sin(half), "w": math.cos(half)}


def _colour(level: str) -> Message:
    return _rgb(_COLOURS.get(level, _COLOURS["none"]))


def _rgb(colour: tuple[float, float, float]) -> Message:
    return dict(zip("rgba", (*colour, 1.0), strict=True))
