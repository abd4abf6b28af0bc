"""Folding of constants: what it may take away, and the traps that it must leave alone."""

import subprocess
import sys
from pathlib import Path

import pytest

from asvtools.firmware.crowd import write_crowd
from asvtools.firmware.fold import fold
from asvtools.firmware.measure import core_source
from asvtools.firmware.mpy import compile_package, compile_packages, cross_compile
from asvunit.errors import AsvkitError

RUN_JOURNAL = Path(__file__).parents[1] / "micropython" / "run_journal.py"


def package(folder: Path, name: str = "pack", **modules: str) -> Path:
    made = folder / name
    made.mkdir()
    (made / "__init__.py").write_text('"""A package."""\n')
    for module, text in modules.items():
        (made / f"{module}.py").write_text(text)
    return made


def answers(sources: dict[str, str], tmp_path: Path, question: str) -> str:
    """What a question prints beside folded sources."""
    home = tmp_path / "folded"
    for name, text in sources.items():
        package_name, _dot, module = name.partition(".")
        (home / package_name).mkdir(parents=True, exist_ok=True)
        (home / package_name / f"{module or '__init__'}.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-c", question], cwd=home, capture_output=True, text=True, check=False, env={"PYTHONPATH": "."}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


CODES = '"""Codes."""\nA = 1\nB = A + 2\nNEGATIVE = -(1 << 5)\nLEFT, RIGHT = 7, 8\n_OWN = B * 10\n'


def test_constants_go_into_their_users_and_what_nobody_reads_goes(tmp_path: Path) -> None:
    use = 'from . import codes\nfrom .codes import NEGATIVE as LOW\n\n\ndef all_of_it():\n    """Doc."""\n'
    use += "    return codes.A, codes.B, LOW ** 2, codes.LEFT, codes.RIGHT, -LOW, codes.B.real\n"
    folded = fold({"pack": package(tmp_path, codes=CODES, use=use)})
    assert set(folded) == {"pack", "pack.use"}  # codes held constants alone
    assert "import" not in folded["pack.use"]
    assert "Doc" not in folded["pack.use"]
    told = answers(folded, tmp_path, "from pack import use; print(*use.all_of_it())")
    assert told == "1 3 1024 7 8 32 3"


@pytest.mark.parametrize(
    "deed",
    [
        "FOUND.append(3)",
        "_NONE = FOUND.append(3)",
        "@FOUND.append\ndef handler():\n    pass",
        "class Kind(FOUND.append(3) or object):\n    pass",
        "def handler(place=FOUND.append(3)):\n    pass",
        "try:\n    FOUND.append(3)\nexcept AttributeError:\n    pass",
    ],
)
def test_a_module_that_does_something_stays_though_its_constants_go(tmp_path: Path, deed: str) -> None:
    codes = f"from .found import FOUND\n\nA = 5\n{deed}\n"
    use = "from . import codes\nfrom .found import FOUND\nprint(codes.A, len(FOUND))\n"
    folded = fold({"pack": package(tmp_path, codes=codes, found="FOUND = []\n", use=use)})
    assert answers(folded, tmp_path, "from pack import use") == "5 1"


def test_packages_fold_together_and_users_keep_what_they_import(tmp_path: Path) -> None:
    core = package(tmp_path, "core", codes=CODES, other="X = 5\nKEPT = (1, 2)\n")
    board = package(tmp_path, "board", unit="from core import codes\nfrom core.other import X\nprint(codes.B + X)\n")
    folded = fold({"core": core, "board": board})
    assert set(folded) == {"core", "core.other", "board", "board.unit"}
    assert "X" not in folded["core.other"]
    assert "KEPT" in folded["core.other"]
    assert answers(folded, tmp_path, "import board.unit") == "8"
    user = tmp_path / "main.py"
    user.write_text("from core.codes import RIGHT\nfrom core import other\nprint(RIGHT, other.X)\n")
    folded = fold({"core": core, "board": board}, users=[user])
    assert "RIGHT" in folded["core.codes"]
    assert "_OWN" not in folded["core.codes"]
    assert answers(folded, tmp_path / "again", user.read_text()) == "8 5"


@pytest.mark.parametrize(
    ("text", "question", "wanted"),
    [
        ("from .codes import A\n\n\ndef f(A):\n    return A\n", "use.f(9)", "9"),
        ("from .codes import A\n\n\ndef f():\n    A = 9\n    return A\n", "use.f()", "9"),
        ("from .codes import A\n\n\ndef f():\n    return [A for A in (9,)][0] + A\n", "use.f()", "10"),
        ("from .codes import A\n\n\nclass K:\n    A = 9\n\n    def f(self):\n        return A, self.A\n", "use.K().f()",
         "(1, 9)"),
        ("from . import codes\n\n\ndef f(codes):\n    return codes.A\n", "use.f(type('K', (), {'A': 9}))", "9"),
        ("from . import codes\n\n\ndef f():\n    codes.A = 9\n    return codes.A\n", "use.f()", "9"),
        ("COUNT = 1\nCOUNT += 1\n", "use.COUNT", "2"),
        ("COUNT = 1\n\n\ndef f():\n    global COUNT\n    COUNT += 1\n    return COUNT\n", "use.f()", "2"),
        ("COUNT = 1\n\n\ndef f(x=(COUNT := 5)):\n    return COUNT\n", "use.f()", "5"),
        ("FLAG = True\n\n\ndef f():\n    return FLAG\n", "use.f()", "True"),
        ("from . import codes\n\n\ndef f():\n    return getattr(codes, 'B')\n", "use.f()", "3"),
        ("from . import codes\n\n\ndef f():\n    setattr(codes, 'B', 9)\n    return codes.B\n", "use.f()", "9"),
        ("from . import codes\n\n\ndef f():\n    return vars(codes)['B']\n", "use.f()", "3"),
        ("from . import codes\n\n\ndef f():\n    from .codes import B\n    return B, codes.A\n", "use.f()", "(3, 1)"),
        ("import pack.codes\n\n\ndef f():\n    return pack.codes.B\n", "use.f()", "3"),
        ("import pack.codes as it\n\n\ndef f():\n    return it.B\n", "use.f()", "3"),
        ("OWN = 4\n\n\ndef f():\n    return globals()['OWN'] + OWN\n", "use.f()", "8"),
        ("__all__ = ['OWN']\nOWN = 4\n", "__import__('pack.use', fromlist=['OWN']).OWN", "4"),
        ("from .codes import A\n\n\ndef f():\n    return f'{A}{A + 1:03d}'\n", "use.f()", "1002"),
        ("from .codes import *\n\n\ndef f():\n    return A + B\n", "use.f()", "4"),
        ("from .codes import B\nB = B + 1\n", "use.B", "4"),
        ("try:\n    from micropython import const\nexcept ImportError:\n\n    def const(x):\n        return x\n\n\n"
         "X = const(6)\n\n\ndef f():\n    return X\n", "(use.f(), hasattr(use, 'const'))", "(6, False)"),
        ("def const(x):\n    return x + 1\n\n\nX = const(6)\n\n\ndef f():\n    return X\n", "use.f()", "7"),
        ("from .codes import A\nif A:\n    from .codes import B\nelse:\n    B = 0\n\n\ndef f():\n    return B\n",
         "use.f()", "3"),
    ],
)  # fmt: skip
def test_what_a_name_means_stays(tmp_path: Path, text: str, question: str, wanted: str) -> None:
    folded = fold({"pack": package(tmp_path, codes=CODES, use=text)})
    assert answers(folded, tmp_path, f"from pack import use; print({question})") == wanted


def test_a_module_that_does_something_is_still_imported(tmp_path: Path) -> None:
    folded = fold({"pack": package(tmp_path, loud="X = 1\nprint('loud')\n", use="from .loud import X\nprint(X)\n")})
    assert answers(folded, tmp_path, "import pack.use").split() == ["loud", "1"]


def test_assignments_of_several_names_stay_without_a_tuple(tmp_path: Path) -> None:
    use = "from .codes import A, B\n\n\ndef f():\n    one, two = A, B\n    return one + two\n"
    assert "one, two = 1, 3" in fold({"pack": package(tmp_path, codes=CODES, use=use)})["pack.use"]


def test_no_python_is_told_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(AsvkitError, match=r"use\.py: cannot be folded: invalid syntax"):
        fold({"pack": package(tmp_path, use="def\n")})


def journal_of(tmp_path: Path) -> Path:
    path = tmp_path / "crowd.journal"
    write_crowd(path, neighbours=24, until_ms=6000)
    return path


def outputs(program: str | Path, firmware: Path, journal: Path, *words: str) -> str:
    done = subprocess.run(
        [str(program), str(RUN_JOURNAL), str(firmware), str(journal), *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout[-1000:]
    return done.stdout


@pytest.mark.long
def test_the_folded_core_gives_the_same_outputs(tmp_path: Path) -> None:
    journal = journal_of(tmp_path)
    home = tmp_path / "lib" / "asvcore"
    home.mkdir(parents=True)
    for name, text in fold({"asvcore": core_source()}, users=[RUN_JOURNAL]).items():
        (home / f"{name.partition('.')[2] or '__init__'}.py").write_text(text)
    wanted = outputs(sys.executable, core_source().parent, journal)
    assert wanted.count("\n") > 200
    assert outputs(sys.executable, home.parent, journal) == wanted


@pytest.mark.long
@pytest.mark.micropython
def test_the_folded_core_gives_the_same_outputs_as_mpy(tmp_path: Path) -> None:
    micropython = Path(sys.executable).parent / "micropython"
    if not micropython.exists():
        pytest.skip("no micropython for this machine (the packaged one is for x86-64 Linux)")
    journal = journal_of(tmp_path)
    plain = compile_package(core_source(), tmp_path / "plain" / "asvcore", fold=False)
    folded = compile_package(core_source(), tmp_path / "lib" / "asvcore", users=[RUN_JOURNAL])
    assert sum(folded.values()) < 0.85 * sum(plain.values())
    assert "codec_viper" not in folded  # native code is for a processor that is named
    wanted = outputs(sys.executable, core_source().parent, journal)
    assert outputs(micropython, tmp_path / "lib", journal, "lock") == wanted


def test_compiled_folders_hold_what_was_compiled_last(tmp_path: Path) -> None:
    pack = package(tmp_path, codes=CODES, use="from . import codes\n\n\ndef f():\n    return codes.A\n")
    out = tmp_path / "out"
    assert set(compile_package(pack, out, fold=False)) == {"__init__", "codes", "use"}
    sizes = compile_packages({"pack": pack}, {"pack": out})["pack"]
    assert sizes == {path.stem: path.stat().st_size for path in out.iterdir()}
    assert set(sizes) == {"__init__", "use"}
    with pytest.raises(AsvkitError, match="wrong: mpy-cross refuses it"):
        cross_compile("def\n", tmp_path / "wrong.mpy")
