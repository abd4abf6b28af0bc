"""`make firmware-image`: the folder that is copied to a board: packages folded and compiled, its program, its files.

Nothing is written before everything has been looked at: the map compiles, the configuration is one that the board
takes, and the folder is new, empty, or an image made before.
"""

import argparse
import ast
import hashlib
import importlib
import json
import shlex
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from asvtools.firmware.board_names import board_names
from asvtools.firmware.fold import fold
from asvtools.firmware.measure import BOARD_ARCH, core_source
from asvtools.firmware.mpy import compile_sources
from asvtools.firmware.shorten import Shortened, shorten
from asvunit.errors import AsvkitError, UsageError

LANGUAGES: Final = ("en", "ja")
TEXTS: Final = {"none": (), "en": ("en",), "ja": ("ja",), "all": LANGUAGES}
FULL: Final = "full"
NAMES: Final = ("short", FULL)
BOARDS: Final = {"pico_w": BOARD_ARCH}  # board -> what its native code is compiled for
UNIT: Final = "unit.json"
CAR: Final = "car.json"
MAIN: Final = "main.py"
_PACKAGES: Final = ("asvcore", "asvboard")
_MARK: Final = "image.json"  # what an image was made of; a folder without it is not ours to replace
_SPARE: Final = ("asvcore.elements", "asvcore.journal")  # for larger machines
_LOOKED_AT: Final = (  # of a running unit, by whoever tries an image: these names stay
    "make", "read_text", "step", "core", "faults", "outputs", "reader", "counts", "drops", "commands", "lost", "failed",
    "missed", "late", "time_back", "_console", "_can", "_radio", "_lights",
)  # fmt: skip


def build(folder: Path, *, board: str, unit: Path | None, car: str, texts: str, short: bool = True) -> dict[str, int]:
    """Make the image; bytes of each of its files."""
    _refuse(folder, unit)
    boards = core_source().parent / "boards"
    home = boards / board
    if not (home / MAIN).is_file():
        raise AsvkitError(f"{home / MAIN}: no such file; an image is made from a checkout of the project")
    configuration = unit or home / UNIT
    text = _configuration(configuration, boards, home)
    rows = _car(car)
    with tempfile.TemporaryDirectory() as made:
        new = Path(made) / "image"
        made_of = _sources(boards, home, texts, short=short)
        compile_sources(made_of.sources, {name: new / "lib" / name for name in _PACKAGES}, march=BOARDS[board])
        shutil.copy(home / MAIN, new / MAIN)
        (new / UNIT).write_text(text, encoding="utf-8")
        (new / CAR).write_text(json.dumps(rows, separators=(",", ":")), encoding="utf-8")
        sizes = {str(path.relative_to(new)): path.stat().st_size for path in sorted(new.rglob("*")) if path.is_file()}
        about: dict[str, Any] = {
            "board": board,
            "car": car,
            "texts": texts,
            "names": made_of.names,  # module ("": all of them) -> short name -> what it stands for
            "files": {name: _digest(new / name) for name in sizes},
        }
        if unit and unit.resolve() == (folder / UNIT).resolve():
            del about["files"][UNIT]  # its owner's, and there alone
        (new / _MARK).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
        try:
            if folder.exists():
                shutil.rmtree(folder)
            shutil.copytree(new, folder)
        except OSError as error:
            raise AsvkitError(f"{folder}: cannot be written: {error.strerror}") from None
    return sizes


def _sources(boards: Path, home: Path, texts: str, *, short: bool) -> Shortened:
    packages = {"asvcore": core_source(), "asvboard": boards / "asvboard"}
    users = [home / MAIN]
    folded = fold(packages, users=users, without=_left_out(texts), spare=_SPARE)
    if not short:
        return Shortened(folded)
    return shorten(folded, users=users, program=True, foreign=board_names() | set(_LOOKED_AT))


def _refuse(folder: Path, unit: Path | None) -> None:
    """UsageError for a folder that is not ours to replace, or holds what was changed since it was made."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: is no folder; give the image one of its own")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    try:
        made = json.loads((folder / _MARK).read_text(encoding="utf-8"))["files"].items()
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        raise UsageError(
            f"{folder}: is not empty and no image made before; give the image a folder of its own"
        ) from None
    known = {(str(name), str(digest)) for name, digest in made}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if not path.is_file() or name == _MARK or (unit and unit.resolve() == path.resolve()):
            continue
        if (name, _digest(path)) not in known:
            mend = f"give it as UNIT={path}" if name == UNIT else "take it away, or give another DIR"
            raise UsageError(f"{path}: is not as the image was made; {mend}")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _left_out(texts: str) -> list[str]:
    """Modules of languages not asked for."""
    kept = TEXTS[texts]
    left_out = [f"asvcore.texts_{language}" for language in LANGUAGES if language not in kept]
    return left_out if kept else [*left_out, "asvcore.texts"]


def _configuration(path: Path, boards: Path, home: Path) -> str:
    """The text of a unit.json that the board takes; UsageError with its first problem."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or 'it is no UTF-8'}") from None
    sys.path.insert(0, str(boards))
    try:
        config = importlib.import_module("asvboard.config")  # of the boards, which are no part of this environment

        _config, problems = config.load(text, _board(home / MAIN))
    finally:
        sys.path.remove(str(boards))
    if problems:
        told = [str(problem).removeprefix(f"{UNIT}: ") for problem in problems]
        raise UsageError(f"{path}: {'; '.join(told)}")
    return text


def _board(main: Path) -> Any:
    """The board's own pins: what its program defines, without what it does."""
    tree = ast.parse(main.read_text(encoding="utf-8"), str(main))
    kinds = (ast.Assign, ast.FunctionDef, ast.ImportFrom)
    tree.body = [each for each in tree.body if isinstance(each, kinds)]
    names: dict[str, Any] = {}
    exec(compile(tree, str(main), "exec"), names)  # noqa: S102 - the project's own
    return names["Board"](names["PINS"], names["USABLE"], names["refuse"])


def _car(name: str) -> dict[str, Any]:
    from asvunit.vehicle import VehicleMap

    return VehicleMap.load(name).compiled()


def told(folder: Path, sizes: dict[str, int]) -> str:
    """What is in it, and how it gets to the board."""
    width = max(map(len, sizes))
    lines = [f"{name:{width}}  {size:>7,}" for name, size in sizes.items()]
    lines += [f"{'all':{width}}  {sum(sizes.values()):>7,} bytes", "", "To the board, from this folder:"]
    lines += [f"  cd {shlex.quote(str(folder))} && mpremote fs cp -r lib {MAIN} {UNIT} {CAR} : + reset"]
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Build and tell; errors of one line."""
    parser = argparse.ArgumentParser(prog="python -m asvtools.firmware.image", description="A folder for a board.")
    parser.add_argument("folder", nargs="?", default="", help="a new folder, or that of an image made before")
    parser.add_argument("--board", choices=sorted(BOARDS), default="pico_w")
    parser.add_argument("--unit", default="", help="a unit.json; else the board's example")
    parser.add_argument("--car", default="", help="a map by name or file; else that of the bench")
    parser.add_argument("--texts", default="", help=f"the driver's texts: {' '.join(TEXTS)}; else en")
    parser.add_argument("--names", default="", help=f"{' '.join(NAMES)}: as a board has room for, or as written")
    given = parser.parse_args(arguments)
    texts = given.texts or "en"
    try:
        if not given.folder:
            raise UsageError("no folder for the image: make firmware-image DIR=build/pico-w")
        if texts not in TEXTS:
            raise UsageError(f"texts: no {texts}; there are {' '.join(TEXTS)}")
        if given.names and given.names not in NAMES:
            raise UsageError(f"names: no {given.names}; there are {' '.join(NAMES)}")
        folder = Path(given.folder)
        unit = Path(given.unit) if given.unit else None
        sizes = build(
            folder, board=given.board, unit=unit, car=given.car or "bench", texts=texts, short=given.names != FULL
        )
    except AsvkitError as error:
        sys.stderr.write(f"asvkit: {error}\n")
        return 2 if isinstance(error, UsageError) else 1
    sys.stdout.write(told(folder, sizes))
    return 0


if __name__ == "__main__":
    sys.exit(main())
