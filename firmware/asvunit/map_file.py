"""The file of a vehicle signal map: its form, where it and its database are looked for, and how it is refused.

`docs/vehicle-maps.md` describes the form for users. Whatever is wrong becomes one UsageError with file and key.
"""

import os
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final, Literal

import cantools
from cantools.database.can import Database
from pydantic import BaseModel, ConfigDict, Field

from asvunit.errors import UsageError
from asvunit.resources import data_folder
from asvunit.toml_file import read_toml

DBC_PATH: Final = "ASVKIT_DBC_PATH"  # environment: folders with databases

Number = Annotated[Decimal, Field(max_digits=24, decimal_places=12)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DatabaseTable(_Table):
    file: str = Field(min_length=1)
    strict: bool = True
    encoding: str | None = None


class SignalTable(_Table):
    source: str | None = Field(None, alias="from")
    left: str | None = None
    right: str | None = None
    values: dict[str, str] = {}
    unit: str = ""
    scale: Number = Decimal(1)
    offset: Number = Decimal(0)
    min: Number | None = None
    max: Number | None = None
    magnitude: bool = False
    unknown: list[int] = []
    timeout_ms: int | None = Field(None, ge=1, le=60_000)


class MapFile(_Table):
    map: Literal[1]
    name: str = Field(min_length=1)
    database: DatabaseTable
    signal: dict[str, SignalTable] = Field(min_length=1)
    counters: list[str] = []


def map_path(source: str | Path) -> Path:
    path = Path(source)
    if path.exists() or path.suffix or len(path.parts) != 1:
        return path
    maps = data_folder("dbc") / "maps"
    if (maps / f"{source}.toml").is_file():
        return maps / f"{source}.toml"
    known = ", ".join(sorted(file.stem for file in maps.glob("*.toml")))
    raise UsageError(f"{source}: neither a file nor a map that comes with asvkit ({known})")


def read_map(path: Path) -> MapFile:
    return read_toml(path, MapFile, parse_float=Decimal)


def load_database(path: Path, table: DatabaseTable, file: Path) -> Database:
    """The database that the map at `path` names, from the file that was found for it."""
    key = f"{path}: database.file"
    try:
        database = cantools.database.load_file(file, strict=table.strict, encoding=table.encoding)
    except Exception as error:  # parsers of half a dozen formats: syntax, encoding, XML, value errors
        text = " ".join(str(error).split())[:200] or type(error).__name__
        if table.strict and _loads_loosely(file, table.encoding):
            raise UsageError(
                f"{path}: database.strict: {file}: {text}; if that is known of this car, set strict = false"
            ) from error
        raise UsageError(f"{key}: {file} is no CAN database that can be read: {text}") from error
    if not isinstance(database, Database):
        raise UsageError(f"{key}: {file} is a diagnostics database, not one of messages")
    return database


def _loads_loosely(file: Path, encoding: str | None) -> bool:
    try:
        cantools.database.load_file(file, strict=False, encoding=encoding)
    except Exception:
        return False
    return True


def find_database(path: Path, name: str, search: Sequence[Path]) -> Path:
    configured = [Path(folder) for folder in os.environ.get(DBC_PATH, "").split(os.pathsep) if folder]
    folders = list(dict.fromkeys([path.parent, *search, Path(), Path("dbc"), *configured]))
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    searched = ", ".join(str(folder) for folder in folders)
    raise UsageError(
        f"{path}: database.file: {name} is in none of {searched};"
        f" copy it beside the map, or name its folder in {DBC_PATH}"
    )


def search_near(log: str | Path) -> list[Path]:
    """Folders where the database of a log may stand: beside it, and in `dbc` beside its folder."""
    folder = Path(log).parent
    return [folder, folder.parent / "dbc" if folder.name else folder / ".." / "dbc"]
