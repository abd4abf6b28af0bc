"""A live unit turned by hand: a clock of the test's, a radio, inputs and outputs of memory."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from asvcore.settings import Settings
from asvunit.events import Event
from asvunit.inbox import Inbox
from asvunit.journal import JournalWriter
from asvunit.live import LiveUnit
from asvunit.message import encode, raw_from_values
from asvunit.parts import Parts, Times
from asvunit.ports import ACCELERATOR, BRAKE, SPEED, Fix, Link, RadioFrame, Shown, VehicleSignal
from asvunit.presenter import Presenter
from asvunit.sender import Sender
from asvunit.unit import Unit

MS = 1_000_000
START_NS = 5_000_000_000
UNIX_NS = 1_790_000_000_000_000_000
LAT, LON = 36 * 360000, 140 * 360000  # 0.01"


class Radio:
    """Frames that wait, and none sent (the sender is a fake)."""

    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()
        self.waiting: list[RadioFrame] = []

    def tend(self) -> Link | None:
        return None

    def receive(self, limit: int) -> list[RadioFrame]:
        taken, self.waiting = self.waiting[:limit], self.waiting[limit:]
        return taken


class Lamps:
    def __init__(self) -> None:
        self.shown: list[Shown] = []
        self.broken = False

    def show(self, shown: Shown) -> None:
        if self.broken:
            raise OSError(5, "Input/output error")
        self.shown.append(shown)

    def close(self) -> None:
        pass


class Submitted(Sender):
    """Frames handed over, and when they are to leave."""

    def __init__(self) -> None:
        super().__init__(Radio())  # type: ignore[arg-type]
        self.frames: list[tuple[int, bytes]] = []

    def submit(self, due_ns: int, payload: bytes) -> None:
        self.frames.append((due_ns, payload))


class Recorder:
    """What would be written: direction, payload, remark, time."""

    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()
        self.fault = ""
        self.offset_ns = 0
        self.written: list[tuple[bytes, str, int]] = []

    def heard(self, frame: RadioFrame, remark: str = "") -> None:
        self.written.append((frame.payload, remark, frame.time_ns))


class Bench:
    """A live unit whose time is `now_ns`, by `clock` where every look at it is to take time."""

    def __init__(
        self,
        outputs: "Callable[[Bench], list[Any]] | None" = None,
        parts: Callable[[dict[str, Any]], Parts] | None = None,
        journal: Callable[[Settings], JournalWriter] | None = None,
        **settings: int,
    ) -> None:
        self.now_ns = START_NS
        self.clock: Callable[[], int] | None = None
        self.step_ns = 0  # of the system clock
        self.events: list[Event] = []
        self.inbox, self.radio, self.lamps, self.sender = Inbox(now_ns=self.time_ns), Radio(), Lamps(), Submitted()
        self.outputs = outputs(self) if outputs else [self.lamps]
        self.fault = ""
        self.recorder = Recorder()
        made = Settings()
        for name, value in {"vehicle_length_dm": 45, **settings}.items():
            made.set(name, value)
        given: dict[str, Any] = {
            "inbox": self.inbox,
            "inputs": {},
            "radio": self.radio,
            "sender": self.sender,
            "presenter": Presenter(self.outputs),
            "publish": self.events.append,
            "events_fault": lambda: self.fault,
            "recorder": self.recorder,
        }
        self.live = LiveUnit(
            lambda clock, **ways: Unit(made, clock, journal=journal(made) if journal else None, **ways),
            parts(given) if parts else Parts(**given),
            Times(self.time_ns, lambda: UNIX_NS + self.now_ns - START_NS + self.step_ns),
        )

    def time_ns(self) -> int:
        return self.clock() if self.clock else self.now_ns

    def run(self, for_ms: int) -> None:
        """Turn at each deadline, as the loop does."""
        end_ns = self.now_ns + for_ms * MS
        while True:
            deadline_ns = max(self.live.deadline_ns(), self.now_ns)
            if deadline_ns > end_ns:
                self.now_ns = end_ns
                return
            self.now_ns = deadline_ns
            self.live.turn()

    def told(self, kind: str, **fields: object) -> list[Event]:
        return [
            one
            for one in self.events
            if one["event"] == kind and all(one.get(key) == value for key, value in fields.items())
        ]

    def standing(self) -> None:
        """Ego came from the south at 20 km/h, and stands at the crossing."""
        for step in range(30):
            speed = 2000 if step < 10 else 0
            north = LAT - 200 + step * 2 if step < 10 else LAT - 180
            tod_ms = 3_600_000 + step * 100
            self.inbox.put(Fix(self.now_ns, True, "", tod_ms, north, LON, speed, 0, 50))
            for signal, value in ((SPEED, speed), (BRAKE, 5), (ACCELERATOR, 0)):
                self.inbox.put(VehicleSignal(self.now_ns, signal, value))
            self.live.turn()
            self.run(100)

    def hear(self, east_m: float, vehicle_id: int = 77, counter: int = 0, age_ns: int = 0) -> None:
        longitude = (LON / 360000) + east_m / 90_164.0
        value = {
            "vehicle_id": vehicle_id,
            "increment_counter": counter,
            "latitude_deg": LAT / 360000 - 0.0004,
            "longitude_deg": longitude,
            "horizontal_error_m": 5,
            "speed_kmh": 50,
            "direction_deg": 90,
        }
        self.radio.waiting.append(RadioFrame(self.now_ns - age_ns, "127.0.0.1:50000", encode(raw_from_values(value))))
