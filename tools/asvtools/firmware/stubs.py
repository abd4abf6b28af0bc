"""What runs on a board names only what a board has: mypy over it with the stubs of MicroPython's rp2 port.

The stubs say which modules, functions and arguments the port has. Where they say too much (`enum`, `int.bit_length`)
two tables here know better. What a `try: ... except ImportError` falls back on is CPython's and passes.
`python -m asvtools.firmware.stubs`; needs no network.
"""

import ast
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from asvtools.firmware.board_names import stub_files
from asvtools.firmware.measure import core_source
from asvunit.errors import AsvkitError

MODULES: Final = {
    "array", "asyncio", "binascii", "collections", "errno", "framebuf", "gc", "hashlib", "io", "json", "machine",
    "math", "micropython", "network", "os", "random", "rp2", "select", "socket", "struct", "sys", "time", "uctypes",
}  # fmt: skip
ABSENT: Final = {
    "bit_length", "bit_count", "removeprefix", "removesuffix", "Struct", "hypot", "isqrt", "cast", "_replace",
    "as_integer_ratio", "is_integer", "casefold", "translate", "maketrans", "swapcase", "zfill", "expandtabs",
}  # fmt: skip

_TOLD: Final = re.compile(r"^(?P<file>[^:]+):(?P<line>\d+): error: (?P<text>.*)$")
# Of all that a type checker says, what a board would raise; types that are None at first are none of these
_COUNTS: Final = re.compile(
    r'^(Cannot find implementation or library stub|Module "|Module has no attribute|Name ".*" is not defined'
    r'|"(?P<owner>[\w.]+)(\[.*\])?" has no attribute|Too many |Missing positional'
    r"|Unexpected keyword|No overload variant|invalid syntax|Positional-only)"
)

_NUMBER_OF_ARGUMENTS: Final = re.compile(r"^(Too many|Missing positional)")


def check(folders: Sequence[Path], files: Sequence[Path] = ()) -> list[str]:
    """`FILE:LINE: what` of all that a board lacks, in packages (folders) and single files."""
    paths = [path for folder in folders for path in sorted(folder.glob("*.py"))] + list(files)
    trees = {path.resolve(): ast.parse(path.read_text(encoding="utf-8"), str(path)) for path in paths}
    own = {node.name for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    found = {
        (path, line, text)
        for path, line, text, owner in _mypy(folders, paths)
        if path in trees and owner not in own and line not in _fallbacks(trees[path])
        if not (_NUMBER_OF_ARGUMENTS.match(text) and line in _starred(trees[path]))
    }
    packages = {folder.name for folder in folders}
    for path, tree in trees.items():
        found |= {(path, line, text) for line, text in _known(tree, packages) if line not in _fallbacks(tree)}
    return [f"{path}:{line}: {text}" for path, line, text in sorted(found)]


def _fallbacks(tree: ast.Module) -> set[int]:
    """Lines inside a `try` that has an answer to ImportError."""
    lines: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Try) and any(_catches(handler.type) for handler in node.handlers):
            lines |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return lines


def _starred(tree: ast.Module) -> set[int]:
    """Lines of calls with `*arguments`, whose number nobody knows."""
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return {call.lineno for call in calls if any(isinstance(each, ast.Starred) for each in call.args)}


def _catches(kind: ast.expr | None) -> bool:
    names = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(isinstance(name, ast.Name) and name.id == "ImportError" for name in names)


def _known(tree: ast.Module, packages: set[str]) -> Iterator[tuple[int, str]]:
    """What the stubs do not know to be absent."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        elif isinstance(node, ast.Attribute) and node.attr in ABSENT:
            yield node.lineno, f"a board has no .{node.attr}"
        elif isinstance(node, ast.Match):
            yield node.subject.lineno, "a board has no match statement"
        if isinstance(node, ast.Import | ast.ImportFrom):
            for name in names:
                if name.partition(".")[0] not in MODULES | packages:
                    yield node.lineno, f"a board has no module {name}"


def _mypy(folders: Sequence[Path], paths: Sequence[Path]) -> Iterator[tuple[Path, int, str, str]]:
    """(file, line, text, class without the attribute) of what counts."""
    with tempfile.TemporaryDirectory() as made:
        typeshed = Path(made) / "typeshed"
        _copy_stubs(typeshed)
        places = [typeshed, *sorted({folder.resolve().parent for folder in folders})]
        settings = Path(made) / "mypy.ini"
        settings.write_text(
            "[mypy]\ncheck_untyped_defs = True\nstrict_optional = False\nno_site_packages = True\n"
            "explicit_package_bases = True\nnamespace_packages = True\nshow_column_numbers = False\n"
            f"custom_typeshed_dir = {typeshed}\nmypy_path = {':'.join(map(str, places))}\ncache_dir = /dev/null\n",
            encoding="utf-8",
        )
        command = [sys.executable, "-m", "mypy", "--config-file", str(settings), "--no-pretty", "--hide-error-context"]
        done = subprocess.run(  # noqa: S603 - the environment's own
            [*command, *(str(path.resolve()) for path in paths)], capture_output=True, text=True, check=False, cwd=made
        )
        if done.returncode not in (0, 1):
            raise AsvkitError(f"mypy over the board's code: {(done.stderr or done.stdout).strip()[-500:]}")
        for line in done.stdout.splitlines():
            row = _TOLD.match(line)
            counts = row and _COUNTS.match(row["text"])
            if row and counts:
                path = (Path(made) / row["file"]).resolve()
                yield path, int(row["line"]), row["text"], (counts["owner"] or "").rpartition(".")[2]


def _copy_stubs(target: Path) -> None:
    """The stubs in a folder of their own: beside CPython's modules they would be no typeshed."""
    for file in stub_files():
        if file.suffix == ".pyi" or file.name == "VERSIONS":
            to = target / str(file)
            to.parent.mkdir(parents=True, exist_ok=True)
            to.write_bytes(file.read_binary())


def main() -> int:
    """Check the core and the boards of a checkout."""
    firmware = core_source().parent
    boards = firmware / "boards"
    try:
        told = check([firmware / "asvcore", boards / "asvboard"], sorted(boards.glob("*/main.py")))
    except AsvkitError as error:
        sys.stderr.write(f"asvkit: {error}\n")
        return 1
    sys.stdout.write("".join(f"{line}\n" for line in told))
    sys.stdout.write(f"{len(told)} names that a board lacks\n" if told else "A board has all that its code names.\n")
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
