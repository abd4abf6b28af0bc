"""A unit's whole cycle on real MicroPythons allocates nothing, and a million frames do not wear it out."""

import json
from pathlib import Path

import pytest

from asvtools.firmware.ports import NATIVE, WASM, Port, ScriptFailed
from gatetools import ALL, FIRMWARE, HERE, cpython

pytestmark = pytest.mark.micropython

NEIGHBOURS = 64
FEW = 1600  # frames of the everyday test, a rebase among them
CYCLE, ENDURANCE = HERE / "run_cycle.py", HERE / "run_endurance.py"


@pytest.fixture(scope="module")
def cycle_on_cpython() -> dict[str, int]:
    return json.loads(cpython(CYCLE, FIRMWARE))


@pytest.fixture(scope="module")
def frames_on_cpython() -> dict[str, int]:
    return json.loads(cpython(ENDURANCE, FIRMWARE, FEW))


@pytest.mark.parametrize("modules", ["source", pytest.param("compiled", marks=pytest.mark.long)])
def test_a_cycle_with_64_neighbours_allocates_nothing(
    port: Port, request: pytest.FixtureRequest, cycle_on_cpython: dict[str, int], modules: str
) -> None:
    """Receive, decode, neighbour update, prediction, judge, arbitrate, pattern, encode: each of them happened."""
    told = json.loads(port.run(CYCLE, [request.getfixturevalue(modules)]))
    assert told["received"] >= 30 * NEIGHBOURS
    assert told["new"] == told["neighbours"] == NEIGHBOURS  # decoded, and kept
    assert told["reasons"] > NEIGHBOURS  # judged: a support, or why none
    assert told["begun"] > told["shown"] >= 2  # the arbiter lets some through and some not
    assert told["predicted"] >= 2  # a support began while nobody was heard
    assert told["hmi"] >= 2
    assert min(told["lit"], told["dark"], told["sounding"], told["silent"], told["edges"]) > 10
    assert told["encoded"] == told["sent"] >= 60
    assert told["lost"] == 0
    assert told == cycle_on_cpython


def test_a_cycle_that_allocates_is_found(port: Port, source: Path) -> None:
    with pytest.raises(ScriptFailed, match="MemoryError"):
        port.run(CYCLE, [source, "allocate"])


# Heaps that a loop of frames is given, compiled modules included. The 64-bit port needs twice a board's; the
# WebAssembly port frees nothing before the end
HEAP_KB = {NATIVE: 224, WASM: 256}


def endure(port: Port, compiled: Path, frames: int) -> dict[str, int]:
    heap_kb = HEAP_KB.get(port.name, 160)
    told = json.loads(port.run(ENDURANCE, [compiled, str(frames)], heap_kb=heap_kb, timeout_s=2000))
    assert told["frames"] == frames
    assert told["grown"] == 0 or port.name == WASM
    assert told["rebases"] >= 1
    assert told["lost"] == 0
    assert told["neighbours"] >= NEIGHBOURS * 3 // 4
    assert told["supports"] > frames // 10
    assert told["hmi"] > frames // 2000
    assert told["drops"] > frames // 10
    return told


def test_frames_without_end(port: Port, compiled: Path, frames_on_cpython: dict[str, int]) -> None:
    assert {**endure(port, compiled, FEW), "grown": 0} == {**frames_on_cpython, "grown": 0}


@pytest.mark.long
def test_a_million_frames(native: Port, compiled: Path) -> None:
    assert ALL
    told = endure(native, compiled, 1_000_000)
    assert told["rebases"] > 15
    assert told["changes"] > 10_000
