"""The bench file of a Raspberry Pi that is reached by SSH: what of this bench is wired to it, and how it is reached.

Every key is optional. What is not wired stands on the Pi itself: a receiver and a CAN adapter on pseudo terminals,
spoken to over the same SSH connection, and mock pins with their record.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from asvrig.unit_config import CAN_BITRATE, GNSS_BAUD
from asvunit.errors import UsageError
from asvunit.toml_file import read_toml

FILE: Final = "bench.toml"
VARIABLE: Final = "ASVKIT_BENCH"
_HOST: Final = re.compile(
    r"(?P<name>[^\s@:-][^\s@:]*@)?(?P<host>\[[0-9A-Fa-f:.%\w]+\]|[^\s@:\[\]-][^\s@:\[\]]*)(:(?P<port>\d+))?"
)


class Table(BaseModel):
    """A table of the file: no unknown keys, no changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class MachineTable(Table):
    folder: str = Field("asvkit-bench", min_length=1, description="of the bench's files there, from the user's home")
    python: str = Field("python3", min_length=1, description="there, with what asvkit needs; as /opt/asvkit/bin/python")
    install: Literal["checkout", "installed"] = Field(
        "checkout", description="checkout: this bench's asvkit is sent there; installed: that of `python` is tested"
    )
    ssh: list[str] = Field([], description='further options of ssh, as ["-i", "key"]')
    sudo: bool = Field(False, description="the agent runs as root: for disk_full and clock; and so does the unit")
    clock: bool = Field(False, description="its system clock may be stepped")


class GnssTable(Table):
    line: str | None = Field(None, min_length=1, description="of this bench, wired; none: a pty there")
    port: str = Field("/dev/ttyAMA0", min_length=1, description="the unit's, where a line is wired to it")
    baud: int = Field(GNSS_BAUD, ge=1200, le=4_000_000)


class CanTable(Table):
    bus: str | None = Field(
        None,
        pattern=r"^[^:]+:.+$",
        description="of this bench, as socketcan:can0, on the unit's bus; none: a pty there",
    )
    interface: str = Field("socketcan", min_length=1, description="the unit's, where a bus is wired to it")
    channel: str = Field("can0", min_length=1)
    bitrate: int | None = Field(CAN_BITRATE, ge=10_000, le=1_000_000)
    listen_s: float = Field(1.0, ge=0.1, le=60, description="the bus must be quiet so long before the bench sends")
    options: dict[str, str | int | float | bool] = Field({}, description="further arguments of both interfaces")


class RadioTable(Table):
    kind: Literal["udp", "ocb"] = "udp"
    address: str = Field("255.255.255.255", min_length=1, description="udp: broadcast or multicast")
    port: int = Field(47100, ge=1, le=65535, description="udp")
    interface: str | None = Field(None, min_length=1, description="of this bench; ocb: needed")
    unit_interface: str | None = Field(None, min_length=1, description="of the Pi; ocb: needed, as wlan0")


class PinsTable(Table):
    see: Literal["record", "edges", "none"] = Field(
        "record", description="record: mock pins; edges: inputs that lamps and buzzer are wired to"
    )
    at: Literal["pi", "bench"] = Field("pi", description="whose inputs and outputs `lights`, `tones` and `press` are")
    lights: dict[str, int] = Field({}, description="BCM number of the input by lamp")
    tones: dict[str, int] = Field({}, description="the same of the buzzer: {buzzer = 21}")
    press: dict[str, int] = Field({}, description="BCM number of the output by switch: mute, request")
    map: str | None = Field(None, min_length=1, description="pin map of the unit, a file of this bench")


class PowerTable(Table):
    off: list[str] = Field([], description="command of this bench that takes the Pi's power away")
    on: list[str] = Field([], description="and gives it back")
    boot_s: float = Field(90, ge=1, le=600, description="until ssh answers again")


class BenchFile(Table):
    """The whole file."""

    version: Literal[1] = 1
    machine: MachineTable = MachineTable()
    gnss: GnssTable = GnssTable()
    can: CanTable = CanTable()
    radio: RadioTable = RadioTable()
    pins: PinsTable = PinsTable()
    power: PowerTable = PowerTable()


@dataclass(frozen=True, slots=True)
class Host:
    """A machine as ssh is told of it."""

    destination: str
    port: int | None


def read_host(text: str) -> Host:
    """Of USER@HOST[:PORT]; an IPv6 address stands in brackets. UsageError for what is none."""
    found = _HOST.fullmatch(text.strip())
    port = int(found["port"]) if found and found["port"] else None
    if found is None or (port is not None and not 0 < port < 65536):
        raise UsageError(f"ssh:{text}: no machine's name; give ssh:USER@HOST or ssh:USER@HOST:PORT")
    return Host((found["name"] or "") + found["host"].strip("[]"), port)


def read_bench(path: Path | None) -> BenchFile:
    """The bench file; of None that of the variable ASVKIT_BENCH, else bench.toml here, else all stands on the Pi.

    UsageError with file, key and reason.
    """
    if path is None:
        named = os.environ.get(VARIABLE)
        path = Path(named) if named else Path(FILE)
        if not named and not path.exists():
            return BenchFile()
    bench = read_toml(path, BenchFile)
    told = _fault(bench)
    if told:
        raise UsageError(f"{path}: {told}")
    return bench


def _fault(bench: BenchFile) -> str:
    """What of it does not go together, or nothing."""
    radio, pins = bench.radio, bench.pins
    wrong = {
        'radio.interface: kind = "ocb" needs this bench\'s interface, and unit_interface': (
            radio.kind == "ocb" and not (radio.interface and radio.unit_interface)
        ),
        'pins.lights: see = "edges" needs the inputs of lights or tones': (
            pins.see == "edges" and not (pins.lights or pins.tones)
        ),
        'pins.see: lights, tones and press are of see = "edges"': (
            pins.see != "edges" and bool(pins.lights or pins.tones or pins.press)
        ),
        "power.on: off and on need each other": bool(bench.power.off) != bool(bench.power.on),
    }
    return next((text for text, is_so in wrong.items() if is_so), "")
