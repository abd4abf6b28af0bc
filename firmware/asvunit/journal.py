"""Writes the journal of core inputs that `asvcore.journal` reads (version 1; the form stands there)."""

from typing import Protocol

from asvcore.journal import MAGIC
from asvcore.params import NONE
from asvcore.settings import FIELDS, Settings


class Out(Protocol):
    """Takes text: an open file, a session."""

    def write(self, text: str, /) -> object: ...


class JournalWriter:
    """One line for each core input, before the core sees it."""

    def __init__(self, out: Out, settings: Settings, *, named: bool = False) -> None:
        """`named`: a comment, `# source NUMBER NAME`, before the first message of each source."""
        self._out = out
        self._names: dict[int, str] | None = {} if named else None
        words = " ".join(f"{name}={getattr(settings, name)}" for name, *_rest in FIELDS)
        out.write(f"{MAGIC}\nsettings {words}\n")

    def line(self, kind: str, *values: int) -> None:
        """An input of integers: `F t cause ...`, `V`, `T`, `B`, `P`, `S` or `R`."""
        words = " ".join("-" if value == NONE else str(value) for value in values)
        self._out.write(f"{kind} {words}\n")

    def message(self, time_ms: int, cause: int, source: int, flag: bool, payload: bytes, name: str = "") -> None:
        """A received payload; `name` of its source."""
        if self._names is not None and self._names.get(source) != name:
            self._names[source] = name
            self._out.write(f"# source {source} {name}\n")
        self._out.write(f"M {time_ms} {cause} {source} {int(flag)} {payload.hex()}\n")
