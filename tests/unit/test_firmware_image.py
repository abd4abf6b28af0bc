"""The folder for a board: what is in it, and what is refused before anything is written."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from asvtools.firmware import image
from asvtools.firmware.image import BOARDS, main
from asvtools.firmware.mpy import compile_package

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "firmware" / "boards" / "pico_w" / "unit.json"


def told(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.long
def test_a_folder_ready_for_the_board(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "new" / "pico-w"
    code, out, err = told(capsys, folder)
    assert (code, err) == (0, "")
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert {"main.py", "unit.json", "car.json", "lib/asvcore/core.mpy", "lib/asvboard/unit.mpy"} <= names
    assert "lib/asvcore/codec_viper.mpy" in names
    assert not [name for name in names if name.startswith("lib/") and not name.endswith(".mpy")]
    assert not {f"lib/asvcore/{name}.mpy" for name in ("elements", "journal", "texts_ja")} & names
    assert json.loads((folder / "unit.json").read_text()) == json.loads(UNIT.read_text())
    assert json.loads((folder / "car.json").read_text())["rules"]
    for name in names - {"image.json"}:
        assert f"{(folder / name).stat().st_size:,}" in next(line for line in out.splitlines() if line.startswith(name))
    assert f"cd {folder} && mpremote fs cp -r lib main.py unit.json car.json :" in out
    # Again into the same folder, with less in it
    code, out, err = told(capsys, folder, "--texts", "none")
    assert (code, err) == (0, "")
    assert "texts" not in out
    assert not (folder / "lib" / "asvcore" / "texts_en.mpy").exists()


@pytest.mark.long
@pytest.mark.micropython
@pytest.mark.parametrize(("texts", "languages"), [("none", []), ("en", ["en"]), ("ja", ["ja"]), ("all", ["en", "ja"])])
def test_the_image_runs_what_the_board_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], texts: str, languages: list[str]
) -> None:
    micropython = Path(sys.executable).parent / "micropython"
    if not micropython.exists():
        pytest.skip("no micropython for this machine (the packaged one is for x86-64 Linux)")
    folder = tmp_path / "image"
    assert told(capsys, folder, "--texts", texts)[0] == 0
    script = tmp_path / "try.py"
    script.write_text(
        "import json, sys\nsys.path[:] = [sys.argv[1] + '/lib']\n"
        "from asvboard import start, unit, can_input, wifi, switches, safe\n"
        "from asvcore import can_table, core, settings\n"
        "with open(sys.argv[1] + '/image.json') as file:\n    names = json.load(file)['names']\n"
        "def of(module, name):\n"
        "    own = [names.get(each, {}) for each in ('', module.__name__)]\n"
        "    short = [short for rows in own for short in rows if rows[short] == name]\n"
        "    return getattr(module, (short + [name])[0])\n"
        "with open(sys.argv[1] + '/car.json') as file:\n    of(can_table, 'CanTable')(json.load(file))\n"
        "of(core, 'Core')(of(settings, 'Settings')())\n"
        "try:\n    from asvcore import texts\n    TEXTS = of(texts, 'TEXTS')\nexcept ImportError:\n    TEXTS = {}\n"
        "print(sorted(TEXTS), [len(TEXTS[each]) for each in TEXTS])\n"
    )
    done = subprocess.run([micropython, script, folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    assert done.stdout.strip() == f"{languages} {[16 for _ in languages]}"


@pytest.mark.long
def test_names_are_short_unless_they_are_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "image"
    sizes = []
    for names in ("short", "full"):
        assert told(capsys, folder, "--names", names)[0] == 0
        made = json.loads((folder / "image.json").read_text())
        assert bool(made["names"]) == (names == "short")
        code = b"".join((folder / "lib" / "asvcore" / f"{name}.mpy").read_bytes() for name in ("core", "cycle"))
        assert (b"take_message" in code) == (names == "full")
        assert b"time_back" in code  # looked at on a board
        sizes.append(sum(path.stat().st_size for path in folder.rglob("*.mpy")))
    assert sizes[0] < 0.9 * sizes[1]


def test_what_is_refused_is_told_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "letter.txt").write_text("mine")
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps(json.loads(UNIT.read_text()) | {"colour": "red"}))
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    new = tmp_path / "new"
    for arguments, words in (
        ((), "no folder for the image: make firmware-image DIR=build/pico-w"),
        (("",), "no folder for the image"),
        ((other,), "other: is not empty and no image made before"),
        ((wrong,), "wrong.json: is no folder"),
        ((new, "--car", "nix"), "nix: neither a file nor a map that comes with asvkit"),
        ((new, "--car", tmp_path / "none.toml"), "none.toml"),
        ((new, "--texts", "fr"), "texts: no fr; there are none en ja all"),
        ((new, "--names", "long"), "names: no long; there are short full"),
        ((new, "--unit", tmp_path / "none.json"), "none.json: cannot be read: No such file"),
        ((new, "--unit", wrong), "wrong.json: colour: no such key"),
        ((new, "--unit", broken), "broken.json: "),
    ):
        code, out, err = told(capsys, *arguments)
        assert (code, out) == (2, ""), arguments
        assert words in err
        assert err.count("\n") == 1
        assert err.startswith("asvkit: ")
    assert not new.exists()
    assert (other / "letter.txt").read_text() == "mine"


@pytest.mark.long
def test_what_was_changed_in_an_image_is_not_lost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "image"
    assert told(capsys, folder)[0] == 0
    own = folder / "unit.json"
    own.write_text(json.dumps(json.loads(own.read_text()) | {"hmi": {"language": "ja"}}))
    code, _out, err = told(capsys, folder)
    assert (code, err) == (2, f"asvkit: {own}: is not as the image was made; give it as UNIT={own}\n")
    assert told(capsys, folder, "--unit", own)[0] == 0
    assert json.loads(own.read_text())["hmi"] == {"language": "ja"}
    assert told(capsys, folder)[0] == 2  # it is there alone
    own.unlink()
    assert told(capsys, folder)[0] == 0
    (folder / "notes.txt").write_text("mine")
    assert "notes.txt: is not as the image was made; take it away" in told(capsys, folder)[2]
    assert (folder / "notes.txt").exists()
    (folder / "image.json").write_text("[]")
    assert "no image made before" in told(capsys, folder)[2]


@pytest.mark.long
def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "file"
    file.write_text("")
    code, _out, err = told(capsys, file / "below")
    assert code == 1
    assert "below: cannot be written: " in err
    assert err.count("\n") == 1


def test_the_boards_unit_is_one_that_it_takes() -> None:
    for board in BOARDS:
        home = ROOT / "firmware" / "boards" / board
        assert image._configuration(home / "unit.json", home.parent, home)


def test_the_boards_package_compiles_by_itself_too(tmp_path: Path) -> None:
    sizes = compile_package(ROOT / "firmware" / "boards" / "asvboard", tmp_path / "asvboard")
    assert set(sizes) >= {"unit", "config", "__init__"}
