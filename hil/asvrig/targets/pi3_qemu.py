"""The target of an emulated Raspberry Pi 3B: a real kernel with SocketCAN, a real GPIO chip, a real UART, 802.11p.

The unit is the checkout's, unchanged, with lgpio on the emulated chip; what it does is seen from outside, at the pins
and in the frames. It is a machine of its own: its clock can be set, its card be full, its power be cut.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from asvrig.agent.client import AgentClient
from asvrig.agent.streams import DescriptorStream
from asvrig.agent.supervisor import Service, read_service
from asvrig.agent.unit import AgentUnit
from asvrig.latency.probes import Probe
from asvrig.pi3.air import EtherAir
from asvrig.pi3.card import extract
from asvrig.pi3.code import STATE
from asvrig.pi3.host import missing
from asvrig.pi3.image import Image, build, open_image
from asvrig.pi3.machine import Machine
from asvrig.pi3.pins import PinProbe, PinSwitches
from asvrig.pi3.qtest import Qtest
from asvrig.pi3.wires import CanWire, ReceiverWire
from asvrig.results import git_revision, pins_sha256
from asvrig.targets.pi3_qemu_ocb import on_ocb
from asvrig.targets.tables import merged, toml_text
from asvrig.targets.target import Air, CanLine, Described, Done, NotOnTarget, Receiver, Switches, Tables
from asvunit.errors import AsvkitError
from asvunit.pins import load_pins
from asvunit.resources import data_folder

__all__ = ["Pi3Target", "missing", "pi3_target"]

_ABILITIES: Final = frozenset(
    {"unplug", "switches", "pins", "pwm", "air", "ocb", "bus_off", "clock", "disk_full", "hog", "power", "supervisor"}
)
_UNIT_ARGV: Final = ("python3", "-P", "-m", "asvtools", "run")
_EVENTS: Final = "/run/asvkit/events"
_BOOT_S: Final = 120.0
_DEVICES_S: Final = 60.0
_RETRY_S: Final = 0.1
_PIECE_BYTES: Final = 1024  # the mini UART has no flow control
_UART, _GNSS = "/dev/ttyAMA0", "/dev/gnss"
_HANG_UP: Final = (
    f'import fcntl, os; fcntl.ioctl(os.open("{_UART}", os.O_NOCTTY | os.O_NONBLOCK), 0x5437)'  # TIOCVHANGUP
)
_IS_CAN: Final = '[ "$(cat $one/serial 2>/dev/null)" = can ]'


def pi3_target(folder: Path, image: Path | None = None) -> "Pi3Target":
    """Built if need be, booted and ready; its card and logs come into `folder`. UsageError with what is missing."""
    return Pi3Target(folder, build() if image is None else open_image(image))


class Pi3Target:
    """`targets.target.Target`. The Pi is switched on again by whatever needs it after a power cut."""

    name = "pi3-qemu"
    abilities = _ABILITIES
    pace = 5  # a twentieth of the speed of the machine that plays it: not all that a car says can be taken

    def __init__(self, folder: Path, image: Image) -> None:
        self.boot_s = 0.0  # the last one: from the power to the agent, with all devices there
        self._image = image
        self._map = load_pins(None)
        self._client: AgentClient | None = None
        self._qtest: Qtest | None = None
        self._unit: AgentUnit | None = None
        self._units = 0
        self._told: dict[str, str] = {}
        self._undo: list[Callable[[], None]] = []
        folder.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as opened:
            self.machine = Machine(image, folder)
            opened.callback(self.machine.close)
            self._receiver = ReceiverWire(lambda: self.machine.connect("gnss"), self._bind_uart)
            self._can = CanWire(lambda: self.machine.connect("can"), self._bind_can)
            self._air = EtherAir(self.machine.path("bench"), self.machine.path("radio"))
            opened.callback(self._air.close)
            self._switches = PinSwitches(self._map)
            self._pins = PinProbe(self._map)
            self._pins.start()
            opened.callback(self._pins.close)
            opened.callback(self._power_off)
            # By what they are to those who test
            self.receiver: Receiver = self._receiver
            self.can: CanLine = self._can
            self.air: Air = self._air
            self.switches: Switches = self._switches
            self.pins: Probe = self._pins
            self.switch_on()
            self._opened = opened.pop_all()

    # The machine

    def switch_on(self) -> None:
        """Boots it, if it is off, and waits until all of its devices are there."""
        if self._client is not None and self.machine.on:
            return
        self._power_off()
        begun_s = time.monotonic()
        self.machine.switch_on()
        self._qtest = self._switches.line = Qtest(
            self.machine.connect("qtest"),
            self.machine.log,
            self._pins.edge,
            (self.machine.folder / "qemu.log").open("wb", buffering=0),
        )
        self._switches.release()
        for wire in (self._receiver, self._can):
            wire.power(True)
        line = self.machine.connect("agent").detach()
        self._client = AgentClient(DescriptorStream(line, line), "pi3-qemu", _PIECE_BYTES)
        try:
            self._client.hello(_BOOT_S)
        except AsvkitError as error:
            raise AsvkitError(f"the emulated Pi does not come up: {self.machine.last_words() or error}") from error
        self._wait_devices(self._client)
        there = self._client.clock()
        ahead_ns = time.time_ns() - (time.monotonic_ns() - there.bench_ns) - there.unix_ns
        self._client.fault("clock", step_s=ahead_ns / 1e9)  # for good
        self.boot_s = time.monotonic() - begun_s

    def cut_power(self) -> None:
        """As if its plug were pulled."""
        self.machine.cut_off()
        self._power_off()

    def extract(self, path: str, into: Path) -> Path:
        """A file or folder of the unit's folder, as a power cut has left it on the card."""
        if self.machine.on:
            raise AsvkitError(f"{path}: the emulated Pi is on; cut its power first, or read it")
        return extract(self.machine.card, f"/{path.removeprefix(STATE).lstrip('/')}", into)

    def _wait_devices(self, client: AgentClient) -> None:
        until_s = time.monotonic() + _DEVICES_S
        while True:
            done = client.run(["sh", "-c", "cat /sys/class/net/can0/operstate /sys/class/net/usb0/carrier"])
            if done.code == 0 and done.out.split() == ["up", "1"]:
                return
            if time.monotonic() > until_s:
                raise AsvkitError("the emulated Pi does not come up: CAN and radio did not appear")
            time.sleep(_RETRY_S)

    def _power_off(self) -> None:
        self.machine.cut_off()
        client, self._client = self._client, None
        if client is not None:
            client.close()
        if self._qtest is not None:
            self._qtest.close()
            self._qtest = self._switches.line = None
        for wire in (self._receiver, self._can):
            wire.power(False)
        self._pins.dark()
        self._unit = None
        self._undo.clear()

    @property
    def _agent(self) -> AgentClient:
        self.switch_on()
        assert self._client is not None
        return self._client

    # What a target is

    def describe(self) -> Described:
        """The machine, and what it was built of."""
        if not self._told:
            told = self._agent.run(["uname", "-rm"]).out.split()
            keys = ("python3", "iproute2", "iw", "lgpio", "gpiozero", "pydantic", "python-can")
            versions = {key: self._image.versions[key] for key in keys if key in self._image.versions}
            self._told = {"kernel": told[0], "machine": told[1], **versions}
        return Described(
            self.name,
            git_revision(),
            pins_sha256(),
            {
                "gnss": f"PL011 {_UART}",
                "can": "SocketCAN can0, slcan on USB serial",
                "radio": "Ethernet frames on usb0",
                "pins": "lgpio on the BCM2835, seen by qtest",
            },
            dict(self._told),
        )

    def config(self) -> dict[str, dict[str, Any]]:
        """The tables that bind a unit to this bench."""
        return {
            "vehicle": {"map": "bench"},
            "gnss": {"port": _GNSS, "baud": 115200},
            "can": {"interface": "socketcan", "channel": "can0"},
            "radio": {"kind": "ocb", "interface": "usb0"},
            "hmi": {"gpio": "lgpio", "self_test": False},
            "events": {"socket": _EVENTS},
        }

    def start(self, tables: Tables | None = None, *, supervised: bool = False) -> AgentUnit:
        """A unit, not waited for; AsvkitError while another one runs."""
        agent = self._agent
        if self._unit is not None:
            if self._unit.exit_code is None:
                raise AsvkitError(f"{self._unit.name} still runs; one unit at a time")
            self._unit.stop()
        self._switches.release()
        self._units += 1
        name = f"unit-{self._units}"
        path = f"{STATE}/{name}.toml"
        agent.write(path, toml_text({"config": 1, **merged(self.config(), tables or {})}).encode())
        self._unit = agent.start(
            [*_UNIT_ARGV, "--config", path, "--stop-on-eof"],
            supervised=_service() if supervised else False,
            name=name,
            socket=_EVENTS,
        )
        return self._unit

    def command(self, *argv: str, timeout_s: float = 30) -> Done:
        """In the unit's folder."""
        return self._agent.run(argv, timeout_s)

    def read(self, path: str) -> bytes:
        """AsvkitError where it cannot be read."""
        return self._agent.read(f"{STATE}/{path}" if not path.startswith("/") else path)

    def write(self, path: str, data: bytes) -> None:
        """Folders on the way are made."""
        self._agent.write(f"{STATE}/{path}" if not path.startswith("/") else path, data)

    @contextlib.contextmanager
    def ocb(self) -> Iterator[dict[str, dict[str, Any]]]:
        """802.11p in the place of the USB network: gives the tables of a unit that uses it, for as long as it is on."""
        with on_ocb(self._agent) as tables:
            yield tables

    def fault(self, name: str, **how: Any) -> Callable[[], None]:
        """clock(step_s), disk_full(leave_bytes=0), hog(processes=0, nice=0), power(), bus_off(); the undo of it."""
        ways: Mapping[str, Callable[..., Callable[[], None]]] = {
            "power": self._power_fault,
            "bus_off": self._bus_off,
            "disk_full": self._disk_full,
            "clock": self._agent_fault("clock"),
            "hog": self._agent_fault("hog"),
        }
        if name not in ways:
            raise NotOnTarget(f"{name}: the target {self.name} cannot do that; it can do {', '.join(ways)}")
        undo = ways[name](**how)
        self._undo.append(undo)
        return undo

    def close(self) -> None:
        """May be called twice."""
        self._opened.close()

    def _agent_fault(self, name: str) -> Callable[..., Callable[[], None]]:
        def begin(**how: Any) -> Callable[[], None]:
            agent = self._agent
            undo = agent.fault(name, **how)
            return lambda: undo() if self._client is agent else None

        return begin

    def _disk_full(self, **how: Any) -> Callable[[], None]:
        return self._agent_fault("disk_full")(**{"path": STATE, **how})

    def _bind_uart(self, there: bool) -> None:
        """Its name goes, and who has it open is hung up on, as by a plug that is pulled; or the name comes."""
        self._there(f"ln -sf {_UART} {_GNSS}" if there else f"rm -f {_GNSS}; python3 -c '{_HANG_UP}'")

    def _bind_can(self, there: bool) -> None:
        """The same with the adapter on USB."""
        self._there(f"for one in /sys/bus/usb/devices/*; do {_IS_CAN} && echo {there:d} >$one/authorized; done; true")

    def _there(self, words: str) -> None:
        done = self._agent.run(["sh", "-c", words])
        if done.code:
            raise AsvkitError(f"the emulated Pi refuses: {done.err.strip() or done.code}")

    def _power_fault(self) -> Callable[[], None]:
        self.cut_power()
        return self.switch_on

    def _bus_off(self) -> Callable[[], None]:
        """As an adapter tells that its controller has taken itself off the bus. Set up again, it is there again."""
        agent = self._agent
        self._can.state("b", 0, 256)

        def undo() -> None:
            if self._client is agent:
                for word in ("down", "up"):
                    agent.run(["ip", "link", "set", "can0", word])

        return undo


def _service() -> Service:
    """As hardware/asvkit.service asks, where that is there."""
    path = data_folder("hardware") / "asvkit.service"
    if not path.exists():
        return Service()
    service = read_service(path.read_text(encoding="utf-8"))
    return replace(service, stop_post=("python3", "-P", "-m", "asvtools", *service.stop_post[1:]))
