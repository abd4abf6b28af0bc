"""`asvkit explain`: any moment of a recording or a journal, as the replay judged it; looking changes nothing."""

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from asvcore.journal import MAGIC
from asvrig.generate import generate
from asvrig.scenario import load_scenario
from asvtools.cli import run
from asvtools.explain_command import Enough, Moments, watched
from asvtools.journal_file import LARGEST_BYTES
from asvtools.recorded import Align, open_recorded
from asvunit.clock import UnitClock
from asvunit.explain import FUNCTIONS, explain
from asvunit.replay import play

FUNCTION_NAMES = ["crossing", "right_turn", "left_turn", "surrounding", "emergency"]


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """The recordings of a scenario with two targets, its events and its journal."""
    folder = tmp_path_factory.mktemp("drive")
    recordings = generate(load_scenario("crossing_two"), folder)
    events, journal = folder / "events.jsonl", folder / "inputs.journal"
    arguments = recordings.arguments()
    assert run(["replay", *arguments, "--events", str(events), "--journal", str(journal)]) == 0
    lines = [json.loads(line) for line in events.read_text().splitlines()]
    return SimpleNamespace(recordings=recordings, arguments=arguments, events=lines, journal=journal)


@pytest.fixture
def out(capfd: pytest.CaptureFixture[str]) -> Any:
    def explained(*arguments: object) -> list[str]:
        capfd.readouterr()
        assert run(["explain", *map(str, arguments)]) == 0
        return capfd.readouterr().out.splitlines()

    return explained


@pytest.fixture
def refused(capfd: pytest.CaptureFixture[str]) -> Any:
    def failed(*arguments: object) -> str:
        capfd.readouterr()
        assert run(["explain", *map(str, arguments)]) == 2
        (line,) = capfd.readouterr().err.splitlines()
        assert line.startswith("asvkit: ")
        return line

    return failed


def crossing_levels(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        one for one in events if one["event"] == "support" and one["function"] == "crossing" and one["level"] != "none"
    ]


def test_two_moments(drive: SimpleNamespace, out: Any) -> None:
    lines = out(*drive.arguments, "--at", 12, "--at", "2.0", "--function", "crossing")
    heads = [line for line in lines if not line.startswith(" ")]
    assert [head.split(" (")[0] for head in heads] == ["2.000 s", "12.000 s"]  # in the order of time
    assert re.search(r"\(20\d\d-\d\d-\d\d \d\d:\d\d:12\.000 UTC\): ego 0\.0 km/h, heading", heads[1])
    assert ", position known, error 5.0 m, stopped, winker off" in heads[1]
    assert lines[1].startswith("  crossing closed (ego has not stopped: ")
    later = lines[lines.index(heads[1]) + 1 :]
    assert later[0] == "  crossing open"
    assert len(later) == 3  # one line for each target
    assert all(re.match(r"  crossing, vehicle \d+ \(02:\.\.:\w\w\): \w", line) for line in later[1:])


@pytest.mark.long
def test_an_events_time_is_the_state_it_tells_of(drive: SimpleNamespace, out: Any) -> None:
    told = crossing_levels(drive.events)
    assert len(told) >= 4
    for event in told:
        (line,) = out(*drive.arguments, "--at", f"{event['t']:.6f}", "--vehicle-id", event["vehicle_id"], "--json")
        moment = json.loads(line)
        assert moment["t"] == event["t"]
        assert [one["function"] for one in moment["supports"]] == FUNCTION_NAMES
        one = moment["supports"][0]
        assert one["source"] == event["source"]
        assert one["presented"] == event["presented"]
        assert (one["distance_m"], one["error_m"]) == (event["distance_m"], event["error_m"])
        passed = event["reason"] == "target_passed"
        assert one["state"] == ("keep_watching" if passed else event["level"])
        assert one["reason"] == event["reason"]
        if not passed:
            assert one["threshold_m"] == event["threshold_m"]
            assert one["since_s"] == 0.0


def test_just_before_an_event_it_has_not_come(drive: SimpleNamespace, out: Any) -> None:
    first = crossing_levels(drive.events)[0]
    (line,) = out(*drive.arguments, "--at", f"{first['t'] - 0.001:.6f}", "--vehicle-id", first["vehicle_id"], "--json")
    before = json.loads(line)["supports"][0]
    assert (before["state"], before["judged"]) == ("not_yet", "before_l3")
    assert ", in 0." in before["line"]


@pytest.mark.long
def test_times_of_every_kind_are_one(drive: SimpleNamespace, out: Any) -> None:
    start = drive.events[0]["t"]
    duration_s = load_scenario("crossing_two").duration_s
    clock = re.search(r" (\d\d:\d\d:\d\d)\.000 UTC", out(*drive.arguments, "--at", 11)[0])
    assert clock is not None
    by_second = out(*drive.arguments, "--at", "11.5")
    assert out(*drive.arguments, "--at", f"{start + 11.5:.6f}") == by_second
    assert out(*drive.arguments, "--at", f"{clock[1]}.5") == by_second
    assert out(*drive.arguments, "--at", "11.5", "--at", f"{clock[1]}.500") == by_second  # once
    every = out(*drive.arguments, "--every", "11.5")
    at = every.index(by_second[0])
    assert every[at : at + len(by_second)] == by_second
    assert sum(not line.startswith(" ") for line in out(*drive.arguments, "--every", 5)) == 1 + int(duration_s // 5)


def test_looking_changes_nothing(drive: SimpleNamespace) -> None:
    files = drive.recordings
    opened = open_recorded(
        gnss=files.gnss, can=files.can, vehicle=files.vehicle, radio=files.radio, supports=None, config=files.config,
        seed=None, day=None, align=Align.ABSOLUTE, databases=None,
    )  # fmt: skip
    first_ns, last_ns = opened.inputs.span_ns()
    events: list[dict[str, Any]] = []
    seen = []

    def look(since_ns: int) -> None:
        core = unit.core
        for neighbour in core.neighbours.used[: core.neighbours.count]:
            seen.extend(explain(core, neighbour, function).line for function in FUNCTIONS)

    moments = Moments(list(range(0, last_ns - first_ns + 1, 37_000_000)), look)
    unit = opened.unit(
        UnitClock(first_ns), sink=events.append, send=lambda time_ns, frame: None, kind=watched(moments, first_ns)
    )
    with pytest.raises(Enough):  # the last moment is before the last input
        play(unit, opened.inputs, first_ns, last_ns)
    assert len(seen) > 1000
    assert len(events) > 20
    assert [json.loads(json.dumps(event)) for event in events] == drive.events[1 : 1 + len(events)]
    assert len(drive.events) - 1 - len(events) <= 2


def test_a_journal_tells_the_same(drive: SimpleNamespace, out: Any) -> None:
    moments = [word for at in ("0", "7.25", "10.7", "12.0", "16.4", "20") for word in ("--at", at)]
    of_recordings = [json.loads(line) for line in out(*drive.arguments, *moments, "--all", "--json")]
    of_journal = [json.loads(line) for line in out("--journal", drive.journal, *moments, "--all", "--json")]
    assert len(of_journal) == 6
    for one, other in zip(of_recordings, of_journal, strict=True):
        assert other.pop("t") is None
        assert one.pop("t") is not None
        for support in one["supports"] + other["supports"]:
            support["line"] = re.sub(r"\(.*?\)", "", support["line"], count=1)
            support["source"] = None  # a journal has numbers for addresses
        assert one == other
    clock = re.search(r" (\d\d:\d\d:\d\d)\.000 UTC", out(*drive.arguments, "--at", 11)[0])
    assert clock is not None
    by_clock = out("--journal", drive.journal, "--at", clock[1])
    assert by_clock == out("--journal", drive.journal, "--at", 11)
    assert by_clock[0].startswith("11.000 s: ego ")
    assert "(source " in by_clock[2]


def test_a_journal_with_a_step_of_the_clock_goes_on(tmp_path: Path, out: Any) -> None:
    path = tmp_path / "stepped.journal"
    lines = [
        MAGIC,
        "settings seed=1",
        "# a comment",
        "",
        "T 1000000 0",
        "T 1000100 0",
        "R 1000000",
        "T 200 0",
        "T 300 0",
    ]
    path.write_text("\n".join(lines) + "\n")
    assert out("--journal", path, "--at", "0.2")[0].startswith("0.200 s: ego speed unknown")
    heads = [line for line in out("--journal", path, "--every", "0.1") if not line.startswith(" ")]
    assert [head.split(" s")[0] for head in heads] == ["0.000", "0.100", "0.200", "0.300"]


@pytest.mark.long
def test_choices(drive: SimpleNamespace, out: Any, refused: Any) -> None:
    near = out(*drive.arguments, "--at", 12)
    assert len(near) == 2 + 2 * len(FUNCTION_NAMES)
    distances = [float(found[1]) for line in near if (found := re.search(r"surrounding, .*?(\d+\.\d) m", line))]
    assert distances == sorted(distances)
    ids = re.findall(r"  crossing, vehicle (\d+)", "\n".join(near))
    one = out(*drive.arguments, "--at", 12, "--vehicle-id", ids[1])
    assert len(one) == 2 + len(FUNCTION_NAMES)
    assert all(f"vehicle {ids[1]} " in line for line in one[2:])
    assert out(*drive.arguments, "--at", 12, "--vehicle-id", 1)[-1] == "  vehicle 1 is not heard"
    assert out(*drive.arguments, "--at", 0)[-1] == "  no vehicles are heard"
    assert "did you mean crossing" in refused(*drive.arguments, "--at", 1, "--function", "crossin")


@pytest.mark.long
def test_far_vehicles_are_left_out_unless_asked_for(tmp_path: Path, out: Any) -> None:
    scenario = load_scenario("surrounding_far")
    arguments = generate(scenario, tmp_path).arguments()
    lines = out(*arguments, "--every", 0.5, "--all")
    far = [found for line in lines if (found := re.search(r"surrounding, .*: (\d+\.\d) m away", line))]
    farthest = max(float(found[1]) for found in far)
    shown = "\n".join(out(*arguments, "--every", 0.5))
    away = [float(number) for number in re.findall(r"surrounding, .*: (\d+\.\d) m away", shown)]
    assert all(metres <= 300 for metres in away)
    assert ("--all shows them" in shown) == (farthest > 300)


@pytest.mark.parametrize("at", ["-1", "99", "0000000000.5e1", "noon", "25:00:00", "nan", "1e3", "", "23:59:59"])
def test_bad_times(at: str, drive: SimpleNamespace, refused: Any) -> None:
    line = refused("--gnss", drive.recordings.gnss, "--at", at)
    assert line.startswith("asvkit: --at ")
    if at in ("-1", "99", "23:59:59"):
        assert re.search(r"outside the recording, which is 20.* to 20.*, 0 to \d+\.000 s from its begin", line)
    else:
        assert "no time; give seconds from the begin" in line


@pytest.mark.long
def test_what_else_is_wrong(drive: SimpleNamespace, refused: Any, tmp_path: Path) -> None:
    assert "give --at T" in refused(*drive.arguments)
    assert "at least one of" in refused("--at", 1)
    assert "--every 0" in refused(*drive.arguments, "--every", 0)
    assert "outside the recording" in refused(*drive.arguments, "--at", 10**9)
    assert "without other inputs" in refused("--journal", drive.journal, *drive.arguments, "--at", 1)
    journal = drive.journal
    assert "tells no date" in refused("--journal", journal, "--at", 1_790_000_000)
    assert re.search(r"99: outside .*journal, which is 0 to \d+\.\d+ s", refused("--journal", journal, "--at", 99))
    assert "cannot be read" in refused("--journal", tmp_path, "--at", 1)
    assert "cannot be read" in refused("--journal", tmp_path / "none", "--at", 1)
    magic, settings, *lines = journal.read_text().splitlines()
    broken = {
        "": "no journal",
        "asvkit-journal 2": "no journal of version 1",
        "\x80\xff": "no journal",
        magic: "line 2: no settings line, which begins with 'settings'; give a journal",
        f"{magic}\n{lines[0]}": "line 2: no settings line",
        f"{magic}\nsettings seed=-1": "line 2: ",
        f"{magic}\nsettings parallel=x": "line 2: 'parallel=x' is no setting, NAME=WHOLE NUMBER; give a journal",
        f"{magic}\nsettings parallel": "line 2: 'parallel' is no setting",
        f"{magic}\nsettings seed=1": "no inputs",
    }
    strangers = ("Q 1 2 3", "F 0", "T now 0", "M 0 1 0 1 0g", "V 0 1 99 0 0 0", "R")
    broken |= {
        "\n".join([magic, settings, bad, *lines]): f"line 3 does not belong in a journal: '{bad}" for bad in strangers
    }
    path = tmp_path / "broken.journal"
    for text, said in broken.items():
        path.write_text(text, encoding="utf-8")
        assert said in refused("--journal", path, "--every", 1), said


TIMES = {
    "T -1 0": "line 3: time -1 ms is not within 0 to 536870912; give a journal",
    "T 536870913 0": "line 3: time 536870913 ms is not within",
    "T 5000 0/T 3999 0": "line 4: time 3999 ms runs back by 1001 ms; give a journal",
    "T 5000 0/# a comment/T 605001 0": "line 5: time 605001 ms leaps ahead by 600001 ms; give a journal",
    "T 5000 0/R 4000/T 5000 0/T 3900 0": "line 6: time 3900 ms runs back by 1100 ms",
    "T 5000 0/R 5000/T 600001 0": "line 5: time 600001 ms leaps ahead by 600001 ms",
    "T 5000 0/R -1/T 5000 0": "line 4: time taken off the clock, -1 ms, is not within",
    "T 5000 0/R 99999999999/T 5000 0": "line 4: time taken off the clock",
}


@pytest.mark.parametrize("lines", TIMES)
def test_times_that_no_clock_tells_are_refused(lines: str, tmp_path: Path, refused: Any) -> None:
    path = tmp_path / "leaping.journal"
    path.write_text("\n".join([MAGIC, "settings seed=1", *lines.split("/")]) + "\n")
    assert f"{path}: {TIMES[lines]}" in refused("--journal", path, "--every", 100)


def test_times_at_the_edges_are_taken(tmp_path: Path, out: Any) -> None:
    path = tmp_path / "edges.journal"
    lines = ["T 5000 0", "T 4000 0", "T 604000 0", "R 604000", "T 0 0", "T 100 0"]
    path.write_text("\n".join([MAGIC, "settings seed=1", *lines]) + "\n")
    assert out("--journal", path, "--at", "599.1")[0].startswith("599.100 s: ego")


def test_what_cannot_be_a_journal_is_not_read(tmp_path: Path, refused: Any) -> None:
    assert "no regular file; give a journal" in refused("--journal", "/dev/zero", "--at", 1)
    large = tmp_path / "large.journal"
    with large.open("wb") as file:
        file.truncate(LARGEST_BYTES + 1)  # a hole: takes no room
    assert f"{large}: larger than 512 MB; " in refused("--journal", large, "--at", 1)


@pytest.mark.parametrize("number", [-1, 16384])
def test_numbers_that_no_vehicle_has_are_refused(number: int, drive: SimpleNamespace, refused: Any) -> None:
    line = refused(*drive.arguments, "--at", 1, "--vehicle-id", number)
    assert f"--vehicle-id {number}: no vehicle's number; give 0 to 16383" in line


@pytest.mark.long
def test_the_page_shows_what_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: Any) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "explain.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```\n\$ asvkit explain (.*?)\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 2
    monkeypatch.chdir(tmp_path)
    Path("drive").mkdir()
    arguments = generate(load_scenario("crossing_two"), Path("drive")).arguments()
    assert run(["replay", *arguments, "--journal", "drive/inputs.journal"]) == 0
    for options, printed in blocks:
        assert out(*options.split()) == printed.splitlines()
