"""`asvkit demo`: two real units meet, in real time; what it prints, what it leaves behind."""

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from watchtools import unlisted

SHORT = """
scenario = 1
title = "A short encounter"
start = 2026-04-01T01:00:00Z
duration_s = 8

[place]
latitude_deg = 36.0652
longitude_deg = 140.1272

[[vehicle]]
name = "ego"
ego = true
seed = 1
north_m = -18.5
heading_deg = 0
speed_kmh = 20
motion = [{ for_s = 1.0 }, { until_kmh = 0, accel_mps2 = -2.5 }]

[[vehicle]]
name = "target"
seed = 11
east_m = -125.3
heading_deg = 90
speed_kmh = 50

[[vehicle]]
name = "played"
seed = 12
east_m = 400
north_m = 300
heading_deg = 90
speed_kmh = 40
"""


def _demo(tmp_path: Path, text: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    file = tmp_path / "short.toml"
    file.write_text(text)
    return subprocess.run(
        [sys.executable, "-P", "-m", "asvtools.cli", "demo", str(file), *arguments],
        capture_output=True,
        cwd=file.parent,
        text=True,
        timeout=60,
        env={**os.environ, "COLUMNS": "100"},
        check=False,
    )


def _processes() -> set[str]:
    """Command lines of all units that run."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"run" in words and b"--config" in words:
            found.add(words[words.index(b"--config") + 1].decode())
    return found


@pytest.mark.long
def test_two_units_meet_and_leave_nothing(tmp_path: Path) -> None:
    keep = tmp_path / "kept"
    (tmp_path / "can.py").write_text("raise SystemExit('a module of the folder that it runs in')\n")
    done = _demo(tmp_path, SHORT, "--keep", str(keep))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    for text in (
        "Two real units, ego and target",
        "Played on the air: played",
        "WAIT! Left side",
        "bare sleep",
        "GOOD",
    ):
        assert text in done.stdout
    assert {path.name for path in keep.iterdir()} == {
        f"{name}.{suffix}" for name in ("ego", "target") for suffix in ("toml", "err", "jsonl", "pins.jsonl")
    }
    assert not any(str(keep) in name for name in _processes())
    events = [json.loads(line) for line in (keep / "ego.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {one["event"] for one in events} >= {"start", "hmi", "support", "latency", "radio", "statistics", "stop"}
    for event in events:
        assert not unlisted(event), event
    start = events[0]
    offset_s = start["t"] - start["monotonic_ns"] / 1e9
    by_ledger_s = [one["t"] - one["stamp_ns"] / 1e9 for one in events if one["event"] == "latency"]
    assert by_ledger_s == pytest.approx([offset_s] * len(by_ledger_s), abs=0.002)  # one offset joins all clocks


@pytest.mark.long
def test_a_unit_that_is_told_wrong_positions_fails_the_verdict(tmp_path: Path) -> None:
    """The same world, judged by a course that ego does not see: its receiver tells what was 2 s ago."""
    late = SHORT.replace('name = "target"\n', 'name = "target"\nreceiver = { delay_ms = 2000 }\n')
    done = _demo(tmp_path, late)
    assert done.returncode == 1
    assert "WRONG" in done.stdout
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("asvkit: ")


@pytest.mark.long
def test_ended_from_outside_it_leaves_nothing(tmp_path: Path) -> None:
    file, temporary = tmp_path / "short.toml", tmp_path / "t"
    file.write_text(SHORT)
    temporary.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "asvtools", "demo", str(file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "100", "TMPDIR": str(temporary)},
    )
    assert process.stdout
    assert process.stderr
    try:
        while not list(temporary.glob("asvkit-*/ego.toml")):
            assert process.poll() is None
            threading.Event().wait(0.02)
        process.terminate()
        said = process.stderr.read()
        process.stdout.read()
        assert process.wait(20) == 143
    finally:
        process.kill()
        process.stdout.close()
        process.stderr.close()
    assert said == ""
    assert list(temporary.iterdir()) == []
    assert not any(str(tmp_path) in name for name in _processes())


def test_a_page_s_port_in_use_is_refused_before_anything_is_started(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        done = _demo(tmp_path, SHORT, "--screen", str(taken - 1))  # ego's page; the other unit's is the next
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr in (
        f"asvkit: --screen: {port}: in use by another program; name another port\n" for port in (taken - 1, taken)
    )


@pytest.mark.long
@pytest.mark.parametrize("name", ["x/y"])
def test_names_that_are_no_files_are_refused(tmp_path: Path, name: str) -> None:
    done = _demo(tmp_path, SHORT.replace('"target"', f'"{name}"'))
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
