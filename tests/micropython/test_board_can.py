"""The board's CAN input on real MicroPythons: CPython's signals of the same frames and faults, and no allocation."""

import json
import random
from pathlib import Path

import pytest

from asvtools.firmware.ports import Port, ScriptFailed
from asvunit.vehicle import VehicleMap
from gatetools import FIRMWARE, HERE, cpython, same
from trucktools import CCVS, EEC2, ETC2, OEL, identifier, truck

pytestmark = pytest.mark.micropython

RUN = HERE / "run_board_can.py"
FIXED = (FIRMWARE, FIRMWARE / "boards", HERE / "fakes")
FAULTS = ("vanish 255", "back", "brown_out", "vanish 0", "back", "garble 3", "frame_error 1", "garble 30", "brown_out")


def tape(path: Path, frames: list[tuple[int, bool]], seed: int) -> None:
    """Random frames, several at once, with faults and silences."""
    rng = random.Random(seed)
    lines, t, faults = [], 100, 0
    for step in range(3000):
        t += rng.choice((0, 0, 5, 10, 20))
        identifier_, extended = rng.choice(frames)
        data = rng.randbytes(8 if rng.random() < 0.95 else rng.randrange(9))
        lines.append(f"{t} {identifier_} {int(extended)} {data.hex() or '-'}")
        if step % 250 == 200:
            lines.append(f"{t} {FAULTS[faults % len(FAULTS)]}")
            faults += 1
            t += 1000
        if step == 1500:
            lines.append("R 5000")
            t -= 5000
    path.write_text("\n".join(lines) + "\n")


def both(port: Port, tmp_path: Path, car: VehicleMap, frames: list[tuple[int, bool]]) -> list[str]:
    compiled, taped = tmp_path / "car.json", tmp_path / "frames"
    compiled.write_text(json.dumps(car.compiled()))
    tape(taped, frames, 4)
    wanted = cpython(RUN, *FIXED, compiled, taped)
    same(port, wanted, RUN, *FIXED, compiled, taped, "lock")
    return wanted.splitlines()


def test_the_bench_vehicle(port: Port, tmp_path: Path) -> None:
    lines = both(port, tmp_path, VehicleMap.load("bench"), [(256, False), (512, False), (513, False), (256, True)])
    assert {"opening", "ok", "silent_bus", "absent"} <= set(lines)
    taken, frames, overflows, losses, restarts, _garbage = map(int, lines[-2].split())
    assert taken == frames > 800
    assert min(overflows, losses, restarts) > 0
    assert lines[-1].endswith("[] 0")  # nothing sent


@pytest.mark.long
def test_a_truck(port: Port, tmp_path: Path) -> None:
    frames = [(identifier(group, sender), True) for group in (CCVS, EEC2, ETC2, OEL) for sender in (0, 3)]
    lines = both(port, tmp_path, truck(tmp_path), frames)
    assert sum(line[0].isdigit() for line in lines) > 500


def test_the_lock_would_show_an_allocation(native: Port, tmp_path: Path) -> None:
    compiled, taped = tmp_path / "car.json", tmp_path / "frames"
    compiled.write_text(json.dumps(VehicleMap.load("bench").compiled()))
    tape(taped, [(256, False)], 1)
    text = RUN.read_text().replace("record[0] = signal", "record[0] = [signal][0]")
    script = tmp_path / "run.py"
    script.write_text(text)
    with pytest.raises(ScriptFailed, match="MemoryError"):
        native.run(script, [*FIXED, compiled, taped, "lock"])
