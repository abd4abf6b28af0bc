"""One drive in every CAN log format: a replay makes the same of each."""

import csv
import gzip
import json
from pathlib import Path
from types import SimpleNamespace

import can
import pytest

from asvrig.generate import generate
from asvrig.scenario import load_scenario
from asvtools.cli import run
from asvunit.adapters.can_log import SUFFIXES, CanLog

_AT_ONCE = 400  # python-can's SqliteWriter drops what it has not written when it is closed, beyond some 500


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """The recordings of a scenario, and what a replay makes of them."""
    folder = tmp_path_factory.mktemp("drive")
    recordings = generate(load_scenario("crossing_50"), folder)
    arguments = recordings.arguments()
    frames = list(CanLog(recordings.can))
    assert len(frames) > 1000
    return SimpleNamespace(arguments=arguments, log=recordings.can, frames=frames, events=events(folder, arguments))


def events(folder: Path, arguments: list[str]) -> list[str]:
    out = folder / "events.jsonl"
    assert run(["replay", *arguments, "--events", str(out)]) == 0
    return out.read_text().splitlines()


def same(drive: SimpleNamespace, path: Path) -> None:
    arguments = [str(path) if each == str(drive.log) else each for each in drive.arguments]
    assert arguments != drive.arguments
    assert events(path.parent, arguments) == drive.events


def write(path: Path, frames: list[can.Message]) -> None:
    for first in range(0, len(frames), _AT_ONCE if path.suffix == ".db" else len(frames)):
        last = first + _AT_ONCE if path.suffix == ".db" else len(frames)
        with can.Logger(path) as logger:
            for each in frames[first:last]:
                number, extended = each.arbitration_id, each.is_extended_id
                logger.on_message_received(
                    can.Message(
                        timestamp=each.timestamp,
                        arbitration_id=number,
                        is_extended_id=extended,
                        data=each.data,
                        channel=0,
                    )
                )


@pytest.mark.parametrize(
    "suffix",
    [pytest.param(suffix, marks=[pytest.mark.long] * (suffix not in (".asc", ".blf", ".mf4"))) for suffix in SUFFIXES],
)
def test_every_format(drive: SimpleNamespace, tmp_path: Path, suffix: str) -> None:
    if suffix == ".mf4":
        pytest.importorskip("asammdf", reason="asammdf is not installed: .mf4 cannot be read")
    path = tmp_path / f"drive{suffix}"
    write(path, drive.frames)
    assert sum(1 for _ in CanLog(path)) == len(drive.frames), "python-can lost some in writing"
    same(drive, path)


@pytest.mark.parametrize(
    "suffix",
    [
        pytest.param(suffix, marks=[pytest.mark.long] * (suffix != ".asc"))
        for suffix in SUFFIXES
        if suffix not in (".db", ".mf4")
    ],
)
def test_every_format_packed(drive: SimpleNamespace, tmp_path: Path, suffix: str) -> None:
    path, packed = tmp_path / f"drive{suffix}", tmp_path / f"drive{suffix}.gz"
    write(path, drive.frames)
    packed.write_bytes(gzip.compress(path.read_bytes(), 1))
    same(drive, packed)


def test_savvycan(drive: SimpleNamespace, tmp_path: Path) -> None:
    path = tmp_path / "drive.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["Time Stamp", "ID", "Extended", "Dir", "Bus", "LEN", *(f"D{n}" for n in range(1, 9))])
        for each in drive.frames:
            head = [
                round(each.timestamp * 1e6),
                f"{each.arbitration_id:08X}",
                str(each.is_extended_id).lower(),
                "Rx",
                0,
            ]
            rows.writerow([*head, each.dlc, *(f"{byte:02X}" for byte in each.data), ""])
    same(drive, path)


def test_candump_of_a_terminal(drive: SimpleNamespace, tmp_path: Path) -> None:
    path = tmp_path / "drive.txt"
    with path.open("w") as file:
        for each in drive.frames:
            number = f"{each.arbitration_id:0{8 if each.is_extended_id else 3}X}"
            file.write(f" ({each.timestamp:.6f})  can0  {number}   [{each.dlc}]  {each.data.hex(' ').upper()}\n")
    same(drive, path)


def test_a_second_bus_in_the_log_changes_nothing_but_is_told(
    drive: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "drive.log"
    number = drive.frames[0].arbitration_id
    with path.open("w") as file:
        for each in drive.frames:
            file.write(f"({each.timestamp:.6f}) can1 {number:03X}#{bytes(len(each.data)).hex()}\n")
            file.write(f"({each.timestamp:.6f}) can0 {each.arbitration_id:03X}#{each.data.hex()}\n")
    same(drive, path)
    assert "drive.log (from can0; not used: can1)" in capsys.readouterr().out
    arguments = [str(path) if each == str(drive.log) else each for each in drive.arguments]
    assert events(tmp_path, [*arguments, "--bus", "can1"]) != drive.events
    capsys.readouterr()
    assert run(["replay", *arguments, "--bus", "can2"]) == 2
    told = "--bus can2: the log has no frame of the map there; it has some on can1, can0"
    assert capsys.readouterr().err == f"asvkit: {told}\n"


def test_a_time_that_jumps_back_is_clamped_and_counted(
    drive: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "drive.log"
    lines = drive.log.read_text().splitlines(keepends=True)
    half = len(lines) // 2
    path.write_text("".join(lines[half:] + lines[:half]))
    arguments = [str(path) if each == str(drive.log) else each for each in drive.arguments]
    told = events(tmp_path, arguments)
    assert " time_back)" in capsys.readouterr().out
    times = [json.loads(one)["t"] for one in told]
    assert times == sorted(times)
