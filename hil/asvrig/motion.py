"""How a vehicle drives along its course: phases of constant acceleration, and the way they cover.

`pieces` works the phases out; what cannot be driven is refused here, with the phase's number.
"""

import math
from dataclasses import dataclass
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

KMH: Final = 1 / 3.6  # m/s


class Phase(BaseModel):
    """A stretch of constant acceleration, as long as exactly one of three things says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    for_s: float | None = Field(None, gt=0, le=3600, allow_inf_nan=False)
    for_m: float | None = Field(None, gt=0, le=100_000, allow_inf_nan=False)
    until_kmh: float | None = Field(None, ge=0, le=300, allow_inf_nan=False)
    accel_mps2: float = Field(0, ge=-15, le=15, allow_inf_nan=False)

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        ends = [end for end in (self.for_s, self.for_m, self.until_kmh) if end is not None]
        if len(ends) != 1:
            raise PydanticCustomError("phase", "give exactly one of for_s, for_m, until_kmh")
        return self


@dataclass(frozen=True, slots=True)
class Piece:
    """A phase worked out: it begins at a time, way and speed; the last one goes on for ever."""

    begin_s: float
    way_m: float
    speed_mps: float
    accel_mps2: float

    def way_at(self, t_s: float) -> float:
        """Way along the course at a time."""
        after = t_s - self.begin_s
        return self.way_m + (self.speed_mps + self.accel_mps2 * after / 2) * after

    def speed_at(self, t_s: float) -> float:
        """Speed at a time, in m/s."""
        return max(0.0, self.speed_mps + self.accel_mps2 * (t_s - self.begin_s))


def pieces(speed_kmh: float, phases: list[Phase]) -> list[Piece]:
    """The phases one after another, then the last speed kept. Refuses what cannot be driven."""
    out: list[Piece] = []
    begin_s, way_m, speed_mps = 0.0, 0.0, speed_kmh * KMH
    for number, phase in enumerate(phases):
        piece = Piece(begin_s, way_m, speed_mps, phase.accel_mps2)
        lasts_s = _duration(piece, phase, number)
        out.append(piece)
        begin_s += lasts_s
        way_m = piece.way_at(begin_s)
        speed_mps = phase.until_kmh * KMH if phase.until_kmh is not None else piece.speed_at(begin_s)
    out.append(Piece(begin_s, way_m, speed_mps, 0.0))
    return out


def _duration(piece: Piece, phase: Phase, number: int) -> float:
    speed, accel = piece.speed_mps, phase.accel_mps2
    if phase.until_kmh is not None:
        change = phase.until_kmh * KMH - speed
        if change == 0:
            return 0.0
        if change * accel <= 0:
            raise _impossible(
                number, f"accel_mps2 {accel:g} never leads from {speed / KMH:g} to {phase.until_kmh:g} km/h"
            )
        return change / accel
    if phase.for_s is not None:
        if speed + accel * phase.for_s < -1e-9:
            stop_s = -speed / accel
            raise _impossible(number, f"it would go backwards after {stop_s:.2f} s; end it with until_kmh = 0")
        return phase.for_s
    way = phase.for_m or 0.0
    square = speed * speed + 2 * accel * way
    if square < 0 or (speed == 0 and accel <= 0):
        raise _impossible(number, f"it stands still before for_m {way:g} are driven")
    return 2 * way / (speed + math.sqrt(square))


def _impossible(number: int, reason: str) -> PydanticCustomError:
    return PydanticCustomError("motion", "phase {number}: {reason}", {"number": number, "reason": reason})
