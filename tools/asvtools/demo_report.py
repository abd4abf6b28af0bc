"""The demo's closing tables: what the driver was told, when it had to be, how long each step took, the verdict."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from asvrig.judge import NEARBY_TOLERANCE_S, TOLERANCE_S, Check
from asvrig.scenario import Scenario
from asvunit.errors import AsvkitError

if TYPE_CHECKING:
    from asvtools.demo_live import Outcome

Event = dict[str, Any]

_STYLES: Final = {"information": "bold blue", "caution": "bold yellow"}
_WHY: Final = {
    "l3_reached": "information is due",
    "l4_reached": "caution is due",
    "late_l3": "first seen when information is due",
    "late_l4": "first seen when caution is due",
    "target_passed": "has passed",
    "target_lost": "unheard, taken to go on",
    "hold_over": "passed 3 s ago",
    "ego_started": "the driver has started",
    "lost_limit": "unheard for 10 s",
    "resumed": "it is back",
    "in_range": "is near",
    "target_fell_back": "has fallen back",
    "packets_stopped": "unheard",
    "receding": "goes away",
    "too_far": "is far away",
    "target_standing": "stands",
    "winker_off": "the winker is off",
    "turn_begun": "the driver turns",
    "ego_too_fast": "the driver drives on",
    "ego_standing": "the driver has stopped",
}
_FUNCTIONS: Final = {"right_turn": "right turn", "left_turn": "left turn"}
# What led to a change of the driver's view
_CAUSES: Final = {
    "frame": "a frame of the other car",
    "fix": "a fix",
    "signal": "a CAN frame",
    "cycle": "the 100 ms cycle",
    "due": "the moment foreseen",
}


def timeline(scenario: Scenario, events: list[Event]) -> Table:
    """What the driver was told, and why."""
    start_s = scenario.start_ns / 1e9
    names = {vehicle.vehicle_id: vehicle.name for vehicle in scenario.others}
    table = _table("What the driver was told")
    table.add_column("time", justify="right", no_wrap=True)
    table.add_column("display and sound", ratio=4)
    table.add_column("why", ratio=5)
    given: set[tuple[str, str | None, int]] = set()
    for at, event in enumerate(events):
        if event["event"] != "support" or event["vehicle_id"] is None:
            continue
        key = (event["function"], event["source"], event["vehicle_id"])
        if not event["presented"] and key not in given:
            continue  # why one gets nothing, or what another support speaks for
        (given.add if event["presented"] else given.discard)(key)
        if event["reason"] == "superseded":
            continue
        told = next((one for one in events[at + 1 :] if one["event"] == "hmi" and one["t"] == event["t"]), None)
        why = _why(event, names.get(event["vehicle_id"], f"vehicle {event['vehicle_id']}"))
        table.add_row(f"{event['t'] - start_s:.2f} s", _said(told) if told else "[dim](as before)[/]", why)
    if not table.row_count:
        table.add_row("", "nothing", "no vehicle came that support is for")
    return table


def verdicts(checks: list[Check]) -> Table:
    """When it had to be told, and when it was."""
    table = _table(
        "When it had to be told, and when it was",
        f"Had to be: worked out from the true courses, not by the unit. Margin: to the nearer edge of that "
        f"time, widened by {TOLERANCE_S * 1000:.0f} ms for the 100 ms cycle and rounding (left "
        f"turn: of the target's own way, which takes longer where ego drives ahead of it), "
        f"{NEARBY_TOLERANCE_S * 1000:.0f} ms for surrounding and emergency vehicles.",
    )
    table.add_column("vehicle", overflow="fold")
    table.add_column("what", ratio=1)
    table.add_column("had to be", justify="right", no_wrap=True)
    table.add_column("was", justify="right")
    table.add_column("margin", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    several = len({check.function for check in checks if check.window}) > 1
    for check in checks:
        if check.good and check.window is None and check.what != "no support":
            continue  # counted below: only times, and what is wrong, are shown
        what, window, was, margin = check.what, "", "", ""
        if several:
            what = f"{_FUNCTIONS.get(check.function, check.function)}: {what}"
        if check.window:
            begin, end = check.window.earliest_s, check.window.latest_s
            window = f"{begin:.2f} s" if end - begin < 0.005 else f"{begin:.2f} .. {end:.2f} s"
        if check.actual_s is not None:
            was = f"{check.actual_s:.2f} s"
        if check.margin_s is not None:
            margin = f"{check.margin_s * 1000:.0f} ms"
        else:
            what += f": {escape(check.note)}"
        verdict = "[green]good[/]" if check.good else "[bold red]WRONG[/]"
        table.add_row(escape(check.vehicle), what, window, was, margin, verdict)
    return table


def steps(outcome: "Outcome") -> Table:
    """How long each change of the driver's view took, step by step."""
    table = _table(
        "From cause to lamp, ego",
        "A frame's time begins with the kernel's stamp of its receipt, a cycle's when it was due. Milliseconds.",
    )
    table.add_column("time", justify="right", no_wrap=True)
    table.add_column("told", ratio=2)
    table.add_column("caused by", ratio=3)
    for step in ("taken up", "decided", "on the pin"):
        table.add_column(step, justify="right", no_wrap=True)
    for one in outcome.events:
        if one["event"] == "latency":
            times = [f"{one[key] / 1000:.2f}" for key in ("taken_us", "decided_us", "written_us")]
            told = one["level"] if one["level"] != "none" else "(off)"
            t_s = one["t"] - outcome.scenario.start_ns / 1e9
            table.add_row(f"{t_s:.2f} s", told, _CAUSES.get(one["input"], one["input"]), *times)
    return table


def figures(outcome: "Outcome") -> Table:
    """Quantiles over the whole run, beside what a bare sleep does on this machine."""
    units = "; ".join(
        f"{escape(car.vehicle.name)}: ready {car.ready_s:.2f} s after its start, {car.busy:.0%} of a processor"
        for car in outcome.cars
    )
    table = _table("The whole run, ms", f"{units}.")
    table.add_column("what", ratio=1)
    for name in ("count", "p50", "p99", "max"):
        table.add_column(name, justify="right", no_wrap=True)
    for car in outcome.cars:
        told = car.last("statistics")
        name = escape(car.vehicle.name)
        _row(table, f"{name}: frame received to judged", told.get("frame_to_judged"))
        _row(table, f"{name}: 100 ms cycle begins after its time", told.get("cycle_late"))
        _row(table, f"{name}: frame sent after its time", told.get("send_late"))
    _row(table, "beside them, a bare sleep of an idle process", outcome.bare_sleep)
    late = outcome.lateness
    table.add_row(
        "the world: sentence or CAN frame written late", str(late.count), "", f"{late.p99:.2f}", f"{late.max:.2f}"
    )
    return table


def close(console: Console, checks: list[Check], keep: Path | None) -> None:
    """The verdict; AsvkitError if something was wrong."""
    wrong = [check for check in checks if not check.good]
    if keep:
        console.print(f"Kept in {escape(str(keep))}: configurations, events, pins and what the units said.")
    if wrong:
        first = wrong[0]
        raise AsvkitError(
            f"{len(wrong)} of {len(checks)} checks failed; first: {first.vehicle}, {first.what}: {first.note}"
        )
    console.print(f"[bold green]GOOD[/]: {len(checks)} check{'s' * (len(checks) > 1)}, none failed.\n")


def _table(title: str, caption: str = "") -> Table:
    return Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        title=title,
        title_justify="left",
        caption=caption or None,
        caption_justify="left",
    )


def _row(table: Table, name: str, told: dict[str, Any] | None) -> None:
    if told and told.get("count"):
        values = [f"{told[key] / 1000:.2f}" for key in ("p50_us", "p99_us", "max_us")]
        table.add_row(name, str(told["count"]), *values)


def _said(hmi: Event) -> str:
    if hmi["level"] == "none":
        return "[dim](off, without a cue)[/]"
    style = _STYLES[hmi["level"]]
    sound = "no sound" if hmi["sound"] == "none" else f"{hmi['sound']} sound"
    return f'[{style}]"{escape(hmi["text"])}"[/]\n{hmi["level"]}: {hmi["colour"]}, {sound}'


def _why(event: Event, name: str) -> str:
    said = f"{escape(name)}: {_WHY.get(event['reason'], event['reason'].replace('_', ' '))}"
    distance, error, threshold = event["distance_m"], event["error_m"], event["threshold_m"]
    if event["reason"].endswith(("_reached", "_l3", "_l4")) and None not in (distance, error, threshold):
        said += f"\n{distance:.1f} m - {error:.1f} m error <= {threshold:.1f} m"
    return said
