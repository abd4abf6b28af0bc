"""`asvkit watch`: gone within a second and back by itself; the command in a terminal, in a pipe, once."""

import contextlib
import inspect
import io
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from asvtools.watch_command import watch
from asvtools.watch_follow import ALIVE, LOST, REFUSED, SILENT, STOPPED, WAITING, Follower
from asvunit.errors import AsvkitError, UsageError
from asvunit.event_hub import EventHub
from watchtools import EVENTS, SCENE


class Clock:
    def __init__(self) -> None:
        self.s = 100.0

    def __call__(self) -> float:
        return self.s


@contextlib.contextmanager
def _hub(path: Path, *events: dict[str, Any]) -> Iterator[EventHub]:
    hub = EventHub(path=path)
    hub.start()
    for event in events:
        hub.publish(event)
    try:
        yield hub
    finally:
        hub.close()


def _poll_until(follower: Follower, so: Callable[[list[Any]], bool]) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    end = time.monotonic() + 20
    while not so(events):
        assert time.monotonic() < end, (follower.state, events)
        events += follower.poll(0.02)
    return events


def test_a_unit_comes_hangs_goes_on_stops_and_comes_back(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "u.sock"
    follower = Follower(path, clock)
    assert follower.poll(0.01) == []
    assert (follower.state, "no unit offers" in follower.detail) == (WAITING, True)
    clock.s += 1
    with contextlib.closing(follower):
        with _hub(path, *EVENTS[:2]) as hub:
            events = _poll_until(follower, lambda got: len(got) == 2)
            assert [one["event"] for one in events] == ["start", "system"]
            assert follower.state == ALIVE
            _poll_until(follower, lambda _got: hub.scenes_wanted)
            hub.publish_scene(SCENE)
            assert _poll_until(follower, bool) == [SCENE]
            clock.s += 0.69
            assert (follower.poll(0), follower.state) == ([], ALIVE)
            clock.s += 0.02
            assert (follower.poll(0), follower.state) == ([], SILENT)
            hub.publish_scene(SCENE)
            assert _poll_until(follower, bool) == [SCENE]
            assert follower.state == ALIVE
            hub.publish({"event": "stop", "reason": "sigterm"})
            hub.publish({"event": "drop"})
            _poll_until(follower, lambda got: len(got) == 2)
        _poll_until(follower, lambda _got: follower.state == STOPPED and bool(follower.detail))
        clock.s += 1
        with _hub(path, {**EVENTS[0], "vehicle_id": 5}):
            assert _poll_until(follower, bool)[0]["vehicle_id"] == 5
            assert follower.state == ALIVE
        _poll_until(follower, lambda _got: follower.state == LOST)


def test_a_unit_that_lets_nobody_in_is_told_apart_from_one_that_goes(tmp_path: Path) -> None:
    path = tmp_path / "u.sock"
    with _hub(path, EVENTS[0]) as hub, contextlib.ExitStack() as stack:
        from asvunit.event_ways import SUBSCRIBERS
        from asvunit.subscriber import connect

        for _ in range(SUBSCRIBERS):
            stack.enter_context(connect(path))
        with contextlib.closing(Follower(path)) as follower:
            _poll_until(follower, lambda _got: follower.state == REFUSED)
            hub.close()
            _poll_until(follower, lambda _got: follower.state == WAITING)


# The command


def test_once_as_text_and_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "u.sock"
    config = tmp_path / "unit.toml"
    config.write_text('[events]\nsocket = "u.sock"\n')
    with _hub(path, *EVENTS[:-1]) as hub, _feeding(hub):
        watch(config=config, once=True)
        text = capsys.readouterr().out
        assert "WAIT! Left side" in text
        assert "\x1b" not in text
        assert all(line == line.rstrip() for line in text.splitlines())
        watch(socket=path, once=True, as_json=True)
        told = json.loads(capsys.readouterr().out)
    assert told["scene"] == SCENE
    assert told["hmi"] == EVENTS[7]
    assert told["inputs"]["can"] == EVENTS[3]
    assert sorted(told["signals"]) == ["speed", "winker"]


@contextlib.contextmanager
def _feeding(hub: EventHub, scene: dict[str, Any] = SCENE) -> Iterator[None]:
    """Scenes, ten a second, as a unit gives them."""
    over = threading.Event()

    def feed() -> None:
        while not over.wait(0.05):
            hub.publish_scene(scene)

    thread = threading.Thread(target=feed)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_what_a_user_can_get_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, path = tmp_path / "unit.toml", tmp_path / "u.sock"
    config.write_text("")
    with pytest.raises(UsageError, match="one of them"):
        watch()
    with pytest.raises(UsageError, match="one of them"):
        watch(config=config, socket=path)
    with pytest.raises(UsageError, match=r"unit\.toml: events\.socket: not set, so .* set it, as"):
        watch(config=config)
    with pytest.raises(UsageError, match=r"none\.toml"):
        watch(config=tmp_path / "none.toml")
    with pytest.raises(AsvkitError, match=r"u\.sock: no unit offers its events there: No such file"):
        watch(socket=path, once=True)
    monkeypatch.setattr("asvtools.watch_command._ONCE_S", 0.05)
    with _hub(path, *EVENTS[:2]), pytest.raises(AsvkitError, match="tells its events, but no scene"):
        watch(socket=path, once=True)
    with _hub(path), pytest.raises(AsvkitError, match="does not answer"):
        watch(socket=path, once=True)
    monkeypatch.setattr("asvtools.watch_command._ONCE_S", 10)
    with (
        _hub(path, *EVENTS[:2]) as hub,
        _feeding(hub, {"event": "scene"}),  # of another version
        pytest.raises(AsvkitError, match="what it tells cannot be read"),
    ):
        watch(socket=path, once=True)


PROGRAM = (
    "import sys; from pathlib import Path; from asvtools.watch_command import watch; watch(socket=Path(sys.argv[1]){})"
)


class Terminal:
    """The command in a terminal of its own, or with its output in a pipe."""

    def __init__(self, path: Path, *, terminal: bool, more: str = "", encoding: str = "utf-8") -> None:
        master, slave = pty.openpty() if terminal else os.pipe()
        environment = {
            **os.environ,
            "TERM": "xterm",
            "LANG": "C.UTF-8",
            "PYTHONIOENCODING": encoding,
            "PYTHONUTF8": "1",
            "COLUMNS": "80",
            "LINES": "24",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM.format(more), str(path)],
            stdout=slave,
            stdin=subprocess.DEVNULL,
            env=environment,
        )
        os.close(slave)
        self._from = master
        self.seen = ""

    def until(self, words: str) -> None:
        end = time.monotonic() + 30
        while words not in self.seen:
            assert time.monotonic() < end, self.seen[-2000:]
            if select.select([self._from], [], [], 0.1)[0]:
                self.seen += os.read(self._from, 65536).decode("utf-8", "replace")
        self.seen = self.seen.partition(words)[2]

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        while True:
            try:
                data = os.read(self._from, 65536)
            except OSError:  # the terminal's other end is closed
                break
            if not data:
                break
            self.seen += data.decode("utf-8", "replace")
        return self.process.wait(20)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._from)


def test_in_a_terminal_it_shows_the_unit_its_end_and_its_return(tmp_path: Path) -> None:
    path = tmp_path / "u.sock"
    with contextlib.closing(Terminal(path, terminal=True)) as terminal:
        terminal.until("no unit has been there yet")
        terminal.until("no unit offers its events there")
        with _hub(path, *EVENTS[:-1]) as hub, _feeding(hub):
            terminal.until("WAIT! Left side")
            terminal.until("crossing    caution")
        terminal.until("the unit is gone")
        with _hub(path, {**EVENTS[0], "vehicle_id": 5}) as hub:
            terminal.until("vehicle 5,")
            hub.publish({"event": "stop"})
        terminal.until("the unit was stopped")
        with _hub(path, {**EVENTS[0], "vehicle_id": 6}) as hub, _feeding(hub):
            terminal.until("vehicle 6,")
        assert terminal.end(signal.SIGTERM) == 0
        assert "\x1b[?1049l" in terminal.seen  # the terminal is left as it was


def test_in_a_pipe_it_is_lines_and_json_is_the_events(tmp_path: Path) -> None:
    path = tmp_path / "u.sock"
    with (
        contextlib.closing(Terminal(path, terminal=False)) as lines,
        contextlib.closing(Terminal(path, terminal=False, more=", as_json=True")) as raw,
    ):
        lines.until("no unit has been there yet: ")
        lines.until("u.sock: no unit offers its events there: No such file or directory")
        raw.until('{"event": "watch", "state": "waiting"')
        with _hub(path, *EVENTS[:-1]) as hub, _feeding(hub):
            lines.until("vehicle 77, asvkit 1.2.3 is there\n")
            lines.until("driver: caution crossing left: WAIT! Left side\n")
            raw.until('"state": "alive"')
            raw.until(json.dumps(SCENE))
        lines.until("the unit is gone, without a word; what it showed counts no more\n")
        raw.until('"state": "lost"')
        assert "\x1b" not in lines.seen
        assert lines.end(signal.SIGINT) == 0
        assert raw.end(signal.SIGHUP) == 0


def test_where_only_ascii_can_be_shown_nothing_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "u.sock"
    japanese = [
        {**one, "text": "左から車 待て", "text_id": "crossing_caution_left"} if one["event"] == "hmi" else one
        for one in EVENTS[:-1]
    ]
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    with _hub(path, *japanese) as hub, _feeding(hub):
        watch(socket=path, once=True)
        watch(socket=path, once=True, as_json=True)
    *text, told = out.buffer.getvalue().decode("ascii").splitlines()  # type: ignore[attr-defined]
    assert "  < WAIT! Left side" in text
    assert any("~ 1000 Hz" in line for line in text)
    assert any(line.startswith("*  100 car") and " 62 m< " in line for line in text)
    assert "?" not in "".join(text)
    assert json.loads(told)["hmi"]["text"] == "左から車 待て"
    with contextlib.closing(Terminal(path, terminal=False, encoding="ascii")) as lines, _hub(path, *japanese):
        lines.until("driver: caution crossing left: WAIT! Left side\n")


def test_the_page_s_example_runs_and_its_options_are_those_of_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "watch.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    with _hub(Path("events.sock"), EVENTS[0]) as hub:

        def serve() -> None:
            while not hub.scenes_wanted:
                threading.Event().wait(0.01)
            hub.publish_scene(SCENE)
            hub.close()

        thread = threading.Thread(target=serve)
        thread.start()
        exec(compile(block, "watch.md", "exec"), {})
        thread.join()
    assert capsys.readouterr().out == "1 vehicles followed\n"
    options = {"--config", "--socket", "--once", "--json"}
    assert set(re.findall(r"(?<![\w-])--\w+", page)) == options
    names = set(inspect.signature(watch).parameters)
    assert names == {option.strip("-").replace("json", "as_json") for option in options}
    for state in (WAITING, ALIVE, SILENT, STOPPED, LOST, REFUSED):
        assert f"`{state}`" in page or f'"{state}"' in page
