"""Compiled maps: as the map they are made of, and refused where they are damaged."""

import json
from pathlib import Path

import can
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asvunit.errors import UsageError
from asvunit.ports import (
    SPEED,
    VehicleSignal,
)
from asvunit.vehicle import VehicleMap
from carmaps import CAR, EVERYTHING, SIZES, told, wheel_bytes

FRAMES = st.lists(
    st.tuples(
        st.sampled_from(SIZES),
        st.binary(min_size=24, max_size=24), st.integers(-200, 1000), st.booleans(),
    ),
    max_size=60,
)  # fmt: skip


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("compiled")
    (folder / "car.dbc").write_text(CAR)
    path = folder / "car.toml"
    path.write_text(f'map = 1\nname = "car"\n[database]\nfile = "car.dbc"\nchannels = ["can0", 3]\n{EVERYTHING}')
    compiled = folder / "car.json"
    compiled.write_text(json.dumps(VehicleMap.load(path).compiled()))
    return path, compiled


def test_a_compiled_map_is_the_same_map(both: tuple[Path, Path]) -> None:
    path, compiled = both
    car, again = VehicleMap.load(path), VehicleMap.load(compiled)
    for name in ("name", "buses", "channels", "mapped", "timeouts_ms", "feeds"):
        assert getattr(again, name) == getattr(car, name)
    assert (again.databases, again.database_path, again.warnings) == ((), compiled, ())
    assert again.identifiers() == car.identifiers()
    assert again.compiled() == car.compiled()
    assert {feed.name for feed in car.feeds} == {
        "speed", "winker", "hazard", "brake", "auxiliary_brake", "shift", "accelerator_switch", "yaw_rate",
        "acceleration", "emergency",
    }  # fmt: skip


@given(frames=FRAMES)
def test_a_compiled_map_decodes_as_the_loaded_one(both: tuple[Path, Path], frames: list) -> None:
    """Any frames at any times; and nothing raises."""
    path, compiled = both
    cars = [VehicleMap.load(path), VehicleMap.load(compiled)]
    time_ms = 10_000
    for (identifier, length), payload, step_ms, summed in frames:
        time_ms += step_ms
        data = bytearray(payload[:length])
        if summed and length == 8:
            data[7] = sum(data[:7]) & 0xFF
        message = can.Message(
            timestamp=time_ms / 1000, arbitration_id=identifier, is_extended_id=False, data=data, is_fd=True
        )
        first, second = (car.decode(message) for car in cars)
        assert first == second
        assert all(isinstance(each, VehicleSignal) for each in first)
    assert cars[0].counters == cars[1].counters


def test_a_compiled_map_without_names(both: tuple[Path, Path], tmp_path: Path) -> None:
    rows = json.loads(both[1].read_text())
    del rows["names"]
    bare = tmp_path / "bare.json"
    bare.write_text(json.dumps(rows))
    vehicle = VehicleMap.load(bare)
    assert (vehicle.name, vehicle.feeds, vehicle.buses) == ("bare", (), ("",))
    assert told(vehicle, 16, wheel_bytes(50, 50, 50)) == {SPEED: 5000}


@pytest.mark.parametrize(
    "content",
    ["", "[]", "5", "{}", '{"compiled_map": 3}', '{"compiled_map": 2}', '{"compiled_map": 1}', "[" * 100_000, "\xff"],
)
def test_files_that_are_no_compiled_map(tmp_path: Path, content: str) -> None:
    path = tmp_path / "car.json"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(UsageError, match=r"car\.json: ") as refusal:
        VehicleMap.load(path)
    assert "\n" not in str(refusal.value)


def leaves(row: object, way: tuple = ()) -> list[tuple]:
    """The ways to every number and list of rows."""
    inner = enumerate(row) if isinstance(row, list) else row.items() if isinstance(row, dict) else ()
    return [way, *(found for key, one in inner for found in leaves(one, (*way, key)))]


@given(st.data())
def test_a_damaged_compiled_map_is_refused_or_decodes(both: tuple[Path, Path], data: st.DataObject) -> None:
    """Whatever one entry is changed to, nothing but a UsageError is raised, while loading and while decoding."""
    rows = json.loads(both[1].read_text())
    way = data.draw(st.sampled_from(leaves(rows)[1:]))
    place = rows
    for key in way[:-1]:
        place = place[key]
    place[way[-1]] = data.draw(
        st.integers(-300, 300) | st.sampled_from([1 << 40, -(1 << 40), 10**100, 1.5, True, None, "x", [], [[1]], {}])
    )
    path = both[1].parent / f"damaged_{data.draw(st.integers(0, 10**9))}.json"
    path.write_text(json.dumps(rows))
    try:
        vehicle = VehicleMap.load(path)
    except UsageError:
        return
    finally:
        path.unlink()
    for identifier, length in ((16, 8), (17, 8), (32, 8), (33, 1), (34, 1), (48, 24), (49, 12)):
        for time, fill in enumerate((0, 0xFF, 0x55, 0x01)):
            payload = bytearray([fill] * length)
            if length == 8:
                payload[7] = sum(payload[:7]) & 0xFF
            told(vehicle, identifier, bytes(payload), time / 10)


def test_the_rows_hold_integers_alone(both: tuple[Path, Path]) -> None:
    rows = json.loads(both[1].read_text())
    del rows["names"]
    for way in leaves(rows)[1:]:
        one = rows
        for key in way:
            one = one[key]
        assert type(one) in {int, list}
