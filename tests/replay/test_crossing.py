"""Crossing scenarios through `asvkit replay`, judged by times worked out separately from the true courses."""

import ast
import copy
import importlib.util
import json
import math
from pathlib import Path

import pytest

from asvcore import journal
from asvcore.codes import COMMAND_SEND, COMMAND_SUPPORT
from asvcore.commands import KIND, WIDTH
from asvcore.core import Core
from asvrig.expected import Expected, Outlook, expected, outlook
from asvrig.generate import generate
from asvrig.judge import Check
from asvrig.judge import judge as judged
from asvrig.scenario import Scenario, load_scenario, scenario_names
from asvtools.cli import run

BOTH = ["information", "caution"]
# What each scenario is there for: vehicle -> levels, side, why support ends
DUE = {
    "crossing_50": {"target": (BOTH, "left", "hold_over")},
    "crossing_30_right": {"target": (BOTH, "right", "hold_over")},
    "crossing_70": {"target": (BOTH, "left", "hold_over")},
    "crossing_late": {"target": (["caution"], "left", "hold_over")},
    "crossing_lost": {"target": (BOTH, "left", "hold_over")},
    "crossing_two": {"from_left": (BOTH, "left", "hold_over"), "from_right": (BOTH, "right", "hold_over")},
    "crossing_south_west": {"target": (BOTH, "left", "hold_over")},
    "crossing_dateline": {"target": (BOTH, "right", "hold_over")},
    "crossing_no_target_slow": {},
    "crossing_parallel_road": {},
    "crossing_ego_starts": {"target": (BOTH, "left", "ego_started")},
    "crossing_1hz_class": {"target": (BOTH, "left", "hold_over")},
}
CROSSINGS = [name for name in DUE if name in scenario_names()]
EVERYDAY = ("crossing_late", "crossing_two", "crossing_ego_starts", "crossing_no_target_slow")  # make gate: all
ORACLE = ("results", "ego_state", "target", "courses", "junctions", "supports", "surrounding")


def crossings(due: list[Expected]) -> list[Expected]:
    """The crossing supports; surrounding vehicles are told of beside them, always."""
    return [one for one in due if one.function == "crossing"]


def replayed(scenario: Scenario, folder: Path, config: str = "") -> list[dict]:
    """The events of a scenario; `config` is added to the unit's configuration."""
    folder.mkdir(exist_ok=True)
    recordings = generate(scenario, folder)
    with recordings.config.open("a") as file:
        file.write(config)
    out = ["--events", "events.jsonl", "--sent", "sent.pcap", "--journal", "inputs.journal"]
    out = [word if word.startswith("--") else str(folder / word) for word in out]
    assert run(["replay", *recordings.arguments(), *out]) == 0
    return [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]


_OUTLOOKS: dict[int, tuple[Scenario, Outlook]] = {}


def judge(scenario: Scenario, events: list[dict]) -> list[Check]:
    """The judge; what is expected of a scenario is worked out once, for all the events that are tried on it."""
    if id(scenario) not in _OUTLOOKS:
        _OUTLOOKS[id(scenario)] = scenario, outlook(scenario)
    return judged(scenario, events, _OUTLOOKS[id(scenario)][1])


def wrong(checks: list[Check]) -> set[str]:
    assert checks
    return {check.what for check in checks if not check.good}


@pytest.fixture(scope="module")
def main_drive(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scenario, list[dict]]:
    scenario = load_scenario("crossing_50")
    return scenario, replayed(scenario, tmp_path_factory.mktemp("crossing_50"))


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.long] * (name not in EVERYDAY)) for name in CROSSINGS]
)
def test_the_unit_tells_in_time(name: str, tmp_path: Path) -> None:
    scenario = load_scenario(name)
    due = expected(scenario)
    stated = {one.vehicle.name: (list(one.levels), one.side, one.end_reason) for one in crossings(due)}
    assert stated == DUE[name]  # the calculation finds what the scenario is for
    checks = judged(scenario, replayed(scenario, tmp_path), due)
    assert [check for check in checks if not check.good] == []
    times = [check for check in checks if check.margin_s is not None and check.function == "crossing"]
    # levels, keep watching unless the driver has started before, and the end: each has been timed
    held = sum(end != "ego_started" for _levels, _side, end in DUE[name].values())
    assert len(times) == sum(len(levels) + 1 for levels, _side, _end in DUE[name].values()) + held


def test_the_second_opinion_is_its_own() -> None:
    """Neither the expected times nor the judge take anything from the unit or its core."""
    oracle = [f"oracle.{name}" for name in ORACLE]
    for module in ("expected", "judge", "judge_display", "given", "trajectory", "motion", *oracle):
        source = Path(importlib.util.find_spec(f"asvrig.{module}").origin).read_text()
        nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import | ast.ImportFrom)]
        names = [node.module if isinstance(node, ast.ImportFrom) else node.names[0].name for node in nodes]
        assert names
        assert not [name for name in names if name.startswith(("asvcore", "asvunit", "asvtools"))], module


def test_the_times_by_hand() -> None:
    """crossing_50: the car is 5.8 s, corrected, from the crossing point at 9 s; errors are 5 m each."""
    (due,) = crossings(expected(load_scenario("crossing_50")))
    v = 50 / 3.6
    zero = 9 + 5.8  # its corrected distance is 0
    assert due.levels["information"].earliest_s == pytest.approx(zero - 5.1, abs=0.011)
    assert due.levels["information"].latest_s == pytest.approx(zero - 4.1, abs=0.011)
    assert due.levels["caution"].earliest_s == pytest.approx(zero - 4.1, abs=0.011)
    assert due.levels["caution"].latest_s == pytest.approx(zero - 3.6, abs=0.011)
    assert due.hold is not None
    assert due.end is not None
    assert due.hold.latest_s == pytest.approx(zero + 2 * 10 / v, abs=0.011)
    assert due.end.latest_s == pytest.approx(zero + 2 * 10 / v + 3, abs=0.011)


def test_ego_that_stops_late_has_it_at_once() -> None:
    """The same car, but ego stops when it is already inside: 2 km/h, 0.3 s before, or less for so long."""
    scenario = load_scenario("crossing_50").model_dump(by_alias=True, exclude_unset=True)
    scenario["vehicle"][0] |= {"north_m": -8 - 24.69 - 7.0 * 40 / 3.6}
    scenario["vehicle"][0]["motion"][0]["for_s"] = 7.0
    (due,) = crossings(expected(Scenario.model_validate(scenario)))
    stopped = 7.0 + (40 - 2) / 3.6 / 2.5 + 0.3
    assert list(due.levels) == ["caution"]
    assert due.levels["caution"].earliest_s == due.levels["caution"].latest_s == pytest.approx(stopped, abs=0.011)


@pytest.mark.parametrize(("kmh", "supports"), [(4.0, 0), (8.0, 1)])
def test_only_its_slowness_keeps_support_away(kmh: float, supports: int) -> None:
    scenario = load_scenario("crossing_no_target_slow").model_dump(by_alias=True, exclude_unset=True)
    scenario["vehicle"][1]["speed_kmh"] = kmh
    assert len(crossings(expected(Scenario.model_validate(scenario)))) == supports


def test_two_replays_are_the_same_bytes(tmp_path: Path) -> None:
    scenario = load_scenario("crossing_two")
    for name in ("one", "two"):
        assert replayed(scenario, tmp_path / name)
    for file in ("ego.nmea", "ego.log", "radio.pcapng", "events.jsonl", "sent.pcap", "inputs.journal"):
        one, two = ((tmp_path / name / file).read_bytes() for name in ("one", "two"))
        assert len(one) > 100
        assert one == two, file


def core_records(path: Path) -> list[list[int]]:
    lines = path.read_text().splitlines()
    core = Core(journal.settings_of(lines[1]))
    out, record = [], [0] * WIDTH
    for line in lines[2:]:
        journal.feed(core, line)
        while core.commands.take(record):
            out.append(list(record))
    return out


def test_the_journal_gives_the_same_events_again(tmp_path: Path) -> None:
    events = replayed(load_scenario("crossing_lost"), tmp_path)
    records = core_records(tmp_path / "inputs.journal")
    assert core_records(tmp_path / "inputs.journal") == records
    assert sum(record[KIND] == COMMAND_SEND for record in records) == 241  # 24 s, both ends
    supports = [event for event in events if event["event"] == "support"]
    assert sum(record[KIND] == COMMAND_SUPPORT for record in records) == len(supports) > 4
    told = [event for event in supports if event["vehicle_id"] is not None]
    assert {"target_lost", "hold_over"} <= {event["reason"] for event in told}


@pytest.mark.parametrize(
    ("shift_s", "found"), [(0.5, "information"), (0.5, "caution"), (-1.5, "information"), (0.5, "end")]
)
def test_the_judge_finds_wrong_times(main_drive: tuple[Scenario, list[dict]], shift_s: float, found: str) -> None:
    scenario, events = main_drive
    assert wrong(judge(scenario, events)) == set()
    assert found in wrong(judge(scenario, [event | {"t": event["t"] + shift_s} for event in events]))


def spoil(events: list[dict], event: str, level: str, changes: dict) -> list[dict]:
    """The events, with the first support or hmi of a level changed."""
    events = copy.deepcopy(events)
    next(one for one in events if one["event"] == event and one["level"] == level).update(changes)
    return events


@pytest.mark.parametrize(
    ("event", "level", "changes", "found"),
    [
        ("support", "caution", {"distance_m": 90.0}, "caution: condition"),
        ("support", "caution", {"threshold_m": None}, "caution: condition"),
        ("support", "caution", {"level": "information"}, "caution"),
        ("hmi", "caution", {"colour": "red"}, "caution: display"),
        ("hmi", "caution", {"sound": "none"}, "caution: display"),
        ("hmi", "caution", {"direction": "right"}, "caution: display"),
        ("hmi", "information", {"text": ""}, "information: display"),
        ("hmi", "none", {"sound": "caution"}, "ends quietly"),
        ("support", "information", {"vehicle_id": 1}, "nothing beside"),
    ],
)
def test_the_judge_finds_what_is_wrong(
    main_drive: tuple[Scenario, list[dict]], event: str, level: str, changes: dict, found: str
) -> None:
    scenario, events = main_drive
    if event == "support":
        told = [one for one in events if one["event"] != "support" or one["vehicle_id"] is not None]
    else:
        told = events
    assert wrong(judge(scenario, told)) == set()
    assert found in wrong(judge(scenario, spoil(told, event, level, changes)))


def test_the_judge_finds_silence_and_early_ends(main_drive: tuple[Scenario, list[dict]]) -> None:
    scenario, events = main_drive
    quiet = [event for event in events if event["event"] != "support"]
    assert {"information", "caution"} <= wrong(judge(scenario, quiet))
    endless = [event for event in events if event.get("reason") != "hold_over"]
    assert "end" in wrong(judge(scenario, endless))
    last = next(event for event in events if event.get("reason") == "hold_over")
    cut = [event for event in events if event.get("reason") != "hold_over" and event["t"] < last["t"] - 4]
    assert "levels" in wrong(judge(scenario, [*cut, last | {"t": last["t"] - 4}]))


def test_a_wrong_setting_of_the_unit_is_found(tmp_path: Path) -> None:
    scenario = load_scenario("crossing_50")
    events = replayed(scenario, tmp_path, '[presentation]\nmode = "caution_alone"\n')
    assert wrong(judge(scenario, events)) == {"information"}
    (tmp_path / "off").mkdir()
    events = replayed(scenario, tmp_path / "off", "[crossing]\nenabled = false\n")
    assert wrong(judge(scenario, events)) == {"information", "caution"}


def test_a_support_that_is_not_due_is_found(main_drive: tuple[Scenario, list[dict]]) -> None:
    scenario, events = main_drive
    slow = scenario.model_dump(by_alias=True, exclude_unset=True)
    slow["vehicle"][1]["speed_kmh"] = 4
    found = wrong(judge(Scenario.model_validate(slow), events))
    assert found == {"nothing beside"}


def test_sent_frames_follow_the_true_course(tmp_path: Path) -> None:
    """What ego itself sends, against the truth at the time of sending: position within 1.5 m, speed 1 km/h."""
    import dpkt

    from asvrig.trajectory import Trajectory, degrees
    from asvunit.message import decode, values

    scenario = load_scenario("crossing_dateline")
    replayed(scenario, tmp_path)
    truth = Trajectory(scenario.ego)
    with (tmp_path / "sent.pcap").open("rb") as file:
        frames = [(float(t), values(decode(bytes(data)[14:]))) for t, data in dpkt.pcap.Reader(file)]
    assert len(frames) == 241
    for t, value in frames[2:]:
        state = truth.at(t - scenario.start_ns / 1e9)
        latitude, longitude = degrees(scenario.place, state.east_m, state.north_m)
        north = (value["latitude_deg"] - latitude) * 110_700
        east = (value["longitude_deg"] - longitude) * 110_700 * math.cos(math.radians(latitude))
        assert math.hypot(north, east) < 1.5
        assert abs(value["speed_kmh"] - state.speed_kmh) <= 1
