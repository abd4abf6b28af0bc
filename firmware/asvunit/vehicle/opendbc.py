"""Databases of the opendbc project: found in its folders or its installed package, and put together from sources.

opendbc keeps most of its databases as sources that begin with `CM_ "IMPORT other.dbc";` lines, from which its
generator makes NAME_generated.dbc. Here the same text is made in memory. The package is looked up, never imported.
"""

import glob
import importlib.metadata
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from asvunit.vehicle.database_text import Unreadable

INSTALL: Final = "pip install --no-deps opendbc==0.3.1"  # without its dependencies, which only its car code needs
GENERATE: Final = "python -m opendbc.dbc.generator.generator"  # writes all of them into its dbc folder

_IMPORT: Final = re.compile(r'^CM_ "IMPORT (.*?)";[ \t]*\r?$', re.M)
GENERATED: Final = "_generated.dbc"


@dataclass(frozen=True, slots=True)
class Part:
    """One file's share of a text that was put together."""

    file: Path
    text: str


def folder() -> Path | None:
    """The `dbc` folder of an installed opendbc package."""
    try:
        spec = importlib.util.find_spec("opendbc")
    except (ImportError, ValueError):  # half installed
        return None
    for place in (spec.submodule_search_locations or ()) if spec else ():
        if (Path(place) / "dbc").is_dir():
            return Path(place) / "dbc"
    return None


def version(file: Path) -> str:
    """ "opendbc 0.3.1" for a file of the installed package, else ""."""
    package = folder()
    if package is None or package.resolve() not in file.resolve().parents:
        return ""
    try:
        return f"opendbc {importlib.metadata.version('opendbc')}"
    except importlib.metadata.PackageNotFoundError:  # a checkout on the path
        return "opendbc"


def source(place: Path, name: str) -> Path | None:
    """The file `name` of a `dbc` folder of opendbc, or the source from which its generator makes it."""
    if (place / name).is_file():
        return place / name
    plain = name.removesuffix(GENERATED) + ".dbc" if name.endswith(GENERATED) else name
    if Path(plain).name != plain:
        return None  # a path, not a name
    generator = place / "generator"
    return next(iter(sorted(generator.glob(f"*/{glob.escape(plain)}"))), None) if generator.is_dir() else None


def place(parts: list[Part], line: int) -> tuple[Path, int]:
    """The file and its line that a line of the parts' joined texts is."""
    for part in parts:
        lines = part.text.count("\n") + 1
        if line <= lines or part is parts[-1]:
            return part.file, max(line, 0)
        line -= lines
    raise ValueError("no parts")


def with_imports(file: Path, text: str) -> list[Part]:
    """The files that the text imports, each once, then the text without its IMPORT lines."""
    parts: list[Part] = []
    _import_into(parts, file, text, {file.resolve()})
    return parts


def _import_into(parts: list[Part], file: Path, text: str, seen: set[Path]) -> None:
    for match in _IMPORT.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        other = file.parent / match.group(1)
        if Path(match.group(1)).name != match.group(1) or not other.is_file():
            made = f"; opendbc makes it: {GENERATE}" if GENERATED in other.name else ""
            raise Unreadable(f"imports {match.group(1)}, which is not beside it{made}", line)
        if other.resolve() not in seen:
            seen.add(other.resolve())
            try:
                imported = other.read_text("utf-8", errors="replace")
            except OSError as error:
                raise Unreadable(f"imports {match.group(1)}, which cannot be read: {error.strerror}", line) from error
            _import_into(parts, other, imported, seen)
    parts.append(Part(file, _IMPORT.sub("", text)))
