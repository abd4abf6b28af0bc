"""What stands on the unit's own machine for a bench, and how pins are seen and pressed: with a stand-in of lgpio."""

import base64
import os
import select
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from agenttools import agent
from asvrig.agent.clocks import ClocksThere
from asvrig.latency import edges
from asvrig.latency.probes import Seen
from asvrig.targets import ssh_helper
from asvrig.targets.ssh_bench import GnssTable
from asvrig.targets.ssh_lines import FifoPress, NoPress, SerialReceiver, bench_press
from asvrig.targets.ssh_pins import ClocksKept, FarProbe
from asvrig.targets.target import NotOnTarget
from asvunit.errors import AsvkitError, UsageError
from lgpiotools import StandIn

PRESS, LAMP, BUZZER = 4, 16, 21


def _wait(found: Callable[[], dict[str, Any] | None]) -> dict[str, Any]:
    until_s = time.monotonic() + 10
    while (one := found()) is None:
        assert time.monotonic() < until_s
        time.sleep(0.005)
    return one


@pytest.fixture
def lgpio(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    made = StandIn()
    monkeypatch.setattr(edges, "_imported", lambda: made)
    return made


@pytest.fixture
def helper(lgpio: StandIn, tmp_path: Path) -> Iterator[tuple[ssh_helper.Helper, list[dict[str, Any]]]]:
    told: list[dict[str, Any]] = []
    asked = {
        "gnss": str(tmp_path / "gnss"),
        "can": str(tmp_path / "can"),
        "lights": {"caution": LAMP},
        "tones": {"buzzer": BUZZER},
        "press": {"mute": PRESS},
    }
    with ExitStack() as opened:
        yield ssh_helper.Helper(asked, told.append, opened), told
    assert not lgpio.open


def test_outputs_press_low_and_inputs_are_told_with_their_stamps(
    lgpio: StandIn, helper: tuple[ssh_helper.Helper, list[dict[str, Any]]]
) -> None:
    one, told = helper
    lgpio.wires = {PRESS: [LAMP]}
    assert lgpio.levels[PRESS] == 1  # let go
    begun_ns = time.monotonic_ns()
    one.heed({"press": "mute", "value": 1, "number": 7})
    assert lgpio.levels[PRESS] == 0
    one.heed({"press": "mute", "value": 0, "number": 8})
    done = [line for line in told if line["event"] == "done"]
    assert [line["number"] for line in done] == [7, 8]
    assert begun_ns <= done[0]["t_ns"] <= done[1]["t_ns"] <= time.monotonic_ns()
    lit = _wait(lambda: next((line for line in list(told) if line["event"] == "seen" and line["value"]), None))
    assert (lit["name"], lit["pin"], lit["by"]) == ("caution", LAMP, "edge")
    assert done[1]["t_ns"] <= lit["t_ns"] <= time.monotonic_ns()


def test_a_tone_is_told_by_its_frequency(
    lgpio: StandIn, helper: tuple[ssh_helper.Helper, list[dict[str, Any]]]
) -> None:
    _one, told = helper
    start_ns = time.monotonic_ns() - 30_000_000
    for at in range(24):
        lgpio.edge(BUZZER, 1 - at % 2, start_ns + at * 500_000)
    found = _wait(lambda: next((line for line in list(told) if line.get("name") == "buzzer"), None))
    assert abs(found["hz"] - 1000) <= 2


def test_what_it_cannot_do_is_refused_and_what_is_nothing_passed_over(
    helper: tuple[ssh_helper.Helper, list[dict[str, Any]]],
) -> None:
    one, told = helper
    for line in ({"press": "horn", "value": 1}, {"can": [1, 2]}, {"gnss": 5}, {"unplug": "radio"}, {"press": []}):
        one.heed({**line, "number": 1})
    assert [line["event"] for line in told] == ["refused"] * 5
    one.heed({})
    assert len(told) == 5


def test_the_receiver_there_says_what_it_is_told_and_can_be_unplugged(
    helper: tuple[ssh_helper.Helper, list[dict[str, Any]]], tmp_path: Path
) -> None:
    one, told = helper
    port = os.open(tmp_path / "gnss", os.O_RDWR | os.O_NOCTTY)
    one.heed({"gnss": base64.b64encode(b"$GNRMC\r\n").decode()})
    assert select.select([port], [], [], 10)[0]
    assert os.read(port, 100) == b"$GNRMC\r\n"
    os.close(port)
    one.heed({"unplug": "gnss", "number": 2})
    assert not (tmp_path / "gnss").is_symlink()
    one.heed({"plug": "gnss", "number": 3})
    assert (tmp_path / "gnss").exists()
    assert [line["number"] for line in told if line["event"] == "done"] == [2, 3]


def test_outputs_of_this_bench_press_too(lgpio: StandIn) -> None:
    chip = edges.Chip(lgpio)
    switches = bench_press(chip, {"mute": PRESS})
    before_ns = time.monotonic_ns()
    assert before_ns <= switches.press("mute", 1) <= time.monotonic_ns()
    assert lgpio.levels[PRESS] == 0
    with pytest.raises(NotOnTarget, match=r"nothing is wired to request; pins\.press"):
        switches.press("request", 1)
    with pytest.raises(NotOnTarget, match="nothing is wired to mute"):
        NoPress().press("mute", 1)
    chip.close()


def test_a_pipe_is_pressed_once_somebody_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asvrig.targets.ssh_lines._FIFO_S", 0.05)
    with agent(tmp_path) as client:
        switches = FifoPress(client, "switches")
        with pytest.raises(AsvkitError, match="switches: No such file"):
            switches.press("mute", 1)
        os.mkfifo(tmp_path / "switches")
        reader = os.open(tmp_path / "switches", os.O_RDONLY | os.O_NONBLOCK)
        switches.press("mute", 1)
        assert os.read(reader, 100) == b'{"switch": "mute", "value": 1}\n'
        os.close(reader)


def test_pins_there_are_seen_by_the_clock_here(tmp_path: Path) -> None:
    with agent(tmp_path) as client:
        clocks = ClocksKept(client)
        clocks.there = ClocksThere(monotonic_ns=5_000, unix_ns=0, bench_ns=1_005_000, bound_ns=10)
        probe = FarProbe("record", None, clocks)
        probe.start()
        probe.take({"t_ns": 7_000, "pin": 6, "name": "caution", "value": 1, "hz": 0})
        assert probe.seen == [Seen(1_007_000, 6, "caution", 1, 0, "record")]
        probe.take({"t_ns": "soon"})
        assert probe.counters["bad_line"] == 1
        record = tmp_path / "pins.jsonl"
        probe.follow(client, "pins.jsonl")
        record.write_text('{"t_ns": 8000, "pin": 6, "name": "caution", "value": 0, "hz": 0}\n')
        assert probe.wait(lambda one: one.t_ns == 1_008_000, time.monotonic_ns() + 10 * 10**9)
        probe.close()
        probe.close()
        clocks.close()


def test_a_line_that_is_not_there_is_told() -> None:
    with pytest.raises(UsageError, match=r"gnss.line: /dev/nowhere: cannot be opened: No such file"):
        SerialReceiver(GnssTable(line="/dev/nowhere"))
