"""Events to a file, to standard output and to other programs: bounded, whole lines, nothing raises later."""

import contextlib
import fcntl
import json
import os
import socket
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from asvunit.errors import AsvkitError, UsageError
from asvunit.event_hub import EventHub
from asvunit.event_ways import SCENE_BYTES, SUBSCRIBERS
from asvunit.subscriber import EventStream, connect, subscribe


def _until(condition: Callable[[], bool]) -> None:
    """Wait for another thread's doing, not for a time."""
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "never happened"
        threading.Event().wait(0.005)


@pytest.fixture
def hubs() -> Iterator[Callable[..., EventHub]]:
    with contextlib.ExitStack() as stack:

        def make(**ways: object) -> EventHub:
            hub = EventHub(**ways)  # type: ignore[arg-type]
            stack.callback(hub.close)
            hub.start()
            return hub

        yield make


def _lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_file_is_appended_in_order(tmp_path: Path, hubs: Callable[..., EventHub]) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text('{"event": "earlier"}\n')
    hub = hubs(file=path)
    for number in range(500):
        hub.publish({"event": "x", "n": number})
    hub.close()
    lines = _lines(path)
    assert lines[0] == {"event": "earlier"}
    assert [line["n"] for line in lines[1:]] == list(range(500))


def test_subscribers_get_the_state_first_then_what_happens(tmp_path: Path, hubs: Callable[..., EventHub]) -> None:
    path = tmp_path / "events.sock"
    file = tmp_path / "events.jsonl"
    hub = hubs(path=path, file=file)
    hub.publish({"event": "start"})
    hub.publish({"event": "status", "input": "gnss", "state": "silent"})
    hub.publish({"event": "status", "input": "gnss", "state": "ok"})
    hub.publish({"event": "status", "input": "can", "state": "off"})
    hub.publish({"event": "drop"})
    _until(lambda: file.exists() and len(_lines(file)) == 5)
    events = subscribe(path)
    first = [next(events) for _ in range(3)]
    assert [(one["event"], one.get("state")) for one in first] == [("start", None), ("status", "ok"), ("status", "off")]
    hub.publish({"event": "hmi"})
    assert next(events)["event"] == "hmi"
    hub.close()
    assert list(events) == []
    assert not path.exists()


def test_nobody_offers_events(tmp_path: Path) -> None:
    with pytest.raises(AsvkitError, match=r"none\.sock: no unit offers"):
        next(subscribe(tmp_path / "none.sock"))


def test_a_reader_that_does_not_read_loses_whole_lines_and_holds_up_nobody(
    tmp_path: Path, hubs: Callable[..., EventHub]
) -> None:
    path = tmp_path / "events.sock"
    hub = hubs(path=path, file=tmp_path / "events.jsonl")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as slow:
        slow.connect(str(path))
        text = "x" * 4000
        for number in range(600):  # 2.4 MB
            hub.publish({"event": "x", "n": number, "text": text})
            _until(lambda: len(hub._queue) < 100)
        _until(lambda: hub.lost["subscriber"] > 0)
        with slow.makefile("rb") as lines:
            got = [json.loads(next(lines)) for _ in range(200)]
    assert [one["n"] for one in got] == list(range(200))
    hub.close()
    assert len(_lines(tmp_path / "events.jsonl")) == 600


def test_a_socket_left_behind_is_taken_over_and_a_living_one_is_not(
    tmp_path: Path, hubs: Callable[..., EventHub]
) -> None:
    path = tmp_path / "events.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(path))
    hubs(path=path)
    with pytest.raises(UsageError, match="another unit offers its events there"):
        EventHub(path=path)
    assert path.exists()


def test_faults_of_the_ways_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"events\.file: .*none/e\.jsonl: cannot be written"):
        EventHub(file=tmp_path / "none" / "e.jsonl", path=tmp_path / "e.sock")
    assert not (tmp_path / "e.sock").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"events\.socket"):
        EventHub(path=tmp_path / "file")
    with pytest.raises(UsageError, match="107 characters"):
        EventHub(path=tmp_path / ("x" * 120))


def test_a_full_disk_keeps_the_lines_and_goes_on(
    tmp_path: Path, hubs: Callable[..., EventHub], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "events.jsonl"
    full = threading.Event()
    write = os.write

    def limited(descriptor: int, data: bytes) -> int:
        if full.is_set() and len(data) > 5 and data != b"\1\0\0\0\0\0\0\0":
            return write(descriptor, data[:5])  # the last bytes of a disk tear a line
        if full.is_set():
            raise OSError(28, "No space left on device")
        return write(descriptor, data)

    monkeypatch.setattr("asvunit.event_ways.os.write", limited)
    hub = hubs(file=path)
    full.set()
    monkeypatch.setattr("asvunit.event_ways.KEPT_BYTES", 2000)
    for number in range(100):
        hub.publish({"event": "x", "n": number})
    full_disk = OSError(28, "No space left on device")

    def refuse(_descriptor: int, _data: bytes) -> int:
        raise full_disk

    monkeypatch.setattr("asvunit.event_ways.os.write", refuse)
    hub.publish({"event": "y"})
    _until(lambda: "disk full" in hub.fault)
    monkeypatch.setattr("asvunit.event_ways.os.write", write)
    _until(lambda: hub.fault == "")
    hub.publish({"event": "z"})
    hub.close()
    lines = _lines(path)  # whole lines, every one
    assert [one["n"] for one in lines if one["event"] == "x"] == list(range(sum(one["event"] == "x" for one in lines)))
    assert lines[-1]["event"] == "z"


def test_standard_output_that_is_not_read_is_told(hubs: Callable[..., EventHub]) -> None:
    reader, writer = os.pipe()
    hub = hubs(stdout=writer)
    text = "x" * 4000
    for number in range(400):  # 1.6 MB: more than the pipe and what is kept
        hub.publish({"event": "x", "n": number, "text": text})
        _until(lambda: len(hub._queue) < 100)
    _until(lambda: "does not keep up" in hub.fault)
    with os.fdopen(reader, "rb") as lines:
        assert [json.loads(next(lines))["n"] for _ in range(100)] == list(range(100))
        _until(lambda: hub.fault == "" or bool(lines.peek()))


def test_standard_output_whose_reader_has_gone(hubs: Callable[..., EventHub]) -> None:
    reader, writer = os.pipe()
    hub = hubs(stdout=writer)
    hub.publish({"event": "x"})
    assert json.loads(os.read(reader, 100)) == {"event": "x"}
    os.close(reader)
    hub.publish({"event": "y"})
    _until(lambda: "closed by its reader" in hub.fault)
    hub.publish({"event": "z"})
    hub.close()


# Scenes and adopted subscribers


def _adopted(hub: EventHub, *, scenes: bool) -> EventStream:
    ours, theirs = socket.socketpair()
    hub.adopt(theirs)
    return EventStream(ours, scenes=scenes)


def _until_asked(hub: EventHub, count: int) -> None:
    _until(lambda: sum(one.scenes for one in list(hub._subscribers.values())) == count)
    assert hub.scenes_wanted


def _take(stream: EventStream, count: int) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    end = time.monotonic() + 10
    while len(events) < count and not stream.ended:
        assert time.monotonic() < end, events
        events += stream.read(0.1)
    return events


def test_an_adopted_socket_is_told_the_state_first_even_of_a_hub_without_other_ways(
    hubs: Callable[..., EventHub],
) -> None:
    hub = hubs()
    hub.publish({"event": "start", "vehicle_id": 7})
    hub.publish({"event": "support"})  # no state
    hub.publish({"event": "hmi", "level": "caution"})
    _until(lambda: len(hub._state) == 2)
    with _adopted(hub, scenes=False) as stream:
        assert [one["event"] for one in _take(stream, 2)] == ["start", "hmi"]
        hub.publish({"event": "support", "n": 1})
        assert _take(stream, 1) == [{"event": "support", "n": 1}]
        hub.close()
        assert _take(stream, 1) == []
        assert stream.ended


def test_a_socket_is_adopted_before_the_start_and_from_any_thread() -> None:
    hub = EventHub()
    ours, theirs = socket.socketpair()
    thread = threading.Thread(target=hub.adopt, args=(theirs,))
    thread.start()
    thread.join()
    hub.publish({"event": "start"})
    hub.start()
    with EventStream(ours) as stream:
        assert _take(stream, 1) == [{"event": "start"}]
        hub.close()
        assert _take(stream, 1) == []
    late, theirs = socket.socketpair()
    hub.adopt(theirs)  # of a hub that has ended
    assert late.recv(1) == b""
    late.close()


def test_scenes_go_to_those_alone_that_asked_for_them(tmp_path: Path, hubs: Callable[..., EventHub]) -> None:
    file, path = tmp_path / "events.jsonl", tmp_path / "events.sock"
    hub = hubs(file=file, path=path)
    assert not hub.scenes_wanted
    hub.publish_scene({"event": "scene", "n": 0})  # nobody has asked
    with connect(path) as plain, connect(path, scenes=True) as asking, _adopted(hub, scenes=True) as adopted:
        _until_asked(hub, 2)
        for number in range(1, 4):
            hub.publish_scene({"event": "scene", "n": number})
            assert [_take(one, 1) for one in (asking, adopted)] == [[{"event": "scene", "n": number}]] * 2
        hub.publish({"event": "hmi"})
        assert _take(plain, 1) == [{"event": "hmi"}]
        assert _lines(file) == [{"event": "hmi"}]
        assert not hub.lost["subscriber"]
    _until(lambda: not hub.scenes_wanted)


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (b"scene\r\n", True),
        (b"scene\nquiet\n", False),
        (b"quiet\nscene\n", True),
        (b"x" * 300 + b"\nscene\n", True),
        (b"x" * 257 + b"scene\n", False),
        (b"SCENE\nscenes\n{}\n\xff\0\n", False),
        (b"scene", False),
    ],
)
def test_what_a_subscriber_says_is_a_command_or_nothing(
    hubs: Callable[..., EventHub], said: bytes, wanted: bool
) -> None:
    hub = hubs()
    ours, theirs = socket.socketpair()
    hub.adopt(theirs)
    with ours:
        for at in range(0, len(said), 100):
            ours.sendall(said[at : at + 100])
        hub.publish({"event": "start"})
        assert ours.recv(100) == b'{"event": "start"}\n'
        _until(lambda: not _unread(theirs))
        hub.publish({"event": "ready"})  # answered after what was said has been heeded
        assert ours.recv(100) == b'{"event": "ready"}\n'
        assert hub.scenes_wanted == wanted


def _unread(connection: socket.socket) -> int:
    return int.from_bytes(fcntl.ioctl(connection, termios.FIONREAD, bytes(4)), sys.byteorder)


def test_a_reader_that_does_not_read_misses_scenes_keeps_the_newest_and_loses_no_event(
    hubs: Callable[..., EventHub],
) -> None:
    hub = hubs()
    with _adopted(hub, scenes=True) as slow, _adopted(hub, scenes=True) as quick:
        _until_asked(hub, 2)
        blob = "x" * 10_000
        for number in range(100):  # 1 MB of scenes, and between them the events
            hub.publish_scene({"event": "scene", "n": number, "blob": blob})
            hub.publish({"event": "x", "n": number})
            assert len(_take(quick, 2)) == 2
        waiting = max(one._bytes for one in hub._subscribers.values())
        assert waiting < SCENE_BYTES + 20_000
        events = []
        while len(events) == 0 or events[-1].get("blob") is None or events[-1]["n"] != 99:
            events += _take(slow, 1)
        got = [one["n"] for one in events if one["event"] == "scene"]
        assert got == sorted(got)
        assert got[-1] == 99
        assert len(got) < 80
        while sum(one["event"] == "x" for one in events) < 100:
            events += _take(slow, 1)
        assert [one["n"] for one in events if one["event"] == "x"] == list(range(100))
        assert not any(one["event"] == "lost" for one in events)
    assert not hub.lost["subscriber"]


def test_adopted_sockets_do_not_take_the_places_of_the_unix_socket(
    tmp_path: Path, hubs: Callable[..., EventHub]
) -> None:
    path = tmp_path / "events.sock"
    hub = hubs(path=path)
    hub.publish({"event": "start"})
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(_adopted(hub, scenes=False))
        streams = [stack.enter_context(connect(path)) for _ in range(SUBSCRIBERS)]
        for one in streams:
            assert _take(one, 1) == [{"event": "start"}]
        with connect(path) as too_many:
            assert _take(too_many, 1) == []
            assert too_many.ended


def test_a_stream_passes_over_what_is_no_event() -> None:
    ours, theirs = socket.socketpair()
    with EventStream(ours) as stream, theirs:
        theirs.sendall(b'nonsense\n[1]\n{"event": 5}\n\xff\n{"event": "a"}\n{"event": "b"')
        assert _take(stream, 1) == [{"event": "a"}]
        theirs.sendall(b"}\n")
        assert _take(stream, 1) == [{"event": "b"}]
        assert stream.counters == {"bad_line": 4}
        assert stream.read(0) == []
        writer = threading.Thread(target=theirs.sendall, args=(b"x" * (2 << 20) + b'\n{"event": "c"}\n',))
        writer.start()
        assert _take(stream, 1) == [{"event": "c"}]
        writer.join()
        assert stream.counters == {"bad_line": 4, "too_long": 1}


def test_a_unit_that_hangs_does_not_hold_up_who_connects(tmp_path: Path) -> None:
    path = tmp_path / "e.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener, contextlib.ExitStack() as stack:
        listener.bind(str(path))
        listener.listen(1)

        def fill() -> None:  # nobody accepts
            for _ in range(5):
                stack.enter_context(connect(path))

        with pytest.raises(AsvkitError, match="no unit offers"):
            fill()


def test_what_is_no_socket_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for name, word in (("file", "no socket"), ("absent", "No such file")):
        with pytest.raises(AsvkitError, match=f"{name}: no unit offers its events there: {word}"):
            connect(tmp_path / name)
