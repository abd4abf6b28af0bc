"""Measures the core as a board has it: bytes of its modules, heap that it takes, microseconds that it needs."""

import itertools
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from asvtools.firmware.crowd import write_crowd
from asvtools.firmware.mpy import compile_package
from asvtools.firmware.ports import NATIVE, WASM, Port, ScriptFailed, find_ports
from asvunit.errors import AsvkitError

NEIGHBOURS: Final = 64
CPYTHON: Final = "cpython"
CORE: Final = "core"
ALL: Final = "all"
BOARD_ARCH: Final = "armv6m"  # RP2040

_SCRIPTS: Final = Path(__file__).parent / "on_board"
_MAP: Final = "bench"
_SIZES_MS: Final = 1500
_SPEED_MS: Final = 8000
_ROUNDS: Final = 20_000  # of the codec
_TURNS: Final = 3  # all are timed in turn, so often
_HEAP_KB: Final = (32, 1024)  # searched between these


@dataclass
class Speed:
    """Microseconds of one run."""

    where: str
    codec: str
    frame_us: float
    cycle_us: float
    encode_us: float
    decode_us: float


@dataclass
class Measured:
    """What `measure` has found; heaps by port."""

    plain: dict[str, int] = field(default_factory=dict)  # bytes of .mpy by module
    folded: dict[str, int] = field(default_factory=dict)
    heaps: dict[str, dict[str, int]] = field(default_factory=dict)  # port -> stage -> bytes beyond the stage before
    least_kb: dict[str, int] = field(default_factory=dict)
    speeds: list[Speed] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)  # port -> why


def core_source() -> Path:
    """The core's folder."""
    import asvcore

    return Path(asvcore.__file__).parent


def measure(folder: Path) -> Measured:
    """Compile into `folder` and measure on every port that is there."""
    found = Measured()
    source, users = core_source(), sorted(_SCRIPTS.glob("*.py"))
    found.plain = compile_package(source, folder / "plain" / "asvcore", fold=False, march=BOARD_ARCH)
    found.folded = compile_package(source, folder / "lib" / "asvcore", march=BOARD_ARCH)
    bytecode, native = folder / "bytecode", folder / "native"
    compile_package(source, bytecode / "asvcore", users=users)
    machine = {"x86_64": "x64", "aarch64": None}.get(platform.machine())
    if machine:
        compile_package(source, native / "asvcore", users=users, march=machine)
    car, crowd, small = folder / "car.json", folder / "crowd.journal", folder / "small.journal"
    car.write_text(json.dumps(_compiled_map()), encoding="utf-8")
    write_crowd(crowd, neighbours=NEIGHBOURS, until_ms=_SPEED_MS)
    write_crowd(small, neighbours=NEIGHBOURS, until_ms=_SIZES_MS)
    runs: list[Callable[[], Speed]] = [partial(_cpython, source.parent, crowd)]
    for port in find_ports():
        if not port.available():
            found.absent[port.name] = port.reason
            continue
        found.heaps[port.name] = _heap(port, bytecode, car, small)
        if port.name != WASM:  # which collects no garbage while a script runs
            found.least_kb[port.name] = _least_kb(port, bytecode, car, small)
        for lib in (bytecode, native) if port.name == NATIVE and machine else (bytecode,):
            runs.append(partial(_on_port, port, lib, crowd))
    rounds = [[run() for run in runs] for _ in range(_TURNS)]
    found.speeds = [_least(times) for times in zip(*rounds, strict=True)]
    return found


def _compiled_map() -> dict[str, object]:
    from asvunit.vehicle import VehicleMap

    return VehicleMap.load(_MAP).compiled()


def _heap(port: Port, lib: Path, car: Path, journal: Path) -> dict[str, int]:
    used = port.measure(_SCRIPTS / "sizes.py", [lib, car, journal])
    return {name: used[name] - used[before] for before, name in itertools.pairwise(used)}


def _least_kb(port: Port, lib: Path, car: Path, journal: Path) -> int:
    low, high = _HEAP_KB
    while low < high:
        middle = (low + high) // 2
        try:
            port.run(_SCRIPTS / "run.py", [lib, car, journal], heap_kb=middle)
            high = middle
        except ScriptFailed as error:
            if "MemoryError" not in str(error):
                raise
            low = middle + 1
    return low


def _on_port(port: Port, lib: Path, journal: Path) -> Speed:
    return _speed(port.name, port.run(_SCRIPTS / "speed.py", [lib, journal, _ROUNDS], timeout_s=300))


def _least(times: Sequence[Speed]) -> Speed:
    """The least of each number: noise of the machine only ever adds."""
    rows = zip(*((one.frame_us, one.cycle_us, one.encode_us, one.decode_us) for one in times), strict=True)
    return Speed(times[0].where, times[0].codec, *(min(row) for row in rows))


def _cpython(source: Path, journal: Path) -> Speed:
    command = [sys.executable, str(_SCRIPTS / "speed.py"), str(source), str(journal), str(_ROUNDS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": ""})  # noqa: S603 - its own script
    if done.returncode:
        raise AsvkitError(f"speed.py on CPython: {done.stderr.strip()[-500:]}")
    return _speed(CPYTHON, done.stdout)


def _speed(where: str, out: str) -> Speed:
    told = dict(line.split(" ", 1) for line in out.splitlines())
    return Speed(where, told["codec"], *(float(told[name]) for name in ("frame", "cycle", "encode", "decode")))
