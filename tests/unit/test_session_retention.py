"""Which recorded sessions go, and which never do."""

import fcntl
import os
from collections import namedtuple
from pathlib import Path

import pytest

from asvunit.session import form, retention
from asvunit.session.retention import NO_ROOM, TOO_MUCH, TOO_OLD, Doomed

NOW_S = 1_800_000_000.0
DAY_S = 86_400
Room = namedtuple("Room", "f_bavail f_frsize")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    free(monkeypatch, 10_000)
    return tmp_path


def free(monkeypatch: pytest.MonkeyPatch, mb: float) -> None:
    monkeypatch.setattr(retention.os, "statvfs", lambda _path: Room(int(mb * 1_000_000), 1))


def session(folder: Path, name: str, *, days: float, mb: float = 1.0, parts: int = 1) -> Path:
    path = folder / name
    path.mkdir()
    (path / form.SESSION).write_bytes(b"{}")
    (path / form.LOCK).write_bytes(b"")
    for part in range(1, parts + 1):
        (path / form.part_name(form.JOURNAL, part)).write_bytes(bytes(int(mb * 1_000_000 / parts)))
        if part > 1:
            (path / form.part_name(form.CHECKPOINT, part)).write_bytes(b"{}")
    for file in path.iterdir():
        os.utime(file, (NOW_S - days * DAY_S,) * 2)
    return path


def written(path: Path) -> int:
    lock = os.open(path / form.LOCK, os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def planned(
    folder: Path, keep_days: float = 7, max_mb: float = 1000, free_mb: float = 100
) -> list[tuple[str, int, str]]:
    return [(one.path.name, one.part, one.reason) for one in retention.plan(folder, keep_days, max_mb, free_mb, NOW_S)]


def test_what_is_older_than_the_days_goes(folder: Path) -> None:
    session(folder, "old", days=7.1)
    session(folder, "young", days=6.9)
    assert planned(folder) == [("old", 0, TOO_OLD)]


def test_the_age_is_that_of_the_latest_change_whatever_the_name_says(folder: Path) -> None:
    """A clock that was wrong at the start of a session, and right at its end."""
    path = session(folder, "20200101T000000Z-v1", days=400)
    os.utime(path / form.part_name(form.JOURNAL, 1), (NOW_S - 60,) * 2)
    assert planned(folder) == []


def test_too_much_goes_oldest_first_until_it_fits(folder: Path) -> None:
    for number in range(4):
        session(folder, f"s{number}", days=4 - number, mb=10)
    assert planned(folder, max_mb=25) == [("s0", 0, TOO_MUCH), ("s1", 0, TOO_MUCH)]


def test_a_disk_with_too_little_room_gets_some(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        session(folder, f"s{number}", days=3 - number, mb=10)
    free(monkeypatch, 85)
    assert planned(folder, free_mb=100) == [("s0", 0, NO_ROOM), ("s1", 0, NO_ROOM)]


def test_what_goes_for_its_age_counts_as_room(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session(folder, "old", days=30, mb=20)
    session(folder, "young", days=1, mb=20)
    free(monkeypatch, 85)
    assert planned(folder, free_mb=100) == [("old", 0, TOO_OLD)]


def test_a_session_that_is_written_gives_old_parts_but_never_its_newest(folder: Path) -> None:
    path = session(folder, "now", days=0, mb=40, parts=4)
    lock = written(path)
    try:
        assert retention.is_written(path)
        assert planned(folder, max_mb=25) == [("now", 1, TOO_MUCH), ("now", 2, TOO_MUCH)]
        assert planned(folder, max_mb=0.001) == [("now", part, TOO_MUCH) for part in (1, 2, 3)]
        (path / form.part_name(form.CHECKPOINT, 2)).unlink()  # then part 1 is what part 2 is read from
        assert planned(folder, max_mb=0.001) == [("now", part, TOO_MUCH) for part in (2, 3)]
    finally:
        os.close(lock)
    assert not retention.is_written(path)


def test_a_session_that_is_written_is_never_too_old(folder: Path) -> None:
    path = session(folder, "now", days=100)
    lock = written(path)
    assert planned(folder) == []
    os.close(lock)
    assert planned(folder) == [("now", 0, TOO_OLD)]


def test_other_folders_and_links_are_left_alone(folder: Path) -> None:
    (folder / "notes").mkdir()
    (folder / "notes" / "file").write_bytes(bytes(1000))
    other = session(folder.parent, f"{folder.name}-elsewhere", days=100)
    (folder / "link").symlink_to(other)
    (folder / "file").write_bytes(b"x")
    assert planned(folder, max_mb=0.000001) == []


def test_deletion_takes_the_folder_or_the_files_of_the_part(folder: Path) -> None:
    path = session(folder, "one", days=1, mb=2, parts=2)
    assert retention.delete(Doomed(path, 0, TOO_MUCH, 1))
    assert sorted(one.name for one in path.iterdir()) == [
        ".lock", "checkpoint-0002.json", "journal-0002.txt", "session.json",
    ]  # fmt: skip
    lock = written(path)
    assert not retention.delete(Doomed(path, 0, TOO_OLD))
    os.close(lock)
    assert retention.delete(Doomed(path, 0, TOO_OLD))
    assert not path.exists()
    assert not retention.delete(Doomed(path, 0, TOO_OLD))


def test_names_of_parts() -> None:
    assert form.part_name(form.RADIO, 12) == "radio-0012.pcapng"
    assert form.part_of("radio-0012.pcapng") == ("radio", 12)
    assert form.part_of("journal-12345.txt") == ("journal", 12345)
    for name in ("radio-0001.txt", "radio-1.pcapng", "other-0001.txt", "session.json", ".lock"):
        assert form.part_of(name) is None
