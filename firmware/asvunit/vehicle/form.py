"""The file of a vehicle signal map: its form, and where it is looked for.

`docs/vehicle-maps.md` describes the form for users. Whatever is wrong becomes one UsageError with file and key.
"""

import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from asvunit.errors import UsageError
from asvunit.resources import data_folder
from asvunit.toml_file import read_toml

Number = Annotated[Decimal, Field(max_digits=24, decimal_places=12)]
Milliseconds = Annotated[int, Field(ge=1, le=60_000)]
Timeout = Annotated[int, Field(ge=10, le=60_000)]
Codes = list[Annotated[int, Field(strict=True)] | str]  # raw codes, or names of the signal's value table
Byte = Annotated[int, Field(ge=0, le=255)]
Address = Annotated[int, Field(strict=True, ge=0, le=253)]  # of a sender on J1939
Word = Annotated[int, Field(ge=0, le=65_535)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BusTable(_Table):
    """`[database]`, or one of `[bus.NAME]`."""

    file: str = Field(min_length=1)
    strict: bool | None = None
    encoding: str | None = None
    channels: list[int | str] = []
    j1939: bool | None = None
    source_addresses: list[Address] = Field([], max_length=32)


class SignalTable(_Table):
    source: str | None = Field(None, alias="from")
    any: list[str] = Field([], max_length=8)
    wheels: list[str] = Field([], max_length=8)
    left: str | None = None
    right: str | None = None
    left_on: Codes = []
    right_on: Codes = []
    flashing: bool = False
    flash_gap_ms: int | None = Field(None, ge=300, le=5_000)
    values: dict[str, str] = {}
    on: Codes = []
    default: str | None = None
    valid: str | None = None
    valid_codes: Codes = [1]
    unit: str = ""
    scale: Number = Decimal(1)
    offset: Number = Decimal(0)
    min: Number | None = None
    max: Number | None = None
    magnitude: bool = False
    signed: bool = False
    sign: str | None = None
    sign_codes: Codes = [1]
    positive: Literal["left", "right"] = "left"
    unknown: list[int] = []
    period_ms: Milliseconds | None = None
    timeout_periods: Annotated[Decimal, Field(ge=1, le=1000, max_digits=12)] | None = None
    timeout_ms: Timeout | None = None


class CheckTable(_Table):
    """One of `[[check]]`: a sender's counter or checksum."""

    message: str
    kind: str
    signal: str | None = None
    poly: Word | None = None
    init: Word | None = None
    xor_out: Word | None = None
    data_ids: list[Byte] = Field([], max_length=16)


class MapFile(_Table):
    map: Literal[1]
    name: str = Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")  # shown on terminals
    database: BusTable | None = None
    bus: dict[str, BusTable] = {}
    signal: dict[str, SignalTable] = Field(min_length=1)
    counters: list[str] = []
    check: list[CheckTable] = []


def map_path(source: str | Path) -> Path:
    """The file of a map given by its path, or by the name of one that comes with the project."""
    path = Path(source)
    if path.is_file() or path.suffix or len(path.parts) != 1:
        return path
    maps = data_folder("dbc") / "maps"
    if (maps / f"{source}.toml").is_file():
        return maps / f"{source}.toml"
    known = ", ".join(sorted(file.stem for file in maps.glob("*.toml")))
    raise UsageError(f"{source}: neither a file nor a map that comes with asvkit ({known})")


def read_map(path: Path) -> MapFile:
    return read_toml(path, MapFile, parse_float=Decimal)


def buses_of(path: Path, table: MapFile) -> dict[str, BusTable]:
    """The buses of a map by name; the name of a single `[database]` is ""."""
    if table.database is not None and table.bus:
        raise UsageError(f"{path}: bus: give either [database], for one bus, or a [bus.NAME] for each")
    for name, one in ({"database": table.database} if table.database else table.bus).items():
        if one.source_addresses and not one.j1939:
            key = name if table.database else f"bus.{name}"
            raise UsageError(f"{path}: {key}.source_addresses: senders are told apart with j1939 = true; give it, too")
    if table.database is not None:
        return {"": table.database}
    if not table.bus:
        raise UsageError(f"{path}: database: missing; name the file of the car's CAN database there")
    for name in table.bus:
        if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
            raise UsageError(f"{path}: bus.{name}: a bus is named by letters, digits, _ and -")
    return table.bus
