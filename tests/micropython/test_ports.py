"""The ports themselves: exit codes, arguments, files, memory, and what they do not let in."""

import json
from pathlib import Path

import pytest

from asvtools.firmware import ports
from asvtools.firmware.ports import OWN_VARIABLE, Port, ScriptFailed, find_ports
from asvunit.errors import AsvkitError

pytestmark = pytest.mark.micropython

# Frozen into one port or the other, absent on a bare board
LACKING = (
    "abc", "argparse", "asyncio", "base64", "contextlib", "copy", "dataclasses", "datetime", "enum", "functools",
    "inspect", "itertools", "logging", "pathlib", "typing", "unittest", "requests", "mip",
)  # fmt: skip


def script(folder: Path, text: str) -> Path:
    path = folder / "script.py"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        ("import nothing_such", 1, "ImportError"),
        ("def x(:\n", 1, "SyntaxError"),
        ("1 // 0", 1, "ZeroDivisionError"),
        ("import sys\nsys.exit(3)", 3, ""),
        ("raise SystemExit(7)", 7, ""),
        ("raise SystemExit('not so')", 1, ""),
    ],
)
def test_a_failing_script_fails(port: Port, tmp_path: Path, text: str, code: int, told: str) -> None:
    with pytest.raises(ScriptFailed) as failed:
        port.run(script(tmp_path, f"print('begun')\n{text}\n"))
    assert failed.value.code == code
    assert told in str(failed.value)
    assert "script.py" in str(failed.value)


@pytest.mark.parametrize("text", ["raise SystemExit", "import sys\nsys.exit(0)"])
def test_a_script_that_ends_well(port: Port, tmp_path: Path, text: str) -> None:
    assert port.run(script(tmp_path, f"print('begun')\n{text}\n")) == "begun\n"


def test_a_traceback_tells_file_and_line(port: Port, tmp_path: Path) -> None:
    with pytest.raises(ScriptFailed, match=r'script\.py", line 5, in inner'):
        port.run(script(tmp_path, "# one\n\n\ndef inner():\n    [][0]\ninner()\n"))


def test_arguments_and_files_are_the_same_everywhere(port: Port, tmp_path: Path) -> None:
    (tmp_path / "folder" / "part").mkdir(parents=True)
    (tmp_path / "folder" / "part" / "mod.py").write_text("NAME = 'mod'\n")
    (tmp_path / "folder" / "bytes").write_bytes(bytes(range(256)))
    (tmp_path / "beside.py").write_text("VALUE = 5\n")
    (tmp_path / "given.json").write_text('{"a": 1}')
    path = script(
        tmp_path,
        """
import sys, json
sys.path.insert(0, sys.argv[1])
from part.mod import NAME
from beside import VALUE
with open(sys.argv[1] + "/bytes", "rb") as file: data = file.read()
with open("unit.json") as file: unit = json.load(file)
with open("sub/unit.json") as file: assert json.load(file) == unit
print(json.dumps([sys.argv[2:], sum(data), NAME, VALUE, unit, __name__]))
""",
    )
    words = ["two words", 'quo"te\\', "", "日本", "-x"]
    files = {"unit.json": tmp_path / "given.json", "sub/unit.json": tmp_path / "given.json"}
    out = port.run(path, [tmp_path / "folder", *words], files=files)
    assert json.loads(out) == [words, 32640, "mod", 5, {"a": 1}, "__main__"]


def test_much_output_comes_whole(port: Port, tmp_path: Path) -> None:
    out = port.run(script(tmp_path, "for n in range(60000): print(n, 'é' * 20)\n"))
    assert out.splitlines() == [f"{n} {'é' * 20}" for n in range(60000)]


def test_no_module_that_a_bare_board_lacks_comes_in(port: Port, tmp_path: Path) -> None:
    names = "".join(
        f"try:\n    import {name}\n    print('{name}')\nexcept ImportError:\n    pass\n" for name in LACKING
    )
    assert port.run(script(tmp_path, f"{names}import array, struct, json\nprint('end')\n")) == "end\n"


def test_the_heap_has_an_end(port: Port, tmp_path: Path) -> None:
    path = script(tmp_path, "import sys\nheld = []\nfor n in range(int(sys.argv[1])): held.append(bytes(1000))\n")
    port.run(path, [150], heap_kb=256)
    with pytest.raises(ScriptFailed, match="MemoryError"):
        port.run(path, [300], heap_kb=256)
    port.run(path, [300])


STAGED = """
import gc
held = []
def nothing(): gc.collect()
def garbage():
    for n in range(100): bytes(1000)
def array():
    held.append(bytearray(20000))
def freed(): held.clear()
STAGES = (nothing, garbage, array, freed)
"""


def test_memory_is_told_of_each_stage(port: Port, tmp_path: Path) -> None:
    used = port.measure(script(tmp_path, STAGED), heap_kb=256)
    assert list(used) == ["", "nothing", "garbage", "array", "freed"]
    assert abs(used["garbage"] - used["nothing"]) < 1500  # one piece may be seen on a native stack
    assert abs(used["array"] - used["garbage"] - 20000) < 1500
    assert abs(used["freed"] - used["garbage"]) < 1500


def test_the_wasm_port_tells_memory_exactly(wasm: Port, tmp_path: Path) -> None:
    used = wasm.measure(script(tmp_path, STAGED))
    assert used["garbage"] == used["nothing"] == used["freed"]
    assert 20000 <= used["array"] - used["garbage"] <= 20064


def test_a_stage_that_fails_fails(port: Port, tmp_path: Path) -> None:
    with pytest.raises(ScriptFailed, match="IndexError"):
        port.measure(script(tmp_path, "def bad(): [][0]\nSTAGES = (bad,)\n"))


def test_the_wasm_port_has_the_integers_of_a_board(wasm: Port, tmp_path: Path) -> None:
    text = "half, x = 1 << 29, 0\nimport micropython\nmicropython.heap_lock()\nx = half + (half {})\nprint(x)\n"
    with pytest.raises(ScriptFailed, match="MemoryError"):
        wasm.run(script(tmp_path, text.format("- 0")))
    wasm.run(script(tmp_path, text.replace("print(x)", "micropython.heap_unlock()").format("- 1")))
    with pytest.raises(ScriptFailed, match="MemoryError"):
        wasm.run(script(tmp_path, text.replace("half +", "- half -").format("+ 1")))


@pytest.mark.parametrize("code", ["[x, 2]", "x / 2"], ids=["list", "float"])
def test_the_lock_would_show_an_allocation(port: Port, tmp_path: Path, code: str) -> None:
    """Of a float too: what runs under the lock computes none."""
    with pytest.raises(ScriptFailed, match="MemoryError"):
        port.run(script(tmp_path, f"import micropython\nx = 5\nmicropython.heap_lock()\n{code}\n"))


def test_a_script_without_end_is_ended(port: Port, tmp_path: Path) -> None:
    with pytest.raises(AsvkitError, match="no end after"):
        port.run(script(tmp_path, "while True: pass\n"), timeout_s=0.5)


def test_what_is_absent_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(ports.shutil, "which", lambda _name: None)
    monkeypatch.setattr(ports.sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv(OWN_VARIABLE, str(tmp_path / "mine"))
    told = {port.name: port for port in find_ports()}
    assert list(told) == ["native", "wasm", "own"]
    assert not any(port.available() for port in told.values())
    assert "no node" in told["wasm"].reason
    with pytest.raises(AsvkitError, match="no micropython in the PATH"):
        told["native"].run(tmp_path / "x.py")
    (tmp_path / "mine").touch()
    assert find_ports()[2].available()
    monkeypatch.setattr(ports.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(ports, "MODULES", tmp_path)
    assert "npm package" in find_ports()[1].reason


def test_the_lock_file_names_no_registry() -> None:
    folder = Path(ports.__file__).parent / "wasm"
    lock = json.loads((folder / "package-lock.json").read_text())
    (package,) = [entry for name, entry in lock["packages"].items() if name]
    assert "resolved" not in package
    assert package["integrity"].startswith("sha512-")
    wanted = json.loads((folder / "package.json").read_text())["dependencies"]
    assert wanted == {ports.PACKAGE: package["version"]}
