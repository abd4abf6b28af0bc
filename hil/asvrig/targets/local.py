"""The target of this machine: ptys, loopback, and mock pins with their record stand in for the unit's devices."""

import platform
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from asvrig.agent import faults
from asvrig.agent.supervisor import Service, read_service
from asvrig.latency.probes import Probe, RecordProbe
from asvrig.live.device import PtyDevice
from asvrig.live.radio import free_udp_port
from asvrig.live.receiver import ReceiverPty
from asvrig.live.slcan import SlcanPty
from asvrig.results import git_revision, pins_sha256
from asvrig.targets import interposed
from asvrig.targets.bench_folder import BenchFolder
from asvrig.targets.drivers import Attendant, FifoSwitches, PtyCan, PtyReceiver
from asvrig.targets.drivers_air import UdpAir
from asvrig.targets.drivers_multicast import MulticastCan, free_adapter
from asvrig.targets.local_unit import LocalUnit
from asvrig.targets.resources import CanAdapter, MockPins, SerialLine, UdpNetwork
from asvrig.targets.tables import merged, toml_text
from asvrig.targets.target import Air, CanLine, Described, Done, NotOnTarget, Receiver, Switches, Tables
from asvrig.unit_config import check_socket_path
from asvunit.errors import AsvkitError
from asvunit.resources import data_folder

ASVKIT: Final = (sys.executable, "-P", "-m", "asvtools.cli")
_FAULTS: Final = ("bus_off", "clock", "disk_full", "hog", "power")
_ALWAYS: Final = frozenset({"switches", "pins", "air", "hog", "supervisor"})


def local_target(folder: Path, *, multicast: bool = False) -> "LocalTarget":
    """Opened; what its units write comes into `folder` when it is closed.

    `multicast`: the bus is one that can be lost, and not an adapter that can be unplugged.
    """
    return LocalTarget(folder, multicast=multicast)


class LocalTarget:
    """`targets.target.Target`."""

    def __init__(self, folder: Path, *, multicast: bool = False) -> None:
        self.name = "local-multicast" if multicast else "local"
        self._keep = folder
        self._unit: LocalUnit | None = None
        self._units = 0
        self._undo: list[Callable[[], None]] = []
        with ExitStack() as opened:
            self._folder = BenchFolder()
            opened.callback(self._folder.close, folder)
            room = self._folder.room
            self._between: interposed.Interposed | None = None
            if not interposed.missing():
                self._between = interposed.Interposed(room)
                opened.callback(self._between.close)
            devices: list[PtyDevice] = []
            receiver = ReceiverPty(room / "gnss")
            devices.append(receiver)
            opened.callback(receiver.close)
            self._can_options: dict[str, Any] = {}
            self._lossy: MulticastCan | None = None
            if multicast:
                self._adapter, self._can_options = free_adapter()
                self._lossy = MulticastCan(self._adapter, self._can_options)
                opened.callback(self._lossy.close)
                self.can: CanLine = self._lossy
            else:
                can = SlcanPty(room / "can")
                devices.append(can)
                opened.callback(can.close)
                self._adapter = CanAdapter("slcan", can.port)
                self.can = PtyCan(can)
            opened.callback(Attendant(*devices).close)
            self._pins = MockPins(room / "pins.jsonl", room / "switches")
            self._line = SerialLine(receiver.port)
            self._network = UdpNetwork(free_udp_port())
            self._socket = room / "events"
            check_socket_path(self._socket)
            self.receiver: Receiver = PtyReceiver(receiver)
            air = UdpAir(self._network)
            opened.callback(air.close)
            self.air: Air = air
            self.switches: Switches = FifoSwitches(self._pins.switches)
            self.pins: Probe = RecordProbe(self._pins.record)
            self.pins.start()
            opened.callback(self.pins.close)
            self._opened = opened.pop_all()
        self.pace = 1
        self.abilities = _ALWAYS | {"bus_off" if multicast else "unplug"}
        self.abilities |= {"disk_full"} if self._folder.small else set()
        self.abilities |= {"clock", "power"} if self._between else set()

    @property
    def folder(self) -> Path:
        """The unit's, while the target is open."""
        return self._folder.path

    def describe(self) -> Described:
        """This machine."""
        return Described(
            self.name,
            git_revision(),
            pins_sha256(),
            {
                "gnss": "pty",
                "can": "slcan on a pty" if self._lossy is None else "udp multicast",
                "radio": "udp on loopback",
                "pins": "mock, by their record",
                "clock": "its own, by a preloaded library" if self._between else "the machine's",
            },
            {"python": platform.python_version(), "kernel": platform.release(), "machine": platform.machine()},
        )

    def config(self) -> dict[str, dict[str, Any]]:
        """The tables that bind a unit to this bench."""
        return {
            "vehicle": {"map": "bench"},
            "gnss": {"port": self._line.port, "baud": self._line.baud},
            "can": {
                "interface": self._adapter.interface,
                "channel": self._adapter.channel,
                **({"bitrate": self._adapter.bitrate} if self._adapter.bitrate else {}),
                **({"options": self._can_options} if self._can_options else {}),
            },
            "radio": {"kind": "udp", "address": self._network.address, "port": self._network.port},
            "hmi": {
                "gpio": "mock",
                "record": str(self._pins.record),
                "switches": str(self._pins.switches),
                "self_test": False,
            },
            "events": {"socket": str(self._socket)},
        }

    def start(self, tables: Tables | None = None, *, supervised: bool = False) -> LocalUnit:
        """A unit, not waited for; AsvkitError while another one runs."""
        if self._unit is not None and self._unit.exit_code is None:
            raise AsvkitError(f"{self._unit.name} still runs; one unit at a time")
        if self._unit is not None:
            self._unit.stop()
        self._units += 1
        name = f"unit-{self._units}"
        path = self.folder / f"{name}.toml"
        path.write_text(toml_text({"config": 1, **merged(self.config(), tables or {})}), encoding="utf-8")
        self._unit = LocalUnit(
            name,
            [*ASVKIT, "run", "--config", str(path), "--stop-on-eof"],
            folder=self.folder,
            socket=self._socket,
            env=self._between.environment if self._between else {},
            service=_service() if supervised else None,
        )
        return self._unit

    def command(self, *argv: str, timeout_s: float = 30) -> Done:
        """In the unit's folder, by the machine's own clock."""
        whole = [*ASVKIT, *argv[1:]] if argv[0] == "asvkit" else list(argv)
        try:
            done = subprocess.run(  # noqa: S603
                whole,
                cwd=self.folder,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout_s,
                stdin=subprocess.DEVNULL,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise AsvkitError(f"{' '.join(argv)}: still runs after {timeout_s:g} s") from error
        except OSError as error:
            raise AsvkitError(f"{argv[0]}: cannot be run: {error.strerror}") from error
        return Done(done.returncode, done.stdout, done.stderr)

    def read(self, path: str) -> bytes:
        """AsvkitError where it cannot be read."""
        try:
            return (self.folder / path).read_bytes()
        except OSError as error:
            raise AsvkitError(f"{path}: cannot be read: {error.strerror}") from error

    def write(self, path: str, data: bytes) -> None:
        """Folders on the way are made; AsvkitError where it cannot be written."""
        whole = self.folder / path
        try:
            whole.parent.mkdir(parents=True, exist_ok=True)
            whole.write_bytes(data)
        except OSError as error:
            raise AsvkitError(f"{path}: cannot be written: {error.strerror}") from error

    def fault(self, name: str, **how: Any) -> Callable[[], None]:
        """clock(step_s), disk_full(leave_bytes=0), hog(processes=0, nice=0), power(), bus_off()."""
        if name not in self.abilities or name not in _FAULTS:
            raise NotOnTarget(f"{name}: the target {self.name} cannot do that here{_why(name)}")
        try:
            undo = self._begin(name, how)
        except (OSError, ValueError, TypeError) as error:
            raise AsvkitError(f"{name}: {getattr(error, 'strerror', None) or error}") from error
        self._undo.append(undo)
        return undo

    def _begin(self, name: str, how: dict[str, Any]) -> Callable[[], None]:
        if name == "clock":
            return self._step(**how)
        if name == "power":
            return self._cut(**how)
        if name == "bus_off" and self._lossy is not None:
            return self._lossy.lose(**how)
        if name == "disk_full":
            how = {"path": self.folder, **how}
        return faults.begin(name, how)

    def _step(self, step_s: float) -> Callable[[], None]:
        between, left = self._between, [round(step_s * 1e9)]
        assert between
        between.step(left[0])

        def undo() -> None:
            if left:
                between.step(-left.pop())

        return undo

    def _cut(self) -> Callable[[], None]:
        """The unit is killed, and what it had not made safe is gone. The power comes back with the next start."""
        assert self._between
        if self._unit is not None:
            # A supervisor would start it again: it has no power either
            self._unit.kill()
            self._unit.stop()
        ours = [
            self.folder / f"unit-{number}.{suffix}" for number in range(self._units + 1) for suffix in ("toml", "err")
        ]
        self._between.cut_power(self.folder, ours)
        return lambda: None

    def close(self) -> None:
        """May be called twice."""
        if self._unit is not None:
            self._unit.stop()
        while self._undo:
            self._undo.pop()()
        self._opened.close()


def _why(name: str) -> str:
    told = {
        "clock": interposed.missing(),
        "power": interposed.missing(),
        "disk_full": "needs root",
        "bus_off": "the target local-multicast can",
    }.get(name)
    return f": {told}" if told else ""


def _service() -> Service:
    """As hardware/asvkit.service asks, where that is there; mock pins of a unit that was killed stay as they were."""
    path = data_folder("hardware") / "asvkit.service"
    return replace(read_service(path.read_text(encoding="utf-8")), stop_post=()) if path.exists() else Service()
