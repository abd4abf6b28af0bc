"""The radio report on a terminal: tables that a radio engineer reads."""

from typing import TYPE_CHECKING, Any, Final

from rich.markup import escape

from asvtools import area as areas

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

NARROWEST: Final = 120  # columns: figures are not cut where a terminal has fewer
MOST_VEHICLES: Final = 20  # shown without --all, the worst ones
MOST_BINS: Final = 40
STAMPS_MS: Final = 1.0  # a stamp now and then may be off by so much, where a machine is busy


def show(told: dict[str, Any], console: "Console", *, everything: bool = False) -> None:
    """Prints the report. `everything`: all vehicles, bins and approaches."""
    with_names = {"capture": escape(told["capture"])}
    if told["against"]:
        with_names["against"] = told["against"] | {"capture": escape(told["against"]["capture"])}
    told = told | with_names
    _head(told, console)
    if not told["vehicles"]:
        return
    _title(console, "Vehicles", "" if told["against"] else "sent: by their counters, first to last heard")
    shown = told["vehicles"] if everything else _of_interest(told["vehicles"])
    console.print(_vehicles(shown))
    if len(shown) < len(told["vehicles"]):
        console.print(
            f"{len(told['vehicles']) - len(shown)} more vehicles arrived better: --all shows them", style="dim"
        )
    console.print()
    _title(console, "Arrival off the sender's 100 ms grid, ms", "early or late")
    console.print(_timing(shown))
    _remarks(told, console)
    console.print()
    _title(console, "Arrival rate against distance", "straight line; Wilson's 95 % interval")
    if told["distance"]["bins"]:
        _bins(told, console, everything)
    else:
        console.print("no place known: own frames in the capture, or --at LAT,LON, tell where the receiver was")
    console.print()
    _title(console, "Cumulative arrival in the zone outside the area's edge", "G 3.6(2), eq. 1, table 3-5")
    console.print(_zones(told["zones"]))
    console.print("n, X: packets of an approach in the zone, their rate; (verdict): for information", style="dim")
    for row in told["zones"]:
        _zone_remarks(row, console)
    if everything:
        console.print()
        _title(console, "Each approach", "eq. 1 of its own packets")
        console.print(_approaches(told["zones"]))


def _head(told: dict[str, Any], console: "Console") -> None:
    total, own = told["total"], told["own_position"]
    console.print(
        f"{told['capture']}: {_count(told['frames'], 'frame')} of {_count(total['vehicles'], 'vehicle')} "
        f"in {told['duration_s']:.1f} s"
        + (f" from {told['from']}" if told["frames"] else "")
        + f"; own position: {own}"
        + (f" ({told['own_frames']})" if own == "own frames" else "")
    )
    if told["dropped"]:
        console.print("not used: " + ", ".join(f"{count} {reason}" for reason, count in told["dropped"].items()))
    against = told["against"]
    if against:
        offset = against["clock_offset_ms"]
        console.print(
            f"against {against['capture']}: {against['vehicles_heard']} of its {against['vehicles']} senders heard, "
            f"{against['left_out']} frames left out, sent while nothing was recorded here; "
            f"{against['unmatched']} heard that it does not hold"
            + (f"; {against['own_frames']} own frames in it not counted" if against["own_frames"] else "")
            + ("" if offset is None else f"; clocks {offset:.1f} ms apart")
        )
    console.print()


def _of_interest(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All where they are few, else those that arrived worst, each with 10 packets or more before any other."""
    if len(rows) <= MOST_VEHICLES:
        return rows
    worst = sorted(rows, key=lambda row: (row["sent"] < 10, row["arrival_percent"] or 0.0, -row["sent"]))
    return worst[:MOST_VEHICLES]


def _vehicles(rows: list[dict[str, Any]]) -> "Table":
    table = _table("vehicle", "source", "sent", "recv", "PAR %", "95 % interval", "gap ms", ">1 s", "dBm")
    table.columns[1].justify = "left"
    for row in rows:
        power = row["power_dbm"]
        table.add_row(
            f"{row['vehicle_id']}{' E' if row['emergency'] else ''}",
            row["source"],
            str(row["sent"]),
            str(row["received"]),
            _percent(row["arrival_percent"]),
            _interval(row),
            "-" if row["longest_gap_ms"] is None else f"{row['longest_gap_ms']:.0f}",
            str(row["gaps_over_1_s"]),
            "-" if power is None else f"{power['mean']:.0f}",
        )
    return table


def _timing(rows: list[dict[str, Any]]) -> "Table":
    table = _table("vehicle", "p50", "p95", "p99", "max", "clock ppm", "repeated", "late", "new starts")
    for row in rows:
        jitter = row["jitter_ms"] or {}
        ppm = jitter.get("clock_ppm")
        table.add_row(
            str(row["vehicle_id"]),
            *(f"{jitter[key]:.1f}" if jitter else "-" for key in ("p50", "p95", "p99", "max")),
            "-" if ppm is None else f"{ppm:+.0f}",
            *(str(row[key]) for key in ("repeated", "late", "restarts")),
        )
    return table


def _remarks(told: dict[str, Any], console: "Console") -> None:
    for row in told["vehicles"][:MOST_VEHICLES]:
        who = f"vehicle {row['vehicle_id']}"
        if row["silences_ms"]:
            longest = max(row["silences_ms"]) / 1000
            words = f"silent {len(row['silences_ms'])} times for longer than 25.6 s ({longest:.1f} s the longest)"
            console.print(f"{who}: {words}: counters do not tell what was lost, it is not counted", style="dim")
        jitter = row["jitter_ms"]
        if jitter and jitter["slots_left_out"]:
            console.print(f"{who}: left out {jitter['slots_left_out']} of its own slots", style="dim")
        latency = row.get("latency_ms")
        if latency:
            spread = "/".join(f"{latency[key]:.2f}" for key in ("p50", "p95", "p99", "max"))
            apart = latency["min"] < -STAMPS_MS or latency["p50"] < 0
            before = f"; {latency['negative']} before they were sent: not one clock" if apart else ""
            console.print(f"{who}: latency 50/95/99/max {spread} ms{before}")
        if row["by"] == "counter" and told["against"]:
            console.print(f"{who}: not in {told['against']['capture']}; sent by its counters", style="dim")


def _bins(told: dict[str, Any], console: "Console", everything: bool) -> None:
    bins, far = told["distance"]["bins"], told["distance"]
    table = _table("m", "sent", "recv", "PAR %", "95 % interval", "dBm", "")
    table.columns[-1].justify = "left"
    for one in bins if everything else bins[:MOST_BINS]:
        power = one["power_dbm"]
        table.add_row(
            f"{one['from_m']:g}-{one['to_m']:g}",
            str(one["sent"]),
            str(one["received"]),
            _percent(one["arrival_percent"]),
            _interval(one),
            "-" if power is None else f"{power:.0f}",
            "#" * round(one["arrival_percent"] / 4),
        )
    console.print(table)
    more = [] if everything or len(bins) <= MOST_BINS else [f"{len(bins) - MOST_BINS} bins farther away: --all"]
    more += [f"{far['beyond']} packets beyond {far['beyond_m']} m"] if far["beyond"] else []
    more += [f"{far['place_unknown']} packets of unknown distance"] if far["place_unknown"] else []
    if more:
        console.print("; ".join(more), style="dim")


def _zones(rows: list[dict[str, Any]]) -> "Table":
    table = _table("function", "edge m", "zone m", "n each", "X %", "eq. 1 %", "heard in", "70 km/h", "verdict")
    table.columns[-1].justify = "left"
    for row in rows:
        fewest, most = row["fewest_packets"], row["most_packets"]
        each = "-" if fewest is None else f"{fewest}" if fewest == most else f"{fewest}-{most}"
        word = row["verdict"]
        if row["approaches"]:
            word = word.upper() if row["judged"] else f"({word})"
        table.add_row(
            row["function"],
            f"{row['edge_m']:.1f}",
            f"{row['zone_m']:g} ({row['class']})",
            each,
            _percent(row["arrival_percent"]),
            _percent(row["cumulative_percent"]),
            f"{row['heard_approaches']}/{row['approaches']}",
            _percent(row["at_70_kmh_percent"]),
            word,
        )
    return table


def _zone_remarks(row: dict[str, Any], console: "Console") -> None:
    if row["first_heard_inside"] and row["class"] == "B":
        console.print(
            f"{row['function']}: {_count(row['first_heard_inside'], 'approach', 'es')} first heard nearer than "
            f"{row['edge_m'] + row['zone_m']:.1f} m: what was sent before, only --against tells",
            style="dim",
        )
    if row["remark"] and row["judged"]:
        console.print(f"{row['function']}, {row['zone_m']:g} m: the vehicles were slower; {row['remark']}")
    if row["verdict"] == "bad" and row["judged"]:
        console.print(f"{row['function']}, {row['zone_m']:g} m: {row['why']}; {areas.ENOUGH_PERCENT:g} % are asked for")


def _approaches(zones: list[dict[str, Any]]) -> "Table":
    table = _table("function", "zone", "at s", "vehicle", "source", "km/h", "n", "recv", "eq. 1 %")
    table.columns[4].justify = "left"
    for row in zones:
        for one in row["each"]:
            speed = one["approach_kmh"]
            table.add_row(
                row["function"],
                row["class"],
                f"{one['t_s']:.1f}",
                str(one["vehicle_id"]),
                one["source"],
                "-" if speed is None else f"{speed:.0f}",
                str(one["sent"]),
                str(one["received"]),
                _percent(one["cumulative_percent"]),
            )
    return table


def _percent(value: float | None) -> str:
    """One decimal, rounded down: 95 % is not shown where it is missed."""
    return "-" if value is None else f"{int(value * 10 + 1e-6) / 10:.1f}"


def _interval(row: dict[str, Any]) -> str:
    return "-" if row["low_percent"] is None else f"{row['low_percent']:.1f}..{row['high_percent']:.1f}"


def _count(number: int, noun: str, many: str = "s") -> str:
    return f"{number} {noun}{'' if number == 1 else many}"


def _title(console: "Console", title: str, note: str) -> None:
    console.print(f"[bold]{title}[/bold]" + (f" [dim]({note})[/dim]" if note else ""))


def _table(*columns: str) -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", no_wrap=True)
    return table
