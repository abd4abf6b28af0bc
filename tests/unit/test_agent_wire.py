"""The agent's lines through noise, its streams through losses, and its refusal of whatever is no request."""

import os
import random
import socket
import threading
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agenttools import agent, bad_line
from asvrig.agent import faults
from asvrig.agent.inflow import Inflow
from asvrig.agent.outbox import STREAM_BYTES, Outbox
from asvrig.agent.server import Agent
from asvrig.agent.wire import LINE_BYTES, PIECE_BYTES, WORD, Lines, frame, pack, unpack

MANY = 300 if os.environ.get("ASVKIT_ALL") else 12
NOISE = st.binary(max_size=60).filter(lambda noise: b"\n" not in noise)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=MANY)
@given(st.lists(st.tuples(NOISE, st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=3))), st.data())
def test_messages_are_found_in_noise_however_it_is_cut(sent: list[tuple[bytes, dict]], data: st.DataObject) -> None:
    lines = Lines()
    stream = b"".join(noise + frame(message) + noise + b"\n" for noise, message in sent)
    found = []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += lines.feed(stream[:size])
        stream = stream[size:]
    assert found == [message for _noise, message in sent]


def test_a_line_torn_by_another_costs_itself_alone() -> None:
    lines = Lines()
    torn = frame({"torn": 1})[:-4]
    assert lines.feed(torn + frame({"whole": WORD.decode()})) == [{"whole": WORD.decode()}]
    assert lines.counters == Counter()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"login:\n", "garbage"),
        (frame({"a": 1}).replace(b'"a"', b'"b"'), "damaged"),
        (frame({"a": 1}).replace(b"1}", b"1}}"), "damaged"),
        (b"~agent1 2 0 {}\n", "damaged"),
        (b"x" * (LINE_BYTES + 1) + b"\n", "too_long"),
    ],
)
def test_what_is_no_message_is_counted_and_the_next_one_read(line: bytes, reason: str) -> None:
    lines = Lines()
    assert lines.feed(line + frame({"next": 1})) == [{"next": 1}]
    assert lines.counters == Counter({reason: 1})


def test_a_line_without_end_is_not_kept() -> None:
    lines = Lines()
    for _ in range(3 * LINE_BYTES // 1000):
        assert lines.feed(b"x" * 1000) == []
    assert lines.counters == Counter({"too_long": 1})
    assert lines.feed(b"\n" + frame({"next": 1})) == [{"next": 1}]


def test_packed_data_of_any_kind_is_refused_unless_it_is_whole() -> None:
    assert unpack(pack(b"\0\n" * 100)) == b"\0\n" * 100
    for wrong in (None, 5, "", "%%%", pack(b"x" * 50)[:-8], pack(bytes(PIECE_BYTES + 1)), pack(bytes(50 << 20))):
        with pytest.raises(ValueError, match="packed data"):
            unpack(wrong)


def test_a_stream_that_nobody_takes_is_bounded_and_the_bench_told_what_it_lost() -> None:
    outbox = Outbox(lambda _line: None)
    outbox.close()  # its thread takes nothing
    stream = outbox.stream("s")
    for number in range(300):
        stream.put(b'[%d,"%s"]' % (number, b"x" * 40_000))
    assert 80 < stream.first < 120
    counters: Counter[str] = Counter()
    flow, got, lines = Inflow(counters), [], Lines()
    flow.to(lambda item: got.append(item[0]))
    with outbox.changed:
        while (line := stream.line(0.0)) is not None:
            for message in lines.feed(line):
                flow.heed(message)
    assert got == list(range(stream.first, 300))
    assert counters == Counter({"lost": stream.first})
    assert len(got) * 40_000 < STREAM_BYTES


def test_a_gap_is_asked_for_once_and_doubles_are_passed_over() -> None:
    flow, got = Inflow(Counter()), []
    flow.to(got.append)
    first = {"s": "s", "n": 0, "first": 0, "items": [1, 2]}
    assert flow.heed(first) is None
    late = {"s": "s", "n": 5, "first": 0, "items": [6]}
    assert flow.heed(late) == {"s": "s", "again": 2}
    assert flow.heed(late) is None
    assert flow.heed({"s": "s", "n": 1, "first": 0, "items": [2, 3, 4, 5, 6]}) is None
    assert got == [1, 2, 3, 4, 5, 6]
    assert flow.heed({"s": "s", "n": 6, "first": 0, "items": []}) == {"s": "s", "has": 6}


@pytest.mark.parametrize("seed", [2, *(pytest.param(seed, marks=pytest.mark.long) for seed in (1, 3, 4, 5))])
def test_events_and_requests_survive_a_bad_line(tmp_path: Path, seed: int) -> None:
    """A fifth of all lines is lost or damaged, both ways: every event comes once, in order; requests are done once."""
    count = 3000
    program = f"import json\nfor n in range({count}): print(json.dumps({{'event': 'n', 'n': n}}), flush=n % 7 == 0)"
    with agent(tmp_path, bad_line(seed, 20), bad_line(seed + 100, 20)) as client:
        unit = client.start(["python3", "-I", "-S", "-c", program], output=True)
        for number in range(20):
            client.run(["sh", "-c", f"echo {number} >> done"])
        data = random.Random(seed).randbytes(5 * PIECE_BYTES)
        client.write("folder/data", data)
        assert client.read("folder/data") == data
        unit.wait_event(lambda event: event["n"] == count - 1, 20)
        assert [event["n"] for event in unit.events] == list(range(count))
        assert unit.wait_exit(10) == 0
        assert client.read("done").split() == [b"%d" % number for number in range(20)]
        assert client.counters["damaged"] + client.counters["garbage"] > 0
        assert client.counters["said_again"] > 0
        assert client.counters["lost"] == 0


@settings(max_examples=MANY)
@given(st.lists(st.binary(max_size=200) | ANY_JSON, max_size=12))
def test_an_agent_outlives_whatever_it_is_told(tmp_path_factory: pytest.TempPathFactory, told: list) -> None:
    ours, theirs = socket.socketpair()
    ours.settimeout(4)
    with ours, theirs:
        served = Agent(theirs.recv, theirs.sendall, tmp_path_factory.mktemp("agent"))
        thread = threading.Thread(target=served.serve, daemon=True)
        thread.start()
        for one in told:
            ours.sendall(one if isinstance(one, bytes) else frame({"id": "1", "op": "x"} | {"m": one}))
            if isinstance(one, dict):
                ours.sendall(frame(one))
        ours.sendall(b"\n" + frame({"id": "h", "op": "hello"}))
        lines, found = Lines(), []
        while not any(message.get("id") == "h" for message in found):
            found += lines.feed(ours.recv(4096))
        ours.shutdown(socket.SHUT_WR)
        thread.join(10)
        assert not thread.is_alive()


OPS = (
    "run",
    "start",
    "stop",
    "kill",
    "signal",
    "usage",
    "input",
    "read",
    "write",
    "follow",
    "unfollow",
    "fault",
    "undo",
)
KEYS = (
    "argv",
    "env",
    "name",
    "socket",
    "service",
    "program",
    "number",
    "path",
    "at",
    "data",
    "last",
    "follower",
    "how",
)


@given(
    st.lists(st.tuples(st.sampled_from(OPS), st.dictionaries(st.sampled_from(KEYS), ANY_JSON, max_size=5)), max_size=6)
)
def test_every_wrong_request_is_refused_in_a_line(
    tmp_path_factory: pytest.TempPathFactory, asked: list[tuple[str, dict]]
) -> None:
    ours, theirs = socket.socketpair()
    ours.settimeout(4)
    with pytest.MonkeyPatch.context() as patch, ours, theirs:
        patch.setattr(faults, "FAULTS", {})
        patch.setenv("PATH", "/nonexistent")  # no chance word is a command
        served = Agent(theirs.recv, theirs.sendall, tmp_path_factory.mktemp("agent"))
        thread = threading.Thread(target=served.serve, daemon=True)
        thread.start()
        waited = set()
        for number, (op, keys) in enumerate(asked):
            wild = {key: value for key, value in keys.items() if not isinstance(value, str) or "/" not in value}
            ours.sendall(frame({**wild, "id": str(number), "op": op}))
            waited.add(str(number))
        lines = Lines()
        while waited:
            for message in lines.feed(ours.recv(65536)):
                if message.get("id") in waited:
                    assert "ok" in message or "\n" not in message["error"]
                    waited.discard(message["id"])
        ours.shutdown(socket.SHUT_WR)
        thread.join(10)
        assert not thread.is_alive()
