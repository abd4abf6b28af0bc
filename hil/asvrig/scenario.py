"""Scenarios: vehicles on a plane, what their drivers do, what their receivers and radios are like.

A TOML file each (docs/scenarios.md); those that come with the project stand in hil/scenarios. Whatever is
wrong or impossible is refused in one line with file, key and reason. One vehicle: `asvrig.vehicle_form`.
"""

import itertools
import os.path
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import AwareDatetime, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from asvrig.keys import public_hex
from asvrig.vehicle_form import (
    CLASS_ERROR_M,
    Control,
    Degrees,
    Metres,
    Radio,
    Receiver,
    Seconds,
    Table,
    Vehicle,
    check_spans,
    within,
)
from asvunit.config import Config
from asvunit.errors import UsageError, nearest
from asvunit.resources import data_folder
from asvunit.toml_file import read_toml

__all__ = [
    "CLASS_ERROR_M", "SHORT", "VERSION", "Control", "External", "Function", "Intersection", "Place", "Radio",
    "Receiver", "Scenario", "Unit", "Vehicle", "load_scenario", "scenario_names", "within",
]  # fmt: skip

VERSION: Final = 1
MAC_BASE: Final = 16  # the first of the others has 02:00:00:00:00:10
INTERSECTIONS_FILE: Final = "intersections.geojson"  # beside the configuration that names it

Function = Literal["crossing", "right_turn", "left_turn", "surrounding", "emergency"]


class Place(Table):
    """Where east_m = north_m = 0 lies."""

    latitude_deg: float = Field(ge=-85, le=85)
    longitude_deg: float = Field(ge=-180, lt=180)


class Intersection(Table):
    """A branching node of the map."""

    name: str = Field(min_length=1, max_length=40)
    east_m: Metres
    north_m: Metres
    priority_deg: list[Degrees] = Field([], description="headings of the approaches that have priority")


class External(Table):
    """The word of another support system of the car, told every 100 ms for a while."""

    from_s: Seconds
    to_s: Seconds
    origin: Literal["autonomous", "roadside"]
    function: Function
    level: Literal["information", "caution"]
    direction: Literal["left", "right", "both"] | None = None

    @field_validator("direction", mode="before")
    @classmethod
    def _named(cls, direction: Any) -> Any:
        return None if direction == "none" else direction

    @model_validator(mode="after")
    def _forward(self) -> Self:
        check_spans([(self.from_s, self.to_s)])
        return self


class Unit(Config):
    """Tables merged into the configuration of ego's unit, less what the scenario itself says."""

    @field_validator(
        "config", "seed", "traffic_side", "vehicle", "gnss", "can", "radio", "supports", "hmi", "events", mode="before"
    )
    @classmethod
    def _refused(cls, _value: Any) -> Any:
        raise PydanticCustomError("unit", "the scenario itself and the rig say this; leave it out")

    @field_validator("ego")
    @classmethod
    def _driven(cls, ego: Any) -> Any:
        if unfit := ego.model_fields_set & {"simulate", "scenario"}:
            raise PydanticCustomError("unit", "{key}: the rig drives ego; leave it out", {"key": min(unfit)})
        return ego


class Scenario(Table):
    """The whole file."""

    scenario: Literal[1]
    title: str = Field(min_length=1, max_length=100)
    story: str = Field("", description="what happens, for people")
    function: Function = Field("crossing", description="what it is about; every function runs and is judged")
    start: AwareDatetime
    duration_s: float = Field(gt=0, le=600, allow_inf_nan=False)
    traffic_side: Literal["left", "right"] = "left"
    place: Place
    unit: Unit = Unit()
    intersection: list[Intersection] = Field([], max_length=1000)
    external: list[External] = Field([], max_length=100)
    vehicle: list[Vehicle] = Field(min_length=1, max_length=200)

    @field_validator("start")
    @classmethod
    def _whole_second(cls, start: AwareDatetime) -> AwareDatetime:
        if start.microsecond or not 2000 <= start.year < 2080:
            raise PydanticCustomError("start", "give a whole second of the years 2000 to 2079")
        return start

    @field_validator("intersection")
    @classmethod
    def _one_map(cls, intersections: list[Intersection], info: ValidationInfo) -> list[Intersection]:
        unit = info.data.get("unit")
        if intersections and unit is not None and unit.intersections.map is not None:
            raise PydanticCustomError("map", "these tables are the map; leave them or unit.intersections.map out")
        _once("intersections", "name", [one.name for one in intersections])
        return intersections

    @field_validator("external")
    @classmethod
    def _one_word(cls, external: list[External]) -> list[External]:
        by_system: dict[tuple[str, str], list[tuple[float, ...]]] = {}
        for one in external:
            by_system.setdefault((one.origin, one.function), []).append((one.from_s, one.to_s))
        for spans in by_system.values():
            check_spans(spans)
        return external

    @field_validator("vehicle")
    @classmethod
    def _told_apart(cls, vehicles: list[Vehicle]) -> list[Vehicle]:
        egos = [vehicle.name for vehicle in vehicles if vehicle.ego]
        if len(egos) != 1:
            found = f"{len(egos)} are: {', '.join(egos)}" if egos else "none is"
            raise PydanticCustomError("ego", "exactly one vehicle has ego = true; {found}", {"found": found})
        others = [vehicle for vehicle in vehicles if not vehicle.ego]
        _once("vehicles", "name", [vehicle.name for vehicle in vehicles])
        _once("vehicles", "vehicle_id", [one.vehicle_id for one in others if one.id is None], "seed")
        senders = [f"{mac} and id {one.vehicle_id}" for mac, one in zip(_macs(others), others, strict=True)]
        _once("vehicles", "mac", senders)
        _once("emergency vehicles", "seed", [one.seed for one in others if one.has_key])
        return vehicles

    @property
    def ego(self) -> Vehicle:
        """The supported vehicle."""
        return next(vehicle for vehicle in self.vehicle if vehicle.ego)

    @property
    def others(self) -> list[Vehicle]:
        """The vehicles whose messages ego receives."""
        return [vehicle for vehicle in self.vehicle if not vehicle.ego]

    @property
    def macs(self) -> dict[str, str]:
        """Source address of each other vehicle's radio, by the vehicle's name."""
        return {one.name: mac for one, mac in zip(self.others, _macs(self.others), strict=True)}

    @property
    def start_ns(self) -> int:
        """Unix time of its begin."""
        return int(self.start.timestamp()) * 10**9

    @property
    def unit_tables(self) -> dict[str, Any]:
        """What the configuration of ego's unit holds beside seed and vehicle; empty for a plain scenario."""
        tables: dict[str, Any] = {} if self.traffic_side == "left" else {"traffic_side": self.traffic_side}
        tables |= self.unit.model_dump(exclude_unset=True)
        keys = {str(one.seed): public_hex(one.seed) for one in self.others if one.has_key}
        if keys:
            tables["emergency"] = {"keys": keys} | tables.get("emergency", {})
        if self.intersection:
            tables["intersections"] = tables.get("intersections", {}) | {"map": INTERSECTIONS_FILE}
        return tables

    @property
    def config(self) -> Config:
        """The configuration of ego's unit as a replay has it."""
        ego = self.ego
        vehicle = {"kind": ego.kind, "length_m": ego.length_m, "position_class": ego.position_class}
        return Config.model_validate({"seed": ego.seed, "vehicle": vehicle} | self.unit_tables)

    def check_live(self) -> None:
        """UsageError where it asks for what only a replay can give."""
        if self.external:
            raise UsageError(
                f"scenario {self.title!r}: external.0: another support's word is only replayed; asvkit demo --replay"
            )


def _macs(others: list[Vehicle]) -> list[str]:
    numbers = [f"{number + MAC_BASE:04x}" for number in range(len(others))]
    return [one.mac or f"02:00:00:00:{number[:2]}:{number[2:]}" for one, number in zip(others, numbers, strict=True)]


def _once(what: str, key: str, values: list[Any], mend: str = "") -> None:
    """Refuses a value that is there twice."""
    twice = next((one for one, other in itertools.pairwise(sorted(values)) if one == other), None)
    if twice is not None:
        told = {"what": what, "key": key, "twice": twice, "mend": mend or key}
        raise PydanticCustomError("twice", "two {what} have {key} {twice}; give one another {mend}", told)


# The scenario that shows a function best
SHORT: Final = {
    "crossing": "crossing_50",
    "right_turn": "right_turn_50",
    "left_turn": "left_turn_motorcycle",
    "surrounding": "surrounding_approaching",
    "emergency": "emergency_behind",
}


def load_scenario(source: str | Path, listed: str = "asvkit demo --list") -> Scenario:
    """A scenario by its file (`.toml`), or one that comes with the project by its name or its function's.

    `listed`: the command that lists them, for who has mistyped one.
    """
    source = SHORT.get(str(source), source)
    path = Path(source)
    if str(source) not in scenario_names() and str(source) and os.path.isdir(source):
        raise UsageError(f"{source}: is a folder; give a scenario's name or its file (.toml), see {listed}")
    if path.suffix != ".toml":
        path = data_folder("scenarios") / f"{source}.toml"
        if str(source) not in scenario_names():
            hint = nearest(str(source).lower(), scenario_names()) or ";"
            raise UsageError(f"{str(source) or repr('')}: no such scenario{hint} see {listed}")
    return read_toml(path, Scenario)


def scenario_names() -> list[str]:
    """Names of the scenarios that come with the project."""
    return sorted(path.stem for path in data_folder("scenarios").glob("*.toml"))
