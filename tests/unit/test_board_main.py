"""The Pico W's main.py: what it says at once, a console that nobody reads, the lamps after Ctrl-C."""

import io
import runpy
import shutil
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asvboard import start

from boardtools import machine, manual_time, netselect, netsocket, network, power_on

PICO_W = Path(__file__).parents[2] / "firmware/boards/pico_w"


class Board:
    """The module `time` of a board whose Ctrl-C is pressed at a time; what its console shows."""

    def __init__(self, folder: Path, pressed_ms: int) -> None:
        self.folder, self.pressed_ms = folder, pressed_ms
        self.pressed = False
        self.lit: list[int] = []
        self.units: list[Any] = []

    def sleep_ms(self, ms: int) -> None:
        manual_time.clock.advance(ms)

    def ticks_ms(self) -> int:
        manual_time.clock.advance(1)
        if manual_time.clock.ms >= self.pressed_ms and not self.pressed:
            self.pressed = True
            self.lit = [pin for pin in range(2, 10) if machine.line(pin).level]
            raise KeyboardInterrupt
        return manual_time.clock.ticks_ms()

    def make(self, *arguments: Any) -> Any:
        made = MAKE(*arguments, read=lambda name: (self.folder / name).read_text())
        self.units.append(made)
        return made


MAKE = start.make


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Board]:
    power_on()
    shutil.copy(PICO_W / "unit.json", tmp_path)
    board = Board(tmp_path, 8000)
    for name, module in (
        ("machine", machine), ("network", network), ("socket", netsocket), ("select", netselect), ("time", board),
    ):  # fmt: skip
        monkeypatch.setitem(sys.modules, name, module)  # type: ignore[arg-type]
    monkeypatch.setattr(start, "make", board.make)
    kept = {name: module for name, module in sys.modules.items() if name.startswith("asvboard")}
    yield board
    netselect.stuck.streams = False
    for name, module in kept.items():  # main lets modules go
        sys.modules[name] = module
        package, _dot, last = name.rpartition(".")
        if package:
            setattr(sys.modules[package], last, module)
    power_on()


def without_car(board: Board) -> None:
    board.folder.joinpath("unit.json").write_text('{"gnss": {"baud": 9600}}')


def run(monkeypatch: pytest.MonkeyPatch) -> str:
    shown = io.StringIO()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", shown)
        fake_gc = types.SimpleNamespace(collect=lambda: None, threshold=lambda *_bytes: -1, mem_free=lambda: 100_000)
        patch.setitem(sys.modules, "gc", fake_gc)  # type: ignore[arg-type]
        runpy.run_path(str(PICO_W / "main.py"), run_name="__main__")
    return shown.getvalue()


def test_ctrl_c_leaves_all_dark(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    without_car(board)
    said = run(monkeypatch)
    assert 2 in board.lit  # the unit ran
    assert not [pin for pin in range(2, 10) if machine.line(pin).level]
    assert board.units[0]._lights._written_duty == 0
    assert "0.000 unit: runs" in said
    assert said.endswith("the watchdog resets the board within 8 s\n")


def test_ctrl_c_of_a_safe_unit_too(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    board.folder.joinpath("unit.json").write_text("{")
    said = run(monkeypatch)
    assert board.lit == [4]
    assert not machine.line(4).level
    assert "unit.json: is no JSON" in said


def test_a_console_that_nobody_reads_is_not_waited_for(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    without_car(board)
    netselect.stuck.streams = True
    said = run(monkeypatch)
    assert said.startswith("asvkit: stopped")  # the prompt's own line alone
    console = board.units[0]._console
    assert console.lines == console.failed == 0
    assert console.left_out > 3


@pytest.mark.parametrize("cause", ["WDT_RESET", "PWRON_RESET"])
def test_a_reset_is_told(board: Board, monkeypatch: pytest.MonkeyPatch, cause: str) -> None:
    without_car(board)
    monkeypatch.setattr(machine, "reset_cause", lambda: getattr(machine, cause))
    assert ("reset by the watchdog, or by mpremote" in run(monkeypatch)) == (cause == "WDT_RESET")
