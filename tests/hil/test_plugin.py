"""The pytest plugin as a project outside of asvkit has it: by its entry point, in a pytest of its own."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

WAIT_S = 90.0
EXAMPLE = Path(__file__).resolve().parents[2] / "hil" / "example"

# One that is right, one that is wrong, one that asks for too much, and one that only measures
OUTSIDE = """
import pytest

def test_right(unit, pins, radio_peer, measured):
    pins.lit("system", within_s=5)
    told = radio_peer.hear(within_s=5)
    measured("own id", told["vehicle_id"])
    measured("memory", unit.rss_kib() / 1024, "MiB")

def test_wrong(target, pins):
    pins.lit("caution", within_s=0.1)

@pytest.mark.needs("pins", "pwm")
def test_too_much(start_unit):
    raise AssertionError("it must not be started")

def test_asks(needs):
    needs("ocb")

def test_mistyped(needs):
    needs("wings")

@pytest.fixture
def broken():
    raise ValueError("of its own")

def test_error(broken):
    pass

@pytest.mark.xfail(strict=True)
def test_known(target):
    assert target.name == "remote"
"""
# Has fixtures and markers of the same names, and nothing to do with a bench
FOREIGN = """
import sys
import pytest

@pytest.fixture
def unit():
    return 7

@pytest.fixture
def target(unit):
    return unit + 1

@pytest.mark.needs("docker")
def test_it(unit, target):
    assert (unit, target) == (7, 8)
    heavy = {"numpy", "pydantic", "cantools", "asvrig.targets", "asvrig.results", "asvrig.playing"}
    assert heavy & set(sys.modules) == set()
"""


def run(folder: Path, *arguments: str, **files: str) -> "subprocess.CompletedProcess[str]":
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "COV"))}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-W", "error", "-p", "no:cacheprovider", "-rA", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        stdin=subprocess.DEVNULL,
        check=False,
    )


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder that knows nothing of asvkit's."""
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\n")
    return tmp_path


def by_name(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["name"].rpartition("::")[2]: one for one in told["tests"]}


def test_the_entry_point_is_that_of_the_plugin():
    (found,) = entry_points(group="pytest11", name="asvkit")
    assert found.value == "asvrig.pytest_plugin"
    project = tomllib.loads((EXAMPLE.parents[1] / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"asvkit": "asvrig.pytest_plugin"}


@pytest.mark.long
def test_tests_of_an_outside_project_pass_fail_and_are_skipped_as_such(outside):
    done = run(outside, "--asvkit-results", "out/results.json", "--junitxml", "junit.xml", test_bench=OUTSIDE)
    assert done.returncode == 1, done.stderr
    for told in ("1 passed", "2 failed", "2 skipped", "1 error", "1 xfailed"):
        assert told in done.stdout
    assert "caution lit: not within 0.1 s; last seen: " in done.stdout
    assert "target local: cannot do: pwm" in done.stdout
    assert "test_bench.py::test_right: memory = " in done.stdout
    told = json.loads((outside / "out" / "results.json").read_text())
    assert told["results"] == 1
    assert told["asked"] == told["target"]["target"] == "local"
    assert told["git"] == told["target"]["git"]
    assert len(told["pins_sha256"]) == 64
    assert told["target"]["versions"]["python"] == sys.version.split()[0]
    assert told["counts"] == {"error": 1, "failed": 2, "passed": 1, "skipped": 2, "xfailed": 1}
    tests = by_name(told)
    assert [one["name"] for one in tests["test_right"]["measured"]] == ["own id", "memory"]
    assert tests["test_right"]["measured"][1]["unit"] == "MiB"
    assert 10 < tests["test_right"]["measured"][1]["value"] < 1000
    assert tests["test_right"]["seconds"] > 0.1
    assert tests["test_too_much"]["reason"] == "target local: cannot do: pwm"
    assert tests["test_asks"]["reason"] == "target local: cannot do: ocb"
    assert "needs('wings'): no ability of a target; there is unplug, switches" in tests["test_mistyped"]["reason"]
    assert "caution lit: not within 0.1 s" in tests["test_wrong"]["reason"]
    assert "of its own" in tests["test_error"]["reason"]
    properties = {
        one.get("name"): float(one.get("value", "nan"))
        for one in ElementTree.parse(outside / "junit.xml").iter("property")
    }
    assert properties["memory [MiB]"] == tests["test_right"]["measured"][1]["value"]


def test_a_project_without_a_bench_is_left_alone(outside):
    done = run(outside, "-o", "markers=needs(what): of its own", test_foreign=FOREIGN)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
    assert "asvkit" not in done.stdout.split("test session starts")[1].split("plugins:")[-1].split("\n", 1)[1]


@pytest.mark.long
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--asvkit-target", "pi4"), "--asvkit-target pi4: 'pi4': no such target"),
        (("--asvkit-results", "test_bench.py/r.json"), "r.json: results cannot be written"),
    ],
)
def test_what_is_wrong_with_the_options_is_one_line(outside, arguments, told):
    done = run(outside, *arguments, "-k", "asks", test_bench=OUTSIDE)
    assert done.returncode != 0
    assert told in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.long
def test_results_are_whole_with_xdist(outside):
    done = run(outside, "-n", "2", "--asvkit-results", "r.json", "-k", "wrong or asks or too_much", test_bench=OUTSIDE)
    assert done.returncode == 1, done.stderr
    told = json.loads((outside / "r.json").read_text())
    assert told["counts"] == {"failed": 1, "skipped": 2}
    assert told["target"]["target"] == "local"


@pytest.mark.long
def test_the_example_project_passes_as_it_stands(tmp_path):
    folder = tmp_path / "example"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    done = run(folder, "--asvkit-results", "results.json")
    assert done.returncode == 0, done.stdout
    told = json.loads((folder / "results.json").read_text())
    assert told["counts"] == {"passed": 4}
    assert {figure["unit"] for one in told["tests"] for figure in one["measured"]} == {"s", "ms"}


def test_tests_of_the_example_have_ten_lines_at_most():
    for path in sorted((EXAMPLE / "tests").glob("test_*.py")):
        lines = path.read_text().splitlines()
        (begin,) = [number for number, line in enumerate(lines) if line.startswith("def test_")]
        assert len(lines) - begin <= 10, path.name
