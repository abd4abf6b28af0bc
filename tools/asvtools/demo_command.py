"""`asvkit demo`: a scenario through the whole unit on this machine, no hardware, and a verdict.

The scenario is written as recordings, these go the way of `asvkit replay`, and what the driver was told is
held against times worked out separately from the true courses (asvrig.expected).
"""

import contextlib
import io
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from asvunit.errors import AsvkitError, UsageError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from asvrig.generate import Recordings
    from asvrig.judge import Check
    from asvrig.scenario import Scenario

_SHORT: Final = {"crossing": "crossing_50"}  # the scenario that shows a function best
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
}


def demo(
    name: Annotated[str, typer.Argument(help="Scenario, or a scenario file (.toml).", metavar="[NAME]")] = "crossing",
    show_list: Annotated[bool, typer.Option("--list", help="List the scenarios and end.")] = False,
    keep: Annotated[
        Path | None, typer.Option(help="Keep recordings, events and sent frames there.", metavar="DIR")
    ] = None,
) -> None:
    """The whole system on this machine, no hardware: an encounter, what the driver is told, a verdict."""
    from rich.console import Console

    from asvrig.judge import judge
    from asvrig.scenario import load_scenario

    class PipedConsole(Console):
        """A reader that has seen enough is the command's business, as everywhere."""

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    console = PipedConsole(highlight=False)
    if show_list:
        _list(console)
        return
    scenario = load_scenario(_SHORT.get(name, name))
    console.print(f"\n[bold]{_plain(scenario.title)}[/bold]")
    if scenario.story:
        console.print(_plain(scenario.story))
    console.print(
        "Generated recordings of GNSS, CAN and radio, replayed through the unit in virtual time: "
        "no live hardware takes part.",
        style="dim",
    )
    console.print()
    with contextlib.ExitStack() as stack:
        folder = _folder(keep) if keep else Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="asvkit-")))
        events = _played(scenario, folder)
        checks = judge(scenario, events)
    console.print(_timeline(scenario, events))
    console.print(_verdicts(checks))
    _close(console, checks, keep)


def _list(console: "Console") -> None:
    from rich.table import Table

    from asvrig.scenario import load_scenario, scenario_names

    table = Table(box=None, pad_edge=False)
    table.add_column("name", no_wrap=True)
    table.add_column("what happens")
    for name in scenario_names():
        aliases = [short for short, full in _SHORT.items() if full == name]
        title = _plain(load_scenario(name).title)
        table.add_row(name, title + (f" (also: {', '.join(aliases)})" if aliases else ""))
    console.print(table)


def _folder(keep: Path) -> Path:
    try:
        keep.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--keep {keep}: cannot be made: {error.strerror}; name another folder") from error
    return keep


def _played(scenario: "Scenario", folder: Path) -> list[dict[str, Any]]:
    """The events of the unit's replay of the scenario's recordings."""
    from asvrig.generate import generate
    from asvtools.replay_command import replay

    recordings: Recordings = generate(scenario, folder)
    with contextlib.redirect_stdout(io.StringIO()):  # its summary is for those who replay
        replay(
            gnss=recordings.gnss,
            can=recordings.can,
            vehicle=recordings.vehicle,
            radio=recordings.radio,
            config=recordings.config,
            events=folder / "events.jsonl",
            sent=folder / "sent.pcap",
        )
    return [json.loads(line) for line in (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()]


def _timeline(scenario: "Scenario", events: list[dict[str, Any]]) -> "Table":
    from rich import box
    from rich.table import Table

    start_s = scenario.start_ns / 1e9
    names = {vehicle.vehicle_id: vehicle.name for vehicle in scenario.others}
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title="What the driver was told", title_justify="left")
    table.add_column("time", justify="right", no_wrap=True)
    table.add_column("display and sound", ratio=4)
    table.add_column("why", ratio=5)
    for at, event in enumerate(events):
        if event["event"] != "support" or event["vehicle_id"] is None:
            continue
        told = next((one for one in events[at + 1 :] if one["event"] == "hmi" and one["t"] == event["t"]), None)
        why = _why(event, names.get(event["vehicle_id"], f"vehicle {event['vehicle_id']}"))
        table.add_row(f"{event['t'] - start_s:.2f} s", _said(told) if told else "[dim](as before)[/]", why)
    if not table.row_count:
        table.add_row("", "nothing", "no vehicle came that support is for")
    return table


def _said(hmi: dict[str, Any]) -> str:
    if hmi["level"] == "none":
        return "[dim](off, without a cue)[/]"
    style = _STYLES[hmi["level"]]
    sound = "no sound" if hmi["sound"] == "none" else f"{hmi['sound']} sound"
    return f'[{style}]"{_plain(hmi["text"])}"[/]\n{hmi["level"]}: {hmi["colour"]}, {sound}'


def _why(event: dict[str, Any], name: str) -> str:
    said = f"{_plain(name)}: {_WHY.get(event['reason'], event['reason'].replace('_', ' '))}"
    distance, error, threshold = event["distance_m"], event["error_m"], event["threshold_m"]
    if event["reason"].endswith(("_reached", "_l3", "_l4")) and None not in (distance, error, threshold):
        said += f"\n{distance:.1f} m - {error:.1f} m error <= {threshold:.1f} m"
    return said


def _verdicts(checks: "list[Check]") -> "Table":
    from rich import box
    from rich.table import Table

    from asvrig.judge import TOLERANCE_S

    table = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        title="When it had to be told, and when it was",
        title_justify="left",
        caption=f"Had to be: worked out from the true courses, not by the unit. Margin: to the nearer edge of that "
        f"time, widened by {TOLERANCE_S * 1000:.0f} ms for the 100 ms cycle and rounding.",
        caption_justify="left",
    )
    table.add_column("vehicle", overflow="fold")
    table.add_column("what", ratio=1)
    table.add_column("had to be", justify="right", no_wrap=True)
    table.add_column("was", justify="right")
    table.add_column("margin", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for check in checks:
        if check.good and check.window is None and len(checks) > 1:
            continue  # counted below: only times, and what is wrong, are shown
        what, window, was, margin = check.what, "", "", ""
        if check.window:
            begin, end = check.window.earliest_s, check.window.latest_s
            window = f"{begin:.2f} s" if end - begin < 0.005 else f"{begin:.2f} .. {end:.2f} s"
        if check.actual_s is not None:
            was = f"{check.actual_s:.2f} s"
        if check.margin_s is not None:
            margin = f"{check.margin_s * 1000:.0f} ms"
        else:
            what += f": {_plain(check.note)}"
        verdict = "[green]good[/]" if check.good else "[bold red]WRONG[/]"
        table.add_row(_plain(check.vehicle), what, window, was, margin, verdict)
    return table


def _close(console: "Console", checks: "list[Check]", keep: Path | None) -> None:
    wrong = [check for check in checks if not check.good]
    if keep:
        console.print(f"Kept in {_plain(str(keep))}: recordings, events.jsonl, sent.pcap, unit.toml.")
    if wrong:
        first = wrong[0]
        raise AsvkitError(
            f"{len(wrong)} of {len(checks)} checks failed; first: {first.vehicle}, {first.what}: {first.note}"
        )
    console.print(f"[bold green]GOOD[/]: {len(checks)} check{'s' * (len(checks) > 1)}, none failed.\n")


def _plain(text: str) -> str:
    """Text that rich takes as it is."""
    from rich.markup import escape

    return escape(text)
