"""`asvkit replay SESSION`: what was recorded is decided again, and whatever is not as recorded is named."""

import fcntl
import json
import random
import re
import shutil
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from asvcore.params import REBASE_MS
from asvtools import replay_session
from asvtools.cli import run
from asvunit.session import form
from asvunit.session.read import open_session
from livetools import MS
from sessiontools import Recorded

Lines = list[dict]


@pytest.fixture(scope="module")
def eventful(tmp_path_factory: pytest.TempPathFactory) -> Path:
    bench = Recorded(tmp_path_factory.mktemp("recorded") / "session")
    bench.eventful()
    kinds = {event["event"] for event in bench.events}
    assert {"support", "hmi", "signal", "own_message", "drop", "neighbour", "status", "system"} <= kinds
    assert any("count" in event for event in bench.events)
    assert {"caution", "information"} <= {event["level"] for event in bench.told("hmi")}
    assert bench.told("hmi", muted=True)
    return bench.end()


@pytest.fixture
def session(eventful: Path, tmp_path: Path) -> Path:
    """One of the test's own."""
    return Path(shutil.copytree(eventful, tmp_path / "session"))


def replayed(*arguments: object, code: int = 0, capfd: pytest.CaptureFixture) -> str:
    """What the command says: standard output of one that is good, the one line on stderr of another."""
    capfd.readouterr()
    assert run(["replay", *map(str, arguments)]) == code
    said = capfd.readouterr()
    if code == 0:
        assert said.err == ""
        return said.out
    assert len(said.err.splitlines()) == 1, said.err
    return said.err


def decisions(said: str) -> int:
    found = re.search(r"([\d,]+) decisions?, all as recorded", said)
    assert found, said
    return int(found[1].replace(",", ""))


def events_of(folder: Path, part: int = 1) -> Lines:
    return [json.loads(line) for line in (folder / form.part_name(form.EVENTS, part)).read_text().splitlines()]


def recorded_decisions(folder: Path, parts: int = 1) -> Lines:
    kinds = ("support", "hmi", "signal", "own_message")
    return [one for part in range(1, parts + 1) for one in events_of(folder, part) if one["event"] in kinds]


def rewrite(folder: Path, change: Callable[[Lines], None]) -> None:
    events = events_of(folder)
    change(events)
    text = "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in events)
    (folder / form.part_name(form.EVENTS, 1)).write_text(text)


def test_what_was_recorded_is_decided_again(session: Path, capfd) -> None:
    said = replayed(session, capfd=capfd)
    assert decisions(said) == len(recorded_decisions(session)) > 100
    assert "vehicle 8201" in said
    assert len(said.splitlines()) == 2  # nothing else to say of a whole session


def test_its_events_are_the_recorded_ones(session: Path, tmp_path: Path, capfd) -> None:
    out = tmp_path / "events.jsonl"
    replayed(session, "--events", out, capfd=capfd)
    start, *events = [json.loads(line) for line in out.read_text().splitlines()]
    assert (start["event"], start["vehicle_id"]) == ("start", 8201)
    told = [one for one in events if one["event"] in ("support", "hmi", "signal", "own_message")]
    wanted = recorded_decisions(session)
    for one, other in zip(told, wanted, strict=True):
        assert {**one, "t": 0, "since": 0} == {**other, "t": 0, "since": 0}
        assert one["t"] <= other["t"] < one["t"] + 0.001001
    capfd.readouterr()
    assert run(["replay", str(session), "--events", "-"]) == 0
    assert capfd.readouterr().out == out.read_text()


CHANGES: dict[str, Callable[[Lines], None]] = {
    "a key of a support": lambda events: last(events, "support").update(reason="l3_reached", level="none"),
    "a number": lambda events: first(events, "support", "distance_m").update(distance_m=1.5),
    "what the driver was told": lambda events: last(events, "hmi").update(text="WAIT! Right side"),
    "one decision less": lambda events: events.remove(last(events, "hmi")),
    "one decision more": lambda events: events.insert(80, dict(last(events, "support"))),
    "a decision at the end": lambda events: events.append({**last(events, "support"), "t": events[-1]["t"]}),
    "its time": lambda events: last(events, "support").update(t=last(events, "support")["t"] + 0.004),
    "its order": lambda events: events.append(events.pop(events.index(first(events, "hmi", "cue")))),
    "a signal": lambda events: last(events, "signal").update(state="implausible"),
    "the own message": lambda events: last(events, "own_message").update(reason="void"),
    "a drop": lambda events: events.remove(first(events, "drop", "source")),
    "a drop's source": lambda events: first(events, "drop", "source").update(source="192.0.2.77:9"),
    "a count": lambda events: first(events, "drop", "count").update(count=first(events, "drop", "count")["count"] + 1),
    "a smaller count": lambda events: first(events, "drop", "count").update(count=2),
    "a neighbour": lambda events: events.remove(last(events, "neighbour")),
    "a neighbour more": lambda events: events.append({**last(events, "neighbour"), "vehicle_id": 5}),
    "an input's state": lambda events: state(events, "radio", "ok").update(state="stale", reason="timeout"),
    "an input's state that is missing": lambda events: events.remove(state(events, "radio", "ok")),
    "the system's word": lambda events: last(events, "system").update(receiving=True),
    "the system's fault": lambda events: first(events, "system", "on").update(fault=False),
}


def last(events: Lines, kind: str) -> dict:
    return next(one for one in reversed(events) if one["event"] == kind)


def first(events: Lines, kind: str, key: str) -> dict:
    return next(one for one in events if one["event"] == kind and one.get(key) is not None)


def state(events: Lines, name: str, told: str) -> dict:
    return next(one for one in events if one["event"] == "status" and one["input"] == name and one["state"] == told)


EVERYDAY = (
    "a key of a support",
    "one decision less",
    "its time",
    "a drop",
    "a count",
    "an input's state",
    "the system's word",
)


@pytest.mark.parametrize(
    "change", [pytest.param(change, marks=() if change in EVERYDAY else pytest.mark.long) for change in CHANGES]
)
def test_what_is_not_as_recorded_is_named(session: Path, change: str, capfd) -> None:
    rewrite(session, CHANGES[change])
    said = replayed(session, code=1, capfd=capfd)
    assert re.search(r"decisions? as recorded: .*(recorded|replay)", said), said


def test_a_decision_that_may_have_been_lost_is_told_as_such(session: Path, capfd) -> None:
    rewrite(session, lambda events: events.remove(last(events, "hmi")))
    end = json.loads((session / form.END).read_text())
    (session / form.END).write_text(json.dumps({**end, "lost_by_kind": {"events": 3}}))
    assert "events lost while recording: 3, perhaps this one" in replayed(session, code=1, capfd=capfd)


def test_a_difference_names_key_and_values(session: Path, capfd) -> None:
    rewrite(session, lambda events: last(events, "hmi").update(sound="warning"))
    said = replayed(session, code=1, capfd=capfd)
    assert re.search(r'hmi at \d+\.\d{3}, cause \d+: recorded sound "warning", now "', said), said


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.long)])
def test_a_cut_at_any_byte_is_replayed_as_far_as_it_goes(eventful: Path, tmp_path: Path, seed: int, capfd) -> None:
    rng = random.Random(seed)
    whole = len(recorded_decisions(eventful))
    for number in range(6 if seed == 1 else 150):
        folder = Path(shutil.copytree(eventful, tmp_path / str(number)))
        (folder / form.END).unlink()
        for kind in (form.JOURNAL, form.EVENTS):
            path = folder / form.part_name(kind, 1)
            data = path.read_bytes()
            kept = data[: rng.choice((rng.randrange(900), rng.randrange(len(data) + 1), rng.randrange(len(data) + 1)))]
            path.write_bytes(kept + rng.choice((b"", b"", b"\0" * 4096)))
        said = replayed(folder, capfd=capfd)
        assert "was cut" in said
        assert decisions(said) <= whole
        shutil.rmtree(folder)


def test_a_cut_session_still_shows_a_difference(session: Path, capfd) -> None:
    (session / form.END).unlink()
    rewrite(session, lambda events: first(events, "hmi", "cue").update(level="warning"))
    assert "warning" in replayed(session, code=1, capfd=capfd)


def test_it_goes_on_over_parts_and_from_any(tmp_path: Path, capfd) -> None:
    bench = Recorded(tmp_path / "session")
    bench.standing()
    for _ in range(4):
        bench.approach(1700)  # a part begins while the driver is told something
        bench.part()
    bench.noise(250)
    bench.run(4000)
    folder = bench.end()
    count = len(recorded_decisions(folder, 5))
    assert decisions(replayed(folder, capfd=capfd)) == count
    out = tmp_path / "events.jsonl"
    said = replayed(folder, "--from", "9.5", "--events", out, capfd=capfd)
    assert 0 < decisions(said) < count  # from part 4 on
    first_s = json.loads(out.read_text().splitlines()[1])["t"]
    assert first_s >= open_session(folder).began_s + 9.5

    shutil.copytree(folder, tmp_path / "first_gone")
    for path in (tmp_path / "first_gone").glob("*-000[12].*"):
        path.unlink()
    said = replayed(tmp_path / "first_gone", capfd=capfd)
    assert "not there any more: part 1, 2" in said
    assert decisions(said) == sum(len([one for one in recorded_decisions(folder, 5) if one in part]) for part in
                                  (events_of(folder, 3), events_of(folder, 4), events_of(folder, 5)))  # fmt: skip

    (folder / form.part_name(form.JOURNAL, 3)).unlink()
    said = replayed(folder, capfd=capfd)
    assert "part 4 begins anew from its checkpoint: part 3 is not there" in said
    assert "not there any more" not in said  # its other files are
    assert 0 < decisions(said) < count

    (folder / form.part_name(form.CHECKPOINT, 4)).write_text('{"part": 4')
    said = replayed(folder, capfd=capfd)
    assert "cannot be replayed: part 4" in said
    assert "part 5 begins anew from its checkpoint: parts 3 to 4 are not there, or cannot be replayed" in said
    assert decisions(said) > 0


def test_after_a_loss_it_begins_anew_from_the_checkpoint(tmp_path: Path, capfd) -> None:
    bench = Recorded(tmp_path / "session")
    bench.standing()
    bench.approach(3000)
    bench.events_so_far()
    bench.losing = True  # the disk is full: neither journal nor events
    bench.approach(2000, 99)
    bench.part(told=False)
    bench.approach(3000, 100)
    bench.run(2000)
    folder = bench.end()
    said = replayed(folder, capfd=capfd)
    assert re.search(r"part 2 begins anew from its checkpoint: \d\d+ lines of the journal were lost", said)
    assert decisions(said) == len(recorded_decisions(folder, 2))


def test_it_goes_on_over_a_rebase_of_the_clock(tmp_path: Path, capfd) -> None:
    bench = Recorded(tmp_path / "session")
    bench.standing()
    bench.now_ns += (REBASE_MS + REBASE_MS // 2 - 9000) * MS
    bench.approach(5000)
    bench.part()  # before it
    bench.approach(2500)
    assert "R " in (bench.folder / form.part_name(form.JOURNAL, 2)).read_text()
    bench.part()  # and after it
    bench.approach(3000)
    folder = bench.end()
    count = len(recorded_decisions(folder, 3))
    assert decisions(replayed(folder, capfd=capfd)) == count > 50
    begin = open_session(folder).checkpoint(open_session(folder).parts[2])
    assert begin is not None
    assert begin["base_ns"] > bench.now_ns - 2**29 * MS
    for path in folder.glob("*-0001.*"):
        path.unlink()
    (folder / form.part_name(form.JOURNAL, 2)).unlink()
    assert decisions(replayed(folder, capfd=capfd)) > 0


@pytest.mark.long
def test_at_its_speed(session: Path, monkeypatch: pytest.MonkeyPatch, capfd) -> None:
    slept = 0.0

    class Time:
        """Time that goes on by sleeping alone."""

        @staticmethod
        def monotonic() -> float:
            return slept

        @staticmethod
        def sleep(seconds: float) -> None:
            nonlocal slept
            assert seconds > 0
            slept += seconds

    monkeypatch.setattr(replay_session, "time", Time)
    replayed(session, "--speed", 10, capfd=capfd)
    length_s = last_line_s(session)
    assert slept == pytest.approx(length_s / 10, rel=0.01)
    slept = 0.0
    replayed(session, "--speed", 2, "--from", 12, "--view", capfd=capfd)
    assert slept == pytest.approx((length_s - 12) / 2, rel=0.05)
    slept = 0.0
    replayed(session, "--speed", 0, capfd=capfd)
    assert slept == 0


def last_line_s(folder: Path) -> float:
    lines = (folder / form.part_name(form.JOURNAL, 1)).read_text().splitlines()
    return int(next(line for line in reversed(lines) if line[0] == "B").split()[1]) / 1000


def test_the_drivers_view(session: Path, capfd) -> None:
    said = replayed(session, "--view", "--from", last_line_s(session) - 0.5, "--speed", 1000, capfd=capfd)
    assert "WAIT! Left side" in said  # told before, and shown still
    assert "all as recorded" in said


def test_a_session_that_is_being_recorded(session: Path, capfd) -> None:
    (session / form.END).unlink()
    with (session / form.LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "is being recorded" in replayed(session, capfd=capfd)
    assert "was cut" in replayed(session, capfd=capfd)


def test_another_version_is_told(session: Path, capfd) -> None:
    about = json.loads((session / form.SESSION).read_text())
    (session / form.SESSION).write_text(json.dumps({**about, "asvkit": "9.9.9"}))
    assert "recorded by asvkit 9.9.9" in replayed(session, capfd=capfd)
    (session / form.SESSION).write_text(json.dumps({**about, "vehicle_id": 5}))
    assert "the unit was vehicle 5, the replay is 8201" in replayed(session, code=1, capfd=capfd)


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        (lambda folder: (folder / form.SESSION).unlink(), 2, "no session, session.json is not in it"),
        (lambda folder: (folder / form.SESSION).write_text("{"), 2, "session.json: damaged"),
        (lambda folder: (folder / form.SESSION).write_text('{"session": 2}'), 2, "session: 2 is no version"),
        (lambda folder: (folder / form.SESSION).write_text('{"session": 1}'), 2, "missing or damaged"),
        (lambda folder: (folder / "journal-0001.txt").unlink(), 1, "no journal with a begin"),
        (lambda folder: (folder / "journal-0001.txt").write_text("x\ny\n"), 1, "line 1 does not belong"),
        (lambda folder: damage(folder / "journal-0001.txt", 300), 1, "line 300 does not belong"),
        (lambda folder: damage(folder / "events-0001.jsonl", 40), 1, "line 40 is damaged"),
    ],
)
def test_what_is_no_session_or_damaged(session: Path, change, code: int, said: str, capfd) -> None:
    change(session)
    assert said in replayed(session, code=code, capfd=capfd)


def damage(path: Path, line: int) -> None:
    lines = path.read_bytes().split(b"\n")
    lines[line - 1] = b"\xff{]" + lines[line - 1][3:]
    path.write_bytes(b"\n".join(lines))


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 9))])
def test_whatever_is_damaged_is_told_in_one_line(eventful: Path, tmp_path: Path, seed: int, capfd) -> None:
    """Bytes changed, taken out, put in, anywhere: never a traceback."""
    rng = random.Random(seed)
    codes = set()
    for number in range(5 if seed == 1 else 40):
        folder = Path(shutil.copytree(eventful, tmp_path / str(number)))
        path = rng.choice(sorted(folder.iterdir()))
        data = bytearray(path.read_bytes())
        for _ in range(rng.choice((1, 1, 3, 20))):
            at = rng.randrange(len(data) + 1)
            put = bytes([rng.choice(b'0123456789-,:"{}[] \n\xff')]) * rng.choice((1, 1, 30))
            data[at : at + rng.choice((0, 1, 1, 50))] = put
        path.write_bytes(data)
        capfd.readouterr()
        code = run(["replay", str(folder), *rng.choice(((), ("--from", "5")))])
        codes.add(code)
        assert len(capfd.readouterr().err.splitlines()) == (0 if code == 0 else 1)
        shutil.rmtree(folder)
    assert codes <= {0, 1, 2}


@pytest.mark.long
def test_wrong_usage(session: Path, tmp_path: Path, capfd) -> None:
    for arguments, said in (
        ((tmp_path / "none",), "no such folder"),
        ((session.parent,), f"1 are below it: give one, as {session}"),
        ((session, "--gnss", "x.nmea"), "it holds all inputs"),
        ((session, "--config", "unit.toml"), "go with --from-raw"),
        ((session, "--speed", "-1"), "--speed -1"),
        ((session, "--speed", "nan"), "--speed nan"),
        ((session, "--from", "noon"), "--from noon: no time"),
        ((session, "--from", "12345"), "the session ends before"),
        ((session, "--view", "--events", "-"), "both want standard output"),
        ((session, "--events", tmp_path / "no" / "folder"), "cannot be written"),
        ((session, "--from-raw", "--speed", "2"), "not with --from-raw"),
        (("--speed", "2"), "name its folder"),
        ((session / form.SESSION,), "no folder"),
    ):
        assert said in replayed(*arguments, code=2, capfd=capfd), arguments


def test_a_large_session_is_not_read_whole(session: Path) -> None:
    path = session / form.part_name(form.JOURNAL, 1)
    path.write_bytes(b"T 1234567 0\n" * 30_000 + b"T 12")
    opened = open_session(session)
    tracemalloc.start()
    try:
        count = sum(1 for _line in opened.lines(opened.parts[0], form.JOURNAL))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (count, opened.torn[form.JOURNAL]) == (30_000, 1)
    assert peak < 1_200_000  # read whole, its lines take twice that
