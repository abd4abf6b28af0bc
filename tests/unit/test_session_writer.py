"""A session as a unit writes it: whole when all goes well, a new part from a checkpoint when it does not."""

import json
import shutil
from collections import namedtuple
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import can
import pytest

from asvcore.core import Core
from asvunit.adapters.capture import Capture
from asvunit.checkpoint import Checkpoint
from asvunit.config import RecordTable
from asvunit.errors import UsageError
from asvunit.events import Event
from asvunit.journal import JournalWriter
from asvunit.parts import Parts
from asvunit.ports import RadioFrame
from asvunit.session import form, part_file, retention, write
from asvunit.session.write import SessionWriter
from livetools import Bench

ABOUT = {
    "session": 1,
    "started": "2026-11-21T19:44:07.5Z",
    "vehicle_id": 12345,
    "radio": {"kind": "udp", "address": "127.255.255.255", "port": 47100},
}
MB = 1_000_000
Room = namedtuple("Room", "f_bavail f_frsize")


class Recorded:
    """A writer turned by hand: `tick` is a tenth of a second."""

    def __init__(self, root: Path, **table: Any) -> None:
        self.root = root
        self.config = root.parent / "unit.toml"
        self.config.write_text("config = 1\n", encoding="utf-8")
        self.now_s = 100.0
        self.writer = SessionWriter(root / "sessions", RecordTable(folder="sessions", **table), lambda: self.now_s)
        self.writer.write("asvkit-journal 1\nsettings seed=1\n")

    def open(self) -> "Recorded":
        self.writer.open(ABOUT, self.config, {}, on_air=False)
        return self

    def tick(self, count: int = 1) -> None:
        for _ in range(count):
            self.now_s += 0.1
            self.writer.turn()

    def text(self, kind: str, part: int = 1) -> str:
        return (self.writer.path / form.part_name(kind, part)).read_text(encoding="utf-8")

    def checkpoint(self, part: int) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.text(form.CHECKPOINT, part))
        return found


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """MB that are free."""
    free = [10_000.0]

    def statvfs(_path: object) -> Room:
        return Room(int(free[0] * MB), 1)

    monkeypatch.setattr(write.os, "statvfs", statvfs)
    monkeypatch.setattr(retention.os, "statvfs", statvfs)
    return free


@pytest.fixture
def recorded(tmp_path: Path, room: list[float]) -> Iterator[Recorded]:
    one = Recorded(tmp_path)
    yield one
    one.writer.stop()


def test_what_is_handed_over_stands_in_its_file(recorded: Recorded) -> None:
    writer = recorded.open().writer
    writer.offset_ns = 1_700_000_000_000_000_000
    writer.write("T 0 0\n")
    writer.event({"t": 1.5, "event": "support", "text": "注意"})
    writer.gnss(b"$GNRMC,1*00\r\n$GNGG", 2_000_000_000)
    writer.gnss(b"A,2*00\r\n", 2_100_000_000)
    writer.can(can.Message(arbitration_id=0x100, is_extended_id=False, data=b"\x01", timestamp=3.25), "can0")
    writer.support({"origin": "roadside", "level": "none"}, 4_000_000_000)
    recorded.tick()
    assert recorded.text(form.JOURNAL) == "asvkit-journal 1\nsettings seed=1\nT 0 0\n"
    assert json.loads(recorded.text(form.EVENTS)) == {"t": 1.5, "event": "support", "text": "注意"}
    assert "注意" in recorded.text(form.EVENTS)
    first, second = recorded.text(form.GNSS).splitlines()
    assert first.startswith("\\c:1700000002000*")
    assert first.endswith("\\$GNRMC,1*00")
    assert second.startswith("\\c:1700000002100*")
    assert second.endswith("\\$GNGGA,2*00")
    assert recorded.text(form.CAN) == "(1700000003.250000) can0 100#01\n"
    assert json.loads(recorded.text(form.SUPPORTS)) == {"t": 1700000004.0, "origin": "roadside", "level": "none"}


def test_the_folder_says_when_and_who_and_is_not_for_others(recorded: Recorded) -> None:
    recorded.open()
    path = recorded.writer.path
    assert path.name == "20261121T194407Z-v12345"
    assert path.stat().st_mode & 0o007 == 0
    assert json.loads((path / form.SESSION).read_text()) == ABOUT
    assert (path / form.UNIT).read_text() == "config = 1\n"
    assert retention.is_written(path)
    recorded.writer.start()
    recorded.writer.reason = "sigterm"
    recorded.writer.stop()
    end = json.loads((path / form.END).read_text())
    assert (end["reason"], end["parts"], end["lost"], end["lost_by_kind"]) == ("sigterm", 1, 0, {})
    assert not retention.is_written(path)


def test_two_runs_of_one_second_have_two_folders(recorded: Recorded, tmp_path: Path) -> None:
    recorded.open()
    (tmp_path / "two").mkdir()
    again = Recorded(tmp_path / "two")
    again.writer._store.root = recorded.root / "sessions"
    again.open()
    assert again.writer.path.name == "20261121T194407Z-v12345_2"


def test_a_large_part_asks_for_the_next_whose_journal_begins_at_a_checkpoint(tmp_path: Path, room: list[float]) -> None:
    recorded = Recorded(tmp_path, part_mb=1).open()
    writer = recorded.writer
    line = "M 1 2 3 0 " + "ab" * 100 + "\n"
    for _ in range(MB // len(line) + 1):
        writer.write(line)
    recorded.tick(11)
    assert writer.part_due
    writer.write("T 7 0\n")
    writer.new_part({"unit_ms": 7})
    writer.write("T 107 0\n")
    assert not writer.part_due
    recorded.tick(11)
    assert not writer.part_due
    assert recorded.text(form.JOURNAL).endswith(line + "T 7 0\n")
    assert recorded.text(form.JOURNAL, 2) == "asvkit-journal 1\nsettings seed=1\nT 107 0\n"
    assert recorded.checkpoint(2) == {"part": 2, "unit_ms": 7, "lost": 0}


def test_a_part_ends_after_an_hour(recorded: Recorded) -> None:
    recorded.open()
    recorded.tick(11)
    assert not recorded.writer.part_due
    recorded.now_s += 3600
    recorded.tick(11)
    assert recorded.writer.part_due


def test_what_finds_no_room_in_the_queue_is_counted_and_the_journal_goes_on_from_a_checkpoint(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "CAPACITY", 3)
    writer = recorded.open().writer
    for number in range(5):
        writer.write(f"T {number} 0\n")
    writer.event({"t": 1, "event": "status"})
    recorded.tick(11)
    writer.write("T 5 0\n")  # after a gap a journal is worth nothing
    assert writer.part_due
    writer.new_part({"unit_ms": 5})
    writer.write("T 6 0\n")
    recorded.tick()
    assert recorded.text(form.JOURNAL) == "asvkit-journal 1\nsettings seed=1\nT 0 0\nT 1 0\nT 2 0\n"
    assert recorded.text(form.JOURNAL, 2).endswith("settings seed=1\nT 6 0\n")
    assert recorded.checkpoint(2)["lost"] == 3
    assert writer.counters["events"] == 1


def test_too_little_room_ends_the_writing_and_more_begins_it_anew(recorded: Recorded, room: list[float]) -> None:
    writer = recorded.open().writer
    writer.write("T 0 0\n")
    recorded.tick()
    room[0] = 199
    recorded.tick(11)
    assert "record.free_mb = 200" in writer.fault
    writer.write("T 1 0\n")
    recorded.tick(22)
    assert not writer.part_due
    room[0] = 201  # not yet: else it would go up and down
    recorded.tick(11)
    assert not writer.part_due
    room[0] = 300
    recorded.tick(11)
    assert writer.part_due
    writer.new_part({"unit_ms": 1})
    writer.write("T 2 0\n")
    recorded.tick()
    assert writer.fault == ""
    assert recorded.text(form.JOURNAL).endswith("T 0 0\n")
    assert recorded.text(form.JOURNAL, 2).endswith("T 2 0\n")
    assert recorded.checkpoint(2)["lost"] == 1


def test_older_sessions_make_room_before_the_writing_ends(recorded: Recorded, room: list[float]) -> None:
    old = recorded.root / "sessions" / "20250101T000000Z-v1"
    old.mkdir()
    (old / form.SESSION).write_bytes(b"{}" + bytes(MB))
    recorded.open()

    def gone() -> bool:
        return not old.exists()

    room[0] = 199.5
    monkey = shutil.rmtree

    def rmtree(path: Path) -> None:
        monkey(path)
        room[0] += 1

    retention.shutil.rmtree, before = rmtree, retention.shutil.rmtree
    try:
        recorded.tick(11)
    finally:
        retention.shutil.rmtree = before
    assert gone()
    assert recorded.writer.fault == ""


@pytest.mark.parametrize("number", [28, 5])
def test_a_disk_that_fails_is_told_and_tried_again(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    writer = recorded.open().writer
    writer.write("T 0 0\n")
    recorded.tick()

    def fails(_descriptor: int, _data: bytes) -> int:
        raise OSError(number, "Input/output error")

    monkeypatch.setattr(part_file.os, "write", fails)
    writer.write("T 1 0\n")
    writer.event({"t": 1, "event": "status"})
    recorded.tick(11)
    assert writer.fault.endswith("disk full" if number == 28 else "Input/output error")
    assert writer.part_due
    writer.new_part({"unit_ms": 1})
    recorded.tick(11)
    assert writer.fault, "it still fails"
    assert writer.part_due
    assert sorted(one.name for one in writer.path.iterdir()) == [
        ".lock", "journal-0001.txt", "session.json", "unit.toml",
    ]  # fmt: skip
    monkeypatch.undo()
    monkeypatch.setattr(write.os, "statvfs", lambda _path: Room(10_000 * MB, 1))
    writer.new_part({"unit_ms": 2})
    writer.write("T 2 0\n")
    recorded.tick()
    assert writer.fault == ""
    assert recorded.text(form.JOURNAL).endswith("T 0 0\n")
    assert recorded.text(form.JOURNAL, 2).endswith("T 2 0\n")
    assert writer.counters["events"] == 1


def test_a_folder_that_was_taken_away_is_made_again(recorded: Recorded) -> None:
    writer = recorded.open().writer
    writer.write("T 0 0\n")
    recorded.tick()
    shutil.rmtree(writer.path)
    writer.gnss(b"$GNRMC,1*00\r\n", 0)  # a file that is to be made fails
    recorded.tick(11)
    assert writer.part_due
    writer.new_part({"unit_ms": 1})
    writer.write("T 1 0\n")
    recorded.tick()
    assert json.loads((writer.path / form.SESSION).read_text()) == ABOUT
    assert recorded.text(form.JOURNAL, 2).endswith("T 1 0\n")


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UsageError, match=r"^record.folder: .*file: cannot be written: "):
        SessionWriter(tmp_path / "file", RecordTable(folder="file"))


# In a live unit


def recorded_bench(writer: SessionWriter) -> Bench:
    """A live unit by hand that records a session."""

    def parts(given: dict[str, Any]) -> Parts:
        publish = given["publish"]

        def both(event: Event) -> None:
            publish(event)
            writer.event(event)

        return replace(Parts(**given), session=writer, publish=both)

    return Bench(parts=parts, journal=lambda settings: JournalWriter(writer, settings, named=True))


def test_a_unit_hands_over_its_state_when_a_part_is_due(recorded: Recorded) -> None:
    recorded.open()
    recorded.writer._store.head = b""
    bench = recorded_bench(recorded.writer)
    bench.standing()
    bench.run(1500)
    recorded.tick(11)
    recorded.writer.part_due = True
    bench.radio.waiting.append(RadioFrame(bench.now_ns, "192.0.2.1:47100", bytes(100)))
    bench.run(1000)
    recorded.tick()
    told = recorded.checkpoint(2)
    assert told["unit_ms"] <= int(bench.live.unit.core.now_ms)
    core = Core(bench.live.unit.core.settings)
    Checkpoint(core).restore(told["core"])
    assert core.now_ms == told["unit_ms"]
    assert "# source 0 192.0.2.1:47100" in recorded.text(form.JOURNAL) + recorded.text(form.JOURNAL, 2)
    kinds = {line[0] for line in recorded.text(form.JOURNAL).splitlines()[2:]}
    assert kinds >= set("FVBP")


def test_frames_are_in_the_capture_of_their_part(tmp_path: Path, room: list[float]) -> None:
    recorded = Recorded(tmp_path)
    writer = recorded.writer
    writer.open(ABOUT, recorded.config, {}, on_air=True)
    assert writer.radio is not None
    writer.start()
    writer.radio.heard(RadioFrame(1_000_000_000, "192.0.2.1:47100", bytes(100)))
    writer.stop()
    (frame,) = list(Capture(writer.path / form.part_name(form.RADIO, 1), 47100))
    assert frame.payload == bytes(100)
