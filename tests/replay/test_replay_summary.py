"""What `asvkit replay` says at its end: what was dropped, what was used all the same, which trailers were refused."""

import json
from collections import Counter
from pathlib import Path

import pytest

from asvrig.generate import generate
from asvrig.scenario import load_scenario
from asvtools.cli import run
from asvunit.adapters.capture import CaptureWriter


def told(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[list[dict[str, object]], set[str]]:
    """Events and the lines of the summary."""
    events = folder / "events.jsonl"
    assert run(["replay", *generate(load_scenario(name), folder).arguments(), "--events", str(events)]) == 0
    lines = capsys.readouterr().out.splitlines()
    return [json.loads(line) for line in events.read_text().splitlines()], {line.strip() for line in lines}


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "reason"), [("crossing_own_id", "own_id"), ("emergency_forged", "emergency_unverified")]
)
def test_frames_that_are_used_all_the_same_are_not_called_dropped(
    name: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events, lines = told(name, tmp_path, capsys)
    counts = Counter(str(one["reason"]) for one in events if one["event"] == "drop")
    assert counts[reason]
    assert f"reported: {reason}: {counts[reason]}" in lines
    assert not [line for line in lines if line.startswith(f"dropped: {reason}")]


@pytest.mark.long
def test_refused_trailers_are_counted_by_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    events, lines = told("emergency_forged", tmp_path, capsys)
    counts = Counter(str(one["reason"]) for one in events if one["event"] == "trailer")
    refused = {f"trailer: {reason}: {count}" for reason, count in counts.items() if reason != "accepted"}
    assert refused
    assert {line for line in lines if line.startswith("trailer: ")} == refused


@pytest.mark.long
def test_genuine_trailers_are_nothing_to_tell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    events, lines = told("emergency_behind", tmp_path, capsys)
    assert any(one["event"] == "trailer" and one["reason"] == "accepted" for one in events)
    assert not [line for line in lines if line.startswith("trailer: ")]


def test_what_is_not_used_is_dropped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capture, events = tmp_path / "radio.pcapng", tmp_path / "events.jsonl"
    with CaptureWriter(capture) as writer:
        for number in range(3):
            writer.write((1_790_000_000_000 + number * 100) * 10**6, bytes(50), "02:00:00:00:00:10")
    assert run(["replay", "--radio", str(capture), "--events", str(events)]) == 0
    lines = {line.strip() for line in capsys.readouterr().out.splitlines()}
    (reason,) = {one["reason"] for one in map(json.loads, events.read_text().splitlines()) if one["event"] == "drop"}
    assert f"dropped: {reason}: 3" in lines
    assert not [line for line in lines if line.startswith(("reported: ", "trailer: "))]
