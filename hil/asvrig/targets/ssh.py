"""The target on another machine, a Raspberry Pi as a rule: an agent there by SSH, and the wires of a bench file."""

import contextlib
import io
import json
import subprocess
import tarfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from asvrig.agent.supervisor import Service, read_service
from asvrig.agent.unit import AgentUnit
from asvrig.results import git_revision, pins_sha256
from asvrig.targets import ssh_connection, ssh_tables
from asvrig.targets.resources import UdpNetwork
from asvrig.targets.ssh_bench import BenchFile, read_bench, read_host
from asvrig.targets.ssh_lines import (
    BusCan,
    FifoPress,
    HelperLine,
    NoPress,
    RemoteCan,
    RemoteReceiver,
    SerialReceiver,
    bench_press,
    helper_press,
)
from asvrig.targets.ssh_pins import ClocksKept, FarProbe, NoProbe
from asvrig.targets.tables import merged, toml_text
from asvrig.targets.target import Air, CanLine, Described, Done, NotOnTarget, Receiver, Switches, Tables
from asvunit.errors import AsvkitError
from asvunit.pins import load_pins
from asvunit.resources import data_folder

missing = ssh_connection.missing

DISK_MIB: Final = 96
_READY_S: Final = 30.0
_POWER_S: Final = 60.0
_AGAIN_S: Final = 2.0


def ssh_target(folder: Path, host: str, options: Path | None = None) -> "SshTarget":
    """Opened; `host` is USER@HOST[:PORT], `options` the bench file, None: $ASVKIT_BENCH, else bench.toml if it is here.

    What its units write comes into `folder` when it is closed.
    """
    return SshTarget(folder, host, read_bench(options))


class SshTarget:
    """`targets.target.Target`."""

    receiver: Receiver
    can: CanLine
    air: Air
    switches: Switches
    pins: FarProbe | NoProbe | Any

    def __init__(self, folder: Path, host: str, bench: BenchFile) -> None:
        self.name = f"ssh:{host}"
        self._host, self._bench, self._keep = read_host(host), bench, folder
        self._unit: AgentUnit | None = None
        self._units = 0
        self._chip: Any = None
        self._opened = ExitStack()
        load_pins(Path(bench.pins.map) if bench.pins.map else None)  # refused before anything is opened
        try:
            self._open_here()
            self._connect()
        except BaseException:
            self._opened.close()
            raise

    # What is opened

    def _open_here(self) -> None:
        """Wires of this bench."""
        bench, opened = self._bench, self._opened
        if bench.gnss.line:
            self.receiver = line = SerialReceiver(bench.gnss)
            opened.callback(line.close)
        if bench.can.bus:
            self.can = bus = BusCan(bench.can)
            opened.callback(bus.close)
        if bench.radio.kind == "ocb":
            from asvrig.targets.ssh_air import EthernetAir

            self.air = ether = EthernetAir(bench.radio.interface or "")
            opened.callback(ether.close)
        else:
            from asvrig.targets.drivers_air import UdpAir

            self.air = air = UdpAir(UdpNetwork(bench.radio.port, bench.radio.address, bench.radio.interface))
            opened.callback(air.close)
        if bench.pins.see == "edges" and bench.pins.at == "bench":
            from asvrig.latency.edges import Chip
            from asvrig.latency.probes import EdgeProbe

            self._chip = Chip()
            opened.callback(self._chip.close)
            self.pins = EdgeProbe(self._chip, bench.pins.lights, bench.pins.tones)
            opened.callback(self.pins.close)
            self.pins.start()
            self.switches = bench_press(self._chip, bench.pins.press) if bench.pins.press else NoPress()

    def _connect(self) -> None:
        """The agent, and what is made over there; again after its power was cut."""
        self._there = ExitStack()
        self._opened.callback(self._there.close)
        self._client, self._python = ssh_connection.connect(self._host, self._bench.machine, self._keep)
        self._there.callback(self._client.close)
        folder = str(self._client.told["folder"])
        self._room = f"{folder.rpartition('/')[0]}/bench"
        self._must("rm", "-rf", self._room)
        self._must("mkdir", "-p", self._room)
        root = self._client.told["user"] == 0
        self._small = False
        if root and not self._bench.power.on:  # a disk in memory does not outlive the power
            self._client.run(["umount", "-l", folder])  # that of an agent that was killed
            self._client.fault("small_disk", path=".", mib=DISK_MIB)  # it goes with the agent
            self._small = True
        if self._bench.pins.map:
            self._client.write(f"{self._room}/pins.toml", Path(self._bench.pins.map).read_bytes())
        clocks = ClocksKept(self._client)
        self._there.callback(clocks.close)
        self._help(clocks)
        self.pace = 1
        self.abilities = ssh_tables.abilities(self._bench, root=root, small_disk=self._small)

    def _help(self, clocks: ClocksKept) -> None:
        """What stands on the unit's machine, for want of wires, and its pins."""
        pins = self._bench.pins
        pins_there = pins.see == "edges" and pins.at == "pi"
        asked: dict[str, Any] = {}
        if not self._bench.gnss.line:
            asked["gnss"] = f"{self._room}/gnss"
        if not self._bench.can.bus:
            asked["can"] = f"{self._room}/can"
        if pins_there:
            asked |= {"lights": pins.lights, "tones": pins.tones, "press": pins.press}
        far: FarProbe | None = None
        if pins.see == "record":
            far = self._far("record", None, clocks)
            far.follow(self._client, f"{self._room}/pins.jsonl")
            self.switches = FifoPress(self._client, f"{self._room}/switches")
        elif pins_there:
            far = self._far("edge", frozenset({*pins.lights, *pins.tones}), clocks)
        elif pins.see == "none":
            self.pins, self.switches = NoProbe(), NoPress()
        if not asked:
            return

        def told(event: dict[str, Any]) -> None:
            if event.get("event") == "seen" and far is not None:
                far.take(event)

        argv = [*self._python, "asvrig.targets.ssh_helper", json.dumps(asked)]
        program = self._client.start(argv, output=True, name="helper", on_event=told)
        program.wait_ready(_READY_S)
        helper = HelperLine(program)
        if not self._bench.gnss.line:
            self.receiver = RemoteReceiver(helper)
        if not self._bench.can.bus:
            self.can = RemoteCan(helper)
        if pins_there:
            self.switches = helper_press(helper, clocks) if pins.press else NoPress()

    def _far(self, by: str, names: frozenset[str] | None, clocks: ClocksKept) -> FarProbe:
        """The probe stays the same over all connections: who waits on it holds it."""
        found = getattr(self, "pins", None)
        if not isinstance(found, FarProbe):
            found = FarProbe(by, names, clocks)
            self.pins = found
        found.lay(clocks)
        return found

    # `targets.target.Target`

    def describe(self) -> Described:
        """That machine, and the wires."""
        path = Path(self._bench.pins.map) if self._bench.pins.map else None
        versions = {name: str(self._client.told[name]) for name in ("python", "kernel", "machine", "system")}
        return Described(self.name, git_revision(), pins_sha256(path), ssh_tables.devices(self._bench), versions)

    def config(self) -> dict[str, dict[str, Any]]:
        """The tables that bind a unit to this bench."""
        return ssh_tables.config(self._bench, self._room)

    def start(self, tables: Tables | None = None, *, supervised: bool = False) -> AgentUnit:
        """A unit, not waited for; AsvkitError while another one runs."""
        if self._unit is not None and self._unit.exit_code is None:
            raise AsvkitError(f"{self._unit.name} still runs; one unit at a time")
        if self._unit is not None:
            self._unit.stop()
        self._units += 1
        name = f"unit-{self._units}"
        text = toml_text({"config": 1, **merged(self.config(), tables or {})})
        self._client.write(f"{name}.toml", text.encode())
        self._unit = self._client.start(
            [*self._asvkit(), "run", "--config", f"{name}.toml", "--stop-on-eof"],
            supervised=self._service(name) if supervised else False,
            name=name,
            socket=f"{self._room}/events",
        )
        return self._unit

    def command(self, *argv: str, timeout_s: float = 30) -> Done:
        """In the unit's folder there."""
        whole = [*self._asvkit(), *argv[1:]] if argv[0] == "asvkit" else list(argv)
        return self._client.run(whole, timeout_s)

    def read(self, path: str) -> bytes:
        """AsvkitError where it cannot be read."""
        return self._client.read(path)

    def write(self, path: str, data: bytes) -> None:
        """Folders on the way are made; AsvkitError where it cannot be written."""
        self._client.write(path, data)

    def fault(self, name: str, **how: Any) -> Callable[[], None]:
        """clock(step_s), disk_full(leave_bytes=0), hog(processes=0, nice=0), power(); what is returned undoes it."""
        if name not in self.abilities or name not in ("clock", "disk_full", "hog", "power"):
            raise NotOnTarget(f"{name}: the target {self.name} cannot do that here{ssh_tables.MENDS.get(name, '')}")
        if name == "power":
            self._cut_power()
            return lambda: None
        return self._client.fault(name, **({"path": "."} | how if name == "disk_full" else how))

    def close(self) -> None:
        """Ends the unit and brings its files here; may be called twice."""
        with contextlib.suppress(AsvkitError):
            if self._unit is not None:
                self._unit.stop()
        unit, self._unit = self._unit, None
        if unit is not None:
            with contextlib.suppress(AsvkitError, tarfile.TarError, OSError):  # what cannot be kept is no failure
                self._fetch()
        self._opened.close()

    # How it is done

    def _asvkit(self) -> list[str]:
        return [*self._python, "asvtools.cli"]

    def _service(self, name: str) -> Service:
        """As hardware/asvkit.service asks; mock pins have no lamps to be left lit."""
        path = data_folder("hardware") / "asvkit.service"
        asked = read_service(path.read_text(encoding="utf-8")) if path.exists() else Service()
        off = (*self._asvkit(), "gpio", "off", "--config", f"{name}.toml") if self._bench.pins.see == "edges" else ()
        return replace(asked, stop_post=off)

    def _must(self, *argv: str) -> None:
        done = self._client.run(argv)
        if done.code:
            raise AsvkitError(f"{self.name}: {argv[0]}: {' '.join(done.err.split())}")

    def _cut_power(self) -> None:
        """Takes it away and gives it back; the unit there is gone, what it had recorded is to be read."""
        power = self._bench.power
        self._command_here("power.off", power.off)
        self._client.abandon()
        self._there.close()
        self._unit = None
        self._command_here("power.on", power.on)
        until_s = time.monotonic() + power.boot_s
        while True:
            try:
                self._connect()
                return
            except AsvkitError:
                if time.monotonic() > until_s:
                    raise
                time.sleep(_AGAIN_S)

    def _command_here(self, key: str, argv: list[str]) -> None:
        try:
            done = subprocess.run(argv, capture_output=True, timeout=_POWER_S, check=False)  # noqa: S603
        except (OSError, subprocess.TimeoutExpired) as error:
            raise AsvkitError(f"{key}: {argv[0]}: {getattr(error, 'strerror', None) or error}") from error
        if done.returncode:
            told = " ".join(done.stderr.decode("utf-8", "replace").split())
            raise AsvkitError(f"{key}: {argv[0]} ended with code {done.returncode}: {told}")

    def _fetch(self) -> None:
        self._must("tar", "-czf", f"{self._room}/kept.tar.gz", "--exclude=helper.err", ".")
        with tarfile.open(fileobj=io.BytesIO(self._client.read(f"{self._room}/kept.tar.gz"))) as kept:
            kept.extractall(self._keep, filter="data")
