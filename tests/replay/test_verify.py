"""`asvkit verify`: both files of the report, exit codes, and a table of requirements that names what is there."""

import errno
import json
import re
import tempfile
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from asvrig.expected import Window
from asvrig.judge import NEARBY_TOLERANCE_S, Check
from asvrig.scenario import load_scenario, scenario_names
from asvtools import verify, verify_command
from asvtools.clauses import FUNCTIONS, KINDS, Checks, Clause, load_clauses, missing_tests
from asvtools.cli import run
from asvtools.verify import Result, assess
from asvtools.verify_page import page
from asvtools.verify_plot import plots
from asvtools.verify_report import Outcome, document, write
from asvunit.errors import AsvkitError
from asvunit.resources import data_folder

ROOT = Path(__file__).resolve().parents[2]
MAIN = data_folder("scenarios") / "crossing_50.toml"
THREE = ["crossing_50", "crossing_no_target_slow", "right_turn_50"]


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, empty, and a terminal of 100 columns."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("COLUMNS", "100")
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    return folder


def read(folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((folder / "verify.json").read_text(encoding="utf-8"))
    return told


@pytest.mark.long
def test_three_scenarios_write_both_files(temporary: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "new" / "report"
    assert run(["verify", *THREE, "--report", str(report), "--jobs", "2"]) == 0
    out, error = capsys.readouterr()
    assert error == ""
    assert "\x1b" not in out
    for text in (*THREE, "3 scenarios: 3 good, 0 failed", "Part of the scenarios only", str(report / "index.html")):
        assert text in out
    assert list(temporary.iterdir()) == []

    told = read(report)
    assert [one["name"] for one in told["scenarios"]] == THREE
    assert told["summary"]["scenarios"] == {"good": 3, "failed": 0}
    assert sum(told["summary"]["requirements"].values()) == len(load_clauses())
    begin = next(one for one in told["scenarios"][0]["checks"] if one["what"] == "information")
    assert begin["earliest_s"] < begin["actual_s"] < begin["latest_s"] + 0.15
    assert 0 <= begin["margin_ms"] == pytest.approx((begin["latest_s"] - begin["actual_s"]) * 1000 + 150, abs=2)
    assert {check["what"].rpartition(": ")[2] for one in told["scenarios"] for check in one["checks"]} <= set(KINDS)
    by_id = {one["id"]: one for one in told["requirements"]}
    assert by_id["4.1.2-3"]["status"] == "met"
    assert by_id["4.1.2-3"]["margin_ms"] == begin["margin_ms"]
    assert by_id["4.3.2-2"]["status"] == "open"  # no left turn among the three

    html = (report / "index.html").read_text(encoding="utf-8")
    assert html.count('<section class="scenario"') == 3
    assert html.count("<svg ") == len(told["scenarios"][0]["plots"]) + len(told["scenarios"][2]["plots"]) == 2
    first = html[html.index('id="s1"') : html.index('id="s2"')]
    assert first.index("<figure>") < first.index("had to be (s)")
    for anchor in ("s1", "s2", "s3"):
        assert f'href="#{anchor}"' in html
        assert f'id="{anchor}"' in html
    assert not [word for word in ("http:", "https:", "src=", "@import", "<link") if word in html]

    again = tmp_path / "again"
    assert run(["verify", *THREE, "--report", str(again), "--jobs", "1"]) == 0
    for name in ("verify.json", "index.html"):
        assert (again / name).read_bytes() == (report / name).read_bytes()


@pytest.mark.long
def test_a_late_unit_fails_and_is_named(temporary: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its receiver tells positions 1 s old: the judge, who knows the true course, must find the unit late."""
    late = tmp_path / "late.toml"
    text = MAIN.read_text(encoding="utf-8")
    late.write_text(text.replace('name = "target"\n', 'name = "target"\nreceiver = { delay_ms = 1000 }\n'), "utf-8")
    assert run(["verify", "crossing_no_target_slow", str(late), "--report", str(tmp_path / "r"), "--jobs", "1"]) == 1
    out, error = capsys.readouterr()
    assert error.startswith(f"asvkit: 1 of 2 scenarios failed; {late}: target, information: ")
    assert "margin -" in error
    assert len(error.splitlines()) == 1
    assert "FAILED" in out
    told = read(tmp_path / "r")
    assert told["summary"]["scenarios"] == {"good": 1, "failed": 1}
    row = next(one for one in told["requirements"] if one["id"] == "4.1.2-3")
    assert row["status"] == "failed"
    assert row["margin_ms"] == told["summary"]["margin_ms"] < -500
    assert "1 of 2 scenarios failed" in (tmp_path / "r" / "index.html").read_text(encoding="utf-8")
    assert list(temporary.iterdir()) == []


def test_a_crash_is_one_failed_row(
    temporary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def crash(*_given: object) -> None:
        raise ZeroDivisionError("first line\nsecond line")

    monkeypatch.setattr(verify, "judge", crash)
    assert run(["verify", "crossing_50", "--report", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert error == ("asvkit: 1 of 1 scenarios failed; crossing_50: ZeroDivisionError: first line second line\n")
    assert read(tmp_path)["scenarios"][0]["error"] == "ZeroDivisionError: first line second line"
    assert list(temporary.iterdir()) == []


@pytest.mark.long
def test_a_broken_scenario_of_the_project_fails_alone(tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("scenario = 1\n", encoding="utf-8")
    results = verify.run([str(broken), "crossing_no_target_slow"], tmp_path, 2)
    assert [(one.name, one.good) for one in results] == [(str(broken), False), ("crossing_no_target_slow", True)]
    assert results[0].error.startswith(f"{broken}: ")
    assert len(results[0].error.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["crosing_50"], "crosing_50: no such scenario; did you mean"),
        (["CROSSING_50"], "CROSSING_50: no such scenario; did you mean crossing_50"),
        (["xxxx"], "asvkit: xxxx: no such scenario; see asvkit verify --list\n"),
        ([""], "asvkit: '': no such scenario; see asvkit verify --list\n"),
        (
            [str(MAIN.parent)],
            f"{MAIN.parent}: is a folder; give a scenario's name or its file (.toml), see asvkit verify",
        ),
        (["x" * 5000], "no such scenario; see asvkit verify --list"),
        (["crossing_50", "--report", ""], "--report '': no name; give a folder"),
        (["nothing_*"], "nothing_*: no scenario is named so; see asvkit verify --list"),
        (["--jobs", "-1"], "--jobs"),
        (["crossing_50", "--report", str(MAIN)], "cannot be made"),
    ],
)
def test_wrong_usage(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize("name", ["nope", "", "crosing_50"])
def test_the_demo_does_not_list_them_all_either(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demo", "--replay", name]) == 2
    error = capsys.readouterr().err
    assert error.endswith(" see asvkit demo --list\n")
    assert len(error) < 160


class Deadly(str):
    """A name that kills the process which takes it up."""

    def __reduce__(self) -> tuple[Any, ...]:
        return eval, ("__import__('os').kill(__import__('os').getpid(), 9)",)


@pytest.mark.long
def test_a_killed_process_costs_its_scenario_alone(tmp_path: Path) -> None:
    names = [
        "crossing_50",
        Deadly("first"),
        "crossing_no_target_slow",
        "right_turn_50",
        Deadly("second"),
        "crossing_two",
    ]
    seen: list[str] = []
    results = verify.run(names, tmp_path, 2, lambda result: seen.append(result.name))
    assert [one.name for one in results] == names
    assert [one.name for one in results if not one.good] == ["first", "second"]
    for one in results:
        assert one.error == (KILLED if isinstance(one.name, Deadly) else "")
    assert sorted(seen) == sorted(names)


KILLED = "its process was killed, memory may have run out; repeat with fewer --jobs"


def small() -> Outcome:
    return Outcome([Result("one", checks=[check("end")])], [], False)


@pytest.mark.parametrize("full", ["verify.json", "index.html"])
def test_a_full_disk_leaves_no_half_report(full: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {"verify.json": "old", "index.html": "page of old"}
    for name, text in before.items():
        (tmp_path / name).write_text(text)
    whole = Path.write_text

    def filled(path: Path, text: str, *rest: Any) -> int:
        whole(path, text[:10], *rest)
        if full in path.name:
            raise OSError(errno.ENOSPC, "No space left on device")
        return whole(path, text, *rest)

    monkeypatch.setattr(Path, "write_text", filled)
    with pytest.raises(AsvkitError) as told:
        write(small(), tmp_path)
    assert str(told.value) == f"{tmp_path / full}: cannot be written: No space left on device; make room and repeat"
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == before


def test_a_folder_in_the_way_of_the_report_is_told(tmp_path: Path) -> None:
    (tmp_path / "index.html").mkdir()
    with pytest.raises(AsvkitError, match=r"index\.html: cannot be written: Is a directory; name another folder"):
        write(small(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]


def test_a_check_tells_its_own_tolerance_where_it_is_not_the_usual() -> None:
    slow = Check("bike", "end", True, "", Window(1.0, 2.0), 2.3, "left_turn", 0.375)
    near = Check("car", "information", True, "", Window(1.0, 2.0), 1.5, "surrounding", NEARBY_TOLERANCE_S)
    usual = Check("car", "end", True, "", Window(1.0, 2.0), 1.5)
    told = document(Outcome([Result("one", checks=[slow, near, usual])], [], True))
    assert told["tolerance_ms"] == {"timed": 150, "nearby": 500, "widest": 375}
    text = page(told)
    assert re.findall(r"±\d+ ms", text) == ["±375 ms"]
    assert "widened by up to 375 ms" in text
    told = document(Outcome([Result("one", checks=[near, usual])], [], True))
    assert told["tolerance_ms"]["widest"] == 150
    assert "widened by up to" not in page(told)


def test_the_status_column_is_short_and_tells_how_in_its_title() -> None:
    tested, measured = (
        clause(tests=["tests/replay/test_verify.py::test_malformed_rows_are_refused"]),
        clause(checks=["crossing.end"]),
    )
    results = [Result("one", checks=[check("end")])]
    text = page(document(Outcome(results, assess([tested, measured], results, None), True)))
    assert '<span class="status tested" title="met, by a test of the project">met</span>' in text
    assert '<span class="status met" title="met, measured here">met</span>' in text


def test_patterns_aliases_and_repeats_choose_each_once() -> None:
    known = scenario_names()
    assert verify_command._chosen(["crossing", "crossing_5*", "crossing_50"], known) == ["crossing_50"]
    assert verify_command._chosen(["*"], known) == known


def test_scenarios_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", "--list"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in scenario_names())


# The table of requirements


def test_every_row_names_what_is_there() -> None:
    rows = load_clauses()
    assert len(rows) > 150
    for section in ("1.2", "2.6", "3.5", "3.9", "4.1.2", "4.2.2", "4.3.2", "4.4.3", "5.1", "A1", "A2"):
        assert any(row.id.startswith(f"{section}-") for row in rows), section
    assert missing_tests({test for row in rows for test in row.tests}, ROOT) == []
    names = scenario_names()
    nowhere = [
        (row.id, text)
        for row in rows
        for text in row.checks
        if not any(fnmatchcase(name, Checks.read(text).scenarios) for name in names)
    ]
    assert nowhere == []
    assert {function for row in rows for text in row.checks for function in [Checks.read(text).function]} == {
        *FUNCTIONS,
        "*",
    }


def test_a_test_that_is_not_there_is_found() -> None:
    here = "tests/replay/test_verify.py::test_a_test_that_is_not_there_is_found"
    gone = ["tests/replay/test_verify.py::test_nothing", "tests/replay/test_none.py::test_a"]
    assert missing_tests([here, *gone], ROOT) == gone


ROW = {"id": "9.9-1", "clause": "[G 9.9]", "force": "must", "requirement": "Something has to be so."}


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"checks": ["crossing.information"], "open": "why"},
        {"open": "why", "not_applicable": "why"},
        {"checks": ["parking.information"]},
        {"checks": ["crossing.warning"]},
        {"checks": ["crossing"]},
        {"checks": ["crossing.information@ x"]},
        {"tests": ["tests/unit/test_codec.py"]},
        {"open": "why", "clause": "3.5"},
        {"open": "why", "force": "perhaps"},
        {"open": "why", "id": "one"},
    ],
)
def test_malformed_rows_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Clause.model_validate({**ROW, **wrong})


def clause(**evidence: Any) -> Clause:
    return Clause.model_validate({**ROW, **evidence})


def check(what: str, good: bool = True, actual_s: float | None = None, function: str = "crossing") -> Check:
    return Check("target", what, good, "", Window(1.0, 2.0) if actual_s else None, actual_s, function)


RESULTS = [
    Result("one", checks=[check("information", actual_s=1.9), check("information: display"), check("end", False)]),
    Result("two", checks=[check("information", actual_s=2.1), check("caution", actual_s=2.3)]),
    Result("three", checks=[check("no support", function="right_turn")]),
]


@pytest.mark.parametrize(
    ("evidence", "status", "margin_ms"),
    [
        ({"checks": ["crossing.information"]}, "met", 50),
        ({"checks": ["crossing.information @one"]}, "met", 250),
        ({"checks": ["*.display"]}, "met", None),
        ({"checks": ["crossing.information: display"]}, "met", None),
        ({"checks": ["crossing.end"]}, "failed", None),
        ({"checks": ["crossing.caution"]}, "failed", -150),  # said to be good, and outside its time
        ({"checks": ["crossing.information", "crossing.keep watching"]}, "open", 50),
        ({"checks": ["crossing.end @two"]}, "open", None),
        ({"checks": ["right_turn.information"]}, "open", None),
        ({"checks": ["*.no support @th*"]}, "met", None),
        ({"tests": ["tests/replay/test_verify.py::test_malformed_rows_are_refused"]}, "tested", None),
        ({"tests": ["tests/replay/test_verify.py::test_gone"]}, "open", None),
        ({"not_applicable": "no such function"}, "not applicable", None),
        ({"open": "to be done"}, "open", None),
    ],
)
def test_a_requirement_stands_as_its_evidence(evidence: dict[str, Any], status: str, margin_ms: int | None) -> None:
    (row,) = assess([clause(**evidence)], RESULTS, ROOT)
    assert row.status == status
    assert (None if row.margin_s is None else round(row.margin_s * 1000)) == margin_ms
    assert bool(row.why) == (status not in ("met", "tested"))


def test_a_scenario_without_checks_is_not_good() -> None:
    assert not Result("none").good


def test_texts_of_scenarios_are_no_markup() -> None:
    bad = '<img src="x" onerror="alert(1)">'
    told = document(Outcome([Result("a<b", bad, bad, "crossing", checks=[Check(bad, "end", True, bad)])], [], False))
    assert bad not in page(told)
    assert "a&lt;b" in page(told)


# Plots


@pytest.mark.parametrize(
    ("name", "function", "limits"),
    [("crossing_50", "crossing", {"L3": 4.1, "L4": 3.6}), ("crossing_information_ended", "crossing", {"L4*": 1.2})],
)
def test_limits_are_the_guidelines(name: str, function: str, limits: dict[str, float]) -> None:
    scenario = load_scenario(name)
    (plot,) = plots(scenario, verify.outlook(scenario).due, [])
    assert plot.function == function
    for line, seconds in limits.items():
        assert {metres for piece in plot.lines[line] for _t, metres in piece} == {round(seconds * 50 / 3.6, 2)}


def nearest(pieces: list[list[tuple[float, float]]], t_s: float) -> float:
    """The line's value at the point nearest to a time."""
    return min((abs(t - t_s), metres) for piece in pieces for t, metres in piece)[1]


@pytest.mark.parametrize("name", ["crossing_50", "right_turn_50", "left_turn_motorcycle", "emergency_behind"])
def test_the_line_of_the_truth_runs_through_what_the_unit_told(name: str, tmp_path: Path) -> None:
    scenario = load_scenario(name)
    events = verify.replayed(scenario, tmp_path)
    plot = next(one for one in plots(scenario, [], events) if one.function == scenario.function)
    assert plot.told
    for t_s, metres, _limit in plot.told:
        # 100 ms of way either side, and a metre of coding
        assert nearest(plot.lines["distance"], t_s) == pytest.approx(metres, abs=8)
    assert plot.levels


# What the table cites and no other test shows


def test_a_unit_sends_zero_where_the_version_has_nothing(tmp_path: Path) -> None:
    """Elements 28 and 42 to 45 of an ordinary vehicle that knows all of itself."""
    import dpkt

    from asvunit.message import decode

    verify.replayed(load_scenario("crossing_50"), tmp_path)
    with (tmp_path / "sent.pcap").open("rb") as file:
        sent = [decode(bytes(data)[14:]) for _t, data in dpkt.pcap.Reader(file)]
    assert any(raw["position_availability"] == 3 for raw in sent)
    for raw in sent:
        assert raw["extended_vehicle_information"] == 0
        assert (raw["emergency_attention"], raw["particular_vehicle_information"]) == (0, 0)
        assert int(str(raw["asv_reservation"]), 16) == int(str(raw["independent_domain"]), 16) == 0
