"""A watched unit on a terminal: rows of text that fit it, the more important the sooner, or all of them uncut.

Where the unit is gone there is nothing but that, in no colour of a level: what it told counts no more.
"""

import math
from typing import Any, Final

from rich.cells import cell_len
from rich.text import Text

from asvtools.watch_follow import ALIVE
from asvtools.watch_state import Watched
from asvtools.watch_words import (
    ONLY_RADIOS,
    arrow,
    ego_words,
    gone_words,
    input_rows,
    latency_words,
    own_message_words,
    plain,
    radio_words,
    signal_words,
    span,
    system_words,
    unit_name,
    why,
)

TALL_ROWS: Final = 24  # from here on the banner has a frame of its own
SMALL_ROWS: Final = 12  # below, inputs that are well are left out
_BANNERS: Final = {
    "information": "bold white on blue",
    "caution": "bold black on yellow",
    "warning": "bold white on red",
}
_LEVELS: Final = {"information": "bold blue", "caution": "bold yellow", "warning": "bold red"}
_SIDES: Final = {"left": "◀ ", "right": "▶ ", "both": "◀▶ "}
_FAULT: Final = "bold magenta"  # neither red nor yellow: those are the levels'
_FEWEST: Final = 3  # vehicles that are to have room before inputs that are well
_LATE_MS: Final = 500  # of the last frame: worth telling
_SHORT: Final = {"information": "inform.", "caution": "caution", "warning": "warning"}
_KINDS: Final = {
    "large_truck": "truck L", "motorcycle": "m.cycle", "light_vehicle": "light v", "pedestrian": "walker",
}  # fmt: skip
_HEADING: Final = "    id kind    km/h    away support     level      way    in why, from whom"


def whole(watched: Watched, state: str, path: str, gone_s: float) -> list[Text]:
    """Everything, uncut."""
    if state != ALIVE:
        return _gone(watched, state, path, gone_s)
    return [
        _title(watched, path), *_banner(watched, 0, 1), *_own(watched), *_inputs(watched, True),
        *_vehicles(watched, 1 << 30), *_figures(watched),
    ]  # fmt: skip


def fitted(watched: Watched, state: str, path: str, gone_s: float, columns: int, rows: int) -> list[Text]:
    """At most so many rows of so many columns; what is left out of the vehicles is counted."""
    if state != ALIVE:
        lines = [part for line in _gone(watched, state, path, gone_s) for part in _wrapped(line, columns)]
        return lines[:rows]
    head = [_title(watched, path), *_banner(watched, columns, 3 if rows >= TALL_ROWS else 1)]
    if rows < SMALL_ROWS:
        head = head[1:]
    own, figures = _own(watched), _figures(watched)
    spare = rows - len(head)
    least = min(_FEWEST, len(watched.get("scene", "others", ()))) + 2  # with heading, and a count of the others
    every = _inputs(watched, True)
    inputs = every if spare - len(own) - len(figures) >= len(every) + least else _inputs(watched, False)
    body = [*own, *inputs]
    if spare - len(body) - len(figures) < least:
        figures = []
    body = body[: max(spare - least + 1 if spare > least else spare, 0)]
    vehicles = _vehicles(watched, spare - len(body) - len(figures))
    lines = [*head, *body, *vehicles, *figures][:rows]
    for line in lines:
        line.truncate(columns, overflow="ellipsis")
    return lines


def _title(watched: Watched, path: str) -> Text:
    ran = watched.t - watched.get("start", "t", watched.t)
    return Text(f"{unit_name(watched)}, {path}, running for {span(ran)}", "dim")


def _gone(watched: Watched, state: str, path: str, gone_s: float) -> list[Text]:
    told = [Text(gone_words(state), "bold reverse")]
    if watched.last:
        told.append(Text(f"{unit_name(watched)}, {path}; for {span(gone_s)}", "dim"))
    else:
        told.append(Text(path, "dim"))
    return [*told, Text("it is shown again as soon as it is back; Ctrl-C ends", "dim")]


def _banner(watched: Watched, columns: int, rows: int) -> list[Text]:
    """What the driver sees and hears: a banner of so many rows, columns wide or as its text, and lamps and sound."""
    hmi, outputs = watched.last.get("hmi", {}), watched.last.get("outputs", {})
    level = hmi.get("level", "none")
    words = plain(hmi.get("text", ""))  # none: never a word that could read as "no one is there" [G 3.9(1)]
    said = f"  {_SIDES.get(hmi.get('direction') or '', '')}{words}  "
    if watched.get("self_test", "state") == "begin":
        said += "(self-test) "
    style = _BANNERS.get(level, "")
    blank = Text(" " * columns, style)
    banner = [blank.copy() for _ in range(rows)]
    banner[rows // 2] = Text(said + " " * max(columns - cell_len(said), 0), style)
    lamps = outputs.get("lamps") or []
    tone = outputs.get("tone_hz")
    sound = f"♪ {tone} Hz" if tone else "silent"
    if hmi.get("muted"):
        sound += ", muted by the driver"
    what = f"{hmi.get('function')} {level}" if level != "none" else "nothing presented"
    row = Text(f"{what}; lamps: {' '.join(lamps) or 'none'}; {sound}", _LEVELS.get(level, ""))
    return [*banner, row]


def _own(watched: Watched) -> list[Text]:
    system = watched.last.get("system", {})
    lines = [Text(f"unit: {system_words(system)}", _FAULT if system.get("fault") else "")]
    lines.append(Text(ego_words(watched)))
    missing = own_message_words(watched)
    return [*lines, Text(missing, _FAULT)] if missing else lines


def _inputs(watched: Watched, every: bool) -> list[Text]:
    """A row each; not `every`: of those alone that are not well."""
    lines = []
    for name, state, since, more in input_rows(watched):
        well = state in ("ok", "off")
        if every or not well:
            style = "" if state == "ok" else "dim" if well else _FAULT
            lines.append(Text(f"{name:<9} {state:<13} {since:<18} {more}", style))
    signals = signal_words(watched)
    if signals and (every or " since " in signals):
        lines.append(Text(signals, _FAULT if " since " in signals else ""))
    return lines


def _vehicles(watched: Watched, rows: int) -> list[Text]:
    """The nearest first, as far as there is room; how many more are followed."""
    told = watched.last.get("scene")
    if told is None or rows <= 0:
        return []
    others, more = told["others"], told["more"]
    if not others:
        also = f"; {more} without a known place" if more else ""
        return [Text(f"no vehicle with a radio is followed{also}: {ONLY_RADIOS}", "dim")]
    shown = others[: rows - 1] if len(others) + 1 + bool(more) <= rows else others[: max(rows - 2, 0)]
    left = len(others) - len(shown) + more
    lines = [Text(_HEADING, "dim"), *(_vehicle(one, told["ego"]["available"]) for one in shown)]
    if left:
        lines.append(Text(f"and {left} more followed; {ONLY_RADIOS}", "dim"))
    return lines[:rows]


def _vehicle(one: dict[str, Any], placed: bool) -> Text:
    away = f"{math.hypot(one['ahead_m'], one['right_m']):.0f} m{arrow(one['ahead_m'], one['right_m'])}"
    speed = "?" if one["speed_kmh"] is None else f"{one['speed_kmh']:.0f}"
    way = "" if one["distance_m"] is None else f"{one['distance_m']:.1f}m"
    left = "" if one["ttc_s"] is None else f"{one['ttc_s']:.1f}s"
    kind = _KINDS.get(one["kind"], one["kind"]) + "!" * one["emergency"]
    words = [why(one["reason"])]
    if one["age_ms"] > _LATE_MS:
        words.append(f"heard {one['age_ms'] / 1000:.1f} s ago")
    who = f"{'▌' if one['presented'] else ' '}{one['id']:>5} {kind:<8}{speed:>4} {away if placed else '?':>7}"
    what = f"{one['function'] or '-':<11} {_SHORT.get(one['level'], '-'):<7} {way:>6} {left:>5}"
    return Text(f"{who} {what} {', '.join([*words, plain(one['source'])])}", _LEVELS.get(one["level"], ""))


def _figures(watched: Watched) -> list[Text]:
    return [Text(line, "dim") for line in (*latency_words(watched), radio_words(watched)) if line]


def _wrapped(line: Text, columns: int) -> list[Text]:
    from rich.console import Console

    return list(line.wrap(Console(width=columns), max(columns, 1)))
