"""The pictures of the real screen: those that the script takes, of their size, small, and of the right colours."""

import importlib.util
import struct
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "pictures"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pictures", ROOT / "tools" / "pictures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pictures_are_those_of_the_script(script: ModuleType) -> None:
    taken = {f"{one.name}.png": one.view[1] for demo in script.DEMOS.values() for one in demo}
    assert {path.name for path in FOLDER.iterdir()} == taken.keys()
    for name, size in taken.items():
        data = (FOLDER / name).read_bytes()
        assert data.startswith(b"\x89PNG\r\n"), name
        assert len(data) <= script.MOST_BYTES, name
        assert struct.unpack(">II", data[16:24]) == size, name


@pytest.mark.parametrize("arguments", [["--help"], ["pictures", "no_demo"]])
def test_what_is_no_demo_takes_no_picture(
    script: ModuleType, arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=f"^{arguments[-1]}: no demo; usage: .*crossing_50"):
        script.main(arguments)
    assert not list(tmp_path.iterdir())


def test_demos_of_the_script_are_there(script: ModuleType) -> None:
    from asvrig.scenario import scenario_names

    assert not script.DEMOS.keys() - set(scenario_names())


@pytest.mark.parametrize(
    ("name", "place", "colour"),
    [
        ("crossing-information", (20, 20), (11, 74, 162)),
        ("crossing-caution", (20, 20), (255, 200, 31)),
        ("keep-watching", (20, 20), (11, 74, 162)),
        ("gone", (20, 20), (27, 32, 38)),
        ("quiet", (20, 20), (10, 14, 19)),
    ],
)
def test_pictures_show_their_moment(name: str, place: tuple[int, int], colour: tuple[int, int, int]) -> None:
    """The colour of the banner; of an idle page and of one whose unit is gone the ground."""
    from PIL import Image

    found = Image.open(FOLDER / f"{name}.png").convert("RGB").getpixel(place)
    assert all(abs(one - other) <= 6 for one, other in zip(found, colour, strict=True)), found
