"""The commented configuration file, written from the model itself: no second list of keys to keep."""

import json
import typing
from typing import Any, Final, Literal

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from asvunit.config import Config

_HEAD: Final = """\
# A unit of asvkit. Every key is optional; what is commented out shows an example, the others their defaults.
# Files are looked for beside this one.
"""
# Examples for what has no default
_EXAMPLES: Final[dict[str, Any]] = {
    "seed": 1,
    "vehicle.map": "bench",
    "gnss.port": "/dev/ttyAMA0",
    "gnss.gpsd": "localhost:2947",
    "gnss.device": "/dev/ttyACM0",
    "can.interface": "socketcan",
    "can.bitrate": 500000,
    "can.data_bitrate": 2000000,
    "can.options": {"rtscts": True},
    "can.bus": {"body": {"interface": "socketcan", "channel": "can1"}},
    "radio.interface": "wlan0",
    "radio.monitor": "mon0",
    "radio.capture": "radio.pcapng",
    "emergency.own_key": "ambulance.key",
    "emergency.keys": {"17": "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"},
    "intersections.map": "intersections.geojson",
    "supports.port": 47200,
    "hmi.pins": "pins.toml",
    "hmi.record": "pins.jsonl",
    "hmi.switches": "switches.fifo",
    "screen.port": 8080,
    "screen.hosts": ["pi.local"],
    "events.file": "events.jsonl",
    "events.socket": "events.sock",
    "record.folder": "sessions",
}
_WIDTH: Final = 38


def config_text() -> str:
    """The file that `asvkit config init` writes."""
    lines = [_HEAD]
    for name, info in Config.model_fields.items():
        if not _is_table(info):
            lines.append(_line(name, name, info))
    for name, info in Config.model_fields.items():
        if _is_table(info):
            assert isinstance(info.annotation, type)
            lines.append(f"\n[{name}]")
            fields: dict[str, FieldInfo] = info.annotation.model_fields
            lines += [_line(f"{name}.{key}", key, field) for key, field in fields.items()]
    return "\n".join(lines) + "\n"


def _is_table(info: FieldInfo) -> bool:
    return isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel)


def _line(path: str, key: str, info: FieldInfo) -> str:
    example = _EXAMPLES.get(path)
    text = f"# {key} = {_value(example)}" if example is not None else f"{key} = {_value(info.default)}"
    note = _note(info)
    return f"{text:<{_WIDTH - 1}} # {note}" if note else text


def _note(info: FieldInfo) -> str:
    """What it is, and what it may be."""
    words = typing.get_args(info.annotation) if typing.get_origin(info.annotation) is Literal else ()
    parts = [info.description] if info.description else []
    said = info.description or ""
    if words and not all(word in said for word in words):
        parts.append("one of " + " ".join(words))
    bounds = {kind: getattr(rule, kind) for rule in info.metadata for kind in ("ge", "le") if hasattr(rule, kind)}
    if len(bounds) == 2 and bounds["ge"] != bounds["le"]:
        parts.append(f"{bounds['ge']}..{bounds['le']}")
    return "; ".join(parts)


def _value(value: Any) -> str:
    """A value in TOML, whose strings and numbers are JSON's."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(one)}" for key, one in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)
