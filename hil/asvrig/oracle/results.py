"""What the calculation gives out: supports that have to be given, begins that may be; seconds into the scenario."""

from dataclasses import dataclass, field
from typing import Final, Literal

from asvrig.scenario import Vehicle

STEP_S: Final = 0.01  # times are looked at so often
HOLD_S: Final = 3.0  # "keep watching" [D15]
SHOWN_S: Final = 3.0  # information, in mode information_ended [D14]

Side = Literal["left", "right"]
Function = Literal["crossing", "right_turn", "left_turn", "surrounding", "emergency"]
TIMED: Final[tuple[Function, ...]] = ("crossing", "right_turn", "left_turn")  # functions with a rule of timing


@dataclass(frozen=True, slots=True)
class Window:
    """From when and until when something may, and then must, happen."""

    earliest_s: float
    latest_s: float


@dataclass(slots=True)
class Expected:
    """One support that has to be given; what lies behind the scenario's end is None.

    `side`: of ego the target comes from, or that ego turns to; None where the display names none, or it changes with
    the bearing. `pause`: mode information_ended, when information ends before caution. `unshown`: levels
    that follow another time where the information could not be presented. `loose`: receivers were wrong by more than
    they told, so that only the begins before that are asked for. `pace`: by what begins, how fast the target came
    nearer then, as a part of its own speed: 1 where ego stands, less where ego drives ahead of it.
    """

    vehicle: Vehicle
    side: Side | None
    levels: dict[str, Window] = field(default_factory=dict)  # "information", "caution"
    hold: Window | None = None  # begin of "keep watching"
    end: Window | None = None
    end_reason: str = ""
    function: Function = "crossing"
    hold_reason: str = ""
    pause: Window | None = None
    unshown: dict[str, Window] = field(default_factory=dict)
    pace: dict[str, float] = field(default_factory=dict)
    loose: bool = False

    @property
    def begin(self) -> Window:
        """When it begins."""
        return next(iter(self.levels.values()))


@dataclass(frozen=True, slots=True)
class Allowed:
    """A support that may be given, or not: the truth is too near a border, or receivers tell something else."""

    vehicle: Vehicle
    function: Function
    window: Window  # of its begin
    until_s: float | None = None  # it must have ended by then


@dataclass(slots=True)
class Outlook:
    """All of a scenario."""

    due: list[Expected] = field(default_factory=list)
    allowed: list[Allowed] = field(default_factory=list)


class Spans:
    """Collects the begins that are allowed for one vehicle and function, step after step."""

    def __init__(self, vehicle: Vehicle, function: Function) -> None:
        self._vehicle = vehicle
        self._function: Function = function
        self._from_s: float | None = None
        self._last_s = 0.0
        self.spans: list[Allowed] = []

    def look(self, t_s: float, allowed: bool) -> None:
        """Take a step into account."""
        if allowed:
            self._from_s = t_s if self._from_s is None else self._from_s
            self._last_s = t_s
        elif self._from_s is not None:
            self.close()

    def drop(self) -> None:
        """What may be has to be from now on: this span is that support's own."""
        self._from_s = None

    def close(self) -> list[Allowed]:
        """No more steps, or none for now; all spans so far."""
        if self._from_s is not None:
            self.spans.append(Allowed(self._vehicle, self._function, Window(self._from_s, self._last_s)))
            self._from_s = None
        return self.spans
