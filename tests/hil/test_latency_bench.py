"""`asvkit latency bench` from outside: a real unit, its pins seen, its files kept, its verdict; and what is refused."""

import contextlib
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from asvrig.latency import session
from asvrig.latency.edges import Chip
from asvrig.latency.probes import RecordProbe
from asvrig.latency.session import Asked, measure
from asvrig.latency.target import Wiring
from asvrig.live.device import PtyDevice
from asvrig.live.radio import free_udp_port
from asvrig.live.receiver import ReceiverPty
from asvrig.live.slcan import SlcanPty
from asvrig.unit_config import LOOPBACK
from asvunit.pins import load_pins
from lgpiotools import StandIn

WAIT_S = 90.0
COMMAND = (sys.executable, "-m", "asvtools.cli", "latency", "bench")
LAMPS = {"can": "caution", "radio": "caution", "gnss": "caution", "switch": "information"}
INPUTS = {"can": "signal", "radio": "frame", "gnss": "fix", "switch": "switch"}


def bench(*arguments: object) -> "subprocess.CompletedProcess[str]":
    argv = [*COMMAND, *map(str, arguments)]
    return subprocess.run(argv, check=False, capture_output=True, text=True, timeout=WAIT_S, stdin=subprocess.DEVNULL)


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def check_kept(folder: Path, stimulus: str, count: int) -> dict[str, Any]:
    """The result, after it was found again in the raw files by a way of its own."""
    told: dict[str, Any] = json.loads((folder / "bench.json").read_text())
    stimuli, seen = rows(folder / "stimuli.jsonl"), rows(folder / "seen.jsonl")
    assert [one["n"] for one in stimuli] == list(range(count))
    lit = [one["t_ns"] for one in seen if one["name"] == LAMPS[stimulus] and one["value"]]
    took_us = [
        min(t_ns for t_ns in lit if t_ns >= one["sent_ns"]) / 1000 - one["sent_ns"] / 1000 - one["wire_us"]
        for one in stimuli
    ]
    light = told["net_us"]["light"]
    assert light["n"] == count
    assert light["max"] == pytest.approx(max(took_us), abs=1)
    assert light["min"] == pytest.approx(min(took_us), abs=1)
    assert light["min"] > 0
    assert {one["t_ns"] for one in rows(folder / "pins.jsonl")} >= {one["t_ns"] for one in seen}
    assert any(one["event"] == "latency" for one in rows(folder / "events.jsonl"))
    return told


def check_verdict(told: dict[str, Any], ran: "subprocess.CompletedProcess[str]") -> None:
    """Good or not, as fast as this machine just is: the exit code and the words say the same as the figures."""
    slow = told["net_us"]["all"]["max"] > 300_000
    assert told["good"] is not slow
    assert told["over"] == told["net_us"]["all"]["over_limit"]
    assert (told["over"] > 0) is slow
    assert ran.returncode == (1 if slow else 0), ran.stderr
    assert ran.stderr.startswith(f"asvkit: {told['over']} of 3 took longer than 300 ms" if slow else "")
    assert bool(ran.stderr) is slow


@pytest.mark.long
@pytest.mark.parametrize(
    "stimulus",
    [
        pytest.param("can"),
        pytest.param("radio", marks=pytest.mark.long),
        pytest.param("gnss", marks=pytest.mark.long),
        pytest.param("switch", marks=pytest.mark.long),
    ],
)
def test_a_unit_of_this_machine(stimulus: str, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    ran = bench("--stimulus", stimulus, "-n", 3, "--seed", 5, "--timeout", 20, "--keep", folder)
    told = check_kept(folder, stimulus, 3)
    check_verdict(told, ran)
    assert (told["n"], told["missing"], told["early"]) == (3, 0, 0), ran.stderr
    assert told["by_input"][INPUTS[stimulus]] > 0
    assert told["joined"] == 3
    hops = {row["to"] for row in told["hops"]}
    assert {"stamp", "taken", "decided", "lit", "written"} <= hops
    assert ("sounded" in hops) is (stimulus != "switch")
    assert ("sound" in told["net_us"]) is (stimulus != "switch")
    assert told["shown"] == ({"light": "steady"} if stimulus == "switch" else {"light": "caution", "tones_hz": [1000]})
    assert told["offset_us"]["wire"] > 0
    assert sum(told["phases"]) == 3
    if stimulus == "can":  # one lamp and the buzzer: what the report reckons from the same files
        check_report(folder, told)
    assert {"stimuli.jsonl", "seen.jsonl", "bench.json", "events.jsonl", "pins.jsonl"} <= {
        path.name for path in folder.iterdir() if path.is_file()
    }


def check_report(folder: Path, told: dict[str, Any]) -> None:
    """`asvkit latency` comes to the same figures by its own way."""
    report = subprocess.run(
        [*COMMAND[:-1], str(folder), "--json", "-"], check=False, capture_output=True, text=True, timeout=WAIT_S
    )
    total, ours = json.loads(report.stdout)["bench"]["total"], told["net_us"]["all"]  # reckoned from the files anew
    assert (total["n"], total["p50_us"]) == (3, pytest.approx(ours["p50"]["value"], abs=1))
    assert total["max_us"] == pytest.approx(ours["max"], abs=1)


@pytest.mark.long
def test_samples_that_do_not_come_are_counted_and_told(tmp_path: Path) -> None:
    """The wait is shorter than light can take: nothing is dropped silently, and the exit code says so."""
    code = (
        "import sys; from asvrig.latency import bench, session;"
        "bench._RESETS = 1; bench._RESET_NS = 900_000_000; session._DRIVES_S = session._STANDS_S = 0.1;"
        "import asvrig.latency.stimuli as s; s.Winker.fire = lambda self: self.car.winker('left');"
        "from asvtools.__main__ import main; sys.argv = ['asvkit', *sys.argv[1:]]; main()"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, "latency", "bench", "--stimulus", "can", "-n", "2", "--timeout", "0.3", "--json"],
        check=False, capture_output=True, text=True, timeout=WAIT_S,
    )  # fmt: skip
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1].endswith("2 of 2 were not seen within 0.3 s")
    told = json.loads(ran.stdout)
    assert (told["n"], told["missing"], told["over"], told["good"]) == (2, 2, 2, False)
    assert told["net_us"]["all"]["p50"]["value"] is None


def test_wrong_usage_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text("{}\n")
    ran = bench("--stimulus", "can", "--keep", tmp_path)
    assert ran.returncode == 2
    assert ran.stderr == f"asvkit: --keep: {tmp_path}: is not empty; name a new folder\n"
    assert (tmp_path / "events.jsonl").read_text() == "{}\n"


# A unit of a given configuration, with lines and a bus of its own


@contextlib.contextmanager
def wires() -> Iterator[tuple[str, str, str, str]]:
    """A serial line and a bus, both as two devices that are wired to one another: ours and the unit's of each."""
    with contextlib.ExitStack() as opened:
        line, bus = PtyDevice(), PtyDevice()  # our ends
        receiver, adapter = ReceiverPty(), SlcanPty()
        for one in (line, bus, receiver, adapter):
            opened.callback(one.close)
        reader, writer = os.pipe()
        opened.callback(os.close, reader)
        opened.callback(os.close, writer)

        def carry() -> None:
            rest = b""
            while True:
                ready, _, _ = select.select([line, bus, receiver, adapter, reader], [], [])
                if reader in ready:
                    return
                if line in ready:
                    receiver.write(os.read(line.fileno(), 4096))
                if bus in ready:
                    *frames, rest = (rest + os.read(bus.fileno(), 4096)).split(b"\r")
                    for text in frames:
                        if text.startswith(b"t"):  # else a command to the adapter
                            adapter.send(int(text[1:4], 16), False, bytes.fromhex(text[5:].decode()))
                for device in (receiver, adapter):
                    if device in ready:
                        device.service()

        thread = threading.Thread(target=carry)
        thread.start()
        try:
            yield line.path, f"slcan:{bus.path}", receiver.port, adapter.port
        finally:
            os.write(writer, b"x")
            thread.join()


def given(folder: Path, gnss: str, can: str) -> Path:
    """A configuration, as its user wrote it."""
    tables = {
        "vehicle": 'map = "bench"',
        "gnss": f'port = "{gnss}"\nbaud = 115200',
        "can": f'interface = "slcan"\nchannel = "{can}"\nbitrate = 500000',
        "radio": f'address = "{LOOPBACK}"\nport = {free_udp_port()}',
        "hmi": 'gpio = "mock"\nrecord = "my.pins.jsonl"\nself_test = false',
        "events": 'socket = "s"',
        "surrounding": "enabled = false",
    }
    path = folder / "unit.toml"
    path.write_text("config = 1\n" + "".join(f"\n[{name}]\n{text}\n" for name, text in tables.items()))
    return path


@pytest.mark.long
def test_the_unit_of_a_configuration_is_not_changed(tmp_path: Path) -> None:
    with wires() as (line, bus, gnss, can):
        path = given(tmp_path, gnss, can)
        text = path.read_text()
        ran = bench(
            "--stimulus", "radio", "-n", 3, "--config", path, "--gnss", line, "--can", bus,
            "--keep", tmp_path / "kept", "--json", "--timeout", 20,
        )  # fmt: skip
    assert path.read_text() == text
    told = json.loads(ran.stdout)
    check_verdict(told, ran)
    assert told["target"]["target"] == "unit.toml"
    assert told["offsets"]["wire"] == "not known: nothing is subtracted"
    assert (told["n"], told["missing"], told["joined"]) == (3, 0, 3)
    assert (tmp_path / "my.pins.jsonl").exists()


@contextlib.contextmanager
def wired_to(record: Path, lgpio: StandIn) -> Iterator[None]:
    """The pins of a unit's record as they look on the bench's lines: a wire at the caution lamp, a microphone."""
    pins = load_pins(None)
    assert pins.bench.loopback
    assert pins.bench.microphone
    probe = RecordProbe(record)
    probe.start()
    ended = threading.Event()

    def carry() -> None:
        done = 0
        while not ended.wait(0.005):
            seen = probe.seen
            for one in seen[done:]:
                if one.name == "caution":
                    lgpio.edge(pins.bench.loopback, one.value, one.t_ns)
                if one.name == "buzzer" and one.hz:
                    while time.monotonic_ns() < one.t_ns + 20_000_000:  # no edge is stamped before it is
                        ended.wait(0.002)
                    for at in range(40):
                        lgpio.edge(pins.bench.microphone, 1 - at % 2, one.t_ns + at * 500_000_000 // one.hz)
            done = len(seen)

    thread = threading.Thread(target=carry)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        probe.close()


@pytest.mark.long
@pytest.mark.parametrize(("by", "name"), [("loopback", "caution"), ("microphone", "buzzer")])
def test_a_unit_is_seen_by_edges_as_by_its_record(
    by: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lgpio = StandIn()
    monkeypatch.setattr(session, "Chip", lambda: Chip(lgpio))
    kept = tmp_path / "kept"
    kept.mkdir()
    with wires() as (line, bus, gnss, can), wired_to(tmp_path / "my.pins.jsonl", lgpio):
        path, wiring = given(tmp_path, gnss, can), Wiring(can=bus, gnss=line)
        asked = Asked("can", 3, probe=by, config=path, wiring=wiring, timeout_s=20)
        told = measure(asked, kept)
    assert (told["n"], told["missing"]) == (3, 0)
    assert set(told["net_us"]) == {"sound" if name == "buzzer" else "light", "all"}
    assert told["shown"] == ({"tones_hz": [1000]} if name == "buzzer" else {"light": "caution"})
    assert told["offset_us"]["wire"] > 200  # of a frame of 8 bytes at 500 kbit/s
    written = {one["t_ns"] for one in rows(tmp_path / "my.pins.jsonl") if one["name"] == name and one["value"]}
    seen = [one for one in rows(kept / "seen.jsonl") if one["value"]]
    assert len(seen) >= 3
    assert {one["t_ns"] for one in seen} <= written
    assert {(one["name"], one["by"], one["hz"]) for one in seen} == {(name, "edge", 1000 if name == "buzzer" else 0)}
    assert lgpio.claimed == {}
