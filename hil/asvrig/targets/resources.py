"""Resources of a bench: what is there to reach a unit by, without a word of how it is used. `drivers` use them."""

from dataclasses import dataclass
from pathlib import Path

from asvrig.unit_config import CAN_BITRATE, GNSS_BAUD, LOOPBACK


@dataclass(frozen=True, slots=True)
class SerialLine:
    """A line to the unit's receiver input. `port`: where the unit finds its end of it."""

    port: str
    baud: int = GNSS_BAUD


@dataclass(frozen=True, slots=True)
class CanAdapter:
    """The unit's adapter, as its configuration names it."""

    interface: str
    channel: str
    bitrate: int | None = CAN_BITRATE


@dataclass(frozen=True, slots=True)
class UdpNetwork:
    """A network that carries frames as datagrams."""

    port: int
    address: str = LOOPBACK
    interface: str | None = None


@dataclass(frozen=True, slots=True)
class EthernetWire:
    """The bench's interface on a network that carries frames as Ethernet frames."""

    interface: str


@dataclass(frozen=True, slots=True)
class MockPins:
    """Pins that are a record, and a FIFO that presses switches."""

    record: Path
    switches: Path
