"""`asvkit session`: list, show, check, prune and delete, on whole, cut and damaged sessions."""

import fcntl
import json
import os
import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import exporttools
from asvtools.cli import run
from asvunit.adapters.capture import Capture
from asvunit.session.form import part_name

DAY_S = 86_400


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exporttools.once(tmp_path_factory)


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    """One that a test may damage."""
    return Path(shutil.copytree(whole, tmp_path / "sessions" / whole.name))


@pytest.fixture
def said(capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def call(*arguments: object) -> tuple[int, str, str]:
        capfd.readouterr()
        code = run(["session", *map(str, arguments)])
        out, err = capfd.readouterr()
        return code, out, err

    return call


def changed(path: Path, change: Callable[[bytes], bytes]) -> None:
    before = path.read_bytes()
    after = change(before)
    assert after != before
    path.write_bytes(after)


def cut(session: Path) -> None:
    (session / "end.json").unlink()


# list


def test_list_tells_each_session_and_how_it_ended(said: Any, copy: Path) -> None:
    other = Path(shutil.copytree(copy, copy.parent / "20260402T000000Z-v2"))
    cut(other)
    code, out, _err = said("list", copy.parent)
    first, second, total = out.splitlines()
    assert code == 0
    assert first.split()[0] == copy.name
    assert "  whole " in first
    assert second.split()[0] == other.name
    assert "  cut " in second
    assert total.startswith("2 sessions, ")
    _code, out, _err = said("list", copy.parent, "--json")
    assert [(row["session"], row["state"]) for row in json.loads(out)] == [(copy.name, "ended"), (other.name, "cut")]


def test_a_session_that_is_written_runs(said: Any, copy: Path) -> None:
    cut(copy)
    with (copy / ".lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "  running " in said("list", copy.parent)[1]
        assert "it still runs" in said("show", copy)[1]


def test_a_damaged_head_is_told_beside_the_good_ones(said: Any, copy: Path) -> None:
    other = Path(shutil.copytree(copy, copy.parent / "20260402T000000Z-v2"))
    (other / "session.json").write_text("{")
    code, out, err = said("list", copy.parent)
    assert code == 1
    assert copy.name in out
    assert str(other / "session.json") in err


@pytest.mark.parametrize("what", ["absent", "file", "empty"])
def test_what_is_no_session_is_refused(said: Any, tmp_path: Path, what: str) -> None:
    place = tmp_path / what
    if what == "file":
        place.write_text("")
    if what == "empty":
        place.mkdir()
    for command in ("show", "check"):
        code, _out, err = said(command, place)
        assert code == 2
        assert err.startswith(f"asvkit: {place}: ")
        assert len(err.splitlines()) == 1


# show


def test_show_counts_what_the_files_hold(said: Any, whole: Path) -> None:
    code, out, _err = said("show", whole, "--json")
    told = json.loads(out)
    events = exporttools.events(whole)
    assert code == 0
    frames = {
        way: len(list(Capture(whole / part_name("radio", 1), outbound=way == "sent"))) for way in ("sent", "heard")
    }
    assert told["frames"] == frames
    assert frames["sent"] > 100
    assert told["events"]["support"] == sum(event["event"] == "support" for event in events)
    assert told["neighbours"]["met"] == len({event["vehicle_id"] for event in events if event["event"] == "neighbour"})
    presented = {(one["function"], one["level"]): one["count"] for one in told["given"]}
    assert presented["crossing", "caution"] == 2
    assert presented["surrounding", "information"] == 2
    assert told["latency"] == {"changes": told["events"]["hmi"], "p99_ms": 2.5}
    assert told["told"]["caution"] == sum(
        event["event"] == "hmi" and event["level"] == "caution" and event["cue"] for event in events
    )
    assert told["kinds"]["journal"] == (whole / part_name("journal", 1)).stat().st_size
    assert not told["lost"]
    assert not told["unreadable"]
    _code, page, _err = said("show", whole)
    assert "crossing: caution 2, information" in page
    assert f"{frames['sent']} frames sent, {frames['heard']} heard" in page
    assert "it was stopped" in page


def test_one_that_ran_for_the_time_it_was_given_says_so(said: Any, copy: Path) -> None:
    (copy / "end.json").write_text(json.dumps(json.loads((copy / "end.json").read_text()) | {"reason": "time_over"}))
    _code, page, _err = said("show", copy)
    assert "it ran for its time" in page


def test_show_tells_gaps_of_inputs_with_their_length(said: Any, copy: Path) -> None:
    events = exporttools.events(copy)
    t = events[0]["t"]
    gap = {"event": "status", "input": "gnss", "cause": 0}
    more = [
        {"t": t + 11, **gap, "state": "stale", "reason": "timeout"},
        {"t": t + 12, **gap, "state": "silent", "reason": "no_input"},
        {"t": t + 14.5, **gap, "state": "ok", "reason": "received"},
        {"t": t + 18.9, "event": "signal", "signal": "winker", "state": "stale", "reason": "timeout"},
        {"t": t + 20, "event": "system", "on": True, "receiving": True, "fault": True},
    ]
    changed(
        copy / part_name("events", 1), lambda data: data + b"".join(json.dumps(one).encode() + b"\n" for one in more)
    )
    _code, out, _err = said("show", copy, "--json")
    gaps = {(one["what"], one["state"]): one for one in json.loads(out)["gaps"]}
    assert gaps["gnss", "stale"]["to"] - gaps["gnss", "stale"]["from"] == pytest.approx(1.0)
    assert gaps["gnss", "silent"]["to"] - gaps["gnss", "silent"]["from"] == pytest.approx(2.5)
    assert gaps["winker", "stale"]["to"] is None
    page = said("show", copy)[1]
    assert "gnss silent (no input) for 2.5 s" in page
    assert "winker stale (timeout) for 1.1 s, to the end" in page
    assert "the fault lamp came on once" in page


def test_show_tells_what_was_lost_and_cut(said: Any, copy: Path) -> None:
    cut(copy)
    changed(copy / part_name("events", 1), lambda data: data + b'{"event": "lost", "count": 7}\n{"t": 1')
    write = exporttools.write
    write(copy / part_name("checkpoint", 2), {"part": 2, "unit_ms": 1, "lost": 30, "core": {}})
    page = said("show", copy)[1]
    assert "it was cut off" in page
    assert "7 events" in page
    assert "30 journal lines" in page
    assert "1 torn" in page


# check


def test_a_whole_session_is_well(said: Any, whole: Path) -> None:
    code, out, err = said("check", whole)
    assert (code, err) == (0, "")
    assert "all is well" in out
    lines = (whole / part_name("journal", 1)).read_text().count("\n")
    assert f"journal     {lines - 1} good" in out
    frames = (whole / part_name("can", 1)).read_text().count("\n")
    assert f"can         {frames} good" in out


def swap(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    return lambda data: data.replace(old, new, 1)


DAMAGES: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "tag": (part_name("gnss", 1), lambda data: data[:4] + bytes([data[4] ^ 1]) + data[5:], "bad_tag"),
    "no tag": (part_name("gnss", 1), lambda data: data + b"$GNRMC,1*00\r\n", "no_tag"),
    "can": (part_name("can", 1), swap(b") can0 ", b") can0  "), "bad_line"),
    "json": (part_name("events", 1), swap(b'"event": "support"', b'"event": support"'), "bad_line"),
    "no start": (part_name("events", 1), swap(b'"event": "start"', b'"event": "begin"'), "not with start"),
    "journal": (part_name("journal", 1), swap(b"\nT ", b"\nQ "), "bad_line"),
    "short line": (part_name("journal", 1), swap(b"\nV ", b"\nV 1 "), "bad_line"),
    "no journal": (part_name("journal", 1), swap(b"asvkit-journal 1", b"asvkit-journal 7"), "no_head"),
    "time": (part_name("can", 1), lambda data: data + data.partition(b"\n")[0] + b"\n", "time_runs_back"),
    "torn": (part_name("journal", 1), lambda data: data[:-3], "its last line has no end"),
    "block": (part_name("radio", 1), lambda data: data[:5000] + bytes(64) + data[5064:], "damaged"),
    "torn block": (part_name("radio", 1), lambda data: data[:-3], "torn"),
    "no capture": (part_name("radio", 1), lambda data: b"x" + data[1:], "is no pcapng"),
    "unit": ("unit.toml", lambda data: data + b"[[", "unit.toml"),
    "head": ("session.json", swap(b'"seed": 1', b'"seed": "1"'), "seed: is no int"),
    "file": ("session.json", swap(b'"files": {}', b'"files": {"vehicle.map": "files/car.toml"}'), "is missing"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_every_damage_is_found_and_named(said: Any, copy: Path, name: str) -> None:
    file, change, word = DAMAGES[name]
    changed(copy / file, change)
    code, out, err = said("check", copy)
    assert code == 1
    assert word in err
    assert file in err or file == "session.json"
    assert "WRONG" in out
    assert len(err.splitlines()) == 1


def test_missing_parts_and_checkpoints_are_found(said: Any, copy: Path) -> None:
    for number in (2, 3):
        shutil.copy(copy / part_name("events", 1), copy / part_name("events", number))
    shutil.copy(copy / part_name("journal", 1), copy / part_name("journal", 3))
    exporttools.write(copy / part_name("checkpoint", 3), {"part": 3, "unit_ms": 1, "lost": 2, "core": {"version": 1}})
    code, out, _err = said("check", copy)
    assert code == 1
    assert "WRONG: part 2: its journal is missing" in out
    assert "WRONG: part 2: its checkpoint is missing" in out
    assert "part 3" not in out
    assert f"note: {part_name('checkpoint', 3)}: 2 lines of the journal were lost" in out


def test_parts_deleted_to_make_room_are_no_fault(said: Any, copy: Path) -> None:
    for path in list(copy.iterdir()):
        if "-0001." in path.name:
            path.rename(path.with_name(path.name.replace("-0001.", "-0004.")))
    exporttools.write(copy / part_name("checkpoint", 4), {"part": 4, "unit_ms": 1, "lost": 0, "core": {"version": 1}})
    code, out, err = said("check", copy)
    assert (code, err) == (0, "")
    assert "begins with part 4" in out


@pytest.mark.parametrize("kind", ["journal", "events", "gnss", "can", "radio"])
def test_a_cut_of_the_last_part_is_no_fault(said: Any, copy: Path, kind: str) -> None:
    """What a kill leaves unfinished is a note, never a finding."""
    cut(copy)
    path = copy / part_name(kind, 1)
    content = path.read_bytes()
    for size in (13, len(content) - 1):
        path.write_bytes(content[:size])
        code, out, err = said("check", copy)
        assert (code, err) == (0, ""), (size, out)
        assert f"note: {path.name}: " in out


@pytest.mark.long
@pytest.mark.parametrize("kind", ["journal", "events", "gnss", "can", "radio"])
def test_a_cut_at_any_byte_can_be_checked_shown_and_exported(said: Any, copy: Path, kind: str) -> None:
    cut(copy)
    path, outside = copy / part_name(kind, 1), copy.parent / "out"
    outside.mkdir()
    content = path.read_bytes()
    drawn = random.Random(kind)
    for size in sorted(drawn.randrange(len(content)) for _ in range(4)):
        path.write_bytes(content[:size])
        assert said("check", copy)[0] == 0, size
        assert said("show", copy)[0] == 0, size
        assert said("export", copy, "--mcap", outside / "a.mcap", "--parquet", outside)[0] == 0, size


# prune and delete


def aged(session: Path, now_s: float, days: float) -> None:
    for path in [session, *session.rglob("*")]:
        os.utime(path, (now_s - days * DAY_S, now_s - days * DAY_S))


def test_prune_deletes_what_is_too_old_and_first_says_so(said: Any, copy: Path) -> None:
    old = Path(shutil.copytree(copy, copy.parent / "20260301T000000Z-v2"))
    aged(old, time.time(), 8)
    assert said("prune", copy.parent, "--dry-run")[1].splitlines()[-1].startswith("would go: 1 session, ")
    assert old.exists()
    code, out, _err = said("prune", copy.parent)
    assert code == 0
    assert out.splitlines()[0].startswith(f"  {old.name}: too old, ")
    assert not old.exists()
    assert copy.exists()
    assert said("prune", copy.parent, "--keep-days", "0.5")[1] == "deleted: 0 sessions, 0 B\n"


def test_prune_by_size_takes_the_oldest_and_leaves_what_is_written(said: Any, copy: Path) -> None:
    old = Path(shutil.copytree(copy, copy.parent / "20260301T000000Z-v2"))
    aged(old, time.time(), 2)
    aged(copy, time.time(), 1)
    with (old / ".lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        aged(old, time.time(), 2)
        assert said("prune", copy.parent, "--max-mb", "0.5")[0] == 0
        assert old.exists()
        assert not copy.exists()


@pytest.mark.parametrize("option", ["--keep-days=-1", "--max-mb=nan", "--free-mb=1e12"])
def test_limits_that_are_none_are_refused(said: Any, copy: Path, option: str) -> None:
    code, _out, err = said("prune", copy.parent, option)
    assert code == 2
    assert option.partition("=")[0] in err
    assert said("prune", copy)[0] == 2  # one session is no folder of them
    assert copy.exists()


def test_delete_takes_one_session_but_none_that_is_written(said: Any, copy: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(copy)
    assert said("delete", link)[0] == 2
    assert said("delete", copy.parent)[0] == 2
    with (copy / ".lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        code, _out, err = said("delete", copy)
        assert code == 1
        assert "a unit is writing it" in err
    assert copy.exists()
    assert said("delete", copy)[0] == 0
    assert not copy.exists()
    assert copy.parent.exists()
