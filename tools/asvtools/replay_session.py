"""`asvkit replay SESSION`: a recorded session's journal through the core again, laid beside what was recorded."""

import contextlib
import json
import re
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

import typer

from asvunit.errors import AsvkitError, UsageError

if TYPE_CHECKING:
    from asvunit.events import Event
    from asvunit.presenter import Presenter
    from asvunit.session.read import Session
    from asvunit.session.replay import Moment, Stretch

_NUMBER: Final = re.compile(r"\d{1,9}(\.\d{1,9})?", re.ASCII)
_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d):([0-5]\d(?:\.\d{1,9})?)", re.ASCII)
_DAY_S: Final = 86_400
_SHOWN: Final = ("hmi", "system")
_SLOWEST, _FASTEST = 0.01, 1000.0


def replay_session(folder: Path, speed: float, begin: str | None, events: Path | None, view: bool) -> None:
    """Play a session; AsvkitError names the first decision that is not as recorded. `speed` 0: as fast as it goes."""
    from asvunit.session.read import open_session
    from asvunit.session.replay import SessionReplay, begun_near, stretches, unplayed

    if speed and not _SLOWEST <= speed <= _FASTEST:
        raise UsageError(f"--speed {speed:g}: give {_SLOWEST:g} to {_FASTEST:g}, 1 is as it was; 0: as fast as it goes")
    if view and str(events) == "-":
        raise UsageError("--view and --events - both want standard output; give --events a file")
    session = open_session(folder)
    found = stretches(session)
    from_s = None if begin is None else _from_s(begin, session)
    notes = _notes(session, unplayed(session, found))
    if from_s is not None:
        found = begun_near(session, found, from_s)
    with contextlib.ExitStack() as stack:
        told = _Told(stack, session, speed, from_s, events, view)
        try:
            verdict = _play(session, SessionReplay(session), found, told)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise AsvkitError(f"{events or 'output'}: cannot be written: {error.strerror or error}") from error
    if str(events) == "-":
        notes = []
    for note in notes + verdict.notes:
        typer.echo(note)
    if verdict.difference:
        lost = _lost_events(session)
        raise AsvkitError(f"{folder}: after {_decisions(verdict.compared)} as recorded: {verdict.difference}{lost}")
    if from_s is not None and told.last_s < from_s:
        raise UsageError(f"--from {begin}: the session ends before, at {_stamp(told.last_s)}")
    if str(events) != "-":
        typer.echo(verdict.summary(told))


class _Verdict:
    """What came of it."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.difference = ""
        self.compared = self.beyond = self.sent = self.lines = 0
        self.vehicle_id: int | None = None

    def summary(self, told: "_Told") -> str:
        """The last line."""
        span = f"{_stamp(told.first_s)} to {_stamp(told.last_s)}" if self.lines else "nothing"
        more = f", and {self.beyond} more that come after the record's end" if self.beyond else ""
        return (
            f"replayed {span}: vehicle {self.vehicle_id}, {self.lines} inputs and ticks, {self.sent} frames sent\n"
            f"{_decisions(self.compared)}, all as recorded{more}"
        )


def _play(session: "Session", replay: Any, found: "list[Stretch]", told: "_Told") -> _Verdict:
    from asvunit.session.read import ENDED
    from asvunit.session.replay_compare import Comparison

    verdict = _Verdict()
    for stretch in found:
        if stretch.why:
            verdict.notes.append(f"part {stretch.parts[0].number} begins anew from its checkpoint: {stretch.why}")
        last = stretch is found[-1] and session.how == ENDED and not (session.end or {}).get("lost")
        begins = stretch.checkpoint is None
        comparison = Comparison(session.events(stretch.parts), begins=begins, ends=last)
        for moment in replay.play(stretch):
            comparison.take(moment.events)
            if comparison.difference:
                break
            told.moment(moment)
        else:
            comparison.end(told.last_s)
        verdict.compared += comparison.compared
        verdict.beyond += comparison.beyond
        verdict.difference = comparison.difference
        if comparison.difference:
            break
    verdict.lines, verdict.sent, verdict.vehicle_id = replay.lines, replay.sent, replay.vehicle_id
    if not verdict.difference and replay.vehicle_id not in (None, session.about["vehicle_id"]):
        verdict.difference = f"the unit was vehicle {session.about['vehicle_id']}, the replay is {replay.vehicle_id}"
    names = {"journal": "journal", "events": "events"}
    torn = [f"a line of the {names[kind]} that was cut off" for kind in names if session.torn[kind]]
    if torn:
        verdict.notes.append(f"passed over: {' and '.join(torn)}")
    return verdict


class _Told:
    """Where the replay is shown as it goes: events to a file, the driver's view, at its speed."""

    def __init__(
        self,
        stack: contextlib.ExitStack,
        session: "Session",
        speed: float,
        from_s: float | None,
        events: Path | None,
        view: bool,
    ) -> None:
        self.first_s = self.last_s = 0.0
        self._speed, self._from_s = speed, from_s
        self._wall_s: float | None = None  # when the first moment was shown
        self._shown_s = 0.0  # of the session, then
        self._before: dict[str, Event] = {}  # what the driver saw last before it begins
        self._lines: TextIO | None = stack.enter_context(_output(events)) if events else None
        self._presenter = _presenter(stack, session.folder.name) if view else None
        if self._lines:
            about = session.about
            start = {"t": session.began_s, "event": "start", "version": 1, "asvkit": version("asvkit")}
            start |= {"vehicle_id": about["vehicle_id"], "seed": about.get("seed")}
            self._lines.write(json.dumps(start) + "\n")

    def moment(self, moment: "Moment") -> None:
        """One line of the journal has been played."""
        self.first_s = self.first_s or moment.epoch_s
        self.last_s = moment.epoch_s
        if self._from_s is not None and moment.epoch_s < self._from_s:
            self._before |= {event["event"]: event for event in moment.events if event["event"] in _SHOWN}
            return
        if self._speed:
            self._wait(moment.epoch_s)
        if self._lines:
            for event in moment.events:
                self._lines.write(json.dumps(event, ensure_ascii=False) + "\n")
        if self._presenter:
            self._show(self._presenter, [*self._before.values(), *moment.events], round(moment.epoch_s * 1e9))
            self._before = {}

    def _wait(self, epoch_s: float) -> None:
        """Until it is time for a moment; the patterns go on meanwhile."""
        if self._wall_s is None:
            self._wall_s, self._shown_s = time.monotonic(), epoch_s
        until_ns = round(epoch_s * 1e9)
        while self._presenter and (due_ns := self._presenter.due_ns()) is not None and due_ns < until_ns:
            self._sleep(due_ns / 1e9)
            self._presenter.tick(due_ns)
        self._sleep(epoch_s)

    def _sleep(self, epoch_s: float) -> None:
        assert self._wall_s is not None
        left_s = self._wall_s + (epoch_s - self._shown_s) / self._speed - time.monotonic()
        if left_s > 0:
            time.sleep(left_s)

    def _show(self, presenter: "Presenter", events: "list[Event]", time_ns: int) -> None:
        """What the driver saw at a time, and the patterns up to it."""
        if (due_ns := presenter.due_ns()) is not None and due_ns <= time_ns:
            presenter.tick(time_ns)
        for event in events:
            if event["event"] == "hmi":
                presenter.hmi(event, time_ns)
            elif event["event"] == "system":
                presenter.system(event["on"], event["receiving"], event["fault"], time_ns)


def _presenter(stack: contextlib.ExitStack, title: str) -> "Presenter":
    from asvunit.adapters.terminal import TerminalOutputs
    from asvunit.presenter import Presenter

    screen = TerminalOutputs(sys.stdout, title)
    stack.callback(screen.close)
    return Presenter([screen])


def _from_s(text: str, session: "Session") -> float:
    """Epoch seconds of a time that a user gives: seconds from the begin, or a time of day of the session."""
    if _NUMBER.fullmatch(text):
        return session.began_s + float(text)
    clock = _CLOCK.fullmatch(text)
    if clock is None:
        raise UsageError(f"--from {text}: no time; give seconds from the begin, or HH:MM:SS (UTC)")
    day_s = int(clock[1]) * 3600 + int(clock[2]) * 60 + float(clock[3])
    return session.began_s + (day_s - session.began_s) % _DAY_S


def _notes(session: "Session", unplayed: list[int]) -> list[str]:
    from asvunit.session.read import CUT, RUNNING

    about = session.about
    notes = []
    if about.get("asvkit") != version("asvkit"):
        notes.append(f"recorded by asvkit {about.get('asvkit')}, this is {version('asvkit')}: decisions may differ")
    elif about.get("git") and (now := _revision()) and now.strip("+") != about["git"].strip("+"):
        notes.append(f"recorded by revision {about['git'][:12]}, this is {now[:12]}: decisions may differ")
    if session.how == CUT:
        notes.append("the session was cut: killed, or without power; it is replayed as far as it goes")
    if session.how == RUNNING:
        notes.append("the session is being recorded; it is replayed as far as it goes by now")
    if session.missing:
        notes.append(f"not there any more: part {', '.join(map(str, session.missing))}")
    if unplayed:
        listed = ", ".join(map(str, unplayed))
        notes.append(f"cannot be replayed: part {listed}: nothing before, and no checkpoint that can be read")
    return notes


def _lost_events(session: "Session") -> str:
    """What may be no difference at all."""
    lost = (session.end or {}).get("lost_by_kind")
    count = lost.get("events", 0) if isinstance(lost, dict) else 0
    return f"; events lost while recording: {count}, perhaps this one" if count else ""


def _revision() -> str | None:
    from asvunit.session.about import git_revision

    return git_revision()


def _decisions(count: int) -> str:
    return f"{count:,} decision{'' if count == 1 else 's'}"


def _stamp(epoch_s: float) -> str:
    at = datetime.fromtimestamp(epoch_s, UTC)
    return f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03d}"


@contextlib.contextmanager
def _output(path: Path) -> Iterator[TextIO]:
    if str(path) == "-":
        yield sys.stdout
        return
    try:
        file = path.open("w", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}; give another path") from error
    with file:
        yield file
