"""The target on another machine, over a real ssh server of this one: stand-ins there, wires here, what is told."""

import contextlib
import json
import os
import re
import select
import sys
import threading
import time
import tomllib
import tty
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from asvrig.live.radio import free_udp_port
from asvrig.playing import play, scenario_of, unit_tables
from asvrig.targets import ssh_connection
from asvrig.targets.named import open_target
from asvrig.targets.ssh import SshTarget, ssh_target
from asvrig.targets.ssh_bench import VARIABLE, BenchFile, read_bench, read_host
from asvrig.targets.target import ABILITIES, NotOnTarget
from asvunit.errors import AsvkitError, UsageError
from asvunit.message import decode
from nettools import ip, namespace, need_root, unique
from sshtools import Server, server

READY_S = 30.0


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with server(tmp_path_factory.mktemp("sshd")) as opened:
        yield opened


def bench_text(machine: Server, folder: Path, more: str = "", radio: str = "") -> str:
    radio = radio or f'address = "127.255.255.255"\nport = {free_udp_port()}'
    return (
        f'[machine]\nfolder = "{folder}"\npython = "{sys.executable}"\nssh = {json.dumps(machine.options)}\n'
        f"[radio]\n{radio}\n{more}"
    )


def bench_file(machine: Server, folder: Path, more: str = "", radio: str = "") -> Path:
    path = folder / "bench.toml"
    path.write_text(bench_text(machine, folder / "pi", more, radio))
    return path


@pytest.mark.long
def test_a_unit_there_is_driven_seen_and_kept(machine: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(bench_file(machine, tmp_path)))
    kept = tmp_path / "kept"
    target = open_target(f"ssh:{machine.host}", kept)
    try:
        assert {"unplug", "switches", "pins", "air", "hog", "supervisor"} <= target.abilities
        assert not {"clock", "power", "pwm", "ocb", "bus_off"} & target.abilities
        told = target.describe()
        assert told.devices["pins"] == "mock, by their record"
        assert told.versions["kernel"] == os.uname().release
        assert target.command("asvkit", "--version").out.startswith("asvkit ")
        target.write("deep/file", b"\0" * 70_000)
        assert target.read("deep/file") == b"\0" * 70_000
        # Ego's receiver and bus play over there, the lamp is seen here
        scenario = scenario_of("surrounding_approaching")
        unit = target.start(unit_tables(scenario, target, unit_seed=5), supervised=True)
        unit.wait_ready(READY_S)
        with pytest.raises(AsvkitError, match="unit-1 still runs"):
            target.start()
        begun_ns = time.monotonic_ns()
        with play(scenario, target) as playing:
            lit = target.pins.wait(lambda one: one.name == "receiving" and one.value == 1, begun_ns + 20 * 10**9)
            assert lit is not None
            assert begun_ns < lit.t_ns < time.monotonic_ns()
            heard = target.air.wait(lambda one: decode(one.payload)["latitudinal_degree"] == 36, 10)
            assert heard is not None
            playing.stop()
        # Unplugged, pressed, killed and started again
        target.receiver.unplug()
        unit.wait_event(lambda one: one.get("input") == "gnss" and one["state"] == "disconnected", 10)
        target.receiver.plug()
        assert target.switches.press("mute", 1) <= time.monotonic_ns()
        seen = len(unit.events)
        unit.kill()
        unit.wait_event(lambda one: one["event"] == "ready", READY_S, since=seen)
        assert unit.exits == [-9]
        undo = target.fault("hog", processes=1, nice=19)
        undo()
        with pytest.raises(NotOnTarget, match=r"clock: the target ssh:.* cannot do that here: machine.sudo"):
            target.fault("clock", step_s=5)
        with pytest.raises(NotOnTarget, match="bus_off"):
            target.fault("bus_off")
    finally:
        target.close()
        target.close()
    assert {"unit-1.toml", "unit-1.err", "deep"} <= {one.name for one in kept.iterdir()}
    assert not _running(str(tmp_path / "pi"))


class Cable:
    """Two pseudo terminals joined: what goes into one comes out of the other."""

    def __init__(self) -> None:
        self._ends = [os.openpty(), os.openpty()]
        for _master, slave in self._ends:
            tty.setraw(slave)
        self.names = [os.ttyname(slave) for _master, slave in self._ends]
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        (one, _), (other, _) = self._ends
        while not self._ended.is_set():
            for ready in select.select([one, other], [], [], 0.1)[0]:
                os.write(other if ready == one else one, os.read(ready, 4096))

    def close(self) -> None:
        self._ended.set()
        self._thread.join()
        for end in self._ends:
            for descriptor in end:
                os.close(descriptor)


@pytest.mark.long
def test_wires_of_this_bench_reach_the_unit(machine: Server, tmp_path: Path) -> None:
    """A serial line to its receiver input, and an adapter on its bus; nothing stands in for them there."""
    cable = Cable()
    port = free_udp_port()
    more = (
        f'[gnss]\nline = "{cable.names[0]}"\nport = "{cable.names[1]}"\nbaud = 115200\n'
        '[can]\nbus = "udp_multicast:239.74.163.2"\ninterface = "udp_multicast"\nchannel = "239.74.163.2"\n'
        f"listen_s = 0.1\noptions = {{ port = {port} }}\n"
        '[pins]\nsee = "none"\n'
    )
    with ExitStack() as opened:
        opened.callback(cable.close)
        target = ssh_target(tmp_path, machine.host, bench_file(machine, tmp_path, more))
        opened.callback(target.close)
        assert not {"unplug", "switches", "pins"} & target.abilities
        assert target.config()["can"] == {
            "interface": "udp_multicast", "channel": "239.74.163.2", "options": {"port": port}
        }  # fmt: skip
        unit = target.start()
        unit.wait_ready(READY_S)
        with play(scenario_of("surrounding_approaching"), target):
            unit.wait_event(lambda one: one.get("input") == "gnss" and one["state"] == "ok", 20)
            unit.wait_event(lambda one: one.get("input") == "can" and one["state"] == "ok", 20)
        for refused in (target.receiver.unplug, target.can.plug, lambda: target.switches.press("mute", 1)):
            with pytest.raises(NotOnTarget):
                refused()


@pytest.mark.long
def test_power_is_cut_and_the_machine_comes_back(machine: Server, tmp_path: Path) -> None:
    """By commands of this bench; what stands in for the power here ends the agent without a word."""
    cut = tmp_path / "cut.py"
    cut.write_text(
        "import os, pathlib, signal\n"
        "for one in pathlib.Path('/proc').glob('[0-9]*'):\n"
        "    try:\n"
        f"        ours = os.readlink(one / 'cwd').startswith({str(tmp_path / 'pi')!r})\n"
        "        if ours: os.kill(int(one.name), signal.SIGKILL)\n"
        "    except OSError: pass\n"
    )
    more = f'[power]\noff = ["{sys.executable}", "{cut}"]\non = ["true"]\n'
    target = ssh_target(tmp_path, machine.host, bench_file(machine, tmp_path, more))
    try:
        assert "power" in target.abilities
        unit = target.start()
        unit.wait_ready(READY_S)
        target.write("recorded", b"kept")
        pins = target.pins
        target.fault("power")()
        with pytest.raises(AsvkitError, match="agent is gone"):
            unit.wait_event(lambda one: one["event"] == "no such", 5)
        assert target.read("recorded") == b"kept"
        assert target.pins is pins
        pins.skip()
        again = target.start()
        again.wait_ready(READY_S)
        assert pins.wait(lambda one: one.name == "system", time.monotonic_ns() + 10 * 10**9)
        assert again.stop() == 0
    finally:
        target.close()


@pytest.mark.long
def test_frames_pass_an_ethernet_of_the_bench(machine: Server, tmp_path: Path) -> None:
    """A pair of virtual Ethernets stands for two radios in OCB mode."""
    need_root()
    ours, theirs = unique("sb"), unique("su")
    with namespace():  # for its skips
        ip("link", "add", ours, "type", "veth", "peer", "name", theirs)
    try:
        for name in (ours, theirs):
            ip("link", "set", name, "up")
        radio = f'kind = "ocb"\ninterface = "{ours}"\nunit_interface = "{theirs}"'
        target = ssh_target(tmp_path, machine.host, bench_file(machine, tmp_path, radio=radio))
        try:
            assert "ocb" in target.abilities
            unit = target.start()
            unit.wait_ready(READY_S)
            heard = target.air.wait(lambda one: len(one.payload) == 100, 10)
            assert heard is not None
            own = unit.wait_event(lambda one: one["event"] == "start", 5)
            assert heard.source.count(":") == 5
            sender = target.air.sender(1)
            sender.send(heard.payload[:3] + b"\x77" + heard.payload[4:])
            found = unit.wait_event(lambda one: sender.source in json.dumps(one), 10)
            assert found["event"] != own["event"]
        finally:
            target.close()
    finally:
        ip("link", "del", ours)


@pytest.mark.long
def test_what_ssh_and_the_machine_say_is_told_in_a_line(machine: Server, tmp_path: Path) -> None:
    stranger = ["-F", "none", "-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={tmp_path}/known"]
    cases: list[tuple[dict[str, object], str]] = [
        ({"ssh": stranger}, "ssh-copy-id"),
        ({"ssh": machine.options, "python": "/nowhere/python"}, "/nowhere/python"),
        ({"ssh": machine.options, "python": "/usr/bin/env"}, "env"),
        ({"ssh": machine.options, "folder": "/proc/nowhere"}, "/proc/nowhere"),
    ]
    for keys, said in cases:
        bench = BenchFile.model_validate({"machine": {"folder": str(tmp_path / "pi"), **keys}})
        with pytest.raises(AsvkitError, match=said) as told:
            SshTarget(tmp_path, machine.host, bench)
        assert "\n" not in str(told.value)
        assert str(told.value).startswith("ssh:")
    refused = f"{machine.host.partition(':')[0]}:1"
    bench = BenchFile.model_validate({"machine": {"folder": str(tmp_path / "pi"), "ssh": machine.options}})
    with pytest.raises(AsvkitError, match="onnection refused"):
        SshTarget(tmp_path, refused, bench)


@pytest.mark.long
def test_an_installed_asvkit_of_another_version_is_told(
    machine: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = {"folder": str(tmp_path / "pi"), "python": sys.executable, "ssh": machine.options, "install": "installed"}
    bench = BenchFile.model_validate({"machine": keys, "radio": {"address": "127.255.255.255"}})
    host = read_host(machine.host)
    client, _python = ssh_connection.connect(host, bench.machine, tmp_path)
    client.close()
    monkeypatch.setattr(ssh_connection, "version", lambda _name: "9.9.9")
    with pytest.raises(AsvkitError, match=r"has asvkit 0\.[\d.]+, this bench 9.9.9; install the same"):
        ssh_connection.connect(host, bench.machine, tmp_path)


@pytest.mark.long
def test_the_code_is_sent_once_and_is_the_same_for_the_same_files(machine: Server, tmp_path: Path) -> None:
    assert ssh_connection.pack_code() == ssh_connection.pack_code()
    keys = {"folder": str(tmp_path / "pi"), "python": sys.executable, "ssh": machine.options}
    bench = BenchFile.model_validate({"machine": keys})
    places = []
    for _ in range(2):
        client, _python = ssh_connection.connect(read_host(machine.host), bench.machine, tmp_path)
        told = client.run([sys.executable, "-P", "-c", "import asvunit.live; print(asvunit.live.__file__)"])
        client.close()
        places.append((told.out, [(one.name, one.stat().st_mtime_ns) for one in (tmp_path / "pi").glob("code-*")]))
    assert places[0] == places[1]
    assert str(tmp_path / "pi" / "code-") in places[0][0]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("pi@10.0.0.2", ("pi@10.0.0.2", None)),
        ("pi.local:2222", ("pi.local", 2222)),
        ("pi@[fe80::1%eth0]:22", ("pi@fe80::1%eth0", 22)),
    ],
)
def test_a_machine_is_named_as_ssh_names_it(text: str, found: tuple[str, int | None]) -> None:
    host = read_host(text)
    assert (host.destination, host.port) == found


@pytest.mark.parametrize("text", ["-oProxyCommand=x", "a@-b", "", "pi@", "pi@host:70000", "a b", "@host", "host:port"])
def test_what_is_no_machine_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="give ssh:USER@HOST"):
        read_host(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[gnss]\nbaud = 1\n", "gnss.baud: "),
        ("[pins]\nseen = 'edges'\n", "pins.seen: unknown key; did you mean see"),
        ("[pins]\nsee = 'edges'\n", 'pins.lights: see = "edges" needs'),
        ("[pins]\nlights = { caution = 16 }\n", "pins.see: lights, tones and press are of"),
        ("[radio]\nkind = 'ocb'\n", "radio.interface: kind"),
        ("[power]\noff = ['true']\n", "power.on: "),
        ("[can]\nbus = 'can0'\n", "can.bus: "),
    ],
)
def test_a_bench_file_that_does_not_go_together_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "bench.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as told:
        read_bench(path)
    assert str(told.value).startswith(f"{path}: {said}")


def test_what_the_bench_itself_lacks_is_told_before_the_machine_is_asked(tmp_path: Path) -> None:
    cases: list[tuple[dict[str, object], str]] = [
        ({"pins": {"map": "/nowhere.toml"}}, r"/nowhere\.toml: cannot be read"),
        ({"gnss": {"line": "/dev/nowhere"}}, r"gnss\.line: /dev/nowhere: cannot be opened"),
        ({"can": {"bus": "socketcan:nowhere"}}, "socketcan nowhere: cannot be opened"),
    ]
    for keys, said in cases:
        with pytest.raises(AsvkitError, match=said):
            SshTarget(tmp_path, "nobody@nowhere.invalid", BenchFile.model_validate(keys))
    assert not list(tmp_path.iterdir())


def test_without_a_bench_file_all_stands_on_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    assert read_bench(None) == BenchFile()
    (tmp_path / "bench.toml").write_text('[gnss]\nline = "/dev/ttyUSB0"\n')
    assert read_bench(None).gnss.line == "/dev/ttyUSB0"
    monkeypatch.setenv(VARIABLE, "/nowhere.toml")
    with pytest.raises(UsageError, match=r"/nowhere.toml: cannot be read"):
        read_bench(None)


def _running(word: str) -> list[str]:
    """Programs whose working directory is below a folder."""
    found = []
    for one in Path("/proc").glob("[0-9]*/cwd"):
        with contextlib.suppress(OSError):
            found.append(os.readlink(one))
    return [place for place in found if place.startswith(word)]


def test_the_document_has_every_key_of_the_bench_file(tmp_path: Path) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "hil-ssh.md").read_text(encoding="utf-8")
    shown = next(block for block in re.findall(r"```toml\n(.*?)```", page, re.DOTALL) if "version = 1" in block)
    path = tmp_path / "bench.toml"
    path.write_text(shown)
    told, keys = read_bench(path), tomllib.loads(shown)
    for name, field in BenchFile.model_fields.items():
        if name != "version":
            table = type(getattr(told, name))
            assert keys[name].keys() == table.model_fields.keys(), name
            assert f"[{name}]" in page
            assert field.is_required() is False
    # What stands there as it is without a file, and what does not
    for name, key in (("machine", "folder"), ("gnss", "port"), ("can", "bitrate"), ("power", "boot_s")):
        assert keys[name][key] == getattr(getattr(BenchFile(), name), key)
    example = next(block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "AgentClient" in block)
    compile(example, "hil-ssh.md", "exec")
    told_of = set(re.findall(r"`([a-z_]+)`", page.partition("| ability |")[2].partition("A supervised unit")[0]))
    assert set(ABILITIES) - told_of == {"bus_off"}
