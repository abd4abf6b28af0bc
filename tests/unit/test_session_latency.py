"""`asvkit latency` of a recorded session: all its parts are one unit's ledger."""

import json
import shutil
from pathlib import Path

import pytest

import exporttools
from asvtools.cli import run
from asvtools.latency_session import read_sessions, sources
from asvunit.session.form import part_name


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exporttools.once(tmp_path_factory)


def split(whole: Path, folder: Path, at: int) -> Path:
    """The session, its events in two parts."""
    copy = Path(shutil.copytree(whole, folder / whole.name))
    lines = (whole / part_name("events", 1)).read_text("utf-8").splitlines(keepends=True)
    for number, some in ((1, lines[:at]), (2, lines[at:])):
        (copy / part_name("events", number)).write_text("".join(some), "utf-8")
    return copy


def test_the_parts_are_one_ledger_wherever_they_are_cut(whole: Path, tmp_path: Path) -> None:
    (alone,) = read_sessions([whole]).ledgers
    kinds = [event["event"] for event in exporttools.events(whole)]
    between = kinds.index("latency")  # its hmi event ends the part before
    assert kinds[between - 1] == "hmi"
    assert len(alone.changes) == kinds.count("latency") > 3
    for at in (between, len(kinds) // 2, 1):
        measured = read_sessions([split(whole, tmp_path / str(at), at)])
        (ledger,) = measured.ledgers
        assert ledger.name == whole.name
        assert [change.at for change in ledger.changes] == [change.at for change in alone.changes]
        assert (ledger.untimed, ledger.sessions) == (alone.untimed, alone.sessions)
        assert {path.name for path in sources(measured)} == {part_name("events", 1), part_name("events", 2)}


def test_a_folder_of_sessions_is_a_unit_each(whole: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    hmi = sum(event["event"] == "hmi" for event in exporttools.events(whole))
    for name in ("one", "two"):
        split(whole, tmp_path / "all", 20).rename(tmp_path / "all" / name)
    assert {ledger.name for ledger in read_sessions([tmp_path / "all"]).ledgers} == {"one", "two"}
    assert run(["latency", str(tmp_path / "all"), "--json", "-"]) == 0
    told = json.loads(capfd.readouterr().out)["changes"]
    assert (len(told) if isinstance(told, list) else told) == 2 * hmi


def test_one_part_given_alone_is_read_alone(whole: Path, tmp_path: Path) -> None:
    kinds = [event["event"] for event in exporttools.events(whole)]
    copy = split(whole, tmp_path, kinds.index("latency") + 1)
    (ledger,) = read_sessions([copy / part_name("events", 2)]).ledgers
    assert ledger.more == ()
    assert len(ledger.changes) == kinds.count("latency") - 1
