"""Other systems' supports through a replay: what a scenario tells of them, and recordings of them by hand."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from asvrig.generate import generate
from asvrig.scenario import load_scenario
from asvtools.cli import run
from asvtools.virtual import replayed

GOOD = {"origin": "roadside", "function": "crossing", "level": "caution", "direction": "left"}
START_S = 1_790_000_000


def supports(events: list[dict[str, Any]], **fields: Any) -> list[dict[str, Any]]:
    told = [one for one in events if one["event"] == "support"]
    return [one for one in told if all(one[key] == value for key, value in fields.items())]


@pytest.fixture
def replay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[list[dict[str, Any]], str]]:
    """Words (times from the start) through the unit alone: its events and the summary."""

    def made(words: list[tuple[float, dict[str, Any]]], *options: str) -> tuple[list[dict[str, Any]], str]:
        path, out = tmp_path / "supports.jsonl", tmp_path / "events.jsonl"
        path.write_text("".join(json.dumps(word | {"t": START_S + t}) + "\n" for t, word in words))
        assert run(["replay", "--supports", str(path), "--events", str(out), *options]) == 0
        return [json.loads(line) for line in out.read_text().splitlines()], capsys.readouterr().out

    return made


def test_a_scenarios_word_of_the_roadside_comes_before_the_vehicles(tmp_path: Path) -> None:
    scenario = load_scenario("crossing_roadside")
    events = replayed(scenario, tmp_path)
    (span,) = scenario.external
    words = [json.loads(line) for line in (tmp_path / "supports.jsonl").read_text().splitlines()]
    start_s = scenario.start.timestamp()
    assert [word["t"] for word in words] == [
        pytest.approx(start_s + span.from_s + n / 10) for n in range(round((span.to_s - span.from_s) * 10) + 1)
    ]
    told = supports(events, source="roadside")
    first = told[0]
    assert first["vehicle_id"] is None
    assert (first["t"], first["level"], first["presented"]) == (start_s + span.from_s, "caution", True)
    assert (first["reason"], first["function"]) == ("external", "crossing")
    assert [first[key] for key in ("distance_m", "error_m", "threshold_m", "ttc_s")] == [None] * 4
    of_vehicle = [one for one in supports(events, function="crossing") if one["vehicle_id"] is not None]
    beside = [one for one in of_vehicle if first["t"] < one["t"] <= start_s + span.to_s]
    assert {(one["presented"], one["reason"]) for one in beside if one["level"] != "none"} == {(False, "superseded")}
    assert supports(events, source="roadside", level="none")[-1]["reason"] == "hold_over"


def test_a_scenario_without_other_systems_has_no_such_recording(tmp_path: Path) -> None:
    recordings = generate(load_scenario("crossing_50"), tmp_path)
    assert recordings.supports is None
    assert "--supports" not in recordings.arguments()
    assert not (tmp_path / "supports.jsonl").exists()


def test_spans_of_several_systems_are_written_in_the_order_of_their_times(tmp_path: Path) -> None:
    scenario = load_scenario("crossing_roadside")
    (span,) = scenario.external
    other = span.model_copy(update={"origin": "autonomous", "from_s": span.from_s - 1, "to_s": span.from_s + 1})
    recordings = generate(scenario.model_copy(update={"external": [span, other]}), tmp_path)
    assert recordings.supports is not None
    assert recordings.arguments()[-2:] == ["--supports", str(recordings.supports)]
    words = [json.loads(line) for line in recordings.supports.read_text().splitlines()]
    assert [word["t"] for word in words] == sorted(word["t"] for word in words)
    assert [word["origin"] for word in words].count("autonomous") == 21


def test_words_alone_are_replayed_from_begin_to_end(replay: Callable[..., Any], tmp_path: Path) -> None:
    words = [(n / 10, GOOD) for n in range(10)] + [(6.0, GOOD | {"function": "surrounding", "level": "none"})]
    events, summary = replay(words, "--journal", str(tmp_path / "journal"))
    told = [(round(one["t"] - START_S, 3), one["level"], one["reason"]) for one in supports(events, source="roadside")]
    # Stale more than 1 s after the last word, held for 3 s
    assert told == [(0, "caution", "external"), (2.0, "information", "external_stale"), (5.0, "none", "hold_over")]
    assert "11 words from" in summary
    journal = (tmp_path / "journal").read_text().splitlines()
    assert len([line for line in journal if line.startswith("X ")]) == 11


def test_bad_lines_are_told_and_times_that_run_back_are_clamped(replay: Callable[..., Any]) -> None:
    words = [(1.0, GOOD), (0.5, GOOD), (1.2, GOOD | {"level": "warning"}), (1.3, GOOD | {"direction": "up"})]
    events, summary = replay(words)
    assert "2 words from" in summary
    assert "1 bad_direction, 1 bad_level, 1 time_back" in summary
    assert {one["t"] for one in supports(events, source="roadside")} == {START_S + 1.0}


def test_other_times_than_the_other_inputs_are_refused_or_aligned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recordings = generate(load_scenario("crossing_roadside"), tmp_path)
    own = tmp_path / "relative.jsonl"
    own.write_text("".join(json.dumps(GOOD | {"t": n / 10}) + "\n" for n in range(20)))
    arguments = ["replay", "--gnss", str(recordings.gnss), "--supports", str(own)]
    assert run(arguments) == 2
    assert "relative.jsonl is 0.000 s to 1.900 s" in capsys.readouterr().err
    out = tmp_path / "events.jsonl"
    assert run([*arguments, "--align", "start", "--events", str(out)]) == 0
    events = [json.loads(line) for line in out.read_text().splitlines()]
    start_s = load_scenario("crossing_roadside").start.timestamp()
    assert supports(events, source="roadside")[0]["t"] == pytest.approx(start_s, abs=1.0)


def test_the_recording_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "supports.jsonl"
    path.write_text(json.dumps(GOOD | {"t": START_S}) + "\n")
    before = path.read_bytes()
    assert run(["replay", "--supports", str(path), "--events", str(path)]) == 2
    assert "already" in capsys.readouterr().err
    assert path.read_bytes() == before
