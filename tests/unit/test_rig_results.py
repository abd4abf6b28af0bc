"""Results of a bench: the revision they are of, and what becomes of a test in its phases."""

import json
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from asvrig.results import Results, git_revision, pins_sha256
from asvunit.errors import AsvkitError

TARGET = {"target": "local", "pins_sha256": "1" * 64}


def git(folder: Path, *argv: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.invalid", "-c", "commit.gpgsign=false")
    return subprocess.run(
        ["git", *identity, *argv], cwd=folder, check=True, capture_output=True, text=True, timeout=20
    ).stdout.strip()


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_the_revision_tells_a_changed_checkout_and_none_is_none(tmp_path):
    assert git_revision(tmp_path) == ""
    git(tmp_path, "init", "-q")
    assert git_revision(tmp_path) == ""  # nothing is committed
    (tmp_path / "a").write_text("1")
    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "-q", "-m", "one")
    revision = git(tmp_path, "rev-parse", "HEAD")
    (tmp_path / "untracked").write_text("1")
    assert git_revision(tmp_path) == revision
    (tmp_path / "a").write_text("2")
    assert git_revision(tmp_path) == f"{revision}-dirty"
    assert git_revision(tmp_path / "none") == ""


def test_an_installation_below_a_checkout_has_no_revision_of_it(tmp_path, monkeypatch):
    folder = tmp_path / "site-packages" / "asvrig"
    folder.mkdir(parents=True)
    git(tmp_path, "init", "-q")
    (tmp_path / "a").write_text("1")
    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "-q", "-m", "another project")
    monkeypatch.setattr("asvrig.results._SOURCE", folder)
    assert git_revision(folder) == ""


def test_a_pin_map_has_the_sum_of_its_file(tmp_path):
    path = tmp_path / "pins.toml"
    path.write_bytes(b"version = 1\n")
    assert pins_sha256(path) == sha256(b"version = 1\n").hexdigest()
    assert pins_sha256() != pins_sha256(path)


def test_what_went_wrong_in_any_phase_is_the_tests_end():
    results = Results("2026-11-21T00:00:00Z", "local")
    figure = {"name": "x", "value": 1.0, "unit": "s"}
    for name, phases in {
        "good": [("setup", "passed", ""), ("call", "passed", ""), ("teardown", "passed", "")],
        "fails": [("setup", "passed", ""), ("call", "failed", "why"), ("teardown", "error", "also")],
        "leaves a mess": [("setup", "passed", ""), ("call", "passed", ""), ("teardown", "error", "mess")],
        "skipped": [("setup", "skipped", "needs"), ("teardown", "passed", "")],
        "again": [
            ("setup", "passed", ""),
            ("call", "failed", "flaky"),
            ("setup", "passed", ""),
            ("call", "passed", ""),
        ],
    }.items():
        for phase, outcome, reason in phases:
            results.take(name, phase, outcome, 0.25, reason, [figure] if phase == "teardown" else [], TARGET)
    told = results.told()
    assert told["counts"] == {"error": 1, "failed": 1, "passed": 2, "skipped": 1}
    assert [(one["name"], one["outcome"], one["reason"]) for one in told["tests"]] == [
        ("good", "passed", ""), ("fails", "failed", "why"), ("leaves a mess", "error", "mess"),
        ("skipped", "skipped", "needs"), ("again", "passed", ""),
    ]  # fmt: skip
    assert told["tests"][0]["measured"] == [figure]
    assert told["tests"][0]["seconds"] == 0.75
    assert told["tests"][4]["seconds"] == 0.5
    assert told["pins_sha256"] == "1" * 64
    assert told["target"] == TARGET


def test_results_are_written_with_their_folder_or_refused(tmp_path):
    results = Results("2026-11-21T00:00:00Z", "pi3-qemu")
    path = tmp_path / "new" / "r.json"
    results.write(path)
    told = json.loads(path.read_text())
    assert (told["asked"], told["target"], told["tests"]) == ("pi3-qemu", None, [])
    assert told["pins_sha256"] == pins_sha256()
    with pytest.raises(AsvkitError, match="results cannot be written"):
        results.write(path / "below.json")
