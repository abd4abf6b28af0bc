"""A session's folder written by hand: of a live unit that is turned by hand, as a recorder leaves it."""

import json
from importlib.metadata import version
from pathlib import Path

from asvunit.checkpoint import Checkpoint
from asvunit.journal import JournalWriter
from asvunit.ports import ACCELERATOR, BRAKE, SPEED, ExternalSupport, Fix, Link, RadioFrame, Switch, VehicleSignal
from asvunit.scene import scene
from asvunit.session import form
from livetools import LAT, LON, MS, START_NS, UNIX_NS, Bench


class Recorded(Bench):
    """A bench whose unit leaves a session. `part` begins the next one; `lose`: what comes is lost until then."""

    def __init__(self, folder: Path, **settings: int) -> None:
        super().__init__(**settings)
        self.folder, self.number, self.lost, self.losing = folder, 1, 0, False
        folder.mkdir()
        unit = self.live.unit
        self.checkpoint = Checkpoint(unit.core)
        about = {
            "session": 1,
            "asvkit": version("asvkit"),
            "git": None,
            "started": "2026-09-21T14:13:20Z",
            "vehicle_id": unit.vehicle_id,
            "seed": unit.seed,
            "language": "en",
            "base_ns": START_NS,
            "offset_ns": UNIX_NS - START_NS,
        }
        (folder / form.SESSION).write_text(json.dumps(about))
        self._told = 0
        self._open()

    def _open(self) -> None:
        core = self.live.unit.core
        self.journal = (self.folder / form.part_name(form.JOURNAL, self.number)).open("w")
        self.live.unit._journal = JournalWriter(_Losing(self), core.settings, named=True)

    def events_so_far(self) -> None:
        """What was told since the last call, into the part's file."""
        with (self.folder / form.part_name(form.EVENTS, self.number)).open("a") as file:
            for event in self.events[self._told :]:
                file.write(json.dumps(event, ensure_ascii=False) + "\n")
        self._told = len(self.events)

    def part(self, *, told: bool = True) -> None:
        """The next part begins with a checkpoint."""
        if told:
            self.events_so_far()
        self._told = len(self.events)
        self.journal.close()
        self.number += 1
        unit = self.live.unit
        state = {"part": self.number, **unit.state(), "lost": self.lost, "core": self.checkpoint.dump()}
        (self.folder / form.part_name(form.CHECKPOINT, self.number)).write_text(json.dumps(state))
        self.lost, self.losing = 0, False
        self._open()

    def end(self) -> Path:
        """Everything written, as at an orderly end."""
        self.cut()
        ended = {"ended": "2026-09-21T14:14:20Z", "reason": "sigterm", "lost": self.lost}
        (self.folder / form.END).write_text(json.dumps(ended))
        return self.folder

    def cut(self) -> Path:
        """Everything written, and no end."""
        self.events_so_far()
        self.journal.close()
        self.losing = True  # what comes now is of no session
        return self.folder

    # What happens

    def stays(self) -> None:
        """Ego's receiver and car say that it stands at the crossing; not on the millisecond."""
        tod_ms = 3_600_000 + (self.now_ns - START_NS) // MS
        self.inbox.put(Fix(self.now_ns, True, "", tod_ms, LAT - 180, LON, 0, 0, 50))
        for signal, value in ((SPEED, 0), (BRAKE, 5), (ACCELERATOR, 0)):
            self.inbox.put(VehicleSignal(self.now_ns + 123_456, signal, value))
        self.now_ns += 234_567

    def approach(self, for_ms: int, vehicle_id: int = 77, east_m: float = -120.0) -> None:
        """A vehicle comes from the west at 50 km/h, drives past, and is told of; another one drives behind it."""
        for step in range(for_ms // 100):
            self.stays()
            at_m = east_m + 50 / 3.6 * step / 10
            self.hear(at_m, vehicle_id, step & 255)
            self.hear(at_m - 30, vehicle_id + 1000, step & 255)
            self.live.turn()
            scene(self.live.unit)  # somebody watches: nothing is decided otherwise for that
            self.run(100)

    def noise(self, frames: int) -> None:
        """Frames that are none, from somebody: more than are told singly."""
        for number in range(frames):
            self.radio.waiting.append(RadioFrame(self.now_ns, f"192.0.2.{number % 3}:9", b"\x01" * 99))
            self.live.turn()
            self.run(5)

    def eventful(self) -> None:
        """A standing ego, vehicles that come, the driver's mute, another system's word, noise, a device that goes."""
        self.standing()
        self.approach(4000, east_m=-90.0)
        self.inbox.put(Switch(self.now_ns, 0, 1))
        self.approach(1500, east_m=-34.0)
        self.inbox.put(ExternalSupport(self.now_ns, "roadside", "crossing", "caution", "left"))
        self.run(700)
        self.noise(300)
        self.inbox.put(Link(self.now_ns, "gnss", False, "unplugged", "/dev/x: unplugged"))
        self.run(2000)
        self.inbox.put(Link(self.now_ns, "gnss", True, "connected", ""))
        self.run(500)
        self.approach(3000, 78, east_m=-70.0)
        self.run(1207)


class _Losing:
    """The journal's file; of what is to be lost the lines are counted."""

    def __init__(self, bench: Recorded) -> None:
        self.bench, self.file = bench, bench.journal

    def write(self, text: str) -> None:
        if self.bench.losing:
            self.bench.lost += text.count("\n")
        else:
            self.file.write(text)
