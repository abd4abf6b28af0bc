"""Events to a file, to standard output and to other programs: bounded, whole lines, nothing raises later."""

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from asvunit.errors import AsvkitError, UsageError
from asvunit.event_hub import EventHub
from asvunit.subscriber import subscribe


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

    monkeypatch.setattr("asvunit.event_hub.os.write", limited)
    hub = hubs(file=path)
    full.set()
    monkeypatch.setattr("asvunit.event_hub._KEPT_BYTES", 2000)
    for number in range(100):
        hub.publish({"event": "x", "n": number})
    full_disk = OSError(28, "No space left on device")

    def refuse(_descriptor: int, _data: bytes) -> int:
        raise full_disk

    monkeypatch.setattr("asvunit.event_hub.os.write", refuse)
    hub.publish({"event": "y"})
    _until(lambda: "disk full" in hub.fault)
    monkeypatch.setattr("asvunit.event_hub.os.write", write)
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
