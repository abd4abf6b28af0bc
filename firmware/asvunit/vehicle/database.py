"""Databases of CAN messages: where they are looked for, how they are read, and how a broken one is refused.

DBC, KCD, SYM and ARXML are read by cantools. A file with defects that leave its signals readable (signals that
overlap, an unusual encoding, two messages of one identifier) loads, and a warning names each defect; a file that
cannot be understood is refused in one line with file, line and reason.
"""

import logging
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cantools
from cantools.database.can import Database
from cantools.database.errors import UnsupportedDatabaseFormatError

from asvunit.errors import UsageError, nearest
from asvunit.resources import data_folder
from asvunit.vehicle import database_text, opendbc
from asvunit.vehicle.database_text import Unreadable
from asvunit.vehicle.dbc_text import DbcText, Defect, shown

DBC_PATH: Final = "ASVKIT_DBC_PATH"  # environment: folders with databases
LARGE: Final = 1_000  # messages: of a DBC with more, only those that are asked for are parsed
NAMED: Final = 8  # defects told by name; of more, their number

_MENDS: Final = 50  # statements that may be left out of one file
_OVERLAP: Final = re.compile(r"The signals (\w+) and (\w+) are overlapping in message (\w+)")
_NO_FIT: Final = re.compile(r"The signal (\w+) does not fit in message (\w+)")
_AT: Final = re.compile(r"(?:Invalid syntax at )?line (\d+), column (\d+)")
_SYM_LINE: Final = re.compile(r'(\[.+\]|\{\w+\}|//.*|(Sig|Var|Mux)=("[^"]+"|\w+)\s+\S.*|(?!Sig|Var|Mux)\w+=.+|.*\).*)$')


@dataclass(frozen=True, slots=True)
class Loaded:
    """A database that was read, and what is wrong with it all the same."""

    path: Path
    database: Database
    warnings: tuple[str, ...]
    version: str  # as the file says, or the package that it comes from; "" if neither does
    names: tuple[str, ...]  # of all messages of the file, also of those that were not asked for


def find_database(path: Path, name: str, search: Sequence[Path] = (), key: str = "database") -> Path:
    """The file called `name` in a map at `path`; for an opendbc NAME_generated.dbc its generator source will do."""
    configured = [Path(folder) for folder in os.environ.get(DBC_PATH, "").split(os.pathsep) if folder]
    folders = list(dict.fromkeys([path.parent, *search, Path(), Path("dbc"), *configured]))
    package = opendbc.folder()
    places = [*folders, *([package] if package else [])]
    for folder in places:
        file = opendbc.source(folder, name)
        if file is not None:
            return file
    mend = nearest(name, {file.name for place in places if place.is_dir() for file in place.glob("*.*")})
    generated = name.endswith(opendbc.GENERATED)
    if package is None and (generated or path.parent == data_folder("dbc") / "maps"):
        mend = f"; it comes with opendbc: {opendbc.INSTALL}"
    elif package and generated:
        mend = f"; opendbc makes it: {opendbc.GENERATE}"
    raise UsageError(
        f"{path}: {key}.file: {name} is in none of {', '.join(map(str, places))};"
        f" copy it beside the map, or name its folder in {DBC_PATH}{mend}"
    )


def search_near(log: str | Path) -> list[Path]:
    """Folders where the database of a log may stand: beside it, and in `dbc` beside its folder."""
    folder = Path(log).parent
    return [folder, folder.parent / "dbc" if folder.name else folder / ".." / "dbc"]


def load_database(
    file: Path,
    *,
    strict: bool | None = None,
    encoding: str | None = None,
    key: str = "",
    messages: frozenset[str] | None = None,
) -> Loaded:
    """The database in a file.

    `strict`: True refuses signals that overlap or leave their message, None takes and names them, False says that
    they are known, and names only those of `messages`. `messages`: those that are needed, for a large DBC.
    `key`: the table of the map that names the file, as "PATH: database", for what is told.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise _refused(key, "file", file, Unreadable(f"cannot be read: {error.strerror}")) from error
    try:
        text = database_text.read(data, file.suffix, encoding)
        if text.format == "dbc":
            database, names, defects = _dbc(file, text.text, messages)
        else:
            if text.format == "sym":
                _check_sym_end(text.text)
            database, defects = _parsed(text.text, text.format), []
            names = tuple(message.name for message in database.messages)
        if not names:
            raise Unreadable("has no messages")
    except Unreadable as error:
        wrong = "encoding" if error.reason.startswith("encoding ") else "file"
        raise _refused(key, wrong, file, error) from error
    loose = _strict_defects(database)
    if strict and loose:
        hint = "set strict = false if that is known of this car"
        raise _refused(key, "strict", file, Unreadable(f"{loose[0].text}; {hint}"))
    defects += loose + _doubles(database)
    if strict is False:
        defects = [one for one in defects if messages is not None and one.message in messages]
    assumed = [Defect("", text.assumed)] if text.assumed else []
    version = opendbc.version(file) or (database.version or "").strip()[:40]
    return Loaded(file, database, _told(file, assumed + defects), version, names)


def _dbc(file: Path, text: str, messages: frozenset[str] | None) -> tuple[Database, tuple[str, ...], list[Defect]]:
    parts = opendbc.with_imports(file, text)
    try:
        whole = DbcText.of("\n".join(part.text for part in parts))
    except Unreadable as error:
        raise _placed(parts, file, error) from error
    names = tuple(whole.names.values())
    if messages is not None and len(names) > LARGE:
        whole.keep(messages)
    for _ in range(_MENDS):
        try:
            database = _parsed(whole.text, "dbc")
        except _ParseError as error:
            if not whole.mend(error.raw):
                raise _placed(parts, file, error) from error
        else:
            return database, names, [_placed_defect(parts, file, one) for one in whole.defects]
    raise Unreadable(f"has more than {_MENDS} statements that cannot be read")


def _parsed(text: str, form: str) -> Database:
    """The database in a text, whatever overlaps in it."""
    try:
        with _quiet():
            database = cantools.database.load_string(text, form, strict=False)
    except UnsupportedDatabaseFormatError as error:
        causes = (error.e_arxml, error.e_dbc, error.e_kcd, error.e_sym)
        raise _failure(next((one for one in causes if one is not None), error), form) from error
    except Exception as error:  # the parsers of four formats: syntax, XML, value and key errors
        raise _failure(error, form) from error
    if not isinstance(database, Database):
        raise Unreadable("is a diagnostics database, not one of messages")
    return database


def _placed(parts: list[opendbc.Part], file: Path, error: Unreadable) -> Unreadable:
    """The error with the line of the file it stands in, when several were put together."""
    place, line = opendbc.place(parts, error.line)
    return Unreadable(error.reason if place == file else f"{place.name}, which it imports: {error.reason}", line)


def _placed_defect(parts: list[opendbc.Part], file: Path, defect: Defect) -> Defect:
    place, line = opendbc.place(parts, defect.line)
    return Defect(defect.message, defect.text if place == file else f"{place.name}: {defect.text}", line)


def _check_sym_end(text: str) -> None:
    """The parser takes a file that ends within a line, and loses that line."""
    lines = text.rstrip().split("\n")
    if not _SYM_LINE.match(lines[-1].strip()):
        raise Unreadable(f"ends within a line: {shown(lines[-1])}", len(lines))


class _ParseError(Unreadable):
    def __init__(self, raw: str, reason: str, line: int) -> None:
        super().__init__(reason, line)
        self.raw = raw


def _failure(error: Exception, form: str) -> _ParseError:
    raw = str(error)
    at = _AT.search(raw)
    line = int(at[1]) if at else 0
    if raw.startswith("Invalid syntax") and at:
        reason = f"no {form.upper()} at column {at[2]}: {shown(raw[at.end() :].lstrip(': '))}"
    elif isinstance(error, cantools.Error | ValueError | SyntaxError):
        reason = shown(raw) or type(error).__name__
    else:
        reason = f"cannot be understood as {form.upper()} ({type(error).__name__}: {shown(raw)})"
    return _ParseError(raw, reason, line)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the parser's log lines: what they tell is told as warnings of the file."""
    logger = logging.getLogger("cantools")
    propagate = logger.propagate
    handler = logging.NullHandler()
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate


def _strict_defects(database: Database) -> list[Defect]:
    """Signals that overlap or leave their message; the first of each message."""
    found = []
    for message in database.messages:
        try:
            message.refresh(strict=True)
        except cantools.Error as error:
            text = str(error)
            if overlap := _OVERLAP.search(text):
                text = f"{message.name}: signals {overlap[1]} and {overlap[2]} overlap"
            elif outside := _NO_FIT.search(text):
                text = f"{message.name}: signal {outside[1]} does not fit in its {message.length} bytes"
            found.append(Defect(message.name, text))
    return found


def _doubles(database: Database) -> list[Defect]:
    """Two messages of one name or identifier, two signals of one name: only one of them can be meant."""
    found = []
    for name, count in Counter(message.name for message in database.messages).items():
        if count > 1:
            found.append(Defect(name, f"{count} messages are called {name}; the last counts"))
    by_identifier: dict[tuple[int, bool], str] = {}
    for message in database.messages:
        identifier = (message.frame_id, message.is_extended_frame)
        other = by_identifier.setdefault(identifier, message.name)
        if other != message.name:
            text = f"{other} and {message.name} have the same identifier 0x{message.frame_id:X}"
            found += [Defect(message.name, text)]
        for name, count in Counter(signal.name for signal in message.signals).items():
            if count > 1:
                text = f"{message.name}: {count} signals are called {name}; the last counts"
                found.append(Defect(message.name, text))
    return found


def _told(file: Path, defects: list[Defect]) -> tuple[str, ...]:
    told = [f"{file}: {f'line {one.line}: ' if one.line else ''}{one.text}" for one in defects[:NAMED]]
    more = len(defects) - NAMED
    return (*told, f"{file}: and {more} more such defects") if more > 0 else tuple(told)


def _refused(key: str, entry: str, file: Path, error: Unreadable) -> UsageError:
    where = f"{key}.{entry}: " if key else ""
    line = f"line {error.line}: " if error.line else ""
    return UsageError(f"{where}{file}: {line}{error.reason}")
