"""CAN frames through compiled vehicle maps on real MicroPythons: CPython's signals, and no allocation."""

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from asvtools.firmware.ports import Port
from asvunit.ports import OK
from asvunit.vehicle import VehicleMap
from carmaps import CAR, EVERYTHING, SIZES
from gatetools import ALL, FIRMWARE, HERE, Make, SharedOnce, cpython, same
from trucktools import CCVS, EEC2, ETC2, OEL, RETARDER, VDC2, identifier, truck

pytestmark = pytest.mark.micropython

RUN = HERE / "run_can_table.py"
Taped = Callable[[Make], tuple[Path, str]]


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


def peculiar(folder: Path) -> None:
    """The car of many peculiarities."""
    (folder / "car.dbc").write_text(CAR)
    (folder / "car.toml").write_text(f'map = 1\nname = "car"\ndatabase.file = "car.dbc"\n{EVERYTHING}')
    (folder / "map.json").write_text(json.dumps(VehicleMap.load(folder / "car.toml").compiled()))
    frames_of(folder / "frames")


def bench(folder: Path) -> None:
    """The bench's vehicle."""
    (folder / "map.json").write_text(json.dumps(VehicleMap.load("bench").compiled()))
    rng = random.Random(12)
    (folder / "frames").write_text(
        "".join(f"0 {rng.choice((256, 512))} 0 {t} {rng.randbytes(8).hex()}\n" for t in range(0, 20_000, 20))
    )


def lorry(folder: Path) -> None:
    """A truck by J1939: 29-bit identifiers, whoever sends them."""
    (folder / "map.json").write_text(json.dumps(truck(folder).compiled()))
    rng = random.Random(13)
    lines = []
    for t in range(0, 20_000, 5):
        number = identifier(
            rng.choice((CCVS, EEC2, VDC2, ETC2, OEL, RETARDER)), rng.choice((0, 3, 11)), rng.randrange(8)
        )
        data = bytes(0xFF if rng.random() < 0.3 else rng.randrange(256) for _ in range(8))
        lines.append(f"0 {number} 1 {t} {data.hex()}\n")
        if t == 10_000:
            lines.append("R 5000\n")
    (folder / "frames").write_text("".join(lines))


@pytest.fixture(scope="session")
def taped(shared_once: SharedOnce) -> Taped:
    """By a car: its folder, and what CPython makes of its frames."""

    def of(write: Make) -> tuple[Path, str]:
        def make(folder: Path) -> None:
            write(folder)
            (folder / "wanted").write_text(cpython(RUN, FIRMWARE, folder / "map.json", folder / "frames"))

        folder = shared_once(f"can_{write.__name__}", make)
        return folder, (folder / "wanted").read_text()

    return of


@pytest.mark.parametrize("write", [peculiar, bench, lorry], ids=lambda write: write.__name__)
def test_frames_give_the_same_signals_and_allocate_nothing(port: Port, source: Path, taped: Taped, write: Make) -> None:
    folder, wanted = taped(write)
    same(port, wanted, RUN, source, folder / "map.json", folder / "frames", "lock")
    if ALL:
        same(port, wanted, RUN, source, folder / "map.json", folder / "frames")


def test_frames_from_compiled_modules(port: Port, taped: Taped, compiled: Path) -> None:
    folder, wanted = taped(bench)
    same(port, wanted, RUN, compiled, folder / "map.json", folder / "frames", "lock")


def test_the_peculiar_frames_meet_everything(taped: Taped) -> None:
    wanted = taped(peculiar)[1].splitlines()
    counts = [int(word.strip("[,]")) for word in wanted[-1].split()[:7]]
    assert min(counts[1:]) > 0  # every reason to drop a frame was met
    each = [json.loads(line.split(" ", 2)[2].replace("(", "[").replace(")", "]")) for line in wanted[:-1]]
    told = {(signal, value) for line in each for signal, value, status in line if status == OK}
    assert told >= {(1, 4), (1, 5), (2, 4), (2, 5), (2, 6), (3, 4), (3, 5), (4, 1), (5, 120)}
    assert len({value for signal, value in told if signal == 0}) > 100


def test_the_truck_is_heard_whoever_sends(taped: Taped) -> None:
    wanted = taped(lorry)[1].splitlines()
    counts = [int(word.strip("[,]")) for word in wanted[-1].split()[:8]]
    assert counts[1] == 0  # all are the map's
    assert 100 < counts[7] < len(wanted) - 100
