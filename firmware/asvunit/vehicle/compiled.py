"""Compiled signal maps as files: what is written beside the rows, and the reading of one with every row checked.

`docs/vehicle-maps.md` describes the rows. A file that does not fit is refused in one line, never half taken.
"""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from asvcore.can_table import VERSION
from asvunit.errors import UsageError
from asvunit.ports import SIGNALS
from asvunit.vehicle.compiled_check import check_rows
from asvunit.vehicle.feed import Feed

_MOST: Final = 1_000_000  # bytes of a file


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


Timeout = Annotated[int, Field(ge=10, le=60_000)]


class _Names(_Strict):
    name: str
    buses: list[str]
    channels: list[list[str | int]]
    feeds: list[dict[str, Any]] = []


class _Rows(_Strict):
    compiled_map: int
    buses: Annotated[int, Field(ge=1, le=64)]
    timeouts_ms: Annotated[list[Timeout], Field(min_length=len(SIGNALS), max_length=len(SIGNALS))]
    auxiliary_timeout_ms: Timeout
    fields: list[Annotated[list[int], Field(min_length=6, max_length=6)]]
    sources: list[list[Any]]
    rules: list[Annotated[list[int], Field(min_length=8, max_length=8)]]
    frames: list[Annotated[list[Any], Field(min_length=10, max_length=11)]]
    names: _Names | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Names:
    """What decoding does not need, but reports do."""

    name: str
    buses: tuple[str, ...]
    channels: tuple[tuple[str | int, ...], ...]
    feeds: tuple[Feed, ...]


def names_of(
    name: str, buses: Sequence[str], channels: Sequence[Sequence[str | int]], feeds: Sequence[Feed]
) -> dict[str, Any]:
    """The "names" of a compiled map."""
    told = [dataclasses.asdict(feed) for feed in feeds]
    for feed in told:
        feed["signals"] = list(feed["signals"])
        feed["words"] = [[code, word] for code, word in feed["words"].items()]
    return {"name": name, "buses": list(buses), "channels": [list(one) for one in channels], "feeds": told}


def read_compiled(path: Path) -> tuple[dict[str, Any], Names]:
    """The rows and names of a file; UsageError with what is wrong otherwise."""
    try:
        if path.stat().st_size > _MOST:
            raise UsageError(f"{path}: more than {_MOST} bytes; this is no compiled map")
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not JSON: {str(error)[:100] or 'nested too deep'}") from error
    version = content.get("compiled_map") if isinstance(content, dict) else None
    if version != VERSION:
        told = "no compiled map" if version is None else f"a compiled map of form {version}, not {VERSION}"
        raise UsageError(f"{path}: compiled_map: {told}; make it with: asvkit vehicle compile MAP.toml")
    try:
        rows = _Rows.model_validate(content)
    except ValidationError as errors:
        first = errors.errors(include_url=False)[0]
        raise UsageError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from errors
    plain = rows.model_dump(exclude={"names"})
    return plain, _names(path, rows, plain)


def _names(path: Path, rows: _Rows, plain: dict[str, Any]) -> Names:
    try:
        check_rows(plain)
        if rows.names is None:
            return Names(path.stem, ("",) * rows.buses, ((),) * rows.buses, ())
        feeds = tuple(
            Feed(**feed | {"signals": tuple(feed["signals"]), "words": dict(feed["words"])})
            for feed in rows.names.feeds
        )
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, AttributeError) as error:
        raise UsageError(f"{path}: not as asvkit vehicle compile makes it: {error}") from error
    names = rows.names
    if len(names.buses) != rows.buses or len(names.channels) != rows.buses:
        raise UsageError(f"{path}: names.buses: {rows.buses} are in the rows")
    return Names(names.name, tuple(names.buses), tuple(map(tuple, names.channels)), feeds)
