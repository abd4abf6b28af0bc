"""Tables of a unit's configuration: laid over one another key by key, and written as TOML."""

import json
import math
import re
from collections.abc import Mapping
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Final

from asvrig.unit_config import quoted
from asvunit.errors import UsageError

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` over `below`, table by table; a value of None takes a key away."""
    out = dict(below)
    for key, value in above.items():
        if value is None:
            out.pop(key, None)
        elif isinstance(value, Mapping):
            under = out.get(key)
            out[key] = merged(under if isinstance(under, Mapping) else {}, value)
        else:
            out[key] = value
    return out


def toml_text(tables: Mapping[str, Any]) -> str:
    """As TOML; UsageError for what TOML has no word for."""
    return "\n".join(_lines(tables, ())) + "\n"


def _lines(table: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    plain = {key: value for key, value in table.items() if not isinstance(value, Mapping)}
    tables = {key: value for key, value in table.items() if isinstance(value, Mapping)}
    out = [f"{_key(key)} = {_value(value, (*path, key))}" for key, value in plain.items()]
    if path and (plain or not tables):
        out.insert(0, f"\n[{'.'.join(map(_key, path))}]")
    for key, value in tables.items():
        out += _lines(value, (*path, key))
    return out


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else quoted(key)


def _value(value: Any, path: tuple[str, ...]) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(one, path) for one in value)}]"
    if isinstance(value, Mapping):  # in a list
        pairs = ", ".join(f"{_key(key)} = {_value(one, (*path, key))}" for key, one in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if not isinstance(value, str | Path):
        raise UsageError(f"{'.'.join(path)}: {value!r} cannot be written as TOML; give text, a number or a table")
    return quoted(value)
