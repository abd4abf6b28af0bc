"""What a board tells of its losses: once a minute, and only what has grown."""

import types
from array import array

from asvboard.console import Console
from asvboard.counted import EVERY_MS, Counted
from asvboard.wifi import REASONS, SEND_FAILED


def test_what_has_grown_is_told_once_a_minute() -> None:
    said: list[str] = []
    outputs = types.SimpleNamespace(drops=array("i", [0] * 4))
    radio = types.SimpleNamespace(counts=array("i", [0] * len(REASONS)))
    counted = Counted(Console(said.append), outputs, radio, None)
    counted.look(3, 1, EVERY_MS - 1)
    assert said == []
    outputs.drops[2] = 5
    counted.look(3, 1, EVERY_MS)
    assert said == ["60.000 counted: cycles missed 3, cycles late 1, messages dropped 5\n"]
    counted.look(3, 1, 2 * EVERY_MS)
    assert len(said) == 1
    radio.counts[SEND_FAILED] = 7
    counted.look(3, 1, 2 * EVERY_MS + 500)
    assert len(said) == 1
    counted.rebase(EVERY_MS)
    counted.look(3, 1, 2 * EVERY_MS)
    assert said[1:] == ["120.000 counted: frames not sent 7\n"]
