"""A real unit and its screen: the page killed, the unit stopped, gone on and killed; each is told, nothing is left."""

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from asvrig.live.radio import free_udp_port
from asvrig.live.unit_process import UnitProcess

LONG_S = 30


def until(browser: ClientConnection, good: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    while True:
        message = json.loads(browser.recv(timeout=LONG_S))
        if good(message):
            return dict(message)


def look(port: int) -> ClientConnection:
    return connect(f"ws://127.0.0.1:{port}/ws/bench", max_size=None, open_timeout=LONG_S)


def page_of(unit: UnitProcess) -> int:
    children = Path(f"/proc/{unit.pid}/task/{unit.pid}/children").read_text().split()
    return next(int(one) for one in children if b"asvunit.screen" in Path(f"/proc/{one}/cmdline").read_bytes())


def ended(pid: int) -> bool:
    """Whether a process has; one that nobody has asked for yet has too."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.long
def test_screen_of_a_real_unit_through_its_troubles(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = f"""
[ego]
simulate = "scenario"
[radio]
port = {free_udp_port()}
[hmi]
gpio = "mock"
[screen]
port = {port}
[events]
socket = "unit.sock"
"""
    with UnitProcess("unit", tmp_path, config) as unit:
        unit.wait_ready(LONG_S)
        with look(port) as browser:
            first = until(browser, lambda message: message["alive"] and message["scene"]["ego"]["available"])
            assert first["system"]["on"]
            since = len(unit.events)
            page = page_of(unit)
            os.kill(page, signal.SIGKILL)
            with pytest.raises(ConnectionClosed):
                until(browser, lambda _message: False)
        for state in ("disconnected", "ok"):
            told = {"event": "status", "input": "hmi", "state": state}
            unit.wait_event(lambda event, told=told: told.items() <= event.items(), LONG_S, since=since)
        with look(port) as browser:
            again = until(browser, lambda message: message["alive"])
            assert again["unit"] == first["unit"]
            assert again["system"]["on"]  # the state comes first, also to a page that came later
            page = page_of(unit)
            os.kill(unit.pid, signal.SIGSTOP)
            assert until(browser, lambda message: not message["alive"])["why_gone"] == "silent"
            os.kill(unit.pid, signal.SIGCONT)
            until(browser, lambda message: message["alive"])
            os.kill(unit.pid, signal.SIGKILL)
            assert until(browser, lambda message: not message["alive"])["why_gone"] == "lost"
            with pytest.raises(ConnectionClosed):
                until(browser, lambda _message: False)
    end_s = time.monotonic() + LONG_S
    while not ended(page):
        assert time.monotonic() < end_s
        threading.Event().wait(0.02)
