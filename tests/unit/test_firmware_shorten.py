"""Short names: what a program means stays, whatever it does with its names."""

import subprocess
import sys
from pathlib import Path

import pytest

from asvtools.firmware.board_names import board_names
from asvtools.firmware.fold import fold
from asvtools.firmware.measure import BOARD_ARCH, core_source
from asvtools.firmware.mpy import compile_sources
from asvtools.firmware.shorten import shorten
from asvunit.errors import AsvkitError

FOREIGN = ("append", "self")


def answer(sources: dict[str, str], tmp_path: Path, question: str) -> str:
    for name, text in sources.items():
        place = tmp_path / name.replace(".", "/")
        path = place / "__init__.py" if "." not in name else place.with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    command = [sys.executable, "-c", question]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env={"PYTHONPATH": "."})
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def pack(**modules: str) -> dict[str, str]:
    return {"pack": "", **{f"pack.{name}": text for name, text in modules.items()}}


# === what => what it prints; --- module
TEXT = """\
=== inheritance => (16, 10)
--- base
@BASE
--- use
from .base import Base

class Child(Base):
    def __init__(self):
        super().__init__(10)
        self._mine = 5

    def asked(self):
        return self._add(self._mine), self._kept

def ask():
    return Child().asked()

=== inheritance by a module's name => (4, 7)
--- base
@BASE
--- use
from . import base as bottom

class Child(bottom.Base):
    def __init__(self):
        super().__init__(1)
        self._other = 7

def ask():
    return Child()._add(2), Child()._other

=== inheritance through a third module => (4, 7)
--- base
@BASE
--- middle
from .base import Base
--- use
from .middle import Base

class Child(Base):
    def __init__(self):
        super().__init__(1)
        self._alien = 7

def ask():
    return Child()._add(2), Child()._alien

=== a class that is bound anew => (4, 7)
--- base
@BASE
--- use
from . import base

Found = [base.Base][0]

class Child(Found):
    def __init__(self):
        super().__init__(1)
        self._alien = 7

def ask():
    return Child()._add(2), Child()._alien

=== set on another module's object => (4, 8)
--- base
@BASE
--- use
from .base import Base

def ask():
    one = Base(3)
    one._mark = 8
    return one._add(0), one._mark

=== set in a static method => (4, 8)
--- base
@BASE
--- use
from .base import Base

class Marks:
    @staticmethod
    def put(one):
        one._mark = 8
        return one

def ask():
    one = Marks.put(Base(3))
    return one._add(0), one._mark

=== looked for => (9, None)
--- base
@BASE
--- use
from .base import Base

class Marked:
    def __init__(self):
        self._mark = 9

def mark_of(one):
    try:
        return one._mark
    except AttributeError:
        return None

def ask():
    return mark_of(Marked()), mark_of(Base(3))

=== strings => ('fs', 'fs')
--- use
NAMES = ('_first', '_second')

class Row:
    def __init__(self):
        for name in NAMES:
            setattr(self, name, name[1])
        self._third = self._first + self._second

def ask():
    return Row()._third, getattr(Row(), '_third')

=== names put together => ([4, 4], 1)
--- use
class Row:
    def __init__(self):
        self._in_ms = self._in_s = 4
        self.of_ms = 1

def ask():
    row = Row()
    return [getattr(row, '_in_' + unit) for unit in ('ms', 's')], getattr(row, 'of' + '_ms')

=== the same name in two modules => (6, 1)
--- base
_count = 1

def _more(_by):
    return _count + _by
--- use
from . import base
from .base import _more

_count = 5

def ask():
    return _more(_by=_count), base._count

=== keyword arguments => (12, 3, ['_a'])
--- base
def far(_way, speed=2, *, lift=0):
    return _way * speed + lift
--- use
from .base import far

_a = 4

def ask():
    return far(speed=3, _way=_a), far(1, lift=1), list(dict(_a=1))

=== any keyword arguments => 26
--- use
def far(way, **others):
    return way * len(others)

def ask():
    return far(1, **{chr(number): 0 for number in range(97, 123)})

=== shadowing => ((2110, [7, 8], 10), 1)
--- use
_one = 1

def inner(number, other):
    _one = number

    def deeper(number, again=other):
        return number + _one + other + again

    return deeper(100), [number for number in (7, 8)], number

def ask():
    return inner(10, 1000), _one

=== functions that change what is outside => (7, 12)
--- use
_count = 0

def count(by):
    global _count
    _count += by
    total = 0

    def more(by):
        nonlocal total
        total += by
        return total

    return more(by) + more(1) + _count

def ask():
    return count(2), count(3)

=== parameters that mean something else besides => ((6, 'inte', 3), ({1: 2}, ((2,), 1)))
--- use
def one(value, error, kind, left):
    try:
        value = value // left
    except ZeroDivisionError as error:
        kind = str(error)[:4]
    from math import pi as left
    return value, kind, int(left)

def two(names, key=lambda names: names[0]):
    return {key: names for key, names in names}, (lambda key, *rest: (rest, key))(1, 2)

def ask():
    return one(6, 0, 'kind', 0), two([(1, 2)])

=== decorators, properties and attributes of parameters' names => (8, 3)
--- use
def _twice(function):
    def twice(self, value):
        return 2 * function(self, value)

    return twice

class Row:
    value = 3

    @property
    def _size(self):
        return self.value

    @_twice
    def put(self, value):
        self.value = value
        return self._size

def ask():
    return Row().put(4), Row()._size

=== text of f-strings => 5    3 number=3
--- use
_name = 5

def ask():
    return _tell(3, 4)

def _tell(number, width):
    return f'{_name} {number:{width}d} {number=}'

=== short names that are taken => (1, 2, 2, 4)
--- use
_0 = 1
a = b = 2

def ask():
    _long = 3
    return _0, a, b, _other(_long)

def _other(given):
    return given + _0

=== slots => 2
--- use
class Row:
    __slots__ = ('_cell', 'other')

    def __init__(self):
        self._cell = self.other = 2

def ask():
    return Row()._cell
"""
BASE = """\
class Base:
    def __init__(self, given):
        self._kept = given
        self.__own = 1

    def _add(self, number):
        return self._kept + number + self.__own
"""


def traps() -> dict[str, tuple[str, dict[str, str]]]:
    found = {}
    for text in TEXT.replace("@BASE", BASE).split("=== ")[1:]:
        head, *modules = text.split("--- ")
        what, wanted = head.strip().split(" => ")
        found[what] = wanted, dict(module.split("\n", 1) for module in modules)
    return found


TRAPS = traps()


@pytest.mark.parametrize("program", [False, True], ids=["library", "program"])
@pytest.mark.parametrize("trap", TRAPS)
def test_what_a_program_means_stays(tmp_path: Path, trap: str, program: bool) -> None:
    wanted, modules = TRAPS[trap]
    main = tmp_path / "main.py"
    main.write_text("from pack.use import ask\nprint(ask())\n")
    made = shorten(pack(**modules), users=[main], program=program, foreign=FOREIGN)
    assert not program or made.sources != pack(**modules)
    assert answer(made.sources, tmp_path, main.read_text()) == wanted


def test_modules_have_the_same_short_names_where_no_object_has_both() -> None:
    one = "class A:\n    def f(self):\n        self._one = 1\n"
    two = "class B:\n    def f(self):\n        self._two = 1\n"
    made = shorten(pack(one=one, two=two))
    assert "self._0 = 1" in made.sources["pack.one"]
    assert "self._0 = 1" in made.sources["pack.two"]
    assert made.names == {"pack.one": {"_0": "_one"}, "pack.two": {"_0": "_two"}}
    apart = shorten(pack(one=one, two="from .one import A\n" + two.replace("class B", "class B(A)")))
    assert apart.sources["pack.one"].count("_0") + apart.sources["pack.two"].count("_0") == 1
    elsewhere = shorten(pack(one=one, two="def f(it):\n    it._two = 1\n"))
    assert elsewhere.names[""] == {"_0": "_two"}
    assert "_0" not in elsewhere.sources["pack.one"]


def test_a_library_keeps_what_is_not_private_and_a_program_what_is_foreign(tmp_path: Path) -> None:
    text = "class Row:\n    def append(self, first, last):\n        self.total = first + last\n"
    assert shorten(pack(row=text)).sources["pack.row"] == text
    made = shorten(pack(row=text), program=True, foreign=FOREIGN)
    assert made.sources["pack.row"] == "class y:\n    def append(self, a, b):\n        self.z = a + b\n"
    assert made.names == {"pack.row": {"y": "Row", "z": "total"}}
    user = tmp_path / "main.py"
    user.write_text("from pack.row import Row\nRow().append(last=1, first=2)\ngetattr(Row(), 'total')\n")
    assert shorten(pack(row=text), users=[user], program=True, foreign=FOREIGN).sources["pack.row"] == text


def test_nothing_else_of_the_text_moves() -> None:
    text = "def _f(one):\n    a, b = one, _g  # _f\n    return (a\n        , b)\n\n\n_g = 'é'; _h = _g\n"
    wanted = "def _0(one):\n    a, b = one, _1  # _f\n    return (a\n        , b)\n\n\n_1 = 'é'; _2 = _1\n"
    assert shorten(pack(use=text)).sources["pack.use"] == wanted


def test_an_import_of_all_cannot_be_followed() -> None:
    with pytest.raises(AsvkitError, match=r"import of \*"):
        shorten(pack(one="X = 1\n", two="from .one import *\n"), program=True)


def test_a_boards_own_names_are_known() -> None:
    names = board_names()
    assert {"readinto", "duty_u16", "PULL_UP", "from_bytes", "mem_free", "sendto", "ipoll", "append", "rxbuf"} <= names


@pytest.mark.long
@pytest.mark.micropython
def test_machine_code_has_short_names_too(tmp_path: Path) -> None:
    boards = core_source().parent / "boards"
    packages = {"asvcore": core_source(), "asvboard": boards / "asvboard"}
    folded = fold(packages, users=[boards / "pico_w" / "main.py"], without=["asvcore.elements"])
    made = shorten(folded, program=True, foreign=board_names()).sources
    assert "ptr8" in made["asvboard.nmea_viper"]
    assert made["asvcore.codec_viper"] != folded["asvcore.codec_viper"]
    for march in (BOARD_ARCH, "x64"):
        outs = {name: tmp_path / march / name for name in ("asvcore", "asvboard")}
        sizes = compile_sources(made, outs, march=march)
        assert "codec_viper" in sizes["asvcore"]
        assert "nmea_viper" in sizes["asvboard"]
    assert sum(map(len, made.values())) < 0.85 * sum(map(len, folded.values()))
