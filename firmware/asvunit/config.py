"""The unit's configuration: one TOML file, every key optional, unknown keys refused with the nearest name.

Defaults are those of a unit without a file: class B, a car of unknown length, no map, no keys, UDP.
"""

from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from asvcore import codes, params
from asvcore.elements import ELEMENTS
from asvcore.settings import Settings
from asvunit.ports import SIGNALS
from asvunit.toml_file import read_toml
from asvunit.words import CODES

VERSION = 1
Kind = Literal[
    "bus", "large_truck", "truck", "special", "car", "motorcycle", "moped2", "moped1", "pedestrian", "bicycle",
    "light_vehicle", "tram", "other",
]  # fmt: skip


class Table(BaseModel):
    """A table of the file: no unknown keys, no changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class VehicleTable(Table):
    kind: Kind = "car"
    length_m: float = Field(0, ge=0, le=62, description="0: unknown, the formulas take it by kind")
    position_class: Literal["S", "A", "B", "C"] = "B"
    map: str | None = Field(None, description="vehicle signal map: a file, or the name of one that comes with asvkit")


class EgoTable(Table):
    position: Literal["auto", "fix"] = "auto"
    sampling_delay_ms: int = Field(0, ge=0, le=1000)
    antenna_to_front_m: float = Field(0, ge=-20, le=20)


class RadioTable(Table):
    port: int = Field(47100, ge=1, le=65535)


class CrossingTable(Table):
    enabled: bool = True
    start: Literal["stopped", "speed"] = "stopped"


class PresentationTable(Table):
    mode: Literal["information_caution", "caution_alone", "information_ended"] = "information_caution"
    parallel: int = Field(params.PARALLEL, ge=1, le=4)
    language: Literal["en", "ja"] = "en"


class NeighboursTable(Table):
    capacity: int = Field(params.NEIGHBOURS, ge=1, le=4096)


class Config(Table):
    """The whole file."""

    config: Literal[1] = VERSION
    seed: int = Field(1, ge=0, lt=1 << 29, description="of the random vehicle_id and phases")
    vehicle: VehicleTable = VehicleTable()
    ego: EgoTable = EgoTable()
    radio: RadioTable = RadioTable()
    crossing: CrossingTable = CrossingTable()
    presentation: PresentationTable = PresentationTable()
    neighbours: NeighboursTable = NeighboursTable()

    def settings(self, timeouts_ms: list[int] | None = None) -> Settings:
        """The core's settings; `timeouts_ms` of the vehicle signals as the signal map gives them."""
        settings = Settings()
        settings.seed = self.seed
        settings.position_class = _element_code("position_class", self.vehicle.position_class)
        settings.vehicle_kind = _element_code("vehicle_kind", self.vehicle.kind)
        settings.vehicle_length_dm = round(self.vehicle.length_m * 10)
        settings.position_mode = CODES["POSITION"][self.ego.position]
        settings.sampling_delay_ms = self.ego.sampling_delay_ms
        settings.antenna_to_front_dm = round(self.ego.antenna_to_front_m * 10)
        settings.crossing = int(self.crossing.enabled)
        settings.crossing_start = CODES["START"][self.crossing.start]
        settings.presentation_mode = CODES["MODE"][self.presentation.mode]
        settings.parallel = self.presentation.parallel
        settings.neighbours = self.neighbours.capacity
        for name, timeout_ms in zip(SIGNALS, timeouts_ms or [], strict=False):
            setattr(settings, f"timeout_{name}_ms", timeout_ms)
        settings.check()
        return settings


def load_config(path: Path | None) -> Config:
    """The configuration of a file, or the defaults; UsageError with file, key and reason."""
    return Config() if path is None else read_toml(path, Config)


def _element_code(value_name: str, word: str) -> int:
    for *_row, coding in ELEMENTS:
        if len(coding) > 2 and coding[1] == value_name:
            return int(next(code for code, name in coding[2] if name == word))
    raise LookupError(value_name)


if set(get_args(Kind)) != {name for *_row, coding in ELEMENTS if coding[1:2] == ("vehicle_kind",) for _c, name in coding[2]}:
    raise ImportError("vehicle kinds differ from the element table")
