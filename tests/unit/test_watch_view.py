"""What `asvkit watch` shows: all of it, fitted to any terminal, and never a word that reads as "no one is there"."""

import re
from typing import Any

import pytest
from rich.cells import cell_len

from asvtools.watch_follow import ALIVE, LOST, REFUSED, SILENT, STOPPED, WAITING
from asvtools.watch_lines import Lines
from asvtools.watch_state import Watched
from asvtools.watch_view import fitted, whole
from watchtools import EVENTS, VEHICLE, T, scene_with, watched_of


def _text(watched: Watched, state: str = ALIVE) -> str:
    return "\n".join(line.plain for line in whole(watched, state, "u.sock", 5))


def test_everything_is_said() -> None:
    text = _text(watched_of())
    for words in (
        "vehicle 77, asvkit 1.2.3, u.sock, running for 2 min",
        "◀ WAIT! Left side",
        "crossing caution; lamps: caution left system; ♪ 1000 Hz",
        "unit: on, receiving, fault",
        "own vehicle: position to 2 m, heading 270 deg, 0 km/h, winker left, brake, waiting",
        "own message: position not sent (no fix)",
        "(30 s)",
        "can0: bus off; look at the cable",
        "car: winker stale since",
        "speed ok",
        "▌  100 car       50   62 m← crossing    caution  60.5m  4.4s inside L4, 192.0.2.1:47100",
        "and 3 more followed; vehicles without a radio are never shown",
        "caution after its cause (frame): lit 1.9 ms, sounded 2.1 ms, written 2.5 ms; taken 0.2",
        "cause to pin: p50 1.0 ms, p99 3.0 ms, max 4.0 ms of 3; cycle late p99 0.9 ms",
        "radio: 4 vehicles, 40 frames/s, 98 % arrive, longest gap 140 ms, worst 100 91 %",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("ahead_m", "right_m", "arrow"),
    [(9, 0, "↑"), (0, 9, "→"), (-9, 0.1, "↓"), (1, -9, "←"), (5, 5, "↗"), (-5, -5, "↙")],
)
def test_arrows_point_to_where_a_vehicle_is(ahead_m: float, right_m: float, arrow: str) -> None:
    text = _text(watched_of(scene_with(others=[{**VEHICLE, "ahead_m": ahead_m, "right_m": right_m}])))
    assert f" m{arrow} " in text


def test_what_is_unknown_is_said_to_be() -> None:
    told = scene_with(
        ego={"available": False, "reason": "timeout", "heading_deg": None, "speed_kmh": None, "error_m": None},
        others=[{**VEHICLE, "speed_kmh": None, "distance_m": None, "ttc_s": None, "function": None, "age_ms": 1200}],
    )
    text = _text(watched_of(told))
    assert "POSITION NOT KNOWN (timeout), heading not known, speed not known" in text
    assert "62 m" not in text  # places count no more
    assert "heard 1.2 s ago" in text


SAFE = re.compile(r"all clear|no one|nobody|no vehicles? (nearby|around)|safe|you may|\bgo\b(?! on)", re.IGNORECASE)


@pytest.mark.parametrize("state", [ALIVE, WAITING, SILENT, STOPPED, LOST, REFUSED])
def test_nothing_reads_as_no_one_is_there(state: str) -> None:
    nothing = {**EVENTS[7], "level": "none", "text": "", "direction": None, "function": "none"}
    radio = {"t": T + 90, "event": "radio", "vehicles": 0, "frames_per_s": 0}
    texts = [
        _text(Watched(), state),
        _text(watched_of(nothing, radio, scene_with(others=[], more=0)), state),
        "\n".join(Lines().state(state, Watched())),
    ]
    for text in texts:
        assert not SAFE.search(text), text
    assert state != ALIVE or "vehicles without a radio are never shown" in texts[1]


@pytest.mark.parametrize("state", [SILENT, STOPPED, LOST, REFUSED])
def test_of_a_unit_that_is_gone_nothing_is_shown_but_that(state: str) -> None:
    for text in (_text(watched_of(), state), "\n".join(line.plain for line in _fit(watched_of(), 80, 24, state))):
        assert "counts no more" in text
        assert "u.sock" in text or "events.sock" in text
        for old in ("WAIT", "192.0.2.1", "lamps", "km/h", "receiving"):
            assert old not in text
    for line in _fit(watched_of(), 80, 24, state):
        assert not re.search("red|yellow|blue", str(line.style))


def _fit(watched: Watched, columns: int, rows: int, state: str = ALIVE) -> list[Any]:
    return fitted(watched, state, "/run/asvkit/events.sock", 3, columns, rows)


@pytest.mark.parametrize("crowd", [0, 1, 5, 48])
@pytest.mark.parametrize(
    ("columns", "rows"), [(80, 24), (120, 40), (46, 9), (30, 4), (200, 12), (80, 25), (20, 1), (1, 1)]
)
def test_every_view_fits_its_terminal(columns: int, rows: int, crowd: int) -> None:
    others = [{**VEHICLE, "id": 100 + number} for number in range(crowd)]
    japanese = {**EVENTS[7], "text": "左右から車両が接近しています"}
    watched = watched_of(japanese, scene_with(others=others, more=0))
    lines = _fit(watched, columns, rows)
    assert len(lines) <= rows
    assert all(cell_len(line.plain) <= columns for line in lines)
    text = "\n".join(line.plain for line in lines)
    if columns >= 30:
        assert "左右から車両" in text
    if columns >= 80 and rows >= 12 and crowd:
        shown = text.count("crossing    caution")
        more = re.search(r"and (\d+) more followed", text)
        assert shown >= 1
        assert shown + (int(more[1]) if more else 0) == crowd
        assert "can       disconnected" in text
    for gone in (SILENT, LOST):
        lines = _fit(watched, columns, rows, gone)
        assert len(lines) <= rows
        assert all(cell_len(line.plain) <= columns for line in lines)


def test_foreign_text_says_nothing_to_the_terminal() -> None:
    evil = "\x1b]0;x\x07\x1b[2J\n"
    hostile = watched_of(
        {**EVENTS[7], "text": evil},
        {**EVENTS[3], "detail": evil},
        scene_with(others=[{**VEHICLE, "source": evil}]),
    )
    assert "\x1b" not in _text(hostile)
    lines = Lines()
    said = [
        line for event in ({**EVENTS[7], "text": evil}, {**EVENTS[3], "detail": evil}) for line in lines.event(event)
    ]
    assert len(said) == 2
    assert not any(letter in line for line in said for letter in "\x1b\x07\n")


def test_the_unit_s_next_run_begins_anew() -> None:
    watched = watched_of({"t": T + 200, "event": "start", "vehicle_id": 5, "asvkit": "1"})
    assert watched.inputs == watched.signals == {}
    assert list(watched.last) == ["start"]
    assert watched.t == T + 200


def test_lines_say_each_change_once() -> None:
    lines = Lines()
    said = [line.partition(" ")[2] for event in EVENTS for line in lines.event(event)]
    assert said == [
        "unit: on, receiving, fault",
        "input gnss: ok (received)",
        "input can: disconnected (can0: bus off; look at the cable)",
        "car winker: stale (timeout)",
        "driver: caution crossing left: WAIT! Left side",
    ]
    assert lines.event({"t": T, "event": "self_test", "state": "end"}) == []  # it was over before
    assert [line for event in EVENTS[1:] for line in lines.event(event)] == []
    support = {
        "t": T, "event": "support", "function": "crossing", "vehicle_id": 100, "source": "a", "level": "none",
        "presented": False, "reason": "angle",
    }  # fmt: skip
    assert lines.event(support) == []  # nothing was given
    assert (
        "support crossing of 100: caution, presented"
        in lines.event({**support, "level": "caution", "presented": True})[0]
    )
    assert "support crossing of 100: none, not presented: angle" in lines.event(support)[0]
    assert lines.event(support) == []
    assert lines.state(ALIVE, watched_of())[0].endswith("vehicle 77, asvkit 1.2.3 is there")
    assert lines.state(ALIVE, watched_of()) == []
    assert "gone" in lines.state(LOST, watched_of())[0]
