"""The form of one vehicle in a scenario: what it is, how it drives, what its receiver and its radio do.

Whatever cannot be is refused at its key; `asvrig.scenario` has the whole file.
"""

import itertools
import random
from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from asvrig.motion import KMH, Phase, Piece, pieces
from asvunit.config import Kind

CLASS_ERROR_M: Final = {"S": 0.1, "A": 5.0, "B": 15.0, "C": 30.0}  # [G table 1-1]
HDOP_ERROR_M: Final = 5.0  # error for each unit of HDOP (interface section 6)
FASTEST_KMH: Final = 300.0
# Of the vehicles that are played; ego's messages are made by its unit, which has none of them
_OTHERS_KEYS: Final = ("id", "mac", "emergency", "clock_offset_s", "map", "radio")

Metres = Annotated[float, Field(ge=-5000, le=5000, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)]
Degrees = Annotated[float, Field(ge=0, lt=360, allow_inf_nan=False)]
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
Point = tuple[Metres, Metres]  # east, north of the place
Span = tuple[Seconds, Seconds]  # from, to: seconds into the scenario
Jump = tuple[Seconds, Seconds, Metres, Metres]  # from, to, east, north
Emergency = Literal["none", "signed", "unsigned", "forged", "stale", "replayed"]


class Table(BaseModel):
    """A table of the file: no unknown keys, no changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def check_spans(spans: Iterable[tuple[float, ...]]) -> None:
    """Refuses a span that ends before it begins, and two that overlap."""
    ordered = sorted(spans)
    for begin, end, *_rest in ordered:
        if end <= begin:
            raise PydanticCustomError("span", "[{begin}, {end}] ends before it begins", {"begin": begin, "end": end})
    for one, following in itertools.pairwise(ordered):
        if following[0] < one[1]:
            told = {"one": list(one[:2]), "other": list(following[:2])}
            raise PydanticCustomError("span", "{one} and {other} overlap; make one of them", told)


def within(spans: Iterable[tuple[float, ...]], t_s: float) -> tuple[float, ...] | None:
    """The span that a time lies in: its begin belongs to it, its end does not."""
    return next((span for span in spans if span[0] <= t_s < span[1]), None)


class Control(Table):
    """What the driver sets from a time on; what is not named stays as it was."""

    at_s: Seconds
    winker: Literal["off", "left", "right"] | None = None
    hazard: bool | None = None
    brake: bool | None = Field(None, description="not given at all: as the motion tells")
    accelerator_percent: Percent | None = Field(None, description="not given at all: as the motion tells")


class Receiver(Table):
    """The GNSS receiver of a vehicle."""

    rate_hz: Literal[1, 2, 4, 5, 10, 20] = 10
    hdop: float = Field(1.0, ge=0, lt=99, description="its error is 5 m for each; 0: it does not tell its error")
    delay_ms: int = Field(0, ge=0, le=2000, description="the position told is that of so long before")
    offset_m: Point = Field((0.0, 0.0), description="east, north: what it tells is so far from the truth")
    frozen: list[Span] = Field([], description="it repeats the position it had, as fresh ones")
    jumps: list[Jump] = Field([], description="from, to, east, north: it tells a place so far off")
    lost: list[Span] = Field([], description="it has no fix")

    @field_validator("hdop")
    @classmethod
    def _told(cls, hdop: float) -> float:
        if 0 < hdop < 0.1:
            raise PydanticCustomError("hdop", "no receiver is that good; give 0.1 or more, or 0 for none told")
        return hdop

    @field_validator("frozen", "jumps", "lost")
    @classmethod
    def _apart(cls, spans: list[Any]) -> list[Any]:
        check_spans(spans)
        return spans


class Radio(Table):
    """The radio of a vehicle other than ego."""

    phase_ms: int = Field(0, ge=0, lt=100, description="of its 100 ms grid")
    delay_ms: int = Field(2, ge=0, le=1000, description="from sampling the vehicle to receipt")
    position: Literal["fix", "moved"] = Field("fix", description="the last fix repeated, or moved on to each sending")
    lost: list[Span] = []
    loss_percent: Percent = 0
    loss_seed: int = Field(1, ge=0)
    doubled_percent: Percent = Field(0, description="received twice")
    reordered_percent: Percent = Field(0, description="received after the next one")

    @field_validator("lost")
    @classmethod
    def _apart(cls, lost: list[Span]) -> list[Span]:
        check_spans(lost)
        return lost


class Vehicle(Table):
    """One vehicle: what it is, where it starts, how it drives."""

    name: str = Field(min_length=1, max_length=20)
    ego: bool = False
    kind: Kind = "car"
    position_class: Literal["S", "A", "B", "C"] = Field("B", alias="class")
    length_m: float = Field(4.5, gt=0, le=62)
    seed: int = Field(1, ge=0, lt=1 << 29, description="of its random vehicle_id; of its key, which it numbers")
    id: int | None = Field(None, ge=0, lt=1 << 14, description="its vehicle_id, where it is not drawn from the seed")
    mac: str | None = Field(None, description="source address of its radio, as 02:00:00:00:00:10")
    emergency: Emergency = Field("none", description="what its radio does as that of a particular vehicle")
    clock_offset_s: float = Field(0, ge=-43_200, le=43_200, allow_inf_nan=False, description="of its time of fix")
    map: bool = Field(False, description="its messages tell the intersection ahead")
    can: str = Field("bench", description="its signal map, where it is a unit; empty: it has no CAN")
    east_m: Metres = 0.0
    north_m: Metres = 0.0
    heading_deg: Degrees | None = Field(None, description="clockwise from north")
    via: list[Point] = Field([], description="instead of a heading: points to drive through, then straight on")
    speed_kmh: float = Field(ge=0, le=FASTEST_KMH, allow_inf_nan=False)
    motion: list[Phase] = []
    controls: list[Control] = []
    receiver: Receiver = Receiver()
    radio: Radio = Radio()

    @property
    def vehicle_id(self) -> int:
        """The temporary id its radio sends (ego's is chosen by the unit from the same seed)."""
        return self.id if self.id is not None else random.Random(self.seed).randrange(1 << 14)  # noqa: S311

    @property
    def error_m(self) -> float:
        """The position error that it can tell of itself: by its receiver, else by its class [D8]."""
        return self.receiver.hdop * HDOP_ERROR_M or CLASS_ERROR_M[self.position_class]

    @property
    def pieces(self) -> list[Piece]:
        """Its motion along its course."""
        return pieces(self.speed_kmh, self.motion)

    @property
    def has_key(self) -> bool:
        """Whether its radio shows the key of an authority, rightly or not."""
        return self.emergency not in ("none", "unsigned")

    @property
    def played_only(self) -> list[str]:
        """Its keys that no unit of its own could do: it can only be played."""
        radio = self.radio.model_copy(update={"phase_ms": 0, "position": "fix"})
        plain = {"id": None, "mac": None, "emergency": "none", "clock_offset_s": 0, "map": False}
        return [key for key, value in plain.items() if getattr(self, key) != value] + ["radio"] * (radio != Radio())

    @field_validator("mac")
    @classmethod
    def _address(cls, mac: str | None) -> str | None:
        if mac is None:
            return None
        parts = mac.split(":")
        if len(parts) != 6 or any(len(part) != 2 or set(part.lower()) - set("0123456789abcdef") for part in parts):
            raise PydanticCustomError("mac", "{mac} is no address; give six bytes as 02:00:00:00:00:10", {"mac": mac})
        if int(parts[0], 16) & 1:
            raise PydanticCustomError("mac", "{mac} is of a group; no radio sends from such a one", {"mac": mac})
        return mac.lower()

    @field_validator("via")
    @classmethod
    def _leading_on(cls, via: list[Point], info: ValidationInfo) -> list[Point]:
        points = [(info.data.get("east_m"), info.data.get("north_m")), *via]
        if any(one == following for one, following in itertools.pairwise(points)):
            raise PydanticCustomError("course", "a point is repeated, which has no direction")
        return via

    @field_validator("motion")
    @classmethod
    def _drivable(cls, motion: list[Phase], info: ValidationInfo) -> list[Phase]:
        for number, piece in enumerate(pieces(info.data.get("speed_kmh", 0.0), motion)[1:]):
            if piece.speed_mps > FASTEST_KMH * KMH + 1e-9:
                told = {"number": number, "speed": f"{piece.speed_mps / KMH:.0f}", "most": f"{FASTEST_KMH:g}"}
                raise PydanticCustomError("motion", "phase {number}: it reaches {speed} km/h; {most} is the most", told)
        return motion

    @field_validator("controls")
    @classmethod
    def _in_order(cls, controls: list[Control]) -> list[Control]:
        for one, following in itertools.pairwise(controls):
            if following.at_s <= one.at_s:
                told = {"one": one.at_s, "other": following.at_s}
                raise PydanticCustomError("controls", "at_s {other} comes after {one}; each must be later", told)
        return controls

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.heading_deg is None) == (not self.via):
            raise PydanticCustomError("course", "give either heading_deg or via")
        unfit = [key for key in _OTHERS_KEYS if self.ego and key in self.model_fields_set]
        if unfit:
            raise PydanticCustomError("ego", "{key} is of other vehicles; ego's unit has its own", {"key": unfit[0]})
        return self
