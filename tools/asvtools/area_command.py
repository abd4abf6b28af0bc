"""`asvkit area`: how far the radio must reach, when the driver is told, and how many packets may be lost.

Without a function: table 3-5 and the support timing. With one: its area with all that goes into it. Either way the
zone behind the area's edge, in which a packet must arrive.
"""

import json
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from asvtools import area as areas
from asvunit.errors import UsageError, nearest

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_VEHICLES = {"car": areas.CAR_MS2, "large": areas.LARGE_MS2}
_OPTIONS = {  # arguments of the formulas, as the user gives them
    "target_kmh": "--speed",
    "kmh": "--speed",
    "ego_kmh": "--ego-speed",
    "ego_goal_kmh": "--ego-goal",
    "target_goal_kmh": "--goal",
    "ego_ms2": "--vehicle",
    "target_ms2": "--target-vehicle",
    "priority": "--priority",
    "direction": "--direction",
    "stop_line_m": "--stop-line",
    "antenna_m": "--antenna",
    "waiting_m": "--waiting",
    "lengths_m": "--lengths",
    "rates_percent": "--packet-rate",
}
_USED = {  # what enters each function beside the target's speed, and the clause
    "crossing": ({"stop_line_m", "antenna_m"}, "G 2.5.1(2), table 3-5"),
    "right_turn": ({"waiting_m"}, "G 2.5.1(3), table 3-5"),
    "left_turn": ({"lengths_m"}, "G 2.5.1(3), table 3-5"),
    "emergency": (set[str](), "G 4.4.3, table 3-5"),
    "deceleration": (
        {"ego_kmh", "ego_goal_kmh", "target_goal_kmh", "ego_ms2", "target_ms2", "priority", "direction"},
        "G 2.5.1(1)",
    ),
}
_TIMED = ("crossing", "right_turn", "left_turn")
_TIMING_ENDS = {"crossing": "crossing point", "right_turn": "turning place", "left_turn": "ego's rear end"}


class Result(NamedTuple):
    """What is printed: JSON holds the same."""

    speed_kmh: float
    areas: list[areas.Area]
    timing: list[tuple[str, areas.Timing]]
    lengths_m: tuple[float, float]
    zone_kmh: float
    zones: list[dict[str, Any]]


def area(
    function: Annotated[
        str | None, typer.Option(metavar="NAME", help=f"{', '.join(_USED)}; none: all of table 3-5.")
    ] = None,
    speed: Annotated[float, typer.Option(metavar="KMH", help="V2, the target's speed.")] = areas.TARGET_KMH,
    packet_rate: Annotated[
        float | None, typer.Option(metavar="PERCENT", help="Arrival rate of a single packet: is it enough? (eq. 1)")
    ] = None,
    stop_line: Annotated[
        float | None, typer.Option(metavar="M", help=f"Crossing: road edge to stop line. [{areas.STOP_LINE_M:g}]")
    ] = None,
    antenna: Annotated[
        float | None, typer.Option(metavar="M", help=f"Crossing: stop line to antenna. [{areas.ANTENNA_M:g}]")
    ] = None,
    waiting: Annotated[
        float | None, typer.Option(metavar="M", help=f"Right turn: entry to waiting point. [{areas.WAITING_M:g}]")
    ] = None,
    lengths: Annotated[
        tuple[float, float] | None,
        typer.Option(metavar="EGO TARGET", help="Left turn: lengths of both, in m. [12 2]"),
    ] = None,
    ego_speed: Annotated[
        float | None, typer.Option(metavar="KMH", help="Deceleration: V1, ego's speed (needed).")
    ] = None,
    ego_goal: Annotated[
        float | None,
        typer.Option(metavar="KMH", help="Deceleration: Vt1, down to this. [0; same direction: the target's speed]"),
    ] = None,
    goal: Annotated[
        float | None, typer.Option(metavar="KMH", help="Deceleration, equal priority: Vt2, the target's. [0]")
    ] = None,
    vehicle: Annotated[
        str | None, typer.Option(metavar="KIND", help="Deceleration: ego brakes as a car or large. [car]")
    ] = None,
    target_vehicle: Annotated[
        str | None, typer.Option(metavar="KIND", help="Deceleration, equal priority: the target brakes as. [car]")
    ] = None,
    priority: Annotated[
        str | None, typer.Option(metavar="WHICH", help="Deceleration: known, equal or unknown (as equal). [known]")
    ] = None,
    direction: Annotated[
        str | None, typer.Option(metavar="WHICH", help="Deceleration: different or same. [different]")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """How far the radio must reach, by the guideline's formulas: communication areas, support timing, packet rate.

    Without a function: table 3-5 and the support timing at --speed.
    """
    given = {
        "stop_line_m": stop_line,
        "antenna_m": antenna,
        "waiting_m": waiting,
        "lengths_m": lengths,
        "ego_kmh": ego_speed,
        "ego_goal_kmh": ego_goal,
        "target_goal_kmh": goal,
        "ego_ms2": _braking("--vehicle", vehicle),
        "target_ms2": _braking("--target-vehicle", target_vehicle),
        "priority": priority,
        "direction": direction,
    }
    values = {argument: value for argument, value in given.items() if value is not None}
    _check_use(function, values)
    try:
        result = _result(function, speed, values, packet_rate)
    except areas.Impossible as error:
        raise UsageError(f"{_OPTIONS[error.argument]}: {error.why}") from None
    if as_json:
        typer.echo(json.dumps(_json(result), indent=2))
    else:
        _show(result, packet_rate)


def _braking(option: str, kind: str | None) -> float | None:
    if kind is not None and kind not in _VEHICLES:
        raise UsageError(f"{option}: {kind!r} is not {' or '.join(_VEHICLES)} [G table 2-5]{nearest(kind, _VEHICLES)}")
    return _VEHICLES[kind] if kind else None


def _check_use(function: str | None, values: dict[str, Any]) -> None:
    """Refuses what would have no effect: a number that is not used reads as one that was."""
    if function == "surrounding":
        raise UsageError("--function: surrounding has no area and no timing of its own [G 4.4.2]")
    if function is not None and function not in _USED:
        raise UsageError(f"--function: {function!r} is not {', '.join(_USED)} [G table 3-5]{nearest(function, _USED)}")
    for argument in values:
        taker, clause = next((name, clause) for name, (used, clause) in _USED.items() if argument in used)
        if function != taker and (function or taker == "deceleration"):
            raise UsageError(f"{_OPTIONS[argument]}: is only for --function {taker} [{clause}]")
    if function == "deceleration" and "ego_kmh" not in values:
        raise UsageError("--ego-speed: --function deceleration needs it, V1 in km/h [G 2.5.1(1)]")
    if values.get("priority", "known") == "known":
        for argument in ("target_goal_kmh", "target_ms2"):
            if argument in values:
                raise UsageError(f"{_OPTIONS[argument]}: is only for --priority equal: else V2 is kept [G 2.5.1(1)2]")


def _result(function: str | None, speed_kmh: float, values: dict[str, Any], rate_percent: float | None) -> Result:
    make: dict[str, Callable[..., areas.Area]] = {
        "crossing": areas.crossing,
        "right_turn": areas.right_turn,
        "left_turn": areas.left_turn,
        "emergency": lambda target_kmh: areas.emergency(),
        "deceleration": areas.deceleration,
    }
    names = [function] if function else list(areas.FUNCTIONS)
    lengths_m = values.pop("lengths_m", areas.LENGTHS_M)
    same = values.get("direction") == "same"
    if same:
        values.setdefault("ego_goal_kmh", speed_kmh)
    if same and not speed_kmh < values["ego_kmh"]:  # before its default is found to be no goal
        values["ego_goal_kmh"] = 0.0
    made = [
        make[name](target_kmh=speed_kmh, **{key: value for key, value in values.items() if key in _USED[name][0]})
        for name in names
    ]
    timing = [
        (name, areas.support_timing(speed_kmh, lengths_m if name == "left_turn" else None))
        for name in names
        if name in _TIMED
    ]
    # In the same direction the edge is crossed as fast as the gap closes (ours).
    zone_kmh = values["ego_kmh"] - speed_kmh if same else speed_kmh
    zones = [_zone(name, zone_m, zone_kmh, rate_percent) for name, zone_m in areas.ZONES_M]
    return Result(speed_kmh, made, timing, lengths_m, zone_kmh, zones)


def _zone(name: str, zone_m: float, kmh: float, rate_percent: float | None) -> dict[str, Any]:
    packets = areas.packets_in_zone(zone_m, kmh)
    least = areas.least_rate_percent(packets)
    zone: dict[str, Any] = {"class": name, "length_m": zone_m, "packets": packets, "least_rate_percent": least}
    if rate_percent is not None:
        cumulative = areas.cumulative_rate_percent([rate_percent] * packets)
        zone |= {"packet_rate_percent": rate_percent, "cumulative_percent": cumulative}
        zone["enough"] = areas.is_enough(cumulative)
    return zone


def _json(result: Result) -> dict[str, Any]:
    return {
        "speed_kmh": result.speed_kmh,
        "areas": [_rounded(item._asdict()) for item in result.areas],
        "timing": [
            {"function": name}
            | _rounded(timing._asdict())
            | ({"lengths_m": result.lengths_m} if name == "left_turn" else {})
            for name, timing in result.timing
        ],
        "zone_speed_kmh": result.zone_kmh,
        "zones": [_rounded(_safely(zone, 3)) for zone in result.zones],
    }


def _safely(zone: dict[str, Any], digits: int) -> dict[str, Any]:
    """Rounded to the safe side: a rate as shown is enough, and 95 % is not shown where it is missed."""
    shown = dict(zone)
    for key, toward in (("least_rate_percent", math.ceil), ("cumulative_percent", math.floor)):
        if shown.get(key) is not None:
            shown[key] = toward(round(shown[key] * 10**digits, 6)) / 10**digits
    return shown


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    return {key: round(value, 3) if isinstance(value, float) else value for key, value in values.items()}


def _show(result: Result, rate_percent: float | None) -> None:
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    clause = _USED[result.areas[0].function][1] if len(result.areas) == 1 else "G table 3-5"
    _title(console, f"Communication area, m: target at {result.speed_kmh:g} km/h", clause)
    console.print(_area_table(result))
    if result.timing:
        console.print()
        _title(console, "Support timing, m: no later than this from the target", "G 4.1.2, 4.2.2, 4.3.2")
        console.print(_timing_table(result))
    if any(name == "left_turn" for name, _ in result.timing):
        ego_m, target_m = result.lengths_m
        console.print(f"left_turn: with ego's length of {ego_m:g} m and the target's of {target_m:g} m", style="dim")
    console.print()
    _title(console, f"Zone outside the area's edge, crossed at {result.zone_kmh:g} km/h", "G 3.6(2), eq. 1")
    console.print(_zone_table(result, rate_percent))


def _title(console: "Console", title: str, clause: str) -> None:
    console.print(f"[bold]{title}[/bold] [dim]\\[{clause}][/dim]")


def _table(*columns: str, words_last: bool = False) -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", no_wrap=True)
    if words_last:
        table.columns[-1].justify = "left"
    return table


def _area_table(result: Result) -> "Table":
    table = _table("function", "L1", "L2", "area", "made of", words_last=True)
    for item in result.areas:
        fixed = item.l2_m is None  # 300 m is no result of a formula, and is printed without decimals
        whole = f"{item.area_m:g}" if fixed else f"{item.area_m:.1f}"
        table.add_row(item.function, _metres(item.l1_m), _metres(item.l2_m), whole, item.made_of)
    return table


def _metres(length_m: float | None) -> str:
    return "-" if length_m is None else f"{length_m:.1f}"


def _timing_table(result: Result) -> "Table":
    table = _table("function", "L3 information", "L4 caution", "L4* after information", "to", words_last=True)
    for name, timing in result.timing:
        table.add_row(name, *map(_metres, timing), _TIMING_ENDS[name])
    return table


def _zone_table(result: Result, rate_percent: float | None) -> "Table":
    more = () if rate_percent is None else (f"with {rate_percent:g} %", f"{areas.ENOUGH_PERCENT:g} %")
    table = _table("class", "length m", "packets", "least rate of each", *more)
    for zone in result.zones:
        shown = _safely(zone, 1)
        least = shown["least_rate_percent"]
        row = [shown["class"], f"{shown['length_m']:g}", str(shown["packets"])]
        row.append("none" if least is None else f"{least:.1f} %")
        if more:
            row += [f"{shown['cumulative_percent']:.1f} %", "reached" if shown["enough"] else "missed"]
        table.add_row(*row)
    return table
