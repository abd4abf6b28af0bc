"""What the tests on real MicroPythons share: where the firmware is, and CPython's outputs to compare with."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from asvtools.firmware.ports import NATIVE, OWN, OWN_VARIABLE, WASM, Port

HERE = Path(__file__).parent / "micropython"
ROOT = HERE.parents[1]
FIRMWARE = ROOT / "firmware"
BOARDS = FIRMWARE / "boards"
Make = Callable[[Path], object]  # fills a folder
SharedOnce = Callable[[str, Make], Path]  # a folder of a name, made once in a run
ALL = bool(os.environ.get("ASVKIT_ALL"))  # make gate


def port_names() -> list[str]:
    """Of the ports that tests run on."""
    return [NATIVE, WASM] + [OWN] * bool(os.environ.get(OWN_VARIABLE))


def cpython(script: Path, *args: object) -> str:
    """What a script prints on CPython."""
    command = [sys.executable, str(script), *[str(arg) for arg in args]]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr + done.stdout[-2000:]
    return done.stdout


def same(port: Port, wanted: str, script: Path, *args: object, heap_kb: int | None = None) -> None:
    """A script prints the same on a port; the first line that differs is told, not thousands."""
    told = port.run(script, args, heap_kb=heap_kb, timeout_s=300).splitlines()
    lines = wanted.splitlines()
    for number, (one, other) in enumerate(zip(told, lines, strict=False), 1):
        assert one == other, f"line {number} on {port.name}"
    assert len(told) == len(lines)
