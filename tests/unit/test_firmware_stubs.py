"""The check of names against a board's stubs finds what a board lacks, and nothing else."""

from pathlib import Path

import pytest

from asvtools.firmware.stubs import check
from asvunit.errors import AsvkitError

GOOD = '''"""A module as a board has it."""

import json
import time
from array import array

import machine

try:
    from micropython import const
except ImportError:
    from datetime import datetime as const

from .other import Lamp


class Counter:
    """Attributes that are made elsewhere are its own affair."""

    def __init__(self):
        self.pin = machine.Pin(3, machine.Pin.OUT, value=0)

    def now(self, *parts):
        """One of the loop."""
        Lamp(*parts, 3)
        return time.ticks_diff(time.ticks_ms(), self.begun), json.loads("1"), array("i", [1])
'''
OTHER = (
    '"""Beside it."""\n\n\nclass Lamp:\n    """Lit."""\n\n    def __init__(self, pin, lit):\n        self.pin = pin\n'
)


def package(folder: Path, **modules: str) -> Path:
    made = folder / "board"
    made.mkdir()
    (made / "__init__.py").write_text("")
    for name, text in modules.items():
        (made / f"{name}.py").write_text(text)
    return made


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """One run for all: a file of each kind."""
    folder = package(
        tmp_path_factory.mktemp("stubs"),
        good=GOOD,
        other=OTHER,
        clock='"""Wrong."""\n\nimport time\n\n\ndef now():\n    return time.monotonic()\n',
        day='"""Wrong."""\n\nfrom datetime import datetime\n\nprint(datetime)\n',
        rows='"""Wrong."""\n\nfrom dataclasses import dataclass\nfrom enum import Enum\n\nprint(dataclass, Enum)\n',
        width='"""Wrong."""\n\n\ndef width(number):\n    return number.bit_length()\n',
        pin='"""Wrong."""\n\nimport machine\n\nPIN = machine.Pin(3, machine.Pin.OUTPUT)\nmachine.WDT(0, 1, 2, 3)\n',
        lamp='"""Wrong."""\n\nfrom .other import Lamp\n\nLamp(1)\nLAMP = undefined_name\n',
        choice='"""Wrong."""\n\n\ndef of(x):\n    match x:\n        case 1:\n            return 2\n',
    )
    return [line[len(str(folder)) + 1 :] for line in check([folder])]


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("clock.py:7", '"monotonic"'),
        ("day.py:3", "no module datetime"),
        ("rows.py:3", "no module dataclasses"),
        ("rows.py:4", "no module enum"),
        ("width.py:5", "no .bit_length"),
        ("pin.py:5", '"OUTPUT"'),
        ("pin.py:6", "Too many"),
        ("lamp.py:5", "Missing positional argument"),
        ("lamp.py:6", '"undefined_name" is not defined'),
        ("choice.py:5", "match statement"),
    ],
)
def test_what_a_board_lacks_is_told(told: list[str], place: str, words: str) -> None:
    assert [line for line in told if line.startswith(f"{place}: ") and words in line]


def test_what_a_board_has_passes(told: list[str]) -> None:
    assert not [line for line in told if line.startswith(("good.py", "other.py"))]


def test_missing_stubs_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asvtools.firmware.board_names.STUBS", ("no-such-stubs",))
    with pytest.raises(AsvkitError, match=r"no-such-stubs is missing; pip install -r requirements/dev\.txt"):
        check([package(tmp_path, other=OTHER)])
