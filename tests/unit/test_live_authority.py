"""Signed frames in the live unit: verified beside the cycle, by GNSS time, and what the core gets of them."""

import hashlib
import io
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from asvcore.settings import Settings
from asvunit.assembly import assemble
from asvunit.authority import Authority
from asvunit.config import Config
from asvunit.event_hub import EventHub
from asvunit.event_limit import EVENTS_A_SECOND
from asvunit.events import Event
from asvunit.inbox import Inbox
from asvunit.journal import JournalWriter
from asvunit.live import LiveUnit
from asvunit.message import encode, raw_from_values
from asvunit.parts import Parts, Times
from asvunit.ports import SPEED, Fix, RadioFrame, VehicleSignal
from asvunit.presenter import Presenter
from asvunit.radio.admission import FOLLOWED, NEW
from asvunit.runtime import Runtime
from asvunit.service import ServiceManager
from asvunit.trailer import sign
from asvunit.unit import Unit
from asvunit.verifier import LATE_NS, Verifier
from livetools import Radio

MS = 1_000_000
START_NS = 5_000_000_000
UTC_MS = 1_790_035_200_000 - 1000  # right time at START_NS
DAY_MS = 86_400_000
LAT, LON = 36 * 360000, 140 * 360000  # 0.01"
SOURCE = "127.0.0.1:50000"
KEY_ID = 0x5000_0001
WAIT_S = 20.0


def private(seed: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(bytes([seed])).digest())


KEY = private(1)
KEYS = {KEY_ID: KEY.public_key()}


def message(counter: int = 0, vehicle_id: int = 77, emergency: bool = True) -> bytes:
    value = {
        "vehicle_id": vehicle_id,
        "increment_counter": counter,
        "latitude_deg": LAT / 360000 + 0.001,
        "longitude_deg": LON / 360000,
        "horizontal_error_m": 5,
        "speed_kmh": 50,
        "direction_deg": 180,
        "emergency": emergency,
    }
    return encode(raw_from_values(value))


class Inline(Verifier):
    """Verifies when it is told to; everything else is the real one's."""

    def work(self) -> None:
        while self.verify_next():
            pass


class Bench:
    """A live unit whose time is `now_ns`; the system clock may be off."""

    def __init__(self, with_keys: bool = True, system_off_ms: int = 0) -> None:
        self.now_ns = START_NS
        self.system_off_ms = system_off_ms
        self.events: list[Event] = []
        self.journal = io.StringIO()
        self.inbox, self.radio = Inbox(), Radio()
        self.verifier = Inline(Authority(KEYS), self.inbox.put) if with_keys else None
        settings = Settings()
        parts = Parts(self.inbox, {}, self.radio, None, Presenter([]), self.events.append, verifier=self.verifier)  # type: ignore[arg-type]
        self.live = LiveUnit(
            lambda clock, **ways: Unit(settings, clock, journal=JournalWriter(self.journal, settings), **ways),
            parts,
            Times(lambda: self.now_ns, lambda: (self.utc_ms + self.system_off_ms) * MS),
        )

    @property
    def utc_ms(self) -> int:
        return UTC_MS + (self.now_ns - START_NS) // MS

    def run(self, for_ms: int) -> None:
        """Turn at each deadline, as the loop does."""
        end_ns = self.now_ns + for_ms * MS
        while (deadline_ns := max(self.live.deadline_ns(), self.now_ns)) <= end_ns:
            self.now_ns = deadline_ns
            self.live.turn()
        self.now_ns = end_ns

    def fix(self, valid: bool = True) -> None:
        tod_ms = self.utc_ms % DAY_MS
        self.inbox.put(Fix(self.now_ns, valid, "" if valid else "void", tod_ms, LAT, LON, 0, None, 50))
        self.live.turn()

    def put(self, frame: bytes) -> None:
        self.radio.waiting.append(RadioFrame(self.now_ns, SOURCE, frame))

    def hear(self, frame: bytes) -> None:
        """Taken in, verified, and back."""
        self.put(frame)
        self.live.turn()
        if self.verifier:
            self.verifier.work()
        self.live.turn()

    def signed(self, counter: int = 0, key: Ed25519PrivateKey = KEY, key_id: int = KEY_ID, off_ms: int = 0) -> bytes:
        return sign(message(counter), key_id, key, self.utc_ms + off_ms)

    def flags(self) -> list[int]:
        """The radio's flag of each message as the core got it; none has more than the 100 bytes."""
        lines = [line.split() for line in self.journal.getvalue().splitlines() if line.startswith("M ")]
        assert {len(line[5]) for line in lines} <= {200}
        return [int(line[4]) for line in lines]

    def told(self, kind: str, **fields: object) -> list[Event]:
        return [
            one
            for one in self.events
            if one["event"] == kind and all(one.get(key) == value for key, value in fields.items())
        ]

    def reasons(self) -> list[str]:
        return [one["reason"] for one in self.told("trailer")]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as one:
        yield one


@pytest.fixture
def bench(stack: ExitStack) -> Bench:
    one = Bench()
    stack.callback(one.inbox.close)
    return one


def test_a_genuine_frame_reaches_the_core_with_the_flag_and_is_told_once(bench: Bench) -> None:
    bench.fix()
    for counter in range(5):
        bench.hear(bench.signed(counter))
        bench.run(100)
    assert bench.flags() == [1] * 5
    (told,) = bench.told("trailer")
    assert told == {
        "t": UTC_MS / 1000,
        "event": "trailer",
        "reason": "accepted",
        "source": SOURCE,
        "key_id": KEY_ID,
        "vehicle_id": 77,
        "cause": told["cause"],
    }
    assert told["cause"] == bench.told("neighbour", reason="new")[0]["cause"]
    assert bench.told("drop", reason="emergency_unverified") == []
    assert bench.live.statistics()["counters"]["trailer"] == {"accepted": 5}


def test_what_is_not_genuine_is_an_ordinary_vehicle_and_every_refusal_is_told(bench: Bench) -> None:
    bench.fix()
    first = bench.signed(0)
    bench.hear(first)
    forged = [
        ("bad_signature", bench.signed(1, key=private(9), off_ms=1)),
        ("unknown_key", bench.signed(2, key_id=KEY_ID + 1)),
        ("stale", bench.signed(3, off_ms=-10_000)),
        ("replayed", message(4) + first[100:]),
    ]
    for _reason, frame in forged:
        bench.hear(frame)
    assert bench.flags() == [1, 0, 0, 0, 0]
    assert bench.reasons() == ["accepted", *[reason for reason, _frame in forged]]
    assert len(bench.told("drop", reason="unsigned")) == 4
    assert bench.live.statistics()["counters"]["trailer"] == dict.fromkeys(bench.reasons(), 1)


def test_a_frame_keeps_the_time_it_was_heard_and_the_rest_goes_on_meanwhile(bench: Bench) -> None:
    bench.fix()
    heard_ns = bench.now_ns
    bench.put(bench.signed())
    bench.put(message(0, vehicle_id=78, emergency=False))
    bench.now_ns += 20 * MS
    bench.live.turn()
    assert [one["vehicle_id"] for one in bench.told("neighbour", reason="new")] == [78]  # does not wait for the other
    bench.run(90)  # a cycle passes before the thread has its turn
    assert bench.verifier is not None
    bench.verifier.work()
    bench.live.turn()
    assert bench.flags() == [0, 1]
    assert bench.live.unit.core.time_back == 0
    assert bench.live.frames.summary()["max_us"] == (bench.now_ns - heard_ns) / 1000  # from its own stamp


def test_the_trusted_time_is_that_of_the_receipt(bench: Bench) -> None:
    bench.fix()
    bench.put(bench.signed(off_ms=-1990))
    bench.live.turn()
    bench.now_ns += 400 * MS  # verified late: no fault of the sender's
    assert bench.verifier is not None
    bench.verifier.work()
    bench.live.turn()
    assert bench.reasons() == ["accepted"]


@pytest.mark.parametrize("valid", [True, False])
def test_without_a_fresh_fix_there_is_no_emergency(bench: Bench, valid: bool) -> None:
    bench.hear(bench.signed(0))
    bench.fix()
    bench.hear(bench.signed(1))
    bench.run(1600)
    if not valid:
        bench.fix(valid=False)
    bench.hear(bench.signed(2))
    assert bench.reasons() == ["no_clock", "accepted", "no_clock"]
    assert bench.flags() == [0, 1, 0]


@pytest.mark.parametrize(("off_ms", "flag"), [(11 * 3_600_000, 1), (-11 * 3_600_000, 1), (DAY_MS, 0)])
def test_the_receiver_mends_the_system_clock(stack: ExitStack, off_ms: int, flag: int) -> None:
    bench = Bench(system_off_ms=off_ms)
    stack.callback(bench.inbox.close)
    bench.fix()
    bench.hear(bench.signed())
    assert bench.flags() == [flag]
    assert bench.reasons() == ["accepted" if flag else "stale"]


def test_a_system_clock_that_is_set_right_counts_from_then_on(bench: Bench) -> None:
    bench.system_off_ms = -400 * DAY_MS
    bench.fix()
    bench.hear(bench.signed(0))
    bench.system_off_ms = 0
    bench.run(100)
    bench.fix()
    bench.hear(bench.signed(1))
    assert bench.reasons() == ["stale", "accepted"]


def test_without_keys_it_is_an_ordinary_vehicle_at_once(stack: ExitStack) -> None:
    bench = Bench(with_keys=False)
    stack.callback(bench.inbox.close)
    bench.fix()
    bench.put(bench.signed())
    bench.live.turn()
    assert bench.flags() == [0]
    assert bench.reasons() == ["no_keys"]
    assert len(bench.told("drop", reason="emergency_unverified")) == 1


def test_too_many_at_once_are_ordinary_and_counted(bench: Bench) -> None:
    bench.fix()
    for number in range(30):  # of one source, before any of them is known to be genuine
        bench.put(sign(message(0, vehicle_id=number), KEY_ID, KEY, bench.utc_ms + number))
    while bench.live.turn():
        pass
    refused = len(bench.reasons())
    assert 20 < refused < 30
    assert bench.reasons() == ["rate_limited"] * refused
    assert bench.flags() == [0] * refused
    assert bench.verifier is not None
    bench.verifier.work()
    bench.live.turn()
    assert bench.flags() == [0] * refused + [1] * (30 - refused)
    assert bench.live.statistics()["counters"]["trailer"] == {"rate_limited": refused, "accepted": 30 - refused}


def test_the_same_frame_again_while_it_waits_is_replayed(bench: Bench) -> None:
    bench.fix()
    frame = bench.signed()
    for _ in range(100):
        bench.put(frame)
    while bench.live.turn():
        pass
    assert bench.live.unit.trailers == {"replayed": 99}
    assert bench.verifier is not None
    bench.verifier.work()
    bench.live.turn()
    assert bench.live.unit.trailers == {"replayed": 99, "accepted": 1}
    assert bench.flags()[-1] == 1


def test_a_flood_of_forged_frames_is_told_by_count(bench: Bench) -> None:
    bench.fix()
    for number in range(EVENTS_A_SECOND + 30):
        bench.hear(bench.signed(number, key_id=1))
    assert len(bench.told("trailer")) == EVENTS_A_SECOND
    bench.run(1000)
    (rest,) = [one for one in bench.told("trailer") if "count" in one]
    assert (rest["reason"], rest["count"], rest["source"], rest["key_id"]) == ("unknown_key", 30, None, None)
    assert bench.live.statistics()["counters"]["trailer"]["unknown_key"] == EVENTS_A_SECOND + 30


@pytest.mark.long
def test_a_flood_of_forged_frames_in_its_name_leaves_the_vehicle_its_flag(bench: Bench) -> None:
    bench.fix()
    for counter in range(20):
        bench.hear(bench.signed(counter))
        for number in range(100):
            forged = sign(message(number, vehicle_id=78), KEY_ID, private(9), bench.utc_ms + 1)
            bench.radio.waiting.append(RadioFrame(bench.now_ns + number, f"10.0.0.{number}:1", forged))
        while bench.live.turn():
            pass
        assert bench.verifier is not None
        bench.verifier.work()
        bench.run(100)
        bench.fix()
    assert sum(bench.flags()) == 20
    trailers = bench.live.unit.trailers
    assert trailers["accepted"] == 20
    assert 20 <= trailers["bad_signature"] <= 200
    assert trailers.total() == 20 + 20 * 100


def test_what_was_verified_before_a_stop_of_the_process_is_dropped(bench: Bench) -> None:
    bench.fix()
    bench.put(bench.signed())
    bench.live.turn()
    bench.now_ns += LATE_NS + MS
    assert bench.verifier is not None
    bench.verifier.work()
    bench.live.turn()
    assert bench.flags() == []
    assert bench.radio.counters == {"stale": 1}
    bench.run(1000)
    assert bench.live.states.now()["radio"][0] == "overloaded"


# The thread


class Gate(Authority):
    """An authority whose signatures take as long as the test wants; counter 2 is of a vehicle that is followed."""

    def __init__(self) -> None:
        super().__init__({})
        self.open = threading.Event()
        self.entered = threading.Event()
        self.threads: set[str] = set()

    def untimely(self, _payload: bytes, now_ms_utc: int | None) -> str:
        return "" if now_ms_utc else "no_clock"

    def crowded_out(self, frame: RadioFrame) -> str:
        self.rank = FOLLOWED if frame.payload == b"2" else NEW
        return ""

    def verify(self, _payload: bytes) -> bool:
        self.threads.add(threading.current_thread().name)
        self.entered.set()
        assert self.open.wait(WAIT_S)
        return True

    def conclude(self, _frame: RadioFrame, verified: bool) -> str:
        return "" if verified else "bad_signature"


def test_the_thread_takes_in_bounded_never_holds_the_caller_up_and_takes_followed_vehicles_first() -> None:
    gate, delivered, done = Gate(), [], threading.Event()

    def deliver(frame: RadioFrame) -> None:
        delivered.append(frame)
        if len(delivered) == 4:
            done.set()

    verifier = Verifier(gate, deliver, capacity=2)
    verifier.start()
    frames = [RadioFrame(number, SOURCE, b"%d" % number) for number in range(6)]
    assert verifier.submit(frames[0], 1) == ""
    assert gate.entered.wait(WAIT_S)
    verdicts = [verifier.submit(frames[number], 1) for number in (1, 3, 3, 4, 2, 5)]
    assert verdicts == ["", "", "replayed", "overflow", "", "overflow"]  # 2 has its own places
    assert verifier.submit(frames[5], None) == "no_clock"
    assert delivered == []
    gate.open.set()
    assert done.wait(WAIT_S)
    verifier.stop()
    assert delivered == [RadioFrame(n, SOURCE, b"%d" % n, "accepted") for n in (0, 2, 1, 3)]
    assert gate.threads == {"verifier"}


def test_a_verifier_that_was_never_started_stops_too() -> None:
    Verifier(Gate(), print).stop()


class HeardRadio(Radio):
    """A radio without a socket: the loop is woken by the inbox."""

    def __init__(self, wake: int) -> None:
        super().__init__()
        self._wake = wake

    def fileno(self) -> int:
        return self._wake

    def close(self) -> None:
        pass


def test_the_running_loop_verifies_in_the_real_thread() -> None:
    inbox, journal, settings = Inbox(), io.StringIO(), Settings()
    events: list[Event] = []
    started: list[Runtime] = []

    def publish(event: Event) -> None:
        events.append(event)
        if event["event"] == "trailer":
            started[0].stop("judged")

    radio = HeardRadio(inbox.fileno())
    verifier = Verifier(Authority(KEYS), inbox.put)
    parts = Parts(inbox, {}, radio, None, Presenter([]), publish, verifier=verifier)
    live = LiveUnit(
        lambda clock, **ways: Unit(settings, clock, journal=JournalWriter(journal, settings), **ways),
        parts,
        Times(lambda: START_NS, lambda: UTC_MS * MS),
    )
    runtime = Runtime(live, parts, ServiceManager())
    started.append(runtime)
    inbox.put(Fix(START_NS, True, "", UTC_MS % DAY_MS, LAT, LON, 0, None, 50))
    inbox.put(VehicleSignal(START_NS, SPEED, 0))
    radio.waiting.append(RadioFrame(START_NS, SOURCE, sign(message(), KEY_ID, KEY, UTC_MS)))
    watchdog = threading.Timer(WAIT_S, runtime.stop, ("timeout",))
    watchdog.start()
    try:
        assert runtime.run(lambda: None) == "judged"
    finally:
        watchdog.cancel()
        inbox.close()
    assert [one["reason"] for one in events if one["event"] == "trailer"] == ["accepted"]
    assert [line.split()[4] for line in journal.getvalue().splitlines() if line.startswith("M ")] == ["1"]
    assert "verifier" not in {thread.name for thread in threading.enumerate()}


def test_a_unit_is_put_together_with_a_verifier_only_where_there_are_keys_and_a_radio(
    stack: ExitStack, tmp_path: Path
) -> None:
    hub = EventHub()
    keys = {"keys": {hex(KEY_ID): KEY.public_key().public_bytes_raw().hex()}}

    def verifier(**tables: object) -> Verifier | None:
        config = Config.model_validate({"hmi": {"gpio": "off"}, "radio": {"port": 47333}, **tables})
        return assemble(config, tmp_path, hub, stack, {}, [])[0].verifier

    assert verifier() is None
    assert verifier(emergency=keys, radio={"kind": "off"}) is None
    assert isinstance(verifier(emergency=keys), Verifier)
