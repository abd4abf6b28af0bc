"""Where a trial of the radio takes place: loopback, or a cable between two namespaces, over a bad link if asked for.

A `Road` says how the unit is configured and started, and how a flood and single senders get on the air. A
`RoadTrial` is a unit on it, with its car at the line (asvrig.live.waiting_car).
"""

import contextlib
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from asvrig.live.bad_link import BadLink, Quality
from asvrig.live.flood import Flood
from asvrig.live.flood_streams import Way
from asvrig.live.namespaces import Networks, exec_prefix, inside
from asvrig.live.radio import free_udp_port
from asvrig.live.unit_process import UNIT_COMMAND, UnitProcess
from asvrig.live.waiting_car import WaitingCar
from asvrig.scenario import Vehicle
from asvrig.unit_config import LOOPBACK, unit_config

KINDS: Final = ("udp", "udp6", "ocb")
_PORT: Final = 47100  # in a namespace of its own
_HOSTS: Final = {"udp": ("10.99.0.1/24", "10.99.0.2/24"), "udp6": ("fe80::a:1/64", "fe80::a:2/64"), "ocb": ("", "")}
_GROUPS: Final = {"udp": "10.99.0.255", "udp6": "ff02::47"}
_READY_S: Final = 30.0
EGO: Final = Vehicle.model_validate(
    {"name": "ego", "ego": True, "heading_deg": 0, "speed_kmh": 0, "seed": 4711, "can": "bench", "class": "B"}
)


@dataclass(frozen=True, slots=True)
class Road:
    """`radio`: the unit's [radio] table as TOML lines; `flood`: the arguments that say where a flood goes."""

    name: str
    radio: str
    flood: tuple[str, ...]
    unit_network: str = ""  # namespaces; "": this one
    sender_network: str = ""
    link: BadLink | None = None

    def sender(self, number: int = 0) -> tuple[socket.socket, Callable[[bytes], None]]:
        """A further vehicle's way to the air; what the network does not take is lost. The socket is to be closed."""
        kind, where, port, interface = self.flood
        with inside(self.sender_network) if self.sender_network else contextlib.nullcontext():
            way = Way(kind, where, int(port), interface.removeprefix("--interface="), seed=255)
            out = way.open()
        out.setblocking(False)

        def send(payload: bytes) -> None:
            with contextlib.suppress(OSError):
                out.send(way.framed([payload], number)[0])

        return out, send

    def flooded(self, *arguments: str) -> Flood:
        """A flood of these arguments of `asvrig.live.flood`, ready to begin."""
        return Flood(*self.flood, *arguments, prefix=_prefix(self.sender_network))

    @property
    def unit_command(self) -> Sequence[str]:
        """What starts a unit there."""
        return (*_prefix(self.unit_network), *UNIT_COMMAND)


def _prefix(network: str) -> tuple[str, ...]:
    return exec_prefix(network) if network else ()


def loopback() -> Road:
    """This machine's own broadcast."""
    port = free_udp_port()
    radio = f'address = "{LOOPBACK}"\nport = {port}\n'
    return Road("loopback", radio, ("udp", LOOPBACK, str(port), "--interface="))


@contextlib.contextmanager
def cabled(kind: str, quality: Quality | None = None, seed: int = 1) -> Iterator[Road]:
    """Two namespaces with a cable between them; with a `quality`, a relay of that quality in a third amid it.

    `kind`: one of KINDS. AsvkitError where namespaces cannot be made: ask `namespaces.missing` first.
    """
    with contextlib.ExitStack() as stack:
        networks = stack.enter_context(Networks())
        unit, sender = networks.add(), networks.add()
        hosts, link = _HOSTS[kind], None
        if quality is None:
            ends = networks.cable(unit, sender, hosts)
        else:
            middle = networks.add()
            near = networks.cable(unit, middle, (hosts[0], ""))
            far = networks.cable(middle, sender, ("", hosts[1]))
            ends = near[0], far[1]
            link = BadLink(near[1], far[0], quality, seed=seed, prefix=exec_prefix(middle))
            stack.callback(link.close)
        if kind == "ocb":
            radio, flood = f'kind = "ocb"\ninterface = "{ends[0]}"\n', ("ocb", ends[1], str(_PORT), "--interface=")
        else:
            group = _GROUPS[kind]
            radio = f'address = "{group}"\nport = {_PORT}\n'
            radio += f'interface = "{ends[0]}"\n' if kind == "udp6" else ""
            flood = ("udp", group, str(_PORT), f"--interface={ends[1]}")
        yield Road(f"veth, {kind}", radio, flood, unit, sender, link)


class RoadTrial:
    """A unit on a road, its car driving up to the line; its files are in `folder`."""

    def __init__(
        self,
        road: Road,
        folder: Path,
        *,
        config: str = "",
        on_event: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        """`config`: further tables of the unit, as TOML. AsvkitError if the unit does not begin."""
        with contextlib.ExitStack() as stack:
            out, send = road.sender()
            stack.callback(out.close)
            self.car = WaitingCar(send)
            stack.callback(self.car.close)
            text = unit_config(
                EGO,
                seed=1,
                gnss_port=self.car.receiver.port,
                can_channel=self.car.can.port,
                radio_port=_PORT,
                folder=folder,
            )
            head, found, rest = text.partition("[radio]\n")
            assert found
            text = f"{head}[radio]\n{road.radio}\n{rest[rest.index('[') :]}{config}"
            self.unit = UnitProcess("ego", folder, text, command=road.unit_command, on_event=on_event)
            stack.callback(self.unit.stop)
            self.unit.wait_ready(_READY_S)
            self._stack = stack.pop_all()

    def wait_for(self, kind: str, timeout_s: float = 20.0, since: int = 0, **told: Any) -> dict[str, Any]:
        """The first event of a kind that tells this; AsvkitError if it does not come."""

        def matches(event: dict[str, Any]) -> bool:
            return event["event"] == kind and all(event.get(key) == value for key, value in told.items())

        return self.unit.wait_event(matches, timeout_s, since=since)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
