"""Writes the journal of core inputs that `asvcore.journal` reads (version 1; the form stands there)."""

from typing import TextIO

from asvcore.journal import MAGIC
from asvcore.params import NONE
from asvcore.settings import FIELDS, Settings


class JournalWriter:
    """One line for each core input, before the core sees it."""

    def __init__(self, out: TextIO, settings: Settings) -> None:
        self._out = out
        words = " ".join(f"{name}={getattr(settings, name)}" for name, *_rest in FIELDS)
        out.write(f"{MAGIC}\nsettings {words}\n")

    def line(self, kind: str, *values: int) -> None:
        """An input of integers: `F t cause ...`, `V`, `T`, `B`, `P`, `S` or `R`."""
        words = " ".join("-" if value == NONE else str(value) for value in values)
        self._out.write(f"{kind} {words}\n")

    def message(self, time_ms: int, cause: int, source: int, flag: bool, payload: bytes) -> None:
        """A received payload."""
        self._out.write(f"M {time_ms} {cause} {source} {int(flag)} {payload.hex()}\n")
