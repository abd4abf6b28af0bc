"""The board's CAN input against the unit's own decoding: the same signals of the same frames, through a chip."""

import copy
import json
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import can
import pytest
from asvboard import can_input
from asvboard.can_input import FRAMES_A_POLL, SILENT, STATES, CanInput, settings_from
from asvboard.mcp2515 import ABSENT, OK, Mcp2515

from asvcore.can_table import EXTENDED, REASONS, group_mask
from asvunit.adapters.can_log import CanLog
from asvunit.canbus.assembly import silence_s
from asvunit.config import Config
from asvunit.vehicle import VehicleMap
from boardtools import machine, mcp2515_chip, power_on
from boardtools import manual_time as board_time
from carmaps import CAR, EVERYTHING
from trucktools import CCVS, EEC2, ETC2, OEL, RETARDER, VDC2, identifier, truck

Told = list[tuple[int, int, int, int, int]]  # signal, value, status, source, time


class Core:
    """Takes down what it is given."""

    def __init__(self) -> None:
        self.told: Told = []

    def on_vehicle(self, signal: int, value: int, status: int, source: int, now_ms: int, cause: int) -> None:
        assert cause == 77
        self.told.append((signal, value, status, source, now_ms))


class Bench:
    """A car map on a board."""

    def __init__(self, compiled: dict[str, Any], **options: Any) -> None:
        power_on()
        self.chip = mcp2515_chip.Mcp2515Chip()
        spi = machine.SPI(0, 10_000_000)
        spi.device = self.chip
        machine.line(17).watcher = self.chip.select
        controller = Mcp2515(spi, machine.Pin(17, machine.Pin.OUT, value=1), 16_000_000, 500)
        self.car = CanInput(controller, json.loads(json.dumps(compiled)), **options)
        self.core = Core()
        self.poll(0)
        self.poll(5)
        assert self.car.state == OK

    def poll(self, now_ms: int) -> int:
        board_time.clock.start_at(now_ms)
        taken: int = self.car.poll(self.core, now_ms, 77)
        return taken


def through_both(car: VehicleMap, frames: Iterable[tuple[int, int, bool, bytes]]) -> tuple[Told, Told, Bench]:
    """What board and unit make of (time, identifier, extended, data): equal, or a test fails."""
    bench = Bench(car.compiled())
    wanted: Told = []
    for now_ms, identifier_, extended, data in frames:
        bench.chip.put(identifier_, data, extended=extended)
        bench.poll(now_ms)
        message = can.Message(
            timestamp=now_ms / 1000, arbitration_id=identifier_, is_extended_id=extended, data=data, check=True
        )
        wanted += [(one.signal, one.value, one.status, one.bus, now_ms) for one in car.decode(message)]
    return bench.core.told, wanted, bench


def test_bench_map() -> None:
    rng = random.Random(1)
    frames = [(10 + 10 * n, rng.choice((256, 512, 513)), rng.random() < 0.02, rng.randbytes(8)) for n in range(3000)]
    told, wanted, bench = through_both(VehicleMap.load("bench"), frames)
    assert told == wanted
    assert len(told) > 2000
    assert bench.car.table.counts[REASONS.index("unknown_id")] == 0  # the chip keeps out what is not wanted


def test_a_car_of_every_peculiarity(tmp_path: Path) -> None:
    (tmp_path / "car.dbc").write_text(CAR)
    path = tmp_path / "car.toml"
    # Its long frames are those of CAN FD, which this controller has not
    path.write_text(f'map = 1\nname = "car"\ndatabase.file = "car.dbc"\n{EVERYTHING}')
    compiled = VehicleMap.load(path).compiled()
    with pytest.raises(ValueError, match=r"^car map: frames of \d+ bytes are CAN FD"):
        Bench(compiled)


def test_a_truck(tmp_path: Path) -> None:
    rng = random.Random(2)
    frames = []
    for t in range(10, 40_000, 10):
        number = identifier(
            rng.choice((CCVS, EEC2, VDC2, ETC2, OEL, RETARDER)), rng.choice((0, 3, 11)), rng.randrange(8)
        )
        data = bytes(0xFF if rng.random() < 0.3 else rng.randrange(256) for _ in range(8))
        frames.append((t, number, True, data))
    told, wanted, _bench = through_both(truck(tmp_path), frames)
    assert told == wanted
    assert len(told) > 1000


@pytest.mark.long
def test_a_recorded_drive(shared: Path) -> None:
    path = shared / "data" / "can" / "toyota_new_mc_pt.log"
    maps = Path(__file__).resolve().parents[2] / "dbc" / "maps"
    source = next(one for one in sorted(maps.glob("*.toml")) if "toyota_new_mc_pt" in one.read_text())
    car = VehicleMap.load(source, [shared / "data" / "dbc"])
    drive = list(CanLog(path))
    begin_s = drive[0].timestamp
    frames = [
        (10 + round((one.timestamp - begin_s) * 1000), one.arbitration_id, one.is_extended_id, bytes(one.data))
        for one in drive
    ]
    told, wanted, bench = through_both(car, frames)
    assert told == wanted
    assert {one[0] for one in told} >= {0, 1, 2, 3, 4}
    assert bench.car.controller.overflows == bench.car.controller.garbage == 0


# Settings


def test_settings_are_those_of_the_unit(tmp_path: Path) -> None:
    for car in (VehicleMap.load("bench"), truck(tmp_path)):
        wanted = Config().settings(car.timeouts_ms, car.mapped)
        from asvcore.settings import Settings

        settings = Settings()
        settings_from(car.compiled(), settings)
        names = ["signals", "timeout_speed_ms", "timeout_brake_ms", "timeout_winker_ms", "timeout_hazard_ms"]
        names += ["timeout_shift_ms", "timeout_accelerator_ms", "timeout_acceleration_ms", "timeout_yaw_rate_ms"]
        names += ["timeout_emergency_ms"]
        assert [getattr(settings, name) for name in names] == [getattr(wanted, name) for name in names]
        assert settings.signals


def test_silence_is_that_of_the_unit(tmp_path: Path) -> None:
    for car in (VehicleMap.load("bench"), truck(tmp_path)):
        assert can_input.silence_ms(car.compiled()) == round(silence_s(list(car.feeds)) * 1000)
        without = car.compiled()
        del without["names"]
        assert can_input.silence_ms(without) >= 400


def test_wanted_frames_are_those_of_the_unit(tmp_path: Path) -> None:
    from asvboard.mcp2515_filters import wanted_of

    for car in (VehicleMap.load("bench"), truck(tmp_path)):
        assert wanted_of(car.compiled(), 0, group_mask) == [tuple(one) for one in car.filters()]
    assert EXTENDED == 1 << 29


# Limits and refusals


def compiled_bench() -> dict[str, Any]:
    return VehicleMap.load("bench").compiled()


def test_a_flood_does_not_stop_the_loop() -> None:
    bench = Bench(compiled_bench())
    receive = bench.car.controller.receive

    def flooded() -> bool:
        bench.chip.put(256, bytes(8))
        return bool(receive())

    bench.car.controller.receive = flooded
    assert bench.poll(100) == FRAMES_A_POLL


def test_a_bus_that_falls_silent() -> None:
    bench = Bench(compiled_bench())
    for t in range(100, 3000, 100):
        bench.poll(t)
    assert bench.car.state == OK  # a car that is switched off was never heard
    bench.chip.put(256, bytes(8))
    bench.poll(3000)
    bench.poll(3000 + bench.car.silence_ms - 1)
    assert bench.car.state == OK
    bench.poll(3000 + bench.car.silence_ms)
    assert STATES[bench.car.state] == "silent_bus"
    bench.car.rebase(2000)
    bench.poll(2000)
    assert bench.car.state == SILENT
    bench.chip.put(256, bytes(8))
    bench.poll(2100)
    assert bench.car.state == OK
    bench.chip.vanish()
    for t in range(2110, 4000, 10):
        bench.poll(t)
    assert bench.car.state == ABSENT


def two_buses() -> dict[str, Any]:
    compiled = compiled_bench()
    other = copy.deepcopy(compiled["frames"][1])
    compiled["frames"][1][0] = 1  # the second message is on another bus
    assert other[9]
    compiled["buses"] = 2
    for feed in compiled["names"]["feeds"]:
        feed["bus"] = int(feed["identifier"] == other[1])
    return compiled


def test_of_several_buses_the_first_alone_is_read_if_asked() -> None:
    from asvcore.settings import Settings

    compiled = two_buses()
    with pytest.raises(ValueError, match=r"^car map: it has 2 buses, this board reads one; [^\n]*$"):
        Bench(compiled)
    bench = Bench(compiled, first_bus_only=True)
    first, second = compiled["frames"][0][1], compiled["frames"][1][1]
    assert bench.chip.put(first, bytes(8)) == "RXB0"
    assert bench.chip.put(second, bytes(8)) == "filtered"
    all_of, of_first = Settings(), Settings()
    settings_from(compiled_bench(), all_of)
    settings_from(compiled, of_first)
    assert 0 < of_first.signals < all_of.signals


@pytest.mark.parametrize(
    "change",
    [
        {"compiled_map": 1}, {"frames": []}, {"frames": 3}, {"fields": [[1]]}, {"rules": []}, {"timeouts_ms": [500]},
        {"buses": "x"}, {"sources": None}, {"names": 5}, {"names": {"feeds": [3]}},
    ],
    ids=lambda change: f"{next(iter(change))}",
)  # fmt: skip
def test_a_file_that_is_no_map_is_refused_in_one_line(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^car map: not as asvkit vehicle compile makes it[^\n]*$"):
        Bench({**compiled_bench(), **change})
    with pytest.raises(ValueError, match=r"^car map: not as"):
        Bench([])  # type: ignore[arg-type]
