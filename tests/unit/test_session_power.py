"""The power is cut at any moment of a recording: what was put on the disk is there, and decides as it did.

The disk is played: of each file what was synced stays, and of the rest any beginning, or that with zeros behind it,
as file systems leave it. Files and names that were not synced with their folder are not played: ext4 keeps a new
file's name with its first sync.
"""

import os
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from asvtools.replay_session import replay_session
from asvunit.config import RecordTable
from asvunit.events import Event
from asvunit.journal import JournalWriter
from asvunit.parts import Parts
from asvunit.session import form, part_file
from asvunit.session.read import open_session
from asvunit.session.write import SessionWriter
from livetools import Bench
from sessiontools import Recorded

Made = tuple["Road", SessionWriter, "Disk"]


class Disk:
    """Which bytes of which file are on it for good."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.synced: dict[Path, int] = {}
        real = os.fdatasync

        def fdatasync(descriptor: int) -> None:
            real(descriptor)
            self.synced[Path(os.readlink(f"/proc/self/fd/{descriptor}"))] = os.fstat(descriptor).st_size

        monkeypatch.setattr(part_file.os, "fdatasync", fdatasync)

    def cut(self, folder: Path, to: Path, chance: random.Random) -> None:
        """The session as it is found when the power is back."""
        shutil.copytree(folder, to)
        for path in to.iterdir():
            if form.part_of(path.name) is None or path.name.startswith(form.CHECKPOINT):
                continue  # written whole, or not there
            data = path.read_bytes()
            least = self.synced.get(folder / path.name, 0)
            kept = chance.randint(least, len(data))
            zeros = chance.choice((0, 0, len(data) - kept))
            path.write_bytes(data[:kept] + bytes(zeros))


class Road(Bench):
    """A live unit by hand at a crossing."""

    stays, approach = Recorded.stays, Recorded.approach


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Made]]:
    writers: list[SessionWriter] = []

    def begin(**table: Any) -> Made:
        disk = Disk(monkeypatch)
        clock_s = [0.0]
        writer = SessionWriter(
            tmp_path / "sessions", RecordTable(folder="sessions", free_mb=0, **table), lambda: clock_s[0]
        )
        writers.append(writer)

        def parts(given: dict[str, Any]) -> Parts:
            publish = given["publish"]

            def both(event: Event) -> None:
                publish(event)
                writer.event(event)

            return replace(Parts(**given), session=writer, publish=both)

        bench = Road(parts=parts, journal=lambda settings: JournalWriter(writer, settings, named=True))
        unit = bench.live.unit
        about = {
            "session": 1, "asvkit": "0.1.0", "git": None, "started": "2026-09-21T14:13:20Z", "language": "en",
            "vehicle_id": unit.vehicle_id, "seed": unit.seed, "radio": {"kind": "udp", "address": "x", "port": 1},
            **{key: value for key, value in unit.state().items() if key.endswith("_ns")},
        }  # fmt: skip
        config = tmp_path / "unit.toml"
        config.write_text("config = 1\n")
        writer.open(about, config, {}, on_air=False)
        real = bench.run

        def run(for_ms: int) -> None:
            for _ in range(for_ms // 100):
                real(100)
                clock_s[0] += 0.1
                writer.turn()

        bench.run = run  # type: ignore[method-assign]
        return bench, writer, disk

    yield begin
    for writer in writers:
        writer._store.close_files()


@pytest.mark.parametrize("seed", range(12))
def test_what_was_on_the_disk_is_there_and_decides_as_it_did(
    recorded: Callable[..., Made], tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    bench, writer, disk = recorded()
    bench.standing()
    bench.approach(chance.randint(10, 60) * 100)
    if chance.random() < 0.5:
        writer.part_due = True
        bench.approach(2000, 78)
    disk.cut(writer.path, tmp_path / "cut", chance)
    session = open_session(tmp_path / "cut")
    assert session.how == "cut"
    replay_session(tmp_path / "cut", 0, None, None, False)
    for kind in (form.JOURNAL, form.EVENTS):
        for path in writer.path.glob(f"{kind}-*"):
            whole = path.read_bytes()[: disk.synced.get(path, 0)].splitlines()
            part = next(one for one in session.parts if one.number == form.part_of(path.name)[1])  # type: ignore[index]
            assert [line for _number, line in session.lines(part, kind)][: len(whole)] == whole
            assert part.number > 1 or whole
