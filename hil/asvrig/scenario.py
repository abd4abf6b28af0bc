"""Scenarios: vehicles on a plane, what their drivers do, what their receivers and radios are like.

A TOML file each (docs/scenarios.md); those that come with the project stand in hil/scenarios. Whatever is
wrong or impossible is refused in one line with file, key and reason.
"""

import itertools
import random
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from asvrig.motion import Phase, Piece, pieces
from asvunit.config import Kind
from asvunit.errors import UsageError, nearest
from asvunit.resources import data_folder
from asvunit.toml_file import read_toml

VERSION: Final = 1
CLASS_ERROR_M: Final = {"S": 0.1, "A": 5.0, "B": 15.0, "C": 30.0}  # [G table 1-1]
HDOP_ERROR_M: Final = 5.0  # error for each unit of HDOP (interface section 6)

Metres = Annotated[float, Field(ge=-5000, le=5000, allow_inf_nan=False)]
Point = tuple[Metres, Metres]  # east, north of the place
Span = tuple[Annotated[float, Field(ge=0)], Annotated[float, Field(ge=0)]]  # from, to: seconds into the scenario


class Table(BaseModel):
    """A table of the file: no unknown keys, no changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Place(Table):
    """Where east_m = north_m = 0 lies."""

    latitude_deg: float = Field(ge=-85, le=85)
    longitude_deg: float = Field(ge=-180, lt=180)


class Control(Table):
    """What the driver sets from a time on; what is not named stays as it was."""

    at_s: float = Field(ge=0)
    winker: Literal["off", "left", "right"] | None = None
    brake: bool | None = Field(None, description="not given at all: as the motion tells")
    accelerator_percent: float | None = Field(None, ge=0, le=100, description="not given at all: as the motion tells")


class Receiver(Table):
    """The GNSS receiver of a vehicle."""

    rate_hz: Literal[1, 2, 4, 5, 10, 20] = 10
    hdop: float = Field(1.0, ge=0, lt=99, description="its error is 5 m for each; 0: it does not tell its error")
    delay_ms: int = Field(0, ge=0, le=2000, description="the position told is that of so long before")

    @field_validator("hdop")
    @classmethod
    def _told(cls, hdop: float) -> float:
        if 0 < hdop < 0.1:
            raise PydanticCustomError("hdop", "no receiver is that good; give 0.1 or more, or 0 for none told")
        return hdop


class Radio(Table):
    """The radio of a vehicle other than ego."""

    phase_ms: int = Field(0, ge=0, lt=100, description="of its 100 ms grid")
    delay_ms: int = Field(2, ge=0, le=1000, description="from sampling the vehicle to receipt")
    position: Literal["fix", "moved"] = Field("fix", description="the last fix repeated, or moved on to each sending")
    lost: list[Span] = []
    loss_percent: float = Field(0, ge=0, le=100)
    loss_seed: int = Field(1, ge=0)

    @field_validator("lost")
    @classmethod
    def _forward(cls, lost: list[Span]) -> list[Span]:
        for begin, end in lost:
            if end <= begin:
                raise PydanticCustomError(
                    "span", "[{begin}, {end}] ends before it begins", {"begin": begin, "end": end}
                )
        return lost


class Vehicle(Table):
    """One vehicle: what it is, where it starts, how it drives."""

    name: str = Field(min_length=1, max_length=20)
    ego: bool = False
    kind: Kind = "car"
    position_class: Literal["S", "A", "B", "C"] = Field("B", alias="class")
    length_m: float = Field(4.5, gt=0, le=62)
    seed: int = Field(1, ge=0, lt=1 << 29, description="of its random vehicle_id")
    can: str = Field("bench", description="its signal map, where it is a unit; empty: it has no CAN")
    east_m: Metres = 0.0
    north_m: Metres = 0.0
    heading_deg: float | None = Field(None, ge=0, lt=360, description="clockwise from north")
    via: list[Point] = Field([], description="instead of a heading: points to drive through, then straight on")
    speed_kmh: float = Field(ge=0, le=300, allow_inf_nan=False)
    motion: list[Phase] = []
    controls: list[Control] = []
    receiver: Receiver = Receiver()
    radio: Radio = Radio()

    @property
    def vehicle_id(self) -> int:
        """The temporary id its radio sends (ego's is chosen by the unit from the same seed)."""
        return random.Random(self.seed).randrange(1 << 14)  # noqa: S311

    @property
    def error_m(self) -> float:
        """The position error that it can tell of itself: by its receiver, else by its class [D8]."""
        return self.receiver.hdop * HDOP_ERROR_M or CLASS_ERROR_M[self.position_class]

    @property
    def pieces(self) -> list[Piece]:
        """Its motion along its course."""
        return pieces(self.speed_kmh, self.motion)

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if (self.heading_deg is None) == (not self.via):
            raise PydanticCustomError("course", "give either heading_deg or via")
        points = [(self.east_m, self.north_m), *self.via]
        if any(one == following for one, following in itertools.pairwise(points)):
            raise PydanticCustomError("course", "via repeats a point, which has no direction")
        times = [control.at_s for control in self.controls]
        if times != sorted(times):
            raise PydanticCustomError("controls", "controls must be in the order of at_s")
        return self

    @field_validator("motion")
    @classmethod
    def _drivable(cls, motion: list[Phase], info: ValidationInfo) -> list[Phase]:
        if "speed_kmh" in info.data:
            pieces(info.data["speed_kmh"], motion)
        return motion


class Scenario(Table):
    """The whole file."""

    scenario: Literal[1]
    title: str = Field(min_length=1, max_length=100)
    story: str = Field("", description="what happens, for people")
    function: Literal["crossing"] = "crossing"
    start: AwareDatetime
    duration_s: float = Field(gt=0, le=600, allow_inf_nan=False)
    place: Place
    vehicle: list[Vehicle] = Field(min_length=1, max_length=200)

    @field_validator("start")
    @classmethod
    def _whole_second(cls, start: AwareDatetime) -> AwareDatetime:
        if start.microsecond or not 2000 <= start.year < 2080:
            raise PydanticCustomError("start", "give a whole second of the years 2000 to 2079")
        return start

    @field_validator("vehicle")
    @classmethod
    def _one_ego(cls, vehicles: list[Vehicle]) -> list[Vehicle]:
        egos = [vehicle.name for vehicle in vehicles if vehicle.ego]
        if len(egos) != 1:
            found = f"{len(egos)} are: {', '.join(egos)}" if egos else "none is"
            raise PydanticCustomError("ego", "exactly one vehicle has ego = true; {found}", {"found": found})
        for key in ("name", "vehicle_id"):
            values = [getattr(vehicle, key) for vehicle in vehicles if key == "name" or not vehicle.ego]
            twice = next((value for value in values if values.count(value) > 1), None)
            if twice is not None:
                mend = "another name" if key == "name" else "another seed"
                raise PydanticCustomError(
                    "twice",
                    "two vehicles have {key} {twice}; give one {mend}",
                    {"key": key, "twice": twice, "mend": mend},
                )
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
    def start_ns(self) -> int:
        """Unix time of its begin."""
        return int(self.start.timestamp()) * 10**9


SHORT: Final = {"crossing": "crossing_50"}  # the scenario that shows a function best


def load_scenario(source: str | Path) -> Scenario:
    """A scenario by its file (`.toml`), or one that comes with the project by its name or its function's."""
    source = SHORT.get(str(source), source)
    path = Path(source)
    if path.suffix != ".toml":
        path = data_folder("scenarios") / f"{source}.toml"
        if str(source) not in scenario_names():
            hint = nearest(str(source), scenario_names()) or "; known: " + ", ".join(scenario_names())
            raise UsageError(f"{source}: no such scenario{hint}")
    return read_toml(path, Scenario)


def scenario_names() -> list[str]:
    """Names of the scenarios that come with the project."""
    return sorted(path.stem for path in data_folder("scenarios").glob("*.toml"))
