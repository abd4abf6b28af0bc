"""The unit's configuration: one TOML file, every key optional, unknown keys refused with the nearest name.

Defaults are those of a unit without a file: class B, a car of unknown length, no map, no keys, UDP.
"""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from asvcore import params
from asvcore.elements import ELEMENTS
from asvcore.settings import Settings
from asvunit.authority_keys import check_key, check_key_id, check_keys
from asvunit.gnss.gpsd_address import check_device, check_gpsd
from asvunit.ports import SIGNALS
from asvunit.toml_file import read_toml
from asvunit.words import CODES

Kind = Literal[
    "bus", "large_truck", "truck", "special", "car", "motorcycle", "moped2", "moped1", "pedestrian", "bicycle",
    "light_vehicle", "tram", "other",
]  # fmt: skip


class Table(BaseModel):
    """A table of the file: no unknown keys, no changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class VehicleTable(Table):
    kind: Kind = Field("car", description="element 5: " + " ".join(get_args(Kind)))
    length_m: float = Field(0, ge=0, le=100, description="0: not known, and sent so")
    position_class: Literal["S", "A", "B", "C"] = Field("B", description="the own device: S A B C [G table 1-1]")
    map: str | None = Field(None, min_length=1, description="signal map of the car: a file, or a name as bench")


class EgoTable(Table):
    position: Literal["auto", "fix"] = Field("auto", description="auto: moved on with a fresh CAN speed")
    sampling_delay_ms: int = Field(0, ge=0, le=1000, description="of the receiver and its serial line [D17]")
    antenna_to_front_m: float = Field(0, ge=-20, le=20, description="calibration [D11]")
    antenna_ahead_m: float = Field(0, ge=-20, le=20, description="of GNSS, ahead of the point that is sent [D11]")
    antenna_right_m: float = Field(0, ge=-5, le=5, description="and right of it; 0 0: the antenna's place is sent")
    reckoning_m: float = Field(15, ge=1, le=19, description="doubt of a reckoned position; more: it is not sent")
    simulate: Literal["off", "scenario"] = Field("off", description="table-top mode: own motion of a scenario's ego")
    scenario: str = Field("crossing", min_length=1, description="the scenario simulated: a name or a file")


class GnssTable(Table):
    port: str | None = Field(None, min_length=1, description="serial device, as /dev/ttyAMA0; none: no receiver")
    baud: int = Field(9600, ge=1200, le=4_000_000, description="NMEA at 10 Hz needs 38400 or more")
    gpsd: Annotated[str | None, AfterValidator(check_gpsd)] = Field(
        None, min_length=1, description="in the place of port: host:port of a gpsd that has the receiver"
    )
    device: Annotated[str | None, AfterValidator(check_device)] = Field(
        None, min_length=1, description="which of gpsd's receivers, as gpsd names it; none: the first that speaks"
    )


class CanBusTable(Table):
    interface: str | None = Field(None, min_length=1, description="of python-can: socketcan slcan ...; none: no CAN")
    channel: str = Field("can0", min_length=1, description="as can0, /dev/ttyACM0")
    bitrate: int | None = Field(None, ge=10_000, le=8_000_000, description="where the adapter sets it, as slcan does")
    fd: bool = Field(False, description="CAN FD frames too")
    data_bitrate: int | None = Field(None, ge=10_000, le=16_000_000, description="of CAN FD's data phase")
    listen_only: bool = Field(True, description="the unit never sends on CAN; false: it may acknowledge frames")
    options: dict[str, str | int | float | bool] = Field({}, description="further arguments of that interface")


class CanTable(CanBusTable):
    bus: dict[str, CanBusTable] = Field({}, description="further buses of the signal map, by their names there")


class RadioTable(Table):
    kind: Literal["udp", "ocb", "off"] = Field("udp", description="ocb: 802.11p, or any Ethernet, by frames")
    address: str = Field("127.255.255.255", description="udp: broadcast or multicast; this one stays on the machine")
    port: int = Field(47100, ge=1, le=65535, description="udp")
    interface: str | None = Field(None, min_length=1, description="ocb: needed; udp: for multicast and IPv6")
    ttl: int = Field(1, ge=0, le=255, description="udp: of multicast; 1: this network, 0: this machine")
    priority: int = Field(5, ge=0, le=7, description="802.1D user priority of own frames; 5: video, 7: voice")
    monitor: str | None = Field(None, min_length=1, description="ocb: a monitor interface, for received power")
    capture: str | None = Field(None, min_length=1, description="pcapng of all sent and heard; none: not written")


class SupportsTable(Table):
    port: int | None = Field(None, ge=1, le=65535, description="UDP, of other support systems; none: not heard")
    address: str = Field("127.0.0.1", description="own address to hear them at; this one: programs of this machine")


class HmiTable(Table):
    gpio: Literal["auto", "lgpio", "mock", "off"] = Field("auto", description="lgpio, or a mock where there is no Pi")
    pins: str | None = Field(None, min_length=1, description="pin map, a file; none: the one that comes with asvkit")
    record: str | None = Field(None, min_length=1, description="mock pins: every change, as JSON lines in this file")
    switches: str | None = Field(None, min_length=1, description="mock pins: a FIFO, made here, that presses switches")
    volume_percent: int = Field(100, ge=10, le=100, description="of the buzzer's sound pressure")
    information_sound: bool = Field(False, description="a soft sound for information too; never for surrounding")
    self_test: bool = Field(True, description="all lamps and a short tone for a second, when the unit starts")


class ScreenTable(Table):
    port: int | None = Field(None, ge=1, le=65535, description="web page of this unit; none: not served")
    address: str = Field("127.0.0.1", min_length=1, description="to be reached at; this one: this machine alone")
    hosts: list[str] = Field([], description="further names that browsers may call it by, as pi.local")
    clients: int = Field(16, ge=1, le=64, description="pages open at once; further ones are told so")


class EventsTable(Table):
    file: str | None = Field(None, min_length=1, description="JSON lines, appended; none: not written")
    socket: str | None = Field(None, min_length=1, description="Unix socket for other programs; none: not offered")


class RecordTable(Table):
    folder: str | None = Field(None, min_length=1, description="each run leaves a session there; none: not recorded")
    can: Literal["used", "all"] = Field("used", description="all: also the frames that the signal map does not name")
    part_mb: int = Field(64, ge=1, le=1024, description="a session goes on in new files after so much")
    max_mb: int = Field(4000, ge=2, le=10_000_000, description="of all sessions there; the oldest go first")
    keep_days: float = Field(7, ge=0.01, le=3660, description="location is personal: what is older is deleted")
    free_mb: int = Field(200, ge=0, le=1_000_000, description="left free on the disk: the oldest go, then none comes")


class CrossingTable(Table):
    enabled: bool = True
    start: Literal["stopped", "speed"] = Field("stopped", description="[G 4.1.2]; speed: 0..30 km/h stands in")
    ego_max_kmh: float = Field(30, ge=1, le=30, description="of that stand-in: 0..30 km/h [G table 3-3]")


class RightTurnTable(Table):
    enabled: bool = True
    ego_max_kmh: float = Field(30, ge=1, le=30, description="no support above: 0..30 km/h [G table 3-3]")


class LeftTurnTable(Table):
    enabled: bool = True
    ego_max_kmh: float = Field(30, ge=1, le=30, description="no support above: 0..30 km/h [G table 3-3]")
    targets: Literal["two_wheelers", "all"] = Field("two_wheelers", description="[G 4.3.1]; all: other vehicles too")


class SurroundingTable(Table):
    enabled: bool = True
    range_m: float = Field(100, ge=30, le=300, description="farther vehicles may be left out [G 4.4.2(3), D18]")
    shown: Literal["always", "request", "winker"] = Field(
        "always", description="request: the request switch starts and ends it; winker: while it is on [G 4.4.2(2)]"
    )


class EmergencyTable(Table):
    enabled: bool = True
    keys: Annotated[
        dict[Annotated[str, AfterValidator(check_key_id)], Annotated[str, AfterValidator(check_key)]],
        AfterValidator(check_keys),
    ] = Field({}, description="authority keys: id = Ed25519 public key in hex [G appendix 1 (42)]")
    own_key: str | None = Field(None, min_length=1, description="private key, a file: sends as an emergency vehicle")
    in_action: Literal["signal", "always", "never"] = Field(
        "signal", description="element 42, with own_key; signal: the signal map's emergency"
    )


class IntersectionsTable(Table):
    map: str | None = Field(None, min_length=1, description="GeoJSON of branching nodes; none: works without")


class PresentationTable(Table):
    mode: Literal["information_caution", "caution_alone", "information_ended"] = Field(
        "information_caution", description="[D14]"
    )
    information_s: float = Field(4.1, ge=4.1, le=5.1, description="way before the conflict: L3 [G 3.5(1), D13]")
    caution_s: float = Field(3.6, ge=3.6, le=4.1, description="way before the conflict: L4 [G 3.5(1), D13]")
    target_min_kmh: int = Field(5, ge=0, le=10, description="slower: no crossing, no right turn [G 4.1.3, D16]")
    parallel: int = Field(params.PARALLEL, ge=1, le=4, description="presentations at once [D18]")
    language: Literal["en", "ja"] = "en"


class NeighboursTable(Table):
    capacity: int = Field(
        params.NEIGHBOURS, ge=1, le=4096, description="vehicles heard at once; a quarter, 16 to 64, with support"
    )


class Config(Table):
    """The whole file."""

    config: int = Field(1, ge=1, le=1, description="version of this form")
    seed: int = Field(1, ge=0, lt=1 << 29, description="repeats the random vehicle_id; live, leave it out")
    traffic_side: Literal["left", "right"] = Field("left", description="right mirrors right and left turn [D16]")
    vehicle: VehicleTable = VehicleTable()
    ego: EgoTable = EgoTable()
    gnss: GnssTable = GnssTable()
    can: CanTable = CanTable()
    radio: RadioTable = RadioTable()
    supports: SupportsTable = SupportsTable()
    hmi: HmiTable = HmiTable()
    screen: ScreenTable = ScreenTable()
    events: EventsTable = EventsTable()
    record: RecordTable = RecordTable()
    crossing: CrossingTable = CrossingTable()
    right_turn: RightTurnTable = RightTurnTable()
    left_turn: LeftTurnTable = LeftTurnTable()
    surrounding: SurroundingTable = SurroundingTable()
    emergency: EmergencyTable = EmergencyTable()
    intersections: IntersectionsTable = IntersectionsTable()
    presentation: PresentationTable = PresentationTable()
    neighbours: NeighboursTable = NeighboursTable()

    def settings(self, timeouts_ms: list[int] | None = None, mapped: Iterable[str] = ()) -> Settings:
        """The core's settings; `timeouts_ms` of the vehicle signals and which are `mapped`, by the signal map."""
        settings = Settings()
        values = {
            "seed": self.seed,
            "position_class": _element_code("position_class", self.vehicle.position_class),
            "vehicle_kind": _element_code("vehicle_kind", self.vehicle.kind),
            "vehicle_length_dm": math.ceil(self.vehicle.length_m * 10),
            "position_mode": CODES["POSITION"][self.ego.position],
            "sampling_delay_ms": self.ego.sampling_delay_ms,
            "antenna_to_front_dm": round(self.ego.antenna_to_front_m * 10),
            "antenna_ahead_dm": round(self.ego.antenna_ahead_m * 10),
            "antenna_right_dm": round(self.ego.antenna_right_m * 10),
            "reckoning_dm": round(self.ego.reckoning_m * 10),
            "crossing": int(self.crossing.enabled),
            "crossing_start": CODES["START"][self.crossing.start],
            "crossing_ego_max_ckmh": round(self.crossing.ego_max_kmh * 100),
            "right_turn": int(self.right_turn.enabled),
            "right_turn_ego_max_ckmh": round(self.right_turn.ego_max_kmh * 100),
            "left_turn": int(self.left_turn.enabled),
            "left_turn_ego_max_ckmh": round(self.left_turn.ego_max_kmh * 100),
            "left_turn_targets": CODES["TARGETS"][self.left_turn.targets],
            "surrounding": int(self.surrounding.enabled),
            "surrounding_dm": round(self.surrounding.range_m * 10),
            "surrounding_shown": CODES["SHOWN"][self.surrounding.shown],
            "emergency": int(self.emergency.enabled),
            "emergency_send": CODES["ACTION"][self.emergency.in_action if self.emergency.own_key else "never"],
            "traffic_side": CODES["SIDE"][self.traffic_side],
            "target_min_kmh": self.presentation.target_min_kmh,
            "information_ms": round(self.presentation.information_s * 1000),
            "caution_ms": round(self.presentation.caution_s * 1000),
            "presentation_mode": CODES["MODE"][self.presentation.mode],
            "parallel": self.presentation.parallel,
            "information_sound": int(self.hmi.information_sound),
            "neighbours": self.neighbours.capacity,
        }
        for name, value in values.items():
            settings.set(name, value)
        for name, timeout_ms in zip(SIGNALS, timeouts_ms or [], strict=False):
            settings.set(f"timeout_{name}_ms", timeout_ms)
        settings.set("signals", sum(1 << SIGNALS.index(name) for name in mapped))
        return settings


def load_config(path: Path | None) -> Config:
    """The configuration of a file, or the defaults; UsageError with file, key and reason."""
    return Config() if path is None else read_toml(path, Config)


def _words(value_name: str) -> dict[str, int]:
    """The words of an element's coding and their codes."""
    rows: tuple[tuple[Any, ...], ...] = ELEMENTS
    coding = next(row[-1] for row in rows if row[-1][1:2] == (value_name,))
    return {word: code for code, word in coding[2]}


def _element_code(value_name: str, word: str) -> int:
    return _words(value_name)[word]
