"""JSON schemas of the messages that Foxglove knows by name, as far as an export fills them: positions, scene, log.

Foxglove tells a message by its schema's name, and takes from it which fields there are. Their form:
https://docs.foxglove.dev/docs/sdk/schemas
"""

from typing import Any, Final

Schema = dict[str, Any]

LOCATION, SCENE, TRANSFORM, LOG = (
    "foxglove.LocationFix", "foxglove.SceneUpdate", "foxglove.FrameTransform", "foxglove.Log",
)  # fmt: skip

_TEXT: Final[Schema] = {"type": "string"}
_NUMBER: Final[Schema] = {"type": "number"}
_FLAG: Final[Schema] = {"type": "boolean"}
_NSEC: Final[Schema] = {"type": "integer", "minimum": 0, "maximum": 999_999_999}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}


def _all_of(title: str, required: bool = True, **properties: Schema) -> Schema:
    """An object of these fields, all of which are needed."""
    made: Schema = {"title": title, "type": "object", "properties": properties}
    return made | ({"required": list(properties)} if required else {})


def _many(item: Schema) -> Schema:
    return {"type": "array", "items": item}


def _one_of(title: str, *names: str) -> Schema:
    return {"title": title, "oneOf": [{"title": name, "const": code} for code, name in enumerate(names)]}


_TIME: Final = _all_of("time", False, sec=_COUNT, nsec=_NSEC)
_DURATION: Final = _all_of("duration", False, sec={"type": "integer"}, nsec=_NSEC)
_VECTOR: Final = _all_of("foxglove.Vector3", x=_NUMBER, y=_NUMBER, z=_NUMBER)
_POINT: Final = _all_of("foxglove.Point3", x=_NUMBER, y=_NUMBER, z=_NUMBER)
_TURN: Final = _all_of("foxglove.Quaternion", x=_NUMBER, y=_NUMBER, z=_NUMBER, w=_NUMBER)
_COLOUR: Final = _all_of("foxglove.Color", r=_NUMBER, g=_NUMBER, b=_NUMBER, a=_NUMBER)
_POSE: Final = _all_of("foxglove.Pose", position=_VECTOR, orientation=_TURN)
_PAIR: Final = _all_of("foxglove.KeyValuePair", key=_TEXT, value=_TEXT)
_ARROW: Final = _all_of(
    "foxglove.ArrowPrimitive", pose=_POSE, shaft_length=_NUMBER, shaft_diameter=_NUMBER, head_length=_NUMBER,
    head_diameter=_NUMBER, color=_COLOUR,
)  # fmt: skip
_CUBE: Final = _all_of("foxglove.CubePrimitive", pose=_POSE, size=_VECTOR, color=_COLOUR)
_SPHERE: Final = _all_of("foxglove.SpherePrimitive", pose=_POSE, size=_VECTOR, color=_COLOUR)
_CYLINDER: Final = _all_of(
    "foxglove.CylinderPrimitive", pose=_POSE, size=_VECTOR, bottom_scale=_NUMBER, top_scale=_NUMBER, color=_COLOUR
)
_LINE: Final = _all_of(
    "foxglove.LinePrimitive", type=_one_of("foxglove.LineType", "LINE_STRIP", "LINE_LOOP", "LINE_LIST"), pose=_POSE,
    thickness=_NUMBER, scale_invariant=_FLAG, points=_many(_POINT), color=_COLOUR, colors=_many(_COLOUR),
    indices=_many(_COUNT),
)  # fmt: skip
_TRIANGLES: Final = _all_of(
    "foxglove.TriangleListPrimitive", pose=_POSE, points=_many(_POINT), color=_COLOUR, colors=_many(_COLOUR),
    indices=_many(_COUNT),
)  # fmt: skip
_WORDS: Final = _all_of(
    "foxglove.TextPrimitive", pose=_POSE, billboard=_FLAG, font_size=_NUMBER, scale_invariant=_FLAG, color=_COLOUR,
    text=_TEXT,
)  # fmt: skip
_MODEL: Final = _all_of(
    "foxglove.ModelPrimitive", pose=_POSE, scale=_VECTOR, color=_COLOUR, override_color=_FLAG, url=_TEXT,
    media_type=_TEXT, data={"type": "string", "contentEncoding": "base64"},
)  # fmt: skip
_ENTITY: Final = _all_of(
    "foxglove.SceneEntity", timestamp=_TIME, frame_id=_TEXT, id=_TEXT, lifetime=_DURATION, frame_locked=_FLAG,
    metadata=_many(_PAIR), arrows=_many(_ARROW), cubes=_many(_CUBE), spheres=_many(_SPHERE),
    cylinders=_many(_CYLINDER), lines=_many(_LINE), triangles=_many(_TRIANGLES), texts=_many(_WORDS),
    models=_many(_MODEL),
)  # fmt: skip
_DELETION: Final = _all_of(
    "foxglove.SceneEntityDeletion", timestamp=_TIME,
    type=_one_of("foxglove.SceneEntityDeletionType", "MATCHING_ID", "ALL"), id=_TEXT,
)  # fmt: skip
_LOCATION: Final = _all_of(
    LOCATION, timestamp=_TIME, frame_id=_TEXT, latitude=_NUMBER, longitude=_NUMBER, altitude=_NUMBER,
    position_covariance={**_many(_NUMBER), "minItems": 9, "maxItems": 9},
    position_covariance_type=_one_of(
        "foxglove.PositionCovarianceType", "UNKNOWN", "APPROXIMATED", "DIAGONAL_KNOWN", "KNOWN"
    ),
)  # fmt: skip
_LOCATION["properties"] |= {"heading": _NUMBER, "color": _COLOUR}  # told where they are known

FOXGLOVE: Final[dict[str, Schema]] = {
    LOCATION: _LOCATION,
    SCENE: _all_of(SCENE, deletions=_many(_DELETION), entities=_many(_ENTITY)),
    TRANSFORM: _all_of(
        TRANSFORM, timestamp=_TIME, parent_frame_id=_TEXT, child_frame_id=_TEXT, translation=_VECTOR, rotation=_TURN
    ),
    LOG: _all_of(
        LOG, timestamp=_TIME,
        level=_one_of("foxglove.LogLevel", "UNKNOWN", "DEBUG", "INFO", "WARNING", "ERROR", "FATAL"), message=_TEXT,
        name=_TEXT, file=_TEXT, line=_COUNT,
    ),
}  # fmt: skip
