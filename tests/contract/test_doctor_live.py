"""doctor on devices that answer: a receiver and an slcan adapter on ptys, a gpsd, mock pins, a unit that runs."""

import fcntl
import io
import json
import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cantools
import pytest

from asvrig.gnss_feed import sentence
from asvrig.live.receiver import ReceiverPty
from asvrig.live.slcan import SlcanPty
from asvtools import cli
from asvtools.doctor.can_listen import check_can
from asvtools.doctor.finding import Job
from asvtools.doctor.gnss import check_gnss
from asvtools.doctor.serial_line import open_line
from asvunit.config import Config
from asvunit.resources import data_folder

BENCH = cantools.database.load_file(data_folder("dbc") / "bench.dbc")
SECONDS = "1.5"


@contextmanager
def fed(step: Callable[[int], None], period_s: float = 0.1) -> Iterator[None]:
    """Calls `step` again and again in a thread, as a device that goes on by itself."""
    ended = threading.Event()

    def run() -> None:
        count = 0
        while not ended.wait(period_s):
            step(count)
            count += 1

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def burst(_count: int = 0) -> bytes:
    """One epoch of now, to the tenth of a second."""
    now = datetime.now(UTC)
    time, day = f"{now:%H%M%S}.{now.microsecond // 100_000}0", f"{now:%d%m%y}"
    place = "3541.3100,N,13941.5000,E"
    return (
        sentence(f"GNRMC,{time},A,{place},10.0,90.0,{day},,,A")
        + sentence(f"GNGGA,{time},{place},1,09,0.9,40.0,M,36.0,M,,")
        + sentence(f"GNGST,{time},2.0,,,,1.2,0.8,3.0")
    )


def say(adapter: SlcanPty, count: int) -> None:
    """What the adapter hears of the car, once it is open."""
    ready, _, _ = select.select([adapter], [], [], 0)
    if ready:
        adapter.service()
    if adapter.mode:
        for name, values in (
            ("MOTION", {"SPEED": 0, "ACCELERATION": 0, "BRAKE_LAMP": 1, "AUXILIARY_BRAKE": 0, "ACCELERATOR": 0}),
            ("BODY", {"WINKER_SWITCH": 0, "HAZARD_SWITCH": 0, "SHIFT_POSITION": 3}),
        ):
            message = BENCH.get_message_by_name(name)
            raw = values | {f"{name}_ALIVE": count % 16}
            adapter.send(message.frame_id, False, message.encode(raw, scaling=False, strict=False))


@pytest.fixture
def asvkit(capsys: Any, monkeypatch: Any) -> Callable[..., tuple[int, list[str], list[str]]]:
    def run(*arguments: str) -> tuple[int, list[str], list[str]]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
        code = cli.run(list(arguments))
        out, err = capsys.readouterr()
        return code, out.splitlines(), err.splitlines()

    return run


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as each:
        each.bind(("", 0))
        return int(each.getsockname()[1])


def unit(folder: Path, gnss: str, can: str) -> Path:
    file = folder / "unit.toml"
    file.write_text(
        f'[vehicle]\nmap = "bench"\n[gnss]\nport = "{gnss}"\n[can]\ninterface = "slcan"\nchannel = "{can}"\n'
        f'bitrate = 500000\n[radio]\nport = {free_port()}\n[hmi]\ngpio = "mock"\nrecord = "pins.jsonl"\n'
        '[events]\nfile = "events.jsonl"\n'
    )
    return file


def by_name(text: str) -> dict[str, dict[str, Any]]:
    return {check["name"]: check for check in json.loads(text)["checks"]}


def test_a_whole_unit_is_good_and_nothing_was_sent(asvkit: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("asvtools.doctor.pins_check._LIT_S", 0)
    with ReceiverPty() as receiver, SlcanPty() as adapter:
        file = unit(tmp_path, receiver.path, adapter.path)
        with fed(lambda _n: receiver.write(burst())), fed(lambda n: say(adapter, n), 0.02):
            code, out, err = asvkit("doctor", "--config", str(file), "--seconds", SECONDS, "--self-test", "--json")
        commands = adapter.commands
    found = by_name(out[0])
    failing = [name for name, check in found.items() if check["needed"] and check["state"] == "problem"]
    assert (code, len(out), err, failing) == (0, 1, [], [])
    for name in ("gnss port", "gnss baud", "gnss sentences", "gnss fix", "gnss time", "can map", "can link"):
        assert found[name]["state"] == "ok", found[name]
    for name in ("can traffic", "can signals", "radio port", "radio own frames", "gpio", "self-test", "events folder"):
        assert found[name]["state"] == "ok", found[name]
    assert found["gnss rate"]["found"]["rate_hz"] > 1
    assert found["can signals"]["found"]["missing"] == []
    page = (Path(__file__).resolve().parents[2] / "docs" / "doctor.md").read_text(encoding="utf-8")
    keys = {key for check in found.values() for key in check["found"]}
    assert {key for key in keys if f"`{key}`" not in page} == set()
    assert "L" in commands
    assert not [each for each in commands if each.startswith(("t", "T", "r", "R", "O"))]
    pins = [json.loads(line) for line in (tmp_path / "pins.jsonl").read_text().splitlines()]
    assert {each["name"]: each["value"] for each in pins} == {each["name"]: 0 for each in pins}


def test_a_unit_with_nothing_attached_names_its_parts(asvkit: Any, tmp_path: Path) -> None:
    file = unit(tmp_path, str(tmp_path / "no_receiver"), str(tmp_path / "no_adapter"))
    code, out, err = asvkit("doctor", "--config", str(file), "--only", "gnss,can", "--seconds", "0.1")
    assert code == 1
    assert err == ["asvkit: this unit cannot work as configured: gnss port, can link"]
    assert out[0].startswith("problem  gnss port:")
    assert "no_receiver is not there" in " ".join(" ".join(out).split())


def test_a_receiver_that_another_process_plays_is_free(tmp_path: Path) -> None:
    """As in a rig: who holds both ends of the pty is no thief of it."""
    with ReceiverPty() as receiver:
        file = tmp_path / "unit.toml"
        file.write_text(f'[gnss]\nport = "{receiver.path}"\n')
        command = [sys.executable, "-m", "asvtools.cli", "doctor", "--config", str(file), "--only", "gnss"]
        with fed(lambda _n: receiver.write(burst())):
            done = subprocess.run(
                [*command, "--seconds", SECONDS], capture_output=True, text=True, check=False, timeout=60
            )
    assert (done.returncode, done.stderr) == (0, "")
    assert "NMEA at 9600 baud" in done.stdout


def test_a_silent_receiver_and_a_silent_car(asvkit: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("asvtools.doctor.serial_line.SCAN_S", 0.02)
    with ReceiverPty() as receiver, SlcanPty() as adapter:
        file = unit(tmp_path, receiver.path, adapter.path)
        code, out, _err = asvkit("doctor", "--config", str(file), "--only", "gnss,can", "--seconds", "0.2", "--json")
    found = by_name(out[0])
    assert code == 1
    assert found["gnss baud"]["found"]["speaks_at"] is None
    assert "ignition" in found["can traffic"]["mend"]


def test_a_running_units_devices_are_left_alone(asvkit: Any, tmp_path: Path) -> None:
    with ReceiverPty() as receiver, SlcanPty() as adapter:
        file = unit(tmp_path, receiver.path, adapter.path)
        with file.open("rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            code, out, err = asvkit("doctor", "--config", str(file), "--seconds", "0.1", "--self-test", "--json")
        ready, _, _ = select.select([adapter], [], [], 0)
    found = by_name(out[0])
    assert (code, err, ready) == (0, [], [])
    assert {found[name]["state"] for name in ("unit", "gnss", "can link", "self-test")} == {"skipped"}
    assert found["radio port"]["state"] == "ok"


def test_an_adapter_that_another_program_has_locked_is_not_written_to(tmp_path: Path) -> None:
    with SlcanPty() as adapter:
        held = os.open(adapter.path, os.O_RDWR | os.O_NOCTTY)
        fcntl.flock(held, fcntl.LOCK_EX)
        given = {"vehicle": {"map": "bench"}, "can": {"interface": "slcan", "channel": adapter.path}}
        found = {each.name: each for each in check_can(Job(0.1, Config.model_validate(given)))}
        os.close(held)
        ready, _, _ = select.select([adapter], [], [], 0)
    assert ("another program has it open" in found["can link"].detail, ready) == (True, [])


def test_a_port_that_another_program_has_locked(tmp_path: Path) -> None:
    with ReceiverPty() as receiver:
        held = os.open(receiver.path, os.O_RDWR | os.O_NOCTTY)
        fcntl.flock(held, fcntl.LOCK_EX)
        config = Config.model_validate({"gnss": {"port": receiver.path}})
        found = {each.name: each for each in check_gnss(Job(0.1, config))}
        os.close(held)
    assert found["gnss baud"].fails
    assert "another program has it open" in found["gnss baud"].detail


def test_unplugged_while_listened_to() -> None:
    with ReceiverPty() as receiver:

        def opener(port: str, baud: int) -> Any:
            line = open_line(port, baud)
            threading.Timer(0.1, receiver.unplug).start()
            return line

        config = Config.model_validate({"gnss": {"port": receiver.path}})
        found = {each.name: each for each in check_gnss(Job(30, config), opener)}
    assert found["gnss baud"].fails
    assert "look at its plug" in found["gnss baud"].mend


# gpsd

VERSION = {"class": "VERSION", "release": "3.22", "proto_major": 3, "proto_minor": 14}
DEVICES = {"class": "DEVICES", "devices": [{"class": "DEVICE", "path": "/dev/ttyACM0"}]}


def tpv(at: datetime, **told: Any) -> dict[str, Any]:
    time = at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    report = {"class": "TPV", "device": "/dev/ttyACM0", "mode": 3, "time": time, "lat": 35.7, "lon": 139.7}
    return {**report, "speed": 0.1, "eph": 4.2, **told}


@contextmanager
def gpsd(*reports: Any) -> Iterator[str]:
    """A gpsd that says these to who watches, and ends."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            try:
                link, _peer = server.accept()
            except OSError:
                return
            with link:
                asked.append(link.recv(1000))
                lines = [each if isinstance(each, bytes) else json.dumps(each).encode() + b"\r\n" for each in reports]
                link.sendall(b"".join(lines))  # and ends: who listens need not wait

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert asked == [b'?WATCH={"enable":true,"json":true};\n']


def through(address: str, **gnss: Any) -> dict[str, Any]:
    config = Config.model_validate({"gnss": {"gpsd": address, **gnss}})
    return {each.name: each for each in check_gnss(Job(10, config))}


def test_a_gpsd_with_a_fix() -> None:
    now = datetime.now(UTC)
    sky = {"class": "SKY", "device": "/dev/ttyACM0", "hdop": 0.8, "satellites": [{"used": True}, {"used": False}]}
    reports = [tpv(now + timedelta(milliseconds=200 * n)) for n in range(3)]
    with gpsd(
        VERSION, DEVICES, sky, b"not JSON\r\n", b"[1]\r\n", b'{"class":"TPV","mode":"?","time":7}\r\n', *reports
    ) as at:
        found = through(at)
    assert {name: each.state for name, each in found.items()} == dict.fromkeys(
        ("gnss gpsd", "gnss fix", "gnss rate", "gnss time"), "ok"
    )
    assert "gpsd 3.22, /dev/ttyACM0" in found["gnss gpsd"].detail
    assert found["gnss fix"].detail == "3D fix, 1 satellite, HDOP 0.8, error 4.2 m"
    assert found["gnss rate"].found["rate_hz"] == 5.0


@pytest.mark.parametrize(
    ("reports", "gnss", "name", "text"),
    [
        ([VERSION, {**DEVICES, "devices": []}], {}, "gnss gpsd", "no device"),
        ([VERSION, DEVICES], {}, "gnss gpsd", "no report (TPV)"),
        ([VERSION, DEVICES], {"device": "/dev/ttyUSB3"}, "gnss gpsd", "not /dev/ttyUSB3"),
        ([b"SSH-2.0-OpenSSH\r\n"], {}, "gnss gpsd", "not as gpsd does"),
        ([VERSION, DEVICES, tpv(datetime.now(UTC), mode=1)], {}, "gnss fix", "no fix"),
        ([VERSION, DEVICES, tpv(datetime.now(UTC), speed=None)], {}, "gnss fix", "no direction"),
    ],
)
def test_what_a_gpsd_may_lack(reports: list[Any], gnss: dict[str, Any], name: str, text: str) -> None:
    with gpsd(*reports) as at:
        found = through(at, **gnss)
    assert found[name].fails
    assert text in found[name].detail
    assert found[name].mend


def test_no_gpsd_at_all() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        at = f"127.0.0.1:{server.getsockname()[1]}"
    found = through(at)
    assert found["gnss gpsd"].fails
    assert "systemctl enable --now gpsd.socket" in found["gnss gpsd"].mend
