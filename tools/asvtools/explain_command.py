"""`asvkit explain`: why support was or was not given, at any moment of a recording or of a journal."""

import contextlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from asvtools import recorded
from asvtools.recorded import Align, Recorded, open_recorded, option
from asvunit.errors import UsageError, nearest

if TYPE_CHECKING:
    from asvtools.explain_view import Chosen
    from asvunit.ports import ExternalSupport, Fix, RadioFrame, VehicleSignal
    from asvunit.unit import Unit

_NS: Final = 10**9
_MS: Final = 10**6
_DAY_NS: Final = 86400 * _NS
_NUMBER: Final = re.compile(r"-?\d{1,12}(\.\d{1,9})?", re.ASCII)
_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(\.\d{1,9})?", re.ASCII)
_ID_MAX: Final = 16383  # 14 bits [G appendix 1 (3)]
_LEAST_S: Final = 0.01  # of --every: the core judges no finer


class Enough(Exception):
    """All moments have been seen."""


@dataclass(frozen=True, slots=True)
class _Span:
    """What moments can be asked for; times of nanoseconds. `first_ns`: since 1970, or of the log; None: not told."""

    what: str
    length_ns: int
    first_ns: int | None
    day_ns: int | None  # time of day of the begin

    def moment_ns(self, text: str) -> int:
        """From the begin, of a time that a user gives; UsageError outside."""
        from asvunit.replay import RELATIVE_NS

        clock = _CLOCK.fullmatch(text)
        if clock:
            if self.day_ns is None:
                raise UsageError(f"--at {text}: {self.what} tells no time of day; give seconds from its begin")
            whole_s = int(clock[1]) * 3600 + int(clock[2]) * 60 + int(clock[3])
            since_ns = (whole_s * _NS + int(Decimal(clock[4] or 0) * _NS) - self.day_ns) % _DAY_NS
        elif _NUMBER.fullmatch(text):
            since_ns = int(Decimal(text) * _NS)
            if since_ns >= RELATIVE_NS:
                if self.first_ns is None or self.first_ns < RELATIVE_NS:
                    raise UsageError(f"--at {text}: {self.what} tells no date; give seconds from its begin")
                since_ns = since_ns // 1000 * 1000 + 999 - self.first_ns  # events' times are cut to microseconds
        else:
            raise UsageError(f"--at {text}: no time; give seconds from the begin, HH:MM:SS (UTC) or an event's t")
        if not 0 <= since_ns <= self.length_ns + 999:
            raise UsageError(f"--at {text}: outside {self.what}, {self._range()}")
        return since_ns

    def _range(self) -> str:
        from asvunit.replay import stamp

        seconds = f"0 to {self.length_ns / _NS:.3f} s from its begin"
        if self.first_ns is not None:
            return f"which is {stamp(self.first_ns)} to {stamp(self.first_ns + self.length_ns)}, {seconds}"
        return f"which is {seconds}"

    def moments_ns(self, at: list[str], every_s: float | None) -> list[int]:
        """All of them in order, each once."""
        found = {self.moment_ns(text) for text in at}
        if every_s is not None:
            found.update(range(0, self.length_ns + 1, round(every_s * _NS)))
        return sorted(found)


def explain(
    at: Annotated[
        list[str] | None, option("--at", "T", "Seconds from the begin, HH:MM:SS UTC, or an event's t.")
    ] = None,
    every: Annotated[float | None, option("--every", "S", "At the begin and every S seconds.")] = None,
    vehicle_id: Annotated[int | None, option("--vehicle-id", "ID", "Of this vehicle alone.")] = None,
    function: Annotated[str | None, option("--function", "NAME", "Of this function alone.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Vehicles beyond 300 m, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object for each moment.")] = False,
    journal: Annotated[Path | None, option("--journal", "FILE", "A core journal, instead of recordings.")] = None,
    gnss: recorded.Gnss = None,
    can: recorded.Can = None,
    vehicle: recorded.Vehicle = None,
    radio: recorded.Radio = None,
    supports: recorded.Supports = None,
    config: recorded.ConfigFile = None,
    seed: recorded.Seed = None,
    day: recorded.Day = None,
    align: recorded.Alignment = Align.ABSOLUTE,
    databases: recorded.Databases = None,
    buses: recorded.Buses = None,
) -> None:
    """Why support is or is not given, at any moment of a recording: a line for each function and vehicle."""
    from asvtools.explain_view import Chosen

    if vehicle_id is not None and not 0 <= vehicle_id <= _ID_MAX:
        raise UsageError(f"--vehicle-id {vehicle_id}: no vehicle's number; give 0 to {_ID_MAX}")
    chosen = Chosen(vehicle_id, _function(function), everything, as_json)
    if not at and every is None:
        raise UsageError("no moment: give --at T, as often as needed, or --every S")
    if every is not None and not _LEAST_S <= every < 10**6:
        raise UsageError(f"--every {every:g}: give {_LEAST_S:g} seconds or more")
    if journal is not None:
        given = (gnss, can, vehicle, radio, supports, config, seed, day, databases, buses)
        if any(one is not None for one in given) or align is not Align.ABSOLUTE:
            raise UsageError("--journal: it holds all inputs and settings; give it without other inputs")
        _explain_journal(journal, at or [], every, chosen)
        return
    opened = open_recorded(
        gnss=gnss,
        can=can,
        vehicle=vehicle,
        radio=radio,
        supports=supports,
        config=config,
        seed=seed,
        day=day,
        align=align,
        databases=databases,
        buses=buses,
    )
    _explain_recordings(opened, at or [], every, chosen)


def _function(name: str | None) -> int | None:
    from asvunit.explain import FUNCTIONS
    from asvunit.words import word

    if name is None:
        return None
    known = {word("FUNCTION", function): function for function in FUNCTIONS}
    if name not in known:
        raise UsageError(f"--function {name}: no such function{nearest(name, known)}; one of {', '.join(known)}")
    return known[name]


class Moments:
    """Looks at a core at each of its moments, once all that came up to then, and nothing later, has been judged."""

    def __init__(self, moments_ns: list[int], look: Callable[[int], None]) -> None:
        self._left = moments_ns[::-1]
        self._look = look

    def before(self, since_ns: int) -> None:
        """Something of a time comes next; Enough when nothing more needs to."""
        while self._left and self._left[-1] < since_ns:
            self._look(self._left.pop())
        if not self._left:
            raise Enough

    def end(self) -> None:
        """Nothing comes any more."""
        while self._left:
            self._look(self._left.pop())


def _explain_recordings(opened: Recorded, at: list[str], every_s: float | None, chosen: "Chosen") -> None:
    from asvtools.explain_view import Moment, shown
    from asvunit.clock import UnitClock
    from asvunit.replay import RELATIVE_NS, play, stamp

    first_ns, last_ns = opened.inputs.span_ns()
    dated = first_ns >= RELATIVE_NS
    span = _Span("the recording", last_ns - first_ns, first_ns, first_ns % _DAY_NS if dated else None)
    clock = UnitClock(first_ns)

    def look(since_ns: int) -> None:
        time_ns = first_ns + since_ns
        judged_s = (clock.time_ns(unit.core.now_ms) - first_ns) / _NS
        moment = Moment(since_ns // 1000 / 1e6, judged_s, clock.epoch_s(time_ns), stamp(time_ns) if dated else "")
        _echo(shown(unit.core, moment, chosen, unit.sources.name))

    moments = Moments(span.moments_ns(at, every_s), look)
    unit = opened.unit(clock, sink=_nowhere, send=_nowhere, kind=watched(moments, first_ns))
    with contextlib.suppress(Enough):
        play(unit, opened.inputs, first_ns, last_ns)
        moments.end()


def _nowhere(*_values: object) -> None:
    """What a unit tells and sends has been told by the replay."""


def watched(moments: Moments, first_ns: int) -> "type[Unit]":
    """A unit that lets the moments be seen before each input and tick that comes after them."""
    from asvunit.unit import Unit

    class Watched(Unit):
        def fix(self, fix: "Fix") -> None:
            moments.before(fix.time_ns - first_ns)
            super().fix(fix)

        def vehicle(self, signal: "VehicleSignal") -> None:
            moments.before(signal.time_ns - first_ns)
            super().vehicle(signal)

        def external(self, said: "ExternalSupport") -> None:
            moments.before(said.time_ns - first_ns)
            super().external(said)

        def radio(self, frame: "RadioFrame", time_ns: int | None = None) -> None:
            moments.before(frame.time_ns - first_ns)
            super().radio(frame, time_ns)

        def tick(self, time_ns: int) -> None:
            moments.before(time_ns - first_ns)
            super().tick(time_ns)

    return Watched


def _explain_journal(path: Path, at: list[str], every_s: float | None, chosen: "Chosen") -> None:
    from asvcore.core import Core
    from asvtools.explain_view import Moment, shown
    from asvtools.journal_file import read_journal

    journal = read_journal(path)
    core = Core(journal.settings)
    span = _Span(str(path), journal.length_ms * _MS, None, None if journal.day_ms is None else journal.day_ms * _MS)

    def look(since_ns: int) -> None:
        moment = Moment(since_ns // 1000 / 1e6, journal.since_ms(core) / 1000, None, "")
        _echo(shown(core, moment, chosen, _unnamed))

    moments = Moments(span.moments_ns(at, every_s), look)
    with contextlib.suppress(Enough):
        for since_ms in journal.feed(core):
            moments.before(since_ms * _MS)
        moments.end()


def _unnamed(_source: int) -> None:
    """A journal has numbers for addresses."""


def _echo(lines: Iterable[str]) -> None:
    for line in lines:
        typer.echo(line)
