"""Other support systems: recordings and datagrams of the same form, and what is wrong with them counted alike."""

import json
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asvunit.adapters import supports
from asvunit.adapters.supports import SupportLog, UdpSupports
from asvunit.assembly import supports_input
from asvunit.config import Config
from asvunit.described import PARTS
from asvunit.errors import UsageError
from asvunit.ports import ExternalSupport, Link, LiveInput

WAIT_S = 10
GOOD: dict[str, Any] = {"origin": "roadside", "function": "crossing", "level": "caution", "direction": "left"}
WORDS: list[dict[str, Any]] = [
    GOOD,
    {"origin": "autonomous", "function": "emergency", "level": "information", "direction": None},
    {"origin": "autonomous", "function": "left_turn", "level": "none"},
    GOOD | {"direction": "both", "of_its_own": [1, 2]},
]
BAD: list[tuple[bytes, str]] = [
    (b"not json", "bad_json"),
    (b"[1, 2]", "bad_json"),
    (b"\xff\xfe\x00", "bad_json"),
    (b"[" * 500, "bad_json"),
    (json.dumps(GOOD | {"origin": "vehicle"}).encode(), "bad_origin"),
    (json.dumps(GOOD | {"origin": None}).encode(), "bad_origin"),
    (json.dumps(GOOD | {"function": "none"}).encode(), "bad_function"),
    (json.dumps(GOOD | {"level": 2}).encode(), "bad_level"),
    (json.dumps(GOOD | {"level": ["caution"]}).encode(), "bad_level"),
    (json.dumps(GOOD | {"direction": "up"}).encode(), "bad_direction"),
    (json.dumps(GOOD | {"direction": {}}).encode(), "bad_direction"),
    (json.dumps({key: value for key, value in GOOD.items() if key != "level"}).encode(), "bad_level"),
    (json.dumps(GOOD | {"more": "x" * 500}).encode(), "too_long"),
]


def said(word: dict[str, Any]) -> tuple[Any, ...]:
    return word["origin"], word["function"], word["level"], word.get("direction")


def told(record: ExternalSupport) -> tuple[Any, ...]:
    return record.origin, record.function, record.level, record.direction


class Heard:
    """A live input on a port of its own, and what it delivered."""

    def __init__(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.input = UdpSupports("127.0.0.1", self.port)
        self.records: queue.Queue[Any] = queue.Queue()
        self.sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def start(self) -> None:
        self.input.start(self.records.put)
        link = self.records.get(timeout=WAIT_S)
        assert (type(link), link.port, link.up, link.reason) == (Link, "supports", True, "connected")

    def say(self, *words: bytes) -> None:
        for word in words:
            self.sender.sendto(word, ("127.0.0.1", self.port))

    def next(self) -> ExternalSupport:
        record = self.records.get(timeout=WAIT_S)
        assert isinstance(record, ExternalSupport), record
        return record


@pytest.fixture
def heard() -> Iterator[Heard]:
    one = Heard()
    yield one
    one.input.stop()
    one.sender.close()


@pytest.fixture(params=["recording", "live"])
def take(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., tuple[list[tuple[Any, ...]], dict[str, int]]]:
    """Words by either way in, all but the last to be looked at: what came of them, and what was counted."""

    def recorded(*words: bytes) -> tuple[list[tuple[Any, ...]], dict[str, int]]:
        path = tmp_path / "words.jsonl"
        with_time = [word[:-1] + b', "t": 1700000000}' if word.endswith(b"}") else word for word in words]
        path.write_bytes(b"\n".join(with_time))
        log = SupportLog(path)
        return [told(record) for record in log], dict(log.counters)

    def live(*words: bytes) -> tuple[list[tuple[Any, ...]], dict[str, int]]:
        one: Heard = request.getfixturevalue("heard")
        one.start()
        one.say(*words)
        out = [told(one.next())]
        while sum(one.input.counters.values()) + len(out) < len(words):
            out.append(told(one.next()))
        return out, dict(one.input.counters)

    return recorded if request.param == "recording" else live


def test_all_good_words_come_in_order(take: Callable[..., Any]) -> None:
    records, counters = take(*(json.dumps(word).encode() for word in WORDS))
    assert records == [said(word) for word in WORDS]
    assert counters == {}


@pytest.mark.parametrize(("word", "reason"), BAD, ids=[f"{n}-{reason}" for n, (_word, reason) in enumerate(BAD)])
def test_a_bad_word_is_counted_by_reason_and_costs_itself_alone(
    take: Callable[..., Any], word: bytes, reason: str
) -> None:
    good = json.dumps(GOOD).encode()
    records, counters = take(good, word, good)
    assert records == [said(GOOD)] * 2
    assert counters == {reason: 1}


@given(st.binary(max_size=600) | st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.sampled_from(["caution", "left", "roadside", "both"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*GOOD, "t"]), inner, max_size=5),
    max_leaves=6,
).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_any_bytes_are_survived(word: bytes) -> None:
    parsed = supports._parsed(word)
    if isinstance(parsed, dict):
        supports._dated(parsed)
    else:
        assert parsed in {"too_long", "bad_json", "bad_origin", "bad_function", "bad_level", "bad_direction"}


@pytest.mark.parametrize("t", [None, "1", True, -1, "NaN", "Infinity", 2**32, 10**400])
def test_a_recorded_word_needs_a_time(tmp_path: Path, t: Any) -> None:
    path = tmp_path / "words.jsonl"
    good = json.dumps(GOOD | {"t": 1.5})
    bad = json.dumps(GOOD | {"t": t}) if t not in ("NaN", "Infinity") else json.dumps(GOOD)[:-1] + f', "t": {t}}}'
    path.write_text(f"{good}\n\n{bad}\n{json.dumps(GOOD)}\n{good}")
    log = SupportLog(path)
    assert [record.time_ns for record in log] == [1_500_000_000] * 2
    assert log.counters == {"bad_time": 2}
    assert [record.time_ns for record in log] == [1_500_000_000] * 2
    assert log.counters == {"bad_time": 2}  # each reading counts anew


def test_times_of_today_are_told_to_the_microsecond(tmp_path: Path) -> None:
    path = tmp_path / "words.jsonl"
    path.write_text("".join(json.dumps(GOOD | {"t": 1_790_000_000 + n / 1000}) + "\n" for n in range(20)))
    assert [record.time_ns for record in SupportLog(path)] == [
        1_790_000_000_000_000_000 + n * 1_000_000 for n in range(20)
    ]


def test_it_is_a_live_input_that_starts_and_stops_twice(heard: Heard) -> None:
    assert isinstance(heard.input, LiveInput)
    heard.input.stop()  # before the start
    for _ in range(2):
        heard.input.check()
        heard.start()
        before_ns = time.monotonic_ns()
        heard.say(json.dumps(GOOD).encode())
        record = heard.next()
        assert before_ns - 100_000_000 <= record.time_ns <= time.monotonic_ns()
        (thread,) = (one for one in threading.enumerate() if one.name == "supports")
        assert thread.daemon
        heard.input.stop()
        assert not thread.is_alive()
        heard.input.stop()
        heard.input.check()  # it let go of the port


def test_a_flood_is_bounded_and_what_is_lost_is_counted(heard: Heard) -> None:
    held, go_on = threading.Event(), threading.Event()

    def deliver(record: Any) -> None:
        heard.records.put(record)
        if isinstance(record, ExternalSupport) and not held.is_set():
            held.set()
            go_on.wait(WAIT_S)

    heard.input.start(deliver)
    good = json.dumps(GOOD).encode()
    heard.say(good)
    assert held.wait(WAIT_S)
    heard.say(*[good] * 2000)  # while it stands still
    go_on.set()
    count, sent = 0, 2001
    while count + sum(heard.input.counters.values()) < sent:
        try:
            count += isinstance(heard.records.get(timeout=0.2), ExternalSupport)
        except queue.Empty:
            heard.say(good)  # the kernel tells what it dropped with the next one
            sent += 1
            assert sent < 2100, (count, heard.input.counters)
    assert heard.input.counters["overflow"] > 1000
    assert count < 1000


def test_a_word_that_waited_too_long_is_stale(heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    ahead_ns = [600_000_000]
    real_ns = time.time_ns
    monkeypatch.setattr(supports.time, "time_ns", lambda: real_ns() + ahead_ns[0])
    heard.start()
    heard.say(json.dumps(GOOD).encode(), b"no word")
    for _ in range(WAIT_S * 100):
        if sum(heard.input.counters.values()) > 1:
            break
        threading.Event().wait(0.01)
    assert heard.input.counters == {"stale": 2}  # not even looked at
    ahead_ns[0] = -(10**9) * 3600  # the clock was set back: no age can be told
    heard.say(json.dumps(GOOD).encode())
    assert told(heard.next()) == said(GOOD)


def test_what_no_waiting_mends_is_refused_in_one_line(heard: Heard) -> None:
    heard.start()
    faults = {
        "in use": UdpSupports("127.0.0.1", heard.port),
        "no address of this machine": UdpSupports("192.0.2.1", heard.port),
        "no IPv4 address": UdpSupports("localhost", heard.port),
    }
    for text, one in faults.items():
        with pytest.raises(UsageError, match=text) as refused:
            one.check()
        assert str(refused.value).startswith("supports.")
        assert "\n" not in str(refused.value)
    with pytest.raises(UsageError, match="in use"):
        faults["in use"].start(print)
    faults["in use"].stop()


def test_the_configuration_names_the_port(heard: Heard, tmp_path: Path) -> None:
    assert supports_input(Config()) is None
    assert "none" in PARTS["supports"](Config(), tmp_path)
    config = Config.model_validate({"supports": {"port": heard.port}})
    assert isinstance(supports_input(config), UdpSupports)
    assert f"127.0.0.1, port {heard.port}" in PARTS["supports"](config, tmp_path)
    heard.start()
    with pytest.raises(UsageError, match=r"supports\.port"):
        PARTS["supports"](config, tmp_path)
