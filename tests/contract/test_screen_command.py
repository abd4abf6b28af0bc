"""`asvkit screen` beside a running unit, and a screen on a real event hub: real processes, real sockets."""

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from asvtools.screen_command import app
from asvunit.config import ScreenTable
from asvunit.errors import UsageError
from asvunit.event_hub import EventHub
from asvunit.screen.gallery import STATES
from asvunit.screen.show import GalleryShow
from asvunit.screen_process import ScreenProcess
from screentools import HMI, LONG_S, START, Plain, scene

COMMAND = (sys.executable, "-c", "from asvtools.screen_command import app; app()")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(browser: ClientConnection, good: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    while True:
        message = json.loads(browser.recv(timeout=LONG_S))
        if good(message):
            return dict(message)


def look(port: int, view: str = "driver") -> ClientConnection:
    return connect(f"ws://127.0.0.1:{port}/ws/{view}", max_size=None, open_timeout=LONG_S)


@contextmanager
def drawn(hub: EventHub) -> Iterator[None]:
    """A unit that draws its scenes, ten a second, for whoever wants them."""
    ended = threading.Event()

    def draw() -> None:
        number = 0
        while not ended.wait(0.1):
            number += 1
            hub.publish_scene(scene(number, others=3))

    thread = threading.Thread(target=draw)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def command(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([*COMMAND, *arguments], stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def serving(process: "subprocess.Popen[str]") -> list[str]:
    """What it says until it serves."""
    assert process.stderr
    said = []
    for line in process.stderr:
        said.append(line)
        if "Ctrl-C ends it" in line:
            return said
    raise AssertionError(said)


def test_a_screen_on_the_units_own_hub(tmp_path: Path) -> None:
    hub = EventHub(file=tmp_path / "events.jsonl")
    hub.start()
    hub.publish(START)
    screen = ScreenProcess(ScreenTable(port=free_port()), "en", hub.adopt)
    screen.start()
    try:
        with drawn(hub), look(screen.port) as driver, look(screen.port, "bench") as bench:
            message = until(driver, lambda message: message["alive"])
            assert message["unit"]["vehicle_id"] == START["vehicle_id"]
            assert len(message["scene"]["others"]) == 3
            hub.publish(HMI)
            until(driver, lambda message: message["shown"]["level"] == "caution")
            hub.publish({"t": 102.0, "event": "support", "function": "crossing", "why": "because"})
            assert until(bench, lambda message: message["supports"])["supports"][0]["why"] == "because"
            hub.publish({"t": 103.0, "event": "stop", "reason": "sigterm"})
            assert until(driver, lambda message: not message["alive"])["why_gone"] == "stopped"
    finally:
        hub.close()
        screen.stop()
    assert "scene" not in {json.loads(line)["event"] for line in (tmp_path / "events.jsonl").read_text().splitlines()}


@pytest.mark.long
def test_beside_a_unit_that_goes_and_comes_again(tmp_path: Path) -> None:
    path, port = tmp_path / "events.sock", free_port()
    config = tmp_path / "unit.toml"
    config.write_text(f'[events]\nsocket = "events.sock"\n[screen]\nport = {port}\n[presentation]\nlanguage = "ja"\n')
    with command("--config", str(config)) as process:
        assert f"{path}: no unit offers its events there" in serving(process)[0]
        with look(port) as browser:
            message = until(browser, lambda message: not message["alive"])
            assert (message["why_gone"], message["language"]) == ("lost", "ja")
            for stop, why in ((True, "stopped"), (False, "lost")):
                hub = EventHub(path=path)
                hub.start()
                hub.publish(START)
                with drawn(hub):
                    until(browser, lambda message: message["alive"])
                    if stop:
                        hub.publish({"t": 103.0, "event": "stop", "reason": "sigterm"})
                    hub.close()
                until(browser, lambda message, why=why: message["why_gone"] == why)
            process.send_signal(signal.SIGTERM)
            with pytest.raises(ConnectionClosed):
                until(browser, lambda _message: False)
        assert process.wait(LONG_S) == 0
        assert process.stderr
        assert process.stderr.read() == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--socket PATH or --config FILE is needed"),
        (["--socket", "a", "--config", "b"], "one of them"),
        (["--config", "no.toml"], "no.toml"),
        (["--config", "bare.toml"], "events.socket: missing"),
        (["--socket", "a", "--language", "fr"], "--language: fr: there are en and ja"),
        (["--socket", "a", "--host", "http://x"], "--host: 'http://x' is no name"),
        (["--socket", "a", "--address", "192.0.2.1"], "--address: 192.0.2.1: no address of this machine"),
        (["gallery", "--address", "192.0.2.1"], "--address: 192.0.2.1: no address of this machine"),
    ],
)
def test_what_is_wrong_is_said_with_the_mend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bare.toml").write_text("")
    with pytest.raises(UsageError) as error:
        app(arguments, standalone_mode=False)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_gallery_shows_every_state_in_turn() -> None:
    now_s = 1000.0
    show = GalleryShow(2.0, lambda: now_s)
    seen = []
    for _ in range(len(STATES) + 1):
        show.next_number()
        for view in ("driver", "bench"):
            message = json.loads(show.message(view))
        seen.append(show.name)
        assert message["n"] == len(seen)
        assert message["t"] == now_s
        now_s += 2.0
    assert seen == [*STATES, next(iter(STATES))]


def test_gallery_is_served_and_ends_by_ctrl_c() -> None:
    port = free_port()
    with command("gallery", "--port", str(port), "--seconds", "0.5") as process:
        serving(process)
        with Plain(port) as plain:
            plain.request()
            assert plain.answer()[0] == 200
        with look(port) as browser:
            first = until(browser, lambda _message: True)["shown"]
            until(browser, lambda message: message["shown"] != first)
            process.send_signal(signal.SIGINT)
            with pytest.raises(ConnectionClosed):
                until(browser, lambda _message: False)
        assert process.wait(LONG_S) == 0
