"""The car's buses heard for some seconds: frames, and which signals of the map they bring. Nothing is ever sent."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from asvtools.doctor.can_coverage import OTHER_CAR, Heard, coverage
from asvtools.doctor.can_link import link_finding, system_finding
from asvtools.doctor.finding import ABSENT, OK, PROBLEM, SKIPPED, Finding, Job, plural
from asvtools.doctor.serial_line import claimed, fault_text, port_finding
from asvtools.doctor.side_by_side import side_by_side

if TYPE_CHECKING:
    import can

    from asvunit.config import CanBusTable
    from asvunit.ports import VehicleSignal
    from asvunit.vehicle import VehicleMap

_RECEIVE_S: Final = 0.1
_MOST_FAILURES: Final = 200
_SILENT: Final = "is the ignition on? Else look at the cable: CAN high and low, ground; OBD plugs are often gatewayed"
_WRONG_RATE: Final = "look at the bit rate ({key}.bitrate; cars: 500000, 250000, 125000), wiring and termination"

Opener = Callable[..., "can.BusABC"]


@dataclass
class _Bus:
    """One bus of the configuration. `index`: of the map's buses."""

    title: str
    key: str
    interface: str
    table: "CanBusTable"
    car: "VehicleMap | None"
    index: int
    lock: threading.Lock  # one map, several threads that decode with it
    dropped: Counter[str] = field(default_factory=Counter)

    @property
    def serial_port(self) -> str | None:
        """The adapter's serial device; None for adapters without."""
        from asvunit.canbus.interfaces import SERIAL

        path = self.table.channel.partition("@")[0]
        return path if self.interface in SERIAL and "://" not in path else None

    def decode(self, message: "can.Message") -> "list[VehicleSignal]":
        if self.car is None:
            return []
        with self.lock:
            self.car.counters = self.dropped
            return self.car.decode(message, self.index)


def check_can(job: Job, opener: Opener | None = None) -> Iterator[Finding]:
    """Every bus of the configuration, and the map; without a configuration, which interfaces there are."""
    if job.config is None:
        yield system_finding(job)
        return
    config = job.config.can
    if config.interface is None and not config.bus:
        detail = "none configured" if job.config.ego.simulate == "off" else "none configured: simulated as well"
        yield Finding("can", ABSENT, f"{detail}: without the car's signals it supports less", "set [can] interface")
        return
    car = None
    for item in _load_map(job):
        if isinstance(item, Finding):
            yield item
        else:
            car = item
    yield from side_by_side(lambda bus: _bus(job, bus, opener), _buses(job, car))


def _buses(job: Job, car: "VehicleMap | None") -> list[_Bus]:
    """By the map, or where there is none that fits, by the configuration alone."""
    from asvunit.canbus.assembly import bus_tables

    assert job.config is not None
    config = job.config.can
    names = car.buses if car else ("", *config.bus)
    tables = (
        bus_tables(config, car) if car else [("can", config), *((f"can.bus.{n}", t) for n, t in config.bus.items())]
    )
    lock = threading.Lock()
    return [
        _Bus(
            f"can {name}".strip() if len(tables) > 1 else "can",
            key, table.interface or config.interface or "socketcan", table, car, index, lock,
        )
        for index, (name, (key, table)) in enumerate(zip(names, tables, strict=True))
    ]  # fmt: skip


def _load_map(job: Job) -> "Iterator[Finding | VehicleMap]":
    from asvunit.assembly import vehicle_map
    from asvunit.canbus.assembly import bus_tables
    from asvunit.errors import AsvkitError

    assert job.config is not None
    try:
        car = vehicle_map(job.config, job.folder)
        if car is None:
            return
        bus_tables(job.config.can, car)
    except AsvkitError as error:
        yield Finding("can map", PROBLEM, str(error), "`asvkit config check` says it too; docs/vehicle-maps.md", True)
        return
    paths = [str(each.path) for each in car.databases] or [str(car.database_path)]
    found = {
        "map": str(car.path), "databases": paths, "signals": list(car.mapped), "warnings": list(car.warnings),
    }  # fmt: skip
    detail = f"{car.name}: {', '.join(car.mapped)}; {', '.join(path.rpartition('/')[2] for path in paths)}"
    if car.warnings:
        more = f" (and {len(car.warnings) - 1} more)" if len(car.warnings) > 1 else ""
        mend = f"harmless where the map's signals are right: `asvkit vehicle check {car.path} --log LOG` compares"
        yield Finding("can map", OK, f"{detail}; {car.warnings[0]}{more}", mend, True, found)
    else:
        yield Finding("can map", OK, detail, "", True, found)
    yield car


def _bus(job: Job, bus: _Bus, opener: Opener | None) -> Iterator[Finding]:
    name, channel = f"{bus.title} link", bus.table.channel
    if job.holder and bus.interface != "socketcan":  # of SocketCAN any number of programs may listen
        yield Finding(name, SKIPPED, f"{channel}: {job.holder} has it", "end the unit to try its parts")
        return
    if bus.interface == "socketcan":
        link = link_finding(job, bus.title, bus.key, bus.table)
        yield link
        if not link.found.get("up"):
            return
    else:
        port = _port(job, bus)
        if port is not None:
            yield port
            if port.state != OK:
                return
    try:
        with claimed(bus.serial_port):
            heard = _listen(job, bus, opener)
    except OSError as error:  # of the claim alone
        detail, mend = fault_text(bus.serial_port or channel, error)
        yield Finding(name, PROBLEM, detail, mend, True)
        return
    if isinstance(heard, Finding):
        yield heard
        return
    yield _traffic(bus, heard)
    if bus.car is not None and heard.frames:
        yield from coverage(bus.title, heard, bus.car, bus.index, bus.dropped)


def _port(job: Job, bus: _Bus) -> Finding | None:
    if bus.serial_port is None:
        return None
    found = port_finding(job, f"{bus.title} link", bus.serial_port, needed=True)
    if found.state != PROBLEM:
        return found
    # Its words are those of a receiver's port
    mend = found.mend.replace("gnss.port", f"{bus.key}.channel").replace("receiver", "adapter")
    return Finding(found.name, found.state, found.detail, mend, True, found.found)


def _listen(job: Job, bus: _Bus, opener: Opener | None) -> Heard | Finding:
    """What the bus says; or why it cannot be heard. Listen-only, whatever the configuration says."""
    from asvunit.canbus.faults import CanFaults
    from asvunit.canbus.interfaces import Adapter, arguments, check_arguments, open_bus
    from asvunit.errors import AsvkitError

    table, name = bus.table, f"{bus.title} link"
    adapter = Adapter(
        bus.interface, table.channel, table.bitrate, table.fd, table.data_bitrate, True, dict(table.options), bus.key
    )
    try:
        check_arguments(adapter)
        opened = (opener or open_bus)(bus.interface, table.channel, **arguments(adapter))
    except AsvkitError as error:
        return Finding(name, PROBLEM, str(error), f"look at [{bus.key}]: docs/live.md", True)
    except Exception as error:  # python-can's drivers raise whatever goes wrong in them
        what, _semicolon, mend = CanFaults(adapter, bus.serial_port).explain(error)[1].rpartition("; ")
        return Finding(name, PROBLEM, what, f"`{mend}`" if mend.startswith("sudo ") else mend, True)
    try:
        return _hear(opened, job.seconds, bus)
    finally:
        with suppress(Exception):  # of a device that is gone meanwhile
            opened.shutdown()


def _hear(opened: "can.BusABC", seconds: float, bus: _Bus) -> Heard:
    from asvunit.ports import SIGNALS, UNKNOWN

    heard, failures, began = Heard(), 0, time.monotonic()
    while (left := began + seconds - time.monotonic()) > 0 and failures < _MOST_FAILURES:
        try:
            message = opened.recv(min(_RECEIVE_S, left))
        except Exception:  # slcan: for each broken line
            heard.errors += 1
            failures += 1
            continue
        if message is None or message.is_remote_frame:
            continue
        if message.is_error_frame:
            heard.errors += 1
            continue
        failures = 0
        heard.frames += 1
        heard.identifiers[(message.arbitration_id, message.is_extended_id)] += 1
        message.timestamp = time.monotonic()
        for signal in bus.decode(message):
            name = SIGNALS[signal.signal]
            heard.signals[name] += 1
            heard.unknown[name] += signal.status == UNKNOWN
            heard.last[name] = signal.value
    heard.seconds = max(time.monotonic() - began, 0.001)
    return heard


def _traffic(bus: _Bus, heard: Heard) -> Finding:
    name, key = f"{bus.title} traffic", bus.key
    rate = round(heard.frames / heard.seconds)
    found = {"frames_per_s": rate, "identifiers": len(heard.identifiers), "errors": heard.errors}
    if not heard.frames:
        if heard.errors:
            detail = f"no frames, but {plural(heard.errors, 'error')} in {heard.seconds:.1f} s"
            return Finding(name, PROBLEM, detail, _WRONG_RATE.format(key=key), True, found)
        mend = f"{_SILENT}; some adapters tell nothing of a wrong bit rate ({key}.bitrate)"
        return Finding(name, PROBLEM, f"no frame in {heard.seconds:.1f} s", mend, True, found)
    detail = f"{rate} frames a second, {plural(len(heard.identifiers), 'identifier')}"
    if heard.errors:
        detail += f", {plural(heard.errors, 'error')}"
    mapped = set(bus.car.identifiers(bus.index)) if bus.car else set()
    if bus.car and mapped and not any(bus.car.identified(frame, bus.index) for frame in heard.identifiers):
        return Finding(name, PROBLEM, f"{detail}; none of the {len(mapped)} of the map", OTHER_CAR, True, found)
    noisy = heard.errors > heard.frames // 20
    mend = _WRONG_RATE.format(key=key) if noisy else ""
    return Finding(name, PROBLEM if noisy else OK, detail, mend, False, found)
