"""The demo as it runs: a map of the true places and both drivers' views; lines where the terminal is too small."""

from collections.abc import Iterable
from typing import Final

from rich.columns import Columns
from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.panel import Panel
from rich.text import Text

from asvrig.motion import KMH
from asvrig.scenario import Scenario
from asvrig.trajectory import Trajectory
from asvtools.demo_live import Car
from asvunit.adapters.terminal import driver_view, one_line

COLUMNS: Final = 76
ROWS: Final = 21
_ARROWS: Final = "↑↗→↘↓↙←↖"
_STEP_S: Final = 0.1  # of the courses drawn
_MAP_ROWS: Final = 13  # at most
_OTHER_ROWS: Final = 13  # the views, frames and the legend, and one to spare
_ROW_TO_COLUMN: Final = 2.1  # a character is so much higher than wide
_STYLES: Final = {"caution": "bold black on yellow", "information": "bold white on blue"}
_COLOURS: Final = ("bold green", "bold cyan", "bold magenta", "bold white")


class Map:
    """A plan of the place: courses as dots, vehicles as arrows of their heading."""

    def __init__(self, scenario: Scenario, columns: int, rows: int) -> None:
        self._tracks = [(vehicle, Trajectory(vehicle)) for vehicle in scenario.vehicle]
        self._columns, self._rows = columns, min(rows, _MAP_ROWS)
        steps = range(int(scenario.duration_s / _STEP_S) + 1)
        places = [track.at(step * _STEP_S) for _vehicle, track in self._tracks for step in steps]
        width_m = max((abs(one.east_m) for one in places), default=1.0)
        low, high = min(one.north_m for one in places), max(one.north_m for one in places)
        # As wide as fits, but never so that the way of ego is a few rows only
        self._scale = min(max(2 * width_m / columns, (high - low) / self._rows / _ROW_TO_COLUMN, 0.5), 3.2)
        self._middle = (max(low, -self._rows * self._scale * _ROW_TO_COLUMN) + min(high, 30.0)) / 2
        self._dots = {cell for cell in (self._cell(one.east_m, one.north_m) for one in places) if cell}

    def draw(self, t_s: float, levels: dict[str, str]) -> Text:
        """The plan at a time; `levels` by vehicle name colour who is told something."""
        marks = {}
        for number, (vehicle, track) in enumerate(self._tracks):
            state = track.at(t_s)
            cell = self._cell(state.east_m, state.north_m)
            if cell is not None:
                style = _STYLES.get(levels.get(vehicle.name, ""), _COLOURS[number % len(_COLOURS)])
                marks[cell] = (_ARROWS[round(state.heading_deg / 45) % 8], style)
        out = Text(no_wrap=True)
        for row in range(self._rows):
            for column in range(self._columns):
                sign, style = marks.get((row, column), ("·" if (row, column) in self._dots else " ", "dim"))
                out.append(sign, style)
            out.append("\n")
        out.right_crop(1)
        return out

    def speeds(self, t_s: float) -> list[str]:
        """Each vehicle's heading, name and speed at a time."""
        states = [(vehicle.name, track.at(t_s)) for vehicle, track in self._tracks]
        return [
            f"{_ARROWS[round(one.heading_deg / 45) % 8]} {name} {one.speed_mps / KMH:.0f} km/h" for name, one in states
        ]

    def _cell(self, east_m: float, north_m: float) -> tuple[int, int] | None:
        column = round(east_m / self._scale + self._columns / 2)
        row = round((self._middle - north_m) / self._scale / _ROW_TO_COLUMN + self._rows / 2)
        return (row, column) if 0 <= row < self._rows and 0 <= column < self._columns else None


class View:
    """What is drawn while the demo runs. A context manager: the terminal is left as it was."""

    def __init__(self, console: Console) -> None:
        self._console = console
        size = console.size
        self._live: Live | None = None
        self._map: Map | None = None
        self._told: dict[str, str] = {}
        self.too_small = console.is_terminal and (size.width < COLUMNS or size.height < ROWS)
        if console.is_terminal and not self.too_small:
            self._live = Live(console=console, auto_refresh=False, transient=True)

    def __enter__(self) -> "View":
        if self.too_small:
            size = self._console.size
            self._console.print(
                f"The terminal has {size.width} x {size.height} characters; the live view needs {COLUMNS} x {ROWS}: "
                "lines instead.",
                style="dim",
            )
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_error: object) -> None:
        if self._live:
            self._live.stop()

    def __call__(self, scenario: Scenario, cars: list[Car], t_s: float) -> None:
        """Draw the moment, or say what is new."""
        if self._live is None:
            for line in self._news(cars, t_s):
                self._console.print(line)
            return
        width = min(self._console.size.width, 120)
        if self._map is None:
            self._map = Map(scenario, width - 4, self._console.size.height - _OTHER_ROWS)
        levels = {car.vehicle.name: car.shown.level for car in cars}
        clock = f"{t_s:5.1f} s" if t_s >= 0 else "starts ..."
        title = f"{escape(scenario.title)}   {clock}"
        legend = Text("  ")
        for number, speed in enumerate(self._map.speeds(t_s)):
            legend.append(f"{speed}   ", _COLOURS[number % len(_COLOURS)])
        views = [driver_view(car.shown, f"{escape(car.vehicle.name)}: its driver", _notes(car)) for car in cars]
        place = Panel(Group(self._map.draw(t_s, levels), legend), title=title, title_align="left", width=width)
        self._live.update(Group(place, Columns(views, width=(width - 2) // 2, padding=(0, 1))), refresh=True)

    def _news(self, cars: list[Car], t_s: float) -> Iterable[str]:
        for car in cars:
            line = one_line(car.shown).partition(" | ")[0]
            if self._told.get(car.vehicle.name, "none: -") != line:
                yield f"{max(t_s, 0):6.1f} s  {escape(car.vehicle.name)}: {escape(line)}"
            self._told[car.vehicle.name] = line


def _notes(car: Car) -> tuple[str, ...]:
    """How the unit is: its inputs, and how long the last change took to the lamp."""
    states = dict(car.states)  # its thread goes on
    inputs = "  ".join(f"{name} {states[name]}" for name in ("gnss", "can", "radio") if name in states)
    took = "" if car.took_us is None else f"last change: {car.took_us / 1000:.1f} ms to the pin"
    return inputs or "starting", took
