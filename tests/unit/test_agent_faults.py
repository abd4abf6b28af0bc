"""Faults of a machine: each does what it says, and its undo leaves nothing of it."""

import errno
import os
import time
from pathlib import Path

import pytest

from agenttools import agent
from asvrig.agent import faults
from asvunit.errors import AsvkitError


@pytest.fixture
def small(tmp_path: Path):
    """A disk of 2 MiB."""
    folder = tmp_path / "small"
    try:
        undo = faults.small_disk(folder, 2)
    except OSError as error:
        pytest.skip(f"needs root: a small disk is to be mounted ({error})")
    yield folder
    undo()
    assert not folder.is_mount()


@pytest.mark.parametrize("leave_bytes", [0, 64 << 10])
def test_a_disk_is_filled_to_the_brim_but_for_what_is_left(small: Path, leave_bytes: int) -> None:
    (small / "before").write_bytes(b"kept")
    undo = faults.disk_full(small, leave_bytes)
    with (small / "after").open("wb", buffering=0) as file:
        if leave_bytes:
            assert file.write(bytes(leave_bytes)) == leave_bytes
        with pytest.raises(OSError, match="No space left"):
            file.write(bytes(1))
    undo()
    (small / "after").write_bytes(bytes(1 << 20))
    undo()
    assert (small / "before").read_bytes() == b"kept"
    assert sorted(one.name for one in small.iterdir()) == ["after", "before"]


def test_a_large_disk_is_not_filled(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="too large a disk to be filled"):
        faults.disk_full(tmp_path, most_bytes=4096)
    assert not list(tmp_path.iterdir())


def test_the_clock_is_stepped_and_stepped_back(monkeypatch: pytest.MonkeyPatch) -> None:
    told = [1_000_000_000_000]
    monkeypatch.setattr(faults.time, "clock_gettime_ns", lambda clock: told[-1] * (clock == time.CLOCK_REALTIME))
    monkeypatch.setattr(faults.time, "clock_settime_ns", lambda _clock, ns: told.append(ns))
    undo = faults.begin("clock", {"step_s": -3.5})
    assert told[-1] == 996_500_000_000
    told.append(997_000_000_000)  # half a second later
    undo()
    undo()
    assert told[-1] == 1_000_500_000_000


def test_a_clock_that_may_not_be_set_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_clock: int, _ns: int) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(faults.time, "clock_settime_ns", refuse)
    with pytest.raises(OSError, match="it takes root"):
        faults.clock(1)


def test_a_hog_takes_the_processor_and_gives_it_back(tmp_path: Path) -> None:
    with agent(tmp_path) as client:
        before = {pid for pid, _nice in _busy()}
        undo = client.fault("hog", processes=2, nice=7)
        until_s = time.monotonic() + 20
        while sorted(nice for pid, nice in _busy() if pid not in before) != [7, 7]:
            assert time.monotonic() < until_s
            client.clock(1)
        undo()
        undo()
        assert not [pid for pid, _nice in _busy() if pid not in before]


@pytest.mark.parametrize(
    ("name", "how", "said"),
    [
        ("flood", {}, "no fault 'flood'; there is clock, disk_full, small_disk, hog"),
        ("hog", {"cats": 1}, "fault hog: .*unexpected keyword argument 'cats'"),
        ("clock", {"step_s": "soon"}, "could not convert"),
        ("disk_full", {"path": "nowhere"}, "nowhere: No such file"),
    ],
)
def test_a_fault_that_cannot_be_is_told_in_a_line(tmp_path: Path, name: str, how: dict, said: str) -> None:
    with agent(tmp_path) as client, pytest.raises(AsvkitError, match=said):
        client.fault(name, **how)


def _busy() -> list[tuple[int, int]]:
    """Our processes of a hog: pid and nice value."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes()
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if b"os.nice(int(sys.argv[1]))" in line and int(fields[1]) == os.getpid():
            found.append((int(folder.name), int(fields[16])))
    return found
