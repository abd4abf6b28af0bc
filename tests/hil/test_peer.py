"""The table-top mode from outside: a unit that simulates its own drive, and `asvkit peer` as the other car."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from queue import Queue
from typing import Any, NamedTuple

import pytest

from asvrig.live.radio import OcbSender, RadioSender, free_udp_port
from asvrig.live.unit_process import UnitProcess
from asvrig.unit_config import LOOPBACK
from asvunit.radio.own_key import new_own_key
from nettools import ip, veth

WAIT_S = 20.0

# Ego has stopped after 1.9 s; the car is first heard after 3.2 s, inside the caution distance
SCENARIO = """
scenario = 1
title = "Short"
story = "Ego stops at the line; the car's radio comes through late."
function = "crossing"
start = 2026-04-01T01:00:00Z
duration_s = 9
[place]
latitude_deg = 36.0652
longitude_deg = 140.1272
[[vehicle]]
name = "ego"
ego = true
seed = 1
north_m = -14.64
heading_deg = 0
speed_kmh = 20
motion = [{ for_s = 0.5 }, { until_kmh = 0, accel_mps2 = -4 }]
[[vehicle]]
name = "target"
seed = 11
east_m = -89.1
heading_deg = 90
speed_kmh = 50
radio = { phase_ms = 40, lost = [[0, 3.2]] }
"""


class Peer:
    """The process and its lines."""

    def __init__(self, scenario: Path, config: Path) -> None:
        argv = [sys.executable, "-m", "asvtools.cli", "peer", "--scenario", str(scenario), "--config", str(config)]
        self.process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self._lines: Queue[str] = Queue()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._lines.put(line)

    def line(self) -> str:
        return self._lines.get(timeout=WAIT_S)

    def interrupt(self) -> tuple[int, str]:
        """Ctrl-C: exit code and what it said on stderr."""
        assert self.process.stderr
        assert self.process.stdout
        self.process.send_signal(signal.SIGINT)
        said = self.process.stderr.read()
        code = self.process.wait(WAIT_S)
        self._thread.join(WAIT_S)
        return code, said

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._thread.join(WAIT_S)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream
            stream.close()


class Desk(NamedTuple):
    """A peer that listens, the configuration of the unit, and one that sends beside them."""

    peer: Peer
    config: str
    stranger: Callable[[], RadioSender]
    unplug: Callable[[], None]


@pytest.fixture(params=["udp", "ocb"] if os.environ.get("ASVKIT_ALL") else ["ocb"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """On this machine by UDP, or joined by a cable."""
    scenario = tmp_path / "short.toml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    with contextlib.ExitStack() as stack:
        if request.param == "udp":
            port = free_udp_port()
            mine = theirs = f'address = "{LOOPBACK}"\nport = {port}\n'
            stranger: Callable[[], RadioSender] = partial(RadioSender, LOOPBACK, port)
        else:
            cable = stack.enter_context(veth())
            mine, theirs = (f'kind = "ocb"\ninterface = "{one}"\n' for one in cable)
            stranger = partial(OcbSender, cable[1], "02:00:00:00:00:66")
        configs = [
            f'[ego]\nsimulate = "scenario"\nscenario = "{scenario.name}"\n'  # beside the configuration
            f"[radio]\n{radio}"
            f'[hmi]\ngpio = "mock"\nrecord = "desk.pins.jsonl"\n[events]\nsocket = "desk.sock"\n'
            for radio in (mine, theirs)
        ]
        if request.param == "ocb":  # and an emergency vehicle, which signs what it sends
            new_own_key(tmp_path / "own.key", 7)
            configs[0] += '[emergency]\nown_key = "own.key"\nin_action = "never"\n'
        config = tmp_path / "peer.toml"
        config.write_text(configs[1], encoding="utf-8")
        peer = Peer(scenario, config)
        stack.callback(peer.close)
        assert "waiting" in peer.line()
        yield Desk(peer, configs[0], stranger, lambda: ip("link", "del", cable[0]) if request.param == "ocb" else None)


def test_port_in_use(tmp_path: Path) -> None:
    config = tmp_path / "peer.toml"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("", 0))
        config.write_text(f"[radio]\nport = {other.getsockname()[1]}\n", encoding="utf-8")
        argv = [sys.executable, "-m", "asvtools.cli", "peer", "--config", str(config)]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert f"{config}: radio.port" in done.stderr


@pytest.mark.long
def test_caution_on_a_desk(desk: Desk, tmp_path: Path) -> None:
    with desk.stranger() as stranger:  # other transmitters on the air
        for noise in (bytes(100), b"\xff" * 100, b"\xff" * 178, b"", b"x"):
            stranger.send(noise)

    def caution(event: dict[str, Any]) -> bool:
        return bool(event["event"] == "hmi" and event["level"] == "caution")

    def lost(event: dict[str, Any]) -> bool:
        return (event["event"], event.get("input"), event.get("state")) == ("status", "radio", "disconnected")

    peer = desk.peer
    with UnitProcess("desk", tmp_path, desk.config) as unit:
        unit.wait_event(caution, WAIT_S)
        heard = peer.line()
        start = next(event for event in unit.events if event["event"] == "start")
        assert heard.startswith(f"heard the ego, vehicle {start['vehicle_id']},")
        if "ocb" in desk.config:
            desk.unplug()
            told = unit.wait_event(lost, WAIT_S)
            assert told["reason"] in ("absent", "cannot_send")
            assert "no network interface" in told["detail"]
        assert unit.stop() == 0
    code, said = peer.interrupt()
    assert code in (0, 130)
    assert "Traceback" not in said
    assert len(said.splitlines()) <= 1
