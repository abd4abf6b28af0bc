"""The unit's configuration: one TOML file, every key optional, unknown keys refused with the nearest name.

Defaults are those of a unit without a file: class B, a car of unknown length, no map, no keys, UDP.
"""

import math
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from asvcore import params
from asvcore.elements import ELEMENTS
from asvcore.settings import Settings
from asvunit.ports import SIGNALS
from asvunit.toml_file import read_toml
from asvunit.words import CODES

Kind = Literal[
    "bus", "large_truck", "truck", "special", "car", "motorcycle", "moped2", "moped1", "pedestrian", "bicycle",
    "light_vehicle", "tram", "other",
]  # fmt: skip


class Table(BaseModel):
    """A table of the file: no unknown keys, no changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class VehicleTable(Table):
    kind: Kind = "car"
    length_m: float = Field(0, ge=0, le=100, description="0: unknown")
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

    config: int = Field(1, ge=1, le=1, description="version of this form")
    seed: int = Field(1, ge=0, lt=1 << 29, description="of the random vehicle_id")
    vehicle: VehicleTable = VehicleTable()
    ego: EgoTable = EgoTable()
    radio: RadioTable = RadioTable()
    crossing: CrossingTable = CrossingTable()
    presentation: PresentationTable = PresentationTable()
    neighbours: NeighboursTable = NeighboursTable()

    def settings(self, timeouts_ms: list[int] | None = None) -> Settings:
        """The core's settings; `timeouts_ms` of the vehicle signals as the signal map gives them."""
        settings = Settings()
        values = {
            "seed": self.seed,
            "position_class": _element_code("position_class", self.vehicle.position_class),
            "vehicle_kind": _element_code("vehicle_kind", self.vehicle.kind),
            "vehicle_length_dm": math.ceil(self.vehicle.length_m * 10),
            "position_mode": CODES["POSITION"][self.ego.position],
            "sampling_delay_ms": self.ego.sampling_delay_ms,
            "antenna_to_front_dm": round(self.ego.antenna_to_front_m * 10),
            "crossing": int(self.crossing.enabled),
            "crossing_start": CODES["START"][self.crossing.start],
            "presentation_mode": CODES["MODE"][self.presentation.mode],
            "parallel": self.presentation.parallel,
            "neighbours": self.neighbours.capacity,
        }
        for name, value in values.items():
            settings.set(name, value)
        for name, timeout_ms in zip(SIGNALS, timeouts_ms or [], strict=False):
            settings.set(f"timeout_{name}_ms", timeout_ms)
        return settings


def load_config(path: Path | None) -> Config:
    """The configuration of a file, or the defaults; UsageError with file, key and reason."""
    return Config() if path is None else read_toml(path, Config)


def _words(value_name: str) -> dict[str, int]:
    """The words of an element's coding and their codes."""
    rows: tuple[tuple[Any, ...], ...] = ELEMENTS
    coding = next(row[-1] for row in rows if row[-1][1:2] == (value_name,))
    return {word: code for code, word in coding[2]}


def _element_code(value_name: str, word: str) -> int:
    return _words(value_name)[word]
