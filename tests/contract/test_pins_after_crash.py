"""However a unit ends, its lamps go out and its buzzer is silent: real processes, with a record of mock pins.

The one end that a program cannot see is SIGKILL; after it a guard puts out what is left, or the service by `gpio off`.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from asvtools import gpio_command
from asvunit.gpio_guard import GpioGuard
from asvunit.pins import load_pins
from asvunit.resources import data_folder

NAMES = {*load_pins(None).lamps, "buzzer"}
DARK = dict.fromkeys(sorted(NAMES), 0)
WAIT_S = 60.0
RUN = "import sys\nfrom asvtools.cli import main\nsys.argv[1:] = ['run', '--config', sys.argv[1]]\n{more}\nmain()\n"
LOOP_FAILS = """
from asvunit.live import LiveUnit
turn, turns = LiveUnit.turn, []
def broken(live):
    turns.append(1)
    if len(turns) > 5:
        raise RuntimeError("the loop has a fault")
    return turn(live)
LiveUnit.turn = broken
"""


class Unit:
    """A unit in a process of its own, and what its pins were told."""

    def __init__(self, folder: Path, more: str = "") -> None:
        self.file, self.record = folder / "unit.toml", folder / "pins.jsonl"
        self.pins_file = folder / "my.toml"
        self.pins_file.write_text((data_folder("hardware") / "pins.toml").read_text())
        self.file.write_text('[radio]\nkind = "off"\n[hmi]\ngpio = "mock"\nrecord = "pins.jsonl"\npins = "my.toml"\n')
        self.process = subprocess.Popen(
            [sys.executable, "-c", RUN.format(more=more), str(self.file)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def pins(self) -> dict[str, int]:
        """The last that each was told."""
        text = self.record.read_text() if self.record.exists() else ""
        lines = [json.loads(line) for line in text.splitlines() if line.endswith("}")]
        return {line["name"]: line["value"] for line in lines}

    def wait(self, condition: Callable[[], bool]) -> None:
        end_s = time.monotonic() + WAIT_S
        while not condition():
            assert self.process.poll() is None, self.process.stderr.read() if self.process.stderr else ""
            assert time.monotonic() < end_s
            time.sleep(0.02)

    def ended(self) -> tuple[int, str]:
        """Exit code and what it said."""
        _out, said = self.process.communicate(timeout=WAIT_S)
        return self.process.returncode, said


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Unit]]:
    units: list[Unit] = []

    def make(more: str = "") -> Unit:
        units.append(Unit(tmp_path, more))
        return units[-1]

    yield make
    for unit in units:
        if unit.process.poll() is None:
            unit.process.kill()
        unit.process.communicate()


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGTERM,
        pytest.param(signal.SIGINT, marks=pytest.mark.long),
        pytest.param(signal.SIGHUP, marks=pytest.mark.long),
    ],
)
def test_a_unit_that_is_told_to_end_goes_dark(start: Callable[..., Unit], number: int) -> None:
    unit = start()
    unit.wait(lambda: any(unit.pins().values()))
    os.kill(unit.process.pid, number)
    unit.ended()
    assert unit.pins() == DARK


def test_a_fault_in_the_loop_goes_dark(start: Callable[..., Unit]) -> None:
    unit = start(LOOP_FAILS)
    code, said = unit.ended()
    assert code != 0
    assert "the loop has a fault" in said
    assert any(json.loads(line)["value"] for line in unit.record.read_text().splitlines())
    assert unit.pins() == DARK


def guard_of(unit: Unit) -> int:
    """The process that waits for the unit's end."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == unit.process.pid and b"gpio_guard" in (process / "cmdline").read_bytes():
                return int(process.name)
    raise AssertionError("there is no guard")


@pytest.mark.long
def test_the_guard_darkens_the_pins_of_a_killed_unit(start: Callable[..., Unit]) -> None:
    unit = start()
    unit.wait(lambda: any(unit.pins().values()))
    guard = guard_of(unit)
    unit.pins_file.write_text("it is being edited")
    unit.wait(lambda: "pydantic_core" in Path(f"/proc/{guard}/maps").read_text())  # all of it is loaded beforehand
    unit.process.kill()
    unit.ended()
    end_s = time.monotonic() + WAIT_S
    while unit.pins() != DARK:
        assert time.monotonic() < end_s
        time.sleep(0.02)
    while Path(f"/proc/{guard}").exists() and "Z" not in Path(f"/proc/{guard}/stat").read_text().split()[2]:
        assert time.monotonic() < end_s
        time.sleep(0.02)


def test_a_guard_goes_with_its_unit(tmp_path: Path) -> None:
    guard = GpioGuard("mock", load_pins(None), tmp_path / "pins.jsonl")
    pid = guard.pid
    assert pid
    assert Path(f"/proc/{pid}").exists()
    guard.stand_down()  # at once, however far it has come
    assert not Path(f"/proc/{pid}").exists()
    assert not (tmp_path / "pins.jsonl").exists()
    guard.stand_down()


def test_mock_pins_without_a_record_need_no_guard() -> None:
    guard = GpioGuard("mock", load_pins(None), None)
    assert guard.pid is None
    guard.stand_down()


@pytest.mark.long
def test_what_a_killed_unit_and_guard_leave_on_is_put_out(
    start: Callable[..., Unit], capsys: pytest.CaptureFixture[str]
) -> None:
    unit = start()
    unit.wait(lambda: any(unit.pins().values()))
    os.kill(guard_of(unit), signal.SIGKILL)
    unit.process.kill()
    unit.ended()
    assert unit.pins() != DARK
    gpio_command.off(config=unit.file)
    assert unit.pins() == DARK
    assert "9 of 9" in capsys.readouterr().out
