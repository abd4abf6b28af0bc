"""`asvkit demo --replay`: what it prints, its exit codes, what it leaves behind; scenario files that are refused."""

import tempfile
from pathlib import Path

import pytest

from asvrig.scenario import load_scenario
from asvtools.cli import run
from asvunit.resources import data_folder

MAIN = data_folder("scenarios") / "crossing_50.toml"


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, empty, and a terminal of 80 columns."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    return folder


def test_demo_tells_the_story_and_the_verdict(temporary: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demo", "--replay"]) == 0
    out, error = capsys.readouterr()
    assert error == ""
    for text in ("Generated recordings", '"WAIT! Left side"', "caution sound", "10.70 .. 11.20 s", "GOOD: 30 checks"):
        assert text in out
    assert "\x1b" not in out
    assert max(map(len, out.splitlines())) <= 80
    assert list(temporary.iterdir()) == []


def test_demo_without_support_says_so(temporary: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demo", "--replay", "crossing_parallel_road"]) == 0
    assert "no support" in capsys.readouterr().out


def test_demo_keeps_its_files(temporary: Path, tmp_path: Path) -> None:
    keep = tmp_path / "new" / "kept"
    assert run(["demo", "--replay", "crossing_late", "--keep", str(keep)]) == 0
    kept = {path.name: path.stat().st_size for path in keep.iterdir()}
    assert set(kept) == {"ego.nmea", "ego.log", "radio.pcapng", "unit.toml", "events.jsonl", "sent.pcap"}
    assert all(kept.values())
    assert run(["demo", "--replay", "--keep", str(keep / "unit.toml")]) == 2


def test_demo_fails_where_the_unit_does(temporary: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A receiver that tells positions 1 s old: the unit, which is not told so, must be found late."""
    late = tmp_path / "late.toml"
    late.write_text(MAIN.read_text() + "receiver = { delay_ms = 1000 }\n")
    assert run(["demo", "--replay", str(late)]) == 1
    out, error = capsys.readouterr()
    assert "WRONG" in out
    assert error.startswith("asvkit: ")
    assert "target, information" in error
    assert len(error.splitlines()) == 1
    assert list(temporary.iterdir()) == []


def test_demo_lists_and_helps_with_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demo", "--list"]) == 0
    assert "crossing_two" in capsys.readouterr().out
    assert run(["demo", "crosing_70"]) == 2
    assert "crossing_70" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "key", "reason"),
    [
        ("ego = true\n", "", "vehicle:", "exactly one vehicle has ego = true; none is"),
        ('name = "target"', 'name = "target"\nego = true', "vehicle:", "2 are: ego, target"),
        ('name = "target"', 'name = "ego"', "vehicle:", "two vehicles have name ego"),
        ("duration_s = 24", "duration_s = -1", "duration_s:", "greater than 0"),
        ("for_s = 3.0", "for_s = -3.0", "vehicle.0.motion.0.for_s:", "greater than 0"),
        ("for_s = 3.0", "for_s = 3.0, for_m = 2", "vehicle.0.motion.0:", "exactly one of"),
        ("for_s = 3.0", "for_s = 9.0, accel_mps2 = -2", "vehicle.0.motion:", "phase 0: it would go backwards"),
        ("for_s = 3.0", "for_m = 90, accel_mps2 = -2", "vehicle.0.motion:", "phase 0: it stands still"),
        ("accel_mps2 = -2.5", "accel_mps2 = 2.5", "vehicle.0.motion:", "phase 1: accel_mps2 2.5 never leads"),
        ("speed_kmh = 50", "speed_kmh = -50", "vehicle.1.speed_kmh:", "greater than or equal to 0"),
        ("speed_kmh = 50", "speed_kmh = nan", "vehicle.1.speed_kmh:", "number"),
        ("seed = 11", "sed = 11", "vehicle.1.sed:", "did you mean seed"),
        ("heading_deg = 90", "heading_deg = 90\nvia = [[0, 0]]", "vehicle.1:", "either heading_deg or via"),
        ("heading_deg = 90", "heading_deg = 360", "vehicle.1.heading_deg:", "less than 360"),
        ("01:00:00Z", "01:00:00", "start:", "timezone"),
        ("01:00:00Z", "01:00:00.5Z", "start:", "whole second"),
        ("scenario = 1", "scenario = 2", "scenario:", "1"),
        ("seed = 11", "seed = 11\nradio = { lost = [[4, 3]] }", "vehicle.1.radio.lost:", "ends before it begins"),
        ("seed = 11", "seed = 11\nreceiver = { rate_hz = 3 }", "vehicle.1.receiver.rate_hz:", "10"),
    ],
)
def test_impossible_scenarios_are_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, key: str, reason: str
) -> None:
    text = MAIN.read_text()
    assert old in text
    file = tmp_path / "mine.toml"
    file.write_text(text.replace(old, new, 1))
    assert run(["demo", str(file)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"asvkit: {file}: {key}"), error
    assert reason in error
    assert len(error.splitlines()) == 1


def test_a_scenario_may_follow_points_and_lose_frames_by_chance(tmp_path: Path, temporary: Path) -> None:
    """The main encounter with the car on a bent road, and every tenth message lost."""
    text = MAIN.read_text().replace(
        "east_m = -215.56\nheading_deg = 90", "east_m = -215.56\nvia = [[-100, 0], [900, 0.0]]"
    )
    file = tmp_path / "bent.toml"
    file.write_text(text + "radio = { loss_percent = 10, loss_seed = 3 }\n")
    assert load_scenario(file).vehicle[1].via
    assert run(["demo", "--replay", str(file)]) == 0
