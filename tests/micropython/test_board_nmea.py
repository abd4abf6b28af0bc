"""The board's receiver on real MicroPythons: CPython's fixes of the same bytes, and no memory taken."""

import random
from pathlib import Path

import pytest

from asvtools.firmware.ports import Port, ScriptFailed
from gatetools import BOARDS, FIRMWARE, HERE, cpython, same
from nmeatapes import Tape, by_board, paced, stream, write_tape

pytestmark = pytest.mark.micropython

RUN = HERE / "run_board_nmea.py"


def both(port: Port, tmp_path: Path, tape: Tape) -> list[str]:
    """What every port and CPython print of a tape."""
    path = tmp_path / "tape"
    write_tape(path, tape)
    wanted = cpython(RUN, FIRMWARE, BOARDS, path)
    same(port, wanted, RUN, FIRMWARE, BOARDS, path, "lock")
    *fixes, _counters = wanted.splitlines()
    rows, _counted = by_board(tape)
    assert [[int(word) for word in line.split()] for line in fixes] == rows
    return fixes


def streams(count: int) -> Tape:
    """Odd streams one after the other."""
    tape: Tape = []
    for seed in range(count):
        begin_ms = tape[-1][0] + 1000 if tape else 0
        tape += [(begin_ms + time_ms, data) for time_ms, data in stream(random.Random(seed), 40)]
    return tape


def test_odd_streams(port: Port, tmp_path: Path) -> None:
    assert len(both(port, tmp_path, streams(15))) > 100


@pytest.mark.shared
@pytest.mark.parametrize("name", ["gpsd_nmea-rtk.log", "gpsd_bt451.log"])
def test_recorded_logs(port: Port, tmp_path: Path, shared: Path, name: str) -> None:
    assert len(both(port, tmp_path, paced((shared / "data" / "gnss" / name).read_bytes(), random.Random(3)))) > 7


@pytest.mark.long
@pytest.mark.shared
@pytest.mark.parametrize("name", ["genivi_munich_ublox.nmea", "gpsd_quectel-l76k-nmea.log"])
def test_long_logs(port: Port, tmp_path: Path, shared: Path, name: str) -> None:
    assert len(both(port, tmp_path, paced((shared / "data" / "gnss" / name).read_bytes(), random.Random(4)))) > 150


@pytest.mark.long
def test_many_odd_streams(port: Port, tmp_path: Path) -> None:
    assert len(both(port, tmp_path, streams(100))) > 1000


def test_the_lock_would_show_an_allocation(port: Port, tmp_path: Path) -> None:
    """The same script with a reader that takes memory for a fix."""
    script, tape = tmp_path / "run.py", tmp_path / "tape"
    script.write_text(
        RUN.read_text().replace("    more = reader.take(fix)\n    if locked", "    more = [time_ms]\n    if locked")
    )
    write_tape(tape, paced(b"", random.Random(1)))
    with pytest.raises(ScriptFailed, match="MemoryError"):
        port.run(script, (FIRMWARE, BOARDS, tape, "lock"))
