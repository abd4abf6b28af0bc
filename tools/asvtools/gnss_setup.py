"""Sets a u-blox receiver up, reads it back, and measures what it then sends: each setting with what came of it."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from time import monotonic
from typing import Any, Final

from asvtools.ublox_dialects import MODELS, SENTENCES, Dialect, Keyed, Legacy, Version
from asvtools.ublox_line import BAUDS, UbloxLine, Ubx
from asvunit.errors import AsvkitError, UsageError

ON: Final = ("RMC", "GGA", "GST", "VTG")
OFF: Final = tuple(kind for kind in SENTENCES if kind not in ON)
LISTEN_S: Final = 2.0

_SLOWER_HZ: Final = (20, 10, 8, 5, 4, 2, 1)  # tried in this order where a rate is refused
_BYTES: Final = 280  # of the sentences wanted, an epoch
_STATES: Final = {
    "refused": "refused (NAK)",
    "no_answer": "no answer",
    "differs": "acknowledged, but read back otherwise",
    "not_read_back": "acknowledged, but cannot be read back",
    "would_set": "would be set",
    "as_wanted": "as wanted",
    "not_as_wanted": "not as wanted",
}
_GOOD: Final = ("as_wanted", "would_set")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the receiver is to do."""

    rate_hz: int = 10
    model: str = "automotive"
    baud: int = 115_200
    interface: str = "uart1"  # the receiver's, where it does not tell which one it is asked on
    save: bool = False
    dry_run: bool = False

    @property
    def rate_ms(self) -> int:
        return (1000 + self.rate_hz // 2) // self.rate_hz


@dataclass(frozen=True, slots=True)
class Row:
    """One setting: what came of it."""

    what: str
    wanted: str
    found: str | None  # now; None: not known
    state: str
    note: str = ""

    @property
    def good(self) -> bool:
        return self.state in _GOOD


@dataclass(slots=True)
class Outcome:
    """All of it."""

    port: str
    baud: int
    model: str
    firmware: str
    protocol: str
    settings_by: str
    interface: str
    dry_run: bool
    rows: list[Row] = field(default_factory=list)

    @property
    def bad(self) -> list[Row]:
        return [row for row in self.rows if not row.good]

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"good": not self.bad}  # of a dry run: all could be read

    def lines(self) -> list[str]:
        """For people."""
        said = f", protocol {self.protocol}" if self.protocol else ""
        on = self.interface or "an interface of its own"
        head = f"{self.port} at {self.baud} baud: u-blox {self.model}, firmware {self.firmware}{said}; "
        table = [("what", "wanted", "is", "")]
        for row in self.rows:
            note = f"; {row.note}" if row.note else ""
            table.append((row.what, row.wanted, "?" if row.found is None else row.found, _STATES[row.state] + note))
        widths = [max(len(cells[column]) for cells in table) for column in range(3)]
        body = [
            "  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, [*widths, 0], strict=True)).rstrip()
            for cells in table
        ]
        return [f"{head}set by {self.settings_by} on {on}", *body]


def set_up(port: str, line: UbloxLine, bauds: Sequence[int], wanted: Wanted, listen_s: float = LISTEN_S) -> Outcome:
    """Finds the receiver and sets it up. UsageError: it is no u-blox; AsvkitError: it was lost on the way."""
    answer = line.find(bauds)
    if answer is None:
        raise UsageError(f"{port}: {_not_found(line, bauds)}")
    version = Version(answer.payload)
    return _SetUp(port, line, wanted, version).run(listen_s)


def _not_found(line: UbloxLine, bauds: Sequence[int]) -> str:
    if line.spoke:
        return (
            f"speaks NMEA at {line.baud} baud but answers no UBX: it is no u-blox, or takes none here; "
            "set rate and sentences with its maker's tool"
        )
    tried = ", ".join(map(str, sorted(bauds)))
    if line.bytes:
        return f"bytes arrive, but no sentence and no UBX at {tried} baud; give its own with --baud"
    return f"says nothing at {tried} baud; is it powered, and its TX wired to RX and RX to TX?"


class _SetUp:
    """One receiver's."""

    def __init__(self, port: str, line: UbloxLine, wanted: Wanted, version: Version) -> None:
        self._line, self._wanted = line, wanted
        self._dialect = self._choose(version)
        told = version.model, version.firmware, version.protocol, self._dialect.name, self._dialect.interface
        self.outcome = Outcome(port, line.baud, *told, wanted.dry_run)

    def run(self, listen_s: float) -> Outcome:
        wanted = self._wanted
        if self._dialect.interface.startswith("uart"):
            self._add(self._baud())
        self._add(self._setting("nmea", "NMEA output", 1, _switch))
        for kind in (*OFF, *ON):
            self._add(self._setting(kind, kind, int(kind in ON), _switch))
        self._add(self._setting("model", "motion model", MODELS[wanted.model], _model))
        self._add(self._rate())
        if wanted.save and not wanted.dry_run:
            self._add(self._saved())
        if not wanted.dry_run:
            self._add(self._measured(listen_s))
        self.outcome.baud = self._line.baud
        return self.outcome

    def _add(self, row: Row) -> None:
        self.outcome.rows.append(row)

    def _choose(self, version: Version) -> Dialect:
        keyed = Keyed(self._line, self._wanted.interface)
        takes_keys = keyed.knows() if version.keyed is None else version.keyed
        return keyed if takes_keys else Legacy(self._line)

    # Settings

    def _setting(self, name: str, what: str, value: int, shown: Callable[[int], str], note: str = "") -> Row:
        """Sets one, if it is not so already."""
        before = self._dialect.read(name)
        if before == value:
            return Row(what, shown(value), shown(value), "as_wanted", note)
        if self._wanted.dry_run:
            state = "no_answer" if before is None else "would_set"
            return Row(what, shown(value), None if before is None else shown(before), state)
        answer = self._dialect.write(name, value)
        after = self._dialect.read(name)
        found = None if after is None else shown(after)
        return Row(what, shown(value), found, _state(answer, after, value), note)

    def _rate(self) -> Row:
        wanted = self._wanted
        row = self._setting("rate", "rate", wanted.rate_ms, _hertz)
        if row.state != "refused":
            return row
        for hertz in (hertz for hertz in _SLOWER_HZ if hertz < wanted.rate_hz):
            slower = self._setting("rate", "rate", 1000 // hertz, _hertz)
            if slower.good:
                return Row("rate", row.wanted, slower.found, "refused", f"{slower.found} is the most of what was tried")
        return row

    def _baud(self) -> Row:
        """The line's own rate. Its acknowledge may come at either rate, so only an answer at the new one counts."""
        old, new = self._line.baud, self._wanted.baud
        if old == new:
            return Row("baud", str(new), str(old), "as_wanted")
        if self._wanted.dry_run:
            return Row("baud", str(new), str(old), "would_set")
        answer = self._dialect.write("baud", new, 1)
        if answer == "nak":
            return Row("baud", str(new), str(old), "refused")
        self._line.open(new)
        if self._dialect.read("baud") == new:
            return Row("baud", str(new), str(new), "as_wanted")
        rest = [baud for baud in BAUDS if baud not in (old, new)]
        if self._line.find([old, new, *rest]) is None:
            raise AsvkitError(
                f"{self.outcome.port}: answers no more since its baud rate was to change from {old} to {new}; "
                "power it off and on: nothing of this was saved"
            )
        now = self._line.baud
        state = "as_wanted" if now == new else _state(answer, now, new)
        return Row("baud", str(new), str(now), state)

    def _saved(self) -> Row:
        """Keeps what was set: no value that the receiver did not take."""
        values = {"nmea": 1, **{kind: int(kind in ON) for kind in SENTENCES}}
        values |= {"model": MODELS[self._wanted.model], "rate": self._wanted.rate_ms}
        if self._dialect.interface.startswith("uart"):
            values["baud"] = self._wanted.baud
        names = {"nmea": "NMEA output", "model": "motion model"}
        good = {row.what for row in self.outcome.rows if row.good}
        kept = {name: value for name, value in values.items() if names.get(name, name) in good}
        answers = self._dialect.save(kept) if kept else {}
        done = [place for place, answer in answers.items() if answer == "ack"]
        failed = [f"{place}: {'refused' if answer == 'nak' else 'no answer'}" for place, answer in answers.items()]
        failed = [text for text, answer in zip(failed, answers.values(), strict=True) if answer != "ack"]
        note = "; ".join(failed)
        if done and "battery-backed memory" in done and "flash" not in done:
            note += "; kept while its backup battery lasts"
        state = "as_wanted" if done else "refused" if "nak" in answers.values() else "no_answer"
        return Row("saved", "yes", ", ".join(done) or "no", state, note)

    # What it then sends

    def _measured(self, listen_s: float) -> Row:
        """Rate and sentences as they come, the rate by the receiver's own times."""
        rate_hz = self._wanted.rate_hz
        self._line.flush()  # what was sent before the last setting
        began_s = monotonic()
        kinds: set[str] = set()
        times: list[tuple[int | None, float]] = []
        for one in self._line.hear(2.5 * listen_s):
            if _span_s(times) >= listen_s:
                break
            if isinstance(one, Ubx):
                continue
            kinds.add(one[2:5])
            if one[2:5] == "RMC":
                times.append((_time_ms(one), monotonic() - began_s))
        kinds &= set(SENTENCES)
        hertz = _rate_of(times)
        wanted = f"{rate_hz} Hz {' '.join(ON)}"
        found = f"{hertz:.1f} Hz {' '.join(kind for kind in SENTENCES if kind in kinds)}" if hertz else " ".join(kinds)
        missing = " ".join(kind for kind in ON if kind not in kinds)
        surplus = " ".join(kind for kind in OFF if kind in kinds)
        notes = [f"{missing} missing" if missing else "", f"{surplus} still sent" if surplus else ""]
        is_slow = hertz is None or abs(hertz - rate_hz) > rate_hz / 10
        if not kinds:
            notes = ["nothing heard: is this the receiver's interface? see --interface"]
        elif is_slow:
            room = self._line.baud // (10 * _BYTES)
            limit = (
                f"{self._line.baud} baud carry {room} Hz" if room < rate_hz and self._dialect.interface != "usb" else ""
            )
            notes.append(limit or "the receiver gives no more with its satellite systems" if hertz else "too few heard")
        state = "as_wanted" if not (missing or surplus or is_slow) else "not_as_wanted"
        return Row("measured", wanted, found or "nothing", state, "; ".join(note for note in notes if note))


def _state(answer: str, after: int | None, value: int) -> str:
    if after == value:
        return "as_wanted"
    if answer != "ack":
        return "refused" if answer == "nak" else "no_answer"
    return "not_read_back" if after is None else "differs"


def _switch(value: int) -> str:
    return {0: "off", 1: "on"}.get(value, f"every {value}th")


def _model(value: int) -> str:
    return next((name for name, number in MODELS.items() if number == value), f"model {value}")


def _hertz(milliseconds: int) -> str:
    return f"{1000 / milliseconds:.4g} Hz" if milliseconds else "?"


def _time_ms(rmc: str) -> int | None:
    from asvunit.gnss.nmea_text import time_of_day_ms

    fields = rmc.split(",")
    return time_of_day_ms(fields[1]) if len(fields) > 1 else None


def _rate_of(times: list[tuple[int | None, float]]) -> float | None:
    """Epochs a second, by the receiver's times; where it tells none yet, by their arrival."""
    if len(times) < 2:
        return None
    span_s = _span_s(times)
    return (len(times) - 1) / span_s if span_s > 0 else None


def _span_s(times: list[tuple[int | None, float]]) -> float:
    if not times:
        return 0
    (first_ms, first_s), (last_ms, last_s) = times[0], times[-1]
    if first_ms is None or last_ms is None:
        return last_s - first_s
    return (last_ms - first_ms) % 86_400_000 / 1000
