"""`asvkit watch`: a running unit in this terminal, as over SSH: what its driver sees, and what it knows and why."""

import contextlib
import json
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from asvunit.errors import AsvkitError, UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from asvtools.watch_follow import Follower
    from asvtools.watch_state import Watched

_POLL_S = 0.1
_DRAW_S = 0.25  # between two drawings, unless the driver is told something
_NEWS = ("hmi", "outputs", "system", "self_test")
_ONCE_S = 2.0  # for the unit to tell a scene


def watch(
    config: Annotated[
        Path | None, typer.Option(help="Configuration of the unit, with its [events] socket.", metavar="FILE")
    ] = None,
    socket: Annotated[Path | None, typer.Option(help="That socket itself.", metavar="PATH")] = None,
    once: Annotated[bool, typer.Option("--once", help="Show it as it is now, as text, and end.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Its events and scenes, one JSON object a line; --once: one of all.")
    ] = False,
) -> None:
    """A running unit in this terminal: driver's view, inputs, vehicles around and why, latency, radio.

    Only looks. It says within a second that the unit is gone, and goes on by itself when it is back. Without a
    terminal it is a line at each change. Ctrl-C ends it.
    """
    from asvtools.watch_follow import Follower

    follower = Follower(_path(config, socket))
    with contextlib.closing(follower), _until_told_to_end():
        try:
            if once:
                _once(follower, as_json)
            elif as_json:
                _json_lines(follower)
            else:
                _follow(follower)
        except (KeyError, TypeError, AttributeError) as error:
            raise AsvkitError(
                f"{follower.path}: what it tells cannot be read ({error}); is it a unit of this version of asvkit?"
            ) from error


def _path(config: Path | None, socket: Path | None) -> Path:
    """The socket of the unit meant."""
    from asvunit.config import load_config

    if (config is None) == (socket is None):
        raise UsageError("watch: name the unit by --config FILE or by --socket PATH, one of them")
    if config is None:
        assert socket is not None
        return socket
    named = load_config(config).events.socket
    if named is None:
        raise UsageError(
            f'{config}: events.socket: not set, so the unit cannot be watched; set it, as socket = "events.sock", '
            "and start the unit again"
        )
    return config.parent / named


def _once(follower: "Follower", as_json: bool) -> None:
    from asvtools.watch_follow import ALIVE, WAITING
    from asvtools.watch_state import Watched
    from asvtools.watch_words import in_english

    watched = Watched()
    until_s = time.monotonic() + _ONCE_S
    while "scene" not in watched.last:
        for event in follower.poll(_POLL_S):
            watched.take(event if as_json else in_english(event, _encoding()))
        if follower.detail:
            raise AsvkitError(follower.detail)
        if time.monotonic() > until_s:
            said = "tells its events, but no scene" if watched.last else "does not answer"
            raise AsvkitError(f"{follower.path}: the unit {said}; it hangs, or is of another version")
    assert follower.state in (ALIVE, WAITING)
    if as_json:
        _say(_json(watched.snapshot()))
        return
    from asvtools.watch_view import whole

    for line in whole(watched, ALIVE, str(follower.path), 0):
        _say(line.plain.rstrip())


def _json_lines(follower: "Follower") -> None:
    told = ""
    while True:
        events = follower.poll(_POLL_S)
        if follower.state != told and not (follower.state == "alive" and not events):
            told = follower.state
            _say(_json({"event": "watch", "state": told, "detail": follower.detail}))
        for event in events:
            _say(_json(event))


def _follow(follower: "Follower") -> None:
    from rich.console import Console

    console = Console(highlight=False)
    if console.is_terminal and not console.is_dumb_terminal and "utf" in console.encoding.lower():
        _draw(follower, console)
    else:
        _print(follower)


def _print(follower: "Follower") -> None:
    from asvtools.watch_lines import Lines
    from asvtools.watch_state import Watched
    from asvtools.watch_words import in_english

    watched, lines = Watched(), Lines()
    while True:
        events = [in_english(event, _encoding()) for event in follower.poll(_POLL_S)]
        for event in events:
            watched.take(event)
        for line in lines.state(follower.state, watched, follower.detail):
            _say(line)
        for event in events:
            for line in lines.event(event):
                _say(line)


def _draw(follower: "Follower", console: "Console") -> None:
    from rich.live import Live

    from asvtools.watch_state import Watched

    watched, state, drawn_s = Watched(), "", 0.0
    with Live(console=console, screen=True, auto_refresh=False, vertical_overflow="crop") as live:
        while True:
            events = follower.poll(_POLL_S)
            for event in events:
                watched.take(event)
            now_s = time.monotonic()
            news = follower.state != state or any(event["event"] in _NEWS for event in events)
            if news or now_s - drawn_s >= _DRAW_S:
                state, drawn_s = follower.state, now_s
                live.update(_screen(watched, follower, console, now_s), refresh=True)


def _screen(watched: "Watched", follower: "Follower", console: "Console", now_s: float) -> Any:
    from rich.text import Text

    from asvtools.watch_view import fitted

    size = console.size
    of = str(follower.path) if watched.last else follower.detail or str(follower.path)
    lines = fitted(watched, follower.state, of, now_s - follower.heard_s, size.width, size.height)
    return Text("\n").join(lines)


def _say(line: str) -> None:
    from asvtools.watch_words import shown_as

    typer.echo(shown_as(line, _encoding()))
    sys.stdout.flush()


def _json(told: dict[str, Any]) -> str:
    return json.dumps(told, ensure_ascii="utf" not in _encoding().lower())


def _encoding() -> str:
    return getattr(sys.stdout, "encoding", None) or "utf-8"


@contextlib.contextmanager
def _until_told_to_end() -> Iterator[None]:
    """Ctrl-C, a signal to end or the terminal's end: all leave the terminal as it was, and are no failure."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
