"""The buses of a car by configuration and signal map: `[can]` is the map's first bus, `[can.bus.NAME]` its others."""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Final

import can

from asvunit.adapters.can_bus import CanBus
from asvunit.canbus.state import SILENCE_S
from asvunit.config import CanBusTable, CanTable, Config
from asvunit.errors import UsageError, nearest
from asvunit.ports import VehicleSignal
from asvunit.session.lines import channel_name
from asvunit.vehicle import Feed, VehicleMap

_PERIODS: Final = 4  # of the quickest message: missed, the bus is silent
_TIMEOUT_MS: Final = 500  # of signals whose period nobody told


def can_inputs(
    config: Config, car: VehicleMap | None, tap: Callable[[can.Message, str], None] | None = None
) -> dict[str, CanBus]:
    """The buses, checked, by port: "can", or "can.NAME" where the map has several; none without one.

    `tap` gets the frames that `record.can` asks for, and the channel that a log calls theirs.
    """
    if config.can.interface is None or car is None:
        return {}
    tables = bus_tables(config.can, car)
    buses: dict[str, CanBus] = {}
    lock = threading.Lock()
    for number, (key, table) in enumerate(tables):
        counters: Counter[str] = Counter()
        decode = car.decode if len(tables) == 1 else _in_turn(car, lock, counters)
        bus = CanBus(
            table.interface or config.can.interface,
            table.channel,
            decode=decode,
            identifiers=car.filters(number),
            bus=number,
            name=car.buses[number] if len(tables) > 1 else "",
            key=key,
            bitrate=table.bitrate,
            fd=table.fd,
            data_bitrate=table.data_bitrate,
            listen_only=table.listen_only,
            options=table.options,
            silence_s=silence_s([feed for feed in car.feeds if feed.bus == number]),
            counters=counters,
            tap=_tap_of(tap, channel_name(table.channel, number)) if tap else None,
            tap_all=tap is not None and config.record.can == "all",
        )
        bus.check()
        buses[bus.port] = bus
    if len(tables) == 1:
        car.counters = buses["can"].counters  # decoded in the same thread: one account of what the bus gave
    return buses


def bus_tables(given: CanTable, car: VehicleMap) -> list[tuple[str, CanBusTable]]:
    """Key and table of each bus of the map, in its order; UsageError where they do not fit each other."""
    first, *others = car.buses
    for name in given.bus:
        key = f"can.bus.{name}"
        if name == first:
            raise UsageError(f"{key}: the first bus of {car.path}; its keys stand in [can] itself")
        if name not in others:
            has = (
                f"{nearest(name, others)}; it has {', '.join(others)}" if others else "; it has one bus, that of [can]"
            )
            raise UsageError(f"{key}: {car.path} has no bus {name}{has}")
    for name in others:
        if name not in given.bus:
            mend = f'give [can.bus.{name}] its channel, e.g. channel = "can1", or take the bus out of the map'
            raise UsageError(f"can.bus.{name}: missing, {car.path} reads that bus too; {mend}")
    tables: list[tuple[str, CanBusTable]] = [("can", given)]
    tables += [(f"can.bus.{name}", given.bus[name]) for name in others]
    used: dict[tuple[str | None, str], str] = {}
    for key, table in tables:
        if key != "can" and "channel" not in table.model_fields_set:
            raise UsageError(f'{key}.channel: missing; e.g. channel = "can1"')
        way = (table.interface or given.interface, table.channel)
        if way in used:
            raise UsageError(f"{key}.channel: {table.channel} is that of {used[way]}; each bus has its own")
        used[way] = key
    return tables


def silence_s(feeds: list[Feed]) -> float:
    """How long a bus may be without any of these before it is told silent: less than 500 ms where periods are usual."""
    patiences_ms = [_PERIODS * feed.period_ms if feed.period_ms else _patience_ms(feed.timeout_ms) for feed in feeds]
    return max(SILENCE_S, min(patiences_ms, default=0) / 1000)


def described(config: Config, buses: dict[str, CanBus], car: VehicleMap) -> str:
    """What each bus will be, in words."""
    told = []
    for port, (_, table) in zip(buses, bus_tables(config.can, car), strict=True):
        name = f"{port.removeprefix('can.')}: " if port != "can" else ""
        rates = f", CAN FD{f' at {table.data_bitrate} bit/s' if table.data_bitrate else ''}" if table.fd else ""
        listening = ", listen-only" if table.listen_only else ""
        told.append(f"{name}{table.interface or config.can.interface} {table.channel}{rates}{listening}")
    return "; ".join(told)


def _tap_of(tap: Callable[[can.Message, str], None], channel: str) -> Callable[[can.Message], None]:
    return lambda message: tap(message, channel)


def _patience_ms(timeout_ms: int) -> int:
    return 0 if timeout_ms <= _TIMEOUT_MS else timeout_ms


def _in_turn(car: VehicleMap, lock: threading.Lock, counters: Counter[str]) -> Callable[..., list[VehicleSignal]]:
    """One map that several threads decode with; what it drops goes to the account of the bus."""

    def decode(message: can.Message, bus: int = 0) -> list[VehicleSignal]:
        with lock:
            car.counters = counters
            return car.decode(message, bus)

    return decode
