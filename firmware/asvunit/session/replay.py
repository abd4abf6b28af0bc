"""A session's journal through the core again: the events of its decisions, as they were told live.

The journal goes on over parts as long as none of its lines is missing. Where some are (the disk was full, a part is
gone, a line was cut off), what follows begins anew from the state at the next part's begin: a stretch.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from asvcore import journal
from asvcore.codes import COMMAND_SEND
from asvcore.commands import KIND, WIDTH
from asvcore.core import Core
from asvcore.settings import Settings
from asvunit.checkpoint import Checkpoint, restore_words
from asvunit.clock import UnitClock
from asvunit.errors import AsvkitError, UsageError
from asvunit.events import Event, Translator
from asvunit.identity import Sources
from asvunit.session import form
from asvunit.session.read import Part, Session
from asvunit.texts import TEXTS

_FAULTS: Final = (ValueError, IndexError, KeyError, OverflowError, TypeError, AttributeError)
_SOURCE: Final = "# source "
_HEAD_LINES: Final = 2
_MS_END: Final = 1 << 29  # the unit's clock is rebased long before
_BASE_END: Final = 1 << 62


@dataclass(frozen=True, slots=True)
class Stretch:
    """Parts whose journal is one. `why` it does not go on from the part before it."""

    parts: list[Part]
    checkpoint: dict[str, Any] | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the journal, and what it led to."""

    epoch_s: float
    events: list[Event]


class Names(Sources):
    """Who sent, by the numbers that a journal has and the comments that name them."""

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[int, str] = {}

    def tell(self, number: int, name: str) -> None:
        """From here on the number is this sender's."""
        self._told[number] = name

    def name(self, number: int) -> str | None:
        return self._told.get(number) or super().name(number)


def stretches(session: Session) -> list[Stretch]:
    """The journal's, in order; AsvkitError where there is none to begin with."""
    found: list[Stretch] = []
    before: Part | None = None  # the last one that is played
    for part in session.parts:
        if form.JOURNAL not in part.files:
            continue
        state = session.checkpoint(part)
        lost = state.get("lost", 0) if state else 0
        why = _why_anew(before, part, lost)
        if found and not why:
            found[-1].parts.append(part)
        elif part.number == 1 or state is not None:
            found.append(Stretch([part], None if part.number == 1 else state, why if part.number > 1 else ""))
        else:
            continue
        before = part
    if not found:
        raise AsvkitError(f"{session.folder}: nothing to replay: no journal with a begin is in it")
    return found


def _why_anew(before: Part | None, part: Part, lost: object) -> str:
    """Why a part's journal does not go on from the one before; nothing where it does."""
    last = before.number if before else 0
    if lost:
        return f"{lost} lines of the journal were lost before it"
    if part.number == last + 2:
        return f"part {last + 1} is not there, or cannot be replayed"
    if part.number > last + 2:
        return f"parts {last + 1} to {part.number - 1} are not there, or cannot be replayed"
    return "" if before is None or before.whole else f"the journal of part {last} is cut off"


def unplayed(session: Session, found: list[Stretch]) -> list[int]:
    """Numbers of parts whose journal cannot be played: it does not go on from another, and its begin is not known."""
    played = {part.number for stretch in found for part in stretch.parts}
    return [part.number for part in session.parts if form.JOURNAL in part.files and part.number not in played]


def begun_near(session: Session, found: list[Stretch], epoch_s: float) -> list[Stretch]:
    """What is needed to see a moment and what follows: from the last part that begins before it."""
    clock = Clock(session)
    for at in range(len(found) - 1, -1, -1):
        stretch = found[at]
        for index in range(len(stretch.parts) - 1, -1, -1):
            state = session.checkpoint(stretch.parts[index])
            if index == 0 and at == 0:
                break
            unit_ms = state.get("unit_ms") if state else None
            if not (isinstance(unit_ms, int) and 0 <= unit_ms <= _MS_END):
                continue
            clock.begin(state)
            if clock.epoch_s(unit_ms) <= epoch_s:
                if index == 0:
                    return found[at:]
                return [Stretch(stretch.parts[index:], state), *found[at + 1 :]]
    return found


class Clock:
    """Epoch seconds of the unit's milliseconds, whose base moves when the unit rebases them."""

    def __init__(self, session: Session) -> None:
        self._first_ns, self._offset_ns = int(session.about["base_ns"]), int(session.about["offset_ns"])
        self._base_ns = self._first_ns

    def begin(self, state: dict[str, Any] | None) -> None:
        """The base as it was when a checkpoint was made; None: at the begin."""
        if state is None:
            self._base_ns = self._first_ns
        elif isinstance(state.get("base_ns"), int) and abs(state["base_ns"]) < _BASE_END:
            self._base_ns = state["base_ns"]

    def rebase(self, offset_ms: int) -> None:
        """So much is taken off the unit's milliseconds from now on."""
        self._base_ns += offset_ms * 1_000_000

    def epoch_s(self, unit_ms: int) -> float:
        """Of a unit millisecond."""
        return UnitClock(self._base_ns, self._offset_ns).epoch_s(self._base_ns + unit_ms * 1_000_000)


class SessionReplay:
    """Plays stretches of a session. `lines` of the journal so far; `sent`: own frames."""

    def __init__(self, session: Session) -> None:
        self.lines = self.sent = 0
        self.vehicle_id: int | None = None
        self._session = session
        self._clock = Clock(session)
        self._language = str(session.about.get("language", "en"))
        if self._language not in TEXTS:
            raise UsageError(f"{session.folder / form.SESSION}: language: {self._language!r:.20} is none of asvkit's")

    def play(self, stretch: Stretch) -> Iterator[Moment]:
        """What each line of the journal leads to; AsvkitError names a line that does not belong."""
        core: Core | None = None
        for part in stretch.parts:
            for number, line in self._session.lines(part, form.JOURNAL):
                try:
                    text = line.decode("utf-8")
                    if number == 1:
                        self._check(text)
                    elif number == _HEAD_LINES:
                        settings = journal.settings_of(text)
                        if core is None:
                            core = self._begin(settings, stretch)
                    elif core is None:
                        raise ValueError("no settings before it")
                    else:
                        moment = self._line(core, text)
                        if moment is not None:
                            yield moment
                except _FAULTS as error:
                    path = part.files[form.JOURNAL]
                    raise AsvkitError(f"{path}: line {number} does not belong in a journal: {error}") from error

    # Inside

    def _check(self, text: str) -> None:
        if text.strip() != journal.MAGIC:
            raise ValueError("no journal of version 1")

    def _begin(self, settings: Settings, stretch: Stretch) -> Core:
        core = Core(settings)
        self.vehicle_id = int(core.transmitter.vehicle_id)
        self._names = Names()
        self._words = Translator(self._names, self._language)
        self._record = [0] * WIDTH
        self._at_ms = 0
        state = stretch.checkpoint
        self._clock.begin(state)
        if state is not None:
            path = stretch.parts[0].files[form.CHECKPOINT]
            try:
                Checkpoint(core).restore(state.get("core", {}))
                restore_words(state.get("words", {}), self._words, self._names)
            except ValueError as error:
                raise AsvkitError(
                    f"{path}: its state does not fit: {error}; replay it with the asvkit that recorded it"
                ) from error
            self._at_ms = int(core.now_ms)
        return core

    def _line(self, core: Core, text: str) -> Moment | None:
        if text.startswith("#"):
            if text.startswith(_SOURCE):
                number, name = text[len(_SOURCE) :].split(" ", 1)
                self._names.tell(int(number), name)
            return None
        if not journal.feed(core, text):
            return None
        self.lines += 1
        kind, at, *_rest = text.split(" ", 2)
        if kind != "P" and not 0 <= int(at) <= _MS_END:
            raise ValueError("a time that cannot be")
        if kind == "R":
            self._clock.rebase(int(at))
            self._at_ms -= int(at)
        elif kind != "P":  # which goes on at the time of what came before it
            self._at_ms = max(self._at_ms, int(at))
        epoch_s = self._clock.epoch_s(self._at_ms)
        return Moment(epoch_s, self._drained(core, epoch_s))

    def _drained(self, core: Core, epoch_s: float) -> list[Event]:
        record, events = self._record, []
        while core.commands.take(record):
            self.sent += record[KIND] == COMMAND_SEND
            event = self._words.event(record, epoch_s)
            if event is not None:
                events.append(event)
        return events
