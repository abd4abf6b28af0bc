"""Names that a board's modules and types have, by the stubs of MicroPython's rp2 port: none of them may change."""

import ast
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Final

from asvunit.errors import AsvkitError

STUBS: Final = ("micropython-rp2-stubs", "micropython-stdlib-stubs")


def board_names() -> set[str]:
    """All that the stubs define: modules, classes, functions, their parameters, attributes."""
    found: set[str] = set()
    for file in stub_files():
        if file.suffix == ".pyi":
            found |= _defined(Path(str(file.locate())))
    return found


def stub_files() -> Iterator[metadata.PackagePath]:
    """All files of the stubs' distributions."""
    for name in STUBS:
        try:
            yield from metadata.files(name) or ()
        except metadata.PackageNotFoundError:
            raise AsvkitError(f"{name} is missing; pip install -r requirements/dev.txt") from None


def _defined(path: Path) -> set[str]:
    found = {path.stem}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                found.add(name)
            case ast.alias(name=name, asname=other):
                found.update((name, other or name))
    return found
